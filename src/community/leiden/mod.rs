//! Leiden: communities that are connected, found by moving nodes, refining and aggregating.
//!
//! # Method
//! Nodes move between communities as long as the objective gains; each community is then built again of parts that
//! hold together; the parts become the nodes of a smaller graph, on which all of it is done again
//! (`moving`, `refine`, `climb` say how). The objective is a whole number (`objective`).
//!
//! # One answer
//! The result depends on the graph, the options and the seed alone. Nodes of a large graph move in rounds, which are
//! drawn by hash: all nodes of a round look at the same state, and their proposals are committed in a fixed order.
//! Communities are refined independently of each other.
//!
//! # Cost
//! O(m) per sweep of local moving, a handful of sweeps per level, and levels that shrink; memory 12 to 16 bytes per node
//! and about 4 bytes per entry beside the graph, where weights are narrow.
//!
//! # Choices
//! Refinement is greedy; the graph itself is left as soon as a sweep gains less than a thousandth of the greatest possible
//! objective, and levels below a quarter of the graph are climbed again instead. Whether communities are connected is
//! checked on the graph itself at the end of every call.
//!
//! # Source
//! Traag, Waltman, van Eck: From Louvain to Leiden: guaranteeing well-connected communities, Scientific Reports 9, 2019.
//! Sahu: GVE-Leiden: fast Leiden algorithm for community detection in shared memory setting, ICPP 2024.

mod aggregate;
mod bounds;
mod climb;
pub(crate) mod connect;
mod follow;
pub(crate) mod groups;
pub(crate) mod level;
mod local;
mod moving;
pub(crate) mod objective;
mod refine;
pub(crate) mod table;

use crate::community::Partition;
use crate::error::{Error, Result};
use crate::graph::project::Rows;
use crate::ids::NONE;
use crate::run::Run;
use climb::{Climb, Summit, climb};
use level::{Level, Widths};
use moving::Moving;
use objective::{Terms, Volume, Ways, Whole};
use rayon::prelude::*;
use std::borrow::Cow;

pub use follow::follow;
pub use objective::Objective;

/// Options of [`leiden`] and [`louvain`](crate::community::louvain()).
#[derive(Clone, Debug, PartialEq)]
pub struct LeidenOptions {
    /// What a partition is measured by.
    pub objective: Objective,
    /// Price of volume against weight, above 0: more makes smaller communities. With CPM the density that a community
    /// must exceed.
    pub resolution: f64,
    /// Orders are drawn from this seed.
    pub seed: u64,
    /// Times that the graph is climbed from its nodes; at least 1. Where communities are not clear (moving the nodes
    /// once reaches less than four fifths of the greatest possible objective) there are at least 2, and Leiden climbs a graph
    /// of at most 2^22 entries at least 3 times. Ends early when nothing is gained.
    pub iterations: u32,
    /// Whether weights count; otherwise every entry weighs 1.
    pub weighted: bool,
    /// Fewest nodes of a community; at least 1. What has no neighbour to join stays smaller.
    pub size_min: u32,
    /// Most nodes of a community; at least `size_min`.
    pub size_max: u32,
    /// Sizes of nodes, at least 1 each, for CPM; none means 1 each.
    pub node_sizes: Option<Vec<u32>>,
    /// Where to start: an id for each node, nodes of equal id together, those of [`NONE`] alone.
    /// Communities that stay keep their id.
    pub start: Option<Vec<u32>>,
}

impl Default for LeidenOptions {
    fn default() -> Self {
        LeidenOptions {
            objective: Objective::Modularity,
            resolution: 1.0,
            seed: 0,
            iterations: 1,
            weighted: true,
            size_min: 1,
            size_max: u32::MAX,
            node_sizes: None,
            start: None,
        }
    }
}

