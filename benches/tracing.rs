//! Tracing: many cases alone under every policy, money paths, upstream, bounds, exposure, and a hub whose lots fragment.
//!
//! `RINGFENCE_BENCH_STORE` names a store; without it the bench makes one of `RINGFENCE_BENCH_TRANSACTIONS` (1 000 000)
//! transactions. `RINGFENCE_BENCH_CASES` (1000) and `RINGFENCE_BENCH_DUST` (1000 minor units) say what is asked,
//! `RINGFENCE_BENCH_HUB` (1 000 000) how many payments pass the hub.

mod bounds;
mod exposure;
mod harness;

use harness::{Harness, Stage, number, text};
use ringfence::Run;
use ringfence::graph::Graph;
use ringfence::graph::build::{BuildOptions, Input, Sources, ingest, prepare};
use ringfence::ids::TxId;
use ringfence::ingest::batch::{LocalKeys, key_hash};
use ringfence::ingest::{Batch, Mapping, RejectLog, Source};
use ringfence::store::format::flags::FAILED;
use ringfence::store::manifest::Partition;
use ringfence::store::{Io, StoreWriter};
use ringfence::synth::{SynthOptions, SynthOutputs, generate};
use ringfence::trace::{
    PathsOptions, Policy, Seed, SeedKind, Target, TraceOptions, UpstreamOptions, downstream, paths, upstream,
};
use ringfence::units::Currency;
use serde_json::json;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// Owners of money in the hub.
const OWNERS: u32 = 10_000;

fn main() {
    let scratch = tempfile::tempdir().expect("a directory for the stores");
    let (path, name) = match text("RINGFENCE_BENCH_STORE") {
        Some(path) => (PathBuf::from(&path), path),
        None => made(scratch.path()),
    };
    let graph = Graph::open(&path, Io::Mmap).expect("a store");
    let harness = Harness::new(name);
    let seeds = seeds(&graph, number("RINGFENCE_BENCH_CASES").unwrap_or(1000) as u32);
    case_stages(&harness, &graph, &seeds);
    upstream_stage(&harness, &graph, &seeds);
    bounds::stages(&harness, &graph);
    exposure::stages(&harness, &graph);
    hub_stages(scratch.path());
}

/// A store of a ledger that the bench makes, and its name.
fn made(scratch: &Path) -> (PathBuf, String) {
    let transactions = number("RINGFENCE_BENCH_TRANSACTIONS").unwrap_or(1_000_000);
    let options = SynthOptions { transactions, ..SynthOptions::default() };
    let open = |name| Ok(BufWriter::new(File::create(scratch.join(name)).expect("a new file")));
    let mut outputs = SynthOutputs::open(open).expect("new files");
    generate(&options, &mut outputs, &Run::new()).expect("a ledger");
    drop(outputs);
    let path = scratch.join("graph");
    let csv = Source::File(scratch.join("transactions.csv"));
    let sources = Sources { transactions: vec![csv], ..Sources::default() };
    let mapping = Mapping::preset("ledger").expect("a preset of our own");
    ingest(&path, sources, &mapping, &mut RejectLog::counting(), &Default::default(), &Run::new())
        .expect("a store");
    (path, format!("synth {transactions} seed {}", options.seed))
}

/// One case a seed: payments of the first two thirds of the ledger that move at least 100 units of some currency.
fn seeds(graph: &Graph, cases: u32) -> Vec<Seed> {
    let count = graph.num_transactions();
    let seed = |case: u32| {
        let from = u64::from(case) * (count * 2 / 3) / u64::from(cases);
        let moves = |position: &u64| {
            let row = graph.transaction(TxId(*position)).expect("an undamaged store");
            row.received >= 10_000 && row.flags & FAILED == 0
        };
        let position = (from..count).find(moves).expect("a payment that moves money");
        Seed { case, kind: SeedKind::Transaction { transaction: TxId(position), amount: None } }
    };
    (0..cases).map(seed).collect()
}

/// Balances of all accounts by a plain pass over all transactions: seconds a transaction.
fn balances(harness: &Harness, graph: &Graph) -> f64 {
    let (mut sources, mut destinations, mut amounts) = (Vec::new(), Vec::new(), Vec::new());
    for (_, segment) in graph.segments() {
        let rows = &segment.transactions;
        sources.extend_from_slice(rows.source.all().expect("an undamaged store"));
        destinations.extend_from_slice(rows.destination.all().expect("an undamaged store"));
        amounts.extend_from_slice(rows.amount.all().expect("an undamaged store"));
    }
    let count = graph.num_transactions();
    let median = harness.time(
        &Stage { name: "baseline_balances", count, unit: "transactions" },
        || vec![0i64; graph.num_accounts() as usize],
        |mut balances, _| {
            for ((&source, &destination), &amount) in sources.iter().zip(&destinations).zip(&amounts) {
                balances[source as usize] -= amount;
                balances[destination as usize] += amount;
            }
            balances
        },
        |balances| assert_eq!(balances.iter().map(|&balance| i128::from(balance)).sum::<i128>(), 0),
    );
    median / count as f64
}

