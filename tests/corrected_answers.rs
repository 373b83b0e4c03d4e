//! A row that was corrected changes no answer: a store with corrections answers as one that only ever had what counts.
#![allow(clippy::unwrap_used)]

#[path = "oracle/corrections.rs"]
mod model;
mod support;

use model::{HEADER, Model, Row, mapping, rows};
use ringfence::community::{ComponentsOptions, components};
use ringfence::graph::Graph;
use ringfence::graph::build::{Sources, ingest};
use ringfence::graph::project::{Over, ProjectOptions, Weight, project};
use ringfence::ids::{AccountId, TxId};
use ringfence::ingest::{RejectLog, Source};
use ringfence::store::Io;
use ringfence::trace::{Policy, Seed, SeedKind, TraceOptions, downstream, poison};
use ringfence::{Error, Run};
use std::collections::{BTreeMap, BTreeSet};
use support::{random, scratch};
use tempfile::TempDir;

fn graph(rows: &[Row]) -> (Graph, TempDir) {
    let dir = TempDir::new().unwrap();
    let (file, path) = (dir.path().join("rows.csv"), dir.path().join("test.ring"));
    let lines: String = rows.iter().map(Row::line).collect();
    std::fs::write(&file, format!("{HEADER}{lines}")).unwrap();
    let sources = Sources { transactions: vec![Source::File(file)], ..Sources::default() };
    ingest(&path, sources, &mapping(), &mut RejectLog::counting(), &scratch(), &Run::new()).unwrap();
    (Graph::open(&path, Io::Mmap).unwrap(), dir)
}

/// The rows that count, as if nothing had ever been wrong; those that were corrected.
fn pure(model: &Model) -> (Vec<Row>, Vec<Row>) {
    let (wrong, right): (Vec<Row>, Vec<Row>) =
        model.rows.iter().cloned().partition(|row| model.is_corrected(row));
    let plain = |row: Row| Row { corrects: None, reverses: None, ..row };
    (right.into_iter().map(plain).collect(), wrong)
}

/// By transaction: tainted part paid and received, hop.
type Flows = BTreeMap<String, (i64, i64, u32)>;

/// Everything that tracing from some rows says, with keys instead of numbers.
fn traced(graph: &Graph, seeds: &[&str], policy: Policy) -> (Flows, BTreeMap<String, i64>) {
    let seed = |key: &&str| Seed {
        case: 0,
        kind: SeedKind::Transaction {
            transaction: graph.find_transaction(key).unwrap().unwrap(),
            amount: None,
        },
    };
    let seeds: Vec<Seed> = seeds.iter().map(seed).collect();
    let options = TraceOptions { policy, ..TraceOptions::default() };
    let trace = downstream(&graph.view(), 1, &seeds, &options, &Run::new()).unwrap();
    assert!(trace.ledger.iter().all(|row| row.balances()));
    let flows = &trace.flows;
    let flows = (0..flows.len()).map(|at| {
        let said = (flows.tainted_paid[at], flows.tainted_received[at], flows.hop[at]);
        (graph.transaction_key(flows.transaction[at]).unwrap(), said)
    });
    let held = &trace.holdings;
    let held = (0..held.account.len()).map(|at| {
        let currency = &graph.currency(held.currency[at]).code;
        (format!("{} {currency}", graph.account_key(held.account[at]).unwrap()), held.amount[at])
    });
    (flows.collect(), held.collect())
}

fn exposed(graph: &Graph, seed: &str) -> BTreeSet<String> {
    let transaction = graph.find_transaction(seed).unwrap().unwrap();
    let seeds = [Seed { case: 0, kind: SeedKind::Transaction { transaction, amount: None } }];
    let found = poison(&graph.view(), 1, &seeds, &TraceOptions::default(), &Run::new()).unwrap();
    found.account.iter().map(|&account| graph.account_key(account).unwrap()).collect()
}

/// Weights of pairs of accounts, by their keys; `weight` may be a currency, whose amounts count.
fn pairs(graph: &Graph, over: Over, weight: &str) -> BTreeMap<(String, String), u64> {
    let weight = match weight {
        "count" => Weight::Count,
        "log" => Weight::LogAmount,
        currency => match graph.find_currency(currency) {
            Some(currency) => Weight::Amount(currency),
            None => return BTreeMap::new(),
        },
    };
    let options = ProjectOptions { over, weight, ..ProjectOptions::default() };
    let found = project(&graph.view(), &options, &Run::new()).unwrap();
    let key = |account: u32| graph.account_key(AccountId(account)).unwrap();
    let mut pairs = BTreeMap::new();
    for node in 0..found.rows.num_nodes() as u32 {
        for (neighbor, weight) in found.rows.entries(node) {
            pairs.insert((key(found.nodes.account(node).0), key(found.nodes.account(neighbor).0)), weight);
        }
    }
    pairs
}

fn groups(graph: &Graph) -> BTreeSet<BTreeSet<String>> {
    let found = components(&graph.view(), &ComponentsOptions::default(), &Run::new()).unwrap();
    let mut groups: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for account in 0..graph.num_accounts() {
        let key = graph.account_key(AccountId(account)).unwrap();
        groups.entry(found.labels[account as usize]).or_default().insert(key);
    }
    groups.into_values().filter(|group| group.len() > 1).collect()
}

#[test]
fn what_was_corrected_changes_no_answer() {
    let (mut followed, mut corrected) = (0, 0);
    for seed in 0..40 {
        let rows = rows(seed, 30 + seed * 3, 1);
        let mut model = Model::default();
        rows.iter().for_each(|row| model.take(row));
        let (right, wrong) = pure(&model);
        let ((found, _dir), (expected, _other)) = (graph(&rows), graph(&right));
        assert_eq!(found.num_transactions(), expected.num_transactions() + wrong.len() as u64);
        corrected += wrong.len();
        let can_seed = |row: &&Row| row.arrives().0 > 0;
        let seeds: Vec<&Row> = right.iter().filter(can_seed).collect();
        for policy in [Policy::Fifo, Policy::Lifo, Policy::Haircut, Policy::CleanFirst, Policy::TaintedFirst]
        {
            let pick = |number: u64| seeds[random(seed, number) as usize % seeds.len()].key.as_str();
            let seeds: BTreeSet<&str> = (0..3).map(pick).collect();
            let seeds: Vec<&str> = seeds.into_iter().collect();
            let (ours, theirs) = (traced(&found, &seeds, policy), traced(&expected, &seeds, policy));
            assert_eq!(ours, theirs, "seed {seed}");
            followed += ours.0.len();
        }
        let start = &seeds[random(seed, 7) as usize % seeds.len()].key;
        assert_eq!(exposed(&found, start), exposed(&expected, start), "seed {seed}");
        for over in [Over::Transfers, Over::Identifiers, Over::Both] {
            for weight in ["count", "log", "EUR", "USD"] {
                assert_eq!(pairs(&found, over, weight), pairs(&expected, over, weight), "seed {seed}");
            }
        }
        assert_eq!(groups(&found), groups(&expected), "seed {seed}");
        // And from what was corrected itself nothing can be followed.
        for row in wrong {
            let transaction: TxId = found.find_transaction(&row.key).unwrap().unwrap();
            let claim = [Seed { case: 0, kind: SeedKind::Transaction { transaction, amount: None } }];
            let error =
                downstream(&found.view(), 1, &claim, &TraceOptions::default(), &Run::new()).unwrap_err();
            assert!(matches!(error, Error::Input { .. }), "{error}");
        }
    }
    assert!(followed > 1_000 && corrected > 100, "{followed} {corrected}");
}
