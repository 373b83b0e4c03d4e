//! Sums of weights by label: a small open-addressing table that is used again for each node.
//!
//! # Cost
//! A row of d entries uses 2d to 4d slots, so that rows of ordinary length stay in the first cache.

use super::objective::Whole;
use crate::ids::NONE;

/// Sums by label, listed in the order in which the labels came.
#[derive(Default)]
pub(crate) struct Table<W> {
    /// The label of each slot; `NONE` where free.
    keys: Vec<u32>,
    sums: Vec<W>,
    used: Vec<u32>,
    shift: u32,
}

impl<W: Whole> Table<W> {
    /// Empties the table and makes room for `len` labels.
    #[inline]
    pub(crate) fn start(&mut self, len: usize) {
        for &slot in &self.used {
            self.keys[slot as usize] = NONE;
        }
        self.used.clear();
        let slots = (2 * len).next_power_of_two().max(16);
        if slots > self.keys.len() {
            self.keys.resize(slots, NONE);
            self.sums.resize(slots, W::default());
        }
        self.shift = 32 - slots.trailing_zeros();
    }

    /// Adds to the sum of a label.
    #[inline]
    pub(crate) fn add(&mut self, label: u32, weight: W) {
        let slot = self.slot(label);
        if self.keys[slot] == label {
            self.sums[slot] = self.sums[slot].plus(weight);
        } else {
            self.keys[slot] = label;
            self.sums[slot] = weight;
            self.used.push(slot as u32);
        }
    }

    /// The sum of a label; 0 if it did not come.
    #[inline]
    pub(crate) fn get(&self, label: u32) -> W {
        let slot = self.slot(label);
        if self.keys[slot] == label { self.sums[slot] } else { W::default() }
    }

    /// Labels and sums, in the order in which the labels came.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, W)> {
        self.used.iter().map(|&slot| (self.keys[slot as usize], self.sums[slot as usize]))
    }

    /// Number of labels.
    pub(crate) fn len(&self) -> usize {
        self.used.len()
    }

    /// Where a label is or would be.
    #[inline]
    fn slot(&self, label: u32) -> usize {
        let mask = (1_usize << (32 - self.shift)) - 1;
        let mut slot = (label.wrapping_mul(0x9e37_79b1) >> self.shift) as usize;
        while self.keys[slot] != label && self.keys[slot] != NONE {
            slot = (slot + 1) & mask;
        }
        slot
    }
}
