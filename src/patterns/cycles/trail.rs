//! The path back from a closing payment, all its parallel payments together.

use crate::patterns::money::Kept;
use crate::patterns::transfers::{Entry, Transfers};
use crate::units::Ties;
use std::ops::Range;

/// A payment on the way to the closing one.
#[derive(Clone, Copy)]
pub(super) struct Departure {
    pub(super) place: u32,
    /// Choices of payments from here to the closing one.
    pub(super) ways: u64,
}

/// The path followed back from a closing payment.
pub(super) struct Trail<'t> {
    pub(super) transfers: &'t Transfers,
    ties: Ties,
    passed_on: Kept,
    /// Accounts, the payer of the closing payment first.
    pub(super) path: Vec<u32>,
    /// Payments that the accounts of `path` can leave by, one account after another, in time order.
    departures: Vec<Departure>,
    /// Where the departures of each account begin, and the end.
    starts: Vec<usize>,
    /// Departures about to be added, the latest first.
    added: Vec<Departure>,
}

impl<'t> Trail<'t> {
    pub(super) fn new(transfers: &'t Transfers, ties: Ties, passed_on: Kept) -> Self {
        let (path, departures, starts, added) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { transfers, ties, passed_on, path, departures, starts, added }
    }

    /// Begins with the closing payment.
    pub(super) fn begin(&mut self, closing: Entry) {
        self.path.clear();
        self.path.push(closing.neighbor);
        self.departures.clear();
        self.departures.push(Departure { place: closing.place, ways: 1 });
        self.starts.clear();
        self.starts.extend([0, 1]);
    }

    /// Place of the closing payment.
    #[inline]
    pub(super) fn closing(&self) -> u32 {
        self.departures[0].place
    }

    /// Whether money that comes with the payment at `place` can go on with the one at `next`.
    #[inline]
    fn leads(&self, place: u32, next: u32) -> bool {
        self.transfers.follows(self.ties, place, next)
            && self.passed_on.holds(self.transfers.received(place), self.transfers.paid(next))
    }

    /// The departures of the account that was reached last.
    pub(super) fn last(&self) -> Range<usize> {
        self.starts[self.starts.len() - 2]..self.starts[self.starts.len() - 1]
    }

    /// The last place at which the account that was reached last can pay.
    #[inline]
    pub(super) fn latest(&self) -> u32 {
        self.departures[self.departures.len() - 1].place
    }

    /// Choices of payments that begin with one of `arrivals` (ascending) at the account that was reached last; calls `each` with
    /// those of each of them, the latest first.
    pub(super) fn ways(&self, arrivals: &[Entry], mut each: impl FnMut(Departure)) {
        let departures = &self.departures[self.last()];
        if self.passed_on != Kept::ANY {
            for arrival in arrivals.iter().rev() {
                let onward = departures.iter().filter(|departure| self.leads(arrival.place, departure.place));
                let ways = onward.fold(0u64, |ways, departure| ways.saturating_add(departure.ways));
                if ways > 0 {
                    each(Departure { place: arrival.place, ways });
                }
            }
            return;
        }
        // What a later arrival leads to, an earlier one leads to as well.
        let (mut next, mut ways) = (departures.len(), 0u64);
        for arrival in arrivals.iter().rev() {
            while next > 0 && self.leads(arrival.place, departures[next - 1].place) {
                next -= 1;
                ways = ways.saturating_add(departures[next].ways);
            }
            if ways > 0 {
                each(Departure { place: arrival.place, ways });
            }
        }
    }

    /// Goes back to `account`, which paid the account reached last by one of `arrivals`; not if none of them leads on.
    pub(super) fn push(&mut self, account: u32, arrivals: &[Entry]) -> bool {
        let mut added = std::mem::take(&mut self.added);
        self.ways(arrivals, |departure| added.push(departure));
        let leads = !added.is_empty();
        self.departures.extend(added.drain(..).rev());
        self.added = added;
        if leads {
            self.path.push(account);
            self.starts.push(self.departures.len());
        }
        leads
    }

    pub(super) fn pop(&mut self) {
        self.path.pop();
        self.starts.pop();
        self.departures.truncate(self.starts[self.starts.len() - 1]);
    }

    /// Appends the places of the witness, which begins with the last of `openings` that can.
    pub(super) fn witness(&self, openings: &[Entry], places: &mut Vec<u32>) {
        let mut opening = None;
        self.ways(openings, |departure| opening = opening.or(Some(departure.place)));
        let Some(mut place) = opening else { return };
        places.push(place);
        for level in (0..self.path.len()).rev() {
            let departures = &self.departures[self.starts[level]..self.starts[level + 1]];
            let next = departures.iter().find(|departure| self.leads(place, departure.place));
            place = next.expect("an arrival is kept only if it leads to a departure").place;
            places.push(place);
        }
    }
}
