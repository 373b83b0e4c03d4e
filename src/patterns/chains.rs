//! Chains: money that goes on from account to account, each paying about what it received.
//!
//! # Definition
//! At every account receipts are matched with payments: a payment can carry a receipt on if it comes after it, no later than `dwell_us`, goes to another account than
//! the receipt came from, and is the stated part of it. Of all such pairs the one whose two amounts differ least is matched first, of equal
//! ones the one with the earlier payment, then with the later receipt; each receipt and each payment is matched once at most. A chain follows
//! matches from a payment whose payer matched no receipt with it, until a payment that no payee carries on or that arrives where the
//! chain has been; there another chain begins.
//!
//! # Cost
//! For each account its pairs of receipts and payments within the dwell time, bounded by [`Budget::anchor_work_max`]; an account with more than
//! [`Budget::hub_max`] receipts within the dwell time of a payment carries nothing on with it. Memory 8 bytes per transaction.
//!
//! # Source
//! The shape `random`: Altman et al., NeurIPS 2023, §3.2; layering with a part kept at each step: AMLSim. Matching by amount: own.

use super::budget::{Budget, Cut};
use super::instances::{Instance, Role};
use super::money::Kept;
use super::search::{Meter, by_account};
use super::settings::{self, at_least};
use super::transfers::{Direction, Entry, Transfers};
use super::typology::Typology;
use crate::error::Result;
use crate::run::Run;
use crate::units::Ties;
use crate::units::time::DAY_US;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU32, Ordering};

/// Options of [`Typology::Random`] and [`Typology::Layering`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainOptions {
    /// Longest time for which money stays at an account, in microseconds, at least 1.
    #[serde(rename = "dwell_s", with = "settings::seconds")]
    pub dwell_us: i64,
    /// Fewest payments, at least 2.
    pub length_min: u32,
    /// Whether money can be received and paid on at one and the same time.
    #[serde(with = "settings::ties")]
    pub ties: Ties,
    /// Least amount of a payment that counts, in minor units (with rates in units of value), at least 0.
    pub amount_min: i64,
    /// How much of what an account received it pays on.
    #[serde(with = "settings::kept")]
    pub passed_on: Kept,
    /// How much may be done.
    #[serde(flatten)]
    pub budget: Budget,
}

impl Default for ChainOptions {
    fn default() -> Self {
        Self {
            dwell_us: 2 * DAY_US,
            length_min: 3,
            ties: Ties::default(),
            amount_min: 0,
            passed_on: Kept { min_permille: 500, max_permille: 1_500 },
            budget: Budget::default(),
        }
    }
}

impl ChainOptions {
    pub(super) fn check(&self) -> Result<()> {
        at_least("dwell_s", self.dwell_us, 1, "more than 0")?;
        at_least("length_min", self.length_min.into(), 2, "at least 2")?;
        at_least("amount_min", self.amount_min, 0, "at least 0")?;
        self.passed_on.check("passed_on")?;
        self.budget.check()
    }
}

/// No payment.
const NONE: u32 = u32::MAX;

/// The chains, from each account that pays the first of them.
pub(super) fn chains(
    transfers: &Transfers,
    typology: Typology,
    options: &ChainOptions,
    run: &Run,
) -> Result<(Vec<Instance>, Cut)> {
    let cells = || (0..transfers.num_places()).map(|_| AtomicU32::new(NONE)).collect();
    let matched = Matched { before: cells(), next: cells() };
    let (_, mut cut) = by_account(transfers, Direction::Out, &options.budget, run, "matches", || {
        let mut search = Matcher { transfers, options, pairs: Vec::new() };
        let matched = &matched;
        move |account, meter: &mut Meter, _: &mut Vec<Instance>| search.account(account, matched, meter)
    })?;
    let (found, cut_here) =
        by_account(transfers, Direction::Out, &options.budget, run, typology.name(), || {
            let (matched, mut trail) = (&matched, Trail::default());
            move |account, meter: &mut Meter, found: &mut Vec<Instance>| {
                for first in transfers.out(account) {
                    if Matched::get(&matched.before, first.place) != NONE {
                        continue;
                    }
                    trail.follow(transfers, matched, account, first.place, |accounts, places| {
                        if places.len() >= options.length_min as usize {
                            found.push(instance(transfers, typology, accounts, places));
                        }
                    });
                    if !meter.spend(trail.places.len() as u64) {
                        break;
                    }
                }
            }
        })?;
    cut.add(&cut_here);
    Ok((found, cut))
}

