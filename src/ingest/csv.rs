//! CSV sources: header, waves of chunks, record numbers.
//!
//! # Method
//! While the chunks of one wave are parsed, one task each, the next wave is read,
//! unpacked and hashed. Parsed chunks are handed on in the order of the text, and
//! only then get their record numbers, since nobody knows before how many records
//! the earlier chunks have.

use super::cells::{Block, Columns};
use super::mapping::Files;
use super::reject::Reason;
use super::split::{Dialect, Fields, Plain, Quoted, Scanner, TooLong, first_record};
use super::stream::{Chunks, Fault, RECORD_MAX, Span, Text, Wave};
use crate::error::{Error, Result};
use crate::run::Run;
use memchr::memchr;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use std::sync::Arc;

/// An opened CSV file behind its header.
pub(crate) struct CsvSource {
    /// What errors call it.
    pub source: Arc<str>,
    /// Column names; empty texts where the file has no header.
    pub names: Vec<String>,
    dialect: Dialect,
    chunks: Chunks,
    /// Most chunks in work at a time.
    chunks_max: usize,
}

/// What stops the reading of a chunk.
#[derive(Debug)]
pub(crate) enum Stop {
    /// At a record of this number within the chunk, from 0.
    At(u32, String),
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Error(error)
    }
}

/// What takes the rows of one chunk.
pub(crate) trait Rows {
    /// What becomes of the rows.
    type Done: Send;
    /// Adds the rows of a block.
    fn push(&mut self, block: &Block<'_>) -> Result<()>;
    /// Adds a record that has no row.
    fn refuse(&mut self, ordinal: u32, reason: Reason, detail: String);
    /// Ends the chunk.
    fn finish(self) -> Self::Done;
}

const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

impl CsvSource {
    /// Reads the header of `text`; `in_flight` is the bytes of a chunk, and most chunks in work at a time.
    pub fn open(mut text: Text, source: &Arc<str>, files: &Files, in_flight: (usize, usize)) -> Result<Self> {
        let (chunk_bytes, chunks_max) = in_flight;
        let dialect = Dialect { delimiter: files.delimiter, quote: files.quote };
        let (mut first, mut ended) = (Vec::new(), false);
        let mut wanted = 64 << 10;
        loop {
            let len = first.len();
            first.resize(wanted, 0);
            let read = text.read(&mut first[len..])?;
            first.truncate(len + read);
            ended |= first.len() < wanted;
            if len == 0 {
                refuse_foreign(&first, source)?;
                if first.starts_with(UTF8_BOM) {
                    first.drain(..UTF8_BOM.len());
                }
            }
            let mut scanner = Scanner::new(dialect, 0);
            scanner.scan(&first, first.len(), ended);
            if ended
                || scanner.record_end().is_some_and(|end| first[..end].iter().any(|b| !b"\r\n".contains(b)))
            {
                break;
            }
            if first.len() > RECORD_MAX {
                let problem = "no line end within 16 MiB; this is not a CSV file, or a quote in its header is not closed";
                return Err(Error::input(source, problem));
            }
            wanted = 4 * first.len().max(wanted);
        }
        let long = |_: TooLong| {
            Error::input(source, "the header has a field of more than 1 MiB; this is no CSV file")
        };
        let Some((record, end)) = first_record(&first, dialect).map_err(long)? else {
            return Err(Error::input(source, "the file is empty"));
        };
        if let Some(name) = record.iter().find(|name| name.contains('\r')) {
            let _ = name;
            let problem = "lines end with CR alone; write them with LF or CR LF (`tr '\\r' '\\n'`)";
            return Err(Error::input(source, problem));
        }
        let names = if files.header {
            let names =
                if files.trim { record.iter().map(|n| n.trim().to_string()).collect() } else { record };
            first.drain(..end);
            names
        } else {
            vec![String::new(); record.len()]
        };
        let chunks = Chunks::new(text, dialect, chunk_bytes, first, ended);
        Ok(CsvSource { source: source.clone(), names, dialect, chunks, chunks_max })
    }

    /// SHA-256 and length of the file; to be called when all of it has been read.
    pub fn digest(&self) -> ([u8; 32], u64) {
        self.chunks.digest()
    }

