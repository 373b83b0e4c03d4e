//! Projections as people ask for them: by names, with lists of accounts and identifiers; and how answers say which it was.

use super::components::account_keys;
use super::input::{self, Input};
use super::provenance::{hex, provenance, window_document};
use super::rings::Identifiers;
use super::table::{Table, Values};
use crate::error::{Error, Result};
use crate::graph::project::{
    DirectedProjection, Hub, HubNode, HubRule, Over, Payments, ProjectOptions, Projection, Rows, Uses,
    Weight, project, project_directed, project_payments, project_uses,
};
use crate::graph::{Graph, View};
use crate::ids::IdentifierId;
use crate::run::Run;
use crate::units::Window;
use roaring::RoaringBitmap;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::OnceLock;

/// What a projection is asked with, beside its options.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectionInputs {
    /// What a transfer weighs.
    pub weight: WeightName,
    /// Code of the currency whose amounts are weights; needed by [`WeightName::Amount`] and by nothing else.
    pub currency: Option<String>,
    /// CSV with a column `account`: the only accounts that exist. All of them without it.
    pub accounts: Option<Input>,
    /// CSV of `account`, or `kind,value`, of what may be shared and joins nobody.
    pub allowed: Option<Input>,
}

/// What a transfer weighs, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum WeightName {
    /// 1.
    #[default]
    Count,
    /// The logarithm of its amount.
    Log,
    /// Its amount in one currency.
    Amount,
}

impl WeightName {
    /// The name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            WeightName::Count => "count",
            WeightName::Log => "log",
            WeightName::Amount => "amount",
        }
    }
}

/// A projection, and what it is one of: made once, asked often.
#[derive(Clone, Debug)]
pub struct Projected {
    graph: Graph,
    window: Window,
    accounts: Option<RoaringBitmap>,
    options: ProjectOptions,
    /// The undirected graph.
    pub projection: Projection,
    /// Who pays whom, once somebody asked.
    directed: OnceLock<DirectedProjection>,
    /// How it was asked for, for documents.
    document: Value,
}

impl Projected {
    /// Projects `view`; `options` says how, but for its `weight` and what is allowed, which `inputs` name.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] and [`Error::Input`] with file and line for what is given wrongly; those of
    /// [`project`](mod@crate::graph::project).
    pub fn new(
        view: &View<'_>,
        inputs: &ProjectionInputs,
        options: &ProjectOptions,
        run: &Run,
    ) -> Result<Self> {
        let (view, options, document) = asked(view, inputs, options)?;
        Ok(Projected {
            graph: view.graph().clone(),
            window: view.times(),
            accounts: view.accounts().cloned(),
            projection: project(&view, &options, run)?,
            options,
            directed: OnceLock::new(),
            document,
        })
    }

