//! How much a search may do, and what it left undone.

use super::settings;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Bounds of a search. Each is a number of deterministic steps: the same graph and options are cut at the same place on any
/// machine, with any number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Most results, at least 1. Of instances those with the highest scores stay; of cycles, which can be more than anybody could hold, the first
    /// in the order of accounts that close them, and the search ends there.
    pub results_max: u64,
    /// Most transfers looked at for one anchor (the account or payment that a search starts from), at least 1.
    pub anchor_work_max: u64,
    /// Most transfers looked at in all, at least 1. Some 32 blocks of anchors are searched at a time and know nothing of each other, so that this many
    /// can be exceeded 32 times over, and by no more.
    pub work_max: u64,
    /// Most transfers of an account within one window for a path to go on through it, at least 1: a payroll or a
    /// processor joins everybody with everybody.
    pub hub_max: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { results_max: 100_000, anchor_work_max: 1 << 20, work_max: 1 << 36, hub_max: 1_000 }
    }
}

impl Budget {
    /// No bound at all, for small graphs and for counting.
    pub const UNBOUNDED: Self =
        Self { results_max: u64::MAX, anchor_work_max: u64::MAX, work_max: u64::MAX, hub_max: u32::MAX };

    /// The same budget but for the bounds that are named.
    ///
    /// # Errors
    /// [`Error::Input`] for a name that is no bound, with the nearest, and for a value that cannot be one.
    pub fn with(&self, changes: &Map<String, Value>) -> Result<Self> {
        settings::changed(self, changes)
    }

    pub(super) fn check(&self) -> Result<()> {
        let bounds = [
            ("results_max", self.results_max),
            ("anchor_work_max", self.anchor_work_max),
            ("work_max", self.work_max),
            ("hub_max", u64::from(self.hub_max)),
        ];
        match bounds.into_iter().find(|&(_, value)| value == 0) {
            None => Ok(()),
            Some((name, value)) => {
                Err(Error::Option { name, value: value.to_string(), allowed: "at least 1" })
            }
        }
    }
}

/// What a search left undone. All zero: every instance was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Anchors whose search ended at [`Budget::anchor_work_max`].
    pub anchors_cut: u64,
    /// Accounts that were not searched from, or not to the end, because [`Budget::results_max`] or [`Budget::work_max`] was reached.
    pub accounts_left: u64,
    /// Results found beside those, and dropped over [`Budget::results_max`].
    pub results_dropped: u64,
    /// How often a path ended at an account with more than [`Budget::hub_max`] transfers in the window.
    pub hubs_passed_over: u64,
}

impl Cut {
    /// Whether anything was left undone.
    pub fn truncated(&self) -> bool {
        *self != Self::default()
    }

    /// Adds what another search left undone.
    pub fn add(&mut self, other: &Cut) {
        self.anchors_cut += other.anchors_cut;
        self.accounts_left += other.accounts_left;
        self.results_dropped += other.results_dropped;
        self.hubs_passed_over += other.hubs_passed_over;
    }
}
