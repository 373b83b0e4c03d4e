//! Upstream tracing against a slow oracle, and the laws that tie it to tracing downstream.
#![allow(clippy::unwrap_used)]

#[path = "oracle/ledgers.rs"]
mod ledgers;
#[path = "oracle/origins.rs"]
mod origins;
#[path = "oracle/store.rs"]
mod store;
#[path = "oracle/trace.rs"]
mod trace;

use ledgers::{Ledger, Random, random_ledger, random_rules};
use origins::{Target, beyond, origins};
use rayon::prelude::*;
use ringfence::ids::TxId;
use ringfence::store::manifest::Partition;
use ringfence::trace::{self as engine, Upstream, UpstreamOptions, upstream};
use ringfence::units::Window;
use ringfence::{Error, Run};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};
use store::Stored;
use trace::{Opening, Payment, Policy, Rules, Seed};

const NUM_LEDGERS: u64 = 1_000;

/// The ledger with its accounts numbered by first appearance, as a store does; without seeds.
fn numbered(mut ledger: Ledger) -> Ledger {
    let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
    for payment in &mut ledger.payments {
        for account in [&mut payment.source, &mut payment.destination] {
            let next = numbers.len() as u32;
            *account = *numbers.entry(*account).or_insert(next);
        }
    }
    Ledger { num_accounts: numbers.len() as u32, num_cases: 0, seeds: Vec::new(), ..ledger }
}

fn random_upstream_rules(ledger: &Ledger, random: &mut Random) -> Rules {
    let policy = [Policy::Fifo, Policy::Lifo, Policy::Haircut][random.below(3) as usize];
    let random = random_rules(ledger, random);
    Rules { policy, until: None, sinks: BTreeSet::new(), dust: 0, max_hops: None, ..random }
}

fn random_target(ledger: &Ledger, random: &mut Random) -> Target {
    let row = random.below(ledger.payments.len() as u64) as usize;
    let payment = &ledger.payments[row];
    if !payment.failed && payment.paid > 0 && !random.once_in(3) {
        return Target::Payment { row };
    }
    Target::Balance {
        account: payment.destination,
        currency: payment.received_currency,
        time: payment.time + random.below(4) as i64,
        amount: (!random.once_in(3)).then(|| 1 + random.below(payment.received as u64 + 1) as i64),
    }
}

fn engine_target(stored: &Stored, target: Target) -> engine::Target {
    match target {
        Target::Payment { row } => engine::Target::Transaction(TxId(row as u64)),
        Target::Balance { account, currency, time, amount } => {
            let (account, currency) = (stored.account(account), stored.currency(currency));
            engine::Target::Balance { account, currency, time, amount }
        }
    }
}

fn options(stored: &Stored, rules: &Rules, frontier: &BTreeSet<u32>) -> UpstreamOptions {
    let frontier = frontier.iter().map(|&account| stored.account(account).0).collect();
    UpstreamOptions { rules: stored.options(rules, true), origins: frontier, ..UpstreamOptions::default() }
}

/// Origins of the only target.
fn composition(found: &Upstream) -> BTreeMap<u32, i128> {
    let origins = &found.origins;
    let order = |at: usize| (origins.target[at], std::cmp::Reverse(origins.amount[at]), origins.account[at]);
    assert!((0..origins.len()).is_sorted_by_key(order));
    (0..origins.len()).map(|at| (origins.account[at].0, origins.amount[at].into())).collect()
}

/// What the oracle says, and how the engine differs from it, if it does.
fn compare(
    stored: &Stored,
    ledger: &Ledger,
    target: Target,
    frontier: &BTreeSet<u32>,
    rules: &Rules,
) -> (Option<BTreeMap<u32, i128>>, Option<String>) {
    let expected = origins(&ledger.payments, target, frontier, rules);
    let (asked, options) = (engine_target(stored, target), options(stored, rules, frontier));
    let found = upstream(&stored.graph.view(), &[asked], &options, &Run::new());
    let difference = match (found, &expected) {
        (Ok(found), Some(expected)) => {
            let found = composition(&found);
            (found != *expected).then(|| format!("engine {found:?}, oracle {expected:?}"))
        }
        (Err(Error::Input { input, .. }), None) if input == "targets[0]" => None,
        (found, expected) => Some(format!("engine {found:?}, oracle {expected:?}")),
    };
    (expected, difference)
}

