//! Reachability in time: which accounts money of a source could have come to, and when at the earliest.
//!
//! An account is reached by the first payment that an account pays which was reached before. It is the
//! question under every policy: whoever is not reached cannot hold anything that comes from the source.
//!
//! # Method
//! Two ways with the same answer. The *search* settles accounts in the order in which they are reached (Dijkstra's
//! algorithm with positions for distances): settling one looks at what it pays from then on, and puts every payment
//! that reaches its payee earlier than known on the calendar. The *scan* reads both ends of all rows in order and tests
//! two bits per row. A case begins with the search and goes on as a scan from where it stands once the search
//! has cost an eighth of what the scan of the rest would.
//!
//! # Cost
//! The search: O(1) per payment of a reached account, and a handful of cache misses per account. The scan: about a nanosecond
//! per row of the rest of the window. Memory: two bits per account and, for the search, one word per account and a bit
//! per position, of which only pages that are used exist. Cases run in parallel.
//!
//! # Choices
//! Failed transactions, payments of 0 and payments that hand over nothing reach nobody. A sink is reached and
//! passes nothing on. An account that is a source is reached at its start, unless a payment reaches it before.
//!
//! # Source
//! Wu, Cheng, Huang, Ke, Lu, Xu: Path problems in temporal graphs, PVLDB 7(9), 2014: earliest arrival, in one pass.

use super::source::{Source, Start, starts};
use super::walk::calendar::Calendar;
use super::walk::chunk::{Moments, chunks, end_position};
use super::walk::cursor::NEVER;
use super::walk::marks::Marks;
use super::walk::rows::Rows;
use crate::error::{Error, Result};
use crate::graph::View;
use crate::ids::{AccountId, TxId};
use crate::run::Run;
use crate::units::Ties;
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};
use roaring::RoaringBitmap;
use std::sync::Mutex;

/// What settling an account by search costs, in rows of a scan: the misses on its way.
const ACCOUNT_ROWS: u64 = 300;
/// What a payment of a settled account costs, in rows of a scan.
const EDGE_ROWS: u64 = 3;
/// The search may cost one part in so many of what a scan of the rest would.
const SEARCH_SHARE: u64 = 8;

/// Options of [`reach`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReachOptions {
    /// Whether an account can pay on at the very time at which it is reached.
    pub ties: Ties,
    /// Last moment, in microseconds since 1970 UTC, inclusive: transactions after it do not happen.
    pub until: Option<i64>,
    /// Accounts that are reached but pass nothing on.
    pub sinks: RoaringBitmap,
}

impl ReachOptions {
    fn check(&self, num_accounts: u32) -> Result<()> {
        check_sinks(&self.sinks, num_accounts)
    }
}

/// Refuses sinks that are no accounts.
pub(super) fn check_sinks(sinks: &RoaringBitmap, num_accounts: u32) -> Result<()> {
    match sinks.max() {
        Some(last) if last >= num_accounts => Err(Error::Option {
            name: "sinks",
            value: format!("account {last} of {num_accounts}"),
            allowed: "accounts of the graph",
        }),
        _ => Ok(()),
    }
}

/// Reached accounts, by case and in the order in which they were reached; all columns have the same length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Case.
    pub case: Vec<u32>,
    /// Account; at most once per case.
    pub account: Vec<AccountId>,
    /// When it was reached, microseconds since 1970 UTC; a source without a start time at the first transaction of
    /// the view.
    pub time: Vec<i64>,
    /// The payment that reached it; none for a source at its start.
    pub transaction: Vec<Option<TxId>>,
}

impl Reached {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.account.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.account.is_empty()
    }

    fn push(&mut self, account: u32, time: i64, transaction: Option<TxId>) {
        self.account.push(AccountId(account));
        self.time.push(time);
        self.transaction.push(transaction);
    }

    fn append(&mut self, case: u32, mut other: Reached) {
        self.case.resize(self.case.len() + other.len(), case);
        if self.account.is_empty() {
            // Nothing to copy for the first, which is mostly the only one.
            *self = Reached { case: std::mem::take(&mut self.case), ..other };
            return;
        }
        self.account.append(&mut other.account);
        self.time.append(&mut other.time);
        self.transaction.append(&mut other.transaction);
    }
}

