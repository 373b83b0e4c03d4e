//! Identity rings as tables and as a directory of files.
//!
//! The directory holds `rings.csv` (one row per ring), `members.csv`, `evidence.csv`, `hubs.csv` and
//! `summary.json` (what was asked of which graph). Identifier values are personal data: unless they are
//! asked for, `kind#number` stands for each, the same number for the same value within one graph.

use crate::error::Result;
use crate::graph::Graph;
use crate::ids::{IdentifierId, KindId};
use crate::report::components::account_keys;
use crate::report::csv::{CsvOptions, write_csv};
use crate::report::output::Directory;
use crate::report::provenance::provenance;
use crate::report::table::{Table, Values};
use crate::rings::{Evidence, IdentityRingOptions, IdentityRings};
use crate::run::Run;
use serde_json::json;
use std::io::Write;
use std::path::Path;

/// How identifier values leave the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identifiers {
    /// As `kind#number`.
    #[default]
    Masked,
    /// As they are.
    Revealed,
}

impl Identifiers {
    /// The text that stands for `identifier`.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) if the keys are.
    pub fn text(self, graph: &Graph, identifier: IdentifierId) -> Result<String> {
        match self {
            Identifiers::Masked => Ok(format!("{}#{}", kind_name(graph, identifier), identifier.value)),
            Identifiers::Revealed => graph.identifier_key(identifier),
        }
    }

    /// The identifier of a kind that a text stands for, whether it was written masked or revealed.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) if the keys are.
    pub fn find(graph: &Graph, kind: KindId, text: &str) -> Result<Option<IdentifierId>> {
        let name = &graph.manifest().kinds[kind.index()].name;
        let masked = text.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('#'));
        match masked.and_then(|number| number.parse().ok()) {
            Some(value) => {
                let identifier = IdentifierId { kind, value };
                Ok(graph.identifier_key(identifier).is_ok().then_some(identifier))
            }
            None => graph.find_identifier(kind, text),
        }
    }

    /// The columns `kind` and `identifier` of `all`.
    pub(in crate::report) fn columns(
        self,
        graph: &Graph,
        all: &[IdentifierId],
    ) -> Result<[(&'static str, Values); 2]> {
        let kinds = all.iter().map(|&one| kind_name(graph, one).to_string()).collect();
        let texts = all.iter().map(|&one| self.text(graph, one)).collect::<Result<_>>()?;
        Ok([("kind", Values::Text(kinds)), ("identifier", Values::Text(texts))])
    }
}

/// Identity rings with external keys.
#[derive(Clone, Debug, PartialEq)]
pub struct RingTables {
    /// `ring`, `num_accounts`, `num_identifiers`, `kinds` (joined by `+`), `first`, `last` sighting: one row per ring.
    pub rings: Table,
    /// `ring`, `account`: one row per member.
    pub members: Table,
    /// `ring`, `account`, `kind`, `identifier`, `first`, `last`, `count`: one row per use of a tying identifier.
    pub evidence: Table,
    /// `kind`, `identifier`, `num_accounts`: identifiers that too many accounts share to tie them.
    pub hubs: Table,
}

/// The tables of `rings`.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged) if the keys are; [`Error::Cancelled`](crate::Error::Cancelled).
pub fn ring_tables(
    graph: &Graph,
    rings: &IdentityRings,
    identifiers: Identifiers,
    run: &Run,
) -> Result<RingTables> {
    run.stage("keys", rings.evidence.len() as u64);
    run.check()?;
    Ok(RingTables {
        rings: summary(graph, rings),
        members: member_table(graph, rings, run)?,
        evidence: evidence_table(graph, rings, identifiers, run)?,
        hubs: hub_table(graph, rings, identifiers)?,
    })
}

/// One row per member, by ring and key: the order of ids is that of arrival, which says nothing outside.
fn member_table(graph: &Graph, rings: &IdentityRings, run: &Run) -> Result<Table> {
    let members: Vec<u32> = rings.members.iter().map(|account| account.0).collect();
    let numbers = (0..rings.len()).flat_map(|ring| rings.ring(ring).iter().map(move |_| ring as u32));
    let mut rows: Vec<(u32, String)> = numbers.zip(account_keys(graph, &members, run)?).collect();
    rows.sort_unstable();
    let (numbers, keys) = rows.into_iter().unzip();
    Ok(Table::new([("ring", Values::U32(numbers)), ("account", Values::Text(keys))]))
}

