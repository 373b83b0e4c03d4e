//! What tracing is asked with, as Python gives it: files, frames and rows, and rules by their names.

use crate::arguments::{choice, conditions};
use crate::sheet::{Sheet, sheet};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringfence::Result;
use ringfence::report::pools::PoolInputs;
use ringfence::report::question::{Policies, TraceInputs};
use ringfence::report::sinks::SinkInputs;
use ringfence::trace::{Opening, Policy, Pooling, Ties};

/// What a trace is asked with, as it was given.
pub(crate) struct Given {
    pub(crate) seeds: Sheet,
    pub(crate) pools: GivenPools,
    pub(crate) sinks: GivenSinks,
}

/// Balances and rates, as they were given.
pub(crate) struct GivenPools {
    pub(crate) balances: Option<Sheet>,
    pub(crate) pooling: Pooling,
    pub(crate) base: Option<String>,
    pub(crate) rates: Option<Sheet>,
}

/// Which accounts are sinks, as it was given.
pub(crate) struct GivenSinks {
    pub(crate) accounts: Option<Sheet>,
    pub(crate) attributes: Vec<String>,
    pub(crate) degree_above: Option<u64>,
}

impl GivenPools {
    pub(crate) fn new(
        py: Python<'_>,
        balances: Option<Bound<'_, PyAny>>,
        pooling: &str,
        base: Option<String>,
        rates: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let names = Pooling::ALL.map(|pooling| (pooling.name(), pooling));
        let pooling = choice(py, "pooling", pooling, &names, "currency or value")?;
        Ok(Self { balances: sheet(balances, None)?, pooling, base, rates: sheet(rates, None)? })
    }

    /// As the library takes them.
    pub(crate) fn inputs(self) -> Result<PoolInputs> {
        Ok(PoolInputs {
            balances: self.balances.map(|sheet| sheet.into_input("balances")).transpose()?,
            pooling: self.pooling,
            base: self.base,
            rates: self.rates.map(|sheet| sheet.into_input("rates")).transpose()?,
        })
    }
}

impl GivenSinks {
    pub(crate) fn new(
        accounts: Option<Bound<'_, PyAny>>,
        attributes: Option<Bound<'_, PyDict>>,
        degree_above: Option<u64>,
    ) -> PyResult<Self> {
        let attributes = conditions(attributes)?;
        Ok(Self { accounts: sheet(accounts, Some("account"))?, attributes, degree_above })
    }

    /// As the library takes them.
    pub(crate) fn inputs(self) -> Result<SinkInputs> {
        Ok(SinkInputs {
            accounts: self.accounts.map(|sheet| sheet.into_input("sinks")).transpose()?,
            attributes: self.attributes,
            degree_above: self.degree_above,
        })
    }
}

impl Given {
    /// As the library takes it.
    pub(crate) fn inputs(self) -> Result<TraceInputs> {
        Ok(TraceInputs {
            seeds: self.seeds.into_input("seeds")?,
            pools: self.pools.inputs()?,
            sinks: self.sinks.inputs()?,
            paths_max: None,
        })
    }
}

/// A policy that conserves money by its name.
pub(crate) fn policy(py: Python<'_>, name: &str) -> PyResult<Policy> {
    let names = Policy::ALL.map(|policy| (policy.name(), policy));
    choice(py, "policy", name, &names, "fifo, lifo, haircut, clean_first or tainted_first")
}

/// Any policy of a trace by its name.
pub(crate) fn policies(py: Python<'_>, name: &str) -> PyResult<Policies> {
    let poison = [("poison", Policies::Poison)];
    let names = Policy::ALL.map(|policy| (policy.name(), Policies::One(policy))).into_iter().chain(poison);
    let allowed = "fifo, lifo, haircut, clean_first, tainted_first or poison";
    choice(py, "policy", name, &names.collect::<Vec<_>>(), allowed)
}

/// What accounts hold at first, by its name.
pub(crate) fn opening(py: Python<'_>, name: &str) -> PyResult<Opening> {
    let names = Opening::ALL.map(|opening| (opening.name(), opening));
    choice(py, "opening", name, &names, "just_in_time, minimal or given")
}

/// What happens to money of one moment, by its name.
pub(crate) fn ties(py: Python<'_>, name: &str) -> PyResult<Ties> {
    choice(py, "ties", name, &Ties::ALL.map(|ties| (ties.name(), ties)), "order or strict")
}
