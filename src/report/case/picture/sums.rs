//! Exact sums of amounts, and the rounded sizes that are drawn.

use crate::report::case::file::CaseAmount;

/// A sum of amounts of one currency.
#[derive(Clone, Debug, Default)]
pub(in crate::report::case) struct Sum {
    minor: i128,
    decimals: usize,
    /// Set when an amount could not be read or the sum is too large.
    unknown: bool,
}

impl Sum {
    /// Adds `amount`.
    pub(in crate::report::case) fn add(&mut self, amount: &CaseAmount) {
        let sum = amount.minor.parse().ok().and_then(|minor| self.minor.checked_add(minor));
        match sum {
            Some(sum) => self.minor = sum,
            None => self.unknown = true,
        }
        let decimals = amount.amount.split_once('.').map_or(0, |(_, digits)| digits.len());
        self.decimals = self.decimals.max(decimals.min(20));
    }

    /// How large, for widths; never negative.
    pub(in crate::report::case) fn size(&self) -> f64 {
        (self.minor as f64).max(0.0)
    }

    /// In major units, to the last digit; `?` where an amount could not be read.
    pub(in crate::report::case) fn amount(&self) -> String {
        if self.unknown {
            return "?".into();
        }
        let sign = if self.minor < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = self.decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.decimals);
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(amounts: &[(&str, &str)]) -> String {
        let mut sum = Sum::default();
        for (minor, amount) in amounts {
            sum.add(&CaseAmount { currency: "EUR".into(), minor: (*minor).into(), amount: (*amount).into() });
        }
        sum.amount()
    }

    #[test]
    fn sums_are_exact() {
        assert_eq!(sum(&[]), "0");
        assert_eq!(sum(&[("1", "0.01"), ("-3", "-0.03")]), "-0.02");
        assert_eq!(sum(&[("700", "700"), ("1", "1")]), "701");
        let large = "100000000000000000000000000000000000001";
        assert_eq!(sum(&[(large, "x.00"), ("1", "0.01")]), "1000000000000000000000000000000000000.02");
        assert_eq!(sum(&[("12.5", "0.125")]), "?");
        assert_eq!(sum(&[("170141183460469231731687303715884105727", "x"), ("1", "1")]), "?");
    }
}
