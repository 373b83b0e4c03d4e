//! Cores as tables: how deep in a dense middle every account is, and how closed its neighbourhood.

use super::folder::Report;
use super::projection::Projected;
use super::rings::Identifiers;
use super::structure::structure_report;
use super::table::{Table, Values};
use crate::community::{
    Partition, bipartite_core_levels, bridges, clustering, cores, directed_core_levels, strength_cores,
    strong_components,
};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::graph::project::Uses;
use crate::ids::NONE;
use crate::run::Run;
use serde_json::json;

/// What holds an account in a core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum CoreKind {
    /// Neighbours that are in it.
    #[default]
    Neighbors,
    /// The weight of pairs with neighbours that are in it.
    Strength,
    /// Accounts in it that it pays, all of which are paid by enough of them.
    Directed,
    /// Identifiers that it uses, enough of them, each of which enough accounts in it use; over identifiers.
    Bipartite,
}

impl CoreKind {
    /// The name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            CoreKind::Neighbors => "neighbors",
            CoreKind::Strength => "strength",
            CoreKind::Directed => "directed",
            CoreKind::Bipartite => "bipartite",
        }
    }
}

/// Options of [`core_report`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreOptions {
    /// What holds an account in a core.
    pub kind: CoreKind,
    /// For `directed`: by how many members every member is paid.
    pub in_min: u32,
    /// For `bipartite`: how many identifiers every member uses that enough members use; at least 1.
    pub identifiers_min: u32,
}

impl Default for CoreOptions {
    fn default() -> Self {
        CoreOptions { kind: CoreKind::default(), in_min: 1, identifiers_min: 2 }
    }
}

/// In which core every account is. The tables:
/// * `cores`: `account`, `core` (the largest k whose core holds it: for `neighbors` every member has k neighbours inside, for `strength` pairs of
///   weight k inside, for `directed` pays k members, each of which is paid by `in_min` members, for `bipartite` uses `identifiers_min` identifiers, each
///   of which k members use; null if no core holds it), `degree`, `strength`, `triangles` (that it
///   is in), `clustering` (share of pairs of its neighbours that are neighbours), `articulation` (whether what it joins falls apart without it), `strong_component`
///   (numbered by size, largest first, ties by first account; null over identifiers, and with rules for hubs); in the order of the graph's accounts.
/// * `identifiers`, for `bipartite`: `kind`, `identifier` (masked unless revealed), `num_accounts` (that use it), `core` (likewise; 0 if only accounts with fewer than
///   `identifiers_min` use it).
/// * `hubs`: what joined not all that it could.
///
/// # Errors
/// [`Error::Option`]; [`Error::Limit`]; [`Error::Cancelled`].
pub fn core_report(
    projected: &Projected,
    options: &CoreOptions,
    identifiers: Identifiers,
    run: &Run,
) -> Result<Report> {
    let &CoreOptions { kind, in_min, identifiers_min } = options;
    if identifiers_min == 0 {
        return Err(Error::Option { name: "identifiers_min", value: "0".into(), allowed: "at least 1" });
    }
    let rows = &projected.projection.rows;
    let some = |levels: &[u32]| levels.iter().map(|&level| (level != NONE).then_some(level.into())).collect();
    let mut used = None;
    let core: Vec<Option<i64>> = match kind {
        CoreKind::Neighbors => cores(rows, run)?.coreness.into_iter().map(|core| Some(core.into())).collect(),
        CoreKind::Strength => {
            strength_cores(rows, run)?.into_iter().map(|core| i64::try_from(core).ok()).collect()
        }
        CoreKind::Directed => {
            let directed = projected.directed(run)?;
            let levels = directed_core_levels(&directed.out, &directed.incoming, in_min, run)?;
            some(&levels)
        }
        CoreKind::Bipartite => {
            let uses = projected.uses(run)?;
            let levels = bipartite_core_levels(&uses.accounts, &uses.users, identifiers_min, run)?;
            used = Some(identifier_table(projected.view()?.graph(), &uses, levels.right, identifiers)?);
            some(&levels.left)
        }
    };
    let deepest = core.iter().flatten().max().copied();
    let closed = clustering(rows, run)?;
    let mut articulation = vec![false; rows.num_nodes()];
    for point in bridges(rows, run)?.articulation_points {
        articulation[point as usize] = true;
    }
    let strong = match projected.find_directed(run)? {
        Some(directed) => {
            let labels = strong_components(&directed.out, &directed.incoming, run)?.labels;
            let numbers = Partition::from_labels(&labels);
            numbers.labels().iter().map(|&number| Some(i64::from(number))).collect()
        }
        None => vec![None; rows.num_nodes()],
    };
    run.stage("keys", rows.num_nodes() as u64);
    let nodes: Vec<u32> = (0..rows.num_nodes() as u32).collect();
    let table = Table::new([
        ("account", Values::Text(projected.keys(&nodes, run)?)),
        ("core", Values::OptionI64(core)),
        ("degree", Values::U32(nodes.iter().map(|&node| rows.degree(node) as u32).collect())),
        ("strength", Values::U64(nodes.iter().map(|&node| rows.strength(node)).collect())),
        ("triangles", Values::U64(closed.triangles.per_node)),
        ("clustering", Values::F64(closed.local)),
        ("articulation", Values::Boolean(articulation)),
        ("strong_component", Values::OptionI64(strong)),
    ]);
    let said = [
        ("kind", json!(kind.name())),
        ("in_min", json!((kind == CoreKind::Directed).then_some(in_min))),
        ("identifiers_min", json!((kind == CoreKind::Bipartite).then_some(identifiers_min))),
        ("deepest", json!(deepest)),
        ("num_triangles", json!(closed.triangles.total)),
        ("average_clustering", json!(closed.average)),
        ("transitivity", json!(closed.transitivity)),
    ];
    let mut tables = vec![("cores", table)];
    tables.extend(used.map(|table| ("identifiers", table)));
    structure_report(projected, "cores", tables, said, identifiers, run)
}

fn identifier_table(graph: &Graph, uses: &Uses, core: Vec<u32>, identifiers: Identifiers) -> Result<Table> {
    let places = 0..uses.identifiers.len() as u32;
    let [kinds, texts] = identifiers.columns(graph, &uses.identifiers)?;
    Ok(Table::new([
        kinds,
        texts,
        ("num_accounts", Values::U32(places.map(|place| uses.users.degree(place) as u32).collect())),
        ("core", Values::U32(core)),
    ]))
}
