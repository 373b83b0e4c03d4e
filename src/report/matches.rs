//! Matches of a pattern in words as tables: instances, who bears which name in them, and the payments that show them.

use super::folder::Report;
use super::patterns::{Valuation, document, say_cut, value};
use super::provenance::hex;
use super::table::{Table, Values};
use crate::error::Result;
use crate::graph::{Graph, Transaction, View};
use crate::ids::CurrencyId;
use crate::patterns::{Budget, Match, Query, matches};
use crate::run::Run;
use rayon::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Matches whose keys one task looks up.
const MATCHES_PER_TASK: usize = 1 << 8;

/// Characters of an instance's name after that of the pattern.
const NAME_LEN: usize = 12;

/// A pattern in words, and what it is looked for with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchQuestion {
    /// What to look for.
    pub query: Query,
    /// How much may be done.
    pub budget: Budget,
    /// In which currency amounts are compared.
    pub valuation: Valuation,
}

/// The matches of a pattern in a view. The tables:
/// * `instances`: `instance` (a name that stays as long as accounts and payments do), `typology` (the name of the pattern), `num_accounts`,
///   `num_transactions`, `start`, `end`, `ways` (choices of single payments); by last payment.
/// * `members`: `instance`, `stage` (place of the account's name in the query, from 0), `account`, `role` (the name).
/// * `evidence`: `instance`, `role` (the name of the transfer), `transaction`, `source`, `destination`, `time`, `currency`, `paid_minor`, `received_currency`,
///   `received_minor`; transfers in the order of the query, each in the order of time.
/// * `amounts`: `instance`, `currency`, `num_transactions`, `paid_minor` (their sum; a payment that two strands of a group name differently counts once).
///
/// The document holds the query as it was understood, and says whether the search was `truncated`, and by what.
///
/// # Errors
/// Those of [`matches`](fn@matches); [`Error::UnknownKey`](crate::Error::UnknownKey) for an unknown base currency.
pub fn match_report(view: &View<'_>, question: &MatchQuestion, run: &Run) -> Result<Report> {
    let MatchQuestion { query, budget, valuation } = question;
    let mut document = document(view);
    let rates = value(view, valuation, &mut document, run)?;
    let found = matches(view, query, rates.as_ref(), budget, run)?;
    document["query"] = query.to_string().into();
    document["options"] = json!(budget);
    document["num_instances"] = found.matches.len().into();
    say_cut(&mut document, &found.cut);
    let tables = run.install(|| tables(view.graph(), query, &found.matches, run))?;
    Ok(Report { tables, document_name: "summary", document, parts: Vec::new() })
}

/// A match as it is shown.
struct Shown {
    name: String,
    /// Place of the name in the query, and the key.
    members: Vec<(usize, String)>,
    payments: Vec<Payment>,
}

/// A payment as it is shown.
struct Payment {
    /// Place of the transfer in the query.
    transfer: usize,
    key: String,
    source: String,
    destination: String,
    row: Transaction,
}

impl Shown {
    fn new(graph: &Graph, query: &Query, found: &Match) -> Result<Self> {
        let members = found.accounts.iter().enumerate();
        let members =
            members.flat_map(|(node, accounts)| accounts.iter().map(move |&account| (node, account)));
        let members = members
            .map(|(node, account)| Ok((node, graph.account_key(account)?)))
            .collect::<Result<Vec<_>>>()?;
        let payments = found.transactions.iter().enumerate();
        let payments = payments.flat_map(|(transfer, ids)| ids.iter().map(move |&id| (transfer, id)));
        let payment = |(transfer, id)| {
            let row = graph.transaction(id)?;
            let (source, destination) = (graph.account_key(row.source)?, graph.account_key(row.destination)?);
            Ok(Payment { transfer, key: graph.transaction_key(id)?, source, destination, row })
        };
        let payments = payments.map(payment).collect::<Result<Vec<_>>>()?;
        let name = name(query, &members, &payments);
        Ok(Self { name, members, payments })
    }
}

/// The name of the pattern and a hash of who bears which name and of the payments. What is added to a ledger changes it only if
/// it changes the match.
fn name(query: &Query, members: &[(usize, String)], payments: &[Payment]) -> String {
    let mut hash = Sha256::new();
    let keys = members.iter().map(|(node, key)| (*node, key));
    for (number, key) in keys.chain(payments.iter().map(|payment| (payment.transfer, &payment.key))) {
        hash.update((number as u64).to_le_bytes());
        hash.update((key.len() as u64).to_le_bytes());
        hash.update(key.as_bytes());
    }
    format!("{}-{}", query.name(), &hex(&hash.finalize())[..NAME_LEN])
}

