//! What is drawn of each kind of result.

use super::file::Language;
use super::sentences::capital;
use super::sketch::{Columns, Heading, Sketch, column};
use super::words::Words;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::graph::subgraph::Subgraph;
use crate::report::Report;
use crate::report::communities::CommunityAnswer;
use crate::report::network::Network;
use crate::report::projection::Projected;
use crate::report::pseudonyms::Names;
use crate::report::rings::{Identifiers, RingTables};
use crate::report::subgraph::{NetworkOptions, network};
use crate::report::table::{Cell, Table};
use crate::run::Run;
use crate::units::Currency;
use roaring::RoaringBitmap;
use std::cmp::Reverse;
use std::collections::HashSet;

/// The columns of payments behind a ring or a shape.
const EVIDENCE: Columns =
    Columns { source: "source", target: "destination", currency: "currency", minor: "paid_minor" };
/// The columns of payments that a trace followed: what arrived, since a seed is followed from there on.
const FOLLOWED: Columns = Columns {
    source: "source",
    target: "destination",
    currency: "received_currency",
    minor: "tainted_received_minor",
};
/// The columns of payments that a search for origins followed: what was paid, since a target is followed from there back.
const CAME: Columns =
    Columns { source: "source", target: "destination", currency: "currency", minor: "tainted_paid_minor" };
/// The columns of the steps of money paths.
const STEPS: Columns = Columns {
    source: "source",
    target: "destination",
    currency: "received_currency",
    minor: "received_minor",
};
/// The columns of the edges of a network.
const EDGES: Columns =
    Columns { source: "source", target: "target", currency: "currency", minor: "amount_minor" };

/// Transactions that are read of the drawn part of a community.
const TRANSACTIONS: u32 = 20_000;

impl Sketch {
    /// A ring of `rings`, by its name or its rank from 1: its members, the payments behind its claims, the identifiers that tie it.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] if there is no such ring.
    pub fn ring(graph: &Graph, rings: &Report, ring: &str) -> Result<Self> {
        let names = table(rings, "rings")?;
        let (row, name) = row_of(names, "ring", ring)?;
        let heading = Heading {
            number: Some(row as u64 + 1),
            name: Some(name.clone()),
            ..heading("ring", "Ring", "团伙")
        };
        let mut sketch = Sketch::new(heading, currencies(graph));
        let members = table(rings, "members")?;
        for row in rows(members, "ring", &name)? {
            let account = sketch.account(&told(members, "account", row)?);
            told(members, "roles", row)?.split('+').for_each(|role| sketch.role(account, role));
        }
        let evidence = table(rings, "evidence")?;
        let of_ring = column(evidence, "ring")?;
        sketch.members_end();
        sketch.transfers(evidence, EVIDENCE, |row| of_ring.cell(row) == Cell::Text(&name))?;
        sketch.shared(table(rings, "identifiers")?, &Cell::Text(&name))?;
        Ok(sketch)
    }

    /// An instance of `patterns`, by its name or its place in the table from 1; without one that with the highest score. None if
    /// there is no instance at all and none was named.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] if there is no such instance.
    pub fn instance(graph: &Graph, patterns: &Report, instance: Option<&str>) -> Result<Option<Self>> {
        let instances = table(patterns, "instances")?;
        let best = || {
            let score =
                |row: &usize| match instances.column("score_millibits").map(|values| values.cell(*row)) {
                    Some(Cell::Signed(score)) => score,
                    _ => 0,
                };
            (0..instances.num_rows()).min_by_key(|row| (Reverse(score(row)), *row))
        };
        let (row, name) = match instance {
            Some(instance) => row_of(instances, "instance", instance)?,
            None => match best() {
                Some(row) => (row, told(instances, "instance", row)?),
                None => return Ok(None),
            },
        };
        let shape = told(instances, "typology", row)?;
        let words = [Language::En, Language::Zh]
            .map(|language| Words::of(language).named("kind", &shape).to_string());
        let [en, zh] = words.map(|word| capital(&word));
        let heading = Heading {
            kind: "instance",
            words: [en, zh],
            number: Some(row as u64 + 1),
            name: Some(name.clone()),
        };
        let mut sketch = Sketch::new(heading, currencies(graph));
        let members = table(patterns, "members")?;
        for row in rows(members, "instance", &name)? {
            let account = sketch.account(&told(members, "account", row)?);
            sketch.role(account, &told(members, "role", row)?);
        }
        let evidence = table(patterns, "evidence")?;
        let of_instance = column(evidence, "instance")?;
        sketch.transfers(evidence, EVIDENCE, |row| of_instance.cell(row) == Cell::Text(&name))?;
        Ok(Some(sketch))
    }