/// Communities, and how they are nested.
#[derive(Clone, Debug, PartialEq)]
pub struct Communities {
    /// The community of each node.
    pub partition: Partition,
    /// For each community an id that stays the same where the community stays: that of the start it continues, or a new
    /// one. Without a start, the community's number.
    pub ids: Vec<u32>,
    /// The objective as it is published: modularity, or CPM.
    pub quality: f64,
    /// From the finest to `partition`, which is the last.
    pub levels: Vec<HierarchyLevel>,
    /// Communities that were found to be disconnected; Leiden finds none, Louvain may.
    pub num_disconnected: usize,
}

/// One level of a hierarchy: each community is a union of those of the level below.
#[derive(Clone, Debug, PartialEq)]
pub struct HierarchyLevel {
    /// For each community of the level below (on the first: for each node) its community on this level.
    pub parents: Vec<u32>,
    /// Number of communities.
    pub num_communities: usize,
    /// The objective of this level's partition.
    pub quality: f64,
}

impl Communities {
    /// For each node its community on level `level` of [`levels`](Self::levels).
    pub fn labels_at(&self, level: usize) -> Vec<u32> {
        let mut labels = self.levels[0].parents.clone();
        for above in &self.levels[1..=level] {
            labels.iter_mut().for_each(|label| *label = above.parents[*label as usize]);
        }
        labels
    }
}

/// Communities of the undirected graph `graph` by the Leiden method; every one of them is connected.
///
/// The result is the same for any number of threads.
///
/// # Errors
/// [`Error::Option`] if an option is outside its range, or bounds contradict each other; [`Error::Input`] if node sizes
/// or the start belong to another graph; both before any work. [`Error::Cancelled`], [`Error::Deadline`].
///
/// # Examples
/// Two triangles joined by one edge come apart at that edge:
/// ```
/// use ringfence::community::{LeidenOptions, leiden};
/// use ringfence::{Run, graph::project::Rows};
///
/// let pairs = [(0, 1, 1), (1, 2, 1), (0, 2, 1), (2, 3, 1), (3, 4, 1), (4, 5, 1), (3, 5, 1)];
/// let found = leiden(&Rows::undirected(6, &pairs), &LeidenOptions::default(), &Run::new())?;
/// assert_eq!(found.partition.labels(), [0, 0, 0, 1, 1, 1]);
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn leiden(graph: &Rows, options: &LeidenOptions, run: &Run) -> Result<Communities> {
    check(options, graph.num_nodes())?;
    run.install(|| undirected(graph, options, Method::Leiden, run))
}

/// Communities of the directed graph with rows `out` by directed modularity; `incoming` is the same graph turned
/// around. Otherwise as [`leiden`].
///
/// # Errors
/// As [`leiden`]; also [`Error::Option`] for CPM, which knows no direction (join the two directions for it), and
/// [`Error::Input`] if `out` and `incoming` are not one graph.
pub fn leiden_directed(
    out: &Rows,
    incoming: &Rows,
    options: &LeidenOptions,
    run: &Run,
) -> Result<Communities> {
    check(options, out.num_nodes())?;
    if options.objective == Objective::Cpm {
        return Err(Error::Option {
            name: "objective",
            value: "cpm".into(),
            allowed: "modularity for a directed graph; CPM knows no direction",
        });
    }
    if (out.num_nodes(), out.num_entries()) != (incoming.num_nodes(), incoming.num_entries()) {
        return Err(Error::input(
            "incoming rows",
            "they are not those of the same graph; turn the out rows around",
        ));
    }
    run.install(|| {
        let (out_weights, in_weights) = (weights(out, options), weights(incoming, options));
        let ways =
            level::strengths(out, &out_weights).into_iter().zip(level::strengths(incoming, &in_weights));
        let volumes: Vec<Ways> = ways.map(|(out, into)| Ways { out, into }).collect();
        let total = total(volumes.iter().map(|volume| volume.out))?;
        let terms = Terms::directed_modularity(options.resolution, total)?;
        let bottom = level::both_ways((out, &out_weights), (incoming, &in_weights), volumes);
        solve(&bottom, &terms, options, Method::Leiden, run)
    })
}

