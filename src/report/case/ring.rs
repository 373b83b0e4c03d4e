//! The case file of a ring.

use super::draft::{CaseOptions, Moved, Shown, amount, draft, shortened};
use super::file::{CaseFile, Claim, Counterfactual, MoneyLine, Point, ScorePart, Subject};
use super::sentences::{Words, bits, capital};
use crate::error::Result;
use crate::graph::Graph;
use crate::ids::{AccountId, CurrencyId, TxId};
use crate::rings::{self, ClaimKind, Ring, RingRole};
use crate::run::Run;
use crate::store::format::flags;
use crate::units::Window;
use crate::units::time::{DAY_US, format_time};
use roaring::RoaringBitmap;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// The case file of `ring`, which is called `name`; `found_with` is what the run that found it was asked, as its document has it.
///
/// # Errors
/// [`Error::Option`](crate::Error::Option), [`Error::UnknownKey`](crate::Error::UnknownKey) for an attribute, before any work;
/// [`Error::Input`](crate::Error::Input) for two names with one pseudonym; [`Error::Damaged`](crate::Error::Damaged);
/// [`Error::Cancelled`](crate::Error::Cancelled).
pub fn ring_case(
    graph: &Graph,
    name: &str,
    ring: &Ring,
    counterfactual: Option<&rings::Counterfactual>,
    found_with: &Value,
    options: &CaseOptions,
    run: &Run,
) -> Result<CaseFile> {
    options.check(graph)?;
    run.stage("case", 0);
    let words = Words(options.language);
    let accounts = accounts(graph, ring, options)?;
    let transfers = transfers(graph, ring, &accounts, run)?;
    // The name is a hash of a key, which somebody with a list of keys could try.
    let name = options.names.identifier("ring", name);
    let subject = Subject {
        kind: "ring".into(),
        title: format!("{} {name}", words.of("Ring", "团伙")),
        id: name,
        first: ring.span.map(|span| format_time(span.0)),
        last: ring.span.map(|span| format_time(span.1)),
    };
    let num_transfers = transfers.len();
    let mut made = draft(graph, subject, &accounts, transfers, &ring.uses, options, run)?;
    let num_members = accounts.iter().filter(|shown| shown.member).count();
    if num_members < ring.members.len() {
        shortened(&mut made.case, ring.members.len(), num_transfers.max(ring.transactions.len()), options);
    }
    let place = |id: &TxId| made.transfer_places.get(id).copied();
    let claim = |(counted, number): (&rings::Counted, usize)| {
        let claim = &counted.claim;
        let known = |id| made.identifier_places.get(id).copied();
        Ok(Claim {
            kind: claim.kind.name().into(),
            id: format!("{number}"),
            text: claim_text(graph, claim, words) + &moved(graph, claim, words)?,
            millibits: counted.adds,
            transfers: claim.transactions.iter().filter_map(place).collect(),
            identifiers: claim.identifiers.iter().filter_map(known).collect(),
        })
    };
    let claims: Vec<Claim> = ring.claims.iter().zip(1..).map(claim).collect::<Result<_>>()?;
    let counterfactual = counterfactual.map(|found| Counterfactual {
        text: counterfactual_text(found, words),
        transfers: found.transactions.iter().filter_map(place).collect(),
        identifiers: found
            .identifiers
            .iter()
            .filter_map(|id| made.identifier_places.get(id).copied())
            .collect(),
        smallest: found.smallest,
    });
    let mut case = made.case;
    case.claims = claims;
    case.counterfactual = counterfactual;
    case.score_millibits = Some(ring.millibits);
    case.score_parts = ring
        .parts()
        .into_iter()
        .map(|(kind, millibits)| ScorePart {
            name: kind.name().into(),
            label: words.claim(kind).into(),
            millibits,
        })
        .collect();
    case.money = ring
        .money
        .iter()
        .map(|(&currency, sums)| {
            let amount = |minor| amount(graph, currency, minor);
            let traced = ring.parts().contains_key(&ClaimKind::Trace).then(|| amount(sums.traced));
            MoneyLine {
                currency: graph.currency(currency).code.clone(),
                received: amount(sums.received),
                paid: amount(sums.paid),
                kept: amount(sums.received - sums.paid),
                inside: amount(sums.inside),
                traced,
            }
        })
        .collect();
    case.summary = summary(&case, ring, words);
    case.provenance["found_with"] = found_with.clone();
    Ok(case)
}

