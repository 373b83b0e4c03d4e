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
use crate::store::prefetch;
use rayon::prelude::{IntoParallelIterator, ParallelIterator};

/// Rows between asking for the words of a row and using them.
const AHEAD: usize = 16;

/// Cases of one pass.
const CASES_PER_PASS: u32 = 64;

/// Whom the sources of each case reach.
pub(super) fn spread(pass: &Pass<'_, '_>) -> Result<ExposedAccounts> {
    let groups = match pass.starts.iter().map(|start| start.case).max() {
        Some(last) => last / CASES_PER_PASS + 1,
        None => return Ok(ExposedAccounts::default()),
    };
    let parts: Vec<Result<Vec<Contact>>> =
        (0..groups).into_par_iter().map(|group| Spread::of(pass, group)).collect();
    let mut all: Vec<Contact> = Vec::new();
    for part in parts {
        all.append(&mut part?);
    }
    // Contacts of one account are neighbours then, the first of them first.
    all.sort_unstable_by_key(|contact| {
        (contact.account, contact.position, contact.transaction, contact.time)
    });
    let mut accounts = ExposedAccounts::default();
    for same in all.chunk_by(|a, b| a.account == b.account) {
        let first = &same[0];
        accounts.account.push(AccountId(first.account));
        accounts.num_cases.push(same.iter().map(|contact| contact.num_cases).sum());
        accounts.first_contact.push(first.time);
        accounts.transaction.push(first.transaction.then_some(TxId(first.position)));
    }
    Ok(accounts)
}

/// First contact of an account with cases of one pass.
#[derive(Clone, Copy, Debug)]
struct Contact {
    account: u32,
    /// The payment, or the first row that a source pays.
    position: u64,
    time: i64,
    /// Whether it was a payment.
    transaction: bool,
    num_cases: u32,
}

/// Up to 64 cases on their way.
struct Spread<'a, 'g> {
    pass: &'a Pass<'a, 'g>,
    /// By account, the cases whose taint it can pass on.
    cases: Vec<u64>,
    /// Accounts in `found`, or not in the view.
    known: Marks,
    outside: Option<Marks>,
    found: Vec<Contact>,
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
            cases: vec![0; num_accounts as usize],
            known: Marks::new(num_accounts),
            outside: pass.view.accounts().map(|_| Marks::outside(pass.view.accounts(), num_accounts)),
            found: Vec::new(),
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
        for contact in &mut spread.found {
            contact.num_cases = spread.cases[contact.account as usize].count_ones();
        }
        Ok(spread.found)
    }

    fn start(&mut self, start: &Start) {
        let Start { case, account, position, time } = *start;
        if !self.known.has(account) {
            self.known.set(account);
            self.found.push(Contact { account, position, time, transaction: false, num_cases: 0 });
        }
        self.cases[account as usize] |= 1 << (case % CASES_PER_PASS);
    }

    fn scan(&mut self, from: u64, to: u64) -> Result<()> {
        let Pass { view, rows, run, end, .. } = *self.pass;
        for chunk in chunks(view, rows, from..to.min(end)) {
            run.check()?;
            let chunk = chunk?;
            let ends = chunk.source.iter().zip(chunk.destination);
            for (row, (&source, &destination)) in ends.enumerate() {
                if let (Some(&source), Some(&destination)) =
                    (chunk.source.get(row + AHEAD), chunk.destination.get(row + AHEAD))
                {
                    prefetch(&self.cases[source as usize]);
                    prefetch(&self.cases[destination as usize]);
                }
                let mut new = self.cases[source as usize] & !self.cases[destination as usize];
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
        if !self.known.has(destination) {
            self.known.set(destination);
            let time = chunk.time[row];
            self.found.push(Contact {
                account: destination,
                position,
                time,
                transaction: true,
                num_cases: 0,
            });
        }
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
