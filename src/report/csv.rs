//! Tables as CSV: RFC 4180 quoting, UTF-8, LF, one header line.
//!
//! # Choices
//! Nothing is quoted that need not be. Null is an empty field and an empty text
//! is `""`, so the two can be told apart. Times are RFC 3339 in UTC, amounts whole minor
//! units; a float is the shortest text that reads back to the same value.
//!
//! A spreadsheet runs a text that begins with `=`, `+`, `-` or `@` as a formula.
//! [`CsvOptions::guard_formulas`] puts an apostrophe before such texts. It is
//! off by default, because a guarded key is no longer the key: a file meant to be
//! read by programs, or given back to Ringfence, must not have it.

use super::table::{Cell, Table};
use crate::units::time::format_time;
use std::io::{self, Write};

/// Options of [`write_csv`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// Whether texts that a spreadsheet would run as a formula are preceded by an apostrophe.
    pub guard_formulas: bool,
}

/// Writes `table` to `out`.
///
/// # Errors
/// What `out` returns, or the error of [`Table::check`] inside an [`io::Error`].
pub fn write_csv(table: &Table, options: CsvOptions, out: &mut impl Write) -> io::Result<()> {
    write_header(table, options, out)?;
    write_rows(table, options, out)
}

/// Writes the names of the columns.
pub(super) fn write_header(table: &Table, options: CsvOptions, out: &mut impl Write) -> io::Result<()> {
    for (at, (name, _)) in table.columns.iter().enumerate() {
        separate(at, out)?;
        text(name, options, out)?;
    }
    out.write_all(b"\n")
}

/// Writes the rows, which may follow others of the same table.
pub(super) fn write_rows(table: &Table, options: CsvOptions, out: &mut impl Write) -> io::Result<()> {
    table.check().map_err(io::Error::other)?;
    let lonely = table.columns.len() == 1;
    for row in 0..table.num_rows() {
        for (at, (_, values)) in table.columns.iter().enumerate() {
            separate(at, out)?;
            match values.cell(row) {
                // A line without any byte would be skipped by most readers.
                Cell::Null if lonely => out.write_all(b"\"\"")?,
                Cell::Null => {}
                Cell::Unsigned(value) => write!(out, "{value}")?,
                Cell::Signed(value) => write!(out, "{value}")?,
                Cell::Big(value) => write!(out, "{value}")?,
                Cell::Float(value) if value.is_nan() => {}
                Cell::Float(value) => write!(out, "{value:?}")?,
                Cell::Boolean(value) => write!(out, "{value}")?,
                Cell::Text(value) => text(value, options, out)?,
                Cell::Time(value) => out.write_all(format_time(value).as_bytes())?,
            }
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn separate(at: usize, out: &mut impl Write) -> io::Result<()> {
    if at == 0 { Ok(()) } else { out.write_all(b",") }
}

fn text(value: &str, options: CsvOptions, out: &mut impl Write) -> io::Result<()> {
    let guard = options.guard_formulas && value.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quote = value.is_empty() || value.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'));
    if quote {
        out.write_all(b"\"")?;
    }
    if guard {
        out.write_all(b"'")?;
    }
    if quote {
        for (at, part) in value.split('"').enumerate() {
            if at > 0 {
                out.write_all(b"\"\"")?;
            }
            out.write_all(part.as_bytes())?;
        }
        out.write_all(b"\"")
    } else {
        out.write_all(value.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::Values;
    use super::*;

    fn csv(table: &Table, options: CsvOptions) -> String {
        let mut out = Vec::new();
        write_csv(table, options, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn texts(values: &[&str]) -> Table {
        Table::new([
            ("key", Values::Text(values.iter().map(|v| (*v).to_string()).collect())),
            ("n", Values::U32(vec![1; values.len()])),
        ])
    }

    #[test]
    fn texts_are_quoted_only_where_they_must_be() {
        let table = texts(&["plain", "a,b", "say \"hi\"", "two\nlines", "cr\r", "", " 谢谢 "]);
        assert_eq!(
            csv(&table, CsvOptions::default()),
            "key,n\nplain,1\n\"a,b\",1\n\"say \"\"hi\"\"\",1\n\"two\nlines\",1\n\"cr\r\",1\n\"\",1\n 谢谢 ,1\n"
        );
    }

    #[test]
    fn numbers_are_exact_and_nulls_are_empty() {
        let table = Table::new([
            ("i", Values::OptionI64(vec![Some(i64::MIN), None])),
            ("b", Values::I128(vec![i128::MAX, -1])),
            ("u", Values::U64(vec![u64::MAX, 0])),
            ("f", Values::F64(vec![0.1, f64::NAN])),
            ("t", Values::OptionBoolean(vec![Some(true), None])),
        ]);
        assert_eq!(
            csv(&table, CsvOptions::default()),
            format!("i,b,u,f,t\n{},{},{},0.1,true\n,-1,0,,\n", i64::MIN, i128::MAX, u64::MAX)
        );
    }

    #[test]
    fn a_null_alone_in_its_line_is_still_a_line() {
        let table = Table::new([("key", Values::OptionText(vec![None, Some("a".into())]))]);
        assert_eq!(csv(&table, CsvOptions::default()), "key\n\"\"\na\n");
    }

    #[test]
    fn formulas_are_guarded_on_request_and_numbers_never() {
        let mut table = texts(&["=1+1", "-5", "@a,b", "a=b"]);
        table.columns[1].1 = Values::I64(vec![-1; 4]);
        assert_eq!(
            csv(&table, CsvOptions { guard_formulas: true }),
            "key,n\n'=1+1,-1\n'-5,-1\n\"'@a,b\",-1\na=b,-1\n"
        );
        assert_eq!(csv(&table, CsvOptions::default()), "key,n\n=1+1,-1\n-5,-1\n\"@a,b\",-1\na=b,-1\n");
    }
}
