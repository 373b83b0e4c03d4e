//! The library's defaults, so that a test can hold the signatures against them.

use crate::ingest::PARTITIONS;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringfence::community::ComponentsOptions;
use ringfence::graph::build::IngestOptions;
use ringfence::graph::subgraph::SubgraphOptions;
use ringfence::rings::IdentityRingOptions;
use ringfence::synth::SynthOptions;
use ringfence::trace::{Pooling, TraceOptions};

/// Defaults of the library's options: for each function a dictionary of option and default.
///
/// Returns
/// -------
/// dict
///     For example ``defaults()["components"]["accounts_max"]``.
#[pyfunction]
pub(crate) fn defaults(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let all = PyDict::new(py);
    let add = |function: &str, options: Vec<(&str, PyResult<Bound<'_, PyAny>>)>| {
        let entry = PyDict::new(py);
        for (name, value) in options {
            entry.set_item(name, value?)?;
        }
        all.set_item(function, entry)
    };
    let options = IngestOptions::default();
    let partition = PARTITIONS.iter().find(|(_, partition)| *partition == options.partition);
    add(
        "ingest",
        vec![
            ("partition", partition.map(|(name, _)| *name).into_bound_py_any(py)),
            ("max_rejects", options.max_rejects_percent.into_bound_py_any(py)),
        ],
    )?;
    let options = SynthOptions::default();
    add(
        "synth",
        vec![
            ("transactions", options.transactions.into_bound_py_any(py)),
            ("seed", options.seed.into_bound_py_any(py)),
            ("accounts", options.accounts.into_bound_py_any(py)),
            ("days", options.days.into_bound_py_any(py)),
            ("rings", options.rings.into_bound_py_any(py)),
        ],
    )?;
    let options = ComponentsOptions::default();
    add(
        "components",
        vec![
            ("over", format!("{:?}", options.over).to_lowercase().into_bound_py_any(py)),
            ("accounts_max", options.accounts_max.into_bound_py_any(py)),
        ],
    )?;
    let options = IdentityRingOptions::default();
    add(
        "identity_rings",
        vec![
            ("kinds", options.kinds.map(|kinds| kinds.len()).into_bound_py_any(py)),
            ("accounts_max", options.accounts_max.into_bound_py_any(py)),
            ("accounts_min", options.accounts_min.into_bound_py_any(py)),
        ],
    )?;
    let options = TraceOptions::default();
    add(
        "trace",
        vec![
            ("policy", options.policy.name().into_bound_py_any(py)),
            ("opening", options.opening.name().into_bound_py_any(py)),
            ("pooling", Pooling::default().name().into_bound_py_any(py)),
            ("ties", options.ties.name().into_bound_py_any(py)),
            ("until", options.until.into_bound_py_any(py)),
            ("dust", options.dust.into_bound_py_any(py)),
            ("max_hops", options.max_hops.into_bound_py_any(py)),
            ("joint", options.joint.into_bound_py_any(py)),
        ],
    )?;
    let options = SubgraphOptions::default();
    add(
        "subgraph",
        vec![
            ("hops", options.hops.into_bound_py_any(py)),
            ("accounts_max", options.accounts_max.into_bound_py_any(py)),
            ("transactions_max", options.transactions_max.into_bound_py_any(py)),
        ],
    )?;
    Ok(all)
}
