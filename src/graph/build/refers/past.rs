//! What a store holds of rows that matter: found by key, by reference, or because they refer to another.

use super::super::before;
use super::super::rows::Row;
use crate::error::Result;
use crate::graph::Graph;
use crate::graph::graph::find_row;
use crate::store::Segment;
use rayon::prelude::*;

/// The segments of a store; of none, for the first rows of all.
pub(super) struct Past<'g> {
    segments: Vec<&'g Segment>,
}

/// A row of the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    /// Segment and row.
    pub at: (usize, usize),
    pub reference: u64,
    pub refers: u64,
    pub row: Row,
}

impl<'g> Past<'g> {
    pub fn new(graph: Option<&'g Graph>) -> Self {
        let segments = graph.into_iter().flat_map(|graph| graph.segments().map(|(_, segment)| segment));
        Past { segments: segments.collect() }
    }

    fn row(&self, number: usize, at: usize) -> Result<Stored> {
        let columns = &self.segments[number].transactions;
        Ok(Stored {
            at: (number, at),
            reference: columns.row.get(at)?,
            refers: columns.refers.as_ref().map_or(Ok(0), |refers| refers.get(at))?,
            row: before::row(self.segments[number], at)?,
        })
    }

    /// The row with this transaction key.
    pub fn find(&self, key: &[u8]) -> Result<Option<Stored>> {
        for (number, segment) in self.segments.iter().enumerate() {
            if let Some(keys) = &segment.keys
                && let Some(at) = keys.find(key)?
            {
                return self.row(number, at as usize).map(Some);
            }
        }
        Ok(None)
    }

    /// All rows that refer to another, in row order.
    pub fn pointing(&self) -> Result<Vec<Stored>> {
        let of_segment = |number: usize| -> Result<Vec<Stored>> {
            let Some(refers) = &self.segments[number].transactions.refers else { return Ok(Vec::new()) };
            let mut found = Vec::new();
            for at in 0..refers.len() {
                if refers.get(at)? != 0 {
                    found.push(self.row(number, at)?);
                }
            }
            Ok(found)
        };
        let mut found =
            (0..self.segments.len()).into_par_iter().map(of_segment).collect::<Result<Vec<_>>>()?.concat();
        found.sort_unstable_by_key(|stored| stored.reference);
        Ok(found)
    }

    /// The rows with these references, as far as they are there.
    pub fn rows(&self, references: &[u64]) -> Result<Vec<Stored>> {
        let of_segment = |number: usize| -> Result<Vec<Stored>> {
            let mut found = Vec::new();
            for &reference in references {
                if let Some(at) = find_row(self.segments[number], reference)? {
                    found.push(self.row(number, at as usize)?);
                }
            }
            Ok(found)
        };
        Ok((0..self.segments.len()).into_par_iter().map(of_segment).collect::<Result<Vec<_>>>()?.concat())
    }
}
