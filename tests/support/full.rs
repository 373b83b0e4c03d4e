//! A small store with every kind of file and column, and everything that can be asked of it, as text.
#![allow(dead_code)] // Each test program uses its own part.

use ringfence::graph::Graph;
use ringfence::graph::build::{IngestOptions, Sources, append, ingest};
use ringfence::graph::links::identifier_groups;
use ringfence::graph::project::{Over, ProjectOptions, Weight, project, project_directed};
use ringfence::ids::{AccountId, CurrencyId, IdentifierId, KindId, TxId};
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::store::{Io, Keys};
use ringfence::units::Window;
use ringfence::{Error, Result, Run};
use serde_json::{Value, json};
use std::path::Path;

/// The preset `ledger`, with attributes of every type.
fn mapping(attributes: &str) -> Mapping {
    let text = include_str!("../../src/ingest/presets/ledger.toml");
    let text = text.replace(
        "account = \"account\"\n\n[links]",
        &format!("account = \"account\"\n{attributes}\n\n[links]"),
    );
    Mapping::parse(&text, "full.toml").unwrap()
}

const TYPES: &str = r#"
[accounts.types]
segment = "text"
score = "integer"
ratio = "float"
active = "boolean"
opened = "time"
"#;

const ACCOUNTS: &str = "account,segment,score,ratio,active,opened
a0,retail,7,0.5,true,2020-02-29T00:00:00Z
a1,,-12,,false,
a2,small business,,1e9,,1999-12-31T23:59:59Z
a3,Grüße,0,-0.25,true,2024-01-01T00:00:00Z
never paid,private,1,2,false,2001-01-01T00:00:00Z
";

const LINKS: &str = "account,kind,value,first_seen,last_seen
a0,phone,+49 1,2024-01-01T00:00:00Z,2024-03-01T00:00:00Z
a1,phone,+49 1,,
a3,phone,+49 2,2024-02-01T00:00:00Z,
a2,email,x@y,,
a0,email,x@y,,2024-02-02T00:00:00Z
a1,device,700,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z
";

const HEADER: &str = "transaction,source,destination,time,amount,currency,received_amount,received_currency,device,channel,label\n";

/// Payments over two months and a bit, with ties, a self-transfer, conversions, devices, channels and labels.
fn payments(first: u32, num: u32, month: u32) -> String {
    let mut text = HEADER.to_string();
    for row in first..first + num {
        let (source, destination) = (row * 7 % 5, (row * 3 + 1) % 6);
        let (day, hour) = (1 + row * 5 % 27, row * 11 % 24);
        let received = ["", "", "17"][(row % 3) as usize];
        let received_currency = if received.is_empty() { "" } else { "JPY" };
        let device = if row % 4 == 0 { String::new() } else { (700 + row % 3).to_string() };
        text += &format!(
            "t{row:03},a{source},a{destination},2024-{:02}-{day:02}T{hour:02}:00:00Z,{}.{:02},{},{received},{received_currency},{device},{},{}\n",
            month + row % 2,
            row * 31 % 1000,
            row * 17 % 100,
            ["EUR", "USD"][(row % 2) as usize],
            ["", "wire", "card"][(row % 3) as usize],
            ["", "laundering"][usize::from(row % 7 == 0)],
        );
    }
    text
}

/// Builds the store at `path`, from tables that are written beside it.
pub fn build(path: &Path, options: &IngestOptions) {
    build_of(path, &payments(0, 24, 1), options);
}

/// As [`build`], with payments of one's own.
pub fn build_of(path: &Path, payments: &str, options: &IngestOptions) {
    let file = |name: &str, text: &str| {
        let file = path.with_extension(name);
        std::fs::write(&file, text).unwrap();
        vec![Source::File(file)]
    };
    let sources = Sources {
        transactions: file("payments.csv", payments),
        accounts: file("accounts.csv", ACCOUNTS),
        links: file("links.csv", LINKS),
    };
    ingest(path, sources, &mapping(TYPES), &mut RejectLog::counting(), options, &Run::new()).unwrap();
}

/// Adds a generation: late payments and a new month.
pub fn grow(path: &Path, options: &IngestOptions) {
    append_rows(path, &payments(24, 8, 2), options);
}

/// Adds a generation with these payments.
pub fn append_rows(path: &Path, payments: &str, options: &IngestOptions) {
    let file = path.with_extension("later.csv");
    std::fs::write(&file, payments).unwrap();
    let sources = Sources { transactions: vec![Source::File(file)], ..Sources::default() };
    append(path, sources, &mut RejectLog::counting(), options, &Run::new()).unwrap();
}

