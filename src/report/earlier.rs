//! Results that were written earlier, read back to be drawn: the payments of a trace or an instance.

use super::network::Network;
use super::sheet::Sheet;
use super::table::Values;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::graph::subgraph::Subgraph;
use crate::ids::TxId;
use crate::run::Run;
use crate::units::time::parse_time;
use std::collections::BTreeMap;
use std::path::Path;

/// The part of a transaction that a trace followed, over all its cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Names of the cases, in the order of the trace.
    pub cases: Vec<String>,
    /// Tainted part of what was paid, in minor units.
    pub paid: i64,
    /// Tainted part of what was received, in minor units.
    pub received: i64,
    /// Fewest transactions from a seed.
    pub hop: u32,
}

/// The payments of a trace: `directory` was written by `ringfence trace`.
///
/// # Errors
/// [`Error::UnknownKey`] for a transaction that is not there; [`Error::Input`], [`Error::Io`], [`Error::Cancelled`].
pub fn trace_payments(graph: &Graph, directory: &Path, run: &Run) -> Result<BTreeMap<TxId, Carried>> {
    let needed = ["case", "transaction", "time", "tainted_paid_minor", "tainted_received_minor", "hop"];
    let sheet = Sheet::written(&directory.join("flows.csv"), &needed)?;
    let mut payments: BTreeMap<TxId, Carried> = BTreeMap::new();
    for record in sheet.iter() {
        run.check()?;
        let key = record.need("transaction")?;
        let text = record.need("time")?;
        let time = parse_time(text).ok_or_else(|| record.refuse(format!("time {text:?}")))?;
        let id = find_at(graph, key, time)?.ok_or_else(|| record.unknown("transaction", key))?;
        let whole = |column: &str| -> Result<i64> {
            let text = record.need(column)?;
            text.parse().map_err(|_| record.refuse(format!("{column} {text:?} is no whole number")))
        };
        let (paid, received, hop) =
            (whole("tainted_paid_minor")?, whole("tainted_received_minor")?, whole("hop")?);
        let hop = u32::try_from(hop).map_err(|_| record.refuse(format!("hop {hop}")))?;
        let carried = payments.entry(id).or_insert_with(|| Carried { hop, ..Carried::default() });
        carried.cases.push(record.need("case")?.to_string());
        let sum = |a: i64, b: i64| a.checked_add(b).ok_or_else(|| record.refuse("amounts beyond 2^63 - 1"));
        carried.paid = sum(carried.paid, paid)?;
        carried.received = sum(carried.received, received)?;
        carried.hop = carried.hop.min(hop);
    }
    Ok(payments)
}

/// The payments of one instance of a typology or a pattern, ascending: `place` is `<directory of ringfence patterns>/<instance>`.
///
/// # Errors
/// [`Error::Option`] for a text that is not a directory and an instance; [`Error::UnknownKey`] for an instance or a transaction that is not there;
/// [`Error::Input`], [`Error::Io`], [`Error::Cancelled`].
pub fn instance_payments(graph: &Graph, place: &Path, run: &Run) -> Result<Vec<TxId>> {
    let (Some(directory), Some(instance)) =
        (place.parent(), place.file_name().and_then(|name| name.to_str()))
    else {
        let value = place.display().to_string();
        let allowed = "a directory of patterns and an instance: patterns/fan-in-0123456789ab";
        return Err(Error::Option { name: "pattern", value, allowed });
    };
    let file = directory.join("evidence.csv");
    let sheet = Sheet::written(&file, &["instance", "transaction", "time"])?;
    let mut payments = Vec::new();
    for record in sheet.iter().filter(|record| record.get("instance") == Some(instance)) {
        run.check()?;
        let (key, text) = (record.need("transaction")?, record.need("time")?);
        let time = parse_time(text).ok_or_else(|| record.refuse(format!("time {text:?}")))?;
        payments.push(find_at(graph, key, time)?.ok_or_else(|| record.unknown("transaction", key))?);
    }
    if payments.is_empty() {
        let place = file.display().to_string();
        return Err(Error::UnknownKey { place, kind: "instance".into(), key: instance.into() });
    }
    payments.sort_unstable();
    payments.dedup();
    Ok(payments)
}

/// The transaction `key` of a known time: looked for among those of that time, because where the data has no keys a
/// search by key alone reads whole columns.
pub(super) fn find_at(graph: &Graph, key: &str, time: i64) -> Result<Option<TxId>> {
    let (first, end) = (graph.position_at(time)?, graph.position_at(time.saturating_add(1))?);
    for position in first.0..end.0 {
        if graph.transaction_key(TxId(position))? == key {
            return Ok(Some(TxId(position)));
        }
    }
    Ok(None)
}

/// Adds what a trace followed to the edges of `network`, which was made of `subgraph`: `cases` (joined by `+`),
/// `tainted_paid_minor`, `tainted_received_minor`, `trace_hop`, null for edges that carried nothing. Nodes lose their
/// `hop`: no search from accounts was made.
pub fn mark_payments(network: &mut Network, subgraph: &Subgraph, payments: &BTreeMap<TxId, Carried>) {
    network.nodes.columns.retain(|(name, _)| name != "hop");
    let rows = network.edges.num_rows();
    let carried = || {
        let transfers = subgraph.transactions.iter().map(|transfer| payments.get(&transfer.id));
        transfers.chain(std::iter::repeat(None)).take(rows)
    };
    let whole =
        |value: fn(&Carried) -> i64| Values::OptionI64(carried().map(|found| found.map(value)).collect());
    let cases = carried().map(|found| found.map(|carried| carried.cases.join("+"))).collect();
    network.edges.push("cases", Values::OptionText(cases));
    network.edges.push("tainted_paid_minor", whole(|carried| carried.paid));
    network.edges.push("tainted_received_minor", whole(|carried| carried.received));
    network.edges.push("trace_hop", whole(|carried| i64::from(carried.hop)));
}
