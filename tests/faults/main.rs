//! Faults of the disk: calls that fail, a process killed at any point, power lost at any point, no space left.
//!
//! Every promise of "Publishing" (`docs/format.md`) is held against faults put
//! into each single call of the store's door to the disk
//! ([`Disk`](ringfence::store::Disk)). What is done under fault comes from one
//! list (`scenario`), so whatever changes a store is tried by adding a line there.
//!
//! * `nth_call`: the n-th call fails, for every n and every kind of failure.
//! * `kill`: a child process is killed at every call, and within every write.
//! * `power`: what a power failure may leave, from a record of all calls; and the
//!   same with any one sync left out, which must be found.
//! * `full_disk`: a real file system that fills up, where one can be mounted.
//!
//! Each test prints its seed and a tally. `RINGFENCE_TORTURE=1` runs the long form.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod disks;
mod full_disk;
mod kill;
mod nth_call;
mod power;
mod record;
mod scenario;
mod state;
#[path = "../support/mod.rs"]
mod support;

use scenario::States;
use state::State;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What every choice of the campaign follows from.
const SEED: u64 = 20_240_501;

/// Whether the long form was asked for.
#[allow(clippy::disallowed_methods)] // A test is a door.
fn torture() -> bool {
    std::env::var_os("RINGFENCE_TORTURE").is_some_and(|value| value == "1")
}

/// A directory in memory where the system offers it: the campaign makes very many small files.
fn scratch() -> tempfile::TempDir {
    let shared = std::path::Path::new("/dev/shm");
    if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }.unwrap()
}

/// One test at a time: each takes all cores, and a process that is being started holds, for a moment, the locks of the one
/// that starts it.
fn in_turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a store holds after a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Before,
    After,
    /// Neither, and why.
    Bad(String),
}

/// What a campaign did and found.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// Faults injected.
    faults: u64,
    /// Acknowledged, but the generation before is live.
    lost: u64,
    /// The store does not open, does not pass a full verification, or refuses the next writer.
    broken: u64,
    /// It opens, but holds neither what was there before nor what was to be written.
    mixed: u64,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.faults += other.faults;
        self.lost += other.lost;
        self.broken += other.broken;
        self.mixed += other.mixed;
    }

    /// Counts a store after a fault: `before` may only be live if the operation was not acknowledged.
    fn judge(&mut self, states: &States, found: &Result<State, String>, acknowledged: bool) -> Verdict {
        self.faults += 1;
        match found {
            Err(why) => {
                self.broken += 1;
                Verdict::Bad(why.clone())
            }
            Ok(state) if *state == states.after => Verdict::After,
            Ok(state) if states.is_before(state) && !acknowledged => Verdict::Before,
            Ok(state) if states.is_before(state) => {
                self.lost += 1;
                Verdict::Bad("the acknowledged generation is not there".to_string())
            }
            Ok(state) => {
                self.mixed += 1;
                Verdict::Bad(format!("neither before nor after: {state}"))
            }
        }
    }

    fn num_bad(&self) -> u64 {
        self.lost + self.broken + self.mixed
    }

    fn print(&self, name: &str) {
        println!(
            "{name}: seed {SEED}: {} faults injected / {} acknowledged generations lost / {} stores that do not open / {} mixed",
            self.faults, self.lost, self.broken, self.mixed
        );
    }
}
