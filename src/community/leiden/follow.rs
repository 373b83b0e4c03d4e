//! Following communities from one partition to the next: ids that stay where communities stay.
//!
//! # Method
//! Each pair of an earlier and a later community that share nodes has an overlap. Largest overlap first (ties by the
//! smaller earlier id, then by the smaller later community), the later community takes the earlier one's id, if both
//! are still free. Later communities that are left get new ids, in their order. So a community that nothing happened to
//! keeps its id, and of one that came apart the largest piece does.
//!
//! # Cost
//! O(n + k log k) for k overlapping pairs; memory 8 bytes per node.

use crate::community::Partition;
use crate::ids::NONE;
use std::cmp::Reverse;
use std::collections::HashMap;

/// For each community of `after` its id: that of the earlier community it continues, or a new one above all earlier
/// ids. `before` holds an id for each node; [`NONE`](crate::ids::NONE) for nodes that were in no community.
///
/// Nodes beyond the end of `before` count as new.
pub fn follow(before: &[u32], after: &Partition) -> Vec<u32> {
    let mut overlaps: Vec<(u32, u32, u32)> = Vec::new();
    let mut shared: HashMap<u32, u32> = HashMap::new();
    for community in 0..after.len() as u32 {
        for &node in after.members(community) {
            match before.get(node as usize) {
                Some(&id) if id != NONE => *shared.entry(id).or_default() += 1,
                _ => {}
            }
        }
        overlaps.extend(shared.drain().map(|(id, nodes)| (nodes, id, community)));
    }
    overlaps.sort_unstable_by_key(|&(nodes, id, community)| (Reverse(nodes), id, community));
    let known = before.iter().copied().filter(|&id| id != NONE);
    let mut next = known.max().map_or(0, |id| id + 1);
    let mut ids = vec![NONE; after.len()];
    let mut taken = std::collections::HashSet::new();
    for (_, id, community) in overlaps {
        if ids[community as usize] == NONE && taken.insert(id) {
            ids[community as usize] = id;
        }
    }
    for id in ids.iter_mut().filter(|id| **id == NONE) {
        *id = next;
        next += 1;
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_keeps_its_id_and_the_largest_piece_of_what_comes_apart() {
        let before = [5, 5, 5, 5, 5, 8, 8, 2, NONE];
        // 5 comes apart into three and two nodes, 8 stays, 2 joins a new node.
        let after = Partition::from_labels(&[0, 0, 0, 1, 1, 2, 2, 3, 3]);
        let ids = follow(&before, &after);
        let id = |node: u32| ids[after.community(node) as usize];
        assert_eq!([id(0), id(5), id(7)], [5, 8, 2]);
        assert_eq!(id(3), 9);
    }

    #[test]
    fn a_piece_may_continue_a_community_whose_larger_piece_continues_another() {
        let mut before = vec![1; 9];
        before.extend([2; 6]);
        let mut later = vec![0; 5];
        later.extend([1; 4]);
        later.extend([0; 6]);
        let after = Partition::from_labels(&later);
        assert_eq!(follow(&before, &after), [2, 1]);
    }

    #[test]
    fn without_a_before_every_id_is_new() {
        assert_eq!(follow(&[], &Partition::from_labels(&[0, 1, 1])), [0, 1]);
    }
}
