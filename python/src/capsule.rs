//! Arrow's C interface by PyCapsule: tables of other libraries in, our tables out, without a copy.
//!
//! # Choices
//! Objects are asked for `__arrow_c_stream__` first and `__arrow_c_array__` next, so
//! pandas, polars, pyarrow, DuckDB and whatever follows the protocol can be given, and
//! none of them is imported. A stream is only taken here; it is pulled where no
//! interpreter is held, because some need the interpreter on a thread of their own.
//!
//! An array of the type Null has no buffers by the interface. polars gives it one, a null pointer, which arrow refuses; so the number of buffers of such
//! arrays is set right before they are taken over ([`no_buffers`]).
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
use std::ffi::{CStr, c_char, c_int, c_void};
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
    Ok(Box::new(RecordBatchStreamReader::try_new(Plain::stream(taken)).map_err(refused)?))
}

/// A stream whose arrays of the type Null have no buffers; it passes everything else on to the stream that it was made of.
struct Plain {
    inner: FFI_ArrowArrayStream,
    /// What the arrays are, once the schema was asked for.
    kind: Option<DataType>,
}

impl Plain {
    fn stream(inner: FFI_ArrowArrayStream) -> FFI_ArrowArrayStream {
        if inner.release().is_none() {
            return inner; // It was taken before, and is refused for that.
        }
        let plain = Box::into_raw(Box::new(Plain { inner, kind: None }));
        let callbacks = (Self::get_schema, Self::get_next, Self::get_last_error, Self::release);
        // SAFETY: the callbacks do what the interface says, with a `Plain` as the private data, which `release` frees, once.
        unsafe {
            FFI_ArrowArrayStream::new_unchecked(
                Some(callbacks.0),
                Some(callbacks.1),
                Some(callbacks.2),
                Some(callbacks.3),
                plain.cast::<c_void>(),
            )
        }
    }

    /// The `Plain` of a stream that [`stream`](Self::stream) made and that was not released.
    unsafe fn of<'p>(stream: *mut FFI_ArrowArrayStream) -> &'p mut Self {
        // SAFETY: its private data is a `Plain`, which nobody else has in hand during a call, by the interface.
        unsafe { &mut *(*stream).private_data().cast::<Self>() }
    }

    unsafe extern "C" fn get_schema(stream: *mut FFI_ArrowArrayStream, out: *mut FFI_ArrowSchema) -> c_int {
        // SAFETY: the caller keeps to the interface, and so does this call of the stream within, which is not released before ours.
        unsafe {
            let plain = Self::of(stream);
            let Some(get_schema) = plain.inner.get_schema() else { return INVALID };
            let code = get_schema(&raw mut plain.inner, out);
            if code == 0 {
                plain.kind = DataType::try_from(&*out).ok();
            }
            code
        }
    }

    unsafe extern "C" fn get_next(stream: *mut FFI_ArrowArrayStream, out: *mut FFI_ArrowArray) -> c_int {
        // SAFETY: as above; an array that is not released is ours to change until it is handed on, and is of the kind that its schema says.
        unsafe {
            let plain = Self::of(stream);
            let Some(get_next) = plain.inner.get_next() else { return INVALID };
            let code = get_next(&raw mut plain.inner, out);
            if let (0, false, Some(kind)) = (code, (*out).is_released(), &plain.kind) {
                no_buffers(out.cast::<CArray>(), kind);
            }
            code
        }
    }

    unsafe extern "C" fn get_last_error(stream: *mut FFI_ArrowArrayStream) -> *const c_char {
        // SAFETY: as above; a stream is asked for its error after a call that failed alone.
        unsafe {
            let plain = Self::of(stream);
            plain.inner.get_last_error().map_or(std::ptr::null(), |last| last(&raw mut plain.inner))
        }
    }

    unsafe extern "C" fn release(stream: *mut FFI_ArrowArrayStream) {
        // SAFETY: called once, by the interface; the box is that of `stream`, and dropping it releases the stream within.
        unsafe {
            drop(Box::from_raw((*stream).private_data().cast::<Self>()));
            (*stream).set_release(None);
        }
    }
}

/// EINVAL: what a stream says that lacks a callback.
const INVALID: c_int = 22;

/// `struct ArrowArray` of the interface; arrow keeps the fields of its own to itself.
#[repr(C)]
struct CArray {
    length: i64,
    null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *mut *const c_void,
    children: *mut *mut CArray,
    dictionary: *mut CArray,
    release: Option<unsafe extern "C" fn(*mut CArray)>,
    private_data: *mut c_void,
}

/// Takes the buffers away that an array of the type Null, or one within, has and should not have. Who made it frees them, by what it keeps for itself.
///
/// # Safety
/// `array` points to an array of this kind that was not released and that nobody else uses.
unsafe fn no_buffers(array: *mut CArray, kind: &DataType) {
    // SAFETY: by the caller's promise; children and dictionary are valid where their number and kind say that there are any.
    unsafe {
        let children: Vec<&DataType> = match kind {
            DataType::Null => {
                (*array).n_buffers = 0;
                return;
            }
            DataType::Dictionary(_, values) if !(*array).dictionary.is_null() => {
                return no_buffers((*array).dictionary, values);
            }
            DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
            DataType::List(field)
            | DataType::LargeList(field)
            | DataType::ListView(field)
            | DataType::LargeListView(field)
            | DataType::FixedSizeList(field, _)
            | DataType::Map(field, _) => vec![field.data_type()],
            _ => return,
        };
        if usize::try_from((*array).n_children) != Ok(children.len()) || (*array).children.is_null() {
            return; // It is refused where it is taken over.
        }
        for (place, kind) in children.into_iter().enumerate() {
            let child = *(*array).children.add(place);
            if !child.is_null() {
                no_buffers(child, kind);
            }
        }
    }
}

fn array(object: &Bound<'_, PyAny>) -> PyResult<Frame> {
    let (schema, array): (Bound<'_, PyCapsule>, Bound<'_, PyCapsule>) = object.extract()?;
    let schema = schema.pointer_checked(Some(SCHEMA))?.cast::<FFI_ArrowSchema>();
    let array = array.pointer_checked(Some(ARRAY))?.cast::<FFI_ArrowArray>();
    // SAFETY: capsules of these names point to a valid schema and array that describe each other, by the
    // protocol; the capsules keep them alive here, and `from_raw` moves the array out as above.
    let data = unsafe {
        let mut array = FFI_ArrowArray::from_raw(array.as_ptr());
        if let (false, Ok(kind)) = (array.is_released(), DataType::try_from(schema.as_ref())) {
            no_buffers((&raw mut array).cast::<CArray>(), &kind);
        }
        from_ffi(array, schema.as_ref())
    };
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
