//! Money with owners: lots, pools by policy, and what one payment takes.

pub(super) mod draft;
pub(super) mod haircut;
pub(super) mod lot;
pub(super) mod parts;
pub(super) mod purse;
pub(super) mod queue;
pub(super) mod sorted;
