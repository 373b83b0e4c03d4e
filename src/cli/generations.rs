//! `ringfence generations`: which generations a graph holds.

use super::Answer;
use ringfence::Result;
use ringfence::report::text::to_text;
use ringfence::report::{self, Table, Values};
use ringfence::store::generations::{Generation, generations};
use ringfence::store::pins::pins;
use serde_json::{Value, json};
use std::path::PathBuf;

/// List the generations of a graph: what each holds, what it shares with others, what was read for it.
///
/// Any of them is read by `--generation N`; `ringfence gc` removes those that are no longer needed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the graph.
    #[arg(value_name = "GRAPH")]
    graph: PathBuf,
}

/// Rows shown, the newest; all of them are in `--json`.
const ROWS: usize = 100;

pub fn run(args: &Args) -> Result<Answer> {
    let listed = generations(&args.graph)?;
    let pins = pins(&args.graph)?;
    let pinned = |generation: &Generation| {
        pins.iter().filter(|pin| pin.alive && pin.generation == generation.number()).count() as u64
    };
    let documents: Vec<Value> =
        listed.iter().map(|each| report::store::generation(each, pinned(each))).collect();
    let json = json!({ "graph": args.graph.display().to_string(), "generations": documents });

    let newest = || listed.iter().rev();
    let numbers = |number: fn(&Generation) -> u64| Values::U64(newest().map(number).collect());
    let table = Table::new([
        ("generation", numbers(Generation::number)),
        (
            "live",
            Values::Text(newest().map(|each| if each.live { "live" } else { "" }.to_string()).collect()),
        ),
        (
            "parent",
            Values::OptionText(newest().map(|each| each.parent.map(|parent| parent.to_string())).collect()),
        ),
        ("written", Values::Text(newest().map(|each| report::store::written(each.written)).collect())),
        ("transactions", numbers(Generation::num_transactions)),
        ("bytes_own", numbers(|each| each.bytes_own)),
        ("bytes_shared", numbers(|each| each.bytes_shared)),
        ("new_sources", numbers(|each| each.sources_new.len() as u64)),
        ("pins", Values::U64(newest().map(pinned).collect())),
    ]);
    Ok(Answer::new(to_text(&table, ROWS), json))
}
