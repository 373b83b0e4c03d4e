//! Bundles sealed by somebody who has the key, with heads and lists that lie.
//!
//! Written from `docs/bundle.md` alone.

use super::forge::put;
use super::{Victim, measured, memory, support};
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use hkdf::Hkdf;
use ringfence::store::backup::{Key, Share, restore, verify_backup};
use ringfence::store::disk::System;
use ringfence::{Error, Run};
use sha2::{Digest, Sha256};

const KEY: [u8; 32] = [0x5a; 32];
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
struct Lie {
    head: Vec<u8>,
    list: Vec<u8>,
    payload: Vec<u8>,
}

impl Lie {
    /// The truth about a store.
    fn of(victim: &Victim) -> Self {
        let manifest = victim.manifest.encode().unwrap();
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
        for entry in victim.manifest.files() {
            lie.add(true, &entry.name, entry.bytes, &entry.sha256);
            lie.payload.extend(std::fs::read(victim.path.join(&entry.name)).unwrap());
        }
        lie
    }

    fn add(&mut self, held: bool, name: &str, bytes: u64, sha256: &[u8; 32]) {
        self.list[0] += 1;
        self.list.extend([u8::from(held), name.len() as u8]);
        self.list.extend(name.bytes());
        self.list.extend(bytes.to_le_bytes());
        self.list.extend(sha256);
    }

