//! The program under a limit on its memory: it does the work, or says that it cannot, and leaves nothing half done.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

#[path = "support/program.rs"]
mod program;

use program::{PROGRAM, done, file, text};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Runs the program with at most so many MiB of address space; the exit code and the document that it prints.
fn limited(mebibytes: u64, arguments: &[&str]) -> (i32, Value) {
    let script = format!("ulimit -v {} && exec \"$0\" --json \"$@\"", mebibytes << 10);
    let output = Command::new("/bin/sh").args(["-c", &script, PROGRAM]).args(arguments).output().unwrap();
    let code = output.status.code();
    let code = code.unwrap_or_else(|| panic!("{mebibytes} MiB: {}", String::from_utf8_lossy(&output.stderr)));
    (code, serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
}

/// An account that pays a hundred thousand times, to fifty thousand others.
fn hub(directory: &TempDir) -> String {
    let mut rows = String::from("transaction,source,destination,time,amount,currency\n");
    for row in 0..100_000 {
        let (day, second) = (1 + row % 28, row % 60);
        writeln!(
            rows,
            "t{row},hub,a{},2024-01-{day:02}T00:00:{second:02}Z,{}.00,EUR",
            row % 50_000,
            row % 999
        )
        .unwrap();
    }
    file(directory, "hub.csv", &rows)
}

#[test]
fn a_hub_is_ingested_in_little_memory_or_refused_before_any_work() {
    let directory = TempDir::new().unwrap();
    let rows = hub(&directory);
    let whole = text(directory.path().join("whole.ring"));
    done(["ingest", &whole, "--preset", "ledger", "--transactions", &rows]);
    let digest = |graph: &str| done(["info", graph])["manifest_sha256"].clone();
    assert!(digest(&whole).is_string());
    let mut outcomes = Vec::new();
    for (mebibytes, threads, memory) in [
        (64, "2", "64M"),
        (387, "2", "64M"),
        (388, "2", "64M"),
        (512, "2", "64M"),
        (1024, "2", "223M"),
        (1024, "2", "224M"),
        (1311, "16", "64M"),
        (1312, "16", "64M"),
    ] {
        let graph = text(directory.path().join("small.ring"));
        let mut arguments = vec!["ingest", &graph, "--preset", "ledger", "--transactions", &rows];
        arguments.extend(["--threads", threads, "--memory", memory]);
        let (code, document) = limited(mebibytes, &arguments);
        let what =
            format!("{mebibytes} MiB of address space, {threads} threads, {memory}: {code}, {document}");
        match code {
            0 => {
                assert_eq!(digest(&graph), digest(&whole), "{what}");
                done(["verify", "--full", &graph]);
                std::fs::remove_dir_all(&graph).unwrap();
            }
            1 => {
                assert_eq!(document["error"]["kind"], "limit", "{what}");
                assert!(document["error"]["message"].as_str().unwrap().contains("ulimit -v"), "{what}");
                assert!(!Path::new(&graph).exists(), "{what}");
            }
            _ => panic!("{what}"),
        }
        outcomes.push(code);
    }
    assert_eq!(outcomes, [1, 1, 0, 0, 0, 1, 1, 0]);
    // Without a budget of its own it takes what the limit leaves.
    let graph = text(directory.path().join("default.ring"));
    let arguments = ["ingest", &graph, "--preset", "ledger", "--transactions", &rows, "--threads", "2"];
    assert_eq!(limited(400, &arguments).0, 0);
    assert_eq!(digest(&graph), digest(&whole));
}

#[test]
fn a_graph_is_asked_in_little_memory() {
    let directory = TempDir::new().unwrap();
    let graph = text(directory.path().join("hub.ring"));
    done(["ingest", &graph, "--preset", "ledger", "--transactions", &hub(&directory)]);
    let output = text(directory.path().join("components.csv"));
    let components = ["components", &graph, "--output", &output, "--threads", "2"];
    for arguments in [&["info", &graph][..], &["verify", &graph, "--full", "--threads", "2"], &components] {
        let (code, document) = limited(512, arguments);
        assert_eq!(code, 0, "{arguments:?}: {document}");
    }
}
