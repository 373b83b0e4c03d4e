//! The time-expanded network of a seed's money, and what a flow through it means.
//!
//! # Method
//! Only pools in the seed's currency are nodes. A pool becomes a chain of nodes in time: it needs a new one only where
//! money comes in after some has left, because money that waits can leave with whatever leaves later. Along the chain
//! nothing is limited. A payment of p that hands over r in the same currency is an arc of capacity min(p, r) from
//! the payer's node of that moment to the payee's. Two kinds of arcs begin at the source beside the seed: what a payment
//! hands over beyond what was paid (a *gain* of r − p), and what comes in from another currency (a *conversion*, r).
//! Payments of one moment leave before any money of that moment comes in, which is what strict ties mean; where
//! ties go by order every payment has a moment of its own. Where a balance is stated between two events of a pool, the
//! chain has an arc of that capacity there: no more of the money than the balance can have waited.
//!
//! # Source
//! Ford, Fulkerson: Constructing Maximal Dynamic Flows from Static Flows, Operations Research 6, 1958 (time-expanded
//! networks). Akrida, Czyzowicz, Gąsieniec, Kuszner, Spirakis: Temporal Flows in Temporal Networks, 2017 (unlimited
//! waiting, cuts, and journeys).

use super::between::{Event, Mix};
use super::flow::{Arc, Flow, UNLIMITED};
use super::result::{Bound, CutRow, Journeys, Step};
use super::statements::Statements;
use crate::error::{Error, Result};
use crate::ids::{CurrencyId, TxId};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

/// The node where all money begins.
pub(super) const SOURCE: u32 = 0;
/// The target.
pub(super) const SINK: u32 = 1;

/// The seed's money.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claimed {
    /// The seed transaction; a deposit has none.
    pub(super) transaction: Option<TxId>,
    /// Where it is first.
    pub(super) account: u32,
    pub(super) currency: u16,
    pub(super) amount: i64,
    /// It can leave at any greater moment.
    pub(super) moment: i64,
    /// What is stated after the transaction at this position limits it.
    pub(super) position: u64,
}

/// A time-expanded network.
#[derive(Debug)]
pub(super) struct Network<'e> {
    seed: Claimed,
    target: u32,
    events: &'e [Event],
    statements: &'e Statements,
    pub(super) arcs: Vec<Arc>,
    /// By arc, what it stands for.
    labels: Vec<Label>,
    pub(super) num_nodes: u32,
}

/// What an arc stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Label {
    Seed,
    /// Money waits.
    Wait,
    /// Money waits where a balance is stated: its place among the statements.
    Statement(u32),
    /// A transaction, by its place among the events.
    Event(Step, u32),
}

/// The newest node of a pool.
#[derive(Clone, Copy, Debug)]
struct Newest {
    node: u32,
    /// Whether money has left it, so that what comes in later must not.
    left: bool,
    /// Position of its last event.
    position: u64,
}

/// By account, its newest node.
type Pools = HashMap<u32, Newest, BuildHasherDefault<Mix>>;

impl<'e> Network<'e> {
    /// The network of `events`, the transactions between the seed and `target`, in order.
    pub(super) fn new(
        seed: Claimed,
        target: u32,
        events: &'e [Event],
        statements: &'e Statements,
    ) -> Result<Self> {
        let (arcs, labels) = (Vec::new(), Vec::new());
        let mut network = Network { seed, target, events, statements, arcs, labels, num_nodes: 2 };
        let mut newest = Pools::default();
        let first = match seed.account == target {
            true => SINK,
            false => network.node(seed.account, seed.position, &mut newest),
        };
        network.arc(SOURCE, first, seed.amount, Label::Seed);
        let mut tails = Vec::new();
        let mut done = 0;
        for moment in events.chunk_by(|a, b| a.moment == b.moment) {
            tails.clear();
            for event in moment {
                let within = event.paid.currency == seed.currency;
                tails.push(within.then(|| network.tail(event, &mut newest)).flatten());
            }
            for (event, &tail) in moment.iter().zip(&tails) {
                if event.received.currency == seed.currency {
                    network.receive(event, tail, done, &mut newest);
                }
                done += 1;
            }
        }
        network.check_supply()?;
        Ok(network)
    }

