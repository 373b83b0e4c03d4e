//! `IdentityRings`: accounts tied by identifiers that they share.

use crate::door::{Circumstances, detached};
use crate::picture::{Wanted, drawn, shown_with};
use crate::table::{Made, Table};
use pyo3::prelude::*;
use ringfence::graph::Graph;
use ringfence::report::case::{Picture, Sketch};
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

    /// A picture of one ring: its accounts and the identifiers that they share.
    ///
    /// Parameters
    /// ----------
    /// picture : {"ring"}, default "ring"
    ///     There are no transfers for the others.
    /// ring : int, default 0
    ///     Its number, as in :attr:`rings`. The other options are those of :meth:`Trace.picture`.
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For a ring that is not there.
    #[pyo3(signature = (picture = "ring", *, ring = 0, language = "en", key_file = None, case = None, reveal = false, accounts_max = 60, flows_max = 120))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn picture<'py>(
        &self,
        py: Python<'py>,
        picture: &str,
        ring: u32,
        language: &str,
        key_file: Option<PathBuf>,
        case: Option<String>,
        reveal: bool,
        accounts_max: u32,
        flows_max: u32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (picture, language) = (picture.to_string(), language.to_string());
        let wanted = Wanted { picture, language, key_file, case, reveal, accounts_max, flows_max };
        drawn(py, wanted, |_, _| Sketch::identity_ring(&self.tables, ring))
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

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let table = self.rings(py)?;
        let table = Some(("rings; the picture is of the first", &table));
        shown_with(py, &[self.__repr__()], Picture::Ring, table, |_, _| {
            (self.__len__() > 0).then(|| Sketch::identity_ring(&self.tables, 0)).transpose()
        })
    }
}
