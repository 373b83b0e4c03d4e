//! A cursor: the transactions on one side of one account, in order, one after another.

use crate::error::Result;
use crate::graph::{Slice, View};
use crate::ids::AccountId;
use crate::trace::walk::rows::{Money, Rows};

/// The position of a cursor that has come to its end.
pub(in crate::trace) const NEVER: u64 = u64::MAX;

/// What one account pays, or what it receives, from some position on.
#[derive(Clone, Debug)]
pub(in crate::trace) struct Cursor<'g> {
    /// Position of the transaction that the cursor stands at, or [`NEVER`].
    next: u64,
    /// The rest of the current slice, that transaction included.
    slice: Slice<'g>,
    later: std::vec::IntoIter<Slice<'g>>,
}

impl<'g> Cursor<'g> {
    /// Stands at the first of `slices` whose other end belongs to `view`.
    pub(in crate::trace) fn new(
        slices: impl Iterator<Item = Result<Slice<'g>>>,
        view: &View<'g>,
    ) -> Result<Self> {
        let mut later = slices.collect::<Result<Vec<_>>>()?.into_iter();
        let none = Slice { base: view.positions().start, neighbors: &[], transactions: &[] };
        let mut cursor = Cursor { next: NEVER, slice: later.next().unwrap_or(none), later };
        cursor.settle(view);
        Ok(cursor)
    }

    #[inline]
    pub(in crate::trace) fn next(&self) -> u64 {
        self.next
    }

    /// Steps to the next transaction.
    #[inline]
    pub(in crate::trace) fn advance(&mut self, view: &View<'g>) {
        self.skip();
        self.settle(view);
    }

    #[inline]
    fn skip(&mut self) {
        self.slice.neighbors = &self.slice.neighbors[1..];
        self.slice.transactions = &self.slice.transactions[1..];
    }

    /// Moves on to the first transaction within the view, the current one included.
    #[inline]
    fn settle(&mut self, view: &View<'g>) {
        loop {
            while let (Some(&row), Some(&other)) =
                (self.slice.transactions.first(), self.slice.neighbors.first())
            {
                if view.contains(AccountId(other)) {
                    self.next = self.slice.base.0 + u64::from(row);
                    return;
                }
                self.skip();
            }
            match self.later.next() {
                Some(slice) => self.slice = slice,
                None => {
                    self.next = NEVER;
                    return;
                }
            }
        }
    }

    /// Asks for the amounts of the transaction `ahead` places further on in the same slice.
    #[inline]
    pub(in crate::trace) fn prefetch(&self, ahead: usize, rows: &Rows<'g>) {
        if let Some(&row) = self.slice.transactions.get(ahead) {
            rows.prefetch_amounts(self.slice.base.0 + u64::from(row));
        }
    }

    /// What the transaction at the cursor pays, or nothing if it failed.
    #[inline]
    pub(in crate::trace) fn paid(&self, rows: &Rows<'g>) -> Result<Option<Money>> {
        rows.paid(rows.table_of(self.next), (self.next - self.slice.base.0) as usize)
    }

    /// What the transaction at the cursor hands over, or nothing if it failed.
    #[inline]
    pub(in crate::trace) fn received(&self, rows: &Rows<'g>) -> Result<Option<Money>> {
        rows.received(rows.table_of(self.next), (self.next - self.slice.base.0) as usize)
    }
}
