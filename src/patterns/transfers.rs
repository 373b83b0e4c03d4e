//! A view's transfers as kernels of patterns read them: by account, in time order, both directions, times and amounts at hand.
//!
//! # Method
//! Transactions are numbered by their place in the view. An account's transfers lie together as (neighbour, place), so
//! that a window, which is a range of places, is found by two binary searches. Left out are transfers of an account
//! to itself, transfers that failed, and those with an end outside of the view.
//!
//! # Cost
//! Time O(n + m), parallel; memory 32 bytes per transaction (40 where transfers convert) and 8 per account.

use super::money::{Amounts, Money};
use super::pairs::Pairs;
use crate::error::{Error, Result};
use crate::graph::rates::Rates;
use crate::graph::{Slice, Transaction, View};
use crate::ids::{AccountId, TxId};
use crate::run::Run;
use crate::store::format::flags;
use crate::units::Ties;
use rayon::prelude::*;
use std::sync::OnceLock;

/// Accounts that one task reads.
const ACCOUNTS_PER_TASK: usize = 1 << 14;

/// A transfer as one of its accounts sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The other account.
    pub neighbor: u32,
    /// Place of the transaction in the view.
    pub place: u32,
}

/// The side of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// What it receives.
    In,
    /// What it pays.
    Out,
}

/// Those of `entries` that are in a range of places.
#[inline]
pub(super) fn between(entries: &[Entry], begin: u32, end: u32) -> &[Entry] {
    let from = entries.partition_point(|entry| entry.place < begin);
    let len = entries[from..].partition_point(|entry| entry.place < end);
    &entries[from..from + len]
}

/// Those of `entries` that are at `floor` or later, found from the end: O(log k) for k of them.
#[inline]
pub(super) fn since(entries: &[Entry], floor: u32) -> &[Entry] {
    let (mut begin, mut step) = (entries.len(), 1);
    while begin > 0 && entries[begin - 1].place >= floor {
        let next = begin.saturating_sub(step);
        if entries[next].place < floor {
            return &entries[next + entries[next..begin].partition_point(|entry| entry.place < floor)..];
        }
        (begin, step) = (next, step * 2);
    }
    &entries[begin..]
}

/// The transfers of a view.
#[derive(Debug)]
pub struct Transfers {
    first: TxId,
    times: Vec<i64>,
    amounts: Amounts,
    out: Side,
    incoming: Side,
    /// Made when first asked for.
    pairs: OnceLock<Pairs>,
}

/// One direction.
#[derive(Debug)]
struct Side {
    offsets: Vec<u32>,
    entries: Vec<Entry>,
}

impl Transfers {
    /// Reads the transfers of `view`; with `rates`, amounts become values in their base currency.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a column is; [`Error::Limit`] for more than
    /// 2³² − 2 transactions, to be met with a window; [`Error::Input`] names a currency without a rate;
    /// [`Error::Cancelled`].
    pub fn new(view: &View<'_>, rates: Option<&Rates>, run: &Run) -> Result<Self> {
        let positions = view.positions();
        let len = positions.end.0 - positions.start.0;
        if len >= u64::from(u32::MAX) {
            let remedy = "search a shorter window";
            return Err(Error::Limit {
                what: "transactions of a view",
                found: len,
                limit: u64::from(u32::MAX) - 1,
                remedy,
            });
        }
        run.stage("transfers", u64::from(view.graph().num_accounts()) * 2);
        let mut times = Vec::with_capacity(len as usize);
        for part in view.parts() {
            let rows = part.rows.start as usize..part.rows.end as usize;
            times.extend_from_slice(part.segment.transactions.time.slice(rows)?);
        }
        let amounts = Amounts::read(view, rates, run)?;
        let out = Side::new(view, run, |account| view.out(account))?;
        let incoming = Side::new(view, run, |account| view.incoming(account))?;
        Ok(Self { first: positions.start, times, amounts, out, incoming, pairs: OnceLock::new() })
    }

