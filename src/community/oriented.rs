//! Nodes numbered by degree, and each edge kept by its end of smaller degree.
//!
//! A node then keeps at most √(2m) neighbours, and each triangle has one node that keeps the other two. The number of a
//! node here is its rank, largest degree first, ties by node, so that the rows that are read most often lie together.

use crate::error::Result;
use crate::graph::project::Rows;
use crate::run::Run;
use rayon::prelude::*;
use std::ops::Range;

/// Rows of kept neighbours: ranks, ascending, all below the rank of the row.
pub(super) struct Oriented {
    /// For each node the rank.
    pub ranks: Vec<u32>,
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

/// Nodes by degree, largest first, ties by node; and the place of each.
fn ranked(rows: &Rows) -> (Vec<u32>, Vec<u32>) {
    let num_nodes = rows.num_nodes() as u32;
    let largest = (0..num_nodes).map(|node| rows.degree(node)).max().unwrap_or(0);
    let mut begins = vec![0_u32; largest + 2];
    for node in 0..num_nodes {
        begins[largest - rows.degree(node) + 1] += 1;
    }
    for place in 0..=largest {
        begins[place + 1] += begins[place];
    }
    let (mut nodes, mut ranks) = (vec![0; num_nodes as usize], vec![0; num_nodes as usize]);
    for node in 0..num_nodes {
        let rank = &mut begins[largest - rows.degree(node)];
        nodes[*rank as usize] = node;
        ranks[node as usize] = *rank;
        *rank += 1;
    }
    (nodes, ranks)
}

impl Oriented {
    /// Gives each edge of an undirected graph to one of its ends.
    pub fn new(rows: &Rows, run: &Run) -> Result<Self> {
        let (nodes, ranks) = ranked(rows);
        let parts: Result<Vec<(Vec<usize>, Vec<u32>)>> = tasks(rows.num_nodes())
            .into_par_iter()
            .map(|range| {
                run.check()?;
                let (mut ends, mut kept) = (Vec::with_capacity(range.len()), Vec::new());
                for rank in range {
                    let begin = kept.len();
                    let neighbors = rows.neighbors(nodes[rank as usize]).iter();
                    kept.extend(neighbors.map(|&other| ranks[other as usize]).filter(|&other| other < rank));
                    kept[begin..].sort_unstable();
                    ends.push(kept.len());
                }
                Ok((ends, kept))
            })
            .collect();
        let mut offsets = Vec::with_capacity(rows.num_nodes() + 1);
        let mut neighbors = Vec::with_capacity(rows.num_entries() / 2);
        offsets.push(0);
        for (ends, kept) in parts? {
            let base = neighbors.len();
            offsets.extend(ends.into_iter().map(|end| base + end));
            neighbors.extend_from_slice(&kept);
        }
        Ok(Oriented { ranks, offsets, neighbors })
    }

    /// The entries of a rank: numbers of the edges that it keeps.
    #[inline]
    pub fn range(&self, rank: u32) -> Range<usize> {
        self.offsets[rank as usize]..self.offsets[rank as usize + 1]
    }

    /// Neighbours whose edges a rank keeps, ascending.
    #[inline]
    pub fn kept(&self, rank: u32) -> &[u32] {
        &self.neighbors[self.range(rank)]
    }

    /// Number of edges.
    pub fn num_edges(&self) -> usize {
        self.neighbors.len()
    }
}
