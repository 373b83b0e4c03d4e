//! Suspicion as tables: who is like accounts of which something is known, by whom they pay and what they share.

use super::folder::Report;
use super::input::{self, Input};
use super::projection::Projected;
use super::provenance::hex;
use super::rings::Identifiers;
use super::structure::{highest_first, structure_report};
use super::table::{Table, Values};
use crate::community::beliefs::{BeliefsOptions, EdgeKind, NodeKind, beliefs, homophily};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::graph::project::Uses;
use crate::ids::IdentifierId;
use crate::run::Run;
use serde_json::json;

/// What suspicion is asked with.
#[derive(Clone, Debug, PartialEq)]
pub struct SuspicionQuestion {
    /// CSV of `account` and, unless all are fraudulent for sure, `belief`: from -1 (honest for sure) to 1 (fraudulent for sure).
    pub seeds: Input,
    /// How much edges tell, as a part of the most with which beliefs are sure to settle; more than 0 and at most 0.9.
    pub strength: f64,
    /// Most iterations; at least 1.
    pub iterations_max: u32,
    /// How identifiers leave the engine.
    pub identifiers: Identifiers,
}

impl SuspicionQuestion {
    /// What `strength` is if nothing is said.
    pub const STRENGTH: f64 = 0.5;
    /// What `iterations_max` is if nothing is said.
    pub const ITERATIONS_MAX: u32 = 1_000;
}

/// Two classes: fraudulent, honest.
const CLASSES: usize = 2;

/// How suspicious the accounts of a projection are, given what is believed of some. The tables:
/// * `suspicion`: `rank` (1, 2, …), `account`, `score` (above 0: like the fraudulent; below: like the honest; 0: nothing leads there), `seed`
///   (whether a belief was given: leave such accounts out where scores are judged); highest first, ties as the graph numbers accounts.
/// * `identifiers`, over identifiers: `rank`, `kind`, `identifier` (masked unless revealed), `num_accounts` (that use it), `score`; likewise.
/// * `hubs`: what joined not all that it could.
///
/// Accounts that pay each other, in either direction, tell `transfers_weight` of each other, an account and an identifier that it uses `identifiers_weight`; how
/// often does not count. The document says by what `epsilon` that is, under the `strength` that was asked for, and whether beliefs `converged`.
///
/// # Errors
/// [`Error::UnknownKey`] and [`Error::Input`] with file and line for what is given wrongly; [`Error::Option`]; [`Error::Cancelled`].
pub fn suspicion_report(projected: &Projected, question: &SuspicionQuestion, run: &Run) -> Result<Report> {
    let seeds = Seeds::read(projected, &question.seeds)?;
    let kinds = projected.kinds(run)?;
    let coupling = homophily(CLASSES);
    let num_identifiers = kinds.uses.as_ref().map_or(0, |uses| uses.identifiers.len());
    let unknown = vec![0.0; CLASSES * num_identifiers];
    let nodes = [&seeds.priors, &unknown].map(|priors| NodeKind { num_classes: CLASSES, priors });
    let transfers = kinds.transfers.as_deref().map(|rows| EdgeKind {
        from: 0,
        to: 0,
        rows,
        transposed: None,
        coupling: &coupling,
        epsilon: kinds.transfers_weight.into(),
    });
    let sharing = kinds.uses.as_ref().map(|uses| EdgeKind {
        from: 0,
        to: 1,
        rows: &uses.accounts,
        transposed: Some(&uses.users),
        coupling: &coupling,
        epsilon: kinds.identifiers_weight.into(),
    });
    let edges: Vec<EdgeKind> = transfers.into_iter().chain(sharing).collect();
    let options = BeliefsOptions {
        strength: Some(question.strength),
        iterations_max: question.iterations_max,
        ..BeliefsOptions::default()
    };
    let found = beliefs(&nodes, &edges, &options, run)?;
    // Twice the belief in fraud is the distance between the two classes.
    let scores = |kind: usize| -> Vec<f64> {
        found.beliefs[kind].chunks(CLASSES).map(|beliefs| beliefs[0] - beliefs[1]).collect()
    };
    let [accounts, identifiers] = [scores(0), scores(1)];
    let mut tables = vec![("suspicion", account_table(projected, &accounts, &seeds, run)?)];
    if let Some(uses) = &kinds.uses {
        let view = projected.view()?;
        let table = identifier_table(view.graph(), uses, &identifiers, question.identifiers)?;
        tables.push(("identifiers", table));
    }
    let epsilon = |edges: Option<EdgeKind>| edges.map(|edges| edges.epsilon * found.factor);
    let said = [
        (
            "seeds",
            json!({
                "num_accounts": seeds.num_accounts,
                "num_outside": seeds.num_outside,
                "sha256": hex(&seeds.sha256),
            }),
        ),
        (
            "options",
            json!({
                "strength": question.strength,
                "iterations_max": options.iterations_max,
                "tolerance": options.tolerance,
            }),
        ),
        ("epsilon", json!({ "transfers": epsilon(transfers), "identifiers": epsilon(sharing) })),
        ("iterations", json!(found.iterations)),
        ("residual", json!(found.residual)),
        ("converged", json!(found.residual <= options.tolerance)),
        ("note", json!("Scores are an order in which to look at accounts; they are no probabilities.")),
    ];
    structure_report(projected, "suspicion", tables, said, question.identifiers, run)
}

