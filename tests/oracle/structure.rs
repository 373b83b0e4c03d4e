//! Slow answers about the structure of graphs, from the definitions.

use ringfence::graph::project::Rows;
use ringfence::random::{Stream, below};

/// A random graph: number of nodes, directed pairs with weights.
pub fn pairs(seed: u64, nodes_max: u64) -> (usize, Vec<(u32, u32, u64)>) {
    let mut draws = Stream::new(seed, 77).draws(0);
    let num_nodes = 1 + draws.below(nodes_max);
    let num_pairs = draws.below(3 * num_nodes + 1);
    let heaviest = [1, 3, 1 << 40][below(draws.bits(), 3) as usize];
    let pairs = (0..num_pairs)
        .map(|_| (draws.below(num_nodes) as u32, draws.below(num_nodes) as u32, 1 + draws.below(heaviest)));
    (num_nodes as usize, pairs.collect())
}

/// Which nodes paths along the rows lead to.
pub fn reached(rows: &Rows, start: u32) -> Vec<bool> {
    let mut seen = vec![false; rows.num_nodes()];
    let mut open = vec![start];
    while let Some(node) = open.pop() {
        if !std::mem::replace(&mut seen[node as usize], true) {
            open.extend(rows.neighbors(node));
        }
    }
    seen
}

/// The largest set whose members pass `stays`, asked with the set, by removal until nothing changes.
pub fn largest(num_nodes: usize, stays: impl Fn(&[bool], u32) -> bool) -> Vec<bool> {
    let mut set = vec![true; num_nodes];
    loop {
        let next: Vec<bool> = (0..num_nodes).map(|node| set[node] && stays(&set, node as u32)).collect();
        if next == set {
            return set;
        }
        set = next;
    }
}

/// Number of connected components when some edge, or some node, is passed over.
pub fn num_components(rows: &Rows, without_edge: Option<(u32, u32)>, without_node: Option<u32>) -> usize {
    let mut seen = vec![false; rows.num_nodes()];
    let mut count = 0;
    for start in 0..rows.num_nodes() as u32 {
        let mut open = vec![start];
        if seen[start as usize] || Some(start) == without_node {
            continue;
        }
        count += 1;
        while let Some(node) = open.pop() {
            if std::mem::replace(&mut seen[node as usize], true) {
                continue;
            }
            open.extend(rows.neighbors(node).iter().copied().filter(|&next| {
                Some(next) != without_node && Some((node.min(next), node.max(next))) != without_edge
            }));
        }
    }
    count
}

/// Members of a set.
pub fn members(set: &[bool]) -> Vec<u32> {
    (0..set.len() as u32).filter(|&node| set[node as usize]).collect()
}
