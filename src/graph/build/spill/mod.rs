//! Building in bounded memory: the same store as from memory, byte for byte, by way of scratch files.
//!
//! # Method
//! Batches are held until they take their share of the budget; what is smaller is built in memory. From then on each batch
//! gets its ids (`ids`), is put in (time, row) order, cut at partition boundaries and written to one scratch file,
//! column after column (`piece`). When all is read, repeated transaction keys are found by sorting outside of memory
//! (`repeats`, `sort`), keys, links and attributes are written and let go, and then one partition after another becomes a
//! segment: read back and built as in memory where it fits, else merged from its pieces and streamed column by
//! column (`order`, `stream`).
//!
//! # Cost
//! Disk: 24 to 40 bytes a row for most ledgers, and 8 to 48 for what a partition that does not fit sorts outside, one
//! partition at a time. Before each 64 MiB the free space is held against what the store itself will take.
//!
//! # Memory
//! A quarter of the budget is for text and rows in work while reading, at most half for the keys of accounts and identifiers,
//! three eighths for batches that are held before spilling begins, five eighths for a partition. The rest is slack for what
//! the system's allocator keeps.
//!
//! Not bounded: the keys themselves and the rows that correct others or take them back (an error says by how much they are too many), tables of accounts and of
//! links, which are small beside the keys that they name, and one chunk of a data frame. `append` holds its rows and those of the partitions that
//! it writes anew, and refuses what does not fit.
//!
//! # Choices
//! Rows are spilled as columns and not as records, as most columns of most ledgers say the same in every row of a batch,
//! and as a column can then be written without touching the others. Pieces are sorted when they are written: a ledger in
//! time order costs no comparison later, and a partition of any size needs only one merge.

mod ids;
mod order;
mod piece;
mod refers;
mod repeats;
mod sort;
mod stream;

use super::dictionary::{Dictionary, merge, num_keys};
use super::refers::settle;
use super::rows::{Chunk, Place, Rows, place};
use super::{AccountRows, BuildOptions, DEVICE, LeftOut, LinkRows, Names, Prepared, link_rows};
use crate::error::{Error, Result};
use crate::ids::NONE;
use crate::ingest::Batch;
use crate::ingest::batch::LocalKeys;
use crate::run::Run;
use crate::store::keys::KeyList;
use crate::store::manifest::{ControlTotal, Manifest, Partition, SegmentEntry, SourceEntry};
use crate::store::{Scratch, StoreWriter};
use ids::Ids;
use order::Ordered;
use piece::{Cursor, Piece, Values};
use rayon::prelude::*;
use refers::Pointer;
use repeats::{Repeats, repeats};
use std::collections::BTreeMap;
use std::ops::Range;
use stream::{Facts, Means};

/// Bytes of memory that a row takes which points at another, beside that one's key: what it points at, it, and that one, until all is settled.
const POINTER: usize = 512;

/// Bytes that a row takes in a store, beside its transaction key; only to judge the free space.
const STORED_ROW: u64 = 40;

/// Shares of a memory budget.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Bytes in all.
    pub memory: u64,
}

impl Budget {
    /// For text and rows in work while reading.
    pub fn in_flight(self) -> u64 {
        self.memory / 4
    }

    /// For batches held before spilling begins.
    fn held(self) -> u64 {
        self.memory / 8 * 3
    }

    /// For the keys of accounts and identifiers.
    fn keys(self) -> u64 {
        self.memory / 2
    }

    /// For one partition, when keys have been let go.
    fn part(self) -> u64 {
        self.memory / 8 * 5
    }

    fn refuse_keys(self, bytes: u64) -> Result<()> {
        if bytes <= self.keys() {
            return Ok(());
        }
        let what = "bytes of memory, for the keys of accounts and identifiers alone";
        let remedy =
            "allow more memory (--memory), or split the data into several stores, by time or by region";
        Err(Error::Limit { what, found: bytes.saturating_mul(2), limit: self.memory, remedy })
    }

    fn refuse_batch(self, bytes: u64) -> Result<()> {
        if bytes <= self.memory / 2 {
            return Ok(());
        }
        let what = "bytes of memory, for one chunk of rows alone";
        let remedy = "allow more memory (--memory), or read smaller chunks";
        Err(Error::Limit { what, found: bytes.saturating_mul(2), limit: self.memory, remedy })
    }
}

/// Memory for rows that are added to a store, and for those that are written anew with them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Bytes in all.
    pub memory: u64,
    /// Bytes of the new rows.
    pub held: u64,
}

impl Default for Room {
    /// As much as there is.
    fn default() -> Self {
        Room { memory: u64::MAX, held: 0 }
    }
}

