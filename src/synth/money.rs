//! Currencies, rates and amounts of the invented ledger.
//!
//! # Choices
//! Amounts that are drawn from a distribution are whole US cents first and become minor units of
//! the account's currency afterwards. The few floats on the way use additions, multiplications, divisions and square
//! roots only, which round the same on every machine; the library's `exp` and `ln` do not.

use crate::random::Stream;
use std::f64::consts::LOG2_E;

/// A currency of the invented ledger.
pub(crate) struct Tender {
    /// ISO 4217 code.
    pub code: &'static str,
    /// Decimals of the minor unit.
    pub exponent: u8,
    /// Country of the accounts that are kept in it.
    pub country: &'static str,
    /// Value of a minor unit, in millionths of a US cent.
    value: i64,
    /// Flat fee of a wire, in minor units.
    pub wire_fee_minor: i64,
}

/// The currencies; the first is that of most accounts.
pub(crate) const TENDERS: [Tender; 4] = [
    Tender { code: "USD", exponent: 2, country: "US", value: 1_000_000, wire_fee_minor: 1500 },
    Tender { code: "EUR", exponent: 2, country: "DE", value: 1_080_000, wire_fee_minor: 1200 },
    Tender { code: "GBP", exponent: 2, country: "GB", value: 1_260_000, wire_fee_minor: 1000 },
    Tender { code: "JPY", exponent: 0, country: "JP", value: 670_000, wire_fee_minor: 2000 },
];

/// Index of the currency of most accounts.
pub(crate) const MAIN: u8 = 0;

/// Share of a converted amount that arrives, in thousandths; the rest is the bank's margin.
const CONVERTED_PER_MILLE: i128 = 997;

/// Minor units of a tender's own unit: 100 for dollars, 1 for yen.
pub(crate) const fn unit_minor(currency: u8) -> i64 {
    if TENDERS[currency as usize].exponent == 0 { 1 } else { 100 }
}

/// What `cents` US cents are in minor units of `currency`, at the base rate; at least one own unit.
pub(crate) fn from_cents(cents: i64, currency: u8) -> i64 {
    let minor = match currency {
        MAIN => cents,
        _ => (i128::from(cents) * 1_000_000 / i128::from(TENDERS[currency as usize].value)) as i64,
    };
    minor.max(100)
}

/// The exchange rates of one day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    value: [i64; TENDERS.len()],
}

impl Rates {
    /// The rates of day `day`: the base values, each within one percent.
    pub fn of_day(stream: Stream, day: u64) -> Self {
        let mut draws = stream.draws(day);
        let mut value = TENDERS.map(|tender| tender.value);
        for value in value.iter_mut().skip(1) {
            *value += *value / 100 * (draws.below(2001) as i64 - 1000) / 1000;
        }
        Rates { value }
    }

    /// What arrives in `to` when `amount` minor units of `from` are paid, rounded down.
    pub fn convert(&self, amount: i64, from: u8, to: u8) -> i64 {
        let paid = i128::from(amount) * i128::from(self.value[from as usize]);
        (paid * CONVERTED_PER_MILLE / (i128::from(self.value[to as usize]) * 1000)) as i64
    }
}

/// 2 to the power `x`, for |x| < 1000, by a polynomial; the same bits on every machine.
fn exp2(x: f64) -> f64 {
    let whole = x.floor();
    let z = (x - whole) * std::f64::consts::LN_2;
    // Taylor series of e^z on [0, ln 2): the first term left out is under 1e-10.
    let mut sum = 1.0;
    for n in (1..=10).rev() {
        sum = 1.0 + sum * z / f64::from(n);
    }
    sum * f64::from_bits(((whole as i64 + 1023) as u64) << 52)
}

/// A standard normal value, near enough: the sum of four uniform ones, so within ±3.46.
#[inline]
fn normal(bits: u64) -> f64 {
    let sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
    // 4 · 65,535 / 2, and √(4 · (65,536² − 1) / 12).
    (sum as f64 - 131_070.0) / 37_837.227_4
}

/// A value of the lognormal distribution with this median.
#[inline]
pub(crate) fn log_normal(bits: u64, median: f64, sigma: f64) -> f64 {
    median * exp2(LOG2_E * sigma * normal(bits))
}

/// An amount in US cents, lognormal, at least one dollar.
#[inline]
pub(crate) fn cents(bits: u64, median_cents: f64, sigma: f64) -> i64 {
    (log_normal(bits, median_cents, sigma) as i64).max(100)
}

/// Splits `total` into `parts` that differ by up to a half, each at least 1, and that sum to it exactly.
pub(crate) fn split(total: i64, parts: usize, stream: Stream) -> Vec<i64> {
    let weights: Vec<i64> = (0..parts as u64).map(|i| 80 + (stream.at(i) % 41) as i64).collect();
    let sum: i64 = weights.iter().sum();
    let mut shares: Vec<i64> =
        weights.iter().map(|w| (total / sum * w + total % sum * w / sum).max(1)).collect();
    if let Some(last) = shares.len().checked_sub(1) {
        shares[last] = total - shares[..last].iter().sum::<i64>();
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp2_is_the_power_of_two() {
        for i in -400..400 {
            let x = f64::from(i) / 37.0;
            assert!((exp2(x) / x.exp2() - 1.0).abs() < 1e-9, "{x}");
        }
    }

    #[test]
    fn the_normal_values_have_mean_zero_and_deviation_one() {
        let stream = Stream::new(5, 0);
        let values: Vec<f64> = (0..100_000).map(|i| normal(stream.at(i))).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }

    #[test]
    fn a_conversion_there_and_back_loses_the_margin_and_never_gains() {
        for day in 0..50 {
            let rates = Rates::of_day(Stream::new(1, 1), day);
            for to in 1..TENDERS.len() as u8 {
                let back = rates.convert(rates.convert(1_000_000, MAIN, to), to, MAIN);
                assert!((993_000..995_000).contains(&back), "{back}");
            }
        }
    }

    #[test]
    fn a_split_sums_to_its_total() {
        for total in [7, 100, 12_345, 999_999_999] {
            for parts in 1..=7 {
                let shares = split(total, parts, Stream::new(total as u64, parts as u64));
                assert_eq!(shares.iter().sum::<i64>(), total);
                assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
            }
        }
    }

    #[test]
    fn exponents_are_those_of_the_standard() {
        for tender in &TENDERS {
            assert_eq!(crate::units::currency::iso_exponent(tender.code), Some(tender.exponent));
        }
    }
}
