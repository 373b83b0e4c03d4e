//! Stated balances, in the order of transactions.

use crate::error::Result;
use crate::graph::View;
use crate::trace::balances::{Balance, Balances};
use std::ops::Range;

/// The balances of a table that have a time, by (account, currency, time), each with its place in the total order.
#[derive(Debug)]
pub(super) struct Statements {
    rows: Vec<Statement>,
}

#[derive(Debug)]
struct Statement {
    stated: Balance,
    /// Position of the first transaction that the balance does not include.
    position: u64,
}

impl Statements {
    pub(super) fn new(view: &View<'_>, balances: &Balances) -> Result<Self> {
        let mut rows = Vec::new();
        for &stated in balances.rows() {
            // What is stated of the last moment of all limits nothing: no transaction is later.
            if let Some(after) = stated.time.and_then(|time| time.checked_add(1)) {
                rows.push(Statement { stated, position: view.graph().position_at(after)?.0 });
            }
        }
        Ok(Statements { rows })
    }

    /// The least balance stated of a pool after the transaction at `between.start` and before the one at
    /// `between.end`, at least 0, and the place of the statement.
    pub(super) fn least(&self, account: u32, currency: u16, between: Range<u64>) -> Option<(u32, i64)> {
        if self.rows.is_empty() {
            return None;
        }
        let key = |row: &Statement| (row.stated.account.0, row.stated.currency.0, row.position);
        let begin = self.rows.partition_point(|row| key(row) <= (account, currency, between.start));
        let end = self.rows.partition_point(|row| key(row) <= (account, currency, between.end));
        let rows = self.rows.get(begin..end)?;
        let least = rows.iter().zip(begin as u32..).min_by_key(|(row, _)| row.stated.amount)?;
        Some((least.1, least.0.stated.amount.max(0)))
    }

    /// The statement at a place.
    pub(super) fn stated(&self, place: u32) -> Balance {
        self.rows[place as usize].stated
    }
}
