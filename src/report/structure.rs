//! The structure of a projection as tables: cores, trusses, strong components, dense sets and blocks.

use super::folder::Report;
use super::projection::Projected;
use super::rings::Identifiers;
use super::table::{Table, Values};
use crate::community::{
    DensestOptions, FraudarOptions, Partition, Priors, bridges, clustering, cores, densest,
    directed_core_levels, fraudar, strength_cores, strong_components, trussness,
};
use crate::error::Result;
use crate::graph::project::Rows;
use crate::ids::NONE;
use crate::run::Run;
use serde_json::{Value, json};

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
}

impl CoreKind {
    /// The name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            CoreKind::Neighbors => "neighbors",
            CoreKind::Strength => "strength",
            CoreKind::Directed => "directed",
        }
    }
}

/// In which core every account is. The tables:
/// * `cores`: `account`, `core` (the largest k whose core holds it: for `neighbors` every member has k neighbours inside, for `strength` pairs of
///   weight k inside, for `directed` pays k members, each of which is paid by `in_min` members; null if no core holds it), `degree`, `strength`, `triangles` (that it
///   is in), `clustering` (share of pairs of its neighbours that are neighbours), `articulation` (whether what it joins falls apart without it), `strong_component`
///   (numbered by size, largest first, ties by first account; null over identifiers, and with rules for hubs); in the order of the graph's accounts.
/// * `hubs`: what joined not all that it could.
///
/// # Errors
/// [`Error::Option`](crate::Error::Option); [`Error::Limit`](crate::Error::Limit); [`Error::Cancelled`](crate::Error::Cancelled).
pub fn core_report(
    projected: &Projected,
    kind: CoreKind,
    in_min: u32,
    identifiers: Identifiers,
    run: &Run,
) -> Result<Report> {
    let rows = &projected.projection.rows;
    let core: Vec<Option<i64>> = match kind {
        CoreKind::Neighbors => cores(rows, run)?.coreness.into_iter().map(|core| Some(core.into())).collect(),
        CoreKind::Strength => {
            strength_cores(rows, run)?.into_iter().map(|core| i64::try_from(core).ok()).collect()
        }
        CoreKind::Directed => {
            let directed = projected.directed(run)?;
            let levels = directed_core_levels(&directed.out, &directed.incoming, in_min, run)?;
            levels.into_iter().map(|level| (level != NONE).then_some(level.into())).collect()
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
        ("in_min", if kind == CoreKind::Directed { json!(in_min) } else { Value::Null }),
        ("deepest", json!(deepest)),
        ("num_triangles", json!(closed.triangles.total)),
        ("average_clustering", json!(closed.average)),
        ("transitivity", json!(closed.transitivity)),
    ];
    structure_report(projected, "cores", vec![("cores", table)], said, identifiers, run)
}

/// In which truss every pair is. The tables:
/// * `pairs`: `account`, `neighbor`, `weight`, `truss` (the largest k such that the pair is in k − 2 triangles of pairs of which the same is true),
///   `bridge` (whether nothing else joins the two); each pair once, only those of at least `truss_min`.
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
    let bridges = bridges(rows, run)?.bridges;
    let (mut ends, mut weights, mut kept, mut alone) =
        ([Vec::new(), Vec::new()], Vec::new(), Vec::new(), Vec::new());
    for node in 0..rows.num_nodes() as u32 {
        for entry in rows.range(node) {
            let neighbor = rows.all_neighbors()[entry];
            if node < neighbor && trusses[entry] >= truss_min {
                ends[0].push(node);
                ends[1].push(neighbor);
                weights.push(rows.weights().get(entry));
                kept.push(trusses[entry]);
                alone.push(bridges.binary_search(&(node, neighbor)).is_ok());
            }
        }
    }
    run.stage("keys", 2 * ends[0].len() as u64);
    let table = Table::new([
        ("account", Values::Text(projected.keys(&ends[0], run)?)),
        ("neighbor", Values::Text(projected.keys(&ends[1], run)?)),
        ("weight", Values::U64(weights)),
        ("truss", Values::U32(kept)),
        ("bridge", Values::Boolean(alone)),
    ]);
    let said = [("truss_min", json!(truss_min)), ("deepest", json!(trusses.iter().max()))];
    structure_report(projected, "trusses", vec![("pairs", table)], said, identifiers, run)
}

