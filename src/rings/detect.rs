//! Rings of a view: claims gathered, joined by one rule, counted, ranked.
//!
//! # Method
//! Claims come from identifiers that accounts share, from the best instances of typologies, from traces and from closed communities
//! (`gather`). **Habits** are set aside: claims of typologies of which at least half of the pairs of accounts also pay each other, in the same
//! direction, before or after: salaries, rents, regular customers. Hubs are kept out: an account with more than `hub_max` counterparties, or one that is known to be a hub, joins nothing and is no member, and a
//! claim of which half the payments touch one is set aside; each is listed with the number of claims it would have been in. What is
//! left is joined (`join`) and put together (`ring`). Rings come by score, the highest first; of equal ones the one whose evidence
//! begins first, then the one with the smallest account.
//!
//! # Cost
//! That of the searches, of communities where asked for, and of the claims.

use super::claim::{Claim, ClaimKind};
use super::gather::{Traced, communities, identity, traces, typologies};
use super::identity::{Hub, IdentityRingOptions};
use super::join::{Rule, join};
use super::ring::{Material, Ring};
use crate::error::{Error, Result};
use crate::graph::View;
use crate::ids::AccountId;
use crate::patterns::{Cut, Options, Transfers, Typology};
use crate::run::Run;
use rayon::prelude::*;
use roaring::RoaringBitmap;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Options of [`rings`].
#[derive(Clone, Debug, PartialEq)]
pub struct RingOptions {
    /// How identifiers tie accounts; none: they do not.
    pub identity: Option<IdentityRingOptions>,
    /// Typologies to search for, with what.
    pub searches: Vec<(Typology, Options)>,
    /// Whether communities are looked for: closed ones are claims, and claims of one community join sooner.
    pub communities: bool,
    /// How many become claims of the instances of each typology, of what identifiers tie, and of closed communities, the best first; at least 1.
    pub claims_max: u32,
    /// Fewest accounts that claims share to be joined; at least 1.
    pub shared_min: u32,
    /// Part of the accounts of either that a claim and the core of a ring share to be joined, in thousandths, 1 to 1000; half of it within one
    /// community.
    pub overlap_permille: u32,
    /// Most counterparties that an account may have before it is a hub; at least 1.
    pub hub_max: u32,
    /// Accounts that are hubs whatever they do, such as known merchants and employers.
    pub known_hubs: RoaringBitmap,
    /// Most accounts of a ring that a join makes; at least 2. What identifiers tie stays whole.
    pub accounts_max: u32,
    /// Fewest accounts of a ring; at least 1.
    pub accounts_min: u32,
    /// Most rings; at least 1. Those with the highest scores are kept.
    pub rings_max: u32,
}

/// The typologies that claims come from if nothing else is asked for: those that name a group. What one account or one pair does by itself
/// (pass-through, structuring, dormant, first payees, mutual) names no ring.
pub const TYPOLOGIES: [Typology; 11] = [
    Typology::FanIn,
    Typology::FanOut,
    Typology::GatherScatter,
    Typology::ScatterGather,
    Typology::Cycle,
    Typology::Bipartite,
    Typology::Stack,
    Typology::Layering,
    Typology::RoundTrip,
    Typology::Smurfing,
    Typology::Funnel,
];

impl Default for RingOptions {
    fn default() -> Self {
        Self {
            identity: Some(IdentityRingOptions::default()),
            searches: TYPOLOGIES.map(|typology| (typology, typology.options())).to_vec(),
            communities: true,
            claims_max: 2_000,
            shared_min: 2,
            overlap_permille: 500,
            hub_max: 100,
            known_hubs: RoaringBitmap::new(),
            accounts_max: 200,
            accounts_min: 2,
            rings_max: 1_000,
        }
    }
}

impl RingOptions {
    /// Whether the options can be met.
    ///
    /// # Errors
    /// [`Error::Option`] names the first that cannot.
    pub fn check(&self) -> Result<()> {
        let least = [
            ("claims_max", self.claims_max, 1, "at least 1"),
            ("shared_min", self.shared_min, 1, "at least 1"),
            ("hub_max", self.hub_max, 1, "at least 1"),
            ("accounts_max", self.accounts_max, 2, "at least 2"),
            ("accounts_min", self.accounts_min, 1, "at least 1"),
            ("rings_max", self.rings_max, 1, "at least 1"),
        ];
        let refuse =
            |name, value: u32, allowed| Err(Error::Option { name, value: value.to_string(), allowed });
        for (name, value, min, allowed) in least {
            if value < min {
                return refuse(name, value, allowed);
            }
        }
        if !(1..=1_000).contains(&self.overlap_permille) {
            return refuse("overlap_permille", self.overlap_permille, "1 to 1000");
        }
        if self.accounts_min > self.accounts_max {
            return refuse("accounts_min", self.accounts_min, "at most accounts_max");
        }
        self.searches.iter().try_for_each(|(_, options)| options.check())
    }
}