fn tables(graph: &Graph, query: &Query, found: &[Match], run: &Run) -> Result<Vec<(&'static str, Table)>> {
    run.stage("keys", found.len() as u64);
    let task = |found: &[Match]| {
        run.check()?;
        run.advance(found.len() as u64);
        found.iter().map(|found| Shown::new(graph, query, found)).collect::<Result<Vec<_>>>()
    };
    let shown: Vec<Vec<Shown>> = found.par_chunks(MATCHES_PER_TASK).map(task).collect::<Result<_>>()?;
    let shown: Vec<Shown> = shown.into_iter().flatten().collect();
    let num = |of: &dyn Fn(&Shown) -> usize| Values::U32(shown.iter().map(|one| of(one) as u32).collect());
    let num_transactions = |found: &Match| {
        let mut ids: Vec<_> = found.transactions.concat();
        ids.sort_unstable();
        ids.dedup();
        ids.len() as u32
    };
    let instances = Table::new([
        ("instance", Values::Text(shown.iter().map(|one| one.name.clone()).collect())),
        ("typology", Values::Text(vec![query.name().to_string(); found.len()])),
        ("num_accounts", num(&|one| one.members.len())),
        ("num_transactions", Values::U32(found.iter().map(num_transactions).collect())),
        ("start", Values::Time(found.iter().map(|one| one.start).collect())),
        ("end", Values::Time(found.iter().map(|one| one.end).collect())),
        ("ways", Values::U64(found.iter().map(|one| one.ways).collect())),
    ]);
    let accounts: Vec<&str> = query.accounts().collect();
    let all = || shown.iter().flat_map(|one| one.members.iter().map(move |member| (one, member)));
    let members = Table::new([
        ("instance", Values::Text(all().map(|(one, _)| one.name.clone()).collect())),
        ("stage", Values::U32(all().map(|(_, member)| member.0 as u32).collect())),
        ("account", Values::Text(all().map(|(_, member)| member.1.clone()).collect())),
        ("role", Values::Text(all().map(|(_, member)| accounts[member.0].to_string()).collect())),
    ]);
    Ok(vec![
        ("instances", instances),
        ("members", members),
        ("evidence", evidence(graph, query, &shown)),
        ("amounts", amounts(graph, &shown)),
    ])
}

fn evidence(graph: &Graph, query: &Query, shown: &[Shown]) -> Table {
    let transfers: Vec<&str> = query.transfers().collect();
    let all = || shown.iter().flat_map(|one| one.payments.iter().map(move |payment| (one, payment)));
    let text =
        |of: &dyn Fn(&Payment) -> String| Values::Text(all().map(|(_, payment)| of(payment)).collect());
    let code = |currency| graph.currency(currency).code.clone();
    Table::new([
        ("instance", Values::Text(all().map(|(one, _)| one.name.clone()).collect())),
        ("role", text(&|payment| transfers[payment.transfer].to_string())),
        ("transaction", text(&|payment| payment.key.clone())),
        ("source", text(&|payment| payment.source.clone())),
        ("destination", text(&|payment| payment.destination.clone())),
        ("time", Values::Time(all().map(|(_, payment)| payment.row.time).collect())),
        ("currency", text(&|payment| code(payment.row.paid_currency))),
        ("paid_minor", Values::I64(all().map(|(_, payment)| payment.row.paid).collect())),
        ("received_currency", text(&|payment| code(payment.row.received_currency))),
        ("received_minor", Values::I64(all().map(|(_, payment)| payment.row.received).collect())),
    ])
}

fn amounts(graph: &Graph, shown: &[Shown]) -> Table {
    let mut sums: BTreeMap<(usize, u16), (u32, i128)> = BTreeMap::new();
    for (number, one) in shown.iter().enumerate() {
        let payments: BTreeMap<&str, &Transaction> =
            one.payments.iter().map(|payment| (payment.key.as_str(), &payment.row)).collect();
        for row in payments.values() {
            let sum = sums.entry((number, row.paid_currency.0)).or_default();
            *sum = (sum.0 + 1, sum.1 + i128::from(row.paid));
        }
    }
    let code = |at: u16| graph.currency(CurrencyId(at)).code.clone();
    Table::new([
        ("instance", Values::Text(sums.keys().map(|&(number, _)| shown[number].name.clone()).collect())),
        ("currency", Values::Text(sums.keys().map(|&(_, at)| code(at)).collect())),
        ("num_transactions", Values::U32(sums.values().map(|sum| sum.0).collect())),
        ("paid_minor", Values::I128(sums.values().map(|sum| sum.1).collect())),
    ])
}
