//! The house rule: a room imports only from the floors below it.
//!
//! Reads the `crate::` paths of every file under `src` (comments aside) and
//! compares floors. A room that is not listed here fails the test, so a new one gets its
//! floor when it is made. `main.rs` and `cli` are the binary: they reach the library as
//! `ringfence::`, stand above everything, and nothing may know them.

#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

use std::path::{Path, PathBuf};

const FLOORS: [(&str, u32); 17] = [
    ("error", 0),
    ("ids", 0),
    ("units", 0),
    ("run", 0),
    ("random", 0),
    ("memory", 0),
    ("store", 1),
    ("ingest", 2),
    ("synth", 2),
    ("graph", 3),
    ("community", 4),
    ("patterns", 5),
    ("trace", 5),
    ("rings", 6),
    ("report", 9),
    ("jobs", 10),
    ("cli", 11),
];

fn floor(room: &str) -> Option<u32> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

/// Names that follow `crate::` or `ringfence::` in the code of `text`; a re-export of the root (`Error`, `Run`) is ground.
fn imports(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.map(|line| line.split(" //").next().unwrap_or_default());
    let mut rooms = Vec::new();
    for line in code {
        for (at, path) in line.match_indices("crate::").chain(line.match_indices("ringfence::")) {
            let name: String =
                line[at + path.len()..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let reexport = name.starts_with(|c: char| c.is_uppercase());
            rooms.push(if reexport { "error".to_string() } else { name });
        }
    }
    rooms
}

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every rule that the file `path` (below `src`) breaks.
fn broken(path: &Path, text: &str) -> Vec<String> {
    let first = path.iter().next().and_then(|name| name.to_str()).unwrap_or_default();
    let room = first.strip_suffix(".rs").unwrap_or(first);
    if matches!(room, "lib" | "main" | "cli") {
        return Vec::new(); // the roof: everything is below
    }
    let place = path.display();
    let Some(own) = floor(room) else {
        return vec![format!("{place}: room {room} has no floor in tests/layers.rs")];
    };
    let against = |other: String| match floor(&other) {
        _ if other == room => None,
        Some(below) if below < own || (own == 0 && below == 0) => None,
        Some(above) => Some(format!("{place}: {room} (floor {own}) imports {other} (floor {above})")),
        None => Some(format!("{place}: imports {other:?}, which is no room; write paths out, one by one")),
    };
    imports(text).into_iter().filter_map(against).collect()
}

#[test]
fn every_room_imports_only_from_floors_below() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    assert!(files.len() > 20, "found only {} files under {}", files.len(), source.display());
    let mut complaints: Vec<String> = files
        .iter()
        .flat_map(|file| broken(file.strip_prefix(&source).unwrap(), &std::fs::read_to_string(file).unwrap()))
        .collect();
    complaints.sort();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn a_wrong_direction_an_equal_floor_and_an_unknown_room_are_found() {
    let complaint = |path: &str, text: &str| broken(Path::new(path), text).join(";");
    assert!(
        complaint("store/keys.rs", "use crate::graph::Graph;")
            .contains("store (floor 1) imports graph (floor 3)")
    );
    assert!(complaint("trace/lots.rs", "    crate::patterns::fan()").contains("imports patterns (floor 5)"));
    assert!(complaint("luggage/mod.rs", "").contains("room luggage has no floor"));
    assert!(complaint("graph/view.rs", "use crate::{store, report};").contains("write paths out"));
    assert!(complaint("graph/view.rs", "use ringfence::report::Table;").contains("imports report"));
    assert_eq!(complaint("graph/view.rs", "use crate::store::Io;\nuse crate::Error; // crate::\n"), "");
    assert_eq!(complaint("run.rs", "use crate::error::Error;\n/// [`crate::report`]\n"), "");
}
