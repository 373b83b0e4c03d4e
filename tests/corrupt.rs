//! Damaged, cut, exchanged and foreign files are refused by name; nothing is ever answered from them.
//!
//! The store used here is built by hand, column by column, from a few
//! transactions, so that every rule of the format can be broken on purpose.
//! `RINGFENCE_TORTURE=1` flips every bit and cuts at every length, also of two
//! stores as `ingest` makes them; without it the empty ends of pages are sampled.
#![allow(clippy::unwrap_used)]

#[path = "support/full.rs"]
mod full;
mod support;

use ringfence::graph::build::IngestOptions;
use ringfence::store::format::{ATTRIBUTE_FIRST, ColumnId, flags};
use ringfence::store::keys::KeyList;
use ringfence::store::manifest::{
    AttributeColumn, AttributeKind, AttributesEntry, ControlTotal, FileEntry, KindEntry, Manifest, Partition,
    Schema, SegmentEntry, SourceEntry,
};
use ringfence::store::verify::{Verified, verify};
use ringfence::store::{Container, ContainerWriter, Io, Keys, Store, StoreWriter};
use ringfence::units::Currency;
use ringfence::{Error, Result, Run};
use std::fs;
use std::path::{Path, PathBuf};

const DAY_US: i64 = 86_400_000_000;
/// 2024-05-01.
const MAY_US: i64 = 19_844 * DAY_US;
/// 2024-06-01.
const JUNE_US: i64 = MAY_US + 31 * DAY_US;
const NUM_ACCOUNTS: u32 = 9;
const NUM_DEVICES: u32 = 4;

/// Source, destination, time, amount.
type Row = (u32, u32, i64, i64);

const MAY: [Row; 6] = [
    (0, 1, MAY_US, 10_000),
    (1, 2, MAY_US + 5, 6_000),
    (1, 3, MAY_US + 5, 4_000),
    (2, 2, MAY_US + DAY_US, 100),
    (3, 0, MAY_US + 2 * DAY_US, 9_999),
    (0, 1, MAY_US + 30 * DAY_US, 700),
];
const JUNE: [Row; 3] =
    [(8, 0, JUNE_US, 500), (0, 8, JUNE_US + 1, 500), (4, 8, JUNE_US + DAY_US, 12_345_678_901)];

/// Everything that goes into the test store, to be changed by a test before it is written.
#[derive(Clone)]
struct Parts {
    may: Segment,
    june: Segment,
    links: [Vec<u32>; 4],
    text: Vec<u8>,
    offsets: Vec<u64>,
    manifest: fn(&mut Manifest),
}

/// Columns of a segment.
#[derive(Clone)]
struct Segment {
    source: Vec<u32>,
    destination: Vec<u32>,
    time: Vec<i64>,
    amount: Vec<i64>,
    flags: Vec<u8>,
    row: Vec<u64>,
    device: Vec<u32>,
    /// Empty: not there.
    refers: Vec<u64>,
    out: [Vec<u32>; 4],
    incoming: [Vec<u32>; 4],
    keys: Option<KeyList>,
}

impl Segment {
    fn of(rows: &[Row], sparse: bool, keys: Option<KeyList>) -> Self {
        Segment {
            source: rows.iter().map(|row| row.0).collect(),
            destination: rows.iter().map(|row| row.1).collect(),
            time: rows.iter().map(|row| row.2).collect(),
            amount: rows.iter().map(|row| row.3).collect(),
            flags: rows.iter().map(|row| if row.0 == row.1 { flags::SELF_TRANSFER } else { 0 }).collect(),
            row: (0..rows.len() as u64).map(|row| row * row + 1).collect(),
            device: rows.iter().map(|row| if row.0 < NUM_DEVICES { row.0 } else { u32::MAX }).collect(),
            refers: Vec::new(),
            out: adjacency(rows.iter().map(|row| (row.0, row.1)), sparse),
            incoming: adjacency(rows.iter().map(|row| (row.1, row.0)), sparse),
            keys,
        }
    }

