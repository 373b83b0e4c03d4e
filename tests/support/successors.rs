//! Further generations of a store, published by hand as `docs/format.md` says, without syncs.
#![allow(dead_code)] // Each test program uses its own part.

use ringfence::store::manifest::Manifest;
use ringfence::store::{Io, Store};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use xxhash_rust::xxh3::xxh3_64;

/// The path of a generation's manifest.
pub fn manifest_path(root: &Path, generation: u64) -> PathBuf {
    root.join(format!("manifest/{generation:020}"))
}

/// Gives `bytes` the name `path` in one step.
pub fn place(path: &Path, bytes: &[u8]) {
    let temporary = path.with_file_name("tmp-77");
    std::fs::write(&temporary, bytes).unwrap();
    std::fs::rename(&temporary, path).unwrap();
}

/// The 64 bytes of `CURRENT` that name `manifest` as generation `generation`.
pub fn current(generation: u64, manifest: &[u8]) -> Vec<u8> {
    let mut record = b"RINGCUR\n".to_vec();
    record.extend(generation.to_le_bytes());
    record.extend(Sha256::digest(manifest));
    record.extend([0; 8]);
    let hash = xxh3_64(&record);
    record.extend(hash.to_le_bytes());
    record
}

/// A generation that is ready to be published but for its number and its parent.
pub struct Prepared {
    manifest: Manifest,
    files: Vec<(String, Vec<u8>)>,
}

/// What the live generation of `store` holds.
pub fn prepare(store: &Path) -> Prepared {
    let manifest = Store::open(store, Io::Read).unwrap().manifest;
    let files =
        manifest.files().map(|file| (file.name.clone(), std::fs::read(store.join(&file.name)).unwrap()));
    let files = files.collect();
    Prepared { manifest, files }
}

/// Everything but `CURRENT`: the files and the manifest. The generation, and what `CURRENT` would say.
pub fn lay_down(root: &Path, next: &Prepared) -> (u64, Vec<u8>) {
    let live = Store::open(root, Io::Read).unwrap();
    for (name, bytes) in &next.files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        if !path.exists() {
            place(&path, bytes);
        }
    }
    let generation = live.manifest.generation + 1;
    let manifest = Manifest { generation, parent: Some(live.manifest_sha256), ..next.manifest.clone() };
    let bytes = manifest.encode().unwrap();
    place(&manifest_path(root, generation), &bytes);
    (generation, current(generation, &bytes))
}

/// Publishes `next` as the next generation of the store at `root`, and gives its number.
pub fn publish(root: &Path, next: &Prepared) -> u64 {
    let (generation, current) = lay_down(root, next);
    place(&root.join("CURRENT"), &current);
    generation
}

/// Lets the manifest of a generation look as old as `written`.
pub fn written(root: &Path, generation: u64, written: SystemTime) {
    let file = std::fs::File::options().append(true).open(manifest_path(root, generation)).unwrap();
    file.set_modified(written).unwrap();
}
