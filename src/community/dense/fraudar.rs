//! Fraudar: blocks of senders and receivers that camouflage cannot hide.
//!
//! Fraudulent senders that share receivers make a dense block, and can hide by also paying popular receivers. Therefore
//! an edge to a receiver with d senders counts 1 / ln(d + 5), with d of the whole graph: edges to the popular add
//! little, and no edge that a sender of the block adds makes the block less dense.
//!
//! # Method
//! The density of a block is the sum of its edges and of its nodes' priors over its number of nodes. Peeling of senders
//! and receivers together finds a block of at least half of the largest density. For several blocks, the edges
//! inside the block found, and the priors of its nodes, are taken away, and what is left is peeled again.
//!
//! # Cost
//! Time O(m log n) per block, sequential; memory 40 bytes per edge, 36 per node.
//!
//! # Choices
//! Weights of edges are whole numbers of 2^-32, computed by whole numbers alone: the same block on every machine. d
//! stays that of the whole graph for all blocks, so that a receiver does not gain weight by being found. Ties go to
//! senders before receivers, then by number.
//!
//! # Source
//! Hooi, Song, Beutel, Shah, Shin, Faloutsos: FRAUDAR: bounding graph fraud in the face of camouflage, KDD 2016.

use super::density::Density;
use super::peeling::peel;
use crate::community::shape::transposes;
use crate::error::{Error, Result};
use crate::graph::project::{Rows, rows::narrowest};
use crate::run::Run;

/// Units of a weight of 1 in [`FraudBlock::density`]: 2^32.
pub const FRAUDAR_UNIT: u64 = 1 << 32;

/// Largest prior, in edges of weight 1.
const PRIOR_MAX: f64 = (1 << 20) as f64;

/// Options of [`fraudar`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FraudarOptions {
    /// Most blocks to find; at least 1.
    pub blocks_max: u32,
    /// Whether an edge counts, and makes its receiver popular, as often as its weight says; else once.
    pub weighted: bool,
}

impl Default for FraudarOptions {
    fn default() -> Self {
        Self { blocks_max: 1, weighted: false }
    }
}

/// How suspicious nodes are by themselves, in edges of weight 1: 0 to 2^20 each; empty for none at all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Priors<'a> {
    /// One per sender.
    pub senders: &'a [f64],
    /// One per receiver.
    pub receivers: &'a [f64],
}

/// A block of senders and receivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FraudBlock {
    /// Senders, ascending.
    pub senders: Vec<u32>,
    /// Receivers, ascending.
    pub receivers: Vec<u32>,
    /// Edges and priors inside, in units of 2^-32, over the number of senders and receivers.
    pub density: Density,
}

impl FraudBlock {
    /// The density in edges of weight 1.
    pub fn score(&self) -> f64 {
        self.density.value() / FRAUDAR_UNIT as f64
    }
}

/// The densest blocks of a graph from senders to receivers, in the order they were found; fewer if no edge is left.
///
/// `senders` holds the rows of the senders, `receivers` those of the receivers. An account that sends and receives is
/// a node on both sides.
///
/// # Errors
/// [`Error::Option`] for no blocks; [`Error::Input`] if the two cannot be the rows of one graph, or priors are not one
/// per node and in range; [`Error::Limit`] if all weights together go beyond 2^62 units; [`Error::Cancelled`].
///
/// # Examples
/// ```
/// use ringfence::community::{FraudarOptions, Priors, fraudar};
/// use ringfence::graph::project::Rows;
/// // Senders 0, 1 share receivers 0, 1; all of 0 to 4 pay the popular receiver 2.
/// let pairs = [(0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1), (0, 2, 1), (1, 2, 1), (2, 2, 1), (3, 2, 1), (4, 2, 1)];
/// let senders = Rows::bipartite(5, &pairs);
/// let found = fraudar(&senders, &senders.transposed(3), Priors::default(), &FraudarOptions::default(), &ringfence::Run::new())?;
/// assert_eq!((&found[0].senders[..], &found[0].receivers[..]), (&[0, 1][..], &[0, 1, 2][..]));
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn fraudar(
    senders: &Rows,
    receivers: &Rows,
    priors: Priors,
    options: &FraudarOptions,
    run: &Run,
) -> Result<Vec<FraudBlock>> {
    if options.blocks_max == 0 {
        return Err(Error::Option { name: "blocks_max", value: "0".into(), allowed: "at least 1" });
    }
    transposes("fraudar", senders, receivers, receivers.num_nodes())?;
    let (num_senders, num_receivers) = (senders.num_nodes(), receivers.num_nodes());
    let mut node_priors = units_of("senders", priors.senders, num_senders)?;
    node_priors.extend(units_of("receivers", priors.receivers, num_receivers)?);
    let columns = column_weights(receivers, options.weighted, &node_priors)?;
    let times = |weight: u64| if options.weighted { weight } else { 1 };
    let mut edges: Vec<(u32, u32, u64)> = (0..num_senders as u32)
        .flat_map(|sender| senders.entries(sender).map(move |(to, weight)| (sender, to, weight)))
        .map(|(sender, to, weight)| (sender, to, times(weight) * columns[to as usize]))
        .collect();
    let mut blocks = Vec::new();
    while blocks.len() < options.blocks_max as usize && !edges.is_empty() {
        run.stage("fraudar", (num_senders + num_receivers) as u64);
        let rows = both_sides(num_senders, num_receivers, &edges);
        let peeling = peel(&rows, |node| node_priors[node as usize], |_| 0, run)?;
        let found = peeling.densest();
        let split = found.members.partition_point(|&node| (node as usize) < num_senders);
        let mut inside = vec![false; num_senders + num_receivers];
        for &node in &found.members {
            inside[node as usize] = true;
            node_priors[node as usize] = 0;
        }
        edges.retain(|&(from, to, _)| !inside[from as usize] || !inside[num_senders + to as usize]);
        blocks.push(FraudBlock {
            senders: found.members[..split].to_vec(),
            receivers: found.members[split..].iter().map(|&node| node - num_senders as u32).collect(),
            density: found.density,
        });
    }
    Ok(blocks)
}

