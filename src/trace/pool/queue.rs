//! First in, first out, and last in, first out: a pool as a queue of lots.
//!
//! # Cost
//! A draw splits at most one lot, so it costs O(1 + lots moved).

use crate::error::Result;
use crate::trace::pool::draft::Draft;
use crate::trace::pool::lot::{Lot, Pool, raise};
use std::collections::VecDeque;

/// Lots of one pool, oldest first; neighbours that join are one lot. Payments take the newest if `NEWEST`, else the
/// oldest.
#[derive(Debug)]
pub(in crate::trace) struct Queue<const NEWEST: bool> {
    lots: VecDeque<Lot>,
    balance: i64,
}

/// First in, first out.
pub(in crate::trace) type Fifo = Queue<false>;
/// Last in, first out.
pub(in crate::trace) type Lifo = Queue<true>;

impl<const NEWEST: bool> Queue<NEWEST> {
    #[inline]
    fn take(&mut self, amount: i64, newest: bool, draft: &mut Draft) -> i64 {
        let (mut due, mut tainted) = (amount, 0);
        while due > 0 {
            let end = if newest { self.lots.back_mut() } else { self.lots.front_mut() };
            let Some(lot) = end else {
                draft.take(Lot::clean(due));
                break;
            };
            let taken = Lot { amount: lot.amount.min(due), ..*lot };
            lot.amount -= taken.amount;
            if lot.amount == 0 {
                if newest {
                    self.lots.pop_back()
                } else {
                    self.lots.pop_front()
                };
            }
            due -= taken.amount;
            self.balance -= taken.amount;
            if !taken.owner.is_clean() {
                tainted += taken.amount;
            }
            draft.take(taken);
        }
        tainted
    }
}

impl<const NEWEST: bool> Pool for Queue<NEWEST> {
    fn clean(balance: i64) -> Self {
        let mut lots = VecDeque::new();
        if balance > 0 {
            lots.push_back(Lot::clean(balance));
        }
        Queue { lots, balance }
    }

    #[inline]
    fn balance(&self) -> i64 {
        self.balance
    }

    #[inline]
    fn draw(&mut self, amount: i64, draft: &mut Draft) -> i64 {
        self.take(amount, NEWEST, draft)
    }

    #[inline]
    fn deposit(&mut self, lots: &[Lot], total: i64) -> Result<()> {
        self.balance = raise(self.balance, total)?;
        for lot in lots {
            match self.lots.back_mut() {
                Some(last) if last.joins(lot) => last.amount += lot.amount,
                _ => self.lots.push_back(*lot),
            }
        }
        Ok(())
    }

    fn take_newest(&mut self, amount: i64, draft: &mut Draft) -> i64 {
        self.take(amount, true, draft)
    }

    fn tainted(&self, mut each: impl FnMut(u32, i64)) {
        for lot in &self.lots {
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

    fn lot(amount: i64, case: u32, hop: u32) -> Lot {
        Lot { amount, owner: Owner::case(case), hop }
    }

    fn held<const NEWEST: bool>(pool: &Queue<NEWEST>) -> Vec<(u32, i64)> {
        let mut held = Vec::new();
        pool.tainted(|case, amount| held.push((case, amount)));
        held
    }

    #[test]
    fn the_oldest_lot_leaves_first_and_is_split() {
        let mut pool = Fifo::clean(10);
        pool.deposit(&[lot(5, 0, 0), lot(5, 1, 0)], 10).unwrap();
        let mut draft = Draft::new();
        assert_eq!(pool.draw(12, &mut draft), 2);
        assert_eq!(draft.lots(), [Lot::clean(10), lot(2, 0, 0)]);
        assert_eq!(pool.balance(), 8);
        assert_eq!(held(&pool), [(0, 3), (1, 5)]);
    }

    #[test]
    fn the_newest_lot_leaves_first_and_is_split() {
        let mut pool = Lifo::clean(10);
        pool.deposit(&[lot(5, 0, 0), lot(5, 1, 0)], 10).unwrap();
        let mut draft = Draft::new();
        assert_eq!(pool.draw(7, &mut draft), 7);
        assert_eq!(draft.lots(), [lot(5, 1, 0), lot(2, 0, 0)]);
        assert_eq!((pool.balance(), held(&pool)), (13, vec![(0, 3)]));
    }

    #[test]
    fn what_a_pool_lacks_is_clean_and_comes_last() {
        let mut pool = Fifo::clean(0);
        pool.deposit(&[lot(3, 0, 1)], 3).unwrap();
        let mut draft = Draft::new();
        assert_eq!(pool.draw(10, &mut draft), 3);
        assert_eq!(draft.lots(), [lot(3, 0, 1), Lot::clean(7)]);
        assert_eq!(pool.balance(), 0);
    }

    #[test]
    fn neighbours_of_one_owner_and_hop_are_one_lot() {
        let mut pool = Fifo::clean(4);
        pool.deposit(&[Lot::clean(1), lot(2, 0, 1), lot(2, 0, 1), lot(2, 0, 2)], 7).unwrap();
        assert_eq!(pool.lots, [Lot::clean(5), lot(4, 0, 1), lot(2, 0, 2)]);
    }
}
