//! Lots: amounts of money with an owner, and the pools that hold them.

use crate::error::{Error, Result};
use crate::trace::pool::draft::Draft;

/// Whose money a lot is: nobody's in particular (clean), or a case's.
///
/// The order is that of the rules: clean first, then cases as listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::trace) struct Owner(u32);

impl Owner {
    pub(in crate::trace) const CLEAN: Owner = Owner(0);

    /// The owner that is case `case`; there are at most `u32::MAX` of them.
    pub(in crate::trace) fn case(case: u32) -> Self {
        Owner(case + 1)
    }

    #[inline]
    pub(in crate::trace) fn is_clean(self) -> bool {
        self.0 == 0
    }

    /// The case that this owner is; clean has none.
    #[inline]
    pub(in crate::trace) fn as_case(self) -> Option<u32> {
        self.0.checked_sub(1)
    }
}

/// Some minor units of one owner that stand together in a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::trace) struct Lot {
    /// More than 0 wherever a lot is kept.
    pub(in crate::trace) amount: i64,
    pub(in crate::trace) owner: Owner,
    /// How many transactions moved it since its seed; 0 for clean money.
    pub(in crate::trace) hop: u32,
}

impl Lot {
    #[inline]
    pub(in crate::trace) fn clean(amount: i64) -> Self {
        Lot { amount, owner: Owner::CLEAN, hop: 0 }
    }

    /// Whether `self` and `other`, standing next to each other, are one lot.
    #[inline]
    pub(in crate::trace) fn joins(&self, other: &Lot) -> bool {
        self.owner == other.owner && self.hop == other.hop
    }
}

/// The money of one account in one currency, under one policy.
pub(in crate::trace) trait Pool {
    /// A pool that holds `balance` clean units.
    fn clean(balance: i64) -> Self;

    /// Clean and tainted units together.
    fn balance(&self) -> i64;

    /// Takes `amount` units out and appends them to `draft` as lots in the order in which they leave; what the pool
    /// lacks is clean and comes last. Returns how much of it is tainted.
    fn draw(&mut self, amount: i64, draft: &mut Draft) -> i64;

    /// Puts `lots`, `total` units in all, in as the newest.
    fn deposit(&mut self, lots: &[Lot], total: i64) -> Result<()>;

    /// Takes `amount` units out, newest first where lots have an order, and appends them to `draft`; there are as many.
    /// Returns how many of them are tainted.
    fn take_newest(&mut self, amount: i64, draft: &mut Draft) -> i64;

    /// Calls `each` with every tainted lot, in no order that matters.
    fn tainted(&self, each: impl FnMut(u32, i64));
}

/// `balance + amount`, or the error that says that no pool holds so much.
#[inline]
pub(in crate::trace) fn raise(balance: i64, amount: i64) -> Result<i64> {
    balance.checked_add(amount).ok_or_else(|| too_much(i128::from(balance) + i128::from(amount)))
}

/// The error for an amount over what a balance can hold.
#[cold]
pub(in crate::trace) fn too_much(amount: i128) -> Error {
    Error::Limit {
        what: "minor units of one currency in one account",
        found: u64::try_from(amount).unwrap_or(u64::MAX),
        limit: i64::MAX as u64,
        remedy: "ingest the amounts in a larger unit, or trace a shorter window",
    }
}

/// `⌊a · b / c⌋` and the remainder, for `a`, `b` ≥ 0 and `c` > 0; the quotient must fit.
#[inline]
pub(in crate::trace) fn mul_div(a: i64, b: i64, c: i64) -> (i64, i64) {
    let (a, b, c) = (a as u64, b as u64, c as u64);
    match a.checked_mul(b) {
        Some(product) => ((product / c) as i64, (product % c) as i64),
        None => {
            let product = u128::from(a) * u128::from(b);
            ((product / u128::from(c)) as i64, (product % u128::from(c)) as i64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_beyond_64_bits_divide_exactly() {
        assert_eq!(mul_div(7, 3, 2), (10, 1));
        let large = i64::MAX - 1;
        assert_eq!(mul_div(large, large, large), (large, 0));
        assert_eq!(mul_div(i64::MAX, i64::MAX - 1, i64::MAX), (i64::MAX - 1, 0));
        assert_eq!(mul_div(i64::MAX, 2, 3).0, ((i128::from(i64::MAX) * 2) / 3) as i64);
    }

    #[test]
    fn a_balance_over_the_limit_is_refused_and_not_wrapped() {
        assert_eq!(raise(i64::MAX - 1, 1).unwrap(), i64::MAX);
        assert!(matches!(raise(i64::MAX, 1), Err(Error::Limit { found, .. }) if found == 1 << 63));
    }

    #[test]
    fn clean_comes_before_every_case() {
        assert!(Owner::CLEAN < Owner::case(0) && Owner::case(0) < Owner::case(1));
        assert_eq!(Owner::case(7).as_case(), Some(7));
        assert_eq!(Owner::CLEAN.as_case(), None);
    }
}
