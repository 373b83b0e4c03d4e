//! Seeds and sinks as people write them: CSV with external keys and decimal amounts.
//!
//! They are read here and not in [`trace`](crate::trace), because this is where keys and ids are translated into each
//! other: the engine takes ids and gives ids, and one room knows the graph's words for both directions.
//!
//! # Seeds
//! * a transaction: `case,transaction[,amount]`; without an amount all of it, in units of the received currency;
//! * a deposit: `case,account,currency,time,amount`.
//!
//! Amounts are decimals in the currency's units (`12.50`) in a column `amount`, or
//! whole minor units in `amount_minor`. A file with both kinds of seeds says which a row is in a column `kind`
//! (`transaction` or `deposit`). Cases are numbered by first appearance; where several claim the same money the first counts.

use super::sheet::{Record, Sheet};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::ids::{AccountId, CurrencyId};
use crate::trace::{Seed, SeedKind};
use crate::units::Currency;
use crate::units::amount::{AmountFault, parse_amount};
use crate::units::time::parse_time;
use roaring::RoaringBitmap;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::Path;

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
    /// File and line of each seed.
    places: Vec<String>,
}

impl Seeds {
    /// `error`, with file and line where it names a seed by its number.
    pub fn locate(&self, error: Error) -> Error {
        let Error::Input { input, problem } = error else { return error };
        let named = input.strip_prefix("seeds[").and_then(|rest| rest.split_once(']'));
        let place =
            named.and_then(|(number, rest)| Some((self.places.get(number.parse::<usize>().ok()?)?, rest)));
        match place {
            Some((place, rest)) => Error::Input { input: format!("{place}{rest}"), problem },
            None => Error::Input { input, problem },
        }
    }
}

/// Reads the seeds of `path`, which name accounts, transactions and currencies of `graph`.
///
/// # Errors
/// [`Error::UnknownKey`] and [`Error::Input`] with file and line.
pub fn read_seeds(graph: &Graph, path: &Path) -> Result<Seeds> {
    seeds_of(graph, &Sheet::read(path, &COLUMNS)?)
}

/// As [`read_seeds`], of CSV in memory that errors call `name`.
///
/// # Errors
/// As [`read_seeds`].
pub fn parse_seeds(graph: &Graph, name: &str, csv: Vec<u8>) -> Result<Seeds> {
    seeds_of(graph, &Sheet::parse(name.to_string(), csv, &COLUMNS)?)
}

fn seeds_of(graph: &Graph, sheet: &Sheet) -> Result<Seeds> {
    sheet.need("case")?;
    let mixed = sheet.has("transaction") && sheet.has("account");
    if mixed {
        sheet.need("kind")?;
    } else if !sheet.has("transaction") {
        ["account", "currency", "time"].into_iter().try_for_each(|column| sheet.need(column))?;
    }
    let mut found = Seeds { sha256: Sha256::digest(&sheet.bytes).into(), ..Seeds::default() };
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    for record in sheet.iter() {
        let name = record.need("case")?;
        let case = *numbers.entry(name).or_insert_with(|| {
            found.cases.push(name.to_string());
            found.cases.len() as u32 - 1
        });
        let deposit = match record.get("kind") {
            Some("transaction") => false,
            Some("deposit") => true,
            Some(other) => return Err(record.refuse(format!("kind {other:?}; it is transaction or deposit"))),
            None if mixed => return Err(record.refuse("kind is empty; it is transaction or deposit")),
            None => !sheet.has("transaction"),
        };
        let kind = if deposit { deposit_seed(graph, record)? } else { transaction_seed(graph, record)? };
        found.seeds.push(Seed { case, kind });
        found.places.push(record.place());
    }
    if found.seeds.is_empty() {
        return Err(Error::input(sheet.name(), "no seeds"));
    }
    Ok(found)
}

/// Reads the accounts of `path`, a CSV with a column `account`.
///
/// # Errors
/// [`Error::UnknownKey`] and [`Error::Input`] with file and line.
pub fn read_accounts(graph: &Graph, path: &Path) -> Result<RoaringBitmap> {
    accounts_of(graph, &Sheet::read(path, &["account"])?)
}

/// As [`read_accounts`], of CSV in memory that errors call `name`.
///
/// # Errors
/// As [`read_accounts`].
pub fn parse_accounts(graph: &Graph, name: &str, csv: Vec<u8>) -> Result<RoaringBitmap> {
    accounts_of(graph, &Sheet::parse(name.to_string(), csv, &["account"])?)
}

fn accounts_of(graph: &Graph, sheet: &Sheet) -> Result<RoaringBitmap> {
    sheet.need("account")?;
    sheet.iter().map(|record| Ok(account(graph, record)?.0)).collect()
}

fn transaction_seed(graph: &Graph, record: Record<'_>) -> Result<SeedKind> {
    only(record, &["account", "currency", "time"], "transaction")?;
    let key = record.need("transaction")?;
    let transaction = graph.find_transaction(key)?.ok_or_else(|| record.unknown("transaction", key))?;
    let received = graph.transaction(transaction)?.received_currency;
    Ok(SeedKind::Transaction { transaction, amount: amount(record, graph.currency(received))? })
}

fn deposit_seed(graph: &Graph, record: Record<'_>) -> Result<SeedKind> {
    only(record, &["transaction"], "deposit")?;
    let code = record.need("currency")?;
    let currency: CurrencyId = graph.find_currency(code).ok_or_else(|| record.unknown("currency", code))?;
    let text = record.need("time")?;
    let time = parse_time(text)
        .ok_or_else(|| record.refuse(format!("time {text:?}; write it like 2024-05-01T12:00:00Z")))?;
    let amount = amount(record, graph.currency(currency))?
        .ok_or_else(|| record.refuse("a deposit needs an amount"))?;
    Ok(SeedKind::Deposit { account: account(graph, record)?, currency, time, amount })
}

/// Refuses values in columns that this kind of seed does not have.
fn only(record: Record<'_>, foreign: &[&str], kind: &str) -> Result<()> {
    match foreign.iter().find(|column| record.get(column).is_some()) {
        Some(column) => Err(record.refuse(format!("{column} is given, which a {kind} seed does not have"))),
        None => Ok(()),
    }
}

fn account(graph: &Graph, record: Record<'_>) -> Result<AccountId> {
    let key = record.need("account")?;
    graph.find_account(key)?.ok_or_else(|| record.unknown("account", key))
}

/// The amount of a seed in minor units of `currency`, if one is given.
fn amount(record: Record<'_>, currency: &Currency) -> Result<Option<i64>> {
    let (text, exponent, column) = match (record.get("amount"), record.get("amount_minor")) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err(record.refuse("both amount and amount_minor are given; give one")),
        (Some(text), None) => (text, currency.exponent, "amount"),
        (None, Some(text)) => (text, 0, "amount_minor"),
    };
    let problem = match parse_amount(text.as_bytes(), exponent) {
        Ok(amount) if amount > 0 => return Ok(Some(amount)),
        Ok(_) => "it must be more than 0".to_string(),
        Err(AmountFault::TooManyDecimals) if column == "amount" => {
            format!("{} has {exponent} decimals", currency.code)
        }
        Err(AmountFault::TooManyDecimals) => "minor units are whole".to_string(),
        Err(AmountFault::TooLarge) => "it is over 2^63 - 1 minor units".to_string(),
        Err(AmountFault::Empty | AmountFault::NotANumber) => "write it like 1234.50".to_string(),
    };
    Err(record.refuse(format!("{column} {text:?}: {problem}")))
}
