//! A count by key, for keys that come by the hundreds and then all begin anew: small enough to stay in the nearest cache.

/// No key.
const FREE: u32 = u32::MAX;

/// For each key, with how many marks it came; a mark that comes several times in a row counts once.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Key, last mark, count; a power of two of them, at most half of them in use.
    slots: Vec<(u32, u32, u32)>,
    used: usize,
}

impl Tally {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        if self.used > 0 {
            // A table that was large once is not swept for a few keys.
            self.slots.truncate((self.used * 4).next_power_of_two());
            self.slots.fill((FREE, 0, 0));
            self.used = 0;
        }
    }

    /// Counts `key` with `mark`.
    #[inline]
    pub(super) fn add(&mut self, key: u32, mark: u32) {
        if self.used * 2 >= self.slots.len() {
            self.grow();
        }
        let at = self.find(key);
        let slot = &mut self.slots[at];
        if slot.0 == FREE {
            *slot = (key, mark, 1);
            self.used += 1;
        } else if slot.1 != mark {
            (slot.1, slot.2) = (mark, slot.2 + 1);
        }
    }

    /// With how many marks `key` came.
    #[inline]
    pub(super) fn count(&self, key: u32) -> u32 {
        if self.slots.is_empty() { 0 } else { self.slots[self.find(key)].2 }
    }

    /// The slot of a key, or the free one where it belongs.
    #[inline]
    fn find(&self, key: u32) -> usize {
        let mask = self.slots.len() - 1;
        // Fibonacci hashing: the high bits of the product are the well mixed ones.
        let mut at = (u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        while self.slots[at].0 != key && self.slots[at].0 != FREE {
            at = (at + 1) & mask;
        }
        at
    }

    #[cold]
    fn grow(&mut self) {
        let len = (self.slots.len() * 2).max(64);
        let before = std::mem::replace(&mut self.slots, vec![(FREE, 0, 0); len]);
        for slot in before.into_iter().filter(|slot| slot.0 != FREE) {
            let at = self.find(slot.0);
            self.slots[at] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Stream, below};
    use std::collections::BTreeMap;

    #[test]
    fn counts_are_those_of_a_map() {
        let stream = Stream::new(5, 0);
        let mut tally = Tally::default();
        assert_eq!(tally.count(3), 0);
        for round in 0..40 {
            tally.clear();
            let mut expected: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
            for draw in 0..below(stream.at(round), 3_000) {
                let (key, mark) = (below(stream.at(round ^ draw << 8), 400) as u32, (draw / 7) as u32);
                tally.add(key, mark);
                let count = expected.entry(key).or_insert((u32::MAX, 0));
                if count.0 != mark {
                    *count = (mark, count.1 + 1);
                }
            }
            for key in 0..500 {
                assert_eq!(tally.count(key), expected.get(&key).map_or(0, |count| count.1), "round {round}");
            }
        }
    }
}
