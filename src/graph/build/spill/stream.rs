//! A segment whose rows do not fit: the same columns as `segment` writes, each in a pass over the rows in order.
//!
//! # Method
//! A column goes from the pieces to the file block by block. Codes are looked at first, as they take no space where they
//! are a sequence. Both ends of all transactions are put aside in order; an adjacency counts its nodes' edges, then fills as
//! many nodes as fit at a time, each time in one pass over the ends by every thread. Links and the tables of keys are
//! sorted outside.
//!
//! # Cost
//! A pass over 8 bytes a row for each direction where 8 bytes a row fit, else two for each time that 4 bytes a row exceed the
//! share; the other columns one or two passes each. In memory stay 8 bytes for each account of the store.

use super::order::Ordered;
use super::piece::{Cursor, Piece, PieceKeys, Values};
use super::sort::{Sorted, Sorter};
use crate::error::Result;
use crate::ids::NONE;
use crate::run::Run;
use crate::store::column::Element;
use crate::store::format::{ColumnId, flags};
use crate::store::keys::{home, place};
use crate::store::{ContainerWriter, Scratch, StoreWriter};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher13;
use std::ops::Range;
use zerocopy::IntoBytes;

/// Values read or written at a time.
const BLOCK: usize = 1 << 16;

/// What the columns of a segment depend on beside its rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub num_accounts: u32,
    /// Number of the kind `device`, where transactions have devices.
    pub device_kind: Option<u8>,
    /// Whether transactions have keys.
    pub has_keys: bool,
    /// Whether all of them are numbers.
    pub only_numbers: bool,
}

/// Where to write and what may be used for it.
pub(super) struct Means<'m> {
    pub writer: &'m StoreWriter,
    /// Bytes of memory.
    pub share: u64,
    pub run: &'m Run,
}

/// Writes a segment into `file`; returns the number of its links.
pub(super) fn write(rows: &Ordered, facts: &Facts, file: &mut ContainerWriter, means: &Means) -> Result<u32> {
    let mut ends = Ends { scratch: means.writer.scratch()?, begins: [0; 2], rows: rows.len() };
    ends.begins[0] = put_ends(rows, |piece| piece.source, ColumnId::SOURCE, file, &mut ends.scratch)?;
    ends.begins[1] =
        put_ends(rows, |piece| piece.destination, ColumnId::DESTINATION, file, &mut ends.scratch)?;
    ends.scratch.flush()?;
    column(rows, |piece| piece.time, ColumnId::TIME, file)?;
    column(rows, |piece| piece.amount, ColumnId::AMOUNT, file)?;
    means.run.check()?;
    codes(rows, |piece| piece.currency, ColumnId::CURRENCY, file)?;
    codes(rows, |piece| piece.channel, ColumnId::CHANNEL, file)?;
    codes(rows, |piece| piece.label, ColumnId::LABEL, file)?;
    codes(rows, |piece| piece.flags, ColumnId::FLAGS, file)?;
    codes(rows, |piece| piece.reference, ColumnId::ROW, file)?;
    if any(rows, |piece| piece.device, |_| Values::Constant(NONE))? {
        column(rows, |piece| piece.device, ColumnId::DEVICE, file)?;
    }
    if any(rows, Piece::received_amount, |piece| piece.amount)?
        || any(rows, Piece::received_currency, |piece| piece.currency)?
    {
        column(rows, Piece::received_amount, ColumnId::RECEIVED_AMOUNT, file)?;
        codes(rows, Piece::received_currency, ColumnId::RECEIVED_CURRENCY, file)?;
    }
    if any(rows, |piece| piece.refers, |_| Values::Constant(0))? {
        codes(rows, |piece| piece.refers, ColumnId::REFERS, file)?;
    }
    ends.adjacency([0, 1], OUT, facts.num_accounts, file, means)?;
    ends.adjacency([1, 0], IN, facts.num_accounts, file, means)?;
    drop(ends);
    let num_links = links(rows, facts.device_kind, file, means)?;
    if facts.has_keys {
        if facts.only_numbers {
            number_keys(rows, file, means)?;
        } else {
            text_keys(rows, file, means)?;
        }
    }
    means.run.advance(rows.len());
    Ok(num_links)
}

