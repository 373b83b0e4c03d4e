//! Rings: what makes one, what its score consists of, what undoes it, and what becomes of it.
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

mod support;

use ringfence::Run;
use ringfence::graph::build::{Sources, ingest};
use ringfence::graph::{Graph, View};
use ringfence::ids::TxId;
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::patterns::{Transfers, Typology, find, searches};
use ringfence::report::csv::CsvOptions;
use ringfence::report::rings::{RingPlace, RingQuestion, read_ring, ring_report};
use ringfence::report::write_report;
use ringfence::rings::{
    ClaimKind, Counterfactual, IdentityRingOptions, Ring, RingOptions, RingRole, Rings, Traced,
    counterfactual, rings,
};
use ringfence::store::Io;
use ringfence::synth::{SynthOptions, SynthOutputs, SynthReport, generate};
use std::collections::{BTreeMap, BTreeSet};
use tempfile::TempDir;

/// A graph of these transactions (key, time, payer, payee, amount) and uses of identifiers (account, kind, value).
fn graph(directory: &TempDir, transactions: &str, links: &str) -> Graph {
    let (file, uses) = (directory.path().join("t.csv"), directory.path().join("l.csv"));
    let mut rows = String::from("transaction,source,destination,time,amount,currency\n");
    for row in transactions.lines() {
        let cells: Vec<&str> = row.split(',').collect();
        rows += &format!("{},{},{},{},{},EUR\n", cells[0], cells[2], cells[3], cells[1], cells[4]);
    }
    std::fs::write(&file, rows).unwrap();
    std::fs::write(&uses, format!("account,kind,value\n{links}")).unwrap();
    let sources = Sources {
        transactions: vec![Source::File(file)],
        accounts: Vec::new(),
        links: if links.is_empty() { Vec::new() } else { vec![Source::File(uses)] },
    };
    let store = directory.path().join("g.ring");
    let mapping = Mapping::preset("ledger").unwrap();
    let mut log = RejectLog::counting();
    let report = ingest(&store, sources, &mapping, &mut log, &support::scratch(), &Run::new()).unwrap();
    assert!(report.reasons.is_empty(), "{:?}", report.reasons);
    Graph::open(&store, Io::Mmap).unwrap()
}

/// Nine persons pay one within a day, who pays two on; a shop with three hundred customers; two who share a telephone.
fn ledger() -> String {
    let mut rows = String::new();
    let mut row = |time: &str, from: &str, to: &str, amount: u32| {
        let at = rows.lines().count();
        rows += &format!("t{at},{time},{from},{to},{amount}.00\n");
    };
    for customer in 0..300 {
        for month in 1..=3 {
            row(
                &format!("2024-{month:02}-{:02}T10:00:00Z", customer % 28 + 1),
                &format!("c{customer}"),
                "shop",
                20 + customer % 7,
            );
        }
    }
    for payer in 0..9 {
        row(&format!("2024-02-05T{:02}:00:00Z", 8 + payer), &format!("p{payer}"), "hub", 900 + payer);
    }
    row("2024-02-05T20:00:00Z", "hub", "k1", 4_000);
    row("2024-02-05T21:00:00Z", "hub", "k2", 4_000);
    rows
}

fn options(typologies: &[Typology]) -> RingOptions {
    RingOptions {
        searches: searches(typologies, &serde_json::Map::new()).unwrap(),
        communities: false,
        ..RingOptions::default()
    }
}

fn found(view: &View<'_>, options: &RingOptions, run: &Run) -> Rings {
    let transfers = Transfers::new(view, None, run).unwrap();
    rings(view, &transfers, &[], options, run).unwrap()
}

fn keys(graph: &Graph, ring: &Ring) -> BTreeSet<String> {
    ring.members.iter().map(|member| graph.account_key(member.account).unwrap()).collect()
}

