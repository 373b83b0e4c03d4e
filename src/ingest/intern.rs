//! Numbering distinct keys within a chunk, in order of first appearance.
//!
//! # Method
//! A key is first a *word*: the number itself if it is a canonical number, else 63
//! bits of its hash under a top bit of 1. An open-addressing table of (word,
//! number of the key) with linear probing, at most half full, is looked up for a
//! group of keys at a time: first all slots of the group are loaded, so that the
//! cache misses overlap, then each key is settled. Words of numbers decide; words
//! of texts only say where to compare the text.

use super::batch::{LocalKeys, canonical_number, number_hash};
use crate::ids::NONE;
use crate::store::keys::KeyList;
use xxhash_rust::xxh3::xxh3_64;

/// The top bit of words that are no numbers.
const TEXT: u64 = 1 << 63;
/// The word of "no key".
pub(crate) const NO_KEY: u64 = u64::MAX;

/// The word of a text that is no canonical number.
#[inline]
pub(crate) fn text_word(key: &[u8]) -> u64 {
    (xxh3_64(key) | TEXT).min(NO_KEY - 1)
}

/// Whether a word stands for a number.
#[inline]
pub(crate) fn is_number(word: u64) -> bool {
    word < TEXT
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    word: u64,
    id: u32,
}

const EMPTY: Slot = Slot { word: 0, id: NONE };

/// Keys whose slots are loaded together.
const GROUP: usize = 32;

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

    /// The numbers of many keys, appended to `ids`; `text` gives the key behind a word that is no number, by its place in
    /// `words`.
    pub fn number_all<'k>(&mut self, words: &[u64], text: impl Fn(usize) -> &'k [u8], ids: &mut Vec<u32>) {
        let mut loaded = [EMPTY; GROUP];
        let mut base = 0;
        for group in words.chunks(GROUP) {
            let mask = self.slots.len() - 1;
            for (slot, word) in loaded.iter_mut().zip(group) {
                *slot = self.slots[place(*word) & mask];
            }
            for (i, (slot, word)) in loaded.iter().zip(group).enumerate() {
                // What was loaded may be stale, but a key that was there still is.
                let found = slot.word == *word && slot.id != NONE && is_number(*word);
                ids.push(match found {
                    true => slot.id,
                    false if is_number(*word) => self.word(*word, &[]),
                    false => self.word(*word, text(base + i)),
                });
            }
            base += group.len();
        }
    }

    /// The number of the key behind a word; `text` is needed where the word is no number.
    pub fn word(&mut self, word: u64, text: &[u8]) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = place(word) & mask;
        loop {
            let slot = self.slots[at];
            if slot.id == NONE {
                return self.insert(at, word, text);
            }
            if slot.word == word && (is_number(word) || self.keys.key(slot.id as usize) == text) {
                return slot.id;
            }
            at = (at + 1) & mask;
        }
    }

    /// The number of `key`.
    pub fn key(&mut self, key: &[u8]) -> u32 {
        match canonical_number(key) {
            Some(number) => self.word(number, &[]),
            None => self.word(text_word(key), key),
        }
    }

    fn insert(&mut self, at: usize, word: u64, text: &[u8]) -> u32 {
        let id = self.keys.hashes.len() as u32;
        self.slots[at] = Slot { word, id };
        if is_number(word) {
            push_decimal(&mut self.keys.text, word);
            self.keys.hashes.push(number_hash(word));
        } else {
            self.only_numbers = false;
            self.keys.text.extend_from_slice(text);
            self.keys.hashes.push(xxh3_64(text));
        }
        self.keys.numbers.push(word);
        self.keys.offsets.push(self.keys.text.len() as u32);
        if 2 * self.keys.hashes.len() > self.slots.len() {
            self.grow();
        }
        id
    }

    #[cold]
    fn grow(&mut self) {
        let mask = 4 * self.slots.len() - 1;
        self.slots = vec![EMPTY; mask + 1];
        for (id, word) in self.keys.numbers.iter().enumerate() {
            let mut at = place(*word) & mask;
            while self.slots[at].id != NONE {
                at = (at + 1) & mask;
            }
            self.slots[at] = Slot { word: *word, id: id as u32 };
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

/// Where the search for a word begins, before masking.
#[inline]
fn place(word: u64) -> usize {
    // Texts are hashed already.
    (if is_number(word) { number_hash(word) } else { word }) as usize
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
