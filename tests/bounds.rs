//! Bounds that do not depend on a policy, against slow second programs, and what they must hold for every policy.
#![allow(clippy::unwrap_used)]

#[path = "oracle/bounds.rs"]
mod bounds;
#[path = "oracle/ledgers.rs"]
mod ledgers;
#[path = "oracle/store.rs"]
mod store;
#[path = "oracle/trace.rs"]
mod trace;

use bounds::{Question, Step as Taken, capacities, claimed, maximum, paths};
use ledgers::{Ledger, Random, drawn_by_hand, random_balances, random_ledger};
use ringfence::ids::{AccountId, TxId};
use ringfence::store::manifest::Partition;
use ringfence::trace::bound::{
    Bound, BoundOptions, CutRow, Step, max_traceable, max_traceable_many, widest, widest_paths,
};
use ringfence::trace::{Opening, Policy, SeedKind, Ties, TraceOptions, downstream};
use ringfence::{Error, Run};
use std::collections::{BTreeMap, BTreeSet};
use store::Stored;
use trace::{Balance, Payment, Seed};

const NUM_LEDGERS: u64 = 1_000;

fn options(question: &Question) -> BoundOptions {
    let ties = if question.strict { Ties::Strict } else { Ties::Order };
    BoundOptions { until: question.until, ties, ..BoundOptions::default() }
}

fn kind(stored: &Stored, seed: &Seed) -> SeedKind {
    stored.seeds(&[*seed])[0].kind
}

fn bound(stored: &Stored, question: &Question) -> Bound {
    let (seed, target) = (kind(stored, &question.seed), stored.account(question.target));
    max_traceable(&stored.graph.view(), &seed, target, &options(question), &Run::new()).unwrap()
}

/// Every seed of the ledger with every account that the store knows, and some with a last moment.
fn questions(ledger: &Ledger, random: &mut Random) -> Vec<Question> {
    let known: BTreeSet<u32> = ledger.payments.iter().flat_map(|p| [p.source, p.destination]).collect();
    let mut questions = Vec::new();
    // What most seeds can send is capped by the seed; one that is not shows what the payments can carry.
    let payment = &ledger.payments[random.below(ledger.payments.len() as u64 / 2 + 1) as usize];
    let (account, currency, time) = (payment.source, payment.paid_currency, payment.time - 1);
    let flood = Seed::Deposit { case: 0, account, currency, time, amount: 1 << 60 };
    for &seed in ledger.seeds.iter().chain([&flood]) {
        let time = match seed {
            Seed::Transaction { row, .. } => ledger.payments[row].time,
            Seed::Deposit { time, .. } | Seed::Balance { time, .. } => time,
        };
        for &target in &known {
            let last = ledger.payments.last().unwrap().time.max(time);
            let until = random.once_in(3).then(|| time + random.below((last - time) as u64 + 1) as i64);
            questions.push(Question { seed, target, strict: random.once_in(2), until });
        }
    }
    questions
}

/// A step of the engine in the oracle's terms.
fn taken(step: Step, row: Option<usize>) -> Taken {
    match (step, row) {
        (Step::Seed, _) => Taken::Seed,
        (Step::Payment, Some(row)) => Taken::Payment(row),
        (Step::Gain, Some(row)) => Taken::Gain(row),
        (Step::Conversion, Some(row)) => Taken::Conversion(row),
        (Step::Balance, _) => panic!("a balance that nobody stated"),
        (step, None) => panic!("a {} without a transaction", step.name()),
    }
}

