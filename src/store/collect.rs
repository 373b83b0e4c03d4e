//! Garbage collection: removes generations that nobody keeps, and what killed writers left.
//!
//! # Method
//! Kept are the live generation, the newest few, the young, the pinned, and those
//! asked for. What the kept manifests name is kept, everything else that bears a
//! name of ours goes: manifests first, then, once that is on disk, the files that
//! no kept manifest names. A collection that ends anywhere in between leaves
//! generations that open and files that nothing names, and the next collection finds
//! those again, because everything is computed from the manifests and no list is kept.
//!
//! # Cost
//! Time and memory O(m + f) for m bytes of manifests and f files; no data file is read.
//!
//! # Choices
//! Nothing goes unless the live generation opens and every manifest can be read:
//! a store that is damaged is not a store to remove older generations from. The
//! directory is synced before anything goes, so that the `CURRENT` that was read
//! is the one that a power failure would leave. The age of a generation is that of its
//! manifest's file against a clock that the caller hands in; a time that lies
//! ahead of it is young.

use super::disk::{Disk, DiskFile, System, again};
use super::erasing::{ERASING, Erasing};
use super::generations::{self, Found, unknown};
use super::lock;
use super::open::read_current;
use super::pins::{self, Held, PINS};
use super::walk::{Entry, Kind, walk};
use super::{Io, Manifest, Store, StoreWriter};
use crate::error::{Error, Result};
use crate::run::Run;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What a collection keeps beside the live generation and the pinned ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectOptions {
    /// Newest generations kept, the live one included; at least 1.
    pub keep: u32,
    /// Generations younger than this are kept, in hours; with 0, none is for its age.
    pub keep_hours: u32,
    /// Further generations that are kept, by number.
    pub also: Vec<u64>,
}

impl Default for CollectOptions {
    fn default() -> Self {
        CollectOptions { keep: 3, keep_hours: 24, also: Vec::new() }
    }
}

impl CollectOptions {
    fn check(&self) -> Result<()> {
        if self.keep == 0 {
            return Err(Error::Option { name: "keep", value: "0".to_string(), allowed: "at least 1" });
        }
        Ok(())
    }
}

/// Why a generation is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is the live one.
    Live,
    /// It is among the newest.
    Newest,
    /// Its manifest was written not long ago.
    Young,
    /// A living process holds it.
    Pinned,
    /// It was asked for by number.
    Asked,
}

impl Reason {
    /// The reason in one word.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Live => "live",
            Reason::Newest => "newest",
            Reason::Young => "young",
            Reason::Pinned => "pinned",
            Reason::Asked => "asked for",
        }
    }
}

/// Something that a collection removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Path within the store.
    pub name: String,
    /// Length in bytes.
    pub bytes: u64,
    /// Whether it belongs to no generation that ever was live: what a killed writer or a dead reader left.
    pub leftover: bool,
}

/// What a collection removes, and what it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collected {
    /// The live generation.
    pub live: u64,
    /// Generations that stay, ascending, and why.
    pub kept: Vec<(u64, Vec<Reason>)>,
    /// Generations that go, ascending.
    pub gone: Vec<u64>,
    /// Everything that goes: manifests, then files, then pins of the dead.
    pub removals: Vec<Removal>,
    /// Names that are not ours and are left alone.
    pub others: Vec<String>,
    /// The writer that is at work, in its own words. What is not in any manifest may be its work and stays.
    pub writer: Option<String>,
}

impl Collected {
    /// Bytes of everything that goes.
    pub fn bytes(&self) -> u64 {
        self.removals.iter().map(|removal| removal.bytes).sum()
    }
}

/// Removes from the store at `path` what nobody keeps; `now` is the time that ages count from.
///
/// # Errors
/// What [`Store::open`] says, [`Error::Damaged`] or [`Error::Version`] for an older manifest that cannot be read, and then
/// nothing is removed; [`Error::Locked`] if a writer is at work; [`Error::UnknownKey`] if a generation that was asked for is
/// not here; [`Error::Io`] or [`Error::Cancelled`], and then the next collection goes on where this one ended.
pub fn collect(path: &Path, options: &CollectOptions, now: SystemTime, run: &Run) -> Result<Collected> {
    collect_on(&System::shared(), path, options, now, run)
}

