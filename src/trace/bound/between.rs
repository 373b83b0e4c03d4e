//! The transactions that lie on some way of the money from a seed to a target, found from both ends.
//!
//! # Method
//! A sweep forward in time knows which pools the seed's money may have reached, and when first; a sweep backward in
//! time knows from which pools money can still reach the target, and when last. Each follows only the transactions of
//! accounts that it has reached, in order, by a heap of the next one of each. The sweep that has looked at fewer
//! transactions goes on, until they meet: what happens before the meeting is known to the one, what happens after it
//! to the other. Each is then continued through what the other has found, which leaves the transactions that both
//! reach. If no pool is reached by both, nothing can arrive, and either sweep has seen only its part of the window.
//!
//! # Cost
//! O(e log a) for e transactions looked at, of a accounts reached. Where one transaction in the window leads on
//! average to g others, two sweeps of half the window see some 2·g^(w/2) where one would see g^w.
//!
//! # Choices
//! Pools, not accounts, are reached: money received in one currency is not paid in another. A payment of 0, or one
//! that hands over 0, moves nothing.
//!
//! # Source
//! Earliest arrival and latest departure in one pass over time-ordered edges: Wu, Cheng, Huang, Ke, Lu, Xu: Path
//! Problems in Temporal Graphs, PVLDB 7(9), 2014. Searching from both ends, the cheaper first: Pohl, Bi-directional
//! Search, Machine Intelligence 6, 1971.

use super::walk::{Walk, Way};
use crate::error::{Error, Result};
use crate::graph::View;
use crate::random::mix;
use crate::trace::walk::meter::Meter;
use crate::trace::walk::rows::{Money, Rows};
use crate::units::Ties;
use std::collections::binary_heap::PeekMut;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

/// A transaction that moves money.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) position: u64,
    /// What orders it: its position, or its time where ties are strict. Money that arrives at a moment can leave at
    /// any greater one.
    pub(super) moment: i64,
    pub(super) source: u32,
    pub(super) destination: u32,
    pub(super) paid: Money,
    pub(super) received: Money,
}

/// An account and a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pool {
    pub(super) account: u32,
    pub(super) currency: u16,
}

impl Event {
    pub(super) fn from(&self) -> Pool {
        Pool { account: self.source, currency: self.paid.currency }
    }

    pub(super) fn to(&self) -> Pool {
        Pool { account: self.destination, currency: self.received.currency }
    }
}

/// What is asked: which transactions lie between a seed and a target.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// Where the seed's money is first.
    pub(super) seed: Pool,
    /// It can leave at any greater moment.
    pub(super) moment: i64,
    /// Where it must arrive, and stays.
    pub(super) target: Pool,
    /// Positions that matter.
    pub(super) range: Range<u64>,
}

/// The transactions of a view as sweeps see them.
#[derive(Debug)]
pub(super) struct World<'a, 'g> {
    pub(super) view: &'a View<'g>,
    pub(super) rows: &'a Rows<'g>,
    pub(super) ties: Ties,
    /// The one currency that counts, if only one does.
    pub(super) currency: Option<u16>,
    /// Most transactions to look at for one question.
    pub(super) events_max: Option<u64>,
}

impl World<'_, '_> {
    /// Refuses to look at more transactions than were allowed.
    #[inline]
    pub(super) fn check_events(&self, num_events: u64) -> Result<()> {
        match self.events_max {
            Some(limit) if num_events > limit => Err(Error::Limit {
                what: "transactions looked at for one bound",
                found: num_events,
                limit,
                remedy: "shorten the window, or raise `events_max`",
            }),
            _ => Ok(()),
        }
    }

    /// What orders the transaction at a position.
    #[inline]
    fn moment(&self, position: u64) -> Result<i64> {
        match self.ties {
            Ties::Order => Ok(position as i64),
            Ties::Strict => self.rows.time(position),
        }
    }

    /// The transaction at a position, if it moves money.
    #[inline]
    fn event(&self, position: u64, source: u32, destination: u32) -> Result<Option<Event>> {
        let Some(row) = self.rows.read(position)? else { return Ok(None) };
        if (row.source, row.destination) != (source, destination) {
            let detail = "is listed among the transfers of accounts that are not its ends";
            return Err(self.rows.damaged(position, detail));
        }
        let counts = |money: Money| {
            money.amount > 0 && self.currency.is_none_or(|currency| money.currency == currency)
        };
        if !counts(row.paid) || !counts(row.received) {
            return Ok(None);
        }
        let moment = self.moment(position)?;
        Ok(Some(Event { position, moment, source, destination, paid: row.paid, received: row.received }))
    }
}

/// The transactions on some way from the seed to the target, in order.
pub(super) fn between(
    world: &World<'_, '_>,
    question: &Question,
    meter: &mut Meter<'_>,
) -> Result<Vec<Event>> {
    let Question { seed, moment, target, range } = question;
    let mut forward = Sweep::new(world, Way::Forward, range.clone(), Some(target.account));
    let mut backward = Sweep::new(world, Way::Backward, range.clone(), Some(target.account));
    forward.reach(*seed, *moment)?;
    backward.reach(*target, i64::MAX)?;
    let (mut paid_on, mut led_on) = (Vec::new(), Vec::new());
    while let (Some(first), Some(last)) = (forward.next(), backward.next())
        && first <= last
    {
        let (sweep, found) = match forward.num_events <= backward.num_events {
            true => (&mut forward, &mut paid_on),
            false => (&mut backward, &mut led_on),
        };
        found.extend(sweep.step()?);
        meter.event()?;
        world.check_events(forward.num_events + backward.num_events)?;
    }
    // What the backward sweep found from here on; the forward sweep knows everything before.
    let meeting = forward.next().unwrap_or(u64::MAX);
    led_on.retain(|event| event.position >= meeting);
    led_on.reverse();
    Ok(join(&forward.reached, &paid_on, &backward.reached, &led_on))
}