/// How dense sets are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DenseMethod {
    /// The densest set of accounts, by rounds of peeling; one round is Charikar's.
    Densest(DensestOptions),
    /// Blocks of payers and payees, who pays whom; popular payees count less.
    Fraudar(FraudarOptions),
}

impl DenseMethod {
    /// The name in files and options.
    pub fn name(&self) -> &'static str {
        match self {
            DenseMethod::Densest(_) => "densest",
            DenseMethod::Fraudar(_) => "fraudar",
        }
    }
}

/// Sets of accounts that are too close together. The tables:
/// * `sets`: `set` (0, 1, … as found), `role` (`member`; of blocks `payer` or `payee`), `account`.
/// * `scores`: `set`, `num_accounts`, `score` (weight inside, for blocks of popular payees less, over the number of members; in a
///   block an account of both roles is two of them).
/// * `hubs`: what joined not all that it could.
///
/// # Errors
/// [`Error::Option`](crate::Error::Option); [`Error::Limit`](crate::Error::Limit); [`Error::Cancelled`](crate::Error::Cancelled).
pub fn dense_report(
    projected: &Projected,
    method: DenseMethod,
    identifiers: Identifiers,
    run: &Run,
) -> Result<Report> {
    let (sets, options, bound) = match &method {
        DenseMethod::Densest(options) => {
            let found = densest(&projected.projection.rows, options, run)?;
            let roles = vec![("member", found.set.members)];
            let set = DenseGroup { score: found.set.density.value(), roles };
            (vec![set], json!({ "rounds_max": options.rounds_max }), json!(found.bound.value()))
        }
        DenseMethod::Fraudar(options) => {
            let directed = projected.directed(run)?;
            let blocks = fraudar(&directed.out, &directed.incoming, Priors::default(), options, run)?;
            let sets = blocks.into_iter().map(|block| DenseGroup {
                score: block.score(),
                roles: vec![("payer", block.senders), ("payee", block.receivers)],
            });
            let said = json!({ "blocks_max": options.blocks_max, "weighted": options.weighted });
            (sets.collect(), said, Value::Null)
        }
    };
    let (mut numbers, mut roles, mut nodes) = (Vec::new(), Vec::new(), Vec::new());
    for (number, set) in sets.iter().enumerate() {
        for (role, members) in &set.roles {
            numbers.extend(members.iter().map(|_| number as u32));
            roles.extend(members.iter().map(|_| role.to_string()));
            nodes.extend_from_slice(members);
        }
    }
    run.stage("keys", nodes.len() as u64);
    let tables = vec![
        (
            "sets",
            Table::new([
                ("set", Values::U32(numbers)),
                ("role", Values::Text(roles)),
                ("account", Values::Text(projected.keys(&nodes, run)?)),
            ]),
        ),
        (
            "scores",
            Table::new([
                ("set", Values::U32((0..sets.len() as u32).collect())),
                ("num_accounts", Values::U32(sets.iter().map(DenseGroup::num_accounts).collect())),
                ("score", Values::F64(sets.iter().map(|set| set.score).collect())),
            ]),
        ),
    ];
    let said = [("method", json!(method.name())), ("options", options), ("bound", bound)];
    structure_report(projected, "dense sets", tables, said, identifiers, run)
}

/// A set as it is told.
struct DenseGroup {
    score: f64,
    /// Members by role.
    roles: Vec<(&'static str, Vec<u32>)>,
}

impl DenseGroup {
    /// Number of accounts, each once.
    fn num_accounts(&self) -> u32 {
        let mut members: Vec<u32> = self.roles.iter().flat_map(|(_, members)| members).copied().collect();
        members.sort_unstable();
        members.dedup();
        members.len() as u32
    }
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
