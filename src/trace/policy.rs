//! What a trace assumes: the policy, the opening balances, and where it stops.

use crate::error::{Error, Result};
use roaring::RoaringBitmap;

/// Which part of a pool a payment takes.
///
/// Every policy moves whole minor units and conserves them: what a payment takes leaves the payer's pool and
/// nothing else does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[cfg_attr(feature = "cli", value(rename_all = "snake_case"))]
pub enum Policy {
    /// First in, first out: the oldest money leaves first (Clayton's Case, 1816).
    #[default]
    Fifo,
    /// Pro rata: every owner gives in proportion to what it has in the pool; single units go by largest remainder,
    /// ties to clean money first, then to the case listed first.
    Haircut,
}

impl Policy {
    /// All policies, in the order in which reports list them.
    pub const ALL: [Policy; 2] = [Policy::Fifo, Policy::Haircut];

    /// The name in options, files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Policy::Fifo => "fifo",
            Policy::Haircut => "haircut",
        }
    }
}

/// What a pool holds before its first transaction: one clean lot at the front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[cfg_attr(feature = "cli", value(rename_all = "kebab-case"))]
pub enum Opening {
    /// Nothing; what a pool lacks when a payment is due is supplied then, as clean money that leaves last.
    #[default]
    #[cfg_attr(feature = "cli", value(alias = "just_in_time"))]
    JustInTime,
    /// The smallest amount for which the pool never runs short over its whole history in the view, the part after
    /// `until` included.
    Minimal,
}

impl Opening {
    /// All openings, in the order in which reports list them.
    pub const ALL: [Opening; 2] = [Opening::JustInTime, Opening::Minimal];

    /// The name in options, files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Opening::JustInTime => "just_in_time",
            Opening::Minimal => "minimal",
        }
    }
}

/// What happens to money that is received and paid on at one and the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[cfg_attr(feature = "cli", value(rename_all = "snake_case"))]
pub enum Ties {
    /// Rows of one time happen in their order: money received by one row can leave by the next.
    #[default]
    Order,
    /// Money received at a time can leave only at a later time.
    Strict,
}

impl Ties {
    /// All treatments of ties, in the order in which reports list them.
    pub const ALL: [Ties; 2] = [Ties::Order, Ties::Strict];

    /// The name in options, files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Ties::Order => "order",
            Ties::Strict => "strict",
        }
    }
}

/// Options of [`downstream`](super::downstream).
#[derive(Clone, Debug, PartialEq)]
pub struct TraceOptions {
    /// Which part of a pool a payment takes.
    pub policy: Policy,
    /// What pools hold at first.
    pub opening: Opening,
    /// Whether money can be received and paid on at one and the same time.
    pub ties: Ties,
    /// Last moment of the trace, in microseconds since 1970 UTC, inclusive: transactions after it do not happen.
    pub until: Option<i64>,
    /// Accounts where tainted money stays for good; what they pay is clean.
    pub sinks: RoaringBitmap,
    /// Whether all cases share the pools of one run; `false` traces each case as if it were the only one.
    pub joint: bool,
}

impl Default for TraceOptions {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            opening: Opening::default(),
            ties: Ties::default(),
            until: None,
            sinks: RoaringBitmap::new(),
            joint: true,
        }
    }
}

impl TraceOptions {
    /// Refuses what lies outside its range, before any work.
    pub(super) fn check(&self, num_accounts: u32) -> Result<()> {
        match self.sinks.max() {
            Some(last) if last >= num_accounts => Err(Error::Option {
                name: "sinks",
                value: format!("account {last} of {num_accounts}"),
                allowed: "accounts of the graph",
            }),
            _ => Ok(()),
        }
    }
}
