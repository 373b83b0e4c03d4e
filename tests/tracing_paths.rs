//! Money paths, freeze plans and envelopes say what the trace says, taken apart another way.
#![allow(clippy::unwrap_used)]

#[path = "oracle/ledgers.rs"]
mod ledgers;
#[path = "oracle/store.rs"]
mod store;
#[path = "oracle/trace.rs"]
mod trace;

use ledgers::{Ledger, Random, add_balance_seeds, random_ledger, random_rules};
use ringfence::Run;
use ringfence::ids::{AccountId, CurrencyId, TxId};
use ringfence::store::manifest::Partition;
use ringfence::trace::{
    FreezeOptions, Paths, PathsOptions, Policy, Stop, Trace, TraceOptions, compare, downstream, envelope,
    freeze_plan, paths,
};
use std::collections::BTreeMap;
use store::Stored;
use trace::{Payment, Rules, Seed};

const NUM_LEDGERS: u64 = 400;

/// Traces that are possible, with the rules that made them; more than half must be.
fn on_many_traces(check: impl Fn(u64, &Ledger, &Rules, &Stored, &Trace, &TraceOptions)) {
    let mut traced = 0;
    for seed in 0..NUM_LEDGERS {
        let (mut ledger, random) = (random_ledger(seed ^ 0x9a75), &mut Random(seed));
        if random.once_in(2) {
            add_balance_seeds(&mut ledger, random);
        }
        let rules = random_rules(&ledger, random);
        let stored = Stored::new(&ledger, Partition::Month);
        let options = stored.options(&rules, true);
        let view = stored.graph.view();
        let Ok(trace) =
            downstream(&view, ledger.num_cases, &stored.seeds(&ledger.seeds), &options, &Run::new())
        else {
            continue; // what is refused has its own tests
        };
        check(seed, &ledger, &rules, &stored, &trace, &options);
        traced += 1;
    }
    assert!(traced > NUM_LEDGERS / 2, "only {traced} of {NUM_LEDGERS} ledgers can be traced");
}

fn all_paths(stored: &Stored, trace: &Trace, options: &TraceOptions) -> Paths {
    paths(&stored.graph.view(), trace, options, &PathsOptions::default(), &Run::new()).unwrap()
}

#[test]
fn paths_sum_to_what_is_held_and_to_no_more_than_what_flows() {
    let listed = std::cell::Cell::new(0);
    on_many_traces(|seed, ledger, _, stored, trace, options| {
        let found = all_paths(stored, trace, options);
        let mut ends: BTreeMap<(u32, AccountId, CurrencyId, Option<Stop>), i64> = BTreeMap::new();
        let mut carried: BTreeMap<(u32, TxId), (i64, i64)> = BTreeMap::new();
        for path in 0..found.len() {
            let end = (found.case[path], found.account[path], found.currency[path], found.stop[path]);
            assert!(found.amount[path] > 0);
            *ends.entry(end).or_default() += found.amount[path];
            let mut before: Option<Payment> = None;
            let rows = &found.transaction[found.payments(path)];
            assert!(rows.is_sorted_by(|a, b| a < b), "ledger {seed}: a path out of order: {rows:?}");
            for at in found.payments(path) {
                let payment = ledger.payments[found.transaction[at].0 as usize];
                if let Some(before) = before {
                    assert_eq!(before.destination, payment.source, "ledger {seed}: a path that jumps");
                    assert!(before.time <= payment.time, "ledger {seed}: a path that goes back in time");
                }
                let sum = carried.entry((found.case[path], found.transaction[at])).or_default();
                *sum = (sum.0 + found.paid[at], sum.1 + found.received[at]);
                before = Some(payment);
            }
            match before {
                Some(last) => assert_eq!(stored.account(last.destination), found.account[path]),
                None => assert!(found.entry[path].is_some(), "ledger {seed}: a path of nothing"),
            }
        }
        let mut held = BTreeMap::new();
        let rows = &trace.holdings;
        for at in 0..rows.len() {
            held.insert((rows.case[at], rows.account[at], rows.currency[at], None), rows.amount[at]);
        }
        let rows = &trace.sinks.holdings;
        for at in 0..rows.len() {
            let stop = Some(trace.sinks.stop[at]);
            held.insert((rows.case[at], rows.account[at], rows.currency[at], stop), rows.amount[at]);
        }
        assert_eq!(ends, held, "ledger {seed}");
        let flows = &trace.flows;
        for at in 0..flows.len() {
            let (paid, received) =
                carried.get(&(flows.case[at], flows.transaction[at])).copied().unwrap_or_default();
            assert!(
                paid <= flows.tainted_paid[at] && received <= flows.tainted_received[at],
                "ledger {seed}"
            );
            listed.set(listed.get() + 1);
        }
    });
    assert!(listed.get() > 2_000);
}

