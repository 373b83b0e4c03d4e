//! Whole stages: files to a store, opening it, components, each with a
//! rate and the ratio to a plain serial baseline of the same run.
//!
//! The input is a ledger that the bench makes, or files named in the environment
//! (`docs/benchmarks.md`).

mod communities;
mod harness;
mod patterns;

use harness::{Harness, Stage, number, text};
use rayon::prelude::*;
use ringfence::Run;
use ringfence::community::{ComponentsOptions, components};
use ringfence::graph::build::{IngestOptions, Sources, ingest};
use ringfence::graph::{Graph, View};
use ringfence::ids::{AccountId, TxId};
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::report::parquet::write_parquet;
use ringfence::report::{Table, Values};
use ringfence::store::Io;
use ringfence::synth::{SynthOptions, SynthOutputs, generate};
use ringfence::units::Window;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn main() {
    let scratch = tempfile::tempdir().expect("a directory for the ledger");
    if let Some(store) = text("RINGFENCE_BENCH_STORE") {
        let graph = Graph::open(store.as_ref(), Io::Mmap).expect("a store");
        return answers(&Harness::new(store), &graph);
    }
    let input = Input::new(scratch.path());
    let harness = Harness::new(input.name.clone());

    let store = scratch.path().join("graph");
    let sources = [input.csv.as_ref(), input.parquet.as_ref()];
    let any = sources.into_iter().flatten().next().expect("a file of transactions");
    make_store(&store, any, &input.mapping, false, &Run::new());
    let graph = Graph::open(&store, Io::Mmap).expect("a store just made");

    ingest_stages(&harness, &input, &graph);
    answers(&harness, &graph);
}

/// The stages that only need a store.
fn answers(harness: &Harness, graph: &Graph) {
    open_stage(harness, graph);
    touch_stage(harness, graph);
    components_stage(harness, graph);
    communities::stages(harness, graph);
    patterns::stages(harness, graph);
}

/// The files to work on.
struct Input {
    name: String,
    csv: Option<PathBuf>,
    parquet: Option<PathBuf>,
    mapping: Mapping,
}

impl Input {
    fn new(scratch: &Path) -> Self {
        let mapping = match text("RINGFENCE_BENCH_MAPPING") {
            Some(path) => {
                let toml = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
                Mapping::parse(&toml, &path)
            }
            None => Mapping::preset("ledger"),
        };
        let mapping = mapping.expect("a mapping that can be read");
        let file = |name| text(name).map(PathBuf::from);
        let (csv, parquet) = (file("RINGFENCE_BENCH_CSV"), file("RINGFENCE_BENCH_PARQUET"));
        if csv.is_some() || parquet.is_some() {
            let name = [&csv, &parquet].into_iter().flatten().map(|path| path.display().to_string());
            return Self { name: name.collect::<Vec<_>>().join(" "), csv, parquet, mapping };
        }
        let transactions = number("RINGFENCE_BENCH_TRANSACTIONS").unwrap_or(1_000_000);
        let options = SynthOptions { transactions, ..SynthOptions::default() };
        let open = |name| Ok(BufWriter::new(File::create(scratch.join(name)).expect("a new file")));
        let mut outputs = SynthOutputs::open(open).expect("new files");
        generate(&options, &mut outputs, &Run::new()).expect("a ledger");
        drop(outputs);
        let csv = scratch.join("transactions.csv");
        let parquet = scratch.join("transactions.parquet");
        to_parquet(&csv, &parquet);
        let name = format!("synth {transactions} seed {}", options.seed);
        Self { name, csv: Some(csv), parquet: Some(parquet), mapping }
    }
}

/// The columns of a CSV file without quotes as texts of a Parquet file.
fn to_parquet(csv: &Path, parquet: &Path) {
    let text = std::fs::read_to_string(csv).expect("a file just made");
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let mut columns = vec![Vec::new(); header.len()];
    for line in lines {
        for (column, field) in columns.iter_mut().zip(line.split(',')) {
            column.push((!field.is_empty()).then(|| field.to_string()));
        }
    }
    let table = Table::new(header.into_iter().zip(columns.into_iter().map(Values::OptionText)));
    write_parquet(&table, File::create(parquet).expect("a new file")).expect("a Parquet file");
}

