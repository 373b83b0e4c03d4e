//! `ringfence exposure`: how far every account is exposed to bad ones.

use super::Answer;
use super::args::{CsvArgs, GraphArgs, SinkArgs, WindowArgs, time};
use ringfence::report::exposure::{ExposureInputs, exposure_report};
use ringfence::report::files::{table_format, write_table};
use ringfence::report::output::check_new;
use ringfence::report::{Table, write_report};
use ringfence::trace::{ExposureOptions, Opening, Ties};
use ringfence::{Result, Run};
use serde_json::json;
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
    /// File to make with the amounts alone (.csv, .json or .parquet), or else a directory with exposure and contacts as
    /// .csv and .parquet, and ledger.json.
    #[arg(long, value_name = "PATH")]
    output: PathBuf,
    #[command(flatten)]
    csv: CsvArgs,
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    let as_file = args.output.extension().is_some();
    if as_file {
        table_format(&args.output).map(|_| ())?
    } else {
        check_new(&args.output)?
    }
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
    let mut report = exposure_report(&view, &inputs, &options, run)?;
    let rows = |name: &str| report.table(name).map_or(0, Table::num_rows);
    let output = args.output.display().to_string();
    let text = format!(
        "{} pools received money of {} sources, {} accounts were in contact, written to {output}\n\
         amounts follow the haircut rule: a scenario, not an entitlement\n",
        rows("exposure"),
        report.document["sources"]["num_sources"],
        rows("contacts"),
    );
    if as_file {
        write_table(report.tables.swap_remove(0).1, &args.output, args.csv.options(), run)?;
    } else {
        write_report(&report, &args.output, args.csv.options(), run)?;
    }
    Ok(Answer::new(text, json!({ "output": output, "ledger": report.document })))
}
