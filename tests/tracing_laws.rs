//! Laws of tracing that hold whatever the ledger: what may change nothing, and what must add up.
#![allow(clippy::unwrap_used)]

#[path = "oracle/ledgers.rs"]
mod ledgers;
#[path = "oracle/store.rs"]
mod store;
#[path = "oracle/trace.rs"]
mod trace;

use ledgers::{Ledger, Random, add_balance_seeds, random_ledger, random_rules};
use rayon::prelude::*;
use ringfence::Run;
use ringfence::store::manifest::Partition;
use ringfence::trace::{Trace, downstream, poison};
use ringfence::units::Window;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};
use store::Stored;
use trace::{Answer, Flow, Opening, Payment, Policy, Rules, Seed, Stop};

const NUM_LEDGERS: u64 = 300;

fn rules(policy: Policy, minimal: bool, strict: bool) -> Rules {
    let opening = if minimal { Opening::Minimal } else { Opening::JustInTime };
    Rules { policy, opening, strict, ..Rules::default() }
}

/// What the engine finds in a ledger.
fn answer(stored: &Stored, ledger: &Ledger, rules: &Rules) -> Answer {
    try_answer(stored, ledger, rules).unwrap()
}

/// As [`answer`], or nothing where a balance seed asks for more than is there.
fn try_answer(stored: &Stored, ledger: &Ledger, rules: &Rules) -> Option<Answer> {
    let trace = stored.trace(&stored.graph.view(), ledger, rules, true).ok()?;
    Some(stored.answer(&trace))
}

fn stored(ledger: &Ledger) -> Stored {
    Stored::new(ledger, Partition::None)
}

/// Runs `check` on many ledgers; at least a quarter must have shown something.
fn on_many_ledgers(name: &str, check: impl Fn(u64, Ledger) -> bool + Sync) {
    let check = |&seed: &u64| check(seed, random_ledger(seed ^ 0x7ace));
    let shown = (0..NUM_LEDGERS).into_par_iter().filter(check).count() as u64;
    println!("{name}: {shown} of {NUM_LEDGERS} ledgers");
    assert!(shown >= NUM_LEDGERS / 4, "{name}: only {shown} ledgers have anything to show");
}

/// Where money of a case can be at rest or on its way: (case, account, currency, why it rests).
type Place = (u32, u32, u16, Option<Stop>);

/// Plays flows, entries and exits in order and says what is where at the end; nothing may ever leave that is not there.
fn replayed(ledger: &Ledger, rules: &Rules, answer: &Answer) -> BTreeMap<Place, i128> {
    // (row, a seed before it or the payment itself, place, amount in or out): what comes in before what goes on.
    let mut moves: Vec<(usize, bool, u8, Place, i128)> = Vec::new();
    let base = rules.rates.as_ref().map(|rates| rates.base);
    for &(case, row, paid, received, _) in &answer.flows {
        let payment = &ledger.payments[row];
        let currency = |own: u16| base.unwrap_or(own);
        let source = (case, payment.source, currency(payment.paid_currency), None);
        let destination = (case, payment.destination, currency(payment.received_currency), None);
        moves.push((row, true, 0, source, -paid));
        moves.push((row, true, 1, destination, received));
    }
    for &(case, row, _, account, currency, amount) in &answer.entries {
        moves.push((row, false, 1, (case, account, currency, None), amount));
    }
    for (&(case, row, by_payment, _, account, currency, stop), &amount) in &answer.exits {
        let step = if stop == Stop::Superseded { 0 } else { 2 };
        moves.push((row, by_payment, step, (case, account, currency, None), -amount));
        moves.push((row, by_payment, step, (case, account, currency, Some(stop)), amount));
    }
    moves.sort_by_key(|step| (step.0, step.1, step.2));
    let mut held: BTreeMap<Place, i128> = BTreeMap::new();
    // Seeds between two payments: several may come and be taken over in any order.
    for same in moves.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        for &(row, by_payment, step, place, amount) in same {
            *held.entry(place).or_default() += amount;
            let sum = held[&place];
            assert!(!by_payment || sum >= 0, "row {row}, step {step}: {place:?} is {sum}; {rules:?}");
        }
        assert!(held.values().all(|amount| *amount >= 0), "before row {}: {held:?}", same[0].0);
    }
    held.retain(|_, amount| *amount != 0);
    held
}

