//! What to generate: options, their defaults, and the kinds of planted rings.

use crate::error::{Error, Result};
use crate::units::time::{DAY_US, TIME_MAX, TIME_MIN};

/// A typology that is planted as a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[cfg_attr(feature = "cli", value(rename_all = "snake_case"))]
pub enum Typology {
    /// Accounts chained by shared identifiers: the first two share a device, the next two a telephone number, …
    IdentityRing,
    /// Many payers, one collector, within two days.
    FanIn,
    /// One distributor, many payees, within two days.
    FanOut,
    /// Money that comes back to its origin over 2 to 7 others in the order of time, shrinking.
    Cycle,
    /// One source pays intermediaries, who all pay one sink.
    ScatterGather,
    /// Payers pay a hub, which then pays payees.
    GatherScatter,
    /// Every payer pays every payee.
    Bipartite,
    /// Two bipartite layers: every payer pays every middle account, and these every payee.
    Stack,
    /// Money that moves on within hours from account to account, a small cut kept at each.
    PassThrough,
    /// A fraud payment whose money is layered over mules and cashed out; its transaction is a seed.
    VictimCase,
}

impl Typology {
    /// All typologies, in the order in which they are planted.
    pub const ALL: [Typology; 10] = [
        Typology::IdentityRing,
        Typology::FanIn,
        Typology::FanOut,
        Typology::Cycle,
        Typology::ScatterGather,
        Typology::GatherScatter,
        Typology::Bipartite,
        Typology::Stack,
        Typology::PassThrough,
        Typology::VictimCase,
    ];

    /// The name in the truth files.
    pub const fn name(self) -> &'static str {
        match self {
            Typology::IdentityRing => "identity_ring",
            Typology::FanIn => "fan_in",
            Typology::FanOut => "fan_out",
            Typology::Cycle => "cycle",
            Typology::ScatterGather => "scatter_gather",
            Typology::GatherScatter => "gather_scatter",
            Typology::Bipartite => "bipartite",
            Typology::Stack => "stack",
            Typology::PassThrough => "pass_through",
            Typology::VictimCase => "victim_case",
        }
    }
}

/// An innocent pattern that looks like a ring; marked `benign` in the truth files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LookAlike {
    /// An employer pays its employees: looks like a fan-out.
    Payroll,
    /// Customers pay a merchant on a busy day: looks like a fan-in.
    MerchantFanIn,
    /// A household of three or four uses one device: looks like an identity ring.
    FamilyDevice,
}

impl LookAlike {
    /// All look-alikes, in the order in which they are planted.
    pub const ALL: [LookAlike; 3] = [LookAlike::Payroll, LookAlike::MerchantFanIn, LookAlike::FamilyDevice];

    /// The name that ring keys in the truth files begin with.
    pub const fn name(self) -> &'static str {
        match self {
            LookAlike::Payroll => "payroll",
            LookAlike::MerchantFanIn => "merchant_fan_in",
            LookAlike::FamilyDevice => "family_device",
        }
    }
}

/// Options of [`generate`](crate::synth::generate).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SynthOptions {
    /// Rows of the transactions file; 1,000 to 10,000,000,000.
    pub transactions: u64,
    /// Accounts, the outside world included; 200 to 1,000,000,000. `None`: a tenth of the transactions, at least 200.
    pub accounts: Option<u64>,
    /// Seed: another seed gives another ledger, the same seed the same bytes.
    pub seed: u64,
    /// First moment, in microseconds since 1970 UTC; a midnight.
    pub start_us: i64,
    /// Days covered; 7 to 3,660.
    pub days: u32,
    /// Share of payments between accounts that stays inside the payer's community, in percent; 0 to 100.
    pub inside_percent: u32,
    /// Share of accounts kept in another currency than US dollars, in percent; 0 to 40.
    pub foreign_percent: u32,
    /// Which typologies to plant; each at most once.
    pub typologies: Vec<Typology>,
    /// Rings of each typology. `None`: one per 20,000 transactions, at least 1.
    pub rings: Option<u32>,
    /// Marked look-alikes of each kind. `None`: as many as rings of one typology. Fewer where the ledger holds fewer.
    pub look_alikes: Option<u32>,
    /// Share of the rings that move money whose members also share one device, in percent; 0 to 100.
    pub shared_device_percent: u32,
}

impl Default for SynthOptions {
    fn default() -> Self {
        SynthOptions {
            transactions: 100_000,
            accounts: None,
            seed: 1,
            // 2024-01-01T00:00:00Z, a Monday.
            start_us: 19_723 * DAY_US,
            days: 31,
            inside_percent: 80,
            foreign_percent: 8,
            typologies: Typology::ALL.to_vec(),
            rings: None,
            look_alikes: None,
            shared_device_percent: 50,
        }
    }
}

/// Transactions for each ring of a typology, by default.
const TRANSACTIONS_PER_RING: u64 = 20_000;

impl SynthOptions {
    /// Accounts, with the default worked out.
    pub(crate) fn num_accounts(&self) -> u64 {
        self.accounts.unwrap_or((self.transactions / 10).max(200))
    }

    /// Rings of each typology, with the default worked out.
    pub(crate) fn num_rings(&self) -> u32 {
        let scaled = (self.transactions / TRANSACTIONS_PER_RING).clamp(1, u64::from(u32::MAX)) as u32;
        self.rings.unwrap_or(scaled)
    }

    /// Look-alikes of each kind, with the default worked out.
    pub(crate) fn num_look_alikes(&self) -> u32 {
        self.look_alikes.unwrap_or(self.num_rings())
    }

    pub(crate) fn check(&self) -> Result<()> {
        let end_us = self.start_us.saturating_add(i64::from(self.days) * DAY_US);
        let mut once = self.typologies.clone();
        once.sort();
        once.dedup();
        let refuse =
            |name, value: String, allowed| -> Result<()> { Err(Error::Option { name, value, allowed }) };
        if !(1_000..=10_000_000_000).contains(&self.transactions) {
            return refuse("transactions", self.transactions.to_string(), "1000 to 10000000000");
        }
        if !(200..=1_000_000_000).contains(&self.num_accounts()) {
            return refuse("accounts", self.num_accounts().to_string(), "200 to 1000000000");
        }
        if !(7..=3_660).contains(&self.days) {
            return refuse("days", self.days.to_string(), "7 to 3660");
        }
        if self.start_us % DAY_US != 0 || self.start_us < TIME_MIN || end_us > TIME_MAX {
            return refuse(
                "start_us",
                self.start_us.to_string(),
                "a midnight UTC, with all days in 1970 to 2200",
            );
        }
        if self.inside_percent > 100 {
            return refuse("inside_percent", self.inside_percent.to_string(), "0 to 100");
        }
        if self.foreign_percent > 40 {
            return refuse("foreign_percent", self.foreign_percent.to_string(), "0 to 40");
        }
        if self.shared_device_percent > 100 {
            return refuse("shared_device_percent", self.shared_device_percent.to_string(), "0 to 100");
        }
        if once.len() != self.typologies.len() {
            let names: Vec<&str> = self.typologies.iter().map(|typology| typology.name()).collect();
            return refuse("typologies", names.join(","), "each typology at most once");
        }
        Ok(())
    }
}
