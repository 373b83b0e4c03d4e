//! Whether communities hang together, and their connected parts.
//!
//! # Method
//! Union-find over all nodes, always hooking the later root onto the earlier, so that a tree is named by its first
//! member whatever the order. First each node is tied to a few neighbours of its community, row after row as they lie in
//! memory; that leaves one tree of most communities. Where it leaves more, the rows of all members outside the largest
//! tree are read to the end: whatever ties them to the rest is seen from their side.
//!
//! # Cost
//! A few random accesses a node, and a row only where it matters; memory 20 bytes per node.
//!
//! # Source
//! Sutton, Ben-Nun, Barak: Optimizing parallel graph connectivity computation via subgraph sampling, IPDPS 2018.

use super::level::Level;
use super::objective::{Volume, Whole};
use crate::error::Result;
use crate::ids::NONE;
use crate::run::Run;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// Neighbours to which each node is tied at first.
const TIES: usize = 2;
/// Nodes of a task.
const NODES_PER_TASK: usize = 1 << 12;

/// For each node its connected part within its community, named by the part's first member, and how many communities
/// have more than one. `labels` are below the number of nodes.
pub(crate) fn connected_parts<W: Whole, V: Volume>(
    level: &Level<W, V>,
    labels: &[u32],
    run: &Run,
) -> Result<(Vec<u32>, usize)> {
    let num_nodes = labels.len();
    let trees = Trees { roots: (0..num_nodes as u32).map(AtomicU32::new).collect() };
    let nodes = || (0..num_nodes as u32).into_par_iter().with_min_len(NODES_PER_TASK);
    let beside = |node: u32| {
        let row = level.neighbors[level.range(node)].iter().copied();
        row.filter(move |&neighbor| labels[neighbor as usize] == labels[node as usize])
    };
    nodes().for_each(|node| beside(node).take(TIES).for_each(|neighbor| trees.unite(node, neighbor)));
    run.check()?;
    let roots: Vec<u32> = nodes().map(|node| trees.root(node)).collect();
    // The largest tree of each community, among equals the first.
    let mut sizes = vec![0_u32; num_nodes];
    roots.iter().for_each(|&root| sizes[root as usize] += 1);
    let mut largest = vec![NONE; num_nodes];
    for (node, &label) in labels.iter().enumerate().filter(|&(node, _)| roots[node] == node as u32) {
        let largest = &mut largest[label as usize];
        if *largest == NONE || sizes[*largest as usize] < sizes[node] {
            *largest = node as u32;
        }
    }
    let outside = nodes().filter(|&node| roots[node as usize] != largest[labels[node as usize] as usize]);
    outside.for_each(|node| beside(node).for_each(|neighbor| trees.unite(node, neighbor)));
    run.check()?;
    let parts: Vec<u32> = nodes().map(|node| trees.root(node)).collect();
    let mut num_parts = vec![0_u32; num_nodes];
    let firsts = labels.iter().zip(&parts).zip(0..).filter(|&((_, &part), node)| part == node);
    firsts.for_each(|((&label, _), _)| num_parts[label as usize] += 1);
    Ok((parts, num_parts.iter().filter(|&&parts| parts > 1).count()))
}

/// A forest over the nodes; any thread may unite trees of it.
struct Trees {
    roots: Vec<AtomicU32>,
}

impl Trees {
    /// The first member of a node's tree; halves the way to it.
    #[inline]
    fn root(&self, mut node: u32) -> u32 {
        loop {
            let above = self.roots[node as usize].load(Ordering::Relaxed);
            if above == node {
                return node;
            }
            let top = self.roots[above as usize].load(Ordering::Relaxed);
            if top == above {
                return above;
            }
            self.roots[node as usize].store(top, Ordering::Relaxed);
            node = top;
        }
    }

    #[inline]
    fn unite(&self, a: u32, b: u32) {
        loop {
            let (a, b) = (self.root(a), self.root(b));
            let (first, later) = (a.min(b), a.max(b));
            let free = || {
                self.roots[later as usize].compare_exchange(
                    later,
                    first,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
            };
            if first == later || free().is_ok() {
                return;
            }
        }
    }
}
