//! Peeling of a graph that grows: the sequence stays what peeling from scratch would give.
//!
//! # Method
//! A new edge changes nothing before the first of its ends in the sequence. From there on the old sequence is read
//! again beside a queue of delayed nodes. A node of the old sequence that a delayed node still weighs on costs more
//! than before, and joins the queue with what it costs now; one that no delayed node weighs on costs as before and is
//! the least of the old ones, so that it goes next unless the least of the queue costs less. When the queue is empty,
//! the rest of the sequence stands.
//!
//! # Cost
//! An edge costs O(d log d) for d edges of the nodes between the first change and the last; asking for the densest
//! set costs O(n). Memory 12 bytes per edge of the first graph, 24 per edge added, 40 per node.
//!
//! # Choices
//! Weights of edges once in do not change; an edge that comes again adds to the first. Ties go to the smaller node, as in
//! [`peeling()`](super::peeling()).
//!
//! # Source
//! Jiang, Chen, He, Chen, Chen: Spade: a real-time fraud detection framework on evolving graphs, PVLDB 16(3), 2022.

use super::peeling::{DenseSet, Peeling, peeling};
use crate::community::heap::Heap;
use crate::error::{Error, Result};
use crate::graph::project::Rows;
use crate::run::Run;

/// A graph and its peeling, kept together while edges come in.
pub struct IncrementalPeeling {
    rows: Rows,
    /// For each node the edges that came later.
    added: Vec<Vec<(u32, u64)>>,
    peeling: Peeling,
    /// For each node its place in the order of removal.
    places: Vec<u32>,
    delayed: Heap<u64>,
    /// For each node of the old sequence what delayed nodes weigh on it; all 0 between two calls.
    extra: Vec<u64>,
    weight: u64,
}

/// Largest sum of all weights and priors.
const WEIGHT_MAX: u64 = 1 << 62;

impl IncrementalPeeling {
    /// Peels the graph that there is at first; `priors` gives each node a weight of its own, empty for none.
    ///
    /// # Errors
    /// As [`peeling()`](super::peeling()).
    pub fn new(rows: Rows, priors: &[u64], run: &Run) -> Result<Self> {
        let peeling = peeling(&rows, priors, run)?;
        let num_nodes = rows.num_nodes();
        let mut places = vec![0; num_nodes];
        peeling.order.iter().enumerate().for_each(|(place, &node)| places[node as usize] = place as u32);
        Ok(IncrementalPeeling {
            added: vec![Vec::new(); num_nodes],
            weight: peeling.weight(),
            delayed: Heap::new(num_nodes),
            extra: vec![0; num_nodes],
            rows,
            peeling,
            places,
        })
    }

    /// The sequence, and what each removal costs.
    pub fn peeling(&self) -> &Peeling {
        &self.peeling
    }

    /// The densest of the sets passed on the way. Time O(n).
    pub fn densest(&self) -> DenseSet {
        self.peeling.densest()
    }

    /// Adds an edge between two nodes; returns how many places of the sequence were looked at.
    ///
    /// # Errors
    /// [`Error::Input`] for a node that is not in the graph, an edge of a node with itself, a weight of 0, or weights
    /// of all edges beyond 2^62; nothing is changed.
    pub fn insert(&mut self, one: u32, other: u32, weight: u64) -> Result<usize> {
        let refuse = |problem: String| Err(Error::input(format!("edge {one} {other}"), problem));
        let num_nodes = self.rows.num_nodes();
        if one.max(other) as usize >= num_nodes {
            return refuse(format!("the graph has nodes 0 to {}", num_nodes as i64 - 1));
        }
        if one == other {
            return refuse("an edge joins two nodes".into());
        }
        if weight == 0 || weight > WEIGHT_MAX.saturating_sub(self.weight) {
            return refuse(format!("weight {weight}; must be 1 or more, with all others at most 2^62"));
        }
        self.weight += weight;
        self.added[one as usize].push((other, weight));
        self.added[other as usize].push((one, weight));
        let begin = self.places[one as usize].min(self.places[other as usize]);
        let end = self.repair(begin as usize, weight);
        Ok(end - begin as usize)
    }

    /// Makes the sequence from `begin` on anew, whose node costs `more` than before; returns where the old one stands again.
    fn repair(&mut self, begin: usize, more: u64) -> usize {
        let first = self.peeling.order[begin];
        self.delay(first, self.peeling.costs[begin] + more, begin);
        let (mut read, mut written) = (begin + 1, begin);
        while let Some((cost, node)) = self.delayed.first() {
            let next = self.peeling.order.get(read).map(|&node| (self.peeling.costs[read], node));
            match next {
                Some((old_cost, old)) if self.extra[old as usize] > 0 => {
                    let extra = std::mem::take(&mut self.extra[old as usize]);
                    self.delay(old, old_cost + extra, read);
                    read += 1;
                }
                Some(old) if old < (cost, node) => {
                    self.write(&mut written, old);
                    read += 1;
                }
                _ => {
                    self.delayed.pop();
                    self.release(node, read);
                    self.write(&mut written, (cost, node));
                }
            }
        }
        read
    }

    /// Lets a node wait: it weighs on all that is behind it in the old sequence. `read` is its old place.
    fn delay(&mut self, node: u32, cost: u64, read: usize) {
        self.delayed.set(node, cost);
        for (neighbor, weight) in edges(&self.rows, &self.added, node) {
            if self.places[neighbor as usize] as usize > read && !self.delayed.contains(neighbor) {
                self.extra[neighbor as usize] += weight;
            }
        }
    }

    /// A node that waited goes, while the old sequence is read up to `read`.
    fn release(&mut self, node: u32, read: usize) {
        for (neighbor, weight) in edges(&self.rows, &self.added, node) {
            if let Some(cost) = self.delayed.key(neighbor) {
                self.delayed.set(neighbor, cost - weight);
            } else if self.places[neighbor as usize] as usize >= read {
                self.extra[neighbor as usize] -= weight;
            }
        }
    }

    fn write(&mut self, written: &mut usize, (cost, node): (u64, u32)) {
        self.peeling.order[*written] = node;
        self.peeling.costs[*written] = cost;
        self.places[node as usize] = *written as u32;
        *written += 1;
    }
}

/// The edges of a node, first and later ones.
fn edges<'a>(
    rows: &'a Rows,
    added: &'a [Vec<(u32, u64)>],
    node: u32,
) -> impl Iterator<Item = (u32, u64)> + 'a {
    rows.entries(node).chain(added[node as usize].iter().copied())
}
