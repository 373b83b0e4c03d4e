//! A set of accounts as one bit each: the working set of a pass over millions of rows.

use roaring::RoaringBitmap;

/// A set of numbers `0..len`. For a million accounts it is 125 kB, which stays in the cache next to the core.
#[derive(Clone, Debug, Default)]
pub(in crate::trace) struct Marks {
    words: Vec<u64>,
}

impl Marks {
    /// An empty set of numbers below `len`.
    pub(in crate::trace) fn new(len: u32) -> Self {
        Marks { words: vec![0; (len as usize).div_ceil(64)] }
    }

    /// Every number below `len` that `set` does not hold; none if there is no set.
    pub(in crate::trace) fn outside(set: Option<&RoaringBitmap>, len: u32) -> Self {
        let mut marks = Marks::new(len);
        if let Some(set) = set {
            marks.words.fill(u64::MAX);
            for inside in set.iter().take_while(|&number| number < len) {
                marks.words[(inside >> 6) as usize] &= !(1 << (inside & 63));
            }
        }
        marks
    }

    /// Whether `number`, which is below `len`, is in the set.
    #[inline]
    pub(in crate::trace) fn has(&self, number: u32) -> bool {
        self.words[(number >> 6) as usize] >> (number & 63) & 1 == 1
    }

    /// Adds `number`, which is below `len`.
    #[inline]
    pub(in crate::trace) fn set(&mut self, number: u32) {
        self.words[(number >> 6) as usize] |= 1 << (number & 63);
    }

    /// Takes `number`, which is below `len`, out.
    #[inline]
    pub(in crate::trace) fn clear(&mut self, number: u32) {
        self.words[(number >> 6) as usize] &= !(1 << (number & 63));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_there_and_nothing_else() {
        let mut marks = Marks::new(130);
        for number in [0, 63, 64, 129] {
            marks.set(number);
        }
        marks.set(65);
        marks.clear(65);
        marks.clear(7);
        let found: Vec<u32> = (0..130).filter(|&number| marks.has(number)).collect();
        assert_eq!(found, [0, 63, 64, 129]);
    }

    #[test]
    fn outside_of_no_set_is_nothing() {
        assert!((0..70).all(|number| !Marks::outside(None, 70).has(number)));
        let inside = RoaringBitmap::from_iter([3, 69, 1000]);
        let marks = Marks::outside(Some(&inside), 70);
        assert!((0..70).all(|number| marks.has(number) != inside.contains(number)));
    }
}
