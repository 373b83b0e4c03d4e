//! The densest set of a weighted graph, nearer with each round.
//!
//! # Method
//! The first round is [`peeling()`](super::peeling()). Each further round peels again, where a node brings along as a
//! load what its removals cost in the rounds before; so nodes that went too early go later. The densest set seen in
//! any round is kept. Nodes outside of the core at the density of the first round cannot be in the densest set, and
//! are left out of the other rounds.
//!
//! The largest load, divided by the rounds, is at least the density of the densest set of all: the loads share out
//! the weight of every edge between its ends. Where this bound meets the density found, the search stops: it is
//! the densest.
//!
//! # Cost
//! Time O(m log n) for the first round, and the same in the core for each other; sequential.
//!
//! # Source
//! Boob, Gao, Peng, Sawlani, Tsourakakis, Wang, Wang: Flowless: extracting densest subgraphs without flow
//! computations, WWW 2020. Sukprasert, Liu, Dhulipala, Shun: Practical parallel algorithms for near-optimal densest
//! subgraphs on massive graphs, ALENEX 2024.

use super::density::Density;
use super::peeling::{DenseSet, densest_from, peel};
use crate::error::{Error, Result};
use crate::graph::project::{Rows, rows::narrowest};
use crate::ids::NONE;
use crate::run::Run;

/// Options of [`densest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DensestOptions {
    /// Most rounds; 1 to 1,000. One round is Charikar's peeling.
    pub rounds_max: u32,
}

impl Default for DensestOptions {
    fn default() -> Self {
        Self { rounds_max: 16 }
    }
}

/// The densest set found, and how far it can be from the densest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Densest {
    /// The set.
    pub set: DenseSet,
    /// No set is denser than this.
    pub bound: Density,
    /// Rounds that were made.
    pub rounds: u32,
}

/// The densest set of nodes of an undirected graph that rounds of peeling find; at least half as dense as the densest.
///
/// # Errors
/// [`Error::Option`] if an option is outside its range; [`Error::Limit`] if the weights times the rounds go beyond
/// 2^63; [`Error::Cancelled`].
///
/// # Examples
/// ```
/// use ringfence::community::{DensestOptions, densest};
/// use ringfence::graph::project::Rows;
/// let triangle_and_tail = Rows::undirected(4, &[(0, 1, 2), (1, 2, 2), (0, 2, 2), (2, 3, 1)]);
/// let found = densest(&triangle_and_tail, &DensestOptions::default(), &ringfence::Run::new())?;
/// assert_eq!((found.set.members, found.set.density.value()), (vec![0, 1, 2], 2.0));
/// assert_eq!(found.bound, found.set.density); // no set is denser
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn densest(rows: &Rows, options: &DensestOptions, run: &Run) -> Result<Densest> {
    let rounds_max = options.rounds_max;
    if !(1..=1_000).contains(&rounds_max) {
        return Err(Error::Option {
            name: "rounds_max",
            value: rounds_max.to_string(),
            allowed: "1 to 1000",
        });
    }
    let nodes = 0..rows.num_nodes() as u32;
    let weight: u128 = nodes.clone().map(|node| u128::from(rows.strength(node))).sum();
    let limit = u64::MAX / 2 / u64::from(rounds_max);
    if weight > limit.into() {
        let found = u64::try_from(weight).unwrap_or(u64::MAX);
        return Err(Error::Limit {
            what: "sum of the weights",
            found,
            limit,
            remedy: "divide them, or make fewer rounds",
        });
    }
    run.stage("densest set", nodes.len() as u64);
    let first = peel(rows, |_| 0, |_| 0, run)?;
    let mut best = first.densest();
    // From the first node that costs as much as the density, everyone left is in the core at the density.
    let within = |cost: u64| i128::from(cost) * best.density.nodes as i128 >= best.density.weight;
    let begin = first.costs.iter().position(|&cost| within(cost)).unwrap_or(first.order.len());
    let mut core = first.order[begin..].to_vec();
    core.sort_unstable();
    let (inner, numbers) = induced(rows, &core);
    let mut loads = vec![0_u64; core.len()];
    let charge = |loads: &mut [u64], node: u32, cost: u64| loads[node as usize] += cost;
    for (&node, &cost) in first.order[begin..].iter().zip(&first.costs[begin..]) {
        charge(&mut loads, numbers[node as usize], cost);
    }
    let bound = |loads: &[u64], rounds: u32| {
        let largest = loads.iter().copied().max().unwrap_or(0);
        Density { weight: largest.into(), nodes: rounds.into() }
    };
    let mut rounds = 1;
    let mut least_bound = bound(&loads, rounds);
    while rounds < rounds_max && least_bound > best.density {
        run.stage("densest set", core.len() as u64);
        let peeling = peel(&inner, |_| 0, |node| loads[node as usize], run)?;
        let (begin, density) = densest_from(&peeling.costs);
        if density > best.density {
            let mut members: Vec<u32> =
                peeling.order[begin..].iter().map(|&node| core[node as usize]).collect();
            members.sort_unstable();
            best = DenseSet { members, density };
        }
        peeling.order.iter().zip(&peeling.costs).for_each(|(&node, &cost)| charge(&mut loads, node, cost));
        rounds += 1;
        least_bound = least_bound.min(bound(&loads, rounds));
    }
    Ok(Densest { set: best, bound: least_bound, rounds })
}

/// The rows between `nodes`, which are ascending, numbered by their places; and for each node of `rows` its place.
fn induced(rows: &Rows, nodes: &[u32]) -> (Rows, Vec<u32>) {
    let mut numbers = vec![NONE; rows.num_nodes()];
    nodes.iter().enumerate().for_each(|(number, &node)| numbers[node as usize] = number as u32);
    let (mut offsets, mut neighbors, mut weights) = (vec![0], Vec::new(), Vec::new());
    for &node in nodes {
        for (neighbor, weight) in rows.entries(node) {
            if numbers[neighbor as usize] != NONE {
                neighbors.push(numbers[neighbor as usize]);
                weights.push(weight);
            }
        }
        offsets.push(neighbors.len());
    }
    (Rows::new(offsets, neighbors, narrowest(weights)), numbers)
}
