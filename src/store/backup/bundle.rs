//! Bundles: the files of a generation in one encrypted file (`docs/bundle.md` describes every byte).
//!
//! # Method
//! A head in the clear says what is needed to open the rest: versions, which key, the wrapped data key. A list, which is
//! encrypted, names every file of the generation and says which of them are in this bundle; the others are in an
//! ancestor. Then comes the payload, as STREAM chunks ([`stream`](super::stream)), each bound to the digest of head and list.
//! That digest is the bundle's name: a later bundle states it as its parent.
//!
//! # Cost
//! Opening reads head and list; a file is read without the payload before it.
//!
//! # Choices
//! Names and digests of files are encrypted too: they tell which months and identifiers a bank holds, and whoever can
//! guess a file could check the guess against its digest. In the clear are generation, sizes and digests of random values.

use super::super::format::{hex, word};
use super::super::generations::MANIFEST_BYTES_MAX;
use super::super::manifest::{Current, FileEntry, Manifest, is_name, manifest_name};
use super::key::{Key, cipher};
use super::stream::{BATCH, CHUNK, SEALED, Stream, TAG, check_payload, num_chunks, sealed_bytes};
use crate::error::{Error, Result};
use crate::run::Run;
use crate::store::entropy::random;
use aes_gcm::aead::AeadInOut;
use rayon::prelude::{IndexedParallelIterator, ParallelIterator, ParallelSliceMut};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// First bytes of a bundle.
const MAGIC: [u8; 8] = *b"RINGBUN\n";
/// Version of the format.
const VERSION: u16 = 1;
/// The one suite: AES-256-GCM, HKDF-SHA256.
const SUITE: u16 = 1;
/// Bytes of the head.
pub(super) const HEAD_BYTES: usize = 192;
/// Where the wrapped data key begins: what precedes it is bound to it.
const WRAPPED_AT: usize = 144;
/// Longest list.
const LIST_BYTES_MAX: u64 = 64 << 20;

/// What is drawn at random for one bundle.
#[derive(Clone)]
pub struct Secrets {
    data_key: Zeroizing<[u8; 32]>,
    prefix: [u8; 7],
    nonce: [u8; 12],
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// From the system's randomness.
    ///
    /// # Errors
    /// [`Error::Io`] if the system has none to give.
    pub fn draw() -> Result<Self> {
        let mut bytes = Zeroizing::new([0; 51]);
        random(&mut *bytes)?;
        Ok(Self::from_bytes(&bytes))
    }

    /// From 51 bytes: data key, prefix, nonce. For tests and test vectors; a bundle made from bytes that were used before
    /// protects neither of the two.
    pub fn from_bytes(bytes: &[u8; 51]) -> Self {
        let mut secrets = Secrets { data_key: Zeroizing::new([0; 32]), prefix: [0; 7], nonce: [0; 12] };
        secrets.data_key.copy_from_slice(&bytes[..32]);
        secrets.prefix.copy_from_slice(&bytes[32..39]);
        secrets.nonce.copy_from_slice(&bytes[39..]);
        secrets
    }
}

/// A file of the generation, and whether its bytes are in this bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub entry: FileEntry,
    pub held: bool,
}

/// What a bundle begins with, before it is encrypted: everything but keys and lengths.
#[derive(Clone, Debug)]
pub(super) struct Contents {
    pub current: Current,
    /// Digest of the parent bundle; `None` for a full one.
    pub parent: Option<[u8; 32]>,
    /// The manifest, and then the files that it names, in its order.
    pub items: Vec<Item>,
}

impl Contents {
    /// Bytes of the files that the bundle holds.
    pub(super) fn payload_bytes(&self) -> u64 {
        self.items.iter().filter(|item| item.held).map(|item| item.entry.bytes).sum()
    }

    fn encode(&self) -> Vec<u8> {
        let mut list = (self.items.len() as u32).to_le_bytes().to_vec();
        for Item { entry, held } in &self.items {
            list.push(u8::from(*held));
            list.push(u8::try_from(entry.name.len()).expect("names of a store have at most 120 characters"));
            list.extend_from_slice(entry.name.as_bytes());
            list.extend_from_slice(&entry.bytes.to_le_bytes());
            list.extend_from_slice(&entry.sha256);
        }
        list
    }

