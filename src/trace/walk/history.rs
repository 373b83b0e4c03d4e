//! The history of an account before taint reaches it: clean balances, and nothing else.

use crate::error::Result;
use crate::graph::View;
use crate::trace::pool::lot::too_much;
use crate::trace::walk::cursor::{Cursor, NEVER};
use crate::trace::walk::meter::Meter;
use crate::trace::walk::rows::Rows;
use crate::units::Ties;

/// The clean balance of one pool, on its way through history.
#[derive(Clone, Copy, Debug)]
pub(in crate::trace) struct Balance {
    pub(in crate::trace) currency: u16,
    /// What can leave.
    pub(in crate::trace) ready: i128,
    /// What came in at time `since` and can leave only later; always 0 where ties go by order.
    pub(in crate::trace) waiting: i128,
    pub(in crate::trace) since: i64,
    /// The smallest `ready` so far, at most 0.
    lowest: i128,
}

impl Balance {
    pub(in crate::trace) fn new(currency: u16, ready: i64, waiting: i64, since: i64) -> Self {
        Balance { currency, ready: ready.into(), waiting: waiting.into(), since, lowest: 0 }
    }

    /// The smallest opening with which the pool never ran short.
    pub(in crate::trace) fn opening(&self) -> i128 {
        -self.lowest
    }

    #[inline]
    fn admit(&mut self, time: i64) {
        if self.since < time {
            self.ready += std::mem::take(&mut self.waiting);
        }
    }
}

/// Transactions on each side whose amounts are asked for ahead of time: they are all over the columns, and each would
/// be a wait for memory.
const AHEAD: usize = 8;

/// What a pool that runs short does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::trace) enum Short {
    /// It is supplied just in time: no balance is below 0 or over what a pool can hold.
    Supplied,
    /// It goes below 0.
    Owing,
}

/// The two sides of an account's history, and what has come of them so far.
#[derive(Debug)]
pub(in crate::trace) struct History<'a, 'g> {
    pub(in crate::trace) out: &'a mut Cursor<'g>,
    pub(in crate::trace) incoming: &'a mut Cursor<'g>,
    pub(in crate::trace) balances: Vec<Balance>,
}

impl<'g> History<'_, 'g> {
    /// Runs through every transaction before position `to`.
    pub(in crate::trace) fn run(
        &mut self,
        to: u64,
        short: Short,
        ties: Ties,
        view: &View<'g>,
        rows: &Rows<'g>,
        meter: &mut Meter<'_>,
    ) -> Result<()> {
        for ahead in 0..AHEAD {
            self.out.prefetch(ahead, rows);
            self.incoming.prefetch(ahead, rows);
        }
        loop {
            let next = self.out.next().min(self.incoming.next());
            if next >= to || next == NEVER {
                return Ok(());
            }
            meter.event()?;
            let time = if ties == Ties::Strict { rows.time(next)? } else { 0 };
            if self.out.next() == next {
                self.out.prefetch(AHEAD, rows);
                if let Some(paid) = self.out.paid(rows)? {
                    let balance = self.balance(paid.currency);
                    balance.admit(time);
                    balance.ready -= i128::from(paid.amount);
                    balance.lowest = balance.lowest.min(balance.ready);
                    if short == Short::Supplied {
                        balance.ready = balance.ready.max(0);
                    }
                }
                self.out.advance(view);
            }
            if self.incoming.next() == next {
                self.incoming.prefetch(AHEAD, rows);
                if let Some(received) = self.incoming.received(rows)? {
                    let balance = self.balance(received.currency);
                    if ties == Ties::Strict {
                        balance.admit(time);
                        balance.waiting += i128::from(received.amount);
                        balance.since = time;
                    } else {
                        balance.ready += i128::from(received.amount);
                    }
                    let total = balance.ready + balance.waiting;
                    if short == Short::Supplied && total > i128::from(i64::MAX) {
                        return Err(too_much(total));
                    }
                }
                self.incoming.advance(view);
            }
        }
    }

    #[inline]
    fn balance(&mut self, currency: u16) -> &mut Balance {
        let known = self.balances.iter().position(|balance| balance.currency == currency);
        let at = known.unwrap_or_else(|| {
            self.balances.push(Balance::new(currency, 0, 0, i64::MIN));
            self.balances.len() - 1
        });
        &mut self.balances[at]
    }
}
