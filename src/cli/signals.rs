//! Ctrl-C and SIGTERM: the first cancels the run, the second ends the program at once.

use super::exit::{INTERRUPTED, TERMINATED};
use ringfence::Run;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

static CAUGHT: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// Cancels `run` on the first signal; a second one ends the program, which may leave a `.partial` behind.
pub fn cancel_on_signal(run: &Run) -> io::Result<()> {
    let caught = CAUGHT.get_or_init(Arc::default);
    let armed = Arc::new(AtomicBool::new(false));
    for (signal, code) in [(SIGINT, INTERRUPTED), (SIGTERM, TERMINATED)] {
        // In this order: the shutdown looks at the flag before this very signal sets it.
        flag::register_conditional_shutdown(signal, i32::from(code), Arc::clone(&armed))?;
        flag::register(signal, Arc::clone(&armed))?;
        flag::register_usize(signal, Arc::clone(caught), usize::from(code))?;
        flag::register(signal, run.cancel_flag())?;
    }
    Ok(())
}

/// The exit code of the last signal caught, if there was one.
pub fn caught() -> Option<u8> {
    let code = CAUGHT.get()?.load(Ordering::SeqCst);
    u8::try_from(code).ok().filter(|&code| code > 0)
}