/// Finds every account that payments of the sources of a case reach in time, and the first payment that does.
///
/// Each case is looked at alone, in parallel. Nothing outside of `view` exists. The amounts of the payments on a way play
/// no part, so this says what is possible, never how much.
///
/// # Errors
/// [`Error::Input`] names a source that is not possible, or a transaction with a negative amount;
/// [`Error::Option`] an option out of its range.
///
/// # Examples
/// ```no_run
/// use ringfence::Run;
/// use ringfence::graph::Graph;
/// use ringfence::store::Io;
/// use ringfence::trace::{ReachOptions, Source, reach};
///
/// let graph = Graph::open("payments.ring".as_ref(), Io::Mmap)?;
/// let account = graph.find_account("A17")?.expect("a known account");
/// let sources = [Source { case: 0, account, from: None }];
/// let reached = reach(&graph.view(), 1, &sources, &ReachOptions::default(), &Run::new())?;
/// println!("{} accounts could hold money of A17", reached.len() - 1);
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn reach(
    view: &View<'_>,
    num_cases: u32,
    sources: &[Source],
    options: &ReachOptions,
    run: &Run,
) -> Result<Reached> {
    options.check(view.graph().num_accounts())?;
    run.check()?;
    let starts = starts(view, num_cases, sources, options.until)?;
    let rows = Rows::new(view, None);
    let end = end_position(view, options.until)?;
    run.stage("reach", 0);
    let cases: Vec<&[Start]> = starts.chunk_by(|a, b| a.case == b.case).collect();
    let outside = Marks::outside(view.accounts(), view.graph().num_accounts());
    let spare = Mutex::new(Vec::new());
    let alone = |starts: &&[Start]| {
        let mut earliest = spare.lock().ok().and_then(|mut spare| spare.pop());
        let mut search = Search {
            view,
            rows: &rows,
            options,
            end,
            run,
            earliest: earliest.take().unwrap_or_default(),
            touched: Vec::new(),
            known: outside.clone(),
            pays: Marks::new(view.graph().num_accounts()),
            waiting: Vec::new(),
            wait_until: NEVER,
            moments: Moments::default(),
            fresh: Marks::new(view.graph().num_accounts()),
            reached_now: Vec::new(),
            moment: i64::MIN,
            found: Reached::default(),
        };
        search.go(starts)?;
        let Search { mut earliest, touched, found, .. } = search;
        touched.iter().for_each(|&account| earliest[account as usize] = 0);
        if let Ok(mut spare) = spare.lock() {
            spare.push(earliest);
        }
        Ok((starts[0].case, found))
    };
    let parts: Vec<Result<(u32, Reached)>> = run.install(|| match &cases[..] {
        [one] => vec![alone(one)],
        all => all.par_iter().map(alone).collect(),
    });
    let mut all = Reached::default();
    for part in parts {
        let (case, found) = part?;
        all.append(case, found);
    }
    Ok(all)
}

/// One case on its way.
struct Search<'a, 'g> {
    view: &'a View<'g>,
    rows: &'a Rows<'g>,
    options: &'a ReachOptions,
    /// First position that does not happen.
    end: u64,
    run: &'a Run,
    /// By account, the position after that of the earliest payment known to reach it; 0 without one. Made when a
    /// search needs it.
    earliest: Vec<u64>,
    /// Accounts with a value in `earliest`.
    touched: Vec<u32>,
    /// Accounts that are reached, or not in the view.
    known: Marks,
    /// Accounts whose payments reach their payees.
    pays: Marks,
    /// Strict ties, in the search: accounts that were reached at the moment that ends before `wait_until`; they pay from
    /// there on.
    waiting: Vec<u32>,
    wait_until: u64,
    moments: Moments,
    /// Strict ties, in the scan: accounts that were reached at `moment`, as marks and as a list.
    fresh: Marks,
    reached_now: Vec<u32>,
    moment: i64,
    found: Reached,
}

impl Search<'_, '_> {
    fn go(&mut self, starts: &[Start]) -> Result<()> {
        let (from, starts) = self.search(starts)?;
        let mut from = from;
        for start in starts {
            self.scan(from, start.position)?;
            from = from.max(start.position);
            self.start(start);
        }
        self.scan(from, self.end)
    }

