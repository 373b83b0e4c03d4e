//! Which identifiers can link accounts, and what two accounts' shared ones tell together.

use super::weights::{decayed, rarity};
use super::{IdentityOptions, KindEvidence, PassedOver, Reason, Share};
use crate::error::Result;
use crate::graph::links::{IdentifierGroups, Use};
use crate::ids::{AccountId, IdentifierId, KindId};
use crate::run::Run;
use std::collections::BTreeSet;

/// Microseconds per second.
const SECOND_US: u64 = 1_000_000;

/// No group of correlated kinds.
const ALONE: usize = usize::MAX;

/// An identifier that can link.
pub(super) struct Kept<'a> {
    pub identifier: IdentifierId,
    /// By account, at least two.
    pub uses: &'a [Use],
    /// What sharing it tells, in 1/256 bit, before any decay; at least 1.
    weight: u32,
}

/// One use of a kept identifier, as its account sees it.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Which of the kept identifiers.
    pub kept: u32,
    /// Which of its uses.
    pub at: u32,
}

/// An identifier that two accounts share, and what that tells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item {
    pub kept: u32,
    pub weight: u32,
}

/// Identifiers that can link, and which accounts use them.
pub(super) struct Evidence<'a> {
    pub kept: Vec<Kept<'a>>,
    /// Where the places of each account begin, and the end of the last.
    offsets: Vec<usize>,
    /// Places of all accounts, each account's by identifier.
    places: Vec<Place>,
    /// By kind.
    rules: Vec<KindEvidence>,
    /// By kind, the group of kinds of which the strongest alone counts, or [`ALONE`].
    groups: Vec<usize>,
    num_groups: usize,
}

impl<'a> Evidence<'a> {
    /// Weighs all identifiers; returns those that cannot link as well, by identifier.
    pub fn new(
        groups: &'a IdentifierGroups,
        placeholder: impl Fn(IdentifierId) -> Result<bool>,
        options: &IdentityOptions,
        run: &Run,
    ) -> Result<(Self, Vec<PassedOver>)> {
        let counts = |kind: KindId| options.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind));
        let looked_at = || groups.iter().filter(|(identifier, _)| counts(identifier.kind));
        let num_kinds = looked_at().map(|(identifier, _)| identifier.kind.index() + 1).max().unwrap_or(0);
        let num_accounts =
            looked_at().flat_map(|(_, uses)| uses.last()).map(|last| last.account.index() + 1).max();
        let num_accounts = num_accounts.unwrap_or(0);
        let (rules, kind_groups) = kinds(num_kinds, options);
        let allowed: BTreeSet<IdentifierId> = options.allowed.iter().copied().collect();
        let (mut kept, mut passed_over) = (Vec::new(), Vec::new());
        // Identifiers are in order of kind: one kind after the other, so that its population is known when it is weighed.
        let looked_at: Vec<(IdentifierId, &'a [Use])> = looked_at().collect();
        for of_kind in looked_at.chunk_by(|a, b| a.0.kind == b.0.kind) {
            run.check()?;
            let mut users = vec![false; num_accounts];
            let mut shared = Vec::new();
            for &(identifier, uses) in of_kind {
                let mut pass_over = |reason| {
                    passed_over.push(PassedOver { identifier, num_accounts: uses.len() as u32, reason });
                };
                if uses.len() > 1 && placeholder(identifier)? {
                    pass_over(Reason::Placeholder);
                    continue;
                }
                uses.iter().for_each(|each| users[each.account.index()] = true);
                if uses.len() < 2 {
                    continue;
                }
                if allowed.contains(&identifier) {
                    pass_over(Reason::Allowed);
                } else if uses.len() > options.accounts_max as usize {
                    pass_over(Reason::TooMany);
                } else {
                    shared.push((identifier, uses));
                }
            }
            let counted = users.iter().filter(|&&uses| uses).count() as u32;
            let population = options.population.unwrap_or(counted);
            for (identifier, uses) in shared {
                let num_accounts = uses.len() as u32;
                let m_permille = rules[identifier.kind.index()].m_permille;
                match rarity(m_permille, population, num_accounts) {
                    0 => passed_over.push(PassedOver { identifier, num_accounts, reason: Reason::Common }),
                    weight => kept.push(Kept { identifier, uses, weight }),
                }
            }
        }
        passed_over.sort_unstable_by_key(|passed| passed.identifier);
        let (offsets, places) = places(&kept, num_accounts);
        let num_groups = options.correlated.len();
        Ok((Evidence { kept, offsets, places, rules, groups: kind_groups, num_groups }, passed_over))
    }

    /// Number of accounts that can occur.
    pub fn num_accounts(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Where an account uses identifiers that can link, by identifier.
    pub fn places(&self, account: u32) -> &[Place] {
        &self.places[self.offsets[account as usize]..self.offsets[account as usize + 1]]
    }

    /// What it tells that two accounts share an identifier: its rarity, less with the time between their uses.
    #[inline]
    pub fn item(&self, kept: u32, one: &Use, other: &Use) -> Item {
        let Kept { identifier, weight, .. } = self.kept[kept as usize];
        let weight = match self.rules[identifier.kind.index()].half_life_s {
            Some(half_life_s) => decayed(weight, gap(one, other), half_life_s.saturating_mul(SECOND_US)),
            None => weight,
        };
        Item { kept, weight }
    }

    /// What items, by identifier, tell by kind: the sum of the kind, at most its `weight_max`.
    fn by_kind(&self, items: &[Item], mut each: impl FnMut(KindId, u32)) {
        let kind = |item: &Item| self.kept[item.kept as usize].identifier.kind;
        for same in items.chunk_by(|a, b| kind(a) == kind(b)) {
            let sum = same.iter().fold(0_u32, |sum, item| sum.saturating_add(item.weight));
            let kind = kind(&same[0]);
            each(kind, sum.min(self.rules[kind.index()].weight_max.unwrap_or(u32::MAX)));
        }
    }

    /// What items, by identifier, tell together.
    pub fn weight(&self, items: &[Item], strongest: &mut Vec<u32>) -> u32 {
        strongest.clear();
        strongest.resize(self.num_groups, 0);
        let mut alone = 0_u32;
        self.by_kind(items, |kind, weight| match self.groups[kind.index()] {
            ALONE => alone = alone.saturating_add(weight),
            group => strongest[group] = strongest[group].max(weight),
        });
        strongest.iter().fold(alone, |sum, &weight| sum.saturating_add(weight))
    }

    /// The identifiers that two accounts share, by identifier; what they count sums to the weight of the pair. None is
    /// called an articulation here.
    pub fn shares(&self, a: AccountId, b: AccountId) -> Vec<Share> {
        let items = self.shared(a, b);
        // Of each group of kinds the strongest, ties to the first.
        let mut strongest: Vec<Option<(u32, KindId)>> = vec![None; self.num_groups];
        let mut left = vec![0; self.rules.len()];
        self.by_kind(&items, |kind, weight| match self.groups[kind.index()] {
            ALONE => left[kind.index()] = weight,
            group if strongest[group].is_none_or(|best| weight > best.0) => {
                strongest[group] = Some((weight, kind))
            }
            _ => {}
        });
        strongest.into_iter().flatten().for_each(|(weight, kind)| left[kind.index()] = weight);
        let mut shares: Vec<Share> = items
            .iter()
            .map(|item| {
                let kept = &self.kept[item.kept as usize];
                let num_accounts = kept.uses.len() as u32;
                Share {
                    identifier: kept.identifier,
                    num_accounts,
                    weight: item.weight,
                    counted: 0,
                    articulation: false,
                }
            })
            .collect();
        // Where the sum of a kind is limited, its strongest identifiers count first.
        shares.sort_unstable_by_key(|share| (std::cmp::Reverse(share.weight), share.identifier));
        for share in &mut shares {
            let left = &mut left[share.identifier.kind.index()];
            share.counted = share.weight.min(*left);
            *left -= share.counted;
        }
        shares.sort_unstable_by_key(|share| share.identifier);
        shares
    }

    /// The items of two accounts, by identifier.
    fn shared(&self, a: AccountId, b: AccountId) -> Vec<Item> {
        let mut others = self.places(b.0).iter().peekable();
        let mut items = Vec::new();
        for place in self.places(a.0) {
            while others.next_if(|other| other.kept < place.kept).is_some() {}
            if let Some(other) = others.next_if(|other| other.kept == place.kept) {
                let uses = self.kept[place.kept as usize].uses;
                items.push(self.item(place.kept, &uses[place.at as usize], &uses[other.at as usize]));
            }
        }
        items.retain(|item| item.weight > 0);
        items
    }
}

