//! From keys numbered within chunks to dense ids of the whole store.
//!
//! An id is a key's rank by first appearance in row order, so it depends on the
//! rows alone: not on the chunks they came in, nor on the number of threads.
//!
//! # Method
//! Keys are cut into shards by hash; each shard walks the chunks in order and
//! finds the first appearance of each of its keys. A chunk's new keys, in chunk
//! order, then get consecutive ids. Every step is parallel and none races.
//!
//! # Cost
//! Time O(k) hash probes for k keys, each distinct within its chunk; memory 32
//! bytes per key of a chunk and 12 per key of the store, besides the texts.

use crate::error::{Error, Result};
use crate::ids::IDS_MAX;
use crate::ingest::batch::{LocalKeys, canonical_number};
use crate::run::Run;
use crate::store::Keys;
use crate::store::keys::KeyList;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// Shards: enough to keep many threads busy, few enough that a chunk's share of one is worth a visit.
const SHARD_BITS: u32 = 6;
const NUM_SHARDS: usize = 1 << SHARD_BITS;

/// Dense ids of the keys of many chunks.
#[derive(Debug)]
pub(super) struct Dictionary {
    /// For each chunk, the id of each of its keys.
    pub ids: Vec<Vec<u32>>,
    /// All keys, in the order of their ids.
    pub keys: KeyList,
}

/// Number of keys in a list that [`merge`] made, which keeps it within `u32`.
pub(super) fn num_keys(keys: &KeyList) -> u32 {
    match keys {
        KeyList::Numbers(numbers) => numbers.len() as u32,
        KeyList::Texts { offsets, .. } => offsets.len().saturating_sub(1) as u32,
    }
}

/// A chunk's keys, grouped by shard.
struct Grouped {
    /// Numbers of the chunk's keys, ascending within each shard.
    order: Vec<u32>,
    /// Their hashes, in the same order: read one after another, where the chunk's own would be scattered.
    hashes: Vec<u64>,
    /// Where each shard begins in `order`.
    starts: [u32; NUM_SHARDS + 1],
}

/// What one shard found.
struct Shard {
    /// For each chunk in turn, for each of its keys of this shard: the entry.
    entries: Vec<u32>,
    /// Where each chunk begins in `entries`.
    starts: Vec<usize>,
    /// For each entry, the chunk and key of its first appearance.
    first: Vec<(u32, u32)>,
}

fn shard_of(hash: u64) -> usize {
    (hash >> (64 - SHARD_BITS)) as usize
}

/// Gives ids to the keys of `chunks`, in row order, behind those of a store that knows keys already; the dictionary's keys are the new ones.
///
/// `limit` and `what` as in [`merge`].
pub(super) fn merge_behind(
    known: Option<&Keys>,
    chunks: &[&LocalKeys],
    limit: u64,
    what: &'static str,
    run: &Run,
) -> Result<Dictionary> {
    let Some(known) = known else { return merge(chunks, limit, what, run) };
    let look_up = |keys: &&LocalKeys| {
        run.check()?;
        keys.iter().map(|key| known.find(key)).collect::<Result<Vec<Option<u32>>>>()
    };
    let found: Vec<Vec<Option<u32>>> = chunks.par_iter().map(look_up).collect::<Result<_>>()?;
    let new: Vec<LocalKeys> = chunks.par_iter().zip(&found).map(|(keys, ids)| only_new(keys, ids)).collect();
    let base = known.len() as u64;
    let behind = limit.min(IDS_MAX).saturating_sub(base);
    let new = merge(&new.iter().collect::<Vec<_>>(), behind, what, run).map_err(|error| match error {
        Error::Limit { what, found, limit, remedy } => {
            Error::Limit { what, found: found + base, limit: limit + base, remedy }
        }
        other => other,
    })?;
    let ids = found.into_par_iter().zip(&new.ids).map(|(found, new)| {
        let mut new = new.iter();
        let id = |known: Option<u32>| match known {
            Some(id) => id,
            None => base as u32 + new.next().expect("every new key got an id"),
        };
        found.into_iter().map(id).collect()
    });
    Ok(Dictionary { ids: ids.collect(), keys: new.keys })
}

