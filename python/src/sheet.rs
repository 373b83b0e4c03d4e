//! Small tables that people give (seeds, balances, rates, sinks): a path, a frame, or Python values; the last two as CSV in memory.
//!
//! The library reads such tables from CSV and explains every mistake by line, so
//! frames and lists take the same way: there is one parser of amounts and times.

use crate::capsule::{Frame, frame};
use crate::moment::moment;
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, DecimalType, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString};
use ringfence::report::csv::{CsvOptions, write_csv};
use ringfence::report::{Input, Table, Values};
use ringfence::units::time::{DAY_US, SECOND_US, format_time};
use ringfence::{Error, Result};
use std::path::PathBuf;

/// The column of days.
const DATE: &str = "date";

/// A small table as it was given.
pub(crate) enum Sheet {
    /// A CSV file.
    File(PathBuf),
    /// A table of another library.
    Frame(Frame),
    /// Rows of Python values, already as text.
    Rows(Table),
}

impl Sheet {
    /// What `object` is; a list holds dictionaries, or plain values of the column `only`.
    pub(crate) fn given(object: &Bound<'_, PyAny>, only: Option<&str>) -> PyResult<Self> {
        if let Some(frame) = frame(object)? {
            return Ok(Sheet::Frame(frame));
        }
        if let Ok(path) = object.extract::<PathBuf>() {
            return Ok(Sheet::File(path));
        }
        let mut columns: Vec<(String, Vec<Option<String>>)> = Vec::new();
        for (row, item) in object.try_iter()?.enumerate() {
            let item = item?;
            let record = match (item.cast_into::<PyDict>(), only) {
                (Ok(record), _) => record,
                (Err(other), Some(name)) => {
                    let record = PyDict::new(object.py());
                    record.set_item(name, other.into_inner())?;
                    record
                }
                (Err(_), None) => {
                    return Err(PyTypeError::new_err("each row must be a dict of column and value"));
                }
            };
            add(&mut columns, row, &record)?;
        }
        let table = columns.into_iter().map(|(name, values)| (name, Values::OptionText(values)));
        Ok(Sheet::Rows(Table { columns: table.collect() }))
    }

    /// As the library reads it; meant for the far side of the door, where frames are pulled.
    pub(crate) fn into_input(self, name: &str) -> Result<Input> {
        let mut table = match self {
            Sheet::File(path) => return Ok(path.into()),
            Sheet::Rows(table) => table,
            Sheet::Frame(frame) => texts(frame)
                .map_err(|error| Error::input(name, format!("the frame cannot be read: {error}")))?,
        };
        table.columns.iter_mut().for_each(|(name, values)| days(name, values));
        let mut csv = Vec::new();
        write_csv(&table, CsvOptions::default(), &mut csv).map_err(|error| Error::input(name, error))?;
        Ok(Input::csv(format!("{name} (as CSV)"), csv))
    }
}

/// The table that was given, if one was; see [`Sheet::given`].
pub(crate) fn sheet(object: Option<Bound<'_, PyAny>>, only: Option<&str>) -> PyResult<Option<Sheet>> {
    object.map(|object| Sheet::given(&object, only)).transpose()
}

/// A column `date` holds days, for which other libraries have midnight.
fn days(name: &str, values: &mut Values) {
    if let (DATE, Values::OptionText(texts)) = (name, values) {
        for text in texts.iter_mut().flatten() {
            if let Some(day) = text.strip_suffix("T00:00:00Z") {
                *text = day.to_string();
            }
        }
    }
}

/// Adds row number `row` to columns that may not know all of its names yet.
fn add(
    columns: &mut Vec<(String, Vec<Option<String>>)>,
    row: usize,
    record: &Bound<'_, PyDict>,
) -> PyResult<()> {
    for (name, value) in record.iter() {
        let name: String = name.extract()?;
        let known = columns.iter().position(|(column, _)| *column == name);
        let at = known.unwrap_or_else(|| {
            columns.push((name, vec![None; row]));
            columns.len() - 1
        });
        columns[at].1.push(text(&value)?);
    }
    columns.iter_mut().for_each(|(_, values)| values.resize(row + 1, None));
    Ok(())
}

