//! s-cores: cores by weight instead of by neighbours.
//!
//! The s-core is the largest set of nodes in which the weights between each and the others of the set add up to at
//! least s; the strength core of a node is the largest s whose core it is in. With all weights 1 it is the coreness.
//!
//! # Method
//! The node with the least weight left goes, and its weights leave its neighbours; the largest of these leasts so far
//! is the strength core of the one that goes.
//!
//! # Cost
//! Time O(n log n + m log n), sequential; memory 28 bytes per node.
//!
//! # Source
//! Eidsaa, Almaas: s-core network decomposition: a generalization of k-core analysis to weighted networks, Physical
//! Review E 88, 2013.

use super::count;
use crate::community::heap::Heap;
use crate::error::Result;
use crate::graph::project::Rows;
use crate::run::Run;

/// For each node of an undirected graph the largest s such that the s-core holds it, in units of the weights.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled).
pub fn strength_cores(rows: &Rows, run: &Run) -> Result<Vec<u64>> {
    let num_nodes = rows.num_nodes();
    run.stage("strength cores", num_nodes as u64);
    let mut waiting = Heap::of(num_nodes, |node| Some(rows.strength(node)));
    let mut cores = vec![0; num_nodes];
    let (mut level, mut removed) = (0, 0);
    while let Some((strength, node)) = waiting.pop() {
        level = strength.max(level);
        cores[node as usize] = level;
        for (neighbor, weight) in rows.entries(node) {
            if let Some(strength) = waiting.key(neighbor) {
                waiting.set(neighbor, strength - weight);
            }
        }
        count(&mut removed, run)?;
    }
    Ok(cores)
}
