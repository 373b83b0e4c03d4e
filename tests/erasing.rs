//! An identity leaves a store, and nothing else does.
#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // Each test program uses its own part.
#[path = "faults/disks.rs"]
mod disks;
mod support;

use disks::{Call, Fault, Faulty};
use ringfence::graph::Graph;
use ringfence::graph::attributes::AttributeValue;
use ringfence::graph::build::{
    EraseReport, IngestOptions, Sources, Subject, append, append_into, erase, erase_dry, erase_into, ingest,
};
use ringfence::ids::{AccountId, IdentifierId, KindId, TxId};
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::store::collect::{CollectOptions, collect, collect_dry};
use ringfence::store::disk::System;
use ringfence::store::doctor::{Finding, Level, examine};
use ringfence::store::generations::generations;
use ringfence::store::manifest::Manifest;
use ringfence::store::scan::{How, scan};
use ringfence::store::verify::verify;
use ringfence::store::{Disk, Io, StoreWriter};
use ringfence::{Error, Run};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use support::{random, random_ledger, scratch};
use tempfile::TempDir;

const HEADER: &str = "transaction,source,destination,time,amount,currency\n";

/// Keys of one length, so that none is part of another: texts, or numbers.
fn account(seed: u64, number: u64) -> String {
    if seed.is_multiple_of(3) { format!("7310{number:05}0019") } else { format!("NL{number:04}QZX") }
}

fn identifier(seed: u64, kind: &str, number: u64) -> String {
    if seed.is_multiple_of(2) {
        format!("9{number:04}5519{}", kind.len())
    } else {
        format!("{kind}+{number:04}KW")
    }
}

/// A random ledger whose accounts and devices have these keys, in `num_parts` parts.
fn random_parts(seed: u64, rows: u64, num_parts: usize) -> Vec<String> {
    let text = random_ledger(seed, 15, rows);
    let (header, rows) = text.split_once('\n').unwrap();
    let mut parts = vec![format!("{header}\n"); num_parts];
    let number = |field: &str| field[1..].parse().unwrap();
    for (place, row) in rows.lines().enumerate() {
        let mut fields: Vec<String> = row.split(',').map(str::to_string).collect();
        for field in &mut fields[1..3] {
            *field = account(seed, number(field));
        }
        if !fields[8].is_empty() {
            fields[8] = identifier(seed, "device", number(&fields[8]));
        }
        parts[place % num_parts] += &format!("{}\n", fields.join(","));
    }
    parts
}

/// A links table and an accounts table over these accounts.
fn tables(seed: u64) -> (String, String) {
    let mut links = String::from("account,kind,value,first_seen,last_seen\n");
    let mut accounts = String::from("account,name,risk,since\n");
    for number in 0..25 {
        let pick = |what: u64, below: u64| random(seed ^ 77, number * 8 + what) % below;
        let kind = ["phone", "device"][pick(0, 2) as usize];
        let (owner, value) = (account(seed, pick(1, 15)), identifier(seed, kind, pick(2, 20)));
        links += &format!("{owner},{kind},{value},2024-01-0{}T00:00:00Z,\n", 1 + pick(3, 9));
        if number < 12 {
            let risk = if pick(4, 3) == 0 { String::new() } else { pick(5, 100).to_string() };
            accounts +=
                &format!("{},Name{number:04}Zed,{risk},2020-01-01T00:00:00Z\n", account(seed, number));
        }
    }
    (links, accounts)
}

/// A store and its sources.
struct Bank(TempDir);

