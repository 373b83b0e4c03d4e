//! What every long call is given: cancellation, a deadline, progress, threads.
//!
//! A kernel calls [`Run::check`] once per task and [`Run::advance`] when a task
//! is done; it never looks at a clock. The answer of a kernel does not depend on
//! the number of threads, so the pool is only carried here, not asked about.

use crate::error::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Receives progress: the stage's name, units done, units in all (0 if unknown).
pub type Progress = dyn Fn(&'static str, u64, u64) + Send + Sync;

/// The circumstances of one long call. Cheap to clone; clones share one state.
#[derive(Clone, Default)]
pub struct Run {
    cancel: Arc<AtomicBool>,
    deadline: Option<Instant>,
    progress: Option<Arc<Progress>>,
    stage: Arc<Stage>,
    pool: Option<Arc<rayon::ThreadPool>>,
}

#[derive(Default)]
struct Stage {
    name: std::sync::Mutex<&'static str>,
    done: AtomicU64,
    total: AtomicU64,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("cancelled", &self.cancel)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl Run {
    /// A run with no deadline, no listener, and as many threads as the machine has.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses `threads` threads (at least 1) for everything inside [`Run::install`].
    ///
    /// # Errors
    /// [`Error::Option`] for 0 or more than 1,024 threads.
    pub fn threads(mut self, threads: usize) -> Result<Self> {
        let refuse = || Error::Option { name: "threads", value: threads.to_string(), allowed: "1 to 1024" };
        if !(1..=1024).contains(&threads) {
            return Err(refuse());
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|_| refuse())?;
        self.pool = Some(Arc::new(pool));
        Ok(self)
    }

    /// Ends with [`Error::Deadline`] once `deadline` has passed.
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Reports progress to `listener`, from any thread.
    pub fn progress(mut self, listener: impl Fn(&'static str, u64, u64) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(listener));
        self
    }

    /// The flag that cancels this run when set; for signal handlers and other threads.
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancel)
    }

    /// Runs `work` on this run's threads: on one of them, so that its parallel steps need not be handed over, one after the other, by a
    /// thread that waits outside.
    pub fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => rayon::scope(|_| work()),
        }
    }

    /// [`Error::Cancelled`] or [`Error::Deadline`] if this run must stop, else nothing.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(Error::Deadline),
            _ => Ok(()),
        }
    }

    /// Begins a stage of `total` units (0 if unknown).
    pub fn stage(&self, name: &'static str, total: u64) {
        if let Ok(mut current) = self.stage.name.lock() {
            *current = name;
        }
        self.stage.done.store(0, Ordering::Relaxed);
        self.stage.total.store(total, Ordering::Relaxed);
        self.report(0);
    }

    /// Adds `units` to what is done in the current stage.
    pub fn advance(&self, units: u64) {
        let done = self.stage.done.fetch_add(units, Ordering::Relaxed) + units;
        self.report(done);
    }

    fn report(&self, done: u64) {
        if let Some(listener) = &self.progress {
            let name = self.stage.name.lock().map_or("", |name| *name);
            listener(name, done, self.stage.total.load(Ordering::Relaxed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_run_says_so_in_every_clone() {
        let run = Run::new();
        let clone = run.clone();
        assert!(clone.check().is_ok());
        run.cancel_flag().store(true, Ordering::Relaxed);
        assert!(matches!(clone.check(), Err(Error::Cancelled)));
    }

    #[test]
    fn a_passed_deadline_is_an_error() {
        let run = Run::new().deadline(Instant::now());
        assert!(matches!(run.check(), Err(Error::Deadline)));
    }

    #[test]
    fn thread_counts_outside_the_range_are_refused() {
        assert!(matches!(Run::new().threads(0), Err(Error::Option { name: "threads", .. })));
        assert_eq!(Run::new().threads(3).unwrap().install(rayon::current_num_threads), 3);
    }
}
