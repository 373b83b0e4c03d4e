//! A time partition that does not fit: its pieces merged by (time, row), and its columns read in that order.
//!
//! # Method
//! Each piece is a sorted run. The merge compares times and row references once and notes runs of rows: so many of that
//! piece. A column is then read in order by following these notes, any number of times, and no other column is touched.
//! Where one piece ends before the next begins, as in a ledger that came in time order, a run is a whole piece and nothing
//! is compared.
//!
//! # Cost
//! 8 bytes of disk for each run; buffers share what is given for them.

use super::piece::{Cursor, Piece, Values};
use crate::error::Result;
use crate::run::Run;
use crate::store::column::Element;
use crate::store::{Scratch, StoreWriter};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use zerocopy::IntoBytes;

/// Rows handed over at a time.
const BLOCK: usize = 1 << 16;
/// Fewest values read ahead of a piece.
const READ_MIN: usize = 64;
/// Values from which reading more at a time wins nothing.
const READ_MAX: usize = 1 << 16;
/// Bit of a noted run whose rows are left out.
const OMITTED: u64 = 1 << 63;

/// Rows of a partition, in order, on disk.
pub(super) struct Ordered<'s> {
    pieces: Vec<Piece>,
    /// Of the pieces.
    from: &'s Scratch,
    /// Runs of rows: `OMITTED`, piece (31 bits), rows (32 bits).
    runs: Scratch,
    num_runs: u64,
    /// Rows that are not left out.
    num_rows: u64,
    /// Values read ahead of each piece.
    most: usize,
    pub time_min: i64,
    pub time_max: i64,
}

/// A piece while it is merged.
struct Merging {
    time: Cursor<i64>,
    reference: Cursor<u64>,
    omitted: Cursor<u32>,
    left: u64,
    row: u64,
}

/// Runs as they are noted.
struct Notes {
    runs: Scratch,
    num_runs: u64,
    num_rows: u64,
    last: (u64, u64),
}

impl Notes {
    fn add(&mut self, piece: u64, is_omitted: bool, rows: u64) -> Result<()> {
        if rows == 0 {
            return Ok(());
        }
        let whose = piece << 32 | if is_omitted { OMITTED } else { 0 };
        if !is_omitted {
            self.num_rows += rows;
        }
        if self.last.0 == whose && self.last.1 + rows <= u64::from(u32::MAX) {
            self.last.1 += rows;
            return Ok(());
        }
        self.end()?;
        self.last = (whose, rows);
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if self.last.1 > 0 {
            self.runs.append((self.last.0 | self.last.1).as_bytes())?;
            self.num_runs += 1;
        }
        self.last.1 = 0;
        Ok(())
    }
}

impl<'s> Ordered<'s> {
    /// Merges `pieces`; `omitted` holds the numbers of the rows that are left out. Buffers take up to `share` bytes.
    pub fn merge(
        mut pieces: Vec<Piece>,
        from: &'s Scratch,
        omitted: &Scratch,
        writer: &StoreWriter,
        share: u64,
        run: &Run,
    ) -> Result<Self> {
        pieces.sort_by_key(|piece| (piece.time_min, piece.first));
        // Times, references and omitted rows of a piece are read side by side.
        let most = (share as usize / 24 / pieces.len().max(1)).clamp(READ_MIN, READ_MAX);
        let mut notes = Notes { runs: writer.scratch()?, num_runs: 0, num_rows: 0, last: (0, 0) };
        let mut merging: Vec<Option<Merging>> = pieces.iter().map(|_| None).collect();
        // Pieces that have begun, by their next row; and the first that has not.
        let mut heap: BinaryHeap<Reverse<((i64, u64), usize)>> = BinaryHeap::new();
        let mut waiting = 0;
        let start = |piece: &Piece| (piece.time_min, piece.first);
        loop {
            let soonest = heap.peek().map(|next| next.0.0);
            if waiting < pieces.len() && soonest.is_none_or(|soonest| start(&pieces[waiting]) < soonest) {
                heap.push(Reverse((start(&pieces[waiting]), waiting)));
                merging[waiting] = Some(Merging::new(&pieces[waiting], most));
                waiting += 1;
                continue;
            }
            let Some(Reverse((_, number))) = heap.pop() else { break };
            run.check()?;
            let (piece, state) = (&pieces[number], &mut merging[number]);
            let Some(state) = state else { continue };
            let others = [heap.peek().map(|next| next.0.0), pieces.get(waiting).map(start)];
            let until = others.into_iter().flatten().min();
            match state.advance(number as u64, piece, until, from, omitted, &mut notes)? {
                Some(next) => heap.push(Reverse((next, number))),
                None => merging[number] = None,
            }
        }
        notes.end()?;
        notes.runs.flush()?;
        let Notes { runs, num_runs, num_rows, .. } = notes;
        let most = (share as usize / 8 / pieces.len().max(1)).clamp(READ_MIN, READ_MAX);
        let mut ordered =
            Ordered { pieces, from, runs, num_runs, num_rows, most, time_min: i64::MAX, time_max: i64::MIN };
        if omitted.len() == 0 {
            ordered.time_min = ordered.pieces.iter().map(|piece| piece.time_min).min().unwrap_or(i64::MAX);
            ordered.time_max = ordered.pieces.iter().map(|piece| piece.time_max).max().unwrap_or(i64::MIN);
        } else {
            let (mut first, mut last) = (None, None);
            ordered.column(
                |piece| piece.time,
                |times| {
                    first = first.or(times.first().copied());
                    last = times.last().copied().or(last);
                    Ok(true)
                },
            )?;
            (ordered.time_min, ordered.time_max) = (first.unwrap_or(i64::MAX), last.unwrap_or(i64::MIN));
        }
        Ok(ordered)
    }

