//! Traces as tables: payments that carried the money, where it is, where it came in and where it stopped.
//!
//! Under value pooling the engine counts in units of value (minor units of the base currency × 10⁴). Tables give these
//! in columns `*_value`, and beside them original amounts: of a payment the part ⌊value part · amount / value of
//! the amount⌋ in its own currency, of anything else the value in minor units of the base currency, rounded half to even.

use super::components::account_keys;
use super::table::{Table, Values};
use crate::error::Result;
use crate::graph::rates::VALUE_UNITS;
use crate::graph::{Graph, Transaction};
use crate::ids::TxId;
use crate::run::Run;
use crate::trace::{Flows, Holdings, Rates, Stop, Trace};
use rayon::prelude::*;
use std::cmp::Reverse;

/// Rows per task.
const ROWS_PER_TASK: usize = 1 << 14;

/// The tables of `trace`, by name; `cases` are the names of its cases, `rates` those of value pooling.
///
/// * `flows`: `case`, `transaction`, `source`, `destination`, `time`, `currency` (paid), `tainted_paid_minor`,
///   `tainted_received_minor`, `hop`, `received_currency`; by value also `tainted_paid_value`, `tainted_received_value`. By case
///   as listed, then in the order of transactions.
/// * `holdings`: where the money is at the end, sinks aside: `case`, `account`, `currency`, `amount_minor`, `first_receipt`,
///   `last_receipt`; by value also `amount_value`, the currency being the base. By case as listed, amount descending,
///   account key, currency.
/// * `sinks`: what stayed at sinks or went as far as it may, as `holdings`, and `stop`: `sink` or `max_hops`.
/// * `entries`: money that deposit and balance seeds claimed: `case`, `account`, `currency`, `time`, `amount_minor`.
/// * `exits`: money that stopped being followed: `case`, `transaction` (null where a balance seed did it), `account`,
///   `currency`, `time`, `stop`, `amount_minor`.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged) if the graph is; [`Error::Cancelled`](crate::Error::Cancelled).
pub fn trace_tables(
    graph: &Graph,
    trace: &Trace,
    cases: &[String],
    rates: Option<&Rates>,
    run: &Run,
) -> Result<Vec<(&'static str, Table)>> {
    let rows = trace.flows.len() + trace.holdings.len() + trace.sinks.stop.len() + trace.exits.len();
    run.stage("keys", rows as u64);
    let at_rest = &trace.sinks;
    Ok(vec![
        ("flows", flow_table(graph, &trace.flows, cases, rates, run)?),
        ("holdings", holding_table(graph, &trace.holdings, None, cases, rates, run)?),
        ("sinks", holding_table(graph, &at_rest.holdings, Some(&at_rest.stop), cases, rates, run)?),
        ("entries", entry_table(graph, trace, cases, rates, run)?),
        ("exits", exit_table(graph, trace, cases, rates, run)?),
    ])
}

/// What a flow's row says of its transaction.
struct Named {
    transaction: String,
    source: String,
    destination: String,
    time: i64,
    currency: String,
    received_currency: String,
    /// Tainted parts in the currencies of the payment.
    paid: i64,
    received: i64,
}

