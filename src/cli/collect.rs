//! `ringfence gc`: removes generations that nobody keeps.

use super::Answer;
use super::args::counted;
use ringfence::report::{self, text::escape};
use ringfence::store::collect::{CollectOptions, Collected, collect, collect_dry};
use ringfence::{Result, Run};
use std::path::PathBuf;
use std::time::SystemTime;

/// Remove generations that are no longer needed, and what killed writers left.
///
/// Kept are the live generation, the newest, the young, those that a living process holds, and those asked for. Files
/// that bear no name of ours are never removed. Whoever has a generation open keeps it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the graph.
    #[arg(value_name = "GRAPH")]
    graph: PathBuf,
    /// Newest generations kept, the live one included; at least 1.
    #[arg(long, value_name = "N", default_value_t = CollectOptions::default().keep)]
    keep: u32,
    /// Generations younger than this are kept, in hours.
    #[arg(long, value_name = "H", default_value_t = CollectOptions::default().keep_hours)]
    keep_hours: u32,
    /// A generation that is kept all the same; may be repeated.
    #[arg(long = "keep-generation", value_name = "N")]
    also: Vec<u64>,
    /// Say what would go, and remove nothing.
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    let options = CollectOptions { keep: args.keep, keep_hours: args.keep_hours, also: args.also.clone() };
    #[allow(clippy::disallowed_methods)] // A door: it hands the time in.
    let now = SystemTime::now();
    let done = if args.dry_run {
        collect_dry(&args.graph, &options, now)?
    } else {
        collect(&args.graph, &options, now, run)?
    };
    let mut json = report::store::collected(&done, args.dry_run);
    json["graph"] = args.graph.display().to_string().into();
    Ok(Answer::new(text(args, &done), json))
}

fn text(args: &Args, done: &Collected) -> String {
    let mut out = String::new();
    for (generation, reasons) in &done.kept {
        let reasons: Vec<&str> = reasons.iter().map(|reason| reason.name()).collect();
        out += &format!("kept     generation {generation} ({})\n", reasons.join(", "));
    }
    let verb = if args.dry_run { "would go" } else { "removed " };
    for generation in &done.gone {
        out += &format!("{verb} generation {generation}\n");
    }
    let leftovers = done.removals.iter().filter(|each| each.leftover).count();
    out += &format!(
        "{verb} {}, {} bytes, {leftovers} of them left by killed programs\n",
        counted(done.removals.len(), "file", "files"),
        done.bytes()
    );
    if !done.others.is_empty() {
        out += &format!("left     {} that are not ours: ", counted(done.others.len(), "name", "names"));
        let shown: Vec<String> = done.others.iter().take(5).map(|name| escape(name).to_string()).collect();
        out += &format!("{}{}\n", shown.join(", "), if done.others.len() > 5 { ", …" } else { "" });
    }
    if let Some(writer) = &done.writer {
        out += &format!("a writer is at work ({}); what it wrote is left out\n", escape(writer));
    }
    out
}
