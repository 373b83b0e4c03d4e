//! Columns of a container, seen as typed slices, checked block by block on first touch.
//!
//! # Method
//! Each raw column has one bit per 64 KiB block, set once the block's checksum
//! was found right, and one flag "all bits are set". A read asks the flag
//! first (one relaxed load), then the bits of its blocks, and only then hashes.
//! The bytes never change, so the bits guard nothing but repeated work and need
//! no stronger ordering; two threads may hash the same block at the same time
//! and agree.
//!
//! # Cost
//! About a nanosecond per access to a checked column; hashing runs once per
//! block at some 10 GB/s. Cloning a column copies two reference counts.

use super::container::Container;
use super::format::{BLOCK, ElementType};
use super::mmap::prefetch;
use crate::error::{Error, Result};
use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

mod sealed {
    pub trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for u16 {}
    impl Sealed for u32 {}
    impl Sealed for u64 {}
    impl Sealed for i64 {}
}

/// A fixed-width little-endian value that a column may hold: `u8`, `u16`, `u32`, `u64`, `i64`.
pub trait Element:
    Copy
    + Ord
    + Send
    + Sync
    + 'static
    + std::fmt::Debug
    + FromBytes
    + IntoBytes
    + Immutable
    + KnownLayout
    + sealed::Sealed
{
    /// The type as the directory states it.
    const TYPE: ElementType;
    /// The value as the low bytes of a word; the rest is zero.
    fn to_bits(self) -> u64;
    /// The value in the low bytes of a word.
    fn from_bits(bits: u64) -> Self;
}

// A macro only because five types share these two conversions.
macro_rules! element {
    ($($type:ty = $name:ident),*) => {$(
        impl Element for $type {
            const TYPE: ElementType = ElementType::$name;
            #[inline]
            fn to_bits(self) -> u64 {
                self as u64
            }
            #[inline]
            fn from_bits(bits: u64) -> Self {
                bits as $type
            }
        }
    )*};
}
element!(u8 = U8, u16 = U16, u32 = U32, u64 = U64, i64 = I64);

/// Which blocks of one column were found right.
#[derive(Debug)]
pub(super) struct Blocks {
    all: AtomicBool,
    num_missing: AtomicUsize,
    bits: Box<[AtomicU64]>,
    len: usize,
}

impl Blocks {
    pub(super) fn new(len: usize) -> Self {
        Blocks {
            all: AtomicBool::new(len == 0),
            num_missing: AtomicUsize::new(len),
            bits: (0..len.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
            len,
        }
    }

    #[inline]
    fn all(&self) -> bool {
        self.all.load(Ordering::Relaxed)
    }

    #[inline]
    fn has(&self, block: usize) -> bool {
        self.bits[block / 64].load(Ordering::Relaxed) >> (block % 64) & 1 == 1
    }

    pub(super) fn set(&self, block: usize) {
        let bit = 1 << (block % 64);
        let before = self.bits[block / 64].fetch_or(bit, Ordering::Relaxed);
        if before & bit == 0 && self.num_missing.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.all.store(true, Ordering::Relaxed);
        }
    }
}

/// A raw column: a slice of the file, every block checked before it is first seen.
#[derive(Clone, Debug)]
pub struct Column<T: Element> {
    container: Arc<Container>,
    blocks: Arc<Blocks>,
    /// Place in the container's directory; `usize::MAX` for a column that is not there.
    entry: usize,
    /// First byte of the values in the file.
    start: usize,
    len: usize,
    _type: PhantomData<T>,
}

impl<T: Element> Column<T> {
    const WIDTH: usize = size_of::<T>();

    pub(super) fn new(container: &Arc<Container>, entry: usize) -> Self {
        let (blocks, start, len) = container.raw_parts(entry);
        Column { container: Arc::clone(container), blocks, entry, start, len, _type: PhantomData }
    }

