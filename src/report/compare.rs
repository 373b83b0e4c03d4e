//! Holdings under several policies side by side.

use super::components::account_keys;
use super::table::{Table, Values};
use super::trace::{minor_column, names};
use crate::error::Result;
use crate::graph::Graph;
use crate::run::Run;
use crate::trace::{Envelope, Rates};
use std::cmp::Reverse;

/// What accounts hold under each policy: `case`, `account`, `currency`, `<policy>_minor` for each, `least_minor`,
/// `greatest_minor`, `in_safe_core` (held under every policy); by value also `least_value` and `greatest_value`.
///
/// By case as listed, greatest descending, account key, currency. Money at sinks is not in it.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged) if the graph is; [`Error::Cancelled`](crate::Error::Cancelled).
pub fn compare_table(
    graph: &Graph,
    found: &Envelope,
    cases: &[String],
    rates: Option<&Rates>,
    run: &Run,
) -> Result<Table> {
    let accounts: Vec<u32> = found.account.iter().map(|account| account.0).collect();
    let keys = account_keys(graph, &accounts, run)?;
    let code = |row: usize| graph.currency(found.currency[row]).code.as_str();
    let mut rows: Vec<usize> = (0..found.len()).collect();
    rows.sort_by_key(|&row| (found.case[row], Reverse(found.greatest[row]), keys[row].as_str(), code(row)));
    let by_row = |amounts: &[i64]| rows.iter().map(|&row| amounts[row]).collect::<Vec<i64>>();
    let numbers: Vec<u32> = rows.iter().map(|&row| found.case[row]).collect();
    let (least, greatest) = (by_row(&found.least), by_row(&found.greatest));
    let mut table = Table::new([
        ("case", Values::Text(names(&numbers, cases))),
        ("account", Values::Text(rows.iter().map(|&row| keys[row].clone()).collect())),
        ("currency", Values::Text(rows.iter().map(|&row| code(row).to_string()).collect())),
    ]);
    for (policy, held) in found.policies.iter().zip(&found.held) {
        table.push(format!("{}_minor", policy.name()), minor_column(&by_row(held), rates));
    }
    table.push("least_minor", minor_column(&least, rates));
    table.push("greatest_minor", minor_column(&greatest, rates));
    table.push("in_safe_core", Values::Boolean(least.iter().map(|&amount| amount > 0).collect()));
    if rates.is_some() {
        table.push("least_value", Values::I64(least));
        table.push("greatest_value", Values::I64(greatest));
    }
    Ok(table)
}
