//! Laws of tracing that hold whatever the ledger: what may change nothing, and what must add up.
#![allow(clippy::unwrap_used)]

#[path = "oracle/ledgers.rs"]
mod ledgers;
#[path = "oracle/store.rs"]
mod store;
#[path = "oracle/trace.rs"]
mod trace;

use ledgers::{Ledger, Random, random_ledger};
use rayon::prelude::*;
use ringfence::Run;
use ringfence::store::manifest::Partition;
use ringfence::trace::{Trace, downstream};
use ringfence::units::Window;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use store::Stored;
use trace::{Answer, Flow, Opening, Payment, Policy, Rules, Seed};

const NUM_LEDGERS: u64 = 300;

/// Policies, openings and treatments of ties.
fn policies() -> [Rules; 6] {
    [
        rules(Policy::Fifo, false, false),
        rules(Policy::Fifo, true, false),
        rules(Policy::Haircut, false, false),
        rules(Policy::Haircut, true, false),
        rules(Policy::Fifo, true, true),
        rules(Policy::Haircut, false, true),
    ]
}

fn rules(policy: Policy, minimal: bool, strict: bool) -> Rules {
    let opening = if minimal { Opening::Minimal } else { Opening::JustInTime };
    Rules { policy, opening, strict, ..Rules::default() }
}

/// What the engine finds in a ledger.
fn answer(ledger: &Ledger, rules: &Rules) -> Answer {
    let stored = Stored::new(ledger, Partition::None);
    let trace = stored.trace(&stored.graph.view(), ledger, rules, true).unwrap();
    stored.answer(&trace)
}

/// Runs `check` on many ledgers; at least a quarter must have shown something.
fn on_many_ledgers(name: &str, check: impl Fn(u64, Ledger) -> bool + Sync) {
    let check = |&seed: &u64| check(seed, random_ledger(seed ^ 0x7ace));
    let shown = (0..NUM_LEDGERS).into_par_iter().filter(check).count() as u64;
    println!("{name}: {shown} of {NUM_LEDGERS} ledgers");
    assert!(shown >= NUM_LEDGERS / 4, "{name}: only {shown} ledgers have anything to show");
}

#[test]
fn no_more_leaves_an_account_than_came_before_and_the_rest_is_held() {
    on_many_ledgers("flows in time", |seed, ledger| {
        let mut flows_seen = 0;
        for rules in &policies() {
            let answer = answer(&ledger, rules);
            let mut held: BTreeMap<(u32, u32, u16), i128> = BTreeMap::new();
            let mut by_row = answer.flows.clone();
            by_row.sort_by_key(|flow| flow.1);
            let mut deposits: Vec<(i64, (u32, u32, u16), i64)> = ledger
                .seeds
                .iter()
                .filter_map(|seed| match *seed {
                    Seed::Deposit { case, account, currency, time, amount } => {
                        Some((time, (case, account, currency), amount))
                    }
                    _ => None,
                })
                .collect();
            for (case, row, paid, received, hop) in by_row {
                let payment = &ledger.payments[row];
                deposits.retain(|&(time, place, amount)| {
                    let due = time < payment.time;
                    if due {
                        *held.entry(place).or_default() += i128::from(amount);
                    }
                    !due
                });
                assert!(0 <= paid && paid <= payment.paid.into(), "ledger {seed}, row {row}");
                assert!(0 <= received && received <= payment.received.into(), "ledger {seed}, row {row}");
                assert_eq!(hop == 0, paid == 0, "ledger {seed}, row {row}: only a seed pays nothing");
                let source = held.entry((case, payment.source, payment.paid_currency)).or_default();
                *source -= paid;
                assert!(*source >= 0, "ledger {seed}, {rules:?}: row {row} pays what never came");
                *held.entry((case, payment.destination, payment.received_currency)).or_default() += received;
                flows_seen += 1;
            }
            deposits
                .iter()
                .for_each(|&(_, place, amount)| *held.entry(place).or_default() += i128::from(amount));
            // What a seed transaction superseded left its source without a flow.
            let superseded: i128 = answer.ledger.values().map(|row| row.superseded).sum();
            let found: i128 = answer.holdings.values().map(|held| held.0).sum();
            assert_eq!(held.values().sum::<i128>() - superseded, found, "ledger {seed}, {rules:?}");
            if superseded == 0 {
                held.retain(|_, amount| *amount > 0);
                let found: BTreeMap<_, _> =
                    answer.holdings.iter().map(|(&place, held)| (place, held.0)).collect();
                assert_eq!(held, found, "ledger {seed}, {rules:?}");
            }
        }
        flows_seen > 12
    });
}

