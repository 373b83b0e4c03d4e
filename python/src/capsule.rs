//! Arrow's C interface by PyCapsule: tables of other libraries in, our tables out, without a copy.
//!
//! # Choices
//! Objects are asked for `__arrow_c_stream__` first and `__arrow_c_array__` next, so
//! pandas, polars, pyarrow, DuckDB and whatever follows the protocol can be given, and
//! none of them is imported. A stream is only taken here; it is pulled where no
//! interpreter is held, because some need the interpreter on a thread of their own.
//!
//! # Source
//! The Arrow PyCapsule interface, arrow.apache.org/docs/format/CDataInterface.
#![allow(unsafe_code)] // The C structs come as raw pointers; the promises are stated at each use.

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi};
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{RecordBatch, RecordBatchIterator, RecordBatchReader, StructArray};
use arrow_schema::{ArrowError, DataType, Schema};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use std::ffi::CStr;
use std::sync::Arc;

const STREAM: &CStr = c"arrow_array_stream";
const ARRAY: &CStr = c"arrow_array";
const SCHEMA: &CStr = c"arrow_schema";

/// Record batches of another library.
pub(crate) type Frame = Box<dyn RecordBatchReader + Send>;

/// The frame that `object` offers, or `None` if it offers none.
pub(crate) fn frame(object: &Bound<'_, PyAny>) -> PyResult<Option<Frame>> {
    if object.hasattr("__arrow_c_stream__")? {
        return stream(&object.call_method0("__arrow_c_stream__")?).map(Some);
    }
    if object.hasattr("__arrow_c_array__")? {
        return array(&object.call_method0("__arrow_c_array__")?).map(Some);
    }
    Ok(None)
}

fn stream(object: &Bound<'_, PyAny>) -> PyResult<Frame> {
    let capsule = object.cast::<PyCapsule>()?;
    let pointer = capsule.pointer_checked(Some(STREAM))?.cast::<FFI_ArrowArrayStream>();
    // SAFETY: a capsule of this name points to a valid stream by the protocol, `capsule` keeps it alive here,
    // and `from_raw` moves it out, leaving a released one behind, so that nobody releases it twice.
    let taken = unsafe { FFI_ArrowArrayStream::from_raw(pointer.as_ptr()) };
    Ok(Box::new(RecordBatchStreamReader::try_new(taken).map_err(refused)?))
}

fn array(object: &Bound<'_, PyAny>) -> PyResult<Frame> {
    let (schema, array): (Bound<'_, PyCapsule>, Bound<'_, PyCapsule>) = object.extract()?;
    let schema = schema.pointer_checked(Some(SCHEMA))?.cast::<FFI_ArrowSchema>();
    let array = array.pointer_checked(Some(ARRAY))?.cast::<FFI_ArrowArray>();
    // SAFETY: capsules of these names point to a valid schema and array that describe each other, by the
    // protocol; the capsules keep them alive here, and `from_raw` moves the array out as above.
    let data = unsafe { from_ffi(FFI_ArrowArray::from_raw(array.as_ptr()), schema.as_ref()) };
    let data = data.map_err(refused)?;
    if !matches!(data.data_type(), DataType::Struct(_)) || data.null_count() > 0 {
        let problem = "an Arrow array that is no table: named columns are needed, and no row may be null";
        return Err(PyTypeError::new_err(problem));
    }
    let batch = RecordBatch::from(StructArray::from(data));
    let schema = batch.schema();
    Ok(Box::new(RecordBatchIterator::new([Ok(batch)], schema)))
}

fn refused(error: ArrowError) -> PyErr {
    PyTypeError::new_err(format!("not a usable Arrow table: {error}"))
}

/// `batch` as a stream of one; the reader shares its buffers.
pub(crate) fn stream_of<'py>(py: Python<'py>, batch: &RecordBatch) -> PyResult<Bound<'py, PyCapsule>> {
    let reader = RecordBatchIterator::new([Ok(batch.clone())], batch.schema());
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(reader)), STREAM)
}

/// `schema` by itself.
pub(crate) fn schema_of<'py>(py: Python<'py>, schema: &Arc<Schema>) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema.as_ref()).map_err(refused)?;
    PyCapsule::new_with_value(py, schema, SCHEMA)
}
