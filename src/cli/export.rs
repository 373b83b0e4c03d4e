//! `ringfence export`: a part of the graph for other programs to draw and read.

use super::Answer;
use super::args::{CsvArgs, GraphArgs, WindowArgs, counted};
use ringfence::graph::subgraph::{Subgraph, SubgraphOptions};
use ringfence::graph::{Graph, View};
use ringfence::ids::AccountId;
use ringfence::report::earlier::{mark_payments, trace_payments};
use ringfence::report::files::{NetworkFormat, network_format, write_network};
use ringfence::report::rings::{Identifiers, RingPlace, ring_accounts};
use ringfence::report::subgraph::{NetworkOptions, network};
use ringfence::{Error, Result, Run};
use serde_json::json;
use std::path::PathBuf;

/// Write the accounts around some account, of a ring or of a trace, with their transfers, for other programs.
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
    /// Write identifier values as they are instead of kind#number. They are personal data.
    #[arg(long)]
    reveal: bool,
    /// Account attributes to write, by name. They may be personal data.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    attributes: Vec<String>,
    /// File to make; its ending chooses the format: .graphml, .json (node-link) or .csv (the transfers alone).
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    csv: CsvArgs,
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    let format = network_format(&args.output)?;
    let graph = args.graph.open()?;
    let options = NetworkOptions {
        transfers_only: args.transfers_only || format == NetworkFormat::Csv,
        identifiers: if args.reveal { Identifiers::Revealed } else { Identifiers::Masked },
        attributes: args.attributes.clone(),
    };
    let (subgraph, network) = match &args.trace {
        Some(directory) => {
            let payments = trace_payments(&graph, directory, run)?;
            let positions: Vec<_> = payments.keys().copied().collect();
            let subgraph = Subgraph::of_transactions(&graph, &positions, run)?;
            let mut network = network(&graph, &subgraph, &options, run)?;
            mark_payments(&mut network, &subgraph, &payments);
            (subgraph, network)
        }
        None => {
            let subgraph = neighborhood(args, &args.window.view(&graph)?, run)?;
            let network = network(&graph, &subgraph, &options, run)?;
            (subgraph, network)
        }
    };
    write_network(&network, &args.output, args.csv.options(), run)?;
    let mut text = format!(
        "{} and {}, written to {}\n",
        counted(subgraph.num_nodes(), "account", "accounts"),
        counted(subgraph.num_edges(), "transfer", "transfers"),
        args.output.display()
    );
    if subgraph.truncated {
        text += "More was found than --accounts-max and --transactions-max allow; \
                 the nearest accounts and the earliest transfers were kept.\n";
    }
    let json = json!({
        "output": args.output.display().to_string(),
        "num_accounts": subgraph.num_nodes(),
        "num_transfers": subgraph.num_edges(),
        "num_nodes": network.nodes.num_rows(),
        "num_edges": network.edges.num_rows(),
        "truncated": subgraph.truncated,
    });
    Ok(Answer::new(text, json))
}

fn neighborhood(args: &Args, view: &View, run: &Run) -> Result<Subgraph> {
    let graph = view.graph();
    let (accounts, hops): (Vec<AccountId>, u32) = match &args.ring {
        Some(place) => (ring_accounts(graph, &RingPlace::find(place)?)?, 0),
        None => (find(graph, &args.account)?, SubgraphOptions::default().hops),
    };
    let options = SubgraphOptions {
        hops: args.hops.unwrap_or(hops),
        accounts_max: args.accounts_max,
        transactions_max: args.transactions_max,
    };
    Subgraph::neighborhood(view, &accounts, &options, run)
}

fn find(graph: &Graph, keys: &[String]) -> Result<Vec<AccountId>> {
    let one = |key: &String| {
        let unknown =
            || Error::UnknownKey { place: "--account".into(), kind: "account".into(), key: key.clone() };
        graph.find_account(key)?.ok_or_else(unknown)
    };
    keys.iter().map(one).collect()
}
