//! Random histories of a store against a plain model: at every generation the store says what the model says.
//!
//! A history is a sequence of deliveries (new rows, late ones, repeated ones, contradicting ones, corrections, whole
//! repeated deliveries, links, accounts), changes of the partition, collections with and without pins, backups, restorations,
//! and attempts that die at some call of the disk. After each step the live generation is compared with the model, and
//! at the end every generation that is still there.
//!
//! Each history follows from its number alone. `RINGFENCE_TORTURE=1` runs 20,000 of them.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // Each test program uses its own part.
#[path = "../faults/disks.rs"]
mod disks;
mod model;
#[path = "../support/mod.rs"]
mod support;

use disks::{Fault, Faulty};
use model::{Content, Delivery, Row};
use ringfence::graph::Graph;
use ringfence::graph::build::{BuildOptions, IngestOptions, Sources, append_into, compact_into, ingest_into};
use ringfence::ids::{AccountId, IdentifierId, KindId, TxId};
use ringfence::ingest::{Mapping, ReadOptions, RejectLog, Source};
use ringfence::store::backup::{restore, to_directory};
use ringfence::store::collect::{CollectOptions, collect_on};
use ringfence::store::disk::System;
use ringfence::store::format::flags;
use ringfence::store::generations::generations;
use ringfence::store::manifest::Partition;
use ringfence::store::pins::{Pin, hold};
use ringfence::store::verify::verify;
use ringfence::store::{Disk, Io, StoreWriter};
use ringfence::{Error, Result, Run};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use support::random;

const HISTORIES: u64 = 500;
const HISTORIES_TORTURE: u64 = 20_000;
/// Steps of a history, at most.
const STEPS: u64 = 60;

const PARTITIONS: [(&str, Partition); 4] = [
    ("week", Partition::Week),
    ("month", Partition::Month),
    ("year", Partition::Year),
    ("none", Partition::None),
];

/// What a step does.
#[derive(Clone, Debug)]
enum Step {
    Deliver(Delivery),
    Compact(usize),
    Collect { keep: u32 },
}

/// A store, and what it should hold.
struct History {
    number: u64,
    /// Numbers drawn so far.
    drawn: u64,
    place: tempfile::TempDir,
    store: PathBuf,
    /// Content of each generation that is there; none before the first delivery.
    generations: BTreeMap<u64, Content>,
    /// Deliveries so far, to be repeated.
    deliveries: Vec<Delivery>,
    pins: Vec<Pin>,
    /// The content of a backup, if there is one.
    backup: Option<(u64, Content)>,
    num_restored: u64,
    num_keys: u64,
}

