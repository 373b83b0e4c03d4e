//! How answers look outside: named columns, and files of them.

pub mod table;

pub use table::{Table, Values};
