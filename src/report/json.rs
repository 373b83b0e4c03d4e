//! Tables as JSON: one document with the columns' names and types, then one record per row.
//!
//! ```json
//! {"columns":[{"name":"account","type":"text"},{"name":"size","type":"integer"}],
//! "rows":[
//! {"account":"A-1","size":3}
//! ]}
//! ```
//!
//! # Numbers
//! Many readers of JSON turn every number into a double, which is exact only
//! up to 2^53. Sums (`I128`) are therefore always written as strings, and any other
//! column of whole numbers is written as strings *throughout* if one of its
//! values lies beyond ±2^53; the column's `type` is then `integer_text`. A column never
//! mixes the two. Floats that JSON cannot say (NaN, infinite) are null. Times are RFC 3339 texts.

use super::table::{Cell, Table, Values};
use crate::units::time::format_time;
use serde_json::{Map, Value};
use std::io::{self, Write};

/// The largest whole number up to which a double holds every one.
pub const EXACT_MAX: u64 = 1 << 53;

/// Writes `table` to `out`.
///
/// # Errors
/// What `out` returns, or the error of [`Table::check`] inside an [`io::Error`].
pub fn write_json(table: &Table, out: &mut impl Write) -> io::Result<()> {
    table.check().map_err(io::Error::other)?;
    let columns = columns(table);
    out.write_all(b"{\"columns\":")?;
    serde_json::to_writer(&mut *out, &description(&columns))?;
    out.write_all(b",\n\"rows\":[")?;
    for row in 0..table.num_rows() {
        out.write_all(if row == 0 { b"\n{" } else { b",\n{" })?;
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                out.write_all(b",")?;
            }
            serde_json::to_writer(&mut *out, column.name)?;
            out.write_all(b":")?;
            serde_json::to_writer(&mut *out, &column.value(row))?;
        }
        out.write_all(b"}")?;
    }
    out.write_all(b"\n]}\n")
}

/// `table` as a value, in the shape of [`write_json`]; for small tables inside a larger document.
pub fn table_value(table: &Table) -> Value {
    let columns = columns(table);
    let record = |row| {
        columns.iter().map(|column| (column.name.to_string(), column.value(row))).collect::<Map<_, _>>()
    };
    let rows: Vec<Value> = (0..table.num_rows()).map(|row| Value::Object(record(row))).collect();
    serde_json::json!({ "columns": description(&columns), "rows": rows })
}

/// One value as JSON; whole numbers become strings where `exact` asks for it.
pub(super) fn cell_value(cell: Cell<'_>, exact: bool) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Unsigned(value) if exact => value.to_string().into(),
        Cell::Unsigned(value) => value.into(),
        Cell::Signed(value) if exact => value.to_string().into(),
        Cell::Signed(value) => value.into(),
        Cell::Big(value) => value.to_string().into(),
        Cell::Float(value) => value.into(), // not finite → null
        Cell::Boolean(value) => value.into(),
        Cell::Text(value) => value.into(),
        Cell::Time(value) => format_time(value).into(),
    }
}

/// Whether a column of whole numbers must be written as strings to stay exact.
pub(super) fn needs_text(values: &Values) -> bool {
    match values {
        Values::I128(_) => true,
        Values::U64(v) => v.iter().any(|value| *value > EXACT_MAX),
        Values::I64(v) => v.iter().any(|value| value.unsigned_abs() > EXACT_MAX),
        Values::OptionI64(v) => v.iter().flatten().any(|value| value.unsigned_abs() > EXACT_MAX),
        _ => false,
    }
}

struct Column<'t> {
    name: &'t str,
    values: &'t Values,
    exact: bool,
}

impl Column<'_> {
    fn value(&self, row: usize) -> Value {
        cell_value(self.values.cell(row), self.exact)
    }

    fn kind(&self) -> &'static str {
        match self.values {
            _ if self.exact => "integer_text",
            Values::U32(_) | Values::U64(_) | Values::I64(_) | Values::OptionI64(_) | Values::I128(_) => {
                "integer"
            }
            Values::F64(_) | Values::OptionF64(_) => "number",
            Values::Boolean(_) | Values::OptionBoolean(_) => "boolean",
            Values::Text(_) | Values::OptionText(_) | Values::Coded(_) => "text",
            Values::Time(_) | Values::OptionTime(_) => "time",
        }
    }
}

fn columns(table: &Table) -> Vec<Column<'_>> {
    table.columns.iter().map(|(name, values)| Column { name, values, exact: needs_text(values) }).collect()
}

fn description(columns: &[Column<'_>]) -> Value {
    columns.iter().map(|column| serde_json::json!({ "name": column.name, "type": column.kind() })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(table: &Table) -> (String, Value) {
        let mut out = Vec::new();
        write_json(table, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let value = serde_json::from_str(&text).unwrap();
        (text, value)
    }

    #[test]
    fn a_table_is_columns_and_records() {
        let table = Table::new([
            ("key", Values::OptionText(vec![Some("\"谢\"\n\u{1}".into()), None])),
            ("size", Values::U32(vec![3, 4])),
            ("score", Values::F64(vec![0.5, f64::NAN])),
        ]);
        let (text, value) = json(&table);
        assert_eq!(value["rows"][0]["key"], "\"谢\"\n\u{1}");
        assert_eq!(value["rows"][1], serde_json::json!({"key": null, "size": 4, "score": null}));
        assert_eq!(value["columns"][2], serde_json::json!({"name": "score", "type": "number"}));
        assert_eq!(text.lines().count(), 5, "one line per row: {text}");
        assert_eq!(table_value(&table), value);
    }

    #[test]
    fn a_column_beyond_two_to_the_53_is_written_as_strings_throughout() {
        let limit = EXACT_MAX as i64;
        let table = Table::new([
            ("small", Values::I64(vec![limit, -limit])),
            ("large", Values::I64(vec![1, -limit - 1])),
            ("sum", Values::I128(vec![1, i128::MIN])),
        ]);
        let (_, value) = json(&table);
        assert_eq!(value["rows"][1]["small"], -limit);
        assert_eq!(value["rows"][0]["large"], "1");
        assert_eq!(value["rows"][1]["large"], "-9007199254740993");
        assert_eq!(value["rows"][1]["sum"], i128::MIN.to_string());
        assert_eq!(value["columns"][1]["type"], "integer_text");
        assert_eq!(value["columns"][0]["type"], "integer");
    }

    #[test]
    fn an_empty_table_is_a_document() {
        assert_eq!(json(&Table::default()).1, serde_json::json!({"columns": [], "rows": []}));
    }
}
