//! `ringfence info`: what a graph holds and where it came from.

use super::Answer;
use super::args::GraphArgs;
use ringfence::Result;
use ringfence::graph::Graph;
use ringfence::report::provenance::hex;
use ringfence::report::text::{escape, to_text};
use ringfence::report::{Table, Values};
use ringfence::units::amount::format_amount;
use ringfence::units::time::format_time;
use serde_json::{Value, json};

/// Show what a graph holds: counts, span, currencies, identifiers, sources.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
}

/// Rows shown of a list; all of them are in `--json`.
const ROWS: usize = 24;

pub fn run(args: &Args) -> Result<Answer> {
    let graph = args.graph.open()?;
    Ok(Answer::new(text(&graph), document(&graph)))
}

/// First and last transaction, if there is any.
fn span(graph: &Graph) -> Option<(i64, i64)> {
    let mut with = graph.manifest().segments.iter().filter(|segment| segment.num_transactions > 0);
    let first = with.next()?;
    Some((first.time_min, with.next_back().unwrap_or(first).time_max))
}

fn document(graph: &Graph) -> Value {
    let manifest = graph.manifest();
    let schema = &manifest.schema;
    let kinds: Vec<Value> = manifest
        .kinds
        .iter()
        .map(|kind| json!({ "name": kind.name, "num_identifiers": kind.num_identifiers }))
        .collect();
    let segments: Vec<Value> = manifest
        .segments
        .iter()
        .chain(&manifest.static_links)
        .map(|segment| {
            let time = |time| (segment.num_transactions > 0).then(|| format_time(time));
            json!({
                "partition": segment.partition,
                "num_transactions": segment.num_transactions,
                "num_links": segment.num_links,
                "first": time(segment.time_min),
                "last": time(segment.time_max),
                "bytes": segment.file.bytes,
                "sha256": hex(&segment.file.sha256),
            })
        })
        .collect();
    let sources: Vec<Value> = manifest
        .sources
        .iter()
        .map(|source| {
            json!({
                "role": source.role, "name": source.name, "sha256": hex(&source.sha256), "bytes": source.bytes,
                "read": source.read, "accepted": source.accepted, "rejected": source.rejected, "skipped": source.skipped,
            })
        })
        .collect();
    let currencies: Vec<Value> = schema
        .currencies
        .iter()
        .zip(&manifest.totals)
        .map(|(currency, total)| {
            json!({
                "code": currency.code, "exponent": currency.exponent,
                "num_transactions": total.accepted, "amount_minor": total.accepted_minor.to_string(),
                "amount": format_amount(total.accepted_minor, currency.exponent),
                "rejected": total.rejected, "rejected_minor": total.rejected_minor.to_string(),
            })
        })
        .collect();
    json!({
        "graph": graph.path().display().to_string(),
        "generation": manifest.generation,
        "live_generation": graph.store().live_generation(),
        "manifest_sha256": hex(&graph.store().manifest_sha256),
        "built_by": manifest.tool,
        "num_accounts": graph.num_accounts(),
        "num_transactions": graph.num_transactions(),
        "first": span(graph).map(|span| format_time(span.0)),
        "last": span(graph).map(|span| format_time(span.1)),
        "partition": format!("{:?}", schema.partition).to_lowercase(),
        "currencies": currencies,
        "channels": schema.channels,
        "labels": schema.labels,
        "kinds": kinds,
        "attributes": manifest.attributes.iter().flat_map(|entry| &entry.columns).map(|c| c.name.as_str()).collect::<Vec<_>>(),
        "segments": segments,
        "sources": sources,
    })
}

fn text(graph: &Graph) -> String {
    let manifest = graph.manifest();
    let bytes: u64 =
        manifest.segments.iter().chain(&manifest.static_links).map(|segment| segment.file.bytes).sum();
    let mut out = format!(
        "graph         {}\ngeneration    {}{} (by {})\naccounts      {}\ntransactions  {}\nsegments      {} ({} MiB)\n",
        escape(&graph.path().display().to_string()),
        manifest.generation,
        match graph.store().live_generation() {
            live if live == manifest.generation => String::new(),
            live => format!(", not the live one, which is {live}"),
        },
        manifest.tool,
        graph.num_accounts(),
        graph.num_transactions(),
        manifest.segments.len(),
        bytes >> 20,
    );
    if let Some((first, last)) = span(graph) {
        out += &format!("from          {}\nto            {}\n", format_time(first), format_time(last));
    }
    let totals = manifest.schema.currencies.iter().zip(&manifest.totals);
    let (mut codes, mut counts, mut amounts) = (Vec::new(), Vec::new(), Vec::new());
    for (currency, total) in totals {
        codes.push(currency.code.clone());
        counts.push(total.accepted);
        amounts.push(Some(format_amount(total.accepted_minor, currency.exponent)));
    }
    let currencies = Table::new([
        ("currency", Values::Text(codes)),
        ("transactions", Values::U64(counts)),
        ("amount", Values::OptionText(amounts)),
    ]);
    let kinds = Table::new([
        ("identifiers", Values::Text(manifest.kinds.iter().map(|kind| kind.name.clone()).collect())),
        ("values", Values::U32(manifest.kinds.iter().map(|kind| kind.num_identifiers).collect())),
    ]);
    let sources = Table::new([
        ("source", Values::Text(manifest.sources.iter().map(|source| source.name.clone()).collect())),
        ("role", Values::Text(manifest.sources.iter().map(|source| source.role.clone()).collect())),
        ("read", Values::U64(manifest.sources.iter().map(|source| source.read).collect())),
        ("accepted", Values::U64(manifest.sources.iter().map(|source| source.accepted).collect())),
        ("rejected", Values::U64(manifest.sources.iter().map(|source| source.rejected).collect())),
        ("skipped", Values::U64(manifest.sources.iter().map(|source| source.skipped).collect())),
    ]);
    for table in [currencies, kinds, sources] {
        if table.num_rows() > 0 {
            out += &format!("\n{}", to_text(&table, ROWS));
        }
    }
    out
}