impl Bank {
    /// Ingests the first delivery and appends the others: transactions, links, accounts; an empty table is not there.
    fn new(deliveries: &[[&str; 3]]) -> Self {
        // In memory where the system offers it: this is done very often.
        let shared = Path::new("/dev/shm");
        let place = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() };
        let bank = Bank(place.unwrap());
        for (number, delivery) in deliveries.iter().enumerate() {
            bank.add(number, *delivery);
        }
        bank
    }

    /// A random one, grown by an append.
    fn random(seed: u64) -> Self {
        let parts = random_parts(seed, 20 + seed * 3, 2);
        let (links, accounts) = tables(seed);
        Bank::new(&[[&parts[0], &links, &accounts], [&parts[1], "", ""]])
    }

    fn add(&self, number: usize, tables: [&str; 3]) {
        let file = |name: &str, text: &str| {
            let path = self.0.path().join(format!("{name}-{number}.csv"));
            std::fs::write(&path, text).unwrap();
            (!text.is_empty()).then_some(Source::File(path)).into_iter().collect()
        };
        let sources = Sources {
            transactions: file("transactions", tables[0]),
            links: file("links", tables[1]),
            accounts: file("accounts", tables[2]),
        };
        let (mut log, run) = (RejectLog::counting(), Run::new());
        match number {
            0 => {
                ingest(&self.path(), sources, &Mapping::preset("ledger").unwrap(), &mut log, &scratch(), &run)
            }
            _ => append(&self.path(), sources, &mut log, &scratch(), &run),
        }
        .unwrap();
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("bank.ring")
    }

    fn graph(&self) -> Graph {
        Graph::open(&self.path(), Io::Mmap).unwrap()
    }

    fn erase(&self, subject: &Subject) -> EraseReport {
        let mut writer = StoreWriter::append(&self.path()).unwrap();
        writer.set_durable(false);
        erase_into(writer, std::slice::from_ref(subject), &Run::new()).unwrap()
    }

    fn numbers(&self) -> Vec<u64> {
        generations(&self.path()).unwrap().iter().map(|generation| generation.number()).collect()
    }

    /// Every file below the store with its bytes, but for the locks.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.path()];
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                match path.is_dir() {
                    true => folders.push(path),
                    false if path.ends_with("LOCK") || path.ends_with("GATE") => {}
                    false => drop(found.insert(path.clone(), std::fs::read(&path).unwrap())),
                }
            }
        }
        found
    }

    /// Another one with the same files.
    fn copy(&self) -> Self {
        let copy = Bank(TempDir::new_in(self.0.path().parent().unwrap()).unwrap());
        for (path, bytes) in self.files() {
            let path = copy.path().join(path.strip_prefix(self.path()).unwrap());
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        copy
    }

    /// Whether any file has these bytes in it.
    fn has(&self, bytes: &[u8]) -> bool {
        let begins = |file: &[u8], at: usize| file[at..].starts_with(bytes);
        let file_has = |file: &Vec<u8>| (0..file.len()).any(|at| file[at] == bytes[0] && begins(file, at));
        self.files().values().any(file_has)
    }
}

fn of_account(key: &str) -> Subject {
    Subject::Account(key.to_string())
}

fn of_identifier(kind: &str, value: &str) -> Subject {
    Subject::Identifier { kind: kind.to_string(), value: value.to_string() }
}

/// A link: account, kind, identifier, first and last sight, count.
type Link = (u32, u8, u32, i64, i64, u32);

/// Everything that a store says, by number.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    accounts: Vec<String>,
    identifiers: Vec<Vec<String>>,
    /// What a row says, its source, and its device.
    rows: Vec<(String, u32, Option<u32>)>,
    links: Vec<Link>,
    attributes: Vec<Vec<Option<AttributeValue>>>,
}

fn said(graph: &Graph) -> Said {
    let row = |position: u64| {
        let (segment, at) = graph.locate(TxId(position)).unwrap();
        let (columns, transaction) = (&segment.transactions, graph.transaction(TxId(position)).unwrap());
        let row = format!(
            "{transaction:?} {} {} {} {}",
            graph.transaction_key(TxId(position)).unwrap(),
            columns.row.get(at).unwrap(),
            columns.channel.get(at).unwrap(),
            columns.label.get(at).unwrap(),
        );
        let device = columns.device.as_ref().map(|device| device.get(at).unwrap());
        (row, transaction.source.0, device.filter(|&device| device != u32::MAX))
    };
    let links = graph.link_segments().flat_map(|segment| {
        let links = &segment.links;
        (0..links.len()).map(|at| {
            let (first, last) = (links.first.get(at).unwrap(), links.last.get(at).unwrap());
            let ends = (
                links.account.get(at).unwrap(),
                links.kind.get(at).unwrap(),
                links.identifier.get(at).unwrap(),
            );
            (ends.0, ends.1, ends.2, first, last, links.count.get(at).unwrap())
        })
    });
    let kinds = graph.manifest().kinds.iter().enumerate();
    let identifiers = kinds.map(|(kind, entry)| {
        let key = |value| graph.identifier_key(IdentifierId { kind: KindId(kind as u8), value }).unwrap();
        (0..entry.num_identifiers).map(key).collect()
    });
    let value = |column, account| graph.attribute(column, AccountId(account)).unwrap();
    Said {
        accounts: (0..graph.num_accounts())
            .map(|account| graph.account_key(AccountId(account)).unwrap())
            .collect(),
        identifiers: identifiers.collect(),
        rows: (0..graph.num_transactions()).map(row).collect(),
        links: links.collect(),
        attributes: (0..graph.attribute_columns().len())
            .map(|column| (0..graph.num_accounts()).map(|account| value(column, account)).collect())
            .collect(),
    }
}

