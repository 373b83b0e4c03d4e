//! Identity linking: accounts that share so much, so rarely shared, that one hand is behind them.
//!
//! Every identifier that two accounts share is evidence, and it has a weight: a tax number that two of a million accounts
//! use tells much, an address that forty use tells little, and a telephone number of the bank nothing. Pairs whose evidence
//! adds up to a threshold are linked, links make rings, and each ring comes with the identifiers that hold it together.
//!
//! # Method
//! * **Rarity.** Sharing an identifier that d of N accounts use weighs `log₂(m · N / d)`, the binary logarithm of how much
//!   likelier that is for two accounts of one ring (m) than for two that have nothing to do with each other (d / N). N are
//!   the accounts with an identifier of that kind.
//! * **Recency.** With a half-life, a weight halves with each half-life between one account's last use and the other's first.
//! * **Kinds.** Weights of one kind add up, to a limit where the kind has one. Kinds that go together, such
//!   as a device and its address, are declared as correlated: only the strongest of them counts for a pair.
//! * **Never.** Values that stand for none, identifiers on the allow-list, those of more than `accounts_max` accounts and those
//!   too common to tell anything do not link. They are listed with the reason.
//! * **Links.** Pairs are found as wedges account – identifier – account, each weighed as a whole; their maximum-weight spanning
//!   forest is kept. Rings are what pairs of at least `weight_min` connect. Where that are more than `members_max` accounts,
//!   the threshold is raised until its parts fit: the ring of an account is the one at the lowest threshold at which it
//!   is not too large. Links below are cut and listed, so that chains of weak links cannot grow without end.
//! * **Articulations.** An identifier without which a ring falls apart is marked wherever it explains a link.
//!
//! # Cost
//! Time O(w log w) for w wedges, at most `accounts_max / 2` for each use of an identifier; memory 16 bytes per use, 34 per account,
//! and a fixed batch of pairs. Articulations want the wedges inside rings once more.
//!
//! # Choices
//! Weights are whole numbers of 1/256 bit: sums are exact, and equal on every machine. Not sharing is no evidence against a
//! link. Uses without a date do not decay. Ties between links go to the smaller accounts, which changes what explains a ring but
//! not the ring. Accounts that equal evidence ties into something too large are no ring at all: there is no better
//! reason to cut it here than there.
//!
//! # Source
//! Fellegi, Sunter: A theory for record linkage, JASA 64, 1969; term frequencies as in Splink. Kruskal: On the shortest
//! spanning subtree of a graph, Proc. AMS 7, 1956. Batches keep what Karp, Klein, Tarjan (J. ACM 42(2), 1995) call the
//! cycle property.

mod articulations;
mod evidence;
mod forest;
mod pairs;
pub mod placeholders;
mod view;
pub mod weights;

pub use view::identity_links;

use crate::error::{Error, Result};
use crate::graph::links::IdentifierGroups;
use crate::ids::{AccountId, IdentifierId, KindId, NONE};
use crate::run::Run;
use articulations::articulations;
use evidence::Evidence;
use forest::{Forest, Trees};
use pairs::Pair;
use std::cmp::Reverse;
use weights::WEIGHT_PER_BIT;

/// What identifiers of one kind tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindEvidence {
    /// Chance that two accounts of one ring share an identifier of this kind, in thousandths: 1 to 1000.
    pub m_permille: u32,
    /// Most that all shared identifiers of this kind tell about a pair, in 1/256 bit; `None` for no limit.
    pub weight_max: Option<u32>,
    /// Time between two accounts' uses in which a weight halves, in seconds, at least 1; `None` for never.
    pub half_life_s: Option<u64>,
}

impl Default for KindEvidence {
    fn default() -> Self {
        Self { m_permille: 900, weight_max: None, half_life_s: None }
    }
}

