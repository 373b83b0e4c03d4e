//! Columns of a container, seen as typed slices, checked block by block on first touch.

use crate::error::Result;
use std::marker::PhantomData;
use std::ops::Range;

/// A fixed-width little-endian value that a column may hold: `u8`, `u16`, `u32`, `u64`, `i64`.
pub trait Element: Copy + Send + Sync + 'static + PartialEq + std::fmt::Debug {}

impl Element for u8 {}
impl Element for u16 {}
impl Element for u32 {}
impl Element for u64 {}
impl Element for i64 {}

/// A raw column: a slice of the file, every block checked before it is first seen.
#[derive(Clone, Debug)]
pub struct Column<T: Element> {
    _type: PhantomData<T>,
}

impl<T: Element> Column<T> {
    /// Number of values.
    pub fn len(&self) -> usize {
        todo!()
    }
    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// One value.
    #[inline]
    pub fn get(&self, index: usize) -> Result<T> {
        let _ = index;
        todo!()
    }
    /// A range of values.
    #[inline]
    pub fn slice(&self, range: Range<usize>) -> Result<&[T]> {
        let _ = range;
        todo!()
    }
    /// All values; checks every block not yet seen, in parallel.
    pub fn all(&self) -> Result<&[T]> {
        todo!()
    }
}

/// A column read value by value, stored raw or as one arithmetic sequence
/// `base + index × step` (a constant has step 0) that takes no space.
#[derive(Clone, Debug)]
pub struct Codes<T: Element> {
    _type: PhantomData<T>,
}

impl<T: Element> Codes<T> {
    /// Number of values.
    pub fn len(&self) -> usize {
        todo!()
    }
    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// One value.
    #[inline]
    pub fn get(&self, index: usize) -> Result<T> {
        let _ = index;
        todo!()
    }
    /// The one value that all rows hold, if the column is stored as a constant.
    pub fn constant(&self) -> Option<T> {
        todo!()
    }
    /// The values as a slice, if they are stored raw.
    pub fn raw(&self) -> Option<&Column<T>> {
        todo!()
    }
}
