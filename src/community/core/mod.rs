//! Cores: what is left when everyone with too few ties has gone.
//!
//! A core is the largest set of nodes in which each has at least so much inside the set. One file per meaning of
//! "so much": neighbours ([`cores`]), weight ([`strength_cores`]), payers and payees ([`directed_core`],
//! [`directed_core_levels`]), and a number for each side of a bipartite graph ([`bipartite_core`],
//! [`bipartite_core_levels`]). Each is unique, so that no order of removal can change it.

mod bipartite;
mod coreness;
mod directed;
mod strength;

pub use bipartite::{BipartiteCore, BipartiteLevels, bipartite_core, bipartite_core_levels};
pub use coreness::{Cores, cores};
pub use directed::{directed_core, directed_core_levels};
pub use strength::strength_cores;

/// Removals between two looks at whether the run was cancelled.
const REMOVALS_PER_CHECK: u64 = 1 << 14;

/// Tells `run` of one removal more; `removed` counts them.
fn count(removed: &mut u64, run: &crate::run::Run) -> crate::error::Result<()> {
    *removed += 1;
    if removed.is_multiple_of(REMOVALS_PER_CHECK) {
        run.check()?;
        run.advance(REMOVALS_PER_CHECK);
    }
    Ok(())
}
