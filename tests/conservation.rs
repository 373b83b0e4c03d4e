//! Tracing loses nothing and invents nothing: the engine against a slow oracle, and the laws of `docs/tracing.md`.
#![allow(clippy::unwrap_used)]

#[path = "oracle/ledgers.rs"]
mod ledgers;
#[path = "oracle/store.rs"]
mod store;
#[path = "oracle/trace.rs"]
mod trace;

use ledgers::{Ledger, Random};
use ringfence::store::manifest::Partition;
use store::Stored;
use trace::{Answer, Rules, Seed};

/// What the oracle says of all cases together, or of each as if it were alone.
fn expected(ledger: &Ledger, rules: &Rules, joint: bool) -> Answer {
    if joint {
        return trace::trace(&ledger.payments, &ledger.seeds, rules);
    }
    let mut all = Answer::default();
    for case in 0..ledger.num_cases {
        let seeds: Vec<Seed> = ledger.seeds.iter().filter(|seed| seed.case() == case).copied().collect();
        let alone = trace::trace(&ledger.payments, &seeds, rules);
        all.flows.extend(alone.flows);
        all.holdings.extend(alone.holdings);
        all.sinks.extend(alone.sinks);
        all.ledger.extend(alone.ledger);
        all.until.extend(alone.until);
    }
    all
}

/// Both policies, both openings, both treatments of ties, with and without stops.
fn all_rules(ledger: &Ledger, random: &mut Random) -> Vec<Rules> {
    let mut all = Vec::new();
    for (haircut, minimal) in [(false, false), (false, true), (true, false), (true, true)] {
        let plain = Rules { haircut, minimal, ..Rules::default() };
        let latest_seed = ledger.seeds.iter().map(|seed| match *seed {
            Seed::Transaction { row, .. } => ledger.payments[row].time,
            Seed::Deposit { time, .. } => time,
        });
        let latest_seed = latest_seed.max().unwrap_or_default();
        let last = ledger.payments.last().map_or(0, |payment| payment.time).max(latest_seed);
        let until = latest_seed + random.below((last - latest_seed) as u64 + 1) as i64;
        let sinks = (0..ledger.num_accounts).filter(|_| random.once_in(4)).collect();
        let strict = random.once_in(2);
        all.push(Rules { until: Some(until), strict, ..plain.clone() });
        all.push(Rules { strict: true, ..plain.clone() });
        all.push(Rules { sinks, ..plain.clone() });
        all.push(plain);
    }
    all
}

const NUM_LEDGERS: u64 = 1_500;

#[test]
fn the_engine_finds_what_the_oracle_finds() {
    let (mut flows, mut hops, mut stopped, mut superseded) = (0, 0, 0, 0);
    for seed in 0..NUM_LEDGERS {
        let ledger = ledgers::random_ledger(seed);
        let partition = if seed % 3 == 0 { Partition::None } else { Partition::Month };
        let stored = Stored::new(&ledger, partition);
        for rules in all_rules(&ledger, &mut Random(seed)) {
            for joint in [true, false] {
                let found = stored.trace(&stored.graph.view(), &ledger, &rules, joint);
                let found = found.unwrap_or_else(|error| panic!("ledger {seed}, {rules:?}: {error}"));
                let (found, expected) = (stored.answer(&found), expected(&ledger, &rules, joint));
                assert_eq!(found, expected, "ledger {seed}, {rules:?}, joint {joint}: {ledger:#?}");
                flows += found.flows.len();
                hops = hops.max(found.flows.iter().map(|flow| flow.4).max().unwrap_or_default());
                stopped += found.sinks.len() + found.until.len();
                superseded += found.ledger.values().filter(|row| row.superseded > 0).count();
            }
        }
    }
    // The ledgers are only worth something if much happens in them.
    println!("{NUM_LEDGERS} ledgers: {flows} flows, {hops} hops, {stopped} stops, {superseded} superseded");
    assert!(flows > 100_000 && hops >= 8 && stopped > 10_000 && superseded > 1_000);
}

#[test]
fn ledgers_drawn_by_hand_come_out_as_drawn() {
    let drawn = ledgers::drawn_by_hand(&["fifo", "haircut"]);
    assert!(drawn.len() >= 15, "only {} ledgers found", drawn.len());
    for (folder, case) in drawn {
        let rules = trace::Rules { haircut: case.haircut, minimal: case.minimal, ..Default::default() };
        let answer = trace::trace(&case.ledger.payments, &case.ledger.seeds, &rules);
        assert_eq!(answer.flows, case.flows, "flows of {folder}");
        let mut held: Vec<_> = answer.holdings.iter().map(|(&(c, a, u), held)| (c, a, u, held.0)).collect();
        held.sort_by_key(|&(c, a, u, amount)| (c, -amount, case.accounts[a as usize].clone(), u));
        assert_eq!(held, case.holdings, "holdings of {folder}");
        let stored = Stored::new(&case.ledger, Partition::Month);
        let found = stored.trace(&stored.graph.view(), &case.ledger, &rules, true).unwrap();
        assert_eq!(stored.answer(&found), answer, "{folder}");
    }
}
