//! `ringfence verify`: is the graph what was written?

use super::Answer;
use super::args::GraphArgs;
use ringfence::store::verify::verify_generation;
use ringfence::{Result, Run};
use serde_json::json;

/// Check a graph: every file is there, whole and unchanged; with --full also every byte and every rule.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// Check every checksum, every block and every rule of the columns, not only the frames of the files.
    #[arg(long)]
    full: bool,
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    let found = verify_generation(&args.graph.graph, args.graph.generation, args.full, run)?;
    let how =
        if args.full { "every byte and every rule" } else { "lengths and frames; --full checks every byte" };
    let text = format!(
        "{}: generation {} is sound: {} files, {} bytes ({how})\n",
        args.graph.graph.display(),
        found.generation,
        found.num_files,
        found.bytes
    );
    let json = json!({
        "graph": args.graph.graph.display().to_string(),
        "generation": found.generation,
        "num_files": found.num_files,
        "bytes": found.bytes,
        "full": args.full,
    });
    Ok(Answer::new(text, json))
}
