//! Matches of a pattern in words as tables: instances, who bears which name in them, and the payments that show them.

use super::evidence::{Shown, coded};
use super::folder::Report;
use super::patterns::{Valuation, document, say_cut, value};
use super::provenance::hex;
use super::table::{Table, Values};
use super::words::{Coded, Words};
use crate::error::Result;
use crate::graph::{Graph, View};
use crate::ids::{AccountId, TxId};
use crate::patterns::{Budget, Match, Query, matches};
use crate::run::Run;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;

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

/// The name of a match: that of the pattern, and a hash of who bears which name and of the payments. What is added to a ledger changes it only if
/// it changes the match.
fn name(query: &Query, found: &Match, shown: &Shown) -> String {
    let accounts = found.accounts.iter().enumerate();
    let accounts = accounts.flat_map(|(part, ids)| ids.iter().map(move |id| (part, id)));
    let accounts = accounts.map(|(part, id)| (part, shown.accounts.key(id.0.into())));
    let payments = found.transactions.iter().enumerate();
    let payments = payments.flat_map(|(part, ids)| ids.iter().map(move |id| (part, id)));
    let payments = payments.map(|(part, id)| (part, shown.transactions.key(id.0)));
    let mut hash = Sha256::new();
    for (part, key) in accounts.chain(payments) {
        hash.update((part as u64).to_le_bytes());
        hash.update((key.len() as u64).to_le_bytes());
        hash.update(key.as_bytes());
    }
    format!("{}-{}", query.name(), hex(&hash.finalize()[..NAME_LEN / 2]))
}

fn tables(graph: &Graph, query: &Query, found: &[Match], run: &Run) -> Result<Vec<(&'static str, Table)>> {
    let numbered = || (0..).zip(found);
    // Parts are names of accounts or of transfers, in the order of the query.
    let payments: Vec<(u32, u32, TxId)> = numbered()
        .flat_map(|(number, one)| (0..).zip(&one.transactions).map(move |(part, ids)| (number, part, ids)))
        .flat_map(|(number, part, ids)| ids.iter().map(move |&id| (number, part, id)))
        .collect();
    let bearers: Vec<(u32, u32, AccountId)> = numbered()
        .flat_map(|(number, one)| (0..).zip(&one.accounts).map(move |(part, ids)| (number, part, ids)))
        .flat_map(|(number, part, ids)| ids.iter().map(move |&id| (number, part, id)))
        .collect();
    let shown = Shown::look_up(graph, &payments, bearers.iter().map(|bearer| bearer.2), run)?;
    let names: Arc<Words> = Arc::new(found.iter().map(|found| name(query, found, &shown)).collect());
    let num_transactions = |found: &Match| {
        let mut ids: Vec<_> = found.transactions.concat();
        ids.sort_unstable();
        ids.dedup();
        ids.len() as u32
    };
    let num_accounts = |found: &Match| found.accounts.iter().map(|accounts| accounts.len() as u32).sum();
    let instances = Table::new([
        ("instance", Values::Coded(Coded::new(names.clone(), (0..found.len() as u32).collect()))),
        ("typology", coded(&[query.name()], found.iter().map(|_| query.name()))),
        ("num_accounts", Values::U32(found.iter().map(num_accounts).collect())),
        ("num_transactions", Values::U32(found.iter().map(num_transactions).collect())),
        ("start", Values::Time(found.iter().map(|one| one.start).collect())),
        ("end", Values::Time(found.iter().map(|one| one.end).collect())),
        ("ways", Values::U64(found.iter().map(|one| one.ways).collect())),
    ]);
    let accounts: Vec<&str> = query.accounts().collect();
    let transfers: Vec<&str> = query.transfers().collect();
    let taking_part = Table::new([
        (
            "instance",
            Values::Coded(Coded::new(names.clone(), bearers.iter().map(|bearer| bearer.0).collect())),
        ),
        ("stage", Values::U32(bearers.iter().map(|bearer| bearer.1).collect())),
        (
            "account",
            shown
                .accounts
                .column(bearers.iter().map(|bearer| shown.accounts.code(bearer.2.0.into())).collect()),
        ),
        ("role", coded(&accounts, bearers.iter().map(|bearer| accounts[bearer.1 as usize]))),
    ]);
    Ok(vec![
        ("instances", instances),
        ("members", taking_part),
        ("evidence", shown.evidence(graph, &names, Some(&transfers))),
        ("amounts", shown.amounts(graph, &names)),
    ])
}
