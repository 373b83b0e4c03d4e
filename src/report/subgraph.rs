//! Subgraphs as networks: accounts, transfers, shared identifiers, with external keys.
//!
//! Nodes are accounts (`type` = `account`) and, unless left out, the identifiers that at least two of them use (`type`
//! = `identifier`); edges are transfers, and the uses of those identifiers. Names leave as they are or as pseudonyms
//! ([`Names`]), identifier values masked unless they are asked for, and account attributes only if they are: all of them are
//! personal data. Accounts are in the order of their keys, so with pseudonyms nodes, and uses of identifiers,
//! are in that of the pseudonyms.

use super::network::Network;
use super::pseudonyms::{Names, Pseudonyms};
use super::rings::{Identifiers, kind_name};
use super::table::{Table, Values};
use crate::error::{Error, Result};
use crate::graph::attributes::AttributeValue;
use crate::graph::subgraph::Subgraph;
use crate::graph::{Graph, Transaction};
use crate::ids::TxId;
use crate::run::Run;
use crate::store::format::flags;
use crate::store::manifest::AttributeKind;
use crate::units::amount::format_amount;
use std::collections::HashSet;

/// What of a subgraph leaves the engine, beside accounts and transfers.
#[derive(Clone, Debug)]
pub struct NetworkOptions {
    /// Whether identifiers that accounts share are left out.
    pub transfers_only: bool,
    /// How accounts, transactions and identifiers are called.
    pub names: Names,
    /// How identifiers are called where names are revealed.
    pub identifiers: Identifiers,
    /// Account attributes that become attributes of nodes, by name.
    pub attributes: Vec<String>,
}

/// `subgraph` with external keys.
///
/// Nodes: `id`, `type`, `hop` (transfers from where the search began), attributes. Edges: `id` (transaction key), `source`,
/// `target`, `type` (`transfer` or `uses`), `time`, `currency`, `amount` (decimal), `amount_minor`, `received_currency`,
/// `received_amount`, `received_amount_minor`, `channel`, `label`, `corrects` and `reverses` (the id of the earlier transaction that this one says anew
/// or takes back; one that was corrected is no edge itself); null where they do not apply.
///
/// # Errors
/// [`Error::UnknownKey`] for an attribute that the graph does not have; [`Error::Damaged`]; [`Error::Cancelled`].
pub fn network(graph: &Graph, subgraph: &Subgraph, options: &NetworkOptions, run: &Run) -> Result<Network> {
    run.stage("keys", (subgraph.num_nodes() + subgraph.num_edges()) as u64);
    run.check()?;
    let keys = account_names(graph, subgraph, &options.names)?;
    let identifiers =
        if options.transfers_only { Vec::new() } else { identifier_nodes(graph, subgraph, &keys, options)? };
    let mut nodes = node_table(graph, subgraph, &keys, &identifiers, options)?;
    run.check()?;
    let mut edges = edge_table(graph, subgraph, &keys, &identifiers, &options.names)?;
    if let Some(pseudonyms) = options.names.pseudonyms() {
        let ids: Vec<&String> = keys.iter().chain(&identifiers).collect();
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.sort_by_key(|&row| ids[row]);
        if let Some(alike) = order.windows(2).find(|rows| ids[rows[0]] == ids[rows[1]]) {
            return Err(pseudonyms.alike(ids[alike[0]]));
        }
        nodes = nodes.pick(&order);
        // Transfers are in time order; uses were in that of the accounts.
        let (names, mut order) = (texts(&edges, "id"), (0..edges.num_rows()).collect::<Vec<_>>());
        order[subgraph.num_edges()..].sort_by_key(|&row| &names[row]);
        edges = edges.pick(&order);
    }
    Ok(Network { nodes, edges })
}