    /// What was projected.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a column is.
    pub fn view(&self) -> Result<View<'_>> {
        let view = self.graph.window(self.window)?;
        Ok(match &self.accounts {
            Some(accounts) => view.among(accounts.clone()),
            None => view,
        })
    }

    /// Why there is no asking who pays whom; `None` where there is.
    fn undirected_by(&self) -> Option<&'static str> {
        match (self.options.over.identifiers(), self.options.neighbors_max) {
            (true, _) => Some("over identifiers"),
            (false, Some(_)) => Some("with neighbors_max"),
            (false, None) => None,
        }
    }

    /// The same accounts, and who pays whom, if there is asking; made when it is first asked for.
    ///
    /// # Errors
    /// Those of [`project_directed`].
    pub fn find_directed(&self, run: &Run) -> Result<Option<&DirectedProjection>> {
        if self.undirected_by().is_some() {
            return Ok(None);
        }
        if let Some(known) = self.directed.get() {
            return Ok(Some(known));
        }
        let made = project_directed(&self.view()?, &self.options, run)?;
        Ok(Some(self.directed.get_or_init(|| made)))
    }

    /// The same accounts, and who pays whom; made when it is first asked for.
    ///
    /// # Errors
    /// [`Error::Option`] where identifiers join accounts or there are rules for hubs, which know no direction; those of
    /// [`project_directed`].
    pub fn directed(&self, run: &Run) -> Result<&DirectedProjection> {
        self.find_directed(run)?.ok_or_else(|| directed_only(self.undirected_by().unwrap_or_default()))
    }

    /// The same accounts, and the payments among them in the currency whose amounts are the weights.
    ///
    /// # Errors
    /// [`Error::Option`] with other weights, over identifiers, and with rules for hubs; those of [`project_payments`].
    pub fn payments(&self, run: &Run) -> Result<Payments> {
        if let Some(why) = self.undirected_by() {
            return Err(directed_only(why));
        }
        let Weight::Amount(currency) = self.options.weight else {
            let value = self.document["weight"].as_str().unwrap_or_default().into();
            let allowed = "amount, with a currency, where money is followed from account to account";
            return Err(Error::Option { name: "weight", value, allowed });
        };
        project_payments(&self.view()?, &self.projection.nodes, currency, &self.options, run)
    }

    /// The same accounts, and the identifiers that they use; rules for accounts that are hubs play no part.
    ///
    /// # Errors
    /// [`Error::Option`] over transfers alone; those of [`project_uses`].
    pub fn uses(&self, run: &Run) -> Result<Uses> {
        if !self.options.over.identifiers() {
            let value = "over transfers".into();
            let allowed = "over identifiers or both, where identifiers are asked about";
            return Err(Error::Option { name: "projection", value, allowed });
        }
        project_uses(&self.view()?, &self.projection.nodes, &self.options, run)
    }

    /// The same accounts, and what joins them kind by kind.
    ///
    /// # Errors
    /// Those of [`project()`] and [`project_uses`].
    pub(super) fn kinds(&self, run: &Run) -> Result<EdgeKinds<'_>> {
        let transfers = match self.options.over {
            Over::Transfers => Some(Cow::Borrowed(&self.projection.rows)),
            Over::Identifiers => None,
            Over::Both => {
                let options = ProjectOptions { over: Over::Transfers, ..self.options.clone() };
                Some(Cow::Owned(project(&self.view()?, &options, run)?.rows))
            }
        };
        Ok(EdgeKinds {
            transfers,
            transfers_weight: self.options.transfers_weight,
            uses: self.options.over.identifiers().then(|| self.uses(run)).transpose()?,
            identifiers_weight: self.options.identifiers_weight,
        })
    }

    /// A weight of this many is one of what is counted.
    pub fn unit(&self) -> u64 {
        self.options.unit()
    }

    /// The external keys of some nodes, in their order.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the keys are; [`Error::Cancelled`].
    pub fn keys(&self, nodes: &[u32], run: &Run) -> Result<Vec<String>> {
        let accounts: Vec<u32> = nodes.iter().map(|&node| self.projection.nodes.account(node).0).collect();
        account_keys(&self.graph, &accounts, run)
    }

    /// Hubs as a table: `account`, or `kind` and `identifier` (masked unless revealed), `degree` (neighbours of the account, accounts of the
    /// identifier), `kept` (those that it still joins), `rule` (`allowed` or `hub`).
    ///
    /// # Errors
    /// As [`keys`](Self::keys).
    pub fn hubs(&self, identifiers: Identifiers, run: &Run) -> Result<Table> {
        hub_table(&self.graph, &self.projection.hubs, identifiers, run)
    }

    /// What documents say about it: provenance, and how it was asked for.
    pub(super) fn documents(&self) -> (Value, Value) {
        (provenance(&self.graph), self.document.clone())
    }
}

/// What joins accounts, kind by kind.
pub(super) struct EdgeKinds<'a> {
    /// Pairs that transfers join, under the rules for hubs.
    pub transfers: Option<Cow<'a, Rows>>,
    /// What a transfer counts.
    pub transfers_weight: u32,
    /// Identifiers that accounts use.
    pub uses: Option<Uses>,
    /// What an identifier counts beside it.
    pub identifiers_weight: u32,
}

