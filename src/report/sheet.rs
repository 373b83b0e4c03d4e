//! Small CSV files that people write (seeds, sinks) or that an earlier result holds, read whole.
//!
//! RFC 4180 with a header; LF or CRLF, a byte order mark and empty lines are
//! fine. Columns are found by name in any order, and a column that nobody asked for is
//! refused: a misspelt `amount` must not silently mean "all of it".
//! Bulk data is read by [`ingest`](crate::ingest), which this is not a smaller copy of: it rejects rows and
//! goes on, here the first mistake ends the reading with file and line.

use crate::error::{Error, Result};
use std::path::Path;

/// Most bytes of a file that is read whole.
const BYTES_MAX: u64 = 1 << 30;

/// Records of a CSV file, by column name.
#[derive(Debug)]
pub(super) struct Sheet {
    name: String,
    header: Vec<String>,
    records: Vec<(u64, Vec<String>)>,
    /// The bytes as they were in the file.
    pub(super) bytes: Vec<u8>,
}

/// One record with the line where it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'s> {
    sheet: &'s Sheet,
    /// Line in the file, from 1.
    pub(super) line: u64,
    fields: &'s [String],
}

impl Sheet {
    /// Reads the file `path`, whose columns may be those of `allowed`.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Limit`], and [`Error::Input`] with file and line for what is no such CSV.
    pub(super) fn read(path: &Path, allowed: &[&str]) -> Result<Self> {
        let (name, bytes) = Self::load(path)?;
        Self::parse(name, bytes, allowed)
    }

    /// Reads a file that the engine wrote; it has the columns of `needed`, and may have others.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(super) fn written(path: &Path, needed: &[&str]) -> Result<Self> {
        let (name, bytes) = Self::load(path)?;
        let sheet = Self::cut(name, bytes, needed, |_| true)?;
        needed.iter().try_for_each(|column| sheet.need(column))?;
        Ok(sheet)
    }

    /// The name and the bytes of a file.
    fn load(path: &Path) -> Result<(String, Vec<u8>)> {
        let found = std::fs::metadata(path).map_err(Error::io(path))?.len();
        if found > BYTES_MAX {
            let remedy = "cut the file into several";
            return Err(Error::Limit {
                what: "bytes of a file that is read whole",
                found,
                limit: BYTES_MAX,
                remedy,
            });
        }
        let bytes = std::fs::read(path).map_err(Error::io(path))?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok((name, bytes))
    }

    /// As [`read`](Self::read), of bytes that errors call `name`.
    pub(super) fn parse(name: String, bytes: Vec<u8>, allowed: &[&str]) -> Result<Self> {
        Self::cut(name, bytes, allowed, |column| allowed.contains(&column))
    }

    /// Header and records; `columns` are those that the header is expected to have.
    fn cut(name: String, bytes: Vec<u8>, columns: &[&str], allowed: impl Fn(&str) -> bool) -> Result<Self> {
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
            Error::input(format!("{name}, line {line}"), "not UTF-8; save the file as UTF-8")
        })?;
        let mut records = records(&name, text.strip_prefix('\u{feff}').unwrap_or(text))?.into_iter();
        let Some((line, header)) = records.next() else {
            return Err(Error::input(&name, format!("empty; expected a header with {}", columns.join(", "))));
        };
        let header: Vec<String> = header.into_iter().map(|field| field.trim().to_string()).collect();
        for (at, column) in header.iter().enumerate() {
            let problem = if header[..at].contains(column) {
                format!("two columns are called {column:?}")
            } else if !allowed(column) {
                format!("unknown column {column:?}; the columns can be {}", columns.join(", "))
            } else {
                continue;
            };
            return Err(Error::input(format!("{name}, line {line}"), problem));
        }
        let records: Vec<_> = records.collect();
        for (line, fields) in &records {
            if fields.len() != header.len() {
                let problem = format!("{} fields, the header has {}", fields.len(), header.len());
                return Err(Error::input(format!("{name}, line {line}"), problem));
            }
        }
        Ok(Sheet { name, header, records, bytes })
    }

    /// The file's name without directories.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the file has this column.
    pub(super) fn has(&self, column: &str) -> bool {
        self.header.iter().any(|name| name == column)
    }

    /// [`Error::Input`] unless the file has this column.
    pub(super) fn need(&self, column: &str) -> Result<()> {
        if self.has(column) {
            return Ok(());
        }
        Err(Error::input(format!("{}, line 1", self.name), format!("the column {column:?} is missing")))
    }

    /// The records, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        self.records.iter().map(|(line, fields)| Record { sheet: self, line: *line, fields })
    }
}