/// What must be said once `account` is erased, by the definition; and the keys that go.
fn without(said: &Said, account: u32) -> (Said, BTreeSet<String>) {
    let mut said = said.clone();
    let mut gone = BTreeSet::from([said.accounts[account as usize].clone()]);
    said.accounts[account as usize] = format!("erased-{account}");
    for (kind, keys) in said.identifiers.iter_mut().enumerate() {
        for (number, key) in keys.iter_mut().enumerate() {
            let users: BTreeSet<u32> = said
                .links
                .iter()
                .filter(|link| (usize::from(link.1), link.2 as usize) == (kind, number))
                .map(|link| link.0)
                .collect();
            if users == BTreeSet::from([account]) {
                gone.insert(std::mem::replace(key, format!("erased-{number}")));
            }
        }
    }
    said.links.retain(|link| link.0 != account);
    for (_, _, device) in said.rows.iter_mut().filter(|(_, source, _)| *source == account) {
        *device = None;
    }
    for column in &mut said.attributes {
        column[account as usize] = None;
    }
    (said, gone)
}

/// What the manifest says that no identity touches.
fn untouched(manifest: &Manifest) -> impl PartialEq + std::fmt::Debug + use<> {
    let segment = |entry: &ringfence::store::manifest::SegmentEntry| {
        (entry.partition.clone(), entry.num_transactions, entry.time_min, entry.time_max, entry.has_keys)
    };
    let attributes = manifest.attributes.as_ref().map(|attributes| attributes.columns.clone());
    let kinds: Vec<_> = manifest.kinds.iter().map(|kind| (kind.name.clone(), kind.num_identifiers)).collect();
    (
        (manifest.schema.clone(), manifest.num_accounts, kinds, attributes),
        manifest.segments.iter().map(segment).collect::<Vec<_>>(),
        (manifest.sources.clone(), manifest.totals.clone()),
    )
}

#[test]
fn an_identity_goes_and_nothing_else_does() {
    for seed in 0..12 {
        let bank = Bank::random(seed);
        let before = bank.graph();
        let words = said(&before);
        let account = (random(seed, 5_000_000) % words.accounts.len() as u64) as u32;
        let key = words.accounts[account as usize].clone();
        let (expected, gone) = without(&words, account);
        assert!(bank.numbers() == [1, 2] && (bank.has(key.as_bytes()) || seed.is_multiple_of(3)));
        let subject = of_account(&key);
        let would = erase_dry(&bank.path(), std::slice::from_ref(&subject), &Run::new()).unwrap();
        let report = bank.erase(&subject);
        let after = bank.graph();
        assert_eq!(said(&after), expected, "seed {seed}");
        assert_eq!(untouched(before.manifest()), untouched(after.manifest()));
        assert_eq!((after.manifest().generation, report.generation, report.published), (3, 3, true));
        verify(&bank.path(), true, &Run::new()).unwrap();

        // What is reported is what went.
        assert_eq!(report.num_links as usize, words.links.len() - expected.links.len());
        assert_eq!(report.anonymous.len(), gone.len());
        let scanned = report.scanned.clone().unwrap();
        assert_eq!((scanned.count(How::Whole), scanned.count(How::Within)), (0, 0), "{scanned:?}");
        assert_eq!(would, EraseReport { generation: 2, scanned: None, ..report.clone() });

        // Looked for by other means: no file has a key that went, as text or as number.
        for key in &gone {
            assert!(!bank.has(key.as_bytes()), "seed {seed}: {key}");
            if let Ok(number) = key.parse::<u64>() {
                assert!(!bank.has(&number.to_le_bytes()), "seed {seed}: {key}");
            }
        }
        let files = bank.files().values().map(Vec::len).sum::<usize>();
        assert!(scanned.bytes as usize >= files && scanned.num_files as usize >= bank.files().len());
        // Generations that named it are gone; whoever has one open keeps it.
        assert!(report.gone.contains(&2) && !bank.numbers().contains(&2));
        assert_eq!(said(&before), words);

        // The old key is a new account when it comes again.
        let again = format!("{HEADER}again,{key},{key},2024-01-15T00:00:00Z,1.00,EUR\n");
        bank.add(9, [&again, &format!("account,kind,value\n{key},phone,+1\n"), ""]);
        let grown = bank.graph();
        assert_eq!(grown.find_account(&key).unwrap(), Some(AccountId(after.num_accounts())));
        assert_eq!(grown.account_key(AccountId(account)).unwrap(), format!("erased-{account}"));
        assert_eq!(grown.num_transactions(), after.num_transactions() + 1);
        verify(&bank.path(), true, &Run::new()).unwrap();
    }
}

