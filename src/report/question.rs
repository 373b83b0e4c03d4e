//! A trace from what people hand in to what they get: files in, one call of the engine, tables and a ledger out.
//!
//! The command line and Python ask the same [`TraceInputs`] through [`trace_report`], so both read files, check them
//! and answer alike.

use super::balances::{StatedBalances, break_table, read_balances};
use super::contacts::contact_tables;
use super::folder::Report;
use super::input::Input;
use super::ledger::{exposure_ledger, ledger, overview};
use super::rates::{GivenRates, rate_table, read_rates};
use super::seeds::{Seeds, read_seeds};
use super::sinks::{SinkInputs, Sinks, find_sinks};
use super::table::Table;
use super::trace::trace_tables;
use crate::error::{Error, Result};
use crate::graph::View;
use crate::ids::CurrencyId;
use crate::run::Run;
use crate::trace::rates::VALUE_UNITS;
use crate::trace::{Opening, Policy, Pooling, Rates, TraceOptions, downstream, poison};

/// What a trace is asked with, beside its rules.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceInputs {
    /// Seeds; see [`seeds`](super::seeds).
    pub seeds: Input,
    /// Balances; see [`balances`](super::balances). [`Opening::Given`] needs them; statements in them are checked in any case.
    pub balances: Option<Input>,
    /// Which money of an account mixes.
    pub pooling: Pooling,
    /// Code of the base currency; needed by value pooling and by nothing else.
    pub base: Option<String>,
    /// Rates to the base currency; see [`rates`](super::rates). Without them value pooling derives them from the data.
    pub rates: Option<Input>,
    /// Accounts where the money stays.
    pub sinks: SinkInputs,
}

/// The policies that a trace is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policies {
    /// One that conserves money.
    One(Policy),
    /// Exposure: every payment after first contact.
    Poison,
    /// Each of them, to be compared.
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
    pub(super) stated: Option<StatedBalances>,
    pub(super) breaks: Option<Table>,
    /// The table that was given for value pooling, if one was.
    pub(super) given_rates: Option<[u8; 32]>,
    /// As the engine takes them.
    pub(super) options: TraceOptions,
}

/// Follows the money of seeds through `view`, and reports where it went.
///
/// `rules` says how; its `policy`, `sinks`, `balances` and `rates` come from `policies` and `inputs` instead, and its `dust`
/// is in minor units, under value pooling of the base currency.
///
/// The tables are those of [`trace_tables`] (of [`contact_tables`] for poison), `balance_breaks` where balances are
/// stated at some time, and `rates` under value pooling; the document is the `ledger`. For all policies each is a part.
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
    let question = Question::read(view, inputs, rules, run)?;
    match policies {
        Policies::One(policy) => question.follow(view, policy, run),
        Policies::Poison => question.expose(view, run),
        Policies::All => {
            let mut parts = Vec::new();
            for policy in Policy::ALL {
                parts.push((policy.name(), question.follow(view, policy, run)?));
            }
            parts.push((Policies::Poison.name(), question.expose(view, run)?));
            let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
            let document = overview(view, &question, &names);
            Ok(Report { tables: Vec::new(), document_name: "summary", document, parts })
        }
    }
}

impl Question {
    fn read(view: &View<'_>, inputs: &TraceInputs, rules: &TraceOptions, run: &Run) -> Result<Self> {
        let graph = view.graph();
        let base = base(view, inputs)?;
        if rules.opening == Opening::Given && inputs.balances.is_none() {
            return Err(Error::Option {
                name: "opening",
                value: "given, without balances".into(),
                allowed: "given only with a table of balances",
            });
        }
        let seeds = read_seeds(graph, &inputs.seeds)?;
        let stated = inputs.balances.as_ref().map(|input| read_balances(graph, input)).transpose()?;
        let given = match (base, &inputs.rates) {
            (Some(base), Some(input)) => Some(read_rates(graph, base, input)?),
            _ => None,
        };
        let sinks = find_sinks(view, &inputs.sinks, run)?;
        let breaks = stated.as_ref().filter(|stated| stated.num_statements > 0);
        let breaks = breaks.map(|stated| break_table(view, stated, run)).transpose()?;
        let given_rates = given.as_ref().map(|given| given.sha256);
        let rates: Option<Rates> = match (base, given) {
            (_, Some(GivenRates { rates, .. })) => Some(rates),
            (Some(base), None) => Some(Rates::derive(view, base, run)?),
            (None, None) => None,
        };
        let unit = if rates.is_some() { VALUE_UNITS } else { 1 };
        let too_much = || Error::Option {
            name: "dust",
            value: rules.dust.to_string(),
            allowed: "below 2^63 / 10^4 under value pooling",
        };
        let options = TraceOptions {
            sinks: sinks.accounts.clone(),
            balances: stated.as_ref().map(|stated| stated.balances.clone()).unwrap_or_default(),
            rates,
            dust: rules.dust.checked_mul(unit).ok_or_else(too_much)?,
            ..rules.clone()
        };
        Ok(Question { seeds, sinks, stated, breaks, given_rates, options })
    }

    /// A trace under a policy that conserves money.
    fn follow(&self, view: &View<'_>, policy: Policy, run: &Run) -> Result<Report> {
        let options = TraceOptions { policy, ..self.options.clone() };
        let Seeds { seeds, cases, .. } = &self.seeds;
        let trace = downstream(view, self.seeds.num_cases(), seeds, &options, run)
            .map_err(|error| self.seeds.locate(error))?;
        let rates = options.rates.as_ref();
        let mut tables = trace_tables(view.graph(), &trace, cases, rates, run)?;
        tables.extend(self.breaks.clone().map(|table| ("balance_breaks", table)));
        tables.extend(rates.map(|rates| ("rates", rate_table(view.graph(), rates))));
        let document = ledger(view, self, policy, &trace);
        Ok(Report { tables, document_name: "ledger", document, parts: Vec::new() })
    }

    /// Who was exposed. Neither openings nor values play a part.
    fn expose(&self, view: &View<'_>, run: &Run) -> Result<Report> {
        let options = TraceOptions { rates: None, opening: Opening::JustInTime, ..self.options.clone() };
        let Seeds { seeds, cases, .. } = &self.seeds;
        let contacts = poison(view, self.seeds.num_cases(), seeds, &options, run)
            .map_err(|error| self.seeds.locate(error))?;
        let tables = contact_tables(view.graph(), &contacts, cases, run)?;
        let document = exposure_ledger(view, self, &contacts);
        Ok(Report { tables, document_name: "ledger", document, parts: Vec::new() })
    }
}

/// The base currency of value pooling; none under the other.
fn base(view: &View<'_>, inputs: &TraceInputs) -> Result<Option<CurrencyId>> {
    let misplaced = |name, value: &str, allowed| Err(Error::Option { name, value: value.into(), allowed });
    match (inputs.pooling, &inputs.base) {
        (Pooling::Currency, Some(code)) => misplaced("base", code, "left out unless pooling is value"),
        (Pooling::Currency, None) if inputs.rates.is_some() => {
            misplaced("rates", "a table", "left out unless pooling is value")
        }
        (Pooling::Currency, None) => Ok(None),
        (Pooling::Value, None) => {
            misplaced("pooling", "value, without a base", "value only with a base currency")
        }
        (Pooling::Value, Some(code)) => match view.graph().find_currency(code) {
            Some(base) => Ok(Some(base)),
            None => {
                Err(Error::UnknownKey { place: "base".into(), kind: "currency".into(), key: code.clone() })
            }
        },
    }
}
