//! What a backup reads: one generation of a store, held while it is copied.

use super::super::Io;
use super::super::container::Container;
use super::super::generations::MANIFEST_BYTES_MAX;
use super::super::manifest::{Current, FileEntry, Manifest, manifest_name};
use super::super::open::{open_files, read_small};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A generation with every file opened: an open file stays what it was, even if its name goes.
#[derive(Debug)]
pub(super) struct Source {
    /// Which generation, and the digest of its manifest.
    pub current: Current,
    pub manifest: Manifest,
    /// The manifest file.
    pub manifest_path: PathBuf,
    /// Its bytes.
    pub manifest_bytes: Vec<u8>,
    containers: Vec<Arc<Container>>,
}

impl Source {
    /// Opens a generation of the store at `path`; the live one if none is named.
    pub(super) fn open(path: &Path, generation: Option<u64>) -> Result<Self> {
        let files = open_files(path, generation, Io::Mmap)?;
        let current = Current { generation: files.manifest.generation, manifest: files.manifest_sha256 };
        let manifest_path = path.join(manifest_name(current.generation));
        let manifest_bytes = read_small(&manifest_path, MANIFEST_BYTES_MAX)?;
        if Current::of(current.generation, &manifest_bytes) != current {
            return Err(Error::damaged(&manifest_path, "manifest", "it was changed while it was read"));
        }
        let (manifest, containers) = (files.manifest, files.containers);
        Ok(Source { current, manifest, manifest_path, manifest_bytes, containers })
    }

    /// The data files and their bytes, in the order of the manifest.
    pub(super) fn files(&self) -> impl Iterator<Item = (&FileEntry, &Container)> {
        self.manifest.files().zip(self.containers.iter().map(|container| &**container))
    }

    /// The manifest as a file among the others.
    pub(super) fn manifest_entry(&self) -> FileEntry {
        let bytes = self.manifest_bytes.len() as u64;
        FileEntry { name: manifest_name(self.current.generation), bytes, sha256: self.current.manifest }
    }

    /// Bytes of the data files.
    pub(super) fn bytes(&self) -> u64 {
        self.manifest.files().map(|entry| entry.bytes).sum()
    }
}

/// Refuses the store of `source` as a later state of the one whose `current` and `manifest` stand in `place`.
///
/// Two manifests are of one store if the list of what the earlier one read is the beginning of that of the later one.
pub(super) fn refuse_unrelated(
    current: &Current,
    manifest: &Manifest,
    source: &Source,
    place: &Path,
) -> Result<()> {
    let (old, new) = (current.generation, source.current.generation);
    let related = source.manifest.sources.starts_with(&manifest.sources);
    let detail = if old > new {
        format!("it holds generation {old}, the store is at {new}; back up to another place")
    } else if (old == new && *current != source.current) || !related {
        format!(
            "its generation {old} does not come before generation {new} of the store; back up to another place"
        )
    } else {
        return Ok(());
    };
    Err(Error::Foreign { path: place.to_path_buf(), what: "backup of this store", detail })
}
