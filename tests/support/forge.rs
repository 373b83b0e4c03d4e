//! Files that lie, with checksums and digests that do not: only a rule can refuse them.
//!
//! Written from `docs/format.md` alone, so that it can write what the library would not.
#![allow(dead_code)] // Each test program uses its own part.

use ringfence::store::manifest::{FileEntry, Manifest};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

const PAGE: usize = 4096;
const BLOCK: usize = 1 << 16;

/// A column as the directory states it, and its bytes.
#[derive(Clone, Debug)]
pub struct Column {
    pub id: u16,
    pub element: u8,
    pub codec: u8,
    pub step: u8,
    pub count: u64,
    pub base: u64,
    pub bytes: Vec<u8>,
}

impl Column {
    pub fn raw(id: u16, element: u8, values: &[u64]) -> Self {
        let mut column = Column { id, element, codec: 0, step: 0, count: 0, base: 0, bytes: Vec::new() };
        column.set(values);
        column
    }

    pub fn width(&self) -> usize {
        [1, 2, 4, 8, 8][usize::from(self.element) - 1]
    }

    /// The values, as the low bytes of words; those of a sequence too.
    pub fn values(&self) -> Vec<u64> {
        if self.codec == 1 {
            return (0..self.count).map(|at| self.base.wrapping_add(at * u64::from(self.step))).collect();
        }
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        self.bytes.chunks_exact(self.width()).map(word).collect()
    }

    /// Makes it a raw column with these values.
    pub fn set(&mut self, values: &[u64]) {
        let width = self.width();
        (self.codec, self.step, self.base, self.count) = (0, 0, 0, values.len() as u64);
        self.bytes = values.iter().flat_map(|value| value.to_le_bytes().into_iter().take(width)).collect();
    }
}

/// A container, taken apart.
#[derive(Clone, Debug)]
pub struct File {
    pub header: Vec<u8>,
    pub columns: Vec<Column>,
}

pub fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

pub fn put(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

impl File {
    /// An empty container of a kind.
    pub fn new(kind: u8) -> Self {
        let mut header = vec![0; PAGE];
        header[..8].copy_from_slice(b"\x89RING\r\n\x1a");
        header[8] = 1;
        header[12..16].copy_from_slice(&[4, 3, 2, 1]);
        header[16] = kind;
        File { header, columns: Vec::new() }
    }

    pub fn parse(bytes: &[u8]) -> Self {
        let trailer = &bytes[bytes.len() - 96..];
        let (from, to) = (word(trailer, 0) as usize, word(trailer, 16) as usize);
        let columns = bytes[from..to].chunks(40).map(|entry| {
            let (at, len) = (word(entry, 8) as usize, word(entry, 16) as usize);
            Column {
                id: u16::from_le_bytes([entry[0], entry[1]]),
                element: entry[2],
                codec: entry[3],
                step: entry[4],
                count: word(entry, 24),
                base: word(entry, 32),
                bytes: bytes[at..at + len].to_vec(),
            }
        });
        File { header: bytes[..PAGE].to_vec(), columns: columns.collect() }
    }

    pub fn column(&mut self, id: u16) -> &mut Column {
        self.columns.iter_mut().find(|column| column.id == id).unwrap()
    }

    /// The file, every checksum right.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes_with(|_| {}, |_| {})
    }

    /// The file with a directory and a trailer that were changed before their checksums were taken.
    pub fn bytes_with(&self, directory: impl Fn(&mut Vec<u8>), trailer: impl Fn(&mut [u8])) -> Vec<u8> {
        let (mut file, mut entries) = (self.header.clone(), Vec::new());
        let (mut hashes, mut places) = (Vec::new(), Vec::new());
        for column in &self.columns {
            let at = if column.codec == 0 { file.len() as u64 } else { 0 };
            entries.extend(column.id.to_le_bytes());
            entries.extend([column.element, column.codec, column.step, 0, 0, 0]);
            for value in [at, column.bytes.len() as u64, column.count, column.base] {
                entries.extend(value.to_le_bytes());
            }
            let start = file.len();
            file.extend(&column.bytes);
            file.resize(file.len().next_multiple_of(PAGE), 0);
            for (number, block) in file[start..].chunks(BLOCK).enumerate() {
                hashes.push(xxh3_64(block));
                places.push((column.id, number as u64));
            }
        }
        directory(&mut entries);
        let mut digest = Sha256::new_with_prefix([self.header[16]]);
        digest.update(&entries);
        hashes.iter().for_each(|hash: &u64| digest.update(hash.to_le_bytes()));
        let content_id = digest.finalize()[..16].to_vec();
        let table: Vec<u8> = hashes
            .iter()
            .zip(places)
            .flat_map(|(hash, (id, number))| {
                let mut place = [0; 32];
                place[..16].copy_from_slice(&content_id);
                place[16..18].copy_from_slice(&id.to_le_bytes());
                put(&mut place, 24, number);
                (hash ^ xxh3_64(&place)).to_le_bytes()
            })
            .collect();
        let mut end = [0; 96];
        put(&mut end, 0, file.len() as u64);
        put(&mut end, 8, entries.len() as u64);
        put(&mut end, 16, (file.len() + entries.len()) as u64);
        put(&mut end, 24, table.len() as u64);
        put(&mut end, 32, (file.len() + entries.len() + table.len() + 96) as u64);
        end[40..56].copy_from_slice(&content_id);
        put(&mut end, 56, xxh3_64(&self.header));
        put(&mut end, 64, xxh3_64(&entries));
        put(&mut end, 72, xxh3_64(&table));
        trailer(&mut end);
        let hash = xxh3_64(&end[..80]);
        put(&mut end, 80, hash);
        end[88..].copy_from_slice(b"RINGEND\n");
        [file, entries, table, end.to_vec()].concat()
    }
}