impl History {
    fn new(number: u64) -> Self {
        let shared = Path::new("/dev/shm");
        let place = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }.unwrap();
        let store = place.path().join("bank.ring");
        History {
            number,
            drawn: 0,
            place,
            store,
            generations: BTreeMap::new(),
            deliveries: Vec::new(),
            pins: Vec::new(),
            backup: None,
            num_restored: 0,
            num_keys: 0,
        }
    }

    /// A number below `below`.
    fn draw(&mut self, below: u64) -> u64 {
        self.drawn += 1;
        random(self.number ^ 0x9151, self.drawn) % below
    }

    fn live(&self) -> Option<(u64, &Content)> {
        self.generations.last_key_value().map(|(number, content)| (*number, content))
    }

    fn run(&mut self) {
        for _ in 0..10 + self.draw(STEPS - 10) {
            let what = format!("history {}, draw {}", self.number, self.drawn);
            match (self.draw(20), self.generations.is_empty()) {
                (0..=9, _) | (_, true) => {
                    let delivery = self.delivery();
                    self.attempt(&Step::Deliver(delivery), &what);
                }
                (10, _) => {
                    let again = self.draw(self.deliveries.len() as u64) as usize;
                    let delivery = self.deliveries[again].clone();
                    self.attempt(&Step::Deliver(delivery), &what);
                }
                (11 | 12, _) => {
                    let partition = self.draw(4) as usize;
                    self.attempt(&Step::Compact(partition), &what);
                }
                (13 | 14, _) => {
                    let keep = 1 + self.draw(3) as u32;
                    self.attempt(&Step::Collect { keep }, &what);
                }
                (15, _) => self.pin(),
                (16, _) => drop(self.pins.pop()),
                (17 | 18, _) => self.back_up(&what),
                _ => self.restore(&what),
            }
            self.compare_live(&what);
        }
        self.compare_all();
    }

    /// New rows, some of them late, some known, some that contradict known ones; links and accounts.
    fn delivery(&mut self) -> Delivery {
        let live = self.live().map_or_else(Content::default, |(_, content)| content.clone());
        let mut delivery = Delivery { number: self.deliveries.len() as u64, ..Delivery::default() };
        // The first delivery has rows.
        let least = u64::from(self.generations.is_empty());
        for _ in 0..least + self.draw(8) {
            let known = (live.num_rows() > 0 && self.draw(4) == 0)
                .then(|| live.row(self.draw(live.num_rows() as u64) as usize).clone());
            let row = match (known, self.draw(2)) {
                (Some(known), 0) => known,
                (known, _) => Row {
                    key: known.map_or_else(|| self.next_key(), |known| known.key),
                    source: self.draw(12),
                    destination: self.draw(12),
                    // Some months, with ties.
                    time: 1_700_000_000 + 86_400 * self.draw(150) as i64,
                    minor: 1 + self.draw(1_000_000) as i64,
                    currency: ["EUR", "USD"][self.draw(2) as usize],
                    corrects: (live.num_rows() > 0 && self.draw(5) == 0)
                        .then(|| live.row(self.draw(live.num_rows() as u64) as usize).key),
                },
            };
            delivery.rows.push(row);
        }
        if self.draw(3) == 0 {
            delivery.links = (0..1 + self.draw(3))
                .map(|_| (self.draw(15), ["phone", "device"][self.draw(2) as usize], self.draw(5)))
                .collect();
        }
        // Each account is described once.
        let account = self.draw(15);
        if self.draw(3) == 0 && !live.has_segment(account) {
            delivery.accounts.push((account, ["retail", "business"][self.draw(2) as usize]));
        }
        if delivery.rows.is_empty() && delivery.links.is_empty() && delivery.accounts.is_empty() {
            delivery.links.push((self.draw(15), "phone", self.draw(5)));
        }
        self.deliveries.push(delivery.clone());
        delivery
    }

    fn next_key(&mut self) -> u64 {
        self.num_keys += 1;
        self.num_keys
    }

    /// Does a step, in one case of four on a disk that dies on the way, and brings the model up to date.
    fn attempt(&mut self, step: &Step, what: &str) {
        let dies_at = (self.draw(4) == 0).then(|| self.draw(200));
        let disk: Arc<dyn Disk> = match dies_at {
            Some(at) => Faulty::at(System::shared(), at, Fault::Dead(5)),
            None => System::shared(),
        };
        let live = self.live().map(|(number, content)| (number, content.clone()));
        let next = match (step, &live) {
            (Step::Deliver(delivery), None) => {
                let partition = PARTITIONS[self.number as usize % 4].0;
                Some(Content::default().by(partition).after(delivery))
            }
            (Step::Deliver(delivery), Some((_, live))) if live.holds(delivery) => None,
            (Step::Deliver(delivery), Some((_, live))) => Some(live.after(delivery)),
            (Step::Compact(to), Some((_, live))) if live.partition == PARTITIONS[*to].0 => None,
            (Step::Compact(to), Some((_, live))) => Some(live.clone().by(PARTITIONS[*to].0)),
            _ => None,
        };
        let answer = self.do_step(step, disk);
        let was = live.map_or(0, |(number, _)| number);
        let is = self.generation_there();
        match (&answer, step) {
            (Ok(()), Step::Collect { keep }) => self.collected(*keep, true, what),
            (Err(_), Step::Collect { keep }) => self.collected(*keep, false, what),
            (Ok(()), Step::Deliver(_)) => {
                assert_eq!((is, next.is_some()), (was + 1, true), "{what}: {step:?}")
            }
            (Ok(()), Step::Compact(_)) => assert_eq!(is, was + u64::from(next.is_some()), "{what}: {step:?}"),
            (Err(Error::CommitUnknown { .. }), _) => assert!(is == was || is == was + 1, "{what}: {step:?}"),
            (Err(Error::Input { .. }), Step::Deliver(_)) if next.is_none() => assert_eq!(is, was, "{what}"),
            (Err(error), _) => {
                assert!(dies_at.is_some(), "{what}: {step:?}: {error}");
                assert_eq!(is, was, "{what}: {step:?}: {error}");
            }
        }
        if is == was + 1 {
            self.generations.insert(is, next.unwrap());
        }
    }

    fn do_step(&mut self, step: &Step, disk: Arc<dyn Disk>) -> Result<()> {
        let run = Run::new();
        let build = BuildOptions { memory_min: 0, ..BuildOptions::default() };
        let partition = PARTITIONS[self.number as usize % 4].1;
        let read = ReadOptions { chunk_bytes: 1 << 12, ..ReadOptions::default() };
        let options = IngestOptions { read, partition, build, ..support::scratch() };
        match step {
            Step::Deliver(delivery) if self.generations.is_empty() => {
                // Now and then by way of scratch files.
                let memory = [None, Some(20_000)][self.draw(2) as usize];
                let options = IngestOptions { memory, ..options };
                let mapping = Mapping::preset("ledger").unwrap();
                let writer = StoreWriter::create_on(disk, &self.store)?;
                let sources = sources(delivery);
                ingest_into(writer, sources, &mapping, &mut RejectLog::counting(), &options, &run).map(drop)
            }
            Step::Deliver(delivery) => {
                let writer = StoreWriter::append_on(disk, &self.store)?;
                append_into(writer, sources(delivery), &mut RejectLog::counting(), &options, &run).map(drop)
            }
            Step::Compact(to) => {
                let mut writer = StoreWriter::append_on(disk, &self.store)?;
                writer.set_durable(false);
                let options = BuildOptions { partition: PARTITIONS[*to].1, ..BuildOptions::default() };
                compact_into(writer, &options, &run).map(drop)
            }
            Step::Collect { keep } => {
                let options = CollectOptions { keep: *keep, keep_hours: 0, also: Vec::new() };
                #[allow(clippy::disallowed_methods)] // A test is a door.
                let now = SystemTime::now();
                collect_on(&disk, &self.store, &options, now + Duration::from_secs(60), &run).map(drop)
            }
        }
    }

    /// The number of the live generation on the disk, 0 if there is none.
    fn generation_there(&self) -> u64 {
        match Graph::open(&self.store, Io::Read) {
            Ok(graph) => graph.manifest().generation,
            Err(error) if self.generations.is_empty() => {
                assert!(matches!(error, Error::Foreign { .. } | Error::Io { .. }), "{error}");
                0
            }
            Err(error) => panic!("history {}: {error}", self.number),
        }
    }

    /// Which generations are there after a collection: those kept and, if it ended early, maybe others.
    fn collected(&mut self, keep: u32, is_done: bool, what: &str) {
        let newest: Vec<u64> = self.generations.keys().rev().take(keep as usize).copied().collect();
        let is_kept =
            |number: &u64| newest.contains(number) || self.pins.iter().any(|pin| pin.generation() == *number);
        let there: Vec<u64> = generations(&self.store).unwrap().iter().map(|one| one.number()).collect();
        for number in self.generations.keys() {
            assert!(!is_kept(number) || there.contains(number), "{what}: {number} is gone");
            assert!(
                !is_done || is_kept(number) || !there.contains(number),
                "{what}: {number} is still there"
            );
        }
        assert!(there.iter().all(|number| self.generations.contains_key(number)), "{what}: {there:?}");
        self.generations.retain(|number, _| there.contains(number));
    }

    fn pin(&mut self) {
        let numbers: Vec<u64> = self.generations.keys().copied().collect();
        let number = numbers[self.draw(numbers.len() as u64) as usize];
        self.pins.push(hold(&self.store, Some(number)).unwrap());
    }

    fn back_up(&mut self, what: &str) {
        let (number, content) = self.live().unwrap();
        let backup = self.place.path().join(format!("backup-{}.ring", self.num_restored));
        let made = to_directory(&self.store, None, &backup, &System::shared(), &Run::new());
        assert_eq!(made.unwrap_or_else(|error| panic!("{what}: {error}")).generation, number);
        self.backup = Some((number, content.clone()));
    }

    /// Goes on from the last backup; what was live since is lost, as it would be with the machine.
    fn restore(&mut self, what: &str) {
        let Some((number, content)) = self.backup.take() else { return };
        let backup = self.place.path().join(format!("backup-{}.ring", self.num_restored));
        self.num_restored += 1;
        let store = self.place.path().join(format!("restored-{}.ring", self.num_restored));
        restore(&[backup], None, &store, &System::shared(), &Run::new())
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        self.pins.clear();
        self.store = store;
        self.generations = BTreeMap::from([(number, content)]);
    }

    fn compare_live(&self, what: &str) {
        let Some((number, content)) = self.live() else { return };
        let graph = Graph::open(&self.store, Io::Mmap).unwrap();
        assert_eq!(graph.manifest().generation, number, "{what}");
        assert_eq!(said(&graph), content.said(), "{what}");
    }

    fn compare_all(&self) {
        let what = format!("history {}", self.number);
        for (&number, content) in &self.generations {
            let graph = Graph::open_as_of(&self.store, number, Io::Read).unwrap();
            assert_eq!(said(&graph), content.said(), "{what}, generation {number}");
        }
        verify(&self.store, true, &Run::new()).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

fn sources(delivery: &Delivery) -> Sources {
    let table = |name: &str, header: &str, rows: Vec<String>| -> Vec<Source> {
        if rows.is_empty() {
            return Vec::new();
        }
        // A line of its own in each, so that no two deliveries have the same bytes.
        let text = format!("{header},delivery\n{}", rows.concat());
        let text = text.replace("#", &delivery.number.to_string());
        vec![Source::Reader { name: name.into(), reader: Box::new(std::io::Cursor::new(text)) }]
    };
    let rows = delivery.rows.iter().map(|row| {
        let Row { key, source, destination, time, minor, currency, corrects } = row;
        let corrects = corrects.map_or(String::new(), |key| format!("t{key}"));
        let amount = format!("{}.{:02}", minor / 100, minor % 100);
        let time = jiff::Timestamp::from_second(*time).unwrap();
        format!("t{key},a{source},a{destination},{time},{amount},{currency},{corrects},#\n")
    });
    let links = delivery.links.iter().map(|(account, kind, value)| format!("a{account},{kind},v{value},#\n"));
    let accounts = delivery.accounts.iter().map(|(account, segment)| format!("a{account},{segment},#\n"));
    Sources {
        transactions: table(
            "t.csv",
            "transaction,source,destination,time,amount,currency,corrects",
            rows.collect(),
        ),
        links: table("l.csv", "account,kind,value", links.collect()),
        accounts: table("a.csv", "account,segment", accounts.collect()),
    }
}

/// Everything that a store says, in words.
fn said(graph: &Graph) -> Vec<String> {
    let manifest = graph.manifest();
    let key = |account: u32| graph.account_key(AccountId(account)).unwrap();
    let rows = (0..graph.num_transactions()).map(|position| {
        let row = graph.transaction(TxId(position)).unwrap();
        format!(
            "{}: {} -> {} at {}: {} {}, {:?}, {}",
            graph.transaction_key(TxId(position)).unwrap(),
            key(row.source.0),
            key(row.destination.0),
            row.time / 1_000_000,
            row.paid,
            graph.currency(row.paid_currency).code,
            graph.refers_to(TxId(position)).unwrap().map(|id| graph.transaction_key(id).unwrap()),
            row.flags & flags::MOVES_NOTHING == 0,
        )
    });
    let mut accounts: Vec<String> = (0..graph.num_accounts()).map(key).collect();
    accounts.sort();
    let links = graph.link_segments().flat_map(|segment| {
        let links = &segment.links;
        (0..links.len()).map(move |at| {
            let kind = links.kind.get(at).unwrap();
            let id = IdentifierId { kind: KindId(kind), value: links.identifier.get(at).unwrap() };
            let (kind, value) = (&manifest.kinds[usize::from(kind)].name, graph.identifier_key(id).unwrap());
            format!("{} {kind} {value}", key(links.account.get(at).unwrap()))
        })
    });
    let mut links: Vec<String> = links.collect();
    links.sort();
    let segment = graph.attribute_columns().iter().position(|column| column.name == "segment");
    let mut segments: Vec<String> = segment
        .into_iter()
        .flat_map(|column| (0..graph.num_accounts()).map(move |account| (column, account)))
        .filter_map(|(column, account)| {
            let value = graph.attribute(column, AccountId(account)).unwrap()?;
            Some(format!("{} is {value:?}", key(account)))
        })
        .collect();
    segments.sort();
    let totals = manifest.totals.iter().zip(&manifest.schema.currencies);
    let mut totals: Vec<String> = totals
        .map(|(total, currency)| {
            let numbers = [
                i128::from(total.accepted),
                total.accepted_minor,
                i128::from(total.rejected),
                total.rejected_minor,
            ];
            format!("{}: {numbers:?}", currency.code)
        })
        .collect();
    totals.sort();
    let partition = PARTITIONS.iter().find(|(_, partition)| *partition == manifest.schema.partition).unwrap();
    let partition = [format!("by {}", partition.0)];
    rows.chain(accounts).chain(links).chain(segments).chain(totals).chain(partition).collect()
}

#[test]
#[allow(clippy::disallowed_methods)] // A test is a door.
fn a_store_says_what_the_model_says() {
    let torture = std::env::var_os("RINGFENCE_TORTURE").is_some_and(|value| value == "1");
    let num_histories = if torture { HISTORIES_TORTURE } else { HISTORIES };
    let next = AtomicU64::new(0);
    let num_generations = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |num| num.get()) {
            scope.spawn(|| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= num_histories {
                        break;
                    }
                    let mut history = History::new(number);
                    pool.install(|| history.run());
                    let published = history.live().map_or(0, |(number, _)| number);
                    num_generations.fetch_add(published, Ordering::Relaxed);
                }
            });
        }
    });
    println!("{num_histories} histories, {} generations: equal to the model", num_generations.into_inner());
}
