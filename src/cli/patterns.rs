//! `ringfence patterns`: shapes of laundering, with the payments that show them.

use super::Answer;
use super::args::{GraphArgs, WindowArgs, counted};
use super::matches::{read, say};
use super::output::OutputArgs;
use ringfence::patterns::{Budget, CycleOptions, Kept, Typology};
use ringfence::report::matches::{MatchQuestion, match_report};
use ringfence::report::patterns::{PatternQuestion, cycle_count_report, pattern_report};
use ringfence::report::text::to_text;
use ringfence::units::Ties;
use ringfence::units::time::SECOND_US;
use ringfence::{Result, Run};
use std::path::PathBuf;

/// Find shapes of laundering, with the payments that show them.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// Shapes to look for; all if not given.
    #[arg(long, value_enum, value_name = "NAME", value_delimiter = ',', default_values_t = Typology::ALL)]
    typology: Vec<Typology>,
    /// Only count cycles: sequences of accounts, and choices of payments, by length.
    #[arg(long)]
    count: bool,
    /// Longest time from the first payment of an instance to its last, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = CycleOptions::default().span_us / SECOND_US)]
    span_s: i64,
    /// Fewest accounts of a cycle; at least 2.
    #[arg(long, value_name = "N", default_value_t = CycleOptions::default().length_min)]
    length_min: u32,
    /// Most accounts of a cycle; at most 64.
    #[arg(long, value_name = "N", default_value_t = CycleOptions::default().length_max)]
    length_max: u32,
    /// Whether money can be received and paid on at one and the same time.
    #[arg(long, value_enum, default_value_t = CycleOptions::default().ties)]
    ties: Ties,
    /// Least amount of every payment, in minor units; with --base in ten-thousandths of its minor units.
    #[arg(long, value_name = "AMOUNT", default_value_t = CycleOptions::default().amount_min)]
    amount_min: i64,
    /// How much of what an account receives it pays on, in thousandths, for example 800-1050; any part if not given.
    #[arg(long, value_name = "MIN-MAX", value_parser = kept)]
    passed_on: Option<Kept>,
    /// How much of what the first account pays comes back to it, in thousandths; any part if not given.
    #[arg(long, value_name = "MIN-MAX", value_parser = kept)]
    returned: Option<Kept>,
    /// Currency in which amounts are compared; without one, only amounts of one currency can be.
    #[arg(long, value_name = "CODE")]
    base: Option<String>,
    /// CSV of rates: currency,date,rate, in units of --base. Without it rates come from the graph's own conversions.
    #[arg(long, value_name = "FILE", requires = "base")]
    rates: Option<PathBuf>,
    /// Look for the pattern that a file describes, in words (docs/pattern-language.md), and not for typologies.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["typology", "count"])]
    query: Option<PathBuf>,
    #[command(flatten)]
    budget: BudgetArgs,
    #[command(flatten)]
    window: WindowArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// How much a search may do.
#[derive(Debug, clap::Args)]
struct BudgetArgs {
    /// Most results; what is left out is said.
    #[arg(long, value_name = "N", default_value_t = Budget::default().results_max)]
    results_max: u64,
    /// Most transfers looked at for one closing payment.
    #[arg(long, value_name = "N", default_value_t = Budget::default().anchor_work_max)]
    anchor_work_max: u64,
    /// Most transfers looked at in all.
    #[arg(long, value_name = "N", default_value_t = Budget::default().work_max)]
    work_max: u64,
    /// Most transfers of an account within the span for paths to go on through it.
    #[arg(long, value_name = "N", default_value_t = Budget::default().hub_max)]
    hub_max: u32,
}

/// A range of thousandths.
fn kept(text: &str) -> std::result::Result<Kept, String> {
    let range = text.split_once('-').and_then(|(min, max)| {
        Some(Kept { min_permille: min.parse().ok()?, max_permille: max.parse().ok()? })
    });
    range.ok_or_else(|| "write two numbers of thousandths like 800-1050".to_string())
}

/// Instances shown; all of them are in the output.
const ROWS: usize = 10;

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    args.output.check()?;
    let BudgetArgs { results_max, anchor_work_max, work_max, hub_max } = args.budget;
    if let Some(query) = &args.query {
        let question = MatchQuestion {
            query: read(query)?,
            budget: Budget { results_max, anchor_work_max, work_max, hub_max },
            base: args.base.clone(),
            rates: args.rates.clone().map(Into::into),
        };
        let graph = args.graph.open()?;
        return say(match_report(&args.window.view(&graph)?, &question, run)?, &args.output, run);
    }
    let question = PatternQuestion {
        typologies: args.typology.clone(),
        cycles: CycleOptions {
            span_us: args.span_s.saturating_mul(SECOND_US),
            length_min: args.length_min,
            length_max: args.length_max,
            ties: args.ties,
            amount_min: args.amount_min,
            passed_on: args.passed_on.unwrap_or(Kept::ANY),
            returned: args.returned.unwrap_or(Kept::ANY),
            budget: Budget { results_max, anchor_work_max, work_max, hub_max },
        },
        base: args.base.clone(),
        rates: args.rates.clone().map(Into::into),
    };
    let graph = args.graph.open()?;
    let view = args.window.view(&graph)?;
    let (report, table) = match args.count {
        true => (cycle_count_report(&view, &question, run)?, "counts"),
        false => (pattern_report(&view, &question, run)?, "instances"),
    };
    let said = &report.document;
    let mut text = match said.get("num_instances") {
        Some(instances) => counted(instances, "instance", "instances"),
        None => counted(&said["num_sequences"], "sequence of accounts", "sequences of accounts"),
    };
    if said["truncated"] == true {
        text += "; the search was cut short, there may be more";
    }
    let rows = report.table(table).map_or(String::new(), |found| to_text(found, ROWS));
    args.output.write(report, &format!("{text}\n\n{rows}\n"), run)
}
