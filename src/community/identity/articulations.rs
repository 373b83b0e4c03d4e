//! Identifiers without which a ring falls apart.
//!
//! An identifier is an *articulation* of a ring if, without what it tells, and with all else as it is, pairs at the ring's threshold no
//! longer connect all of its members. The threshold is `weight_min`; for a ring that was cut out of something too large, the
//! lowest at which it stands alone.
//!
//! # Method
//! The pairs of a ring that reach its threshold are found again, each with the identifiers that it needs to reach it. Those that need
//! none are united. Then the needed identifiers are halved, and halved again: what needs none of a half is united before
//! that half is looked at, and parted after. Where one identifier is left, the parts are those of the ring without it; where there is
//! but one part, nothing below can be an articulation.
//!
//! # Cost
//! Time O(w log w + s log s log n) for w wedges inside rings and s needs of their pairs. Of the pairs with the same needs no more than
//! a forest is kept, so that memory follows the uses of identifiers and not the pairs.

use super::IdentityLinks;
use super::evidence::{Evidence, Item};
use super::pairs::later_wedges;
use crate::error::Result;
use crate::ids::{AccountId, IdentifierId, NONE};
use crate::run::Run;
use rayon::prelude::*;

/// Number of pairs from which on those that others stand for are left out.
const THINNED_MIN: usize = 1 << 14;

/// For each ring its articulations, ascending.
pub(super) fn articulations(
    evidence: &Evidence,
    found: &IdentityLinks,
    weight_min: u32,
    run: &Run,
) -> Result<Vec<Vec<IdentifierId>>> {
    let mut ring_of = vec![NONE; evidence.num_accounts()];
    for ring in 0..found.len() {
        found.ring(ring).iter().for_each(|account| ring_of[account.index()] = ring as u32);
    }
    // Just below its threshold a ring is part of something too large, which a cut ties it to.
    let mut thresholds = vec![weight_min; found.len()];
    for cut in &found.cuts {
        for end in [cut.a, cut.b] {
            if let Some(threshold) = thresholds.get_mut(ring_of[end.index()] as usize) {
                *threshold = (*threshold).max(cut.weight.saturating_add(1));
            }
        }
    }
    let of_ring = |ring: usize| {
        let inside = |account: u32| ring_of[account as usize] == ring as u32;
        of_ring(evidence, found.ring(ring), inside, thresholds[ring], run)
    };
    (0..found.len()).into_par_iter().map(of_ring).collect()
}

/// The articulations of the ring of some members, ascending.
fn of_ring(
    evidence: &Evidence,
    members: &[AccountId],
    inside: impl Fn(u32) -> bool,
    threshold: u32,
    run: &Run,
) -> Result<Vec<IdentifierId>> {
    let mut parts = Parts::new(members.len());
    let (mut fragile, mut fragile_max) = (Vec::new(), THINNED_MIN);
    let (mut wedges, mut items, mut strongest) = (Vec::new(), Vec::new(), Vec::new());
    for (one, account) in members.iter().enumerate() {
        run.check()?;
        later_wedges(evidence, account.0, &inside, &mut wedges);
        for same in wedges.chunk_by(|one, other| one.0 == other.0) {
            items.clear();
            items.extend(same.iter().map(|(_, item)| *item));
            let weight = evidence.weight(&items, &mut strongest);
            if weight >= threshold {
                let needs = needs(evidence, &items, weight, threshold, &mut strongest);
                let other = members.binary_search(&AccountId(same[0].0)).expect("both ends are members");
                match needs.is_empty() {
                    true => _ = parts.unite(one as u32, other as u32),
                    false => fragile.push(Fragile { one: one as u32, other: other as u32, needs }),
                }
            }
        }
        if fragile.len() >= fragile_max {
            thin(&mut fragile, &mut parts);
            fragile_max = THINNED_MIN.max(2 * fragile.len());
        }
    }
    let mut needed: Vec<u32> = fragile.iter().flat_map(|pair| pair.needs.iter().copied()).collect();
    needed.sort_unstable();
    needed.dedup();
    let mut found = Vec::new();
    halve(&needed, &fragile.iter().collect::<Vec<_>>(), &mut parts, &mut found);
    Ok(found.into_iter().map(|kept| evidence.kept[kept as usize].identifier).collect())
}

