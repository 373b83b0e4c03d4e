//! Writing a bundle: the files of a generation, or those that a parent bundle lacks, in one encrypted file.

use super::super::disk::Disk;
use super::super::manifest::FileEntry;
use super::Made;
use super::bundle::{Bundle, Contents, Item, Secrets};
use super::key::Key;
use super::landing::{PIECE, Partial, check_new};
use super::source::{Source, refuse_unrelated};
use super::stream::Sealer;
use crate::error::{Error, Result};
use crate::run::Run;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;

/// How a bundle is sealed.
#[derive(Clone, Copy, Debug)]
pub struct Sealing<'a> {
    /// The key that opens it.
    pub key: &'a Key,
    /// What is random about it; drawn for this bundle alone.
    pub secrets: &'a Secrets,
    /// An earlier bundle of the same store under the same key: what that one and its ancestors hold is left out.
    pub since: Option<&'a Path>,
}

/// Writes a generation of `store`, the live one if none is named, to the new file `bundle`.
///
/// [`Made::digest`] names the bundle. With [`Sealing::since`], restoring needs that bundle and its ancestors too.
///
/// # Errors
/// [`Error::Exists`] if there is something at `bundle`; [`Error::Damaged`] if a file of the store is not what its
/// manifest states; [`Error::Limit`] before any work if the payload has more chunks than can be counted; what opening
/// the earlier bundle says, and [`Error::Foreign`] if it is of another store; [`Error::Io`], [`Error::Cancelled`]. In each
/// case nothing is left at `bundle`.
pub fn to_bundle(
    store: &Path,
    generation: Option<u64>,
    bundle: &Path,
    sealing: &Sealing<'_>,
    disk: &Arc<dyn Disk>,
    run: &Run,
) -> Result<Made> {
    run.install(|| {
        check_new(bundle)?;
        let source = Source::open(store, generation)?;
        let parent = sealing.since.map(|path| Bundle::open(path, sealing.key)).transpose()?;
        if let Some(parent) = &parent {
            let (_, manifest) = parent.manifest(run)?;
            refuse_unrelated(&parent.contents.current, &manifest, &source, &parent.path)?;
        }
        let contents = contents(&source, parent.as_ref());
        let (header, digest, stream) = contents.seal(sealing.key, sealing.secrets)?;
        let mut made = Made { digest: Some(digest), ..Made::of(&source) };
        let (partial, mut file) = Partial::file(disk, bundle)?;
        run.stage("backup", contents.payload_bytes());
        file.append(&header)?;
        let mut sealer = Sealer::new(stream, &mut file);
        sealer.append(&source.manifest_bytes)?;
        for ((entry, container), item) in source.files().zip(&contents.items[1..]) {
            if !item.held {
                made.num_kept += 1;
                continue;
            }
            let mut digest = Sha256::new();
            for piece in container.bytes().chunks(PIECE) {
                run.check()?;
                rayon::join(|| sealer.append(piece), || digest.update(piece)).0?;
                run.advance(piece.len() as u64);
            }
            if <[u8; 32]>::from(digest.finalize()) != entry.sha256 {
                let detail = "its SHA-256 is not the one in the manifest; nothing was made of it";
                return Err(Error::damaged(container.path(), "file", detail));
            }
            made.num_written += 1;
            made.bytes_written += entry.bytes;
        }
        sealer.finish()?;
        run.check()?;
        file.sync()?;
        drop(file);
        partial.publish()?;
        Ok(made)
    })
}

/// The manifest and every file of it; held is what the parent does not list.
fn contents(source: &Source, parent: Option<&Bundle>) -> Contents {
    let mut known: Vec<_> =
        parent.iter().flat_map(|parent| &parent.contents.items).map(|item| &item.entry).collect();
    known.sort_by(|a, b| a.name.cmp(&b.name));
    let is_known = |entry: &FileEntry| {
        known.binary_search_by(|known| known.name.cmp(&entry.name)).is_ok_and(|at| known[at] == entry)
    };
    let files = source.manifest.files().map(|entry| Item { entry: entry.clone(), held: !is_known(entry) });
    let items = std::iter::once(Item { entry: source.manifest_entry(), held: true }).chain(files).collect();
    Contents { current: source.current, parent: parent.map(|parent| parent.digest), items }
}
