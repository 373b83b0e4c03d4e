//! Rates: what an amount of any currency is worth in one base currency, by day.
//!
//! Under value pooling an account has one pool. Every amount first becomes a value: base minor units × 10⁴, rounded
//! half to even, by the rate of its day. A rate is a decimal of 12 places: units of the base currency for one unit of
//! the other. The rate of a day is that of the latest day not after it, else the earliest one.
//!
//! # Method
//! Rates are an input, or come from the data's own conversions ([`Rates::derive`]): for each pair of currencies and
//! each UTC day the lower median of received / paid over the transactions that convert. A currency reaches the base
//! by its own medians, on days without by those of the opposite direction; one that has no pair with the base
//! goes by way of the currency nearest to the base with which it has one, the first of the graph's list among several: its
//! rate is then the product of the two rates of the day. A rate that is 0 in 12 places is none, and a rate that no
//! currency needs may be of any size.
//!
//! # Cost
//! Deriving reads the currency columns once and sorts the conversions.

use super::{Graph, View};
use crate::error::{Error, Result};
use crate::ids::{AccountId, CurrencyId};
use crate::run::Run;
use crate::store::format::flags;
use crate::units::Currency;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Units of value in one minor unit of the base currency.
pub const VALUE_UNITS: i64 = 10_000;

/// Decimal places of a rate.
pub const RATE_PLACES: u8 = 12;

const ONE: i128 = 10i128.pow(RATE_PLACES as u32);
const DAY_US: i64 = 86_400_000_000;

/// One rate of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate {
    /// The currency.
    pub currency: CurrencyId,
    /// Days since 1970-01-01, UTC.
    pub day: i32,
    /// Units of the base currency for one unit, × 10¹²; more than 0.
    pub mantissa: i64,
}

/// A dated table of rates to a base currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rates {
    base: CurrencyId,
    base_exponent: u8,
    /// By currency: its exponent and its rates, by day.
    tables: Vec<(Currency, Vec<(i32, i64)>)>,
    derived: bool,
}

impl Rates {
    /// The table of `rates` to `base`; in any order.
    ///
    /// # Errors
    /// [`Error::Input`] names two rates of one currency and day that differ, a rate of 0 or less, a rate of the base
    /// that is not 1, or a currency that is not in the graph.
    pub fn new(graph: &Graph, base: CurrencyId, rates: &[Rate]) -> Result<Self> {
        let unknown = |currency: CurrencyId| {
            Error::input("rates", format!("currency {} is not in the graph", currency.0))
        };
        let mut tables: Vec<(Currency, Vec<(i32, i64)>)> = graph
            .manifest()
            .schema
            .currencies
            .iter()
            .map(|currency| (currency.clone(), Vec::new()))
            .collect();
        let base_exponent = tables.get(base.index()).ok_or_else(|| unknown(base))?.0.exponent;
        let mut sorted = rates.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        for rate in &sorted {
            let place = |code: &str| format!("rate of {code} on day {}", rate.day);
            let Some((currency, table)) = tables.get_mut(rate.currency.index()) else {
                return Err(unknown(rate.currency));
            };
            if rate.mantissa <= 0 {
                return Err(Error::input(place(&currency.code), "must be more than 0"));
            }
            if rate.currency == base && i128::from(rate.mantissa) != ONE {
                return Err(Error::input(
                    place(&currency.code),
                    "is that of the base currency and must be 1",
                ));
            }
            if table.last().is_some_and(|&(day, _)| day == rate.day) {
                return Err(Error::input(place(&currency.code), "is given twice, with different values"));
            }
            table.push((rate.day, rate.mantissa));
        }
        tables[base.index()].1 = vec![(0, ONE as i64)];
        Ok(Rates { base, base_exponent, tables, derived: false })
    }

    /// The table that the conversions within `view` imply.
    ///
    /// # Errors
    /// [`Error::Limit`] if a rate that is needed does not fit into 12 places and 63 bits; a currency without any way to the base has
    /// no rates, and is refused by name when an amount of it is met.
    pub fn derive(view: &View<'_>, base: CurrencyId, run: &Run) -> Result<Self> {
        run.stage("rates", view.positions().end.0 - view.positions().start.0);
        let conversions = conversions(view, run)?;
        let num_currencies = view.graph().manifest().schema.currencies.len();
        let medians = medians(conversions);
        let mut rates = Rates::new(view.graph(), base, &[])?;
        rates.derived = true;
        let mut nearest = vec![base.0];
        let mut known = vec![false; num_currencies];
        known[base.index()] = true;
        let mut at = 0;
        while at < nearest.len() {
            let via = nearest[at];
            at += 1;
            for currency in 0..num_currencies as u16 {
                if known[currency as usize] {
                    continue;
                }
                let table = rates.by_way_of(via, &direct(&medians, currency, via)?)?;
                if table.is_empty() {
                    continue;
                }
                rates.tables[currency as usize].1 = table;
                known[currency as usize] = true;
                nearest.push(currency);
            }
        }
        Ok(rates)
    }

