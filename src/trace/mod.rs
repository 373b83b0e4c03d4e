//! Fund tracing: where the money went, under a stated policy, proved to the unit.
//!
//! [`downstream`] follows seeded money forward; `docs/tracing.md` states the rules
//! and works an example by hand. The result is what the rules say, not who is entitled to what.

mod account;
mod books;
mod calendar;
mod chunk;
mod cursor;
mod downstream;
mod draft;
mod exposure;
mod fifo;
mod haircut;
mod history;
mod lot;
mod marks;
mod meter;
mod poison;
mod policy;
mod purse;
mod reach;
mod result;
mod rows;
mod seed;
mod source;

pub use downstream::downstream;
pub use exposure::{
    ExposedAccounts, ExposedAmounts, Exposure, ExposureBooks, ExposureOptions, Role, exposure,
};
pub use poison::{Contacts, poison};
pub use policy::{Opening, Policy, Ties, TraceOptions};
pub use reach::{ReachOptions, Reached, reach};
pub use result::{Flows, Holdings, LedgerRow, Stop, StopRow, Trace};
pub use seed::{Seed, SeedKind};
pub use source::Source;
