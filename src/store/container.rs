//! Reading the container of every data file: header, columns, directory, block checksums, trailer.
//!
//! Opening checks everything but the columns themselves: the marks at both
//! ends, the version, the checksums of header, directory, block table and
//! trailer, and that the parts follow one another without gap or overlap, so
//! that every later access lies inside the file. Column blocks are checked
//! when they are first touched (`column`).

use super::Io;
use super::column::{Blocks, Codes, Column, Element};
use super::format::{
    BLOCK, Codec, ColumnId, ENTRY_BYTES, Entry, FileKind, HASH_BYTES, HEADER_BYTES, PAGE, TRAILER_BYTES,
    Trailer, decode_header, place_hash, word,
};
use super::mmap::Bytes;
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// An opened container file.
#[derive(Debug)]
pub struct Container {
    path: PathBuf,
    bytes: Bytes,
    kind: FileKind,
    trailer: Trailer,
    directory: Vec<Opened>,
    /// Ids of the columns, ascending, and their places in the directory.
    places: Vec<(ColumnId, usize)>,
}

/// Bytes that are read for checksums and digest at a time: they stay in the caches between the two.
const PIECE: usize = 1 << 20;

/// A column of the directory and what opening adds to it.
#[derive(Debug)]
struct Opened {
    entry: Entry,
    /// Place of the column's first block in the block table.
    first_hash: usize,
    blocks: Arc<Blocks>,
}

impl Container {
    /// Opens `path`, checking header, trailer, directory and block table, but no column block.
    ///
    /// # Errors
    /// [`Error::Foreign`] for a file that is not a container, [`Error::Version`] for one of another version,
    /// [`Error::Damaged`] for one that was cut or changed.
    pub fn open(path: &Path, io: Io) -> Result<Arc<Self>> {
        let bytes = Bytes::open(path, io)?;
        let file = bytes.as_slice();
        let kind = decode_header(path, &file[..file.len().min(HEADER_BYTES)])?;
        let trailer = trailer(path, file)?;
        let parts = Parts::of(path, file, &trailer)?;
        let directory = directory(path, parts.directory, &trailer)?;
        let places = directory.iter().enumerate().map(|(place, opened)| (opened.entry.id, place));
        let mut places: Vec<_> = places.collect();
        places.sort_unstable();
        Ok(Arc::new(Container { path: path.to_path_buf(), kind, trailer, directory, places, bytes }))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file holds.
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// The first half of a SHA-256 over kind, directory and blocks: equal content, equal id.
    pub fn content_id(&self) -> [u8; 16] {
        self.trailer.content_id
    }

    /// The directory, in the order of the columns in the file.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.directory.iter().map(|opened| &opened.entry)
    }

    /// Whether the file holds the column.
    pub fn has(&self, id: impl Into<ColumnId>) -> bool {
        self.place_of(id.into()).is_some()
    }

    /// The column `id` as a raw slice; an error if it is absent or of another type.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the file does not hold such a column.
    pub fn column<T: Element>(self: &Arc<Self>, id: impl Into<ColumnId>) -> Result<Column<T>> {
        let id = id.into();
        let place = self.find::<T>(id)?;
        match self.directory[place].entry.codec {
            Codec::Raw => Ok(Column::new(self, place)),
            Codec::Sequence => Err(self.wrong(id, "it is a sequence where values are needed")),
        }
    }

    /// The column `id` as codes; an error if it is absent or of another type.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the file does not hold such a column.
    pub fn codes<T: Element>(self: &Arc<Self>, id: impl Into<ColumnId>) -> Result<Codes<T>> {
        let id = id.into();
        let place = self.find::<T>(id)?;
        let entry = &self.directory[place].entry;
        match entry.codec {
            Codec::Raw => Ok(Codes::raw_column(Column::new(self, place))),
            Codec::Sequence => {
                let len = usize::try_from(entry.count)
                    .map_err(|_| self.wrong(id, "it has more values than can be counted"))?;
                Ok(Codes::sequence(self, place, entry.base, entry.step, len))
            }
        }
    }

    /// The column's place in the directory; files with attributes may have thousands.
    fn place_of(&self, id: ColumnId) -> Option<usize> {
        let at = self.places.binary_search_by_key(&id, |&(id, _)| id).ok()?;
        Some(self.places[at].1)
    }

