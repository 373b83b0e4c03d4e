//! `ringfence components`: who is connected with whom.

use super::Answer;
use super::args::{CsvArgs, GraphArgs, WindowArgs, counted};
use ringfence::community::{ComponentsOptions, Over, components};
use ringfence::report::components::component_table;
use ringfence::report::files::{table_format, write_table};
use ringfence::{Result, Run};
use serde_json::json;
use std::path::PathBuf;

/// Write which account belongs to which connected component.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// What connects accounts.
    #[arg(long, value_enum, default_value_t = ComponentsOptions::default().over)]
    over: Over,
    /// Connect accounts only where payments lead from each to the other, so that money can come back; over transfers.
    #[arg(long)]
    strong: bool,
    /// Most accounts that an identifier may have and still connect them; at least 2.
    #[arg(long, value_name = "N", default_value_t = ComponentsOptions::default().accounts_max)]
    accounts_max: u32,
    /// Fewest accounts of a component that is written.
    #[arg(long, value_name = "N", default_value_t = 1)]
    size_min: u32,
    #[command(flatten)]
    window: WindowArgs,
    /// File to make; its ending chooses the format: .csv, .json or .parquet.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    csv: CsvArgs,
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    table_format(&args.output)?;
    let graph = args.graph.open()?;
    let view = args.window.view(&graph)?;
    let options = ComponentsOptions { over: args.over, accounts_max: args.accounts_max, strong: args.strong };
    let found = components(&view, &options, run)?;
    let table = component_table(&graph, &found, args.size_min, run)?;
    let rows = table.num_rows();
    write_table(table, &args.output, args.csv.options(), run)?;
    let (largest, alone) =
        (found.sizes.first().copied().unwrap_or(0), found.sizes.iter().filter(|&&s| s == 1).count());
    let mut text = format!(
        "{} of {}; the largest has {largest}, {} alone\n{} written to {}\n",
        counted(found.len(), "component", "components"),
        counted(found.sizes.iter().map(|&size| u64::from(size)).sum::<u64>(), "account", "accounts"),
        counted(alone, "account is", "accounts are"),
        counted(rows, "account", "accounts"),
        args.output.display(),
    );
    if !found.hubs.is_empty() {
        text += &format!(
            "{} more than {} accounts and connected nobody\n",
            counted(found.hubs.len(), "identifier has", "identifiers have"),
            args.accounts_max
        );
    }
    let json = json!({
        "output": args.output.display().to_string(),
        "num_components": found.len(),
        "largest": largest,
        "num_alone": alone,
        "num_rows": rows,
        "num_hubs": found.hubs.len(),
    });
    Ok(Answer::new(text, json))
}
