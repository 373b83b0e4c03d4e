//! Groups: members one by one, then the window that holds the most of them.
//!
//! # Method
//! A strand is a member and one payment of each of the group's transfers that agree with one another. Strands are found from the account
//! with the fewest payments in the time that is left; a sweep over windows of time then counts members. Around known accounts a group is the best
//! window; where a pattern begins with a group, windows are taken until too few members are left, none with a payment of another.

use super::names::Limits;
use super::plan::{Plan, Side, is_portion};
use super::query::{self, Measure};
use super::search::{Bounds, Found, Search};
use super::windows::{Best, Spans, best};
use crate::ids::NONE;
use std::cmp::Reverse;

/// Members with their payments.
#[derive(Default)]
pub(super) struct Strands {
    pub(super) members: Vec<u32>,
    /// Of each strand one for each transfer of the group.
    places: Vec<u32>,
    /// Of each strand the accounts that were not known before.
    centers: Vec<u32>,
}

impl Search<'_, '_> {
    /// Finds accounts that a group alone joins with known ones, and goes on with each of them.
    pub(super) fn through_group(&mut self) {
        let is_known = |side: &Side| self.accounts[side.center] != NONE;
        let joins = |&&group: &&usize| {
            let sides = self.plan.sides(group);
            sides.iter().any(is_known) && !sides.iter().all(is_known)
        };
        let group = *self.plan.groups.iter().find(joins).expect("a pattern hangs together");
        let mut unknown: Vec<usize> = self
            .plan
            .sides(group)
            .iter()
            .map(|side| side.center)
            .filter(|&center| self.accounts[center] == NONE)
            .collect();
        unknown.sort_unstable();
        unknown.dedup();
        let Some(strands) = self.strands(group, &unknown) else { return };
        let mut members: Vec<(&[u32], u32)> =
            strands.centers.chunks(unknown.len()).zip(strands.members.iter().copied()).collect();
        members.sort_unstable();
        members.dedup();
        let least = self.plan.query.nodes[group].group.map_or(2, |group| group.least as usize);
        for joined in members.chunk_by(|one, next| one.0 == next.0).filter(|joined| joined.len() >= least) {
            let num_bound = unknown
                .iter()
                .zip(joined[0].0)
                .take_while(|&(&node, &account)| self.bind(node, account))
                .count();
            if num_bound == unknown.len() {
                self.step();
            }
            unknown[..num_bound].iter().for_each(|&node| self.accounts[node] = NONE);
        }
    }

    /// The strands of a group; of `unknown` accounts each strand brings its own. `None` if the budget ended before all were found.
    fn strands(&mut self, group: usize, unknown: &[usize]) -> Option<Strands> {
        let mut sides = self.plan.sides(group).to_vec();
        let known = |side: &Side| {
            let account = self.accounts[side.center];
            (account != NONE)
                .then(|| self.during(side.transfer, (side.center, account), self.reach(side.transfer)))
        };
        // The side with the fewest payments first, then those of known accounts; places are in the order of sides before that.
        let order = |side: &Side| known(side).map_or(usize::MAX, |entries| entries.len());
        sides.sort_by_key(|side| (order(side), side.transfer));
        let entries = known(&sides[0]).expect("a group is reached from a known account");
        let mut strands = Strands::default();
        let mut drawn = Drawn { group, unknown, sides, places: Vec::new(), member: NONE };
        for entry in entries {
            if !self.meter.spend(1) {
                return None;
            }
            let is_taken = self.members.iter().any(|members| members.binary_search(&entry.neighbor).is_ok());
            if !is_taken && self.can_join(group, entry.neighbor) && self.can_be_strand(&drawn, entry.place) {
                drawn.member = entry.neighbor;
                drawn.places.push(entry.place);
                self.draw(&mut drawn, &mut strands)?;
                drawn.places.pop();
            }
        }
        Some(strands)
    }