    fn write(&self, file: &mut ContainerWriter) -> Result<()> {
        file.column(ColumnId::SOURCE, &self.source)?;
        file.column(ColumnId::DESTINATION, &self.destination)?;
        file.column(ColumnId::TIME, &self.time)?;
        file.column(ColumnId::AMOUNT, &self.amount)?;
        file.codes(ColumnId::CURRENCY, &vec![0u16; self.time.len()])?;
        file.codes(ColumnId::FLAGS, &self.flags)?;
        file.codes(ColumnId::ROW, &self.row)?;
        file.column(ColumnId::DEVICE, &self.device)?;
        if !self.refers.is_empty() {
            file.codes(ColumnId::REFERS, &self.refers)?;
        }
        let out =
            [ColumnId::OUT_NODES, ColumnId::OUT_OFFSETS, ColumnId::OUT_NEIGHBORS, ColumnId::OUT_TRANSACTIONS];
        let incoming =
            [ColumnId::IN_NODES, ColumnId::IN_OFFSETS, ColumnId::IN_NEIGHBORS, ColumnId::IN_TRANSACTIONS];
        for (id, values) in out.into_iter().zip(&self.out).chain(incoming.into_iter().zip(&self.incoming)) {
            let is_nodes = id == ColumnId::OUT_NODES || id == ColumnId::IN_NODES;
            if !(is_nodes && values.is_empty()) {
                file.column(id, values)?;
            }
        }
        self.keys.as_ref().map_or(Ok(()), |keys| Keys::write(keys, file))
    }

    fn entry(&self, partition: &str, file: FileEntry) -> SegmentEntry {
        SegmentEntry {
            partition: partition.to_string(),
            file,
            num_transactions: self.time.len() as u32,
            num_links: 0,
            time_min: self.time[0],
            time_max: self.time[self.time.len() - 1],
            has_keys: self.keys.is_some(),
        }
    }
}

/// Nodes (empty if dense), offsets, neighbors, transactions.
fn adjacency(edges: impl Iterator<Item = (u32, u32)>, sparse: bool) -> [Vec<u32>; 4] {
    let mut edges: Vec<(u32, u32, u32)> = edges.zip(0..).map(|((own, other), at)| (own, at, other)).collect();
    edges.sort_unstable();
    let mut nodes: Vec<u32> =
        if sparse { edges.iter().map(|edge| edge.0).collect() } else { (0..NUM_ACCOUNTS).collect() };
    nodes.dedup();
    let begin = |node: u32| edges.partition_point(|edge| edge.0 < node) as u32;
    let offsets = nodes.iter().map(|&node| begin(node)).chain([edges.len() as u32]).collect();
    let (neighbors, transactions) =
        (edges.iter().map(|edge| edge.2).collect(), edges.iter().map(|edge| edge.1).collect());
    [if sparse { nodes } else { Vec::new() }, offsets, neighbors, transactions]
}

fn texts(keys: &[&str]) -> KeyList {
    let ends = keys.iter().scan(0, |end, key| {
        *end += key.len() as u64;
        Some(*end)
    });
    KeyList::Texts { text: keys.concat().into_bytes(), offsets: std::iter::once(0).chain(ends).collect() }
}

impl Default for Parts {
    fn default() -> Self {
        Parts {
            may: Segment::of(&MAY, false, Some(texts(&["t1", "t2", "t3", "t4", "t5", "t6"]))),
            june: Segment::of(&JUNE, true, Some(KeyList::Numbers(vec![30, 10, 20]))),
            // Account, identifier, count, by identifier.
            links: [vec![0, 0, 5, 7], vec![1, 3, 1, 0], vec![1, 2, 1, 4], vec![3, 0, 2, 1]],
            text: b"retailsmall business".to_vec(),
            offsets: vec![0, 6, 6, 6, 6, 6, 6, 6, 6, 20],
            manifest: |_| {},
        }
    }
}

impl Parts {
    fn build(&self, path: &Path) -> Result<()> {
        let mut store = StoreWriter::create(path)?;
        store.set_durable(false);
        let manifest = self.write(&store)?;
        store.publish(&manifest)
    }

