//! Tracing on published data sets, against the slow oracle.
#![allow(clippy::unwrap_used)]

#[path = "oracle/ledgers.rs"]
mod ledgers;
#[path = "oracle/store.rs"]
mod store;
mod support;
#[path = "oracle/trace.rs"]
mod trace;

use ledgers::Ledger;
use ringfence::Run;
use ringfence::graph::Graph;
use ringfence::graph::build::{Sources, ingest};
use ringfence::ids::TxId;
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::store::Io;
use ringfence::store::format::flags::LABELLED;
use ringfence::trace::{self as engine, Rate, Rates, SeedKind, TraceOptions, downstream};
use std::collections::{BTreeMap, BTreeSet};
use store::{Stored, payments};
use support::{scratch, shared_data};
use tempfile::TempDir;
use trace::{Opening, Payment, Policy, Rules, Seed};

/// A published file in a store of its own.
fn ingested(file: &str, mapping: &Mapping) -> Option<Stored> {
    let file = shared_data(file)?;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("published.ring");
    let sources = Sources { transactions: vec![Source::File(file)], ..Sources::default() };
    ingest(&path, sources, mapping, &mut RejectLog::counting(), &scratch(), &Run::new()).unwrap();
    Some(Stored::of(Graph::open(&path, Io::Mmap).unwrap(), directory))
}

fn preset(name: &str) -> Mapping {
    Mapping::preset(name).unwrap()
}

fn is_labelled(graph: &Graph, row: u64) -> bool {
    graph.transaction(TxId(row)).unwrap().flags & LABELLED != 0
}

/// A ledger in which every `step`-th transaction that is `wanted` is a case.
fn ledger_of(graph: &Graph, step: usize, wanted: impl Fn(&Payment, u64) -> bool) -> Ledger {
    let payments = payments(graph);
    let is_wanted = |row: &usize| {
        let payment = &payments[*row];
        !payment.failed && payment.received > 0 && wanted(payment, *row as u64)
    };
    let rows = (0..payments.len()).filter(is_wanted).step_by(step);
    let seed = |(case, row): (usize, usize)| Seed::Transaction { case: case as u32, row, amount: None };
    let seeds: Vec<Seed> = rows.enumerate().map(seed).collect();
    let (num_accounts, num_cases) = (graph.num_accounts(), seeds.len() as u32);
    Ledger { num_accounts, num_cases, payments, seeds }
}

/// Engine and oracle on a whole file, all cases at once.
fn the_engine_agrees(stored: &Stored, ledger: &Ledger, rules: &Rules) {
    assert!(ledger.num_cases > 10, "{} cases in {} payments", ledger.num_cases, ledger.payments.len());
    let found = stored.trace(&stored.graph.view(), ledger, rules, true).unwrap();
    let (events, num_cases, policy) = (found.events, ledger.num_cases, rules.policy);
    let found = stored.answer(&found);
    println!(
        "{} payments, {num_cases} cases, {policy:?}: {events} events, {} flows, {} holdings",
        ledger.payments.len(),
        found.flows.len(),
        found.holdings.len()
    );
    assert!(found.flows.len() >= ledger.num_cases as usize);
    // No `assert_eq`: the two are too long to look at.
    let expected = trace::trace(&ledger.payments, &ledger.seeds, rules);
    let differs = found.flows.iter().zip(&expected.flows).find(|(found, expected)| found != expected);
    assert_eq!(differs, None, "first flow that differs, {policy:?}");
    assert!(found == expected, "{policy:?}");
}

fn plain(policy: Policy) -> Rules {
    Rules { policy, merge: true, ..Rules::default() }
}

#[test]
fn the_alerts_of_a_simulated_bank_are_traced_as_the_oracle_does() {
    let Some(stored) = ingested("amlsim-run-a/transactions.csv.gz", &preset("amlsim")) else { return };
    let ledger = ledger_of(&stored.graph, 40, |_, row| is_labelled(&stored.graph, row));
    for policy in Policy::ALL {
        the_engine_agrees(&stored, &ledger, &plain(policy));
    }
}

#[test]
fn the_laundering_of_a_simulated_payment_system_is_traced_as_the_oracle_does() {
    let file = "amlgentex-a/tx_log.account-to-account.parquet";
    let Some(stored) = ingested(file, &preset("amlgentex")) else { return };
    let ledger = ledger_of(&stored.graph, 4, |_, row| is_labelled(&stored.graph, row));
    let stops = Rules { dust: 500, max_hops: Some(6), strict: true, ..plain(Policy::Fifo) };
    for rules in [plain(Policy::Fifo), plain(Policy::Haircut), stops] {
        the_engine_agrees(&stored, &ledger, &rules);
    }
}

#[test]
fn reported_bank_transfers_are_traced_as_the_oracle_does() {
    let file = "fincen-files/download_transactions_map.csv";
    let Some(stored) = ingested(file, &preset("fincen")) else { return };
    let ledger = ledger_of(&stored.graph, 50, |_, _| true);
    for policy in Policy::ALL {
        the_engine_agrees(&stored, &ledger, &plain(policy));
        the_engine_agrees(&stored, &ledger, &Rules { opening: Opening::Minimal, ..plain(policy) });
    }
}

const ETHEREUM: &str = "
[scale]
ETH = 9

