//! The ledger of a trace as a document.
//!
//! It says under which rules and on which data the numbers hold, and gives for every case and currency the
//! books that prove them: whole minor units as strings, because sums pass 2^53, with the
//! decimal beside them. Under value pooling the books are in the base currency and in units of value (`*_value`).

use super::folder::Report;
use super::provenance::{hex, provenance, window_document};
use super::question::Question;
use super::table::{Table, Values};
use crate::graph::View;
use crate::ids::CurrencyId;
use crate::trace::{Contacts, Envelope, LedgerRow, Policy, Stop, StopRow, Trace};
use crate::units::amount::format_amount;
use crate::units::time::format_time;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What every row of the ledger satisfies, to the unit.
pub const EQUATION: &str =
    "seeded + converted_in = held + at_sinks + dust + superseded + converted_out + fees";

const NOTE: &str = "A scenario under the stated rules, not an entitlement: rules differ by jurisdiction.";

const EXPOSURE_NOTE: &str =
    "Exposure, not money: amounts are those of whole payments, are not conserved and must not be added up.";

/// The ledger of `trace`, which answers `question` under `policy`.
pub(super) fn ledger(view: &View<'_>, question: &Question, policy: Policy, trace: &Trace) -> Value {
    let num_seeds = counts(question, question.seeds.seeds.iter().map(|seed| seed.case));
    let mut num_exits = NumExits::new();
    for exit in &trace.exits {
        *num_exits.entry((exit.case, exit.currency, exit.stop)).or_default() += 1;
    }
    let cases = question.seeds.cases.iter().zip(0..).map(|(name, number)| {
        let rows = of_case(&trace.ledger, number, |row| row.case);
        let stops = of_case(&trace.stops, number, |row| row.case);
        json!({
            "case": name,
            "num_seeds": num_seeds[number as usize],
            "ledger": rows.iter().map(|row| ledger_row(view, question, row)).collect::<Vec<_>>(),
            "stops": stops.iter().map(|row| stop_row(view, question, row, &num_exits)).collect::<Vec<_>>(),
        })
    });
    let cases: Vec<Value> = cases.collect();
    let mut document = rules(view, question, "trace", policy.name());
    document.extend(members(json!({
        "equation": EQUATION,
        "cases": cases,
        "num_flows": trace.flows.len(),
        "num_holdings": trace.holdings.len(),
        "num_sink_holdings": trace.sinks.stop.len(),
        "num_entries": trace.entries.len(),
        "num_exits": trace.exits.len(),
        "num_events": trace.events,
        "note": NOTE,
    })));
    Value::Object(document)
}

/// What was found under poison: exposure, not money.
pub(super) fn exposure_ledger(view: &View<'_>, question: &Question, contacts: &Contacts) -> Value {
    let num_seeds = counts(question, question.seeds.seeds.iter().map(|seed| seed.case));
    let num_exposed = counts(question, contacts.case.iter().copied());
    let num_flows = counts(question, contacts.flows.case.iter().copied());
    let cases = question.seeds.cases.iter().enumerate().map(|(number, name)| {
        json!({
            "case": name,
            "num_seeds": num_seeds[number],
            "num_exposed": num_exposed[number],
            "num_flows": num_flows[number],
        })
    });
    let cases: Vec<Value> = cases.collect();
    let mut document = rules(view, question, "exposure", "poison");
    for unused in ["opening", "pooling", "rates", "balances", "dust_minor", "joint"] {
        document.remove(unused);
    }
    document.extend(members(json!({
        "cases": cases,
        "num_flows": contacts.flows.len(),
        "num_exposed": contacts.len(),
        "note": EXPOSURE_NOTE,
    })));
    Value::Object(document)
}

/// The document over traces under several policies, each in the directory of its name.
pub(super) fn overview(view: &View<'_>, question: &Question, policies: &[&str], found: &Envelope) -> Value {
    let mut document = rules(view, question, "traces", "all");
    document.extend(members(json!({
        "policies": policies,
        "num_holdings": found.len(),
        "num_in_safe_core": found.least.iter().filter(|&&least| least > 0).count(),
        "note": NOTE,
    })));
    Value::Object(document)
}

/// How many amounts stopped, by case, currency and stop.
type NumExits = BTreeMap<(u32, CurrencyId, Stop), usize>;