    /// The table of a currency that has `days` rates to the currency `via`.
    fn by_way_of(&self, via: u16, days: &[(i32, i64)]) -> Result<Vec<(i32, i64)>> {
        let onward = &self.tables[via as usize].1;
        if via == self.base.0 || days.is_empty() {
            return Ok(days.to_vec());
        }
        let mut all: Vec<i32> = days.iter().chain(onward).map(|&(day, _)| day).collect();
        all.sort_unstable();
        all.dedup();
        let product = |day| {
            let (a, b) = (rate_of(days, day).unwrap_or(0), rate_of(onward, day).unwrap_or(0));
            (day, half_even(i128::from(a) * i128::from(b), ONE))
        };
        let products = all.into_iter().map(product).filter(|&(_, rate)| rate > 0);
        products.map(|(day, rate)| Ok((day, fit(rate)?))).collect()
    }

    /// The base currency.
    pub fn base(&self) -> CurrencyId {
        self.base
    }

    /// Decimals of a value: those of the base currency and four more.
    pub fn exponent(&self) -> u8 {
        self.base_exponent + 4
    }

    /// Whether the rates come from the data's own conversions.
    pub fn is_derived(&self) -> bool {
        self.derived
    }

    /// Every rate, by currency and day; the base has one.
    pub fn rows(&self) -> Vec<Rate> {
        let rows = self.tables.iter().enumerate().flat_map(|(currency, (_, table))| {
            let currency = CurrencyId(currency as u16);
            table.iter().map(move |&(day, mantissa)| Rate { currency, day, mantissa })
        });
        rows.collect()
    }

    /// What `amount` minor units of `currency` are worth at a time, in units of value.
    ///
    /// # Errors
    /// [`Error::Input`] if there is no rate of the currency; [`Error::Limit`] if the value does not fit.
    #[inline]
    pub fn value(&self, amount: i64, currency: u16, time: i64) -> Result<i64> {
        let Some((money, table)) = self.tables.get(currency as usize) else {
            return Err(self.missing(currency));
        };
        let Some(rate) = rate_of(table, day_of(time)) else { return Err(self.missing(currency)) };
        let product = i128::from(amount) * i128::from(rate);
        let shift = i32::from(self.base_exponent) + 4 - i32::from(money.exponent);
        let power = 10i128.pow(shift.unsigned_abs());
        let value = if shift >= 0 {
            product.checked_mul(power).map(|product| half_even(product, ONE))
        } else {
            Some(half_even(product, ONE * power))
        };
        value.and_then(|value| i64::try_from(value).ok()).ok_or(Error::Limit {
            what: "units of value of one amount",
            found: u64::MAX,
            limit: i64::MAX as u64,
            remedy: "choose a base currency with larger units",
        })
    }

    #[cold]
    fn missing(&self, currency: u16) -> Error {
        let code =
            |at: usize| self.tables.get(at).map_or_else(|| at.to_string(), |table| table.0.code.clone());
        Error::input(
            format!("rate of {} in {}", code(currency as usize), code(self.base.index())),
            "there is none, and pooling by value needs one: give a table of rates that has it",
        )
    }
}

/// The UTC day of a time.
pub fn day_of(time_us: i64) -> i32 {
    time_us.div_euclid(DAY_US) as i32
}

/// The rate of a day in a table by day.
#[inline]
fn rate_of(table: &[(i32, i64)], day: i32) -> Option<i64> {
    let after = table.partition_point(|&(known, _)| known <= day);
    table.get(after.saturating_sub(1)).map(|&(_, rate)| rate)
}

/// `a / b` rounded half to even; `a ≥ 0`, `b > 0`.
fn half_even(a: i128, b: i128) -> i128 {
    let (quotient, remainder) = (a / b, a % b);
    match (remainder * 2).cmp(&b) {
        Ordering::Less => quotient,
        Ordering::Greater => quotient + 1,
        Ordering::Equal => quotient + quotient % 2,
    }
}

fn fit(mantissa: i128) -> Result<i64> {
    i64::try_from(mantissa).map_err(|_| Error::Limit {
        what: "units of the base currency for 10^12 units of another",
        found: u64::MAX,
        limit: i64::MAX as u64,
        remedy: "give a table of rates to another base currency",
    })
}

/// Received and paid of one conversion, scaled to units of the two currencies by powers of ten.
#[derive(Clone, Copy, Debug)]
struct Conversion {
    received: i128,
    paid: i128,
}

impl Conversion {
    /// By received / paid.
    fn order(&self, other: &Conversion) -> Ordering {
        compare(self.received, self.paid, other.received, other.paid)
    }

    /// received / paid, × 10¹².
    fn rate(&self) -> Result<i64> {
        let product = self.received.checked_mul(ONE);
        product.map_or_else(|| fit(i128::MAX), |product| fit(half_even(product, self.paid)))
    }

