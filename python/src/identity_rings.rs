//! `IdentityRings`: accounts tied by identifiers that they share.

use crate::door::{Circumstances, detached};
use crate::table::{Made, Table};
use pyo3::prelude::*;
use ringfence::graph::Graph;
use ringfence::report::csv::CsvOptions;
use ringfence::report::rings::{RingTables, write_rings};
use ringfence::rings::IdentityRingOptions;
use std::path::PathBuf;

/// Rings of accounts that share identifiers, with the evidence; made by :meth:`Graph.identity_rings`.
///
/// ``len(rings)`` is their number. Identifier values are personal data: ``kind#number`` stands for
/// each, the same number for the same value within one graph, unless they were asked for with ``reveal=True``.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct IdentityRings {
    graph: Graph,
    options: IdentityRingOptions,
    tables: RingTables,
    made: [Made; 4],
}

impl IdentityRings {
    pub(crate) fn new(graph: Graph, options: IdentityRingOptions, tables: RingTables) -> Self {
        Self { graph, options, tables, made: Default::default() }
    }
}

#[pymethods]
impl IdentityRings {
    /// One row per ring, largest first: ``ring``, ``num_accounts``, ``num_identifiers``, ``kinds``, ``first``, ``last``.
    #[getter]
    fn rings(&self, py: Python<'_>) -> PyResult<Table> {
        self.made[0].of(py, &self.tables.rings)
    }

    /// One row per member: ``ring``, ``account``.
    #[getter]
    fn members(&self, py: Python<'_>) -> PyResult<Table> {
        self.made[1].of(py, &self.tables.members)
    }

    /// One row per use of a tying identifier: ``ring``, ``account``, ``kind``, ``identifier``, ``first``, ``last``, ``count``.
    #[getter]
    fn evidence(&self, py: Python<'_>) -> PyResult<Table> {
        self.made[2].of(py, &self.tables.evidence)
    }

    /// Identifiers that too many accounts share to tie them: ``kind``, ``identifier``, ``num_accounts``.
    #[getter]
    fn hubs(&self, py: Python<'_>) -> PyResult<Table> {
        self.made[3].of(py, &self.tables.hubs)
    }

    /// Writes ``rings.csv``, ``members.csv``, ``evidence.csv``, ``hubs.csv`` and ``summary.json``.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike
    ///     Directory to make; it appears whole or not at all.
    /// guard_formulas : bool, default False
    ///     Put an apostrophe before texts that a spreadsheet would run as a formula.
    ///
    /// Raises
    /// ------
    /// FileExistsError
    ///     If there is something at ``path``; nothing is overwritten.
    #[pyo3(signature = (path, *, guard_formulas = false))]
    fn write(&self, py: Python<'_>, path: PathBuf, guard_formulas: bool) -> PyResult<()> {
        detached(py, Circumstances::default(), |run| {
            write_rings(&self.graph, &self.tables, &self.options, &path, CsvOptions { guard_formulas }, run)
        })
    }

    fn __len__(&self) -> usize {
        self.tables.rings.num_rows()
    }

    fn __repr__(&self) -> String {
        let (rings, members) = (self.tables.rings.num_rows(), self.tables.members.num_rows());
        format!("IdentityRings({rings} rings of {members} accounts)")
    }
}
