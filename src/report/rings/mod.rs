//! Rings as tables and as directories: found, read back, and compared from one run to the next.

mod diff;
mod identity;
mod read;
mod tables;

pub use diff::ring_changes;
pub(in crate::report) use identity::kind_name;
pub use identity::{Identifiers, RingTables, ring_tables, write_rings};
pub use read::{RingPlace, read_ring, ring_accounts};
pub use tables::{NamedRings, RingQuestion, ring_report};
