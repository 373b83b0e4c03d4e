//! A partition: every node in exactly one community.

use rayon::prelude::*;
use std::cmp::Reverse;

/// A community for each node; numbered by size, largest first, ties by smallest member.
///
/// Two partitions that put the same nodes together are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partition {
    labels: Vec<u32>,
    /// Where each community begins in `members`, and the end of the last.
    starts: Vec<u32>,
    members: Vec<u32>,
}

impl Partition {
    /// The partition that puts nodes of the same label together, whatever the labels are.
    ///
    /// Time O(n) if labels are below the number of nodes, O(n log n) otherwise; memory 8 bytes per node, 16 on the way.
    pub fn from_labels(labels: &[u32]) -> Self {
        let num_nodes = labels.len();
        let dense = |labels: &[u32]| labels.iter().all(|&label| (label as usize) < num_nodes);
        if dense(labels) {
            return Self::from_dense(labels);
        }
        let mut distinct = labels.to_vec();
        distinct.par_sort_unstable();
        distinct.dedup();
        let number = |label: &u32| distinct.binary_search(label).unwrap_or(0) as u32;
        Self::from_dense(&labels.par_iter().map(number).collect::<Vec<_>>())
    }

    fn from_dense(labels: &[u32]) -> Self {
        let num_nodes = labels.len();
        let mut sizes = vec![0_u32; num_nodes];
        let mut firsts = Vec::new();
        for (node, &label) in labels.iter().enumerate() {
            if sizes[label as usize] == 0 {
                firsts.push((label, node as u32));
            }
            sizes[label as usize] += 1;
        }
        firsts.par_sort_unstable_by_key(|&(label, first)| (Reverse(sizes[label as usize]), first));
        let mut starts = Vec::with_capacity(firsts.len() + 1);
        let mut end = 0;
        starts.push(0);
        for (number, &(label, _)) in firsts.iter().enumerate() {
            end += sizes[label as usize];
            starts.push(end);
            // The size is used up: it now holds the community's number.
            sizes[label as usize] = number as u32;
        }
        let numbers = sizes;
        let mut next = starts.clone();
        let mut members = vec![0; num_nodes];
        let labels: Vec<u32> = labels.iter().map(|&label| numbers[label as usize]).collect();
        for (node, &label) in labels.iter().enumerate() {
            members[next[label as usize] as usize] = node as u32;
            next[label as usize] += 1;
        }
        Partition { labels, starts, members }
    }

    /// Number of communities.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there is no community, as in a graph without nodes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of nodes.
    pub fn num_nodes(&self) -> usize {
        self.labels.len()
    }

    /// For each node its community.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The community of a node.
    pub fn community(&self, node: u32) -> u32 {
        self.labels[node as usize]
    }

    /// The nodes of a community, ascending.
    pub fn members(&self, community: u32) -> &[u32] {
        &self.members[self.starts[community as usize] as usize..self.starts[community as usize + 1] as usize]
    }

    /// Number of nodes of a community.
    pub fn size(&self, community: u32) -> u32 {
        self.starts[community as usize + 1] - self.starts[community as usize]
    }

    /// Number of nodes of each community; descending.
    pub fn sizes(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.starts.windows(2).map(|ends| ends[1] - ends[0])
    }

    /// All members as one ragged array: where each community begins (and the end of the last), and the nodes.
    pub fn ragged(&self) -> (&[u32], &[u32]) {
        (&self.starts, &self.members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn communities_are_numbered_by_size_and_then_by_first_member() {
        let partition = Partition::from_labels(&[7, u32::MAX, 3, u32::MAX, 9, 3]);
        assert_eq!(partition.labels(), [2, 0, 1, 0, 3, 1]);
        assert_eq!(partition.sizes().collect::<Vec<_>>(), [2, 2, 1, 1]);
        assert_eq!(partition.members(1), [2, 5]);
        assert_eq!(partition.ragged(), (&[0, 2, 4, 5, 6][..], &[1, 3, 2, 5, 0, 4][..]));
        assert_eq!(partition, Partition::from_labels(partition.labels()));
    }

    #[test]
    fn no_nodes_make_no_communities() {
        assert_eq!(Partition::from_labels(&[]).len(), 0);
        assert_eq!(Partition::default().len(), 0);
    }
}
