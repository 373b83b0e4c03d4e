//! Bounds on traced money that do not depend on a policy.
//!
//! [`max_traceable`] says how much of a seed's money can have reached an account at most, whatever rule
//! decides which money leaves a pool first, and which transactions cap it. [`widest`] and [`widest_paths`] say by which
//! single ways most of it can have come.

mod between;
mod flow;
mod maximum;
mod network;
mod options;
mod paths;
mod result;
mod statements;
mod walk;
mod widest;

pub use maximum::{max_traceable, max_traceable_many};
pub use options::BoundOptions;
pub use paths::{WidestPaths, widest_paths};
pub use result::{Bound, CutRow, Journeys, Step};
pub use widest::{Widest, widest};
