//! At every limit that the format names: the last value that it takes is exact, and the first that it does not is refused.
//!
//! Limits that no test can reach with rows are lowered by the options that exist for it (`BuildOptions::ids_max`), or met in
//! stores whose numbers are forged (`hostile`). Memory is in `cli_limits`.
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

#[path = "support/full.rs"]
mod full;
mod support;

use ringfence::graph::Graph;
use ringfence::graph::build::{BuildOptions, IngestOptions, IngestReport, Sources, append, ingest};
use ringfence::graph::project::{ProjectOptions, Weight, project, project_directed};
use ringfence::ids::{AccountId, CurrencyId, TxId};
use ringfence::ingest::{Mapping, ReadOptions, Reason, RejectLog, Source};
use ringfence::store::Io;
use ringfence::store::manifest::Partition;
use ringfence::store::verify::verify;
use ringfence::units::Window;
use ringfence::units::time::{format_time, parse_time};
use ringfence::{Error, Result, Run};
use std::path::{Path, PathBuf};
use support::{ledger, scratch};
use tempfile::TempDir;

const HEADER: &str = "transaction,source,destination,time,amount,currency\n";

/// A store of `rows` under `header`, read by `mapping`.
fn store(rows: &str, mapping: &str, options: &IngestOptions) -> (TempDir, PathBuf, Result<IngestReport>) {
    let directory = TempDir::new().unwrap();
    let (path, file) = (directory.path().join("test.ring"), directory.path().join("rows.csv"));
    std::fs::write(&file, rows).unwrap();
    let sources = Sources { transactions: vec![Source::File(file)], ..Sources::default() };
    let mapping = Mapping::parse(mapping, "mapping").unwrap();
    let report = ingest(&path, sources, &mapping, &mut RejectLog::counting(), options, &Run::new());
    (directory, path, report)
}

const MAPPING: &str = include_str!("../src/ingest/presets/ledger.toml");

/// Verified in full, and opened.
fn sound(path: &Path) -> Graph {
    verify(path, true, &Run::new()).unwrap();
    Graph::open(path, Io::Mmap).unwrap()
}

#[test]
fn keys_have_up_to_1024_bytes_and_at_least_one() {
    let key = |len: usize| "é".repeat(len / 2) + &"k".repeat(len % 2);
    for of in ["account", "transaction"] {
        let mut rows = HEADER.to_string();
        for len in [0, 1, 1023, 1024, 1025, 4096] {
            let (account, transaction) =
                if of == "account" { (key(len), format!("t{len}")) } else { ("a".into(), key(len)) };
            rows += &format!("{transaction},{account},b,2024-01-01T00:00:00Z,{len}.00,EUR\n");
        }
        let (_directory, path, report) = store(&rows, MAPPING, &scratch());
        let report = report.unwrap();
        assert_eq!(report.counts(), [6, 3, 3, 0], "{of}: {:?}", report.reasons);
        assert_eq!(report.reasons.get(&Reason::KeyTooLong), Some(&2), "{of}: {:?}", report.reasons);
        let graph = sound(&path);
        for len in [1, 1023, 1024] {
            let found = match of {
                "account" => graph.find_account(&key(len)).unwrap().map(|id| graph.account_key(id).unwrap()),
                _ => graph.find_transaction(&key(len)).unwrap().map(|id| graph.transaction_key(id).unwrap()),
            };
            assert_eq!(found, Some(key(len)), "{of}");
        }
        assert_eq!(graph.find_account(&key(1025)).unwrap(), None);
        assert_eq!(graph.find_account("").unwrap(), None);
        assert_eq!(graph.find_transaction(&key(1025)).unwrap(), None);
    }
}

