//! A range cut into tasks for the threads.

use rayon::prelude::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use std::ops::Range;

/// `0..len` in ranges of `per_task`, the last one shorter.
pub(super) fn tasks(len: usize, per_task: usize) -> impl IndexedParallelIterator<Item = Range<usize>> {
    (0..len.div_ceil(per_task))
        .into_par_iter()
        .map(move |task| task * per_task..len.min((task + 1) * per_task))
}
