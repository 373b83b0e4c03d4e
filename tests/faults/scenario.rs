//! What is done under fault: one entry per operation that changes a store.
//!
//! An operation works within a directory of its own, given as `place`. It may
//! find something there (`prepare`), and what it leaves is compared by `state`.

use crate::disks::{Call, Fault, Faulty};
use crate::state::{self, State};
use ringfence::graph::build::{
    BuildOptions, IngestOptions, Sources, Subject, append_into, compact_into, erase_dry, erase_into,
    ingest_into,
};
use ringfence::ingest::{Mapping, ReadOptions, RejectLog, Source};
use ringfence::store::backup::{
    Key, Sealing, Secrets, Share, restore, to_bundle, to_directory, verify_backup,
};
use ringfence::store::collect::{CollectOptions, collect_dry, collect_on};
use ringfence::store::disk::System;
use ringfence::store::keys::KeyList;
use ringfence::store::manifest::Partition;
use ringfence::store::{Disk, Keys, StoreWriter};
use ringfence::{Error, Result, Run};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// An operation that changes what is on disk, all of it or nothing.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    /// The code under test: scenarios of the same code sync in the same places.
    pub code: &'static str,
    /// Syncs of the store's directory, by their number, that are those of other code: which, and the number there.
    pub of_others: &'static [(usize, &'static str, usize)],
    /// Makes what is there before.
    pub prepare: fn(Arc<dyn Disk>, &Path),
    /// The operation.
    pub run: fn(Arc<dyn Disk>, &Path) -> Result<()>,
    /// What is there, or why it is not sound.
    pub state: fn(&Path) -> std::result::Result<State, String>,
    /// The name that the operation gives last: from then on a failure may leave it open what is live.
    pub commit: Option<&'static str>,
    /// Whether it may change something although it fails: remove what an interrupted operation left or what nobody
    /// keeps, or leave files that the next attempt need not copy.
    pub goes_part: bool,
    /// Whether it goes on to remove things once it has published: what fails then says nothing of what is live.
    pub removes: bool,
    /// Whether a state may come back after a power failure although `prepare` left another, or is on the way to the one after.
    pub may_return: fn(&State) -> bool,
}

/// The states before and after an operation on a sound disk.
pub struct States {
    pub before: State,
    pub after: State,
    may_return: fn(&State) -> bool,
}

impl States {
    pub fn is_before(&self, state: &State) -> bool {
        *state == self.before || (self.may_return)(state)
    }

    pub fn changes_nothing(&self) -> bool {
        self.before == self.after
    }
}

/// Everything that is tried.
pub const ALL: [Scenario; 20] = [
    Scenario { name: "ingest", ..INGEST },
    Scenario { name: "ingest after one cut early", prepare: cut_early, goes_part: true, ..INGEST },
    Scenario { name: "ingest after one cut late", prepare: cut_late, goes_part: true, ..INGEST },
    Scenario { name: "ingest given up", code: "give up", run: given_up, commit: None, ..INGEST },
    Scenario { name: "ingest in bounded memory", run: ingest_bounded, ..INGEST },
    Scenario { name: "append", ..APPEND },
    Scenario { name: "append of what the store has no kind of", prepare: bare, run: append_kinds, ..APPEND },
    Scenario { name: "append after one cut late", prepare: append_cut_late, goes_part: true, ..APPEND },
    Scenario { name: "append of corrections and reversals", run: correct, ..APPEND },
    Scenario { name: "compact", code: "append", prepare: appended, run: compact, ..INGEST },
    Scenario {
        name: "erase",
        code: "erase",
        prepare: littered,
        run: erase,
        state: of_erased,
        goes_part: true,
        removes: true,
        of_others: &[(0, "append", 0), (2, "collect", 1)],
        may_return: |state| state.starts_with("generation 3 ") && state.ends_with("and more"),
        ..INGEST
    },
    Scenario {
        name: "erase after one cut late",
        code: "erase",
        prepare: erase_cut_late,
        run: erase,
        state: of_erased,
        commit: None,
        goes_part: true,
        of_others: &[(0, "collect", 0), (1, "collect", 1)],
        ..INGEST
    },
    Scenario { name: "collect", ..COLLECT },
    Scenario {
        name: "collect after an append that is not known to last",
        prepare: append_unsynced,
        may_return: |state| state.starts_with("generation 1 "),
        ..COLLECT
    },
    Scenario { name: "backup to a directory", ..BACKUP },
    Scenario {
        name: "backup to a directory that holds one",
        prepare: grown_backup,
        goes_part: true,
        commit: Some("backup.ring/CURRENT"),
        ..BACKUP
    },
    Scenario {
        name: "backup to a bundle",
        code: "bundle",
        run: bundle,
        state: of_bundle,
        commit: Some("bank.bundle"),
        ..BACKUP
    },
    Scenario {
        name: "backup to a bundle since another",
        code: "bundle",
        prepare: bundled_and_corrected,
        run: bundle_since,
        state: of_next_bundle,
        commit: Some("next.bundle"),
        ..BACKUP
    },
    Scenario {
        name: "restore",
        prepare: backed_up,
        run: restored,
        state: of_restored,
        commit: Some("restored.ring"),
        ..BACKUP
    },
    Scenario {
        name: "restore from bundles",
        prepare: sealed,
        run: restored_from_bundles,
        state: of_restored,
        commit: Some("restored.ring"),
        ..BACKUP
    },
];

