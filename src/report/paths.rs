//! Money paths as a table: one row per step of each path.

use super::table::{Table, Values};
use super::trace::{minor, original};
use crate::error::Result;
use crate::graph::Graph;
use crate::ids::TxId;
use crate::run::Run;
use crate::trace::{Paths, PathsOptions, Rates, Trace};
use crate::units::time::SECOND_US;
use rayon::prelude::*;
use serde_json::{Value, json};

/// Paths per task.
const PATHS_PER_TASK: usize = 1 << 10;

/// Whose the paths are, and where they end or begin.
#[derive(Clone, Copy)]
pub(super) struct Ends<'a> {
    /// Name of the first column and its values by number.
    pub(super) group: (&'static str, &'a [String]),
    /// Name of the column of the account that a path is listed by.
    pub(super) account: &'static str,
    /// Account and time of what the path begins with, if that is no transaction and known.
    pub(super) entry: &'a (dyn Fn(u32) -> Option<(u32, i64)> + Sync),
    /// Number of the first payment of a path.
    pub(super) first_hop: u32,
}

/// One step of a path.
#[derive(Clone, Debug, Default)]
struct Step {
    path: usize,
    number: u32,
    hop: u32,
    holder: String,
    transaction: Option<String>,
    source: Option<String>,
    destination: Option<String>,
    time: Option<i64>,
    currency: Option<String>,
    received_currency: Option<String>,
    paid: i64,
    received: i64,
    paid_value: i64,
    received_value: i64,
    dwell_s: Option<i64>,
}

/// The paths of `trace`: `case`, `path` (from 0 in each case), `holder`, `currency`, `amount_minor` and `stop` (null where
/// the money is simply held) of the path; `hop` (0 for what it begins with), `transaction`, `source`, `destination`, `time`,
/// `paid_currency`, `paid_minor`, `received_currency`, `received_minor` of the step, and `dwell_s`, the whole seconds that the
/// money waited at `source` before. By value also `amount_value`, `paid_value`, `received_value`.
///
/// A path of money that a deposit or balance seed claimed begins with a row without a transaction.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged) if the graph is; [`Error::Cancelled`](crate::Error::Cancelled).
pub fn path_table(
    graph: &Graph,
    paths: &Paths,
    trace: &Trace,
    cases: &[String],
    rates: Option<&Rates>,
    run: &Run,
) -> Result<Table> {
    let entry = |number: u32| trace.entries.get(number as usize).map(|entry| (entry.account.0, entry.time));
    let ends = Ends { group: ("case", cases), account: "holder", entry: &entry, first_hop: 0 };
    step_table(graph, paths, ends, rates, run)
}

/// What a document says about paths.
pub(super) fn path_document(paths: &Paths, options: &PathsOptions) -> Value {
    json!({
        "paths_max": options.paths_max,
        "num_paths": paths.len(),
        "num_found": paths.num_found,
        "note": "One way to tell the money of a case apart that agrees with every amount; not the only one.",
    })
}

/// As [`path_table`], of paths between any ends.
pub(super) fn step_table(
    graph: &Graph,
    paths: &Paths,
    ends: Ends<'_>,
    rates: Option<&Rates>,
    run: &Run,
) -> Result<Table> {
    let mut numbers = Vec::with_capacity(paths.len());
    for path in 0..paths.len() {
        let next = |before: &u32| if paths.case[path - 1] == paths.case[path] { before + 1 } else { 0 };
        let number = numbers.last().map_or(0, next);
        numbers.push(number);
    }
    let all: Vec<usize> = (0..paths.len()).collect();
    run.stage("paths", paths.len() as u64);
    let parts = all.par_chunks(PATHS_PER_TASK).map(|part| {
        run.check()?;
        run.advance(part.len() as u64);
        let mut steps = Vec::new();
        for &path in part {
            steps_of(graph, paths, path, numbers[path], ends, rates, &mut steps)?;
        }
        Ok(steps)
    });
    let steps: Vec<Step> = parts.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    Ok(table_of(graph, paths, steps, ends, rates))
}

