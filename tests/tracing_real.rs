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
use store::{Stored, payments};
use support::{scratch, shared_data};
use tempfile::TempDir;
use trace::{Policy, Rules, Seed};

/// A published file in a store of its own.
fn ingested(file: &str, preset: &str) -> Option<Stored> {
    let file = shared_data(file)?;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("published.ring");
    let sources = Sources { transactions: vec![Source::File(file)], ..Sources::default() };
    let mapping = Mapping::preset(preset).unwrap();
    ingest(&path, sources, &mapping, &mut RejectLog::counting(), &scratch(), &Run::new()).unwrap();
    Some(Stored::of(Graph::open(&path, Io::Mmap).unwrap(), directory))
}

/// A ledger in which every `step`-th transaction that is marked as illicit is a case.
fn ledger_of(graph: &Graph, step: usize) -> Ledger {
    let is_labelled = |&position: &u64| graph.transaction(TxId(position)).unwrap().flags & LABELLED != 0;
    let rows = (0..graph.num_transactions()).filter(is_labelled).step_by(step);
    let seeds = rows.enumerate().map(|(case, row)| Seed::Transaction {
        case: case as u32,
        row: row as usize,
        amount: None,
    });
    let seeds: Vec<Seed> = seeds.collect();
    Ledger {
        num_accounts: graph.num_accounts(),
        num_cases: seeds.len() as u32,
        payments: payments(graph),
        seeds,
    }
}

fn the_engine_agrees_with_the_oracle(stored: &Stored, step: usize) {
    let ledger = ledger_of(&stored.graph, step);
    assert!(ledger.num_cases > 10, "{} cases in {} payments", ledger.num_cases, ledger.payments.len());
    for policy in [Policy::Fifo, Policy::Haircut] {
        let rules = Rules { policy, merge: true, ..Rules::default() };
        let found = stored.trace(&stored.graph.view(), &ledger, &rules, true).unwrap();
        let (events, num_cases) = (found.events, ledger.num_cases);
        let found = stored.answer(&found);
        println!(
            "{} payments, {num_cases} cases, {policy:?}: {events} events, {} flows, {} holdings",
            ledger.payments.len(),
            found.flows.len(),
            found.holdings.len()
        );
        assert!(found.flows.len() > ledger.num_cases as usize);
        // No `assert_eq`: the two are too long to look at.
        let expected = trace::trace(&ledger.payments, &ledger.seeds, &rules);
        let differs = found.flows.iter().zip(&expected.flows).find(|(found, expected)| found != expected);
        assert_eq!(differs, None, "first flow that differs, {policy:?}");
        assert!(found == expected, "{policy:?}");
    }
}

#[test]
fn the_alerts_of_a_simulated_bank_are_traced_as_the_oracle_does() {
    if let Some(stored) = ingested("amlsim-run-a/transactions.csv.gz", "amlsim") {
        the_engine_agrees_with_the_oracle(&stored, 40);
    }
}

#[test]
fn the_laundering_of_a_simulated_payment_system_is_traced_as_the_oracle_does() {
    if let Some(stored) = ingested("amlgentex-a/tx_log.account-to-account.parquet", "amlgentex") {
        the_engine_agrees_with_the_oracle(&stored, 4);
    }
}
