//! Typologies as tables: instances, who takes part in them, and the payments that show them.

use super::evidence::{Shown, coded};
use super::folder::{Report, TableSink};
use super::input::Input;
use super::pools::{find_base, rates_to};
use super::provenance::{hex, provenance, window_document};
use super::table::{Table, Values};
use super::words::{Coded, Words};
use crate::error::{Error, Result};
use crate::graph::rates::Rates;
use crate::graph::{Graph, View};
use crate::ids::TxId;
use crate::patterns::{
    Cut, CycleOptions, Instance, Member, NullOptions, Options, Role, Score, Strata, Transfers, Typology,
    best_of_shuffled, count_cycles, find,
};
use crate::run::Run;
use rayon::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Characters of an instance's name after its typology.
const NAME_LEN: usize = 12;

/// In which currency amounts are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Valuation {
    /// Code of the currency; without one, only amounts of one currency can be compared.
    pub base: Option<String>,
    /// Rates to it; see [`rates`](super::rates). Without them they are derived from the data.
    pub rates: Option<Input>,
}

/// What is asked of the typologies of a view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatternQuestion {
    /// What to search, and with which options.
    pub searches: Vec<(Typology, Options)>,
    /// How amounts are compared.
    pub valuation: Valuation,
    /// Shuffles to hold the instances against; none if not given.
    pub null: Option<NullOptions>,
}

/// The instances of typologies in a view. The tables:
/// * `instances`: `instance` (a name that stays as long as accounts and first payment do), `typology`, `num_accounts`, `num_transactions`, `start`, `end`,
///   `ways` (of cycles: choices of payments that make the shape; else 1), `flow_minor` (of cycles: what can have come back round them, payments split and joined as
///   needed; in minor units, with a base in ten-thousandths of its minor units), `overlapping` (instances that it stands for), `score_millibits` and its
///   parts `burst_millibits`, `strangers_millibits`, `closure_millibits`, `conserved_millibits`, which add up to it; with
///   [`null`](PatternQuestion::null) `p_value`; by typology in the order of [`Typology::ALL`], then by score, the highest first.
/// * `members`: `instance`, `stage` (place in the order of payments, from 0), `account`, `role` (`source`, `middle` or `sink`).
/// * `evidence`: `instance`, `transaction`, `source`, `destination`, `time`, `currency`, `paid_minor`, `received_currency`, `received_minor`.
/// * `amounts`: `instance`, `currency`, `num_transactions`, `paid_minor` (their sum).
///
/// The document says for each typology whether its search was `truncated`, and by what.
///
/// # Errors
/// [`Error::Option`], before any work; [`Error::UnknownKey`] for an unknown base currency;
/// [`Error::Input`] for an attribute that accounts do not have or a currency without a rate; [`Error::Cancelled`].
pub fn pattern_report(view: &View<'_>, question: &PatternQuestion, run: &Run) -> Result<Report> {
    let mut tables = Vec::new();
    let document = pattern_tables(view, question, &mut tables, run)?;
    Ok(Report { tables, document_name: "summary", document, parts: Vec::new() })
}

/// As [`pattern_report`], but rows go to `sink` as soon as a typology is searched, those of some instances at a time; returns the
/// document.
///
/// # Errors
/// As [`pattern_report`], and those of the sink.
pub fn pattern_tables(
    view: &View<'_>,
    question: &PatternQuestion,
    sink: &mut dyn TableSink,
    run: &Run,
) -> Result<Value> {
    question.searches.iter().try_for_each(|(_, options)| options.check())?;
    question.null.iter().try_for_each(NullOptions::check)?;
    let within = question.null.as_ref().map_or(&[][..], |null| &null.within);
    let strata = Strata::by(view.graph(), within, run)?;
    let mut document = document(view);
    let transfers = read(view, &question.valuation, &mut document, run)?;
    let (mut num_instances, mut said, mut all) = (0, Vec::new(), Cut::default());
    let mut searches: Vec<&(Typology, Options)> = question.searches.iter().collect();
    searches.sort_by_key(|(typology, _)| *typology);
    for (typology, options) in searches {
        let found = find(&transfers, *typology, options, run)?;
        let mut search = json!({ "typology": typology.name(), "num_instances": found.instances.len() });
        search["options"] = Value::Object(options.settings());
        say_cut(&mut search, &found.cut);
        said.push(search);
        all.add(&found.cut);
        num_instances += found.instances.len();
        // Nothing found is nothing to hold against shuffles.
        let null = question.null.as_ref().filter(|_| !found.instances.is_empty());
        let shuffled = null
            .map(|null| best_of_shuffled(&transfers, *typology, options, null, &strata, run))
            .transpose()?;
        let p_value = |one: &Instance| shuffled.as_ref().map_or(1.0, |best| best.p_value(one.score.total()));
        // Where nothing was found, tables without rows.
        let none = found.instances.is_empty().then_some(&[][..]);
        for instances in at_once(&found.instances, sink.rows_at_once()).chain(none) {
            let mut tables = run.install(|| tables(view.graph(), instances, run))?;
            if question.null.is_some() {
                tables[0].1.push("p_value", Values::F64(instances.iter().map(p_value).collect()));
            }
            tables.into_iter().try_for_each(|(name, rows)| sink.rows(name, rows))?;
        }
    }
    document["num_instances"] = num_instances.into();
    say_cut(&mut document, &all);
    document["searches"] = said.into();
    document["null"] = question.null.as_ref().map_or(Value::Null, |model| {
        json!({
            "shuffled": model.null.name(), "within": model.within, "replicates": model.replicates, "seed": model.seed,
        })
    });
    Ok(document)
}

