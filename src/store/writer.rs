//! Writing a container: one stream from the header to the trailer, hashed while it is written.
//!
//! # Method
//! Everything of variable size stands behind the columns, so the file is only
//! ever appended to. Values go out in pieces of whole blocks; each piece is
//! written on one thread while another takes its SHA-256. Large slices are not
//! copied; small ones gather in a buffer of one mebibyte.
//!
//! # Choices
//! The file has a temporary name in its final directory until
//! [`StoreWriter::finish`](super::StoreWriter::finish) syncs and renames it; a
//! writer that is dropped before removes it.

use super::column::Element;
use super::container::{content_id, num_blocks};
use super::disk::DiskFile;
use super::format::{
    BLOCK, Codec, ColumnId, Entry, FileKind, PAGE, TRAILER_BYTES, Trailer, encode_header, hex, place_hash,
};
use super::manifest::FileEntry;
use crate::error::{Error, Result};
use rayon::prelude::{IndexedParallelIterator, ParallelIterator, ParallelSlice};
use sha2::{Digest, Sha256};
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;
use zerocopy::IntoBytes;

/// Bytes gathered before they are written; whole blocks.
const BUFFER: usize = 1 << 20;
/// Bytes of a large slice written and hashed at a time; whole blocks.
const PIECE: usize = 4 << 20;
/// Pieces below this are hashed and written one after the other: handing over would cost more than it wins.
const OVERLAP_MIN: usize = 256 << 10;

/// Writes one container, column after column, to a temporary file in its final directory.
#[derive(Debug)]
pub struct ContainerWriter {
    target: Target,
    kind: FileKind,
    digest: Sha256,
    /// Bytes written so far.
    written: u64,
    /// Bytes of the last column that are not written yet.
    buffer: Vec<u8>,
    entries: Vec<Entry>,
    /// Hashes of the blocks written so far, without their places.
    hashes: Vec<u64>,
    /// Whether values may follow for the last entry.
    open: bool,
}

/// The file and what it will be called. Removes it when dropped before it has its name.
#[derive(Debug)]
pub(super) struct Target {
    /// Under a temporary name, in its final directory.
    pub file: DiskFile,
    /// Set once the file has its final name.
    kept: bool,
    /// `<directory>/<stem>`; content id and extension are known at the end.
    stem: String,
}

impl Target {
    pub(super) fn new(file: DiskFile, stem: String) -> Self {
        Target { file, kept: false, stem }
    }

    /// Gives the file its final name.
    pub(super) fn rename(mut self, path: &Path) -> Result<()> {
        self.file.disk().rename(self.file.path(), path).map_err(Error::io(path))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.kept {
            // Whoever clears leftovers may have been faster, and there is nobody to tell.
            let _ = self.file.disk().remove(self.file.path());
        }
    }
}

/// A container that is complete but has neither been synced nor its final name yet.
#[derive(Debug)]
pub(super) struct Sealed {
    pub target: Target,
    pub entry: FileEntry,
}

impl ContainerWriter {
    /// Begins a container in the file of `target`, which is new and empty.
    pub(super) fn new(target: Target, kind: FileKind) -> Result<Self> {
        let mut writer = ContainerWriter {
            target,
            kind,
            digest: Sha256::new(),
            written: 0,
            buffer: Vec::new(),
            entries: Vec::new(),
            hashes: Vec::new(),
            open: false,
        };
        writer.append(&encode_header(kind))?;
        Ok(writer)
    }

    /// Begins column `id`; the values follow by [`write`](Self::write).
    ///
    /// # Errors
    /// [`Error::Unproved`] if the column was begun before; [`Error::Io`] if the file cannot be written.
    pub fn begin<T: Element>(&mut self, id: impl Into<ColumnId>) -> Result<()> {
        self.end_column()?;
        let offset = self.written;
        self.add(Entry {
            id: id.into(),
            element: T::TYPE,
            codec: Codec::Raw,
            step: 0,
            offset,
            bytes: 0,
            count: 0,
            base: 0,
        })?;
        self.open = true;
        Ok(())
    }

    /// Appends values to the column begun last.
    ///
    /// # Errors
    /// [`Error::Unproved`] if no column of this type was begun; [`Error::Io`] if the file cannot be written.
    pub fn write<T: Element>(&mut self, values: &[T]) -> Result<()> {
        match self.entries.last_mut() {
            Some(entry) if self.open && entry.element == T::TYPE => {
                entry.count += values.len() as u64;
                entry.bytes += size_of_val(values) as u64;
            }
            _ => return Err(Error::Unproved("values were written outside of their column".to_string())),
        }
        let mut bytes = values.as_bytes();
        while !bytes.is_empty() {
            if self.buffer.is_empty() && bytes.len() >= BUFFER {
                let whole = bytes.len().min(PIECE) / BLOCK * BLOCK;
                self.append_blocks(&bytes[..whole])?;
                bytes = &bytes[whole..];
            } else {
                let taken = bytes.len().min(BUFFER - self.buffer.len());
                self.buffer.extend_from_slice(&bytes[..taken]);
                bytes = &bytes[taken..];
                if self.buffer.len() == BUFFER {
                    self.flush()?;
                }
            }
        }
        Ok(())
    }

