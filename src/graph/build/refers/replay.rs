//! The laws of corrections and reversals, row by row; `docs/format.md`, section 7.6, states them.
//!
//! A row and the corrections behind it are a *chain*, called by the reference of its first row. Of a chain only the *end* counts. A reversal
//! begins a chain of its own, which takes back from another.

use super::super::Reason;
use super::super::rows::{Place, Row};
use super::past::{Past, Stored};
use super::{Event, is_correction};
use crate::error::Result;
use crate::run::Run;
use crate::store::format::flags;
use std::collections::HashMap;

/// Why a row is not accepted, and the reference of the other row that this is about.
pub(super) type Refusal = (Reason, Option<u64>);

/// Where an accepted row is.
#[derive(Clone, Copy, Debug)]
enum At {
    New(Place),
    Stored((usize, usize)),
}

/// An accepted row.
#[derive(Clone, Copy, Debug)]
struct Fact {
    at: At,
    reference: u64,
    refers: u64,
    row: Row,
}

/// A row and its corrections.
#[derive(Clone, Copy, Debug)]
struct Chain {
    /// The last of them, by reference.
    end: u64,
    /// The chain that this one takes back from.
    of: Option<u64>,
    /// Whether anything takes back from this one.
    is_reversed: bool,
    /// How much, in minor units.
    taken_back: i128,
}

/// Everything accepted so far, as far as it matters. Nothing walks through the tables, so their order is nobody's.
pub(super) struct Replay<'p> {
    past: &'p Past<'p>,
    facts: HashMap<u64, Fact>,
    /// By key: reference.
    known: HashMap<Vec<u8>, u64>,
    /// Of corrections: their chain.
    chain_of: HashMap<u64, u64>,
    /// Those that are more than one row.
    chains: HashMap<u64, Chain>,
    corrected: Vec<Place>,
    corrected_before: Vec<(usize, usize)>,
}

/// What a row takes from the payer.
fn paid(row: &Row) -> i128 {
    if row.flags & flags::FAILED == 0 { row.amount.into() } else { 0 }
}

/// What a row brings to the receiver.
fn received(row: &Row) -> i128 {
    if row.flags & flags::FAILED == 0 { row.received.into() } else { 0 }
}

impl<'p> Replay<'p> {
    /// What the store says, so far as `events` are judged by it.
    pub fn new(past: &'p Past<'p>, events: &[Event], run: &Run) -> Result<Self> {
        let mut replay = Replay {
            past,
            facts: HashMap::new(),
            known: HashMap::new(),
            chain_of: HashMap::new(),
            chains: HashMap::new(),
            corrected: Vec::new(),
            corrected_before: Vec::new(),
        };
        for stored in past.pointing()? {
            replay.accept(Fact::of(stored));
        }
        run.check()?;
        // A correction of a reversal is held against what that takes back from, which nobody looks up by its key.
        let mut needed = Vec::new();
        for event in events.iter().filter(|event| is_correction(&event.row)) {
            if let Some(points) = &event.points
                && let Some(reference) = replay.find(points)?
                && let Some(of) = replay.chain(replay.first(reference)).of
            {
                needed.push(replay.chain(of).end);
            }
        }
        needed.retain(|reference| !replay.facts.contains_key(reference));
        needed.sort_unstable();
        needed.dedup();
        for stored in past.rows(&needed)? {
            replay.facts.insert(stored.reference, Fact::of(stored));
        }
        Ok(replay)
    }

    /// The accepted row with a key.
    fn find(&mut self, key: &[u8]) -> Result<Option<u64>> {
        if let Some(&reference) = self.known.get(key) {
            return Ok(Some(reference));
        }
        let Some(stored) = self.past.find(key)? else { return Ok(None) };
        self.known.insert(key.to_vec(), stored.reference);
        self.facts.entry(stored.reference).or_insert(Fact::of(stored));
        Ok(Some(stored.reference))
    }

    /// The first row of the chain that a row is in.
    fn first(&self, reference: u64) -> u64 {
        self.chain_of.get(&reference).copied().unwrap_or(reference)
    }

    fn chain(&self, first: u64) -> Chain {
        let alone = Chain { end: first, of: None, is_reversed: false, taken_back: 0 };
        self.chains.get(&first).copied().unwrap_or(alone)
    }

