//! What searches find of laundering that is known: recall, names and precision on data with truth.
//!
//! An *attempt* is a laundering pattern that a generator put into a data set: its typology, its payments, the accounts in them. A
//! *find* is what a search reports. A find is *alike* an attempt if the accounts that both have are at least half of those that either has
//! (Jaccard index at least ½). `docs/typology-recall.md` says what comes out.
//!
//! Which attempt a payment belongs to travels through the ingest in the device column, which no search reads.

pub mod amlgentex;
pub mod amlsim;
pub mod amlworld;
pub mod engine;
pub mod matching;
mod recall;
mod rings;
pub mod shape;
pub mod table;

use ringfence::Run;
use ringfence::graph::build::{Sources, ingest};
use ringfence::graph::rates::Rates;
use ringfence::graph::{Graph, View};
use ringfence::ids::{AccountId, CurrencyId, IdentifierId, NONE, TxId};
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::patterns::Money;
use ringfence::store::Io;
use ringfence::store::format::flags::LABELLED;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use tempfile::TempDir;

/// A payment of an attempt, between two different accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Microseconds since 1970 UTC.
    pub time: i64,
    pub source: u32,
    pub destination: u32,
    pub paid: Money,
    pub received: Money,
}

/// A laundering pattern that was put into the data.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// How the data calls it.
    pub key: String,
    /// The engine's name of its typology.
    pub typology: &'static str,
    /// The accounts of its payments, ascending.
    pub accounts: Vec<u32>,
    /// In time order; those of an account to itself left out.
    pub payments: Vec<Payment>,
}

/// What a search reports: the one that an analyst would look at first comes first.
#[derive(Clone, Debug)]
pub struct Find {
    /// Ascending, none twice.
    pub accounts: Vec<u32>,
    pub transactions: Vec<TxId>,
}

/// A data set in a store, with its attempts.
pub struct Truth {
    pub graph: Graph,
    pub attempts: Vec<Attempt>,
    /// What amounts in several currencies are worth in one.
    pub rates: Option<Rates>,
    /// Accounts that stand for the world outside; searches leave them out.
    outside: RoaringBitmap,
    _directory: TempDir,
}

impl Truth {
    /// Ingests `transactions` and reads the attempts back: `typology` names that of a device key, `None` for a payment of no attempt.
    fn new(
        transactions: Source,
        mapping: &Mapping,
        directory: TempDir,
        typology: impl Fn(&str) -> Option<&'static str>,
        rates: impl Fn(&Graph) -> Option<Rates>,
        run: &Run,
    ) -> Truth {
        let path = directory.path().join("truth.ring");
        let sources = Sources { transactions: vec![transactions], ..Sources::default() };
        let report =
            ingest(&path, sources, mapping, &mut RejectLog::counting(), &super::support::scratch(), run)
                .unwrap();
        assert!(report.reasons.is_empty(), "{:?}", report.reasons);
        let graph = Graph::open(&path, Io::Mmap).unwrap();
        let rates = rates(&graph);
        let attempts = attempts(&graph, rates.as_ref(), typology);
        let is_outside =
            |&account: &u32| mapping.is_outside(graph.account_key(AccountId(account)).unwrap().as_bytes());
        let outside = (0..graph.num_accounts()).filter(is_outside).collect();
        Truth { graph, attempts, rates, outside, _directory: directory }
    }

    /// All transfers but those with the world outside.
    pub fn view(&self) -> View<'_> {
        let mut inside = RoaringBitmap::new();
        inside.insert_range(0..self.graph.num_accounts());
        inside -= &self.outside;
        self.graph.view().among(inside)
    }

    /// Whether the data marks a transaction as illicit.
    pub fn is_illicit(&self, transaction: TxId) -> bool {
        self.graph.transaction(transaction).unwrap().flags & LABELLED != 0
    }
}

/// The attempts of a store, by the key of the devices that their payments name.
fn attempts(
    graph: &Graph,
    rates: Option<&Rates>,
    typology: impl Fn(&str) -> Option<&'static str>,
) -> Vec<Attempt> {
    let kind = graph.find_kind("device").unwrap();
    let mut by_device: BTreeMap<u32, Vec<Payment>> = BTreeMap::new();
    for (base, segment) in graph.segments() {
        let Some(devices) = &segment.transactions.device else { continue };
        for row in 0..segment.transactions.len() {
            let device = devices.get(row).unwrap();
            if device != NONE {
                let payment = payment(graph, rates, TxId(base.0 + row as u64));
                by_device.entry(device).or_default().push(payment);
            }
        }
    }
    let attempt = |(device, mut payments): (u32, Vec<Payment>)| {
        let key = graph.identifier_key(IdentifierId { kind, value: device }).unwrap();
        let typology = typology(&key)?;
        let mut accounts: Vec<u32> =
            payments.iter().flat_map(|payment| [payment.source, payment.destination]).collect();
        accounts.sort_unstable();
        accounts.dedup();
        payments.retain(|payment| payment.source != payment.destination);
        Some(Attempt { key, typology, accounts, payments })
    };
    let mut found: Vec<Attempt> = by_device.into_iter().filter_map(attempt).collect();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found
}

fn payment(graph: &Graph, rates: Option<&Rates>, id: TxId) -> Payment {
    let row = graph.transaction(id).unwrap();
    let money = |amount: i64, currency: CurrencyId| match rates {
        Some(rates) => {
            let amount = rates.value(amount, currency.0, row.time).unwrap();
            Money { amount, currency: rates.base().0 }
        }
        None => Money { amount, currency: currency.0 },
    };
    Payment {
        time: row.time,
        source: row.source.0,
        destination: row.destination.0,
        paid: money(row.paid, row.paid_currency),
        received: money(row.received, row.received_currency),
    }
}

/// The rows of a small table without quoted fields, its header left out.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().skip(1).map(|line| line.split(',').collect())
}

/// The text of a file packed by gzip.
fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    let bytes = std::fs::read(path).unwrap();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    text
}