/// Priors in units, one per node.
fn units_of(side: &str, priors: &[f64], num_nodes: usize) -> Result<Vec<u64>> {
    if priors.is_empty() {
        return Ok(vec![0; num_nodes]);
    }
    if priors.len() != num_nodes {
        let problem = format!("{} priors for {num_nodes} {side}; give one for each, or none", priors.len());
        return Err(Error::input("fraudar", problem));
    }
    let unit = |(node, &prior): (usize, &f64)| match (0.0..=PRIOR_MAX).contains(&prior) {
        true => Ok((prior * FRAUDAR_UNIT as f64) as u64),
        false => {
            Err(Error::input("fraudar", format!("prior {prior} of {side} {node}; must be 0 to {PRIOR_MAX}")))
        }
    };
    priors.iter().enumerate().map(unit).collect()
}

/// For each receiver the weight of one edge to it, in units.
fn column_weights(receivers: &Rows, weighted: bool, priors: &[u64]) -> Result<Vec<u64>> {
    let nodes = 0..receivers.num_nodes() as u32;
    let degree = |node: u32| if weighted { receivers.strength(node) } else { receivers.degree(node) as u64 };
    let columns: Vec<u64> = nodes.clone().map(|node| inverse_logarithm(degree(node) + 5)).collect();
    let edges: u128 = nodes.map(|node| u128::from(degree(node)) * u128::from(columns[node as usize])).sum();
    let sum = edges + priors.iter().map(|&prior| u128::from(prior)).sum::<u128>();
    if sum > 1 << 62 {
        let (found, limit) = (u64::try_from(sum).unwrap_or(u64::MAX), 1 << 62);
        return Err(Error::Limit {
            what: "sum of the weights",
            found,
            limit,
            remedy: "count edges once, or divide weights",
        });
    }
    Ok(columns)
}

/// 2^32 / ln(value), rounded down, for a value of at least 2.
///
/// The binary logarithm is found bit by bit: squaring a number between 1 and 2 doubles its logarithm.
fn inverse_logarithm(value: u64) -> u64 {
    /// Bits behind the point of the logarithm.
    const BITS: u32 = 40;
    /// log2(e) · 2^62.
    const LOG2_E: u128 = 6_653_256_548_922_161_245;
    let whole = value.ilog2();
    let mut rest = u128::from(value) << (63 - whole); // 1 to 2, 63 bits behind the point
    let mut logarithm = u128::from(whole);
    for _ in 0..BITS {
        rest = (rest * rest) >> 63;
        let bit = rest >> 64;
        rest >>= bit;
        logarithm = (logarithm << 1) | bit;
    }
    // 1 / ln(x) = log2(e) / log2(x), here 2^32 · (LOG2_E / 2^62) / (logarithm / 2^40).
    ((LOG2_E << 10) / logarithm) as u64
}

/// The rows of senders, then receivers, of edges in the order of senders and receivers.
fn both_sides(num_senders: usize, num_receivers: usize, edges: &[(u32, u32, u64)]) -> Rows {
    let num_nodes = num_senders + num_receivers;
    let mut offsets = vec![0_usize; num_nodes + 1];
    for &(from, to, _) in edges {
        offsets[from as usize + 1] += 1;
        offsets[num_senders + to as usize + 1] += 1;
    }
    for node in 0..num_nodes {
        offsets[node + 1] += offsets[node];
    }
    let (mut next, mut neighbors, mut weights) =
        (offsets.clone(), vec![0; edges.len() * 2], vec![0; edges.len() * 2]);
    for &(from, to, weight) in edges {
        let to = num_senders as u32 + to;
        for (node, neighbor) in [(from, to), (to, from)] {
            let place = &mut next[node as usize];
            (neighbors[*place], weights[*place]) = (neighbor, weight);
            *place += 1;
        }
    }
    Rows::new(offsets, neighbors, narrowest(weights))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_logarithms_are_those_of_the_floats() {
        for value in (2..5_000).chain([1 << 20, (1 << 40) + 12_345, u64::MAX]) {
            let float = FRAUDAR_UNIT as f64 / (value as f64).ln();
            assert!((inverse_logarithm(value) as f64 - float).abs() <= 1.5, "{value}");
        }
    }
}
