//! From files and frames to a published store: the whole way, or nothing.

use super::spill::{self, Budget, Collected};
use super::{BuildOptions, Input, LeftOut, prepare};
use crate::error::{Error, Result};
use crate::ingest::{
    Batch, Mapping, ReadOptions, ReadReport, Reason, Reject, RejectLog, Source, read_accounts, read_links,
    read_transactions,
};
use crate::memory::machine_bytes;
use crate::run::Run;
use crate::store::StoreWriter;
use crate::store::manifest::{ControlTotal, Manifest, Partition, SourceEntry};
use crate::units::Currency;
use std::collections::BTreeMap;
use std::path::Path;

/// What to read.
#[derive(Debug, Default)]
pub struct Sources {
    /// Transactions; at least one source.
    pub transactions: Vec<Source>,
    /// Accounts tables.
    pub accounts: Vec<Source>,
    /// Links tables.
    pub links: Vec<Source>,
}

/// Options of [`ingest`].
#[derive(Clone, Debug, PartialEq)]
pub struct IngestOptions {
    /// How transactions are cut into segments.
    pub partition: Partition,
    /// Most rejected rows, in percent of all rows read; from 0 to 100.
    pub max_rejects_percent: f64,
    /// Whether the store survives a power failure from the moment that the call returns.
    pub durable: bool,
    /// Most memory to use, in bytes; half of the machine's if not given. What does not fit goes to scratch files in the
    /// store's directory. The bytes of the store are the same. [`append`](super::append()) holds its rows and the partitions
    /// that it writes anew in memory, and refuses what does not fit.
    pub memory: Option<u64>,
    /// How files are cut into chunks.
    pub read: ReadOptions,
    /// Limits of the format.
    pub build: BuildOptions,
}

impl Default for IngestOptions {
    fn default() -> Self {
        Self {
            partition: Partition::default(),
            max_rejects_percent: 1.0,
            durable: true,
            memory: None,
            read: ReadOptions::default(),
            build: BuildOptions::default(),
        }
    }
}

impl IngestOptions {
    pub(super) fn check(&self) -> Result<()> {
        if (0.0..=100.0).contains(&self.max_rejects_percent) {
            return Ok(());
        }
        let value = self.max_rejects_percent.to_string();
        Err(Error::Option { name: "max_rejects_percent", value, allowed: "0 to 100" })
    }
}

/// What an ingest did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngestReport {
    /// The published generation.
    pub manifest: Manifest,
    /// How many of its sources an earlier generation had.
    pub num_sources_before: usize,
    /// Rows not accepted, by reason; a repeated row with the same content is skipped, all others are rejected.
    pub reasons: BTreeMap<Reason, u64>,
}

impl IngestReport {
    /// Rows read, accepted, rejected and skipped, over all new sources.
    pub fn counts(&self) -> [u64; 4] {
        counts(&self.manifest.sources[self.num_sources_before..])
    }
}

fn counts(sources: &[SourceEntry]) -> [u64; 4] {
    let sum = |field: fn(&SourceEntry) -> u64| sources.iter().map(field).sum();
    [sum(|s| s.read), sum(|s| s.accepted), sum(|s| s.rejected), sum(|s| s.skipped)]
}

/// Reads `sources` by `mapping` and publishes them as the first generation of a new store at `path`.
///
/// Rejected rows go to `rejects`. The bytes of the store depend on the rows, the mapping and `options.partition` alone.
///
/// # Errors
/// [`Error::Exists`] if there is a store already; [`Error::Locked`]; [`Error::Input`] for sources that cannot be used
/// as a whole; [`Error::Rejects`] for more rejected rows than allowed; [`Error::Limit`]; [`Error::Io`];
/// [`Error::Cancelled`]. In all of these cases nothing is left at `path` that was not there before. Only
/// [`Error::CommitUnknown`] leaves it open whether the store was published.
pub fn ingest(
    path: &Path,
    sources: Sources,
    mapping: &Mapping,
    rejects: &mut RejectLog,
    options: &IngestOptions,
    run: &Run,
) -> Result<IngestReport> {
    check(&sources, options)?;
    ingest_into(StoreWriter::create(path)?, sources, mapping, rejects, options, run)
}

/// As [`ingest`], into a store that was just made: for one on another disk than the system's.
///
/// # Errors
/// As [`ingest`].
pub fn ingest_into(
    mut writer: StoreWriter,
    sources: Sources,
    mapping: &Mapping,
    rejects: &mut RejectLog,
    options: &IngestOptions,
    run: &Run,
) -> Result<IngestReport> {
    check(&sources, options)?;
    let budget = budget(options)?;
    let mut read = ReadOptions { first_ordinal: 0, ..options.read.clone() };
    read.in_flight = read.in_flight.min(budget.in_flight());
    writer.set_durable(options.durable);
    let mut collected = Collected::Memory(Vec::new(), 0);
    let (mut input, mut report) = read_all(sources, mapping, rejects, &read, run, &mut |batch| {
        collected.add(batch, budget, &options.build, options.partition, &writer, run)
    })?;
    let mut left_out = Vec::new();
    let mut count = |row: &LeftOut, sources: &mut [SourceEntry], rejects: &mut RejectLog| {
        spill::count(&mut left_out, row);
        count_left_out(row, &mut sources[row.source_ordinal as usize], rejects)
    };
    let manifest = match collected {
        Collected::Memory(batches, _) => {
            input.batches = batches;
            let mut prepared = prepare(input, &options.build, run)?;
            for row in &prepared.left_out {
                count(row, &mut report.sources, rejects)?;
            }
            rejects.flush()?;
            refuse_too_many(&report.sources, options.max_rejects_percent, rejects)?;
            let accepted = prepared.accepted_totals();
            let totals = totals(accepted, &mut prepared.currencies, report.totals, &left_out);
            prepared.publish(writer, options.partition, report.sources, totals, run)?
        }
        Collected::Spilled(spilled) => {
            let (mut prepared, parts, repeats) =
                spilled.finish(input.links, input.accounts, input.mapping, &writer, run)?;
            repeats.each(|row| count(row, &mut report.sources, rejects))?;
            drop(repeats);
            rejects.flush()?;
            refuse_too_many(&report.sources, options.max_rejects_percent, rejects)?;
            let mut accepted = parts.totals().to_vec();
            for (total, left_out) in accepted.iter_mut().zip(&left_out) {
                *total = (total.0 - left_out.0, total.1 - left_out.1);
            }
            let totals = totals(accepted, &mut prepared.currencies, report.totals, &left_out);
            parts.publish(prepared, writer, report.sources, totals, run)?
        }
    };
    Ok(IngestReport { manifest, num_sources_before: 0, reasons: rejects.counts().clone() })
}

