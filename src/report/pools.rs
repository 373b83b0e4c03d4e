//! What pools are made of: stated balances and rates, as files, read and checked once for every kind of trace.

use super::balances::{StatedBalances, break_table, read_balances};
use super::input::Input;
use super::provenance::hex;
use super::rates::{rate_table, read_rates};
use super::table::Table;
use crate::error::{Error, Result};
use crate::graph::rates::VALUE_UNITS;
use crate::graph::{Graph, View};
use crate::ids::CurrencyId;
use crate::run::Run;
use crate::trace::{Balances, Opening, Pooling, Rates};
use serde_json::{Value, json};

/// Balances and rates as they are given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolInputs {
    /// Balances; see [`balances`](super::balances). [`Opening::Given`] needs them; statements in them are checked in any case.
    pub balances: Option<Input>,
    /// Which money of an account mixes.
    pub pooling: Pooling,
    /// Code of the base currency; needed by value pooling and by nothing else.
    pub base: Option<String>,
    /// Rates to the base currency; see [`rates`](super::rates). Without them value pooling derives them from the data.
    pub rates: Option<Input>,
}

/// Balances and rates as the engine takes them.
#[derive(Debug, Default)]
pub(super) struct Pools {
    stated: Option<StatedBalances>,
    breaks: Option<Table>,
    pub(super) rates: Option<Rates>,
    /// SHA-256 of the table of rates that was given, if one was.
    given: Option<[u8; 32]>,
}

impl Pools {
    /// Reads `inputs`, finds balance breaks, and derives rates where none are given.
    pub(super) fn read(view: &View<'_>, inputs: &PoolInputs, opening: Opening, run: &Run) -> Result<Self> {
        let graph = view.graph();
        let base = base(view, inputs)?;
        if opening == Opening::Given && inputs.balances.is_none() {
            return Err(Error::Option {
                name: "opening",
                value: "given, without balances".into(),
                allowed: "given only with a table of balances",
            });
        }
        let stated = inputs.balances.as_ref().map(|input| read_balances(graph, input)).transpose()?;
        let checked = stated.as_ref().filter(|stated| stated.num_statements > 0);
        let mut pools = Pools {
            breaks: checked.map(|stated| break_table(view, stated, run)).transpose()?,
            ..Pools::default()
        };
        pools.stated = stated;
        if let Some(base) = base {
            let (rates, given) = rates_to(view, base, inputs.rates.as_ref(), run)?;
            (pools.rates, pools.given) = (Some(rates), given);
        }
        Ok(pools)
    }

    /// The balances; none if none are given.
    pub(super) fn balances(&self) -> Balances {
        self.stated.as_ref().map(|stated| stated.balances.clone()).unwrap_or_default()
    }

    /// Units in which pools count, in one minor unit.
    pub(super) fn unit(&self) -> i64 {
        if self.rates.is_some() { VALUE_UNITS } else { 1 }
    }

    /// `balance_breaks` where balances are stated at some time, `rates` under value pooling.
    pub(super) fn tables(&self, view: &View<'_>) -> Vec<(&'static str, Table)> {
        let breaks = self.breaks.clone().map(|table| ("balance_breaks", table));
        let rates = self.rates.as_ref().map(|rates| ("rates", rate_table(view.graph(), rates)));
        breaks.into_iter().chain(rates).collect()
    }

    /// What a document says about the rates; null without any.
    pub(super) fn rates_document(&self, view: &View<'_>) -> Value {
        let Some(rates) = &self.rates else { return Value::Null };
        json!({
            "base": view.graph().currency(rates.base()).code,
            "derived": rates.is_derived(),
            "num_rates": rates.rows().len(),
            "file": "rates.csv",
            "given_sha256": self.given.map(|sha256| hex(&sha256)),
        })
    }

    /// What a document says about the balances; null without any.
    pub(super) fn balances_document(&self, opening: Opening) -> Value {
        let Some(stated) = &self.stated else { return Value::Null };
        json!({
            "num_rows": stated.balances.rows().len(),
            "num_statements": stated.num_statements,
            "num_breaks": self.breaks.as_ref().map_or(0, Table::num_rows),
            "used_as_opening": opening == Opening::Given,
            "sha256": hex(&stated.sha256),
        })
    }
}

/// The base currency of value pooling; none under the other.
fn base(view: &View<'_>, inputs: &PoolInputs) -> Result<Option<CurrencyId>> {
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
        (Pooling::Value, Some(code)) => find_base(view.graph(), code).map(Some),
    }
}

/// The currency of this code, to which others are valued.
pub(super) fn find_base(graph: &Graph, code: &str) -> Result<CurrencyId> {
    let unknown =
        || Error::UnknownKey { place: "base".into(), kind: "currency".into(), key: code.to_string() };
    graph.find_currency(code).ok_or_else(unknown)
}

/// Rates to `base` as given, with their SHA-256, or else derived from the conversions of `view`.
pub(super) fn rates_to(
    view: &View<'_>,
    base: CurrencyId,
    given: Option<&Input>,
    run: &Run,
) -> Result<(Rates, Option<[u8; 32]>)> {
    match given {
        None => Ok((Rates::derive(view, base, run)?, None)),
        Some(input) => {
            let given = read_rates(view.graph(), base, input)?;
            Ok((given.rates, Some(given.sha256)))
        }
    }
}
