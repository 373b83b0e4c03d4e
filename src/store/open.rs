//! Opening the live generation of a store.
//!
//! `CURRENT` names a manifest and its SHA-256; the manifest names the files
//! with their lengths, and each file's name holds its content id. Opening
//! checks all of that and the frame of every file, and reads no column.
//! Nothing is written, so a read-only directory opens as well.

use super::container::Container;
use super::format::{FileKind, hex};
use super::manifest::{
    CURRENT_BYTES, Current, FileEntry, Manifest, SegmentEntry, SourceEntry, manifest_name,
};
use super::{Io, Keys, Segment};
use crate::error::{Error, Result};
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Longest manifest file that is read.
const MANIFEST_BYTES_MAX: u64 = 65 << 20;

/// An opened generation of a store. Cheap to open: no column is read.
#[derive(Debug)]
pub struct Store {
    /// The live manifest.
    pub manifest: Manifest,
    /// SHA-256 of the live manifest's file: one value that stands for every byte of the generation.
    pub manifest_sha256: [u8; 32],
    path: PathBuf,
    account_keys: Keys,
    identifier_keys: Vec<Keys>,
    segments: Vec<Segment>,
    static_links: Option<Segment>,
    attributes: Option<Arc<Container>>,
}

impl Store {
    /// Opens the live generation of the store at `path`.
    ///
    /// # Errors
    /// [`Error::Foreign`] for anything else than a store with a published generation, [`Error::Version`] for one of
    /// another version, [`Error::Damaged`] for one with a missing, cut or changed file, [`Error::Io`] if the system refuses.
    pub fn open(path: &Path, io: Io) -> Result<Self> {
        Self::assemble(path, open_files(path, io)?)
    }

    /// Puts a generation together from its manifest and the files that it names, in its order.
    pub(super) fn assemble(path: &Path, files: Files) -> Result<Self> {
        let Files { current, manifest, containers } = files;
        let mut containers = containers.into_iter();
        let mut next =
            || containers.next().ok_or_else(|| Error::Unproved("a file was not opened".to_string()));
        let account_keys = open_keys(&next()?, manifest.num_accounts, "accounts")?;
        let identifier_keys =
            manifest.kinds.iter().map(|kind| open_keys(&next()?, kind.num_identifiers, &kind.name));
        let identifier_keys = identifier_keys.collect::<Result<_>>()?;
        let segments =
            manifest.segments.iter().map(|entry| open_segment(&next()?, entry)).collect::<Result<_>>()?;
        let static_links =
            manifest.static_links.as_ref().map(|entry| open_segment(&next()?, entry)).transpose()?;
        let attributes = manifest.attributes.as_ref().map(|_| next()).transpose()?;
        let path = path.to_path_buf();
        let manifest_sha256 = current.manifest;
        Ok(Store {
            manifest,
            manifest_sha256,
            path,
            account_keys,
            identifier_keys,
            segments,
            static_links,
            attributes,
        })
    }

    /// The store's directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The first generation that has `source`, as far as manifests of generations before this one are still there.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn generation_of(&self, source: &SourceEntry) -> Result<u64> {
        for generation in 1..self.manifest.generation {
            let file = self.path.join(manifest_name(generation));
            if !is_missing(&file) {
                let manifest = Manifest::decode(&file, &read_small(&file, MANIFEST_BYTES_MAX)?)?;
                if manifest.sources.contains(source) {
                    return Ok(generation);
                }
            }
        }
        Ok(self.manifest.generation)
    }

    /// The segments, in time order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The segment of static links, if there is one.
    pub fn static_links(&self) -> Option<&Segment> {
        self.static_links.as_ref()
    }

    /// Keys of accounts.
    pub fn account_keys(&self) -> &Keys {
        &self.account_keys
    }

    /// Keys of identifiers, by `KindId`.
    pub fn identifier_keys(&self) -> &[Keys] {
        &self.identifier_keys
    }

    /// The attributes container, if there is one.
    pub fn attributes(&self) -> Option<&Arc<Container>> {
        self.attributes.as_ref()
    }
}

/// The files of a generation, opened.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub current: Current,
    pub manifest: Manifest,
    /// In the order of the manifest.
    pub containers: Vec<Arc<Container>>,
}

/// Opens the files of the live generation.
pub(super) fn open_files(path: &Path, io: Io) -> Result<Files> {
    let (mut current, mut manifest) = live_manifest(path)?;
    // Files of an old generation may go once a newer one is live; then the newer one is what was asked for.
    if manifest.files().any(|entry| is_missing(&path.join(&entry.name))) {
        (current, manifest) = live_manifest(path)?;
    }
    let entries: Vec<&FileEntry> = manifest.files().collect();
    let containers: Vec<Result<Arc<Container>>> =
        entries.par_iter().map(|entry| open_entry(path, entry, io)).collect();
    // One after another, so that it is always the first bad file that is named.
    let containers = containers.into_iter().collect::<Result<_>>()?;
    Ok(Files { current, manifest, containers })
}

