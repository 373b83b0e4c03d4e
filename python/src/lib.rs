//! `ringfence._core`: the compiled half of the Python package.
//!
//! Thin on purpose: a method builds options, goes through the [`door`] and wraps
//! the result. Classes are frozen over shared, immutable data, so the module is
//! safe to use from several threads, with or without a global interpreter lock.

mod answer;
mod arguments;
mod bound;
mod capsule;
mod case;
mod communities;
mod components;
mod contacts;
mod defaults;
mod door;
mod errors;
mod exposure;
mod freeze;
mod given;
mod graph;
mod growing;
mod identity_rings;
mod info;
mod ingest;
mod links;
mod moment;
mod origins;
mod paths;
mod patterns;
mod picture;
mod projection;
mod rank;
mod rings;
mod sheet;
mod store;
mod structure;
mod subgraph;
mod synth;
mod table;
mod trace;

use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;
use std::sync::OnceLock;

/// Classes are shared by the whole process, so they cannot belong to two interpreters.
fn refuse_second_interpreter(py: Python<'_>) -> PyResult<()> {
    /// Where the loaded modules of the first interpreter are: every interpreter has its own.
    static FIRST: OnceLock<usize> = OnceLock::new();
    let modules = py.import("sys")?.getattr("modules")?.as_ptr() as usize;
    match *FIRST.get_or_init(|| modules) == modules {
        true => Ok(()),
        false => {
            Err(PyImportError::new_err("ringfence serves one interpreter per process, not subinterpreters"))
        }
    }
}

/// The compiled half of the package; import :mod:`ringfence` instead.
#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use super::bound::Bounds;
    #[pymodule_export]
    use super::case::CaseFile;
    #[pymodule_export]
    use super::communities::Communities;
    #[pymodule_export]
    use super::components::Components;
    #[pymodule_export]
    use super::contacts::Contacts;
    #[pymodule_export]
    use super::defaults::defaults;
    #[pymodule_export]
    use super::exposure::Exposure;
    #[pymodule_export]
    use super::freeze::FreezePlan;
    #[pymodule_export]
    use super::graph::{Graph, open, verify};
    #[pymodule_export]
    use super::growing::IncrementalDensest;
    #[pymodule_export]
    use super::identity_rings::IdentityRings;
    #[pymodule_export]
    use super::ingest::ingest;
    #[pymodule_export]
    use super::links::IdentityLinks;
    #[pymodule_export]
    use super::origins::Origins;
    #[pymodule_export]
    use super::paths::Paths;
    #[pymodule_export]
    use super::patterns::{CycleCounts, Patterns, typologies};
    #[pymodule_export]
    use super::projection::Projection;
    #[pymodule_export]
    use super::rank::Ranking;
    #[pymodule_export]
    use super::rings::{Rings, changes};
    #[pymodule_export]
    use super::store::{
        Pin, backup, backup_key, collect, doctor, drill, generations, restore, verify_backup,
    };
    #[pymodule_export]
    use super::structure::Structure;
    #[pymodule_export]
    use super::subgraph::Subgraph;
    #[pymodule_export]
    use super::synth::synth;
    #[pymodule_export]
    use super::table::Table;
    #[pymodule_export]
    use super::trace::Trace;

    use pyo3::prelude::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::refuse_second_interpreter(module.py())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
