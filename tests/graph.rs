//! The graph is the rows: views, subgraphs, projections and components against plain readings of the same ledger.
#![allow(clippy::unwrap_used)]

mod support;

use petgraph::visit::EdgeRef;
use ringfence::Run;
use ringfence::community::{ComponentsOptions, Over, components};
use ringfence::graph::subgraph::{Subgraph, SubgraphOptions};
use ringfence::graph::{Graph, Slice, Transaction};
use ringfence::ids::{AccountId, TxId};
use ringfence::store::manifest::Partition;
use ringfence::units::Window;
use std::collections::{BTreeMap, BTreeSet};
use support::{ledger, ledger_with, random_ledger, scratch};

fn all(graph: &Graph) -> Vec<Transaction> {
    (0..graph.num_transactions()).map(|id| graph.transaction(TxId(id)).unwrap()).collect()
}

fn positions<'g>(slices: impl Iterator<Item = ringfence::Result<Slice<'g>>>) -> Vec<(u64, u32)> {
    let mut found = Vec::new();
    for slice in slices {
        let slice = slice.unwrap();
        let edges = slice.transactions.iter().zip(slice.neighbors);
        found.extend(edges.map(|(&row, &neighbor)| (slice.base.0 + u64::from(row), neighbor)));
    }
    found
}

#[test]
fn every_row_is_found_again_by_key_with_its_content() {
    let text = random_ledger(1, 20, 400);
    let graph = ledger(&text, None).graph();
    assert_eq!(graph.num_transactions(), 400);
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let id = graph.find_transaction(fields[0]).unwrap().unwrap();
        assert_eq!(graph.transaction_key(id).unwrap(), fields[0]);
        let transaction = graph.transaction(id).unwrap();
        assert_eq!(graph.account_key(transaction.source).unwrap(), fields[1]);
        assert_eq!(graph.account_key(transaction.destination).unwrap(), fields[2]);
        assert_eq!(ringfence::units::time::format_time(transaction.time), fields[3]);
        let shown = |minor: i64, currency| {
            ringfence::units::amount::format_amount(i128::from(minor), graph.currency(currency).exponent)
        };
        assert_eq!(shown(transaction.paid, transaction.paid_currency), fields[4]);
        assert_eq!(graph.currency(transaction.paid_currency).code, fields[5]);
        let received = if fields[6].is_empty() { (fields[4], fields[5]) } else { (fields[6], fields[7]) };
        assert_eq!(shown(transaction.received, transaction.received_currency), received.0);
        assert_eq!(graph.currency(transaction.received_currency).code, received.1);
    }
    assert_eq!(graph.find_transaction("t400").unwrap(), None);
    assert_eq!(graph.find_account("a20").unwrap(), None);
}

