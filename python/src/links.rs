//! `IdentityLinks`: accounts that one hand seems to be behind.

use crate::answer::{Answer, count, shown, span};
use crate::table::Table;
use pyo3::prelude::*;
use std::path::PathBuf;

/// Rings of accounts that share identifiers, each weighed by how rare it is; made by :meth:`Graph.link_identities`.
///
/// ``len(links)`` is the number of rings. Evidence is in bits: 10 bits are a thousand times likelier of two accounts of one
/// ring than of two that have nothing to do with each other.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct IdentityLinks {
    answer: Answer,
}

impl IdentityLinks {
    pub(crate) fn new(answer: Answer) -> Self {
        Self { answer }
    }
}

#[pymethods]
impl IdentityLinks {
    /// One row per ring, largest first: ``ring``, ``num_accounts``, ``cohesion_bits`` (evidence of its weakest link).
    #[getter]
    fn rings(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "rings")
    }

    /// ``ring`` and ``account``: one row per member.
    #[getter]
    fn members(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "members")
    }

    /// What holds each ring together, a tree: ``ring``, ``account``, ``other``, ``bits``.
    #[getter]
    fn links(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "links")
    }

    /// The identifiers behind each link: ``ring``, ``account``, ``other``, ``kind``, ``identifier``, ``num_accounts`` (that use it),
    /// ``bits`` (what sharing it tells), ``counted_bits`` (how much of that counts), ``articulation`` (whether the ring falls apart
    /// without it).
    #[getter]
    fn evidence(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "evidence")
    }

    /// Links that were cut because the ring would have been too large: ``account``, ``other``, ``bits``.
    #[getter]
    fn cuts(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "cuts")
    }

    /// What was cut: ``account`` (the first of it), ``num_accounts``.
    #[getter]
    fn outgrown(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "outgrown")
    }

    /// Identifiers that several share and that link nobody: ``kind``, ``identifier``, ``num_accounts``, ``reason`` (``placeholder``,
    /// ``allowed``, ``too_many`` or ``common``).
    #[getter]
    fn passed_over(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "passed_over")
    }

    /// Rings by threshold, to choose one: ``bits``, ``num_rings``, ``num_accounts``, ``largest``.
    #[getter]
    fn curve(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "curve")
    }

    /// What was asked of which data, as in ``summary.json``.
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
        self.answer.num_rows("rings")
    }

    fn __repr__(&self) -> String {
        self.line()
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        shown(&[self.line()], "rings, largest first", &self.rings(py)?)
    }
}

impl IdentityLinks {
    fn line(&self) -> String {
        let said = self.answer.said();
        let (rings, members) = (said["num_rings"].clone(), said["num_members"].clone());
        format!("{} of {}, over {}", count(rings, "ring"), count(members, "account"), span(said))
    }
}
