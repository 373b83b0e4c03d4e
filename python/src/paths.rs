//! `Paths`: by which ways the money of a trace came to where it is.

use crate::answer::{Answer, count, text};
use crate::picture::{Wanted, drawn, shown_with};
use crate::table::Table;
use pyo3::prelude::*;
use ringfence::graph::Graph;
use ringfence::report::case::{Picture, Sketch};
use std::path::PathBuf;

/// Money paths from seeds to where the money is; made by :meth:`Trace.paths`.
///
/// ``len(paths)`` is how many are listed. One way to tell the money of a case apart that agrees with every amount;
/// not the only one.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Paths {
    graph: Graph,
    answer: Answer,
}

impl Paths {
    pub(crate) fn new(graph: Graph, answer: Answer) -> Self {
        Self { graph, answer }
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

    /// A picture of the listed paths; amounts are what went along them.
    ///
    /// The other options are those of :meth:`Trace.picture`.
    #[pyo3(signature = (picture = "sankey", *, language = "en", key_file = None, case = None, reveal = false, accounts_max = 60, flows_max = 120))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn picture<'py>(
        &self,
        py: Python<'py>,
        picture: &str,
        language: &str,
        key_file: Option<PathBuf>,
        case: Option<String>,
        reveal: bool,
        accounts_max: u32,
        flows_max: u32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (picture, language) = (picture.to_string(), language.to_string());
        let wanted = Wanted { picture, language, key_file, case, reveal, accounts_max, flows_max };
        drawn(py, wanted, |_, _| Sketch::paths(&self.graph, self.answer.report()))
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
        let table = self.steps(py)?;
        shown_with(py, &self.lines(), Picture::Sankey, Some(("step by step", &table)), |_, _| {
            Sketch::paths(&self.graph, self.answer.report()).map(Some)
        })
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
