//! Identity links from the definition: every pair of accounts, every identifier, every threshold.

use ringfence::community::identity::weights::{decayed, rarity};
use ringfence::community::identity::{CurvePoint, IdentityOptions, KindEvidence, Reason};
use ringfence::graph::links::{IdentifierGroups, Use};
use ringfence::ids::{AccountId, IdentifierId, KindId};
use std::collections::{BTreeMap, BTreeSet};

/// An identifier that can link, its uses and what sharing it tells.
type Linking<'a> = (IdentifierId, &'a [Use], u32);

pub type Uses = Vec<(IdentifierId, Vec<Use>)>;

pub struct Expected {
    pub passed_over: Vec<(IdentifierId, u32, Reason)>,
    /// Every pair that shares evidence, with its weight.
    pub pairs: BTreeMap<(u32, u32), u32>,
    /// Links (ring members come from them) and cuts, strongest first.
    pub links: Vec<(u32, u32, u32)>,
    pub cuts: Vec<(u32, u32, u32)>,
    /// Smallest account and number of those that are too many.
    pub outgrown: Vec<(u32, u32)>,
    pub rings: Vec<BTreeSet<u32>>,
    /// For each ring the identifiers without which pairs at its threshold no longer connect it.
    pub articulations: Vec<BTreeSet<IdentifierId>>,
    pub curve: Vec<CurvePoint>,
}

fn rule(options: &IdentityOptions, kind: KindId) -> KindEvidence {
    options.of_kind.iter().rev().find(|(own, _)| *own == kind).map_or(options.each_kind, |(_, rule)| *rule)
}

/// Time between two uses.
fn gap(a: &Use, b: &Use) -> u64 {
    let span = |each: &Use| {
        let known: Vec<i64> = [each.first, each.last].into_iter().filter(|&time| time != i64::MIN).collect();
        Some((*known.iter().min()?, *known.iter().max()?))
    };
    let (Some(a), Some(b)) = (span(a), span(b)) else { return 0 };
    (b.0 - a.1).max(a.0 - b.1).max(0) as u64
}

/// Sets of accounts that pairs connect, those of one account left out; largest first, then by smallest account.
pub fn rings(pairs: impl Iterator<Item = (u32, u32)>) -> Vec<BTreeSet<u32>> {
    let mut rings: Vec<BTreeSet<u32>> = Vec::new();
    for (a, b) in pairs {
        let (touched, mut others): (Vec<_>, Vec<_>) =
            rings.into_iter().partition(|ring| ring.contains(&a) || ring.contains(&b));
        others.push(touched.into_iter().flatten().chain([a, b]).collect());
        rings = others;
    }
    rings.sort_by_key(|ring| (std::cmp::Reverse(ring.len()), *ring.first().unwrap()));
    rings
}

/// Every pair of accounts that shares evidence of identifiers (with their uses and weights), with its weight.
fn pairs(
    accounts: &BTreeSet<u32>,
    linking: &[Linking],
    options: &IdentityOptions,
) -> BTreeMap<(u32, u32), u32> {
    let mut pairs = BTreeMap::new();
    for &a in accounts {
        for &b in accounts.iter().filter(|&&b| b > a) {
            let mut by_kind: BTreeMap<KindId, u32> = BTreeMap::new();
            for (identifier, uses, weight) in linking {
                let of = |account: u32| uses.iter().find(|each| each.account.0 == account);
                if let (Some(one), Some(other)) = (of(a), of(b)) {
                    let left = match rule(options, identifier.kind).half_life_s {
                        Some(seconds) => decayed(*weight, gap(one, other), seconds * 1_000_000),
                        None => *weight,
                    };
                    *by_kind.entry(identifier.kind).or_default() += left;
                }
            }
            for (kind, sum) in &mut by_kind {
                *sum = (*sum).min(rule(options, *kind).weight_max.unwrap_or(u32::MAX));
            }
            let alone = |kind: &KindId| !options.correlated.iter().flatten().any(|other| other == kind);
            let sum: u32 = by_kind.iter().filter(|(kind, _)| alone(kind)).map(|(_, sum)| sum).sum();
            let strongest =
                |group: &Vec<KindId>| group.iter().filter_map(|kind| by_kind.get(kind)).max().copied();
            let sum = sum + options.correlated.iter().filter_map(strongest).sum::<u32>();
            if sum > 0 {
                pairs.insert((a, b), sum);
            }
        }
    }
    pairs
}

