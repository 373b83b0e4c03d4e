//! Randomness that is looked up, not drawn: a hash of (seed, stream, index).
//!
//! # Method
//! A [`Stream`] is a key made of the seed and the stream's number; its value at an index is
//! SplitMix64's output function at that place of the sequence which starts at the key. So
//! `stream.at(i)` is what the i-th draw of a sequential SplitMix64 would be, without state:
//! the order of asking and the number of threads cannot change an answer.
//!
//! # Cost
//! Two multiplications a value, about 2 ns.
//!
//! # Choices
//! [`below`] takes the high half of a 128-bit product; its bias is under `bound / 2^64`. Floats are made by exact
//! operations only, so they are the same on every machine.
//!
//! # Source
//! Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014.
//! Lemire: Fast random integer generation in an interval, TOMACS 29(1), 2019.

/// 2^64 divided by the golden ratio: the step of the sequence.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64's output function: a bijection of 64 bits that leaves no visible pattern.
#[inline]
pub const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A whole number in `0..bound` from 64 random bits; 0 for a bound of 0.
#[inline]
pub const fn below(bits: u64, bound: u64) -> u64 {
    ((bits as u128 * bound as u128) >> 64) as u64
}

/// A number strictly between 0 and 1 from 64 random bits.
#[inline]
pub fn unit(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
}

/// A sequence of random values that can be asked in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: u64,
}

impl Stream {
    /// Stream number `stream` of `seed`.
    pub const fn new(seed: u64, stream: u64) -> Self {
        Stream { key: mix(mix(seed.wrapping_add(STEP)).wrapping_add(stream.wrapping_mul(STEP)) ^ STEP) }
    }

    /// The 64 bits at `index`.
    #[inline]
    pub const fn at(self, index: u64) -> u64 {
        mix(self.key.wrapping_add(index.wrapping_add(1).wrapping_mul(STEP)))
    }

    /// The values that belong to `index`: a sequence of its own, asked one after another.
    #[inline]
    pub const fn draws(self, index: u64) -> Draws {
        Draws { stream: Stream { key: self.at(index) ^ STEP }, next: 0 }
    }
}

/// Values asked one after another; a cursor over a [`Stream`].
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    stream: Stream,
    next: u64,
}

impl Draws {
    /// The next 64 bits.
    #[inline]
    pub const fn bits(&mut self) -> u64 {
        let bits = self.stream.at(self.next);
        self.next += 1;
        bits
    }

    /// The next whole number in `0..bound`; 0 for a bound of 0.
    #[inline]
    pub const fn below(&mut self, bound: u64) -> u64 {
        below(self.bits(), bound)
    }

    /// The next whole number in `from..=to`; `from` if they are the wrong way round.
    #[inline]
    pub const fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from) + 1)
    }

    /// Whether something happens that happens in `percent` of all cases.
    #[inline]
    pub const fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_a_stream_do_not_change_between_versions() {
        // Reference: sequential SplitMix64 from state 0 begins with these three.
        let reference = [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f];
        let from_zero = Stream { key: 0 };
        assert_eq!([0, 1, 2].map(|i| from_zero.at(i)), reference);
    }

    #[test]
    fn streams_of_one_seed_and_seeds_of_one_stream_are_unrelated() {
        let distinct: std::collections::BTreeSet<u64> =
            (0..64).flat_map(|seed| (0..64).map(move |stream| Stream::new(seed, stream).at(0))).collect();
        assert_eq!(distinct.len(), 64 * 64);
        let agreeing: u32 =
            (0..1000).map(|i| (!(Stream::new(1, 0).at(i) ^ Stream::new(2, 0).at(i))).count_ones()).sum();
        assert!((30_000..34_000).contains(&agreeing), "{agreeing} of 64,000 bits agree");
    }

    #[test]
    fn below_is_even_and_stays_below() {
        let mut counts = [0_u32; 7];
        let stream = Stream::new(3, 1);
        for i in 0..70_000 {
            counts[below(stream.at(i), 7) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
        assert_eq!(below(u64::MAX, 0), 0);
        assert_eq!(below(u64::MAX, u64::MAX), u64::MAX - 1);
    }

    #[test]
    fn unit_is_strictly_inside() {
        assert!(unit(0) > 0.0);
        assert!(unit(u64::MAX) < 1.0);
    }
}
