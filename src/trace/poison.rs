//! Poison: every payment of an account after its first contact with money of a case is tainted in full.
//!
//! Nothing is conserved: one stolen unit taints whatever its holders ever pay. The result says who was exposed and
//! by which payments, and bounds what any other policy can find from above; its amounts are those of whole payments
//! and say nothing about how much of a case's money was in them.
//!
//! # Method
//! Events in order, as under the other policies, but an account is only a hop count: its fewest payments from a
//! seed so far. A case begins with the *index*: when an account is first able to pass taint on, all it pays from then on goes on the
//! calendar. Once that costs more than looking at every row of the rest of the window would, the case goes on
//! as a *scan* of the source column from where it stands. Both do the same for every tainted payment.
//!
//! # Cost
//! O(1) per payment of an exposed account; the scan adds a nanosecond per row. Memory: a word and two bits per account, and
//! a bit per position. Cases run in parallel; they do not know of each other.
//!
//! # Choices
//! A payment that hands over nothing for something is tainted but exposes nobody; a payment of 0 carries nothing. A
//! seed's transaction belongs to the seed: it has hop 0 and the seed's amount, whatever its source paid before.
//! Taint is one for all currencies of an account: who converts stays exposed.
//!
//! # Source
//! `docs/tracing.md`, policy `poison`. Möser, Böhme, Breuker: Towards risk scoring of Bitcoin transactions, FC 2014.

use super::policy::TraceOptions;
use super::result::Flows;
use super::seed::{Arrival, Claim, Plan, Seed, plan};
use super::walk::calendar::Calendar;
use super::walk::chunk::{Moments, chunks, end_position};
use super::walk::cursor::NEVER;
use super::walk::marks::Marks;
use super::walk::meter::Meter;
use super::walk::rows::Rows;
use crate::error::Result;
use crate::graph::View;
use crate::ids::{AccountId, TxId};
use crate::run::Run;
use crate::units::Ties;
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};
use std::sync::Mutex;

/// What an event on the calendar costs, in rows of a scan.
const EVENT_ROWS: u64 = 16;
/// What finding the payments of an account costs, in rows of a scan.
const ACCOUNT_ROWS: u64 = 300;
/// The index may cost one part in so many of what a scan of the rest would, before the scan takes over.
const INDEX_SHARE: u64 = 2;

/// Who was exposed, and by which payments, under [`poison`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contacts {
    /// Tainted payments, by (case, transaction). Amounts are those of whole payments.
    pub flows: Flows,
    /// Case of a contact; contacts are sorted by case, and by the order in which they happened.
    pub case: Vec<u32>,
    /// The account; at most once per case.
    pub account: Vec<AccountId>,
    /// When it was first exposed, microseconds since 1970 UTC.
    pub time: Vec<i64>,
    /// The transaction that exposed it; none for a deposit or balance seed.
    pub transaction: Vec<Option<TxId>>,
    /// The hop of that transaction: fewest payments from a seed to it; 0 for a seed.
    pub hop: Vec<u32>,
}

impl Contacts {
    /// Number of contacts.
    pub fn len(&self) -> usize {
        self.account.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.account.is_empty()
    }

    fn append(&mut self, case: u32, mut other: Contacts) {
        self.flows.case.resize(self.flows.len() + other.flows.transaction.len(), case);
        self.flows.transaction.append(&mut other.flows.transaction);
        self.flows.tainted_paid.append(&mut other.flows.tainted_paid);
        self.flows.tainted_received.append(&mut other.flows.tainted_received);
        self.flows.hop.append(&mut other.flows.hop);
        self.case.resize(self.case.len() + other.account.len(), case);
        self.account.append(&mut other.account);
        self.time.append(&mut other.time);
        self.transaction.append(&mut other.transaction);
        self.hop.append(&mut other.hop);
    }
}

