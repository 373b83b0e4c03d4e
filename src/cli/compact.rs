//! `ringfence compact`: another width of the files of a graph.

use super::Answer;
use super::ingest::PartitionArg;
use ringfence::graph::build::{CompactReport, compact};
use ringfence::{Result, Run};
use serde_json::json;
use std::path::PathBuf;

/// Cut a graph's time into files of another width: its next generation, with the same rows.
///
/// Memory is that of the largest new file while it is made. The files before stay until they are collected (`ringfence gc`). Where the
/// graph has the width already, nothing is done.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the graph.
    #[arg(value_name = "GRAPH")]
    graph: PathBuf,
    /// How time is cut into files of the graph.
    #[arg(long, value_enum)]
    partition: PartitionArg,
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    Ok(answer(args, &compact(&args.graph, args.partition.into(), run)?))
}

fn answer(args: &Args, report: &CompactReport) -> Answer {
    let manifest = &report.manifest;
    let [before, after] =
        [report.partition_before, manifest.schema.partition].map(|width| format!("{width:?}").to_lowercase());
    let bytes: u64 = manifest.segments.iter().map(|segment| segment.file.bytes).sum();
    let text = match report.published {
        true => format!(
            "{}: generation {}, partition {before} to {after}: {} segments of {} bytes, before {} of {}\n",
            args.graph.display(),
            manifest.generation,
            manifest.segments.len(),
            bytes,
            report.num_segments_before,
            report.bytes_before,
        ),
        false => format!(
            "{}: generation {} has the partition {after} already; nothing was done\n",
            args.graph.display(),
            manifest.generation,
        ),
    };
    let json = json!({
        "graph": args.graph.display().to_string(),
        "published": report.published,
        "generation": manifest.generation,
        "partition": after,
        "partition_before": before,
        "num_segments": manifest.segments.len(),
        "num_segments_before": report.num_segments_before,
        "bytes": bytes,
        "bytes_before": report.bytes_before,
    });
    Answer::new(text, json)
}