impl Room {
    /// Refuses to hold `more` bytes where they do not fit; an eighth is slack.
    pub fn refuse(self, more: u64) -> Result<()> {
        let found = (self.held + more).saturating_add((self.held + more) / 7);
        if found <= self.memory {
            return Ok(());
        }
        let what = "bytes of memory, for new rows and the time partitions that are written anew with them";
        let remedy = "allow more memory (--memory), append less at a time, or cut time into narrower partitions (ringfence compact)";
        Err(Error::Limit { what, found, limit: self.memory, remedy })
    }
}

/// Batches as they come: held, until they are too many.
#[derive(Debug)]
pub(super) enum Collected {
    /// All of them, and their bytes.
    Memory(Vec<Batch>, u64),
    /// On disk.
    Spilled(Box<Spilled>),
}

impl Collected {
    /// Takes the next batch.
    pub fn add(
        &mut self,
        batch: Batch,
        budget: Budget,
        options: &BuildOptions,
        partition: Partition,
        writer: &StoreWriter,
        run: &Run,
    ) -> Result<()> {
        let bytes = bytes_of(&batch);
        budget.refuse_batch(bytes)?;
        match self {
            Collected::Spilled(spilled) => spilled.add(batch, run),
            Collected::Memory(batches, held) if *held + bytes <= budget.held() => {
                *held += bytes;
                batches.push(batch);
                Ok(())
            }
            Collected::Memory(batches, _) => {
                let mut spilled = Box::new(Spilled::new(budget, options, partition, writer)?);
                for batch in std::mem::take(batches).into_iter().chain([batch]) {
                    spilled.add(batch, run)?;
                }
                *self = Collected::Spilled(spilled);
                Ok(())
            }
        }
    }
}

/// Bytes of a batch in memory.
pub(super) fn bytes_of(batch: &Batch) -> u64 {
    fn of<T>(values: &Vec<T>) -> usize {
        values.capacity() * size_of::<T>()
    }
    let local = |keys: &LocalKeys| of(&keys.text) + of(&keys.offsets) + of(&keys.hashes) + of(&keys.numbers);
    let keys = match &batch.keys {
        Some(KeyList::Numbers(numbers)) => of(numbers),
        Some(KeyList::Texts { text, offsets }) => of(text) + of(offsets),
        None => 0,
    };
    let columns = of(&batch.source)
        + of(&batch.destination)
        + of(&batch.time)
        + of(&batch.amount)
        + of(&batch.currency)
        + of(&batch.channels.1)
        + of(&batch.labels.1)
        + of(&batch.flags)
        + of(&batch.record);
    let received = batch.received.as_ref().map_or(0, |(amounts, codes)| of(amounts) + of(codes));
    let devices = batch.devices.as_ref().map_or(0, |(keys, devices)| local(keys) + of(devices));
    let refers = batch.refers.len() * POINTER;
    (local(&batch.accounts) + keys + columns + received + devices + refers) as u64
}

/// Rows on disk, with dense ids.
#[derive(Debug)]
pub(super) struct Spilled {
    budget: Budget,
    partition: Partition,
    ids_max: u64,
    accounts: Ids,
    /// Once a batch has devices.
    devices: Option<Ids>,
    names: Names,
    scratch: Scratch,
    pieces: Vec<Piece>,
    /// Rows that correct others or take them back, ascending, and their bytes.
    pointers: (Vec<Pointer>, u64),
    /// By where a partition begins: its name, its pieces.
    parts: BTreeMap<i64, (String, Vec<usize>)>,
    num_rows: u64,
    key_bytes: u64,
    /// By currency: rows, their sum.
    totals: Vec<(u64, i128)>,
    /// Whether all batches have transaction keys.
    has_keys: bool,
    /// Whether all of them are numbers.
    only_numbers: bool,
    /// Whether these only ever grew, and the last.
    ascending: bool,
    last_number: Option<u64>,
}

impl Spilled {
    fn new(
        budget: Budget,
        options: &BuildOptions,
        partition: Partition,
        writer: &StoreWriter,
    ) -> Result<Self> {
        Ok(Spilled {
            budget,
            partition,
            ids_max: options.ids_max,
            accounts: Ids::new("accounts in one store", options.ids_max),
            devices: None,
            names: Names::default(),
            scratch: writer.scratch()?,
            pieces: Vec::new(),
            pointers: (Vec::new(), 0),
            parts: BTreeMap::new(),
            num_rows: 0,
            key_bytes: 0,
            totals: Vec::new(),
            has_keys: true,
            only_numbers: true,
            ascending: true,
            last_number: None,
        })
    }

