//! Bundles sealed by somebody who has the key, with heads and lists that lie.

use super::forge::put;
use super::lie::{KEY, Lie};
use super::{Victim, measured, memory, support};
use ringfence::store::backup::{Key, Share, restore, verify_backup};
use ringfence::store::disk::System;
use ringfence::{Error, Run};
use sha2::{Digest, Sha256};

/// Checks and restores a bundle; what both say.
fn tried(victim: &Victim, what: &str, bundle: &[u8]) -> Result<(), Error> {
    let file = victim.path.with_extension("bundle");
    victim.num_forged.update(|num| num + 1);
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
    tried(&victim, "the truth", &Lie::of(&victim.path, &victim.manifest).seal(false)).unwrap();
}

#[test]
fn heads_and_lists_that_lie_are_refused_by_name() {
    let _alone = memory::alone();
    let victim = Victim::new(&support::scratch());
    let truth = Lie::of(&victim.path, &victim.manifest);
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
    let good = Lie::of(&victim.path, &victim.manifest).seal(false);
    for at in 0..208 {
        let mut bundle = good.clone();
        bundle[at] ^= 0x80;
        assert!(tried(&victim, &format!("byte {at}"), &bundle).is_err(), "byte {at}");
    }
}
