//! STREAM: a long text encrypted in chunks, each of which is authentic, in its place, and the last if it says so.
//!
//! # Method
//! Chunk *i* of the payload is encrypted with AES-256-GCM under the nonce prefix (7 bytes) ‖ *i* (32 bits, big-endian) ‖
//! 1 for the last chunk and 0 for others; what all chunks belong to is their associated data. A chunk that was changed,
//! moved, left out or taken from elsewhere does not decrypt, and neither does one that became the last because the file was cut.
//!
//! # Cost
//! 16 bytes and one call of AES-256-GCM per 64 KiB. Chunks are independent, so a batch is done on all threads, and a
//! part of the text is read without what precedes it.
//!
//! # Choices
//! A payload takes at most 2^32 chunks (256 TiB). Prefixes are random, but each bundle has its own key, so that they
//! need not be distinct.
//!
//! # Source
//! Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, CRYPTO 2015.

use super::super::disk::DiskFile;
use crate::error::{Error, Result};
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::AeadInOut;
use rayon::prelude::{IndexedParallelIterator, ParallelIterator, ParallelSliceMut};

/// Bytes of a chunk's text; the last may have fewer.
pub(super) const CHUNK: usize = 64 << 10;
/// Bytes that authenticate a chunk.
pub(super) const TAG: usize = 16;
/// Bytes of a whole chunk in the file.
pub(super) const SEALED: usize = CHUNK + TAG;
/// Chunks that are done at a time.
pub(super) const BATCH: usize = 64;
/// Most chunks: the counter has 32 bits.
const CHUNKS_MAX: u64 = 1 << 32;

/// Chunks of a payload of `bytes` bytes; an empty one has one, which is empty.
pub(super) fn num_chunks(bytes: u64) -> u64 {
    bytes.div_ceil(CHUNK as u64).max(1)
}

/// Bytes that a payload of `bytes` bytes takes in the file.
pub(super) fn sealed_bytes(bytes: u64) -> u64 {
    bytes + num_chunks(bytes) * TAG as u64
}

/// Refuses a payload with more chunks than can be counted.
pub(super) fn check_payload(bytes: u64) -> Result<()> {
    if num_chunks(bytes) > CHUNKS_MAX {
        return Err(Error::Limit {
            what: "bytes of one bundle",
            found: bytes,
            limit: CHUNKS_MAX * CHUNK as u64,
            remedy: "back up to a directory, or make incremental bundles more often",
        });
    }
    Ok(())
}

/// The cipher of one payload.
pub(super) struct Stream {
    pub cipher: Aes256Gcm,
    pub prefix: [u8; 7],
    /// What every chunk belongs to.
    pub associated: [u8; 32],
}

impl Stream {
    fn nonce(&self, number: u64, last: bool) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[..7].copy_from_slice(&self.prefix);
        let number = u32::try_from(number).expect("payloads with more chunks are refused before");
        nonce[7..11].copy_from_slice(&network_order(number));
        nonce[11] = u8::from(last);
        nonce
    }

    /// Encrypts chunk `number` in place; the last 16 bytes of `chunk` become its tag.
    fn seal(&self, number: u64, last: bool, chunk: &mut [u8]) {
        let (text, tag) = chunk.split_at_mut(chunk.len() - TAG);
        let sealed = self
            .cipher
            .encrypt_inout_detached(&self.nonce(number, last).into(), &self.associated, text.into())
            .expect("AES-GCM takes texts of up to 64 GiB");
        tag.copy_from_slice(&sealed);
    }

    /// Decrypts chunk `number`, with its tag, in place; false if it is not that chunk, and then nothing is decrypted.
    pub(super) fn open(&self, number: u64, last: bool, chunk: &mut [u8]) -> bool {
        let Some(text_bytes) = chunk.len().checked_sub(TAG) else {
            return false;
        };
        let (text, tag) = chunk.split_at_mut(text_bytes);
        let Ok(tag) = (&*tag).try_into() else {
            return false;
        };
        self.cipher
            .decrypt_inout_detached(&self.nonce(number, last).into(), &self.associated, text.into(), tag)
            .is_ok()
    }
}

