//! Triangles: three accounts, each tied to both others; and how much of what could close does.
//!
//! # Method
//! Each edge is given to its end of smaller degree (ties to the smaller number), so that no node keeps more than
//! √(2m). A node marks its kept neighbours; a kept neighbour of a kept neighbour that is marked closes a
//! triangle, which is found exactly once. All nodes are shared by all threads.
//!
//! # Cost
//! Time O(m^1.5) at worst, O(m · degeneracy) in practice; memory 4 bytes per edge, 20 per node, and a bit per node
//! and thread.
//!
//! # Choices
//! Weights do not count. The local clustering of a node with fewer than two neighbours is 0, and counts in the mean.
//! Transitivity is the share of paths of two edges that are closed: three times the triangles over the paths.
//!
//! # Source
//! Latapy: Main-memory triangle computations for very large (sparse (power-law)) graphs, TCS 407, 2008. Watts,
//! Strogatz: Collective dynamics of small-world networks, Nature 393, 1998.

use super::oriented::{Oriented, tasks};
use crate::error::Result;
use crate::graph::project::Rows;
use crate::run::Run;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// The triangles of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Triangles {
    /// For each node the number of triangles it is in.
    pub per_node: Vec<u64>,
    /// Number of triangles, each counted once.
    pub total: u64,
}

/// How closed the neighbourhoods of a graph are.
#[derive(Clone, Debug, PartialEq)]
pub struct Clustering {
    /// For each node the share of the pairs of its neighbours that are neighbours; 0 if it has no pair.
    pub local: Vec<f64>,
    /// Mean of the local values over all nodes; 0 without nodes.
    pub average: f64,
    /// Share of the paths of two edges whose ends are neighbours; 0 without paths.
    pub transitivity: f64,
    /// The triangles that all this was computed from.
    pub triangles: Triangles,
}

/// Nodes per partial sum of the mean.
const NODES_PER_SUM: usize = 1 << 12;

/// The triangles of an undirected graph.
///
/// The result does not depend on the number of threads.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled).
///
/// # Examples
/// ```
/// use ringfence::community::triangles;
/// use ringfence::graph::project::Rows;
/// let triangle_and_tail = Rows::undirected(4, &[(0, 1, 1), (1, 2, 1), (0, 2, 1), (2, 3, 1)]);
/// let found = triangles(&triangle_and_tail, &ringfence::Run::new())?;
/// assert_eq!((found.total, found.per_node), (1, vec![1, 1, 1, 0]));
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn triangles(rows: &Rows, run: &Run) -> Result<Triangles> {
    run.stage("triangles", rows.num_nodes() as u64);
    run.install(|| count(rows, run))
}

/// The clustering coefficients of an undirected graph.
///
/// Sums are taken in a fixed order: the result does not depend on the number of threads.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled).
pub fn clustering(rows: &Rows, run: &Run) -> Result<Clustering> {
    let triangles = triangles(rows, run)?;
    let pairs = |node: u32| {
        let degree = rows.degree(node) as u64;
        degree * degree.saturating_sub(1) / 2
    };
    let local_of = |node: u32| match pairs(node) {
        0 => 0.0,
        pairs => triangles.per_node[node as usize] as f64 / pairs as f64,
    };
    let nodes = 0..rows.num_nodes() as u32;
    let local: Vec<f64> = nodes.clone().map(local_of).collect();
    let sums: Vec<f64> = local.chunks(NODES_PER_SUM).map(|values| values.iter().sum()).collect();
    let paths: u128 = nodes.map(|node| u128::from(pairs(node))).sum();
    let share = |part: f64, whole: f64| if whole == 0.0 { 0.0 } else { part / whole };
    Ok(Clustering {
        average: share(sums.iter().sum(), local.len() as f64),
        transitivity: share((3 * u128::from(triangles.total)) as f64, paths as f64),
        local,
        triangles,
    })
}

fn count(rows: &Rows, run: &Run) -> Result<Triangles> {
    let oriented = Oriented::new(rows, run)?;
    let num_nodes = rows.num_nodes();
    let per_node: Vec<AtomicU64> = (0..num_nodes).into_par_iter().map(|_| AtomicU64::new(0)).collect();
    let add = |node: u32, triangles: u64| per_node[node as usize].fetch_add(triangles, Ordering::Relaxed);
    let totals: Result<Vec<u64>> = tasks(num_nodes)
        .into_par_iter()
        .map_init(
            || vec![0_u64; num_nodes.div_ceil(64)],
            |marks, nodes| {
                run.check()?;
                let len = nodes.len() as u64;
                let mut total = 0;
                for node in nodes {
                    let kept = oriented.kept(node);
                    if kept.len() < 2 {
                        continue;
                    }
                    kept.iter().for_each(|&other| marks[other as usize / 64] |= 1 << (other % 64));
                    let mut own = 0;
                    for &other in kept {
                        let mut closed = 0;
                        for &third in oriented.kept(other) {
                            if marks[third as usize / 64] >> (third % 64) & 1 == 1 {
                                add(third, 1);
                                closed += 1;
                            }
                        }
                        if closed > 0 {
                            add(other, closed);
                            own += closed;
                        }
                    }
                    kept.iter().for_each(|&other| marks[other as usize / 64] = 0);
                    if own > 0 {
                        add(node, own);
                        total += own;
                    }
                }
                run.advance(len);
                Ok(total)
            },
        )
        .collect();
    let total = totals?.into_iter().sum();
    Ok(Triangles { per_node: per_node.into_iter().map(AtomicU64::into_inner).collect(), total })
}