#[test]
fn amounts_are_exact_to_the_last_unit_and_their_sums_do_not_overflow() {
    let mut rows = HEADER.to_string();
    for (row, amount) in
        ["92233720368547758.07", "92233720368547758.07", "92233720368547758.07", "92233720368547758.08"]
            .into_iter()
            .enumerate()
    {
        rows += &format!("t{row},a,b,2024-01-0{}T00:00:00Z,{amount},EUR\n", row + 1);
    }
    let (_directory, path, report) = store(&rows, MAPPING, &scratch());
    let report = report.unwrap();
    assert_eq!((report.counts(), report.reasons.get(&Reason::AmountTooLarge)), ([4, 3, 1, 0], Some(&1)));
    assert_eq!(report.manifest.totals[0].accepted_minor, 3 * i128::from(i64::MAX));
    let graph = sound(&path);
    assert_eq!(graph.transaction(TxId(2)).unwrap().paid, i64::MAX);
    let weigh = |weight| ProjectOptions { weight, ..ProjectOptions::default() };
    // A projection's weights have 63 bits: more is refused by name, and less exact weights are offered.
    let summed = project(&graph.view(), &weigh(Weight::Amount(CurrencyId(0))), &Run::new());
    assert!(matches!(summed, Err(Error::Limit { .. })), "{summed:?}");
    for weight in [Weight::Count, Weight::LogAmount] {
        assert_eq!(project(&graph.view(), &weigh(weight), &Run::new()).unwrap().num_pairs(), 1);
        project_directed(&graph.view(), &weigh(weight), &Run::new()).unwrap();
    }
    // The other way round they are as exact: what is taken back is listed as a payment back.
    let reverse =
        MAPPING.replace("amount = \"amount\"", "amount = \"amount\"\namount_negative = \"reverse\"");
    let rows = format!(
        "{HEADER}t,a,b,2024-01-01T00:00:00Z,-92233720368547758.07,EUR\nu,a,b,2024-01-01T00:00:00Z,-92233720368547758.08,EUR\n"
    );
    let (_directory, path, report) = store(&rows, &reverse, &scratch());
    assert_eq!(report.unwrap().counts(), [2, 1, 1, 0]);
    let graph = sound(&path);
    let found = graph.transaction(TxId(0)).unwrap();
    assert_eq!(
        (found.source, graph.account_key(found.source).unwrap(), found.paid.abs()),
        (found.source, "b".into(), i64::MAX)
    );
}

#[test]
fn years_1600_and_9999_are_read_where_the_mapping_takes_them() {
    let times = [
        "1600-02-29T00:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "2024-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
    ];
    let rows: String = std::iter::once(HEADER.to_string())
        .chain(times.iter().enumerate().map(|(row, time)| format!("t{row},a,b,{time},1,EUR\n")))
        .collect();
    let (_directory, _, report) = store(&rows, MAPPING, &scratch());
    let report = report.unwrap();
    // By default a year far from the others is a mistake of the data.
    assert_eq!((report.counts(), report.reasons.get(&Reason::TimeOutOfRange)), ([4, 1, 3, 0], Some(&3)));
    let wide = MAPPING.replace("time_format = \"rfc3339\"\namount", "time_format = \"rfc3339\"\ntime_min = \"0000-01-01\"\ntime_max = \"9999-12-31T23:59:59.999999999Z\"\namount");
    let wide = wide.replace("23:59:59.999999999Z", "23:59:59.999999Z");
    for partition in [Partition::Week, Partition::Month, Partition::Year, Partition::None] {
        let options = IngestOptions { partition, ..scratch() };
        let (_directory, path, report) = store(&rows, &wide, &options);
        // `time_max` is the first time that is no longer taken.
        assert_eq!(report.unwrap().counts(), [4, 3, 1, 0]);
        let graph = sound(&path);
        for (id, time) in times[..3].iter().enumerate() {
            assert_eq!(format_time(graph.transaction(TxId(id as u64)).unwrap().time), *time);
        }
        let from = parse_time("1600-02-29").unwrap();
        for (window, num) in [
            (Window::ALL, 3),
            (Window { from, to: from }, 0),
            (Window { from, to: from + 1 }, 1),
            (Window { from: from + 1, to: i64::MAX }, 2),
            (Window { from: i64::MIN, to: from }, 0),
            (Window { from: i64::MAX, to: i64::MIN }, 0),
        ] {
            let positions = graph.window(window).unwrap().positions();
            assert_eq!(positions.end.0 - positions.start.0, num, "{partition:?}, {window:?}");
        }
    }
}

