//! Numbering distinct keys within a chunk, in order of first appearance.
//!
//! # Method
//! An open-addressing table with linear probing, at most half full. A key that is a
//! canonical number stands in its slot, so that a look-up takes one cache line; of
//! any other the hash does, and the bytes are compared: a hash alone never decides.

use super::batch::{LocalKeys, canonical_number, number_hash};
use crate::ids::NONE;
use crate::store::keys::KeyList;
use xxhash_rust::xxh3::xxh3_64;

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The key as a number, or the hash of a text.
    key: u64,
    id: u32,
    holds: Holds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Nothing,
    Number,
    Text,
}

const EMPTY: Slot = Slot { key: 0, id: NONE, holds: Holds::Nothing };

impl Slot {
    fn hash(self) -> u64 {
        if self.holds == Holds::Number { number_hash(self.key) } else { self.key }
    }
}

/// Distinct keys and their numbers.
#[derive(Debug)]
pub(crate) struct KeyTable {
    slots: Vec<Slot>,
    keys: LocalKeys,
    only_numbers: bool,
}

impl KeyTable {
    /// A table that need not grow for the first `expected` keys.
    pub fn new(expected: usize) -> Self {
        let slots = (2 * expected.max(8)).next_power_of_two();
        let keys = LocalKeys { offsets: vec![0], ..LocalKeys::default() };
        KeyTable { slots: vec![EMPTY; slots], keys, only_numbers: true }
    }

    /// The number of the key that writes `number` in decimal.
    #[inline]
    pub fn number(&mut self, number: u64) -> u32 {
        let hash = number_hash(number);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            match slot.holds {
                Holds::Number if slot.key == number => return slot.id,
                Holds::Nothing => break,
                _ => at = (at + 1) & mask,
            }
        }
        push_decimal(&mut self.keys.text, number);
        self.keys.numbers.push(number);
        self.insert(at, Slot { key: number, id: self.next_id(), holds: Holds::Number }, hash)
    }

    /// The number of any other key; the caller has seen that it is no [`canonical_number`].
    pub fn text(&mut self, key: &[u8]) -> u32 {
        let hash = xxh3_64(key);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            match slot.holds {
                Holds::Text if slot.key == hash && self.keys.key(slot.id as usize) == key => return slot.id,
                Holds::Nothing => break,
                _ => at = (at + 1) & mask,
            }
        }
        self.keys.text.extend_from_slice(key);
        self.only_numbers = false;
        self.insert(at, Slot { key: hash, id: self.next_id(), holds: Holds::Text }, hash)
    }

    /// The number of `key`.
    pub fn key(&mut self, key: &[u8]) -> u32 {
        match canonical_number(key) {
            Some(number) => self.number(number),
            None => self.text(key),
        }
    }

    fn next_id(&self) -> u32 {
        self.keys.hashes.len() as u32
    }

    fn insert(&mut self, at: usize, slot: Slot, hash: u64) -> u32 {
        self.slots[at] = slot;
        self.keys.hashes.push(hash);
        self.keys.offsets.push(self.keys.text.len() as u32);
        if 2 * self.keys.hashes.len() > self.slots.len() {
            self.grow();
        }
        slot.id
    }

    #[cold]
    fn grow(&mut self) {
        let mask = 4 * self.slots.len() - 1;
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; mask + 1]);
        for slot in old.into_iter().filter(|slot| slot.holds != Holds::Nothing) {
            let mut at = slot.hash() as usize & mask;
            while self.slots[at].holds != Holds::Nothing {
                at = (at + 1) & mask;
            }
            self.slots[at] = slot;
        }
    }

    /// The keys, in order.
    pub fn finish(mut self) -> LocalKeys {
        if !self.only_numbers {
            self.keys.numbers = Vec::new();
        }
        self.keys
    }
}

/// Appends `number` in decimal.
pub(crate) fn push_decimal(text: &mut Vec<u8>, number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    text.extend_from_slice(&digits[at..]);
}

/// Few distinct texts, numbered from 0 in order of first appearance.
#[derive(Debug)]
pub(crate) struct Names {
    texts: Vec<Box<[u8]>>,
    /// For a cheap hash of a text, the number to try first.
    likely: [u16; 256],
}

impl Names {
    pub fn new() -> Self {
        Names { texts: Vec::new(), likely: [0; 256] }
    }

    /// The number of `text`, if it is there.
    #[inline]
    pub fn find(&mut self, text: &[u8]) -> Option<usize> {
        let place = Self::place(text);
        let likely = usize::from(self.likely[place]);
        if self.texts.get(likely).is_some_and(|t| **t == *text) {
            return Some(likely);
        }
        let found = self.texts.iter().position(|t| **t == *text)?;
        self.likely[place] = found as u16;
        Some(found)
    }

