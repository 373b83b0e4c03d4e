//! Money through one account: it receives from some and then pays others.
//!
//! The search looks at turns of an account: right after a payment that it receives. What it received up to `span_us` before that payment and with
//! it is gathered, what it pays up to `span_us` after that payment is scattered. A turn fits if there are enough payers, enough and not
//! too many payees, and what is scattered is the stated part of what was gathered. Of turns of an account whose payments overlap
//! in time, the one with the most payers or payees, whichever are fewer, stays; then the one with the most of both, then the earliest.
//!
//! # Cost
//! Time O(k log k) for an account of k payments; memory O(k) per thread, and the result.
//!
//! # Source
//! Gather-scatter: Altman et al., NeurIPS 2023, §3.2. Selection of turns: own.

use super::budget::{Budget, Cut};
use super::instances::{Instance, Role};
use super::money::Kept;
use super::search::{Meter, by_account};
use super::settings::{self, at_least};
use super::transfers::{Direction, Entry, Transfers};
use super::typology::Typology;
use super::windows::{Distinct, Window, disjoint};
use crate::error::Result;
use crate::run::Run;
use crate::units::Ties;
use crate::units::time::DAY_US;
use serde::{Deserialize, Serialize};

/// Options of money through one account: [`Typology::GatherScatter`], [`Typology::Funnel`], [`Typology::PassThrough`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThroughOptions {
    /// Longest time from the first payment received to the last, and from there to the last payment made, in microseconds, at least 1.
    #[serde(rename = "span_s", with = "settings::seconds")]
    pub span_us: i64,
    /// Fewest payers, at least 1.
    pub payers_min: u32,
    /// Fewest payees, at least 1.
    pub payees_min: u32,
    /// Most payees, at least `payees_min`.
    pub payees_max: u32,
    /// Whether money can be received and paid on at one and the same time.
    #[serde(with = "settings::ties")]
    pub ties: Ties,
    /// Least amount of a payment that counts, in minor units (with rates in units of value), at least 0.
    pub amount_min: i64,
    /// How much of all that is gathered is scattered.
    #[serde(with = "settings::kept")]
    pub passed_on: Kept,
    /// How much may be done.
    #[serde(flatten)]
    pub budget: Budget,
}

impl Default for ThroughOptions {
    fn default() -> Self {
        Self {
            span_us: 5 * DAY_US,
            payers_min: 3,
            payees_min: 3,
            payees_max: u32::MAX,
            ties: Ties::default(),
            amount_min: 0,
            passed_on: Kept::ANY,
            budget: Budget::default(),
        }
    }
}

impl ThroughOptions {
    pub(super) fn check(&self) -> Result<()> {
        at_least("span_s", self.span_us, 1, "more than 0")?;
        at_least("payers_min", self.payers_min.into(), 1, "at least 1")?;
        at_least("payees_min", self.payees_min.into(), 1, "at least 1")?;
        at_least("payees_max", self.payees_max.into(), self.payees_min.into(), "at least payees_min")?;
        at_least("amount_min", self.amount_min, 0, "at least 0")?;
        self.passed_on.check("passed_on")?;
        self.budget.check()
    }
}

/// The turns of every account that fit.
pub(super) fn through(
    transfers: &Transfers,
    typology: Typology,
    options: &ThroughOptions,
    run: &Run,
) -> Result<(Vec<Instance>, Cut)> {
    by_account(transfers, Direction::In, &options.budget, run, typology.name(), || {
        let mut search = Turns {
            transfers,
            options,
            gathered: Half::new(Direction::In),
            scattered: Half::new(Direction::Out),
        };
        move |account, meter: &mut Meter, found: &mut Vec<Instance>| {
            for turn in search.turns(account, meter) {
                found.push(search.instance(typology, account, turn));
            }
        }
    })
}

/// Payments of one turn: ranges of what is gathered and scattered.
#[derive(Clone, Copy)]
struct Turn {
    gathered: (usize, usize),
    scattered: (usize, usize),
}

struct Turns<'a> {
    transfers: &'a Transfers,
    options: &'a ThroughOptions,
    gathered: Half,
    scattered: Half,
}

