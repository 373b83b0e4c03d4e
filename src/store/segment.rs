//! The columns of one time partition, opened together.

use super::column::{Codes, Column, Element};
use super::format::{ColumnId, flags};
use super::{Container, Keys};
use crate::error::{Error, Result};
use crate::ids::IDS_MAX;
use std::ops::Range;
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
    /// Bits of [`flags`].
    pub flags: Codes<u8>,
    /// Label code, 0 = none.
    pub label: Codes<u8>,
    /// Source row: file ordinal and record number.
    pub row: Codes<u64>,
    /// Source row of the transaction that this one corrects or takes back, 0 = none; absent where none does.
    pub refers: Option<Codes<u64>>,
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
    /// Position of the edge's transaction in this segment; ascending within a node's slice. Transactions that were corrected have none.
    pub transactions: Column<u32>,
}

impl Adjacency {
    /// The range of `node`'s edges; empty for a node without any, or beyond this segment's nodes.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the offsets looked at are not what was written.
    #[inline]
    pub fn range(&self, node: u32) -> Result<Range<usize>> {
        let place = match &self.nodes {
            None => node as usize,
            Some(nodes) => match nodes.all()?.binary_search(&node) {
                Ok(place) => place,
                Err(_) => return Ok(0..0),
            },
        };
        if place + 1 >= self.offsets.len() {
            return Ok(0..0);
        }
        let ends = self.offsets.slice(place..place + 2)?;
        Ok(ends[0] as usize..ends[1] as usize)
    }

