//! A store is published whole or not at all, and says what became of every row.
#![allow(clippy::unwrap_used)]

mod support;

use ringfence::graph::Graph;
use ringfence::graph::build::{BuildOptions, IngestOptions, Sources, ingest};
use ringfence::ingest::{Mapping, Reason, RejectLog, Source};
use ringfence::store::Io;
use ringfence::store::manifest::Partition;
use ringfence::{Error, Run};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;
use support::{ledger, random_ledger, scratch};
use tempfile::TempDir;

const HEADER: &str = "transaction,source,destination,time,amount,currency\n";

fn try_ingest(text: &str, path: &Path, options: &IngestOptions, run: &Run) -> ringfence::Result<()> {
    let file = path.with_extension("csv");
    std::fs::write(&file, text).unwrap();
    let sources = Sources { transactions: vec![Source::File(file)], ..Sources::default() };
    let mapping = Mapping::preset("ledger").unwrap();
    ingest(path, sources, &mapping, &mut RejectLog::counting(), options, run).map(|_| ())
}

#[test]
fn a_repeated_key_is_skipped_if_it_says_the_same_and_rejected_if_not() {
    let text = format!(
        "{HEADER}t1,a,b,2024-01-05T00:00:00Z,10.00,EUR\n\
         t2,b,c,2024-02-01T00:00:00Z,4.00,EUR\n\
         t1,a,b,2024-01-05T00:00:00Z,10.00,EUR\n\
         t2,b,c,2024-02-01T00:00:00Z,4.01,EUR\n\
         t1,a,b,2024-01-06T00:00:00Z,10.00,EUR\n\
         t3,c,c,2024-02-02T00:00:00Z,0.00,EUR\n"
    );
    let store = ledger(&text, None);
    let graph = store.graph();
    assert_eq!(graph.num_transactions(), 3);
    assert_eq!(store.report.counts(), [6, 3, 2, 1]);
    assert_eq!(store.report.reasons[&Reason::DuplicateSameContent], 1);
    assert_eq!(store.report.reasons[&Reason::DuplicateDifferentContent], 2);
    let total = &graph.manifest().totals[0];
    assert_eq!((total.accepted, total.accepted_minor), (3, 1_400));
    assert_eq!((total.rejected, total.rejected_minor), (3, 2_401));
    let own = graph.transaction(graph.find_transaction("t3").unwrap().unwrap()).unwrap();
    assert_eq!(own.source, own.destination);
    assert_eq!(own.flags & ringfence::store::format::flags::SELF_TRANSFER, 2);
    ringfence::store::verify::verify(&store.path, true, &Run::new()).unwrap();
}

#[test]
fn numbers_and_texts_of_equal_look_are_one_key_only_if_they_are_spelt_alike() {
    let rows: String = ["7", "07", "x7", "7"]
        .iter()
        .enumerate()
        .map(|(row, key)| format!("{key},a{row},b,2024-01-0{}T00:00:00Z,1.00,EUR\n", row + 1))
        .collect();
    let store = ledger(&format!("{HEADER}{rows}"), None);
    assert_eq!(store.report.counts(), [4, 3, 1, 0]);
    let graph = store.graph();
    for key in ["7", "07", "x7"] {
        let id = graph.find_transaction(key).unwrap().unwrap();
        assert_eq!(graph.transaction_key(id).unwrap(), key);
    }
}

#[test]
fn limits_of_the_format_are_errors_that_name_the_remedy_and_leave_nothing() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("small.ring");
    let text = random_ledger(31, 50, 60);
    let refuse = |ids_max| {
        let options =
            IngestOptions { build: BuildOptions { ids_max, ..BuildOptions::default() }, ..scratch() };
        let error = try_ingest(&text, &path, &options, &Run::new()).unwrap_err();
        assert!(!path.exists());
        error.to_string()
    };
    assert!(refuse(30).contains("accounts in one store"), "{}", refuse(30));
    // Fifty accounts fit, but sixty transactions in one partition do not.
    let whole = |ids_max| IngestOptions {
        partition: Partition::None,
        build: BuildOptions { ids_max, ..BuildOptions::default() },
        ..scratch()
    };
    let error = try_ingest(&text, &path, &whole(55), &Run::new()).unwrap_err().to_string();
    assert!(error.contains("transactions in one time partition") && error.contains("--partition"), "{error}");
    assert!(!path.exists());
    try_ingest(&text, &path, &whole(60), &Run::new()).unwrap();
}

