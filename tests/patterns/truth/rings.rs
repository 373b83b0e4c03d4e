//! Rings held against known attempts: how many of the first rings are right, and how many attempts are among them.

use super::matching::Index;
use super::{Find, Truth, amlgentex, amlsim, amlworld};
use ringfence::Run;
use ringfence::patterns::{Transfers, searches};
use ringfence::rings::{RingOptions, Rings, TYPOLOGIES, rings};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Instant;

/// How many rings an analyst looks at.
const DEPTHS: [usize; 3] = [50, 100, 200];

/// What the first rings show.
#[derive(Debug)]
struct Depth {
    rings: usize,
    /// Rings alike an attempt.
    alike: usize,
    /// Rings of whose payments most belong to attempts, or to anything illicit.
    illicit: usize,
    /// Attempts by typology that a ring is alike.
    found: BTreeMap<&'static str, usize>,
    /// Attempts by typology with most of their accounts in one ring.
    inside: BTreeMap<&'static str, usize>,
}

fn find(truth: &Truth, settings: &Value) -> Rings {
    let run = Run::new();
    let transfers = Transfers::new(&truth.view(), truth.rates.as_ref(), &run).unwrap();
    let searches = searches(&TYPOLOGIES, settings.as_object().unwrap()).unwrap();
    // The device column holds the truth.
    let options = RingOptions { identity: None, searches, ..RingOptions::default() };
    rings(&truth.view(), &transfers, &[], &options, &run).unwrap()
}

fn depths(truth: &Truth, found: &Rings) -> Vec<Depth> {
    let index = Index::new(&truth.attempts, truth.graph.num_accounts());
    let depth = |most: usize| {
        let (mut alike, mut illicit) = (0, 0);
        let (mut seen, mut inside) = (BTreeSet::new(), BTreeSet::new());
        for ring in found.rings.iter().take(most) {
            let accounts: Vec<u32> = ring.members.iter().map(|member| member.account.0).collect();
            let marked = ring.transactions.iter().filter(|&&id| truth.is_illicit(id)).count();
            illicit += usize::from(2 * marked > ring.transactions.len());
            for (at, attempt) in truth.attempts.iter().enumerate() {
                let shared =
                    attempt.accounts.iter().filter(|account| accounts.binary_search(account).is_ok());
                if 2 * shared.count() > attempt.accounts.len() {
                    inside.insert(at);
                }
            }
            let like = index.alike(&Find { accounts, transactions: Vec::new() });
            alike += usize::from(!like.is_empty());
            seen.extend(like);
        }
        let by_typology = |attempts: BTreeSet<usize>| {
            let mut counts = BTreeMap::new();
            for at in attempts {
                *counts.entry(truth.attempts[at].typology).or_default() += 1;
            }
            counts
        };
        let (found_here, inside) = (by_typology(seen), by_typology(inside));
        Depth { rings: found.rings.len().min(most), alike, illicit, found: found_here, inside }
    };
    DEPTHS.into_iter().map(depth).collect()
}

fn report(name: &str, truth: &Truth, settings: &Value) -> Vec<Depth> {
    let started = Instant::now();
    let found = find(truth, settings);
    let depths = depths(truth, &found);
    let mut text = format!(
        "\n## {name}: {} rings, {} hubs kept out, {} joins refused, {:.1} s\n\n| first rings | alike an attempt | mostly illicit payments |\n|---|---|---|\n",
        found.rings.len(),
        found.hubs.len(),
        found.joins_refused,
        started.elapsed().as_secs_f64()
    );
    for (depth, most) in depths.iter().zip(DEPTHS) {
        let share =
            |count: usize| format!("{count} ({:.0} %)", 100.0 * count as f64 / depth.rings.max(1) as f64);
        writeln!(text, "| {most} | {} | {} |", share(depth.alike), share(depth.illicit)).unwrap();
    }
    text += "\n| typology | attempts | found in the first 50 | 100 | 200 | accounts mostly in one ring of the first 50 | 100 | 200 |\n|---|---|---|---|---|---|---|---|\n";
    let mut all: BTreeMap<&str, usize> = BTreeMap::new();
    truth.attempts.iter().for_each(|attempt| *all.entry(attempt.typology).or_default() += 1);
    for (typology, count) in all {
        write!(text, "| {typology} | {count} ").unwrap();
        for counts in depths.iter().map(|depth| &depth.found).chain(depths.iter().map(|depth| &depth.inside))
        {
            write!(text, "| {} ", counts.get(typology).copied().unwrap_or(0)).unwrap();
        }
        text += "|\n";
    }
    println!("{text}");
    depths
}

/// Rings alike an attempt among the first 50, 100 and 200, at the least: more may be right, not fewer.
fn assert_floors(depths: &[Depth], floors: [usize; 3]) {
    for (depth, floor) in depths.iter().zip(floors) {
        assert!(depth.alike >= floor, "{depth:?} is less than {floor}");
    }
}

#[test]
fn the_first_rings_of_amlsim_are_alerts() {
    let Some(truth) = amlsim::load("amlsim-run-a", &Run::new()) else { return };
    let depths = report("AMLSim, amlsim-run-a", &truth, &super::recall::amlsim_settings());
    assert_floors(&depths, [48, 94, 120]);
}

#[test]
fn the_first_rings_of_amlgentex_are_patterns() {
    let Some(truth) = amlgentex::load(&Run::new()) else { return };
    let depths = report("AMLGentex", &truth, &super::recall::amlgentex_settings());
    assert_floors(&depths, [28, 33, 42]);
}

#[test]
fn the_first_rings_of_amlworld_are_attempts_among_a_million_ordinary_payments() {
    let Some(truth) = amlworld::load(&Run::new()) else { return };
    let depths = report("AMLworld", &truth, &super::recall::amlworld_settings());
    assert_floors(&depths, [30, 40, 46]);
}

#[test]
#[ignore = "prints the tables of rings in docs/typology-recall.md: make recall"]
fn ring_tables() {
    let run = Run::new();
    if let Some(truth) = amlsim::load("amlsim-run-a", &run) {
        report("AMLSim, amlsim-run-a", &truth, &super::recall::amlsim_settings());
    }
    if let Some(truth) = amlgentex::load(&run) {
        report("AMLGentex", &truth, &super::recall::amlgentex_settings());
    }
    if let Some(truth) = amlworld::load(&run) {
        report("AMLworld", &truth, &super::recall::amlworld_settings());
    }
}
