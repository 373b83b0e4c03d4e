//! A draft: the lots that one payment takes, and the working space for choosing them.

use crate::trace::pool::lot::{Lot, Owner, mul_div};

/// Lots on their way from one pool to another. Reused from payment to payment.
#[derive(Debug, Default)]
pub(in crate::trace) struct Draft {
    lots: Vec<Lot>,
    /// Remainders of the shares begun last, with their places in `lots`.
    remainders: Vec<(i64, u32)>,
}

impl Draft {
    pub(in crate::trace) fn new() -> Self {
        Self::default()
    }

    #[inline]
    pub(in crate::trace) fn clear(&mut self) {
        self.lots.clear();
    }

    /// The lots, in the order in which they left.
    #[inline]
    pub(in crate::trace) fn lots(&self) -> &[Lot] {
        &self.lots
    }

    /// Appends a lot; an empty one vanishes, and one that joins the last grows it.
    #[inline]
    pub(in crate::trace) fn take(&mut self, lot: Lot) {
        if lot.amount == 0 {
            return;
        }
        match self.lots.last_mut() {
            Some(last) if last.joins(&lot) => last.amount += lot.amount,
            _ => self.lots.push(lot),
        }
    }

    /// Gives a clean lot at the end to `owner`, and returns its units; 0 without one.
    pub(in crate::trace) fn own(&mut self, owner: Owner) -> i64 {
        match self.lots.pop_if(|lot| lot.owner.is_clean()) {
            Some(lot) => {
                self.take(Lot { owner, ..lot });
                lot.amount
            }
            None => 0,
        }
    }

    /// Begins a list of shares, of which any may be empty until the end; returns its first place.
    pub(in crate::trace) fn begin_shares(&mut self) -> usize {
        self.remainders.clear();
        self.lots.len()
    }

    /// Appends a share that was rounded down, and what was cut off.
    pub(in crate::trace) fn take_share(&mut self, share: Lot, remainder: i64) {
        self.remainders.push((remainder, self.lots.len() as u32));
        self.lots.push(share);
    }

    /// Gives one unit more to each of the `units` shares with the largest remainders; ties to the earlier share.
    pub(in crate::trace) fn add_by_remainder(&mut self, first: usize, units: usize) {
        if units == 0 {
            return;
        }
        debug_assert!(units < self.remainders.len() && self.lots.len() - first == self.remainders.len());
        self.remainders.select_nth_unstable_by(units - 1, |a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        for &(_, place) in &self.remainders[..units] {
            self.lots[place as usize].amount += 1;
        }
    }

    /// The amount of the share at a place.
    pub(in crate::trace) fn share(&self, place: usize) -> i64 {
        self.lots[place].amount
    }

    /// Ends the list of shares begun at `first`: empty ones vanish.
    pub(in crate::trace) fn end_shares(&mut self, first: usize) {
        let mut kept = first;
        for at in first..self.lots.len() {
            if self.lots[at].amount > 0 {
                self.lots[kept] = self.lots[at];
                kept += 1;
            }
        }
        self.lots.truncate(kept);
    }

    /// Scales the lots, `paid` units in all, to `received` units, and calls `each` with every lot as it was drawn
    /// and the units of it that arrive.
    ///
    /// The running totals are rounded down: after lots of `C` units, `⌊C · received / paid⌋` have arrived, so all of
    /// `received` arrives in the end.
    #[inline]
    pub(in crate::trace) fn scale(&self, paid: i64, received: i64, mut each: impl FnMut(&Lot, i64)) {
        let (mut drawn, mut arrived) = (0, 0);
        for lot in &self.lots {
            drawn += lot.amount;
            let reached = if paid == received { drawn } else { mul_div(drawn, received, paid).0 };
            each(lot, reached - arrived);
            arrived = reached;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaled_lots_sum_to_what_is_received() {
        let mut draft = Draft::new();
        for (amount, case) in [(3, 0), (3, 1), (4, 2)] {
            draft.take(Lot { amount, owner: Owner::case(case), hop: 0 });
        }
        let scaled = |received| {
            let mut parts = Vec::new();
            draft.scale(10, received, |_, part| parts.push(part));
            parts
        };
        assert_eq!(scaled(10), [3, 3, 4]);
        assert_eq!(scaled(9), [2, 3, 4]);
        assert_eq!(scaled(1), [0, 0, 1]);
        assert_eq!(scaled(0), [0, 0, 0]);
        assert_eq!(scaled(25), [7, 8, 10]);
    }
}