/// Three payments and who shares what: `anna` and `bert` a telephone; each has one alone.
fn small() -> Bank {
    let transactions = format!(
        "{HEADER}t1,anna,bert,2024-01-05T00:00:00Z,10.00,EUR\nt2,bert,carl,2024-02-05T00:00:00Z,4.00,EUR\nt3,carl,anna,2024-03-05T00:00:00Z,4.00,EUR\n"
    );
    let links = "account,kind,value\nanna,phone,shared-77\nbert,phone,shared-77\nanna,phone,annas-own\nanna,email,annas@mail\nbert,email,berts@mail\n";
    let accounts = "account,name,guarantor\nanna,Anna A,bert\nbert,Bert B,carl\n";
    Bank::new(&[[&transactions, links, accounts]])
}

#[test]
fn what_others_share_stays_with_them() {
    let bank = small();
    let report = bank.erase(&of_account("anna"));
    assert_eq!((report.num_links, report.num_shared, report.num_attributes), (3, 1, 2));
    let keys: Vec<_> = report.anonymous.iter().map(|each| (each.kind.as_deref(), &*each.key)).collect();
    assert_eq!(keys, [(None, "erased-0"), (Some("phone"), "erased-1"), (Some("email"), "erased-0")]);
    let words = said(&bank.graph());
    assert_eq!(words.identifiers, [vec!["shared-77", "erased-1"], vec!["erased-0", "berts@mail"]]);
    assert_eq!(words.links.len(), 2);
    assert!(bank.has(b"shared-77") && !bank.has(b"annas") && !bank.has(b"anna"));
    // The next who has only what became anonymous leaves it as it is.
    let more = "account,kind,value\nbert,email,erased-0\n";
    bank.add(1, ["", more, ""]);
    bank.erase(&of_account("bert"));
    assert_eq!(said(&bank.graph()).identifiers[1], ["erased-0", "erased-1"]);
    verify(&bank.path(), true, &Run::new()).unwrap();
}

#[test]
fn an_identifier_goes_and_its_links_stay() {
    let bank = small();
    let links = said(&bank.graph()).links;
    let report = bank.erase(&of_identifier("phone", "shared-77"));
    let words = said(&bank.graph());
    assert_eq!((words.links, &*words.identifiers[0][0]), (links, "erased-0"));
    assert!(!bank.has(b"shared-77") && bank.has(b"anna"));
    assert_eq!((report.anonymous.len(), report.num_links, report.gone), (1, 0, vec![1]));
    let refused = erase(&bank.path(), &[of_identifier("phone", "anna")], &Run::new());
    assert!(matches!(refused, Err(Error::UnknownKey { .. })));
    let refused = erase(&bank.path(), &[of_identifier("fax", "anna")], &Run::new());
    assert!(matches!(refused, Err(Error::UnknownKey { .. })));
}

