//! `Bounds`: the most that can have arrived, whatever the policy.

use crate::answer::{Answer, cases, count, shown, span, text};
use crate::table::Table;
use pyo3::prelude::*;
use std::path::PathBuf;

/// The most of each seed's money that each target can have received, whatever the policy; made by :meth:`Graph.bound`.
///
/// Upper bounds: that much can have arrived, not that it did.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Bounds {
    answer: Answer,
}

impl Bounds {
    pub(crate) fn new(answer: Answer) -> Self {
        Self { answer }
    }
}

#[pymethods]
impl Bounds {
    /// One row per seed and target: ``case``, ``seed`` (its number among the seeds, from 0), ``account``, ``currency``,
    /// ``amount_minor``, ``num_transactions`` (between seed and target).
    #[getter]
    fn bounds(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "bounds")
    }

    /// What caps each bound; the capacities of a bound sum to it: ``case``, ``seed``, ``account``, ``step``
    /// (``seed``, ``payment``, ``gain``, ``conversion`` or ``balance``), ``transaction`` (null for a deposit and a
    /// balance), ``source``, ``destination``, ``time``, ``capacity_minor``.
    #[getter]
    fn cut(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "cut")
    }

    /// Ways that move the bound together: ``case``, ``seed``, ``account``, ``path`` (from 0), ``origin``,
    /// ``amount_minor``, ``hop``, ``transaction``, ``source``, ``destination``, ``time``.
    #[getter]
    fn paths(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "paths")
    }

    /// Single ways whose smallest payment is largest, best first: as ``paths``, with ``width_minor`` for the amount;
    /// widths must not be added up. ``None`` unless ``widest`` was given.
    #[getter]
    fn widest(&self, py: Python<'_>) -> PyResult<Option<Table>> {
        self.answer.find(py, "widest")
    }

    /// Stated balances that the transactions do not explain; see :attr:`Trace.balance_breaks`.
    #[getter]
    fn balance_breaks(&self, py: Python<'_>) -> PyResult<Option<Table>> {
        self.answer.find(py, "balance_breaks")
    }

    /// The rules and the data behind it, as in ``summary.json``.
    #[getter]
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.answer.document(py)
    }

    /// Writes every table as CSV and Parquet, and ``summary.json``; see :meth:`Trace.write`.
    #[pyo3(signature = (path, *, guard_formulas = false))]
    fn write(&self, py: Python<'_>, path: PathBuf, guard_formulas: bool) -> PyResult<()> {
        self.answer.write(py, path, guard_formulas)
    }

    fn __len__(&self) -> usize {
        self.answer.num_rows("bounds")
    }

    fn __repr__(&self) -> String {
        self.lines().join("\n")
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        shown(&self.lines(), "the most that can have arrived", &self.bounds(py)?)
    }
}

impl Bounds {
    fn lines(&self) -> [String; 3] {
        let (some, said) = (|table, thing| count(self.answer.num_rows(table), thing), self.answer.said());
        [
            format!(
                "Bounds of {}: {}, {} above 0",
                cases(said),
                some("bounds", "bound"),
                text(&said["num_reached"])
            ),
            format!("whatever the policy, over {}", span(said)),
            "upper bounds: that much can have arrived, not that it did".to_string(),
        ]
    }
}
