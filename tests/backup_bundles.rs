//! A bundle opens whole, with its key, in its chain, or is refused by name.
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

#[path = "support/history.rs"]
mod history;
mod support;

use history::history;
use ringfence::store::backup::{
    Key, Sealing, Secrets, Share, restore, to_bundle, to_directory, verify_backup,
};
use ringfence::store::disk::{Disk, System};
use ringfence::{Error, Run};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use support::random;
use tempfile::TempDir;

fn disk() -> Arc<dyn Disk> {
    System::shared()
}

fn key() -> Key {
    Key::new([0x5a; 32])
}

/// Seals under [`key`], with secrets that follow from `seed`.
fn seal(store: &Path, bundle: &Path, since: Option<&Path>, seed: u64) -> ringfence::Result<u64> {
    let secrets = Secrets::from_bytes(&std::array::from_fn(|at| random(seed, at as u64) as u8));
    let key = key();
    let sealing = Sealing { key: &key, secrets: &secrets, since };
    to_bundle(store, None, bundle, &sealing, &disk(), &Run::new()).map(|made| made.num_kept)
}

fn check(bundles: &[PathBuf]) -> ringfence::Result<u64> {
    verify_backup(bundles, Some(&key()), Share::ALL, &Run::new()).map(|checked| checked.num_checked)
}

fn open(bundles: &[PathBuf], output: &Path) -> ringfence::Result<()> {
    restore(bundles, Some(&key()), output, &disk(), &Run::new()).map(|_| ())
}

/// A chain of bundles, one per generation of a history.
fn chain(directory: &Path, stores: &[PathBuf], seed: u64) -> Vec<PathBuf> {
    let mut bundles: Vec<PathBuf> = Vec::new();
    for (number, store) in stores.iter().enumerate() {
        let bundle = directory.join(format!("{seed}-{number}.bundle"));
        seal(store, &bundle, bundles.last().map(PathBuf::as_path), seed * 100 + number as u64).unwrap();
        bundles.push(bundle);
    }
    bundles
}

fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(directory: &Path, root: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else if path.file_name().unwrap() != "LOCK" {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(directory, directory, &mut found);
    found
}

#[test]
fn every_generation_of_a_history_comes_back_from_bundles_and_from_a_directory() {
    let mut shared = 0;
    for seed in 0..6 {
        let directory = TempDir::new().unwrap();
        let at = |name: &str| directory.path().join(name);
        let stores = history(directory.path(), seed, 2 + seed % 3);
        let expected: Vec<_> = stores.iter().map(|store| files(store)).collect();
        let bundles = chain(directory.path(), &stores, seed);
        let kept: Vec<u64> = stores
            .iter()
            .map(|store| to_directory(store, None, &at("copy"), &disk(), &Run::new()).unwrap().num_kept)
            .collect();
        shared += kept[1..].iter().sum::<u64>();
        for store in &stores {
            std::fs::remove_dir_all(store).unwrap();
        }
        for (number, expected) in expected.iter().enumerate() {
            // In any order.
            let mut given = bundles[..=number].to_vec();
            given.rotate_left(random(seed, number as u64) as usize % (number + 1));
            let output = at(&format!("restored-{number}"));
            assert!(check(&given).unwrap() > 0);
            open(&given, &output).unwrap();
            assert!(files(&output) == *expected, "seed {seed}, generation {}", number + 1);
        }
        restore(&[at("copy")], None, &at("from-copy"), &disk(), &Run::new()).unwrap();
        assert!(files(&at("from-copy")) == *expected.last().unwrap(), "seed {seed}");
    }
    assert!(shared > 0, "no generation shared a file with the one before: the test shows nothing");
}

#[test]
fn an_incremental_bundle_holds_only_what_the_chain_lacks() {
    let directory = TempDir::new().unwrap();
    let stores = history(directory.path(), 11, 3);
    let bundles = chain(directory.path(), &stores, 11);
    let again = directory.path().join("again.bundle");
    let files = files(&stores[2]).len() as u64 - 2;
    assert_eq!(seal(&stores[2], &again, Some(&bundles[2]), 7).unwrap(), files);
    let size = |path: &Path| path.metadata().unwrap().len();
    assert!(size(&again) < 8_000, "{}", size(&again));
    assert!(size(&bundles[2]) < size(&bundles[0]) * 3);
    // Shares of a chain are all of it.
    let share = |number| verify_backup(&bundles, Some(&key()), Share::new(number, 4).unwrap(), &Run::new());
    let checked: u64 = (1..=4).map(|number| share(number).unwrap().num_checked).sum();
    assert_eq!(checked, check(&bundles).unwrap());
}

#[test]
fn every_changed_byte_and_every_cut_is_refused_by_name() {
    let directory = TempDir::new().unwrap();
    let stores = history(directory.path(), 12, 1);
    let [full, small] = ["full", "small"].map(|name| directory.path().join(format!("{name}.bundle")));
    seal(&stores[0], &full, None, 1).unwrap();
    seal(&stores[0], &small, Some(&full), 2).unwrap();
    let victim = directory.path().join("victim.bundle");
    let refused = |bytes: &[u8], rest: &[PathBuf], what: String| {
        std::fs::write(&victim, bytes).unwrap();
        // Of what precedes it, nothing but its own manifest: the share is next to nothing.
        let share = if rest.is_empty() { Share::ALL } else { Share::new(1, 1 << 60).unwrap() };
        let given = [std::slice::from_ref(&victim), rest].concat();
        match verify_backup(&given, Some(&key()), share, &Run::new()) {
            Err(
                error @ (Error::Damaged { .. }
                | Error::Foreign { .. }
                | Error::Version { .. }
                | Error::Input { .. }),
            ) => assert!(error.to_string().contains("victim.bundle"), "{what}: {error}"),
            other => panic!("{what}: {other:?}"),
        }
    };
    // All of a bundle that holds a manifest alone; of a large one, the head and list, and some of the rest.
    let whole = std::fs::read(&small).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        refused(&bytes, std::slice::from_ref(&full), format!("byte {at} of the small one"));
        refused(&whole[..at], std::slice::from_ref(&full), format!("cut at {at}"));
    }
    refused(&[&whole[..], b"x"].concat(), std::slice::from_ref(&full), "a byte more".to_string());
    let whole = std::fs::read(&full).unwrap();
    for at in (0..2_000).step_by(7).chain((2_000..whole.len()).step_by(9_999)).chain([whole.len() - 1]) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x80;
        refused(&bytes, &[], format!("byte {at} of the large one"));
    }
}

