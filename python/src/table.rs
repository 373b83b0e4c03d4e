//! `Table`: named columns of one length, the form of every result.

use crate::capsule::{schema_of, stream_of};
use crate::door::{Circumstances, detached};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyList};
use ringfence::report::arrow::to_record_batch;
use ringfence::report::text::{escape, show, to_text};
use std::fmt::Write;
use std::sync::{Arc, OnceLock};

/// Rows that a notebook or the prompt shows.
const ROWS_SHOWN: usize = 10;

/// Named columns of one length; any library that reads Arrow takes it without a copy.
///
/// Texts are UTF-8, times microseconds in UTC, amounts whole minor units of their currency, and sums
/// whole numbers (``decimal128(38, 0)`` in Arrow). A table cannot be changed, and neither can the arrays that others
/// make of it.
///
/// Examples
/// --------
/// >>> import pyarrow
/// >>> pyarrow.table(table).num_rows == len(table)
/// True
#[pyclass(frozen, module = "ringfence")]
#[derive(Clone)]
pub(crate) struct Table {
    batch: RecordBatch,
    /// The first rows, for people.
    head: Arc<ringfence::report::Table>,
}

/// A table of a result that is made when it is first asked for; every later one shares its memory.
#[derive(Default)]
pub(crate) struct Made(OnceLock<Table>);

impl Made {
    /// The table, made of `columns` the first time.
    pub(crate) fn of(&self, py: Python<'_>, columns: &ringfence::report::Table) -> PyResult<Table> {
        if let Some(table) = self.0.get() {
            return Ok(table.clone());
        }
        let table = detached(py, Circumstances::default(), |_| Table::new(columns.clone()))?;
        Ok(self.0.get_or_init(|| table).clone())
    }
}

impl Table {
    /// `table` for Python; its columns move into Arrow's buffers. Meant for the far side of the door.
    pub(crate) fn new(table: ringfence::report::Table) -> ringfence::Result<Self> {
        let head = Arc::new(table.head(ROWS_SHOWN));
        Ok(Self { batch: to_record_batch(table)?, head })
    }
}

#[pymethods]
impl Table {
    /// Names of the columns, in order.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.batch.schema_ref().fields().iter().map(|field| field.name().clone()).collect()
    }

    fn __len__(&self) -> usize {
        self.batch.num_rows()
    }

    /// The rows as dictionaries, at most `limit` of them; times are aware :class:`datetime.datetime` in UTC.
    ///
    /// Parameters
    /// ----------
    /// limit : int, optional
    ///     Most rows; all if not given.
    ///
    /// Returns
    /// -------
    /// list of dict
    #[pyo3(signature = (limit = None))]
    fn to_dicts<'py>(&self, py: Python<'py>, limit: Option<usize>) -> PyResult<Bound<'py, PyList>> {
        let names = self.column_names();
        let rows = PyList::empty(py);
        for row in 0..limit.unwrap_or(usize::MAX).min(self.batch.num_rows()) {
            let values = PyDict::new(py);
            for (name, column) in names.iter().zip(self.batch.columns()) {
                values.set_item(name, value(py, column, row)?)?;
            }
            rows.append(values)?;
        }
        Ok(rows)
    }

    /// A :class:`pyarrow.Table` over the same memory. Needs pyarrow.
    fn to_arrow<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("ringfence.frames")?.call_method1("to_arrow", (slf,))
    }

    /// A :class:`pandas.DataFrame`. Needs pandas and pyarrow.
    fn to_pandas<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("ringfence.frames")?.call_method1("to_pandas", (slf,))
    }

    /// A :class:`polars.DataFrame` over the same memory, texts aside. Needs polars.
    fn to_polars<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("ringfence.frames")?.call_method1("to_polars", (slf,))
    }

    /// The table as an Arrow stream (PyCapsule interface); a requested schema is not followed, as the protocol allows.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        stream_of(py, &self.batch)
    }

    /// The table's Arrow schema (PyCapsule interface).
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_of(py, self.batch.schema_ref())
    }

    fn __repr__(&self) -> String {
        format!("Table of {}\n{}", self.size(), to_text(&self.head, ROWS_SHOWN))
    }

    fn _repr_html_(&self) -> String {
        self.to_html()
    }
}

impl Table {
    /// The first rows as HTML.
    pub(crate) fn to_html(&self) -> String {
        let mut out = String::from("<table><thead><tr>");
        for (name, _) in &self.head.columns {
            let _ = write!(out, "<th>{}</th>", html(name));
        }
        out += "</tr></thead><tbody>";
        for row in 0..self.head.num_rows() {
            out += "<tr>";
            for (_, values) in &self.head.columns {
                let _ = write!(out, "<td>{}</td>", html(&show(values.cell(row))));
            }
            out += "</tr>";
        }
        let _ = write!(out, "</tbody></table><p>{}</p>", html(&self.size()));
        out
    }

    fn size(&self) -> String {
        let (rows, columns) = (self.batch.num_rows(), self.batch.num_columns());
        let shown =
            if rows > ROWS_SHOWN { format!(" (the first {ROWS_SHOWN} shown)") } else { String::new() };
        format!("{rows} rows × {columns} columns{shown}")
    }
}

/// One value of a column, as Python writes it.
fn value<'py>(py: Python<'py>, column: &dyn Array, row: usize) -> PyResult<Bound<'py, PyAny>> {
    if column.is_null(row) {
        return Ok(py.None().into_bound(py));
    }
    match column.data_type() {
        DataType::UInt32 => column.as_primitive::<UInt32Type>().value(row).into_bound_py_any(py),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).into_bound_py_any(py),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into_bound_py_any(py),
        DataType::Decimal128(_, 0) => {
            column.as_primitive::<Decimal128Type>().value(row).into_bound_py_any(py)
        }
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into_bound_py_any(py),
        DataType::Boolean => column.as_boolean().value(row).into_bound_py_any(py),
        DataType::LargeUtf8 => column.as_string::<i64>().value(row).into_bound_py_any(py),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            crate::moment::datetime(py, column.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        other => Err(PyTypeError::new_err(format!("a column of {other} has no form in Python"))),
    }
}

/// `text` for HTML, with characters that act instead of showing escaped.
pub(crate) fn html(text: &str) -> String {
    escape(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