/// A pair that reaches the threshold, but not without each of some identifiers.
struct Fragile {
    one: u32,
    other: u32,
    /// Which of the kept identifiers, ascending.
    needs: Vec<u32>,
}

/// Of the pairs that need the same keeps a forest; all of these hold or fail together.
fn thin(fragile: &mut Vec<Fragile>, parts: &mut Parts) {
    fragile.sort_unstable_by(|one, other| {
        (&one.needs, one.one, one.other).cmp(&(&other.needs, other.one, other.other))
    });
    let before = parts.united.len();
    let mut last: Vec<u32> = Vec::new();
    fragile.retain(|pair| {
        if pair.needs != last {
            parts.part(before);
            last.clone_from(&pair.needs);
        }
        parts.unite(pair.one, pair.other)
    });
    parts.part(before);
}

/// Which of a pair's items it needs to reach the threshold.
fn needs(
    evidence: &Evidence,
    items: &[Item],
    weight: u32,
    threshold: u32,
    strongest: &mut Vec<u32>,
) -> Vec<u32> {
    let mut rest = Vec::new();
    let mut needs = Vec::new();
    for (at, item) in items.iter().enumerate() {
        // Without an item a pair loses at most its weight, and less where a limit or a correlated kind steps in.
        if weight.saturating_sub(item.weight) < threshold {
            rest.clear();
            rest.extend(items.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, item)| *item));
            if evidence.weight(&rest, strongest) < threshold {
                needs.push(item.kept);
            }
        }
    }
    needs
}

/// Adds to `found` those of `needed`, ascending, without which not all is one part.
///
/// `fragile` are the pairs that need any of them; all others are united.
fn halve(needed: &[u32], fragile: &[&Fragile], parts: &mut Parts, found: &mut Vec<u32>) {
    if parts.num_parts == 1 {
        return;
    }
    if let [identifier] = needed {
        found.push(*identifier);
        return;
    }
    let (first, second) = needed.split_at(needed.len() / 2);
    for half in [first, second].into_iter().filter(|half| !half.is_empty()) {
        let last = half[half.len() - 1];
        let needs_any = |pair: &&Fragile| {
            let at = pair.needs.partition_point(|&need| need < half[0]);
            pair.needs.get(at).is_some_and(|&need| need <= last)
        };
        let (needing, holding): (Vec<&Fragile>, Vec<&Fragile>) = fragile.iter().copied().partition(needs_any);
        let before = parts.united.len();
        holding.iter().for_each(|pair| _ = parts.unite(pair.one, pair.other));
        halve(half, &needing, parts, found);
        parts.part(before);
    }
}

/// Sets of nodes that can be united, and parted again in reverse order.
struct Parts {
    parents: Vec<u32>,
    sizes: Vec<u32>,
    /// Roots that were put below others, in order.
    united: Vec<u32>,
    num_parts: usize,
}

impl Parts {
    fn new(num_nodes: usize) -> Self {
        Parts {
            parents: (0..num_nodes as u32).collect(),
            sizes: vec![1; num_nodes],
            united: Vec::new(),
            num_parts: num_nodes,
        }
    }

    /// Without shortening paths, so that it can be undone; sizes keep them logarithmic.
    fn root(&self, mut node: u32) -> u32 {
        while self.parents[node as usize] != node {
            node = self.parents[node as usize];
        }
        node
    }

    /// Whether two nodes were apart.
    fn unite(&mut self, one: u32, other: u32) -> bool {
        let (one, other) = (self.root(one), self.root(other));
        if one != other {
            let smaller = self.sizes[one as usize] < self.sizes[other as usize];
            let (small, large) = if smaller { (one, other) } else { (other, one) };
            self.parents[small as usize] = large;
            self.sizes[large as usize] += self.sizes[small as usize];
            self.united.push(small);
            self.num_parts -= 1;
        }
        one != other
    }

    /// Undoes all but the first `before` unions.
    fn part(&mut self, before: usize) {
        for small in self.united.drain(before..).rev() {
            let large = self.parents[small as usize];
            self.sizes[large as usize] -= self.sizes[small as usize];
            self.parents[small as usize] = small;
            self.num_parts += 1;
        }
    }
}
