//! Bundles sealed by somebody who has the key, written from `docs/bundle.md` alone, so that they can say what no backup does.
#![allow(dead_code)] // Each test program uses its own part.

use super::forge::put;
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use hkdf::Hkdf;
use ringfence::store::backup::Key;
use ringfence::store::manifest::Manifest;
use sha2::{Digest, Sha256};
use std::path::Path;

/// The key that every bundle here is sealed under.
pub const KEY: [u8; 32] = [0x5a; 32];
const DATA_KEY: [u8; 32] = [0x33; 32];

fn cipher(key: &[u8; 32], label: &str) -> Aes256Gcm {
    let mut derived = [0; 32];
    Hkdf::<Sha256>::new(None, key).expand(label.as_bytes(), &mut derived).unwrap();
    Aes256Gcm::new((&derived).into())
}

fn seal(cipher: &Aes256Gcm, nonce: [u8; 12], associated: &[u8], text: &[u8]) -> Vec<u8> {
    let mut sealed = text.to_vec();
    let tag = cipher.encrypt_inout_detached(&nonce.into(), associated, sealed[..].as_mut().into()).unwrap();
    sealed.extend_from_slice(&tag);
    sealed
}

/// What goes into a bundle, to be changed before it is sealed.
#[derive(Clone)]
pub struct Lie {
    pub head: Vec<u8>,
    pub list: Vec<u8>,
    pub payload: Vec<u8>,
}

impl Lie {
    /// The truth about a store.
    pub fn of(store: &Path, manifest: &Manifest) -> Self {
        let files = manifest.files();
        let manifest = manifest.encode().unwrap();
        let sha256: [u8; 32] = Sha256::digest(&manifest).into();
        let mut head = vec![0; 144];
        head[..8].copy_from_slice(b"RINGBUN\n");
        (head[8], head[10]) = (1, 1);
        put(&mut head, 16, 1);
        head[24..56].copy_from_slice(&sha256);
        head[96..112].copy_from_slice(&Key::new(KEY).id());
        let mut lie = Lie { head, list: vec![0; 4], payload: Vec::new() };
        lie.add(true, &format!("manifest/{:020}", 1), manifest.len() as u64, &sha256);
        lie.payload.extend(manifest);
        for entry in files {
            lie.add(true, &entry.name, entry.bytes, &entry.sha256);
            lie.payload.extend(std::fs::read(store.join(&entry.name)).unwrap());
        }
        lie
    }

    /// Lists one more file.
    pub fn add(&mut self, held: bool, name: &str, bytes: u64, sha256: &[u8; 32]) {
        self.list[0] += 1;
        self.list.extend([u8::from(held), name.len() as u8]);
        self.list.extend(name.bytes());
        self.list.extend(bytes.to_le_bytes());
        self.list.extend(sha256);
    }

    /// The bundle, encrypted as it should be. Lengths in the head are those of list and payload, unless `keep` is set.
    pub fn seal(&self, keep: bool) -> Vec<u8> {
        let mut head = self.head.clone();
        if !keep {
            head[12..16].copy_from_slice(&(self.list.len() as u32).to_le_bytes());
            put(&mut head, 88, self.payload.len() as u64);
        }
        let nonce = head[120..132].try_into().unwrap();
        let wrapped = seal(&cipher(&KEY, "ringfence bundle 1 wrap"), nonce, &head, &DATA_KEY);
        head.extend(wrapped);
        let list = seal(&cipher(&DATA_KEY, "ringfence bundle 1 list"), [0; 12], &head, &self.list);
        head.extend(list);
        let digest = Sha256::digest(&head);
        let chunks = cipher(&DATA_KEY, "ringfence bundle 1 chunks");
        let last = self.payload.len().div_ceil(1 << 16).max(1) - 1;
        for number in 0..=last {
            let text = &self.payload[number << 16..self.payload.len().min((number + 1) << 16)];
            let mut nonce = [0; 12];
            nonce[..7].copy_from_slice(&head[112..119]);
            // The construction's order, not that of our files.
            (0..4).for_each(|at| nonce[7 + at] = (number >> (24 - 8 * at)) as u8);
            nonce[11] = u8::from(number == last);
            head.extend(seal(&chunks, nonce, &digest, text));
        }
        head
    }
}
