//! What became of rings from one run to the next.
//!
//! # Method
//! An old and a new ring that have at least half of all members of either in common **continue** each other, the most alike first, each at most
//! one; a name goes with that. Of these a ring with the same members is *unchanged*, one that only gained *grew*, one that only lost *shrank*,
//! one that did both *changed*. An old ring that nothing continues, but of which more than half of the members are in one new ring, has
//! *merged* into it; a new ring that continues nothing, but of which more than half were in one old ring, has *split* from it. What is left
//! over is *gone*, or *born*.
//!
//! # Cost
//! Time in the members, times the rings that a member is in.

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

/// What became of `old` in `new`, both given by their members: one change for each ring, or for each two that go together; by new ring, then by
/// old one, those that are gone last.
pub fn changes(old: &[BTreeSet<String>], new: &[BTreeSet<String>]) -> Vec<Change> {
    let mut rings_of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, members) in old.iter().enumerate() {
        for member in members {
            rings_of.entry(member).or_default().push(place);
        }
    }
    let mut pairs: Vec<Change> = Vec::new();
    for (place, members) in new.iter().enumerate() {
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for &ring in members.iter().filter_map(|member| rings_of.get(member.as_str())).flatten() {
            *shared.entry(ring).or_default() += 1;
        }
        pairs.extend(shared.into_iter().map(|(ring, shared)| {
            let (gained, lost) = (members.len() - shared, old[ring].len() - shared);
            Change { fate: Fate::Unchanged, old: Some(ring), new: Some(place), shared, gained, lost }
        }));
    }
    // The most alike first: shared / either, compared without rounding.
    pairs.sort_by(|a, b| {
        let either = |one: &Change| one.shared + one.gained + one.lost;
        (b.shared * either(a)).cmp(&(a.shared * either(b))).then((a.old, a.new).cmp(&(b.old, b.new)))
    });
    let (mut of_old, mut of_new) = (vec![false; old.len()], vec![false; new.len()]);
    let mut found: Vec<Change> = Vec::new();
    for pair in &pairs {
        let (Some(ring), Some(place)) = (pair.old, pair.new) else { continue };
        if !of_old[ring] && !of_new[place] && pair.shared >= pair.gained + pair.lost {
            (of_old[ring], of_new[place]) = (true, true);
            let fate = match (pair.gained, pair.lost) {
                (0, 0) => Fate::Unchanged,
                (_, 0) => Fate::Grew,
                (0, _) => Fate::Shrank,
                _ => Fate::Changed,
            };
            found.push(Change { fate, ..*pair });
        }
    }
    let (mut merged, mut split) = (of_old, of_new);
    // Of several that hold more than half, the most alike comes first.
    for pair in &pairs {
        let (Some(ring), Some(place)) = (pair.old, pair.new) else { continue };
        if !merged[ring] && pair.shared > pair.lost {
            merged[ring] = true;
            found.push(Change { fate: Fate::Merged, ..*pair });
        }
        if !split[place] && pair.shared > pair.gained {
            split[place] = true;
            found.push(Change { fate: Fate::Split, ..*pair });
        }
    }
    let alone = |fate, old, new, gained, lost| Change { fate, old, new, shared: 0, gained, lost };
    let born = (0..new.len()).filter(|&place| !split[place]);
    found.extend(born.map(|place| alone(Fate::Born, None, Some(place), new[place].len(), 0)));
    let gone = (0..old.len()).filter(|&ring| !merged[ring]);
    found.extend(gone.map(|ring| alone(Fate::Gone, Some(ring), None, 0, old[ring].len())));
    found.sort_by_key(|change| (change.new.is_none(), change.new, change.old, change.fate));
    found
}

/// For each of `num_new` rings the old one that it continues, whose name it takes over; no old one twice.
pub fn heirs(changes: &[Change], num_new: usize) -> Vec<Option<usize>> {
    let mut heirs = vec![None; num_new];
    for change in changes {
        if let (Fate::Grew | Fate::Shrank | Fate::Changed | Fate::Unchanged, Some(new)) =
            (change.fate, change.new)
        {
            heirs[new] = change.old;
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
        // A third of all members is too little, and half of the old one's is not more than half.
        assert_eq!(fates(&["abcd"], &["abxy"]), [(Fate::Born, None, Some(0)), (Fate::Gone, Some(0), None)]);
        let merged = [(Fate::Grew, Some(0), Some(0)), (Fate::Merged, Some(1), Some(0))];
        assert_eq!(fates(&["abc", "xyz"], &["abcxyz"]), merged);
        let split = [(Fate::Shrank, Some(0), Some(0)), (Fate::Split, Some(0), Some(1))];
        assert_eq!(fates(&["abcxyz"], &["abc", "xyz"]), split);
        // Three in one: none is half of it.
        let three = [0, 1, 2].map(|old| (Fate::Merged, Some(old), Some(0)));
        assert_eq!(fates(&["abc", "def", "ghi"], &["abcdefghi"])[1..], three[..]);
        assert_eq!(fates(&[], &[]), []);
    }

    #[test]
    fn a_name_goes_to_the_ring_with_most_of_its_members_and_to_no_other() {
        let (old, new) = (rings(&["abcxyz", "pq"]), rings(&["abcdx", "yzpq"]));
        assert_eq!(heirs(&changes(&old, &new), 2), [Some(0), Some(1)]);
        let (old, new) = (rings(&["abcxyz"]), rings(&["xy", "abc"]));
        assert_eq!(heirs(&changes(&old, &new), 2), [None, Some(0)]);
        let (old, new) = (rings(&["abc"]), rings(&["abcde", "abc"]));
        assert_eq!(heirs(&changes(&old, &new), 2), [None, Some(0)]);
    }
}
