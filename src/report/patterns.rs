//! Typologies as tables: instances, who takes part in them, and the payments that show them.

use super::folder::Report;
use super::input::Input;
use super::pools::{find_base, rates_to};
use super::provenance::{hex, provenance, window_document};
use super::table::{Table, Values};
use crate::error::{Error, Result};
use crate::graph::{Graph, View};
use crate::ids::TxId;
use crate::patterns::{
    Cut, CycleOptions, Instance, Kept, Transfers, Typology, count_cycles, cycle_instances, cycles,
};
use crate::run::Run;
use crate::units::time::SECOND_US;
use rayon::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Payments whose keys one task looks up.
const ROWS_PER_TASK: usize = 1 << 12;

/// Characters of an instance's name after its typology.
const NAME_LEN: usize = 12;

/// What patterns are searched with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternQuestion {
    /// Shapes to look for.
    pub typologies: Vec<Typology>,
    /// Options of cycles.
    pub cycles: CycleOptions,
    /// Code of the currency in which amounts are compared; without one, only amounts of one currency can be.
    pub base: Option<String>,
    /// Rates to the base currency; see [`rates`](super::rates). Without them they are derived from the data.
    pub rates: Option<Input>,
}

impl Default for PatternQuestion {
    fn default() -> Self {
        Self { typologies: Typology::ALL.to_vec(), cycles: CycleOptions::default(), base: None, rates: None }
    }
}

/// The instances of typologies in a view. The tables:
/// * `instances`: `instance` (a name that stays as long as accounts and first payment do), `typology`, `num_accounts`, `num_transactions`, `start`, `end`,
///   `ways` (choices of payments that make the shape); by first payment.
/// * `members`: `instance`, `stage` (place in the order of payments, from 0), `account`, `role` (`source` or `middle`).
/// * `evidence`: `instance`, `transaction`, `source`, `destination`, `time`, `currency`, `paid_minor`, `received_currency`, `received_minor`.
/// * `amounts`: `instance`, `currency`, `num_transactions`, `paid_minor` (their sum).
///
/// The document says whether the search was `truncated`, and by what.
///
/// # Errors
/// [`Error::Option`]; [`Error::UnknownKey`] for an unknown base currency;
/// [`Error::Input`] for a currency without a rate; [`Error::Cancelled`].
pub fn pattern_report(view: &View<'_>, question: &PatternQuestion, run: &Run) -> Result<Report> {
    question.cycles.check()?;
    let (transfers, rates) = read(view, question, run)?;
    let (mut instances, mut cut) = (Vec::new(), Cut::default());
    for typology in Typology::ALL.into_iter().filter(|typology| question.typologies.contains(typology)) {
        match typology {
            Typology::Cycle => {
                let found = cycles(&transfers, &question.cycles, run)?;
                instances.extend(cycle_instances(&found));
                cut.add(&found.cut);
            }
        }
    }
    drop(transfers);
    let graph = view.graph();
    let mut document = document(view, question, rates, &cut);
    document["num_instances"] = instances.len().into();
    let tables = run.install(|| tables(graph, &instances, run))?;
    Ok(Report { tables, document_name: "summary", document, parts: Vec::new() })
}

/// How many cycles a view has. The table `counts`: `length`, `sequences` (closing payments and accounts), `ways` (choices of payments).
///
/// # Errors
/// As [`pattern_report`].
pub fn cycle_count_report(view: &View<'_>, question: &PatternQuestion, run: &Run) -> Result<Report> {
    question.cycles.check()?;
    let (transfers, rates) = read(view, question, run)?;
    let (counts, cut) = count_cycles(&transfers, &question.cycles, run)?;
    let lengths = question.cycles.length_min as usize..counts.len();
    let table = Table::new([
        ("length", Values::U32(lengths.clone().map(|length| length as u32).collect())),
        ("sequences", Values::U64(counts[lengths.clone()].iter().map(|count| count.sequences).collect())),
        ("ways", Values::U64(counts[lengths].iter().map(|count| count.ways).collect())),
    ]);
    let mut document = document(view, question, rates, &cut);
    document["num_sequences"] = counts.iter().map(|count| count.sequences).sum::<u64>().into();
    document["num_ways"] = counts.iter().fold(0u64, |ways, count| ways.saturating_add(count.ways)).into();
    Ok(Report { tables: vec![("counts", table)], document_name: "summary", document, parts: Vec::new() })
}

