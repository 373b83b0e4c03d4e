//! Rates that the conversions of a ledger imply, against the plainest reading of their definition.
#![allow(clippy::unwrap_used)]

#[path = "oracle/ledgers.rs"]
mod ledgers;
#[path = "oracle/store.rs"]
mod store;
#[path = "oracle/trace.rs"]
mod trace;

use ledgers::{CURRENCIES, Random, random_ledger};
use rayon::prelude::*;
use ringfence::Run;
use ringfence::store::manifest::Partition;
use ringfence::trace::Rates;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use store::Stored;
use trace::Payment;
use trace::values::{DAY_US, half_to_even};

const ONE: i128 = 1_000_000_000_000;

/// Received and paid of the conversions from one currency into another, by day, in units of 10⁻² each.
fn conversions(payments: &[Payment], from: u16, to: u16) -> BTreeMap<i64, Vec<(i128, i128)>> {
    let mut days: BTreeMap<i64, Vec<(i128, i128)>> = BTreeMap::new();
    let hundredths = |amount: i64, currency: u16| {
        i128::from(amount) * 10i128.pow(2 - u32::from(CURRENCIES[currency as usize].1))
    };
    for payment in payments {
        let converts = (payment.paid_currency, payment.received_currency) == (from, to);
        if converts && !payment.failed && payment.paid > 0 && payment.received > 0 {
            let day = payment.time.div_euclid(DAY_US);
            let pair = (hundredths(payment.received, to), hundredths(payment.paid, from));
            days.entry(day).or_default().push(pair);
        }
    }
    days
}

/// The lower median of received / paid; the amounts of these ledgers are small.
fn median(mut all: Vec<(i128, i128)>) -> (i128, i128) {
    let by_ratio = |a: &(i128, i128), b: &(i128, i128)| -> Ordering { (a.0 * b.1).cmp(&(b.0 * a.1)) };
    all.sort_by(by_ratio);
    all[(all.len() - 1) / 2]
}

/// Rates of a currency in another: its own medians, on other days those of the way back.
fn direct(payments: &[Payment], from: u16, to: u16) -> BTreeMap<i64, i128> {
    let mut days = BTreeMap::new();
    for (day, all) in conversions(payments, to, from) {
        let (received, paid) = median(all);
        days.insert(day, half_to_even(paid * ONE, received));
    }
    for (day, all) in conversions(payments, from, to) {
        let (received, paid) = median(all);
        days.insert(day, half_to_even(received * ONE, paid));
    }
    days
}

#[test]
fn derived_rates_are_the_medians_of_the_conversions_or_of_the_way_back() {
    let check = |seed: u64| {
        let (mut ledger, random) = (random_ledger(seed), &mut Random(!seed));
        let days = [1, DAY_US / 3, 3 * DAY_US][random.below(3) as usize];
        for (row, payment) in ledger.payments.iter_mut().enumerate() {
            payment.time = row as i64 * days / 4;
            payment.paid = 1 + random.below(30_000) as i64;
            payment.received_currency = random.below(3) as u16;
            payment.received = random.below(40_000) as i64;
        }
        let mut used: Vec<u16> =
            ledger.payments.iter().flat_map(|p| [p.paid_currency, p.received_currency]).collect();
        used.sort_unstable();
        used.dedup();
        let stored = Stored::new(&ledger, Partition::None);
        let base = used[random.below(used.len() as u64) as usize];
        let rates = Rates::derive(&stored.graph.view(), stored.currency(base), &Run::new()).unwrap();
        assert!(rates.is_derived());
        let mut compared = 0;
        for &currency in used.iter().filter(|&&currency| currency != base) {
            let expected = direct(&ledger.payments, currency, base);
            let id = stored.currency(currency);
            let rows = rates.rows();
            let rows = rows.iter().filter(|row| row.currency == id);
            let found: BTreeMap<i64, i128> =
                rows.map(|row| (i64::from(row.day), i128::from(row.mantissa))).collect();
            // Without a pair with the base, a currency goes by way of another.
            if expected.is_empty() {
                continue;
            }
            // A rate of 0 in twelve places is none.
            let expected: BTreeMap<i64, i128> = expected.into_iter().filter(|rate| rate.1 > 0).collect();
            assert_eq!(found, expected, "ledger {seed}, currency {currency} in {base}");
            compared += found.len();
        }
        compared
    };
    let compared: usize = (0..1_000u64).into_par_iter().map(check).sum();
    assert!(compared > 2_000, "only {compared} rates");
}
