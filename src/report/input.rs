//! What people hand in beside a graph: small CSV files, or the same in memory, and how their cells are read.
//!
//! Every table of this kind names accounts, transactions and currencies by their external keys, writes
//! amounts as decimals of the currency (`amount`) or as whole minor units (`amount_minor`), and times as RFC 3339. The
//! first mistake ends the reading with file and line; where the engine refuses a row later, `Places` puts the
//! file and line in place of the row's number.

use super::sheet::{Record, Sheet};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::ids::{AccountId, CurrencyId, TxId};
use crate::units::Currency;
use crate::units::amount::{AmountFault, parse_amount};
use crate::units::time::parse_time;
use roaring::RoaringBitmap;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// A CSV table that somebody hands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// CSV in memory.
    Csv {
        /// What errors call it.
        name: String,
        /// The text, UTF-8.
        bytes: Vec<u8>,
    },
}

impl From<&Path> for Input {
    fn from(path: &Path) -> Self {
        Input::File(path.to_path_buf())
    }
}

impl From<PathBuf> for Input {
    fn from(path: PathBuf) -> Self {
        Input::File(path)
    }
}

impl Input {
    /// CSV in memory that errors call `name`.
    pub fn csv(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Input::Csv { name: name.into(), bytes: bytes.into() }
    }

    /// Its records; columns may be those of `allowed`.
    pub(super) fn sheet(&self, allowed: &[&str]) -> Result<Sheet> {
        match self {
            Input::File(path) => Sheet::read(path, allowed),
            Input::Csv { name, bytes } => Sheet::parse(name.clone(), bytes.clone(), allowed),
        }
    }
}

/// SHA-256 of the bytes of a table.
pub(super) fn digest(sheet: &Sheet) -> [u8; 32] {
    Sha256::digest(&sheet.bytes).into()
}

/// File and line of each row of a list that the engine knows by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    list: &'static str,
    places: Vec<String>,
}

impl Places {
    /// No rows yet of what the engine calls `list`.
    pub(super) fn new(list: &'static str) -> Self {
        Places { list, places: Vec::new() }
    }

    /// The next row.
    pub(super) fn push(&mut self, record: Record<'_>) {
        self.places.push(record.place());
    }

    /// `error`, with file and line wherever it names a row as `list[number]`.
    pub(super) fn locate(&self, error: Error) -> Error {
        let Error::Input { input, problem } = error else { return error };
        Error::Input { input: self.translate(&input), problem: self.translate(&problem) }
    }

    fn translate(&self, text: &str) -> String {
        let found = text.split_once(&format!("{}[", self.list)).and_then(|(before, rest)| {
            let (number, after) = rest.split_once(']')?;
            let place = self.places.get(number.parse::<usize>().ok()?)?;
            Some(format!("{before}{place}{after}"))
        });
        found.unwrap_or_else(|| text.to_string())
    }
}

/// The accounts of a CSV with a column `account`, in its order, each once; also the SHA-256 of its bytes.
pub(super) fn account_list(graph: &Graph, input: &Input) -> Result<(Vec<AccountId>, [u8; 32])> {
    let sheet = input.sheet(&["account"])?;
    sheet.need("account")?;
    let (mut accounts, mut seen) = (Vec::new(), RoaringBitmap::new());
    for record in sheet.iter() {
        let id = account(graph, record, "account")?;
        if seen.insert(id.0) {
            accounts.push(id);
        }
    }
    if accounts.is_empty() {
        return Err(Error::input(sheet.name(), "no accounts"));
    }
    Ok((accounts, digest(&sheet)))
}

/// The account that `column` names.
pub(super) fn account(graph: &Graph, record: Record<'_>, column: &str) -> Result<AccountId> {
    let key = record.need(column)?;
    graph.find_account(key)?.ok_or_else(|| record.unknown("account", key))
}

/// The transaction in the column `transaction`.
pub(super) fn transaction(graph: &Graph, record: Record<'_>) -> Result<TxId> {
    let key = record.need("transaction")?;
    graph.find_transaction(key)?.ok_or_else(|| record.unknown("transaction", key))
}

/// The currency in the column `currency`.
pub(super) fn currency(graph: &Graph, record: Record<'_>) -> Result<CurrencyId> {
    let code = record.need("currency")?;
    graph.find_currency(code).ok_or_else(|| record.unknown("currency", code))
}

/// The time in `column`, in microseconds since 1970 UTC, if one is given.
pub(super) fn time(record: Record<'_>, column: &str) -> Result<Option<i64>> {
    let Some(text) = record.get(column) else { return Ok(None) };
    let time = parse_time(text);
    time.map(Some)
        .ok_or_else(|| record.refuse(format!("{column} {text:?}; write it like 2024-05-01T12:00:00Z")))
}

/// The amount of a record in minor units of `currency`, if one is given; it must be more than 0.
pub(super) fn amount(record: Record<'_>, currency: &Currency) -> Result<Option<i64>> {
    match signed_amount(record, currency)? {
        Some((amount, column, text)) if amount <= 0 => {
            Err(record.refuse(format!("{column} {text:?}: it must be more than 0")))
        }
        found => Ok(found.map(|(amount, ..)| amount)),
    }
}

/// The amount of a record, of any sign, with its column and its text.
pub(super) fn signed_amount<'r>(
    record: Record<'r>,
    currency: &Currency,
) -> Result<Option<(i64, &'static str, &'r str)>> {
    let (text, exponent, column) = match (record.get("amount"), record.get("amount_minor")) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err(record.refuse("both amount and amount_minor are given; give one")),
        (Some(text), None) => (text, currency.exponent, "amount"),
        (None, Some(text)) => (text, 0, "amount_minor"),
    };
    let problem = match parse_amount(text.as_bytes(), exponent) {
        Ok(amount) => return Ok(Some((amount, column, text))),
        Err(AmountFault::TooManyDecimals) if column == "amount" => {
            format!("{} has {exponent} decimals", currency.code)
        }
        Err(AmountFault::TooManyDecimals) => "minor units are whole".to_string(),
        Err(AmountFault::TooLarge) => "it is over 2^63 - 1 minor units".to_string(),
        Err(AmountFault::Empty | AmountFault::NotANumber) => "write it like 1234.50".to_string(),
    };
    Err(record.refuse(format!("{column} {text:?}: {problem}")))
}

/// Refuses values in columns that this kind of row does not have.
pub(super) fn only(record: Record<'_>, foreign: &[&str], kind: &str) -> Result<()> {
    match foreign.iter().find(|column| record.get(column).is_some()) {
        Some(column) => Err(record.refuse(format!("{column} is given, which a {kind} does not have"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_named_by_file_and_line_wherever_they_are_mentioned() {
        let input = Input::csv("b.csv", "account\nA\n\nB\n");
        let sheet = input.sheet(&["account"]).unwrap();
        let mut places = Places::new("balances");
        sheet.iter().for_each(|record| places.push(record));
        let located =
            places.locate(Error::input("balances[1]", "states another balance than balances[0] for it"));
        assert_eq!(located.to_string(), "b.csv, line 4: states another balance than b.csv, line 2 for it");
        // Other lists and rows that are not there stay as they are.
        for other in ["seeds[0]", "balances[2]", "balances[x]", "balances"] {
            assert_eq!(places.locate(Error::input(other, "no")).to_string(), format!("{other}: no"));
        }
    }
}