    /// Other payments at the same places and times: between the accounts that `ends` names, payer and payee; with the amounts of the
    /// places in `from`. What is left out of these transfers, and payments of an account to itself, are left out.
    pub(super) fn rearranged(
        &self,
        ends: impl Fn(u32) -> (u32, u32) + Sync,
        from: Option<&[u32]>,
        run: &Run,
    ) -> Result<Self> {
        run.check()?;
        let amounts =
            run.install(|| from.map_or_else(|| self.amounts.clone(), |from| self.amounts.rearranged(from)));
        let (num_accounts, num_places) = (self.num_accounts(), self.num_places() as u32);
        let moves = |place: &u32| {
            let (payer, payee) = ends(*place);
            payer != u32::MAX && payer != payee
        };
        let places = || (0..num_places).filter(moves);
        let out = Side::from_places(num_accounts, places(), &ends);
        let incoming = Side::from_places(num_accounts, places(), |place| {
            let (payer, payee) = ends(place);
            (payee, payer)
        });
        Ok(Self {
            first: self.first,
            times: self.times.clone(),
            amounts,
            out,
            incoming,
            pairs: OnceLock::new(),
        })
    }

    /// Some transactions alone, ascending by position, each between two accounts: places and positions are their numbers in `rows`, and their
    /// accounts are numbered anew, ascending. For searches within a few payments.
    ///
    /// # Errors
    /// [`Error::Input`] names a currency without a rate.
    pub fn of(rows: &[Transaction], rates: Option<&Rates>, run: &Run) -> Result<Self> {
        let mut accounts: Vec<AccountId> =
            rows.iter().flat_map(|row| [row.source, row.destination]).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let number = |account: AccountId| accounts.partition_point(|&known| known < account) as u32;
        let ends = |place: u32| {
            let row = &rows[place as usize];
            (number(row.source), number(row.destination))
        };
        let turned = |place: u32| {
            let (payer, payee) = ends(place);
            (payee, payer)
        };
        let places = || 0..rows.len() as u32;
        Ok(Self {
            first: TxId(0),
            times: rows.iter().map(|row| row.time).collect(),
            amounts: Amounts::of(rows, rates, run)?,
            out: Side::from_places(accounts.len() as u32, places(), ends),
            incoming: Side::from_places(accounts.len() as u32, places(), turned),
            pairs: OnceLock::new(),
        })
    }

    /// Number of accounts of the graph; those outside of the view have no transfers.
    pub fn num_accounts(&self) -> u32 {
        self.out.offsets.len() as u32 - 1
    }