    /// Where payments of a group's transfer can lie, by what is known.
    fn reach(&self, transfer: usize) -> Bounds {
        let mut bounds = self.bounds(transfer);
        if let Some((first, last)) = self.extent() {
            bounds.low = bounds.low.max(last.saturating_sub(self.plan.query.within_us));
            bounds.high = bounds.high.min(first.saturating_add(self.plan.query.within_us));
        }
        bounds
    }

    /// The times of the first and last payment of a choice, if all single payments are chosen and there is any.
    fn extent(&self) -> Option<(i64, i64)> {
        let is_chosen = self.plan.singles.iter().all(|&transfer| self.bundles[transfer].len() == 1);
        let places = || self.bundles.iter().flatten().copied();
        match (is_chosen, places().min(), places().max()) {
            (true, Some(first), Some(last)) => {
                Some((self.plan.transfers.time(first), self.plan.transfers.time(last)))
            }
            _ => None,
        }
    }

    /// Whether a payment can be the next of a strand.
    fn can_be_strand(&self, drawn: &Drawn<'_>, place: u32) -> bool {
        let transfer = drawn.sides[drawn.places.len()].transfer;
        let within_us = self.plan.query.nodes[drawn.group].group.and_then(|group| group.within_us);
        let within_us = within_us.unwrap_or(self.plan.query.within_us);
        let time = |place: u32| self.plan.transfers.time(place);
        self.plan.fits(transfer, place)
            && drawn.sides.iter().zip(&drawn.places).all(|(side, &other)| {
                time(place).saturating_sub(time(other)).saturating_abs() <= within_us
                    && (!self.plan.is_linked(transfer, side.transfer)
                        || self.plan.agree((transfer, place), (side.transfer, other)))
            })
            // Of the transfers that are known, every payment is asked; those of a bundle that is not chosen from, only one.
            && self.bundles.iter().enumerate().all(|(other, places)| {
                let (Some(&first), Some(&last)) = (places.first(), places.last()) else { return true };
                if !self.plan.is_linked(transfer, other) {
                    return true;
                }
                match self.plan.query.group_of(other) {
                    Some(_) => {
                        self.plan.ordered((transfer, place), (other, first))
                            && self.plan.ordered((transfer, place), (other, last))
                    }
                    None => places.iter().any(|&one| self.plan.agree_on_group((transfer, place), (other, one))),
                }
            })
    }

    /// Adds the strands that begin as `drawn` does.
    fn draw(&mut self, drawn: &mut Drawn<'_>, strands: &mut Strands) -> Option<()> {
        let Some(&Side { transfer, center }) = drawn.sides.get(drawn.places.len()) else {
            strands.members.push(drawn.member);
            let places = self.plan.sides(drawn.group).iter().map(|side| {
                let at = drawn.sides.iter().position(|other| other.transfer == side.transfer);
                drawn.places[at.expect("every side has a payment")]
            });
            strands.places.extend(places);
            strands.centers.extend(drawn.unknown.iter().map(|&node| self.accounts[node]));
            return Some(());
        };
        let span = self.reach(transfer);
        let account = self.accounts[center];
        if account != NONE {
            let (from, _) = self.ends(transfer);
            let (payer, payee) =
                if from == center { (account, drawn.member) } else { (drawn.member, account) };
            let (entries, other) = self.among(transfer, payer, payee, span);
            if !self.meter.spend(1 + entries.len() as u64) {
                return None;
            }
            for entry in entries.iter().filter(|entry| entry.neighbor == other) {
                if self.can_be_strand(drawn, entry.place) {
                    drawn.places.push(entry.place);
                    self.draw(drawn, strands)?;
                    drawn.places.pop();
                }
            }
            return Some(());
        }
        let entries = self.during(transfer, (drawn.group, drawn.member), span);
        if !self.meter.spend(1) || !self.meter.passes(entries.len()) {
            return Some(());
        }
        if !self.meter.spend(entries.len() as u64) {
            return None;
        }
        for entry in entries {
            if entry.neighbor != drawn.member
                && self.can_be_strand(drawn, entry.place)
                && self.can_beside(drawn, center, entry.neighbor)
            {
                self.accounts[center] = entry.neighbor;
                drawn.places.push(entry.place);
                let goes_on = self.draw(drawn, strands);
                drawn.places.pop();
                self.accounts[center] = NONE;
                goes_on?;
            }
        }
        Some(())
    }

