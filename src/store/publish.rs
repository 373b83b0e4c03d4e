//! Opening and publishing generations: write, sync, rename, in the one order that is safe.

use super::container::{Container, ContainerWriter};
use super::manifest::{FileEntry, Manifest};
use super::{Io, Keys, Segment};
use crate::error::Result;
use std::path::Path;
use std::sync::Arc;

/// An opened generation of a store. Cheap to open: no column is read.
#[derive(Debug)]
pub struct Store {
    /// The live manifest.
    pub manifest: Manifest,
}

impl Store {
    /// Opens the live generation of the store at `path`.
    pub fn open(path: &Path, io: Io) -> Result<Self> {
        let _ = (path, io);
        todo!()
    }
    /// The store's directory.
    pub fn path(&self) -> &Path {
        todo!()
    }
    /// The segments, in time order.
    pub fn segments(&self) -> &[Segment] {
        todo!()
    }
    /// The segment of static links, if there is one.
    pub fn static_links(&self) -> Option<&Segment> {
        todo!()
    }
    /// Keys of accounts.
    pub fn account_keys(&self) -> &Keys {
        todo!()
    }
    /// Keys of identifiers, by `KindId`.
    pub fn identifier_keys(&self) -> &[Keys] {
        todo!()
    }
    /// The attributes container, if there is one.
    pub fn attributes(&self) -> Option<&Arc<Container>> {
        todo!()
    }
}

/// The one writer of a store: holds its lock until dropped.
#[derive(Debug)]
pub struct StoreWriter {}

impl StoreWriter {
    /// Makes a new store at `path` and locks it. Leftovers of an unpublished attempt are cleared.
    ///
    /// # Errors
    /// [`Error::Exists`](crate::Error::Exists) if `path` holds a published store or anything else than leftovers of ours.
    pub fn create(path: &Path) -> Result<Self> {
        let _ = path;
        todo!()
    }
    /// Whether files are synced before they count (default `true`). Without it a power failure may lose the store;
    /// meant for measurements and scratch stores.
    pub fn set_durable(&mut self, durable: bool) {
        let _ = durable;
    }
    /// Begins a data file: `directory` is `segments`, `keys` or `attributes`; its final name is
    /// `<directory>/<stem>-<content id>.<extension>`. Several may be written at a time, from several threads.
    pub fn file(&self, directory: &str, stem: &str, extension: &str) -> Result<ContainerWriter> {
        let _ = (directory, stem, extension);
        todo!()
    }
    /// Ends a data file: syncs it and gives it its final name.
    pub fn finish(&self, file: ContainerWriter) -> Result<FileEntry> {
        let _ = file;
        todo!()
    }
    /// Publishes `manifest` as the live generation; when this returns, the generation survives a power failure.
    pub fn publish(self, manifest: &Manifest) -> Result<()> {
        let _ = manifest;
        todo!()
    }
}