#[test]
fn a_limit_keeps_the_largest_paths_and_a_holder_its_own() {
    on_many_traces(|seed, ledger, _, stored, trace, options| {
        let all = all_paths(stored, trace, options);
        let view = stored.graph.view();
        let limited = PathsOptions { paths_max: Some(2), ..PathsOptions::default() };
        let few = paths(&view, trace, options, &limited, &Run::new()).unwrap();
        for case in 0..ledger.num_cases {
            let amounts = |paths: &Paths| -> Vec<i64> {
                (0..paths.len())
                    .filter(|&path| paths.case[path] == case)
                    .map(|path| paths.amount[path])
                    .collect()
            };
            let whole = amounts(&all);
            assert!(whole.is_sorted_by(|a, b| a >= b), "ledger {seed}");
            assert_eq!(amounts(&few), whole[..whole.len().min(2)], "ledger {seed}");
        }
        assert_eq!(few.num_found, all.num_found);
        if let Some(&holder) = all.account.last() {
            let own = PathsOptions { holder: Some(holder), ..PathsOptions::default() };
            let own = paths(&view, trace, options, &own, &Run::new()).unwrap();
            assert!(own.account.iter().all(|&account| account == holder));
            assert_eq!(own.len(), all.account.iter().filter(|&&account| account == holder).count());
        }
    });
}

#[test]
fn a_freeze_plan_is_the_trace_until_each_moment() {
    let moved = std::cell::Cell::new(0);
    on_many_traces(|seed, ledger, rules, stored, _, options| {
        let view = stored.graph.view();
        let seeds = stored.seeds(&ledger.seeds);
        let times = ledger.seeds.iter().map(|seed| match *seed {
            Seed::Transaction { row, .. } => ledger.payments[row].time,
            Seed::Deposit { time, .. } | Seed::Balance { time, .. } => time,
        });
        let Some(at) = times.max() else { return };
        let delays_h = vec![1, 2, 24, 24 * 7 * 20];
        let rules = TraceOptions { until: None, ..stored.options(rules, true) };
        let plan_options = FreezeOptions { at, delays_h: delays_h.clone() };
        let plan = freeze_plan(&view, ledger.num_cases, &seeds, &rules, &plan_options, &Run::new()).unwrap();
        let held_at = |time: i64| {
            let rules = TraceOptions { until: Some(time), ..rules.clone() };
            let trace = downstream(&view, ledger.num_cases, &seeds, &rules, &Run::new()).unwrap();
            let mut held: BTreeMap<(AccountId, CurrencyId), i128> = BTreeMap::new();
            for row in 0..trace.holdings.len() {
                let place = (trace.holdings.account[row], trace.holdings.currency[row]);
                *held.entry(place).or_default() += i128::from(trace.holdings.amount[row]);
            }
            held
        };
        let now = held_at(at);
        let plan_holds: BTreeMap<_, _> =
            plan.holders.iter().map(|row| ((row.account, row.currency), row.amount)).collect();
        assert_eq!(plan_holds, now, "ledger {seed}");
        assert!(plan.holders.is_sorted_by(|a, b| a.amount >= b.amount));
        let mut by_holder: BTreeMap<_, i128> = BTreeMap::new();
        for share in &plan.matrix {
            *by_holder.entry((share.account, share.currency)).or_default() += i128::from(share.amount);
        }
        assert_eq!(by_holder, now, "ledger {seed}: columns of the matrix");
        for row in &plan.trace.ledger {
            let own =
                plan.matrix.iter().filter(|share| (share.case, share.currency) == (row.case, row.currency));
            assert_eq!(
                own.map(|share| i128::from(share.amount)).sum::<i128>(),
                row.held,
                "ledger {seed}: rows"
            );
        }
        for delay_h in std::iter::once(0).chain(delays_h) {
            let then = held_at(at + i64::from(delay_h) * 3_600_000_000);
            for row in plan.delays.iter().filter(|row| row.delay_h == delay_h) {
                let of = |held: &BTreeMap<(AccountId, CurrencyId), i128>| -> i128 {
                    held.iter().filter(|(place, _)| place.1 == row.currency).map(|held| held.1).sum()
                };
                let kept = now.iter().filter(|(place, _)| place.1 == row.currency);
                let caught: i128 =
                    kept.map(|(place, amount)| *amount.min(then.get(place).unwrap_or(&0))).sum();
                assert_eq!(
                    (row.held, row.caught, row.cost),
                    (of(&then), caught, of(&now) - caught),
                    "ledger {seed}"
                );
                moved.set(moved.get() + i32::from(row.cost > 0));
            }
            for row in plan.later.iter().filter(|row| row.delay_h == delay_h) {
                let holder = &plan.holders[row.holder as usize];
                let amount = then.get(&(holder.account, holder.currency)).copied().unwrap_or_default();
                assert_eq!(row.amount, amount, "ledger {seed}, delay {delay_h}");
            }
        }
        let _ = options;
    });
    assert!(moved.get() > 50, "only {} delays cost anything", moved.get());
}

