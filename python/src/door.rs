//! The one door through which every long call leaves Python.
//!
//! # Method
//! The calling thread detaches from the interpreter, so that other Python
//! threads go on, and hands the work to a thread of its own. It then waits for
//! notices, and wakes every [`POLL`] at the latest to run pending signal
//! handlers (Ctrl-C) and to pass progress on. An exception, from a handler or from the
//! progress callback, sets the run's cancel flag; the work ends with an error
//! at its next check, and the exception comes out unchanged.
//!
//! # Choices
//! The start of a stage is told before the stage begins, and the work waits for
//! the callback: an exception there stops the work before that stage does
//! anything. Progress within a stage is told at every [`POLL`], the last of it at the end.
//! The callback is only ever called on the calling thread.
//!
//! # Limitations
//! Python delivers signals to the main thread only, so Ctrl-C stops calls made there. A process forked from one
//! that has worked is refused with a reason, because the threads of the parent are not in it.

use crate::errors::to_python;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use ringfence::{Result, Run};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

/// Longest time that a signal or progress within a stage waits.
const POLL: Duration = Duration::from_millis(50);

/// What a caller of a long call may ask for beside its options.
#[derive(Default)]
pub(crate) struct Circumstances {
    threads: Option<usize>,
    progress: Option<Py<PyAny>>,
}

impl Circumstances {
    /// `threads` as the library understands it; `progress` must be callable.
    pub(crate) fn new(threads: Option<usize>, progress: Option<Bound<'_, PyAny>>) -> PyResult<Self> {
        match progress {
            Some(other) if !other.is_callable() => {
                let kind = other.get_type().name()?;
                Err(PyTypeError::new_err(format!(
                    "progress must be callable as progress(stage, done, total), not {kind}"
                )))
            }
            progress => Ok(Self { threads, progress: progress.map(Bound::unbind) }),
        }
    }
}

/// Runs `work` off the interpreter and returns its result, or its error as a Python exception.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    circumstances: Circumstances,
    work: impl FnOnce(&Run) -> Result<T> + Send,
) -> PyResult<T> {
    refuse_after_fork()?;
    let Circumstances { threads, progress } = circumstances;
    let mut run = Run::new();
    if let Some(threads) = threads {
        run = run.threads(threads).map_err(|error| to_python(py, error))?;
    }
    let (sender, notices) = channel();
    let moved = Arc::new(Mutex::new(None));
    if progress.is_some() {
        run = run.progress(listener(sender.clone(), Arc::clone(&moved)));
    }
    let waiter = Waiter { cancel: run.cancel_flag(), progress, moved, raised: None };
    let (result, raised) = py.detach(move || {
        thread::scope(|scope| {
            let worker = scope.spawn(move || {
                let _ending = Ending(sender);
                run.install(|| work(&run))
            });
            let raised = waiter.wait(notices);
            (worker.join(), raised)
        })
    });
    match (result, raised) {
        // A panic is a bug of ours; pyo3 shows it as a PanicException.
        (Err(panic), _) => std::panic::resume_unwind(panic),
        (Ok(_), Some(raised)) => Err(raised),
        (Ok(result), None) => result.map_err(|error| to_python(py, error)),
    }
}

/// Threads do not survive `os.fork`: work in the child would wait for them for ever.
fn refuse_after_fork() -> PyResult<()> {
    static WORKED_IN: OnceLock<u32> = OnceLock::new();
    let process = std::process::id();
    match *WORKED_IN.get_or_init(|| process) == process {
        true => Ok(()),
        false => Err(PyRuntimeError::new_err(
            "this process was forked from one that had used ringfence, whose threads are gone; \
             start processes with \"spawn\" or \"forkserver\" (multiprocessing.set_start_method)",
        )),
    }
}

/// Progress as the callback gets it.
#[derive(Clone, Copy)]
struct Event {
    stage: &'static str,
    done: u64,
    total: u64,
}

/// What the worker sends to the waiting thread.
enum Notice {
    /// A stage is about to begin; the worker goes on when the sender is dropped.
    Stage(Event, #[allow(dead_code)] Sender<()>),
    /// The work has ended, well or not.
    Ended,
}

/// Says that the work has ended, also when it panics.
struct Ending(Sender<Notice>);

impl Drop for Ending {
    fn drop(&mut self) {
        // A waiting thread that is gone needs no notice.
        let _ = self.0.send(Notice::Ended);
    }
}

/// Hears progress from any thread of the work.
fn listener(
    sender: Sender<Notice>,
    moved: Arc<Mutex<Option<Event>>>,
) -> impl Fn(&'static str, u64, u64) + Send + Sync + 'static {
    move |stage, done, total| {
        let event = Event { stage, done, total };
        if done > 0 {
            if let Ok(mut moved) = moved.lock() {
                *moved = Some(event);
            }
            return;
        }
        let (heard, wait) = channel();
        if sender.send(Notice::Stage(event, heard)).is_ok() {
            // Nothing is ever sent: it returns when the other end is dropped.
            let _ = wait.recv();
        }
    }
}

/// The calling thread's part.
struct Waiter {
    cancel: Arc<AtomicBool>,
    progress: Option<Py<PyAny>>,
    /// Latest progress within a stage that was not told yet.
    moved: Arc<Mutex<Option<Event>>>,
    raised: Option<PyErr>,
}

impl Waiter {
    /// Waits for the end; returns the first exception that a handler or the callback raised.
    fn wait(mut self, notices: Receiver<Notice>) -> Option<PyErr> {
        loop {
            let (stage, ended) = match notices.recv_timeout(POLL) {
                Ok(Notice::Stage(event, heard)) => (Some((event, heard)), false),
                Err(RecvTimeoutError::Timeout) => (None, false),
                Ok(Notice::Ended) | Err(RecvTimeoutError::Disconnected) => (None, true),
            };
            if self.raised.is_none() {
                let before = self.moved.lock().ok().and_then(|mut moved| moved.take());
                let events = [before, stage.as_ref().map(|(event, _)| *event)];
                if let Err(raised) = Python::attach(|py| self.tell(py, events)) {
                    self.cancel.store(true, Ordering::Relaxed);
                    self.raised = Some(raised);
                }
            }
            if ended {
                return self.raised;
            }
        }
    }

    /// Runs pending signal handlers, then tells `events`.
    fn tell(&self, py: Python<'_>, events: [Option<Event>; 2]) -> PyResult<()> {
        py.check_signals()?;
        if let Some(progress) = &self.progress {
            for event in events.into_iter().flatten() {
                progress.call1(py, (event.stage, event.done, event.total))?;
            }
        }
        Ok(())
    }
}
