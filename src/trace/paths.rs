//! Money paths: by which payments, one after the other, the money of a case came to where it is.
//!
//! A path begins with a seed and ends where the money is held or has come to rest; its payments follow one another in
//! time, each from the account that the one before paid into. The amounts of all paths of a case to a holder
//! sum to what it holds, and the amounts with which they pass through a payment to no more than the payment's flow.
//!
//! # Method
//! The flows of a case are replayed, first in, first out within the case (see [`replay`](super::replay)). So a path is one way to tell
//! the case's money apart which agrees with every amount of the trace, and not the only one: under `haircut` above all, which
//! mixes on purpose, it illustrates a result and adds nothing to it.
//!
//! # Cost
//! O(pieces of money moved) per case, and the length of the paths that are listed; cases in parallel.

use super::policy::TraceOptions;
use super::replay::{Hop, Origin, Piece, Place, Replay, Step};
use super::result::{Holdings, Stop, Trace};
use crate::error::{Error, Result};
use crate::graph::View;
use crate::ids::{AccountId, CurrencyId, TxId};
use crate::run::Run;
use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use std::cmp::Reverse;
use std::ops::Range;

/// Options of [`paths`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathsOptions {
    /// Most paths listed for each case, those with the largest amounts; `None` lists all.
    pub paths_max: Option<usize>,
    /// Only paths of this case.
    pub case: Option<u32>,
    /// Only paths that end at this account.
    pub holder: Option<AccountId>,
}

/// Money paths, by (case, amount descending, account, currency, order of arrival).
///
/// Columns of paths have one row per path; the payments of path `i` are rows `offsets[i]..offsets[i + 1]` of the
/// columns of payments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// Case.
    pub case: Vec<u32>,
    /// Where the money is.
    pub account: Vec<AccountId>,
    /// Currency it is in.
    pub currency: Vec<CurrencyId>,
    /// Minor units of the currency (units of value under value pooling), more than 0.
    pub amount: Vec<i64>,
    /// What stopped it there, if it is not simply held.
    pub stop: Vec<Option<Stop>>,
    /// The entry of the trace that the path begins with; nothing if it begins with a seed transaction.
    pub entry: Vec<Option<u32>>,
    /// First payment of each path, and the number of all payments at the end.
    pub offsets: Vec<u64>,
    /// The payment.
    pub transaction: Vec<TxId>,
    /// The path's part of what it paid; 0 for a seed.
    pub paid: Vec<i64>,
    /// The path's part of what it handed over.
    pub received: Vec<i64>,
    /// How many paths there are by the options' case and holder, listed or not.
    pub num_found: u64,
}

impl Paths {
    /// Number of paths.
    pub fn len(&self) -> usize {
        self.case.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.case.is_empty()
    }

    /// The payments of a path, as rows.
    pub fn payments(&self, path: usize) -> Range<usize> {
        self.offsets[path] as usize..self.offsets[path + 1] as usize
    }

    pub(super) fn begin() -> Self {
        Paths { offsets: vec![0], ..Paths::default() }
    }

    fn push(&mut self, case: u32, end: &End, hops: &[Hop]) {
        self.case.push(case);
        self.account.push(AccountId(end.account));
        self.currency.push(CurrencyId(end.place.1));
        self.amount.push(end.piece.amount);
        self.stop.push(stop_of(end.place.2));
        let mut entry = None;
        for hop in hops {
            match hop.origin {
                Origin::Entry(number) => entry = Some(number),
                Origin::Transaction(position) => {
                    self.transaction.push(TxId(position));
                    self.paid.push(hop.paid);
                    self.received.push(hop.received);
                }
            }
        }
        self.entry.push(entry);
        self.offsets.push(self.transaction.len() as u64);
    }

    pub(super) fn append(&mut self, mut other: Paths) {
        let before = self.transaction.len() as u64;
        self.case.append(&mut other.case);
        self.account.append(&mut other.account);
        self.currency.append(&mut other.currency);
        self.amount.append(&mut other.amount);
        self.stop.append(&mut other.stop);
        self.entry.append(&mut other.entry);
        self.offsets.extend(other.offsets[1..].iter().map(|offset| offset + before));
        self.transaction.append(&mut other.transaction);
        self.paid.append(&mut other.paid);
        self.received.append(&mut other.received);
        self.num_found += other.num_found;
    }

