//! What was done with a store, or found in it, as documents: for `--json` and for Python.
//!
//! Digests are hexadecimal, times are those of the file system to the second, in UTC.

use super::provenance::hex;
use crate::graph::drill::Drill;
use crate::store::backup::{Checked, Made, Restored};
use crate::store::collect::Collected;
use crate::store::doctor::Finding;
use crate::store::generations::Generation;
use crate::units::time::format_time;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// A generation, and how many living pins hold it.
pub fn generation(generation: &Generation, pins: u64) -> Value {
    let manifest = &generation.manifest;
    let sources: Vec<Value> = generation
        .sources_new
        .iter()
        .map(|source| {
            json!({
                "role": source.role, "name": source.name, "sha256": hex(&source.sha256),
                "read": source.read, "accepted": source.accepted,
            })
        })
        .collect();
    json!({
        "generation": generation.number(),
        "live": generation.live,
        "parent": generation.parent,
        "parent_sha256": manifest.parent.map(|parent| hex(&parent)),
        "manifest_sha256": hex(&generation.manifest_sha256),
        "built_by": manifest.tool,
        "written": written(generation.written),
        "num_accounts": manifest.num_accounts,
        "num_transactions": generation.num_transactions(),
        "num_segments": manifest.segments.len(),
        "bytes_own": generation.bytes_own,
        "bytes_shared": generation.bytes_shared,
        "sources_new": sources,
        "pins": pins,
    })
}

/// A time of the file system, to the second.
pub fn written(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    format_time(i64::try_from(seconds).unwrap_or(i64::MAX / 1_000_000).saturating_mul(1_000_000))
}

/// What a collection removed, or would remove.
pub fn collected(done: &Collected, dry_run: bool) -> Value {
    let kept = done.kept.iter().map(|(generation, reasons)| {
        let reasons: Vec<&str> = reasons.iter().map(|reason| reason.name()).collect();
        json!({ "generation": generation, "because": reasons })
    });
    let files = done.removals.iter();
    let files =
        files.map(|each| json!({ "name": each.name, "bytes": each.bytes, "leftover": each.leftover }));
    json!({
        "dry_run": dry_run,
        "live": done.live,
        "kept": kept.collect::<Vec<_>>(),
        "gone": done.gone,
        "num_files": done.removals.len(),
        "bytes": done.bytes(),
        "files": files.collect::<Vec<_>>(),
        "not_ours": done.others,
        "writer": done.writer,
    })
}

/// A finding of the doctor.
pub fn finding(finding: &Finding) -> Value {
    let Finding { level, subject, what, remedy } = finding;
    json!({ "level": level.name(), "subject": subject, "what": what, "remedy": remedy })
}

/// What a backup wrote.
pub fn made(made: &Made) -> Value {
    json!({
        "generation": made.generation,
        "manifest_sha256": hex(&made.manifest_sha256),
        "num_written": made.num_written,
        "bytes_written": made.bytes_written,
        "num_kept": made.num_kept,
        "num_mended": made.num_mended,
        "bundle": made.digest.map(|digest| hex(&digest)),
    })
}

/// What a check of a backup looked at.
pub fn checked(found: &Checked) -> Value {
    json!({
        "generation": found.generation,
        "num_files": found.num_files,
        "num_checked": found.num_checked,
        "bytes_checked": found.bytes_checked,
    })
}

/// What a restoration made.
pub fn restored(found: &Restored) -> Value {
    json!({
        "generation": found.verified.generation,
        "manifest_sha256": hex(&found.manifest_sha256),
        "num_files": found.verified.num_files,
        "bytes": found.verified.bytes,
    })
}

/// What a drill asked, and how long it took.
pub fn drill(found: &Drill) -> Value {
    let answers = found.answers.iter();
    let answers = answers.map(|(question, digest)| json!({ "question": question, "sha256": hex(digest) }));
    json!({
        "generation": found.verified.generation,
        "bytes": found.verified.bytes,
        "restored_in_s": found.restored_in.as_secs_f64(),
        "asked_in_s": found.asked_in.as_secs_f64(),
        "answers": answers.collect::<Vec<_>>(),
    })
}
