//! Compressed sparse rows of one direction, from the two ends of each transaction.
//!
//! # Method
//! A stable two-level counting sort. Blocks of transactions are cut into
//! buckets of neighbouring nodes in parallel; then each bucket, small enough for
//! the cache, is sorted by node into its own part of the output, block after
//! block, so that every node's slice is in position order.
//!
//! # Cost
//! Time O(n + nodes); memory 12 bytes per transaction besides the output.

use crate::error::Result;
use crate::ids::NONE;
use crate::run::Run;
use rayon::prelude::*;

/// Transactions per block: its records fit a second-level cache.
const BLOCK: usize = 1 << 17;
/// Most buckets: enough for many threads; few enough to be written to side by side.
const BUCKETS_MAX: usize = 512;

/// One direction of the transfers of a segment, as it is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AdjacencyColumns {
    /// Nodes with edges, when that takes less space than an offset for every node.
    pub nodes: Option<Vec<u32>>,
    /// Where each node's slice begins, and the end.
    pub offsets: Vec<u32>,
    /// The other end of each edge.
    pub neighbors: Vec<u32>,
    /// The position of each edge's transaction.
    pub transactions: Vec<u32>,
}

/// A transaction as seen from one end.
#[derive(Clone, Copy, Default)]
struct Record {
    node: u32,
    neighbor: u32,
    transaction: u32,
}

/// Sorts transactions by `ends` (position → node, or `NONE` for one without an edge); `others` are the nodes at the other side.
pub(super) fn adjacency(ends: &[u32], others: &[u32], num_nodes: u32, run: &Run) -> Result<AdjacencyColumns> {
    // Buckets of 2^shift nodes.
    let shift = (num_nodes as usize / BUCKETS_MAX).next_power_of_two().trailing_zeros();
    let num_buckets = (num_nodes as usize >> shift) + 1;
    let blocks: Vec<(Vec<Record>, Vec<u32>)> = ends
        .par_chunks(BLOCK)
        .zip(others.par_chunks(BLOCK))
        .enumerate()
        .map(|(block, (ends, others))| {
            run.check()?;
            Ok(cut(ends, others, (block * BLOCK) as u32, shift, num_buckets))
        })
        .collect::<Result<_>>()?;

    let num_edges = blocks.iter().map(|(records, _)| records.len()).sum();
    let mut neighbors = vec![0; num_edges];
    let mut transactions = vec![0; num_edges];
    let mut offsets = vec![0; num_nodes as usize + 1];
    let mut tasks = Vec::with_capacity(num_buckets);
    let (mut free_neighbors, mut free_transactions) = (&mut neighbors[..], &mut transactions[..]);
    let mut begin = 0_u32;
    for (bucket, offsets) in offsets[..num_nodes as usize].chunks_mut(1 << shift).enumerate() {
        let len: u32 = blocks.iter().map(|(_, starts)| starts[bucket + 1] - starts[bucket]).sum();
        let (mine, rest) = free_neighbors.split_at_mut(len as usize);
        free_neighbors = rest;
        let (my_transactions, rest) = free_transactions.split_at_mut(len as usize);
        free_transactions = rest;
        tasks.push((bucket, begin, offsets, mine, my_transactions));
        begin += len;
    }
    tasks.into_par_iter().try_for_each(|(bucket, begin, offsets, neighbors, transactions)| {
        run.check()?;
        let first_node = (bucket << shift) as u32;
        let records = || {
            blocks
                .iter()
                .flat_map(|(records, starts)| &records[starts[bucket] as usize..starts[bucket + 1] as usize])
        };
        let mut next = vec![0_u32; offsets.len()];
        for record in records() {
            next[(record.node - first_node) as usize] += 1;
        }
        let mut sum = 0;
        for (offset, next) in offsets.iter_mut().zip(&mut next) {
            *offset = begin + sum;
            let count = std::mem::replace(next, sum);
            sum += count;
        }
        for record in records() {
            let place = &mut next[(record.node - first_node) as usize];
            neighbors[*place as usize] = record.neighbor;
            transactions[*place as usize] = record.transaction;
            *place += 1;
        }
        Ok(())
    })?;
    offsets[num_nodes as usize] = num_edges as u32;
    let (nodes, offsets) = compress(offsets);
    Ok(AdjacencyColumns { nodes, offsets, neighbors, transactions })
}

