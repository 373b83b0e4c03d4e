//! Keys of one kind of node, given their ids batch by batch: the one structure that stays in memory while rows are read.
//!
//! An id is a key's rank by first appearance, as in `dictionary`. The keys of a batch are distinct, so all of
//! them are looked up in parallel first; those that are new then get the next ids, one after another.
//!
//! # Cost
//! A number takes 8 bytes, a text 8 bytes over its own; besides, open addressing of 8-byte slots (upper half of the hash,
//! id) takes 11 to 22 bytes a key, and half as much again while it grows.

use crate::error::{Error, Result};
use crate::ids::{IDS_MAX, NONE};
use crate::ingest::batch::{LocalKeys, canonical_number};
use crate::store::keys::KeyList;
use rayon::prelude::*;

/// Keys per parallel task.
const BLOCK: usize = 1 << 12;

/// Upper half of a key's hash, and its id; `NONE` = empty.
type Slot = (u32, u32);
const EMPTY: Slot = (0, NONE);

/// Keys so far and the way from key to id.
#[derive(Debug)]
pub(super) struct Ids {
    /// What is counted, for errors.
    what: &'static str,
    /// Most ids.
    limit: u64,
    slots: Vec<Slot>,
    keys: KeyList,
}

impl Ids {
    pub fn new(what: &'static str, limit: u64) -> Self {
        Ids {
            what,
            limit: limit.min(IDS_MAX),
            slots: vec![EMPTY; 1 << 6],
            keys: KeyList::Numbers(Vec::new()),
        }
    }

    /// Bytes of memory held, and as many more as growing or writing the keys takes for a while.
    pub fn bytes(&self) -> u64 {
        let keys = match &self.keys {
            KeyList::Numbers(numbers) => numbers.capacity() * size_of::<u64>(),
            KeyList::Texts { text, offsets } => text.capacity() + offsets.capacity() * size_of::<u64>(),
        };
        (keys + self.slots.len() * size_of::<Slot>()) as u64 + 16 * self.keys.len() as u64
    }

    /// All keys, in the order of their ids.
    pub fn into_keys(self) -> KeyList {
        self.keys
    }

    /// The ids of `keys`; those that are new are added.
    pub fn add(&mut self, keys: &LocalKeys) -> Result<Vec<u32>> {
        let mut ids = vec![NONE; keys.len()];
        ids.par_chunks_mut(BLOCK).enumerate().for_each(|(block, ids)| {
            for (number, id) in (block * BLOCK..).zip(ids) {
                *id = self.find(keys, number);
            }
        });
        let num_new = ids.iter().filter(|&&id| id == NONE).count() as u64;
        let total = self.keys.len() as u64 + num_new;
        if total > self.limit {
            let remedy = "split the data into several stores, by time or by region";
            return Err(Error::Limit { what: self.what, found: total, limit: self.limit, remedy });
        }
        while 4 * total > 3 * self.slots.len() as u64 {
            self.grow();
        }
        for (number, id) in ids.iter_mut().enumerate().filter(|(_, id)| **id == NONE) {
            *id = self.keys.len() as u32;
            self.push(keys, number);
            insert(&mut self.slots, upper(keys.hashes[number]), *id);
        }
        Ok(ids)
    }

    /// The id of key `number`, or `NONE`.
    fn find(&self, keys: &LocalKeys, number: usize) -> u32 {
        let upper = upper(keys.hashes[number]);
        let mut place = home(upper, self.slots.len());
        loop {
            let (found, id) = self.slots[place];
            if id == NONE || found == upper && self.is(id, keys, number) {
                return id;
            }
            place = if place + 1 == self.slots.len() { 0 } else { place + 1 };
        }
    }

    /// Whether `id` stands for key `number`.
    fn is(&self, id: u32, keys: &LocalKeys, number: usize) -> bool {
        let id = id as usize;
        match &self.keys {
            KeyList::Numbers(numbers) => value(keys, number) == Some(numbers[id]),
            KeyList::Texts { text, offsets } => {
                text[offsets[id] as usize..offsets[id + 1] as usize] == *keys.key(number)
            }
        }
    }

