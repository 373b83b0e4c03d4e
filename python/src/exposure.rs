//! `Exposure`: how far every account is exposed to bad ones.

use crate::answer::{Answer, count, shown, span, text};
use crate::table::Table;
use pyo3::prelude::*;
use std::path::PathBuf;

/// What every account received, pro rata, of what bad accounts paid; made by :meth:`Graph.exposure`.
///
/// Amounts follow the haircut rule: a scenario, not an entitlement. Contact alone says nothing about amounts.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Exposure {
    answer: Answer,
}

impl Exposure {
    pub(crate) fn new(answer: Answer) -> Self {
        Self { answer }
    }
}

#[pymethods]
impl Exposure {
    /// Every pool that received tainted money, pro rata.
    ///
    /// ``account``, ``currency``, ``role`` (``other``, ``source`` or ``sink``), ``tainted_received_minor``,
    /// ``tainted_paid_minor``, ``tainted_held_minor``, ``received_minor``, ``tainted_share`` (of what was received),
    /// ``first_receipt``, ``last_receipt``.
    #[getter]
    fn amounts(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "exposure")
    }

    /// Who was touched at all: ``account``, ``num_cases``, ``first_contact``, ``transaction`` (null for a source).
    #[getter]
    fn contacts(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "contacts")
    }

    /// Stated balances that the transactions do not explain; see :attr:`Trace.balance_breaks`.
    #[getter]
    fn balance_breaks(&self, py: Python<'_>) -> PyResult<Option<Table>> {
        self.answer.find(py, "balance_breaks")
    }

    /// The books by currency, the rules and the data behind it, as in ``ledger.json``.
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
        shown(&self.lines(), "what accounts received of it", &self.amounts(py)?)
    }
}

impl Exposure {
    fn lines(&self) -> [String; 3] {
        let (some, said) = (|table, thing| count(self.answer.num_rows(table), thing), self.answer.said());
        [
            format!(
                "Exposure to {}: {}, {} in contact",
                count(said["sources"]["num_sources"].clone(), "source"),
                some("exposure", "pool"),
                some("contacts", "account")
            ),
            format!("policy haircut, opening {}, over {}", text(&said["opening"]), span(said)),
            "a scenario, not an entitlement".to_string(),
        ]
    }
}
