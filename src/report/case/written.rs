//! Case files as files, and of rings that were found earlier.

use super::draft::CaseOptions;
use super::file::CaseFile;
use super::ring::ring_case;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::patterns::{Typology, searches};
use crate::report::output::write_file;
use crate::report::patterns::{Valuation, value};
use crate::report::rings::{RingPlace, read_ring};
use crate::rings::{Ring, counterfactual};
use crate::run::Run;
use serde_json::{Map, Value};
use std::io::Write;
use std::path::Path;

/// Forms of a case file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseFormat {
    /// One page that opens with no network.
    Html,
    /// A text with tables.
    Markdown,
    /// [`CaseFile`] itself, by `docs/case-file.schema.json`.
    Json,
}

/// Writes the case file to the new file `path`, whole or not at all; returns its size in bytes.
///
/// # Errors
/// Those of [`write_file`].
pub fn write_case(case: &CaseFile, format: CaseFormat, path: &Path, run: &Run) -> Result<u64> {
    run.check()?;
    let mut bytes = Vec::new();
    render(case, format, &mut bytes).map_err(|source| Error::Io { path: path.to_path_buf(), source })?;
    write_file(path, run, |out| out.write_all(&bytes))?;
    Ok(bytes.len() as u64)
}

/// The case file in a form.
///
/// # Errors
/// Those of `out`.
pub fn render(case: &CaseFile, format: CaseFormat, out: &mut impl Write) -> std::io::Result<()> {
    match format {
        CaseFormat::Html => super::page::write_page(case, out),
        CaseFormat::Markdown => out.write_all(super::markdown::markdown(case).as_bytes()),
        CaseFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, case)?;
            out.write_all(b"\n")
        }
    }
}

/// The case file of a ring that `ringfence rings` found; with `undo` also what it would not have been reported without.
///
/// # Errors
/// Those of [`read_ring`] and of [`ring_case`]; [`Error::Input`] for a directory whose document is none.
pub fn ring_case_file(
    graph: &Graph,
    place: &RingPlace,
    undo: bool,
    options: &CaseOptions,
    run: &Run,
) -> Result<CaseFile> {
    let ring = read_ring(graph, place, run)?;
    let path = place.directory.join("summary.json");
    let bytes = std::fs::read(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
    let document: Value = serde_json::from_slice(&bytes).map_err(|error| Error::Input {
        input: path.display().to_string(),
        problem: format!("is not what `ringfence rings` writes: {error}"),
    })?;
    ring_case_of(graph, &place.name, &ring, &document, undo, options, run)
}

/// The case file of a ring, with the document of the run that found it.
///
/// # Errors
/// As [`ring_case_file`].
pub fn ring_case_of(
    graph: &Graph,
    name: &str,
    ring: &Ring,
    document: &Value,
    undo: bool,
    options: &CaseOptions,
    run: &Run,
) -> Result<CaseFile> {
    let undone = undo.then(|| undone(graph, ring, document, run)).transpose()?;
    let found_with = document.get("options").cloned().unwrap_or(Value::Null);
    ring_case(graph, name, ring, undone.as_ref(), &found_with, options, run)
}

/// What undoes a ring, by the settings of the run that found it.
fn undone(graph: &Graph, ring: &Ring, document: &Value, run: &Run) -> Result<crate::rings::Counterfactual> {
    let settings = document["options"]["typologies"].as_object().cloned().unwrap_or_default();
    let typologies = settings.keys().map(|name| Typology::named(name)).collect::<Result<Vec<_>>>()?;
    let searches = searches(&typologies, &settings)?;
    let base = document["rates"]["base"].as_str().map(str::to_string);
    let mut ignored = Value::Object(Map::new());
    let rates = value(&graph.view(), &Valuation { base, rates: None }, &mut ignored, run)?;
    counterfactual(graph, rates.as_ref(), ring, &searches, run)
}
