//! Who matters in a graph, by where its edges lead.
//!
//! [`degrees`] looks at neighbours alone, [`pagerank()`] and [`hits()`] at theirs in turn, [`betweenness()`] at the shortest ways
//! between others. Directed graphs are given by their out rows and their in rows, undirected ones by the same rows twice.
//!
//! Scores are sums of floats. They are taken in an order that only the graph decides: the result is the same for any
//! number of threads, byte by byte.

pub mod betweenness;
pub mod degree;
pub mod hits;
pub mod pagerank;
mod pull;

pub use betweenness::{Betweenness, BetweennessOptions, betweenness};
pub use degree::{Degrees, degrees};
pub use hits::{Hits, HitsOptions, hits};
pub use pagerank::{PageRank, PageRankOptions, pagerank};

use crate::error::{Error, Result};
use crate::graph::project::Rows;

/// Refuses a number that does not fit.
fn check(name: &'static str, value: f64, allowed: &'static str, fits: bool) -> Result<()> {
    if fits { Ok(()) } else { Err(Error::Option { name, value: value.to_string(), allowed }) }
}

/// Refuses out rows and in rows that cannot be those of one graph.
fn check_sides(out: &Rows, incoming: &Rows) -> Result<()> {
    let sizes = |rows: &Rows| (rows.num_nodes(), rows.num_entries());
    if sizes(out) == sizes(incoming) {
        return Ok(());
    }
    let problem =
        format!("have {:?} nodes and entries, in rows {:?}; transpose them", sizes(out), sizes(incoming));
    Err(Error::input("out rows", problem))
}
