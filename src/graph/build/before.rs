//! What a store holds already, as the build takes it when more rows come: names, keys, and the rows of partitions that are written anew.
//!
//! # Method
//! A partition is written whole, so the rows of one that new rows fall into are read back as a chunk that stands before all new ones. What the
//! store knows keeps its number: accounts, identifiers, kinds, currencies, channels, labels and sources only ever get more.
//!
//! # Cost
//! A look at the keys of the store for each key of the new rows, and of each segment for each transaction key; reading, in time and memory, the
//! partitions that are written anew, and the links and attributes where new ones come.

use super::links::Link;
use super::rows::{Chunk, Place, Row, place};
use super::{LeftOut, Names, spill};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::graph::attributes::AttributeValue;
use crate::ids::{AccountId, NONE};
use crate::ingest::Batch;
use crate::ingest::batch::{AccountRows, AttributeValues, LocalKeys};
use crate::run::Run;
use crate::store::Segment;
use crate::store::format::flags;
use crate::store::manifest::{AttributeKind, Partition, SegmentEntry};
use crate::units::Window;
use rayon::prelude::*;
use std::ops::Range;

/// Rows that one task looks up.
const ROWS_PER_TASK: usize = 1 << 12;

/// The names that have codes in a store.
pub(super) fn names(graph: &Graph) -> Names {
    let schema = &graph.manifest().schema;
    Names {
        currencies: schema.currencies.clone(),
        channels: schema.channels.clone(),
        labels: schema.labels.clone(),
    }
}

/// A row of which the store has the transaction key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// The new row.
    pub place: Place,
    /// Reference of the row in the store.
    pub first: u64,
    /// Whether both say the same.
    pub same: bool,
}

/// The rows of `chunks` whose transaction keys the store has, in row order.
pub(super) fn known(graph: &Graph, chunks: &[Chunk], run: &Run) -> Result<Vec<Known>> {
    let segments: Vec<&Segment> =
        graph.segments().map(|(_, segment)| segment).filter(|segment| segment.keys.is_some()).collect();
    let look_up = |number: usize, rows: Range<usize>| -> Result<Vec<Known>> {
        run.check()?;
        let chunk = &chunks[number];
        let (mut key, mut found) = (Vec::new(), Vec::new());
        for row in rows {
            key.clear();
            chunk.key(row, &mut key);
            for segment in &segments {
                let Some(keys) = &segment.keys else { continue };
                if let Some(at) = keys.find(&key)? {
                    let at = at as usize;
                    let refers =
                        segment.transactions.refers.as_ref().map_or(Ok(0), |refers| refers.get(at))?;
                    // Rows that point at another are judged elsewhere.
                    let same = refers == 0 && self::row(segment, at)? == chunk.row(row);
                    let first = segment.transactions.row.get(at)?;
                    found.push(Known { place: place(number, row), first, same });
                    break;
                }
            }
        }
        Ok(found)
    };
    let tasks: Vec<(usize, Range<usize>)> = chunks
        .iter()
        .enumerate()
        .filter(|(_, chunk)| chunk.batch.keys.is_some())
        .flat_map(|(number, chunk)| {
            let rows = chunk.batch.len();
            (0..rows)
                .step_by(ROWS_PER_TASK)
                .map(move |first| (number, first..rows.min(first + ROWS_PER_TASK)))
        })
        .collect();
    let found = tasks.into_par_iter().map(|(number, rows)| look_up(number, rows));
    Ok(found.collect::<Result<Vec<_>>>()?.concat())
}

/// What a row of a segment says, whether it was corrected since or not.
pub(super) fn row(segment: &Segment, at: usize) -> Result<Row> {
    let columns = &segment.transactions;
    let (amount, currency) = (columns.amount.get(at)?, columns.currency.get(at)?);
    let (received, received_currency) = match &columns.received {
        Some((amounts, currencies)) => (amounts.get(at)?, currencies.get(at)?),
        None => (amount, currency),
    };
    Ok(Row {
        source: columns.source.get(at)?,
        destination: columns.destination.get(at)?,
        time: columns.time.get(at)?,
        amount,
        currency,
        received,
        received_currency,
        channel: columns.channel.get(at)?,
        label: columns.label.get(at)?,
        flags: columns.flags.get(at)? & !flags::CORRECTED,
        device: columns.device.as_ref().map_or(Ok(NONE), |device| device.get(at))?,
    })
}

impl Known {
    /// The row as it is told.
    pub fn describe(&self, chunks: &[Chunk]) -> LeftOut {
        super::describe(chunks, self.place, super::split_reference(self.first), self.same)
    }
}

