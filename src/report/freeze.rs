//! A freeze plan as tables: who holds how much at a moment, whose it is, and what waiting costs.

use super::components::account_keys;
use super::folder::Report;
use super::ledger::ledger;
use super::question::{Question, TraceInputs};
use super::table::{Table, Values};
use super::trace::minor_sum;
use crate::error::{Error, Result};
use crate::graph::{Graph, View};
use crate::ids::{AccountId, CurrencyId};
use crate::run::Run;
use crate::trace::{FreezeOptions, FreezePlan, Rates, TraceOptions, freeze_plan};
use crate::units::time::format_time;
use serde_json::json;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Where the money of seeds can still be held at a moment, and what waiting costs.
///
/// `rules` as for [`trace_report`](super::question::trace_report), with one policy that conserves money. The tables, amounts of sums
/// as decimals without places:
/// * `holders`: `currency`, `rank` (from 1 in each currency), `account`, `amount_minor`, `num_cases`; by currency code, amount
///   descending, account key: the freeze list.
/// * `matrix`: whose it is: `case`, `account`, `currency`, `amount_minor`, `case_total_minor`, `holder_total_minor`; that
///   both totals are the sums of their rows is checked.
/// * `delays`: `delay_h`, `currency`, `held_minor`, `num_holders`, `caught_minor` (what the plan made now would still catch
///   then), `cost_minor` (what it would have caught now, less that).
/// * `later`: `delay_h`, `account`, `currency`, `amount_minor`: what each holder of the plan holds then.
///
/// By value every `*_minor` has a `*_value` beside it. The document is the `ledger` of the trace until the moment.
///
/// # Errors
/// As [`trace_report`](super::question::trace_report), and those of [`freeze_plan`].
pub fn freeze_report(
    view: &View<'_>,
    inputs: &TraceInputs,
    rules: &TraceOptions,
    options: &FreezeOptions,
    run: &Run,
) -> Result<Report> {
    let question = Question::read(view, inputs, rules, run)?;
    let seeds = &question.seeds;
    let plan = freeze_plan(view, seeds.num_cases(), &seeds.seeds, &question.options, options, run)
        .map_err(|error| seeds.locate(error))?;
    let names = Names::of(view.graph(), &plan, run)?;
    let rates = question.pools.rates.as_ref();
    let mut tables = vec![
        ("holders", holder_table(&plan, &names, rates)),
        ("matrix", matrix_table(&plan, &names, &seeds.cases, rates)?),
        ("delays", delay_table(view.graph(), &plan, rates)),
        ("later", later_table(&plan, &names, rates)),
    ];
    tables.extend(question.pools.tables(view));
    let mut document = ledger(view, &question, rules.policy, &plan.trace);
    document["result"] = "freeze plan".into();
    document["at"] = format_time(options.at).into();
    document["delays_h"] = json!(options.delays_h);
    document["num_holders"] = plan.holders.len().into();
    Ok(Report { tables, document_name: "ledger", document, parts: Vec::new() })
}

/// Keys of the holders of a plan and codes of their currencies.
struct Names<'g> {
    keys: BTreeMap<AccountId, String>,
    graph: &'g Graph,
}

impl<'g> Names<'g> {
    fn of(graph: &'g Graph, plan: &FreezePlan, run: &Run) -> Result<Self> {
        let mut accounts: Vec<u32> = plan.holders.iter().map(|holder| holder.account.0).collect();
        accounts.sort_unstable();
        accounts.dedup();
        run.stage("keys", accounts.len() as u64);
        let keys = account_keys(graph, &accounts, run)?;
        Ok(Names { keys: accounts.into_iter().map(AccountId).zip(keys).collect(), graph })
    }

    fn key(&self, account: AccountId) -> &str {
        self.keys.get(&account).map_or("", String::as_str)
    }

    fn code(&self, currency: CurrencyId) -> &str {
        &self.graph.currency(currency).code
    }
}

/// Columns of sums: `<name>_minor`, and by value `<name>_value`.
fn push_sums(table: &mut Table, name: &str, sums: Vec<i128>, rates: Option<&Rates>) {
    let minor = sums.iter().map(|&sum| minor_sum(sum, rates)).collect();
    table.push(format!("{name}_minor"), Values::I128(minor));
    if rates.is_some() {
        table.push(format!("{name}_value"), Values::I128(sums));
    }
}

/// Places in `holders` in the order in which the tables list them, and the rank of each.
fn ranked(plan: &FreezePlan, names: &Names<'_>) -> Vec<(usize, u32)> {
    let mut order: Vec<usize> = (0..plan.holders.len()).collect();
    order.sort_by_key(|&at| {
        let holder = &plan.holders[at];
        (names.code(holder.currency), Reverse(holder.amount), names.key(holder.account))
    });
    let mut ranked: Vec<(usize, u32)> = Vec::with_capacity(order.len());
    for at in order {
        let same = |&(before, rank): &(usize, u32)| {
            (plan.holders[before].currency == plan.holders[at].currency).then_some(rank + 1)
        };
        let rank = ranked.last().and_then(same).unwrap_or(1);
        ranked.push((at, rank));
    }
    ranked
}