/// Checks the cut and the journeys of a bound against the ledger.
fn check(ledger: &Ledger, question: &Question, bound: &Bound) {
    let payments = &ledger.payments;
    let capacities = capacities(payments, question);
    let (_, first, _) = claimed(payments, &question.seed);
    let cut: BTreeMap<Taken, i64> = bound
        .cut
        .iter()
        .map(|row| (taken(row.step, row.transaction.map(|id| id.index())), row.capacity))
        .collect();
    assert_eq!(cut.len(), bound.cut.len());
    assert!(cut.iter().all(|(step, capacity)| capacities[step] == *capacity));
    assert_eq!(cut.values().map(|&capacity| i128::from(capacity)).sum::<i128>(), bound.value.into());
    let removed: BTreeSet<Taken> = cut.keys().copied().collect();
    assert_eq!(maximum(payments, question, &removed, &[]), 0, "something passes by the cut");
    assert!(bound.cut.is_sorted_by_key(|row| (row.step != Step::Seed, row.transaction)));

    let mut used: BTreeMap<Taken, i64> = BTreeMap::new();
    let journeys = &bound.journeys;
    assert_eq!(journeys.amount.iter().map(|&amount| i128::from(amount)).sum::<i128>(), bound.value.into());
    for journey in 0..journeys.len() {
        let (origin, amount) = (journeys.origin[journey], journeys.amount[journey]);
        assert!(amount > 0);
        let mut rows = journeys.transactions(journey).iter().map(|id| id.index());
        let (mut account, mut last) = match (origin, question.seed) {
            (Step::Seed, Seed::Deposit { time, .. }) => {
                *used.entry(Taken::Seed).or_default() += amount;
                (first, payments.iter().rposition(|payment| payment.time <= time))
            }
            _ => {
                let row = rows.next().unwrap();
                *used.entry(taken(origin, Some(row))).or_default() += amount;
                (payments[row].destination, Some(row))
            }
        };
        for row in rows {
            let payment = &payments[row];
            assert_eq!(payment.source, account);
            assert!(last.is_none_or(|last| last < row));
            assert!(!question.strict || last.is_none_or(|last| payments[last].time < payment.time));
            *used.entry(Taken::Payment(row)).or_default() += amount;
            (account, last) = (payment.destination, Some(row));
        }
        assert_eq!(account, question.target);
    }
    assert!(used.iter().all(|(step, amount)| amount <= &capacities[step]));
}

#[test]
fn the_bound_is_the_maximum_flow_through_every_account_at_every_moment() {
    let (mut num_questions, mut num_wide, mut num_fed) = (0, 0, 0);
    for seed in 0..NUM_LEDGERS {
        let ledger = random_ledger(seed ^ 0xb0_07d5);
        let stored = Stored::new(&ledger, if seed % 2 == 0 { Partition::Month } else { Partition::None });
        for question in questions(&ledger, &mut Random(seed)) {
            let bound = bound(&stored, &question);
            let expected = maximum(&ledger.payments, &question, &BTreeSet::new(), &[]);
            assert_eq!(i128::from(bound.value), expected, "ledger {seed}, {question:?}");
            check(&ledger, &question, &bound);
            num_questions += 1;
            num_wide += usize::from(bound.cut.len() > 1);
            num_fed +=
                usize::from(bound.cut.iter().any(|row| matches!(row.step, Step::Gain | Step::Conversion)));
        }
    }
    println!(
        "{num_questions} bounds, {num_wide} with a cut of several steps, {num_fed} with a gain or a conversion in it"
    );
    assert!(num_questions > 10_000 && num_wide > 1_000 && num_fed > 400);
}