    /// Number of rows.
    pub fn len(&self) -> u64 {
        self.num_rows
    }

    /// The pieces, in no order that matters.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Hands over one column in order, some thousand values at a time, until `take` wants no more.
    pub fn column<T: Element + Default>(
        &self,
        values: impl Fn(&Piece) -> Values<T>,
        mut take: impl FnMut(&[T]) -> Result<bool>,
    ) -> Result<()> {
        let mut follow = Follow::new(self, values);
        let mut block = Vec::with_capacity(BLOCK);
        let ended = self.runs(|number, is_omitted, mut rows| {
            if is_omitted {
                follow.skip(number, rows);
                return Ok(true);
            }
            while rows > 0 {
                let now = rows.min((BLOCK - block.len()) as u64);
                follow.take(number, now, &mut block)?;
                rows -= now;
                if block.len() == BLOCK {
                    if !take(&block)? {
                        return Ok(false);
                    }
                    block.clear();
                }
            }
            Ok(true)
        })?;
        if ended && !block.is_empty() {
            take(&block)?;
        }
        Ok(())
    }

    /// As [`column`](Self::column), three columns side by side.
    pub fn columns<A: Element + Default, B: Element + Default, C: Element + Default>(
        &self,
        values: (impl Fn(&Piece) -> Values<A>, impl Fn(&Piece) -> Values<B>, impl Fn(&Piece) -> Values<C>),
        mut take: impl FnMut(&[A], &[B], &[C]) -> Result<bool>,
    ) -> Result<()> {
        let mut a = Follow::new(self, values.0);
        let mut b = Follow::new(self, values.1);
        let mut c = Follow::new(self, values.2);
        let (mut block_a, mut block_b, mut block_c) = (Vec::new(), Vec::new(), Vec::new());
        let ended = self.runs(|number, is_omitted, mut rows| {
            if is_omitted {
                a.skip(number, rows);
                b.skip(number, rows);
                c.skip(number, rows);
                return Ok(true);
            }
            while rows > 0 {
                let now = rows.min((BLOCK - block_a.len()) as u64);
                a.take(number, now, &mut block_a)?;
                b.take(number, now, &mut block_b)?;
                c.take(number, now, &mut block_c)?;
                rows -= now;
                if block_a.len() == BLOCK {
                    if !take(&block_a, &block_b, &block_c)? {
                        return Ok(false);
                    }
                    block_a.clear();
                    block_b.clear();
                    block_c.clear();
                }
            }
            Ok(true)
        })?;
        if ended && !block_a.is_empty() {
            take(&block_a, &block_b, &block_c)?;
        }
        Ok(())
    }

    /// Hands over transaction keys that are texts (and numbers as texts) in order.
    pub fn texts(&self, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        use super::piece::PieceKeys;
        struct State {
            numbers: Cursor<u64>,
            ends: Cursor<u32>,
            text: Cursor<u8>,
            end: u32,
        }
        let mut states: Vec<Option<State>> = self.pieces.iter().map(|_| None).collect();
        let (mut numbers, mut ends, mut text) = (Vec::new(), Vec::new(), Vec::new());
        self.runs(|number, is_omitted, rows| {
            let piece = &self.pieces[number];
            let state = states[number].get_or_insert_with(|| {
                let (numbers, ends, text) = match piece.keys {
                    PieceKeys::None => Default::default(),
                    PieceKeys::Numbers(numbers) => (numbers, Values::Absent, Values::Absent),
                    PieceKeys::Texts(ends, text) => (Values::Absent, ends, text),
                };
                let rows = u64::from(piece.rows);
                State {
                    numbers: Cursor::new(numbers, rows, self.most),
                    ends: Cursor::new(ends, rows, self.most),
                    text: Cursor::new(text, piece.key_bytes, self.most),
                    end: 0,
                }
            });
            let are_texts = matches!(piece.keys, PieceKeys::Texts(..));
            let mut left = rows;
            while left > 0 {
                let now = left.min(BLOCK as u64);
                left -= now;
                numbers.clear();
                ends.clear();
                state.numbers.take(now, self.from, &mut numbers)?;
                state.ends.take(now, self.from, &mut ends)?;
                for (&number, &end) in numbers.iter().zip(&ends) {
                    let len = end.wrapping_sub(state.end);
                    text.clear();
                    if are_texts {
                        state.text.take(u64::from(len), self.from, &mut text)?;
                        state.end = end;
                    } else {
                        text.extend_from_slice(number.to_string().as_bytes());
                    }
                    if !is_omitted {
                        take(&text)?;
                    }
                }
            }
            if state.numbers.is_spent() {
                states[number] = None;
            }
            Ok(true)
        })?;
        Ok(())
    }

