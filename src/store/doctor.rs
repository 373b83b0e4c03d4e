//! What is amiss around a store: everything that a person who runs one should know, and what to do about it.
//!
//! # Method
//! Each question gives one finding or more, also where all is well: who may read
//! the files and who owns them, what they lie on, whether that is encrypted as far
//! as can be told, whether the next publication fits, what killed programs
//! left, who holds the lock and the pins, which versions the files have, and whether every
//! generation opens.
//!
//! # Cost
//! Reads manifests and the frames of files, no column: time O(m + f) for m bytes of manifests and f files.
//!
//! # Choices
//! Nothing is written and nothing is repaired. "Cannot tell" is an answer. An
//! error is what makes answers impossible or lets others change files under a
//! reader; a warning is what will hurt one day; a note is to be known.

use super::collect::{CollectOptions, collect_dry};
use super::erasing::ERASING;
use super::format::{HEADER_BYTES, MAGIC, VERSION_MAJOR, VERSION_MINOR};
use super::open::live_manifest;
use super::volume::{self, Encryption, Place};
use super::walk::{Entry, Kind, walk};
use super::{Io, Store, generations, lock, pins};
use crate::error::{Error, Result};
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Fine,
    /// To be known; nothing need be done.
    Note,
    /// Will hurt one day.
    Warning,
    /// Answers are impossible, or others can change files under a reader.
    Error,
}

