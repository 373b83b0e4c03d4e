//! The content of a case file: what is said of one ring or one trace, ready to be shown.
//!
//! Everything that leaves the engine in a case file is in here, once: names are already pseudonyms where they
//! have to be, sentences are already in the language of the reader, amounts are exact decimals beside minor units. The
//! page, the Markdown text and the pictures show it and compute nothing; the JSON form is this structure itself
//! (`docs/case-file.schema.json`). Lists refer to each other by place: a transfer's `source` is a place in `accounts`.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The name and version of the JSON form.
pub const FORMAT: &str = "ringfence-case/1";

/// A case file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseFile {
    /// [`FORMAT`].
    pub format: String,
    /// Of all texts.
    pub language: Language,
    /// What it is about.
    pub subject: Subject,
    /// Who, what, when, where, why and how, a sentence or two each, in this order.
    pub summary: Vec<Point>,
    /// The score in thousandths of a bit, where the subject has one: the sum of `score_parts`.
    pub score_millibits: Option<i64>,
    /// What the score consists of.
    pub score_parts: Vec<ScorePart>,
    /// Why the subject was reported: one claim each, the strongest first.
    pub claims: Vec<Claim>,
    /// Without what it would not have been reported; absent where that was not asked.
    pub counterfactual: Option<Counterfactual>,
    /// Money in, out, kept and traced, by currency.
    pub money: Vec<MoneyLine>,
    /// Members first, by role and name; then accounts outside that are shown beside them.
    pub accounts: Vec<CaseAccount>,
    /// Identifiers that members share.
    pub identifiers: Vec<CaseIdentifier>,
    /// Who uses which identifier.
    pub uses: Vec<CaseUse>,
    /// Transfers among `accounts`, in time order.
    pub transfers: Vec<CaseTransfer>,
    /// The money flow, split by step, so that it has no cycle: nodes.
    pub flow_nodes: Vec<FlowNode>,
    /// The money flow: links from one step to a later one.
    pub flow_links: Vec<FlowLink>,
    /// Set where `accounts` or `transfers` are a part of the subject's.
    pub summarised: Option<Summarised>,
    /// What was left out or made unreadable on purpose, in words: pseudonyms, columns, limits.
    pub withheld: Vec<String>,
    /// Engine, graph, options and digests: what is needed to make the same file again.
    pub provenance: Value,
}

/// The language of texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

/// What a case file is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// `ring` or `trace`.
    pub kind: String,
    /// The ring's id or the names of the trace's cases.
    pub id: String,
    /// A heading.
    pub title: String,
    /// The earliest moment, ISO 8601 in UTC (`2024-01-31T12:00:00Z`, with up to six decimals); null without transfers.
    pub first: Option<String>,
    /// The latest.
    pub last: Option<String>,
}

/// One answer of the summary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// `who`, `what`, `when`, `where`, `why` or `how`.
    pub question: String,
    /// The answer.
    pub text: String,
}

/// A part of the score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScorePart {
    /// Its name in tables.
    pub name: String,
    /// Its name for readers.
    pub label: String,
    /// Thousandths of a bit; may be negative.
    pub millibits: i64,
}

/// One reason for which the subject was reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// `identity`, `community`, `trace` or the name of a typology.
    pub kind: String,
    /// Its name in tables.
    pub id: String,
    /// What it says, in words.
    pub text: String,
    /// Thousandths of a bit that it adds to the score.
    pub millibits: i64,
    /// Places in `transfers` that show it, ascending.
    pub transfers: Vec<u32>,
    /// Places in `identifiers` that show it, ascending.
    pub identifiers: Vec<u32>,
}

/// Transfers and identifiers without which the subject would not have been reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counterfactual {
    /// In words.
    pub text: String,
    /// Places in `transfers`, ascending.
    pub transfers: Vec<u32>,
    /// Places in `identifiers`, ascending.
    pub identifiers: Vec<u32>,
    /// Whether it is proved that no smaller set does it.
    pub smallest: bool,
}

/// An exact amount. `minor` is in minor units, as text so that no reader rounds it; `amount` the same as a decimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseAmount {
    /// Code of the currency.
    pub currency: String,
    /// In minor units: `123456`.
    pub minor: String,
    /// In major units: `1234.56`.
    pub amount: String,
}

