//! What holds accounts and pairs together: cores and trusses.

use super::Projection;
use crate::answer::Answer;
use crate::arguments::choice;
use crate::door::{Circumstances, detached};
use crate::graph::identifiers;
use crate::structure::Structure;
use pyo3::prelude::*;
use ringfence::report::cores::{CoreKind, CoreOptions, core_report};
use ringfence::report::trusses::truss_report;

#[pymethods]
impl Projection {
    /// In which core every account is, and how closed its neighbourhood.
    ///
    /// Parameters
    /// ----------
    /// kind : {"neighbors", "strength", "directed", "bipartite"}, default "neighbors"
    ///     What holds an account in a core: neighbours that are in it; the weight of pairs with them; accounts in it that it
    ///     pays, all of which are paid by enough of them; over identifiers, enough of these, each of which enough accounts in
    ///     it use.
    /// in_min : int, default 1
    ///     For ``directed``: by how many members every member is paid.
    /// identifiers_min : int, default 2
    ///     For ``bipartite``: how many identifiers every member uses that enough members use; at least 1.
    /// threads, progress
    ///     As in :meth:`Graph.components`.
    ///
    /// Returns
    /// -------
    /// Structure
    ///     ``table`` has ``account``, ``core``, ``degree``, ``strength``, ``triangles``, ``clustering``, ``articulation`` and
    ///     ``strong_component``; for ``bipartite``, ``tables["identifiers"]`` says in which core every identifier is.
    ///
    /// Examples
    /// --------
    /// >>> cores = graph.project().cores()
    /// >>> max(row["core"] for row in cores.table.to_dicts()) == cores.summary["deepest"]
    /// True
    #[pyo3(signature = (*, kind = "neighbors", in_min = 1, identifiers_min = 2, threads = None, progress = None))]
    fn cores(
        &self,
        py: Python<'_>,
        kind: &str,
        in_min: u32,
        identifiers_min: u32,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Structure> {
        let kinds = [CoreKind::Neighbors, CoreKind::Strength, CoreKind::Directed, CoreKind::Bipartite]
            .map(|kind| (kind.name(), kind));
        let kind = choice(py, "kind", kind, &kinds, "neighbors, strength, directed or bipartite")?;
        let options = CoreOptions { kind, in_min, identifiers_min };
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            core_report(&self.projected, &options, identifiers(self.reveal), run)
        })?;
        Ok(Structure::new(Answer::new(report), "cores"))
    }

    /// In which truss every pair of neighbours is, whether it is a bridge, and what lies on cycles with it.
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
    ///     ``table`` has ``account``, ``neighbor``, ``weight``, ``truss``, ``bridge`` and ``biconnected``, each pair once;
    ///     ``tables["biconnected"]`` what does not fall apart when one account goes: ``biconnected``, ``num_accounts``,
    ///     ``num_pairs``, largest first.
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
}
