//! The search for accounts: from the latest payment back, one transfer after another.
//!
//! # Method
//! Each payment is taken as the latest one of a match. From its two accounts the pattern is followed, each time by the transfer with the
//! fewest payments in the time that is left for it; parallel payments are followed together, and those that agree with no payment of a
//! transfer already followed are left behind. Groups come last, when all accounts are known; where accounts are joined
//! by a group alone, its members lead from one to the other. A pattern of groups alone begins with the account around which
//! the first of them lies.

use super::choices::Choices;
use super::plan::Plan;
use crate::error::Result;
use crate::ids::NONE;
use crate::patterns::search::Meter;
use crate::patterns::transfers::{Entry, between};
use crate::run::Run;
use std::cmp::Reverse;
use std::ops::Range;

/// A match in places and account numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// By node.
    pub(super) accounts: Vec<Vec<u32>>,
    /// By transfer.
    pub(super) places: Vec<Vec<u32>>,
    pub(super) ways: u64,
}

/// Where payments can lie: a range of places, and of times, both ends of these included.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    begin: u32,
    end: u32,
    pub(super) low: i64,
    pub(super) high: i64,
}

/// The search of one block of accounts.
pub(super) struct Search<'a, 'm> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) meter: &'m mut Meter,
    /// By node: the account that bears the name, or [`NONE`]; groups have none.
    pub(super) accounts: Vec<u32>,
    /// By node: the members of groups that were found.
    pub(super) members: Vec<Vec<u32>>,
    /// By transfer: payments that can be meant, ascending; none while it is not followed.
    pub(super) bundles: Vec<Vec<u32>>,
    /// Place of the latest payment between single accounts, if the pattern has any.
    pub(super) closing: Option<u32>,
    /// What the current anchor gave.
    pub(super) found: Vec<Found>,
}

impl<'a, 'm> Search<'a, 'm> {
    pub(super) fn new(plan: &'a Plan<'a>, meter: &'m mut Meter) -> Self {
        let (num_nodes, num_transfers) = (plan.query.nodes.len(), plan.query.transfers.len());
        Self {
            plan,
            meter,
            accounts: vec![NONE; num_nodes],
            members: vec![Vec::new(); num_nodes],
            bundles: vec![Vec::new(); num_transfers],
            closing: None,
            found: Vec::new(),
        }
    }

    /// The matches whose anchor belongs to one of `accounts`.
    pub(super) fn accounts(mut self, accounts: Range<u32>, run: &Run) -> Result<Vec<Found>> {
        let mut all = Vec::new();
        for account in accounts.clone() {
            match self.plan.singles.is_empty() {
                true => self.around(account, &mut all),
                false => self.closed_at(account, &mut all, run)?,
            }
            if account % 64 == 0 {
                run.check()?;
            }
            if self.meter.is_exhausted() {
                self.meter.cut.accounts_left += u64::from(accounts.end - account);
                break;
            }
        }
        Ok(all)
    }

    /// Matches of groups around `account`.
    fn around(&mut self, account: u32, all: &mut Vec<Found>) {
        let group = self.plan.groups[0];
        let center = self.plan.sides(group)[0].center;
        if self.plan.can_be(center, account) {
            self.meter.next();
            self.accounts[center] = account;
            self.step();
            self.accounts[center] = NONE;
            self.keep(all);
        }
    }

    /// Matches whose latest single payment is one to `account`.
    fn closed_at(&mut self, account: u32, all: &mut Vec<Found>, run: &Run) -> Result<()> {
        for &Entry { neighbor, place } in self.plan.transfers.incoming(account) {
            let mut is_begun = false;
            for &transfer in &self.plan.last {
                let (from, to) = self.ends(transfer);
                let can = self.plan.can_be(to, account) && self.plan.can_be(from, neighbor);
                if !can || !self.plan.fits(transfer, place) {
                    continue;
                }
                if !is_begun {
                    run.check()?;
                    self.meter.next();
                    is_begun = true;
                }
                self.closing = Some(place);
                self.bundles[transfer].push(place);
                if self.bind(to, account) {
                    if self.bind(from, neighbor) {
                        self.step();
                        self.accounts[from] = NONE;
                    }
                    self.accounts[to] = NONE;
                }
                self.bundles[transfer].clear();
            }
            if is_begun {
                self.keep(all);
            }
            if self.meter.is_exhausted() {
                break;
            }
        }
        Ok(())
    }

