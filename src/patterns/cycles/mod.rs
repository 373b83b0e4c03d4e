//! Temporal cycles: money that leaves an account and comes back to it through others, each payment after the one before.
//!
//! A cycle is a sequence of distinct accounts and a payment from each to the next and from the last to the first, in the order of
//! time, the last no later than `span_us` after the first. It begins with the account that pays first.
//!
//! # Method
//! Each payment is taken as the one that closes a cycle, and paths are followed back from it, payer by payer, until one of
//! them was paid by the account where the closing payment arrives. Parallel payments are followed together: of each one only
//! the number of ways on from it to the closing payment is kept, so that a sequence of accounts is visited once however many
//! choices of payments it has. No payment before the first one that can open a cycle within the window is looked at.
//!
//! # Cost
//! Time O(n + m) and the number of payments on paths within the window, which [`Budget`] bounds for each closing payment and
//! in all; memory that of [`Transfers`] and of the result.
//!
//! # Choices
//! A result is a sequence of accounts with its closing payment; its [`Cycle::ways`] say in how many ways payments can be chosen.
//! The witness is the choice that takes the shortest time, and of several the one whose payments come earliest.
//!
//! # Source
//! Definition: Kumar, Calders: 2SCENT, PVLDB 11(11), 2018; bundles of parallel edges are theirs. Bounded work: own.

mod flow;
mod trail;
mod walk;

use super::budget::{Budget, Cut};
use super::money::Kept;
use super::receipts::Receipts;
use super::search::{blocks, search};
use super::settings;
use super::transfers::{Direction, Entry, Transfers};
use crate::error::{Error, Result};
use crate::ids::{AccountId, TxId};
use crate::run::Run;
use crate::units::Ties;
pub(super) use flow::flow;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trail::Trail;
use walk::Walk;

/// Longest cycle that can be asked for.
const LENGTH_LIMIT: u32 = 64;

/// Options of [`cycles`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleOptions {
    /// Longest time between the first payment and the last, in microseconds, at least 1.
    #[serde(rename = "span_s", with = "settings::seconds")]
    pub span_us: i64,
    /// Fewest accounts, at least 2.
    pub length_min: u32,
    /// Most accounts, at most 64.
    pub length_max: u32,
    /// Whether payments of one time can follow each other.
    #[serde(with = "settings::ties")]
    pub ties: Ties,
    /// Least amount of every payment, in minor units of what is paid (with rates in units of value), at least 0.
    pub amount_min: i64,
    /// How much of what an account received from the one before it pays to the next.
    #[serde(with = "settings::kept")]
    pub passed_on: Kept,
    /// How much of what the first account paid comes back to it.
    #[serde(with = "settings::kept")]
    pub returned: Kept,
    /// Of what the first account pays in an instance, at least so many thousandths can have come back round it, payments split and joined as needed; 0
    /// asks for nothing. It is a condition on instances ([`find`](super::find)), so that [`cycles`] and [`count_cycles`] refuse another.
    pub flow_permille: u32,
    /// How much may be done.
    #[serde(flatten)]
    pub budget: Budget,
}

impl Default for CycleOptions {
    fn default() -> Self {
        let day_us = 86_400_000_000;
        Self {
            span_us: 3 * day_us,
            length_min: 2,
            length_max: 10,
            ties: Ties::default(),
            amount_min: 0,
            passed_on: Kept::ANY,
            returned: Kept::ANY,
            flow_permille: 0,
            budget: Budget { results_max: 1_000_000, ..Budget::default() },
        }
    }
}

impl CycleOptions {
    /// Whether the options can be met.
    ///
    /// # Errors
    /// [`Error::Option`] names the first that cannot.
    pub fn check(&self) -> Result<()> {
        let option = |name, value: String, allowed| Err(Error::Option { name, value, allowed });
        if self.span_us < 1 {
            return option("span_s", self.span_us.to_string(), "more than 0");
        }
        if self.length_min < 2 {
            return option("length_min", self.length_min.to_string(), "at least 2");
        }
        if self.length_max < self.length_min || self.length_max > LENGTH_LIMIT {
            return option("length_max", self.length_max.to_string(), "at least length_min, at most 64");
        }
        if self.amount_min < 0 {
            return option("amount_min", self.amount_min.to_string(), "at least 0");
        }
        self.passed_on.check("passed_on")?;
        self.returned.check("returned")?;
        if self.flow_permille > 1_000 {
            return option("flow_permille", self.flow_permille.to_string(), "0 to 1000");
        }
        self.budget.check()
    }

    /// Whether cycles, not instances of them, can meet the options.
    fn check_without_flow(&self) -> Result<()> {
        self.check()?;
        match self.flow_permille {
            0 => Ok(()),
            some => {
                let (name, allowed) = ("flow_permille", "0, where cycles are listed or counted one by one");
                Err(Error::Option { name, value: some.to_string(), allowed })
            }
        }
    }
}

/// One cycle of [`Cycles`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycle<'a> {
    /// Accounts, from the one that pays first; each pays the next, the last pays the first.
    pub accounts: &'a [AccountId],
    /// The payment of each account: the witness.
    pub transactions: &'a [TxId],
    /// Choices of payments that end with this closing payment; 2⁶⁴ − 1 stands for that many or more.
    pub ways: u64,
}

/// Cycles, by closing payment, then by accounts.
#[derive(Debug, Default)]
pub struct Cycles {
    /// Where each cycle begins in the other columns, and the end.
    offsets: Vec<usize>,
    accounts: Vec<AccountId>,
    transactions: Vec<TxId>,
    ways: Vec<u64>,
    /// What was left undone.
    pub cut: Cut,
}