fn case_stages(harness: &Harness, graph: &Graph, seeds: &[Seed]) {
    if !Policy::ALL.iter().any(|policy| harness.wants(&format!("cases_{}", policy.name()))) {
        return;
    }
    let baseline = balances(harness, graph);
    let view = graph.view();
    let num_cases = seeds.len() as u32;
    let dust = number("RINGFENCE_BENCH_DUST").unwrap_or(1000) as i64;
    for policy in Policy::ALL {
        let name = format!("cases_{}", policy.name());
        if !harness.wants(&name) {
            continue;
        }
        let options = TraceOptions { policy, dust, joint: false, ..TraceOptions::default() };
        let trace = |run: &Run| downstream(&view, num_cases, seeds, &options, run).expect("a trace");
        let found = Run::new().install(|| trace(&Run::new()));
        let median = harness.time(
            &Stage { name: &name, count: found.events, unit: "events" },
            || (),
            |(), run| trace(run),
            |trace| assert_eq!(trace.events, found.events),
        );
        harness.ratio(
            (&format!("event of {name}"), median / found.events as f64),
            ("row of baseline_balances", baseline),
        );
        if policy == Policy::Fifo && harness.wants("paths") {
            let (rules, all) = (&options, PathsOptions::default());
            let listed = paths(&view, &found, rules, &all, &Run::new()).expect("paths");
            harness.time(
                &Stage { name: "paths_fifo", count: found.flows.len() as u64, unit: "flows" },
                || (),
                |(), run| paths(&view, &found, rules, &all, run).expect("paths"),
                |paths| assert_eq!(paths.num_found, listed.num_found),
            );
        }
    }
}

/// Where the payments of the seeds came from, ten payments back at most.
fn upstream_stage(harness: &Harness, graph: &Graph, seeds: &[Seed]) {
    if !harness.wants("upstream_fifo") {
        return;
    }
    let target = |seed: &Seed| match seed.kind {
        SeedKind::Transaction { transaction, .. } => Some(Target::Transaction(transaction)),
        _ => None,
    };
    let targets: Vec<Target> = seeds.iter().step_by(10).filter_map(target).collect();
    let options = UpstreamOptions { max_hops: Some(3), paths_max: Some(100), ..UpstreamOptions::default() };
    let view = graph.view();
    let events = upstream(&view, &targets, &options, &Run::new()).expect("origins").events;
    harness.time(
        &Stage { name: "upstream_fifo", count: events, unit: "events" },
        || (),
        |(), run| upstream(&view, &targets, &options, run).expect("origins"),
        |found| assert_eq!(found.events, events),
    );
}

/// A hub that receives money of 10 000 cases in turn and pays it on in other sizes, so that lots fragment.
fn hub_stages(scratch: &Path) {
    let payments = number("RINGFENCE_BENCH_HUB").unwrap_or(1_000_000);
    let harness = Harness::new(format!("hub of {payments} payments, {OWNERS} owners"));
    let wanted = [Policy::Fifo, Policy::Lifo, Policy::CleanFirst, Policy::TaintedFirst];
    let wanted: Vec<Policy> =
        wanted.into_iter().filter(|policy| harness.wants(&format!("hub_{}", policy.name()))).collect();
    if wanted.is_empty() {
        return;
    }
    let graph = hub(&scratch.join("hub"), payments);
    let seeds: Vec<Seed> = (0..OWNERS)
        .map(|case| {
            let transaction = TxId(u64::from(case) * 2);
            Seed { case, kind: SeedKind::Transaction { transaction, amount: Some(1_000) } }
        })
        .collect();
    let view = graph.view();
    for policy in wanted {
        let name = format!("hub_{}", policy.name());
        let options = TraceOptions { policy, ..TraceOptions::default() };
        let trace = |run: &Run| downstream(&view, OWNERS, &seeds, &options, run).expect("a trace");
        let events = trace(&Run::new()).events;
        harness.time(
            &Stage { name: &name, count: events, unit: "events" },
            || (),
            |(), run| trace(run),
            |trace| assert_eq!(trace.events, events),
        );
        println!("{}", json!({ "stage": name, "peak_memory_mb": peak_memory_mb() }));
    }
}

/// Peak memory of this process so far, where the system tells.
fn peak_memory_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()? / 1024)
}

/// Payments into the hub of 10 000 units and out of it of 9 973, in turn, the latter to 1 000 accounts that pay half of it
/// back.
fn hub(path: &Path, payments: u64) -> Graph {
    const OTHERS: u32 = 1_000;
    let mut accounts = LocalKeys::default();
    accounts.offsets.push(0);
    for account in 0..=OTHERS {
        let key = format!("A{account}");
        accounts.text.extend_from_slice(key.as_bytes());
        accounts.offsets.push(accounts.text.len() as u32);
        accounts.hashes.push(key_hash(key.as_bytes()));
    }
    let mut batch = Batch {
        accounts,
        currencies: vec![Currency { code: "USD".into(), exponent: 2 }],
        first_record: 1,
        ..Batch::default()
    };
    for row in 0..payments {
        let other = 1 + (row / 2 % u64::from(OTHERS)) as u32;
        let into = row % 2 == 0;
        batch.source.push(if into { other } else { 0 });
        batch.destination.push(if into { 0 } else { other });
        batch.time.push(row as i64 * 1_000_000);
        batch.amount.push(if into { 10_000 } else { 9_973 });
    }
    let run = Run::new();
    let input = Input { batches: vec![batch], ..Input::default() };
    let prepared = prepare(input, &BuildOptions::default(), &run).expect("a ledger in order");
    let mut writer = StoreWriter::create(path).expect("a new store");
    writer.set_durable(false);
    prepared.publish(writer, Partition::None, Vec::new(), Vec::new(), &run).expect("a store");
    Graph::open(path, Io::Mmap).expect("a store just made")
}
