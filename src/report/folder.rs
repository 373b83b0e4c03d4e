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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::report::Values;
    use std::sync::atomic::Ordering;

    fn report() -> Report {
        let table = Table::new([("account", Values::Text(vec!["A".into()]))]);
        let part = Report {
            tables: vec![("flows", table.clone())],
            document_name: "ledger",
            document: serde_json::json!({ "policy": "fifo" }),
            parts: Vec::new(),
        };
        Report { tables: vec![("compare", table)], document_name: "summary", ..part.clone() }
            .with("fifo", part)
    }

    impl Report {
        fn with(mut self, name: &'static str, part: Report) -> Report {
            self.parts.push((name, part));
            self
        }
    }

    #[test]
    fn a_report_becomes_a_directory_with_one_for_each_part() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("all");
        write_report(&report(), &path, CsvOptions::default(), &Run::new()).unwrap();
        for name in ["compare.csv", "summary.json", "fifo/flows.csv", "fifo/ledger.json"] {
            assert!(path.join(name).is_file(), "{name}");
        }
        assert_eq!(std::fs::read(path.join("fifo/flows.csv")).unwrap(), b"account\nA\n");
        assert_eq!(report().part("fifo").and_then(|part| part.table("flows")).map(Table::num_rows), Some(1));
    }

    #[test]
    fn a_cancelled_run_leaves_no_directory() {
        let directory = tempfile::tempdir().unwrap();
        let run = Run::new();
        run.cancel_flag().store(true, Ordering::Relaxed);
        let path = directory.path().join("all");
        let written = write_report(&report(), &path, CsvOptions::default(), &run);
        assert!(matches!(written, Err(Error::Cancelled)));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
