//! Who belongs together.

pub mod beliefs;
pub mod bridges;
pub mod centrality;
pub mod components;
pub mod core;
mod heap;
mod oriented;
mod shape;
pub mod strong;
pub mod triangles;
pub mod truss;

pub use bridges::{Biconnected, Bridges, biconnected_components, bridges};
pub use components::{Components, ComponentsOptions, Over, components};
pub use core::{
    BipartiteCore, BipartiteLevels, Cores, bipartite_core, bipartite_core_levels, cores, directed_core,
    directed_core_levels, strength_cores,
};
pub use strong::{StrongComponents, strong_components};
pub use triangles::{Clustering, Triangles, clustering, triangles};
pub use truss::trussness;
