//! Dormant, then active: an account that neither pays nor receives for long, and then moves money in short time.
//!
//! The search looks at gaps: two transfers of an account with at least `quiet_us` between them and none in that time. The transfers from the one that
//! ends the gap until `span_us` later are an instance if they are enough.
//!
//! # Cost
//! Time O(k) for an account of k transfers; memory O(k) per thread, and the result.

use super::budget::{Budget, Cut};
use super::instances::{Instance, Role};
use super::search::{Meter, by_account};
use super::settings::{self, at_least};
use super::transfers::{Direction, Transfers};
use super::typology::Typology;
use crate::error::Result;
use crate::run::Run;
use crate::units::time::DAY_US;
use serde::{Deserialize, Serialize};

/// Options of [`Typology::Dormant`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DormantOptions {
    /// Shortest time without any transfer, in microseconds, at least 1.
    #[serde(rename = "quiet_s", with = "settings::seconds")]
    pub quiet_us: i64,
    /// Longest time from the first transfer after it to the last that counts, in microseconds, at least 1.
    #[serde(rename = "span_s", with = "settings::seconds")]
    pub span_us: i64,
    /// Fewest transfers in that time, at least 1.
    pub payments_min: u32,
    /// Least amount of a transfer that counts among them, in minor units (with rates in units of value), at least 0; smaller ones still end the quiet.
    pub amount_min: i64,
    /// How much may be done.
    #[serde(flatten)]
    pub budget: Budget,
}

impl Default for DormantOptions {
    fn default() -> Self {
        Self {
            quiet_us: 90 * DAY_US,
            span_us: 5 * DAY_US,
            payments_min: 5,
            amount_min: 0,
            budget: Budget::default(),
        }
    }
}

impl DormantOptions {
    pub(super) fn check(&self) -> Result<()> {
        at_least("quiet_s", self.quiet_us, 1, "more than 0")?;
        at_least("span_s", self.span_us, 1, "more than 0")?;
        at_least("payments_min", self.payments_min.into(), 1, "at least 1")?;
        at_least("amount_min", self.amount_min, 0, "at least 0")?;
        self.budget.check()
    }
}

/// The instances of every account.
pub(super) fn dormant(
    transfers: &Transfers,
    options: &DormantOptions,
    run: &Run,
) -> Result<(Vec<Instance>, Cut)> {
    let name = Typology::Dormant.name();
    by_account(transfers, Direction::In, &options.budget, run, name, || {
        // Place, other account, direction.
        let mut all: Vec<(u32, u32, Direction)> = Vec::new();
        move |account, meter: &mut Meter, found: &mut Vec<Instance>| {
            let sides = [Direction::In, Direction::Out]
                .map(|direction| (direction, transfers.side(direction, account)));
            let len = sides[0].1.len() + sides[1].1.len();
            if len <= options.payments_min as usize || !meter.spend(len as u64) {
                return;
            }
            all.clear();
            for (direction, entries) in sides {
                all.extend(entries.iter().map(|entry| (entry.place, entry.neighbor, direction)));
            }
            all.sort_unstable_by_key(|&(place, ..)| place);
            let time = |at: usize| transfers.time(all[at].0);
            for at in (1..all.len()).filter(|&at| time(at) - time(at - 1) >= options.quiet_us) {
                let until = time(at).saturating_add(options.span_us);
                let end = at + all[at..].partition_point(|&(place, ..)| transfers.time(place) <= until);
                if !meter.passes(end - at) {
                    continue;
                }
                let counts = |&&(place, _, direction): &&(u32, u32, Direction)| {
                    transfers.amount(direction, place).amount >= options.amount_min
                };
                let active = || all[at..end].iter().filter(counts);
                if active().count() < options.payments_min as usize {
                    continue;
                }
                let others = active().map(|&(_, other, direction)| match direction {
                    Direction::In => (0, other, Role::Source),
                    Direction::Out => (2, other, Role::Sink),
                });
                let members = others.chain([(1, account, Role::Middle)]);
                let places = active().map(|&(place, ..)| place);
                found.push(Instance::new(transfers, Typology::Dormant, members, places));
            }
        }
    })
}
