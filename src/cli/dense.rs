//! `ringfence dense`: sets of accounts that are too close together.

use super::Answer;
use super::args::GraphArgs;
use super::output::OutputArgs;
use super::projection::ProjectionArgs;
use clap::ValueEnum;
use ringfence::community::{DensestOptions, FraudarOptions};
use ringfence::report::structure::{DenseMethod, dense_report};
use ringfence::report::text::to_text;
use ringfence::{Result, Run};

/// Find sets of accounts that are too close together.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// How they are found.
    #[arg(long, value_enum, default_value_t = Method::Densest)]
    method: Method,
    /// densest: most rounds of peeling; with 1 the set is at least half as dense as the densest, more come closer.
    #[arg(long, value_name = "N", default_value_t = DensestOptions::default().rounds_max)]
    rounds_max: u32,
    /// fraudar: most blocks.
    #[arg(long, value_name = "N", default_value_t = FraudarOptions::default().blocks_max)]
    blocks_max: u32,
    /// fraudar: let payments count as often as their weight says, not once for each pair.
    #[arg(long)]
    weighted: bool,
    #[command(flatten)]
    projection: ProjectionArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Methods as the command line says them.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Method {
    /// The densest set of accounts, by rounds of peeling.
    Densest,
    /// Blocks of payers and payees; popular payees count less, so that camouflage does not help.
    Fraudar,
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    args.output.check()?;
    let graph = args.graph.open()?;
    let method = match args.method {
        Method::Densest => DenseMethod::Densest(DensestOptions { rounds_max: args.rounds_max }),
        Method::Fraudar => {
            DenseMethod::Fraudar(FraudarOptions { blocks_max: args.blocks_max, weighted: args.weighted })
        }
    };
    let projected = args.projection.project(&graph, run)?;
    let report = dense_report(&projected, method, args.projection.identifiers(), run)?;
    let scores = report.table("scores").map(|scores| to_text(scores, scores.num_rows()));
    let text = format!("{}\n", scores.unwrap_or_default());
    args.output.write(report, &text, run)
}
