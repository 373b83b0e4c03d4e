//! A query in terms of one graph: amounts in minor units, who can be whom, who shares what, and where a search begins.
//!
//! # Method
//! Whoever lacks an attribute, or a payment that a name asks for, cannot bear the name: accounts are struck off by attributes first
//! and then by their payments, in a few rounds, each one name's accounts by those of its neighbours. What a name asks for, a large
//! amount, say, so thins out the names around it, before any path is followed.

use super::names::{Limits, Names};
use super::query::{Bounds, Measure, Query, Transfer};
use super::sharing::Uses;
use crate::error::Result;
use crate::graph::View;
use crate::patterns::transfers::{Entry, Transfers};
use crate::run::Run;
use rayon::prelude::*;

/// Accounts that one task looks at.
const ACCOUNTS_PER_TASK: usize = 1 << 12;

/// Most rounds of striking off.
const ROUNDS_MAX: usize = 3;

/// A transfer of a group, and the account beside the group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    pub(super) transfer: usize,
    pub(super) center: usize,
}

/// A query made ready.
pub(super) struct Plan<'a> {
    pub(super) query: &'a Query,
    pub(super) transfers: &'a Transfers,
    /// By transfer: what each payment must come to.
    amounts: Vec<Option<Limits>>,
    /// By transfer: what all payments together must come to.
    pub(super) totals: Vec<Option<Limits>>,
    /// By node: the accounts that can bear the name.
    domains: Vec<Vec<bool>>,
    /// By sharing: who uses which identifiers.
    pub(super) uses: Vec<Uses>,
    /// Transfers between single accounts.
    pub(super) singles: Vec<usize>,
    /// By place: the first one within the pattern's window before it; empty without single transfers.
    pub(super) earliest: Vec<u32>,
    /// Groups, in the order of the text.
    pub(super) groups: Vec<usize>,
    /// Single transfers that no other one has to come after: those whose payment can be the latest.
    pub(super) last: Vec<usize>,
    /// By node: the transfers of a group, in the order of the text.
    sides: Vec<Vec<Side>>,
    /// By two transfers: whether something is asked of a payment of one and a payment of the other.
    linked: Vec<Vec<bool>>,
}

impl<'a> Plan<'a> {
    /// Checks what the query names against the graph.
    pub(super) fn new(
        view: &View<'_>,
        query: &'a Query,
        transfers: &'a Transfers,
        names: Names,
        run: &Run,
    ) -> Result<Self> {
        let num_transfers = query.transfers.len();
        let groups = (0..query.nodes.len()).filter(|&node| query.is_group(node)).collect();
        let singles: Vec<usize> =
            (0..num_transfers).filter(|&transfer| query.group_of(transfer).is_none()).collect();
        let is_before = |transfer: usize, other: usize| {
            query.transfers[other].after.iter().any(|after| after.transfer == transfer)
        };
        let last = singles
            .iter()
            .copied()
            .filter(|&transfer| !singles.iter().any(|&other| is_before(transfer, other)));
        let last = last.collect();
        let linked = (0..num_transfers)
            .map(|one| (0..num_transfers).map(|other| is_linked(query, one, other)).collect());
        let linked = linked.collect();
        let domains = names.bearers(view, run)?;
        let uses = names.kinds.iter().map(|&kind| Uses::new(view, kind, run)).collect::<Result<_>>()?;
        let mut plan = Self {
            query,
            transfers,
            amounts: names.amounts,
            totals: names.totals,
            domains: Vec::new(),
            uses,
            earliest: if singles.is_empty() { Vec::new() } else { earliest(transfers, query.within_us) },
            singles,
            groups,
            last,
            sides: (0..query.nodes.len()).map(|node| sides(query, node)).collect(),
            linked,
        };
        plan.domains = domains;
        plan.strike_off(run)?;
        Ok(plan)
    }

