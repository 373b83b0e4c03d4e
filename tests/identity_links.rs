//! Identity linking: against the definition on random groups, by its laws, and on data whose truth another program wrote.

#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

#[path = "oracle/identity.rs"]
mod oracle;

use ringfence::community::identity::{
    IdentityLinks, IdentityOptions, KindEvidence, Reason, Share, link_identities,
};
use ringfence::graph::links::{IdentifierGroups, Use};
use ringfence::ids::{AccountId, IdentifierId, KindId};
use ringfence::random::Stream;
use ringfence::{Error, Result, Run};
use std::collections::BTreeSet;

fn identifier(kind: u8, value: u32) -> IdentifierId {
    IdentifierId { kind: KindId(kind), value }
}

fn undated(accounts: &[u32]) -> Vec<Use> {
    let one = |&account| Use { account: AccountId(account), first: i64::MIN, last: i64::MIN, count: 1 };
    accounts.iter().map(one).collect()
}

/// Random uses of up to three kinds, some without dates; which identifiers stand for none; options of every sort.
fn random(seed: u64) -> (IdentifierGroups, BTreeSet<IdentifierId>, IdentityOptions) {
    let mut draws = Stream::new(seed, 81).draws(0);
    let num_accounts = 2 + draws.below(24);
    let num_kinds = 1 + draws.below(3);
    let num_identifiers = 1 + draws.below(14);
    let mut uses = oracle::Uses::new();
    for number in 0..num_identifiers {
        let kind = draws.below(num_kinds) as u8;
        let each = (0..1 + draws.below(5)).map(|_| {
            let account = AccountId(draws.below(num_accounts) as u32);
            let day = |days: u64| 86_400_000_000 * days as i64;
            let first = if draws.below(4) == 0 { i64::MIN } else { day(draws.below(60)) };
            let last = if draws.below(4) == 0 { i64::MIN } else { first.max(0) + day(draws.below(9)) };
            Use { account, first, last, count: 1 }
        });
        uses.push((identifier(kind, number as u32), each.collect()));
    }
    let some = |draws: &mut ringfence::random::Draws| uses[draws.below(num_identifiers) as usize].0;
    let placeholders = (0..draws.below(3)).map(|_| some(&mut draws)).collect();
    let evidence = |draws: &mut ringfence::random::Draws| KindEvidence {
        m_permille: [1, 300, 900, 1_000][draws.below(4) as usize],
        weight_max: (draws.below(3) == 0).then(|| draws.below(1_500) as u32),
        half_life_s: (draws.below(2) == 0).then(|| 86_400 * (1 + draws.below(20))),
    };
    let options = IdentityOptions {
        kinds: (draws.below(6) == 0).then(|| vec![KindId(0), KindId(2)]),
        each_kind: evidence(&mut draws),
        of_kind: (0..draws.below(3)).map(|kind| (KindId(kind as u8), evidence(&mut draws))).collect(),
        correlated: [vec![], vec![vec![KindId(0), KindId(1)]], vec![vec![KindId(2)], vec![KindId(0)]]]
            [draws.below(3) as usize]
            .clone(),
        population: (draws.below(3) > 0).then(|| 1 + draws.below(5_000) as u32),
        accounts_max: 2 + draws.below(4) as u32,
        allowed: (0..draws.below(2)).map(|_| some(&mut draws)).collect(),
        placeholders: Vec::new(),
        weight_min: 1 + draws.below(2_000) as u32,
        members_max: 2 + draws.below(9) as u32,
    };
    (uses.into_iter().collect(), placeholders, options)
}

fn link(
    groups: &IdentifierGroups,
    placeholders: &BTreeSet<IdentifierId>,
    options: &IdentityOptions,
) -> IdentityLinks {
    link_identities(groups, |identifier| Ok(placeholders.contains(&identifier)), options, &Run::new())
        .unwrap()
}

