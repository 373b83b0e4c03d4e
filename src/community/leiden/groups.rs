//! Nodes listed by community.

use std::ops::Range;

/// The nodes of each community, one community after another.
pub(crate) struct Groups {
    /// Where each community begins in `nodes`, and the end of the last.
    pub starts: Vec<u32>,
    pub nodes: Vec<u32>,
}

impl Groups {
    /// Groups nodes by label, in the order of labels; within a community ascending. Labels nobody has are left out.
    /// `labels` are below `labels.len()`.
    pub(crate) fn by_label(labels: &[u32]) -> Self {
        let mut next = vec![0_u32; labels.len() + 1];
        for &label in labels {
            next[label as usize + 1] += 1;
        }
        let mut starts = vec![0];
        for label in 0..labels.len() {
            if next[label + 1] > 0 {
                starts.push(next[label] + next[label + 1]);
            }
            next[label + 1] += next[label];
        }
        let mut nodes = vec![0; labels.len()];
        for (node, &label) in labels.iter().enumerate() {
            let place = &mut next[label as usize];
            nodes[*place as usize] = node as u32;
            *place += 1;
        }
        Groups { starts, nodes }
    }

    /// For each node its place in `nodes`.
    pub(crate) fn places(&self) -> Vec<u32> {
        let mut places = vec![0; self.nodes.len()];
        for (place, &node) in self.nodes.iter().enumerate() {
            places[node as usize] = place as u32;
        }
        places
    }

    /// For each node its group.
    pub(crate) fn owners(&self) -> Vec<u32> {
        let mut owners = vec![0; self.nodes.len()];
        for group in 0..self.len() {
            self.members(group).iter().for_each(|&node| owners[node as usize] = group as u32);
        }
        owners
    }

    /// Labels numbered anew, in the order in which they first come.
    pub(crate) fn renumber(labels: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut numbers = std::collections::HashMap::new();
        labels
            .map(|label| {
                let next = numbers.len() as u32;
                *numbers.entry(label).or_insert(next)
            })
            .collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    #[inline]
    pub(crate) fn range(&self, group: usize) -> Range<usize> {
        self.starts[group] as usize..self.starts[group + 1] as usize
    }

    #[inline]
    pub(crate) fn members(&self, group: usize) -> &[u32] {
        &self.nodes[self.range(group)]
    }

    /// Cuts the groups into runs of about `target` cost each; a group alone may cost more.
    pub(crate) fn cut(&self, target: usize, cost: impl Fn(u32) -> usize) -> Vec<Range<usize>> {
        let (mut cuts, mut start, mut sum) = (Vec::new(), 0, 0);
        for group in 0..self.len() {
            sum += self.members(group).iter().map(|&node| cost(node)).sum::<usize>();
            if sum >= target {
                cuts.push(start..group + 1);
                (start, sum) = (group + 1, 0);
            }
        }
        if start < self.len() {
            cuts.push(start..self.len());
        }
        cuts
    }
}
