//! Building a store from batches: ids, order, partitions, both adjacencies, publication.
//!
//! # Method
//! Keys become dense ids by first appearance (`dictionary`); rows whose
//! transaction key repeats are dropped or refused (`duplicates`); the rest is
//! put in (time, row) order (`rows`), cut at partition boundaries, and each
//! part written as a segment (`segment`) with both adjacencies
//! (`adjacency`). Nothing counts until the manifest is published.
//!
//! # Cost
//! Time O(n) where the rows come in time order, O(n log n) otherwise; memory
//! about 40 bytes per transaction, and the texts of the keys. Where that is
//! more than `ingest` may use, it goes by way of files (`spill`).
//!
//! # Choices
//! Everything is a function of the rows: the bytes of a store do not depend on
//! the number of threads, on how the rows were cut into chunks, or on the format
//! that they came in.

mod adjacency;
mod append;
mod attributes;
mod before;
mod compact;
mod dictionary;
mod duplicates;
mod erase;
mod ingest;
mod links;
mod refers;
mod rows;
mod segment;
mod spill;

pub use append::{append, append_into};
pub use compact::{CompactReport, compact, compact_into};
pub use erase::{Anonymous, EraseReport, Subject, erase, erase_dry, erase_into};
pub use ingest::{IngestOptions, IngestReport, Sources, ingest, ingest_into};

use super::Graph;
use crate::error::{Error, Result};
use crate::ids::{IDS_MAX, NONE};
use crate::ingest::batch::{AccountRows, LinkRows, LocalKeys};
use crate::ingest::{Batch, Reason};
use crate::run::Run;
use crate::store::keys::KeyList;
use crate::store::manifest::{
    AttributesEntry, ControlTotal, FileEntry, KindEntry, Manifest, Partition, Schema, SegmentEntry,
    SourceEntry,
};
use crate::store::{Keys, StoreWriter};
use crate::units::Currency;
use dictionary::{Dictionary, joined, merge_behind, num_keys};
use links::Link;
use rayon::prelude::*;
use rows::{Chunk, Place, Rows, split, split_reference};
use std::ops::Range;

/// The kind of identifier that a transaction's device is.
pub const DEVICE: &str = "device";

/// The program, as manifests name it.
const TOOL: &str = concat!("ringfence ", env!("CARGO_PKG_VERSION"));

/// Everything that was read, before ids.
#[derive(Debug, Default)]
pub struct Input {
    /// Transactions, in row order.
    pub batches: Vec<Batch>,
    /// Links between accounts and identifiers.
    pub links: LinkRows,
    /// Attributes of accounts.
    pub accounts: AccountRows,
    /// The mapping, as TOML.
    pub mapping: String,
}

/// What the store is to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildOptions {
    /// How transactions are cut into segments.
    pub partition: Partition,
    /// Most accounts, and most transactions of a segment; smaller than the format's own limit only in tests.
    pub ids_max: u64,
    /// Least memory budget, in bytes; smaller only in tests.
    pub memory_min: u64,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self { partition: Partition::default(), ids_max: IDS_MAX, memory_min: 64 << 20 }
    }
}

/// A row that was left out because of others: an earlier one has its transaction key, or it may not correct or reverse what it points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Transaction source, from 0.
    pub source_ordinal: u32,
    /// Record within the source, from 1.
    pub record: u64,
    /// Why; a row that says the same as the first with its key is skipped, all others are rejected.
    pub reason: Reason,
    /// Source and record of the row that it is about: the first with this key, or what is corrected or reversed.
    pub other: Option<(u32, u64)>,
    /// Currency of the store.
    pub currency: u16,
    /// Minor units.
    pub amount: i64,
}

