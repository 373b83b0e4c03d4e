//! Identity links as tables: rings of accounts that one hand seems to be behind, and the identifiers that say so.

use super::components::account_keys;
use super::folder::Report;
use super::input::Input;
use super::projection::read_allowed;
use super::provenance::{provenance, window_document};
use super::rings::Identifiers;
use super::table::{Table, Values};
use crate::community::identity::weights::WEIGHT_PER_BIT;
use crate::community::identity::{IdentityLinks, IdentityOptions, KindEvidence, Reason, identity_links};
use crate::error::{Error, Result};
use crate::graph::{Graph, View};
use crate::ids::{AccountId, KindId};
use crate::run::Run;
use serde_json::json;

/// What identity links are asked with; kinds are named.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkQuestion {
    /// Kinds that are looked at; all without any.
    pub kinds: Vec<String>,
    /// Groups of kinds that go together: only the strongest of a group counts for a pair.
    pub correlated: Vec<Vec<String>>,
    /// What every kind tells.
    pub each_kind: KindEvidence,
    /// CSV of `kind,value` that may be shared and links nobody.
    pub allowed: Option<Input>,
    /// Words that stand for no value, besides those that are known.
    pub placeholders: Vec<String>,
    /// Accounts that could have used an identifier of a kind; those that use one if not given.
    pub population: Option<u32>,
    /// Most accounts that an identifier may have and still link them.
    pub accounts_max: u32,
    /// Least evidence that links two accounts, in bits, more than 0.
    pub bits_min: f64,
    /// Most accounts of a ring.
    pub members_max: u32,
    /// How identifiers leave the engine.
    pub identifiers: Identifiers,
}

impl Default for LinkQuestion {
    fn default() -> Self {
        let options = IdentityOptions::default();
        LinkQuestion {
            kinds: Vec::new(),
            correlated: Vec::new(),
            each_kind: options.each_kind,
            allowed: None,
            placeholders: Vec::new(),
            population: options.population,
            accounts_max: options.accounts_max,
            bits_min: bits(options.weight_min),
            members_max: options.members_max,
            identifiers: Identifiers::default(),
        }
    }
}

/// Accounts of `view` that are linked by what they share. The tables:
/// * `rings`: `ring` (0 is the largest), `num_accounts`, `cohesion_bits` (evidence of its weakest link).
/// * `members`: `ring`, `account`.
/// * `links`: `ring`, `account`, `other`, `bits`; a tree for each ring, strongest first.
/// * `evidence`: `ring`, `account`, `other`, `kind`, `identifier` (masked unless revealed), `num_accounts` (that use it), `bits` (what sharing it
///   tells), `counted_bits` (how much of that counts, after limits and correlated kinds), `articulation` (whether the ring
///   falls apart without it).
/// * `cuts`: `account`, `other`, `bits`: links that would have made a ring too large.
/// * `outgrown`: `account` (the first of them), `num_accounts`: what was cut.
/// * `passed_over`: `kind`, `identifier`, `num_accounts`, `reason` (`placeholder`, `allowed`, `too_many` or `common`).
/// * `curve`: `bits`, `num_rings`, `num_accounts`, `largest`: rings by threshold, without a limit of members.
///
/// # Errors
/// [`Error::UnknownKey`] for a kind or identifier that the graph does not hold; [`Error::Option`]; [`Error::Cancelled`].
pub fn link_report(view: &View<'_>, question: &LinkQuestion, run: &Run) -> Result<Report> {
    let graph = view.graph();
    let (allowed, allowed_document) = match &question.allowed {
        Some(list) => {
            let (accounts, identifiers, document) = read_allowed(view, list)?;
            if !accounts.is_empty() {
                return Err(Error::input(
                    "allowed",
                    "it names accounts; identifiers alone link, as kind,value",
                ));
            }
            (identifiers, document)
        }
        None => (Vec::new(), serde_json::Value::Null),
    };
    let named = |names: &[String]| names.iter().map(|name| kind(graph, name)).collect::<Result<Vec<_>>>();
    let options = IdentityOptions {
        kinds: if question.kinds.is_empty() { None } else { Some(named(&question.kinds)?) },
        each_kind: question.each_kind,
        correlated: question.correlated.iter().map(|group| named(group)).collect::<Result<_>>()?,
        population: question.population,
        accounts_max: question.accounts_max,
        allowed,
        placeholders: question.placeholders.clone(),
        weight_min: weight(question.bits_min)?,
        members_max: question.members_max,
        ..IdentityOptions::default()
    };
    let found = identity_links(view, &options, run)?;
    run.stage("keys", (found.members.len() + 2 * found.links.len()) as u64);
    let document = json!({
        "result": "identity links",
        "graph": provenance(graph),
        "options": {
            "kinds": question.kinds, "correlated": question.correlated, "population": question.population,
            "m_permille": question.each_kind.m_permille, "half_life_s": question.each_kind.half_life_s,
            "weight_max_bits": question.each_kind.weight_max.map(bits), "accounts_max": question.accounts_max,
            "bits_min": question.bits_min, "members_max": question.members_max,
            "placeholders": question.placeholders, "allowed": allowed_document,
        },
        "window": window_document(view.times()),
        "num_rings": found.len(),
        "num_members": found.members.len(),
        "num_pairs": found.num_pairs,
        "num_cuts": found.cuts.len(),
        "num_outgrown": found.outgrown.len(),
        "num_passed_over": found.passed_over.len(),
    });
    let tables = tables(graph, &found, question.identifiers, run)?;
    Ok(Report { tables, document_name: "summary", document, parts: Vec::new() })
}

