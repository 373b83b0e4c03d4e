//! Compressed sparse rows with whole-number weights: the one shape that kernels above the graph read.
//!
//! Row `u` lists the neighbours of node `u`, ascending, each once, without `u` itself, and a weight of at least 1 for each. An
//! undirected graph has every pair in both rows.
//!
//! # Cost
//! 8 bytes per entry where all weights together fit into 32 bits, 12 otherwise; 8 bytes per node. A reader decides
//! once between the two widths of weights, outside of its loops.

use std::ops::Range;

/// Neighbours and weights of `0..num_nodes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Where each row begins, and the end of the last: `num_nodes + 1` values.
    offsets: Vec<usize>,
    neighbors: Vec<u32>,
    weights: Weights,
}

/// One weight per entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Weights {
    /// The sum of all is below 2^32.
    Narrow(Vec<u32>),
    /// The sum of all is below 2^63.
    Wide(Vec<u64>),
}

impl Weights {
    /// Weight of one entry.
    #[inline]
    pub fn get(&self, entry: usize) -> u64 {
        match self {
            Weights::Narrow(weights) => weights[entry].into(),
            Weights::Wide(weights) => weights[entry],
        }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        match self {
            Weights::Narrow(weights) => weights.len(),
            Weights::Wide(weights) => weights.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Rows {
    /// Rows that keep what the head of this module promises; the caller saw to it.
    pub fn new(offsets: Vec<usize>, neighbors: Vec<u32>, weights: Weights) -> Self {
        debug_assert_eq!(offsets.last(), Some(&neighbors.len()));
        debug_assert_eq!(weights.len(), neighbors.len());
        Rows { offsets, neighbors, weights }
    }

    /// The undirected graph of some pairs: weights of equal pairs are summed, pairs of a node with itself and
    /// weights of 0 are left out. For small graphs and tests.
    pub fn undirected(num_nodes: usize, pairs: &[(u32, u32, u64)]) -> Self {
        let both = pairs.iter().flat_map(|&(u, v, weight)| [(u, v, weight), (v, u, weight)]);
        Rows::directed(num_nodes, &both.collect::<Vec<_>>())
    }

    /// The directed graph of some pairs (from, to, weight), otherwise as [`undirected`](Self::undirected).
    pub fn directed(num_nodes: usize, pairs: &[(u32, u32, u64)]) -> Self {
        let mut entries: Vec<(u32, u32, u64)> =
            pairs.iter().copied().filter(|&(u, v, weight)| u != v && weight > 0).collect();
        entries.sort_unstable();
        Rows::of_sorted(num_nodes, &entries)
    }

    /// The left rows of a bipartite graph of some pairs (left, right, weight), where the two sides are numbered
    /// apart: weights of equal pairs are summed, weights of 0 left out. [`transposed`](Self::transposed) gives the right rows.
    pub fn bipartite(num_left: usize, pairs: &[(u32, u32, u64)]) -> Self {
        let mut entries: Vec<(u32, u32, u64)> =
            pairs.iter().copied().filter(|&(.., weight)| weight > 0).collect();
        entries.sort_unstable();
        Rows::of_sorted(num_left, &entries)
    }

    /// Rows of pairs that are sorted and have weights of at least 1.
    fn of_sorted(num_nodes: usize, entries: &[(u32, u32, u64)]) -> Self {
        let (mut offsets, mut neighbors, mut weights) = (vec![0; num_nodes + 1], Vec::new(), Vec::new());
        for same in entries.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            offsets[same[0].0 as usize + 1] += 1;
            neighbors.push(same[0].1);
            weights.push(same.iter().map(|entry| entry.2).sum());
        }
        for node in 0..num_nodes {
            offsets[node + 1] += offsets[node];
        }
        Rows { offsets, neighbors, weights: narrowest(weights) }
    }

    /// The same pairs seen from the other end: in rows from out rows, right rows from left rows.
    ///
    /// `num_nodes` is the number of rows of the result; neighbours must lie below it. Time O(n + m).
    pub fn transposed(&self, num_nodes: usize) -> Self {
        let mut offsets = vec![0_usize; num_nodes + 1];
        for &neighbor in &self.neighbors {
            offsets[neighbor as usize + 1] += 1;
        }
        for node in 0..num_nodes {
            offsets[node + 1] += offsets[node];
        }
        let mut next = offsets.clone();
        let mut neighbors = vec![0_u32; self.neighbors.len()];
        let mut places = vec![0_usize; self.neighbors.len()];
        for node in 0..self.num_nodes() as u32 {
            for entry in self.range(node) {
                let place = &mut next[self.neighbors[entry] as usize];
                neighbors[*place] = node;
                places[*place] = entry;
                *place += 1;
            }
        }
        let weights = match &self.weights {
            Weights::Narrow(weights) => Weights::Narrow(places.iter().map(|&entry| weights[entry]).collect()),
            Weights::Wide(weights) => Weights::Wide(places.iter().map(|&entry| weights[entry]).collect()),
        };
        Rows { offsets, neighbors, weights }
    }

    /// Number of nodes.
    #[inline]
    pub fn num_nodes(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Number of entries: twice the number of pairs in an undirected graph.
    #[inline]
    pub fn num_entries(&self) -> usize {
        self.neighbors.len()
    }

    /// Where each row begins, and the end of the last.
    #[inline]
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// The entries of a node.
    #[inline]
    pub fn range(&self, node: u32) -> Range<usize> {
        self.offsets[node as usize]..self.offsets[node as usize + 1]
    }

    /// Number of neighbours of a node.
    #[inline]
    pub fn degree(&self, node: u32) -> usize {
        self.range(node).len()
    }

    /// Neighbours of a node, ascending.
    #[inline]
    pub fn neighbors(&self, node: u32) -> &[u32] {
        &self.neighbors[self.range(node)]
    }

    /// Neighbours of all nodes, row after row.
    #[inline]
    pub fn all_neighbors(&self) -> &[u32] {
        &self.neighbors
    }

    /// Weights of all entries, in the order of [`all_neighbors`](Self::all_neighbors).
    #[inline]
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Sum of the weights of a node.
    pub fn strength(&self, node: u32) -> u64 {
        match &self.weights {
            Weights::Narrow(weights) => {
                weights[self.range(node)].iter().map(|&weight| u64::from(weight)).sum()
            }
            Weights::Wide(weights) => weights[self.range(node)].iter().sum(),
        }
    }

    /// Neighbours of a node with their weights.
    pub fn entries(&self, node: u32) -> impl Iterator<Item = (u32, u64)> {
        self.range(node).map(|entry| (self.neighbors[entry], self.weights.get(entry)))
    }
}

/// Weights as narrow as their sum allows.
pub fn narrowest(weights: Vec<u64>) -> Weights {
    match weights.iter().try_fold(0_u32, |sum, &weight| sum.checked_add(u32::try_from(weight).ok()?)) {
        Some(_) => Weights::Narrow(weights.into_iter().map(|weight| weight as u32).collect()),
        None => Weights::Wide(weights),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_summed_and_stand_in_both_rows() {
        let rows = Rows::undirected(4, &[(0, 2, 5), (2, 0, 1), (1, 1, 9), (2, 3, 7), (0, 1, 0)]);
        let found: Vec<Vec<(u32, u64)>> = (0..4).map(|node| rows.entries(node).collect()).collect();
        assert_eq!(found, [vec![(2, 6)], vec![], vec![(0, 6), (3, 7)], vec![(2, 7)]]);
        assert!(matches!(rows.weights(), Weights::Narrow(_)));
        assert_eq!((rows.num_nodes(), rows.num_entries(), rows.degree(2)), (4, 4, 2));
    }

    #[test]
    fn transposed_rows_hold_the_same_pairs_the_other_way_round() {
        let left = Rows::bipartite(3, &[(0, 0, 5), (2, 0, 1), (2, 3, 7), (0, 0, 1), (1, 2, 0)]);
        let right = left.transposed(4);
        let found: Vec<Vec<(u32, u64)>> = (0..4).map(|node| right.entries(node).collect()).collect();
        assert_eq!(found, [vec![(0, 6), (2, 1)], vec![], vec![], vec![(2, 7)]]);
        assert_eq!(right.transposed(3), left);
        assert_eq!((left.strength(2), left.strength(1)), (8, 0));
    }

    #[test]
    fn weights_are_wide_where_their_sum_asks_for_it() {
        let rows = Rows::directed(2, &[(0, 1, 1 << 31), (1, 0, 1 << 31)]);
        assert_eq!(rows.weights(), &Weights::Wide(vec![1 << 31, 1 << 31]));
    }
}
