//! Maximum flow through a directed network, and the minimum cut nearest to the source.
//!
//! # Method
//! Dinic: as long as the sink can be reached, the nodes are levelled by their distance to it, and paths that descend
//! one level at a time are filled until there is none; dead ends are left for the rest of the phase. Levels are counted
//! from the sink, so only nodes that can reach it are ever entered.
//!
//! # Cost
//! O(n²·m) in the worst case for n nodes and m arcs; money that flows in time takes few phases.
//!
//! # Choices
//! Arcs are tried in the order given, so the flow is a function of the network alone. Of the minimum cuts, the one whose
//! source side is the smallest is the same for every maximum flow.
//!
//! # Source
//! Dinic, Soviet Mathematics Doklady 11, 1970; Ford, Fulkerson, Canadian Journal of Mathematics 8, 1956 (cuts).

use crate::error::Result;

/// The capacity of an arc that nothing limits.
pub(super) const UNLIMITED: i64 = i64::MAX;

/// An arc of a network.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arc {
    pub(super) tail: u32,
    pub(super) head: u32,
    /// At least 0. The capacities that leave the source add up to at most `i64::MAX`.
    pub(super) capacity: i64,
}

/// A maximum flow.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// By arc.
    pub(super) flow: Vec<i64>,
    /// By node, whether it is on the source's side of the minimum cut.
    pub(super) source_side: Vec<bool>,
}

/// A maximum flow from `source` to `sink`, which differ; `check` is asked now and then whether to go on.
pub(super) fn maximum_flow(
    arcs: &[Arc],
    num_nodes: u32,
    source: u32,
    sink: u32,
    mut check: impl FnMut() -> Result<()>,
) -> Result<Flow> {
    let mut residual = Residual::new(arcs, num_nodes);
    loop {
        check()?;
        residual.level(sink);
        if residual.levels[source as usize] == UNSEEN {
            break;
        }
        residual.fill(source, sink);
    }
    let flow = residual.left.iter().skip(1).step_by(2).copied().collect();
    Ok(Flow { flow, source_side: residual.reached(source) })
}

/// The level of a node that cannot reach the sink.
const UNSEEN: u32 = u32::MAX;

/// The network with both directions of every arc: arc `a` is `2a`, against it `2a + 1`.
struct Residual {
    /// By directed arc.
    heads: Vec<u32>,
    /// By directed arc, what can still be sent.
    left: Vec<i64>,
    /// By node, where its directed arcs begin in `leaving`.
    offsets: Vec<u32>,
    leaving: Vec<u32>,
    /// By node, its distance to the sink.
    levels: Vec<u32>,
    /// By node, the place in `leaving` to try next.
    places: Vec<u32>,
    queue: Vec<u32>,
}

impl Residual {
    fn new(arcs: &[Arc], num_nodes: u32) -> Self {
        let num_nodes = num_nodes as usize;
        let heads: Vec<u32> = arcs.iter().flat_map(|arc| [arc.head, arc.tail]).collect();
        let left = arcs.iter().flat_map(|arc| [arc.capacity, 0]).collect();
        let mut offsets = vec![0; num_nodes + 1];
        for arc in arcs {
            offsets[arc.tail as usize + 1] += 1;
            offsets[arc.head as usize + 1] += 1;
        }
        for node in 0..num_nodes {
            offsets[node + 1] += offsets[node];
        }
        let mut places = offsets.clone();
        let mut leaving = vec![0; heads.len()];
        for directed in 0..heads.len() {
            let place = &mut places[heads[directed ^ 1] as usize];
            leaving[*place as usize] = directed as u32;
            *place += 1;
        }
        let levels = vec![UNSEEN; num_nodes];
        Residual { heads, left, offsets, leaving, levels, places, queue: Vec::new() }
    }

    /// Levels the nodes by their distance to `sink` along arcs that can take more.
    fn level(&mut self, sink: u32) {
        self.levels.fill(UNSEEN);
        self.places.copy_from_slice(&self.offsets);
        self.queue.clear();
        self.levels[sink as usize] = 0;
        self.queue.push(sink);
        let mut done = 0;
        while let Some(&node) = self.queue.get(done) {
            done += 1;
            let level = self.levels[node as usize] + 1;
            for place in self.offsets[node as usize]..self.offsets[node as usize + 1] {
                let directed = self.leaving[place as usize] as usize;
                let before = self.heads[directed];
                if self.left[directed ^ 1] > 0 && self.levels[before as usize] == UNSEEN {
                    self.levels[before as usize] = level;
                    self.queue.push(before);
                }
            }
        }
    }

    /// Fills paths that descend one level at a time until there is none.
    fn fill(&mut self, source: u32, sink: u32) {
        let mut path: Vec<u32> = Vec::new();
        loop {
            let node = path.last().map_or(source, |&directed| self.heads[directed as usize]);
            if node == sink {
                self.send(&mut path);
                continue;
            }
            if let Some(directed) = self.descent(node) {
                path.push(directed);
                continue;
            }
            // A dead end: it has no level any more, and whoever came here looks further.
            self.levels[node as usize] = UNSEEN;
            if path.pop().is_none() {
                return;
            }
        }
    }

    /// The first directed arc of `node`, from its place on, that leads one level down.
    #[inline]
    fn descent(&mut self, node: u32) -> Option<u32> {
        let level = self.levels[node as usize];
        let end = self.offsets[node as usize + 1];
        let place = &mut self.places[node as usize];
        while *place < end {
            let directed = self.leaving[*place as usize];
            let below = self.levels[self.heads[directed as usize] as usize];
            // `UNSEEN + 1` is no level: levels stay below the number of nodes.
            if self.left[directed as usize] > 0 && below != UNSEEN && below + 1 == level {
                return Some(directed);
            }
            *place += 1;
        }
        None
    }

    /// Sends as much as the path takes, and goes back to the first arc that can take no more.
    fn send(&mut self, path: &mut Vec<u32>) {
        let least = path.iter().map(|&directed| self.left[directed as usize]).min();
        let amount = least.expect("source and sink differ, so a path has an arc");
        let mut full = path.len();
        for (place, &directed) in path.iter().enumerate().rev() {
            let directed = directed as usize;
            self.left[directed] -= amount;
            self.left[directed ^ 1] += amount;
            if self.left[directed] == 0 {
                full = place;
            }
        }
        path.truncate(full);
    }

    /// By node, whether more could still come to it from `source`.
    fn reached(&self, source: u32) -> Vec<bool> {
        let mut reached = vec![false; self.levels.len()];
        reached[source as usize] = true;
        let mut stack = vec![source];
        while let Some(node) = stack.pop() {
            for place in self.offsets[node as usize]..self.offsets[node as usize + 1] {
                let directed = self.leaving[place as usize] as usize;
                let head = self.heads[directed] as usize;
                if self.left[directed] > 0 && !reached[head] {
                    reached[head] = true;
                    stack.push(head as u32);
                }
            }
        }
        reached
    }
}
