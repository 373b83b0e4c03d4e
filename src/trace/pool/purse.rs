//! A purse: one pool of one account, with what waits to get in and when taint came.

use crate::error::Result;
use crate::trace::pool::draft::Draft;
use crate::trace::pool::lot::{Lot, Pool, raise, too_much};
use crate::trace::walk::history::Balance;

/// One pool of an account.
#[derive(Debug)]
pub(in crate::trace) struct Purse<P> {
    pub(in crate::trace) currency: u16,
    pool: P,
    /// Lots received at time `since`, which can leave only later; empty where ties go by order.
    waiting: Vec<Lot>,
    /// Units in `waiting`.
    waiting_total: i64,
    since: i64,
    /// By case, when it first and last received tainted money here.
    receipts: Vec<Receipt>,
}

/// First and last tainted receipt of a case.
#[derive(Clone, Copy, Debug)]
struct Receipt {
    case: u32,
    first: i64,
    last: i64,
}

/// Tainted money of one case in one pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::trace) struct Holding {
    pub(in crate::trace) case: u32,
    pub(in crate::trace) currency: u16,
    pub(in crate::trace) amount: i64,
    pub(in crate::trace) first: i64,
    pub(in crate::trace) last: i64,
}

impl<P: Pool> Purse<P> {
    /// A purse that holds `opening` clean units.
    pub(in crate::trace) fn new(currency: u16, opening: i128) -> Result<Self> {
        let opening = i64::try_from(opening).map_err(|_| too_much(opening))?;
        let pool = P::clean(opening);
        Ok(Purse {
            currency,
            pool,
            waiting: Vec::new(),
            waiting_total: 0,
            since: i64::MIN,
            receipts: Vec::new(),
        })
    }

    /// The balance of a purse without taint.
    pub(in crate::trace) fn balance(&self) -> Balance {
        Balance::new(self.currency, self.pool.balance(), self.waiting_total, self.since)
    }

    /// Replaces the money of a purse without taint.
    pub(in crate::trace) fn set_balance(&mut self, balance: &Balance) -> Result<()> {
        let units = |amount: i128| i64::try_from(amount).map_err(|_| too_much(amount));
        self.pool = P::clean(units(balance.ready)?);
        self.waiting.clear();
        self.waiting_total = units(balance.waiting)?;
        if self.waiting_total > 0 {
            self.waiting.push(Lot::clean(self.waiting_total));
        }
        self.since = balance.since;
        Ok(())
    }

    /// Lets in what came before `time`.
    #[inline]
    fn admit(&mut self, time: i64) -> Result<()> {
        if self.waiting_total > 0 && self.since < time {
            return self.admit_all();
        }
        Ok(())
    }

    /// Lets in everything that waits.
    pub(in crate::trace) fn admit_all(&mut self) -> Result<()> {
        self.pool.deposit(&self.waiting, self.waiting_total)?;
        self.waiting.clear();
        self.waiting_total = 0;
        Ok(())
    }

    /// As [`Pool::draw`], of what came before `time`.
    #[inline]
    pub(in crate::trace) fn draw(&mut self, amount: i64, time: i64, draft: &mut Draft) -> Result<i64> {
        self.admit(time)?;
        Ok(self.pool.draw(amount, draft))
    }

    /// All that is here, waiting or not.
    pub(in crate::trace) fn balance_of_all(&self) -> i64 {
        self.pool.balance() + self.waiting_total
    }

    /// As [`Pool::take_newest`], of everything that came in; `None` takes all.
    ///
    /// `None`, and nothing is taken, if there is less than `amount`, or nothing at all.
    pub(in crate::trace) fn take_newest(
        &mut self,
        amount: Option<i64>,
        draft: &mut Draft,
    ) -> Result<Option<i64>> {
        self.admit_all()?;
        let amount = amount.unwrap_or(self.pool.balance());
        if amount > self.pool.balance() || amount == 0 {
            return Ok(None);
        }
        Ok(Some(self.pool.take_newest(amount, draft)))
    }

    /// As [`Pool::deposit`].
    #[inline]
    pub(in crate::trace) fn deposit(&mut self, lots: &[Lot], total: i64) -> Result<()> {
        self.pool.deposit(lots, total)
    }

    /// As [`Pool::deposit`], but what comes in at `time` can leave only later.
    pub(in crate::trace) fn deposit_waiting(&mut self, lots: &[Lot], total: i64, time: i64) -> Result<()> {
        self.admit(time)?;
        self.waiting_total = raise(self.waiting_total, total)?;
        raise(self.pool.balance(), self.waiting_total)?;
        self.waiting.extend_from_slice(lots);
        self.since = time;
        Ok(())
    }

    /// Notes that taint of a case came in.
    #[inline]
    pub(in crate::trace) fn note(&mut self, case: u32, time: i64) {
        match self.receipts.binary_search_by_key(&case, |receipt| receipt.case) {
            Ok(at) => self.receipts[at].last = time,
            Err(at) => self.receipts.insert(at, Receipt { case, first: time, last: time }),
        }
    }

    /// Tainted money by case, ascending, in a purse that lets nothing wait.
    pub(in crate::trace) fn holdings(&self) -> Vec<Holding> {
        let mut parts = Vec::new();
        self.pool.tainted(|case, amount| parts.push((case, amount)));
        parts.sort_unstable_by_key(|part| part.0);
        let holding = |same: &[(u32, i64)]| {
            let case = same[0].0;
            let receipt = self.receipts.binary_search_by_key(&case, |receipt| receipt.case);
            let receipt =
                self.receipts[receipt.expect("money of a case came in by a receipt that was noted")];
            Holding {
                case,
                currency: self.currency,
                amount: same.iter().map(|part| part.1).sum(),
                first: receipt.first,
                last: receipt.last,
            }
        };
        parts.chunk_by(|a, b| a.0 == b.0).map(holding).collect()
    }
}
