//! Personalised PageRank by push: relevance by payments, whatever their times.
//!
//! A walk begins at one of the sources, each alike. At every account it stops with probability 1 − damping, and otherwise
//! goes on along one of the account's payments, chosen by number or amount. The score of an account is the
//! probability that the walk stops there. Where an account pays nobody, the walk ends.
//!
//! # Method
//! Every account has a score and a residual; at first the residuals of the sources sum to 1. A push of an
//! account keeps 1 − damping of its residual as score and gives the rest to those it pays. An account is pushed while
//! its residual is at least `epsilon` times the number of its payments; the queue is first in, first out, and
//! begins with the sources by number. What is missing from a score is what the residuals would still bring.
//!
//! # Cost
//! At most 1 / (epsilon · (1 − damping)) payments are walked over, whatever the size of the graph. Memory is proportional to the
//! accounts touched and their payments, and a word per account.
//!
//! # Choices
//! Payments that failed or moved nothing are none. Weights by amount are minor units, of all currencies alike: with several
//! currencies of different worth, weigh by number.
//!
//! # Source
//! Andersen, Chung, Lang: Local graph partitioning using PageRank vectors, FOCS 2006.

use super::super::walk::rows::Rows;
use super::edges::{paid, received};
use super::{Direction, Ranking, check_number, check_sources};
use crate::error::Result;
use crate::graph::View;
use crate::ids::{AccountId, NONE};
use crate::run::Run;
use std::collections::VecDeque;

/// By what a walk prefers one payment to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[cfg_attr(feature = "cli", value(rename_all = "snake_case"))]
pub enum Weight {
    /// Every payment alike.
    #[default]
    Number,
    /// In proportion to the amount.
    Amount,
}

impl Weight {
    /// The name in options, files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Weight::Number => "number",
            Weight::Amount => "amount",
        }
    }
}

/// Options of [`personalized_rank`].
#[derive(Clone, Debug, PartialEq)]
pub struct PersonalizedOptions {
    /// Which way walks go.
    pub direction: Direction,
    /// By what they prefer one payment to another.
    pub weight: Weight,
    /// Probability that a walk goes on, more than 0 and less than 1.
    pub damping: f64,
    /// Residual per payment from which on an account is pushed, more than 0 and at most 1.
    pub epsilon: f64,
}

impl Default for PersonalizedOptions {
    fn default() -> Self {
        Self { direction: Direction::default(), weight: Weight::default(), damping: 0.85, epsilon: 1e-6 }
    }
}

impl PersonalizedOptions {
    fn check(&self) -> Result<()> {
        let (damping, epsilon) = (self.damping, self.epsilon);
        check_number("damping", damping, "more than 0 and less than 1", damping > 0.0 && damping < 1.0)?;
        check_number("epsilon", epsilon, "more than 0 and at most 1", epsilon > 0.0 && epsilon <= 1.0)
    }
}

/// An account that a walk came by.
#[derive(Debug)]
struct Place {
    account: u32,
    score: f64,
    residual: f64,
    queued: bool,
    /// Whom it gives to, ascending, and which share; read at the first look.
    shares: Option<Vec<(u32, f64)>>,
    /// Number of its payments.
    degree: f64,
}

