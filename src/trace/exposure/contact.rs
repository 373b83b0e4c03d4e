//! Who was touched, and by how many cases: one bit per case, 64 cases to a pass over the rows.
//!
//! Every account has a word of cases that reached it; a payment that moves anything adds those of its source to
//! those of its destination. Words only grow, so there are at most 64 changes per account and pass, and the test
//! whether a row changes anything is one `and` that is seldom true.

use super::super::policy::Ties;
use super::super::source::Start;
use super::super::walk::chunk::{Chunk, Moments, chunks};
use super::super::walk::cursor::NEVER;
use super::super::walk::marks::Marks;
use super::{ExposedAccounts, Pass};
use crate::error::Result;
use crate::ids::{AccountId, TxId};
use crate::store::{Zeroed, prefetch};
use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Rows between asking for the words of a row and using them.
const AHEAD: usize = 16;

/// Cases of one pass.
pub(super) const CASES_PER_PASS: u32 = 64;

/// Whom the sources of each case reach, but for the first 64 cases, which the pass of the money finds.
pub(super) fn spread(pass: &Pass<'_, '_>) -> Result<Vec<Contact>> {
    let groups = pass.starts.iter().map(|start| start.case).max().map_or(0, |last| last / CASES_PER_PASS + 1);
    let parts: Vec<Result<Vec<Contact>>> =
        (1..groups).into_par_iter().map(|group| Spread::of(pass, group)).collect();
    let mut all: Vec<Contact> = Vec::new();
    for part in parts {
        all.append(&mut part?);
    }
    Ok(all)
}

/// By account, the first of its contacts and how many cases they are.
pub(super) fn gather(contacts: &[Contact], num_accounts: u32) -> Result<ExposedAccounts> {
    let mut accounts = ExposedAccounts {
        account: Vec::with_capacity(contacts.len()),
        num_cases: Vec::with_capacity(contacts.len()),
        first_contact: Vec::with_capacity(contacts.len()),
        transaction: Vec::with_capacity(contacts.len()),
    };
    for (account, first) in firsts(contacts, num_accounts)?.iter().enumerate() {
        if first.num_cases > 0 {
            accounts.account.push(AccountId(account as u32));
            accounts.num_cases.push(first.num_cases);
            accounts.first_contact.push(first.time);
            accounts.transaction.push((first.transaction > 0).then_some(TxId(first.position)));
        }
    }
    Ok(accounts)
}

/// By account, the first of its contacts, with the cases of all of them.
fn firsts(contacts: &[Contact], num_accounts: u32) -> Result<Zeroed<First>> {
    let mut firsts = Zeroed::<First>::new(num_accounts as usize)?;
    let table = &mut firsts[..];
    for contact in contacts {
        let (first, known) = (contact.first, &mut table[contact.account as usize]);
        let num_cases = known.num_cases + first.num_cases;
        let key = |first: &First| (first.position, first.transaction, first.time);
        if known.num_cases == 0 || key(&first) < key(known) {
            *known = first;
        }
        known.num_cases = num_cases;
    }
    Ok(firsts)
}

/// First contact of an account with cases of one pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contact {
    account: u32,
    first: First,
}

/// A first contact and how many cases there are.
#[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout)]
#[repr(C)]
struct First {
    /// The payment, or the first row that a source pays.
    position: u64,
    time: i64,
    num_cases: u32,
    /// 1 for a payment, 0 for the start of a source.
    transaction: u32,
}

/// The first contacts of one pass, in order.
#[derive(Debug)]
pub(super) struct Found {
    /// Accounts in `contacts`.
    known: Marks,
    contacts: Vec<Contact>,
}

impl Found {
    pub(super) fn new(num_accounts: u32) -> Self {
        Found { known: Marks::new(num_accounts), contacts: Vec::new() }
    }

    /// A source begins.
    pub(super) fn start(&mut self, start: &Start) {
        self.note(start.account, start.position, start.time, 0);
    }

    /// A payment reaches an account.
    pub(super) fn payment(&mut self, account: u32, position: u64, time: i64) {
        self.note(account, position, time, 1);
    }

    fn note(&mut self, account: u32, position: u64, time: i64, transaction: u32) {
        if !self.known.has(account) {
            self.known.set(account);
            let first = First { position, time, num_cases: 0, transaction };
            self.contacts.push(Contact { account, first });
        }
    }

    /// The contacts, with the number of cases that each account has in the end.
    pub(super) fn close(mut self, mut cases: impl FnMut(u32) -> u64) -> Vec<Contact> {
        for contact in &mut self.contacts {
            contact.first.num_cases = cases(contact.account).count_ones();
        }
        self.contacts
    }
}

/// Up to 64 cases on their way.
struct Spread<'a, 'g> {
    pass: &'a Pass<'a, 'g>,
    /// By account, the cases whose taint it can pass on.
    cases: Zeroed<u64>,
    outside: Option<Marks>,
    found: Found,
    /// Strict ties: what reached accounts at the moment that ends before `wait_until`.
    waiting: Vec<(u32, u64)>,
    wait_until: u64,
    moments: Moments,
}

impl<'a, 'g> Spread<'a, 'g> {
    fn of(pass: &'a Pass<'a, 'g>, group: u32) -> Result<Vec<Contact>> {
        let num_accounts = pass.view.graph().num_accounts();
        let mut spread = Spread {
            pass,
            cases: Zeroed::new(num_accounts as usize)?,
            outside: pass.view.accounts().map(|_| Marks::outside(pass.view.accounts(), num_accounts)),
            found: Found::new(num_accounts),
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
        let Spread { found, cases, .. } = spread;
        Ok(found.close(|account| cases[account as usize]))
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