/// Leaves out whatever payments are not needed for engine and oracle to differ.
fn smallest(mut ledger: Ledger, target: Target, frontier: &BTreeSet<u32>, rules: &Rules) -> String {
    let mut target = target;
    let differs = |ledger: &Ledger, target: Target| {
        let known = (0..ledger.num_accounts)
            .all(|account| ledger.payments.iter().any(|p| [p.source, p.destination].contains(&account)));
        let numbered = numbered(ledger.clone()).payments == ledger.payments;
        let named = match target {
            Target::Balance { account, .. } => account,
            Target::Payment { .. } => 0,
        };
        let stated = rules.balances.iter().map(|row| row.account);
        let named = frontier.iter().copied().chain(stated).chain([named]).max().unwrap_or_default();
        let stored = (known && numbered && named < ledger.num_accounts)
            .then(|| Stored::new(ledger, Partition::None))?;
        compare(&stored, ledger, target, frontier, rules).1
    };
    while let Some((less, then)) = (0..ledger.payments.len()).rev().find_map(|row| {
        let mut less = ledger.clone();
        less.payments.remove(row);
        less.num_accounts =
            less.payments.iter().map(|p| p.source.max(p.destination) + 1).max().unwrap_or_default();
        let then = match target {
            Target::Payment { row: asked } if asked == row => return None,
            Target::Payment { row: asked } => Target::Payment { row: asked - usize::from(asked > row) },
            balance => balance,
        };
        differs(&less, then).map(|_| (less, then))
    }) {
        (ledger, target) = (less, then);
    }
    format!("{:#?}\n{target:?}\n{:?}", ledger.payments, differs(&ledger, target))
}

#[test]
fn the_engine_finds_the_origins_that_the_oracle_finds() {
    let check = |seed: u64| {
        let (ledger, random) = (numbered(random_ledger(seed)), &mut Random(!seed));
        let stored =
            Stored::new(&ledger, if seed.is_multiple_of(2) { Partition::None } else { Partition::Month });
        let (mut seen, mut mixed, mut refused) = (0, 0, 0);
        for _ in 0..10 {
            let (rules, target) = (random_upstream_rules(&ledger, random), random_target(&ledger, random));
            let frontier = (0..ledger.num_accounts).filter(|_| random.once_in(6)).collect();
            let (expected, difference) = compare(&stored, &ledger, target, &frontier, &rules);
            if let Some(difference) = difference {
                let smallest = smallest(ledger, target, &frontier, &rules);
                panic!("ledger {seed}, frontier {frontier:?}, {rules:?}: {difference}; {smallest}");
            }
            match expected {
                None => refused += 1,
                Some(found) => (seen, mixed) = (seen + 1, mixed + usize::from(found.len() > 1)),
            }
        }
        (seen, mixed, refused)
    };
    let add = |a: (usize, usize, usize), b: (usize, usize, usize)| (a.0 + b.0, a.1 + b.1, a.2 + b.2);
    let (seen, mixed, refused) = (0..NUM_LEDGERS).into_par_iter().map(check).reduce(|| (0, 0, 0), add);
    println!("{seen} targets, {mixed} of several origins, {refused} refused");
    let each = NUM_LEDGERS as usize;
    assert!(seen > 6 * each && mixed > 2 * each && refused > each / 10 && refused < seen / 3);
}

