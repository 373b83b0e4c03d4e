//! Payments in one currency between the accounts of a projection, each with its time: what methods read that follow money in steps.
//!
//! # Cost
//! Time O(m) for m transactions of the view, sequential; memory 32 bytes per payment.
//!
//! # Choices
//! Amounts are those paid. What was converted on the way, failed, went to oneself, or is not above 0 is left out, and so is what allowed accounts
//! pay and are paid.

use super::{Nodes, ProjectOptions};
use crate::error::Result;
use crate::graph::View;
use crate::ids::{AccountId, CurrencyId, TxId};
use crate::run::Run;
use crate::store::format::flags;

/// Payments, one value of each array for each, in the total order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payments {
    /// Nodes that pay.
    pub sources: Vec<u32>,
    /// Nodes that are paid.
    pub destinations: Vec<u32>,
    /// Microseconds since 1970 UTC.
    pub times: Vec<i64>,
    /// Minor units, at least 1.
    pub amounts: Vec<i64>,
    /// Positions of the transactions.
    pub positions: Vec<TxId>,
}

/// Rows between two looks at whether the run was cancelled.
const ROWS_PER_CHECK: u32 = 1 << 16;

/// The payments of `view` in `currency` between accounts of `nodes`, which are those of the view.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged) if a column is; [`Error::Cancelled`](crate::Error::Cancelled).
pub fn project_payments(
    view: &View<'_>,
    nodes: &Nodes,
    currency: CurrencyId,
    options: &ProjectOptions,
    run: &Run,
) -> Result<Payments> {
    let positions = view.positions();
    run.stage("payments", positions.end.0 - positions.start.0);
    let mut found = Payments::default();
    let node = |account: u32| match options.allowed_accounts.contains(account) {
        true => None,
        false => nodes.node(AccountId(account)),
    };
    for part in view.parts() {
        let columns = &part.segment.transactions;
        for row in part.rows.clone() {
            if row.is_multiple_of(ROWS_PER_CHECK) {
                run.check()?;
                run.advance(u64::from(ROWS_PER_CHECK.min(part.rows.end - row)));
            }
            let at = row as usize;
            let amount = columns.amount.get(at)?;
            let converted = match &columns.received {
                Some((_, currencies)) => currencies.get(at)? != currency.0,
                None => false,
            };
            if amount < 1 || converted || columns.currency.get(at)? != currency.0 {
                continue;
            }
            if columns.flags.get(at)? & (flags::MOVES_NOTHING | flags::SELF_TRANSFER) != 0 {
                continue;
            }
            let ends = (node(columns.source.get(at)?), node(columns.destination.get(at)?));
            if let (Some(source), Some(destination)) = ends {
                found.sources.push(source);
                found.destinations.push(destination);
                found.times.push(columns.time.get(at)?);
                found.amounts.push(amount);
                found.positions.push(TxId(part.base.0 + u64::from(row)));
            }
        }
    }
    Ok(found)
}

impl Payments {
    /// Puts others behind these.
    pub fn append(&mut self, mut others: Payments) {
        self.sources.append(&mut others.sources);
        self.destinations.append(&mut others.destinations);
        self.times.append(&mut others.times);
        self.amounts.append(&mut others.amounts);
        self.positions.append(&mut others.positions);
    }

    /// Those between nodes for which `keep` says so, of payer and payee.
    pub fn among(&self, keep: impl Fn(u32, u32) -> bool) -> Self {
        let mut found = Payments::default();
        for row in 0..self.positions.len() {
            if keep(self.sources[row], self.destinations[row]) {
                found.sources.push(self.sources[row]);
                found.destinations.push(self.destinations[row]);
                found.times.push(self.times[row]);
                found.amounts.push(self.amounts[row]);
                found.positions.push(self.positions[row]);
            }
        }
        found
    }
}
