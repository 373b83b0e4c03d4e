//! Fans: many accounts that pay one, or one that pays many, within a span.
//!
//! The payments of an account on one side that count are those within the bounds of amount; with `first_only` those that are the
//! first between the two accounts. A window is the payments from one of them until `span_us` later. It fits if it has enough
//! counterparties and payments. Of windows of an account that overlap in time, the one with the most counterparties stays, of those
//! the one with the most payments, then the earliest.
//!
//! # Cost
//! Time O(k log k) for an account of k payments; memory O(k) per thread, and the result.
//!
//! # Source
//! Fan-in and fan-out: Altman et al., Realistic synthetic financial transactions for anti-money laundering models, NeurIPS 2023, §3.2.
//! Selection of windows: own.

use super::budget::{Budget, Cut};
use super::instances::{Instance, Role};
use super::search::{Meter, by_account};
use super::settings::{self, at_least};
use super::transfers::{Direction, Entry, Transfers};
use super::typology::Typology;
use super::windows::{Distinct, Window, disjoint};
use crate::error::Result;
use crate::run::Run;
use crate::units::time::DAY_US;
use serde::{Deserialize, Serialize};

/// Options of fans: [`Typology::FanIn`], [`Typology::FanOut`], [`Typology::Structuring`], [`Typology::Smurfing`],
/// [`Typology::FirstPayees`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanOptions {
    /// Longest time between the first payment and the last, in microseconds, at least 1.
    #[serde(rename = "span_s", with = "settings::seconds")]
    pub span_us: i64,
    /// Fewest counterparties, at least 1.
    pub counterparties_min: u32,
    /// Fewest payments, at least 1.
    pub payments_min: u32,
    /// Least amount that counts, at least 0, of what is paid in a fan-out and received in a fan-in; in minor units, with rates in units of value.
    pub amount_min: i64,
    /// Greatest amount that counts, at least `amount_min`; with [`Structuring`](Typology::Structuring) one below the threshold.
    pub amount_max: i64,
    /// Whether only the first payment between two accounts counts.
    pub first_only: bool,
    /// For how long an account must have been active before a payment that counts, in microseconds, at least 0.
    #[serde(rename = "known_s", with = "settings::seconds")]
    pub known_us: i64,
    /// How much may be done.
    #[serde(flatten)]
    pub budget: Budget,
}

impl Default for FanOptions {
    fn default() -> Self {
        Self {
            span_us: 5 * DAY_US,
            counterparties_min: 5,
            payments_min: 1,
            amount_min: 0,
            amount_max: i64::MAX,
            first_only: false,
            known_us: 0,
            budget: Budget::default(),
        }
    }
}

impl FanOptions {
    pub(super) fn check(&self) -> Result<()> {
        at_least("span_s", self.span_us, 1, "more than 0")?;
        at_least("counterparties_min", self.counterparties_min.into(), 1, "at least 1")?;
        at_least("payments_min", self.payments_min.into(), 1, "at least 1")?;
        at_least("amount_min", self.amount_min, 0, "at least 0")?;
        at_least("amount_max", self.amount_max, self.amount_min, "at least amount_min")?;
        at_least("known_s", self.known_us, 0, "at least 0")?;
        self.budget.check()
    }
}

/// The fans of every account in one direction: [`Direction::In`] is many that pay one.
pub(super) fn fans(
    transfers: &Transfers,
    typology: Typology,
    direction: Direction,
    options: &FanOptions,
    run: &Run,
) -> Result<(Vec<Instance>, Cut)> {
    by_account(transfers, direction, &options.budget, run, typology.name(), || {
        let mut search =
            Fans { transfers, direction, options, counted: Vec::new(), distinct: Distinct::default() };
        move |account, meter: &mut Meter, found: &mut Vec<Instance>| {
            for (begin, end) in search.windows(account, meter) {
                found.push(instance(transfers, typology, direction, account, &search.counted[begin..end]));
            }
        }
    })
}

