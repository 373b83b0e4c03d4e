//! Rankings as tables: which accounts to look at next. Scores are not money.

use super::components::account_keys;
use super::folder::Report;
use super::input::{Input, account_list};
use super::provenance::{hex, provenance, window_document};
use super::table::{Table, Values};
use crate::error::Result;
use crate::graph::View;
use crate::run::Run;
use crate::trace::rank::{PersonalizedOptions, TracingOptions, personalized_rank, tracing_rank};
use serde_json::{Value, json};

/// How accounts are ranked.
#[derive(Clone, Debug, PartialEq)]
pub enum RankMethod {
    /// A walk that follows payments in time order, and back against it (transaction tracing rank).
    Tracing(TracingOptions),
    /// A walk along payments that knows nothing of time (personalised PageRank).
    Personalized(PersonalizedOptions),
}

/// Accounts of `view` by relevance to those of `sources`, a CSV with a column `account`.
///
/// The table `ranking`: `rank` (from 1), `account`, `score`; by score descending, account key. Scores and the document's
/// `residual` sum to 1. The document is a `summary`.
///
/// # Errors
/// [`Error::UnknownKey`](crate::Error::UnknownKey) and [`Error::Input`](crate::Error::Input) with file and line for what is given
/// wrongly; [`Error::Option`](crate::Error::Option); [`Error::Cancelled`](crate::Error::Cancelled).
pub fn rank_report(view: &View<'_>, sources: &Input, method: &RankMethod, run: &Run) -> Result<Report> {
    let (sources, sha256) = account_list(view.graph(), sources)?;
    let found = match method {
        RankMethod::Tracing(options) => tracing_rank(view, &sources, options, run)?,
        RankMethod::Personalized(options) => personalized_rank(view, &sources, options, run)?,
    };
    let accounts: Vec<u32> = found.account.iter().map(|account| account.0).collect();
    run.stage("keys", accounts.len() as u64);
    let keys = account_keys(view.graph(), &accounts, run)?;
    // Ties of score by key and not by id: the order then depends on what is in the graph, not on when it came in.
    let mut rows: Vec<usize> = (0..found.len()).collect();
    rows.sort_by(|&a, &b| found.score[b].total_cmp(&found.score[a]).then_with(|| keys[a].cmp(&keys[b])));
    let table = Table::new([
        ("rank", Values::U32((1..).take(rows.len()).collect())),
        ("account", Values::Text(rows.iter().map(|&row| keys[row].clone()).collect())),
        ("score", Values::F64(rows.iter().map(|&row| found.score[row]).collect())),
    ]);
    let document = json!({
        "result": "ranking",
        "graph": provenance(view.graph()),
        "method": method.document(),
        "window": window_document(view.times()),
        "sources": { "num_accounts": sources.len(), "sha256": hex(&sha256) },
        "num_accounts": found.len(),
        "residual": found.residual,
        "num_pushes": found.pushes,
        "note": "Scores are an order in which to look at accounts; they are not amounts of money.",
    });
    Ok(Report { tables: vec![("ranking", table)], document_name: "summary", document, parts: Vec::new() })
}

impl RankMethod {
    fn document(&self) -> Value {
        match self {
            RankMethod::Tracing(options) => json!({
                "name": "ttr",
                "direction": options.direction.name(),
                "alpha": options.alpha,
                "beta": options.beta,
                "epsilon": options.epsilon,
            }),
            RankMethod::Personalized(options) => json!({
                "name": "pagerank",
                "direction": options.direction.name(),
                "weight": options.weight.name(),
                "damping": options.damping,
                "epsilon": options.epsilon,
            }),
        }
    }
}