#[test]
fn claims_that_share_their_accounts_are_one_ring_with_roles_and_money() {
    let directory = TempDir::new().unwrap();
    let graph = graph(&directory, &ledger(), "p0,phone,1\np1,phone,1\nx,phone,2\ny,phone,2\n");
    let found = found(&graph.view(), &options(&[Typology::FanIn, Typology::Funnel]), &Run::new());
    let ring = found.rings.iter().find(|ring| keys(&graph, ring).contains("hub")).unwrap();
    let expected: BTreeSet<String> =
        (0..9).map(|payer| format!("p{payer}")).chain(["hub", "k1", "k2"].map(String::from)).collect();
    assert_eq!(keys(&graph, ring), expected);
    let kinds: BTreeSet<&str> = ring.claims.iter().map(|counted| counted.claim.kind.name()).collect();
    assert_eq!(kinds, BTreeSet::from(["fan-in", "funnel", "identity"]));
    let roles: BTreeMap<String, Vec<RingRole>> = ring
        .members
        .iter()
        .map(|member| (graph.account_key(member.account).unwrap(), member.roles.clone()))
        .collect();
    assert!(roles["hub"].contains(&RingRole::Collector));
    assert_eq!((&roles["k1"], &roles["p8"]), (&vec![RingRole::CashOut], &vec![RingRole::Victim]));
    // Who shares a telephone with another payer is no victim.
    assert_eq!(roles["p0"], []);
    let money = ring.money.values().next().unwrap();
    let gathered: i128 = (0..9).map(|payer| 90_000 + payer * 100).sum();
    assert_eq!((money.inside, money.received, money.paid), (gathered + 800_000, 0, 0));
    // Two who share a telephone, and nothing else.
    assert!(
        found
            .rings
            .iter()
            .any(|ring| keys(&graph, ring) == BTreeSet::from(["x".to_string(), "y".to_string()]))
    );
}

#[test]
fn hubs_are_listed_and_are_no_members() {
    let directory = TempDir::new().unwrap();
    let graph = graph(&directory, &ledger(), "");
    let settings = serde_json::json!({ "fan-in": { "hub_max": 100_000 } });
    let searches = searches(&[Typology::FanIn], settings.as_object().unwrap()).unwrap();
    let options = RingOptions { searches, ..options(&[]) };
    let found = found(&graph.view(), &options, &Run::new());
    let hubs: Vec<String> = found.hubs.iter().map(|hub| graph.account_key(hub.account).unwrap()).collect();
    assert_eq!(hubs, ["shop"]);
    assert!(found.hubs[0].num_counterparties == 300 && found.hubs[0].claims_set_aside > 0);
    assert!(found.rings.iter().all(|ring| !keys(&graph, ring).contains("shop")));
}

/// A bank that the generator invents, in files and in a graph.
fn invented(directory: &TempDir, options: &SynthOptions) -> (Graph, SynthReport) {
    let run = Run::new();
    let at = |name: &str| directory.path().join(name);
    let mut outputs =
        SynthOutputs::open(|name| Ok(std::io::BufWriter::new(std::fs::File::create(at(name)).unwrap())))
            .unwrap();
    let made = generate(options, &mut outputs, &run).unwrap();
    drop(outputs);
    let sources = Sources {
        transactions: vec![Source::File(at("transactions.csv"))],
        accounts: vec![Source::File(at("accounts.csv"))],
        links: vec![Source::File(at("links.csv"))],
    };
    let store = at("bank.ring");
    let mapping = Mapping::preset("ledger").unwrap();
    ingest(&store, sources, &mapping, &mut RejectLog::counting(), &support::scratch(), &run).unwrap();
    (Graph::open(&store, Io::Mmap).unwrap(), made)
}

/// A bank with planted rings.
fn bank(directory: &TempDir, transactions: u64) -> Graph {
    invented(directory, &SynthOptions { transactions, seed: 7, ..SynthOptions::default() }).0
}

#[test]
fn scores_add_up_from_their_parts_and_evidence_is_counted_once() {
    let directory = TempDir::new().unwrap();
    let graph = bank(&directory, 20_000);
    let found = found(&graph.view(), &RingOptions::default(), &Run::new());
    assert!(found.rings.len() > 20, "{}", found.rings.len());
    let mut seen_members = BTreeSet::new();
    for ring in &found.rings {
        assert_eq!(ring.parts().values().sum::<i64>(), ring.millibits);
        assert_eq!(ring.claims.iter().map(|counted| counted.adds).sum::<i64>(), ring.millibits);
        for counted in &ring.claims {
            assert!((0..=counted.claim.millibits).contains(&counted.adds));
        }
        let of_claims: BTreeSet<TxId> =
            ring.claims.iter().flat_map(|counted| counted.claim.transactions.iter().copied()).collect();
        assert_eq!(of_claims.into_iter().collect::<Vec<_>>(), ring.transactions);
        // What a payment of a lone claim adds is its share, rounded down.
        if let [only] = ring.claims.as_slice() {
            assert_eq!(only.adds, only.claim.millibits);
        }
        assert!(ring.members.windows(2).all(|pair| pair[0].account < pair[1].account));
        seen_members.insert(ring.members.iter().map(|member| member.account).collect::<Vec<_>>());
    }
    assert_eq!(seen_members.len(), found.rings.len(), "no two rings have the same members");
    assert!(found.rings.windows(2).all(|pair| pair[0].millibits >= pair[1].millibits));
}

