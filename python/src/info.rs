//! What a graph holds and where it came from, as Python values.

use crate::moment::datetime;
use crate::table::html;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use ringfence::graph::Graph;
use ringfence::report::provenance::hex;
use ringfence::units::amount::format_amount;
use ringfence::units::time::format_time;

/// First and last transaction, if there is any.
fn span(graph: &Graph) -> Option<(i64, i64)> {
    let mut with = graph.manifest().segments.iter().filter(|segment| segment.num_transactions > 0);
    let first = with.next()?;
    Some((first.time_min, with.next_back().unwrap_or(first).time_max))
}

/// The dictionary of [`Graph.info`](crate::graph::Graph).
pub(crate) fn dictionary<'py>(py: Python<'py>, graph: &Graph) -> PyResult<Bound<'py, PyDict>> {
    let manifest = graph.manifest();
    let info = PyDict::new(py);
    let time = |micros: i64| datetime(py, micros);
    info.set_item("graph", graph.path().as_os_str())?;
    info.set_item("generation", manifest.generation)?;
    info.set_item("manifest_sha256", hex(&graph.store().manifest_sha256))?;
    info.set_item("built_by", &manifest.tool)?;
    info.set_item("num_accounts", graph.num_accounts())?;
    info.set_item("num_transactions", graph.num_transactions())?;
    info.set_item("first", span(graph).map(|span| time(span.0)).transpose()?)?;
    info.set_item("last", span(graph).map(|span| time(span.1)).transpose()?)?;
    info.set_item("partition", format!("{:?}", manifest.schema.partition).to_lowercase())?;
    info.set_item("currencies", currencies(py, graph)?)?;
    info.set_item("channels", &manifest.schema.channels)?;
    info.set_item("labels", &manifest.schema.labels)?;
    let kinds = PyList::empty(py);
    for kind in &manifest.kinds {
        let entry = PyDict::new(py);
        entry.set_item("name", &kind.name)?;
        entry.set_item("num_identifiers", kind.num_identifiers)?;
        kinds.append(entry)?;
    }
    info.set_item("kinds", kinds)?;
    let attributes = manifest.attributes.iter().flat_map(|entry| &entry.columns);
    info.set_item("attributes", attributes.map(|column| column.name.as_str()).collect::<Vec<_>>())?;
    info.set_item("segments", segments(py, graph)?)?;
    info.set_item("sources", sources(py, graph)?)?;
    Ok(info)
}

fn currencies<'py>(py: Python<'py>, graph: &Graph) -> PyResult<Bound<'py, PyList>> {
    let (list, manifest) = (PyList::empty(py), graph.manifest());
    for (currency, total) in manifest.schema.currencies.iter().zip(&manifest.totals) {
        let entry = PyDict::new(py);
        entry.set_item("code", &currency.code)?;
        entry.set_item("exponent", currency.exponent)?;
        entry.set_item("num_transactions", total.accepted)?;
        entry.set_item("amount_minor", total.accepted_minor)?;
        entry.set_item("amount", format_amount(total.accepted_minor, currency.exponent))?;
        entry.set_item("rejected", total.rejected)?;
        entry.set_item("rejected_minor", total.rejected_minor)?;
        list.append(entry)?;
    }
    Ok(list)
}

fn segments<'py>(py: Python<'py>, graph: &Graph) -> PyResult<Bound<'py, PyList>> {
    let (list, manifest) = (PyList::empty(py), graph.manifest());
    for segment in manifest.segments.iter().chain(&manifest.static_links) {
        let time = |micros| (segment.num_transactions > 0).then(|| datetime(py, micros)).transpose();
        let entry = PyDict::new(py);
        entry.set_item("partition", &segment.partition)?;
        entry.set_item("num_transactions", segment.num_transactions)?;
        entry.set_item("num_links", segment.num_links)?;
        entry.set_item("first", time(segment.time_min)?)?;
        entry.set_item("last", time(segment.time_max)?)?;
        entry.set_item("bytes", segment.file.bytes)?;
        entry.set_item("sha256", hex(&segment.file.sha256))?;
        list.append(entry)?;
    }
    Ok(list)
}

fn sources<'py>(py: Python<'py>, graph: &Graph) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for source in &graph.manifest().sources {
        let entry = PyDict::new(py);
        entry.set_item("role", &source.role)?;
        entry.set_item("name", &source.name)?;
        entry.set_item("sha256", hex(&source.sha256))?;
        entry.set_item("bytes", source.bytes)?;
        entry.set_item("read", source.read)?;
        entry.set_item("accepted", source.accepted)?;
        entry.set_item("rejected", source.rejected)?;
        entry.set_item("skipped", source.skipped)?;
        list.append(entry)?;
    }
    Ok(list)
}

/// Names and values that people see first.
pub(crate) fn summary(graph: &Graph) -> Vec<(&'static str, String)> {
    let manifest = graph.manifest();
    let mut lines = vec![
        ("graph", graph.path().display().to_string()),
        ("generation", manifest.generation.to_string()),
        ("accounts", graph.num_accounts().to_string()),
        ("transactions", graph.num_transactions().to_string()),
    ];
    if let Some((first, last)) = span(graph) {
        lines.push(("from", format_time(first)));
        lines.push(("to", format_time(last)));
    }
    let totals = manifest.schema.currencies.iter().zip(&manifest.totals).map(|(currency, total)| {
        format!("{} {}", format_amount(total.accepted_minor, currency.exponent), currency.code)
    });
    lines.push(("amounts", totals.collect::<Vec<_>>().join(", ")));
    let kinds = manifest.kinds.iter().map(|kind| format!("{} {}", kind.num_identifiers, kind.name));
    lines.push(("identifiers", kinds.collect::<Vec<_>>().join(", ")));
    lines
}

/// [`summary`] for notebooks.
pub(crate) fn page(graph: &Graph) -> String {
    let rows = summary(graph);
    let rows = rows.iter().map(|(name, value)| format!("<tr><th>{name}</th><td>{}</td></tr>", html(value)));
    format!("<table>{}</table>", rows.collect::<String>())
}