#[test]
fn texts_that_are_equal_to_the_key_are_left_and_reported() {
    let transactions = format!(
        "{HEADER}anna,anna,bert,2024-01-05T00:00:00Z,10.00,EUR\nt-anna,bert,carl,2024-01-05T00:00:00Z,4.00,EUR\n"
    );
    let accounts = "account,guarantor\nbert,anna\ncarl,annabel\n";
    let bank = Bank::new(&[[&transactions, "", accounts]]);
    let before = scan(&bank.path(), &[b"anna".to_vec()], &Run::new()).unwrap();
    let account_keys = bank.graph().manifest().account_keys.name.clone();
    let in_keys = |sighting: &&ringfence::store::scan::Sighting| sighting.file == account_keys;
    let found: Vec<_> = before.sightings.iter().filter(in_keys).collect();
    assert_eq!(
        (found.len(), found[0].how, found[0].num, &*found[0].place),
        (1, How::Whole, 1, "column key.text")
    );

    std::fs::create_dir(bank.path().join("audit")).unwrap();
    std::fs::write(bank.path().join("audit/asked"), "who asked for anna").unwrap();
    let report = bank.erase(&of_account("anna"));
    let found = report.scanned.unwrap().sightings;
    let places: Vec<_> = found
        .iter()
        .map(|each| (each.file.split(['/', '-']).next().unwrap(), &*each.place, each.how, each.num))
        .collect();
    assert_eq!(
        places,
        [
            ("attributes", "column attribute.0.text", How::Whole, 1),
            ("attributes", "column attribute.0.text", How::Within, 1),
            ("audit", "its bytes", How::Within, 1),
            ("segments", "column key.text", How::Whole, 1),
            ("segments", "column key.text", How::Within, 1),
        ]
    );
    assert_eq!(bank.graph().find_account("anna").unwrap(), None);
}

#[test]
fn numbers_are_found_as_numbers() {
    let rows = |first: &str| {
        format!(
            "{HEADER}t1,{first},31,2024-01-05T00:00:00Z,10.00,EUR\nt2,31,33,2024-01-05T00:00:00Z,4.00,EUR\n"
        )
    };
    // A sequence, which has no bytes of its own, and one that is none.
    for (first, key) in [("29", "31"), ("1700000000000000123", "1700000000000000123")] {
        let bank = Bank::new(&[[&rows(first), "", ""]]);
        let found = scan(&bank.path(), &[key.as_bytes().to_vec()], &Run::new()).unwrap();
        let whole: Vec<_> = found.sightings.iter().filter(|sighting| sighting.how == How::Whole).collect();
        assert_eq!((whole.len(), &*whole[0].place, whole[0].num), (1, "column key.numbers", 1));
        let report = bank.erase(&of_account(key));
        assert_eq!(report.scanned.unwrap().count(How::Whole), 0);
        assert_eq!(bank.graph().find_account("33").unwrap(), Some(AccountId(2)));
        verify(&bank.path(), true, &Run::new()).unwrap();
    }
}

#[test]
fn an_anonymous_key_is_nobody_elses() {
    let rows = format!(
        "{HEADER}t1,anna,erased-0,2024-01-05T00:00:00Z,10.00,EUR\nt2,erased-0-2,bert,2024-01-05T00:00:00Z,4.00,EUR\n"
    );
    let bank = Bank::new(&[[&rows, "", ""]]);
    assert_eq!(bank.erase(&of_account("anna")).anonymous[0].key, "erased-0-3");
    assert_eq!(said(&bank.graph()).accounts, ["erased-0-3", "erased-0", "erased-0-2", "bert"]);
    let before = bank.files();
    let refused = erase(&bank.path(), &[of_account("erased-0-3")], &Run::new()).unwrap_err().to_string();
    assert!(refused.contains("anonymous already"), "{refused}");
    assert_eq!(bank.files(), before);
    // This one is a key of the data.
    assert_eq!(bank.erase(&of_account("erased-0")).anonymous[0].key, "erased-1");
}

#[test]
fn what_cannot_be_erased_leaves_the_store_as_it_was() {
    let bank = small();
    let more = format!("{HEADER}t4,bert,dora,2024-04-05T00:00:00Z,4.00,EUR\n");
    bank.add(1, [&more, "", ""]);
    let before = bank.files();
    let run = Run::new();
    match erase(&bank.path(), &[of_account("anna"), of_account("nobody")], &run) {
        Err(Error::UnknownKey { kind, key, .. }) => assert_eq!((&*kind, &*key), ("account", "nobody")),
        other => panic!("{other:?}"),
    }
    assert!(matches!(erase(&bank.path(), &[], &run), Err(Error::Option { name: "subjects", .. })));
    assert!(matches!(erase_dry(&bank.path(), &[of_account("nobody")], &run), Err(Error::UnknownKey { .. })));
    erase_dry(&bank.path(), &[of_account("anna")], &run).unwrap();
    let writer = StoreWriter::append(&bank.path()).unwrap();
    assert!(matches!(erase(&bank.path(), &[of_account("anna")], &run), Err(Error::Locked { .. })));
    drop(writer);
    let cancelled = Run::new();
    cancelled.cancel_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(erase(&bank.path(), &[of_account("anna")], &cancelled), Err(Error::Cancelled)));
    assert_eq!(bank.files(), before);

    // A pin on the live generation, or on an older one, keeps it; who does not name the subject is no matter.
    for generation in [1, 2] {
        let graph = Graph::open_as_of(&bank.path(), generation, Io::Mmap).unwrap();
        let pin = graph.store().pin().unwrap();
        for refused in [
            erase(&bank.path(), &[of_account("anna")], &run),
            erase_dry(&bank.path(), &[of_account("anna")], &run),
        ] {
            let refused = refused.unwrap_err().to_string();
            let named = [format!("generation {generation} must go"), format!("pid {}", std::process::id())];
            assert!(named.iter().all(|part| refused.contains(part)), "{refused}");
        }
        drop(pin);
        assert_eq!(bank.files(), before);
    }
    let pin = Graph::open_as_of(&bank.path(), 1, Io::Mmap).unwrap().store().pin().unwrap();
    assert_eq!(bank.erase(&of_account("dora")).gone, [2]);
    drop(pin);
    assert_eq!(bank.numbers(), [1, 3]);
    Graph::open_as_of(&bank.path(), 1, Io::Mmap).unwrap();
    assert_eq!(bank.erase(&of_account("anna")).gone, [1, 3]);
}

