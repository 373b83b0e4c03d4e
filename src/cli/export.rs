//! `ringfence export`: a part of the graph for other programs to draw and read.

use super::Answer;
use super::args::{GraphArgs, NamesArgs, WindowArgs, counted};
use ringfence::graph::subgraph::{Subgraph, SubgraphOptions};
use ringfence::graph::{Graph, View};
use ringfence::ids::AccountId;
use ringfence::report::earlier::{instance_payments, trace_payments};
use ringfence::report::export::{Columns, Exported, Format, PartOptions, export_part};
use ringfence::report::rings::{Identifiers, RingPlace, ring_accounts};
use ringfence::report::subgraph::NetworkOptions;
use ringfence::{Error, Result, Run};
use serde_json::json;
use std::path::PathBuf;

/// Write the accounts around some account, of a ring, of a shape of money or of a trace, with their transfers, for other programs.
///
/// Names of accounts, transactions and identifiers leave as pseudonyms under a key (--key-file), or with --reveal as they
/// are. What was withheld stands beside the output in `<output>.withheld.json`, or in a directory in `withheld.json`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// Accounts to begin with.
    #[arg(long, value_name = "ID", num_args = 1.., group = "what")]
    account: Vec<String>,
    /// One ring of a directory made by `ringfence rings`, by name or rank: rings/ring-0123456789ab, rings/1.
    #[arg(long, value_name = "DIR/ID", group = "what")]
    ring: Option<PathBuf>,
    /// A directory made by `ringfence trace`: the payments that carried the money.
    #[arg(long, value_name = "DIR", group = "what", conflicts_with_all = ["hops", "from", "to"])]
    trace: Option<PathBuf>,
    /// One instance of a directory made by `ringfence patterns`, by name: patterns/fan-in-0123456789ab.
    #[arg(long, value_name = "DIR/ID", group = "what", conflicts_with_all = ["hops", "from", "to"])]
    pattern: Option<PathBuf>,
    /// Transfers to follow from the accounts, in either direction [default: 1, and 0 for a ring]
    #[arg(long, value_name = "K")]
    hops: Option<u32>,
    /// Most accounts that are written.
    #[arg(long, value_name = "N", default_value_t = SubgraphOptions::default().accounts_max)]
    accounts_max: u32,
    /// Most transfers that are written.
    #[arg(long, value_name = "N", default_value_t = SubgraphOptions::default().transactions_max)]
    transactions_max: u32,
    #[command(flatten)]
    window: WindowArgs,
    /// Leave out the identifiers that accounts share.
    #[arg(long)]
    transfers_only: bool,
    #[command(flatten)]
    names: NamesArgs,
    /// File to make with the table that takes pseudonyms back to names; its owner alone may read it.
    #[arg(long, value_name = "FILE", conflicts_with = "reveal")]
    key_table: Option<PathBuf>,
    /// Account attributes to write, by name. They may be personal data.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    attributes: Vec<String>,
    /// Write these columns alone, beside those that make the network: id, source, target, type.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    columns: Option<Vec<String>>,
    /// Leave out these columns.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    without: Vec<String>,
    /// File or directory to make. The ending of a file chooses the format: .graphml, .gexf, .gml, .dot, .cyjs, .cx2, .json
    /// (node-link) or .csv (the transfers alone).
    #[arg(long, value_name = "PATH")]
    output: PathBuf,
    /// Format: graphml, gexf, gml, dot, cyjs, cx2, node-link, csv, or for directories csv-pair, parquet-pair, neo4j
    /// [default: what the ending of --output says]
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// In CSV, leave texts as they are that a spreadsheet would run as a formula. Otherwise an apostrophe is put before
    /// them, but never in the files for Neo4j.
    #[arg(long)]
    unguarded: bool,
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    let named = args.format.as_deref().map(Format::named).transpose()?;
    let format = Format::chosen(named, &args.output)?;
    let names = args.names.names()?;
    let graph = args.graph.open()?;
    let mut options = PartOptions {
        network: NetworkOptions {
            transfers_only: args.transfers_only,
            names,
            identifiers: Identifiers::Revealed,
            attributes: args.attributes.clone(),
        },
        columns: Columns { only: args.columns.clone(), without: args.without.clone() },
        format: Some(format),
        guard_formulas: !args.unguarded,
        key_table: args.key_table.clone(),
        asked: None,
    };
    let (subgraph, made) = match (&args.trace, &args.pattern) {
        (Some(directory), _) => {
            let payments = trace_payments(&graph, directory, run)?;
            let positions: Vec<_> = payments.keys().copied().collect();
            let subgraph = Subgraph::of_transactions(&graph, &positions, run)?;
            let made = export_part(&graph, &subgraph, Some(&payments), &options, &args.output, run)?;
            (subgraph, made)
        }
        (None, Some(place)) => {
            let subgraph = Subgraph::of_transactions(&graph, &instance_payments(&graph, place, run)?, run)?;
            let made = export_part(&graph, &subgraph, None, &options, &args.output, run)?;
            (subgraph, made)
        }
        (None, None) => {
            let asked = limits(args);
            let window = args.window.window()?;
            let subgraph = neighborhood(args, &graph.window(window)?, &asked, run)?;
            options.asked = Some((asked, window));
            let made = export_part(&graph, &subgraph, None, &options, &args.output, run)?;
            (subgraph, made)
        }
    };
    Ok(answer(args, &options, &subgraph, &made))
}

