//! A store that got its rows in parts is the store that got them at once.
#![allow(clippy::unwrap_used)]

mod support;

use ringfence::graph::Graph;
use ringfence::graph::build::{BuildOptions, IngestOptions, IngestReport, Sources, append, ingest};
use ringfence::ids::{AccountId, IdentifierId, KindId, TxId};
use ringfence::ingest::{Mapping, Reason, RejectLog, Source};
use ringfence::store::Io;
use ringfence::store::manifest::Partition;
use ringfence::store::verify::verify;
use ringfence::{Error, Result, Run};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use support::{random, random_ledger, scratch};
use tempfile::TempDir;

const HEADER: &str = "transaction,source,destination,time,amount,currency\n";

/// Tables of one delivery, as text; an empty one is not there.
#[derive(Clone, Copy, Default)]
struct Delivery<'t> {
    transactions: &'t str,
    links: &'t str,
    accounts: &'t str,
}

/// A folder for a store and its sources.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Folder(TempDir::new().unwrap())
    }

    fn store(&self) -> PathBuf {
        self.0.path().join("test.ring")
    }

    fn sources(&self, number: usize, delivery: &Delivery<'_>) -> Sources {
        let file = |name: &str, text: &str| {
            let path = self.0.path().join(format!("{name}-{number}.csv"));
            std::fs::write(&path, text).unwrap();
            (!text.is_empty()).then_some(Source::File(path)).into_iter().collect()
        };
        Sources {
            transactions: file("transactions", delivery.transactions),
            links: file("links", delivery.links),
            accounts: file("accounts", delivery.accounts),
        }
    }

    fn ingest(&self, deliveries: &[Delivery<'_>], options: &IngestOptions) -> IngestReport {
        let mut all = Sources::default();
        for (number, delivery) in deliveries.iter().enumerate() {
            let Sources { transactions, links, accounts } = self.sources(number, delivery);
            all.transactions.extend(transactions);
            all.links.extend(links);
            all.accounts.extend(accounts);
        }
        let mapping = Mapping::preset("ledger").unwrap();
        ingest(&self.store(), all, &mapping, &mut RejectLog::counting(), options, &Run::new()).unwrap()
    }

    fn append(&self, number: usize, delivery: &Delivery<'_>, run: &Run) -> Result<IngestReport> {
        let sources = self.sources(number, delivery);
        run.install(|| append(&self.store(), sources, &mut RejectLog::counting(), &scratch(), run))
    }

    fn graph(&self) -> Graph {
        Graph::open(&self.store(), Io::Mmap).unwrap()
    }

    /// Every file below the store with its bytes, but for the lock.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => walk(&path, found),
                    false if path.ends_with("LOCK") => {}
                    false => drop(found.insert(path.clone(), std::fs::read(&path).unwrap())),
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(&self.store(), &mut found);
        found
    }
}

/// Everything that a store says, in words: rows with names instead of numbers, links, attributes, totals.
#[derive(Debug, PartialEq)]
struct Said {
    accounts: Vec<String>,
    rows: Vec<String>,
    links: Vec<String>,
    attributes: Vec<String>,
    currencies: Vec<String>,
    totals: Vec<String>,
}

