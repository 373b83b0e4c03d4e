//! How much: one pass over all payments under the haircut rule, with a single owner of all tainted money.
//!
//! On the way it marks whom the first 64 cases reach: their marks stand where the money of an account does, so that is
//! nearly free. What a pool holds is never more than its opening and all it received, so one checked sum per receipt
//! guards all others. Rows without a fee, a conversion or a failure, in a store that says so, go through a
//! loop of their own that asks for none of them.

use super::super::policy::Opening;
use super::super::pool::lot::{mul_div, too_much};
use super::super::source::Start;
use super::super::walk::marks::Marks;
use super::contact::{CASES_PER_PASS, Firsts};
use super::lines::{Column, Lines, lines};
use super::pools::Pools;
use super::{ExposedAmounts, ExposureBooks, Pass, Role};
use crate::error::{Error, Result};
use crate::ids::{AccountId, CurrencyId};
use crate::store::prefetch;
use crate::units::Ties;

/// Rows between asking for the pools of a row and using them: they are anywhere in memory.
const AHEAD: usize = 16;

/// A transaction that did not fail.
#[derive(Clone, Copy)]
struct Line {
    source: u32,
    destination: u32,
    time: i64,
    paid: i64,
    paid_currency: u16,
    received: i64,
    received_currency: u16,
}

impl Lines<'_> {
    #[inline]
    fn line(&self, row: usize) -> Line {
        let (paid, paid_currency) = (self.paid[row], self.paid_currency.get(row));
        let (received, received_currency) = match &self.received {
            Some((amounts, currencies)) => (amounts[row], currencies.get(row)),
            None => (paid, paid_currency),
        };
        let (source, destination) = (self.source[row], self.destination[row]);
        let time = self.time[row];
        Line { source, destination, time, paid, paid_currency, received, received_currency }
    }
}

/// What the pass found.
pub(super) struct Played {
    pub(super) amounts: ExposedAmounts,
    pub(super) books: Vec<ExposureBooks>,
    /// Of the first 64 cases.
    pub(super) contacts: Firsts,
}

/// Plays all payments: what every pool has to do with the sources, the books, and whom the first cases reach.
pub(super) fn flow(pass: &Pass<'_, '_>) -> Result<Played> {
    let graph = pass.view.graph();
    let num_accounts = graph.num_accounts();
    let num_currencies = graph.manifest().schema.currencies.len();
    let mut flow = Flow {
        pass,
        pools: Pools::new(num_accounts)?,
        openings: Vec::new(),
        outside: pass.view.accounts().map(|_| Marks::outside(pass.view.accounts(), num_accounts)),
        strict: pass.options.ties == Ties::Strict,
        waiting: Vec::new(),
        found: Firsts::new(num_accounts)?,
        waiting_cases: Vec::new(),
        moment: i64::MIN,
        books: (0..num_currencies).map(|currency| ExposureBooks::new(CurrencyId(currency as u16))).collect(),
    };
    match pass.options.opening {
        Opening::JustInTime => {}
        Opening::Minimal => flow.open_minimal()?,
        Opening::Given => flow.open_given()?,
    }
    pass.options.sinks.iter().for_each(|sink| flow.pools.set_role(sink, Role::Sink));
    flow.play()?;
    flow.close()
}

struct Flow<'a, 'g> {
    pass: &'a Pass<'a, 'g>,
    pools: Pools,
    /// What pools held at first, by place, and part of `received` until the end; empty where that is nothing.
    openings: Vec<i64>,
    /// Accounts that are not in the view, if there can be any.
    outside: Option<Marks>,
    strict: bool,
    /// Strict ties: what came in at `moment`, by pool: all of it, and the tainted part.
    waiting: Vec<(usize, i64, i64)>,
    /// Whom the first 64 cases reach.
    found: Firsts,
    /// Strict ties: the cases that reached accounts at `moment`.
    waiting_cases: Vec<(u32, u64)>,
    moment: i64,
    /// By currency.
    books: Vec<ExposureBooks>,
}

impl Flow<'_, '_> {
    /// Gives every pool the least it needs never to run short.
    fn open_minimal(&mut self) -> Result<()> {
        let Pass { view, rows, run, .. } = *self.pass;
        let positions = view.positions();
        // For once `clean` is the balance, owed or not, and the tainted money held the least it was.
        for lines in lines(view, rows, positions.start.0..positions.end.0) {
            run.check()?;
            let lines = lines?;
            for row in 0..lines.len() {
                let Some(line) = self.happens(&lines, row) else { continue };
                self.tick(line.time);
                let place = self.pools.of(line.source, line.paid_currency)?;
                let (pool, least) = self.pools.at(place);
                pool.clean = pool.clean.checked_sub(line.paid).ok_or_else(|| owed(pool.clean, line.paid))?;
                least.held = least.held.min(pool.clean);
                let place = self.pools.of(line.destination, line.received_currency)?;
                let (pool, taint) = self.pools.at(place);
                pool.note(line.received)?;
                if self.strict {
                    self.waiting.push((place, line.received, 0));
                } else {
                    pool.deposit(taint, line.received, 0);
                }
            }
            run.advance(lines.len() as u64);
        }
        self.waiting.clear();
        self.moment = i64::MIN;
        for place in 0..self.pools.len() {
            let (pool, least) = self.pools.at(place);
            let least = std::mem::take(&mut least.held);
            pool.clean = least.checked_neg().ok_or_else(|| owed(least, 0))?;
        }
        self.note_openings();
        Ok(())
    }

