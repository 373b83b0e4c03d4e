//! Betweenness: how many shortest ways between others lead through a node.
//!
//! For each pair of other nodes the share of their shortest paths that pass the node, summed over pairs. A broker that
//! two groups depend on has much of it, even with few neighbours.
//!
//! # Method
//! Brandes: from each source a breadth-first search counts shortest paths; backwards, each node collects from those one
//! step further what depends on it. No predecessors are stored: a step backwards reads the same rows as a step
//! forwards. Given fewer sources than nodes, the sum over a random choice of them is scaled up.
//!
//! # Cost
//! Time O(n + m) per source; memory 28 bytes per node for each source in work, two per thread, and 8 in all.
//!
//! # Choices
//! Steps count alike: weights are amounts or numbers here, not lengths. The choice of sources is a
//! hash of seed and node; the `k` smallest are taken, each at most once. Sources are summed in groups, in an order that
//! depends on their number alone. Path counts that would leave the range of a float are scaled per step.
//!
//! # Source
//! Brandes: A faster algorithm for betweenness centrality, J. Math. Sociol. 25(2), 2001. Brandes, Pich: Centrality
//! estimation in large networks, IJBC 17(7), 2007. Bound: Serfling, Ann. Statist. 2(1), 1974.

use super::check;
use crate::error::Result;
use crate::graph::project::Rows;
use crate::ids::NONE;
use crate::random::Stream;
use crate::run::Run;
use rayon::prelude::*;

/// Options of [`betweenness`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BetweennessOptions {
    /// Whether the rows are out rows of a directed graph. Of an undirected graph each pair counts once, not in both directions.
    pub directed: bool,
    /// Number of sources, at least 1, chosen at random; `None` for all nodes, which is exact.
    pub sources: Option<u32>,
    /// Decides the choice of sources.
    pub seed: u64,
}

impl Default for BetweennessOptions {
    fn default() -> Self {
        Self { directed: true, sources: Some(256), seed: 0 }
    }
}

/// Betweenness of all nodes, and how good it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Betweenness {
    /// For each node the number of pairs, or its estimate: shares of their shortest paths that pass it, summed.
    pub scores: Vec<f64>,
    /// Sources that were searched from; all nodes if the scores are exact.
    pub num_sources: u32,
    /// As in the options.
    pub directed: bool,
}

impl Betweenness {
    /// Number of pairs of other nodes: what the scores of one node cannot exceed.
    fn num_pairs(&self) -> f64 {
        let num_nodes = self.scores.len() as f64;
        let ordered = ((num_nodes - 1.0) * (num_nodes - 2.0)).max(0.0);
        if self.directed { ordered } else { ordered / 2.0 }
    }

    /// For each node the score as a share of all pairs of other nodes; 0 where there is no pair.
    pub fn normalized(&self) -> Vec<f64> {
        let pairs = self.num_pairs();
        self.scores.iter().map(|score| if pairs > 0.0 { score / pairs } else { 0.0 }).collect()
    }

    /// How far off a score can be: with probability `1 − failure` over the seeds, no score of any node differs from the
    /// exact one by more. In the units of `scores`; 0 where they are exact.
    ///
    /// This is a bound for the worst graph; what is seen is mostly far less. `failure` is between 0 and 1.
    pub fn error_max(&self, failure: f64) -> f64 {
        let (num_nodes, sources) = (self.scores.len() as f64, f64::from(self.num_sources));
        if sources >= num_nodes {
            return 0.0;
        }
        // Each source adds between 0 and n − 2; the mean of k of n values, drawn without replacement.
        let unseen = 1.0 - (sources - 1.0) / num_nodes;
        let deviation = (unseen * (2.0 * num_nodes / failure).ln() / (2.0 * sources)).sqrt();
        let largest = num_nodes * (num_nodes - 2.0) / if self.directed { 1.0 } else { 2.0 };
        (deviation * largest).min(largest)
    }
}

/// Most groups of sources, each summed on its own.
const GROUPS_MAX: usize = 256;

/// Path counts above it are scaled down by it: far below the largest float.
const PATHS_MAX: f64 = (1_u128 << 127) as f64;