/// Instances by groups whose rows are made together: those of at most so many payments, unless one instance has more.
fn at_once(mut instances: &[Instance], payments_max: usize) -> impl Iterator<Item = &[Instance]> {
    std::iter::from_fn(move || {
        let mut payments = 0;
        let fits = |one: &&Instance| {
            payments += one.transactions.len();
            payments <= payments_max
        };
        let len = instances.iter().take_while(fits).count().max(1);
        let (now, later) = instances.split_at_checked(len)?;
        instances = later;
        Some(now)
    })
}

/// How many cycles a view has. The table `counts`: `length`, `sequences` (closing payments and accounts), `ways` (choices of payments).
///
/// # Errors
/// As [`pattern_report`].
pub fn cycle_count_report(
    view: &View<'_>,
    options: &CycleOptions,
    valuation: &Valuation,
    run: &Run,
) -> Result<Report> {
    options.check()?;
    let mut document = document(view);
    let transfers = read(view, valuation, &mut document, run)?;
    let (counts, cut) = count_cycles(&transfers, options, run)?;
    let lengths = options.length_min as usize..counts.len();
    let table = Table::new([
        ("length", Values::U32(lengths.clone().map(|length| length as u32).collect())),
        ("sequences", Values::U64(counts[lengths.clone()].iter().map(|count| count.sequences).collect())),
        ("ways", Values::U64(counts[lengths].iter().map(|count| count.ways).collect())),
    ]);
    document["num_sequences"] = counts.iter().map(|count| count.sequences).sum::<u64>().into();
    document["num_ways"] = counts.iter().fold(0u64, |ways, count| ways.saturating_add(count.ways)).into();
    document["options"] = Value::Object(Options::Cycle(options.clone()).settings());
    say_cut(&mut document, &cut);
    Ok(Report { tables: vec![("counts", table)], document_name: "summary", document, parts: Vec::new() })
}

/// The transfers of a view; what their amounts are valued by goes into the document.
fn read(view: &View<'_>, valuation: &Valuation, document: &mut Value, run: &Run) -> Result<Transfers> {
    Transfers::new(view, value(view, valuation, document, run)?.as_ref(), run)
}

/// What amounts are valued by, if they are; it goes into the document.
pub(super) fn value(
    view: &View<'_>,
    valuation: &Valuation,
    document: &mut Value,
    run: &Run,
) -> Result<Option<Rates>> {
    let rates = match &valuation.base {
        Some(code) => Some(rates_to(view, find_base(view.graph(), code)?, valuation.rates.as_ref(), run)?),
        None if valuation.rates.is_some() => {
            let (name, value) = ("rates", "a table, without a base".into());
            return Err(Error::Option { name, value, allowed: "a table only with a base currency" });
        }
        None => None,
    };
    document["rates"] = rates.as_ref().map_or(Value::Null, |(rates, given)| {
        json!({
            "base": valuation.base, "derived": rates.is_derived(),
            "given_sha256": given.map(|sha256| hex(&sha256)),
        })
    });
    Ok(rates.map(|(rates, _)| rates))
}

/// What every document says first.
pub(super) fn document(view: &View<'_>) -> Value {
    json!({
        "result": "patterns",
        "graph": provenance(view.graph()),
        "window": window_document(view.times()),
        "num_currencies": view.graph().manifest().schema.currencies.len(),
    })
}

/// Says what was left undone.
pub(super) fn say_cut(document: &mut Value, cut: &Cut) {
    document["truncated"] = cut.truncated().into();
    document["cut"] = json!({
        "anchors_cut": cut.anchors_cut, "accounts_left": cut.accounts_left,
        "results_dropped": cut.results_dropped, "hubs_passed_over": cut.hubs_passed_over,
    });
}

