//! What a trace assumes: the policy, the opening balances, and where it stops.

use super::balances::Balances;
use crate::error::{Error, Result};
use crate::graph::rates::Rates;
use crate::units::Ties;
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
    /// Last in, first out: the newest money leaves first; a sensitivity bound.
    Lifo,
    /// Pro rata: every owner gives in proportion to what it has in the pool; single units go by largest remainder,
    /// ties to clean money first, then to the case listed first.
    Haircut,
    /// Clean money leaves first, then tainted money, each oldest first: the lowest intermediate balance rule (Re
    /// Hallett's Estate, 1880; Roscoe v Winder, 1915).
    CleanFirst,
    /// Tainted money leaves first, then clean money, each oldest first (Re Oatway, 1903): the most that can have left.
    TaintedFirst,
}

impl Policy {
    /// All policies, in the order in which reports list them.
    pub const ALL: [Policy; 5] =
        [Policy::Fifo, Policy::Lifo, Policy::Haircut, Policy::CleanFirst, Policy::TaintedFirst];

    /// The name in options, files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Policy::Fifo => "fifo",
            Policy::Lifo => "lifo",
            Policy::Haircut => "haircut",
            Policy::CleanFirst => "clean_first",
            Policy::TaintedFirst => "tainted_first",
        }
    }

    /// Whether cases traced together come out as cases traced alone, so that results may be added up.
    pub fn is_additive(self) -> bool {
        !matches!(self, Policy::CleanFirst | Policy::TaintedFirst)
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
    /// What a table of balances says; a pool that it does not name holds nothing, and one that runs short is supplied
    /// just in time.
    Given,
}

impl Opening {
    /// All openings, in the order in which reports list them.
    pub const ALL: [Opening; 3] = [Opening::JustInTime, Opening::Minimal, Opening::Given];

    /// The name in options, files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Opening::JustInTime => "just_in_time",
            Opening::Minimal => "minimal",
            Opening::Given => "given",
        }
    }
}

/// Which money of an account mixes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[cfg_attr(feature = "cli", value(rename_all = "snake_case"))]
pub enum Pooling {
    /// One pool per account and currency.
    #[default]
    Currency,
    /// One pool per account: every amount first becomes a value in a base currency, by a dated table of rates.
    Value,
}

impl Pooling {
    /// Both poolings, in the order in which reports list them.
    pub const ALL: [Pooling; 2] = [Pooling::Currency, Pooling::Value];

    /// The name in options, files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Pooling::Currency => "currency",
            Pooling::Value => "value",
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
    /// The balances that [`Opening::Given`] reads, and statements to check; empty otherwise.
    pub balances: Balances,
    /// The rates of [`Pooling::Value`]; without them money of different currencies does not mix.
    pub rates: Option<Rates>,
    /// Whether money can be received and paid on at one and the same time.
    pub ties: Ties,
    /// Last moment of the trace, in microseconds since 1970 UTC, inclusive: transactions after it do not happen.
    pub until: Option<i64>,
    /// Accounts where tainted money stays for good; what they pay is clean.
    pub sinks: RoaringBitmap,
    /// Least amount that is followed, in minor units of its currency (units of value under value pooling): what
    /// arrives of a case in one piece and is less becomes clean. 0 follows everything.
    pub dust: i64,
    /// Transactions after which tainted money stays where it is; at least 1.
    pub max_hops: Option<u32>,
    /// Whether all cases share the pools of one run; `false` traces each case as if it were the only one.
    pub joint: bool,
    /// Most flows before the trace gives up with an error; bounds its memory, at some 40 bytes each.
    pub flows_max: u64,
}

impl Default for TraceOptions {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            opening: Opening::default(),
            balances: Balances::default(),
            rates: None,
            ties: Ties::default(),
            until: None,
            sinks: RoaringBitmap::new(),
            dust: 0,
            max_hops: None,
            joint: true,
            flows_max: 200_000_000,
        }
    }
}

impl TraceOptions {
    /// Which money mixes.
    pub fn pooling(&self) -> Pooling {
        if self.rates.is_some() { Pooling::Value } else { Pooling::Currency }
    }

    /// Refuses what lies outside its range, before any work.
    pub(super) fn check(&self, num_accounts: u32) -> Result<()> {
        if let Some(last) = self.sinks.max().filter(|&last| last >= num_accounts) {
            return Err(Error::Option {
                name: "sinks",
                value: format!("account {last} of {num_accounts}"),
                allowed: "accounts of the graph",
            });
        }
        if self.dust < 0 {
            let value = self.dust.to_string();
            return Err(Error::Option { name: "dust", value, allowed: "0 or more minor units" });
        }
        if self.max_hops == Some(0) {
            return Err(Error::Option {
                name: "max_hops",
                value: "0".into(),
                allowed: "1 or more transactions",
            });
        }
        if self.opening == Opening::Given && self.balances.is_empty() {
            let value = "given, without balances".into();
            return Err(Error::Option {
                name: "opening",
                value,
                allowed: "given only with a table of balances",
            });
        }
        self.balances.check(num_accounts)
    }
}
