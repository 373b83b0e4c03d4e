//! Stores and bundles made to mislead: every checksum and digest in them is right, so that only a rule can refuse them.
//!
//! `corrupt` shows that damage is noticed. Here somebody writes what no ingest writes, with the same care for checksums
//! as the writer has. Whatever he writes is refused by name, or is a store like any other: never a panic, never more than
//! a second or 64 MiB for a store of some kilobytes (`memory` counts both). What a full verification accepts is
//! answered from, the same with both backends. `RINGFENCE_TORTURE=1` tries more changes of values.
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

mod bundles;
#[path = "../support/forge.rs"]
mod forge;
#[path = "../support/full.rs"]
mod full;
mod headers;
#[path = "../support/lie.rs"]
mod lie;
mod memory;
mod records;
#[path = "../support/mod.rs"]
mod support;
mod values;

use memory::measured;
use ringfence::store::manifest::Manifest;
use ringfence::store::verify::verify;
use ringfence::store::{Io, Store};
use ringfence::{Error, Result, Run};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A store that can be lied about, and its manifest.
struct Victim {
    _directory: TempDir,
    path: PathBuf,
    manifest: Manifest,
    num_forged: Cell<u64>,
}

impl Drop for Victim {
    fn drop(&mut self) {
        println!("{} forged stores or bundles", self.num_forged.get());
    }
}

impl Victim {
    fn new(options: &ringfence::graph::build::IngestOptions) -> Self {
        // In memory where the system offers it: these tests write one file very often.
        let shared = Path::new("/dev/shm");
        let directory =
            if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }.unwrap();
        let path = directory.path().join("bank.ring");
        full::build(&path, options);
        let manifest = Store::open(&path, Io::Read).unwrap().manifest;
        Victim { _directory: directory, path, manifest, num_forged: Cell::new(0) }
    }

    /// The files that the manifest names.
    fn names(&self) -> Vec<String> {
        self.manifest.files().map(|entry| entry.name.clone()).collect()
    }

    fn name(&self, part: &str) -> String {
        self.names().into_iter().find(|name| name.contains(part)).unwrap()
    }

    /// The keys of a kind of identifiers.
    fn keys_of(&self, kind: &str) -> String {
        self.manifest.kinds.iter().find(|entry| entry.name == kind).unwrap().keys.name.clone()
    }

    fn parse(&self, name: &str) -> forge::File {
        forge::File::parse(&std::fs::read(self.path.join(name)).unwrap())
    }

    /// The store with one file replaced, and a manifest that agrees with it but for what `manifest` changes.
    fn with(&self, name: &str, bytes: &[u8], manifest: impl FnOnce(&mut Manifest)) -> Forged<'_> {
        self.num_forged.update(|num| num + 1);
        let mut lie = self.manifest.clone();
        let truth = std::fs::read(self.path.join(name)).unwrap();
        let file = forge::replace(&self.path, &mut lie, name, bytes);
        manifest(&mut lie);
        forge::publish(&self.path, 1, &lie.encode().unwrap());
        // A header is not part of the content that a file is named by.
        let was_there = (file == self.path.join(name)).then_some(truth);
        Forged { victim: self, file: Some((file, was_there)) }
    }

    /// The store with another manifest.
    fn with_manifest(&self, bytes: &[u8]) -> Forged<'_> {
        self.num_forged.update(|num| num + 1);
        forge::publish(&self.path, 1, bytes);
        Forged { victim: self, file: None }
    }
}

/// A store while it lies; the truth comes back when this is dropped.
struct Forged<'v> {
    victim: &'v Victim,
    /// What was written, and what was there before.
    file: Option<(PathBuf, Option<Vec<u8>>)>,
}

impl Drop for Forged<'_> {
    fn drop(&mut self) {
        match &self.file {
            Some((file, Some(truth))) => std::fs::write(file, truth).unwrap(),
            Some((file, None)) => std::fs::remove_file(file).unwrap(),
            None => {}
        }
        forge::publish(&self.victim.path, 1, &self.victim.manifest.encode().unwrap());
    }
}

/// Refused with a file of the store and a place in it.
fn named<T>(answer: Result<T>, path: &Path, what: &str) -> String {
    let error = answer.err().unwrap_or_else(|| panic!("{what}: was not refused"));
    let text = error.to_string();
    let told = matches!(error, Error::Damaged { .. } | Error::Foreign { .. } | Error::Version { .. });
    assert!(told && text.contains(path.to_str().unwrap()), "{what}: {error:?}");
    text
}

/// What a full verification and, if it accepts, everything that can be asked come to; `None` if the store was refused.
fn judged(path: &Path, what: &str) -> Option<serde_json::Value> {
    for io in [Io::Mmap, Io::Read] {
        // Opening alone: whether it refuses is decided below.
        let _ = measured(what, || Store::open(path, io).is_ok());
    }
    let verified = measured(what, || verify(path, true, &Run::new()).map(|_| ()));
    if let Err(error) = verified {
        named::<()>(Err(error), path, what);
        return None;
    }
    let [mapped, read] = [Io::Mmap, Io::Read].map(|io| measured(what, || full::answers(path, io)));
    let (mapped, read) =
        (mapped.unwrap_or_else(|error| panic!("{what}: accepted, but {error}")), read.unwrap());
    assert!(mapped == read, "{what}: the backends disagree");
    Some(mapped)
}

/// Refused by opening or by a full verification, for a reason that says `why`.
fn refused(path: &Path, what: &str, why: &str) {
    for io in [Io::Mmap, Io::Read] {
        let _ = measured(what, || Store::open(path, io).is_ok());
    }
    let verified = measured(what, || verify(path, true, &Run::new()).map(|_| ()));
    let text = named(verified, path, what);
    assert!(text.contains(why), "{what}: {text}");
}

#[allow(clippy::disallowed_methods)] // A test is a door.
fn torture() -> bool {
    std::env::var_os("RINGFENCE_TORTURE").is_some_and(|value| value == "1")
}

/// Whether a case of many is tried: all of them under torture, else one in `of`.
fn is_tried(case: u64, of: u64) -> bool {
    torture() || support::random(17, case).is_multiple_of(of)
}

#[test]
fn the_forger_writes_what_the_writer_writes() {
    let _alone = memory::alone();
    let victim = Victim::new(&support::scratch());
    for name in victim.names() {
        let bytes = std::fs::read(victim.path.join(&name)).unwrap();
        assert!(forge::File::parse(&bytes).bytes() == bytes, "{name}");
    }
    let manifest = victim.manifest.encode().unwrap();
    assert_eq!(forge::framed(1, &manifest[24..manifest.len() - 8]), manifest);
    assert!(judged(&victim.path, "the truth").is_some());
}
