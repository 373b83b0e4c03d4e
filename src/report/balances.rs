//! Tables of balances as people write them, and the statements that the data do not explain.
//!
//! `account,currency,amount[,time]`: without a time a row is an opening balance, with one it states the balance after
//! every transaction up to that time. `amount_minor` may stand for `amount`; amounts may be 0 or less.

use super::components::account_keys;
use super::input::{self, Input, Places};
use super::table::{Table, Values};
use crate::error::Result;
use crate::graph::{Graph, View};
use crate::run::Run;
use crate::trace::balances::{Break, breaks};
use crate::trace::{Balance, Balances};

const COLUMNS: [&str; 5] = ["account", "currency", "time", "amount", "amount_minor"];

/// A table of balances with ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatedBalances {
    /// The balances.
    pub balances: Balances,
    /// Number of rows that state a balance at a time.
    pub num_statements: usize,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}

/// Reads balances of accounts of `graph`.
///
/// # Errors
/// [`Error::UnknownKey`](crate::Error::UnknownKey) and [`Error::Input`](crate::Error::Input) with file and line, also for a row that
/// contradicts an earlier one.
pub fn read_balances(graph: &Graph, input: &Input) -> Result<StatedBalances> {
    let sheet = input.sheet(&COLUMNS)?;
    ["account", "currency"].into_iter().try_for_each(|column| sheet.need(column))?;
    let (mut rows, mut places) = (Vec::new(), Places::new("balances"));
    for record in sheet.iter() {
        let account = input::account(graph, record, "account")?;
        let currency = input::currency(graph, record)?;
        let stated = input::signed_amount(record, graph.currency(currency))?;
        let (amount, ..) = stated.ok_or_else(|| record.refuse("a balance needs an amount"))?;
        rows.push(Balance { account, currency, time: input::time(record, "time")?, amount });
        places.push(record);
    }
    let balances = Balances::new(&rows).map_err(|error| places.locate(error))?;
    let num_statements = balances.rows().iter().filter(|row| row.time.is_some()).count();
    Ok(StatedBalances { balances, num_statements, sha256: input::digest(&sheet) })
}

/// Statements that the transactions of `view` do not explain: `account`, `currency`, `time`, `stated_minor`,
/// `computed_minor` (opening + received − paid), `difference_minor` (stated − computed); by account as the graph numbers
/// them, currency, time.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged) if the graph is; [`Error::Cancelled`](crate::Error::Cancelled).
pub fn break_table(view: &View<'_>, stated: &StatedBalances, run: &Run) -> Result<Table> {
    let graph = view.graph();
    let found = breaks(view, &stated.balances, run)?;
    let accounts: Vec<u32> = found.iter().map(|row| row.stated.account.0).collect();
    let code = |row: &Break| graph.currency(row.stated.currency).code.clone();
    let difference = |row: &Break| i128::from(row.stated.amount) - row.computed;
    Ok(Table::new([
        ("account", Values::Text(account_keys(graph, &accounts, run)?)),
        ("currency", Values::Text(found.iter().map(code).collect())),
        ("time", Values::OptionTime(found.iter().map(|row| row.stated.time).collect())),
        ("stated_minor", Values::I64(found.iter().map(|row| row.stated.amount).collect())),
        ("computed_minor", Values::I128(found.iter().map(|row| row.computed).collect())),
        ("difference_minor", Values::I128(found.iter().map(difference).collect())),
    ]))
}
