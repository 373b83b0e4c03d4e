//! The readers: sources in, batches and a report out.

use super::accounts::{AccountChunk, AccountPlan, AccountTable};
use super::batch::{AccountRows, Batch, LinkRows};
use super::cells::Block;
use super::csv::{CsvSource, Rows};
#[cfg(feature = "arrow")]
use super::frame::FrameSource;
use super::links::{LinkChunk, LinkPlan, LinkTable};
use super::mapping::{Files, Mapping};
use super::money::Totals;
#[cfg(feature = "arrow")]
use super::parquet::ParquetSource;
use super::plan::{Header, TransactionPlan};
use super::reject::{Reason, Reject};
use super::rows::{ReadChunk, TransactionRows};
use super::stream::{PARQUET_MAGIC, Text, first_bytes};
use crate::error::{Error, Result};
use crate::run::Run;
use crate::store::manifest::{AttributeColumn, ControlTotal, SourceEntry};
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
    /// A data frame, as Arrow record batches.
    #[cfg(feature = "arrow")]
    Frame {
        /// What reports and errors call it, for example `frame`.
        name: String,
        /// Its schema and rows.
        reader: Box<dyn arrow_array::RecordBatchReader + Send>,
    },
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::File(path) => f.debug_tuple("File").field(path).finish(),
            Source::Reader { name, .. } => {
                f.debug_struct("Reader").field("name", name).finish_non_exhaustive()
            }
            #[cfg(feature = "arrow")]
            Source::Frame { name, .. } => f.debug_struct("Frame").field("name", name).finish_non_exhaustive(),
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
    /// `Batch::source_ordinal` of the first source; a store counts its sources itself.
    pub first_ordinal: u32,
    /// Attribute columns that have a type already; it counts where the mapping names none.
    pub attributes: Vec<AttributeColumn>,
    /// About how many bytes of text and rows may be in work at a time. Where that is little, chunks are smaller and fewer;
    /// what is read is the same.
    pub in_flight: u64,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions {
            chunk_bytes: 8 << 20,
            chunk_rows: 1 << 18,
            first_ordinal: 0,
            attributes: Vec::new(),
            in_flight: u64::MAX,
        }
    }
}

/// Chunks that what may be in work is cut into, where it is too little for chunks of the usual size.
const CHUNKS: usize = 16;
/// Smallest chunk of text, unless less may be in work: handing it over still costs little.
const CHUNK_BYTES_MIN: usize = 256 << 10;
/// Bytes in work for each byte of a CSV chunk: this wave's text and columns, the next wave's text.
const TEXT_FACTOR: usize = 5;
/// Bytes in work for each row of a Parquet file: decoded cells, columns and keys.
#[cfg(feature = "arrow")]
const ROW_BYTES: usize = 128;

impl ReadOptions {
    /// Bytes of a chunk of text, and most chunks in work at a time.
    pub(crate) fn text_in_flight(&self) -> (usize, usize) {
        let text = usize::try_from(self.in_flight).unwrap_or(usize::MAX) / TEXT_FACTOR;
        let chunk = self.chunk_bytes.min((text / CHUNKS).max(CHUNK_BYTES_MIN.min(text))).max(1);
        (chunk, (text / chunk).max(1))
    }

    /// Rows of a chunk of a Parquet file, and most rows in work at a time.
    #[cfg(feature = "arrow")]
    pub(crate) fn rows_in_flight(&self) -> (usize, usize) {
        let rows = (usize::try_from(self.in_flight).unwrap_or(usize::MAX) / ROW_BYTES).max(1);
        (self.chunk_rows.min(rows.div_ceil(CHUNKS)), rows)
    }

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
    mapping.transactions()?;
    let mut report = ReadReport::default();
    let mut totals = Totals::default();
    for (ordinal, source) in (options.first_ordinal..).zip(sources) {
        let mut opened = Opened::new(source, mapping.files(), options)?;
        let (plan, used) = opened.plan(mapping.files(), |header| TransactionPlan::new(mapping, header))?;
        let mut counts = Counts::default();
        let begin = |expected| TransactionRows::new(&plan, expected);
        opened.read(run, &used, &begin, &mut |chunk: ReadChunk, first_record, num_records| {
            let ReadChunk { mut batch, totals: more, num_skipped } = chunk;
            batch.source_ordinal = ordinal;
            batch.first_record += first_record;
            for reject in &mut batch.rejects {
                reject.record += first_record;
            }
            totals.add(more);
            counts.add(num_records, batch.len() as u64, batch.rejects.len() as u64, num_skipped);
            if batch.is_empty() && batch.rejects.is_empty() { Ok(()) } else { sink(batch) }
        })?;
        report.sources.push(opened.entry("transactions", counts)?);
    }
    report.totals = totals.into_list();
    Ok(report)
}