/// All rows with dense ids and codes: ready to be written.
#[derive(Debug)]
pub struct Prepared {
    /// The store that the rows are added to, if there is one.
    before: Option<Graph>,
    rows: Rows,
    /// Chunks that hold rows of the store; they stand before all others.
    num_before: usize,
    /// Rows left out, in row order.
    pub left_out: Vec<LeftOut>,
    /// Currencies of the store.
    pub currencies: Vec<Currency>,
    channels: Vec<String>,
    labels: Vec<String>,
    accounts: KeyList,
    num_accounts: u32,
    kinds: Vec<(String, KeyList)>,
    device_kind: Option<u8>,
    static_links: Vec<Link>,
    attributes: AccountRows,
    attribute_ids: Vec<u32>,
    mapping: String,
    ids_max: u64,
}

/// Gives ids and codes to everything in `input`, and finds repeated transaction keys.
///
/// # Errors
/// [`Error::Limit`] for more accounts, identifiers, currencies, channels or labels than the format holds;
/// [`Error::Cancelled`].
pub fn prepare(input: Input, options: &BuildOptions, run: &Run) -> Result<Prepared> {
    prepare_behind(None, input, options, spill::Room::default(), run)
}

/// As [`prepare`], for rows that are added to a store: what it knows keeps its ids and codes, a transaction key that it has is a repeated one, and
/// the rows of the partitions that new rows fall into are read back, if there is `room` for them.
fn prepare_behind(
    before: Option<Graph>,
    mut input: Input,
    options: &BuildOptions,
    room: spill::Room,
    run: &Run,
) -> Result<Prepared> {
    let store = before.as_ref().map(Graph::store);
    run.stage("ids", input.batches.len() as u64);
    let account_chunks: Vec<&LocalKeys> = input
        .batches
        .iter()
        .map(|batch| &batch.accounts)
        .chain([&input.links.accounts, &input.accounts.accounts])
        .collect();
    let known = store.map(|store| store.account_keys());
    let mut accounts = merge_behind(known, &account_chunks, options.ids_max, "accounts in one store", run)?;
    drop(account_chunks);
    let attribute_ids = accounts.ids.pop().unwrap_or_default();
    let link_accounts = accounts.ids.pop().unwrap_or_default();

    let (kind_names, kind_dictionaries, device_kind) =
        identifiers(&input, before.as_ref(), options.ids_max, run)?;
    let mut static_links = link_rows(&input.links, &link_accounts, &kind_names, &kind_dictionaries);
    if let (Some(graph), false) = (&before, static_links.is_empty()) {
        static_links.extend(before::static_links(graph)?);
        static_links = links::merge(static_links);
    }
    let num_batches = input.batches.len();
    let device_ids = device_kind.map(|kind| &kind_dictionaries[kind as usize].ids[..num_batches]);

    input.batches.par_iter_mut().enumerate().for_each(|(number, batch)| {
        let ids = &accounts.ids[number];
        for account in batch.source.iter_mut().chain(&mut batch.destination) {
            *account = ids[*account as usize];
        }
        batch.accounts = LocalKeys::default();
        if let (Some((keys, devices)), Some(ids)) = (&mut batch.devices, device_ids) {
            for device in devices.iter_mut().filter(|device| **device != NONE) {
                *device = ids[number][*device as usize];
            }
            *keys = LocalKeys::default();
        }
    });
    let num_accounts = before.as_ref().map_or(0, Graph::num_accounts) + num_keys(&accounts.keys);
    let accounts = accounts.keys;

    let names = before.as_ref().map(before::names).unwrap_or_default();
    let (mut chunks, Names { currencies, channels, labels }) =
        codes(std::mem::take(&mut input.batches), names)?;
    run.stage("order", chunks.len() as u64);
    let mut repeats = repeats(before.as_ref(), &chunks, run)?;
    let settled = refers::settle(before.as_ref(), refers::events(&chunks, run)?, run)?;
    repeats.retain(|(place, _)| !settled.judges(*place));
    repeats.extend(&settled.left_out);
    repeats.sort_unstable_by_key(|(place, _)| *place);
    settled.note(&mut chunks);
    let left_out = repeats.iter().map(|(_, left_out)| *left_out).collect();
    let mut omitted: Vec<u64> = repeats.into_iter().map(|(place, _)| place).collect();
    let mut num_before = 0;
    if let Some(graph) = &before {
        let corrected = &settled.corrected_before;
        let mut read_back = before::touched(graph, &chunks, &omitted, corrected, room, run)?;
        num_before = read_back.len();
        omitted.iter_mut().for_each(|at| *at += rows::place(num_before, 0));
        read_back.append(&mut chunks);
        chunks = read_back;
    }
    let rows = Rows::new(chunks, &omitted, run)?;
    let kinds = kind_names.into_iter().zip(kind_dictionaries.into_iter().map(|kind| kind.keys)).collect();
    Ok(Prepared {
        before,
        rows,
        num_before,
        left_out,
        currencies,
        channels,
        labels,
        accounts,
        num_accounts,
        kinds,
        device_kind,
        static_links,
        attributes: input.accounts,
        attribute_ids,
        mapping: input.mapping,
        ids_max: options.ids_max,
    })
}

