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
use origins::{Target, origins};
use rayon::prelude::*;
use ringfence::ids::TxId;
use ringfence::store::manifest::Partition;
use ringfence::trace::{self as engine, Upstream, UpstreamOptions, upstream};
use ringfence::{Error, Run};
use std::collections::{BTreeMap, BTreeSet};
use store::Stored;
use trace::{Policy, Rules};

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
