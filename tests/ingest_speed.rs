//! How fast sources become batches. Not part of the ordinary tests:
//! `RINGFENCE_BENCH=<folder with tx.csv, tx.parquet> cargo test --release --test ingest_speed -- --ignored --nocapture`
#![allow(clippy::unwrap_used)]

use ringfence::Run;
use ringfence::ingest::{Mapping, ReadOptions, Source, read_transactions};
use std::path::PathBuf;
use std::time::Instant;

const MAPPING: &str = "
[transactions]
transaction = 'tx_id'
source = 'src'
destination = 'dst'
time = 'ts'
time_format = 'unix-s'
amount = 'amount'
amount_unit = 'minor'
currency = { constant = 'USD' }
channel = 'kind'
";

#[allow(clippy::disallowed_methods)] // A measurement is a door.
fn measure(file: &str) {
    let Some(folder) = std::env::var_os("RINGFENCE_BENCH").map(PathBuf::from) else {
        println!("RINGFENCE_BENCH names no folder; nothing was measured");
        return;
    };
    let mapping = Mapping::parse(MAPPING, "bench").unwrap();
    let chunk_bytes =
        std::env::var("CHUNK_BYTES").map_or(ReadOptions::default().chunk_bytes, |v| v.parse().unwrap());
    let options = ReadOptions { chunk_bytes, ..ReadOptions::default() };
    let run = match std::env::var("THREADS") {
        Ok(threads) => Run::new().threads(threads.parse().unwrap()).unwrap(),
        Err(_) => Run::new(),
    };
    let mut times = Vec::new();
    for _ in 0..5 {
        let (mut rows, mut sum, mut keys) = (0, 0i128, 0);
        let begin = Instant::now();
        let report = read_transactions(
            vec![Source::File(folder.join(file))],
            &mapping,
            &options,
            &run,
            &mut |batch| {
                rows += batch.len();
                keys += batch.accounts.len();
                sum += batch.amount.iter().map(|a| i128::from(*a)).sum::<i128>();
                Ok(())
            },
        )
        .unwrap();
        times.push(begin.elapsed().as_secs_f64());
        assert_eq!(rows as u64, report.sources[0].accepted);
        assert_eq!(sum, report.totals[0].1.accepted_minor);
        println!("{file}: {rows} rows, {keys} chunk keys in {:.3} s", times[times.len() - 1]);
    }
    times.sort_by(f64::total_cmp);
    println!("{file}: median {:.3} s", times[times.len() / 2]);
}

#[test]
#[ignore = "a measurement"]
fn csv_becomes_batches() {
    measure("tx.csv");
}
