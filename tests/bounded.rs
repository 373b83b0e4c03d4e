//! A store that was built in little memory, by way of scratch files, is the store that is built in much.
#![allow(clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use ringfence::graph::build::{BuildOptions, IngestOptions, IngestReport, Sources, ingest};
use ringfence::ingest::{Mapping, Reason, RejectLog, Source};
use ringfence::store::manifest::Partition;
use ringfence::{Error, Run};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::Ordering;
use support::{random, random_ledger, scratch};
use tempfile::TempDir;

/// A ledger in text.
#[derive(Clone, Debug)]
struct Ledger {
    transactions: Vec<String>,
    links: Option<String>,
    accounts: Option<String>,
    partition: Partition,
    mapping: Mapping,
}

/// What a random ledger is like.
#[derive(Clone, Debug)]
struct Shape {
    seed: u64,
    rows: u64,
    accounts: u64,
    /// 0 = numbers that ascend, 1 = numbers in disorder, 2 = texts, 3 = both, 4 = none.
    keys: u8,
    /// Percent of rows whose key was there before.
    repeated: u64,
    /// Percent of rows that one account pays.
    hub: u64,
    /// Whether rows come in the order of time.
    sorted: bool,
    /// Days covered, with ties.
    days: u64,
    numbers: bool,
    devices: bool,
    conversions: bool,
    tables: bool,
    /// Number of files.
    files: u64,
    partition: Partition,
}

fn shapes() -> impl Strategy<Value = Shape> {
    let counts = (any::<u64>(), 1_u64..1_500, 1_u64..200, 0_u8..5, 0_u64..40, 0_u64..100);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let partitions = prop_oneof![
        Just(Partition::Month),
        Just(Partition::None),
        Just(Partition::Week),
        Just(Partition::Year)
    ];
    (counts, flags, 1_u64..120, 1_u64..3, partitions).prop_map(|(counts, flags, days, files, partition)| {
        let (seed, rows, accounts, keys, repeated, hub) = counts;
        let (sorted, numbers, devices, conversions, tables) = flags;
        let files = files.min(rows);
        Shape {
            seed,
            rows,
            accounts,
            keys,
            repeated,
            hub,
            sorted,
            days,
            numbers,
            devices,
            conversions,
            tables,
            files,
            partition,
        }
    })
}

fn ledger(shape: &Shape) -> Ledger {
    let pick = |row: u64, what: u64, below: u64| random(shape.seed, row * 32 + what) % below.max(1);
    let account = |number: u64| match shape.numbers {
        true => format!("{}", 1_000 + number * 7),
        false => format!("a{number}"),
    };
    let header = "transaction,source,destination,time,amount,currency,received_amount,received_currency,device,channel,label\n";
    let mut files = vec![header.to_string(); shape.files as usize];
    for row in 0..shape.rows {
        // A repeated row is an earlier one, sometimes with another content.
        let repeats = row > 0 && pick(row, 0, 100) < shape.repeated;
        let of = if repeats { pick(row, 1, row) } else { row };
        let changed = repeats && pick(row, 2, 2) == 0;
        let key = match shape.keys {
            0 => format!("{}", of + 5),
            1 => format!("{}", random(shape.seed ^ 77, of) % 1_000_000),
            2 => format!("t-{}", random(shape.seed ^ 78, of) % 1_000_000),
            3 if of % 3 == 0 => format!("x{of}"),
            3 => format!("{of}"),
            _ => String::new(),
        };
        let source = if pick(of, 3, 100) < shape.hub { 0 } else { pick(of, 4, shape.accounts) };
        let minute = match shape.sorted {
            true => of * shape.days * 48 / shape.rows * 30,
            false => pick(of, 5, shape.days * 48) * 30,
        };
        let time = 1_704_000_000 + minute as i64 * 60;
        let amount = pick(of, 6, 10_000) + u64::from(changed);
        let currency = ["EUR", "USD"][pick(of, 7, if shape.conversions { 2 } else { 1 }) as usize];
        let received = match shape.conversions && pick(of, 8, 5) == 0 {
            true => format!("{},USD", pick(of, 9, 100)),
            false => ",".into(),
        };
        let device = match shape.devices && pick(of, 10, 3) > 0 {
            true => format!("d{}", pick(of, 11, shape.accounts / 2)),
            false => String::new(),
        };
        let channel = if shape.conversions { ["", "wire", "card"][pick(of, 12, 3) as usize] } else { "" };
        let file = &mut files[(row * shape.files / shape.rows) as usize];
        writeln!(
            file,
            "{key},{},{},{},{amount},{currency},{received},{device},{channel},",
            account(source),
            account(pick(of, 13, shape.accounts)),
            ringfence::units::time::format_time(time * 1_000_000),
        )
        .unwrap();
    }
    if shape.keys == 4 {
        files = files
            .iter()
            .map(|file| file.lines().map(|line| format!("{}\n", line.split_once(',').unwrap().1)).collect())
            .collect();
    }
    let links = shape.tables.then(|| {
        let mut text = "account,kind,value,first_seen,last_seen\n".to_string();
        for row in 0..20 {
            let kind = ["device", "phone"][row % 2];
            writeln!(text, "{},{kind},d{},2024-01-05,", account(row as u64 * 3), row % 5).unwrap();
        }
        text
    });
    let accounts = shape.tables.then(|| {
        let mut text = "account,country\n".to_string();
        for row in 0..30 {
            writeln!(text, "{},{}", account(row * 5), ["DE", "", "FR"][row as usize % 3]).unwrap();
        }
        text
    });
    let mapping = match shape.keys {
        4 => without_keys(),
        _ => Mapping::preset("ledger").unwrap(),
    };
    Ledger { transactions: files, links, accounts, partition: shape.partition, mapping }
}

