//! Matches of a pattern in words as tables: instances, who bears which name in them, and the payments that show them.

use super::evidence::{Payment, account_keys, amounts, evidence, look_up};
use super::folder::Report;
use super::patterns::{Valuation, document, say_cut, value};
use super::provenance::hex;
use super::table::{Table, Values};
use crate::error::Result;
use crate::graph::{Graph, View};
use crate::ids::{AccountId, TxId};
use crate::patterns::{Budget, Match, Query, matches};
use crate::run::Run;
use serde_json::json;
use sha2::{Digest, Sha256};

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

/// The name of the pattern and a hash of who bears which name and of the payments, for each match. What is added to a ledger changes it only if
/// it changes the match.
fn names(query: &Query, members: &[(usize, usize, String)], payments: &[Payment], len: usize) -> Vec<String> {
    let mut hashes = vec![Sha256::new(); len];
    let keys = members.iter().map(|(number, node, key)| (*number, *node, key));
    for (number, part, key) in
        keys.chain(payments.iter().map(|payment| (payment.instance, payment.role, &payment.key)))
    {
        hashes[number].update((part as u64).to_le_bytes());
        hashes[number].update((key.len() as u64).to_le_bytes());
        hashes[number].update(key.as_bytes());
    }
    let name = |hash: Sha256| format!("{}-{}", query.name(), &hex(&hash.finalize())[..NAME_LEN]);
    hashes.into_iter().map(name).collect()
}

fn tables(graph: &Graph, query: &Query, found: &[Match], run: &Run) -> Result<Vec<(&'static str, Table)>> {
    let numbered = || found.iter().enumerate();
    // Parts are names of accounts or of transfers, in the order of the query.
    let payments: Vec<(usize, usize, TxId)> = numbered()
        .flat_map(|(number, one)| {
            one.transactions.iter().enumerate().map(move |(part, ids)| (number, part, ids))
        })
        .flat_map(|(number, part, ids)| ids.iter().map(move |&id| (number, part, id)))
        .collect();
    let shown = look_up(graph, &payments, run)?;
    let bearers: Vec<(usize, usize, AccountId)> = numbered()
        .flat_map(|(number, one)| one.accounts.iter().enumerate().map(move |(part, ids)| (number, part, ids)))
        .flat_map(|(number, part, ids)| ids.iter().map(move |&id| (number, part, id)))
        .collect();
    let accounts: Vec<(usize, AccountId)> =
        bearers.iter().map(|&(number, _, account)| (number, account)).collect();
    let keys = account_keys(graph, &accounts)?;
    let members: Vec<(usize, usize, String)> =
        bearers.iter().zip(keys).map(|(bearer, (number, key))| (number, bearer.1, key)).collect();
    let names = names(query, &members, &shown, found.len());
    let num_transactions = |found: &Match| {
        let mut ids: Vec<_> = found.transactions.concat();
        ids.sort_unstable();
        ids.dedup();
        ids.len() as u32
    };
    let num_accounts = |found: &Match| found.accounts.iter().map(|accounts| accounts.len() as u32).sum();
    let instances = Table::new([
        ("instance", Values::Text(names.clone())),
        ("typology", Values::Text(vec![query.name().to_string(); found.len()])),
        ("num_accounts", Values::U32(found.iter().map(num_accounts).collect())),
        ("num_transactions", Values::U32(found.iter().map(num_transactions).collect())),
        ("start", Values::Time(found.iter().map(|one| one.start).collect())),
        ("end", Values::Time(found.iter().map(|one| one.end).collect())),
        ("ways", Values::U64(found.iter().map(|one| one.ways).collect())),
    ]);
    let accounts: Vec<&str> = query.accounts().collect();
    let transfers: Vec<&str> = query.transfers().collect();
    let taking_part = Table::new([
        ("instance", Values::Text(members.iter().map(|member| names[member.0].clone()).collect())),
        ("stage", Values::U32(members.iter().map(|member| member.1 as u32).collect())),
        ("account", Values::Text(members.iter().map(|member| member.2.clone()).collect())),
        ("role", Values::Text(members.iter().map(|member| accounts[member.1].to_string()).collect())),
    ]);
    Ok(vec![
        ("instances", instances),
        ("members", taking_part),
        ("evidence", evidence(graph, &names, Some(&transfers), &shown)),
        ("amounts", amounts(graph, &names, &shown)),
    ])
}
