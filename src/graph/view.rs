//! A view: a graph restricted to a window and a set of accounts, without a copy.

use super::Graph;
use crate::error::Result;
use crate::ids::{AccountId, TxId};
use roaring::RoaringBitmap;
use std::ops::Range;
use std::sync::Arc;

/// Transactions in a window between accounts of a set.
#[derive(Clone, Debug)]
pub struct View<'g> {
    graph: &'g Graph,
    positions: Range<TxId>,
    accounts: Option<Arc<RoaringBitmap>>,
}

/// Transfers of one account within one segment, in the total order.
#[derive(Clone, Copy, Debug)]
pub struct Slice<'g> {
    /// Position of the segment's first transaction; add it to `transactions`.
    pub base: TxId,
    /// The other ends.
    pub neighbors: &'g [u32],
    /// Local positions of the transactions, ascending.
    pub transactions: &'g [u32],
}

impl<'g> View<'g> {
    /// The graph behind.
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }
    /// The positions of the view's window: every transaction of the window and none else.
    pub fn positions(&self) -> Range<TxId> {
        self.positions.clone()
    }
    /// Restricted to transfers with both ends in `accounts`.
    pub fn among(mut self, accounts: RoaringBitmap) -> Self {
        self.accounts = Some(Arc::new(accounts));
        self
    }
    /// Transfers paid by `account`, one slice per segment that has any, oldest first.
    ///
    /// A set of accounts given by [`among`](Self::among) restricts which accounts have slices; neighbours outside of it
    /// are skipped by the caller with [`contains`](Self::contains).
    pub fn out(&self, account: AccountId) -> impl Iterator<Item = Result<Slice<'g>>> {
        let _ = account;
        std::iter::empty()
    }
    /// Transfers received by `account`, as [`out`](Self::out).
    pub fn incoming(&self, account: AccountId) -> impl Iterator<Item = Result<Slice<'g>>> {
        let _ = account;
        std::iter::empty()
    }
    /// Whether `account` belongs to the view.
    pub fn contains(&self, account: AccountId) -> bool {
        self.accounts.as_ref().is_none_or(|set| set.contains(account.0))
    }
}
