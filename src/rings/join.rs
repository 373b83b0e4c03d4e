//! The rule that makes rings of claims.
//!
//! # Method
//! Claims are taken strongest first. A claim joins every ring so far with which it shares at least `shared_min` accounts and at
//! least `overlap_permille` thousandths of all accounts that either has, or all accounts of the smaller of the two; half of that part is
//! enough where most accounts of both lie in one community. Rings that one claim joins become one. A join that would make a ring of more than
//! `accounts_max` accounts is refused and counted; the claim then goes to the rings that it can join, most shared accounts first,
//! or begins a ring of its own. Hubs join nothing.
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
    // Places of groups that were taken into others are empty.
    let mut groups: Vec<Group> = Vec::new();
    let mut groups_of: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
    let mut num_refused = 0;
    for (at, claim) in claims.iter().enumerate() {
        let joining: Vec<u32> =
            claim.accounts().map(|account| account.0).filter(|&account| !is_hub(account)).collect();
        let mut shared: BTreeMap<usize, u32> = BTreeMap::new();
        for account in &joining {
            for &group in groups_of.get(account).into_iter().flatten() {
                *shared.entry(group).or_default() += 1;
            }
        }
        let home = neighborhoods.map(|all| home(all, joining.iter().copied()));
        let qualifies = |&(group, shared): &(usize, u32)| {
            let accounts = &groups[group].accounts;
            let smaller = joining.len().min(accounts.len());
            let either = (joining.len() + accounts.len() - shared as usize) as u64;
            let near = home.is_some_and(|home| {
                neighborhoods.is_some_and(|all| self::home(all, accounts.iter().copied()) == home)
            });
            let permille = u64::from(if near { rule.overlap_permille / 2 } else { rule.overlap_permille });
            let alike = u64::from(shared) * 1_000 >= permille * either;
            shared >= rule.shared_min && (alike || shared as usize == smaller)
        };
        let mut with: Vec<(usize, u32)> = shared.into_iter().filter(qualifies).collect();
        with.sort_by_key(|&(group, shared)| (Reverse(shared), group));
        let mut own = Group { accounts: joining.into_iter().collect(), claims: vec![at] };
        let mut joined: Vec<usize> = Vec::new();
        for (group, _) in with {
            let new = groups[group].accounts.difference(&own.accounts).count();
            if own.accounts.len() + new > rule.accounts_max as usize && new > 0 {
                num_refused += 1;
                continue;
            }
            own.accounts.extend(&groups[group].accounts);
            own.claims.extend(&groups[group].claims);
            joined.push(group);
        }
        // The ring keeps the place of the oldest, which has the strongest claim.
        let place = joined.iter().copied().min().unwrap_or(groups.len());
        for &group in &joined {
            let old = std::mem::replace(&mut groups[group], Group::empty());
            for account in old.accounts {
                groups_of.entry(account).or_default().remove(&group);
            }
        }
        for &account in &own.accounts {
            groups_of.entry(account).or_default().insert(place);
        }
        own.claims.sort_unstable();
        match groups.get_mut(place) {
            Some(group) => *group = own,
            None => groups.push(own),
        }
    }
    let rings = groups.into_iter().map(|group| group.claims).filter(|claims| !claims.is_empty()).collect();
    Joined { rings, num_refused }
}

impl Group {
    fn empty() -> Self {
        Self { accounts: BTreeSet::new(), claims: Vec::new() }
    }
}

/// The community of most of the accounts, the lowest of several; none where more than half lie in none together.
fn home(neighborhoods: &Neighborhoods, accounts: impl Iterator<Item = u32>) -> Option<u32> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    let mut all = 0;
    for account in accounts {
        all += 1;
        if let Some(community) = neighborhoods.of(crate::ids::AccountId(account)) {
            *counts.entry(community).or_default() += 1;
        }
    }
    let most = counts.into_iter().max_by_key(|&(community, count)| (count, Reverse(community)))?;
    (2 * most.1 > all).then_some(most.0)
}