pub fn expected(
    groups: &IdentifierGroups,
    placeholders: &BTreeSet<IdentifierId>,
    options: &IdentityOptions,
) -> Expected {
    let looked_at: Vec<(IdentifierId, &[Use])> = groups
        .iter()
        .filter(|(identifier, _)| options.kinds.as_ref().is_none_or(|kinds| kinds.contains(&identifier.kind)))
        .collect();
    let population = |kind: KindId| {
        let counted = looked_at.iter().filter(|(identifier, uses)| {
            identifier.kind == kind && (uses.len() < 2 || !placeholders.contains(identifier))
        });
        let users: BTreeSet<AccountId> =
            counted.flat_map(|(_, uses)| uses.iter().map(|each| each.account)).collect();
        options.population.unwrap_or(users.len() as u32)
    };
    let weight = |identifier: IdentifierId, num_accounts: usize| {
        let m = rule(options, identifier.kind).m_permille;
        rarity(m, population(identifier.kind), num_accounts as u32)
    };
    let mut passed_over = Vec::new();
    let mut linking: Vec<Linking> = Vec::new();
    for &(identifier, uses) in looked_at.iter().filter(|(_, uses)| uses.len() > 1) {
        let reason = match () {
            () if placeholders.contains(&identifier) => Some(Reason::Placeholder),
            () if options.allowed.contains(&identifier) => Some(Reason::Allowed),
            () if uses.len() > options.accounts_max as usize => Some(Reason::TooMany),
            () if weight(identifier, uses.len()) == 0 => Some(Reason::Common),
            () => None,
        };
        match reason {
            Some(reason) => passed_over.push((identifier, uses.len() as u32, reason)),
            None => linking.push((identifier, uses, weight(identifier, uses.len()))),
        }
    }
    let accounts: BTreeSet<u32> =
        looked_at.iter().flat_map(|(_, uses)| uses.iter().map(|each| each.account.0)).collect();
    let pairs = pairs(&accounts, &linking, options);
    let rings_at =
        |threshold: u32| rings(pairs.iter().filter(|(_, w)| **w >= threshold).map(|(pair, _)| *pair));
    // The ring of an account is the one at the lowest threshold at which it is not too large.
    // Just above a weight something can come apart.
    let above = pairs.values().map(|weight| weight + 1);
    let thresholds: BTreeSet<u32> =
        above.chain([options.weight_min]).filter(|&weight| weight >= options.weight_min).collect();
    let mut found: Vec<(BTreeSet<u32>, u32)> = Vec::new();
    for &threshold in &thresholds {
        for ring in rings_at(threshold).into_iter().filter(|ring| ring.len() <= options.members_max as usize)
        {
            if !found.iter().any(|(larger, _)| larger.is_superset(&ring)) {
                found.push((ring, threshold));
            }
        }
    }
    let outgrown =
        rings_at(options.weight_min).into_iter().filter(|ring| ring.len() > options.members_max as usize);
    let mut outgrown: Vec<(u32, u32)> =
        outgrown.map(|ring| (*ring.first().unwrap(), ring.len() as u32)).collect();
    outgrown.sort_unstable();
    // The strongest pairs first; what closes a circle of stronger ones is not in the forest.
    let mut order: Vec<(u32, u32, u32)> = pairs.iter().map(|(&(a, b), &weight)| (a, b, weight)).collect();
    order.sort_by_key(|&(a, b, weight)| (std::cmp::Reverse(weight), a, b));
    let mut forest: Vec<(u32, u32, u32)> = Vec::new();
    for pair in order.into_iter().filter(|pair| pair.2 >= options.weight_min) {
        let joined = rings(forest.iter().map(|link| (link.0, link.1)));
        if !joined.iter().any(|ring| ring.contains(&pair.0) && ring.contains(&pair.1)) {
            forest.push(pair);
        }
    }
    let inside = |pair: &(u32, u32, u32)| {
        found.iter().any(|(ring, _)| ring.contains(&pair.0) && ring.contains(&pair.1))
    };
    let (links, cuts) = forest.into_iter().partition(inside);
    found.sort_by_key(|(ring, _)| (std::cmp::Reverse(ring.len()), *ring.first().unwrap()));
    let mut articulations = vec![BTreeSet::new(); found.len()];
    for left_out in linking.iter().map(|(identifier, ..)| *identifier) {
        let others: Vec<Linking> = linking.iter().copied().filter(|other| other.0 != left_out).collect();
        let left = self::pairs(&accounts, &others, options);
        for (at, (ring, threshold)) in found.iter().enumerate() {
            let strong = left.iter().filter(|(_, weight)| *weight >= threshold).map(|(pair, _)| *pair);
            if !rings(strong).iter().any(|part| part.is_superset(ring)) {
                articulations[at].insert(left_out);
            }
        }
    }
    let rings_found = found.into_iter().map(|(ring, _)| ring).collect();
    let strongest = pairs.values().max().copied().unwrap_or(0);
    let curve = (1..=strongest / 256).map(|bits| {
        let strong = pairs.iter().filter(|(_, weight)| **weight >= bits * 256).map(|(pair, _)| *pair);
        let rings = rings(strong);
        CurvePoint {
            threshold: bits * 256,
            num_rings: rings.len() as u32,
            num_accounts: rings.iter().map(BTreeSet::len).sum::<usize>() as u32,
            largest: rings.iter().map(BTreeSet::len).max().unwrap_or(0) as u32,
        }
    });
    let curve = curve.collect();
    Expected { passed_over, pairs, links, cuts, outgrown, rings: rings_found, articulations, curve }
}
