//! How alike two partitions of the same nodes are.
//!
//! # Method
//! The pairs of labels are sorted and counted: how many nodes are in community `i` of the one and `j` of the other.
//! From these counts come, with the definitions that scikit-learn uses:
//!
//! * the adjusted Rand index, from numbers of pairs of nodes, exact until the last division;
//! * mutual information, normalized by the arithmetic mean of the entropies;
//! * the same adjusted by what partitions with these sizes share by chance. The chance depends on sizes alone, so it is
//!   summed once for each pair of distinct sizes, outward from the likeliest count as far as it matters.
//!
//! # Cost
//! O(n log n), and for the adjusted information O(d^2 s) for d distinct sizes whose likely counts spread over s values.
//! Memory 8 bytes per node.
//!
//! # Source
//! Hubert, Arabie: Comparing partitions, J. of Classification 2, 1985.
//! Vinh, Epps, Bailey: Information theoretic measures for clusterings comparison, JMLR 11, 2010.

use super::Partition;
use crate::error::{Error, Result};
use rayon::prelude::*;
use std::f64::consts::PI;

/// How alike two partitions are: 1 for the same, about 0 for unrelated ones (exactly about 0 for the adjusted two).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Mutual information divided by the mean of the entropies; 0 to 1. Grows with the number of communities.
    pub nmi: f64,
    /// Mutual information beyond chance; at most 1.
    pub ami: f64,
    /// Adjusted Rand index: pairs of nodes treated alike, beyond chance; at most 1.
    pub ari: f64,
}

/// How alike two partitions of the same nodes are.
///
/// # Errors
/// [`Error::Input`] if they have different numbers of nodes.
pub fn compare(left: &Partition, right: &Partition) -> Result<Agreement> {
    if left.num_nodes() != right.num_nodes() {
        let problem = format!(
            "{} nodes here and {} there; compare partitions of one graph",
            left.num_nodes(),
            right.num_nodes()
        );
        return Err(Error::input("partitions", problem));
    }
    if left.len() <= 1 && right.len() <= 1 {
        return Ok(Agreement { nmi: 1.0, ami: 1.0, ari: 1.0 });
    }
    let shared = overlaps(left, right);
    let (mutual, mean) = (mutual_information(left, right, &shared), (entropy(left) + entropy(right)) / 2.0);
    let by_chance = expected_information(left, right);
    let room = mean - by_chance;
    let room = if room < 0.0 { room.min(-f64::EPSILON) } else { room.max(f64::EPSILON) };
    let nmi = if mutual <= f64::EPSILON { 0.0 } else { mutual / mean };
    Ok(Agreement { nmi, ami: (mutual - by_chance) / room, ari: adjusted_rand(left, right, &shared) })
}

/// For each pair of communities that share nodes: left, right, number of nodes; ascending.
fn overlaps(left: &Partition, right: &Partition) -> Vec<(u32, u32, u32)> {
    let mut shared = Vec::new();
    let mut others = Vec::new();
    for community in 0..left.len() as u32 {
        others.clear();
        others.extend(left.members(community).iter().map(|&node| right.community(node)));
        others.sort_unstable();
        let same = others.chunk_by(|a, b| a == b);
        shared.extend(same.map(|same| (community, same[0], same.len() as u32)));
    }
    shared
}

/// Pairs of nodes within groups of these sizes.
fn pairs(sizes: impl Iterator<Item = u32>) -> i128 {
    sizes.map(|size| i128::from(size) * (i128::from(size) - 1) / 2).sum()
}

fn adjusted_rand(left: &Partition, right: &Partition, shared: &[(u32, u32, u32)]) -> f64 {
    let all = pairs(std::iter::once(left.num_nodes() as u32));
    let both = pairs(shared.iter().map(|overlap| overlap.2));
    let only_left = pairs(left.sizes()) - both;
    let only_right = pairs(right.sizes()) - both;
    let neither = all - both - only_left - only_right;
    if only_left == 0 && only_right == 0 {
        return 1.0;
    }
    // Each product is below 2^126, since there are at most 2^63 pairs.
    let above = both * neither - only_left * only_right;
    let below = (both + only_left) as f64 * (only_left + neither) as f64
        + (both + only_right) as f64 * (only_right + neither) as f64;
    2.0 * above as f64 / below
}

fn entropy(partition: &Partition) -> f64 {
    let nodes = partition.num_nodes() as f64;
    let term = |size: u32| f64::from(size) / nodes * (nodes / f64::from(size)).ln();
    partition.sizes().map(term).sum()
}

fn mutual_information(left: &Partition, right: &Partition, shared: &[(u32, u32, u32)]) -> f64 {
    let nodes = left.num_nodes() as f64;
    let term = |&(l, r, both): &(u32, u32, u32)| {
        let (a, b, both) = (f64::from(left.size(l)), f64::from(right.size(r)), f64::from(both));
        both / nodes * (nodes * both / (a * b)).ln()
    };
    shared.iter().map(term).sum::<f64>().max(0.0)
}

