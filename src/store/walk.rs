//! Everything that lies in a store's directory, told apart by name.
//!
//! What bears a name of `docs/format.md` is ours; everything else is somebody
//! else's, also a link, a pipe or a directory with a name of ours, and is never touched.

use super::erasing::ERASING;
use super::format::FileKind;
use super::generations::number;
use super::leftovers::{LOCK, is_temporary};
use super::manifest::is_file_name;
use super::pins::{GATE, PINS, generation_of};
use crate::error::{Error, Result};
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::Path;

/// What a name says that something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `CURRENT`, the locks, and the directories of a store.
    Fixed,
    /// The manifest of this generation, which need not be live or have been.
    Manifest(u64),
    /// A data file.
    Data,
    /// A file that never got its final name.
    Temporary,
    /// A pin.
    Pin,
    /// The note of an erasure that is under way.
    Erasing,
    /// Nothing of ours.
    Other,
}

/// Something that lies in a store's directory.
#[derive(Debug)]
pub(super) struct Entry {
    /// Path within the store, for messages also where it is not text.
    pub name: String,
    pub kind: Kind,
    /// Of the entry itself, not of what a link leads to.
    pub metadata: Metadata,
}

/// Everything in the store at `root`, by name; what vanishes meanwhile is left out. `audit` is not entered.
pub(super) fn walk(root: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    list(root, "", &mut entries)?;
    for directory in ["attributes", "keys", "manifest", PINS, "segments"] {
        if entries.iter().any(|entry| entry.kind == Kind::Fixed && entry.name == directory) {
            list(root, directory, &mut entries)?;
        }
    }
    entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

fn list(root: &Path, directory: &str, entries: &mut Vec<Entry>) -> Result<()> {
    let path = root.join(directory);
    for entry in std::fs::read_dir(&path).map_err(Error::io(&path))? {
        let entry = entry.map_err(Error::io(&path))?;
        let metadata = match entry.metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            metadata => metadata.map_err(Error::io(&entry.path()))?,
        };
        // A name that is not text has a sign in it that no name of ours has.
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = kind(directory, &name, &metadata);
        let name = if directory.is_empty() { name } else { format!("{directory}/{name}") };
        entries.push(Entry { name, kind, metadata });
    }
    Ok(())
}

fn kind(directory: &str, name: &str, metadata: &Metadata) -> Kind {
    if metadata.is_dir() {
        let ours = ["attributes", "audit", "keys", "manifest", PINS, "segments"];
        return if directory.is_empty() && ours.contains(&name) { Kind::Fixed } else { Kind::Other };
    }
    if !metadata.is_file() {
        return Kind::Other;
    }
    match (directory, name) {
        ("", "CURRENT" | LOCK) | (PINS, GATE) => Kind::Fixed,
        ("", ERASING) => Kind::Erasing,
        (PINS, name) if generation_of(name).is_some() => Kind::Pin,
        (PINS, _) => Kind::Other,
        (_, name) if is_temporary(name) => Kind::Temporary,
        ("manifest", name) => number(name).map_or(Kind::Other, Kind::Manifest),
        (directory, name)
            if FileKind::of_directory(directory).is_some_and(|kind| is_file_name(kind, name)) =>
        {
            Kind::Data
        }
        _ => Kind::Other,
    }
}