fn holder_table(plan: &FreezePlan, names: &Names<'_>, rates: Option<&Rates>) -> Table {
    let ranked = ranked(plan, names);
    let rows = || ranked.iter().map(|&(at, _)| &plan.holders[at]);
    let mut table = Table::new([
        ("currency", Values::Text(rows().map(|row| names.code(row.currency).to_string()).collect())),
        ("rank", Values::U32(ranked.iter().map(|&(_, rank)| rank).collect())),
        ("account", Values::Text(rows().map(|row| names.key(row.account).to_string()).collect())),
    ]);
    push_sums(&mut table, "amount", rows().map(|row| row.amount).collect(), rates);
    table.push("num_cases", Values::U32(rows().map(|row| row.num_cases).collect()));
    table
}

fn matrix_table(
    plan: &FreezePlan,
    names: &Names<'_>,
    cases: &[String],
    rates: Option<&Rates>,
) -> Result<Table> {
    let mut by_case: BTreeMap<(u32, CurrencyId), i128> = BTreeMap::new();
    let mut by_holder: BTreeMap<(AccountId, CurrencyId), i128> = BTreeMap::new();
    for share in &plan.matrix {
        *by_case.entry((share.case, share.currency)).or_default() += i128::from(share.amount);
        *by_holder.entry((share.account, share.currency)).or_default() += i128::from(share.amount);
    }
    for row in &plan.trace.ledger {
        let shared = by_case.get(&(row.case, row.currency)).copied().unwrap_or(0);
        if shared != row.held {
            let (case, held) = (&cases[row.case as usize], row.held);
            return Err(Error::Unproved(format!("shares of case {case} sum to {shared} and not to {held}")));
        }
    }
    for row in &plan.holders {
        let shared = by_holder.get(&(row.account, row.currency)).copied().unwrap_or(0);
        if shared != row.amount {
            let (account, held) = (names.key(row.account), row.amount);
            return Err(Error::Unproved(format!("shares at {account} sum to {shared} and not to {held}")));
        }
    }
    let mut rows: Vec<_> = plan.matrix.iter().collect();
    rows.sort_by_key(|row| (row.case, names.code(row.currency), Reverse(row.amount), names.key(row.account)));
    let mut table = Table::new([
        ("case", Values::Text(rows.iter().map(|row| cases[row.case as usize].clone()).collect())),
        ("account", Values::Text(rows.iter().map(|row| names.key(row.account).to_string()).collect())),
        ("currency", Values::Text(rows.iter().map(|row| names.code(row.currency).to_string()).collect())),
    ]);
    push_sums(&mut table, "amount", rows.iter().map(|row| row.amount.into()).collect(), rates);
    let of_case = rows.iter().map(|row| by_case[&(row.case, row.currency)]).collect();
    push_sums(&mut table, "case_total", of_case, rates);
    let of_holder = rows.iter().map(|row| by_holder[&(row.account, row.currency)]).collect();
    push_sums(&mut table, "holder_total", of_holder, rates);
    Ok(table)
}

fn delay_table(graph: &Graph, plan: &FreezePlan, rates: Option<&Rates>) -> Table {
    let rows = &plan.delays;
    let code = |currency| graph.currency(currency).code.clone();
    let mut table = Table::new([
        ("delay_h", Values::U32(rows.iter().map(|row| row.delay_h).collect())),
        ("currency", Values::Text(rows.iter().map(|row| code(row.currency)).collect())),
    ]);
    push_sums(&mut table, "held", rows.iter().map(|row| row.held).collect(), rates);
    table.push("num_holders", Values::U32(rows.iter().map(|row| row.num_holders).collect()));
    push_sums(&mut table, "caught", rows.iter().map(|row| row.caught).collect(), rates);
    push_sums(&mut table, "cost", rows.iter().map(|row| row.cost).collect(), rates);
    table
}

fn later_table(plan: &FreezePlan, names: &Names<'_>, rates: Option<&Rates>) -> Table {
    // The engine lists by delay and then by its own order of holders; here it is that of the table of holders.
    let mut places = vec![0; plan.holders.len()];
    for (place, (at, _)) in ranked(plan, names).into_iter().enumerate() {
        places[at] = place;
    }
    let mut rows: Vec<_> = plan.later.iter().collect();
    rows.sort_by_key(|row| (row.delay_h, places[row.holder as usize]));
    let holder = |row: &crate::trace::Later| &plan.holders[row.holder as usize];
    let mut table = Table::new([
        ("delay_h", Values::U32(rows.iter().map(|row| row.delay_h).collect())),
        (
            "account",
            Values::Text(rows.iter().map(|row| names.key(holder(row).account).to_string()).collect()),
        ),
        (
            "currency",
            Values::Text(rows.iter().map(|row| names.code(holder(row).currency).to_string()).collect()),
        ),
    ]);
    push_sums(&mut table, "amount", rows.iter().map(|row| row.amount).collect(), rates);
    table
}
