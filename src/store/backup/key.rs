//! Keys, under which bundles are sealed and pseudonyms made: where they come from, and what is derived from them.
//!
//! # Method
//! A key is 256 random bits. It never encrypts data itself: HKDF-SHA256 with a label per use gives the key that wraps
//! the data key of a bundle, and a name by which a bundle says which key it needs. From the data key, which each bundle
//! has of its own, come the keys of its list and of its chunks. Other rooms derive theirs with labels of their own
//! ([`Key::derived`]).
//!
//! # Choices
//! A key comes from a file that only its owner may read, from a file descriptor, or from the output of a command; never
//! from the command line or the environment, which others can see. As text it is 64 hexadecimal digits and a line end.
//! Keys are wiped from memory when they are dropped, and never printed.
//!
//! # Source
//! Krawczyk, Eronen: RFC 5869, 2010.

use super::super::disk::{Disk, DiskFile, again};
use super::super::format::hex;
use super::landing::{check_new, parent};
use crate::error::{Error, Result};
use crate::store::entropy::random;
use aes_gcm::{Aes256Gcm, KeyInit};
use hkdf::Hkdf;
use sha2::Sha256;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Most bytes read from wherever a key comes from: more than a key is, so that something else is noticed.
const TEXT_BYTES_MAX: u64 = 1024;

/// A key-encryption key: 256 bits that seal and open bundles.
#[derive(Clone)]
pub struct Key {
    bytes: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key {}", self.name())
    }
}

impl Key {
    /// The key with these bytes. They must be random: nobody checks.
    pub fn new(bytes: [u8; 32]) -> Self {
        Key { bytes: Zeroizing::new(bytes) }
    }

    /// Makes a key from the system's randomness and writes it to the new file `path`, for its owner alone (mode 0600).
    ///
    /// # Errors
    /// [`Error::Exists`] if there is something at `path`; [`Error::Io`] if the system refuses.
    pub fn create(path: &Path, disk: &Arc<dyn Disk>) -> Result<Self> {
        check_new(path)?;
        let mut bytes = Zeroizing::new([0; 32]);
        random(&mut *bytes)?;
        let key = Key { bytes };
        let text = Zeroizing::new(format!("{}\n", *Zeroizing::new(hex(&key.bytes[..]))));
        let mut file = DiskFile::create(disk, path.to_path_buf())?;
        let written = file.append(text.as_bytes()).and_then(|()| file.sync());
        if written.is_err() {
            // Half a key is of no use to anybody.
            let _ = disk.remove(path);
        }
        written?;
        again(|| disk.sync_directory(parent(path))).map_err(Error::io(path))?;
        Ok(key)
    }

    /// Reads a key from a file that belongs to this user and that nobody else may read or write.
    ///
    /// # Errors
    /// [`Error::Input`] if others may, or if it holds anything but a key; [`Error::Io`] if the system refuses.
    pub fn from_file(path: &Path) -> Result<Self> {
        if !path.metadata().map_err(Error::io(path))?.is_file() {
            return Err(Error::input(path.display(), "is not a regular file, so it is not used as a key"));
        }
        let file = File::open(path).map_err(Error::io(path))?;
        refuse_shared(path, &file)?;
        Self::read(file, &path.display().to_string())
    }

    /// Reads a key from the open file descriptor `number` of this process, to its end: a pipe, or a file.
    ///
    /// # Errors
    /// [`Error::Input`] if it holds anything but a key; [`Error::Io`] if it is not open for reading.
    pub fn from_descriptor(number: u32) -> Result<Self> {
        let path = format!("/dev/fd/{number}");
        let file = File::open(&path).map_err(Error::io(Path::new(&path)))?;
        Self::read(file, &format!("file descriptor {number}"))
    }

    /// Reads a key from the output of `command`, which the shell runs; for keys that a key service or a safe gives out.
    ///
    /// # Errors
    /// [`Error::Input`] if the command fails, or prints anything but a key.
    pub fn from_command(command: &str) -> Result<Self> {
        let place = "the key command";
        let failed = |error: std::io::Error| Error::input(place, format!("cannot be run: {error}"));
        let mut child = Command::new("/bin/sh")
            .args(["-c", command])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let output = child.stdout.take().map(|output| Self::read(output, place));
        let status = child.wait().map_err(failed)?;
        if !status.success() {
            return Err(Error::input(place, format!("ended with {status}; what it printed was not used")));
        }
        output.unwrap_or_else(|| Err(Error::input(place, "printed nothing")))
    }