#[test]
fn an_erasure_that_was_cut_off_is_completed_by_the_next() {
    let bank = small();
    let before = bank.files();
    let first = bank.erase(&of_account("anna"));
    // As if the power had failed right after the publication: what went is there again.
    let erased = bank.files();
    for (path, bytes) in before.iter().filter(|(path, _)| !erased.contains_key(*path)) {
        std::fs::write(path, bytes).unwrap();
    }
    assert!(bank.numbers() == [1, 2] && bank.has(b"annas@mail"));
    let second = bank.erase(&of_account("anna"));
    assert_eq!((second.published, second.generation, &second.gone), (false, 2, &vec![1]));
    assert_eq!(second.scanned, first.scanned);
    assert!(second.anonymous.is_empty() && !bank.has(b"annas@mail"));
    assert_eq!(bank.files(), erased);
    assert!(matches!(erase(&bank.path(), &[of_account("anna")], &Run::new()), Err(Error::UnknownKey { .. })));
}

/// Two generations that name `anna`, and one of another who came later.
fn grown() -> Bank {
    let bank = small();
    bank.add(1, [&format!("{HEADER}t4,bert,dora,2024-04-05T00:00:00Z,4.00,EUR\n"), "", ""]);
    bank
}

const NOTHING_OLD: CollectOptions = CollectOptions { keep: 1, keep_hours: 0, also: Vec::new() };

/// What killed programs left that a collection removes.
fn leftovers(bank: &Bank) -> Vec<String> {
    let plan = collect_dry(&bank.path(), &NOTHING_OLD, SystemTime::UNIX_EPOCH).unwrap();
    plan.removals.into_iter().filter(|removal| removal.leftover).map(|removal| removal.name).collect()
}

/// Files of the store but for temporary ones, which every writer clears when it begins.
fn lasting(bank: &Bank) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = bank.files();
    files.retain(|path, _| !path.file_name().unwrap().to_str().unwrap().starts_with("tmp-"));
    files
}

/// That whoever is not in the store is unknown, alone and beside one who is, and that asking changes nothing.
fn refuses_the_mistyped(bank: &Bank, what: &str) {
    let before = lasting(bank);
    let beside = vec![of_account("bert"), of_identifier("phone", "anna")];
    for (subjects, mistyped) in [(vec![of_account("ana")], "ana"), (beside, "anna")] {
        let dry = erase_dry(&bank.path(), &subjects, &Run::new());
        for refused in [dry, erase(&bank.path(), &subjects, &Run::new())] {
            let refused = refused.unwrap_err();
            assert!(
                matches!(&refused, Error::UnknownKey { key, .. } if key == mistyped),
                "{what}: {refused}"
            );
            let (says, path) = (refused.to_string(), bank.path().display().to_string());
            let named = [&*path, "nothing was changed", "written as in the data"];
            assert!(named.iter().all(|part| says.contains(part)), "{what}: {says}");
        }
    }
    assert!(lasting(bank) == before, "{what}: something was lost");
}

