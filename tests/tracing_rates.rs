//! Rates and pooling by value against the plainest reading of their definitions.
#![allow(clippy::unwrap_used)]

#[path = "oracle/ledgers.rs"]
mod ledgers;
#[path = "oracle/store.rs"]
mod store;
#[path = "oracle/trace.rs"]
mod trace;

use ledgers::{CURRENCIES, Ledger, Random, converting_ledger, random_ledger, random_rules};
use rayon::prelude::*;
use ringfence::ids::CurrencyId;
use ringfence::store::manifest::Partition;
use ringfence::trace::{Rate, Rates};
use ringfence::units::Window;
use ringfence::{Error, Run};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};
use store::Stored;
use trace::values::{DAY_US, half_to_even};
use trace::{Opening, Payment, Policy, Rules};

/// Rates by currency of the tests and day, those of the base left out.
fn table(stored: &Stored, rates: &Rates) -> BTreeMap<(u16, i64), i64> {
    let number = |id: CurrencyId| {
        (0..CURRENCIES.len() as u16).find(|&number| stored.knows_currency(number) == Some(id)).unwrap()
    };
    let rows = rates.rows().into_iter().filter(|row| row.currency != rates.base());
    rows.map(|row| ((number(row.currency), row.day.into()), row.mantissa)).collect()
}

/// A ledger where everything is exchanged for everything, in a store.
fn exchanges(seed: u64, random: &mut Random) -> (Ledger, Stored) {
    let mut ledger = random_ledger(seed);
    let step = [1, DAY_US / 3, 3 * DAY_US][random.below(3) as usize];
    let num_currencies = 2 + random.below(3);
    let most = [9, 300, 30_000][random.below(3) as usize];
    // Some pairs are never exchanged, so that others are needed on the way.
    let barred: BTreeSet<(u16, u16)> =
        (0..random.below(4)).map(|_| (random.below(4) as u16, random.below(4) as u16)).collect();
    for (row, payment) in (0..).zip(&mut ledger.payments) {
        payment.time = (row - 20) * step / 4;
        payment.paid = 1 + random.below(most) as i64;
        payment.received = random.below(most + most / 3) as i64;
        let (from, to) = (random.below(num_currencies) as u16, random.below(num_currencies) as u16);
        let is_barred = barred.contains(&(from, to)) || barred.contains(&(to, from));
        (payment.paid_currency, payment.received_currency) = (from, if is_barred { from } else { to });
    }
    let stored = Stored::new(&ledger, Partition::None);
    (ledger, stored)
}

#[test]
fn derived_rates_are_the_medians_of_the_conversions_or_of_the_way_back_or_go_by_way_of_the_nearest() {
    let check = |seed: u64| {
        let random = &mut Random(!seed);
        let (ledger, stored) = exchanges(seed, random);
        let exponents = CURRENCIES.map(|(_, exponent)| exponent);
        let mut order: Vec<u16> =
            (0..exponents.len() as u16).filter(|&at| stored.knows_currency(at).is_some()).collect();
        order.sort_by_key(|&currency| stored.currency(currency));
        let base = order[random.below(order.len() as u64) as usize];
        // Sometimes only some days and accounts.
        let (first, last) = (ledger.payments[0].time, ledger.payments.last().unwrap().time);
        let (mut window, mut among) =
            (Window { from: first, to: last + 1 }, (0..ledger.num_accounts).collect::<BTreeSet<u32>>());
        if random.once_in(3) {
            window.from += random.below((last - first) as u64 / 2 + 1) as i64;
        }
        if random.once_in(3) {
            among.retain(|_| !random.once_in(4));
        }
        let inside = |payment: &&Payment| {
            let ends = [payment.source, payment.destination];
            window.contains(payment.time) && ends.iter().all(|end| among.contains(end))
        };
        let part: Vec<Payment> = ledger.payments.iter().filter(inside).copied().collect();
        let accounts: RoaringBitmap =
            among.iter().filter_map(|&account| stored.knows(account)).map(|id| id.0).collect();
        let view = stored.graph.window(window).unwrap().among(accounts);
        let found = Rates::derive(&view, stored.currency(base), &Run::new());
        let expected = trace::Rates::derive(&part, base, &exponents, &order);
        let direct = |currency: u16| {
            part.iter().any(|payment| {
                let ends = [payment.paid_currency, payment.received_currency];
                let moves = payment.paid > 0 && payment.received > 0 && !payment.failed;
                moves && ends.contains(&base) && ends.contains(&currency)
            })
        };
        match (found, expected) {
            (Ok(found), Some(expected)) => {
                assert!(found.is_derived());
                assert_eq!(table(&stored, &found), expected.table, "ledger {seed}, base {base}, {part:#?}");
                // What is derived can be given.
                let given = Rates::new(&stored.graph, stored.currency(base), &found.rows()).unwrap();
                assert_eq!(given.rows(), found.rows());
                let far = expected.table.keys().filter(|key| !direct(key.0)).count();
                (expected.table.len() - far, far, 0)
            }
            (Err(Error::Limit { .. }), None) => (0, 0, 1),
            (found, expected) => panic!("ledger {seed}, base {base}: {found:?}, not {expected:?}, {part:#?}"),
        }
    };
    let add = |a: (usize, usize, usize), b: (usize, usize, usize)| (a.0 + b.0, a.1 + b.1, a.2 + b.2);
    let (near, far, beyond) = (0..2_000u64).into_par_iter().map(check).reduce(|| (0, 0, 0), add);
    println!("{near} rates, {far} by way of another currency, {beyond} tables that do not fit");
    assert!(near > 4_000 && far > 400 && beyond > 10);
}

