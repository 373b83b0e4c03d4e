//! Pro rata: a pool as a vector of shares, one per owner.
//!
//! A payment of `p` from a pool of `B` takes `⌊p · a / B⌋` from the owner of `a` units; the units still due are
//! taken one each from the owners with the largest remainders, ties to clean money first, then to the case listed
//! first. A share is one lot: where receipts of several hops meet, it keeps the smallest.
//!
//! # Cost
//! A draw from a pool with k tainting cases costs O(k), with one division for k = 1.

use crate::error::Result;
use crate::trace::pool::draft::Draft;
use crate::trace::pool::lot::{Lot, Owner, Pool, mul_div, raise};

/// What each owner has in a pool.
#[derive(Debug)]
pub(in crate::trace) struct Shares {
    clean: i64,
    /// Sum of `cases`.
    tainted: i64,
    /// One lot per case that has any, in the order of cases.
    cases: Vec<Lot>,
}

impl Shares {
    /// Takes everything, and what is missing from outside.
    fn draw_all(&mut self, amount: i64, draft: &mut Draft) -> i64 {
        let short = amount - self.balance();
        draft.take(Lot::clean(self.clean));
        for share in self.cases.drain(..) {
            draft.take(share);
        }
        draft.take(Lot::clean(short));
        self.clean = 0;
        std::mem::take(&mut self.tainted)
    }

    /// One case only: the remainders of case and clean are `r` and `B - r`, or both 0.
    fn draw_one_case(&mut self, amount: i64, draft: &mut Draft) -> i64 {
        let balance = self.balance();
        let share = &mut self.cases[0];
        let (floor, remainder) = mul_div(amount, share.amount, balance);
        let tainted = floor + i64::from(remainder > balance - remainder);
        draft.take(Lot::clean(amount - tainted));
        draft.take(Lot { amount: tainted, ..*share });
        share.amount -= tainted;
        self.tainted -= tainted;
        self.clean -= amount - tainted;
        tainted
    }

    /// Several cases: floors, then one more unit for the largest remainders.
    fn draw_shares(&mut self, amount: i64, draft: &mut Draft) -> i64 {
        let balance = self.balance();
        let first = draft.begin_shares();
        let mut due = amount;
        for share in std::iter::once(Lot::clean(self.clean)).chain(self.cases.iter().copied()) {
            let (floor, remainder) = mul_div(amount, share.amount, balance);
            due -= floor;
            draft.take_share(Lot { amount: floor, ..share }, remainder);
        }
        draft.add_by_remainder(first, due as usize);
        let (mut tainted, clean) = (0, draft.share(first));
        for (index, share) in self.cases.iter_mut().enumerate() {
            let taken = draft.share(first + 1 + index);
            share.amount -= taken;
            tainted += taken;
        }
        draft.end_shares(first);
        self.clean -= clean;
        self.tainted -= tainted;
        tainted
    }
}

impl Pool for Shares {
    fn clean(balance: i64) -> Self {
        Shares { clean: balance, tainted: 0, cases: Vec::new() }
    }

    #[inline]
    fn balance(&self) -> i64 {
        self.clean + self.tainted
    }

    #[inline]
    fn draw(&mut self, amount: i64, draft: &mut Draft) -> i64 {
        if amount >= self.balance() {
            return self.draw_all(amount, draft);
        }
        let tainted = match self.cases.len() {
            0 => {
                draft.take(Lot::clean(amount));
                self.clean -= amount;
                return 0;
            }
            1 => self.draw_one_case(amount, draft),
            _ => self.draw_shares(amount, draft),
        };
        self.cases.retain(|share| share.amount > 0);
        tainted
    }

    #[inline]
    fn deposit(&mut self, lots: &[Lot], total: i64) -> Result<()> {
        raise(self.balance(), total)?;
        for lot in lots {
            if lot.owner == Owner::CLEAN {
                self.clean += lot.amount;
                continue;
            }
            self.tainted += lot.amount;
            match self.cases.binary_search_by_key(&lot.owner, |share| share.owner) {
                Ok(at) => {
                    let share = &mut self.cases[at];
                    share.amount += lot.amount;
                    share.hop = share.hop.min(lot.hop);
                }
                Err(at) => self.cases.insert(at, *lot),
            }
        }
        Ok(())
    }

    /// A vector of shares has no newest: every owner gives in proportion.
    fn take_newest(&mut self, amount: i64, draft: &mut Draft) -> i64 {
        self.draw(amount, draft)
    }

    fn tainted(&self, mut each: impl FnMut(u32, i64)) {
        for share in &self.cases {
            if let Some(case) = share.owner.as_case() {
                each(case, share.amount);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lot(amount: i64, case: u32, hop: u32) -> Lot {
        Lot { amount, owner: Owner::case(case), hop }
    }

    fn pool(clean: i64, cases: &[i64]) -> Shares {
        let mut pool = Shares::clean(clean);
        for (case, &amount) in cases.iter().enumerate() {
            pool.deposit(&[lot(amount, case as u32, 0)], amount).unwrap();
        }
        pool
    }

    fn drawn(pool: &mut Shares, amount: i64) -> Vec<Lot> {
        let mut draft = Draft::new();
        pool.draw(amount, &mut draft);
        draft.lots().to_vec()
    }

    #[test]
    fn a_tie_of_remainders_goes_to_clean_money() {
        // 1 of 2: both remainders are 1/2.
        assert_eq!(drawn(&mut pool(1, &[1]), 1), [Lot::clean(1)]);
        // 1 of 3 with 2 tainted: remainders 1/3 and 2/3.
        assert_eq!(drawn(&mut pool(1, &[2]), 1), [lot(1, 0, 0)]);
    }

    #[test]
    fn a_tie_of_remainders_goes_to_the_case_listed_first() {
        // 2 of 4 units, 1 clean and 1, 1, 1: remainders 1/2 each, two units to give.
        assert_eq!(drawn(&mut pool(1, &[1, 1, 1]), 2), [Lot::clean(1), lot(1, 0, 0)]);
        assert_eq!(drawn(&mut pool(0, &[1, 1, 1]), 2), [lot(1, 0, 0), lot(1, 1, 0)]);
    }

    #[test]
    fn one_case_draws_like_several() {
        for clean in 0..12 {
            for tainted in 1..12 {
                for amount in 1..clean + tainted {
                    let (mut one, mut several) = (pool(clean, &[tainted]), pool(clean, &[tainted]));
                    let (mut a, mut b) = (Draft::new(), Draft::new());
                    assert_eq!(one.draw_one_case(amount, &mut a), several.draw_shares(amount, &mut b));
                    assert_eq!(a.lots(), b.lots(), "{amount} of {clean} + {tainted}");
                }
            }
        }
    }

    #[test]
    fn a_shortfall_is_clean_and_comes_last() {
        assert_eq!(drawn(&mut pool(2, &[3]), 9), [Lot::clean(2), lot(3, 0, 0), Lot::clean(4)]);
    }

    #[test]
    fn a_share_keeps_the_smallest_hop() {
        let mut pool = Shares::clean(0);
        pool.deposit(&[lot(1, 0, 4)], 1).unwrap();
        pool.deposit(&[lot(1, 0, 2), lot(1, 0, 3)], 2).unwrap();
        assert_eq!(drawn(&mut pool, 3), [lot(3, 0, 2)]);
    }
}