    /// As if what was received had been paid.
    fn inverse(self) -> Conversion {
        Conversion { received: self.paid, paid: self.received }
    }
}

/// Compares `a / b` with `c / d`, all above 0, without a product that could overflow.
fn compare(a: i128, b: i128, c: i128, d: i128) -> Ordering {
    let whole = (a / b).cmp(&(c / d));
    let (rest, other) = (a % b, c % d);
    match (whole, rest, other) {
        (Ordering::Equal, 0, _) | (Ordering::Equal, _, 0) => rest.signum().cmp(&other.signum()),
        (Ordering::Equal, ..) => compare(d, other, b, rest),
        _ => whole,
    }
}

/// (from, to, day) of a conversion.
type Pair = (u16, u16, i32);

/// The median of each pair by day.
type Medians = BTreeMap<(u16, u16), Vec<(i32, Conversion)>>;

fn conversions(view: &View<'_>, run: &Run) -> Result<BTreeMap<Pair, Vec<Conversion>>> {
    let mut found: BTreeMap<Pair, Vec<Conversion>> = BTreeMap::new();
    let currencies = &view.graph().manifest().schema.currencies;
    for part in view.parts() {
        let columns = &part.segment.transactions;
        let Some((amounts, into)) = &columns.received else { continue };
        for row in part.rows.clone() {
            if row % 65_536 == 0 {
                run.check()?;
                run.advance(65_536);
            }
            let (row, from, to) =
                (row as usize, columns.currency.get(row as usize)?, into.get(row as usize)?);
            if from == to || columns.flags.get(row)? & flags::MOVES_NOTHING != 0 {
                continue;
            }
            let ends = [columns.source.get(row)?, columns.destination.get(row)?];
            if ends.iter().any(|&end| !view.contains(AccountId(end))) {
                continue;
            }
            let (paid, received) = (columns.amount.get(row)?, amounts.get(row)?);
            let (Some(a), Some(b)) = (currencies.get(from as usize), currencies.get(to as usize)) else {
                continue;
            };
            if paid <= 0 || received <= 0 {
                continue;
            }
            // Both in units of 10^-max(exponents).
            let most = u32::from(a.exponent.max(b.exponent));
            let conversion = Conversion {
                received: i128::from(received) * 10i128.pow(most - u32::from(b.exponent)),
                paid: i128::from(paid) * 10i128.pow(most - u32::from(a.exponent)),
            };
            found.entry((from, to, day_of(columns.time.get(row)?))).or_default().push(conversion);
        }
    }
    Ok(found)
}

fn medians(conversions: BTreeMap<Pair, Vec<Conversion>>) -> Medians {
    let mut medians = Medians::new();
    for ((from, to, day), mut all) in conversions {
        let middle = (all.len() - 1) / 2;
        let (_, median, _) = all.select_nth_unstable_by(middle, Conversion::order);
        medians.entry((from, to)).or_default().push((day, *median));
    }
    medians
}

/// Rates of `from` in `to` by day: of its own conversions, else of those of the opposite direction.
fn direct(medians: &Medians, from: u16, to: u16) -> Result<Vec<(i32, i64)>> {
    let mut days: BTreeMap<i32, Conversion> = BTreeMap::new();
    for &(day, back) in medians.get(&(to, from)).into_iter().flatten() {
        days.insert(day, back.inverse());
    }
    days.extend(medians.get(&(from, to)).into_iter().flatten().copied());
    let rates = days.into_iter().map(|(day, median)| Ok((day, median.rate()?)));
    rates.filter(|rate| !matches!(rate, Ok((_, 0)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_neighbour() {
        assert_eq!([5, 15, 25, 26, 24].map(|a| half_even(a, 10)), [0, 2, 2, 3, 2]);
    }

    #[test]
    fn the_rate_of_a_day_is_the_latest_before_it_else_the_earliest() {
        let table = [(10, 1), (20, 2)];
        assert_eq!([5, 10, 15, 20, 99].map(|day| rate_of(&table, day)), [1, 1, 1, 2, 2].map(Some));
        assert_eq!(rate_of(&[], 5), None);
    }

    #[test]
    fn fractions_compare_as_their_cross_products_do() {
        for (a, b, c, d) in (1..2401i128).map(|n| (n % 7 + 1, n % 11 + 1, n % 13 + 1, n % 5 + 1)) {
            assert_eq!(compare(a, b, c, d), (a * d).cmp(&(c * b)), "{a}/{b} and {c}/{d}");
        }
        let large = i128::MAX;
        assert_eq!(compare(large, large - 1, large - 1, large - 2), Ordering::Less);
    }

    #[test]
    fn a_day_begins_at_midnight_before_1970_too() {
        assert_eq!([-1, 0, DAY_US - 1, DAY_US].map(day_of), [-1, 0, 0, 1]);
    }
}
