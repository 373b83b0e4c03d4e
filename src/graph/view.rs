//! A view: a graph restricted to a window and a set of accounts, without a copy.
//!
//! A transaction's position is its place in time, so a window is a range of
//! positions, found once; the window of one account's transfers is then two
//! binary searches on ascending positions.

use super::Graph;
use crate::error::Result;
use crate::ids::{AccountId, TxId};
use crate::store::Segment;
use crate::store::segment::Adjacency;
use crate::units::Window;
use roaring::RoaringBitmap;
use std::ops::Range;
use std::sync::Arc;

/// Transactions in a window between accounts of a set. Cheap to clone.
#[derive(Clone, Debug)]
pub struct View<'g> {
    graph: &'g Graph,
    window: Window,
    positions: Range<TxId>,
    parts: Arc<[Part<'g>]>,
    accounts: Option<Arc<RoaringBitmap>>,
}

/// A segment that meets the window.
#[derive(Clone, Debug)]
pub struct Part<'g> {
    /// Position of the segment's first transaction.
    pub base: TxId,
    /// The segment.
    pub segment: &'g Segment,
    /// Local positions inside the window.
    pub rows: Range<u32>,
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
    pub(super) fn new(graph: &'g Graph, window: Window, positions: Range<TxId>) -> Self {
        let parts = graph.segments().filter_map(|(base, segment)| {
            let len = segment.transactions.time.len() as u64;
            let local = |position: TxId| position.0.clamp(base.0, base.0 + len) - base.0;
            let rows = local(positions.start) as u32..local(positions.end) as u32;
            (!rows.is_empty()).then_some(Part { base, segment, rows })
        });
        let parts = parts.collect();
        Self { graph, window, positions, parts, accounts: None }
    }

    /// The graph behind.
    pub fn graph(&self) -> &'g Graph {
        self.graph
    }

    /// The window, in time.
    pub fn times(&self) -> Window {
        self.window
    }

    /// The positions of the view's window: every transaction of the window and none else.
    pub fn positions(&self) -> Range<TxId> {
        self.positions.clone()
    }

    /// Time of the first transaction, in microseconds since 1970 UTC; the window's start without any.
    pub fn first_time(&self) -> Result<i64> {
        match self.parts.first() {
            Some(part) => part.segment.transactions.time.get(part.rows.start as usize),
            None => Ok(self.window.from),
        }
    }

    /// The segments that meet the window, in time order.
    pub fn parts(&self) -> &[Part<'g>] {
        &self.parts
    }

    /// Restricted to accounts of `accounts`.
    pub fn among(mut self, accounts: RoaringBitmap) -> Self {
        self.accounts = Some(Arc::new(accounts));
        self
    }

    /// The accounts that the view is restricted to, if it is.
    pub fn accounts(&self) -> Option<&RoaringBitmap> {
        self.accounts.as_deref()
    }

    /// Whether `account` belongs to the view.
    #[inline]
    pub fn contains(&self, account: AccountId) -> bool {
        self.accounts.as_ref().is_none_or(|set| set.contains(account.0))
    }

    /// Transfers paid by `account`, one slice per segment that has any, oldest first.
    ///
    /// An account outside of the view has none; neighbours outside of it are in the slices, for the caller to skip by
    /// [`contains`](Self::contains).
    pub fn out(&self, account: AccountId) -> impl Iterator<Item = Result<Slice<'g>>> {
        self.slices(account, |segment| &segment.outgoing)
    }

    /// Transfers received by `account`, as [`out`](Self::out).
    pub fn incoming(&self, account: AccountId) -> impl Iterator<Item = Result<Slice<'g>>> {
        self.slices(account, |segment| &segment.incoming)
    }

    fn slices(
        &self,
        account: AccountId,
        side: impl Fn(&'g Segment) -> &'g Adjacency,
    ) -> impl Iterator<Item = Result<Slice<'g>>> {
        let parts = if self.contains(account) { &self.parts[..] } else { &[] };
        parts
            .iter()
            .map(move |part| slice(part, side(part.segment), account))
            .filter(|slice| !matches!(slice, Ok(slice) if slice.transactions.is_empty()))
    }
}

fn slice<'g>(part: &Part<'g>, adjacency: &'g Adjacency, account: AccountId) -> Result<Slice<'g>> {
    let mut range = adjacency.range(account.0)?;
    let mut transactions = adjacency.transactions.slice(range.clone())?;
    let whole = part.rows.len() == part.segment.transactions.time.len();
    if !whole {
        let begin = transactions.partition_point(|&row| row < part.rows.start);
        let end = transactions.partition_point(|&row| row < part.rows.end);
        transactions = &transactions[begin..end];
        range = range.start + begin..range.start + end;
    }
    Ok(Slice { base: part.base, neighbors: adjacency.neighbors.slice(range)?, transactions })
}