    /// Gives every pool what the table says.
    fn open_given(&mut self) -> Result<()> {
        let num_currencies = self.books.len();
        for stated in self.pass.options.balances.rows() {
            if stated.time.is_none() && stated.amount > 0 && stated.currency.index() < num_currencies {
                let place = self.pools.of(stated.account.0, stated.currency.0)?;
                self.pools.at(place).0.clean = stated.amount;
            }
        }
        self.note_openings();
        Ok(())
    }

    /// What is held later is at most this and all that is received, so it counts as received until the end.
    fn note_openings(&mut self) {
        for place in 0..self.pools.len() {
            let (pool, _) = self.pools.at(place);
            pool.received = pool.clean;
            self.openings.push(pool.clean);
        }
    }

    fn play(&mut self) -> Result<()> {
        let pass = self.pass;
        let mut from = pass.view.positions().start.0;
        for start in pass.starts {
            self.play_rows(from, start.position)?;
            from = from.max(start.position);
            let Start { account, case, .. } = *start;
            self.pools.set_role(account, Role::Source);
            if case < CASES_PER_PASS {
                self.found.start(start);
                *self.pools.cases(account) |= 1 << case;
            }
        }
        self.play_rows(from, pass.end)
    }

    fn play_rows(&mut self, from: u64, to: u64) -> Result<()> {
        let Pass { view, rows, run, end, .. } = *self.pass;
        for lines in lines(view, rows, from..to.min(end)) {
            run.check()?;
            let lines = lines?;
            let plain =
                lines.received.is_none() && lines.none_failed() && !self.strict && self.outside.is_none();
            match (&lines.paid_currency, plain) {
                (Column::One(currency), true) => self.play_plain(&lines, *currency)?,
                _ => self.play_lines(&lines)?,
            }
            run.advance(lines.len() as u64);
        }
        Ok(())
    }

    /// All rows happen, in one currency, and hand over what they pay.
    fn play_plain(&mut self, lines: &Lines<'_>, currency: u16) -> Result<()> {
        let mut row = 0;
        while row < lines.len() {
            row = self.play_firsts(lines, currency, row)?;
            if row < lines.len() {
                self.pay(&lines.line(row), lines.start + row as u64)?;
                row += 1;
            }
        }
        Ok(())
    }

    /// Plays rows from `begin` on, as [`pay`](Self::pay) would, up to one that needs another pool than the first of an account; returns it,
    /// or the end.
    fn play_firsts(&mut self, lines: &Lines<'_>, currency: u16, begin: usize) -> Result<usize> {
        let Flow { pools, books, found, .. } = self;
        let (pools, taints) = pools.firsts();
        let tainted_by_sources = &mut books[usize::from(currency)].tainted;
        for row in begin..lines.len() {
            if let (Some(&source), Some(&destination)) =
                (lines.source.get(row + AHEAD), lines.destination.get(row + AHEAD))
            {
                prefetch(&pools[source as usize]);
                prefetch(&pools[destination as usize]);
            }
            let (source, destination) = (lines.source[row] as usize, lines.destination[row] as usize);
            let amount = lines.paid[row];
            if !(pools[source].serves(currency) && pools[destination].serves(currency)) {
                return Ok(row);
            }
            let from = &mut pools[source];
            let (role, cases) = (from.role(), from.cases);
            let tainted = match role {
                Role::Other => from.draw(&mut taints[source], amount).1,
                Role::Sink => 0,
                Role::Source => {
                    *tainted_by_sources += i128::from(amount);
                    amount
                }
            };
            let to = &mut pools[destination];
            to.note(amount)?;
            to.deposit(&mut taints[destination], amount, tainted);
            if tainted > 0 {
                taints[destination].note(tainted, lines.time[row]);
            }
            let new = cases & !to.cases;
            if new != 0 && amount > 0 && role != Role::Sink {
                found.payment(lines.destination[row], lines.start + row as u64, lines.time[row]);
                to.cases |= new;
            }
        }
        Ok(lines.len())
    }

