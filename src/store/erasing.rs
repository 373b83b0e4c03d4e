//! The note of an erasure that is under way: whom it is about, until nothing of it is left.
//!
//! Once the manifests that named a subject are gone, no generation tells its key from one that never was, although files with it may
//! still be there. So an erasure notes its subjects before it publishes and removes the note last. Who calls it again after an interruption
//! is known by the note, and a mistyped key is known for what it is.
//!
//! # Choices
//! A subject stands in the note as a hash under a salt, so that its key is not written once more. Keys can be guessed, and a guess
//! can be tried: the note is not a secret, and is there only as long as the erasure is unfinished. A note whose erasure was never published
//! is harmless: its subjects are found in the live generation.

use super::StoreWriter;
use super::open::read_small;
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// Name of the note.
pub(super) const ERASING: &str = "ERASING";
/// Its first bytes.
const MAGIC: [u8; 8] = *b"RINGERA\n";
/// Bytes before the hashes: magic, number of hashes, salt.
const HEAD_BYTES: usize = 48;
/// Longest note that is read.
const BYTES_MAX: u64 = 1 << 30;

/// Whom an erasure is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasing {
    salt: [u8; 32],
    hashes: BTreeSet<[u8; 32]>,
}

impl Erasing {
    /// A note that names nobody.
    pub(super) fn new(salt: [u8; 32]) -> Self {
        Erasing { salt, hashes: BTreeSet::new() }
    }

    /// The note of the store at `root`; `None` if no erasure is under way.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is not what was written; [`Error::Io`] if it cannot be read.
    pub fn read(root: &Path) -> Result<Option<Self>> {
        let path = root.join(ERASING);
        match read_small(&path, BYTES_MAX) {
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
            bytes => Self::decode(&bytes?).map(Some).ok_or_else(|| {
                let detail = "it is not what was written; remove this file, and run `ringfence gc` for what an erasure may have left";
                Error::damaged(&path, "note of an erasure", detail)
            }),
        }
    }

    /// Adds the key of an account, or of an identifier of a kind.
    pub(super) fn add(&mut self, kind: Option<&str>, key: &[u8]) {
        self.hashes.insert(self.hash(kind, key));
    }

    /// Whether the erasure is about the account with this key, or the identifier of this kind.
    pub fn names(&self, kind: Option<&str>, key: &[u8]) -> bool {
        self.hashes.contains(&self.hash(kind, key))
    }

    /// Writes the note in place of any other; once the store's directory is synced it survives a power failure.
    pub(super) fn write(&self, writer: &StoreWriter) -> Result<()> {
        writer.put(ERASING, &self.encode())
    }

    fn hash(&self, kind: Option<&str>, key: &[u8]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.salt);
        hasher.update([u8::from(kind.is_some())]);
        let kind = kind.unwrap_or_default();
        hasher.update((kind.len() as u64).to_le_bytes());
        hasher.update(kind);
        hasher.update(key);
        hasher.finalize().into()
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend((self.hashes.len() as u64).to_le_bytes());
        bytes.extend(self.salt);
        self.hashes.iter().for_each(|hash| bytes.extend(hash));
        bytes.extend(xxh3_64(&bytes).to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (noted, sum) = bytes.split_last_chunk::<8>()?;
        let (head, hashes) = noted.split_at_checked(HEAD_BYTES)?;
        let (num, salt) = head.strip_prefix(&MAGIC)?.split_first_chunk::<8>()?;
        let mut note = Erasing::new(salt.try_into().ok()?);
        for hash in hashes.chunks(32) {
            note.hashes.insert(hash.try_into().ok()?);
        }
        let is_whole = u64::from_le_bytes(*num) == note.hashes.len() as u64
            && u64::from_le_bytes(*sum) == xxh3_64(noted);
        is_whole.then_some(note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_names_whom_it_was_given_and_nobody_else() {
        let mut note = Erasing::new([7; 32]);
        note.add(None, b"anna");
        note.add(Some("phone"), b"+31");
        assert!(note.names(None, b"anna") && note.names(Some("phone"), b"+31"));
        for (kind, key) in [(Some(""), "anna"), (Some("phone"), "anna"), (None, "+31"), (None, "phone+31")] {
            assert!(!note.names(kind, key.as_bytes()), "{kind:?} {key}");
        }
        assert!(!Erasing { salt: [8; 32], ..note.clone() }.names(None, b"anna"));
        assert_eq!(Erasing::decode(&note.encode()), Some(note));
    }

    /// Byte for byte what `docs/format.md`, "The note of an erasure", says.
    #[test]
    fn a_note_is_what_the_format_says() {
        let mut note = Erasing::new([7; 32]);
        note.add(Some("phone"), b"+31");
        let hash: [u8; 32] =
            Sha256::digest([&[7; 32][..], &[1, 5, 0, 0, 0, 0, 0, 0, 0], b"phone+31"].concat()).into();
        let head = [b"RINGERA\n", &[1, 0, 0, 0, 0, 0, 0, 0][..], &[7; 32], &hash].concat();
        assert_eq!(note.encode(), [&head[..], &xxh3_64(&head).to_le_bytes()].concat());
    }

    #[test]
    fn what_is_not_a_whole_note_is_none() {
        let mut note = Erasing::new([7; 32]);
        note.add(None, b"anna");
        let bytes = note.encode();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Erasing::decode(&bytes), None, "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert_eq!(Erasing::decode(&bytes[..len]), None, "{len} bytes");
        }
    }
}