/// The table of tainted payments; see [`trace_tables`].
pub(super) fn flow_table(
    graph: &Graph,
    flows: &Flows,
    cases: &[String],
    rates: Option<&Rates>,
    run: &Run,
) -> Result<Table> {
    let rows: Vec<usize> = (0..flows.len()).collect();
    let parts = rows.par_chunks(ROWS_PER_TASK).map(|rows| {
        run.check()?;
        run.advance(rows.len() as u64);
        rows.iter()
            .map(|&row| {
                let position = flows.transaction[row];
                let transaction = graph.transaction(position)?;
                let (paid, received) =
                    original(&transaction, flows.tainted_paid[row], flows.tainted_received[row], rates)?;
                Ok(Named {
                    transaction: graph.transaction_key(position)?,
                    source: graph.account_key(transaction.source)?,
                    destination: graph.account_key(transaction.destination)?,
                    time: transaction.time,
                    currency: graph.currency(transaction.paid_currency).code.clone(),
                    received_currency: graph.currency(transaction.received_currency).code.clone(),
                    paid,
                    received,
                })
            })
            .collect::<Result<Vec<_>>>()
    });
    let parts = parts.collect::<Result<Vec<_>>>()?;
    let (mut transaction, mut source, mut destination) = (Vec::new(), Vec::new(), Vec::new());
    let (mut time, mut currency, mut received_currency) = (Vec::new(), Vec::new(), Vec::new());
    let (mut paid, mut received) = (Vec::new(), Vec::new());
    for row in parts.into_iter().flatten() {
        transaction.push(row.transaction);
        source.push(row.source);
        destination.push(row.destination);
        time.push(row.time);
        currency.push(row.currency);
        received_currency.push(row.received_currency);
        paid.push(row.paid);
        received.push(row.received);
    }
    let mut table = Table::new([
        ("case", Values::Text(names(&flows.case, cases))),
        ("transaction", Values::Text(transaction)),
        ("source", Values::Text(source)),
        ("destination", Values::Text(destination)),
        ("time", Values::Time(time)),
        ("currency", Values::Text(currency)),
        ("tainted_paid_minor", Values::I64(paid)),
        ("tainted_received_minor", Values::I64(received)),
        ("hop", Values::U32(flows.hop.clone())),
        ("received_currency", Values::Text(received_currency)),
    ]);
    if rates.is_some() {
        table.push("tainted_paid_value", Values::I64(flows.tainted_paid.clone()));
        table.push("tainted_received_value", Values::I64(flows.tainted_received.clone()));
    }
    Ok(table)
}

/// The tainted parts of a payment in its own currencies: ⌊value part · amount / value of the amount⌋ by value.
pub(super) fn original(
    transaction: &Transaction,
    paid: i64,
    received: i64,
    rates: Option<&Rates>,
) -> Result<(i64, i64)> {
    let Some(rates) = rates else { return Ok((paid, received)) };
    let part = |part: i64, amount: i64, currency: u16| -> Result<i64> {
        let value = rates.value(amount, currency, transaction.time)?;
        // A part is at most the whole value, so the quotient is at most the amount.
        Ok(if value == 0 { 0 } else { (i128::from(part) * i128::from(amount) / i128::from(value)) as i64 })
    };
    Ok((
        part(paid, transaction.paid, transaction.paid_currency.0)?,
        part(received, transaction.received, transaction.received_currency.0)?,
    ))
}

/// An amount of the engine in minor units; by value those of the base currency, rounded half to even.
pub(super) fn minor(amount: i64, rates: Option<&Rates>) -> i64 {
    minor_sum(amount.into(), rates) as i64 // at most as large as it was
}

/// As [`minor`], of a sum.
pub(super) fn minor_sum(amount: i128, rates: Option<&Rates>) -> i128 {
    if rates.is_some() { half_even(amount) } else { amount }
}

/// Units of value in minor units of the base currency, rounded half to even.
fn half_even(value: i128) -> i128 {
    let unit = i128::from(VALUE_UNITS);
    let (quotient, rest) = (value.div_euclid(unit), value.rem_euclid(unit));
    let up = rest * 2 > unit || (rest * 2 == unit && quotient % 2 != 0);
    quotient + i128::from(up)
}

/// A column of amounts in minor units.
pub(super) fn minor_column(amounts: &[i64], rates: Option<&Rates>) -> Values {
    Values::I64(amounts.iter().map(|&amount| minor(amount, rates)).collect())
}