#[test]
fn rings_are_the_same_for_any_number_of_threads() {
    let directory = TempDir::new().unwrap();
    let graph = bank(&directory, 20_000);
    let with = |threads: usize| {
        found(&graph.view(), &RingOptions::default(), &Run::new().threads(threads).unwrap()).rings
    };
    let one = with(1);
    assert!(one == with(2) && one == with(16));
}

#[test]
fn a_ring_that_was_written_is_read_back_as_it_was() {
    let directory = TempDir::new().unwrap();
    let graph = bank(&directory, 10_000);
    let run = Run::new();
    let (named, report) = ring_report(&graph.view(), &RingQuestion::default(), &run).unwrap();
    let folder = directory.path().join("rings");
    write_report(&report, &folder, CsvOptions::default(), &run).unwrap();
    for (rank, (ring, name)) in named.iter().enumerate().take(40) {
        let by_name = RingPlace::find(&folder.join(name)).unwrap();
        assert_eq!(by_name, RingPlace::find(&folder.join((rank + 1).to_string())).unwrap());
        let mut back = read_ring(&graph, &by_name, &run).unwrap();
        // Numbers of identity rings belong to the run that found them.
        let mut ring = ring.clone();
        ring.uses.iter_mut().chain(&mut back.uses).for_each(|one| one.ring = 0);
        assert!(back.claims == ring.claims, "claims of {name}");
        assert!(back.members == ring.members, "members of {name}");
        assert!(back.uses == ring.uses, "uses of {name}");
        assert!(back == ring, "{name}");
    }
    let unknown = RingPlace::find(&folder.join("ring-none")).unwrap_err().to_string();
    assert!(unknown.contains("unknown ring"), "{unknown}");
}

#[test]
fn rings_keep_their_names_from_run_to_run() {
    let directory = TempDir::new().unwrap();
    let graph = bank(&directory, 10_000);
    let run = Run::new();
    let (first, report) = ring_report(&graph.view(), &RingQuestion::default(), &run).unwrap();
    let folder = directory.path().join("before");
    write_report(&report, &folder, CsvOptions::default(), &run).unwrap();
    // Without shapes other claims come first; who is still there keeps the name.
    let options = RingOptions { searches: Vec::new(), ..RingOptions::default() };
    let question = RingQuestion { options, previous: Some(folder), ..RingQuestion::default() };
    let (second, _) = ring_report(&graph.view(), &question, &run).unwrap();
    let before: BTreeMap<BTreeSet<String>, &str> =
        first.iter().map(|(ring, name)| (keys(&graph, ring), name)).collect();
    let mut kept = 0;
    for (ring, name) in second.iter() {
        if let Some(old) = before.get(&keys(&graph, ring)) {
            assert_eq!(*old, name);
            kept += 1;
        }
    }
    assert!(kept > 3, "{kept}");
    let names: BTreeSet<&str> = second.iter().map(|(_, name)| name).collect();
    assert_eq!(names.len(), second.names.len());
}

#[test]
fn traced_money_makes_a_claim_and_is_counted_to_the_cent() {
    let directory = TempDir::new().unwrap();
    let graph = graph(&directory, &ledger(), "");
    let (view, run) = (graph.view(), Run::new());
    let ids = ["t900", "t909", "t910"].map(|key| graph.find_transaction(key).unwrap().unwrap());
    // What the first payer paid, and what was paid on of it.
    let mut payments = vec![(ids[0], 90_000), (ids[1], 60_000), (ids[2], 30_000)];
    payments.sort_unstable();
    let traced = [Traced { case: "one".into(), payments }];
    let transfers = Transfers::new(&view, None, &run).unwrap();
    let found = rings(&view, &transfers, &traced, &options(&[]), &run).unwrap();
    let ring = &found.rings[0];
    let expected = ["p0", "hub", "k1", "k2"].map(String::from);
    assert_eq!(keys(&graph, ring), BTreeSet::from(expected));
    assert_eq!(ring.claims[0].claim.kind, ClaimKind::Trace);
    assert_eq!(ring.money.values().map(|sums| sums.traced).sum::<i128>(), 180_000);
    // Four of all accounts carried it: each is log₂(n / 4) bits.
    let each = (f64::from(graph.num_accounts()) / 4.0).log2() * 1_000.0;
    assert_eq!(ring.millibits, 4 * each.round() as i64);
    // With a shape of the same accounts it is one ring.
    let joined = rings(&view, &transfers, &traced, &options(&[Typology::Funnel]), &run).unwrap();
    let kinds: BTreeSet<_> = joined.rings[0].parts().into_keys().collect();
    assert_eq!(kinds, BTreeSet::from([ClaimKind::Trace, ClaimKind::Typology(Typology::Funnel)]));
}

