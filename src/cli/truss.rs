//! `ringfence truss`: which pairs hold together by triangles.

use super::Answer;
use super::args::{GraphArgs, counted};
use super::output::OutputArgs;
use super::projection::ProjectionArgs;
use ringfence::report::trusses::truss_report;
use ringfence::{Result, Run};

/// Say of every pair of neighbours in which truss it is, and whether it is a bridge.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// Least truss of a pair that is written; at 2 all are.
    #[arg(long, value_name = "K", default_value_t = 2)]
    truss_min: u32,
    #[command(flatten)]
    projection: ProjectionArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    args.output.check()?;
    let graph = args.graph.open()?;
    let projected = args.projection.project(&graph, run)?;
    let report = truss_report(&projected, args.truss_min, args.projection.identifiers(), run)?;
    let written = report.table("pairs").map_or(0, |pairs| pairs.num_rows() as u64);
    let text = format!(
        "{} of {}; the deepest truss is {}\n",
        written,
        counted(report.document["num_pairs"].as_u64().unwrap_or_default(), "pair", "pairs"),
        report.document["deepest"].as_u64().unwrap_or_default(),
    );
    args.output.write(report, &text, run)
}