#[test]
fn links_are_what_the_definition_says() {
    let (mut cuts, mut rings, mut reasons, mut whole, mut apart) = (0, 0, BTreeSet::new(), 0, 0);
    for seed in 0..3_000 {
        let (groups, placeholders, options) = random(seed);
        let found = link(&groups, &placeholders, &options);
        let expected = oracle::expected(&groups, &placeholders, &options);
        let passed: Vec<_> =
            found.passed_over.iter().map(|p| (p.identifier, p.num_accounts, p.reason)).collect();
        assert_eq!(passed, expected.passed_over, "seed {seed}");
        let members: Vec<BTreeSet<u32>> =
            (0..found.len()).map(|ring| found.ring(ring).iter().map(|account| account.0).collect()).collect();
        assert_eq!(members, expected.rings, "seed {seed}");
        assert!((0..found.len()).all(|ring| found.ring(ring).is_sorted()));
        let mut links: Vec<_> = found.links.iter().map(|link| (link.a.0, link.b.0, link.weight)).collect();
        links.sort_by_key(|&(a, b, weight)| (std::cmp::Reverse(weight), a, b));
        assert_eq!(links, expected.links, "seed {seed}");
        let cut: Vec<_> = found.cuts.iter().map(|cut| (cut.a.0, cut.b.0, cut.weight)).collect();
        assert_eq!(cut, expected.cuts, "seed {seed}");
        let outgrown: Vec<_> =
            found.outgrown.iter().map(|each| (each.account.0, each.num_accounts)).collect();
        assert_eq!(outgrown, expected.outgrown, "seed {seed}");
        assert_eq!(found.curve, expected.curve, "seed {seed}");
        let strong = expected.pairs.values().filter(|&&weight| weight >= options.weight_min).count();
        assert_eq!(found.num_pairs, strong as u64);
        for ring in 0..found.len() {
            let explained: Vec<&Share> = shares_of_ring(&found, ring).collect();
            let marked: BTreeSet<IdentifierId> =
                explained.iter().filter(|share| share.articulation).map(|share| share.identifier).collect();
            assert_eq!(marked, expected.articulations[ring], "seed {seed}");
            apart += marked.len();
            let all: BTreeSet<IdentifierId> = explained.iter().map(|share| share.identifier).collect();
            whole += all.len() - marked.len();
        }
        cuts += cut.len();
        rings += found.len();
        reasons.extend(passed.into_iter().map(|passed| passed.2));
    }
    // The random cases reach everything.
    assert!(cuts > 300 && rings > 1_000 && reasons.len() == 4, "{cuts} {rings} {reasons:?}");
    assert!(apart > 1_000 && whole > 300, "{apart} {whole}");
}

/// What explains the links of a ring.
fn shares_of_ring(found: &IdentityLinks, ring: usize) -> impl Iterator<Item = &Share> {
    let links = (0..found.links.len()).filter(move |&at| found.links[at].ring == ring as u32);
    links.flat_map(|at| found.shares_of(at))
}

#[test]
fn a_ring_falls_apart_when_all_is_linked_anew_without_its_articulation() {
    let mut tried = [0, 0];
    for seed in 0..600 {
        let (groups, placeholders, options) = random(seed);
        // The others are to weigh the same whoever is left out, and nothing is cut.
        let options = IdentityOptions { population: Some(3_000), members_max: 100, ..options };
        let found = link(&groups, &placeholders, &options);
        for ring in 0..found.len() {
            for share in shares_of_ring(&found, ring) {
                let others = groups.iter().filter(|(identifier, _)| *identifier != share.identifier);
                let others = others.map(|(identifier, uses)| (identifier, uses.to_vec())).collect();
                let anew = link(&others, &placeholders, &options);
                let is_whole = (0..anew.len()).any(|other| anew.ring(other) == found.ring(ring));
                assert_eq!(share.articulation, !is_whole, "seed {seed}, {:?}", share.identifier);
                tried[usize::from(is_whole)] += 1;
            }
        }
    }
    assert!(tried.iter().all(|&times| times > 500), "{tried:?}");
}

#[test]
fn a_chain_hangs_on_each_of_its_ties_and_a_circle_on_none() {
    let tie = |at: u32, next: u32| (identifier(0, at), undated(&[at, next]));
    let marks = |ties: Vec<(IdentifierId, Vec<Use>)>| -> Vec<bool> {
        let options = IdentityOptions { population: Some(5_000), ..IdentityOptions::default() };
        let found = link(&ties.into_iter().collect(), &BTreeSet::new(), &options);
        assert_eq!(found.len(), 1);
        found.shares.iter().map(|share| share.articulation).collect()
    };
    assert_eq!(marks((0..7).map(|at| tie(at, at + 1)).collect()), [true; 7]);
    assert_eq!(marks((0..7).map(|at| tie(at, (at + 1) % 7)).collect()), [false; 6]);
    // A device of all, and telephones of two each: the device alone is needed by those who have no telephone.
    let device = (identifier(1, 0), undated(&[0, 1, 2]));
    assert_eq!(marks(vec![device.clone(), tie(0, 1)]), [false, true, true]);
    assert_eq!(marks(vec![device, tie(0, 1), tie(1, 2)]), [false; 4]);
}