#[test]
fn fifo_adds_up_over_cases() {
    on_many_ledgers("additivity", |seed, mut ledger| {
        // One case a transaction: what two cases share, or bring in from outside, each alone would find otherwise.
        let mut rows = std::collections::BTreeSet::new();
        ledger.seeds.retain(|seed| matches!(*seed, Seed::Transaction { row, .. } if rows.insert(row)));
        for (minimal, strict) in [(false, false), (true, false), (false, true)] {
            let joint = answer(&ledger, &rules(Policy::Fifo, minimal, strict));
            if joint.ledger.values().any(|row| row.superseded > 0) || ledger.seeds.len() < 2 {
                return false;
            }
            let mut sum = Answer::default();
            for case in 0..ledger.num_cases {
                let seeds = ledger.seeds.iter().filter(|seed| seed.case() == case).copied().collect();
                let alone =
                    answer(&Ledger { seeds, ..ledger.clone() }, &rules(Policy::Fifo, minimal, strict));
                sum.flows.extend(alone.flows);
                sum.holdings.extend(alone.holdings);
                sum.ledger.extend(alone.ledger);
            }
            assert_eq!(joint, sum, "ledger {seed}");
        }
        true
    });
}

/// The row with its amount cut into parts, which follow one another.
fn split(payment: &Payment, random: &mut Random) -> Vec<Payment> {
    let mut parts = Vec::new();
    let mut left = payment.paid;
    for _ in 0..random.below(4) {
        let part = random.below(left as u64 + 1) as i64;
        left -= part;
        parts.push(Payment { paid: part, received: part, ..*payment });
    }
    parts.push(Payment { paid: left, received: left, ..*payment });
    parts
}

#[test]
fn splitting_a_payment_into_consecutive_parts_changes_nothing_for_fifo() {
    on_many_ledgers("splitting", |seed, ledger| {
        let random = &mut Random(seed);
        let seeded = |row: usize| {
            ledger
                .seeds
                .iter()
                .any(|seed| matches!(*seed, Seed::Transaction { row: other, .. } if other == row))
        };
        let mut payments = Vec::new();
        let mut origins = Vec::new();
        for (row, payment) in ledger.payments.iter().enumerate() {
            // Scaling rounds by payment, a self-transfer draws before it deposits, and a seed names one row.
            let whole =
                payment.paid != payment.received || payment.source == payment.destination || seeded(row);
            let parts = if whole { vec![*payment] } else { split(payment, random) };
            origins.extend(std::iter::repeat_n(row, parts.len()));
            payments.extend(parts);
        }
        let place = |row: usize| origins.iter().position(|&origin| origin == row).unwrap();
        let seeds = ledger.seeds.iter().map(|seed| match *seed {
            Seed::Transaction { case, row, amount } => Seed::Transaction { case, row: place(row), amount },
            deposit => deposit,
        });
        let in_parts = Ledger { payments, seeds: seeds.collect(), ..ledger.clone() };
        for (minimal, strict) in [(false, false), (true, false), (false, true)] {
            let whole = answer(&ledger, &rules(Policy::Fifo, minimal, strict));
            let mut parts = answer(&in_parts, &rules(Policy::Fifo, minimal, strict));
            let mut sums: BTreeMap<(u32, usize), (i128, i128, u32)> = BTreeMap::new();
            for (case, row, paid, received, hop) in parts.flows {
                let sum = sums.entry((case, origins[row])).or_insert((0, 0, hop));
                *sum = (sum.0 + paid, sum.1 + received, sum.2.min(hop));
            }
            parts.flows = sums
                .into_iter()
                .map(|((case, row), (p, r, hop))| -> Flow { (case, row, p, r, hop) })
                .collect();
            assert_eq!(parts, whole, "ledger {seed}");
        }
        origins.len() > ledger.payments.len()
    });
}

#[test]
fn permuting_rows_of_different_times_changes_nothing() {
    on_many_ledgers("permutation", |seed, ledger| {
        let random = &mut Random(seed);
        // Rows of one time keep their order: a random time order of the distinct times.
        let mut order: BTreeMap<i64, u64> = BTreeMap::new();
        for payment in &ledger.payments {
            order.entry(payment.time).or_insert_with(|| random.next());
        }
        let mut permuted = ledger.clone();
        permuted.payments.sort_by_key(|payment| order[&payment.time]);
        let moved = permuted.payments != ledger.payments;
        let (given, shuffled) =
            (Stored::new(&ledger, Partition::Month), Stored::new(&permuted, Partition::Week));
        for rules in &policies() {
            // Seeds name positions, which are those of the canonical order in both stores.
            let trace = |stored: &Stored| {
                stored.answer(&stored.trace(&stored.graph.view(), &ledger, rules, true).unwrap())
            };
            assert_eq!(trace(&given), trace(&shuffled), "ledger {seed}, {rules:?}");
        }
        moved
    });
}