/// Keeps of the transactions that either sweep found, in order, those that the other reaches too.
fn join(arrivals: &Reached, paid_on: &[Event], departures: &Reached, led_on: &[Event]) -> Vec<Event> {
    let (fewer, more) = match arrivals.len() <= departures.len() {
        true => (arrivals, departures),
        false => (departures, arrivals),
    };
    if !fewer.keys().any(|pool| more.contains_key(pool)) {
        return Vec::new();
    }
    let mut events = Vec::new();
    let mut earlier = Reached::default();
    for event in paid_on.iter().rev() {
        let departure = departures.get(&event.to()).or(earlier.get(&event.to()));
        if departure.is_some_and(|&departure| event.moment < departure) {
            earlier.entry(event.from()).or_insert(event.moment);
            events.push(*event);
        }
    }
    events.reverse();
    let mut later = Reached::default();
    for event in led_on {
        let arrival = arrivals.get(&event.from()).or(later.get(&event.from()));
        if arrival.is_some_and(|&arrival| arrival < event.moment) {
            later.entry(event.to()).or_insert(event.moment);
            events.push(*event);
        }
    }
    events
}

/// By pool, the moment of its first arrival, or of its last departure.
type Reached = HashMap<Pool, i64, BuildHasherDefault<Mix>>;

/// One sweep, forward or backward.
#[derive(Debug)]
pub(super) struct Sweep<'a, 'g> {
    world: &'a World<'a, 'g>,
    way: Way,
    range: Range<u64>,
    /// The account that pays nothing on.
    keeper: Option<u32>,
    reached: Reached,
    /// Accounts reached in any currency, and their walks.
    begun: HashSet<u32, BuildHasherDefault<Mix>>,
    walks: Vec<(u32, Walk<'g>)>,
    /// The next transaction of every walk: when it is due, and the walk.
    due: BinaryHeap<(u64, u32)>,
    /// Transactions looked at.
    pub(super) num_events: u64,
}

impl<'a, 'g> Sweep<'a, 'g> {
    pub(super) fn new(world: &'a World<'a, 'g>, way: Way, range: Range<u64>, keeper: Option<u32>) -> Self {
        Sweep {
            world,
            way,
            range,
            keeper,
            reached: Reached::default(),
            begun: HashSet::default(),
            walks: Vec::new(),
            due: BinaryHeap::new(),
            num_events: 0,
        }
    }

    /// The greater, the sooner due; its own inverse.
    #[inline]
    fn key(&self, position: u64) -> u64 {
        match self.way {
            Way::Forward => !position,
            Way::Backward => position,
        }
    }

    /// Position of the next transaction.
    #[inline]
    pub(super) fn next(&self) -> Option<u64> {
        self.due.peek().map(|&(key, _)| self.key(key))
    }

    /// Begins at a pool, or comes to it by a transaction.
    pub(super) fn reach(&mut self, pool: Pool, moment: i64) -> Result<()> {
        if self.reached.contains_key(&pool) {
            return Ok(());
        }
        self.reached.insert(pool, moment);
        let leads_on = self.way == Way::Backward || self.keeper != Some(pool.account);
        if !leads_on || !self.begun.insert(pool.account) {
            return Ok(());
        }
        let walk = Walk::new(self.world.view, pool.account, self.way, &self.range)?;
        if let Some((position, _)) = walk.next() {
            self.due.push((self.key(position), self.walks.len() as u32));
            self.walks.push((pool.account, walk));
        }
        Ok(())
    }

    /// Takes the next transaction: its position, the account whose walk it is of, and its other end.
    #[inline]
    fn take(&mut self) -> Option<(u64, u32, u32)> {
        let mut top = self.due.peek_mut()?;
        let (account, walk) = &mut self.walks[top.1 as usize];
        let (position, other) = walk.next()?; // only walks that have a next transaction are due
        walk.advance(self.world.view);
        match (walk.next(), self.way) {
            (Some((next, _)), Way::Forward) => top.0 = !next,
            (Some((next, _)), Way::Backward) => top.0 = next,
            (None, _) => _ = PeekMut::pop(top),
        }
        Some((position, *account, other))
    }

    /// Looks at the next transaction, and returns it if it is reached and moves money.
    pub(super) fn step(&mut self) -> Result<Option<Event>> {
        let Some((position, account, other)) = self.take() else { return Ok(None) };
        self.num_events += 1;
        let (source, destination) = match self.way {
            Way::Forward => (account, other),
            Way::Backward => (other, account),
        };
        if self.keeper == Some(source) {
            return Ok(None);
        }
        let Some(event) = self.world.event(position, source, destination)? else { return Ok(None) };
        let here = if self.way == Way::Forward { event.from() } else { event.to() };
        let Some(&reached) = self.reached.get(&here) else { return Ok(None) };
        let there = match self.way {
            Way::Forward if reached < event.moment => event.to(),
            Way::Backward if event.moment < reached => event.from(),
            _ => return Ok(None),
        };
        match self.way {
            Way::Forward => self.range.start = position + 1,
            Way::Backward => self.range.end = position,
        }
        self.reach(there, event.moment)?;
        Ok(Some(event))
    }
}

/// A hash of a few numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    fn write_u16(&mut self, value: u16) {
        self.write_u64(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = mix(self.0.rotate_left(32) ^ value);
    }
}