/// Reads all sources: transactions, whose batches go to `take`, then links, then accounts.
pub(super) fn read_all(
    sources: Sources,
    mapping: &Mapping,
    rejects: &mut RejectLog,
    options: &ReadOptions,
    run: &Run,
    take: &mut dyn FnMut(Batch) -> Result<()>,
) -> Result<(Input, ReadReport)> {
    let mut input = Input { mapping: mapping.text().to_string(), ..Input::default() };
    run.stage("read", 0);
    let mut report = read_transactions(sources.transactions, mapping, options, run, &mut |mut batch| {
        for reject in std::mem::take(&mut batch.rejects) {
            rejects.push(&reject)?;
        }
        take(batch)
    })?;
    if !sources.links.is_empty() {
        let (links, read) = read_links(sources.links, mapping, options, run)?;
        input.links = links;
        add(&mut report, read, rejects)?;
    }
    if !sources.accounts.is_empty() {
        let (accounts, read) = read_accounts(sources.accounts, mapping, options, run)?;
        input.accounts = accounts;
        add(&mut report, read, rejects)?;
    }
    Ok((input, report))
}

fn check(sources: &Sources, options: &IngestOptions) -> Result<()> {
    options.check()?;
    if sources.transactions.is_empty() {
        let value = "no source".into();
        return Err(Error::Option { name: "transactions", value, allowed: "at least one source" });
    }
    budget(options).map(|_| ())
}

/// The budget that was given, or half of the machine.
pub(super) fn budget(options: &IngestOptions) -> Result<Budget> {
    let memory = options.memory.unwrap_or_else(|| (machine_bytes() / 2).max(options.build.memory_min));
    if memory < options.build.memory_min {
        let value = memory.to_string();
        return Err(Error::Option { name: "memory", value, allowed: "at least 67108864 bytes (64M)" });
    }
    Ok(Budget { memory })
}

/// Adds what was read of another table.
fn add(report: &mut ReadReport, read: ReadReport, rejects: &mut RejectLog) -> Result<()> {
    for reject in &read.rejects {
        rejects.push(reject)?;
    }
    report.sources.extend(read.sources);
    Ok(())
}

/// Moves a row of `source` that was left out from accepted to skipped or rejected.
pub(super) fn count_left_out(row: &LeftOut, source: &mut SourceEntry, rejects: &mut RejectLog) -> Result<()> {
    source.accepted -= 1;
    let reason = row.reason;
    match reason {
        Reason::DuplicateSameContent => source.skipped += 1,
        _ => source.rejected += 1,
    }
    let about = match reason {
        Reason::DuplicateSameContent | Reason::DuplicateDifferentContent => "first in",
        Reason::AlreadyCorrected => "corrected by",
        _ => "of",
    };
    let place = |(ordinal, record)| format!("{about} source {ordinal}, record {record}");
    let detail = row.other.map_or(String::new(), place);
    let name = source.name.as_str().into();
    rejects.push(&Reject { source: name, record: row.record, column: "".into(), reason, detail })
}

pub(super) fn refuse_too_many(
    sources: &[SourceEntry],
    allowed_percent: f64,
    rejects: &RejectLog,
) -> Result<()> {
    let [read, _, rejected, _] = counts(sources);
    if rejected as f64 * 100.0 <= allowed_percent * read as f64 {
        return Ok(());
    }
    let first = rejects.first().map(Reject::to_string).unwrap_or_default();
    let reject_file = rejects.path().map(Path::to_path_buf);
    Err(Error::Rejects { rejected, read, allowed_percent, first, reject_file })
}

/// Control totals in the order of the store's currencies; currencies of rejected rows alone come last.
pub(super) fn totals(
    accepted: Vec<(u64, i128)>,
    currencies: &mut Vec<Currency>,
    read: Vec<(Currency, ControlTotal)>,
    left_out: &[(u64, i128)],
) -> Vec<ControlTotal> {
    let mut totals: Vec<ControlTotal> = accepted
        .into_iter()
        .map(|(accepted, accepted_minor)| ControlTotal {
            accepted,
            accepted_minor,
            ..ControlTotal::default()
        })
        .collect();
    for (currency, total) in read {
        let known = currencies.iter().position(|known| *known == currency);
        let place = known.unwrap_or_else(|| {
            currencies.push(currency);
            totals.push(ControlTotal::default());
            totals.len() - 1
        });
        totals[place].rejected += total.rejected;
        totals[place].rejected_minor += total.rejected_minor;
    }
    for (total, left_out) in totals.iter_mut().zip(left_out) {
        total.rejected += left_out.0;
        total.rejected_minor += left_out.1;
    }
    totals
}
