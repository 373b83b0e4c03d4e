//! Another width of time partitions: the same rows, cut otherwise, as the next generation.
//!
//! # Method
//! The rows of a store stand in (time, row) order, segment after segment. So a new partition is a range of positions, found by two binary
//! searches; its rows are read back from the segments that it overlaps and written as `ingest` would have written them. Everything
//! that is no segment of a time partition is named again: keys, links without a time, attributes, sources, totals.
//!
//! # Cost
//! Time O(n) in the rows. Memory is that of the largest new partition: its rows and the texts of its keys, the columns that are being written,
//! and 4 bytes for each account of the store in each direction. The segments before stay until they are collected, so the disk holds both for a while.
//!
//! # Choices
//! The segments are those of a store that got all of its rows at once with the new width, to the byte, also where the rows came by appends: so
//! a store that was grown by many appends and is compacted there and back is as if it had been made in one go. A store that has the width
//! already is left as it is. Whether a partition has more rows than the format holds is known before anything is written.

use super::rows::Rows;
use super::{BuildOptions, DEVICE, before, segment, spill};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::ids::TxId;
use crate::run::Run;
use crate::store::keys::KeyList;
use crate::store::manifest::{Manifest, Partition, Schema, SegmentEntry};
use crate::store::{Io, StoreWriter};
use std::ops::Range;
use std::path::Path;

/// What [`compact`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactReport {
    /// The live generation: the one that was published, or the one that has the width already.
    pub manifest: Manifest,
    /// Whether a generation was published.
    pub published: bool,
    /// The width before.
    pub partition_before: Partition,
    /// Number of segments before.
    pub num_segments_before: usize,
    /// Bytes of these segments; they stay until they are collected.
    pub bytes_before: u64,
}

/// Cuts the transactions of the store at `path` into partitions of another width, and publishes its next generation.
///
/// Where the store has that width already, nothing is written or published, and the report says so.
///
/// # Errors
/// [`Error::Limit`] for more transactions in a new partition than the format holds, before anything is written; [`Error::Locked`] while
/// another writer is at work; [`Error::Damaged`] for a segment that is; [`Error::Io`]; [`Error::Cancelled`]. In all of these cases
/// the store stays as it was. Only [`Error::CommitUnknown`] leaves it open whether the generation was published.
pub fn compact(path: &Path, partition: Partition, run: &Run) -> Result<CompactReport> {
    let options = BuildOptions { partition, ..BuildOptions::default() };
    compact_into(StoreWriter::append(path)?, &options, run)
}

/// As [`compact`] to the width of `options`, for a store that is open for writing: for one on another disk than the system's.
///
/// # Errors
/// As [`compact`].
pub fn compact_into(writer: StoreWriter, options: &BuildOptions, run: &Run) -> Result<CompactReport> {
    // Behind the lock, so that nobody publishes in between.
    let graph = Graph::open(writer.path(), Io::Mmap)?;
    let before = graph.manifest();
    let mut report = CompactReport {
        manifest: before.clone(),
        published: false,
        partition_before: before.schema.partition,
        num_segments_before: before.segments.len(),
        bytes_before: before.segments.iter().map(|segment| segment.file.bytes).sum(),
    };
    if before.schema.partition == options.partition {
        return Ok(report);
    }
    let parts = cut(&graph, options)?;
    let keys = TransactionKeys::of(&graph)?;
    run.stage("write", graph.num_transactions());
    let mut segments = Vec::with_capacity(parts.len());
    for (name, positions) in parts {
        run.check()?;
        segments.push(write(&graph, &name, positions, keys, &writer, run)?);
    }
    run.check()?;
    report.manifest = Manifest {
        generation: before.generation + 1,
        parent: Some(graph.store().manifest_sha256),
        tool: super::TOOL.into(),
        schema: Schema { partition: options.partition, ..before.schema.clone() },
        segments,
        ..before.clone()
    };
    writer.publish(&report.manifest)?;
    report.published = true;
    Ok(report)
}

/// The new partitions: name and positions of each, in time order.
fn cut(graph: &Graph, options: &BuildOptions) -> Result<Vec<(String, Range<u64>)>> {
    let mut parts = Vec::new();
    let mut begin = 0;
    while begin < graph.num_transactions() {
        let (segment, row) = graph.locate(TxId(begin))?;
        let span = options.partition.span(segment.transactions.time.get(row)?);
        let end = graph.position_at(span.window.to)?.0;
        if end <= begin {
            let detail = "transactions are not in the order of time; `ringfence verify --full` says where";
            return Err(Error::damaged(graph.path(), "segments", detail));
        }
        let found = end - begin;
        if found > options.ids_max {
            let (what, limit) = ("transactions in one time partition", options.ids_max);
            return Err(Error::Limit { what, found, limit, remedy: "choose a narrower --partition" });
        }
        parts.push((span.name, begin..end));
        begin = end;
    }
    Ok(parts)
}

/// How the keys of all transactions are kept: what some are, all are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TransactionKeys {
    None,
    Numbers,
    Texts,
}

impl TransactionKeys {
    fn of(graph: &Graph) -> Result<Self> {
        let mut of_all = None;
        for (_, segment) in graph.segments() {
            let here = match &segment.keys {
                None => Self::None,
                Some(keys) if matches!(keys.part(0..0)?, KeyList::Numbers(_)) => Self::Numbers,
                Some(_) => Self::Texts,
            };
            of_all = match (of_all, here) {
                (None, here) => Some(here),
                (Some(before), here) if before == here => Some(here),
                (Some(Self::None), _) | (_, Self::None) => {
                    let problem = "some segments have keys of transactions and some have not, so they cannot be cut otherwise";
                    return Err(Error::input(graph.path().display().to_string(), problem));
                }
                _ => Some(Self::Texts),
            };
        }
        Ok(of_all.unwrap_or(Self::None))
    }
}

/// Writes the segment of a new partition.
fn write(
    graph: &Graph,
    name: &str,
    positions: Range<u64>,
    keys: TransactionKeys,
    writer: &StoreWriter,
    run: &Run,
) -> Result<SegmentEntry> {
    let mut chunks = Vec::new();
    for (number, (base, segment)) in graph.segments().enumerate() {
        let base = base.0;
        let here = positions.start.max(base)..positions.end.min(base + segment.transactions.len() as u64);
        if here.start >= here.end {
            continue;
        }
        run.check()?;
        let mut chunk =
            before::chunk(graph, number, (here.start - base) as usize..(here.end - base) as usize)?;
        if keys == TransactionKeys::Texts {
            chunk.batch.keys = chunk.batch.keys.map(spill::as_texts);
        }
        chunks.push(chunk);
    }
    let rows = Rows::new(chunks, &[], run)?;
    let part = segment::Part {
        range: 0..rows.len(),
        rows: &rows,
        num_accounts: graph.num_accounts(),
        device_kind: graph.find_kind(DEVICE).map(|kind| kind.0),
        static_links: &[],
    };
    segment::publish(&part, name, writer, run)
}
