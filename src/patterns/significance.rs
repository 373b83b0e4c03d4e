//! Significance: how often a search finds as much in the same payments, shuffled.
//!
//! # Method
//! A replicate keeps what accounts do in all and destroys what a typology is made of. [`Null::Times`] lets payments change their moments with others of the same hour of
//! the week, so that who pays whom how much stays, and when payments are made in general. [`Null::Targets`] lets payments
//! change their payees with others of the same hour of the week, so that what an account pays and when it does stays, and how often each
//! account is paid. With [`Strata`] of accounts, by bank and segment say, a payment exchanges its moment only with those whose payers, and its payee only with those
//! whose payees, are in the same stratum: how much each stratum pays each other one stays, and when each of them pays. The whole search runs on each replicate, with the same options. An instance's
//! p-value is the share of replicates, with the data itself as one of them, whose best score is at least its own: that a search chose it among many is in it already
//! (the maximum statistic).
//!
//! # Cost
//! The search and the reading of [`Transfers`], once for each replicate; memory that of [`Transfers`] once more.
//!
//! # Choices
//! The smallest p-value is 1 / (1 + replicates). A payment that a swap would make one of an account to itself stands still.
//!
//! # Source
//! Westfall, Young: Resampling-based multiple testing, 1993 (the maximum statistic). Reference models: Gauvin et al., SIAM Review 64(4), 2022.

use super::settings::unknown;
use super::transfers::Transfers;
use super::typology::{Options, Typology, find};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::ids::AccountId;
use crate::random::{Stream, below};
use crate::run::Run;
use crate::units::time::SECOND_US;
use rayon::prelude::*;
use std::collections::HashMap;

/// Hours of a week.
const HOURS: usize = 168;

/// Accounts that are read between two looks at a cancellation.
const ACCOUNTS_PER_CHECK: usize = 1 << 16;

/// Most replicates that can be asked for.
const REPLICATES_LIMIT: u32 = 100_000;

/// What a replicate shuffles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Null {
    /// When payments are made.
    #[default]
    Times,
    /// Whom they pay.
    Targets,
}

impl Null {
    /// All of them.
    pub const ALL: [Null; 2] = [Null::Times, Null::Targets];

    /// The name in options, files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Null::Times => "times",
            Null::Targets => "targets",
        }
    }
}

/// Options of [`best_of_shuffled`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NullOptions {
    /// What is shuffled.
    pub null: Null,
    /// How many times, 1 to 100,000.
    pub replicates: u32,
    /// Which shuffles: the same seed gives the same ones.
    pub seed: u64,
    /// Attributes of accounts that make [`Strata`]; none for one stratum of all accounts.
    pub within: Vec<String>,
}

impl Default for NullOptions {
    fn default() -> Self {
        Self { null: Null::Times, replicates: 99, seed: 0, within: Vec::new() }
    }
}

impl NullOptions {
    /// Whether the options can be met.
    ///
    /// # Errors
    /// [`Error::Option`] for a number of replicates outside its range.
    pub fn check(&self) -> Result<()> {
        match (1..=REPLICATES_LIMIT).contains(&self.replicates) {
            true => Ok(()),
            false => {
                let (name, value) = ("replicates", self.replicates.to_string());
                Err(Error::Option { name, value, allowed: "1 to 100000" })
            }
        }
    }
}

/// Groups of accounts among which payments are shuffled; by default all accounts are one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strata {
    /// The stratum of each account; empty if there is one for all.
    of: Vec<u32>,
}

impl Strata {
    /// Accounts with the same values of all of these attributes; no value is a value of its own.
    ///
    /// # Errors
    /// [`Error::Input`] for an attribute that accounts do not have, with the nearest, before any work; [`Error::Cancelled`].
    pub fn by(graph: &Graph, attributes: &[String], run: &Run) -> Result<Self> {
        let columns = graph.attribute_columns();
        let column = |attribute: &String| {
            let names = || columns.iter().map(|column| column.name.as_str());
            names().position(|name| name == attribute).ok_or_else(|| unknown("attribute", attribute, names()))
        };
        let columns = attributes.iter().map(column).collect::<Result<Vec<usize>>>()?;
        let mut of = Vec::new();
        for column in columns {
            of.resize(graph.num_accounts() as usize, 0);
            // Strata of the columns before and values of this one, numbered as they come; values that differ are written differently.
            let mut strata: HashMap<(u32, String), u32> = HashMap::new();
            for (account, stratum) in of.iter_mut().enumerate() {
                if account.is_multiple_of(ACCOUNTS_PER_CHECK) {
                    run.check()?;
                }
                let value = graph.attribute(column, AccountId(account as u32))?;
                let next = strata.len() as u32;
                *stratum = *strata.entry((*stratum, format!("{value:?}"))).or_insert(next);
            }
        }
        Ok(Self { of })
    }