#[test]
fn every_ring_is_a_tree_of_links_whose_shares_add_up() {
    for seed in 0..1_000 {
        let (groups, placeholders, options) = random(seed);
        let found = link(&groups, &placeholders, &options);
        assert_eq!(found.share_offsets.len(), found.links.len() + 1);
        for ring in 0..found.len() {
            let links = || found.links.iter().filter(|link| link.ring == ring as u32);
            assert_eq!(links().count(), found.ring(ring).len() - 1);
            let connected = oracle::rings(links().map(|link| (link.a.0, link.b.0)));
            assert_eq!(connected.len(), 1);
            assert!(connected[0].iter().copied().eq(found.ring(ring).iter().map(|account| account.0)));
            assert_eq!(links().map(|link| link.weight).min(), Some(found.cohesion[ring]));
            assert!(found.ring(ring).len() <= options.members_max as usize);
        }
        for (at, link) in found.links.iter().enumerate() {
            let shares = found.shares_of(at);
            assert_eq!(shares.iter().map(|share| share.counted).sum::<u32>(), link.weight);
            assert!(shares.is_sorted_by_key(|share| share.identifier));
            for share in shares {
                assert!(share.counted <= share.weight && share.weight > 0);
                let uses = groups.iter().find(|(identifier, _)| *identifier == share.identifier).unwrap().1;
                assert_eq!(uses.len(), share.num_accounts as usize);
                let is_user = |account| uses.iter().any(|each| each.account == account);
                assert!(is_user(link.a) && is_user(link.b));
            }
        }
    }
}

#[test]
fn rings_do_not_depend_on_how_accounts_and_identifiers_are_numbered() {
    for seed in 0..300 {
        let (groups, placeholders, mut options) = random(seed);
        let turned_account = |account: AccountId| AccountId(500 - account.0);
        let turned = |identifier: IdentifierId| IdentifierId { value: 100 - identifier.value, ..identifier };
        let turned_groups: IdentifierGroups = groups
            .iter()
            .map(|(identifier, uses)| {
                let each = |each: &Use| Use { account: turned_account(each.account), ..*each };
                (turned(identifier), uses.iter().map(each).collect())
            })
            .collect();
        let turned_placeholders = placeholders.iter().map(|&identifier| turned(identifier)).collect();
        let one = link(&groups, &placeholders, &options);
        options.allowed = options.allowed.iter().map(|&identifier| turned(identifier)).collect();
        let other = link(&turned_groups, &turned_placeholders, &options);
        assert_eq!((one.num_pairs, &one.curve), (other.num_pairs, &other.curve));
        let sets = |found: &IdentityLinks, turn: bool| -> BTreeSet<(BTreeSet<u32>, u32)> {
            let account = |account: &AccountId| if turn { turned_account(*account).0 } else { account.0 };
            let ring = |ring: usize| (found.ring(ring).iter().map(account).collect(), found.cohesion[ring]);
            (0..found.len()).map(ring).collect()
        };
        assert_eq!(sets(&one, false), sets(&other, true));
    }
}

#[test]
fn a_ring_of_many_pairs_hangs_on_what_holds_the_last_of_them() {
    // A device of five hundred and a telephone of every second of them; one more hangs on an address, two on another that they share twice.
    let groups: IdentifierGroups = [
        (identifier(0, 0), undated(&(0..500).collect::<Vec<u32>>())),
        (identifier(1, 0), undated(&(0..500).step_by(2).collect::<Vec<u32>>())),
        (identifier(2, 0), undated(&[7, 900])),
        (identifier(2, 1), undated(&[8, 901, 902])),
        (identifier(2, 2), undated(&[901, 902])),
    ]
    .into_iter()
    .collect();
    let options = IdentityOptions {
        population: Some(1_000_000),
        accounts_max: 1_000,
        members_max: 1_000,
        ..IdentityOptions::default()
    };
    let found = link(&groups, &BTreeSet::new(), &options);
    assert_eq!((found.len(), found.ring(0).len()), (1, 503));
    let marked = |value: IdentifierId| {
        let shares: Vec<&Share> = found.shares.iter().filter(|share| share.identifier == value).collect();
        assert!(shares.iter().all(|share| share.articulation == shares[0].articulation));
        shares[0].articulation
    };
    let values = [identifier(0, 0), identifier(1, 0), identifier(2, 0), identifier(2, 1), identifier(2, 2)];
    assert_eq!(values.map(marked), [true, false, true, true, false]);
}

/// Two hundred thousand accounts, most alone with their devices, many in small groups, some identifiers of thousands.
fn large() -> IdentifierGroups {
    let mut draws = Stream::new(9, 82).draws(0);
    let group = |number: u32| {
        let size = [1, 2, 2, 3, 5, 40, 3_000]
            [if number.is_multiple_of(10_000) { 6 } else { draws.below(6) as usize }];
        let near = draws.below(200_000);
        let account = |_| ((near + draws.below(20 * size)) % 200_000) as u32;
        let accounts: Vec<u32> = (0..size).map(account).collect();
        (identifier((number % 3) as u8, number), undated(&accounts))
    };
    (0..60_000).map(group).collect()
}

