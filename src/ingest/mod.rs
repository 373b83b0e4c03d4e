//! Ingest: rows of foreign formats become columns; the only readers of them.
//!
//! A [`Mapping`] says which column is what. [`read_transactions`] parses the
//! sources in parallel, chunk by chunk, and hands over [`Batch`]es in row order.
//! Every row is accepted, rejected with a reason, or skipped by a rule, and
//! counted in money too.

pub mod batch;
pub mod mapping;
pub mod presets;
pub mod reject;

pub use batch::{AccountRows, Batch, LinkRows};
pub use mapping::Mapping;
pub use reject::{Reason, Reject, RejectLog};

use crate::error::Result;
use crate::run::Run;
use crate::store::manifest::{ControlTotal, SourceEntry};
use crate::units::Currency;
use std::path::PathBuf;

/// Something to read.
#[derive(Debug)]
#[non_exhaustive]
pub enum Source {
    /// A file: CSV, plain or packed by gzip or zstd, or Parquet; recognised by its first bytes, not its name.
    File(PathBuf),
}

/// How to read, beside the mapping; the defaults suit every file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// Text of one chunk, in bytes; a chunk is one task and one batch. At least 1.
    pub chunk_bytes: usize,
    /// Rows of one chunk of a Parquet file or a data frame; at least 1.
    pub chunk_rows: usize,
    /// `Batch::source_ordinal` of the first source.
    pub first_ordinal: u32,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions { chunk_bytes: 8 << 20, chunk_rows: 1 << 18, first_ordinal: 0 }
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
/// [`Error::Input`](crate::Error::Input) if a source cannot be used as a whole (missing columns, no rows, not UTF-8, an
/// unclosed quote, a damaged archive); [`Error::Io`](crate::Error::Io) if the system refuses.
pub fn read_transactions(
    sources: Vec<Source>,
    mapping: &Mapping,
    options: &ReadOptions,
    run: &Run,
    sink: &mut dyn FnMut(Batch) -> Result<()>,
) -> Result<ReadReport> {
    let _ = (sources, mapping, options, run, sink);
    todo!()
}

/// Reads accounts tables: one row per account, its key and its attributes.
pub fn read_accounts(
    sources: Vec<Source>,
    mapping: &Mapping,
    options: &ReadOptions,
    run: &Run,
) -> Result<(AccountRows, ReadReport)> {
    let _ = (sources, mapping, options, run);
    todo!()
}

/// Reads links tables: which account uses which device, e-mail, phone, ….
pub fn read_links(
    sources: Vec<Source>,
    mapping: &Mapping,
    options: &ReadOptions,
    run: &Run,
) -> Result<(LinkRows, ReadReport)> {
    let _ = (sources, mapping, options, run);
    todo!()
}