#[test]
fn no_more_leaves_an_account_than_came_before_and_the_rest_is_held() {
    on_many_ledgers("flows in time", |seed, mut ledger| {
        let (random, mut flows_seen) = (&mut Random(!seed), 0);
        add_balance_seeds(&mut ledger, random);
        let stored = stored(&ledger);
        for _ in 0..12 {
            let rules = random_rules(&ledger, random);
            let Some(answer) = try_answer(&stored, &ledger, &rules) else { continue };
            let values = rules.rates.as_ref().map(|rates| rates.payments(&ledger.payments));
            let payments = values.as_ref().unwrap_or(&ledger.payments);
            for &(_, row, paid, received, hop) in &answer.flows {
                let payment = &payments[row];
                assert!(0 <= paid && paid <= payment.paid.into(), "ledger {seed}, row {row}");
                assert!(0 <= received && received <= payment.received.into(), "ledger {seed}, row {row}");
                assert_eq!(hop == 0, paid == 0, "ledger {seed}, row {row}: only a seed pays nothing");
                assert!(rules.max_hops.is_none_or(|most| hop <= most), "ledger {seed}, row {row}: hop {hop}");
            }
            let mut found: BTreeMap<Place, i128> = BTreeMap::new();
            for (&(case, account, currency), held) in &answer.holdings {
                found.insert((case, account, currency, None), held.0);
            }
            for (&(case, account, currency, stop), held) in &answer.sinks {
                found.insert((case, account, currency, Some(stop)), held.0);
            }
            let mut replayed = replayed(&ledger, &rules, &answer);
            replayed.retain(|place, _| !matches!(place.3, Some(Stop::Dust | Stop::Superseded)));
            assert_eq!(replayed, found, "ledger {seed}, {rules:?}");
            flows_seen += answer.flows.len();
        }
        flows_seen > 12
    });
}

/// One case a transaction: what two cases share, or bring in from outside, each alone would find otherwise.
fn one_case_a_transaction(ledger: &mut Ledger) {
    let mut rows = BTreeSet::new();
    ledger.seeds.retain(|seed| matches!(*seed, Seed::Transaction { row, .. } if rows.insert(row)));
}

/// Case by case, and put together; and all cases at once.
fn alone_and_joint(stored: &Stored, ledger: &Ledger, rules: &Rules) -> (Answer, Answer) {
    let mut sum = Answer::default();
    for case in 0..ledger.num_cases {
        let seeds = ledger.seeds.iter().filter(|seed| seed.case() == case).copied().collect();
        let alone = answer(stored, &Ledger { seeds, ..ledger.clone() }, rules);
        sum.flows.extend(alone.flows);
        sum.holdings.extend(alone.holdings);
        sum.ledger.extend(alone.ledger);
    }
    (sum, answer(stored, ledger, rules))
}

#[test]
fn fifo_and_lifo_add_up_over_cases() {
    on_many_ledgers("additivity", |seed, mut ledger| {
        one_case_a_transaction(&mut ledger);
        if ledger.seeds.len() < 2 {
            return false;
        }
        let (stored, mut shown) = (stored(&ledger), false);
        for policy in [Policy::Fifo, Policy::Lifo] {
            for (minimal, strict) in [(false, false), (true, false), (false, true)] {
                let (sum, joint) = alone_and_joint(&stored, &ledger, &rules(policy, minimal, strict));
                // A case that seeds in the money of another takes it away from that one only in a joint run.
                if joint.ledger.values().all(|row| row.superseded == 0) {
                    assert_eq!(joint, sum, "ledger {seed}");
                    shown = true;
                }
            }
        }
        shown
    });
}

