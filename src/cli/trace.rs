//! `ringfence trace`: where the money went.

use super::Answer;
use super::args::{CsvArgs, GraphArgs, WindowArgs, time};
use clap::ValueEnum;
use ringfence::graph::Graph;
use ringfence::report::ledger::book_table;
use ringfence::report::output::check_new;
use ringfence::report::question::{Policies, TraceInputs, trace_report};
use ringfence::report::sinks::SinkInputs;
use ringfence::report::text::{to_text, with_decimals};
use ringfence::report::{Report, Table, write_report};
use ringfence::trace::{Opening, Policy, Pooling, Ties, TraceOptions};
use ringfence::{Result, Run};
use serde_json::json;
use std::path::PathBuf;

/// Follow money downstream from seeds under a stated policy; every unit is accounted for.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// CSV of seeds: case,transaction[,amount] or case,account,currency,time,amount; a column kind tells transaction,
    /// deposit and balance apart. amount is decimal; amount_minor counts minor units.
    #[arg(long, value_name = "FILE")]
    seeds: PathBuf,
    /// Which part of an account's money a payment takes.
    #[arg(long, value_enum)]
    policy: PolicyArg,
    /// What accounts hold before their first transaction.
    #[arg(long, value_enum, default_value_t = TraceOptions::default().opening)]
    opening: Opening,
    /// CSV of balances: account,currency,amount[,time]. Without a time they are what accounts hold at first (--opening
    /// given); with one they are statements, and those that the data do not explain are reported.
    #[arg(long, value_name = "FILE")]
    balances: Option<PathBuf>,
    /// Which money of an account mixes: that of one currency, or all of it by its value.
    #[arg(long, value_enum, default_value_t = Pooling::default())]
    pooling: Pooling,
    /// Currency in which values are counted; with --pooling value.
    #[arg(long, value_name = "CODE")]
    base: Option<String>,
    /// CSV of rates: currency,date,rate, in units of --base. Without it rates come from the graph's own conversions.
    #[arg(long, value_name = "FILE")]
    rates: Option<PathBuf>,
    /// Whether money can be received and paid on at one and the same time.
    #[arg(long, value_enum, default_value_t = TraceOptions::default().ties)]
    ties: Ties,
    #[command(flatten)]
    window: WindowArgs,
    /// Last moment of the trace: RFC 3339 or a date (midnight UTC). Transactions after it do not happen.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<i64>,
    #[command(flatten)]
    sinks: SinkArgs,
    /// Least amount that is followed, in minor units (of --base where values are pooled); what arrives in a smaller piece
    /// becomes clean.
    #[arg(long, value_name = "AMOUNT_MINOR", default_value_t = TraceOptions::default().dust)]
    dust: i64,
    /// Transactions after which money stays where it is.
    #[arg(long, value_name = "N")]
    max_hops: Option<u32>,
    /// Cases share the accounts' money: what one claims no other does. This is the default.
    #[arg(long, conflicts_with = "each")]
    joint: bool,
    /// Trace each case as if it were the only one.
    #[arg(long)]
    each: bool,
    /// Directory to make: tables as .csv and .parquet, and ledger.json; with --policy all a directory for each.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    csv: CsvArgs,
}

/// Accounts where the money stays; each option adds some.
#[derive(Debug, clap::Args)]
struct SinkArgs {
    /// CSV with a column account: accounts where the money stays for good.
    #[arg(long = "sinks", value_name = "FILE")]
    accounts: Option<PathBuf>,
    /// The same for accounts with this attribute in the accounts table; may be repeated.
    #[arg(long = "sinks-where", value_name = "ATTRIBUTE=VALUE")]
    attributes: Vec<String>,
    /// The same for accounts with more transfers than this in the window, payments and receipts counted together.
    #[arg(long = "sinks-degree-above", value_name = "N")]
    degree_above: Option<u64>,
}

/// Policies as the command line says them.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum PolicyArg {
    /// The oldest money first.
    Fifo,
    /// The newest money first.
    Lifo,
    /// From every owner in proportion.
    Haircut,
    /// Clean money first: the lowest intermediate balance rule.
    CleanFirst,
    /// Tainted money first.
    TaintedFirst,
    /// Exposure, not money: everything that is paid after first contact.
    Poison,
    /// Every policy, each in a directory of its own.
    All,
}

