//! Rows that correct others or take them back: what they refer to, and whether they may.
//!
//! # Method
//! Rows are judged one by one in the order in which they came, each by what was accepted before it, so that rows in parts are judged as rows at
//! once. Few rows matter for that: those that point at another, and those whose key such a row has or names. They are gathered (`events`)
//! and replayed (`replay`) behind what the store says of its own corrections and reversals (`past`).
//!
//! # Cost
//! Nothing where no row points at another. Else a look at the key of each new row, memory for the rows that matter, and a pass over the
//! columns `refers` of the store.

mod past;
mod replay;

use super::LeftOut;
use super::rows::{Chunk, Place, Row, place, split, split_reference};
use crate::error::Result;
use crate::graph::Graph;
use crate::ingest::batch::canonical_number;
use crate::run::Run;
use crate::store::format::flags;
use crate::store::keys::KeyList;
use past::Past;
use rayon::prelude::*;
use std::collections::HashSet;

/// A new row that matters.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub place: Place,
    /// Source ordinal and record number.
    pub reference: u64,
    /// Its own key, if it has one.
    pub key: Option<Vec<u8>>,
    /// The key of the row that it corrects or takes back.
    pub points: Option<Vec<u8>>,
    pub row: Row,
}

/// What was found out about the rows that matter.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Places of all of them, ascending.
    judged: Vec<Place>,
    /// Those that are not accepted.
    pub left_out: Vec<(Place, LeftOut)>,
    /// References of the rows that accepted ones point at.
    pub refers: Vec<(Place, u64)>,
    /// Accepted rows that later ones correct.
    pub corrected: Vec<Place>,
    /// Rows of the store that new ones correct: segment and row, ascending.
    pub corrected_before: Vec<(usize, usize)>,
}

impl Settled {
    /// Whether a row was among those that matter: then nothing else counts that is said of its key.
    pub fn judges(&self, place: Place) -> bool {
        self.judged.binary_search(&place).is_ok()
    }

    /// Notes in the chunks what their rows refer to and which were corrected.
    pub fn note(&self, chunks: &mut [Chunk]) {
        for &(place, refers) in &self.refers {
            let (number, row) = split(place);
            let chunk = &mut chunks[number];
            chunk.refers.resize(chunk.batch.len(), 0);
            chunk.refers[row] = refers;
        }
        for &place in &self.corrected {
            let (number, row) = split(place);
            chunks[number].correct(row);
        }
    }
}

/// Keys of rows that matter.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    numbers: HashSet<u64>,
    texts: HashSet<Vec<u8>>,
}

impl Wanted {
    pub fn add(&mut self, key: &[u8]) {
        match canonical_number(key) {
            Some(number) => drop(self.numbers.insert(number)),
            None => drop(self.texts.insert(key.to_vec())),
        }
    }

    pub fn has(&self, keys: &KeyList, row: usize) -> bool {
        match keys {
            KeyList::Numbers(numbers) => self.numbers.contains(&numbers[row]),
            KeyList::Texts { text, offsets } => {
                let key = &text[offsets[row] as usize..offsets[row + 1] as usize];
                match canonical_number(key) {
                    Some(number) => self.numbers.contains(&number),
                    None => self.texts.contains(key),
                }
            }
        }
    }
}

/// The rows of `chunks` that matter, in row order.
pub(super) fn events(chunks: &[Chunk], run: &Run) -> Result<Vec<Event>> {
    let mut wanted = Wanted::default();
    for chunk in chunks {
        for (row, points) in &chunk.batch.refers {
            wanted.add(points);
            wanted.add(&key(chunk, *row as usize).unwrap_or_default());
        }
    }
    if chunks.iter().all(|chunk| chunk.batch.refers.is_empty()) {
        return Ok(Vec::new());
    }
    run.check()?;
    let events = chunks.par_iter().enumerate().flat_map_iter(|(number, chunk)| {
        let wanted = &wanted;
        let matters = move |row: &usize| {
            points(chunk, *row).is_some()
                || chunk.batch.keys.as_ref().is_some_and(|keys| wanted.has(keys, *row))
        };
        (0..chunk.batch.len()).filter(matters).map(move |row| Event {
            place: place(number, row),
            reference: chunk.reference(row),
            key: key(chunk, row),
            points: points(chunk, row).map(<[u8]>::to_vec),
            row: chunk.row(row),
        })
    });
    Ok(events.collect())
}

fn key(chunk: &Chunk, row: usize) -> Option<Vec<u8>> {
    let mut key = Vec::new();
    chunk.batch.keys.as_ref()?;
    chunk.key(row, &mut key);
    Some(key)
}

fn points(chunk: &Chunk, row: usize) -> Option<&[u8]> {
    let refers = &chunk.batch.refers;
    let at = refers.binary_search_by_key(&(row as u32), |(row, _)| *row).ok()?;
    Some(&refers[at].1)
}

/// Judges `events`, which are new rows behind those of the store `before`.
pub(super) fn settle(before: Option<&Graph>, mut events: Vec<Event>, run: &Run) -> Result<Settled> {
    if events.is_empty() {
        return Ok(Settled::default());
    }
    events.sort_unstable_by_key(|event| event.reference);
    let past = Past::new(before);
    let mut replay = replay::Replay::new(&past, &events, run)?;
    let mut settled = Settled::default();
    for event in &events {
        let leave_out = |reason, other: Option<u64>| {
            let (source_ordinal, record) = split_reference(event.reference);
            let Row { currency, amount, .. } = event.row;
            let other = other.map(split_reference);
            (event.place, LeftOut { source_ordinal, record, reason, other, currency, amount })
        };
        settled.judged.push(event.place);
        match replay.judge(event)? {
            Ok(0) => {}
            Ok(refers) => settled.refers.push((event.place, refers)),
            Err((reason, other)) => settled.left_out.push(leave_out(reason, other)),
        }
    }
    settled.judged.sort_unstable();
    (settled.corrected, settled.corrected_before) = replay.corrected();
    Ok(settled)
}

/// Whether a row that points at another corrects it; else it takes it back.
fn is_correction(row: &Row) -> bool {
    row.flags & flags::CORRECTION != 0
}