fn steps_of(
    graph: &Graph,
    paths: &Paths,
    path: usize,
    number: u32,
    ends: Ends<'_>,
    rates: Option<&Rates>,
    steps: &mut Vec<Step>,
) -> Result<()> {
    let payments = paths.payments(path);
    let holder = graph.account_key(paths.account[path])?;
    let step = |hop: u32| Step { path, number, hop, holder: holder.clone(), ..Step::default() };
    let mut before = None;
    let begins = paths.entry[path].and_then(ends.entry);
    if begins.is_some() || payments.is_empty() {
        let value = payments.clone().next().map_or(paths.amount[path], |at| paths.paid[at]);
        let mut first = Step { received_value: value, received: minor(value, rates), ..step(0) };
        if rates.is_some() || payments.is_empty() {
            first.received_currency = Some(graph.currency(paths.currency[path]).code.clone());
        } else if let Some(at) = payments.clone().next() {
            let paid = graph.transaction(paths.transaction[at])?.paid_currency;
            first.received_currency = Some(graph.currency(paid).code.clone());
        }
        if let Some((account, time)) = begins {
            first.destination = Some(graph.account_key(crate::ids::AccountId(account))?);
            first.time = Some(time);
            before = Some(time);
        }
        steps.push(first);
    }
    let first_hop = if begins.is_some() { 1 } else { ends.first_hop };
    for (hop, at) in (first_hop..).zip(payments) {
        let id: TxId = paths.transaction[at];
        let row = graph.transaction(id)?;
        let (paid, received) = original(&row, paths.paid[at], paths.received[at], rates)?;
        steps.push(Step {
            transaction: Some(graph.transaction_key(id)?),
            source: Some(graph.account_key(row.source)?),
            destination: Some(graph.account_key(row.destination)?),
            time: Some(row.time),
            currency: Some(graph.currency(row.paid_currency).code.clone()),
            received_currency: Some(graph.currency(row.received_currency).code.clone()),
            paid,
            received,
            paid_value: paths.paid[at],
            received_value: paths.received[at],
            dwell_s: before.map(|before: i64| row.time.saturating_sub(before) / SECOND_US),
            ..step(hop)
        });
        before = Some(row.time);
    }
    Ok(())
}

fn table_of(graph: &Graph, paths: &Paths, steps: Vec<Step>, ends: Ends<'_>, rates: Option<&Rates>) -> Table {
    let of = |value: &dyn Fn(&Step) -> i64| Values::I64(steps.iter().map(value).collect());
    let text = |value: &dyn Fn(&Step) -> String| Values::Text(steps.iter().map(value).collect());
    let optional = |value: fn(&Step) -> &Option<String>| {
        Values::OptionText(steps.iter().map(|s| value(s).clone()).collect())
    };
    let (group, names) = ends.group;
    let stop = |step: &Step| paths.stop[step.path].map(|stop| stop.name().to_string());
    let mut table = Table::new([
        (group, text(&|step| names[paths.case[step.path] as usize].clone())),
        ("path", Values::U32(steps.iter().map(|step| step.number).collect())),
        (ends.account, text(&|step| step.holder.clone())),
        ("currency", text(&|step| graph.currency(paths.currency[step.path]).code.clone())),
        ("amount_minor", of(&|step| minor(paths.amount[step.path], rates))),
        ("stop", Values::OptionText(steps.iter().map(stop).collect())),
        ("hop", Values::U32(steps.iter().map(|step| step.hop).collect())),
        ("transaction", optional(|step| &step.transaction)),
        ("source", optional(|step| &step.source)),
        ("destination", optional(|step| &step.destination)),
        ("time", Values::OptionTime(steps.iter().map(|step| step.time).collect())),
        ("paid_currency", optional(|step| &step.currency)),
        ("paid_minor", of(&|step| step.paid)),
        ("received_currency", optional(|step| &step.received_currency)),
        ("received_minor", of(&|step| step.received)),
        ("dwell_s", Values::OptionI64(steps.iter().map(|step| step.dwell_s).collect())),
    ]);
    if rates.is_some() {
        table.push("amount_value", of(&|step| paths.amount[step.path]));
        table.push("paid_value", of(&|step| step.paid_value));
        table.push("received_value", of(&|step| step.received_value));
    }
    table
}