/// Finds whom the money of `seeds` could have touched: everything that an account pays after first contact is tainted
/// in full.
///
/// Each case is followed alone, in parallel, so cases do not compete; a deposit or balance seed exposes its account after its time; of `options` only
/// `until`, `ties`, `sinks` and `max_hops` play a part. Nothing outside of `view` exists.
///
/// The result is exposure and never an amount of money: the sum of tainted payments grows with every account
/// that passes money on, and exceeds what was seeded by any factor.
///
/// # Errors
/// As [`downstream`](super::downstream): [`Error::Input`](crate::Error::Input) names the seed that is not possible, or the transaction with
/// a negative amount; [`Error::Option`](crate::Error::Option) an option out of its range.
///
/// # Examples
/// ```no_run
/// use ringfence::Run;
/// use ringfence::graph::Graph;
/// use ringfence::store::Io;
/// use ringfence::trace::{Seed, SeedKind, TraceOptions, poison};
///
/// let graph = Graph::open("payments.ring".as_ref(), Io::Mmap)?;
/// let transaction = graph.find_transaction("T2")?.expect("a known transaction");
/// let seeds = [Seed { case: 0, kind: SeedKind::Transaction { transaction, amount: None } }];
/// let contacts = poison(&graph.view(), 1, &seeds, &TraceOptions::default(), &Run::new())?;
/// println!("{} accounts are exposed", contacts.len());
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn poison(
    view: &View<'_>,
    num_cases: u32,
    seeds: &[Seed],
    options: &TraceOptions,
    run: &Run,
) -> Result<Contacts> {
    options.check(view.graph().num_accounts())?;
    run.check()?;
    let TraceOptions { ties, until, ref sinks, joint, .. } = *options;
    // No rates: whole payments are tainted, in their own currencies.
    let of_poison = TraceOptions { ties, until, sinks: sinks.clone(), joint, ..TraceOptions::default() };
    let plans = plan(view, num_cases, seeds, &of_poison)?.by_case();
    let rows = Rows::new(view, None);
    let end = end_position(view, options.until)?;
    run.stage("poison", 0);
    let spare = Mutex::new(Vec::new());
    let alone = |(case, plan): &(u32, Plan)| {
        let taken = spare.lock().ok().and_then(|mut spare| spare.pop());
        let num_accounts = view.graph().num_accounts();
        let mut spread = Spread {
            view,
            rows: &rows,
            options,
            end,
            base: view.positions().start.0,
            hops: taken.unwrap_or_else(|| vec![0; num_accounts as usize]),
            exposed: Marks::new(num_accounts),
            pays: Marks::new(num_accounts),
            waiting: Vec::new(),
            wait_until: NEVER,
            moments: Moments::default(),
            calendar: Some(Calendar::new(end.saturating_sub(view.positions().start.0))),
            spent: 0,
            found: Contacts::default(),
            run,
            meter: Meter::new(run),
        };
        spread.play(plan)?;
        let Spread { mut hops, found, meter, .. } = spread;
        meter.finish();
        found.account.iter().for_each(|account| hops[account.index()] = 0);
        if let Ok(mut spare) = spare.lock() {
            spare.push(hops);
        }
        Ok((*case, found))
    };
    let parts: Vec<Result<(u32, Contacts)>> = run.install(|| plans.par_iter().map(alone).collect());
    let mut all = Contacts::default();
    for part in parts {
        let (case, found) = part?;
        all.append(case, found);
    }
    Ok(all)
}

/// One case on its way.
struct Spread<'a, 'g> {
    view: &'a View<'g>,
    rows: &'a Rows<'g>,
    options: &'a TraceOptions,
    /// First position that does not happen.
    end: u64,
    /// First position of the view; the calendar counts from there.
    base: u64,
    /// By account, one more than its fewest payments from a seed so far; 0 where it cannot pass on anything yet.
    hops: Vec<u32>,
    exposed: Marks,
    /// Accounts whose payments are tainted.
    pays: Marks,
    /// Strict ties: what accounts received at the moment that ends before `wait_until`.
    waiting: Vec<(u32, u32)>,
    wait_until: u64,
    moments: Moments,
    /// Payments of accounts in `pays`; none once the scan has taken over.
    calendar: Option<Calendar>,
    /// What the index has cost so far, in rows of a scan.
    spent: u64,
    found: Contacts,
    run: &'a Run,
    meter: Meter<'a>,
}

impl Spread<'_, '_> {
    fn play(&mut self, plan: &Plan) -> Result<()> {
        let (mut claims, mut deposits) = (&plan.claims[..], &plan.arrivals[..]);
        let mut from = self.base;
        loop {
            let seeded = claims.first().map_or(NEVER, |claim| claim.position);
            let deposited = deposits.first().map_or(NEVER, |deposit| deposit.position);
            let seeded = seeded.min(deposited);
            self.play_until(from.min(seeded), seeded.min(self.end))?;
            if seeded == NEVER {
                return Ok(());
            }
            self.admit(seeded)?;
            if deposited == seeded {
                self.deposit(&deposits[0])?;
                deposits = &deposits[1..];
                from = seeded;
                continue;
            }
            let (here, later) = claims.split_at(claims.partition_point(|claim| claim.position == seeded));
            claims = later;
            self.seed(here)?;
            from = seeded + 1;
        }
    }

    /// Plays the tainted payments at positions `from..to`.
    fn play_until(&mut self, from: u64, to: u64) -> Result<()> {
        let mut from = from;
        while let Some(calendar) = &mut self.calendar {
            let due = calendar.first().map_or(NEVER, |due| due + self.base);
            if !self.waiting.is_empty() && self.wait_until <= due && self.wait_until < to {
                self.admit(self.wait_until)?;
                continue;
            }
            if due >= to {
                return Ok(());
            }
            if self.spent > self.end.saturating_sub(due) / INDEX_SHARE {
                self.calendar = None;
                from = due;
                break;
            }
            calendar.remove(due - self.base);
            self.spent += EVENT_ROWS;
            self.meter.event()?;
            self.pay(due)?;
        }
        let (view, rows) = (self.view, self.rows);
        for chunk in chunks(view, rows, from..to) {
            self.run.check()?;
            let chunk = chunk?;
            let mut at = 0;
            while at < chunk.source.len() {
                self.admit(chunk.start + at as u64)?;
                let stop = match self.waiting.is_empty() {
                    true => chunk.source.len(),
                    false => chunk.source.len().min((self.wait_until - chunk.start) as usize),
                };
                at = self.scan_rows(chunk.start, &chunk.source[..stop], at)?;
            }
        }
        Ok(())
    }

