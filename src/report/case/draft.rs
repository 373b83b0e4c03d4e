//! What case files of rings and of traces have in common: accounts and transfers with names, amounts and places.

use super::file::{
    CaseAccount, CaseAmount, CaseFile, CaseIdentifier, CaseTransfer, CaseUse, FORMAT, Language, Subject,
    Summarised,
};
use super::flow::flow;
use super::layout::layout;
use super::sentences::Words;
use crate::error::{Error, Result};
use crate::graph::attributes::AttributeValue;
use crate::graph::{Graph, Transaction};
use crate::ids::{AccountId, CurrencyId, IdentifierId, TxId};
use crate::report::provenance::provenance;
use crate::report::pseudonyms::Names;
use crate::rings::Evidence;
use crate::run::Run;
use crate::units::amount::format_amount;
use crate::units::time::format_time;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How a case file is made.
#[derive(Clone, Debug)]
pub struct CaseOptions {
    /// Of its texts.
    pub language: Language,
    /// How accounts, transactions and identifiers are called in it.
    pub names: Names,
    /// Account attributes that are told, by name. They may be personal data.
    pub attributes: Vec<String>,
    /// Most accounts that are shown, at least 2: those in most claims, or with most money, stay.
    pub accounts_max: u32,
    /// Most transfers that are shown, at least 1: evidence first, then the earliest.
    pub transfers_max: u32,
}

impl CaseOptions {
    /// The defaults, with these names.
    pub fn new(names: Names) -> Self {
        CaseOptions {
            language: Language::default(),
            names,
            attributes: Vec::new(),
            accounts_max: 2_000,
            transfers_max: 8_000,
        }
    }

    /// Whether the options can be met.
    ///
    /// # Errors
    /// [`Error::Option`] names the first that cannot; [`Error::UnknownKey`] an attribute that the graph does not have.
    pub(super) fn check(&self, graph: &Graph) -> Result<()> {
        let refuse =
            |name, value: u32, allowed| Err(Error::Option { name, value: value.to_string(), allowed });
        if self.accounts_max < 2 {
            return refuse("accounts_max", self.accounts_max, "at least 2");
        }
        if self.transfers_max < 1 {
            return refuse("transfers_max", self.transfers_max, "at least 1");
        }
        let columns = graph.attribute_columns();
        match self.attributes.iter().find(|name| columns.iter().all(|column| column.name != **name)) {
            Some(name) => Err(Error::UnknownKey {
                place: graph.path().display().to_string(),
                kind: "attribute of accounts".into(),
                key: name.clone(),
            }),
            None => Ok(()),
        }
    }
}

/// An account to be shown.
pub(super) struct Shown {
    pub account: AccountId,
    pub member: bool,
    pub roles: Vec<&'static str>,
}

/// A transfer to be shown.
pub(super) struct Moved {
    pub row: Transaction,
    pub evidence: bool,
    /// Minor units of what was paid that are traced, and the hop.
    pub traced: Option<(i64, u32)>,
}

/// A case file without what tells rings and traces apart.
pub(super) struct Draft {
    pub case: CaseFile,
    /// Places of transfers in the file.
    pub transfer_places: BTreeMap<TxId, u32>,
    /// Places of identifiers in the file.
    pub identifier_places: BTreeMap<IdentifierId, u32>,
}

/// An amount of a currency.
pub(super) fn amount(graph: &Graph, currency: CurrencyId, minor: i128) -> CaseAmount {
    let currency = graph.currency(currency);
    CaseAmount {
        currency: currency.code.clone(),
        minor: minor.to_string(),
        amount: format_amount(minor, currency.exponent),
    }
}

/// Names that are given once each: two keys that would have the same name are refused.
pub(super) struct Given<'n> {
    names: &'n Names,
    taken: BTreeMap<String, String>,
}

impl<'n> Given<'n> {
    /// None is given yet.
    pub(super) const fn new(names: &'n Names) -> Self {
        Self { names, taken: BTreeMap::new() }
    }