/// Reads accounts tables: one row per account, its key and its attributes.
///
/// Several sources make one table with the columns of all; the first row of an account counts.
///
/// # Errors
/// As [`read_transactions`].
pub fn read_accounts(
    sources: Vec<Source>,
    mapping: &Mapping,
    options: &ReadOptions,
    run: &Run,
) -> Result<(AccountRows, ReadReport)> {
    options.check()?;
    let rules = mapping.accounts()?;
    let mut report = ReadReport::default();
    let mut table = AccountTable::new();
    for source in sources {
        let mut opened = Opened::new(source, mapping.files(), options)?;
        let (plan, used) =
            opened.plan(mapping.files(), |header| AccountPlan::new(rules, &options.attributes, header))?;
        let mut counts = Counts::default();
        opened.read(run, &used, &|_| AccountChunk::new(&plan), &mut |chunk, first_record, num_records| {
            let (accepted, rejects) = table.add(chunk, first_record);
            counts.add(num_records, accepted, rejects.len() as u64, 0);
            report.rejects.extend(rejects);
            Ok(())
        })?;
        report.sources.push(opened.entry("accounts", counts)?);
    }
    Ok((table.finish(), report))
}

/// Reads links tables: which account uses which device, e-mail, phone, ….
///
/// A record without any value to link is skipped and counted.
///
/// # Errors
/// As [`read_transactions`].
pub fn read_links(
    sources: Vec<Source>,
    mapping: &Mapping,
    options: &ReadOptions,
    run: &Run,
) -> Result<(LinkRows, ReadReport)> {
    options.check()?;
    let rules = mapping.links()?;
    let mut report = ReadReport::default();
    let mut table = LinkTable::new();
    for source in sources {
        let mut opened = Opened::new(source, mapping.files(), options)?;
        let (plan, used) = opened.plan(mapping.files(), |header| LinkPlan::new(rules, header))?;
        let (mut counts, source) = (Counts::default(), opened.source.clone());
        let begin = |expected| LinkChunk::new(&plan, expected);
        opened.read(run, &used, &begin, &mut |mut chunk: super::links::Done,
                                               first_record,
                                               num_records| {
            table.add(&chunk, &source)?;
            let rejected = chunk.rejects.len() as u64;
            let accepted = u64::from(num_records) - rejected - chunk.num_skipped;
            counts.add(num_records, accepted, rejected, chunk.num_skipped);
            for reject in &mut chunk.rejects {
                reject.record += first_record;
            }
            report.rejects.append(&mut chunk.rejects);
            Ok(())
        })?;
        report.sources.push(opened.entry("links", counts)?);
    }
    Ok((table.finish(), report))
}

/// A source whose columns are known.
struct Opened {
    /// What errors call it.
    source: Arc<str>,
    /// What reports and rejects call it.
    name: Arc<str>,
    rows: RowSource,
}

enum RowSource {
    Csv(CsvSource),
    #[cfg(feature = "arrow")]
    Frame(FrameSource),
    #[cfg(feature = "arrow")]
    Parquet(ParquetSource),
}

impl Opened {
    fn new(source: Source, files: &Files, options: &ReadOptions) -> Result<Self> {
        let (text, source, name) = match source {
            Source::File(path) => {
                let source: Arc<str> = path.display().to_string().into();
                let name: Arc<str> =
                    path.file_name().map_or(source.clone(), |name| name.to_string_lossy().into());
                if first_bytes(&path)? == PARQUET_MAGIC {
                    return Self::parquet(&path, source, name, options);
                }
                (Text::open(&path, &source)?, source, name)
            }
            Source::Reader { name, reader } => {
                let name: Arc<str> = name.into();
                (Text::new(reader, Path::new(&*name), &name)?, name.clone(), name)
            }
            #[cfg(feature = "arrow")]
            Source::Frame { name, reader } => {
                let name: Arc<str> = name.into();
                let rows = RowSource::Frame(FrameSource::new(
                    reader,
                    &name,
                    options.chunk_rows,
                    options.rows_in_flight().1,
                ));
                return Ok(Opened { source: name.clone(), name, rows });
            }
        };
        let csv = CsvSource::open(text, &source, files, options.text_in_flight())?;
        Ok(Opened { source, name, rows: RowSource::Csv(csv) })
    }

