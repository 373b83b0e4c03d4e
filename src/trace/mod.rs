//! Fund tracing: where the money went, under a stated policy, proved to the unit.
//!
//! [`downstream`] follows seeded money forward; `docs/tracing.md` states the rules
//! and works an example by hand. The result is what the rules say, not who is entitled to what.

mod account;
pub mod balances;
mod books;
pub mod bound;
mod compare;
mod cone;
mod downstream;
mod exposure;
mod freeze;
mod origins;
mod paths;
mod poison;
mod policy;
mod pool;
pub mod rank;
mod reach;
mod replay;
mod result;
mod seed;
mod source;
mod upstream;
mod walk;

pub use crate::graph::rates::{Rate, Rates};
pub use crate::units::Ties;
pub use balances::{Balance, Balances};
pub use compare::{Envelope, compare, envelope};
pub use downstream::downstream;
pub use exposure::{
    ExposedAccounts, ExposedAmounts, Exposure, ExposureBooks, ExposureOptions, Role, exposure,
};
pub use freeze::{Delay, FreezeOptions, FreezePlan, Holder, Later, Share, freeze_plan};
pub use paths::{Paths, PathsOptions, paths};
pub use poison::{Contacts, poison};
pub use policy::{Opening, Policy, Pooling, TraceOptions};
pub use reach::{ReachOptions, Reached, reach};
pub use result::{Entry, Exit, Flows, Holdings, LedgerRow, Sinks, Stop, StopRow, Trace};
pub use seed::{Seed, SeedKind};
pub use source::Source;
pub use upstream::{Origins, Target, Upstream, UpstreamOptions, upstream};
