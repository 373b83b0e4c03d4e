//! `ringfence freeze`: where the money can still be held, and what waiting costs.

use super::Answer;
use super::args::{CsvArgs, GraphArgs, PoolArgs, SinkArgs, WindowArgs, counted, time};
use ringfence::report::freeze::freeze_report;
use ringfence::report::output::check_new;
use ringfence::report::question::TraceInputs;
use ringfence::report::text::{to_text, with_decimals};
use ringfence::report::write_report;
use ringfence::trace::{FreezeOptions, Policy, TraceOptions};
use ringfence::{Result, Run};
use serde_json::json;
use std::path::PathBuf;

/// List who holds the money of seeds at a moment, whose it is, and what waiting with a freeze costs.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// CSV of seeds, as `ringfence trace` takes it.
    #[arg(long, value_name = "FILE")]
    seeds: PathBuf,
    /// The moment: RFC 3339 or a date (midnight UTC); after every transaction of that time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: i64,
    /// Hours of delay to look at: each of 1 to this; 0 for none.
    #[arg(long, value_name = "HOURS", default_value_t = 72, value_parser = clap::value_parser!(u32).range(..=8760))]
    delays: u32,
    /// Which part of an account's money a payment takes. The plan rests on it: compare several before acting.
    #[arg(long, value_enum)]
    policy: Policy,
    #[command(flatten)]
    pools: PoolArgs,
    #[command(flatten)]
    window: WindowArgs,
    #[command(flatten)]
    sinks: SinkArgs,
    /// Least amount that is followed, in minor units (of --base where values are pooled).
    #[arg(long, value_name = "AMOUNT_MINOR", default_value_t = TraceOptions::default().dust)]
    dust: i64,
    /// Transactions after which money stays where it is.
    #[arg(long, value_name = "N")]
    max_hops: Option<u32>,
    /// Most flows of one trace before giving up; bounds memory, at some 40 bytes each.
    #[arg(long, value_name = "N", default_value_t = TraceOptions::default().flows_max)]
    flows_max: u64,
    /// Directory to make: holders, matrix, delays and later as .csv and .parquet, and ledger.json.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    csv: CsvArgs,
}

/// Holders shown; all of them are in the output.
const ROWS: usize = 10;

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    check_new(&args.output)?;
    let graph = args.graph.open()?;
    let view = args.window.view(&graph)?;
    let inputs = TraceInputs {
        seeds: args.seeds.clone().into(),
        pools: args.pools.inputs(),
        sinks: args.sinks.inputs(),
        paths_max: None,
    };
    let rules = TraceOptions {
        policy: args.policy,
        opening: args.pools.opening,
        ties: args.pools.ties,
        dust: args.dust,
        max_hops: args.max_hops,
        flows_max: args.flows_max,
        ..TraceOptions::default()
    };
    let options = FreezeOptions { at: args.at, delays_h: (1..=args.delays).collect() };
    let report = freeze_report(&view, &inputs, &rules, &options, run)?;
    write_report(&report, &args.output, args.csv.options(), run)?;
    let exponent = |code: &str| graph.find_currency(code).map(|id| graph.currency(id).exponent);
    let holders =
        report.table("holders").map_or(String::new(), |table| to_text(&with_decimals(table, exponent), ROWS));
    let output = args.output.display().to_string();
    let text = format!(
        "{} at {}, written to {output}\npolicy {}, opening {}: a scenario, not an entitlement\n\n{holders}",
        counted(&report.document["num_holders"], "holder", "holders"),
        report.document["at"].as_str().unwrap_or_default(),
        rules.policy.name(),
        rules.opening.name(),
    );
    Ok(Answer::new(text, json!({ "output": output, "ledger": report.document })))
}