    /// The bundle, encrypted as it should be. Lengths in the head are those of list and payload, unless `keep` is set.
    fn seal(&self, keep: bool) -> Vec<u8> {
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

/// Checks and restores a bundle; what both say.
fn tried(victim: &Victim, what: &str, bundle: &[u8]) -> Result<(), Error> {
    let file = victim.path.with_extension("bundle");
    std::fs::write(&file, bundle).unwrap();
    let key = Key::new(KEY);
    let output = victim.path.with_extension("restored");
    let from = [file.clone()];
    let checked = measured(what, || verify_backup(&from, Some(&key), Share::ALL, &Run::new()).map(|_| ()));
    let restored = measured(what, || {
        let _ = std::fs::remove_dir_all(&output);
        restore(&from, Some(&key), &output, &System::shared(), &Run::new()).map(|_| ())
    });
    if restored.is_err() {
        assert!(!output.exists(), "{what}: something was left");
    }
    let told = |error: &Error| {
        let text = error.to_string();
        // A restored store is verified under its partial name.
        text.contains(file.to_str().unwrap()) || text.contains("restored")
    };
    for error in [&checked, &restored].into_iter().filter_map(|answer| answer.as_ref().err()) {
        assert!(told(error), "{what}: {error}");
    }
    checked.and(restored)
}

#[test]
fn a_bundle_made_by_hand_is_one() {
    let _alone = memory::alone();
    let victim = Victim::new(&support::scratch());
    tried(&victim, "the truth", &Lie::of(&victim).seal(false)).unwrap();
}

#[test]
fn heads_and_lists_that_lie_are_refused_by_name() {
    let _alone = memory::alone();
    let victim = Victim::new(&support::scratch());
    let truth = Lie::of(&victim);
    let refused = |what: &str, keep: bool, change: &dyn Fn(&mut Lie)| {
        let mut lie = truth.clone();
        change(&mut lie);
        let error = tried(&victim, what, &lie.seal(keep)).expect_err(&format!("{what}: was not refused"));
        let told = matches!(
            error,
            Error::Damaged { .. } | Error::Foreign { .. } | Error::Version { .. } | Error::Input { .. }
        );
        assert!(told, "{what}: {error:?}");
    };
    for value in [1, 4095, 1 << 32, 1 << 48, (1 << 48) + 1, 1 << 62, 1 << 63, u64::MAX, u64::MAX - 65_535] {
        refused(&format!("payload of {value}"), true, &|lie| {
            let bytes = (lie.list.len() as u32).to_le_bytes();
            lie.head[12..16].copy_from_slice(&bytes);
            put(&mut lie.head, 88, value);
        });
    }
    for value in [0, 3, 64 << 20, (64 << 20) + 1, u32::MAX] {
        refused(&format!("list of {value}"), true, &|lie| {
            lie.head[12..16].copy_from_slice(&value.to_le_bytes());
            let bytes = lie.payload.len() as u64;
            put(&mut lie.head, 88, bytes);
        });
    }
    for (at, value, what) in [
        (0, b'X', "mark"),
        (8, 2, "version"),
        (9, 1, "version"),
        (10, 2, "suite"),
        (16, 2, "generation"),
        (23, 255, "generation"),
        (24, 1, "digest of the manifest"),
        (56, 1, "parent"),
        (96, 1, "key"),
        (119, 1, "spare byte"),
        (132, 1, "spare byte"),
        (143, 1, "spare byte"),
    ] {
        refused(&format!("{what}, byte {at}"), false, &|lie| lie.head[at] ^= value);
    }
    // Every byte of the list, as a count, a length, part of a name or of a digest.
    for at in 0..truth.list.len() {
        for value in [1, 128] {
            refused(&format!("list, byte {at} ^ {value}"), false, &|lie| lie.list[at] ^= value);
        }
    }
    let name = |lie: &mut Lie, old: &str, new: &str| {
        let at = lie.list.windows(old.len()).position(|window| window == old.as_bytes()).unwrap();
        lie.list[at..at + old.len()].copy_from_slice(new.as_bytes());
    };
    refused("a name that leads out", false, &|lie| name(lie, "keys/account-", "keys/../../.."));
    refused("an absolute name", false, &|lie| name(lie, "keys/account-", "/tmp/account-"));
    refused("more files than are listed", false, &|lie| lie.list[..4].copy_from_slice(&[255; 4]));
    refused("no files", false, &|lie| lie.list = vec![0; 4]);
    refused("an empty list", false, &|lie| lie.list.clear());
    refused("a list with something behind", false, &|lie| lie.list.push(0));
    refused("a file more", false, &|lie| {
        lie.add(true, &format!("segments/x-{}.seg", "0".repeat(32)), 4, &[0; 32]);
        lie.payload.extend([0; 4]);
    });
    refused("sizes beyond 2^64", false, &|lie| {
        lie.add(false, &format!("segments/x-{}.seg", "0".repeat(32)), u64::MAX, &[0; 32]);
    });
    refused("a manifest of 2^63 bytes", false, &|lie| {
        let at = 4 + 2 + "manifest/".len() + 20;
        put(&mut lie.list, at, 1 << 63);
    });
    refused("a payload that is shorter", false, &|lie| lie.payload.truncate(lie.payload.len() - 1));
    refused("another payload", false, &|lie| lie.payload[5000] ^= 1);
    refused("a store that breaks a rule", false, &|lie| {
        // Not a byte of the bundle is wrong; the manifest is not that of a store.
        let mut manifest = victim.manifest.clone();
        manifest.totals[0].accepted += 1;
        let bytes = manifest.encode().unwrap();
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        lie.head[24..56].copy_from_slice(&sha256);
        let at = 4 + 2 + "manifest/".len() + 20 + 8;
        lie.list[at..at + 32].copy_from_slice(&sha256);
        lie.payload[..bytes.len()].copy_from_slice(&bytes);
    });
}

/// Bytes of a bundle changed one by one: `backup_bundles` does it all; here also that it costs nothing.
#[test]
fn a_bundle_with_a_wrong_head_costs_nothing() {
    let _alone = memory::alone();
    let victim = Victim::new(&support::scratch());
    let good = Lie::of(&victim).seal(false);
    for at in 0..208 {
        let mut bundle = good.clone();
        bundle[at] ^= 0x80;
        assert!(tried(&victim, &format!("byte {at}"), &bundle).is_err(), "byte {at}");
    }
}