/// The keys without an id.
fn only_new(keys: &LocalKeys, ids: &[Option<u32>]) -> LocalKeys {
    let mut new = LocalKeys { offsets: vec![0], ..LocalKeys::default() };
    for (at, _) in ids.iter().enumerate().filter(|(_, id)| id.is_none()) {
        new.text.extend_from_slice(keys.key(at));
        new.offsets.push(new.text.len() as u32);
        new.hashes.push(keys.hashes[at]);
        new.numbers.extend(keys.numbers.get(at));
    }
    new
}

/// The keys of a store and those behind them, as one list: numbers if all of them are.
pub(super) fn joined(known: &Keys, new: &KeyList) -> Result<KeyList> {
    let as_texts = |keys: KeyList| match keys {
        KeyList::Texts { text, offsets } => (text, offsets),
        KeyList::Numbers(numbers) => {
            let (mut text, mut offsets) = (Vec::new(), vec![0]);
            for number in numbers {
                text.extend_from_slice(number.to_string().as_bytes());
                offsets.push(text.len() as u64);
            }
            (text, offsets)
        }
    };
    Ok(match (known.list()?, new.clone()) {
        (KeyList::Numbers(mut numbers), KeyList::Numbers(new)) => {
            numbers.extend(new);
            KeyList::Numbers(numbers)
        }
        (known, new) => {
            let ((mut text, mut offsets), (more, ends)) = (as_texts(known), as_texts(new));
            let base = text.len() as u64;
            text.extend(more);
            offsets.extend(ends.into_iter().skip(1).map(|end| base + end));
            KeyList::Texts { text, offsets }
        }
    })
}

/// Gives ids to the keys of `chunks`, in row order.
///
/// `limit` is the largest number of ids ([`IDS_MAX`] but for tests); `what` names them in errors.
pub(super) fn merge(chunks: &[&LocalKeys], limit: u64, what: &'static str, run: &Run) -> Result<Dictionary> {
    let grouped: Vec<Grouped> = chunks.par_iter().map(|keys| group(&keys.hashes)).collect();
    let shards: Vec<Shard> = (0..NUM_SHARDS)
        .into_par_iter()
        .map(|shard| {
            run.check()?;
            Ok(find_first(shard, chunks, &grouped))
        })
        .collect::<Result<_>>()?;

    // A chunk's new keys in chunk order get the next ids.
    let resolved: Vec<Vec<(u32, u32, bool)>> =
        (0..chunks.len()).into_par_iter().map(|chunk| resolve(chunk, &grouped[chunk], &shards)).collect();
    let mut bases = Vec::with_capacity(chunks.len() + 1);
    bases.push(0_u64);
    for chunk in &resolved {
        let new = chunk.iter().filter(|&&(.., is_new)| is_new).count() as u64;
        bases.push(bases[bases.len() - 1] + new);
    }
    let total = bases[chunks.len()];
    if total > limit.min(IDS_MAX) {
        let remedy = "split the data into several stores, by time or by region";
        return Err(Error::Limit { what, found: total, limit: limit.min(IDS_MAX), remedy });
    }
    let ids_of: Vec<Vec<AtomicU32>> =
        shards.par_iter().map(|shard| shard.first.iter().map(|_| AtomicU32::new(0)).collect()).collect();
    resolved.par_iter().zip(&bases).for_each(|(chunk, &base)| {
        let new = chunk.iter().filter(|&&(.., is_new)| is_new);
        for (id, &(shard, entry, _)) in (base as u32..).zip(new) {
            ids_of[shard as usize][entry as usize].store(id, Ordering::Relaxed);
        }
    });
    let ids = resolved
        .par_iter()
        .map(|chunk| {
            let id = |&(shard, entry, _): &(u32, u32, bool)| {
                ids_of[shard as usize][entry as usize].load(Ordering::Relaxed)
            };
            chunk.iter().map(id).collect()
        })
        .collect();
    Ok(Dictionary { ids, keys: collect_keys(chunks, &resolved) })
}