/// Rules and groups by kind.
fn kinds(num_kinds: usize, options: &IdentityOptions) -> (Vec<KindEvidence>, Vec<usize>) {
    let mut rules = vec![options.each_kind; num_kinds];
    for (kind, rule) in options.of_kind.iter().filter(|(kind, _)| kind.index() < num_kinds) {
        rules[kind.index()] = *rule;
    }
    let mut groups = vec![ALONE; num_kinds];
    for (group, kinds) in options.correlated.iter().enumerate() {
        for kind in kinds.iter().filter(|kind| kind.index() < num_kinds) {
            groups[kind.index()] = group;
        }
    }
    (rules, groups)
}

/// Each account's places, by identifier.
fn places(kept: &[Kept], num_accounts: usize) -> (Vec<usize>, Vec<Place>) {
    let mut offsets = vec![0; num_accounts + 1];
    let all = || kept.iter().flat_map(|kept| kept.uses);
    all().for_each(|each| offsets[each.account.index() + 1] += 1);
    for account in 0..num_accounts {
        offsets[account + 1] += offsets[account];
    }
    let mut next = offsets.clone();
    let mut places = vec![Place { kept: 0, at: 0 }; offsets[num_accounts]];
    for (number, kept) in kept.iter().enumerate() {
        for (at, each) in kept.uses.iter().enumerate() {
            let next = &mut next[each.account.index()];
            places[*next] = Place { kept: number as u32, at: at as u32 };
            *next += 1;
        }
    }
    (offsets, places)
}

/// Time between two accounts' uses, in microseconds; none if they overlap, or if one has no date.
fn gap(one: &Use, other: &Use) -> u64 {
    let (Some(one), Some(other)) = (span(one), span(other)) else { return 0 };
    let (earlier, later) = if one.0 <= other.0 { (one, other) } else { (other, one) };
    if later.0 > earlier.1 { later.0.abs_diff(earlier.1) } else { 0 }
}

/// First and last sighting; where only one is known, that is both.
fn span(each: &Use) -> Option<(i64, i64)> {
    match (each.first, each.last) {
        (i64::MIN, i64::MIN) => None,
        (i64::MIN, known) | (known, i64::MIN) => Some((known, known)),
        (first, last) => Some((first.min(last), last.max(first))),
    }
}
