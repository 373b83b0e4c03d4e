//! Weighted choice in constant time.
//!
//! # Method
//! Alias tables after Vose: each place holds a threshold and another place, so one
//! random word chooses: its high half names a place, its low half that place or the other.
//! Built with whole numbers, so the table is the same on every machine.
//!
//! # Cost
//! O(n) to build, with 16 bytes a place for the while; one or two memory accesses to choose; 8 bytes a place.
//!
//! # Source
//! Vose: A linear algorithm for generating random numbers with a given distribution, IEEE TSE 17(9), 1991.

use crate::random::below;

/// One place of a table: stays with probability `threshold` / 2^32, else moves to `other`.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    threshold: u32,
    other: u32,
}

/// Weighted choice among numbers, or among the numbers of each of several ranges.
pub(crate) struct Alias {
    places: Vec<Place>,
}

impl Alias {
    /// A table for all of `weights`: fewer than 2^32, and the largest times their number is under 2^64.
    pub fn new(weights: &[u64]) -> Self {
        Self::in_ranges(weights, &[0, weights.len() as u32])
    }

    /// A table for each range of `weights` between two neighbouring `starts`, all in one.
    pub fn in_ranges(weights: &[u64], starts: &[u32]) -> Self {
        let mut places = vec![Place::default(); weights.len()];
        let (mut small, mut large) = (Vec::new(), Vec::new());
        for bounds in starts.windows(2) {
            let (from, to) = (bounds[0] as usize, bounds[1] as usize);
            fill(&weights[from..to], bounds[0], &mut places[from..to], &mut small, &mut large);
        }
        Alias { places }
    }

    /// Chooses one of all numbers.
    #[inline]
    pub fn choose(&self, bits: u64) -> u32 {
        self.choose_in(0, self.places.len() as u32, bits)
    }

    /// Chooses a number of the range `from..to`, which the table was made for.
    #[inline]
    pub fn choose_in(&self, from: u32, to: u32, bits: u64) -> u32 {
        let chosen = from + below(bits, u64::from(to - from)) as u32;
        let place = self.places[chosen as usize];
        // The low bits decide; the place was taken from the high ones.
        if (bits as u32) < place.threshold { chosen } else { place.other }
    }
}

/// Fills the table of one range whose first number is `first`.
fn fill(
    weights: &[u64],
    first: u32,
    places: &mut [Place],
    small: &mut Vec<(u32, u64)>,
    large: &mut Vec<(u32, u64)>,
) {
    let total: u64 = weights.iter().sum();
    let count = weights.len() as u64;
    small.clear();
    large.clear();
    for (i, weight) in weights.iter().enumerate() {
        let share = weight * count;
        if share < total { small.push((i as u32, share)) } else { large.push((i as u32, share)) }
    }
    while let Some((poor, share)) = small.pop() {
        let Some((rich, wealth)) = large.pop() else {
            small.push((poor, share));
            break;
        };
        let threshold = ((u128::from(share) << 32) / u128::from(total)) as u32;
        places[poor as usize] = Place { threshold, other: first + rich };
        let rest = wealth - (total - share);
        if rest < total { small.push((rich, rest)) } else { large.push((rich, rest)) }
    }
    for (i, _) in small.drain(..).chain(large.drain(..)) {
        places[i as usize] = Place { threshold: u32::MAX, other: first + i };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn counts(alias: &Alias, from: u32, to: u32, draws: u64) -> Vec<u64> {
        let mut counts = vec![0; (to - from) as usize];
        let stream = Stream::new(9, 9);
        for i in 0..draws {
            counts[(alias.choose_in(from, to, stream.at(i)) - from) as usize] += 1;
        }
        counts
    }

    #[test]
    fn numbers_are_chosen_by_their_weights() {
        let weights = [1, 2, 3, 4, 0, 90];
        let found = counts(&Alias::new(&weights), 0, 6, 1_000_000);
        for (weight, count) in weights.iter().zip(&found) {
            assert!(count.abs_diff(weight * 10_000) < 1_000, "{found:?}");
        }
        assert_eq!(found[4], 0);
    }

    #[test]
    fn a_range_chooses_only_its_own_numbers() {
        let alias = Alias::in_ranges(&[5, 5, 1, 3, 7], &[0, 2, 4, 5]);
        assert_eq!(counts(&alias, 4, 5, 100), [100]);
        let found = counts(&alias, 2, 4, 40_000);
        assert!(found[0].abs_diff(10_000) < 500, "{found:?}");
    }

    #[test]
    fn equal_weights_never_move() {
        let alias = Alias::new(&[3; 100]);
        assert!(counts(&alias, 0, 100, 100_000).iter().all(|count| count.abs_diff(1000) < 200));
    }
}
