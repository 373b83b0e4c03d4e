//! The maximum traceable amount: what of a seed can have reached an account at most.
//!
//! # What
//! Whatever rule says which money leaves a pool first, tainted money moves by transactions, in their order, and no
//! more of it than they move; in between it waits in accounts as long as it likes. The most that can arrive under
//! these conditions alone is a maximum flow through the transactions in time, and every policy that conserves money
//! stays at or below it. Dually, it is the least sum of capacities of transactions that cut the target off: the cut
//! proves that no more can arrive, the journeys prove that this much can.
//!
//! # Method
//! The transactions that lie on some way from the seed to the target are found from both ends at once, each sweep
//! touching only accounts that it has reached. They become a time-expanded network, whose maximum flow is found by
//! Dinic's method. The flow is proved before it is given out: conserved at every node, equal to the cut, and equal to the
//! sum of its journeys, each of which is checked against the transactions.
//!
//! # Choices
//! * The target keeps what it gets, so money that passes through it again counts once. It is a sink in the sense of
//!   [`downstream`](crate::trace::downstream).
//! * The bound is about one currency, that of the seed. A payment of p that hands over r in it carries at most min(p, r)
//!   of what came; what it hands over beyond p, and what comes in from a currency into which the seed's money may have
//!   been changed, may all be tainted as far as the bound knows, and enters as a supply of its own, where the payer has
//!   been reached. So the value may exceed the seed where there are gains and conversions, and it stays an upper bound.
//! * A payment of 0 draws nothing, and what it hands over is clean. Failed transactions move nothing. What
//!   an account pays to itself may as well have waited.
//! * Waiting is limited by nothing but balances that somebody states (`balances`). A policy whose pools contradict a
//!   statement, a [balance break](crate::trace::balances::breaks), may exceed a bound that believes it.
//!
//! # Cost
//! See [`between`](super::between) and [`flow`](super::flow): proportional to the transactions that both sweeps touch, and
//! then to the network of those that lie between. Memory likewise; nothing is proportional to the graph.
//!
//! # Source
//! Akrida, Czyzowicz, Gąsieniec, Kuszner, Spirakis: Temporal Flows in Temporal Networks, 2017. Kosyfaki, Mamoulis,
//! Pitoura, Tsaparas: Flow Computation in Temporal Interaction Networks, 2020.

use super::between::{World, between};
use super::flow::maximum_flow;
use super::network::{Network, SINK, SOURCE};
use super::options::{BoundOptions, Origin, check_target, origins};
use super::result::Bound;
use super::statements::Statements;
use crate::error::Result;
use crate::graph::View;
use crate::ids::AccountId;
use crate::run::Run;
use crate::trace::seed::SeedKind;
use crate::trace::walk::meter::Meter;
use crate::trace::walk::rows::Rows;
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};