impl Level {
    /// The level in one word.
    pub fn name(self) -> &'static str {
        match self {
            Level::Fine => "fine",
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// What was asked: part of the interface, never changed.
    pub subject: &'static str,
    /// What was found.
    pub what: String,
    /// What to do; empty where nothing need be done.
    pub remedy: String,
}

fn finding(level: Level, subject: &'static str, what: impl ToString, remedy: impl ToString) -> Finding {
    Finding { level, subject, what: what.to_string(), remedy: remedy.to_string() }
}

/// Examines the store at `path`; `now` is the time that ages of generations count from.
///
/// # Errors
/// [`Error::Io`] if the directory cannot be read, [`Error::Foreign`] if it is none. What is wrong with the store itself is a finding.
pub fn examine(path: &Path, now: SystemTime) -> Result<Vec<Finding>> {
    if !std::fs::metadata(path).map_err(Error::io(path))?.is_dir() {
        let detail = "it is not a directory".to_string();
        return Err(Error::Foreign { path: path.to_path_buf(), what: "store", detail });
    }
    let entries = walk(path)?;
    let mut findings = vec![live(path)];
    findings.extend(older(path));
    findings.push(versions(path, &entries));
    findings.push(permissions(path, &entries)?);
    findings.push(owner(path, &entries)?);
    findings.push(file_system(path));
    findings.push(encryption(volume::encryption(path)));
    findings.push(space(path, &entries));
    findings.push(writer(path));
    findings.extend(held(path));
    findings.extend(garbage(path, now));
    Ok(findings)
}

/// Whether `CURRENT` leads to a generation that opens.
fn live(path: &Path) -> Finding {
    match Store::open(path, Io::Mmap) {
        Ok(store) => {
            finding(Level::Fine, "live", format!("generation {} opens", store.manifest.generation), "")
        }
        Err(error) => finding(
            Level::Error,
            "live",
            error,
            "restore a backup, or read an older generation with --generation; see `ringfence generations`",
        ),
    }
}

/// Whether the other generations open.
fn older(path: &Path) -> Vec<Finding> {
    let Ok((current, found)) = generations::look(path) else {
        return Vec::new();
    };
    let older: Vec<u64> =
        found.iter().map(|found| found.generation).filter(|&each| each != current.generation).collect();
    let broken: Vec<Finding> = older
        .iter()
        .filter_map(|&generation| Store::open_generation(path, generation, Io::Mmap).err())
        // Collected since.
        .filter(|error| !matches!(error, Error::UnknownKey { .. }))
        .map(|error| {
            let remedy = "restore a backup if that generation is needed; else remove its manifest, then `ringfence gc`";
            finding(Level::Error, "generations", error, remedy)
        })
        .collect();
    if !broken.is_empty() {
        return broken;
    }
    vec![finding(Level::Fine, "generations", format!("{} older open", older.len()), "")]
}

/// Which versions of the format the data files have.
fn versions(path: &Path, entries: &[Entry]) -> Finding {
    let (mut newer, mut other) = (Vec::new(), Vec::new());
    let mut num_files = 0;
    for Entry { name, .. } in entries.iter().filter(|entry| entry.kind == Kind::Data) {
        let mut header = Vec::new();
        let read = std::fs::File::open(path.join(name));
        let read = read.and_then(|file| file.take(HEADER_BYTES as u64).read_to_end(&mut header));
        let version =
            |at: usize| header.get(at..at + 2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
        // What is no container or cannot be read is told where it is opened.
        if read.is_err() || header.get(..8) != Some(&MAGIC[..]) {
            continue;
        }
        num_files += 1;
        match (version(8), version(10)) {
            (Some(VERSION_MAJOR), Some(minor)) if minor > VERSION_MINOR => newer.push(name.as_str()),
            (Some(major), _) if major != VERSION_MAJOR => other.push(name.as_str()),
            _ => {}
        }
    }
    let ours = format!("{VERSION_MAJOR}.{VERSION_MINOR}");
    if !other.is_empty() {
        let what = format!("{} of another version than {ours}", listed(&other));
        return finding(
            Level::Error,
            "versions",
            what,
            "build the store again from its source with this program",
        );
    }
    if !newer.is_empty() {
        let what = format!("{} of a later version than {ours}", listed(&newer));
        return finding(
            Level::Note,
            "versions",
            what,
            "a later program wrote columns that this one leaves aside",
        );
    }
    finding(Level::Fine, "versions", format!("{num_files} data files of version {VERSION_MAJOR}.x"), "")
}

/// Whether others than the owner can read or write.
#[cfg(unix)]
fn permissions(path: &Path, entries: &[Entry]) -> Result<Finding> {
    use std::os::unix::fs::PermissionsExt;
    let root = std::fs::metadata(path).map_err(Error::io(path))?;
    let modes = entries
        .iter()
        .filter(|entry| entry.kind != Kind::Other)
        .map(|entry| (entry.name.as_str(), entry.metadata.permissions().mode()));
    let modes: Vec<(&str, u32)> = std::iter::once((".", root.permissions().mode())).chain(modes).collect();
    let with = |bits: u32| -> Vec<&str> {
        modes.iter().filter(|(_, mode)| mode & bits != 0).map(|(name, _)| *name).collect()
    };
    let remedy = "chmod -R u=rwX,go= on the store's directory";
    let (written, read) = (with(0o022), with(0o055));
    Ok(if !written.is_empty() {
        let what = format!(
            "others than the owner may write: {}; a file cut under a reader ends it",
            listed(&written)
        );
        finding(Level::Error, "permissions", what, remedy)
    } else if !read.is_empty() {
        let what = format!("others than the owner may read: {}", listed(&read));
        finding(Level::Warning, "permissions", what, remedy)
    } else {
        finding(Level::Fine, "permissions", "only the owner may read and write", "")
    })
}

#[cfg(not(unix))]
fn permissions(_path: &Path, _entries: &[Entry]) -> Result<Finding> {
    Ok(finding(Level::Note, "permissions", "cannot tell on this system", "see who may read the directory"))
}

/// Whether everything belongs to one user, and whether that is the one who asks.
#[cfg(unix)]
fn owner(path: &Path, entries: &[Entry]) -> Result<Finding> {
    use std::os::unix::fs::MetadataExt;
    let owner = std::fs::metadata(path).map_err(Error::io(path))?.uid();
    let strange = entries.iter().filter(|entry| entry.kind != Kind::Other && entry.metadata.uid() != owner);
    let strange: Vec<&str> = strange.map(|entry| entry.name.as_str()).collect();
    if !strange.is_empty() {
        let what = format!("user {owner} owns the directory, but not {}", listed(&strange));
        return Ok(finding(Level::Warning, "owner", what, "chown -R to the user who writes the store"));
    }
    // A directory of the process, which belongs to the user that it runs as.
    match std::fs::metadata("/proc/self") {
        Ok(own) if own.uid() != owner => {
            let what = format!("user {owner} owns it, and this is user {}", own.uid());
            Ok(finding(Level::Note, "owner", what, "write and collect as the owner"))
        }
        _ => Ok(finding(Level::Fine, "owner", format!("user {owner} owns everything"), "")),
    }
}

#[cfg(not(unix))]
fn owner(_path: &Path, _entries: &[Entry]) -> Result<Finding> {
    Ok(finding(Level::Note, "owner", "cannot tell on this system", "see who owns the directory"))
}

/// What the store lies on.
fn file_system(path: &Path) -> Finding {
    let found = volume::file_system(path).map(|(number, _)| volume::kind(number));
    match found {
        Some((name, place)) => on(&name, place),
        None => {
            finding(Level::Note, "file_system", "cannot tell on this system", "see what it is mounted on")
        }
    }
}

fn on(name: &str, place: Place) -> Finding {
    let (level, what, remedy) = match place {
        Place::Disk => (Level::Fine, "a disk", ""),
        Place::Memory => (
            Level::Warning,
            "memory: the store is gone when the machine stops",
            "move the store to a disk, unless it is meant to be forgotten",
        ),
        Place::Layer => (
            Level::Warning,
            "a layer of a container: the store is gone with the container",
            "mount a volume and put the store there",
        ),
        Place::Network => (
            Level::Warning,
            "another machine or program: locks, syncs and mapped files are what that makes of them",
            "write from one machine only, read with io = \"read\", and prefer a local disk",
        ),
        Place::Unknown => {
            (Level::Note, "which is not known here", "see whether it keeps flock, rename and fsync")
        }
    };
    finding(level, "file_system", format!("{name}, {what}"), remedy)
}

/// Whether the files lie encrypted on the disk. Mapped files are plain in memory in any case.
fn encryption(found: Encryption) -> Finding {
    let remedy = "put the store on an encrypted volume (LUKS, fscrypt), unless the disk or the platform encrypts below";
    match found {
        Encryption::Seen(how) => finding(Level::Fine, "encryption", how, ""),
        Encryption::NotSeen => finding(
            Level::Note,
            "encryption",
            "no dm-crypt or fscrypt is in sight below, so the files may lie open on the disk",
            remedy,
        ),
        Encryption::CannotTell(why) => {
            finding(Level::Note, "encryption", format!("cannot tell: {why}"), remedy)
        }
    }
}

/// Whether the next publication fits beside what is there.
fn space(path: &Path, entries: &[Entry]) -> Finding {
    let Some((_, free)) = volume::file_system(path) else {
        return finding(Level::Note, "space", "cannot tell on this system", "see how much is free");
    };
    let store =
        entries.iter().filter(|entry| entry.kind == Kind::Data).map(|entry| entry.metadata.len()).sum();
    let segments = live_manifest(path).map(|(_, manifest)| manifest.segments).unwrap_or_default();
    fits(free, segments.iter().map(|segment| segment.file.bytes).max().unwrap_or(0), store)
}

fn fits(free: u64, largest: u64, store: u64) -> Finding {
    let mib = |bytes: u64| format!("{} MiB", bytes.div_ceil(1 << 20));
    let what = format!(
        "{} free; the largest segment has {}, the whole store {}",
        mib(free),
        mib(largest),
        mib(store)
    );
    if free < largest.saturating_mul(2) {
        let remedy = "make room: an append writes touched segments anew beside the old ones; `ringfence gc` may free some";
        finding(Level::Warning, "space", what, remedy)
    } else if free < store {
        finding(Level::Note, "space", what, "appending fits; a second copy of the store beside it does not")
    } else {
        finding(Level::Fine, "space", what, "")
    }
}

/// Who holds the writer's lock.
fn writer(path: &Path) -> Finding {
    match lock::holder(path) {
        Ok(None) => finding(Level::Fine, "lock", "no writer is at work", ""),
        Ok(Some(holder)) => finding(
            Level::Note,
            "lock",
            format!("a writer is at work ({holder})"),
            "if it should not be, end that process; never remove LOCK",
        ),
        Err(error) => finding(Level::Note, "lock", format!("cannot tell: {error}"), "ask as the owner"),
    }
}

/// Who holds which generations.
fn held(path: &Path) -> Vec<Finding> {
    let pins = match pins::pins(path) {
        Ok(pins) => pins,
        Err(error) => {
            return vec![finding(Level::Note, "pins", format!("cannot tell: {error}"), "ask as the owner")];
        }
    };
    let (alive, dead): (Vec<_>, Vec<_>) = pins.iter().partition(|pin| pin.alive);
    let mut findings = Vec::new();
    if !alive.is_empty() {
        let who: Vec<String> =
            alive.iter().map(|pin| format!("generation {} ({})", pin.generation, pin.holder)).collect();
        let who: Vec<&str> = who.iter().map(String::as_str).collect();
        let what = format!("held by living processes: {}", listed(&who));
        findings.push(finding(
            Level::Note,
            "pins",
            what,
            "they are kept until those processes end or let go",
        ));
    }
    if !dead.is_empty() {
        let what = format!("{} of processes that have ended", dead.len());
        findings.push(finding(Level::Note, "pins", what, "`ringfence gc` sweeps them"));
    }
    if findings.is_empty() {
        findings.push(finding(Level::Fine, "pins", "no generation is held", ""));
    }
    findings
}

/// What killed programs and others left, and what a collection would free.
fn garbage(path: &Path, now: SystemTime) -> Vec<Finding> {
    let options = CollectOptions::default();
    let plan = match collect_dry(path, &options, now) {
        Ok(plan) => plan,
        Err(error) => {
            let what = format!("nothing can be collected: {error}");
            return vec![finding(Level::Warning, "garbage", what, "see the other findings")];
        }
    };
    let mut findings = Vec::new();
    let leftovers: Vec<&str> =
        plan.removals.iter().filter(|each| each.leftover).map(|each| each.name.as_str()).collect();
    findings.push(if leftovers.is_empty() {
        finding(Level::Fine, "leftovers", "killed programs left nothing", "")
    } else {
        let what = format!("left by killed programs: {}", listed(&leftovers));
        finding(Level::Note, "leftovers", what, "`ringfence gc` removes them")
    });
    if path.join(ERASING).is_file() {
        findings.push(finding(
            Level::Warning,
            "leftovers",
            "an erasure was interrupted, or is at work: what names its subject may still be there",
            "erase the same subject again, which completes it",
        ));
    }
    if !plan.others.is_empty() {
        let others: Vec<&str> = plan.others.iter().map(String::as_str).collect();
        let what = format!("not ours: {}", listed(&others));
        findings.push(finding(
            Level::Warning,
            "others",
            what,
            "move them elsewhere; nothing here touches them",
        ));
    }
    let kept = plan.kept.len();
    findings.push(finding(
        if plan.gone.is_empty() { Level::Fine } else { Level::Note },
        "garbage",
        format!("{kept} kept, {} no longer; a collection frees {} bytes", plan.gone.len(), plan.bytes()),
        if plan.gone.is_empty() { "" } else { "`ringfence gc`" },
    ));
    findings
}

/// The first few, and how many there are.
fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 4;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_judged_by_the_largest_segment_and_the_whole_store() {
        assert_eq!(fits(10, 6, 5).level, Level::Warning);
        assert_eq!(fits(20, 6, 50).level, Level::Note);
        assert_eq!(fits(50, 6, 50).level, Level::Fine);
        assert_eq!(fits(0, u64::MAX, u64::MAX).level, Level::Warning);
    }

    #[test]
    fn places_that_forget_or_are_elsewhere_are_warned_of() {
        assert_eq!(on("ext4", Place::Disk).level, Level::Fine);
        for place in [Place::Memory, Place::Layer, Place::Network] {
            assert_eq!(on("x", place).level, Level::Warning);
        }
        assert_eq!(encryption(Encryption::Seen(String::new())).level, Level::Fine);
        assert_eq!(encryption(Encryption::NotSeen).level, Level::Note);
        assert_eq!(encryption(Encryption::CannotTell(String::new())).level, Level::Note);
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(listed(&["a", "b"]), "a, b");
        assert_eq!(listed(&["a", "b", "c", "d", "e", "f"]), "a, b, c, d and 2 more");
    }
}
