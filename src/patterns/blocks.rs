//! Bipartite blocks: some accounts that each pay most of some others; and stacks, whose payees pay on to a third layer.
//!
//! # Definition
//! The block of a payer and a window of its payments (as fans choose windows): the payees are those it pays in the window, the payers are all
//! others that pay at least `payees_min` of them in it, and itself. Payers of fewer than `payees_min` and payees of fewer than
//! `payers_min` go, as long as there are any. As long as some account is tied with a smaller share of the other side than
//! `share_permille`, the one with the smallest share goes, of equal ones a payee before a payer, then the one with the higher id, and those that now have too few go with it.
//! What is left is an instance if both sides are large enough. Its payments are those from the payers to the payees in the window.
//!
//! With `sinks_min` above 0, a third layer is needed: the accounts outside of the block that at least `share_permille` of the payees, and two
//! at least, pay after their first payment from the block, until twice `span_us` after the first payment of all.
//!
//! # Method
//! From every payer; the payers of a block find it one after another, and one of these instances stays.
//!
//! # Cost
//! For each payer the payments that its payees receive in the window, and the square of the block's accounts at worst; bounded by
//! [`Budget::anchor_work_max`]. Payees that receive more than [`Budget::hub_max`] in the window are left out.
//!
//! # Source
//! Bipartite and stack: Altman et al., NeurIPS 2023, §3.2. Peeling to a share of both sides: own.

use super::budget::{Budget, Cut};
use super::fans::{FanOptions, Fans};
use super::instances::{Instance, Role};
use super::search::{Meter, by_account};
use super::settings::{self, at_least};
use super::tally::Tally;
use super::transfers::{Direction, Entry, Transfers, between};
use super::typology::Typology;
use super::windows::Distinct;
use crate::error::{Error, Result};
use crate::run::Run;
use crate::units::time::DAY_US;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Options of [`Typology::Bipartite`] and [`Typology::Stack`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockOptions {
    /// Longest time between the first payment of a layer and the last, in microseconds, at least 1.
    #[serde(rename = "span_s", with = "settings::seconds")]
    pub span_us: i64,
    /// Fewest payers, at least 2.
    pub payers_min: u32,
    /// Fewest payees, at least 2.
    pub payees_min: u32,
    /// Fewest accounts of a third layer; 0 asks for none.
    pub sinks_min: u32,
    /// Of the other side, every account is tied with at least so many thousandths, 1 to 1,000.
    pub share_permille: u32,
    /// Least amount of a payment that counts, in minor units (with rates in units of value), at least 0.
    pub amount_min: i64,
    /// How much may be done.
    #[serde(flatten)]
    pub budget: Budget,
}

impl Default for BlockOptions {
    fn default() -> Self {
        Self {
            span_us: 5 * DAY_US,
            payers_min: 2,
            payees_min: 2,
            sinks_min: 0,
            share_permille: 800,
            amount_min: 0,
            budget: Budget::default(),
        }
    }
}

impl BlockOptions {
    pub(super) fn check(&self) -> Result<()> {
        at_least("span_s", self.span_us, 1, "more than 0")?;
        at_least("payers_min", self.payers_min.into(), 2, "at least 2")?;
        at_least("payees_min", self.payees_min.into(), 2, "at least 2")?;
        at_least("amount_min", self.amount_min, 0, "at least 0")?;
        if !(1..=1_000).contains(&self.share_permille) {
            let (name, value) = ("share_permille", self.share_permille.to_string());
            return Err(Error::Option { name, value, allowed: "1 to 1000" });
        }
        self.budget.check()
    }

    /// Whether `part` of `whole` is the share that an account must be tied with.
    fn is_share(&self, part: usize, whole: usize) -> bool {
        part as u64 * 1_000 >= whole as u64 * u64::from(self.share_permille)
    }
}

/// The blocks from every payer.
pub(super) fn blocks(
    transfers: &Transfers,
    typology: Typology,
    options: &BlockOptions,
    run: &Run,
) -> Result<(Vec<Instance>, Cut)> {
    let fan = FanOptions {
        span_us: options.span_us,
        counterparties_min: options.payees_min,
        amount_min: options.amount_min,
        ..FanOptions::default()
    };
    let reach = &transfers.reach(options.span_us);
    by_account(transfers, Direction::Out, &options.budget, run, typology.name(), || {
        let (direction, counted, distinct) = (Direction::Out, Vec::new(), Distinct::default());
        let mut payers = Tally::default();
        let mut seeds = Fans { transfers, direction, options: &fan, counted, distinct };
        move |payer, meter: &mut Meter, found: &mut Vec<Instance>| {
            for (begin, end) in seeds.windows(payer, meter) {
                let first = seeds.counted[begin].place;
                let window = transfers.same_time(first)..reach[first as usize];
                let payees = seeds.counted[begin..end].iter().map(|entry| entry.neighbor);
                let search = Block { transfers, options, typology, window };
                let Some(edges) = search.edges(payees.collect(), &mut payers, meter) else { return };
                found.extend(search.instance(edges, meter));
            }
        }
    })
}

/// A payment from a payer to a payee.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    payer: u32,
    payee: u32,
    place: u32,
}

