//! Who belongs together: communities, and communities that overlap.

use super::Projection;
use crate::answer::Answer;
use crate::arguments::choice;
use crate::communities::Communities;
use crate::door::{Circumstances, detached};
use crate::graph::identifiers;
use crate::sheet::sheet;
use crate::structure::Structure;
use pyo3::prelude::*;
use ringfence::community::{LeidenOptions, Objective, PropagationOptions};
use ringfence::report::communities::{CommunityMethod, CommunityQuestion, community_report};
use ringfence::report::overlaps::overlap_report;
use std::sync::Arc;

#[pymethods]
impl Projection {
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

    /// Communities that overlap: an account may have shares in several.
    ///
    /// Unlike those of :meth:`communities`, they need not be connected, and no objective is made large.
    ///
    /// Parameters
    /// ----------
    /// communities_max : int, default 4
    ///     Most communities of an account, 1 to 64; shares below one part in so many are left out.
    /// weighted : bool, default True
    ///     Let weights count; otherwise every pair weighs 1.
    /// seed : int, default 0
    ///     Orders are drawn from this seed.
    /// threads, progress
    ///     As in :meth:`Graph.components`.
    ///
    /// Returns
    /// -------
    /// Structure
    ///     ``table`` has ``account``, ``community``, ``size`` and ``share``, a row for each community of an account;
    ///     ``tables["communities"]`` one row per community.
    ///
    /// Examples
    /// --------
    /// >>> overlapping = graph.project().overlapping_communities(communities_max=2)
    /// >>> round(sum(row["share"] for row in overlapping.table.to_dicts())) == graph.num_accounts
    /// True
    #[pyo3(signature = (*, communities_max = 4, weighted = true, seed = 0, threads = None, progress = None))]
    fn overlapping_communities(
        &self,
        py: Python<'_>,
        communities_max: u32,
        weighted: bool,
        seed: u64,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Structure> {
        let options = PropagationOptions { communities_max, weighted, seed, ..PropagationOptions::default() };
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            overlap_report(&self.projected, &options, identifiers(self.reveal), run)
        })?;
        Ok(Structure::new(Answer::new(report), "members"))
    }
}
