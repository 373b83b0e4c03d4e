//! Transaction tracing rank: relevance by payments in time order.
//!
//! Mass is a set of chips, each with the position of the payment that brought it. An account that gives mass away keeps
//! the share alpha of it as score. Of the rest, the share beta goes on, in proportion to amounts: downstream, over what
//! the account paid after the chip came; the share 1 − beta goes back, over what the account received before. A
//! chip that goes over a payment carries that payment's position from there on. What finds no such payment stays at the account as residual.
//! Upstream is the mirror image: on over what was received before, back over what was paid after.
//!
//! Going back finds accounts that feed into the same flow though nothing of the sources came to them.
//!
//! # Method
//! The account with the largest residual is next, ties by number, until none has more than epsilon. Chips at one account and position
//! are one chip. The mass of the sources, each alike, has no position and goes over all payments. Suffix sums of amounts
//! make a push linear in the payments of the account and, but for sorting, its chips.
//!
//! # Cost
//! At most 1 / (alpha · epsilon) pushes, each linear in the account's payments. Memory is proportional to the payments of
//! the accounts that were pushed, and a word per account.
//!
//! # Choices
//! Before and after are positions in the total order, so rows of one time go by their order. Payments that failed
//! or moved nothing are none. Amounts are minor units, of all currencies alike.
//!
//! # Source
//! Wu, Liu, Lin, Zhang, Chen, Zheng: TRacer: scalable graph-based transaction tracing for account-based blockchain
//! trading systems, IEEE TIFS 2023 (arXiv 2201.05757); the rules of its time-aware variant.

use super::super::walk::rows::Rows;
use super::edges::{Edge, paid, received};
use super::{Direction, Ranking, check_number, check_sources};
use crate::error::Result;
use crate::graph::View;
use crate::ids::{AccountId, NONE};
use crate::run::Run;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// Options of [`tracing_rank`].
#[derive(Clone, Debug, PartialEq)]
pub struct TracingOptions {
    /// Which way is on; the other is back.
    pub direction: Direction,
    /// Share of its mass that an account keeps as score, more than 0 and at most 1.
    pub alpha: f64,
    /// Share of the rest that goes on, from 0 to 1; what does not goes back.
    pub beta: f64,
    /// Least residual of an account that is pushed, more than 0 and at most 1.
    pub epsilon: f64,
}

impl Default for TracingOptions {
    fn default() -> Self {
        Self { direction: Direction::default(), alpha: 0.15, beta: 0.8, epsilon: 1e-4 }
    }
}

impl TracingOptions {
    fn check(&self) -> Result<()> {
        let Self { alpha, beta, epsilon, .. } = *self;
        check_number("alpha", alpha, "more than 0 and at most 1", alpha > 0.0 && alpha <= 1.0)?;
        check_number("beta", beta, "from 0 to 1", (0.0..=1.0).contains(&beta))?;
        check_number("epsilon", epsilon, "more than 0 and at most 1", epsilon > 0.0 && epsilon <= 1.0)
    }
}

/// Position of the mass that sources begin with: before everything paid, after everything received.
const ANY: u64 = u64::MAX;

/// Mass at an account, and the payment that brought it.
#[derive(Clone, Copy, Debug)]
struct Chip {
    position: u64,
    mass: f64,
}

/// An account that mass came by.
#[derive(Debug, Default)]
struct Place {
    account: u32,
    score: f64,
    /// Sum of `chips`.
    residual: f64,
    chips: Vec<Chip>,
    /// What it paid and received, once it was pushed.
    sides: Option<[Side; 2]>,
}

/// Payments of an account on one side, by position.
#[derive(Debug)]
struct Side {
    edges: Vec<Edge>,
    /// Sums of amounts: of what was paid, from each payment to the last; of what was received, from the first to each, inclusive.
    sums: Vec<f64>,
}