struct Block<'a> {
    transfers: &'a Transfers,
    options: &'a BlockOptions,
    typology: Typology,
    /// Places.
    window: Range<u32>,
}

impl Block<'_> {
    /// The payments to `payees` in the window of all who pay enough of them, sorted; None if the budget is used up.
    fn edges(&self, mut payees: Vec<u32>, payers: &mut Tally, meter: &mut Meter) -> Option<Vec<Edge>> {
        let (transfers, options) = (self.transfers, self.options);
        payees.sort_unstable();
        payees.dedup();
        let is_payee = |account: u32| payees.binary_search(&account).is_ok();
        let received = |payee: u32| between(transfers.incoming(payee), self.window.start, self.window.end);
        let counts = |entry: &Entry| {
            options.amount_min == 0 || transfers.paid(entry.place).amount >= options.amount_min
        };
        // Who can be a payer: far fewer than pay somebody, so that few payments are kept and sorted.
        payers.clear();
        for &payee in &payees {
            let received = received(payee);
            if !meter.passes(received.len()) {
                continue;
            }
            if !meter.spend(received.len() as u64) {
                return None;
            }
            received.iter().filter(|entry| counts(entry)).for_each(|entry| payers.add(entry.neighbor, payee));
        }
        let mut edges = Vec::new();
        for &payee in &payees {
            let received = received(payee);
            if received.len() <= options.budget.hub_max as usize {
                let pays = |entry: &&Entry| {
                    payers.count(entry.neighbor) >= options.payees_min
                        && counts(entry)
                        && !is_payee(entry.neighbor)
                };
                let edge = |entry: &Entry| Edge { payer: entry.neighbor, payee, place: entry.place };
                edges.extend(received.iter().filter(pays).map(edge));
            }
        }
        edges.sort_unstable();
        Some(edges)
    }

    /// What peeling leaves of `edges`, if it is enough.
    fn instance(&self, edges: Vec<Edge>, meter: &mut Meter) -> Option<Instance> {
        let options = self.options;
        let sides = Sides::new(&edges).peel(options, meter)?;
        let kept: Vec<Edge> = edges.into_iter().filter(|edge| sides.has(edge)).collect();
        let mut members: Vec<(u32, u32, Role)> = Vec::new();
        let is_stack = options.sinks_min > 0;
        let payee = if is_stack { Role::Middle } else { Role::Sink };
        members.extend(kept.iter().flat_map(|edge| [(0, edge.payer, Role::Source), (1, edge.payee, payee)]));
        let mut places: Vec<u32> = kept.iter().map(|edge| edge.place).collect();
        if is_stack {
            let layer = self.third_layer(&sides, &kept, meter)?;
            members.extend(layer.iter().map(|edge| (2, edge.payee, Role::Sink)));
            places.extend(layer.iter().map(|edge| edge.place));
        }
        Some(Instance::new(self.transfers, self.typology, members, places))
    }

    /// The payments from the payees of a block to a third layer, if it is large enough.
    fn third_layer(&self, sides: &Sides, block: &[Edge], meter: &mut Meter) -> Option<Vec<Edge>> {
        let (transfers, options) = (self.transfers, self.options);
        let span_us = options.span_us.saturating_mul(2);
        let until = transfers.time(self.window.start).saturating_add(span_us);
        let mut firsts: Vec<(u32, u32)> = block.iter().map(|edge| (edge.payee, edge.place)).collect();
        firsts.sort_unstable();
        firsts.dedup_by_key(|first| first.0);
        let mut edges = Vec::new();
        for &(payer, first) in &firsts {
            let out = transfers.out(payer);
            let begin = out.partition_point(|entry| entry.place <= first);
            let end = begin + out[begin..].partition_point(|entry| transfers.time(entry.place) <= until);
            if !meter.passes(end - begin) {
                continue;
            }
            if !meter.spend((end - begin) as u64) {
                return None;
            }
            let outside = |entry: &&Entry| {
                transfers.paid(entry.place).amount >= options.amount_min
                    && sides.payers.position(entry.neighbor).is_none()
                    && sides.payees.position(entry.neighbor).is_none()
            };
            let paid = out[begin..end].iter().filter(outside);
            // By sink: who pays whom is turned round for the sort.
            edges.extend(paid.map(|entry| Edge { payer: entry.neighbor, payee: payer, place: entry.place }));
        }
        edges.sort_unstable();
        let mut layer = Vec::new();
        let mut sinks = 0;
        for edges in edges.chunk_by(|a, b| a.payer == b.payer) {
            let payers = edges.chunk_by(|a, b| a.payee == b.payee).count();
            if payers >= 2 && options.is_share(payers, firsts.len()) {
                sinks += 1;
                layer.extend(edges.iter().map(|edge| Edge { payer: edge.payee, payee: edge.payer, ..*edge }));
            }
        }
        (sinks >= options.sinks_min).then_some(layer)
    }
}