/// The transfers of a view, and what is said of the rates they are valued by.
fn read(view: &View<'_>, question: &PatternQuestion, run: &Run) -> Result<(Transfers, Value)> {
    let rates = match &question.base {
        Some(code) => Some(rates_to(view, find_base(view.graph(), code)?, question.rates.as_ref(), run)?),
        None if question.rates.is_some() => {
            let (name, value) = ("rates", "a table, without a base".into());
            return Err(Error::Option { name, value, allowed: "a table only with a base currency" });
        }
        None => None,
    };
    let said = rates.as_ref().map_or(Value::Null, |(rates, given)| {
        json!({
            "base": question.base, "derived": rates.is_derived(),
            "given_sha256": given.map(|sha256| hex(&sha256)),
        })
    });
    Ok((Transfers::new(view, rates.as_ref().map(|(rates, _)| rates), run)?, said))
}

fn document(view: &View<'_>, question: &PatternQuestion, rates: Value, cut: &Cut) -> Value {
    let CycleOptions { span_us, length_min, length_max, ties, amount_min, passed_on, returned, budget } =
        &question.cycles;
    let kept = |kept: &Kept| match *kept == Kept::ANY {
        true => Value::Null,
        false => json!({ "min_permille": kept.min_permille, "max_permille": kept.max_permille }),
    };
    json!({
        "result": "patterns",
        "graph": provenance(view.graph()),
        "window": window_document(view.times()),
        "typologies": question.typologies.iter().map(|typology| typology.name()).collect::<Vec<_>>(),
        "options": {
            "span_s": *span_us as f64 / SECOND_US as f64, "length_min": length_min, "length_max": length_max,
            "ties": ties.name(), "amount_min_minor": amount_min, "passed_on": kept(passed_on),
            "returned": kept(returned), "rates": rates,
            "results_max": budget.results_max, "anchor_work_max": budget.anchor_work_max,
            "work_max": budget.work_max, "hub_max": budget.hub_max,
        },
        "truncated": cut.truncated(),
        "cut": {
            "anchors_cut": cut.anchors_cut, "accounts_left": cut.accounts_left,
            "results_dropped": cut.results_dropped, "hubs_passed_over": cut.hubs_passed_over,
        },
    })
}

/// A payment as it is shown.
struct Shown {
    instance: usize,
    key: String,
    source: String,
    destination: String,
    row: crate::graph::Transaction,
}

