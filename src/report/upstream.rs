//! Source of funds: targets from a file, their origins as tables.
//!
//! # Targets
//! * a transaction: `name,transaction`: what it pays;
//! * a balance: `name,account,currency,time[,amount]`: what is in an account after every transaction up to that time.
//!
//! A file with columns for both says which a row is in a column `kind` (`transaction` or `balance`). Names are the user's
//! and distinct; the tables have them in the column `target`.

use super::components::account_keys;
use super::folder::Report;
use super::input::{self, Input, Places};
use super::paths::{Ends, path_document, step_table};
use super::pools::{PoolInputs, Pools};
use super::provenance::{hex, provenance, window_document};
use super::sheet::Record;
use super::sinks::read_accounts;
use super::table::{Table, Values};
use super::trace::{flow_table, minor_column, names};
use crate::error::{Error, Result};
use crate::graph::{Graph, View};
use crate::run::Run;
use crate::trace::{Origins, PathsOptions, Rates, Target, TraceOptions, Upstream, UpstreamOptions, upstream};
use crate::units::amount::format_amount;
use roaring::RoaringBitmap;
use serde_json::{Value, json};
use std::collections::HashSet;

const COLUMNS: [&str; 8] =
    ["name", "kind", "transaction", "account", "currency", "time", "amount", "amount_minor"];

/// What a search for origins is asked with, beside its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamInputs {
    /// Targets; see the [head of this page](self).
    pub targets: Input,
    /// CSV with a column `account`: accounts whose payments are not followed further back.
    pub origins: Option<Input>,
    /// Balances and rates.
    pub pools: PoolInputs,
    /// Most money paths listed for each target, those with the largest amounts; 0 lists all, `None` asks for none.
    pub paths_max: Option<usize>,
}

/// Targets with ids, and the names that they came with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Names, in the order of the file.
    pub names: Vec<String>,
    /// The targets, likewise.
    pub targets: Vec<Target>,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    places: Places,
}

impl Targets {
    /// `error`, with file and line where it names a target by its number.
    pub fn locate(&self, error: Error) -> Error {
        self.places.locate(error)
    }
}

/// Reads targets, which name accounts, transactions and currencies of `graph`.
///
/// # Errors
/// [`Error::UnknownKey`] and [`Error::Input`] with file and line.
pub fn read_targets(graph: &Graph, input: &Input) -> Result<Targets> {
    let sheet = input.sheet(&COLUMNS)?;
    sheet.need("name")?;
    let mixed = sheet.has("transaction") && sheet.has("account");
    if mixed {
        sheet.need("kind")?;
    } else if !sheet.has("transaction") {
        ["account", "currency", "time"].into_iter().try_for_each(|column| sheet.need(column))?;
    }
    let mut found =
        Targets { sha256: input::digest(&sheet), places: Places::new("targets"), ..Targets::default() };
    let mut seen = HashSet::new();
    for record in sheet.iter() {
        let name = record.need("name")?;
        if !seen.insert(name) {
            return Err(record.refuse(format!("two targets are called {name:?}")));
        }
        let is_transaction = match record.get("kind") {
            Some("transaction") => true,
            Some("balance") => false,
            Some(other) => return Err(record.refuse(format!("kind {other:?}; it is transaction or balance"))),
            None if mixed => return Err(record.refuse("kind is empty; it is transaction or balance")),
            None => sheet.has("transaction"),
        };
        found.targets.push(target(graph, record, is_transaction)?);
        found.names.push(name.to_string());
        found.places.push(record);
    }
    if found.targets.is_empty() {
        return Err(Error::input(sheet.name(), "no targets"));
    }
    Ok(found)
}

fn target(graph: &Graph, record: Record<'_>, is_transaction: bool) -> Result<Target> {
    if is_transaction {
        let foreign = ["account", "currency", "time", "amount", "amount_minor"];
        input::only(record, &foreign, "transaction as a target")?;
        return Ok(Target::Transaction(input::transaction(graph, record)?));
    }
    input::only(record, &["transaction"], "balance as a target")?;
    let account = input::account(graph, record, "account")?;
    let currency = input::currency(graph, record)?;
    let time = input::time(record, "time")?.ok_or_else(|| record.refuse("time is empty"))?;
    Ok(Target::Balance { account, currency, time, amount: input::amount(record, graph.currency(currency))? })
}

