//! A walk: the transactions on one side of one account, in order or against it, one after another.
//!
//! Where a [`Cursor`](crate::trace::walk::cursor::Cursor) begins with the account's first transaction, a walk begins at any
//! position, found by binary search, so an account with a long history costs what is looked at of it.

use crate::error::Result;
use crate::graph::{Slice, View};
use crate::ids::AccountId;
use std::ops::Range;

/// With time, along what accounts pay, or against time, along what they receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Forward,
    Backward,
}

/// What one account pays, earliest first, or what it receives, latest first.
#[derive(Debug)]
pub(super) struct Walk<'g> {
    way: Way,
    /// Position of the transaction at hand and its other end.
    next: Option<(u64, u32)>,
    /// What follows it in its slice.
    slice: Slice<'g>,
    /// Slices not begun; the last of them is next.
    rest: Vec<Slice<'g>>,
}

impl<'g> Walk<'g> {
    /// Stands at the first transaction of `account` whose position lies in `range` and whose other end belongs to
    /// `view`.
    pub(super) fn new(view: &View<'g>, account: u32, way: Way, range: &Range<u64>) -> Result<Self> {
        let account = AccountId(account);
        let mut rest = match way {
            Way::Forward => within(view.out(account), range)?,
            Way::Backward => within(view.incoming(account), range)?,
        };
        if way == Way::Forward {
            rest.reverse();
        }
        let none = Slice { base: view.positions().start, neighbors: &[], transactions: &[] };
        let mut walk = Walk { way, next: None, slice: none, rest };
        walk.advance(view);
        Ok(walk)
    }

    /// Position of the transaction at hand and the account at its other end, or nothing at the end of the walk.
    #[inline]
    pub(super) fn next(&self) -> Option<(u64, u32)> {
        self.next
    }

    /// Steps to the next transaction within the view.
    #[inline]
    pub(super) fn advance(&mut self, view: &View<'g>) {
        loop {
            while let Some((row, other)) = self.take() {
                if view.contains(AccountId(other)) {
                    self.next = Some((self.slice.base.0 + u64::from(row), other));
                    return;
                }
            }
            match self.rest.pop() {
                Some(slice) => self.slice = slice,
                None => {
                    self.next = None;
                    return;
                }
            }
        }
    }

    #[inline]
    fn take(&mut self) -> Option<(u32, u32)> {
        let Slice { transactions, neighbors, .. } = self.slice;
        let ((&row, rows), (&other, others)) = match self.way {
            Way::Forward => (transactions.split_first()?, neighbors.split_first()?),
            Way::Backward => (transactions.split_last()?, neighbors.split_last()?),
        };
        (self.slice.transactions, self.slice.neighbors) = (rows, others);
        Some((row, other))
    }
}

/// The parts of `slices` whose positions lie in `range`.
fn within<'g>(slices: impl Iterator<Item = Result<Slice<'g>>>, range: &Range<u64>) -> Result<Vec<Slice<'g>>> {
    let mut kept = Vec::new();
    for slice in slices {
        let slice = slice?;
        let before = |limit: u64| {
            let local = limit.saturating_sub(slice.base.0);
            slice.transactions.partition_point(|&row| u64::from(row) < local)
        };
        let (begin, end) = (before(range.start), before(range.end));
        if begin < end {
            let (neighbors, transactions) = (&slice.neighbors[begin..end], &slice.transactions[begin..end]);
            kept.push(Slice { neighbors, transactions, ..slice });
        }
    }
    Ok(kept)
}
