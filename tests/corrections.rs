//! Corrections and reversals against a slow, obvious model; at once, in parts, in little memory.
#![allow(clippy::unwrap_used)]

#[path = "oracle/corrections.rs"]
mod model;
mod support;

use model::{HEADER, Model, Row, mapping, rows};
use ringfence::graph::Graph;
use ringfence::graph::build::{BuildOptions, IngestOptions, IngestReport, Sources, append, ingest};
use ringfence::ids::{AccountId, TxId};
use ringfence::ingest::{Mapping, Reason, RejectLog, Source};
use ringfence::store::Io;
use ringfence::store::format::flags;
use ringfence::store::manifest::{Manifest, Partition};
use ringfence::store::verify::verify;
use ringfence::{Error, Result, Run};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use support::{random, scratch};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Folder(TempDir::new().unwrap())
    }

    fn store(&self) -> PathBuf {
        self.0.path().join("test.ring")
    }

    fn source(&self, number: usize, rows: &[Row]) -> Source {
        let path = self.0.path().join(format!("rows-{number}.csv"));
        let lines: String = rows.iter().map(Row::line).collect();
        std::fs::write(&path, format!("{HEADER}{lines}")).unwrap();
        Source::File(path)
    }

    fn ingest(&self, parts: &[&[Row]], options: &IngestOptions) -> Result<IngestReport> {
        let transactions = parts.iter().enumerate().map(|(number, rows)| self.source(number, rows)).collect();
        let sources = Sources { transactions, ..Sources::default() };
        let mut log = RejectLog::counting();
        ingest(&self.store(), sources, &mapping(), &mut log, options, &Run::new())
    }

    fn append(&self, number: usize, rows: &[Row], run: &Run) -> Result<IngestReport> {
        let sources = Sources { transactions: vec![self.source(number, rows)], ..Sources::default() };
        run.install(|| append(&self.store(), sources, &mut RejectLog::counting(), &scratch(), run))
    }

    fn graph(&self) -> Graph {
        verify(&self.store(), true, &Run::new()).unwrap();
        Graph::open(&self.store(), Io::Mmap).unwrap()
    }

    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => walk(root, &path, found),
                    false if path.ends_with("LOCK") => {}
                    false => {
                        let name = path.strip_prefix(root).unwrap().to_path_buf();
                        drop(found.insert(name, std::fs::read(&path).unwrap()));
                    }
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(&self.store(), &self.store(), &mut found);
        found
    }
}

/// What a graph says about each row, as [`Model::said`]; and both directions of what refers to what agree.
fn said(graph: &Graph) -> BTreeMap<String, (u8, Option<String>)> {
    let mut said = BTreeMap::new();
    for position in (0..graph.num_transactions()).map(TxId) {
        let key = graph.transaction_key(position).unwrap();
        let row = graph.transaction(position).unwrap();
        let old = graph.refers_to(position).unwrap();
        if let Some(old) = old {
            assert!(graph.referred_by(old).unwrap().contains(&position));
        }
        for new in graph.referred_by(position).unwrap() {
            assert_eq!(graph.refers_to(new).unwrap(), Some(position));
        }
        let bits = flags::CORRECTION | flags::REVERSED | flags::CORRECTED | flags::FAILED;
        let old = old.map(|old| graph.transaction_key(old).unwrap());
        said.insert(key, (row.flags & bits, old));
    }
    said
}