    fn write(&self, store: &StoreWriter) -> Result<Manifest> {
        let file = |directory, stem, extension, write: &dyn Fn(&mut ContainerWriter) -> Result<()>| {
            let mut file = store.file(directory, stem, extension)?;
            write(&mut file)?;
            store.finish(file)
        };
        let names = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan"];
        let account_keys = file("keys", "accounts", "keys", &|file| Keys::write(&texts(&names), file))?;
        let devices = KeyList::Numbers((1000..1000 + u64::from(NUM_DEVICES)).collect());
        let device_keys = file("keys", "device", "keys", &|file| Keys::write(&devices, file))?;
        let may = file("segments", "2024-05", "seg", &|file| self.may.write(file))?;
        let june = file("segments", "2024-06", "seg", &|file| self.june.write(file))?;
        let links = file("segments", "static", "seg", &|file| {
            let [account, identifier, count, by_identifier] = &self.links;
            file.column(ColumnId::LINK_ACCOUNT, account)?;
            file.codes(ColumnId::LINK_KIND, &vec![0u8; account.len()])?;
            file.column(ColumnId::LINK_IDENTIFIER, identifier)?;
            file.column(ColumnId::LINK_FIRST, &vec![i64::MIN; account.len()])?;
            file.column(ColumnId::LINK_LAST, &vec![MAY_US; account.len()])?;
            file.codes(ColumnId::LINK_COUNT, count)?;
            file.column(ColumnId::LINK_BY_IDENTIFIER, by_identifier)
        })?;
        let attributes = file("attributes", "accounts", "col", &|file| {
            file.column(ATTRIBUTE_FIRST, &self.offsets)?;
            file.column(ATTRIBUTE_FIRST + 1, &self.text)?;
            file.column(ATTRIBUTE_FIRST + 2, &[0b0000_0001u8, 1])?;
            file.column(ATTRIBUTE_FIRST + 3, &[1u8, 0, 0, 1, 0, 1, 1, 1, 0])
        })?;
        let amounts = self.may.amount.iter().chain(&self.june.amount);
        let accepted = (MAY.len() + JUNE.len()) as u64;
        let attribute = |name: &str, kind| AttributeColumn { name: name.to_string(), kind };
        let mut manifest = Manifest {
            generation: 1,
            parent: None,
            tool: "ringfence test".to_string(),
            schema: Schema {
                partition: Partition::Month,
                currencies: vec![Currency { code: "EUR".to_string(), exponent: 2 }],
                channels: vec!["online".to_string()],
                labels: Vec::new(),
                mapping: "source = \"from\"".to_string(),
            },
            num_accounts: NUM_ACCOUNTS,
            account_keys,
            kinds: vec![KindEntry {
                name: "device".to_string(),
                num_identifiers: NUM_DEVICES,
                keys: device_keys,
            }],
            segments: vec![self.may.entry("2024-05", may), self.june.entry("2024-06", june)],
            static_links: Some(SegmentEntry {
                partition: "static".to_string(),
                file: links,
                num_transactions: 0,
                num_links: self.links[0].len() as u32,
                time_min: 0,
                time_max: 0,
                has_keys: false,
            }),
            attributes: Some(AttributesEntry {
                file: attributes,
                columns: vec![
                    attribute("segment", AttributeKind::Text),
                    attribute("active", AttributeKind::Boolean),
                ],
            }),
            sources: vec![SourceEntry {
                role: "transactions".to_string(),
                name: "may.csv".to_string(),
                sha256: [7; 32],
                bytes: 1234,
                read: accepted + 3,
                accepted,
                rejected: 2,
                skipped: 1,
            }],
            totals: vec![ControlTotal {
                accepted,
                accepted_minor: amounts.map(|&amount| i128::from(amount)).sum(),
                rejected: 2,
                rejected_minor: -5,
            }],
        };
        (self.manifest)(&mut manifest);
        Ok(manifest)
    }
}

/// A store in a directory of its own, and the directory.
fn built() -> (tempfile::TempDir, PathBuf) {
    built_by(&|path| Parts::default().build(path).unwrap())
}

fn built_by(build: &dyn Fn(&Path)) -> (tempfile::TempDir, PathBuf) {
    // In memory where the system offers it: these tests write one file very often.
    let shared = Path::new("/dev/shm");
    let directory = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() };
    let directory = directory.unwrap();
    let path = directory.path().join("bank.ring");
    build(&path);
    (directory, path)
}

/// A store of which every bit is flipped: how it is made, and all that it answers.
struct Victim {
    name: &'static str,
    build: fn(&Path),
    answers: fn(&Path, Io) -> Result<String>,
}

/// The small store; under torture also one with every kind of column that `ingest` writes, and one of a single
/// partition in which payments are corrected and reversed.
fn victims() -> &'static [Victim] {
    const ALL: [Victim; 3] = [
        Victim { name: "by hand", build: |path| Parts::default().build(path).unwrap(), answers: everything },
        Victim {
            name: "every column",
            build: |path| full::build(path, &support::scratch()),
            answers: |path, io| Ok(full::answers(path, io)?.to_string()),
        },
        Victim {
            name: "corrections",
            build: |path| {
                let options = IngestOptions { partition: Partition::None, ..support::scratch() };
                full::build_of(path, CORRECTED, &options);
            },
            answers: |path, io| Ok(full::answers(path, io)?.to_string()),
        },
    ];
    if torture() { &ALL } else { &ALL[..1] }
}