/// What undoes the ring around `hub`.
fn undone(graph: &Graph, options: &RingOptions, hub: &str) -> (Ring, Counterfactual) {
    let run = Run::new();
    let view = graph.view();
    let transfers = Transfers::new(&view, None, &run).unwrap();
    let found = rings(&view, &transfers, &[], options, &run).unwrap();
    let ring = found.rings.into_iter().find(|ring| keys(graph, ring).contains(hub)).unwrap();
    let undone = counterfactual(graph, None, &ring, &options.searches, &run).unwrap();
    (ring, undone)
}

/// Whether a search of the ring's evidence without some payments finds nothing.
fn is_undone(graph: &Graph, ring: &Ring, options: &RingOptions, gone: &BTreeSet<TxId>) -> bool {
    let run = Run::new();
    let left = ring.transactions.iter().filter(|id| !gone.contains(id));
    let left: Vec<_> = left.map(|&id| graph.transaction(id).unwrap()).collect();
    let few = Transfers::of(&left, None, &run).unwrap();
    options
        .searches
        .iter()
        .all(|(typology, with)| find(&few, *typology, with, &run).unwrap().instances.is_empty())
}

#[test]
fn a_counterfactual_undoes_the_ring_and_nothing_smaller_does() {
    let directory = TempDir::new().unwrap();
    let graph = graph(&directory, &ledger(), "p0,phone,1\np1,phone,1\n");
    let options = options(&[Typology::FanIn]);
    let (ring, found) = undone(&graph, &options, "hub");
    // Nine payers, of which four are no fan: five must go.
    assert_eq!((found.transactions.len(), found.identifiers.len(), found.others), (5, 1, false));
    let all: BTreeSet<TxId> = found.transactions.iter().copied().collect();
    assert!(is_undone(&graph, &ring, &options, &all));
    for id in &found.transactions {
        let fewer: BTreeSet<TxId> = all.iter().copied().filter(|other| other != id).collect();
        assert!(!is_undone(&graph, &ring, &options, &fewer));
    }
    assert_eq!(fewest(&graph, &ring, &options), 5);
}

/// The number of the smallest set of payments that undoes a ring, by trying all sets.
fn fewest(graph: &Graph, ring: &Ring, options: &RingOptions) -> u32 {
    let sets = 0..1u32 << ring.transactions.len();
    let undoes = |set: &u32| {
        let gone = ring.transactions.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
        is_undone(graph, ring, options, &gone.map(|(_, &id)| id).collect())
    };
    sets.filter(undoes).map(u32::count_ones).min().unwrap()
}

#[test]
fn what_is_proved_smallest_is_smallest() {
    for payers in 5..8 {
        let directory = TempDir::new().unwrap();
        let row = |payer: u32| {
            format!("{payer},2024-02-05T{:02}:00:00Z,p{payer},hub,{}.00\n", 8 + payer, 900 + payer)
        };
        let rows: String = (0..payers).map(row).chain(["x,2024-03-05T00:00:00Z,a,b,1.00\n".into()]).collect();
        let graph = graph(&directory, &rows, "");
        let options = options(&[Typology::FanIn]);
        let (ring, found) = undone(&graph, &options, "hub");
        // Five payers make a fan.
        assert_eq!((found.transactions.len() as u32, found.smallest), (payers - 4, true));
        assert_eq!(fewest(&graph, &ring, &options), payers - 4);
    }
}

#[test]
fn one_payment_undoes_a_cycle_and_that_is_proved() {
    let directory = TempDir::new().unwrap();
    let rows = "1,2024-01-01T00:00:00Z,a,b,100.00\n2,2024-01-02T00:00:00Z,b,c,100.00\n3,2024-01-03T00:00:00Z,c,a,100.00\n4,2024-03-01T00:00:00Z,x,y,5.00\n";
    let graph = graph(&directory, rows, "");
    let (_, found) = undone(&graph, &options(&[Typology::Cycle]), "a");
    assert_eq!((found.transactions.len(), found.smallest), (1, true));
}