    /// Head and list as they stand in the file, and the cipher of what follows.
    ///
    /// # Errors
    /// [`Error::Limit`] if the payload has more chunks than can be counted, or the list is too long.
    pub(super) fn seal(&self, key: &Key, secrets: &Secrets) -> Result<(Vec<u8>, [u8; 32], Stream)> {
        let payload_bytes = self.payload_bytes();
        check_payload(payload_bytes)?;
        let mut list = self.encode();
        if list.len() as u64 > LIST_BYTES_MAX {
            return Err(Error::Limit {
                what: "bytes of a bundle's list of files",
                found: list.len() as u64,
                limit: LIST_BYTES_MAX,
                remedy: "back up to a directory",
            });
        }
        let mut header = vec![0; HEAD_BYTES];
        header[..8].copy_from_slice(&MAGIC);
        header[8..10].copy_from_slice(&VERSION.to_le_bytes());
        header[10..12].copy_from_slice(&SUITE.to_le_bytes());
        header[12..16].copy_from_slice(&(list.len() as u32).to_le_bytes());
        header[16..24].copy_from_slice(&self.current.generation.to_le_bytes());
        header[24..56].copy_from_slice(&self.current.manifest);
        header[56..88].copy_from_slice(&self.parent.unwrap_or_default());
        header[88..96].copy_from_slice(&payload_bytes.to_le_bytes());
        header[96..112].copy_from_slice(&key.id());
        header[112..119].copy_from_slice(&secrets.prefix);
        header[120..132].copy_from_slice(&secrets.nonce);
        let mut wrapped = Zeroizing::new(*secrets.data_key);
        let tag = key
            .wrapping()
            .encrypt_inout_detached(&secrets.nonce.into(), &header[..WRAPPED_AT], wrapped[..].as_mut().into())
            .expect("AES-GCM takes 32 bytes");
        header[WRAPPED_AT..WRAPPED_AT + 32].copy_from_slice(&*wrapped);
        header[WRAPPED_AT + 32..].copy_from_slice(&tag);
        // The key of the list is used once, so that its nonce may be zero.
        let tag = cipher(&secrets.data_key, "ringfence bundle 1 list")
            .encrypt_inout_detached(&[0; 12].into(), &header, list[..].as_mut().into())
            .expect("AES-GCM takes lists of up to 64 MiB");
        header.extend_from_slice(&list);
        header.extend_from_slice(&tag);
        let digest: [u8; 32] = Sha256::digest(&header).into();
        Ok((header, digest, chunks(&secrets.data_key, secrets.prefix, digest)))
    }
}

fn chunks(data_key: &[u8; 32], prefix: [u8; 7], digest: [u8; 32]) -> Stream {
    Stream { cipher: cipher(data_key, "ringfence bundle 1 chunks"), prefix, associated: digest }
}

/// A bundle whose head and list were found to be authentic.
pub(super) struct Bundle {
    pub path: PathBuf,
    pub contents: Contents,
    /// SHA-256 of head and list: the bundle's name.
    pub digest: [u8; 32],
    file: File,
    /// Where the payload begins.
    payload_at: u64,
    payload_bytes: u64,
    stream: Stream,
}

