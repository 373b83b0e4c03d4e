//! Amounts as values in one currency, slowly: a dated table of rates, and a ledger written again in values.

use super::{Balance, Payment, Seed};
use std::collections::BTreeMap;

/// Microseconds of a day.
pub const DAY_US: i64 = 86_400_000_000;

/// What a unit of a currency is worth, by currency and day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// The currency of all values.
    pub base: u16,
    /// Decimals, by currency.
    pub exponents: Vec<u8>,
    /// (currency, day since 1970 UTC) → units of the base for one unit, times 10¹².
    pub table: BTreeMap<(u16, i64), i64>,
}

impl Rates {
    /// The rate of the latest day not after `day`, else of the earliest later one.
    pub fn rate(&self, currency: u16, day: i64) -> Option<i64> {
        if currency == self.base {
            return Some(1_000_000_000_000);
        }
        let before = self.table.range((currency, i64::MIN)..=(currency, day)).next_back();
        let after = || self.table.range((currency, day)..=(currency, i64::MAX)).next();
        before.or_else(after).map(|(_, rate)| *rate)
    }

    /// Ten-thousandths of a minor unit of the base, rounded half to even.
    pub fn value(&self, amount: i64, currency: u16, day: i64) -> i64 {
        let rate = self.rate(currency, day).unwrap_or_else(|| panic!("no rate of currency {currency}"));
        let decimals = |currency: u16| i32::from(self.exponents[currency as usize]);
        // amount · rate · 10^(4 + base − currency) / 10¹²
        let shift = 4 + decimals(self.base) - decimals(currency) - 12;
        let product = i128::from(amount) * i128::from(rate);
        let ten = |power: i32| 10i128.pow(power.unsigned_abs());
        let value = if shift >= 0 { product * ten(shift) } else { half_to_even(product, ten(shift)) };
        value.try_into().unwrap_or_else(|_| panic!("{amount} of currency {currency} is worth too much"))
    }

    pub fn value_at(&self, amount: i64, currency: u16, time: i64) -> i64 {
        self.value(amount, currency, time.div_euclid(DAY_US))
    }

    /// The payments with values for amounts, all in the base.
    pub fn payments(&self, payments: &[Payment]) -> Vec<Payment> {
        let valued = |payment: &Payment| Payment {
            paid: self.value_at(payment.paid, payment.paid_currency, payment.time),
            received: self.value_at(payment.received, payment.received_currency, payment.time),
            paid_currency: self.base,
            received_currency: self.base,
            ..*payment
        };
        payments.iter().map(valued).collect()
    }

    /// The seeds likewise; `payments` are those in their own currencies.
    pub fn seeds(&self, payments: &[Payment], seeds: &[Seed]) -> Vec<Seed> {
        let value = |amount: Option<i64>, currency, time| Some(self.value_at(amount?, currency, time));
        let mut claimed: BTreeMap<usize, i128> = BTreeMap::new();
        let valued = |seed: &Seed| match *seed {
            // ⌊C·v/r⌋ − ⌊C'·v/r⌋ for running totals C of the r units received, which are worth v.
            Seed::Transaction { case, row, amount } => {
                let Payment { received, received_currency, time, .. } = payments[row];
                let before = claimed.entry(row).or_insert(0i128);
                let after = *before + i128::from(amount.unwrap_or(received));
                let worth = i128::from(self.value_at(received, received_currency, time));
                let share = |total: i128| total * worth / i128::from(received);
                let amount = share(after) - share(*before);
                *before = after;
                Seed::Transaction { case, row, amount: Some(amount as i64) }
            }
            Seed::Deposit { case, account, currency, time, amount } => {
                let amount = self.value_at(amount, currency, time);
                Seed::Deposit { case, account, currency: self.base, time, amount }
            }
            Seed::Balance { case, account, currency, time, amount } => {
                let amount = value(amount, currency, time);
                Seed::Balance { case, account, currency: self.base, time, amount }
            }
        };
        seeds.iter().map(valued).collect()
    }

    /// The opening balances likewise: what is there when the first payment is made, and nothing for a debt.
    pub fn balances(&self, payments: &[Payment], balances: &[Balance]) -> Vec<Balance> {
        let first = payments.first().map_or(0, |payment| payment.time);
        let opening = balances.iter().filter(|balance| balance.time.is_none());
        let valued = |balance: &Balance| Balance {
            amount: self.value_at(balance.amount.max(0), balance.currency, first),
            currency: self.base,
            ..*balance
        };
        opening.map(valued).collect()
    }
}

