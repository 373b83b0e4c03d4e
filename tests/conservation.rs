//! Tracing loses nothing and invents nothing: the engine against a slow oracle, and the laws of `docs/tracing.md`.
#![allow(clippy::unwrap_used)]

#[path = "oracle/ledgers.rs"]
mod ledgers;
#[path = "oracle/store.rs"]
mod store;
#[path = "oracle/trace.rs"]
mod trace;

use ledgers::{Ledger, Random, add_balance_seeds, random_rules};
use rayon::prelude::*;
use ringfence::store::manifest::Partition;
use std::ops::AddAssign;
use store::Stored;
use trace::{Answer, Opening, Policy, Refused, Rules, Seed, Stop};

/// What the oracle says of all cases together, or of each as if it were alone.
fn expected(ledger: &Ledger, rules: &Rules, joint: bool) -> Result<Answer, Refused> {
    if joint {
        return trace::try_trace(&ledger.payments, &ledger.seeds, rules);
    }
    let mut all = Answer::default();
    for case in 0..ledger.num_cases {
        let own = |at: &usize| ledger.seeds[*at].case() == case;
        let places: Vec<usize> = (0..ledger.seeds.len()).filter(own).collect();
        let seeds: Vec<Seed> = places.iter().map(|&at| ledger.seeds[at]).collect();
        let alone = trace::try_trace(&ledger.payments, &seeds, rules);
        let alone = alone.map_err(|refused| Refused(places[refused.0]))?;
        all.flows.extend(alone.flows);
        all.holdings.extend(alone.holdings);
        all.sinks.extend(alone.sinks);
        all.ledger.extend(alone.ledger);
        all.stops.extend(alone.stops);
    }
    Ok(all)
}

/// seeded + converted in = held + at sinks + dust + superseded + converted out + fees, and the parts are what they say.
fn the_books_balance(answer: &Answer) {
    let (mut held, mut stuck) = (answer.ledger.clone(), answer.ledger.clone());
    held.values_mut().for_each(|row| row.held = 0);
    stuck.values_mut().for_each(|row| row.at_sinks = 0);
    for (&(case, _, currency), found) in &answer.holdings {
        held.get_mut(&(case, currency)).unwrap().held += found.0;
    }
    for (&(case, _, currency, _), found) in &answer.sinks {
        stuck.get_mut(&(case, currency)).unwrap().at_sinks += found.0;
    }
    assert_eq!((&held, &stuck), (&answer.ledger, &answer.ledger));
    for (place, row) in &answer.ledger {
        let found = row.held + row.at_sinks + row.dust + row.superseded + row.converted_out + row.fees;
        assert_eq!(row.seeded + row.converted_in, found, "{place:?}: {row:?}");
    }
}

/// How much there was to see.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    traces: usize,
    refused: usize,
    flows: usize,
    hops: u32,
    /// By policy.
    policies: [usize; 5],
    given: usize,
    values: usize,
    /// Rows, by kind of stop.
    stops: [usize; 5],
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Seen) {
        self.traces += other.traces;
        self.refused += other.refused;
        self.flows += other.flows;
        self.hops = self.hops.max(other.hops);
        self.given += other.given;
        self.values += other.values;
        (0..5).for_each(|at| self.policies[at] += other.policies[at]);
        (0..5).for_each(|at| self.stops[at] += other.stops[at]);
    }
}

impl Seen {
    fn of(rules: &Rules, answer: &Answer) -> Seen {
        let mut seen = Seen { traces: 1, flows: answer.flows.len(), ..Seen::default() };
        seen.hops = answer.flows.iter().map(|flow| flow.4).max().unwrap_or_default();
        seen.policies[Policy::ALL.iter().position(|policy| *policy == rules.policy).unwrap()] = 1;
        seen.given = usize::from(rules.opening == Opening::Given);
        seen.values = usize::from(rules.rates.is_some());
        for (_, _, stop) in answer.stops.keys() {
            let kinds = [Stop::Sink, Stop::Until, Stop::Dust, Stop::MaxHops, Stop::Superseded];
            seen.stops[kinds.iter().position(|kind| kind == stop).unwrap()] += 1;
        }
        seen
    }
}

