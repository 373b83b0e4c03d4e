//! Pictures of results: how a result that is a network or a flow shows itself.

use crate::answer::arranged;
use crate::case::language;
use crate::door::{Circumstances, detached};
use crate::table::Table;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use ringfence::report::case::{Picture, Sketch, SketchOptions};
use ringfence::report::pseudonyms::{CASE, Names};
use ringfence::store::backup::Key;
use ringfence::{Error, Result, Run};
use std::path::PathBuf;

/// What a picture is asked for in Python.
pub(crate) struct Wanted {
    pub picture: String,
    pub language: String,
    pub key_file: Option<PathBuf>,
    pub case: Option<String>,
    pub reveal: bool,
    pub accounts_max: u32,
    pub flows_max: u32,
}

impl Wanted {
    /// Which picture, and how; the key is read.
    fn options(self) -> Result<(Picture, SketchOptions)> {
        let key = self.key_file.as_deref().map(Key::from_file).transpose()?;
        let names = match (self.reveal, &key) {
            (false, None) => None,
            _ => Some(Names::chosen(self.reveal, key.as_ref(), self.case.as_deref().unwrap_or(CASE))?),
        };
        let options = SketchOptions {
            language: language(&self.language)?,
            names,
            accounts_max: self.accounts_max,
            flows_max: self.flows_max,
        };
        options.check()?;
        Ok((picture_named(&self.picture)?, options))
    }
}

/// The picture of this name.
pub(crate) fn picture_named(name: &str) -> Result<Picture> {
    let (option, allowed) = ("picture", "ring, sankey or timeline");
    Picture::named(name).ok_or_else(|| Error::Option { name: option, value: name.to_string(), allowed })
}

/// The `Picture` of what `sketch` draws; it is given how many accounts are drawn at most.
pub(crate) fn drawn<'py>(
    py: Python<'py>,
    wanted: Wanted,
    sketch: impl FnOnce(u32, &Run) -> Result<Sketch> + Send,
) -> PyResult<Bound<'py, PyAny>> {
    let (svg, name) = detached(py, Circumstances::default(), |run| {
        let (picture, options) = wanted.options()?;
        Ok((sketch(options.accounts_max, run)?.svg(picture, &options)?, picture.name()))
    })?;
    py.import("ringfence.display")?.getattr("Picture")?.call1((svg, name))
}

/// Lines about an answer, what `sketch` draws and the main table, for notebooks. Nothing is drawn of an empty answer, and where
/// drawing fails a line says why: a display fails no cell.
pub(crate) fn shown_with(
    py: Python<'_>,
    lines: &[String],
    picture: Picture,
    table: Option<(&str, &Table)>,
    sketch: impl FnOnce(u32, &Run) -> Result<Option<Sketch>> + Send,
) -> PyResult<String> {
    let made = detached(py, Circumstances::default(), |run| {
        let options = SketchOptions::default();
        let found = sketch(options.accounts_max, run)?.filter(|sketch| !sketch.is_empty());
        found.map(|sketch| sketch.svg(picture, &options)).transpose()
    });
    let mut lines = lines.to_vec();
    let image = match made {
        Ok(None) => String::new(),
        Ok(Some(svg)) => py
            .import("ringfence.display")?
            .call_method1("image", (svg, picture.name()))?
            .extract::<String>()?,
        Err(error) if error.is_instance_of::<PyException>(py) => {
            lines.push(format!("no picture: {}", error.value(py)));
            String::new()
        }
        Err(interrupted) => return Err(interrupted),
    };
    Ok(arranged(&lines, &image, table))
}
