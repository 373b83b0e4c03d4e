//! Transactions in order as plain slices, a bounded number at a time, for passes that look at every row.

use crate::error::Result;
use crate::graph::View;
use crate::store::format::flags;
use crate::trace::walk::rows::Rows;
use std::ops::Range;

/// Rows per chunk: enough to forget the hand-over, few enough that a cancelled run stops within a millisecond.
const ROWS_PER_CHUNK: u64 = 1 << 16;

/// Consecutive transactions of one segment. Every account is one of the graph; all slices have the same length.
#[derive(Clone, Copy, Debug)]
pub(in crate::trace) struct Chunk<'g> {
    /// Position of the first row.
    pub(in crate::trace) start: u64,
    pub(in crate::trace) source: &'g [u32],
    pub(in crate::trace) destination: &'g [u32],
    pub(in crate::trace) time: &'g [i64],
    paid: &'g [i64],
    /// Where some amounts received differ from those paid.
    received: Option<&'g [i64]>,
    /// Whether no transaction of the segment failed.
    none_failed: bool,
}

impl Chunk<'_> {
    /// Whether the payment in a row moves anything.
    #[inline]
    pub(in crate::trace) fn carries(&self, row: usize, rows: &Rows<'_>) -> Result<bool> {
        let (paid, received) = (self.paid[row], self.received.map_or(1, |received| received[row]));
        if self.none_failed && paid > 0 && received > 0 {
            return Ok(true);
        }
        // A failure, nothing, or an amount below 0, which is named there.
        Ok(rows
            .read(self.start + row as u64)?
            .is_some_and(|row| row.paid.amount > 0 && row.received.amount > 0))
    }
}

/// The positions `range` of a view cut into pieces that lie in one segment each: (place among the parts, rows there).
pub(in crate::trace) fn pieces(
    view: &View<'_>,
    range: Range<u64>,
) -> impl Iterator<Item = (usize, Range<usize>)> {
    view.parts().iter().enumerate().flat_map(move |(place, part)| {
        let base = part.base.0;
        let local =
            |position: u64| position.saturating_sub(base).clamp(part.rows.start.into(), part.rows.end.into());
        let (from, to) = (local(range.start), local(range.end));
        let cut = move |at: u64| at as usize..(at + ROWS_PER_CHUNK).min(to) as usize;
        (from..to).step_by(ROWS_PER_CHUNK as usize).map(move |at| (place, cut(at)))
    })
}

/// The transactions at positions `range` of a view, in order.
pub(in crate::trace) fn chunks<'g>(
    view: &View<'g>,
    rows: &Rows<'g>,
    range: Range<u64>,
) -> impl Iterator<Item = Result<Chunk<'g>>> {
    pieces(view, range).map(move |(place, piece)| {
        let part = &view.parts()[place];
        let columns = &part.segment.transactions;
        let start = part.base.0 + piece.start as u64;
        let received = columns.received.as_ref().map(|(amounts, _)| amounts.slice(piece.clone()));
        let (source, destination) =
            (columns.source.slice(piece.clone())?, columns.destination.slice(piece.clone())?);
        check_ends(view, rows, start, source)?;
        check_ends(view, rows, start, destination)?;
        Ok(Chunk {
            start,
            source,
            destination,
            time: columns.time.slice(piece.clone())?,
            paid: columns.amount.slice(piece)?,
            received: received.transpose()?,
            none_failed: columns.flags.constant().is_some_and(|bits| bits & flags::MOVES_NOTHING == 0),
        })
    })
}

/// Refuses accounts that are not there, once for all rows, so that nobody has to look again.
pub(in crate::trace) fn check_ends(view: &View<'_>, rows: &Rows<'_>, start: u64, ends: &[u32]) -> Result<()> {
    let num_accounts = view.graph().num_accounts();
    if ends.iter().fold(0, |most, &end| most.max(end)) < num_accounts {
        return Ok(());
    }
    let at = ends.iter().position(|&end| end >= num_accounts).unwrap_or_default();
    Err(rows.damaged(start + at as u64, "names an account that is not there"))
}

/// First position of a view that does not happen any more if transactions after `until` do not.
pub(in crate::trace) fn end_position(view: &View<'_>, until: Option<i64>) -> Result<u64> {
    let Range { start, end } = view.positions();
    match until.and_then(|until| until.checked_add(1)) {
        Some(after) => Ok(view.graph().position_at(after)?.clamp(start, end).0),
        None => Ok(end.0),
    }
}

/// First position of a view at or after the time `from`.
pub(in crate::trace) fn start_position(view: &View<'_>, from: Option<i64>) -> Result<u64> {
    let Range { start, end } = view.positions();
    match from {
        Some(from) => Ok(view.graph().position_at(from)?.clamp(start, end).0),
        None => Ok(start.0),
    }
}

/// The positions that share one time, found once for neighbouring questions.
#[derive(Clone, Debug, Default)]
pub(in crate::trace) struct Moments {
    /// Where the time asked about last begins, as far as known, and where it ends.
    known: Range<u64>,
}

impl Moments {
    /// The first position before `end` whose time is later than that of `position`, or `end`.
    pub(in crate::trace) fn after(&mut self, position: u64, end: u64, rows: &Rows<'_>) -> Result<u64> {
        if self.known.contains(&position) {
            return Ok(self.known.end);
        }
        let time = rows.time(position)?;
        // Gallop: the last position known to have this time, and one that is beyond it or the end.
        let (mut same, mut step) = (position, 1);
        let mut beyond = loop {
            let next = same + step;
            if next >= end {
                break end;
            }
            if rows.time(next)? > time {
                break next;
            }
            (same, step) = (next, step * 2);
        };
        while same + 1 < beyond {
            let middle = same + (beyond - same) / 2;
            if rows.time(middle)? > time { beyond = middle } else { same = middle }
        }
        self.known = position..beyond;
        Ok(beyond)
    }
}
