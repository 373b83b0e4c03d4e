//! `Projection`: accounts and what joins them, asked again and again.

use crate::answer::{Answer, count};
use crate::arguments::choice;
use crate::communities::Communities;
use crate::door::{Circumstances, detached};
use crate::graph::identifiers;
use crate::sheet::sheet;
use crate::structure::Structure;
use crate::table::Table;
use pyo3::prelude::*;
use ringfence::community::{DensestOptions, FraudarOptions, LeidenOptions, Objective};
use ringfence::report::communities::{CommunityMethod, CommunityQuestion, community_report};
use ringfence::report::projection::Projected;
use ringfence::report::structure::{CoreKind, DenseMethod, core_report, dense_report, truss_report};
use std::sync::Arc;

/// An undirected, weighted, simple graph of accounts: who is joined, and how much; made by :meth:`Graph.project`.
///
/// Making it is work; asking it again is not. ``len(projection)`` is its number of accounts.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Projection {
    projected: Arc<Projected>,
    reveal: bool,
}

impl Projection {
    pub(crate) fn new(projected: Projected, reveal: bool) -> Self {
        Self { projected: Arc::new(projected), reveal }
    }
}

#[pymethods]
impl Projection {
    /// Number of pairs of accounts that are joined.
    #[getter]
    fn num_pairs(&self) -> usize {
        self.projected.projection.num_pairs()
    }

    /// What joined not all that it could: ``account``, or ``kind`` and ``identifier``, ``degree``, ``kept``, ``rule``
    /// (``allowed`` or ``hub``).
    #[getter]
    fn hubs(&self, py: Python<'_>) -> PyResult<Table> {
        detached(py, Circumstances::default(), |run| {
            Table::new(self.projected.hubs(identifiers(self.reveal), run)?)
        })
    }

    /// Communities: accounts that have more to do with each other than with the rest.
    ///
    /// Every community is connected, and the same input gives the same communities, whatever the number of threads.
    ///
    /// Parameters
    /// ----------
    /// method : {"leiden", "louvain", "labels"}, default "leiden"
    ///     Leiden; Louvain, faster; label propagation, fastest and coarse.
    /// objective : {"modularity", "cpm"}, default "modularity"
    ///     What a partition is measured by. Modularity compares with published numbers but merges small communities of
    ///     large graphs; the constant Potts model finds communities denser than ``resolution``, however large the graph.
    /// resolution : float, default 1.0
    ///     Above 0: more makes smaller communities.
    /// directed : bool, default False
    ///     Let it matter who pays whom; for Leiden with modularity over transfers.
    /// weighted : bool, default True
    ///     Let weights count; otherwise every pair weighs 1.
    /// iterations : int, default 1
    ///     How often the graph is climbed from its accounts; ends early when nothing is gained.
    /// size_min : int, default 1
    ///     Fewest accounts of a community; smaller ones join the neighbour that gains most.
    /// size_max : int, optional
    ///     Most accounts of a community; larger ones are split.
    /// start : str, os.PathLike, list of dict, or frame, optional
    ///     ``account``, ``community`` to start from, such as an earlier ``table()``: communities that stay keep their number.
    /// seed : int, default 0
    ///     Orders are drawn from this seed.
    /// threads, progress
    ///     As in :meth:`Graph.components`.
    ///
    /// Returns
    /// -------
    /// Communities
    ///
    /// Raises
    /// ------
    /// OptionError
    ///     For options that are out of range or do not go together; nothing was computed.
    /// UnknownKeyError
    ///     For an account of ``start`` that the graph does not hold.
    ///
    /// Examples
    /// --------
    /// >>> communities = graph.project().communities(objective="cpm", resolution=0.01)
    /// >>> communities.table().column_names
    /// ['account', 'community', 'size', 'finest']
    /// >>> graph.project().communities(start=communities.table()).compare(communities)["nmi"] > 0
    /// True
    #[pyo3(signature = (*, method = "leiden", objective = "modularity", resolution = 1.0, directed = false, weighted = true, iterations = 1, size_min = 1, size_max = None, start = None, seed = 0, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn communities(
        &self,
        py: Python<'_>,
        method: &str,
        objective: &str,
        resolution: f64,
        directed: bool,
        weighted: bool,
        iterations: u32,
        size_min: u32,
        size_max: Option<u32>,
        start: Option<Bound<'_, PyAny>>,
        seed: u64,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Communities> {
        let methods = [CommunityMethod::Leiden, CommunityMethod::Louvain, CommunityMethod::Labels];
        let methods = methods.map(|method| (method.name(), method));
        let objectives = [Objective::Modularity, Objective::Cpm].map(|each| (each.name(), each));
        let start = sheet(start, None)?;
        let (method, objective) = (
            choice(py, "method", method, &methods, "leiden, louvain or labels")?,
            choice(py, "objective", objective, &objectives, "modularity or cpm")?,
        );
        let leiden = LeidenOptions {
            objective,
            resolution,
            seed,
            iterations,
            weighted,
            size_min,
            size_max: size_max.unwrap_or(LeidenOptions::default().size_max),
            ..LeidenOptions::default()
        };
        let answer = detached(py, Circumstances::new(threads, progress)?, |run| {
            let start = start.map(|sheet| sheet.into_input("start")).transpose()?;
            let question =
                CommunityQuestion { method, directed, leiden, start, identifiers: identifiers(self.reveal) };
            community_report(&self.projected, &question, run)
        })?;
        Ok(Communities::new(Arc::clone(&self.projected), answer))
    }

