//! `Answer`: a report of the library, whose tables are made for Python when they are first asked for.

use crate::door::{Circumstances, detached};
use crate::table::{Made, Table, html};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringfence::report::csv::CsvOptions;
use ringfence::report::{Report, write_report};
use serde_json::Value;
use std::path::PathBuf;

/// A report, and those of its tables that Python has seen.
pub(crate) struct Answer {
    report: Report,
    made: Vec<Made>,
}

impl Answer {
    pub(crate) fn new(report: Report) -> Self {
        let made = report.tables.iter().map(|_| Made::default()).collect();
        Self { report, made }
    }

    /// The table of this name, if the report has one.
    pub(crate) fn find(&self, py: Python<'_>, name: &str) -> PyResult<Option<Table>> {
        let tables = self.report.tables.iter().zip(&self.made);
        let mut named = tables.filter(|((found, _), _)| *found == name);
        named.next().map(|((_, table), made)| made.of(py, table)).transpose()
    }

    /// The table of this name.
    pub(crate) fn table(&self, py: Python<'_>, name: &str) -> PyResult<Table> {
        Ok(self.find(py, name)?.expect("reports of this kind have this table"))
    }

    /// All tables by name.
    pub(crate) fn tables<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let tables = PyDict::new(py);
        for ((name, table), made) in self.report.tables.iter().zip(&self.made) {
            tables.set_item(name, made.of(py, table)?)?;
        }
        Ok(tables)
    }

    /// Number of rows of the table of this name.
    pub(crate) fn num_rows(&self, name: &str) -> usize {
        self.report.table(name).map_or(0, ringfence::report::Table::num_rows)
    }

    /// The whole report.
    pub(crate) const fn report(&self) -> &Report {
        &self.report
    }

    /// What the report says beside its tables.
    pub(crate) fn said(&self) -> &Value {
        &self.report.document
    }

    /// The same as a dictionary.
    pub(crate) fn document<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, &self.report.document)
    }

    /// Writes everything to the new directory `path`.
    pub(crate) fn write(&self, py: Python<'_>, path: PathBuf, guard_formulas: bool) -> PyResult<()> {
        detached(py, Circumstances::default(), |run| {
            write_report(&self.report, &path, CsvOptions { guard_formulas }, run)
        })
    }
}

/// A document as dictionaries and lists.
pub(crate) fn loads<'py>(py: Python<'py>, document: &Value) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (document.to_string(),))
}

/// A member of a document as text; `-` where there is none.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Under which rules an answer holds.
pub(crate) fn rules(document: &Value) -> String {
    let name = |member: &str| text(&document[member]);
    let pools = format!("opening {}, pooling {}", name("opening"), name("pooling"));
    format!("policy {}, {pools}, over {}", name("policy"), span(document))
}

/// Which time an answer looked at.
pub(crate) fn span(document: &Value) -> String {
    let end = |value: &Value| value.as_str().map_or("…".to_string(), str::to_string);
    let window = &document["window"];
    let until = document["until"].as_str().map_or(String::new(), |until| format!(", until {until}"));
    match (&window["from"], &window["to"]) {
        (Value::Null, Value::Null) => format!("all of time{until}"),
        (from, to) => format!("[{}, {}){until}", end(from), end(to)),
    }
}

/// How many cases an answer is about.
pub(crate) fn cases(document: &Value) -> String {
    count(document["seeds"]["num_cases"].clone(), "case")
}

/// A number of things, as people say it.
pub(crate) fn count(number: impl Into<Value>, thing: &str) -> String {
    match number.into() {
        one if one == 1 => format!("1 {thing}"),
        other => format!("{} {thing}s", text(&other)),
    }
}

/// Lines about an answer and its main table, for notebooks.
pub(crate) fn shown(lines: &[String], caption: &str, table: &Table) -> PyResult<String> {
    Ok(arranged(lines, "", Some((caption, table))))
}

/// Lines, an image that is HTML already, and a table with its caption.
pub(crate) fn arranged(lines: &[String], image: &str, table: Option<(&str, &Table)>) -> String {
    let lines: Vec<String> = lines.iter().map(|line| html(line)).collect();
    let table = table
        .map_or(String::new(), |(caption, table)| format!("<p>{}</p>{}", html(caption), table.to_html()));
    format!("<p>{}</p>{image}{table}", lines.join("<br>"))
}
