//! Writing one segment: the columns of a range of rows, both adjacencies, links and keys.
//!
//! While one group of columns is hashed and written, the next is computed.

use super::adjacency::{AdjacencyColumns, adjacency};
use super::links::{self, Link};
use super::rows::{Chunk, Rows};
use crate::error::Result;
use crate::ids::NONE;
use crate::run::Run;
use crate::store::format::{ColumnId, flags};
use crate::store::keys::KeyList;
use crate::store::manifest::SegmentEntry;
use crate::store::{ContainerWriter, Keys, StoreWriter};
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;

/// What a segment is made of.
#[derive(Clone, Debug)]
pub(super) struct Part<'r> {
    pub rows: &'r Rows,
    /// Positions of the segment's rows.
    pub range: Range<usize>,
    pub num_accounts: u32,
    /// Number of the kind `device`, where transactions have devices.
    pub device_kind: Option<u8>,
    /// Links that belong to no time, for the one segment without rows.
    pub static_links: &'r [Link],
}

/// Writes a segment as a file of the store whose name begins with `name`; one without rows is that of links that belong to no time.
pub(super) fn publish(part: &Part, name: &str, writer: &StoreWriter, run: &Run) -> Result<SegmentEntry> {
    let Part { rows, range, .. } = part;
    let mut file = writer.file("segments", name, "seg")?;
    let num_links = write(part, &mut file, run)?;
    let time = |position: usize| {
        let (chunk, row) = rows.at(position);
        chunk.batch.time[row]
    };
    let (time_min, time_max, has_keys) = match range.is_empty() {
        true => (0, 0, false),
        false => {
            let has_keys = rows.chunks().iter().all(|chunk| chunk.batch.keys.is_some());
            (time(range.start), time(range.end - 1), has_keys)
        }
    };
    Ok(SegmentEntry {
        partition: name.into(),
        file: writer.finish(file)?,
        num_transactions: range.len() as u32,
        num_links,
        time_min,
        time_max,
        has_keys,
    })
}

/// Writes a segment into `file`; returns the number of its links.
pub(super) fn write(part: &Part, file: &mut ContainerWriter, run: &Run) -> Result<u32> {
    let Part { rows, range, num_accounts, device_kind, static_links } = part.clone();
    let gather_u32 = |value: fn(&Chunk, usize) -> u32| rows.gather(range.clone(), value);

    let source = gather_u32(|chunk, row| chunk.batch.source[row]);
    let destination = gather_u32(|chunk, row| chunk.batch.destination[row]);
    file.column(ColumnId::SOURCE, &source)?;
    file.column(ColumnId::DESTINATION, &destination)?;
    let bits = corrected(rows, range.clone());
    let (payers, receivers) = (joined(&source, bits.as_deref()), joined(&destination, bits.as_deref()));
    drop(bits);
    let times = rows.gather(range.clone(), |chunk, row| chunk.batch.time[row]);
    let amounts = rows.gather(range.clone(), |chunk, row| chunk.batch.amount[row]);
    let (written, outgoing) = rayon::join(
        || -> Result<()> {
            file.column(ColumnId::TIME, &times)?;
            file.column(ColumnId::AMOUNT, &amounts)
        },
        || adjacency(&payers, &destination, num_accounts, run),
    );
    written?;
    drop((times, amounts));
    run.check()?;
    write_codes(rows, range.clone(), file)?;
    write_optional(rows, range.clone(), file)?;
    let outgoing = outgoing?;
    let (written, incoming) = rayon::join(
        || write_adjacency(file, &OUT, &outgoing),
        || adjacency(&receivers, &source, num_accounts, run),
    );
    written?;
    drop(outgoing);
    let links =
        device_kind.map_or_else(|| static_links.to_vec(), |kind| device_links(rows, range.clone(), kind));
    let (written, keys) =
        rayon::join(|| write_adjacency(file, &IN, &incoming?), || transaction_keys(rows, range.clone()));
    written?;
    run.check()?;
    links::write(&links, file)?;
    if let Some(keys) = keys {
        Keys::write(&keys, file)?;
    }
    run.advance(range.len() as u64);
    Ok(links.len() as u32)
}

/// The flags of rows of which some were corrected; `None` where none was.
fn corrected(rows: &Rows, range: Range<usize>) -> Option<Vec<u8>> {
    if rows.chunks().iter().all(|chunk| chunk.batch.flags.is_empty()) {
        return None;
    }
    let bits = rows.gather(range, |chunk, row| chunk.flags(row));
    bits.par_iter().any(|bits| bits & flags::CORRECTED != 0).then_some(bits)
}

/// One end of each row that has edges, `NONE` for the others: what was corrected joins nobody.
fn joined<'e>(ends: &'e [u32], bits: Option<&[u8]>) -> Cow<'e, [u32]> {
    let Some(bits) = bits else { return Cow::Borrowed(ends) };
    let end = |(&end, &bits): (&u32, &u8)| if bits & flags::CORRECTED == 0 { end } else { NONE };
    ends.iter().zip(bits).map(end).collect()
}