/// The name that publishes a generation.
const PUBLISHED: &str = "bank.ring/CURRENT";

const INGEST: Scenario = Scenario {
    name: "",
    code: "ingest",
    of_others: &[],
    prepare: |_, _| {},
    run: ingest,
    state: bank,
    commit: Some(PUBLISHED),
    goes_part: false,
    removes: false,
    may_return: |_| false,
};
const APPEND: Scenario = Scenario { code: "append", prepare: ingested, run: append, ..INGEST };
const COLLECT: Scenario = Scenario {
    code: "collect",
    prepare: littered,
    run: collect,
    state: of_collected,
    commit: None,
    goes_part: true,
    ..INGEST
};
const BACKUP: Scenario = Scenario {
    code: "copy",
    prepare: ingested,
    run: backup,
    state: of_backup,
    commit: Some("backup.ring"),
    ..INGEST
};

impl Scenario {
    /// The states before and after the operation on a sound disk.
    pub fn states(&self) -> States {
        let state = |run: bool| {
            let place = crate::scratch();
            (self.prepare)(System::shared(), place.path());
            if run {
                (self.run)(System::shared(), place.path()).unwrap();
            }
            (self.state)(place.path()).unwrap()
        };
        States { before: state(false), after: state(true), may_return: self.may_return }
    }

    /// The call among those of the operation from which on a failure may leave it open what is live.
    pub fn commit(&self, calls: &[(Call, PathBuf)]) -> Option<u64> {
        let name = self.commit?;
        let is_commit = |(call, path): &(Call, PathBuf)| *call == Call::Rename && path.ends_with(name);
        calls.iter().rposition(is_commit).map(|at| at as u64)
    }

    /// Whether the operation publishes a generation, and says so if it does not know whether it did.
    pub fn publishes(&self) -> bool {
        self.commit == Some(PUBLISHED)
    }
}

/// Does the work on one thread, so that calls come in the same order every time.
pub fn alone<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread_local! {
        static POOL: rayon::ThreadPool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    }
    POOL.with(|pool| pool.install(work))
}

/// Does something with each of `scenarios`, several at a time; what became of them, in their order.
pub fn each<S: Sync, T: Send>(scenarios: &[S], work: impl Fn(&S) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let mut done: Vec<Mutex<Option<T>>> = scenarios.iter().map(|_| Mutex::new(None)).collect();
    let num_threads = std::thread::available_parallelism().map_or(1, |num| num.get());
    std::thread::scope(|scope| {
        for _ in 0..num_threads {
            scope.spawn(|| {
                while let Some((number, scenario)) = Some(next.fetch_add(1, Ordering::Relaxed))
                    .and_then(|number| Some((number, scenarios.get(number)?)))
                {
                    *done[number].lock().unwrap() = Some(work(scenario));
                }
            });
        }
    });
    done.iter_mut().map(|done| done.get_mut().unwrap().take().unwrap()).collect()
}

