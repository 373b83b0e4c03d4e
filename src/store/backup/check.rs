//! Checking backups: all of one, or a share of its files at a time.

use super::super::open::live_manifest;
use super::super::verify::verify;
use super::chain::Chain;
use super::hash_file;
use super::key::Key;
use super::restore::{Backup, open};
use crate::error::{Error, Result};
use crate::run::Run;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// One of several shares of a backup's files.
///
/// A file belongs to the same share whatever else the backup holds, because its own SHA-256 decides: whoever checks
/// share 1, 2, … of `of` in turn has seen every file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    number: u64,
    of: u64,
}

impl Share {
    /// Everything.
    pub const ALL: Share = Share { number: 1, of: 1 };

    /// Share `number` of `of`, counted from 1.
    ///
    /// # Errors
    /// [`Error::Option`] if `number` is not in `1..=of`.
    pub fn new(number: u64, of: u64) -> Result<Self> {
        if number == 0 || number > of {
            let value = format!("{number}/{of}");
            return Err(Error::Option { name: "subset", value, allowed: "K/N with K from 1 to N" });
        }
        Ok(Share { number, of })
    }

    /// Whether a file with this SHA-256 belongs to it.
    pub(super) fn has(self, sha256: &[u8; 32]) -> bool {
        let mut first = [0; 8];
        first.copy_from_slice(&sha256[..8]);
        u64::from_le_bytes(first) % self.of == self.number - 1
    }
}

/// What a check of a backup looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The generation that the backup holds.
    pub generation: u64,
    /// Data files that the backup holds.
    pub num_files: u64,
    /// How many of them were checked.
    pub num_checked: u64,
    /// Bytes of those that were checked.
    pub bytes_checked: u64,
}

/// Checks a backup: one backup directory, or the bundles of one chain in any order, which need the `key` that sealed them.
///
/// With [`Share::ALL`] a directory is verified in full (every byte, every rule of the format), and of bundles every chunk
/// is opened and every file compared with its SHA-256, those of earlier generations included. With another share, this is
/// done for the files of the share; heads, lists, manifests and ends of all bundles are checked in any case.
///
/// # Errors
/// [`Error::Damaged`] for a file that is missing or not what was written; else as [`restore`](super::restore()).
pub fn verify_backup(from: &[PathBuf], key: Option<&Key>, share: Share, run: &Run) -> Result<Checked> {
    run.install(|| match open(from, key)? {
        Backup::Directory(path) => check_directory(path, share, run),
        Backup::Chain(chain) => check_chain(&chain, share, run),
    })
}

fn check_directory(path: &Path, share: Share, run: &Run) -> Result<Checked> {
    let full = share == Share::ALL;
    let generation = verify(path, full, run)?.generation;
    let (_, manifest) = live_manifest(path)?;
    let num_files = manifest.files().count() as u64;
    let mut checked = Checked { generation, num_files, num_checked: 0, bytes_checked: 0 };
    let of_share = || manifest.files().filter(|entry| share.has(&entry.sha256));
    if !full {
        run.stage("checksums", of_share().map(|entry| entry.bytes).sum());
    }
    for entry in of_share() {
        let file = path.join(&entry.name);
        if !full {
            if hash_file(&file, entry.bytes, run)? != Some(entry.sha256) {
                return Err(Error::damaged(&file, "file", "its SHA-256 is not the one in the manifest"));
            }
            run.advance(entry.bytes);
        }
        checked.num_checked += 1;
        checked.bytes_checked += entry.bytes;
    }
    Ok(checked)
}

fn check_chain(chain: &Chain, share: Share, run: &Run) -> Result<Checked> {
    let generation = chain.latest().contents.current.generation;
    let items = || {
        chain
            .bundles
            .iter()
            .flat_map(|bundle| bundle.contents.items.iter().enumerate().map(move |item| (bundle, item)))
    };
    // Manifests are checked in any case, and are no data files.
    let data = || items().filter(|(_, (place, item))| *place > 0 && item.held);
    let num_files = data().count() as u64;
    let mut checked = Checked { generation, num_files, num_checked: 0, bytes_checked: 0 };
    let of_share = || data().filter(|(_, (_, item))| share.has(&item.entry.sha256));
    run.stage("checksums", of_share().map(|(_, (_, item))| item.entry.bytes).sum());
    for bundle in &chain.bundles {
        bundle.manifest(run)?;
        bundle.check_end()?;
    }
    for (bundle, (place, item)) in of_share() {
        let mut digest = Sha256::new();
        bundle.read(place, run, |piece| {
            digest.update(piece);
            run.advance(piece.len() as u64);
            Ok(())
        })?;
        if <[u8; 32]>::from(digest.finalize()) != item.entry.sha256 {
            return Err(Error::damaged(
                &bundle.path,
                &item.entry.name,
                "its SHA-256 is not the one in the list",
            ));
        }
        checked.num_checked += 1;
        checked.bytes_checked += item.entry.bytes;
    }
    Ok(checked)
}
