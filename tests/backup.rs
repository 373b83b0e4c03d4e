//! What was backed up can be restored, byte for byte, or is refused by name; and nothing is left half made.
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

mod support;

use ringfence::store::backup::{
    Key, Restored, Sealing, Secrets, Share, restore, to_bundle, to_directory, verify_backup,
};
use ringfence::store::disk::{Disk, System};
use ringfence::store::verify::verify;
use ringfence::{Error, Run};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use support::{TempStore, ledger, random_ledger};

fn disk() -> Arc<dyn Disk> {
    System::shared()
}

fn restore_directory(from: &Path, output: &Path, run: &Run) -> ringfence::Result<Restored> {
    restore(&[from.to_path_buf()], None, output, &disk(), run)
}

fn small_store(seed: u64) -> TempStore {
    ledger(&random_ledger(seed, 40, 300), None)
}

/// Every file of a directory but the lock, by name.
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

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_backup_directory_is_the_store_and_so_is_what_is_restored_from_it() {
    let store = small_store(1);
    let (backup, restored) = (store.dir.path().join("backup"), store.dir.path().join("restored.ring"));
    let before = files(&store.path);
    let made = to_directory(&store.path, None, &backup, &disk(), &Run::new()).unwrap();
    assert_eq!((made.generation, made.num_kept, made.num_mended), (1, 0, 0));
    assert_eq!(made.num_written, before.len() as u64 - 2);
    assert_eq!(files(&backup), before);
    std::fs::remove_dir_all(&store.path).unwrap();
    let found = restore_directory(&backup, &restored, &Run::new()).unwrap();
    assert_eq!(files(&restored), before);
    assert_eq!(found.verified, verify(&restored, true, &Run::new()).unwrap());
    assert_eq!(found.manifest_sha256, made.manifest_sha256);
}

#[test]
fn a_second_backup_copies_nothing_and_mends_what_was_damaged() {
    let store = small_store(2);
    let backup = store.dir.path().join("backup");
    let first = to_directory(&store.path, None, &backup, &disk(), &Run::new()).unwrap();
    let second = to_directory(&store.path, None, &backup, &disk(), &Run::new()).unwrap();
    assert_eq!((second.num_written, second.num_kept), (0, first.num_written));
    let whole = files(&store.path);
    let data: Vec<String> = whole.keys().filter(|name| name.contains('-')).cloned().collect();
    for (number, name) in data.iter().enumerate() {
        let path = backup.join(name);
        let mut bytes = whole[name].clone();
        // A byte, the end, or the whole file.
        match number % 3 {
            0 => *bytes.last_mut().unwrap() ^= 1,
            1 => bytes.truncate(bytes.len() / 2),
            _ => bytes.clear(),
        }
        std::fs::write(&path, bytes).unwrap();
        assert!(
            verify_backup(std::slice::from_ref(&backup), None, Share::ALL, &Run::new()).is_err(),
            "{name}"
        );
        let mended = to_directory(&store.path, None, &backup, &disk(), &Run::new()).unwrap();
        assert_eq!((mended.num_written, mended.num_mended), (1, 1), "{name}");
        assert_eq!(files(&backup), whole);
    }
    assert!(data.len() >= 4);
}

#[test]
fn shares_of_a_backup_are_all_of_it_and_each_finds_its_own_damage() {
    let store = small_store(3);
    let backup = store.dir.path().join("backup");
    let made = to_directory(&store.path, None, &backup, &disk(), &Run::new()).unwrap();
    let check = |number| {
        verify_backup(std::slice::from_ref(&backup), None, Share::new(number, 3).unwrap(), &Run::new())
    };
    let checked: u64 = (1..=3).map(|number| check(number).unwrap().num_checked).sum();
    assert_eq!(checked, made.num_written);
    assert!(matches!(Share::new(4, 3), Err(Error::Option { name: "subset", .. })));
    assert!(matches!(Share::new(0, 0), Err(Error::Option { name: "subset", .. })));
    let name = files(&backup).into_keys().find(|name| name.starts_with("segments/")).unwrap();
    let path = backup.join(&name);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[5_000] ^= 1; // In a column: no frame shows it.
    std::fs::write(&path, bytes).unwrap();
    let found: Vec<String> =
        (1..=3).filter_map(|number| check(number).err()).map(|error| error.to_string()).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains(&name), "{found:?}");
}

