//! All rows of all batches, with dense ids, in (time, row) order.

use crate::error::Result;
use crate::ids::NONE;
use crate::ingest::Batch;
use crate::run::Run;
use crate::store::keys::KeyList;
use rayon::prelude::*;
use std::ops::Range;

/// Rows per parallel task.
const BLOCK: usize = 1 << 16;

/// A batch whose numbers have become ids and codes of the whole store.
#[derive(Debug)]
pub(super) struct Chunk {
    /// The columns; account, device and name lists are spent.
    pub batch: Batch,
    /// Currency of the store for each currency of the batch.
    pub currencies: Vec<u16>,
    /// Channel code of the store for each code of the batch; the first is 0 for "none".
    pub channels: Vec<u8>,
    /// As `channels`.
    pub labels: Vec<u8>,
    /// Source ordinal and record number of each row, where rows of several sources stand together; else the batch says them.
    pub references: Option<Vec<u64>>,
    /// Reference of the row that each row corrects or takes back, 0 = none; empty where none does.
    pub refers: Vec<u64>,
}

/// Everything that a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub source: u32,
    pub destination: u32,
    pub time: i64,
    pub amount: i64,
    pub currency: u16,
    pub received: i64,
    pub received_currency: u16,
    pub channel: u8,
    pub label: u8,
    pub flags: u8,
    pub device: u32,
}

/// Source ordinal and record number of a reference.
pub(super) fn split_reference(reference: u64) -> (u32, u64) {
    ((reference >> 40) as u32, reference & ((1 << 40) - 1))
}

/// A row's place: the chunk in the upper half, the row within it in the lower.
pub(super) type Place = u64;

pub(super) fn place(chunk: usize, row: usize) -> Place {
    (chunk as u64) << 32 | row as u64
}

pub(super) fn split(place: Place) -> (usize, usize) {
    ((place >> 32) as usize, (place & 0xffff_ffff) as usize)
}

impl Chunk {
    pub fn currency(&self, row: usize) -> u16 {
        self.currencies[self.batch.currency.get(row).copied().unwrap_or(0) as usize]
    }

    pub fn received(&self, row: usize) -> (i64, u16) {
        match &self.batch.received {
            Some((amounts, currencies)) => (amounts[row], self.currencies[currencies[row] as usize]),
            None => (self.batch.amount[row], self.currency(row)),
        }
    }

    pub fn channel(&self, row: usize) -> u8 {
        self.batch.channels.1.get(row).map_or(0, |&code| self.channels[code as usize])
    }

    pub fn label(&self, row: usize) -> u8 {
        self.batch.labels.1.get(row).map_or(0, |&code| self.labels[code as usize])
    }

    pub fn flags(&self, row: usize) -> u8 {
        let given = self.batch.flags.get(row).copied().unwrap_or(0);
        let own = self.batch.source[row] == self.batch.destination[row];
        given | if own { crate::store::format::flags::SELF_TRANSFER } else { 0 }
    }

    /// Marks a row as one that another says anew.
    pub fn correct(&mut self, row: usize) {
        self.batch.flags.resize(self.batch.len(), 0);
        self.batch.flags[row] |= crate::store::format::flags::CORRECTED;
    }

    pub fn refers(&self, row: usize) -> u64 {
        self.refers.get(row).copied().unwrap_or(0)
    }

    pub fn device(&self, row: usize) -> u32 {
        self.batch.devices.as_ref().map_or(NONE, |(_, ids)| ids[row])
    }

    /// Source ordinal and record number, as the row column holds them.
    pub fn reference(&self, row: usize) -> u64 {
        if let Some(references) = &self.references {
            return references[row];
        }
        let batch = &self.batch;
        let record =
            batch.first_record + batch.record.get(row).map_or(row as u64, |&offset| u64::from(offset));
        u64::from(batch.source_ordinal) << 40 | record
    }

    pub fn row(&self, row: usize) -> Row {
        let (received, received_currency) = self.received(row);
        Row {
            source: self.batch.source[row],
            destination: self.batch.destination[row],
            time: self.batch.time[row],
            amount: self.batch.amount[row],
            currency: self.currency(row),
            received,
            received_currency,
            channel: self.channel(row),
            label: self.label(row),
            flags: self.flags(row),
            device: self.device(row),
        }
    }

    /// The row's transaction key, as text, appended to `out`.
    pub fn key(&self, row: usize, out: &mut Vec<u8>) {
        match &self.batch.keys {
            Some(KeyList::Numbers(numbers)) => out.extend_from_slice(numbers[row].to_string().as_bytes()),
            Some(KeyList::Texts { text, offsets }) => {
                out.extend_from_slice(&text[offsets[row] as usize..offsets[row + 1] as usize]);
            }
            None => {}
        }
    }
}

/// All rows in (time, row) order.
#[derive(Debug)]
pub(super) struct Rows {
    chunks: Vec<Chunk>,
    /// Number of rows before each chunk, and in all.
    starts: Vec<u64>,
    /// The rows in order; `None` when the chunks are in order as they stand.
    order: Option<Vec<Place>>,
}