const CORRECTED: &str = "transaction,source,destination,time,amount,currency,corrects,reverses\n\
    p1,a0,a1,2024-01-01T10:00:00Z,10.00,EUR,,\n\
    p2,a1,a2,2024-01-02T10:00:00Z,9.99,EUR,,\n\
    p3,a2,a0,2024-02-03T10:00:00Z,5.00,USD,,\n\
    c1,a0,a3,2024-01-01T10:00:00Z,10.00,EUR,p1,\n\
    c2,a0,a3,2024-01-01T10:00:00Z,11.00,EUR,c1,\n\
    r1,a2,a1,2024-03-01T10:00:00Z,4.00,EUR,,p2\n";

fn verified(path: &Path, full: bool) -> Result<Verified> {
    verify(path, full, &Run::new())
}

/// Every file of the store but the lock, as paths within it, sorted.
fn files(path: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files.extend(fs::read_dir(entry).unwrap().map(|file| file.unwrap().path()));
        } else if entry.file_name().unwrap() != "LOCK" {
            files.push(entry);
        }
    }
    files.sort();
    files
}

/// All that a store answers, as text.
fn everything(path: &Path, io: Io) -> Result<String> {
    use std::fmt::Write;
    let store = Store::open(path, io)?;
    let mut text = format!("{:?}", store.manifest);
    let keys = |text: &mut String, keys: &Keys| -> Result<()> {
        for id in 0..keys.len() as u32 {
            let mut key = Vec::new();
            keys.key(id, &mut key)?;
            write!(text, "{key:?} is {:?};", keys.find(&key)?).unwrap();
        }
        Ok(())
    };
    keys(&mut text, store.account_keys())?;
    store.identifier_keys().iter().try_for_each(|of_kind| keys(&mut text, of_kind))?;
    for segment in store.segments().iter().chain(store.static_links()) {
        let transactions = &segment.transactions;
        for at in 0..transactions.len() {
            let (source, destination) = (transactions.source.get(at)?, transactions.destination.get(at)?);
            let (time, amount) = (transactions.time.get(at)?, transactions.amount.get(at)?);
            let (currency, channel) = (transactions.currency.get(at)?, transactions.channel.get(at)?);
            let (flags, label, row) =
                (transactions.flags.get(at)?, transactions.label.get(at)?, transactions.row.get(at)?);
            let device = transactions.device.as_ref().map(|device| device.get(at)).transpose()?;
            write!(text, "{source} {destination} {time} {amount} {currency} {channel} ").unwrap();
            write!(text, "{flags} {label} {row} {device:?};").unwrap();
        }
        for adjacency in [&segment.outgoing, &segment.incoming] {
            for node in 0..NUM_ACCOUNTS + 2 {
                let range = adjacency.range(node)?;
                let neighbors = adjacency.neighbors.slice(range.clone())?;
                write!(text, "{node}: {neighbors:?} {:?};", adjacency.transactions.slice(range)?).unwrap();
            }
        }
        let links = &segment.links;
        write!(text, "{:?} {:?} ", links.account.all()?, links.identifier.all()?).unwrap();
        write!(text, "{:?} {:?} {:?}", links.first.all()?, links.last.all()?, links.by_identifier.all()?)
            .unwrap();
        for at in 0..links.len() {
            write!(text, "{} {};", links.kind.get(at)?, links.count.get(at)?).unwrap();
        }
        segment.keys.iter().try_for_each(|of_segment| keys(&mut text, of_segment))?;
    }
    if let Some(attributes) = store.attributes() {
        write!(text, "{:?}", attributes.column::<u64>(ATTRIBUTE_FIRST)?.all()?).unwrap();
        for part in 1..4 {
            write!(text, "{:?}", attributes.column::<u8>(ATTRIBUTE_FIRST + part)?.all()?).unwrap();
        }
    }
    Ok(text)
}

/// Refused with the file's name.
fn assert_refused<T: std::fmt::Debug>(answer: Result<T>, file: &Path, what: &str) {
    let error = answer.expect_err(&format!("{}, {what}: was not refused", file.display()));
    let named = matches!(error, Error::Damaged { .. } | Error::Foreign { .. } | Error::Version { .. });
    assert!(
        named && error.to_string().contains(file.to_str().unwrap()),
        "{}, {what}: {error}",
        file.display()
    );
}

#[allow(clippy::disallowed_methods)] // A test is a door.
fn torture() -> bool {
    std::env::var_os("RINGFENCE_TORTURE").is_some_and(|value| value == "1")
}

/// Whether a place is tried: all of them under torture, else all but most of the empty ends of pages.
fn is_tried(bytes: &[u8], at: usize) -> bool {
    torture() || bytes[at] != 0 || at.is_multiple_of(61)
}

