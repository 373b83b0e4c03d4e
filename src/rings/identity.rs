//! Identity rings: accounts tied by identifiers that they share.
//!
//! Two accounts are tied when both use one identifier: the same tax number,
//! telephone, device or address. A ring is a largest set of accounts that ties connect, directly or through
//! others: the mark of first-party fraud, where one person opens many accounts from a few real or invented
//! identities.
//!
//! # Method
//! The identifiers of the view, each with its accounts, are visited once; the accounts of one identifier are
//! united (union-find). What remains is grouping by root and numbering.
//!
//! # Cost
//! Time O(k log k) for k links between accounts and identifiers, memory O(k + n) for n accounts.
//!
//! # Choices
//! An identifier that more than `accounts_max` accounts use ties nobody: a bank's own telephone number, a
//! public address, an unfilled field. Such hubs are listed in the result with their number of accounts, so
//! that nothing is passed over in silence. Evidence is every use of an identifier that ties; it says when and how often
//! it was seen, as far as the data does. Rings are numbered by size, largest first, ties by smallest account.
//!
//! # Source
//! First-party fraud detection by shared identifiers, as in Neo4j's fraud detection guide and the PaySim 2
//! simulator; the components are those of [`community`](crate::community) over identifiers.

use crate::error::{Error, Result};
use crate::graph::View;
use crate::graph::links::{Use, identifier_groups};
use crate::ids::{AccountId, IdentifierId, KindId};
use crate::run::Run;
use petgraph::unionfind::UnionFind;
use std::cmp::Reverse;

/// Options of [`identity_rings`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRingOptions {
    /// Kinds of identifiers that tie accounts; `None` for all.
    pub kinds: Option<Vec<KindId>>,
    /// Most accounts that an identifier may have and still tie them; at least 2.
    pub accounts_max: u32,
    /// Fewest accounts that make a ring; at least 2.
    pub accounts_min: u32,
}

impl Default for IdentityRingOptions {
    fn default() -> Self {
        Self { kinds: None, accounts_max: 50, accounts_min: 2 }
    }
}

impl IdentityRingOptions {
    fn check(&self, num_kinds: usize) -> Result<()> {
        let refuse = |name, value: String, allowed| Err(Error::Option { name, value, allowed });
        if self.accounts_max < 2 {
            return refuse("accounts_max", self.accounts_max.to_string(), "at least 2");
        }
        if self.accounts_min < 2 {
            return refuse("accounts_min", self.accounts_min.to_string(), "at least 2");
        }
        match self.kinds.iter().flatten().find(|kind| kind.index() >= num_kinds) {
            Some(kind) => refuse("kinds", kind.0.to_string(), "kinds of the graph"),
            None => Ok(()),
        }
    }
}

/// One account's use of an identifier that ties a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The ring.
    pub ring: u32,
    /// The member.
    pub account: AccountId,
    /// What it shares with at least one other member.
    pub identifier: IdentifierId,
    /// First sighting, in microseconds since 1970 UTC, where known.
    pub first: Option<i64>,
    /// Last sighting, where known.
    pub last: Option<i64>,
    /// Number of sightings.
    pub count: u32,
}

/// An identifier that too many accounts use to tie them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hub {
    /// The identifier.
    pub identifier: IdentifierId,
    /// Number of accounts that use it.
    pub num_accounts: u32,
}

/// Rings and what ties them; flat arrays, ring after ring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityRings {
    /// Where each ring's members begin, and their number in all: `len + 1` values.
    pub offsets: Vec<usize>,
    /// Members, ascending within a ring.
    pub members: Vec<AccountId>,
    /// Uses of tying identifiers, by ring, identifier, account.
    pub evidence: Vec<Evidence>,
    /// Identifiers that were passed over, by identifier.
    pub hubs: Vec<Hub>,
}

impl IdentityRings {
    /// Number of rings.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The members of one ring, ascending.
    pub fn ring(&self, ring: usize) -> &[AccountId] {
        &self.members[self.offsets[ring]..self.offsets[ring + 1]]
    }

    /// What ties one ring, by identifier and account.
    pub fn evidence_of(&self, ring: usize) -> &[Evidence] {
        let start = self.evidence.partition_point(|evidence| (evidence.ring as usize) < ring);
        let end = self.evidence.partition_point(|evidence| evidence.ring as usize <= ring);
        &self.evidence[start..end]
    }
}

/// The rings of accounts of `view` that share identifiers, largest first, with their evidence.
///
/// The result depends on the view and the options alone, not on the number of threads.
///
/// # Errors
/// [`Error::Option`] if an option is outside its range, before any work; [`Error::Damaged`] if a column is;
/// [`Error::Cancelled`].
pub fn identity_rings(view: &View, options: &IdentityRingOptions, run: &Run) -> Result<IdentityRings> {
    let graph = view.graph();
    options.check(graph.manifest().kinds.len())?;
    let groups = identifier_groups(view, run)?;
    run.stage("rings", groups.len() as u64);
    tie(groups.iter(), groups.len(), graph.num_accounts(), options, run)
}