impl Bundle {
    /// Opens `path` with `key`, and reads head and list.
    ///
    /// # Errors
    /// [`Error::Foreign`] for anything else than a bundle; [`Error::Version`]; [`Error::Input`] if it needs another key;
    /// [`Error::Damaged`] if it was changed, cut, or anything was appended to it.
    pub(super) fn open(path: &Path, key: &Key) -> Result<Self> {
        let io = || Error::io(path);
        let foreign = |detail: String| Error::Foreign { path: path.to_path_buf(), what: "bundle", detail };
        if !path.metadata().map_err(io())?.is_file() {
            return Err(foreign("it is not a regular file".to_string()));
        }
        let mut file = File::open(path).map_err(io())?;
        let file_bytes = file.metadata().map_err(io())?.len();
        let mut header = Vec::new();
        (&mut file).take(HEAD_BYTES as u64).read_to_end(&mut header).map_err(io())?;
        if !header.starts_with(&MAGIC) {
            return Err(foreign("it does not begin with the mark of one".to_string()));
        }
        let cut = |expected: u64| {
            let detail = format!(
                "it has {file_bytes} bytes and should have {expected}: it was cut, or something was appended; copy it again"
            );
            Error::damaged(path, "file", detail)
        };
        if header.len() < HEAD_BYTES {
            return Err(cut(HEAD_BYTES as u64));
        }
        let (version, suite) = (word(&header, 8) as u16, (word(&header, 8) >> 16) as u16);
        if version != VERSION {
            return Err(Error::Version {
                path: path.to_path_buf(),
                found: version.into(),
                expected: VERSION.into(),
            });
        }
        if suite != SUITE {
            return Err(foreign(format!("it is of suite {suite}, which this build does not know")));
        }
        let (list_bytes, payload_bytes) = (word(&header, 8) >> 32, word(&header, 88));
        if list_bytes > LIST_BYTES_MAX || check_payload(payload_bytes).is_err() {
            return Err(Error::damaged(path, "head", "its lengths are beyond the limits of the format"));
        }
        if header[119] != 0 || header[132..WRAPPED_AT] != [0; WRAPPED_AT - 132] {
            return Err(Error::damaged(path, "head", "unused bytes are not zero"));
        }
        if header[96..112] != key.id() {
            let problem = format!(
                "is sealed under the key {}, and the key given is {}; give the right one",
                hex(&header[96..112]),
                key.name()
            );
            return Err(Error::input(path.display(), problem));
        }
        let payload_at = HEAD_BYTES as u64 + list_bytes + TAG as u64;
        let expected = payload_at + sealed_bytes(payload_bytes);
        if file_bytes != expected {
            return Err(cut(expected));
        }
        (&mut file).take(payload_at - HEAD_BYTES as u64).read_to_end(&mut header).map_err(io())?;
        if header.len() as u64 != payload_at {
            return Err(cut(expected));
        }
        let digest: [u8; 32] = Sha256::digest(&header).into();
        let damaged = |place: &str| {
            Error::damaged(path, place, "it does not decrypt: it was changed since it was made")
        };
        let data_key = unwrap(&header, key).ok_or_else(|| damaged("head"))?;
        let (head, list) = header.split_at_mut(HEAD_BYTES);
        let (list, tag) = list.split_at_mut(list_bytes as usize);
        let opened = (&*tag).try_into().ok().and_then(|tag| {
            let cipher = cipher(&data_key, "ringfence bundle 1 list");
            cipher.decrypt_inout_detached(&[0; 12].into(), head, (&mut *list).into(), tag).ok()
        });
        opened.ok_or_else(|| damaged("list"))?;
        let mut manifest = [0; 32];
        manifest.copy_from_slice(&head[24..56]);
        let mut parent = [0; 32];
        parent.copy_from_slice(&head[56..88]);
        let mut prefix = [0; 7];
        prefix.copy_from_slice(&head[112..119]);
        let current = Current { generation: word(head, 16), manifest };
        let items = decode(list).filter(|items| is_list(items, &current));
        let items = items.ok_or_else(|| Error::damaged(path, "list", "it is no list of a store's files"))?;
        let contents = Contents { current, parent: Some(parent).filter(|parent| *parent != [0; 32]), items };
        if contents.payload_bytes() != payload_bytes {
            return Err(Error::damaged(path, "list", "its files are not as long as the payload"));
        }
        let stream = chunks(&data_key, prefix, digest);
        Ok(Bundle { path: path.to_path_buf(), contents, digest, file, payload_at, payload_bytes, stream })
    }

    /// Hands the bytes of a file that is in this bundle to `take`, one piece after another.
    pub(super) fn read(
        &self,
        item: usize,
        run: &Run,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let held = |item: &&Item| item.held;
        let begin: u64 = self.contents.items[..item].iter().filter(held).map(|item| item.entry.bytes).sum();
        let end = begin + self.contents.items[item].entry.bytes;
        let chunk = CHUNK as u64;
        let (num, last) = (end.div_ceil(chunk), num_chunks(self.payload_bytes) - 1);
        let mut room = Vec::new();
        let mut first = begin / chunk;
        while first < num {
            run.check()?;
            let batch = (num - first).min(BATCH as u64);
            let from = first * chunk;
            let text_bytes = (batch * chunk).min(self.payload_bytes - from);
            room.resize((text_bytes + batch * TAG as u64) as usize, 0);
            let at = self.payload_at + first * SEALED as u64;
            let mut file = &self.file;
            file.seek(SeekFrom::Start(at))
                .and_then(|_| file.read_exact(&mut room))
                .map_err(Error::io(&self.path))?;
            let bad = room.par_chunks_mut(SEALED).enumerate().map(|(i, sealed)| {
                let number = first + i as u64;
                (!self.stream.open(number, number == last, sealed)).then_some(number)
            });
            if let Some(number) = bad.flatten().min() {
                let detail = "it does not decrypt: it was changed, moved, or belongs to another bundle";
                return Err(Error::damaged(&self.path, format!("chunk {number}"), detail));
            }
            for (i, sealed) in room.chunks(SEALED).enumerate() {
                let text = &sealed[..sealed.len() - TAG];
                let at = from + i as u64 * chunk;
                let (cut, until) = (begin.max(at) - at, end.min(at + text.len() as u64) - at);
                take(&text[cut as usize..until as usize])?;
            }
            first += batch;
        }
        Ok(())
    }