/// The partitions of the store that rows of `chunks` fall into, but for those at `omitted` (ascending), and those of the rows that are `corrected`
/// (segment and row, ascending), as chunks in time order; refused if there is no `room` for them.
pub(super) fn touched(
    graph: &Graph,
    chunks: &[Chunk],
    omitted: &[Place],
    corrected: &[(usize, usize)],
    room: spill::Room,
    run: &Run,
) -> Result<Vec<Chunk>> {
    let partition = graph.manifest().schema.partition;
    let mut names: Vec<String> = chunks
        .par_iter()
        .enumerate()
        .flat_map_iter(|(number, chunk)| {
            spans(partition, chunk, |row| omitted.binary_search(&place(number, row)).is_err())
        })
        .collect();
    names.par_sort_unstable();
    names.dedup();
    let of_segment = |number: usize| {
        let first = corrected.partition_point(|at| at.0 < number);
        &corrected[first..corrected.partition_point(|at| at.0 <= number)]
    };
    let entries = graph.manifest().segments.iter().enumerate();
    let written_anew: Vec<(usize, &SegmentEntry)> = entries
        .filter(|(number, entry)| {
            names.binary_search(&entry.partition).is_ok() || !of_segment(*number).is_empty()
        })
        .collect();
    // A file is about twice as long as its rows are in memory, which leaves room for the columns in work.
    room.refuse(written_anew.iter().map(|(_, entry)| entry.file.bytes).sum())?;
    let load = |(number, entry): (usize, &SegmentEntry)| {
        run.check()?;
        let mut chunk = chunk(graph, number, 0..entry.num_transactions as usize)?;
        of_segment(number).iter().for_each(|&(_, row)| chunk.correct(row));
        Ok(chunk)
    };
    written_anew.into_iter().map(load).collect()
}

/// Names of the partitions of the rows that are `wanted`, each at least once.
fn spans(partition: Partition, chunk: &Chunk, wanted: impl Fn(usize) -> bool) -> Vec<String> {
    let mut names = Vec::new();
    let mut last: Option<Window> = None;
    for (row, &time) in chunk.batch.time.iter().enumerate() {
        let is_new = last.is_none_or(|window| time < window.from || time >= window.to);
        if is_new && wanted(row) {
            let span = partition.span(time);
            last = Some(span.window);
            names.push(span.name);
        }
    }
    names
}

/// Rows of the segment `number`, with the numbers and codes of the store.
pub(super) fn chunk(graph: &Graph, number: usize, rows: Range<usize>) -> Result<Chunk> {
    let segment = &graph.store().segments()[number];
    let columns = &segment.transactions;
    let schema = &graph.manifest().schema;
    let received = match &columns.received {
        Some((amounts, currencies)) => {
            Some((amounts.slice(rows.clone())?.to_vec(), currencies.part(rows.clone())?.into_owned()))
        }
        None => None,
    };
    let devices = match &columns.device {
        Some(devices) => Some((LocalKeys::default(), devices.slice(rows.clone())?.to_vec())),
        None => None,
    };
    let batch = Batch {
        source: columns.source.slice(rows.clone())?.to_vec(),
        destination: columns.destination.slice(rows.clone())?.to_vec(),
        time: columns.time.slice(rows.clone())?.to_vec(),
        amount: columns.amount.slice(rows.clone())?.to_vec(),
        currency: columns.currency.part(rows.clone())?.into_owned(),
        received,
        channels: (Vec::new(), columns.channel.part(rows.clone())?.into_owned()),
        labels: (Vec::new(), columns.label.part(rows.clone())?.into_owned()),
        flags: columns.flags.part(rows.clone())?.into_owned(),
        devices,
        keys: segment.keys.as_ref().map(|keys| keys.part(rows.clone())).transpose()?,
        ..Batch::default()
    };
    refuse_unknown(graph, number, &batch)?;
    Ok(Chunk {
        batch,
        currencies: (0..schema.currencies.len() as u16).collect(),
        channels: (0..=schema.channels.len() as u8).collect(),
        labels: (0..=schema.labels.len() as u8).collect(),
        references: Some(columns.row.part(rows.clone())?.into_owned()),
        refers: columns
            .refers
            .as_ref()
            .map_or(Ok(Vec::new()), |refers| Ok(refers.part(rows)?.into_owned()))?,
    })
}

