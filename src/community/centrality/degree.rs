//! Degree and strength: how many neighbours a node has, and how much all of its edges weigh.
//!
//! # Cost
//! Time O(n + m), memory 12 bytes per node.
//!
//! # Choices
//! A directed graph has two answers: out degrees from its out rows, in degrees from its in rows.

use crate::error::Result;
use crate::graph::project::Rows;
use crate::run::Run;
use rayon::prelude::*;

/// Degrees and strengths of one side of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Degrees {
    /// For each node its number of neighbours.
    pub degree: Vec<u32>,
    /// For each node the sum of the weights of its entries.
    pub strength: Vec<u64>,
}

impl Degrees {
    /// For each node the share of all other nodes that are neighbours; 0 for a node alone.
    pub fn centrality(&self) -> Vec<f64> {
        let others = self.degree.len().saturating_sub(1).max(1) as f64;
        self.degree.iter().map(|&degree| f64::from(degree) / others).collect()
    }
}

/// Degree and strength of every node.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled).
///
/// # Examples
/// ```
/// use ringfence::community::centrality::degrees;
/// use ringfence::graph::project::Rows;
/// let out = Rows::directed(3, &[(0, 1, 5), (0, 2, 1), (2, 1, 7)]);
/// let run = ringfence::Run::new();
/// assert_eq!(degrees(&out, &run)?.degree, [2, 0, 1]);
/// assert_eq!(degrees(&out.transposed(3), &run)?.strength, [0, 12, 1]);
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn degrees(rows: &Rows, run: &Run) -> Result<Degrees> {
    run.stage("degrees", rows.num_nodes() as u64);
    run.check()?;
    let nodes = 0..rows.num_nodes() as u32;
    run.install(|| {
        let degree = nodes.clone().into_par_iter().map(|node| rows.degree(node) as u32).collect();
        run.check()?;
        let strength = nodes.into_par_iter().map(|node| rows.strength(node)).collect();
        run.advance(rows.num_nodes() as u64);
        Ok(Degrees { degree, strength })
    })
}
