//! Refinement and aggregation: each community is built again of parts that hold together, and each part becomes one
//! node of the next level.
//!
//! # Method
//! A community is a task's own affair (see [`Local`]). As soon as its parts are known, their rows are summed while they
//! are still near: weights between parts of the community at once, weights to nodes outside as a list that is summed
//! when the parts of all communities have their numbers. Parts are numbered community by community, so that the nodes
//! of one community are neighbours in memory on the next level. The rows of all tasks are put into place in parallel.
//!
//! # Cost
//! O(m) with one random access an entry, and one more for each entry that leaves its community; memory about 8 bytes
//! (12 if weights are wide) for each of those and for each entry of the next level.
//!
//! # Choices
//! The merge is greedy, not drawn at random in proportion to the gain; that forgoes the guarantee that any optimal
//! subset can be found in the long run, and keeps connectedness and separation.
//!
//! # Source
//! Traag, Waltman, van Eck: From Louvain to Leiden: guaranteeing well-connected communities, Scientific Reports 9, 2019.

use super::groups::Groups;
use super::level::{Level, TASK_ENTRIES, pieces};
use super::local::Local;
use super::objective::{Terms, Volume, Whole};
use super::table::Table;
use crate::error::Result;
use crate::random::Stream;
use crate::run::Run;
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Mutex;

/// The level above, and how it hangs together with the one below.
pub(crate) struct Above<W: Whole, V> {
    pub level: Level<'static, W, V>,
    /// For each node below its node above.
    pub owners: Vec<u32>,
    /// For each node above its community.
    pub communities: Vec<u32>,
    /// Weight between members of the same community, from both ends.
    pub inside: u64,
}

/// What a task found. Parts are numbered from 0 within the task.
struct Found<W, V> {
    communities: Vec<u32>,
    /// For each node, in the order of the groups, its part.
    parts: Vec<u32>,
    volumes: Vec<V>,
    inside: Vec<u64>,
    /// Rows of the parts: first the weights to parts of the same community, then those to nodes outside.
    inner_ends: Vec<u32>,
    inner: Vec<(u32, W)>,
    outer_ends: Vec<u32>,
    outer: Vec<(u32, W)>,
    within: u64,
}

/// Takes the communities `groups` apart, visited in the order of `seed`, and makes each part a node.
pub(crate) fn refine<W: Whole, V: Volume>(
    level: &Level<W, V>,
    terms: &Terms,
    groups: &Groups,
    seed: u64,
    run: &Run,
) -> Result<Above<W, V>> {
    let places = groups.places();
    let cuts = groups.cut(TASK_ENTRIES, |node| level.range(node).len() + 1);
    let spare: Mutex<Vec<Local<W, V>>> = Mutex::default();
    let found: Vec<Found<W, V>> = cuts
        .par_iter()
        .map(|cut| {
            run.check()?;
            let mut local = spare.lock().ok().and_then(|mut spare| spare.pop()).unwrap_or_default();
            let found = take_apart(level, terms, groups, &places, cut.clone(), seed, &mut local);
            if let Ok(mut spare) = spare.lock() {
                spare.push(local);
            }
            Ok(found)
        })
        .collect::<Result<_>>()?;
    drop((places, spare));
    let mut owners = vec![0; level.num_nodes()];
    let (mut communities, mut bases, mut base) = (Vec::new(), Vec::with_capacity(found.len()), 0);
    for (found, cut) in found.iter().zip(&cuts) {
        let nodes = &groups.nodes[groups.starts[cut.start] as usize..groups.starts[cut.end] as usize];
        for (&node, &part) in nodes.iter().zip(&found.parts) {
            owners[node as usize] = base + part;
        }
        bases.push(base);
        base += found.communities.len() as u32;
        communities.extend_from_slice(&found.communities);
    }
    let inside = found.iter().map(|found| found.within).sum();
    let level = join(found, &bases, &owners, base as usize, run)?;
    Ok(Above { level, owners, communities, inside })
}