/// What is believed beforehand.
struct Seeds {
    /// By node, one belief for each class.
    priors: Vec<f64>,
    /// By node, whether something was given.
    given: Vec<bool>,
    num_accounts: usize,
    /// Accounts of the graph that are not among those looked at.
    num_outside: usize,
    sha256: [u8; 32],
}

impl Seeds {
    fn read(projected: &Projected, input: &Input) -> Result<Self> {
        let (view, nodes) = (projected.view()?, &projected.projection.nodes);
        let sheet = input.sheet(&["account", "belief"])?;
        sheet.need("account")?;
        let mut seeds = Seeds {
            priors: vec![0.0; CLASSES * nodes.len()],
            given: vec![false; nodes.len()],
            num_accounts: 0,
            num_outside: 0,
            sha256: input::digest(&sheet),
        };
        for record in sheet.iter() {
            let account = input::account(view.graph(), record, "account")?;
            let belief = if sheet.has("belief") { record.need("belief")? } else { "1" };
            let number = belief.parse().ok().filter(|number| (-1.0..=1.0).contains(number));
            let number: f64 = number.ok_or_else(|| {
                let remedy = "write a number from -1 (honest) to 1 (fraudulent)";
                record.refuse(format!("belief {belief:?}: {remedy}"))
            })?;
            let Some(node) = nodes.node(account).map(|node| node as usize) else {
                seeds.num_outside += 1;
                continue;
            };
            let prior = &mut seeds.priors[CLASSES * node..][..CLASSES];
            let beliefs = [number / 2.0, -number / 2.0];
            if seeds.given[node] && *prior != beliefs {
                return Err(record.refuse("the account has another belief in a line above; give it one"));
            }
            seeds.num_accounts += usize::from(!seeds.given[node]);
            prior.copy_from_slice(&beliefs);
            seeds.given[node] = true;
        }
        match seeds.num_accounts {
            0 => Err(Error::input(sheet.name(), "no account that is looked at")),
            _ => Ok(seeds),
        }
    }
}

fn account_table(projected: &Projected, scores: &[f64], seeds: &Seeds, run: &Run) -> Result<Table> {
    let order = highest_first(scores);
    run.stage("keys", order.len() as u64);
    Ok(Table::new([
        ("rank", Values::U32((1..=order.len() as u32).collect())),
        ("account", Values::Text(projected.keys(&order, run)?)),
        ("score", Values::F64(order.iter().map(|&node| scores[node as usize]).collect())),
        ("seed", Values::Boolean(order.iter().map(|&node| seeds.given[node as usize]).collect())),
    ]))
}

fn identifier_table(graph: &Graph, uses: &Uses, scores: &[f64], masked: Identifiers) -> Result<Table> {
    let order = highest_first(scores);
    let sorted: Vec<IdentifierId> = order.iter().map(|&place| uses.identifiers[place as usize]).collect();
    let [kinds, texts] = masked.columns(graph, &sorted)?;
    Ok(Table::new([
        ("rank", Values::U32((1..=order.len() as u32).collect())),
        kinds,
        texts,
        ("num_accounts", Values::U32(order.iter().map(|&place| uses.users.degree(place) as u32).collect())),
        ("score", Values::F64(order.iter().map(|&place| scores[place as usize]).collect())),
    ]))
}