/// Identifiers per look at the run.
const IDENTIFIERS_PER_TASK: usize = 1 << 14;

fn tie<'u>(
    groups: impl Iterator<Item = (IdentifierId, &'u [Use])>,
    num_groups: usize,
    num_accounts: u32,
    options: &IdentityRingOptions,
    run: &Run,
) -> Result<IdentityRings> {
    let mut trees = UnionFind::<u32>::new(num_accounts as usize);
    let mut ties = Vec::new();
    let mut hubs = Vec::new();
    for (at, (identifier, uses)) in groups.enumerate() {
        if at % IDENTIFIERS_PER_TASK == 0 {
            run.check()?;
            run.advance(IDENTIFIERS_PER_TASK.min(num_groups - at) as u64);
        }
        if options.kinds.as_ref().is_some_and(|kinds| !kinds.contains(&identifier.kind)) {
            continue;
        }
        if uses.len() > options.accounts_max as usize {
            hubs.push(Hub { identifier, num_accounts: uses.len() as u32 });
        } else if let [first, others @ ..] = uses
            && !others.is_empty()
        {
            for other in others {
                trees.union(first.account.0, other.account.0);
            }
            ties.push((identifier, uses));
        }
    }
    let mut rings = number(&mut trees, &ties, options.accounts_min as usize);
    rings.hubs = hubs;
    Ok(rings)
}