impl<'s> Record<'s> {
    /// The value in a column; `None` where it is empty or the file does not have the column.
    pub(super) fn get(self, column: &str) -> Option<&'s str> {
        let at = self.sheet.header.iter().position(|name| name == column)?;
        Some(self.fields[at].as_str()).filter(|field| !field.is_empty())
    }

    /// The value in a column that must not be empty.
    pub(super) fn need(self, column: &str) -> Result<&'s str> {
        self.get(column).ok_or_else(|| self.refuse(format!("{column} is empty")))
    }

    /// File and line, for complaints.
    pub(super) fn place(self) -> String {
        format!("{}, line {}", self.sheet.name, self.line)
    }

    /// An [`Error::Input`] about this record.
    pub(super) fn refuse(self, problem: impl ToString) -> Error {
        Error::input(self.place(), problem)
    }

    /// An [`Error::UnknownKey`] about this record.
    pub(super) fn unknown(self, kind: &str, key: &str) -> Error {
        Error::UnknownKey { place: self.place(), kind: kind.to_string(), key: key.to_string() }
    }
}

/// Splits `text` into records with the lines where they begin; empty lines are left out.
fn records(name: &str, text: &str) -> Result<Vec<(u64, Vec<String>)>> {
    let mut records = Vec::new();
    let (mut line, mut rest) = (1, text);
    while !rest.is_empty() {
        let first = line;
        let mut fields = Vec::new();
        loop {
            let (field, behind) = match rest.strip_prefix('"') {
                Some(quoted) => {
                    let (field, behind) = unquote(quoted).ok_or_else(|| {
                        Error::input(format!("{name}, line {first}"), "a quote is not closed")
                    })?;
                    line += field.matches('\n').count() as u64;
                    (field, behind)
                }
                None => {
                    let end = rest.find([',', '\n']).unwrap_or(rest.len());
                    (rest[..end].strip_suffix('\r').unwrap_or(&rest[..end]).to_string(), &rest[end..])
                }
            };
            fields.push(field);
            if let Some(next) = behind.strip_prefix(',') {
                rest = next;
                continue;
            }
            let after = behind.strip_prefix('\r').unwrap_or(behind);
            if !after.is_empty() && !after.starts_with('\n') {
                return Err(Error::input(
                    format!("{name}, line {line}"),
                    "text goes on behind a closing quote",
                ));
            }
            rest = after.strip_prefix('\n').unwrap_or(after);
            line += 1;
            break;
        }
        if fields.len() > 1 || !fields[0].is_empty() {
            records.push((first, fields));
        }
    }
    Ok(records)
}

/// A quoted field without its quotes, and what follows; `None` if it is not closed.
fn unquote(text: &str) -> Option<(String, &str)> {
    let (mut field, mut rest) = (String::new(), text);
    loop {
        let (part, behind) = rest.split_once('"')?;
        field += part;
        match behind.strip_prefix('"') {
            Some(next) => {
                field.push('"');
                rest = next;
            }
            None => return Some((field, behind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(text: &str) -> Result<Sheet> {
        Sheet::parse("seeds.csv".into(), text.into(), &["case", "account", "note"])
    }

    fn complaint(text: &str) -> String {
        sheet(text).map(|sheet| sheet.records).unwrap_err().to_string()
    }

    #[test]
    fn fields_are_found_by_name_with_their_line() {
        let sheet = sheet("\u{feff}account, case\r\n\"a\n\"\"b\",1\r\n\n,2").unwrap();
        let records: Vec<_> = sheet.iter().collect();
        assert_eq!(
            (records[0].line, records[0].get("account"), records[0].get("case")),
            (2, Some("a\n\"b"), Some("1"))
        );
        assert_eq!((records[1].line, records[1].get("account"), records[1].get("note")), (5, None, None));
        assert_eq!(
            records[1].need("account").unwrap_err().to_string(),
            "seeds.csv, line 5: account is empty"
        );
        assert!(sheet.has("case") && sheet.need("note").is_err());
    }

    #[test]
    fn mistakes_are_named_with_file_and_line() {
        assert!(complaint("").contains("seeds.csv: empty"));
        assert!(
            complaint("case,acount\n")
                .contains("line 1: unknown column \"acount\"; the columns can be case, account")
        );
        assert!(complaint("case,case\n").contains("two columns"));
        assert!(complaint("case,account\n1,2\n3\n").contains("line 3: 1 fields, the header has 2"));
        assert!(complaint("case\n\"a\n").contains("line 2: a quote is not closed"));
        assert!(complaint("case\n\"a\"b\n").contains("line 2: text goes on"));
    }

    #[test]
    fn what_the_writer_writes_reads_back() {
        use super::super::csv::{CsvOptions, write_csv};
        use super::super::table::{Table, Values};
        let texts = ["plain", "a,b", "say \"hi\"", "two\nlines", " 谢 ", "x\r"].map(String::from).to_vec();
        let table =
            Table::new([("case", Values::Text(texts.clone())), ("account", Values::Text(texts.clone()))]);
        let mut out = Vec::new();
        write_csv(&table, CsvOptions::default(), &mut out).unwrap();
        let sheet = sheet(std::str::from_utf8(&out).unwrap()).unwrap();
        let read: Vec<_> = sheet.iter().map(|record| record.get("case").unwrap().to_string()).collect();
        assert_eq!(read, texts);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_by_line() {
        let error = Sheet::parse("s.csv".into(), b"case\n1\n\xff\n".to_vec(), &["case"]).unwrap_err();
        assert!(error.to_string().contains("s.csv, line 3: not UTF-8"));
    }
}