#[test]
fn nothing_is_written_over_or_into_what_is_not_a_backup_of_this_store() {
    let (store, other) = (small_store(4), small_store(5));
    let directory = store.dir.path();
    let refused =
        |place: &Path| match to_directory(&store.path, None, place, &disk(), &Run::new()).unwrap_err() {
            Error::Foreign { detail, .. } => detail,
            other => other.to_string(),
        };
    assert!(refused(&store.path).contains("the store itself"));
    assert!(refused(&other.path).contains("back up to another place"));
    let mine = directory.join("mine");
    std::fs::create_dir(&mine).unwrap();
    std::fs::write(mine.join("thesis.txt"), "mine").unwrap();
    assert!(refused(&mine).contains("something else"));
    assert_eq!(names(&mine), ["thesis.txt"]);
    let backup = directory.join("backup");
    to_directory(&store.path, None, &backup, &disk(), &Run::new()).unwrap();
    let missing =
        restore_directory(&directory.join("no-backup"), &directory.join("new"), &Run::new()).unwrap_err();
    assert!(missing.to_string().contains("no-backup"), "{missing}");
    let restored = restore_directory(&backup, &mine, &Run::new()).unwrap_err();
    assert!(matches!(restored, Error::Exists { .. }), "{restored}");
    assert_eq!(names(&mine), ["thesis.txt"]);
}

#[test]
fn a_damaged_store_is_not_backed_up_and_a_damaged_backup_not_restored() {
    let store = small_store(6);
    let directory = store.dir.path();
    let [backup, again, restored] = ["backup", "again", "restored"].map(|name| directory.join(name));
    to_directory(&store.path, None, &backup, &disk(), &Run::new()).unwrap();
    let name = files(&backup).into_keys().find(|name| name.starts_with("segments/")).unwrap();
    for place in [&store.path, &backup] {
        let mut bytes = std::fs::read(place.join(&name)).unwrap();
        bytes[6_000] ^= 0x10;
        std::fs::write(place.join(&name), bytes).unwrap();
    }
    for error in [
        to_directory(&store.path, None, &again, &disk(), &Run::new()).unwrap_err(),
        restore_directory(&backup, &restored, &Run::new()).map(|_| ()).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Damaged { .. }) && error.to_string().contains(&name), "{error}");
    }
    assert_eq!(names(directory), ["backup", "test.ring", "transactions.csv"]);
}

#[test]
fn a_cancelled_backup_or_restoration_leaves_nothing() {
    let store = small_store(7);
    let directory = store.dir.path();
    let [backup, unmade, restored] = ["backup", "unmade", "restored"].map(|name| directory.join(name));
    to_directory(&store.path, None, &backup, &disk(), &Run::new()).unwrap();
    for stage in ["backup", "restore", "checksums", "rules"] {
        let run = Run::new();
        let cancel = run.cancel_flag();
        let run = run.progress(move |name, _, _| {
            if name == stage {
                cancel.store(true, Ordering::Relaxed);
            }
        });
        let ended = match stage {
            "backup" => to_directory(&store.path, None, &unmade, &disk(), &run).map(|_| ()),
            _ => restore_directory(&backup, &restored, &run).map(|_| ()),
        };
        assert!(matches!(ended, Err(Error::Cancelled)), "{stage}: {ended:?}");
        assert_eq!(names(directory), ["backup", "test.ring", "transactions.csv"], "{stage}");
    }
}

/// A disk that fails: one call alone, or that and all that follow, as if the process had been killed there.
#[derive(Debug)]
struct Failing {
    calls: AtomicU64,
    at: u64,
    for_good: bool,
}

impl Failing {
    fn call<T>(&self, call: impl FnOnce(System) -> io::Result<T>) -> io::Result<T> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        if number == self.at || (self.for_good && number > self.at) {
            return Err(io::Error::from_raw_os_error(5));
        }
        call(System)
    }
}

impl Disk for Failing {
    fn create(&self, path: &Path) -> io::Result<File> {
        self.call(|disk| disk.create(path))
    }
    fn open(&self, path: &Path) -> io::Result<File> {
        self.call(|disk| disk.open(path))
    }
    fn write(&self, file: &File, path: &Path, bytes: &[u8]) -> io::Result<usize> {
        self.call(|disk| disk.write(file, path, bytes))
    }
    fn empty(&self, file: &File, path: &Path) -> io::Result<()> {
        self.call(|disk| disk.empty(file, path))
    }
    fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        self.call(|disk| disk.sync(file, path))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(|disk| disk.rename(from, to))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(|disk| disk.remove(path))
    }
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        self.call(|disk| disk.make_directory(path))
    }
    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.call(|disk| disk.remove_directory(path))
    }
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.call(|disk| disk.sync_directory(path))
    }
}