    /// Walks the noted runs (piece, whether they are left out, rows) until `take` wants no more; whether it saw all.
    fn runs(&self, mut take: impl FnMut(usize, bool, u64) -> Result<bool>) -> Result<bool> {
        let mut notes = Cursor::new(Values::<u64>::Stored(0), self.num_runs, 1 << 12);
        while !notes.is_spent() {
            let note = notes.peek(&self.runs)?;
            notes.skip(1);
            if !take(((note & !OMITTED) >> 32) as usize, note & OMITTED != 0, note & 0xffff_ffff)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// One column of all pieces, each read as far as it was followed.
struct Follow<'o, T, V> {
    ordered: &'o Ordered<'o>,
    values: V,
    cursors: Vec<Option<Cursor<T>>>,
}

impl<'o, T: Element + Default, V: Fn(&Piece) -> Values<T>> Follow<'o, T, V> {
    fn new(ordered: &'o Ordered<'o>, values: V) -> Self {
        Follow { ordered, values, cursors: ordered.pieces.iter().map(|_| None).collect() }
    }

    fn cursor(&mut self, number: usize) -> &mut Cursor<T> {
        let piece = &self.ordered.pieces[number];
        self.cursors[number].get_or_insert_with(|| {
            Cursor::new((self.values)(piece), u64::from(piece.rows), self.ordered.most)
        })
    }

    fn skip(&mut self, number: usize, rows: u64) {
        self.cursor(number).skip(rows);
        self.end(number);
    }

    fn take(&mut self, number: usize, rows: u64, out: &mut Vec<T>) -> Result<()> {
        let from = self.ordered.from;
        self.cursor(number).take(rows, from, out)?;
        self.end(number);
        Ok(())
    }

    /// Gives a piece's buffer back once all of it was read.
    fn end(&mut self, number: usize) {
        if self.cursors[number].as_ref().is_some_and(Cursor::is_spent) {
            self.cursors[number] = None;
        }
    }
}

impl Merging {
    fn new(piece: &Piece, most: usize) -> Self {
        let rows = u64::from(piece.rows);
        let (begin, num_omitted) = piece.omitted;
        Merging {
            time: Cursor::new(piece.time, rows, most),
            reference: Cursor::new(piece.reference, rows, most),
            omitted: Cursor::new(Values::Stored(begin), u64::from(num_omitted), most),
            left: rows,
            row: 0,
        }
    }

    /// Notes the rows that come before `until` (time and reference of the next row of all others); returns the first that
    /// does not.
    fn advance(
        &mut self,
        number: u64,
        piece: &Piece,
        until: Option<(i64, u64)>,
        from: &Scratch,
        omitted: &Scratch,
        notes: &mut Notes,
    ) -> Result<Option<(i64, u64)>> {
        if until.is_none_or(|until| piece.time_max < until.0) {
            self.note(number, self.left, omitted, notes)?;
            return Ok(None);
        }
        let mut rows = 0;
        let mut next = None;
        while rows < self.left {
            let at = (self.time.peek(from)?, self.reference.peek(from)?);
            // The first row is known to come first.
            if rows > 0 && until.is_some_and(|until| at > until) {
                next = Some(at);
                break;
            }
            self.time.skip(1);
            self.reference.skip(1);
            rows += 1;
        }
        self.note(number, rows, omitted, notes)?;
        Ok(next)
    }

    /// Notes the next rows, cut where some are left out.
    fn note(&mut self, number: u64, rows: u64, omitted: &Scratch, notes: &mut Notes) -> Result<()> {
        let end = self.row + rows;
        while !self.omitted.is_spent() {
            let row = u64::from(self.omitted.peek(omitted)?);
            if row >= end {
                break;
            }
            self.omitted.skip(1);
            notes.add(number, false, row - self.row)?;
            notes.add(number, true, 1)?;
            self.row = row + 1;
        }
        notes.add(number, false, end - self.row)?;
        (self.row, self.left) = (end, self.left - rows);
        Ok(())
    }
}
