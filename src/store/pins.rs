//! Pins: a generation held by somebody who will come back to it.
//!
//! Whoever has a generation open needs no pin, as removed files stay for those
//! who have them open. A pin is for those who open one generation several times:
//! a backup, a notebook, a job of several commands. It is taken only when asked
//! for ([`Store::pin`], [`hold`]), so that opening writes nothing.
//!
//! # Method
//! A pin is a file `pins/<generation>-<process>-<number>` on which its holder
//! keeps a shared lock (`flock`). The system ends the lock with the process,
//! whatever happens to it: a pin whose file can be locked exclusively is that of
//! a dead process, counts for nothing, and is swept by the next collection.
//!
//! # Choices
//! Between "is it still here" and "it is pinned" no collection may fall. So pins
//! are made under a shared lock on `pins/GATE`, and a collection looks at the pins and
//! removes manifests under an exclusive one; both take moments. The lock
//! of the writer would not do, as a writer may hold it for hours.

use super::Store;
use super::disk::{Disk, DiskFile, System};
use super::generations::{numbers, unknown};
use super::lock::{holder_of, this_process};
use super::open::read_current;
use crate::error::{Error, Result};
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Directory of the pins.
pub(super) const PINS: &str = "pins";
/// The file in it under whose lock pins come and manifests go.
pub(super) const GATE: &str = "GATE";
/// First line of a pin.
const PIN_MARK: &str = "ringfence reader\n";
/// Names that may be taken by pins of dead processes of the same number, before making a pin gives up.
const NAMES_MAX: u64 = 10_000;

/// Tells apart the pins of this process.
static NUM_PINS: AtomicU64 = AtomicU64::new(0);

/// A generation that is not collected as long as this value lives.
#[derive(Debug)]
pub struct Pin {
    generation: u64,
    /// Holds the lock as long as it is open.
    file: DiskFile,
}

impl Pin {
    /// The generation held.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        // If it stays, it is the pin of nobody, and the next collection sweeps it.
        let _ = self.file.disk().remove(self.file.path());
    }
}

impl Store {
    /// Holds the opened generation until the pin is dropped or the process ends.
    ///
    /// # Errors
    /// Those of [`hold`].
    pub fn pin(&self) -> Result<Pin> {
        hold(self.path(), Some(self.manifest.generation))
    }
}

/// Holds a generation of the store at `path`, the live one if none is named, until the pin is dropped or the process ends.
///
/// # Errors
/// [`Error::UnknownKey`], which lists the generations there are, if it was collected or never was; [`Error::Io`] where
/// nothing can be written.
pub fn hold(path: &Path, generation: Option<u64>) -> Result<Pin> {
    hold_on(&System::shared(), path, generation)
}

/// As [`hold`], on another disk than the system's.
///
/// # Errors
/// As [`hold`].
pub fn hold_on(disk: &Arc<dyn Disk>, path: &Path, generation: Option<u64>) -> Result<Pin> {
    // Nothing is made in a directory that is no store.
    read_current(path)?;
    let _gate = gate(disk, path, File::lock_shared)?;
    let live = read_current(path)?.generation;
    let generation = generation.unwrap_or(live);
    if !numbers(path, live)?.contains(&generation) {
        return Err(unknown(path, generation, live));
    }
    let mut pin = Pin { generation, file: make(disk, path, generation)? };
    pin.file.file().lock_shared().map_err(Error::io(pin.file.path()))?;
    pin.file.append(format!("{PIN_MARK}{}\n", this_process()).as_bytes())?;
    Ok(pin)
}

/// Makes the file of a pin under a name that is free.
fn make(disk: &Arc<dyn Disk>, root: &Path, generation: u64) -> Result<DiskFile> {
    let process = std::process::id();
    for _ in 0..NAMES_MAX {
        let number = NUM_PINS.fetch_add(1, Ordering::Relaxed);
        let path = root.join(PINS).join(format!("{generation:020}-{process}-{number}"));
        match DiskFile::create(disk, path) {
            // Of a process before this one, or of one that another container calls by the same number.
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {}
            made => return made,
        }
    }
    let source = std::io::Error::other("too many pins of dead processes; collect (`ringfence gc`)");
    Err(Error::Io { path: root.join(PINS), source })
}

/// Locks the gate, which others hold for moments only; it is made if it is not there.
pub(super) fn gate(
    disk: &Arc<dyn Disk>,
    root: &Path,
    lock: impl FnOnce(&File) -> std::io::Result<()>,
) -> Result<DiskFile> {
    let directory = root.join(PINS);
    match disk.make_directory(&directory) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(Error::io(&directory)(error)),
        _ => {}
    }
    let gate = DiskFile::open(disk, directory.join(GATE))?;
    lock(gate.file()).map_err(Error::io(gate.path()))?;
    Ok(gate)
}

/// A pin found in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The generation that it names.
    pub generation: u64,
    /// Its name in `pins/`.
    pub name: String,
    /// What its holder said of itself, for people.
    pub holder: String,
    /// Whether its holder lives, or that cannot be told.
    pub alive: bool,
}

/// Every pin of the store at `path`, by name, of the living and the dead.
///
/// Each is asked for its lock for a moment; a pin that is being made in that very moment may look dead, unless the gate
/// is held.
///
/// # Errors
/// [`Error::Io`] if the directory cannot be read.
pub fn pins(path: &Path) -> Result<Vec<Held>> {
    let directory = path.join(PINS);
    let entries = match std::fs::read_dir(&directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::io(&directory))?,
    };
    let mut pins = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io(&directory))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let Some(generation) = generation_of(&name) else { continue };
        // A symbolic link, a pipe or a directory is none of ours.
        if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        let (holder, alive) = match File::open(&path) {
            // Its holder let go meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => (format!("which cannot be asked: {error}"), true),
            Ok(file) => {
                let alive = file.try_lock().is_err();
                (holder_of(&file), alive)
            }
        };
        pins.push(Held { generation, name, holder, alive });
    }
    pins.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(pins)
}

/// The generation in the name of a pin; `None` if it is not the name of one.
pub(super) fn generation_of(name: &str) -> Option<u64> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    let mut parts = name.split('-');
    let (generation, process, number) = (parts.next()?, parts.next()?, parts.next()?);
    let is_name = parts.next().is_none() && generation.len() == 20 && digits(generation) && digits(process);
    if is_name && digits(number) { generation.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pins_are_told_from_others() {
        assert_eq!(generation_of("00000000000000000007-4211-0"), Some(7));
        for name in ["GATE", "7-1-2", "00000000000000000007-4211", "00000000000000000007-4211-0-1", ""] {
            assert_eq!(generation_of(name), None, "{name}");
        }
        for name in ["00000000000000000007--0", "00000000000000000007-a-0", "99999999999999999999-1-0"] {
            assert_eq!(generation_of(name), None, "{name}");
        }
    }
}