/// Finds the windows of accounts, one after another.
pub(super) struct Fans<'a> {
    pub(super) transfers: &'a Transfers,
    pub(super) direction: Direction,
    pub(super) options: &'a FanOptions,
    /// The payments of the account that count.
    pub(super) counted: Vec<Entry>,
    pub(super) distinct: Distinct,
}

impl Fans<'_> {
    /// The windows of `account` that fit, as ranges of `counted`.
    pub(super) fn windows(&mut self, account: u32, meter: &mut Meter) -> Vec<(usize, usize)> {
        let (transfers, options) = (self.transfers, self.options);
        let entries = transfers.side(self.direction, account);
        let least = options.counterparties_min.max(options.payments_min) as usize;
        if entries.len() < least || !meter.spend(entries.len() as u64) {
            return Vec::new();
        }
        self.count(account, entries);
        if self.counted.len() < least {
            return Vec::new();
        }
        self.distinct.load(self.counted.iter().map(|entry| entry.neighbor));
        if self.distinct.total() < options.counterparties_min as usize {
            return Vec::new();
        }
        let (mut windows, mut end) = (Vec::new(), 0);
        for (begin, first) in self.counted.iter().enumerate() {
            let until = transfers.time(first.place).saturating_add(options.span_us);
            while end < self.counted.len() && transfers.time(self.counted[end].place) <= until {
                end += 1;
            }
            let counterparties = self.distinct.slide(begin, end);
            let payments = (end - begin) as u32;
            if counterparties >= options.counterparties_min && payments >= options.payments_min {
                if !meter.passes(end - begin) {
                    return Vec::new();
                }
                let (rank, last) = ((counterparties, payments), self.counted[end - 1].place);
                windows.push(Window { begin: first.place, end: last, rank, at: begin });
            }
        }
        let until = |window: &Window| self.counted.partition_point(|entry| entry.place <= window.end);
        disjoint(windows).iter().map(|window| (window.at, until(window))).collect()
    }

    /// Gathers the payments that count.
    fn count(&mut self, account: u32, entries: &[Entry]) {
        let (transfers, options, direction) = (self.transfers, self.options, self.direction);
        let known_since = match options.known_us {
            0 => i64::MIN,
            known => first_time(transfers, account).saturating_add(known),
        };
        let any_amount = (options.amount_min, options.amount_max) == (0, i64::MAX);
        self.counted.clear();
        self.counted.extend(entries.iter().copied().filter(|entry| {
            let amount = || transfers.amount(direction, entry.place).amount;
            (any_amount || (options.amount_min..=options.amount_max).contains(&amount()))
                && (options.known_us == 0 || transfers.time(entry.place) >= known_since)
        }));
        if options.first_only {
            let mut firsts: Vec<(u32, u32)> =
                entries.iter().map(|entry| (entry.neighbor, entry.place)).collect();
            firsts.sort_unstable();
            firsts.dedup_by_key(|first| first.0);
            self.counted.retain(|entry| firsts.binary_search(&(entry.neighbor, entry.place)).is_ok());
        }
    }
}

/// When `account` first paid or received.
fn first_time(transfers: &Transfers, account: u32) -> i64 {
    let first = |entries: &[Entry]| entries.first().map_or(i64::MAX, |entry| transfers.time(entry.place));
    first(transfers.out(account)).min(first(transfers.incoming(account)))
}

fn instance(
    transfers: &Transfers,
    typology: Typology,
    direction: Direction,
    account: u32,
    payments: &[Entry],
) -> Instance {
    let (hub, others) = match direction {
        Direction::In => ((1, Role::Sink), (0, Role::Source)),
        Direction::Out => ((0, Role::Source), (1, Role::Sink)),
    };
    let counterparties = payments.iter().map(|entry| (others.0, entry.neighbor, others.1));
    let places = payments.iter().map(|entry| entry.place);
    Instance::new(transfers, typology, counterparties.chain([(hub.0, account, hub.1)]), places)
}