/// The rate of the latest day not after `day`, else of the earliest.
fn rate_on(days: &BTreeMap<i64, i64>, day: i64) -> i64 {
    let before = days.iter().filter(|known| *known.0 <= day).max();
    *before.or(days.iter().min()).unwrap().1
}

#[test]
fn a_value_is_the_amount_at_the_rate_of_its_day_in_ten_thousandths_rounded_half_to_even() {
    let pays = |currency: u16| Payment {
        source: 0,
        destination: 1,
        time: 0,
        paid: 1,
        paid_currency: currency,
        received: 1,
        received_currency: currency,
        failed: false,
    };
    let payments = (0..CURRENCIES.len() as u16).map(pays).collect();
    let ledger = Ledger { num_accounts: 2, num_cases: 0, payments, seeds: Vec::new() };
    let stored = Stored::new(&ledger, Partition::None);
    let (mut halves, mut too_much) = (0, 0);
    for seed in 0..4_000 {
        let random = &mut Random(seed);
        let (base, currency) = (random.below(4) as u16, random.below(4) as u16);
        let mut days: BTreeMap<i64, i64> = BTreeMap::new();
        for _ in 0..1 + random.below(5) {
            let scale = 10i64.pow(random.below(19) as u32);
            let rate = if random.once_in(2) {
                5 * (scale / 10).max(1)
            } else {
                1 + random.below(scale as u64) as i64
            };
            days.insert(
                random.below(20) as i64 - 10,
                if base == currency { 1_000_000_000_000 } else { rate },
            );
        }
        let row = |(&day, &mantissa): (&i64, &i64)| Rate {
            currency: stored.currency(currency),
            day: day as i32,
            mantissa,
        };
        let rows: Vec<Rate> = days.iter().map(row).collect();
        let rates = Rates::new(&stored.graph, stored.currency(base), &rows).unwrap();
        for _ in 0..20 {
            let bits = random.below(63);
            let amount = random.below(1 << bits) as i64;
            let time = random.below(30 * DAY_US as u64) as i64 - 15 * DAY_US;
            let rate = rate_on(&days, time.div_euclid(DAY_US));
            // amount / 10^(decimals) · rate / 10^12, in units of 10^-(decimals of the base + 4)
            let decimals = |currency: u16| u32::from(CURRENCIES[currency as usize].1);
            let product = i128::from(amount) * i128::from(rate);
            let up = 10i128.pow(decimals(base) + 4);
            let down = 10i128.pow(decimals(currency) + 12);
            let exact = product.checked_mul(up).map(|product| half_to_even(product, down));
            let exact = exact.and_then(|value| i64::try_from(value).ok());
            let is_half = product.checked_mul(up).is_some_and(|product| product % down * 2 == down);
            let found = rates.value(amount, stored.currency(currency).0, time);
            match (found, exact) {
                (Ok(found), Some(exact)) => assert_eq!(found, exact, "{amount} at {rate}"),
                (Err(Error::Limit { .. }), None) => too_much += 1,
                // The product of the test is too large and the value is not.
                (Ok(_), None) if product.checked_mul(up).is_none() => {}
                (found, exact) => panic!("{amount} at {rate}: {found:?}, not {exact:?}"),
            }
            halves += usize::from(is_half);
        }
    }
    println!("{halves} halves, {too_much} beyond 63 bits");
    assert!(halves > 200 && too_much > 1_000);
}

