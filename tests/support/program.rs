//! The program as a person or a script meets it: run it, read what it says and what it leaves.
#![allow(dead_code)] // Each test program uses its own part.

use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_ringfence");

pub fn ringfence<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

/// Runs with `--json`; the exit code and the one document on standard output.
pub fn json_of<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> (i32, Value) {
    let output = Command::new(PROGRAM).arg("--json").args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let document = serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!("{error} in {text:?}; standard error: {}", String::from_utf8_lossy(&output.stderr))
    });
    (output.status.code().unwrap(), document)
}

pub fn done<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Value {
    let (code, document) = json_of(arguments);
    assert_eq!((code, &document["ok"]), (0, &true.into()), "{document}");
    document
}

pub fn refused<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>, kind: &str, code: i32) -> String {
    let (found, document) = json_of(arguments);
    let error = &document["error"];
    assert_eq!((&document["ok"], found), (&false.into(), code), "{document}");
    assert_eq!((&error["kind"], &error["exit_code"]), (&kind.into(), &code.into()), "{document}");
    error["message"].as_str().unwrap().to_string()
}

pub fn tiny(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/tiny").join(name)
}

pub fn text(path: impl AsRef<Path>) -> String {
    path.as_ref().to_str().unwrap().to_string()
}

/// Names in a directory, sorted.
pub fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A folder of the hand-drawn ledgers as a graph.
pub fn tiny_graph(directory: &TempDir, name: &str) -> String {
    let graph = text(directory.path().join(format!("{name}.ring")));
    let transactions = text(tiny(name).join("transactions.csv"));
    let mut arguments = vec!["ingest", &graph, "--preset", "ledger", "--transactions", &transactions];
    let links = text(tiny(name).join("links.csv"));
    if Path::new(&links).exists() {
        arguments.extend(["--links", &links]);
    }
    done(&arguments);
    graph
}

/// The first `columns` columns of a CSV without quotes.
pub fn cut(csv: &str, columns: usize) -> Vec<String> {
    csv.lines().map(|line| line.split(',').take(columns).collect::<Vec<_>>().join(",")).collect()
}

pub fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// Writes a file into `directory`, and gives its path.
pub fn file(directory: &TempDir, name: &str, content: &str) -> String {
    let path = directory.path().join(name);
    std::fs::write(&path, content).unwrap();
    text(path)
}

/// A ledger with the columns of the preset `ledger` as a graph; `accounts` is a table of accounts.
pub fn graph_of(directory: &TempDir, transactions: &str, accounts: Option<&str>) -> String {
    let graph = text(directory.path().join("test.ring"));
    let rows = file(directory, "transactions.csv", transactions);
    let mut arguments = vec!["ingest", &graph, "--preset", "ledger", "--transactions", &rows];
    let people = accounts.map(|accounts| file(directory, "accounts.csv", accounts));
    if let Some(people) = &people {
        arguments.extend(["--accounts", people]);
    }
    done(&arguments);
    graph
}

/// A graph of payments of 10.00 EUR, one a day from 2024-01-01 on, drawn as `a>b b>c`; `links` is a table of identifiers, if not empty.
pub fn drawn(directory: &TempDir, payments: &str, links: &str) -> String {
    let mut rows = String::from("transaction,source,destination,time,amount,currency\n");
    for (number, payment) in payments.split_whitespace().enumerate() {
        let (source, destination) = payment.split_once('>').unwrap();
        let (month, day) = (number / 28 % 12 + 1, number % 28 + 1);
        rows += &format!("t{number},{source},{destination},2024-{month:02}-{day:02}T00:00:00Z,10.00,EUR\n");
    }
    let graph = text(directory.path().join("drawn.ring"));
    let rows = file(directory, "drawn.csv", &rows);
    let mut arguments = vec!["ingest", &graph, "--preset", "ledger", "--transactions", &rows];
    let links = (!links.is_empty()).then(|| file(directory, "drawn-links.csv", links));
    if let Some(links) = &links {
        arguments.extend(["--links", links]);
    }
    done(&arguments);
    graph
}

/// One thread and two leave the same bytes: a file for the verb `components`, else a directory.
pub fn same_bytes(directory: &TempDir, arguments: &[&str]) {
    let ending = if arguments[0] == "components" { ".csv" } else { "" };
    let [one, two] = ["1", "2"].map(|threads| {
        let output = directory.path().join(format!("threads-{threads}{ending}"));
        done([arguments, &["--threads", threads, "--output", &text(&output)]].concat());
        output
    });
    if one.is_file() {
        assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
        return;
    }
    assert_eq!(names(&one), names(&two));
    for name in names(&one) {
        assert_eq!(
            std::fs::read(one.join(&name)).unwrap(),
            std::fs::read(two.join(&name)).unwrap(),
            "{name}"
        );
    }
}