#[test]
fn no_policy_traces_more_to_a_sink_than_the_bound() {
    let (mut num_traces, mut num_equal) = (0, 0);
    for seed in 0..NUM_LEDGERS / 2 {
        let ledger = random_ledger(seed ^ 0x11_a1b0);
        let stored = Stored::new(&ledger, Partition::None);
        let view = stored.graph.view();
        for question in questions(&ledger, &mut Random(seed)) {
            let bound = bound(&stored, &question);
            let target = stored.account(question.target);
            let (seed_kind, BoundOptions { until, ties, .. }) =
                (kind(&stored, &question.seed), options(&question));
            for policy in Policy::ALL {
                for opening in [Opening::JustInTime, Opening::Minimal] {
                    let sinks = [target.0].into_iter().collect();
                    let options =
                        TraceOptions { policy, opening, ties, until, sinks, ..TraceOptions::default() };
                    let seeds = [ringfence::trace::Seed { case: 0, kind: seed_kind }];
                    let trace = downstream(&view, 1, &seeds, &options, &Run::new()).unwrap();
                    let sinks = &trace.sinks.holdings;
                    let of_currency = (0..sinks.len()).filter(|&row| sinks.currency[row] == bound.currency);
                    let arrived: i64 = of_currency.map(|row| sinks.amount[row]).sum();
                    assert!(arrived <= bound.value, "ledger {seed}, {policy:?}, {opening:?}, {question:?}");
                    num_traces += 1;
                    num_equal += usize::from(arrived > 0 && arrived == bound.value);
                }
            }
        }
    }
    println!("{num_traces} traces, {num_equal} reach the bound");
    assert!(num_equal > 1_000);
}

#[test]
fn many_bounds_are_single_bounds_for_any_number_of_threads() {
    for seed in 0..50 {
        let ledger = random_ledger(seed ^ 0x5eed);
        let stored = Stored::new(&ledger, Partition::Month);
        let asked = questions(&ledger, &mut Random(seed));
        let options = BoundOptions { ties: Ties::Strict, ..BoundOptions::default() };
        let pairs: Vec<_> = asked
            .iter()
            .map(|question| (kind(&stored, &question.seed), stored.account(question.target)))
            .collect();
        let view = stored.graph.view();
        let single: Vec<Bound> = pairs
            .iter()
            .map(|(seed, target)| max_traceable(&view, seed, *target, &options, &Run::new()).unwrap())
            .collect();
        for threads in [1, 2, 7] {
            let run = Run::new().threads(threads).unwrap();
            assert_eq!(max_traceable_many(&view, &pairs, &options, &run).unwrap(), single);
        }
    }
}

#[test]
fn no_more_waits_in_an_account_than_is_stated_of_it() {
    let (mut num_lower, mut num_capped) = (0, 0);
    for seed in 0..NUM_LEDGERS {
        let ledger = random_ledger(seed ^ 0xba1a);
        let stored = Stored::new(&ledger, Partition::None);
        let random = &mut Random(seed);
        for question in questions(&ledger, random) {
            let mut balances = random_balances(&ledger, random);
            balances.iter_mut().for_each(|balance| balance.amount /= 2);
            let options = BoundOptions { balances: stored.balances(&balances), ..options(&question) };
            let (kind, target) = (kind(&stored, &question.seed), stored.account(question.target));
            let found = max_traceable(&stored.graph.view(), &kind, target, &options, &Run::new()).unwrap();
            let ask = |balances: &[Balance], removed: &BTreeSet<Taken>| {
                maximum(&ledger.payments, &question, removed, balances)
            };
            let expected = ask(&balances, &BTreeSet::new());
            assert_eq!(i128::from(found.value), expected, "ledger {seed}, {question:?}");
            num_lower += usize::from(expected < ask(&[], &BTreeSet::new()));
            let (stated, steps): (Vec<CutRow>, Vec<CutRow>) =
                found.cut.iter().partition(|row| row.balance.is_some());
            num_capped += usize::from(!stated.is_empty());
            for row in stated {
                let cap = row.balance.unwrap();
                assert_eq!((row.step, cap.amount.max(0)), (Step::Balance, row.capacity));
                // Without what waits there, and without the other steps of the cut, nothing arrives.
                let same = |balance: &&mut Balance| {
                    (Some(cap.account), cap.time) == (stored.knows(balance.account), balance.time)
                        && stored.knows_currency(balance.currency) == Some(cap.currency)
                };
                balances.iter_mut().filter(same).for_each(|balance| balance.amount = 0);
            }
            let removed =
                steps.iter().map(|row| taken(row.step, row.transaction.map(|id| id.index()))).collect();
            assert_eq!(ask(&balances, &removed), 0, "ledger {seed}, {question:?}");
        }
    }
    println!("{num_lower} bounds are lower for a balance, {num_capped} are capped by one");
    assert!(num_lower > 500 && num_capped > 500);
}

