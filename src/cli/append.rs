//! `ringfence append`: more rows for a graph.

use super::Answer;
use super::args::size;
use super::ingest::TableArgs;
use ringfence::graph::build::{IngestOptions, append};
use ringfence::{Result, Run};
use std::path::PathBuf;

/// Add transactions, accounts and links to a graph, by the mapping that it was made with: its next generation, or nothing.
///
/// A file that the graph holds already is refused; a transaction whose key it has is skipped if it says the same. Whoever has the
/// graph open goes on reading the generation that was opened.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the graph.
    #[arg(value_name = "GRAPH")]
    graph: PathBuf,
    /// Files of transactions: CSV (plain, gzip, zstd) or Parquet.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    transactions: Vec<PathBuf>,
    #[command(flatten)]
    tables: TableArgs,
    /// Most memory to use, like 2G or 512M; at least 64M. New rows that do not fit beside the time partitions that they fall into are
    /// refused [default: half of the machine's memory]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<u64>,
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    let sources = args.tables.sources(&args.transactions);
    let options = IngestOptions { memory: args.memory, ..args.tables.options() };
    args.tables.answer(&args.graph, |log| append(&args.graph, sources, log, &options, run))
}