const TRANSACTIONS: &str = "transaction,source,destination,time,amount,currency,device\n\
    t1,alice,bob,2024-05-01T10:00:00Z,100.00,EUR,d1\n\
    t2,bob,carol,2024-05-02T10:00:00Z,60.00,EUR,\n\
    t3,bob,dave,2024-06-02T10:00:00Z,40.00,EUR,d2\n";
const ACCOUNTS: &str = "account,segment\nalice,retail\ndave,business\n";
const LINKS: &str = "account,kind,value\nalice,phone,+1 555 0100\ncarol,phone,+1 555 0100\n";

/// A late row, one of a new month, one that is there already, and news of accounts.
const MORE_TRANSACTIONS: &str = "transaction,source,destination,time,amount,currency,device\n\
    t4,erin,bob,2024-05-01T12:00:00Z,7.00,EUR,d1\n\
    t2,bob,carol,2024-05-02T10:00:00Z,60.00,EUR,\n\
    t5,dave,erin,2024-07-02T10:00:00Z,11.00,USD,d3\n";
const MORE_ACCOUNTS: &str = "account,segment\nerin,retail\n";
const MORE_LINKS: &str = "account,kind,value\nerin,phone,+1 555 0101\n";

/// A row that says another one anew, a second thought of that, and a payment that is taken back in part.
const CORRECTIONS: &str = "transaction,source,destination,time,amount,currency,corrects,reverses\n\
    t6,alice,carol,2024-05-01T10:00:00Z,90.00,EUR,t1,\n\
    t7,dave,bob,2024-07-03T10:00:00Z,15.00,EUR,,t3\n\
    t8,alice,erin,2024-05-01T10:00:00Z,80.00,EUR,t6,\n";

fn table(name: &str, text: &'static str) -> Vec<Source> {
    vec![Source::Reader { name: name.to_string(), reader: Box::new(text.as_bytes()) }]
}

fn first() -> Sources {
    Sources {
        transactions: table("may.csv", TRANSACTIONS),
        accounts: table("accounts.csv", ACCOUNTS),
        links: table("links.csv", LINKS),
    }
}

/// Small buffers: this is done very often.
fn options() -> IngestOptions {
    let read = ReadOptions { chunk_bytes: 1 << 16, ..ReadOptions::default() };
    IngestOptions { read, ..IngestOptions::default() }
}

/// Publishes a first generation.
fn ingest_of(disk: Arc<dyn Disk>, place: &Path, sources: Sources, options: &IngestOptions) -> Result<()> {
    let mapping = Mapping::preset("ledger").unwrap();
    alone(|| {
        let writer = StoreWriter::create_on(disk, &place.join("bank.ring"))?;
        ingest_into(writer, sources, &mapping, &mut RejectLog::counting(), options, &Run::new()).map(|_| ())
    })
}

/// Publishes the next generation.
fn append_of(disk: Arc<dyn Disk>, place: &Path, sources: Sources) -> Result<()> {
    alone(|| {
        let writer = StoreWriter::append_on(disk, &place.join("bank.ring"))?;
        append_into(writer, sources, &mut RejectLog::counting(), &options(), &Run::new()).map(|_| ())
    })
}

/// A first generation with every kind of file.
fn ingest(disk: Arc<dyn Disk>, place: &Path) -> Result<()> {
    ingest_of(disk, place, first(), &options())
}

