//! Ledgers of the tests as stores, and what the engine finds in them in the oracle's terms.
#![allow(dead_code)] // Each test program uses its own part.

use super::ledgers::{CURRENCIES, Ledger};
use super::trace::{self as oracle, Answer, Exits, Held, Payment, Row, Rules, Seed, Stuck};
use ringfence::graph::build::{BuildOptions, Input, prepare};
use ringfence::graph::{Graph, View};
use ringfence::ids::{AccountId, CurrencyId, TxId};
use ringfence::ingest::Batch;
use ringfence::ingest::batch::{AccountRows, LinkRows, LocalKeys, key_hash};
use ringfence::store::format::flags::FAILED;
use ringfence::store::manifest::Partition;
use ringfence::store::{Io, StoreWriter};
use ringfence::trace::balances::breaks;
use ringfence::trace::{
    self, Balances, Holdings, Opening, Policy, Rate, Rates, Stop, Ties, Trace, TraceOptions,
};
use ringfence::units::Currency;
use ringfence::{Result, Run};
use tempfile::TempDir;

/// A ledger in a store of its own.
pub struct Stored {
    pub graph: Graph,
    /// By account of the ledger; those without payments are unknown to the store.
    accounts: Vec<Option<AccountId>>,
    currencies: Vec<Option<CurrencyId>>,
    _directory: TempDir,
}

/// Every transaction of a graph; accounts and currencies are numbered as the graph does.
pub fn payments(graph: &Graph) -> Vec<Payment> {
    let payment = |position| {
        let row = graph.transaction(TxId(position)).unwrap();
        Payment {
            source: row.source.0,
            destination: row.destination.0,
            time: row.time,
            paid: row.paid,
            paid_currency: row.paid_currency.0,
            received: row.received,
            received_currency: row.received_currency.0,
            failed: row.flags & FAILED != 0,
        }
    };
    (0..graph.num_transactions()).map(payment).collect()
}

/// Every distinct account of the rows, in order of first appearance, and its place there.
fn keys(ledger: &Ledger) -> (LocalKeys, Vec<u32>) {
    let (mut keys, mut places) = (LocalKeys::default(), vec![u32::MAX; ledger.num_accounts as usize]);
    keys.offsets.push(0);
    for account in ledger.payments.iter().flat_map(|payment| [payment.source, payment.destination]) {
        if places[account as usize] == u32::MAX {
            places[account as usize] = keys.hashes.len() as u32;
            let key = format!("A{account}");
            keys.text.extend_from_slice(key.as_bytes());
            keys.offsets.push(keys.text.len() as u32);
            keys.hashes.push(key_hash(key.as_bytes()));
        }
    }
    (keys, places)
}

impl Stored {
    /// Writes the payments in the order in which they stand.
    pub fn new(ledger: &Ledger, partition: Partition) -> Stored {
        Self::with(ledger, partition, LinkRows::default(), AccountRows::default())
    }

    /// As [`new`](Self::new), with identifiers and attributes of accounts.
    pub fn with(ledger: &Ledger, partition: Partition, links: LinkRows, attributes: AccountRows) -> Stored {
        let (accounts, places) = keys(ledger);
        let rows = &ledger.payments;
        let currencies = CURRENCIES.map(|(code, exponent)| Currency { code: code.into(), exponent });
        let batch = Batch {
            accounts,
            source: rows.iter().map(|row| places[row.source as usize]).collect(),
            destination: rows.iter().map(|row| places[row.destination as usize]).collect(),
            time: rows.iter().map(|row| row.time).collect(),
            amount: rows.iter().map(|row| row.paid).collect(),
            currencies: currencies.to_vec(),
            currency: rows.iter().map(|row| row.paid_currency).collect(),
            received: Some(rows.iter().map(|row| (row.received, row.received_currency)).unzip()),
            flags: rows.iter().map(|row| if row.failed { FAILED } else { 0 }).collect(),
            first_record: 1,
            ..Batch::default()
        };
        let run = Run::new();
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("ledger.ring");
        let input = Input { batches: vec![batch], links, accounts: attributes, ..Input::default() };
        let prepared = prepare(input, &BuildOptions::default(), &run).unwrap();
        let mut writer = StoreWriter::create(&path).unwrap();
        writer.set_durable(false);
        prepared.publish(writer, partition, Vec::new(), Vec::new(), &run).unwrap();
        let graph = Graph::open(&path, Io::Read).unwrap();
        let find = |account| graph.find_account(&format!("A{account}")).unwrap();
        let accounts = (0..ledger.num_accounts).map(find).collect();
        let currencies = CURRENCIES.iter().map(|(code, _)| graph.find_currency(code)).collect();
        Stored { graph, accounts, currencies, _directory: directory }
    }

