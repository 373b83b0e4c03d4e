//! Projections against plain readings of the same rows: weights, identifiers, hubs, windows, sets of accounts.
#![allow(clippy::unwrap_used)]

mod support;

use ringfence::graph::links::identifier_groups;
use ringfence::graph::project::{
    HubNode, HubRule, Nodes, Over, ProjectOptions, Projection, Rows, Weight, project, project_directed,
};
use ringfence::graph::{Graph, Transaction, View};
use ringfence::ids::{AccountId, IdentifierId, TxId};
use ringfence::store::manifest::Partition;
use ringfence::units::Window;
use ringfence::{Error, Run};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};
use support::{ledger, ledger_with, random, random_ledger, scratch};

type Pairs = BTreeMap<(u32, u32), u64>;

fn transactions(view: &View<'_>) -> Vec<Transaction> {
    let rows =
        (view.positions().start.0..view.positions().end.0).map(|id| view.graph().transaction(TxId(id)));
    rows.map(Result::unwrap)
        .filter(|row| view.contains(row.source) && view.contains(row.destination))
        .collect()
}

/// What a transfer weighs, from the definition.
fn value(row: &Transaction, weight: Weight) -> u64 {
    let paid = row.paid.max(0) as u64;
    match weight {
        Weight::Count => 1,
        Weight::Amount(currency) => {
            if row.paid_currency == currency {
                paid
            } else {
                0
            }
        }
        Weight::LogAmount => {
            // Straight lines between powers of 2, in sixteenths, rounded down.
            let power = (0..64).rev().find(|&power| (paid + 1) >> power > 0).unwrap();
            let beyond = u128::from(paid + 1 - (1 << power));
            power * 16 + (beyond * 16 / (1_u128 << power)) as u64
        }
    }
}

/// Pairs in both directions before any rule for hubs, from the definition.
fn expected(view: &View<'_>, options: &ProjectOptions, unit: u64) -> Pairs {
    let mut pairs = Pairs::new();
    let joins = |account: AccountId| !options.allowed_accounts.contains(account.0);
    let mut add = |a: AccountId, b: AccountId, weight: u64| {
        if a != b && joins(a) && joins(b) && weight > 0 {
            *pairs.entry((a.0, b.0)).or_default() += weight;
        }
    };
    if options.over != Over::Identifiers {
        for row in transactions(view) {
            let weight = value(&row, options.weight) * unit * u64::from(options.transfers_weight);
            add(row.source, row.destination, weight);
            add(row.destination, row.source, weight);
        }
    }
    if options.over != Over::Transfers {
        for (identifier, uses) in identifier_groups(view, &Run::new()).unwrap().iter() {
            let many = uses.len() > options.accounts_max as usize;
            if many || uses.len() < 2 || options.allowed_identifiers.contains(&identifier) {
                continue;
            }
            let weight = unit * u64::from(options.identifiers_weight) / (uses.len() as u64 - 1);
            for one in uses {
                for two in uses {
                    add(one.account, two.account, weight.max(1));
                }
            }
        }
    }
    pairs
}

fn found(rows: &Rows, nodes: &Nodes) -> Pairs {
    let mut pairs = Pairs::new();
    assert_eq!(rows.num_nodes(), nodes.len());
    for node in 0..rows.num_nodes() as u32 {
        assert!(rows.neighbors(node).is_sorted_by(|a, b| a < b));
        assert_eq!(nodes.node(nodes.account(node)), Some(node));
        let account = |node| nodes.account(node).0;
        pairs.extend(
            rows.entries(node).map(|(neighbor, weight)| ((account(node), account(neighbor)), weight)),
        );
    }
    pairs
}

fn pairs_of(projection: &Projection) -> Pairs {
    found(&projection.rows, &projection.nodes)
}

fn degrees(pairs: &Pairs) -> BTreeMap<u32, usize> {
    let mut degrees = BTreeMap::new();
    pairs.keys().for_each(|pair| *degrees.entry(pair.0).or_default() += 1);
    degrees
}

fn links(seed: u64, accounts: u64, identifiers: u64, rows: u64) -> String {
    let row = |row: u64| {
        let number = |step: u64, bound: u64| random(seed, row * 3 + step) % bound;
        format!("a{},phone,p{}\n", number(0, accounts), number(1, identifiers))
    };
    std::iter::once("account,kind,value\n".to_string()).chain((0..rows).map(row)).collect()
}

fn graph_with_links(seed: u64) -> Graph {
    ledger_with(&random_ledger(seed, 40, 700), Some(&links(seed, 40, 30, 90)), &scratch(), &Run::new())
        .graph()
}

fn projected(view: &View<'_>, options: &ProjectOptions) -> Projection {
    project(view, options, &Run::new()).unwrap()
}

