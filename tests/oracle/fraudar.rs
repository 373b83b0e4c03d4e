//! Fraudar from its definition (Hooi et al., KDD 2016), in floats, everything looked at anew at each removal.

use std::collections::BTreeMap;

/// A block of senders and receivers, ascending, and its density.
pub struct Block {
    pub senders: Vec<u32>,
    pub receivers: Vec<u32>,
    pub density: f64,
}

/// Removes, of all nodes of both sides, the one with the least weight left, ties by number and senders first, and keeps the
/// densest set on the way. Edges are (sender, receiver), each once.
pub fn slow_fraudar(num_senders: usize, num_receivers: usize, edges: &[(u32, u32)]) -> Block {
    let mut popularity: BTreeMap<u32, f64> = BTreeMap::new();
    edges.iter().for_each(|edge| *popularity.entry(edge.1).or_default() += 1.0);
    let weight = |receiver: u32| 1.0 / (popularity[&receiver] + 5.0).ln();
    let mut partners: Vec<Vec<(usize, f64)>> = vec![Vec::new(); num_senders + num_receivers];
    for &(sender, receiver) in edges {
        partners[sender as usize].push((num_senders + receiver as usize, weight(receiver)));
        partners[num_senders + receiver as usize].push((sender as usize, weight(receiver)));
    }
    let mut inside = vec![true; partners.len()];
    let left = |node: usize, inside: &[bool]| -> f64 {
        partners[node].iter().filter(|(other, _)| inside[*other]).map(|(_, weight)| weight).sum()
    };
    let mut weights: Vec<f64> = (0..partners.len()).map(|node| left(node, &inside)).collect();
    let mut order = Vec::new();
    let (mut best, mut kept) = (0.0, 0);
    // Sums of the same weights in another order differ in their last digits; such nodes are equal.
    const SAME: f64 = 1e-9;
    let mut nodes: Vec<usize> = (0..partners.len()).collect();
    while !nodes.is_empty() {
        let whole: f64 = nodes.iter().filter(|&&node| node < num_senders).map(|&node| weights[node]).sum();
        let density = whole / nodes.len() as f64;
        if density > best + SAME {
            (best, kept) = (density, order.len());
        }
        let least = nodes.iter().map(|&node| weights[node]).fold(f64::INFINITY, f64::min);
        let at = nodes.iter().position(|&node| weights[node] <= least + SAME).unwrap();
        let node = nodes.remove(at);
        inside[node] = false;
        order.push(node);
        for &(other, _) in &partners[node] {
            weights[other] = left(other, &inside);
        }
    }
    let mut members = order.split_off(kept);
    members.sort_unstable();
    let receivers = members.split_off(members.partition_point(|&node| node < num_senders));
    Block {
        senders: members.into_iter().map(|node| node as u32).collect(),
        receivers: receivers.into_iter().map(|node| (node - num_senders) as u32).collect(),
        density: best,
    }
}
