//! The readers: sources in, batches and a report out.

use super::batch::Batch;
use super::cells::Block;
use super::csv::{CsvSource, Rows};
use super::mapping::Mapping;
use super::money::Totals;
use super::plan::{Header, TransactionPlan};
use super::reject::{Reason, Reject};
use super::rows::{ReadChunk, TransactionRows};
use super::stream::{PARQUET_MAGIC, Text, first_bytes};
use crate::error::{Error, Result};
use crate::run::Run;
use crate::store::manifest::{ControlTotal, SourceEntry};
use crate::units::Currency;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Something to read.
#[non_exhaustive]
pub enum Source {
    /// A file: CSV, plain or packed by gzip or zstd, or Parquet; recognised by its first bytes, not its name.
    File(PathBuf),
    /// CSV from anywhere, plain or packed, under a name of the caller's choice.
    Reader {
        /// What reports and errors call it.
        name: String,
        /// Its bytes.
        reader: Box<dyn Read + Send>,
    },
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::File(path) => f.debug_tuple("File").field(path).finish(),
            Source::Reader { name, .. } => {
                f.debug_struct("Reader").field("name", name).finish_non_exhaustive()
            }
        }
    }
}

/// How to read, beside the mapping; the defaults suit every file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// Text of one chunk, in bytes; a chunk is one task and one batch. 1 to 64 MiB.
    pub chunk_bytes: usize,
    /// Rows of one chunk of a Parquet file or a data frame; 1 to 2^20.
    pub chunk_rows: usize,
    /// `Batch::source_ordinal` of the first source.
    pub first_ordinal: u32,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions { chunk_bytes: 8 << 20, chunk_rows: 1 << 18, first_ordinal: 0 }
    }
}

impl ReadOptions {
    fn check(&self) -> Result<()> {
        if !(1..=64 << 20).contains(&self.chunk_bytes) {
            let value = self.chunk_bytes.to_string();
            return Err(Error::Option { name: "chunk_bytes", value, allowed: "1 to 67108864" });
        }
        if !(1..=1 << 20).contains(&self.chunk_rows) {
            let value = self.chunk_rows.to_string();
            return Err(Error::Option { name: "chunk_rows", value, allowed: "1 to 1048576" });
        }
        Ok(())
    }
}

/// What was read, in counts and in money.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadReport {
    /// One entry per source, in the order given.
    pub sources: Vec<SourceEntry>,
    /// Totals per currency paid, by code: accepted + rejected = read, as far as amounts could be read.
    pub totals: Vec<(Currency, ControlTotal)>,
    /// Rejects of accounts and links tables; those of transactions travel in their batches.
    pub rejects: Vec<Reject>,
}

/// Reads transactions and hands them to `sink`, batch by batch, in row order.
///
/// Neither the batches nor the report depend on the number of threads. An error of
/// `sink` ends the reading and is returned.
///
/// # Errors
/// [`Error::Input`] if a source cannot be used as a whole (missing columns, no rows, not UTF-8, an unclosed quote, a
/// damaged archive), [`Error::Io`] if the system refuses, [`Error::Option`] for options outside their range.
pub fn read_transactions(
    sources: Vec<Source>,
    mapping: &Mapping,
    options: &ReadOptions,
    run: &Run,
    sink: &mut dyn FnMut(Batch) -> Result<()>,
) -> Result<ReadReport> {
    options.check()?;
    let mut report = ReadReport::default();
    let mut totals = Totals::default();
    for (ordinal, source) in (options.first_ordinal..).zip(sources) {
        let mut state = Progress { ordinal, totals: &mut totals, sink, counts: Counts::default() };
        let entry = match open(source)? {
            Opened::Text { text, source, name } => {
                read_csv_transactions(text, source, name, mapping, options, run, &mut state)?
            }
        };
        report.sources.push(entry);
    }
    report.totals = totals.into_list();
    Ok(report)
}

/// A source of known kind.
enum Opened {
    Text {
        text: Text,
        /// What errors call it.
        source: Arc<str>,
        /// What reports and rejects call it.
        name: Arc<str>,
    },
}

