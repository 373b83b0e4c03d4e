//! One community as a small graph of its own, and the parts that it is built again from.
//!
//! # Method
//! The rows of the members, cut down to neighbours inside, are copied into arrays that fit a near cache; neighbours
//! outside are kept beside them. Nodes are visited in an order drawn by hash. A node that is still alone, and tied to
//! the rest of the community well enough (`earn * weight >= pay * volume x rest`), joins the part that gains most and
//! is itself tied well enough. Nobody leaves a part again, and nobody joins without an edge, so every part is connected.

use super::level::Level;
use super::objective::{Terms, Volume, Whole};
use super::table::Table;
use crate::random::Stream;

/// Rows whose first entries are read before the first of them is used.
const AHEAD: usize = 32;

/// Neighbours and weights of a run of nodes.
pub(crate) struct Lists<W> {
    /// Where each node's list begins, and the end of the last.
    pub offsets: Vec<u32>,
    pub neighbors: Vec<u32>,
    pub weights: Vec<W>,
}

impl<W> Default for Lists<W> {
    fn default() -> Self {
        Lists { offsets: vec![0], neighbors: Vec::new(), weights: Vec::new() }
    }
}

impl<W: Whole> Lists<W> {
    fn clear(&mut self) {
        self.offsets.truncate(1);
    }

    /// Makes room for `len` more entries behind the last list.
    fn reserve(&mut self, len: usize) {
        let end = self.end() + len;
        if self.neighbors.len() < end {
            self.neighbors.resize(2 * end, 0);
            self.weights.resize(2 * end, W::default());
        }
    }

    fn end(&self) -> usize {
        self.offsets[self.offsets.len() - 1] as usize
    }

    pub(crate) fn degree(&self, node: usize) -> usize {
        (self.offsets[node + 1] - self.offsets[node]) as usize
    }

    pub(crate) fn row(&self, node: usize) -> impl Iterator<Item = (u32, W)> + Clone {
        let range = self.offsets[node] as usize..self.offsets[node + 1] as usize;
        self.neighbors[range.clone()].iter().copied().zip(self.weights[range].iter().copied())
    }
}

/// A community as a graph of its own, and the parts found so far; used again for each community.
pub(crate) struct Local<W, V> {
    /// Neighbours inside, by their place in the community.
    pub inner: Lists<W>,
    /// Neighbours outside.
    pub outer: Lists<W>,
    /// For each node its weight to the rest of the community.
    pub ties: Vec<W>,
    /// For each node its part, named by a member.
    pub parts: Vec<u32>,
    /// For each part its volume and its weight to the rest of the community.
    volumes: Vec<V>,
    cuts: Vec<u64>,
    /// Whether nobody joined or was joined yet.
    alone: Vec<bool>,
    order: Vec<(u32, u32)>,
    pub table: Table<W>,
}

impl<W: Whole, V: Volume> Default for Local<W, V> {
    fn default() -> Self {
        Local {
            inner: Lists::default(),
            outer: Lists::default(),
            ties: Vec::new(),
            parts: Vec::new(),
            volumes: Vec::new(),
            cuts: Vec::new(),
            alone: Vec::new(),
            order: Vec::new(),
            table: Table::default(),
        }
    }
}

impl<W: Whole, V: Volume> Local<W, V> {
    /// Reads the community of `members`, which have the places from `start` on.
    pub(crate) fn read(&mut self, level: &Level<W, V>, members: &[u32], start: u32, places: &[u32]) {
        self.inner.clear();
        self.outer.clear();
        self.ties.clear();
        for (position, &node) in members.iter().enumerate() {
            if position % AHEAD == 0 {
                level.touch(&members[position..(position + AHEAD).min(members.len())]);
            }
            let len = level.range(node).len();
            self.inner.reserve(len);
            self.outer.reserve(len);
            let (mut inner, mut outer) = (self.inner.end(), self.outer.end());
            let mut tie = W::default();
            // Both lists are written and only one of them grows: no branch to mispredict.
            for (neighbor, weight) in level.row(node) {
                let place = places[neighbor as usize].wrapping_sub(start);
                let inside = (place as usize) < members.len();
                self.inner.neighbors[inner] = place;
                self.inner.weights[inner] = weight;
                self.outer.neighbors[outer] = neighbor;
                self.outer.weights[outer] = weight;
                inner += usize::from(inside);
                outer += usize::from(!inside);
                tie = tie.plus(if inside { weight } else { W::default() });
            }
            self.inner.offsets.push(inner as u32);
            self.outer.offsets.push(outer as u32);
            self.ties.push(tie);
        }
        self.volumes.clear();
        self.volumes.extend(members.iter().map(|&node| level.volumes[node as usize]));
    }

    /// Builds the parts.
    pub(crate) fn merge(&mut self, terms: &Terms, stream: Stream, members: &[u32]) {
        let len = members.len();
        self.parts.clear();
        self.parts.extend(0..len as u32);
        self.alone.clear();
        self.alone.resize(len, true);
        self.cuts.clear();
        self.cuts.extend(self.ties.iter().map(|tie| tie.wide()));
        self.order.clear();
        self.order.extend(
            members.iter().zip(0..).map(|(&node, place)| ((stream.at(node.into()) >> 32) as u32, place)),
        );
        self.order.sort_unstable();
        let whole = self.volumes.iter().fold(V::default(), |sum, &volume| sum.plus(volume));
        for &(_, place) in &self.order {
            let node = place as usize;
            let (volume, tie) = (self.volumes[node], self.ties[node]);
            if !self.alone[node] || terms.join(tie, volume, whole.minus(volume)) < 0 {
                continue;
            }
            let row = self.inner.row(node);
            self.table.start(self.inner.degree(node));
            row.for_each(|(neighbor, weight)| self.table.add(self.parts[neighbor as usize], weight));
            let mut best = (0, place, W::default());
            for (part, weight) in self.table.iter() {
                let total = self.volumes[part as usize];
                let gain = terms.join(weight, volume, total);
                let better = gain > best.0 || gain == best.0 && gain > 0 && part < best.1;
                if better && terms.join(self.cuts[part as usize], total, whole.minus(total)) >= 0 {
                    best = (gain, part, weight);
                }
            }
            let (_, part, weight) = best;
            if part != place {
                let to = part as usize;
                self.parts[node] = part;
                (self.alone[node], self.alone[to]) = (false, false);
                self.volumes[to] = self.volumes[to].plus(volume);
                self.cuts[to] = self.cuts[to] + tie.wide() - 2 * weight.wide();
            }
        }
    }

    /// Renames the parts `0, 1, …` in the order of their first members; returns how many there are.
    pub(crate) fn number(&mut self) -> u32 {
        // The order is used up: it now holds each part's number.
        self.order.iter_mut().for_each(|entry| entry.0 = u32::MAX);
        let mut next = 0;
        for part in &mut self.parts {
            let number = &mut self.order[*part as usize].0;
            if *number == u32::MAX {
                *number = next;
                next += 1;
            }
            *part = *number;
        }
        next
    }
}
