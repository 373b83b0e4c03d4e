//! A small language for shapes of laundering: data that says what to look for, and a search that finds it.
mod check;
mod lexer;
mod parse;
mod query;
pub use query::Query;
