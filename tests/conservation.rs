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
use ringfence::Error;
use ringfence::store::manifest::Partition;
use std::ops::AddAssign;
use store::Stored;
use trace::{Answer, Opening, Payment, Policy, Refused, Rules, Seed, Stop};

/// What the oracle says of all cases together, or of each as if it were alone.
fn expected(ledger: &Ledger, rules: &Rules, joint: bool) -> Result<Answer, Refused> {
    if joint {
        return trace::try_trace(&ledger.payments, &ledger.seeds, rules);
    }
    trace::refuse_at_sinks(&ledger.seeds, rules)?;
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
        all.entries.extend(alone.entries);
        all.exits.extend(alone.exits);
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

/// What the oracle says, and how the engine differs from it, if it does.
fn compare(
    stored: &Stored,
    ledger: &Ledger,
    rules: &Rules,
    joint: bool,
) -> (Result<Answer, Refused>, Option<String>) {
    let expected = expected(ledger, rules, joint);
    let found = stored.trace(&stored.graph.view(), ledger, rules, joint);
    let difference = match (found, &expected) {
        (Ok(found), Ok(expected)) => {
            let found = stored.answer(&found);
            (found != *expected).then(|| format!("engine {found:#?}\noracle {expected:#?}"))
        }
        (Err(Error::Input { input, .. }), Err(refused)) => {
            let named = format!("seeds[{}]", refused.0);
            (!input.starts_with(&named)).then(|| format!("{input} is refused, not {named}"))
        }
        (Ok(_), Err(refused)) => Some(format!("{refused:?}, but not by the engine")),
        (Err(error), _) => Some(format!("the engine refuses: {error}")),
    };
    (expected, difference)
}

/// Leaves out of the ledger and the rules whatever is not needed for engine and oracle to differ.
fn smallest(mut ledger: Ledger, mut rules: Rules, joint: bool) -> String {
    let differs = |ledger: &Ledger, rules: &Rules| {
        let stored = Stored::new(ledger, Partition::None);
        compare(&stored, ledger, rules, joint).1
    };
    let known = |ledger: &Ledger, account: u32, currency: u16| {
        let ends = |payment: &Payment| {
            let source = (payment.source, payment.paid_currency);
            let destination = (payment.destination, payment.received_currency);
            [source, destination].contains(&(account, currency))
        };
        ledger.payments.iter().any(ends)
    };
    loop {
        let mut tries: Vec<(Ledger, Rules)> = Vec::new();
        for row in 0..ledger.payments.len() {
            let mut less = ledger.clone();
            less.payments.remove(row);
            less.seeds
                .retain(|seed| !matches!(*seed, Seed::Transaction { row: seeded, .. } if seeded == row));
            for seed in &mut less.seeds {
                if let Seed::Transaction { row: seeded, .. } = seed {
                    *seeded -= usize::from(*seeded > row);
                }
            }
            tries.push((less, rules.clone()));
        }
        for seed in 0..ledger.seeds.len() {
            let mut less = ledger.clone();
            less.seeds.remove(seed);
            tries.push((less, rules.clone()));
        }
        for row in 0..rules.balances.len() {
            let mut less = rules.clone();
            less.balances.remove(row);
            tries.push((ledger.clone(), less));
        }
        for sink in &rules.sinks {
            let sinks = rules.sinks.iter().copied().filter(|other| other != sink).collect();
            tries.push((ledger.clone(), Rules { sinks, ..rules.clone() }));
        }
        tries.push((ledger.clone(), Rules { strict: false, ..rules.clone() }));
        tries.push((ledger.clone(), Rules { until: None, ..rules.clone() }));
        tries.push((ledger.clone(), Rules { dust: 0, ..rules.clone() }));
        tries.push((ledger.clone(), Rules { max_hops: None, ..rules.clone() }));
        tries.push((ledger.clone(), Rules { rates: None, ..rules.clone() }));
        tries.push((ledger.clone(), Rules { opening: Opening::JustInTime, ..rules.clone() }));
        let size = |(ledger, rules): &(Ledger, Rules)| {
            let stops = (rules.strict, rules.until, rules.dust, rules.max_hops);
            (ledger.payments.len(), ledger.seeds.len(), rules.balances.len(), rules.sinks.len(), stops)
        };
        let now = (ledger.clone(), rules.clone());
        let is_less = |next: &(Ledger, Rules)| {
            let plainer = (rules.rates.is_some() && next.1.rates.is_none())
                || (rules.opening != Opening::JustInTime && next.1.opening == Opening::JustInTime);
            size(next) != size(&now) || plainer
        };
        let is_possible = |(ledger, rules): &(Ledger, Rules)| {
            let seeds = ledger.seeds.iter().all(|seed| match *seed {
                Seed::Transaction { .. } => true,
                Seed::Deposit { account, currency, .. } | Seed::Balance { account, currency, .. } => {
                    known(ledger, account, currency)
                }
            });
            let balances = rules.balances.iter().all(|row| known(ledger, row.account, row.currency));
            let named = |currency: &u16| {
                ledger
                    .payments
                    .iter()
                    .any(|row| [row.paid_currency, row.received_currency].contains(currency))
            };
            let rates = rules.rates.as_ref().is_none_or(|rates| {
                named(&rates.base) && rates.table.keys().all(|(currency, _)| named(currency))
            });
            let given = rules.opening != Opening::Given || !rules.balances.is_empty();
            !ledger.payments.is_empty() && seeds && balances && rates && given
        };
        let less = tries
            .into_iter()
            .find(|next| is_less(next) && is_possible(next) && differs(&next.0, &next.1).is_some());
        let Some(less) = less else { break };
        (ledger, rules) = less;
    }
    format!("{ledger:#?}\n{rules:#?}\njoint {joint}\n{}", differs(&ledger, &rules).unwrap_or_default())
}

/// Compares engine and oracle on one ledger under some rules.
fn check(seed: u64) -> Seen {
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
            let (expected, difference) = compare(&stored, &ledger, &rules, joint);
            if difference.is_some() {
                panic!("ledger {seed}, as small as it gets: {}", smallest(ledger, rules, joint));
            }
            match expected {
                Ok(expected) => {
                    the_books_balance(&expected);
                    seen += Seen::of(&rules, &expected);
                }
                Err(_) => seen.refused += 1,
            }
        }
        if rules.opening == Opening::Given {
            assert_eq!(stored.breaks(&rules), trace::breaks(&ledger.payments, &rules), "ledger {seed}");
        }
    }
    seen
}

/// Ledgers of a run: about 20 s on one core; `RINGFENCE_LEDGERS` asks for another number.
const NUM_LEDGERS: u64 = 3_000;
const RULES_PER_LEDGER: u64 = 12;

#[test]
#[allow(clippy::disallowed_methods)] // A test program is a door.
fn the_engine_finds_what_the_oracle_finds() {
    let asked = std::env::var("RINGFENCE_LEDGERS").ok();
    let num_ledgers = asked.map_or(NUM_LEDGERS, |number| number.parse().unwrap());
    let seen = (0..num_ledgers).into_par_iter().map(check).reduce(Seen::default, |mut all, one| {
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
        let stored = Stored::new(&case.ledger, Partition::Month);
        let found = stored.trace(&stored.graph.view(), &case.ledger, &rules, true).unwrap();
        assert_eq!(stored.answer(&found), answer, "{folder}");
    }
}
