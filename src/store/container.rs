//! The container of every data file: header, columns, directory, block checksums, trailer.

use super::Io;
use super::column::{Codes, Column, Element};
use super::format::ColumnId;
use crate::error::Result;
use std::path::Path;
use std::sync::Arc;

/// An opened container file.
#[derive(Debug)]
pub struct Container {}

impl Container {
    /// Opens `path`, checking header, trailer, directory and block table, but no column block.
    pub fn open(path: &Path, io: Io) -> Result<Arc<Self>> {
        let _ = (path, io);
        todo!()
    }
    /// The column `id` as a raw slice; an error if it is absent or of another type.
    pub fn column<T: Element>(self: &Arc<Self>, id: ColumnId) -> Result<Column<T>> {
        let _ = id;
        todo!()
    }
    /// The column `id` as codes; an error if it is absent or of another type.
    pub fn codes<T: Element>(self: &Arc<Self>, id: ColumnId) -> Result<Codes<T>> {
        let _ = id;
        todo!()
    }
    /// Whether the file holds the column.
    pub fn has(&self, id: ColumnId) -> bool {
        let _ = id;
        todo!()
    }
}

/// Writes one container, column after column, to a temporary file in its final directory.
#[derive(Debug)]
pub struct ContainerWriter {}

impl ContainerWriter {
    /// Begins column `id`; the values follow by [`write`](Self::write).
    pub fn begin<T: Element>(&mut self, id: ColumnId) -> Result<()> {
        let _ = id;
        todo!()
    }
    /// Appends values to the column begun last.
    pub fn write<T: Element>(&mut self, values: &[T]) -> Result<()> {
        let _ = values;
        todo!()
    }
    /// Writes a whole column from one slice.
    pub fn column<T: Element>(&mut self, id: ColumnId, values: &[T]) -> Result<()> {
        self.begin::<T>(id)?;
        self.write(values)
    }
    /// Writes a whole codes column: as an arithmetic sequence where the values are one, else raw.
    pub fn codes<T: Element>(&mut self, id: ColumnId, values: &[T]) -> Result<()> {
        let _ = (id, values);
        todo!()
    }
    /// Writes a codes column that is `base + index × step`, without values.
    pub fn sequence<T: Element>(&mut self, id: ColumnId, base: T, step: u8, len: u64) -> Result<()> {
        let _ = (id, base, step, len);
        todo!()
    }
}