    /// Puts paths of one case in order of amount, descending, ties as they stand, and keeps the first `paths_max`.
    pub(super) fn keep_largest(self, paths_max: Option<usize>) -> Paths {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by_key(|&path| Reverse(self.amount[path]));
        order.truncate(paths_max.unwrap_or(usize::MAX));
        let mut kept = Paths { num_found: self.num_found, ..Paths::begin() };
        for path in order {
            kept.case.push(self.case[path]);
            kept.account.push(self.account[path]);
            kept.currency.push(self.currency[path]);
            kept.amount.push(self.amount[path]);
            kept.stop.push(self.stop[path]);
            kept.entry.push(self.entry[path]);
            let payments = self.payments(path);
            kept.transaction.extend_from_slice(&self.transaction[payments.clone()]);
            kept.paid.extend_from_slice(&self.paid[payments.clone()]);
            kept.received.extend_from_slice(&self.received[payments]);
            kept.offsets.push(kept.transaction.len() as u64);
        }
        kept
    }
}

/// The paths of `trace`, which [`downstream`](super::downstream) found in `view` under `rules`.
///
/// # Errors
/// [`Error::Unproved`] if the paths to a holder do not sum to what it holds; [`Error::Damaged`] if the graph is;
/// [`Error::Cancelled`].
pub fn paths(
    view: &View<'_>,
    trace: &Trace,
    rules: &TraceOptions,
    options: &PathsOptions,
    run: &Run,
) -> Result<Paths> {
    let mut cases = cases(trace);
    cases.retain(|rows| options.case.is_none_or(|case| case == rows.case));
    run.stage("paths", cases.len() as u64);
    let of = |rows: CaseRows| {
        run.check()?;
        run.advance(1);
        paths_of(view, trace, &rows, rules, options)
    };
    let parts: Vec<Result<Paths>> = run.install(|| cases.into_par_iter().map(of).collect());
    let mut all = Paths::begin();
    for part in parts {
        all.append(part?);
    }
    Ok(all)
}

/// The rows of one case in the tables of a trace, which are all sorted by case.
#[derive(Clone, Debug)]
pub(super) struct CaseRows {
    pub(super) case: u32,
    pub(super) flows: Range<usize>,
    pub(super) entries: Range<usize>,
    pub(super) exits: Range<usize>,
    pub(super) holdings: Range<usize>,
    pub(super) sinks: Range<usize>,
}

/// Every case that has a flow or an entry, in order.
pub(super) fn cases(trace: &Trace) -> Vec<CaseRows> {
    let mut numbers = trace.flows.case.clone();
    numbers.extend(trace.entries.iter().map(|entry| entry.case));
    numbers.sort_unstable();
    numbers.dedup();
    let of = |case: u32| {
        fn rows<T>(all: &[T], case: u32, of: impl Fn(&T) -> u32) -> Range<usize> {
            all.partition_point(|row| of(row) < case)..all.partition_point(|row| of(row) <= case)
        }
        CaseRows {
            case,
            flows: rows(&trace.flows.case, case, |&other| other),
            entries: rows(&trace.entries, case, |entry| entry.case),
            exits: rows(&trace.exits, case, |exit| exit.case),
            holdings: rows(&trace.holdings.case, case, |&other| other),
            sinks: rows(&trace.sinks.holdings.case, case, |&other| other),
        }
    };
    numbers.into_iter().map(of).collect()
}

/// The end of a path, and the account that it is listed under.
struct End {
    account: u32,
    place: Place,
    piece: Piece,
}

fn paths_of(
    view: &View<'_>,
    trace: &Trace,
    rows: &CaseRows,
    rules: &TraceOptions,
    options: &PathsOptions,
) -> Result<Paths> {
    let mut replay = Replay::default();
    for (_, step) in steps(view, trace, rows, rules)? {
        replay.step(&step)?;
    }
    let mut ends = Vec::new();
    let mut gather = |held: &Holdings, at: usize, stop: Option<Stop>| {
        let (account, held) = (held.account[at].0, (held.currency[at].0, held.amount[at]));
        let place = (account, held.0, place_of(stop));
        ends.push((account, place));
        let sum: i64 = replay.at(place).map(|piece| piece.amount).sum();
        match sum == held.1 {
            true => Ok(()),
            false => Err(Error::Unproved(format!(
                "the money paths of case {} to account {account} sum to {sum} and not to {}",
                rows.case, held.1
            ))),
        }
    };
    for at in rows.holdings.clone() {
        gather(&trace.holdings, at, None)?;
    }
    for at in rows.sinks.clone() {
        gather(&trace.sinks.holdings, at, Some(trace.sinks.stop[at]))?;
    }
    ends.retain(|end| options.holder.is_none_or(|holder| holder.0 == end.0));
    Ok(list(&replay, rows.case, &ends, options.paths_max))
}