/// More rows than the memory holds: by way of scratch files.
fn ingest_bounded(disk: Arc<dyn Disk>, place: &Path) -> Result<()> {
    let mut text = TRANSACTIONS.to_string();
    for number in 4..60 {
        text += &format!("t{number},alice,bob,2024-05-03T10:00:{number:02}Z,1.00,EUR,d1\n");
    }
    let reader = Box::new(std::io::Cursor::new(text));
    let transactions = vec![Source::Reader { name: "may.csv".to_string(), reader }];
    let build = BuildOptions { memory_min: 0, ..BuildOptions::default() };
    let options = IngestOptions { memory: Some(6000), build, ..options() };
    ingest_of(disk, place, Sources { transactions, ..first() }, &options)
}

/// A second generation with every kind of file.
fn append(disk: Arc<dyn Disk>, place: &Path) -> Result<()> {
    let sources = Sources {
        transactions: table("june.csv", MORE_TRANSACTIONS),
        accounts: table("more accounts.csv", MORE_ACCOUNTS),
        links: table("more links.csv", MORE_LINKS),
    };
    append_of(disk, place, sources)
}

/// A second generation in which rows of the first are corrected and taken back, so that their partitions are written anew.
fn correct(disk: Arc<dyn Disk>, place: &Path) -> Result<()> {
    append_of(disk, place, Sources { transactions: table("july.csv", CORRECTIONS), ..Sources::default() })
}

/// A second generation with the first attributes and links.
fn append_kinds(disk: Arc<dyn Disk>, place: &Path) -> Result<()> {
    let accounts = table("accounts.csv", ACCOUNTS);
    append_of(disk, place, Sources { transactions: Vec::new(), accounts, links: table("links.csv", LINKS) })
}

/// Another width of time partitions.
fn compact(disk: Arc<dyn Disk>, place: &Path) -> Result<()> {
    alone(|| {
        let writer = StoreWriter::append_on(disk, &place.join("bank.ring"))?;
        let options = BuildOptions { partition: Partition::Year, ..BuildOptions::default() };
        compact_into(writer, &options, &Run::new()).map(|_| ())
    })
}

/// An account with attributes, links, an identifier of its own and a device goes, and with it every generation before.
fn erase(disk: Arc<dyn Disk>, place: &Path) -> Result<()> {
    alone(|| {
        let writer = StoreWriter::append_on(disk, &place.join("bank.ring"))?;
        erase_into(writer, &[Subject::Account("alice".to_string())], &Run::new()).map(|_| ())
    })
}

/// As [`of_collected`]; and as long as there is more to do, calling again completes it, and a mistyped subject is unknown.
fn of_erased(place: &Path) -> std::result::Result<State, String> {
    let state = of_collected(place)?;
    if state.starts_with("generation 3 ") && state.ends_with("alone") {
        return Ok(state);
    }
    let copy = crate::scratch();
    let again = copy.path().join("again");
    state::copy(place, &again);
    let dry = erase_dry(&again.join("bank.ring"), &[Subject::Account("alise".to_string())], &Run::new());
    if !matches!(dry, Err(Error::UnknownKey { .. })) {
        return Err(format!("{state}: a mistyped subject gives {dry:?}"));
    }
    erase(System::shared(), &again).map_err(|error| format!("{state}: erased again: {error}"))?;
    let completed = of_collected(&again)?;
    if !completed.starts_with("generation 3 ") || !completed.ends_with("alone") {
        return Err(format!("{state}: erased again, it is {completed}"));
    }
    Ok(state)
}

/// A writer that wrote one file and then is told to leave it: both states are the same.
fn given_up(disk: Arc<dyn Disk>, place: &Path) -> Result<()> {
    let writer = StoreWriter::create_on(disk, &place.join("bank.ring"))?;
    let mut file = writer.file("keys", "accounts", "keys")?;
    Keys::write(&KeyList::Numbers(vec![7, 8, 12]), &mut file)?;
    writer.finish(file).map(|_| ())
}

const KEEP_ONE: CollectOptions = CollectOptions { keep: 1, keep_hours: 0, also: Vec::new() };

/// A time at which no generation is young.
fn later() -> SystemTime {
    #[allow(clippy::disallowed_methods)] // A test is a door.
    let now = SystemTime::now();
    now + Duration::from_secs(3600)
}

