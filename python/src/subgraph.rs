//! `Subgraph`: accounts and transactions taken out of a graph, small enough to look at.

use crate::door::{Circumstances, detached};
use crate::table::{Made, Table};
use pyo3::prelude::*;
use ringfence::Result;
use ringfence::graph::Graph;
use ringfence::graph::subgraph::Subgraph as Found;
use ringfence::report::Network;
use ringfence::report::csv::CsvOptions;
use ringfence::report::files::write_network;
use ringfence::report::subgraph::{NetworkOptions, network};
use std::path::PathBuf;

/// Accounts, the transactions among them and the identifiers that they share; made by :meth:`Graph.subgraph`.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Subgraph {
    network: Network,
    num_accounts: usize,
    num_transactions: usize,
    truncated: bool,
    made: [Made; 2],
}

impl Subgraph {
    /// `found` with external keys.
    pub(crate) fn new(
        graph: &Graph,
        found: &Found,
        options: &NetworkOptions,
        run: &ringfence::Run,
    ) -> Result<Self> {
        Ok(Self {
            network: network(graph, found, options, run)?,
            num_accounts: found.num_nodes(),
            num_transactions: found.num_edges(),
            truncated: found.truncated,
            made: Default::default(),
        })
    }
}

#[pymethods]
impl Subgraph {
    /// One row per node: ``id``, ``type`` (``account`` or ``identifier``), ``hop`` (transfers from the nearest given
    /// account), and the attributes that were asked for.
    #[getter]
    fn accounts(&self, py: Python<'_>) -> PyResult<Table> {
        self.made[0].of(py, &self.network.nodes)
    }

    /// One row per edge: ``id`` (transaction key), ``source``, ``target``, ``type`` (``transfer`` or ``uses``), ``time``,
    /// ``currency``, ``amount`` (decimal text), ``amount_minor``, what was received, ``channel``, ``label``.
    #[getter]
    fn transactions(&self, py: Python<'_>) -> PyResult<Table> {
        self.made[1].of(py, &self.network.edges)
    }

    /// Number of accounts.
    #[getter]
    fn num_accounts(&self) -> usize {
        self.num_accounts
    }

    /// Number of transactions.
    #[getter]
    fn num_transactions(&self) -> usize {
        self.num_transactions
    }

    /// Whether a limit cut something off; the nearest accounts and the earliest transactions were kept.
    #[getter]
    fn truncated(&self) -> bool {
        self.truncated
    }

    /// A :class:`networkx.MultiDiGraph`: nodes and edges are named by their external keys. Needs networkx.
    fn to_networkx<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("ringfence.interop")?.call_method1("to_networkx", (slf,))
    }

    /// Writes the subgraph for other programs.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike
    ///     File to make; its ending chooses the format: ``.graphml``, ``.json`` (node-link) or ``.csv`` (edges alone).
    /// guard_formulas : bool, default False
    ///     In CSV, put an apostrophe before texts that a spreadsheet would run as a formula.
    ///
    /// Raises
    /// ------
    /// FileExistsError
    ///     If there is something at ``path``; nothing is overwritten.
    /// OptionError
    ///     For another ending.
    #[pyo3(signature = (path, *, guard_formulas = false))]
    fn write(&self, py: Python<'_>, path: PathBuf, guard_formulas: bool) -> PyResult<()> {
        detached(py, Circumstances::default(), |run| {
            write_network(&self.network, &path, CsvOptions { guard_formulas }, run)
        })
    }

    fn __repr__(&self) -> String {
        let more = if self.truncated { ", truncated" } else { "" };
        format!("Subgraph({} accounts, {} transactions{more})", self.num_accounts, self.num_transactions)
    }
}
