//! What upstream tracing finds: origins, the payments in between, and the proof that they sum.

use super::paths::{Paths, list};
use super::policy::Policy;
use super::pool::parts::Part;
use super::replay::{Origin, Place, Replay, Step};
use super::result::Flows;
use super::upstream::{Aim, UpstreamOptions};
use crate::error::{Error, Result};
use crate::graph::View;
use crate::ids::{AccountId, CurrencyId, TxId};
use std::collections::BTreeMap;

/// Where the money of targets came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    /// Origins, by (target, amount descending, account).
    pub origins: Origins,
    /// Payments that carried money of a target, by (target, transaction); `case` is the target, `hop` the fewest
    /// payments from an origin, 1 for an origin's own. An origin beyond the frontier has a paid part of 0, because
    /// its pool is not known.
    pub flows: Flows,
    /// Money paths, from origin to target; `case` is the target and `account` the origin; by (target, amount
    /// descending, origin).
    pub paths: Paths,
    /// Transactions looked at, counted as often as they were.
    pub events: u64,
}

/// Origins of targets; all columns have the same length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    /// Number of the target.
    pub target: Vec<u32>,
    /// The account that the money came from: what it held at first, was supplied with, or paid from beyond the
    /// frontier.
    pub account: Vec<AccountId>,
    /// Currency of the target.
    pub currency: Vec<CurrencyId>,
    /// Minor units of the target (units of value under value pooling), more than 0; they sum to the target.
    pub amount: Vec<i64>,
}

impl Origins {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.target.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.target.is_empty()
    }
}

impl Upstream {
    pub(super) fn begin() -> Self {
        Upstream { paths: Paths::begin(), ..Upstream::default() }
    }

    pub(super) fn append(&mut self, mut other: Upstream) {
        self.origins.target.append(&mut other.origins.target);
        self.origins.account.append(&mut other.origins.account);
        self.origins.currency.append(&mut other.origins.currency);
        self.origins.amount.append(&mut other.origins.amount);
        self.flows.append(&mut other.flows);
        self.paths.append(other.paths);
        self.events += other.events;
    }
}

/// What the forward pass writes down: by origin, in order.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// What the target took from each origin.
    pub(super) composition: BTreeMap<u32, i64>,
    /// What the target is in all.
    pub(super) target: i64,
    moves: Vec<Move>,
}

/// A step of one origin's money.
#[derive(Clone, Copy, Debug)]
struct Move {
    origin: u32,
    position: u64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The account's own money, in a pool of the account.
    Enter { account: u32, currency: u16, amount: i64 },
    /// Part of the payment at the position.
    Carry { paid: i64, received: i64 },
    /// Part of a payment to where it can no longer reach the target.
    Leave { account: u32, currency: u16, amount: i64 },
}

impl Answer {
    /// Money of `origin` that is in an account's pool before the payment at a position.
    pub(super) fn enter(&mut self, origin: u32, position: u64, account: u32, currency: u16, amount: i64) {
        self.moves.push(Move { origin, position, kind: Kind::Enter { account, currency, amount } });
    }

    /// An origin's part of a payment that leads away from the target.
    pub(super) fn leave(&mut self, origin: u32, position: u64, account: u32, currency: u16, amount: i64) {
        self.moves.push(Move { origin, position, kind: Kind::Leave { account, currency, amount } });
    }

    /// An origin's part of the payment at a position.
    pub(super) fn carry(&mut self, position: u64, part: &Part) {
        let kind = Kind::Carry { paid: part.paid, received: part.received };
        self.moves.push(Move { origin: part.case, position, kind });
    }
}

/// Replays every origin of a target into paths and flows, and proves that they sum.
pub(super) fn gather(
    view: &View<'_>,
    aim: &Aim,
    mut answer: Answer,
    options: &UpstreamOptions,
    events: u64,
) -> Result<Upstream> {
    let base = options.rules.rates.as_ref().map(|rates| rates.base());
    let lifo = options.rules.policy == Policy::Lifo;
    let has_order = options.rules.policy != Policy::Haircut;
    let from: Place = (aim.account, aim.currency, 0);
    let mut found = Upstream { events, ..Upstream::begin() };
    let mut origins: Vec<(u32, i64)> =
        answer.composition.iter().map(|(&origin, &amount)| (origin, amount)).collect();
    origins.sort_by_key(|&(origin, amount)| (std::cmp::Reverse(amount), origin));
    answer.moves.sort_by_key(|step| step.origin);
    let mut flows: BTreeMap<u64, (i64, i64, u32)> = BTreeMap::new();
    for &(origin, amount) in &origins {
        let first = answer.moves.partition_point(|step| step.origin < origin);
        let last = answer.moves.partition_point(|step| step.origin <= origin);
        let mut replay = Replay::default();
        for step in &answer.moves[first..last] {
            replay.step(&step_of(view, step, base, lifo)?)?;
        }
        let target: Place = (aim.account, aim.currency, TARGET);
        let newest = lifo || (aim.is_balance && has_order);
        replay.step(&Step::Leave { place: from, amount, newest, to: Some(target) })?;
        let listed = list(&replay, aim.index, &[(origin, target)], None);
        for path in 0..listed.len() {
            for (hop, at) in (1..).zip(listed.payments(path)) {
                let sum = flows.entry(listed.transaction[at].0).or_insert((0, 0, hop));
                *sum = (sum.0 + listed.paid[at], sum.1 + listed.received[at], sum.2.min(hop));
            }
        }
        found.paths.append(listed);
    }
    found.paths = found.paths.keep_largest(options.paths_max);
    let total: i128 = origins.iter().map(|origin| i128::from(origin.1)).sum();
    if total != i128::from(answer.target) {
        let target = answer.target;
        return Err(Error::Unproved(format!("origins sum to {total} and not to their target, {target}")));
    }
    for (origin, amount) in origins {
        found.origins.target.push(aim.index);
        found.origins.account.push(AccountId(origin));
        found.origins.currency.push(CurrencyId(aim.currency));
        found.origins.amount.push(amount);
    }
    for (position, (paid, received, hop)) in flows {
        found.flows.push(aim.index, TxId(position), paid, received, hop);
    }
    Ok(found)
}

/// Number of the place that is the target.
const TARGET: u8 = 3;

fn step_of(view: &View<'_>, step: &Move, base: Option<CurrencyId>, lifo: bool) -> Result<Step> {
    let position = step.position;
    let (paid, received) = match step.kind {
        Kind::Enter { account, currency, amount } => {
            let origin = Origin::Entry(step.origin);
            return Ok(Step::Enter { place: (account, currency, 0), amount, origin });
        }
        Kind::Leave { account, currency, amount } => {
            let place = (account, currency, 0);
            return Ok(Step::Leave { place, amount, newest: lifo, to: None });
        }
        Kind::Carry { paid, received } => (paid, received),
    };
    let row = view.graph().transaction(TxId(position))?;
    let to = (row.destination.0, base.unwrap_or(row.received_currency).0, 0);
    if paid == 0 {
        return Ok(Step::Enter { place: to, amount: received, origin: Origin::Transaction(position) });
    }
    let from = (row.source.0, base.unwrap_or(row.paid_currency).0, 0);
    Ok(Step::Move { from, to, position, paid, received, newest: lifo })
}