#[test]
fn whoever_is_no_fewer_payments_away_than_the_hop_limit_is_an_origin() {
    let check = |seed: u64| {
        let (ledger, random) = (random_ledger(seed ^ 0x40b5), &mut Random(!seed));
        let ledger = if random.once_in(2) { ledger } else { in_a_row(ledger, random) };
        let ledger = numbered(ledger);
        let stored = Stored::new(&ledger, Partition::Month);
        let (mut cut, mut deep) = (0, 0);
        for _ in 0..10 {
            let (rules, target) = (random_upstream_rules(&ledger, random), random_target(&ledger, random));
            let frontier: BTreeSet<u32> = (0..ledger.num_accounts).filter(|_| random.once_in(9)).collect();
            let max_hops = 1 + random.below(4) as u32;
            let far = beyond(&ledger.payments, target, &frontier, max_hops, &rules);
            let ends = frontier.union(&far).copied().collect();
            let expected = origins(&ledger.payments, target, &ends, &rules);
            let options = UpstreamOptions { max_hops: Some(max_hops), ..options(&stored, &rules, &frontier) };
            let asked = engine_target(&stored, target);
            let found = upstream(&stored.graph.view(), &[asked], &options, &Run::new());
            let Some(expected) = expected else {
                assert!(found.is_err(), "ledger {seed}, {target:?}, {rules:?}: only the oracle refuses");
                continue;
            };
            let found = composition(&found.unwrap());
            assert_eq!(
                found, expected,
                "ledger {seed}, {target:?}, {max_hops} hops, {frontier:?} and {far:?}, {rules:?}, {:#?}",
                ledger.payments
            );
            let without = origins(&ledger.payments, target, &frontier, &rules).unwrap();
            cut += usize::from(without != expected);
            deep += usize::from(without != expected && max_hops > 1);
        }
        (cut, deep)
    };
    let add = |a: (usize, usize), b: (usize, usize)| (a.0 + b.0, a.1 + b.1);
    let (cut, deep) = (0..NUM_LEDGERS).into_par_iter().map(check).reduce(|| (0, 0), add);
    println!("{cut} targets whose origins depend on the limit, {deep} on one of 2 or more");
    assert!(cut > NUM_LEDGERS as usize / 2 && deep > NUM_LEDGERS as usize / 8);
}

#[test]
fn nothing_is_looked_for_outside_of_the_view() {
    let check = |seed: u64| {
        let (ledger, random) = (numbered(random_ledger(seed ^ 0x100c)), &mut Random(!seed));
        let partition = if seed.is_multiple_of(2) { Partition::None } else { Partition::Month };
        let stored = Stored::new(&ledger, partition);
        let last = ledger.payments.last().unwrap().time;
        let from = random.below(last as u64 / 2 + 1) as i64;
        let window = Window { from, to: from + 1 + random.below((last - from) as u64 + 2) as i64 };
        let some = random.once_in(2);
        let among: BTreeSet<u32> = (0..ledger.num_accounts).filter(|_| !some || !random.once_in(4)).collect();
        let inside = |row: &usize| {
            let payment = &ledger.payments[*row];
            let ends = [payment.source, payment.destination];
            window.contains(payment.time) && ends.iter().all(|end| among.contains(end))
        };
        let places: Vec<usize> = (0..ledger.payments.len()).filter(inside).collect();
        let part: Vec<Payment> = places.iter().map(|&row| ledger.payments[row]).collect();
        let accounts: RoaringBitmap = among.iter().map(|&account| stored.account(account).0).collect();
        let view = stored.graph.window(window).unwrap().among(accounts);
        let mut shown = 0;
        for _ in 0..8 {
            let (rules, target) = (random_upstream_rules(&ledger, random), random_target(&ledger, random));
            // Openings are worth what they are at the first payment in the window, whoever made it.
            let rules = Rules { rates: rules.rates.filter(|_| rules.opening != Opening::Given), ..rules };
            let there = match target {
                Target::Payment { row } => inside(&row),
                Target::Balance { account, time, .. } => among.contains(&account) && window.contains(time),
            };
            let max_hops = random.once_in(2).then(|| 1 + random.below(3) as u32);
            let options = UpstreamOptions { max_hops, ..options(&stored, &rules, &BTreeSet::new()) };
            let found = upstream(&view, &[engine_target(&stored, target)], &options, &Run::new());
            if !there {
                assert!(found.is_err(), "ledger {seed}, {target:?} is not in the view");
                continue;
            }
            let local = match target {
                Target::Payment { row } => {
                    Target::Payment { row: places.iter().position(|&place| place == row).unwrap() }
                }
                balance => balance,
            };
            let far = max_hops.map(|most| beyond(&part, local, &BTreeSet::new(), most, &rules));
            let expected = origins(&part, local, &far.unwrap_or_default(), &rules);
            let found = found.ok().map(|found| composition(&found));
            assert_eq!(found, expected, "ledger {seed}, {target:?}, {window:?}, {among:?}, {rules:?}");
            let whole = origins(&ledger.payments, target, &BTreeSet::new(), &rules);
            shown += usize::from(expected.is_some() && whole != expected);
        }
        shown
    };
    let shown: usize = (0..NUM_LEDGERS).into_par_iter().map(check).sum();
    println!("{shown} targets whose origins depend on the view");
    assert!(shown > NUM_LEDGERS as usize / 2);
}