/// What every pool holds after every time, if what it lacks is supplied just in time.
fn just_in_time(payments: &[Payment]) -> Vec<Balance> {
    let mut pools: BTreeMap<(u32, u16), i64> = BTreeMap::new();
    let mut balances = Vec::new();
    for same in payments.chunk_by(|a, b| a.time == b.time) {
        for payment in same.iter().filter(|payment| !payment.failed) {
            let source = pools.entry((payment.source, payment.paid_currency)).or_default();
            *source = (*source - payment.paid).max(0);
            *pools.entry((payment.destination, payment.received_currency)).or_default() += payment.received;
        }
        let time = Some(same[0].time);
        let state = |(&(account, currency), &amount)| Balance { account, currency, time, amount };
        balances.extend(pools.iter().map(state));
    }
    balances
}

#[test]
fn no_policy_traces_more_than_the_bound_that_knows_its_balances() {
    let (mut num_traces, mut num_lower) = (0, 0);
    for seed in 0..NUM_LEDGERS / 2 {
        let ledger = random_ledger(seed ^ 0xca95);
        let stored = Stored::new(&ledger, Partition::None);
        let (view, run) = (stored.graph.view(), Run::new());
        let balances = stored.balances(&just_in_time(&ledger.payments));
        for question in questions(&ledger, &mut Random(seed)) {
            // What comes from outside is in no balance of the ledger.
            let Seed::Transaction { .. } = question.seed else { continue };
            let question = Question { strict: false, ..question };
            let (kind, target) = (kind(&stored, &question.seed), stored.account(question.target));
            let options = BoundOptions { balances: balances.clone(), ..options(&question) };
            let bound = max_traceable(&view, &kind, target, &options, &run).unwrap();
            let without = BoundOptions { balances: Default::default(), ..options };
            num_lower +=
                usize::from(bound.value < max_traceable(&view, &kind, target, &without, &run).unwrap().value);
            for policy in Policy::ALL {
                let (until, sinks) = (question.until, [target.0].into_iter().collect());
                let options = TraceOptions { policy, until, sinks, ..TraceOptions::default() };
                let seeds = [ringfence::trace::Seed { case: 0, kind }];
                let trace = downstream(&view, 1, &seeds, &options, &run).unwrap();
                let sinks = &trace.sinks.holdings;
                let of_currency = (0..sinks.len()).filter(|&row| sinks.currency[row] == bound.currency);
                let arrived: i64 = of_currency.map(|row| sinks.amount[row]).sum();
                assert!(arrived <= bound.value, "ledger {seed}, {policy:?}, {question:?}");
                num_traces += 1;
            }
        }
    }
    println!("{num_traces} traces, {num_lower} bounds lower for their balances");
    assert!(num_traces > 10_000 && num_lower > 100);
}

/// One currency, and few different amounts.
fn make_alike(ledger: &mut Ledger) {
    for payment in &mut ledger.payments {
        payment.paid = 2 + payment.paid % 3;
        payment.received = payment.paid;
        (payment.paid_currency, payment.received_currency) = (0, 0);
        payment.failed = false;
    }
    for seed in &mut ledger.seeds {
        match seed {
            Seed::Transaction { amount, .. } => *amount = None,
            Seed::Deposit { currency, .. } | Seed::Balance { currency, .. } => *currency = 0,
        }
    }
}