fn bits(weight: u32) -> f64 {
    f64::from(weight) / f64::from(WEIGHT_PER_BIT)
}

fn weight(bits: f64) -> Result<u32> {
    let weight = bits * f64::from(WEIGHT_PER_BIT);
    if weight >= 1.0 && weight <= f64::from(u32::MAX) {
        return Ok(weight as u32);
    }
    Err(Error::Option { name: "bits_min", value: bits.to_string(), allowed: "more than 0, at least 1/256" })
}

fn kind(graph: &Graph, name: &str) -> Result<KindId> {
    graph.find_kind(name).ok_or_else(|| Error::UnknownKey {
        place: "kinds".into(),
        kind: "kind of identifier".into(),
        key: name.into(),
    })
}

fn tables(
    graph: &Graph,
    found: &IdentityLinks,
    identifiers: Identifiers,
    run: &Run,
) -> Result<Vec<(&'static str, Table)>> {
    let keys = |accounts: &mut dyn Iterator<Item = AccountId>| {
        let accounts: Vec<u32> = accounts.map(|account| account.0).collect();
        account_keys(graph, &accounts, run).map(Values::Text)
    };
    let ring_of_member = (0..found.len()).flat_map(|ring| found.ring(ring).iter().map(move |_| ring as u32));
    // By share, its link.
    let shared: Vec<usize> =
        (0..found.links.len()).flat_map(|link| found.shares_of(link).iter().map(move |_| link)).collect();
    let link = |&link: &usize| &found.links[link];
    let floats = |weights: &mut dyn Iterator<Item = u32>| Values::F64(weights.map(bits).collect());
    let [share_kinds, share_texts] =
        identifiers.columns(graph, &found.shares.iter().map(|share| share.identifier).collect::<Vec<_>>())?;
    let [passed_kinds, passed_texts] = identifiers
        .columns(graph, &found.passed_over.iter().map(|one| one.identifier).collect::<Vec<_>>())?;
    let (links, shares, passed, curve) = (&found.links, &found.shares, &found.passed_over, &found.curve);
    Ok(vec![
        (
            "rings",
            Table::new([
                ("ring", Values::U32((0..found.len() as u32).collect())),
                (
                    "num_accounts",
                    Values::U32((0..found.len()).map(|ring| found.ring(ring).len() as u32).collect()),
                ),
                ("cohesion_bits", floats(&mut found.cohesion.iter().copied())),
            ]),
        ),
        (
            "members",
            Table::new([
                ("ring", Values::U32(ring_of_member.collect())),
                ("account", keys(&mut found.members.iter().copied())?),
            ]),
        ),
        (
            "links",
            Table::new([
                ("ring", Values::U32(links.iter().map(|link| link.ring).collect())),
                ("account", keys(&mut links.iter().map(|link| link.a))?),
                ("other", keys(&mut links.iter().map(|link| link.b))?),
                ("bits", floats(&mut links.iter().map(|link| link.weight))),
            ]),
        ),
        (
            "evidence",
            Table::new([
                ("ring", Values::U32(shared.iter().map(|at| link(at).ring).collect())),
                ("account", keys(&mut shared.iter().map(|at| link(at).a))?),
                ("other", keys(&mut shared.iter().map(|at| link(at).b))?),
                share_kinds,
                share_texts,
                ("num_accounts", Values::U32(shares.iter().map(|share| share.num_accounts).collect())),
                ("bits", floats(&mut shares.iter().map(|share| share.weight))),
                ("counted_bits", floats(&mut shares.iter().map(|share| share.counted))),
                ("articulation", Values::Boolean(shares.iter().map(|share| share.articulation).collect())),
            ]),
        ),
        (
            "cuts",
            Table::new([
                ("account", keys(&mut found.cuts.iter().map(|cut| cut.a))?),
                ("other", keys(&mut found.cuts.iter().map(|cut| cut.b))?),
                ("bits", floats(&mut found.cuts.iter().map(|cut| cut.weight))),
            ]),
        ),
        (
            "outgrown",
            Table::new([
                ("account", keys(&mut found.outgrown.iter().map(|one| one.account))?),
                ("num_accounts", Values::U32(found.outgrown.iter().map(|one| one.num_accounts).collect())),
            ]),
        ),
        (
            "passed_over",
            Table::new([
                passed_kinds,
                passed_texts,
                ("num_accounts", Values::U32(passed.iter().map(|one| one.num_accounts).collect())),
                ("reason", Values::Text(passed.iter().map(|one| reason(one.reason).to_string()).collect())),
            ]),
        ),
        (
            "curve",
            Table::new([
                ("bits", floats(&mut curve.iter().map(|point| point.threshold))),
                ("num_rings", Values::U32(curve.iter().map(|point| point.num_rings).collect())),
                ("num_accounts", Values::U32(curve.iter().map(|point| point.num_accounts).collect())),
                ("largest", Values::U32(curve.iter().map(|point| point.largest).collect())),
            ]),
        ),
    ])
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Placeholder => "placeholder",
        Reason::Allowed => "allowed",
        Reason::TooMany => "too_many",
        Reason::Common => "common",
    }
}
