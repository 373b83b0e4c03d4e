//! Aggregation: each community becomes one node of the next level, as it is.
//!
//! # Method
//! The rows of a community's members are read once. What stays inside is summed on the way; labels and weights of the
//! rest are put side by side, without a branch to mispredict, and summed by community. The rows of all tasks are put
//! into place in parallel.
//!
//! # Cost
//! O(m) with one random access an entry; memory that of the next level.

use super::groups::Groups;
use super::level::{Level, TASK_ENTRIES, pieces};
use super::objective::{Volume, Whole};
use super::refine::Above;
use super::table::Table;
use crate::error::Result;
use crate::run::Run;
use rayon::prelude::*;
use std::borrow::Cow;

/// Rows whose first entries are read before the first of them is used.
const AHEAD: usize = 32;

/// The nodes that a task made, and their rows.
struct Found<W, V> {
    /// Where the row of each node ends.
    ends: Vec<usize>,
    neighbors: Vec<u32>,
    weights: Vec<W>,
    inside: Vec<u64>,
    volumes: Vec<V>,
}

/// Makes each of the communities `groups` a node.
pub(crate) fn aggregate<W: Whole, V: Volume>(
    level: &Level<W, V>,
    groups: &Groups,
    run: &Run,
) -> Result<Above<W, V>> {
    let owners = groups.owners();
    let cuts = groups.cut(TASK_ENTRIES, |node| level.range(node).len() + 1);
    let mut found: Vec<Found<W, V>> = cuts
        .into_par_iter()
        .map_init(Gather::default, |gather, cut| {
            run.check()?;
            let mut found = Found {
                ends: Vec::with_capacity(cut.len()),
                neighbors: Vec::new(),
                weights: Vec::new(),
                inside: Vec::with_capacity(cut.len()),
                volumes: Vec::with_capacity(cut.len()),
            };
            for group in cut {
                gather.read(level, groups, group, &owners, &mut found);
            }
            Ok(found)
        })
        .collect::<Result<_>>()?;
    let mut offsets = Vec::with_capacity(groups.len() + 1);
    offsets.push(0);
    let (mut inside, mut volumes) = (Vec::with_capacity(groups.len()), Vec::with_capacity(groups.len()));
    let mut end = 0;
    for found in &mut found {
        offsets.extend(found.ends.iter().map(|&own| end + own));
        end += found.neighbors.len();
        inside.append(&mut found.inside);
        volumes.append(&mut found.volumes);
    }
    let (mut neighbors, mut weights) = (vec![0; end], vec![W::default(); end]);
    let lens = || found.iter().map(|found| found.neighbors.len());
    let places = (pieces(&mut neighbors, lens()), pieces(&mut weights, lens()));
    (found, places.0, places.1).into_par_iter().for_each(|(found, neighbors, weights)| {
        neighbors.copy_from_slice(&found.neighbors);
        weights.copy_from_slice(&found.weights);
    });
    let within = inside.iter().sum();
    let (offsets, neighbors) = (Cow::Owned(offsets), Cow::Owned(neighbors));
    let level = Level { offsets, neighbors, weights: Cow::Owned(weights), inside, volumes };
    let communities = (0..groups.len() as u32).collect();
    Ok(Above { level, owners, communities, inside: within })
}

/// What a task gathers with.
struct Gather<W> {
    labels: Vec<u32>,
    weights: Vec<W>,
    table: Table<W>,
}

impl<W: Whole> Default for Gather<W> {
    fn default() -> Self {
        Gather { labels: Vec::new(), weights: Vec::new(), table: Table::default() }
    }
}

impl<W: Whole> Gather<W> {
    /// Adds the node of a community.
    fn read<V: Volume>(
        &mut self,
        level: &Level<W, V>,
        groups: &Groups,
        group: usize,
        owners: &[u32],
        found: &mut Found<W, V>,
    ) {
        let members = groups.members(group);
        let entries: usize = members.iter().map(|&node| level.range(node).len()).sum();
        self.table.start(entries.min(groups.len()));
        let (mut inside, mut volume) = (0, V::default());
        for members in members.chunks(AHEAD) {
            level.touch(members);
            let mut len = 0;
            for &node in members {
                inside += level.inside(node);
                volume = volume.plus(level.volumes[node as usize]);
                let room = len + level.range(node).len();
                if self.labels.len() < room {
                    self.labels.resize(2 * room, 0);
                    self.weights.resize(2 * room, W::default());
                }
                for (neighbor, weight) in level.row(node) {
                    let label = owners[neighbor as usize];
                    let same = label as usize == group;
                    self.labels[len] = label;
                    self.weights[len] = weight;
                    len += usize::from(!same);
                    inside += if same { weight.wide() } else { 0 };
                }
            }
            for (&label, &weight) in self.labels[..len].iter().zip(&self.weights[..len]) {
                self.table.add(label, weight);
            }
        }
        for (label, weight) in self.table.iter() {
            found.neighbors.push(label);
            found.weights.push(weight);
        }
        found.ends.push(found.neighbors.len());
        found.inside.push(inside);
        found.volumes.push(volume);
    }
}