/// As [`collect`], on another disk than the system's.
///
/// # Errors
/// As [`collect`].
pub fn collect_on(
    disk: &Arc<dyn Disk>,
    path: &Path,
    options: &CollectOptions,
    now: SystemTime,
    run: &Run,
) -> Result<Collected> {
    options.check()?;
    // Nothing is made in a directory that is no store.
    read_current(path)?;
    let _lock = lock::take(disk, path, false)?;
    Store::open(path, Io::Mmap)?;
    sync(disk, path)?;
    let gate = pins::gate(disk, path, File::lock)?;
    let plan = plan(path, options, now, &pins::pins(path)?, None)?;
    carry_out(disk, path, plan, gate, run)
}

/// Publishes `manifest`, if there is one, and removes the generations `gone` and what only they name, as one deed: while it is done nobody
/// publishes, collects or takes a pin. Everything else that a collection removes goes too. `subjects` are noted until all of that is
/// done ([`Erasing`]): kind, or none for an account, and key.
///
/// # Errors
/// [`Error::Input`] if a living process holds one of `gone`, which names it, and those of [`StoreWriter::publish`]: then nothing was published
/// or removed. After the publication [`Error::Io`]; then the generation is live and the next collection goes on where this one ended.
pub fn supersede(
    mut writer: StoreWriter,
    manifest: Option<&Manifest>,
    gone: &[u64],
    subjects: &[(Option<&str>, &[u8])],
    run: &Run,
) -> Result<Collected> {
    let (disk, path) = (Arc::clone(writer.disk()), writer.path().to_path_buf());
    let gate = pins::gate(&disk, &path, File::lock)?;
    refuse_held(&path, gone)?;
    let is_new = note(&writer, subjects)?;
    let published = match manifest {
        Some(manifest) => writer.publish_held(manifest),
        None => sync(&disk, &path),
    };
    if let Err(error) = published {
        if is_new && !matches!(error, Error::CommitUnknown { .. }) {
            // There is nobody else to tell: a note of what was not published is harmless.
            let _ = disk.remove(&path.join(ERASING));
        }
        return Err(error);
    }
    let live = Store::open(&path, Io::Mmap)?.manifest.generation;
    let also = generations::numbers(&path, live)?;
    let also = also.into_iter().filter(|generation| !gone.contains(generation)).collect();
    let options = CollectOptions { keep: 1, keep_hours: 0, also };
    // Nothing is kept for its age, so the time is of no account.
    let mut plan = plan(&path, &options, SystemTime::UNIX_EPOCH, &pins::pins(&path)?, None)?;
    if !plan.removals.iter().any(|removal| removal.name == ERASING) {
        plan.removals.push(Removal { name: ERASING.to_string(), bytes: 0, leftover: true });
    }
    carry_out(&disk, &path, plan, gate, run)
}

/// Notes the subjects of an erasure beside those of one that was interrupted; whether there was no note before.
fn note(writer: &StoreWriter, subjects: &[(Option<&str>, &[u8])]) -> Result<bool> {
    let before = match Erasing::read(writer.path()) {
        // It says nothing any more, and must not keep anybody from being erased.
        Err(Error::Damaged { .. }) => None,
        before => before?,
    };
    let is_new = before.is_none();
    let mut erasing = match before.clone() {
        Some(before) => before,
        None => Erasing::new(read_current(writer.path())?.manifest),
    };
    subjects.iter().for_each(|(kind, key)| erasing.add(*kind, key));
    if before.as_ref() != Some(&erasing) {
        erasing.write(writer)?;
    }
    Ok(is_new)
}

/// Refuses to remove generations that a living process holds.
///
/// # Errors
/// [`Error::Input`], which names generation and holder.
pub fn refuse_held(path: &Path, gone: &[u64]) -> Result<()> {
    let held = pins::pins(path)?;
    match held.iter().find(|pin| pin.alive && gone.contains(&pin.generation)) {
        None => Ok(()),
        Some(Held { generation, holder, .. }) => {
            let problem = format!(
                "generation {generation} must go, and {holder} holds it by a pin; try again when that has ended. Nothing was written"
            );
            Err(Error::input(path.display().to_string(), problem))
        }
    }
}

