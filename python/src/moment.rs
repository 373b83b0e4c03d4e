//! Times between Python and the engine: microseconds since 1970 UTC inside, `datetime` outside.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt, PyString};
use ringfence::units::Window;
use ringfence::units::time::parse_time;

/// A time as Python gives it: aware `datetime`, naive `datetime` or `date` (UTC), RFC 3339 text, or whole microseconds
/// since 1970 UTC; `None` stays open.
pub(crate) fn moment(value: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    if value.is_none() {
        return Ok(None);
    }
    if let Ok(text) = value.cast::<PyString>() {
        let text = text.to_str()?;
        return parse_time(text).map(Some).ok_or_else(|| {
            PyValueError::new_err(format!(
                "{text:?} is not a time like 2024-05-01T12:00:00Z or a date like 2024-05-01"
            ))
        });
    }
    if value.is_instance_of::<PyInt>() && !value.is_instance_of::<PyBool>() {
        return value.extract().map(Some);
    }
    let times = value.py().import("ringfence.times")?;
    let micros = times.call_method1("microseconds", (value,))?;
    if micros.is_none() {
        let kind = value.get_type().name()?;
        let wanted = "a time is a datetime, a date, a text or whole microseconds since 1970 UTC";
        return Err(PyTypeError::new_err(format!("{wanted}, not {kind}")));
    }
    micros.extract().map(Some)
}

/// A time that must be given.
pub(crate) fn instant(value: &Bound<'_, PyAny>) -> PyResult<i64> {
    moment(value)?.ok_or_else(|| PyTypeError::new_err("a time is needed, not None"))
}

/// The half-open window `[start, end)`.
pub(crate) fn window(start: Option<i64>, end: Option<i64>) -> PyResult<Window> {
    let window = Window { from: start.unwrap_or(i64::MIN), to: end.unwrap_or(i64::MAX) };
    match window.from < window.to {
        true => Ok(window),
        false => Err(PyValueError::new_err("end must be later than start; the window is [start, end)")),
    }
}

/// A moment as an aware `datetime` in UTC.
pub(crate) fn datetime(py: Python<'_>, micros: i64) -> PyResult<Bound<'_, PyAny>> {
    py.import("ringfence.times")?.call_method1("from_microseconds", (micros,))
}