    /// Opens the last chunk, which alone says that the payload ends there.
    pub(super) fn check_end(&self) -> Result<()> {
        let last = num_chunks(self.payload_bytes) - 1;
        let mut sealed = vec![0; (self.payload_bytes - last * CHUNK as u64) as usize + TAG];
        let mut file = &self.file;
        let at = self.payload_at + last * SEALED as u64;
        file.seek(SeekFrom::Start(at))
            .and_then(|_| file.read_exact(&mut sealed))
            .map_err(Error::io(&self.path))?;
        if !self.stream.open(last, true, &mut sealed) {
            let detail = "it does not decrypt: it was changed, moved, or belongs to another bundle";
            return Err(Error::damaged(&self.path, format!("chunk {last}"), detail));
        }
        Ok(())
    }

    /// The manifest: its bytes and what they say. It must name exactly the files of the list.
    pub(super) fn manifest(&self, run: &Run) -> Result<(Vec<u8>, Manifest)> {
        let mut bytes = Vec::new();
        self.read(0, run, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        let damaged = |detail: &str| Error::damaged(&self.path, "manifest", detail);
        if Current::of(self.contents.current.generation, &bytes) != self.contents.current {
            return Err(damaged("its SHA-256 is not the one in the head"));
        }
        let manifest = Manifest::decode(&self.path, &bytes)?;
        let listed = self.contents.items[1..].iter().map(|item| &item.entry);
        if manifest.generation != self.contents.current.generation || !manifest.files().eq(listed) {
            return Err(damaged("it names other files than the list of the bundle"));
        }
        Ok((bytes, manifest))
    }
}

/// The data key in a header, if `key` is what wrapped it and nothing before it was changed.
fn unwrap(header: &[u8], key: &Key) -> Option<Zeroizing<[u8; 32]>> {
    let mut data_key = Zeroizing::new([0; 32]);
    data_key.copy_from_slice(&header[WRAPPED_AT..WRAPPED_AT + 32]);
    let tag = (&header[WRAPPED_AT + 32..HEAD_BYTES]).try_into().ok()?;
    let nonce: [u8; 12] = header[120..132].try_into().ok()?;
    let opened = key.wrapping().decrypt_inout_detached(
        &nonce.into(),
        &header[..WRAPPED_AT],
        data_key[..].as_mut().into(),
        tag,
    );
    opened.ok().map(|()| data_key)
}

fn decode(mut list: &[u8]) -> Option<Vec<Item>> {
    fn taken<'l>(list: &mut &'l [u8], bytes: usize) -> Option<&'l [u8]> {
        let (taken, rest) = list.split_at_checked(bytes)?;
        *list = rest;
        Some(taken)
    }
    let num = u32::from_le_bytes(taken(&mut list, 4)?.try_into().ok()?);
    let mut items = Vec::new();
    for _ in 0..num {
        let held = match taken(&mut list, 1)? {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        let name_bytes = taken(&mut list, 1)?[0];
        let name = String::from_utf8(taken(&mut list, name_bytes.into())?.to_vec()).ok()?;
        let bytes = u64::from_le_bytes(taken(&mut list, 8)?.try_into().ok()?);
        let sha256 = taken(&mut list, 32)?.try_into().ok()?;
        items.push(Item { entry: FileEntry { name, bytes, sha256 }, held });
    }
    list.is_empty().then_some(items)
}

/// Whether these are the manifest of `current`, which every bundle holds, and data files of sizes that can be added.
fn is_list(items: &[Item], current: &Current) -> bool {
    let Some((first, files)) = items.split_first() else {
        return false;
    };
    let sum = items.iter().try_fold(0u64, |sum, item| sum.checked_add(item.entry.bytes));
    first.held
        && first.entry.name == manifest_name(current.generation)
        && first.entry.sha256 == current.manifest
        && first.entry.bytes <= MANIFEST_BYTES_MAX
        && files.iter().all(|item| is_name(&item.entry.name))
        && sum.is_some()
}

#[cfg(test)]
mod tests {
    use super::super::super::disk::{DiskFile, System};
    use super::super::stream::Sealer;
    use super::*;

