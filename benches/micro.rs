//! Micro benches: the inner steps that whole stages are made of.
//!
//! Amounts and times are parsed once per row, keys looked up once per question,
//! windows cut once per account and segment; `stages` times what they add up to.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ringfence::Run;
use ringfence::graph::build::{IngestOptions, Sources, ingest};
use ringfence::graph::{Graph, View};
use ringfence::ids::{AccountId, TxId};
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::store::keys::KeyList;
use ringfence::store::{Container, Io, Keys, StoreWriter};
use ringfence::synth::{SynthOptions, SynthOutputs, generate};
use ringfence::units::Window;
use ringfence::units::amount::{format_amount, parse_amount};
use ringfence::units::time::parse_time;
use std::fs::File;
use std::hint::black_box;
use std::io::BufWriter;
use std::path::Path;

/// Numbers that look random and are the same in every run (splitmix64).
fn numbers() -> impl Iterator<Item = u64> {
    (1u64..).map(|step| {
        let mut x = step.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    })
}

const AMOUNTS: usize = 4096;

fn amounts(criterion: &mut Criterion) {
    let minor: Vec<i64> = numbers().take(AMOUNTS).map(|x| (x >> (24 + x % 30)) as i64).collect();
    let texts: Vec<String> = minor.iter().map(|&amount| format_amount(i128::from(amount), 2)).collect();
    let sum: i64 = minor.iter().fold(0, |sum, &amount| sum.wrapping_add(amount));
    let parse = || {
        let parsed = texts.iter().map(|text| parse_amount(text.as_bytes(), 2).expect("written by us"));
        parsed.fold(0i64, |sum, amount| sum.wrapping_add(amount))
    };
    assert_eq!(parse(), sum);
    let mut group = criterion.benchmark_group("units");
    group.throughput(Throughput::Elements(AMOUNTS as u64));
    group.bench_function("parse_amount", |bencher| bencher.iter(|| black_box(parse())));

    let times: Vec<String> = numbers()
        .take(AMOUNTS)
        .map(|x| {
            format!(
                "2024-{:02}-{:02}T{:02}:{:02}:{:02}Z",
                1 + x % 12,
                1 + (x >> 8) % 28,
                (x >> 16) % 24,
                (x >> 24) % 60,
                (x >> 32) % 60
            )
        })
        .collect();
    assert!(times.iter().all(|text| parse_time(text).is_some()));
    group.bench_function("parse_time", |bencher| {
        bencher.iter(|| times.iter().filter_map(|text| parse_time(text)).fold(0i64, |sum, time| sum ^ time))
    });
    group.finish();
}

/// Keys of a store; more than the caches hold, as in a bank.
const KEYS: u64 = 1 << 20;
const LOOKUPS: usize = 4096;

fn keys(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a directory for the keys");
    let texts = |id: u64| format!("DE{:020}", id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 1);
    let written: Vec<String> = (0..KEYS).map(texts).collect();
    let mut offsets = vec![0];
    let mut text = Vec::new();
    for key in &written {
        text.extend_from_slice(key.as_bytes());
        offsets.push(text.len() as u64);
    }
    let ibans = stored(&directory.path().join("ibans"), &KeyList::Texts { text, offsets });
    let plain = stored(
        &directory.path().join("numbers"),
        &KeyList::Numbers((0..KEYS).map(|id| id * 7 + 3).collect()),
    );

    let asked: Vec<u32> = numbers().take(LOOKUPS).map(|x| (x % KEYS) as u32).collect();
    let mut group = criterion.benchmark_group("keys");
    group.throughput(Throughput::Elements(LOOKUPS as u64));
    for (name, keys) in [("iban", &ibans), ("number", &plain)] {
        let known: Vec<Vec<u8>> = asked
            .iter()
            .map(|&id| {
                let mut key = Vec::new();
                keys.key(id, &mut key).expect("an id of the store");
                key
            })
            .collect();
        for (key, &id) in known.iter().zip(&asked) {
            assert_eq!(keys.find(key).expect("an undamaged file"), Some(id));
        }
        let find = |key: &Vec<u8>| keys.find(key).expect("an undamaged file").map_or(0, u64::from);
        group.bench_function(format!("find_{name}"), |bencher| {
            bencher.iter(|| known.iter().map(find).sum::<u64>())
        });
        let absent: Vec<Vec<u8>> = known.iter().map(|key| [key.as_slice(), b"9"].concat()).collect();
        group.bench_function(format!("find_absent_{name}"), |bencher| {
            bencher.iter(|| absent.iter().map(find).sum::<u64>())
        });
        group.bench_function(format!("key_{name}"), |bencher| {
            bencher.iter_batched_ref(
                || Vec::with_capacity(64),
                |key| {
                    for &id in &asked {
                        key.clear();
                        keys.key(id, key).expect("an id of the store");
                    }
                },
                BatchSize::SmallInput,
            )
        });
    }
    group.finish();
}