    /// The payments that a trace followed; amounts are the followed parts of them.
    ///
    /// # Errors
    /// [`Error::Unproved`] for a report that is none of a trace.
    pub fn trace(graph: &Graph, trace: &Report) -> Result<Self> {
        let mut sketch = Sketch::new(policy("trace", "Money followed", "资金追踪", trace), currencies(graph));
        sketch.transfers(table(trace, "flows")?, FOLLOWED, |_| true)?;
        sketch.roles_by_direction();
        Ok(sketch)
    }

    /// The payments by which the money of targets came; amounts are the parts of them that went on to the targets.
    ///
    /// # Errors
    /// As [`trace`](Self::trace).
    pub fn origins(graph: &Graph, origins: &Report) -> Result<Self> {
        let heading = policy("origins", "Where the money came from", "资金来源", origins);
        let mut sketch = Sketch::new(heading, currencies(graph));
        sketch.transfers(table(origins, "flows")?, CAME, |_| true)?;
        Ok(sketch)
    }

    /// The steps of money paths; amounts are what went along the paths.
    ///
    /// # Errors
    /// As [`trace`](Self::trace).
    pub fn paths(graph: &Graph, paths: &Report) -> Result<Self> {
        let mut sketch = Sketch::new(policy("paths", "Money paths", "资金路径", paths), currencies(graph));
        sketch.transfers(table(paths, "paths")?, STEPS, |_| true)?;
        sketch.roles_by_direction();
        Ok(sketch)
    }

    /// The payments of accounts that were exposed to a case; amounts are whole payments.
    ///
    /// # Errors
    /// As [`trace`](Self::trace).
    pub fn contacts(graph: &Graph, contacts: &Report) -> Result<Self> {
        let heading = heading("contacts", "Exposed payments, in full", "受关联付款（全额）");
        let mut sketch = Sketch::new(heading, currencies(graph));
        sketch.transfers(table(contacts, "flows")?, FOLLOWED, |_| true)?;
        Ok(sketch)
    }

    /// Accounts around others; flows between near ones come first.
    ///
    /// # Errors
    /// As [`trace`](Self::trace).
    pub fn subgraph(graph: &Graph, network: &Network) -> Result<Self> {
        of_network(graph, network, heading("subgraph", "Subgraph", "子图"))
    }

    /// An identity ring, by its number in the tables, with the identifiers that its accounts share.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] if there is no such ring.
    pub fn identity_ring(tables: &RingTables, ring: u32) -> Result<Self> {
        let number = Cell::Unsigned(ring.into());
        let heading = Heading {
            number: Some(ring.into()),
            ..heading("identity", "Identity ring", "身份关联团伙")
        };
        let mut sketch = Sketch::new(heading, &[]);
        let of_ring = column(&tables.members, "ring")?;
        for row in (0..tables.members.num_rows()).filter(|&row| of_ring.cell(row) == number) {
            let account = told(&tables.members, "account", row)?;
            sketch.account(&account);
        }
        if sketch.is_empty() {
            return Err(unknown("rings", "ring", &ring.to_string()));
        }
        sketch.shared(&tables.evidence, &number)?;
        Ok(sketch)
    }

    /// A community, by the number that tables call it by: its `accounts_max` members with the heaviest ties among them, and the
    /// transfers between these.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] if there is no such community; [`Error::Damaged`]; [`Error::Cancelled`].
    pub fn community(
        projected: &Projected,
        answer: &CommunityAnswer,
        community: u32,
        accounts_max: u32,
        run: &Run,
    ) -> Result<Self> {
        let place = answer.ids.iter().position(|&id| id == community);
        let place = place.ok_or_else(|| unknown("communities", "community", &community.to_string()))?;
        let members = answer.partition.members(place as u32);
        let inside: RoaringBitmap = members.iter().copied().collect();
        let rows = &projected.projection.rows;
        let mut ties = Vec::new();
        for &node in members {
            run.check()?;
            let entries = rows.range(node).zip(rows.neighbors(node));
            let heavier = entries.filter(|&(_, &other)| node < other && inside.contains(other));
            ties.extend(heavier.map(|(entry, &other)| (Reverse(rows.weights().get(entry)), node, other)));
        }
        ties.sort_unstable();
        let mut kept = RoaringBitmap::new();
        for (_, a, b) in ties {
            let more = u64::from(!kept.contains(a)) + u64::from(!kept.contains(b));
            if kept.len() + more <= u64::from(accounts_max) {
                kept.extend([a, b]);
            }
        }
        if kept.is_empty() {
            kept.extend(members.iter().copied().take(accounts_max as usize));
        }
        let accounts = kept.iter().map(|node| answer.nodes.account(node).0).collect();
        let view = projected.view()?;
        let found = Subgraph::among(&view, &accounts, TRANSACTIONS, run)?;
        let options = NetworkOptions {
            transfers_only: false,
            names: Names::Revealed,
            identifiers: Identifiers::Masked,
            attributes: Vec::new(),
        };
        let heading =
            Heading { number: Some(community.into()), ..heading("community", "Community", "群体") };
        let network = network(view.graph(), &found, &options, run)?;
        Ok(of_network(view.graph(), &network, heading)?.of_whole(members.len()))
    }