/// For each payment the receipt that it carries on, and the payment that carries it on. Every cell is written once.
struct Matched {
    before: Vec<AtomicU32>,
    next: Vec<AtomicU32>,
}

impl Matched {
    fn get(cells: &[AtomicU32], place: u32) -> u32 {
        cells[place as usize].load(Ordering::Relaxed)
    }

    fn set(&self, receipt: u32, payment: u32) {
        self.next[receipt as usize].store(payment, Ordering::Relaxed);
        self.before[payment as usize].store(receipt, Ordering::Relaxed);
    }
}

/// A payment that can carry on a receipt, in the order in which pairs are matched.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    difference: u64,
    payment: u32,
    /// Receipts count from the last place down.
    receipt: std::cmp::Reverse<u32>,
}

struct Matcher<'a> {
    transfers: &'a Transfers,
    options: &'a ChainOptions,
    pairs: Vec<Pair>,
}

impl Matcher<'_> {
    fn account(&mut self, account: u32, matched: &Matched, meter: &mut Meter) {
        let (transfers, options) = (self.transfers, self.options);
        let (incoming, out) = (transfers.incoming(account), transfers.out(account));
        self.pairs.clear();
        if incoming.is_empty() {
            return;
        }
        for payment in out {
            let paid = transfers.paid(payment.place);
            if paid.amount < options.amount_min {
                continue;
            }
            let since = transfers.time(payment.place).saturating_sub(options.dwell_us);
            let end = incoming
                .partition_point(|receipt| transfers.follows(options.ties, receipt.place, payment.place));
            let begin = incoming[..end].partition_point(|receipt| transfers.time(receipt.place) < since);
            if !meter.passes(end - begin) {
                continue;
            }
            if !meter.spend((end - begin + 1) as u64) {
                return;
            }
            let carries = |receipt: &&Entry| {
                let received = transfers.received(receipt.place);
                receipt.neighbor != payment.neighbor
                    && received.amount >= options.amount_min
                    && received.currency == paid.currency
                    && options.passed_on.holds(received, paid)
            };
            self.pairs.extend(incoming[begin..end].iter().filter(carries).map(|receipt| Pair {
                difference: transfers.received(receipt.place).amount.abs_diff(paid.amount),
                payment: payment.place,
                receipt: std::cmp::Reverse(receipt.place),
            }));
        }
        self.pairs.sort_unstable();
        for pair in &self.pairs {
            let (receipt, payment) = (pair.receipt.0, pair.payment);
            // Places of an account's receipts and payments are distinct, so that both can be looked up in their cells.
            if Matched::get(&matched.next, receipt) == NONE && Matched::get(&matched.before, payment) == NONE
            {
                matched.set(receipt, payment);
            }
        }
    }
}

/// The accounts and payments of one chain after another.
#[derive(Default)]
struct Trail {
    accounts: Vec<u32>,
    places: Vec<u32>,
}

impl Trail {
    /// Follows the matches from a payment on, and hands over each chain.
    fn follow(
        &mut self,
        transfers: &Transfers,
        matched: &Matched,
        payer: u32,
        first: u32,
        mut chain: impl FnMut(&[u32], &[u32]),
    ) {
        self.accounts.clear();
        self.places.clear();
        self.accounts.push(payer);
        let mut place = first;
        while place != NONE {
            let payee = transfers.payee(self.accounts[self.accounts.len() - 1], place);
            if self.accounts.contains(&payee) {
                // The payment closes a circle: what is before it is a chain, and another begins with it.
                chain(&self.accounts, &self.places);
                let payer = self.accounts[self.accounts.len() - 1];
                self.accounts.clear();
                self.places.clear();
                self.accounts.push(payer);
            }
            self.accounts.push(payee);
            self.places.push(place);
            place = Matched::get(&matched.next, place);
        }
        chain(&self.accounts, &self.places);
    }
}

fn instance(transfers: &Transfers, typology: Typology, accounts: &[u32], places: &[u32]) -> Instance {
    let last = accounts.len() - 1;
    let role = |at: usize| match at {
        0 => Role::Source,
        at if at == last => Role::Sink,
        _ => Role::Middle,
    };
    let members = accounts.iter().enumerate().map(|(at, &account)| (at as u32, account, role(at)));
    Instance::new(transfers, typology, members, places.iter().copied())
}