    /// Number of transfers.
    pub fn len(&self) -> usize {
        self.out.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Transfers that `account` pays, oldest first.
    #[inline]
    pub fn out(&self, account: u32) -> &[Entry] {
        self.out.of(account)
    }

    /// Transfers that `account` receives, oldest first.
    #[inline]
    pub fn incoming(&self, account: u32) -> &[Entry] {
        self.incoming.of(account)
    }

    /// Transfers of `account` in one direction, oldest first.
    #[inline]
    pub(super) fn side(&self, direction: Direction, account: u32) -> &[Entry] {
        match direction {
            Direction::In => self.incoming(account),
            Direction::Out => self.out(account),
        }
    }

    /// Sums of the numbers of transfers of accounts in one direction, one more than accounts.
    pub(super) fn offsets(&self, direction: Direction) -> &[u32] {
        match direction {
            Direction::In => &self.incoming.offsets,
            Direction::Out => &self.out.offsets,
        }
    }

    /// The amount of the transaction at `place` for the account that sees it in this direction.
    #[inline]
    pub(super) fn amount(&self, direction: Direction, place: u32) -> Money {
        match direction {
            Direction::In => self.received(place),
            Direction::Out => self.paid(place),
        }
    }

    /// Whom `payer` pays at `place`.
    pub(super) fn payee(&self, payer: u32, place: u32) -> u32 {
        let paid = self.out(payer);
        paid[paid.partition_point(|entry| entry.place < place)].neighbor
    }

    /// Who pays whom, by place.
    pub(super) fn pairs(&self, run: &Run) -> Result<&Pairs> {
        match self.pairs.get() {
            Some(pairs) => Ok(pairs),
            None => {
                let made = Pairs::new(self, run)?;
                Ok(self.pairs.get_or_init(|| made))
            }
        }
    }

    /// Place of a transaction of the view.
    #[inline]
    pub(super) fn place(&self, id: TxId) -> u32 {
        (id.0 - self.first.0) as u32
    }

    /// Microseconds since 1970 UTC at which the transaction at `place` took place.
    #[inline]
    pub fn time(&self, place: u32) -> i64 {
        self.times[place as usize]
    }

    /// What the payer of the transaction at `place` gives.
    #[inline]
    pub fn paid(&self, place: u32) -> Money {
        self.amounts.paid(place)
    }

    /// What the payee of the transaction at `place` gets.
    #[inline]
    pub fn received(&self, place: u32) -> Money {
        self.amounts.received(place)
    }

    /// The transaction at a place.
    #[inline]
    pub fn id(&self, place: u32) -> TxId {
        TxId(self.first.0 + u64::from(place))
    }

    /// Number of places: the transactions of the view, those that are left out among them.
    pub(super) fn num_places(&self) -> usize {
        self.times.len()
    }

    /// For each place the first one that is more than `span_us` later, so that a span is a range of places: O(n) for n transactions, 4 bytes each.
    pub(super) fn reach(&self, span_us: i64) -> Vec<u32> {
        let mut end = 0;
        let reach = |&time: &i64| {
            let until = time.saturating_add(span_us);
            while self.times.get(end).is_some_and(|&later| later <= until) {
                end += 1;
            }
            end as u32
        };
        self.times.iter().map(reach).collect()
    }

    /// The shortest time between two transactions of different times, in microseconds; None if all are of one.
    pub(super) fn tick_us(&self) -> Option<i64> {
        self.times.par_windows(2).map(|pair| pair[1] - pair[0]).filter(|&difference| difference > 0).min()
    }

    /// The first place that has the time of the transaction at `place`.
    pub(super) fn same_time(&self, place: u32) -> u32 {
        let time = self.time(place);
        let before = &self.times[..place as usize];
        // Moments are short, so that the search begins at their end.
        let ties = before.iter().rev().take(8).take_while(|&&other| other == time).count();
        match ties {
            8 => before.partition_point(|&other| other < time) as u32,
            few => place - few as u32,
        }
    }

    /// The first place after the time of the transaction at `place`.
    pub(super) fn next_time(&self, place: u32) -> u32 {
        let time = self.time(place);
        let after = &self.times[place as usize..];
        let ties = after.iter().take(8).take_while(|&&other| other == time).count();
        match ties {
            8 => place + after.partition_point(|&other| other == time) as u32,
            few => place + few as u32,
        }
    }

    /// Whether money that came with the payment at `place` can leave with the one at `next`.
    #[inline]
    pub(super) fn follows(&self, ties: Ties, place: u32, next: u32) -> bool {
        next > place && (ties == Ties::Order || self.time(next) > self.time(place))
    }
}

impl Side {
    fn new<'g, S>(view: &View<'g>, run: &Run, slices: impl Fn(AccountId) -> S + Sync) -> Result<Self>
    where
        S: Iterator<Item = Result<Slice<'g>>>,
    {
        let num_accounts = view.graph().num_accounts() as usize;
        let moves = Moves::new(view);
        let tasks: Result<Vec<(Vec<u32>, Vec<Entry>)>> = run.install(|| {
            let task = |task: usize| {
                run.check()?;
                let accounts = task * ACCOUNTS_PER_TASK..((task + 1) * ACCOUNTS_PER_TASK).min(num_accounts);
                run.advance(accounts.len() as u64);
                let (mut ends, mut entries) = (Vec::with_capacity(accounts.len()), Vec::new());
                for account in accounts {
                    for slice in slices(AccountId(account as u32)) {
                        moves.append(&slice?, &mut entries)?;
                    }
                    ends.push(entries.len() as u32);
                }
                Ok((ends, entries))
            };
            (0..num_accounts.div_ceil(ACCOUNTS_PER_TASK)).into_par_iter().map(task).collect()
        });
        let tasks = tasks?;
        let mut offsets = Vec::with_capacity(num_accounts + 1);
        offsets.push(0);
        let mut all = Vec::with_capacity(tasks.iter().map(|(_, entries)| entries.len()).sum());
        for (ends, entries) in tasks {
            offsets.extend(ends.into_iter().map(|end| all.len() as u32 + end));
            all.extend_from_slice(&entries);
        }
        Ok(Self { offsets, entries: all })
    }