#[test]
fn the_test_store_is_sound_with_both_backends() {
    let (_directory, path) = built();
    let quick = verified(&path, false).unwrap();
    assert_eq!(verified(&path, true).unwrap(), quick);
    assert_eq!((quick.generation, quick.num_files), (1, files(&path).len() as u64));
    let mapped = everything(&path, Io::Mmap).unwrap();
    assert_eq!(mapped, everything(&path, Io::Read).unwrap());
    assert!(mapped.contains("0: [1, 1] [0, 5];") && mapped.contains("8: [0] [0];"), "{mapped}");
}

#[test]
fn every_flipped_bit_is_refused_by_name() {
    const THREADS: usize = 2;
    // A store of its own for each thread, and every other file.
    let flips = |victim: &Victim, thread: usize| {
        let (_directory, path) = built_by(&victim.build);
        let files = files(&path).into_iter().skip(thread).step_by(THREADS);
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        one.install(|| files.map(|file| flip_every_bit(victim, &path, &file)).sum::<u64>())
    };
    for victim in victims() {
        let num_flips: u64 = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..THREADS).map(|thread| scope.spawn(move || flips(victim, thread))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        println!("{}: {num_flips} bits flipped, all refused", victim.name);
    }
}

/// Flips the bits of one file, one at a time: a full verification refuses each, and whoever reads everything is refused
/// or gets what was written.
fn flip_every_bit(victim: &Victim, path: &Path, file: &Path) -> u64 {
    let answer = (victim.answers)(path, Io::Read).unwrap();
    let bytes = fs::read(file).unwrap();
    let handle = fs::OpenOptions::new().write(true).open(file).unwrap();
    let mut num_flips = 0;
    for at in (0..bytes.len()).filter(|&at| is_tried(&bytes, at)) {
        for bit in (0..8).filter(|&bit| torture() || bytes[at] != 0 || bit == at % 8) {
            write_at(&handle, at, bytes[at] ^ 1 << bit);
            let what = format!("byte {at}, bit {bit}");
            assert_refused(verified(path, true), file, &what);
            if bit == at % 8 {
                match (victim.answers)(path, if at % 3 == 0 { Io::Read } else { Io::Mmap }) {
                    Ok(other) => assert!(other == answer, "{}, {what}: another answer", file.display()),
                    refused => assert_refused(refused, file, &what),
                }
            }
            num_flips += 1;
        }
        write_at(&handle, at, bytes[at]);
    }
    assert_eq!((victim.answers)(path, Io::Read).unwrap(), answer);
    num_flips
}

#[cfg(unix)]
fn write_at(file: &fs::File, at: usize, byte: u8) {
    std::os::unix::fs::FileExt::write_all_at(file, &[byte], at as u64).unwrap();
}

#[cfg(not(unix))]
fn write_at(mut file: &fs::File, at: usize, byte: u8) {
    use std::io::{Seek, SeekFrom, Write};
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(&[byte]).unwrap();
}

#[test]
fn every_truncation_and_every_addition_is_refused_by_name() {
    for victim in victims() {
        let (_directory, path) = built_by(&victim.build);
        files(&path).iter().for_each(|file| cut_everywhere(&path, file));
        verified(&path, true).unwrap();
    }
}

fn cut_everywhere(path: &Path, file: &Path) {
    let bytes = fs::read(file).unwrap();
    for len in (0..bytes.len()).filter(|&len| is_tried(&bytes, len)) {
        fs::write(file, &bytes[..len]).unwrap();
        let what = format!("cut to {len} bytes");
        assert_refused(verified(path, false), file, &what);
        assert_refused(Store::open(path, Io::Read), file, &what);
        if file.extension().is_some() {
            // Also by itself, without a manifest that knows the length.
            assert_refused(Container::open(file, Io::Read), file, &what);
        }
    }
    let longer = [&bytes[..], &[0]].concat();
    fs::write(file, &longer).unwrap();
    assert_refused(verified(path, false), file, "one byte longer");
    fs::write(file, &bytes).unwrap();
}

#[test]
fn missing_foreign_and_newer_files_are_told_apart() {
    let (_directory, path) = built();
    for file in files(&path) {
        let bytes = fs::read(&file).unwrap();
        let open = || Store::open(&path, Io::Mmap);
        fs::remove_file(&file).unwrap();
        let missing = open().unwrap_err().to_string();
        assert!(missing.contains("missing") || missing.contains("no file CURRENT"), "{missing}");
        fs::write(&file, b"PK\x03\x04 something else entirely").unwrap();
        assert!(matches!(open(), Err(Error::Foreign { .. })), "{}", file.display());
        fs::write(&file, vec![0; bytes.len()]).unwrap();
        assert!(matches!(open(), Err(Error::Foreign { .. })), "{}", file.display());
        if !file.ends_with("CURRENT") {
            let mut newer = bytes.clone();
            newer[8] = 9;
            fs::write(&file, &newer).unwrap();
            assert!(
                matches!(open(), Err(Error::Version { found: 9, expected: 1, .. })),
                "{}",
                file.display()
            );
        }
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert!(open().unwrap_err().to_string().contains(file.to_str().unwrap()));
        fs::remove_dir(&file).unwrap();
        fs::write(&file, &bytes).unwrap();
    }
    verified(&path, true).unwrap();
}

