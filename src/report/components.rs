//! Components as a table: which account belongs to which.

use super::table::{Table, Values};
use crate::community::Components;
use crate::error::Result;
use crate::graph::Graph;
use crate::ids::{AccountId, NONE};
use crate::run::Run;
use rayon::prelude::*;

/// Accounts per task.
const ACCOUNTS_PER_TASK: usize = 1 << 14;

/// A table of accounts: `account`, `component`, `size` (accounts of the component), by component and then in the
/// order of the graph's accounts; only components of at least `size_min` accounts.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged) if the keys are; [`Error::Cancelled`](crate::Error::Cancelled).
pub fn component_table(graph: &Graph, components: &Components, size_min: u32, run: &Run) -> Result<Table> {
    // Largest first, so those kept are the first ones.
    let kept = components.sizes.partition_point(|&size| size >= size_min);
    let mut accounts: Vec<u32> = (0..components.labels.len() as u32)
        .filter(|&account| {
            let label = components.labels[account as usize];
            label != NONE && (label as usize) < kept
        })
        .collect();
    accounts.par_sort_unstable_by_key(|&account| (components.labels[account as usize], account));
    run.stage("keys", accounts.len() as u64);
    let keys = account_keys(graph, &accounts, run)?;
    let labels: Vec<u32> = accounts.iter().map(|&account| components.labels[account as usize]).collect();
    let sizes = labels.iter().map(|&label| components.sizes[label as usize]).collect();
    Ok(Table::new([
        ("account", Values::Text(keys)),
        ("component", Values::U32(labels)),
        ("size", Values::U32(sizes)),
    ]))
}

/// The external keys of `accounts`, in their order.
pub(super) fn account_keys(graph: &Graph, accounts: &[u32], run: &Run) -> Result<Vec<String>> {
    let parts = accounts.par_chunks(ACCOUNTS_PER_TASK).map(|accounts| {
        run.check()?;
        let keys =
            accounts.iter().map(|&account| graph.account_key(AccountId(account))).collect::<Result<Vec<_>>>();
        run.advance(accounts.len() as u64);
        keys
    });
    Ok(parts.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}
