//! Ingest: rows of foreign formats become columns; the only readers of them.
//!
//! A [`Mapping`](mapping::Mapping) says which column is what. [`read`] parses the
//! sources in parallel, chunk by chunk, and hands over [`Batch`](batch::Batch)es in
//! row order. Every row is accepted, rejected with a reason, or skipped with a
//! reason, and counted in money too.

pub mod batch;
pub mod mapping;
pub mod presets;
pub mod reject;

pub use batch::Batch;
pub use mapping::Mapping;
