//! The maximum-weight spanning forest of all pairs, and what it says: sizes by threshold, and rings that are not too large.
//!
//! Of every circle of pairs the forest leaves out the weakest, so that two accounts are connected at some threshold over
//! all pairs if and only if they are over the forest; no more than the forest is ever kept.

use super::pairs::Pair;
use super::weights::WEIGHT_PER_BIT;
use super::{CurvePoint, Cut, Outgrown};
use crate::ids::AccountId;
use rayon::prelude::*;
use std::cmp::Reverse;

/// Trees of accounts with their sizes.
pub(super) struct Trees {
    parents: Vec<u32>,
    sizes: Vec<u32>,
}

impl Trees {
    pub fn new(num_accounts: usize) -> Self {
        Trees { parents: (0..num_accounts as u32).collect(), sizes: vec![1; num_accounts] }
    }

    pub fn root(&mut self, account: u32) -> u32 {
        let mut node = account as usize;
        while self.parents[node] as usize != node {
            self.parents[node] = self.parents[self.parents[node] as usize];
            node = self.parents[node] as usize;
        }
        node as u32
    }

    /// Whether two accounts were apart.
    pub fn unite(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        let (small, large) = if self.sizes[a as usize] < self.sizes[b as usize] { (a, b) } else { (b, a) };
        if a != b {
            self.parents[small as usize] = large;
            self.sizes[large as usize] += self.sizes[small as usize];
        }
        a != b
    }
}

/// The forest of the pairs seen so far.
pub(super) struct Forest {
    num_accounts: usize,
    /// Strongest first, ties by accounts.
    pairs: Vec<Pair>,
}

impl Forest {
    pub fn new(num_accounts: usize) -> Self {
        Forest { num_accounts, pairs: Vec::new() }
    }

    /// Adds pairs (Kruskal). In which batches they come makes no difference, as no two pairs are equal in order.
    pub fn add(&mut self, batch: Vec<Vec<Pair>>) {
        batch.iter().for_each(|pairs| self.pairs.extend_from_slice(pairs));
        self.pairs.par_sort_unstable_by_key(|pair| (Reverse(pair.weight), pair.a, pair.b));
        let mut trees = Trees::new(self.num_accounts);
        self.pairs.retain(|pair| trees.unite(pair.a, pair.b));
    }

    /// How many accounts are together at each whole number of bits, from 1 to the strongest pair.
    pub fn curve(&self) -> Vec<CurvePoint> {
        let mut trees = Trees::new(self.num_accounts);
        let mut point = CurvePoint { threshold: 0, num_rings: 0, num_accounts: 0, largest: 0 };
        let strongest = self.pairs.first().map_or(0, |pair| pair.weight / WEIGHT_PER_BIT);
        let mut pairs = self.pairs.iter().peekable();
        let mut curve: Vec<CurvePoint> = (1..=strongest)
            .rev()
            .map(|bits| {
                point.threshold = bits * WEIGHT_PER_BIT;
                while let Some(pair) = pairs.next_if(|pair| pair.weight >= point.threshold) {
                    let ends = [pair.a, pair.b].map(|end| trees.root(end) as usize);
                    let singles = ends.iter().filter(|&&root| trees.sizes[root] == 1).count() as u32;
                    trees.unite(pair.a, pair.b);
                    let root = trees.root(pair.a) as usize;
                    point.num_accounts += singles;
                    // Two singles make a ring, two rings make one, a single joins one.
                    point.num_rings = (point.num_rings + singles).saturating_sub(1);
                    point.largest = point.largest.max(trees.sizes[root]);
                }
                point
            })
            .collect();
        curve.reverse();
        curve
    }

    /// The pairs that link, strongest first; those that would have made a ring of more than `members_max`; and what they
    /// would have made.
    ///
    /// Threshold by threshold, the pairs of one weight are taken together. What has grown too large stays so at
    /// all lower thresholds; its parts are as they were at the last threshold at which they fitted.
    pub fn cut(&self, weight_min: u32, members_max: u32) -> (Vec<Pair>, Vec<Cut>, Vec<Outgrown>) {
        let mut trees = Trees::new(self.num_accounts);
        let (mut links, mut cuts) = (Vec::new(), Vec::new());
        let strong = self.pairs.partition_point(|pair| pair.weight >= weight_min);
        for same in self.pairs[..strong].chunk_by(|one, other| one.weight == other.weight) {
            same.iter().for_each(|pair| _ = trees.unite(pair.a, pair.b));
            for pair in same {
                let root = trees.root(pair.a) as usize;
                if trees.sizes[root] > members_max {
                    cuts.push(Cut { a: AccountId(pair.a), b: AccountId(pair.b), weight: pair.weight });
                } else {
                    links.push(*pair);
                }
            }
        }
        let mut outgrown = Vec::new();
        let mut seen = vec![false; self.num_accounts];
        for account in 0..self.num_accounts as u32 {
            let root = trees.root(account) as usize;
            let num_accounts = trees.sizes[root];
            if num_accounts > members_max && !std::mem::replace(&mut seen[root], true) {
                outgrown.push(Outgrown { account: AccountId(account), num_accounts });
            }
        }
        (links, cuts, outgrown)
    }
}