fn column<T: Element + Default>(
    rows: &Ordered,
    values: impl Fn(&Piece) -> Values<T>,
    id: ColumnId,
    file: &mut ContainerWriter,
) -> Result<()> {
    file.begin::<T>(id)?;
    rows.column(values, |block| file.write(block).map(|()| true))
}

/// As [`column`], and puts the values aside, `NONE` for rows without an edge; returns where they begin.
fn put_ends(
    rows: &Ordered,
    values: impl Fn(&Piece) -> Values<u32>,
    id: ColumnId,
    file: &mut ContainerWriter,
    aside: &mut Scratch,
) -> Result<u64> {
    let begin = aside.len();
    file.begin::<u32>(id)?;
    if rows.pieces().iter().all(|piece| !piece.corrected) {
        rows.column(values, |block| {
            aside.append(block.as_bytes())?;
            file.write(block).map(|()| true)
        })?;
        return Ok(begin);
    }
    let columns = (values, |piece: &Piece| piece.flags, |_: &Piece| Values::<u8>::Absent);
    rows.columns(columns, |block, bits, _| {
        let end = |(&end, &bits): (&u32, &u8)| if bits & flags::CORRECTED == 0 { end } else { NONE };
        let joined: Vec<u32> = block.iter().zip(bits).map(end).collect();
        aside.append(joined.as_bytes())?;
        file.write(block).map(|()| true)
    })?;
    Ok(begin)
}

fn codes<T: Element + Default>(
    rows: &Ordered,
    values: impl Fn(&Piece) -> Values<T>,
    id: ColumnId,
    file: &mut ContainerWriter,
) -> Result<()> {
    let mut rise = Rise::default();
    rows.column(&values, |block| Ok(rise.add(block)))?;
    match rise.sequence() {
        Some((base, step)) => file.sequence(id, base, step, rows.len()),
        None => column(rows, values, id, file),
    }
}

/// Whether two columns differ in any row.
fn any<T: Element + Default>(
    rows: &Ordered,
    a: impl Fn(&Piece) -> Values<T>,
    b: impl Fn(&Piece) -> Values<T>,
) -> Result<bool> {
    if rows.pieces().iter().all(|piece| a(piece) == b(piece)) {
        return Ok(false);
    }
    let mut differ = false;
    rows.columns((a, b, |_: &Piece| Values::<u8>::Absent), |a, b, _| {
        differ |= a != b;
        Ok(!differ)
    })?;
    Ok(differ)
}

/// Whether values are an arithmetic sequence that rises by at most 255, told block by block.
#[derive(Default)]
struct Rise<T> {
    base: Option<T>,
    last: Option<T>,
    step: Option<u64>,
    broken: bool,
}

impl<T: Element + Default> Rise<T> {
    /// Looks at the next values; whether they still may be a sequence.
    fn add(&mut self, values: &[T]) -> bool {
        for &value in values {
            self.base.get_or_insert(value);
            if let Some(last) = self.last {
                let rise = value.to_bits().wrapping_sub(last.to_bits());
                let fits = value >= last && rise <= 255 && self.step.is_none_or(|step| step == rise);
                if !fits {
                    self.broken = true;
                    return false;
                }
                self.step = Some(rise);
            }
            self.last = Some(value);
        }
        true
    }

    fn sequence(&self) -> Option<(T, u8)> {
        let step = self.step.unwrap_or(0) as u8;
        (!self.broken).then(|| (self.base.unwrap_or_default(), step))
    }
}

/// Column ids of one direction: nodes, offsets, neighbors, transactions.
type Direction = [ColumnId; 4];
const OUT: Direction =
    [ColumnId::OUT_NODES, ColumnId::OUT_OFFSETS, ColumnId::OUT_NEIGHBORS, ColumnId::OUT_TRANSACTIONS];
const IN: Direction =
    [ColumnId::IN_NODES, ColumnId::IN_OFFSETS, ColumnId::IN_NEIGHBORS, ColumnId::IN_TRANSACTIONS];

