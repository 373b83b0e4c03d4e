//! Tables as Parquet files: zstd, one schema with [`arrow`](super::arrow), the same bytes for the same table.
//!
//! Rows are written in groups of [`ROWS_PER_GROUP`]; the program's name and
//! version are the file's `created_by`, and nothing else in it depends on when, where or by whom it was written.

use super::arrow::{schema, to_record_batch};
use super::table::Table;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::io::{self, Write};
use std::sync::Arc;

/// Rows in one row group: what a reader can skip or read alone.
pub const ROWS_PER_GROUP: usize = 1 << 18;

/// Rows that become Arrow's at a time.
const ROWS_PER_BATCH: usize = 1 << 16;

/// Writes `table` to `out`.
///
/// # Errors
/// What `out` returns, or the errors of [`to_record_batch`] inside an [`io::Error`].
pub fn write_parquet(table: &Table, out: impl Write + Send) -> io::Result<()> {
    let mut file = ParquetRows::new(table, out)?;
    file.write(table)?;
    file.finish()
}

/// A file whose rows come bit by bit.
pub(super) struct ParquetRows<W: Write + Send>(ArrowWriter<W>);

impl<W: Write + Send> ParquetRows<W> {
    /// Begins a file with the columns of `table`.
    pub(super) fn new(table: &Table, out: W) -> io::Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(system)?))
            .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
            .set_created_by(format!("ringfence {}", env!("CARGO_PKG_VERSION")))
            .build();
        ArrowWriter::try_new(out, Arc::new(schema(table)), Some(properties)).map(Self).map_err(system)
    }

    /// Writes the rows of `table`, which has the columns that the file began with.
    pub(super) fn write(&mut self, table: &Table) -> io::Result<()> {
        for first in (0..table.num_rows()).step_by(ROWS_PER_BATCH) {
            let rows = table.slice(first..table.num_rows().min(first + ROWS_PER_BATCH));
            self.0.write(&to_record_batch(rows).map_err(io::Error::other)?).map_err(system)?;
        }
        table.check().map_err(io::Error::other)
    }

    /// Writes what stands at the end of the file, and all that was held back.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.0.finish().map_err(system)?;
        self.0.inner_mut().flush()
    }
}

/// The system error inside, where there is one: a full disk must not look like a Parquet problem.
fn system(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(system) => *system,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::Values;
    use super::*;
    use arrow_array::RecordBatch;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    fn table() -> Table {
        Table::new([
            ("key", Values::Text(vec!["a".into(), "b".into(), "谢".into()])),
            ("sum_minor", Values::I128(vec![10i128.pow(38) - 1, -1, 0])),
            ("time", Values::Time(vec![1, 2, 3])),
            ("last", Values::OptionTime(vec![None, Some(2), None])),
        ])
    }

    fn bytes() -> Vec<u8> {
        let mut out = Vec::new();
        write_parquet(&table(), &mut out).unwrap();
        out
    }

    #[test]
    fn a_table_reads_back_as_it_was() {
        let path = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&path, bytes()).unwrap();
        let reader =
            ParquetRecordBatchReaderBuilder::try_new(path.reopen().unwrap()).unwrap().build().unwrap();
        let read: Vec<RecordBatch> = reader.map(|batch| batch.unwrap()).collect();
        assert_eq!(read, [to_record_batch(table()).unwrap()]);
    }

    #[test]
    fn the_same_table_gives_the_same_bytes() {
        assert_eq!(bytes(), bytes());
    }

    #[test]
    fn pages_are_zstd_and_the_writer_is_named() {
        let path = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&path, bytes()).unwrap();
        let reader = SerializedFileReader::new(path.reopen().unwrap()).unwrap();
        let metadata = reader.metadata();
        assert!(metadata.file_metadata().created_by().unwrap().starts_with("ringfence "));
        assert!(matches!(metadata.row_group(0).column(0).compression(), Compression::ZSTD(_)));
    }

    #[test]
    fn the_systems_error_comes_through() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert_eq!(write_parquet(&table(), Full).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
