//! An account that taint has reached: its pools, and its place in its own history.
//!
//! Before taint reaches it, an account is only its clean balances. They are found by
//! running through its transactions up to that moment ([`Account::forward`]); from there on it is
//! taken along event by event, until its last tainted unit has left. Then it rests where it
//! stands, and runs forward again when taint comes back.

use super::cursor::{Cursor, NEVER};
use super::draft::Draft;
use super::lot::{Lot, Pool, raise, too_much};
use super::meter::Meter;
use super::policy::Opening;
use super::rows::{Money, Rows};
use crate::error::Result;
use crate::graph::View;
use crate::ids::AccountId;

/// One account under one policy.
#[derive(Debug)]
pub(super) struct Account<'g, P> {
    pub(super) id: AccountId,
    out: Cursor<'g>,
    incoming: Cursor<'g>,
    pools: Vec<Purse<P>>,
    /// Tainted units in all pools.
    tainted: i128,
}

/// One pool of an account.
#[derive(Debug)]
struct Purse<P> {
    currency: u16,
    pool: P,
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
pub(super) struct Holding {
    pub(super) case: u32,
    pub(super) currency: u16,
    pub(super) amount: i64,
    pub(super) first: i64,
    pub(super) last: i64,
}

impl<P> Purse<P> {
    fn note(&mut self, case: u32, time: i64) {
        match self.receipts.binary_search_by_key(&case, |receipt| receipt.case) {
            Ok(at) => self.receipts[at].last = time,
            Err(at) => self.receipts.insert(at, Receipt { case, first: time, last: time }),
        }
    }
}

impl<'g, P: Pool> Account<'g, P> {
    /// The account before its first transaction in `view`.
    pub(super) fn new(
        id: AccountId,
        opening: Opening,
        view: &View<'g>,
        rows: &Rows<'g>,
        meter: &mut Meter<'_>,
    ) -> Result<Self> {
        let out = Cursor::new(view.out(id), view)?;
        let incoming = Cursor::new(view.incoming(id), view)?;
        let mut account = Account { id, out, incoming, pools: Vec::new(), tainted: 0 };
        if opening == Opening::Minimal {
            account.open_minimal(view, rows, meter)?;
        }
        Ok(account)
    }

    /// Gives every pool the smallest opening for which it never runs short.
    fn open_minimal(&mut self, view: &View<'g>, rows: &Rows<'g>, meter: &mut Meter<'_>) -> Result<()> {
        struct Sums {
            currency: u16,
            sum: i128,
            lowest: i128,
        }
        fn sums_of(all: &mut Vec<Sums>, currency: u16) -> &mut Sums {
            let at = all.iter().position(|sums| sums.currency == currency).unwrap_or(all.len());
            if at == all.len() {
                all.push(Sums { currency, sum: 0, lowest: 0 });
            }
            &mut all[at]
        }
        let (mut out, mut incoming) = (self.out.clone(), self.incoming.clone());
        let mut all = Vec::new();
        loop {
            let next = out.next().min(incoming.next());
            if next == NEVER {
                break;
            }
            meter.event()?;
            if out.next() == next {
                if let Some(paid) = out.paid(rows)? {
                    let sums = sums_of(&mut all, paid.currency);
                    sums.sum -= i128::from(paid.amount);
                    sums.lowest = sums.lowest.min(sums.sum);
                }
                out.advance(view);
            }
            if incoming.next() == next {
                if let Some(received) = incoming.received(rows)? {
                    sums_of(&mut all, received.currency).sum += i128::from(received.amount);
                }
                incoming.advance(view);
            }
        }
        for Sums { currency, lowest, .. } in all {
            let opening = i64::try_from(-lowest).map_err(|_| too_much(-lowest))?;
            self.pools.push(Purse { currency, pool: P::clean(opening), receipts: Vec::new() });
        }
        Ok(())
    }

    /// Whether any tainted money is here; only then does the account take part in events.
    #[inline]
    pub(super) fn is_tainted(&self) -> bool {
        self.tainted > 0
    }

    /// Position of the next transaction of the account, or [`NEVER`].
    #[inline]
    pub(super) fn next(&self) -> u64 {
        self.out.next().min(self.incoming.next())
    }