/// An account with too many counterparties to be a member of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubAccount {
    /// The account.
    pub account: AccountId,
    /// How many accounts it pays or is paid by.
    pub num_counterparties: u32,
    /// Claims that were set aside because at least half of their payments touch it.
    pub claims_set_aside: u32,
    /// Claims that it is left out of.
    pub claims_left: u32,
}

/// What [`rings`] found.
#[derive(Clone, Debug, Default)]
pub struct Rings {
    /// The highest score first.
    pub rings: Vec<Ring>,
    /// Accounts kept out, by account.
    pub hubs: Vec<HubAccount>,
    /// Identifiers that too many accounts share to tie them.
    pub identifier_hubs: Vec<Hub>,
    /// Claims by kind, before they were joined.
    pub num_claims: BTreeMap<ClaimKind, u64>,
    /// Claims that were set aside because their pairs pay each other at other times, too.
    pub num_habits: u64,
    /// Joins that would have made a ring of more than `accounts_max` accounts.
    pub joins_refused: u64,
    /// Rings beyond `rings_max` or below `accounts_min`, which were dropped.
    pub rings_dropped: u64,
    /// What the searches left undone.
    pub cut: Cut,
}

/// The rings of a view; `transfers` are the view's. The same for any number of threads.
///
/// # Errors
/// [`Error::Option`] if an option is outside its range, before any work; [`Error::Damaged`]; [`Error::Cancelled`].
pub fn rings(
    view: &View<'_>,
    transfers: &Transfers,
    traced: &[Traced],
    options: &RingOptions,
    run: &Run,
) -> Result<Rings> {
    options.check()?;
    let mut found = Rings::default();
    let (mut claims, mut tied) = (Vec::new(), None);
    let claims_max = options.claims_max as usize;
    if let Some(options) = &options.identity {
        let (mut of_identifiers, identity) = identity(view, options, run)?;
        of_identifiers.sort_by(Claim::order);
        of_identifiers.truncate(claims_max);
        claims.extend(of_identifiers);
        found.identifier_hubs.clone_from(&identity.hubs);
        let members =
            (0..identity.len()).flat_map(|ring| identity.ring(ring).iter().map(move |&one| (one, ring)));
        let ring_of: BTreeMap<AccountId, usize> = members.collect();
        tied = Some((identity, ring_of));
    }
    let (of_typologies, cut) = typologies(transfers, &options.searches, options.claims_max, run)?;
    claims.extend(of_typologies);
    found.cut = cut;
    claims.extend(traces(view, traced, options.accounts_max, run)?);
    let mut neighborhoods = None;
    if options.communities {
        let (all, closed) =
            communities(view, options.hub_max, options.accounts_max, options.claims_max, run)?;
        claims.extend(closed);
        neighborhoods = Some(all);
    }
    for claim in &claims {
        *found.num_claims.entry(claim.kind).or_default() += 1;
    }
    let degrees = counterparties(transfers, &claims, options, run)?;
    let is_hub = |account: u32| degrees.contains_key(&account);
    let claims = set_aside(view, claims, &degrees, &mut found)?;
    let mut claims = without_habits(view, transfers, claims, &mut found, run)?;
    claims.sort_by(Claim::order);
    let rule = Rule {
        shared_min: options.shared_min,
        overlap_permille: options.overlap_permille,
        accounts_max: options.accounts_max,
    };
    let joined = join(&claims, rule, is_hub, neighborhoods.as_ref());
    found.joins_refused = joined.num_refused;
    let material = Material {
        view,
        transfers,
        identity: tied.as_ref().map(|(identity, ring_of)| (identity, ring_of)),
        neighborhoods: neighborhoods.as_ref(),
        traced,
        is_hub: &is_hub,
    };
    run.stage("rings", joined.rings.len() as u64);
    let put_together = |of: &Vec<usize>| {
        run.check()?;
        run.advance(1);
        material.ring(of.iter().map(|&at| claims[at].clone()).collect())
    };
    let mut rings = run.install(|| joined.rings.par_iter().map(put_together).collect::<Result<Vec<_>>>())?;
    let all = rings.len();
    rings.retain(|ring| ring.members.len() >= options.accounts_min as usize);
    rings.sort_by_key(|ring| {
        let first = ring.members.first().map(|member| member.account);
        (Reverse(ring.millibits), ring.span.map_or(i64::MAX, |span| span.0), first)
    });
    rings.truncate(options.rings_max as usize);
    found.rings_dropped = (all - rings.len()) as u64;
    found.rings = rings;
    Ok(found)
}

