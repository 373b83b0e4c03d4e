//! Roles: what accounts do in the payments that show a ring.
//!
//! By the ring's evidence alone, payments of an account to itself aside:
//! * **collector**: receives from at least three members;
//! * **controller**: pays at least three members and receives from none, or stands first in a cycle, or shares identifiers with
//!   at least two members of which it collects;
//! * **victim**: pays members, fewer than three, receives from none, and shares no identifier with any;
//! * **layer**: receives from members that received before and pays members that pay on: it stands in the middle of a chain;
//! * **mule**: receives from members and pays members, and is no layer;
//! * **cash-out**: receives from members and pays none: there the money leaves what is seen.
//!
//! An account can have several. Where no payment shows the ring, as with shared identifiers alone, accounts have no role.
//! The names say what the payments look like, not what anybody intended.

use super::claim::{Claim, ClaimKind};
use crate::ids::AccountId;
use crate::patterns::Typology;
use std::collections::{BTreeMap, BTreeSet};

/// What an account does in a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RingRole {
    /// Money enters the ring from it.
    Victim,
    /// Receives from many.
    Collector,
    /// Begins, or directs.
    Controller,
    /// Stands in the middle of a chain.
    Layer,
    /// Passes money on.
    Mule,
    /// Where the money ends or leaves.
    CashOut,
}

impl RingRole {
    /// All of them, in the order in which reports list members.
    pub const ALL: [RingRole; 6] = [
        RingRole::Controller,
        RingRole::Collector,
        RingRole::Mule,
        RingRole::Layer,
        RingRole::CashOut,
        RingRole::Victim,
    ];

    /// The name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            RingRole::Victim => "victim",
            RingRole::Collector => "collector",
            RingRole::Controller => "controller",
            RingRole::Layer => "layer",
            RingRole::Mule => "mule",
            RingRole::CashOut => "cash-out",
        }
    }
}

/// Fewest members that make a payer a controller and a payee a collector.
const MANY: usize = 3;

/// The roles of accounts that pay each other along `payments` (payer, payee); `tied` says how many members an account shares identifiers with.
pub(super) fn roles(
    payments: impl Iterator<Item = (AccountId, AccountId)>,
    claims: &[&Claim],
    tied: &BTreeMap<AccountId, usize>,
) -> BTreeMap<AccountId, Vec<RingRole>> {
    let (mut payers, mut payees) =
        (BTreeMap::<_, BTreeSet<AccountId>>::new(), BTreeMap::<_, BTreeSet<AccountId>>::new());
    for (payer, payee) in payments.filter(|(payer, payee)| payer != payee) {
        payers.entry(payee).or_default().insert(payer);
        payees.entry(payer).or_default().insert(payee);
    }
    let begins_a_cycle: BTreeSet<AccountId> = claims
        .iter()
        .filter(|claim| matches!(claim.kind, ClaimKind::Typology(Typology::Cycle | Typology::RoundTrip)))
        .flat_map(|claim| claim.parties.iter().filter(|party| party.stage == 0).map(|party| party.account))
        .collect();
    let paid_by = |account: &AccountId| payers.get(account).map_or(0, BTreeSet::len);
    let pays = |account: &AccountId| payees.get(account).map_or(0, BTreeSet::len);
    let all: BTreeSet<AccountId> = payers.keys().chain(payees.keys()).copied().collect();
    let of = |account: &AccountId| {
        let (incoming, out) = (paid_by(account), pays(account));
        let ties = tied.get(account).copied().unwrap_or(0);
        let chained = || {
            payers[account].iter().any(|payer| paid_by(payer) > 0)
                && payees[account].iter().any(|payee| pays(payee) > 0)
        };
        let is = |role: &RingRole| match role {
            RingRole::Collector => incoming >= MANY,
            RingRole::Controller => {
                (incoming == 0 && out >= MANY)
                    || begins_a_cycle.contains(account)
                    || (incoming >= MANY && ties >= 2)
            }
            RingRole::Victim => incoming == 0 && out < MANY && ties == 0,
            RingRole::Layer => incoming > 0 && out > 0 && chained(),
            RingRole::Mule => incoming > 0 && out > 0 && !chained(),
            RingRole::CashOut => incoming > 0 && out == 0,
        };
        RingRole::ALL.into_iter().filter(is).collect()
    };
    all.iter().map(|account| (*account, of(account))).collect()
}