/// What takes the pseudonyms of [`network`] back to names: `kind` (`account`, `transaction` or a kind of identifiers),
/// `pseudonym`, `name`.
///
/// # Errors
/// [`Error::Damaged`]; [`Error::Cancelled`].
pub fn key_table(
    graph: &Graph,
    subgraph: &Subgraph,
    pseudonyms: &Pseudonyms,
    transfers_only: bool,
    run: &Run,
) -> Result<Table> {
    run.check()?;
    let (mut kinds, mut stand_ins, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let mut row = |kind: &str, pseudonym: String, name: String| {
        kinds.push(kind.to_string());
        stand_ins.push(pseudonym);
        names.push(name);
    };
    for &account in &subgraph.accounts {
        let key = graph.account_key(account)?;
        row("account", pseudonyms.account(&key), key);
    }
    // Those that edges refer to need not be edges themselves.
    let edges = subgraph.transactions.iter().map(|transfer| transfer.id);
    let mut transactions: Vec<TxId> = edges.collect();
    let mut known: HashSet<TxId> = transactions.iter().copied().collect();
    transactions.extend(subgraph.refers.iter().flatten().filter(|&&earlier| known.insert(earlier)));
    for id in transactions {
        let key = graph.transaction_key(id)?;
        row("transaction", pseudonyms.transaction(&key), key);
    }
    for &(identifier, _) in if transfers_only { &[][..] } else { &subgraph.shared[..] } {
        let (kind, value) = (kind_name(graph, identifier), graph.identifier_key(identifier)?);
        row(kind, pseudonyms.identifier(kind, &value), value);
    }
    Ok(Table::new([
        ("kind", Values::Text(kinds)),
        ("pseudonym", Values::Text(stand_ins)),
        ("name", Values::Text(names)),
    ]))
}

/// The texts of a column that was made as such.
fn texts<'t>(table: &'t Table, name: &str) -> &'t [String] {
    match table.column(name) {
        Some(Values::Text(texts)) => texts,
        _ => &[],
    }
}

fn account_names(graph: &Graph, subgraph: &Subgraph, names: &Names) -> Result<Vec<String>> {
    subgraph.accounts.iter().map(|&account| Ok(names.account(&graph.account_key(account)?))).collect()
}

/// The names of shared identifiers, none of them that of an account.
fn identifier_nodes(
    graph: &Graph,
    subgraph: &Subgraph,
    keys: &[String],
    options: &NetworkOptions,
) -> Result<Vec<String>> {
    let mut taken: HashSet<String> = keys.iter().cloned().collect();
    subgraph
        .shared
        .iter()
        .map(|&(identifier, _)| {
            let kind = kind_name(graph, identifier);
            let mut name = match (&options.names, options.identifiers) {
                (Names::Pseudonyms(names), _) => {
                    return Ok(names.identifier(kind, &graph.identifier_key(identifier)?));
                }
                (Names::Revealed, Identifiers::Masked) => options.identifiers.text(graph, identifier)?,
                // Two kinds can have the same value.
                (Names::Revealed, Identifiers::Revealed) => {
                    format!("{kind}:{}", graph.identifier_key(identifier)?)
                }
            };
            while !taken.insert(name.clone()) {
                name.push('*');
            }
            Ok(name)
        })
        .collect()
}

fn node_table(
    graph: &Graph,
    subgraph: &Subgraph,
    keys: &[String],
    identifiers: &[String],
    options: &NetworkOptions,
) -> Result<Table> {
    let (accounts, more) = (keys.len(), identifiers.len());
    let types = std::iter::repeat_n("account", accounts).chain(std::iter::repeat_n("identifier", more));
    let hops = subgraph.hops.iter().map(|&hop| Some(i64::from(hop)));
    let mut table = Table::new([
        ("id", Values::Text(keys.iter().chain(identifiers).cloned().collect())),
        ("type", Values::Text(types.map(String::from).collect())),
        ("hop", Values::OptionI64(hops.chain(std::iter::repeat_n(None, more)).collect())),
    ]);
    for name in &options.attributes {
        let columns = graph.attribute_columns();
        let column =
            columns.iter().position(|column| column.name == *name).ok_or_else(|| Error::UnknownKey {
                place: graph.path().display().to_string(),
                kind: "attribute of accounts".into(),
                key: name.clone(),
            })?;
        // A name of our own wins; the attribute stays recognisable.
        let title = if table.column(name).is_some() { format!("account_{name}") } else { name.clone() };
        table.push(title, attribute(graph, subgraph, column, columns[column].kind, more)?);
    }
    Ok(table)
}

/// One attribute of every account, and null for `more` other nodes.
fn attribute(
    graph: &Graph,
    subgraph: &Subgraph,
    column: usize,
    kind: AttributeKind,
    more: usize,
) -> Result<Values> {
    let found = subgraph
        .accounts
        .iter()
        .map(|&account| graph.attribute(column, account))
        .collect::<Result<Vec<_>>>()?;
    let found = found.into_iter().chain(std::iter::repeat_n(None, more));
    macro_rules! column {
        ($values:ident, $kind:ident) => {
            Values::$values(
                found
                    .map(|value| match value {
                        Some(AttributeValue::$kind(value)) => Some(value),
                        _ => None,
                    })
                    .collect(),
            )
        };
    }
    // A macro because the five kinds differ in nothing but their names.
    Ok(match kind {
        AttributeKind::Text => column!(OptionText, Text),
        AttributeKind::Integer => column!(OptionI64, Integer),
        AttributeKind::Float => column!(OptionF64, Float),
        AttributeKind::Boolean => column!(OptionBoolean, Boolean),
        AttributeKind::Time => column!(OptionTime, Time),
    })
}

