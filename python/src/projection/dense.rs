//! Who is too close together: dense sets and blocks.

use super::Projection;
use crate::answer::Answer;
use crate::arguments::choice;
use crate::door::{Circumstances, detached};
use crate::graph::identifiers;
use crate::growing::IncrementalDensest;
use crate::sheet::sheet;
use crate::structure::Structure;
use pyo3::prelude::*;
use ringfence::community::{DensestOptions, FlowScopeOptions, FraudarOptions};
use ringfence::report::dense::{DenseMethod, dense_report};
use ringfence::report::flows::FlowQuestion;
use ringfence::report::growing::GrowingDensest;
use std::sync::Arc;

#[pymethods]
impl Projection {
    /// Sets of accounts that are too close together.
    ///
    /// Parameters
    /// ----------
    /// method : {"densest", "fraudar", "flowscope"}, default "densest"
    ///     The densest set of accounts, by rounds of peeling; blocks of payers and payees, where popular payees count
    ///     less, so that camouflage does not help; or groups through which money passes in steps, from sources over middle
    ///     accounts to sinks, of a projection with ``weight="amount"``.
    /// rounds_max : int, default 16
    ///     ``densest``: most rounds. With 1 the set is at least half as dense as the densest; more come closer.
    /// blocks_max : int, default 1
    ///     ``fraudar`` and ``flowscope``: most blocks.
    /// weighted : bool, default False
    ///     ``fraudar``: let payments count as often as their weight says, not once for each pair.
    /// dwell_max_s : int or None, default 259200
    ///     ``flowscope``: longest time that money may wait in a middle account, in seconds. With ``None`` nothing is asked of time,
    ///     and money counts that left before it came, as in FlowScope itself.
    /// middle_layers : int, default 1
    ///     ``flowscope``: layers of accounts between sources and sinks.
    /// alpha_permille : int, default 4000
    ///     ``flowscope``: how much counts against a group what does not pass on, in thousandths.
    /// sources, sinks : str, os.PathLike, list of str, or frame, optional
    ///     ``flowscope``: where money can come from, and where it can end; anybody if not given.
    /// threads, progress
    ///     As in :meth:`Graph.components`.
    ///
    /// Returns
    /// -------
    /// Structure
    ///     ``table`` has ``set``, ``role`` (``member``; of blocks ``payer`` or ``payee``; of groups ``source``, ``middle`` or ``sink``)
    ///     and ``account``; ``summary`` the bound that no set is denser than. Of groups, ``tables["flows"]`` says what passes
    ///     through every member, and ``tables["transactions"]`` by which payments.
    ///
    /// Examples
    /// --------
    /// >>> {row["role"] for row in graph.project().dense(method="fraudar").table.to_dicts()} <= {"payer", "payee"}
    /// True
    #[pyo3(signature = (*, method = "densest", rounds_max = 16, blocks_max = 1, weighted = false, dwell_max_s = 259_200, middle_layers = 1, alpha_permille = 4_000, sources = None, sinks = None, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn dense(
        &self,
        py: Python<'_>,
        method: &str,
        rounds_max: u32,
        blocks_max: u32,
        weighted: bool,
        dwell_max_s: Option<u64>,
        middle_layers: u32,
        alpha_permille: u32,
        sources: Option<Bound<'_, PyAny>>,
        sinks: Option<Bound<'_, PyAny>>,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Structure> {
        let methods = [("densest", 0), ("fraudar", 1), ("flowscope", 2)];
        let method = choice(py, "method", method, &methods, "densest, fraudar or flowscope")?;
        let (sources, sinks) = (sheet(sources, Some("account"))?, sheet(sinks, Some("account"))?);
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            let method = match method {
                0 => DenseMethod::Densest(DensestOptions { rounds_max }),
                1 => DenseMethod::Fraudar(FraudarOptions { blocks_max, weighted }),
                _ => DenseMethod::FlowScope(FlowQuestion {
                    options: FlowScopeOptions { alpha_permille, blocks_max },
                    dwell_max_s,
                    middle_layers,
                    sources: sources.map(|sheet| sheet.into_input("sources")).transpose()?,
                    sinks: sinks.map(|sheet| sheet.into_input("sinks")).transpose()?,
                }),
            };
            dense_report(&self.projected, method, identifiers(self.reveal), run)
        })?;
        Ok(Structure::new(Answer::new(report), "sets"))
    }

    /// The densest set, kept while pairs come in: for payments as they are made.
    ///
    /// Parameters
    /// ----------
    /// threads, progress
    ///     As in :meth:`Graph.components`.
    ///
    /// Returns
    /// -------
    /// IncrementalDensest
    ///
    /// Examples
    /// --------
    /// >>> growing = graph.project().incremental_densest()
    /// >>> one, other = growing.members[:2]
    /// >>> growing.insert([{"source": one, "destination": other, "weight": 1000}])["members"] == [one, other]
    /// True
    #[pyo3(signature = (*, threads = None, progress = None))]
    fn incremental_densest(
        &self,
        py: Python<'_>,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<IncrementalDensest> {
        let made = detached(py, Circumstances::new(threads, progress)?, |run| {
            GrowingDensest::new(Arc::clone(&self.projected), run)
        })?;
        Ok(IncrementalDensest::new(made))
    }
}
