//! What an unpublished attempt leaves behind, told apart from files of others, and cleared.
//!
//! Nothing is removed unless everything in the directory bears a name that only
//! this writer gives, and the lock file says that it was ours.

use super::disk::Disk;
use super::format::FileKind;
use super::manifest::is_file_name;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// Name of the lock file.
pub(super) const LOCK: &str = "LOCK";
/// First line of the lock file.
pub(super) const LOCK_MARK: &str = "ringfence writer\n";

/// The name of the writer's `number`th temporary file.
pub(super) fn temporary_name(number: u64) -> String {
    format!("tmp-{number}")
}

/// What stands in a directory where a store is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing, or what an unpublished attempt left.
    Leftovers,
    /// A published store, or anything of others.
    Others,
}

/// Judges the directory `root`.
pub(super) fn look(root: &Path) -> Result<Found> {
    Ok(if list(root)?.is_some() { Found::Leftovers } else { Found::Others })
}

/// Removes what an unpublished attempt left in `root`, but not the lock file.
pub(super) fn clear(disk: &dyn Disk, root: &Path) -> Result<()> {
    let Some((files, directories)) = list(root)? else {
        return Ok(());
    };
    for file in files {
        gone(&file, disk.remove(&file))?;
    }
    for directory in directories {
        gone(&directory, disk.remove_directory(&directory))?;
    }
    Ok(())
}

/// Removes what a killed writer was writing in the published store at `root`: files with temporary names.
pub(super) fn clear_temporary(disk: &dyn Disk, root: &Path) -> Result<()> {
    for directory in ["", "segments", "keys", "attributes", "manifest"] {
        let directory = root.join(directory);
        if !directory.is_dir() {
            continue;
        }
        for (name, path, is_file) in entries(&directory)? {
            if is_file == Some(true) && is_temporary(&name) {
                gone(&path, disk.remove(&path))?;
            }
        }
    }
    Ok(())
}

fn gone(path: &Path, removed: std::io::Result<()>) -> Result<()> {
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path)(error)),
        _ => Ok(()),
    }
}

/// Files and directories of an unpublished attempt, without the lock; `None` if there is anything else.
fn list(root: &Path) -> Result<Option<(Vec<PathBuf>, Vec<PathBuf>)>> {
    if !std::fs::symlink_metadata(root).map_err(Error::io(root))?.is_dir() {
        return Ok(None);
    }
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    let mut locked = false;
    for (name, path, is_file) in entries(root)? {
        match (name.as_str(), is_file) {
            (LOCK, Some(true)) => {
                if !is_our_lock(&path)? {
                    return Ok(None);
                }
                locked = true;
            }
            (name, Some(true)) if is_temporary(name) => files.push(path),
            ("segments" | "keys" | "attributes" | "manifest", Some(false)) => {
                for (file, path, is_file) in entries(&path)? {
                    if is_file != Some(true) || !is_ours(&name, &file) {
                        return Ok(None);
                    }
                    files.push(path);
                }
                directories.push(path);
            }
            _ => return Ok(None),
        }
    }
    let nothing = files.is_empty() && directories.is_empty();
    Ok((locked || nothing).then_some((files, directories)))
}

/// Name, path and "is it a file, is it a directory, or neither" of everything in a directory.
fn entries(directory: &Path) -> Result<Vec<(String, PathBuf, Option<bool>)>> {
    let listed = std::fs::read_dir(directory).and_then(|entries| {
        entries
            .map(|entry| {
                let entry = entry?;
                let kind = entry.file_type()?;
                let is_file = (kind.is_file() || kind.is_dir()).then(|| kind.is_file());
                // A name that is not text is not one of ours and stays unlike all of them.
                Ok((entry.file_name().to_string_lossy().into_owned(), entry.path(), is_file))
            })
            .collect()
    });
    listed.map_err(Error::io(directory))
}

/// Whether `name` is one that [`temporary_name`] gives.
pub(super) fn is_temporary(name: &str) -> bool {
    name.strip_prefix("tmp-")
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()))
}

fn is_ours(directory: &str, file: &str) -> bool {
    is_temporary(file)
        || match FileKind::of_directory(directory) {
            Some(kind) => is_file_name(kind, file),
            None => file.len() == 20 && file.bytes().all(|c| c.is_ascii_digit()),
        }
}

/// Whether the lock file was written by a writer of ours, in part, or not at all; zeros are what a power failure may
/// leave of bytes that were not synced.
fn is_our_lock(path: &Path) -> Result<bool> {
    use std::io::Read;
    let mut begin = Vec::new();
    let file = std::fs::File::open(path).map_err(Error::io(path))?;
    file.take(LOCK_MARK.len() as u64).read_to_end(&mut begin).map_err(Error::io(path))?;
    Ok(LOCK_MARK.as_bytes().starts_with(&begin) || begin.iter().all(|&byte| byte == 0))
}
