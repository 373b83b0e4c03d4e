//! `Origins`: where the money of payments and balances came from.

use crate::answer::{Answer, count, rules};
use crate::picture::{Wanted, drawn, shown_with};
use crate::table::Table;
use pyo3::prelude::*;
use ringfence::graph::Graph;
use ringfence::report::case::{Picture, Sketch};
use std::path::PathBuf;

/// Where the money of targets came from, under a stated policy; made by :meth:`Graph.origins`.
///
/// A scenario under the stated rules: origins sum to their target, and another rule may name others.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Origins {
    graph: Graph,
    answer: Answer,
}

impl Origins {
    pub(crate) fn new(graph: Graph, answer: Answer) -> Self {
        Self { graph, answer }
    }
}

#[pymethods]
impl Origins {
    /// Whose money it was: ``target``, ``origin`` (account), ``currency``, ``amount_minor``, ``share`` (of the
    /// target); the largest amount of a target first. The amounts of a target sum to it exactly.
    #[getter]
    fn origins(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "origins")
    }

    /// Payments that carried the money, with the columns of :attr:`Trace.flows` and ``target`` for ``case``.
    ///
    /// ``hop`` 1 is an origin's own payment.
    #[getter]
    fn flows(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "flows")
    }

    /// Ways from origins to their target, with the columns of :attr:`Paths.steps`, ``target`` for ``case`` and
    /// ``origin`` for ``holder``; ``None`` unless ``paths_max`` was given.
    #[getter]
    fn paths(&self, py: Python<'_>) -> PyResult<Option<Table>> {
        self.answer.find(py, "paths")
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

    /// The rules and the data behind it, and what each target is in all, as in ``summary.json``.
    #[getter]
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.answer.document(py)
    }

    /// A picture of the payments by which the money came; amounts are the parts of them that went on to the targets.
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
        drawn(py, wanted, |_, _| Sketch::origins(&self.graph, self.answer.report()))
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
        let table = self.origins(py)?;
        shown_with(py, &self.lines(), Picture::Sankey, Some(("where the money came from", &table)), |_, _| {
            Sketch::origins(&self.graph, self.answer.report()).map(Some)
        })
    }
}

impl Origins {
    fn lines(&self) -> [String; 3] {
        let (some, said) = (|table, thing| count(self.answer.num_rows(table), thing), self.answer.said());
        [
            format!(
                "Origins of {}: {}, {}",
                count(said["num_targets"].clone(), "target"),
                some("origins", "origin"),
                some("flows", "flow")
            ),
            rules(said),
            "a scenario, not an entitlement".to_string(),
        ]
    }
}
