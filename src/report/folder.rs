//! A result with several tables, and its directory.

use super::csv::{CsvOptions, write_csv, write_header, write_rows};
use super::output::{Directory, placed};
#[cfg(feature = "arrow")]
use super::parquet::ParquetRows;
use super::table::Table;
use crate::error::Result;
use crate::run::Run;
use serde_json::Value;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

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
        directory
            .file(&format!("{folder}{name}.parquet"), |out| super::parquet::write_parquet(table, out))?;
    }
    write_document(directory, folder, report.document_name, &report.document)?;
    for (name, part) in &report.parts {
        directory.folder(&format!("{folder}{name}"))?;
        write_into(directory, &format!("{folder}{name}/"), part, csv)?;
    }
    Ok(())
}

fn write_document(directory: &Directory, folder: &str, name: &str, document: &Value) -> Result<()> {
    directory.file(&format!("{folder}{name}.json"), |out| {
        serde_json::to_writer_pretty(&mut *out, document)?;
        out.write_all(b"\n")
    })
}

/// Where the rows of a result's tables go as they are made.
pub trait TableSink {
    /// Takes rows of the table `name`, behind those it took before; the rows of one table have the same columns.
    ///
    /// # Errors
    /// Those of the place where they go.
    fn rows(&mut self, name: &'static str, rows: Table) -> Result<()>;

    /// About how many rows it wants at a time; as many as there are if nothing else is said.
    fn rows_at_once(&self) -> usize {
        usize::MAX
    }
}

/// Tables in memory.
impl TableSink for Vec<(&'static str, Table)> {
    fn rows(&mut self, name: &'static str, rows: Table) -> Result<()> {
        match self.iter_mut().find(|(found, _)| *found == name) {
            Some((_, table)) => table.append(rows),
            None => self.push((name, rows)),
        }
        Ok(())
    }
}

/// Writes a report without parts while it is made, to the files of [`write_report`]; nothing is left at its place unless it is
/// [finished](Self::finish).
///
/// # Cost
/// Memory for the compressed columns of one row group of each table, and the rows that come at a time.
pub struct ReportWriter {
    directory: Directory,
    path: PathBuf,
    csv: CsvOptions,
    tables: Vec<(&'static str, TableFiles)>,
    run: Run,
}

/// The files of one table.
struct TableFiles {
    csv: BufWriter<File>,
    #[cfg(feature = "arrow")]
    parquet: ParquetRows<BufWriter<File>>,
}

impl ReportWriter {
    /// Begins the new directory `path`.
    ///
    /// # Errors
    /// Those of [`Directory::create`].
    pub fn create(path: &Path, csv: CsvOptions, run: &Run) -> Result<Self> {
        let directory = Directory::create(path, run)?;
        Ok(Self { directory, path: path.to_path_buf(), csv, tables: Vec::new(), run: run.clone() })
    }

    /// The files of a table, with its header if they are new.
    fn files(&mut self, name: &'static str, table: &Table) -> Result<&mut TableFiles> {
        let known = self.tables.iter().position(|(found, _)| *found == name);
        let at = match known {
            Some(at) => at,
            None => {
                let mut csv = self.directory.writer(&format!("{name}.csv"))?;
                write_header(table, self.csv, &mut csv).map_err(|error| placed(error, &self.path))?;
                #[cfg(feature = "arrow")]
                let parquet = ParquetRows::new(table, self.directory.writer(&format!("{name}.parquet"))?)
                    .map_err(|error| placed(error, &self.path))?;
                let files = TableFiles {
                    csv,
                    #[cfg(feature = "arrow")]
                    parquet,
                };
                self.tables.push((name, files));
                self.tables.len() - 1
            }
        };
        Ok(&mut self.tables[at].1)
    }

    /// Writes the document, and gives the directory its name.
    ///
    /// # Errors
    /// Those of [`Directory::finish`].
    pub fn finish(self, document_name: &str, document: &Value) -> Result<()> {
        for (_, files) in self.tables {
            files.finish().map_err(|error| placed(error, &self.path))?;
        }
        write_document(&self.directory, "", document_name, document)?;
        self.directory.finish()
    }
}

impl TableFiles {
    fn finish(mut self) -> io::Result<()> {
        self.csv.flush()?;
        #[cfg(feature = "arrow")]
        self.parquet.finish()?;
        Ok(())
    }
}

impl TableSink for ReportWriter {
    fn rows_at_once(&self) -> usize {
        1 << 15
    }

    fn rows(&mut self, name: &'static str, rows: Table) -> Result<()> {
        self.run.check()?;
        let csv = self.csv;
        #[cfg(feature = "arrow")]
        let run = self.run.clone();
        let files = self.files(name, &rows)?;
        #[cfg(feature = "arrow")]
        let written = {
            let TableFiles { csv: lines, parquet } = files;
            // Both take about as long.
            let both = run.install(|| rayon::join(|| write_rows(&rows, csv, lines), || parquet.write(&rows)));
            both.0.and(both.1)
        };
        #[cfg(not(feature = "arrow"))]
        let written = write_rows(&rows, csv, &mut files.csv);
        written.map_err(|error| placed(error, &self.path))
    }
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
    fn rows_that_come_bit_by_bit_make_the_same_files() {
        let rows = |from: u32| {
            let keys = (from..from + 70_000).map(|key| format!("k{key}")).collect();
            Table::new([("key", Values::Text(keys)), ("n", Values::U32((from..from + 70_000).collect()))])
        };
        let document = serde_json::json!({ "policy": "fifo" });
        let directory = tempfile::tempdir().unwrap();
        let (at_once, by_bits) = (directory.path().join("at-once"), directory.path().join("by-bits"));
        let mut tables = Vec::new();
        let mut writer = ReportWriter::create(&by_bits, CsvOptions::default(), &Run::new()).unwrap();
        for from in [0, 70_000] {
            tables.rows("keys", rows(from)).unwrap();
            writer.rows("keys", rows(from)).unwrap();
            tables.rows("none", Table::new([("key", Values::Text(Vec::new()))])).unwrap();
            writer.rows("none", Table::new([("key", Values::Text(Vec::new()))])).unwrap();
        }
        assert!(!by_bits.exists());
        writer.finish("summary", &document).unwrap();
        let report = Report { tables, document_name: "summary", document, parts: Vec::new() };
        assert_eq!(report.table("keys").map(Table::num_rows), Some(140_000));
        write_report(&report, &at_once, CsvOptions::default(), &Run::new()).unwrap();
        for name in ["keys.csv", "none.csv", "summary.json"] {
            assert_eq!(
                std::fs::read(at_once.join(name)).unwrap(),
                std::fs::read(by_bits.join(name)).unwrap()
            );
        }
        #[cfg(feature = "arrow")]
        for (name, rows) in [("keys.parquet", 140_000), ("none.parquet", 0)] {
            use parquet::file::reader::{FileReader, SerializedFileReader};
            let file = File::open(by_bits.join(name)).unwrap();
            let metadata = SerializedFileReader::new(file).unwrap();
            assert_eq!(metadata.metadata().file_metadata().num_rows(), rows);
        }
    }

    #[test]
    fn a_report_that_is_not_finished_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("all");
        let mut writer = ReportWriter::create(&path, CsvOptions::default(), &Run::new()).unwrap();
        writer.rows("keys", Table::new([("key", Values::Text(vec!["a".into()]))])).unwrap();
        drop(writer);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
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
