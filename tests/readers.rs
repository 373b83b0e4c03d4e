//! Readers while generations come and go: nobody is refused, nobody sees two generations at once, nobody goes back.
#![allow(clippy::unwrap_used)]
#![cfg(unix)]

#[path = "support/successors.rs"]
mod successors;
mod support;

use ringfence::Run;
use ringfence::graph::Graph;
use ringfence::store::Io;
use ringfence::store::collect::{CollectOptions, collect};
use ringfence::store::pins::hold;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use successors::{Prepared, prepare, publish};
use support::ledger;

/// Contents that take turns: generation n holds `of(n)` payments.
const NUM_CONTENTS: u64 = 7;

fn of(generation: u64) -> u64 {
    (generation - 1) % NUM_CONTENTS + 1
}

#[allow(clippy::disallowed_methods)] // A test is a door.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Opens by each reader.
fn opens() -> u64 {
    if variable("RINGFENCE_TORTURE").as_deref() == Some("1") { 170_000 } else { 3_400 }
}

/// Payments 1 to `count`, each in a month and between accounts of its own kind, so that contents share some files and not others.
fn content(count: u64) -> String {
    let rows =
        (1..=count).map(|row| format!("t{row},a{count},b{row},2024-{row:02}-05T00:00:00Z,{row}.00,EUR\n"));
    format!("transaction,source,destination,time,amount,currency\n{}", rows.collect::<String>())
}

/// Holds a graph against what its generation must hold: keys and every payment, so that files of two would show.
fn check(graph: &Graph) {
    let generation = graph.manifest().generation;
    let count = of(generation);
    assert_eq!(graph.num_transactions(), count, "generation {generation}");
    let payer = graph.find_account(&format!("a{count}")).unwrap();
    assert!(payer.is_some(), "generation {generation}");
    for row in 1..=count {
        let id = graph.find_transaction(&format!("t{row}")).unwrap().unwrap();
        let payment = graph.transaction(id).unwrap();
        assert_eq!(
            (payment.paid, Some(payment.source)),
            (row as i64 * 100, payer),
            "generation {generation}"
        );
    }
}

/// Generations that are published at least.
const GENERATIONS_MIN: u64 = 400;
/// Generations that each reader sees at least.
const SEEN_MIN: u64 = 15;

/// Opens `opens` times, or more until it has seen enough generations, and never sees an older one than before.
fn read(path: &Path, io: Io, opens: u64) -> u64 {
    let begun = Instant::now();
    let (mut newest, mut seen, mut done) = (0, 0, 0);
    while done < opens || seen < SEEN_MIN {
        let graph = Graph::open(path, io).unwrap();
        check(&graph);
        let generation = graph.manifest().generation;
        assert!(generation >= newest, "generation {generation} after {newest}");
        seen += u64::from(generation > newest);
        newest = generation;
        done += 1;
        assert!(seen >= SEEN_MIN || begun.elapsed() < Duration::from_secs(120), "the store stands still");
    }
    done
}

/// Comes back to one generation again and again.
fn come_back(path: &Path, io: Io, opens: u64) {
    let mut left = opens;
    while left > 0 {
        let pin = hold(path, None).unwrap();
        for _ in 0..left.min(40) {
            let graph = Graph::open_as_of(path, pin.generation(), io).unwrap();
            assert_eq!(graph.manifest().generation, pin.generation());
            check(&graph);
        }
        left -= left.min(40);
    }
}

/// A reader in a process of its own: this program, told by a variable.
fn process(path: &Path, io: Io) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_process_that_reads", "--ignored", "--nocapture"])
        .env("RINGFENCE_READER", path)
        .env("RINGFENCE_READER_IO", if io == Io::Mmap { "mmap" } else { "read" })
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "started by the test below"]
fn a_process_that_reads() {
    let Some(path) = variable("RINGFENCE_READER") else { return };
    let io = if variable("RINGFENCE_READER_IO").as_deref() == Some("mmap") { Io::Mmap } else { Io::Read };
    let done = read(Path::new(&path), io, opens());
    come_back(Path::new(&path), io, opens() / 4);
    println!("a process with {io:?}: {} opens", done + opens() / 4);
}

#[test]
fn readers_are_never_refused_never_mixed_and_never_go_back_while_generations_come_and_go() {
    let prepared: Vec<Prepared> =
        (1..=NUM_CONTENTS).map(|count| prepare(&ledger(&content(count), None).path)).collect();
    let store = ledger(&content(1), None);
    let path: PathBuf = store.path.clone();
    let far = std::fs::metadata(&path).unwrap().modified().unwrap() + Duration::from_secs(1 << 30);
    let begun = Instant::now();
    let reading = AtomicU64::new(6);
    let options = CollectOptions { keep: 1, keep_hours: 0, also: Vec::new() };

    let (generation, gone) = std::thread::scope(|scope| {
        let each = [Io::Mmap, Io::Read, Io::Mmap, Io::Read];
        let mut processes: Vec<Child> = each.iter().map(|&io| process(&path, io)).collect();
        let mut threads = Vec::new();
        for io in [Io::Mmap, Io::Read] {
            let (path, reading) = (&path, &reading);
            threads.push(scope.spawn(move || {
                let done = std::panic::catch_unwind(|| {
                    let done = read(path, io, opens());
                    come_back(path, io, opens() / 4);
                    println!("a thread with {io:?}: {} opens", done + opens() / 4);
                });
                // Also after a failure, or the writer would go on for ever.
                reading.fetch_sub(1, Ordering::Relaxed);
                done.unwrap()
            }));
        }
        let (mut generation, mut gone) = (1, 0);
        while reading.load(Ordering::Relaxed) > 0 || generation < GENERATIONS_MIN {
            generation = publish(&path, &prepared[(generation % NUM_CONTENTS) as usize]);
            let collected = collect(&path, &options, far, &Run::new()).unwrap();
            gone += collected.gone.len();
            processes.retain_mut(|process| match process.try_wait().unwrap() {
                Some(status) => {
                    assert!(status.success(), "a reading process ended with {status}");
                    reading.fetch_sub(1, Ordering::Relaxed);
                    false
                }
                None => true,
            });
        }
        for thread in threads {
            thread.join().unwrap();
        }
        (generation, gone)
    });
    collect(&path, &options, far, &Run::new()).unwrap();
    println!(
        "{generation} generations published, {gone} collected while they were read, {:?}",
        begun.elapsed()
    );
    assert!(gone > 10, "only {gone} generations were collected");
    check(&Graph::open(&path, Io::Mmap).unwrap());
}
