//! Dense blocks: sets with far more inside them than their size explains.
//!
//! The density of a set is what lies inside it, divided by its number of nodes. One file per question:
//! [`peeling()`] and [`densest`] for the densest set of a weighted graph, [`fraudar()`] for senders and receivers where
//! fraudsters hide among the popular, [`flowscope()`] and [`flowscope_timed`] for money that passes through, and
//! [`IncrementalPeeling`] for a graph that grows.
//!
//! All of them peel: they remove the node that adds least, again and again, and keep the best of the sets passed on
//! the way. Priorities are whole numbers and ties go to the smaller node, so that a sequence is a function of the graph.

mod density;
mod flow;
mod flowscope;
mod fraudar;
mod incremental;
mod iterated;
mod peeling;

pub use density::Density;
pub use flowscope::{FlowBlock, FlowScopeOptions, MemberFlow, Transfers, flowscope, flowscope_timed};
pub use fraudar::{FRAUDAR_UNIT, FraudBlock, FraudarOptions, Priors, fraudar};
pub use incremental::IncrementalPeeling;
pub use iterated::{Densest, DensestOptions, densest};
pub use peeling::{DenseSet, Peeling, peeling};

/// Removals between two looks at whether the run was cancelled.
const REMOVALS_PER_CHECK: usize = 1 << 12;
