//! CSV text to fields, block by block.
//!
//! # Method
//! Two splitters give the same fields. [`Plain`] is for text without quotes: eight
//! bytes at a time are compared with delimiter and line end in one word, and every
//! hit is noted; fields stay where they are. [`Quoted`] is the complete reading of
//! RFC 4180: a field that begins with a quote ends at the next single one, doubled
//! quotes mean one, and delimiters and line ends inside are text; its fields are
//! copied. [`Scanner`] finds where the last complete record of a piece of text
//! ends, by jumping from quote to quote.
//!
//! # Choices
//! A quote inside a field that does not begin with one is text (`5" pipe`). Text
//! behind a closing quote makes the record a reject. Lines may end with CR LF.
//! A line without a single byte is no record and is not counted.

use super::reject::Reason;
use memchr::{memchr, memchr2, memrchr};

/// Longest field, in bytes.
pub(crate) const FIELD_MAX: usize = 1 << 20;

/// Rows of a block: few enough that a block stays in the second cache level.
const BLOCK_ROWS: usize = 2048;

/// How the text is written, and how many fields a record has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    pub delimiter: u8,
    pub quote: Option<u8>,
}

/// Fields of some records.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    /// Per row: where it begins, then where each of its fields ends, plus one.
    pub ends: Vec<u32>,
    /// Each row's record number within the chunk, from 0.
    pub ordinals: Vec<u32>,
    /// Records that have no row: number, reason, and what was found.
    pub refused: Vec<(u32, Reason, String)>,
    /// Copied fields, when they had to be unquoted.
    pub copy: Vec<u8>,
}

impl Fields {
    fn clear(&mut self) {
        self.ends.clear();
        self.ordinals.clear();
        self.refused.clear();
        self.copy.clear();
    }
}

/// A record holds a field that is over the limit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong {
    /// The record's number within the chunk, from 0.
    pub ordinal: u32,
}

/// Splits text without quotes.
#[derive(Debug)]
pub(crate) struct Plain<'a> {
    bytes: &'a [u8],
    at: usize,
    delimiter: u8,
    num_fields: usize,
    ordinal: u32,
}

impl<'a> Plain<'a> {
    pub fn new(bytes: &'a [u8], dialect: Dialect, num_fields: usize) -> Self {
        Plain { bytes, at: 0, delimiter: dialect.delimiter, num_fields, ordinal: 0 }
    }

    /// Records seen so far.
    pub fn num_records(&self) -> u32 {
        self.ordinal
    }

    /// The next rows; `false` when there are none, nor any refused record.
    pub fn next(&mut self, fields: &mut Fields) -> Result<bool, TooLong> {
        const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
        fields.clear();
        let spread = |byte: u8| u64::from(byte) * 0x0101_0101_0101_0101;
        let (delimiters, line_ends) = (spread(self.delimiter), spread(b'\n'));
        // The top bit of each byte of `word` that equals that byte of `wanted`.
        let equal = |word: u64, wanted: u64| {
            let x = word ^ wanted;
            !(((x & LOW) + LOW) | x | LOW)
        };
        let mut start = self.at;
        let mut row = 0;
        let mut at = self.at;
        fields.ends.push(start as u32);
        while at < self.bytes.len() {
            let word = match self.bytes[at..].first_chunk::<8>() {
                Some(eight) => u64::from_le_bytes(*eight),
                None => {
                    // Padded with a byte that is neither delimiter nor line end.
                    let mut last = [if self.delimiter == b'x' { b'y' } else { b'x' }; 8];
                    last[..self.bytes.len() - at].copy_from_slice(&self.bytes[at..]);
                    u64::from_le_bytes(last)
                }
            };
            let is_line_end = equal(word, line_ends);
            let mut hits = is_line_end | equal(word, delimiters);
            while hits != 0 {
                let bit = hits.trailing_zeros();
                hits &= hits - 1;
                let hit = at + (bit / 8) as usize;
                if is_line_end >> bit & 1 == 0 {
                    fields.ends.push(hit as u32 + 1);
                    continue;
                }
                self.end_record(fields, start, hit, row)?;
                start = hit + 1;
                row = fields.ends.len();
                fields.ends.push(start as u32);
                if fields.ordinals.len() == BLOCK_ROWS {
                    fields.ends.pop();
                    self.at = start;
                    return Ok(true);
                }
            }
            at += 8;
        }
        if start < self.bytes.len() {
            self.end_record(fields, start, self.bytes.len(), row)?;
        } else {
            fields.ends.pop();
        }
        self.at = self.bytes.len();
        Ok(!fields.ordinals.is_empty() || !fields.refused.is_empty())
    }

