//! A part of a graph as an export: names, columns and format chosen, and what was withheld said.

use super::super::earlier::{Carried, mark_payments};
use super::super::provenance::{provenance, window_document};
use super::super::subgraph::{NetworkOptions, key_table, network};
use super::Format;
use super::columns::Columns;
use super::written::{Export, Exported, write_export};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::graph::subgraph::{Subgraph, SubgraphOptions};
use crate::ids::TxId;
use crate::run::Run;
use crate::units::Window;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What of a subgraph is exported, and how.
#[derive(Clone, Debug)]
pub struct PartOptions {
    /// Names, identifiers and attributes.
    pub network: NetworkOptions,
    /// Which columns leave.
    pub columns: Columns,
    /// The format; the one that the output's ending asks for if not given.
    pub format: Option<Format>,
    /// Whether texts in CSV that a spreadsheet would run as a formula are preceded by an apostrophe; never in the files for Neo4j.
    pub guard_formulas: bool,
    /// File to make with the table that takes pseudonyms back to names, for its owner alone.
    pub key_table: Option<PathBuf>,
    /// How far and how large the subgraph could be, and when; `None` where it was not searched for.
    pub asked: Option<(SubgraphOptions, Window)>,
}

/// Writes `subgraph` of `graph` to the new file or directory `path`, whole or not at all; `payments` are what a trace followed.
///
/// # Errors
/// [`Error::Input`] for columns that are not there, and for a table of names without pseudonyms; those of [`network`] and of
/// [`write_export`]; nothing is left then.
pub fn export_part(
    graph: &Graph,
    subgraph: &Subgraph,
    payments: Option<&BTreeMap<TxId, Carried>>,
    options: &PartOptions,
    path: &Path,
    run: &Run,
) -> Result<Exported> {
    let format = Format::chosen(options.format, path)?;
    let mut given = options.network.clone();
    given.transfers_only |= !format.has_identifiers();
    let keys = match (&options.key_table, given.names.pseudonyms()) {
        (None, _) => None,
        (Some(place), Some(pseudonyms)) => {
            Some((place.clone(), key_table(graph, subgraph, pseudonyms, given.transfers_only, run)?))
        }
        (Some(place), None) => {
            let problem = "is for pseudonyms, and names are revealed: leave out the table, or --reveal";
            return Err(Error::input(place.display(), problem));
        }
    };
    let mut network = network(graph, subgraph, &given, run)?;
    if let Some(payments) = payments {
        mark_payments(&mut network, subgraph, payments);
    }
    let left_out = options.columns.apply(&mut network)?;
    let document = document(graph, subgraph, options, given.transfers_only);
    let export =
        Export { format, guard_formulas: options.guard_formulas, left_out, document, key_table: keys };
    write_export(&network, path, export, run)
}

/// What is known of a part before it is written. It names no account: it goes where the export goes.
fn document(graph: &Graph, subgraph: &Subgraph, options: &PartOptions, transfers_only: bool) -> Value {
    let attributes = graph.attribute_columns().iter().map(|column| column.name.as_str());
    let withheld: Vec<&str> =
        attributes.filter(|name| !options.network.attributes.iter().any(|asked| asked == name)).collect();
    let limits = options.asked.as_ref().map_or(Value::Null, |(limits, window)| {
        json!({
            "hops": limits.hops,
            "accounts_max": limits.accounts_max,
            "transactions_max": limits.transactions_max,
            "window": window_document(*window),
        })
    });
    json!({
        "names": options.network.names.document(),
        "identifiers_left_out": transfers_only,
        "attributes_left_out": withheld,
        "num_accounts": subgraph.num_nodes(),
        "num_transfers": subgraph.num_edges(),
        "limits": limits,
        "cut_by_limits": subgraph.truncated,
        "provenance": provenance(graph),
    })
}