fn said(graph: &Graph) -> Said {
    let manifest = graph.manifest();
    let key = |account: u32| graph.account_key(AccountId(account)).unwrap();
    let row = |position: u64| {
        let row = graph.transaction(TxId(position)).unwrap();
        let (segment, at) = graph.locate(TxId(position)).unwrap();
        let columns = &segment.transactions;
        let device = columns.device.as_ref().map_or(u32::MAX, |device| device.get(at).unwrap());
        let device = (device != u32::MAX).then(|| {
            let kind = graph.find_kind("device").unwrap();
            graph.identifier_key(IdentifierId { kind, value: device }).unwrap()
        });
        let name = |names: &[String], code: u8| (code > 0).then(|| names[usize::from(code) - 1].clone());
        format!(
            "{} {} -> {} at {}: {} {}, {} {}, flags {}, {device:?}, {:?}, {:?}",
            graph.transaction_key(TxId(position)).unwrap(),
            key(row.source.0),
            key(row.destination.0),
            row.time,
            row.paid,
            graph.currency(row.paid_currency).code,
            row.received,
            graph.currency(row.received_currency).code,
            row.flags,
            name(&manifest.schema.channels, columns.channel.get(at).unwrap()),
            name(&manifest.schema.labels, columns.label.get(at).unwrap()),
        )
    };
    let links = graph.link_segments().flat_map(|segment| {
        let links = &segment.links;
        (0..links.len()).map(move |at| {
            let kind = links.kind.get(at).unwrap();
            let id = IdentifierId { kind: KindId(kind), value: links.identifier.get(at).unwrap() };
            format!(
                "{} {} {} {} {} {}",
                key(links.account.get(at).unwrap()),
                manifest.kinds[usize::from(kind)].name,
                graph.identifier_key(id).unwrap(),
                links.first.get(at).unwrap(),
                links.last.get(at).unwrap(),
                links.count.get(at).unwrap(),
            )
        })
    });
    let mut links: Vec<String> = links.collect();
    links.sort();
    let attributes = graph.attribute_columns().iter().enumerate().flat_map(|(number, column)| {
        (0..graph.num_accounts()).map(move |account| {
            let value = graph.attribute(number, AccountId(account)).unwrap();
            format!("{} {}: {value:?}", key(account), column.name)
        })
    });
    let mut attributes: Vec<String> = attributes.collect();
    attributes.sort();
    let mut accounts: Vec<String> = (0..graph.num_accounts()).map(key).collect();
    accounts.sort();
    let totals = manifest.totals.iter().zip(&manifest.schema.currencies);
    let mut totals: Vec<String> =
        totals.map(|(total, currency)| format!("{} {total:?}", currency.code)).collect();
    totals.sort();
    let mut currencies: Vec<String> =
        manifest.schema.currencies.iter().map(|currency| format!("{currency:?}")).collect();
    currencies.sort();
    let rows = (0..graph.num_transactions()).map(row).collect();
    Said { accounts, rows, links, attributes, currencies, totals }
}

/// Cuts the rows of a table with a header into parts.
fn parts(text: &str, seed: u64, num_parts: u64) -> Vec<String> {
    let (header, rows) = text.split_once('\n').unwrap();
    let mut parts = vec![format!("{header}\n"); num_parts as usize];
    for (number, row) in rows.lines().enumerate() {
        let part = random(seed, 1_000_000 + number as u64) % num_parts;
        parts[part as usize] += &format!("{row}\n");
    }
    parts.retain(|part| part.lines().count() > 1);
    parts
}

/// A links table and an accounts table over some of the accounts of a random ledger, and some others.
fn tables(seed: u64) -> (String, String) {
    let mut links = String::from("account,kind,value,first_seen,last_seen\n");
    let mut accounts = String::from("account,risk,country,since\n");
    for number in 0..30 {
        let pick = |what: u64, below: u64| random(seed ^ 77, number * 8 + what) % below;
        let kind = ["phone", "device", "email"][pick(0, 3) as usize];
        links += &format!("a{},{kind},i{},2024-01-0{}T00:00:00Z,\n", pick(1, 25), pick(2, 9), 1 + pick(3, 9));
        let country = ["NL", "DE", ""][pick(4, 3) as usize];
        accounts += &format!("a{number},{},{country},2020-01-01T00:00:00Z\n", pick(5, 100));
    }
    (links, accounts)
}