/// Groups the tied accounts by tree, numbers the groups, and gathers the evidence of each.
fn number(trees: &mut UnionFind<u32>, ties: &[(IdentifierId, &[Use])], accounts_min: usize) -> IdentityRings {
    let mut tied: Vec<u32> =
        ties.iter().flat_map(|(_, uses)| uses.iter().map(|each| each.account.0)).collect();
    tied.sort_unstable();
    tied.dedup();
    let mut tied: Vec<(u32, u32)> =
        tied.into_iter().map(|account| (trees.find_mut(account), account)).collect();
    tied.sort_unstable();
    let mut found: Vec<&[(u32, u32)]> =
        tied.chunk_by(|a, b| a.0 == b.0).filter(|ring| ring.len() >= accounts_min).collect();
    found.sort_unstable_by_key(|ring| (Reverse(ring.len()), ring[0].1));

    let mut rings = IdentityRings { offsets: vec![0], ..IdentityRings::default() };
    let mut number_of_root: Vec<(u32, u32)> = Vec::with_capacity(found.len());
    for (ring, members) in found.into_iter().enumerate() {
        rings.members.extend(members.iter().map(|&(_, account)| AccountId(account)));
        rings.offsets.push(rings.members.len());
        number_of_root.push((members[0].0, ring as u32));
    }
    number_of_root.sort_unstable();
    for &(identifier, uses) in ties {
        let root = trees.find_mut(uses[0].account.0);
        let Ok(at) = number_of_root.binary_search_by_key(&root, |&(root, _)| root) else { continue };
        let ring = number_of_root[at].1;
        let known = |time| (time != i64::MIN).then_some(time);
        rings.evidence.extend(uses.iter().map(|each| Evidence {
            ring,
            account: each.account,
            identifier,
            first: known(each.first),
            last: known(each.last),
            count: each.count,
        }));
    }
    // Stable: within a ring the order of identifiers and accounts stays.
    rings.evidence.sort_by_key(|evidence| evidence.ring);
    rings
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    type Pairs = BTreeMap<IdentifierId, BTreeSet<u32>>;

    fn identifier(kind: u8, value: u32) -> IdentifierId {
        IdentifierId { kind: KindId(kind), value }
    }

    fn pairs(links: &[(u8, u32, u32)]) -> Pairs {
        let mut pairs = Pairs::new();
        for &(kind, value, account) in links {
            pairs.entry(identifier(kind, value)).or_default().insert(account);
        }
        pairs
    }

    fn rings(pairs: &Pairs, num_accounts: u32, options: &IdentityRingOptions) -> IdentityRings {
        let groups: Vec<(IdentifierId, Vec<Use>)> = pairs
            .iter()
            .map(|(&identifier, accounts)| {
                let one = |&account| Use { account: AccountId(account), first: i64::MIN, last: 7, count: 1 };
                (identifier, accounts.iter().map(one).collect())
            })
            .collect();
        let groups = groups.iter().map(|(identifier, uses)| (*identifier, uses.as_slice()));
        tie(groups, pairs.len(), num_accounts, options, &Run::new()).unwrap()
    }

    /// From the definition: search from every account through identifiers that tie.
    fn slow_rings(pairs: &Pairs, options: &IdentityRingOptions) -> Vec<BTreeSet<u32>> {
        let counts = |identifier: &IdentifierId, accounts: &BTreeSet<u32>| {
            options.kinds.as_ref().is_none_or(|kinds| kinds.contains(&identifier.kind))
                && (2..=options.accounts_max as usize).contains(&accounts.len())
        };
        let ties: Vec<&BTreeSet<u32>> = pairs.iter().filter(|(i, a)| counts(i, a)).map(|(_, a)| a).collect();
        let mut seen = BTreeSet::new();
        let mut rings = Vec::new();
        for &start in ties.iter().flat_map(|accounts| accounts.iter()) {
            let (mut ring, mut queue) = (BTreeSet::new(), vec![start]);
            while let Some(account) = queue.pop() {
                if seen.insert(account) {
                    ring.insert(account);
                    queue.extend(
                        ties.iter().filter(|accounts| accounts.contains(&account)).flat_map(|a| a.iter()),
                    );
                }
            }
            if ring.len() >= options.accounts_min as usize {
                rings.push(ring);
            }
        }
        rings.sort_by_key(|ring| (Reverse(ring.len()), ring.first().copied()));
        rings
    }

    #[test]
    fn a_chain_of_shared_identifiers_is_one_ring() {
        let pairs = pairs(&[(0, 0, 5), (0, 0, 2), (1, 9, 2), (1, 9, 7), (1, 3, 4), (0, 8, 1), (0, 8, 0)]);
        let found = rings(&pairs, 8, &IdentityRingOptions::default());
        assert_eq!(found.len(), 2);
        assert_eq!(found.ring(0), [AccountId(2), AccountId(5), AccountId(7)]);
        assert_eq!(found.ring(1), [AccountId(0), AccountId(1)]);
        let evidence: Vec<_> = found.evidence_of(0).iter().map(|e| (e.identifier, e.account.0)).collect();
        let (a, b) = (identifier(0, 0), identifier(1, 9));
        assert_eq!(evidence, [(a, 2), (a, 5), (b, 2), (b, 7)]);
        assert_eq!((found.evidence[0].first, found.evidence[0].last), (None, Some(7)));
        assert!(found.hubs.is_empty());
    }

    #[test]
    fn a_hub_ties_nobody_and_is_reported() {
        let links: Vec<_> = (0..4).map(|account| (0, 0, account)).chain([(0, 1, 0), (0, 1, 1)]).collect();
        let options = IdentityRingOptions { accounts_max: 3, ..IdentityRingOptions::default() };
        let found = rings(&pairs(&links), 4, &options);
        assert_eq!(found.hubs, [Hub { identifier: identifier(0, 0), num_accounts: 4 }]);
        assert_eq!(found.members, [AccountId(0), AccountId(1)]);
        assert!(found.evidence.iter().all(|evidence| evidence.identifier.value == 1));
    }

    #[test]
    fn options_outside_their_range_are_refused() {
        let refused = |options: IdentityRingOptions| options.check(2).is_err();
        assert!(refused(IdentityRingOptions { accounts_max: 1, ..Default::default() }));
        assert!(refused(IdentityRingOptions { accounts_min: 1, ..Default::default() }));
        assert!(refused(IdentityRingOptions { kinds: Some(vec![KindId(2)]), ..Default::default() }));
        assert!(!refused(IdentityRingOptions { kinds: Some(vec![KindId(1)]), ..Default::default() }));
    }

    #[test]
    fn nothing_shared_is_no_ring() {
        let found = rings(&pairs(&[(0, 0, 1), (0, 1, 2)]), 3, &IdentityRingOptions::default());
        assert!(found.is_empty() && found.evidence.is_empty() && found.members.is_empty());
    }

    proptest! {
        #[test]
        fn rings_are_what_a_search_from_every_account_finds(
            links in prop::collection::vec((0u8..3, 0u32..12, 0u32..30), 0..60),
            accounts_max in 2u32..6,
            accounts_min in 2u32..4,
            only in prop::option::of(0u8..3),
        ) {
            let kinds = only.map(|kind| vec![KindId(kind)]);
            let options = IdentityRingOptions { kinds, accounts_max, accounts_min };
            let pairs = pairs(&links);
            let found = rings(&pairs, 30, &options);
            let slow = slow_rings(&pairs, &options);
            let fast: Vec<BTreeSet<u32>> =
                (0..found.len()).map(|ring| found.ring(ring).iter().map(|account| account.0).collect()).collect();
            prop_assert_eq!(&fast, &slow);
            for (ring, members) in slow.iter().enumerate() {
                let evidence = found.evidence_of(ring);
                let named: BTreeSet<u32> = evidence.iter().map(|evidence| evidence.account.0).collect();
                prop_assert_eq!(&named, members, "every member is tied by something");
                for one in evidence {
                    prop_assert!(pairs[&one.identifier].contains(&one.account.0));
                    prop_assert!(evidence.iter().any(|e| e.identifier == one.identifier && e.account != one.account));
                }
            }
            for hub in &found.hubs {
                prop_assert!(hub.num_accounts as usize == pairs[&hub.identifier].len() && hub.num_accounts > accounts_max);
            }
        }
    }
}
