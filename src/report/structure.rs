//! What the answers about the structure of a projection have in common: hubs, and what the document says.

use super::folder::Report;
use super::projection::Projected;
use super::rings::Identifiers;
use super::table::Table;
use crate::error::Result;
use crate::graph::project::Rows;
use crate::run::Run;
use serde_json::{Value, json};

/// Nodes by their scores, highest first, ties in order.
pub(super) fn highest_first(scores: &[f64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    order.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]).then(a.cmp(&b)));
    order
}

/// Tables with hubs, and a document.
pub(super) fn structure_report<const N: usize>(
    projected: &Projected,
    result: &str,
    mut tables: Vec<(&'static str, Table)>,
    said: [(&str, Value); N],
    identifiers: Identifiers,
    run: &Run,
) -> Result<Report> {
    tables.push(("hubs", projected.hubs(identifiers, run)?));
    let (graph, projection) = projected.documents();
    let rows: &Rows = &projected.projection.rows;
    let mut document = json!({
        "result": result,
        "graph": graph,
        "projection": projection,
        "num_accounts": rows.num_nodes(),
        "num_pairs": projected.projection.num_pairs(),
        "num_hubs": projected.projection.hubs.len(),
    });
    for (name, value) in said {
        document[name] = value;
    }
    Ok(Report { tables, document_name: "summary", document, parts: Vec::new() })
}
