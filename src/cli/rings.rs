//! `ringfence rings`: groups of accounts with the evidence that ties them.

use super::Answer;
use super::args::{CsvArgs, GraphArgs, WindowArgs, counted};
use clap::ValueEnum;
use ringfence::graph::Graph;
use ringfence::ids::KindId;
use ringfence::report::output::check_new;
use ringfence::report::rings::{Identifiers, ring_tables, write_rings};
use ringfence::report::text::to_text;
use ringfence::rings::{IdentityRingOptions, identity_rings};
use ringfence::{Error, Result, Run};
use serde_json::json;
use std::path::PathBuf;

/// Find rings of accounts that share identifiers, and write them with their evidence.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// What ties accounts.
    #[arg(long, value_enum)]
    by: By,
    /// Kinds of identifiers that tie (for example ssn,phone); all if not given.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kinds: Vec<String>,
    /// Most accounts that an identifier may have and still tie them; at least 2.
    #[arg(long, value_name = "N", default_value_t = IdentityRingOptions::default().accounts_max)]
    accounts_max: u32,
    /// Fewest accounts that make a ring; at least 2.
    #[arg(long, value_name = "N", default_value_t = IdentityRingOptions::default().accounts_min)]
    accounts_min: u32,
    /// Write identifier values as they are instead of kind#number. They are personal data.
    #[arg(long)]
    reveal: bool,
    #[command(flatten)]
    window: WindowArgs,
    /// Directory to make: rings.csv, members.csv, evidence.csv, hubs.csv, summary.json.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    csv: CsvArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    /// Shared identifiers: tax number, telephone, device, address.
    Identifiers,
}

/// Rings shown; all of them are in the output.
const ROWS: usize = 10;

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    check_new(&args.output)?;
    let graph = args.graph.open()?;
    let By::Identifiers = args.by;
    let options = IdentityRingOptions {
        kinds: kinds(&graph, &args.kinds)?,
        accounts_max: args.accounts_max,
        accounts_min: args.accounts_min,
    };
    let found = identity_rings(&args.window.view(&graph)?, &options, run)?;
    let identifiers = if args.reveal { Identifiers::Revealed } else { Identifiers::Masked };
    let tables = ring_tables(&graph, &found, identifiers, run)?;
    write_rings(&graph, &tables, &options, &args.output, args.csv.options(), run)?;
    let mut text = format!(
        "{} of {}, written to {}\n",
        counted(found.len(), "ring", "rings"),
        counted(found.members.len(), "account", "accounts"),
        args.output.display()
    );
    if !found.hubs.is_empty() {
        text += &format!(
            "{} more than {} accounts and tied nobody\n",
            counted(found.hubs.len(), "identifier has", "identifiers have"),
            args.accounts_max
        );
    }
    if !found.is_empty() {
        text += &to_text(&tables.rings, ROWS);
    }
    let json = json!({
        "output": args.output.display().to_string(),
        "num_rings": found.len(),
        "num_members": found.members.len(),
        "num_hubs": found.hubs.len(),
    });
    Ok(Answer::new(text, json))
}

fn kinds(graph: &Graph, names: &[String]) -> Result<Option<Vec<KindId>>> {
    let find = |name: &String| {
        let unknown = || Error::UnknownKey {
            place: "--kinds".into(),
            kind: "kind of identifier".into(),
            key: name.clone(),
        };
        graph.find_kind(name).ok_or_else(unknown)
    };
    let found = names.iter().map(find).collect::<Result<Vec<_>>>()?;
    Ok((!found.is_empty()).then_some(found))
}
