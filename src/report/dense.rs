//! Dense sets of accounts as tables: the densest set, and blocks of payers and payees.

use super::flows::{FlowQuestion, flow_report};
use super::folder::Report;
use super::projection::Projected;
use super::rings::Identifiers;
use super::structure::structure_report;
use super::table::{Table, Values};
use crate::community::{DensestOptions, FraudarOptions, Priors, densest, fraudar};
use crate::error::Result;
use crate::run::Run;
use serde_json::{Value, json};

/// How dense sets are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DenseMethod {
    /// The densest set of accounts, by rounds of peeling; one round is Charikar's.
    Densest(DensestOptions),
    /// Blocks of payers and payees, who pays whom; popular payees count less.
    Fraudar(FraudarOptions),
    /// Groups through which money passes from sources over middle accounts to sinks.
    FlowScope(FlowQuestion),
}

impl DenseMethod {
    /// The name in files and options.
    pub fn name(&self) -> &'static str {
        match self {
            DenseMethod::Densest(_) => "densest",
            DenseMethod::Fraudar(_) => "fraudar",
            DenseMethod::FlowScope(_) => "flowscope",
        }
    }
}

/// Sets of accounts that are too close together. The tables:
/// * `sets`: `set` (0, 1, … as found), `role` (`member`; of blocks `payer` or `payee`; see also [`flow_report`]), `account`.
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
        DenseMethod::FlowScope(question) => return flow_report(projected, question, identifiers, run),
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
        num_accounts(self.roles.iter().flat_map(|(_, members)| members))
    }
}

/// Number of `members`, each once.
pub(super) fn num_accounts<'a>(members: impl Iterator<Item = &'a u32>) -> u32 {
    let mut members: Vec<u32> = members.copied().collect();
    members.sort_unstable();
    members.dedup();
    members.len() as u32
}
