//! `ringfence rank`: which accounts to look at next.

use super::Answer;
use super::args::{GraphArgs, WindowArgs, counted};
use super::output::OutputArgs;
use clap::ValueEnum;
use ringfence::report::rank::{RankMethod, rank_report};
use ringfence::report::text::to_text;
use ringfence::trace::rank::{Direction, PersonalizedOptions, TracingOptions, Weight};
use ringfence::{Result, Run};
use std::path::PathBuf;

/// Rank accounts by what they have to do with given ones. Scores are an order for looking, not money.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// CSV with a column account: where to begin.
    #[arg(long, value_name = "FILE")]
    accounts: PathBuf,
    /// How accounts are ranked.
    #[arg(long, value_enum)]
    method: Method,
    /// Along payments, or against them.
    #[arg(long, value_enum, default_value_t = Direction::default())]
    direction: Direction,
    /// pagerank: by what one payment is preferred to another.
    #[arg(long, value_enum, default_value_t = PersonalizedOptions::default().weight)]
    weight: Weight,
    #[command(flatten)]
    window: WindowArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Methods as the command line says them.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Method {
    /// Follows payments in time order.
    Ttr,
    /// Looks at payments without their times.
    Pagerank,
}

/// Accounts shown; all of them are in the output.
const ROWS: usize = 10;

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    args.output.check()?;
    let graph = args.graph.open()?;
    let view = args.window.view(&graph)?;
    let direction = args.direction;
    let method = match args.method {
        Method::Ttr => RankMethod::Tracing(TracingOptions { direction, ..TracingOptions::default() }),
        Method::Pagerank => RankMethod::Personalized(PersonalizedOptions {
            direction,
            weight: args.weight,
            ..PersonalizedOptions::default()
        }),
    };
    let report = rank_report(&view, &args.accounts.clone().into(), &method, run)?;
    let ranking = report.table("ranking").map_or(String::new(), |table| to_text(table, ROWS));
    let text = format!(
        "{} ranked\nscores are an order for looking, not money\n\n{ranking}",
        counted(&report.document["num_accounts"], "account", "accounts"),
    );
    args.output.write(report, &text, run)
}
