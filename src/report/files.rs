//! Tables as files, in the format that the file's name ends in; for networks see [`export`](super::export).

use super::csv::{CsvOptions, write_csv};
use super::json::write_json;
use super::output::{check_new, write_file};
use super::table::Table;
use crate::error::{Error, Result};
use crate::run::Run;
use std::path::Path;

/// Formats of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated values; see [`csv`](super::csv).
    Csv,
    /// One document; see [`json`](super::json).
    Json,
    /// Columns; see [`parquet`](super::parquet).
    #[cfg(feature = "arrow")]
    Parquet,
}

#[cfg(feature = "arrow")]
const TABLE_ENDINGS: &str = "a file name that ends in .csv, .json or .parquet";
#[cfg(not(feature = "arrow"))]
const TABLE_ENDINGS: &str = "a file name that ends in .csv or .json (this build has no Parquet)";

/// The format that `path` asks for, if a new file can be made there.
///
/// Long work asks this before it begins.
///
/// # Errors
/// [`Error::Option`] for another ending; those of [`check_new`].
pub fn table_format(path: &Path) -> Result<TableFormat> {
    let format = match ending(path).as_str() {
        "csv" => TableFormat::Csv,
        "json" => TableFormat::Json,
        #[cfg(feature = "arrow")]
        "parquet" => TableFormat::Parquet,
        _ => return Err(refused(path, TABLE_ENDINGS)),
    };
    check_new(path).map(|()| format)
}

/// Writes `table` to the new file `path`, whole or not at all; `csv` matters where it ends in `.csv`.
///
/// # Errors
/// Those of [`table_format`] and [`write_file`].
pub fn write_table(table: Table, path: &Path, csv: CsvOptions, run: &Run) -> Result<()> {
    run.stage("writing", 0);
    match table_format(path)? {
        TableFormat::Csv => write_file(path, run, |out| write_csv(&table, csv, out)),
        TableFormat::Json => write_file(path, run, |out| write_json(&table, out)),
        #[cfg(feature = "arrow")]
        TableFormat::Parquet => write_file(path, run, |out| super::parquet::write_parquet(&table, out)),
    }
}

fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

fn refused(path: &Path, allowed: &'static str) -> Error {
    Error::Option { name: "output", value: path.display().to_string(), allowed }
}

#[cfg(test)]
mod tests {
    use super::super::network::tests::sample;
    use super::*;

    #[test]
    fn the_ending_chooses_the_format() {
        let directory = tempfile::tempdir().unwrap();
        for (name, start) in [("a.csv", "id,ring"), ("a.JSON", "{\"columns\""), ("a.parquet", "PAR1")] {
            let path = directory.path().join(name);
            write_table(sample().nodes, &path, CsvOptions::default(), &Run::new()).unwrap();
            assert!(std::fs::read(&path).unwrap().starts_with(start.as_bytes()), "{name}");
        }
    }

    #[test]
    fn other_endings_and_existing_files_are_refused_before_any_work() {
        let directory = tempfile::tempdir().unwrap();
        let refused = table_format(&directory.path().join("a.xlsx")).unwrap_err().to_string();
        assert!(refused.contains("option output") && refused.contains(".csv"), "{refused}");
        let there = directory.path().join("there.csv");
        std::fs::write(&there, "").unwrap();
        assert!(matches!(table_format(&there), Err(Error::Exists { .. })));
    }
}