#[test]
fn a_cancelled_ingest_leaves_nothing_at_whatever_stage() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("cancelled.ring");
    let text = random_ledger(32, 50, 500);
    for stage in ["ids", "order", "write"] {
        let run = Run::new();
        let cancel = run.cancel_flag();
        let run = run.progress(move |name, _, _| {
            if name == stage {
                cancel.store(true, Ordering::Relaxed);
            }
        });
        assert!(matches!(try_ingest(&text, &path, &scratch(), &run), Err(Error::Cancelled)), "{stage}");
        assert!(!path.exists(), "{stage}");
    }
    try_ingest(&text, &path, &scratch(), &Run::new()).unwrap();
    assert!(matches!(try_ingest(&text, &path, &scratch(), &Run::new()), Err(Error::Exists { .. })));
}

#[test]
fn a_full_disk_is_an_error_that_names_the_file_and_leaves_nothing() {
    // A limit on the size of files stands in for the disk: writes beyond it fail in the same way.
    let dir = TempDir::new().unwrap();
    let csv = dir.path().join("ledger.csv");
    std::fs::write(&csv, random_ledger(33, 500, 20_000)).unwrap();
    let path = dir.path().join("full.ring");
    let script = format!(
        "trap '' XFSZ; ulimit -f 100; exec {} ingest {} --preset ledger --transactions {} --json",
        env!("CARGO_BIN_EXE_ringfence"),
        path.display(),
        csv.display()
    );
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["ok"], false, "{answer}");
    assert_eq!(output.status.code(), Some(1));
    assert!(answer["error"]["message"].as_str().unwrap().contains("full.ring"), "{answer}");
    assert!(!path.exists());
}

#[cfg(feature = "arrow")]
#[test]
fn csv_gzip_and_parquet_of_the_same_rows_give_the_same_files() {
    use ringfence::report::{Table, Values};
    use std::io::Write;

    let dir = TempDir::new().unwrap();
    let text = random_ledger(34, 200, 3_000);
    let csv = dir.path().join("rows.csv");
    std::fs::write(&csv, &text).unwrap();
    let packed = dir.path().join("rows.csv.gz");
    let mut encoder =
        flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap();
    let parquet = dir.path().join("rows.parquet");
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); names.len()];
    for line in lines {
        for (column, field) in columns.iter_mut().zip(line.split(',')) {
            column.push((!field.is_empty()).then(|| field.to_string()));
        }
    }
    let columns = names.iter().map(|name| name.to_string()).zip(columns.into_iter().map(Values::OptionText));
    let table = Table { columns: columns.collect() };
    ringfence::report::parquet::write_parquet(&table, std::fs::File::create(&parquet).unwrap()).unwrap();

    let data_files = |source: &Path| {
        let path = dir.path().join(format!("{}.ring", source.file_name().unwrap().to_str().unwrap()));
        let sources = Sources { transactions: vec![Source::File(source.into())], ..Sources::default() };
        let mapping = Mapping::preset("ledger").unwrap();
        ingest(&path, sources, &mapping, &mut RejectLog::counting(), &scratch(), &Run::new()).unwrap();
        let graph = Graph::open(&path, Io::Read).unwrap();
        // A file's name and digest follow from its content.
        let manifest = graph.manifest();
        let files = manifest.files().map(|file| (file.name.clone(), file.sha256)).collect::<Vec<_>>();
        (files, manifest.totals.clone(), manifest.schema.clone())
    };
    let expected = data_files(&csv);
    assert!(expected.0.len() >= 4);
    assert_eq!(data_files(&packed), expected);
    assert_eq!(data_files(&parquet), expected);
}
