//! Bounds on the size of communities: large ones are split, small ones joined to a neighbour.
//!
//! # Method
//! A community above the bound is climbed on its own at twice the price for volume, its parts above the bound at twice
//! that again, until none is; at the latest every node is alone. Then communities below the lower bound, smallest first
//! (ties by smallest member), join the neighbouring community with which the objective gains most or loses least, among
//! those that stay within the upper bound; what has no such neighbour stays small.

use super::aggregate::aggregate;
use super::climb::{Climb, climb};
use super::groups::Groups;
use super::level::Level;
use super::moving::Moving;
use super::objective::{Terms, Volume, Whole};
use crate::community::Partition;
use crate::error::Result;
use crate::run::Run;
use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Splits communities of more than `size_max` nodes; returns labels below the number of nodes.
pub(crate) fn split<W: Whole, V: Volume>(
    bottom: &Level<W, V>,
    terms: &Terms,
    partition: &Partition,
    size_max: u32,
    how: Climb,
    run: &Run,
) -> Result<Vec<u32>> {
    let large = partition.sizes().take_while(|&size| size > size_max).count() as u32;
    let pieces: Vec<Vec<Vec<u32>>> = (0..large)
        .into_par_iter()
        .map(|community| {
            let mut pieces = Vec::new();
            let mut open = vec![(partition.members(community).to_vec(), terms.dearer())];
            while let Some((members, terms)) = open.pop() {
                let level = induced(bottom, &members);
                let summit = climb(&level, &terms, Moving::alone(&level.volumes), how, run)?;
                let groups = Groups::by_label(&summit.labels(summit.owners.len(), members.len()));
                for group in 0..groups.len() {
                    let piece: Vec<u32> =
                        groups.members(group).iter().map(|&place| members[place as usize]).collect();
                    match piece.len() <= size_max as usize {
                        true => pieces.push(piece),
                        false => open.push((piece, terms.dearer())),
                    }
                }
            }
            Ok(pieces)
        })
        .collect::<Result<_>>()?;
    // Every community and every piece is named by its first member.
    let mut labels: Vec<u32> =
        partition.labels().iter().map(|&community| partition.members(community)[0]).collect();
    for piece in pieces.iter().flatten() {
        piece.iter().for_each(|&node| labels[node as usize] = piece[0]);
    }
    Ok(labels)
}

/// The graph between `members`, which are ascending.
fn induced<W: Whole, V: Volume>(bottom: &Level<W, V>, members: &[u32]) -> Level<'static, W, V> {
    let (mut offsets, mut neighbors, mut weights) = (vec![0], Vec::new(), Vec::new());
    for &node in members {
        for (neighbor, weight) in bottom.row(node) {
            if let Ok(place) = members.binary_search(&neighbor) {
                neighbors.push(place as u32);
                weights.push(weight);
            }
        }
        offsets.push(neighbors.len());
    }
    let volumes = members.iter().map(|&node| bottom.volumes[node as usize]).collect();
    Level {
        offsets: Cow::Owned(offsets),
        neighbors: Cow::Owned(neighbors),
        weights: Cow::Owned(weights),
        inside: Vec::new(),
        volumes,
    }
}

/// Joins communities of fewer than `size_min` nodes to neighbours; returns labels below the number of nodes.
pub(crate) fn join<W: Whole, V: Volume>(
    bottom: &Level<W, V>,
    terms: &Terms,
    partition: &Partition,
    (size_min, size_max): (u32, u32),
    run: &Run,
) -> Result<Vec<u32>> {
    let above = aggregate(bottom, &Groups::by_label(partition.labels()), run)?.level;
    let len = partition.len();
    let mut sizes: Vec<u32> = partition.sizes().collect();
    let mut firsts: Vec<u32> = (0..len as u32).map(|community| partition.members(community)[0]).collect();
    let mut volumes = above.volumes.clone();
    let mut joined: Vec<Vec<u32>> = (0..len as u32).map(|community| vec![community]).collect();
    let mut owners: Vec<u32> = (0..len as u32).collect();
    let small = |community: u32| sizes[community as usize] < size_min;
    let mut waiting: BTreeSet<(u32, u32, u32)> = (0..len as u32)
        .filter(|&community| small(community))
        .map(|community| (sizes[community as usize], firsts[community as usize], community))
        .collect();
    while let Some((size, _, community)) = waiting.pop_first() {
        run.check()?;
        let from = community as usize;
        let mut ties: BTreeMap<u32, u64> = BTreeMap::new();
        for &part in &joined[from] {
            for (neighbor, weight) in above.row(part) {
                let owner = owners[neighbor as usize];
                if owner != community && sizes[owner as usize].saturating_add(size) <= size_max {
                    *ties.entry(owner).or_default() += weight.wide();
                }
            }
        }
        let gain = |owner: u32, tie: u64| terms.join(tie, volumes[from], volumes[owner as usize]);
        let best = ties
            .iter()
            .max_by_key(|&(&owner, &tie)| (gain(owner, tie), std::cmp::Reverse(firsts[owner as usize])));
        let Some((&owner, _)) = best else { continue };
        let to = owner as usize;
        waiting.remove(&(sizes[to], firsts[to], owner));
        let parts = std::mem::take(&mut joined[from]);
        parts.iter().for_each(|&part| owners[part as usize] = owner);
        joined[to].extend(parts);
        sizes[to] += size;
        volumes[to] = volumes[to].plus(volumes[from]);
        firsts[to] = firsts[to].min(firsts[from]);
        if sizes[to] < size_min {
            waiting.insert((sizes[to], firsts[to], owner));
        }
    }
    Ok(partition.labels().iter().map(|&community| owners[community as usize]).collect())
}
