//! What became of the rings of one run in another.

use super::read::previous;
use crate::error::Result;
use crate::report::folder::Report;
use crate::report::table::{Table, Values};
use crate::rings::{Change, Fate, changes};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Compares two directories that `ringfence rings` made. The table `changes`: `fate` (`born`, `grew`, `shrank`, `changed`, `unchanged`, `merged`,
/// `split`, `gone`; [`changes`] defines them), `ring` (the new one), `previous` (the old one), `num_shared`, `num_gained`, `num_lost` (members); by new
/// ring, those that are gone last. The document counts each fate.
///
/// # Errors
/// [`Error::Input`](crate::Error::Input), [`Error::Io`](crate::Error::Io).
pub fn ring_changes(old: &Path, new: &Path) -> Result<Report> {
    let (old_names, old_members) = previous(old)?;
    let (new_names, new_members) = previous(new)?;
    let found = changes(&old_members, &new_members);
    let name = |names: &[String], place: Option<usize>| place.map(|place| names[place].clone());
    let sizes = |of: fn(&Change) -> usize| Values::U32(found.iter().map(|one| of(one) as u32).collect());
    let table = Table::new([
        ("fate", Values::Text(found.iter().map(|one| one.fate.name().to_string()).collect())),
        ("ring", Values::OptionText(found.iter().map(|one| name(&new_names, one.new)).collect())),
        ("previous", Values::OptionText(found.iter().map(|one| name(&old_names, one.old)).collect())),
        ("num_shared", sizes(|one| one.shared)),
        ("num_gained", sizes(|one| one.gained)),
        ("num_lost", sizes(|one| one.lost)),
    ]);
    let fates = [
        Fate::Born,
        Fate::Grew,
        Fate::Shrank,
        Fate::Changed,
        Fate::Unchanged,
        Fate::Merged,
        Fate::Split,
        Fate::Gone,
    ];
    let counts: Map<String, Value> = fates
        .iter()
        .map(|fate| (fate.name().to_string(), found.iter().filter(|one| one.fate == *fate).count().into()))
        .collect();
    let document = json!({
        "result": "changes of rings",
        "num_rings": new_names.len(), "num_previous": old_names.len(), "fates": counts,
    });
    Ok(Report { tables: vec![("changes", table)], document_name: "summary", document, parts: Vec::new() })
}