/// A Python value as it would stand in CSV: times in RFC 3339, truth as `true` and `false`, everything else by `str`.
pub(crate) fn text(value: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    if value.is_none() {
        return Ok(None);
    }
    if value.is_instance(&value.py().import("datetime")?.getattr("date")?)? {
        return Ok(moment(value)?.map(format_time));
    }
    if let Ok(truth) = value.cast::<PyBool>() {
        return Ok(Some(truth.is_true().to_string()));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyDict>() {
        return Err(PyTypeError::new_err("a value must be a text, number or time"));
    }
    Ok(Some(value.cast::<PyString>().cloned().or_else(|_| value.str())?.to_string()))
}

/// All values of `frame` as text.
fn texts(frame: Frame) -> std::result::Result<Table, ArrowError> {
    let schema = frame.schema();
    let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); schema.fields().len()];
    for batch in frame {
        for (values, column) in columns.iter_mut().zip(batch?.columns()) {
            values.extend(column_texts(column)?);
        }
    }
    let named = schema.fields().iter().zip(columns);
    Ok(Table {
        columns: named.map(|(field, values)| (field.name().clone(), Values::OptionText(values))).collect(),
    })
}

/// The values of one column as they would stand in CSV.
fn column_texts(column: &dyn Array) -> std::result::Result<Vec<Option<String>>, ArrowError> {
    Ok(match column.data_type() {
        DataType::Null => vec![None; column.len()],
        DataType::Utf8 => column.as_string::<i32>().iter().map(|text| text.map(String::from)).collect(),
        DataType::LargeUtf8 => column.as_string::<i64>().iter().map(|text| text.map(String::from)).collect(),
        DataType::Utf8View => column.as_string_view().iter().map(|text| text.map(String::from)).collect(),
        DataType::Int8 => numbers::<Int8Type>(column),
        DataType::Int16 => numbers::<Int16Type>(column),
        DataType::Int32 => numbers::<Int32Type>(column),
        DataType::Int64 => numbers::<Int64Type>(column),
        DataType::UInt8 => numbers::<UInt8Type>(column),
        DataType::UInt16 => numbers::<UInt16Type>(column),
        DataType::UInt32 => numbers::<UInt32Type>(column),
        DataType::UInt64 => numbers::<UInt64Type>(column),
        DataType::Float32 => numbers::<Float32Type>(column),
        DataType::Float64 => numbers::<Float64Type>(column),
        DataType::Decimal128(digits, scale) => {
            let text = |value| Decimal128Type::format_decimal(value, *digits, *scale);
            column.as_primitive::<Decimal128Type>().iter().map(|value| value.map(text)).collect()
        }
        DataType::Date32 => times::<Date32Type>(column, |days| i64::from(days).saturating_mul(DAY_US)),
        DataType::Timestamp(TimeUnit::Second, _) => {
            times::<TimestampSecondType>(column, |time| time.saturating_mul(SECOND_US))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            times::<TimestampMillisecondType>(column, |time| time.saturating_mul(1_000))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            times::<TimestampMicrosecondType>(column, |time| time)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            times::<TimestampNanosecondType>(column, |time| time.div_euclid(1_000))
        }
        DataType::Dictionary(..) => {
            let codes = column.as_any_dictionary();
            let words = column_texts(codes.values())?;
            let keys = codes.normalized_keys().into_iter().enumerate();
            keys.map(|(row, key)| if column.is_null(row) { None } else { words[key].clone() }).collect()
        }
        other => {
            let problem = format!("a column of {other}; texts, numbers and times can be read");
            return Err(ArrowError::InvalidArgumentError(problem));
        }
    })
}

fn numbers<T: ArrowPrimitiveType<Native: ToString>>(column: &dyn Array) -> Vec<Option<String>> {
    column.as_primitive::<T>().iter().map(|number| number.map(|number| number.to_string())).collect()
}

fn times<T: ArrowPrimitiveType>(column: &dyn Array, micros: fn(T::Native) -> i64) -> Vec<Option<String>> {
    column.as_primitive::<T>().iter().map(|time| time.map(|time| format_time(micros(time)))).collect()
}
