//! Where an answer with several tables goes: the main one to a file, or all of them to a directory.

use super::Answer;
use super::args::CsvArgs;
use ringfence::report::files::{table_format, write_table};
use ringfence::report::output::check_new;
use ringfence::report::{Report, write_report};
use ringfence::{Result, Run};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Where an answer goes.
#[derive(Debug, clap::Args)]
pub struct OutputArgs {
    /// File to make with the main table alone (.csv, .json or .parquet), or else a directory with every table as .csv and
    /// .parquet, and what they rest on as .json.
    #[arg(long, value_name = "PATH")]
    output: PathBuf,
    #[command(flatten)]
    csv: CsvArgs,
}

impl OutputArgs {
    /// Refuses what cannot be made, before any work.
    pub fn check(&self) -> Result<()> {
        match self.output.extension() {
            Some(_) => table_format(&self.output).map(|_| ()),
            None => check_new(&self.output),
        }
    }

    /// Writes `report`, whole or not at all; `text` is what is said of it, before the line that says where it is.
    pub fn write(&self, mut report: Report, text: &str, run: &Run) -> Result<Answer> {
        let output = self.output.display().to_string();
        let mut said = Map::new();
        said.insert("output".into(), output.clone().into());
        said.insert(report.document_name.into(), report.document.clone());
        if self.output.extension().is_some() {
            write_table(report.tables.swap_remove(0).1, &self.output, self.csv.options(), run)?;
        } else {
            write_report(&report, &self.output, self.csv.options(), run)?;
        }
        Ok(Answer::new(format!("{text}written to {output}\n"), Value::Object(said)))
    }
}
