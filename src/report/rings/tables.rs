//! Rings with names and external keys: the tables of `ringfence rings`.

use super::identity::{Identifiers, kind_name};
use super::read::previous;
use crate::error::Result;
use crate::graph::{Graph, Transaction, View};
use crate::ids::{AccountId, CurrencyId, TxId};
use crate::patterns::{Options, Transfers};
use crate::report::components::account_keys;
use crate::report::earlier::trace_payments;
use crate::report::folder::Report;
use crate::report::patterns::{Valuation, document, say_cut, value};
use crate::report::provenance::hex;
use crate::report::sinks::{SinkInputs, find_sinks};
use crate::report::table::{Table, Values};
use crate::rings::{
    Claim, ClaimKind, Counted, Ring, RingMoney, RingOptions, Rings, Traced, changes, heirs, rings,
};
use crate::run::Run;
use rayon::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What is asked of the rings of a view.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RingQuestion {
    /// What makes a ring.
    pub options: RingOptions,
    /// How amounts are compared.
    pub valuation: Valuation,
    /// Directories that `ringfence trace` made: their money makes claims.
    pub traces: Vec<PathBuf>,
    /// A directory that `ringfence rings` made before: rings that are still there keep their names.
    pub previous: Option<PathBuf>,
    /// Known hubs, `attribute=value` each: `kind=merchant`.
    pub hubs_where: Vec<String>,
    /// How identifiers are called.
    pub identifiers: Identifiers,
}

/// Rings and their names.
#[derive(Clone, Debug, Default)]
pub struct NamedRings {
    /// What was found.
    pub found: Rings,
    /// `ring-` and twelve hexadecimal digits, by place.
    pub names: Vec<String>,
}

/// Rows that one task looks up.
const ROWS_PER_TASK: usize = 1 << 12;

/// Characters of a name after its kind.
const NAME_LEN: usize = 12;

/// The rings of a view, and their tables:
/// * `rings`: `ring`, `rank` from 1, `score_millibits`, `num_accounts`, `num_transactions`, `num_identifiers`, `num_claims`, `kinds` (of claims, joined
///   by `+`), `first`, `last`; the highest score first.
/// * `members`: `ring`, `account`, `roles` (joined by `+`), `num_claims`, `community`; by ring and key.
/// * `claims`: `ring`, `claim`, `kind`, `score_millibits`, `adds_millibits` (which add up to the ring's score), `num_accounts`,
///   `num_transactions`, `num_identifiers`; the strongest first.
/// * `parties`: `ring`, `claim`, `stage`, `account`, `role`: who is in a claim.
/// * `evidence`: `ring`, `claim`, `transaction`, `source`, `destination`, `time`, `currency`, `paid_minor`, `received_currency`, `received_minor`.
/// * `identifiers`: `ring`, `account`, `kind`, `identifier`, `first`, `last`, `count`: uses that tie members.
/// * `parts`: `ring`, `kind`, `millibits`: the score by kind of claim.
/// * `money`: `ring`, `currency`, `received_minor`, `paid_minor`, `kept_minor`, `inside_minor`, `traced_minor`.
/// * `hubs`: `kind` (`account`, or that of an identifier), `hub`, `num_accounts` (counterparties, or users), `claims_set_aside`, `claims_left`.
///
/// # Errors
/// [`Error::Option`](crate::Error::Option), before any work; [`Error::UnknownKey`](crate::Error::UnknownKey) for a trace of another graph;
/// [`Error::Input`](crate::Error::Input); [`Error::Cancelled`](crate::Error::Cancelled).
pub fn ring_report(view: &View<'_>, question: &RingQuestion, run: &Run) -> Result<(NamedRings, Report)> {
    question.options.check()?;
    let graph = view.graph();
    let before = question.previous.as_deref().map(previous).transpose()?;
    let mut traced = Vec::new();
    for directory in &question.traces {
        let payments = trace_payments(graph, directory, run)?;
        let cases: BTreeSet<&str> =
            payments.values().flat_map(|carried| carried.cases.iter().map(String::as_str)).collect();
        let case = cases.into_iter().collect::<Vec<_>>().join("+");
        traced.push(Traced {
            case,
            payments: payments.iter().map(|(&id, carried)| (id, carried.paid)).collect(),
        });
    }
    let mut document = document(view);
    document["result"] = "rings".into();
    let rates = value(view, &question.valuation, &mut document, run)?;
    let transfers = Transfers::new(view, rates.as_ref(), run)?;
    let inputs = SinkInputs { attributes: question.hubs_where.clone(), ..SinkInputs::default() };
    let mut options = question.options.clone();
    options.known_hubs |= find_sinks(view, &inputs, run)?.accounts;
    let found = rings(view, &transfers, &traced, &options, run)?;
    run.stage("keys", found.rings.len() as u64);
    let members: Vec<BTreeSet<String>> =
        found.rings.iter().map(|ring| keys_of(graph, ring, run)).collect::<Result<_>>()?;
    let mut names = names(graph, &found.rings)?;
    if let Some((old_names, old_members)) = before {
        let kept = heirs(&changes(&old_members, &members), members.len());
        inherit(&mut names, &old_names, &kept);
    }
    say(graph, &mut document, question, &found);
    let named = NamedRings { found, names };
    let tables = tables(graph, &named, question.identifiers, run)?;
    let report = Report { tables, document_name: "summary", document, parts: Vec::new() };
    Ok((named, report))
}

