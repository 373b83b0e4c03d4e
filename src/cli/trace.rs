//! `ringfence trace`: where the money went.

use super::Answer;
use super::args::{CsvArgs, GraphArgs, time};
use ringfence::graph::Graph;
use ringfence::report::ledger::{ledger, write_trace};
use ringfence::report::output::check_new;
use ringfence::report::seeds::{Seeds, read_accounts, read_seeds};
use ringfence::report::text::{to_text, with_decimals};
use ringfence::report::trace::trace_tables;
use ringfence::report::{Table, Values};
use ringfence::trace::{Opening, Policy, Ties, Trace, TraceOptions, downstream};
use ringfence::{Result, Run};
use serde_json::json;
use std::path::PathBuf;

/// Follow money downstream from seeds under a stated policy; every unit is accounted for.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// CSV of seeds: case,transaction[,amount] or case,account,currency,time,amount; with both kinds of rows a column
    /// kind says transaction or deposit. amount is decimal; amount_minor counts minor units.
    #[arg(long, value_name = "FILE")]
    seeds: PathBuf,
    /// Which part of an account's money a payment takes.
    #[arg(long, value_enum)]
    policy: Policy,
    /// What accounts hold before their first transaction.
    #[arg(long, value_enum, default_value_t = TraceOptions::default().opening)]
    opening: Opening,
    /// Whether money can be received and paid on at one and the same time.
    #[arg(long, value_enum, default_value_t = TraceOptions::default().ties)]
    ties: Ties,
    /// Last moment of the trace: RFC 3339 or a date (midnight UTC). Transactions after it do not happen.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<i64>,
    /// CSV with a column account: accounts where the money stays for good.
    #[arg(long, value_name = "FILE")]
    sinks: Option<PathBuf>,
    /// Trace each case as if it were the only one; otherwise cases share the accounts' money.
    #[arg(long)]
    separate_cases: bool,
    /// Directory to make: flows, holdings and sinks as .csv and .parquet, and ledger.json.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    csv: CsvArgs,
}

/// Holdings shown; all of them are in the output.
const ROWS: usize = 10;

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    check_new(&args.output)?;
    let graph = args.graph.open()?;
    let seeds = read_seeds(&graph, &args.seeds)?;
    let sinks =
        args.sinks.as_deref().map(|path| read_accounts(&graph, path)).transpose()?.unwrap_or_default();
    let options = TraceOptions {
        policy: args.policy,
        opening: args.opening,
        ties: args.ties,
        until: args.until,
        sinks,
        joint: !args.separate_cases,
        ..TraceOptions::default()
    };
    let (view, num_cases) = (graph.view(), seeds.cases.len() as u32);
    let trace =
        downstream(&view, num_cases, &seeds.seeds, &options, run).map_err(|error| seeds.locate(error))?;
    let tables = trace_tables(&graph, &trace, &seeds.cases, run)?;
    let ledger = ledger(&view, &seeds, &options, &trace)?;
    write_trace(&tables, &ledger, &args.output, args.csv.options(), run)?;

    let exponent = |code: &str| graph.find_currency(code).map(|id| graph.currency(id).exponent);
    let holdings = to_text(&with_decimals(&tables.holdings, exponent), ROWS);
    let books = to_text(&with_decimals(&books(&graph, &seeds, &trace), exponent), ROWS);
    let text = format!(
        "{} flows and {} holdings of {} cases, written to {}\npolicy {}, opening {}: a scenario, not an entitlement\n\n\
         books\n{books}\nwhere the money is\n{holdings}",
        trace.flows.len(),
        trace.holdings.len() + trace.sinks.stop.len(),
        seeds.cases.len(),
        args.output.display(),
        options.policy.name(),
        options.opening.name(),
    );
    Ok(Answer::new(text, json!({ "output": args.output.display().to_string(), "ledger": ledger })))
}

/// The ledger as a table for people.
fn books(graph: &Graph, seeds: &Seeds, trace: &Trace) -> Table {
    let rows = &trace.ledger;
    let text = |value: &dyn Fn(usize) -> String| Values::Text((0..rows.len()).map(value).collect());
    Table::new([
        ("case", text(&|row| seeds.cases[rows[row].case as usize].clone())),
        ("currency", text(&|row| graph.currency(rows[row].currency).code.clone())),
        ("seeded_minor", Values::I128(rows.iter().map(|row| row.seeded).collect())),
        ("converted_in_minor", Values::I128(rows.iter().map(|row| row.converted_in).collect())),
        ("held_minor", Values::I128(rows.iter().map(|row| row.held).collect())),
        ("at_sinks_minor", Values::I128(rows.iter().map(|row| row.at_sinks).collect())),
        ("superseded_minor", Values::I128(rows.iter().map(|row| row.superseded).collect())),
        ("converted_out_minor", Values::I128(rows.iter().map(|row| row.converted_out).collect())),
        ("fees_minor", Values::I128(rows.iter().map(|row| row.fees).collect())),
    ])
}
