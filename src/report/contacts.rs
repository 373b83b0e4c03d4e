//! Poison as tables: who was exposed to money of a case, and by which payments. Exposure, not money.

use super::components::account_keys;
use super::table::{Table, Values};
use super::trace::{flow_table, names, transaction_keys};
use crate::error::Result;
use crate::graph::Graph;
use crate::run::Run;
use crate::trace::Contacts;

/// The tables of `contacts`, by name; `cases` are the names of its cases.
///
/// * `flows`: payments of exposed accounts, as those of a trace; the amounts are those of whole payments and say nothing
///   about how much of a case's money was in them.
/// * `contacts`: `case`, `account`, `time` of first exposure, `transaction` (null for a deposit seed), `hop`; by case as
///   listed, then in the order in which they happened.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged) if the graph is; [`Error::Cancelled`](crate::Error::Cancelled).
pub fn contact_tables(
    graph: &Graph,
    contacts: &Contacts,
    cases: &[String],
    run: &Run,
) -> Result<Vec<(&'static str, Table)>> {
    run.stage("keys", (contacts.flows.len() + contacts.len()) as u64);
    let accounts: Vec<u32> = contacts.account.iter().map(|account| account.0).collect();
    let table = Table::new([
        ("case", Values::Text(names(&contacts.case, cases))),
        ("account", Values::Text(account_keys(graph, &accounts, run)?)),
        ("time", Values::Time(contacts.time.clone())),
        ("transaction", Values::OptionText(transaction_keys(graph, &contacts.transaction, run)?)),
        ("hop", Values::U32(contacts.hop.clone())),
    ]);
    Ok(vec![("flows", flow_table(graph, &contacts.flows, cases, None, run)?), ("contacts", table)])
}
