//! External keys of dense ids: bytes to id and back, never answered without comparing the bytes.
//!
//! # Method
//! Numbers stand in one codes column; they are found by arithmetic where they
//! are a sequence, else by binary search, through a permutation where they do
//! not ascend. Texts stand one after another, found through an open-addressing
//! table: one tag byte and one id per slot, keyed SipHash-1-3, load at most 3/4.
//! The upper 32 bits of the hash choose the home slot, the lowest byte is the
//! tag. Entries are placed in order of (upper 32 bits, id), each at its home or
//! right after the one before it, so a search ends at the first empty slot or
//! after the longest probe, and the table does not depend on who built it.
//!
//! # Cost
//! A text takes 8 bytes of offset and 6.7 of table over its own; building needs
//! 9 bytes a key beside the table and O(n log n) in parallel. A hit touches one
//! cache line each of tags, slots, offsets and text.
//!
//! # Choices
//! The hash key is taken from the SHA-256 of all texts: equal content gives
//! equal bytes, and nobody who picks a single name steers where it lands. Both
//! kinds of columns fit into a `.keys` file and into a segment (transaction keys).

use super::column::{Codes, Column};
use super::container::Container;
use super::format::{ColumnId, word};
use super::mmap::prefetch;
use super::tasks::tasks;
use super::writer::ContainerWriter;
use crate::error::{Error, Result};
use crate::ids::{IDS_MAX, NONE};
use rayon::prelude::{
    IndexedParallelIterator, IntoParallelIterator, IntoParallelRefIterator, ParallelIterator, ParallelSlice,
    ParallelSliceMut,
};
use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher13;
use std::ops::Range;
use std::sync::Arc;

/// Longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 1024;

/// Numbers at or above this are kept as texts.
const NUMBER_END: u64 = 1 << 63;
/// So many slots ahead of the one that is looked at, hashes, which lie anywhere, are asked for.
const AHEAD: usize = 16;

/// Keys in the order of their ids, as ingest hands them over.
///
/// Either every key is a canonical decimal number (no sign, no leading zero, below 2^63),
/// or all are texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyList {
    /// Every key is a canonical decimal number.
    Numbers(Vec<u64>),
    /// Key `i` is `text[offsets[i]..offsets[i + 1]]`.
    Texts {
        /// All keys, one after another.
        text: Vec<u8>,
        /// `len + 1` offsets.
        offsets: Vec<u64>,
    },
}