#[test]
fn chunks_that_were_moved_or_come_from_elsewhere_are_refused() {
    let directory = TempDir::new().unwrap();
    let stores = history(directory.path(), 13, 1);
    let [one, two, victim] =
        ["one", "two", "victim"].map(|name| directory.path().join(format!("{name}.bundle")));
    seal(&stores[0], &one, None, 1).unwrap();
    seal(&stores[0], &two, None, 2).unwrap();
    let (one, two) = (std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
    assert_eq!(one.len(), two.len());
    let list_bytes = u32::from_le_bytes(one[12..16].try_into().unwrap()) as usize;
    let (begin, chunk) = (192 + list_bytes + 16, (64 << 10) + 16);
    let at = |number: usize| begin + number * chunk;
    assert!(at(3) < one.len());
    let refused = |bytes: Vec<u8>, place: &str| {
        std::fs::write(&victim, bytes).unwrap();
        let error = check(std::slice::from_ref(&victim)).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains("victim.bundle"), "{error}");
    };
    let mut swapped = one.clone();
    swapped[at(1)..at(3)].rotate_left(chunk);
    refused(swapped, "chunk 1");
    let mut doubled = one.clone();
    doubled.copy_within(at(0)..at(1), at(1));
    refused(doubled, "chunk 1");
    let mut foreign = one.clone();
    foreign[at(2)..at(3)].copy_from_slice(&two[at(2)..at(3)]);
    refused(foreign, "chunk 2");
    refused([&two[..begin], &one[begin..]].concat(), "chunk 0");
    refused([&one[..at(1)], &one[at(2)..]].concat(), "it was cut");
    // The list of one and the head of the other.
    refused([&one[..192], &two[192..begin], &one[begin..]].concat(), "list");
}

