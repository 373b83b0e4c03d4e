//! Ingest: rows of foreign formats become columns; the only readers of them.
//!
//! A [`Mapping`] says which column is what. [`read_transactions`] parses the
//! sources in parallel, chunk by chunk, and hands over [`Batch`]es in row order.
//! Every row is accepted, rejected with a reason, or skipped by a rule, and
//! counted in money too.

mod accounts;
pub mod batch;
mod cells;
mod csv;
#[cfg(feature = "arrow")]
mod frame;
mod intern;
mod links;
pub mod mapping;
mod money;
#[cfg(feature = "arrow")]
mod parquet;
mod plan;
pub mod presets;
mod read;
mod refs;
pub mod reject;
mod rows;
mod split;
mod stream;
mod times;

pub use batch::{AccountRows, Batch, LinkRows};
pub use mapping::Mapping;
pub use read::{ReadOptions, ReadReport, Source, read_accounts, read_links, read_transactions};
pub use reject::{Reason, Reject, RejectLog};