/// Groups key numbers by shard: one counting sort.
fn group(hashes: &[u64]) -> Grouped {
    let mut starts = [0_u32; NUM_SHARDS + 1];
    for &hash in hashes {
        starts[shard_of(hash) + 1] += 1;
    }
    for shard in 0..NUM_SHARDS {
        starts[shard + 1] += starts[shard];
    }
    let mut next = starts;
    let mut grouped = Grouped { order: vec![0; hashes.len()], hashes: vec![0; hashes.len()], starts };
    for (key, &hash) in hashes.iter().enumerate() {
        let place = &mut next[shard_of(hash)];
        grouped.order[*place as usize] = key as u32;
        grouped.hashes[*place as usize] = hash;
        *place += 1;
    }
    grouped
}

/// Walks all chunks in order and finds the first appearance of each key of one shard.
fn find_first(shard: usize, chunks: &[&LocalKeys], grouped: &[Grouped]) -> Shard {
    let mut table = Table::new();
    let mut found =
        Shard { entries: Vec::new(), starts: Vec::with_capacity(chunks.len()), first: Vec::new() };
    for (chunk, (keys, group)) in chunks.iter().zip(grouped).enumerate() {
        found.starts.push(found.entries.len());
        let range = group.starts[shard] as usize..group.starts[shard + 1] as usize;
        for (&key, &hash) in group.order[range.clone()].iter().zip(&group.hashes[range]) {
            let is_number = !keys.numbers.is_empty();
            let same = |entry: u32| {
                let (first_chunk, first_key) = found.first[entry as usize];
                keys.key(key as usize) == chunks[first_chunk as usize].key(first_key as usize)
            };
            let new = found.first.len() as u32;
            let entry = table.find_or_insert(hash, is_number, new, same);
            if entry == new {
                found.first.push((chunk as u32, key));
            }
            found.entries.push(entry);
        }
    }
    found
}

/// For each key of a chunk: its shard, its entry there, and whether this is the key's first appearance.
fn resolve(chunk: usize, group: &Grouped, shards: &[Shard]) -> Vec<(u32, u32, bool)> {
    let mut resolved = vec![(0, 0, false); group.order.len()];
    for (number, shard) in shards.iter().enumerate() {
        let keys = &group.order[group.starts[number] as usize..group.starts[number + 1] as usize];
        let entries = &shard.entries[shard.starts[chunk]..];
        for (&key, &entry) in keys.iter().zip(entries) {
            let is_new = shard.first[entry as usize] == (chunk as u32, key);
            resolved[key as usize] = (number as u32, entry, is_new);
        }
    }
    resolved
}

/// The new keys of all chunks, one after another: as numbers if every one is a canonical number.
fn collect_keys(chunks: &[&LocalKeys], resolved: &[Vec<(u32, u32, bool)>]) -> KeyList {
    let new_keys = |chunk: usize| {
        let new = resolved[chunk].iter().enumerate().filter(|&(_, &(.., is_new))| is_new);
        new.map(|(key, _)| key)
    };
    let number = |chunk: usize, key| match chunks[chunk].numbers.get(key) {
        Some(&number) => Some(number),
        None => canonical_number(chunks[chunk].key(key)),
    };
    let numbers: Option<Vec<Vec<u64>>> = (0..chunks.len())
        .into_par_iter()
        .map(|chunk| new_keys(chunk).map(|key| number(chunk, key)).collect())
        .collect();
    if let Some(numbers) = numbers {
        return KeyList::Numbers(numbers.concat());
    }
    let mut text = Vec::new();
    let mut offsets = vec![0];
    for (chunk, keys) in chunks.iter().enumerate() {
        for key in new_keys(chunk) {
            text.extend_from_slice(keys.key(key));
            offsets.push(text.len() as u64);
        }
    }
    KeyList::Texts { text, offsets }
}

/// Open addressing from hash to entry number; grows at load 1/2.
struct Table {
    slots: Vec<Slot>,
    len: usize,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    hash: u64,
    /// Entry + 1; 0 = empty.
    entry: u32,
    /// Whether the key came in a chunk of nothing but numbers.
    is_number: bool,
}

impl Table {
    fn new() -> Self {
        Self { slots: vec![Slot::default(); 1 << 10], len: 0 }
    }

