//! PageRank: where a walk along the edges that never ends spends its time.
//!
//! At every step the walk goes on along one of the node's edges with probability `damping`, chosen by weight, and jumps
//! to any node otherwise; where no edge leaves, it jumps too. The scores are the shares of its steps; they sum to 1.
//!
//! # Method
//! Power iteration. Each node reads what its in-neighbours have to give, score / out-strength, in the order of its in
//! row; the same sweep adds up the change of all scores and the score of nodes without out-edges, by tasks that
//! only the graph decides, and the tasks' sums by halves.
//!
//! # Cost
//! Time O(n + m) per iteration; memory 32 bytes per node. The change shrinks by `damping` or faster per iteration: about
//! 14 iterations per decimal for 0.85.
//!
//! # Choices
//! Scores differ from the limit by at most `residual · damping / (1 − damping)` in all, so that the result says how
//! good it is. Scores of personal relevance, from given sources, are in [`rank`](crate::trace::rank).
//!
//! # Source
//! Brin, Page: The anatomy of a large-scale hypertextual web search engine, WWW 1998. Jumps from nodes without
//! out-edges as in NetworkX.

use super::pull::{By, gather, gather_by, split, tasks, tree_sum};
use super::{check, check_sides};
use crate::error::Result;
use crate::graph::project::Rows;
use crate::run::Run;
use rayon::prelude::*;
use std::ops::Range;

/// Options of [`pagerank`].
#[derive(Clone, Debug, PartialEq)]
pub struct PageRankOptions {
    /// Probability that the walk goes on, at least 0 and less than 1.
    pub damping: f64,
    /// Sum of the changes of all scores at which to stop, at least 0; 0 goes on to `iterations_max`.
    pub tolerance: f64,
    /// Most iterations, at least 1.
    pub iterations_max: u32,
    /// Whether edges count with their weight; all alike otherwise.
    pub weighted: bool,
}

impl Default for PageRankOptions {
    fn default() -> Self {
        Self { damping: 0.85, tolerance: 1e-10, iterations_max: 200, weighted: true }
    }
}

impl PageRankOptions {
    fn check(&self) -> Result<()> {
        let Self { damping, tolerance, iterations_max, .. } = *self;
        check("damping", damping, "at least 0 and less than 1", (0.0..1.0).contains(&damping))?;
        check("tolerance", tolerance, "a finite number of at least 0", (0.0..f64::MAX).contains(&tolerance))?;
        check("iterations_max", iterations_max.into(), "at least 1", iterations_max > 0)
    }
}

/// Scores of all nodes, and how good they are.
#[derive(Clone, Debug, PartialEq)]
pub struct PageRank {
    /// For each node its score; all sum to 1.
    pub scores: Vec<f64>,
    /// Iterations done.
    pub iterations: u32,
    /// Sum of the changes of all scores in the last of them; above the tolerance if iterations ran out.
    pub residual: f64,
}

/// The PageRank of every node, from the out rows and the in rows of a graph.
///
/// # Errors
/// [`Error::Option`](crate::Error::Option) if an option is outside its range, [`Error::Input`](crate::Error::Input) if the rows are not
/// those of one graph, both before any work; [`Error::Cancelled`](crate::Error::Cancelled).
///
/// # Examples
/// Everybody pays the third.
/// ```
/// use ringfence::community::centrality::{PageRankOptions, pagerank};
/// use ringfence::graph::project::Rows;
/// let out = Rows::directed(3, &[(0, 2, 1), (1, 2, 1)]);
/// let found = pagerank(&out, &out.transposed(3), &PageRankOptions::default(), &ringfence::Run::new())?;
/// assert!(found.scores[2] > 0.4 && found.scores[0] == found.scores[1]);
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn pagerank(out: &Rows, incoming: &Rows, options: &PageRankOptions, run: &Run) -> Result<PageRank> {
    options.check()?;
    check_sides(out, incoming)?;
    run.stage("pagerank", u64::from(options.iterations_max));
    run.install(|| match By::new(incoming, options.weighted) {
        By::Unit => iterate(out, incoming, options, |node, from| gather(incoming, node, from), run),
        By::Narrow(weights) => {
            let received = |node, from: &[f64]| gather_by(incoming, node, weights, f64::from, from);
            iterate(out, incoming, options, received, run)
        }
        By::Wide(weights) => {
            let received =
                |node, from: &[f64]| gather_by(incoming, node, weights, |weight| weight as f64, from);
            iterate(out, incoming, options, received, run)
        }
    })
}

fn iterate(
    out: &Rows,
    incoming: &Rows,
    options: &PageRankOptions,
    received: impl Fn(u32, &[f64]) -> f64 + Sync,
    run: &Run,
) -> Result<PageRank> {
    let num_nodes = out.num_nodes();
    let tasks = tasks(incoming);
    let share = |node: u32| match out.degree(node) {
        0 => 0.0,
        _ if options.weighted => 1.0 / out.strength(node) as f64,
        degree => 1.0 / degree as f64,
    };
    // Out of a score goes this share along each unit of weight; 0 where no edge leaves.
    let shares: Vec<f64> = (0..num_nodes as u32).into_par_iter().map(share).collect();
    let start = 1.0 / num_nodes as f64;
    let mut found = PageRank { scores: vec![start; num_nodes], iterations: 0, residual: 0.0 };
    let mut gifts: Vec<f64> = shares.par_iter().map(|share| start * share).collect();
    let mut next = vec![0.0; num_nodes];
    let mut stuck = shares.iter().filter(|&&share| share == 0.0).count() as f64 * start;
    while found.iterations < options.iterations_max && num_nodes > 0 {
        let jump = (1.0 - options.damping + options.damping * stuck) / num_nodes as f64;
        let sums: Result<Vec<(f64, f64)>> = tasks
            .par_iter()
            .zip(split(&mut found.scores, &tasks))
            .zip(split(&mut next, &tasks))
            .map(|((nodes, scores), next): ((&Range<usize>, _), _)| {
                run.check()?;
                let (mut change, mut stuck) = (0.0, 0.0);
                for ((node, score), next) in nodes.clone().zip(scores).zip(next) {
                    let new = jump + options.damping * received(node as u32, &gifts);
                    change += (new - *score).abs();
                    *score = new;
                    *next = new * shares[node];
                    stuck += if shares[node] == 0.0 { new } else { 0.0 };
                }
                Ok((change, stuck))
            })
            .collect();
        let (changes, stucks): (Vec<f64>, Vec<f64>) = sums?.into_iter().unzip();
        std::mem::swap(&mut gifts, &mut next);
        found.iterations += 1;
        found.residual = tree_sum(&changes);
        stuck = tree_sum(&stucks);
        run.advance(1);
        if found.residual <= options.tolerance {
            break;
        }
    }
    Ok(found)
}