    /// Ends the record that began at `start` and at `ends[row]`.
    #[inline]
    fn end_record(
        &mut self,
        fields: &mut Fields,
        start: usize,
        end: usize,
        row: usize,
    ) -> Result<(), TooLong> {
        let end = if end > start && self.bytes[end - 1] == b'\r' { end - 1 } else { end };
        fields.ends.push(end as u32 + 1);
        let found = fields.ends.len() - row - 1;
        if found == self.num_fields && end - start <= FIELD_MAX && end > start {
            fields.ordinals.push(self.ordinal);
            self.ordinal += 1;
            return Ok(());
        }
        if end == start {
            fields.ends.truncate(row);
            return Ok(());
        }
        end_unusual(fields, row, found, self.num_fields, &mut self.ordinal)
    }
}

/// Ends a record that is long or has another number of fields than the header.
#[cold]
fn end_unusual(
    fields: &mut Fields,
    row: usize,
    found: usize,
    expected: usize,
    ordinal: &mut u32,
) -> Result<(), TooLong> {
    if fields.ends[row..].windows(2).any(|pair| (pair[1] - pair[0]) as usize > FIELD_MAX + 1) {
        return Err(TooLong { ordinal: *ordinal });
    }
    if found == expected {
        fields.ordinals.push(*ordinal);
    } else {
        fields.ends.truncate(row);
        fields.refused.push(wrong_number(*ordinal, found, expected));
    }
    *ordinal += 1;
    Ok(())
}

fn wrong_number(ordinal: u32, found: usize, expected: usize) -> (u32, Reason, String) {
    (ordinal, Reason::WrongNumberOfFields, format!("{found} fields, expected {expected}"))
}

/// The fields of the first record that is not an empty line, as texts, and where the next record begins.
pub(crate) fn first_record(bytes: &[u8], dialect: Dialect) -> Result<Option<(Vec<String>, usize)>, TooLong> {
    // Without quotes, a byte that no text contains.
    let quote = dialect.quote.unwrap_or(0);
    let mut splitter = Quoted::new(bytes, dialect, quote, 0);
    let mut fields = Fields::default();
    while splitter.at < bytes.len() {
        let began = splitter.at;
        fields.clear();
        splitter.fields(&mut fields)?;
        if !matches!(&bytes[began..splitter.at], b"\n" | b"\r\n" | b"\r") {
            let text = |pair: &[u32]| &fields.copy[pair[0] as usize..pair[1] as usize - 1];
            let texts = fields.ends.windows(2).map(|pair| String::from_utf8_lossy(text(pair)).into_owned());
            return Ok(Some((texts.collect(), splitter.at)));
        }
    }
    Ok(None)
}

/// Splits text with quotes.
#[derive(Debug)]
pub(crate) struct Quoted<'a> {
    bytes: &'a [u8],
    at: usize,
    delimiter: u8,
    quote: u8,
    num_fields: usize,
    ordinal: u32,
}

impl<'a> Quoted<'a> {
    pub fn new(bytes: &'a [u8], dialect: Dialect, quote: u8, num_fields: usize) -> Self {
        Quoted { bytes, at: 0, delimiter: dialect.delimiter, quote, num_fields, ordinal: 0 }
    }

    /// Records seen so far.
    pub fn num_records(&self) -> u32 {
        self.ordinal
    }

    /// Where the next record begins.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next rows, copied to `fields.copy`; `false` when there are none, nor any refused record.
    pub fn next(&mut self, fields: &mut Fields) -> Result<bool, TooLong> {
        fields.clear();
        while self.at < self.bytes.len() && fields.ordinals.len() < BLOCK_ROWS {
            self.record(fields)?;
        }
        Ok(!fields.ordinals.is_empty() || !fields.refused.is_empty())
    }