/// Options of [`link_identities`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityOptions {
    /// Kinds of identifiers that are looked at; `None` for all.
    pub kinds: Option<Vec<KindId>>,
    /// What each kind tells.
    pub each_kind: KindEvidence,
    /// What some kinds tell instead.
    pub of_kind: Vec<(KindId, KindEvidence)>,
    /// Groups of kinds that go together: for a pair only the strongest kind of a group counts. A kind is in one group at most.
    pub correlated: Vec<Vec<KindId>>,
    /// Accounts that could have used an identifier of a kind, at least 1; `None` for those that use one.
    pub population: Option<u32>,
    /// Most accounts that an identifier may have and still link them; 2 to 10,000.
    pub accounts_max: u32,
    /// Identifiers that never link: the bank's own devices, a carrier's addresses.
    pub allowed: Vec<IdentifierId>,
    /// Words that stand for no value, besides those of [`placeholders`]; for [`identity_links`].
    pub placeholders: Vec<String>,
    /// Least evidence that links two accounts, in 1/256 bit, at least 1.
    pub weight_min: u32,
    /// Most accounts of a ring, at least 2.
    pub members_max: u32,
}

impl Default for IdentityOptions {
    fn default() -> Self {
        Self {
            kinds: None,
            each_kind: KindEvidence::default(),
            of_kind: Vec::new(),
            correlated: Vec::new(),
            population: None,
            accounts_max: 50,
            allowed: Vec::new(),
            placeholders: Vec::new(),
            weight_min: 4 * WEIGHT_PER_BIT,
            members_max: 100,
        }
    }
}

impl IdentityOptions {
    fn check(&self) -> Result<()> {
        let check = |name, value: u64, allowed, fits: bool| match fits {
            true => Ok(()),
            false => Err(Error::Option { name, value: value.to_string(), allowed }),
        };
        for rule in self.of_kind.iter().map(|(_, rule)| rule).chain([&self.each_kind]) {
            let m = rule.m_permille;
            check("m_permille", m.into(), "1 to 1000", (1..=1000).contains(&m))?;
            check("half_life_s", 0, "at least 1", rule.half_life_s != Some(0))?;
        }
        let mut correlated: Vec<KindId> = self.correlated.concat();
        correlated.sort_unstable();
        let twice = correlated.windows(2).find(|pair| pair[0] == pair[1]);
        check(
            "correlated",
            twice.map_or(0, |pair| pair[0].0.into()),
            "groups without a common kind",
            twice.is_none(),
        )?;
        check("population", 0, "at least 1", self.population != Some(0))?;
        let accounts_max = self.accounts_max;
        check("accounts_max", accounts_max.into(), "2 to 10,000", (2..=10_000).contains(&accounts_max))?;
        check("weight_min", self.weight_min.into(), "at least 1", self.weight_min > 0)?;
        check("members_max", self.members_max.into(), "at least 2", self.members_max > 1)
    }
}

/// Two accounts of a ring that are linked; the links of a ring form a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The ring.
    pub ring: u32,
    /// The smaller account.
    pub a: AccountId,
    /// The larger account.
    pub b: AccountId,
    /// What their shared identifiers tell together, in 1/256 bit.
    pub weight: u32,
}

/// An identifier that two linked accounts share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The identifier.
    pub identifier: IdentifierId,
    /// Number of all accounts that use it.
    pub num_accounts: u32,
    /// What sharing it tells, in 1/256 bit.
    pub weight: u32,
    /// How much of that counts, after limits and correlated kinds; over all shares of a link this is its weight.
    pub counted: u32,
    /// Whether the ring falls apart without it.
    pub articulation: bool,
}

/// A link that was not made, because the ring would have had too many accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The smaller account.
    pub a: AccountId,
    /// The larger account.
    pub b: AccountId,
    /// What their shared identifiers tell together, in 1/256 bit.
    pub weight: u32,
}

/// Accounts that evidence of at least `weight_min` connects, too many for a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgrown {
    /// The smallest of them.
    pub account: AccountId,
    /// How many they are.
    pub num_accounts: u32,
}

