//! Who was touched, and by how many cases: one bit per case, 64 cases to a pass over the rows.
//!
//! Every account has a word of cases that reached it; a payment that moves anything adds those of its source to
//! those of its destination. Words only grow, so there are at most 64 changes per account and pass, and the test
//! whether a row changes anything is one `and` that is seldom true.

use super::super::source::Start;
use super::super::walk::chunk::{Chunk, Moments, chunks};
use super::super::walk::cursor::NEVER;
use super::super::walk::marks::Marks;
use super::{ExposedAccounts, Pass};
use crate::error::Result;
use crate::ids::{AccountId, TxId};
use crate::memory::Zeroed;
use crate::store::prefetch;
use crate::units::Ties;
use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use std::sync::Mutex;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Rows between asking for the words of a row and using them.
const AHEAD: usize = 16;

/// Cases of one pass.
pub(super) const CASES_PER_PASS: u32 = 64;

/// Whom the sources of the cases after the first 64 reach, which the pass of the money finds; none without such.
pub(super) fn spread(pass: &Pass<'_, '_>) -> Result<Option<Firsts>> {
    let groups = pass.starts.iter().map(|start| start.case).max().map_or(0, |last| last / CASES_PER_PASS + 1);
    let all: Mutex<Option<Firsts>> = Mutex::default();
    (1..groups).into_par_iter().try_for_each(|group| {
        let found = Spread::of(pass, group)?;
        // Whoever comes first here makes no difference to the sum.
        if let Ok(mut all) = all.lock() {
            match &mut *all {
                Some(all) => all.add(&found),
                none => *none = Some(found),
            }
        }
        Ok(())
    })?;
    Ok(all.into_inner().unwrap_or_default())
}

/// By account, the first contact with any of some cases, and how many of them there are.
#[derive(Debug)]
pub(super) struct Firsts {
    firsts: Zeroed<First>,
    num_contacts: usize,
}

/// How an account came into contact.
#[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout)]
#[repr(C)]
struct First {
    /// The payment, or the first row that a source pays.
    position: u64,
    time: i64,
    num_cases: u32,
    /// [`NOTHING`], [`START`] or [`PAYMENT`].
    by: u32,
}

/// No contact.
const NOTHING: u32 = 0;
/// The account is a source, and began.
const START: u32 = 1;
/// A payment reached it.
const PAYMENT: u32 = 2;

impl First {
    fn key(&self) -> (u64, u32, i64) {
        (self.position, self.by, self.time)
    }
}

impl Firsts {
    pub(super) fn new(num_accounts: u32) -> Result<Self> {
        Ok(Firsts { firsts: Zeroed::new(num_accounts as usize)?, num_contacts: 0 })
    }

    /// A source begins.
    pub(super) fn start(&mut self, start: &Start) {
        self.note(start.account, start.position, start.time, START);
    }

    /// A payment reaches an account.
    pub(super) fn payment(&mut self, account: u32, position: u64, time: i64) {
        self.note(account, position, time, PAYMENT);
    }

    fn note(&mut self, account: u32, position: u64, time: i64, by: u32) {
        let first = &mut self.firsts[account as usize];
        if first.by == NOTHING {
            *first = First { position, time, num_cases: 0, by };
            self.num_contacts += 1;
        }
    }

    /// Counts the cases that every account has in the end.
    pub(super) fn count(&mut self, mut cases: impl FnMut(u32) -> u64) {
        for (account, first) in self.firsts.iter_mut().enumerate() {
            if first.by != NOTHING {
                first.num_cases = cases(account as u32).count_ones();
            }
        }
    }

    /// Adds contacts with other cases.
    pub(super) fn add(&mut self, others: &Firsts) {
        for (first, other) in self.firsts.iter_mut().zip(&others.firsts[..]) {
            let num_cases = first.num_cases + other.num_cases;
            let fresh = first.by == NOTHING;
            if other.by != NOTHING && (fresh || other.key() < first.key()) {
                *first = *other;
                self.num_contacts += usize::from(fresh);
            }
            first.num_cases = num_cases;
        }
    }

