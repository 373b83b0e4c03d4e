//! The library's errors as the exceptions of `ringfence/errors.py`.
//!
//! One match, variant by variant; trouble with files becomes the `OSError` that
//! Python itself would raise, with `errno`, `strerror` and `filename`.

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringfence::Error;
use std::io;
use std::path::Path;

/// The Python exception for `error`.
pub(crate) fn to_python(py: Python<'_>, error: Error) -> PyErr {
    let message = error.to_string();
    built(py, &error, &message).unwrap_or_else(|trouble| trouble)
}

fn built(py: Python<'_>, error: &Error, message: &str) -> PyResult<PyErr> {
    let details = PyDict::new(py);
    let class = match error {
        Error::Io { path, source } => return os_error(py, path, source),
        Error::Exists { path } => {
            let source = io::Error::new(
                io::ErrorKind::AlreadyExists,
                "exists already; name another output or remove it first",
            );
            return os_error(py, path, &source);
        }
        Error::CommitUnknown { path, generation, .. } => {
            details.set_item("path", path.as_os_str())?;
            details.set_item("generation", generation)?;
            "CommitUnknownError"
        }
        Error::Damaged { path, place, .. } => {
            details.set_item("path", path.as_os_str())?;
            details.set_item("place", place)?;
            "DamagedError"
        }
        Error::Foreign { path, .. } => {
            details.set_item("path", path.as_os_str())?;
            "FormatError"
        }
        Error::Version { path, found, expected } => {
            details.set_item("path", path.as_os_str())?;
            details.set_item("found", found)?;
            details.set_item("expected", expected)?;
            "FormatError"
        }
        Error::Locked { path, holder } => {
            details.set_item("path", path.as_os_str())?;
            details.set_item("holder", holder)?;
            "LockedError"
        }
        Error::Input { input, .. } => {
            details.set_item("input", input)?;
            "InputError"
        }
        Error::Rejects { rejected, read, first, reject_file, .. } => {
            details.set_item("rejected", rejected)?;
            details.set_item("read", read)?;
            details.set_item("first", first)?;
            details.set_item("reject_file", reject_file.as_ref().map(|path| path.as_os_str()))?;
            "RejectsError"
        }
        Error::UnknownKey { place, kind, key } => {
            details.set_item("place", place)?;
            details.set_item("kind", kind)?;
            details.set_item("key", key)?;
            "UnknownKeyError"
        }
        Error::Option { name, value, allowed } => {
            details.set_item("name", name)?;
            details.set_item("value", value)?;
            details.set_item("allowed", allowed)?;
            "OptionError"
        }
        Error::Limit { what, found, limit, .. } => {
            details.set_item("what", what)?;
            details.set_item("found", found)?;
            details.set_item("limit", limit)?;
            "LimitExceededError"
        }
        Error::Cancelled | Error::Deadline => "CancelledError",
        Error::Unproved(_) => "UnprovedError",
        // The library may grow variants; they are still of its family.
        _ => "RingfenceError",
    };
    let class = py.import("ringfence.errors")?.getattr(class)?;
    Ok(PyErr::from_value(class.call((message,), Some(&details))?))
}

/// An `OSError` from its number, so that Python chooses the subclass.
fn os_error(py: Python<'_>, path: &Path, source: &io::Error) -> PyResult<PyErr> {
    let number = match (source.raw_os_error(), name_of(source.kind())) {
        (Some(number), _) => number,
        (None, Some(name)) => py.import("errno")?.getattr(name)?.extract()?,
        (None, None) => return Ok(PyOSError::new_err(format!("{}: {source}", path.display()))),
    };
    let text: String = match source.raw_os_error() {
        Some(number) => py.import("os")?.call_method1("strerror", (number,))?.extract()?,
        None => source.to_string(),
    };
    Ok(PyErr::from_value(py.get_type::<PyOSError>().call1((number, text, path.as_os_str()))?))
}

/// The name in Python's `errno` of the kinds that the library makes itself.
fn name_of(kind: io::ErrorKind) -> Option<&'static str> {
    Some(match kind {
        io::ErrorKind::NotFound => "ENOENT",
        io::ErrorKind::PermissionDenied => "EACCES",
        io::ErrorKind::AlreadyExists => "EEXIST",
        io::ErrorKind::NotADirectory => "ENOTDIR",
        io::ErrorKind::IsADirectory => "EISDIR",
        io::ErrorKind::DirectoryNotEmpty => "ENOTEMPTY",
        io::ErrorKind::InvalidInput => "EINVAL",
        io::ErrorKind::StorageFull => "ENOSPC",
        _ => return None,
    })
}
