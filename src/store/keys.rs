//! External keys of dense ids: bytes to id and back, never answered without comparing the bytes.

use super::container::{Container, ContainerWriter};
use crate::error::Result;
use std::sync::Arc;

/// Longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 1024;

/// Keys in the order of their ids, as ingest hands them over.
///
/// Either every key is a canonical decimal number (no sign, no leading zero, below 2^63),
/// or all are texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyList {
    /// Every key is a canonical decimal number.
    Numbers(Vec<u64>),
    /// Key `i` is `text[offsets[i]..offsets[i + 1]]`.
    Texts {
        /// All keys, one after another.
        text: Vec<u8>,
        /// `len + 1` offsets.
        offsets: Vec<u64>,
    },
}

/// The keys of one kind of node, or of the transactions of one segment.
#[derive(Clone, Debug)]
pub struct Keys {}

impl Keys {
    /// Opens the key columns of a container.
    pub fn open(container: &Arc<Container>) -> Result<Self> {
        let _ = container;
        todo!()
    }
    /// Writes the key columns, with their index, into a container; parallel and deterministic.
    pub fn write(keys: &KeyList, into: &mut ContainerWriter) -> Result<()> {
        let _ = (keys, into);
        todo!()
    }
    /// Number of keys.
    pub fn len(&self) -> usize {
        todo!()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The id of `key`, if there is one.
    pub fn find(&self, key: &[u8]) -> Result<Option<u32>> {
        let _ = key;
        todo!()
    }
    /// The key of `id`, appended to `out`.
    pub fn key(&self, id: u32, out: &mut Vec<u8>) -> Result<()> {
        let _ = (id, out);
        todo!()
    }
}
