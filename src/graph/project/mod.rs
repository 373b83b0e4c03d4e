//! Projections: undirected, weighted, simple graphs made from a view.
//!
//! Two accounts are neighbours when any transfer of the view joins them, in
//! either direction; the weight is what the transfers between them add up to.
//! Transfers to oneself are left out.
//!
//! # Cost
//! Time O(m log d) for m transfers and d transfers of one account; memory 12 bytes per
//! direction of each pair, and 8 per account.

pub mod rows;

pub use rows::{Rows, Weights};

use super::View;
use crate::error::Result;
use crate::ids::{AccountId, CurrencyId, TxId};
use crate::run::Run;
use rayon::prelude::*;

/// What the weight of a pair is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weight {
    /// Number of transfers.
    #[default]
    Count,
    /// Sum of the amounts paid in one currency, in minor units; pairs without any are no neighbours.
    Amount(CurrencyId),
}

/// An undirected, weighted, simple graph in compressed sparse rows; each pair stands in both rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    offsets: Vec<usize>,
    neighbors: Vec<u32>,
    weights: Vec<u64>,
}

/// Accounts per task.
const ACCOUNTS_PER_TASK: usize = 1 << 12;

impl Projection {
    /// Projects the transfers of `view`; nodes are all accounts of the graph.
    ///
    /// Negative amounts count as nothing. The result does not depend on the number of threads.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged); [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn new(view: &View, weight: Weight, run: &Run) -> Result<Self> {
        let num_accounts = view.graph().num_accounts() as usize;
        run.stage("projection", num_accounts as u64);
        let rows: Vec<(Vec<usize>, Vec<u32>, Vec<u64>)> = (0..num_accounts.div_ceil(ACCOUNTS_PER_TASK))
            .into_par_iter()
            .map(|task| {
                run.check()?;
                let first = task * ACCOUNTS_PER_TASK;
                let accounts = first..(first + ACCOUNTS_PER_TASK).min(num_accounts);
                let len = accounts.len() as u64;
                let rows = project_rows(view, accounts, weight);
                run.advance(len);
                rows
            })
            .collect::<Result<_>>()?;
        let mut projection = Self { offsets: vec![0], neighbors: Vec::new(), weights: Vec::new() };
        for (ends, neighbors, weights) in rows {
            let base = projection.neighbors.len();
            projection.offsets.extend(ends.into_iter().map(|end| base + end));
            projection.neighbors.extend(neighbors);
            projection.weights.extend(weights);
        }
        Ok(projection)
    }

    /// Number of nodes.
    pub fn num_nodes(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Number of pairs of neighbours.
    pub fn num_edges(&self) -> usize {
        self.neighbors.len() / 2
    }

    /// Neighbours of a node, ascending.
    pub fn neighbors(&self, node: AccountId) -> &[u32] {
        &self.neighbors[self.offsets[node.index()]..self.offsets[node.index() + 1]]
    }

    /// Weights of the pairs with each of [`neighbors`](Self::neighbors).
    pub fn weights(&self, node: AccountId) -> &[u64] {
        &self.weights[self.offsets[node.index()]..self.offsets[node.index() + 1]]
    }
}

/// Where each row ends, and the neighbours and weights of all rows of a task.
fn project_rows(
    view: &View,
    accounts: std::ops::Range<usize>,
    weight: Weight,
) -> Result<(Vec<usize>, Vec<u32>, Vec<u64>)> {
    let (mut ends, mut neighbors, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    let mut row: Vec<(u32, u64)> = Vec::new();
    for account in accounts {
        row.clear();
        let account = AccountId(account as u32);
        for slice in view.out(account).chain(view.incoming(account)) {
            let slice = slice?;
            for (&neighbor, &transaction) in slice.neighbors.iter().zip(slice.transactions) {
                if neighbor == account.0 || !view.contains(AccountId(neighbor)) {
                    continue;
                }
                let value = value_of(view, weight, TxId(slice.base.0 + u64::from(transaction)))?;
                row.extend(value.map(|value| (neighbor, value)));
            }
        }
        row.sort_unstable();
        for group in row.chunk_by(|a, b| a.0 == b.0) {
            neighbors.push(group[0].0);
            weights.push(group.iter().fold(0_u64, |sum, pair| sum.saturating_add(pair.1)));
        }
        ends.push(neighbors.len());
    }
    Ok((ends, neighbors, weights))
}

fn value_of(view: &View, weight: Weight, id: TxId) -> Result<Option<u64>> {
    match weight {
        Weight::Count => Ok(Some(1)),
        Weight::Amount(currency) => {
            let transaction = view.graph().transaction(id)?;
            let counts = transaction.paid_currency == currency;
            Ok(counts.then(|| u64::try_from(transaction.paid).unwrap_or(0)))
        }
    }
}