/// Nothing but the live generation stays.
fn collect(disk: Arc<dyn Disk>, place: &Path) -> Result<()> {
    collect_on(&disk, &place.join("bank.ring"), &KEEP_ONE, later(), &Run::new()).map(|_| ())
}

fn backup(disk: Arc<dyn Disk>, place: &Path) -> Result<()> {
    alone(|| {
        let (from, to) = (place.join("bank.ring"), place.join("backup.ring"));
        to_directory(&from, None, &to, &disk, &Run::new()).map(|_| ())
    })
}

fn bundle(disk: Arc<dyn Disk>, place: &Path) -> Result<()> {
    seal(disk, place, "bank.bundle", None)
}

/// What the store got since it was sealed.
fn bundle_since(disk: Arc<dyn Disk>, place: &Path) -> Result<()> {
    seal(disk, place, "next.bundle", Some(&place.join("bank.bundle")))
}

fn seal(disk: Arc<dyn Disk>, place: &Path, name: &str, since: Option<&Path>) -> Result<()> {
    let (key, secrets) = (key(), Secrets::from_bytes(&[7 + since.is_some() as u8; 51]));
    let sealing = Sealing { key: &key, secrets: &secrets, since };
    alone(|| {
        let (from, to) = (place.join("bank.ring"), place.join(name));
        to_bundle(&from, None, &to, &sealing, &disk, &Run::new()).map(|_| ())
    })
}

fn restored(disk: Arc<dyn Disk>, place: &Path) -> Result<()> {
    alone(|| {
        let from = [place.join("backup.ring")];
        restore(&from, None, &place.join("restored.ring"), &disk, &Run::new()).map(|_| ())
    })
}

fn restored_from_bundles(disk: Arc<dyn Disk>, place: &Path) -> Result<()> {
    alone(|| {
        let from = [place.join("next.bundle"), place.join("bank.bundle")];
        restore(&from, Some(&key()), &place.join("restored.ring"), &disk, &Run::new()).map(|_| ())
    })
}

/// The key of the bundle.
fn key() -> Key {
    Key::new([0x5a; 32])
}

fn ingested(disk: Arc<dyn Disk>, place: &Path) {
    ingest(disk, place).unwrap();
}

fn appended(disk: Arc<dyn Disk>, place: &Path) {
    ingest(disk.clone(), place).unwrap();
    append(disk, place).unwrap();
}

/// A store of two generations, with what a killed writer and a dead reader left.
fn littered(disk: Arc<dyn Disk>, place: &Path) {
    appended(disk.clone(), place);
    let (root, pins) = (place.join("bank.ring"), place.join("bank.ring/pins"));
    disk.make_directory(&pins).unwrap();
    for (directory, name) in [(&root, "tmp-7"), (&pins, "00000000000000000001-99-0")] {
        let path = directory.join(name);
        disk.sync(&disk.create(&path).unwrap(), &path).unwrap();
        disk.sync_directory(directory).unwrap();
    }
}

fn backed_up(disk: Arc<dyn Disk>, place: &Path) {
    ingest(disk.clone(), place).unwrap();
    backup(disk, place).unwrap();
}

/// A store that has got corrections since it was sealed in a bundle.
fn bundled_and_corrected(disk: Arc<dyn Disk>, place: &Path) {
    ingest(disk.clone(), place).unwrap();
    bundle(disk.clone(), place).unwrap();
    correct(disk, place).unwrap();
}

/// A chain of two bundles.
fn sealed(disk: Arc<dyn Disk>, place: &Path) {
    bundled_and_corrected(disk.clone(), place);
    bundle_since(disk, place).unwrap();
}

/// A store that has grown since it was backed up, and has got its first attributes.
fn grown_backup(disk: Arc<dyn Disk>, place: &Path) {
    bare(disk.clone(), place);
    backup(disk.clone(), place).unwrap();
    append_kinds(disk, place).unwrap();
}

/// A store of transactions alone.
fn bare(disk: Arc<dyn Disk>, place: &Path) {
    let transactions = table("may.csv", TRANSACTIONS);
    ingest_of(disk, place, Sources { transactions, ..Sources::default() }, &options()).unwrap();
}

