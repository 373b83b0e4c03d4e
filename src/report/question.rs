//! A trace from what people hand in to what they get: files in, one call of the engine, tables and a ledger out.
//!
//! The command line and Python ask the same [`TraceInputs`] through [`trace_report`], so both read files, check them
//! and answer alike.

use super::compare::compare_table;
use super::contacts::contact_tables;
use super::folder::Report;
use super::input::Input;
use super::ledger::{exposure_ledger, ledger, overview};
use super::paths::{path_document, path_table};
use super::pools::{PoolInputs, Pools};
use super::seeds::{Seeds, read_seeds};
use super::sinks::{SinkInputs, Sinks, find_sinks};
use super::trace::trace_tables;
use crate::error::{Error, Result};
use crate::graph::View;
use crate::run::Run;
use crate::trace::{
    Opening, PathsOptions, Policy, Pooling, Trace, TraceOptions, compare, downstream, envelope, paths, poison,
};

/// What a trace is asked with, beside its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceInputs {
    /// Seeds; see [`seeds`](super::seeds).
    pub seeds: Input,
    /// Balances and rates.
    pub pools: PoolInputs,
    /// Accounts where the money stays.
    pub sinks: SinkInputs,
    /// Most money paths listed for each case, those with the largest amounts; 0 lists all, `None` asks for none.
    pub paths_max: Option<usize>,
}

/// The policies that a trace is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policies {
    /// One that conserves money.
    One(Policy),
    /// Exposure: every payment after first contact.
    Poison,
    /// Each of them, and a comparison.
    All,
}

impl Policies {
    /// The name in options and reports.
    pub fn name(self) -> &'static str {
        match self {
            Policies::One(policy) => policy.name(),
            Policies::Poison => "poison",
            Policies::All => "all",
        }
    }
}

/// What a trace is asked, read and checked.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) seeds: Seeds,
    pub(super) sinks: Sinks,
    pub(super) pools: Pools,
    /// As the engine takes them.
    pub(super) options: TraceOptions,
    paths_max: Option<usize>,
}

/// Follows the money of seeds through `view`, and reports where it went.
///
/// `rules` says how; its `policy`, `sinks`, `balances` and `rates` come from `policies` and `inputs` instead, and its `dust`
/// is in minor units, under value pooling of the base currency.
///
/// The tables are those of [`trace_tables`] (of [`contact_tables`] for poison), [`paths`](path_table) where they are asked for,
/// `balance_breaks` where balances are stated at some time, and `rates` under value pooling; the document is the
/// `ledger`. For all policies each is a part, and the table [`compare`](compare_table) sets the holdings side by side.
///
/// # Errors
/// [`Error::UnknownKey`] and [`Error::Input`] with file and line for what is given wrongly; [`Error::Option`] for rules that are out of range
/// or do not go together; [`Error::Limit`] for more money than a pool can hold; [`Error::Cancelled`].
pub fn trace_report(
    view: &View<'_>,
    inputs: &TraceInputs,
    policies: Policies,
    rules: &TraceOptions,
    run: &Run,
) -> Result<Report> {
    if policies == Policies::Poison {
        let unused = [
            ("opening", rules.opening != Opening::default()),
            ("pooling", inputs.pools.pooling != Pooling::default()),
            ("dust", rules.dust != 0),
            ("paths_max", inputs.paths_max.is_some()),
        ];
        if let Some(&(name, _)) = unused.iter().find(|option| option.1) {
            let allowed = "left out under poison, which follows no amounts";
            return Err(Error::Option { name, value: "given".into(), allowed });
        }
    }
    let question = Question::read(view, inputs, rules, run)?;
    match policies {
        Policies::One(policy) => {
            let trace = question.follow(view, policy, run)?;
            question.report(view, policy, &trace, run)
        }
        Policies::Poison => question.expose(view, run),
        Policies::All => question.compare(view, run),
    }
}

