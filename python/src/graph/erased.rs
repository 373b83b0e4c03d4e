//! What an erasure did, as a Python dictionary.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use ringfence::graph::build::EraseReport;
use ringfence::store::scan::{How, Scanned};

/// The dictionary of `Graph.erase`.
pub(super) fn erased<'py>(
    py: Python<'py>,
    report: &EraseReport,
    dry_run: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let answer = PyDict::new(py);
    answer.set_item("generation", report.generation)?;
    answer.set_item("published", report.published && !dry_run)?;
    let anonymous = PyList::empty(py);
    for each in &report.anonymous {
        let entry = PyDict::new(py);
        entry.set_item("kind", each.kind.as_deref())?;
        entry.set_item("number", each.number)?;
        entry.set_item("key", &each.key)?;
        anonymous.append(entry)?;
    }
    answer.set_item("anonymous", anonymous)?;
    answer.set_item("num_links", report.num_links)?;
    answer.set_item("num_attributes", report.num_attributes)?;
    answer.set_item("num_devices", report.num_devices)?;
    answer.set_item("num_shared", report.num_shared)?;
    answer.set_item("gone", report.gone.clone())?;
    answer.set_item("scanned", report.scanned.as_ref().map(|found| scanned(py, found)).transpose()?)?;
    Ok(answer)
}

fn scanned<'py>(py: Python<'py>, scanned: &Scanned) -> PyResult<Bound<'py, PyDict>> {
    let answer = PyDict::new(py);
    answer.set_item("num_files", scanned.num_files)?;
    answer.set_item("bytes", scanned.bytes)?;
    answer.set_item("num_whole", scanned.count(How::Whole))?;
    answer.set_item("num_within", scanned.count(How::Within))?;
    answer.set_item("num_by_chance", scanned.count(How::Chance))?;
    let places = PyList::empty(py);
    for each in scanned.sightings.iter().filter(|each| each.how != How::Chance) {
        let entry = PyDict::new(py);
        entry.set_item("file", &each.file)?;
        entry.set_item("place", &each.place)?;
        entry.set_item("whole", each.how == How::Whole)?;
        entry.set_item("num", each.num)?;
        places.append(entry)?;
    }
    answer.set_item("places", places)?;
    Ok(answer)
}