/// What is left of an ingest whose process ended while it wrote the first files.
fn cut_early(disk: Arc<dyn Disk>, place: &Path) {
    ingest(Faulty::at(disk, 30, Fault::Dead(EIO)), place).unwrap_err();
}

/// What is left of an ingest whose process ended when everything but the last rename was done.
fn cut_late(disk: Arc<dyn Disk>, place: &Path) {
    let commit = ALL[0].commit(&calls(&ALL[0])).unwrap();
    ingest(Faulty::at(disk, commit, Fault::Dead(EIO)), place).unwrap_err();
}

/// What is left of an append whose process ended when everything but the last rename was done.
fn append_cut_late(disk: Arc<dyn Disk>, place: &Path) {
    ingest(disk.clone(), place).unwrap();
    let commit = APPEND.commit(&calls(&APPEND)).unwrap();
    append(Faulty::at(disk, commit, Fault::Dead(EIO)), place).unwrap_err();
}

/// What is left of an erasure whose process ended when the manifests that name its subject were gone, and the files were not.
fn erase_cut_late(disk: Arc<dyn Disk>, place: &Path) {
    littered(disk.clone(), place);
    let erasure = ALL.iter().find(|scenario| scenario.name == "erase").unwrap();
    let is_manifest = |(call, path): &(Call, PathBuf)| {
        *call == Call::Remove && path.parent().unwrap().ends_with("manifest")
    };
    let at = calls(erasure).iter().rposition(is_manifest).unwrap() as u64 + 1;
    erase(Faulty::at(disk, at, Fault::Dead(EIO)), place).unwrap_err();
}

/// An append whose last sync failed: it is live, and not known to survive a power failure.
fn append_unsynced(disk: Arc<dyn Disk>, place: &Path) {
    ingest(disk.clone(), place).unwrap();
    let last = calls(&APPEND).len() as u64 - 1;
    append(Faulty::at(disk, last, Fault::Fails(EIO)), place).unwrap_err();
}

const EIO: i32 = 5;

/// The calls of a scenario on a sound disk.
pub fn calls(scenario: &Scenario) -> Vec<(Call, PathBuf)> {
    let place = crate::scratch();
    (scenario.prepare)(System::shared(), place.path());
    let disk = Faulty::counting(System::shared());
    (scenario.run)(disk.clone(), place.path()).unwrap();
    disk.calls()
}

fn bank(place: &Path) -> std::result::Result<State, String> {
    state::of_store(&place.join("bank.ring"))
}

/// The live generation, and whether there is more than that.
fn of_collected(place: &Path) -> std::result::Result<State, String> {
    // First, as looking whether the next writer may begin clears up.
    let plan =
        collect_dry(&place.join("bank.ring"), &KEEP_ONE, later()).map_err(|error| error.to_string())?;
    Ok(format!("{}, {}", bank(place)?, if plan.removals.is_empty() { "alone" } else { "and more" }))
}

fn of_backup(place: &Path) -> std::result::Result<State, String> {
    state::of_store(&place.join("backup.ring"))
}

fn of_restored(place: &Path) -> std::result::Result<State, String> {
    state::of_store(&place.join("restored.ring"))
}

fn of_bundle(place: &Path) -> std::result::Result<State, String> {
    of_chain(&[place.join("bank.bundle")])
}

fn of_next_bundle(place: &Path) -> std::result::Result<State, String> {
    of_chain(&[place.join("next.bundle"), place.join("bank.bundle")])
}

/// A chain of bundles, of which the first named may not be there.
fn of_chain(bundles: &[PathBuf]) -> std::result::Result<State, String> {
    if bundles[0].symlink_metadata().is_err() {
        return Ok("nothing".into());
    }
    let checked = verify_backup(bundles, Some(&key()), Share::ALL, &Run::new());
    checked.map(|checked| format!("{checked:?}")).map_err(|error| error.to_string())
}
