//! How much: one pass over all payments under the haircut rule, with a single owner of all tainted money.
//!
//! What a pool holds is never more than its opening and all it received, so one checked sum per receipt
//! guards all others. Rows without a fee, a conversion or a failure, in a store that says so, go through a
//! loop of their own that asks for none of them.

use super::super::policy::{Opening, Ties};
use super::super::pool::lot::{mul_div, too_much};
use super::super::source::Start;
use super::super::walk::marks::Marks;
use super::lines::{Column, Lines, lines};
use super::pools::Pools;
use super::{ExposedAmounts, ExposureBooks, Pass, Role};
use crate::error::{Error, Result};
use crate::ids::{AccountId, CurrencyId};

/// Rows between asking for the pools of a row and using them: they are anywhere in memory.
const AHEAD: usize = 16;

/// A transaction that did not fail.
#[derive(Clone, Copy)]
struct Line {
    source: u32,
    destination: u32,
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
        Line { source, destination, paid, paid_currency, received, received_currency }
    }
}

/// Plays all payments; what every pool has to do with the sources, and the books.
pub(super) fn flow(pass: &Pass<'_, '_>) -> Result<(ExposedAmounts, Vec<ExposureBooks>)> {
    let graph = pass.view.graph();
    let num_accounts = graph.num_accounts();
    let num_currencies = graph.manifest().schema.currencies.len();
    let mut flow = Flow {
        pass,
        pools: Pools::new(num_accounts),
        openings: Vec::new(),
        outside: pass.view.accounts().map(|_| Marks::outside(pass.view.accounts(), num_accounts)),
        strict: pass.options.ties == Ties::Strict,
        waiting: Vec::new(),
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
    moment: i64,
    /// By currency.
    books: Vec<ExposureBooks>,
}

impl Flow<'_, '_> {
    /// Gives every pool the least it needs never to run short.
    fn open_minimal(&mut self) -> Result<()> {
        let Pass { view, rows, run, .. } = *self.pass;
        let positions = view.positions();
        // For once `clean` is the balance, owed or not, and `tainted` the least it was.
        for lines in lines(view, rows, positions.start.0..positions.end.0) {
            run.check()?;
            let lines = lines?;
            for row in 0..lines.len() {
                let Some(line) = self.happens(&lines, row) else { continue };
                self.tick(lines.time[row]);
                let place = self.pools.of(line.source, line.paid_currency)?;
                let pool = self.pools.at(place);
                pool.clean = pool.clean.checked_sub(line.paid).ok_or_else(|| owed(pool.clean, line.paid))?;
                pool.tainted = pool.tainted.min(pool.clean);
                let place = self.pools.of(line.destination, line.received_currency)?;
                let pool = self.pools.at(place);
                pool.note(line.received, 0, 0)?;
                if self.strict {
                    self.waiting.push((place, line.received, 0));
                } else {
                    pool.deposit(line.received, 0);
                }
            }
            run.advance(lines.len() as u64);
        }
        self.waiting.clear();
        self.moment = i64::MIN;
        for pool in self.pools.all() {
            pool.clean = pool.tainted.checked_neg().ok_or_else(|| owed(pool.tainted, 0))?;
            pool.tainted = 0;
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
                self.pools.at(place).clean = stated.amount;
            }
        }
        self.note_openings();
        Ok(())
    }

    /// What is held later is at most this and all that is received, so it counts as received until the end.
    fn note_openings(&mut self) {
        for pool in self.pools.all() {
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
            let Start { account, .. } = *start;
            self.pools.set_role(account, Role::Source);
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
        let ends = lines.source.iter().zip(lines.destination);
        for (row, ((&source, &destination), &amount)) in ends.zip(lines.paid).enumerate() {
            if let (Some(&source), Some(&destination)) =
                (lines.source.get(row + AHEAD), lines.destination.get(row + AHEAD))
            {
                self.pools.prefetch(source);
                self.pools.prefetch(destination);
            }
            let from = self.pools.of(source, currency)?;
            let pool = self.pools.at(from);
            let tainted = match pool.role {
                Role::Other => pool.draw(amount).1,
                Role::Sink => 0,
                Role::Source => {
                    self.books[usize::from(currency)].tainted += i128::from(amount);
                    amount
                }
            };
            let to = self.pools.of(destination, currency)?;
            let pool = self.pools.at(to);
            pool.note(amount, tainted, lines.time[row])?;
            pool.deposit(amount, tainted);
        }
        Ok(())
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
                let time = lines.time[row];
                self.tick(time);
                self.pay(&line, time)?;
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
            self.pools.at(place).deposit(amount, tainted);
        }
    }

    #[inline]
    fn pay(&mut self, line: &Line, time: i64) -> Result<()> {
        let from = self.pools.of(line.source, line.paid_currency)?;
        let pool = self.pools.at(from);
        let tainted = match pool.role {
            Role::Other if line.paid > 0 => {
                let (clean, tainted) = pool.draw(line.paid);
                if tainted > 0 { self.hand_on(line, clean, tainted) } else { 0 }
            }
            Role::Source if line.paid > 0 => {
                self.books[usize::from(line.received_currency)].tainted += i128::from(line.received);
                line.received
            }
            _ => 0,
        };
        let to = self.pools.of(line.destination, line.received_currency)?;
        let pool = self.pools.at(to);
        pool.note(line.received, tainted, time)?;
        if self.strict {
            self.waiting.push((to, line.received, tainted));
        } else {
            pool.deposit(line.received, tainted);
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
    fn close(mut self) -> Result<(ExposedAmounts, Vec<ExposureBooks>)> {
        self.admit();
        let mut found: Vec<(u32, u16, usize)> = Vec::new();
        let mut all = Vec::new();
        self.pools.for_each(|account, place, pool| {
            if let Some(currency) = pool.currency().filter(|_| pool.tainted_received > 0) {
                found.push((account, currency, all.len()));
                let opening = self.openings.get(place).copied().unwrap_or_default();
                let mut pool = *pool;
                pool.received -= opening;
                all.push(pool);
            }
        });
        found.sort_unstable();
        let mut amounts = ExposedAmounts::default();
        for (account, currency, at) in found {
            let pool = &all[at];
            let books = &mut self.books[usize::from(currency)];
            let place = match pool.role {
                Role::Other => &mut books.held,
                Role::Source => &mut books.returned,
                Role::Sink => &mut books.at_sinks,
            };
            *place += i128::from(pool.tainted);
            amounts.account.push(AccountId(account));
            amounts.currency.push(CurrencyId(currency));
            amounts.role.push(pool.role);
            amounts.tainted_received.push(pool.tainted_received);
            amounts.tainted_paid.push(pool.tainted_received - pool.tainted);
            amounts.tainted_held.push(pool.tainted);
            amounts.received.push(pool.received);
            amounts.first_receipt.push(pool.first);
            amounts.last_receipt.push(pool.last);
        }
        self.books.retain(|books| *books != ExposureBooks::new(books.currency));
        if let Some(books) = self.books.iter().find(|books| !books.balances()) {
            return Err(Error::Unproved(format!("exposure does not conserve money: {books:?}")));
        }
        Ok((amounts, self.books))
    }
}

/// The error for an opening over what a pool can hold.
#[cold]
fn owed(balance: i64, paid: i64) -> Error {
    too_much(i128::from(paid) - i128::from(balance))
}
