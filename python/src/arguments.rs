//! Arguments that several methods read: names of choices, conditions on attributes.

use crate::errors::to_python;
use crate::sheet::text;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
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

/// `attribute=value` for each condition of a dictionary; several values of one attribute stand in a list.
pub(crate) fn conditions(given: Option<Bound<'_, PyDict>>) -> PyResult<Vec<String>> {
    let mut conditions = Vec::new();
    for (name, value) in given.iter().flatten() {
        let name: String = name.extract()?;
        let values = match value.cast_into::<PyList>() {
            Ok(list) => list.iter().collect(),
            Err(other) => vec![other.into_inner()],
        };
        for value in values {
            let value = text(&value)?.unwrap_or_default();
            conditions.push(format!("{name}={value}"));
        }
    }
    Ok(conditions)
}
