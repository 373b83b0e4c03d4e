//! Checks every promise that the format makes, and names file and place of the first that is broken.
//!
//! # Method
//! A quick check opens the live generation: marks, versions, lengths, names,
//! checksums of everything but column blocks. A full check also takes the
//! SHA-256 of every file, compares every block with its checksum, and holds the
//! columns against the rules of the format (`rules`). Files come in the order
//! of the manifest, so the same damage is always reported the same way.
//!
//! # Cost
//! A full check reads every byte once or twice; time O(b + k) for b bytes and k
//! keys, memory a fraction of the largest file.

use super::container::Container;
use super::manifest::{FileEntry, Manifest};
use super::open::open_files;
use super::{Io, Store, rules};
use crate::error::{Error, Result};
use crate::run::Run;
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};
use std::path::Path;
use std::sync::Arc;

/// What a verification looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The generation checked.
    pub generation: u64,
    /// Files checked: `CURRENT`, the manifest, and every file that it names.
    pub num_files: u64,
    /// Bytes of the files that the manifest names.
    pub bytes: u64,
}

/// Checks the store at `path`.
///
/// Quick: every file is there, of the length and frame that the manifest states. Full: also SHA-256 of every file,
/// every block, and every rule of the columns (order, ranges, offsets, both adjacencies describing the same edges,
/// control totals).
///
/// # Errors
/// What [`Store::open`] says; [`Error::Damaged`] with the first broken rule; [`Error::Cancelled`] or
/// [`Error::Deadline`] if `run` was stopped.
pub fn verify(path: &Path, full: bool, run: &Run) -> Result<Verified> {
    verify_generation(path, None, full, run)
}

/// As [`verify`], of the generation numbered `generation`; of the live one if that is `None`.
///
/// # Errors
/// Those of [`verify`], and [`Error::UnknownKey`] if there is no such generation.
pub fn verify_generation(path: &Path, generation: Option<u64>, full: bool, run: &Run) -> Result<Verified> {
    run.install(|| {
        let files = open_files(path, generation, Io::Mmap)?;
        let containers = files.containers.clone();
        let store = Store::assemble(path, files)?;
        let manifest = &store.manifest;
        let verified = Verified {
            generation: manifest.generation,
            num_files: 2 + manifest.files().count() as u64,
            bytes: manifest.files().map(|file| file.bytes).sum(),
        };
        if full {
            run.stage("checksums", verified.bytes);
            let files: Vec<_> = manifest.files().zip(&containers).collect();
            let wrong =
                files.par_iter().find_map_first(|(entry, container)| check_file(entry, container, run).err());
            wrong.map_or(Ok(()), Err)?;
            check_rules(&store, manifest, &containers, run)?;
        }
        Ok(verified)
    })
}

/// Compares a file with its SHA-256 and its blocks with their checksums.
fn check_file(entry: &FileEntry, container: &Container, run: &Run) -> Result<()> {
    let digest = container.check_everything(|bytes| {
        run.check()?;
        run.advance(bytes as u64);
        Ok(())
    });
    // Blocks come first: they say where.
    if digest? != entry.sha256 {
        return Err(Error::damaged(container.path(), "file", "its SHA-256 is not the one in the manifest"));
    }
    Ok(())
}

/// Holds every file against the rules of the format, in the order of the manifest.
fn check_rules(store: &Store, manifest: &Manifest, containers: &[Arc<Container>], run: &Run) -> Result<()> {
    run.stage("rules", containers.len() as u64);
    rules::of_manifest(manifest, store.path())?;
    let mut containers = containers.iter();
    let mut next = || {
        run.check()?;
        run.advance(1);
        containers.next().ok_or_else(|| Error::Unproved("a file was not opened".to_string()))
    };
    for keys in std::iter::once(store.account_keys()).chain(store.identifier_keys()) {
        keys.check_everything(next()?, || run.check())?;
    }
    let mut totals = vec![rules::Total::default(); manifest.schema.currencies.len()];
    let mut corrections = rules::Corrections::default();
    for (entry, segment) in manifest.segments.iter().zip(store.segments()) {
        let container = next()?;
        rules::of_times(container, entry, segment, manifest.schema.partition)?;
        rules::of_segment(container, segment, manifest, (&mut totals, &mut corrections), run)?;
    }
    if let Some(segment) = store.static_links() {
        let container = next()?;
        if !segment.transactions.is_empty() {
            return Err(Error::damaged(
                container.path(),
                "segment",
                "static links stand beside transactions",
            ));
        }
        rules::of_segment(container, segment, manifest, (&mut totals, &mut corrections), run)?;
    }
    if let (Some(container), Some(attributes)) = (store.attributes(), &manifest.attributes) {
        rules::of_attributes(container, attributes, manifest.num_accounts)?;
    }
    corrections.check(manifest, store.path())?;
    rules::of_totals(manifest, store.path(), &totals)
}