    /// Plays the tainted payments among the rows of a chunk from `at` on; returns where to go on if an account begins to wait.
    #[inline]
    fn scan_rows(&mut self, start: u64, source: &[u32], at: usize) -> Result<usize> {
        let none_waits = self.waiting.is_empty();
        for (row, &source) in source.iter().enumerate().skip(at) {
            if self.pays.has(source) {
                self.meter.event()?;
                self.pay(start + row as u64)?;
                if none_waits && !self.waiting.is_empty() {
                    return Ok(row + 1);
                }
            }
        }
        Ok(source.len())
    }

    /// A payment of an account whose payments are tainted.
    fn pay(&mut self, position: u64) -> Result<()> {
        let Some(row) = self.rows.read(position)? else { return Ok(()) };
        if row.paid.amount == 0 || !self.view.contains(AccountId(row.destination)) {
            return Ok(());
        }
        let hop = self.hops[row.source as usize];
        if hop == 0 {
            let detail = "is listed among the payments of another account";
            return Err(self.rows.damaged(position, detail));
        }
        self.flow(position, row.paid.amount, row.received.amount, hop);
        if row.received.amount > 0 {
            self.touch(row.destination, hop, position)?;
        }
        Ok(())
    }

    fn flow(&mut self, position: u64, paid: i64, received: i64, hop: u32) {
        let flows = &mut self.found.flows;
        flows.transaction.push(TxId(position));
        flows.tainted_paid.push(paid);
        flows.tainted_received.push(received);
        flows.hop.push(hop);
    }

    /// A seed transaction with its claims.
    fn seed(&mut self, claims: &[Claim]) -> Result<()> {
        let position = claims[0].position;
        if let Some(calendar) = &mut self.calendar {
            calendar.remove(position - self.base);
        }
        self.flow(position, 0, claims.iter().map(|claim| claim.amount).sum(), 0);
        let (_, destination) = self.rows.ends(position)?;
        self.touch(destination, 0, position)
    }

    fn deposit(&mut self, deposit: &Arrival) -> Result<()> {
        self.expose(deposit.account, 0, deposit.time, None);
        self.pass_on(deposit.account, 0, deposit.position)
    }

    /// The transaction at `position` brings taint that `hop` payments have moved.
    fn touch(&mut self, account: u32, hop: u32, position: u64) -> Result<()> {
        if !self.exposed.has(account) {
            let time = self.rows.time(position)?;
            self.expose(account, hop, time, Some(TxId(position)));
        }
        if self.hops[account as usize].wrapping_sub(1) <= hop {
            return Ok(());
        }
        match self.options.ties {
            Ties::Order => self.pass_on(account, hop, position + 1),
            Ties::Strict => {
                self.wait_until = self.moments.after(position, self.end, self.rows)?;
                self.waiting.push((account, hop));
                Ok(())
            }
        }
    }

    fn expose(&mut self, account: u32, hop: u32, time: i64, transaction: Option<TxId>) {
        if self.exposed.has(account) {
            return;
        }
        self.exposed.set(account);
        self.found.account.push(AccountId(account));
        self.found.time.push(time);
        self.found.transaction.push(transaction);
        self.found.hop.push(hop);
    }

    /// What the account pays from `position` on is tainted, with one hop more than `hop` at most.
    fn pass_on(&mut self, account: u32, hop: u32, position: u64) -> Result<()> {
        let known = &mut self.hops[account as usize];
        if known.wrapping_sub(1) <= hop || self.options.sinks.contains(account) {
            return Ok(());
        }
        *known = hop + 1;
        if self.options.max_hops.is_some_and(|most| hop >= most) {
            return Ok(());
        }
        if self.pays.has(account) {
            return Ok(());
        }
        self.pays.set(account);
        let Some(calendar) = &mut self.calendar else { return Ok(()) };
        self.spent += ACCOUNT_ROWS;
        for slice in self.view.out(AccountId(account)) {
            let slice = slice?;
            let local = |position: u64| position.saturating_sub(slice.base.0).min(u32::MAX.into()) as u32;
            let (first, last) = (local(position), local(self.end));
            let begin = slice.transactions.partition_point(|&row| row < first);
            let end = slice.transactions.partition_point(|&row| row < last);
            for &row in slice.transactions.get(begin..end).unwrap_or_default() {
                calendar.add(slice.base.0 + u64::from(row) - self.base);
            }
            self.spent += (end.saturating_sub(begin)) as u64;
        }
        Ok(())
    }

    /// Lets accounts pass on what they received before the moment of `position`.
    #[inline]
    fn admit(&mut self, position: u64) -> Result<()> {
        if self.waiting.is_empty() || position < self.wait_until {
            return Ok(());
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        for (account, hop) in waiting.drain(..) {
            self.pass_on(account, hop, self.wait_until)?;
        }
        self.waiting = waiting;
        Ok(())
    }
}
