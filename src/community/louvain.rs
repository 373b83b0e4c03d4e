//! Louvain: communities found by moving nodes and aggregating; faster than Leiden, and communities may be disconnected.
//!
//! # Method
//! As [`leiden`](mod@crate::community::leiden), with the same objectives and schedule, but whole communities become the
//! nodes of the next level, without refinement. A node that held a community together may leave it, so that a community
//! can fall apart without being seen to: the result counts such communities, and splits them if asked to.
//!
//! # Cost
//! O(m) per sweep; about half the time of Leiden.
//!
//! # Source
//! Blondel, Guillaume, Lambiotte, Lefebvre: Fast unfolding of communities in large networks, J. Stat. Mech., 2008.

use super::leiden::{Communities, LeidenOptions, Method, check, undirected};
use crate::error::Result;
use crate::graph::project::Rows;
use crate::run::Run;

/// Communities of the undirected graph `graph` by the Louvain method.
///
/// `num_disconnected` of the result says how many communities were disconnected; with `split` they were split into
/// their connected parts, which never makes the objective smaller. The result is the same for any number of threads.
///
/// # Errors
/// As [`leiden`](crate::community::leiden()).
pub fn louvain(graph: &Rows, options: &LeidenOptions, split: bool, run: &Run) -> Result<Communities> {
    check(options, graph.num_nodes())?;
    run.install(|| undirected(graph, options, Method::Louvain { split }, run))
}