fn tables(graph: &Graph, instances: &[Instance], run: &Run) -> Result<Vec<(&'static str, Table)>> {
    let payments: Vec<(usize, TxId)> = instances
        .iter()
        .enumerate()
        .flat_map(|(number, instance)| instance.transactions.iter().map(move |&id| (number, id)))
        .collect();
    run.stage("keys", payments.len() as u64);
    let show = |&(instance, id): &(usize, TxId)| {
        let row = graph.transaction(id)?;
        let (source, destination) = (graph.account_key(row.source)?, graph.account_key(row.destination)?);
        Ok(Shown { instance, key: graph.transaction_key(id)?, source, destination, row })
    };
    let shown: Vec<Shown> = payments
        .par_chunks(ROWS_PER_TASK)
        .map(|chunk| {
            run.check()?;
            run.advance(chunk.len() as u64);
            chunk.iter().map(show).collect::<Result<Vec<_>>>()
        })
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect();
    let members: Vec<(usize, String)> = instances
        .par_iter()
        .enumerate()
        .map(|(number, instance)| {
            let keys = instance.members.iter().map(|member| graph.account_key(member.account));
            keys.map(|key| Ok((number, key?))).collect::<Result<Vec<_>>>()
        })
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect();
    let names = names(instances, &members, &shown);
    let first_last = |number: usize| {
        let ids = &instances[number].transactions;
        Ok((graph.transaction(ids[0])?.time, graph.transaction(ids[ids.len() - 1])?.time))
    };
    let (start, end) = (0..instances.len()).map(first_last).collect::<Result<Vec<_>>>()?.into_iter().unzip();
    let name = |number: usize| names[number].clone();
    let sizes = |of: fn(&Instance) -> usize| {
        Values::U32(instances.iter().map(|instance| of(instance) as u32).collect())
    };
    let found = Table::new([
        ("instance", Values::Text(names.clone())),
        ("typology", Values::Text(instances.iter().map(|one| one.typology.name().into()).collect())),
        ("num_accounts", sizes(|instance| instance.members.len())),
        ("num_transactions", sizes(|instance| instance.transactions.len())),
        ("start", Values::Time(start)),
        ("end", Values::Time(end)),
        ("ways", Values::U64(instances.iter().map(|instance| instance.ways).collect())),
    ]);
    let all = || instances.iter().flat_map(|instance| &instance.members);
    let taking_part = Table::new([
        ("instance", Values::Text(members.iter().map(|(number, _)| name(*number)).collect())),
        ("stage", Values::U32(all().map(|member| member.stage).collect())),
        ("account", Values::Text(members.iter().map(|(_, key)| key.clone()).collect())),
        ("role", Values::Text(all().map(|member| member.role.name().into()).collect())),
    ]);
    let text = |of: &dyn Fn(&Shown) -> String| Values::Text(shown.iter().map(of).collect());
    let code = |currency| graph.currency(currency).code.clone();
    let evidence = Table::new([
        ("instance", text(&|shown| name(shown.instance))),
        ("transaction", text(&|shown| shown.key.clone())),
        ("source", text(&|shown| shown.source.clone())),
        ("destination", text(&|shown| shown.destination.clone())),
        ("time", Values::Time(shown.iter().map(|shown| shown.row.time).collect())),
        ("currency", text(&|shown| code(shown.row.paid_currency))),
        ("paid_minor", Values::I64(shown.iter().map(|shown| shown.row.paid).collect())),
        ("received_currency", text(&|shown| code(shown.row.received_currency))),
        ("received_minor", Values::I64(shown.iter().map(|shown| shown.row.received).collect())),
    ]);
    let mut sums: BTreeMap<(usize, u16), (u32, i128)> = BTreeMap::new();
    for shown in &shown {
        let sum = sums.entry((shown.instance, shown.row.paid_currency.0)).or_default();
        *sum = (sum.0 + 1, sum.1 + i128::from(shown.row.paid));
    }
    let amounts = Table::new([
        ("instance", Values::Text(sums.keys().map(|&(number, _)| name(number)).collect())),
        ("currency", Values::Text(sums.keys().map(|&(_, at)| code(crate::ids::CurrencyId(at))).collect())),
        ("num_transactions", Values::U32(sums.values().map(|sum| sum.0).collect())),
        ("paid_minor", Values::I128(sums.values().map(|sum| sum.1).collect())),
    ]);
    Ok(vec![("instances", found), ("members", taking_part), ("evidence", evidence), ("amounts", amounts)])
}

/// Names of instances: the typology and a hash of the accounts' keys, in their order, and of the first payment's key. What is added to a ledger
/// later changes none of them.
fn names(instances: &[Instance], members: &[(usize, String)], shown: &[Shown]) -> Vec<String> {
    let mut hashes: Vec<Sha256> = instances.iter().map(|_| Sha256::new()).collect();
    let mut add = |number: usize, key: &str| {
        hashes[number].update((key.len() as u64).to_le_bytes());
        hashes[number].update(key.as_bytes());
    };
    members.iter().for_each(|(number, key)| add(*number, key));
    let mut before = None;
    for shown in shown {
        if before != Some(shown.instance) {
            add(shown.instance, &shown.key);
        }
        before = Some(shown.instance);
    }
    instances
        .iter()
        .zip(hashes)
        .map(|(instance, hash)| {
            format!("{}-{}", instance.typology.name(), &hex(&hash.finalize())[..NAME_LEN])
        })
        .collect()
}
