//! Groups through which money passes in steps as tables, from sources over middle accounts to sinks.

use super::dense::num_accounts;
use super::folder::Report;
use super::input::{Input, account_list};
use super::projection::Projected;
use super::provenance::hex;
use super::rings::Identifiers;
use super::structure::structure_report;
use super::table::{Table, Values};
use crate::community::{FlowBlock, FlowScopeOptions, Transfers, flowscope, flowscope_timed};
use crate::error::{Error, Result};
use crate::graph::project::{Payments, Rows};
use crate::run::Run;
use crate::units::time::SECOND_US;
use serde_json::{Value, json};
use std::borrow::Cow;

/// What groups that pass money on are asked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowQuestion {
    /// How much counts against a group what does not pass, and how many groups.
    pub options: FlowScopeOptions,
    /// Longest time that money may wait in a middle account, in seconds; at least 1. Without one it need not even have come before it leaves.
    pub dwell_max_s: Option<u64>,
    /// Layers between sources and sinks; at least 1.
    pub middle_layers: u32,
    /// CSV with a column `account`: who can be a source; anybody without it.
    pub sources: Option<Input>,
    /// The same for sinks.
    pub sinks: Option<Input>,
}

impl FlowQuestion {
    /// What `dwell_max_s` is if nothing is said: three days.
    pub const DWELL_MAX_S: u64 = 3 * 86_400;
}

impl Default for FlowQuestion {
    fn default() -> Self {
        FlowQuestion {
            options: FlowScopeOptions::default(),
            dwell_max_s: Some(FlowQuestion::DWELL_MAX_S),
            middle_layers: 1,
            sources: None,
            sinks: None,
        }
    }
}

/// Groups of accounts through which money passes, of a projection that weighs amounts in one currency. The tables:
/// * `sets`: `set` (0, 1, … as found), `role` (`source`, `middle` or `sink`), `account`. An account may be in several layers.
/// * `scores`: `set`, `num_accounts`, `score`: `passed_minor` less α times `stuck_minor`, over the members of all layers; `passed_minor` (what middle
///   accounts got from the group and paid on to it), `stuck_minor` (what they got or paid beyond that).
/// * `flows`: `set`, `layer` (0 are the sources), `account`, `inflow_minor` (from the layer before), `outflow_minor` (to the next), `passed_minor` (how much of
///   the two is the same money; 0 at both ends).
/// * `transactions`: `set`, `layer` (of the payer), `transaction`, `source`, `destination`, `time`, `amount_minor`: what the group consists of.
/// * `hubs`: what joined not all that it could.
///
/// # Errors
/// [`Error::Option`] where amounts in one currency are not the weights, over identifiers, and with rules for hubs; [`Error::UnknownKey`] and
/// [`Error::Input`] with file and line for what is given wrongly; [`Error::Cancelled`].
pub fn flow_report(
    projected: &Projected,
    question: &FlowQuestion,
    identifiers: Identifiers,
    run: &Run,
) -> Result<Report> {
    if question.middle_layers == 0 {
        return Err(Error::Option { name: "middle_layers", value: "0".into(), allowed: "at least 1" });
    }
    let ends = [("sources", &question.sources), ("sinks", &question.sinks)];
    let [sources, sinks] = ends.map(|(name, list)| Chosen::read(projected, name, list.as_ref()));
    let (sources, sinks) = (sources?, sinks?);
    let payments = projected.payments(run)?;
    let stages = stages(&payments, question.middle_layers, &sources, &sinks);
    let blocks = blocks(&stages, projected.projection.nodes.len(), question, run)?;
    let tables = tables(projected, &stages, &blocks, run)?;
    let said = [
        ("method", json!("flowscope")),
        (
            "options",
            json!({
                "alpha_permille": question.options.alpha_permille,
                "blocks_max": question.options.blocks_max,
                "dwell_max_s": question.dwell_max_s,
                "middle_layers": question.middle_layers,
                "sources": sources.document,
                "sinks": sinks.document,
            }),
        ),
        ("num_payments", json!(payments.positions.len())),
        ("num_sets", json!(blocks.len())),
    ];
    structure_report(projected, "dense sets", tables, said, identifiers, run)
}

/// Who can be at one end.
struct Chosen {
    /// By node; everybody without one.
    nodes: Option<Vec<bool>>,
    document: Value,
}

impl Chosen {
    fn read(projected: &Projected, name: &'static str, list: Option<&Input>) -> Result<Self> {
        let Some(list) = list else { return Ok(Chosen { nodes: None, document: Value::Null }) };
        let nodes = &projected.projection.nodes;
        let (accounts, sha256) = account_list(projected.view()?.graph(), list)?;
        let mut chosen = vec![false; nodes.len()];
        accounts
            .iter()
            .filter_map(|&account| nodes.node(account))
            .for_each(|node| chosen[node as usize] = true);
        let num_accounts = chosen.iter().filter(|&&chosen| chosen).count();
        if num_accounts == 0 {
            return Err(Error::input(name, "none of them is among the accounts that are looked at"));
        }
        let document = json!({ "num_accounts": num_accounts, "sha256": hex(&sha256) });
        Ok(Chosen { nodes: Some(chosen), document })
    }

    fn has(&self, node: u32) -> bool {
        self.nodes.as_ref().is_none_or(|nodes| nodes[node as usize])
    }
}

/// The payments from each layer to the next.
fn stages<'a>(
    payments: &'a Payments,
    middle: u32,
    sources: &Chosen,
    sinks: &Chosen,
) -> Vec<Cow<'a, Payments>> {
    let end = |of: &Chosen, keep: &dyn Fn(u32, u32) -> bool| match of.nodes {
        Some(_) => Cow::Owned(payments.among(keep)),
        None => Cow::Borrowed(payments),
    };
    let first = end(sources, &|source, _| sources.has(source));
    let last = end(sinks, &|_, destination| sinks.has(destination));
    let between = (1..middle).map(|_| Cow::Borrowed(payments));
    [first].into_iter().chain(between).chain([last]).collect()
}