/// Rows whose transaction key the store or an earlier row has, with their places, in row order.
fn repeats(before: Option<&Graph>, chunks: &[Chunk], run: &Run) -> Result<Vec<(Place, LeftOut)>> {
    let known = before.map_or(Ok(Vec::new()), |graph| before::known(graph, chunks, run))?;
    let among_new = duplicates::duplicates(chunks, run)?;
    let is_known = |at: Place| known.binary_search_by_key(&at, |known| known.place).is_ok();
    let mut repeats: Vec<(Place, LeftOut)> = among_new
        .iter()
        .filter(|repeat| !is_known(repeat.place))
        .map(|repeat| {
            let (chunk, row) = split(repeat.first);
            let first = split_reference(chunks[chunk].reference(row));
            (repeat.place, describe(chunks, repeat.place, first, repeat.same))
        })
        .chain(known.iter().map(|known| (known.place, known.describe(chunks))))
        .collect();
    repeats.sort_unstable_by_key(|(place, _)| *place);
    Ok(repeats)
}

fn describe(chunks: &[Chunk], at: Place, first: (u32, u64), same: bool) -> LeftOut {
    let (chunk, row) = split(at);
    let chunk = &chunks[chunk];
    let (source_ordinal, record) = split_reference(chunk.reference(row));
    let (currency, amount) = (chunk.currency(row), chunk.batch.amount[row]);
    LeftOut { source_ordinal, record, reason: repeated(same), other: Some(first), currency, amount }
}

/// Why a row is left out whose key an earlier one has.
fn repeated(same: bool) -> Reason {
    if same { Reason::DuplicateSameContent } else { Reason::DuplicateDifferentContent }
}

/// Ids of all identifiers: the kinds' names, their dictionaries, and which kind devices are.
///
/// A dictionary's first chunks are the batches' devices (for the kind `device`), the last is the links table's.
fn identifiers(
    input: &Input,
    before: Option<&Graph>,
    limit: u64,
    run: &Run,
) -> Result<(Vec<String>, Vec<Dictionary>, Option<u8>)> {
    let empty = LocalKeys::default();
    let has_devices = input.batches.iter().any(|batch| batch.devices.is_some());
    let known = before.map_or(&[][..], |graph| &graph.manifest().kinds);
    let mut names: Vec<String> = known.iter().map(|kind| kind.name.clone()).collect();
    let devices = has_devices.then(|| DEVICE.to_string());
    for name in devices.into_iter().chain(input.links.kinds.iter().cloned()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.len() > 255 {
        let found = names.len() as u64;
        let remedy = "map fewer columns to identifier kinds";
        return Err(Error::Limit { what: "kinds of identifiers", found, limit: 255, remedy });
    }
    let mut dictionaries = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let devices = input.batches.iter().map(|batch| match &batch.devices {
            Some((keys, _)) if has_devices && name == DEVICE => keys,
            _ => &empty,
        });
        let table = input.links.kinds.iter().position(|kind| kind == name);
        let table = table.map_or(&empty, |kind| &input.links.identifiers[kind]);
        let chunks: Vec<&LocalKeys> = devices.chain([table]).collect();
        let known = before.and_then(|graph| graph.store().identifier_keys().get(number));
        dictionaries.push(merge_behind(known, &chunks, limit, "identifiers of one kind", run)?);
    }
    let device_kind = names.iter().position(|name| name == DEVICE).map(|kind| kind as u8);
    Ok((names, dictionaries, device_kind))
}