    /// Key `5a`…, secrets `00 01 02` … `32`; written by Python's `cryptography` from docs/bundle.md.
    const VECTOR: &str = concat!(
        "52494e4742554e0a01000100fd000000020000000000000005b3abf2579a5eb66403cd78be557fd860633a1fe2103c76",
        "42030defe32c657fbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0c00000000000000",
        "8de524bdbefbd19a5bfccb71032e468320212223242526002728292a2b2c2d2e2f303132000000000000000000000000",
        "33ba43397a9feb015917f5b91369a526a711a87ed528945d0f4f3dc27406d593753b51a5785d662b76fbfc3da4de3ec4",
        "b3fb2ca34975a77d25b192085309d21038fac36f8586db13bda678f4418ebfdebf41d1b9185846bb3c4aad11cc4406e9",
        "7699acf0b0bdf15d75c3699c1a5b8c961cec8420931aa863e473024bd9287b8cb39e1cf8692a4980b083b143c6a89178",
        "231733d636c354b2483e4d2ff3df9ea633a3fb7bb4435e3e471ba7706d93377c2ed744a0733f15e93386553dc72390b6",
        "2650d12bddb82fef28eb297b7ace6c490d5bca2efac85bdbee98fa6f926acb1b418074ffbcfc87362915b98f1844634e",
        "0a7c2a6881ee2927b0b6b11728a2f34c9571cf93f8327f0302af986ddd607e36808464e4d8f2d7e9f51837664972d9b5",
        "57e1a90d92010a5121c5bb2faf37a42b8519f276421f6a461d03884980def12578ead73eef955b54031258eda821f0cc",
        "9b70242c4f026cecae",
    );
    const DIGEST: &str = "f27bf240ca86abdb6f1a659ae7ade732d4545c6dc6d777978acb21e1afdd4c09";

    fn contents() -> Contents {
        let entry = |name: &str, text: &[u8]| FileEntry {
            name: name.to_string(),
            bytes: text.len() as u64,
            sha256: Sha256::digest(text).into(),
        };
        let zeros = "0".repeat(31);
        Contents {
            current: Current::of(2, b"manifest"),
            parent: Some([0xbb; 32]),
            items: vec![
                Item { entry: entry("manifest/00000000000000000002", b"manifest"), held: true },
                Item { entry: entry(&format!("keys/a-{zeros}0.keys"), b"keys"), held: true },
                Item { entry: entry(&format!("segments/2024-{zeros}1.seg"), b"segment"), held: false },
            ],
        }
    }

    #[test]
    fn a_bundle_is_the_documented_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.bundle");
        let secrets = Secrets::from_bytes(&std::array::from_fn(|at| at as u8));
        let key = Key::new([0x5a; 32]);
        let (header, digest, stream) = contents().seal(&key, &secrets).unwrap();
        let mut file = DiskFile::create(&System::shared(), path.clone()).unwrap();
        file.append(&header).unwrap();
        let mut sealer = Sealer::new(stream, &mut file);
        sealer.append(b"manifestkeys").unwrap();
        sealer.finish().unwrap();
        assert_eq!(hex(&std::fs::read(&path).unwrap()), VECTOR);
        assert_eq!(hex(&digest), DIGEST);
        let bundle = Bundle::open(&path, &key).unwrap();
        assert_eq!(bundle.digest, digest);
        assert_eq!(bundle.contents.items, contents().items);
        assert_eq!(
            (bundle.contents.current, bundle.contents.parent),
            (Current::of(2, b"manifest"), Some([0xbb; 32]))
        );
        let mut read = Vec::new();
        bundle
            .read(1, &Run::new(), |piece| {
                read.extend_from_slice(piece);
                Ok(())
            })
            .unwrap();
        assert_eq!(read, b"keys");
    }

    #[test]
    fn lists_are_read_to_the_byte_or_refused() {
        let list = contents().encode();
        assert_eq!(decode(&list), Some(contents().items));
        for at in 0..list.len() {
            assert_eq!(decode(&list[..at]), None, "cut at {at}");
        }
        assert_eq!(decode(&[&list[..], &[0]].concat()), None);
        let mut hostile = list.clone();
        hostile[..4].copy_from_slice(&[0xff; 4]);
        assert_eq!(decode(&hostile), None);
        let current = contents().current;
        assert!(is_list(&contents().items, &current));
        assert!(!is_list(&contents().items[1..], &current) && !is_list(&[], &current));
        let mut elsewhere = contents().items;
        elsewhere[2].entry.name = "segments/../../x".to_string();
        assert!(!is_list(&elsewhere, &current));
        let mut endless = contents().items;
        endless[2].entry.bytes = u64::MAX;
        assert!(!is_list(&endless, &current));
    }
}
