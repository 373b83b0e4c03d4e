//! The calendar: which positions of the total order are due, earliest first.
//!
//! A set of positions as a tree of bits, 64 children to a word: bit `i` of a level says that word `i` of the level
//! below has any bit. Adding and taking touch one word per level, at most six for 2^36 positions, whatever the
//! number of positions due; a heap of accounts would touch as many cache lines as it has levels. The memory is one
//! bit and a sixty-third per position, and a page of it is only made when a position in it is first due.

/// A set of positions `0..len`.
#[derive(Debug)]
pub(in crate::trace) struct Calendar {
    /// `levels[0]` has one bit per position; the last level has one word.
    levels: Vec<Vec<u64>>,
}

impl Calendar {
    /// An empty set of positions below `len`.
    pub(in crate::trace) fn new(len: u64) -> Self {
        let mut levels = Vec::new();
        let mut words = len.max(1);
        loop {
            words = words.div_ceil(64);
            levels.push(vec![0; words as usize]);
            if words == 1 {
                return Calendar { levels };
            }
        }
    }

    /// Adds a position; adding it again changes nothing.
    #[inline]
    pub(in crate::trace) fn add(&mut self, position: u64) {
        let mut place = position;
        for level in &mut self.levels {
            let word = &mut level[(place >> 6) as usize];
            let known = *word != 0;
            *word |= 1 << (place & 63);
            if known {
                return;
            }
            place >>= 6;
        }
    }

    /// The earliest position.
    #[inline]
    pub(in crate::trace) fn first(&self) -> Option<u64> {
        let mut place = 0;
        for level in self.levels.iter().rev() {
            let word = level[place as usize];
            if word == 0 {
                return None; // only ever at the top
            }
            place = (place << 6) | u64::from(word.trailing_zeros());
        }
        Some(place)
    }

    /// Takes a position out; one that is not there changes nothing.
    #[inline]
    pub(in crate::trace) fn remove(&mut self, position: u64) {
        let mut place = position;
        for level in &mut self.levels {
            let word = &mut level[(place >> 6) as usize];
            *word &= !(1 << (place & 63));
            if *word != 0 {
                return;
            }
            place >>= 6;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_calendar_agrees_with_a_sorted_set() {
        for len in [1, 64, 65, 4096, 4097, 300_000] {
            let (mut calendar, mut set) = (Calendar::new(len), BTreeSet::new());
            let mut state = len;
            for step in 0..20_000 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let position = (state >> 20) % len;
                if step % 3 < 2 {
                    calendar.add(position);
                    set.insert(position);
                } else {
                    calendar.remove(position);
                    set.remove(&position);
                }
                assert_eq!(calendar.first(), set.first().copied());
            }
            while let Some(position) = set.pop_first() {
                assert_eq!(calendar.first(), Some(position));
                calendar.remove(position);
            }
            assert_eq!(calendar.first(), None);
            assert!(calendar.levels.iter().flatten().all(|&word| word == 0));
        }
    }
}