#[test]
fn rows_in_parts_are_rows_at_once() {
    for seed in 0..60 {
        let text = random_ledger(seed, 20, 5 + seed * 5);
        let parts = parts(&text, seed, 2 + seed % 4);
        let deliveries: Vec<Delivery> =
            parts.iter().map(|part| Delivery { transactions: part, ..Delivery::default() }).collect();
        let partition =
            [Partition::Month, Partition::Week, Partition::None, Partition::Year][seed as usize % 4];
        let options = IngestOptions { partition, ..scratch() };
        let (at_once, in_parts) = (Folder::new(), Folder::new());
        at_once.ingest(&deliveries, &options);
        in_parts.ingest(&deliveries[..1], &options);
        for (number, delivery) in deliveries.iter().enumerate().skip(1) {
            let run = Run::new().threads(1 + seed as usize % 3).unwrap();
            let report = in_parts.append(number, delivery, &run).unwrap();
            assert_eq!(report.manifest.generation, 1 + number as u64);
        }
        verify(&in_parts.store(), true, &Run::new()).unwrap();
        let (one, other) = (at_once.graph(), in_parts.graph());
        assert_eq!(said(&one), said(&other), "seed {seed}");
        let sources = |graph: &Graph| graph.manifest().sources.clone();
        assert_eq!(sources(&one), sources(&other));
        // Accounts and identifiers have the same numbers, as they come in the same order.
        assert_eq!(one.manifest().account_keys, other.manifest().account_keys, "seed {seed}");
        assert_eq!(one.manifest().kinds, other.manifest().kinds, "seed {seed}");
        // A partition that the last part touched has the bytes that it has at once.
        let last = parts.last().unwrap();
        let touched =
            |partition: &str| last.lines().skip(1).any(|row| row.contains(&format!(",{partition}")));
        if partition == Partition::Month {
            for (one, other) in one.manifest().segments.iter().zip(&other.manifest().segments) {
                assert!(one == other || !touched(&one.partition), "seed {seed}: {one:?} {other:?}");
            }
        }
    }
}

#[test]
fn links_and_accounts_in_parts_are_links_and_accounts_at_once() {
    for seed in 0..40 {
        let text = random_ledger(seed, 20, 60);
        let parts = parts(&text, seed, 2);
        let [(links, accounts), (more_links, _)] = [tables(seed), tables(seed + 1000)];
        let (header, rows) = accounts.split_once('\n').unwrap();
        let rows: Vec<&str> = rows.lines().collect();
        let table = |rows: &[&str]| format!("{header}\n{}\n", rows.join("\n"));
        let (accounts, more_accounts) = (table(&rows[..18]), table(&rows[18..]));
        let deliveries = [
            Delivery { transactions: &parts[0], links: &links, accounts: &accounts },
            Delivery {
                transactions: parts.get(1).map_or("", |part| part),
                links: &more_links,
                accounts: &more_accounts,
            },
        ];
        let (at_once, in_parts) = (Folder::new(), Folder::new());
        at_once.ingest(&deliveries, &scratch());
        in_parts.ingest(&deliveries[..1], &scratch());
        in_parts.append(1, &deliveries[1], &Run::new()).unwrap();
        verify(&in_parts.store(), true, &Run::new()).unwrap();
        assert_eq!(said(&at_once.graph()), said(&in_parts.graph()), "seed {seed}");
    }
}

#[test]
fn what_new_rows_do_not_touch_stays_as_it_is() {
    let folder = Folder::new();
    let first = format!(
        "{HEADER}t1,a,b,2024-01-05T00:00:00Z,10.00,EUR\nt2,b,c,2024-02-05T00:00:00Z,4.00,EUR\nt3,c,a,2024-03-05T00:00:00Z,4.00,EUR\n"
    );
    folder.ingest(&[Delivery { transactions: &first, ..Delivery::default() }], &scratch());
    let (before, graph) = (folder.files(), folder.graph());
    let words = said(&graph);
    let late = format!("{HEADER}t4,b,a,2024-02-04T00:00:00Z,1.00,EUR\n");
    let report =
        folder.append(1, &Delivery { transactions: &late, ..Delivery::default() }, &Run::new()).unwrap();
    let (old, new) = (graph.manifest(), &report.manifest);
    assert_eq!(new.parent, Some(graph.store().manifest_sha256));
    assert_eq!([&old.segments[0], &old.segments[2]], [&new.segments[0], &new.segments[2]]);
    assert_ne!(old.segments[1].file, new.segments[1].file);
    assert_eq!(old.account_keys, new.account_keys);
    // Files of the generation before are all there, as they were, and whoever opened it goes on reading it.
    let after = folder.files();
    for (path, bytes) in before.iter().filter(|(path, _)| !path.ends_with("CURRENT")) {
        assert_eq!(after.get(path), Some(bytes), "{}", path.display());
    }
    assert_eq!(said(&graph), words);
    let keys: Vec<String> =
        (0..4).map(|position| folder.graph().transaction_key(TxId(position)).unwrap()).collect();
    assert_eq!(keys, ["t1", "t4", "t2", "t3"]);
}

