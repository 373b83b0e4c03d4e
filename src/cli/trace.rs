//! `ringfence trace`: where the money went, or where it came from.

use super::Answer;
use super::args::{CsvArgs, GraphArgs, PoolArgs, SinkArgs, WindowArgs, counted, time};
use clap::ValueEnum;
use ringfence::graph::Graph;
use ringfence::report::ledger::book_table;
use ringfence::report::output::check_new;
use ringfence::report::question::{Policies, TraceInputs, trace_report};
use ringfence::report::text::{to_text, with_decimals};
use ringfence::report::upstream::{UpstreamInputs, upstream_report};
use ringfence::report::{Report, Table, write_report};
use ringfence::trace::{Policy, TraceOptions, UpstreamOptions};
use ringfence::{Error, Result, Run};
use serde_json::json;
use std::path::PathBuf;

/// Follow money downstream from seeds, or upstream from targets, under a stated policy; every unit is accounted for.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// CSV of seeds: case,transaction[,amount] or case,account,currency,time,amount; a column kind tells transaction,
    /// deposit and balance apart. amount is decimal; amount_minor counts minor units.
    #[arg(long, value_name = "FILE")]
    seeds: Option<PathBuf>,
    /// Where the money of seeds went, or where that of targets came from.
    #[arg(long, value_enum, default_value_t = Direction::Downstream)]
    direction: Direction,
    /// Upstream: CSV of targets: name,transaction or name,account,currency,time[,amount]; a column kind tells transaction
    /// and balance apart.
    #[arg(long, value_name = "FILE")]
    targets: Option<PathBuf>,
    /// Upstream: CSV with a column account: accounts that are not looked behind.
    #[arg(long, value_name = "FILE")]
    origins: Option<PathBuf>,
    /// Which part of an account's money a payment takes.
    #[arg(long, value_enum)]
    policy: PolicyArg,
    #[command(flatten)]
    pools: PoolArgs,
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
    /// Transactions after which money stays where it is; upstream, how many are looked back.
    #[arg(long, value_name = "N")]
    max_hops: Option<u32>,
    /// Cases share the accounts' money: what one claims no other does. This is the default.
    #[arg(long, conflicts_with = "each")]
    joint: bool,
    /// Trace each case as if it were the only one.
    #[arg(long)]
    each: bool,
    /// List money paths, the largest N of each case or target; 0 lists all.
    #[arg(long, value_name = "N")]
    paths: Option<usize>,
    /// Most flows of one trace before giving up; bounds memory, at some 40 bytes each.
    #[arg(long, value_name = "N", default_value_t = TraceOptions::default().flows_max)]
    flows_max: u64,
    /// Upstream: most pieces of money that are moved for one target before giving up.
    #[arg(long, value_name = "N", default_value_t = UpstreamOptions::default().lots_max)]
    lots_max: u64,
    /// Directory to make: tables as .csv and .parquet, and ledger.json; with --policy all a directory for each, and
    /// compare.csv.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    csv: CsvArgs,
}

/// Which way money is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Direction {
    /// From seeds to where it is.
    Downstream,
    /// From targets to where it came from.
    Upstream,
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
    /// Every policy, each in a directory of its own, and what they agree on.
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
    fn inputs(&self) -> Result<TraceInputs> {
        let upstream = [("targets", self.targets.is_some()), ("origins", self.origins.is_some())];
        refuse(&upstream, "given only with --direction upstream")?;
        let seeds = self.seeds.clone().ok_or_else(|| missing("seeds"))?;
        Ok(TraceInputs {
            seeds: seeds.into(),
            pools: self.pools.inputs(),
            sinks: self.sinks.inputs(),
            paths_max: self.paths,
        })
    }

    fn rules(&self) -> TraceOptions {
        TraceOptions {
            opening: self.pools.opening,
            ties: self.pools.ties,
            until: self.until,
            dust: self.dust,
            max_hops: self.max_hops,
            joint: !self.each,
            flows_max: self.flows_max,
            ..TraceOptions::default()
        }
    }

    fn upstream(&self) -> Result<(UpstreamInputs, UpstreamOptions)> {
        let downstream = [
            ("seeds", self.seeds.is_some()),
            ("until", self.until.is_some()),
            ("sinks", !self.sinks.is_empty()),
            ("dust", self.dust != 0),
            ("joint", self.joint),
            ("each", self.each),
        ];
        refuse(&downstream, "left out with --direction upstream")?;
        let targets = self.targets.clone().ok_or_else(|| missing("targets"))?;
        let Policies::One(policy) = Policies::from(self.policy) else {
            let value = Policies::from(self.policy).name().to_string();
            let allowed = "fifo, lifo or haircut for tracing upstream";
            return Err(Error::Option { name: "policy", value, allowed });
        };
        let inputs = UpstreamInputs {
            targets: targets.into(),
            origins: self.origins.clone().map(Into::into),
            pools: self.pools.inputs(),
            paths_max: self.paths,
        };
        let rules = TraceOptions {
            policy,
            opening: self.pools.opening,
            ties: self.pools.ties,
            ..TraceOptions::default()
        };
        let options = UpstreamOptions {
            rules,
            max_hops: self.max_hops,
            lots_max: self.lots_max,
            ..UpstreamOptions::default()
        };
        Ok((inputs, options))
    }
}

