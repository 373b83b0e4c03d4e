//! A store that was cut otherwise is the store that was made so.
#![allow(clippy::unwrap_used)]

mod support;

use ringfence::graph::Graph;
use ringfence::graph::build::{
    BuildOptions, CompactReport, IngestOptions, Sources, append, compact, compact_into, ingest,
};
use ringfence::ids::TxId;
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::store::manifest::{FileEntry, Manifest, Partition};
use ringfence::store::verify::verify;
use ringfence::store::{Io, StoreWriter};
use ringfence::{Error, Result, Run};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use support::{random, random_ledger, scratch};
use tempfile::TempDir;

const WIDTHS: [Partition; 4] = [Partition::Week, Partition::Month, Partition::Year, Partition::None];

/// A random ledger that goes over a new year; transactions have keys of one of three sorts: numbers, mostly numbers, texts.
fn random_rows(seed: u64, rows: u64) -> String {
    let text = random_ledger(seed, 20, rows).replace("2024-01-", "2023-12-").replace("2024-02-", "2024-01-");
    let (header, rows) = text.split_once('\n').unwrap();
    let keyed = rows.lines().enumerate().map(|(number, row)| match (seed % 3, row.strip_prefix('t')) {
        (0, Some(number)) => format!("{number}\n"),
        (1, Some(rest)) if !random(seed, 900_000 + number as u64).is_multiple_of(9) => format!("{rest}\n"),
        _ => format!("{row}\n"),
    });
    format!("{header}\n{}", keyed.collect::<String>())
}

fn file(folder: &TempDir, name: &str, text: &str) -> Source {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    Source::File(path)
}

const LINKS: &str = "account,kind,value,first_seen,last_seen\na1,phone,0123,2024-01-01T00:00:00Z,\na2,phone,0123,2024-01-01T00:00:00Z,\nzz,device,d3,,\n";
const ACCOUNTS: &str = "account,risk,country\na1,3,NL\na4,,DE\nzy,1,\n";

/// A store of these parts, the first ingested and the others appended; with links and accounts in the last part.
fn store(parts: &[String], partition: Partition, tables: bool) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("test.ring");
    for (number, part) in parts.iter().enumerate() {
        let mut sources = Sources {
            transactions: vec![file(&folder, &format!("transactions-{number}.csv"), part)],
            ..Sources::default()
        };
        if tables && number + 1 == parts.len() {
            sources.links = vec![file(&folder, "links.csv", LINKS)];
            sources.accounts = vec![file(&folder, "accounts.csv", ACCOUNTS)];
        }
        add(&path, sources, partition, number == 0);
    }
    (folder, path)
}

/// A store that gets the same parts in one go.
fn at_once(parts: &[String], partition: Partition) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("test.ring");
    let files = parts.iter().enumerate();
    let files = files.map(|(number, part)| file(&folder, &format!("transactions-{number}.csv"), part));
    add(&path, Sources { transactions: files.collect(), ..Sources::default() }, partition, true);
    (folder, path)
}

fn add(path: &Path, sources: Sources, partition: Partition, first: bool) {
    let options = IngestOptions { partition, ..scratch() };
    let mut log = RejectLog::counting();
    match first {
        true => ingest(path, sources, &Mapping::preset("ledger").unwrap(), &mut log, &options, &Run::new()),
        false => append(path, sources, &mut log, &options, &Run::new()),
    }
    .unwrap();
}

/// Compacts a store that need not survive a power failure.
fn compacted(path: &Path, partition: Partition, run: &Run) -> CompactReport {
    let mut writer = StoreWriter::append(path).unwrap();
    writer.set_durable(false);
    let options = BuildOptions { partition, ..BuildOptions::default() };
    run.install(|| compact_into(writer, &options, run)).unwrap()
}

fn manifest(path: &Path) -> Manifest {
    Graph::open(path, Io::Mmap).unwrap().manifest().clone()
}

/// A hash of the bytes of the files of all segments, by name.
fn segments(path: &Path) -> BTreeMap<String, u64> {
    let hash = |entry: FileEntry| {
        let mut hasher = DefaultHasher::new();
        hasher.write(&std::fs::read(path.join(&entry.name)).unwrap());
        (entry.name, hasher.finish())
    };
    manifest(path).segments.into_iter().map(|segment| hash(segment.file)).collect()
}