/// The keys, written into a file of their own and opened again.
fn stored(directory: &Path, list: &KeyList) -> Keys {
    let mut writer = StoreWriter::create(directory).expect("a new store");
    writer.set_durable(false);
    let mut file = writer.file("keys", "account", "keys").expect("a new file");
    Keys::write(list, &mut file).expect("keys of the store");
    let entry = writer.finish(file).expect("a finished file");
    let container = Container::open(&directory.join(&entry.name), Io::Mmap);
    Keys::open(&container.expect("a file just written")).expect("keys just written")
}

/// Accounts asked for their payments in each window.
const ASKED: usize = 1024;

fn windows(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a directory for the graph");
    let graph = graph_of(directory.path(), 200_000);
    let whole = graph.view();
    let (first, last) = (TxId(0), TxId(graph.num_transactions() - 1));
    let time = |id| graph.transaction(id).expect("an undamaged store").time;
    let (from, to) = (time(first), time(last) + 1);
    let week = Window { from, to: from + (to - from) / 4 };
    let view = graph.window(week).expect("an undamaged store");

    let accounts: Vec<AccountId> =
        numbers().take(ASKED).map(|x| AccountId((x % u64::from(graph.num_accounts())) as u32)).collect();
    let paid = |view: &View, account: AccountId| -> usize {
        view.out(account).map(|slice| slice.expect("an undamaged store").transactions.len()).sum()
    };
    let all = |view: &View| accounts.iter().map(|&account| paid(view, account)).sum::<usize>();
    assert!(0 < all(&view) && all(&view) < all(&whole));

    let mut group = criterion.benchmark_group("view");
    group.bench_function("window", |bencher| {
        bencher.iter(|| graph.window(black_box(week)).expect("an undamaged store").positions())
    });
    group.throughput(Throughput::Elements(ASKED as u64));
    group.bench_function("out_whole", |bencher| bencher.iter(|| black_box(all(&whole))));
    group.bench_function("out_window", |bencher| bencher.iter(|| black_box(all(&view))));
    group.finish();
}

/// The graph of a synthetic ledger.
fn graph_of(directory: &Path, transactions: u64) -> Graph {
    let options = SynthOptions { transactions, ..SynthOptions::default() };
    let open = |name| Ok(BufWriter::new(File::create(directory.join(name)).expect("a new file")));
    let mut outputs = SynthOutputs::open(open).expect("new files");
    generate(&options, &mut outputs, &Run::new()).expect("a ledger");
    drop(outputs);
    let path = directory.join("graph");
    let sources = Sources {
        transactions: vec![Source::File(directory.join("transactions.csv"))],
        ..Sources::default()
    };
    let mapping = Mapping::preset("ledger").expect("a preset");
    let options = IngestOptions { durable: false, ..IngestOptions::default() };
    ingest(&path, sources, &mapping, &mut RejectLog::counting(), &options, &Run::new()).expect("a store");
    Graph::open(&path, Io::Mmap).expect("a store just made")
}

criterion_group!(benches, amounts, keys, windows);
criterion_main!(benches);