    /// Number of edges.
    pub fn len(&self) -> usize {
        self.neighbors.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Opens one direction; `ids` are nodes, offsets, neighbors, transactions. `all` transactions have an edge where none was corrected.
    fn open(
        container: &Arc<Container>,
        ids: [ColumnId; 4],
        num_transactions: usize,
        all: bool,
    ) -> Result<Self> {
        let [nodes, offsets, neighbors, transactions] = ids;
        let adjacency = Adjacency {
            nodes: if container.has(nodes) { Some(container.column(nodes)?) } else { None },
            offsets: column_or_empty(container, offsets)?,
            neighbors: column_or_empty(container, neighbors)?,
            transactions: column_or_empty(container, transactions)?,
        };
        let damaged =
            |detail: &str| Error::damaged(container.path(), format!("column {}", offsets.name()), detail);
        let len = adjacency.len();
        if len != adjacency.transactions.len() || len > num_transactions || (all && len < num_transactions) {
            return Err(damaged("there is not one edge for each transaction"));
        }
        if adjacency.offsets.is_empty() && num_transactions > 0 {
            return Err(damaged("there are edges but no offsets"));
        }
        let num_nodes = adjacency.offsets.len().saturating_sub(1);
        if adjacency.nodes.as_ref().is_some_and(|nodes| nodes.len() != num_nodes) {
            return Err(damaged("there is not one slice for each node"));
        }
        Ok(adjacency)
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
    ///
    /// Transactions with their adjacencies, and links, may each be left out as a whole.
    ///
    /// # Errors
    /// [`Error::Damaged`] if columns are missing or do not fit together.
    pub fn open(container: &Arc<Container>) -> Result<Self> {
        let transactions = Transactions::open(container)?;
        let len = transactions.len();
        let out =
            [ColumnId::OUT_NODES, ColumnId::OUT_OFFSETS, ColumnId::OUT_NEIGHBORS, ColumnId::OUT_TRANSACTIONS];
        let incoming =
            [ColumnId::IN_NODES, ColumnId::IN_OFFSETS, ColumnId::IN_NEIGHBORS, ColumnId::IN_TRANSACTIONS];
        let all = transactions.flags.constant().is_some_and(|bits| bits & flags::CORRECTED == 0);
        let segment = Segment {
            outgoing: Adjacency::open(container, out, len, all)?,
            incoming: Adjacency::open(container, incoming, len, all)?,
            links: Links::open(container)?,
            keys: match container.has(ColumnId::KEY_NUMBERS) || container.has(ColumnId::KEY_TEXT) {
                true => Some(Keys::open(container)?),
                false => None,
            },
            transactions,
        };
        if segment.keys.as_ref().is_some_and(|keys| keys.len() != len) {
            return Err(Error::damaged(container.path(), "keys", "there is not one for each transaction"));
        }
        Ok(segment)
    }
}

impl Transactions {
    /// Number of transactions.
    #[inline]
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn open(container: &Arc<Container>) -> Result<Self> {
        let time: Column<i64> = column_or_empty(container, ColumnId::TIME)?;
        let len = time.len();
        let received = container.has(ColumnId::RECEIVED_AMOUNT) || container.has(ColumnId::RECEIVED_CURRENCY);
        let transactions = Transactions {
            source: column_or_empty(container, ColumnId::SOURCE)?,
            destination: column_or_empty(container, ColumnId::DESTINATION)?,
            amount: column_or_empty(container, ColumnId::AMOUNT)?,
            currency: codes_or_zero(container, ColumnId::CURRENCY, len)?,
            channel: codes_or_zero(container, ColumnId::CHANNEL, len)?,
            flags: codes_or_zero(container, ColumnId::FLAGS, len)?,
            label: codes_or_zero(container, ColumnId::LABEL, len)?,
            row: codes_or_zero(container, ColumnId::ROW, len)?,
            refers: match container.has(ColumnId::REFERS) {
                true => Some(container.codes(ColumnId::REFERS)?),
                false => None,
            },
            device: match container.has(ColumnId::DEVICE) {
                true => Some(container.column(ColumnId::DEVICE)?),
                false => None,
            },
            received: match received {
                true => Some((
                    container.column(ColumnId::RECEIVED_AMOUNT)?,
                    container.codes(ColumnId::RECEIVED_CURRENCY)?,
                )),
                false => None,
            },
            time,
        };
        let received = transactions.received.as_ref();
        same_length(
            container,
            len,
            [
                (ColumnId::SOURCE, transactions.source.len()),
                (ColumnId::DESTINATION, transactions.destination.len()),
                (ColumnId::AMOUNT, transactions.amount.len()),
                (ColumnId::CURRENCY, transactions.currency.len()),
                (ColumnId::CHANNEL, transactions.channel.len()),
                (ColumnId::FLAGS, transactions.flags.len()),
                (ColumnId::LABEL, transactions.label.len()),
                (ColumnId::ROW, transactions.row.len()),
                (ColumnId::REFERS, transactions.refers.as_ref().map_or(len, Codes::len)),
                (ColumnId::DEVICE, transactions.device.as_ref().map_or(len, Column::len)),
                (ColumnId::RECEIVED_AMOUNT, received.map_or(len, |received| received.0.len())),
                (ColumnId::RECEIVED_CURRENCY, received.map_or(len, |received| received.1.len())),
            ],
        )?;
        if len as u64 > IDS_MAX {
            return Err(Error::damaged(
                container.path(),
                "column time",
                "there are more transactions than positions",
            ));
        }
        Ok(transactions)
    }
}

impl Links {
    /// Number of links.
    #[inline]
    pub fn len(&self) -> usize {
        self.account.len()
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn open(container: &Arc<Container>) -> Result<Self> {
        let account: Column<u32> = column_or_empty(container, ColumnId::LINK_ACCOUNT)?;
        let len = account.len();
        let links = Links {
            kind: codes_or_zero(container, ColumnId::LINK_KIND, len)?,
            identifier: column_or_empty(container, ColumnId::LINK_IDENTIFIER)?,
            first: column_or_empty(container, ColumnId::LINK_FIRST)?,
            last: column_or_empty(container, ColumnId::LINK_LAST)?,
            count: codes_or_zero(container, ColumnId::LINK_COUNT, len)?,
            by_identifier: column_or_empty(container, ColumnId::LINK_BY_IDENTIFIER)?,
            account,
        };
        same_length(
            container,
            len,
            [
                (ColumnId::LINK_KIND, links.kind.len()),
                (ColumnId::LINK_IDENTIFIER, links.identifier.len()),
                (ColumnId::LINK_FIRST, links.first.len()),
                (ColumnId::LINK_LAST, links.last.len()),
                (ColumnId::LINK_COUNT, links.count.len()),
                (ColumnId::LINK_BY_IDENTIFIER, links.by_identifier.len()),
            ],
        )?;
        if len as u64 > IDS_MAX {
            return Err(Error::damaged(
                container.path(),
                "column link.account",
                "there are more links than numbers",
            ));
        }
        Ok(links)
    }
}

fn column_or_empty<T: Element>(container: &Arc<Container>, id: ColumnId) -> Result<Column<T>> {
    if container.has(id) { container.column(id) } else { Ok(Column::empty(container)) }
}

fn codes_or_zero<T: Element>(container: &Arc<Container>, id: ColumnId, len: usize) -> Result<Codes<T>> {
    if container.has(id) {
        container.codes(id)
    } else {
        Ok(Codes::sequence(container, usize::MAX, 0, 0, len))
    }
}

/// Refuses columns of another length than `len`.
fn same_length<const N: usize>(
    container: &Container,
    len: usize,
    columns: [(ColumnId, usize); N],
) -> Result<()> {
    for (id, found) in columns {
        if found != len {
            let detail = format!("it has {found} values, {len} are needed");
            return Err(Error::damaged(container.path(), format!("column {}", id.name()), detail));
        }
    }
    Ok(())
}