#[test]
fn an_empty_store_one_payment_and_an_empty_window_are_answered() {
    let (_directory, path, report) = store(HEADER, MAPPING, &scratch());
    let refused = report.unwrap_err().to_string();
    assert!(refused.contains("no rows") && !path.exists(), "{refused}");
    // Every row refused: a store without a payment.
    let rows = format!("{HEADER}t,a,b,2024-01-01T00:00:00Z,much,EUR\n");
    let (_directory, path, report) = store(&rows, MAPPING, &scratch());
    assert_eq!(report.unwrap().counts(), [1, 0, 1, 0]);
    let empty = sound(&path);
    assert_eq!((empty.num_transactions(), empty.segments().count()), (0, 0));
    assert!(empty.transaction(TxId(0)).is_err() && empty.find_account("a").unwrap().is_none());
    assert_eq!(empty.window(Window { from: 0, to: 1 }).unwrap().positions().end, TxId(0));
    assert_eq!(project(&empty.view(), &ProjectOptions::default(), &Run::new()).unwrap().num_pairs(), 0);
    for io in [Io::Mmap, Io::Read] {
        full::answers(&path, io).unwrap();
    }
    // What comes later is added to it as to any other.
    let file = path.with_extension("later.csv");
    std::fs::write(&file, format!("{HEADER}t,a,b,2024-01-01T00:00:00Z,5,EUR\n")).unwrap();
    let sources = Sources { transactions: vec![Source::File(file)], ..Sources::default() };
    append(&path, sources, &mut RejectLog::counting(), &scratch(), &Run::new()).unwrap();
    let one = sound(&path);
    assert_eq!(one.num_transactions(), 1);
    let time = one.transaction(TxId(0)).unwrap().time;
    for (from, to, num) in
        [(time, time + 1, 1), (time, time, 0), (time + 1, i64::MAX, 0), (i64::MIN, time, 0)]
    {
        let view = one.window(Window { from, to }).unwrap();
        let found: usize = view.out(AccountId(0)).map(|slice| slice.unwrap().transactions.len()).sum();
        assert_eq!((found, view.positions().end.0 - view.positions().start.0), (num, num as u64));
        assert_eq!(project(&view, &ProjectOptions::default(), &Run::new()).unwrap().num_pairs(), num);
    }
    for io in [Io::Mmap, Io::Read] {
        full::answers(&path, io).unwrap();
    }
}

/// The limits of ids, lowered; that the real ones are those of 32 bits is in `ids`.
#[test]
fn as_many_accounts_and_payments_as_there_are_ids() {
    let rows = |num: u64| -> String {
        let rows = (0..num).map(|row| {
            format!("t{row},a{row},a{},2024-01-01T00:00:{:02}Z,1,EUR\n", (row + 1) % num, row % 60)
        });
        HEADER.to_string() + &rows.collect::<String>()
    };
    for memory_min in [64 << 20, 1] {
        let memory = (memory_min == 1).then_some(20_000);
        let build = BuildOptions { ids_max: 100, memory_min, ..BuildOptions::default() };
        let options = IngestOptions { build, memory, ..scratch() };
        let (_directory, path, report) = store(&rows(100), MAPPING, &options);
        report.unwrap();
        assert_eq!(sound(&path).num_accounts(), 100);
        let (_directory, path, report) = store(&rows(101), MAPPING, &options);
        match report {
            Err(Error::Limit { what, found: 101, limit: 100, .. }) => {
                assert_eq!(what, "accounts in one store")
            }
            other => panic!("{other:?}"),
        }
        assert!(!path.exists());
        // Accounts fit, payments of one segment do not.
        let many: String = (0..101).map(|row| format!("t{row},a,b,2024-01-01T00:00:00Z,1,EUR\n")).collect();
        let (_directory, path, report) = store(&format!("{HEADER}{many}"), MAPPING, &options);
        assert!(matches!(report, Err(Error::Limit { found: 101, limit: 100, .. })), "{report:?}");
        assert!(!path.exists());
    }
    // What is added counts together with what is there, and a refusal leaves it as it was.
    let options =
        IngestOptions { build: BuildOptions { ids_max: 100, ..BuildOptions::default() }, ..scratch() };
    let (_directory, path, report) = store(&rows(100), MAPPING, &options);
    report.unwrap();
    let file = path.with_extension("later.csv");
    std::fs::write(&file, format!("{HEADER}x,a0,new,2024-05-01T00:00:00Z,1,EUR\n")).unwrap();
    let sources = Sources { transactions: vec![Source::File(file)], ..Sources::default() };
    let added = append(&path, sources, &mut RejectLog::counting(), &options, &Run::new());
    assert!(matches!(added, Err(Error::Limit { found: 101, limit: 100, .. })), "{added:?}");
    assert_eq!((sound(&path).manifest().generation, sound(&path).num_accounts()), (1, 100));
}

