//! Stores of released versions open, verify, answer as they did, and can be added to.
//!
//! `tests/frozen/<version>/` holds a store as one packed file, and its answers to a fixed set of questions; `<version>-corrections` one with rows that
//! correct and reverse others. What is there is never written again. A new version of the format gets folders of its own:
//!
//! ```text
//! cargo test --test frozen -- --ignored regenerate
//! ```
//!
//! makes the folders of the version that this build writes which are not there, and refuses if all are. Add them to `STORES` then.
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

#[path = "support/full.rs"]
mod full;
mod support;

use ringfence::Run;
use ringfence::graph::Graph;
use ringfence::store::format::{VERSION_MAJOR, VERSION_MINOR};
use ringfence::store::verify::{verify, verify_generation};
use ringfence::store::{Io, Store};
use serde_json::Value;
use std::path::{Path, PathBuf};
use support::scratch;
use tempfile::TempDir;

/// Every folder.
const STORES: [&str; 2] = ["1.0", "1.0-corrections"];

/// Those of the version that this build writes, and how it makes them.
fn of_today() -> impl Iterator<Item = (String, fn(&Path) -> PathBuf)> {
    let today = format!("{VERSION_MAJOR}.{VERSION_MINOR}");
    [("", build as fn(&Path) -> PathBuf), ("-corrections", build_corrected)]
        .map(|(kind, build)| (format!("{today}{kind}"), build))
        .into_iter()
}

fn folder(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frozen").join(version)
}

/// Files of a store in one: for each the length of its name (u16), its name, its length (u64), its bytes; in the order of
/// names, compressed.
fn pack(store: &Path) -> Vec<u8> {
    let mut packed = Vec::new();
    for (name, bytes) in files(store) {
        packed.extend((name.len() as u16).to_le_bytes());
        packed.extend(name.as_bytes());
        packed.extend((bytes.len() as u64).to_le_bytes());
        packed.extend(bytes);
    }
    zstd::encode_all(&packed[..], 19).unwrap()
}

fn unpack(packed: &[u8], store: &Path) {
    let packed = zstd::decode_all(packed).unwrap();
    let mut rest = &packed[..];
    let mut take = |len: usize| {
        let (taken, behind) = rest.split_at(len);
        rest = behind;
        (taken, behind.is_empty())
    };
    loop {
        let name_bytes = u16::from_le_bytes(take(2).0.try_into().unwrap());
        let name = std::str::from_utf8(take(name_bytes.into()).0).unwrap();
        let bytes = u64::from_le_bytes(take(8).0.try_into().unwrap());
        let path = store.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let (content, ended) = take(bytes as usize);
        std::fs::write(&path, content).unwrap();
        if ended {
            break;
        }
    }
    restrict(store);
}

/// Directories 0700 and files 0600, as a store has them and a repository does not keep them.
fn restrict(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    if path.is_dir() {
        std::fs::read_dir(path).unwrap().for_each(|entry| restrict(&entry.unwrap().path()));
    }
}