/// The bytes of a counter as STREAM has them: the highest first.
#[allow(clippy::big_endian_bytes)] // The construction's order, not that of our files.
fn network_order(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

/// Writes a payload, encrypted, behind what the file holds.
pub(super) struct Sealer<'f> {
    stream: Stream,
    file: &'f mut DiskFile,
    /// Room for a batch; each chunk's text is followed by room for its tag.
    room: Vec<u8>,
    /// Bytes of text in the room.
    held: usize,
    /// Number of the first chunk in the room.
    next: u64,
}

impl<'f> Sealer<'f> {
    pub(super) fn new(stream: Stream, file: &'f mut DiskFile) -> Self {
        Sealer { stream, file, room: vec![0; BATCH * SEALED], held: 0, next: 0 }
    }

    /// Appends text.
    pub(super) fn append(&mut self, mut text: &[u8]) -> Result<()> {
        while !text.is_empty() {
            // Only when more follows is it known that none of these is the last.
            if self.held == BATCH * CHUNK {
                self.flush(false)?;
            }
            let (chunk, inside) = (self.held / CHUNK, self.held % CHUNK);
            let taken = text.len().min(CHUNK - inside);
            let at = chunk * SEALED + inside;
            self.room[at..at + taken].copy_from_slice(&text[..taken]);
            self.held += taken;
            text = &text[taken..];
        }
        Ok(())
    }

    /// Writes the last chunk.
    pub(super) fn finish(mut self) -> Result<()> {
        self.flush(true)
    }

    fn flush(&mut self, last: bool) -> Result<()> {
        let sealed = sealed_bytes(self.held as u64) as usize;
        let num = num_chunks(self.held as u64);
        let (stream, next) = (&self.stream, self.next);
        let seal = |(i, chunk): (usize, &mut [u8])| {
            stream.seal(next + i as u64, last && i as u64 + 1 == num, chunk);
        };
        self.room[..sealed].par_chunks_mut(SEALED).enumerate().for_each(seal);
        self.file.append(&self.room[..sealed])?;
        self.next += num;
        self.held = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::cipher;
    use super::*;

    fn stream(of: u8) -> Stream {
        Stream {
            cipher: cipher(&[7; 32], "ringfence bundle 1 chunks"),
            prefix: [of; 7],
            associated: [of; 32],
        }
    }

    #[test]
    fn a_chunk_opens_in_its_place_and_nowhere_else() {
        let mut sealed = b"0123456789".to_vec();
        sealed.extend_from_slice(&[0; TAG]);
        stream(1).seal(3, false, &mut sealed);
        let opens = |stream: Stream, number, last, mut chunk: Vec<u8>| {
            let opened = stream.open(number, last, &mut chunk);
            (opened && &chunk[..10] == b"0123456789", opened || chunk == sealed)
        };
        assert_eq!(opens(stream(1), 3, false, sealed.clone()), (true, true));
        assert!(!opens(stream(1), 4, false, sealed.clone()).0);
        assert!(!opens(stream(1), 3, true, sealed.clone()).0);
        assert!(!opens(stream(2), 3, false, sealed.clone()).0);
        let other = Stream { associated: [2; 32], ..stream(1) };
        assert!(!opens(other, 3, false, sealed.clone()).0);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(!stream(1).open(3, false, &mut changed));
            assert!(!stream(1).open(3, false, &mut sealed[..at].to_vec()));
        }
    }

    #[test]
    fn more_than_the_counter_counts_is_refused_before_work() {
        let most = CHUNKS_MAX * CHUNK as u64;
        assert_eq!(num_chunks(most), CHUNKS_MAX);
        check_payload(most).unwrap();
        assert_eq!(stream(0).nonce(CHUNKS_MAX - 1, true)[7..], [0xff, 0xff, 0xff, 0xff, 1]);
        let error = check_payload(most + 1).unwrap_err();
        assert!(matches!(error, Error::Limit { what: "bytes of one bundle", .. }), "{error}");
        assert!(error.to_string().contains("back up to a directory"));
    }

    #[test]
    fn sizes_are_those_of_whole_and_broken_chunks() {
        let whole = CHUNK as u64;
        assert_eq!([0, 1, whole, whole + 1].map(num_chunks), [1, 1, 1, 2]);
        assert_eq!([0, 1, whole, whole + 1].map(sealed_bytes), [16, 17, whole + 16, whole + 33]);
    }
}