    /// `name` for `key`, unless another key has it.
    pub(super) fn give(&mut self, name: String, key: &str) -> Result<String> {
        match (self.taken.insert(name.clone(), key.to_string()), self.names) {
            (Some(other), Names::Pseudonyms(names)) if other != key => Err(names.alike(&name)),
            _ => Ok(name),
        }
    }
}

/// Puts a case file together; `transfers` come in any order.
pub(super) fn draft(
    graph: &Graph,
    mut subject: Subject,
    accounts: &[Shown],
    mut transfers: Vec<Moved>,
    uses: &[Evidence],
    options: &CaseOptions,
    run: &Run,
) -> Result<Draft> {
    run.check()?;
    transfers.sort_unstable_by_key(|moved| moved.row.id);
    let place_of: BTreeMap<AccountId, u32> =
        accounts.iter().zip(0..).map(|(shown, place)| (shown.account, place)).collect();
    transfers.retain(|moved| {
        place_of.contains_key(&moved.row.source) && place_of.contains_key(&moved.row.destination)
    });
    let num_transfers = transfers.len();
    if num_transfers > options.transfers_max as usize {
        let mut order: Vec<(bool, TxId)> =
            transfers.iter().map(|moved| (!moved.evidence, moved.row.id)).collect();
        order.sort_unstable();
        order.truncate(options.transfers_max as usize);
        let kept: BTreeSet<TxId> = order.into_iter().map(|(_, id)| id).collect();
        transfers.retain(|moved| kept.contains(&moved.row.id));
    }
    let uses: Vec<&Evidence> = uses.iter().filter(|one| place_of.contains_key(&one.account)).collect();
    let mut identifiers: Vec<IdentifierId> = uses.iter().map(|one| one.identifier).collect();
    identifiers.sort_unstable();
    identifiers.dedup();
    let identifier_places: BTreeMap<IdentifierId, u32> = identifiers.iter().copied().zip(0..).collect();

    let mut given = Given::new(&options.names);
    let mut labels = Vec::with_capacity(accounts.len());
    for shown in accounts {
        let key = graph.account_key(shown.account)?;
        labels.push(given.give(options.names.account(&key), &key)?);
    }
    let mut given = Given::new(&options.names);
    let mut listed = Vec::with_capacity(transfers.len());
    for moved in &transfers {
        let row = &moved.row;
        let key = graph.transaction_key(row.id)?;
        let changed = row.received != row.paid || row.received_currency != row.paid_currency;
        listed.push(CaseTransfer {
            id: given.give(options.names.transaction(&key), &key)?,
            source: place_of[&row.source],
            target: place_of[&row.destination],
            time: format_time(row.time),
            paid: amount(graph, row.paid_currency, row.paid.into()),
            received: changed.then(|| amount(graph, row.received_currency, row.received.into())),
            traced: moved.traced.map(|(minor, _)| amount(graph, row.paid_currency, minor.into())),
            hop: moved.traced.map(|(_, hop)| hop),
            evidence: moved.evidence,
        });
    }
    let places = places(accounts.len(), &identifiers, &listed, &uses, &place_of, &identifier_places);
    let sums = sums(&transfers);
    let mut shown_accounts = Vec::with_capacity(accounts.len());
    for ((shown, label), &(x, y)) in accounts.iter().zip(&labels).zip(&places) {
        let of = |paid: bool| {
            let found = sums
                .range((shown.account, paid, CurrencyId(0))..=(shown.account, paid, CurrencyId(u16::MAX)));
            found.map(|(&(_, _, currency), &minor)| amount(graph, currency, minor)).collect()
        };
        shown_accounts.push(CaseAccount {
            id: label.clone(),
            member: shown.member,
            roles: shown.roles.iter().map(|role| role.to_string()).collect(),
            received: of(false),
            paid: of(true),
            attributes: attributes(graph, shown.account, options)?,
            x,
            y,
        });
    }
    let mut given = Given::new(&options.names);
    let mut shown_identifiers = Vec::with_capacity(identifiers.len());
    for (&identifier, &(x, y)) in identifiers.iter().zip(&places[accounts.len()..]) {
        let kind = graph.manifest().kinds[identifier.kind.index()].name.clone();
        let key = graph.identifier_key(identifier)?;
        let id = given.give(options.names.identifier(&kind, &key), &format!("{kind}\0{key}"))?;
        shown_identifiers.push(CaseIdentifier { id, kind, x, y });
    }
    let seen = |time: Option<i64>| time.map(format_time);
    let uses = uses.iter().map(|one| CaseUse {
        account: place_of[&one.account],
        identifier: identifier_places[&one.identifier],
        first: seen(one.first),
        last: seen(one.last),
        count: one.count,
    });
    let uses = uses.collect();
    let traced = listed.iter().any(|transfer| transfer.traced.is_some());
    let (flow_nodes, flow_links) = flow(
        &listed,
        &labels,
        |transfer| if traced { transfer.traced.is_some() } else { transfer.evidence },
        |transfer| transfer.traced.clone().unwrap_or_else(|| transfer.paid.clone()),
        |code, minor| {
            graph.find_currency(code).map_or_else(
                || CaseAmount { currency: code.into(), minor: minor.to_string(), amount: minor.to_string() },
                |currency| amount(graph, currency, minor),
            )
        },
    );
    if subject.first.is_none() {
        subject.first = transfers.first().map(|moved| format_time(moved.row.time));
        subject.last = transfers.last().map(|moved| format_time(moved.row.time));
    }
    let transfer_places = transfers.iter().zip(0..).map(|(moved, place)| (moved.row.id, place)).collect();
    let words = Words(options.language);
    let text = words.of(
        "Accounts in most claims, or with most money, are shown, and of transfers those that are evidence before others.",
        "优先显示涉及线索最多或金额最大的账户;转账中优先显示作为证据的转账。",
    );
    let summarised = (num_transfers > transfers.len()).then(|| Summarised {
        num_accounts: accounts.len() as u64,
        num_transfers: num_transfers as u64,
        text: text.into(),
    });
    let case = CaseFile {
        format: FORMAT.into(),
        language: options.language,
        subject,
        summary: Vec::new(),
        score_millibits: None,
        score_parts: Vec::new(),
        claims: Vec::new(),
        counterfactual: None,
        money: Vec::new(),
        accounts: shown_accounts,
        identifiers: shown_identifiers,
        uses,
        transfers: listed,
        flow_nodes,
        flow_links,
        summarised,
        withheld: withheld(options),
        provenance: rests_on(graph, options),
    };
    Ok(Draft { case, transfer_places, identifier_places })
}