/// The links table with dense ids, merged.
fn link_rows(table: &LinkRows, accounts: &[u32], names: &[String], dictionaries: &[Dictionary]) -> Vec<Link> {
    let kind_of: Vec<usize> = table
        .kinds
        .iter()
        .map(|kind| names.iter().position(|name| name == kind).expect("every kind of the table was named"))
        .collect();
    let link = |row: usize| {
        let kind = kind_of[table.kind[row] as usize];
        let ids = dictionaries[kind].ids.last().expect("the links table is a dictionary's last chunk");
        Link {
            account: accounts[table.account[row] as usize],
            kind: kind as u8,
            identifier: ids[table.identifier[row] as usize],
            first: table.first[row],
            last: table.last[row],
            count: 1,
        }
    };
    links::merge((0..table.account.len()).map(link).collect())
}

/// What a store has beside the segments of its time partitions.
struct Others {
    static_links: Option<SegmentEntry>,
    account_keys: FileEntry,
    kinds: Vec<KindEntry>,
    attributes: Option<AttributesEntry>,
}

/// Names that have codes in the store.
#[derive(Debug, Default)]
struct Names {
    currencies: Vec<Currency>,
    /// Code 0 is "none"; code 1 is the first.
    channels: Vec<String>,
    /// As `channels`.
    labels: Vec<String>,
}

/// Gives currencies, channels and labels their codes in the store, by first appearance.
fn codes(batches: Vec<Batch>, mut names: Names) -> Result<(Vec<Chunk>, Names)> {
    let chunks = batches.into_iter().map(|batch| names.chunk(batch)).collect::<Result<_>>()?;
    Ok((chunks, names))
}

impl Names {
    /// Gives the names of the next batch their codes.
    fn chunk(&mut self, batch: Batch) -> Result<Chunk> {
        let Names { currencies, channels, labels } = self;
        let currency_codes =
            batch.currencies.iter().map(|currency| code(currencies, currency) as u16).collect();
        let names = |table: &mut Vec<String>, given: &[String], what| {
            let codes: Vec<usize> = given.iter().map(|name| code(table, name) + 1).collect();
            if table.len() > 255 {
                let (found, remedy) = (table.len() as u64, "map another column, or none");
                return Err(Error::Limit { what, found, limit: 255, remedy });
            }
            Ok([0].into_iter().chain(codes.into_iter().map(|code| code as u8)).collect())
        };
        let channel_codes = names(channels, &batch.channels.0, "distinct channels")?;
        let label_codes = names(labels, &batch.labels.0, "distinct labels")?;
        if currencies.len() > usize::from(u16::MAX) {
            let (found, limit) = (currencies.len() as u64, u64::from(u16::MAX));
            let remedy = "check the currency column of the mapping";
            return Err(Error::Limit { what: "distinct currencies", found, limit, remedy });
        }
        Ok(Chunk {
            batch,
            currencies: currency_codes,
            channels: channel_codes,
            labels: label_codes,
            references: None,
            refers: Vec::new(),
        })
    }
}

/// The place of `value` in `table`, added at the end if it is new.
fn code<T: PartialEq + Clone>(table: &mut Vec<T>, value: &T) -> usize {
    table.iter().position(|known| known == value).unwrap_or_else(|| {
        table.push(value.clone());
        table.len() - 1
    })
}

