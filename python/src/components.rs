//! `Components`: which accounts are connected.

use crate::door::{Circumstances, detached};
use crate::table::Table;
use pyo3::prelude::*;
use ringfence::graph::Graph;
use ringfence::report::components::component_table;
use ringfence::report::{Table as Columns, Values};
use std::sync::Arc;

/// The connected components of a graph, largest first; made by :meth:`Graph.components`.
///
/// ``len(components)`` is their number.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Components {
    graph: Graph,
    found: Arc<ringfence::community::Components>,
}

impl Components {
    pub(crate) fn new(graph: Graph, found: ringfence::community::Components) -> Self {
        Self { graph, found: Arc::new(found) }
    }
}

#[pymethods]
impl Components {
    /// Accounts with their component.
    ///
    /// Parameters
    /// ----------
    /// size_min : int, default 1
    ///     Fewest accounts of a component that is listed.
    /// threads : int, optional
    ///     Threads to use, 1 to 1024; all of the machine's if not given. The result does not depend on it.
    /// progress : callable, optional
    ///     Called as ``progress(stage, done, total)``; see :func:`ringfence.progress_bar`.
    ///
    /// Returns
    /// -------
    /// Table
    ///     ``account``, ``component`` (0 is the largest) and ``size`` (accounts of the component), by component.
    #[pyo3(signature = (*, size_min = 1, threads = None, progress = None))]
    fn table(
        &self,
        py: Python<'_>,
        size_min: u32,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Table> {
        detached(py, Circumstances::new(threads, progress)?, |run| {
            Table::new(component_table(&self.graph, &self.found, size_min, run)?)
        })
    }

    /// ``component`` and ``size``: one row per component, largest first.
    #[getter]
    fn sizes(&self, py: Python<'_>) -> PyResult<Table> {
        detached(py, Circumstances::default(), |_| {
            let sizes = self.found.sizes.clone();
            let numbers = (0..sizes.len() as u32).collect();
            Table::new(Columns::new([("component", Values::U32(numbers)), ("size", Values::U32(sizes))]))
        })
    }

    /// Number of identifiers that connected nobody because more than ``accounts_max`` accounts share them.
    #[getter]
    fn num_hubs(&self) -> usize {
        self.found.hubs.len()
    }

    fn __len__(&self) -> usize {
        self.found.len()
    }

    fn __repr__(&self) -> String {
        let largest = self.found.sizes.first().copied().unwrap_or(0);
        format!("Components({}, largest of {largest} accounts)", self.found.len())
    }
}