#[test]
fn the_widest_paths_are_the_best_of_all_paths() {
    let (mut num_paths, mut num_ties) = (0, 0);
    for seed in 0..NUM_LEDGERS / 2 {
        let mut ledger = random_ledger(seed ^ 0x51de);
        if seed % 4 > 0 {
            make_alike(&mut ledger);
        }
        ledger.payments.truncate(26);
        let num_rows = ledger.payments.len();
        ledger.seeds.retain(|seed| !matches!(*seed, Seed::Transaction { row, .. } if row >= num_rows));
        let known: BTreeSet<u32> = ledger.payments.iter().flat_map(|p| [p.source, p.destination]).collect();
        ledger
            .seeds
            .retain(|seed| !matches!(*seed, Seed::Deposit { account, .. } if !known.contains(&account)));
        let stored = Stored::new(&ledger, if seed % 2 == 0 { Partition::Month } else { Partition::None });
        let view = stored.graph.view();
        for question in questions(&ledger, &mut Random(seed)) {
            let all = paths(&ledger.payments, &question);
            let (kind, target) = (kind(&stored, &question.seed), stored.account(question.target));
            let (options, run) = (options(&question), Run::new());
            let first: Option<usize> = match question.seed {
                Seed::Transaction { row, .. } => Some(row),
                Seed::Deposit { .. } | Seed::Balance { .. } => None,
            };
            let with_seed = |rows: &[usize]| -> Vec<TxId> {
                first.iter().chain(rows).map(|&row| TxId(row as u64)).collect()
            };
            let k = 1 + seed as u32 % 7;
            let found = widest_paths(&view, &kind, target, k, &options, &run).unwrap();
            assert_eq!(found.len(), all.len().min(k as usize), "ledger {seed}, {question:?}");
            for (path, (width, rows)) in all.iter().take(k as usize).enumerate() {
                let place = format!("path {path} of {k}, ledger {seed}, {question:?}");
                assert_eq!(found.transactions(path), with_seed(rows), "{place}");
                assert_eq!(found.width[path], *width, "{place}");
            }
            num_paths += found.len();
            num_ties += all.windows(2).take(found.len()).filter(|pair| pair[0].0 == pair[1].0).count();

            let widest = widest(&view, &kind, &options, &run).unwrap();
            let Some(row) = widest.find(target) else {
                assert!(all.is_empty(), "ledger {seed}, {question:?}");
                continue;
            };
            assert_eq!(
                Some(widest.width[row]),
                all.first().map(|best| best.0),
                "ledger {seed}, {question:?}"
            );
            let path = widest.path(target).unwrap();
            assert_eq!(path.last().copied(), widest.transaction[row]);
            assert_eq!(path.len(), widest.hops[row] as usize + usize::from(first.is_some()));
            // Of the widest paths, one that arrives first.
            let widest_rows = all.iter().take_while(|best| best.0 == widest.width[row]);
            let earliest = widest_rows.clone().filter_map(|best| best.1.last()).min();
            assert_eq!(
                earliest.map(|&row| TxId(row as u64)).or(first.map(|row| TxId(row as u64))),
                widest.transaction[row]
            );
            assert!(
                widest_rows.clone().any(|best| with_seed(&best.1) == path),
                "ledger {seed}, {question:?}"
            );
        }
    }
    println!("{num_paths} paths, {num_ties} next to one of the same width");
    assert!(num_paths > 5_000 && num_ties > 1_000);
}

/// The ledger of `datasets/tiny/trace_fifo`, by name.
fn hand_drawn() -> (Stored, ledgers::Drawn) {
    let (_, drawn) = drawn_by_hand().into_iter().find(|(folder, _)| folder == "trace_fifo").unwrap();
    (Stored::new(&drawn.ledger, Partition::None), drawn)
}

/// The bound of the second transaction, V to M, at an account of the hand-drawn ledger.
fn drawn_bound(target: &str, amount: Option<i64>) -> Bound {
    let (stored, drawn) = hand_drawn();
    let target = drawn.accounts.iter().position(|key| key == target).unwrap() as u32;
    let seed = Seed::Transaction { case: 0, row: 1, amount };
    bound(&stored, &Question { seed, target, strict: false, until: None })
}