/// Everything that the graph at `path` says, through both ends of each interface.
pub fn answers(path: &Path, io: Io) -> Result<Value> {
    let run = Run::new();
    let graph = Graph::open(path, io)?;
    let manifest = graph.manifest();
    let transactions = (0..graph.num_transactions()).map(|at| transaction(&graph, TxId(at)));
    let accounts = (0..graph.num_accounts()).map(|at| account(&graph, AccountId(at)));
    let times: Vec<i64> =
        manifest.segments.iter().flat_map(|entry| [entry.time_min, entry.time_max]).collect();
    let mut windows = Vec::new();
    for (&from, &to) in times.iter().flat_map(|from| times.iter().map(move |to| (from, to))) {
        let view = graph.window(Window { from, to })?;
        let positions = view.positions();
        windows.push(json!([from, to, positions.start.0, positions.end.0, view.first_time()?]));
    }
    let mut projections = Vec::new();
    let amounts = (!manifest.schema.currencies.is_empty()).then_some(Weight::Amount(CurrencyId(0)));
    for weight in [Weight::Count, Weight::LogAmount].into_iter().chain(amounts) {
        let options = ProjectOptions { over: Over::Both, weight, ..ProjectOptions::default() };
        let (both, directed) =
            match (project(&graph.view(), &options, &run), project_directed(&graph.view(), &options, &run)) {
                // Sums that a projection cannot hold are an answer as well.
                (Err(Error::Limit { .. }), _) | (_, Err(Error::Limit { .. })) => {
                    projections.push(json!("limit"));
                    continue;
                }
                (both, directed) => (both?, directed?),
            };
        let rows = |rows: &ringfence::graph::project::Rows| -> Vec<Value> {
            (0..rows.num_nodes() as u32).map(|node| json!(rows.entries(node).collect::<Vec<_>>())).collect()
        };
        projections.push(json!([
            both.hubs.len(),
            rows(&both.rows),
            rows(&directed.out),
            rows(&directed.incoming)
        ]));
    }
    let groups = identifier_groups(&graph.view(), &run)?;
    let groups: Result<Vec<Value>> = groups
        .iter()
        .map(|(identifier, uses)| {
            let uses: Vec<_> =
                uses.iter().map(|each| (each.account.0, each.first, each.last, each.count)).collect();
            Ok(json!([identifier.kind.0, graph.identifier_key(identifier)?, uses]))
        })
        .collect();
    Ok(json!({
        "generation": manifest.generation,
        "currencies": manifest.schema.currencies.iter().map(|currency| json!([currency.code, currency.exponent])).collect::<Vec<_>>(),
        "totals": manifest.totals.iter().map(|total| json!([total.accepted, total.accepted_minor.to_string()])).collect::<Vec<_>>(),
        "transactions": transactions.collect::<Result<Vec<_>>>()?,
        "accounts": accounts.collect::<Result<Vec<_>>>()?,
        "identifiers": identifiers(&graph)?,
        "groups": groups?,
        "refers": refers(&graph)?,
        "windows": windows,
        "projections": projections,
    }))
}

fn transaction(graph: &Graph, id: TxId) -> Result<Value> {
    let found = graph.transaction(id)?;
    let (segment, row) = graph.locate(id)?;
    let columns = &segment.transactions;
    let key = graph.transaction_key(id)?;
    Ok(json!([
        key,
        graph.find_transaction(&key)?.map(|id| id.0),
        found.source.0,
        found.destination.0,
        found.time,
        found.paid,
        graph.currency(found.paid_currency).code,
        found.received,
        graph.currency(found.received_currency).code,
        found.flags,
        columns.channel.get(row)?,
        columns.label.get(row)?,
        columns.row.get(row)?,
        columns.device.as_ref().map(|device| device.get(row)).transpose()?,
        graph.position_at(found.time)?.0,
    ]))
}

/// Positions of transactions that correct or reverse another one, that one, and its flags.
fn refers(graph: &Graph) -> Result<Vec<Value>> {
    let ids: Vec<TxId> = (0..graph.num_transactions()).map(TxId).collect();
    let earlier = graph.refer_to(&ids)?.into_iter().zip(&ids);
    let earlier = earlier.filter_map(|(earlier, id)| Some((id, earlier?)));
    earlier.map(|(id, earlier)| Ok(json!([id.0, earlier.0, graph.transaction(earlier)?.flags]))).collect()
}

fn account(graph: &Graph, id: AccountId) -> Result<Value> {
    let view = graph.view();
    let key = graph.account_key(id)?;
    let attributes = (0..graph.attribute_columns().len())
        .map(|column| Ok(graph.attribute(column, id)?.map(|value| format!("{value:?}"))));
    let mut slices = Vec::new();
    for slice in view.out(id).map(|slice| (0, slice)).chain(view.incoming(id).map(|slice| (1, slice))) {
        let (way, slice) = (slice.0, slice.1?);
        slices.push(json!([way, slice.base.0, slice.neighbors, slice.transactions]));
    }
    let found = graph.find_account(&key)?.map(|found| found.0);
    let absent = graph.find_account(&format!("{key}?"))?.map(|found| found.0);
    Ok(json!([key, found, absent, attributes.collect::<Result<Vec<_>>>()?, slices]))
}

fn identifiers(graph: &Graph) -> Result<Value> {
    let of_kind = |(kind, keys): (usize, &Keys)| -> Result<Value> {
        let key = |value| graph.identifier_key(IdentifierId { kind: KindId(kind as u8), value });
        Ok(json!([
            graph.manifest().kinds[kind].name,
            (0..keys.len() as u32).map(key).collect::<Result<Vec<_>>>()?
        ]))
    };
    graph.store().identifier_keys().iter().enumerate().map(of_kind).collect()
}