    /// Strikes off accounts without a payment that their name asks for, until none is or [`ROUNDS_MAX`] rounds are over.
    fn strike_off(&mut self, run: &Run) -> Result<()> {
        let num_accounts = self.transfers.num_accounts() as usize;
        run.stage("accounts", (num_accounts * self.query.nodes.len()) as u64);
        for _ in 0..ROUNDS_MAX {
            let mut struck = 0;
            for node in 0..self.query.nodes.len() {
                let before = std::mem::take(&mut self.domains[node]);
                let this = &*self;
                let after: Result<Vec<Vec<bool>>> = run.install(|| {
                    let task = |(task, accounts): (usize, &[bool])| {
                        run.check()?;
                        let first = task * ACCOUNTS_PER_TASK;
                        let stays =
                            |(at, &can): (usize, &bool)| can && this.can_pay(node, (first + at) as u32);
                        Ok(accounts.iter().enumerate().map(stays).collect())
                    };
                    before.par_chunks(ACCOUNTS_PER_TASK).enumerate().map(task).collect()
                });
                let after = after?.concat();
                struck += before.iter().zip(&after).filter(|(before, after)| before != after).count();
                self.domains[node] = after;
            }
            if struck == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Whether `account` has a payment for every transfer of `node`.
    fn can_pay(&self, node: usize, account: u32) -> bool {
        self.query.transfers.iter().enumerate().all(|(transfer, Transfer { from, to, .. })| {
            let (entries, other) = match (*from == node, *to == node) {
                (true, _) => (self.transfers.out(account), *to),
                (_, true) => (self.transfers.incoming(account), *from),
                _ => return true,
            };
            entries.iter().any(|entry| self.can_be(other, entry.neighbor) && self.fits(transfer, entry.place))
        })
    }

    /// Whether an account can bear the name of a node, by itself.
    #[inline]
    pub(super) fn can_be(&self, node: usize, account: u32) -> bool {
        // Empty while the node's own accounts are looked at, and no transfer leads from a node to itself.
        self.domains[node][account as usize]
    }

    /// Whether a payment can be one of a transfer, by itself.
    #[inline]
    pub(super) fn fits(&self, transfer: usize, place: u32) -> bool {
        self.amounts[transfer].is_none_or(|limits| {
            let paid = self.transfers.paid(place);
            paid.currency == limits.currency && (limits.least..=limits.most).contains(&paid.amount)
        })
    }

    /// The transfers of a group, in the order of the text.
    pub(super) fn sides(&self, group: usize) -> &[Side] {
        &self.sides[group]
    }

    /// The payments that `account` makes or receives as `node` in `transfer`.
    #[inline]
    pub(super) fn entries(&self, transfer: usize, node: usize, account: u32) -> &'a [Entry] {
        match self.query.transfers[transfer].from == node {
            true => self.transfers.out(account),
            false => self.transfers.incoming(account),
        }
    }

    /// Whether something is asked of a payment of one transfer and a payment of the other.
    #[inline]
    pub(super) fn is_linked(&self, one: usize, other: usize) -> bool {
        self.linked[one][other]
    }

    /// Whether payments of two transfers are in the order that is asked.
    #[inline]
    pub(super) fn ordered(&self, one: (usize, u32), other: (usize, u32)) -> bool {
        self.follows(one, other) && self.follows(other, one)
    }

    /// Whether the payment of `later` comes after that of `earlier` as it has to, if it has to.
    fn follows(&self, later: (usize, u32), earlier: (usize, u32)) -> bool {
        let after = self.query.transfers[later.0].after.iter().find(|after| after.transfer == earlier.0);
        after.is_none_or(|after| {
            let gap = self.transfers.time(later.1).saturating_sub(self.transfers.time(earlier.1));
            self.transfers.follows(self.query.ties, earlier.1, later.1)
                && after
                    .gap_us
                    .is_none_or(|(least, most)| least.is_none_or(|least| gap >= least) && gap <= most)
        })
    }

    /// Whether two payments can belong to one choice: in order, the asked part of one another, and not the same.
    pub(super) fn agree(&self, one: (usize, u32), other: (usize, u32)) -> bool {
        one.1 != other.1 && self.ordered(one, other) && self.is_part(one, other) && self.is_part(other, one)
    }

    /// As [`agree`](Self::agree) for a payment of a group and a single one, which is compared with the group's total later.
    pub(super) fn agree_on_group(&self, of_group: (usize, u32), single: (usize, u32)) -> bool {
        self.ordered(of_group, single) && self.is_part(of_group, single)
    }

    fn is_part(&self, part: (usize, u32), whole: (usize, u32)) -> bool {
        self.query.transfers[part.0].amounts.iter().all(|amount| match &amount.bounds {
            Bounds::Portion(range, of) if *of == whole.0 && amount.measure == Measure::Amount => {
                let (paid, received) = (self.transfers.paid(part.1), self.transfers.received(whole.1));
                paid.currency == received.currency
                    && is_portion(
                        range.least,
                        range.most,
                        i128::from(paid.amount),
                        i128::from(received.amount),
                    )
            }
            _ => true,
        })
    }
}

/// For each place the first one that is no more than `within_us` earlier.
fn earliest(transfers: &Transfers, within_us: i64) -> Vec<u32> {
    let mut first = 0;
    let earliest = |place: u32| {
        let since = transfers.time(place).saturating_sub(within_us);
        while transfers.time(first) < since {
            first += 1;
        }
        first
    };
    (0..transfers.num_places() as u32).map(earliest).collect()
}

/// Whether `part` is from `least` to `most` thousandths of `whole`.
pub(super) fn is_portion(least: Option<u32>, most: Option<u32>, part: i128, whole: i128) -> bool {
    let times = |permille: u32| whole.saturating_mul(i128::from(permille));
    let part = part.saturating_mul(1000);
    least.is_none_or(|least| part >= times(least)) && most.is_none_or(|most| part <= times(most))
}

fn sides(query: &Query, group: usize) -> Vec<Side> {
    let side = |(transfer, &Transfer { from, to, .. }): (usize, &Transfer)| match (from == group, to == group)
    {
        (true, _) => Some(Side { transfer, center: to }),
        (_, true) => Some(Side { transfer, center: from }),
        _ => None,
    };
    query.transfers.iter().enumerate().filter_map(side).collect()
}

/// Whether something is asked of a payment of one transfer and a payment of the other.
fn is_linked(query: &Query, one: usize, other: usize) -> bool {
    let asks = |one: usize, other: usize| {
        let Transfer { after, amounts, .. } = &query.transfers[one];
        after.iter().any(|after| after.transfer == other)
            || amounts.iter().any(|amount| matches!(amount.bounds, Bounds::Portion(_, of) if of == other))
    };
    let ends = |transfer: usize| (query.transfers[transfer].from, query.transfers[transfer].to);
    one != other && (asks(one, other) || asks(other, one) || ends(one) == ends(other))
}