#[test]
fn links_that_are_missing_foreign_or_doubled_are_told_apart() {
    let directory = TempDir::new().unwrap();
    let stores = history(directory.path(), 14, 3);
    let bundles = chain(directory.path(), &stores, 14);
    let strange = TempDir::new().unwrap();
    let others = chain(strange.path(), &history(strange.path(), 15, 2), 15);
    let output = directory.path().join("restored");
    let refused = |given: &[&PathBuf], says: &[&str]| {
        let given: Vec<PathBuf> = given.iter().map(|path| path.to_path_buf()).collect();
        for error in [check(&given).unwrap_err(), open(&given, &output).unwrap_err()] {
            let error = error.to_string();
            assert!(says.iter().all(|says| error.contains(says)), "{error}");
            assert!(!output.exists());
        }
    };
    refused(&[&bundles[2], &bundles[0]], &["14-2.bundle", "was not given"]);
    refused(&[&bundles[1]], &["14-1.bundle", "was not given"]);
    refused(&[&bundles[0], &bundles[1], &others[0]], &["not of one chain", "15-0.bundle"]);
    refused(&[&bundles[0], &bundles[0]], &["the same bundle", "14-0.bundle"]);
    refused(
        &[&bundles[0], &directory.path().join("delivery-0.csv")],
        &["delivery-0.csv", "not a Ringfence bundle"],
    );
    let alien = seal(&stores[2], &directory.path().join("alien.bundle"), Some(&others[1]), 3).unwrap_err();
    assert!(matches!(alien, Error::Foreign { .. }), "{alien}");
    let older = seal(&stores[0], &directory.path().join("older.bundle"), Some(&bundles[2]), 4).unwrap_err();
    assert!(matches!(older, Error::Foreign { .. }), "{older}");
    let again = seal(&stores[0], &bundles[0], None, 5).unwrap_err();
    assert!(matches!(again, Error::Exists { .. }), "{again}");
}

#[test]
fn another_key_opens_nothing_and_says_which_is_needed() {
    let directory = TempDir::new().unwrap();
    let stores = history(directory.path(), 16, 1);
    let bundle = directory.path().join("a.bundle");
    seal(&stores[0], &bundle, None, 1).unwrap();
    let other = Key::new([0x5b; 32]);
    let output = directory.path().join("restored");
    let given = [bundle];
    let error =
        restore(&given, Some(&other), &output, &disk(), &Run::new()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains(&key().name()) && error.contains(&other.name()), "{error}");
    let error = restore(&given, None, &output, &disk(), &Run::new()).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Option { name: "key-file", .. }), "{error}");
    assert!(!output.exists());
}

#[test]
fn a_bundle_shows_nothing_of_what_it_holds() {
    let directory = TempDir::new().unwrap();
    let stores = history(directory.path(), 17, 1);
    let bundle = directory.path().join("a.bundle");
    seal(&stores[0], &bundle, None, 1).unwrap();
    let bytes = std::fs::read(&bundle).unwrap();
    let bytes = &bytes[192..]; // The head has zeros of its own.
    for text in [&b"segments/"[..], b"2024-0", b"delivery", b"EUR", b"RINGMAN", &[0; 16]] {
        assert!(!bytes.windows(text.len()).any(|window| window == text), "{}", text.escape_ascii());
    }
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_may_read_is_refused_with_the_remedy() {
    use std::os::unix::fs::PermissionsExt;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("backup.key");
    let made = Key::create(&path, &disk()).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(Key::from_file(&path).unwrap().id(), made.id());
    assert!(matches!(Key::create(&path, &disk()), Err(Error::Exists { .. })));
    for mode in [0o640, 0o604, 0o620, 0o601, 0o644] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = Key::from_file(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600") && error.contains("backup.key"), "{error}");
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
    assert_eq!(Key::from_file(&path).unwrap().id(), made.id());
    let text = std::fs::read_to_string(&path).unwrap();
    let command = format!("cat '{}'", path.display());
    assert_eq!(Key::from_command(&command).unwrap().id(), made.id());
    let failed = Key::from_command(&format!("{command}; exit 3")).unwrap_err().to_string();
    assert!(failed.contains("exit status: 3") && !failed.contains(text.trim()), "{failed}");
    assert!(Key::from_command("echo secret").unwrap_err().to_string().contains("64 hexadecimal digits"));
    assert!(Key::from_file(directory.path()).unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn another_program_reads_a_bundle_by_the_document_alone() {
    let python = "python3";
    let has = Command::new(python).args(["-c", "import cryptography"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        println!("skipped: {python} has no package cryptography");
        return;
    }
    let directory = TempDir::new().unwrap();
    let stores = history(directory.path(), 18, 2);
    let bundles = chain(directory.path(), &stores, 18);
    let key_file = directory.path().join("key");
    std::fs::write(&key_file, "5a".repeat(32)).unwrap();
    let output = directory.path().join("read");
    // The full bundle first, then what was added.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundle_reader.py");
    let ran = Command::new(python).arg(script).args([&key_file, &output]).args(&bundles).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let mut expected = files(&stores[1]);
    expected.remove("CURRENT");
    let read = files(&output);
    for (name, bytes) in &expected {
        assert!(read.get(name) == Some(bytes), "{name}");
    }
}
