//! Stores with a history: one directory per generation, each as the store would be then.
#![allow(dead_code)] // Each test program uses its own part.

use super::support::{random, scratch};
use ringfence::Run;
use ringfence::graph::build::{Sources, ingest};
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::store::manifest::Manifest;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Makes `steps` generations in `directory`: generation `g` holds what `g` deliveries brought, each for a month or two.
pub fn history(directory: &Path, seed: u64, steps: u64) -> Vec<PathBuf> {
    let deliveries: Vec<PathBuf> = (0..steps).map(|step| delivery(directory, seed, step)).collect();
    let mut parent = None;
    let mut made = Vec::new();
    for generation in 1..=steps {
        let path = directory.join(format!("generation-{generation}.ring"));
        let transactions = deliveries[..generation as usize].iter().cloned().map(Source::File).collect();
        let sources = Sources { transactions, ..Sources::default() };
        let mapping = Mapping::preset("ledger").unwrap();
        ingest(&path, sources, &mapping, &mut RejectLog::counting(), &scratch(), &Run::new()).unwrap();
        parent = Some(renumber(&path, generation, parent));
        made.push(path);
    }
    made
}

fn delivery(directory: &Path, seed: u64, step: u64) -> PathBuf {
    let mut text = String::from("transaction,source,destination,time,amount,currency\n");
    let pick = |what: u64, below: u64| random(seed, step * 100_000 + what) % below;
    for row in 0..20 + pick(0, 60) {
        let pick = |what: u64, below: u64| pick(1 + row * 8 + what, below);
        let month = 1 + (step * 2 + pick(0, 2) + pick(1, 9) / 8 * 7) % 12;
        writeln!(
            text,
            "s{step}r{row},a{},a{},2024-{month:02}-{:02}T{:02}:00:00Z,{}.{:02},EUR",
            pick(2, 30),
            pick(3, 30),
            1 + pick(4, 28),
            pick(5, 24),
            pick(6, 1000),
            pick(7, 100),
        )
        .unwrap();
    }
    let file = directory.join(format!("delivery-{step}.csv"));
    std::fs::write(&file, text).unwrap();
    file
}

/// Makes a store of generation 1 one of another generation; gives the SHA-256 of its manifest.
fn renumber(path: &Path, generation: u64, parent: Option<[u8; 32]>) -> [u8; 32] {
    let first = path.join("manifest/00000000000000000001");
    let manifest = Manifest::decode(&first, &std::fs::read(&first).unwrap()).unwrap();
    let bytes = Manifest { generation, parent, ..manifest }.encode().unwrap();
    std::fs::remove_file(&first).unwrap();
    std::fs::write(path.join(format!("manifest/{generation:020}")), &bytes).unwrap();
    let digest: [u8; 32] = Sha256::digest(&bytes).into();
    let mut current = b"RINGCUR\n".to_vec();
    current.extend_from_slice(&generation.to_le_bytes());
    current.extend_from_slice(&digest);
    current.extend_from_slice(&[0; 8]);
    current.extend_from_slice(&xxhash_rust::xxh3::xxh3_64(&current).to_le_bytes());
    std::fs::write(path.join("CURRENT"), current).unwrap();
    digest
}