#[test]
fn options_outside_their_range_are_refused() {
    let refused = |options: RingOptions, name: &str| {
        let said = options.check().unwrap_err().to_string();
        assert!(said.contains(name), "{said}");
    };
    refused(RingOptions { hub_max: 0, ..RingOptions::default() }, "hub_max");
    refused(RingOptions { overlap_permille: 1_001, ..RingOptions::default() }, "overlap_permille");
    refused(RingOptions { accounts_max: 1, ..RingOptions::default() }, "accounts_max");
    refused(RingOptions { accounts_min: 300, ..RingOptions::default() }, "accounts_min");
    assert!(RingOptions::default().check().is_ok());
}

/// Look-alikes that the generator plants: employers who pay employees, customers who pay a merchant, families with one device. Over four
/// months, so that a salary can be told from a single event.
#[test]
fn look_alikes_stay_out_of_the_first_rings() {
    let directory = TempDir::new().unwrap();
    let options = SynthOptions {
        transactions: 200_000,
        days: 120,
        seed: 11,
        look_alikes: Some(20),
        ..SynthOptions::default()
    };
    let (graph, made) = invented(&directory, &options);
    assert_eq!(made.look_alikes.iter().map(|(_, count)| count).sum::<u64>(), 60, "{:?}", made.look_alikes);
    // A bank knows its merchants and employers.
    let hubs_where = vec!["kind=merchant".to_string(), "kind=employer".to_string()];
    let question = RingQuestion { hubs_where, ..RingQuestion::default() };
    let found = ring_report(&graph.view(), &question, &Run::new()).unwrap().0.found;
    let truth = std::fs::read_to_string(directory.path().join("truth_rings.csv")).unwrap();
    // Ring, typology, role, account.
    let mut planted: BTreeMap<&str, (bool, BTreeSet<&str>)> = BTreeMap::new();
    for row in truth.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>()) {
        let entry = planted.entry(row[0]).or_default();
        entry.0 = row[1] == "benign";
        entry.1.insert(row[3]);
    }
    let alike = |members: &BTreeSet<String>, accounts: &BTreeSet<&str>| {
        let shared = accounts.iter().filter(|account| members.contains(**account)).count();
        2 * shared >= members.len() + accounts.len() - shared
    };
    let (mut right, mut wrong) = (BTreeSet::new(), BTreeSet::new());
    for ring in found.rings.iter().take(100) {
        let members = keys(&graph, ring);
        for (name, (benign, accounts)) in &planted {
            if alike(&members, accounts) {
                if *benign {
                    wrong.insert(*name)
                } else {
                    right.insert(*name)
                };
            }
        }
    }
    let num_rings = planted.values().filter(|(benign, _)| !benign).count();
    println!(
        "{} of {num_rings} planted rings and {} look-alikes among the first 100",
        right.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(2 * right.len() > num_rings, "{} of {num_rings}", right.len());
}

#[test]
fn identity_alone_finds_exactly_the_rings_of_paysim() {
    let Some(folder) = support::shared_data("paysim2-first-party") else { return };
    let directory = TempDir::new().unwrap();
    let sources = Sources {
        transactions: vec![Source::File(folder.join("transactions.csv.zst"))],
        accounts: Vec::new(),
        links: vec![Source::File(folder.join("clients.csv.gz"))],
    };
    let store = directory.path().join("paysim.ring");
    let mapping = Mapping::preset("paysim").unwrap();
    ingest(&store, sources, &mapping, &mut RejectLog::counting(), &support::scratch(), &Run::new()).unwrap();
    let graph = Graph::open(&store, Io::Mmap).unwrap();
    let options = RingOptions { identity: Some(IdentityRingOptions::default()), ..options(&[]) };
    let found = found(&graph.view(), &options, &Run::new());
    let log = std::fs::read_to_string(folder.join("fraudster_log.txt")).unwrap();
    let truth: BTreeSet<BTreeSet<String>> = log
        .lines()
        .filter(|line| line.contains("FIRST_PARTY_FRAUDSTER"))
        .map(|line| {
            let list = line.split_once('[').unwrap().1.rsplit_once(']').unwrap().0;
            list.split(',').map(|account| account.split_whitespace().next().unwrap().to_string()).collect()
        })
        .collect();
    // One of the thirty opened a single account, which shares with nobody.
    let several: BTreeSet<BTreeSet<String>> =
        truth.into_iter().filter(|ring: &BTreeSet<String>| ring.len() > 1).collect();
    assert_eq!(found.rings.iter().map(|ring| keys(&graph, ring)).collect::<BTreeSet<_>>(), several);
    assert!(found.rings.iter().all(|ring| ring.parts().keys().all(|kind| *kind == ClaimKind::Identity)));
}
