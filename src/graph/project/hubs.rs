//! Hubs: accounts with so many neighbours that they say nothing of any of them, and what happens to their pairs.
//!
//! An employer, a payment processor or an exchange joins thousands who do not know each other. An account with more than
//! `neighbors_max` neighbours is a hub. Its pairs are cut, damped, or kept where they are significant; whatever is done, the hub
//! is listed. Accounts and identifiers on a list of allowed ones join nobody at all.
//!
//! # Method
//! *Damped*: the weight of a pair is divided by `degree / neighbors_max` of its ends that are hubs, so that a hub's strength is as
//! if it had `neighbors_max` neighbours; at least 1 stays. *Significant*: if transfers found their ends at random, each in proportion to
//! the number of its transfers, the number between `u` and `v` would follow Poisson's law with mean `s_u s_v / 2W`; a pair of a hub
//! stays if so many or more have a probability below `alpha` divided by the number of pairs tested (Bonferroni).
//!
//! # Cost
//! Time O(m) for m pairs; memory for a second copy of the rows where there is a hub.
//!
//! # Source
//! Tumminello et al.: Statistically validated networks in bipartite complex systems, PLoS ONE 6(3), 2011, for the test of pairs;
//! Poisson's law in place of the hypergeometric one, whose limit it is for few transfers among many.

use super::rows::{Rows, narrowest};
use super::{Nodes, ProjectOptions};
use crate::error::Result;
use crate::ids::{AccountId, IdentifierId};
use crate::run::Run;
use rayon::prelude::*;

/// What happens to the pairs of a hub.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum HubRule {
    /// It has none.
    #[default]
    Cut,
    /// They weigh less.
    Damp,
    /// Those stay that chance does not explain.
    Significant {
        /// Probability of keeping any pair of all that chance alone made, between 0 and 1.
        alpha: f64,
    },
}

/// An account or an identifier that a rule was applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hub {
    /// Which.
    pub node: HubNode,
    /// How many neighbours the account has, or accounts the identifier.
    pub degree: u32,
    /// How many of them it still joins.
    pub kept: u32,
    /// Whether it is on a list of allowed ones.
    pub allowed: bool,
}

/// What can be a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HubNode {
    /// An account.
    Account(AccountId),
    /// An identifier.
    Identifier(IdentifierId),
}

/// Applies the rule for hubs to undirected rows; returns what is left, and the accounts it was applied to.
pub(super) fn rule(
    rows: Rows,
    nodes: &Nodes,
    options: &ProjectOptions,
    run: &Run,
) -> Result<(Rows, Vec<Hub>)> {
    // The rows of allowed accounts are empty already.
    let allowed = options.allowed_accounts.iter().filter(|&account| nodes.node(AccountId(account)).is_some());
    let allowed = allowed.map(|account| Hub {
        node: HubNode::Account(AccountId(account)),
        degree: 0,
        kept: 0,
        allowed: true,
    });
    let mut listed: Vec<Hub> = allowed.collect();
    let most = options.neighbors_max.map_or(usize::MAX, |most| most as usize);
    let all = 0..rows.num_nodes() as u32;
    let hubs: Vec<u32> = all.clone().filter(|&node| rows.degree(node) > most).collect();
    if hubs.is_empty() {
        return Ok((rows, listed));
    }
    let judge = Judge::new(&rows, options, most, &hubs);
    let kept: Vec<Vec<(u32, u64)>> = all
        .into_par_iter()
        .map(|node| {
            if node % 4096 == 0 {
                run.check()?;
            }
            let left = rows.entries(node).map(|(other, weight)| (other, judge.weight(node, other, weight)));
            Ok(left.filter(|&(_, weight)| weight > 0).collect())
        })
        .collect::<Result<_>>()?;
    listed.extend(hubs.iter().map(|&hub| Hub {
        node: HubNode::Account(nodes.account(hub)),
        degree: rows.degree(hub) as u32,
        kept: kept[hub as usize].len() as u32,
        allowed: false,
    }));
    listed.sort_by_key(|hub| match hub.node {
        HubNode::Account(account) => account.0,
        HubNode::Identifier(_) => u32::MAX,
    });
    let mut offsets = vec![0; kept.len() + 1];
    for (node, row) in kept.iter().enumerate() {
        offsets[node + 1] = offsets[node] + row.len();
    }
    let (neighbors, weights): (Vec<u32>, Vec<u64>) = kept.into_iter().flatten().unzip();
    Ok((Rows::new(offsets, neighbors, narrowest(weights)), listed))
}