    /// In which core every account is, and how closed its neighbourhood.
    ///
    /// Parameters
    /// ----------
    /// kind : {"neighbors", "strength", "directed"}, default "neighbors"
    ///     What holds an account in a core: neighbours that are in it; the weight of pairs with them; accounts in it that it
    ///     pays, all of which are paid by enough of them.
    /// in_min : int, default 1
    ///     For ``directed``: by how many members every member is paid.
    /// threads, progress
    ///     As in :meth:`Graph.components`.
    ///
    /// Returns
    /// -------
    /// Structure
    ///     ``table`` has ``account``, ``core``, ``degree``, ``strength``, ``triangles``, ``clustering``, ``articulation`` and
    ///     ``strong_component``.
    ///
    /// Examples
    /// --------
    /// >>> cores = graph.project().cores()
    /// >>> max(row["core"] for row in cores.table.to_dicts()) == cores.summary["deepest"]
    /// True
    #[pyo3(signature = (*, kind = "neighbors", in_min = 1, threads = None, progress = None))]
    fn cores(
        &self,
        py: Python<'_>,
        kind: &str,
        in_min: u32,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Structure> {
        let kinds =
            [CoreKind::Neighbors, CoreKind::Strength, CoreKind::Directed].map(|kind| (kind.name(), kind));
        let kind = choice(py, "kind", kind, &kinds, "neighbors, strength or directed")?;
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            core_report(&self.projected, kind, in_min, identifiers(self.reveal), run)
        })?;
        Ok(Structure::new(Answer::new(report), "cores"))
    }

    /// In which truss every pair of neighbours is, and whether it is a bridge.
    ///
    /// Parameters
    /// ----------
    /// truss_min : int, default 2
    ///     Least truss of a pair that is listed; at 2 all are.
    /// threads, progress
    ///     As in :meth:`Graph.components`.
    ///
    /// Returns
    /// -------
    /// Structure
    ///     ``table`` has ``account``, ``neighbor``, ``weight``, ``truss`` and ``bridge``, each pair once.
    ///
    /// Examples
    /// --------
    /// >>> all(row["truss"] >= 3 for row in graph.project().trusses(truss_min=3).table.to_dicts())
    /// True
    #[pyo3(signature = (*, truss_min = 2, threads = None, progress = None))]
    fn trusses(
        &self,
        py: Python<'_>,
        truss_min: u32,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Structure> {
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            truss_report(&self.projected, truss_min, identifiers(self.reveal), run)
        })?;
        Ok(Structure::new(Answer::new(report), "pairs"))
    }

    /// Sets of accounts that are too close together.
    ///
    /// Parameters
    /// ----------
    /// method : {"densest", "fraudar"}, default "densest"
    ///     The densest set of accounts, by rounds of peeling; or blocks of payers and payees, where popular payees count
    ///     less, so that camouflage does not help.
    /// rounds_max : int, default 16
    ///     ``densest``: most rounds. With 1 the set is at least half as dense as the densest; more come closer.
    /// blocks_max : int, default 1
    ///     ``fraudar``: most blocks.
    /// weighted : bool, default False
    ///     ``fraudar``: let payments count as often as their weight says, not once for each pair.
    /// threads, progress
    ///     As in :meth:`Graph.components`.
    ///
    /// Returns
    /// -------
    /// Structure
    ///     ``table`` has ``set``, ``role`` (``member``; of blocks ``payer`` or ``payee``) and ``account``; ``summary`` the bound that no
    ///     set is denser than.
    ///
    /// Examples
    /// --------
    /// >>> {row["role"] for row in graph.project().dense(method="fraudar").table.to_dicts()} <= {"payer", "payee"}
    /// True
    #[pyo3(signature = (*, method = "densest", rounds_max = 16, blocks_max = 1, weighted = false, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn dense(
        &self,
        py: Python<'_>,
        method: &str,
        rounds_max: u32,
        blocks_max: u32,
        weighted: bool,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Structure> {
        let methods = [("densest", false), ("fraudar", true)];
        let method = match choice(py, "method", method, &methods, "densest or fraudar")? {
            true => DenseMethod::Fraudar(FraudarOptions { blocks_max, weighted }),
            false => DenseMethod::Densest(DensestOptions { rounds_max }),
        };
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            dense_report(&self.projected, method, identifiers(self.reveal), run)
        })?;
        Ok(Structure::new(Answer::new(report), "sets"))
    }

    fn __len__(&self) -> usize {
        self.projected.projection.nodes.len()
    }

    fn __repr__(&self) -> String {
        let projection = &self.projected.projection;
        format!(
            "Projection of {}: {}, {}",
            count(projection.nodes.len(), "account"),
            count(projection.num_pairs(), "pair"),
            count(projection.hubs.len(), "hub"),
        )
    }
}