/// Says that more accounts belong to the subject than are shown.
pub(super) fn shortened(
    case: &mut CaseFile,
    num_accounts: usize,
    num_transfers: usize,
    options: &CaseOptions,
) {
    let words = Words(options.language);
    let text = words.of(
        "The accounts in most claims, or with most money, are shown, and the transfers among them.",
        "只显示涉及线索最多或金额最大的账户以及它们之间的转账。",
    );
    case.summarised = Some(Summarised {
        num_accounts: num_accounts as u64,
        num_transfers: num_transfers as u64,
        text: text.into(),
    });
}

/// Places of accounts, then of identifiers.
fn places(
    num_accounts: usize,
    identifiers: &[IdentifierId],
    transfers: &[CaseTransfer],
    uses: &[&Evidence],
    place_of: &BTreeMap<AccountId, u32>,
    identifier_places: &BTreeMap<IdentifierId, u32>,
) -> Vec<(f64, f64)> {
    let mut edges: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for transfer in transfers {
        *edges.entry((transfer.source, transfer.target)).or_default() += 1;
    }
    for one in uses {
        let identifier = num_accounts as u32 + identifier_places[&one.identifier];
        edges.insert((place_of[&one.account], identifier), 1);
    }
    let edges: Vec<(u32, u32, u32)> =
        edges.into_iter().map(|((source, target), weight)| (source, target, weight)).collect();
    layout(num_accounts + identifiers.len(), &edges)
}