#[test]
fn haircut_adds_up_over_cases_but_for_a_unit_a_payment() {
    on_many_ledgers("additivity of haircut", |seed, mut ledger| {
        one_case_a_transaction(&mut ledger);
        for payment in &mut ledger.payments {
            // A payment that hands over more than it takes would multiply what was rounded before.
            (payment.received, payment.received_currency) = (payment.paid, payment.paid_currency);
        }
        let fits = |seed: &Seed| match *seed {
            Seed::Transaction { row, amount, .. } => {
                let received = ledger.payments[row].received;
                received > 0 && amount.is_none_or(|amount| amount <= received)
            }
            _ => false,
        };
        let seeds: Vec<Seed> = ledger.seeds.iter().copied().filter(fits).collect();
        ledger.seeds = seeds;
        if ledger.seeds.len() < 2 {
            return false;
        }
        let stored = stored(&ledger);
        for minimal in [false, true] {
            let (sum, joint) = alone_and_joint(&stored, &ledger, &rules(Policy::Haircut, minimal, false));
            if joint.ledger.values().any(|row| row.superseded > 0) {
                return false;
            }
            let mut apart: BTreeMap<(u32, u32, u16), i128> = BTreeMap::new();
            joint.holdings.iter().for_each(|(place, held)| *apart.entry(*place).or_default() += held.0);
            sum.holdings.iter().for_each(|(place, held)| *apart.entry(*place).or_default() -= held.0);
            // Each run rounds what a payment takes of a case by less than a unit, here and there.
            let payments = ledger.payments.len() as i128;
            let most = 4 * payments * i128::from(ledger.num_cases);
            let total: i128 = apart.values().map(|difference| difference.abs()).sum();
            assert!(total <= most, "ledger {seed}: {total} units in {payments} payments: {apart:?}");
        }
        true
    });
}

/// A ledger around one account, which receives from some and pays others; one currency, nothing comes back.
fn around_one_account(random: &mut Random) -> Ledger {
    let most = [5, 100, 100_000][random.below(3) as usize];
    let payments: Vec<Payment> = (0..2 + random.below(30) as i64)
        .map(|time| {
            let other = 1 + random.below(4) as u32;
            let receives = random.once_in(2);
            let amount = random.below(most) as i64;
            Payment {
                source: if receives { other } else { 0 },
                destination: if receives { 0 } else { 4 + other },
                time,
                paid: amount,
                paid_currency: 0,
                received: amount,
                received_currency: 0,
                failed: random.once_in(20),
            }
        })
        .collect();
    Ledger { num_accounts: 9, num_cases: 1, payments, seeds: Vec::new() }
}

#[test]
fn tainted_first_holds_least_and_clean_first_most_at_one_account() {
    on_many_ledgers("one account", |seed, _| {
        let random = &mut Random(seed);
        let mut ledger = around_one_account(random);
        ledger.num_cases = 3;
        for (row, payment) in ledger.payments.iter().enumerate() {
            if payment.destination == 0 && payment.received > 0 && !payment.failed && random.once_in(2) {
                let case = random.below(3) as u32;
                ledger.seeds.push(Seed::Transaction { case, row, amount: None });
            }
        }
        let (stored, mut differ) = (stored(&ledger), false);
        for minimal in [false, true] {
            let held = |policy: Policy| -> i128 {
                let answer = answer(&stored, &ledger, &rules(policy, minimal, false));
                answer.holdings.iter().filter(|(place, _)| place.1 == 0).map(|(_, held)| held.0).sum()
            };
            let (least, most) = (held(Policy::TaintedFirst), held(Policy::CleanFirst));
            for policy in [Policy::Fifo, Policy::Lifo, Policy::Haircut] {
                let held = held(policy);
                assert!(least <= held && held <= most, "ledger {seed}, {policy:?}: {least} {held} {most}");
                differ |= least < held && held < most;
            }
        }
        differ
    });
}

