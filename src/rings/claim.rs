//! Claims: one reason each to hold some accounts for a ring, with the evidence for it.

use crate::ids::{AccountId, IdentifierId, TxId};
use crate::patterns::{Instance, Role, Typology};

/// What a claim rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClaimKind {
    /// Identifiers that accounts share.
    Identity,
    /// A shape that money took.
    Typology(Typology),
    /// Money followed from known seeds.
    Trace,
    /// A group that keeps its money to itself.
    Community,
}

impl ClaimKind {
    /// The name in options, files and reports.
    pub fn name(self) -> &'static str {
        match self {
            ClaimKind::Identity => "identity",
            ClaimKind::Typology(typology) => typology.name(),
            ClaimKind::Trace => "trace",
            ClaimKind::Community => "community",
        }
    }

    /// The names of all kinds, in order.
    pub fn names() -> Vec<&'static str> {
        let typologies = Typology::ALL.map(ClaimKind::Typology);
        let kinds = [ClaimKind::Identity].into_iter().chain(typologies);
        kinds.chain([ClaimKind::Trace, ClaimKind::Community]).map(ClaimKind::name).collect()
    }
}

/// An account in a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Party {
    /// The account.
    pub account: AccountId,
    /// Where it stands in the order of payments, from 0; 0 where there is no order.
    pub stage: u32,
    /// What it does in a shape, or in a trace; none for shared identifiers and communities.
    pub role: Option<Role>,
}

/// One reason to hold accounts for a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What it rests on.
    pub kind: ClaimKind,
    /// The accounts, ascending, none twice.
    pub parties: Vec<Party>,
    /// Payments that show it, ascending, none twice; none for identifiers and communities.
    pub transactions: Vec<TxId>,
    /// Identifiers that show it, ascending, none twice; none for anything but shared identifiers.
    pub identifiers: Vec<IdentifierId>,
    /// How unlikely it is by chance, in thousandths of a bit.
    pub millibits: i64,
}

impl Claim {
    /// The claim of an instance of a typology.
    pub(super) fn of_instance(instance: Instance) -> Self {
        let mut parties: Vec<Party> = instance
            .members
            .iter()
            .map(|member| Party { account: member.account, stage: member.stage, role: Some(member.role) })
            .collect();
        parties.sort_unstable();
        Self {
            kind: ClaimKind::Typology(instance.typology),
            parties,
            transactions: instance.transactions,
            identifiers: Vec::new(),
            millibits: instance.score.total(),
        }
    }

    /// The accounts, ascending.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = AccountId> + '_ {
        self.parties.iter().map(|party| party.account)
    }

    /// The strongest first; of equally strong ones by kind, then by what comes first in the ledger.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        let key = |claim: &Self| (std::cmp::Reverse(claim.millibits), claim.kind);
        key(self).cmp(&key(other)).then_with(|| {
            (&self.transactions, &self.identifiers, &self.parties).cmp(&(
                &other.transactions,
                &other.identifiers,
                &other.parties,
            ))
        })
    }
}