    /// Makes one match of those that differ in the choice of single payments alone, and keeps them.
    fn keep(&mut self, all: &mut Vec<Found>) {
        let mut found = std::mem::take(&mut self.found);
        if !self.plan.singles.is_empty() && found.len() > 1 {
            let accounts = |one: &Found| -> Vec<u32> {
                let nodes = (0..one.accounts.len()).filter(|&node| !self.plan.query.is_group(node));
                nodes.map(|node| one.accounts[node][0]).collect()
            };
            let rank = |one: &Found| {
                let places: Vec<u32> =
                    self.plan.singles.iter().map(|&transfer| one.places[transfer][0]).collect();
                (Reverse(places.iter().copied().min()), places)
            };
            found.sort_by_cached_key(|one| (accounts(one), rank(one)));
            found.dedup_by(|later, kept| {
                let same = accounts(later) == accounts(kept);
                if same {
                    kept.ways = kept.ways.saturating_add(later.ways);
                }
                same
            });
        }
        found.iter().for_each(|_| self.meter.find());
        all.append(&mut found);
    }

    pub(super) fn ends(&self, transfer: usize) -> (usize, usize) {
        (self.plan.query.transfers[transfer].from, self.plan.query.transfers[transfer].to)
    }

    /// Whether `account` can bear the name of `node` beside the accounts that are known.
    pub(super) fn can_join(&self, node: usize, account: u32) -> bool {
        self.plan.can_be(node, account)
            && !self.accounts.contains(&account)
            && self.plan.query.sharings.iter().zip(&self.plan.uses).all(|(sharing, uses)| {
                let other = match sharing.with {
                    Some(with) if sharing.who == node => with,
                    Some(with) if with == node => sharing.who,
                    _ => return true,
                };
                self.accounts[other] == NONE || uses.share(account, self.accounts[other])
            })
    }

    /// Gives the name of `node` to `account`, if it can bear it.
    pub(super) fn bind(&mut self, node: usize, account: u32) -> bool {
        let can = self.can_join(node, account);
        if can {
            self.accounts[node] = account;
        }
        can
    }

    /// Where payments of a transfer can lie, by those of the transfers already followed.
    pub(super) fn bounds(&self, transfer: usize) -> Bounds {
        let time = |place: u32| self.plan.transfers.time(place);
        let mut bounds = Bounds { begin: 0, end: u32::MAX, low: i64::MIN, high: i64::MAX };
        match self.closing {
            None => {}
            Some(closing) if self.plan.query.group_of(transfer).is_none() => {
                (bounds.begin, bounds.end) = (self.plan.earliest[closing as usize], closing);
            }
            Some(closing) => {
                bounds.begin = self.plan.earliest[closing as usize];
                bounds.high = time(closing).saturating_add(self.plan.query.within_us);
            }
        }
        for (other, places) in self.bundles.iter().enumerate() {
            let (Some(&first), Some(&last)) = (places.first(), places.last()) else { continue };
            for after in
                self.plan.query.transfers[transfer].after.iter().filter(|after| after.transfer == other)
            {
                bounds.begin = bounds.begin.max(first + 1);
                if let Some((least, most)) = after.gap_us {
                    bounds.low = bounds.low.max(time(first).saturating_add(least.unwrap_or(0)));
                    bounds.high = bounds.high.min(time(last).saturating_add(most));
                }
            }
            for after in
                self.plan.query.transfers[other].after.iter().filter(|after| after.transfer == transfer)
            {
                bounds.end = bounds.end.min(last);
                if let Some((least, most)) = after.gap_us {
                    bounds.low = bounds.low.max(time(first).saturating_sub(most));
                    bounds.high = bounds.high.min(time(last).saturating_sub(least.unwrap_or(0)));
                }
            }
        }
        bounds
    }