fn edge_table(
    graph: &Graph,
    subgraph: &Subgraph,
    keys: &[String],
    identifiers: &[String],
    names: &Names,
) -> Result<Table> {
    let transfers = &subgraph.transactions;
    let name = |transfer: &Transaction| Ok(names.transaction(&graph.transaction_key(transfer.id)?));
    let mut ids = transfers.iter().map(name).collect::<Result<Vec<String>>>()?;
    let mut taken = HashSet::with_capacity(ids.len());
    for id in &ids {
        if let (false, Some(pseudonyms)) = (taken.insert(id.clone()), names.pseudonyms()) {
            return Err(pseudonyms.alike(id));
        }
    }
    let ends =
        |end: fn(&(u32, u32)) -> u32| subgraph.ends.iter().map(move |ends| keys[end(ends) as usize].clone());
    let (mut sources, mut targets): (Vec<_>, Vec<_>) =
        (ends(|ends| ends.0).collect(), ends(|ends| ends.1).collect());
    let mut types = vec!["transfer".to_string(); ids.len()];
    for (name, (_, nodes)) in identifiers.iter().zip(&subgraph.shared) {
        for &node in nodes {
            let mut id = format!("uses:{}:{name}", keys[node as usize]);
            while !taken.insert(id.clone()) {
                id.push('*');
            }
            ids.push(id);
            sources.push(keys[node as usize].clone());
            targets.push(name.clone());
            types.push("uses".to_string());
        }
    }
    let uses = ids.len() - transfers.len();
    let code = |transfer: &Transaction, received: bool| {
        let id = if received { transfer.received_currency } else { transfer.paid_currency };
        graph.currency(id)
    };
    let text = |value: &dyn Fn(&Transaction) -> Option<String>| {
        Values::OptionText(transfers.iter().map(value).chain(std::iter::repeat_n(None, uses)).collect())
    };
    let whole = |value: fn(&Transaction) -> i64| {
        let values = transfers.iter().map(|transfer| Some(value(transfer)));
        values.chain(std::iter::repeat_n(None, uses)).collect()
    };
    let schema = &graph.manifest().schema;
    let mut channels = Vec::with_capacity(ids.len());
    let mut labels = Vec::with_capacity(ids.len());
    for transfer in transfers {
        let (segment, row) = graph.locate(transfer.id)?;
        channels.push(named(&schema.channels, segment.transactions.channel.get(row)?));
        labels.push(named(&schema.labels, segment.transactions.label.get(row)?));
    }
    channels.resize(ids.len(), None);
    labels.resize(ids.len(), None);
    let (mut corrects, mut reverses) = (vec![None; ids.len()], vec![None; ids.len()]);
    for (edge, (transfer, earlier)) in transfers.iter().zip(&subgraph.refers).enumerate() {
        let Some(earlier) = earlier else { continue };
        let is_correction = transfer.flags & flags::CORRECTION != 0;
        let column = if is_correction { &mut corrects } else { &mut reverses };
        column[edge] = Some(names.transaction(&graph.transaction_key(*earlier)?));
    }
    Ok(Table::new([
        ("id", Values::Text(ids)),
        ("source", Values::Text(sources)),
        ("target", Values::Text(targets)),
        ("type", Values::Text(types)),
        ("time", Values::OptionTime(whole(|transfer| transfer.time))),
        ("currency", text(&|transfer| Some(code(transfer, false).code.clone()))),
        (
            "amount",
            text(&|transfer| Some(format_amount(transfer.paid.into(), code(transfer, false).exponent))),
        ),
        ("amount_minor", Values::OptionI64(whole(|transfer| transfer.paid))),
        ("received_currency", text(&|transfer| Some(code(transfer, true).code.clone()))),
        (
            "received_amount",
            text(&|transfer| Some(format_amount(transfer.received.into(), code(transfer, true).exponent))),
        ),
        ("received_amount_minor", Values::OptionI64(whole(|transfer| transfer.received))),
        ("channel", Values::OptionText(channels)),
        ("label", Values::OptionText(labels)),
        ("corrects", Values::OptionText(corrects)),
        ("reverses", Values::OptionText(reverses)),
    ]))
}

/// The name of a channel or label code; 0 is none.
fn named(names: &[String], code: u8) -> Option<String> {
    names.get(usize::from(code.checked_sub(1)?)).cloned()
}