/// The most that `target` can have received of the money of `seed`, whatever the policy, and why not more.
///
/// Nothing outside of `view` exists for the bound. Amounts are minor units of the currency that the seed is in.
///
/// # Errors
/// [`Error::Input`](crate::Error::Input) for a seed that is not possible, a target that the view does not hold, or a
/// transaction with a negative amount; [`Error::Option`](crate::Error::Option) for an option out of its range;
/// [`Error::Limit`](crate::Error::Limit) if more transactions would have to be looked at than `events_max` allows, or if
/// seed, gains and conversions exceed 2^63 − 1 minor units; [`Error::Unproved`](crate::Error::Unproved) if flow, cut and
/// journeys do not agree, which would be a bug of ours.
///
/// # Examples
/// A hundred euro are stolen; whatever the rule, at most sixty of them can be in cash:
/// ```
/// use ringfence::Run;
/// use ringfence::graph::Graph;
/// use ringfence::graph::build::{IngestOptions, Sources, ingest};
/// use ringfence::ingest::{Mapping, RejectLog, Source};
/// use ringfence::store::Io;
/// use ringfence::trace::SeedKind;
/// use ringfence::trace::bound::{BoundOptions, max_traceable};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let (csv, store) = (folder.path().join("ledger.csv"), folder.path().join("bank.ring"));
/// std::fs::write(
///     &csv,
///     "transaction,source,destination,time,amount,currency\n\
///      t1,victim,mule,2024-05-01T09:00:00Z,100.00,EUR\n\
///      t2,mule,cash,2024-05-01T11:30:00Z,40.00,EUR\n\
///      t3,mule,other,2024-05-01T12:00:00Z,70.00,EUR\n\
///      t4,other,cash,2024-05-02T08:00:00Z,20.00,EUR\n",
/// )?;
/// # let run = Run::new();
/// # let sources = Sources { transactions: vec![Source::File(csv)], ..Sources::default() };
/// # let mapping = Mapping::preset("ledger")?;
/// # ingest(&store, sources, &mapping, &mut RejectLog::counting(), &IngestOptions::default(), &run)?;
/// let graph = Graph::open(&store, Io::Mmap)?;
/// let stolen = graph.find_transaction("t1")?.ok_or("no such transaction")?;
/// let cash = graph.find_account("cash")?.ok_or("no such account")?;
/// let seed = SeedKind::Transaction { transaction: stolen, amount: None };
/// let bound = max_traceable(&graph.view(), &seed, cash, &BoundOptions::default(), &run)?;
/// assert_eq!(bound.value, 6_000);
/// let cut: Vec<_> = bound.cut.iter().map(|row| (row.transaction, row.capacity)).collect();
/// assert_eq!(cut, [(graph.find_transaction("t2")?, 4_000), (graph.find_transaction("t4")?, 2_000)]);
/// assert_eq!(bound.journeys.len(), 2); // t1 t2, and t1 t3 t4
/// # Ok(())
/// # }
/// ```
pub fn max_traceable(
    view: &View<'_>,
    seed: &SeedKind,
    target: AccountId,
    options: &BoundOptions,
    run: &Run,
) -> Result<Bound> {
    options.check(view.graph().num_accounts())?;
    run.check()?;
    check_target(view, target, || "target".into())?;
    let origins = origins(view, std::slice::from_ref(seed), options)?;
    let rows = Rows::new(view, None);
    let world = options.world(view, &rows, None);
    let statements = Statements::new(view, &options.balances)?;
    bound(&world, &statements, &origins[0], target, run)
}

/// The bound of every pair of a seed and a target, in the order given, in parallel.
///
/// The seeds have nothing to do with each other: each bound is what [`max_traceable`] says of its pair alone.
///
/// # Errors
/// As [`max_traceable`]; seeds and pairs are named by their place. The first pair in error, in the order given, is the
/// one that is reported, and nothing is kept.
pub fn max_traceable_many(
    view: &View<'_>,
    pairs: &[(SeedKind, AccountId)],
    options: &BoundOptions,
    run: &Run,
) -> Result<Vec<Bound>> {
    options.check(view.graph().num_accounts())?;
    run.check()?;
    for (place, &(_, target)) in pairs.iter().enumerate() {
        check_target(view, target, || format!("pairs[{place}].target"))?;
    }
    let seeds: Vec<SeedKind> = pairs.iter().map(|&(seed, _)| seed).collect();
    let origins = origins(view, &seeds, options)?;
    let asked: Vec<(Origin, AccountId)> =
        origins.into_iter().zip(pairs).map(|(origin, &(_, target))| (origin, target)).collect();
    run.stage("bounds", 0);
    let rows = Rows::new(view, None);
    let world = options.world(view, &rows, None);
    let statements = Statements::new(view, &options.balances)?;
    let bounds: Vec<Result<Bound>> = run.install(|| {
        asked.par_iter().map(|(origin, target)| bound(&world, &statements, origin, *target, run)).collect()
    });
    bounds.into_iter().collect()
}

fn bound(
    world: &World<'_, '_>,
    statements: &Statements,
    origin: &Origin,
    target: AccountId,
    run: &Run,
) -> Result<Bound> {
    run.check()?;
    let claimed = origin.claimed;
    let mut meter = Meter::new(run);
    let events = if claimed.account == target.0 {
        Vec::new()
    } else {
        between(world, &origin.question(target), &mut meter)?
    };
    let network = Network::new(claimed, target.0, &events, statements)?;
    let flow = maximum_flow(&network.arcs, network.num_nodes, SOURCE, SINK, || run.check())?;
    let mut bound = network.read(&flow)?;
    bound.events = meter.finish();
    Ok(bound)
}
