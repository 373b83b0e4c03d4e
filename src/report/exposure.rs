//! Exposure of a whole graph as tables: how much of what bad accounts paid every account received, and who was touched.

use super::components::account_keys;
use super::folder::Report;
use super::input::Input;
use super::pools::{PoolInputs, Pools};
use super::provenance::{hex, provenance, window_document};
use super::sinks::{SinkInputs, Sinks, find_sinks};
use super::sources::{Sources, read_sources};
use super::table::{Table, Values};
use super::trace::transaction_keys;
use crate::error::Result;
use crate::graph::{Graph, View};
use crate::run::Run;
use crate::trace::{ExposedAccounts, ExposedAmounts, Exposure, ExposureBooks, ExposureOptions, exposure};
use crate::units::amount::format_amount;
use crate::units::time::format_time;
use serde_json::{Map, Value, json};

/// What every row of the ledger satisfies, to the unit.
pub const EQUATION: &str = "tainted + converted_in = held + returned + at_sinks + converted_out + fees";

/// What a screening is asked with, beside its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExposureInputs {
    /// Sources; see [`sources`](super::sources).
    pub sources: Input,
    /// Balances; see [`balances`](super::balances).
    pub balances: Option<Input>,
    /// Accounts where the money stays.
    pub sinks: SinkInputs,
}

/// How far every account of `view` is exposed to what the sources pay.
///
/// `options` says how; its `balances` and `sinks` come from `inputs` instead. The tables:
/// * `exposure`: pro rata, every pool that received tainted money: `account`, `currency`, `role` (other, source or sink),
///   `tainted_received_minor`, `tainted_paid_minor`, `tainted_held_minor`, `received_minor`, `tainted_share` (of what was received),
///   `first_receipt`, `last_receipt`; by account as the graph numbers them, currency.
/// * `contacts`: who was touched at all: `account`, `num_cases`, `first_contact`, `transaction` (null for a source); likewise.
///
/// The document is the `ledger`: the books by currency, every row proved.
///
/// # Errors
/// [`Error::UnknownKey`](crate::Error::UnknownKey) and [`Error::Input`](crate::Error::Input) with file and line for what is given
/// wrongly; [`Error::Option`](crate::Error::Option); [`Error::Limit`](crate::Error::Limit); [`Error::Cancelled`](crate::Error::Cancelled).
pub fn exposure_report(
    view: &View<'_>,
    inputs: &ExposureInputs,
    options: &ExposureOptions,
    run: &Run,
) -> Result<Report> {
    let graph = view.graph();
    let sources = read_sources(graph, &inputs.sources)?;
    let balances = PoolInputs { balances: inputs.balances.clone(), ..PoolInputs::default() };
    let pools = Pools::read(view, &balances, options.opening, run)?;
    let sinks = find_sinks(view, &inputs.sinks, run)?;
    let options =
        ExposureOptions { balances: pools.balances(), sinks: sinks.accounts.clone(), ..options.clone() };
    let found = exposure(view, sources.cases.len() as u32, &sources.sources, &options, run)
        .map_err(|error| sources.locate(error))?;
    run.stage("keys", (found.amounts.len() + found.accounts.len()) as u64);
    let mut tables = vec![
        ("exposure", amount_table(graph, &found.amounts, run)?),
        ("contacts", contact_table(graph, &found.accounts, run)?),
    ];
    tables.extend(pools.tables(view));
    let document = document(view, &sources, &sinks, &pools, &options, &found);
    Ok(Report { tables, document_name: "ledger", document, parts: Vec::new() })
}

fn amount_table(graph: &Graph, found: &ExposedAmounts, run: &Run) -> Result<Table> {
    let accounts: Vec<u32> = found.account.iter().map(|account| account.0).collect();
    let code = |&currency| graph.currency(currency).code.clone();
    let parts = found.tainted_received.iter().zip(&found.received);
    let share = parts.map(|(&tainted, &all)| tainted as f64 / all as f64).collect();
    Ok(Table::new([
        ("account", Values::Text(account_keys(graph, &accounts, run)?)),
        ("currency", Values::Text(found.currency.iter().map(code).collect())),
        ("role", Values::Text(found.role.iter().map(|role| role.name().to_string()).collect())),
        ("tainted_received_minor", Values::I64(found.tainted_received.clone())),
        ("tainted_paid_minor", Values::I64(found.tainted_paid.clone())),
        ("tainted_held_minor", Values::I64(found.tainted_held.clone())),
        ("received_minor", Values::I64(found.received.clone())),
        ("tainted_share", Values::F64(share)),
        ("first_receipt", Values::Time(found.first_receipt.clone())),
        ("last_receipt", Values::Time(found.last_receipt.clone())),
    ]))
}

fn contact_table(graph: &Graph, found: &ExposedAccounts, run: &Run) -> Result<Table> {
    let accounts: Vec<u32> = found.account.iter().map(|account| account.0).collect();
    Ok(Table::new([
        ("account", Values::Text(account_keys(graph, &accounts, run)?)),
        ("num_cases", Values::U32(found.num_cases.clone())),
        ("first_contact", Values::Time(found.first_contact.clone())),
        ("transaction", Values::OptionText(transaction_keys(graph, &found.transaction, run)?)),
    ]))
}

fn document(
    view: &View<'_>,
    sources: &Sources,
    sinks: &Sinks,
    pools: &Pools,
    options: &ExposureOptions,
    found: &Exposure,
) -> Value {
    let books: Vec<Value> = found.ledger.iter().map(|row| book(view.graph(), row)).collect();
    json!({
        "result": "exposure of all accounts",
        "graph": provenance(view.graph()),
        "policy": "haircut",
        "opening": options.opening.name(),
        "balances": pools.balances_document(options.opening),
        "ties": options.ties.name(),
        "window": window_document(view.times()),
        "until": options.until.map(format_time),
        "sinks": sinks.document(),
        "sources": {
            "num_sources": sources.sources.len(),
            "cases": sources.cases,
            "sha256": hex(&sources.sha256),
        },
        "equation": EQUATION,
        "ledger": books,
        "num_exposed_pools": found.amounts.len(),
        "num_contacts": found.accounts.len(),
        "note": "Amounts follow the haircut rule, a scenario and not an entitlement; contact alone says nothing about amounts.",
    })
}

fn book(graph: &Graph, row: &ExposureBooks) -> Value {
    let currency = graph.currency(row.currency);
    let terms = [
        ("tainted", row.tainted),
        ("converted_in", row.converted_in),
        ("held", row.held),
        ("returned", row.returned),
        ("at_sinks", row.at_sinks),
        ("converted_out", row.converted_out),
        ("fees", row.fees),
    ];
    let mut members = Map::new();
    members.insert("currency".into(), currency.code.clone().into());
    members.insert("exponent".into(), currency.exponent.into());
    for (name, amount) in terms {
        members.insert(format!("{name}_minor"), amount.to_string().into());
        members.insert(name.into(), format_amount(amount, currency.exponent).into());
    }
    members.insert("balances".into(), row.balances().into());
    Value::Object(members)
}