    fn receive(&mut self, event: &Event, tail: Option<u32>, place: u32, newest: &mut Pools) {
        let (paid, received) = (event.paid.amount, event.received.amount);
        let converted = event.paid.currency != self.seed.currency;
        let kept = event.source == event.destination && !converted;
        if kept && received <= paid {
            return; // paid to itself: the money might as well have waited
        }
        let head = match event.destination == self.target {
            true => SINK,
            false => self.node(event.destination, event.position, newest),
        };
        if converted {
            return self.arc(SOURCE, head, received, Label::Event(Step::Conversion, place));
        }
        if let Some(tail) = tail.filter(|_| !kept) {
            self.arc(tail, head, paid.min(received), Label::Event(Step::Payment, place));
        }
        if received > paid {
            self.arc(SOURCE, head, received - paid, Label::Event(Step::Gain, place));
        }
    }

    /// The node of the payer's pool for what it pays now.
    fn tail(&mut self, event: &Event, newest: &mut Pools) -> Option<u32> {
        let pool = newest.get_mut(&event.source)?;
        self.wait(event.source, event.position, pool);
        pool.left = true;
        Some(pool.node)
    }

    /// The node of a pool for what comes in now.
    fn node(&mut self, account: u32, position: u64, newest: &mut Pools) -> u32 {
        let fresh = Newest { node: self.num_nodes, left: false, position };
        let Some(pool) = newest.get_mut(&account) else {
            newest.insert(account, fresh);
            self.num_nodes += 1;
            return fresh.node;
        };
        self.wait(account, position, pool);
        if pool.left {
            self.extend(pool, UNLIMITED, Label::Wait);
        }
        pool.node
    }

    /// Takes a pool to an event, past what is stated of it until then.
    fn wait(&mut self, account: u32, position: u64, pool: &mut Newest) {
        let between = pool.position..position;
        if let Some((place, balance)) = self.statements.least(account, self.seed.currency, between) {
            self.extend(pool, balance, Label::Statement(place));
        }
        pool.position = pool.position.max(position);
    }

    /// Appends a node to a pool's chain.
    fn extend(&mut self, pool: &mut Newest, capacity: i64, label: Label) {
        let before = std::mem::replace(&mut pool.node, self.num_nodes);
        pool.left = false;
        self.num_nodes += 1;
        self.arc(before, pool.node, capacity, label);
    }

    fn arc(&mut self, tail: u32, head: u32, capacity: i64, label: Label) {
        self.arcs.push(Arc { tail, head, capacity });
        self.labels.push(label);
    }

    /// Refuses supplies whose sum an amount cannot hold.
    fn check_supply(&self) -> Result<()> {
        let supplies = self.arcs.iter().filter(|arc| arc.tail == SOURCE);
        let sum: i128 = supplies.map(|arc| i128::from(arc.capacity)).sum();
        if sum <= i128::from(i64::MAX) {
            return Ok(());
        }
        Err(Error::Limit {
            what: "minor units of a seed, of gains and of conversions in one bound",
            found: u64::try_from(sum).unwrap_or(u64::MAX),
            limit: i64::MAX as u64,
            remedy: "shorten the window",
        })
    }

    /// What a maximum flow says, proved.
    pub(super) fn read(&self, flow: &Flow) -> Result<Bound> {
        let value = self.check_flow(&flow.flow)?;
        let cut = self.cut(&flow.source_side);
        let sum: i128 = cut.iter().map(|row| i128::from(row.capacity)).sum();
        prove(sum == value.into(), || format!("the cut adds up to {sum}, the flow to {value}"))?;
        let journeys = self.journeys(&flow.flow)?;
        let sum: i128 = journeys.amount.iter().map(|&amount| i128::from(amount)).sum();
        prove(sum == value.into(), || format!("the journeys add up to {sum}, the flow to {value}"))?;
        Ok(Bound {
            value,
            currency: CurrencyId(self.seed.currency),
            cut,
            journeys,
            num_transactions: self.num_transactions(),
            events: 0,
        })
    }

    /// The seed's transaction leads to the target as soon as any does, or by itself.
    fn num_transactions(&self) -> u64 {
        let leads = !self.events.is_empty() || self.seed.account == self.target;
        self.events.len() as u64 + u64::from(leads && self.seed.transaction.is_some())
    }

    /// Proves that a flow is one, and returns what arrives.
    fn check_flow(&self, flow: &[i64]) -> Result<i64> {
        let mut balances = vec![0i128; self.num_nodes as usize];
        for (arc, &amount) in self.arcs.iter().zip(flow) {
            prove(0 <= amount && amount <= arc.capacity, || {
                format!("{amount} flow where {} can", arc.capacity)
            })?;
            balances[arc.tail as usize] -= i128::from(amount);
            balances[arc.head as usize] += i128::from(amount);
        }
        let (ends, between) = balances.split_at(2);
        prove(between.iter().all(|&balance| balance == 0), || "a flow is not conserved".into())?;
        prove(ends[0] == -ends[1], || "a flow does not arrive".into())?;
        i64::try_from(ends[1]).map_err(|_| Error::Unproved("a flow is over its supplies".into()))
    }