    /// Gives the rows of a batch their ids and writes them.
    fn add(&mut self, mut batch: Batch, run: &Run) -> Result<()> {
        run.check()?;
        let ids = self.accounts.add(&std::mem::take(&mut batch.accounts))?;
        for account in batch.source.iter_mut().chain(&mut batch.destination) {
            *account = ids[*account as usize];
        }
        if let Some((keys, devices)) = &mut batch.devices {
            let table = self.devices.get_or_insert_with(|| Ids::new("identifiers of one kind", self.ids_max));
            let ids = table.add(&std::mem::take(keys))?;
            for device in devices.iter_mut().filter(|device| **device != NONE) {
                *device = ids[*device as usize];
            }
        }
        let devices = self.devices.as_ref().map_or(0, Ids::bytes);
        self.budget.refuse_keys(self.accounts.bytes() + devices + self.pointers.1)?;
        self.look_at_keys(&batch);
        let chunk = self.names.chunk(batch)?;
        self.totals.resize(self.names.currencies.len(), (0, 0));
        for (row, &amount) in chunk.batch.amount.iter().enumerate() {
            let total = &mut self.totals[chunk.currency(row) as usize];
            *total = (total.0 + 1, total.1 + i128::from(amount));
        }
        self.num_rows += chunk.batch.len() as u64;
        self.scratch.refuse_full(self.num_rows * STORED_ROW + self.key_bytes)?;
        self.write(&chunk)
    }

    fn look_at_keys(&mut self, batch: &Batch) {
        match &batch.keys {
            Some(KeyList::Numbers(numbers)) => {
                let follows = self.last_number.zip(numbers.first()).is_none_or(|(last, first)| last < *first);
                self.ascending &= follows && numbers.is_sorted_by(|a, b| a < b);
                self.last_number = numbers.last().copied().or(self.last_number);
            }
            Some(KeyList::Texts { text, .. }) => {
                self.key_bytes += text.len() as u64;
                (self.only_numbers, self.ascending) = (false, false);
            }
            None => (self.has_keys, self.only_numbers, self.ascending) = (false, false, false),
        }
    }

    /// Cuts the rows at partition boundaries and writes them.
    fn write(&mut self, chunk: &Chunk) -> Result<()> {
        let times = &chunk.batch.time;
        let order: Option<Vec<u32>> = (!times.is_sorted()).then(|| {
            let mut order: Vec<u32> = (0..times.len() as u32).collect();
            order.par_sort_unstable_by_key(|&row| (times[row as usize], row));
            order
        });
        let time = |at: usize| times[order.as_ref().map_or(at, |order| order[at] as usize)];
        let mut begin = 0;
        while begin < times.len() {
            let span = self.partition.span(time(begin));
            let (mut end, mut behind) = (begin, times.len());
            while end < behind {
                let middle = end + (behind - end) / 2;
                match time(middle) < span.window.to {
                    true => end = middle + 1,
                    false => behind = middle,
                }
            }
            // The last moment of all belongs to the last partition.
            let end = end.max(begin + 1);
            let piece = Piece::write(chunk, order.as_deref(), begin..end, &mut self.scratch)?;
            self.point(chunk, order.as_deref(), begin..end);
            let part = self.parts.entry(span.window.from).or_insert_with(|| (span.name, Vec::new()));
            part.1.push(self.pieces.len());
            self.pieces.push(piece);
            begin = end;
        }
        Ok(())
    }

    /// Keeps what the rows of the next piece point at.
    fn point(&mut self, chunk: &Chunk, order: Option<&[u32]>, range: Range<usize>) {
        let refers = &chunk.batch.refers;
        if refers.is_empty() {
            return;
        }
        for (at, picked) in range.enumerate() {
            let row = order.map_or(picked as u32, |order| order[picked]);
            if let Ok(found) = refers.binary_search_by_key(&row, |(row, _)| *row) {
                let key = refers[found].1.clone();
                self.pointers.1 += (key.capacity() + POINTER) as u64;
                self.pointers.0.push((place(self.pieces.len(), at), key));
            }
        }
    }

