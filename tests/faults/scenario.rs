//! What is done under fault: one entry per operation that changes a store.
//!
//! An operation works within a directory of its own, given as `place`. It may
//! find something there (`prepare`), and what it leaves is compared by `state`.

use crate::disks::{Call, Fault, Faulty};
use crate::state::{self, State};
use ringfence::graph::build::{IngestOptions, Sources, ingest_into};
use ringfence::ingest::{Mapping, ReadOptions, RejectLog, Source};
use ringfence::store::disk::System;
use ringfence::store::keys::KeyList;
use ringfence::store::{Disk, Keys, StoreWriter};
use ringfence::{Result, Run};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An operation that changes what is on disk, all of it or nothing.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    /// Makes what is there before.
    pub prepare: fn(Arc<dyn Disk>, &Path),
    /// The operation.
    pub run: fn(Arc<dyn Disk>, &Path) -> Result<()>,
    /// Whether it clears up what an interrupted operation left, even if it fails itself.
    pub clears: bool,
    /// What is there, or why it is not sound.
    pub state: fn(&Path) -> std::result::Result<State, String>,
}

/// Everything that is tried.
pub const ALL: [Scenario; 4] = [
    Scenario { name: "ingest", prepare: |_, _| {}, run: ingest, clears: false, state: bank },
    Scenario {
        name: "ingest after one cut early",
        prepare: cut_early,
        run: ingest,
        clears: true,
        state: bank,
    },
    Scenario { name: "ingest after one cut late", prepare: cut_late, run: ingest, clears: true, state: bank },
    Scenario { name: "ingest given up", prepare: |_, _| {}, run: given_up, clears: false, state: bank },
];

impl Scenario {
    /// The states before and after the operation on a sound disk.
    pub fn states(&self) -> [State; 2] {
        let state = |run: bool| {
            let place = crate::scratch();
            (self.prepare)(System::shared(), place.path());
            if run {
                (self.run)(System::shared(), place.path()).unwrap();
            }
            (self.state)(place.path()).unwrap()
        };
        [state(false), state(true)]
    }
}

/// The call from which on a failure may leave it open what is live: the last rename to `CURRENT`.
pub fn commit(calls: &[(Call, PathBuf)]) -> Option<u64> {
    let is_commit = |(call, path): &(Call, PathBuf)| *call == Call::Rename && path.ends_with("CURRENT");
    calls.iter().rposition(is_commit).map(|at| at as u64)
}

/// Does the work on one thread, so that calls come in the same order every time.
pub fn alone<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread_local! {
        static POOL: rayon::ThreadPool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    }
    POOL.with(|pool| pool.install(work))
}

fn bank(place: &Path) -> std::result::Result<State, String> {
    state::of_store(&place.join("bank.ring"))
}

const TRANSACTIONS: &str = "transaction,source,destination,time,amount,currency,device\n\
    t1,alice,bob,2024-05-01T10:00:00Z,100.00,EUR,d1\n\
    t2,bob,carol,2024-05-02T10:00:00Z,60.00,EUR,\n\
    t3,bob,dave,2024-06-02T10:00:00Z,40.00,EUR,d2\n";
const ACCOUNTS: &str = "account,segment\nalice,retail\ndave,business\n";
const LINKS: &str = "account,kind,value\nalice,phone,+1 555 0100\ncarol,phone,+1 555 0100\n";

/// A first generation with every kind of file.
fn ingest(disk: Arc<dyn Disk>, place: &Path) -> Result<()> {
    let table = |name: &str, text: &'static str| {
        vec![Source::Reader { name: name.to_string(), reader: Box::new(text.as_bytes()) }]
    };
    let sources = Sources {
        transactions: table("may.csv", TRANSACTIONS),
        accounts: table("accounts.csv", ACCOUNTS),
        links: table("links.csv", LINKS),
    };
    let mapping = Mapping::preset("ledger").unwrap();
    // Small buffers: this is done very often.
    let read = ReadOptions { chunk_bytes: 1 << 16, ..ReadOptions::default() };
    let options = IngestOptions { read, ..IngestOptions::default() };
    alone(|| {
        let writer = StoreWriter::create_on(disk, &place.join("bank.ring"))?;
        ingest_into(writer, sources, &mapping, &mut RejectLog::counting(), &options, &Run::new()).map(|_| ())
    })
}

/// A writer that wrote one file and then is told to leave it: both states are the same.
fn given_up(disk: Arc<dyn Disk>, place: &Path) -> Result<()> {
    let writer = StoreWriter::create_on(disk, &place.join("bank.ring"))?;
    let mut file = writer.file("keys", "accounts", "keys")?;
    Keys::write(&KeyList::Numbers(vec![7, 8, 12]), &mut file)?;
    writer.finish(file).map(|_| ())
}

/// What is left of an ingest whose process ended while it wrote the first files.
fn cut_early(disk: Arc<dyn Disk>, place: &Path) {
    ingest(Faulty::at(disk, 30, Fault::Dead(5)), place).unwrap_err();
}

/// What is left of an ingest whose process ended when everything but the last rename was done.
fn cut_late(disk: Arc<dyn Disk>, place: &Path) {
    let counting = Faulty::counting(System::shared());
    let elsewhere = crate::scratch();
    ingest(counting.clone(), elsewhere.path()).unwrap();
    let commit = commit(&counting.calls()).unwrap();
    ingest(Faulty::at(disk, commit, Fault::Dead(5)), place).unwrap_err();
}