impl Rows {
    /// Orders the rows of `chunks`, leaving out those at `omitted` (ascending).
    pub fn new(chunks: Vec<Chunk>, omitted: &[Place], run: &Run) -> Result<Self> {
        let mut starts = vec![0];
        for chunk in &chunks {
            starts.push(starts[starts.len() - 1] + chunk.batch.len() as u64);
        }
        let ascending = chunks.par_iter().all(|chunk| chunk.batch.time.is_sorted())
            && chunks
                .iter()
                .filter_map(|chunk| chunk.batch.time.first().zip(chunk.batch.time.last()))
                .is_sorted_by(|before, after| before.1 <= after.0);
        if ascending && omitted.is_empty() {
            return Ok(Self { chunks, starts, order: None });
        }
        run.check()?;
        let mut keyed: Vec<(i64, Place)> = chunks
            .par_iter()
            .enumerate()
            .flat_map_iter(|(number, chunk)| {
                let times = chunk.batch.time.iter().enumerate();
                times.map(move |(row, &time)| (time, place(number, row)))
            })
            .filter(|(_, place)| omitted.binary_search(place).is_err())
            .collect();
        // Places are distinct, so an unstable sort has one result.
        keyed.par_sort_unstable();
        run.check()?;
        let order = keyed.into_par_iter().map(|(_, place)| place).collect();
        Ok(Self { chunks, starts, order: Some(order) })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        match &self.order {
            Some(order) => order.len(),
            None => self.starts[self.chunks.len()] as usize,
        }
    }

    /// The chunks, in row order.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The chunk and row at a position.
    pub fn at(&self, position: usize) -> (&Chunk, usize) {
        let (chunk, row) = match &self.order {
            Some(order) => split(order[position]),
            None => {
                let chunk = self.starts.partition_point(|&start| start <= position as u64) - 1;
                (chunk, position - self.starts[chunk] as usize)
            }
        };
        (&self.chunks[chunk], row)
    }

    /// One value of each row of a range of positions, in parallel.
    pub fn gather<T: Copy + Default + Send>(
        &self,
        range: Range<usize>,
        value: impl Fn(&Chunk, usize) -> T + Sync,
    ) -> Vec<T> {
        let mut values = vec![T::default(); range.len()];
        values.par_chunks_mut(BLOCK).enumerate().for_each(|(block, values)| {
            let begin = range.start + block * BLOCK;
            match &self.order {
                Some(order) => {
                    for (slot, &place) in values.iter_mut().zip(&order[begin..]) {
                        let (chunk, row) = split(place);
                        *slot = value(&self.chunks[chunk], row);
                    }
                }
                None => self.fill(begin, values, &value),
            }
        });
        values
    }

    /// As [`gather`](Self::gather) for one block of rows that stand in order, chunk by chunk.
    fn fill<T>(&self, begin: usize, mut values: &mut [T], value: impl Fn(&Chunk, usize) -> T) {
        let mut chunk = self.starts.partition_point(|&start| start <= begin as u64) - 1;
        let mut row = begin - self.starts[chunk] as usize;
        while !values.is_empty() {
            let rows = row..self.chunks[chunk].batch.len().min(row + values.len());
            let (now, rest) = values.split_at_mut(rows.len());
            for (slot, row) in now.iter_mut().zip(rows) {
                *slot = value(&self.chunks[chunk], row);
            }
            (values, chunk, row) = (rest, chunk + 1, 0);
        }
    }

    /// The one value that `value` has for all chunks, if it has one for each and they agree.
    pub fn constant<T: PartialEq>(&self, value: impl Fn(&Chunk) -> Option<T>) -> Option<T> {
        let mut values = self.chunks.iter().filter(|chunk| !chunk.batch.is_empty()).map(value);
        let first = values.next()??;
        values.all(|value| value.as_ref() == Some(&first)).then_some(first)
    }

    /// The rows of a range of positions, one after another.
    pub fn walk(&self, range: Range<usize>) -> impl Iterator<Item = (&Chunk, usize)> {
        let mut cursor: Option<(usize, usize)> = None;
        range.map(move |position| match &self.order {
            Some(order) => {
                let (chunk, row) = split(order[position]);
                (&self.chunks[chunk], row)
            }
            None => {
                let (chunk, row) = match cursor {
                    Some((chunk, row)) if row < self.chunks[chunk].batch.len() => (chunk, row),
                    _ => {
                        let chunk = self.starts.partition_point(|&start| start <= position as u64) - 1;
                        (chunk, position - self.starts[chunk] as usize)
                    }
                };
                cursor = Some((chunk, row + 1));
                (&self.chunks[chunk], row)
            }
        })
    }

    /// First position from `begin` on whose time is at or after `time`.
    pub fn position_at(&self, begin: usize, time: i64) -> usize {
        let (mut low, mut high) = (begin, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let (chunk, row) = self.at(middle);
            if chunk.batch.time[row] < time {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}