#[test]
fn pools_of_values_are_traced_as_the_oracle_traces_them_in_two_to_four_currencies() {
    let check = |seed: u64| {
        let ((ledger, rates), random) = (converting_ledger(seed), &mut Random(!seed));
        let stored =
            Stored::new(&ledger, if seed.is_multiple_of(2) { Partition::None } else { Partition::Month });
        let (mut flows, mut refused) = ([0; 5], 0);
        for _ in 0..5 {
            let rules = random_rules(&ledger, random);
            let rules = Rules { rates: Some(rates.clone()), ..rules };
            let expected = trace::try_trace(&ledger.payments, &ledger.seeds, &rules);
            let found = stored.trace(&stored.graph.view(), &ledger, &rules, true);
            match (found, expected) {
                (Ok(found), Ok(expected)) => {
                    let found = stored.answer(&found);
                    assert_eq!(found, expected, "ledger {seed}, {rules:?}");
                    assert!(found.ledger.keys().all(|row| row.1 == rates.base), "one pool, one currency");
                    let policy = Policy::ALL.iter().position(|policy| *policy == rules.policy).unwrap();
                    flows[policy] += found.flows.len();
                }
                (Err(Error::Input { input, .. }), Err(at))
                    if input.starts_with(&format!("seeds[{}]", at.0)) =>
                {
                    refused += 1;
                }
                (found, expected) => panic!("ledger {seed}, {rules:?}: {found:?}, not {expected:?}"),
            }
        }
        (flows, refused)
    };
    let add = |a: ([usize; 5], usize), b: ([usize; 5], usize)| {
        (std::array::from_fn(|at| a.0[at] + b.0[at]), a.1 + b.1)
    };
    let (flows, refused) = (0..1_500u64).into_par_iter().map(check).reduce(|| ([0; 5], 0), add);
    println!("{flows:?} flows by policy, {refused} refused");
    assert!(flows.iter().all(|&flows| flows > 2_000) && refused < 5_000);
}

#[test]
fn an_opening_of_several_currencies_is_one_pool_worth_what_it_was_on_the_first_day() {
    // 10.00 EUR at 1.25 and 300 JPY at 0.01: 15.50 USD, though the euro falls to 0.50 before anything is received.
    let pays = |source, destination, day: i64, paid, currency| Payment {
        source,
        destination,
        time: day * DAY_US,
        paid,
        paid_currency: currency,
        received: paid,
        received_currency: currency,
        failed: false,
    };
    let payments =
        vec![pays(1, 2, 0, 1, 0), pays(1, 0, 5, 1_000, 1), pays(0, 3, 6, 1_550, 0), pays(0, 4, 7, 100, 2)];
    let seeds = vec![trace::Seed::Transaction { case: 0, row: 1, amount: None }];
    let ledger = Ledger { num_accounts: 5, num_cases: 1, payments, seeds };
    let stored = Stored::new(&ledger, Partition::None);
    let one = 1_000_000_000_000;
    let table = [((1, -3), one * 5 / 4), ((1, 4), one / 2), ((2, 9), one / 100)].into_iter().collect();
    let exponents = CURRENCIES.map(|(_, exponent)| exponent).to_vec();
    let balance = |currency, amount| trace::Balance { account: 0, currency, time: None, amount };
    let rules = Rules {
        opening: Opening::Given,
        balances: vec![balance(1, 1_000), balance(2, 300)],
        rates: Some(trace::Rates { base: 0, exponents, table }),
        ..Rules::default()
    };
    let found = stored.answer(&stored.trace(&stored.graph.view(), &ledger, &rules, true).unwrap());
    // The opening pays the 15.50 dollars; of 5.00 that the euros are worth on day 5, 100 yen take 1.00.
    assert_eq!(found.flows, [(0, 1, 0, 5_000_000, 0), (0, 3, 1_000_000, 1_000_000, 1)]);
    let held: Vec<(u32, i128)> = found.holdings.iter().map(|(place, held)| (place.1, held.0)).collect();
    assert_eq!(held, [(0, 4_000_000), (4, 1_000_000)]);
}