#[test]
fn clean_first_keeps_the_lowest_intermediate_balance() {
    on_many_ledgers("lowest intermediate balance", |seed, _| {
        let mut ledger = around_one_account(&mut Random(seed));
        let credit = ledger.payments.iter().position(|p| p.destination == 0 && p.received > 0 && !p.failed);
        let Some(credit) = credit else { return false };
        ledger.seeds = vec![Seed::Transaction { case: 0, row: credit, amount: None }];
        let claim = i128::from(ledger.payments[credit].received);
        // The balance as a bank would book it: no lots, no owners.
        let (mut balance, mut lowest) = (0, i128::MAX);
        for (row, payment) in ledger.payments.iter().enumerate().filter(|(_, payment)| !payment.failed) {
            match payment.destination {
                0 => balance += i128::from(payment.received),
                _ => balance -= i128::from(payment.paid).min(balance),
            }
            lowest = if row < credit { i128::MAX } else { lowest.min(balance) };
        }
        let answer = answer(&stored(&ledger), &ledger, &rules(Policy::CleanFirst, false, false));
        let held = answer.holdings.get(&(0, 0, 0)).map_or(0, |held| held.0);
        assert_eq!(held, claim.min(lowest), "ledger {seed}");
        held < claim
    });
}

#[test]
fn poison_exposes_whomever_any_policy_finds() {
    on_many_ledgers("exposure", |seed, mut ledger| {
        let (random, mut more) = (&mut Random(!seed), false);
        add_balance_seeds(&mut ledger, random);
        let (stored, mut compared) = (stored(&ledger), false);
        for _ in 0..8 {
            let rules = random_rules(&ledger, random);
            let Some(found) = try_answer(&stored, &ledger, &rules) else { continue };
            let (seeds, options) = (stored.seeds(&ledger.seeds), stored.options(&rules, true));
            let run = Run::new();
            let contacts = poison(&stored.graph.view(), ledger.num_cases, &seeds, &options, &run).unwrap();
            let known = |account: u32| stored.account(account);
            let exposed: BTreeSet<_> = contacts.case.iter().copied().zip(contacts.account.clone()).collect();
            let held = found.holdings.keys().map(|place| (place.0, known(place.1)));
            let stuck = found.sinks.keys().map(|place| (place.0, known(place.1)));
            let paid = found.flows.iter().filter(|flow| flow.3 > 0);
            let paid = paid.map(|flow| (flow.0, known(ledger.payments[flow.1].destination)));
            let touched: BTreeSet<_> = held.chain(stuck).chain(paid).collect();
            assert!(touched.is_subset(&exposed), "ledger {seed}, {rules:?}: {touched:?}, not {exposed:?}");
            more |= touched.len() < exposed.len();
            compared = true;
        }
        compared && more
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
fn splitting_a_payment_into_consecutive_parts_changes_nothing_for_the_lot_policies() {
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
            other => other,
        });
        let in_parts = Ledger { payments, seeds: seeds.collect(), ..ledger.clone() };
        let (stored, stored_in_parts) = (stored(&ledger), stored(&in_parts));
        for policy in [Policy::Fifo, Policy::Lifo, Policy::CleanFirst, Policy::TaintedFirst] {
            for (minimal, strict) in [(false, false), (true, true)] {
                let rules = rules(policy, minimal, strict);
                let mut whole = answer(&stored, &ledger, &rules);
                let mut parts = answer(&stored_in_parts, &in_parts, &rules);
                let mut sums: BTreeMap<(u32, usize), (i128, i128, u32)> = BTreeMap::new();
                for (case, row, paid, received, hop) in parts.flows {
                    let sum = sums.entry((case, origins[row])).or_insert((0, 0, hop));
                    *sum = (sum.0 + paid, sum.1 + received, sum.2.min(hop));
                }
                parts.flows = sums
                    .into_iter()
                    .map(|((case, row), (p, r, hop))| -> Flow { (case, row, p, r, hop) })
                    .collect();
                // Positions differ.
                for answer in [&mut whole, &mut parts] {
                    answer.entries.clear();
                    answer.exits.clear();
                }
                assert_eq!(parts, whole, "ledger {seed}, {rules:?}");
            }
        }
        origins.len() > ledger.payments.len()
    });
}

