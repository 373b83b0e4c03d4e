//! Traces as tables: payments that carried the money, and where it is.

use super::components::account_keys;
use super::table::{Table, Values};
use crate::error::Result;
use crate::graph::Graph;
use crate::run::Run;
use crate::trace::{Flows, Holdings, Stop, Trace};
use rayon::prelude::*;
use std::cmp::Reverse;

/// Rows per task.
const ROWS_PER_TASK: usize = 1 << 14;

/// A trace with external keys.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceTables {
    /// `case`, `transaction`, `source`, `destination`, `time`, `currency` (paid), `tainted_paid_minor`,
    /// `tainted_received_minor`, `hop`, `received_currency`; by case as listed, then in the order of transactions.
    pub flows: Table,
    /// Where the money is at the end, sinks aside: `case`, `account`, `currency`, `amount_minor`, `first_receipt`,
    /// `last_receipt`; by case as listed, amount descending, account key, currency.
    pub holdings: Table,
    /// What stayed at sinks or went as far as it may, as `holdings`, and `stop`: `sink` or `max_hops`.
    pub sinks: Table,
}

/// The tables of `trace`; `cases` are the names of its cases.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged) if the graph is; [`Error::Cancelled`](crate::Error::Cancelled).
pub fn trace_tables(graph: &Graph, trace: &Trace, cases: &[String], run: &Run) -> Result<TraceTables> {
    run.stage("keys", (trace.flows.len() + trace.holdings.len() + trace.sinks.stop.len()) as u64);
    Ok(TraceTables {
        flows: flow_table(graph, &trace.flows, cases, run)?,
        holdings: holding_table(graph, &trace.holdings, None, cases, run)?,
        sinks: holding_table(graph, &trace.sinks.holdings, Some(&trace.sinks.stop), cases, run)?,
    })
}

/// What a flow's row says of its transaction.
struct Named {
    transaction: String,
    source: String,
    destination: String,
    time: i64,
    currency: String,
    received_currency: String,
}

fn flow_table(graph: &Graph, flows: &Flows, cases: &[String], run: &Run) -> Result<Table> {
    let parts = flows.transaction.par_chunks(ROWS_PER_TASK).map(|positions| {
        run.check()?;
        run.advance(positions.len() as u64);
        positions
            .iter()
            .map(|&position| {
                let transaction = graph.transaction(position)?;
                Ok(Named {
                    transaction: graph.transaction_key(position)?,
                    source: graph.account_key(transaction.source)?,
                    destination: graph.account_key(transaction.destination)?,
                    time: transaction.time,
                    currency: graph.currency(transaction.paid_currency).code.clone(),
                    received_currency: graph.currency(transaction.received_currency).code.clone(),
                })
            })
            .collect::<Result<Vec<_>>>()
    });
    let parts = parts.collect::<Result<Vec<_>>>()?;
    let (mut transaction, mut source, mut destination) = (Vec::new(), Vec::new(), Vec::new());
    let (mut time, mut currency, mut received_currency) = (Vec::new(), Vec::new(), Vec::new());
    for row in parts.into_iter().flatten() {
        transaction.push(row.transaction);
        source.push(row.source);
        destination.push(row.destination);
        time.push(row.time);
        currency.push(row.currency);
        received_currency.push(row.received_currency);
    }
    Ok(Table::new([
        ("case", Values::Text(names(&flows.case, cases))),
        ("transaction", Values::Text(transaction)),
        ("source", Values::Text(source)),
        ("destination", Values::Text(destination)),
        ("time", Values::Time(time)),
        ("currency", Values::Text(currency)),
        ("tainted_paid_minor", Values::I64(flows.tainted_paid.clone())),
        ("tainted_received_minor", Values::I64(flows.tainted_received.clone())),
        ("hop", Values::U32(flows.hop.clone())),
        ("received_currency", Values::Text(received_currency)),
    ]))
}

fn holding_table(
    graph: &Graph,
    holdings: &Holdings,
    stops: Option<&[Stop]>,
    cases: &[String],
    run: &Run,
) -> Result<Table> {
    let accounts: Vec<u32> = holdings.account.iter().map(|account| account.0).collect();
    let keys = account_keys(graph, &accounts, run)?;
    let code = |row: usize| graph.currency(holdings.currency[row]).code.as_str();
    // Ties of amount by key and not by id: the order then depends on what is in the graph, not on when it came in.
    let mut rows: Vec<usize> = (0..holdings.len()).collect();
    rows.par_sort_by_key(|&row| {
        let stop = stops.map(|stops| stops[row]);
        (holdings.case[row], Reverse(holdings.amount[row]), keys[row].as_str(), code(row), stop)
    });
    let time = |times: &[i64]| Values::Time(rows.iter().map(|&row| times[row]).collect());
    let mut table = Table::new([
        ("case", Values::Text(rows.iter().map(|&row| cases[holdings.case[row] as usize].clone()).collect())),
        ("account", Values::Text(rows.iter().map(|&row| keys[row].clone()).collect())),
        ("currency", Values::Text(rows.iter().map(|&row| code(row).to_string()).collect())),
        ("amount_minor", Values::I64(rows.iter().map(|&row| holdings.amount[row]).collect())),
        ("first_receipt", time(&holdings.first_receipt)),
        ("last_receipt", time(&holdings.last_receipt)),
    ]);
    if let Some(stops) = stops {
        table.push("stop", Values::Text(rows.iter().map(|&row| stops[row].name().to_string()).collect()));
    }
    Ok(table)
}

fn names(numbers: &[u32], cases: &[String]) -> Vec<String> {
    numbers.iter().map(|&case| cases[case as usize].clone()).collect()
}