#[test]
fn positions_follow_time_then_row() {
    let text = random_ledger(2, 9, 500);
    let graph = ledger(&text, None).graph();
    let mut expected: Vec<(&str, usize)> =
        text.lines().skip(1).enumerate().map(|(row, line)| (line.split(',').nth(3).unwrap(), row)).collect();
    expected.sort();
    let found: Vec<String> = (0..500).map(|id| graph.transaction_key(TxId(id)).unwrap()).collect();
    let expected: Vec<String> = expected.into_iter().map(|(_, row)| format!("t{row}")).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_window_equals_a_filtered_copy_in_every_partition_width() {
    let text = random_ledger(3, 12, 300);
    for partition in [Partition::Week, Partition::Month, Partition::Year, Partition::None] {
        let options = ringfence::graph::build::IngestOptions { partition, ..scratch() };
        let graph = ledger_with(&text, None, &options, &Run::new()).graph();
        let rows = all(&graph);
        let times: BTreeSet<i64> = rows.iter().map(|row| row.time).collect();
        let moments: Vec<i64> = times.iter().copied().step_by(17).chain([i64::MIN, i64::MAX]).collect();
        for &from in &moments {
            for &to in &moments {
                let window = Window { from, to };
                let view = graph.window(window).unwrap();
                let inside: Vec<&Transaction> = rows.iter().filter(|row| window.contains(row.time)).collect();
                assert_eq!(view.positions().end.0 - view.positions().start.0, inside.len() as u64);
                for account in (0..graph.num_accounts()).map(AccountId) {
                    let of = |own: fn(&Transaction) -> AccountId, other: fn(&Transaction) -> AccountId| {
                        let mine = inside.iter().filter(|row| own(row) == account);
                        mine.map(|row| (row.id.0, other(row).0)).collect::<Vec<_>>()
                    };
                    assert_eq!(positions(view.out(account)), of(|t| t.source, |t| t.destination));
                    assert_eq!(positions(view.incoming(account)), of(|t| t.destination, |t| t.source));
                }
            }
        }
    }
}

/// Components by petgraph's union-find over the plain rows and links.
fn reference(graph: &Graph, rows: &[Transaction], pairs: &[(u32, u32)]) -> Vec<u32> {
    let mut sets = petgraph::unionfind::UnionFind::<u32>::new(graph.num_accounts() as usize);
    for (a, b) in rows.iter().map(|row| (row.source.0, row.destination.0)).chain(pairs.iter().copied()) {
        sets.union(a, b);
    }
    let roots = sets.into_labeling();
    let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (account, root) in roots.iter().enumerate() {
        members.entry(*root).or_default().push(account as u32);
    }
    let mut groups: Vec<Vec<u32>> = members.into_values().collect();
    groups.sort_by_key(|group| (std::cmp::Reverse(group.len()), group[0]));
    let mut labels = vec![0; roots.len()];
    for (number, group) in groups.iter().enumerate() {
        for &account in group {
            labels[account as usize] = number as u32;
        }
    }
    labels
}

#[test]
fn components_equal_a_plain_union_find_over_transfers_identifiers_and_both() {
    for seed in 0..20 {
        // Few transfers among many accounts: many components of different sizes.
        let text = random_ledger(100 + seed, 120, 90);
        let links = "account,kind,value\na0,phone,1\na1,phone,1\na5,email,x\na0,email,x\na7,ssn,\na8,ssn,9\nzz,ssn,9\n";
        let store = ledger(&text, Some(links));
        let graph = store.graph();
        let rows = all(&graph);
        let account = |key: &str| graph.find_account(key).unwrap().map(|account| account.0);
        let mut shared: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            if !fields[8].is_empty() {
                shared.entry(format!("device {}", fields[8])).or_default().push(account(fields[1]).unwrap());
            }
        }
        for line in links.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            if let (Some(account), false) = (account(fields[0]), fields[2].is_empty()) {
                shared.entry(format!("{} {}", fields[1], fields[2])).or_default().push(account);
            }
        }
        let pairs: Vec<(u32, u32)> =
            shared.values().flat_map(|group| group.windows(2).map(|pair| (pair[0], pair[1]))).collect();
        for (over, rows, pairs) in [
            (Over::Transfers, &rows[..], &[][..]),
            (Over::Identifiers, &[], &pairs),
            (Over::Both, &rows, &pairs),
        ] {
            let options = ComponentsOptions { over, ..ComponentsOptions::default() };
            let found = components(&graph.view(), &options, &Run::new()).unwrap();
            assert_eq!(found.labels, reference(&graph, rows, pairs), "seed {seed}, {over:?}");
            assert_eq!(found.sizes.iter().sum::<u32>(), graph.num_accounts());
        }
    }
}

#[test]
fn components_of_a_window_see_only_its_transfers() {
    let graph = ledger(&random_ledger(5, 100, 200), None).graph();
    let rows = all(&graph);
    let window = Window { from: rows[60].time, to: rows[120].time };
    let inside: Vec<Transaction> = rows.iter().filter(|row| window.contains(row.time)).copied().collect();
    let found =
        components(&graph.window(window).unwrap(), &ComponentsOptions::default(), &Run::new()).unwrap();
    assert_eq!(found.labels, reference(&graph, &inside, &[]));
}