#[test]
fn directories_that_are_no_stores_say_so() {
    let directory = tempfile::tempdir().unwrap();
    let absent = directory.path().join("absent");
    assert!(matches!(Store::open(&absent, Io::Mmap), Err(Error::Io { .. })));
    let error = Store::open(directory.path(), Io::Mmap).unwrap_err();
    assert!(matches!(error, Error::Foreign { what: "store", .. }));
    assert!(error.to_string().contains("no generation was published"), "{error}");
    let file = directory.path().join("file");
    fs::write(&file, b"x").unwrap();
    assert!(Store::open(&file, Io::Mmap).unwrap_err().to_string().contains("not a directory"));
}

#[test]
fn exchanged_files_are_refused() {
    let (_directory, path) = built();
    let data: Vec<PathBuf> = files(&path).into_iter().filter(|file| file.extension().is_some()).collect();
    let hold = path.join("hold");
    for (at, first) in data.iter().enumerate() {
        for second in &data[at + 1..] {
            let swap = || {
                fs::rename(first, &hold).unwrap();
                fs::rename(second, first).unwrap();
                fs::rename(&hold, second).unwrap();
            };
            swap();
            let error = Store::open(&path, Io::Mmap).unwrap_err().to_string();
            assert!([first, second].iter().any(|file| error.contains(file.to_str().unwrap())), "{error}");
            swap();
        }
    }
    verified(&path, true).unwrap();
}

#[test]
fn exchanged_blocks_are_refused_with_their_place() {
    let directory = tempfile::tempdir().unwrap();
    let store = StoreWriter::create(&directory.path().join("store")).unwrap();
    // Three blocks with the same values in two columns of two files, so that only the place differs.
    let write = |seed: u32| {
        let values: Vec<u32> = (0..3 * 16_384).map(|at| at / 16_384 + 7).collect();
        let mut file = store.file("attributes", "test", "col").unwrap();
        file.column(1, &values).unwrap();
        file.column(2, &values).unwrap();
        file.column(3, &[seed]).unwrap();
        directory.path().join("store").join(store.finish(file).unwrap().name)
    };
    let (file, other) = (write(1), write(2));
    let good = fs::read(&file).unwrap();
    let block = |column: usize, block: usize| {
        let start = 4096 + (column - 1) * 3 * 65_536 + block * 65_536;
        start..start + 65_536
    };
    let table = |bytes: &[u8]| bytes.len() - 96 - 7 * 8;

    // Blocks of one column exchanged, content and checksums apart.
    let mut bytes = good.clone();
    bytes.copy_within(block(1, 1), block(1, 0).start);
    bytes[block(1, 1)].copy_from_slice(&good[block(1, 0)]);
    fs::write(&file, &bytes).unwrap();
    let container = Container::open(&file, Io::Mmap).unwrap();
    let column = container.column::<u32>(1).unwrap();
    let error = column.get(0).unwrap_err().to_string();
    assert!(error.contains("block 0") && error.contains(file.to_str().unwrap()), "{error}");
    assert!(column.slice(16_000..17_000).is_err());
    assert!(column.all().unwrap_err().to_string().contains("block 0"));
    assert_eq!(column.slice(2 * 16_384..2 * 16_384 + 3).unwrap(), [9; 3]);
    assert_eq!(container.column::<u32>(2).unwrap().all().unwrap()[0], 7);

    // The same bytes under the checksums of another column or file: checksums hold for one place only.
    let (mine, theirs) = (fs::read(&other).unwrap(), good.clone());
    assert_eq!(mine[block(1, 2)], theirs[block(2, 2)]);
    let hashes = |bytes: &[u8]| bytes[table(bytes)..table(bytes) + 48].to_vec();
    let (mine, theirs) = (hashes(&mine), hashes(&theirs));
    for at in 0..6 {
        let hash = &mine[at * 8..at * 8 + 8];
        assert!(theirs.chunks(8).all(|other| other != hash), "the checksum of a block holds in another file");
        assert!((0..6).all(|other| other == at || &mine[other * 8..other * 8 + 8] != hash));
    }
}