/// Removes what goes, behind the lock of the store; manifests go behind the gate, too. The note of an erasure goes when all else is gone.
fn carry_out(
    disk: &Arc<dyn Disk>,
    path: &Path,
    plan: Collected,
    gate: DiskFile,
    run: &Run,
) -> Result<Collected> {
    let (notes, rest): (Vec<&Removal>, Vec<&Removal>) =
        plan.removals.iter().partition(|removal| removal.name == ERASING);
    let (manifests, files): (Vec<&Removal>, Vec<&Removal>) =
        rest.into_iter().partition(|removal| is_in_manifests(&removal.name));
    run.stage("collect", plan.removals.len() as u64);
    remove(disk, path, &manifests, run)?;
    sync(disk, &path.join("manifest"))?;
    drop(gate);
    remove(disk, path, &files, run)?;
    for directory in ["keys", "segments", "attributes", PINS] {
        let directory = path.join(directory);
        if directory.is_dir() {
            sync(disk, &directory)?;
        }
    }
    remove(disk, path, &notes, run)?;
    sync(disk, path)?;
    Ok(plan)
}

/// What [`collect`] would remove now; removes nothing and writes nothing.
///
/// # Errors
/// As [`collect`], but for a writer at work: then what it says is what would go beside that writer's files.
pub fn collect_dry(path: &Path, options: &CollectOptions, now: SystemTime) -> Result<Collected> {
    options.check()?;
    let writer = lock::holder(path)?;
    Store::open(path, Io::Mmap)?;
    plan(path, options, now, &pins::pins(path)?, writer)
}

/// Decides what goes. With a `writer` at work, what no manifest names stays.
fn plan(
    path: &Path,
    options: &CollectOptions,
    now: SystemTime,
    pins: &[Held],
    writer: Option<String>,
) -> Result<Collected> {
    let (current, found) = generations::look(path)?;
    let live = current.generation;
    if let Some(&asked) = options.also.iter().find(|&&asked| !found.iter().any(|f| f.generation == asked)) {
        return Err(unknown(path, asked, live));
    }
    let age = Duration::from_secs(u64::from(options.keep_hours) * 3_600);
    let num_found = found.len();
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    let (mut named, mut named_before) = (BTreeSet::new(), BTreeSet::new());
    for (place, Found { generation, written, read, .. }) in found.into_iter().enumerate() {
        let (manifest, _) = read?;
        let reasons = [
            (Reason::Live, generation == live),
            (Reason::Newest, num_found - place <= options.keep as usize),
            (Reason::Young, !age.is_zero() && now.duration_since(written).map_or(true, |since| since < age)),
            (Reason::Pinned, pins.iter().any(|pin| pin.alive && pin.generation == generation)),
            (Reason::Asked, options.also.contains(&generation)),
        ];
        let reasons: Vec<Reason> =
            reasons.into_iter().filter_map(|(reason, holds)| holds.then_some(reason)).collect();
        let files = manifest.files().map(|file| file.name.clone());
        if reasons.is_empty() {
            gone.push(generation);
            named_before.extend(files);
        } else {
            kept.push((generation, reasons));
            named.extend(files);
        }
    }

    let (mut removals, mut others) = (Vec::new(), Vec::new());
    for Entry { name, kind, metadata } in walk(path)? {
        let (goes, leftover) = match kind {
            Kind::Fixed => (false, false),
            Kind::Manifest(generation) if generation > live => (writer.is_none(), true),
            Kind::Manifest(generation) => (gone.contains(&generation), false),
            Kind::Data if named.contains(&name) => (false, false),
            Kind::Data if named_before.contains(&name) => (true, false),
            Kind::Data | Kind::Temporary => (writer.is_none(), true),
            // What generations there are may name its subjects.
            Kind::Erasing => (writer.is_none() && kept.len() == 1, true),
            Kind::Pin => (pins.iter().any(|pin| !pin.alive && name.ends_with(&pin.name)), true),
            Kind::Other => {
                others.push(name);
                continue;
            }
        };
        if goes {
            removals.push(Removal { name, bytes: metadata.len(), leftover });
        }
    }
    removals.sort_by_key(|removal| !is_in_manifests(&removal.name));
    Ok(Collected { live, kept, gone, removals, others, writer })
}

fn is_in_manifests(name: &str) -> bool {
    name.starts_with("manifest/")
}

fn remove(disk: &Arc<dyn Disk>, root: &Path, removals: &[&Removal], run: &Run) -> Result<()> {
    for removal in removals {
        run.check()?;
        let path = root.join(&removal.name);
        match disk.remove(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::io(&path)(error)),
            _ => run.advance(1),
        }
    }
    Ok(())
}

fn sync(disk: &Arc<dyn Disk>, directory: &Path) -> Result<()> {
    again(|| disk.sync_directory(directory)).map_err(Error::io(directory))
}
