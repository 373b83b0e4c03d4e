//! Backup to a directory: the files of a generation as they are, so that the backup is itself a store.
//!
//! # Method
//! A file's name carries its content id, so what the directory holds under a name is either that content or damage.
//! Which of the two is decided by its SHA-256: right ones are kept, damaged ones are written again, missing ones are
//! copied. Every digest is taken again while copying. `CURRENT` is written last: until then the directory shows the
//! backup before.
//!
//! # Cost
//! Reads the generation once and what is already there once; writes what is missing. Memory does not grow.
//!
//! # Choices
//! A new directory is filled under a partial name. An existing one is locked like a store, and must hold an older
//! generation of the same store, or nothing. Nothing is removed from it: earlier generations stay readable.

use super::super::disk::Disk;
use super::super::leftovers::{self, Found};
use super::super::lock;
use super::super::open::live_manifest;
use super::landing::{Partial, Tree};
use super::source::{Source, refuse_unrelated};
use super::{Made, hash_file};
use crate::error::{Error, Result};
use crate::run::Run;
use std::path::Path;
use std::sync::Arc;

/// Copies a generation of `store`, the live one if none is named, to `directory`, which is made, or holds an earlier backup of the same store.
///
/// # Errors
/// [`Error::Foreign`] if `directory` holds anything else than an earlier backup of this store; [`Error::Damaged`] if a
/// file of the store is not what its manifest states; [`Error::Locked`] if another backup is being made there;
/// [`Error::Io`] or [`Error::Cancelled`]: then the directory shows what it did before.
pub fn to_directory(
    store: &Path,
    generation: Option<u64>,
    directory: &Path,
    disk: &Arc<dyn Disk>,
    run: &Run,
) -> Result<Made> {
    run.install(|| {
        let source = Source::open(store, generation)?;
        if !directory.try_exists().map_err(Error::io(directory))? {
            let partial = Partial::directory(disk, directory)?;
            let made = fill(&source, Tree::new(disk, partial.path()), partial.path(), run)?;
            partial.publish()?;
            return Ok(made);
        }
        refuse_itself(store, directory)?;
        refuse_other(&source, directory)?;
        let lock = lock::take(disk, directory)?;
        // Again behind the lock, as another backup may have ended in between.
        refuse_other(&source, directory)?;
        let tree = Tree::new(disk, directory);
        tree.clear()?;
        let made = fill(&source, tree, directory, run);
        drop(lock);
        made
    })
}

fn refuse_itself(store: &Path, directory: &Path) -> Result<()> {
    let real = |path: &Path| path.canonicalize().map_err(Error::io(path));
    if real(store)? == real(directory)? {
        return Err(Error::input(directory.display(), "is the store itself; back up to another place"));
    }
    Ok(())
}

fn refuse_other(source: &Source, directory: &Path) -> Result<()> {
    if directory.join("CURRENT").symlink_metadata().is_ok() {
        // Its data files may be damaged: that is what this backup is about to mend.
        let (current, manifest) = live_manifest(directory)?;
        return refuse_unrelated(&current, &manifest, source, directory);
    }
    if leftovers::look(directory)? == Found::Others {
        let detail = "there is something else; back up to another place".to_string();
        return Err(Error::Foreign { path: directory.to_path_buf(), what: "backup", detail });
    }
    Ok(())
}

/// Writes what `root` does not hold yet, and makes the generation live there.
fn fill(source: &Source, mut tree: Tree, root: &Path, run: &Run) -> Result<Made> {
    run.stage("backup", source.bytes());
    let mut made = Made::of(source);
    for (entry, container) in source.files() {
        let path = root.join(&entry.name);
        let there = path.symlink_metadata().is_ok();
        if there && hash_file(&path, entry.bytes, run)? == Some(entry.sha256) {
            made.num_kept += 1;
            run.advance(entry.bytes);
            continue;
        }
        made.num_mended += u64::from(there);
        made.num_written += 1;
        made.bytes_written += entry.bytes;
        tree.write(entry, container.path(), container.bytes(), run)?;
    }
    tree.commit(source.current, &source.manifest_bytes, &source.manifest_path, run)?;
    Ok(made)
}