    /// Whether `account` can be the `center` of a group that `drawn` has a member of.
    fn can_beside(&self, drawn: &Drawn<'_>, center: usize, account: u32) -> bool {
        self.can_join(center, account)
            && self.plan.query.sharings.iter().zip(&self.plan.uses).all(|(sharing, uses)| {
                (sharing.who, sharing.with) != (drawn.group, Some(center))
                    || uses.share(drawn.member, account)
            })
    }

    /// Looks for the groups from `number` on around what is known, and keeps what has them all.
    pub(super) fn groups(&mut self, number: usize) {
        let Some(&group) = self.plan.groups.get(number) else {
            self.record();
            return;
        };
        let Some(strands) = self.strands(group, &[]) else { return };
        let transfers: Vec<usize> = self.plan.sides(group).iter().map(|side| side.transfer).collect();
        let is_anchor = number == 0 && self.plan.singles.is_empty();
        let mut left = vec![strands];
        while let Some(strands) = left.pop() {
            let Some(best) = self.window(group, &strands, transfers.len()) else { continue };
            let mut members: Vec<u32> = best.strands.iter().map(|&at| strands.members[at]).collect();
            members.sort_unstable();
            members.dedup();
            self.members[group] = members;
            for (side, &transfer) in transfers.iter().enumerate() {
                let places = best.strands.iter().map(|&at| strands.places[at * transfers.len() + side]);
                let mut places: Vec<u32> = places.collect();
                places.sort_unstable();
                places.dedup();
                self.bundles[transfer] = places;
            }
            self.groups(number + 1);
            if is_anchor && transfers.len() == 1 && self.common(group).is_none() {
                // Windows that begin before this one end before it does: what is before it and what is after it know nothing of each other.
                let time = |place: u32| self.plan.transfers.time(place);
                left.push(strands.filtered(|places| time(places[0]) < best.start));
                left.push(strands.filtered(|places| time(places[0]) > best.end));
            } else if is_anchor {
                let is_taken = |place: &u32| {
                    transfers.iter().any(|&transfer| self.bundles[transfer].binary_search(place).is_ok())
                };
                left.push(strands.filtered(|places| !places.iter().any(is_taken)));
            }
            self.members[group].clear();
            transfers.iter().for_each(|&transfer| self.bundles[transfer].clear());
        }
    }

    /// The sharing that names one identifier for all members of a group.
    fn common(&self, group: usize) -> Option<usize> {
        self.plan.query.sharings.iter().position(|sharing| sharing.who == group && sharing.with.is_none())
    }

    /// The strands of the best window, if enough members have one; of all that is left, if the budget allows to look.
    fn window(&mut self, group: usize, strands: &Strands, num_sides: usize) -> Option<Best> {
        let Plan { query, transfers, .. } = self.plan;
        let rule = query.nodes[group].group?;
        let times: Vec<(i64, i64)> = strands
            .places
            .chunks(num_sides)
            .map(|places| {
                let (first, last) = (places.iter().min(), places.iter().max());
                (
                    first.map_or(0, |&place| transfers.time(place)),
                    last.map_or(0, |&place| transfers.time(place)),
                )
            })
            .collect();
        let spans = Spans {
            within_us: rule.within_us.unwrap_or(query.within_us),
            pattern_us: query.within_us,
            extent: self.extent(),
        };
        let least = rule.least as usize;
        if !self.meter.spend(times.len() as u64) {
            return None;
        }
        let Some(common) = self.common(group) else {
            let all: Vec<usize> = (0..times.len()).collect();
            return best(&all, &times, &strands.members, &spans).filter(|best| best.num_members >= least);
        };
        // One window for every identifier.
        let uses = &self.plan.uses[common];
        let mut by_identifier: Vec<(u32, usize)> = Vec::new();
        for (at, &member) in strands.members.iter().enumerate() {
            by_identifier.extend(uses.of(member).iter().map(|&identifier| (identifier, at)));
        }
        if !self.meter.spend(by_identifier.len() as u64) {
            return None;
        }
        by_identifier.sort_unstable();
        let windows = by_identifier.chunk_by(|one, next| one.0 == next.0).filter_map(|same| {
            let same: Vec<usize> = same.iter().map(|&(_, at)| at).collect();
            best(&same, &times, &strands.members, &spans)
        });
        // Of equal ones the first, which is that of the smallest identifier.
        let windows = windows.filter(|best| best.num_members >= least);
        windows.min_by_key(|best| (Reverse(best.num_members), best.start))
    }