fn make_store(path: &Path, file: &Path, mapping: &Mapping, durable: bool, run: &Run) -> u64 {
    let sources = Sources { transactions: vec![Source::File(file.to_path_buf())], ..Sources::default() };
    let options = IngestOptions { durable, ..IngestOptions::default() };
    let report = ingest(path, sources, mapping, &mut RejectLog::counting(), &options, run);
    report.expect("rows that can be read").counts()[1]
}

fn ingest_stages(harness: &Harness, input: &Input, graph: &Graph) {
    let count = graph.num_transactions();
    let fields = |file: &Path| {
        harness.time(
            &Stage { name: "baseline_fields", count, unit: "transactions" },
            || (),
            |(), _| {
                let text = std::fs::read(file).expect("the input");
                text.split(|&byte| byte == b'\n').map(|line| line.split(|&byte| byte == b',').count()).sum()
            },
            |fields: &usize| assert!(*fields as u64 > count, "{fields} fields"),
        )
    };
    let stages = [
        ("ingest_csv", &input.csv, true),
        ("ingest_csv_unsynced", &input.csv, false),
        ("ingest_parquet", &input.parquet, true),
    ];
    let wanted: Vec<_> = stages
        .iter()
        .filter_map(|(name, file, durable)| Some((*name, file.as_deref()?, *durable)))
        .filter(|(name, ..)| harness.wants(name))
        .collect();
    let baseline = input.csv.as_deref().filter(|_| !wanted.is_empty()).map(fields);
    for (name, file, durable) in wanted {
        let median = harness.time(
            &Stage { name, count, unit: "transactions" },
            || tempfile::tempdir().expect("a directory for the store"),
            |directory, run| {
                let accepted =
                    make_store(&directory.path().join("graph"), file, &input.mapping, durable, run);
                (accepted, directory)
            },
            |(accepted, _): &(u64, TempDir)| assert_eq!(*accepted, count),
        );
        if let Some(baseline) = baseline {
            harness.ratio((name, median), ("baseline_fields", baseline));
        }
    }
}

fn open_stage(harness: &Harness, graph: &Graph) {
    let name = "open_first_query";
    if !harness.wants(name) {
        return;
    }
    let (account, paid) = (0..graph.num_accounts().min(10_000))
        .map(|account| (AccountId(account), num_paid(graph, AccountId(account))))
        .max_by_key(|&(_, paid)| paid)
        .expect("an account");
    let key = graph.account_key(account).expect("an undamaged store");
    let median = harness.time(
        &Stage { name, count: 1, unit: "stores" },
        || (),
        |(), _| {
            let graph = Graph::open(graph.path(), Io::Mmap).expect("a store");
            let account = graph.find_account(&key).expect("an undamaged store").expect("a known account");
            num_paid(&graph, account)
        },
        |found| assert_eq!(*found, paid),
    );
    let read = harness.time(
        &Stage { name: "baseline_read_store", count: 1, unit: "stores" },
        || (),
        |(), _| read_all(graph.path()),
        |bytes| assert!(*bytes > 0),
    );
    harness.ratio((name, median), ("baseline_read_store", read));
}