    /// A column without values, for one that a file may leave out.
    pub(super) fn empty(container: &Arc<Container>) -> Self {
        Column {
            container: Arc::clone(container),
            blocks: Arc::new(Blocks::new(0)),
            entry: usize::MAX,
            start: 0,
            len: 0,
            _type: PhantomData,
        }
    }

    /// Number of values.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no value.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One value.
    ///
    /// # Errors
    /// [`Error::Damaged`] if its block is not what was written, or there is no such value.
    #[inline]
    pub fn get(&self, index: usize) -> Result<T> {
        if self.blocks.all()
            && let Some(&[value]) = self.values(index, index.wrapping_add(1))
        {
            return Ok(value);
        }
        self.get_checked(index)
    }

    /// Asks for a value that will soon be read; one that is not there is not an error yet.
    #[inline]
    pub fn prefetch(&self, index: usize) {
        if let Some([value]) = self.values(index, index.wrapping_add(1)) {
            prefetch(value);
        }
    }

    /// A range of values.
    ///
    /// # Errors
    /// [`Error::Damaged`] if one of its blocks is not what was written, or the range is not within the column.
    #[inline]
    pub fn slice(&self, range: Range<usize>) -> Result<&[T]> {
        if self.blocks.all()
            && let Some(values) = self.values(range.start, range.end)
        {
            return Ok(values);
        }
        self.slice_checked(range)
    }

    /// All values; checks every block not yet seen, in parallel.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the first block that is not what was written.
    #[inline]
    pub fn all(&self) -> Result<&[T]> {
        if self.blocks.all()
            && let Some(values) = self.values(0, self.len)
        {
            return Ok(values);
        }
        self.all_checked()
    }

    /// The values `start..end`, checked or not; `None` if the column does not have them.
    #[inline]
    fn values(&self, start: usize, end: usize) -> Option<&[T]> {
        if start > end || end > self.len {
            return None;
        }
        let bytes = self.start + start * Self::WIDTH..self.start + end * Self::WIDTH;
        self.container.bytes().get(bytes).and_then(|bytes| <[T]>::ref_from_bytes(bytes).ok())
    }

    /// [`get`](Self::get) where not every block is known to be right, or there is no such value.
    #[inline(never)]
    fn get_checked(&self, index: usize) -> Result<T> {
        Ok(self.slice_checked(index..index.saturating_add(1))?[0])
    }

    /// [`slice`](Self::slice) where not every block is known to be right, or the range is not within the column.
    #[inline(never)]
    fn slice_checked(&self, range: Range<usize>) -> Result<&[T]> {
        let Some(values) = self.values(range.start, range.end) else {
            return Err(self.outside(range.start, range.end));
        };
        if !values.is_empty() {
            let (first, last) = (range.start * Self::WIDTH / BLOCK, (range.end * Self::WIDTH - 1) / BLOCK);
            (first..=last).try_for_each(|block| self.check_block(block))?;
        }
        Ok(values)
    }

    #[cold]
    #[inline(never)]
    fn all_checked(&self) -> Result<&[T]> {
        let first =
            (0..self.blocks.len).into_par_iter().find_map_first(|block| self.check_block(block).err());
        match (first, self.values(0, self.len)) {
            (Some(error), _) => Err(error),
            (None, Some(values)) => Ok(values),
            (None, None) => Err(self.outside(0, self.len)),
        }
    }

    #[inline]
    fn check_block(&self, block: usize) -> Result<()> {
        if self.blocks.has(block) { Ok(()) } else { self.hash_block(block) }
    }

    #[cold]
    #[inline(never)]
    fn hash_block(&self, block: usize) -> Result<()> {
        self.container.check_block(self.entry, block)?;
        self.blocks.set(block);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn outside(&self, start: usize, end: usize) -> Error {
        let detail = format!("values {start}..{end} were asked for, the column has {}", self.len);
        Error::damaged(self.container.path(), self.container.place(self.entry), detail)
    }
}

/// A column read value by value, stored raw or as one arithmetic sequence
/// `base + index × step` (a constant has step 0) that takes no space.
#[derive(Clone, Debug)]
pub struct Codes<T: Element> {
    values: Values<T>,
}

#[derive(Clone, Debug)]
enum Values<T: Element> {
    Raw(Column<T>),
    Sequence { base: u64, step: u64, len: usize, container: Arc<Container>, entry: usize },
}

impl<T: Element> Codes<T> {
    pub(super) fn raw_column(column: Column<T>) -> Self {
        Codes { values: Values::Raw(column) }
    }