/// How often each case occurs.
fn counts(question: &Question, numbers: impl Iterator<Item = u32>) -> Vec<usize> {
    let mut counts = vec![0; question.seeds.cases.len()];
    numbers.for_each(|case| counts[case as usize] += 1);
    counts
}

/// The rows of one case among rows by case.
fn of_case<T>(rows: &[T], case: u32, of: fn(&T) -> u32) -> &[T] {
    let begin = rows.partition_point(|row| of(row) < case);
    &rows[begin..begin + rows[begin..].partition_point(|row| of(row) == case)]
}

/// Data and rules behind an answer.
fn rules(view: &View<'_>, question: &Question, result: &str, policy: &str) -> Map<String, Value> {
    let options = &question.options;
    let seeds = &question.seeds;
    members(json!({
        "result": result,
        "graph": provenance(view.graph()),
        "policy": policy,
        "opening": options.opening.name(),
        "pooling": options.pooling().name(),
        "rates": question.pools.rates_document(view),
        "balances": question.pools.balances_document(options.opening),
        "ties": options.ties.name(),
        "joint": options.joint,
        "window": window_document(view.times()),
        "until": options.until.map(format_time),
        "dust_minor": options.dust / question.pools.unit(),
        "max_hops": options.max_hops,
        "sinks": question.sinks.document(),
        "seeds": { "num_seeds": seeds.seeds.len(), "num_cases": seeds.cases.len(), "sha256": hex(&seeds.sha256) },
    }))
}

/// Code and decimals of a row's currency, and how its columns end.
fn money(view: &View<'_>, question: &Question, currency: CurrencyId) -> (String, u8, &'static str) {
    let currency = view.graph().currency(currency);
    match &question.options.rates {
        Some(rates) => (currency.code.clone(), rates.exponent(), "value"),
        None => (currency.code.clone(), currency.exponent, "minor"),
    }
}

fn stop_row(view: &View<'_>, question: &Question, row: &StopRow, num_exits: &NumExits) -> Value {
    let (code, exponent, unit) = money(view, question, row.currency);
    let mut members = members(json!({ "stop": row.stop.name(), "currency": code }));
    members.insert(format!("amount_{unit}"), row.amount.to_string().into());
    members.insert("amount".into(), format_amount(row.amount, exponent).into());
    if row.stop != Stop::Until {
        let found = num_exits.get(&(row.case, row.currency, row.stop)).copied().unwrap_or(0);
        members.insert("num_exits".into(), found.into());
    }
    Value::Object(members)
}

fn ledger_row(view: &View<'_>, question: &Question, row: &LedgerRow) -> Value {
    let (code, exponent, unit) = money(view, question, row.currency);
    let mut members = members(json!({ "currency": code, "exponent": exponent }));
    for (name, term) in TERMS {
        let amount = term(row);
        members.insert(format!("{name}_{unit}"), amount.to_string().into());
        members.insert(name.to_string(), format_amount(amount, exponent).into());
    }
    members.insert("balances".to_string(), row.balances().into());
    Value::Object(members)
}

/// A term of the equation: its name and where it stands in a row.
type Term = (&'static str, fn(&LedgerRow) -> i128);

/// The terms of the equation, in its order.
const TERMS: [Term; 8] = [
    ("seeded", |row| row.seeded),
    ("converted_in", |row| row.converted_in),
    ("held", |row| row.held),
    ("at_sinks", |row| row.at_sinks),
    ("dust", |row| row.dust),
    ("superseded", |row| row.superseded),
    ("converted_out", |row| row.converted_out),
    ("fees", |row| row.fees),
];

fn members(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { Map::new() }
}

/// The books in a report's document as a table for people: decimals, one row per case and currency.
pub fn book_table(report: &Report) -> Table {
    let mut names = vec!["case", "currency"];
    names.extend(TERMS.map(|(name, _)| name));
    let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); names.len()];
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for case in array(&report.document["cases"]) {
        for row in array(&case["ledger"]) {
            for (name, column) in names.iter().zip(&mut columns) {
                let cell = if *name == "case" { &case["case"] } else { &row[*name] };
                column.push(cell.as_str().map(str::to_string));
            }
        }
    }
    Table::new(names.into_iter().zip(columns.into_iter().map(Values::OptionText)))
}
