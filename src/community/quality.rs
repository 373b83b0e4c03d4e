//! How good a partition is: as a whole, and community by community.
//!
//! # Cost
//! O(n + m), one random access an entry.
//!
//! # Source
//! The objectives: see [`leiden`](mod@crate::community::leiden). Conductance: Kannan, Vempala, Vetta: On clusterings: good,
//! bad and spectral, J. ACM 51, 2004.

use super::Partition;
use super::leiden::connect::connected_parts;
use super::leiden::groups::Groups;
use super::leiden::level::{self, Level, TASK_ENTRIES};
use super::leiden::objective::{Terms, Volume, Ways};
use super::leiden::{Objective, total};
use crate::error::{Error, Result};
use crate::graph::project::Rows;
use crate::run::Run;
use rayon::prelude::*;

/// What can be said of one community.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CommunityMeasures {
    /// Number of nodes.
    pub size: u32,
    /// Pairs of members that are neighbours.
    pub pairs: u64,
    /// Weight between members, each pair once.
    pub inside: u64,
    /// Weight between members and others.
    pub cut: u64,
    /// Cut over the weight of the members, or of the others if that is less; 0 where both are 0.
    pub conductance: f64,
    /// Pairs of members that are neighbours, of all pairs; 1 for a single node.
    pub density: f64,
    /// Whether every member reaches every other within the community.
    pub connected: bool,
}

/// The objective of a partition of an undirected graph, all node sizes 1.
///
/// # Errors
/// [`Error::Option`] for a resolution that is not above 0; [`Error::Input`] if the partition is of another graph.
pub fn quality(graph: &Rows, partition: &Partition, objective: Objective, resolution: f64) -> Result<f64> {
    fits(graph, partition)?;
    let weights = level::wide(graph);
    let strengths = level::strengths(graph, &weights);
    let total = total(strengths.iter().copied())?;
    let terms = match objective {
        Objective::Modularity => Terms::modularity(resolution, total)?,
        Objective::Cpm => Terms::cpm(resolution, total, graph.num_nodes() as u64)?,
    };
    let volumes = match objective {
        Objective::Modularity => strengths,
        Objective::Cpm => vec![1; graph.num_nodes()],
    };
    Ok(of_level(&Level::bottom(graph, weights, volumes), partition, &terms))
}

/// The modularity of a partition of an undirected graph. Errors as [`quality`].
pub fn modularity(graph: &Rows, partition: &Partition, resolution: f64) -> Result<f64> {
    quality(graph, partition, Objective::Modularity, resolution)
}

/// The directed modularity of a partition of the graph with rows `out`, and the same graph turned around.
///
/// # Errors
/// As [`quality`]; [`Error::Input`] also if the rows are not one graph.
pub fn directed_modularity(
    out: &Rows,
    incoming: &Rows,
    partition: &Partition,
    resolution: f64,
) -> Result<f64> {
    fits(out, partition)?;
    fits(incoming, partition)?;
    let (out_weights, in_weights) = (level::wide(out), level::wide(incoming));
    let ways = level::strengths(out, &out_weights).into_iter().zip(level::strengths(incoming, &in_weights));
    let volumes: Vec<Ways> = ways.map(|(out, into)| Ways { out, into }).collect();
    let terms = Terms::directed_modularity(resolution, total(volumes.iter().map(|volume| volume.out))?)?;
    Ok(of_level(&level::both_ways((out, &out_weights), (incoming, &in_weights), volumes), partition, &terms))
}

fn of_level<V: Volume>(level: &Level<u64, V>, partition: &Partition, terms: &Terms) -> f64 {
    let mut totals = vec![V::default(); partition.len()];
    for (&label, &volume) in partition.labels().iter().zip(&level.volumes) {
        totals[label as usize] = totals[label as usize].plus(volume);
    }
    terms.report(level.objective(partition.labels(), &totals, terms))
}

/// The share of all weight that is inside communities, from the measures of all of them; 1 for a graph without weight.
pub fn coverage(measures: &[CommunityMeasures]) -> f64 {
    let inside: u128 = measures.iter().map(|community| 2 * u128::from(community.inside)).sum();
    let cut: u128 = measures.iter().map(|community| u128::from(community.cut)).sum();
    if inside + cut == 0 { 1.0 } else { inside as f64 / (inside + cut) as f64 }
}

/// The measures of each community of an undirected graph.
///
/// # Errors
/// [`Error::Input`] if the partition is of another graph; [`Error::Cancelled`], [`Error::Deadline`].
pub fn community_measures(graph: &Rows, partition: &Partition, run: &Run) -> Result<Vec<CommunityMeasures>> {
    fits(graph, partition)?;
    run.install(|| {
        let weights = graph.weights();
        let all: u64 = (0..weights.len()).into_par_iter().with_min_len(1 << 14).map(|e| weights.get(e)).sum();
        let groups = Groups::by_label(partition.labels());
        let cuts = groups.cut(TASK_ENTRIES, |node| graph.degree(node) + 1);
        let found: Vec<Vec<CommunityMeasures>> = cuts
            .par_iter()
            .map(|cut| {
                run.check()?;
                Ok(cut.clone().map(|community| measure(graph, partition, community as u32, all)).collect())
            })
            .collect::<Result<_>>()?;
        let mut measures: Vec<CommunityMeasures> = found.into_iter().flatten().collect();
        let bottom = Level::bottom(graph, level::wide(graph), vec![0_u64; graph.num_nodes()]);
        let (parts, _) = connected_parts(&bottom, partition.labels(), run)?;
        for (node, &part) in parts.iter().enumerate() {
            let community = partition.community(node as u32);
            measures[community as usize].connected &= part == partition.members(community)[0];
        }
        Ok(measures)
    })
}

fn measure(graph: &Rows, partition: &Partition, community: u32, all: u64) -> CommunityMeasures {
    let (mut entries, mut inside, mut cut) = (0_u64, 0_u64, 0_u64);
    for &node in partition.members(community) {
        for (neighbor, weight) in graph.entries(node) {
            if partition.community(neighbor) == community {
                entries += 1;
                inside += weight;
            } else {
                cut += weight;
            }
        }
    }
    let size = partition.size(community);
    let volume = inside + cut;
    let smaller = volume.min(all - volume);
    let possible = u64::from(size) * (u64::from(size) - 1);
    CommunityMeasures {
        size,
        pairs: entries / 2,
        inside: inside / 2,
        cut,
        conductance: if smaller == 0 { 0.0 } else { cut as f64 / smaller as f64 },
        density: if possible == 0 { 1.0 } else { entries as f64 / possible as f64 },
        connected: true,
    }
}

fn fits(graph: &Rows, partition: &Partition) -> Result<()> {
    if graph.num_nodes() == partition.num_nodes() {
        return Ok(());
    }
    let (found, nodes) = (partition.num_nodes(), graph.num_nodes());
    Err(Error::input(
        "partition",
        format!("{found} nodes for a graph of {nodes}; give a partition of this graph"),
    ))
}
