//! How answers look outside: named columns, and files of them.

#[cfg(feature = "arrow")]
pub mod arrow;
pub mod csv;
pub mod json;
pub mod output;
#[cfg(feature = "arrow")]
pub mod parquet;
pub mod table;
pub mod text;

pub use table::{Cell, Table, Values};