/// Cuts one block into buckets; returns the records by bucket and where each bucket begins.
fn cut(ends: &[u32], others: &[u32], base: u32, shift: u32, num_buckets: usize) -> (Vec<Record>, Vec<u32>) {
    let mut starts = vec![0_u32; num_buckets + 1];
    for &node in ends.iter().filter(|&&node| node != NONE) {
        starts[(node >> shift) as usize + 1] += 1;
    }
    for bucket in 0..num_buckets {
        starts[bucket + 1] += starts[bucket];
    }
    let mut next = starts.clone();
    let mut records = vec![Record::default(); starts[num_buckets] as usize];
    let edges = (base..).zip(ends.iter().zip(others)).filter(|(_, (node, _))| **node != NONE);
    for (transaction, (&node, &neighbor)) in edges {
        let place = &mut next[(node >> shift) as usize];
        records[*place as usize] = Record { node, neighbor, transaction };
        *place += 1;
    }
    (records, starts)
}

/// Keeps only the nodes that have edges, if two words for each of them are fewer than one for every node.
fn compress(offsets: Vec<u32>) -> (Option<Vec<u32>>, Vec<u32>) {
    let has_edges = |node: &u32| offsets[*node as usize] < offsets[*node as usize + 1];
    let num_nodes = offsets.len() as u32 - 1;
    let active = (0..num_nodes).into_par_iter().filter(|node| has_edges(node)).count();
    if 2 * active + 1 >= offsets.len() {
        return (None, offsets);
    }
    let nodes: Vec<u32> = (0..num_nodes).filter(|node| has_edges(node)).collect();
    let end = offsets[num_nodes as usize];
    let sparse = nodes.iter().map(|&node| offsets[node as usize]).chain([end]).collect();
    (Some(nodes), sparse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn slices_hold_each_nodes_transactions_in_position_order(
            num_nodes in 1_u32..3000,
            edges in prop::collection::vec((any::<u32>(), any::<u32>()), 0..400),
            without in 0..3_u32,
        ) {
            let is_out = |edge: &(u32, u32)| without > 0 && (edge.0 ^ edge.1).is_multiple_of(without);
            let end = |edge: &(u32, u32)| if is_out(edge) { NONE } else { edge.0 % num_nodes };
            let ends: Vec<u32> = edges.iter().map(end).collect();
            let others: Vec<u32> = edges.iter().map(|edge| edge.1 % num_nodes).collect();
            let built = adjacency(&ends, &others, num_nodes, &Run::new()).unwrap();
            let mut expected: Vec<(u32, u32)> = ends.iter().copied().zip(0..).collect();
            expected.retain(|(end, _)| *end != NONE);
            expected.sort();
            let nodes = built.nodes.clone().unwrap_or_else(|| (0..num_nodes).collect());
            prop_assert_eq!(built.offsets.len(), nodes.len() + 1);
            let mut seen = Vec::new();
            for (&node, range) in nodes.iter().zip(built.offsets.windows(2)) {
                for edge in range[0] as usize..range[1] as usize {
                    seen.push((node, built.transactions[edge]));
                    prop_assert_eq!(built.neighbors[edge], others[built.transactions[edge] as usize]);
                }
            }
            prop_assert_eq!(seen, expected);
        }
    }

    #[test]
    fn few_active_nodes_take_sparse_offsets() {
        let built = adjacency(&[7, 7, 900], &[1, 2, 3], 1000, &Run::new()).unwrap();
        assert_eq!(built.nodes, Some(vec![7, 900]));
        assert_eq!(built.offsets, [0, 2, 3]);
    }

    #[test]
    fn more_than_one_block_stays_in_order() {
        let ends: Vec<u32> = (0..3 * BLOCK as u32).map(|i| i % 5).collect();
        let built = adjacency(&ends, &ends, 5, &Run::new()).unwrap();
        for range in built.offsets.windows(2) {
            assert!(built.transactions[range[0] as usize..range[1] as usize].is_sorted());
        }
    }
}
