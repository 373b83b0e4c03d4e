//! `Trace`: where the money went.

use crate::arguments::choice;
use crate::door::{Circumstances, detached};
use crate::sheet::{Sheet, SheetText};
use crate::table::{Made, Table};
use pyo3::prelude::*;
use ringfence::Result;
use ringfence::graph::Graph;
use ringfence::report::csv::CsvOptions;
use ringfence::report::pools::PoolInputs;
use ringfence::report::question::{Policies, TraceInputs, trace_report};
use ringfence::report::sinks::SinkInputs;
use ringfence::report::{Input, Report, write_report};
use ringfence::trace::{Opening, Policy, Ties, TraceOptions};
use ringfence::units::Window;
use std::path::PathBuf;

/// Where seeded money went, under a stated policy; made by :meth:`Graph.trace`.
///
/// A scenario under the stated rules, not an entitlement: rules differ by jurisdiction.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Trace {
    report: Report,
    made: [Made; 3],
}

/// What a trace is asked, with keys still as they were given.
pub(crate) struct Question {
    pub(crate) seeds: Sheet,
    pub(crate) sinks: Option<Sheet>,
    pub(crate) window: Window,
    pub(crate) options: TraceOptions,
}

/// The rules of a trace by their names.
pub(crate) fn rules(py: Python<'_>, policy: &str, opening: &str, ties: &str) -> PyResult<TraceOptions> {
    let policies = Policy::ALL.map(|policy| (policy.name(), policy));
    let openings = Opening::ALL.map(|opening| (opening.name(), opening));
    let treatments = Ties::ALL.map(|ties| (ties.name(), ties));
    Ok(TraceOptions {
        policy: choice(py, "policy", policy, &policies, "fifo or haircut")?,
        opening: choice(py, "opening", opening, &openings, "just_in_time or minimal")?,
        ties: choice(py, "ties", ties, &treatments, "order or strict")?,
        ..TraceOptions::default()
    })
}

impl Question {
    /// The answer of `graph`.
    pub(crate) fn answer(self, graph: &Graph, run: &ringfence::Run) -> Result<Trace> {
        let input = |sheet: Sheet, name: &str| -> Result<Input> {
            Ok(match sheet.into_csv(name)? {
                SheetText::File(path) => path.into(),
                SheetText::Csv(csv) => Input::csv(format!("{name} (as CSV)"), csv),
            })
        };
        let inputs = TraceInputs {
            seeds: input(self.seeds, "seeds")?,
            pools: PoolInputs::default(),
            paths_max: None,
            sinks: SinkInputs {
                accounts: self.sinks.map(|sinks| input(sinks, "sinks")).transpose()?,
                ..SinkInputs::default()
            },
        };
        let policies = Policies::One(self.options.policy);
        let report = trace_report(&graph.window(self.window)?, &inputs, policies, &self.options, run)?;
        Ok(Trace { report, made: Default::default() })
    }
}

#[pymethods]
impl Trace {
    /// One row per tainted payment, by case and in the order of transactions.
    ///
    /// ``case``, ``transaction``, ``source``, ``destination``, ``time``, ``currency`` (paid), ``tainted_paid_minor``,
    /// ``tainted_received_minor``, ``hop`` (0 for a seed), ``received_currency``; amounts in minor units.
    #[getter]
    fn flows(&self, py: Python<'_>) -> PyResult<Table> {
        self.made[0].of(py, self.table("flows"))
    }

    /// Where the money is at the end, sinks aside: ``case``, ``account``, ``currency``, ``amount_minor``,
    /// ``first_receipt``, ``last_receipt``.
    #[getter]
    fn holdings(&self, py: Python<'_>) -> PyResult<Table> {
        self.made[1].of(py, self.table("holdings"))
    }

    /// What stayed at sinks, with the columns of ``holdings``.
    #[getter]
    fn sinks(&self, py: Python<'_>) -> PyResult<Table> {
        self.made[2].of(py, self.table("sinks"))
    }

    /// The books that prove the trace, the rules and the data behind it, as in ``ledger.json``.
    ///
    /// For every case and currency ``seeded + converted_in = held + at_sinks + dust + superseded + converted_out +
    /// fees``; minor units are texts of digits, because sums pass 2^53.
    #[getter]
    fn ledger<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?.call_method1("loads", (self.report.document.to_string(),))
    }

    /// Writes ``flows``, ``holdings`` and ``sinks`` as CSV and Parquet, and ``ledger.json``.
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
        detached(py, Circumstances::default(), |run| {
            write_report(&self.report, &path, CsvOptions { guard_formulas }, run)
        })
    }

    fn __repr__(&self) -> String {
        let rows = |name| self.table(name).num_rows();
        format!("Trace({} flows, {} holdings, {} at sinks)", rows("flows"), rows("holdings"), rows("sinks"))
    }
}

impl Trace {
    fn table(&self, name: &str) -> &ringfence::report::Table {
        self.report.table(name).expect("a trace has this table")
    }
}