#[test]
fn the_ledger_drawn_by_hand_has_the_bounds_of_the_documentation() {
    let rows = |bound: &Bound| -> Vec<_> {
        bound.cut.iter().map(|row| (row.step, row.transaction.unwrap().0 + 1, row.capacity)).collect()
    };
    for (target, value, cut) in [
        ("M", 6000, (Step::Seed, 2, 6000)),
        ("X", 6000, (Step::Seed, 2, 6000)),
        ("Y", 5000, (Step::Payment, 5, 5000)),
        ("Z", 5000, (Step::Payment, 6, 5000)),
        ("W", 6000, (Step::Seed, 2, 6000)),
        ("Q", 4000, (Step::Payment, 8, 4000)),
    ] {
        let bound = drawn_bound(target, None);
        assert_eq!((bound.value, rows(&bound)), (value, vec![cut]), "{target}");
    }
    let (stored, drawn) = hand_drawn();
    let seed = SeedKind::Transaction { transaction: TxId(1), amount: None };
    let widest = widest(&stored.graph.view(), &seed, &BoundOptions::default(), &Run::new()).unwrap();
    for (target, account) in drawn.accounts.iter().zip(0..) {
        let row = widest.find(stored.account(account));
        assert_eq!(row.map_or(0, |row| widest.width[row]), drawn_bound(target, None).value, "{target}");
    }
    let bound = drawn_bound("Q", None);
    assert_eq!(bound.journeys.transactions, [1, 4, 7].map(TxId));
    assert_eq!((bound.num_transactions, bound.journeys.amount), (3, vec![4000]));
    assert_eq!(drawn_bound("V", None).value, 0);
    assert!(drawn_bound("V", None).cut.is_empty());
    assert_eq!(drawn_bound("V", None).num_transactions, 0);
    assert_eq!(drawn_bound("Q", Some(1)).value, 1);
}

#[test]
fn what_cannot_be_asked_is_refused_with_its_place() {
    let (stored, _) = hand_drawn();
    let view = stored.graph.view();
    let seed = SeedKind::Transaction { transaction: TxId(1), amount: None };
    let target = stored.account(0);
    let run = Run::new();
    let ask = |seed, target, options: &BoundOptions| max_traceable(&view, &seed, target, options, &run);
    let options = BoundOptions::default();
    let nowhere = AccountId(99);
    let message = ask(seed, nowhere, &options).unwrap_err().to_string();
    assert_eq!(message, "target: account 99 of 8");
    let message = max_traceable_many(&view, &[(seed, target), (seed, nowhere)], &options, &run).unwrap_err();
    assert_eq!(message.to_string(), "pairs[1].target: account 99 of 8");
    let narrow = view.clone().among((1..8).collect());
    let message = max_traceable(&narrow, &seed, AccountId(0), &options, &run).unwrap_err();
    assert!(message.to_string().ends_with("is outside of the view that is traced"), "{message}");
    let late = SeedKind::Transaction { transaction: TxId(8), amount: None };
    let message = max_traceable_many(&view, &[(seed, target), (late, target)], &options, &run).unwrap_err();
    assert!(message.to_string().starts_with("seeds[1]: transaction position 8"), "{message}");
    let options = BoundOptions { events_max: Some(0), ..BoundOptions::default() };
    assert!(matches!(ask(seed, target, &options), Err(Error::Option { name: "events_max", .. })));
    let options = BoundOptions { events_max: Some(1), ..BoundOptions::default() };
    let target = AccountId(stored.graph.find_account("A6").unwrap().unwrap().0);
    let refused = ask(seed, target, &options).unwrap_err();
    assert!(matches!(refused, Error::Limit { limit: 1, .. }), "{refused}");
    let cancelled = Run::new();
    cancelled.cancel_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    let stopped = max_traceable(&view, &seed, target, &BoundOptions::default(), &cancelled);
    assert!(matches!(stopped, Err(Error::Cancelled)));
}
