//! Counts the events of a trace, and asks now and then whether to stop.

use crate::error::Result;
use crate::run::Run;

/// Events between two looks at the run: some 0.1 ms.
const EVENTS_PER_CHECK: u64 = 4096;

/// The events of one kernel.
#[derive(Debug)]
pub(in crate::trace) struct Meter<'a> {
    run: &'a Run,
    events: u64,
}

impl<'a> Meter<'a> {
    pub(in crate::trace) fn new(run: &'a Run) -> Self {
        Meter { run, events: 0 }
    }

    /// Counts one transaction looked at.
    #[inline]
    pub(in crate::trace) fn event(&mut self) -> Result<()> {
        self.events += 1;
        if self.events.is_multiple_of(EVENTS_PER_CHECK) {
            self.run.advance(EVENTS_PER_CHECK);
            self.run.check()?;
        }
        Ok(())
    }

    /// Reports what was not yet reported, and returns all events counted.
    pub(in crate::trace) fn finish(self) -> u64 {
        self.run.advance(self.events % EVENTS_PER_CHECK);
        self.events
    }
}
