//! Gathering the rows of a projection from transfers and identifiers.

use super::super::View;
use super::super::links::{IdentifierGroups, identifier_groups};
use super::super::sweep::Sweep;
use super::hubs::{Hub, HubNode};
use super::rows::{Rows, Weights};
use super::{Nodes, Over, ProjectOptions, Weight};
use crate::error::{Error, Result};
use crate::ids::{AccountId, IdentifierId, NONE, TxId};
use crate::run::Run;
use rayon::prelude::*;
use std::ops::Range;

/// Accounts per task.
const ACCOUNTS_PER_TASK: usize = 1 << 12;

/// Which ends of an account's transfers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// Whom it pays and who pays it.
    Both,
    /// Whom it pays.
    Out,
    /// Who pays it.
    In,
}

/// All that rows are gathered from.
pub(super) struct Gather<'a, 'g> {
    view: &'a View<'g>,
    nodes: &'a Nodes,
    /// By account, its node; none where accounts are nodes.
    numbers: Option<Vec<u32>>,
    options: &'a ProjectOptions,
    sweep: Sweep<'g>,
    shared: Option<Shared>,
    run: &'a Run,
}

/// Rows of the accounts of one task: where each ends, and entries.
struct Part {
    ends: Vec<usize>,
    neighbors: Vec<u32>,
    weights: Weights,
}

impl<'a, 'g> Gather<'a, 'g> {
    pub(super) fn new(
        view: &'a View<'g>,
        nodes: &'a Nodes,
        options: &'a ProjectOptions,
        run: &'a Run,
    ) -> Result<Self> {
        let shared = match options.over {
            Over::Transfers => None,
            Over::Identifiers | Over::Both => Some(Shared::new(view, options, run)?),
        };
        let numbers = view.accounts().is_some().then(|| {
            let mut numbers = vec![NONE; view.graph().num_accounts() as usize];
            (0..nodes.len() as u32).for_each(|node| numbers[nodes.account(node).index()] = node);
            numbers
        });
        Ok(Gather { view, nodes, numbers, options, sweep: Sweep::new(view)?, shared, run })
    }

    /// Identifiers that join nobody because too many accounts share them, or because they may be shared.
    pub(super) fn identifier_hubs(&self) -> Vec<Hub> {
        self.shared.iter().flat_map(|shared| shared.hubs.iter().copied()).collect()
    }

    /// The rows of all accounts.
    pub(super) fn rows(&self, ends: Ends) -> Result<Rows> {
        let num_nodes = self.nodes.len();
        self.run.stage("projection", num_nodes as u64);
        let parts: Vec<Part> = (0..num_nodes.div_ceil(ACCOUNTS_PER_TASK))
            .into_par_iter()
            .map(|task| {
                self.run.check()?;
                let first = task * ACCOUNTS_PER_TASK;
                let nodes = first..(first + ACCOUNTS_PER_TASK).min(num_nodes);
                let len = nodes.len() as u64;
                let counted = self.options.weight == Weight::Count && self.shared.is_none();
                let part = if counted && self.options.unit() == 1 {
                    self.count(nodes, ends)
                } else {
                    self.weigh(nodes, ends)?
                };
                self.run.advance(len);
                Ok(part)
            })
            .collect::<Result<_>>()?;
        join(num_nodes, parts)
    }

    /// Rows of transfers that are counted: neighbours alone say everything.
    fn count(&self, nodes: Range<usize>, ends: Ends) -> Part {
        let (mut row_ends, mut neighbors, mut weights) =
            (Vec::with_capacity(nodes.len()), Vec::new(), Vec::new());
        let mut row: Vec<u32> = Vec::new();
        for account in nodes.map(|node| self.nodes.account(node as u32).0) {
            if self.joins(account) {
                row.clear();
                if ends != Ends::In {
                    self.sweep.out(AccountId(account)).for_each(|slice| row.extend_from_slice(slice));
                }
                if ends != Ends::Out {
                    self.sweep.incoming(AccountId(account)).for_each(|slice| row.extend_from_slice(slice));
                }
                row.sort_unstable();
                for same in row.chunk_by(|a, b| a == b) {
                    let neighbor = same[0];
                    if neighbor != account && self.joins(neighbor) {
                        neighbors.push(self.number(neighbor));
                        weights.push((same.len() as u32).saturating_mul(self.options.transfers_weight));
                    }
                }
            }
            row_ends.push(neighbors.len());
        }
        Part { ends: row_ends, neighbors, weights: Weights::Narrow(weights) }
    }

