//! Rows on disk: one batch's rows of one time partition, in (time, row) order, column after column.
//!
//! A column that says the same for every row, or counts them, is not written: most ledgers take 24 to 40 bytes a row.

use super::super::rows::Chunk;
use crate::error::Result;
use crate::ids::NONE;
use crate::ingest::Batch;
use crate::store::Scratch;
use crate::store::column::Element;
use crate::store::keys::KeyList;
use std::ops::Range;
use zerocopy::IntoBytes;

/// A column of a piece.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Values<T> {
    /// Nothing: the data does not have it.
    #[default]
    Absent,
    /// The same for every row.
    Constant(T),
    /// This for the first row, one more for each that follows.
    Rising(T),
    /// In the scratch file, from this byte on.
    Stored(u64),
}

/// Transaction keys of a piece.
#[derive(Clone, Copy, Debug)]
pub(super) enum PieceKeys {
    None,
    Numbers(Values<u64>),
    /// Ends of the texts (u32), and the texts.
    Texts(Values<u32>, Values<u8>),
}

/// Where the rows are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub rows: u32,
    pub time_min: i64,
    pub time_max: i64,
    /// Reference of the first row.
    pub first: u64,
    pub source: Values<u32>,
    pub destination: Values<u32>,
    pub time: Values<i64>,
    pub amount: Values<i64>,
    pub reference: Values<u64>,
    pub currency: Values<u16>,
    pub channel: Values<u8>,
    pub flags: Values<u8>,
    pub label: Values<u8>,
    pub device: Values<u32>,
    /// The device, where it was seen with the payer: not in rows that were corrected.
    pub seen: Values<u32>,
    /// Reference of the row that each row corrects or takes back, 0 = none.
    pub refers: Values<u64>,
    /// Whether a row was corrected.
    pub corrected: bool,
    pub received: (Values<i64>, Values<u16>),
    pub keys: PieceKeys,
    /// Bytes of the transaction keys, where they are texts.
    pub key_bytes: u64,
    /// Rows that are left out, ascending: where their numbers (u32) are in the scratch file of omitted rows, and how many.
    pub omitted: (u64, u32),
}

/// The rows of a chunk in an order.
struct Picked<'c> {
    chunk: &'c Chunk,
    /// The rows in order; `None` = as they stand.
    order: Option<&'c [u32]>,
    range: Range<usize>,
}

impl Picked<'_> {
    fn rows(&self) -> impl Iterator<Item = usize> {
        self.range.clone().map(|at| self.order.map_or(at, |order| order[at] as usize))
    }

    fn put<T: Element>(&self, value: impl Fn(&Chunk, usize) -> T, into: &mut Scratch) -> Result<Values<T>> {
        let values: Vec<T> = self.rows().map(|row| value(self.chunk, row)).collect();
        put(&values, into)
    }
}

/// Writes a column, unless it is simple.
pub(super) fn put<T: Element>(values: &[T], into: &mut Scratch) -> Result<Values<T>> {
    if let Some(&first) = values.first() {
        if values.iter().all(|&value| value == first) {
            return Ok(Values::Constant(first));
        }
        let rises = |pair: &[T]| pair[0].to_bits().checked_add(1) == Some(pair[1].to_bits());
        if values.windows(2).all(rises) {
            return Ok(Values::Rising(first));
        }
    }
    Ok(Values::Stored(into.append(values.as_bytes())?))
}