impl KeyList {
    /// Number of keys.
    pub fn len(&self) -> usize {
        match self {
            KeyList::Numbers(numbers) => numbers.len(),
            KeyList::Texts { offsets, .. } => offsets.len().saturating_sub(1),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The keys of one kind of node, or of the transactions of one segment.
#[derive(Clone, Debug)]
pub struct Keys {
    index: Index,
}

#[derive(Clone, Debug)]
enum Index {
    Numbers { numbers: Codes<u64>, order: Option<Column<u32>> },
    Texts(Box<Texts>),
}

#[derive(Clone, Debug)]
struct Texts {
    container: Arc<Container>,
    text: Column<u8>,
    offsets: Column<u64>,
    slots: Column<u32>,
    tags: Column<u8>,
    hasher: SipHasher13,
    num_homes: u64,
    probe_max: usize,
}

/// Where a hash belongs: home slot and tag.
#[inline]
pub(crate) fn place(hash: u64, num_homes: u64) -> (usize, u8) {
    (home((hash >> 32) as u32, num_homes), (hash as u8).max(1))
}

/// The home slot of the upper half of a hash; ascending in it, below `num_homes`.
#[inline]
pub(crate) fn home(upper: u32, num_homes: u64) -> usize {
    ((u128::from(upper) * u128::from(num_homes)) >> 32) as usize
}

/// The number that `key` is the canonical decimal of.
#[inline]
pub(super) fn parse_canonical(key: &[u8]) -> Option<u64> {
    if key.is_empty() || key.len() > 19 || (key[0] == b'0' && key.len() > 1) {
        return None;
    }
    // 19 digits stay below 2^64.
    let number = key.iter().try_fold(0u64, |number, &digit| {
        digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0'))
    })?;
    (number < NUMBER_END).then_some(number)
}

impl Keys {
    /// Opens the key columns of a container.
    ///
    /// # Errors
    /// [`Error::Damaged`] if columns are missing or do not fit together.
    pub fn open(container: &Arc<Container>) -> Result<Self> {
        let damaged = |detail: &str| Error::damaged(container.path(), "keys", detail);
        let keys = if container.has(ColumnId::KEY_NUMBERS) {
            let numbers = container.codes(ColumnId::KEY_NUMBERS)?;
            let order: Option<Column<u32>> = match container.has(ColumnId::KEY_ORDER) {
                true => Some(container.column(ColumnId::KEY_ORDER)?),
                false => None,
            };
            if order.as_ref().is_some_and(|order| order.len() != numbers.len()) {
                return Err(damaged("numbers and their order differ in length"));
            }
            Keys { index: Index::Numbers { numbers, order } }
        } else {
            let index = container.column::<u64>(ColumnId::KEY_INDEX)?;
            let &[key_low, key_high, num_homes, probe_max] = index.all()? else {
                return Err(damaged("the index record does not have four words"));
            };
            let texts = Texts {
                container: Arc::clone(container),
                text: container.column(ColumnId::KEY_TEXT)?,
                offsets: container.column(ColumnId::KEY_OFFSETS)?,
                slots: container.column(ColumnId::KEY_SLOTS)?,
                tags: container.column(ColumnId::KEY_TAGS)?,
                hasher: SipHasher13::new_with_keys(key_low, key_high),
                num_homes,
                probe_max: usize::try_from(probe_max).unwrap_or(usize::MAX),
            };
            if texts.offsets.is_empty() {
                return Err(damaged("there are no offsets"));
            }
            if texts.slots.len() != texts.tags.len() || num_homes > texts.slots.len() as u64 || num_homes == 0
            {
                return Err(damaged("slots, tags and home slots differ in number"));
            }
            Keys { index: Index::Texts(Box::new(texts)) }
        };
        if keys.len() as u64 > IDS_MAX {
            return Err(damaged("there are more keys than ids"));
        }
        Ok(keys)
    }

    /// Writes the key columns, with their index, into a container; parallel and deterministic.
    ///
    /// # Errors
    /// [`Error::Input`] if a key is there twice or too long, [`Error::Limit`] for too many keys,
    /// [`Error::Io`] if the file cannot be written.
    pub fn write(keys: &KeyList, into: &mut ContainerWriter) -> Result<()> {
        if keys.len() as u64 > IDS_MAX {
            return Err(Error::Limit {
                what: "keys in one list",
                found: keys.len() as u64,
                limit: IDS_MAX,
                remedy: "split the data",
            });
        }
        match keys {
            KeyList::Numbers(numbers) => write_numbers(numbers, into),
            KeyList::Texts { text, offsets } => write_texts(text, offsets, into),
        }
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        match &self.index {
            Index::Numbers { numbers, .. } => numbers.len(),
            Index::Texts(texts) => texts.offsets.len() - 1,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id of `key`, if there is one.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the bytes looked at are not what was written.
    pub fn find(&self, key: &[u8]) -> Result<Option<u32>> {
        match &self.index {
            Index::Texts(texts) => texts.find(key),
            Index::Numbers { numbers, order } => match parse_canonical(key) {
                Some(number) => find_number(number, numbers, order.as_ref()),
                None => Ok(None),
            },
        }
    }

    /// The key of `id`, appended to `out`.
    ///
    /// # Errors
    /// [`Error::Damaged`] if there is no such id, or the bytes looked at are not what was written.
    pub fn key(&self, id: u32, out: &mut Vec<u8>) -> Result<()> {
        match &self.index {
            Index::Texts(texts) => out.extend_from_slice(texts.key(id)?),
            Index::Numbers { numbers, .. } => {
                use std::io::Write;
                let number = numbers.get(id as usize)?;
                write!(out, "{number}").map_err(|error| Error::Unproved(error.to_string()))?;
            }
        }
        Ok(())
    }

    /// All keys, in the order of their ids, as they were written.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the keys are.
    pub fn list(&self) -> Result<KeyList> {
        Ok(match &self.index {
            Index::Numbers { numbers, .. } => KeyList::Numbers(numbers.to_vec()?),
            Index::Texts(texts) => {
                KeyList::Texts { text: texts.text.all()?.to_vec(), offsets: texts.offsets.all()?.to_vec() }
            }
        })
    }

    /// The keys of a range of ids, in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the keys are, or there are not as many.
    pub fn part(&self, ids: Range<usize>) -> Result<KeyList> {
        let texts = match &self.index {
            Index::Numbers { numbers, .. } => return Ok(KeyList::Numbers(numbers.part(ids)?.into_owned())),
            Index::Texts(texts) => texts,
        };
        let ends = texts.offsets.slice(ids.start..ids.end.saturating_add(1))?;
        let (&first, &last) = match (ends.first(), ends.last()) {
            (Some(first), Some(last)) if ends.is_sorted() => (first, last),
            _ => {
                let detail = "offsets do not cut the text into keys";
                return Err(Error::damaged(texts.container.path(), "keys", detail));
            }
        };
        let text = texts.text.slice(first as usize..last as usize)?.to_vec();
        Ok(KeyList::Texts { text, offsets: ends.iter().map(|end| end - first).collect() })
    }

    /// Checks that every id is found by its key and that the index is the one that the format makes, and holds nothing else.
    pub(super) fn check_everything(
        &self,
        container: &Container,
        check: impl Fn() -> Result<()> + Sync,
    ) -> Result<()> {
        let broken = match &self.index {
            Index::Texts(texts) => match texts.broken_text()? {
                None => texts.broken_table(&check)?,
                broken => broken,
            },
            Index::Numbers { numbers, order } => broken_numbers(numbers, order.as_ref(), &check)?,
        };
        broken.map_or(Ok(()), |detail| Err(Error::damaged(container.path(), "keys", detail)))
    }
}

/// Keys or slots looked at between two looks at the run.
const PER_TASK: usize = 1 << 12;

fn find_number(number: u64, numbers: &Codes<u64>, order: Option<&Column<u32>>) -> Result<Option<u32>> {
    if let Some((base, step)) = numbers.as_sequence() {
        let rise = number.checked_sub(base);
        let index = match (rise, step) {
            (Some(0), 0) => Some(0),
            (Some(rise), step @ 1..) if rise % step == 0 => Some(rise / step),
            _ => None,
        };
        return Ok(index.filter(|&index| index < numbers.len() as u64).map(|index| index as u32));
    }
    let (mut low, mut high) = (0, numbers.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let id = match order {
            Some(order) => order.get(middle)?,
            None => middle as u32,
        };
        match numbers.get(id as usize)?.cmp(&number) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Ok(Some(id)),
        }
    }
    Ok(None)
}

/// What keeps numbers from being found, each at its id, if anything does.
fn broken_numbers(
    numbers: &Codes<u64>,
    order: Option<&Column<u32>>,
    check: &(impl Fn() -> Result<()> + Sync),
) -> Result<Option<String>> {
    const RANGE: &str = "numbers repeat, or are not below 2^63";
    if let Some((base, step)) = numbers.as_sequence() {
        // Found by arithmetic, however many there are.
        let rise = step.checked_mul((numbers.len() as u64).saturating_sub(1));
        let last = rise.and_then(|rise| base.checked_add(rise));
        let distinct = step > 0 || numbers.len() < 2;
        let fits = distinct && last.is_some_and(|last| last < NUMBER_END);
        return Ok((!fits).then(|| RANGE.to_string()));
    }
    let order = order.map(Column::all).transpose()?;
    let number = |place: usize| numbers.get(order.map_or(place, |order| order[place] as usize));
    // As many places as ids, at ever larger numbers: each id is there once, and a binary search finds it.
    let falls = |places: Range<usize>| -> Result<Option<usize>> {
        check()?;
        let mut before = places.start.checked_sub(1).map(number).transpose()?;
        for place in places {
            let this = number(place)?;
            if this >= NUMBER_END || before.is_some_and(|before| before >= this) {
                return Ok(Some(place));
            }
            before = Some(this);
        }
        Ok(None)
    };
    let wrong =
        tasks(numbers.len(), PER_TASK).find_map_first(|places| falls(places).transpose()).transpose()?;
    Ok(wrong.map(|place| format!("{RANGE}, or are not in order: at place {place}")))
}

impl Texts {
    /// What is wrong with how the offsets cut the text, if anything is.
    fn broken_text(&self) -> Result<Option<String>> {
        let offsets = self.offsets.all()?;
        let ends = (offsets[0], offsets[offsets.len() - 1]);
        if ends != (0, self.text.len() as u64) || !offsets.is_sorted() {
            return Ok(Some("offsets do not cut the text into keys".to_string()));
        }
        let long = offsets.par_windows(2).position_first(|pair| pair[1] - pair[0] > KEY_BYTES_MAX as u64);
        Ok(long.map(|id| format!("key {id} is longer than {KEY_BYTES_MAX} bytes")))
    }

    /// What keeps the table from being the one that [`write_texts`] makes, if anything does; offsets cut the text.
    ///
    /// Each slot is judged beside the taken ones before it, and nothing is searched: a table that somebody filled on purpose would
    /// be searched from end to end for each key. Every key is in a slot of its own, in reach of its home, and no other
    /// has its bytes, so it is found at its id.
    fn broken_table(&self, check: &(impl Fn() -> Result<()> + Sync)) -> Result<Option<String>> {
        let (slots, tags) = (self.slots.all()?, self.tags.all()?);
        let num_keys = self.offsets.len() - 1;
        if self.hasher.keys() != hash_key(self.text.all()?) {
            return Ok(Some("the hash key is not that of the texts".to_string()));
        }
        if self.num_homes != num_homes(num_keys) {
            return Ok(Some(format!("{} home slots are not right for {num_keys} keys", self.num_homes)));
        }
        if slots.par_iter().zip(tags).any(|(&id, &tag)| (id == NONE) != (tag == 0)) {
            return Ok(Some("a slot and its tag disagree on being empty".to_string()));
        }
        let num_taken = slots.par_iter().filter(|&&id| id != NONE).count();
        if num_taken != num_keys {
            return Ok(Some(format!("{num_taken} slots are taken for {num_keys} keys")));
        }
        let is_behind = slots.len() as u64 > self.num_homes && slots.last() == Some(&NONE);
        if is_behind {
            return Ok(Some("empty slots follow behind the last".to_string()));
        }
        let hashes = self.hashes(check)?;
        let hash_of = |id: u32| match hashes.get(id as usize) {
            Some(&hash) => Ok(hash),
            None => self.key(id).map(|key| self.hasher.hash(key)), // There is no such key: its error.
        };
        // The longest probe of the slots of a task, or the first slot that is not in its place or repeats a key.
        let probe_of = |places: Range<usize>| -> Result<std::result::Result<usize, usize>> {
            check()?;
            // The ids before this one that share the upper half of its hash: those that could have its bytes.
            let mut alike: Vec<u32> = Vec::new();
            let mut above = None;
            for &id in slots[..places.start].iter().rev().filter(|&&id| id != NONE) {
                let this = (hash_of(id)? >> 32) as u32;
                if *above.get_or_insert(this) != this {
                    break;
                }
                alike.push(id);
            }
            alike.reverse();
            let mut probe = 0;
            for at in places {
                if let Some(soon) = slots.get(at + AHEAD).and_then(|&id| hashes.get(id as usize)) {
                    prefetch(soon);
                }
                let id = slots[at];
                if id == NONE {
                    continue;
                }
                let hash = hash_of(id)?;
                let ((home, tag), this) = (place(hash, self.num_homes), (hash >> 32) as u32);
                if above != Some(this) {
                    alike.clear();
                }
                let in_place = at == home || (at > home && slots[at - 1] != NONE);
                let in_order =
                    above.is_none_or(|above| above <= this) && alike.last().is_none_or(|&last| last < id);
                if !in_place || tags[at] != tag || !in_order {
                    return Ok(Err(at));
                }
                for &other in &alike {
                    if self.key(other)? == self.key(id)? {
                        return Ok(Err(at));
                    }
                }
                alike.push(id);
                (probe, above) = (probe.max(at - home), Some(this));
            }
            Ok(Ok(probe))
        };
        let probes: Vec<_> = tasks(slots.len(), PER_TASK).map(probe_of).collect::<Result<_>>()?;
        let mut longest = 0;
        for probe in probes {
            match probe {
                Ok(probe) => longest = longest.max(probe),
                Err(at) => return Ok(Some(format!("slot {at} is not in its place, or repeats a key"))),
            }
        }
        let stated = self.probe_max;
        Ok((longest != stated).then(|| format!("the longest probe is {longest}, {stated} is stated")))
    }

    /// The hash of every key. The texts are read in order: looked up slot by slot, each would wait for memory twice.
    fn hashes(&self, check: &(impl Fn() -> Result<()> + Sync)) -> Result<Vec<u64>> {
        let (offsets, text) = (self.offsets.all()?, self.text.all()?);
        let mut hashes = vec![0; offsets.len() - 1];
        hashes.par_chunks_mut(PER_TASK).zip(tasks(offsets.len() - 1, PER_TASK)).try_for_each(
            |(hashes, ids)| {
                check()?;
                for (hash, id) in hashes.iter_mut().zip(ids) {
                    *hash = self.hasher.hash(&text[offsets[id] as usize..offsets[id + 1] as usize]);
                }
                Ok::<_, Error>(())
            },
        )?;
        Ok(hashes)
    }

    fn key(&self, id: u32) -> Result<&[u8]> {
        let id = id as usize;
        let ends = self.offsets.slice(id..id.saturating_add(2))?;
        let range = usize::try_from(ends[0]).ok().zip(usize::try_from(ends[1]).ok());
        let (start, end) = range.ok_or_else(|| {
            Error::damaged(
                self.container.path(),
                "keys",
                format!("the offsets of id {id} lie outside of the text"),
            )
        })?;
        self.text.slice(start..end)
    }

    fn find(&self, key: &[u8]) -> Result<Option<u32>> {
        let (home, tag) = place(self.hasher.hash(key), self.num_homes);
        let end = home.saturating_add(self.probe_max).saturating_add(1).min(self.tags.len());
        for (slot, &found) in (home..end).zip(self.tags.slice(home..end)?) {
            if found == 0 {
                break;
            }
            if found == tag {
                let id = self.slots.get(slot)?;
                if self.key(id)? == key {
                    return Ok(Some(id));
                }
            }
        }
        Ok(None)
    }
}

/// The key of the hash: the first 16 bytes of the SHA-256 of all texts.
fn hash_key(text: &[u8]) -> (u64, u64) {
    let digest: [u8; 32] = Sha256::digest(text).into();
    (word(&digest, 0), word(&digest, 8))
}

/// Home slots of a table for this many keys: at most three quarters of them are taken.
fn num_homes(num_keys: usize) -> u64 {
    (num_keys as u64 * 4).div_ceil(3).max(1)
}

fn twice(key: impl std::fmt::Display, first: u32, second: u32) -> Error {
    Error::input("keys", format!("key {key} is there twice, for ids {first} and {second}"))
}

fn write_numbers(numbers: &[u64], into: &mut ContainerWriter) -> Result<()> {
    if let Some(large) = numbers.par_iter().find_first(|&&number| number >= NUMBER_END) {
        return Err(Error::input(
            "keys",
            format!("number {large} is not below 2^63; hand keys over as texts"),
        ));
    }
    into.codes(ColumnId::KEY_NUMBERS, numbers)?;
    if numbers.par_windows(2).all(|pair| pair[0] < pair[1]) {
        return Ok(());
    }
    let mut order: Vec<u32> = (0..numbers.len() as u32).collect();
    order.par_sort_unstable_by_key(|&id| (numbers[id as usize], id));
    let same = order.par_windows(2).find_first(|pair| numbers[pair[0] as usize] == numbers[pair[1] as usize]);
    if let Some(pair) = same {
        return Err(twice(numbers[pair[0] as usize], pair[0], pair[1]));
    }
    into.column(ColumnId::KEY_ORDER, &order)
}

fn write_texts(text: &[u8], offsets: &[u64], into: &mut ContainerWriter) -> Result<()> {
    let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else {
        return Err(Error::Unproved("a list of text keys has no offsets".to_string()));
    };
    if first != 0 || last != text.len() as u64 || !offsets.par_windows(2).all(|pair| pair[0] <= pair[1]) {
        return Err(Error::Unproved("the offsets of text keys do not cut their text".to_string()));
    }
    let long = offsets.par_windows(2).position_first(|pair| pair[1] - pair[0] > KEY_BYTES_MAX as u64);
    if let Some(id) = long {
        let found = offsets[id + 1] - offsets[id];
        let problem = format!("key {id} has {found} bytes, the longest allowed has {KEY_BYTES_MAX}");
        return Err(Error::input("keys", problem));
    }
    // Offsets ascend to the length of a slice, so they fit.
    let key = |id: u32| &text[offsets[id as usize] as usize..offsets[id as usize + 1] as usize];

    let (key_low, key_high) = hash_key(text);
    let hasher = SipHasher13::new_with_keys(key_low, key_high);
    let num_keys = offsets.len() - 1;
    let mut tags = vec![0u8; num_keys];
    let mut hashed: Vec<u64> = (0..num_keys as u32)
        .into_par_iter()
        .zip(&mut tags)
        .map(|(id, tag)| {
            let hash = hasher.hash(key(id));
            *tag = place(hash, 1).1;
            hash >> 32 << 32 | u64::from(id)
        })
        .collect();
    hashed.par_sort_unstable();
    refuse_equal(&hashed, &tags, key)?;

    let num_homes = num_homes(num_keys);
    let (slots, slot_tags, probe_max) = fill(&hashed, &tags, num_homes);
    into.column(ColumnId::KEY_INDEX, &[key_low, key_high, num_homes, probe_max])?;
    into.column(ColumnId::KEY_SLOTS, &slots)?;
    into.column(ColumnId::KEY_TAGS, &slot_tags)?;
    into.column(ColumnId::KEY_OFFSETS, offsets)?;
    into.column(ColumnId::KEY_TEXT, text)
}

/// Refuses equal keys; they have equal hashes, so they are near each other in `hashed`.
fn refuse_equal<'t>(hashed: &[u64], tags: &[u8], key: impl Fn(u32) -> &'t [u8] + Sync) -> Result<()> {
    let equal = hashed.par_iter().enumerate().find_map_first(|(at, &entry)| {
        let first = entry as u32;
        let run = hashed[at + 1..].iter().take_while(|&&other| other >> 32 == entry >> 32);
        let mut same = run
            .map(|&other| other as u32)
            .filter(|&second| tags[first as usize] == tags[second as usize] && key(first) == key(second));
        same.next().map(|second| (first, second))
    });
    match equal {
        Some((first, second)) => {
            Err(twice(format!("{:?}", String::from_utf8_lossy(key(first))), first, second))
        }
        None => Ok(()),
    }
}

/// Places the entries in order, each at its home or right after the one before: slots, their tags, longest probe.
fn fill(hashed: &[u64], tags: &[u8], num_homes: u64) -> (Vec<u32>, Vec<u8>, u64) {
    let homes = hashed.iter().map(|entry| home((entry >> 32) as u32, num_homes));
    let mut next = 0;
    let mut probe_max = 0;
    let mut slots = vec![NONE; num_homes as usize];
    let mut slot_tags = vec![0; num_homes as usize];
    for (home, &entry) in homes.zip(hashed) {
        let (id, at) = (entry as u32, next.max(home));
        if at == slots.len() {
            slots.push(NONE);
            slot_tags.push(0);
        }
        slots[at] = id;
        slot_tags[at] = tags[id as usize];
        probe_max = probe_max.max(at - home);
        next = at + 1;
    }
    (slots, slot_tags, probe_max as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Io, StoreWriter};
    use proptest::prelude::{ProptestConfig, any, prop, prop_assert_eq, proptest};
    use std::collections::HashMap;

    fn texts<K: AsRef<[u8]>>(keys: &[K]) -> KeyList {
        let text = keys.iter().flat_map(|key| key.as_ref().to_vec()).collect();
        let ends = keys.iter().scan(0, |end, key| {
            *end += key.as_ref().len() as u64;
            Some(*end)
        });
        KeyList::Texts { text, offsets: std::iter::once(0).chain(ends).collect() }
    }

    /// Writes a list and opens it again.
    fn stored(list: &KeyList, io: Io) -> Result<(Keys, Arc<Container>)> {
        let directory = tempfile::tempdir().unwrap();
        let mut store = StoreWriter::create(directory.path()).unwrap();
        store.set_durable(false);
        let mut file = store.file("keys", "accounts", "keys").unwrap();
        Keys::write(list, &mut file)?;
        let entry = store.finish(file).unwrap();
        // A mapped file stays when its name goes.
        let container = Container::open(&directory.path().join(entry.name), io).unwrap();
        let keys = Keys::open(&container).unwrap();
        keys.check_everything(&container, || Ok(())).unwrap();
        Ok((keys, container))
    }

    fn key(keys: &Keys, id: u32) -> Vec<u8> {
        let mut key = Vec::new();
        keys.key(id, &mut key).unwrap();
        key
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn texts_are_found_as_in_a_hash_map(
            present in prop::collection::hash_set(prop::collection::vec(any::<u8>(), 0..12), 0..300),
            absent in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 0..100),
        ) {
            let keys: Vec<Vec<u8>> = present.into_iter().collect();
            let map: HashMap<&[u8], u32> = keys.iter().enumerate().map(|(id, key)| (&key[..], id as u32)).collect();
            let (stored, _) = stored(&texts(&keys), Io::Read).unwrap();
            prop_assert_eq!(stored.len(), keys.len());
            for probe in keys.iter().chain(&absent) {
                prop_assert_eq!(stored.find(probe).unwrap(), map.get(&probe[..]).copied());
            }
            for (id, expected) in keys.iter().enumerate() {
                prop_assert_eq!(&key(&stored, id as u32), expected);
            }
        }

        #[test]
        fn numbers_are_found_as_in_a_hash_map(
            present in prop::collection::hash_set(0u64..1 << 63, 0..300),
            near in prop::collection::vec(0u64..600, 0..100),
            first in 0u64..500,
            shape in 0..3,
        ) {
            let mut numbers: Vec<u64> = match shape {
                0 => present.iter().copied().collect(),
                1 => present.iter().map(|number| number % 4096).collect::<std::collections::HashSet<_>>().into_iter().collect(),
                _ => (first..first + present.len() as u64).collect(),
            };
            if first % 2 == 0 {
                numbers.sort_unstable();
            }
            let map: HashMap<u64, u32> = numbers.iter().enumerate().map(|(id, &number)| (number, id as u32)).collect();
            let (stored, container) = stored(&KeyList::Numbers(numbers.clone()), Io::Mmap).unwrap();
            prop_assert_eq!(container.has(ColumnId::KEY_ORDER), !numbers.is_sorted());
            for probe in numbers.iter().chain(&near) {
                prop_assert_eq!(stored.find(probe.to_string().as_bytes()).unwrap(), map.get(probe).copied());
            }
            for (id, expected) in numbers.iter().enumerate() {
                prop_assert_eq!(key(&stored, id as u32), expected.to_string().into_bytes());
            }
        }
    }

    #[test]
    fn only_canonical_decimals_match_numbers() {
        let (keys, container) = stored(&KeyList::Numbers((0..100).collect()), Io::Mmap).unwrap();
        assert_eq!(container.entries().map(|entry| entry.bytes).sum::<u64>(), 0);
        assert_eq!(keys.find(b"0").unwrap(), Some(0));
        assert_eq!(keys.find(b"99").unwrap(), Some(99));
        for other in [
            "",
            "00",
            "07",
            "+7",
            "-7",
            " 7",
            "7 ",
            "7.0",
            "100",
            "9223372036854775808",
            "18446744073709551617",
        ] {
            assert_eq!(keys.find(other.as_bytes()).unwrap(), None, "{other:?}");
        }
        assert!(keys.key(100, &mut Vec::new()).is_err());
        let (one, _) = stored(&KeyList::Numbers(vec![(1 << 63) - 1]), Io::Mmap).unwrap();
        assert_eq!(one.find(b"9223372036854775807").unwrap(), Some(0));
    }

    /// The table of four keys, looked up by the description in `docs/format.md` instead of by our reader.
    #[test]
    fn the_table_is_the_documented_one() {
        let names = ["alice", "bob", "", "carol"];
        let (_, file) = stored(&texts(&names), Io::Read).unwrap();
        let digest = Sha256::digest(names.concat());
        let index = file.column::<u64>(66).unwrap();
        let &[low, high, num_homes, probe_max] = index.all().unwrap() else { panic!("not four words") };
        assert_eq!([low, high], [word(&digest, 0), word(&digest, 8)]);
        assert_eq!(num_homes, 6);
        let (slots, tags) = (file.column::<u32>(64).unwrap(), file.column::<u8>(65).unwrap());
        let hashes = names.map(|name| SipHasher13::new_with_keys(low, high).hash(name.as_bytes()));
        let mut order = [0usize, 1, 2, 3];
        order.sort_by_key(|&id| (hashes[id] >> 32, id));
        let (mut next, mut longest) = (0, 0);
        let mut expected = vec![(NONE, 0); slots.len()];
        for id in order {
            let home = (((hashes[id] >> 32) * num_homes) >> 32) as usize;
            let slot = home.max(next);
            expected[slot] = (id as u32, (hashes[id] & 0xff).max(1) as u8);
            longest = longest.max(slot - home);
            next = slot + 1;
        }
        let found = slots.all().unwrap().iter().copied().zip(tags.all().unwrap().iter().copied());
        assert_eq!(found.collect::<Vec<_>>(), expected);
        assert_eq!(probe_max, longest as u64);
        assert_eq!(slots.len(), next.max(6));
    }

    #[test]
    fn many_keys_keep_their_probes_short() {
        let names: Vec<String> = (0..200_000).map(|i| format!("ACC-{i:07}")).collect();
        let (keys, _) = stored(&texts(&names), Io::Mmap).unwrap();
        let Index::Texts(index) = &keys.index else { panic!("texts were stored as numbers") };
        assert!(index.probe_max < 400, "longest probe {}", index.probe_max);
        assert!(index.slots.len() as u64 <= index.num_homes + index.probe_max as u64 + 1);
        assert_eq!(keys.find(b"ACC-0123456").unwrap(), Some(123_456));
        assert_eq!(keys.find(b"ACC-200000").unwrap(), None);
    }

    #[test]
    fn lists_that_are_no_keys_are_refused() {
        let refused = |list: KeyList, why: &str| {
            let message = stored(&list, Io::Read).unwrap_err().to_string();
            assert!(message.contains(why), "{message}");
        };
        refused(KeyList::Numbers(vec![3, 1, 3]), "key 3 is there twice, for ids 0 and 2");
        refused(KeyList::Numbers(vec![5, 5, 5]), "key 5 is there twice");
        refused(KeyList::Numbers(vec![1 << 63]), "2^63");
        refused(texts(&["a", "b", "a"]), "key \"a\" is there twice, for ids 0 and 2");
        refused(texts(&["x"; 5000]), "twice");
        refused(texts(&["k".repeat(KEY_BYTES_MAX + 1)]), "1025 bytes");
        refused(KeyList::Texts { text: b"ab".to_vec(), offsets: vec![0, 3] }, "do not cut");
        refused(KeyList::Texts { text: b"ab".to_vec(), offsets: vec![0, 2, 1, 2] }, "do not cut");
        refused(KeyList::Texts { text: Vec::new(), offsets: Vec::new() }, "no offsets");
        stored(&texts(&["k".repeat(KEY_BYTES_MAX), String::new()]), Io::Read).unwrap();
        stored(&texts::<&str>(&[]), Io::Read).unwrap();
        stored(&KeyList::Numbers(Vec::new()), Io::Read).unwrap();
    }
}
