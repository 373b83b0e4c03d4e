//! Who belongs together.

pub mod components;
pub mod leiden;
pub mod louvain;
pub mod partition;

pub use components::{Components, ComponentsOptions, Over, components};
pub use leiden::{Communities, HierarchyLevel, LeidenOptions, Objective, follow, leiden, leiden_directed};
pub use louvain::louvain;
pub use partition::Partition;