    fn find<T: Element>(&self, id: ColumnId) -> Result<usize> {
        let place = self.place_of(id).ok_or_else(|| self.wrong(id, "it is missing"))?;
        let found = self.directory[place].entry.element;
        if found != T::TYPE {
            return Err(self.wrong(id, &format!("it holds {found:?}, not {:?}", T::TYPE)));
        }
        Ok(place)
    }

    fn wrong(&self, id: ColumnId, detail: &str) -> Error {
        Error::damaged(&self.path, format!("column {}", id.name()), detail)
    }

    /// All bytes of the file.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// Block states, first byte and number of values of a raw column; opening showed that they lie inside.
    pub(super) fn raw_parts(&self, place: usize) -> (Arc<Blocks>, usize, usize) {
        let Opened { entry, blocks, .. } = &self.directory[place];
        (Arc::clone(blocks), entry.offset as usize, entry.count as usize)
    }

    /// How messages call a column.
    pub(super) fn place(&self, place: usize) -> String {
        match self.directory.get(place) {
            Some(opened) => format!("column {}", opened.entry.id.name()),
            None => "a column that the file does not hold".to_string(),
        }
    }

    /// Compares one block of a raw column with its checksum.
    pub(super) fn check_block(&self, place: usize, block: usize) -> Result<()> {
        let Opened { entry, .. } = &self.directory[place];
        let expected = self.unplaced_hash(place, block);
        let found = xxh3_64(self.block(place, block));
        if found == expected {
            return Ok(());
        }
        let place = format!("column {}, block {block}", entry.id.name());
        let detail = format!("checksum {found:016x}, expected {expected:016x}");
        Err(Error::damaged(&self.path, place, detail))
    }

    /// The bytes of one block, with the padding after the last.
    fn block(&self, place: usize, block: usize) -> &[u8] {
        let Entry { offset, bytes, .. } = self.directory[place].entry;
        let end = offset as usize + (bytes as usize).next_multiple_of(PAGE);
        let start = offset as usize + block * BLOCK;
        &self.bytes()[start..end.min(start + BLOCK)]
    }

    /// The hash of a block as the block table states it, without the block's place.
    fn unplaced_hash(&self, place: usize, block: usize) -> u64 {
        let Opened { entry, first_hash, .. } = &self.directory[place];
        let at = self.trailer.table_offset as usize + (first_hash + block) * HASH_BYTES;
        word(self.bytes(), at) ^ place_hash(&self.trailer.content_id, entry.id, block as u64)
    }

    /// Checks every block, that padding is zero, and that the content id is that of the content; returns the SHA-256 of the file.
    /// `step` is told of every piece of the file, with its length, before it is read.
    pub(super) fn check_everything(&self, step: impl Fn(usize) -> Result<()>) -> Result<[u8; 32]> {
        let blocks = |(place, opened): (usize, &Opened)| {
            let start = opened.entry.offset as usize;
            (0..num_blocks(&opened.entry)).map(move |block| (start + block * BLOCK, place, block))
        };
        let blocks: Vec<(usize, usize, usize)> = self.directory.iter().enumerate().flat_map(blocks).collect();
        let mut waiting: Vec<&(usize, usize, usize)> = blocks.iter().collect();
        waiting.sort_unstable();
        let mut waiting = &waiting[..];
        let mut digest = Sha256::new();
        for (begin, piece) in (0..).step_by(PIECE).zip(self.bytes().chunks(PIECE)) {
            step(piece.len())?;
            self.bytes.populate(begin..begin + piece.len());
            // What a block has beyond the piece is read once more, from afar.
            let (here, later) =
                waiting.split_at(waiting.partition_point(|(start, ..)| *start < begin + piece.len()));
            waiting = later;
            let check = |&&(_, place, block): &&(usize, usize, usize)| {
                self.check_block(place, block)?;
                self.directory[place].blocks.set(block);
                Ok(())
            };
            let (blocks, ()) = rayon::join(|| here.iter().try_for_each(check), || digest.update(piece));
            blocks?;
        }
        let hashes: Vec<u64> =
            blocks.iter().map(|&(_, place, block)| self.unplaced_hash(place, block)).collect();
        for Opened { entry, .. } in &self.directory {
            let end = (entry.offset + entry.bytes) as usize;
            let padding = &self.bytes()[end..end.next_multiple_of(PAGE)];
            if entry.codec == Codec::Raw && padding.iter().any(|&byte| byte != 0) {
                return Err(self.wrong(entry.id, "the padding after it is not zero"));
            }
        }
        let directory = self.trailer.directory_offset as usize..self.trailer.table_offset as usize;
        if content_id(self.kind, &self.bytes()[directory], &hashes) != self.trailer.content_id {
            return Err(Error::damaged(&self.path, "trailer", "the content id is not that of the content"));
        }
        Ok(digest.finalize().into())
    }
}

