//! Damaged Parquet files are refused by name: no panic reaches the caller, no row is invented silently.
//!
//! In a file of its own because it silences the panic messages of the decoder.
#![allow(clippy::unwrap_used)]

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use ringfence::ingest::{Batch, Mapping, ReadOptions, Source, read_transactions};
use ringfence::{Error, Result, Run};
use std::path::Path;
use std::sync::Arc;

const MAPPING: &str = "
[transactions]
source = 'from'
destination = 'to'
time = 'time'
amount = 'amount'
currency = { constant = 'EUR' }
";

fn read(path: &Path) -> Result<Vec<Batch>> {
    let mapping = Mapping::parse(MAPPING, "test.toml")?;
    let mut batches = Vec::new();
    let (source, options) = (Source::File(path.to_path_buf()), ReadOptions::default());
    read_transactions(vec![source], &mapping, &options, &Run::new(), &mut |batch| {
        batches.push(batch);
        Ok(())
    })?;
    Ok(batches)
}

#[test]
fn damaged_and_truncated_parquet_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    let columns: [(&str, ArrayRef); 4] = [
        ("from", Arc::new(StringArray::from_iter_values((0..200).map(|i| format!("a{}", i * 7 % 13))))),
        ("to", Arc::new(Int64Array::from_iter_values(0..200))),
        ("time", Arc::new(StringArray::from_iter_values((0..200).map(|_| "2024-05-01")))),
        ("amount", Arc::new(Int64Array::from_iter_values(100..300))),
    ];
    let table = RecordBatch::try_from_iter(columns).unwrap();
    let properties = parquet::file::properties::WriterProperties::builder()
        .set_max_row_group_row_count(Some(50))
        .set_compression(parquet::basic::Compression::SNAPPY)
        .build();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, table.schema(), Some(properties)).unwrap();
    writer.write(&table).unwrap();
    writer.close().unwrap();
    let whole = std::fs::read(&path).unwrap();
    let expected = read(&path).unwrap();
    assert_eq!(expected.iter().map(Batch::len).sum::<usize>(), 200);

    std::panic::set_hook(Box::new(|_| {}));
    for cut in (4..whole.len()).step_by(97) {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("table.parquet"), "{error}");
    }
    let mut refused = 0;
    for at in (4..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        std::fs::write(&path, &damaged).unwrap();
        // Pages carry no checksum here, so a changed byte may also be another value, or one that nobody reads.
        match read(&path) {
            Err(Error::Input { .. }) => refused += 1,
            Err(other) => panic!("byte {at}: {other}"),
            Ok(_) => {}
        }
    }
    let _ = std::panic::take_hook();
    assert!(refused > 50, "{refused} refused");
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(read(&path).unwrap(), expected);
}
