//! Where an answer with several tables goes: the main one to a file, or all of them to a directory.

use super::Answer;
use super::args::CsvArgs;
use ringfence::report::files::{table_format, write_table};
use ringfence::report::output::check_new;
use ringfence::report::text::to_text;
use ringfence::report::{Report, ReportWriter, Table, TableSink, write_report};
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

/// Rows shown of an answer that is written while it is made; all of them are in the output.
const ROWS: usize = 10;

/// What is kept of the main table of an answer while it goes by, and where it goes.
struct Passing<'s> {
    main: &'static str,
    head: Option<Table>,
    num_rows: usize,
    to: &'s mut dyn TableSink,
    /// Whether only the main table goes there.
    alone: bool,
}

impl TableSink for Passing<'_> {
    fn rows(&mut self, name: &'static str, rows: Table) -> Result<()> {
        if name == self.main {
            self.num_rows += rows.num_rows();
            match &mut self.head {
                Some(head) if head.num_rows() < ROWS => head.append(rows.head(ROWS - head.num_rows())),
                Some(_) => {}
                None => self.head = Some(rows.head(ROWS)),
            }
        }
        if self.alone && name != self.main { Ok(()) } else { self.to.rows(name, rows) }
    }

    fn rows_at_once(&self) -> usize {
        self.to.rows_at_once()
    }
}

impl OutputArgs {
    /// Writes an answer while `make` makes it, whole or not at all; the document that it returns is called `summary`. `say` puts the
    /// document into words; the first rows of the table `main` stand behind them.
    pub fn stream(
        &self,
        main: &'static str,
        make: impl FnOnce(&mut dyn TableSink) -> Result<Value>,
        say: impl FnOnce(&Value) -> String,
        run: &Run,
    ) -> Result<Answer> {
        let output = self.output.display().to_string();
        let (mut tables, alone) = (Vec::new(), self.output.extension().is_some());
        let mut folder = match alone {
            true => None,
            false => Some(ReportWriter::create(&self.output, self.csv.options(), run)?),
        };
        let to: &mut dyn TableSink = match &mut folder {
            Some(folder) => folder,
            None => &mut tables,
        };
        let mut passing = Passing { main, head: None, num_rows: 0, to, alone };
        let document = make(&mut passing)?;
        let (head, num_rows) = (passing.head.unwrap_or_default(), passing.num_rows);
        match folder {
            Some(folder) => folder.finish("summary", &document)?,
            None => {
                let table = tables.swap_remove(0).1;
                write_table(table, &self.output, self.csv.options(), run)?;
            }
        }
        let more = match num_rows - head.num_rows() {
            0 => String::new(),
            more => format!("… {more} more\n"),
        };
        let text = format!("{}\n\n{}{more}\nwritten to {output}\n", say(&document), to_text(&head, ROWS));
        let mut said = Map::new();
        said.insert("output".into(), output.into());
        said.insert("summary".into(), document);
        Ok(Answer::new(text, Value::Object(said)))
    }
}
