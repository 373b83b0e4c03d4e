//! `ringfence rank`: which accounts to look at next.

use super::Answer;
use super::args::{CsvArgs, GraphArgs, WindowArgs};
use clap::ValueEnum;
use ringfence::report::files::{table_format, write_table};
use ringfence::report::output::check_new;
use ringfence::report::rank::{RankMethod, rank_report};
use ringfence::report::text::to_text;
use ringfence::report::write_report;
use ringfence::trace::rank::{Direction, PersonalizedOptions, TracingOptions, Weight};
use ringfence::{Result, Run};
use serde_json::json;
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
    /// File to make (.csv, .json or .parquet), or else a directory with ranking as .csv and .parquet, and summary.json.
    #[arg(long, value_name = "PATH")]
    output: PathBuf,
    #[command(flatten)]
    csv: CsvArgs,
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
    let as_file = args.output.extension().is_some();
    if as_file {
        table_format(&args.output).map(|_| ())?
    } else {
        check_new(&args.output)?
    }
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
    let mut report = rank_report(&view, &args.accounts.clone().into(), &method, run)?;
    let ranking = report.table("ranking").map_or(String::new(), |table| to_text(table, ROWS));
    let output = args.output.display().to_string();
    let text = format!(
        "{} accounts ranked, written to {output}\nscores are an order for looking, not money\n\n{ranking}",
        report.document["num_accounts"],
    );
    if as_file {
        write_table(report.tables.swap_remove(0).1, &args.output, args.csv.options(), run)?;
    } else {
        write_report(&report, &args.output, args.csv.options(), run)?;
    }
    Ok(Answer::new(text, json!({ "output": output, "summary": report.document })))
}