/// The mapping of a ledger whose transactions have no keys.
fn without_keys() -> Mapping {
    let mapping = Mapping::preset("ledger").unwrap();
    let about_keys = ["transaction =", "corrects =", "reverses ="];
    let lines = mapping.text().lines().filter(|line| about_keys.iter().all(|key| !line.starts_with(key)));
    Mapping::parse(&lines.collect::<Vec<_>>().join("\n"), "test").unwrap()
}

/// Ingests a ledger into `path`.
fn build(
    ledger: &Ledger,
    path: &Path,
    memory: u64,
    rejects: &mut RejectLog,
    run: &Run,
) -> ringfence::Result<IngestReport> {
    let reader = |name: String, text: &String| Source::Reader {
        name,
        reader: Box::new(std::io::Cursor::new(text.clone().into_bytes())),
    };
    let transactions = ledger.transactions.iter().enumerate();
    let sources = Sources {
        transactions: transactions.map(|(number, text)| reader(format!("tx{number}"), text)).collect(),
        accounts: ledger.accounts.iter().map(|text| reader("accounts".into(), text)).collect(),
        links: ledger.links.iter().map(|text| reader("links".into(), text)).collect(),
    };
    let options = IngestOptions {
        partition: ledger.partition,
        memory: Some(memory),
        build: BuildOptions { memory_min: 0, ..BuildOptions::default() },
        ..scratch()
    };
    ingest(path, sources, &ledger.mapping, rejects, &options, run)
}

/// Every file of a store but the lock, by name.
fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    fn add(root: &Path, path: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(root, &path, found);
            } else if !path.ends_with("LOCK") {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    add(path, path, &mut found);
    found
}

const MUCH: u64 = 1 << 40;

/// Both ways, compared file by file; also the reject files.
fn compare(ledger: &Ledger, memory: u64) {
    let dir = TempDir::new().unwrap();
    let outcome = |name: &str, memory| {
        let path = dir.path().join(name);
        let rejects = dir.path().join(format!("{name}.csv"));
        let file = std::fs::File::create(&rejects).unwrap();
        let mut log = RejectLog::writing(&rejects, Box::new(file)).unwrap();
        let report = build(ledger, &path, memory, &mut log, &Run::new()).unwrap();
        drop(log);
        (report, files(&path), std::fs::read_to_string(rejects).unwrap())
    };
    let (expected, found) = (outcome("much.ring", MUCH), outcome("little.ring", memory));
    assert_eq!(found.2, expected.2);
    assert_eq!(found.0, expected.0);
    assert!(found.1.keys().eq(expected.1.keys()), "{:?} {:?}", found.1.keys(), expected.1.keys());
    for (name, bytes) in &expected.1 {
        assert!(found.1[name] == *bytes, "{name}");
    }
}

