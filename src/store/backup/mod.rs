//! Backup and restoration of stores.
//!
//! Files of a store are written once and carry their content in their name, so a backup is a copy of the files that
//! one manifest names, and the manifest is the proof. There are two kinds:
//!
//! * a **directory** ([`to_directory`]): the files as they are. It is itself a store that opens, and a second backup to
//!   it copies only what it does not hold yet;
//! * a **bundle** ([`to_bundle`]): one encrypted file (`docs/bundle.md`), whole, or only what an earlier bundle does not hold.
//!
//! [`restore`](restore()) makes a store of either, in a new directory only: it is verified in full before it gets its name.
//!
//! # Cost
//! Every byte is read once and its SHA-256 taken; memory is a few mebibytes, whatever the size of the store.

mod bundle;
mod chain;
mod check;
mod directory;
mod key;
mod landing;
mod restore;
mod seal;
mod source;
mod stream;

pub use bundle::Secrets;
pub use check::{Checked, Share, verify_backup};
pub use directory::to_directory;
pub use key::Key;
pub use restore::{Restored, Scratch, restore};
pub use seal::{Sealing, to_bundle};

use crate::error::{Error, Result};
use crate::run::Run;
use sha2::{Digest, Sha256};
use source::Source;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What a backup did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The generation that was backed up.
    pub generation: u64,
    /// SHA-256 of its manifest file.
    pub manifest_sha256: [u8; 32],
    /// Data files that were written.
    pub num_written: u64,
    /// Their bytes.
    pub bytes_written: u64,
    /// Data files that were there already, whole: in the directory, or in the bundles before.
    pub num_kept: u64,
    /// How many of those written stand in for a damaged file of that name.
    pub num_mended: u64,
    /// Of a bundle: SHA-256 of its header, which is its name.
    pub digest: Option<[u8; 32]>,
}

impl Made {
    fn of(source: &Source) -> Self {
        Made {
            generation: source.current.generation,
            manifest_sha256: source.current.manifest,
            num_written: 0,
            bytes_written: 0,
            num_kept: 0,
            num_mended: 0,
            digest: None,
        }
    }
}

/// SHA-256 of the regular file `path`; `None` if it does not have `bytes` bytes, and then it is not read to its end.
fn hash_file(path: &Path, bytes: u64, run: &Run) -> Result<Option<[u8; 32]>> {
    let metadata = path.symlink_metadata().map_err(Error::io(path))?;
    if !metadata.is_file() {
        return Err(Error::damaged(path, "file", "it is not a regular file"));
    }
    if metadata.len() != bytes {
        return Ok(None);
    }
    let mut file = File::open(path).map_err(Error::io(path))?.take(bytes + 1);
    let mut digest = Sha256::new();
    let mut piece = vec![0; landing::PIECE.min(bytes as usize + 1)];
    let mut read = 0;
    loop {
        run.check()?;
        let len = file.read(&mut piece).map_err(Error::io(path))?;
        if len == 0 {
            break;
        }
        digest.update(&piece[..len]);
        read += len as u64;
    }
    Ok((read == bytes).then(|| digest.finalize().into()))
}