/// An account that may be due; the largest residual first, then the smallest number.
#[derive(Clone, Copy, Debug)]
struct Due {
    residual: f64,
    account: Reverse<u32>,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        self.residual.total_cmp(&other.residual).then(self.account.cmp(&other.account))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Due {}

/// Ranks accounts by how much a time-respecting walk from the sources has to do with them.
///
/// Scores are relevance for the order of exploration, never amounts of money. Nothing outside of `view` exists.
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
/// use ringfence::trace::rank::{TracingOptions, tracing_rank};
///
/// let graph = Graph::open("payments.ring".as_ref(), Io::Mmap)?;
/// let account = graph.find_account("A17")?.expect("a known account");
/// let ranking = tracing_rank(&graph.view(), &[account], &TracingOptions::default(), &Run::new())?;
/// println!("{} accounts after {} pushes", ranking.len(), ranking.pushes);
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn tracing_rank(
    view: &View<'_>,
    sources: &[AccountId],
    options: &TracingOptions,
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
        due: BinaryHeap::new(),
    };
    for &source in &sources {
        walk.give(source, ANY, 1.0 / sources.len() as f64);
        walk.expect(source);
    }
    let mut pushes = 0;
    while let Some(due) = walk.due.pop() {
        let at = walk.slots[due.account.0 as usize] as usize;
        if walk.places[at].residual != due.residual {
            continue; // it was pushed, or has more by now and stands elsewhere
        }
        run.check()?;
        walk.push(at)?;
        run.advance(1);
        pushes += 1;
    }
    let residual = walk.places.iter().flat_map(|place| &place.chips).map(|chip| chip.mass).sum();
    Ok(Ranking::new(walk.places.iter().map(|place| (place.account, place.score)), residual, pushes))
}

struct Walk<'a, 'g> {
    view: &'a View<'g>,
    rows: &'a Rows<'g>,
    options: &'a TracingOptions,
    /// By account, its place, or [`NONE`].
    slots: Vec<u32>,
    places: Vec<Place>,
    due: BinaryHeap<Due>,
}

impl Walk<'_, '_> {
    fn give(&mut self, account: u32, position: u64, mass: f64) {
        let slot = &mut self.slots[account as usize];
        if *slot == NONE {
            *slot = self.places.len() as u32;
            self.places.push(Place { account, ..Place::default() });
        }
        let place = &mut self.places[*slot as usize];
        place.residual += mass;
        place.chips.push(Chip { position, mass });
    }

    /// Puts an account in line if it has enough.
    fn expect(&mut self, account: u32) {
        let residual = self.places[self.slots[account as usize] as usize].residual;
        if residual > self.options.epsilon {
            self.due.push(Due { residual, account: Reverse(account) });
        }
    }

    fn push(&mut self, at: usize) -> Result<()> {
        let place = &mut self.places[at];
        let account = place.account;
        let sides = match place.sides.take() {
            Some(sides) => sides,
            None => {
                [Side::paid(self.view, self.rows, account)?, Side::received(self.view, self.rows, account)?]
            }
        };
        let chips = joined(std::mem::take(&mut place.chips));
        place.residual = 0.0;
        let TracingOptions { direction, alpha, beta, .. } = *self.options;
        let [later, earlier] = match direction {
            Direction::Downstream => [(1.0 - alpha) * beta, (1.0 - alpha) * (1.0 - beta)],
            Direction::Upstream => [(1.0 - alpha) * (1.0 - beta), (1.0 - alpha) * beta],
        };
        let (mut kept, mut given) = (0.0, Vec::new());
        let mut stays = Vec::new();
        for chip in &chips {
            kept += alpha * chip.mass;
            let stuck = later * chip.mass * f64::from(!sides[0].any_after(chip.position))
                + earlier * chip.mass * f64::from(!sides[1].any_before(chip.position));
            if stuck > 0.0 {
                stays.push(Chip { mass: stuck, ..*chip });
            }
        }
        sides[0].spread_after(&chips, later, &mut given);
        sides[1].spread_before(&chips, earlier, &mut given);
        let place = &mut self.places[at];
        place.score += kept;
        place.sides = Some(sides);
        for chip in stays {
            self.give(account, chip.position, chip.mass);
        }
        for &(neighbor, position, mass) in &given {
            self.give(neighbor, position, mass);
        }
        // Only now: what an account has more after every payment to it is looked at once.
        let mut touched: Vec<u32> = given.iter().map(|gift| gift.0).chain([account]).collect();
        touched.sort_unstable();
        touched.dedup();
        touched.into_iter().for_each(|account| self.expect(account));
        Ok(())
    }
}