impl Piece {
    /// Writes the rows at `range` of `order` (or as they stand), which are in (time, row) order.
    pub fn write(
        chunk: &Chunk,
        order: Option<&[u32]>,
        range: Range<usize>,
        into: &mut Scratch,
    ) -> Result<Piece> {
        let picked = Picked { chunk, order, range };
        let row = |at: usize| order.map_or(at, |order| order[at] as usize);
        let (first, last) = (row(picked.range.start), row(picked.range.end - 1));
        let received = match &chunk.batch.received {
            Some(_) => (
                picked.put(|chunk, row| chunk.received(row).0, into)?,
                picked.put(|chunk, row| chunk.received(row).1, into)?,
            ),
            None => Default::default(),
        };
        let (keys, key_bytes) = match &chunk.batch.keys {
            None => (PieceKeys::None, 0),
            Some(KeyList::Numbers(numbers)) => {
                (PieceKeys::Numbers(picked.put(|_, row| numbers[row], into)?), 0)
            }
            Some(KeyList::Texts { .. }) => {
                let (mut text, mut ends) = (Vec::new(), Vec::new());
                for row in picked.rows() {
                    chunk.key(row, &mut text);
                    ends.push(text.len() as u32);
                }
                let len = text.len() as u64;
                (PieceKeys::Texts(put(&ends, into)?, Values::Stored(into.append(&text)?)), len)
            }
        };
        let device = match &chunk.batch.devices {
            Some(_) => picked.put(Chunk::device, into)?,
            None => Values::Constant(NONE),
        };
        Ok(Piece {
            rows: picked.range.len() as u32,
            time_min: chunk.batch.time[first],
            time_max: chunk.batch.time[last],
            first: chunk.reference(first),
            source: picked.put(|chunk, row| chunk.batch.source[row], into)?,
            destination: picked.put(|chunk, row| chunk.batch.destination[row], into)?,
            time: picked.put(|chunk, row| chunk.batch.time[row], into)?,
            amount: picked.put(|chunk, row| chunk.batch.amount[row], into)?,
            reference: picked.put(Chunk::reference, into)?,
            currency: picked.put(Chunk::currency, into)?,
            channel: picked.put(Chunk::channel, into)?,
            flags: picked.put(Chunk::flags, into)?,
            label: picked.put(Chunk::label, into)?,
            device,
            seen: device,
            refers: Values::Constant(0),
            corrected: false,
            received,
            keys,
            key_bytes,
            omitted: (0, 0),
        })
    }

    /// The transaction keys, back in memory.
    pub fn keys(&self, from: &Scratch) -> Result<Option<KeyList>> {
        let rows = u64::from(self.rows);
        Ok(match self.keys {
            PieceKeys::None => None,
            PieceKeys::Numbers(numbers) => Some(KeyList::Numbers(numbers.all(rows, from)?)),
            PieceKeys::Texts(ends, text) => {
                let ends = ends.all(rows, from)?;
                let offsets = [0].into_iter().chain(ends.into_iter().map(u64::from)).collect();
                Some(KeyList::Texts { text: text.all(self.key_bytes, from)?, offsets })
            }
        })
    }

    /// Bytes of the rows in memory, as [`load`](Self::load) gives them.
    pub fn bytes(&self) -> u64 {
        let keys = match self.keys {
            PieceKeys::None => 0,
            PieceKeys::Numbers(_) => 8,
            PieceKeys::Texts(..) => 8,
        };
        let received = if self.received.0 == Values::Absent { 0 } else { 10 };
        let refers = if self.refers == Values::Constant(0) { 0 } else { 8 };
        u64::from(self.rows) * (8 + 8 + 4 + 4 + 4 + 2 + 3 + 4 + keys + received + refers) + self.key_bytes
    }

    /// What was received; where the piece does not say so, what was paid.
    pub fn received_amount(&self) -> Values<i64> {
        if self.received.0 == Values::Absent { self.amount } else { self.received.0 }
    }

    /// Its currency.
    pub fn received_currency(&self) -> Values<u16> {
        if self.received.0 == Values::Absent { self.currency } else { self.received.1 }
    }

    /// The rows, back in memory; their codes are those of the store.
    pub fn load(&self, from: &Scratch) -> Result<Chunk> {
        let rows = u64::from(self.rows);
        let references = self.reference.all(rows, from)?;
        let first = references.iter().copied().min().unwrap_or_default();
        let currency = self.currency.all(rows, from)?;
        let received = match self.received.0 {
            Values::Absent => None,
            amounts => Some((amounts.all(rows, from)?, self.received.1.all(rows, from)?)),
        };
        let codes_max = received.iter().flat_map(|(_, codes)| codes).chain(&currency).copied().max();
        let batch = Batch {
            source_ordinal: (first >> 40) as u32,
            source: self.source.all(rows, from)?,
            destination: self.destination.all(rows, from)?,
            time: self.time.all(rows, from)?,
            amount: self.amount.all(rows, from)?,
            currency,
            received,
            channels: (Vec::new(), self.channel.all(rows, from)?),
            labels: (Vec::new(), self.label.all(rows, from)?),
            flags: self.flags.all(rows, from)?,
            devices: match self.device {
                Values::Constant(NONE) => None,
                devices => Some((Default::default(), devices.all(rows, from)?)),
            },
            first_record: first & ((1 << 40) - 1),
            record: references.iter().map(|reference| (reference - first) as u32).collect(),
            keys: self.keys(from)?,
            ..Batch::default()
        };
        let codes: Vec<u8> = (0..=u8::MAX).collect();
        Ok(Chunk {
            batch,
            currencies: (0..=codes_max.unwrap_or(0)).collect(),
            channels: codes.clone(),
            labels: codes,
            references: None,
            refers: match self.refers {
                Values::Constant(0) => Vec::new(),
                refers => refers.all(rows, from)?,
            },
        })
    }
}