/// Sources and destinations in the order of the rows.
struct Ends {
    scratch: Scratch,
    begins: [u64; 2],
    rows: u64,
}

impl Ends {
    /// Hands over both ends of all rows, block by block, with the position of a block's first row.
    fn each(&self, of: [usize; 2], mut take: impl FnMut(u32, &[u32], &[u32])) -> Result<()> {
        let cursor = |end: usize| Cursor::<u32>::new(Values::Stored(self.begins[end]), self.rows, 1);
        let (mut nodes, mut others) = (cursor(of[0]), cursor(of[1]));
        let (mut block, mut other_block) = (Vec::new(), Vec::new());
        let mut position = 0;
        while position < self.rows {
            let now = (self.rows - position).min(BLOCK as u64);
            block.clear();
            other_block.clear();
            nodes.take(now, &self.scratch, &mut block)?;
            others.take(now, &self.scratch, &mut other_block)?;
            take(position as u32, &block, &other_block);
            position += now;
        }
        Ok(())
    }

    /// Writes the adjacency of `of[0]`.
    fn adjacency(
        &self,
        of: [usize; 2],
        ids: Direction,
        num_accounts: u32,
        file: &mut ContainerWriter,
        means: &Means,
    ) -> Result<()> {
        let mut offsets = vec![0_u32; num_accounts as usize + 1];
        self.each(of, |_, nodes, _| {
            for &node in nodes.iter().filter(|&&node| node != NONE) {
                offsets[node as usize + 1] += 1;
            }
        })?;
        let mut sum = 0;
        for offset in &mut offsets {
            sum += *offset;
            *offset = sum;
        }
        write_offsets(&offsets, ids, file)?;
        if 8 * self.rows <= means.share {
            let edges = self.fill(of, 0..num_accounts, &offsets, |other, position| [other, position])?;
            write_all(ids[2], edges.iter().map(|edge| edge[0]), file)?;
            return write_all(ids[3], edges.iter().map(|edge| edge[1]), file);
        }
        for (id, is_neighbors) in [(ids[2], true), (ids[3], false)] {
            file.begin::<u32>(id)?;
            let mut first = 0;
            while first < num_accounts {
                means.run.check()?;
                let accounts = fitting(&offsets, first, means.share / size_of::<u32>() as u64);
                let edges = offsets[accounts.end as usize] - offsets[first as usize];
                if accounts.len() == 1 && u64::from(edges) * 4 > means.share {
                    // One account alone: its edges come in their order.
                    self.each_of(of, first, is_neighbors, |block| file.write(block))?;
                } else if edges > 0 {
                    let value = |other, position| if is_neighbors { other } else { position };
                    file.write(&self.fill(of, accounts.clone(), &offsets, value)?)?;
                }
                first = accounts.end;
            }
        }
        Ok(())
    }

    /// What `value` says of the edges of `accounts` (neighbor, position), by account and position.
    fn fill<T: Copy + Default + Send>(
        &self,
        of: [usize; 2],
        accounts: Range<u32>,
        offsets: &[u32],
        value: impl Fn(u32, u32) -> T + Sync,
    ) -> Result<Vec<T>> {
        let (first, last) = (offsets[accounts.start as usize], offsets[accounts.end as usize]);
        let mut values = vec![T::default(); (last - first) as usize];
        // Each task passes over all rows and fills the edges of its own accounts.
        let edges_max = u64::from(last - first).div_ceil(rayon::current_num_threads() as u64);
        let (mut tasks, mut free, mut begin) = (Vec::new(), &mut values[..], accounts.start);
        while begin < accounts.end {
            let mut mine = fitting(offsets, begin, edges_max);
            mine.end = mine.end.min(accounts.end);
            let edges = offsets[mine.end as usize] - offsets[begin as usize];
            let (values, rest) = free.split_at_mut(edges as usize);
            (free, begin) = (rest, mine.end);
            tasks.push((mine, values));
        }
        tasks.into_par_iter().try_for_each(|(accounts, values)| {
            let base = offsets[accounts.start as usize];
            let mut next: Vec<u32> =
                offsets[accounts.start as usize..accounts.end as usize].iter().map(|at| at - base).collect();
            self.each(of, |position, nodes, others| {
                for (position, (&node, &other)) in (position..).zip(nodes.iter().zip(others)) {
                    if let Some(place) = next.get_mut(node.wrapping_sub(accounts.start) as usize) {
                        values[*place as usize] = value(other, position);
                        *place += 1;
                    }
                }
            })
        })?;
        Ok(values)
    }

