//! More rows for a store: a new generation, or nothing.
//!
//! # Method
//! Only the partitions that new rows fall into are written anew, late rows included; all other files stay and are named by the new manifest
//! too. Rows of one moment stand in the order in which they came, the store's before the new ones. A store that got its rows in parts has the
//! transactions, keys, links and totals of one that got them at once.
//!
//! # Choices
//! A source that the store holds already, by its SHA-256, is refused, so that a job that runs twice adds nothing twice. A row whose
//! transaction key the store has is skipped if it says the same, and rejected if not.
//! Readers keep the generation that they opened.

use super::ingest::{budget, count_left_out, read_all, refuse_too_many, totals};
use super::{BuildOptions, IngestOptions, IngestReport, Sources, prepare_behind, spill};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::ingest::{Mapping, ReadOptions, RejectLog};
use crate::run::Run;
use crate::store::manifest::{ControlTotal, SourceEntry};
use crate::store::{Io, StoreWriter};
use std::path::Path;

/// Reads `sources` by the store's own mapping, adds them to the store at `path`, and publishes its next generation.
///
/// Of `options`, [`partition`](IngestOptions::partition) is the store's own. Rejected rows go to `rejects`.
///
/// # Errors
/// [`Error::Input`] for a source that the store holds already, with the generation that brought it, and for one that cannot be used as a whole;
/// [`Error::Locked`] while another writer is at work; else as [`ingest`](super::ingest()). The store stays as it was.
pub fn append(
    path: &Path,
    sources: Sources,
    rejects: &mut RejectLog,
    options: &IngestOptions,
    run: &Run,
) -> Result<IngestReport> {
    check(&sources, options)?;
    append_into(StoreWriter::append(path)?, sources, rejects, options, run)
}

/// As [`append`], into a store that is open for writing: for one on another disk than the system's.
///
/// # Errors
/// As [`append`].
pub fn append_into(
    mut writer: StoreWriter,
    sources: Sources,
    rejects: &mut RejectLog,
    options: &IngestOptions,
    run: &Run,
) -> Result<IngestReport> {
    check(&sources, options)?;
    writer.set_durable(options.durable);
    // Behind the lock, so that nobody publishes in between.
    let graph = Graph::open(writer.path(), Io::Mmap)?;
    let before = graph.manifest();
    let mapping = Mapping::parse(&before.schema.mapping, "the mapping of the store")?;
    let first = before.sources.len() as u32;
    let known = graph.attribute_columns().to_vec();
    let reading = ReadOptions { first_ordinal: first, attributes: known, ..options.read.clone() };
    let budget = budget(options)?;
    let reading = ReadOptions { in_flight: reading.in_flight.min(budget.in_flight()), ..reading };
    let mut room = spill::Room { memory: budget.memory, held: 0 };
    let mut batches = Vec::new();
    let (mut input, mut report) = read_all(sources, &mapping, rejects, &reading, run, &mut |batch| {
        room.held += spill::bytes_of(&batch);
        batches.push(batch);
        room.refuse(0)
    })?;
    input.batches = batches;
    refuse_known(&graph, &report.sources)?;
    let partition = before.schema.partition;
    let build = BuildOptions { partition, ..options.build.clone() };
    let mut prepared = prepare_behind(Some(graph.clone()), input, &build, room, run)?;
    let mut left_out = Vec::new();
    for row in &prepared.left_out {
        spill::count(&mut left_out, row);
        count_left_out(row, &mut report.sources[(row.source_ordinal - first) as usize], rejects)?;
    }
    rejects.flush()?;
    refuse_too_many(&report.sources, options.max_rejects_percent, rejects)?;
    let accepted = prepared.accepted_totals();
    let mut totals = totals(accepted, &mut prepared.currencies, report.totals, &left_out);
    for (total, old) in totals.iter_mut().zip(&before.totals) {
        *total = ControlTotal {
            accepted: total.accepted + old.accepted,
            accepted_minor: total.accepted_minor + old.accepted_minor,
            rejected: total.rejected + old.rejected,
            rejected_minor: total.rejected_minor + old.rejected_minor,
        };
    }
    let sources = before.sources.iter().cloned().chain(report.sources).collect();
    let manifest = prepared.publish(writer, partition, sources, totals, run)?;
    Ok(IngestReport { manifest, num_sources_before: first as usize, reasons: rejects.counts().clone() })
}

fn check(sources: &Sources, options: &IngestOptions) -> Result<()> {
    options.check()?;
    if sources.transactions.is_empty() && sources.accounts.is_empty() && sources.links.is_empty() {
        let value = "no source".into();
        return Err(Error::Option { name: "sources", value, allowed: "at least one source" });
    }
    Ok(())
}

/// Refuses what the store holds.
fn refuse_known(graph: &Graph, sources: &[SourceEntry]) -> Result<()> {
    let before = graph.manifest();
    for source in sources {
        let same = |known: &&SourceEntry| known.role == source.role && known.sha256 == source.sha256;
        let Some(known) = before.sources.iter().find(same) else { continue };
        let generation = graph.store().generation_of(known)?;
        let problem = format!(
            "generation {generation} holds it already, as {} ({}); nothing was added",
            known.name, known.role
        );
        return Err(Error::input(&source.name, problem));
    }
    Ok(())
}
