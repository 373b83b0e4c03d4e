//! An account that taint has reached: its pools, and its place in its own history.
//!
//! Before taint reaches it, an account is only its clean balances. They are found by
//! running through its transactions up to that moment ([`Account::forward`]); from there on it is
//! taken along event by event, until its last tainted unit has left. Then it rests where it
//! stands, and runs forward again when taint comes back.

use super::policy::{Opening, TraceOptions};
use super::pool::draft::Draft;
use super::pool::lot::{Lot, Owner, Pool};
use super::pool::purse::{Holding, Purse};
use super::walk::cursor::Cursor;
use super::walk::history::{History, Short};
use super::walk::meter::Meter;
use super::walk::rows::{Money, Rows};
use crate::error::Result;
use crate::graph::View;
use crate::ids::AccountId;
use crate::units::Ties;

/// One account under one policy.
#[derive(Debug)]
pub(super) struct Account<'g, P> {
    pub(super) id: AccountId,
    ties: Ties,
    out: Cursor<'g>,
    incoming: Cursor<'g>,
    purses: Vec<Purse<P>>,
    /// Tainted units in all purses.
    tainted: i128,
}

impl<'g, P: Pool> Account<'g, P> {
    /// The account before its first transaction in `view`.
    pub(super) fn new(
        id: AccountId,
        options: &TraceOptions,
        view: &View<'g>,
        rows: &Rows<'g>,
        meter: &mut Meter<'_>,
    ) -> Result<Self> {
        let out = Cursor::new(view.out(id), view)?;
        let incoming = Cursor::new(view.incoming(id), view)?;
        let mut purses = Vec::new();
        if options.opening == Opening::Minimal {
            let (out, incoming) = (&mut out.clone(), &mut incoming.clone());
            let mut whole = History { out, incoming, balances: Vec::new() };
            whole.run(u64::MAX, Short::Owing, options.ties, view, rows, meter)?;
            for balance in &whole.balances {
                purses.push(Purse::new(balance.currency, balance.opening())?);
            }
        }
        if options.opening == Opening::Given {
            for (currency, amount) in openings(options, view, id)? {
                purses.push(Purse::new(currency, amount)?);
            }
        }
        Ok(Account { id, ties: options.ties, out, incoming, purses, tainted: 0 })
    }

    /// Whether any tainted money is here; only then does the account take part in events.
    #[inline]
    pub(super) fn is_tainted(&self) -> bool {
        self.tainted > 0
    }

    /// Position of the next transaction of the account, or [`NEVER`](super::walk::cursor::NEVER).
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
        let balances = self.purses.iter().map(Purse::balance).collect();
        let mut history = History { out: &mut self.out, incoming: &mut self.incoming, balances };
        history.run(to, Short::Supplied, self.ties, view, rows, meter)?;
        let (known, new) = history.balances.split_at(self.purses.len());
        for (purse, balance) in self.purses.iter_mut().zip(known) {
            purse.set_balance(balance)?;
        }
        for balance in new {
            let mut purse = Purse::new(balance.currency, 0)?;
            purse.set_balance(balance)?;
            self.purses.push(purse);
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
    fn purse(&mut self, currency: u16) -> Result<&mut Purse<P>> {
        let known = self.purses.iter().position(|purse| purse.currency == currency);
        let at = match known {
            Some(at) => at,
            None => {
                self.purses.push(Purse::new(currency, 0)?);
                self.purses.len() - 1
            }
        };
        Ok(&mut self.purses[at])
    }

    /// Pays `paid` at `time` and returns how much of it is tainted, as [`Pool::draw`].
    #[inline]
    pub(super) fn draw(&mut self, paid: Money, time: i64, draft: &mut Draft) -> Result<i64> {
        let tainted = self.purse(paid.currency)?.draw(paid.amount, time, draft)?;
        self.tainted -= i128::from(tainted);
        Ok(tainted)
    }

    /// Receives `lots`, which are `received` in all, at `time`.
    #[inline]
    pub(super) fn deposit(&mut self, lots: &[Lot], received: Money, time: i64) -> Result<()> {
        let ties = self.ties;
        let purse = self.purse(received.currency)?;
        match ties {
            Ties::Order => purse.deposit(lots, received.amount)?,
            Ties::Strict => purse.deposit_waiting(lots, received.amount, time)?,
        }
        let mut tainted = 0;
        for lot in lots {
            if let Some(case) = lot.owner.as_case() {
                purse.note(case, time);
                tainted += lot.amount;
            }
        }
        self.tainted += i128::from(tainted);
        Ok(())
    }

    /// Receives money of a case from outside, after every transaction up to `time`.
    pub(super) fn deposit_from_outside(&mut self, lot: Lot, currency: u16, time: i64) -> Result<()> {
        let purse = self.purse(currency)?;
        purse.admit_all()?;
        purse.deposit(&[lot], lot.amount)?;
        if let Some(case) = lot.owner.as_case() {
            purse.note(case, time);
            self.tainted += i128::from(lot.amount);
        }
        Ok(())
    }

    /// Hands `amount` units of a pool, all of it if not given, newest first, over to a case: the empty `draft` gets what
    /// they were. Returns how many, or `None` if there are fewer.
    pub(super) fn relabel(
        &mut self,
        case: u32,
        amount: Option<i64>,
        currency: u16,
        time: i64,
        draft: &mut Draft,
    ) -> Result<Option<i64>> {
        let Some(tainted) = self.purse(currency)?.take_newest(amount, draft)? else { return Ok(None) };
        self.tainted -= i128::from(tainted);
        let amount = draft.lots().iter().map(|lot| lot.amount).sum();
        self.deposit_from_outside(Lot { amount, owner: Owner::case(case), hop: 0 }, currency, time)?;
        Ok(Some(amount))
    }

    /// Everything in one pool, waiting or not.
    pub(super) fn balance(&mut self, currency: u16) -> Result<i64> {
        Ok(self.purse(currency)?.balance_of_all())
    }

    /// Tainted money by pool and case; the pools in no particular order, the cases ascending.
    pub(super) fn holdings(&mut self) -> Result<Vec<Holding>> {
        let mut holdings = Vec::new();
        for purse in &mut self.purses {
            purse.admit_all()?;
            holdings.extend(purse.holdings());
        }
        Ok(holdings)
    }

    /// Whether the account pays anything in `currency` from where it stands on.
    pub(super) fn pays_again(&self, currency: u16, view: &View<'g>, rows: &Rows<'g>) -> Result<bool> {
        let mut out = self.out.clone();
        while out.next() != super::walk::cursor::NEVER {
            if out.paid(rows)?.is_some_and(|paid| paid.currency == currency && paid.amount > 0) {
                return Ok(true);
            }
            out.advance(view);
        }
        Ok(false)
    }
}

/// The stated opening of every pool of an account that has one, by currency; in values under value pooling.
pub(super) fn openings(options: &TraceOptions, view: &View<'_>, id: AccountId) -> Result<Vec<(u16, i128)>> {
    let stated = options.balances.of(id).iter().filter(|row| row.time.is_none());
    let Some(rates) = &options.rates else {
        return Ok(stated.map(|row| (row.currency.0, i128::from(row.amount.max(0)))).collect());
    };
    let mut sum = 0;
    for row in stated {
        sum += i128::from(rates.value(row.amount.max(0), row.currency.0, view.first_time()?)?);
    }
    Ok(vec![(rates.base().0, sum)])
}