/// The betweenness of every node of a graph, exact or from a choice of sources.
///
/// # Errors
/// [`Error::Option`](crate::Error::Option) if `sources` is 0; [`Error::Cancelled`](crate::Error::Cancelled).
///
/// # Examples
/// On a path of three, the one pair of ends goes through the middle.
/// ```
/// use ringfence::community::centrality::{BetweennessOptions, betweenness};
/// use ringfence::graph::project::Rows;
/// let path = Rows::undirected(3, &[(0, 1, 1), (1, 2, 1)]);
/// let options = BetweennessOptions { directed: false, sources: None, ..Default::default() };
/// let found = betweenness(&path, &options, &ringfence::Run::new())?;
/// assert_eq!(found.scores, [0.0, 1.0, 0.0]);
/// assert_eq!(found.error_max(0.01), 0.0);
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn betweenness(rows: &Rows, options: &BetweennessOptions, run: &Run) -> Result<Betweenness> {
    check("sources", options.sources.unwrap_or(1).into(), "at least 1", options.sources != Some(0))?;
    let num_nodes = rows.num_nodes();
    let sources = choose(num_nodes, options);
    run.stage("betweenness", sources.len() as u64);
    let groups: Vec<&[u32]> = sources.chunks(sources.len().div_ceil(GROUPS_MAX).max(1)).collect();
    let mut scores = vec![0.0; num_nodes];
    run.install(|| -> Result<()> {
        // A wave is as wide as the threads ask for; what is added, and in which order, does not depend on it.
        for wave in groups.chunks(2 * rayon::current_num_threads()) {
            let sums: Result<Vec<Vec<f64>>> =
                wave.par_iter().map(|group| from_group(rows, group, run)).collect();
            let sums = sums?;
            scores.par_iter_mut().enumerate().for_each(|(node, score)| {
                sums.iter().for_each(|sum| *score += sum[node]);
            });
        }
        Ok(())
    })?;
    let scale = num_nodes as f64 / sources.len() as f64 / if options.directed { 1.0 } else { 2.0 };
    scores.iter_mut().for_each(|score| *score *= scale);
    Ok(Betweenness { scores, num_sources: sources.len() as u32, directed: options.directed })
}

/// The sources, ascending.
fn choose(num_nodes: usize, options: &BetweennessOptions) -> Vec<u32> {
    let wanted = options.sources.map_or(num_nodes, |sources| num_nodes.min(sources as usize));
    let mut nodes: Vec<u32> = (0..num_nodes as u32).collect();
    if wanted < num_nodes {
        let stream = Stream::new(options.seed, 0);
        nodes.select_nth_unstable_by_key(wanted, |&node| (stream.at(node.into()), node));
        nodes.truncate(wanted);
        nodes.sort_unstable();
    }
    nodes
}

/// What depends on each node, summed over some sources.
fn from_group(rows: &Rows, sources: &[u32], run: &Run) -> Result<Vec<f64>> {
    let mut search = Search::new(rows.num_nodes());
    let mut sums = vec![0.0; rows.num_nodes()];
    for &source in sources {
        run.check()?;
        search.forward(rows, source);
        search.backward(rows, &mut sums);
        run.advance(1);
    }
    Ok(sums)
}

/// A node as seen from the source.
#[derive(Clone, Copy)]
struct Place {
    /// Forward, the number of shortest paths to the node. Backward, (1 + what depends on it) / that number.
    value: f64,
    /// Steps from the source, or [`NONE`].
    steps: u32,
}

const UNSEEN: Place = Place { value: 0.0, steps: NONE };

struct Search {
    places: Vec<Place>,
    /// Nodes in the order of their steps.
    order: Vec<u32>,
    /// Where in `order` each step begins, and by what its path counts were multiplied.
    steps: Vec<(usize, f64)>,
}

impl Search {
    fn new(num_nodes: usize) -> Self {
        Search { places: vec![UNSEEN; num_nodes], order: Vec::new(), steps: Vec::new() }
    }

    /// Counts the shortest paths from `source`.
    fn forward(&mut self, rows: &Rows, source: u32) {
        self.order.push(source);
        self.places[source as usize] = Place { value: 1.0, steps: 0 };
        let mut first = 0;
        while first < self.order.len() {
            let scale = self.scale_down(first);
            self.steps.push((first, scale));
            let (end, next) = (self.order.len(), self.steps.len() as u32);
            for at in first..end {
                let node = self.order[at];
                let paths = self.places[node as usize].value;
                for &neighbor in rows.neighbors(node) {
                    let place = &mut self.places[neighbor as usize];
                    if place.steps == NONE {
                        *place = Place { value: paths, steps: next };
                        self.order.push(neighbor);
                    } else if place.steps == next {
                        place.value += paths;
                    }
                }
            }
            first = end;
        }
    }

    /// Keeps the path counts of one step in range; returns what they were multiplied by.
    fn scale_down(&mut self, first: usize) -> f64 {
        let step = &self.order[first..];
        let most = step.iter().fold(0.0, |most: f64, &node| most.max(self.places[node as usize].value));
        if most <= PATHS_MAX {
            return 1.0;
        }
        for &node in step {
            let paths = &mut self.places[node as usize].value;
            *paths = (*paths / PATHS_MAX).max(1.0 / PATHS_MAX);
        }
        1.0 / PATHS_MAX
    }

    /// Adds to `sums` what depends on each node, and forgets the search.
    fn backward(&mut self, rows: &Rows, sums: &mut [f64]) {
        let mut end = self.order.len();
        let mut scale = 1.0;
        while let Some((first, own_scale)) = self.steps.pop() {
            let further = self.steps.len() as u32 + 1;
            for at in (first..end).rev() {
                let node = self.order[at];
                let mut depends = 0.0;
                for &neighbor in rows.neighbors(node) {
                    let place = self.places[neighbor as usize];
                    depends += if place.steps == further { place.value } else { 0.0 };
                }
                let place = &mut self.places[node as usize];
                depends *= place.value * scale;
                place.value = (1.0 + depends) / place.value;
                if first > 0 {
                    sums[node as usize] += depends;
                }
            }
            (end, scale) = (first, own_scale);
        }
        for node in self.order.drain(..) {
            self.places[node as usize] = UNSEEN;
        }
    }
}
