//! `ringfence._core`: the compiled half of the Python package.
//!
//! Thin on purpose: a method builds options, goes through the [`door`] and wraps
//! the result. Classes are frozen over shared, immutable data, so the module is
//! safe to use from several threads, with or without a global interpreter lock.

mod arguments;
mod capsule;
mod components;
mod defaults;
mod door;
mod errors;
mod graph;
mod info;
mod ingest;
mod moment;
mod rings;
mod sheet;
mod subgraph;
mod table;
mod trace;

use pyo3::prelude::*;

/// The compiled half of the package; import :mod:`ringfence` instead.
#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use super::components::Components;
    #[pymodule_export]
    use super::defaults::defaults;
    #[pymodule_export]
    use super::graph::{Graph, open, verify};
    #[pymodule_export]
    use super::ingest::ingest;
    #[pymodule_export]
    use super::rings::IdentityRings;
    #[pymodule_export]
    use super::subgraph::Subgraph;
    #[pymodule_export]
    use super::table::Table;
    #[pymodule_export]
    use super::trace::Trace;

    use pyo3::prelude::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
