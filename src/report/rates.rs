//! Tables of rates as people write them, and the table that a trace by value used.
//!
//! `currency,date,rate`: on that day (UTC) one unit of the currency is worth `rate` units of the base currency, a decimal of at
//! most 12 places. The rate of a day is that of the latest date not after it, else the earliest one.

use super::input::{self, Input};
use super::table::{Table, Values};
use crate::error::Result;
use crate::graph::Graph;
use crate::graph::rates::{RATE_PLACES, day_of};
use crate::ids::CurrencyId;
use crate::trace::{Rate, Rates};
use crate::units::amount::{AmountFault, format_amount, parse_amount};
use crate::units::time::{civil_from_days, parse_written};
use std::collections::HashMap;

const COLUMNS: [&str; 3] = ["currency", "date", "rate"];

/// A table of rates with ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRates {
    /// The rates.
    pub rates: Rates,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}

/// Reads rates to the currency `base` of `graph`.
///
/// # Errors
/// [`Error::UnknownKey`](crate::Error::UnknownKey) and [`Error::Input`](crate::Error::Input) with file and line: a rate that is not more
/// than 0 or has more than 12 places, a rate of the base that is not 1, two rates of one currency and date that differ.
pub fn read_rates(graph: &Graph, base: CurrencyId, input: &Input) -> Result<GivenRates> {
    let sheet = input.sheet(&COLUMNS)?;
    COLUMNS.into_iter().try_for_each(|column| sheet.need(column))?;
    let mut rows = Vec::new();
    let mut seen: HashMap<(CurrencyId, i32), (i64, u64)> = HashMap::new();
    for record in sheet.iter() {
        let currency = input::currency(graph, record)?;
        let date = record.need("date")?;
        let written = parse_written(date.as_bytes()).filter(|_| date.len() == 10);
        let written =
            written.ok_or_else(|| record.refuse(format!("date {date:?}; write it like 2024-05-01")))?;
        let day = day_of(written.civil_us);
        let text = record.need("rate")?;
        let refuse = |problem: &str| record.refuse(format!("rate {text:?}: {problem}"));
        let mantissa = parse_amount(text.as_bytes(), RATE_PLACES).map_err(|fault| {
            refuse(match fault {
                AmountFault::TooManyDecimals => "a rate has at most 12 places",
                AmountFault::TooLarge => "it is over 9223372.036854775807",
                AmountFault::Empty | AmountFault::NotANumber => "write it like 1.0842",
            })
        })?;
        if mantissa <= 0 {
            return Err(refuse("it must be more than 0"));
        }
        if currency == base && mantissa != 10i64.pow(u32::from(RATE_PLACES)) {
            return Err(refuse("this is the base currency, whose rate is 1"));
        }
        let (before, line) = *seen.entry((currency, day)).or_insert((mantissa, record.line));
        if before != mantissa {
            return Err(refuse(&format!("line {line} states another rate for the same currency and date")));
        }
        rows.push(Rate { currency, day, mantissa });
    }
    Ok(GivenRates { rates: Rates::new(graph, base, &rows)?, sha256: input::digest(&sheet) })
}

/// Every rate of a table: `currency`, `date`, `rate` (decimal text), by currency as the graph numbers them and date; the base
/// has one. [`read_rates`] reads it back.
pub fn rate_table(graph: &Graph, rates: &Rates) -> Table {
    let rows = rates.rows();
    let date = |row: &Rate| {
        let (year, month, day) = civil_from_days(i64::from(row.day));
        format!("{year:04}-{month:02}-{day:02}")
    };
    let rate = |row: &Rate| format_amount(row.mantissa.into(), RATE_PLACES);
    Table::new([
        (
            "currency",
            Values::Text(rows.iter().map(|row| graph.currency(row.currency).code.clone()).collect()),
        ),
        ("date", Values::Text(rows.iter().map(date).collect())),
        ("rate", Values::Text(rows.iter().map(rate).collect())),
    ])
}
