//! Bounds on traced money that do not depend on a policy.
//!
//! [`max_traceable`] says how much of a seed's money can have reached an account at most, whatever rule
//! decides which money leaves a pool first, and which transactions cap it.

mod between;
mod flow;
mod maximum;
mod network;
mod options;
mod result;
mod walk;

pub use maximum::{max_traceable, max_traceable_many};
pub use options::BoundOptions;
pub use result::{Bound, CutRow, Journeys, Step};