/// What each account holds, from its own payments and receipts.
fn balances(graph: &Graph) -> BTreeMap<(String, String), i64> {
    let (mut all, view) = (BTreeMap::new(), graph.view());
    for account in (0..graph.num_accounts()).map(AccountId) {
        let mut add = |currency, amount: i64| {
            let currency = graph.currency(currency).code.clone();
            *all.entry((graph.account_key(account).unwrap(), currency)).or_default() += amount;
        };
        let each = |slices: Vec<Result<ringfence::graph::Slice<'_>>>| {
            let rows = slices.into_iter().flat_map(|slice| {
                let slice = slice.unwrap();
                slice.transactions.iter().map(move |&row| TxId(slice.base.0 + u64::from(row)))
            });
            rows.map(|id| graph.transaction(id).unwrap()).collect::<Vec<_>>()
        };
        for row in each(view.out(account).collect()) {
            assert!(row.flags & flags::CORRECTED == 0);
            add(row.paid_currency, if row.flags & flags::MOVES_NOTHING == 0 { -row.paid } else { 0 });
        }
        for row in each(view.incoming(account).collect()) {
            add(row.received_currency, if row.flags & flags::MOVES_NOTHING == 0 { row.received } else { 0 });
        }
    }
    all.retain(|_, sum| *sum != 0);
    all
}

fn devices(graph: &Graph) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for links in graph.link_segments().map(|segment| &segment.links) {
        for at in 0..links.len() {
            let kind = ringfence::ids::KindId(links.kind.get(at).unwrap());
            let id = ringfence::ids::IdentifierId { kind, value: links.identifier.get(at).unwrap() };
            let account = graph.account_key(AccountId(links.account.get(at).unwrap())).unwrap();
            found.insert((account, graph.identifier_key(id).unwrap()));
        }
    }
    found
}

fn hold_against(model: &Model, graph: &Graph, seed: u64) {
    assert_eq!(said(graph), model.said(), "seed {seed}");
    assert_eq!(balances(graph), model.balances(), "seed {seed}");
    assert_eq!(devices(graph), model.devices(), "seed {seed}");
    let manifest = graph.manifest();
    let accepted: u64 = manifest.totals.iter().map(|total| total.accepted).sum();
    assert_eq!(accepted, model.rows.len() as u64);
    let read: u64 = manifest.sources.iter().map(|source| source.read).sum();
    assert_eq!(read, accepted + model.reasons.values().sum::<u64>());
}

/// What a manifest says but for the history behind it.
fn content(manifest: &Manifest) -> impl PartialEq + std::fmt::Debug {
    let Manifest { totals, sources, account_keys, kinds, num_accounts, .. } = manifest.clone();
    (totals, sources, account_keys, kinds, num_accounts)
}

#[test]
fn a_store_says_what_the_model_says_at_once_and_in_parts() {
    let mut reasons = BTreeMap::new();
    for seed in 0..90 {
        let rows = rows(seed, 20 + seed * 3, 1);
        let mut model = Model::default();
        let partition = [Partition::Month, Partition::Week, Partition::None][seed as usize % 3];
        let options = IngestOptions { partition, ..scratch() };
        let len = rows.len().div_ceil(1 + random(seed, 9) as usize % 5);
        let parts: Vec<&[Row]> = rows.chunks(len).collect();
        let (at_once, in_parts) = (Folder::new(), Folder::new());
        let mut found = BTreeMap::new();
        let mut before: Vec<BTreeMap<_, _>> = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let run = Run::new().threads(1 + seed as usize % 3).unwrap();
            let report = match number {
                0 => in_parts.ingest(&[part], &options),
                _ => in_parts.append(number, part, &run),
            };
            for (reason, count) in report.unwrap().reasons {
                *found.entry(reason).or_default() += count;
            }
            part.iter().for_each(|row| model.take(row));
            let graph = in_parts.graph();
            hold_against(&model, &graph, seed);
            before.push(said(&graph));
        }
        assert_eq!(found, model.reasons, "seed {seed}");
        let report = at_once.ingest(&parts, &options).unwrap();
        assert_eq!(report.reasons, model.reasons);
        let (one, other) = (at_once.graph(), in_parts.graph());
        hold_against(&model, &one, seed);
        assert_eq!(content(one.manifest()), content(other.manifest()), "seed {seed}");
        // Partitions that the last part wrote have the bytes that they have at once.
        let same = one.manifest().segments.iter().filter(|one| other.manifest().segments.contains(one));
        assert!(same.count() > 0, "seed {seed}");
        // Older generations answer as they did.
        for (generation, before) in (1..).zip(&before) {
            let graph = Graph::open_as_of(&in_parts.store(), generation, Io::Mmap).unwrap();
            assert_eq!(said(&graph), *before, "seed {seed}, generation {generation}");
        }
        for (reason, count) in model.reasons {
            *reasons.entry(reason).or_insert(0) += count;
        }
    }
    // Everything that can be wrong was wrong somewhere, and often enough to mean something.
    for reason in [
        Reason::CorrectsAndReverses,
        Reason::UnknownTransaction,
        Reason::AlreadyCorrected,
        Reason::ReversalOtherParties,
        Reason::ReversalOtherCurrency,
        Reason::ReversalExceeds,
        Reason::DuplicateSameContent,
        Reason::DuplicateDifferentContent,
    ] {
        assert!(reasons.get(&reason).is_some_and(|&count| count > 20), "{reason}: {reasons:?}");
    }
}