    /// One record, as a row, a refused record, or nothing if its line is empty.
    pub fn record(&mut self, fields: &mut Fields) -> Result<(), TooLong> {
        let (row, copied, began) = (fields.ends.len(), fields.copy.len(), self.at);
        let clean = self.fields(fields)?;
        let found = fields.ends.len() - row - 1;
        if matches!(&self.bytes[began..self.at], b"\n" | b"\r\n" | b"\r") {
            fields.ends.truncate(row);
            fields.copy.truncate(copied);
            return Ok(());
        }
        if clean && found == self.num_fields {
            fields.ordinals.push(self.ordinal);
        } else {
            fields.ends.truncate(row);
            fields.copy.truncate(copied);
            fields.refused.push(if clean {
                wrong_number(self.ordinal, found, self.num_fields)
            } else {
                (self.ordinal, Reason::BadQuote, "text behind a closing quote".to_string())
            });
        }
        self.ordinal += 1;
        Ok(())
    }

    /// Copies the fields of one record and goes behind it; `false` if text stands behind a closing quote.
    fn fields(&mut self, fields: &mut Fields) -> Result<bool, TooLong> {
        fields.ends.push(fields.copy.len() as u32);
        let mut clean = true;
        loop {
            let begins = fields.copy.len();
            let quoted = self.bytes.get(self.at) == Some(&self.quote);
            if quoted {
                clean &= self.quoted_field(&mut fields.copy);
            }
            // What is left of the field: all of it, or what should not stand behind a closing quote.
            let rest = &self.bytes[self.at..];
            let len = memchr2(self.delimiter, b'\n', rest).unwrap_or(rest.len());
            let line_end = rest.get(len) != Some(&self.delimiter);
            let mut text = &rest[..len];
            if line_end && text.last() == Some(&b'\r') {
                text = &text[..len - 1];
            }
            clean &= !quoted || text.is_empty();
            fields.copy.extend_from_slice(text);
            if fields.copy.len() - begins > FIELD_MAX {
                return Err(TooLong { ordinal: self.ordinal });
            }
            fields.copy.push(self.delimiter);
            fields.ends.push(fields.copy.len() as u32);
            self.at += len + usize::from(len < rest.len());
            if line_end {
                return Ok(clean);
            }
        }
    }

    /// Copies a quoted field and goes behind its closing quote; `false` if there is none.
    fn quoted_field(&mut self, copy: &mut Vec<u8>) -> bool {
        self.at += 1;
        loop {
            let rest = &self.bytes[self.at..];
            let Some(len) = memchr(self.quote, rest) else {
                copy.extend_from_slice(rest);
                self.at = self.bytes.len();
                return false;
            };
            copy.extend_from_slice(&rest[..len]);
            self.at += len + 1;
            if self.bytes.get(self.at) != Some(&self.quote) {
                return true;
            }
            copy.push(self.quote);
            self.at += 1;
        }
    }
}

/// Finds record ends in text that is given piece by piece, beginning at the start of a record.
#[derive(Clone, Debug)]
pub(crate) struct Scanner {
    dialect: Dialect,
    /// Everything before has been looked at.
    at: usize,
    /// Behind the last line end that ends a record.
    record_end: Option<usize>,
    /// Where the quoted field began that is not closed yet.
    open: Option<usize>,
    /// Whether a quoted field was seen.
    pub quoted: bool,
}

impl Scanner {
    pub fn new(dialect: Dialect, start: usize) -> Self {
        Scanner { dialect, at: start, record_end: None, open: None, quoted: false }
    }

    /// Behind the last record that ends before the position given last.
    pub fn record_end(&self) -> Option<usize> {
        self.record_end
    }

    /// Where a quoted field began that was not closed up to the position given last.
    pub fn open(&self) -> Option<usize> {
        self.open
    }

    /// Looks at `text[..to]`; `last` says that the text ends there.
    ///
    /// Without it, a quote that is the last byte stays undecided: the next byte may double it.
    pub fn scan(&mut self, text: &[u8], to: usize, last: bool) {
        let Some(quote) = self.dialect.quote else {
            self.line_ends(text, to);
            return;
        };
        while self.at < to {
            if self.open.is_some() {
                let Some(found) = memchr(quote, &text[self.at..to]) else {
                    self.at = to;
                    return;
                };
                let hit = self.at + found;
                if hit + 1 == to && !last {
                    self.at = hit;
                    return;
                }
                if hit + 1 < to && text[hit + 1] == quote {
                    self.at = hit + 2;
                } else {
                    self.open = None;
                    self.at = hit + 1;
                }
                continue;
            }
            let Some(found) = memchr(quote, &text[self.at..to]) else {
                self.line_ends(text, to);
                return;
            };
            let hit = self.at + found;
            self.line_ends(text, hit);
            self.at = hit + 1;
            if hit == 0 || text[hit - 1] == self.dialect.delimiter || text[hit - 1] == b'\n' {
                (self.open, self.quoted) = (Some(hit), true);
            }
        }
    }