/// The content id of a file: SHA-256 over its kind, its directory and the hashes of its blocks, cut to 16 bytes.
pub(super) fn content_id(kind: FileKind, directory: &[u8], hashes: &[u64]) -> [u8; 16] {
    let mut digest = Sha256::new_with_prefix([kind as u8]);
    digest.update(directory);
    for hash in hashes {
        digest.update(hash.to_le_bytes());
    }
    let mut id = [0; 16];
    id.copy_from_slice(&digest.finalize()[..16]);
    id
}

/// Blocks of a column whose padded length is known to be countable.
pub(super) fn num_blocks(entry: &Entry) -> usize {
    (entry.bytes as usize).next_multiple_of(PAGE).div_ceil(BLOCK)
}

/// The trailer, checked by itself and against the length of the file.
fn trailer(path: &Path, file: &[u8]) -> Result<Trailer> {
    let damaged = |detail: &str| Error::damaged(path, "trailer", detail);
    let start = file.len().checked_sub(TRAILER_BYTES).filter(|&start| start >= HEADER_BYTES);
    let start = start.ok_or_else(|| damaged(&format!("the file ends after {} bytes", file.len())))?;
    let mut record = [0; TRAILER_BYTES];
    record.copy_from_slice(&file[start..]);
    let trailer = Trailer::decode(&record).map_err(damaged)?;
    if trailer.file_bytes != file.len() as u64 {
        return Err(damaged(&format!("it states {} bytes, the file has {}", trailer.file_bytes, file.len())));
    }
    Ok(trailer)
}

/// The parts of a file that are read at once.
struct Parts<'f> {
    directory: &'f [u8],
}

impl<'f> Parts<'f> {
    /// Cuts directory and block table out of the file and checks them and the header against their checksums.
    fn of(path: &Path, file: &'f [u8], trailer: &Trailer) -> Result<Self> {
        let end = (file.len() - TRAILER_BYTES) as u64;
        let meet = |offset: u64, bytes: u64, next: u64| offset.checked_add(bytes) == Some(next);
        let fits = trailer.directory_offset >= HEADER_BYTES as u64
            && meet(trailer.directory_offset, trailer.directory_bytes, trailer.table_offset)
            && meet(trailer.table_offset, trailer.table_bytes, end);
        if !fits {
            return Err(Error::damaged(path, "trailer", "directory and block table do not fill the file"));
        }
        let (columns, table) = (trailer.directory_offset as usize, trailer.table_offset as usize);
        let part = |name: &str, bytes: &'f [u8], hash: u64| {
            if xxh3_64(bytes) == hash {
                return Ok(bytes);
            }
            Err(Error::damaged(path, name, "its checksum does not match"))
        };
        part("header", &file[..HEADER_BYTES], trailer.header_hash)?;
        part("block table", &file[table..end as usize], trailer.table_hash)?;
        Ok(Parts { directory: part("directory", &file[columns..table], trailer.directory_hash)? })
    }
}

