//! The store: bytes on disk, checked; the only room that maps files.
//!
//! `docs/format.md` describes every byte. A store is a directory of write-once
//! files; a manifest per generation says which are live, and `CURRENT` says
//! which generation is. Everything read is checked against its checksum on
//! first touch; a damaged file is refused by name.

pub mod backup;
pub mod collect;
pub mod column;
pub mod container;
pub mod disk;
pub mod doctor;
mod entropy;
pub mod erasing;
pub mod format;
pub mod generations;
pub mod keys;
mod leftovers;
mod lock;
pub mod manifest;
mod mmap;
mod open;
pub mod partition;
pub mod pins;
pub mod publish;
mod rules;
pub mod scan;
mod scratch;
pub mod segment;
mod tasks;
pub mod verify;
mod volume;
mod walk;
pub mod writer;

pub use column::{Codes, Column};
pub use container::Container;
pub use disk::Disk;
pub use keys::Keys;
pub use manifest::Manifest;
pub(crate) use mmap::prefetch;
pub use open::Store;
pub use pins::Pin;
pub use publish::StoreWriter;
pub(crate) use scratch::Scratch;
pub use segment::Segment;
pub use writer::ContainerWriter;

/// How the bytes of a file are reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Io {
    /// Mapped into memory: opens in constant time; pages come as they are touched.
    #[default]
    Mmap,
    /// Read into memory: for files that others could change or cut, and for network file systems.
    Read,
}