/// Every file below the store with its bytes, but for the lock.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => folders.push(path),
                false if path.ends_with("LOCK") => {}
                false => drop(found.insert(path.clone(), std::fs::read(&path).unwrap())),
            }
        }
    }
    found
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

/// Only the width and what follows from it may differ.
fn assert_nothing_else_changed(before: &Manifest, after: &Manifest) {
    let as_before = Manifest {
        generation: before.generation,
        parent: before.parent,
        schema: ringfence::store::manifest::Schema {
            partition: before.schema.partition,
            ..after.schema.clone()
        },
        segments: before.segments.clone(),
        ..after.clone()
    };
    assert_eq!(&as_before, before);
}

#[test]
fn compacted_is_made_so_and_back_again_is_the_beginning() {
    for seed in 0..16 {
        let rows = [random_rows(seed, 3 + seed * 6)];
        let (from, to) = (WIDTHS[seed as usize % 4], WIDTHS[(seed as usize % 4 + 1 + seed as usize % 3) % 4]);
        let ((_keep, changed), (_this, made)) = (store(&rows, from, false), store(&rows, to, false));
        let (before, beginning) = (manifest(&changed), segments(&changed));
        let run = Run::new().threads(1 + seed as usize % 3).unwrap();
        let report = compacted(&changed, to, &run);
        assert!(report.published && report.partition_before == from);
        assert_eq!(
            (&report.manifest, report.num_segments_before),
            (&manifest(&changed), before.segments.len())
        );
        assert_eq!((report.manifest.generation, report.manifest.schema.partition), (2, to));
        assert_eq!(report.manifest.segments, manifest(&made).segments, "seed {seed}, {from:?} to {to:?}");
        assert_eq!(segments(&changed), segments(&made), "seed {seed}, {from:?} to {to:?}");
        assert_nothing_else_changed(&before, &report.manifest);
        verify(&changed, true, &Run::new()).unwrap();
        compacted(&changed, from, &run);
        assert_eq!(manifest(&changed).segments, before.segments);
        assert_eq!(segments(&changed), beginning);
    }
}

#[test]
fn what_came_in_parts_is_compacted_to_what_comes_at_once() {
    for seed in 0..16 {
        let parts = parts(&random_rows(seed, 10 + seed * 5), seed, 2 + seed % 3);
        let (from, to) = (WIDTHS[seed as usize % 4], WIDTHS[(seed as usize % 4 + 1 + seed as usize % 3) % 4]);
        let ((_keep, changed), (_this, made)) = (store(&parts, from, false), at_once(&parts, to));
        let before = manifest(&changed);
        let report = compacted(&changed, to, &Run::new());
        assert_eq!(report.manifest.parent, {
            let parent = Graph::open_as_of(&changed, before.generation, Io::Mmap).unwrap();
            Some(parent.store().manifest_sha256)
        });
        assert_eq!(report.manifest.segments, manifest(&made).segments, "seed {seed}, {from:?} to {to:?}");
        assert_nothing_else_changed(&before, &report.manifest);
        let also = |manifest: &Manifest| {
            (
                manifest.account_keys.clone(),
                manifest.kinds.clone(),
                manifest.sources.clone(),
                manifest.totals.clone(),
            )
        };
        assert_eq!(also(&report.manifest), also(&manifest(&made)));
        // And back: as if it had been made in one go.
        compacted(&changed, from, &Run::new());
        assert_eq!(segments(&changed), segments(&at_once(&parts, from).1), "seed {seed}");
        verify(&changed, true, &Run::new()).unwrap();
    }
}

/// First and last sight and number of the links of (account, kind, identifier).
type Links = BTreeMap<(u32, u8, u32), (i64, i64, u32)>;

/// Every transaction with its key and the reference of its row, and every link, over all segments.
fn said(path: &Path) -> (Vec<String>, Links) {
    let graph = Graph::open(path, Io::Mmap).unwrap();
    let row = |position: u64| {
        let (segment, at) = graph.locate(TxId(position)).unwrap();
        let columns = &segment.transactions;
        format!(
            "{:?} {} {} {} {} {:?}",
            graph.transaction(TxId(position)).unwrap(),
            graph.transaction_key(TxId(position)).unwrap(),
            columns.row.get(at).unwrap(),
            columns.channel.get(at).unwrap(),
            columns.label.get(at).unwrap(),
            columns
                .device
                .as_ref()
                .map(|device| device.get(at).unwrap())
                .filter(|&device| device != u32::MAX),
        )
    };
    let mut links = Links::new();
    for links_here in graph.link_segments().map(|segment| &segment.links) {
        for at in 0..links_here.len() {
            let key = (
                links_here.account.get(at).unwrap(),
                links_here.kind.get(at).unwrap(),
                links_here.identifier.get(at).unwrap(),
            );
            let (first, last) = (links_here.first.get(at).unwrap(), links_here.last.get(at).unwrap());
            let all = links.entry(key).or_insert((first, last, 0));
            *all = (all.0.min(first), all.1.max(last), all.2 + links_here.count.get(at).unwrap());
        }
    }
    ((0..graph.num_transactions()).map(row).collect(), links)
}

