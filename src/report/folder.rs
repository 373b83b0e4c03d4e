//! A result with several tables, and its directory.

use super::csv::{CsvOptions, write_csv};
use super::output::Directory;
use super::table::Table;
use crate::error::Result;
use crate::run::Run;
use serde_json::Value;
use std::io::Write;
use std::path::Path;

/// An answer as it leaves the engine: tables by name, a document that says under which rules and on which data they
/// hold, and results of the same kind below it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Tables by the names of their files, without ending.
    pub tables: Vec<(&'static str, Table)>,
    /// The name of the document's file without ending: `ledger` where books are in it, else `summary`.
    pub document_name: &'static str,
    /// The document, an object.
    pub document: Value,
    /// Results below this one, by the names of their directories.
    pub parts: Vec<(&'static str, Report)>,
}

impl Report {
    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|(found, _)| *found == name).map(|(_, table)| table)
    }

    /// The result below of this name.
    pub fn part(&self, name: &str) -> Option<&Report> {
        self.parts.iter().find(|(found, _)| *found == name).map(|(_, report)| report)
    }
}

/// Writes `report` to the new directory `path`, whole or not at all: each table as `.csv` and `.parquet`, the document as
/// `.json`, each part in a directory of its own.
///
/// # Errors
/// Those of [`Directory`].
pub fn write_report(report: &Report, path: &Path, csv: CsvOptions, run: &Run) -> Result<()> {
    run.stage("writing", 0);
    let directory = Directory::create(path, run)?;
    write_into(&directory, "", report, csv)?;
    directory.finish()
}

fn write_into(directory: &Directory, folder: &str, report: &Report, csv: CsvOptions) -> Result<()> {
    for (name, table) in &report.tables {
        directory.file(&format!("{folder}{name}.csv"), |out| write_csv(table, csv, out))?;
        #[cfg(feature = "arrow")]
        directory.file(&format!("{folder}{name}.parquet"), |out| {
            super::parquet::write_parquet(table.clone(), out)
        })?;
    }
    directory.file(&format!("{folder}{}.json", report.document_name), |out| {
        serde_json::to_writer_pretty(&mut *out, &report.document)?;
        out.write_all(b"\n")
    })?;
    for (name, part) in &report.parts {
        directory.folder(&format!("{folder}{name}"))?;
        write_into(directory, &format!("{folder}{name}/"), part, csv)?;
    }
    Ok(())
}