/// What accounts received (`false`) and paid (`true`), by currency.
fn sums(transfers: &[Moved]) -> BTreeMap<(AccountId, bool, CurrencyId), i128> {
    let mut sums = BTreeMap::new();
    for Moved { row, .. } in transfers {
        *sums.entry((row.source, true, row.paid_currency)).or_default() += i128::from(row.paid);
        *sums.entry((row.destination, false, row.received_currency)).or_default() += i128::from(row.received);
    }
    sums
}

fn attributes(graph: &Graph, account: AccountId, options: &CaseOptions) -> Result<Vec<(String, Value)>> {
    let columns = graph.attribute_columns();
    let mut found = Vec::with_capacity(options.attributes.len());
    for name in &options.attributes {
        let Some(column) = columns.iter().position(|column| column.name == *name) else { continue };
        let value = match graph.attribute(column, account)? {
            None => Value::Null,
            Some(AttributeValue::Text(text)) => text.into(),
            Some(AttributeValue::Integer(number)) => number.into(),
            Some(AttributeValue::Float(number)) => json!(number),
            Some(AttributeValue::Boolean(truth)) => truth.into(),
            Some(AttributeValue::Time(time)) => format_time(time).into(),
        };
        found.push((name.clone(), value));
    }
    Ok(found)
}

/// What was left out or made unreadable on purpose.
fn withheld(options: &CaseOptions) -> Vec<String> {
    let words = Words(options.language);
    let mut said = Vec::new();
    match &options.names {
        Names::Pseudonyms(names) => said.push(match options.language {
            Language::En => format!(
                "Account numbers, transaction references and identifiers are pseudonyms of the case \"{}\" under the key {}; \
                 who holds the key can tell them apart.",
                names.case(),
                names.key_name()
            ),
            Language::Zh => format!(
                "账号、交易编号和身份标识均为案件“{}”在密钥 {} 下的化名;持有密钥者可以还原。",
                names.case(),
                names.key_name()
            ),
        }),
        Names::Revealed => said.push(
            words
                .of(
                    "Nothing was made unreadable: account numbers, transaction references and identifiers stand as they are in the data.",
                    "未作任何隐去:账号、交易编号和身份标识均与原始数据一致。",
                )
                .into(),
        ),
    }
    let attributes = match (options.language, options.attributes.as_slice()) {
        (Language::En, []) => "No attributes of accounts were asked for, and none is shown.".to_string(),
        (Language::Zh, []) => "未要求账户属性,故未显示。".to_string(),
        (Language::En, names) => {
            format!("Of the attributes of accounts only these are shown: {}.", names.join(", "))
        }
        (Language::Zh, names) => format!("账户属性仅显示:{}。", names.join("、")),
    };
    said.push(attributes);
    said.push(
        words
            .of(
                "Transfers with accounts outside are given as sums, not one by one.",
                "与外部账户之间的转账只给出合计,不逐笔列出。",
            )
            .into(),
    );
    said
}

/// What the file rests on. Sources are told by their digests: their names are the bank's own.
fn rests_on(graph: &Graph, options: &CaseOptions) -> Value {
    let mut graph = provenance(graph);
    let revealed = matches!(options.names, Names::Revealed);
    for source in graph["sources"].as_array_mut().into_iter().flatten().filter(|_| !revealed) {
        source.as_object_mut().map(|source| source.remove("name"));
    }
    let names = match &options.names {
        Names::Revealed => json!("revealed"),
        Names::Pseudonyms(names) => json!({ "case": names.case(), "key": names.key_name() }),
    };
    json!({
        "engine": graph["engine"].clone(),
        "graph": graph,
        "names": names,
        "accounts_max": options.accounts_max,
        "transfers_max": options.transfers_max,
    })
}