    /// Keeps what was found, if its amounts are as they have to be.
    fn record(&mut self) {
        if !self.sums_hold() {
            return;
        }
        let accounts = self.accounts.iter().zip(&self.members);
        let accounts =
            accounts.map(|(&account, members)| if account == NONE { members.clone() } else { vec![account] });
        self.found.push(Found { accounts: accounts.collect(), places: self.bundles.clone(), ways: 1 });
    }

    /// Whether totals, and amounts compared with totals, are in their ranges.
    fn sums_hold(&self) -> bool {
        let Plan { query, transfers, .. } = self.plan;
        let paid = |transfer: usize| sum(self.bundles[transfer].iter().map(|&place| transfers.paid(place)));
        let received =
            |transfer: usize| sum(self.bundles[transfer].iter().map(|&place| transfers.received(place)));
        query.transfers.iter().enumerate().all(|(number, transfer)| {
            let total_fits = self.plan.totals[number].is_none_or(|Limits { least, most, currency }| {
                paid(number).is_some_and(|(sum, of)| {
                    of == currency
                        && sum >= i128::from(least)
                        && (most == i64::MAX || sum <= i128::from(most))
                })
            });
            total_fits
                && transfer.amounts.iter().all(|amount| {
                    let query::Bounds::Portion(range, of) = &amount.bounds else { return true };
                    let holds = |part: Option<(i128, u16)>| match (part, received(*of)) {
                        (Some(part), Some(whole)) => {
                            part.1 == whole.1 && is_portion(range.least, range.most, part.0, whole.0)
                        }
                        _ => false,
                    };
                    let group = query.group_of(*of);
                    match amount.measure {
                        Measure::Total => holds(paid(number)),
                        // Payments of one member were compared one by one, and so were those with a single one.
                        Measure::Amount if group.is_none() || group == query.group_of(number) => true,
                        Measure::Amount => self.bundles[number].iter().all(|&place| {
                            let paid = transfers.paid(place);
                            holds(Some((i128::from(paid.amount), paid.currency)))
                        }),
                    }
                })
        })
    }
}

/// The sum of amounts, if they are of one currency.
fn sum(amounts: impl Iterator<Item = crate::patterns::money::Money>) -> Option<(i128, u16)> {
    amounts.map(|money| Some((i128::from(money.amount), money.currency))).reduce(|sum, next| {
        let ((sum, currency), (next, other)) = (sum?, next?);
        (currency == other).then_some((sum + next, currency))
    })?
}

/// A strand that is being drawn.
struct Drawn<'n> {
    group: usize,
    unknown: &'n [usize],
    sides: Vec<Side>,
    /// A payment for each of the first sides.
    places: Vec<u32>,
    member: u32,
}

impl Strands {
    /// Those whose payments are as asked; all must have the same number of them.
    fn filtered(&self, stays: impl Fn(&[u32]) -> bool) -> Self {
        let num_sides = self.places.len() / self.members.len().max(1);
        let mut left = Strands::default();
        for (&member, places) in self.members.iter().zip(self.places.chunks(num_sides.max(1))) {
            if stays(places) {
                left.members.push(member);
                left.places.extend_from_slice(places);
            }
        }
        left
    }
}
