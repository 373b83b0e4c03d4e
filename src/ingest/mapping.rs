//! The mapping: which column is what, in TOML.

/// How to read a source; see `docs/mapping.md`.
#[derive(Clone, Debug)]
pub struct Mapping {}
