//! Communities as tables: which account belongs to which, what each of them is, and how they are nested.

use super::components::account_keys;
use super::folder::Report;
use super::input::{self, Input};
use super::projection::Projected;
use super::provenance::hex;
use super::rings::Identifiers;
use super::table::{Table, Values};
use crate::community::{
    Communities, HierarchyLevel, LeidenOptions, Objective, Partition, PropagationOptions, community_measures,
    compare, coverage, label_propagation, leiden, leiden_directed, louvain, quality,
};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::graph::project::{Nodes, Projection};
use crate::ids::NONE;
use crate::run::Run;
use serde_json::{Value, json};

/// How communities are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommunityMethod {
    /// Moves, refines and aggregates; every community is connected.
    #[default]
    Leiden,
    /// Moves and aggregates; communities that fall apart are split at the end.
    Louvain,
    /// Every account takes the label that weighs most among its neighbours; fastest, and coarse.
    Labels,
}

impl CommunityMethod {
    /// The name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            CommunityMethod::Leiden => "leiden",
            CommunityMethod::Louvain => "louvain",
            CommunityMethod::Labels => "labels",
        }
    }
}

/// What communities are asked with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommunityQuestion {
    /// The method.
    pub method: CommunityMethod,
    /// Whether who pays whom matters; for Leiden with modularity over transfers.
    pub directed: bool,
    /// Objective, bounds and seed; its `start` and `node_sizes` come from `start` and the graph.
    pub leiden: LeidenOptions,
    /// CSV of `account,community`, such as an earlier answer's members: where to start, so that communities that stay keep
    /// their number.
    pub start: Option<Input>,
    /// How identifiers that are hubs leave the engine.
    pub identifiers: Identifiers,
}

/// Communities with names.
#[derive(Clone, Debug, PartialEq)]
pub struct CommunityAnswer {
    /// Tables and document; see [`community_report`].
    pub report: Report,
    /// The community of each node.
    pub partition: Partition,
    /// Which account each node is.
    pub nodes: Nodes,
    /// For each community the number that tables call it by.
    pub ids: Vec<u32>,
}

/// Communities of the accounts of a projection. The tables:
/// * `members`: `account`, `community`, `size` (its number of accounts), `finest` (the community on the finest level of the hierarchy); by
///   size of the community, largest first, then as the graph numbers accounts.
/// * `communities`: `community`, `size`, `pairs` (of members that are neighbours), `inside`, `cut` (weights), `conductance`,
///   `density`, `connected`; likewise.
/// * `levels`: `level` (0 is the finest), `num_communities`, `quality` (modularity; of CPM, in what is counted).
/// * `hierarchy`: `level`, `community` (on this level, 0, 1, …), `size`, `parent` (on the next; null on the last, whose communities are those of
///   the other tables, in their order).
/// * `hubs`: what joined not all that it could; see [`project`](mod@crate::graph::project).
///
/// The document is the `summary`: question, measures, provenance. `community` is a community's place in the order, or with a start the number
/// that it had there.
///
/// # Errors
/// [`Error::UnknownKey`] and [`Error::Input`] with file and line for what is given wrongly; [`Error::Option`];
/// [`Error::Limit`]; [`Error::Cancelled`].
pub fn community_report(
    projected: &Projected,
    question: &CommunityQuestion,
    run: &Run,
) -> Result<CommunityAnswer> {
    check(question)?;
    let Projection { rows, nodes, hubs } = &projected.projection;
    let start = question.start.as_ref().map(|input| read_start(projected, input)).transpose()?;
    // A density is one of what is counted, whatever the unit of weights.
    let unit = if question.leiden.objective == Objective::Cpm { projected.unit() as f64 } else { 1.0 };
    let options = LeidenOptions {
        resolution: question.leiden.resolution * unit,
        start: start.as_ref().map(|(ids, _)| ids.clone()),
        node_sizes: None,
        ..question.leiden.clone()
    };
    run.stage("communities", 0);
    let found = communities(projected, question, &options, run)?;
    let measures = community_measures(rows, &found.partition, run)?;
    if let Some(apart) = measures.iter().position(|community| !community.connected) {
        return Err(Error::Unproved(format!("community {apart} is not connected")));
    }
    run.stage("keys", nodes.len() as u64);
    let tables = vec![
        ("members", member_table(projected, &found, run)?),
        (
            "communities",
            Table::new([
                ("community", Values::U32(found.ids.clone())),
                ("size", Values::U32(measures.iter().map(|each| each.size).collect())),
                ("pairs", Values::U64(measures.iter().map(|each| each.pairs).collect())),
                ("inside", Values::U64(measures.iter().map(|each| each.inside).collect())),
                ("cut", Values::U64(measures.iter().map(|each| each.cut).collect())),
                ("conductance", Values::F64(measures.iter().map(|each| each.conductance).collect())),
                ("density", Values::F64(measures.iter().map(|each| each.density).collect())),
                ("connected", Values::Boolean(measures.iter().map(|each| each.connected).collect())),
            ]),
        ),
        ("levels", level_table(&found.levels, unit)),
        ("hierarchy", hierarchy_table(&found.levels)),
        ("hubs", projected.hubs(question.identifiers, run)?),
    ];
    let alone = measures.iter().filter(|community| community.size == 1).count();
    let (graph, projection) = projected.documents();
    let document = json!({
        "result": "communities",
        "graph": graph,
        "method": question.method.name(),
        "directed": question.directed,
        "projection": projection,
        "options": options_document(question),
        "start": start.map(|(ids, sha256)| json!({
            "num_accounts": ids.iter().filter(|&&id| id != NONE).count(),
            "sha256": hex(&sha256),
        })),
        "num_accounts": nodes.len(),
        "num_pairs": projected.projection.num_pairs(),
        "num_communities": found.partition.len(),
        "num_alone": alone,
        "largest": measures.first().map_or(0, |community| community.size),
        "quality": found.quality / unit,
        "coverage": coverage(&measures),
        "num_split": found.num_disconnected,
        "num_levels": found.levels.len(),
        "num_hubs": hubs.len(),
    });
    Ok(CommunityAnswer {
        report: Report { tables, document_name: "summary", document, parts: Vec::new() },
        nodes: nodes.clone(),
        partition: found.partition,
        ids: found.ids,
    })
}