    /// Parses all chunks: `begin` makes what takes a chunk of so many rows, `hand_on` gets it back in order, with the
    /// record number of its first record, from 1, and its number of records.
    pub fn read<R: Rows>(
        &mut self,
        run: &Run,
        begin: &(impl Fn(usize) -> R + Sync),
        hand_on: &mut dyn FnMut(R::Done, u64, u32) -> Result<()>,
    ) -> Result<()> {
        let num_threads = run.install(rayon::current_num_threads);
        let wave = self.chunks_max.min(4 * num_threads);
        let (mut current, mut next) = (Wave::default(), Wave::default());
        let mut first_record = 1;
        // The first wave is small, because nothing is parsed while it is read.
        self.chunks.fill(&mut current, wave.min(num_threads))?;
        while !current.chunks.is_empty() {
            let (dialect, num_fields) = (self.dialect, self.names.len());
            let chunks = &mut self.chunks;
            let (parsed, filled) = run.install(|| {
                let parse = |span: &Span| {
                    run.check()?;
                    let text = current.text(span);
                    let parsed = parse(text, span, dialect, num_fields, begin);
                    run.advance(text.len() as u64);
                    parsed
                };
                rayon::join(
                    || current.chunks.par_iter().map(parse).collect::<Vec<_>>(),
                    || chunks.fill(&mut next, wave),
                )
            });
            for chunk in parsed {
                let (rows, num_records) = chunk.map_err(|stop| match stop {
                    Stop::Error(error) => error,
                    Stop::At(ordinal, problem) => Error::input(
                        format!("{}, record {}", self.source, first_record + u64::from(ordinal)),
                        problem,
                    ),
                })?;
                hand_on(rows, first_record, num_records)?;
                first_record += u64::from(num_records);
            }
            filled?;
            std::mem::swap(&mut current, &mut next);
        }
        Ok(())
    }
}

/// Refuses what is no UTF-8 text from its first bytes.
fn refuse_foreign(first: &[u8], source: &Arc<str>) -> Result<()> {
    let head = &first[..first.len().min(256)];
    let nuls = |parity: usize| head.iter().skip(parity).step_by(2).filter(|b| **b == 0).count();
    let wide = head.len() >= 4 && (nuls(0) * 4 > head.len() || nuls(1) * 4 > head.len());
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") || wide {
        let problem = "the file is UTF-16; write it as UTF-8, for example with `iconv -f UTF-16 -t UTF-8`";
        return Err(Error::input(source, problem));
    }
    if head.starts_with(b"PK\x03\x04") {
        let problem = "the file is a ZIP archive or an Excel workbook; unpack it or save it as CSV";
        return Err(Error::input(source, problem));
    }
    Ok(())
}

/// Parses one chunk; also returns its number of records.
fn parse<R: Rows>(
    text: &[u8],
    span: &Span,
    dialect: Dialect,
    num_fields: usize,
    begin: &impl Fn(usize) -> R,
) -> std::result::Result<(R::Done, u32), Stop> {
    let expected = memchr::memchr_iter(b'\n', text).count() + 1;
    let mut rows = begin(expected);
    let mut fields = Fields::default();
    let utf8 = std::str::from_utf8(text).is_ok();
    let quote = dialect.quote.filter(|_| span.quoted);
    let long = |TooLong { ordinal }: TooLong| {
        Stop::At(
            ordinal,
            "a field of more than 1 MiB; take the record out, or close the quote that was left open".into(),
        )
    };
    if let Some(at) = span.fault.map(|(at, _)| at - span.range.start).or_else(|| memchr(0, text)) {
        return Err(explain(text, at, span.fault.map(|(_, fault)| fault), dialect, quote, num_fields));
    }
    let num_records = match quote {
        None => {
            let mut splitter = Plain::new(text, dialect, num_fields);
            while splitter.next(&mut fields).map_err(long)? {
                push(&mut rows, &mut fields, text, num_fields, utf8)?;
            }
            splitter.num_records()
        }
        Some(quote) => {
            let mut splitter = Quoted::new(text, dialect, quote, num_fields);
            while splitter.next(&mut fields).map_err(long)? {
                let copy = std::mem::take(&mut fields.copy);
                push(&mut rows, &mut fields, &copy, num_fields, utf8)?;
                fields.copy = copy;
            }
            splitter.num_records()
        }
    };
    Ok((rows.finish(), num_records))
}

fn push(
    rows: &mut impl Rows,
    fields: &mut Fields,
    bytes: &[u8],
    num_fields: usize,
    utf8: bool,
) -> Result<()> {
    for (ordinal, reason, detail) in fields.refused.drain(..) {
        rows.refuse(ordinal, reason, detail);
    }
    if fields.ordinals.is_empty() {
        return Ok(());
    }
    let columns = Columns::Fields { bytes, ends: &fields.ends, stride: num_fields + 1 };
    rows.push(&Block { columns, ordinals: &fields.ordinals, utf8 })
}

/// Says what is wrong at `at`, which makes the file unreadable, and in which record.
#[cold]
fn explain(
    text: &[u8],
    at: usize,
    fault: Option<Fault>,
    dialect: Dialect,
    quote: Option<u8>,
    num_fields: usize,
) -> Stop {
    let mut splitter = Quoted::new(&text[..at], dialect, quote.unwrap_or(0), num_fields);
    let mut fields = Fields::default();
    while splitter.position() < at {
        let before = splitter.num_records();
        let too_long = splitter.record(&mut fields).is_err();
        // The record that holds `at` has no line end before it.
        if too_long || splitter.position() >= at && !text[..at].ends_with(b"\n") {
            return Stop::At(before, problem(fault));
        }
        fields = Fields::default();
    }
    Stop::At(splitter.num_records(), problem(fault))
}

fn problem(fault: Option<Fault>) -> String {
    match fault {
        None => "a NUL byte, which no CSV file has; the file is damaged or binary",
        Some(Fault::UnclosedQuote) => {
            "a quote is opened here and never closed; close it, double it if it is text, or say files.quote = \"\" in the mapping if quotes mean nothing"
        }
        Some(Fault::LongQuote) => {
            "a quote is opened here and not closed within 1 MiB; close it, double it if it is text, or say files.quote = \"\" in the mapping if quotes mean nothing"
        }
        Some(Fault::LongRecord) => "no line end within 16 MiB; this is no CSV file, or it is damaged here",
    }
    .to_string()
}
