//! Windows of one anchor that do not overlap: the best first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A stretch of time that fits a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Place of the first payment.
    pub(super) begin: u32,
    /// Place of the last one.
    pub(super) end: u32,
    /// How well it fits: more is better, the first number first.
    pub(super) rank: (u32, u32),
    /// Whatever the search needs to make an instance of it.
    pub(super) at: usize,
}

/// Of windows that overlap in time the one of the highest rank stays, of equal ones the earliest, then the shortest; in the order of time.
pub(super) fn disjoint(mut windows: Vec<Window>) -> Vec<Window> {
    if windows.len() < 2 {
        return windows;
    }
    windows.sort_unstable_by_key(|window| (Reverse(window.rank), window.begin, window.end, window.at));
    let mut kept: BTreeMap<u32, Window> = BTreeMap::new();
    for window in windows {
        let before = kept.range(..=window.end).next_back();
        if before.is_none_or(|(_, before)| before.end < window.begin) {
            kept.insert(window.begin, window);
        }
    }
    kept.into_values().collect()
}

/// How many distinct keys a range that only moves on holds.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    /// For each entry its key, numbered from 0 by size.
    keys: Vec<u32>,
    /// By key: how often it is in the range.
    counts: Vec<u32>,
    /// The sorted keys.
    sorted: Vec<u32>,
    range: (usize, usize),
    distinct: u32,
}

impl Distinct {
    /// Begins with entries that have these keys, and with an empty range.
    pub(super) fn load(&mut self, keys: impl Iterator<Item = u32> + Clone) {
        self.sorted.clear();
        self.sorted.extend(keys.clone());
        self.sorted.sort_unstable();
        self.sorted.dedup();
        let sorted = &self.sorted;
        self.keys.clear();
        self.keys.extend(keys.map(|key| sorted.partition_point(|&other| other < key) as u32));
        self.counts.clear();
        self.counts.resize(self.sorted.len(), 0);
        (self.range, self.distinct) = ((0, 0), 0);
    }

    /// Number of distinct keys of all entries.
    pub(super) fn total(&self) -> usize {
        self.sorted.len()
    }

    /// Moves the range on to `begin..end` and says how many distinct keys it holds; neither end may move back.
    pub(super) fn slide(&mut self, begin: usize, end: usize) -> u32 {
        while self.range.1 < end {
            let count = &mut self.counts[self.keys[self.range.1] as usize];
            self.distinct += u32::from(*count == 0);
            *count += 1;
            self.range.1 += 1;
        }
        while self.range.0 < begin {
            let count = &mut self.counts[self.keys[self.range.0] as usize];
            *count -= 1;
            self.distinct -= u32::from(*count == 0);
            self.range.0 += 1;
        }
        self.distinct
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_windows_that_overlap_the_best_stays() {
        let window = |begin, end, rank| Window { begin, end, rank: (rank, 0), at: 0 };
        let kept = disjoint(vec![
            window(0, 4, 3),
            window(3, 9, 5),
            window(9, 12, 4),
            window(10, 11, 4),
            window(5, 6, 1),
        ]);
        assert_eq!(kept, [window(3, 9, 5), window(10, 11, 4)]);
        // Equal ones: the earliest.
        assert_eq!(disjoint(vec![window(2, 5, 1), window(0, 3, 1)]), [window(0, 3, 1)]);
        // One that holds a better one inside goes.
        assert_eq!(disjoint(vec![window(0, 20, 1), window(5, 6, 2)]), [window(5, 6, 2)]);
    }

    #[test]
    fn distinct_keys_of_a_moving_range_are_counted() {
        let keys = [5u32, 3, 5, 9, 3, 3, 5];
        let mut distinct = Distinct::default();
        distinct.load(keys.iter().copied());
        assert_eq!(distinct.total(), 3);
        for (begin, end) in [(0, 1), (0, 4), (1, 4), (2, 6), (4, 6), (4, 7), (7, 7)] {
            let expected: std::collections::BTreeSet<_> = keys[begin..end].iter().collect();
            assert_eq!(distinct.slide(begin, end) as usize, expected.len());
        }
    }
}
