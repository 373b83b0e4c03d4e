//! What a bound says: the amount, what caps it, and how it can be reached.

use crate::ids::{CurrencyId, TxId};
use crate::trace::balances::Balance;

/// How money takes a step towards the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The seed brings it.
    Seed,
    /// A transaction pays it on, within the currency.
    Payment,
    /// A transaction hands over more than was paid, within the currency: this is what it adds.
    Gain,
    /// A transaction brings it in from another currency that the seed's money may have been changed into.
    Conversion,
    /// It waits in an account at a time of which the balance is stated.
    Balance,
}

impl Step {
    /// The name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Step::Seed => "seed",
            Step::Payment => "payment",
            Step::Gain => "gain",
            Step::Conversion => "conversion",
            Step::Balance => "balance",
        }
    }
}

/// The most that can be traced from a seed to a target, whatever the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Minor units of `currency`.
    pub value: i64,
    /// The currency that the seed's transaction hands over, or the deposit's.
    pub currency: CurrencyId,
    /// What caps the value: without these steps nothing arrives, and their capacities add up to `value`. The seed
    /// first, then in time; of all such sets, the one nearest to the seed. Empty where nothing can arrive.
    pub cut: Vec<CutRow>,
    /// Ways that move `value` in all.
    pub journeys: Journeys,
    /// Transactions that lie on some way from the seed to the target, the seed included.
    pub num_transactions: u64,
    /// Transactions looked at, counted as often as they were: the work done.
    pub events: u64,
}

/// One step of the cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutRow {
    /// How money takes it.
    pub step: Step,
    /// The transaction; a deposit seed and a balance have none.
    pub transaction: Option<TxId>,
    /// The balance, if it is one.
    pub balance: Option<Balance>,
    /// The most that it moves, in minor units.
    pub capacity: i64,
}

/// Ways of the money to the target; ragged, one row per journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journeys {
    /// How the money of each came in: by the seed, a gain or a conversion.
    pub origin: Vec<Step>,
    /// Minor units that take it, more than 0.
    pub amount: Vec<i64>,
    /// Where each begins in `transactions`, and the end: one more than there are journeys.
    pub offsets: Vec<u64>,
    /// Transactions in order, from the one that brings the money in to the one that hands it to the target. A deposit
    /// seed brings it in without one.
    pub transactions: Vec<TxId>,
}

impl Default for Journeys {
    fn default() -> Self {
        Self { origin: Vec::new(), amount: Vec::new(), offsets: vec![0], transactions: Vec::new() }
    }
}

impl Journeys {
    /// Number of journeys.
    pub fn len(&self) -> usize {
        self.amount.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.amount.is_empty()
    }

    /// The transactions of one journey.
    ///
    /// # Panics
    /// If `journey` is not below [`len`](Self::len).
    pub fn transactions(&self, journey: usize) -> &[TxId] {
        &self.transactions[self.offsets[journey] as usize..self.offsets[journey + 1] as usize]
    }
}