/// One side of a block.
struct Side {
    /// Accounts, sorted; those that are gone too.
    accounts: Vec<u32>,
    /// By account: its ties to those of the other side that are left.
    ties: Vec<Vec<u32>>,
    left: Vec<bool>,
    degrees: Vec<u32>,
    num_left: usize,
}

impl Side {
    fn new(mut accounts: Vec<u32>) -> Self {
        accounts.sort_unstable();
        accounts.dedup();
        let len = accounts.len();
        Self {
            accounts,
            ties: vec![Vec::new(); len],
            left: vec![true; len],
            degrees: vec![0; len],
            num_left: len,
        }
    }

    /// Where an account that is left stands.
    fn position(&self, account: u32) -> Option<usize> {
        self.accounts.binary_search(&account).ok().filter(|&at| self.left[at])
    }

    /// The account that is left with the fewest ties, of equal ones the highest.
    fn least(&self) -> Option<(u32, usize)> {
        let left = (0..self.accounts.len()).rev().filter(|&at| self.left[at]);
        left.map(|at| (self.degrees[at], at)).min_by_key(|&(degree, _)| degree)
    }
}

struct Sides {
    payers: Side,
    payees: Side,
}

impl Sides {
    fn new(edges: &[Edge]) -> Self {
        let mut payers = Side::new(edges.iter().map(|edge| edge.payer).collect());
        let mut payees = Side::new(edges.iter().map(|edge| edge.payee).collect());
        for edges in edges.chunk_by(|a, b| (a.payer, a.payee) == (b.payer, b.payee)) {
            if let (Some(payer), Some(payee)) =
                (payers.position(edges[0].payer), payees.position(edges[0].payee))
            {
                payers.ties[payer].push(payee as u32);
                payees.ties[payee].push(payer as u32);
                payers.degrees[payer] += 1;
                payees.degrees[payee] += 1;
            }
        }
        Self { payers, payees }
    }

    /// Removes accounts until all have their share; None if a side becomes too small or the budget is used up.
    fn peel(mut self, options: &BlockOptions, meter: &mut Meter) -> Option<Self> {
        let (payers_min, payees_min) = (options.payers_min, options.payees_min);
        loop {
            let (num_payers, num_payees) = (self.payers.num_left, self.payees.num_left);
            if num_payers < payers_min as usize || num_payees < payees_min as usize {
                return None;
            }
            if !meter.spend((num_payers + num_payees) as u64) {
                return None;
            }
            let (payer_degree, payer) = self.payers.least()?;
            let (payee_degree, payee) = self.payees.least()?;
            // Whoever has too few ties at all goes first; then whoever has the smallest share of the other side,
            // degree / size, compared without division.
            let payer_is_least = match (payer_degree < payees_min, payee_degree < payers_min) {
                (true, false) => true,
                (_, true) => false,
                _ => {
                    u64::from(payer_degree) * (num_payers as u64)
                        < u64::from(payee_degree) * num_payees as u64
                }
            };
            let (side, other, at, degree, size, least) = match payer_is_least {
                true => (&mut self.payers, &mut self.payees, payer, payer_degree, num_payees, payees_min),
                false => (&mut self.payees, &mut self.payers, payee, payee_degree, num_payers, payers_min),
            };
            if degree >= least && options.is_share(degree as usize, size) {
                return Some(self);
            }
            side.left[at] = false;
            side.num_left -= 1;
            for &tie in &side.ties[at] {
                other.degrees[tie as usize] -= 1;
            }
        }
    }

    /// Whether both ends of an edge are left.
    fn has(&self, edge: &Edge) -> bool {
        self.payers.position(edge.payer).is_some() && self.payees.position(edge.payee).is_some()
    }
}
