//! `Structure`: cores, trusses, dense sets, and whatever else is said of the accounts of a projection.

use crate::answer::{Answer, shown, span, text};
use crate::table::Table;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;

/// The structure of a projection: cores, trusses, dense sets and the like; made by :meth:`Projection.cores` and its like.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Structure {
    answer: Answer,
    main: &'static str,
}

impl Structure {
    pub(crate) fn new(answer: Answer, main: &'static str) -> Self {
        Self { answer, main }
    }
}

#[pymethods]
impl Structure {
    /// What was asked for; the method that made this says which columns.
    #[getter]
    fn table(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, self.main)
    }

    /// Of dense sets, one row each: ``set``, ``num_accounts``, ``score``, and of groups that pass money on ``passed_minor`` and
    /// ``stuck_minor``; ``None`` otherwise.
    #[getter]
    fn scores(&self, py: Python<'_>) -> PyResult<Option<Table>> {
        self.answer.find(py, "scores")
    }

    /// Every table by its name, as :meth:`write` names files: ``table``, what goes with it, and ``hubs``.
    #[getter]
    fn tables<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.answer.tables(py)
    }

    /// What there is to say of all of it, the rules and the data behind it, as in ``summary.json``.
    #[getter]
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.answer.document(py)
    }

    /// Writes every table as CSV and Parquet, and ``summary.json``; see :meth:`Trace.write`.
    #[pyo3(signature = (path, *, guard_formulas = false))]
    fn write(&self, py: Python<'_>, path: PathBuf, guard_formulas: bool) -> PyResult<()> {
        self.answer.write(py, path, guard_formulas)
    }

    fn __repr__(&self) -> String {
        self.lines().join("\n")
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        shown(&self.lines(), self.main, &self.table(py)?)
    }
}

impl Structure {
    fn lines(&self) -> [String; 2] {
        let said = self.answer.said();
        let rows = self.answer.num_rows(self.main);
        [
            format!("{}: {rows} rows of {} accounts", text(&said["result"]), text(&said["num_accounts"])),
            format!("over {}", span(&said["projection"])),
        ]
    }
}