/// The mutual information to be expected of random partitions with these sizes.
fn expected_information(left: &Partition, right: &Partition) -> f64 {
    let nodes = left.num_nodes() as u64;
    let (rows, columns) = (distinct_sizes(left), distinct_sizes(right));
    let row_sum = |&(a, times): &(u64, u64)| -> f64 {
        columns.iter().map(|&(b, often)| (times * often) as f64 * expected_term(a, b, nodes)).sum()
    };
    // Joined in order, so that the sum is the same for any number of threads.
    let sums: Vec<f64> = rows.par_iter().map(row_sum).collect();
    sums.iter().sum()
}

/// Sizes, descending, and how many communities have them.
fn distinct_sizes(partition: &Partition) -> Vec<(u64, u64)> {
    let sizes: Vec<u32> = partition.sizes().collect();
    sizes.chunk_by(|a, b| a == b).map(|same| (same[0].into(), same.len() as u64)).collect()
}

/// What a community of `a` nodes and one of `b`, drawn at random from `nodes`, are expected to add.
fn expected_term(a: u64, b: u64, nodes: u64) -> f64 {
    let (least, most) = ((a + b).saturating_sub(nodes), a.min(b));
    let mode = ((a + 1) as f64 * (b + 1) as f64 / (nodes + 2) as f64) as u64;
    let mode = mode.clamp(least, most);
    let logarithm = ln_factorial(a) + ln_factorial(b) + ln_factorial(nodes - a) + ln_factorial(nodes - b)
        - ln_factorial(nodes)
        - ln_factorial(mode)
        - ln_factorial(a - mode)
        - ln_factorial(b - mode)
        - ln_factorial(nodes + mode - a - b);
    let peak = logarithm.exp();
    let worth = |both: u64| match both {
        0 => 0.0,
        _ => both as f64 / nodes as f64 * (nodes as f64 * both as f64 / (a as f64 * b as f64)).ln(),
    };
    let mut sum = peak * worth(mode);
    let (mut chance, mut both) = (peak, mode);
    while both < most && chance > peak * 1e-18 {
        let next = (a - both) as f64 * (b - both) as f64;
        chance *= next / ((both + 1) as f64 * (nodes + both + 1 - a - b) as f64);
        both += 1;
        sum += chance * worth(both);
    }
    let (mut chance, mut both) = (peak, mode);
    while both > least && chance > peak * 1e-18 {
        let last = both as f64 * (nodes + both - a - b) as f64;
        chance *= last / ((a - both + 1) as f64 * (b - both + 1) as f64);
        both -= 1;
        sum += chance * worth(both);
    }
    sum
}

/// The logarithm of `n!`: the product itself while it is exact, Stirling's series after that.
fn ln_factorial(n: u64) -> f64 {
    if n < 19 {
        return ((1..=n).product::<u64>() as f64).ln();
    }
    let x = n as f64;
    let inverse = 1.0 / (x * x);
    let series = (1.0 / 12.0 - inverse * (1.0 / 360.0 - inverse * (1.0 / 1260.0 - inverse / 1680.0))) / x;
    x * x.ln() - x + 0.5 * (2.0 * PI * x).ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreement(left: &[u32], right: &[u32]) -> [f64; 3] {
        let found = compare(&Partition::from_labels(left), &Partition::from_labels(right)).unwrap();
        [found.nmi, found.ami, found.ari]
    }

    fn close(found: [f64; 3], expected: [f64; 3]) -> bool {
        found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-10)
    }

    #[test]
    fn the_numbers_are_those_of_scikit_learn() {
        let found = agreement(&[0, 0, 0, 1, 1, 1], &[0, 0, 1, 1, 2, 2]);
        assert!(close(found, [0.515803742979389, 0.298792458170890, 0.242424242424242]), "{found:?}");
        let found = agreement(&[0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 0], &[1, 1, 1, 0, 2, 2, 0, 0, 0, 3, 3, 1]);
        assert!(close(found, [0.613147192765458, 0.379628466281188, 0.301833568406206]), "{found:?}");
    }

    #[test]
    fn renaming_changes_nothing_and_extremes_are_the_agreed_ones() {
        assert!(close(agreement(&[0, 0, 1, 2], &[7, 7, 3, 5]), [1.0, 1.0, 1.0]));
        assert!(close(agreement(&[0, 0, 0], &[1, 1, 1]), [1.0, 1.0, 1.0]));
        let found = agreement(&[0, 0, 0, 0], &[0, 1, 2, 3]);
        assert!(close(found, [0.0, 0.0, 0.0]), "{found:?}");
        assert!(compare(&Partition::from_labels(&[0]), &Partition::from_labels(&[0, 1])).is_err());
    }
}
