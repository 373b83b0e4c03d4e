//! Triangles: three accounts, each tied to both others; and how much of what could close does.
//!
//! # Method
//! Each edge is given to its end of smaller degree (ties to the larger number), so that no node keeps more than
//! √(2m). A node marks its kept neighbours; a kept neighbour of a kept neighbour that is marked closes a
//! triangle, which is found exactly once. All nodes are shared by all threads.
//!
//! # Cost
//! Time O(m^1.5) at worst, O(m · degeneracy) in practice; memory 4 bytes per edge, 24 per node, and 4 per
//! node and thread.
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
    let by_rank: Vec<AtomicU64> = (0..num_nodes).into_par_iter().map(|_| AtomicU64::new(0)).collect();
    let add = |rank: u32, triangles: u64| by_rank[rank as usize].fetch_add(triangles, Ordering::Relaxed);
    let totals: Result<Vec<u64>> = tasks(num_nodes)
        .into_par_iter()
        .map_init(
            || vec![0_u32; num_nodes],
            |marks, ranks| {
                run.check()?;
                let len = ranks.len() as u64;
                let mut total = 0;
                for rank in ranks {
                    let own = closed(&oriented, rank, marks, add);
                    if own > 0 {
                        add(rank, own);
                        total += own;
                    }
                }
                run.advance(len);
                Ok(total)
            },
        )
        .collect();
    let total = totals?.into_iter().sum();
    let per_node =
        oriented.ranks.par_iter().map(|&rank| by_rank[rank as usize].load(Ordering::Relaxed)).collect();
    Ok(Triangles { per_node, total })
}

/// The triangles in which `rank` keeps both others; tells `add` of those of the others.
///
/// `marks` holds 0 for every rank, before and after; in between, 1 and the triangles found for each that `rank` keeps.
fn closed(oriented: &Oriented, rank: u32, marks: &mut [u32], add: impl Fn(u32, u64) -> u64) -> u64 {
    let kept = oriented.kept(rank);
    if kept.len() < 2 {
        return 0;
    }
    kept.iter().for_each(|&other| marks[other as usize] = 1);
    let mut own = 0;
    // Who `other` keeps stands before it, so that the first has nobody in common with `rank`.
    for &other in &kept[1..] {
        let mut found = 0;
        for &third in oriented.kept(other) {
            // Without a branch: which of them is marked cannot be foreseen.
            let mark = &mut marks[third as usize];
            let closes = u32::from(*mark != 0);
            *mark += closes;
            found += closes;
        }
        marks[other as usize] += found;
        own += u64::from(found);
    }
    for &other in kept {
        let found = std::mem::take(&mut marks[other as usize]) - 1;
        if found > 0 {
            add(other, found.into());
        }
    }
    own
}
