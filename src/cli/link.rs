//! `ringfence link`: accounts that one hand seems to be behind.

use super::Answer;
use super::args::{GraphArgs, WindowArgs, counted};
use super::output::OutputArgs;
use ringfence::community::identity::KindEvidence;
use ringfence::report::links::{LinkQuestion, link_report};
use ringfence::report::rings::Identifiers;
use ringfence::report::text::to_text;
use ringfence::{Result, Run};
use std::path::PathBuf;

/// Link accounts by the identifiers that they share, each weighed by how rare it is.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// Kinds of identifiers that are looked at (for example ssn,phone); all if not given.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kinds: Vec<String>,
    /// Kinds that go together, such as device+ip: only the strongest counts for a pair. May be repeated.
    #[arg(long, value_name = "KIND+KIND")]
    correlated: Vec<String>,
    /// Least evidence that links two accounts, in bits; in large populations take about the logarithm of their number.
    #[arg(long, value_name = "BITS", default_value_t = LinkQuestion::default().bits_min)]
    bits_min: f64,
    /// Most accounts of a ring: where more hang together, the weakest links are cut.
    #[arg(long, value_name = "N", default_value_t = LinkQuestion::default().members_max)]
    members_max: u32,
    /// Most accounts that an identifier may have and still link them; 2 to 10,000.
    #[arg(long, value_name = "N", default_value_t = LinkQuestion::default().accounts_max)]
    accounts_max: u32,
    /// Chance that two accounts of one ring share an identifier of a kind, in thousandths.
    #[arg(long, value_name = "N", default_value_t = KindEvidence::default().m_permille)]
    m_permille: u32,
    /// Days between two accounts' uses in which evidence halves; it never does if not given.
    #[arg(long, value_name = "DAYS")]
    half_life_days: Option<u32>,
    /// Accounts that could have used an identifier of a kind; those that use one if not given.
    #[arg(long, value_name = "N")]
    population: Option<u32>,
    /// Word that stands for no value, besides those that are known. May be repeated.
    #[arg(long = "placeholder", value_name = "WORD")]
    placeholders: Vec<String>,
    /// CSV of kind,value: identifiers that may be shared and link nobody.
    #[arg(long, value_name = "FILE")]
    allowed: Option<PathBuf>,
    /// Show identifiers as they are, not as kind#number. They are personal data.
    #[arg(long)]
    reveal: bool,
    #[command(flatten)]
    window: WindowArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Rings shown; all of them are in the output.
const ROWS: usize = 10;

/// Seconds of a day.
const DAY_S: u64 = 86_400;

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    args.output.check()?;
    let graph = args.graph.open()?;
    let view = args.window.view(&graph)?;
    let group = |text: &String| text.split('+').map(str::to_string).collect();
    let question = LinkQuestion {
        kinds: args.kinds.clone(),
        correlated: args.correlated.iter().map(group).collect(),
        each_kind: KindEvidence {
            m_permille: args.m_permille,
            half_life_s: args.half_life_days.map(|days| u64::from(days) * DAY_S),
            ..KindEvidence::default()
        },
        allowed: args.allowed.clone().map(Into::into),
        placeholders: args.placeholders.clone(),
        population: args.population,
        accounts_max: args.accounts_max,
        bits_min: args.bits_min,
        members_max: args.members_max,
        identifiers: if args.reveal { Identifiers::Revealed } else { Identifiers::Masked },
    };
    let report = link_report(&view, &question, run)?;
    let said = &report.document;
    let text = format!(
        "{} of {}, {} cut, {} passed over\n\n{}\n",
        counted(&said["num_rings"], "ring", "rings"),
        counted(&said["num_members"], "account", "accounts"),
        counted(&said["num_cuts"], "link", "links"),
        counted(&said["num_passed_over"], "identifier", "identifiers"),
        report.table("rings").map_or(String::new(), |rings| to_text(rings, ROWS)),
    );
    args.output.write(report, &text, run)
}