fn tables(graph: &Graph, instances: &[Instance], run: &Run) -> Result<Vec<(&'static str, Table)>> {
    let sum = |of: fn(&Instance) -> usize| instances.iter().map(of).sum();
    let mut payments: Vec<(u32, u32, TxId)> = Vec::with_capacity(sum(|one| one.transactions.len()));
    let mut members: Vec<(u32, Member)> = Vec::with_capacity(sum(|one| one.members.len()));
    for (number, one) in (0..).zip(instances) {
        payments.extend(one.transactions.iter().map(|&id| (number, 0, id)));
        members.extend(one.members.iter().map(|&member| (number, member)));
    }
    let shown = Shown::look_up(graph, &payments, members.iter().map(|(_, member)| member.account), run)?;
    let place = |&(instance, member): &(u32, Member)| Placed {
        instance,
        stage: member.stage,
        account: shown.accounts.code(member.account.0.into()),
        role: member.role,
    };
    let members: Vec<Placed> = members.par_iter().map(place).collect();
    let name = |members: &[Placed]| name(&instances[members[0].instance as usize], members, &shown);
    let names: Vec<String> = members.par_chunk_by(|a, b| a.instance == b.instance).map(name).collect();
    let names: Arc<Words> = Arc::new(names.iter().collect());
    let (evidence, (found, taking_part, amounts)) = rayon::join(
        || shown.evidence(graph, &names, None),
        || {
            let found = found(instances, &shown, &names);
            (found, taking_part(&members, &shown, &names), shown.amounts(graph, &names))
        },
    );
    Ok(vec![("instances", found), ("members", taking_part), ("evidence", evidence), ("amounts", amounts)])
}

/// A member of an instance by the place of its account among those that were looked up.
struct Placed {
    instance: u32,
    stage: u32,
    account: u32,
    role: Role,
}

/// The table `instances`.
fn found(instances: &[Instance], shown: &Shown, names: &Arc<Words>) -> Table {
    let (start, end) = shown
        .payments
        .chunk_by(|a, b| a.instance == b.instance)
        .map(|payments| (shown.time(&payments[0]), shown.time(&payments[payments.len() - 1])))
        .unzip();
    let sizes = |of: fn(&Instance) -> usize| {
        Values::U32(instances.iter().map(|instance| of(instance) as u32).collect())
    };
    let millibits =
        |of: fn(&Score) -> i64| Values::I64(instances.iter().map(|instance| of(&instance.score)).collect());
    let typologies = instances.iter().map(|one| one.typology.name());
    Table::new([
        ("instance", Values::Coded(Coded::new(names.clone(), (0..instances.len() as u32).collect()))),
        ("typology", coded(&Typology::ALL.map(Typology::name), typologies)),
        ("num_accounts", sizes(|instance| instance.members.len())),
        ("num_transactions", sizes(|instance| instance.transactions.len())),
        ("start", Values::Time(start)),
        ("end", Values::Time(end)),
        ("ways", Values::U64(instances.iter().map(|instance| instance.ways).collect())),
        ("flow_minor", Values::OptionI64(instances.iter().map(|instance| instance.flow).collect())),
        ("overlapping", sizes(|instance| instance.overlapping as usize)),
        ("score_millibits", millibits(Score::total)),
        ("burst_millibits", millibits(|score| score.burst)),
        ("strangers_millibits", millibits(|score| score.strangers)),
        ("closure_millibits", millibits(|score| score.closure)),
        ("conserved_millibits", millibits(|score| score.conserved)),
    ])
}

/// The table `members`.
fn taking_part(members: &[Placed], shown: &Shown, names: &Arc<Words>) -> Table {
    let codes = |of: fn(&Placed) -> u32| members.iter().map(of).collect();
    let roles = Arc::new(Role::ALL.iter().map(|role| role.name()).collect());
    Table::new([
        ("instance", Values::Coded(Coded::new(names.clone(), codes(|member| member.instance)))),
        ("stage", Values::U32(codes(|member| member.stage))),
        ("account", shown.accounts.column(codes(|member| member.account))),
        ("role", Values::Coded(Coded::new(roles, codes(|member| member.role as u32)))),
    ])
}

/// The name of an instance: the typology and a hash of the accounts' keys, in their order, and of the first payment's key. What is added to a ledger
/// later does not change it.
fn name(instance: &Instance, members: &[Placed], shown: &Shown) -> String {
    let accounts = members.iter().map(|member| shown.accounts.word(member.account));
    let first = instance.transactions.first().map(|id| shown.transactions.key(id.0));
    let mut keys = Vec::with_capacity(64 * members.len());
    for key in accounts.chain(first) {
        keys.extend_from_slice(&(key.len() as u64).to_le_bytes());
        keys.extend_from_slice(key.as_bytes());
    }
    format!("{}-{}", instance.typology.name(), hex(&Sha256::digest(&keys)[..NAME_LEN / 2]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_in_memory_are_bounded_by_payments_and_none_is_left_out() {
        let instance = |payments: u64| Instance {
            typology: Typology::Stack,
            members: Vec::new(),
            transactions: (0..payments).map(TxId).collect(),
            ways: 1,
            flow: None,
            score: Score::default(),
            overlapping: 0,
        };
        let instances = [40_000, 30_000, 90_000, 1, 2].map(instance);
        let groups: Vec<&[Instance]> = at_once(&instances, 1 << 15).collect();
        assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [1, 1, 1, 2]);
        assert_eq!(groups.concat(), instances);
        assert_eq!(at_once(&instances, usize::MAX).collect::<Vec<_>>(), [&instances]);
        assert_eq!(at_once(&[], 1).count(), 0);
    }
}
