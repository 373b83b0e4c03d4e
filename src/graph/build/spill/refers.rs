//! Rows on disk that correct others or take them back: the rows that matter, gathered; what was found out, noted in the pieces.
//!
//! What a row points at is kept in memory while reading, as few rows do. Keys are passed over once for the rows that have or are named by them;
//! a column of a piece that changes is written once more, behind all others.

use super::super::refers::{Event, Settled, Wanted};
use super::super::rows::{Place, place, split};
use super::piece::{Piece, PieceKeys, put};
use super::repeats::key_at;
use crate::error::Result;
use crate::ids::NONE;
use crate::run::Run;
use crate::store::Scratch;
use crate::store::format::flags;

/// A row that points at another: its place among the pieces, and the key that it names.
pub(super) type Pointer = (Place, Vec<u8>);

/// The rows that matter to `pointers`, which ascend, in no order.
pub(super) fn events(
    pieces: &[Piece],
    pointers: &[Pointer],
    from: &Scratch,
    run: &Run,
) -> Result<Vec<Event>> {
    let mut wanted = Wanted::default();
    for (place, points) in pointers {
        wanted.add(points);
        wanted.add(&key_at(pieces, from, *place)?);
    }
    let mut events = Vec::new();
    for (number, piece) in pieces.iter().enumerate().filter(|_| !pointers.is_empty()) {
        run.check()?;
        let keys = piece.keys(from)?;
        let matters = |row: usize| match &keys {
            Some(keys) => wanted.has(keys, row),
            None => pointer(pointers, place(number, row)).is_some(),
        };
        let rows: Vec<usize> = (0..piece.rows as usize).filter(|&row| matters(row)).collect();
        if rows.is_empty() {
            continue;
        }
        let chunk = piece.load(from)?;
        for row in rows {
            let place = place(number, row);
            let key = match piece.keys {
                PieceKeys::None => None,
                _ => Some(key_at(pieces, from, place)?),
            };
            let points = pointer(pointers, place).map(<[u8]>::to_vec);
            events.push(Event { place, reference: chunk.reference(row), key, points, row: chunk.row(row) });
        }
    }
    Ok(events)
}

fn pointer(pointers: &[Pointer], place: Place) -> Option<&[u8]> {
    let at = pointers.binary_search_by_key(&place, |(place, _)| *place).ok()?;
    Some(&pointers[at].1)
}

/// Notes in the pieces what their rows refer to and which were corrected.
pub(super) fn note(settled: &Settled, pieces: &mut [Piece], scratch: &mut Scratch) -> Result<()> {
    let mut refers = settled.refers.clone();
    refers.sort_unstable();
    for of_piece in refers.chunk_by(|a, b| split(a.0).0 == split(b.0).0) {
        let piece = &mut pieces[split(of_piece[0].0).0];
        let mut values = vec![0_u64; piece.rows as usize];
        of_piece.iter().for_each(|&(place, refers)| values[split(place).1] = refers);
        piece.refers = put(&values, scratch)?;
    }
    for of_piece in settled.corrected.chunk_by(|a, b| split(*a).0 == split(*b).0) {
        let piece = &mut pieces[split(of_piece[0]).0];
        let rows = u64::from(piece.rows);
        let (mut marks, mut seen) = (piece.flags.all(rows, scratch)?, piece.device.all(rows, scratch)?);
        for &place in of_piece {
            let row = split(place).1;
            marks[row] |= flags::CORRECTED;
            seen[row] = NONE;
        }
        (piece.flags, piece.seen) = (put(&marks, scratch)?, put(&seen, scratch)?);
        piece.corrected = true;
    }
    scratch.flush()
}
