//! Arguments that several verbs share.

use clap::Args;
use ringfence::graph::{Graph, View};
use ringfence::report::csv::CsvOptions;
use ringfence::store::Io;
use ringfence::units::Window;
use ringfence::units::time::parse_time;
use ringfence::{Error, Result};
use std::path::PathBuf;

/// The graph that a verb reads.
#[derive(Debug, Args)]
pub struct GraphArgs {
    /// Directory of the graph, made by `ringfence ingest`.
    #[arg(value_name = "GRAPH")]
    pub graph: PathBuf,
}

impl GraphArgs {
    /// Opens the graph.
    pub fn open(&self) -> Result<Graph> {
        Graph::open(&self.graph, Io::Mmap)
    }
}

/// The window of time that a verb looks at.
#[derive(Debug, Args)]
pub struct WindowArgs {
    /// First moment looked at: RFC 3339 or a date (midnight UTC); all of time if not given.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<i64>,
    /// First moment no longer looked at.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub to: Option<i64>,
}

impl WindowArgs {
    /// The window.
    pub fn window(&self) -> Result<Window> {
        let window = Window { from: self.from.unwrap_or(i64::MIN), to: self.to.unwrap_or(i64::MAX) };
        if window.from >= window.to {
            let value = format!("before --from, so that nothing lies between ({window:?})");
            return Err(Error::Option { name: "to", value, allowed: "later than --from" });
        }
        Ok(window)
    }

    /// The view of `graph` inside the window.
    pub fn view<'g>(&self, graph: &'g Graph) -> Result<View<'g>> {
        graph.window(self.window()?)
    }
}

/// How CSV is written.
#[derive(Debug, Args)]
pub struct CsvArgs {
    /// In CSV, put an apostrophe before texts that a spreadsheet would run as a formula. The keys are
    /// then no longer the keys: leave it off for files that programs read.
    #[arg(long)]
    pub guard_formulas: bool,
}

impl CsvArgs {
    /// The options.
    pub fn options(&self) -> CsvOptions {
        CsvOptions { guard_formulas: self.guard_formulas }
    }
}

/// A time on the command line.
pub fn time(text: &str) -> std::result::Result<i64, String> {
    parse_time(text)
        .ok_or_else(|| "write a time like 2024-05-01T12:00:00Z, or a date like 2024-05-01".to_string())
}