#[test]
fn every_pair_weighs_what_joins_it() {
    for seed in 0..6 {
        let graph = graph_with_links(seed);
        let currency = graph.find_currency("EUR").unwrap();
        for over in [Over::Transfers, Over::Identifiers, Over::Both] {
            for weight in [Weight::Count, Weight::LogAmount, Weight::Amount(currency)] {
                let options = ProjectOptions {
                    over,
                    weight,
                    transfers_weight: 1 + seed as u32 % 3,
                    identifiers_weight: 2,
                    accounts_max: 3 + seed as u32,
                    ..ProjectOptions::default()
                };
                let projection = projected(&graph.view(), &options);
                let unit = if over == Over::Transfers { 1 } else { 64 };
                assert_eq!(options.unit(), unit);
                assert_eq!(pairs_of(&projection), expected(&graph.view(), &options, unit), "{options:?}");
            }
        }
    }
}

#[test]
fn a_window_and_a_set_of_accounts_are_all_that_is_seen() {
    let text = random_ledger(9, 30, 600);
    let store = ledger_with(&text, Some(&links(9, 30, 20, 60)), &scratch(), &Run::new());
    let graph = store.graph();
    let times: Vec<i64> = transactions(&graph.view()).iter().map(|row| row.time).collect();
    for round in 0..12 {
        let at = |step| times[(random(round, step) % times.len() as u64) as usize];
        let (from, to) = (at(0).min(at(1)), at(0).max(at(1)) + 1);
        let accounts: RoaringBitmap =
            (0..30).filter(|&account| !random(round, 50 + u64::from(account)).is_multiple_of(3)).collect();
        let view = graph.window(Window { from, to }).unwrap().among(accounts);
        let options = ProjectOptions { over: Over::Both, ..ProjectOptions::default() };
        assert_eq!(pairs_of(&projected(&view, &options)), expected(&view, &options, 64));
        let options = ProjectOptions::default();
        assert_eq!(pairs_of(&projected(&view, &options)), expected(&view, &options, 1));
    }
}

#[test]
fn hubs_are_cut_or_damped_and_listed() {
    for seed in 20..26 {
        let graph = graph_with_links(seed);
        let all = ProjectOptions { over: Over::Both, ..ProjectOptions::default() };
        let before = expected(&graph.view(), &all, 64);
        let degree = degrees(&before);
        let most = degree.values().sum::<usize>() / degree.len();
        let hubs: BTreeSet<u32> =
            degree.iter().filter(|&(_, &degree)| degree > most).map(|(&node, _)| node).collect();
        assert!(!hubs.is_empty());
        for rule in [HubRule::Cut, HubRule::Damp] {
            let options = ProjectOptions { neighbors_max: Some(most as u32), hubs: rule, ..all.clone() };
            let projection = projected(&graph.view(), &options);
            let mut after = before.clone();
            match rule {
                HubRule::Cut => after.retain(|pair, _| !hubs.contains(&pair.0) && !hubs.contains(&pair.1)),
                _ => after.iter_mut().for_each(|(pair, weight)| {
                    let mut ends = [degree[&pair.0], degree[&pair.1]];
                    ends.sort_unstable();
                    for end in ends.into_iter().filter(|&end| end > most) {
                        *weight = *weight * most as u64 / end as u64;
                    }
                    *weight = (*weight).max(1);
                }),
            }
            assert_eq!(pairs_of(&projection), after);
            let left = degrees(&after);
            let listed: Vec<(u32, usize, usize)> = projection
                .hubs
                .iter()
                .filter_map(|hub| match hub.node {
                    HubNode::Account(account) => Some((account.0, hub.degree as usize, hub.kept as usize)),
                    HubNode::Identifier(_) => None,
                })
                .collect();
            let expected: Vec<(u32, usize, usize)> = hubs
                .iter()
                .map(|hub| (*hub, degree[hub], left.get(hub).copied().unwrap_or_default()))
                .collect();
            assert_eq!(listed, expected);
        }
    }
}

#[test]
fn a_pair_of_a_hub_stays_where_chance_does_not_explain_it() {
    // A hub that pays fifty accounts once each and one account thirty times.
    let mut text = String::from("transaction,source,destination,time,amount,currency\n");
    let mut row = |source: &str, target: &str, number: usize| {
        let hour = number % 24;
        text += &format!(
            "t{number},{source},{target},2024-01-{:02}T{hour:02}:00:00Z,1.00,EUR\n",
            1 + number / 24
        );
    };
    (0..50).for_each(|number| row("hub", &format!("a{number}"), number));
    (50..80).for_each(|number| row("hub", "friend", number));
    (80..400).for_each(|number| row(&format!("b{}", number % 17), &format!("a{}", number % 50), number));
    let graph = ledger(&text, None).graph();
    let account = |key: &str| graph.find_account(key).unwrap().unwrap();
    let rule = HubRule::Significant { alpha: 0.01 };
    let options = ProjectOptions { neighbors_max: Some(40), hubs: rule, ..ProjectOptions::default() };
    let projection = projected(&graph.view(), &options);
    assert_eq!(projection.rows.neighbors(account("hub").0), [account("friend").0]);
    let [hub] = projection.hubs[..] else { panic!("{:?}", projection.hubs) };
    assert_eq!((hub.node, hub.degree, hub.kept), (HubNode::Account(account("hub")), 51, 1));
    let without: Pairs = expected(&graph.view(), &ProjectOptions::default(), 1);
    let others = |pairs: &Pairs| {
        let other = |pair: &(u32, u32)| pair.0 != account("hub").0 && pair.1 != account("hub").0;
        pairs.iter().filter(|(pair, _)| other(pair)).map(|(pair, weight)| (*pair, *weight)).collect::<Pairs>()
    };
    assert_eq!(others(&pairs_of(&projection)), others(&without));
}