    /// The neighbors or positions of one account's edges, in order.
    fn each_of(
        &self,
        of: [usize; 2],
        account: u32,
        is_neighbors: bool,
        mut take: impl FnMut(&[u32]) -> Result<()>,
    ) -> Result<()> {
        let (mut block, mut taken) = (Vec::new(), Ok(()));
        self.each(of, |position, nodes, others| {
            block.clear();
            let mine = (position..).zip(nodes.iter().zip(others)).filter(|(_, (node, _))| **node == account);
            block.extend(mine.map(|(position, (_, &other))| if is_neighbors { other } else { position }));
            if taken.is_ok() {
                taken = take(&block);
            }
        })?;
        taken
    }
}

/// As many accounts from `first` on as have at most `edges_max` edges together; at least one.
fn fitting(offsets: &[u32], first: u32, edges_max: u64) -> Range<u32> {
    let base = u64::from(offsets[first as usize]);
    let ends = &offsets[first as usize + 1..];
    let count = ends.partition_point(|&end| u64::from(end) - base <= edges_max);
    first..first + count.max(1) as u32
}

/// Offsets of every node, or of those with edges where that takes less space; as `adjacency` does it.
fn write_offsets(offsets: &[u32], ids: Direction, file: &mut ContainerWriter) -> Result<()> {
    let active = || (0_u32..).zip(offsets.windows(2)).filter(|(_, ends)| ends[0] < ends[1]);
    if 2 * active().count() + 1 >= offsets.len() {
        return file.column(ids[1], offsets);
    }
    write_all(ids[0], active().map(|(node, _)| node), file)?;
    let end = offsets.last().copied();
    write_all(ids[1], active().map(|(_, ends)| ends[0]).chain(end), file)
}

/// Writes a column from one value after another.
fn write_all<T: Element>(
    id: ColumnId,
    values: impl Iterator<Item = T>,
    file: &mut ContainerWriter,
) -> Result<()> {
    file.begin::<T>(id)?;
    let mut block = Vec::with_capacity(BLOCK);
    for value in values {
        block.push(value);
        if block.len() == BLOCK {
            file.write(&block)?;
            block.clear();
        }
    }
    file.write(&block)
}

/// A column written value by value.
struct Column<'f, T> {
    file: &'f mut ContainerWriter,
    block: Vec<T>,
}

impl<'f, T: Element> Column<'f, T> {
    fn begin(id: ColumnId, file: &'f mut ContainerWriter) -> Result<Self> {
        file.begin::<T>(id)?;
        Ok(Column { file, block: Vec::with_capacity(BLOCK) })
    }

    fn push(&mut self, value: T) -> Result<()> {
        self.block.push(value);
        if self.block.len() == BLOCK {
            self.file.write(&self.block)?;
            self.block.clear();
        }
        Ok(())
    }

    fn end(self) -> Result<()> {
        self.file.write(&self.block)
    }
}

/// A time as a word of the same order, and back.
fn word_of(time: i64) -> u64 {
    time as u64 ^ 1 << 63
}

fn time_of(word: u64) -> i64 {
    (word ^ 1 << 63) as i64
}