/// Ranks accounts by where a walk from the sources along payments stops.
///
/// The walk knows nothing of time: it may take an earlier payment after a later one. It never leaves
/// `view`. Scores are relevance, not amounts of money.
///
/// # Errors
/// [`Error::Input`](crate::Error::Input) names a source that is not possible, or a transaction with a negative amount;
/// [`Error::Option`](crate::Error::Option) an option out of its range.
///
/// # Examples
/// ```no_run
/// use ringfence::Run;
/// use ringfence::graph::Graph;
/// use ringfence::store::Io;
/// use ringfence::trace::rank::{PersonalizedOptions, personalized_rank};
///
/// let graph = Graph::open("payments.ring".as_ref(), Io::Mmap)?;
/// let account = graph.find_account("A17")?.expect("a known account");
/// let options = PersonalizedOptions::default();
/// let ranking = personalized_rank(&graph.view(), &[account], &options, &Run::new())?;
/// for account in ranking.account.iter().take(20) {
///     println!("look at {}", graph.account_key(*account)?);
/// }
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn personalized_rank(
    view: &View<'_>,
    sources: &[AccountId],
    options: &PersonalizedOptions,
    run: &Run,
) -> Result<Ranking> {
    options.check()?;
    let sources = check_sources(view, sources)?;
    run.stage("rank", 0);
    let rows = Rows::new(view, None);
    let mut walk = Walk {
        view,
        rows: &rows,
        options,
        slots: vec![NONE; view.graph().num_accounts() as usize],
        places: Vec::new(),
        queue: VecDeque::new(),
    };
    for &source in &sources {
        walk.give(source, 1.0 / sources.len() as f64)?;
    }
    let mut pushes = 0;
    while let Some(at) = walk.queue.pop_front() {
        run.check()?;
        walk.push(at)?;
        run.advance(1);
        pushes += 1;
    }
    let residual = walk.places.iter().map(|place| place.residual).sum();
    Ok(Ranking::new(walk.places.iter().map(|place| (place.account, place.score)), residual, pushes))
}

struct Walk<'a, 'g> {
    view: &'a View<'g>,
    rows: &'a Rows<'g>,
    options: &'a PersonalizedOptions,
    /// By account, its place, or [`NONE`].
    slots: Vec<u32>,
    places: Vec<Place>,
    queue: VecDeque<usize>,
}

impl Walk<'_, '_> {
    /// Adds to the residual of an account; it waits for its push if that is enough.
    fn give(&mut self, account: u32, mass: f64) -> Result<()> {
        let slot = &mut self.slots[account as usize];
        if *slot == NONE {
            *slot = self.places.len() as u32;
            let degree = self.degree(account)?;
            self.places.push(Place {
                account,
                score: 0.0,
                residual: 0.0,
                queued: false,
                shares: None,
                degree,
            });
        }
        let at = self.slots[account as usize] as usize;
        let place = &mut self.places[at];
        place.residual += mass;
        if !place.queued && place.residual >= self.options.epsilon * place.degree.max(1.0) {
            place.queued = true;
            self.queue.push_back(at);
        }
        Ok(())
    }

    /// Transactions on the side that the walk leaves by, an upper bound of its payments.
    fn degree(&self, account: u32) -> Result<f64> {
        let mut degree = 0;
        match self.options.direction {
            Direction::Downstream => {
                for slice in self.view.out(AccountId(account)) {
                    degree += slice?.transactions.len();
                }
            }
            Direction::Upstream => {
                for slice in self.view.incoming(AccountId(account)) {
                    degree += slice?.transactions.len();
                }
            }
        }
        Ok(degree as f64)
    }

    fn push(&mut self, at: usize) -> Result<()> {
        let account = self.places[at].account;
        let shares = match self.places[at].shares.take() {
            Some(shares) => shares,
            None => self.shares(account)?,
        };
        let place = &mut self.places[at];
        let mass = std::mem::take(&mut place.residual);
        place.queued = false;
        if shares.is_empty() {
            place.score += mass;
        } else {
            let goes_on = self.options.damping * mass;
            place.score += mass - goes_on;
            for &(neighbor, share) in &shares {
                self.give(neighbor, goes_on * share)?;
            }
        }
        self.places[at].shares = Some(shares);
        Ok(())
    }

    /// Whom an account gives to, and which share.
    fn shares(&self, account: u32) -> Result<Vec<(u32, f64)>> {
        let mut edges = match self.options.direction {
            Direction::Downstream => paid(self.view, self.rows, account)?,
            Direction::Upstream => received(self.view, self.rows, account)?,
        };
        edges.sort_by_key(|edge| edge.neighbor);
        let weight = |amount: f64| match self.options.weight {
            Weight::Number => 1.0,
            Weight::Amount => amount,
        };
        let total: f64 = edges.iter().map(|edge| weight(edge.amount)).sum();
        let same = edges.chunk_by(|a, b| a.neighbor == b.neighbor);
        let share = |same: f64| same / total;
        Ok(same
            .map(|same| (same[0].neighbor, share(same.iter().map(|edge| weight(edge.amount)).sum())))
            .collect())
    }
}
