//! The doctor finds what was made wrong on purpose, says what to do, and writes nothing.
#![allow(clippy::unwrap_used)]
#![cfg(unix)]

#[path = "support/successors.rs"]
mod successors;
mod support;

use ringfence::Error;
use ringfence::store::doctor::{Finding, Level, examine};
use ringfence::store::pins::hold;
use ringfence::store::{Io, Store};
use std::collections::BTreeMap;
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use successors::{manifest_path, place, prepare, publish, written};
use support::{TempStore, ledger};

/// A store of `number` generations with everything as it should be.
fn sound(number: u32) -> TempStore {
    let months = |months: u32| {
        let rows: String = (1..=months)
            .map(|month| format!("t{month},a,b,2024-{month:02}-05T00:00:00Z,{month}.00,EUR\n"))
            .collect();
        ledger(&format!("transaction,source,destination,time,amount,currency\n{rows}"), None)
    };
    let store = months(1);
    for number in 2..=number {
        publish(&store.path, &prepare(&months(number).path));
    }
    for path in walk(&store.path) {
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
    store
}

/// The directory and everything in it.
fn walk(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![path.to_path_buf()];
    if path.is_dir() && !path.is_symlink() {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        found.extend(entries.iter().flat_map(|entry| walk(entry)));
    }
    found
}

fn now() -> SystemTime {
    std::fs::metadata(std::env::current_exe().unwrap()).unwrap().modified().unwrap()
}

/// Examines, holds that nothing was written, and gives the findings by subject.
fn examined(root: &Path) -> BTreeMap<&'static str, Vec<Finding>> {
    let state = || {
        walk(root)
            .into_iter()
            .map(|path| {
                let metadata = path.symlink_metadata().unwrap();
                (path, metadata.len(), metadata.modified().unwrap(), metadata.permissions())
            })
            .collect::<Vec<_>>()
    };
    let before = state();
    let findings = examine(root, now()).unwrap();
    assert_eq!(state(), before);
    let mut by_subject: BTreeMap<&'static str, Vec<Finding>> = BTreeMap::new();
    for finding in findings {
        assert_eq!(finding.level == Level::Fine, finding.remedy.is_empty(), "{finding:?}");
        by_subject.entry(finding.subject).or_default().push(finding);
    }
    by_subject
}

/// The worst finding on a subject.
fn worst(root: &Path, subject: &str) -> (Level, String) {
    let findings = examined(root);
    let worst = findings[subject].iter().max_by_key(|finding| finding.level).unwrap();
    (worst.level, worst.what.clone())
}

#[track_caller]
fn found(root: &Path, subject: &str, level: Level, words: &[&str]) {
    let (found, what) = worst(root, subject);
    assert_eq!(found, level, "{what}");
    for word in words {
        assert!(what.contains(word), "{word:?} is not in {what:?}");
    }
}

/// What depends on the store alone and not on the machine.
const OF_THE_STORE: [&str; 9] =
    ["garbage", "generations", "leftovers", "live", "lock", "owner", "permissions", "pins", "versions"];

#[test]
fn a_sound_store_is_fine() {
    let store = sound(2);
    let findings = examined(&store.path);
    for subject in OF_THE_STORE {
        assert!(
            findings[subject].iter().all(|finding| finding.level == Level::Fine),
            "{:?}",
            findings[subject]
        );
    }
    for subject in ["encryption", "file_system", "space"] {
        assert!(findings.contains_key(subject), "{subject}");
    }
    assert!(!findings.contains_key("others"));
}

#[test]
fn files_that_others_may_read_or_write_are_found() {
    let store = sound(1);
    let mode = |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    mode(&store.path.join("CURRENT"), 0o640);
    found(&store.path, "permissions", Level::Warning, &["CURRENT", "read"]);
    mode(&store.path.join("keys"), 0o720);
    found(&store.path, "permissions", Level::Error, &["keys", "write"]);
}

