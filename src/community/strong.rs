//! Strongly connected components: accounts that money can leave and come back to.
//!
//! Two nodes belong together when a directed path leads from each to the other. Every directed cycle lies inside one
//! component, so that whoever looks for cycles can drop each node that is alone in its component.
//!
//! # Method
//! Transfer graphs have one component of a large share of all nodes. It is found first, by all threads: from the
//! node with the largest product of in- and out-degree everything downstream is marked, then everything upstream of it
//! among the marked. A search goes along the edges of the nodes found last while these are few; once they are many, it
//! asks every node not yet found whether any of its neighbours was, and leaves at the first that was. What remains is
//! searched by one thread with Pearce's form of Tarjan's algorithm, on a stack of its own.
//!
//! # Cost
//! Time O(n + m), of which the part beyond the largest component is sequential; memory about 13 bytes per node.
//!
//! # Choices
//! A component's label is its smallest member, which is the same whatever order the search took.
//!
//! # Source
//! Pearce: A space-efficient algorithm for finding strongly connected components, IPL 116(1), 2016. Fleischer,
//! Hendrickson, Pinar: On identifying strongly connected components in parallel, 2000. Beamer, Asanović, Patterson:
//! Direction-optimizing breadth-first search, SC 2012.

use super::shape::transposes;
use crate::error::Result;
use crate::graph::project::Rows;
use crate::run::Run;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// A component for each node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrongComponents {
    /// For each node the smallest member of its component.
    pub labels: Vec<u32>,
    /// Number of components.
    pub num_components: usize,
}

/// Words of 64 nodes per task.
const WORDS_PER_TASK: usize = 1 << 7;

/// Nodes of a frontier per task.
const FRONTIER_PER_TASK: usize = 1 << 10;

/// Above this share of all nodes a frontier is passed over for asking the nodes not found.
const FRONTIER_SHARE: usize = 32;

/// Nodes between two looks at whether the run was cancelled.
const NODES_PER_CHECK: u32 = 1 << 16;

/// The strongly connected components of a directed graph.
///
/// `out` holds the rows of the edges from each node, `incoming` those to each node. The result does not depend on
/// the number of threads.
///
/// # Errors
/// [`Error::Input`](crate::Error::Input) if the two cannot be the rows of one graph; [`Error::Cancelled`](crate::Error::Cancelled).
///
/// # Examples
/// ```
/// use ringfence::community::strong_components;
/// use ringfence::graph::project::Rows;
/// let out = Rows::directed(4, &[(0, 1, 1), (1, 2, 1), (2, 0, 1), (2, 3, 1)]);
/// let found = strong_components(&out, &out.transposed(4), &ringfence::Run::new())?;
/// assert_eq!((found.labels, found.num_components), (vec![0, 0, 0, 3], 2));
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn strong_components(out: &Rows, incoming: &Rows, run: &Run) -> Result<StrongComponents> {
    transposes("strong components", out, incoming, out.num_nodes())?;
    run.stage("strong components", out.num_nodes() as u64);
    run.install(|| {
        let mut search = Search::new(out.num_nodes());
        search.largest(out, incoming, run)?;
        search.rest(out, run)?;
        Ok(StrongComponents { labels: search.labels, num_components: search.num_components })
    })
}

/// Marks a node of a finished component.
const DONE: u32 = u32::MAX;

/// What is known of each node.
struct Search {
    labels: Vec<u32>,
    /// Pearce's index: 0 before a visit, then the earliest visit known to be reached, in the end [`DONE`].
    reached: Vec<u32>,
    num_components: usize,
    /// Nodes done since the largest component.
    num_done: u32,
}

/// A visited node whose edges are being followed.
struct Visit {
    node: u32,
    /// Whether nothing earlier is reached so far.
    root: bool,
    /// The entry that comes next.
    entry: usize,
    end: usize,
}

impl Search {
    fn new(num_nodes: usize) -> Self {
        Search { labels: vec![0; num_nodes], reached: vec![0; num_nodes], num_components: 0, num_done: 0 }
    }

    /// Finds the component of the node with the largest product of degrees; ties go to the smallest node.
    fn largest(&mut self, out: &Rows, incoming: &Rows, run: &Run) -> Result<()> {
        let num_nodes = out.num_nodes();
        let paths = |node: u32| out.degree(node) as u64 * incoming.degree(node) as u64;
        let key = |node: u32| (paths(node), std::cmp::Reverse(node));
        let Some(pivot) = (0..num_nodes as u32).into_par_iter().max_by_key(|&node| key(node)) else {
            return Ok(());
        };
        if paths(pivot) == 0 {
            return Ok(());
        }
        let downstream = reach(pivot, out, incoming, None, run)?;
        let members = reach(pivot, incoming, out, Some(&downstream), run)?;
        let (index, word) = members
            .iter()
            .map(|word| word.load(Ordering::Relaxed))
            .enumerate()
            .find(|&(_, word)| word != 0)
            .expect("the pivot is a member");
        let label = index as u32 * 64 + word.trailing_zeros();
        let labels = self.labels.par_chunks_mut(64);
        labels.zip(self.reached.par_chunks_mut(64)).zip(&members).for_each(|((labels, reached), word)| {
            let word = word.load(Ordering::Relaxed);
            for (bit, (node_label, node_reached)) in labels.iter_mut().zip(reached).enumerate() {
                if word >> bit & 1 == 1 {
                    (*node_label, *node_reached) = (label, DONE);
                }
            }
        });
        self.num_components = 1;
        Ok(())
    }