/// Money of one currency. Of a trace: what came in (seeds and conversions), what is no longer followed (fees, conversions, dust, corrections) and what
/// rests at accounts; kept is received less paid there, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyLine {
    /// The currency.
    pub currency: String,
    /// Received from accounts outside.
    pub received: CaseAmount,
    /// Paid to accounts outside.
    pub paid: CaseAmount,
    /// Received less paid; negative where more left than came.
    pub kept: CaseAmount,
    /// Moved among members.
    pub inside: CaseAmount,
    /// Followed from known seeds; null where nothing was traced.
    pub traced: Option<CaseAmount>,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseAccount {
    /// Its name: a pseudonym unless revealed.
    pub id: String,
    /// Whether it belongs to the ring, or carried traced money.
    pub member: bool,
    /// What it does, by name: `victim`, `collector`, `mule`, `layer`, `cash-out`, `controller`; may be empty.
    pub roles: Vec<String>,
    /// Received in all that is shown, by currency.
    pub received: Vec<CaseAmount>,
    /// Paid in all that is shown, by currency.
    pub paid: Vec<CaseAmount>,
    /// Attributes that were asked for, by name.
    pub attributes: Vec<(String, Value)>,
    /// Place of the drawing, 0 (left) to 1 (right).
    pub x: f64,
    /// Place of the drawing, 0 (top) to 1 (bottom).
    pub y: f64,
}

/// An identifier that members share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseIdentifier {
    /// Its name: a pseudonym unless revealed.
    pub id: String,
    /// `phone`, `device`, …: as the data calls it.
    pub kind: String,
    /// Place of the drawing.
    pub x: f64,
    /// Place of the drawing.
    pub y: f64,
}

/// An account's use of an identifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseUse {
    /// Place in `accounts`.
    pub account: u32,
    /// Place in `identifiers`.
    pub identifier: u32,
    /// First sighting, where known.
    pub first: Option<String>,
    /// Last sighting, where known.
    pub last: Option<String>,
    /// Number of sightings.
    pub count: u32,
}

/// A transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseTransfer {
    /// The transaction's key.
    pub id: String,
    /// Place in `accounts`.
    pub source: u32,
    /// Place in `accounts`.
    pub target: u32,
    /// When, ISO 8601 in UTC.
    pub time: String,
    /// What was paid.
    pub paid: CaseAmount,
    /// What was received, where it differs in amount or currency.
    pub received: Option<CaseAmount>,
    /// The part of what was paid that a trace followed.
    pub traced: Option<CaseAmount>,
    /// Fewest transfers from a seed, in a trace.
    pub hop: Option<u32>,
    /// Whether some claim rests on it.
    pub evidence: bool,
}

/// A node of the money flow: an account at a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowNode {
    /// Place in `accounts`; null for several accounts in one node.
    pub account: Option<u32>,
    /// What stands beside it.
    pub label: String,
    /// Its column, from 0.
    pub step: u32,
}

/// Money from a node to one at a later step; all of one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowLink {
    /// Place in `flow_nodes`.
    pub source: u32,
    /// Place in `flow_nodes`; its step is higher.
    pub target: u32,
    /// How much.
    pub amount: CaseAmount,
    /// How many transfers.
    pub num_transfers: u32,
}

/// Says that a part is shown, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summarised {
    /// Accounts in all.
    pub num_accounts: u64,
    /// Transfers in all.
    pub num_transfers: u64,
    /// What was kept, in words.
    pub text: String,
}

impl CaseFile {
    /// A case file from its JSON form.
    ///
    /// # Errors
    /// [`Error::Input`] for a text that is none, is of another version, or refers to places that are not there.
    pub fn from_json(name: &str, text: &str) -> Result<Self> {
        let refuse = |problem: String| Error::input(name, &problem);
        let case: CaseFile =
            serde_json::from_str(text).map_err(|error| refuse(format!("is no case file: {error}")))?;
        if case.format != FORMAT {
            return Err(refuse(format!("is of the format {:?}, this build reads {FORMAT:?}", case.format)));
        }
        match case.dangling() {
            Some(place) => Err(refuse(format!("refers to a place that is not there: {place}"))),
            None => Ok(case),
        }
    }

    /// The first reference to a place that is not there.
    fn dangling(&self) -> Option<&'static str> {
        let (accounts, identifiers) = (self.accounts.len(), self.identifiers.len());
        let (transfers, nodes) = (self.transfers.len(), self.flow_nodes.len());
        let beyond = |places: &[u32], len: usize| places.iter().any(|&place| place as usize >= len);
        let undone = self.counterfactual.as_ref();
        let checks = [
            (
                "claims",
                self.claims.iter().any(|claim| {
                    beyond(&claim.transfers, transfers) || beyond(&claim.identifiers, identifiers)
                }),
            ),
            (
                "counterfactual",
                undone.is_some_and(|found| {
                    beyond(&found.transfers, transfers) || beyond(&found.identifiers, identifiers)
                }),
            ),
            (
                "uses",
                self.uses
                    .iter()
                    .any(|one| beyond(&[one.account], accounts) || beyond(&[one.identifier], identifiers)),
            ),
            ("transfers", self.transfers.iter().any(|one| beyond(&[one.source, one.target], accounts))),
            (
                "flow_nodes",
                self.flow_nodes.iter().any(|node| node.account.is_some_and(|at| beyond(&[at], accounts))),
            ),
            ("flow_links", self.flow_links.iter().any(|link| beyond(&[link.source, link.target], nodes))),
        ];
        checks.into_iter().find(|(_, is_so)| *is_so).map(|(place, _)| place)
    }
}