#[test]
fn a_read_only_store_opens_and_stays_as_it_is() {
    let (_directory, path) = built();
    let before: Vec<_> =
        files(&path).iter().map(|file| fs::metadata(file).unwrap().modified().unwrap()).collect();
    let set = |readonly: bool| {
        for directory in ["keys", "segments", "attributes", "manifest", "."] {
            let mut permissions = fs::metadata(path.join(directory)).unwrap().permissions();
            #[cfg(unix)]
            std::os::unix::fs::PermissionsExt::set_mode(
                &mut permissions,
                if readonly { 0o500 } else { 0o700 },
            );
            #[cfg(not(unix))]
            permissions.set_readonly(readonly);
            fs::set_permissions(path.join(directory), permissions).unwrap();
        }
    };
    set(true);
    let answers = [everything(&path, Io::Mmap), everything(&path, Io::Read)];
    let full = verified(&path, true);
    set(false);
    assert_eq!(answers[0].as_ref().unwrap(), answers[1].as_ref().unwrap());
    full.unwrap();
    let after: Vec<_> =
        files(&path).iter().map(|file| fs::metadata(file).unwrap().modified().unwrap()).collect();
    assert_eq!(before, after);
}

#[test]
fn a_stopped_verification_says_so() {
    let (_directory, path) = built();
    let run = Run::new();
    run.cancel_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(verify(&path, true, &run), Err(Error::Cancelled)));
}

/// Builds the store with one rule broken, in files that are otherwise as they should be.
fn broken(change: impl FnOnce(&mut Parts)) -> Result<Verified> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bank.ring");
    let mut parts = Parts::default();
    change(&mut parts);
    parts.build(&path).unwrap();
    verified(&path, true)
}

#[test]
fn every_rule_of_the_columns_is_checked() {
    let refused = |place: &str, change: fn(&mut Parts)| match broken(change) {
        Err(Error::Damaged { place: found, .. }) => assert_eq!(found, place),
        other => panic!("{place}: {other:?}"),
    };
    broken(|_| {}).unwrap();
    refused("column time", |parts| parts.may.time.swap(0, 1));
    refused("column time", |parts| parts.may.time[0] = MAY_US - 1);
    refused("column time", |parts| parts.manifest = |manifest| manifest.segments[0].time_min += 1);
    refused("column source", |parts| parts.may.source[5] = NUM_ACCOUNTS);
    refused("column destination", |parts| parts.june.destination[0] = u32::MAX);
    refused("column flags", |parts| parts.may.flags[3] = 0);
    refused("column out.neighbors", |parts| parts.may.flags[0] = flags::CORRECTED);
    refused("column refers", |parts| parts.may.flags[2] |= flags::CORRECTION);
    let refer = |parts: &mut Parts, at: usize, to: usize, bits: u8| {
        parts.may.refers = vec![0; parts.may.row.len()];
        parts.may.refers[at] = parts.may.row[to];
        parts.may.flags[at] |= bits;
    };
    broken(|parts| refer(parts, 2, 1, flags::REVERSED)).unwrap();
    let refused_too = |place: &str, change: &dyn Fn(&mut Parts)| match broken(change) {
        Err(Error::Damaged { place: found, .. }) => assert_eq!(found, place),
        other => panic!("{place}: {other:?}"),
    };
    refused_too("column refers", &|parts| refer(parts, 2, 1, flags::AGGREGATE));
    refused_too("column refers", &|parts| refer(parts, 2, 2, flags::REVERSED));
    refused_too("column refers", &|parts| refer(parts, 1, 2, flags::CORRECTION));
    refused_too("corrections", &|parts| refer(parts, 2, 1, flags::CORRECTION));
    refused("column row", |parts| parts.may.row.swap(1, 2));
    refused("column device", |parts| parts.may.device[0] = NUM_DEVICES);
    refused("column currency", |parts| {
        parts.manifest = |manifest| {
            manifest.schema.currencies.clear();
            manifest.totals.clear();
        }
    });
    refused("column out.offsets", |parts| parts.may.out[1][0] = 1);
    refused("column out.offsets", |parts| parts.may.out[1].swap(2, 3));
    refused("column in.offsets", |parts| *parts.may.incoming[1].last_mut().unwrap() = 5);
    refused("column out.nodes", |parts| parts.june.out[0].swap(0, 1));
    refused("column out.transactions", |parts| parts.may.out[3].swap(0, 1));
    refused("column out.transactions", |parts| parts.may.out[3][1] = 0);
    refused("column in.transactions", |parts| parts.june.incoming[3][0] = 99);
    refused("column out.neighbors", |parts| parts.may.out[2][0] = 4);
    refused("column in.neighbors", |parts| parts.june.incoming[2][0] = 4);
    refused("column link.account", |parts| parts.links[0][3] = NUM_ACCOUNTS);
    refused("column link.account", |parts| parts.links[1][1] = 1);
    refused("column link.identifier", |parts| parts.links[1][1] = NUM_DEVICES);
    refused("column link.by_identifier", |parts| parts.links[3].swap(0, 1));
    refused("column link.by_identifier", |parts| parts.links[3][1] = 3);
    refused("column attribute.0.values", |parts| parts.offsets[9] = 19);
    refused("column attribute.0.values", |parts| parts.text[0] = 0xff);
    refused("control totals", |parts| parts.manifest = |manifest| manifest.totals[0].accepted_minor += 1);
    refused("control totals", |parts| parts.manifest = |manifest| manifest.totals[0].accepted -= 1);
    refused("manifest", |parts| parts.manifest = |manifest| manifest.segments.swap(0, 1));
    refused("manifest", |parts| parts.manifest = |manifest| manifest.sources[0].rejected += 1);
    refused("manifest", |parts| parts.manifest = |manifest| manifest.totals.clear());
    refused("segment", |parts| parts.manifest = |manifest| manifest.segments[0].num_transactions += 1);
    refused("segment", |parts| parts.manifest = |manifest| manifest.segments[1].has_keys = false);
    refused("keys", |parts| parts.manifest = |manifest| manifest.num_accounts += 1);
    refused("keys", |parts| parts.may.keys = Some(texts(&["t1"])));
}

