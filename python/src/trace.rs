//! `Trace` and `Contacts`: where the money went, and who was exposed to it.

use crate::answer::{Answer, cases, span, text};
use crate::arguments::choice;
use crate::sheet::Sheet;
use crate::table::{Table, html};
use pyo3::prelude::*;
use ringfence::graph::Graph;
use ringfence::report::pools::PoolInputs;
use ringfence::report::question::{Policies, TraceInputs, trace_report};
use ringfence::report::sinks::SinkInputs;
use ringfence::trace::{Opening, Policy, Pooling, Ties, TraceOptions};
use ringfence::units::Window;
use ringfence::{Result, Run};
use std::path::PathBuf;

/// Where seeded money went, under a stated policy; made by :meth:`Graph.trace`.
///
/// A scenario under the stated rules, not an entitlement: rules differ by jurisdiction.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Trace {
    answer: Answer,
}

/// Who was exposed to money of a case, and by which payments; made by :meth:`Graph.trace` with ``policy="poison"``.
///
/// Exposure, not money: amounts are those of whole payments, are not conserved and must not be added up.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Contacts {
    answer: Answer,
}

/// A trace or contacts, as the policy has it.
#[derive(IntoPyObject)]
pub(crate) enum Followed {
    Money(Trace),
    Exposure(Contacts),
}

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
#[derive(Default)]
pub(crate) struct GivenSinks {
    pub(crate) accounts: Option<Sheet>,
    pub(crate) attributes: Vec<String>,
    pub(crate) degree_above: Option<u64>,
}

impl GivenPools {
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

    /// Where the money went in a window of `graph`.
    pub(crate) fn follow(
        self,
        graph: &Graph,
        window: Window,
        policies: Policies,
        rules: &TraceOptions,
        run: &Run,
    ) -> Result<Followed> {
        let report = trace_report(&graph.window(window)?, &self.inputs()?, policies, rules, run)?;
        let answer = Answer::new(report);
        Ok(match policies {
            Policies::Poison => Followed::Exposure(Contacts { answer }),
            _ => Followed::Money(Trace { answer }),
        })
    }
}

/// A policy of a trace by its name.
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

/// Which money mixes, by its name.
pub(crate) fn pooling(py: Python<'_>, name: &str) -> PyResult<Pooling> {
    let names = Pooling::ALL.map(|pooling| (pooling.name(), pooling));
    choice(py, "pooling", name, &names, "currency or value")
}

#[pymethods]
impl Trace {
    /// One row per tainted payment, by case and in the order of transactions.
    ///
    /// ``case``, ``transaction``, ``source``, ``destination``, ``time``, ``currency`` (paid), ``tainted_paid_minor``,
    /// ``tainted_received_minor``, ``hop`` (0 for a seed), ``received_currency``; amounts in minor units. Where values
    /// are pooled also ``tainted_paid_value`` and ``tainted_received_value``, in minor units of ``base`` / 10⁴.
    #[getter]
    fn flows(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "flows")
    }

    /// Where the money is at the end, sinks aside: ``case``, ``account``, ``currency``, ``amount_minor``,
    /// ``first_receipt``, ``last_receipt``; the largest amount of a case first. Where values are pooled also
    /// ``amount_value``.
    #[getter]
    fn holdings(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "holdings")
    }

    /// What stayed at sinks or went as far as ``max_hops`` lets it, with the columns of ``holdings`` and ``stop``.
    #[getter]
    fn sinks(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "sinks")
    }

    /// Money that deposit and balance seeds claimed: ``case``, ``account``, ``currency``, ``time``, ``amount_minor``.
    #[getter]
    fn entries(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "entries")
    }

    /// Money that stopped being followed: ``case``, ``transaction`` (null where a balance seed did it), ``account``,
    /// ``currency``, ``time``, ``stop`` (``superseded``, ``sink``, …), ``amount_minor``.
    #[getter]
    fn exits(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "exits")
    }

    /// Stated balances that the transactions do not explain: ``account``, ``currency``, ``time``, ``stated_minor``,
    /// ``computed_minor``, ``difference_minor``; ``None`` unless ``balances`` had a time.
    #[getter]
    fn balance_breaks(&self, py: Python<'_>) -> PyResult<Option<Table>> {
        self.answer.find(py, "balance_breaks")
    }

    /// The rates that were used, given or derived: ``currency``, ``date``, ``rate``; ``None`` unless values were pooled.
    #[getter]
    fn rates(&self, py: Python<'_>) -> PyResult<Option<Table>> {
        self.answer.find(py, "rates")
    }

    /// The books that prove the trace, the rules and the data behind it, as in ``ledger.json``.
    ///
    /// For every case and currency ``seeded + converted_in = held + at_sinks + dust + superseded + converted_out +
    /// fees``; minor units are texts of digits, because sums pass 2^53.
    #[getter]
    fn ledger<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.answer.document(py)
    }

    /// Writes every table as CSV and Parquet, and ``ledger.json``.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike
    ///     Directory to make; it appears whole or not at all.
    /// guard_formulas : bool, default False
    ///     Put an apostrophe before texts that a spreadsheet would run as a formula.
    ///
    /// Raises
    /// ------
    /// FileExistsError
    ///     If there is something at ``path``; nothing is overwritten.
    #[pyo3(signature = (path, *, guard_formulas = false))]
    fn write(&self, py: Python<'_>, path: PathBuf, guard_formulas: bool) -> PyResult<()> {
        self.answer.write(py, path, guard_formulas)
    }

    fn __repr__(&self) -> String {
        self.lines().join("\n")
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        shown(&self.lines(), "where the money is", &self.holdings(py)?)
    }
}