/// The members, and the accounts outside that evidence names; members in most claims stay where there are too many.
fn accounts(graph: &Graph, ring: &Ring, options: &CaseOptions) -> Result<Vec<Shown>> {
    let mut members: Vec<&rings::RingMember> = ring.members.iter().collect();
    members.sort_by_key(|member| (Reverse(member.num_claims), member.account));
    members.truncate(options.accounts_max as usize);
    let rank = |role: Option<&RingRole>| {
        RingRole::ALL.iter().position(|known| Some(known) == role).unwrap_or(RingRole::ALL.len())
    };
    let mut named = Vec::with_capacity(members.len());
    for member in members {
        let name = options.names.account(&graph.account_key(member.account)?);
        named.push((rank(member.roles.first()), name, member));
    }
    named.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let mut shown: Vec<Shown> = named
        .into_iter()
        .map(|(_, _, member)| Shown {
            account: member.account,
            member: true,
            roles: member.roles.iter().map(|role| role.name()).collect(),
        })
        .collect();
    let mut outside = BTreeSet::new();
    for &id in &ring.transactions {
        let row = graph.transaction(id)?;
        outside.extend([row.source, row.destination].into_iter().filter(|&end| !ring.contains(end)));
    }
    let room = (options.accounts_max as usize).saturating_sub(shown.len());
    shown.extend(outside.into_iter().take(room).map(|account| Shown {
        account,
        member: false,
        roles: Vec::new(),
    }));
    Ok(shown)
}

/// The evidence, and what else the shown accounts paid each other in its time.
fn transfers(graph: &Graph, ring: &Ring, shown: &[Shown], run: &Run) -> Result<Vec<Moved>> {
    let mut found: BTreeMap<TxId, Moved> = BTreeMap::new();
    let members: RoaringBitmap =
        shown.iter().filter(|shown| shown.member).map(|shown| shown.account.0).collect();
    if let Some((first, last)) = ring.span {
        let view = graph.window(Window { from: first, to: last.saturating_add(1) })?;
        for account in &members {
            run.check()?;
            for slice in view.out(AccountId(account)) {
                let slice = slice?;
                for (&neighbor, &row) in slice.neighbors.iter().zip(slice.transactions) {
                    if members.contains(neighbor) && neighbor != account {
                        let row = graph.transaction(TxId(slice.base.0 + u64::from(row)))?;
                        if row.flags & flags::MOVES_NOTHING == 0 {
                            found.insert(row.id, Moved { row, evidence: false, traced: None });
                        }
                    }
                }
            }
        }
    }
    for &id in &ring.transactions {
        found.insert(id, Moved { row: graph.transaction(id)?, evidence: true, traced: None });
    }
    Ok(found.into_values().collect())
}

/// What a claim says, in words.
fn claim_text(graph: &Graph, claim: &rings::Claim, words: Words) -> String {
    let accounts = words.count(claim.parties.len(), "account", "accounts", "个账户");
    match claim.kind {
        ClaimKind::Identity => {
            let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
            for identifier in &claim.identifiers {
                *kinds.entry(graph.manifest().kinds[identifier.kind.index()].name.as_str()).or_default() += 1;
            }
            let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
            let kinds = words.list(&kinds);
            match words.0 {
                super::Language::En => format!("{accounts} share identifiers: {kinds}."),
                super::Language::Zh => format!("{accounts}共用身份标识:{kinds}。"),
            }
        }
        ClaimKind::Community => match words.0 {
            super::Language::En => format!("{accounts} that pay each other and hardly anybody else."),
            super::Language::Zh => format!("{accounts}几乎只在彼此之间付款。"),
        },
        ClaimKind::Trace => {
            let payments = words.count(claim.transactions.len(), "payment", "payments", "笔付款");
            match words.0 {
                super::Language::En => {
                    format!("{payments} among {accounts} carried money followed from known seeds.")
                }
                super::Language::Zh => format!("{accounts}之间的{payments}承载了从已知源头追踪的资金。"),
            }
        }
        ClaimKind::Typology(typology) => {
            let (name, what) = (words.claim(claim.kind), words.typology(typology));
            let payments = words.count(claim.transactions.len(), "payment", "payments", "笔付款");
            match words.0 {
                super::Language::En => format!("{}: {what}. {payments} among {accounts}.", capital(name)),
                super::Language::Zh => format!("{name}:{what}。{accounts}之间{payments}。"),
            }
        }
    }
}

