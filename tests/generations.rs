//! Generations: listed, opened when they are no longer live, held, and collected in an order that no crash can spoil.
#![allow(clippy::unwrap_used)]

#[path = "support/successors.rs"]
mod successors;
mod support;

use ringfence::graph::Graph;
use ringfence::store::collect::{CollectOptions, Collected, Reason, collect, collect_dry, collect_on};
use ringfence::store::disk::{Disk, System};
use ringfence::store::generations::generations;
use ringfence::store::pins::{hold, pins};
use ringfence::store::verify::verify_generation;
use ringfence::store::{Io, Store, StoreWriter};
use ringfence::{Error, Run};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};
use successors::{lay_down, manifest_path, place, prepare, publish, written};
use support::{TempStore, ledger};

const HEADER: &str = "transaction,source,destination,time,amount,currency\n";
const HOUR: Duration = Duration::from_secs(3_600);

/// A ledger of `months` payments, one a month, the last not yet at its final amount: it shares the files of all
/// months but its last with a longer one.
fn months(months: u32) -> TempStore {
    let rows: String = (1..=months)
        .map(|month| {
            let cents = if month == months { 50 } else { 0 };
            format!("t{month},a,b{months},2024-{month:02}-05T00:00:00Z,{month}.{cents:02},EUR\n")
        })
        .collect();
    ledger(&format!("{HEADER}{rows}"), None)
}

/// A store of `number` generations; generation n holds n payments in n months.
fn history(number: u32) -> TempStore {
    let store = months(1);
    for month in 2..=number {
        publish(&store.path, &prepare(&months(month).path));
    }
    store
}