    /// Adds a text that is not there.
    pub fn add(&mut self, text: &[u8]) -> usize {
        self.likely[Self::place(text)] = self.texts.len() as u16;
        self.texts.push(text.into());
        self.texts.len() - 1
    }

    pub fn len(&self) -> usize {
        self.texts.len()
    }

    pub fn into_strings(self) -> Vec<String> {
        self.texts.iter().map(|t| String::from_utf8_lossy(t).into_owned()).collect()
    }

    #[inline]
    fn place(text: &[u8]) -> usize {
        let (first, last) = (text.first().copied().unwrap_or(0), text.last().copied().unwrap_or(0));
        usize::from(first.wrapping_mul(31) ^ last.rotate_left(3) ^ text.len() as u8)
    }
}

/// Collects one key per row into a [`KeyList`]: numbers as long as all are, texts from the first that is not.
#[derive(Debug)]
pub(crate) struct KeyListBuilder(KeyList);

impl KeyListBuilder {
    pub fn new() -> Self {
        KeyListBuilder(KeyList::Numbers(Vec::new()))
    }

    pub fn reserve(&mut self, keys: usize) {
        if let KeyList::Numbers(numbers) = &mut self.0 {
            numbers.reserve(keys);
        }
    }

    #[inline]
    pub fn number(&mut self, number: u64) {
        match &mut self.0 {
            KeyList::Numbers(numbers) => numbers.push(number),
            KeyList::Texts { text, offsets } => {
                push_decimal(text, number);
                offsets.push(text.len() as u64);
            }
        }
    }

    /// A key that is no canonical number.
    pub fn text(&mut self, key: &[u8]) {
        if let KeyList::Numbers(numbers) = &self.0 {
            let (mut text, mut offsets) = (Vec::new(), vec![0]);
            for number in numbers {
                push_decimal(&mut text, *number);
                offsets.push(text.len() as u64);
            }
            self.0 = KeyList::Texts { text, offsets };
        }
        if let KeyList::Texts { text, offsets } = &mut self.0 {
            text.extend_from_slice(key);
            offsets.push(text.len() as u64);
        }
    }

    pub fn finish(self) -> KeyList {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::batch::key_hash;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbering_equals_a_search_through_the_list(keys in proptest::collection::vec("[0-9a]{1,3}", 0..300)) {
            let mut table = KeyTable::new(0);
            let mut list: Vec<&str> = Vec::new();
            for key in &keys {
                let place = list.iter().position(|k| k == key).unwrap_or_else(|| { list.push(key); list.len() - 1 });
                prop_assert_eq!(table.key(key.as_bytes()) as usize, place);
            }
            let local = table.finish();
            prop_assert_eq!(local.len(), list.len());
            for (i, key) in list.iter().enumerate() {
                prop_assert_eq!(local.key(i), key.as_bytes());
                prop_assert_eq!(local.hashes[i], key_hash(key.as_bytes()));
            }
            let numbers: Vec<_> = list.iter().map_while(|k| canonical_number(k.as_bytes())).collect();
            prop_assert_eq!(local.numbers, if numbers.len() == list.len() { numbers } else { vec![] });
        }

        #[test]
        fn key_lists_hold_every_key(keys in proptest::collection::vec("[0-9]{1,3}|[a-z]{1,2}", 0..50)) {
            let mut builder = KeyListBuilder::new();
            for key in &keys {
                match canonical_number(key.as_bytes()) {
                    Some(number) => builder.number(number),
                    None => builder.text(key.as_bytes()),
                }
            }
            let read: Vec<String> = match builder.finish() {
                KeyList::Numbers(numbers) => numbers.iter().map(u64::to_string).collect(),
                KeyList::Texts { text, offsets } => offsets.windows(2)
                    .map(|o| String::from_utf8(text[o[0] as usize..o[1] as usize].to_vec()).unwrap()).collect(),
            };
            prop_assert_eq!(read, keys);
        }
    }

    #[test]
    fn names_are_found_again() {
        let mut names = Names::new();
        for text in ["ACH", "Wire", "Cash", "Cheque", "ACE"] {
            assert_eq!(names.find(text.as_bytes()), None);
            names.add(text.as_bytes());
        }
        assert_eq!(names.find(b"Cash"), Some(2));
        assert_eq!(names.find(b"ACE"), Some(4));
        assert_eq!(names.find(b"ACH"), Some(0));
        assert_eq!((names.len(), names.find(b"")), (5, None));
    }
}
