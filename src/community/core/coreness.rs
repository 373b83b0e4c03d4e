//! k-cores: the coreness of each node, and an order that shows it.
//!
//! The k-core is the largest set of nodes in which each has at least k neighbours inside; the coreness of a node is
//! the largest k whose core it is in.
//!
//! # Method
//! Level by level, and in rounds within a level: all nodes with at most k neighbours left go at once, and take one
//! from each of their neighbours; who thereby falls to k goes in the next round. When no one falls, the next level is
//! the smallest number of neighbours left. Who is still there is written down anew at each level, so that deep cores
//! cost what is in them.
//!
//! # Cost
//! Time O(n + m); the rounds of a level follow each other, the work of a round is shared by all threads. Memory 12
//! bytes per node.
//!
//! # Choices
//! A decrement that comes too late, because its node falls to k in the same round, is taken back; so a node's counter
//! ends at its coreness, whatever the interleaving.
//!
//! # Source
//! Batagelj, Zaveršnik: An O(m) algorithm for cores decomposition of networks, 2003. Kabir, Madduri: Parallel k-core
//! decomposition on multicore platforms, IPDPSW 2017.

use crate::error::Result;
use crate::graph::project::Rows;
use crate::run::Run;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// The coreness of each node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cores {
    /// For each node the largest k such that the k-core holds it.
    pub coreness: Vec<u32>,
    /// All nodes in an order of removal: each has at most its coreness of neighbours after it. By coreness, then by
    /// round, then by number.
    pub order: Vec<u32>,
}

impl Cores {
    /// The largest k whose core is not empty; 0 for a graph without edges.
    pub fn degeneracy(&self) -> u32 {
        self.order.last().map_or(0, |&node| self.coreness[node as usize])
    }

    /// The nodes of the k-core, ascending.
    pub fn core(&self, k: u32) -> Vec<u32> {
        (0..self.coreness.len() as u32).filter(|&node| self.coreness[node as usize] >= k).collect()
    }
}

/// Nodes per task.
const NODES_PER_TASK: usize = 1 << 10;

/// The coreness of each node of an undirected graph, and a degeneracy order.
///
/// Weights do not count. The result does not depend on the number of threads.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled).
///
/// # Examples
/// ```
/// use ringfence::community::cores;
/// use ringfence::graph::project::Rows;
/// let triangle_and_tail = Rows::undirected(4, &[(0, 1, 1), (1, 2, 1), (0, 2, 1), (2, 3, 1)]);
/// let found = cores(&triangle_and_tail, &ringfence::Run::new())?;
/// assert_eq!((&found.coreness[..], &found.order[..]), (&[2, 2, 2, 1][..], &[3, 0, 1, 2][..]));
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn cores(rows: &Rows, run: &Run) -> Result<Cores> {
    run.stage("cores", rows.num_nodes() as u64);
    run.install(|| peel(rows, run))
}

fn peel(rows: &Rows, run: &Run) -> Result<Cores> {
    let num_nodes = rows.num_nodes() as u32;
    let left: Vec<AtomicU32> =
        (0..num_nodes).into_par_iter().map(|node| AtomicU32::new(rows.degree(node) as u32)).collect();
    let left_of = |node: u32| left[node as usize].load(Ordering::Relaxed);
    let mut order = Vec::with_capacity(num_nodes as usize);
    let mut alive: Vec<u32> = (0..num_nodes).collect();
    let mut level = 0;
    while !alive.is_empty() {
        run.check()?;
        level = alive.par_iter().map(|&node| left_of(node)).min().map_or(level, |least| level.max(least));
        let (mut frontier, stay): (Vec<u32>, Vec<u32>) = split(&alive, |node| left_of(node) <= level);
        alive = stay;
        let begin = order.len();
        while !frontier.is_empty() {
            order.extend_from_slice(&frontier);
            let mut next = match frontier.len() > NODES_PER_TASK {
                true => frontier
                    .par_chunks(NODES_PER_TASK)
                    .map(|nodes| remove(rows, &left, level, nodes, run))
                    .collect::<Result<Vec<_>>>()?
                    .concat(),
                false => remove(rows, &left, level, &frontier, run)?,
            };
            next.par_sort_unstable();
            frontier = next;
        }
        if order.len() > begin {
            alive = split(&alive, |node| left_of(node) > level).0;
        }
    }
    Ok(Cores { coreness: left.into_iter().map(AtomicU32::into_inner).collect(), order })
}

/// Those that `test` holds for, and the others, both in the order given.
fn split(nodes: &[u32], test: impl Fn(u32) -> bool + Sync) -> (Vec<u32>, Vec<u32>) {
    let halves: Vec<(Vec<u32>, Vec<u32>)> = nodes
        .par_chunks(NODES_PER_TASK * 16)
        .map(|nodes| nodes.iter().copied().partition(|&node| test(node)))
        .collect();
    let (yes, no): (Vec<_>, Vec<_>) = halves.into_iter().unzip();
    (yes.concat(), no.concat())
}

/// Takes one from each neighbour of `nodes` that has more than `level` left; returns those that thereby fall to it.
fn remove(rows: &Rows, left: &[AtomicU32], level: u32, nodes: &[u32], run: &Run) -> Result<Vec<u32>> {
    run.check()?;
    let mut fallen = Vec::new();
    for &node in nodes {
        for &neighbor in rows.neighbors(node) {
            let counter = &left[neighbor as usize];
            if counter.load(Ordering::Relaxed) <= level {
                continue;
            }
            let before = counter.fetch_sub(1, Ordering::Relaxed);
            if before == level + 1 {
                fallen.push(neighbor);
            } else if before <= level {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    run.advance(nodes.len() as u64);
    Ok(fallen)
}