fn blocks(
    stages: &[Cow<'_, Payments>],
    num_nodes: usize,
    question: &FlowQuestion,
    run: &Run,
) -> Result<Vec<FlowBlock>> {
    let Some(dwell_max_s) = question.dwell_max_s else {
        let pairs = |stage: &Payments| -> Vec<(u32, u32, u64)> {
            let ends = stage.sources.iter().zip(&stage.destinations);
            ends.zip(&stage.amounts).map(|((&from, &to), &amount)| (from, to, amount as u64)).collect()
        };
        let rows: Vec<Rows> = stages.iter().map(|stage| Rows::bipartite(num_nodes, &pairs(stage))).collect();
        return flowscope(&rows, num_nodes, &question.options, run);
    };
    let transfers: Vec<Transfers> = stages
        .iter()
        .map(|stage| Transfers {
            sources: &stage.sources,
            destinations: &stage.destinations,
            times: &stage.times,
            amounts: &stage.amounts,
        })
        .collect();
    if dwell_max_s == 0 {
        return Err(Error::Option { name: "dwell_max_s", value: "0".into(), allowed: "at least 1" });
    }
    let dwell_max = i64::try_from(dwell_max_s).unwrap_or(i64::MAX).saturating_mul(SECOND_US);
    let layers = vec![num_nodes; stages.len() + 1];
    flowscope_timed(&layers, &transfers, dwell_max, &question.options, run)
}

fn tables(
    projected: &Projected,
    stages: &[Cow<'_, Payments>],
    blocks: &[FlowBlock],
    run: &Run,
) -> Result<Vec<(&'static str, Table)>> {
    let (mut sets, mut layers, mut nodes, mut flows) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (set, block) in blocks.iter().enumerate() {
        for (layer, members) in block.layers.iter().enumerate() {
            sets.extend(members.iter().map(|_| set as u32));
            layers.extend(members.iter().map(|_| layer as u32));
            nodes.extend_from_slice(members);
            flows.extend_from_slice(&block.flows[layer]);
        }
    }
    let last = stages.len() as u32;
    let role = |&layer: &u32| match layer {
        0 => "source".to_string(),
        layer if layer == last => "sink".into(),
        _ => "middle".into(),
    };
    run.stage("keys", nodes.len() as u64);
    let accounts = projected.keys(&nodes, run)?;
    let sums = |of: &dyn Fn(&FlowBlock) -> i128| Values::I128(blocks.iter().map(of).collect());
    let sizes = blocks.iter().map(|block| num_accounts(block.layers.iter().flatten()));
    Ok(vec![
        (
            "sets",
            Table::new([
                ("set", Values::U32(sets.clone())),
                ("role", Values::Text(layers.iter().map(role).collect())),
                ("account", Values::Text(accounts.clone())),
            ]),
        ),
        (
            "scores",
            Table::new([
                ("set", Values::U32((0..blocks.len() as u32).collect())),
                ("num_accounts", Values::U32(sizes.collect())),
                ("score", Values::F64(blocks.iter().map(FlowBlock::score).collect())),
                ("passed_minor", sums(&FlowBlock::passed)),
                ("stuck_minor", sums(&FlowBlock::stuck)),
            ]),
        ),
        (
            "flows",
            Table::new([
                ("set", Values::U32(sets)),
                ("layer", Values::U32(layers)),
                ("account", Values::Text(accounts)),
                ("inflow_minor", Values::I128(flows.iter().map(|flow| flow.inflow.into()).collect())),
                ("outflow_minor", Values::I128(flows.iter().map(|flow| flow.outflow.into()).collect())),
                ("passed_minor", Values::I128(flows.iter().map(|flow| flow.passed.into()).collect())),
            ]),
        ),
        ("transactions", transaction_table(projected, stages, blocks, run)?),
    ])
}

/// The payments inside of each group, by set, layer and time.
fn transaction_table(
    projected: &Projected,
    stages: &[Cow<'_, Payments>],
    blocks: &[FlowBlock],
    run: &Run,
) -> Result<Table> {
    let view = projected.view()?;
    let marks = |members: &[u32]| {
        let mut marks = vec![false; projected.projection.nodes.len()];
        members.iter().for_each(|&node| marks[node as usize] = true);
        marks
    };
    let (mut sets, mut layers, mut all) = (Vec::new(), Vec::new(), Payments::default());
    for (set, block) in blocks.iter().enumerate() {
        for (layer, stage) in stages.iter().enumerate() {
            run.check()?;
            let [from, to] = [layer, layer + 1].map(|layer| marks(&block.layers[layer]));
            let inside = stage.among(|source, destination| from[source as usize] && to[destination as usize]);
            sets.extend(inside.positions.iter().map(|_| set as u32));
            layers.extend(inside.positions.iter().map(|_| layer as u32));
            all.append(inside);
        }
    }
    let keys = all.positions.iter().map(|&id| view.graph().transaction_key(id)).collect::<Result<_>>()?;
    Ok(Table::new([
        ("set", Values::U32(sets)),
        ("layer", Values::U32(layers)),
        ("transaction", Values::Text(keys)),
        ("source", Values::Text(projected.keys(&all.sources, run)?)),
        ("destination", Values::Text(projected.keys(&all.destinations, run)?)),
        ("time", Values::Time(all.times)),
        ("amount_minor", Values::I64(all.amounts)),
    ]))
}
