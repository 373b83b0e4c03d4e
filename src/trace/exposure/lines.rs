//! Transactions as slices of their columns: what a pass over all rows reads.

use super::super::walk::chunk::{check_ends, pieces};
use super::super::walk::rows::Rows;
use crate::error::{Error, Result};
use crate::graph::View;
use crate::store::column::{Codes, Element};
use crate::store::format::flags;
use std::borrow::Cow;
use std::ops::Range;

/// Consecutive transactions of one segment. Every account is one of the graph; no amount of a transaction that did not
/// fail is negative. All slices have the same length.
#[derive(Clone, Debug)]
pub(super) struct Lines<'g> {
    /// Position of the first row.
    pub(super) start: u64,
    pub(super) source: &'g [u32],
    pub(super) destination: &'g [u32],
    pub(super) time: &'g [i64],
    pub(super) paid: &'g [i64],
    pub(super) paid_currency: Column<'g, u16>,
    /// Amounts and currencies received, where some differ from those paid.
    pub(super) received: Option<(&'g [i64], Column<'g, u16>)>,
    /// Flags, unless none failed.
    flags: Column<'g, u8>,
}

/// A column of small codes.
#[derive(Clone, Debug)]
pub(super) enum Column<'g, T: Clone> {
    /// The same in every row.
    One(T),
    /// One by one.
    Each(Cow<'g, [T]>),
}

impl<'g, T: Element> Column<'g, T> {
    fn new(codes: &'g Codes<T>, piece: Range<usize>) -> Result<Self> {
        if let Some(one) = codes.constant() {
            return Ok(Column::One(one));
        }
        Ok(Column::Each(match codes.raw() {
            Some(raw) => Cow::Borrowed(raw.slice(piece)?),
            None => Cow::Owned(piece.map(|row| codes.get(row)).collect::<Result<_>>()?),
        }))
    }

    #[inline]
    pub(super) fn get(&self, row: usize) -> T {
        match self {
            Column::One(one) => *one,
            Column::Each(each) => each[row],
        }
    }
}

impl Lines<'_> {
    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.source.len()
    }

    /// Whether no transaction of these failed.
    pub(super) fn none_failed(&self) -> bool {
        matches!(self.flags, Column::One(bits) if bits & flags::MOVES_NOTHING == 0)
    }

    #[inline]
    pub(super) fn failed(&self, row: usize) -> bool {
        self.flags.get(row) & flags::MOVES_NOTHING != 0
    }
}

/// The transactions at positions `range` of a view, in order, whatever the view's accounts.
pub(super) fn lines<'g>(
    view: &View<'g>,
    rows: &Rows<'g>,
    range: Range<u64>,
) -> impl Iterator<Item = Result<Lines<'g>>> {
    pieces(view, range).map(move |(place, piece)| {
        let part = &view.parts()[place];
        let columns = &part.segment.transactions;
        let received = match &columns.received {
            Some((amounts, currencies)) => {
                Some((amounts.slice(piece.clone())?, Column::new(currencies, piece.clone())?))
            }
            None => None,
        };
        let lines = Lines {
            start: part.base.0 + piece.start as u64,
            source: columns.source.slice(piece.clone())?,
            destination: columns.destination.slice(piece.clone())?,
            time: columns.time.slice(piece.clone())?,
            paid: columns.amount.slice(piece.clone())?,
            paid_currency: Column::new(&columns.currency, piece.clone())?,
            received,
            flags: Column::new(&columns.flags, piece)?,
        };
        check_ends(view, rows, lines.start, lines.source)?;
        check_ends(view, rows, lines.start, lines.destination)?;
        check_amounts(&lines, lines.paid, "pays")?;
        if let Some((amounts, _)) = &lines.received {
            check_amounts(&lines, amounts, "hands over")?;
        }
        Ok(lines)
    })
}

fn check_amounts(lines: &Lines<'_>, amounts: &[i64], does: &str) -> Result<()> {
    if amounts.iter().fold(0, |all, &amount| all | amount) >= 0 {
        return Ok(());
    }
    let negative = (0..amounts.len()).find(|&row| amounts[row] < 0 && !lines.failed(row));
    negative.map_or(Ok(()), |row| {
        Err(Error::input(
            format!("transaction at position {}", lines.start + row as u64),
            format!(
                "{does} {} minor units; tracing needs amounts of 0 or more: ingest such rows turned round",
                amounts[row]
            ),
        ))
    })
}