#[test]
fn links_and_attributes_stay() {
    for seed in 0..8 {
        let parts = parts(&random_rows(seed, 80), seed, 2);
        let (_keep, path) = store(&parts, Partition::Month, true);
        let (before, words) = (manifest(&path), said(&path));
        assert!(before.static_links.is_some() && before.attributes.is_some());
        for to in [Partition::Week, Partition::None, Partition::Year] {
            let report = compacted(&path, to, &Run::new());
            assert_nothing_else_changed(&before, &report.manifest);
            assert_eq!(said(&path), words, "seed {seed}, {to:?}");
            verify(&path, true, &Run::new()).unwrap();
        }
    }
}

#[test]
fn what_has_the_width_is_left_as_it_is() {
    let (_keep, path) = store(&[random_rows(1, 40)], Partition::Week, false);
    let before = files(&path);
    let report = compact(&path, Partition::Week, &Run::new()).unwrap();
    assert!(!report.published);
    assert_eq!((report.manifest.clone(), report.manifest.generation), (manifest(&path), 1));
    assert_eq!(files(&path), before);
}

#[test]
fn rows_come_to_a_compacted_store_as_to_any() {
    let parts = parts(&random_rows(5, 60), 5, 3);
    let (_keep, path) = store(&parts[..2], Partition::Week, false);
    compact(&path, Partition::Year, &Run::new()).unwrap();
    let last = file(&_keep, "transactions-2.csv", &parts[2]);
    add(&path, Sources { transactions: vec![last], ..Sources::default() }, Partition::Month, false);
    let (_this, made) = at_once(&parts, Partition::Year);
    assert_eq!(said(&path), said(&made));
    verify(&path, true, &Run::new()).unwrap();
}

#[test]
fn a_compaction_that_fails_leaves_the_store_as_it_was() {
    let (_keep, path) = store(&[random_rows(2, 100)], Partition::Week, true);
    let before = files(&path);
    let options = BuildOptions { partition: Partition::Year, ids_max: 30, ..BuildOptions::default() };
    let refused: Result<CompactReport> =
        compact_into(StoreWriter::append(&path).unwrap(), &options, &Run::new());
    match refused {
        Err(Error::Limit { what, limit: 30, remedy, .. }) => {
            assert!(what.contains("one time partition") && remedy.contains("narrower"))
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(files(&path), before);
    let run = Run::new();
    run.cancel_flag().store(true, Ordering::Relaxed);
    assert!(matches!(compact(&path, Partition::Year, &run), Err(Error::Cancelled)));
    assert_eq!(files(&path), before);
    let writer = StoreWriter::append(&path).unwrap();
    assert!(matches!(compact(&path, Partition::Year, &Run::new()), Err(Error::Locked { .. })));
    drop(writer);
    assert!(compact(&path.join("nowhere"), Partition::Year, &Run::new()).is_err());
    assert_eq!(files(&path), before);
}

#[test]
fn keys_of_transactions_are_texts_everywhere_if_they_are_anywhere() {
    let header = "transaction,source,destination,time,amount,currency\n";
    let parts = [
        format!(
            "{header}7,a,b,2023-12-05T00:00:00Z,1.00,EUR\n9,b,a,2023-12-25T00:00:00Z,1.00,EUR\n8,a,b,2024-01-02T00:00:00Z,1.00,EUR\n"
        ),
        format!("{header}x,a,c,2024-02-05T00:00:00Z,1.00,EUR\n"),
    ];
    for to in [Partition::Week, Partition::Year] {
        let ((_keep, path), (_this, made)) = (store(&parts, Partition::Month, false), at_once(&parts, to));
        compacted(&path, to, &Run::new());
        assert_eq!(segments(&path), segments(&made));
        verify(&path, true, &Run::new()).unwrap();
    }
}