/// The paths to `ends`, places with the account that they are listed under, largest first.
pub(super) fn list(replay: &Replay, case: u32, ends: &[(u32, Place)], paths_max: Option<usize>) -> Paths {
    let mut all = Vec::new();
    for &(account, place) in ends {
        all.extend(replay.at(place).map(|piece| End { account, place, piece }));
    }
    all.sort_by_key(|end| (Reverse(end.piece.amount), end.account, end.place, end.piece.node));
    let mut found = Paths::begin();
    found.num_found = all.len() as u64;
    all.truncate(paths_max.unwrap_or(usize::MAX));
    let mut hops = Vec::new();
    for end in &all {
        hops.clear();
        replay.path(end.piece, &mut hops);
        found.push(case, end, &hops);
    }
    found
}

/// Number of the place at an account where money rests; 0 where it does not.
fn place_of(stop: Option<Stop>) -> u8 {
    match stop {
        None => 0,
        Some(Stop::Sink) => 1,
        Some(_) => 2,
    }
}

fn stop_of(place: u8) -> Option<Stop> {
    match place {
        1 => Some(Stop::Sink),
        2 => Some(Stop::MaxHops),
        _ => None,
    }
}

/// A position, and which of the things that happen at it: what comes before [`AT_TRANSACTION`] comes before the
/// transaction.
pub(super) type Moment = (u64, u8);

/// The first thing that the transaction at a position does.
pub(super) const AT_TRANSACTION: u8 = 2;

/// What happened to the money of a case, in order: at one position first what came from outside or was claimed, then
/// what the payment superseded, what it carried, and what it stopped.
pub(super) fn steps(
    view: &View<'_>,
    trace: &Trace,
    rows: &CaseRows,
    rules: &TraceOptions,
) -> Result<Vec<(Moment, Step)>> {
    let base = rules.rates.as_ref().map(|rates| rates.base());
    let mut steps: Vec<(Moment, Step)> = Vec::new();
    for number in rows.entries.clone() {
        let entry = &trace.entries[number];
        let (place, origin) = ((entry.account.0, entry.currency.0, 0), Origin::Entry(number as u32));
        steps.push(((entry.position, 0), Step::Enter { place, amount: entry.amount, origin }));
    }
    for exit in &trace.exits[rows.exits.clone()] {
        let (place, amount) = ((exit.account.0, exit.currency.0, 0), exit.amount);
        let order = match (exit.by_transaction, exit.stop) {
            (false, _) => 1,
            (true, Stop::Superseded) => AT_TRANSACTION,
            (true, _) => 4,
        };
        let rests = matches!(exit.stop, Stop::Sink | Stop::MaxHops);
        let to = rests.then_some((place.0, place.1, place_of(Some(exit.stop))));
        let newest = exit.stop != Stop::Superseded;
        steps.push(((exit.position, order), Step::Leave { place, amount, newest, to }));
    }
    for at in rows.flows.clone() {
        let position = trace.flows.transaction[at];
        let row = view.graph().transaction(position)?;
        let (paid, received) = (trace.flows.tainted_paid[at], trace.flows.tainted_received[at]);
        let to = (row.destination.0, base.unwrap_or(row.received_currency).0, 0);
        let step = if paid == 0 {
            Step::Enter { place: to, amount: received, origin: Origin::Transaction(position.0) }
        } else {
            let from = (row.source.0, base.unwrap_or(row.paid_currency).0, 0);
            Step::Move { from, to, position: position.0, paid, received }
        };
        steps.push(((position.0, 3), step));
    }
    steps.sort_by_key(|step| step.0);
    Ok(steps)
}