/// Finds where the money of targets came from within `view`, and reports it.
///
/// `options` says how; its `origins` and `paths_max` and the balances and rates of its rules come from `inputs` instead.
/// The tables:
/// * `origins`: `target`, `origin` (account), `currency`, `amount_minor`, `share` (of the target); by target as listed, amount
///   descending, account key. The amounts of a target sum to it exactly.
/// * `flows`: payments that carried the money, as those of a trace with `target` for `case`; `hop` 1 is an origin's own
///   payment.
/// * `paths`, where they are asked for: as those of a trace with `target` for `case` and `origin` for `holder`.
///
/// # Errors
/// [`Error::UnknownKey`] and [`Error::Input`] with file and line for what is given wrongly; [`Error::Option`] for rules that are out of
/// range or have no meaning upstream; [`Error::Limit`]; [`Error::Cancelled`].
pub fn upstream_report(
    view: &View<'_>,
    inputs: &UpstreamInputs,
    options: &UpstreamOptions,
    run: &Run,
) -> Result<Report> {
    let graph = view.graph();
    let targets = read_targets(graph, &inputs.targets)?;
    let pools = Pools::read(view, &inputs.pools, options.rules.opening, run)?;
    let stops = inputs.origins.as_ref().map(|input| read_accounts(graph, input)).transpose()?;
    let listed = inputs.paths_max.map(|most| Some(most).filter(|&most| most > 0));
    let options = UpstreamOptions {
        rules: TraceOptions {
            balances: pools.balances(),
            rates: pools.rates.clone(),
            ..options.rules.clone()
        },
        origins: stops.as_ref().map_or_else(RoaringBitmap::new, |(accounts, _)| accounts.clone()),
        paths_max: listed.unwrap_or(Some(0)),
        ..options.clone()
    };
    let found = upstream(view, &targets.targets, &options, run).map_err(|error| targets.locate(error))?;
    let rates = pools.rates.as_ref();
    run.stage("keys", (found.origins.len() + found.flows.len()) as u64);
    let mut flows = flow_table(graph, &found.flows, &targets.names, rates, run)?;
    flows.columns[0].0 = "target".into();
    let mut tables =
        vec![("origins", origin_table(graph, &found.origins, &targets.names, rates, run)?), ("flows", flows)];
    let mut document = document(view, &targets, &found, &options, &pools);
    document["origins"] = stops.map_or(
        Value::Null,
        |(accounts, sha256)| json!({ "num_accounts": accounts.len(), "sha256": hex(&sha256) }),
    );
    if listed.is_some() {
        let ends =
            Ends { group: ("target", &targets.names), account: "origin", entry: &|_| None, first_hop: 1 };
        tables.push(("paths", step_table(graph, &found.paths, ends, rates, run)?));
        let options = PathsOptions { paths_max: options.paths_max, ..PathsOptions::default() };
        document["paths"] = path_document(&found.paths, &options);
    }
    tables.extend(pools.tables(view));
    Ok(Report { tables, document_name: "summary", document, parts: Vec::new() })
}

fn origin_table(
    graph: &Graph,
    found: &Origins,
    targets: &[String],
    rates: Option<&Rates>,
    run: &Run,
) -> Result<Table> {
    let accounts: Vec<u32> = found.account.iter().map(|account| account.0).collect();
    let keys = account_keys(graph, &accounts, run)?;
    let mut totals = vec![0i128; targets.len()];
    for (&target, &amount) in found.target.iter().zip(&found.amount) {
        totals[target as usize] += i128::from(amount);
    }
    let mut rows: Vec<usize> = (0..found.len()).collect();
    rows.sort_by_key(|&row| (found.target[row], std::cmp::Reverse(found.amount[row]), keys[row].as_str()));
    let numbers: Vec<u32> = rows.iter().map(|&row| found.target[row]).collect();
    let amounts: Vec<i64> = rows.iter().map(|&row| found.amount[row]).collect();
    let code = |&row: &usize| graph.currency(found.currency[row]).code.clone();
    let share = |&row: &usize| found.amount[row] as f64 / totals[found.target[row] as usize] as f64;
    let mut table = Table::new([
        ("target", Values::Text(names(&numbers, targets))),
        ("origin", Values::Text(rows.iter().map(|&row| keys[row].clone()).collect())),
        ("currency", Values::Text(rows.iter().map(code).collect())),
        ("amount_minor", minor_column(&amounts, rates)),
        ("share", Values::F64(rows.iter().map(share).collect())),
    ]);
    if rates.is_some() {
        table.push("amount_value", Values::I64(amounts));
    }
    Ok(table)
}

/// Data and rules behind the answer, and what each target is in all.
fn document(
    view: &View<'_>,
    targets: &Targets,
    found: &Upstream,
    options: &UpstreamOptions,
    pools: &Pools,
) -> Value {
    let rules = &options.rules;
    let of = |name: &String, number: u32| {
        let begin = found.origins.target.partition_point(|&target| target < number);
        let end = found.origins.target.partition_point(|&target| target <= number);
        let total: i128 = found.origins.amount[begin..end].iter().copied().map(i128::from).sum();
        let currency =
            found.origins.currency[begin..end].first().map(|&currency| view.graph().currency(currency));
        let exponent = pools.rates.as_ref().map_or(currency.map_or(0, |c| c.exponent), Rates::exponent);
        let unit = if pools.rates.is_some() { "amount_value" } else { "amount_minor" };
        json!({
            "target": name,
            "currency": currency.map(|currency| currency.code.as_str()),
            unit: total.to_string(),
            "amount": format_amount(total, exponent),
            "num_origins": end - begin,
        })
    };
    json!({
        "result": "upstream",
        "graph": provenance(view.graph()),
        "policy": rules.policy.name(),
        "opening": rules.opening.name(),
        "pooling": rules.pooling().name(),
        "rates": pools.rates_document(view),
        "balances": pools.balances_document(rules.opening),
        "ties": rules.ties.name(),
        "window": window_document(view.times()),
        "max_hops": options.max_hops,
        "num_targets": targets.targets.len(),
        "targets_sha256": hex(&targets.sha256),
        "targets": targets.names.iter().zip(0..).map(|(name, number)| of(name, number)).collect::<Vec<_>>(),
        "num_flows": found.flows.len(),
        "num_events": found.events,
        "note": "A scenario under the stated rules: origins sum to their target, and another rule may name others.",
    })
}