    fn of(&self, account: u32) -> u32 {
        self.of.get(account as usize).copied().unwrap_or(0)
    }
}

/// The best scores of a search in shuffled payments, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BestOfShuffled(Vec<i64>);

impl BestOfShuffled {
    /// The share of searches, the one in the payments as they are among them, whose best score is at least `score`: the p-value of an instance
    /// with that score, corrected for the search.
    pub fn p_value(&self, score: i64) -> f64 {
        let below = self.0.partition_point(|&best| best < score);
        (1 + self.0.len() - below) as f64 / (1 + self.0.len()) as f64
    }
}

/// Searches shuffled payments again and again; see [`BestOfShuffled::p_value`].
///
/// # Errors
/// [`Error::Option`] if an option is outside its range, before any work; [`Error::Cancelled`].
pub fn best_of_shuffled(
    transfers: &Transfers,
    typology: Typology,
    options: &Options,
    null: &NullOptions,
    strata: &Strata,
    run: &Run,
) -> Result<BestOfShuffled> {
    null.check()?;
    options.check()?;
    let mut best = Vec::with_capacity(null.replicates as usize);
    for replicate in 0..null.replicates {
        let shuffled = shuffled(transfers, null, strata, replicate, run)?;
        let found = find(&shuffled, typology, options, run)?;
        best.push(found.instances.first().map_or(0, |instance| instance.score.total()));
    }
    best.sort_unstable();
    Ok(BestOfShuffled(best))
}

/// One replicate.
fn shuffled(
    transfers: &Transfers,
    null: &NullOptions,
    strata: &Strata,
    replicate: u32,
    run: &Run,
) -> Result<Transfers> {
    let pairs = transfers.pairs(run)?;
    run.check()?;
    let num_places = transfers.num_places() as u32;
    let payer = |place: u32| pairs.payer(place);
    let payee = |place: u32| pairs.payee(place);
    // Places of transfers by hour of the week.
    let mut hours: Vec<Vec<u32>> = vec![Vec::new(); HOURS];
    for place in (0..num_places).filter(|&place| payer(place) != u32::MAX) {
        let hour = transfers.time(place).div_euclid(3_600 * SECOND_US).rem_euclid(HOURS as i64);
        hours[hour as usize].push(place);
    }
    let stratum = |place: &u32| {
        strata.of(match null.null {
            Null::Times => payer(*place),
            Null::Targets => payee(*place),
        })
    };
    let same = |one: &u32, other: &u32| stratum(one) == stratum(other);
    // The places of each hour by stratum, and for each the one whose payment, or payee, it gets.
    let orders: Vec<Vec<u32>> = run.install(|| {
        let shuffle = |(hour, places): (usize, &mut Vec<u32>)| {
            places.sort_by_key(stratum);
            let stream = Stream::new(null.seed, u64::from(replicate) * HOURS as u64 + hour as u64);
            let mut order = places.clone();
            let mut first = 0;
            for places in places.chunk_by(same) {
                let end = first + places.len();
                for at in (first + 1..end).rev() {
                    order.swap(at, first + below(stream.at(at as u64), (at - first) as u64 + 1) as usize);
                }
                first = end;
            }
            order
        };
        hours.par_iter_mut().enumerate().map(shuffle).collect()
    });
    let mut from: Vec<u32> = (0..num_places).collect();
    for (places, order) in hours.iter().zip(&orders) {
        for (&place, &other) in places.iter().zip(order) {
            from[place as usize] = other;
        }
    }
    match null.null {
        Null::Times => transfers.rearranged(
            |place| (payer(from[place as usize]), payee(from[place as usize])),
            Some(&from),
            run,
        ),
        Null::Targets => {
            // A payment that would go to its own payer swaps with nobody: its place in the round is passed on.
            let mut payees: Vec<u32> = (0..num_places).map(|place| payee(from[place as usize])).collect();
            for places in hours.iter().flat_map(|places| places.chunk_by(same)) {
                repair(places, payer, &mut payees);
            }
            transfers.rearranged(|place| (payer(place), payees[place as usize]), None, run)
        }
    }
}

/// Swaps payees until nobody in `places` pays itself, or nothing more can be done.
fn repair(places: &[u32], payer: impl Fn(u32) -> u32, payees: &mut [u32]) {
    for (number, &place) in places.iter().enumerate() {
        if payees[place as usize] != payer(place) {
            continue;
        }
        let fits =
            |&&other: &&u32| payees[other as usize] != payer(place) && payees[place as usize] != payer(other);
        let others = places[number + 1..].iter().chain(&places[..number]);
        if let Some(&other) = others.clone().find(fits) {
            payees.swap(place as usize, other as usize);
        }
    }
}