#[test]
fn a_live_generation_that_does_not_open_is_an_error() {
    let store = sound(2);
    let live = Store::open(&store.path, Io::Read).unwrap().manifest;
    let file = store.path.join(&live.segments[1].file.name);
    std::fs::remove_file(&file).unwrap();
    found(&store.path, "live", Level::Error, &["missing", file.file_name().unwrap().to_str().unwrap()]);
    found(&store.path, "generations", Level::Fine, &[]);
    found(&store.path, "garbage", Level::Warning, &["nothing can be collected"]);
    std::fs::write(store.path.join("CURRENT"), "").unwrap();
    found(&store.path, "live", Level::Error, &["CURRENT"]);
    std::fs::remove_file(store.path.join("CURRENT")).unwrap();
    found(&store.path, "live", Level::Error, &["no generation was published"]);
}

#[test]
fn an_older_generation_that_does_not_open_is_an_error() {
    let store = sound(3);
    std::fs::write(manifest_path(&store.path, 2), "cut").unwrap();
    found(&store.path, "generations", Level::Error, &["00000000000000000002"]);
    found(&store.path, "live", Level::Fine, &[]);
}

#[test]
fn files_of_other_versions_are_found() {
    let store = sound(1);
    let manifest = Store::open(&store.path, Io::Read).unwrap().manifest;
    let file = store.path.join(&manifest.account_keys.name);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[10] = 7;
    place(&file, &bytes);
    found(&store.path, "versions", Level::Note, &["later", "keys/"]);
    bytes[8] = 2;
    place(&file, &bytes);
    found(&store.path, "versions", Level::Error, &["another version", "keys/"]);
}

#[test]
fn leftovers_and_files_of_others_are_found_and_a_writer_at_work_leaves_none() {
    let store = sound(1);
    let private = |name: &str| {
        std::fs::write(store.path.join(name), "x").unwrap();
        std::fs::set_permissions(store.path.join(name), Permissions::from_mode(0o600)).unwrap();
    };
    private("segments/tmp-4");
    found(&store.path, "leftovers", Level::Note, &["segments/tmp-4"]);
    private("notes.txt");
    found(&store.path, "others", Level::Warning, &["notes.txt"]);
    private("LOCK");
    let lock = File::options().read(true).write(true).open(store.path.join("LOCK")).unwrap();
    std::fs::write(store.path.join("LOCK"), "ringfence writer\npid 7, loader\n").unwrap();
    lock.lock().unwrap();
    found(&store.path, "lock", Level::Note, &["pid 7, loader"]);
    found(&store.path, "leftovers", Level::Fine, &[]);
    drop(lock);
    found(&store.path, "lock", Level::Fine, &[]);
}

#[test]
fn pins_of_the_living_and_the_dead_are_told_apart() {
    let store = sound(2);
    let pin = hold(&store.path, Some(1)).unwrap();
    found(&store.path, "pins", Level::Note, &["living", "generation 1", &std::process::id().to_string()]);
    drop(pin);
    found(&store.path, "pins", Level::Fine, &[]);
    let dead = store.path.join("pins/00000000000000000001-4194304999-0");
    std::fs::write(&dead, "ringfence reader\npid 4194304999, gone\n").unwrap();
    found(&store.path, "pins", Level::Note, &["1 of processes that have ended"]);
}

#[test]
fn what_a_collection_would_free_is_said() {
    let store = sound(5);
    found(&store.path, "garbage", Level::Fine, &["5 kept, 0 no longer"]);
    for generation in 1..=5 {
        written(&store.path, generation, now() - Duration::from_secs(48 * 3_600));
    }
    found(&store.path, "garbage", Level::Note, &["3 kept, 2 no longer"]);
}

#[test]
fn what_is_no_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(examine(&directory.path().join("none"), now()), Err(Error::Io { .. })));
    std::fs::write(directory.path().join("file"), "").unwrap();
    assert!(matches!(examine(&directory.path().join("file"), now()), Err(Error::Foreign { .. })));
    // Anything else is examined.
    found(directory.path(), "live", Level::Error, &["no generation was published"]);
}