/// The columns that are constant in most data; a constant is known without looking at the rows.
fn write_codes(rows: &Rows, range: Range<usize>, file: &mut ContainerWriter) -> Result<()> {
    let len = range.len() as u64;
    // Nothing is constant where there is nothing, so that the columns of no rows are always the same.
    let some = |holds: bool| holds && len > 0;
    let one_currency = |chunk: &Chunk| some(chunk.batch.currency.is_empty()).then(|| chunk.currency(0));
    match rows.constant(one_currency) {
        Some(currency) => file.sequence(ColumnId::CURRENCY, currency, 0, len)?,
        None => {
            file.codes(ColumnId::CURRENCY, &rows.gather(range.clone(), |chunk, row| chunk.currency(row)))?;
        }
    }
    match rows.constant(|chunk| some(chunk.batch.channels.1.is_empty()).then_some(0_u8)) {
        Some(none) => file.sequence(ColumnId::CHANNEL, none, 0, len)?,
        None => {
            file.codes(ColumnId::CHANNEL, &rows.gather(range.clone(), |chunk, row| chunk.channel(row)))?
        }
    }
    match rows.constant(|chunk| some(chunk.batch.labels.1.is_empty()).then_some(0_u8)) {
        Some(none) => file.sequence(ColumnId::LABEL, none, 0, len)?,
        None => file.codes(ColumnId::LABEL, &rows.gather(range.clone(), |chunk, row| chunk.label(row)))?,
    }
    file.codes(ColumnId::FLAGS, &rows.gather(range.clone(), |chunk, row| chunk.flags(row)))?;
    file.codes(ColumnId::ROW, &rows.gather(range, |chunk, row| chunk.reference(row)))
}

/// The columns that exist only where some row has something to say.
fn write_optional(rows: &Rows, range: Range<usize>, file: &mut ContainerWriter) -> Result<()> {
    if rows.chunks().iter().any(|chunk| chunk.batch.devices.is_some()) {
        let devices = rows.gather(range.clone(), |chunk, row| chunk.device(row));
        if devices.par_iter().any(|&device| device != NONE) {
            file.column(ColumnId::DEVICE, &devices)?;
        }
    }
    if rows.chunks().iter().any(|chunk| chunk.batch.received.is_some()) {
        let differs = rows.gather(range.clone(), |chunk, row| {
            chunk.received(row) != (chunk.batch.amount[row], chunk.currency(row))
        });
        if differs.into_par_iter().any(|differs| differs) {
            let amounts = rows.gather(range.clone(), |chunk, row| chunk.received(row).0);
            file.column(ColumnId::RECEIVED_AMOUNT, &amounts)?;
            let currencies = rows.gather(range.clone(), |chunk, row| chunk.received(row).1);
            file.codes(ColumnId::RECEIVED_CURRENCY, &currencies)?;
        }
    }
    if rows.chunks().iter().any(|chunk| !chunk.refers.is_empty()) {
        let refers = rows.gather(range, |chunk, row| chunk.refers(row));
        if refers.par_iter().any(|&refers| refers != 0) {
            file.codes(ColumnId::REFERS, &refers)?;
        }
    }
    Ok(())
}

/// Column ids of one direction: nodes, offsets, neighbors, transactions.
type Direction = [ColumnId; 4];
const OUT: Direction =
    [ColumnId::OUT_NODES, ColumnId::OUT_OFFSETS, ColumnId::OUT_NEIGHBORS, ColumnId::OUT_TRANSACTIONS];
const IN: Direction =
    [ColumnId::IN_NODES, ColumnId::IN_OFFSETS, ColumnId::IN_NEIGHBORS, ColumnId::IN_TRANSACTIONS];

fn write_adjacency(file: &mut ContainerWriter, ids: &Direction, columns: &AdjacencyColumns) -> Result<()> {
    if let Some(nodes) = &columns.nodes {
        file.column(ids[0], nodes)?;
    }
    file.column(ids[1], &columns.offsets)?;
    file.column(ids[2], &columns.neighbors)?;
    file.column(ids[3], &columns.transactions)
}

/// Links between payers and the devices that they paid from, but for what was corrected.
fn device_links(rows: &Rows, range: Range<usize>, kind: u8) -> Vec<Link> {
    let sighting = |chunk: &Chunk, row: usize| {
        let time = chunk.batch.time[row];
        let identifier = chunk.device(row);
        let link =
            Link { account: chunk.batch.source[row], kind, identifier, first: time, last: time, count: 1 };
        (identifier != NONE && chunk.flags(row) & flags::CORRECTED == 0).then_some(link)
    };
    links::merge(rows.gather(range, sighting).into_iter().flatten().collect())
}

/// The external keys of the rows, if the data has any.
fn transaction_keys(rows: &Rows, range: Range<usize>) -> Option<KeyList> {
    let chunks = rows.chunks();
    if range.is_empty() || chunks.iter().any(|chunk| chunk.batch.keys.is_none()) {
        return None;
    }
    let numbers = |chunk: &Chunk, row: usize| match &chunk.batch.keys {
        Some(KeyList::Numbers(numbers)) => Some(numbers[row]),
        _ => None,
    };
    if chunks.iter().all(|chunk| matches!(chunk.batch.keys, Some(KeyList::Numbers(_)))) {
        let numbers = rows.gather(range, |chunk, row| numbers(chunk, row).unwrap_or_default());
        return Some(KeyList::Numbers(numbers));
    }
    let mut text = Vec::new();
    let mut offsets = vec![0];
    for (chunk, row) in rows.walk(range) {
        chunk.key(row, &mut text);
        offsets.push(text.len() as u64);
    }
    Some(KeyList::Texts { text, offsets })
}