/// Why an identifier cannot link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Its value stands for none.
    Placeholder,
    /// It is on the allow-list.
    Allowed,
    /// More than `accounts_max` accounts use it.
    TooMany,
    /// So large a part of the population uses it that sharing it tells nothing.
    Common,
}

/// An identifier that several accounts share and that does not link them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// The identifier.
    pub identifier: IdentifierId,
    /// Number of accounts that use it.
    pub num_accounts: u32,
    /// Why.
    pub reason: Reason,
}

/// Rings as they would be at one threshold, without a limit of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurvePoint {
    /// Least evidence that links, in 1/256 bit.
    pub threshold: u32,
    /// Number of rings.
    pub num_rings: u32,
    /// Number of accounts in rings.
    pub num_accounts: u32,
    /// Accounts of the largest ring.
    pub largest: u32,
}

/// Rings of linked accounts, and what links them; flat arrays, ring after ring, largest first, ties by smallest account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityLinks {
    /// Where each ring's members begin, and their number in all: number of rings + 1 values.
    pub offsets: Vec<usize>,
    /// Members, ascending within a ring.
    pub members: Vec<AccountId>,
    /// For each ring the weight of its weakest link: what evidence holds it together, in 1/256 bit.
    pub cohesion: Vec<u32>,
    /// Links: one less than members for each ring; by ring, then strongest first, ties by accounts.
    pub links: Vec<Link>,
    /// Where each link's shares begin, and their number in all: number of links + 1 values.
    pub share_offsets: Vec<usize>,
    /// What the accounts of each link share, by identifier.
    pub shares: Vec<Share>,
    /// Links that were cut, strongest first, ties by accounts.
    pub cuts: Vec<Cut>,
    /// What was cut into rings and single accounts, by smallest account.
    pub outgrown: Vec<Outgrown>,
    /// Identifiers that did not link, by identifier.
    pub passed_over: Vec<PassedOver>,
    /// Rings by threshold, at each whole number of bits from 1 to the strongest pair.
    pub curve: Vec<CurvePoint>,
    /// Number of pairs with evidence of at least `weight_min`.
    pub num_pairs: u64,
}

impl IdentityLinks {
    /// Number of rings.
    pub fn len(&self) -> usize {
        self.cohesion.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.cohesion.is_empty()
    }

    /// The members of one ring, ascending.
    pub fn ring(&self, ring: usize) -> &[AccountId] {
        &self.members[self.offsets[ring]..self.offsets[ring + 1]]
    }

    /// What the two accounts of one link share.
    pub fn shares_of(&self, link: usize) -> &[Share] {
        &self.shares[self.share_offsets[link]..self.share_offsets[link + 1]]
    }
}

