//! Who to look at: centrality, and suspicion.

use super::Projection;
use crate::answer::Answer;
use crate::arguments::choice;
use crate::door::{Circumstances, detached};
use crate::graph::identifiers;
use crate::sheet::Sheet;
use crate::structure::Structure;
use pyo3::prelude::*;
use ringfence::community::centrality::{BetweennessOptions, HitsOptions, PageRankOptions};
use ringfence::report::centrality::{Centrality, centrality_report};
use ringfence::report::suspicion::{SuspicionQuestion, suspicion_report};

#[pymethods]
impl Projection {
    /// How central every account is. Scores are an order for looking, not money.
    ///
    /// Parameters
    /// ----------
    /// method : {"degree", "pagerank", "hits", "betweenness"}
    ///     How many neighbours it has; how often a walk along payments comes by; being paid by accounts that pay many that
    ///     matter; standing between others on shortest paths.
    /// damping : float, default 0.85
    ///     ``pagerank``: probability that the walk goes on.
    /// weighted : bool, default True
    ///     ``pagerank`` and ``hits``: let weights count.
    /// sources : int, default 256
    ///     ``betweenness``: number of accounts to search from, chosen by ``seed``; all of them, which is exact, with 0.
    /// directed : bool, default True
    ///     ``betweenness``: let it matter who pays whom.
    /// seed : int, default 0
    ///     ``betweenness``: decides the choice of sources.
    /// threads, progress
    ///     As in :meth:`Graph.components`.
    ///
    /// Returns
    /// -------
    /// Structure
    ///     ``table`` has ``rank``, ``account``, ``score`` (of hits the authority), and ``strength`` or ``hub`` for degree or hits;
    ///     ``summary`` how exact the scores are.
    ///
    /// Examples
    /// --------
    /// >>> graph.project().centrality("pagerank").table.to_dicts(1)[0]["rank"]
    /// 1
    #[pyo3(signature = (method, *, damping = 0.85, weighted = true, sources = 256, directed = true, seed = 0, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn centrality(
        &self,
        py: Python<'_>,
        method: &str,
        damping: f64,
        weighted: bool,
        sources: u32,
        directed: bool,
        seed: u64,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Structure> {
        let methods = [("degree", 0), ("pagerank", 1), ("hits", 2), ("betweenness", 3)];
        let method = match choice(py, "method", method, &methods, "degree, pagerank, hits or betweenness")? {
            0 => Centrality::Degree,
            1 => Centrality::PageRank(PageRankOptions { damping, weighted, ..PageRankOptions::default() }),
            2 => Centrality::Hits(HitsOptions { weighted, ..HitsOptions::default() }),
            _ => Centrality::Betweenness(BetweennessOptions {
                directed,
                sources: (sources > 0).then_some(sources),
                seed,
            }),
        };
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            centrality_report(&self.projected, &method, identifiers(self.reveal), run)
        })?;
        Ok(Structure::new(Answer::new(report), "centrality"))
    }

    /// How like the known ones every account is: guilt by association. Scores are an order for looking, no probabilities.
    ///
    /// What is known of some accounts spreads over what joins the accounts of the projection: payments in either direction,
    /// identifiers that they use, or both. Make it ``over="both"`` to let both tell, and give ``neighbors_max`` where some
    /// pay everybody.
    ///
    /// Parameters
    /// ----------
    /// seeds : str, os.PathLike, list of str, list of dict, or frame
    ///     ``account`` and ``belief``, from -1 (honest) to 1 (fraudulent); without ``belief``, all are fraudulent.
    /// strength : float, default 0.5
    ///     How much an edge tells, as a part of the most with which beliefs are sure to settle; above 0, at most 0.9.
    /// iterations_max : int, default 1000
    ///     Most iterations; ``summary["converged"]`` says whether they were enough.
    /// threads, progress
    ///     As in :meth:`Graph.components`.
    ///
    /// Returns
    /// -------
    /// Structure
    ///     ``table`` has ``rank``, ``account``, ``score`` and ``seed``: leave seeds out where scores are judged by what is
    ///     known. ``tables["identifiers"]`` ranks identifiers, where they join accounts.
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For an account of ``seeds`` that the graph does not hold.
    ///
    /// Examples
    /// --------
    /// >>> known = graph.components().table().to_dicts(1)[0]["account"]
    /// >>> suspicion = graph.project(over="both").suspicion([known])
    /// >>> suspicion.table.to_dicts(1)[0]["account"] == known
    /// True
    #[pyo3(signature = (seeds, *, strength = 0.5, iterations_max = 1_000, threads = None, progress = None))]
    fn suspicion(
        &self,
        py: Python<'_>,
        seeds: &Bound<'_, PyAny>,
        strength: f64,
        iterations_max: u32,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Structure> {
        let seeds = Sheet::given(seeds, Some("account"))?;
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            let identifiers = identifiers(self.reveal);
            let seeds = seeds.into_input("seeds")?;
            let question = SuspicionQuestion { seeds, strength, iterations_max, identifiers };
            suspicion_report(&self.projected, &question, run)
        })?;
        Ok(Structure::new(Answer::new(report), "suspicion"))
    }
}
