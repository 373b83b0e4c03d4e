//! Hubs and authorities: who pays those that are paid by many such payers.
//!
//! A good hub points to good authorities, a good authority is pointed to by good hubs: the leading pair of singular
//! vectors of the weighted adjacency matrix. In payments, collectors are authorities and the mules that feed them are hubs.
//!
//! # Method
//! Power iteration: authorities from hubs over the in rows, hubs from authorities over the out rows, each scaled to
//! sum 1; sums by tasks that only the graph decides.
//!
//! # Cost
//! Time O(n + m) per iteration; memory 24 bytes per node. Iterations depend on how far the largest singular value is ahead of the
//! next; where the two are equal, the result is the mixture that the even start leads to.
//!
//! # Choices
//! Every node starts as an equal hub, so that the result is unique. Without any edge all scores are 0.
//!
//! # Source
//! Kleinberg: Authoritative sources in a hyperlinked environment, J. ACM 46(5), 1999.

use super::pull::{By, gather, gather_by, split, tasks, tree_sum};
use super::{check, check_sides};
use crate::error::Result;
use crate::graph::project::Rows;
use crate::run::Run;
use rayon::prelude::*;

/// Options of [`hits`].
#[derive(Clone, Debug, PartialEq)]
pub struct HitsOptions {
    /// Sum of the changes of all hub scores at which to stop, at least 0; 0 goes on to `iterations_max`.
    pub tolerance: f64,
    /// Most iterations, at least 1.
    pub iterations_max: u32,
    /// Whether edges count with their weight; all alike otherwise.
    pub weighted: bool,
}

impl Default for HitsOptions {
    fn default() -> Self {
        Self { tolerance: 1e-10, iterations_max: 1_000, weighted: true }
    }
}

/// Scores of all nodes, and how good they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Hits {
    /// For each node its score as one that points to authorities; all sum to 1.
    pub hubs: Vec<f64>,
    /// For each node its score as one that hubs point to; all sum to 1.
    pub authorities: Vec<f64>,
    /// Iterations done.
    pub iterations: u32,
    /// Sum of the changes of all hub scores in the last of them; above the tolerance if iterations ran out.
    pub residual: f64,
}

/// Hub and authority scores of every node, from the out rows and the in rows of a graph.
///
/// # Errors
/// [`Error::Option`](crate::Error::Option) if an option is outside its range, [`Error::Input`](crate::Error::Input) if the rows are not
/// those of one graph, both before any work; [`Error::Cancelled`](crate::Error::Cancelled).
///
/// # Examples
/// ```
/// use ringfence::community::centrality::{HitsOptions, hits};
/// use ringfence::graph::project::Rows;
/// let out = Rows::directed(4, &[(0, 2, 1), (1, 2, 1), (1, 3, 1)]);
/// let found = hits(&out, &out.transposed(4), &HitsOptions::default(), &ringfence::Run::new())?;
/// assert!(found.hubs[1] > found.hubs[0] && found.authorities[2] > found.authorities[3]);
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn hits(out: &Rows, incoming: &Rows, options: &HitsOptions, run: &Run) -> Result<Hits> {
    let HitsOptions { tolerance, iterations_max, weighted } = *options;
    check("tolerance", tolerance, "a finite number of at least 0", (0.0..f64::MAX).contains(&tolerance))?;
    check("iterations_max", iterations_max.into(), "at least 1", iterations_max > 0)?;
    check_sides(out, incoming)?;
    let num_nodes = out.num_nodes();
    run.stage("hits", u64::from(iterations_max));
    let (out, incoming) = (Side::new(out, weighted), Side::new(incoming, weighted));
    let mut found = Hits {
        hubs: vec![1.0 / num_nodes as f64; num_nodes],
        authorities: vec![0.0; num_nodes],
        iterations: 0,
        residual: 0.0,
    };
    run.install(|| {
        let mut before = vec![0.0; num_nodes];
        while found.iterations < iterations_max && num_nodes > 0 {
            incoming.pull(&found.hubs, &mut found.authorities, run)?;
            std::mem::swap(&mut before, &mut found.hubs);
            out.pull(&found.authorities, &mut found.hubs, run)?;
            found.iterations += 1;
            found.residual = out.change(&before, &found.hubs);
            run.advance(1);
            if found.residual <= tolerance {
                break;
            }
        }
        Ok(found)
    })
}

/// Out rows or in rows, cut into tasks.
struct Side<'a> {
    rows: &'a Rows,
    by: By<'a>,
    tasks: Vec<std::ops::Range<usize>>,
}

impl<'a> Side<'a> {
    fn new(rows: &'a Rows, weighted: bool) -> Self {
        Side { rows, by: By::new(rows, weighted), tasks: tasks(rows) }
    }

    /// What each node receives of `from`, scaled to sum 1.
    fn pull(&self, from: &[f64], into: &mut [f64], run: &Run) -> Result<()> {
        let sums: Result<Vec<f64>> = self
            .tasks
            .par_iter()
            .zip(split(into, &self.tasks))
            .map(|(nodes, into)| {
                run.check()?;
                let mut sum = 0.0;
                for (node, value) in nodes.clone().zip(into) {
                    *value = self.received(node as u32, from);
                    sum += *value;
                }
                Ok(sum)
            })
            .collect();
        let sum = tree_sum(&sums?);
        if sum > 0.0 {
            into.par_iter_mut().for_each(|value| *value /= sum);
        }
        Ok(())
    }

    fn received(&self, node: u32, from: &[f64]) -> f64 {
        match self.by {
            By::Unit => gather(self.rows, node, from),
            By::Narrow(weights) => gather_by(self.rows, node, weights, f64::from, from),
            By::Wide(weights) => gather_by(self.rows, node, weights, |weight| weight as f64, from),
        }
    }

    /// Sum of the differences of two vectors.
    fn change(&self, before: &[f64], after: &[f64]) -> f64 {
        let change = |node: usize| (after[node] - before[node]).abs();
        let changes: Vec<f64> = self.tasks.par_iter().map(|nodes| nodes.clone().map(change).sum()).collect();
        tree_sum(&changes)
    }
}