/// Writes the links between payers and the devices that they paid from; returns their number.
fn links(rows: &Ordered, device_kind: Option<u8>, file: &mut ContainerWriter, means: &Means) -> Result<u32> {
    let share = means.share / 2;
    let mut sightings = Sorter::<2>::new(means.writer, share, means.run);
    if device_kind.is_some() {
        let columns = (|piece: &Piece| piece.source, |piece: &Piece| piece.seen, |piece: &Piece| piece.time);
        rows.columns(columns, |accounts, devices, times| {
            for ((&account, &device), &time) in accounts.iter().zip(devices).zip(times) {
                if device != NONE {
                    sightings.push([u64::from(account) << 32 | u64::from(device), word_of(time)])?;
                }
            }
            Ok(true)
        })?;
    }
    let sightings = sightings.finish()?;
    // Each link once: account and identifier, first, last, count; and by identifier, its number.
    let mut merged = Aside { scratch: means.writer.scratch()?, len: 0 };
    let mut by_identifier = Sorter::<2>::new(means.writer, share, means.run);
    let mut last: Option<[u64; 4]> = None;
    sightings.each(|[link, time]| {
        if let Some(last) = last.as_mut().filter(|last| last[0] == link) {
            (last[2], last[3]) = (time, last[3] + 1);
            return Ok(());
        }
        if let Some(whole) = last.replace([link, time, time, 1]) {
            merged.push(whole)?;
        }
        let number = merged.len;
        by_identifier.push([link.rotate_right(32), number])
    })?;
    if let Some(whole) = last {
        merged.push(whole)?;
    }
    drop(sightings);
    merged.scratch.flush()?;
    let (len, by_identifier) = (merged.len, by_identifier.finish()?);
    merged.column(ColumnId::LINK_ACCOUNT, |link| (link[0] >> 32) as u32, file)?;
    let kind = device_kind.filter(|_| len > 0).unwrap_or(0);
    file.sequence(ColumnId::LINK_KIND, kind, 0, len)?;
    merged.column(ColumnId::LINK_IDENTIFIER, |link| link[0] as u32, file)?;
    merged.column(ColumnId::LINK_FIRST, |link| time_of(link[1]), file)?;
    merged.column(ColumnId::LINK_LAST, |link| time_of(link[2]), file)?;
    let count = |link: &[u64; 4]| u32::try_from(link[3]).unwrap_or(u32::MAX);
    let mut rise = Rise::default();
    merged.each(|link| Ok(rise.add(&[count(link)])))?;
    match rise.sequence() {
        Some((base, step)) => file.sequence(ColumnId::LINK_COUNT, base, step, len)?,
        None => merged.column(ColumnId::LINK_COUNT, count, file)?,
    }
    let mut column = Column::begin(ColumnId::LINK_BY_IDENTIFIER, file)?;
    by_identifier.each(|[_, number]| column.push(number as u32))?;
    column.end()?;
    Ok(len as u32)
}

/// Merged links, put aside.
struct Aside {
    scratch: Scratch,
    len: u64,
}

impl Aside {
    fn push(&mut self, link: [u64; 4]) -> Result<()> {
        self.len += 1;
        self.scratch.append(link.as_bytes()).map(|_| ())
    }

    /// Hands over all links until `take` wants no more.
    fn each(&self, mut take: impl FnMut(&[u64; 4]) -> Result<bool>) -> Result<()> {
        let mut words = Cursor::new(Values::<u64>::Stored(0), 4 * self.len, 1);
        let mut block = Vec::new();
        let mut left = self.len;
        while left > 0 {
            let now = left.min(BLOCK as u64 / 4);
            block.clear();
            words.take(4 * now, &self.scratch, &mut block)?;
            for link in block.as_chunks().0 {
                if !take(link)? {
                    return Ok(());
                }
            }
            left -= now;
        }
        Ok(())
    }

    fn column<T: Element>(
        &self,
        id: ColumnId,
        value: impl Fn(&[u64; 4]) -> T,
        file: &mut ContainerWriter,
    ) -> Result<()> {
        let mut column = Column::begin(id, file)?;
        self.each(|link| column.push(value(link)).map(|()| true))?;
        column.end()
    }
}

