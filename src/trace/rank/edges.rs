//! Payments of an account on one side, for rankings: read once, when the account first gives mass away.

use super::super::walk::cursor::{Cursor, NEVER};
use super::super::walk::rows::Rows;
use crate::error::Result;
use crate::graph::View;
use crate::ids::AccountId;

/// One payment that moved something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Edge {
    pub(super) position: u64,
    /// The other end.
    pub(super) neighbor: u32,
    /// Minor units that left or came, as a weight.
    pub(super) amount: f64,
}

/// What `account` paid, by position.
pub(super) fn paid(view: &View<'_>, rows: &Rows<'_>, account: u32) -> Result<Vec<Edge>> {
    edges(Cursor::new(view.out(AccountId(account)), view)?, view, rows, true)
}

/// What `account` received, by position.
pub(super) fn received(view: &View<'_>, rows: &Rows<'_>, account: u32) -> Result<Vec<Edge>> {
    edges(Cursor::new(view.incoming(AccountId(account)), view)?, view, rows, false)
}

fn edges<'g>(mut cursor: Cursor<'g>, view: &View<'g>, rows: &Rows<'g>, out: bool) -> Result<Vec<Edge>> {
    let mut edges = Vec::new();
    while cursor.next() != NEVER {
        let position = cursor.next();
        if let Some(row) = rows.read(position)?
            && row.paid.amount > 0
            && row.received.amount > 0
        {
            let (neighbor, money) =
                if out { (row.destination, row.paid) } else { (row.source, row.received) };
            edges.push(Edge { position, neighbor, amount: money.amount as f64 });
        }
        cursor.advance(view);
    }
    Ok(edges)
}
