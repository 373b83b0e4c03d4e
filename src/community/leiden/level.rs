//! A graph on its way up: the nodes of one level are the refined communities of the level below.

use super::objective::{Terms, Volume, Ways, Whole};
use crate::graph::project::{Rows, Weights};
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;

/// Entries, or nodes, of one task; tasks are cut by the graph alone.
pub(crate) const TASK_ENTRIES: usize = 1 << 15;

/// Rows with weights, and for each node its volume and the weight inside it.
pub(crate) struct Level<'a, W: Whole, V> {
    pub offsets: Cow<'a, [usize]>,
    pub neighbors: Cow<'a, [u32]>,
    pub weights: Cow<'a, [W]>,
    /// Weight between the members of each node, from both ends; empty where every node is one node.
    pub inside: Vec<u64>,
    pub volumes: Vec<V>,
}

impl<'a, W: Whole, V: Volume> Level<'a, W, V> {
    /// The graph itself.
    pub(crate) fn bottom(rows: &'a Rows, weights: Cow<'a, [W]>, volumes: Vec<V>) -> Self {
        debug_assert_eq!(rows.num_entries(), weights.len());
        Level {
            offsets: Cow::Borrowed(rows.offsets()),
            neighbors: Cow::Borrowed(rows.all_neighbors()),
            weights,
            inside: Vec::new(),
            volumes,
        }
    }

    #[inline]
    pub(crate) fn num_nodes(&self) -> usize {
        self.volumes.len()
    }

    #[inline]
    pub(crate) fn range(&self, node: u32) -> Range<usize> {
        self.offsets[node as usize]..self.offsets[node as usize + 1]
    }

    /// The entries of consecutive nodes, of which there is at least one.
    #[inline]
    pub(crate) fn ranges(&self, nodes: &[u32]) -> Range<usize> {
        self.offsets[nodes[0] as usize]..self.offsets[nodes[nodes.len() - 1] as usize + 1]
    }

    /// Neighbours and weights of a node.
    #[inline]
    pub(crate) fn row(&self, node: u32) -> impl Iterator<Item = (u32, W)> + Clone {
        let range = self.range(node);
        self.neighbors[range.clone()].iter().copied().zip(self.weights[range].iter().copied())
    }

    /// Reads the ends of some rows, so that their lines travel side by side instead of one after another.
    #[inline]
    pub(crate) fn touch(&self, nodes: &[u32]) {
        let mut sum = 0;
        for &node in nodes {
            let range = self.range(node);
            if !range.is_empty() {
                let (first, last) = (range.start, range.end - 1);
                sum ^= self.neighbors[first] ^ self.neighbors[last];
                sum ^= (self.weights[first].wide() ^ self.weights[last].wide()) as u32;
            }
        }
        std::hint::black_box(sum);
    }

    #[inline]
    pub(crate) fn inside(&self, node: u32) -> u64 {
        self.inside.get(node as usize).copied().unwrap_or(0)
    }

    /// The exact objective of a partition of this level; `labels` are below the number of nodes.
    pub(crate) fn objective(&self, labels: &[u32], totals: &[V], terms: &Terms) -> i128 {
        let nodes = self.num_nodes();
        let inside: u64 = (0..nodes.div_ceil(1 << 12))
            .into_par_iter()
            .map(|task| {
                let within = |node: u32| {
                    let own = labels[node as usize];
                    let same = |&(neighbor, _): &(u32, W)| labels[neighbor as usize] == own;
                    self.inside(node)
                        + self.row(node).filter(same).map(|(_, weight)| weight.wide()).sum::<u64>()
                };
                ((task << 12) as u32..((task + 1) << 12).min(nodes) as u32).map(within).sum::<u64>()
            })
            .sum();
        self.objective_of(inside, totals, terms)
    }

    /// The objective from the weight inside all communities and the volume of each.
    pub(crate) fn objective_of(&self, inside: u64, totals: &[V], terms: &Terms) -> i128 {
        let paid: i128 =
            totals.par_iter().with_min_len(1 << 14).map(|&total| terms.community(0, total)).sum();
        terms.earn * i128::from(inside) + paid
    }
}

/// Cuts `all` into pieces of the lengths `lens`, one behind another.
pub(crate) fn pieces<T>(mut all: &mut [T], lens: impl Iterator<Item = usize>) -> Vec<&mut [T]> {
    lens.map(|len| {
        let (piece, rest) = std::mem::take(&mut all).split_at_mut(len);
        all = rest;
        piece
    })
    .collect()
}

/// Weights in one of the two widths.
pub(crate) enum Widths<'a> {
    Narrow(Cow<'a, [u32]>),
    Wide(Cow<'a, [u64]>),
}

/// Weights as narrow as they can be; ones if weights do not count.
pub(crate) fn widths(rows: &Rows, weighted: bool) -> Widths<'_> {
    match (weighted, rows.weights()) {
        (true, Weights::Narrow(weights)) => Widths::Narrow(weights.into()),
        (true, Weights::Wide(weights)) => Widths::Wide(weights.into()),
        (false, _) if rows.num_entries() < u32::MAX as usize => {
            Widths::Narrow(vec![1; rows.num_entries()].into())
        }
        (false, _) => Widths::Wide(vec![1; rows.num_entries()].into()),
    }
}

/// Weights as `u64`, copied if the rows are narrow.
pub(crate) fn wide(rows: &Rows) -> Cow<'_, [u64]> {
    match rows.weights() {
        Weights::Narrow(weights) => Cow::Owned(weights.par_iter().map(|&weight| weight.into()).collect()),
        Weights::Wide(weights) => Cow::Borrowed(weights),
    }
}

/// The sum of each row.
pub(crate) fn strengths<W: Whole>(rows: &Rows, weights: &[W]) -> Vec<u64> {
    rows.offsets()
        .par_windows(2)
        .with_min_len(1 << 12)
        .map(|ends| weights[ends[0]..ends[1]].iter().map(|weight| weight.wide()).sum())
        .collect()
}

/// A directed graph with both directions summed, and the volumes of its nodes.
pub(crate) fn both_ways(
    (out, out_weights): (&Rows, &[u64]),
    (incoming, in_weights): (&Rows, &[u64]),
    volumes: Vec<Ways>,
) -> Level<'static, u64, Ways> {
    let (mut offsets, mut neighbors, mut weights) =
        (Vec::with_capacity(volumes.len() + 1), Vec::new(), Vec::new());
    offsets.push(0);
    for node in 0..volumes.len() as u32 {
        let (mut a, mut b) = (out.range(node).peekable(), incoming.range(node).peekable());
        loop {
            let to = a.peek().map(|&entry| out.all_neighbors()[entry]);
            let from = b.peek().map(|&entry| incoming.all_neighbors()[entry]);
            let Some(neighbor) = to.into_iter().chain(from).min() else { break };
            let there = a.next_if(|_| to == Some(neighbor)).map_or(0, |entry| out_weights[entry]);
            let back = b.next_if(|_| from == Some(neighbor)).map_or(0, |entry| in_weights[entry]);
            neighbors.push(neighbor);
            weights.push(there + back);
        }
        offsets.push(neighbors.len());
    }
    let (offsets, neighbors) = (Cow::Owned(offsets), Cow::Owned(neighbors));
    Level { offsets, neighbors, weights: Cow::Owned(weights), inside: Vec::new(), volumes }
}