impl Prepared {
    /// Number of transactions that will be written, those of the store in the same partitions among them.
    pub fn num_transactions(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Number and sum of the new accepted transactions, by currency paid.
    pub fn accepted_totals(&self) -> Vec<(u64, i128)> {
        let zero = || vec![(0, 0); self.currencies.len()];
        let add = |mut a: Vec<(u64, i128)>, b: Vec<(u64, i128)>| {
            for (a, b) in a.iter_mut().zip(b) {
                *a = (a.0 + b.0, a.1 + b.1);
            }
            a
        };
        let mut totals = self.rows.chunks()[self.num_before..]
            .par_iter()
            .map(|chunk| {
                let mut totals = zero();
                for (row, &amount) in chunk.batch.amount.iter().enumerate() {
                    let total = &mut totals[chunk.currency(row) as usize];
                    *total = (total.0 + 1, total.1 + i128::from(amount));
                }
                totals
            })
            .reduce(zero, add);
        for left_out in &self.left_out {
            let total = &mut totals[left_out.currency as usize];
            *total = (total.0 - 1, total.1 - i128::from(left_out.amount));
        }
        totals
    }

    /// Writes all files that are not there yet and publishes the store's next generation; `sources` and `totals` are those of all its rows.
    ///
    /// # Errors
    /// [`Error::Limit`] for more transactions in a segment than the format holds; [`Error::Io`];
    /// [`Error::CommitUnknown`]; [`Error::Cancelled`]. But for `CommitUnknown`, nothing is left behind.
    pub fn publish(
        self,
        writer: StoreWriter,
        partition: Partition,
        sources: Vec<SourceEntry>,
        totals: Vec<ControlTotal>,
        run: &Run,
    ) -> Result<Manifest> {
        run.stage("write", self.num_transactions());
        let before = self.before.as_ref().map(Graph::manifest);
        let mut segments = Vec::new();
        for (name, range) in self.partitions(partition)? {
            segments.push(self.write_segment(&writer, &name, range, run)?);
        }
        let mut kept = before.map_or(Vec::new(), |before| before.segments.clone());
        kept.retain(|old| segments.iter().all(|new| new.partition != old.partition));
        segments.append(&mut kept);
        segments.sort_unstable_by_key(|segment| segment.time_min);
        let others = self.write_others(&writer, run)?;
        run.check()?;
        let manifest = self.manifest(partition, segments, others, sources, totals);
        writer.publish(&manifest)?;
        Ok(manifest)
    }

    /// Writes everything but the segments of time partitions, as far as it is not there.
    fn write_others(&self, writer: &StoreWriter, run: &Run) -> Result<Others> {
        let (before, store) =
            (self.before.as_ref().map(Graph::manifest), self.before.as_ref().map(Graph::store));
        let static_links = match self.static_links.is_empty() {
            true => before.and_then(|before| before.static_links.clone()),
            false => Some(self.write_static_links(writer, run)?),
        };
        let known = before.zip(store).map(|(before, store)| (&before.account_keys, store.account_keys()));
        let account_keys = write_keys(writer, "account", known, &self.accounts)?;
        let mut kinds = Vec::new();
        for (number, (name, keys)) in self.kinds.iter().enumerate() {
            let old = before.and_then(|before| before.kinds.get(number));
            let known = old.zip(store).map(|(old, store)| (&old.keys, &store.identifier_keys()[number]));
            let file = write_keys(writer, &format!("identifier-{number}"), known, keys)?;
            let num_identifiers = old.map_or(0, |old| old.num_identifiers) + num_keys(keys);
            kinds.push(KindEntry { name: name.clone(), num_identifiers, keys: file });
        }
        let attributes = self.write_attributes(writer)?;
        Ok(Others { static_links, account_keys, kinds, attributes })
    }

    /// The record of the generation.
    fn manifest(
        self,
        partition: Partition,
        segments: Vec<SegmentEntry>,
        others: Others,
        sources: Vec<SourceEntry>,
        totals: Vec<ControlTotal>,
    ) -> Manifest {
        let before = self.before.as_ref();
        Manifest {
            generation: before.map_or(0, |before| before.manifest().generation) + 1,
            parent: before.map(|before| before.store().manifest_sha256),
            tool: TOOL.into(),
            schema: Schema {
                partition,
                currencies: self.currencies,
                channels: self.channels,
                labels: self.labels,
                mapping: self.mapping,
            },
            num_accounts: self.num_accounts,
            account_keys: others.account_keys,
            kinds: others.kinds,
            segments,
            static_links: others.static_links,
            attributes: others.attributes,
            sources,
            totals,
        }
    }

    /// Cuts the rows at partition boundaries.
    fn partitions(&self, partition: Partition) -> Result<Vec<(String, Range<usize>)>> {
        let mut parts = Vec::new();
        let mut begin = 0;
        while begin < self.rows.len() {
            let (chunk, row) = self.rows.at(begin);
            let span = partition.span(chunk.batch.time[row]);
            let end = self.rows.position_at(begin, span.window.to);
            let found = (end - begin) as u64;
            if found > self.ids_max {
                return Err(Error::Limit {
                    what: "transactions in one time partition",
                    found,
                    limit: self.ids_max,
                    remedy: "choose a narrower --partition",
                });
            }
            parts.push((span.name, begin..end));
            begin = end;
        }
        Ok(parts)
    }

    fn write_segment(
        &self,
        writer: &StoreWriter,
        name: &str,
        range: Range<usize>,
        run: &Run,
    ) -> Result<SegmentEntry> {
        let part = segment::Part {
            rows: &self.rows,
            range,
            num_accounts: self.num_accounts,
            device_kind: self.device_kind,
            static_links: &[],
        };
        segment::publish(&part, name, writer, run)
    }

    /// Writes the segment of links that belong to no time: no transactions, empty adjacencies.
    fn write_static_links(&self, writer: &StoreWriter, run: &Run) -> Result<SegmentEntry> {
        let part = segment::Part {
            rows: &self.rows,
            range: 0..0,
            num_accounts: self.num_accounts,
            device_kind: None,
            static_links: &self.static_links,
        };
        segment::publish(&part, "static", writer, run)
    }

    fn write_attributes(&self, writer: &StoreWriter) -> Result<Option<AttributesEntry>> {
        let (merged, all);
        let (table, ids) = match &self.before {
            None => (&self.attributes, &self.attribute_ids),
            Some(graph) => {
                let unchanged =
                    self.attributes.columns.is_empty() && graph.num_accounts() == self.num_accounts;
                if unchanged {
                    return Ok(graph.manifest().attributes.clone());
                }
                merged = before::attributes(graph, &self.attributes, &self.attribute_ids, self.num_accounts)?;
                all = (0..self.num_accounts).collect();
                (&merged, &all)
            }
        };
        if table.columns.is_empty() {
            return Ok(None);
        }
        let mut file = writer.file("attributes", "accounts", "col")?;
        let columns = attributes::write(table, ids, self.num_accounts, &mut file)?;
        Ok(Some(AttributesEntry { file: writer.finish(file)?, columns }))
    }
}

/// Writes the keys that a store knows, if it does, and the new ones behind them.
fn write_keys(
    writer: &StoreWriter,
    name: &str,
    known: Option<(&FileEntry, &Keys)>,
    new: &KeyList,
) -> Result<FileEntry> {
    let all;
    let keys = match known {
        Some((file, _)) if new.is_empty() => return Ok(file.clone()),
        Some((_, known)) => {
            all = joined(known, new)?;
            &all
        }
        None => new,
    };
    let mut file = writer.file("keys", name, "keys")?;
    Keys::write(keys, &mut file)?;
    writer.finish(file)
}
