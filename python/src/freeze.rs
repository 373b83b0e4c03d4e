//! `FreezePlan`: where money can still be held at a moment, and what waiting costs.

use crate::answer::{Answer, cases, count, rules, shown, text};
use crate::errors::to_python;
use crate::table::Table;
use pyo3::prelude::*;
use ringfence::Error;
use std::path::PathBuf;

/// Who holds the money of seeds at a moment, whose it is, and what waiting costs; made by :meth:`Graph.freeze_plan`.
///
/// A scenario under the stated rules, not an entitlement. The plan rests on the policy: compare several before acting.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct FreezePlan {
    answer: Answer,
}

impl FreezePlan {
    pub(crate) fn new(answer: Answer) -> Self {
        Self { answer }
    }
}

/// Delays as Python gives them: every whole hour up to a number, or a list of hours.
#[derive(FromPyObject)]
pub(crate) enum Delays {
    UpTo(u32),
    These(Vec<u32>),
}

/// Most hours that a number stands for: a year.
const HOURS_MAX: u32 = 8_760;

impl Delays {
    /// The hours.
    pub(crate) fn hours(self, py: Python<'_>) -> PyResult<Vec<u32>> {
        match self {
            Delays::These(hours) => Ok(hours),
            Delays::UpTo(last) if last <= HOURS_MAX => Ok((1..=last).collect()),
            Delays::UpTo(last) => {
                let allowed = "at most 8760 hours, or a list of hours";
                Err(to_python(py, Error::Option { name: "delays_h", value: last.to_string(), allowed }))
            }
        }
    }
}

#[pymethods]
impl FreezePlan {
    /// The freeze list: ``currency``, ``rank`` (from 1 in each currency), ``account``, ``amount_minor``, ``num_cases``.
    #[getter]
    fn holders(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "holders")
    }

    /// Whose it is: ``case``, ``account``, ``currency``, ``amount_minor``, ``case_total_minor``,
    /// ``holder_total_minor``.
    #[getter]
    fn matrix(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "matrix")
    }

    /// What waiting costs: ``delay_h``, ``currency``, ``held_minor``, ``num_holders``, ``caught_minor`` (what the
    /// plan made now would still catch then), ``cost_minor`` (what it would have caught now, less that).
    #[getter]
    fn delays(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "delays")
    }

    /// What each holder of the plan holds later: ``delay_h``, ``account``, ``currency``, ``amount_minor``.
    #[getter]
    fn later(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "later")
    }

    /// Stated balances that the transactions do not explain; see :attr:`Trace.balance_breaks`.
    #[getter]
    fn balance_breaks(&self, py: Python<'_>) -> PyResult<Option<Table>> {
        self.answer.find(py, "balance_breaks")
    }

    /// The rates that were used; ``None`` unless values were pooled.
    #[getter]
    fn rates(&self, py: Python<'_>) -> PyResult<Option<Table>> {
        self.answer.find(py, "rates")
    }

    /// The books of the trace until the moment, the rules and the data behind it, as in ``ledger.json``.
    #[getter]
    fn ledger<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.answer.document(py)
    }

    /// Writes every table as CSV and Parquet, and ``ledger.json``; see :meth:`Trace.write`.
    #[pyo3(signature = (path, *, guard_formulas = false))]
    fn write(&self, py: Python<'_>, path: PathBuf, guard_formulas: bool) -> PyResult<()> {
        self.answer.write(py, path, guard_formulas)
    }

    fn __repr__(&self) -> String {
        self.lines().join("\n")
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        shown(&self.lines(), "who holds the money", &self.holders(py)?)
    }
}

impl FreezePlan {
    fn lines(&self) -> [String; 3] {
        let (some, said) = (|table, thing| count(self.answer.num_rows(table), thing), self.answer.said());
        [
            format!("FreezePlan of {} at {}: {}", cases(said), text(&said["at"]), some("holders", "holder")),
            rules(said),
            "a scenario, not an entitlement".to_string(),
        ]
    }
}