impl CommunityQuestion {
    /// The question to label propagation, called `method`, with or without overlaps.
    ///
    /// # Errors
    /// [`Error::Option`] for what it does not know: directions, a start, an objective, bounds.
    pub fn propagation(&self, method: &str) -> Result<PropagationOptions> {
        let refuse = |name, value: &str, allowed| Err(Error::Option { name, value: value.into(), allowed });
        let LeidenOptions { seed, weighted, .. } = self.leiden;
        if self.directed {
            return refuse("directed", "true", "true only for leiden");
        }
        if self.leiden != (LeidenOptions { seed, weighted, ..LeidenOptions::default() }) {
            let allowed = "without objective, resolution, iterations and sizes, which it does not know";
            return refuse("method", method, allowed);
        }
        if self.start.is_some() {
            return refuse("start", "given", "given only for leiden and louvain");
        }
        Ok(PropagationOptions { seed, weighted, ..PropagationOptions::default() })
    }
}

fn check(question: &CommunityQuestion) -> Result<()> {
    match question.method {
        CommunityMethod::Leiden => Ok(()),
        CommunityMethod::Louvain if question.directed => {
            let allowed = "true only for leiden";
            Err(Error::Option { name: "directed", value: "true".into(), allowed })
        }
        CommunityMethod::Louvain => Ok(()),
        CommunityMethod::Labels => question.propagation("labels").map(|_| ()),
    }
}

fn options_document(question: &CommunityQuestion) -> Value {
    let options = &question.leiden;
    let (seed, weighted) = (options.seed, options.weighted);
    if question.method == CommunityMethod::Labels {
        return json!({ "seed": seed, "weighted": weighted });
    }
    json!({
        "objective": options.objective.name(),
        "resolution": options.resolution,
        "iterations": options.iterations,
        "size_min": options.size_min,
        "size_max": options.size_max,
        "seed": seed,
        "weighted": weighted,
    })
}

fn communities(
    projected: &Projected,
    question: &CommunityQuestion,
    options: &LeidenOptions,
    run: &Run,
) -> Result<Communities> {
    let rows = &projected.projection.rows;
    match question.method {
        CommunityMethod::Leiden if question.directed => {
            let directed = projected.directed(run)?;
            leiden_directed(&directed.out, &directed.incoming, options, run)
        }
        CommunityMethod::Leiden => leiden(rows, options, run),
        CommunityMethod::Louvain => louvain(rows, options, true, run),
        CommunityMethod::Labels => {
            let partition = label_propagation(rows, &question.propagation("labels")?, run)?;
            let quality = quality(rows, &partition, options.objective, options.resolution)?;
            let (parents, num_communities) = (partition.labels().to_vec(), partition.len());
            Ok(Communities {
                ids: (0..num_communities as u32).collect(),
                levels: vec![HierarchyLevel { parents, num_communities, quality }],
                partition,
                quality,
                num_disconnected: 0,
            })
        }
    }
}