/// Every file of the store with its bytes, but for what belongs to no generation.
fn content(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for directory in ["", "manifest", "segments", "keys", "attributes", "pins"] {
        let Ok(entries) = std::fs::read_dir(root.join(directory)) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_string();
            if name != "LOCK" && name != "pins/GATE" {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn numbers(root: &Path) -> Vec<u64> {
    generations(root).unwrap().iter().map(|generation| generation.number()).collect()
}

/// Nothing is young and only the live generation is among the newest.
fn hard() -> CollectOptions {
    CollectOptions { keep: 1, keep_hours: 0, also: Vec::new() }
}

fn later() -> SystemTime {
    // A moment that the test chooses, ahead of everything that was written.
    std::fs::metadata(std::env::current_exe().unwrap()).unwrap().modified().unwrap() + 1_000_000 * HOUR
}

fn collect_hard(root: &Path) -> Collected {
    collect(root, &hard(), later(), &Run::new()).unwrap()
}

#[test]
fn generations_are_listed_with_what_they_share() {
    let store = history(3);
    let listed = generations(&store.path).unwrap();
    let shown: Vec<_> = listed
        .iter()
        .map(|each| (each.number(), each.parent, each.live, each.num_transactions(), each.sources_new.len()))
        .collect();
    assert_eq!(shown, [(1, None, false, 1, 1), (2, Some(1), false, 2, 1), (3, Some(2), true, 3, 1)]);
    let bytes = |name: &str| std::fs::metadata(store.path.join(name)).unwrap().len();
    for each in &listed {
        let all: u64 = each.manifest.files().map(|file| bytes(&file.name)).sum();
        assert_eq!(each.bytes_own + each.bytes_shared, all);
    }
    // The first month is final in the second and the third; the last month is only in its own.
    assert!(listed[0].bytes_own > 0 && listed[1].bytes_shared > 0);
    assert_eq!(listed[1].bytes_shared, listed[2].bytes_shared);
    let last = listed[2].manifest.segments.last().unwrap();
    assert!(listed[2].bytes_own >= last.file.bytes);
}

#[test]
fn an_older_generation_answers_as_it_did_when_it_was_live() {
    let store = history(3);
    for io in [Io::Mmap, Io::Read] {
        for number in 1..=3 {
            let graph = Graph::open_as_of(&store.path, number, io).unwrap();
            assert_eq!((graph.num_transactions(), graph.manifest().generation), (number, number));
            assert_eq!(graph.store().live_generation(), 3);
            let last = graph.find_transaction(&format!("t{number}")).unwrap().unwrap();
            assert_eq!(graph.transaction(last).unwrap().paid, number as i64 * 100 + 50);
            verify_generation(&store.path, Some(number), true, &Run::new()).unwrap();
        }
        assert_eq!(Graph::open(&store.path, io).unwrap().num_transactions(), 3);
    }
}

#[test]
fn an_unknown_generation_is_refused_with_those_there_are() {
    let store = history(3);
    // A manifest above the live one was never live, so it is no generation.
    lay_down(&store.path, &prepare(&months(4).path));
    assert_eq!(numbers(&store.path), [1, 2, 3]);
    for unknown in [0, 4, u64::MAX] {
        let refused = Store::open_generation(&store.path, unknown, Io::Mmap).unwrap_err();
        assert!(matches!(refused, Error::UnknownKey { .. }));
        let said = refused.to_string();
        assert!(
            said.contains("holds generations 1, 2, 3") && said.contains(&format!("\"{unknown}\"")),
            "{said}"
        );
        assert!(matches!(hold(&store.path, Some(unknown)), Err(Error::UnknownKey { .. })));
    }
}

#[test]
fn a_manifest_that_is_not_the_parent_of_the_next_is_refused() {
    let store = history(3);
    let other = months(2);
    let mut manifest = Store::open(&other.path, Io::Read).unwrap().manifest;
    manifest.generation = 2;
    place(&manifest_path(&store.path, 2), &manifest.encode().unwrap());
    let refused = Store::open_generation(&store.path, 2, Io::Mmap).unwrap_err().to_string();
    assert!(refused.contains("00002: damaged") && refused.contains("generation 3 names"), "{refused}");
    assert!(generations(&store.path).is_err());
    // With the number of another generation.
    manifest.generation = 1;
    place(&manifest_path(&store.path, 2), &manifest.encode().unwrap());
    let refused = Store::open_generation(&store.path, 2, Io::Mmap).unwrap_err().to_string();
    assert!(refused.contains("manifest of generation 1"), "{refused}");
    Store::open(&store.path, Io::Mmap).unwrap();
}

#[test]
fn a_damaged_live_generation_does_not_take_older_ones_with_it() {
    let store = history(3);
    let live = Store::open(&store.path, Io::Read).unwrap().manifest;
    let own = store.path.join(&live.segments.last().unwrap().file.name);
    File::options().write(true).open(&own).unwrap().set_len(100).unwrap();
    assert!(matches!(Store::open(&store.path, Io::Read), Err(Error::Damaged { .. })));
    std::fs::write(manifest_path(&store.path, 3), "nothing").unwrap();
    assert!(Store::open(&store.path, Io::Mmap).is_err());
    assert_eq!(Graph::open_as_of(&store.path, 2, Io::Mmap).unwrap().num_transactions(), 2);
    // And none of them is collected from under it.
    let before = content(&store.path);
    assert!(collect(&store.path, &hard(), later(), &Run::new()).is_err());
    assert_eq!(content(&store.path), before);
}

#[test]
fn a_collection_keeps_the_live_the_newest_the_young_the_pinned_and_the_asked() {
    let store = history(8);
    let now = later();
    for generation in 1..=8 {
        let age = if generation == 4 { 23 * HOUR } else { 25 * HOUR };
        written(&store.path, generation, now - age);
    }
    let opened = Graph::open_as_of(&store.path, 2, Io::Mmap).unwrap();
    let pin = opened.store().pin().unwrap();
    assert_eq!(pin.generation(), 2);
    let options = CollectOptions { also: vec![5], ..CollectOptions::default() };

    let before = content(&store.path);
    let dry = collect_dry(&store.path, &options, now).unwrap();
    assert_eq!(content(&store.path), before);
    let done = collect(&store.path, &options, now, &Run::new()).unwrap();
    assert_eq!(dry, done);
    assert_eq!(done.gone, [1, 3]);
    use Reason::{Asked, Live, Newest, Pinned, Young};
    let kept = [(2, vec![Pinned]), (4, vec![Young]), (5, vec![Asked]), (6, vec![Newest]), (7, vec![Newest])];
    assert_eq!(done.kept[..5], kept);
    assert_eq!(done.kept[5], (8, vec![Live, Newest]));
    assert_eq!(numbers(&store.path), [2, 4, 5, 6, 7, 8]);

    // What went is what was announced, to the byte; what stayed is what it was.
    let after = content(&store.path);
    let went: BTreeMap<_, _> = before.iter().filter(|(name, _)| !after.contains_key(*name)).collect();
    assert_eq!(went.keys().map(|name| name.to_string()).collect::<Vec<_>>(), {
        let mut names: Vec<String> = done.removals.iter().map(|removal| removal.name.clone()).collect();
        names.sort();
        names
    });
    assert_eq!(done.bytes(), went.values().map(|bytes| bytes.len() as u64).sum::<u64>());
    assert!(after.iter().all(|(name, bytes)| before[name] == *bytes));
    for kept in [2, 4, 5, 6, 7, 8] {
        verify_generation(&store.path, Some(kept), true, &Run::new()).unwrap();
    }

    // A time that lies ahead of the clock is young.
    written(&store.path, 4, now + 1_000 * HOUR);
    assert_eq!(collect(&store.path, &CollectOptions::default(), now, &Run::new()).unwrap().gone, [5]);
    // Without the pin it goes, and whoever has it open keeps it.
    drop(pin);
    assert!(pins(&store.path).unwrap().is_empty());
    assert_eq!(collect_hard(&store.path).gone, [2, 4, 6, 7]);
    assert!(matches!(opened.store().pin(), Err(Error::UnknownKey { .. })));
    assert_eq!(opened.transaction_key(ringfence::ids::TxId(1)).unwrap(), "t2");
    assert_eq!(collect_hard(&store.path).removals, []);
}

#[test]
fn a_pin_ends_with_its_holder_whatever_the_file_says() {
    let store = history(3);
    let pin = hold(&store.path, Some(1)).unwrap();
    let live = hold(&store.path, None).unwrap();
    assert_eq!(live.generation(), 3);
    let held = pins(&store.path).unwrap();
    assert_eq!(
        held.iter().map(|pin| (pin.generation, pin.alive)).collect::<Vec<_>>(),
        [(1, true), (3, true)]
    );
    assert!(held[0].holder.contains(&format!("pid {}", std::process::id())), "{}", held[0].holder);
    // A process that was killed leaves its file, but not its lock.
    let name = held[0].name.clone();
    let copy = name.replace(&format!("-{}-", std::process::id()), "-4194304999-");
    std::fs::copy(store.path.join("pins").join(&name), store.path.join("pins").join(&copy)).unwrap();
    drop(pin);
    let held = pins(&store.path).unwrap();
    assert_eq!(
        held.iter().map(|pin| (pin.generation, pin.alive)).collect::<Vec<_>>(),
        [(1, false), (3, true)]
    );
    let collected = collect_hard(&store.path);
    assert_eq!(collected.gone, [1, 2]);
    assert!(
        collected.removals.iter().any(|removal| removal.name == format!("pins/{copy}") && removal.leftover)
    );
    assert_eq!(pins(&store.path).unwrap().len(), 1);
}

#[test]
fn what_is_not_ours_is_left_alone_and_what_killed_writers_left_goes() {
    let store = history(2);
    lay_down(&store.path, &prepare(&months(5).path));
    let never_live = Store::open(&months(5).path, Io::Read).unwrap().manifest.segments[4].file.name.clone();
    let ours = ["tmp-0", "segments/tmp-12", "manifest/tmp-3", "keys/tmp-1"];
    let id = "0123456789abcdef0123456789abcdef";
    let others = [
        "notes.txt".to_string(),
        "segments/2024-05.seg".to_string(),
        format!("segments/2024-05-{id}.keys"),
        format!("segments/2024-05-{}.seg", id.to_uppercase()),
        "segments/tmp-".to_string(),
        "segments/tmp-1x".to_string(),
        "manifest/1".to_string(),
        "manifest/+0000000000000000001".to_string(),
        format!("manifest/x-{id}.seg"),
        "pins/mine".to_string(),
        "CURRENT.bak".to_string(),
    ];
    std::fs::create_dir(store.path.join("pins")).unwrap();
    for name in ours.iter().map(|name| name.to_string()).chain(others.iter().cloned()) {
        std::fs::write(store.path.join(&name), "x").unwrap();
    }
    // A directory and a link with a name of ours are not ours.
    std::fs::create_dir(store.path.join(format!("segments/2024-06-{id}.seg"))).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", store.path.join("tmp-5")).unwrap();

    let done = collect_hard(&store.path);
    assert_eq!(done.gone, [1]);
    let leftover: Vec<&str> =
        done.removals.iter().filter(|each| each.leftover).map(|each| each.name.as_str()).collect();
    for name in ours.iter().chain([&never_live.as_str(), &"manifest/00000000000000000003"]) {
        assert!(leftover.contains(name), "{name} is not in {leftover:?}");
        assert!(!store.path.join(name).exists(), "{name}");
    }
    for name in &others {
        assert!(done.others.contains(name), "{name} is not in {:?}", done.others);
        assert!(store.path.join(name).exists(), "{name}");
    }
    assert!(store.path.join(format!("segments/2024-06-{id}.seg")).is_dir());
    assert!(store.path.join("tmp-5").symlink_metadata().is_ok() || cfg!(not(unix)));
    verify_generation(&store.path, None, true, &Run::new()).unwrap();
}

#[test]
fn a_collection_waits_for_no_writer_and_a_dry_one_leaves_its_files_out() {
    let store = history(2);
    let lock =
        File::options().read(true).write(true).create(true).truncate(false).open(store.path.join("LOCK"));
    let lock = lock.unwrap();
    lock.lock().unwrap();
    std::fs::write(store.path.join("segments/tmp-0"), "half").unwrap();
    let refused = collect(&store.path, &hard(), later(), &Run::new());
    assert!(matches!(refused, Err(Error::Locked { .. })), "{refused:?}");
    let dry = collect_dry(&store.path, &hard(), later()).unwrap();
    assert!(dry.writer.is_some());
    assert_eq!(dry.gone, [1]);
    assert!(dry.removals.iter().all(|removal| !removal.leftover), "{:?}", dry.removals);
    drop(lock);
    assert!(collect_hard(&store.path).removals.iter().any(|removal| removal.name == "segments/tmp-0"));
}

#[test]
fn wrong_options_foreign_directories_and_unknown_generations_remove_nothing() {
    let store = history(3);
    let before = content(&store.path);
    let none = CollectOptions { keep: 0, ..hard() };
    assert!(matches!(collect(&store.path, &none, later(), &Run::new()), Err(Error::Option { .. })));
    let unknown = CollectOptions { also: vec![2, 7], ..hard() };
    assert!(matches!(collect(&store.path, &unknown, later(), &Run::new()), Err(Error::UnknownKey { .. })));
    std::fs::write(manifest_path(&store.path, 1), "cut").unwrap();
    let refused = collect(&store.path, &hard(), later(), &Run::new()).unwrap_err().to_string();
    assert!(refused.contains("00000000000000000001"), "{refused}");
    std::fs::write(manifest_path(&store.path, 1), &before["manifest/00000000000000000001"]).unwrap();
    let after = content(&store.path);
    assert!(before.iter().all(|(name, bytes)| after[name] == *bytes));

    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("tmp-0"), "mine").unwrap();
    for refused in [
        collect(directory.path(), &hard(), later(), &Run::new()).map(|_| ()),
        hold(directory.path(), None).map(|_| ()),
        generations(directory.path()).map(|_| ()),
    ] {
        assert!(matches!(refused, Err(Error::Foreign { .. })), "{refused:?}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    // A store that is only being made is no store yet.
    let path = directory.path().join("new.ring");
    let _writer = StoreWriter::create(&path).unwrap();
    assert!(matches!(collect(&path, &hard(), later(), &Run::new()), Err(Error::Foreign { .. })));
}

/// A disk whose calls fail from the n-th on, as those of a process that was killed there.
#[derive(Debug)]
struct Dying {
    left: AtomicI64,
    /// Removals and syncs of directories that were done, in order.
    done: std::sync::Mutex<Vec<(bool, PathBuf)>>,
}

impl Dying {
    fn after(calls: i64) -> Arc<Self> {
        Arc::new(Dying { left: AtomicI64::new(calls), done: std::sync::Mutex::new(Vec::new()) })
    }

    fn call<T>(&self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if self.left.fetch_sub(1, Ordering::Relaxed) <= 0 {
            return Err(io::Error::other("the process ended here"));
        }
        work()
    }
}

impl Disk for Dying {
    fn create(&self, path: &Path) -> io::Result<File> {
        self.call(|| System.create(path))
    }
    fn open(&self, path: &Path) -> io::Result<File> {
        self.call(|| System.open(path))
    }
    fn write(&self, file: &File, path: &Path, bytes: &[u8]) -> io::Result<usize> {
        self.call(|| System.write(file, path, bytes))
    }
    fn empty(&self, file: &File, path: &Path) -> io::Result<()> {
        self.call(|| System.empty(file, path))
    }
    fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        self.call(|| System.sync(file, path))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(|| System.rename(from, to))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(|| System.remove(path))?;
        self.done.lock().unwrap().push((true, path.to_path_buf()));
        Ok(())
    }
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        self.call(|| System.make_directory(path))
    }
    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.call(|| System.remove_directory(path))
    }
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.call(|| System.sync_directory(path))?;
        self.done.lock().unwrap().push((false, path.to_path_buf()));
        Ok(())
    }
}