/// The payments of a ledger among more accounts, each to one of the next two: money has far to go.
fn in_a_row(mut ledger: Ledger, random: &mut Random) -> Ledger {
    for payment in &mut ledger.payments {
        payment.source = random.below(9) as u32;
        payment.destination = (payment.source + 1 + random.below(2) as u32) % 9;
    }
    Ledger { num_accounts: 9, ..ledger }
}

/// Fewest payments by which money could come from an account to `holder`, whenever they are.
fn distances(payments: &[Payment], holder: u32) -> BTreeMap<u32, u32> {
    let mut distances = BTreeMap::from([(holder, 0)]);
    for distance in 1..=payments.len() as u32 {
        for payment in payments {
            if distances.get(&payment.destination) == Some(&(distance - 1)) {
                distances.entry(payment.source).or_insert(distance);
            }
        }
    }
    distances
}

#[test]
fn paths_lead_from_each_origin_to_the_target_and_sum_to_what_came_from_it() {
    let check = |seed: u64| {
        let (ledger, random) = (numbered(random_ledger(seed ^ 0x0b5e)), &mut Random(!seed));
        let stored = Stored::new(&ledger, Partition::None);
        let mut longest = 0;
        for _ in 0..6 {
            let (rules, target) = (random_upstream_rules(&ledger, random), random_target(&ledger, random));
            let frontier = (0..ledger.num_accounts).filter(|_| random.once_in(6)).collect();
            let max_hops = random.once_in(2).then(|| 1 + random.below(4) as u32);
            let options = UpstreamOptions { max_hops, ..options(&stored, &rules, &frontier) };
            let asked = engine_target(&stored, target);
            let Ok(found) = upstream(&stored.graph.view(), &[asked], &options, &Run::new()) else { continue };
            let (holder, last, asked) = match target {
                Target::Payment { row } => {
                    let payment = &ledger.payments[row];
                    let rates = rules.rates.as_ref();
                    let value = rates.map(|r| r.value_at(payment.paid, payment.paid_currency, payment.time));
                    (payment.source, row, Some(value.unwrap_or(payment.paid)))
                }
                Target::Balance { account, .. } => (account, ledger.payments.len(), None),
            };
            let distances = distances(&ledger.payments[..last], holder);
            let composition = composition(&found);
            assert!(asked.is_none_or(|asked| composition.values().sum::<i128>() == i128::from(asked)));
            let (mut sums, mut carried) = (BTreeMap::new(), BTreeMap::new());
            let paths = &found.paths;
            for path in 0..paths.len() {
                let rows = paths.payments(path);
                longest = longest.max(rows.len());
                *sums.entry(paths.account[path].0).or_default() += i128::from(paths.amount[path]);
                // From the origin to the target, one payment after the other.
                let (mut place, mut before) = (paths.account[path].0, None);
                for at in rows.clone() {
                    let row = paths.transaction[at].0 as usize;
                    assert!(before < Some(row) && row < last, "ledger {seed}: {row} after {before:?}");
                    assert_eq!(ledger.payments[row].source, place, "ledger {seed}: a path that jumps");
                    (place, before) = (ledger.payments[row].destination, Some(row));
                    // What an account beyond the limit pays is its own, and nothing came before it on the path.
                    let nearer = max_hops.is_none_or(|most| distances[&place] < most);
                    assert!(nearer, "ledger {seed}: {place} is {} payments away", distances[&place]);
                    let sum: &mut (i64, i64) = carried.entry(row as u64).or_default();
                    *sum = (sum.0 + paths.paid[at], sum.1 + paths.received[at]);
                }
                assert_eq!(place, holder, "ledger {seed}: a path that ends elsewhere");
                let arrived = rows.last().map_or(paths.amount[path], |at| paths.received[at]);
                assert_eq!(arrived, paths.amount[path], "ledger {seed}");
            }
            assert_eq!(sums, composition, "ledger {seed}, {target:?}, {rules:?}");
            let flows = &found.flows;
            let of_flow =
                |at: usize| (flows.transaction[at].0, (flows.tainted_paid[at], flows.tainted_received[at]));
            let flows: BTreeMap<u64, (i64, i64)> = (0..flows.len()).map(of_flow).collect();
            assert_eq!(flows, carried, "ledger {seed}");
        }
        longest
    };
    let longest = (0..NUM_LEDGERS).into_par_iter().map(check).max().unwrap();
    assert!(longest >= 6, "the longest path has {longest} payments");
}