#[test]
fn little_memory_gives_the_same_files() {
    for seed in 0..6 {
        let rows = rows(seed, 4_000, 20);
        let partition = [Partition::Month, Partition::None][seed as usize % 2];
        let parts: Vec<&[Row]> = rows.chunks(1_500).collect();
        let build = |memory: u64| {
            let folder = Folder::new();
            let build = BuildOptions { memory_min: 0, ..BuildOptions::default() };
            let options = IngestOptions { partition, memory: Some(memory), build, ..scratch() };
            match folder.ingest(&parts, &options) {
                Ok(report) => Some((folder.files(), report.reasons)),
                Err(Error::Limit { what, .. }) if what.contains("memory") => None,
                Err(error) => panic!("{error}"),
            }
        };
        let expected = build(1 << 40).unwrap();
        let all: Vec<_> = (14..26).filter_map(|bits| build(1 << bits)).collect();
        assert!(all.len() > 4);
        for found in all {
            assert!(found.0.keys().eq(expected.0.keys()), "seed {seed}");
            assert_eq!(found.1, expected.1, "seed {seed}");
            for (name, bytes) in &expected.0 {
                assert!(found.0[name] == *bytes, "seed {seed}: {}", name.display());
            }
        }
    }
}

fn row(key: &str, source: u64, destination: u64, amount: i64) -> Row {
    Row {
        key: key.into(),
        source,
        destination,
        hour: 1,
        amount,
        currency: "EUR",
        received: None,
        device: None,
        failed: false,
        reversed: false,
        corrects: None,
        reverses: None,
    }
}

#[test]
fn a_late_correction_writes_its_partition_anew_and_no_other() {
    let folder = Folder::new();
    let mut march = row("t2", 1, 2, 500);
    march.hour = 24 * 70;
    folder.ingest(&[&[row("t1", 0, 1, 1_000), march.clone()]], &scratch()).unwrap();
    let old = folder.graph();
    // The correction lies in April: January is rewritten for its flag alone.
    let mut correction = row("t3", 0, 2, 900);
    correction.hour = 24 * 100;
    correction.corrects = Some("t1".into());
    let report = folder.append(1, &[correction], &Run::new()).unwrap();
    let (before, after) = (&old.manifest().segments, &report.manifest.segments);
    assert_eq!(after.len(), 3);
    assert_ne!(before[0], after[0]);
    assert_eq!(before[1], after[1]);
    let graph = folder.graph();
    let key = |id: TxId| graph.transaction_key(id).unwrap();
    let wrong = graph.find_transaction("t1").unwrap().unwrap();
    let right = graph.find_transaction("t3").unwrap().unwrap();
    assert_eq!(graph.refers_to(right).unwrap().map(key).as_deref(), Some("t1"));
    assert_eq!(graph.referred_by(wrong).unwrap(), [right]);
    assert_eq!(graph.refers_to(wrong).unwrap(), None);
    let payer = graph.transaction(wrong).unwrap().source;
    let paid: Vec<u32> =
        graph.view().out(payer).flat_map(|slice| slice.unwrap().neighbors.to_vec()).collect();
    assert_eq!(paid, [graph.transaction(right).unwrap().destination.0]);
    // A segment of nothing but corrected rows, and what was opened before.
    assert!(graph.store().segments()[0].outgoing.is_empty());
    assert_eq!(old.transaction(TxId(0)).unwrap().flags, 0);
    assert_eq!(old.store().segments()[0].outgoing.len(), 1);
}

