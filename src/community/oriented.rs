//! Each edge kept by one of its ends: the one of smaller degree, ties by number.
//!
//! A node then keeps at most √(2m) neighbours, and each triangle has one node that keeps the other two.

use crate::error::Result;
use crate::graph::project::Rows;
use crate::run::Run;
use rayon::prelude::*;
use std::ops::Range;

/// Rows of kept neighbours, ascending.
pub(super) struct Oriented {
    offsets: Vec<usize>,
    neighbors: Vec<u32>,
}

/// Nodes per task.
const NODES_PER_TASK: usize = 1 << 10;

/// Ranges of nodes, one per task.
pub(super) fn tasks(num_nodes: usize) -> Vec<Range<u32>> {
    (0..num_nodes.div_ceil(NODES_PER_TASK))
        .map(|task| (task * NODES_PER_TASK) as u32..((task + 1) * NODES_PER_TASK).min(num_nodes) as u32)
        .collect()
}

impl Oriented {
    /// Gives each edge of an undirected graph to one of its ends.
    pub fn new(rows: &Rows, run: &Run) -> Result<Self> {
        let degrees: Vec<u32> =
            (0..rows.num_nodes() as u32).into_par_iter().map(|node| rows.degree(node) as u32).collect();
        let parts: Result<Vec<(Vec<usize>, Vec<u32>)>> = tasks(rows.num_nodes())
            .into_par_iter()
            .map(|nodes| {
                run.check()?;
                let (mut ends, mut kept) = (Vec::with_capacity(nodes.len()), Vec::new());
                for node in nodes {
                    let own = (degrees[node as usize], node);
                    let neighbors = rows.neighbors(node).iter().copied();
                    kept.extend(neighbors.filter(|&other| (degrees[other as usize], other) > own));
                    ends.push(kept.len());
                }
                Ok((ends, kept))
            })
            .collect();
        let mut oriented =
            Oriented { offsets: vec![0], neighbors: Vec::with_capacity(rows.num_entries() / 2) };
        for (ends, kept) in parts? {
            let base = oriented.neighbors.len();
            oriented.offsets.extend(ends.into_iter().map(|end| base + end));
            oriented.neighbors.extend(kept);
        }
        Ok(oriented)
    }

    /// The entries of a node: numbers of the edges that it keeps.
    #[inline]
    pub fn range(&self, node: u32) -> Range<usize> {
        self.offsets[node as usize]..self.offsets[node as usize + 1]
    }

    /// Neighbours whose edges a node keeps, ascending.
    #[inline]
    pub fn kept(&self, node: u32) -> &[u32] {
        &self.neighbors[self.range(node)]
    }

    /// Number of edges.
    pub fn num_edges(&self) -> usize {
        self.neighbors.len()
    }
}
