//! Centrality as a table: which accounts matter in a projection, whatever they are suspected of.

use super::folder::Report;
use super::projection::Projected;
use super::rings::Identifiers;
use super::structure::{highest_first, structure_report};
use super::table::{Table, Values};
use crate::community::centrality::{
    BetweennessOptions, HitsOptions, PageRankOptions, betweenness, degrees, hits, pagerank,
};
use crate::error::Result;
use crate::run::Run;
use serde_json::{Value, json};

/// Probability with which the stated error of sampled betweenness may be exceeded.
const FAILURE: f64 = 0.01;

/// What makes an account central.
#[derive(Clone, Debug, PartialEq)]
pub enum Centrality {
    /// How many neighbours it has.
    Degree,
    /// How often a walk along payments comes by.
    PageRank(PageRankOptions),
    /// Paying accounts that matter, or being paid by accounts that pay such.
    Hits(HitsOptions),
    /// Standing between others, on shortest paths along payments or, undirected, along pairs.
    Betweenness(BetweennessOptions),
}

impl Centrality {
    /// The name in files and options.
    pub fn name(&self) -> &'static str {
        match self {
            Centrality::Degree => "degree",
            Centrality::PageRank(_) => "pagerank",
            Centrality::Hits(_) => "hits",
            Centrality::Betweenness(_) => "betweenness",
        }
    }
}

/// How central every account is. The tables:
/// * `centrality`: `rank` (1, 2, …), `account`, `score` (of hits the authority), and for degree `strength`, for hits `hub`; highest first, ties as
///   the graph numbers accounts.
/// * `hubs`: what joined not all that it could.
///
/// PageRank, hits and directed betweenness look at who pays whom.
///
/// # Errors
/// [`Error::Option`](crate::Error::Option); [`Error::Cancelled`](crate::Error::Cancelled).
pub fn centrality_report(
    projected: &Projected,
    method: &Centrality,
    identifiers: Identifiers,
    run: &Run,
) -> Result<Report> {
    let rows = &projected.projection.rows;
    // Scores, a second column of its name, and what is said of them.
    let (scores, beside, said) = match method {
        Centrality::Degree => {
            let found = degrees(rows, run)?;
            let strength: Vec<f64> = found.strength.iter().map(|&strength| strength as f64).collect();
            let degree: Vec<f64> = found.degree.iter().map(|&degree| degree.into()).collect();
            (degree, Some(("strength", strength)), Value::Null)
        }
        Centrality::PageRank(options) => {
            let directed = projected.directed(run)?;
            let found = pagerank(&directed.out, &directed.incoming, options, run)?;
            let said = json!({
                "damping": options.damping, "tolerance": options.tolerance, "weighted": options.weighted,
                "iterations": found.iterations, "residual": found.residual,
            });
            (found.scores, None, said)
        }
        Centrality::Hits(options) => {
            let directed = projected.directed(run)?;
            let found = hits(&directed.out, &directed.incoming, options, run)?;
            let said = json!({
                "tolerance": options.tolerance, "weighted": options.weighted,
                "iterations": found.iterations, "residual": found.residual,
            });
            (found.authorities, Some(("hub", found.hubs)), said)
        }
        Centrality::Betweenness(options) => {
            let found = match options.directed {
                true => betweenness(&projected.directed(run)?.out, options, run)?,
                false => betweenness(rows, options, run)?,
            };
            let said = json!({
                "directed": options.directed, "seed": options.seed, "num_sources": found.num_sources,
                "error_max": found.error_max(FAILURE), "error_probability": FAILURE,
            });
            (found.scores, None, said)
        }
    };
    let order = highest_first(&scores);
    let sorted = |values: &[f64]| Values::F64(order.iter().map(|&node| values[node as usize]).collect());
    run.stage("keys", order.len() as u64);
    let mut columns = vec![
        ("rank", Values::U32((1..=order.len() as u32).collect())),
        ("account", Values::Text(projected.keys(&order, run)?)),
        ("score", sorted(&scores)),
    ];
    if let Some((name, values)) = &beside {
        columns.push((name, sorted(values)));
    }
    let said = [("method", json!(method.name())), ("options", said)];
    structure_report(
        projected,
        "centrality",
        vec![("centrality", Table::new(columns))],
        said,
        identifiers,
        run,
    )
}
