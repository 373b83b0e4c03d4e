//! What became of rings from one run to the next.
//!
//! An old and a new ring are **linked** if they have more than half of the members of the smaller of the two in common. A new ring
//! without a link is *born*, an old one without is *gone*; a new ring linked to several old ones is *merged*, an old one linked to
//! several new ones is *split*; of the others one that has the same members is *unchanged*, one that only gained *grew*, one that only
//! lost *shrank*, and one that did both *changed*.
//!
//! A name goes from an old ring to the linked new one with which it has most members in common, of several the one that differs least.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// What became of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// A new one.
    Born,
    /// Gained members.
    Grew,
    /// Lost members.
    Shrank,
    /// Gained some and lost some.
    Changed,
    /// The same members.
    Unchanged,
    /// Several old ones in one.
    Merged,
    /// One old one in several.
    Split,
    /// No longer there.
    Gone,
}

impl Fate {
    /// The name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Born => "born",
            Fate::Grew => "grew",
            Fate::Shrank => "shrank",
            Fate::Changed => "changed",
            Fate::Unchanged => "unchanged",
            Fate::Merged => "merged",
            Fate::Split => "split",
            Fate::Gone => "gone",
        }
    }
}

/// An old and a new ring, or one of them alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// What became of it.
    pub fate: Fate,
    /// Place of the old ring.
    pub old: Option<usize>,
    /// Place of the new ring.
    pub new: Option<usize>,
    /// Members that both have.
    pub shared: usize,
    /// Members that the new one alone has.
    pub gained: usize,
    /// Members that the old one alone has.
    pub lost: usize,
}

/// What became of `old` in `new`, both given by their members: one change for each link and for each ring without one; by new ring, then by old
/// one, those that are gone last.
pub fn changes(old: &[BTreeSet<String>], new: &[BTreeSet<String>]) -> Vec<Change> {
    let mut rings_of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, members) in old.iter().enumerate() {
        for member in members {
            rings_of.entry(member).or_default().push(place);
        }
    }
    // (new, old, shared)
    let mut links: Vec<(usize, usize, usize)> = Vec::new();
    for (place, members) in new.iter().enumerate() {
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for &ring in members.iter().filter_map(|member| rings_of.get(member.as_str())).flatten() {
            *shared.entry(ring).or_default() += 1;
        }
        let linked = |&(ring, shared): &(usize, usize)| 2 * shared > members.len().min(old[ring].len());
        links.extend(shared.into_iter().filter(linked).map(|(ring, shared)| (place, ring, shared)));
    }
    let (mut of_new, mut of_old) = (vec![0; new.len()], vec![0; old.len()]);
    for &(place, ring, _) in &links {
        of_new[place] += 1;
        of_old[ring] += 1;
    }
    let change = |&(place, ring, shared): &(usize, usize, usize)| {
        let (gained, lost) = (new[place].len() - shared, old[ring].len() - shared);
        let fate = match (of_new[place] > 1, of_old[ring] > 1, gained, lost) {
            (true, _, _, _) => Fate::Merged,
            (_, true, _, _) => Fate::Split,
            (_, _, 0, 0) => Fate::Unchanged,
            (_, _, _, 0) => Fate::Grew,
            (_, _, 0, _) => Fate::Shrank,
            _ => Fate::Changed,
        };
        Change { fate, old: Some(ring), new: Some(place), shared, gained, lost }
    };
    let mut found: Vec<Change> = links.iter().map(change).collect();
    let born = (0..new.len()).filter(|&place| of_new[place] == 0);
    found.extend(born.map(|place| Change {
        fate: Fate::Born,
        old: None,
        new: Some(place),
        shared: 0,
        gained: new[place].len(),
        lost: 0,
    }));
    found.sort_by_key(|change| (change.new, change.old));
    let gone = (0..old.len()).filter(|&ring| of_old[ring] == 0);
    found.extend(gone.map(|ring| Change {
        fate: Fate::Gone,
        old: Some(ring),
        new: None,
        shared: 0,
        gained: 0,
        lost: old[ring].len(),
    }));
    found
}

/// For each of `num_new` rings the old one whose name it takes over, if it does; no old one twice.
pub fn heirs(changes: &[Change], num_new: usize) -> Vec<Option<usize>> {
    let mut links: Vec<(Reverse<usize>, usize, usize, usize)> = changes
        .iter()
        .filter_map(|change| {
            Some((Reverse(change.shared), change.gained + change.lost, change.old?, change.new?))
        })
        .collect();
    links.sort_unstable();
    let (mut heirs, mut taken) = (vec![None; num_new], BTreeSet::new());
    for (_, _, old, new) in links {
        if heirs[new].is_none() && taken.insert(old) {
            heirs[new] = Some(old);
        }
    }
    heirs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rings(all: &[&str]) -> Vec<BTreeSet<String>> {
        all.iter().map(|ring| ring.chars().map(String::from).collect()).collect()
    }

    fn fates(old: &[&str], new: &[&str]) -> Vec<(Fate, Option<usize>, Option<usize>)> {
        let found = changes(&rings(old), &rings(new));
        found.iter().map(|change| (change.fate, change.old, change.new)).collect()
    }

    #[test]
    fn every_ring_has_one_fate_for_each_link() {
        let one = |fate| vec![(fate, Some(0), Some(0))];
        assert_eq!(fates(&["abc"], &["abc"]), one(Fate::Unchanged));
        assert_eq!(fates(&["abc"], &["abcde"]), one(Fate::Grew));
        assert_eq!(fates(&["abcde"], &["abc"]), one(Fate::Shrank));
        assert_eq!(fates(&["abcd"], &["abce"]), one(Fate::Changed));
        // Half is not more than half.
        assert_eq!(fates(&["abcd"], &["abxy"]), [(Fate::Born, None, Some(0)), (Fate::Gone, Some(0), None)]);
        let merged = [(Fate::Merged, Some(0), Some(0)), (Fate::Merged, Some(1), Some(0))];
        assert_eq!(fates(&["abc", "xyz"], &["abcxyz"]), merged);
        let split = [(Fate::Split, Some(0), Some(0)), (Fate::Split, Some(0), Some(1))];
        assert_eq!(fates(&["abcxyz"], &["abc", "xyz"]), split);
        assert_eq!(fates(&[], &[]), []);
    }

    #[test]
    fn a_name_goes_to_the_ring_with_most_of_its_members_and_to_no_other() {
        let (old, new) = (rings(&["abcxyz", "pq"]), rings(&["abcd", "xyzpq"]));
        assert_eq!(heirs(&changes(&old, &new), 2), [Some(0), Some(1)]);
        let (old, new) = (rings(&["abcxyz"]), rings(&["xy", "abc"]));
        assert_eq!(heirs(&changes(&old, &new), 2), [None, Some(0)]);
        let (old, new) = (rings(&["abc"]), rings(&["abcde", "abc"]));
        assert_eq!(heirs(&changes(&old, &new), 2), [None, Some(0)]);
    }
}