impl Turns<'_> {
    fn turns(&mut self, account: u32, meter: &mut Meter) -> Vec<Turn> {
        let (transfers, options) = (self.transfers, self.options);
        let (incoming, out) = (transfers.incoming(account), transfers.out(account));
        let (payers_min, payees_min) = (options.payers_min, options.payees_min);
        if incoming.len() < payers_min as usize
            || out.len() < payees_min as usize
            || !meter.spend((incoming.len() + out.len()) as u64)
            || !self.gathered.load(transfers, incoming, payers_min, options)
            || !self.scattered.load(transfers, out, payees_min, options)
        {
            return Vec::new();
        }
        let (mut turns, mut windows) = (Vec::new(), Vec::new());
        let mut turn = Turn { gathered: (0, 0), scattered: (0, 0) };
        for at in 0..self.gathered.counted.len() {
            let last = self.gathered.counted[at];
            let time = transfers.time(last.place);
            let (gathered, scattered) = (&self.gathered.counted, &self.scattered.counted);
            while transfers.time(gathered[turn.gathered.0].place) < time.saturating_sub(options.span_us) {
                turn.gathered.0 += 1;
            }
            turn.gathered.1 = at + 1;
            let [begin, end] = [&mut turn.scattered.0, &mut turn.scattered.1];
            while scattered
                .get(*begin)
                .is_some_and(|next| !transfers.follows(options.ties, last.place, next.place))
            {
                *begin += 1;
            }
            let until = time.saturating_add(options.span_us);
            while scattered.get(*end).is_some_and(|next| transfers.time(next.place) <= until) {
                *end += 1;
            }
            // Payments of the turn's own moment that come before it are behind both ends.
            *end = (*end).max(*begin);
            let payers = self.gathered.distinct.slide(turn.gathered.0, turn.gathered.1);
            let payees = self.scattered.distinct.slide(turn.scattered.0, turn.scattered.1);
            if payers < payers_min || !(payees_min..=options.payees_max).contains(&payees) {
                continue;
            }
            if !meter.passes(turn.gathered.1 - turn.gathered.0 + turn.scattered.1 - turn.scattered.0) {
                return Vec::new();
            }
            let sums = (self.gathered.sum(turn.gathered), self.scattered.sum(turn.scattered));
            if !options.passed_on.holds_sums(sums.0, sums.1) {
                continue;
            }
            windows.push(Window {
                begin: self.gathered.counted[turn.gathered.0].place,
                end: self.scattered.counted[turn.scattered.1 - 1].place,
                rank: (payers.min(payees), payers + payees),
                at: turns.len(),
            });
            turns.push(turn);
        }
        disjoint(windows).iter().map(|window| turns[window.at]).collect()
    }

    fn instance(&self, typology: Typology, account: u32, turn: Turn) -> Instance {
        let gathered = &self.gathered.counted[turn.gathered.0..turn.gathered.1];
        let scattered = &self.scattered.counted[turn.scattered.0..turn.scattered.1];
        let members = gathered
            .iter()
            .map(|entry| (0, entry.neighbor, Role::Source))
            .chain([(1, account, Role::Middle)])
            .chain(scattered.iter().map(|entry| (2, entry.neighbor, Role::Sink)));
        let places = gathered.iter().chain(scattered).map(|entry| entry.place);
        Instance::new(self.transfers, typology, members, places)
    }
}

/// The payments of an account in one direction that count.
struct Half {
    direction: Direction,
    counted: Vec<Entry>,
    distinct: Distinct,
    /// Amounts summed up, one more than payments; empty if no condition asks for sums.
    sums: Vec<i128>,
    /// For each payment its currency, and the first of those before it without a break that have the same one.
    currencies: Vec<(u16, u32)>,
}

impl Half {
    fn new(direction: Direction) -> Self {
        let (counted, distinct, sums, currencies) = (Vec::new(), Distinct::default(), Vec::new(), Vec::new());
        Self { direction, counted, distinct, sums, currencies }
    }

    /// Takes the payments of another account; whether they have enough counterparties.
    fn load(
        &mut self,
        transfers: &Transfers,
        entries: &[Entry],
        least: u32,
        options: &ThroughOptions,
    ) -> bool {
        let money = |entry: &Entry| transfers.amount(self.direction, entry.place);
        self.counted.clear();
        self.counted
            .extend(entries.iter().copied().filter(|entry| money(entry).amount >= options.amount_min));
        self.distinct.load(self.counted.iter().map(|entry| entry.neighbor));
        if self.distinct.total() < least as usize {
            return false;
        }
        self.sums.clear();
        self.currencies.clear();
        if options.passed_on != Kept::ANY {
            self.sums.push(0);
            for (at, entry) in self.counted.iter().enumerate() {
                let money = money(entry);
                let since = match self.currencies.last() {
                    Some(&(currency, since)) if currency == money.currency => since,
                    _ => at as u32,
                };
                self.currencies.push((money.currency, since));
                self.sums.push(self.sums[at] + i128::from(money.amount));
            }
        }
        true
    }

    /// The sum of a range that is not empty, if it is of one currency, and that currency.
    fn sum(&self, (begin, end): (usize, usize)) -> Option<(i128, u16)> {
        let &(currency, since) = self.currencies.get(end - 1)?;
        (since as usize <= begin).then(|| (self.sums[end] - self.sums[begin], currency))
    }
}