/// An erasure stops at any call; then a mistyped subject is unknown, and the same subject once more completes it.
#[test]
fn a_subject_that_never_was_is_unknown_while_an_erasure_is_unfinished() {
    let (before, whole) = (grown(), grown());
    whole.erase(&of_account("anna"));
    let (mut num_unpublished, mut num_noted, mut num_done) = (0, 0, 0);
    for at in 0.. {
        let what = format!("stopped at call {at}");
        let bank = before.copy();
        let disk = Faulty::at(System::shared(), at, Fault::Dead(5));
        let answer = StoreWriter::append_on(disk, &bank.path())
            .and_then(|writer| erase_into(writer, &[of_account("anna")], &Run::new()));
        refuses_the_mistyped(&bank, &what);
        let is_named = |number: u64| {
            let graph = Graph::open_as_of(&bank.path(), number, Io::Read).unwrap();
            graph.find_account("anna").unwrap().is_some()
        };
        let is_named = bank.numbers().into_iter().any(is_named);
        let has_left = !leftovers(&bank).is_empty();
        match erase(&bank.path(), &[of_account("anna")], &Run::new()) {
            Ok(report) => {
                num_unpublished += usize::from(report.published);
                num_noted += usize::from(!is_named);
                assert_eq!(report.generation, 3, "{what}");
                let scanned = report.scanned.unwrap();
                assert_eq!((scanned.count(How::Whole), scanned.count(How::Within)), (0, 0), "{what}");
            }
            // Nothing was left to do.
            Err(Error::UnknownKey { .. }) => {
                num_done += 1;
                assert!(!is_named && !has_left, "{what}");
            }
            other => panic!("{what}: {other:?}"),
        }
        // As if nothing had happened.
        let inside = |bank: &Bank| -> Vec<(PathBuf, Vec<u8>)> {
            let inside =
                |(path, bytes): (PathBuf, _)| (path.strip_prefix(bank.path()).unwrap().into(), bytes);
            bank.files().into_iter().map(inside).collect()
        };
        assert!(inside(&bank) == inside(&whole), "{what}");
        if answer.is_ok() {
            break;
        }
    }
    // Before the publication, when no manifest names the subject any more, and when all is done.
    assert!(
        num_unpublished > 10 && num_noted > 3 && num_done > 0,
        "{num_unpublished} {num_noted} {num_done}"
    );
}

#[test]
fn what_another_writer_left_is_no_sign_of_an_erasure() {
    let bank = small();
    let rows = format!("{HEADER}t4,bert,dora,2024-04-05T00:00:00Z,4.00,EUR\n");
    let append_dying = |at: u64| {
        let reader = Box::new(std::io::Cursor::new(rows.clone()));
        let transactions = vec![Source::Reader { name: "april.csv".into(), reader }];
        let sources = Sources { transactions, ..Sources::default() };
        let writer = StoreWriter::append_on(Faulty::at(System::shared(), at, Fault::Dead(5)), &bank.path())?;
        append_into(writer, sources, &mut RejectLog::counting(), &IngestOptions::default(), &Run::new())
    };
    let has_data = |bank: &Bank| leftovers(bank).iter().any(|name| name.ends_with(".keys"));
    let at = (0..200).find(|&at| append_dying(at).is_err() && has_data(&bank));
    assert!(at.is_some(), "no append left a file of keys");
    refuses_the_mistyped(&bank, "after an append that was cut off");
    assert!(has_data(&bank));
}

/// Leaves a store as an erasure of `anna` does that ends when the manifests that name her are gone, and files are not.
fn cut_off_late() -> Bank {
    let erase_on = |bank: &Bank, disk: Arc<dyn Disk>| {
        let writer = StoreWriter::append_on(disk, &bank.path()).unwrap();
        erase_into(writer, &[of_account("anna")], &Run::new())
    };
    let disk = Faulty::counting(System::shared());
    erase_on(&grown(), disk.clone()).unwrap();
    let is_manifest = |(call, path): &(Call, PathBuf)| {
        *call == Call::Remove && path.parent().unwrap().ends_with("manifest")
    };
    let at = disk.calls().iter().rposition(is_manifest).unwrap() as u64 + 1;
    let bank = grown();
    erase_on(&bank, Faulty::at(System::shared(), at, Fault::Dead(5))).unwrap_err();
    assert_eq!(bank.numbers(), [3]);
    bank
}

