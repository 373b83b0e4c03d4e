//! Whether communities hang together, and their connected parts.
//!
//! # Method
//! Each community is a task's own affair: union-find over the places of its members, always hooking the later root onto
//! the earlier, until one tree is left or all rows are read. A community that hangs together well is known to after a
//! few entries of each row.

use super::groups::Groups;
use super::level::{Level, TASK_ENTRIES};
use super::objective::{Volume, Whole};
use crate::error::Result;
use crate::run::Run;
use rayon::prelude::*;

/// For each node its connected part within its community, named by the part's first member, and how many communities
/// have more than one.
pub(crate) fn connected_parts<W: Whole, V: Volume>(
    level: &Level<W, V>,
    groups: &Groups,
    run: &Run,
) -> Result<(Vec<u32>, usize)> {
    let places = groups.places();
    let cuts = groups.cut(TASK_ENTRIES, |node| level.range(node).len() + 1);
    let apart: Vec<Vec<(usize, Vec<u32>)>> = cuts
        .par_iter()
        .map(|cut| {
            run.check()?;
            let mut roots = Vec::new();
            let mut apart = Vec::new();
            for group in cut.clone() {
                let members = groups.members(group);
                if unite(level, members, groups.starts[group], &places, &mut roots) > 1 {
                    let parts =
                        (0..members.len() as u32).map(|place| members[root(&mut roots, place) as usize]);
                    apart.push((group, parts.collect()));
                }
            }
            Ok(apart)
        })
        .collect::<Result<_>>()?;
    let mut labels = vec![0; level.num_nodes()];
    for group in 0..groups.len() {
        let members = groups.members(group);
        members.iter().for_each(|&node| labels[node as usize] = members[0]);
    }
    let mut num_apart = 0;
    for (group, parts) in apart.into_iter().flatten() {
        num_apart += 1;
        for (&node, part) in groups.members(group).iter().zip(parts) {
            labels[node as usize] = part;
        }
    }
    Ok((labels, num_apart))
}

/// Unites the members along the entries between them; returns how many trees are left.
fn unite<W: Whole, V: Volume>(
    level: &Level<W, V>,
    members: &[u32],
    start: u32,
    places: &[u32],
    roots: &mut Vec<u32>,
) -> usize {
    roots.clear();
    roots.extend(0..members.len() as u32);
    let mut trees = members.len();
    for (place, &node) in members.iter().enumerate() {
        if trees == 1 {
            break;
        }
        if place % 32 == 0 {
            level.touch(&members[place..(place + 32).min(members.len())]);
        }
        let mut own = root(roots, place as u32);
        for &neighbor in &level.neighbors[level.range(node)] {
            let other = places[neighbor as usize].wrapping_sub(start);
            if (other as usize) < members.len() {
                let other = root(roots, other);
                if own != other {
                    roots[own.max(other) as usize] = own.min(other);
                    own = own.min(other);
                    trees -= 1;
                }
            }
        }
    }
    trees
}

/// The first member of a tree; halves the way to it.
fn root(roots: &mut [u32], mut place: u32) -> u32 {
    while roots[place as usize] != place {
        roots[place as usize] = roots[roots[place as usize] as usize];
        place = roots[place as usize];
    }
    place
}