    /// The payments of `account` as `node` in a transfer that lie within bounds.
    pub(super) fn during(
        &self,
        transfer: usize,
        (node, account): (usize, u32),
        bounds: Bounds,
    ) -> &'a [Entry] {
        let mut entries =
            between(self.plan.entries(transfer, node, account), bounds.begin, bounds.end.max(bounds.begin));
        let time = |entry: &Entry| self.plan.transfers.time(entry.place);
        if bounds.low > i64::MIN {
            entries = &entries[entries.partition_point(|entry| time(entry) < bounds.low)..];
        }
        if bounds.high < i64::MAX {
            entries = &entries[..entries.partition_point(|entry| time(entry) <= bounds.high)];
        }
        entries
    }

    /// Goes on by the transfer that has the fewest payments, or by a group, or is at the end.
    pub(super) fn step(&mut self) {
        let is_known = |node: usize| self.accounts[node] != NONE;
        let mut best: Option<(usize, usize, usize)> = None;
        for &transfer in self.plan.singles.iter().filter(|&&transfer| self.bundles[transfer].is_empty()) {
            let (from, to) = self.ends(transfer);
            let rank = match (is_known(from), is_known(to)) {
                (true, true) => (0, transfer, from),
                (false, false) => continue,
                (from_is, _) => {
                    let node = if from_is { from } else { to };
                    let entries = self.during(transfer, (node, self.accounts[node]), self.bounds(transfer));
                    (1 + entries.len(), transfer, node)
                }
            };
            best = Some(best.map_or(rank, |best| best.min(rank)));
        }
        match best {
            Some((0, transfer, _)) => self.check(transfer),
            Some((_, transfer, node)) => self.expand(transfer, node),
            None if (0..self.accounts.len())
                .any(|node| !is_known(node) && !self.plan.query.is_group(node)) =>
            {
                self.through_group();
            }
            None => self.finish(),
        }
    }

    /// Whether a payment can be one of a transfer, beside those of the transfers already followed.
    fn can_be_of(&self, transfer: usize, place: u32) -> bool {
        self.closing.is_none_or(|closing| place < closing)
            && self.plan.fits(transfer, place)
            && self.bundles.iter().enumerate().all(|(other, places)| {
                places.is_empty()
                    || !self.plan.is_linked(transfer, other)
                    || places.iter().any(|&one| self.plan.agree((transfer, place), (other, one)))
            })
    }

    /// The payments of a transfer between accounts that are both known.
    pub(super) fn among(&self, transfer: usize, from: u32, to: u32, span: Bounds) -> (&'a [Entry], u32) {
        let ends = self.ends(transfer);
        let (out, incoming) =
            (self.during(transfer, (ends.0, from), span), self.during(transfer, (ends.1, to), span));
        if out.len() <= incoming.len() { (out, to) } else { (incoming, from) }
    }

    /// Follows a transfer between two known accounts.
    fn check(&mut self, transfer: usize) {
        let (from, to) = self.ends(transfer);
        let (entries, other) =
            self.among(transfer, self.accounts[from], self.accounts[to], self.bounds(transfer));
        if !self.meter.spend(1 + entries.len() as u64) {
            return;
        }
        let places =
            entries.iter().filter(|entry| entry.neighbor == other && self.can_be_of(transfer, entry.place));
        let places: Vec<u32> = places.map(|entry| entry.place).collect();
        if !places.is_empty() {
            self.bundles[transfer] = places;
            self.step();
            self.bundles[transfer].clear();
        }
    }

    /// Follows a transfer from its known account `node` to every account at its other end.
    fn expand(&mut self, transfer: usize, node: usize) {
        let (from, to) = self.ends(transfer);
        let other = if node == from { to } else { from };
        let entries = self.during(transfer, (node, self.accounts[node]), self.bounds(transfer));
        if !self.meter.spend(1)
            || !self.meter.passes(entries.len())
            || !self.meter.spend(entries.len() as u64)
        {
            return;
        }
        let can =
            |entry: &&Entry| self.plan.can_be(other, entry.neighbor) && self.can_be_of(transfer, entry.place);
        let mut entries: Vec<Entry> = entries.iter().filter(can).copied().collect();
        entries.sort_unstable();
        for parallel in entries.chunk_by(|one, next| one.neighbor == next.neighbor) {
            if self.bind(other, parallel[0].neighbor) {
                self.bundles[transfer] = parallel.iter().map(|entry| entry.place).collect();
                self.step();
                self.bundles[transfer].clear();
                self.accounts[other] = NONE;
            }
        }
    }

    /// All accounts are known and all single transfers followed.
    fn finish(&mut self) {
        if !self.plan.groups.is_empty() {
            let bundles = self.bundles.clone();
            self.choose(&bundles, 0);
            self.bundles = bundles;
            return;
        }
        let bundles: Vec<(usize, Vec<u32>)> = self.bundles.iter().cloned().enumerate().collect();
        let mut choices = Choices { plan: self.plan, meter: self.meter };
        let Some(ways) = choices.count(&bundles).filter(|&ways| ways > 0) else { return };
        let Some(places) = choices.witness(&bundles) else { return };
        self.found.push(Found {
            accounts: self.accounts.iter().map(|&account| vec![account]).collect(),
            places: places.into_iter().map(|place| vec![place]).collect(),
            ways,
        });
    }

    /// Tries every choice of single payments, and looks for the groups around each.
    fn choose(&mut self, bundles: &[Vec<u32>], number: usize) {
        let Some(&transfer) = self.plan.singles.get(number) else {
            self.groups(0);
            return;
        };
        let before = &self.plan.singles[..number];
        for &place in &bundles[transfer] {
            if !self.meter.spend(1) {
                return;
            }
            let agrees = before.iter().all(|&other| {
                !self.plan.is_linked(transfer, other)
                    || self.plan.agree((transfer, place), (other, self.bundles[other][0]))
            });
            if agrees {
                self.bundles[transfer] = vec![place];
                self.choose(bundles, number + 1);
            }
        }
    }
}