/// One row per use, by ring, identifier, and key of the account.
fn evidence_table(
    graph: &Graph,
    rings: &IdentityRings,
    identifiers: Identifiers,
    run: &Run,
) -> Result<Table> {
    let used: Vec<u32> = rings.evidence.iter().map(|evidence| evidence.account.0).collect();
    let keys = account_keys(graph, &used, run)?;
    let mut rows: Vec<(&Evidence, String)> = rings.evidence.iter().zip(keys).collect();
    rows.sort_unstable_by(|(a, key), (b, other)| {
        (a.ring, a.identifier, key).cmp(&(b.ring, b.identifier, other))
    });
    let used: Vec<IdentifierId> = rows.iter().map(|(one, _)| one.identifier).collect();
    let [kinds, texts] = identifiers.columns(graph, &used)?;
    Ok(Table::new([
        ("ring", Values::U32(rows.iter().map(|(one, _)| one.ring).collect())),
        ("account", Values::Text(rows.iter().map(|(_, key)| key.clone()).collect())),
        kinds,
        texts,
        ("first", Values::OptionTime(rows.iter().map(|(one, _)| one.first).collect())),
        ("last", Values::OptionTime(rows.iter().map(|(one, _)| one.last).collect())),
        ("count", Values::U32(rows.iter().map(|(one, _)| one.count).collect())),
    ]))
}

fn hub_table(graph: &Graph, rings: &IdentityRings, identifiers: Identifiers) -> Result<Table> {
    let hubs = &rings.hubs;
    let all: Vec<IdentifierId> = hubs.iter().map(|hub| hub.identifier).collect();
    let [kinds, texts] = identifiers.columns(graph, &all)?;
    Ok(Table::new([
        kinds,
        texts,
        ("num_accounts", Values::U32(hubs.iter().map(|hub| hub.num_accounts).collect())),
    ]))
}

/// One row per ring.
fn summary(graph: &Graph, rings: &IdentityRings) -> Table {
    let (mut accounts, mut identifiers, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for ring in 0..rings.len() {
        let evidence = rings.evidence_of(ring);
        accounts.push(rings.ring(ring).len() as u32);
        let distinct: Vec<_> =
            evidence.chunk_by(|a, b| a.identifier == b.identifier).map(|c| c[0].identifier).collect();
        identifiers.push(distinct.len() as u32);
        let names = distinct.chunk_by(|a, b| a.kind == b.kind).map(|chunk| kind_name(graph, chunk[0]));
        kinds.push(names.collect::<Vec<_>>().join("+"));
        first.push(evidence.iter().filter_map(|one| one.first).min());
        last.push(evidence.iter().filter_map(|one| one.last).max());
    }
    Table::new([
        ("ring", Values::U32((0..rings.len() as u32).collect())),
        ("num_accounts", Values::U32(accounts)),
        ("num_identifiers", Values::U32(identifiers)),
        ("kinds", Values::Text(kinds)),
        ("first", Values::OptionTime(first)),
        ("last", Values::OptionTime(last)),
    ])
}

/// Writes the tables and what they rest on to the new directory `path`, whole or not at all.
///
/// # Errors
/// Those of [`Directory`].
pub fn write_rings(
    graph: &Graph,
    tables: &RingTables,
    options: &IdentityRingOptions,
    path: &Path,
    csv: CsvOptions,
    run: &Run,
) -> Result<()> {
    run.stage("writing", 0);
    let directory = Directory::create(path, run)?;
    let files = [
        ("rings", &tables.rings),
        ("members", &tables.members),
        ("evidence", &tables.evidence),
        ("hubs", &tables.hubs),
    ];
    for (name, table) in files {
        directory.file(&format!("{name}.csv"), |out| write_csv(table, csv, out))?;
    }
    let names = &graph.manifest().kinds;
    let kinds: Vec<&str> = match &options.kinds {
        Some(kinds) => kinds.iter().map(|kind| names[kind.index()].name.as_str()).collect(),
        None => names.iter().map(|kind| kind.name.as_str()).collect(),
    };
    let summary = json!({
        "result": "identity rings",
        "graph": provenance(graph),
        "options": { "kinds": kinds, "accounts_max": options.accounts_max, "accounts_min": options.accounts_min },
        "num_rings": tables.rings.num_rows(),
        "num_members": tables.members.num_rows(),
        "num_hubs": tables.hubs.num_rows(),
    });
    directory.file("summary.json", |out| {
        serde_json::to_writer_pretty(&mut *out, &summary)?;
        out.write_all(b"\n")
    })?;
    directory.finish()
}

/// The name of an identifier's kind.
pub(in crate::report) fn kind_name(graph: &Graph, identifier: IdentifierId) -> &str {
    &graph.manifest().kinds[identifier.kind.index()].name
}