    /// Rows of whatever joins accounts.
    fn weigh(&self, nodes: Range<usize>, ends: Ends) -> Result<Part> {
        let (mut row_ends, mut neighbors, mut weights) =
            (Vec::with_capacity(nodes.len()), Vec::new(), Vec::new());
        let mut row: Vec<(u32, u64)> = Vec::new();
        for account in nodes.map(|node| self.nodes.account(node as u32).0) {
            if self.joins(account) {
                row.clear();
                if self.options.over.transfers() {
                    self.transfers(account, ends, &mut row)?;
                }
                if let Some(shared) = &self.shared {
                    shared.of(account, &mut row);
                }
                row.sort_unstable();
                for same in row.chunk_by(|a, b| a.0 == b.0) {
                    let (neighbor, sum) =
                        (same[0].0, same.iter().fold(0_u64, |sum, &(_, weight)| sum.saturating_add(weight)));
                    if neighbor != account && sum > 0 && self.joins(neighbor) {
                        neighbors.push(self.number(neighbor));
                        weights.push(sum);
                    }
                }
            }
            row_ends.push(neighbors.len());
        }
        Ok(Part { ends: row_ends, neighbors, weights: Weights::Wide(weights) })
    }

    fn transfers(&self, account: u32, ends: Ends, row: &mut Vec<(u32, u64)>) -> Result<()> {
        let unit = self.options.unit() * u64::from(self.options.transfers_weight);
        let account = AccountId(account);
        let out = (ends != Ends::In).then(|| self.view.out(account)).into_iter().flatten();
        let incoming = (ends != Ends::Out).then(|| self.view.incoming(account)).into_iter().flatten();
        for slice in out.chain(incoming) {
            let slice = slice?;
            for (&neighbor, &transaction) in slice.neighbors.iter().zip(slice.transactions) {
                let value = self.value(TxId(slice.base.0 + u64::from(transaction)))?;
                row.push((neighbor, value.saturating_mul(unit)));
            }
        }
        Ok(())
    }

    /// What a transfer weighs.
    fn value(&self, id: TxId) -> Result<u64> {
        let (segment, row) = match self.options.weight {
            Weight::Count => return Ok(1),
            Weight::LogAmount | Weight::Amount(_) => self.view.graph().locate(id)?,
        };
        let columns = &segment.transactions;
        let paid = u64::try_from(columns.amount.get(row)?).unwrap_or(0);
        match self.options.weight {
            Weight::Amount(currency) if columns.currency.get(row)? != currency.0 => Ok(0),
            Weight::Amount(_) => Ok(paid),
            Weight::Count | Weight::LogAmount => Ok(log2_sixteenths(paid.saturating_add(1))),
        }
    }

    /// The node of an account that joins others.
    #[inline]
    fn number(&self, account: u32) -> u32 {
        self.numbers.as_ref().map_or(account, |numbers| numbers[account as usize])
    }

    /// Whether an account joins others at all.
    #[inline]
    fn joins(&self, account: u32) -> bool {
        let allowed = &self.options.allowed_accounts;
        self.view.contains(AccountId(account)) && (allowed.is_empty() || !allowed.contains(account))
    }
}

/// The logarithm to the base 2 in sixteenths, by straight lines between powers of 2, rounded down; `value` is at least 1.
fn log2_sixteenths(value: u64) -> u64 {
    let whole = value.ilog2();
    let fraction = match whole.checked_sub(4) {
        Some(shift) => value >> shift,
        None => value << (4 - whole),
    };
    u64::from(whole) * 16 + (fraction & 15)
}

/// Identifiers that join accounts, by account and by identifier.
struct Shared {
    groups: IdentifierGroups,
    /// By group, what it counts for two of its accounts; 0 if it joins nobody.
    weights: Vec<u64>,
    /// By account, where its groups begin in `memberships`.
    offsets: Vec<usize>,
    memberships: Vec<u32>,
    hubs: Vec<Hub>,
}