#[test]
fn what_an_interrupted_writer_left_is_cleared() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bank.ring");
    // The directory as it stands at three moments of an attempt; its copies are what a killed writer leaves.
    let store = StoreWriter::create(&path).unwrap();
    let mut copies = vec![copy(&path, &directory.path().join("locked"))];
    let mut open = store.file("segments", "2024-05", "seg").unwrap();
    open.column(ColumnId::SOURCE, &[1u32; 300_000]).unwrap();
    copies.push(copy(&path, &directory.path().join("open")));
    store.finish(open).unwrap();
    let manifest = Parts::default().write(&store).unwrap();
    copies.push(copy(&path, &directory.path().join("finished")));
    store.publish(&manifest).unwrap();
    // And the last moment: everything is there but CURRENT, which still has its temporary name.
    let last = copy(&path, &directory.path().join("last"));
    fs::rename(last.join("CURRENT"), last.join("tmp-9")).unwrap();
    copies.push(last);

    for copy in copies {
        assert!(matches!(Store::open(&copy, Io::Mmap), Err(Error::Foreign { .. })), "{}", copy.display());
        Parts::default().build(&copy).unwrap();
        verified(&copy, true).unwrap();
        let names = |path: &Path| -> Vec<PathBuf> {
            files(path).iter().map(|file| file.strip_prefix(path).unwrap().to_path_buf()).collect()
        };
        assert_eq!(names(&copy), names(&path), "{}", copy.display());
        for name in names(&path) {
            assert_eq!(fs::read(copy.join(&name)).unwrap(), fs::read(path.join(&name)).unwrap());
        }
    }
}

fn copy(from: &Path, to: &Path) -> PathBuf {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let target = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            fs::copy(&entry, &target).unwrap();
        }
    }
    to.to_path_buf()
}

#[test]
fn a_directory_of_somebody_else_is_left_alone() {
    let trees: [&[&str]; 6] = [
        &["notes.txt"],
        &["keys/id_ed25519"],
        &["LOCK", "data.db"],
        &["segments/2024-05-0123456789abcdef0123456789abcdef.seg"],
        &["LOCK", "segments/2024-05-0123456789abcdef0123456789abcdeX.seg"],
        &["LOCK", "keys/deeper/accounts-0123456789abcdef0123456789abcdef.keys"],
    ];
    for tree in trees {
        let directory = tempfile::tempdir().unwrap();
        for file in tree {
            let file = directory.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, b"mine").unwrap();
        }
        let before = listing(directory.path());
        assert!(matches!(StoreWriter::create(directory.path()), Err(Error::Exists { .. })), "{tree:?}");
        assert_eq!(listing(directory.path()), before);
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, b"mine").unwrap();
    assert!(matches!(StoreWriter::create(&file), Err(Error::Exists { .. })));
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

fn listing(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(listing(&entry));
        } else {
            found.push((entry.clone(), fs::read(&entry).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_published_store_is_not_written_over() {
    let (_directory, path) = built();
    let before = listing(&path);
    assert!(matches!(StoreWriter::create(&path), Err(Error::Exists { .. })));
    assert_eq!(listing(&path), before);
}