    /// Settles accounts in the order in which they are reached; returns where a scan has to go on, and the starts
    /// that are still to come.
    fn search<'s>(&mut self, mut starts: &'s [Start]) -> Result<(u64, &'s [Start])> {
        let base = self.view.positions().start.0;
        let first = starts.first().map_or(self.end, |start| start.position);
        let budget = |position: u64, end: u64| end.saturating_sub(position) / SEARCH_SHARE;
        if budget(first, self.end) < ACCOUNT_ROWS * starts.len() as u64 {
            return Ok((first, starts));
        }
        let num_accounts = self.view.graph().num_accounts() as usize;
        if self.earliest.is_empty() {
            self.earliest = vec![0; num_accounts];
        }
        let mut calendar = Calendar::new(self.end.saturating_sub(base));
        let mut spent = 0;
        loop {
            let due = calendar.first().map_or(NEVER, |due| due + base);
            let next = starts.first().map_or(NEVER, |start| start.position);
            let position = due.min(next);
            if position == NEVER {
                return Ok((self.end, starts));
            }
            if spent > budget(position, self.end) {
                return Ok((position, starts));
            }
            self.run.check()?;
            self.admit(position);
            let (account, from) = if next <= due {
                let start = &starts[0];
                starts = &starts[1..];
                self.start(start);
                (start.account, start.position)
            } else {
                calendar.remove(due - base);
                let (_, destination) = self.rows.ends(due)?;
                if self.known.has(destination) {
                    continue;
                }
                self.reach(destination, due, self.rows.time(due)?)?;
                let strict = self.options.ties == Ties::Strict;
                (destination, if strict { self.wait_until } else { due + 1 })
            };
            if !self.options.sinks.contains(account) {
                spent += ACCOUNT_ROWS + EDGE_ROWS * self.look(account, from, base, &mut calendar)?;
            }
        }
    }

    /// Puts what `account` pays from position `from` on the calendar where it reaches somebody earlier than known;
    /// returns how many payments were looked at.
    fn look(&mut self, account: u32, from: u64, base: u64, calendar: &mut Calendar) -> Result<u64> {
        let mut looked = 0;
        for slice in self.view.out(AccountId(account)) {
            let slice = slice?;
            let local = |position: u64| position.saturating_sub(slice.base.0).min(u32::MAX.into()) as u32;
            let (first, last) = (local(from), local(self.end));
            let begin = slice.transactions.partition_point(|&row| row < first);
            let end = slice.transactions.partition_point(|&row| row < last);
            if begin >= end {
                continue;
            }
            looked += (end - begin) as u64;
            let neighbors = &slice.neighbors[begin..end];
            for (&neighbor, &row) in neighbors.iter().zip(&slice.transactions[begin..end]) {
                let position = slice.base.0 + u64::from(row);
                let earliest = match self.earliest.get(neighbor as usize) {
                    Some(&earliest) => earliest,
                    None => return Err(self.rows.damaged(position, "names an account that is not there")),
                };
                let better = earliest == 0 || position + 1 < earliest;
                if better && !self.known.has(neighbor) && self.carries(position)? {
                    if earliest == 0 {
                        self.touched.push(neighbor);
                    }
                    self.earliest[neighbor as usize] = position + 1;
                    calendar.add(position - base);
                }
            }
        }
        Ok(looked)
    }

    /// Reads all rows in order.
    fn scan(&mut self, from: u64, to: u64) -> Result<()> {
        // Who waits pays from now on, except at the moment at which it was reached.
        for account in self.waiting.drain(..) {
            self.pays.set(account);
            self.fresh.set(account);
            self.reached_now.push(account);
        }
        let (view, rows) = (self.view, self.rows);
        for chunk in chunks(view, rows, from..to.min(self.end)) {
            self.run.check()?;
            let chunk = chunk?;
            let ends = chunk.source.iter().zip(chunk.destination);
            for (row, (&source, &destination)) in ends.enumerate() {
                // Both bits, always: one test that is seldom true instead of two that are hard to foresee.
                if self.pays.has(source) & !self.known.has(destination) && chunk.carries(row, rows)? {
                    self.pass_on(source, destination, chunk.start + row as u64, chunk.time[row]);
                }
            }
            self.run.advance(chunk.source.len() as u64);
        }
        Ok(())
    }

    /// A payment that the scan came to could reach an account.
    fn pass_on(&mut self, source: u32, destination: u32, position: u64, time: i64) {
        let strict = self.options.ties == Ties::Strict;
        if strict {
            if time != self.moment {
                self.moment = time;
                self.reached_now.drain(..).for_each(|account| self.fresh.clear(account));
            }
            if self.fresh.has(source) {
                return;
            }
        }
        self.known.set(destination);
        self.found.push(destination, time, Some(TxId(position)));
        if self.options.sinks.contains(destination) {
            return;
        }
        self.pays.set(destination);
        if strict {
            self.fresh.set(destination);
            self.reached_now.push(destination);
        }
    }

    /// Whether the payment at a position moves anything.
    fn carries(&self, position: u64) -> Result<bool> {
        Ok(self.rows.read(position)?.is_some_and(|row| row.paid.amount > 0 && row.received.amount > 0))
    }

    /// A source begins.
    fn start(&mut self, start: &Start) {
        if !self.known.has(start.account) {
            self.known.set(start.account);
            self.found.push(start.account, start.time, None);
        }
        if !self.options.sinks.contains(start.account) {
            self.pays.set(start.account);
            self.fresh.clear(start.account);
        }
    }

    /// The payment at `position`, at `time`, reaches an account.
    fn reach(&mut self, account: u32, position: u64, time: i64) -> Result<()> {
        self.known.set(account);
        self.found.push(account, time, Some(TxId(position)));
        self.moment = time;
        if self.options.ties == Ties::Strict {
            self.wait_until = self.moments.after(position, self.end, self.rows)?;
        }
        if self.options.sinks.contains(account) {
            return Ok(());
        }
        match self.options.ties {
            Ties::Order => self.pays.set(account),
            Ties::Strict => self.waiting.push(account),
        }
        Ok(())
    }

    /// Lets accounts pay that were reached before the moment of `position`.
    #[inline]
    fn admit(&mut self, position: u64) {
        if !self.waiting.is_empty() && position >= self.wait_until {
            for account in self.waiting.drain(..) {
                self.pays.set(account);
            }
        }
    }
}