/// Received and paid of some conversions in one unit, by day.
type Conversions = BTreeMap<i64, Vec<(i128, i128)>>;

/// One, as a rate.
const ONE: i128 = 1_000_000_000_000;

impl Rates {
    /// What the conversions of a ledger imply; `order` is that of the graph's currencies. `None` if a rate that is needed does
    /// not fit into 63 bits.
    pub fn derive(payments: &[Payment], base: u16, exponents: &[u8], order: &[u16]) -> Option<Rates> {
        let mut rates = Rates { base, exponents: exponents.to_vec(), table: BTreeMap::new() };
        let mut known = vec![base];
        let mut nearest = vec![base];
        // Those one conversion away from the base, then those one conversion away from these, and so on.
        while !nearest.is_empty() {
            let mut next = Vec::new();
            for &via in &nearest {
                for &currency in order {
                    if known.contains(&currency) {
                        continue;
                    }
                    let table = rates.by_way_of(via, &rates.direct(payments, currency, via)?)?;
                    if !table.is_empty() {
                        known.push(currency);
                        next.push(currency);
                    }
                    rates.table.extend(table.into_iter().map(|(day, rate)| ((currency, day), rate)));
                }
            }
            nearest = next;
        }
        Some(rates)
    }

    /// The product of the rates of each day that has any; a rate of 0 is none.
    fn by_way_of(&self, via: u16, days: &BTreeMap<i64, i64>) -> Option<BTreeMap<i64, i64>> {
        if days.is_empty() {
            return Some(BTreeMap::new());
        }
        let first_leg = Rates {
            base: u16::MAX,
            exponents: Vec::new(),
            table: days.iter().map(|(&day, &rate)| ((0, day), rate)).collect(),
        };
        let onward = self.table.keys().filter(|key| key.0 == via).map(|key| key.1);
        let mut table = BTreeMap::new();
        for day in days.keys().copied().chain(onward) {
            let product = i128::from(first_leg.rate(0, day)?) * i128::from(self.rate(via, day)?);
            let rate = i64::try_from(half_to_even(product, ONE)).ok()?;
            if rate > 0 {
                table.insert(day, rate);
            }
        }
        Some(table)
    }

    /// Rates of a currency in another: the lower medians of its conversions, on other days those of the way back.
    fn direct(&self, payments: &[Payment], from: u16, to: u16) -> Option<BTreeMap<i64, i64>> {
        let there = self.conversions(payments, from, to);
        let mut days = BTreeMap::new();
        for (day, all) in self.conversions(payments, to, from) {
            if !there.contains_key(&day) {
                let (received, paid) = median(all);
                days.insert(day, half_to_even(paid * ONE, received));
            }
        }
        for (day, all) in there {
            let (received, paid) = median(all);
            days.insert(day, half_to_even(received * ONE, paid));
        }
        let rates = days.into_iter().filter(|rate| rate.1 > 0);
        rates.map(|(day, rate)| Some((day, i64::try_from(rate).ok()?))).collect()
    }

    fn conversions(&self, payments: &[Payment], from: u16, to: u16) -> Conversions {
        let mut days = Conversions::new();
        // In units of 10⁻⁸.
        let units = |amount: i64, currency: u16| {
            i128::from(amount) * 10i128.pow(8 - u32::from(self.exponents[currency as usize]))
        };
        for payment in payments {
            let converts = (payment.paid_currency, payment.received_currency) == (from, to);
            if converts && !payment.failed && payment.paid > 0 && payment.received > 0 {
                let pair = (units(payment.received, to), units(payment.paid, from));
                days.entry(payment.time.div_euclid(DAY_US)).or_default().push(pair);
            }
        }
        days
    }
}

/// The lower median of received / paid; the amounts of these ledgers are small.
fn median(mut all: Vec<(i128, i128)>) -> (i128, i128) {
    all.sort_by(|a, b| (a.0 * b.1).cmp(&(b.0 * a.1)));
    all[(all.len() - 1) / 2]
}

/// `a / b` for `b > 0`, rounded to the nearest, halves to the even one.
pub fn half_to_even(a: i128, b: i128) -> i128 {
    let (floor, rest) = (a.div_euclid(b), a.rem_euclid(b));
    match (2 * rest).cmp(&b) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Greater => floor + 1,
        std::cmp::Ordering::Equal => floor + floor.rem_euclid(2),
    }
}
