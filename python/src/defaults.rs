//! The library's defaults, so that a test can hold the signatures against them.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringfence::community::ComponentsOptions;
use ringfence::rings::IdentityRingOptions;

/// Defaults of the library's options: for each function a dictionary of option and default.
///
/// Returns
/// -------
/// dict
///     For example ``defaults()["components"]["accounts_max"]``.
#[pyfunction]
pub(crate) fn defaults(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let all = PyDict::new(py);
    let options = ComponentsOptions::default();
    let components = PyDict::new(py);
    components.set_item("over", format!("{:?}", options.over).to_lowercase())?;
    components.set_item("accounts_max", options.accounts_max)?;
    all.set_item("components", components)?;
    let options = IdentityRingOptions::default();
    let rings = PyDict::new(py);
    rings.set_item("kinds", options.kinds.map(|kinds| kinds.len()))?;
    rings.set_item("accounts_max", options.accounts_max)?;
    rings.set_item("accounts_min", options.accounts_min)?;
    all.set_item("identity_rings", rings)?;
    Ok(all)
}