/// Every file entry of a manifest.
pub fn entries(manifest: &mut Manifest) -> Vec<&mut FileEntry> {
    let mut entries = vec![&mut manifest.account_keys];
    entries.extend(manifest.kinds.iter_mut().map(|kind| &mut kind.keys));
    entries.extend(manifest.segments.iter_mut().map(|segment| &mut segment.file));
    entries.extend(manifest.static_links.iter_mut().map(|segment| &mut segment.file));
    entries.extend(manifest.attributes.iter_mut().map(|attributes| &mut attributes.file));
    entries
}

/// Puts a container in the place of the file `name` of the store; it is named by its content.
pub fn replace(store: &Path, manifest: &mut Manifest, name: &str, bytes: &[u8]) -> PathBuf {
    let (stem, _) = name.rsplit_once('-').unwrap();
    let extension = name.rsplit_once('.').unwrap().1;
    let id: String =
        bytes[bytes.len() - 56..bytes.len() - 40].iter().map(|byte| format!("{byte:02x}")).collect();
    let new = format!("{stem}-{id}.{extension}");
    let path = store.join(&new);
    std::fs::write(&path, bytes).unwrap();
    for entry in entries(manifest).into_iter().filter(|entry| entry.name == name) {
        *entry =
            FileEntry { name: new.clone(), bytes: bytes.len() as u64, sha256: Sha256::digest(bytes).into() };
    }
    path
}

/// A manifest file around any record.
pub fn framed(version: u64, record: &[u8]) -> Vec<u8> {
    let mut file = b"RINGMAN\n".to_vec();
    file.extend(version.to_le_bytes());
    file.extend((record.len() as u64).to_le_bytes());
    file.extend(record);
    file.extend(xxh3_64(&file).to_le_bytes());
    file
}

/// Makes `manifest` the live one, as generation `generation`.
pub fn publish(store: &Path, generation: u64, manifest: &[u8]) {
    std::fs::write(store.join(format!("manifest/{generation:020}")), manifest).unwrap();
    let mut current = b"RINGCUR\n".to_vec();
    current.extend(generation.to_le_bytes());
    current.extend(Sha256::digest(manifest));
    current.extend([0; 8]);
    current.extend(xxh3_64(&current).to_le_bytes());
    std::fs::write(store.join("CURRENT"), current).unwrap();
}

/// Makes the manifest's times, totals and counts those of a changed segment.
///
/// Columns 3, 4 and 5 are time, amount and currency.
pub fn agree(manifest: &mut Manifest, segment: usize, before: &File, after: &File) {
    let values = |file: &File, id: u16| -> Vec<u64> {
        let column = file.columns.iter().find(|column| column.id == id);
        column.filter(|column| column.count < 1 << 20).map_or(Vec::new(), Column::values)
    };
    let times = values(after, 3);
    let entry = &mut manifest.segments[segment];
    entry.num_transactions = times.len() as u32;
    entry.time_min = times.first().copied().unwrap_or(0) as i64;
    entry.time_max = times.last().copied().unwrap_or(0) as i64;
    for (file, sign) in [(before, -1), (after, 1)] {
        let currencies = values(file, 5);
        for (at, &amount) in values(file, 4).iter().enumerate() {
            let currency = currencies.get(at).copied().unwrap_or(0) as usize;
            if let Some(total) = manifest.totals.get_mut(currency) {
                total.accepted = total.accepted.wrapping_add_signed(i64::from(sign));
                total.accepted_minor += i128::from(sign) * i128::from(amount as i64);
            }
        }
    }
}