    /// Gives ids to links and attributes, finds repeated transaction keys, and hands over what can be written.
    pub fn finish(
        mut self,
        links: LinkRows,
        attributes: AccountRows,
        mapping: String,
        writer: &StoreWriter,
        run: &Run,
    ) -> Result<(Prepared, Parts, Repeats)> {
        run.stage("ids", 0);
        let link_accounts = self.accounts.add(&links.accounts)?;
        let attribute_ids = self.accounts.add(&attributes.accounts)?;
        let (kinds, device_kind) = self.kinds(&links, run)?;
        let (names, dictionaries): (Vec<String>, Vec<Dictionary>) = kinds.into_iter().unzip();
        let static_links = link_rows(&links, &link_accounts, &names, &dictionaries);
        drop((links, link_accounts));
        let accounts = self.accounts.into_keys();
        run.stage("order", self.pieces.len() as u64);
        run.check()?;
        let share = self.budget.memory / 4;
        let mut omitted = writer.scratch()?;
        self.scratch.flush()?;
        let means = Means { writer, share, run };
        let settled = settle(None, refers::events(&self.pieces, &self.pointers.0, &self.scratch, run)?, run)?;
        refers::note(&settled, &mut self.pieces, &mut self.scratch)?;
        let facts = [!self.ascending, self.only_numbers];
        let repeats = repeats(&mut self.pieces, &self.scratch, &settled, facts, &mut omitted, &means)?;
        drop((settled, self.pointers));
        let num_accounts = num_keys(&accounts);
        let kinds = names.into_iter().zip(dictionaries.into_iter().map(|kind| kind.keys)).collect();
        let prepared = Prepared {
            before: None,
            num_before: 0,
            rows: Rows::new(Vec::new(), &[], run)?,
            left_out: Vec::new(),
            currencies: self.names.currencies,
            channels: self.names.channels,
            labels: self.names.labels,
            accounts,
            num_accounts,
            kinds,
            device_kind,
            static_links,
            attributes,
            attribute_ids,
            mapping,
            ids_max: self.ids_max,
        };
        let facts =
            Facts { num_accounts, device_kind, has_keys: self.has_keys, only_numbers: self.only_numbers };
        let parts = Parts {
            budget: self.budget,
            partition: self.partition,
            scratch: self.scratch,
            omitted,
            pieces: self.pieces,
            parts: self.parts,
            num_rows: self.num_rows,
            totals: self.totals,
            facts,
        };
        Ok((prepared, parts, repeats))
    }

    /// Kinds of identifiers with their keys, and which kind devices are; as `identifiers` has them.
    fn kinds(&mut self, links: &LinkRows, run: &Run) -> Result<(Vec<Kind>, Option<u8>)> {
        let mut kinds = Vec::new();
        let empty = LocalKeys::default();
        let table = |name: &str| {
            let kind = links.kinds.iter().position(|kind| kind == name);
            kind.map_or(&empty, |kind| &links.identifiers[kind])
        };
        let devices = self.devices.take();
        let device_kind = devices.is_some().then_some(0);
        if let Some(mut devices) = devices {
            let ids = vec![devices.add(table(DEVICE))?];
            kinds.push((DEVICE.to_string(), Dictionary { ids, keys: devices.into_keys() }));
        }
        for name in links.kinds.iter().filter(|&name| device_kind.is_none() || name != DEVICE) {
            let keys = merge(&[table(name)], self.ids_max, "identifiers of one kind", run)?;
            kinds.push((name.clone(), keys));
        }
        if kinds.len() > 255 {
            let found = kinds.len() as u64;
            let remedy = "map fewer columns to identifier kinds";
            return Err(Error::Limit { what: "kinds of identifiers", found, limit: 255, remedy });
        }
        Ok((kinds, device_kind))
    }
}

/// A kind of identifiers and its keys.
type Kind = (String, Dictionary);

/// The partitions, on disk.
#[derive(Debug)]
pub(super) struct Parts {
    budget: Budget,
    partition: Partition,
    /// Of the pieces.
    scratch: Scratch,
    /// Numbers of rows that are left out, piece by piece.
    omitted: Scratch,
    pieces: Vec<Piece>,
    parts: BTreeMap<i64, (String, Vec<usize>)>,
    num_rows: u64,
    totals: Vec<(u64, i128)>,
    facts: Facts,
}

impl Parts {
    /// Number and sum of all rows, by currency paid; repeated ones are among them.
    pub fn totals(&self) -> &[(u64, i128)] {
        &self.totals
    }

