//! Transaction keys that occur twice: the same row again, or a contradiction.

use super::rows::{Chunk, Place, place, split};
use crate::error::Result;
use crate::run::Run;
use crate::store::keys::KeyList;
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

/// A row whose key an earlier row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Duplicate {
    /// The later row.
    pub place: Place,
    /// The first row with this key.
    pub first: Place,
    /// Whether both say the same.
    pub same: bool,
}

/// All rows whose transaction key occurs before, in row order.
pub(super) fn duplicates(chunks: &[Chunk], run: &Run) -> Result<Vec<Duplicate>> {
    if ascending_numbers(chunks) {
        return Ok(Vec::new());
    }
    let all_numbers = chunks.iter().all(|chunk| matches!(chunk.batch.keys, Some(KeyList::Numbers(_))));
    let mut keyed: Vec<(u64, Place)> = chunks
        .par_iter()
        .enumerate()
        .filter(|(_, chunk)| chunk.batch.keys.is_some())
        .flat_map_iter(|(number, chunk)| {
            let mut key = Vec::new();
            (0..chunk.batch.len()).map(move |row| {
                let hash = match &chunk.batch.keys {
                    Some(KeyList::Numbers(numbers)) if all_numbers => numbers[row],
                    _ => {
                        key.clear();
                        chunk.key(row, &mut key);
                        xxh3_64(&key)
                    }
                };
                (hash, place(number, row))
            })
        })
        .collect();
    keyed.par_sort_unstable();
    run.check()?;
    let mut found: Vec<Duplicate> = keyed
        .par_chunk_by(|a, b| a.0 == b.0)
        .filter(|group| group.len() > 1)
        .flat_map_iter(|group| repeats(chunks, group))
        .collect();
    found.par_sort_unstable_by_key(|duplicate| duplicate.place);
    Ok(found)
}

/// The common case that needs no sorting: numbers that only ever grow cannot repeat.
fn ascending_numbers(chunks: &[Chunk]) -> bool {
    let ends: Option<Vec<Option<(u64, u64)>>> = chunks
        .par_iter()
        .map(|chunk| match &chunk.batch.keys {
            Some(KeyList::Numbers(numbers)) => numbers
                .is_sorted_by(|a, b| a < b)
                .then(|| numbers.first().copied().zip(numbers.last().copied())),
            _ => None,
        })
        .collect();
    ends.is_some_and(|ends| ends.iter().flatten().is_sorted_by(|a, b| a.1 < b.0))
}

/// Duplicates among rows with one hash, which may still be of different keys.
fn repeats(chunks: &[Chunk], rows: &[(u64, Place)]) -> Vec<Duplicate> {
    let key = |place: Place| {
        let (chunk, row) = split(place);
        let mut key = Vec::new();
        chunks[chunk].key(row, &mut key);
        key
    };
    let content = |place: Place| {
        let (chunk, row) = split(place);
        chunks[chunk].row(row)
    };
    let mut keyed: Vec<(Vec<u8>, Place)> = rows.iter().map(|&(_, place)| (key(place), place)).collect();
    keyed.sort_unstable();
    let groups = keyed.chunk_by(|a, b| a.0 == b.0);
    let pairs = groups.flat_map(|group| group[1..].iter().map(|row| (row.1, group[0].1)));
    pairs.map(|(place, first)| Duplicate { place, first, same: content(place) == content(first) }).collect()
}