#[test]
fn a_collection_that_ends_anywhere_leaves_generations_that_open_and_the_next_one_completes_it() {
    let whole = history(4);
    let expected = {
        let store = history(4);
        collect_hard(&store.path);
        content(&store.path)
    };
    let original = content(&whole.path);
    let mut ended = 0;
    for calls in 0.. {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("copy.ring");
        for (name, bytes) in &original {
            std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            std::fs::write(root.join(name), bytes).unwrap();
        }
        let disk: Arc<dyn Disk> = Dying::after(calls);
        let done = collect_on(&disk, &root, &hard(), later(), &Run::new());
        // Every generation that is still listed is whole.
        for generation in numbers(&root) {
            verify_generation(&root, Some(generation), true, &Run::new()).unwrap();
        }
        assert!(numbers(&root).contains(&4));
        let completed = done.is_ok();
        collect_hard(&root);
        assert_eq!(content(&root), expected);
        if completed {
            break;
        }
        ended += 1;
    }
    assert!(ended > 10, "only {ended} calls");
}

#[test]
fn current_is_durable_before_anything_goes_and_manifests_are_gone_before_their_files() {
    let store = history(4);
    let dying = Dying::after(i64::MAX);
    let disk: Arc<dyn Disk> = dying.clone();
    collect_on(&disk, &store.path, &hard(), later(), &Run::new()).unwrap();
    let done = dying.done.lock().unwrap();
    let manifests = store.path.join("manifest");
    let is_manifest = |path: &Path| path.parent() == Some(&manifests);
    let first = |wanted: &dyn Fn(bool, &Path) -> bool| {
        done.iter().position(|(removed, path)| wanted(*removed, path)).unwrap()
    };
    let last = |wanted: &dyn Fn(bool, &Path) -> bool| {
        done.iter().rposition(|(removed, path)| wanted(*removed, path)).unwrap()
    };
    let synced = |directory: &Path| first(&|removed, path| !removed && path == directory);
    assert!(synced(&store.path) < first(&|removed, _| removed));
    assert!(last(&|removed, path| removed && is_manifest(path)) < synced(&manifests));
    assert!(synced(&manifests) < first(&|removed, path| removed && !is_manifest(path)));
    let segments = store.path.join("segments");
    assert!(
        last(&|removed, path| removed && path.parent() == Some(&segments))
            < last(&|removed, path| !removed && path == segments)
    );
}

#[cfg(unix)]
#[test]
fn a_read_only_store_opens_and_lists_without_a_pin() {
    use std::os::unix::fs::PermissionsExt;
    let store = history(2);
    let names: Vec<PathBuf> =
        ["", "manifest", "segments", "keys"].iter().map(|name| store.path.join(name)).collect();
    let mode = |mode: u32| {
        for name in &names {
            std::fs::set_permissions(name, std::fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    let before = content(&store.path);
    mode(0o500);
    Store::open(&store.path, Io::Mmap).unwrap();
    Store::open_generation(&store.path, 1, Io::Read).unwrap();
    assert_eq!(numbers(&store.path), [1, 2]);
    assert!(collect_dry(&store.path, &hard(), later()).is_ok());
    assert_eq!(content(&store.path), before);
    assert!(!store.path.join("pins").exists());
    let writable = std::fs::write(store.path.join("probe"), "").is_ok();
    let pinned = hold(&store.path, None);
    mode(0o700);
    if writable {
        println!("skipped: this user may write into read-only directories");
    } else {
        assert!(matches!(pinned, Err(Error::Io { .. })));
    }
}
