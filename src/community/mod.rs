//! Who belongs together.

pub mod beliefs;
pub mod bridges;
pub mod centrality;
pub mod compare;
pub mod components;
pub mod core;
pub mod dense;
mod heap;
pub mod identity;
pub mod label_propagation;
pub mod leiden;
pub mod louvain;
mod oriented;
pub mod partition;
pub mod quality;
mod shape;
pub mod strong;
pub mod triangles;
pub mod truss;

pub use crate::graph::project::Over;
pub use bridges::{Biconnected, Bridges, biconnected_components, bridges};
pub use compare::{Agreement, compare};
pub use components::{Components, ComponentsOptions, components};
pub use core::{
    BipartiteCore, BipartiteLevels, Cores, bipartite_core, bipartite_core_levels, cores, directed_core,
    directed_core_levels, strength_cores,
};
pub use dense::{
    DenseSet, Densest, DensestOptions, Density, FRAUDAR_UNIT, FlowBlock, FlowScopeOptions, FraudBlock,
    FraudarOptions, IncrementalPeeling, MemberFlow, Peeling, Priors, Transfers, densest, flowscope,
    flowscope_timed, fraudar, peeling,
};
pub use label_propagation::{
    Overlapping, PropagationOptions, SHARE_WHOLE, label_propagation, overlapping_communities,
};
pub use leiden::{Communities, HierarchyLevel, LeidenOptions, Objective, follow, leiden, leiden_directed};
pub use louvain::louvain;
pub use partition::Partition;
pub use quality::{
    CommunityMeasures, community_measures, coverage, directed_modularity, modularity, quality,
};
pub use strong::{StrongComponents, strong_components};
pub use triangles::{Clustering, Triangles, clustering, triangles};
pub use truss::trussness;
