//! The generations that a store holds: the live one, and older ones that were not collected yet.
//!
//! # Method
//! Every `manifest/<generation>` up to the live one is read and checked: frame,
//! checksum, that it is of the generation in its name; that the live one is the
//! one that `CURRENT` names; and that each is the parent which the next one
//! names by SHA-256. Nothing but manifests is read, and no list is kept beside them.
//!
//! # Cost
//! Time and memory O(m) for m bytes of manifests.
//!
//! # Choices
//! A manifest above the live generation was never live: its writer ended before
//! the last step. It is no generation, and the next collection removes it.

use super::manifest::{Current, Manifest, SourceEntry, manifest_name};
use super::open::{read_current, read_small};
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Longest manifest file that is read.
pub(super) const MANIFEST_BYTES_MAX: u64 = 65 << 20;
/// How often a listing begins again because a publication and a collection fell into it.
const TURNS_MAX: usize = 100;

/// One generation of a store, as its manifest describes it.
#[derive(Clone, Debug)]
pub struct Generation {
    /// Its manifest.
    pub manifest: Manifest,
    /// SHA-256 of the manifest's file.
    pub manifest_sha256: [u8; 32],
    /// Whether it is the one that is opened when none is named.
    pub live: bool,
    /// The generation that it was made from, if that is still here.
    pub parent: Option<u64>,
    /// Bytes of files that no other generation here names: what goes if this one goes.
    pub bytes_own: u64,
    /// Bytes of files that other generations here name as well.
    pub bytes_shared: u64,
    /// What was read for this generation and not for its parent; everything, if the parent is not here.
    pub sources_new: Vec<SourceEntry>,
    /// When its manifest was written, by the clock of the file system.
    pub written: SystemTime,
}

impl Generation {
    /// Its number, from 1.
    pub fn number(&self) -> u64 {
        self.manifest.generation
    }

    /// Number of its transactions.
    pub fn num_transactions(&self) -> u64 {
        self.manifest.segments.iter().map(|segment| u64::from(segment.num_transactions)).sum()
    }
}

/// The generations of the store at `path`, oldest first.
///
/// # Errors
/// [`Error::Foreign`] without a published generation; [`Error::Damaged`] or [`Error::Version`] for the first manifest
/// that is not what was written, or not the parent that the next one names.
pub fn generations(path: &Path) -> Result<Vec<Generation>> {
    let (current, found) = look(path)?;
    let mut listed: Vec<(Manifest, [u8; 32], SystemTime)> = Vec::with_capacity(found.len());
    for Found { file, written, read, .. } in found {
        let (manifest, sha256) = read?;
        if let Some((before, of_before, _)) = listed.last()
            && manifest.generation == before.generation + 1
            && manifest.parent != Some(*of_before)
        {
            return Err(not_the_parent(&path.join(manifest_name(before.generation)), manifest.generation));
        }
        if manifest.generation == current.generation && sha256 != current.manifest {
            return Err(Error::damaged(&file, "manifest", "it is not the manifest that CURRENT names"));
        }
        listed.push((manifest, sha256, written));
    }
    let mut num_names: BTreeMap<&str, u32> = BTreeMap::new();
    for file in listed.iter().flat_map(|(manifest, ..)| manifest.files()) {
        *num_names.entry(&file.name).or_default() += 1;
    }
    let generation = |(manifest, sha256, written): &(Manifest, [u8; 32], SystemTime)| {
        let parent =
            manifest.parent.and_then(|parent| listed.iter().find(|(_, sha256, _)| *sha256 == parent));
        let known: BTreeSet<&SourceEntry> = parent.iter().flat_map(|(parent, ..)| &parent.sources).collect();
        let sources_new = manifest.sources.iter().filter(|source| !known.contains(source)).cloned().collect();
        let bytes = |own: bool| {
            let files = manifest.files().filter(|file| (num_names[file.name.as_str()] == 1) == own);
            files.map(|file| file.bytes).sum()
        };
        Generation {
            manifest_sha256: *sha256,
            live: manifest.generation == current.generation,
            parent: parent.map(|(parent, ..)| parent.generation),
            bytes_own: bytes(true),
            bytes_shared: bytes(false),
            sources_new,
            written: *written,
            manifest: manifest.clone(),
        }
    };
    Ok(listed.iter().map(generation).collect())
}