    fn read(from: impl Read, place: &str) -> Result<Self> {
        // Made at its full size, so that it does not leave copies where it grew.
        let mut text = Zeroizing::new(Vec::with_capacity(TEXT_BYTES_MAX as usize + 1));
        from.take(TEXT_BYTES_MAX).read_to_end(&mut text).map_err(Error::io(Path::new(place)))?;
        let digits = text.strip_suffix(b"\n").unwrap_or(&text);
        let digits = digits.strip_suffix(b"\r").unwrap_or(digits);
        let mut bytes = Zeroizing::new([0; 32]);
        let digit = |c: u8| (c as char).to_digit(16).map(|digit| digit as u8);
        let parsed = digits.len() == 64
            && bytes.iter_mut().zip(digits.chunks_exact(2)).all(|(byte, pair)| {
                match (digit(pair[0]), digit(pair[1])) {
                    (Some(high), Some(low)) => {
                        *byte = high << 4 | low;
                        true
                    }
                    _ => false,
                }
            });
        if !parsed {
            // What was found is not shown: it may be a key in another spelling.
            let problem = "holds no key: it must be 64 hexadecimal digits and a line end, as `ringfence backup-key` makes it";
            return Err(Error::input(place, problem));
        }
        Ok(Key { bytes })
    }

    /// A name of the key that says nothing about it: 16 bytes, by which a bundle tells which key it needs.
    pub fn id(&self) -> [u8; 16] {
        let mut id = [0; 16];
        derive(&self.bytes, "ringfence bundle 1 key id", &mut id);
        id
    }

    /// [`id`](Self::id) in hexadecimal.
    pub fn name(&self) -> String {
        hex(&self.id())
    }

    /// A key derived from this one for the use that `label` names; the labels of bundles begin with `ringfence bundle`.
    pub fn derived(&self, label: &str) -> Zeroizing<[u8; 32]> {
        let mut derived = Zeroizing::new([0; 32]);
        derive(&self.bytes, label, &mut *derived);
        derived
    }

    /// What wraps data keys.
    pub(super) fn wrapping(&self) -> Aes256Gcm {
        cipher(&self.bytes, "ringfence bundle 1 wrap")
    }
}

/// AES-256-GCM under the key derived from `key` for the use that `label` names.
pub(super) fn cipher(key: &[u8; 32], label: &str) -> Aes256Gcm {
    let mut derived = Zeroizing::new([0; 32]);
    derive(key, label, &mut *derived);
    Aes256Gcm::new((&*derived).into())
}

/// HKDF-SHA256 without salt.
fn derive(key: &[u8; 32], label: &str, output: &mut [u8]) {
    Hkdf::<Sha256>::new(None, key)
        .expand(label.as_bytes(), output)
        .expect("HKDF gives up to 8,160 bytes, and at most 32 are asked for");
}

/// Refuses a key file that others own or may use.
#[cfg(unix)]
fn refuse_shared(path: &Path, file: &File) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let metadata = file.metadata().map_err(Error::io(path))?;
    let (mode, us) = (metadata.mode() & 0o7777, rustix::process::geteuid().as_raw());
    let place = path.display();
    if metadata.uid() != us {
        let problem = format!(
            "belongs to user {}, not to {us} who runs this; copy it to a file of your own: install -m 600 {place} ~/backup.key",
            metadata.uid()
        );
        return Err(Error::input(place, problem));
    }
    if mode & 0o077 != 0 {
        let problem = format!(
            "others may use this key (mode {mode:04o}); take that away: chmod 600 {place}, and make a new key if somebody may have read it"
        );
        return Err(Error::input(place, problem));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_shared(_path: &Path, _file: &File) -> Result<()> {
    // Who may read a file is not told in these terms there.
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_64_digits_and_never_shown() {
        let text = format!("{}\n", "0aF1".repeat(16));
        let key = Key::read(text.as_bytes(), "k").unwrap();
        assert_eq!(*key.bytes, [[0x0a, 0xf1]; 16].concat()[..]);
        assert!(!format!("{key:?}").contains("0af1"));
        for wrong in
            ["", "0aF1", &text[1..], &format!("{text}\n"), &format!(" {text}"), &text.replace('F', "g")]
        {
            let error = Key::read(wrong.as_bytes(), "k").unwrap_err().to_string();
            assert!(error.contains("64 hexadecimal digits") && !error.contains("0a"), "{error}");
        }
    }

    #[test]
    fn names_are_derived_as_others_derive_them() {
        // HKDF(SHA256(), 16, None, b"ringfence bundle 1 key id") of Python's `cryptography`.
        let key = Key::new(std::array::from_fn(|i| i as u8));
        assert_eq!(key.name(), "61d74dd5bacc4234a1f7beb5d3dbec66");
    }
}