/// What a pair of a hub weighs.
struct Judge<'a> {
    rows: &'a Rows,
    rule: HubRule,
    most: usize,
    /// By account, the weight of its pairs, where the rule asks for it.
    strengths: Vec<u64>,
    /// Twice the weight of all pairs.
    total: f64,
    /// Probability below which one pair is significant.
    alpha: f64,
}

impl<'a> Judge<'a> {
    fn new(rows: &'a Rows, options: &ProjectOptions, most: usize, hubs: &[u32]) -> Self {
        let tested: usize = hubs.iter().map(|&hub| rows.degree(hub)).sum();
        let alpha = match options.hubs {
            HubRule::Significant { alpha } => alpha / tested as f64,
            HubRule::Cut | HubRule::Damp => 0.0,
        };
        let nodes = if alpha > 0.0 { 0..rows.num_nodes() as u32 } else { 0..0 };
        let strengths: Vec<u64> =
            nodes.into_par_iter().map(|node| rows.entries(node).map(|(_, weight)| weight).sum()).collect();
        let total = strengths.iter().sum::<u64>() as f64;
        Judge { rows, rule: options.hubs, most, strengths, total, alpha }
    }

    fn weight(&self, node: u32, other: u32, weight: u64) -> u64 {
        let (one, two) = (self.rows.degree(node), self.rows.degree(other));
        if one <= self.most && two <= self.most {
            return weight;
        }
        match self.rule {
            HubRule::Cut => 0,
            HubRule::Damp => {
                let damped = |weight: u128, degree: usize| {
                    if degree <= self.most { weight } else { weight * self.most as u128 / degree as u128 }
                };
                // Rounded down once per end, the same in both rows: the smaller degree first.
                let weight = damped(damped(weight.into(), one.min(two)), one.max(two));
                weight.max(1) as u64
            }
            HubRule::Significant { .. } => {
                let strength = |node: u32| self.strengths[node as usize] as f64;
                let mean = strength(node) * strength(other) / self.total;
                if poisson_tail(mean, weight) < self.alpha { weight } else { 0 }
            }
        }
    }
}

/// The probability of `least` or more under Poisson's law with a mean above 0; 1 where `least` is not above the mean.
///
/// `libm` is the same program on every machine, and so is the result.
fn poisson_tail(mean: f64, least: u64) -> f64 {
    let least = least as f64;
    if least <= mean {
        return 1.0;
    }
    let mut term = libm::exp(least * libm::log(mean) - mean - libm::lgamma(least + 1.0));
    let (mut sum, mut count) = (0.0, least);
    // Terms fall faster than a geometric series from here on.
    while term > sum * 1e-17 {
        sum += term;
        count += 1.0;
        term *= mean / count;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_of_poissons_law_are_those_of_the_tables() {
        let cases = [(1.0, 2, 0.264_241_117_657), (0.5, 1, 0.393_469_340_287), (2.0, 5, 0.052_653_017_344)];
        for (mean, least, expected) in cases.into_iter().chain([(0.1, 3, 0.000_154_653_070), (3.0, 3, 1.0)]) {
            let found = poisson_tail(mean, least);
            assert!((found - expected).abs() < 1e-11, "{mean} {least}: {found}");
        }
    }
}
