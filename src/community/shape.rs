//! Whether rows are of the shape that a kernel asks for.
//!
//! The tests are O(1): they find rows of different graphs, not every wrong row.

use crate::error::{Error, Result};
use crate::graph::project::Rows;

/// Refuses rows that cannot be the transposes of each other; `backward` has `num_nodes` rows.
pub(super) fn transposes(what: &str, forward: &Rows, backward: &Rows, num_nodes: usize) -> Result<()> {
    let same_weights =
        std::mem::discriminant(forward.weights()) == std::mem::discriminant(backward.weights());
    if backward.num_nodes() == num_nodes && forward.num_entries() == backward.num_entries() && same_weights {
        return Ok(());
    }
    let problem = format!(
        "the rows of the two directions are of different graphs: {} nodes with {} entries, {} nodes with {} entries",
        forward.num_nodes(),
        forward.num_entries(),
        backward.num_nodes(),
        backward.num_entries()
    );
    Err(Error::input(what, problem))
}
