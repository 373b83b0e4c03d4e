//! Opening a generation of a store: the live one, or an older one that is still there.
//!
//! `CURRENT` names a manifest and its SHA-256; the manifest names the files
//! with their lengths, and each file's name holds its content id. Opening
//! checks all of that and the frame of every file, and reads no column.
//! Nothing is written, so a read-only directory opens as well.
//!
//! # Choices
//! Between reading `CURRENT` and opening the last file a newer generation may be
//! published and the older one collected. So whatever goes wrong, `CURRENT` is
//! read again: if it names the same generation the error stands, else that newer
//! generation is opened. Each turn needs a publication and a collection that both
//! fall within one opening, so the bound on turns is out of reach of a sane store.
//! Once open, nothing is opened again: removed files stay as they are for whoever
//! has them mapped or read.

use super::container::Container;
use super::format::{FileKind, hex};
use super::generations::{numbers, prove_descent, read_manifest, unknown};
use super::manifest::{CURRENT_BYTES, Current, FileEntry, Manifest, SegmentEntry, SourceEntry};
use super::{Io, Keys, Segment};
use crate::error::{Error, Result};
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Generations that may come and go while one is being opened, before opening gives up.
const TURNS_MAX: usize = 100;

/// An opened generation of a store. Cheap to open: no column is read.
#[derive(Debug)]
pub struct Store {
    /// The manifest of the opened generation.
    pub manifest: Manifest,
    /// SHA-256 of the manifest's file: one value that stands for every byte of the generation.
    pub manifest_sha256: [u8; 32],
    path: PathBuf,
    live: u64,
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
        Self::assemble(path, open_files(path, None, io)?)
    }

    /// Opens the generation numbered `generation` of the store at `path`: the live one, or an older one that was not
    /// collected.
    ///
    /// That an older manifest is the one that was published is proved by the manifests after it, each of which names
    /// its parent's SHA-256, as far as they are there and can be read; a live generation that is damaged does not keep
    /// an older one from being opened.
    ///
    /// # Errors
    /// Those of [`open`](Self::open); [`Error::UnknownKey`], which lists the generations there are, if it is none of them.
    pub fn open_generation(path: &Path, generation: u64, io: Io) -> Result<Self> {
        Self::assemble(path, open_files(path, Some(generation), io)?)
    }

    /// Puts a generation together from its manifest and the files that it names, in its order.
    pub(super) fn assemble(path: &Path, files: Files) -> Result<Self> {
        let Files { live, manifest, manifest_sha256, containers } = files;
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
        Ok(Store {
            manifest,
            manifest_sha256,
            path,
            live,
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

    /// The generation that was live when this one was opened.
    pub fn live_generation(&self) -> u64 {
        self.live
    }

    /// The first generation that has `source`, as far as manifests of generations before this one are still there.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn generation_of(&self, source: &SourceEntry) -> Result<u64> {
        for generation in numbers(&self.path, self.manifest.generation)? {
            match read_manifest(&self.path, generation).1 {
                // Collected meanwhile.
                Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                read => {
                    if read?.0.sources.contains(source) {
                        return Ok(generation);
                    }
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
    /// The live generation, which need not be this one.
    pub live: u64,
    pub manifest: Manifest,
    pub manifest_sha256: [u8; 32],
    /// In the order of the manifest.
    pub containers: Vec<Arc<Container>>,
}

/// Opens the files of a generation; of the live one if none is named.
pub(super) fn open_files(path: &Path, generation: Option<u64>, io: Io) -> Result<Files> {
    let Some(generation) = generation else {
        return on_live(path, |current| open_named(path, current, io));
    };
    let current = read_current(path)?;
    if generation == current.generation {
        // While it is being opened it may become an older one, and be collected.
        return match open_named(path, &current, io) {
            Err(error) if read_current(path)? == current => Err(error),
            Err(_) => open_older(path, generation, &read_current(path)?, io),
            opened => opened,
        };
    }
    open_older(path, generation, &current, io)
}

/// Does `work` with what `CURRENT` names, and again if by then it names another generation: the one before may have
/// been collected meanwhile.
fn on_live<T>(path: &Path, work: impl Fn(&Current) -> Result<T>) -> Result<T> {
    let mut current = read_current(path)?;
    for _ in 0..TURNS_MAX {
        let error = match work(&current) {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let named = read_current(path)?;
        if named == current {
            return Err(error);
        }
        current = named;
    }
    let source = std::io::Error::other(format!(
        "{TURNS_MAX} generations in a row were collected while they were being opened; let the collection keep more"
    ));
    Err(Error::Io { path: path.to_path_buf(), source })
}

/// The manifest that `current` names.
fn named_manifest(path: &Path, current: &Current) -> Result<Manifest> {
    let (file, read) = read_manifest(path, current.generation);
    match read {
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            Err(Error::damaged(&file, "file", "it is missing, and CURRENT names it"))
        }
        Err(error) => Err(error),
        Ok((_, sha256)) if sha256 != current.manifest => {
            Err(Error::damaged(&file, "manifest", "it is not the manifest that CURRENT names"))
        }
        Ok((manifest, _)) => Ok(manifest),
    }
}

/// Opens the generation that `current` names.
fn open_named(path: &Path, current: &Current, io: Io) -> Result<Files> {
    let manifest = named_manifest(path, current)?;
    let containers = open_entries(path, &manifest, io)?;
    Ok(Files { live: current.generation, manifest, manifest_sha256: current.manifest, containers })
}

/// Opens a generation before the live one.
fn open_older(path: &Path, generation: u64, current: &Current, io: Io) -> Result<Files> {
    let open = || {
        let (file, read) = read_manifest(path, generation);
        let (manifest, manifest_sha256) = read?;
        prove_descent(path, &file, generation, &manifest_sha256, current)?;
        let containers = open_entries(path, &manifest, io)?;
        Ok(Files { live: current.generation, manifest, manifest_sha256, containers })
    };
    let is_here = || numbers(path, current.generation).map(|numbers| numbers.contains(&generation));
    if !is_here()? {
        return Err(unknown(path, generation, current.generation));
    }
    match open() {
        // A collection removes the manifest first: without it, the error is that there is no such generation any more.
        Err(_) if !is_here()? => Err(unknown(path, generation, current.generation)),
        opened => opened,
    }
}

/// Opens every file that the manifest names, in its order.
fn open_entries(path: &Path, manifest: &Manifest, io: Io) -> Result<Vec<Arc<Container>>> {
    let entries: Vec<&FileEntry> = manifest.files().collect();
    let containers: Vec<Result<Arc<Container>>> =
        entries.par_iter().map(|entry| open_entry(path, entry, io)).collect();
    // One after another, so that it is always the first bad file that is named.
    containers.into_iter().collect()
}

/// Opens a file that the manifest names: its length and content id must be those that the manifest states.
fn open_entry(root: &Path, entry: &FileEntry, io: Io) -> Result<Arc<Container>> {
    let path = root.join(&entry.name);
    let bytes = match std::fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Error::damaged(&path, "file", "it is missing, and the manifest names it"));
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
    on_live(path, |current| named_manifest(path, current).map(|manifest| (*current, manifest)))
}

/// What `CURRENT` says.
pub(super) fn read_current(path: &Path) -> Result<Current> {
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
pub(super) fn read_small(path: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    if !std::fs::metadata(path).map_err(Error::io(path))?.is_file() {
        return Err(Error::damaged(path, "file", "it is not a regular file"));
    }
    let file = std::fs::File::open(path).map_err(Error::io(path))?;
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(Error::io(path))?;
    Ok(bytes)
}