    /// `entry` is the place in the directory; `usize::MAX` for a column that is not there.
    pub(super) fn sequence(
        container: &Arc<Container>,
        entry: usize,
        base: u64,
        step: u8,
        len: usize,
    ) -> Self {
        let container = Arc::clone(container);
        Codes { values: Values::Sequence { base, step: step.into(), len, container, entry } }
    }

    /// Number of values.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Raw(column) => column.len(),
            Values::Sequence { len, .. } => *len,
        }
    }

    /// Whether there is no value.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One value.
    ///
    /// # Errors
    /// As [`Column::get`].
    #[inline]
    pub fn get(&self, index: usize) -> Result<T> {
        match &self.values {
            Values::Raw(column) => column.get(index),
            // Opening made sure that no value of the sequence leaves the type.
            Values::Sequence { base, step, len, .. } if index < *len => {
                Ok(T::from_bits(base.wrapping_add((index as u64).wrapping_mul(*step))))
            }
            Values::Sequence { .. } => Err(self.outside(index)),
        }
    }

    /// The one value that all rows hold, if the column is stored as a constant.
    #[inline]
    pub fn constant(&self) -> Option<T> {
        match &self.values {
            Values::Sequence { base, step: 0, .. } => Some(T::from_bits(*base)),
            _ => None,
        }
    }

    /// First value and step, if the column is stored as a sequence.
    #[inline]
    pub fn as_sequence(&self) -> Option<(T, u64)> {
        match &self.values {
            Values::Sequence { base, step, .. } => Some((T::from_bits(*base), *step)),
            Values::Raw(_) => None,
        }
    }

    /// All values.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a block is.
    pub fn to_vec(&self) -> Result<Vec<T>> {
        match &self.values {
            Values::Raw(column) => Ok(column.all()?.to_vec()),
            Values::Sequence { len, .. } => (0..*len).map(|index| self.get(index)).collect(),
        }
    }

    /// The values of a range; borrowed if they are stored raw.
    ///
    /// # Errors
    /// As [`Column::slice`].
    pub fn part(&self, range: Range<usize>) -> Result<Cow<'_, [T]>> {
        match &self.values {
            Values::Raw(column) => column.slice(range).map(Cow::Borrowed),
            Values::Sequence { base, step, len, .. } if range.end <= *len => {
                let value = |at: usize| T::from_bits(base.wrapping_add((at as u64).wrapping_mul(*step)));
                Ok(range.map(value).collect())
            }
            Values::Sequence { .. } => Err(self.outside(range.end)),
        }
    }

    /// The values as a slice, if they are stored raw.
    #[inline]
    pub fn raw(&self) -> Option<&Column<T>> {
        match &self.values {
            Values::Raw(column) => Some(column),
            Values::Sequence { .. } => None,
        }
    }

    #[cold]
    #[inline(never)]
    fn outside(&self, index: usize) -> Error {
        let Values::Sequence { len, container, entry, .. } = &self.values else {
            return Error::Unproved("a raw column was asked as a sequence".to_string());
        };
        let detail = format!("value {index} was asked for, the column has {len}");
        Error::damaged(container.path(), container.place(*entry), detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_block_sets_the_flag_of_all() {
        let blocks = Blocks::new(130);
        assert!(!blocks.all());
        for block in (0..130).rev() {
            assert!(!blocks.has(block) && !blocks.all());
            blocks.set(block);
            blocks.set(block);
            assert!(blocks.has(block));
        }
        assert!(blocks.all());
        assert!(Blocks::new(0).all());
    }
}