impl Question {
    /// Reads what is handed in.
    pub(super) fn read(
        view: &View<'_>,
        inputs: &TraceInputs,
        rules: &TraceOptions,
        run: &Run,
    ) -> Result<Self> {
        let seeds = read_seeds(view.graph(), &inputs.seeds)?;
        let pools = Pools::read(view, &inputs.pools, rules.opening, run)?;
        let sinks = find_sinks(view, &inputs.sinks, run)?;
        let too_much = || Error::Option {
            name: "dust",
            value: rules.dust.to_string(),
            allowed: "below 2^63 / 10^4 under value pooling",
        };
        let options = TraceOptions {
            sinks: sinks.accounts.clone(),
            balances: pools.balances(),
            rates: pools.rates.clone(),
            dust: rules.dust.checked_mul(pools.unit()).ok_or_else(too_much)?,
            ..rules.clone()
        };
        Ok(Question { seeds, sinks, pools, options, paths_max: inputs.paths_max })
    }

    pub(super) fn options(&self, policy: Policy) -> TraceOptions {
        TraceOptions { policy, ..self.options.clone() }
    }

    pub(super) fn follow(&self, view: &View<'_>, policy: Policy, run: &Run) -> Result<Trace> {
        let seeds = &self.seeds;
        downstream(view, seeds.num_cases(), &seeds.seeds, &self.options(policy), run)
            .map_err(|error| seeds.locate(error))
    }

    /// What was found under a policy that conserves money.
    pub(super) fn report(&self, view: &View<'_>, policy: Policy, trace: &Trace, run: &Run) -> Result<Report> {
        let (graph, cases, rates) = (view.graph(), &self.seeds.cases, self.pools.rates.as_ref());
        let mut tables = trace_tables(graph, trace, cases, rates, run)?;
        let mut document = ledger(view, self, policy, trace);
        if let Some(most) = self.paths_max {
            let options =
                PathsOptions { paths_max: Some(most).filter(|&most| most > 0), ..PathsOptions::default() };
            let found = paths(view, trace, &self.options(policy), &options, run)?;
            tables.push(("paths", path_table(graph, &found, trace, cases, rates, run)?));
            document["paths"] = path_document(&found, &options);
        }
        tables.extend(self.pools.tables(view));
        Ok(Report { tables, document_name: "ledger", document, parts: Vec::new() })
    }

    /// Who was exposed. Neither openings nor values play a part.
    fn expose(&self, view: &View<'_>, run: &Run) -> Result<Report> {
        let options = TraceOptions { rates: None, opening: Opening::JustInTime, ..self.options.clone() };
        let seeds = &self.seeds;
        let contacts = poison(view, seeds.num_cases(), &seeds.seeds, &options, run)
            .map_err(|error| seeds.locate(error))?;
        let tables = contact_tables(view.graph(), &contacts, &seeds.cases, run)?;
        let document = exposure_ledger(view, self, &contacts);
        Ok(Report { tables, document_name: "ledger", document, parts: Vec::new() })
    }

    /// Every policy, and what they agree on.
    fn compare(&self, view: &View<'_>, run: &Run) -> Result<Report> {
        let seeds = &self.seeds;
        let traces = compare(view, seeds.num_cases(), &seeds.seeds, &self.options, &Policy::ALL, run)
            .map_err(|error| seeds.locate(error))?;
        let mut parts = Vec::new();
        for (policy, trace) in Policy::ALL.into_iter().zip(&traces) {
            parts.push((policy.name(), self.report(view, policy, trace, run)?));
        }
        parts.push((Policies::Poison.name(), self.expose(view, run)?));
        let found = envelope(&Policy::ALL, &traces);
        let table = compare_table(view.graph(), &found, &seeds.cases, self.pools.rates.as_ref(), run)?;
        let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
        let document = overview(view, self, &names, &found);
        Ok(Report { tables: vec![("compare", table)], document_name: "summary", document, parts })
    }
}
