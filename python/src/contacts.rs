//! `Contacts`: who was exposed to money of a case.

use crate::answer::{Answer, cases, count, span};
use crate::picture::{Wanted, drawn, shown_with};
use crate::table::Table;
use pyo3::prelude::*;
use ringfence::graph::Graph;
use ringfence::report::case::{Picture, Sketch};
use std::path::PathBuf;

/// Who was exposed to money of a case, and by which payments; made by :meth:`Graph.trace` with ``policy="poison"``.
///
/// Exposure, not money: amounts are those of whole payments, are not conserved and must not be added up.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Contacts {
    graph: Graph,
    answer: Answer,
}

impl Contacts {
    pub(crate) fn new(graph: Graph, answer: Answer) -> Self {
        Self { graph, answer }
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

    /// A picture of the payments of exposed accounts; amounts are whole payments, and say nothing about how much of a case's money was in them.
    ///
    /// The other options are those of :meth:`Trace.picture`.
    #[pyo3(signature = (picture = "ring", *, language = "en", key_file = None, case = None, reveal = false, accounts_max = 60, flows_max = 120))]
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
        drawn(py, wanted, |_, _| Sketch::contacts(&self.graph, self.answer.report()))
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
        let table = self.contacts(py)?;
        shown_with(py, &self.lines(), Picture::Ring, Some(("who was exposed", &table)), |_, _| {
            Sketch::contacts(&self.graph, self.answer.report()).map(Some)
        })
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