#[test]
fn links_are_the_same_for_any_number_of_threads() {
    let groups = large();
    let of = |threads: usize| {
        let run = Run::new().threads(threads).unwrap();
        link_identities(&groups, |_| Ok(false), &IdentityOptions::default(), &run).unwrap()
    };
    let expected = of(1);
    assert!(expected.len() > 1_000 && !expected.cuts.is_empty() && expected.passed_over.len() >= 6);
    for threads in [2, 3, 7, 16] {
        assert!(of(threads) == expected, "{threads} threads");
    }
}

#[test]
fn a_chain_of_weak_links_that_grows_too_long_leaves_its_strong_parts() {
    // Accounts 0, 1, 2, …, each tied to the next by an identifier of the two; of every ten the first four ties are doubled.
    let chain = (0..1_000_u32).map(|at| (identifier(0, at), undated(&[at, at + 1])));
    let doubled =
        (0..1_000_u32).filter(|at| at % 10 < 4).map(|at| (identifier(1, at), undated(&[at, at + 1])));
    let pair = [(identifier(0, 5_000), undated(&[2_000, 2_001]))];
    let groups: IdentifierGroups = chain.chain(doubled).chain(pair).collect();
    let found = link(&groups, &BTreeSet::new(), &IdentityOptions { members_max: 60, ..Default::default() });
    let rings: Vec<Vec<u32>> =
        (0..found.len()).map(|ring| found.ring(ring).iter().map(|account| account.0).collect()).collect();
    let mut expected: Vec<Vec<u32>> = (0..100).map(|at| (10 * at..10 * at + 5).collect()).collect();
    expected.push(vec![2_000, 2_001]); // a weak link, but of something small
    assert_eq!(rings, expected);
    assert_eq!((found.links.len(), found.cuts.len()), (401, 600));
    assert_eq!(
        found.outgrown.iter().map(|each| (each.account.0, each.num_accounts)).collect::<Vec<_>>(),
        [(0, 1_001)]
    );
    assert_eq!(found.curve[0].largest, 1_001);
}

#[test]
fn options_outside_their_range_are_refused_by_name() {
    let groups = IdentifierGroups::default();
    let refused = |name: &str, change: fn(&mut IdentityOptions)| {
        let mut options = IdentityOptions::default();
        change(&mut options);
        let never = |_| -> Result<bool> { panic!("asked before options were checked") };
        let found = link_identities(&groups, never, &options, &Run::new());
        assert!(matches!(found, Err(Error::Option { name: found, .. }) if found == name), "{name}");
    };
    refused("accounts_max", |options| options.accounts_max = 1);
    refused("accounts_max", |options| options.accounts_max = 10_001);
    refused("weight_min", |options| options.weight_min = 0);
    refused("members_max", |options| options.members_max = 1);
    refused("population", |options| options.population = Some(0));
    refused("m_permille", |options| options.each_kind.m_permille = 1_001);
    refused("half_life_s", |options| {
        options.of_kind = vec![(KindId(1), KindEvidence { half_life_s: Some(0), ..Default::default() })];
    });
    refused("correlated", |options| options.correlated = vec![vec![KindId(1), KindId(2)], vec![KindId(2)]]);
    let nothing = link(&groups, &BTreeSet::new(), &IdentityOptions::default());
    assert!(nothing.is_empty() && nothing.offsets == [0] && nothing.curve.is_empty());
}

#[test]
fn what_goes_wrong_with_a_value_is_passed_on() {
    let groups: IdentifierGroups = [(identifier(0, 0), undated(&[1, 2]))].into_iter().collect();
    let fail = |_| Err(Error::input("value", "cannot be read"));
    let found = link_identities(&groups, fail, &IdentityOptions::default(), &Run::new());
    assert!(matches!(found, Err(Error::Input { .. })));
    let run = Run::new();
    run.cancel_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    let found = link_identities(&groups, |_| Ok(false), &IdentityOptions::default(), &run);
    assert!(matches!(found, Err(Error::Cancelled)));
}

#[test]
fn an_identifier_that_all_use_is_common_and_one_on_the_list_is_allowed() {
    let all: Vec<u32> = (0..10).collect();
    let groups: IdentifierGroups =
        [(identifier(0, 0), undated(&all)), (identifier(0, 1), undated(&[1, 2]))].into_iter().collect();
    let options = IdentityOptions { allowed: vec![identifier(0, 1)], ..IdentityOptions::default() };
    let found = link(&groups, &BTreeSet::new(), &options);
    let reasons: Vec<Reason> = found.passed_over.iter().map(|passed| passed.reason).collect();
    assert_eq!((reasons, found.len()), (vec![Reason::Common, Reason::Allowed], 0));
}