    fn line_ends(&mut self, text: &[u8], to: usize) {
        if let Some(found) = memrchr(b'\n', &text[self.at..to]) {
            self.record_end = Some(self.at + found + 1);
        }
        self.at = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COMMA: Dialect = Dialect { delimiter: b',', quote: Some(b'"') };

    type Rows = Vec<(u32, Vec<String>)>;

    fn rows_of(bytes: &[u8], fields: &Fields, num_fields: usize) -> Rows {
        let field = |row: usize, column: usize| {
            let at = row * (num_fields + 1) + column;
            String::from_utf8_lossy(&bytes[fields.ends[at] as usize..fields.ends[at + 1] as usize - 1])
                .into_owned()
        };
        let rows = fields.ordinals.iter().enumerate();
        rows.map(|(row, ordinal)| (*ordinal, (0..num_fields).map(|column| field(row, column)).collect()))
            .collect()
    }

    fn plain(text: &str, num_fields: usize) -> (Rows, Vec<u32>) {
        let (mut fields, mut rows, mut refused) = (Fields::default(), Vec::new(), Vec::new());
        let mut splitter = Plain::new(text.as_bytes(), COMMA, num_fields);
        while splitter.next(&mut fields).unwrap() {
            rows.extend(rows_of(text.as_bytes(), &fields, num_fields));
            refused.extend(fields.refused.iter().map(|r| r.0));
        }
        (rows, refused)
    }

    fn quoted(text: &str, num_fields: usize) -> (Rows, Vec<u32>) {
        let (mut fields, mut rows, mut refused) = (Fields::default(), Vec::new(), Vec::new());
        let mut splitter = Quoted::new(text.as_bytes(), COMMA, b'"', num_fields);
        while splitter.next(&mut fields).unwrap() {
            rows.extend(rows_of(&fields.copy, &fields, num_fields));
            refused.extend(fields.refused.iter().map(|r| r.0));
        }
        (rows, refused)
    }

    fn row(ordinal: u32, fields: &[&str]) -> (u32, Vec<String>) {
        (ordinal, fields.iter().map(|f| f.to_string()).collect())
    }

    #[test]
    fn lines_are_split_with_and_without_carriage_returns() {
        let text = "a,b\r\n\r\n1,2\n\n,\nx\n3,\r\n4,5,6\n,7";
        let expected = vec![
            row(0, &["a", "b"]),
            row(1, &["1", "2"]),
            row(2, &["", ""]),
            row(4, &["3", ""]),
            row(6, &["", "7"]),
        ];
        assert_eq!(plain(text, 2), (expected.clone(), vec![3, 5]));
        assert_eq!(quoted(text, 2), (expected, vec![3, 5]));
    }

    #[test]
    fn quoted_fields_hold_delimiters_quotes_and_line_ends() {
        let text = "\"a,b\",\"c\"\"d\"\n\"e\r\nf\",\"\"\r\n5\" pipe,\"g\"x\nh,\"\"\"\"";
        let expected = vec![row(0, &["a,b", "c\"d"]), row(1, &["e\r\nf", ""]), row(3, &["h", "\""])];
        assert_eq!(quoted(text, 2), (expected, vec![2]));
    }

    #[test]
    fn a_field_over_the_limit_is_an_error_with_its_record() {
        let long = "x".repeat(FIELD_MAX);
        assert_eq!(plain(&format!("a,b\n{long},b\n"), 2).0.len(), 2);
        let text = format!("a,b\n{long}x,b\n");
        assert_eq!(
            Plain::new(text.as_bytes(), COMMA, 2).next(&mut Fields::default()),
            Err(TooLong { ordinal: 1 })
        );
        let text = format!("a,b\n\"{long}x\",b\n");
        let error = Quoted::new(text.as_bytes(), COMMA, b'"', 2).next(&mut Fields::default());
        assert_eq!(error, Err(TooLong { ordinal: 1 }));
    }

    /// Fields of a record, and whether nothing stands behind a closing quote.
    type Record = (Vec<Vec<u8>>, bool);

    /// RFC 4180 read byte by byte: the fields of each record, and where each record ends.
    fn slow(text: &[u8]) -> (Vec<Record>, Vec<usize>, bool) {
        let (mut records, mut ends) = (Vec::new(), Vec::new());
        let mut i = 0;
        let mut unclosed = false;
        while i < text.len() {
            let began = i;
            let (mut record, mut clean) = (Vec::new(), true);
            loop {
                let mut field = Vec::new();
                let mut in_quotes = false;
                let was_quoted = i < text.len() && text[i] == b'"';
                if was_quoted {
                    in_quotes = true;
                    i += 1;
                }
                while in_quotes && i < text.len() {
                    if text[i] == b'"' && text.get(i + 1) == Some(&b'"') {
                        field.push(b'"');
                        i += 2;
                    } else if text[i] == b'"' {
                        in_quotes = false;
                        i += 1;
                    } else {
                        field.push(text[i]);
                        i += 1;
                    }
                }
                unclosed |= in_quotes;
                clean &= !in_quotes;
                let behind = i;
                while i < text.len() && text[i] != b',' && text[i] != b'\n' {
                    field.push(text[i]);
                    i += 1;
                }
                let line_end = i >= text.len() || text[i] == b'\n';
                if line_end && i > behind && text[i - 1] == b'\r' {
                    field.pop();
                    clean &= !was_quoted || i - 1 == behind;
                } else {
                    clean &= !was_quoted || i == behind;
                }
                record.push(field);
                if i < text.len() {
                    i += 1;
                }
                if line_end {
                    break;
                }
            }
            if !["\n", "\r\n", "\r"].contains(&String::from_utf8_lossy(&text[began..i]).as_ref()) {
                records.push((record, clean));
            }
            if text[i - 1] == b'\n' && !unclosed {
                ends.push(i);
            }
        }
        (records, ends, unclosed)
    }

    proptest! {
        #[test]
        fn both_splitters_equal_a_reading_byte_by_byte(text in "[ab,\n\r]{0,60}", num_fields in 1usize..4) {
            let expected: Rows = slow(text.as_bytes()).0.into_iter().enumerate()
                .filter(|(_, (fields, _))| fields.len() == num_fields)
                .map(|(i, (fields, _))| {
                    (i as u32, fields.into_iter().map(|f| String::from_utf8(f).unwrap()).collect())
                }).collect();
            prop_assert_eq!(&plain(&text, num_fields).0, &expected);
            prop_assert_eq!(&quoted(&text, num_fields).0, &expected);
        }

        #[test]
        fn quotes_are_read_as_the_standard_says(text in "([ab]|,|\n|\r\n|\"|\"\"){0,40}", num_fields in 1usize..4) {
            let (records, _, _) = slow(text.as_bytes());
            let expected: Rows = records.into_iter().enumerate()
                .filter(|(_, (fields, clean))| fields.len() == num_fields && *clean)
                .map(|(i, (fields, _))| {
                    (i as u32, fields.into_iter().map(|f| String::from_utf8(f).unwrap()).collect())
                }).collect();
            prop_assert_eq!(quoted(&text, num_fields).0, expected);
        }

        #[test]
        fn the_scanner_finds_the_last_record_end_of_any_piece(
            text in "([ab]|,|\n|\r\n|\"|\"\"){0,40}", steps in proptest::collection::vec(1usize..9, 1..40),
        ) {
            let text = text.as_bytes();
            let mut scanner = Scanner::new(COMMA, 0);
            let mut to = 0;
            for step in steps {
                to = (to + step).min(text.len());
                scanner.scan(text, to, to == text.len());
                // Only the whole text says what the bytes before `to` mean.
                let expected = slow(text).1.into_iter().rfind(|end| *end <= to);
                prop_assert_eq!(scanner.record_end(), expected);
            }
            if to == text.len() {
                prop_assert_eq!(scanner.open().is_some(), slow(text).2);
            }
        }
    }
}