/// A manifest that was found.
#[derive(Debug)]
pub(super) struct Found {
    /// By its name.
    pub generation: u64,
    pub file: PathBuf,
    pub written: SystemTime,
    /// What it says and its SHA-256, or why it cannot be read.
    pub read: Result<(Manifest, [u8; 32])>,
}

/// What `CURRENT` says, and every manifest up to the live one, oldest first.
pub(super) fn look(path: &Path) -> Result<(Current, Vec<Found>)> {
    let mut current = read_current(path)?;
    for _ in 0..TURNS_MAX {
        let mut found = Vec::new();
        for generation in numbers(path, current.generation)? {
            let (file, read) = read_manifest(path, generation);
            let written = std::fs::metadata(&file).and_then(|metadata| metadata.modified());
            match written {
                // It was collected meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                written => {
                    found.push(Found { generation, written: written.map_err(Error::io(&file))?, file, read })
                }
            }
        }
        let named = read_current(path)?;
        if named == current || found.last().is_some_and(|found| found.generation == current.generation) {
            return Ok((current, found));
        }
        current = named;
    }
    let source = std::io::Error::other("generations come and go faster than they can be listed");
    Err(Error::Io { path: path.to_path_buf(), source })
}

/// Numbers of the generations whose manifest is in the store, ascending, up to the live one.
pub(super) fn numbers(path: &Path, live: u64) -> Result<Vec<u64>> {
    let directory = path.join("manifest");
    let mut numbers = Vec::new();
    match std::fs::read_dir(&directory) {
        Ok(entries) => {
            for entry in entries {
                let name = entry.map_err(Error::io(&directory))?.file_name();
                numbers.extend(name.to_str().and_then(number));
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io(&directory)(error)),
    }
    numbers.retain(|&number| number <= live);
    numbers.sort_unstable();
    Ok(numbers)
}

/// The generation whose manifest has this name.
pub(super) fn number(name: &str) -> Option<u64> {
    let generation = name.parse().ok()?;
    (manifest_name(generation).strip_prefix("manifest/") == Some(name)).then_some(generation)
}

/// The path of a generation's manifest; what it says and its SHA-256.
pub(super) fn read_manifest(path: &Path, generation: u64) -> (PathBuf, Result<(Manifest, [u8; 32])>) {
    let file = path.join(manifest_name(generation));
    let read = || {
        let bytes = read_small(&file, MANIFEST_BYTES_MAX)?;
        let manifest = Manifest::decode(&file, &bytes)?;
        if manifest.generation != generation {
            let detail = format!("it is the manifest of generation {}", manifest.generation);
            return Err(Error::damaged(&file, "manifest", detail));
        }
        Ok((manifest, Sha256::digest(&bytes).into()))
    };
    let read = read();
    (file, read)
}

/// Holds the manifest `file` of `generation` against those after it, each of which names its parent, as far as they are
/// there and can be read.
pub(super) fn prove_descent(
    path: &Path,
    file: &Path,
    generation: u64,
    sha256: &[u8; 32],
    current: &Current,
) -> Result<()> {
    let (mut parent, mut sha256) = (generation, *sha256);
    while parent < current.generation {
        let (_, Ok((next, of_next))) = read_manifest(path, parent + 1) else { return Ok(()) };
        if next.parent != Some(sha256) {
            return Err(not_the_parent(&path.join(manifest_name(parent)), parent + 1));
        }
        (parent, sha256) = (parent + 1, of_next);
    }
    if sha256 != current.manifest {
        return Err(Error::damaged(file, "manifest", "it is not one that led to the live generation"));
    }
    Ok(())
}

fn not_the_parent(file: &Path, of: u64) -> Error {
    Error::damaged(file, "manifest", format!("it is not the one that generation {of} names as its parent"))
}

/// The error that there is no such generation, with those there are.
pub(super) fn unknown(path: &Path, generation: u64, live: u64) -> Error {
    let held = numbers(path, live).unwrap_or_default();
    let held: Vec<String> = held.iter().map(u64::to_string).collect();
    let place = format!("{}, which holds generations {}", path.display(), held.join(", "));
    Error::UnknownKey { place, kind: "generation".to_string(), key: generation.to_string() }
}
