//! What the tests of the public face share: small ledgers as text, ingested to a temporary store.
#![allow(dead_code)] // Each test program uses its own part.

use ringfence::Run;
use ringfence::graph::Graph;
use ringfence::graph::build::{IngestOptions, IngestReport, Sources, ingest};
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::store::Io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A store in a directory that goes away with it.
pub struct TempStore {
    /// Holds the input files and the store.
    pub dir: TempDir,
    /// The store.
    pub path: PathBuf,
    /// What the ingest reported.
    pub report: IngestReport,
}

impl TempStore {
    /// Opens the graph.
    pub fn graph(&self) -> Graph {
        Graph::open(&self.path, Io::Mmap).unwrap()
    }
}

/// Options for stores that need not survive a power failure.
pub fn scratch() -> IngestOptions {
    IngestOptions { durable: false, max_rejects_percent: 100.0, ..IngestOptions::default() }
}

/// Ingests a ledger (with header, see the preset `ledger`) and optionally a links table.
pub fn ledger(transactions: &str, links: Option<&str>) -> TempStore {
    ledger_with(transactions, links, &scratch(), &Run::new())
}

/// As [`ledger`], with options and threads.
pub fn ledger_with(transactions: &str, links: Option<&str>, options: &IngestOptions, run: &Run) -> TempStore {
    let dir = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        Source::File(path)
    };
    let sources = Sources {
        transactions: vec![file("transactions.csv", transactions)],
        accounts: Vec::new(),
        links: links.map(|text| file("links.csv", text)).into_iter().collect(),
    };
    let path = dir.path().join("test.ring");
    let mapping = Mapping::preset("ledger").unwrap();
    let report =
        run.install(|| ingest(&path, sources, &mapping, &mut RejectLog::counting(), options, run)).unwrap();
    TempStore { dir, path, report }
}

/// The folder of datasets beside the repository, or `None` (and a line that says so) where it is missing.
pub fn shared_data(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not here", path.display());
    None
}

/// A small counter-based generator: the `step`-th number of stream `seed`.
pub fn random(seed: u64, step: u64) -> u64 {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ step.wrapping_mul(0xd1b5_4a32_d192_ed03);
    for _ in 0..2 {
        x = (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    }
    x ^ (x >> 32)
}

/// A random ledger over `accounts` accounts with ties, self-transfers, several currencies, conversions and devices.
pub fn random_ledger(seed: u64, accounts: u64, rows: u64) -> String {
    use std::fmt::Write;
    let mut text = String::from(
        "transaction,source,destination,time,amount,currency,received_amount,received_currency,device,channel,label\n",
    );
    for row in 0..rows {
        let pick = |what: u64, below: u64| random(seed, row * 16 + what) % below;
        let (source, destination) = (pick(0, accounts), pick(1, accounts));
        // Forty days around the end of a month, with ties and out of order.
        let day = pick(2, 40);
        let (month, day) = if day < 20 { (1, day + 12) } else { (2, day - 19) };
        let amount = pick(3, 100_000);
        let currency = ["EUR", "USD", "JPY"][pick(4, 3) as usize];
        let decimals = |minor: u64, currency: &str| match currency {
            "JPY" => minor.to_string(),
            _ => format!("{}.{:02}", minor / 100, minor % 100),
        };
        let received = match pick(5, 4) {
            0 => {
                let other = ["EUR", "USD", "JPY"][pick(6, 3) as usize];
                format!("{},{other}", decimals(amount * 9 / 10, other))
            }
            _ => ",".into(),
        };
        let device = if pick(7, 3) == 0 { format!("d{}", pick(8, accounts)) } else { String::new() };
        writeln!(
            text,
            "t{row},a{source},a{destination},2024-{month:02}-{day:02}T{:02}:00:00Z,{},{currency},{received},{device},{},",
            pick(9, 24),
            decimals(amount, currency),
            ["", "wire", "card"][pick(10, 3) as usize],
        )
        .unwrap();
    }
    text
}
