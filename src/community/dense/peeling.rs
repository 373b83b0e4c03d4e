//! The order in which a graph falls apart, and the densest set on the way.
//!
//! The weight inside a set is the sum of its edges' weights and of its nodes' priors. The node whose removal costs
//! least goes first, ties by number; the best of the sets that are left in between has at least half of the density
//! of the densest set of all.
//!
//! # Cost
//! Time O(m log n), sequential; memory 28 bytes per node.
//!
//! # Choices
//! Of sets of equal density on the way the largest is kept: of two equal blocks, both.
//!
//! # Source
//! Charikar: Greedy approximation algorithms for finding dense components in a graph, APPROX 2000.

use super::density::Density;
use crate::community::heap::Heap;
use crate::error::{Error, Result};
use crate::graph::project::Rows;
use crate::run::Run;

/// A removal of all nodes, one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peeling {
    /// The nodes in the order of removal.
    pub order: Vec<u32>,
    /// For each of these what its removal cost: its prior, and its weight with those after it.
    pub costs: Vec<u64>,
}

/// A set of nodes and its density.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenseSet {
    /// Its members, ascending.
    pub members: Vec<u32>,
    /// What lies inside over the number of members.
    pub density: Density,
}

impl Peeling {
    /// The densest of the sets passed on the way, of equal ones the largest. Time O(n).
    pub fn densest(&self) -> DenseSet {
        let (begin, density) = densest_from(&self.costs);
        let mut members = self.order[begin..].to_vec();
        members.sort_unstable();
        DenseSet { members, density }
    }

    /// Weight of the whole graph: all edges, all priors.
    pub fn weight(&self) -> u64 {
        self.costs.iter().sum()
    }
}

/// Where the densest set begins in the order of removal, and its density.
pub(super) fn densest_from(costs: &[u64]) -> (usize, Density) {
    let mut weight: i128 = costs.iter().map(|&cost| i128::from(cost)).sum();
    let mut best = (0, Density { weight, nodes: costs.len() as u64 });
    for (place, &cost) in costs.iter().enumerate() {
        let density = Density { weight, nodes: (costs.len() - place) as u64 };
        if density > best.1 {
            best = (place, density);
        }
        weight -= i128::from(cost);
    }
    best
}

/// Removes the nodes of an undirected weighted graph, always the one whose removal costs least.
///
/// `priors` gives each node a weight of its own, in units of the edges' weights; empty for none.
///
/// # Errors
/// [`Error::Input`] if the priors are not as many as the nodes, or add up to more than 2^62; [`Error::Cancelled`].
///
/// # Examples
/// ```
/// use ringfence::community::peeling;
/// use ringfence::graph::project::Rows;
/// let triangle_and_tail = Rows::undirected(4, &[(0, 1, 2), (1, 2, 2), (0, 2, 2), (2, 3, 1)]);
/// let found = peeling(&triangle_and_tail, &[], &ringfence::Run::new())?;
/// assert_eq!((&found.order[..], &found.costs[..]), (&[3, 0, 1, 2][..], &[1, 4, 2, 0][..]));
/// assert_eq!(found.densest().members, [0, 1, 2]);
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn peeling(rows: &Rows, priors: &[u64], run: &Run) -> Result<Peeling> {
    check_priors(rows, priors)?;
    run.stage("peeling", rows.num_nodes() as u64);
    peel(rows, |node| priors.get(node as usize).copied().unwrap_or(0), |_| 0, run)
}

/// Refuses priors of another number than nodes, or whose sum is too large.
pub(super) fn check_priors(rows: &Rows, priors: &[u64]) -> Result<()> {
    if !priors.is_empty() && priors.len() != rows.num_nodes() {
        let problem =
            format!("{} priors for {} nodes; give one for each, or none", priors.len(), rows.num_nodes());
        return Err(Error::input("peeling", problem));
    }
    let sum: u128 = priors.iter().map(|&prior| u128::from(prior)).sum();
    match sum > 1 << 62 {
        true => {
            Err(Error::input("peeling", format!("the priors add up to {sum}; divide them, and the weights")))
        }
        false => Ok(()),
    }
}

/// Removes the node of least load and cost together, where a load is what a node brings along.
pub(super) fn peel(
    rows: &Rows,
    prior: impl Fn(u32) -> u64,
    load: impl Fn(u32) -> u64,
    run: &Run,
) -> Result<Peeling> {
    let num_nodes = rows.num_nodes();
    let mut waiting = Heap::of(num_nodes, |node| Some(load(node) + prior(node) + rows.strength(node)));
    let mut peeling = Peeling { order: Vec::with_capacity(num_nodes), costs: Vec::with_capacity(num_nodes) };
    while let Some((key, node)) = waiting.pop() {
        if peeling.order.len().is_multiple_of(super::REMOVALS_PER_CHECK) {
            run.check()?;
            run.advance(super::REMOVALS_PER_CHECK.min(num_nodes - peeling.order.len()) as u64);
        }
        peeling.order.push(node);
        peeling.costs.push(key - load(node));
        for (neighbor, weight) in rows.entries(node) {
            if let Some(key) = waiting.key(neighbor) {
                waiting.set(neighbor, key - weight);
            }
        }
    }
    Ok(peeling)
}