[transactions]
transaction = { index = 1 }
source = 'from'
destination = 'to'
time = 'timestamp'
time_format = 'unix-s'
amount = 'amount'
amount_notation = 'scientific'
amount_decimals = 'half-even'
currency = { constant = 'ETH' }
aggregate = true
";

#[test]
fn money_of_phishing_victims_is_traced_as_the_oracle_does() {
    let mapping = Mapping::parse(ETHEREUM, "ethereum").unwrap();
    let Some(stored) = ingested("ethereum-phishing-tedge/edges.csv.gz", &mapping) else { return };
    let labels = std::fs::read_to_string(shared_data("ethereum-phishing-tedge/label.txt").unwrap()).unwrap();
    let phishing: BTreeSet<u32> = labels
        .lines()
        .filter_map(|line| line.strip_suffix(" 1"))
        .filter_map(|key| stored.graph.find_account(key).unwrap())
        .map(|id| id.0)
        .collect();
    assert!(phishing.len() > 400, "{} of 445 phishing accounts", phishing.len());
    let ledger = ledger_of(&stored.graph, 100, |payment, _| phishing.contains(&payment.destination));
    for policy in Policy::ALL {
        the_engine_agrees(&stored, &ledger, &plain(policy));
    }
}

/// Transfers of each attempt of a kind, as rows of the graph.
fn attempts(graph: &Graph, kind: &str) -> Vec<Vec<TxId>> {
    let text = |file: &str| {
        let path = shared_data(&format!("amlworld-hi-small/{file}")).unwrap();
        std::fs::read_to_string(path).unwrap()
    };
    // Records of the file by content; equal rows are taken one after another.
    let mut records: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (record, line) in text("HI-Small_Trans.laundering-rows.csv").lines().enumerate().skip(1) {
        records.entry(line.to_string()).or_default().insert(0, record);
    }
    let (mut attempts, mut inside) = (Vec::new(), false);
    for line in text("HI-Small_Patterns.txt").lines() {
        if line.starts_with("BEGIN") {
            inside = line.contains(kind);
            attempts.extend(inside.then(Vec::new));
        } else if line.starts_with("20") {
            let record = records.get_mut(line).and_then(Vec::pop).expect("every pattern row is in the file");
            if inside {
                let id = graph.find_transaction(&format!("0:{record}")).unwrap();
                attempts.last_mut().unwrap().push(id.expect("every row of the file is in the graph"));
            }
        }
    }
    attempts
}

/// Dollars for one unit, × 10¹²: the file converts nothing, and a bank that does keeps such a table.
const DOLLARS: [(&str, i64); 14] = [
    ("EUR", 1_170_000_000_000),
    ("SAR", 266_600_000_000),
    ("CHF", 1_090_000_000_000),
    ("INR", 13_600_000_000),
    ("CNY", 149_000_000_000),
    ("JPY", 9_500_000_000),
    ("CAD", 757_000_000_000),
    ("RUB", 12_800_000_000),
    ("GBP", 1_290_000_000_000),
    ("AUD", 708_000_000_000),
    ("MXN", 47_300_000_000),
    ("ILS", 296_000_000_000),
    ("BRL", 177_000_000_000),
    ("BTC", 11_879_000_000_000_000),
];

#[test]
fn laundered_money_that_changes_currency_inside_accounts_is_followed_around_its_cycle_by_value() {
    let file = "amlworld-hi-small/HI-Small_Trans.laundering-rows.csv";
    let Some(stored) = ingested(file, &preset("amlworld")) else { return };
    let graph = &stored.graph;
    let cycles = attempts(graph, "CYCLE");
    assert_eq!(cycles.len(), 54);
    let base = graph.find_currency("USD").expect("dollars");
    let rate = |&(code, mantissa): &(&str, i64)| Rate {
        currency: graph.find_currency(code).expect("a currency of the file"),
        day: 19_236, // 2022-09-01
        mantissa,
    };
    let rates = Rates::new(graph, base, &DOLLARS.iter().map(rate).collect::<Vec<_>>()).unwrap();
    let first = |cycle: &Vec<TxId>| *cycle.iter().min().unwrap();
    let seeds: Vec<engine::Seed> = (0..)
        .zip(&cycles)
        .map(|(case, cycle)| {
            let kind = SeedKind::Transaction { transaction: first(cycle), amount: None };
            engine::Seed { case, kind }
        })
        .collect();
    let followed = |rates: Option<Rates>, policy: engine::Policy| {
        let options = TraceOptions { policy, rates, joint: false, ..TraceOptions::default() };
        let trace = downstream(&graph.view(), 54, &seeds, &options, &Run::new()).unwrap();
        let flows = &trace.flows;
        let returned = |case: usize| {
            let start = graph.transaction(first(&cycles[case])).unwrap().source;
            (0..flows.len()).any(|at| {
                let back = || graph.transaction(flows.transaction[at]).unwrap().destination == start;
                flows.case[at] == case as u32 && flows.tainted_received[at] > 0 && back()
            })
        };
        (0..54).filter(|&case| returned(case)).count()
    };
    for policy in engine::Policy::ALL {
        let (by_value, by_currency) = (followed(Some(rates.clone()), policy), followed(None, policy));
        println!("{}: {by_value} of 54 by value, {by_currency} by currency", policy.name());
    }
    // The other five cycles are not in the order of time, whichever account they begin at.
    assert_eq!(followed(Some(rates), engine::Policy::TaintedFirst), 49);
    assert!(followed(None, engine::Policy::TaintedFirst) < 25);
}