    /// The arcs that leave the source's side, the seed first, then by position.
    fn cut(&self, source_side: &[bool]) -> Vec<CutRow> {
        let crosses = |arc: &Arc| source_side[arc.tail as usize] && !source_side[arc.head as usize];
        let crossing = self.arcs.iter().zip(&self.labels).filter(|(arc, _)| crosses(arc));
        crossing
            .map(|(arc, &label)| {
                let (step, transaction) = self.step(label);
                let balance = match label {
                    Label::Statement(place) => Some(self.statements.stated(place)),
                    _ => None,
                };
                CutRow { step, transaction, balance, capacity: arc.capacity }
            })
            .collect()
    }

    fn step(&self, label: Label) -> (Step, Option<TxId>) {
        match label {
            Label::Seed => (Step::Seed, self.seed.transaction),
            Label::Event(step, place) => (step, Some(TxId(self.events[place as usize].position))),
            // Waiting that nothing limits is in no cut: the supplies alone are a smaller one.
            Label::Statement(_) | Label::Wait => (Step::Balance, None),
        }
    }

    /// Takes the flow apart into journeys, oldest supply first, and proves each.
    fn journeys(&self, flow: &[i64]) -> Result<Journeys> {
        let mut left = flow.to_vec();
        let mut offsets = vec![0u32; self.num_nodes as usize + 1];
        self.arcs.iter().for_each(|arc| offsets[arc.tail as usize + 1] += 1);
        for node in 0..self.num_nodes as usize {
            offsets[node + 1] += offsets[node];
        }
        let mut places = offsets.clone();
        let mut leaving = vec![0u32; self.arcs.len()];
        for (arc, Arc { tail, .. }) in self.arcs.iter().enumerate() {
            leaving[places[*tail as usize] as usize] = arc as u32;
            places[*tail as usize] += 1;
        }
        places.copy_from_slice(&offsets);
        let mut journeys = Journeys::default();
        let mut path: Vec<u32> = Vec::new();
        loop {
            let node = path.last().map_or(SOURCE, |&arc| self.arcs[arc as usize].head);
            if node == SINK {
                let amount = path.iter().map(|&arc| left[arc as usize]).min().unwrap_or(0);
                path.iter().for_each(|&arc| left[arc as usize] -= amount);
                self.journey(&path, amount, &mut journeys)?;
                path.clear();
                continue;
            }
            let place = &mut places[node as usize];
            let end = offsets[node as usize + 1];
            while *place < end && left[leaving[*place as usize] as usize] == 0 {
                *place += 1;
            }
            if *place < end {
                path.push(leaving[*place as usize]);
            } else {
                prove(node == SOURCE, || "a flow ends on its way".into())?;
                return Ok(journeys);
            }
        }
    }

    /// Appends a journey after proving that money can take it.
    fn journey(&self, path: &[u32], amount: i64, journeys: &mut Journeys) -> Result<()> {
        let [first, rest @ ..] = path else { return Ok(()) };
        let (origin, transaction) = self.step(self.labels[*first as usize]);
        let (mut account, mut moment) = match self.labels[*first as usize] {
            Label::Event(_, place) => {
                let event = &self.events[place as usize];
                (event.destination, event.moment)
            }
            _ => (self.seed.account, self.seed.moment),
        };
        journeys.transactions.extend(transaction);
        for &arc in rest {
            let Label::Event(Step::Payment, place) = self.labels[arc as usize] else { continue };
            let event = &self.events[place as usize];
            let goes_on = event.source == account && event.moment > moment && account != self.target;
            prove(goes_on, || format!("a journey cannot go on at position {}", event.position))?;
            (account, moment) = (event.destination, event.moment);
            journeys.transactions.push(TxId(event.position));
        }
        prove(account == self.target, || "a journey ends before the target".into())?;
        journeys.origin.push(origin);
        journeys.amount.push(amount);
        journeys.offsets.push(journeys.transactions.len() as u64);
        Ok(())
    }
}

/// [`Error::Unproved`] unless `holds`.
fn prove(holds: bool, otherwise: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::Unproved(format!("maximum traceable amount: {}", otherwise()))) }
}