/// Writes transaction keys that are numbers; as [`Keys::write`](crate::store::Keys::write).
fn number_keys(rows: &Ordered, file: &mut ContainerWriter, means: &Means) -> Result<()> {
    let numbers = |piece: &Piece| match piece.keys {
        PieceKeys::Numbers(numbers) => numbers,
        _ => Values::Absent,
    };
    codes(rows, numbers, ColumnId::KEY_NUMBERS, file)?;
    let (mut last, mut ascend) = (None, true);
    rows.column(numbers, |block| {
        for &number in block {
            ascend &= last < Some(number);
            last = Some(number);
        }
        Ok(ascend)
    })?;
    if ascend {
        return Ok(());
    }
    let mut order = Sorter::<2>::new(means.writer, means.share, means.run);
    let mut id = 0;
    rows.column(numbers, |block| {
        for &number in block {
            order.push([number, id])?;
            id += 1;
        }
        Ok(true)
    })?;
    let mut column = Column::begin(ColumnId::KEY_ORDER, file)?;
    order.finish()?.each(|[_, id]| column.push(id as u32))?;
    column.end()
}

/// Writes transaction keys that are texts, with their table; as [`Keys::write`](crate::store::Keys::write).
///
/// No key is there twice: repeated ones have been left out.
fn text_keys(rows: &Ordered, file: &mut ContainerWriter, means: &Means) -> Result<()> {
    let mut digest = Sha256::new();
    rows.texts(|text| {
        digest.update(text);
        Ok(())
    })?;
    let digest: [u8; 32] = digest.finalize().into();
    let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| digest[at + byte]));
    let (key_low, key_high) = (word(0), word(8));
    let hasher = SipHasher13::new_with_keys(key_low, key_high);
    let mut table = Sorter::<2>::new(means.writer, means.share, means.run);
    let mut id = 0;
    rows.texts(|text| {
        let hash = hasher.hash(text);
        table.push([hash >> 32 << 32 | id, u64::from(place(hash, 1).1)])?;
        id += 1;
        Ok(())
    })?;
    let table = table.finish()?;
    let num_homes = (table.len() * 4).div_ceil(3).max(1);
    let mut probe_max = 0;
    slots(&table, num_homes, |home, at, _| {
        probe_max = probe_max.max(at - home);
        Ok(())
    })?;
    file.column(ColumnId::KEY_INDEX, &[key_low, key_high, num_homes, probe_max])?;
    fill(&table, num_homes, ColumnId::KEY_SLOTS, NONE, |[entry, _]| entry as u32, file)?;
    fill(&table, num_homes, ColumnId::KEY_TAGS, 0, |[_, tag]| tag as u8, file)?;
    drop(table);
    let mut column = Column::begin(ColumnId::KEY_OFFSETS, file)?;
    let mut end = 0_u64;
    column.push(end)?;
    rows.texts(|text| {
        end += text.len() as u64;
        column.push(end)
    })?;
    column.end()?;
    let mut column = Column::begin(ColumnId::KEY_TEXT, file)?;
    rows.texts(|text| {
        if column.block.len() + text.len() > BLOCK {
            column.file.write(&column.block)?;
            column.block.clear();
        }
        column.block.extend_from_slice(text);
        Ok(())
    })?;
    column.end()
}

/// Home and slot of each entry of a table of keys, in order.
fn slots(
    table: &Sorted<2>,
    num_homes: u64,
    mut take: impl FnMut(u64, u64, [u64; 2]) -> Result<()>,
) -> Result<()> {
    let mut next = 0;
    table.each(|record| {
        let home = home((record[0] >> 32) as u32, num_homes) as u64;
        let at = next.max(home);
        next = at + 1;
        take(home, at, record)
    })
}

/// Writes one column of a table of keys.
fn fill<T: Element>(
    table: &Sorted<2>,
    num_homes: u64,
    id: ColumnId,
    empty: T,
    value: impl Fn([u64; 2]) -> T,
    file: &mut ContainerWriter,
) -> Result<()> {
    let mut column = Column::begin(id, file)?;
    let mut len = 0;
    slots(table, num_homes, |_, at, record| {
        for _ in len..at {
            column.push(empty)?;
        }
        len = at + 1;
        column.push(value(record))
    })?;
    for _ in len..num_homes {
        column.push(empty)?;
    }
    column.end()
}
