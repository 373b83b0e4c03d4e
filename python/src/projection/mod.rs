//! `Projection`: accounts and what joins them, asked again and again; its questions by subject.

mod dense;
mod groups;
mod scores;
mod structure;

use crate::answer::count;
use crate::door::{Circumstances, detached};
use crate::graph::identifiers;
use crate::table::Table;
use pyo3::prelude::*;
use ringfence::report::projection::Projected;
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