/// Lets each call of `work` fail in turn, until it succeeds; `check` looks at what a failure left.
fn fail_everywhere(
    work: impl Fn(&Arc<dyn Disk>) -> ringfence::Result<()>,
    check: impl Fn(&Error, bool, u64),
    begin: impl Fn(),
) -> u64 {
    for for_good in [false, true] {
        begin();
        for at in 0.. {
            let disk: Arc<dyn Disk> = Arc::new(Failing { calls: AtomicU64::new(0), at, for_good });
            match work(&disk) {
                Err(error) => check(&error, for_good, at),
                Ok(()) if for_good => return at,
                Ok(()) => break,
            }
        }
    }
    0
}

#[test]
fn a_disk_that_fails_anywhere_leaves_nothing_under_the_final_name() {
    let store = small_store(8);
    let directory = store.dir.path();
    let [backup, made, bundle, restored] =
        ["backup", "made", "a.bundle", "restored"].map(|name| directory.join(name));
    to_directory(&store.path, None, &backup, &disk(), &Run::new()).unwrap();
    let key = Key::new([1; 32]);
    let secrets = Secrets::from_bytes(&[2; 51]);
    let sealing = Sealing { key: &key, secrets: &secrets, since: None };
    let whole = files(&store.path);
    for output in [&made, &bundle, &restored] {
        let work = |disk: &Arc<dyn Disk>| {
            if output == &made {
                to_directory(&store.path, None, output, disk, &Run::new()).map(|_| ())
            } else if output == &bundle {
                to_bundle(&store.path, None, output, &sealing, disk, &Run::new()).map(|_| ())
            } else {
                restore(std::slice::from_ref(&backup), None, output, disk, &Run::new()).map(|_| ())
            }
        };
        let check = |error: &Error, for_good: bool, at: u64| {
            let name = output.display();
            if output.exists() {
                // Only the last sync may fail behind the name; what has it then is whole.
                assert!(error.to_string().contains("it is complete"), "{name}, call {at}: {error}");
                if output.is_dir() {
                    assert!(files(output) == whole, "{name}, call {at}");
                    std::fs::remove_dir_all(output).unwrap();
                } else {
                    verify_backup(std::slice::from_ref(output), Some(&key), Share::ALL, &Run::new()).unwrap();
                    std::fs::remove_file(output).unwrap();
                }
            }
            let left = names(directory).into_iter().filter(|name| name.contains(".partial-"));
            for left in left {
                // One call failed: everything was removed, unless removing was what failed.
                assert!(for_good || error.to_string().contains("partial"), "{name}, call {at}: {left}");
                let left = directory.join(left);
                if left.is_dir() { std::fs::remove_dir_all(left) } else { std::fs::remove_file(left) }
                    .unwrap();
            }
        };
        let begin = || {
            let _ = std::fs::remove_dir_all(output);
            let _ = std::fs::remove_file(output);
        };
        let calls = fail_everywhere(work, check, begin);
        assert!(calls > 5 && output.exists(), "{} calls", calls);
    }
}

#[test]
fn a_disk_that_fails_while_a_backup_is_brought_up_to_date_leaves_the_one_before() {
    let store = small_store(9);
    let backup = store.dir.path().join("backup");
    to_directory(&store.path, None, &backup, &disk(), &Run::new()).unwrap();
    let whole = files(&store.path);
    let damaged: Vec<&String> = whole.keys().filter(|name| name.contains('-')).collect();
    let damage = || damaged.iter().for_each(|name| std::fs::write(backup.join(name), "damaged").unwrap());
    let work = |disk: &Arc<dyn Disk>| to_directory(&store.path, None, &backup, disk, &Run::new()).map(|_| ());
    let check = |_: &Error, _, at: u64| {
        // What was not mended yet is as it was; nothing else was touched.
        for (name, bytes) in files(&backup) {
            let right = whole.get(&name) == Some(&bytes);
            assert!(right || bytes == b"damaged" || name.contains("tmp-"), "call {at}: {name}");
        }
        damage();
    };
    fail_everywhere(work, check, damage);
    assert!(files(&backup) == whole);
}