    /// A store made elsewhere; accounts and currencies are numbered as it does.
    pub fn of(graph: Graph, directory: TempDir) -> Stored {
        let accounts = (0..graph.num_accounts()).map(|account| Some(AccountId(account))).collect();
        let num_currencies = graph.manifest().schema.currencies.len() as u16;
        let currencies = (0..num_currencies).map(|currency| Some(CurrencyId(currency))).collect();
        Stored { graph, accounts, currencies, _directory: directory }
    }

    /// The account in the store, if some payment names it.
    pub fn knows(&self, account: u32) -> Option<AccountId> {
        self.accounts[account as usize]
    }

    pub fn account(&self, account: u32) -> AccountId {
        self.accounts[account as usize].expect("the account is in some payment")
    }

    /// The currency in the store, if some payment names it.
    pub fn knows_currency(&self, currency: u16) -> Option<CurrencyId> {
        self.currencies[currency as usize]
    }

    pub fn currency(&self, currency: u16) -> CurrencyId {
        self.currencies[currency as usize].expect("the currency is in some payment")
    }

    fn account_of(&self, id: AccountId) -> u32 {
        // Mostly at its own number already.
        match self.accounts.get(id.index()) {
            Some(known) if *known == Some(id) => id.0,
            _ => self.accounts.iter().position(|known| *known == Some(id)).unwrap() as u32,
        }
    }

    fn currency_of(&self, id: CurrencyId) -> u16 {
        self.currencies.iter().position(|known| *known == Some(id)).unwrap() as u16
    }

    pub fn seeds(&self, seeds: &[Seed]) -> Vec<trace::Seed> {
        let seed = |seed: &Seed| match *seed {
            Seed::Transaction { case, row, amount } => {
                let transaction = TxId(row as u64);
                trace::Seed { case, kind: trace::SeedKind::Transaction { transaction, amount } }
            }
            Seed::Deposit { case, account, currency, time, amount } => {
                let (account, currency) = (self.account(account), self.currency(currency));
                trace::Seed { case, kind: trace::SeedKind::Deposit { account, currency, time, amount } }
            }
            Seed::Balance { case, account, currency, time, amount } => {
                let (account, currency) = (self.account(account), self.currency(currency));
                trace::Seed { case, kind: trace::SeedKind::Balance { account, currency, time, amount } }
            }
        };
        seeds.iter().map(seed).collect()
    }

    pub fn options(&self, rules: &Rules, joint: bool) -> TraceOptions {
        TraceOptions {
            policy: match rules.policy {
                oracle::Policy::Fifo => Policy::Fifo,
                oracle::Policy::Lifo => Policy::Lifo,
                oracle::Policy::Haircut => Policy::Haircut,
                oracle::Policy::CleanFirst => Policy::CleanFirst,
                oracle::Policy::TaintedFirst => Policy::TaintedFirst,
            },
            opening: match rules.opening {
                oracle::Opening::JustInTime => Opening::JustInTime,
                oracle::Opening::Minimal => Opening::Minimal,
                oracle::Opening::Given => Opening::Given,
            },
            balances: self.balances(&rules.balances),
            rates: rules.rates.as_ref().map(|rates| self.rates(rates)),
            ties: if rules.strict { Ties::Strict } else { Ties::Order },
            until: rules.until,
            sinks: rules
                .sinks
                .iter()
                .filter_map(|&sink| self.accounts[sink as usize])
                .map(|id| id.0)
                .collect(),
            dust: rules.dust,
            max_hops: rules.max_hops,
            joint,
            ..TraceOptions::default()
        }
    }

    pub fn balances(&self, balances: &[oracle::Balance]) -> Balances {
        let row = |row: &oracle::Balance| trace::Balance {
            account: self.account(row.account),
            currency: self.currency(row.currency),
            time: row.time,
            amount: row.amount,
        };
        Balances::new(&balances.iter().map(row).collect::<Vec<_>>()).unwrap()
    }

    fn rates(&self, rates: &oracle::Rates) -> Rates {
        let row = |(&(currency, day), &mantissa): (&(u16, i64), &i64)| Rate {
            currency: self.currency(currency),
            day: day as i32,
            mantissa,
        };
        let rows: Vec<Rate> = rates.table.iter().map(row).collect();
        Rates::new(&self.graph, self.currency(rates.base), &rows).unwrap()
    }