/// What the payments of a claim come to, and when they were; empty without any.
fn moved(graph: &Graph, claim: &rings::Claim, words: Words) -> Result<String> {
    let mut sums: BTreeMap<CurrencyId, i128> = BTreeMap::new();
    let mut span: Option<(i64, i64)> = None;
    for &id in &claim.transactions {
        let row = graph.transaction(id)?;
        *sums.entry(row.paid_currency).or_default() += i128::from(row.paid);
        let (first, last) = span.unwrap_or((row.time, row.time));
        span = Some((first.min(row.time), last.max(row.time)));
    }
    let Some((first, last)) = span else { return Ok(String::new()) };
    let sums: Vec<String> =
        sums.into_iter().map(|(currency, minor)| words.amount(&amount(graph, currency, minor))).collect();
    let (first, last) = (format_time(first), format_time(last));
    Ok(match words.0 {
        super::Language::En => format!(" {}, from {first} to {last}.", words.list(&sums)),
        super::Language::Zh => format!("金额 {},{first} 至 {last}。", words.list(&sums)),
    })
}

fn counterfactual_text(found: &rings::Counterfactual, words: Words) -> String {
    let mut parts = Vec::new();
    if !found.transactions.is_empty() {
        parts.push(words.count(found.transactions.len(), "transfer", "transfers", "笔转账"));
    }
    if !found.identifiers.is_empty() {
        parts.push(words.count(found.identifiers.len(), "identifier", "identifiers", "个身份标识"));
    }
    let what = words.list(&parts);
    let mut text = match (words.0, parts.is_empty()) {
        (super::Language::En, true) => "No transfer and no identifier undoes this ring.".to_string(),
        (super::Language::Zh, true) => "没有任何转账或身份标识可以使该团伙不被报告。".to_string(),
        (super::Language::En, false) => format!("Without these {what} it would not have been reported."),
        (super::Language::Zh, false) => format!("若没有这{what},该团伙不会被报告。"),
    };
    if !parts.is_empty() {
        text += match (words.0, found.smallest) {
            (super::Language::En, true) => " No smaller set does that.",
            (super::Language::En, false) => {
                " No part of them does that; whether fewer others do was not proved."
            }
            (super::Language::Zh, true) => "不存在更小的集合。",
            (super::Language::Zh, false) => "其任何一部分都不足以做到;是否存在更小的集合未经证明。",
        };
    }
    if found.others {
        text += words.of(
            " Traced money and communities, which rest on no single transfer, are left out of this.",
            "被追踪的资金和群体不取决于单笔转账,不在此列。",
        );
    }
    text
}

