//! Rings: claims joined, with members, roles, money and a score whose parts add up.
//!
//! # Score
//! The claims of a ring are counted strongest first. Each adds its bits, times the part of its evidence (payments, or
//! identifiers) that no stronger claim of the ring has shown already, rounded down to a thousandth of a bit; a community adds its
//! bits whole. The sum is the score, and the parts by kind of claim add up to it exactly.
//!
//! # Money
//! By currency, over all payments of members from the first payment that shows the ring to the last: `received` from accounts outside,
//! `paid` to them, moved `inside`, and `traced`, of what payments among members paid. Kept is received less paid.

use super::claim::{Claim, ClaimKind};
use super::gather::{Neighborhoods, Traced};
use super::identity::{Evidence, IdentityRings};
use super::roles::{RingRole, roles};
use crate::error::Result;
use crate::graph::{Graph, View};
use crate::ids::{AccountId, CurrencyId, IdentifierId, TxId};
use crate::patterns::Transfers;
use crate::units::Window;
use std::collections::{BTreeMap, BTreeSet};

/// A claim of a ring, and what it adds to the score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The claim.
    pub claim: Claim,
    /// Thousandths of a bit that it adds.
    pub adds: i64,
}

/// A member of a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingMember {
    /// The account.
    pub account: AccountId,
    /// What it does in the ring's payments; may be empty.
    pub roles: Vec<RingRole>,
    /// How many of the ring's claims it is in.
    pub num_claims: u32,
    /// The community of accounts that it belongs to, where those were looked for.
    pub community: Option<u32>,
}

/// Money of one currency, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingMoney {
    /// From accounts outside.
    pub received: i128,
    /// To accounts outside.
    pub paid: i128,
    /// Among members.
    pub inside: i128,
    /// Of what payments among members paid, the part that traces followed.
    pub traced: i128,
}

/// A ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Why it is one, the strongest reason first.
    pub claims: Vec<Counted>,
    /// Members by account.
    pub members: Vec<RingMember>,
    /// Payments that show it, in time order.
    pub transactions: Vec<TxId>,
    /// Uses of identifiers that show it, by identifier and account.
    pub uses: Vec<Evidence>,
    /// Thousandths of a bit: the sum of what the claims add.
    pub millibits: i64,
    /// First and last moment of the payments that show it, in microseconds since 1970 UTC; without any, of the sightings of its identifiers, where
    /// they are known.
    pub span: Option<(i64, i64)>,
    /// Money by currency.
    pub money: BTreeMap<CurrencyId, RingMoney>,
}

impl Ring {
    /// The parts of the score by kind of claim, in the order of [`ClaimKind`]; they add up to it.
    pub fn parts(&self) -> BTreeMap<ClaimKind, i64> {
        let mut parts = BTreeMap::new();
        for counted in &self.claims {
            *parts.entry(counted.claim.kind).or_default() += counted.adds;
        }
        parts
    }

    /// Whether an account is a member.
    pub fn contains(&self, account: AccountId) -> bool {
        self.members.binary_search_by_key(&account, |member| member.account).is_ok()
    }
}

/// What rings are put together from.
pub(super) struct Material<'a> {
    pub view: &'a View<'a>,
    pub transfers: &'a Transfers,
    /// What identifiers tie, and the ring of each tied account in it.
    pub identity: Option<(&'a IdentityRings, &'a BTreeMap<AccountId, usize>)>,
    pub neighborhoods: Option<&'a Neighborhoods>,
    pub traced: &'a [Traced],
    pub is_hub: &'a (dyn Fn(u32) -> bool + Sync),
}