    /// The entries of places in order; `ends` names the account that has the entry, and the other one.
    fn from_places(
        num_accounts: u32,
        places: impl Iterator<Item = u32> + Clone,
        ends: impl Fn(u32) -> (u32, u32),
    ) -> Self {
        let mut offsets = vec![0; num_accounts as usize + 1];
        places.clone().for_each(|place| offsets[ends(place).0 as usize + 1] += 1);
        for account in 0..num_accounts as usize {
            offsets[account + 1] += offsets[account];
        }
        let mut next = offsets.clone();
        let mut entries = vec![Entry::default(); offsets[num_accounts as usize] as usize];
        for place in places {
            let (account, neighbor) = ends(place);
            let at = &mut next[account as usize];
            entries[*at as usize] = Entry { neighbor, place };
            *at += 1;
        }
        Self { offsets, entries }
    }

    #[inline]
    fn of(&self, account: u32) -> &[Entry] {
        let account = account as usize;
        &self.entries[self.offsets[account] as usize..self.offsets[account + 1] as usize]
    }
}

/// Which transfers move money between two accounts of the view.
struct Moves<'v, 'g> {
    view: &'v View<'g>,
    /// By part: whether some transaction failed or stays where it is.
    flagged: Vec<bool>,
}

impl<'v, 'g> Moves<'v, 'g> {
    const LEFT_OUT: u8 = flags::MOVES_NOTHING | flags::SELF_TRANSFER;

    fn new(view: &'v View<'g>) -> Self {
        let flagged = view.parts().iter().map(|part| {
            part.segment.transactions.flags.constant().is_none_or(|bits| bits & Self::LEFT_OUT != 0)
        });
        Self { view, flagged: flagged.collect() }
    }

    /// Appends the entries of a slice that count.
    fn append(&self, slice: &Slice<'_>, entries: &mut Vec<Entry>) -> Result<()> {
        let parts = self.view.parts();
        let number = parts.partition_point(|part| part.base <= slice.base) - 1;
        let part = &parts[number];
        let first = self.view.positions().start.0;
        let (num_accounts, num_rows) = (self.view.graph().num_accounts(), part.segment.transactions.len());
        let mut last = None;
        for (&neighbor, &row) in slice.neighbors.iter().zip(slice.transactions) {
            if neighbor >= num_accounts || row as usize >= num_rows || last >= Some(row) {
                return Err(Error::damaged(
                    self.view.graph().path(),
                    format!("edge of the transaction at position {}", slice.base.0 + u64::from(row)),
                    "names an account or a transaction that is not there, or is out of order",
                ));
            }
            last = Some(row);
            let stays = self.flagged[number]
                && part.segment.transactions.flags.get(row as usize)? & Self::LEFT_OUT != 0;
            if !stays && self.view.contains(AccountId(neighbor)) {
                let place = (slice.base.0 + u64::from(row) - first) as u32;
                entries.push(Entry { neighbor, place });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_since_a_place_is_found_from_the_end() {
        let entries: Vec<Entry> = (0..40).map(|at| Entry { neighbor: 0, place: 3 * at + 1 }).collect();
        for len in 0..=entries.len() {
            for floor in 0..130 {
                let expected: Vec<Entry> =
                    entries[..len].iter().copied().filter(|entry| entry.place >= floor).collect();
                assert_eq!(since(&entries[..len], floor), expected);
            }
        }
    }
}