    /// The breaks that the engine finds.
    pub fn breaks(&self, rules: &Rules) -> Vec<oracle::Break> {
        let found = breaks(&self.graph.view(), &self.balances(&rules.balances), &Run::new()).unwrap();
        let row = |row: trace::balances::Break| {
            let stated = oracle::Balance {
                account: self.account_of(row.stated.account),
                currency: self.currency_of(row.stated.currency),
                time: row.stated.time,
                amount: row.stated.amount,
            };
            (stated, i128::from(row.stated.amount) - row.computed)
        };
        assert!(found.is_sorted_by_key(|row| row.stated));
        let mut found: Vec<oracle::Break> = found.into_iter().map(row).collect();
        found.sort_by_key(|(stated, _)| (stated.account, stated.currency, stated.time));
        found
    }

    /// What the engine finds.
    pub fn trace(&self, view: &View<'_>, ledger: &Ledger, rules: &Rules, joint: bool) -> Result<Trace> {
        let (seeds, options) = (self.seeds(&ledger.seeds), self.options(rules, joint));
        trace::downstream(view, ledger.num_cases, &seeds, &options, &Run::new())
    }

    /// The engine's result in the oracle's terms; its order is checked here.
    pub fn answer(&self, trace: &Trace) -> Answer {
        let flows = &trace.flows;
        let flow = |at: usize| {
            let (paid, received) = (flows.tainted_paid[at].into(), flows.tainted_received[at].into());
            (flows.case[at], flows.transaction[at].0 as usize, paid, received, flows.hop[at])
        };
        let ledger_row = |row: &trace::LedgerRow| {
            let trace::LedgerRow {
                seeded,
                converted_in,
                held,
                at_sinks,
                dust,
                superseded,
                converted_out,
                fees,
                ..
            } = *row;
            let books = Row { seeded, converted_in, held, at_sinks, dust, superseded, converted_out, fees };
            ((row.case, self.currency_of(row.currency)), books)
        };
        assert!(trace.ledger.is_sorted_by_key(|row| (row.case, row.currency)));
        assert!(trace.stops.is_sorted_by_key(|row| (row.case, row.currency, row.stop)));
        let stop = |stop: Stop| match stop {
            Stop::Sink => oracle::Stop::Sink,
            Stop::MaxHops => oracle::Stop::MaxHops,
            Stop::Dust => oracle::Stop::Dust,
            Stop::Superseded => oracle::Stop::Superseded,
            Stop::Until => oracle::Stop::Until,
        };
        let mut sinks = Stuck::new();
        for kind in [Stop::Sink, Stop::MaxHops] {
            // In order among those of one kind.
            let rows = &trace.sinks.holdings;
            let places: Vec<usize> = (0..rows.len()).filter(|&at| trace.sinks.stop[at] == kind).collect();
            for ((case, account, currency), held) in self.held(rows, &places) {
                sinks.insert((case, account, currency, stop(kind)), held);
            }
        }
        assert_eq!((sinks.len(), trace.sinks.stop.len()), (trace.sinks.holdings.len(), sinks.len()));
        let stop_row =
            |row: &trace::StopRow| ((row.case, self.currency_of(row.currency), stop(row.stop)), row.amount);
        let entry = |entry: &trace::Entry| {
            let (account, currency) = (self.account_of(entry.account), self.currency_of(entry.currency));
            (entry.case, entry.position as usize, entry.time, account, currency, entry.amount.into())
        };
        let mut exits = Exits::new();
        assert!(trace.exits.is_sorted_by_key(|exit| (exit.case, exit.position)));
        for exit in &trace.exits {
            let (account, currency) = (self.account_of(exit.account), self.currency_of(exit.currency));
            let by = exit.by_transaction;
            let place =
                (exit.case, exit.position as usize, by, exit.time, account, currency, stop(exit.stop));
            *exits.entry(place).or_default() += i128::from(exit.amount);
        }
        let all: Vec<usize> = (0..trace.holdings.len()).collect();
        Answer {
            flows: (0..flows.len()).map(flow).collect(),
            holdings: self.held(&trace.holdings, &all),
            sinks,
            entries: trace.entries.iter().map(entry).collect(),
            exits,
            ledger: trace.ledger.iter().map(ledger_row).collect(),
            stops: trace.stops.iter().map(stop_row).collect(),
        }
    }

    /// Some of `rows`.
    fn held(&self, rows: &Holdings, places: &[usize]) -> Held {
        let key = |at: usize| {
            (rows.case[at], std::cmp::Reverse(rows.amount[at]), rows.account[at], rows.currency[at])
        };
        assert!(places.is_sorted_by_key(|&at| key(at)), "holdings are out of order");
        let row = |&at: &usize| {
            let place =
                (rows.case[at], self.account_of(rows.account[at]), self.currency_of(rows.currency[at]));
            (place, (rows.amount[at].into(), rows.first_receipt[at], rows.last_receipt[at]))
        };
        let held: Held = places.iter().map(row).collect();
        assert_eq!(held.len(), places.len(), "an account holds twice");
        held
    }
}
