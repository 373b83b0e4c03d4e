//! Peeling of layers that money passes through: what both measures of FlowScope share.

use super::density::Density;
use super::flowscope::MemberFlow;
use crate::community::heap::Heap;
use crate::error::Result;
use crate::graph::project::Rows;
use crate::run::Run;
use std::ops::Range;

/// Nodes of all layers, one layer after another, and the money between neighbouring layers.
pub(super) struct Network {
    /// Where each layer begins, and the end of the last.
    pub begins: Vec<u32>,
    pub out: Rows,
    pub incoming: Rows,
}

/// What money does at a node of a middle layer, of those that are left.
pub(super) trait Matched {
    /// How much of `inflow` and `outflow` of a node is the same money; at most the smaller.
    fn matched(&self, node: u32, inflow: u64, outflow: u64, left: &[bool]) -> u64;
}

impl Network {
    fn nodes(&self, layer: usize) -> Range<u32> {
        self.begins[layer]..self.begins[layer + 1]
    }

    fn num_nodes(&self) -> usize {
        self.out.num_nodes()
    }
}

/// A removal under way.
pub(super) struct Peel<'a, M> {
    network: &'a Network,
    measure: &'a M,
    /// Share of the unmatched that counts against a node, in thousandths.
    alpha: i128,
    left: Vec<bool>,
    inflow: Vec<u64>,
    outflow: Vec<u64>,
    /// For each layer the nodes left.
    sizes: Vec<u64>,
    /// Sum of the values of all middle nodes left.
    value: i128,
    waiting: Heap<i128>,
}

impl<'a, M: Matched> Peel<'a, M> {
    /// Begins with the nodes for which `allowed` holds and that have a tie to such a node.
    pub fn new(network: &'a Network, measure: &'a M, alpha_permille: u32, allowed: &[bool]) -> Self {
        let num_nodes = network.num_nodes();
        let sum = |rows: &Rows, node: u32| -> u64 {
            rows.entries(node).filter(|&(other, _)| allowed[other as usize]).map(|(_, weight)| weight).sum()
        };
        let flow = |rows: &Rows| -> Vec<u64> {
            (0..num_nodes as u32)
                .map(|node| if allowed[node as usize] { sum(rows, node) } else { 0 })
                .collect()
        };
        let (inflow, outflow) = (flow(&network.incoming), flow(&network.out));
        let left: Vec<bool> = (0..num_nodes).map(|node| inflow[node] > 0 || outflow[node] > 0).collect();
        let sizes = (0..network.begins.len() - 1)
            .map(|layer| network.nodes(layer).filter(|&node| left[node as usize]).count() as u64)
            .collect();
        let alpha = alpha_permille.into();
        let waiting = Heap::new(0);
        let mut peel = Peel { network, measure, alpha, left, inflow, outflow, sizes, value: 0, waiting };
        peel.waiting = Heap::of(num_nodes, |node| peel.left[node as usize].then(|| peel.key(node)));
        peel.value = peel.middle().filter_map(|node| peel.waiting.key(node)).sum();
        peel
    }

    fn middle(&self) -> Range<u32> {
        self.network.begins[1]..self.network.begins[self.network.begins.len() - 2]
    }

    /// What a node is worth, in thousandths: of a middle node what is matched less a multiple of what is not; of an end what it sends or gets.
    fn key(&self, node: u32) -> i128 {
        let (inflow, outflow) = (self.inflow[node as usize], self.outflow[node as usize]);
        if !self.middle().contains(&node) {
            return (1_000 + self.alpha) * i128::from(inflow + outflow);
        }
        let passed = self.flow(node).passed;
        (1_000 + self.alpha) * i128::from(passed) - self.alpha * i128::from(inflow.max(outflow))
    }

    /// What money does at a node, of what is left.
    pub fn flow(&self, node: u32) -> MemberFlow {
        let (inflow, outflow) = (self.inflow[node as usize], self.outflow[node as usize]);
        let passed = match self.middle().contains(&node) {
            true => self.measure.matched(node, inflow, outflow, &self.left),
            false => 0,
        };
        MemberFlow { inflow, outflow, passed }
    }

    /// Removes one node after another until a layer is empty; returns the best set passed on the way, of equal ones
    /// the smallest, as a mark for each node; none if no set has a node of each layer.
    pub fn best(mut self, run: &Run) -> Result<Option<(Vec<bool>, Density)>> {
        let mut removed = Vec::new();
        let mut best: Option<(usize, Density)> = None;
        let first = self.left.clone();
        while self.sizes.iter().all(|&size| size > 0) {
            if removed.len().is_multiple_of(super::REMOVALS_PER_CHECK) {
                run.check()?;
                run.advance(super::REMOVALS_PER_CHECK as u64);
            }
            let density = Density { weight: self.value, nodes: self.sizes.iter().sum() };
            if best.is_none_or(|best| density >= best.1) {
                best = Some((removed.len(), density));
            }
            let Some((key, node)) = self.waiting.pop() else { break };
            self.remove(node, key);
            removed.push(node);
        }
        Ok(best.map(|(len, density)| {
            let mut members = first;
            removed[..len].iter().for_each(|&node| members[node as usize] = false);
            (members, density)
        }))
    }

    fn remove(&mut self, node: u32, key: i128) {
        self.left[node as usize] = false;
        let layer = self.network.begins.partition_point(|&begin| begin <= node) - 1;
        self.sizes[layer] -= 1;
        if self.middle().contains(&node) {
            self.value -= key;
        }
        let network = self.network;
        for (other, weight) in network.out.entries(node) {
            if self.left[other as usize] {
                self.inflow[other as usize] -= weight;
                self.value_anew(other);
            }
        }
        for (other, weight) in network.incoming.entries(node) {
            if self.left[other as usize] {
                self.outflow[other as usize] -= weight;
                self.value_anew(other);
            }
        }
    }

    fn value_anew(&mut self, node: u32) {
        let (key, before) = (self.key(node), self.waiting.key(node).unwrap_or(0));
        if key == before {
            return;
        }
        if self.middle().contains(&node) {
            self.value += key - before;
        }
        self.waiting.set(node, key);
    }
}
