//! Rings: groups of accounts with the evidence that ties them.

pub mod identity;

pub use identity::{Evidence, Hub, IdentityRingOptions, IdentityRings, identity_rings};