/// What checking costs a windowed query: what every account pays in the middle week, when nothing was touched yet and when all of it was. Files are
/// read into memory beforehand, so that the pages of a mapping do not count.
fn touch_stage(harness: &Harness, graph: &Graph) {
    let name = "week_first_touch";
    if !harness.wants(name) {
        return;
    }
    const WEEK_US: i64 = 7 * 86_400_000_000;
    let middle = graph.transaction(TxId(graph.num_transactions() / 2)).expect("an undamaged store").time;
    let week = Window { from: middle - WEEK_US / 2, to: middle + WEEK_US / 2 };
    let open = || Graph::open(graph.path(), Io::Read).expect("a store");
    let paid = |graph: &Graph| {
        let view = graph.window(week).expect("an undamaged store");
        let accounts = (0..graph.num_accounts()).into_par_iter().map(AccountId);
        accounts.map(|account| sum_paid(graph, &view, account)).sum::<i64>()
    };
    let expected = paid(&open());
    let positions = graph.window(week).expect("an undamaged store").positions();
    let stage = |name| Stage { name, count: positions.end.0 - positions.start.0, unit: "transactions" };
    let touched = || {
        let graph = open();
        assert_eq!(paid(&graph), expected);
        graph
    };
    let work = |graph: Graph, _: &Run| (paid(&graph), graph);
    let check = |(found, _): &(i64, Graph)| assert_eq!(*found, expected);
    let first = harness.time(&stage(name), open, work, check);
    let again = harness.time(&stage("week_touched"), touched, work, check);
    harness.ratio((name, first), ("week_touched", again));
}

fn sum_paid(graph: &Graph, view: &View<'_>, account: AccountId) -> i64 {
    let mut sum = 0;
    for slice in view.out(account) {
        let slice = slice.expect("an undamaged store");
        for &transaction in slice.transactions {
            let (segment, row) =
                graph.locate(TxId(slice.base.0 + u64::from(transaction))).expect("a position");
            sum += segment.transactions.amount.get(row).expect("an undamaged store");
        }
    }
    sum
}

fn num_paid(graph: &Graph, account: AccountId) -> usize {
    graph.view().out(account).map(|slice| slice.expect("an undamaged store").transactions.len()).sum()
}

/// Reads every file below `directory`; how many bytes they hold.
fn read_all(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).expect("a directory");
    entries
        .map(|entry| entry.expect("an entry").path())
        .map(|path| if path.is_dir() { read_all(&path) } else { std::fs::read(&path).expect("a file").len() })
        .sum()
}

fn components_stage(harness: &Harness, graph: &Graph) {
    let name = "components";
    if !harness.wants(name) {
        return;
    }
    let (sources, destinations) = ends(graph);
    let num_accounts = graph.num_accounts() as usize;
    let count = graph.num_transactions();
    let union_find = || {
        let mut parents: Vec<u32> = (0..num_accounts as u32).collect();
        let mut trees = num_accounts;
        for (&source, &destination) in sources.iter().zip(&destinations) {
            let (a, b) = (root(&mut parents, source), root(&mut parents, destination));
            if a != b {
                parents[a.max(b) as usize] = a.min(b);
                trees -= 1;
            }
        }
        trees
    };
    let expected = union_find();
    let median = harness.time(
        &Stage { name, count, unit: "transactions" },
        || (),
        |(), run| components(&graph.view(), &ComponentsOptions::default(), run).expect("components"),
        |found| assert_eq!(found.len(), expected),
    );
    let serial = harness.time(
        &Stage { name: "baseline_union_find", count, unit: "transactions" },
        || (),
        |(), _| union_find(),
        |found| assert_eq!(*found, expected),
    );
    harness.ratio((name, median), ("baseline_union_find", serial));
}

/// Both ends of every transaction, in memory.
fn ends(graph: &Graph) -> (Vec<u32>, Vec<u32>) {
    let (mut sources, mut destinations) = (Vec::new(), Vec::new());
    for (_, segment) in graph.segments() {
        sources.extend_from_slice(segment.transactions.source.all().expect("an undamaged store"));
        destinations.extend_from_slice(segment.transactions.destination.all().expect("an undamaged store"));
    }
    (sources, destinations)
}

/// The root of `node`, halving the path to it.
fn root(parents: &mut [u32], mut node: u32) -> u32 {
    while parents[node as usize] != node {
        let parent = parents[node as usize];
        parents[node as usize] = parents[parent as usize];
        node = parent;
    }
    node
}
