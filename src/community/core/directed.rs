//! Directed cores: each member is paid by enough members and pays enough members.
//!
//! The (k, l)-core is the largest set of nodes in which each has at least k in-neighbours and at least l
//! out-neighbours inside the set; also called D-core.
//!
//! # Method
//! Whoever lacks either goes, and takes one from its neighbours on both sides, until nobody lacks anything. For all l
//! at one k, the removal for l + 1 goes on from what the removal for l left.
//!
//! # Cost
//! Time O(n + m), for one pair and for all l at one k alike; sequential. Memory 17 bytes per node.
//!
//! # Source
//! Giatsidis, Thilikos, Vazirgiannis: D-cores: measuring collaboration of directed graphs based on degeneracy, ICDM
//! 2011.

use super::count;
use crate::community::shape::transposes;
use crate::error::Result;
use crate::graph::project::Rows;
use crate::ids::NONE;
use crate::run::Run;

/// The nodes of the largest set in which each has at least `in_min` in-neighbours and `out_min` out-neighbours, ascending.
///
/// `out` holds the rows of the edges from each node, `incoming` those to each node; weights do not count.
///
/// # Errors
/// [`Error::Input`](crate::Error::Input) if the two cannot be the rows of one graph; [`Error::Cancelled`](crate::Error::Cancelled).
pub fn directed_core(out: &Rows, incoming: &Rows, in_min: u32, out_min: u32, run: &Run) -> Result<Vec<u32>> {
    let mut peel = Peel::new("directed core", out, incoming, in_min, run)?;
    peel.raise(out_min, run)?;
    Ok(peel.alive)
}

/// For each node the largest l such that the (`in_min`, l)-core holds it; [`NONE`] if no such core does, not even l = 0.
///
/// # Errors
/// As [`directed_core`].
pub fn directed_core_levels(out: &Rows, incoming: &Rows, in_min: u32, run: &Run) -> Result<Vec<u32>> {
    let mut peel = Peel::new("directed core levels", out, incoming, in_min, run)?;
    peel.raise(0, run)?;
    let mut levels = vec![NONE; out.num_nodes()];
    while let Some(level) = peel.alive.iter().map(|&node| peel.pays[node as usize]).min() {
        peel.alive.iter().for_each(|&node| levels[node as usize] = level);
        peel.raise(level + 1, run)?;
    }
    Ok(levels)
}

/// A removal under way.
struct Peel<'a> {
    out: &'a Rows,
    incoming: &'a Rows,
    in_min: u32,
    /// For each node the out-neighbours that are left.
    pays: Vec<u32>,
    /// For each node the in-neighbours that are left.
    paid: Vec<u32>,
    gone: Vec<bool>,
    /// Who is left, ascending.
    alive: Vec<u32>,
    removed: u64,
}

impl<'a> Peel<'a> {
    fn new(what: &'static str, out: &'a Rows, incoming: &'a Rows, in_min: u32, run: &Run) -> Result<Self> {
        transposes(what, out, incoming, out.num_nodes())?;
        let nodes = 0..out.num_nodes() as u32;
        run.stage(what, nodes.len() as u64);
        Ok(Peel {
            out,
            incoming,
            in_min,
            pays: nodes.clone().map(|node| out.degree(node) as u32).collect(),
            paid: nodes.clone().map(|node| incoming.degree(node) as u32).collect(),
            gone: vec![false; nodes.len()],
            alive: nodes.collect(),
            removed: 0,
        })
    }

    /// Removes until everyone left has at least `in_min` in-neighbours and `out_min` out-neighbours.
    fn raise(&mut self, out_min: u32, run: &Run) -> Result<()> {
        let lacks = |paid: &[u32], pays: &[u32], node: u32| {
            paid[node as usize] < self.in_min || pays[node as usize] < out_min
        };
        let mut leaving: Vec<u32> =
            self.alive.iter().copied().filter(|&node| lacks(&self.paid, &self.pays, node)).collect();
        leaving.iter().for_each(|&node| self.gone[node as usize] = true);
        while let Some(node) = leaving.pop() {
            for &payee in self.out.neighbors(node) {
                self.paid[payee as usize] -= 1;
                if !self.gone[payee as usize] && self.paid[payee as usize] < self.in_min {
                    self.gone[payee as usize] = true;
                    leaving.push(payee);
                }
            }
            for &payer in self.incoming.neighbors(node) {
                self.pays[payer as usize] -= 1;
                if !self.gone[payer as usize] && self.pays[payer as usize] < out_min {
                    self.gone[payer as usize] = true;
                    leaving.push(payer);
                }
            }
            count(&mut self.removed, run)?;
        }
        self.alive.retain(|&node| !self.gone[node as usize]);
        Ok(())
    }
}