impl Trace {
    fn lines(&self) -> [String; 3] {
        let (rows, said) = (|name| self.answer.num_rows(name), self.answer.said());
        [
            format!(
                "Trace of {}: {} flows, {} holdings, {} at sinks",
                cases(said),
                rows("flows"),
                rows("holdings"),
                rows("sinks")
            ),
            format!(
                "policy {}, opening {}, pooling {}, over {}",
                text(&said["policy"]),
                text(&said["opening"]),
                text(&said["pooling"]),
                span(said)
            ),
            "a scenario, not an entitlement".to_string(),
        ]
    }
}

#[pymethods]
impl Contacts {
    /// Payments of exposed accounts, with the columns of :attr:`Trace.flows`.
    ///
    /// Amounts are those of whole payments: they say nothing about how much of a case's money was in them.
    #[getter]
    fn flows(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "flows")
    }

    /// Accounts that were exposed, as they were: ``case``, ``account``, ``time``, ``transaction`` (null for one that a
    /// seed names), ``hop``.
    #[getter]
    fn contacts(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "contacts")
    }

    /// The rules and the data behind it, as in ``ledger.json``.
    #[getter]
    fn ledger<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.answer.document(py)
    }

    /// Writes both tables as CSV and Parquet, and ``ledger.json``; see :meth:`Trace.write`.
    #[pyo3(signature = (path, *, guard_formulas = false))]
    fn write(&self, py: Python<'_>, path: PathBuf, guard_formulas: bool) -> PyResult<()> {
        self.answer.write(py, path, guard_formulas)
    }

    fn __len__(&self) -> usize {
        self.answer.num_rows("contacts")
    }

    fn __repr__(&self) -> String {
        self.lines().join("\n")
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        shown(&self.lines(), "who was exposed", &self.contacts(py)?)
    }
}

impl Contacts {
    fn lines(&self) -> [String; 3] {
        let (rows, said) = (|name| self.answer.num_rows(name), self.answer.said());
        [
            format!("Contacts of {}: {} accounts, {} payments", cases(said), rows("contacts"), rows("flows")),
            format!("policy poison, over {}", span(said)),
            "exposure, not money: amounts are those of whole payments".to_string(),
        ]
    }
}

/// Lines about an answer and its main table, for notebooks.
pub(crate) fn shown(lines: &[String], caption: &str, table: &Table) -> PyResult<String> {
    let lines: Vec<String> = lines.iter().map(|line| html(line)).collect();
    Ok(format!("<p>{}</p><p>{}</p>{}", lines.join("<br>"), html(caption), table.to_html()))
}
