//! What a directory of stores holds, in one value that two of them can be compared by.

use ringfence::store::generations::generations;
use ringfence::store::verify::verify;
use ringfence::store::{Io, Store, StoreWriter};
use ringfence::{Error, Run};
use std::path::{Path, PathBuf};

/// What is live at a place: `nothing`, or the generation and the SHA-256 of its manifest, which stands for all its bytes.
pub type State = String;

/// The state of the store at `path`, or why it is not sound. A store that is sound passes a full verification, older
/// generations that are listed open, and the next writer may begin there.
pub fn of_store(path: &Path) -> Result<State, String> {
    if path.symlink_metadata().is_err() {
        return Ok("nothing".into());
    }
    match Store::open(path, Io::Read) {
        Ok(store) => {
            verify(path, true, &Run::new()).map_err(|error| error.to_string())?;
            for generation in generations(path).map_err(|error| error.to_string())? {
                Store::open_generation(path, generation.number(), Io::Read)
                    .map_err(|error| format!("generation {}: {error}", generation.number()))?;
            }
            StoreWriter::append(path).map_err(|error| format!("the next writer is refused: {error}"))?;
            let digest: String = store.manifest_sha256.iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(format!("generation {} {digest}", store.manifest.generation))
        }
        Err(Error::Foreign { what: "store", .. }) => match StoreWriter::create(path) {
            Ok(_) => Ok("nothing".into()),
            Err(error) => Err(format!("no generation, and the next writer is refused: {error}")),
        },
        Err(error) => Err(error.to_string()),
    }
}

/// Every file and directory below `path` with its bytes, sorted: to compare before with after.
pub fn listing(path: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    let mut todo = vec![path.to_path_buf()];
    while let Some(directory) = todo.pop() {
        for entry in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            let is_directory = entry.is_dir();
            let bytes = (!is_directory).then(|| std::fs::read(&entry).unwrap());
            found.push((entry.strip_prefix(path).unwrap().to_path_buf(), bytes));
            if is_directory {
                todo.push(entry);
            }
        }
    }
    found.sort();
    found
}

/// Copies a directory with everything in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for (path, bytes) in listing(from) {
        match bytes {
            None => std::fs::create_dir(to.join(path)).unwrap(),
            Some(bytes) => std::fs::write(to.join(path), bytes).unwrap(),
        }
    }
}
