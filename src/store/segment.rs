//! The columns of one time partition, opened together.

use super::column::{Codes, Column};
use super::{Container, Keys};
use crate::error::Result;
use std::sync::Arc;

/// Transactions, both adjacencies and links of one partition.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Transactions in (time, row) order.
    pub transactions: Transactions,
    /// By source.
    pub outgoing: Adjacency,
    /// By destination.
    pub incoming: Adjacency,
    /// Links between accounts and identifiers seen in this partition.
    pub links: Links,
    /// External transaction keys, where the data has them.
    pub keys: Option<Keys>,
}

/// Columns of transactions; all have the same length.
#[derive(Clone, Debug)]
pub struct Transactions {
    /// Paying account.
    pub source: Column<u32>,
    /// Receiving account.
    pub destination: Column<u32>,
    /// Microseconds since 1970 UTC, ascending.
    pub time: Column<i64>,
    /// Minor units paid.
    pub amount: Column<i64>,
    /// Currency paid.
    pub currency: Codes<u16>,
    /// Channel code, 0 = none.
    pub channel: Codes<u8>,
    /// Bits of [`flags`](super::format::flags).
    pub flags: Codes<u8>,
    /// Label code, 0 = none.
    pub label: Codes<u8>,
    /// Source row: file ordinal and record number.
    pub row: Codes<u64>,
    /// Device identifier or `NONE`; absent where no transaction has one.
    pub device: Option<Column<u32>>,
    /// Minor units received and their currency; absent where every transaction pays out what it takes in.
    pub received: Option<(Column<i64>, Codes<u16>)>,
}

/// One direction of the transfer graph, in compressed sparse rows.
#[derive(Clone, Debug)]
pub struct Adjacency {
    /// Ascending nodes with edges, when offsets are sparse; `None` when `offsets[node]` is direct.
    pub nodes: Option<Column<u32>>,
    /// Where each node's slice begins.
    pub offsets: Column<u32>,
    /// The other end of each edge.
    pub neighbors: Column<u32>,
    /// Position of the edge's transaction in this segment; ascending within a node's slice.
    pub transactions: Column<u32>,
}

impl Adjacency {
    /// The range of `node`'s edges; empty for a node without any, or beyond this segment's nodes.
    #[inline]
    pub fn range(&self, node: u32) -> Result<std::ops::Range<usize>> {
        let _ = node;
        todo!()
    }
}

/// Account–identifier links, sorted by (account, kind, identifier).
#[derive(Clone, Debug)]
pub struct Links {
    /// Account.
    pub account: Column<u32>,
    /// Kind.
    pub kind: Codes<u8>,
    /// Identifier within its kind.
    pub identifier: Column<u32>,
    /// First seen, `i64::MIN` = unknown.
    pub first: Column<i64>,
    /// Last seen, `i64::MIN` = unknown.
    pub last: Column<i64>,
    /// Times seen.
    pub count: Codes<u32>,
    /// Link numbers sorted by (kind, identifier, account).
    pub by_identifier: Column<u32>,
}

impl Segment {
    /// Opens the columns of a segment file.
    pub fn open(container: &Arc<Container>) -> Result<Self> {
        let _ = container;
        todo!()
    }
}
