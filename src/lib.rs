//! Ringfence finds fraud rings and follows money in account, device and transaction graphs.
#![allow(clippy::todo)]

pub mod community;
pub mod error;
pub mod graph;
pub mod ids;
#[allow(missing_docs)]
pub mod ingest;
pub mod random;
pub mod report;
pub mod rings;
pub mod run;
pub mod store;
pub mod synth;
pub mod trace;
pub mod units;

pub use error::{Error, Result};
pub use run::Run;
