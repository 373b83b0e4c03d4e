//! Progress of a run, on standard error and only if that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

const KNOWN: &str = "{msg} [{bar:30}] {percent}% {human_pos}/{human_len} {eta}";
const UNKNOWN: &str = "{spinner} {msg} {human_pos} {elapsed}";

/// A progress bar that goes away when dropped.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar, if standard error is a terminal.
    pub fn on_terminal() -> Option<Self> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.enable_steady_tick(Duration::from_millis(200));
        Some(Bar(bar))
    }

    /// What a run reports to.
    pub fn listener(&self) -> impl Fn(&'static str, u64, u64) + Send + Sync + 'static {
        let bar = self.0.clone();
        let style = |template| {
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
        };
        let (known, unknown) = (style(KNOWN), style(UNKNOWN));
        move |stage, done, total| {
            if done == 0 {
                bar.set_style(if total > 0 { known.clone() } else { unknown.clone() });
                bar.set_message(stage);
                bar.set_length(total);
            }
            bar.set_position(done);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