/// Looks up the names in `inputs`: the view, restricted to the accounts given, the options, and what documents say of both.
fn asked<'g>(
    view: &View<'g>,
    inputs: &ProjectionInputs,
    options: &ProjectOptions,
) -> Result<(View<'g>, ProjectOptions, Value)> {
    let graph = view.graph();
    let mut options = options.clone();
    options.weight = match (inputs.weight, &inputs.currency) {
        (WeightName::Amount, Some(code)) => {
            let found = graph.find_currency(code);
            Weight::Amount(found.ok_or_else(|| unknown("currency", code))?)
        }
        (WeightName::Amount, None) => {
            let value = "amount, without a currency".to_string();
            return Err(Error::Option { name: "weight", value, allowed: "amount only with a currency" });
        }
        (WeightName::Count | WeightName::Log, Some(code)) => {
            let allowed = "a currency only where amounts are weights";
            return Err(Error::Option { name: "currency", value: code.clone(), allowed });
        }
        (WeightName::Count, None) => Weight::Count,
        (WeightName::Log, None) => Weight::LogAmount,
    };
    let mut digests = [Value::Null, Value::Null];
    let mut view = view.clone();
    if let Some(accounts) = &inputs.accounts {
        let (accounts, sha256) = input::account_list(graph, accounts)?;
        view = view.among(accounts.iter().map(|account| account.0).collect());
        digests[0] = json!({ "num_accounts": accounts.len(), "sha256": hex(&sha256) });
    }
    if let Some(allowed) = &inputs.allowed {
        let document;
        (options.allowed_accounts, options.allowed_identifiers, document) = read_allowed(&view, allowed)?;
        digests[1] = document;
    }
    let [accounts, allowed] = digests;
    let document = json!({
        "over": options.over.name(),
        "weight": inputs.weight.name(),
        "currency": inputs.currency,
        "transfers_weight": options.transfers_weight,
        "identifiers_weight": options.identifiers_weight,
        "accounts_max": options.accounts_max,
        "neighbors_max": options.neighbors_max,
        "hubs": hub_rule(options.hubs),
        "accounts": accounts,
        "allowed": allowed,
        "window": window_document(view.times()),
        "unit": options.unit(),
    });
    Ok((view, options, document))
}

fn directed_only(why_not: &str) -> Error {
    let allowed = "directed only over transfers, without rules for hubs";
    Error::Option { name: "projection", value: why_not.into(), allowed }
}

fn unknown(kind: &str, key: &str) -> Error {
    Error::UnknownKey { place: "options".into(), kind: kind.into(), key: key.into() }
}

/// Accounts and identifiers that may be shared, and what documents say of the list.
pub(super) fn read_allowed(
    view: &View<'_>,
    list: &Input,
) -> Result<(RoaringBitmap, Vec<IdentifierId>, Value)> {
    let graph = view.graph();
    let sheet = list.sheet(&["account", "kind", "value"])?;
    let (mut accounts, mut identifiers) = (RoaringBitmap::new(), Vec::new());
    for record in sheet.iter() {
        if record.get("account").is_some() {
            input::only(record, &["kind", "value"], "account")?;
            accounts.insert(input::account(graph, record, "account")?.0);
            continue;
        }
        let (name, value) = (record.need("kind")?, record.need("value")?);
        let kind = graph.find_kind(name).ok_or_else(|| record.unknown("kind of identifiers", name))?;
        let keys = &graph.store().identifier_keys()[kind.index()];
        let found = keys.find(value.as_bytes())?.ok_or_else(|| record.unknown(name, value))?;
        identifiers.push(IdentifierId { kind, value: found });
    }
    let document = json!({
        "num_accounts": accounts.len(),
        "num_identifiers": identifiers.len(),
        "sha256": hex(&input::digest(&sheet)),
    });
    Ok((accounts, identifiers, document))
}

fn hub_rule(rule: HubRule) -> Value {
    match rule {
        HubRule::Cut => json!("cut"),
        HubRule::Damp => json!("damp"),
        HubRule::Significant { alpha } => json!({ "significant": alpha }),
    }
}

fn hub_table(graph: &Graph, hubs: &[Hub], identifiers: Identifiers, run: &Run) -> Result<Table> {
    let numbers: Vec<u32> = hubs
        .iter()
        .filter_map(|hub| match hub.node {
            HubNode::Account(account) => Some(account.0),
            HubNode::Identifier(_) => None,
        })
        .collect();
    let mut keys = account_keys(graph, &numbers, run)?.into_iter();
    let (mut accounts, mut kinds, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for hub in hubs {
        let (account, kind, value) = match hub.node {
            HubNode::Account(_) => (keys.next(), None, None),
            HubNode::Identifier(one) => {
                let kind = graph.manifest().kinds[one.kind.index()].name.clone();
                (None, Some(kind), Some(identifiers.text(graph, one)?))
            }
        };
        accounts.push(account);
        kinds.push(kind);
        values.push(value);
    }
    let rule = |hub: &Hub| if hub.allowed { "allowed" } else { "hub" }.to_string();
    Ok(Table::new([
        ("account", Values::OptionText(accounts)),
        ("kind", Values::OptionText(kinds)),
        ("identifier", Values::OptionText(values)),
        ("degree", Values::U32(hubs.iter().map(|hub| hub.degree).collect())),
        ("kept", Values::U32(hubs.iter().map(|hub| hub.kept).collect())),
        ("rule", Values::Text(hubs.iter().map(rule).collect())),
    ]))
}