fn keys_of(graph: &Graph, ring: &Ring, run: &Run) -> Result<BTreeSet<String>> {
    let accounts: Vec<u32> = ring.members.iter().map(|member| member.account.0).collect();
    Ok(account_keys(graph, &accounts, run)?.into_iter().collect())
}

/// Old names for rings that continue old ones; a new name that an old ring has is changed until it is free.
fn inherit(names: &mut [String], old: &[String], kept: &[Option<usize>]) {
    let mut taken: BTreeSet<String> = old.iter().cloned().collect();
    for (name, kept) in names.iter_mut().zip(kept) {
        match kept {
            Some(place) => name.clone_from(&old[*place]),
            None => {
                while !taken.insert(name.clone()) {
                    *name = digest("ring", [name.as_str()]);
                }
            }
        }
    }
}

/// A name: what it is of, and a hash of keys.
fn digest<'k>(kind: &str, keys: impl IntoIterator<Item = &'k str>) -> String {
    let mut hash = Sha256::new();
    for key in keys {
        hash.update((key.len() as u64).to_le_bytes());
        hash.update(key.as_bytes());
    }
    format!("{kind}-{}", &hex(&hash.finalize())[..NAME_LEN])
}

/// Names of rings by their earliest evidence, which stays the same while they grow: the first payment, or the first identifier,
/// or the first member. Of several rings with the same the one that ranks first has it, and the others go on from it.
fn names(graph: &Graph, rings: &[Ring]) -> Result<Vec<String>> {
    let mut taken = BTreeSet::new();
    let name = |ring: &Ring| {
        let first = match (ring.transactions.first(), ring.uses.first(), ring.members.first()) {
            (Some(&id), _, _) => graph.transaction_key(id)?,
            (_, Some(one), _) => graph.identifier_key(one.identifier)?,
            (_, _, member) => graph.account_key(member.map_or(AccountId(0), |member| member.account))?,
        };
        let mut name = digest("ring", [first.as_str()]);
        while !taken.insert(name.clone()) {
            name = digest("ring", [name.as_str()]);
        }
        Ok(name)
    };
    rings.iter().map(name).collect()
}

/// The name of a claim: its kind and a hash of its accounts in order, of its first payment or its identifiers.
fn claim_name(graph: &Graph, claim: &Claim) -> Result<String> {
    let mut parties: Vec<_> = claim.parties.clone();
    parties.sort_by_key(|party| (party.stage, party.account));
    let mut keys =
        parties.iter().map(|party| graph.account_key(party.account)).collect::<Result<Vec<_>>>()?;
    if let Some(&first) = claim.transactions.first() {
        keys.push(graph.transaction_key(first)?);
    }
    for &identifier in &claim.identifiers {
        keys.push(graph.identifier_key(identifier)?);
    }
    Ok(digest(claim.kind.name(), keys.iter().map(String::as_str)))
}