#[test]
fn what_is_allowed_joins_nobody_and_is_listed() {
    let graph = graph_with_links(31);
    let groups = identifier_groups(&graph.view(), &Run::new()).unwrap();
    let (identifier, uses) = groups.iter().find(|(_, uses)| uses.len() > 2).unwrap();
    let (identifier, accounts): (IdentifierId, u32) = (identifier, uses.len() as u32);
    let options = ProjectOptions {
        over: Over::Both,
        allowed_accounts: RoaringBitmap::from_iter([3, 7]),
        allowed_identifiers: vec![identifier],
        ..ProjectOptions::default()
    };
    let projection = projected(&graph.view(), &options);
    assert_eq!(pairs_of(&projection), expected(&graph.view(), &options, 64));
    assert!(projection.rows.neighbors(3).is_empty());
    let listed: Vec<(HubNode, u32, bool)> =
        projection.hubs.iter().map(|hub| (hub.node, hub.degree, hub.allowed)).collect();
    assert_eq!(
        listed,
        [
            (HubNode::Account(AccountId(3)), 0, true),
            (HubNode::Account(AccountId(7)), 0, true),
            (HubNode::Identifier(identifier), accounts, true)
        ]
    );
}

#[test]
fn who_pays_whom_stands_in_both_directions() {
    let graph = ledger_with(&random_ledger(41, 25, 500), None, &scratch(), &Run::new()).graph();
    let mut pays = Pairs::new();
    for row in transactions(&graph.view()).iter().filter(|row| row.source != row.destination) {
        *pays.entry((row.source.0, row.destination.0)).or_default() += 1;
    }
    let directed = project_directed(&graph.view(), &ProjectOptions::default(), &Run::new()).unwrap();
    assert_eq!(found(&directed.out, &directed.nodes), pays);
    assert_eq!(
        found(&directed.incoming, &directed.nodes),
        pays.iter().map(|(&(a, b), &weight)| ((b, a), weight)).collect()
    );
}

#[test]
fn segments_and_threads_make_no_difference() {
    let text = random_ledger(51, 9_000, 12_000);
    let whole = ledger(&text, None).graph();
    let parts = {
        let mut options = scratch();
        options.partition = Partition::Week;
        ledger_with(&text, None, &options, &Run::new()).graph()
    };
    let options = ProjectOptions {
        weight: Weight::LogAmount,
        neighbors_max: Some(4),
        hubs: HubRule::Damp,
        ..ProjectOptions::default()
    };
    let expected = projected(&whole.view(), &options);
    assert_eq!(projected(&parts.view(), &options), expected);
    for threads in [1, 2, 3, 7, 16] {
        let run = Run::new().threads(threads).unwrap();
        assert_eq!(project(&whole.view(), &options, &run).unwrap(), expected);
    }
}

#[test]
fn options_outside_of_their_range_are_refused_by_name() {
    let graph = graph_with_links(61);
    let refused = |options: ProjectOptions| match project(&graph.view(), &options, &Run::new()) {
        Err(Error::Option { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    let usual = ProjectOptions::default;
    assert_eq!(refused(ProjectOptions { transfers_weight: 0, ..usual() }), "transfers_weight");
    assert_eq!(refused(ProjectOptions { identifiers_weight: 0, ..usual() }), "identifiers_weight");
    assert_eq!(refused(ProjectOptions { accounts_max: 1, ..usual() }), "accounts_max");
    let beyond = RoaringBitmap::from_iter([graph.num_accounts()]);
    assert_eq!(refused(ProjectOptions { allowed_accounts: beyond, ..usual() }), "allowed_accounts");
    for alpha in [0.0, 1.0, f64::NAN] {
        assert_eq!(refused(ProjectOptions { hubs: HubRule::Significant { alpha }, ..usual() }), "hubs");
    }
    let rule = HubRule::Significant { alpha: 0.01 };
    assert_eq!(refused(ProjectOptions { hubs: rule, weight: Weight::LogAmount, ..usual() }), "hubs");
}
