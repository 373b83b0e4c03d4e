//! Arguments that several methods read: names of choices.

use crate::errors::to_python;
use pyo3::prelude::*;
use ringfence::Error;

/// A choice by its name, among `choices`; `allowed` lists them for the complaint.
pub(crate) fn choice<T: Copy>(
    py: Python<'_>,
    name: &'static str,
    value: &str,
    choices: &[(&str, T)],
    allowed: &'static str,
) -> PyResult<T> {
    let found = choices.iter().find(|(choice, _)| *choice == value);
    found
        .map(|(_, choice)| *choice)
        .ok_or_else(|| to_python(py, Error::Option { name, value: format!("{value:?}"), allowed }))
}