/// For each node the community that a table gives its account, [`NONE`] without one; and the table's SHA-256.
fn read_start(projected: &Projected, input: &Input) -> Result<(Vec<u32>, [u8; 32])> {
    let (view, nodes) = (projected.view()?, &projected.projection.nodes);
    let sheet = input.sheet(&["account", "community", "size", "finest"])?;
    sheet.need("account")?;
    sheet.need("community")?;
    let mut ids = vec![NONE; nodes.len()];
    for record in sheet.iter() {
        let account = input::account(view.graph(), record, "account")?;
        let text = record.need("community")?;
        let id = text.parse().ok().filter(|&id: &u32| id != NONE);
        let id = id.ok_or_else(|| record.refuse(format!("community {text:?}: write a number like 17")))?;
        let Some(node) = nodes.node(account) else { continue };
        let known = &mut ids[node as usize];
        if *known != NONE && *known != id {
            return Err(
                record.refuse(format!("the account is in community {known} in a line above; give it one"))
            );
        }
        *known = id;
    }
    Ok((ids, input::digest(&sheet)))
}

fn member_table(projected: &Projected, found: &Communities, run: &Run) -> Result<Table> {
    let partition = &found.partition;
    let order: Vec<u32> =
        (0..partition.len() as u32).flat_map(|community| partition.members(community)).copied().collect();
    let label = |&node: &u32| partition.labels()[node as usize];
    let sizes: Vec<u32> = partition.sizes().collect();
    let finest = &found.levels[0].parents;
    Ok(Table::new([
        ("account", Values::Text(projected.keys(&order, run)?)),
        ("community", Values::U32(order.iter().map(|node| found.ids[label(node) as usize]).collect())),
        ("size", Values::U32(order.iter().map(|node| sizes[label(node) as usize]).collect())),
        ("finest", Values::U32(order.iter().map(|&node| finest[node as usize]).collect())),
    ]))
}

fn level_table(levels: &[HierarchyLevel], unit: f64) -> Table {
    Table::new([
        ("level", Values::U32((0..levels.len() as u32).collect())),
        ("num_communities", Values::U32(levels.iter().map(|level| level.num_communities as u32).collect())),
        ("quality", Values::F64(levels.iter().map(|level| level.quality / unit).collect())),
    ])
}

fn hierarchy_table(levels: &[HierarchyLevel]) -> Table {
    let (mut numbers, mut communities, mut sizes, mut parents) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut below: Vec<u32> = vec![1; levels.first().map_or(0, |level| level.parents.len())];
    for (number, level) in levels.iter().enumerate() {
        let mut size = vec![0_u32; level.num_communities];
        for (&parent, &count) in level.parents.iter().zip(&below) {
            size[parent as usize] += count;
        }
        numbers.extend((0..level.num_communities).map(|_| number as u32));
        communities.extend(0..level.num_communities as u32);
        match levels.get(number + 1) {
            Some(above) => parents.extend(above.parents.iter().map(|&parent| Some(i64::from(parent)))),
            None => parents.extend((0..level.num_communities).map(|_| None)),
        }
        sizes.extend_from_slice(&size);
        below = size;
    }
    Table::new([
        ("level", Values::U32(numbers)),
        ("community", Values::U32(communities)),
        ("size", Values::U32(sizes)),
        ("parent", Values::OptionI64(parents)),
    ])
}

impl CommunityAnswer {
    /// Keys of the accounts of a community, by the number that tables call it by, as the graph numbers accounts; none if there is no such
    /// community.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the keys are; [`Error::Cancelled`].
    pub fn members(&self, graph: &Graph, id: u32, run: &Run) -> Result<Option<Vec<String>>> {
        let Some(community) = self.ids.iter().position(|&found| found == id) else { return Ok(None) };
        let members = self.partition.members(community as u32);
        let accounts: Vec<u32> = members.iter().map(|&node| self.nodes.account(node).0).collect();
        account_keys(graph, &accounts, run).map(Some)
    }

    /// How alike this and another partition of the same accounts are: `nmi`, `ami`, `ari`.
    ///
    /// # Errors
    /// [`Error::Input`] if they are of different accounts.
    pub fn compare(&self, other: &CommunityAnswer) -> Result<Value> {
        if self.nodes != other.nodes {
            let problem = "they are of different accounts; ask both with the same accounts";
            return Err(Error::input("communities", problem));
        }
        let found = compare(&self.partition, &other.partition)?;
        Ok(json!({ "nmi": found.nmi, "ami": found.ami, "ari": found.ari }))
    }
}
