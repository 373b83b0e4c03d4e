//! `ringfence suspicion`: who is like the known ones.

use super::Answer;
use super::args::{GraphArgs, counted};
use super::output::OutputArgs;
use super::projection::ProjectionArgs;
use ringfence::report::suspicion::{SuspicionQuestion, suspicion_report};
use ringfence::report::text::to_text;
use ringfence::{Result, Run};
use std::path::PathBuf;

/// Say of every account how like the known ones it is: guilt by association, over payments, shared identifiers or (--over) both.
/// Scores are an order for looking, no probabilities.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// CSV of account,belief: what is known, from -1 (honest) to 1 (fraudulent); without a column belief all are fraudulent.
    #[arg(long, value_name = "FILE")]
    seeds: PathBuf,
    /// How much an edge tells, as a part of the most with which beliefs are sure to settle; above 0, at most 0.9.
    #[arg(long, value_name = "S", default_value_t = SuspicionQuestion::STRENGTH)]
    strength: f64,
    /// Most iterations.
    #[arg(long, value_name = "N", default_value_t = SuspicionQuestion::ITERATIONS_MAX)]
    iterations_max: u32,
    #[command(flatten)]
    projection: ProjectionArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Accounts shown; all of them are in the output.
const ROWS: usize = 10;

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    args.output.check()?;
    let graph = args.graph.open()?;
    let question = SuspicionQuestion {
        seeds: args.seeds.clone().into(),
        strength: args.strength,
        iterations_max: args.iterations_max,
        identifiers: args.projection.identifiers(),
    };
    let projected = args.projection.project(&graph, run)?;
    let report = suspicion_report(&projected, &question, run)?;
    let said = &report.document;
    let ranking = report.table("suspicion").map_or(String::new(), |table| to_text(table, ROWS));
    let text = format!(
        "{}, {} after {}\nscores are an order for looking, no probabilities\n\n{ranking}\n",
        counted(&said["seeds"]["num_accounts"], "seed", "seeds"),
        if said["converged"] == true { "settled" } else { "not settled" },
        counted(&said["iterations"], "iteration", "iterations"),
    );
    args.output.write(report, &text, run)
}