    /// As columns.
    pub(super) fn accounts(&self) -> ExposedAccounts {
        let mut accounts = ExposedAccounts {
            account: Vec::with_capacity(self.num_contacts),
            num_cases: Vec::with_capacity(self.num_contacts),
            first_contact: Vec::with_capacity(self.num_contacts),
            transaction: Vec::with_capacity(self.num_contacts),
        };
        for (account, first) in self.firsts.iter().enumerate() {
            if first.by != NOTHING {
                accounts.account.push(AccountId(account as u32));
                accounts.num_cases.push(first.num_cases);
                accounts.first_contact.push(first.time);
                accounts.transaction.push((first.by == PAYMENT).then_some(TxId(first.position)));
            }
        }
        accounts
    }
}

/// Up to 64 cases on their way.
struct Spread<'a, 'g> {
    pass: &'a Pass<'a, 'g>,
    /// By account, the cases whose taint it can pass on.
    cases: Zeroed<u64>,
    outside: Option<Marks>,
    found: Firsts,
    /// Strict ties: what reached accounts at the moment that ends before `wait_until`.
    waiting: Vec<(u32, u64)>,
    wait_until: u64,
    moments: Moments,
}

impl<'a, 'g> Spread<'a, 'g> {
    fn of(pass: &'a Pass<'a, 'g>, group: u32) -> Result<Firsts> {
        let num_accounts = pass.view.graph().num_accounts();
        let mut spread = Spread {
            pass,
            cases: Zeroed::new(num_accounts as usize)?,
            outside: pass.view.accounts().map(|_| Marks::outside(pass.view.accounts(), num_accounts)),
            found: Firsts::new(num_accounts)?,
            waiting: Vec::new(),
            wait_until: NEVER,
            moments: Moments::default(),
        };
        let mut from = pass.starts.first().map_or(pass.end, |start| start.position);
        for start in pass.starts.iter().filter(|start| start.case / CASES_PER_PASS == group) {
            spread.scan(from, start.position)?;
            from = from.max(start.position);
            spread.admit(from);
            spread.start(start);
        }
        spread.scan(from, pass.end)?;
        spread.admit(NEVER);
        let Spread { mut found, cases, .. } = spread;
        found.count(|account| cases[account as usize]);
        Ok(found)
    }

    fn start(&mut self, start: &Start) {
        self.found.start(start);
        self.cases[start.account as usize] |= 1 << (start.case % CASES_PER_PASS);
    }

    fn scan(&mut self, from: u64, to: u64) -> Result<()> {
        let Pass { view, rows, run, end, .. } = *self.pass;
        for chunk in chunks(view, rows, from..to.min(end)) {
            run.check()?;
            let chunk = chunk?;
            let ends = chunk.source.iter().zip(chunk.destination);
            for (row, (&source, &destination)) in ends.enumerate() {
                let cases = &self.cases[..];
                if let (Some(&source), Some(&destination)) =
                    (chunk.source.get(row + AHEAD), chunk.destination.get(row + AHEAD))
                {
                    prefetch(&cases[source as usize]);
                    prefetch(&cases[destination as usize]);
                }
                let mut new = cases[source as usize] & !cases[destination as usize];
                if !self.waiting.is_empty() && chunk.start + row as u64 >= self.wait_until {
                    self.admit(chunk.start + row as u64);
                    new = self.cases[source as usize] & !self.cases[destination as usize];
                }
                if new != 0 {
                    self.touch(&chunk, row, new)?;
                }
            }
            run.advance(chunk.source.len() as u64);
        }
        Ok(())
    }

    /// A payment could carry cases that did not reach its destination yet.
    fn touch(&mut self, chunk: &Chunk<'_>, row: usize, new: u64) -> Result<()> {
        let (source, destination) = (chunk.source[row], chunk.destination[row]);
        let outside = |marks: &Marks| marks.has(source) || marks.has(destination);
        if self.outside.as_ref().is_some_and(outside) || self.pass.options.sinks.contains(source) {
            return Ok(());
        }
        if !chunk.carries(row, self.pass.rows)? {
            return Ok(());
        }
        let position = chunk.start + row as u64;
        self.found.payment(destination, position, chunk.time[row]);
        match self.pass.options.ties {
            Ties::Order => self.cases[destination as usize] |= new,
            Ties::Strict => {
                self.wait_until = self.moments.after(position, self.pass.end, self.pass.rows)?;
                self.waiting.push((destination, new));
            }
        }
        Ok(())
    }

    /// Lets accounts pass on what reached them before the moment of `position`.
    fn admit(&mut self, position: u64) {
        if position >= self.wait_until {
            for (account, cases) in self.waiting.drain(..) {
                self.cases[account as usize] |= cases;
            }
        }
    }
}