    /// Adds uses of identifiers: the rows of `table` whose `ring` is this.
    fn shared(&mut self, table: &Table, ring: &Cell<'_>) -> Result<()> {
        let of_ring = column(table, "ring")?;
        for row in (0..table.num_rows()).filter(|&row| of_ring.cell(row) == *ring) {
            let account = self.account(&told(table, "account", row)?);
            self.uses(account, &told(table, "kind", row)?, &told(table, "identifier", row)?);
        }
        Ok(())
    }
}

/// Accounts, transfers and uses of a network.
fn of_network(graph: &Graph, network: &Network, heading: Heading) -> Result<Sketch> {
    let mut sketch = Sketch::new(heading, currencies(graph));
    let (nodes, edges) = (&network.nodes, &network.edges);
    let (types, hops) = (column(nodes, "type")?, column(nodes, "hop")?);
    let mut identifiers = HashSet::new();
    for row in 0..nodes.num_rows() {
        let id = told(nodes, "id", row)?;
        if types.cell(row) == Cell::Text("account") {
            let account = sketch.account(&id);
            if let Cell::Signed(hop) = hops.cell(row) {
                sketch.away(account, u32::try_from(hop).unwrap_or(u32::MAX));
            }
        } else {
            identifiers.insert(id);
        }
    }
    let types = column(edges, "type")?;
    sketch.transfers(edges, EDGES, |row| types.cell(row) == Cell::Text("transfer"))?;
    for row in (0..edges.num_rows()).filter(|&row| types.cell(row) == Cell::Text("uses")) {
        let (account, identifier) = (told(edges, "source", row)?, told(edges, "target", row)?);
        if identifiers.contains(&identifier) {
            let account = sketch.account(&account);
            let kind = identifier.split(['#', ':']).next().unwrap_or_default();
            sketch.uses(account, kind, &identifier);
        }
    }
    Ok(sketch)
}

fn currencies(graph: &Graph) -> &[Currency] {
    &graph.manifest().schema.currencies
}

fn heading(kind: &'static str, en: &str, zh: &str) -> Heading {
    Heading { kind, words: [en.to_string(), zh.to_string()], number: None, name: None }
}

/// A heading that tells the policy.
fn policy(kind: &'static str, en: &str, zh: &str, report: &Report) -> Heading {
    match report.document["policy"].as_str() {
        Some(policy) => heading(kind, &format!("{en}, {policy}"), &format!("{zh}，{policy}")),
        None => heading(kind, en, zh),
    }
}

fn table<'r>(report: &'r Report, name: &str) -> Result<&'r Table> {
    report.table(name).ok_or_else(|| Error::Unproved(format!("a report to draw has no table {name}")))
}

/// A text of a row; empty where there is none.
fn told(table: &Table, name: &str, row: usize) -> Result<String> {
    Ok(match column(table, name)?.cell(row) {
        Cell::Text(text) => text.to_string(),
        _ => String::new(),
    })
}

/// The rows whose column `name` is `text`.
fn rows<'t>(table: &'t Table, name: &str, text: &'t str) -> Result<impl Iterator<Item = usize> + use<'t>> {
    let values = column(table, name)?;
    Ok((0..table.num_rows()).filter(move |&row| values.cell(row) == Cell::Text(text)))
}

/// The row and the name of what `asked` names, or whose place from 1 it is.
fn row_of(table: &Table, name: &str, asked: &str) -> Result<(usize, String)> {
    let named = rows(table, name, asked)?.next();
    let placed = || asked.parse::<usize>().ok()?.checked_sub(1).filter(|&row| row < table.num_rows());
    let row = named.or_else(placed).ok_or_else(|| unknown(&format!("{name}s"), name, asked))?;
    Ok((row, told(table, name, row)?))
}

fn unknown(place: &str, kind: &str, key: &str) -> Error {
    Error::UnknownKey { place: place.into(), kind: kind.into(), key: key.into() }
}