impl From<PolicyArg> for Policies {
    fn from(policy: PolicyArg) -> Self {
        match policy {
            PolicyArg::Fifo => Policies::One(Policy::Fifo),
            PolicyArg::Lifo => Policies::One(Policy::Lifo),
            PolicyArg::Haircut => Policies::One(Policy::Haircut),
            PolicyArg::CleanFirst => Policies::One(Policy::CleanFirst),
            PolicyArg::TaintedFirst => Policies::One(Policy::TaintedFirst),
            PolicyArg::Poison => Policies::Poison,
            PolicyArg::All => Policies::All,
        }
    }
}

impl Args {
    fn inputs(&self) -> TraceInputs {
        TraceInputs {
            seeds: self.seeds.clone().into(),
            balances: self.balances.clone().map(Into::into),
            pooling: self.pooling,
            base: self.base.clone(),
            rates: self.rates.clone().map(Into::into),
            sinks: SinkInputs {
                accounts: self.sinks.accounts.clone().map(Into::into),
                attributes: self.sinks.attributes.clone(),
                degree_above: self.sinks.degree_above,
            },
        }
    }

    fn rules(&self) -> TraceOptions {
        TraceOptions {
            opening: self.opening,
            ties: self.ties,
            until: self.until,
            dust: self.dust,
            max_hops: self.max_hops,
            joint: !self.each,
            ..TraceOptions::default()
        }
    }
}

/// Rows shown of a table; all of them are in the output.
const ROWS: usize = 10;

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    check_new(&args.output)?;
    let graph = args.graph.open()?;
    let view = args.window.view(&graph)?;
    let policies = Policies::from(args.policy);
    let report = trace_report(&view, &args.inputs(), policies, &args.rules(), run)?;
    write_report(&report, &args.output, args.csv.options(), run)?;

    let output = args.output.display();
    let text = match policies {
        Policies::One(_) => traced(&graph, &report, &output.to_string()),
        Policies::Poison => exposed(&report, &output.to_string()),
        Policies::All => format!(
            "{} policies, each in its directory of {output}\nscenarios, not an entitlement; poison is exposure, not money\n",
            report.parts.len()
        ),
    };
    Ok(Answer::new(text, json!({ "output": output.to_string(), "ledger": report.document })))
}

fn rows(report: &Report, table: &str) -> usize {
    report.table(table).map_or(0, Table::num_rows)
}

fn traced(graph: &Graph, report: &Report, output: &str) -> String {
    let exponent = |code: &str| graph.find_currency(code).map(|id| graph.currency(id).exponent);
    let shown = |name: &str| {
        report.table(name).map_or(String::new(), |table| to_text(&with_decimals(table, exponent), ROWS))
    };
    let ledger = &report.document;
    let rule = |name: &str| ledger[name].as_str().unwrap_or_default().to_string();
    let mut text = format!(
        "{} flows and {} holdings of {} cases, written to {output}\n\
         policy {}, opening {}, pooling {}: a scenario, not an entitlement\n",
        rows(report, "flows"),
        rows(report, "holdings") + rows(report, "sinks"),
        ledger["seeds"]["num_cases"],
        rule("policy"),
        rule("opening"),
        rule("pooling"),
    );
    if let Some(breaks) = report.table("balance_breaks") {
        text += &format!(
            "{} of {} stated balances are not what the data say\n",
            breaks.num_rows(),
            ledger["balances"]["num_statements"]
        );
    }
    text + &format!(
        "\nbooks\n{}\nwhere the money is\n{}",
        to_text(&book_table(report), ROWS),
        shown("holdings")
    )
}

fn exposed(report: &Report, output: &str) -> String {
    let table = report.table("contacts").map_or(String::new(), |table| to_text(table, ROWS));
    format!(
        "{} accounts exposed by {} payments, written to {output}\nexposure, not money: amounts are those of whole payments\n\n{table}",
        rows(report, "contacts"),
        rows(report, "flows"),
    )
}