/// Compares engine and oracle on one ledger under some rules.
fn compare(seed: u64) -> Seen {
    let (mut ledger, random) = (ledgers::random_ledger(seed), &mut Random(!seed));
    if random.once_in(2) {
        add_balance_seeds(&mut ledger, random);
    }
    let partition = if seed.is_multiple_of(3) { Partition::None } else { Partition::Month };
    let stored = Stored::new(&ledger, partition);
    let mut seen = Seen::default();
    for _ in 0..RULES_PER_LEDGER {
        let rules = random_rules(&ledger, random);
        for joint in [true, false] {
            let expected = expected(&ledger, &rules, joint);
            if let Ok(expected) = &expected {
                the_books_balance(expected);
                seen += Seen::of(&rules, expected);
            } else {
                seen.refused += 1;
            }
            if !Stored::can_trace(&ledger, &rules) {
                continue;
            }
            let found = stored.trace(&stored.graph.view(), &ledger, &rules, joint);
            let found = found.unwrap_or_else(|error| panic!("ledger {seed}, {rules:?}: {error}"));
            let found = stored.answer(&found);
            assert_eq!(Ok(found), expected, "ledger {seed}, {rules:?}, joint {joint}: {ledger:#?}");
        }
    }
    seen
}

/// Ledgers of a run: about 20 s on one core; `RINGFENCE_LEDGERS` asks for another number.
const NUM_LEDGERS: u64 = 1_500;
const RULES_PER_LEDGER: u64 = 12;

#[test]
#[allow(clippy::disallowed_methods)] // A test program is a door.
fn the_engine_finds_what_the_oracle_finds() {
    let asked = std::env::var("RINGFENCE_LEDGERS").ok();
    let num_ledgers = asked.map_or(NUM_LEDGERS, |number| number.parse().unwrap());
    let seen = (0..num_ledgers).into_par_iter().map(compare).reduce(Seen::default, |mut all, one| {
        all += one;
        all
    });
    println!("{num_ledgers} ledgers: {seen:?}");
    // The ledgers are only worth something if much happens in them.
    let each = num_ledgers as usize;
    assert!(seen.flows > 50 * each && seen.hops >= 8 && seen.refused < seen.traces / 20, "{seen:?}");
    assert!(seen.policies.iter().all(|&traces| traces > each), "{seen:?}");
    assert!(
        seen.given > each && seen.values > each && seen.stops.iter().all(|&rows| rows > each / 2),
        "{seen:?}"
    );
}

#[test]
fn ledgers_drawn_by_hand_come_out_as_drawn() {
    let drawn = ledgers::drawn_by_hand();
    assert_eq!(drawn.len(), 19, "ledgers of datasets/tiny");
    for (folder, case) in drawn.into_iter().filter(|(_, case)| case.policy != "poison") {
        let rules = case.rules();
        let answer = trace::trace(&case.ledger.payments, &case.ledger.seeds, &rules);
        assert_eq!(answer.flows, case.flows, "flows of {folder}");
        let mut held: Vec<_> = answer.holdings.iter().map(|(&(c, a, u), held)| (c, a, u, held.0)).collect();
        held.sort_by_key(|&(c, a, u, amount)| (c, -amount, case.accounts[a as usize].clone(), u));
        assert_eq!(held, case.holdings, "holdings of {folder}");
        the_books_balance(&answer);
        if !Stored::can_trace(&case.ledger, &rules) {
            continue;
        }
        let stored = Stored::new(&case.ledger, Partition::Month);
        let found = stored.trace(&stored.graph.view(), &case.ledger, &rules, true).unwrap();
        assert_eq!(stored.answer(&found), answer, "{folder}");
    }
}