#[test]
fn a_rejected_row_does_not_take_its_key() {
    let folder = Folder::new();
    let mut early = row("c1", 0, 1, 900);
    early.corrects = Some("t1".into());
    // The correction comes before what it corrects, then again behind it.
    let report = folder.ingest(&[&[early.clone(), row("t1", 0, 1, 1_000)], &[early]], &scratch()).unwrap();
    assert_eq!(report.reasons, BTreeMap::from([(Reason::UnknownTransaction, 1)]));
    let total = &report.manifest.totals[0];
    assert_eq!([total.accepted, total.rejected], [2, 1]);
    assert_eq!([total.accepted_minor, total.rejected_minor], [1_900, 900]);
    let said = said(&folder.graph());
    assert_eq!(said["t1"].0, flags::CORRECTED);
    assert_eq!(said["c1"], (flags::CORRECTION, Some("t1".into())));
}

#[test]
fn rejects_name_the_other_row_and_never_a_key() {
    let folder = Folder::new();
    let pointing = |key: &str, corrects: Option<&str>, reverses: Option<&str>, amount| {
        let (source, destination) = if reverses.is_some() { (1, 0) } else { (0, 1) };
        let (corrects, reverses) = (corrects.map(str::to_string), reverses.map(str::to_string));
        Row { corrects, reverses, ..row(key, source, destination, amount) }
    };
    let rows = [
        row("t1", 0, 1, 1_000),
        pointing("c1", Some("t1"), None, 900),
        pointing("c2", Some("t1"), None, 800),
        pointing("r1", None, Some("c1"), 901),
        pointing("r2", None, Some("secret"), 1),
        pointing("r3", Some("t1"), Some("t1"), 1),
    ];
    let sources = Sources { transactions: vec![folder.source(0, &rows)], ..Sources::default() };
    let path = folder.0.path().join("rejects.csv");
    let file = std::fs::File::create(&path).unwrap();
    let mut log = RejectLog::writing(&path, Box::new(file)).unwrap();
    ingest(&folder.store(), sources, &mapping(), &mut log, &scratch(), &Run::new()).unwrap();
    drop(log);
    let text = std::fs::read_to_string(path).unwrap();
    let cells: Vec<Vec<&str>> =
        text.lines().skip(1).map(|line| line.splitn(5, ',').skip(1).collect()).collect();
    assert_eq!(
        cells,
        [
            ["6", "corrects", "corrects-and-reverses", ""],
            ["3", "", "already-corrected", "\"corrected by source 0, record 2\""],
            ["4", "", "reversal-exceeds", "\"of source 0, record 2\""],
            ["5", "", "unknown-transaction", ""],
        ]
    );
}

#[test]
fn a_mapping_without_transaction_keys_can_refer_to_nothing() {
    let text = "[transactions]\nsource = 'a'\ndestination = 'b'\ntime = 't'\namount = 'm'\ncurrency = 'c'\n";
    for key in ["corrects", "reverses"] {
        let error = Mapping::parse(&format!("{text}{key} = 'x'"), "m").unwrap_err().to_string();
        assert!(error.contains("line 7") && error.contains("`transaction`"), "{error}");
    }
    let optional = format!("{text}corrects = 'x'\ntransaction = {{ name = 'k', optional = true }}");
    let mapping = Mapping::parse(&optional, "m").unwrap();
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("rows.csv");
    std::fs::write(&path, "a,b,t,m,c,x\n").unwrap();
    let sources = Sources { transactions: vec![Source::File(path)], ..Sources::default() };
    let mut log = RejectLog::counting();
    let error = ingest(&dir.path().join("x.ring"), sources, &mapping, &mut log, &scratch(), &Run::new());
    assert!(error.unwrap_err().to_string().contains("own keys"));
}