    /// Finds the components of all other nodes.
    fn rest(&mut self, out: &Rows, run: &Run) -> Result<()> {
        let (mut path, mut open): (Vec<Visit>, Vec<u32>) = (Vec::new(), Vec::new());
        for start in 0..out.num_nodes() as u32 {
            if self.reached[start as usize] == 0 {
                self.visit(start, out, &mut path, &mut open, run)?;
            }
        }
        Ok(())
    }

    /// Finishes the components of every node reached from `start` that is not in one.
    fn visit(
        &mut self,
        start: u32,
        out: &Rows,
        path: &mut Vec<Visit>,
        open: &mut Vec<u32>,
        run: &Run,
    ) -> Result<()> {
        let mut visits = 1;
        let enter =
            |node: u32| Visit { node, root: true, entry: out.range(node).start, end: out.range(node).end };
        self.reached[start as usize] = visits;
        path.push(enter(start));
        while let Some(top) = path.last_mut() {
            let mut next = None;
            while top.entry < top.end {
                let neighbor = out.all_neighbors()[top.entry];
                let reached = self.reached[neighbor as usize];
                if reached == 0 {
                    next = Some(neighbor);
                    break;
                }
                top.entry += 1;
                if reached < self.reached[top.node as usize] {
                    self.reached[top.node as usize] = reached;
                    top.root = false;
                }
            }
            match next {
                Some(node) => {
                    visits += 1;
                    self.reached[node as usize] = visits;
                    path.push(enter(node));
                }
                None => {
                    let Some(done) = path.pop() else { break };
                    match done.root {
                        true => self.finish(done.node, open),
                        false => open.push(done.node),
                    }
                    self.num_done += 1;
                    if self.num_done.is_multiple_of(NODES_PER_CHECK) {
                        run.check()?;
                        run.advance(NODES_PER_CHECK.into());
                    }
                }
            }
        }
        Ok(())
    }

    /// The component of `root`: itself, and what was left open since its visit.
    fn finish(&mut self, root: u32, open: &mut Vec<u32>) {
        let since = self.reached[root as usize];
        let mut first = open.len();
        while first > 0 && self.reached[open[first - 1] as usize] >= since {
            first -= 1;
        }
        let label = open[first..].iter().copied().fold(root, u32::min);
        for node in open.drain(first..).chain([root]) {
            self.labels[node as usize] = label;
            self.reached[node as usize] = DONE;
        }
        self.num_components += 1;
    }
}

/// The nodes that paths along `forward` lead to from `start`, itself among them, within `inside` if given; one bit each.
///
/// `backward` holds the same edges the other way round.
fn reach(
    start: u32,
    forward: &Rows,
    backward: &Rows,
    inside: Option<&[AtomicU64]>,
    run: &Run,
) -> Result<Vec<AtomicU64>> {
    let num_nodes = forward.num_nodes();
    let found: Vec<AtomicU64> = (0..num_nodes.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
    let bit = |words: &[AtomicU64], node: u32| {
        words[node as usize / 64].load(Ordering::Relaxed) >> (node % 64) & 1 == 1
    };
    let allowed = |node: u32| inside.is_none_or(|words| bit(words, node));
    let claim = |node: u32| {
        let before = found[node as usize / 64].fetch_or(1 << (node % 64), Ordering::Relaxed);
        before >> (node % 64) & 1 == 0
    };
    claim(start);
    let mut frontier = vec![start];
    while !frontier.is_empty() {
        let parts: Result<Vec<Vec<u32>>> = match frontier.len() > num_nodes / FRONTIER_SHARE {
            // Who was found during the last round was asked about by nobody, so each round hands on its finds.
            true => (0..found.len().div_ceil(WORDS_PER_TASK))
                .into_par_iter()
                .map(|task| {
                    run.check()?;
                    let mut next = Vec::new();
                    for index in task * WORDS_PER_TASK..((task + 1) * WORDS_PER_TASK).min(found.len()) {
                        let mut word = found[index].load(Ordering::Relaxed);
                        let nodes = match inside {
                            Some(words) => words[index].load(Ordering::Relaxed),
                            None => u64::MAX >> (64 - (num_nodes - index * 64).min(64)),
                        };
                        let mut asked = nodes & !word;
                        let len = next.len();
                        while asked != 0 {
                            let node = index as u32 * 64 + asked.trailing_zeros();
                            asked &= asked - 1;
                            if backward.neighbors(node).iter().any(|&neighbor| bit(&found, neighbor)) {
                                word |= 1 << (node % 64);
                                next.push(node);
                            }
                        }
                        if next.len() > len {
                            found[index].store(word, Ordering::Relaxed);
                        }
                    }
                    Ok(next)
                })
                .collect(),
            false => frontier
                .par_chunks(FRONTIER_PER_TASK)
                .map(|nodes| {
                    run.check()?;
                    let mut next = Vec::new();
                    for &node in nodes {
                        let neighbors = forward.neighbors(node).iter().copied();
                        next.extend(neighbors.filter(|&to| allowed(to) && !bit(&found, to) && claim(to)));
                    }
                    Ok(next)
                })
                .collect(),
        };
        frontier = parts?.concat();
    }
    Ok(found)
}