#[test]
fn an_identifier_of_too_many_accounts_connects_nobody_and_is_reported() {
    let links: String = (0..5).map(|account| format!("a{account},phone,0800\n")).collect();
    let store = ledger(
        "transaction,source,destination,time,amount,currency\n1,a0,a1,2024-01-01T00:00:00Z,1.00,EUR\n",
        Some(&format!("account,kind,value\n{links}")),
    );
    let graph = store.graph();
    let count = |accounts_max| {
        let options =
            ComponentsOptions { over: Over::Identifiers, accounts_max, ..ComponentsOptions::default() };
        let found = components(&graph.view(), &options, &Run::new()).unwrap();
        (found.len(), found.hubs.len())
    };
    assert_eq!(count(5), (1, 0));
    assert_eq!(count(4), (5, 1));
    let options = ComponentsOptions { over: Over::Both, accounts_max: 1, strong: false };
    assert!(components(&graph.view(), &options, &Run::new()).is_err());
}

#[test]
fn a_neighborhood_is_a_breadth_first_search_with_all_transfers_among_its_accounts() {
    let graph = ledger(&random_ledger(6, 60, 120), None).graph();
    let rows = all(&graph);
    let start = AccountId(7);
    let mut seen = BTreeMap::from([(start.0, 0)]);
    for hop in 1..=3 {
        let known = seen.clone();
        for row in &rows {
            for (a, b) in [(row.source.0, row.destination.0), (row.destination.0, row.source.0)] {
                if known.contains_key(&a) {
                    seen.entry(b).or_insert(hop);
                }
            }
        }
        let options = SubgraphOptions { hops: hop, ..SubgraphOptions::default() };
        let found = Subgraph::neighborhood(&graph.view(), &[start], &options, &Run::new()).unwrap();
        let hops: BTreeMap<u32, u32> =
            found.accounts.iter().map(|a| a.0).zip(found.hops.iter().copied()).collect();
        assert_eq!(hops, seen);
        let inside = rows
            .iter()
            .filter(|row| seen.contains_key(&row.source.0) && seen.contains_key(&row.destination.0));
        assert_eq!(found.transactions, inside.copied().collect::<Vec<_>>());
        assert!(!found.truncated);
    }
    let options = SubgraphOptions { hops: 3, accounts_max: 4, transactions_max: 2 };
    let cut = Subgraph::neighborhood(&graph.view(), &[start], &options, &Run::new()).unwrap();
    assert!(cut.truncated && cut.num_nodes() == 4 && cut.num_edges() <= 2);
    assert!(cut.accounts.contains(&start));
}

#[test]
fn petgraphs_algorithms_run_on_a_subgraph() {
    let graph = ledger(&random_ledger(7, 30, 80), None).graph();
    let everyone = (0..graph.num_accounts()).collect();
    let subgraph = Subgraph::among(&graph.view(), &everyone, u32::MAX, &Run::new()).unwrap();
    let mut copy = petgraph::Graph::<u32, u64>::new();
    let nodes: Vec<_> = (0..graph.num_accounts()).map(|account| copy.add_node(account)).collect();
    for row in all(&graph) {
        copy.add_edge(nodes[row.source.index()], nodes[row.destination.index()], row.id.0);
    }
    let sorted = |mut groups: Vec<Vec<u32>>| {
        groups.iter_mut().for_each(|group| group.sort_unstable());
        groups.sort_unstable();
        groups
    };
    let ours = petgraph::algo::tarjan_scc(&subgraph);
    let theirs = petgraph::algo::tarjan_scc(&copy);
    let theirs = theirs.into_iter().map(|group| group.into_iter().map(|node| node.index() as u32).collect());
    assert_eq!(sorted(ours), sorted(theirs.collect()));
    let ours = petgraph::algo::dijkstra(&subgraph, 0, None, |edge| edge.weight().paid);
    let theirs = petgraph::algo::dijkstra(&copy, nodes[0], None, |edge| {
        graph.transaction(TxId(*edge.weight())).unwrap().paid
    });
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.iter().all(|(node, cost)| theirs[&nodes[*node as usize]] == *cost));
    assert_eq!(petgraph::algo::connected_components(&subgraph), petgraph::algo::connected_components(&copy));
}