#[test]
fn permuting_rows_of_different_times_changes_nothing() {
    on_many_ledgers("permutation", |seed, mut ledger| {
        let random = &mut Random(seed);
        add_balance_seeds(&mut ledger, random);
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
        for _ in 0..6 {
            let rules = random_rules(&ledger, random);
            // Seeds name positions, which are those of the canonical order in both stores.
            let (given, shuffled) =
                (try_answer(&given, &ledger, &rules), try_answer(&shuffled, &ledger, &rules));
            assert_eq!(given, shuffled, "ledger {seed}, {rules:?}");
        }
        moved
    });
}

#[test]
fn a_trace_until_some_moment_is_the_beginning_of_the_whole_trace() {
    on_many_ledgers("until", |seed, mut ledger| {
        let (random, mut cut) = (&mut Random(!seed), false);
        add_balance_seeds(&mut ledger, random);
        let stored = Stored::new(&ledger, Partition::Month);
        let until = ledger.seeds.iter().map(|seed| match *seed {
            Seed::Transaction { row, .. } => ledger.payments[row].time,
            Seed::Deposit { time, .. } | Seed::Balance { time, .. } => time,
        });
        let Some(until) = until.max() else { return false };
        for _ in 0..6 {
            let rules = Rules { until: None, ..random_rules(&ledger, random) };
            let trace = |rules: &Rules| Some(try_answer(&stored, &ledger, rules)?.flows);
            let Some(mut whole) = trace(&rules) else { continue };
            let begun = trace(&Rules { until: Some(until), ..rules.clone() }).unwrap();
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
        let mut ledger = ledger;
        add_balance_seeds(&mut ledger, random);
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
        for _ in 0..6 {
            let rules = Rules { until: None, ..random_rules(&ledger, random) };
            let found = stored.trace(&view, &whole, &rules, true);
            let expected = trace::try_trace(&part.payments, &part.seeds, &rules);
            let (Ok(found), Ok(mut expected)) = (found, expected.clone()) else {
                assert!(expected.is_err(), "ledger {seed}, {rules:?}: only the engine refuses");
                continue;
            };
            let mut found = stored.answer(&found);
            expected.flows.iter_mut().for_each(|flow| flow.1 = places[flow.1]);
            // A seed in between two payments is in another place among those of the view alone.
            for (answer, places) in [(&mut found, None), (&mut expected, Some(&places))] {
                answer.entries.iter_mut().for_each(|entry| entry.1 = 0);
                let exits = std::mem::take(&mut answer.exits);
                for ((case, row, by_payment, time, account, currency, stop), amount) in exits {
                    let row = if by_payment { places.map_or(row, |places| places[row]) } else { 0 };
                    let place = (case, row, by_payment, time, account, currency, stop);
                    *answer.exits.entry(place).or_default() += amount;
                }
                answer.entries.sort_by_key(|entry| (entry.0, entry.2));
            }
            assert_eq!(found, expected, "ledger {seed}, {rules:?}");
        }
        !whole.seeds.is_empty() && places.len() < ledger.payments.len()
    });
}

#[test]
fn the_same_bytes_come_out_for_any_number_of_threads() {
    let runs = [1, 2, 8].map(|threads| Run::new().threads(threads).unwrap());
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
        ledger.seeds.clear();
        for case in 0..ledger.num_cases {
            if let Some(&row) = rows.get(random.below(rows.len().max(1) as u64) as usize) {
                ledger.seeds.push(Seed::Transaction { case, row, amount: Some(1) });
            }
        }
        let stored = Stored::new(&ledger, Partition::Month);
        let (view, seeds) = (stored.graph.view(), stored.seeds(&ledger.seeds));
        for _ in 0..3 {
            let options = stored.options(&random_rules(&ledger, random), false);
            let trace =
                |run: &Run| -> Trace { downstream(&view, ledger.num_cases, &seeds, &options, run).unwrap() };
            let [one, two, eight] = [trace(&runs[0]), trace(&runs[1]), trace(&runs[2])];
            assert_eq!((&two, &eight), (&one, &one), "ledger {seed}, {options:?}");
        }
        ledger.seeds.len() > 8
    });
}