/// Which of the methods that share this machinery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Leiden,
    /// Whole communities become nodes; split those that are disconnected at the end, if asked to.
    Louvain {
        split: bool,
    },
}

/// Refuses options before any work.
pub(crate) fn check(options: &LeidenOptions, num_nodes: usize) -> Result<()> {
    let refuse = |name, value: String, allowed| Err(Error::Option { name, value, allowed });
    if !(options.resolution > 0.0 && options.resolution.is_finite()) {
        return refuse("resolution", options.resolution.to_string(), "a number above 0");
    }
    if options.iterations == 0 {
        return refuse("iterations", "0".into(), "at least 1");
    }
    if options.size_min == 0 {
        return refuse("size_min", "0".into(), "at least 1");
    }
    if options.size_max < options.size_min {
        return refuse("size_max", options.size_max.to_string(), "at least size_min");
    }
    let lengths = [("node sizes", options.node_sizes.as_ref()), ("start", options.start.as_ref())];
    for (what, values) in lengths {
        if values.is_some_and(|values| values.len() != num_nodes) {
            let found = values.map_or(0, Vec::len);
            let problem = format!("{found} values for a graph of {num_nodes} nodes; give one for each node");
            return Err(Error::input(what, problem));
        }
    }
    if options.node_sizes.as_ref().is_some_and(|sizes| sizes.contains(&0)) {
        return refuse("node_sizes", "0".into(), "at least 1 for each node");
    }
    Ok(())
}

/// Weights as `u64`, or ones if weights do not count.
fn weights<'a>(rows: &'a Rows, options: &LeidenOptions) -> Cow<'a, [u64]> {
    match options.weighted {
        true => level::wide(rows),
        false => Cow::Owned(vec![1; rows.num_entries()]),
    }
}

/// The sum of all weights.
pub(crate) fn total(mut strengths: impl Iterator<Item = u64>) -> Result<u64> {
    let sum = strengths.try_fold(0_u64, u64::checked_add).filter(|sum| sum.leading_zeros() > 1);
    sum.ok_or(Error::Limit {
        what: "total weight",
        found: u64::MAX,
        limit: u64::MAX >> 2,
        remedy: "use coarser weights, for example numbers of transactions",
    })
}

/// Chooses the width of weights and volumes.
pub(crate) fn undirected(
    graph: &Rows,
    options: &LeidenOptions,
    method: Method,
    run: &Run,
) -> Result<Communities> {
    let sizes = options.node_sizes.as_deref();
    let size = |node: usize| sizes.map_or(1, |sizes| u64::from(sizes[node]));
    let cpm = options.objective == Objective::Cpm;
    let sizes_sum: u64 = (0..graph.num_nodes()).map(size).sum();
    let terms = |total: u64| match cpm {
        true => Terms::cpm(options.resolution, total, sizes_sum),
        false => Terms::modularity(options.resolution, total),
    };
    match level::widths(graph, options.weighted) {
        Widths::Narrow(weights) if !cpm || sizes_sum <= u32::MAX.into() => {
            let strengths = level::strengths(graph, &weights);
            let total = total(strengths.iter().copied())?;
            let volumes: Vec<u32> = match cpm {
                true => (0..graph.num_nodes()).map(|node| size(node) as u32).collect(),
                false => strengths.into_iter().map(|strength| strength as u32).collect(),
            };
            solve(&Level::bottom(graph, weights, volumes), &terms(total)?, options, method, run)
        }
        _ => {
            let weights = weights(graph, options);
            let strengths = level::strengths(graph, &weights);
            let total = total(strengths.iter().copied())?;
            let volumes: Vec<u64> = match cpm {
                true => (0..graph.num_nodes()).map(size).collect(),
                false => strengths,
            };
            solve(&Level::bottom(graph, weights, volumes), &terms(total)?, options, method, run)
        }
    }
}

