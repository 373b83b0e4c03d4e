//! Rankings: which accounts to look at next, where amounts do not matter.
//!
//! A score says how likely a walk that begins at the sources and prefers large payments is to come by and stop. It
//! is a relevance for the order of exploration; it is no amount of money, and nothing can be claimed by it.
//!
//! [`personalized_rank`] looks at payments without their times; [`tracing_rank`] follows them in time order, and back
//! against it. Both give mass away in pushes and keep books of it: scores and what is left sum to 1.

mod edges;
mod personalized;
mod tracing;

pub use personalized::{PersonalizedOptions, Weight, personalized_rank};
pub use tracing::{TracingOptions, tracing_rank};

use crate::error::{Error, Result};
use crate::graph::View;
use crate::ids::AccountId;

/// Which way a ranking goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[cfg_attr(feature = "cli", value(rename_all = "snake_case"))]
pub enum Direction {
    /// Along payments: where money of the sources may have gone.
    #[default]
    Downstream,
    /// Against them: where it may have come from.
    Upstream,
}

impl Direction {
    /// Both directions.
    pub const ALL: [Direction; 2] = [Direction::Downstream, Direction::Upstream];

    /// The name in options, files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Downstream => "downstream",
            Direction::Upstream => "upstream",
        }
    }
}

/// Accounts by relevance; not an amount of anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranking {
    /// Account, by score descending, ties by number.
    pub account: Vec<AccountId>,
    /// Its score, more than 0; all scores and `residual` sum to 1.
    pub score: Vec<f64>,
    /// Mass that was not given out: at most so much is missing from all scores together.
    pub residual: f64,
    /// How often an account gave its mass away: the work done.
    pub pushes: u64,
}

impl Ranking {
    /// Number of accounts.
    pub fn len(&self) -> usize {
        self.account.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.account.is_empty()
    }

    /// Sorts accounts with their scores.
    fn new(scores: impl Iterator<Item = (u32, f64)>, residual: f64, pushes: u64) -> Self {
        let mut rows: Vec<(u32, f64)> = scores.filter(|row| row.1 > 0.0).collect();
        rows.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Ranking {
            account: rows.iter().map(|row| AccountId(row.0)).collect(),
            score: rows.iter().map(|row| row.1).collect(),
            residual,
            pushes,
        }
    }
}

/// Refuses sources that are none; returns them ascending, each once.
fn check_sources(view: &View<'_>, sources: &[AccountId]) -> Result<Vec<u32>> {
    let graph = view.graph();
    if sources.is_empty() {
        return Err(Error::input("sources", "are empty; a ranking begins at one account at least"));
    }
    for (index, &account) in sources.iter().enumerate() {
        let refuse = |problem: String| Err(Error::input(format!("sources[{index}]"), problem));
        if account.0 >= graph.num_accounts() {
            return refuse(format!("account {} of {}", account.0, graph.num_accounts()));
        }
        if !view.contains(account) {
            let key = graph.account_key(account)?;
            return refuse(format!("account {key:?} is outside of the view"));
        }
    }
    let mut sources: Vec<u32> = sources.iter().map(|account| account.0).collect();
    sources.sort_unstable();
    sources.dedup();
    Ok(sources)
}

/// Refuses a number that does not fit.
fn check_number(name: &'static str, value: f64, allowed: &'static str, fits: bool) -> Result<()> {
    if fits { Ok(()) } else { Err(Error::Option { name, value: value.to_string(), allowed }) }
}