#[test]
fn another_erasure_or_a_collection_completes_it_too() {
    // Another one takes all that is left with it, and the first subject was asked for.
    let bank = cut_off_late();
    assert!(bank.has(b"annas@mail") && bank.path().join("ERASING").exists());
    let warns = |finding: &&Finding| (finding.level, finding.subject) == (Level::Warning, "leftovers");
    let findings = examine(&bank.path(), SystemTime::UNIX_EPOCH).unwrap();
    let warning = findings.iter().find(warns).unwrap();
    assert!(warning.what.contains("interrupted") && warning.remedy.contains("same subject again"));
    bank.erase(&of_account("dora"));
    assert!(!bank.has(b"anna") && !bank.path().join("ERASING").exists());
    // What went with the account is known, too.
    let bank = cut_off_late();
    assert_eq!(bank.erase(&of_identifier("email", "annas@mail")).gone, [0; 0]);
    assert!(!bank.has(b"anna"));
    // A collection that leaves older generations does not forget whom it was about; the last one does.
    let bank = cut_off_late();
    bank.add(2, [&format!("{HEADER}t5,bert,carl,2024-05-05T00:00:00Z,4.00,EUR\n"), "", ""]);
    collect(&bank.path(), &CollectOptions::default(), SystemTime::UNIX_EPOCH, &Run::new()).unwrap();
    assert!(!bank.has(b"anna") && bank.path().join("ERASING").exists() && bank.numbers() == [3, 4]);
    refuses_the_mistyped(&bank, "after a collection");
    erase_dry(&bank.path(), &[of_account("anna")], &Run::new()).unwrap();
    #[allow(clippy::disallowed_methods)] // A test is a door.
    let later = SystemTime::now() + std::time::Duration::from_secs(60);
    collect(&bank.path(), &NOTHING_OLD, later, &Run::new()).unwrap();
    assert!(bank.numbers() == [4] && !bank.path().join("ERASING").exists());
    verify(&bank.path(), true, &Run::new()).unwrap();
}

#[test]
fn a_note_that_cannot_be_read_keeps_nobody_from_being_erased() {
    let bank = cut_off_late();
    std::fs::write(bank.path().join("ERASING"), "RINGERA\n").unwrap();
    let refused = erase(&bank.path(), &[of_account("anna")], &Run::new()).unwrap_err().to_string();
    let named = ["ERASING", "note of an erasure", "remove this file", "ringfence gc"];
    assert!(named.iter().all(|part| refused.contains(part)), "{refused}");
    assert!(bank.has(b"annas@mail"));
    bank.erase(&of_account("bert"));
    assert!(!bank.has(b"annas@mail") && !bank.path().join("ERASING").exists());
}

#[test]
fn several_go_at_once() {
    let bank = small();
    let subjects = [of_account("anna"), of_account("bert"), of_identifier("email", "annas@mail")];
    let report = erase(&bank.path(), &subjects, &Run::new()).unwrap();
    // What only they share is theirs.
    assert_eq!((report.num_shared, report.anonymous.len()), (0, 6));
    assert_eq!(said(&bank.graph()).accounts, ["erased-0", "erased-1", "carl"]);
    assert_eq!(bank.graph().manifest().static_links, None);
    assert!(!Path::new(&bank.path()).join("manifest/00000000000000000001").exists());
    assert!(!bank.has(b"shared-77") && !bank.has(b"anna"));
    verify(&bank.path(), true, &Run::new()).unwrap();
}

#[test]
fn a_device_of_a_payment_that_was_corrected_goes_too() {
    let rows = "transaction,source,destination,time,amount,currency,device,corrects\n\
        t1,anna,bert,2024-01-05T00:00:00Z,10.00,EUR,annas-phone,\nt2,bert,anna,2024-01-05T00:00:00Z,4.00,EUR,berts-phone,\n\
        t3,anna,bert,2024-01-06T00:00:00Z,9.00,EUR,,t1\nt4,bert,anna,2024-01-06T00:00:00Z,3.00,EUR,,t2\n";
    let bank = Bank::new(&[[rows, "", ""]]);
    assert_eq!(said(&bank.graph()).links, []);
    let before = untouched(bank.graph().manifest());
    let report = bank.erase(&of_account("anna"));
    assert_eq!((report.num_devices, report.num_links, report.anonymous.len()), (1, 0, 2));
    assert_eq!(said(&bank.graph()).identifiers, [["erased-0", "berts-phone"]]);
    assert!(!bank.has(b"anna") && bank.has(b"berts-phone"));
    assert_eq!(untouched(bank.graph().manifest()), before);
    verify(&bank.path(), true, &Run::new()).unwrap();
}