fn open(source: Source) -> Result<Opened> {
    match source {
        Source::File(path) => {
            let source: Arc<str> = path.display().to_string().into();
            let name: Arc<str> =
                path.file_name().map_or(source.clone(), |name| name.to_string_lossy().into());
            if first_bytes(&path)? == PARQUET_MAGIC {
                let problem = "this build does not read Parquet; build it with the feature `arrow`";
                return Err(Error::input(source, problem));
            }
            Ok(Opened::Text { text: Text::open(&path, &source)?, source, name })
        }
        Source::Reader { name, reader } => {
            let name: Arc<str> = name.into();
            let text = Text::new(reader, Path::new(&*name), &name)?;
            Ok(Opened::Text { text, source: name.clone(), name })
        }
    }
}

/// Records of one source so far.
#[derive(Debug, Default)]
struct Counts {
    read: u64,
    accepted: u64,
    rejected: u64,
    skipped: u64,
}

impl Counts {
    fn entry(self, role: &str, name: &str, (sha256, bytes): ([u8; 32], u64)) -> SourceEntry {
        let Counts { read, accepted, rejected, skipped } = self;
        debug_assert_eq!(read, accepted + rejected + skipped);
        SourceEntry {
            role: role.to_string(),
            name: name.to_string(),
            sha256,
            bytes,
            read,
            accepted,
            rejected,
            skipped,
        }
    }
}

/// What one transaction source adds to.
struct Progress<'s> {
    ordinal: u32,
    totals: &'s mut Totals,
    sink: &'s mut dyn FnMut(Batch) -> Result<()>,
    counts: Counts,
}

impl Progress<'_> {
    /// Gives a chunk its record numbers and hands it on.
    fn hand_on(&mut self, chunk: ReadChunk, first_record: u64, num_records: u32) -> Result<()> {
        let ReadChunk { mut batch, totals, num_skipped } = chunk;
        batch.source_ordinal = self.ordinal;
        batch.first_record += first_record;
        for reject in &mut batch.rejects {
            reject.record += first_record;
        }
        self.totals.add(totals);
        self.counts.read += u64::from(num_records);
        self.counts.accepted += batch.len() as u64;
        self.counts.rejected += batch.rejects.len() as u64;
        self.counts.skipped += num_skipped;
        if batch.is_empty() && batch.rejects.is_empty() {
            return Ok(());
        }
        (self.sink)(batch)
    }
}

impl Rows for TransactionRows<'_> {
    type Done = ReadChunk;
    fn push(&mut self, block: &Block<'_>) -> Result<()> {
        TransactionRows::push(self, block)
    }
    fn refuse(&mut self, ordinal: u32, reason: Reason, detail: String) {
        TransactionRows::refuse(self, ordinal, reason, detail)
    }
    fn finish(self) -> ReadChunk {
        TransactionRows::finish(self)
    }
}

fn read_csv_transactions(
    text: Text,
    source: Arc<str>,
    name: Arc<str>,
    mapping: &Mapping,
    options: &ReadOptions,
    run: &Run,
    state: &mut Progress<'_>,
) -> Result<SourceEntry> {
    let files = mapping.files();
    let mut csv = CsvSource::open(text, &source, files, options.chunk_bytes)?;
    let header = Header { source: &source, name: &name, names: &csv.names, named: files.header, files };
    let plan = TransactionPlan::new(mapping, &header)?;
    csv.read(run, &|expected| TransactionRows::new(&plan, expected), &mut |chunk, first, count| {
        state.hand_on(chunk, first, count)
    })?;
    let counts = std::mem::take(&mut state.counts);
    if counts.read == 0 {
        return Err(no_rows(&source));
    }
    Ok(counts.entry("transactions", &name, csv.digest()))
}

fn no_rows(source: &Arc<str>) -> Error {
    Error::input(source, "the file has a header and no rows")
}

/// Reads accounts tables: one row per account, its key and its attributes.
pub fn read_accounts(
    sources: Vec<Source>,
    mapping: &Mapping,
    options: &ReadOptions,
    run: &Run,
) -> Result<(super::batch::AccountRows, ReadReport)> {
    let _ = (sources, mapping, options, run);
    todo!()
}

/// Reads links tables: which account uses which device, e-mail, phone, ….
pub fn read_links(
    sources: Vec<Source>,
    mapping: &Mapping,
    options: &ReadOptions,
    run: &Run,
) -> Result<(super::batch::LinkRows, ReadReport)> {
    let _ = (sources, mapping, options, run);
    todo!()
}
