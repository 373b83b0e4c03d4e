//! The rule that makes rings of claims.
//!
//! # Method
//! Claims are taken strongest first; the first of a ring is its **core**. A claim joins the ring with which it shares most accounts, at least
//! `shared_min`, if
//! * all its accounts are in the ring already, or
//! * the accounts that it and the core share are at least `overlap_permille` thousandths of those that either has; half of that is
//!   enough where more than half of the accounts of both lie in one community;
//!
//! and if the ring then has at most `accounts_max` accounts: otherwise the join is refused and counted, and the next ring is tried. A claim that
//! joins none begins a ring. Because likeness is held against the core, a ring cannot drift from claim to claim. Hubs join nothing.
//!
//! # Cost
//! Time in the accounts of all claims, times the rings that an account is in.

use super::claim::Claim;
use super::gather::Neighborhoods;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// What joins claims.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub shared_min: u32,
    pub overlap_permille: u32,
    pub accounts_max: u32,
}

/// Claims that make one ring, by their places in the list that was joined.
pub(super) struct Joined {
    /// For each ring its claims, ascending.
    pub rings: Vec<Vec<usize>>,
    /// Joins that would have made too large a ring.
    pub num_refused: u64,
}

/// A ring so far.
struct Group {
    /// Of the first claim.
    core: BTreeSet<u32>,
    /// The community of most of the core.
    home: Option<u32>,
    accounts: BTreeSet<u32>,
    claims: Vec<usize>,
}

/// Joins `claims`, which come strongest first; `is_hub` are accounts that join nothing.
pub(super) fn join(
    claims: &[Claim],
    rule: Rule,
    is_hub: impl Fn(u32) -> bool,
    neighborhoods: Option<&Neighborhoods>,
) -> Joined {
    let mut groups: Vec<Group> = Vec::new();
    let mut groups_of: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut num_refused = 0;
    for (at, claim) in claims.iter().enumerate() {
        let own: BTreeSet<u32> =
            claim.accounts().map(|account| account.0).filter(|&account| !is_hub(account)).collect();
        let home = neighborhoods.and_then(|all| home(all, &own));
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for &group in own.iter().filter_map(|account| groups_of.get(account)).flatten() {
            *shared.entry(group).or_default() += 1;
        }
        let mut with: Vec<(Reverse<usize>, usize)> = shared
            .into_iter()
            .filter(|&(group, shared)| {
                shared >= rule.shared_min as usize
                    && (shared == own.len() || alike(&groups[group], &own, home, rule.overlap_permille))
            })
            .map(|(group, shared)| (Reverse(shared), group))
            .collect();
        with.sort_unstable();
        let room = |&&(_, group): &&(Reverse<usize>, usize)| {
            let new = own.difference(&groups[group].accounts).count();
            new == 0 || groups[group].accounts.len() + new <= rule.accounts_max as usize
        };
        let chosen = with.iter().find(room).map(|&(_, group)| group);
        num_refused += with.iter().take_while(|&&(_, group)| Some(group) != chosen).count() as u64;
        let group = chosen.unwrap_or_else(|| {
            groups.push(Group { core: own.clone(), home, accounts: BTreeSet::new(), claims: Vec::new() });
            groups.len() - 1
        });
        groups[group].claims.push(at);
        for account in own {
            if groups[group].accounts.insert(account) {
                groups_of.entry(account).or_default().push(group);
            }
        }
    }
    Joined { rings: groups.into_iter().map(|group| group.claims).collect(), num_refused }
}

/// Whether accounts are like the core of a ring.
fn alike(group: &Group, own: &BTreeSet<u32>, home: Option<u32>, overlap_permille: u32) -> bool {
    let shared = own.intersection(&group.core).count();
    let either = own.len() + group.core.len() - shared;
    let near = home.is_some() && home == group.home;
    let permille = if near { overlap_permille / 2 } else { overlap_permille };
    shared > 0 && shared * 1_000 >= permille as usize * either
}

/// The community of more than half of the accounts, if there is one.
fn home(neighborhoods: &Neighborhoods, accounts: &BTreeSet<u32>) -> Option<u32> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for &account in accounts {
        if let Some(community) = neighborhoods.of(crate::ids::AccountId(account)) {
            *counts.entry(community).or_default() += 1;
        }
    }
    let most = counts.into_iter().max_by_key(|&(community, count)| (count, Reverse(community)))?;
    (2 * most.1 > accounts.len()).then_some(most.0)
}
