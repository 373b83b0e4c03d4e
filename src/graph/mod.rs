//! The graph: accounts, transactions in time order, identifiers; windows and neighbourhoods.
//!
//! One graph type, one id type, one view. A [`Graph`] is an opened store; a
//! [`View`] restricts it to a window and a set of accounts without copying, and
//! yields time-ordered slices, one per segment.

pub mod attributes;
pub mod build;
pub mod drill;
#[allow(clippy::module_inception)] // One type a file, and the file named after it.
pub mod graph;
pub mod links;
pub mod petgraph_traits;
pub mod project;
pub mod rates;
pub mod subgraph;
pub mod sweep;
pub mod view;

pub use graph::{Graph, Transaction};
pub use view::{Slice, View};