    /// Writes a whole column from one slice.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub fn column<T: Element>(&mut self, id: impl Into<ColumnId>, values: &[T]) -> Result<()> {
        self.begin::<T>(id)?;
        self.write(values)
    }

    /// Writes a whole codes column: as an arithmetic sequence where the values are one, else raw.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub fn codes<T: Element>(&mut self, id: impl Into<ColumnId>, values: &[T]) -> Result<()> {
        match sequence_of(values) {
            Some((base, step)) => self.sequence(id, base, step, values.len() as u64),
            None => self.column(id, values),
        }
    }

    /// Writes a codes column that is `base + index × step`, without values.
    ///
    /// # Errors
    /// [`Error::Unproved`] if the column was begun before, or a value leaves the range of `T`;
    /// [`Error::Io`] if the file cannot be written.
    pub fn sequence<T: Element>(
        &mut self,
        id: impl Into<ColumnId>,
        base: T,
        step: u8,
        len: u64,
    ) -> Result<()> {
        self.end_column()?;
        let entry = Entry {
            id: id.into(),
            element: T::TYPE,
            codec: Codec::Sequence,
            step,
            offset: 0,
            bytes: 0,
            count: len,
            base: base.to_bits(),
        };
        if !entry.sequence_fits() {
            let what = format!("column {} leaves the range of its type", entry.id.name());
            return Err(Error::Unproved(what));
        }
        self.add(entry)
    }

    fn add(&mut self, entry: Entry) -> Result<()> {
        if self.entries.iter().any(|other| other.id == entry.id) {
            return Err(Error::Unproved(format!("column {} was written twice", entry.id.name())));
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Fills the last column up to the next page with zeros and writes what is left of it.
    fn end_column(&mut self) -> Result<()> {
        self.open = false;
        let padded = self.buffer.len().next_multiple_of(PAGE);
        self.buffer.resize(padded, 0);
        self.flush()
    }

    fn flush(&mut self) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        self.append_blocks(&buffer)?;
        buffer.clear();
        self.buffer = buffer;
        Ok(())
    }

    /// Appends blocks of a column: whole ones, or the last.
    fn append_blocks(&mut self, blocks: &[u8]) -> Result<()> {
        if blocks.len() < OVERLAP_MIN {
            self.hashes.extend(blocks.chunks(BLOCK).map(xxh3_64));
        } else {
            let hashes: Vec<u64> = blocks.par_chunks(BLOCK).with_min_len(16).map(xxh3_64).collect();
            self.hashes.extend(hashes);
        }
        self.append(blocks)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.written += bytes.len() as u64;
        let (file, digest) = (&mut self.target.file, &mut self.digest);
        if bytes.len() < OVERLAP_MIN {
            digest.update(bytes);
            file.append(bytes)
        } else {
            rayon::join(|| file.append(bytes), || digest.update(bytes)).0
        }
    }

    /// Writes directory, block table and trailer.
    pub(super) fn seal(mut self) -> Result<Sealed> {
        self.end_column()?;
        let directory: Vec<u8> = self.entries.iter().flat_map(Entry::encode).collect();
        let content_id = content_id(self.kind, &directory, &self.hashes);
        let places = self.entries.iter().flat_map(|entry| {
            (0..num_blocks(entry)).map(|block| place_hash(&content_id, entry.id, block as u64))
        });
        let table: Vec<u8> =
            self.hashes.iter().zip(places).flat_map(|(hash, place)| (hash ^ place).to_le_bytes()).collect();
        let directory_offset = self.written;
        let table_offset = directory_offset + directory.len() as u64;
        let trailer = Trailer {
            directory_offset,
            directory_bytes: directory.len() as u64,
            table_offset,
            table_bytes: table.len() as u64,
            file_bytes: table_offset + (table.len() + TRAILER_BYTES) as u64,
            content_id,
            header_hash: xxh3_64(&encode_header(self.kind)),
            directory_hash: xxh3_64(&directory),
            table_hash: xxh3_64(&table),
        };
        self.append(&directory)?;
        self.append(&table)?;
        self.append(&trailer.encode())?;
        let name = format!("{}-{}.{}", self.target.stem, hex(&content_id), self.kind.extension());
        let entry = FileEntry { name, bytes: self.written, sha256: self.digest.finalize().into() };
        Ok(Sealed { target: self.target, entry })
    }
}

/// First value and step, if the values are an arithmetic sequence that rises by at most 255.
fn sequence_of<T: Element>(values: &[T]) -> Option<(T, u8)> {
    let Some(&base) = values.first() else {
        return Some((T::from_bits(0), 0));
    };
    let step = match values.get(1) {
        Some(&second) if second < base => return None,
        Some(&second) => u8::try_from(second.to_bits().wrapping_sub(base.to_bits())).ok()?,
        None => 0,
    };
    let rises = |pair: &[T]| {
        pair[0] <= pair[1] && pair[1].to_bits().wrapping_sub(pair[0].to_bits()) == u64::from(step)
    };
    values.windows(2).all(rises).then_some((base, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_and_even_steps_are_sequences_and_nothing_else_is() {
        assert_eq!(sequence_of::<u8>(&[]), Some((0, 0)));
        assert_eq!(sequence_of(&[7u16]), Some((7, 0)));
        assert_eq!(sequence_of(&[7u16, 7, 7]), Some((7, 0)));
        assert_eq!(sequence_of(&[-1i64, 0, 1, 2]), Some((-1, 1)));
        assert_eq!(sequence_of(&[1u64, 256]), Some((1, 255)));
        assert_eq!(sequence_of(&[1u64, 257]), None);
        assert_eq!(sequence_of(&[2u32, 1]), None);
        assert_eq!(sequence_of(&[i64::MAX, i64::MIN]), None);
        assert_eq!(sequence_of(&[255u8, 0]), None);
        assert_eq!(sequence_of(&[1u8, 2, 4]), None);
    }
}