/// Chips by position, one for each; chips of one position are added in the order in which they came.
fn joined(mut chips: Vec<Chip>) -> Vec<Chip> {
    chips.sort_by_key(|chip| chip.position);
    chips.dedup_by(|next, kept| {
        let same = next.position == kept.position;
        if same {
            kept.mass += next.mass;
        }
        same
    });
    chips
}

impl Side {
    fn paid(view: &View<'_>, rows: &Rows<'_>, account: u32) -> Result<Self> {
        let edges = paid(view, rows, account)?;
        let mut sums = vec![0.0; edges.len()];
        let mut sum = 0.0;
        for (edge, place) in edges.iter().zip(&mut sums).rev() {
            sum += edge.amount;
            *place = sum;
        }
        Ok(Side { edges, sums })
    }

    fn received(view: &View<'_>, rows: &Rows<'_>, account: u32) -> Result<Self> {
        let edges = received(view, rows, account)?;
        let mut sums = vec![0.0; edges.len()];
        let mut sum = 0.0;
        for (edge, place) in edges.iter().zip(&mut sums) {
            sum += edge.amount;
            *place = sum;
        }
        Ok(Side { edges, sums })
    }

    /// Of payments: the first that comes after a chip.
    fn after(&self, position: u64) -> usize {
        if position == ANY { 0 } else { self.edges.partition_point(|edge| edge.position <= position) }
    }

    /// Of receipts: how many come before a chip.
    fn before(&self, position: u64) -> usize {
        self.edges.partition_point(|edge| edge.position < position)
    }

    fn any_after(&self, position: u64) -> bool {
        self.after(position) < self.edges.len()
    }

    fn any_before(&self, position: u64) -> bool {
        self.before(position) > 0
    }

    /// Gives `share` of every chip to the payments after it, in proportion to amounts: (neighbor, position, mass).
    fn spread_after(&self, chips: &[Chip], share: f64, given: &mut Vec<(u32, u64, f64)>) {
        // What one unit of amount gets, by the first payment that gets it.
        let mut rates: Vec<(usize, f64)> = Vec::new();
        for chip in chips {
            let first = self.after(chip.position);
            if first < self.edges.len() {
                rates.push((first, share * chip.mass / self.sums[first]));
            }
        }
        rates.sort_by_key(|rate| rate.0); // the mass without a position comes last, but goes first
        let (mut rate, mut next) = (0.0, rates.iter().peekable());
        let begin = rates.first().map_or(self.edges.len(), |rate| rate.0);
        for (index, edge) in self.edges.iter().enumerate().skip(begin) {
            while let Some(more) = next.next_if(|more| more.0 <= index) {
                rate += more.1;
            }
            push(given, edge, rate);
        }
    }

    /// Gives `share` of every chip to the receipts before it, in proportion to amounts.
    fn spread_before(&self, chips: &[Chip], share: f64, given: &mut Vec<(u32, u64, f64)>) {
        let mut rates: Vec<(usize, f64)> = Vec::new();
        for chip in chips {
            let many = self.before(chip.position);
            if many > 0 {
                rates.push((many, share * chip.mass / self.sums[many - 1]));
            }
        }
        let (mut rate, mut next) = (0.0, rates.iter().rev().peekable());
        let end = rates.last().map_or(0, |rate| rate.0);
        for (index, edge) in self.edges[..end].iter().enumerate().rev() {
            while let Some(more) = next.next_if(|more| more.0 > index) {
                rate += more.1;
            }
            push(given, edge, rate);
        }
    }
}

fn push(given: &mut Vec<(u32, u64, f64)>, edge: &Edge, rate: f64) {
    if rate > 0.0 {
        given.push((edge.neighbor, edge.position, rate * edge.amount));
    }
}