#[test]
fn an_envelope_spans_what_each_policy_holds() {
    on_many_traces(|seed, ledger, _, stored, _, options| {
        let view = stored.graph.view();
        let seeds = stored.seeds(&ledger.seeds);
        let Ok(traces) = compare(&view, ledger.num_cases, &seeds, options, &Policy::ALL, &Run::new()) else {
            return; // a balance seed may be possible under some policies only
        };
        let found = envelope(&Policy::ALL, &traces);
        for row in 0..found.len() {
            let place = (found.case[row], found.account[row], found.currency[row]);
            let held = |trace: &Trace| {
                let rows = &trace.holdings;
                (0..rows.len())
                    .find(|&at| (rows.case[at], rows.account[at], rows.currency[at]) == place)
                    .map_or(0, |at| rows.amount[at])
            };
            let amounts: Vec<i64> = traces.iter().map(held).collect();
            assert_eq!(
                found.held.iter().map(|column| column[row]).collect::<Vec<_>>(),
                amounts,
                "ledger {seed}"
            );
            assert_eq!(found.least[row], *amounts.iter().min().unwrap());
            assert_eq!(found.greatest[row], *amounts.iter().max().unwrap());
        }
        let rows: usize = traces.iter().map(|trace| trace.holdings.len()).max().unwrap();
        assert!(found.len() >= rows);
    });
}

#[test]
fn a_trace_of_too_many_flows_is_an_error_and_not_a_shorter_answer() {
    on_many_traces(|seed, ledger, _, stored, trace, options| {
        let flows = trace.flows.len() as u64;
        let bounded = |flows_max, joint| {
            let options = TraceOptions { flows_max, joint, ..options.clone() };
            downstream(
                &stored.graph.view(),
                ledger.num_cases,
                &stored.seeds(&ledger.seeds),
                &options,
                &Run::new(),
            )
        };
        assert_eq!(&bounded(flows, true).unwrap(), trace, "ledger {seed}");
        if flows > 0 {
            let error = bounded(flows - 1, true).unwrap_err();
            assert!(matches!(error, ringfence::Error::Limit { .. }), "ledger {seed}: {error}");
        }
        if let Ok(alone) = bounded(u64::MAX, false)
            && !alone.flows.is_empty()
        {
            let error = bounded(alone.flows.len() as u64 - 1, false).unwrap_err();
            assert!(matches!(error, ringfence::Error::Limit { .. }), "ledger {seed}: {error}");
        }
    });
}

#[test]
fn paths_begin_with_the_seeds_whose_lots_the_policy_took() {
    let mut told_apart = 0;
    for number in 0..NUM_LEDGERS {
        let mut ledger = random_ledger(number ^ 0x10f5);
        // Without fees and conversions lots keep their units, and every seed can be a case of its own.
        for payment in &mut ledger.payments {
            (payment.received, payment.received_currency) = (payment.paid, payment.paid_currency);
        }
        let rows: Vec<usize> = (0..ledger.payments.len())
            .filter(|&row| !ledger.payments[row].failed && ledger.payments[row].received > 0)
            .step_by(4)
            .collect();
        let seeds = |case_of: fn(usize) -> u32| -> Vec<Seed> {
            let seed =
                |(at, &row): (usize, &usize)| Seed::Transaction { case: case_of(at), row, amount: None };
            rows.iter().enumerate().map(seed).collect()
        };
        let stored = Stored::new(&ledger, Partition::None);
        let (view, run) = (stored.graph.view(), Run::new());
        for policy in Policy::ALL.into_iter().filter(|&policy| policy != Policy::Haircut) {
            let options = TraceOptions { policy, ..TraceOptions::default() };
            let trace = |seeds: &[Seed], cases: usize| {
                downstream(&view, cases as u32, &stored.seeds(seeds), &options, &run).unwrap()
            };
            let (one, many) = (trace(&seeds(|_| 0), 1), trace(&seeds(|at| at as u32), rows.len()));
            let mut by_seed: BTreeMap<(usize, AccountId, CurrencyId), i64> = BTreeMap::new();
            let found = all_paths(&stored, &one, &options);
            for path in 0..found.len() {
                let first = found.transaction[found.payments(path).start].0 as usize;
                let seed = rows.iter().position(|&row| row == first).unwrap();
                *by_seed.entry((seed, found.account[path], found.currency[path])).or_default() +=
                    found.amount[path];
            }
            let held = &many.holdings;
            let expected: BTreeMap<_, _> = (0..held.len())
                .map(|at| ((held.case[at] as usize, held.account[at], held.currency[at]), held.amount[at]))
                .collect();
            assert_eq!(by_seed, expected, "ledger {number}, {policy:?}");
            told_apart +=
                i32::from(expected.keys().map(|key| key.0).max() > expected.keys().map(|key| key.0).min());
        }
    }
    assert!(told_apart > 300, "only {told_apart} traces hold money of several seeds");
}