#[test]
fn a_source_goes_in_once() {
    let folder = Folder::new();
    let first = format!("{HEADER}t1,a,b,2024-01-05T00:00:00Z,10.00,EUR\n");
    let second = format!("{HEADER}t2,a,b,2024-01-06T00:00:00Z,10.00,EUR\n");
    let delivery = |text| Delivery { transactions: text, ..Delivery::default() };
    folder.ingest(&[delivery(&first)], &scratch());
    folder.append(1, &delivery(&second), &Run::new()).unwrap();
    let before = folder.files();
    for (text, generation) in [(&first, "generation 1"), (&second, "generation 2")] {
        let error = folder.append(7, &delivery(text), &Run::new()).unwrap_err().to_string();
        assert!(error.contains(generation) && error.contains("transactions-7.csv"), "{error}");
        assert_eq!(folder.files(), before);
    }
}

#[test]
fn a_key_that_the_store_has_is_skipped_if_it_says_the_same_and_rejected_if_not() {
    let folder = Folder::new();
    let first =
        format!("{HEADER}t1,a,b,2024-01-05T00:00:00Z,10.00,EUR\n7,b,c,2024-02-01T00:00:00Z,4.00,EUR\n");
    folder.ingest(&[Delivery { transactions: &first, ..Delivery::default() }], &scratch());
    let second = format!(
        "{HEADER}t1,a,b,2024-01-05T00:00:00Z,10.00,EUR\n7,b,c,2024-02-01T00:00:00Z,4.01,EUR\n\
         8,b,c,2024-02-01T00:00:00Z,4.02,EUR\n8,b,c,2024-02-01T00:00:00Z,4.02,EUR\nt1,a,b,2024-05-05T00:00:00Z,10.00,EUR\n"
    );
    let report =
        folder.append(1, &Delivery { transactions: &second, ..Delivery::default() }, &Run::new()).unwrap();
    let new = &report.manifest.sources[1];
    assert_eq!([new.read, new.accepted, new.rejected, new.skipped], [5, 1, 2, 2]);
    assert_eq!(report.reasons[&Reason::DuplicateSameContent], 2);
    assert_eq!(report.reasons[&Reason::DuplicateDifferentContent], 2);
    let total = &report.manifest.totals[0];
    assert_eq!((total.accepted, total.accepted_minor), (3, 1_802));
    assert_eq!((total.rejected, total.rejected_minor), (4, 2_803));
    // May is not there: nothing of it was accepted.
    assert_eq!(report.manifest.segments.len(), 2);
    verify(&folder.store(), true, &Run::new()).unwrap();
}

#[test]
fn an_append_that_fails_leaves_the_store_as_it_was() {
    let folder = Folder::new();
    let first = format!("{HEADER}t1,a,b,2024-01-05T00:00:00Z,10.00,EUR\n");
    let delivery = |text| Delivery { transactions: text, ..Delivery::default() };
    folder.ingest(&[delivery(&first)], &scratch());
    let before = folder.files();
    let run = Run::new();
    run.cancel_flag().store(true, Ordering::Relaxed);
    let second = format!("{HEADER}t2,c,d,2024-01-06T00:00:00Z,10.00,EUR\n");
    assert!(matches!(folder.append(1, &delivery(&second), &run), Err(Error::Cancelled)));
    assert_eq!(folder.files(), before);
    let strict = IngestOptions { max_rejects_percent: 0.0, ..scratch() };
    let bad = format!("{second}t3,c,d,2024-01-06T00:00:00Z,ten,EUR\n");
    let bad = folder.sources(2, &delivery(&bad));
    let refused = append(&folder.store(), bad, &mut RejectLog::counting(), &strict, &Run::new());
    assert!(matches!(refused, Err(Error::Rejects { .. })));
    let nothing =
        append(&folder.store(), Sources::default(), &mut RejectLog::counting(), &strict, &Run::new());
    assert!(matches!(nothing, Err(Error::Option { name: "sources", .. })));
    let nowhere = folder.0.path().join("nowhere.ring");
    let sources = folder.sources(3, &delivery(&second));
    let foreign = append(&nowhere, sources, &mut RejectLog::counting(), &strict, &Run::new());
    assert!(foreign.is_err() && !nowhere.exists());
    assert_eq!(folder.files(), before);
}

