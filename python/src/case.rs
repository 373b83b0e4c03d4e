//! `CaseFile`: what an analyst hands on of one ring or one trace.

use crate::answer::loads;
use crate::door::{Circumstances, detached};
use crate::errors::to_python;
use crate::picture::picture_named;
use pyo3::prelude::*;
use ringfence::report::case::{
    CaseFile as Content, CaseFormat, CaseOptions, Language, render, svg, write_case,
};
use ringfence::report::pseudonyms::{CASE, Names};
use ringfence::store::backup::Key;
use ringfence::{Error, Result};
use std::path::{Path, PathBuf};

/// The case file of a ring or of a trace; made by :meth:`Rings.case_file` and :meth:`Graph.case_file`.
///
/// It is one page that opens with no network, a Markdown text, or JSON by ``docs/case-file.schema.json``; in a notebook it shows itself,
/// and :meth:`show` opens the page in it.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct CaseFile {
    content: Content,
}

impl CaseFile {
    pub(crate) fn new(content: Content) -> Self {
        Self { content }
    }

    fn rendered(&self, py: Python<'_>, format: CaseFormat) -> PyResult<String> {
        detached(py, Circumstances::default(), |_| {
            let mut bytes = Vec::new();
            let place = || PathBuf::from("case file");
            render(&self.content, format, &mut bytes)
                .map_err(|source| Error::Io { path: place(), source })?;
            String::from_utf8(bytes).map_err(|error| Error::Unproved(error.to_string()))
        })
    }
}

/// The format that a file's ending asks for.
fn format_of(path: &Path) -> Result<CaseFormat> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("html" | "htm") => Ok(CaseFormat::Html),
        Some("md") => Ok(CaseFormat::Markdown),
        Some("json") => Ok(CaseFormat::Json),
        _ => Err(Error::Option {
            name: "path",
            value: path.display().to_string(),
            allowed: "a file name that ends in .html, .md or .json",
        }),
    }
}

/// The language of this code.
pub(crate) fn language(code: &str) -> Result<Language> {
    match code {
        "en" => Ok(Language::En),
        "zh" => Ok(Language::Zh),
        _ => Err(Error::Option { name: "language", value: code.to_string(), allowed: "en or zh" }),
    }
}

/// What a case file is asked for in Python.
pub(crate) struct Asked {
    pub language: String,
    pub key_file: Option<PathBuf>,
    pub case: Option<String>,
    pub reveal: bool,
    pub attributes: Option<Vec<String>>,
    pub accounts_max: u32,
    pub transfers_max: u32,
}

impl Asked {
    /// The options; the key is read.
    pub(crate) fn options(self) -> Result<CaseOptions> {
        let language = language(&self.language)?;
        let key = self.key_file.as_deref().map(Key::from_file).transpose()?;
        let names = Names::chosen(self.reveal, key.as_ref(), self.case.as_deref().unwrap_or(CASE))?;
        Ok(CaseOptions {
            language,
            names,
            attributes: self.attributes.unwrap_or_default(),
            accounts_max: self.accounts_max,
            transfers_max: self.transfers_max,
        })
    }
}

#[pymethods]
impl CaseFile {
    /// A case file from its JSON form.
    ///
    /// Raises
    /// ------
    /// InputError
    ///     For a text that is no case file, or of another version.
    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Self> {
        Content::from_json("case file", text).map(Self::new).map_err(|error| to_python(py, error))
    }

    /// What it is about: ``Ring ring-0123456789ab``.
    #[getter]
    fn title(&self) -> &str {
        &self.content.subject.title
    }

    /// ``"en"`` or ``"zh"``.
    #[getter]
    fn language(&self) -> &'static str {
        match self.content.language {
            Language::En => "en",
            Language::Zh => "zh",
        }
    }

    /// Everything in it, as dictionaries and lists.
    #[getter]
    fn content<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, &serde_json::to_value(&self.content).unwrap_or_default())
    }

    /// The page: opens with no network, runs no script but its own, fetches nothing.
    fn html(&self, py: Python<'_>) -> PyResult<String> {
        self.rendered(py, CaseFormat::Html)
    }

    /// The text with tables.
    fn markdown(&self, py: Python<'_>) -> PyResult<String> {
        self.rendered(py, CaseFormat::Markdown)
    }

    /// The JSON form.
    fn json(&self, py: Python<'_>) -> PyResult<String> {
        self.rendered(py, CaseFormat::Json)
    }

    /// A picture as SVG.
    ///
    /// Parameters
    /// ----------
    /// picture : {"ring", "sankey", "timeline"}, default "ring"
    ///     Who pays whom; the money flow by steps; transfers in time.
    #[pyo3(signature = (picture = "ring"))]
    fn svg(&self, py: Python<'_>, picture: &str) -> PyResult<String> {
        detached(py, Circumstances::default(), |_| Ok(svg(&self.content, picture_named(picture)?)))
    }

    /// Writes a new file, whole or not at all.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike
    ///     Its ending chooses the form: ``.html``, ``.md`` or ``.json``.
    ///
    /// Raises
    /// ------
    /// FileExistsError
    ///     If there is something at ``path``; nothing is overwritten.
    fn write(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        detached(py, Circumstances::default(), |run| {
            write_case(&self.content, format_of(&path)?, &path, run).map(|_| ())
        })
    }

    /// A static picture, for notebooks, papers and mail; see :class:`Picture`.
    #[pyo3(signature = (picture = "ring"))]
    fn picture<'py>(slf: Bound<'py, Self>, picture: &str) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("ringfence.display")?.call_method1("picture", (&slf, picture))
    }

    /// Opens the page in the notebook, with no network; a picture stands in for it where pages cannot be shown.
    fn show<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("ringfence.display")?.call_method1("show", (&slf,))
    }

    fn __repr__(&self) -> String {
        let case = &self.content;
        format!(
            "CaseFile({}: {} accounts, {} transfers)",
            case.subject.title,
            case.accounts.len(),
            case.transfers.len()
        )
    }

    fn _repr_html_<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("ringfence.display")?.call_method1("summary_html", (&slf,))
    }
}
