//! `Paths`: by which ways the money of a trace came to where it is.

use crate::answer::{Answer, count, shown, text};
use crate::table::Table;
use pyo3::prelude::*;
use std::path::PathBuf;

/// Money paths from seeds to where the money is; made by :meth:`Trace.paths`.
///
/// ``len(paths)`` is how many are listed. One way to tell the money of a case apart that agrees with every amount;
/// not the only one.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Paths {
    answer: Answer,
}

impl Paths {
    pub(crate) fn new(answer: Answer) -> Self {
        Self { answer }
    }
}

#[pymethods]
impl Paths {
    /// One row per step of each path, by case and the largest amount first.
    ///
    /// Of the path ``case``, ``path`` (from 0 in each case), ``holder``, ``currency``, ``amount_minor`` and ``stop``
    /// (null where the money is simply held); of the step ``hop`` (0 for what the path begins with),
    /// ``transaction``, ``source``, ``destination``, ``time``, ``paid_currency``, ``paid_minor``,
    /// ``received_currency``, ``received_minor``, and ``dwell_s``, the whole seconds that the money waited at
    /// ``source``.
    #[getter]
    fn steps(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "paths")
    }

    /// How many paths there are, listed or not.
    #[getter]
    fn num_found(&self) -> u64 {
        self.answer.said()["num_found"].as_u64().unwrap_or_default()
    }

    /// Writes ``paths`` as CSV and Parquet, and ``summary.json``; see :meth:`Trace.write`.
    #[pyo3(signature = (path, *, guard_formulas = false))]
    fn write(&self, py: Python<'_>, path: PathBuf, guard_formulas: bool) -> PyResult<()> {
        self.answer.write(py, path, guard_formulas)
    }

    fn __len__(&self) -> usize {
        self.answer.said()["num_paths"].as_u64().unwrap_or_default() as usize
    }

    fn __repr__(&self) -> String {
        self.lines().join("\n")
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        shown(&self.lines(), "step by step", &self.steps(py)?)
    }
}

impl Paths {
    fn lines(&self) -> [String; 3] {
        let (some, said) = (|table, thing| count(self.answer.num_rows(table), thing), self.answer.said());
        [
            format!(
                "Paths: {} of {} listed, {}",
                text(&said["num_paths"]),
                text(&said["num_found"]),
                some("paths", "step")
            ),
            format!("policy {}, first in, first out within a case", text(&said["policy"])),
            "one way to tell the money apart, not the only one".to_string(),
        ]
    }
}