/// An error for the first of `options` that is given.
fn refuse(options: &[(&'static str, bool)], allowed: &'static str) -> Result<()> {
    match options.iter().find(|option| option.1) {
        Some(&(name, _)) => Err(Error::Option { name, value: "given".into(), allowed }),
        None => Ok(()),
    }
}

fn missing(name: &'static str) -> Error {
    Error::Option { name, value: "not given".into(), allowed: "a file" }
}

/// Rows shown of a table; all of them are in the output.
const ROWS: usize = 10;

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    check_new(&args.output)?;
    match args.direction {
        Direction::Downstream => downstream(args, run),
        Direction::Upstream => upstream(args, run),
    }
}

fn downstream(args: &Args, run: &Run) -> Result<Answer> {
    let inputs = args.inputs()?;
    let graph = args.graph.open()?;
    let view = args.window.view(&graph)?;
    let policies = Policies::from(args.policy);
    let report = trace_report(&view, &inputs, policies, &args.rules(), run)?;
    write_report(&report, &args.output, args.csv.options(), run)?;
    let output = args.output.display().to_string();
    let text = match policies {
        Policies::One(_) => traced(&graph, &report, &output),
        Policies::Poison => exposed(&report, &output),
        Policies::All => compared(&graph, &report, &output),
    };
    Ok(Answer::new(text, json!({ "output": output, "ledger": report.document })))
}

fn upstream(args: &Args, run: &Run) -> Result<Answer> {
    let (inputs, options) = args.upstream()?;
    let graph = args.graph.open()?;
    let view = args.window.view(&graph)?;
    let report = upstream_report(&view, &inputs, &options, run)?;
    write_report(&report, &args.output, args.csv.options(), run)?;
    let output = args.output.display().to_string();
    let text = format!(
        "{} of {}, written to {output}
policy {}, opening {}: a scenario, not an entitlement

{}",
        counted(rows(&report, "origins"), "origin", "origins"),
        counted(&report.document["num_targets"], "target", "targets"),
        options.rules.policy.name(),
        options.rules.opening.name(),
        shown(&graph, &report, "origins"),
    );
    Ok(Answer::new(text, json!({ "output": output, "summary": report.document })))
}

fn rows(report: &Report, table: &str) -> usize {
    report.table(table).map_or(0, Table::num_rows)
}

/// The first rows of a table, amounts as decimals.
fn shown(graph: &Graph, report: &Report, table: &str) -> String {
    let exponent = |code: &str| graph.find_currency(code).map(|id| graph.currency(id).exponent);
    report.table(table).map_or(String::new(), |table| to_text(&with_decimals(table, exponent), ROWS))
}

fn compared(graph: &Graph, report: &Report, output: &str) -> String {
    format!(
        "{} policies, each in its directory of {output}
scenarios, not an entitlement; poison is exposure, not money\n\
         {} of {} holdings are there under every policy that conserves money\n\n{}",
        report.parts.len(),
        report.document["num_in_safe_core"],
        report.document["num_holdings"],
        shown(graph, report, "compare"),
    )
}

fn traced(graph: &Graph, report: &Report, output: &str) -> String {
    let ledger = &report.document;
    let rule = |name: &str| ledger[name].as_str().unwrap_or_default().to_string();
    let mut text = format!(
        "{} and {} of {}, written to {output}\n\
         policy {}, opening {}, pooling {}: a scenario, not an entitlement\n",
        counted(rows(report, "flows"), "flow", "flows"),
        counted(rows(report, "holdings") + rows(report, "sinks"), "holding", "holdings"),
        counted(&ledger["seeds"]["num_cases"], "case", "cases"),
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
        shown(graph, report, "holdings")
    )
}

fn exposed(report: &Report, output: &str) -> String {
    let table = report.table("contacts").map_or(String::new(), |table| to_text(table, ROWS));
    format!(
        "{} exposed by {}, written to {output}\nexposure, not money: amounts are those of whole payments\n\n{table}",
        counted(rows(report, "contacts"), "account", "accounts"),
        counted(rows(report, "flows"), "payment", "payments"),
    )
}
