//! The search back from every payment that may close a cycle.

use super::trail::Trail;
use super::{CycleOptions, Sink};
use crate::error::Result;
use crate::patterns::money::Kept;
use crate::patterns::receipts::Receipts;
use crate::patterns::search::Meter;
use crate::patterns::transfers::{Entry, Transfers, since};
use crate::run::Run;
use std::ops::Range;

/// The search of one block of accounts.
pub(super) struct Walk<'a, 't, S> {
    options: &'a CycleOptions,
    receipts: &'a Receipts,
    meter: &'a mut Meter,
    sink: &'a mut S,
    trail: Trail<'t>,
    /// The account that pays first and is paid last.
    start: u32,
    /// Earliest payment that may belong to the cycle.
    floor: u32,
    /// Entries of the accounts of the path, by neighbour, one account after another.
    sorted: Vec<Entry>,
}

impl<'a, 't, S: Sink> Walk<'a, 't, S> {
    pub(super) fn new(
        (transfers, receipts): (&'t Transfers, &'a Receipts),
        options: &'a CycleOptions,
        meter: &'a mut Meter,
        sink: &'a mut S,
    ) -> Self {
        let trail = Trail::new(transfers, options.ties, options.passed_on);
        Self { options, receipts, meter, sink, trail, start: 0, floor: 0, sorted: Vec::new() }
    }

    pub(super) fn accounts(mut self, accounts: Range<u32>, run: &Run) -> Result<()> {
        for account in accounts.clone() {
            self.start = account;
            self.account(run)?;
            if self.meter.is_exhausted() {
                self.meter.cut.accounts_left += u64::from(accounts.end - account);
                break;
            }
        }
        Ok(())
    }

    /// All cycles that begin with a payment of `start`.
    fn account(&mut self, run: &Run) -> Result<()> {
        let transfers = self.trail.transfers;
        let openings = transfers.out(self.start);
        let mut first = 0;
        for closing in transfers.incoming(self.start) {
            // The first payment that can open a cycle which `closing` closes, if any does.
            let earliest = transfers.time(closing.place).saturating_sub(self.options.span_us);
            while openings.get(first).is_some_and(|opening| transfers.time(opening.place) < earliest) {
                first += 1;
            }
            let Some(opening) = openings.get(first) else { return Ok(()) };
            if opening.place >= closing.place {
                continue;
            }
            // Its payer must have received something since.
            if self.receipts.before(closing.place).after_latest <= opening.place
                || !self.is_enough(closing.place)
            {
                continue;
            }
            run.check()?;
            self.meter.next();
            self.floor = opening.place;
            self.trail.begin(*closing);
            self.back();
            if self.meter.is_exhausted() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Follows all payments to the account that was reached last.
    fn back(&mut self) {
        let node = self.trail.path[self.trail.path.len() - 1];
        let before = self.receipts.before(self.trail.latest());
        let entries = since(&self.trail.transfers.incoming(node)[..before.count as usize], self.floor);
        let len = entries.len();
        if !self.meter.spend(1) || !self.meter.passes(len) || !self.meter.spend(len as u64) {
            return;
        }
        let base = self.sorted.len();
        // The last account of a path of full length can only be paid by the start.
        let closes = self.trail.path.len() as u32 + 1 == self.options.length_max;
        for entry in entries {
            // Whoever had received nothing since `floor` is the start or leads nowhere.
            let leads = match entry.neighbor == self.start {
                true => self.opens(entry.place),
                false => !closes && self.receipts.before(entry.place).after_latest > self.floor,
            };
            if leads && self.is_enough(entry.place) {
                self.sorted.push(*entry);
            }
        }
        self.sorted[base..].sort_unstable();
        let (mut begin, end) = (base, self.sorted.len());
        while begin < end {
            let neighbor = self.sorted[begin].neighbor;
            let len = self.sorted[begin..end].iter().take_while(|entry| entry.neighbor == neighbor).count();
            self.group(begin..begin + len);
            begin += len;
        }
        self.sorted.truncate(base);
    }

    /// Whether enough of the payment at `place` comes back with the closing one.
    #[inline]
    fn opens(&self, place: u32) -> bool {
        let transfers = self.trail.transfers;
        self.options.returned == Kept::ANY
            || self.options.returned.holds(transfers.paid(place), transfers.received(self.trail.closing()))
    }

    #[inline]
    fn is_enough(&self, place: u32) -> bool {
        self.options.amount_min == 0 || self.trail.transfers.paid(place).amount >= self.options.amount_min
    }

    /// Follows payments of one payer, a range of `sorted`, to the account that was reached last.
    fn group(&mut self, range: Range<usize>) {
        let arrivals = &self.sorted[range];
        let payer = arrivals[0].neighbor;
        if self.options.passed_on != Kept::ANY
            && !self.meter.spend((arrivals.len() * self.trail.last().len()) as u64)
        {
            return;
        }
        let length = self.trail.path.len() as u32 + 1;
        if payer == self.start {
            let mut ways = 0u64;
            self.trail.ways(arrivals, |departure| ways = ways.saturating_add(departure.ways));
            if ways > 0 && length >= self.options.length_min {
                self.sink.cycle(self.start, &self.trail, arrivals, ways);
                self.meter.find();
            }
        } else if length < self.options.length_max
            && !self.trail.path.contains(&payer)
            && self.trail.push(payer, arrivals)
        {
            self.back();
            self.trail.pop();
        }
    }
}