#[test]
fn a_trace_until_some_moment_is_the_beginning_of_the_whole_trace() {
    on_many_ledgers("until", |seed, ledger| {
        let mut cut = false;
        let stored = Stored::new(&ledger, Partition::Month);
        let until = ledger.seeds.iter().map(|seed| match *seed {
            Seed::Transaction { row, .. } => ledger.payments[row].time,
            Seed::Deposit { time, .. } | Seed::Balance { time, .. } => time,
        });
        let Some(until) = until.max() else { return false };
        for rules in &policies() {
            let trace = |rules: &Rules| {
                stored.answer(&stored.trace(&stored.graph.view(), &ledger, rules, true).unwrap()).flows
            };
            let (mut whole, begun) = (trace(rules), trace(&Rules { until: Some(until), ..rules.clone() }));
            let before = whole.len();
            whole.retain(|flow| ledger.payments[flow.1].time <= until);
            cut |= whole.len() < before;
            assert_eq!(begun, whole, "ledger {seed}, {rules:?}");
        }
        cut
    });
}

#[test]
fn a_view_is_traced_as_if_nothing_else_were() {
    on_many_ledgers("views", |seed, ledger| {
        let random = &mut Random(seed);
        let stored = Stored::new(&ledger, if seed % 2 == 0 { Partition::Month } else { Partition::None });
        let last = ledger.payments.last().unwrap().time;
        let from = random.below(last as u64 / 2 + 1) as i64;
        let window = Window { from, to: from + random.below((last - from) as u64 + 2) as i64 };
        let known =
            |account: u32| ledger.payments.iter().any(|p| p.source == account || p.destination == account);
        let mut among = vec![true; ledger.num_accounts as usize];
        if random.once_in(2) {
            among.iter_mut().for_each(|inside| *inside = !random.once_in(4));
        }
        let inside = |payment: &Payment| {
            window.contains(payment.time)
                && among[payment.source as usize]
                && among[payment.destination as usize]
        };
        let places: Vec<usize> =
            (0..ledger.payments.len()).filter(|&row| inside(&ledger.payments[row])).collect();
        let local = |row: usize| places.iter().position(|&place| place == row);
        let mut seeds_there = ledger.seeds.clone();
        seeds_there.retain(|seed| match *seed {
            Seed::Transaction { row, .. } => local(row).is_some(),
            Seed::Deposit { account, time, .. } | Seed::Balance { account, time, .. } => {
                window.contains(time) && among[account as usize]
            }
        });
        let part = Ledger {
            payments: places.iter().map(|&row| ledger.payments[row]).collect(),
            seeds: seeds_there
                .iter()
                .map(|seed| match *seed {
                    Seed::Transaction { case, row, amount } => {
                        Seed::Transaction { case, row: local(row).unwrap(), amount }
                    }
                    deposit => deposit,
                })
                .collect(),
            ..ledger.clone()
        };
        let accounts: RoaringBitmap = (0..ledger.num_accounts)
            .filter(|&account| known(account) && among[account as usize])
            .map(|account| stored.account(account).0)
            .collect();
        let view = stored.graph.window(window).unwrap().among(accounts);
        let whole = Ledger { seeds: seeds_there, ..ledger.clone() };
        for rules in &policies() {
            let found = stored.answer(&stored.trace(&view, &whole, rules, true).unwrap());
            let mut expected = trace::trace(&part.payments, &part.seeds, rules);
            expected.flows.iter_mut().for_each(|flow| flow.1 = places[flow.1]);
            assert_eq!(found, expected, "ledger {seed}, {rules:?}");
        }
        !whole.seeds.is_empty() && places.len() < ledger.payments.len()
    });
}

#[test]
fn the_same_bytes_come_out_for_any_number_of_threads() {
    on_many_ledgers("threads", |seed, mut ledger| {
        // Many cases, so that threads have something to share out.
        let random = &mut Random(seed);
        let rows: Vec<usize> = (0..ledger.payments.len())
            .filter(|&row| {
                let payment = &ledger.payments[row];
                !payment.failed && payment.received > 0
            })
            .collect();
        ledger.num_cases = 64;
        for case in 0..ledger.num_cases {
            if let Some(&row) = rows.get(random.below(rows.len().max(1) as u64) as usize) {
                ledger.seeds.push(Seed::Transaction { case, row, amount: Some(1) });
            }
        }
        ledger.seeds.retain(|seed| matches!(seed, Seed::Transaction { amount: Some(1), .. }));
        ledger.seeds.dedup_by_key(|seed| seed.case());
        let stored = Stored::new(&ledger, Partition::Month);
        let (view, seeds) = (stored.graph.view(), stored.seeds(&ledger.seeds));
        for rules in &policies() {
            let options = stored.options(rules, false);
            let trace = |threads: usize| -> Trace {
                let run = Run::new().threads(threads).unwrap();
                downstream(&view, ledger.num_cases, &seeds, &options, &run).unwrap()
            };
            let one = trace(1);
            for threads in [2, 8] {
                assert_eq!(trace(threads), one, "ledger {seed}, {rules:?}, {threads} threads");
            }
        }
        ledger.seeds.len() > 8
    });
}
