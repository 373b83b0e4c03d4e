//! Restoration: a store from a backup, in a new directory, verified in full before it gets its name.
//!
//! # Method
//! The files go to a directory under a partial name, each with its SHA-256 compared on the way; the manifest and
//! `CURRENT` follow; a full verification holds the whole against every rule of the format; one rename gives it its name.
//! Of a chain of bundles, each file is taken from the latest that holds it.
//!
//! # Cost
//! Every byte of the generation is read once, written once, and read twice by the verification.

use super::super::disk::Disk;
use super::super::manifest::Current;
use super::super::verify::{Verified, verify};
use super::chain::Chain;
use super::key::Key;
use super::landing::{Partial, Tree, check_new, remove_tree};
use super::source::Source;
use crate::error::{Error, Result};
use crate::run::Run;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a restoration made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the full verification of the new store looked at.
    pub verified: Verified,
    /// SHA-256 of its manifest: that of the store that was backed up.
    pub manifest_sha256: [u8; 32],
}

/// Restores a backup as the store `output`, which must not exist.
///
/// `from` is one backup directory, or the bundles of one chain in any order; bundles need the `key` that sealed them.
///
/// # Errors
/// [`Error::Exists`] if there is something at `output`; [`Error::Input`] for a bundle that is missing or does not belong
/// to the others, and for a wrong key; [`Error::Damaged`] and [`Error::Foreign`] for what is not what was written. In each
/// case nothing is left at `output`.
pub fn restore(
    from: &[PathBuf],
    key: Option<&Key>,
    output: &Path,
    disk: &Arc<dyn Disk>,
    run: &Run,
) -> Result<Restored> {
    run.install(|| {
        check_new(output)?;
        match open(from, key)? {
            Backup::Directory(path) => from_directory(path, output, disk, run),
            Backup::Chain(chain) => from_chain(&chain, output, disk, run),
        }
    })
}

/// What backups on the disk are.
pub(super) enum Backup<'p> {
    Directory(&'p Path),
    Chain(Chain),
}

/// Tells a directory from bundles, and opens these.
pub(super) fn open<'p>(from: &'p [PathBuf], key: Option<&Key>) -> Result<Backup<'p>> {
    for path in from {
        path.metadata().map_err(Error::io(path))?;
    }
    let directory = from.iter().find(|path| path.is_dir());
    match (directory, key) {
        (Some(path), _) if from.len() == 1 => Ok(Backup::Directory(path)),
        (Some(path), _) => {
            Err(Error::input(path.display(), "is a directory, which is a backup of its own; name it alone"))
        }
        (None, Some(key)) => Ok(Backup::Chain(Chain::open(from, key)?)),
        (None, None) => {
            let value = "no key".to_string();
            Err(Error::Option {
                name: "key-file",
                value,
                allowed: "given (or --key-fd, --key-command): bundles are encrypted",
            })
        }
    }
}

fn from_directory(from: &Path, output: &Path, disk: &Arc<dyn Disk>, run: &Run) -> Result<Restored> {
    let source = Source::open(from, None)?;
    let partial = Partial::directory(disk, output)?;
    run.stage("restore", source.bytes());
    let mut tree = Tree::new(disk, partial.path());
    for (entry, container) in source.files() {
        tree.write(entry, container.path(), container.bytes(), run)?;
    }
    tree.commit(source.current, &source.manifest_bytes, &source.manifest_path, run)?;
    publish(partial, source.current, run)
}

fn from_chain(chain: &Chain, output: &Path, disk: &Arc<dyn Disk>, run: &Run) -> Result<Restored> {
    let latest = chain.latest();
    let (bytes, manifest) = latest.manifest(run)?;
    for bundle in &chain.bundles {
        bundle.check_end()?;
    }
    let partial = Partial::directory(disk, output)?;
    run.stage("restore", manifest.files().map(|entry| entry.bytes).sum());
    let mut tree = Tree::new(disk, partial.path());
    for entry in manifest.files() {
        let (bundle, item) = chain.find(entry)?;
        let mut file = tree.begin(&entry.name)?;
        bundle.read(item, run, |piece| {
            run.advance(piece.len() as u64);
            file.append(piece)
        })?;
        file.finish(entry, &bundle.path)?;
    }
    tree.commit(latest.contents.current, &bytes, &latest.path, run)?;
    publish(partial, latest.contents.current, run)
}

/// Verifies the new store in full and gives it its name.
fn publish(partial: Partial, current: Current, run: &Run) -> Result<Restored> {
    let verified = verify(partial.path(), true, run)?;
    run.check()?;
    partial.publish()?;
    Ok(Restored { verified, manifest_sha256: current.manifest })
}

/// A store that was restored to be looked at, and goes away when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    verified: Verified,
}

impl Scratch {
    /// Restores a backup beside `beside`, under its name and what tells it apart.
    ///
    /// # Errors
    /// As [`restore`].
    pub fn restore(
        from: &[PathBuf],
        key: Option<&Key>,
        beside: &Path,
        disk: &Arc<dyn Disk>,
        run: &Run,
    ) -> Result<Self> {
        let mut name = beside.canonicalize().unwrap_or_else(|_| beside.to_path_buf()).into_os_string();
        name.push(format!(".drill-{}", std::process::id()));
        let path = PathBuf::from(name);
        let verified = restore(from, key, &path, disk, run)?.verified;
        Ok(Scratch { disk: disk.clone(), path, verified })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the verification of the restored store looked at.
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    /// Removes it.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses.
    pub fn remove(self) -> Result<()> {
        remove_tree(&*self.disk, &self.path).map_err(Error::io(&self.path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // There is nobody to tell; the name says what the leftover is.
        let _ = remove_tree(&*self.disk, &self.path);
    }
}
