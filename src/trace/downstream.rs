//! Downstream tracing: where seeded money went, under a stated policy.
//!
//! The rules are those of `docs/tracing.md`: pools of lots, one per account and
//! currency; a payment takes lots by the policy and hands them on, scaled to what
//! is received; in the total order of transactions.
//!
//! # Method
//! Only accounts that hold taint take part. A calendar holds, for each of them, the
//! position of its next transaction; the earliest is taken, played, and both ends step
//! on. Taint that reaches an account for the first time finds its clean balances by
//! running through its history up to there; an account whose taint has left drops
//! out, and runs forward again when taint comes back. So the result is the same as
//! that of a pass over all transactions, and a transaction is played once however
//! many of its ends take part.
//!
//! # Cost
//! O(e) events plus O(l) lots moved, where e counts the transactions of touched accounts
//! (each at most once per end, twice under the minimal opening). Memory: one bit per
//! transaction and 4 bytes per account of the view, touched only where taint goes,
//! plus the lots and the result.
//!
//! # Choices
//! Cases in one run share pools; `joint = false` traces each case as if it were
//! alone, in parallel. A trace is otherwise sequential: money at one account is the
//! cause of money at the next. The answer does not depend on the number of threads.
//!
//! # Source
//! Anderson, Shumailov, Ahmed, Rietmann: Bitcoin Redux, WEIS 2018 (FIFO as lots);
//! Möser, Böhme, Breuker: Towards Risk Scoring of Bitcoin Transactions, 2014 (haircut).

use super::account::Account;
use super::books::{Books, Flow};
use super::policy::{Policy, TraceOptions};
use super::pool::draft::Draft;
use super::pool::haircut::Shares;
use super::pool::lot::{Lot, Owner, Pool};
use super::pool::parts::{Part, Parts};
use super::pool::queue::{Fifo, Lifo};
use super::pool::sorted::{CleanFirst, TaintedFirst};
use super::result::{Entry, Exit, Stop, Trace};
use super::seed::{Arrival, Claim, Plan, Seed, beyond_balance, plan};
use super::walk::calendar::Calendar;
use super::walk::cursor::NEVER;
use super::walk::meter::Meter;
use super::walk::rows::{Row, Rows};
use crate::error::{Error, Result};
use crate::graph::View;
use crate::ids::{AccountId, CurrencyId};
use crate::run::Run;
use crate::units::Ties;
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Follows the money of `seeds` through the transactions of `view`.
///
/// Nothing outside of `view` exists for the trace: neither later payments nor earlier receipts. Cases are numbered
/// `0..num_cases`; their order decides between them where a rule does. Transactions marked as failed move nothing.
///
/// # Errors
/// [`Error::Input`] names the seed that is not possible, or the transaction with a negative amount;
/// [`Error::Option`] an option out of its range; [`Error::Limit`] a pool over 2^63 − 1 minor units, or more flows than
/// `flows_max`;
/// [`Error::Unproved`] if the books do not balance, which would be a bug of ours.
pub fn downstream(
    view: &View<'_>,
    num_cases: u32,
    seeds: &[Seed],
    options: &TraceOptions,
    run: &Run,
) -> Result<Trace> {
    options.check(view.graph().num_accounts())?;
    if num_cases == u32::MAX {
        return Err(Error::Limit {
            what: "cases of one trace",
            found: u64::from(num_cases),
            limit: u64::from(u32::MAX - 1),
            remedy: "trace them in several runs",
        });
    }
    run.check()?;
    let plan = plan(view, num_cases, seeds, options)?;
    run.stage("trace", 0);
    match options.policy {
        Policy::Fifo => trace::<Fifo>(view, num_cases, plan, options, run),
        Policy::Lifo => trace::<Lifo>(view, num_cases, plan, options, run),
        Policy::Haircut => trace::<Shares>(view, num_cases, plan, options, run),
        Policy::CleanFirst => trace::<CleanFirst>(view, num_cases, plan, options, run),
        Policy::TaintedFirst => trace::<TaintedFirst>(view, num_cases, plan, options, run),
    }
}