/// The directory, checked: ids are unique, columns follow one another from the header to the directory, and the block
/// table has one hash for each of their blocks.
fn directory(path: &Path, bytes: &[u8], trailer: &Trailer) -> Result<Vec<Opened>> {
    let damaged = |detail: String| Error::damaged(path, "directory", detail);
    let (records, rest) = bytes.as_chunks::<ENTRY_BYTES>();
    if !rest.is_empty() || records.len() > usize::from(u16::MAX) {
        return Err(damaged(format!("{} bytes are not a number of entries", bytes.len())));
    }
    let mut next = HEADER_BYTES as u64;
    let mut num_hashes = 0;
    let mut seen = std::collections::BTreeSet::new();
    let mut directory = Vec::with_capacity(records.len());
    for record in records {
        let entry = Entry::decode(record).map_err(damaged)?;
        if !seen.insert(entry.id) {
            return Err(damaged(format!("column {} is there twice", entry.id.name())));
        }
        let mut blocks = 0;
        if entry.codec == Codec::Raw {
            let end = entry.padded_bytes().and_then(|bytes| next.checked_add(bytes));
            let end = end.filter(|&end| entry.offset == next && end <= trailer.directory_offset);
            next = end.ok_or_else(|| damaged(format!("column {} is not in its place", entry.id.name())))?;
            blocks = num_blocks(&entry);
        }
        directory.push(Opened { entry, first_hash: num_hashes, blocks: Arc::new(Blocks::new(blocks)) });
        num_hashes += blocks;
    }
    if next != trailer.directory_offset {
        return Err(damaged(format!("columns end at byte {next}, not where the directory begins")));
    }
    if trailer.table_bytes != (num_hashes * HASH_BYTES) as u64 {
        let detail = format!("{} bytes for {num_hashes} blocks", trailer.table_bytes);
        return Err(Error::damaged(path, "block table", detail));
    }
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{ContainerWriter, StoreWriter};

    /// Writes one attributes file and gives it to `look` with both backends.
    fn with_file(write: impl FnOnce(&mut ContainerWriter), look: impl Fn(&Arc<Container>)) {
        let directory = tempfile::tempdir().unwrap();
        let mut store = StoreWriter::create(&directory.path().join("store")).unwrap();
        store.set_durable(false);
        let mut file = store.file("attributes", "test", "col").unwrap();
        write(&mut file);
        let entry = store.finish(file).unwrap();
        for io in [Io::Mmap, Io::Read] {
            let container = Container::open(&directory.path().join("store").join(&entry.name), io).unwrap();
            assert_eq!(container.bytes().len() as u64, entry.bytes);
            assert_eq!(container.kind(), FileKind::Attributes);
            container.check_everything(|_| Ok(())).unwrap();
            look(&container);
        }
    }

    fn values<T: Element>(len: usize) -> Vec<T> {
        (0..len as u64).map(|i| T::from_bits(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 7)).collect()
    }

    fn round_trip<T: Element>() {
        // Around a page, around a block, around the buffer, and several pieces.
        for bytes in [0usize, 8, 4088, 4096, 4104, 65_536, 65_544, 1 << 20, (1 << 20) + 8, (9 << 20) + 8] {
            let expected: Vec<T> = values(bytes / size_of::<T>());
            let len = expected.len();
            with_file(
                |file| {
                    file.column(7, &expected).unwrap();
                    file.begin::<T>(8).unwrap();
                    for part in expected.chunks(1_000 + len / 3) {
                        file.write(part).unwrap();
                    }
                    file.codes(9, &expected).unwrap();
                },
                |container| {
                    for id in [7, 8] {
                        let column = container.column::<T>(id).unwrap();
                        assert_eq!(column.len(), len);
                        if len > 0 {
                            assert_eq!(column.get(len - 1).unwrap(), expected[len - 1]);
                            assert_eq!(column.slice(len / 2..len).unwrap(), &expected[len / 2..]);
                        }
                        assert_eq!(column.clone().all().unwrap(), expected);
                        assert_eq!(column.slice(0..len).unwrap(), expected);
                        assert!(column.get(len).is_err());
                        assert!(column.slice(0..len + 1).is_err());
                        let (start, end) = (1, 0);
                        assert!(column.slice(start..end).is_err());
                    }
                    let codes = container.codes::<T>(9).unwrap();
                    assert_eq!(codes.len(), len);
                    assert!((0..len).step_by(997).all(|i| codes.get(i).unwrap() == expected[i]));
                    assert!(codes.get(len).is_err());
                },
            );
        }
    }

    #[test]
    fn every_element_type_comes_back() {
        round_trip::<u8>();
        round_trip::<u16>();
        round_trip::<u32>();
        round_trip::<u64>();
        round_trip::<i64>();
    }

    #[test]
    fn sequences_take_no_space_and_come_back() {
        with_file(
            |file| {
                file.codes(1, &[9u16; 1000]).unwrap();
                file.codes(2, &(-500..500).collect::<Vec<i64>>()).unwrap();
                file.sequence(3, 10u8, 5, 50).unwrap();
                file.codes::<u32>(4, &[]).unwrap();
                assert!(file.sequence(5, 10u8, 5, 51).is_err());
                assert!(file.column(3, &[1u8]).is_err());
                assert!(file.write(&[1u16]).is_err());
            },
            |container| {
                assert_eq!(container.bytes().len(), HEADER_BYTES + 4 * ENTRY_BYTES + TRAILER_BYTES);
                let constant = container.codes::<u16>(1).unwrap();
                assert_eq!((constant.constant(), constant.get(999).unwrap()), (Some(9), 9));
                assert!(constant.raw().is_none() && constant.get(1000).is_err());
                let rising = container.codes::<i64>(2).unwrap();
                assert_eq!(
                    (rising.constant(), rising.get(0).unwrap(), rising.get(999).unwrap()),
                    (None, -500, 499)
                );
                let steps = container.codes::<u8>(3).unwrap();
                assert_eq!((steps.get(49).unwrap(), steps.as_sequence()), (255, Some((10, 5))));
                assert!(container.codes::<u32>(4).unwrap().is_empty());
                assert!(container.column::<u16>(1).is_err());
                assert!(container.codes::<u32>(1).is_err());
                assert!(container.codes::<u32>(99).is_err());
            },
        );
    }

    #[test]
    fn equal_content_gives_equal_files() {
        let write = || {
            let directory = tempfile::tempdir().unwrap();
            let store = StoreWriter::create(directory.path()).unwrap();
            let mut file = store.file("attributes", "näme/../x", "col").unwrap();
            file.column(1, &values::<u32>(300_000)).unwrap();
            let entry = store.finish(file).unwrap();
            let bytes = std::fs::read(directory.path().join(&entry.name)).unwrap();
            (entry, bytes)
        };
        let (first, second) = (write(), write());
        assert_eq!(first, second);
        assert!(first.0.name.starts_with("attributes/n_me_.._x-"), "{}", first.0.name);
        assert_eq!(sha256(&first.1), first.0.sha256);
    }

    /// The bytes of a small file, put together by hand from `docs/format.md`.
    #[test]
    fn the_layout_is_the_documented_one() {
        use sha2::Digest;
        let directory = tempfile::tempdir().unwrap();
        let store = StoreWriter::create(directory.path()).unwrap();
        let mut file = store.file("keys", "x", "keys").unwrap();
        file.column(0x0102, &[0x0a0b_0c0du32, 7]).unwrap();
        file.codes(60, &[-2i64, 1, 4]).unwrap();
        let entry = store.finish(file).unwrap();

        let mut header = b"\x89RING\r\n\x1a\x01\0\0\0\x04\x03\x02\x01\x02".to_vec();
        header.resize(4096, 0);
        let mut block = vec![0x0d, 0x0c, 0x0b, 0x0a, 7];
        block.resize(4096, 0);
        let words = |words: &[u64]| -> Vec<u8> { words.iter().flat_map(|word| word.to_le_bytes()).collect() };
        let mut columns = vec![0x02, 0x01, 3, 0, 0, 0, 0, 0];
        columns.extend(words(&[4096, 8, 2, 0]));
        columns.extend([60, 0, 5, 1, 3, 0, 0, 0]);
        columns.extend(words(&[0, 0, 3, u64::MAX - 1]));
        let hash = xxh3_64(&block);
        let digest = sha2::Sha256::digest([&[2], &columns[..], &hash.to_le_bytes()].concat());
        let id = &digest[..16];
        let place = [id, &[0x02, 0x01, 0, 0, 0, 0, 0, 0], &[0; 8]].concat();
        let table = words(&[hash ^ xxh3_64(&place)]);
        let mut trailer = words(&[8192, 80, 8272, 8, 8376]);
        trailer.extend(id);
        trailer.extend(words(&[xxh3_64(&header), xxh3_64(&columns), xxh3_64(&table)]));
        trailer.extend(words(&[xxh3_64(&trailer)]));
        trailer.extend(b"RINGEND\n");

        let found = std::fs::read(directory.path().join(&entry.name)).unwrap();
        assert!(found == [header, block, columns, table, trailer].concat());
        assert_eq!(entry.name, format!("keys/x-{}.keys", crate::store::format::hex(id)));
    }

    fn sha256(bytes: &[u8]) -> [u8; 32] {
        use sha2::Digest;
        sha2::Sha256::digest(bytes).into()
    }
}
