//! The fuzzer's targets with a corpus that stays, and with some thousands of changes of it; `make fuzz` goes on from there.
//!
//! The number of inputs is fixed and their bytes follow from a seed, so that every run tries the same.
//! `RINGFENCE_TORTURE=1` tries a hundred times as many.
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

mod parts;
#[path = "../support/mod.rs"]
mod support;

use parts::targets;
use std::path::{Path, PathBuf};
use support::random;

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzzing/corpus").join(name);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| (file.clone(), std::fs::read(file).unwrap())).collect()
}

/// Some change of one input, or of two: bytes changed, put in, taken out, repeated, numbers put in, ends exchanged.
fn changed(inputs: &[(PathBuf, Vec<u8>)], seed: u64) -> Vec<u8> {
    let pick = |step: u64, below: usize| random(seed, step) as usize % below.max(1);
    let mut bytes = inputs[pick(0, inputs.len())].1.clone();
    for round in 0..1 + pick(1, 6) as u64 {
        let pick = |step: u64, below: usize| pick(10 + 10 * round + step, below);
        let at = pick(0, bytes.len() + 1);
        match pick(1, 8) {
            0 if at < bytes.len() => bytes[at] = random(seed, 500 + round) as u8,
            1 if at < bytes.len() => bytes[at] ^= 1 << pick(2, 8),
            2 => bytes.insert(at, b"0123456789.,-+eE\"'\n\r\0;:TZ \xff\x80"[pick(2, 27)]),
            3 if at < bytes.len() => {
                bytes.drain(at..bytes.len().min(at + 1 + pick(2, 8)));
            }
            4 => {
                let end = bytes.len().min(at + 1 + pick(2, 16));
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            5 => {
                let word =
                    [0, 1, 255, 1 << 31, 1 << 32, 1 << 62, 1 << 63, u64::MAX, u64::MAX >> 1][pick(2, 9)];
                let end = bytes.len().min(at + 8);
                bytes.splice(at..end, u64::to_le_bytes(word));
            }
            6 => {
                let other = &inputs[pick(2, inputs.len())].1;
                let from = pick(3, other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

#[allow(clippy::disallowed_methods)] // A test is a door.
fn torture() -> bool {
    std::env::var_os("RINGFENCE_TORTURE").is_some_and(|value| value == "1")
}

/// Runs one target over its corpus and `num` changes of it; an input that fails is kept where the message says.
fn run(name: &str, num: u64) {
    let target = targets::ALL.iter().find(|(of, _)| *of == name).unwrap().1;
    let inputs = corpus(name);
    assert!(!inputs.is_empty(), "{name} has no corpus");
    let tried = |what: &str, bytes: &[u8]| {
        if let Err(panic) = std::panic::catch_unwind(|| target(bytes)) {
            let file = std::env::temp_dir().join(format!("ringfence-{name}-failed"));
            std::fs::write(&file, bytes).unwrap();
            eprintln!("{what} breaks {name}; the input is in {}", file.display());
            std::panic::resume_unwind(panic);
        }
    };
    for (file, bytes) in &inputs {
        tried(&file.display().to_string(), bytes);
    }
    let num = if torture() { 100 * num } else { num };
    for seed in 0..num {
        tried(&format!("seed {seed}"), &changed(&inputs, seed));
    }
}

#[test]
fn decimals() {
    run("decimals", 200_000);
}

#[test]
fn times() {
    run("times", 100_000);
}

#[test]
fn zones() {
    run("zones", 1_000);
}

#[test]
fn csv() {
    run("csv", 1_000);
}

#[test]
fn keys() {
    run("keys", 1_000);
}

#[test]
fn manifest() {
    run("manifest", 50_000);
}

#[test]
fn store() {
    run("store", 400);
}

#[test]
fn bundle() {
    run("bundle", 300);
}

#[test]
fn every_target_is_a_test_and_a_program_of_the_fuzzer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("tests/fuzzing/main.rs")).unwrap();
    for (name, _) in targets::ALL {
        assert!(text.contains(&format!("    run(\"{name}\", ")), "{name} is no test");
        let program = root.join(format!("fuzz/fuzz_targets/{name}.rs"));
        assert!(
            std::fs::read_to_string(program).unwrap().contains(&format!("targets::{name}(data)")),
            "{name}"
        );
    }
}