fn trace<P: Pool>(
    view: &View<'_>,
    num_cases: u32,
    plan: Plan,
    options: &TraceOptions,
    run: &Run,
) -> Result<Trace> {
    let rows = Rows::new(view, options.rates.clone());
    let scene = Scene { view, rows: &rows, options, end: end(view, options)?, run };
    if options.joint {
        return trace_plan::<P>(&scene, num_cases, &plan, &mut Scratch::new(&scene));
    }
    let plans = plan.by_case();
    let spare = Mutex::new(Vec::new());
    let num_flows = AtomicU64::new(0);
    let alone = |(case, plan): &(u32, Plan)| {
        run.check()?;
        let taken = spare.lock().ok().and_then(|mut spare| spare.pop());
        let mut scratch = taken.unwrap_or_else(|| Scratch::new(&scene));
        let mut trace = trace_plan::<P>(&scene, 1, plan, &mut scratch)?;
        let flows = trace.flows.len() as u64;
        if num_flows.fetch_add(flows, Ordering::Relaxed) + flows > options.flows_max {
            return Err(too_many_flows(options.flows_max));
        }
        if let Ok(mut spare) = spare.lock() {
            spare.push(scratch);
        }
        trace.rename_case(*case);
        Ok(trace)
    };
    let parts: Vec<Result<Trace>> = run.install(|| plans.par_iter().map(alone).collect());
    let mut all = Trace::default();
    for part in parts {
        all.append(part?);
    }
    Ok(all)
}

/// The error for a trace that would not fit into memory.
#[cold]
fn too_many_flows(limit: u64) -> Error {
    Error::Limit {
        what: "flows of one trace",
        found: limit + 1,
        limit,
        remedy: "give up small amounts by `dust`, trace a shorter time or fewer cases, or raise `flows_max`",
    }
}

/// First position that does not happen any more.
fn end(view: &View<'_>, options: &TraceOptions) -> Result<u64> {
    let end = view.positions().end.0;
    match options.until.and_then(|until| until.checked_add(1)) {
        Some(after) => Ok(view.graph().position_at(after)?.0.min(end)),
        None => Ok(end),
    }
}

fn trace_plan<P: Pool>(
    scene: &Scene<'_, '_>,
    num_cases: u32,
    plan: &Plan,
    scratch: &mut Scratch,
) -> Result<Trace> {
    let mut engine = Engine::<P> {
        scene,
        scratch,
        accounts: Vec::new(),
        books: Books::new(num_cases),
        parts: Parts::new(num_cases),
        drawn: Draft::new(),
        arriving: Draft::new(),
        meter: Meter::new(scene.run),
    };
    engine.play(plan)?;
    engine.finish()
}

/// What all cases of a trace have in common.
struct Scene<'a, 'g> {
    view: &'a View<'g>,
    rows: &'a Rows<'g>,
    options: &'a TraceOptions,
    /// First position that does not happen.
    end: u64,
    run: &'a Run,
}

/// The large working space, clean again after every trace that succeeded.
struct Scratch {
    /// First position of the view; the calendar counts from there.
    base: u64,
    calendar: Calendar,
    /// By account: [`UNSEEN`], [`SINK`], or its place in `Engine::accounts` plus [`FIRST`].
    slots: Vec<u32>,
}

const UNSEEN: u32 = 0;
const SINK: u32 = 1;
const FIRST: u32 = 2;

impl Scratch {
    fn new(scene: &Scene<'_, '_>) -> Self {
        let base = scene.view.positions().start.0;
        let mut slots = vec![UNSEEN; scene.view.graph().num_accounts() as usize];
        for sink in &scene.options.sinks {
            slots[sink as usize] = SINK;
        }
        Scratch { base, calendar: Calendar::new(scene.end.saturating_sub(base)), slots }
    }
}