    fn play_lines(&mut self, lines: &Lines<'_>) -> Result<()> {
        for row in 0..lines.len() {
            if let (Some(&source), Some(&destination)) =
                (lines.source.get(row + AHEAD), lines.destination.get(row + AHEAD))
            {
                self.pools.prefetch(source);
                self.pools.prefetch(destination);
            }
            if let Some(line) = self.happens(lines, row) {
                self.tick(line.time);
                self.pay(&line, lines.start + row as u64)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn happens(&self, lines: &Lines<'_>, row: usize) -> Option<Line> {
        if lines.failed(row) {
            return None;
        }
        let line = lines.line(row);
        let outside = |marks: &Marks| marks.has(line.source) || marks.has(line.destination);
        if self.outside.as_ref().is_some_and(outside) { None } else { Some(line) }
    }

    /// Lets in what came before `time`.
    #[inline]
    fn tick(&mut self, time: i64) {
        if self.strict && time != self.moment {
            self.moment = time;
            self.admit();
        }
    }

    fn admit(&mut self) {
        for (place, amount, tainted) in self.waiting.drain(..) {
            let (pool, taint) = self.pools.at(place);
            pool.deposit(taint, amount, tainted);
        }
        for (account, cases) in self.waiting_cases.drain(..) {
            *self.pools.cases(account) |= cases;
        }
    }

    /// Plays the payment at `position`.
    #[inline]
    fn pay(&mut self, line: &Line, position: u64) -> Result<()> {
        let from = self.pools.of(line.source, line.paid_currency)?;
        let (pool, taint) = self.pools.at(from);
        let role = pool.role();
        let tainted = match role {
            Role::Other if line.paid > 0 => {
                let (clean, tainted) = pool.draw(taint, line.paid);
                if tainted > 0 { self.hand_on(line, clean, tainted) } else { 0 }
            }
            Role::Source if line.paid > 0 => {
                self.books[usize::from(line.received_currency)].tainted += i128::from(line.received);
                line.received
            }
            _ => 0,
        };
        let to = self.pools.of(line.destination, line.received_currency)?;
        let (pool, taint) = self.pools.at(to);
        pool.note(line.received)?;
        if tainted > 0 {
            taint.note(tainted, line.time);
        }
        if self.strict {
            self.waiting.push((to, line.received, tainted));
        } else {
            pool.deposit(taint, line.received, tainted);
        }
        let new = *self.pools.cases(line.source) & !*self.pools.cases(line.destination);
        if new != 0 && line.paid > 0 && line.received > 0 && role != Role::Sink {
            self.found.payment(line.destination, position, line.time);
            if self.strict {
                self.waiting_cases.push((line.destination, new));
            } else {
                *self.pools.cases(line.destination) |= new;
            }
        }
        Ok(())
    }

    /// Scales what was drawn to what is received, and books the difference; returns the tainted units that arrive.
    #[inline]
    fn hand_on(&mut self, line: &Line, clean: i64, tainted: i64) -> i64 {
        let arrived = if line.paid == line.received {
            tainted
        } else {
            let reached = |drawn: i64| mul_div(drawn, line.received, line.paid).0;
            reached(clean + tainted) - reached(clean)
        };
        let (out, into) = (usize::from(line.paid_currency), usize::from(line.received_currency));
        if out == into {
            self.books[out].fees += i128::from(tainted) - i128::from(arrived);
        } else {
            self.books[out].converted_out += i128::from(tainted);
            self.books[into].converted_in += i128::from(arrived);
        }
        arrived
    }

    /// Gathers what pools hold and proves the books.
    fn close(mut self) -> Result<Played> {
        self.admit();
        let mut amounts = ExposedAmounts::default();
        let mut reached: Vec<(u16, usize)> = Vec::new();
        for account in 0..self.pass.view.graph().num_accounts() {
            reached.clear();
            let tainted = self.pools.places(account).filter(|(_, _, taint)| taint.received > 0);
            reached.extend(tainted.filter_map(|(place, pool, _)| Some((pool.currency()?, place))));
            reached.sort_unstable();
            for &(currency, place) in &reached {
                let (pool, taint) = self.pools.at(place);
                let books = &mut self.books[usize::from(currency)];
                let kept = match pool.role() {
                    Role::Other => &mut books.held,
                    Role::Source => &mut books.returned,
                    Role::Sink => &mut books.at_sinks,
                };
                *kept += i128::from(taint.held);
                amounts.account.push(AccountId(account));
                amounts.currency.push(CurrencyId(currency));
                amounts.role.push(pool.role());
                amounts.tainted_received.push(taint.received);
                amounts.tainted_paid.push(taint.received - taint.held);
                amounts.tainted_held.push(taint.held);
                let opening = self.openings.get(place).copied().unwrap_or_default();
                amounts.received.push(pool.received - opening);
                amounts.first_receipt.push(taint.first);
                amounts.last_receipt.push(taint.last);
            }
        }
        self.books.retain(|books| *books != ExposureBooks::new(books.currency));
        if let Some(books) = self.books.iter().find(|books| !books.balances()) {
            return Err(Error::Unproved(format!("exposure does not conserve money: {books:?}")));
        }
        let Flow { mut pools, found: mut contacts, books, .. } = self;
        contacts.count(|account| *pools.cases(account));
        Ok(Played { amounts, books, contacts })
    }
}

/// The error for an opening over what a pool can hold.
#[cold]
fn owed(balance: i64, paid: i64) -> Error {
    too_much(i128::from(paid) - i128::from(balance))
}
