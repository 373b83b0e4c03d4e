//! `Contacts`: who was exposed to money of a case.

use crate::answer::{Answer, cases, count, shown, span};
use crate::table::Table;
use pyo3::prelude::*;
use std::path::PathBuf;

/// Who was exposed to money of a case, and by which payments; made by :meth:`Graph.trace` with ``policy="poison"``.
///
/// Exposure, not money: amounts are those of whole payments, are not conserved and must not be added up.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Contacts {
    answer: Answer,
}

impl Contacts {
    pub(crate) fn new(answer: Answer) -> Self {
        Self { answer }
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
        let (some, said) = (|table, thing| count(self.answer.num_rows(table), thing), self.answer.said());
        [
            format!(
                "Contacts of {}: {}, {}",
                cases(said),
                some("contacts", "account"),
                some("flows", "payment")
            ),
            format!("policy poison, over {}", span(said)),
            "exposure, not money: amounts are those of whole payments".to_string(),
        ]
    }
}
