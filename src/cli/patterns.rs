//! `ringfence patterns`: shapes of laundering, with the payments that show them.

use super::Answer;
use super::args::{GraphArgs, WindowArgs, counted};
use super::matches::{budget, read, say};
use super::output::OutputArgs;
use ringfence::patterns::{CycleOptions, Null, NullOptions, Options, Typology, searches};
use ringfence::report::matches::{MatchQuestion, match_report};
use ringfence::report::patterns::{PatternQuestion, Valuation, cycle_count_report, pattern_tables};
use ringfence::report::text::to_text;
use ringfence::{Error, Result, Run};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Find shapes of laundering, with the payments that show them.
#[derive(Debug, clap::Args)]
#[command(after_long_help = catalogue())]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// Shapes to look for, all if not given; --help lists them.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    typology: Vec<String>,
    /// Change a setting of all typologies that have it, or of one: span_s=86400, fan-in.counterparties_min=8; --help lists them.
    #[arg(long, value_name = "[TYPOLOGY.]NAME=VALUE")]
    set: Vec<String>,
    /// Only count cycles: sequences of accounts, and choices of payments, by length; with the settings of `cycle`, by default 2 to 10
    /// accounts within 3 days and any amounts.
    #[arg(long, conflicts_with = "typology")]
    count: bool,
    /// Also search so many shuffles of the payments: p-values, corrected for the search, that say how often chance alone scores as high.
    #[arg(long, value_name = "N", conflicts_with_all = ["count", "query"])]
    replicates: Option<u32>,
    /// What is shuffled, among the payments of the same hour of the week.
    #[arg(long, value_enum, default_value_t, requires = "replicates")]
    null: Null,
    /// Shuffle only among accounts with the same values of these attributes, such as bank,segment: of payers by times, of payees by targets.
    #[arg(long, value_name = "ATTRIBUTE", value_delimiter = ',', requires = "replicates")]
    within: Vec<String>,
    /// Which shuffles.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "replicates")]
    seed: u64,
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
    window: WindowArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Every typology with its settings.
fn catalogue() -> String {
    let mut text = "Typologies and their settings (times in seconds, amounts in minor units or, with --base, in ten-thousandths of its minor \
                    units, shares in thousandths):"
        .to_string();
    for typology in Typology::ALL {
        let settings = typology.options().settings();
        let shown = |value: &Value| value.as_str().map_or(value.to_string(), str::to_string);
        let settings: Vec<String> =
            settings.iter().map(|(name, value)| format!("{name}={}", shown(value))).collect();
        text += &format!("\n  {}\n      {}", typology.name(), settings.join(" "));
    }
    text
}

/// The settings that are changed, those of one typology under its name.
pub(super) fn settings(changes: &[String]) -> Result<Map<String, Value>> {
    let mut settings = Map::new();
    for change in changes {
        let refuse =
            |problem: &str| Error::Input { input: format!("--set {change}"), problem: problem.into() };
        let (name, value) = change.split_once('=').ok_or_else(|| refuse("write NAME=VALUE"))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        let (of, name) = match name.split_once('.') {
            None => (&mut settings, name),
            Some((typology, name)) => {
                let of = settings.entry(typology).or_insert_with(|| Map::new().into());
                (of.as_object_mut().ok_or_else(|| refuse("is a setting already"))?, name)
            }
        };
        of.insert(name.into(), value);
    }
    Ok(settings)
}

/// What cycles are counted with: every one of them, if nothing else is asked for.
fn count_options(settings: &Map<String, Value>) -> Result<CycleOptions> {
    let mut changes = settings.clone();
    if let Some(Value::Object(own)) = changes.remove(Typology::Cycle.name()) {
        changes.extend(own);
    }
    match Options::Cycle(CycleOptions::default()).with(&changes)? {
        Options::Cycle(options) => Ok(options),
        _ => unreachable!("settings change no kind of options"),
    }
}

/// Instances shown; all of them are in the output.
const ROWS: usize = 10;

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    args.output.check()?;
    let settings = settings(&args.set)?;
    let valuation = Valuation { base: args.base.clone(), rates: args.rates.clone().map(Into::into) };
    if let Some(query) = &args.query {
        let question = MatchQuestion { query: read(query)?, budget: budget(&settings)?, valuation };
        let graph = args.graph.open()?;
        return say(match_report(&args.window.view(&graph)?, &question, run)?, &args.output, run);
    }
    if args.count {
        let options = count_options(&settings)?;
        let graph = args.graph.open()?;
        let report = cycle_count_report(&args.window.view(&graph)?, &options, &valuation, run)?;
        let counts = report.table("counts").map_or(String::new(), |counts| to_text(counts, ROWS));
        let text = in_words(&report.document);
        return args.output.write(report, &format!("{text}\n\n{counts}\n"), run);
    }
    let typologies: Vec<Typology> = match args.typology.as_slice() {
        [] => Typology::ALL.to_vec(),
        names => names.iter().map(|name| Typology::named(name)).collect::<Result<_>>()?,
    };
    let null = args.replicates.map(|replicates| NullOptions {
        null: args.null,
        replicates,
        seed: args.seed,
        within: args.within.clone(),
    });
    let question = PatternQuestion { searches: searches(&typologies, &settings)?, valuation, null };
    let graph = args.graph.open()?;
    let view = args.window.view(&graph)?;
    args.output.stream("instances", |sink| pattern_tables(&view, &question, sink, run), in_words, run)
}

/// What an answer found, and what its reader has to know.
fn in_words(said: &Value) -> String {
    let mut text = match said.get("num_instances") {
        Some(instances) => counted(instances, "instance", "instances"),
        None => counted(&said["num_sequences"], "sequence of accounts", "sequences of accounts"),
    };
    if said["rates"].is_null() && said["num_currencies"].as_u64() > Some(1) {
        text += &format!(
            "; amounts of {} currencies were not compared with each other, see --base",
            said["num_currencies"]
        );
    }
    if said["truncated"] == true {
        text += "; the search was cut short, there may be more";
    }
    text
}
