//! Bounds between a payment and a suspect within a week: the batch, and how single pairs are distributed.
//!
//! Two samples. *Far*: any payment and any account, which mostly have nothing to do with each other. *Near*: the
//! account is where a walk of one to six payments from the seed ends, so that there is something to bound.

use crate::harness::{Harness, Stage, number};
use ringfence::Run;
use ringfence::graph::Graph;
use ringfence::ids::{AccountId, NONE, TxId};
use ringfence::random::{Stream, below};
use ringfence::trace::SeedKind;
use ringfence::trace::bound::{Bound, BoundOptions, max_traceable, max_traceable_many};
use serde_json::json;
use std::time::Instant;

const WEEK_US: i64 = 7 * 86_400_000_000;

type Pair = (SeedKind, AccountId);

pub fn stages(harness: &Harness, graph: &Graph) {
    let view = graph.view();
    let options = BoundOptions { span_us: Some(WEEK_US), ..BoundOptions::default() };
    let num_pairs = number("RINGFENCE_BENCH_PAIRS").unwrap_or(1_000);
    for (name, near) in [("bounds_far", false), ("bounds_near", true)] {
        if !harness.wants(name) {
            continue;
        }
        let pairs: Vec<Pair> = (0..num_pairs).map(|pair| sample(graph, near, pair)).collect();
        let each: Vec<(Bound, f64)> = pairs
            .iter()
            .map(|(seed, target)| {
                let start = Instant::now();
                let bound = max_traceable(&view, seed, *target, &options, &Run::new()).expect("a bound");
                (bound, start.elapsed().as_secs_f64() * 1e3)
            })
            .collect();
        print_spread(name, &each);
        harness.time(
            &Stage { name, count: num_pairs, unit: "pairs" },
            || (),
            |(), run| max_traceable_many(&view, &pairs, &options, run).expect("bounds"),
            |bounds| assert!(bounds.iter().eq(each.iter().map(|(bound, _)| bound))),
        );
    }
}

/// One JSON line: quantiles over the pairs of time, transactions looked at, and transactions in the network.
fn print_spread(name: &str, each: &[(Bound, f64)]) {
    let quantiles = |value: &dyn Fn(&(Bound, f64)) -> f64| {
        let mut values: Vec<f64> = each.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
        json!({ "median": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1.0) })
    };
    let line = json!({
        "pairs": name,
        "reached": each.iter().filter(|(bound, _)| bound.value > 0).count(),
        "of": each.len(),
        "ms": quantiles(&|(_, ms)| (ms * 1e3).round() / 1e3),
        "events": quantiles(&|(bound, _)| bound.events as f64),
        "network": quantiles(&|(bound, _)| bound.num_transactions as f64),
        "cut": quantiles(&|(bound, _)| bound.cut.len() as f64),
        "journeys": quantiles(&|(bound, _)| bound.journeys.len() as f64),
    });
    println!("{line}");
}

/// Pair number `pair`: a payment that moves money, and any account or one that a walk from the payment comes to.
fn sample(graph: &Graph, near: bool, pair: u64) -> Pair {
    let random = Stream::new(7, pair * 2 + u64::from(near));
    let count = graph.num_transactions();
    let moves = |position: &u64| {
        let transaction = graph.transaction(TxId(*position)).expect("an undamaged store");
        transaction.received > 0 && transaction.flags == 0 && transaction.source.0 != NONE
    };
    // From the first three quarters of the ledger, so that a week follows where it covers a month.
    let from = below(random.at(0), count * 3 / 4);
    let position = (from..count).find(moves).expect("a payment that moves money");
    let seed = SeedKind::Transaction { transaction: TxId(position), amount: None };
    if !near {
        return (seed, AccountId(below(random.at(1), graph.num_accounts().into()) as u32));
    }
    let first = graph.transaction(TxId(position)).expect("an undamaged store");
    let (mut account, mut position) = (first.destination, position);
    for step in 0..below(random.at(1), 6) {
        let mut later = Vec::new();
        for slice in graph.view().out(account) {
            let slice = slice.expect("an undamaged store");
            let rows = slice.transactions.iter().map(|&row| slice.base.0 + u64::from(row));
            later.extend(rows.zip(slice.neighbors).filter(|(row, _)| *row > position).take(20));
        }
        let Some(&(row, &next)) = later.get(below(random.at(2 + step), later.len().min(20) as u64) as usize)
        else {
            break;
        };
        (account, position) = (AccountId(next), row);
    }
    (seed, account)
}