fn is_missing(path: &Path) -> bool {
    std::fs::metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Opens a file that the manifest names: its length and content id must be those that the manifest states.
fn open_entry(root: &Path, entry: &FileEntry, io: Io) -> Result<Arc<Container>> {
    let path = root.join(&entry.name);
    let bytes = match std::fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Error::damaged(&path, "file", "it is missing, and the live manifest names it"));
        }
        Err(error) => return Err(Error::io(&path)(error)),
    };
    if bytes == entry.bytes {
        let container = Container::open(&path, io)?;
        let kind = entry.name.split_once('/').and_then(|(directory, _)| FileKind::of_directory(directory));
        if kind != Some(container.kind()) {
            return Err(Error::damaged(&path, "header", format!("it holds {:?}", container.kind())));
        }
        let id = hex(&container.content_id());
        if !entry.name.contains(&format!("-{id}.")) {
            return Err(Error::damaged(
                &path,
                "trailer",
                format!("it holds the content {id}, not that of its name"),
            ));
        }
        return Ok(container);
    }
    // A file that is not ours, or of another version, says so better than a length does.
    match Container::open(&path, io) {
        Err(error @ (Error::Foreign { .. } | Error::Version { .. })) => Err(error),
        _ => Err(Error::damaged(
            &path,
            "file",
            format!("it has {bytes} bytes, the manifest states {}", entry.bytes),
        )),
    }
}

fn open_keys(container: &Arc<Container>, expected: u32, of: &str) -> Result<Keys> {
    let keys = Keys::open(container)?;
    if keys.len() as u64 != u64::from(expected) {
        let detail = format!("there are {} keys, the manifest states {expected} {of}", keys.len());
        return Err(Error::damaged(container.path(), "keys", detail));
    }
    Ok(keys)
}

fn open_segment(container: &Arc<Container>, entry: &SegmentEntry) -> Result<Segment> {
    let segment = Segment::open(container)?;
    let wrong = |detail: String| Err(Error::damaged(container.path(), "segment", detail));
    let (num_transactions, num_links) = (segment.transactions.len(), segment.links.len());
    if num_transactions as u64 != u64::from(entry.num_transactions)
        || num_links as u64 != u64::from(entry.num_links)
    {
        return wrong(format!(
            "it holds {num_transactions} transactions and {num_links} links, the manifest states {} and {}",
            entry.num_transactions, entry.num_links
        ));
    }
    if segment.keys.is_some() != entry.has_keys {
        return wrong("the manifest disagrees on whether transactions have keys".to_string());
    }
    Ok(segment)
}

/// What `CURRENT` says, and the manifest that it names.
pub(super) fn live_manifest(path: &Path) -> Result<(Current, Manifest)> {
    let mut current = read_current(path)?;
    if is_missing(&path.join(manifest_name(current.generation))) {
        current = read_current(path)?;
    }
    let file = path.join(manifest_name(current.generation));
    let bytes = match read_small(&file, MANIFEST_BYTES_MAX) {
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            return Err(Error::damaged(&file, "file", "it is missing, and CURRENT names it"));
        }
        read => read?,
    };
    let manifest = Manifest::decode(&file, &bytes)?;
    if Current::of(manifest.generation, &bytes) != current {
        return Err(Error::damaged(&file, "manifest", "it is not the manifest that CURRENT names"));
    }
    Ok((current, manifest))
}

fn read_current(path: &Path) -> Result<Current> {
    let foreign =
        |detail: &str| Error::Foreign { path: path.to_path_buf(), what: "store", detail: detail.to_string() };
    if !std::fs::metadata(path).map_err(Error::io(path))?.is_dir() {
        return Err(foreign("it is not a directory"));
    }
    let file = path.join("CURRENT");
    match read_small(&file, CURRENT_BYTES as u64) {
        Ok(bytes) => Current::decode(&file, &bytes),
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Err(foreign(
            "it has no file CURRENT, so no generation was published in it; build the store again, or name another directory",
        )),
        Err(error) => Err(error),
    }
}

/// Reads a regular file, and one byte more than `bytes_max` at most.
fn read_small(path: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    if !std::fs::metadata(path).map_err(Error::io(path))?.is_file() {
        return Err(Error::damaged(path, "file", "it is not a regular file"));
    }
    let file = std::fs::File::open(path).map_err(Error::io(path))?;
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(Error::io(path))?;
    Ok(bytes)
}
