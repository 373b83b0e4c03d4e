//! Identity rings on data whose truth another program wrote: PaySim 2 with first-party fraud, where thirty fraudsters
//! opened accounts from a few false identities each.
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

mod support;

use ringfence::Run;
use ringfence::community::identity::{IdentityOptions, KindEvidence, identity_links};
use ringfence::community::{LeidenOptions, Objective, leiden};
use ringfence::graph::Graph;
use ringfence::graph::build::{Sources, ingest};
use ringfence::graph::project::{Over, ProjectOptions, project};
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::rings::{IdentityRingOptions, identity_rings};
use ringfence::store::Io;
use std::collections::BTreeSet;
use std::path::Path;

/// The accounts that each first-party fraudster opened, from the simulator's own log.
fn truth(log: &str) -> BTreeSet<BTreeSet<String>> {
    let fraudsters = log.lines().filter(|line| line.contains("FIRST_PARTY_FRAUDSTER"));
    fraudsters
        .map(|line| {
            // `…,[4394662009934153 [MULE],4591226339712545 [MULE]],0.00`
            let list = line.split_once('[').unwrap().1.rsplit_once(']').unwrap().0;
            list.split(',').map(|account| account.split_whitespace().next().unwrap().to_string()).collect()
        })
        .collect()
}

fn paysim(folder: &Path, store: &Path) -> Graph {
    let sources = Sources {
        transactions: vec![Source::File(folder.join("transactions.csv.zst"))],
        accounts: Vec::new(),
        links: vec![Source::File(folder.join("clients.csv.gz"))],
    };
    let mapping = Mapping::preset("paysim").unwrap();
    let mut log = RejectLog::counting();
    ingest(store, sources, &mapping, &mut log, &support::scratch(), &Run::new()).unwrap();
    Graph::open(store, Io::Mmap).unwrap()
}

#[test]
fn shared_identifiers_find_exactly_the_rings_of_paysim() {
    let Some(folder) = support::shared_data("paysim2-first-party") else { return };
    let directory = tempfile::tempdir().unwrap();
    let graph = paysim(&folder, &directory.path().join("paysim.ring"));
    let found = identity_rings(&graph.view(), &IdentityRingOptions::default(), &Run::new()).unwrap();
    let keys = |ring| found.ring(ring).iter().map(|&account| graph.account_key(account).unwrap()).collect();
    let rings: BTreeSet<BTreeSet<String>> = (0..found.len()).map(keys).collect();

    let truth = truth(&std::fs::read_to_string(folder.join("fraudster_log.txt")).unwrap());
    assert_eq!(truth.len(), 30);
    // One of the thirty opened a single account, which shares with nobody.
    let several: BTreeSet<_> = truth.iter().filter(|accounts| accounts.len() > 1).cloned().collect();
    assert_eq!((several.len(), several.iter().map(BTreeSet::len).sum::<usize>()), (29, 177));
    assert_eq!(rings, several);
    assert!(found.hubs.is_empty());
    for evidence in &found.evidence {
        assert!(graph.manifest().kinds[evidence.identifier.kind.index()].name != "device");
    }
}

#[test]
fn weighed_evidence_finds_exactly_the_rings_of_paysim_and_names_what_ties_them() {
    let Some(folder) = support::shared_data("paysim2-first-party") else { return };
    let directory = tempfile::tempdir().unwrap();
    let graph = paysim(&folder, &directory.path().join("paysim.ring"));
    let kind = |name| graph.find_kind(name).unwrap();
    let weak = KindEvidence { m_permille: 500, ..KindEvidence::default() };
    let options = IdentityOptions {
        of_kind: vec![(kind("email"), weak)],
        correlated: vec![vec![kind("email"), kind("phone")]],
        ..IdentityOptions::default()
    };
    for options in [IdentityOptions::default(), options] {
        let found = identity_links(&graph.view(), &options, &Run::new()).unwrap();
        let keys =
            |ring| found.ring(ring).iter().map(|&account| graph.account_key(account).unwrap()).collect();
        let rings: BTreeSet<BTreeSet<String>> = (0..found.len()).map(keys).collect();
        let truth = truth(&std::fs::read_to_string(folder.join("fraudster_log.txt")).unwrap());
        // One of the thirty opened a single account, which shares with nobody.
        let several: BTreeSet<_> = truth.iter().filter(|accounts| accounts.len() > 1).cloned().collect();
        assert_eq!((rings.len(), &rings), (29, &several));
        assert!(found.passed_over.is_empty() && found.cuts.is_empty() && found.outgrown.is_empty());
        // The thresholds at which the rings hold reach well above the default.
        assert!(found.cohesion.iter().all(|&weight| weight > 7 * 256), "{:?}", found.cohesion);
        for at in 0..found.links.len() {
            assert!(!found.shares_of(at).is_empty());
        }
    }
}

#[test]
fn communities_over_shared_identifiers_are_the_rings_of_paysim() {
    let Some(folder) = support::shared_data("paysim2-first-party") else { return };
    let directory = tempfile::tempdir().unwrap();
    let graph = paysim(&folder, &directory.path().join("paysim.ring"));
    let truth = truth(&std::fs::read_to_string(folder.join("fraudster_log.txt")).unwrap());
    let over = ProjectOptions { over: Over::Identifiers, ..ProjectOptions::default() };
    let projection = project(&graph.view(), &over, &Run::new()).unwrap();
    // Each of the thirty but the one with a single account, which shares with nobody.
    let several: BTreeSet<_> = truth.into_iter().filter(|accounts| accounts.len() > 1).collect();
    // A tenth of an identifier for every pair is more than one of the rings has inside: CPM finds it in two parts.
    for (objective, resolution, num_communities, num_rings) in
        [(Objective::Modularity, 1.0, 29, 29), (Objective::Cpm, 0.01, 29, 29), (Objective::Cpm, 0.1, 30, 28)]
    {
        let unit = if objective == Objective::Cpm { over.unit() as f64 } else { 1.0 };
        let options = LeidenOptions { objective, resolution: resolution * unit, ..LeidenOptions::default() };
        let found = leiden(&projection.rows, &options, &Run::new()).unwrap().partition;
        let key = |&node: &u32| graph.account_key(projection.nodes.account(node)).unwrap();
        let several_together = (0..found.len() as u32).filter(|&community| found.size(community) > 1);
        let communities: BTreeSet<BTreeSet<String>> =
            several_together.map(|community| found.members(community).iter().map(key).collect()).collect();
        let exact = communities.intersection(&several).count();
        assert_eq!((communities.len(), exact), (num_communities, num_rings), "{objective:?} {resolution}");
        // Nobody is in a community with somebody of another ring, whatever the resolution.
        let of_one = |community: &BTreeSet<String>| several.iter().any(|ring| ring.is_superset(community));
        assert!(communities.iter().all(of_one));
    }
}
