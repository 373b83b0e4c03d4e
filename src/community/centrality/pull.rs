//! What each node receives from its neighbours: one writer per node, in the order of its row.

use crate::graph::project::{Rows, Weights};
use std::ops::Range;

/// Entries and nodes per task: enough to hide the hand-over, few enough to stop within milliseconds.
const WORK_PER_TASK: usize = 1 << 16;

/// What an entry weighs.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    Unit,
    Narrow(&'a [u32]),
    Wide(&'a [u64]),
}

impl<'a> By<'a> {
    pub fn new(rows: &'a Rows, weighted: bool) -> Self {
        match rows.weights() {
            _ if !weighted => By::Unit,
            Weights::Narrow(weights) => By::Narrow(weights),
            Weights::Wide(weights) => By::Wide(weights),
        }
    }
}

/// Ranges of nodes with about the same work; only the graph decides where they are cut.
pub(super) fn tasks(rows: &Rows) -> Vec<Range<usize>> {
    let (mut tasks, mut first) = (Vec::new(), 0);
    while first < rows.num_nodes() {
        let work = |node: usize| rows.offsets()[node] + node;
        let limit = work(first) + WORK_PER_TASK;
        let rest = &rows.offsets()[first + 1..];
        let whole = rest.iter().zip(first + 1..).take_while(|(offset, node)| *offset + node <= limit).count();
        let end = first + whole.max(1);
        tasks.push(first..end);
        first = end;
    }
    tasks
}

/// The parts of `values` that belong to each task.
pub(super) fn split<'a, T>(values: &'a mut [T], tasks: &[Range<usize>]) -> Vec<&'a mut [T]> {
    let mut rest = values;
    let mut parts = Vec::with_capacity(tasks.len());
    for task in tasks {
        let (part, others) = std::mem::take(&mut rest).split_at_mut(task.len());
        parts.push(part);
        rest = others;
    }
    parts
}

/// Sum of what the entries of a node bring, all alike.
#[inline]
pub(super) fn gather(rows: &Rows, node: u32, from: &[f64]) -> f64 {
    rows.neighbors(node).iter().fold(0.0, |sum, &neighbor| sum + from[neighbor as usize])
}

/// Sum of what the entries of a node bring, times their weights.
#[inline]
pub(super) fn gather_by<W: Copy>(
    rows: &Rows,
    node: u32,
    weights: &[W],
    value: impl Fn(W) -> f64,
    from: &[f64],
) -> f64 {
    let entries = rows.neighbors(node).iter().zip(&weights[rows.range(node)]);
    entries.fold(0.0, |sum, (&neighbor, &weight)| sum + value(weight) * from[neighbor as usize])
}

/// Sum by halves: the order depends on the number of values alone, and errors grow with its logarithm.
pub(super) fn tree_sum(values: &[f64]) -> f64 {
    match values {
        [] => 0.0,
        [value] => *value,
        _ => {
            let (left, right) = values.split_at(values.len().div_ceil(2));
            tree_sum(left) + tree_sum(right)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_hold_every_node_once_and_little_work_or_one_node() {
        let hub: Vec<(u32, u32, u64)> = (1..100_000).map(|node| (0, node, 1)).collect();
        let rows = Rows::undirected(150_000, &hub);
        let tasks = tasks(&rows);
        assert!(tasks.iter().flat_map(Clone::clone).eq(0..150_000));
        let work = |task: &Range<usize>| rows.offsets()[task.end] - rows.offsets()[task.start] + task.len();
        assert!(tasks.iter().all(|task| work(task) <= WORK_PER_TASK || task.len() == 1));
        let mut values = vec![0_u8; 150_000];
        assert!(split(&mut values, &tasks).iter().zip(&tasks).all(|(part, task)| part.len() == task.len()));
    }
}