impl<T: Element + Default> Values<T> {
    /// All `rows` values.
    pub fn all(self, rows: u64, from: &Scratch) -> Result<Vec<T>> {
        let mut values = Vec::new();
        Cursor::new(self, rows, rows as usize).take(rows, from, &mut values)?;
        Ok(values)
    }
}

/// A column of a piece, read from front to back.
#[derive(Debug)]
pub(super) struct Cursor<T> {
    values: Values<T>,
    rows: u64,
    /// Row that is next.
    next: u64,
    /// Values ahead; those before `at` are spent.
    buffer: Vec<T>,
    at: usize,
    /// Most values ahead.
    most: usize,
}

impl<T: Element + Default> Cursor<T> {
    pub fn new(values: Values<T>, rows: u64, most: usize) -> Self {
        Cursor { values, rows, next: 0, buffer: Vec::new(), at: 0, most: most.max(1) }
    }

    /// Whether all rows have been taken.
    pub fn is_spent(&self) -> bool {
        self.next == self.rows
    }

    /// The next value, which stays next; there must be one.
    pub fn peek(&mut self, from: &Scratch) -> Result<T> {
        match self.values {
            Values::Stored(_) => {
                if self.at == self.buffer.len() {
                    self.fill(from)?;
                }
                Ok(self.buffer[self.at])
            }
            _ => Ok(self.computed(self.next)),
        }
    }

    /// Passes over `count` values.
    pub fn skip(&mut self, count: u64) {
        self.next += count;
        let ahead = (self.buffer.len() - self.at) as u64;
        self.at = if count <= ahead { self.at + count as usize } else { self.buffer.len() };
    }

    /// Appends the next `count` values to `out`.
    pub fn take(&mut self, count: u64, from: &Scratch, out: &mut Vec<T>) -> Result<()> {
        let Values::Stored(offset) = self.values else {
            out.extend((self.next..self.next + count).map(|row| self.computed(row)));
            self.next += count;
            return Ok(());
        };
        let mut left = count as usize;
        while left > 0 {
            if self.at < self.buffer.len() {
                let now = left.min(self.buffer.len() - self.at);
                out.extend_from_slice(&self.buffer[self.at..self.at + now]);
                (self.at, self.next, left) = (self.at + now, self.next + now as u64, left - now);
            } else if left >= self.most {
                let begin = out.len();
                out.resize(begin + left, T::default());
                from.read(offset + self.next * size_of::<T>() as u64, out[begin..].as_mut_bytes())?;
                self.next += left as u64;
                left = 0;
            } else {
                self.fill(from)?;
            }
        }
        Ok(())
    }

    /// Reads ahead from the next row on.
    fn fill(&mut self, from: &Scratch) -> Result<()> {
        let Values::Stored(offset) = self.values else { return Ok(()) };
        let len = (self.rows - self.next).min(self.most as u64) as usize;
        self.buffer.resize(len, T::default());
        from.read(offset + self.next * size_of::<T>() as u64, self.buffer.as_mut_bytes())?;
        self.at = 0;
        Ok(())
    }

    fn computed(&self, row: u64) -> T {
        match self.values {
            Values::Constant(value) => value,
            Values::Rising(first) => T::from_bits(first.to_bits() + row),
            Values::Absent | Values::Stored(_) => T::default(),
        }
    }
}
