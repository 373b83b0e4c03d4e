//! The same rows give the same bytes: for any number of threads, any chunks, any format that they come in.
#![allow(clippy::unwrap_used)]

mod support;

use ringfence::Run;
use ringfence::community::{ComponentsOptions, Over, components};
use ringfence::graph::build::IngestOptions;
use ringfence::graph::project::{ProjectOptions, Weight, project};
use ringfence::ingest::ReadOptions;
use std::collections::BTreeMap;
use std::path::Path;
use support::{ledger_with, random_ledger, scratch};

/// Every data file below `path`, by name. Names of data files are digests of their content.
fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for directory in ["segments", "keys", "attributes", "manifest"] {
        let Ok(entries) = std::fs::read_dir(path.join(directory)) else { continue };
        for entry in entries {
            let entry = entry.unwrap();
            let name = format!("{directory}/{}", entry.file_name().to_str().unwrap());
            found.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
    assert!(found.keys().any(|name| name.starts_with("segments/")));
    found
}

#[test]
fn a_store_is_the_same_for_any_number_of_threads_and_any_chunk_size() {
    let text = random_ledger(11, 300, 5_000);
    let links = "account,kind,value,first_seen,last_seen\na1,phone,77,2024-01-05,2024-02-01\na2,phone,77,,\n";
    let store = |threads: usize, chunk_bytes: usize| {
        let read = ReadOptions { chunk_bytes, ..ReadOptions::default() };
        let options = IngestOptions { read, ..scratch() };
        let run = Run::new().threads(threads).unwrap();
        files(&ledger_with(&text, Some(links), &options, &run).path)
    };
    let expected = store(1, 8 << 20);
    for (threads, chunk_bytes) in [(2, 8 << 20), (8, 8 << 20), (2, 1_000), (3, 64)] {
        assert!(store(threads, chunk_bytes) == expected, "{threads} threads, chunks of {chunk_bytes} bytes");
    }
}

#[test]
fn results_are_the_same_for_any_number_of_threads() {
    let store = ledger_with(&random_ledger(12, 20_000, 15_000), None, &scratch(), &Run::new());
    let graph = store.graph();
    let answers = |threads: usize| {
        let run = Run::new().threads(threads).unwrap();
        run.install(|| {
            let options = ComponentsOptions { over: Over::Both, ..ComponentsOptions::default() };
            let components = components(&graph.view(), &options, &run).unwrap();
            let options =
                ProjectOptions { over: Over::Both, weight: Weight::LogAmount, ..ProjectOptions::default() };
            (components, project(&graph.view(), &options, &run).unwrap())
        })
    };
    let expected = answers(1);
    for threads in [2, 3, 8, 16] {
        assert!(answers(threads) == expected, "{threads} threads");
    }
}