fn summary(case: &CaseFile, ring: &Ring, words: Words) -> Vec<Point> {
    let point = |question: &str, text: String| Point { question: question.into(), text };
    let en = words.0 == super::Language::En;
    let stop = words.of(".", "。");
    let members = ring.members.len();
    let mut roles: Vec<String> = Vec::new();
    for role in RingRole::ALL {
        let count = ring.members.iter().filter(|member| member.roles.contains(&role)).count();
        if count > 0 {
            roles.push(words.roles(count, role));
        }
    }
    let mut who = words.count(members, "account", "accounts", "个账户");
    if !roles.is_empty() {
        who += &match en {
            true => format!(", among them {} (an account can have several roles)", words.list(&roles)),
            false => format!(",其中{}(一个账户可有多种角色)", words.list(&roles)),
        };
    }
    who += stop;
    let strongest = ring.claims.first().map_or(String::new(), |counted| {
        let name = words.claim(counted.claim.kind);
        let more = ring.claims.len() - 1;
        match (en, more) {
            (true, 0) => format!("One claim: {name}."),
            (true, more) => format!("The strongest of {} claims: {name}.", more + 1),
            (false, 0) => format!("一条线索:{name}。"),
            (false, more) => format!("共 {} 条线索,最强的一条:{name}。", more + 1),
        }
    });
    let first_text = case.claims.first().map_or(String::new(), |claim| claim.text.clone());
    let when = match (ring.span, en) {
        (Some((first, last)), true) => {
            let days = (last - first).div_euclid(DAY_US) + 1;
            format!(
                "From {} to {} (UTC), within {}.",
                format_time(first),
                format_time(last),
                words.count(days as usize, "day", "days", "天")
            )
        }
        (Some((first, last)), false) => {
            let days = (last - first).div_euclid(DAY_US) + 1;
            format!("{} 至 {}(UTC),{} 天之内。", format_time(first), format_time(last), days)
        }
        (None, true) => "The evidence has no times.".to_string(),
        (None, false) => "证据没有时间信息。".to_string(),
    };
    let money: Vec<String> = case
        .money
        .iter()
        .map(|line| {
            let of = |amount| words.amount(amount);
            match en {
                true => format!(
                    "{} came in from outside, {} went out, {} moved among members",
                    of(&line.received),
                    of(&line.paid),
                    of(&line.inside)
                ),
                false => format!(
                    "从外部收到 {},向外部付出 {},成员之间流转 {}",
                    of(&line.received),
                    of(&line.paid),
                    of(&line.inside)
                ),
            }
        })
        .collect();
    let place = match (money.is_empty(), en) {
        (true, true) => "No money moved in the evidence.".to_string(),
        (true, false) => "证据中没有资金流动。".to_string(),
        (false, true) => format!("In that time {}.", money.join("; ")),
        (false, false) => format!("在此期间{}。", money.join(";")),
    };
    // What adds nothing, because stronger reasons show it already, stands in the table alone.
    let adding = case.score_parts.iter().filter(|part| part.millibits != 0);
    let parts: Vec<String> = adding.map(|part| format!("{} {}", part.label, bits(part.millibits))).collect();
    let why = match en {
        true => format!(
            "{} bits of evidence against chance: {}. A score ranks; it is no probability of guilt.",
            bits(ring.millibits),
            parts.join(" + ")
        ),
        false => format!(
            "与偶然相比的证据强度为 {} 比特:{}。分数用于排序,并非有罪的概率。",
            bits(ring.millibits),
            parts.join(" + ")
        ),
    };
    vec![
        point("who", who),
        point("what", format!("{strongest} {first_text}")),
        point("when", when),
        point("where", place),
        point("why", why),
        point("how", how(ring, words)),
    ]
}

/// How the money goes, by roles.
fn how(ring: &Ring, words: Words) -> String {
    let has = |role: RingRole| ring.members.iter().any(|member| member.roles.contains(&role));
    let steps = [
        (RingRole::Victim, "enters from victims", "从受害人账户进入"),
        (RingRole::Controller, "is sent out by controllers", "由控制人账户发出"),
        (RingRole::Collector, "is gathered by collectors", "由归集账户收拢"),
        (RingRole::Layer, "passes layers", "经过分层账户"),
        (RingRole::Mule, "is passed on by mules", "由过账（骡子）账户转付"),
        (RingRole::CashOut, "leaves what is seen at cash-out accounts", "在套现账户离开视野"),
    ];
    let found: Vec<String> = steps
        .iter()
        .filter(|(role, _, _)| has(*role))
        .map(|(_, en, zh)| words.of(en, zh).to_string())
        .collect();
    match (words.0, found.is_empty()) {
        (super::Language::En, true) => "The accounts are tied by what they share, not by payments.".into(),
        (super::Language::Zh, true) => "这些账户由共用的标识联系在一起,而非由付款联系。".into(),
        (super::Language::En, false) => format!("By its payments money {}.", words.list(&found)),
        (super::Language::Zh, false) => format!("从付款来看,资金{}。", words.list(&found)),
    }
}