    /// The entry of an equal key, or `new` if there was none.
    ///
    /// Different numbers have different hashes ([`number_hash`](crate::ingest::batch::number_hash) can be inverted),
    /// so two numbers of one hash are equal; any other two keys are compared by `same`.
    fn find_or_insert(&mut self, hash: u64, is_number: bool, new: u32, same: impl Fn(u32) -> bool) -> u32 {
        if self.len * 2 >= self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut place = hash as usize & mask;
        loop {
            let slot = self.slots[place];
            if slot.entry == 0 {
                self.slots[place] = Slot { hash, entry: new + 1, is_number };
                self.len += 1;
                return new;
            }
            if slot.hash == hash && (slot.is_number && is_number || same(slot.entry - 1)) {
                return slot.entry - 1;
            }
            place = (place + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.slots);
        self.slots = vec![Slot::default(); old.len() * 2];
        let mask = self.slots.len() - 1;
        for slot in old.into_iter().filter(|slot| slot.entry != 0) {
            let mut place = slot.hash as usize & mask;
            while self.slots[place].entry != 0 {
                place = (place + 1) & mask;
            }
            self.slots[place] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn local(keys: &[String]) -> LocalKeys {
        let mut local = LocalKeys { offsets: vec![0], ..LocalKeys::default() };
        for key in keys {
            local.text.extend_from_slice(key.as_bytes());
            local.offsets.push(local.text.len() as u32);
            local.hashes.push(crate::ingest::batch::key_hash(key.as_bytes()));
        }
        local
    }

    fn key_texts(keys: &KeyList) -> Vec<String> {
        match keys {
            KeyList::Numbers(numbers) => numbers.iter().map(u64::to_string).collect(),
            KeyList::Texts { text, offsets } => offsets
                .windows(2)
                .map(|w| String::from_utf8(text[w[0] as usize..w[1] as usize].to_vec()).unwrap())
                .collect(),
        }
    }

    proptest! {
        #[test]
        fn ids_are_ranks_of_first_appearance_whatever_the_chunks(
            rows in prop::collection::vec("[a-c0-2]{1,3}", 0..200),
            cuts in prop::collection::vec(1_usize..40, 1..20),
        ) {
            let mut expected: Vec<String> = Vec::new();
            for row in &rows {
                if !expected.contains(row) {
                    expected.push(row.clone());
                }
            }
            let mut chunks = Vec::new();
            let (mut rest, mut cut) = (&rows[..], 0);
            while !rest.is_empty() {
                let (head, tail) = rest.split_at(cuts[cut % cuts.len()].min(rest.len()));
                let mut distinct: Vec<String> = Vec::new();
                for row in head {
                    if !distinct.contains(row) {
                        distinct.push(row.clone());
                    }
                }
                chunks.push(distinct);
                (rest, cut) = (tail, cut + 1);
            }
            let locals: Vec<LocalKeys> = chunks.iter().map(|chunk| local(chunk)).collect();
            let merged = merge(&locals.iter().collect::<Vec<_>>(), IDS_MAX, "accounts", &Run::new()).unwrap();
            prop_assert_eq!(&key_texts(&merged.keys), &expected);
            for (chunk, ids) in chunks.iter().zip(&merged.ids) {
                for (key, &id) in chunk.iter().zip(ids) {
                    prop_assert_eq!(&expected[id as usize], key);
                }
            }
        }
    }

    #[test]
    fn equal_hashes_of_different_keys_are_told_apart() {
        let mut keys = local(&["x".into(), "y".into()]);
        keys.hashes = vec![7, 7];
        keys.numbers.clear();
        let merged = merge(&[&keys, &keys], IDS_MAX, "accounts", &Run::new()).unwrap();
        assert_eq!(merged.ids, [[0, 1], [0, 1]]);
    }

    #[test]
    fn more_keys_than_the_limit_are_a_clear_error() {
        let keys = local(&["x".into(), "y".into(), "z".into()]);
        let error = merge(&[&keys], 2, "accounts in one store", &Run::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "accounts in one store: 3 is over the limit of 2; split the data into several stores, by time or by region"
        );
    }
}