/// The least of some budgets that the keys of `ledger` leave room for.
fn least(ledger: &Ledger) -> u64 {
    let dir = TempDir::new().unwrap();
    let fits = |memory: u64| {
        let path = dir.path().join("test.ring");
        let built = build(ledger, &path, memory, &mut RejectLog::counting(), &Run::new());
        match built {
            Err(Error::Limit { what, .. }) => assert!(what.contains("memory"), "{what}"),
            other => drop(other.unwrap()),
        }
        let fits = path.exists();
        let _ = std::fs::remove_dir_all(path);
        fits
    };
    (12..30).map(|bits| 1 << bits).find(|&memory| fits(memory)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn little_memory_gives_the_same_files(shape in shapes(), more in 1_u64..24) {
        let ledger = ledger(&shape);
        let memory = least(&ledger);
        compare(&ledger, memory);
        compare(&ledger, memory * more / 2 + memory);
    }
}

#[test]
fn a_hub_and_a_partition_that_do_not_fit_are_the_same() {
    for (keys, partition) in [(1, Partition::None), (2, Partition::None), (3, Partition::Month)] {
        let shape = Shape {
            seed: 5,
            rows: 6_000,
            accounts: 100,
            keys,
            repeated: 10,
            hub: 90,
            sorted: false,
            days: 50,
            numbers: true,
            devices: true,
            conversions: true,
            tables: true,
            files: 2,
            partition,
        };
        compare(&ledger(&shape), 24 << 10);
    }
}

#[test]
fn budgets_that_are_too_small_say_what_is_needed_and_leave_nothing() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("small.ring");
    let ledger = Ledger {
        transactions: vec![random_ledger(3, 5_000, 9_000)],
        links: None,
        accounts: None,
        partition: Partition::Month,
        mapping: Mapping::preset("ledger").unwrap(),
    };
    let refused = |memory| {
        let error = build(&ledger, &path, memory, &mut RejectLog::counting(), &Run::new()).unwrap_err();
        assert!(!path.exists());
        error.to_string()
    };
    let error = refused(100 << 10);
    assert!(error.contains("for the keys of accounts") && error.contains("--memory"), "{error}");
    let needed: u64 = error.split_once("alone: ").unwrap().1.split(' ').next().unwrap().parse().unwrap();
    assert!(needed > 100 << 10);
    // What is needed is told as far as it is known: following it leads to a budget that works.
    let mut memory = needed;
    while let Err(error) = build(&ledger, &path, memory, &mut RejectLog::counting(), &Run::new()) {
        let Error::Limit { found, limit, .. } = error else { panic!("{error}") };
        assert!(found > limit && limit == memory);
        memory = found;
    }
    assert!(memory < 4 << 20);
    let small = IngestOptions { memory: Some(1 << 20), ..scratch() };
    let mapping = Mapping::preset("ledger").unwrap();
    let sources = Sources { transactions: vec![Source::File(path.clone())], ..Sources::default() };
    let error =
        ingest(&path, sources, &mapping, &mut RejectLog::counting(), &small, &Run::new()).unwrap_err();
    assert!(matches!(error, Error::Option { name: "memory", .. }), "{error}");
}

#[test]
fn a_cancelled_or_refused_build_leaves_no_scratch_files() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("cancelled.ring");
    let ledger = Ledger {
        transactions: vec![random_ledger(32, 50, 3_000)],
        links: None,
        accounts: None,
        partition: Partition::Month,
        mapping: Mapping::preset("ledger").unwrap(),
    };
    for stage in ["read", "ids", "order", "write"] {
        let run = Run::new();
        let cancel = run.cancel_flag();
        let run = run.progress(move |name, done, _| {
            if name == stage && (stage != "read" || done > 0) {
                cancel.store(true, Ordering::Relaxed);
            }
        });
        let built = build(&ledger, &path, 64 << 10, &mut RejectLog::counting(), &run);
        assert!(matches!(built, Err(Error::Cancelled)), "{stage}: {built:?}");
        assert!(!path.exists(), "{stage}");
    }
    let report = build(&ledger, &path, 64 << 10, &mut RejectLog::counting(), &Run::new()).unwrap();
    assert_eq!(report.reasons.get(&Reason::DuplicateSameContent), None);
    assert!(files(&path).keys().all(|name| !name.contains("tmp-")));
    ringfence::store::verify::verify(&path, true, &Run::new()).unwrap();
}