impl Cycles {
    /// Number of cycles.
    pub fn len(&self) -> usize {
        self.ways.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ways.is_empty()
    }

    /// The cycle at `index`.
    pub fn get(&self, index: usize) -> Cycle<'_> {
        let range = self.offsets[index]..self.offsets[index + 1];
        Cycle {
            accounts: &self.accounts[range.clone()],
            transactions: &self.transactions[range],
            ways: self.ways[index],
        }
    }

    /// All cycles.
    pub fn iter(&self) -> impl Iterator<Item = Cycle<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }
}

/// Number of cycles of one length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CycleCount {
    /// Sequences of accounts, once for each closing payment.
    pub sequences: u64,
    /// Choices of payments.
    pub ways: u64,
}

/// The cycles among `transfers`.
///
/// # Errors
/// [`Error::Option`] if an option is outside its range; [`Error::Cancelled`].
pub fn cycles(transfers: &Transfers, options: &CycleOptions, run: &Run) -> Result<Cycles> {
    options.check_without_flow()?;
    let receipts = Receipts::new(transfers, options.ties, run)?;
    run.stage("cycles", u64::from(transfers.num_accounts()));
    let mut blocks_found = Vec::new();
    let cut = search(
        &blocks(transfers.offsets(Direction::In)),
        &options.budget,
        run,
        |accounts, meter| {
            let mut found = Found::default();
            Walk::new((transfers, &receipts), options, meter, &mut found).accounts(accounts, run)?;
            Ok(found)
        },
        |mut found, kept| {
            found.keep(kept);
            blocks_found.push(found);
        },
    )?;
    Ok(Cycles { cut, ..run.install(|| join(transfers, &blocks_found)) })
}

/// The number of cycles among `transfers`, by length; the last is that of `length_max`. Nothing but the numbers is kept, and
/// [`Budget::results_max`] does not count.
///
/// # Errors
/// As [`cycles`].
pub fn count_cycles(
    transfers: &Transfers,
    options: &CycleOptions,
    run: &Run,
) -> Result<(Vec<CycleCount>, Cut)> {
    options.check_without_flow()?;
    let receipts = Receipts::new(transfers, options.ties, run)?;
    run.stage("cycles", u64::from(transfers.num_accounts()));
    let budget = Budget { results_max: u64::MAX, ..options.budget };
    let none = || Counted(vec![CycleCount::default(); options.length_max as usize + 1]);
    let mut total = none();
    let cut = search(
        &blocks(transfers.offsets(Direction::In)),
        &budget,
        run,
        |accounts, meter| {
            let mut found = none();
            Walk::new((transfers, &receipts), options, meter, &mut found).accounts(accounts, run)?;
            Ok(found)
        },
        |found, _| total.add(&found),
    )?;
    Ok((total.0, cut))
}

/// What becomes of a cycle that was found.
trait Sink {
    /// `ways` choices of payments, the first of them among `openings`, which `start` paid.
    fn cycle(&mut self, start: u32, trail: &Trail<'_>, openings: &[Entry], ways: u64);
}

/// The numbers of cycles by length.
struct Counted(Vec<CycleCount>);

impl Counted {
    fn add(&mut self, other: &Counted) {
        for (count, other) in self.0.iter_mut().zip(&other.0) {
            count.sequences += other.sequences;
            count.ways = count.ways.saturating_add(other.ways);
        }
    }
}

impl Sink for Counted {
    fn cycle(&mut self, _: u32, trail: &Trail<'_>, _: &[Entry], ways: u64) {
        let count = &mut self.0[trail.path.len() + 1];
        count.sequences += 1;
        count.ways = count.ways.saturating_add(ways);
    }
}

/// The cycles of a block of accounts.
#[derive(Default)]
struct Found {
    lengths: Vec<u32>,
    accounts: Vec<u32>,
    places: Vec<u32>,
    ways: Vec<u64>,
}

impl Found {
    fn keep(&mut self, len: u64) {
        let len = len as usize;
        let entries = self.lengths[..len].iter().sum::<u32>() as usize;
        self.lengths.truncate(len);
        self.ways.truncate(len);
        self.accounts.truncate(entries);
        self.places.truncate(entries);
    }
}

impl Sink for Found {
    fn cycle(&mut self, start: u32, trail: &Trail<'_>, openings: &[Entry], ways: u64) {
        self.lengths.push(trail.path.len() as u32 + 1);
        self.ways.push(ways);
        self.accounts.push(start);
        self.accounts.extend(trail.path.iter().rev());
        trail.witness(openings, &mut self.places);
    }
}

/// Puts the cycles of all blocks in the order of their closing payments.
fn join(transfers: &Transfers, blocks: &[Found]) -> Cycles {
    let mut order = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        let mut begin = 0;
        for (&length, &ways) in block.lengths.iter().zip(&block.ways) {
            let end = begin + length as usize;
            order.push((block.places[end - 1], &block.accounts[begin..end], number, begin, ways));
            begin = end;
        }
    }
    // A closing payment and accounts name a cycle, so that an unstable sort has one result.
    order.par_sort_unstable_by_key(|&(closing, accounts, ..)| (closing, accounts));
    let mut all = Cycles { offsets: vec![0], ..Cycles::default() };
    for (_, accounts, number, begin, ways) in order {
        let places = &blocks[number].places[begin..begin + accounts.len()];
        all.accounts.extend(accounts.iter().map(|&account| AccountId(account)));
        all.transactions.extend(places.iter().map(|&place| transfers.id(place)));
        all.offsets.push(all.accounts.len());
        all.ways.push(ways);
    }
    all
}