    #[cfg(feature = "arrow")]
    fn parquet(path: &Path, source: Arc<str>, name: Arc<str>, options: &ReadOptions) -> Result<Self> {
        let rows = RowSource::Parquet(ParquetSource::open(path, &source, options.rows_in_flight())?);
        Ok(Opened { source, name, rows })
    }

    #[cfg(not(feature = "arrow"))]
    fn parquet(_: &Path, source: Arc<str>, _: Arc<str>, _: &ReadOptions) -> Result<Self> {
        Err(Error::input(source, "this build does not read Parquet; build it with the feature `arrow`"))
    }

    /// Applies a mapping to the header; also returns which columns it uses.
    fn plan<P>(&self, files: &Files, make: impl FnOnce(&Header<'_>) -> Result<P>) -> Result<(P, Vec<bool>)> {
        let (names, named, floats) = match &self.rows {
            RowSource::Csv(csv) => (csv.names.clone(), files.header, Vec::new()),
            #[cfg(feature = "arrow")]
            RowSource::Frame(FrameSource { fields, .. })
            | RowSource::Parquet(ParquetSource { fields, .. }) => (
                fields.iter().map(|(name, _)| name.clone()).collect(),
                true,
                fields.iter().map(|(_, kind)| kind.is_floating()).collect(),
            ),
        };
        let mut header = Header::new(&self.source, &self.name, &names, files, named);
        header.floats = floats;
        let plan = make(&header)?;
        Ok((plan, header.used.into_inner()))
    }

    /// Reads all rows: `begin` makes what takes a chunk, `hand_on` gets it back in order, with its first record's number
    /// and its number of records.
    #[cfg_attr(not(feature = "arrow"), allow(unused_variables))]
    fn read<R: Rows>(
        &mut self,
        run: &Run,
        used: &[bool],
        begin: &(impl Fn(usize) -> R + Sync),
        hand_on: &mut dyn FnMut(R::Done, u64, u32) -> Result<()>,
    ) -> Result<()> {
        match &mut self.rows {
            RowSource::Csv(csv) => csv.read(run, begin, hand_on),
            #[cfg(feature = "arrow")]
            RowSource::Frame(frame) => frame.read(run, used, begin, hand_on),
            #[cfg(feature = "arrow")]
            RowSource::Parquet(parquet) => parquet.read(run, used, begin, hand_on),
        }
    }

    /// The report's entry, when everything has been read.
    fn entry(&self, role: &str, counts: Counts) -> Result<SourceEntry> {
        let Counts { read, accepted, rejected, skipped } = counts;
        if read == 0 {
            return Err(Error::input(&self.source, "there is a header and no rows"));
        }
        let (sha256, bytes) = match &self.rows {
            RowSource::Csv(csv) => csv.digest(),
            #[cfg(feature = "arrow")]
            RowSource::Frame(frame) => frame.digest(),
            #[cfg(feature = "arrow")]
            RowSource::Parquet(parquet) => parquet.digest(),
        };
        let (role, name) = (role.to_string(), self.name.to_string());
        Ok(SourceEntry { role, name, sha256, bytes, read, accepted, rejected, skipped })
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
    fn add(&mut self, num_records: u32, accepted: u64, rejected: u64, skipped: u64) {
        assert_eq!(u64::from(num_records), accepted + rejected + skipped, "every record is counted once");
        self.read += u64::from(num_records);
        self.accepted += accepted;
        self.rejected += rejected;
        self.skipped += skipped;
    }
}

impl Rows for TransactionRows<'_> {
    type Done = ReadChunk;

    fn push(&mut self, block: &Block<'_>) -> Result<()> {
        TransactionRows::push(self, block)
    }

    fn refuse(&mut self, ordinal: u32, reason: Reason, detail: String) {
        TransactionRows::refuse(self, ordinal, reason, detail);
    }

    fn finish(self) -> ReadChunk {
        TransactionRows::finish(self)
    }
}
