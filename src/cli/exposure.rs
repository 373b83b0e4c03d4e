//! `ringfence exposure`: how far every account is exposed to bad ones.

use super::Answer;
use super::args::{GraphArgs, SinkArgs, WindowArgs, counted, time};
use super::output::OutputArgs;
use ringfence::report::Table;
use ringfence::report::exposure::{ExposureInputs, exposure_report};
use ringfence::trace::{ExposureOptions, Opening, Ties};
use ringfence::{Result, Run};
use std::path::PathBuf;

/// Screen the whole graph: what every account received, pro rata, of what bad accounts paid.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// CSV of bad accounts: account[,case][,from]; from is a time since when their payments count.
    #[arg(long, value_name = "FILE")]
    sources: PathBuf,
    /// What accounts hold before their first transaction.
    #[arg(long, value_enum, default_value_t = ExposureOptions::default().opening)]
    opening: Opening,
    /// CSV of balances: account,currency,amount[,time], for --opening given.
    #[arg(long, value_name = "FILE")]
    balances: Option<PathBuf>,
    /// Whether money can be received and paid on at one and the same time.
    #[arg(long, value_enum, default_value_t = ExposureOptions::default().ties)]
    ties: Ties,
    #[command(flatten)]
    window: WindowArgs,
    /// Last moment that counts: RFC 3339 or a date (midnight UTC).
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<i64>,
    #[command(flatten)]
    sinks: SinkArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    args.output.check()?;
    let graph = args.graph.open()?;
    let view = args.window.view(&graph)?;
    let inputs = ExposureInputs {
        sources: args.sources.clone().into(),
        balances: args.balances.clone().map(Into::into),
        sinks: args.sinks.inputs(),
    };
    let options = ExposureOptions {
        opening: args.opening,
        ties: args.ties,
        until: args.until,
        ..ExposureOptions::default()
    };
    let report = exposure_report(&view, &inputs, &options, run)?;
    let rows = |name: &str| report.table(name).map_or(0, Table::num_rows);
    let text = format!(
        "{} received money of {}, {} in contact\n\
         amounts follow the haircut rule: a scenario, not an entitlement\n",
        counted(rows("exposure"), "pool", "pools"),
        counted(&report.document["sources"]["num_sources"], "source", "sources"),
        counted(rows("contacts"), "account was", "accounts were"),
    );
    args.output.write(report, &text, run)
}
