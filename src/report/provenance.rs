//! What a result rests on: the engine, the generation of the graph, and the sources it was built from.

use crate::graph::Graph;
use crate::units::Window;
use crate::units::time::format_time;
use serde_json::{Value, json};

/// The version of this engine.
pub const ENGINE: &str = concat!("ringfence ", env!("CARGO_PKG_VERSION"));

/// What identifies the data behind a result, to look it up and to run again: engine, generation, digest, sources.
pub fn provenance(graph: &Graph) -> Value {
    let manifest = graph.manifest();
    let sources: Vec<Value> = manifest
        .sources
        .iter()
        .map(|source| json!({ "role": source.role, "name": source.name, "sha256": hex(&source.sha256) }))
        .collect();
    json!({
        "engine": ENGINE,
        "generation": manifest.generation,
        "manifest_sha256": hex(&graph.store().manifest_sha256),
        "built_by": manifest.tool,
        "num_accounts": manifest.num_accounts,
        "num_transactions": graph.num_transactions(),
        "sources": sources,
    })
}

/// A window of time as documents have it; null where it is open.
pub(super) fn window_document(window: Window) -> Value {
    let bound = |time: i64, open: i64| if time == open { Value::Null } else { format_time(time).into() };
    json!({ "from": bound(window.from, i64::MIN), "to": bound(window.to, i64::MAX) })
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