impl Shared {
    fn new(view: &View<'_>, options: &ProjectOptions, run: &Run) -> Result<Self> {
        let groups = identifier_groups(view, run)?;
        let mut allowed: Vec<IdentifierId> = options.allowed_identifiers.clone();
        allowed.sort_unstable();
        let (mut weights, mut hubs) = (Vec::with_capacity(groups.len()), Vec::new());
        let mut offsets = vec![0; view.graph().num_accounts() as usize + 1];
        let whole = options.unit() * u64::from(options.identifiers_weight);
        for (identifier, uses) in groups.iter() {
            let is_allowed = allowed.binary_search(&identifier).is_ok();
            let joins = !is_allowed && uses.len() <= options.accounts_max as usize;
            weights.push(match uses.len() {
                len if joins && len > 1 => (whole / (len as u64 - 1)).max(1),
                _ => 0,
            });
            if !joins {
                let degree = uses.len() as u32;
                hubs.push(Hub {
                    node: HubNode::Identifier(identifier),
                    degree,
                    kept: 0,
                    allowed: is_allowed,
                });
            } else if uses.len() > 1 {
                uses.iter().for_each(|each| offsets[each.account.index() + 1] += 1);
            }
        }
        for account in 1..offsets.len() {
            offsets[account] += offsets[account - 1];
        }
        let mut next = offsets.clone();
        let mut memberships = vec![0; offsets.last().copied().unwrap_or_default()];
        for (group, (_, uses)) in groups.iter().enumerate().filter(|&(group, _)| weights[group] > 0) {
            for each in uses {
                let place = &mut next[each.account.index()];
                memberships[*place] = group as u32;
                *place += 1;
            }
        }
        Ok(Shared { groups, weights, offsets, memberships, hubs })
    }

    /// Adds everybody who shares an identifier with an account, once for each.
    fn of(&self, account: u32, row: &mut Vec<(u32, u64)>) {
        let range = self.offsets[account as usize]..self.offsets[account as usize + 1];
        for &group in &self.memberships[range] {
            let weight = self.weights[group as usize];
            row.extend(self.groups.uses(group as usize).iter().map(|each| (each.account.0, weight)));
        }
    }
}

/// Joins the rows of all tasks.
fn join(num_nodes: usize, parts: Vec<Part>) -> Result<Rows> {
    let total: u128 = parts.par_iter().map(|part| sum(&part.weights)).sum();
    if total >= 1 << 63 {
        return Err(Error::Limit {
            what: "weight of a projection, both directions together",
            found: u64::try_from(total).unwrap_or(u64::MAX),
            limit: i64::MAX as u64,
            remedy: "weigh by count or by the logarithm of amounts",
        });
    }
    let len = parts.iter().map(|part| part.neighbors.len()).sum();
    let mut offsets = Vec::with_capacity(num_nodes + 1);
    let mut base = 0;
    offsets.push(0);
    for part in &parts {
        offsets.extend(part.ends.iter().map(|end| base + end));
        base += part.neighbors.len();
    }
    let mut neighbors = vec![0; len];
    fill(&mut neighbors, &parts, |part, slice| slice.copy_from_slice(&part.neighbors));
    let weights = if u32::try_from(total).is_ok() {
        let mut weights = vec![0_u32; len];
        fill(&mut weights, &parts, |part, slice| match &part.weights {
            Weights::Narrow(weights) => slice.copy_from_slice(weights),
            Weights::Wide(weights) => {
                slice.iter_mut().zip(weights).for_each(|(narrow, &weight)| *narrow = weight as u32);
            }
        });
        Weights::Narrow(weights)
    } else {
        let mut weights = vec![0_u64; len];
        fill(&mut weights, &parts, |part, slice| match &part.weights {
            Weights::Narrow(weights) => {
                slice.iter_mut().zip(weights).for_each(|(wide, &weight)| *wide = weight.into());
            }
            Weights::Wide(weights) => slice.copy_from_slice(weights),
        });
        Weights::Wide(weights)
    };
    Ok(Rows::new(offsets, neighbors, weights))
}

fn sum(weights: &Weights) -> u128 {
    match weights {
        Weights::Narrow(weights) => weights.iter().map(|&weight| u128::from(weight)).sum(),
        Weights::Wide(weights) => weights.iter().map(|&weight| u128::from(weight)).sum(),
    }
}

/// Gives every part its slice of `all`, in parallel.
fn fill<T: Send>(all: &mut [T], parts: &[Part], copy: impl Fn(&Part, &mut [T]) + Sync) {
    let mut slices = Vec::with_capacity(parts.len());
    let mut rest = all;
    for part in parts {
        let (slice, after) = std::mem::take(&mut rest).split_at_mut(part.neighbors.len());
        slices.push(slice);
        rest = after;
    }
    slices.into_par_iter().zip(parts).for_each(|(slice, part)| copy(part, slice));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_exact_at_powers_of_two_and_rise_between() {
        for power in 0..64 {
            assert_eq!(log2_sixteenths(1 << power), power * 16);
        }
        assert_eq!((log2_sixteenths(3), log2_sixteenths(24), log2_sixteenths(31)), (24, 72, 79));
        assert!((1..5000).is_sorted_by_key(log2_sixteenths));
    }
}
