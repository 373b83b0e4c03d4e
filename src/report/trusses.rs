//! Trusses as a table: which pairs hold together by triangles, and which by cycles.

use super::folder::Report;
use super::projection::Projected;
use super::rings::Identifiers;
use super::structure::structure_report;
use super::table::{Table, Values};
use crate::community::{biconnected_components, trussness};
use crate::error::Result;
use crate::graph::project::Rows;
use crate::run::Run;
use serde_json::json;
use std::cmp::Reverse;

/// In which truss every pair is. The tables:
/// * `pairs`: `account`, `neighbor`, `weight`, `truss` (the largest k such that the pair is in k − 2 triangles of pairs of which the same is true),
///   `bridge` (whether nothing else joins the two), `biconnected` (the component of pairs, any two of which lie on a cycle that passes no
///   account twice); each pair once, only those of at least `truss_min`.
/// * `biconnected`: `biconnected` (by number of accounts, largest first, ties by first pair), `num_accounts`, `num_pairs`: what does not fall apart
///   when one account goes, whatever `truss_min`. An account may be in several; where several meet it is an articulation point. A bridge is one alone.
/// * `hubs`: what joined not all that it could.
///
/// # Errors
/// [`Error::Limit`](crate::Error::Limit); [`Error::Cancelled`](crate::Error::Cancelled).
pub fn truss_report(
    projected: &Projected,
    truss_min: u32,
    identifiers: Identifiers,
    run: &Run,
) -> Result<Report> {
    let rows = &projected.projection.rows;
    let trusses = trussness(rows, run)?;
    let components = Biconnected::new(rows, run)?;
    let (mut ends, mut weights, mut kept, mut component) =
        ([Vec::new(), Vec::new()], Vec::new(), Vec::new(), Vec::new());
    for node in 0..rows.num_nodes() as u32 {
        for entry in rows.range(node) {
            let neighbor = rows.all_neighbors()[entry];
            if node < neighbor && trusses[entry] >= truss_min {
                ends[0].push(node);
                ends[1].push(neighbor);
                weights.push(rows.weights().get(entry));
                kept.push(trusses[entry]);
                component.push(components.labels[entry]);
            }
        }
    }
    run.stage("keys", 2 * ends[0].len() as u64);
    let table = Table::new([
        ("account", Values::Text(projected.keys(&ends[0], run)?)),
        ("neighbor", Values::Text(projected.keys(&ends[1], run)?)),
        ("weight", Values::U64(weights)),
        ("truss", Values::U32(kept)),
        ("bridge", Values::Boolean(component.iter().map(|&each| components.is_bridge(each)).collect())),
        ("biconnected", Values::U32(component)),
    ]);
    let said = [
        ("truss_min", json!(truss_min)),
        ("deepest", json!(trusses.iter().max())),
        ("num_biconnected", json!(components.pairs.len())),
        ("num_bridges", json!(components.pairs.iter().filter(|&&pairs| pairs == 1).count())),
    ];
    let tables = vec![("pairs", table), ("biconnected", components.table())];
    structure_report(projected, "trusses", tables, said, identifiers, run)
}

/// Biconnected components, numbered by size.
struct Biconnected {
    /// By entry of the rows.
    labels: Vec<u32>,
    /// By component.
    accounts: Vec<u32>,
    pairs: Vec<u64>,
}

impl Biconnected {
    fn new(rows: &Rows, run: &Run) -> Result<Self> {
        let mut found = biconnected_components(rows, run)?;
        let (mut accounts, mut pairs) = (vec![0; found.num_components], vec![0; found.num_components]);
        let mut own: Vec<u32> = Vec::new();
        for node in 0..rows.num_nodes() as u32 {
            own.clear();
            own.extend_from_slice(&found.labels[rows.range(node)]);
            own.sort_unstable();
            for same in own.chunk_by(|a, b| a == b) {
                accounts[same[0] as usize] += 1;
                pairs[same[0] as usize] += same.len() as u64;
            }
        }
        // The kernel numbers them by their first pairs.
        let mut order: Vec<u32> = (0..found.num_components as u32).collect();
        order.sort_by_key(|&label| Reverse(accounts[label as usize]));
        let mut numbers = vec![0; order.len()];
        order.iter().enumerate().for_each(|(number, &label)| numbers[label as usize] = number as u32);
        found.labels.iter_mut().for_each(|label| *label = numbers[*label as usize]);
        Ok(Biconnected {
            labels: found.labels,
            accounts: order.iter().map(|&label| accounts[label as usize]).collect(),
            // Every pair stands in both rows.
            pairs: order.iter().map(|&label| pairs[label as usize] / 2).collect(),
        })
    }

    fn is_bridge(&self, component: u32) -> bool {
        self.pairs[component as usize] == 1
    }

    fn table(self) -> Table {
        Table::new([
            ("biconnected", Values::U32((0..self.pairs.len() as u32).collect())),
            ("num_accounts", Values::U32(self.accounts)),
            ("num_pairs", Values::U64(self.pairs)),
        ])
    }
}