/// Climbs, checks, bounds and numbers.
fn solve<W: Whole, V: Volume>(
    bottom: &Level<W, V>,
    terms: &Terms,
    options: &LeidenOptions,
    method: Method,
    run: &Run,
) -> Result<Communities> {
    let num_nodes = bottom.num_nodes();
    let start = match &options.start {
        None => Moving::alone(&bottom.volumes),
        Some(ids) => Moving::new(starting_labels(ids), &bottom.volumes),
    };
    let how = Climb { seed: options.seed, iterations: options.iterations, refined: method == Method::Leiden };
    let summit = climb(bottom, terms, start, how, run)?;
    let mut labels = summit.labels(summit.owners.len(), num_nodes);
    let (parts, num_disconnected) = connect::connected_parts(bottom, &labels, run)?;
    if num_disconnected > 0 && method != (Method::Louvain { split: false }) {
        labels = parts;
    }
    let mut partition = Partition::from_labels(&labels);
    let mut as_climbed = partition.len() == summit.num_communities();
    if partition.sizes().next().is_some_and(|size| size > options.size_max) {
        as_climbed = false;
        // Refined, whatever the method: parts of a community must hold together.
        let how = Climb { refined: true, ..how };
        labels = bounds::split(bottom, terms, &partition, options.size_max, how, run)?;
        partition = Partition::from_labels(&labels);
    }
    if partition.sizes().last().is_some_and(|size| size < options.size_min) {
        as_climbed = false;
        let sizes = (options.size_min, options.size_max);
        labels = bounds::join(bottom, terms, &partition, sizes, run)?;
        partition = Partition::from_labels(&labels);
    }
    let quality = terms.report(match summit.objectives.last() {
        // Nothing came between: the top of the climb is the partition.
        Some(&objective) if as_climbed => objective,
        _ => {
            let state = Moving::new(partition.labels().to_vec(), &bottom.volumes);
            bottom.objective(&state.labels, &state.totals, terms)
        }
    });
    let levels = hierarchy(&summit, &partition, terms, quality);
    let ids = match &options.start {
        None => (0..partition.len() as u32).collect(),
        Some(before) => follow(before, &partition),
    };
    Ok(Communities { partition, ids, quality, levels, num_disconnected })
}

/// Labels below the number of nodes: each id by the first node that has it.
fn starting_labels(ids: &[u32]) -> Vec<u32> {
    let mut places: Vec<u32> = (0..ids.len() as u32).collect();
    places.par_sort_unstable_by_key(|&node| (ids[node as usize], node));
    let mut labels: Vec<u32> = (0..ids.len() as u32).collect();
    for same in places.chunk_by(|&a, &b| ids[a as usize] == ids[b as usize]) {
        if ids[same[0] as usize] != NONE {
            same.iter().for_each(|&node| labels[node as usize] = same[0]);
        }
    }
    labels
}

/// The levels of a climb that are nested in `partition`, and `partition` on top of them.
fn hierarchy(summit: &Summit, partition: &Partition, terms: &Terms, quality: f64) -> Vec<HierarchyLevel> {
    let mut levels: Vec<HierarchyLevel> = Vec::new();
    // For each community of the highest level so far its community in `partition`.
    let mut above: Vec<u32> = partition.labels().to_vec();
    for (owners, &objective) in summit.owners.iter().zip(&summit.objectives) {
        let num_communities = owners.iter().max().map_or(0, |&owner| owner as usize + 1);
        let mut next = vec![NONE; num_communities];
        let nested = owners.iter().zip(&above).all(|(&owner, &community)| {
            let slot = &mut next[owner as usize];
            if *slot == NONE {
                *slot = community;
            }
            *slot == community
        });
        if !nested || num_communities == partition.len() {
            break;
        }
        let quality = terms.report(objective);
        levels.push(HierarchyLevel { parents: owners.clone(), num_communities, quality });
        above = next;
    }
    levels.push(HierarchyLevel { parents: above, num_communities: partition.len(), quality });
    levels
}