fn holding_table(
    graph: &Graph,
    holdings: &Holdings,
    stops: Option<&[Stop]>,
    cases: &[String],
    rates: Option<&Rates>,
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
    let amounts: Vec<i64> = rows.iter().map(|&row| holdings.amount[row]).collect();
    let time = |times: &[i64]| Values::Time(rows.iter().map(|&row| times[row]).collect());
    let mut table = Table::new([
        ("case", Values::Text(rows.iter().map(|&row| cases[holdings.case[row] as usize].clone()).collect())),
        ("account", Values::Text(rows.iter().map(|&row| keys[row].clone()).collect())),
        ("currency", Values::Text(rows.iter().map(|&row| code(row).to_string()).collect())),
        ("amount_minor", minor_column(&amounts, rates)),
        ("first_receipt", time(&holdings.first_receipt)),
        ("last_receipt", time(&holdings.last_receipt)),
    ]);
    if rates.is_some() {
        table.push("amount_value", Values::I64(amounts));
    }
    if let Some(stops) = stops {
        table.push("stop", Values::Text(rows.iter().map(|&row| stops[row].name().to_string()).collect()));
    }
    Ok(table)
}

fn entry_table(
    graph: &Graph,
    trace: &Trace,
    cases: &[String],
    rates: Option<&Rates>,
    run: &Run,
) -> Result<Table> {
    let rows = &trace.entries;
    let accounts: Vec<u32> = rows.iter().map(|row| row.account.0).collect();
    let amounts: Vec<i64> = rows.iter().map(|row| row.amount).collect();
    let mut table = Table::new([
        ("case", Values::Text(rows.iter().map(|row| cases[row.case as usize].clone()).collect())),
        ("account", Values::Text(account_keys(graph, &accounts, run)?)),
        (
            "currency",
            Values::Text(rows.iter().map(|row| graph.currency(row.currency).code.clone()).collect()),
        ),
        ("time", Values::Time(rows.iter().map(|row| row.time).collect())),
        ("amount_minor", minor_column(&amounts, rates)),
    ]);
    if rates.is_some() {
        table.push("amount_value", Values::I64(amounts));
    }
    Ok(table)
}

fn exit_table(
    graph: &Graph,
    trace: &Trace,
    cases: &[String],
    rates: Option<&Rates>,
    run: &Run,
) -> Result<Table> {
    let rows = &trace.exits;
    let transactions: Vec<Option<TxId>> =
        rows.iter().map(|row| row.by_transaction.then_some(TxId(row.position))).collect();
    let accounts: Vec<u32> = rows.iter().map(|row| row.account.0).collect();
    let amounts: Vec<i64> = rows.iter().map(|row| row.amount).collect();
    let mut table = Table::new([
        ("case", Values::Text(rows.iter().map(|row| cases[row.case as usize].clone()).collect())),
        ("transaction", Values::OptionText(transaction_keys(graph, &transactions, run)?)),
        ("account", Values::Text(account_keys(graph, &accounts, run)?)),
        (
            "currency",
            Values::Text(rows.iter().map(|row| graph.currency(row.currency).code.clone()).collect()),
        ),
        ("time", Values::Time(rows.iter().map(|row| row.time).collect())),
        ("stop", Values::Text(rows.iter().map(|row| row.stop.name().to_string()).collect())),
        ("amount_minor", minor_column(&amounts, rates)),
    ]);
    if rates.is_some() {
        table.push("amount_value", Values::I64(amounts));
    }
    Ok(table)
}

/// The external keys of transactions, in their order; null where there is none.
pub(super) fn transaction_keys(
    graph: &Graph,
    transactions: &[Option<TxId>],
    run: &Run,
) -> Result<Vec<Option<String>>> {
    let parts = transactions.par_chunks(ROWS_PER_TASK).map(|part| {
        run.check()?;
        run.advance(part.len() as u64);
        part.iter().map(|id| id.map(|id| graph.transaction_key(id)).transpose()).collect::<Result<Vec<_>>>()
    });
    Ok(parts.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// The names of cases by their numbers.
pub(super) fn names(numbers: &[u32], cases: &[String]) -> Vec<String> {
    numbers.iter().map(|&case| cases[case as usize].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_minor_units_half_to_even() {
        let values = [0, 4_999, 5_000, 5_001, 15_000, 25_000, 24_999, i128::from(i64::MAX)];
        assert_eq!(values.map(half_even), [0, 0, 0, 1, 2, 2, 2, 922_337_203_685_478]);
    }
}
