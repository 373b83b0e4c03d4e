//! Seeds as people write them: CSV with external keys and decimal amounts.
//!
//! They are read here and not in [`trace`](crate::trace), because this is where keys and ids are translated into each
//! other: the engine takes ids and gives ids, and one room knows the graph's words for both directions.
//!
//! # Kinds
//! * a transaction: `case,transaction[,amount]`; without an amount all of it, in units of the received currency;
//! * a deposit: `case,account,currency,time,amount`;
//! * a balance: `case,account,currency,time[,amount]` with `balance` in the column `kind`; without an amount all of it.
//!
//! Amounts are decimals in the currency's units (`12.50`) in a column `amount`, or
//! whole minor units in `amount_minor`. A file with columns for transactions and accounts says which a row is in a column
//! `kind` (`transaction`, `deposit` or `balance`). Cases are numbered by first appearance; where several claim the same
//! money the first counts.

use super::input::{self, Input, Places};
use super::sheet::{Record, Sheet};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::trace::{Seed, SeedKind};
use std::collections::HashMap;

const COLUMNS: [&str; 8] =
    ["case", "kind", "transaction", "account", "currency", "time", "amount", "amount_minor"];

/// Seeds with ids, and the names that they came with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seeds {
    /// Names of the cases, in the order of their numbers.
    pub cases: Vec<String>,
    /// The seeds, in the order of the file.
    pub seeds: Vec<Seed>,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    places: Places,
}

impl Seeds {
    /// `error`, with file and line where it names a seed by its number.
    pub fn locate(&self, error: Error) -> Error {
        self.places.locate(error)
    }

    /// Number of cases.
    pub fn num_cases(&self) -> u32 {
        self.cases.len() as u32
    }
}

/// What a row of a seeds file is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Transaction,
    Deposit,
    Balance,
}

/// Reads seeds, which name accounts, transactions and currencies of `graph`.
///
/// # Errors
/// [`Error::UnknownKey`] and [`Error::Input`] with file and line; [`Error::Io`].
pub fn read_seeds(graph: &Graph, input: &Input) -> Result<Seeds> {
    let sheet = input.sheet(&COLUMNS)?;
    sheet.need("case")?;
    if sheet.has("transaction") && sheet.has("account") {
        sheet.need("kind")?;
    } else if !sheet.has("transaction") {
        ["account", "currency", "time"].into_iter().try_for_each(|column| sheet.need(column))?;
    }
    let mut found = Seeds { sha256: input::digest(&sheet), places: Places::new("seeds"), ..Seeds::default() };
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    for record in sheet.iter() {
        let name = record.need("case")?;
        let case = *numbers.entry(name).or_insert_with(|| {
            found.cases.push(name.to_string());
            found.cases.len() as u32 - 1
        });
        let kind = match kind(&sheet, record)? {
            Kind::Transaction => transaction_seed(graph, record)?,
            Kind::Deposit => deposit_seed(graph, record)?,
            Kind::Balance => balance_seed(graph, record)?,
        };
        found.seeds.push(Seed { case, kind });
        found.places.push(record);
    }
    if found.seeds.is_empty() {
        return Err(Error::input(sheet.name(), "no seeds"));
    }
    Ok(found)
}

fn kind(sheet: &Sheet, record: Record<'_>) -> Result<Kind> {
    const KINDS: &str = "it is transaction, deposit or balance";
    match record.get("kind") {
        Some("transaction") => Ok(Kind::Transaction),
        Some("deposit") => Ok(Kind::Deposit),
        Some("balance") => Ok(Kind::Balance),
        Some(other) => Err(record.refuse(format!("kind {other:?}; {KINDS}"))),
        None if sheet.has("transaction") && sheet.has("account") => {
            Err(record.refuse(format!("kind is empty; {KINDS}")))
        }
        None if sheet.has("transaction") => Ok(Kind::Transaction),
        None => Ok(Kind::Deposit),
    }
}

fn transaction_seed(graph: &Graph, record: Record<'_>) -> Result<SeedKind> {
    input::only(record, &["account", "currency", "time"], "transaction seed")?;
    let transaction = input::transaction(graph, record)?;
    let received = graph.transaction(transaction)?.received_currency;
    Ok(SeedKind::Transaction { transaction, amount: input::amount(record, graph.currency(received))? })
}

fn deposit_seed(graph: &Graph, record: Record<'_>) -> Result<SeedKind> {
    input::only(record, &["transaction"], "deposit seed")?;
    let account = input::account(graph, record, "account")?;
    let currency = input::currency(graph, record)?;
    let time = input::time(record, "time")?.ok_or_else(|| record.refuse("time is empty"))?;
    let amount = input::amount(record, graph.currency(currency))?
        .ok_or_else(|| record.refuse("a deposit needs an amount"))?;
    Ok(SeedKind::Deposit { account, currency, time, amount })
}

fn balance_seed(graph: &Graph, record: Record<'_>) -> Result<SeedKind> {
    input::only(record, &["transaction"], "balance seed")?;
    let account = input::account(graph, record, "account")?;
    let currency = input::currency(graph, record)?;
    let time = input::time(record, "time")?.ok_or_else(|| record.refuse("time is empty"))?;
    Ok(SeedKind::Balance {
        account,
        currency,
        time,
        amount: input::amount(record, graph.currency(currency))?,
    })
}
