//! Clean first, and tainted first: a pool as two queues of lots, one clean and one tainted.
//!
//! Lots of both queues carry the number of their receipt, so that the newest money of the pool is still known when a
//! balance is seeded.
//!
//! # Cost
//! A draw splits at most one lot, so it costs O(1 + lots moved).

use crate::error::Result;
use crate::trace::pool::draft::Draft;
use crate::trace::pool::lot::{Lot, Pool, raise};
use std::collections::VecDeque;

/// Lots of one pool, clean and tainted apart, each oldest first. Payments take clean ones first if `CLEAN_FIRST`, else
/// tainted ones.
#[derive(Debug)]
pub(in crate::trace) struct Sorted<const CLEAN_FIRST: bool> {
    clean: Lots,
    tainted: Lots,
    balance: i64,
    /// Number of the next receipt.
    next: u64,
}

/// Clean money leaves first.
pub(in crate::trace) type CleanFirst = Sorted<true>;
/// Tainted money leaves first.
pub(in crate::trace) type TaintedFirst = Sorted<false>;

/// Lots with the numbers of their receipts, oldest first.
#[derive(Debug, Default)]
struct Lots(VecDeque<(u64, Lot)>);

impl Lots {
    /// Number of the newest lot plus one; 0 without any.
    fn newest(&self) -> u64 {
        self.0.back().map_or(0, |(number, _)| number + 1)
    }

    /// Takes up to `due` units from one end; returns how many.
    #[inline]
    fn take(&mut self, due: i64, newest: bool, draft: &mut Draft) -> i64 {
        let mut taken = 0;
        while taken < due {
            taken += match self.take_one(due - taken, newest, draft) {
                0 => break,
                some => some,
            };
        }
        taken
    }

    /// Takes up to `due` units of the lot at one end; returns how many.
    #[inline]
    fn take_one(&mut self, due: i64, newest: bool, draft: &mut Draft) -> i64 {
        let end = if newest { self.0.back_mut() } else { self.0.front_mut() };
        let Some((_, lot)) = end else { return 0 };
        let part = Lot { amount: lot.amount.min(due), ..*lot };
        lot.amount -= part.amount;
        if lot.amount == 0 {
            if newest {
                self.0.pop_back()
            } else {
                self.0.pop_front()
            };
        }
        draft.take(part);
        part.amount
    }

    /// Adds a lot; it joins the last one only if nothing came in between.
    #[inline]
    fn put(&mut self, lot: &Lot, number: u64) {
        match self.0.back_mut() {
            Some((last, known)) if *last + 1 == number && known.joins(lot) => {
                *last = number;
                known.amount += lot.amount;
            }
            _ => self.0.push_back((number, *lot)),
        }
    }
}

impl<const CLEAN_FIRST: bool> Pool for Sorted<CLEAN_FIRST> {
    fn clean(balance: i64) -> Self {
        let mut clean = Lots::default();
        if balance > 0 {
            clean.put(&Lot::clean(balance), 0);
        }
        Sorted { clean, tainted: Lots::default(), balance, next: 1 }
    }

    #[inline]
    fn balance(&self) -> i64 {
        self.balance
    }

    #[inline]
    fn draw(&mut self, amount: i64, draft: &mut Draft) -> i64 {
        let due = amount.min(self.balance);
        let tainted = if CLEAN_FIRST {
            let clean = self.clean.take(due, false, draft);
            self.tainted.take(due - clean, false, draft)
        } else {
            let tainted = self.tainted.take(due, false, draft);
            self.clean.take(due - tainted, false, draft);
            tainted
        };
        self.balance -= due;
        draft.take(Lot::clean(amount - due));
        tainted
    }

    #[inline]
    fn deposit(&mut self, lots: &[Lot], total: i64) -> Result<()> {
        self.balance = raise(self.balance, total)?;
        for lot in lots {
            let side = if lot.owner.is_clean() { &mut self.clean } else { &mut self.tainted };
            side.put(lot, self.next);
            self.next += 1;
        }
        Ok(())
    }

    fn take_newest(&mut self, amount: i64, draft: &mut Draft) -> i64 {
        let (mut due, mut tainted) = (amount, 0);
        while due > 0 {
            let from_tainted = self.tainted.newest() > self.clean.newest();
            let side = if from_tainted { &mut self.tainted } else { &mut self.clean };
            let taken = side.take_one(due, true, draft);
            debug_assert!(taken > 0, "no more is relabelled than there is");
            if taken == 0 {
                break;
            }
            tainted += if from_tainted { taken } else { 0 };
            due -= taken;
        }
        self.balance -= amount - due;
        tainted
    }

    fn tainted(&self, mut each: impl FnMut(u32, i64)) {
        for (_, lot) in &self.tainted.0 {
            if let Some(case) = lot.owner.as_case() {
                each(case, lot.amount);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::pool::lot::Owner;

    fn lot(amount: i64, case: u32) -> Lot {
        Lot { amount, owner: Owner::case(case), hop: 0 }
    }

    #[test]
    fn clean_money_leaves_first() {
        let mut pool = CleanFirst::clean(3);
        pool.deposit(&[lot(4, 0), Lot::clean(2), lot(4, 1)], 10).unwrap();
        let mut draft = Draft::new();
        assert_eq!(pool.draw(10, &mut draft), 5);
        assert_eq!(draft.lots(), [Lot::clean(5), lot(4, 0), lot(1, 1)]);
        draft.clear();
        assert_eq!(pool.draw(5, &mut draft), 3);
        assert_eq!(draft.lots(), [lot(3, 1), Lot::clean(2)]);
    }

    #[test]
    fn tainted_money_leaves_first() {
        let mut pool = TaintedFirst::clean(3);
        pool.deposit(&[lot(4, 0), Lot::clean(2), lot(4, 1)], 10).unwrap();
        let mut draft = Draft::new();
        assert_eq!(pool.draw(9, &mut draft), 8);
        assert_eq!(draft.lots(), [lot(4, 0), lot(4, 1), Lot::clean(1)]);
        assert_eq!(pool.balance(), 4);
    }

    #[test]
    fn the_newest_money_is_known_across_both_queues() {
        let mut pool = CleanFirst::clean(3);
        pool.deposit(&[lot(4, 0), Lot::clean(2), Lot::clean(1), lot(4, 1)], 11).unwrap();
        let mut draft = Draft::new();
        assert_eq!(pool.take_newest(9, &mut draft), 6);
        assert_eq!(draft.lots(), [lot(4, 1), Lot::clean(3), lot(2, 0)]);
        assert_eq!(pool.balance(), 5);
    }
}