fn answer(args: &Args, options: &PartOptions, subgraph: &Subgraph, made: &Exported) -> Answer {
    let mut text = format!(
        "{} and {}, written to {}\n",
        counted(subgraph.num_nodes(), "account", "accounts"),
        counted(subgraph.num_edges(), "transfer", "transfers"),
        args.output.display()
    );
    text += &match options.network.names.pseudonyms() {
        Some(names) => {
            format!("Names are pseudonyms of the case {:?} under key {}.\n", names.case(), names.key_name())
        }
        None => "Names are revealed: this is personal data.\n".to_string(),
    };
    if made.num_pictures > 0 {
        text += &format!(
            "{} that the format cannot hold shown by pictures (U+2400 on).\n",
            counted(made.num_pictures, "control character is", "control characters are")
        );
    }
    if subgraph.truncated {
        text += "More was found than --accounts-max and --transactions-max allow; \
                 the nearest accounts and the earliest transfers were kept.\n";
    }
    text += &format!("What was withheld: {}\n", made.document_path.display());
    if let Some(place) = &args.key_table {
        text += &format!("What takes pseudonyms back to names, for you alone: {}\n", place.display());
    }
    let json = json!({
        "output": args.output.display().to_string(),
        "format": made.document["format"],
        "withheld": made.document_path.display().to_string(),
        "names": made.document["names"],
        "num_accounts": subgraph.num_nodes(),
        "num_transfers": subgraph.num_edges(),
        "num_nodes": made.document["num_nodes"],
        "num_edges": made.document["num_edges"],
        "truncated": subgraph.truncated,
    });
    Answer::new(text, json)
}

/// How far and how large the part may be: a ring is taken as it is.
fn limits(args: &Args) -> SubgraphOptions {
    let hops = if args.ring.is_some() { 0 } else { SubgraphOptions::default().hops };
    SubgraphOptions {
        hops: args.hops.unwrap_or(hops),
        accounts_max: args.accounts_max,
        transactions_max: args.transactions_max,
    }
}

fn neighborhood(args: &Args, view: &View, limits: &SubgraphOptions, run: &Run) -> Result<Subgraph> {
    let graph = view.graph();
    let accounts: Vec<AccountId> = match &args.ring {
        Some(place) => ring_accounts(graph, &RingPlace::find(place)?)?,
        None => find(graph, &args.account)?,
    };
    Subgraph::neighborhood(view, &accounts, limits, run)
}

fn find(graph: &Graph, keys: &[String]) -> Result<Vec<AccountId>> {
    let one = |key: &String| {
        let unknown =
            || Error::UnknownKey { place: "--account".into(), kind: "account".into(), key: key.clone() };
        graph.find_account(key)?.ok_or_else(unknown)
    };
    keys.iter().map(one).collect()
}