/// What the transaction at a position stops, of no case and no amount yet.
fn exit(position: u64, time: i64, account: u32, currency: u16, stop: Stop) -> Exit {
    Exit {
        case: 0,
        position,
        by_transaction: true,
        time,
        account: AccountId(account),
        currency: CurrencyId(currency),
        stop,
        amount: 0,
    }
}

struct Engine<'e, 'a, 'g, P> {
    scene: &'e Scene<'a, 'g>,
    scratch: &'e mut Scratch,
    accounts: Vec<Account<'g, P>>,
    books: Books,
    parts: Parts,
    drawn: Draft,
    arriving: Draft,
    meter: Meter<'a>,
}

impl<P: Pool> Engine<'_, '_, '_, P> {
    /// Plays everything that happens, in order.
    fn play(&mut self, plan: &Plan) -> Result<()> {
        let (mut claims, mut arrivals) = (&plan.claims[..], &plan.arrivals[..]);
        loop {
            let due = self.scratch.calendar.first().map_or(NEVER, |due| due + self.scratch.base);
            let claimed = claims.first().map_or(NEVER, |claim| claim.position);
            let position = due.min(claimed);
            if let Some((arrival, later)) = arrivals.split_first()
                && arrival.position <= position
            {
                self.play_arrival(arrival)?;
                arrivals = later;
                continue;
            }
            if position == NEVER {
                return Ok(());
            }
            let (here, later) = claims.split_at(claims.partition_point(|claim| claim.position == position));
            claims = later;
            self.meter.event()?;
            self.scratch.calendar.remove(position - self.scratch.base);
            self.play_transaction(position, here)?;
            if self.books.num_flows() > self.scene.options.flows_max {
                return Err(too_many_flows(self.scene.options.flows_max));
            }
        }
    }

    fn play_arrival(&mut self, seed: &Arrival) -> Result<()> {
        let Arrival { position, case, account, currency, time, .. } = *seed;
        if seed.amount == Some(0) {
            return Ok(()); // worth nothing, under value pooling
        }
        let (id, unit) = (AccountId(account), CurrencyId(currency));
        let exit = |case, stop, amount| Exit {
            case,
            position,
            by_transaction: false,
            time,
            account: id,
            currency: unit,
            stop,
            amount,
        };
        let entry = |amount| Entry { case, position, time, account: id, currency: unit, amount };
        if let Some(amount) = seed.amount.filter(|_| self.is_sink(account)) {
            self.books.entry(entry(amount));
            self.books.exit(exit(case, Stop::Sink, amount));
            return Ok(());
        }
        let at = self.wake(account, position)?;
        let amount = match seed.amount.filter(|_| seed.is_deposit) {
            Some(amount) => {
                let lot = Lot { amount, owner: Owner::case(case), hop: 0 };
                self.accounts[at].deposit_from_outside(lot, currency, time)?;
                amount
            }
            None => {
                self.drawn.clear();
                match self.accounts[at].relabel(case, seed.amount, currency, time, &mut self.drawn)? {
                    Some(amount) => amount,
                    None => {
                        let balance = self.accounts[at].balance(currency)?;
                        return Err(beyond_balance(self.scene.view, seed, balance));
                    }
                }
            }
        };
        self.books.entry(entry(amount));
        if !seed.is_deposit {
            for lot in self.drawn.lots() {
                if let Some(case) = lot.owner.as_case() {
                    self.books.exit(exit(case, Stop::Superseded, lot.amount));
                }
            }
        }
        self.expect(at);
        Ok(())
    }

    fn play_transaction(&mut self, position: u64, claims: &[Claim]) -> Result<()> {
        let (source, destination) = match self.scene.rows.read(position)? {
            Some(row) => self.move_money(position, &row, claims)?,
            None => {
                let (source, destination) = self.scene.rows.ends(position)?;
                (self.awake(source), self.awake(destination))
            }
        };
        if claims.is_empty() && source.is_none() && destination.is_none() {
            let detail = "is listed among the transfers of an account that is neither of its ends";
            return Err(self.scene.rows.damaged(position, detail));
        }
        for at in source.into_iter().chain(destination.filter(|_| destination != source)) {
            self.accounts[at].pass(position, self.scene.view);
            self.expect(at);
        }
        Ok(())
    }

    /// Draws, relabels and deposits; returns the ends that take part.
    fn move_money(
        &mut self,
        position: u64,
        row: &Row,
        claims: &[Claim],
    ) -> Result<(Option<usize>, Option<usize>)> {
        let to_itself = row.source == row.destination;
        let source = if to_itself && !claims.is_empty() && !self.is_sink(row.source) {
            Some(self.wake(row.source, position)?)
        } else {
            self.awake(row.source)
        };
        let time = match self.scene.options.ties {
            Ties::Order => 0, // nobody asks
            Ties::Strict => self.scene.rows.time(position)?,
        };
        self.drawn.clear();
        self.arriving.clear();
        let tainted = match source {
            Some(at) => self.accounts[at].draw(row.paid, time, &mut self.drawn)?,
            None => 0,
        };
        let arrives_tainted = if !claims.is_empty() {
            self.relabel(position, row, claims)?;
            true
        } else {
            tainted > 0 && self.hand_on(position, row)
        };
        if arrives_tainted {
            return Ok((source, self.receive(position, row)?));
        }
        let destination = if to_itself { source } else { self.awake(row.destination) };
        if let Some(at) = destination {
            self.arriving.clear();
            self.arriving.take(Lot::clean(row.received.amount));
            self.accounts[at].deposit(self.arriving.lots(), row.received, time)?;
        }
        Ok((source, destination))
    }

    /// The drawn lots, scaled, are what arrives; says whether any taint does.
    fn hand_on(&mut self, position: u64, row: &Row) -> bool {
        let mut arrives_tainted = false;
        self.drawn.scale(row.paid.amount, row.received.amount, |lot, arrived| {
            let mut hop = 0;
            if let Some(case) = lot.owner.as_case() {
                hop = lot.hop.saturating_add(1);
                self.parts.add(Part { case, hop, paid: lot.amount, received: arrived });
                arrives_tainted |= arrived > 0;
            }
            self.arriving.take(Lot { amount: arrived, owner: lot.owner, hop });
        });
        self.parts.drain(|Part { case, hop, paid, received }| {
            let flow = Flow { position, case, hop, paid, received };
            self.books.flow(flow, row.paid.currency, row.received.currency);
        });
        arrives_tainted
    }

    /// The claims, and clean money behind them, are what arrives; what was drawn ends here.
    fn relabel(&mut self, position: u64, row: &Row, claims: &[Claim]) -> Result<()> {
        let time = self.scene.rows.time(position)?;
        for lot in self.drawn.lots() {
            if let Some(case) = lot.owner.as_case() {
                let exit = exit(position, time, row.source, row.paid.currency, Stop::Superseded);
                self.books.exit(Exit { case, amount: lot.amount, ..exit });
            }
        }
        let mut clean = row.received.amount;
        for &Claim { case, amount, .. } in claims {
            self.books.seed(case, row.received.currency, amount);
            self.parts.add(Part { case, hop: 0, paid: 0, received: amount });
            self.arriving.take(Lot { amount, owner: Owner::case(case), hop: 0 });
            clean -= amount;
        }
        self.arriving.take(Lot::clean(clean));
        self.parts.drain(|Part { case, hop, paid, received }| {
            self.books.seed_flow(Flow { position, case, hop, paid, received });
        });
        Ok(())
    }

    /// Deposits what arrives, taint and all; returns the account, unless it is a sink.
    fn receive(&mut self, position: u64, row: &Row) -> Result<Option<usize>> {
        let time = self.scene.rows.time(position)?;
        let exit = exit(position, time, row.destination, row.received.currency, Stop::Sink);
        if self.is_sink(row.destination) {
            for lot in self.arriving.lots() {
                if let Some(case) = lot.owner.as_case() {
                    self.books.exit(Exit { case, amount: lot.amount, ..exit });
                }
            }
            return Ok(None);
        }
        let mut received = row.received;
        let TraceOptions { dust, max_hops, .. } = *self.scene.options;
        if dust > 0 || max_hops.is_some() {
            received.amount -= self.settle(exit, dust, max_hops.unwrap_or(u32::MAX));
        }
        // Even if nothing tainted comes in, the pool gets what is left of the receipt, and not all of it.
        let at = self.wake(row.destination, position)?;
        self.accounts[at].deposit(self.arriving.lots(), received, time)?;
        Ok(Some(at))
    }

    /// Of what arrives by payment, makes pieces below `dust` clean and takes out what has moved `max_hops` times;
    /// returns how many units it took out.
    fn settle(&mut self, exit: Exit, dust: i64, max_hops: u32) -> i64 {
        let mut stopped = 0;
        std::mem::swap(&mut self.drawn, &mut self.arriving);
        self.arriving.clear();
        for piece in self.drawn.lots().chunk_by(|a, b| a.owner == b.owner) {
            let amount: i64 = piece.iter().map(|lot| lot.amount).sum();
            let Some(case) = piece[0].owner.as_case() else {
                self.arriving.take(Lot::clean(amount));
                continue;
            };
            let is_seed = piece[0].hop == 0;
            if amount < dust && !is_seed {
                self.books.exit(Exit { case, amount, stop: Stop::Dust, ..exit });
                self.arriving.take(Lot::clean(amount));
                continue;
            }
            for lot in piece {
                if lot.hop < max_hops {
                    self.arriving.take(*lot);
                } else {
                    self.books.exit(Exit { case, amount: lot.amount, stop: Stop::MaxHops, ..exit });
                    stopped += lot.amount;
                }
            }
        }
        stopped
    }

    #[inline]
    fn is_sink(&self, account: u32) -> bool {
        self.scratch.slots[account as usize] == SINK
    }

    /// The account if it holds taint.
    #[inline]
    fn awake(&self, account: u32) -> Option<usize> {
        let at = self.scratch.slots[account as usize].checked_sub(FIRST)? as usize;
        self.accounts[at].is_tainted().then_some(at)
    }

    /// The account as it stands before `position`. It is not a sink.
    fn wake(&mut self, account: u32, position: u64) -> Result<usize> {
        let Scene { view, rows, options, .. } = *self.scene;
        let slot = &mut self.scratch.slots[account as usize];
        if *slot == UNSEEN {
            let id = AccountId(account);
            self.accounts.push(Account::new(id, options, view, rows, &mut self.meter)?);
            *slot = (self.accounts.len() - 1) as u32 + FIRST;
        }
        let at = (*slot - FIRST) as usize;
        if !self.accounts[at].is_tainted() {
            self.accounts[at].forward(position, view, rows, &mut self.meter)?;
        }
        Ok(at)
    }

    /// Puts the next transaction of an account that holds taint on the calendar.
    #[inline]
    fn expect(&mut self, at: usize) {
        let account = &self.accounts[at];
        if account.is_tainted() && account.next() < self.scene.end {
            self.scene.rows.prefetch(account.next());
            self.scratch.calendar.add(account.next() - self.scratch.base);
        }
    }

    /// Gathers what accounts hold, closes the books, and cleans the working space.
    fn finish(mut self) -> Result<Trace> {
        let Scene { view, rows, options, .. } = *self.scene;
        let (mut held, mut stopped) = (Vec::new(), Vec::new());
        for account in &mut self.accounts {
            self.scratch.slots[account.id.index()] = UNSEEN;
            if !account.is_tainted() {
                continue;
            }
            for holding in account.holdings()? {
                if options.until.is_some() && account.pays_again(holding.currency, view, rows)? {
                    stopped.push((holding.case, holding.currency, holding.amount));
                }
                held.push((account.id, holding));
            }
        }
        let mut trace = self.books.close(held, &stopped)?;
        trace.events = self.meter.finish();
        Ok(trace)
    }
}
