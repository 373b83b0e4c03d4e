//! A small language for shapes of laundering: data that says which accounts, payments, times and amounts to look for, and a search that
//! finds them. `docs/pattern-language.md` defines the text and what a match is.
//!
//! # Method
//! Text becomes tokens (`lexer`), statements (`parse`) and a checked query (`check`, `query`), which is then put in terms of a graph (`plan`). The search
//! (`search`) takes each payment as the latest one of a match and follows the pattern from it by the transfers that have
//! the fewest payments; parallel payments are counted together (`choices`). Groups come last (`groups`, `windows`).
//!
//! # Cost
//! Time O(n + m) to strike off accounts that can bear no name, and the payments that are looked at, which [`Budget`] bounds; memory that of
//! [`Transfers`], a byte for each account and name, and of the result.
//!
//! # Choices
//! A match is named by its accounts and its latest single payment, as a cycle is, so that parallel payments do not multiply it. A group is the window with
//! the most members and not every set that would do. Everything else that could be meant is left out: see the last section of the definition.
//!
//! # Source
//! Own. The step with the fewest candidates first: Haralick, Elliott: Increasing tree search efficiency, Artificial Intelligence 14(3), 1980; taking out
//! what asks little of others: Dechter: Bucket elimination, Artificial Intelligence 113, 1999.

mod check;
mod choices;
mod groups;
mod lexer;
mod library;
mod names;
mod parse;
mod plan;
mod query;
mod search;
mod sharing;
mod windows;

pub use query::Query;

use super::budget::{Budget, Cut};
use super::search::{blocks, search};
use super::transfers::{Direction, Transfers};
use crate::error::Result;
use crate::graph::View;
use crate::graph::rates::Rates;
use crate::ids::{AccountId, TxId};
use crate::run::Run;
use names::Names;
use plan::Plan;
use rayon::prelude::*;
use search::{Found, Search};

/// One place where a pattern was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The accounts behind each name of [`Query::accounts`], in that order: one, or the members of a group, ascending.
    pub accounts: Vec<Vec<AccountId>>,
    /// The payments behind each name of [`Query::transfers`], in that order: one, or those of a group, in the order of time.
    pub transactions: Vec<Vec<TxId>>,
    /// Time of the first payment, in microseconds since 1970 UTC.
    pub start: i64,
    /// Time of the last payment.
    pub end: i64,
    /// In how many ways the payments between single accounts can be chosen so that the latest of them stays; 2⁶⁴ − 1 stands for that many or more.
    pub ways: u64,
}

/// What was found, by the last payment, then by accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    /// All matches.
    pub matches: Vec<Match>,
    /// What was left undone.
    pub cut: Cut,
}

/// Where `query` is met in a view; with `rates`, amounts are compared in their base currency.
///
/// # Errors
/// [`Error::Input`](crate::Error::Input) for an attribute, a kind of identifier or a currency that the graph does not have, with its place
/// in the text, before any work; [`Error::Option`](crate::Error::Option) for a budget of nothing; those of [`Transfers::new`];
/// [`Error::Cancelled`](crate::Error::Cancelled).
pub fn matches(
    view: &View<'_>,
    query: &Query,
    rates: Option<&Rates>,
    budget: &Budget,
    run: &Run,
) -> Result<Matches> {
    budget.check()?;
    let names = Names::new(view, query, rates)?;
    let transfers = Transfers::new(view, rates, run)?;
    let plan = Plan::new(view, query, &transfers, names, run)?;
    run.stage("matches", u64::from(transfers.num_accounts()));
    let mut found: Vec<Found> = Vec::new();
    let cut = search(
        &blocks(transfers.offsets(Direction::In)),
        budget,
        run,
        |accounts, meter| Search::new(&plan, meter).accounts(accounts, run),
        |block, kept| found.extend(block.into_iter().take(kept as usize)),
    )?;
    run.install(|| {
        found.par_sort_by_cached_key(|one| {
            (one.places.iter().flatten().max().copied(), one.accounts.clone(), one.places.clone())
        });
    });
    let shown = |one: Found| {
        let ends = one
            .places
            .iter()
            .flatten()
            .fold((u32::MAX, 0), |(first, last), &place| (place.min(first), place.max(last)));
        Match {
            accounts: one
                .accounts
                .iter()
                .map(|accounts| accounts.iter().map(|&account| AccountId(account)).collect())
                .collect(),
            transactions: one
                .places
                .iter()
                .map(|places| places.iter().map(|&place| transfers.id(place)).collect())
                .collect(),
            start: transfers.time(ends.0),
            end: transfers.time(ends.1),
            ways: one.ways,
        }
    };
    Ok(Matches { matches: found.into_iter().map(shown).collect(), cut })
}