    /// Writes all files and publishes the store's first generation; as [`Prepared::publish`].
    pub fn publish(
        mut self,
        mut prepared: Prepared,
        writer: StoreWriter,
        sources: Vec<SourceEntry>,
        totals: Vec<ControlTotal>,
        run: &Run,
    ) -> Result<Manifest> {
        run.stage("write", self.num_rows);
        let others = prepared.write_others(&writer, run)?;
        // All of these are written: their memory is the partitions' now.
        prepared.accounts = KeyList::Numbers(Vec::new());
        prepared.kinds = Vec::new();
        prepared.static_links = Vec::new();
        (prepared.attributes, prepared.attribute_ids) = Default::default();
        let mut segments = Vec::new();
        for (name, numbers) in std::mem::take(&mut self.parts).into_values() {
            run.check()?;
            let pieces: Vec<Piece> = numbers.iter().map(|&number| self.pieces[number]).collect();
            let left = |piece: &Piece| u64::from(piece.rows - piece.omitted.1);
            let found = pieces.iter().map(left).sum();
            if found > prepared.ids_max {
                return Err(Error::Limit {
                    what: "transactions in one time partition",
                    found,
                    limit: prepared.ids_max,
                    remedy: "choose a narrower --partition",
                });
            }
            if found > 0 {
                segments.push(self.segment(&name, pieces, &mut prepared, &writer, run)?);
            }
        }
        run.check()?;
        let manifest = prepared.manifest(self.partition, segments, others, sources, totals);
        drop((self.scratch, self.omitted));
        writer.publish(&manifest)?;
        Ok(manifest)
    }

    /// Writes one partition.
    fn segment(
        &self,
        name: &str,
        pieces: Vec<Piece>,
        prepared: &mut Prepared,
        writer: &StoreWriter,
        run: &Run,
    ) -> Result<SegmentEntry> {
        if self.needed(&pieces) <= self.budget.part() {
            prepared.rows = self.load(&pieces, run)?;
            let entry = prepared.write_segment(writer, name, 0..prepared.rows.len(), run);
            prepared.rows = Rows::new(Vec::new(), &[], run)?;
            return entry;
        }
        let share = self.budget.part().saturating_sub(8 * u64::from(self.facts.num_accounts));
        let share = share.max(self.budget.memory / 8);
        let rows = Ordered::merge(pieces, &self.scratch, &self.omitted, writer, share, run)?;
        let mut file = writer.file("segments", name, "seg")?;
        let num_links = stream::write(&rows, &self.facts, &mut file, &Means { writer, share, run })?;
        Ok(SegmentEntry {
            partition: name.into(),
            file: writer.finish(file)?,
            num_transactions: rows.len() as u32,
            num_links,
            time_min: rows.time_min,
            time_max: rows.time_max,
            has_keys: self.facts.has_keys,
        })
    }

    /// Bytes of memory that building a segment from memory takes: rows, order, gathered columns, an adjacency.
    fn needed(&self, pieces: &[Piece]) -> u64 {
        let rows: u64 = pieces.iter().map(|piece| u64::from(piece.rows)).sum();
        let bytes: u64 = pieces.iter().map(|piece| piece.bytes() + 2 * piece.key_bytes).sum();
        bytes + 64 * rows + 12 * u64::from(self.facts.num_accounts)
    }

    /// The rows of a partition, back in memory, without those that are left out.
    fn load(&self, pieces: &[Piece], run: &Run) -> Result<Rows> {
        let mut chunks = Vec::with_capacity(pieces.len());
        let mut omitted: Vec<Place> = Vec::new();
        for (number, piece) in pieces.iter().enumerate() {
            run.check()?;
            let mut chunk = piece.load(&self.scratch)?;
            if !self.facts.has_keys {
                chunk.batch.keys = None;
            } else if !self.facts.only_numbers {
                chunk.batch.keys = chunk.batch.keys.map(as_texts);
            }
            chunks.push(chunk);
            let (begin, count) = piece.omitted;
            let mut rows = Vec::new();
            let count = u64::from(count);
            Cursor::<u32>::new(Values::Stored(begin), count, 1).take(count, &self.omitted, &mut rows)?;
            omitted.extend(rows.into_iter().map(|row| place(number, row as usize)));
        }
        Rows::new(chunks, &omitted, run)
    }
}

/// Keys as texts: what some batches have, all of the store get.
pub(super) fn as_texts(keys: KeyList) -> KeyList {
    let KeyList::Numbers(numbers) = keys else { return keys };
    let (mut text, mut offsets) = (Vec::new(), vec![0]);
    for number in numbers {
        text.extend_from_slice(number.to_string().as_bytes());
        offsets.push(text.len() as u64);
    }
    KeyList::Texts { text, offsets }
}

/// Number and sum of rows left out, by currency.
pub(super) fn count(left_out: &mut Vec<(u64, i128)>, row: &LeftOut) {
    let place = row.currency as usize;
    if left_out.len() <= place {
        left_out.resize(place + 1, (0, 0));
    }
    let total = &mut left_out[place];
    *total = (total.0 + 1, total.1 + i128::from(row.amount));
}