/// What was asked and what was found, in numbers.
fn say(graph: &Graph, document: &mut Value, question: &RingQuestion, found: &Rings) {
    let names = &graph.manifest().kinds;
    let options = &question.options;
    let searches: BTreeMap<&str, Value> = options
        .searches
        .iter()
        .map(|(typology, options): &(_, Options)| (typology.name(), Value::Object(options.settings())))
        .collect();
    document["options"] = json!({
        "identity": options.identity.as_ref().map(|identity| json!({
            "kinds": identity.kinds.as_ref().map(|kinds| kinds.iter().map(|kind| names[kind.index()].name.as_str()).collect::<Vec<_>>()),
            "accounts_max": identity.accounts_max, "accounts_min": identity.accounts_min,
        })),
        "typologies": searches,
        "communities": options.communities,
        "num_traces": question.traces.len(),
        "claims_max": options.claims_max,
        "shared_min": options.shared_min,
        "overlap_permille": options.overlap_permille,
        "hub_max": options.hub_max,
        "hubs_where": question.hubs_where,
        "accounts_max": options.accounts_max,
        "accounts_min": options.accounts_min,
        "rings_max": options.rings_max,
    });
    let claims: BTreeMap<&str, u64> =
        found.num_claims.iter().map(|(kind, &count)| (kind.name(), count)).collect();
    document["num_rings"] = found.rings.len().into();
    document["num_members"] = found.rings.iter().map(|ring| ring.members.len()).sum::<usize>().into();
    document["num_claims"] = json!(claims);
    document["num_hubs"] = found.hubs.len().into();
    document["num_identifier_hubs"] = found.identifier_hubs.len().into();
    document["num_habits"] = found.num_habits.into();
    document["joins_refused"] = found.joins_refused.into();
    document["rings_dropped"] = found.rings_dropped.into();
    say_cut(document, &found.cut);
}

/// The tables of rings; see [`ring_report`].
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged); [`Error::Cancelled`](crate::Error::Cancelled).
fn tables(
    graph: &Graph,
    named: &NamedRings,
    identifiers: Identifiers,
    run: &Run,
) -> Result<Vec<(&'static str, Table)>> {
    let mut claims = Vec::new();
    let mut taken = BTreeSet::new();
    for (ring, name) in named.iter() {
        run.check()?;
        for Counted { claim, adds } in &ring.claims {
            let mut own = claim_name(graph, claim)?;
            while !taken.insert(own.clone()) {
                own = digest(claim.kind.name(), [own.as_str()]);
            }
            claims.push(ClaimRow { ring: name, adds: *adds, name: own, claim });
        }
    }
    Ok(vec![
        ("rings", ring_table(named)),
        ("members", member_table(graph, named, run)?),
        ("claims", claim_table(&claims)),
        ("parties", party_table(graph, &claims, run)?),
        ("evidence", evidence_table(graph, &claims, run)?),
        ("identifiers", identifier_table(graph, named, identifiers, run)?),
        ("parts", part_table(named)),
        ("money", money_table(graph, named)),
        ("hubs", hub_table(graph, named, identifiers, run)?),
    ])
}

impl NamedRings {
    /// Each ring with its name, the highest score first.
    pub fn iter(&self) -> impl Iterator<Item = (&Ring, &str)> {
        self.found.rings.iter().zip(self.names.iter().map(String::as_str))
    }
}

/// A claim of a ring.
struct ClaimRow<'a> {
    ring: &'a str,
    adds: i64,
    name: String,
    claim: &'a Claim,
}

fn texts<'t>(all: impl Iterator<Item = &'t str>) -> Values {
    Values::Text(all.map(str::to_string).collect())
}

fn sizes(all: impl Iterator<Item = usize>) -> Values {
    Values::U32(all.map(|size| size as u32).collect())
}

fn ring_table(named: &NamedRings) -> Table {
    let rings = || named.found.rings.iter();
    let kinds = |ring: &Ring| {
        let kinds: BTreeSet<_> = ring.claims.iter().map(|counted| counted.claim.kind).collect();
        kinds.into_iter().map(|kind| kind.name()).collect::<Vec<_>>().join("+")
    };
    let identifiers = |ring: &Ring| ring.uses.chunk_by(|a, b| a.identifier == b.identifier).count();
    Table::new([
        ("ring", Values::Text(named.names.clone())),
        ("rank", sizes(1..named.names.len() + 1)),
        ("score_millibits", Values::I64(rings().map(|ring| ring.millibits).collect())),
        ("num_accounts", sizes(rings().map(|ring| ring.members.len()))),
        ("num_transactions", sizes(rings().map(|ring| ring.transactions.len()))),
        ("num_identifiers", sizes(rings().map(identifiers))),
        ("num_claims", sizes(rings().map(|ring| ring.claims.len()))),
        ("kinds", Values::Text(rings().map(kinds).collect())),
        ("first", Values::OptionTime(rings().map(|ring| ring.span.map(|span| span.0)).collect())),
        ("last", Values::OptionTime(rings().map(|ring| ring.span.map(|span| span.1)).collect())),
    ])
}

