//! `ringfence bound`: the most that can have arrived, whatever the rule.

use super::Answer;
use super::args::{CsvArgs, GraphArgs, WindowArgs, counted, time};
use ringfence::report::bound::{BoundInputs, bound_report};
use ringfence::report::output::check_new;
use ringfence::report::text::{to_text, with_decimals};
use ringfence::report::write_report;
use ringfence::trace::Ties;
use ringfence::trace::bound::BoundOptions;
use ringfence::units::time::SECOND_US;
use ringfence::{Result, Run};
use serde_json::json;
use std::path::PathBuf;

/// Bound from above how much of the money of seeds accounts can have received, whatever the policy.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// CSV of seeds, as `ringfence trace` takes it; a balance needs an amount. Each seed is asked about alone.
    #[arg(long, value_name = "FILE")]
    seeds: PathBuf,
    /// CSV with a column account: the accounts to ask about.
    #[arg(long, value_name = "FILE")]
    targets: PathBuf,
    /// CSV of balances: account,currency,amount[,time]; no more money can have waited in an account than they say.
    #[arg(long, value_name = "FILE")]
    balances: Option<PathBuf>,
    /// Whether money can be received and paid on at one and the same time.
    #[arg(long, value_enum, default_value_t = BoundOptions::default().ties)]
    ties: Ties,
    #[command(flatten)]
    window: WindowArgs,
    /// Last moment that counts: RFC 3339 or a date (midnight UTC).
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<i64>,
    /// Longest time from a seed to a transaction that counts, in seconds.
    #[arg(long, value_name = "SECONDS")]
    span_s: Option<u32>,
    /// List the N widest paths from each seed to each target: single ways whose smallest payment is largest.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    widest: Option<u32>,
    /// Most transactions looked at for one bound; more is an error, never a smaller answer.
    #[arg(long, value_name = "N")]
    events_max: Option<u64>,
    /// Directory to make: bounds, cut (what caps each), paths and widest as .csv and .parquet, and summary.json.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    csv: CsvArgs,
}

/// Bounds shown; all of them are in the output.
const ROWS: usize = 10;

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    check_new(&args.output)?;
    let graph = args.graph.open()?;
    let view = args.window.view(&graph)?;
    let options = BoundOptions {
        until: args.until,
        span_us: args.span_s.map(|span| i64::from(span) * SECOND_US),
        ties: args.ties,
        events_max: args.events_max,
        ..BoundOptions::default()
    };
    let inputs = BoundInputs {
        seeds: args.seeds.clone().into(),
        targets: args.targets.clone().into(),
        balances: args.balances.clone().map(Into::into),
        widest: args.widest,
    };
    let report = bound_report(&view, &inputs, &options, run)?;
    write_report(&report, &args.output, args.csv.options(), run)?;
    let exponent = |code: &str| graph.find_currency(code).map(|id| graph.currency(id).exponent);
    let bounds =
        report.table("bounds").map_or(String::new(), |table| to_text(&with_decimals(table, exponent), ROWS));
    let output = args.output.display().to_string();
    let text = format!(
        "{}, {} above 0, written to {output}\nupper bounds whatever the rule: that much can have arrived, not that it did\n\n{bounds}",
        counted(&report.document["num_bounds"], "bound", "bounds"),
        report.document["num_reached"],
    );
    Ok(Answer::new(text, json!({ "output": output, "summary": report.document })))
}
