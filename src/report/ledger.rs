//! The ledger of a trace as a document, and a trace as a directory of files.
//!
//! The directory holds `flows.csv`, `holdings.csv`, `sinks.csv` and `ledger.json`. The ledger says
//! under which rules and on which data the numbers hold, and gives for every case and currency the
//! books that prove them: whole minor units as strings, because sums pass 2^53, with the
//! decimal beside them.

use super::csv::{CsvOptions, write_csv};
use super::output::Directory;
use super::provenance::{hex, provenance};
use super::seeds::Seeds;
use super::trace::TraceTables;
use crate::error::Result;
use crate::graph::View;
use crate::ids::{AccountId, CurrencyId};
use crate::run::Run;
use crate::trace::{LedgerRow, Trace, TraceOptions};
use crate::units::amount::format_amount;
use crate::units::time::format_time;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::Path;

/// What every row of the ledger satisfies, to the unit.
pub const EQUATION: &str =
    "seeded + converted_in = held + at_sinks + dust + superseded + converted_out + fees";

/// The ledger of `trace`, which followed `seeds` through `view` under `options`.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged) if the keys of sinks are.
pub fn ledger(view: &View, seeds: &Seeds, options: &TraceOptions, trace: &Trace) -> Result<Value> {
    let graph = view.graph();
    let window = view.times();
    let bound = |time: i64, open: i64| if time == open { Value::Null } else { format_time(time).into() };
    let mut sinks = options
        .sinks
        .iter()
        .map(|account| graph.account_key(AccountId(account)))
        .collect::<Result<Vec<_>>>()?;
    sinks.sort_unstable();
    let cases: Vec<Value> = seeds
        .cases
        .iter()
        .enumerate()
        .map(|(number, name)| {
            let number = number as u32;
            let money = |currency: CurrencyId| {
                let currency = graph.currency(currency);
                (currency.code.clone(), currency.exponent)
            };
            let rows = trace.ledger.iter().filter(|row| row.case == number);
            let stops = trace.stops.iter().filter(|row| row.case == number).map(|row| {
                let (code, exponent) = money(row.currency);
                let amount = format_amount(row.amount, exponent);
                json!({ "stop": row.stop.name(), "currency": code, "amount_minor": row.amount.to_string(), "amount": amount })
            });
            json!({
                "case": name,
                "num_seeds": seeds.seeds.iter().filter(|seed| seed.case == number).count(),
                "ledger": rows.map(|row| ledger_row(row, money(row.currency))).collect::<Vec<_>>(),
                "stops": stops.collect::<Vec<_>>(),
            })
        })
        .collect();
    Ok(json!({
        "result": "trace",
        "graph": provenance(graph),
        "policy": options.policy.name(),
        "opening": options.opening.name(),
        "ties": options.ties.name(),
        "joint": options.joint,
        "window": { "from": bound(window.from, i64::MIN), "to": bound(window.to, i64::MAX) },
        "until": options.until.map(format_time),
        "sinks": sinks,
        "seeds": { "num_seeds": seeds.seeds.len(), "num_cases": seeds.cases.len(), "sha256": hex(&seeds.sha256) },
        "equation": EQUATION,
        "cases": cases,
        "num_flows": trace.flows.len(),
        "num_holdings": trace.holdings.len(),
        "num_sink_holdings": trace.sinks.stop.len(),
        "num_events": trace.events,
        "note": "A scenario under the stated rules, not an entitlement: rules differ by jurisdiction.",
    }))
}

fn ledger_row(row: &LedgerRow, (code, exponent): (String, u8)) -> Value {
    let terms = [
        ("seeded", row.seeded),
        ("converted_in", row.converted_in),
        ("held", row.held),
        ("at_sinks", row.at_sinks),
        ("dust", row.dust),
        ("superseded", row.superseded),
        ("converted_out", row.converted_out),
        ("fees", row.fees),
    ];
    let mut members =
        Map::from_iter([("currency".to_string(), code.into()), ("exponent".to_string(), exponent.into())]);
    for (name, minor) in terms {
        members.insert(format!("{name}_minor"), minor.to_string().into());
        members.insert(name.to_string(), format_amount(minor, exponent).into());
    }
    members.insert("balances".to_string(), row.balances().into());
    Value::Object(members)
}

/// Writes the tables and the ledger to the new directory `path`, whole or not at all.
///
/// # Errors
/// Those of [`Directory`].
pub fn write_trace(
    tables: &TraceTables,
    ledger: &Value,
    path: &Path,
    csv: CsvOptions,
    run: &Run,
) -> Result<()> {
    run.stage("writing", 0);
    let directory = Directory::create(path, run)?;
    for (name, table) in [("flows", &tables.flows), ("holdings", &tables.holdings), ("sinks", &tables.sinks)]
    {
        directory.file(&format!("{name}.csv"), |out| write_csv(table, csv, out))?;
        #[cfg(feature = "arrow")]
        directory
            .file(&format!("{name}.parquet"), |out| super::parquet::write_parquet(table.clone(), out))?;
    }
    directory.file("ledger.json", |out| {
        serde_json::to_writer_pretty(&mut *out, ledger)?;
        out.write_all(b"\n")
    })?;
    directory.finish()
}
