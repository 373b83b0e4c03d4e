//! Bipartite cores: accounts with enough of the identifiers that enough of these accounts have.
//!
//! The (α, β)-core of a bipartite graph is the largest pair of sets, some of the left nodes and some of the right, in
//! which each left node has at least α neighbours and each right node at least β.
//!
//! # Method
//! Whoever has too few goes and takes one from its neighbours, until nobody has. For all β at one α, the removal for
//! β + 1 goes on from what the removal for β left.
//!
//! # Cost
//! Time O(n + m), for one pair and for all β at one α alike; sequential. Memory 9 bytes per node.
//!
//! # Source
//! Ding, Li, Zhang, Yu: Efficient fault-tolerant group recommendation using alpha-beta-core, CIKM 2017. Liu, Yuan, Lin,
//! Qin, Zhang, Zhou: Efficient (α, β)-core computation in bipartite graphs, VLDB Journal 29, 2020.

use super::count;
use crate::community::shape::transposes;
use crate::error::{Error, Result};
use crate::graph::project::Rows;
use crate::ids::NONE;
use crate::run::Run;

/// The two sides of a core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BipartiteCore {
    /// Left nodes, ascending.
    pub left: Vec<u32>,
    /// Right nodes, ascending.
    pub right: Vec<u32>,
}

/// For one α the largest β whose core holds a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BipartiteLevels {
    /// For each left node the largest β; [`NONE`] if it has fewer than α neighbours even where every right node counts.
    pub left: Vec<u32>,
    /// For each right node the largest β; 0 if no neighbour of it has enough.
    pub right: Vec<u32>,
}

/// The nodes of the largest pair of sets in which each left node has at least `left_min` neighbours and each right
/// node at least `right_min`.
///
/// `left` holds the rows of the left nodes, `right` those of the right nodes; weights do not count.
///
/// # Errors
/// [`Error::Input`](crate::Error::Input) if the two cannot be the rows of one graph; [`Error::Cancelled`](crate::Error::Cancelled).
pub fn bipartite_core(
    left: &Rows,
    right: &Rows,
    left_min: u32,
    right_min: u32,
    run: &Run,
) -> Result<BipartiteCore> {
    let mut peel = Peel::new("bipartite core", left, right, left_min, run)?;
    peel.raise(right_min, run)?;
    let [left, right] = peel.sides.map(|side| side.alive);
    Ok(BipartiteCore { left, right })
}

/// For each node the largest β such that the (`left_min`, β)-core holds it.
///
/// # Errors
/// As [`bipartite_core`]; [`Error::Option`] for a `left_min` of 0, at which left nodes are in every core.
pub fn bipartite_core_levels(left: &Rows, right: &Rows, left_min: u32, run: &Run) -> Result<BipartiteLevels> {
    if left_min == 0 {
        return Err(Error::Option { name: "left_min", value: "0".into(), allowed: "at least 1" });
    }
    let mut peel = Peel::new("bipartite core levels", left, right, left_min, run)?;
    peel.raise(0, run)?;
    let mut levels = [vec![NONE; left.num_nodes()], vec![0; right.num_nodes()]];
    while let Some(level) = peel.sides[1].alive.iter().map(|&node| peel.sides[1].ties[node as usize]).min() {
        for (levels, side) in levels.iter_mut().zip(&peel.sides) {
            side.alive.iter().for_each(|&node| levels[node as usize] = level);
        }
        peel.raise(level + 1, run)?;
    }
    let [left, right] = levels;
    Ok(BipartiteLevels { left, right })
}

/// One side of a removal under way.
struct Side<'a> {
    rows: &'a Rows,
    /// Neighbours that are left.
    ties: Vec<u32>,
    gone: Vec<bool>,
    /// Who is left, ascending.
    alive: Vec<u32>,
    ties_min: u32,
}

/// A removal under way: left, right.
struct Peel<'a> {
    sides: [Side<'a>; 2],
    removed: u64,
}

impl<'a> Peel<'a> {
    fn new(what: &'static str, left: &'a Rows, right: &'a Rows, left_min: u32, run: &Run) -> Result<Self> {
        transposes(what, left, right, right.num_nodes())?;
        run.stage(what, (left.num_nodes() + right.num_nodes()) as u64);
        let side = |rows: &'a Rows, ties_min| {
            let nodes = 0..rows.num_nodes() as u32;
            let ties = nodes.clone().map(|node| rows.degree(node) as u32).collect();
            Side { rows, ties, gone: vec![false; nodes.len()], alive: nodes.collect(), ties_min }
        };
        Ok(Peel { sides: [side(left, left_min), side(right, 0)], removed: 0 })
    }

    /// Removes until everyone left has enough, right nodes `right_min`.
    fn raise(&mut self, right_min: u32, run: &Run) -> Result<()> {
        self.sides[1].ties_min = right_min;
        let mut leaving: Vec<(usize, u32)> = Vec::new();
        for (index, side) in self.sides.iter_mut().enumerate() {
            for &node in side.alive.iter().filter(|&&node| side.ties[node as usize] < side.ties_min) {
                side.gone[node as usize] = true;
                leaving.push((index, node));
            }
        }
        while let Some((index, node)) = leaving.pop() {
            let rows = self.sides[index].rows;
            let other = &mut self.sides[1 - index];
            for &neighbor in rows.neighbors(node) {
                let ties = &mut other.ties[neighbor as usize];
                *ties -= 1;
                if *ties < other.ties_min && !other.gone[neighbor as usize] {
                    other.gone[neighbor as usize] = true;
                    leaving.push((1 - index, neighbor));
                }
            }
            count(&mut self.removed, run)?;
        }
        for side in &mut self.sides {
            side.alive.retain(|&node| !side.gone[node as usize]);
        }
        Ok(())
    }
}