    /// Adds a key at the end. The first that is no number makes texts of all.
    fn push(&mut self, keys: &LocalKeys, number: usize) {
        if let KeyList::Numbers(numbers) = &mut self.keys {
            if let Some(value) = value(keys, number) {
                numbers.push(value);
                return;
            }
            let (mut text, mut offsets) = (Vec::new(), vec![0]);
            for number in numbers {
                text.extend_from_slice(number.to_string().as_bytes());
                offsets.push(text.len() as u64);
            }
            self.keys = KeyList::Texts { text, offsets };
        }
        if let KeyList::Texts { text, offsets } = &mut self.keys {
            text.extend_from_slice(keys.key(number));
            offsets.push(text.len() as u64);
        }
    }

    fn grow(&mut self) {
        let mut slots = vec![EMPTY; 2 * self.slots.len()];
        for &(upper, id) in self.slots.iter().filter(|slot| slot.1 != NONE) {
            insert(&mut slots, upper, id);
        }
        self.slots = slots;
    }
}

/// Key `number` as a number, if it is one.
fn value(keys: &LocalKeys, number: usize) -> Option<u64> {
    match keys.numbers.get(number) {
        Some(&value) => Some(value),
        None => canonical_number(keys.key(number)),
    }
}

fn upper(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Where the search for a hash begins; ascending in it, so that growing walks both tables in order.
fn home(upper: u32, num_slots: usize) -> usize {
    ((u128::from(upper) * num_slots as u128) >> 32) as usize
}

fn insert(slots: &mut [Slot], upper: u32, id: u32) {
    let mut place = home(upper, slots.len());
    while slots[place].1 != NONE {
        place = if place + 1 == slots.len() { 0 } else { place + 1 };
    }
    slots[place] = (upper, id);
}

#[cfg(test)]
mod tests {
    use super::super::super::dictionary::merge;
    use super::*;
    use crate::ingest::batch::key_hash;
    use crate::run::Run;
    use proptest::prelude::*;

    fn local(keys: &[String]) -> LocalKeys {
        let mut local = LocalKeys { offsets: vec![0], ..LocalKeys::default() };
        for key in keys.iter().collect::<std::collections::BTreeSet<_>>() {
            local.text.extend_from_slice(key.as_bytes());
            local.offsets.push(local.text.len() as u32);
            local.hashes.push(key_hash(key.as_bytes()));
        }
        let numbers: Option<Vec<u64>> = local.iter().map(canonical_number).collect();
        local.numbers = numbers.unwrap_or_default();
        local
    }

    proptest! {
        #[test]
        fn ids_are_those_of_the_dictionary_in_memory(
            chunks in prop::collection::vec(prop::collection::vec("[0-9]{1,4}|[a-c0-2]{1,3}", 0..300), 1..8),
            numbers in any::<bool>(),
        ) {
            let chunks: Vec<LocalKeys> = chunks
                .iter()
                .map(|keys| {
                    let keys = keys.iter().filter(|key| !numbers || canonical_number(key.as_bytes()).is_some());
                    local(&keys.cloned().collect::<Vec<_>>())
                })
                .collect();
            let merged = merge(&chunks.iter().collect::<Vec<_>>(), IDS_MAX, "keys", &Run::new()).unwrap();
            let mut ids = Ids::new("keys", IDS_MAX);
            for (chunk, expected) in chunks.iter().zip(&merged.ids) {
                prop_assert_eq!(&ids.add(chunk).unwrap(), expected);
            }
            prop_assert_eq!(ids.into_keys(), merged.keys);
        }
    }

    #[test]
    fn equal_hashes_of_different_keys_are_told_apart() {
        let mut keys = local(&["x".into(), "y".into()]);
        keys.hashes = vec![7, 7];
        let mut ids = Ids::new("keys", IDS_MAX);
        assert_eq!(ids.add(&keys).unwrap(), [0, 1]);
        assert_eq!(ids.add(&keys).unwrap(), [0, 1]);
    }
}