impl Material<'_> {
    fn graph(&self) -> &Graph {
        self.view.graph()
    }

    /// The ring of `claims`, which come strongest first. Hubs that payments go through are no members; accounts tied by identifiers always are.
    pub(super) fn ring(&self, claims: Vec<Claim>) -> Result<Ring> {
        let claims = count(claims);
        let mut num_claims: BTreeMap<AccountId, u32> = BTreeMap::new();
        // A community says that accounts belong together, not that all of them took part.
        let alone = claims.iter().all(|counted| counted.claim.kind == ClaimKind::Community);
        for Counted { claim, .. } in
            claims.iter().filter(|counted| alone || counted.claim.kind != ClaimKind::Community)
        {
            let is_member =
                |account: &AccountId| claim.kind == ClaimKind::Identity || !(self.is_hub)(account.0);
            claim
                .accounts()
                .filter(is_member)
                .for_each(|account| *num_claims.entry(account).or_default() += 1);
        }
        let transactions: BTreeSet<TxId> =
            claims.iter().flat_map(|counted| counted.claim.transactions.iter().copied()).collect();
        let transactions: Vec<TxId> = transactions.into_iter().collect();
        let uses = self.uses(&claims);
        let rows = transactions.iter().map(|&id| self.graph().transaction(id)).collect::<Result<Vec<_>>>()?;
        let all: Vec<&Claim> = claims.iter().map(|counted| &counted.claim).collect();
        let ends = rows.iter().map(|row| (row.source, row.destination));
        let inside =
            ends.filter(|(payer, payee)| num_claims.contains_key(payer) && num_claims.contains_key(payee));
        let mut role_of = roles(inside, &all, &ties(&uses));
        let members: Vec<RingMember> = num_claims
            .into_iter()
            .map(|(account, num_claims)| RingMember {
                account,
                roles: role_of.remove(&account).unwrap_or_default(),
                num_claims,
                community: self.neighborhoods.and_then(|all| all.of(account)),
            })
            .collect();
        // Identifiers are often years older than what was done with them.
        let seen = uses.iter().filter(|_| rows.is_empty()).flat_map(|one| [one.first, one.last]).flatten();
        let times = rows.iter().map(|row| row.time).chain(seen);
        let span = times.fold(None, |span, time| {
            let (first, last) = span.unwrap_or((time, time));
            Some((time.min(first), time.max(last)))
        });
        let millibits = claims.iter().map(|counted| counted.adds).sum();
        let mut ring = Ring { claims, members, transactions, uses, millibits, span, money: BTreeMap::new() };
        ring.money = self.money(&ring)?;
        Ok(ring)
    }

    /// The uses of identifiers behind identity claims.
    fn uses(&self, claims: &[Counted]) -> Vec<Evidence> {
        let identifiers: BTreeSet<IdentifierId> =
            claims.iter().flat_map(|counted| counted.claim.identifiers.iter().copied()).collect();
        let Some((identity, ring_of)) = self.identity else { return Vec::new() };
        let mut uses: Vec<Evidence> = Vec::new();
        for Counted { claim, .. } in claims.iter().filter(|counted| counted.claim.kind == ClaimKind::Identity)
        {
            // Identity rings have no account in common.
            let ring = ring_of.get(&claim.parties[0].account);
            uses.extend(ring.into_iter().flat_map(|&ring| identity.evidence_of(ring)));
        }
        uses.retain(|one| identifiers.contains(&one.identifier));
        uses.sort_unstable_by_key(|one| (one.identifier, one.account));
        uses
    }

    fn money(&self, ring: &Ring) -> Result<BTreeMap<CurrencyId, RingMoney>> {
        let mut money: BTreeMap<CurrencyId, RingMoney> = BTreeMap::new();
        let Some((first, last)) = ring.span else { return Ok(money) };
        let span = Window { from: first, to: last.saturating_add(1) };
        for member in &ring.members {
            let account = member.account.0;
            for entry in self.within(self.transfers.out(account), span) {
                let row = self.graph().transaction(self.transfers.id(entry.place))?;
                let sums = money.entry(row.paid_currency).or_default();
                let inside = ring.contains(AccountId(entry.neighbor));
                *(if inside { &mut sums.inside } else { &mut sums.paid }) += i128::from(row.paid);
            }
            for entry in self.within(self.transfers.incoming(account), span) {
                if !ring.contains(AccountId(entry.neighbor)) {
                    let row = self.graph().transaction(self.transfers.id(entry.place))?;
                    money.entry(row.received_currency).or_default().received += i128::from(row.received);
                }
            }
        }
        for trace in self.traced {
            let shown = |id: &TxId| trace.payments.binary_search_by_key(id, |payment| payment.0).ok();
            for at in ring.transactions.iter().filter_map(shown) {
                let (id, amount) = trace.payments[at];
                let row = self.graph().transaction(id)?;
                money.entry(row.paid_currency).or_default().traced += i128::from(amount);
            }
        }
        Ok(money)
    }

    /// The entries in a span of time.
    fn within<'e>(
        &self,
        entries: &'e [crate::patterns::Entry],
        span: Window,
    ) -> &'e [crate::patterns::Entry] {
        let begin = entries.partition_point(|entry| self.transfers.time(entry.place) < span.from);
        let len = entries[begin..].partition_point(|entry| self.transfers.time(entry.place) < span.to);
        &entries[begin..begin + len]
    }
}

/// What each claim adds, strongest first.
fn count(claims: Vec<Claim>) -> Vec<Counted> {
    let (mut payments, mut identifiers) = (BTreeSet::new(), BTreeSet::new());
    let one = |claim: Claim| {
        let new_payments = claim.transactions.iter().filter(|&&id| payments.insert(id)).count();
        let new_identifiers = claim.identifiers.iter().filter(|&&id| identifiers.insert(id)).count();
        let all = claim.transactions.len() + claim.identifiers.len();
        let adds = match all {
            0 => claim.millibits,
            all => {
                let part = i128::from(claim.millibits) * (new_payments + new_identifiers) as i128;
                (part / all as i128) as i64
            }
        };
        Counted { claim, adds }
    };
    claims.into_iter().map(one).collect()
}

/// With how many members each account shares an identifier.
fn ties(uses: &[Evidence]) -> BTreeMap<AccountId, usize> {
    let mut tied: BTreeMap<AccountId, BTreeSet<AccountId>> = BTreeMap::new();
    for group in uses.chunk_by(|a, b| a.identifier == b.identifier) {
        for one in group {
            let others = group.iter().map(|other| other.account).filter(|&other| other != one.account);
            tied.entry(one.account).or_default().extend(others);
        }
    }
    tied.into_iter().map(|(account, others)| (account, others.len())).collect()
}