/// Links accounts by the identifiers that they share.
///
/// `placeholder` says of an identifier whether its value stands for none; it is asked once for each that several accounts use. The
/// result does not depend on the number of threads.
///
/// # Errors
/// [`Error::Option`] if an option is outside its range, before any work; what `placeholder` returns; [`Error::Cancelled`].
///
/// # Examples
/// Three of a thousand accounts share a telephone number, and two of them a device as well.
/// ```
/// use ringfence::community::identity::{IdentityOptions, link_identities};
/// use ringfence::graph::links::{IdentifierGroups, Use};
/// use ringfence::ids::{AccountId, IdentifierId, KindId};
/// let uses = |accounts: &[u32]| -> Vec<Use> {
///     let one = |&account| Use { account: AccountId(account), first: 0, last: 0, count: 1 };
///     accounts.iter().map(one).collect()
/// };
/// let phone = IdentifierId { kind: KindId(0), value: 0 };
/// let device = IdentifierId { kind: KindId(1), value: 0 };
/// let groups: IdentifierGroups = [(phone, uses(&[3, 5, 8])), (device, uses(&[5, 8]))].into_iter().collect();
/// let options = IdentityOptions { population: Some(1_000), ..IdentityOptions::default() };
/// let found = link_identities(&groups, |_| Ok(false), &options, &ringfence::Run::new())?;
/// assert_eq!(found.ring(0), [3, 5, 8].map(AccountId));
/// // log₂(0.9 · 1000 / 3) = 8.2 bits hold the third account, 8.2 + 8.8 the other two.
/// assert_eq!((found.cohesion[0], found.links[0].weight), (2107, 4363));
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn link_identities(
    groups: &IdentifierGroups,
    placeholder: impl Fn(IdentifierId) -> Result<bool>,
    options: &IdentityOptions,
    run: &Run,
) -> Result<IdentityLinks> {
    options.check()?;
    run.stage("identity evidence", 0);
    let (evidence, passed_over) = Evidence::new(groups, placeholder, options, run)?;
    let mut forest = Forest::new(evidence.num_accounts());
    let mut num_pairs = 0;
    run.install(|| {
        let mut take = |batch: Vec<Vec<Pair>>| {
            let strong = |pair: &&Pair| pair.weight >= options.weight_min;
            num_pairs += batch.iter().flatten().filter(strong).count() as u64;
            forest.add(batch);
            run.check()
        };
        pairs::pairs(&evidence, &mut take, run)
    })?;
    let (links, cuts, outgrown) = forest.cut(options.weight_min, options.members_max);
    let curve = forest.curve();
    let mut found =
        IdentityLinks { cuts, outgrown, passed_over, curve, num_pairs, ..IdentityLinks::default() };
    number(&mut found, &links, evidence.num_accounts());
    explain(&mut found, &evidence);
    let articulations = run.install(|| articulations(&evidence, &found, options.weight_min, run))?;
    mark(&mut found, &articulations);
    Ok(found)
}

/// Numbers the rings of some links, strongest first, and sorts everything by ring.
fn number(found: &mut IdentityLinks, links: &[Pair], num_accounts: usize) {
    let mut trees = Trees::new(num_accounts);
    links.iter().for_each(|pair| _ = trees.unite(pair.a, pair.b));
    let mut accounts: Vec<u32> = links.iter().flat_map(|pair| [pair.a, pair.b]).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let mut rooted: Vec<(u32, u32)> =
        accounts.iter().map(|&account| (trees.root(account), account)).collect();
    rooted.sort_unstable();
    let mut rings: Vec<&[(u32, u32)]> = rooted.chunk_by(|a, b| a.0 == b.0).collect();
    rings.sort_unstable_by_key(|ring| (Reverse(ring.len()), ring[0].1));
    let mut numbers = vec![NONE; num_accounts]; // by root
    found.offsets.push(0);
    for (number, ring) in rings.iter().enumerate() {
        numbers[ring[0].0 as usize] = number as u32;
        found.members.extend(ring.iter().map(|&(_, account)| AccountId(account)));
        found.offsets.push(found.members.len());
    }
    let link = |pair: &Pair| Link {
        ring: numbers[trees.root(pair.a) as usize],
        a: AccountId(pair.a),
        b: AccountId(pair.b),
        weight: pair.weight,
    };
    found.links = links.iter().map(link).collect();
    found.links.sort_by_key(|link| link.ring); // stable: strongest first within a ring
    let rings = found.links.chunk_by(|one, other| one.ring == other.ring);
    found.cohesion = rings.map(|ring| ring[ring.len() - 1].weight).collect();
}

/// Says of each link what its accounts share.
fn explain(found: &mut IdentityLinks, evidence: &Evidence) {
    found.share_offsets.push(0);
    for link in &found.links {
        found.shares.extend(evidence.shares(link.a, link.b));
        found.share_offsets.push(found.shares.len());
    }
}

/// Marks what each ring falls apart without, in every link that it is part of.
fn mark(found: &mut IdentityLinks, articulations: &[Vec<IdentifierId>]) {
    for (at, link) in found.links.iter().enumerate() {
        let of_ring = &articulations[link.ring as usize];
        for share in &mut found.shares[found.share_offsets[at]..found.share_offsets[at + 1]] {
            share.articulation = of_ring.binary_search(&share.identifier).is_ok();
        }
    }
}