    fn accept(&mut self, fact: Fact) {
        self.facts.insert(fact.reference, fact);
        if fact.refers == 0 {
            return;
        }
        let first = self.first(fact.refers);
        let mut chain = self.chain(first);
        if !is_correction(&fact.row) {
            let own = Chain { of: Some(first), ..self.chain(fact.reference) };
            self.chains.insert(fact.reference, own);
            chain.is_reversed = true;
            chain.taken_back += paid(&fact.row);
        } else {
            self.chain_of.insert(fact.reference, first);
            let old = self.facts.get(&chain.end).map_or(0, |old| paid(&old.row));
            chain.end = fact.reference;
            if let Some(of) = chain.of {
                let mut other = self.chain(of);
                other.taken_back += paid(&fact.row) - old;
                self.chains.insert(of, other);
            }
        }
        self.chains.insert(first, chain);
    }

    /// The reference of what a new row points at, 0 for nothing; or why it is not accepted.
    pub fn judge(&mut self, event: &Event) -> Result<std::result::Result<u64, Refusal>> {
        let target = match &event.points {
            Some(points) => self.find(points)?,
            None => None,
        };
        let first = match &event.key {
            Some(key) => self.find(key)?,
            None => None,
        };
        if let Some(first) = first.and_then(|first| self.facts.get(&first)) {
            let refers = if event.points.is_some() { target } else { Some(0) };
            let same = first.row == event.row && refers == Some(first.refers);
            let reason = if same { Reason::DuplicateSameContent } else { Reason::DuplicateDifferentContent };
            return Ok(Err((reason, Some(first.reference))));
        }
        let refers = match (&event.points, target) {
            (None, _) => 0,
            (Some(_), None) => return Ok(Err((Reason::UnknownTransaction, None))),
            (Some(_), Some(target)) => match self.hold_against_laws(&event.row, target) {
                Ok(()) => target,
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        if refers != 0 && is_correction(&event.row) {
            match self.facts.get(&refers).map(|old| old.at) {
                Some(At::New(place)) => self.corrected.push(place),
                Some(At::Stored(at)) => self.corrected_before.push(at),
                None => {}
            }
        }
        if let Some(key) = &event.key {
            self.known.insert(key.clone(), event.reference);
        }
        self.accept(Fact { at: At::New(event.place), reference: event.reference, refers, row: event.row });
        Ok(Ok(refers))
    }

    fn hold_against_laws(&self, row: &Row, target: u64) -> std::result::Result<(), Refusal> {
        let first = self.first(target);
        let chain = self.chain(first);
        if chain.end != target {
            return Err((Reason::AlreadyCorrected, Some(chain.end)));
        }
        if !is_correction(row) {
            return self.takes_back(row, first, 0);
        }
        let Some(old) = self.facts.get(&target) else { return Ok(()) };
        if chain.is_reversed {
            if (row.source, row.destination) != (old.row.source, old.row.destination) {
                return Err((Reason::ReversalOtherParties, Some(target)));
            }
            if row.received_currency != old.row.received_currency {
                return Err((Reason::ReversalOtherCurrency, Some(target)));
            }
            if chain.taken_back > received(row) {
                return Err((Reason::ReversalExceeds, Some(target)));
            }
        }
        match chain.of {
            Some(of) => self.takes_back(row, of, paid(&old.row)),
            None => Ok(()),
        }
    }

    /// Whether a row may take back from a chain, if `instead` of what was taken back is not.
    fn takes_back(&self, row: &Row, first: u64, instead: i128) -> std::result::Result<(), Refusal> {
        let chain = self.chain(first);
        let Some(end) = self.facts.get(&chain.end) else {
            return Err((Reason::UnknownTransaction, Some(chain.end)));
        };
        let other = Some(chain.end);
        if (row.source, row.destination) != (end.row.destination, end.row.source) {
            return Err((Reason::ReversalOtherParties, other));
        }
        if row.currency != end.row.received_currency {
            return Err((Reason::ReversalOtherCurrency, other));
        }
        if chain.taken_back - instead + paid(row) > received(&end.row) {
            return Err((Reason::ReversalExceeds, other));
        }
        Ok(())
    }

    /// What was corrected, of new rows and of the store's, ascending.
    pub fn corrected(mut self) -> (Vec<Place>, Vec<(usize, usize)>) {
        self.corrected.sort_unstable();
        self.corrected_before.sort_unstable();
        (self.corrected, self.corrected_before)
    }
}

impl Fact {
    fn of(stored: Stored) -> Self {
        let Stored { at, reference, refers, row } = stored;
        Fact { at: At::Stored(at), reference, refers, row }
    }
}