#[test]
fn a_hub_of_a_hundred_thousand_payments_is_whole() {
    let num = 100_000;
    let mut rows = HEADER.to_string();
    for row in 0..num {
        let (day, second) = (1 + row % 28, row % 60);
        rows += &format!("t{row},hub,a{},2024-01-{day:02}T00:00:{second:02}Z,1,EUR\n", row % 70_000);
    }
    let report = ledger(&rows, None);
    let graph = sound(&report.path);
    let hub = graph.find_account("hub").unwrap().unwrap();
    let out: usize = graph.view().out(hub).map(|slice| slice.unwrap().transactions.len()).sum();
    assert_eq!(out, num);
    let window = Window { from: parse_time("2024-01-10").unwrap(), to: parse_time("2024-01-11").unwrap() };
    let view = graph.window(window).unwrap();
    let found: usize = view.out(hub).map(|slice| slice.unwrap().transactions.len()).sum();
    assert_eq!(found, (0..num).filter(|row| row % 28 == 9).count());
    let projection = project(&graph.view(), &ProjectOptions::default(), &Run::new()).unwrap();
    assert_eq!(projection.num_pairs(), 70_000);
    let cut = ProjectOptions { neighbors_max: Some(1_000), ..ProjectOptions::default() };
    let cut = project(&graph.view(), &cut, &Run::new()).unwrap();
    assert_eq!((cut.hubs.len(), cut.num_pairs() <= 1_000), (1, true));
}

/// A payment without a key is known by its file and record, also where every other record was left out.
#[test]
fn payments_are_found_by_their_record_where_records_are_numbered_in_steps() {
    let mapping = "[transactions]\nsource = \"source\"\ndestination = \"destination\"\ntime = \"time\"\namount = \"amount\"\n\
                   currency = \"currency\"\n";
    let mut rows = HEADER.to_string();
    for row in 0..40 {
        let amount = if row % 2 == 0 { "1" } else { "much" };
        rows += &format!("t,a,b,2024-01-01T00:00:{row:02}Z,{amount},EUR\n");
    }
    let (_directory, path, report) = store(&rows, mapping, &scratch());
    assert_eq!(report.unwrap().counts(), [40, 20, 20, 0]);
    let graph = sound(&path);
    for at in 0..20 {
        let key = graph.transaction_key(TxId(at)).unwrap();
        assert_eq!(key, format!("0:{}", 2 * at + 1));
        assert_eq!(graph.find_transaction(&key).unwrap(), Some(TxId(at)), "{key}");
    }
    for absent in [
        "0:0",
        "0:2",
        "0:40",
        "0:41",
        "1:1",
        "16777215:1099511627775",
        "16777216:1",
        "0:1099511627776",
        ":",
        "0:-1",
    ] {
        assert_eq!(graph.find_transaction(absent).unwrap(), None, "{absent}");
    }
}

/// The number of the first source is for those who read by themselves; a store counts its sources from 0.
#[test]
fn a_store_counts_its_sources_from_the_first() {
    let read = ReadOptions { first_ordinal: 7, ..ReadOptions::default() };
    let rows = format!("{HEADER}t,a,b,2024-01-01T00:00:00Z,1,EUR\nt,a,b,2024-01-01T00:00:00Z,1,EUR\n");
    let (_directory, path, report) = store(&rows, MAPPING, &IngestOptions { read, ..scratch() });
    assert_eq!(report.unwrap().counts(), [2, 1, 0, 1]);
    let graph = sound(&path);
    assert_eq!(graph.segments().next().unwrap().1.transactions.row.get(0).unwrap(), 1);
}