/// The accounts of claims that are hubs, and how many counterparties they have.
fn counterparties(
    transfers: &Transfers,
    claims: &[Claim],
    options: &RingOptions,
    run: &Run,
) -> Result<BTreeMap<u32, u32>> {
    let hub_max = options.hub_max as usize;
    let mut accounts: Vec<u32> =
        claims.iter().flat_map(|claim| claim.accounts().map(|account| account.0)).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let hub = |&account: &u32| {
        let (out, incoming) = (transfers.out(account), transfers.incoming(account));
        let known = options.known_hubs.contains(account);
        if !known && out.len() + incoming.len() <= hub_max {
            return None;
        }
        let mut others: Vec<u32> = out.iter().chain(incoming).map(|entry| entry.neighbor).collect();
        others.sort_unstable();
        others.dedup();
        (known || others.len() > hub_max).then_some((account, others.len() as u32))
    };
    run.check()?;
    Ok(run.install(|| accounts.par_iter().filter_map(hub).collect()))
}

/// The claims that do not rest on hubs; the others are counted.
fn set_aside(
    view: &View<'_>,
    claims: Vec<Claim>,
    degrees: &BTreeMap<u32, u32>,
    found: &mut Rings,
) -> Result<Vec<Claim>> {
    let mut hubs: BTreeMap<u32, HubAccount> = BTreeMap::new();
    let mut kept = Vec::with_capacity(claims.len());
    for claim in claims {
        let among: Vec<u32> = claim
            .accounts()
            .map(|account| account.0)
            .filter(|account| degrees.contains_key(account))
            .collect();
        if among.is_empty() || claim.kind == ClaimKind::Identity {
            kept.push(claim);
            continue;
        }
        let mut touched: BTreeMap<u32, usize> = BTreeMap::new();
        for &id in &claim.transactions {
            let row = view.graph().transaction(id)?;
            for end in [row.source.0, row.destination.0] {
                *touched.entry(end).or_default() += 1;
            }
        }
        let rests = |hub: &u32| 2 * touched.get(hub).copied().unwrap_or(0) >= claim.transactions.len();
        // A community is no payment: its hubs are left out of it.
        let aside = claim.kind != ClaimKind::Community && among.iter().any(rests);
        for &hub in &among {
            let listed = hubs.entry(hub).or_insert(HubAccount {
                account: AccountId(hub),
                num_counterparties: degrees[&hub],
                claims_set_aside: 0,
                claims_left: 0,
            });
            if aside && rests(&hub) {
                listed.claims_set_aside += 1;
            } else {
                listed.claims_left += 1;
            }
        }
        if !aside {
            kept.push(claim);
        }
    }
    found.hubs = hubs.into_values().collect();
    Ok(kept)
}

/// The claims but for those of typologies of which at least half of the pairs pay each other before or after, too.
fn without_habits(
    view: &View<'_>,
    transfers: &Transfers,
    claims: Vec<Claim>,
    found: &mut Rings,
    run: &Run,
) -> Result<Vec<Claim>> {
    let habitual = |claim: &Claim| -> Result<bool> {
        if !matches!(claim.kind, ClaimKind::Typology(_)) {
            return Ok(false);
        }
        run.check()?;
        // How many payments of the claim go from an account to another.
        let mut pairs: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        for &id in &claim.transactions {
            let row = view.graph().transaction(id)?;
            *pairs.entry((row.source.0, row.destination.0)).or_default() += 1;
        }
        let more = |&(&(payer, payee), &count): &(&(u32, u32), &usize)| {
            let (out, incoming) = (transfers.out(payer), transfers.incoming(payee));
            let all = match out.len() <= incoming.len() {
                true => out.iter().filter(|entry| entry.neighbor == payee).count(),
                false => incoming.iter().filter(|entry| entry.neighbor == payer).count(),
            };
            all > count
        };
        Ok(2 * pairs.iter().filter(more).count() >= pairs.len())
    };
    let habits = run.install(|| claims.par_iter().map(habitual).collect::<Result<Vec<bool>>>())?;
    found.num_habits = habits.iter().filter(|habit| **habit).count() as u64;
    Ok(claims.into_iter().zip(habits).filter(|(_, habit)| !habit).map(|(claim, _)| claim).collect())
}