/// Refuses numbers that stand for nothing in the store: its checksums may be right and its writer not ours.
fn refuse_unknown(graph: &Graph, number: usize, batch: &Batch) -> Result<()> {
    let schema = &graph.manifest().schema;
    let accounts = [("source", &batch.source), ("destination", &batch.destination)];
    let wrong_account =
        accounts.into_iter().find(|(_, ids)| ids.par_iter().any(|&id| id >= graph.num_accounts()));
    let currencies = [Some(&batch.currency), batch.received.as_ref().map(|(_, currencies)| currencies)];
    let wrong_currency = currencies
        .into_iter()
        .flatten()
        .any(|codes| codes.par_iter().any(|&code| usize::from(code) >= schema.currencies.len()));
    let names =
        [("channel", &batch.channels.1, &schema.channels), ("label", &batch.labels.1, &schema.labels)];
    let wrong_name = names
        .into_iter()
        .find(|(_, codes, names)| codes.par_iter().any(|&code| usize::from(code) > names.len()));
    let wrong = wrong_account
        .map(|(column, _)| column)
        .or(wrong_currency.then_some("currency"))
        .or(wrong_name.map(|(column, ..)| column));
    match wrong {
        None => Ok(()),
        Some(column) => {
            let file = graph.path().join(&graph.manifest().segments[number].file.name);
            let detail = "a value stands for nothing in the store";
            Err(Error::damaged(&file, format!("column {column}"), detail))
        }
    }
}

/// The links that belong to no time.
pub(super) fn static_links(graph: &Graph) -> Result<Vec<Link>> {
    let Some(segment) = graph.store().static_links() else { return Ok(Vec::new()) };
    let links = &segment.links;
    let link = |at: usize| {
        Ok(Link {
            account: links.account.get(at)?,
            kind: links.kind.get(at)?,
            identifier: links.identifier.get(at)?,
            first: links.first.get(at)?,
            last: links.last.get(at)?,
            count: links.count.get(at)?,
        })
    };
    (0..links.len()).map(link).collect()
}

/// The attributes of all accounts once those of `new` are known, whose rows are of the accounts `ids`: a new row says anew what its columns
/// say, and leaves the others as they are.
pub(super) fn attributes(
    graph: &Graph,
    new: &AccountRows,
    ids: &[u32],
    num_accounts: u32,
) -> Result<AccountRows> {
    let known = graph.attribute_columns();
    let mut columns: Vec<(String, AttributeValues)> = Vec::new();
    for (number, column) in known.iter().enumerate() {
        let old = |account: u32| match account < graph.num_accounts() {
            true => graph.attribute(number, AccountId(account)),
            false => Ok(None),
        };
        let old = (0..num_accounts).map(old).collect::<Result<Vec<_>>>()?;
        let given = new.columns.iter().find(|(name, _)| *name == column.name).map(|(_, values)| values);
        columns.push((column.name.clone(), merged(&column.name, column.kind, old, given, ids)?));
    }
    let is_new = |(name, _): &&(String, AttributeValues)| known.iter().all(|column| column.name != *name);
    for (name, values) in new.columns.iter().filter(is_new) {
        let kind = kind(values);
        let none = vec![None; num_accounts as usize];
        columns.push((name.clone(), merged(name, kind, none, Some(values), ids)?));
    }
    Ok(AccountRows { accounts: LocalKeys::default(), columns })
}

fn kind(values: &AttributeValues) -> AttributeKind {
    match values {
        AttributeValues::Text(_) => AttributeKind::Text,
        AttributeValues::Integer(_) => AttributeKind::Integer,
        AttributeValues::Float(_) => AttributeKind::Float,
        AttributeValues::Boolean(_) => AttributeKind::Boolean,
        AttributeValues::Time(_) => AttributeKind::Time,
    }
}

/// One column of all accounts.
fn merged(
    name: &str,
    kind: AttributeKind,
    mut values: Vec<Option<AttributeValue>>,
    given: Option<&AttributeValues>,
    ids: &[u32],
) -> Result<AttributeValues> {
    if let Some(given) = given {
        for (row, &account) in ids.iter().enumerate() {
            values[account as usize] = value(given, row);
        }
    }
    let refuse = |found: &AttributeValue| {
        let problem = format!(
            "the store has {kind:?} there, a new row {found:?}; name the type under accounts.types of the mapping"
        );
        Error::input(format!("attribute {name:?}"), problem)
    };
    macro_rules! column {
        ($($kind:ident),*) => {
            match kind {
                $(AttributeKind::$kind => {
                    let one = |value: Option<AttributeValue>| match value {
                        None => Ok(None),
                        Some(AttributeValue::$kind(value)) => Ok(Some(value)),
                        Some(other) => Err(refuse(&other)),
                    };
                    AttributeValues::$kind(values.into_iter().map(one).collect::<Result<_>>()?)
                })*
            }
        };
    }
    Ok(column!(Text, Integer, Float, Boolean, Time))
}

fn value(values: &AttributeValues, row: usize) -> Option<AttributeValue> {
    match values {
        AttributeValues::Text(values) => values[row].clone().map(AttributeValue::Text),
        AttributeValues::Integer(values) => values[row].map(AttributeValue::Integer),
        AttributeValues::Float(values) => values[row].map(AttributeValue::Float),
        AttributeValues::Boolean(values) => values[row].map(AttributeValue::Boolean),
        AttributeValues::Time(values) => values[row].map(AttributeValue::Time),
    }
}
