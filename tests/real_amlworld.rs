//! AMLworld's real slices: every row accounted for, and money traced from every laundering attempt is conserved.
//! Needs the folder of datasets beside the repository; skipped where it is missing.
#![allow(clippy::unwrap_used)]

mod support;

use ringfence::Run;
use ringfence::graph::Graph;
use ringfence::graph::build::{IngestReport, Sources, ingest};
use ringfence::ids::{CurrencyId, TxId};
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::store::Io;
use ringfence::trace::{Opening, Policy, Seed, SeedKind, TraceOptions, downstream};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use support::{scratch, shared_data};

const FILES: [&str; 2] = ["HI-Small_Trans.laundering-rows.csv", "HI-Small_Trans.first1000.csv"];

fn store(data: &Path, dir: &Path) -> (Graph, IngestReport) {
    let file = |name: &str| Source::File(data.join(name));
    let sources = Sources {
        transactions: FILES.iter().map(|name| file(name)).collect(),
        accounts: vec![file("HI-Small_accounts.sample1000.csv")],
        links: Vec::new(),
    };
    let mapping = Mapping::preset("amlworld").unwrap();
    let path = dir.join("amlworld.ring");
    let report =
        ingest(&path, sources, &mapping, &mut RejectLog::counting(), &scratch(), &Run::new()).unwrap();
    (Graph::open(&path, Io::Mmap).unwrap(), report)
}

/// Rows of a transaction file as plain text fields.
fn rows(data: &Path, name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(data.join(name)).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_string).collect()).collect()
}

/// A decimal text in units of its last of `decimals` places, by shifting digits.
fn minor(text: &str, decimals: usize) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<decimals$}").parse().unwrap()
}

#[test]
fn every_row_is_in_with_its_bank_its_currency_and_its_cents() {
    let Some(data) = shared_data("amlworld-hi-small") else { return };
    let dir = tempfile::TempDir::new().unwrap();
    let (graph, report) = store(&data, dir.path());
    let all: Vec<Vec<String>> = FILES.iter().flat_map(|name| rows(&data, name)).collect();
    assert_eq!(all.len(), 3_209 + 1_000);
    assert_eq!(graph.num_transactions(), all.len() as u64);
    assert!(report.reasons.is_empty(), "{:?}", report.reasons);

    let mut totals: BTreeMap<&str, (u64, i128)> = BTreeMap::new();
    let mut accounts = BTreeSet::new();
    for row in &all {
        let total = totals.entry(&row[8]).or_default();
        let decimals = if row[8] == "Bitcoin" { 6 } else { 2 };
        *total = (total.0 + 1, total.1 + minor(&row[7], decimals));
        accounts.insert(format!("{}:{}", row[1], row[2]));
        accounts.insert(format!("{}:{}", row[3], row[4]));
    }
    assert_eq!(totals.len(), 15);
    let mut expected: Vec<(u64, i128)> = totals.into_values().collect();
    let mut found: Vec<(u64, i128)> =
        graph.manifest().totals.iter().map(|total| (total.accepted, total.accepted_minor)).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    for key in &accounts {
        assert!(graph.find_account(key).unwrap().is_some(), "{key}");
    }
    assert!(accounts.contains("021174:800737690"), "bank ids keep their leading zeros");
}

#[test]
fn a_trace_from_each_attempt_conserves_every_currency_to_the_unit() {
    let Some(data) = shared_data("amlworld-hi-small") else { return };
    let dir = tempfile::TempDir::new().unwrap();
    let (graph, _) = store(&data, dir.path());

    // Records of the laundering file by content; equal rows are taken one after another.
    let mut records: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (record, row) in rows(&data, FILES[0]).iter().enumerate().rev() {
        records.entry(row.join(",")).or_default().push(record as u64 + 1);
    }
    let patterns = std::fs::read_to_string(data.join("HI-Small_Patterns.txt")).unwrap();
    let mut attempts: Vec<Vec<TxId>> = Vec::new();
    for line in patterns.lines() {
        if line.starts_with("BEGIN") {
            attempts.push(Vec::new());
        } else if line.starts_with("20") {
            let record = records.get_mut(line).and_then(Vec::pop).expect("every pattern row is in the file");
            let id = graph.find_transaction(&format!("0:{record}")).unwrap().unwrap();
            attempts.last_mut().unwrap().push(id);
        }
    }
    assert_eq!(attempts.len(), 370);
    assert_eq!(attempts.iter().map(Vec::len).sum::<usize>(), 3_209);

    let seeds: Vec<Seed> = attempts
        .iter()
        .enumerate()
        .map(|(case, ids)| {
            let kind = SeedKind::Transaction { transaction: *ids.iter().min().unwrap(), amount: None };
            Seed { case: case as u32, kind }
        })
        .collect();
    for policy in Policy::ALL {
        for opening in [Opening::JustInTime, Opening::Minimal] {
            for joint in [true, false] {
                let options = TraceOptions { policy, opening, joint, ..TraceOptions::default() };
                conserves(&graph, &seeds, &options);
            }
        }
    }
}

fn conserves(graph: &Graph, seeds: &[Seed], options: &TraceOptions) {
    let trace = downstream(&graph.view(), 370, seeds, options, &Run::new()).unwrap();
    let mut held: BTreeMap<(u32, CurrencyId), i128> = BTreeMap::new();
    for row in 0..trace.holdings.len() {
        let amount = trace.holdings.amount[row];
        assert!(amount > 0);
        *held.entry((trace.holdings.case[row], trace.holdings.currency[row])).or_default() +=
            i128::from(amount);
    }
    let mut seeded: BTreeMap<(u32, CurrencyId), i128> = BTreeMap::new();
    let (mut out, mut into) = (seeded.clone(), seeded.clone());
    for row in 0..trace.flows.len() {
        let case = trace.flows.case[row];
        let transaction = graph.transaction(trace.flows.transaction[row]).unwrap();
        let (paid, received) = (trace.flows.tainted_paid[row], trace.flows.tainted_received[row]);
        assert!(0 <= paid && paid <= transaction.paid);
        assert!(0 <= received && received <= transaction.received);
        if trace.flows.hop[row] == 0 {
            *seeded.entry((case, transaction.received_currency)).or_default() += i128::from(received);
        } else if transaction.paid_currency != transaction.received_currency {
            *out.entry((case, transaction.paid_currency)).or_default() += i128::from(paid);
            *into.entry((case, transaction.received_currency)).or_default() += i128::from(received);
        }
    }
    let of = |sums: &BTreeMap<(u32, CurrencyId), i128>, key| sums.get(&key).copied().unwrap_or(0);
    let mut cases = BTreeSet::new();
    for row in &trace.ledger {
        let key = (row.case, row.currency);
        assert_eq!(row.seeded, of(&seeded, key));
        assert_eq!(row.held, of(&held, key));
        assert_eq!(row.converted_in, of(&into, key));
        assert_eq!(row.converted_out, of(&out, key));
        let left = row.held + row.at_sinks + row.dust + row.superseded + row.converted_out + row.fees;
        assert_eq!(row.seeded + row.converted_in, left, "{row:?}");
        cases.insert(row.case);
    }
    assert_eq!(cases.len(), 370);
    assert_eq!(
        held.keys()
            .chain(seeded.keys())
            .filter(|key| !trace.ledger.iter().any(|row| (row.case, row.currency) == **key))
            .count(),
        0
    );
}
