//! Fund tracing: where the money went, under a stated policy, proved to the unit.
//!
//! [`downstream`] follows seeded money forward; `docs/tracing.md` states the rules
//! and works an example by hand. The result is what the rules say, not who is entitled to what.

mod account;
mod books;
pub mod bound;
mod calendar;
mod cursor;
mod downstream;
mod draft;
mod fifo;
mod haircut;
mod history;
mod lot;
mod meter;
mod policy;
mod purse;
mod result;
mod rows;
mod seed;

pub use downstream::downstream;
pub use policy::{Opening, Policy, Ties, TraceOptions};
pub use result::{Flows, Holdings, LedgerRow, Stop, StopRow, Trace};
pub use seed::{Seed, SeedKind};