#[test]
fn what_does_not_fit_into_the_memory_is_refused_before_it_is_read_back() {
    let folder = Folder::new();
    let text = random_ledger(5, 20, 400);
    folder.ingest(&[Delivery { transactions: &text, ..Delivery::default() }], &scratch());
    let before = folder.files();
    let with = |number, text: &str, memory| {
        let build = BuildOptions { memory_min: 0, ..BuildOptions::default() };
        let options = IngestOptions { memory: Some(memory), build, ..scratch() };
        let sources = folder.sources(number, &Delivery { transactions: text, ..Delivery::default() });
        append(&folder.store(), sources, &mut RejectLog::counting(), &options, &Run::new())
    };
    let into_january = format!("{HEADER}n1,a,b,2024-01-15T00:00:00Z,10.00,EUR\n");
    let into_new_month = format!("{HEADER}n2,a,b,2024-07-15T00:00:00Z,10.00,EUR\n");
    let is_too_little = |refused: Result<IngestReport>| match refused {
        Err(Error::Limit { what, found, limit, remedy }) => {
            assert!(what.contains("memory") && found > limit && remedy.contains("--memory"), "{what}");
        }
        other => panic!("{other:?}"),
    };
    // The rows of January do not fit; those of a month that was not there do.
    is_too_little(with(1, &into_january, 10_000));
    assert_eq!(folder.files(), before);
    with(2, &into_new_month, 10_000).unwrap();
    with(3, &into_january, 1 << 20).unwrap();
    // A delivery that does not fit by itself.
    is_too_little(with(4, &random_ledger(6, 20, 400).replace("\nt", "\nm"), 10_000));
    verify(&folder.store(), true, &Run::new()).unwrap();
}

#[test]
fn a_new_row_of_an_account_says_its_attributes_anew() {
    let folder = Folder::new();
    let first = format!("{HEADER}t1,a,b,2024-01-05T00:00:00Z,10.00,EUR\n");
    let accounts = "account,risk,zip\na,1,0123\nb,2,9000\n";
    folder.ingest(&[Delivery { transactions: &first, accounts, links: "" }], &scratch());
    let more = "account,zip,name\nb,4711,Bob\nc,77,Cy\n";
    folder.append(1, &Delivery { accounts: more, ..Delivery::default() }, &Run::new()).unwrap();
    let said = said(&folder.graph()).attributes;
    let text = |value: &str| format!("Some(Text({value:?}))");
    let expected = [
        "a name: None".to_string(),
        "a risk: Some(Integer(1))".to_string(),
        format!("a zip: {}", text("0123")),
        format!("b name: {}", text("Bob")),
        "b risk: Some(Integer(2))".to_string(),
        format!("b zip: {}", text("4711")),
        format!("c name: {}", text("Cy")),
        "c risk: None".to_string(),
        format!("c zip: {}", text("77")),
    ];
    assert_eq!(said, expected);
    verify(&folder.store(), true, &Run::new()).unwrap();
    // A value of another type is no value of the column.
    let wrong = Delivery { accounts: "account,risk\na,high\nc,3\n", ..Delivery::default() };
    let report = folder.append(2, &wrong, &Run::new()).unwrap();
    assert_eq!([report.manifest.sources[3].accepted, report.manifest.sources[3].rejected], [1, 1]);
    let said = self::said(&folder.graph()).attributes;
    assert_eq!((&*said[1], &*said[7]), ("a risk: Some(Integer(1))", "c risk: Some(Integer(3))"));
}