#[test]
fn what_reaches_a_payment_downstream_is_what_it_comes_from_upstream() {
    let check = |seed: u64| {
        let (mut ledger, random) = (numbered(random_ledger(seed ^ 0xad01)), &mut Random(!seed));
        for payment in &mut ledger.payments {
            // A payment of nothing has an owner upstream and none downstream.
            payment.received = if payment.paid == 0 { 0 } else { payment.received };
        }
        let origin = random.below(u64::from(ledger.num_accounts)) as u32;
        let paid = |row: &usize| {
            let payment = &ledger.payments[*row];
            payment.source == origin && !payment.failed && payment.received > 0
        };
        let rows: Vec<usize> = (0..ledger.payments.len()).filter(paid).collect();
        let seed_of = |row: &usize| Seed::Transaction { case: 0, row: *row, amount: None };
        let ledger = Ledger { num_cases: 1, seeds: rows.iter().map(seed_of).collect(), ..ledger };
        let stored = Stored::new(&ledger, Partition::None);
        let mut shown = 0;
        for policy in [Policy::Fifo, Policy::Lifo, Policy::Haircut] {
            let opening = if random.once_in(2) { Opening::Minimal } else { Opening::JustInTime };
            let rules = Rules { policy, opening, strict: random.once_in(2), ..Rules::default() };
            let trace = stored.trace(&stored.graph.view(), &ledger, &rules, true).unwrap();
            let mut found: BTreeMap<usize, i128> = BTreeMap::new();
            for at in 0..trace.flows.len() {
                found.insert(trace.flows.transaction[at].0 as usize, trace.flows.tainted_paid[at].into());
            }
            let is_asked = |row: &usize| {
                let payment = &ledger.payments[*row];
                !payment.failed && payment.paid > 0 && payment.source != origin
            };
            let asked: Vec<usize> = (0..ledger.payments.len()).filter(is_asked).collect();
            let targets: Vec<_> =
                asked.iter().map(|&row| engine::Target::Transaction(TxId(row as u64))).collect();
            let options = options(&stored, &rules, &BTreeSet::from([origin]));
            let origins = upstream(&stored.graph.view(), &targets, &options, &Run::new()).unwrap().origins;
            let mut share = vec![0i128; asked.len()];
            for at in (0..origins.len()).filter(|&at| origins.account[at].0 == origin) {
                share[origins.target[at] as usize] = origins.amount[at].into();
            }
            for (&row, upstream) in asked.iter().zip(share) {
                let downstream = found.get(&row).copied().unwrap_or_default();
                if policy != Policy::Haircut {
                    assert_eq!(downstream, upstream, "ledger {seed}, {rules:?}, row {row}, origin {origin}");
                } else if !ledger.payments.iter().any(|p| p.received != p.paid) {
                    // A unit a payment, for each owner that the upstream pools know and the downstream do not.
                    let most = (row as i128 + 1) * i128::from(ledger.num_accounts);
                    assert!((downstream - upstream).abs() <= most, "ledger {seed}, row {row}");
                }
                shown += usize::from(downstream > 0);
            }
        }
        shown
    };
    let shown: usize = (0..NUM_LEDGERS).into_par_iter().map(check).sum();
    assert!(shown > 3 * NUM_LEDGERS as usize, "only {shown} payments share an origin");
}