/// The parts of a run of communities, and their rows.
fn take_apart<W: Whole, V: Volume>(
    level: &Level<W, V>,
    terms: &Terms,
    groups: &Groups,
    places: &[u32],
    cut: Range<usize>,
    seed: u64,
    local: &mut Local<W, V>,
) -> Found<W, V> {
    let mut found = Found {
        communities: Vec::new(),
        parts: Vec::new(),
        volumes: Vec::new(),
        inside: Vec::new(),
        inner_ends: Vec::new(),
        inner: Vec::new(),
        outer_ends: Vec::new(),
        outer: Vec::new(),
        within: 0,
    };
    let (mut sorted, mut starts) = (Vec::new(), Vec::new());
    for group in cut {
        let members = groups.members(group);
        local.read(level, members, groups.starts[group], places);
        local.merge(terms, Stream::new(seed, 1 << 32), members);
        let num_parts = local.number();
        let base = found.communities.len() as u32;
        sort_by_part(&local.parts, num_parts, &mut sorted, &mut starts);
        for part in 0..num_parts {
            let (mut inside, mut volume) = (0, V::default());
            let own = &sorted[starts[part as usize] as usize..starts[part as usize + 1] as usize];
            let entries = own.iter().map(|&place| local.inner.degree(place as usize)).sum::<usize>();
            local.table.start(entries.min(num_parts as usize));
            for &place in own {
                let node = members[place as usize];
                inside += level.inside(node);
                volume = volume.plus(level.volumes[node as usize]);
                for (neighbor, weight) in local.inner.row(place as usize) {
                    local.table.add(local.parts[neighbor as usize], weight);
                }
                found.outer.extend(local.outer.row(place as usize));
            }
            for (other, weight) in local.table.iter() {
                if other == part {
                    inside += weight.wide();
                } else {
                    found.inner.push((base + other, weight));
                    found.within += weight.wide();
                }
            }
            found.within += inside;
            found.communities.push(group as u32);
            found.volumes.push(volume);
            found.inside.push(inside);
            found.inner_ends.push(found.inner.len() as u32);
            found.outer_ends.push(found.outer.len() as u32);
        }
        found.parts.extend(local.parts.iter().map(|part| base + part));
    }
    found
}

/// Places by part: those of part `i` are `sorted[starts[i]..starts[i + 1]]`, ascending.
fn sort_by_part(parts: &[u32], num_parts: u32, sorted: &mut Vec<u32>, starts: &mut Vec<u32>) {
    starts.clear();
    starts.resize(num_parts as usize + 2, 0);
    parts.iter().for_each(|&part| starts[part as usize + 2] += 1);
    for part in 2..starts.len() {
        starts[part] += starts[part - 1];
    }
    sorted.clear();
    sorted.resize(parts.len(), 0);
    for (place, &part) in parts.iter().enumerate() {
        let next = &mut starts[part as usize + 1];
        sorted[*next as usize] = place as u32;
        *next += 1;
    }
}

/// Sums the lists of nodes outside by part, and puts the rows of all tasks together.
fn join<W: Whole, V: Volume>(
    mut found: Vec<Found<W, V>>,
    bases: &[u32],
    owners: &[u32],
    num_nodes: usize,
    run: &Run,
) -> Result<Level<'static, W, V>> {
    let spare: Mutex<Vec<Table<W>>> = Mutex::default();
    found.par_iter_mut().try_for_each(|found| {
        run.check()?;
        let mut table = spare.lock().ok().and_then(|mut spare| spare.pop()).unwrap_or_default();
        // Sums never outnumber what they are sums of, so that they take its place.
        let (mut start, mut len) = (0, 0);
        for end in &mut found.outer_ends {
            let list = start..*end as usize;
            table.start(list.len().min(num_nodes));
            found.outer[list].iter().for_each(|&(node, weight)| table.add(owners[node as usize], weight));
            for (slot, sum) in found.outer[len..].iter_mut().zip(table.iter()) {
                *slot = sum;
            }
            len += table.len();
            (start, *end) = (*end as usize, len as u32);
        }
        found.outer.truncate(len);
        if let Ok(mut spare) = spare.lock() {
            spare.push(table);
        }
        Ok(())
    })?;
    let mut offsets = Vec::with_capacity(num_nodes + 1);
    offsets.push(0);
    let (mut inside, mut volumes) = (Vec::with_capacity(num_nodes), Vec::with_capacity(num_nodes));
    let mut end = 0;
    for found in &mut found {
        let ends = found.inner_ends.iter().zip(&found.outer_ends);
        offsets.extend(ends.map(|(&inner, &outer)| end + inner as usize + outer as usize));
        end += found.inner.len() + found.outer.len();
        inside.append(&mut found.inside);
        volumes.append(&mut found.volumes);
    }
    let (mut neighbors, mut weights) = (vec![0; end], vec![W::default(); end]);
    let lens = || found.iter().map(|found| found.inner.len() + found.outer.len());
    let places = (pieces(&mut neighbors, lens()), pieces(&mut weights, lens()));
    (found, bases, places.0, places.1).into_par_iter().for_each(|(found, &base, neighbors, weights)| {
        let (mut inner, mut outer, mut len) = (0, 0, 0);
        let mut put = |(neighbor, weight)| {
            (neighbors[len], weights[len]) = (neighbor, weight);
            len += 1;
        };
        for (&inner_end, &outer_end) in found.inner_ends.iter().zip(&found.outer_ends) {
            let within = &found.inner[inner..inner_end as usize];
            within.iter().for_each(|&(part, weight)| put((base + part, weight)));
            found.outer[outer..outer_end as usize].iter().copied().for_each(&mut put);
            (inner, outer) = (inner_end as usize, outer_end as usize);
        }
    });
    Ok(Level {
        offsets: Cow::Owned(offsets),
        neighbors: Cow::Owned(neighbors),
        weights: Cow::Owned(weights),
        inside,
        volumes,
    })
}