/// Every file of the store but the lock, sorted by name.
fn files(store: &Path) -> Vec<(String, Vec<u8>)> {
    fn walk(folder: &Path, store: &Path, found: &mut Vec<(String, Vec<u8>)>) {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(store).unwrap().to_str().unwrap().to_string();
            if path.is_dir() {
                walk(&path, store, found);
            } else if name != "LOCK" {
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(store, store, &mut found);
    found.sort();
    found
}

/// The frozen store of a version in a directory of its own, and what it answered when it was made.
fn frozen(version: &str) -> (TempDir, PathBuf, Value) {
    let directory = TempDir::new().unwrap();
    let store = directory.path().join("bank.ring");
    unpack(&std::fs::read(folder(version).join("store.zst")).unwrap(), &store);
    let answers = std::fs::read(folder(version).join("answers.json")).unwrap();
    (directory, store, serde_json::from_slice(&answers).unwrap())
}

/// The store that is frozen: two generations, three months, every kind of file and column.
fn build(directory: &Path) -> PathBuf {
    let store = directory.join("bank.ring");
    full::build(&store, &scratch());
    full::grow(&store, &scratch());
    store
}

/// As [`build`], but the second generation corrects a payment of January twice, and takes one of February back, with a second thought.
fn build_corrected(directory: &Path) -> PathBuf {
    let store = directory.join("bank.ring");
    full::build(&store, &scratch());
    full::append_rows(&store, CORRECTIONS, &scratch());
    let graph = Graph::open(&store, Io::Mmap).unwrap();
    assert_eq!(graph.num_transactions(), 24 + 4, "none of them is rejected");
    store
}

const CORRECTIONS: &str = "transaction,source,destination,time,amount,currency,corrects,reverses\n\
    c1,a3,a2,2024-01-21T20:00:00Z,100.00,EUR,t004,\n\
    c2,a3,a2,2024-01-21T20:00:00Z,99.00,EUR,c1,\n\
    r1,a4,a2,2024-03-05T00:00:00Z,10.00,USD,,t001\n\
    r2,a4,a2,2024-03-06T00:00:00Z,9.00,USD,r1,\n";

#[test]
fn every_frozen_store_verifies_and_answers_as_it_did() {
    for version in STORES {
        let (_directory, store, expected) = frozen(version);
        assert_eq!(verify(&store, true, &Run::new()).unwrap().generation, 2, "{version}");
        assert_eq!(verify_generation(&store, Some(1), true, &Run::new()).unwrap().generation, 1, "{version}");
        for io in [Io::Mmap, Io::Read] {
            let answers = full::answers(&store, io).unwrap();
            for (question, answer) in expected.as_object().unwrap() {
                assert_eq!(&answers[question], answer, "{version}, {io:?}: {question}");
            }
        }
    }
}

/// What was corrected stays corrected: the chain goes on at its end, and nowhere else.
#[test]
fn corrections_of_a_frozen_store_are_corrected() {
    let mut num_tried = 0;
    for version in STORES.iter().filter(|name| name.ends_with("-corrections")) {
        let (_directory, store, _) = frozen(version);
        let rows = "transaction,source,destination,time,amount,currency,corrects,reverses\n\
            again,a3,a2,2024-01-21T20:00:00Z,98.00,EUR,c2,\nlate,a3,a2,2024-01-21T20:00:00Z,97.00,EUR,t004,\n\
            more,a4,a2,2024-03-07T00:00:00Z,22.18,USD,,t001\nrest,a4,a2,2024-03-07T00:00:00Z,22.17,USD,,t001\n";
        full::append_rows(&store, rows, &scratch());
        verify(&store, true, &Run::new()).unwrap();
        let graph = Graph::open(&store, Io::Mmap).unwrap();
        let find = |key: &str| graph.find_transaction(key).unwrap();
        let refers_to = |key: &str| graph.refers_to(find(key).unwrap()).unwrap();
        assert_eq!((refers_to("again"), refers_to("c2")), (find("c2"), find("c1")), "{version}");
        // t001 paid 31.17, of which 9.00 were taken back.
        assert_eq!((find("late"), find("more"), refers_to("rest")), (None, None, find("t001")), "{version}");
        num_tried += 1;
    }
    assert!(num_tried > 0);
}

#[test]
fn every_frozen_store_can_be_added_to() {
    for version in STORES {
        let (_directory, store, _) = frozen(version);
        let before = files(&store);
        let rows = "transaction,source,destination,time,amount,currency\nnew,a0,someone new,2024-02-03T00:00:00Z,1.00,EUR\n";
        full::append_rows(&store, rows, &scratch());
        assert_eq!(verify(&store, true, &Run::new()).unwrap().generation, 3, "{version}");
        let opened = Store::open(&store, Io::Read).unwrap();
        let old = Graph::open_as_of(&store, 2, Io::Mmap).unwrap();
        let new = Graph::open(&store, Io::Mmap).unwrap();
        assert_eq!(new.num_transactions(), old.num_transactions() + 1);
        assert_eq!(new.num_accounts(), old.num_accounts() + 1);
        assert!(
            new.find_transaction("new").unwrap().is_some() && old.find_transaction("new").unwrap().is_none()
        );
        // January and March were not touched.
        for entry in opened.manifest.segments.iter().filter(|entry| entry.partition != "2024-02") {
            assert!(
                before.iter().any(|(name, _)| *name == entry.file.name),
                "{version}: {}",
                entry.partition
            );
        }
        let after = files(&store);
        assert!(
            before.iter().all(|old| old.0 == "CURRENT" || after.contains(old)),
            "{version}: a file was changed"
        );
    }
}

/// Today's writer makes the bytes of its version: names of data files are those of their content.
#[test]
fn the_same_rows_still_make_the_same_files() {
    for (name, build) in of_today() {
        let directory = TempDir::new().unwrap();
        let today = files(&build(directory.path()));
        let (_directory, store, _) = frozen(&name);
        let data = |files: &[(String, Vec<u8>)]| -> Vec<String> {
            files.iter().map(|(name, _)| name.clone()).filter(|name| name.contains('.')).collect()
        };
        let meant = "if that is meant, it is another version of the format";
        assert_eq!(data(&today), data(&files(&store)), "{name}: {meant}");
    }
}

/// Makes the folders of the version that this build writes.
#[test]
#[ignore = "writes into the repository: once for each version of the format"]
fn regenerate() {
    let missing: Vec<_> = of_today().filter(|(name, _)| !folder(name).exists()).collect();
    assert!(!missing.is_empty(), "all are there already, and what is frozen stays");
    missing.into_iter().for_each(|(name, build)| freeze(&folder(&name), build));
}

fn freeze(folder: &Path, build: fn(&Path) -> PathBuf) {
    let directory = TempDir::new().unwrap();
    let store = build(directory.path());
    let answers = full::answers(&store, Io::Mmap).unwrap();
    // One line per answer, so that a difference can be read.
    let mut text = String::from("{\n");
    let answers = answers.as_object().unwrap();
    for (number, (question, answer)) in answers.iter().enumerate() {
        let end = if number + 1 < answers.len() { "," } else { "" };
        let answer = match answer {
            Value::Array(parts) => {
                let parts: Vec<String> = parts.iter().map(Value::to_string).collect();
                format!("[\n    {}\n  ]", parts.join(",\n    "))
            }
            other => other.to_string(),
        };
        text += &format!("  {question:?}: {answer}{end}\n");
    }
    text += "}\n";
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("store.zst"), pack(&store)).unwrap();
    std::fs::write(folder.join("answers.json"), text).unwrap();
}