    /// Runs an account without taint forward to position `to`.
    pub(super) fn forward(
        &mut self,
        to: u64,
        view: &View<'g>,
        rows: &Rows<'g>,
        meter: &mut Meter<'_>,
    ) -> Result<()> {
        debug_assert!(!self.is_tainted(), "only clean money may be run through unseen");
        if self.next() >= to {
            return Ok(());
        }
        let mut balances: Vec<i64> = self.pools.iter().map(|purse| purse.pool.balance()).collect();
        loop {
            let next = self.next();
            if next >= to {
                break;
            }
            meter.event()?;
            if self.out.next() == next {
                if let Some(paid) = self.out.paid(rows)? {
                    // A pool that does not exist yet is empty: the payment is supplied just in time.
                    if let Some(at) = self.find(paid.currency) {
                        balances[at] = (balances[at] - paid.amount).max(0);
                    }
                }
                self.out.advance(view);
            }
            if self.incoming.next() == next {
                if let Some(received) = self.incoming.received(rows)? {
                    let at = self.find_or_make(received.currency);
                    if at == balances.len() {
                        balances.push(0);
                    }
                    balances[at] = raise(balances[at], received.amount)?;
                }
                self.incoming.advance(view);
            }
        }
        for (purse, balance) in self.pools.iter_mut().zip(balances) {
            purse.pool = P::clean(balance);
        }
        Ok(())
    }

    /// Steps over the transaction at `position`, on whichever side the account has it.
    #[inline]
    pub(super) fn pass(&mut self, position: u64, view: &View<'g>) {
        if self.out.next() == position {
            self.out.advance(view);
        }
        if self.incoming.next() == position {
            self.incoming.advance(view);
        }
    }

    #[inline]
    fn find(&self, currency: u16) -> Option<usize> {
        self.pools.iter().position(|purse| purse.currency == currency)
    }

    #[inline]
    fn find_or_make(&mut self, currency: u16) -> usize {
        self.find(currency).unwrap_or_else(|| {
            self.pools.push(Purse { currency, pool: P::clean(0), receipts: Vec::new() });
            self.pools.len() - 1
        })
    }

    /// Pays `paid` out of the pool of its currency, as [`Pool::draw`].
    #[inline]
    pub(super) fn draw(&mut self, paid: Money, draft: &mut Draft) -> i64 {
        let at = self.find_or_make(paid.currency);
        let tainted = self.pools[at].pool.draw(paid.amount, draft);
        self.tainted -= i128::from(tainted);
        tainted
    }

    /// Receives `lots`, `total` units in all, at `time`.
    #[inline]
    pub(super) fn deposit(&mut self, currency: u16, lots: &[Lot], total: i64, time: i64) -> Result<()> {
        let at = self.find_or_make(currency);
        let purse = &mut self.pools[at];
        purse.pool.deposit(lots, total)?;
        for lot in lots {
            if let Some(case) = lot.owner.as_case() {
                purse.note(case, time);
                self.tainted += i128::from(lot.amount);
            }
        }
        Ok(())
    }

    /// Receives clean money.
    #[inline]
    pub(super) fn deposit_clean(&mut self, received: Money) -> Result<()> {
        if received.amount == 0 {
            return Ok(());
        }
        let at = self.find_or_make(received.currency);
        self.pools[at].pool.deposit(&[Lot::clean(received.amount)], received.amount)
    }

    /// Tainted money by pool and case; the pools in no particular order, the cases ascending.
    pub(super) fn holdings(&self) -> Vec<Holding> {
        let mut holdings: Vec<Holding> = Vec::new();
        for purse in &self.pools {
            let mut parts = Vec::new();
            purse.pool.tainted(|case, amount| parts.push((case, amount)));
            parts.sort_unstable_by_key(|part| part.0);
            for same in parts.chunk_by(|a, b| a.0 == b.0) {
                let case = same[0].0;
                let receipt = purse.receipts.binary_search_by_key(&case, |receipt| receipt.case);
                let receipt =
                    purse.receipts[receipt.expect("money of a case came in by a receipt that was noted")];
                holdings.push(Holding {
                    case,
                    currency: purse.currency,
                    amount: same.iter().map(|part| part.1).sum(),
                    first: receipt.first,
                    last: receipt.last,
                });
            }
        }
        holdings
    }

    /// Whether the account pays anything in `currency` from where it stands on.
    pub(super) fn pays_again(&self, currency: u16, view: &View<'g>, rows: &Rows<'g>) -> Result<bool> {
        let mut out = self.out.clone();
        while out.next() != NEVER {
            if out.paid(rows)?.is_some_and(|paid| paid.currency == currency && paid.amount > 0) {
                return Ok(true);
            }
            out.advance(view);
        }
        Ok(false)
    }
}