fn member_table(graph: &Graph, named: &NamedRings, run: &Run) -> Result<Table> {
    let mut rows = Vec::new();
    for (ring, name) in named.iter() {
        let accounts: Vec<u32> = ring.members.iter().map(|member| member.account.0).collect();
        let mut members: Vec<_> =
            account_keys(graph, &accounts, run)?.into_iter().zip(&ring.members).collect();
        members.sort_by(|a, b| a.0.cmp(&b.0));
        rows.extend(members.into_iter().map(|(key, member)| (name, key, member)));
    }
    let roles = rows
        .iter()
        .map(|(_, _, member)| member.roles.iter().map(|role| role.name()).collect::<Vec<_>>().join("+"));
    let communities = rows.iter().map(|(_, _, member)| member.community.map(i64::from));
    Ok(Table::new([
        ("ring", texts(rows.iter().map(|row| row.0))),
        ("account", texts(rows.iter().map(|row| row.1.as_str()))),
        ("roles", Values::Text(roles.collect())),
        ("num_claims", Values::U32(rows.iter().map(|row| row.2.num_claims).collect())),
        ("community", Values::OptionI64(communities.collect())),
    ]))
}

fn claim_table(rows: &[ClaimRow<'_>]) -> Table {
    let claims = || rows.iter().map(|row| row.claim);
    Table::new([
        ("ring", texts(rows.iter().map(|row| row.ring))),
        ("claim", texts(rows.iter().map(|row| row.name.as_str()))),
        ("kind", texts(claims().map(|claim| claim.kind.name()))),
        ("score_millibits", Values::I64(claims().map(|claim| claim.millibits).collect())),
        ("adds_millibits", Values::I64(rows.iter().map(|row| row.adds).collect())),
        ("num_accounts", sizes(claims().map(|claim| claim.parties.len()))),
        ("num_transactions", sizes(claims().map(|claim| claim.transactions.len()))),
        ("num_identifiers", sizes(claims().map(|claim| claim.identifiers.len()))),
    ])
}

fn party_table(graph: &Graph, rows: &[ClaimRow<'_>], run: &Run) -> Result<Table> {
    let parties = || rows.iter().flat_map(|row| row.claim.parties.iter().map(move |party| (row, party)));
    let accounts: Vec<u32> = parties().map(|(_, party)| party.account.0).collect();
    let roles = parties().map(|(_, party)| party.role.map(|role| role.name().to_string()));
    Ok(Table::new([
        ("ring", texts(parties().map(|(row, _)| row.ring))),
        ("claim", texts(parties().map(|(row, _)| row.name.as_str()))),
        ("stage", Values::U32(parties().map(|(_, party)| party.stage).collect())),
        ("account", Values::Text(account_keys(graph, &accounts, run)?)),
        ("role", Values::OptionText(roles.collect())),
    ]))
}

fn evidence_table(graph: &Graph, rows: &[ClaimRow<'_>], run: &Run) -> Result<Table> {
    let payments = || rows.iter().flat_map(|row| row.claim.transactions.iter().map(move |&id| (row, id)));
    let ids: Vec<TxId> = payments().map(|(_, id)| id).collect();
    let look_up = |ids: &[TxId]| {
        run.check()?;
        ids.iter().map(|&id| Ok((graph.transaction_key(id)?, graph.transaction(id)?))).collect()
    };
    let found: Vec<Vec<(String, Transaction)>> =
        run.install(|| ids.par_chunks(ROWS_PER_TASK).map(look_up).collect::<Result<_>>())?;
    let (keys, found): (Vec<String>, Vec<Transaction>) = found.into_iter().flatten().unzip();
    let ends = |end: fn(&Transaction) -> AccountId| {
        let accounts: Vec<u32> = found.iter().map(|row| end(row).0).collect();
        account_keys(graph, &accounts, run).map(Values::Text)
    };
    let code = |of: fn(&Transaction) -> CurrencyId| {
        texts(found.iter().map(|row| graph.currency(of(row)).code.as_str()))
    };
    Ok(Table::new([
        ("ring", texts(payments().map(|(row, _)| row.ring))),
        ("claim", texts(payments().map(|(row, _)| row.name.as_str()))),
        ("transaction", Values::Text(keys)),
        ("source", ends(|row| row.source)?),
        ("destination", ends(|row| row.destination)?),
        ("time", Values::Time(found.iter().map(|row| row.time).collect())),
        ("currency", code(|row| row.paid_currency)),
        ("paid_minor", Values::I64(found.iter().map(|row| row.paid).collect())),
        ("received_currency", code(|row| row.received_currency)),
        ("received_minor", Values::I64(found.iter().map(|row| row.received).collect())),
    ]))
}

fn identifier_table(graph: &Graph, named: &NamedRings, identifiers: Identifiers, run: &Run) -> Result<Table> {
    let uses = || named.iter().flat_map(|(ring, name)| ring.uses.iter().map(move |one| (name, one)));
    let accounts: Vec<u32> = uses().map(|(_, one)| one.account.0).collect();
    let all: Vec<_> = uses().map(|(_, one)| one.identifier).collect();
    let [kinds, values] = identifiers.columns(graph, &all)?;
    Ok(Table::new([
        ("ring", texts(uses().map(|(name, _)| name))),
        ("account", Values::Text(account_keys(graph, &accounts, run)?)),
        kinds,
        values,
        ("first", Values::OptionTime(uses().map(|(_, one)| one.first).collect())),
        ("last", Values::OptionTime(uses().map(|(_, one)| one.last).collect())),
        ("count", Values::U32(uses().map(|(_, one)| one.count).collect())),
    ]))
}

fn part_table(named: &NamedRings) -> Table {
    let rows: Vec<(&str, ClaimKind, i64)> = named
        .iter()
        .flat_map(|(ring, name)| ring.parts().into_iter().map(move |(kind, bits)| (name, kind, bits)))
        .collect();
    Table::new([
        ("ring", texts(rows.iter().map(|row| row.0))),
        ("kind", texts(rows.iter().map(|row| row.1.name()))),
        ("millibits", Values::I64(rows.iter().map(|row| row.2).collect())),
    ])
}

fn money_table(graph: &Graph, named: &NamedRings) -> Table {
    let rows: Vec<(&str, &str, &RingMoney)> = named
        .iter()
        .flat_map(|(ring, name)| {
            ring.money.iter().map(move |(&id, sums)| (name, graph.currency(id).code.as_str(), sums))
        })
        .collect();
    let sums = |of: fn(&RingMoney) -> i128| Values::I128(rows.iter().map(|row| of(row.2)).collect());
    Table::new([
        ("ring", texts(rows.iter().map(|row| row.0))),
        ("currency", texts(rows.iter().map(|row| row.1))),
        ("received_minor", sums(|sums| sums.received)),
        ("paid_minor", sums(|sums| sums.paid)),
        ("kept_minor", sums(|sums| sums.received - sums.paid)),
        ("inside_minor", sums(|sums| sums.inside)),
        ("traced_minor", sums(|sums| sums.traced)),
    ])
}

fn hub_table(graph: &Graph, named: &NamedRings, identifiers: Identifiers, run: &Run) -> Result<Table> {
    let (accounts, others) = (&named.found.hubs, &named.found.identifier_hubs);
    let ids: Vec<u32> = accounts.iter().map(|hub| hub.account.0).collect();
    let mut names = account_keys(graph, &ids, run)?;
    let kinds = std::iter::repeat_n("account", accounts.len())
        .chain(others.iter().map(|hub| kind_name(graph, hub.identifier)));
    for hub in others {
        names.push(identifiers.text(graph, hub.identifier)?);
    }
    let none = || std::iter::repeat_n(0, others.len());
    let counts = accounts.iter().map(|hub| hub.num_counterparties);
    Ok(Table::new([
        ("kind", texts(kinds)),
        ("hub", Values::Text(names)),
        ("num_accounts", Values::U32(counts.chain(others.iter().map(|hub| hub.num_accounts)).collect())),
        (
            "claims_set_aside",
            Values::U32(accounts.iter().map(|hub| hub.claims_set_aside).chain(none()).collect()),
        ),
        ("claims_left", Values::U32(accounts.iter().map(|hub| hub.claims_left).chain(none()).collect())),
    ]))
}
