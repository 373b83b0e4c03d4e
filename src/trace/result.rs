//! What a trace finds: flows, holdings, stops, and the ledger that proves them.

use crate::ids::{AccountId, CurrencyId, TxId};

/// Where the money of every case went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Tainted payments, by (case, transaction).
    pub flows: Flows,
    /// Where tainted money is at the end, sinks aside, by (case, amount descending, account, currency).
    pub holdings: Holdings,
    /// What stayed at sinks, or went as far as it may, in the same order.
    pub sinks: Sinks,
    /// Money of a case that came from elsewhere than a seed transaction, by (case, position), in the order given.
    pub entries: Vec<Entry>,
    /// Money that stopped being followed, by (case, position), in the order in which it did.
    pub exits: Vec<Exit>,
    /// What kept money from going on, by (case, currency, stop).
    pub stops: Vec<StopRow>,
    /// The books, by (case, currency); every row is proved.
    pub ledger: Vec<LedgerRow>,
    /// Transactions looked at, counted as often as they were: the work done.
    pub events: u64,
}

/// Tainted payments; all columns have the same length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    /// Case.
    pub case: Vec<u32>,
    /// Transaction.
    pub transaction: Vec<TxId>,
    /// Tainted part of what was paid, in minor units of the paid currency; 0 in a seed's row.
    pub tainted_paid: Vec<i64>,
    /// Tainted part of what was received, in minor units of the received currency.
    pub tainted_received: Vec<i64>,
    /// Fewest transactions from a seed of the case to this one; 0 for a seed.
    pub hop: Vec<u32>,
}

/// Tainted money at accounts; all columns have the same length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Case.
    pub case: Vec<u32>,
    /// Account.
    pub account: Vec<AccountId>,
    /// Currency.
    pub currency: Vec<CurrencyId>,
    /// Minor units of the currency, more than 0.
    pub amount: Vec<i64>,
    /// When the account first received tainted money of the case in the currency, microseconds since 1970 UTC.
    pub first_receipt: Vec<i64>,
    /// When it last did.
    pub last_receipt: Vec<i64>,
}

/// Money at rest at accounts, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sinks {
    /// Where it is.
    pub holdings: Holdings,
    /// What stopped it: [`Stop::Sink`] or [`Stop::MaxHops`].
    pub stop: Vec<Stop>,
}

/// Money that a deposit seed brought in or a balance seed claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Case.
    pub case: u32,
    /// Position before which it came: that of the first transaction later than `time`.
    pub position: u64,
    /// When, in microseconds since 1970 UTC: after every transaction of that time.
    pub time: i64,
    /// Account.
    pub account: AccountId,
    /// Currency.
    pub currency: CurrencyId,
    /// Minor units, more than 0.
    pub amount: i64,
}

/// Money that stopped being followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Case.
    pub case: u32,
    /// Position of the transaction that did it; without one, the position of the [`Entry`] that did.
    pub position: u64,
    /// Whether a transaction did it.
    pub by_transaction: bool,
    /// When, in microseconds since 1970 UTC.
    pub time: i64,
    /// The account that the money is at: the payer if it was superseded, else the receiver.
    pub account: AccountId,
    /// Currency.
    pub currency: CurrencyId,
    /// What stopped it; never [`Stop::Until`].
    pub stop: Stop,
    /// Minor units, more than 0.
    pub amount: i64,
}

/// Kinds of stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stop {
    /// The money entered a sink and stays there.
    Sink,
    /// The money has moved as often as it may and stays where it is.
    MaxHops,
    /// The money arrived in a piece too small to follow and is clean from there on.
    Dust,
    /// A seed claims the money, or what it was paid for, and it is that seed's from there on.
    Superseded,
    /// The money is in a pool that pays again after `until`, but those payments do not happen.
    Until,
}

impl Stop {
    /// The name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Stop::Sink => "sink",
            Stop::MaxHops => "max_hops",
            Stop::Dust => "dust",
            Stop::Superseded => "superseded",
            Stop::Until => "until",
        }
    }
}

/// Money that a stop kept from going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopRow {
    /// Case.
    pub case: u32,
    /// Currency.
    pub currency: CurrencyId,
    /// What stopped it.
    pub stop: Stop,
    /// Minor units.
    pub amount: i128,
}

/// The books of one case in one currency, in minor units; under value pooling in the base currency and units of value.
///
/// `seeded + converted_in = held + at_sinks + dust + superseded + converted_out + fees`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// Case.
    pub case: u32,
    /// Currency.
    pub currency: CurrencyId,
    /// Claimed by seeds.
    pub seeded: i128,
    /// Received in this currency for money paid in another.
    pub converted_in: i128,
    /// In accounts at the end, sinks aside.
    pub held: i128,
    /// At sinks, and at accounts beyond which the hop limit lets nothing go.
    pub at_sinks: i128,
    /// Clean again because it was too little to follow.
    pub dust: i128,
    /// Taken by the payment of a seed transaction, whose receipt belongs to the seed's cases from there on, or claimed
    /// by a balance seed.
    pub superseded: i128,
    /// Paid in this currency for money received in another.
    pub converted_out: i128,
    /// Paid and not received, within this currency; less than 0 where more was received than paid.
    pub fees: i128,
}

impl LedgerRow {
    pub(super) fn new(case: u32, currency: CurrencyId) -> Self {
        LedgerRow {
            case,
            currency,
            seeded: 0,
            converted_in: 0,
            held: 0,
            at_sinks: 0,
            dust: 0,
            superseded: 0,
            converted_out: 0,
            fees: 0,
        }
    }

    /// Whether what came in is what is accounted for.
    pub fn balances(&self) -> bool {
        let accounted =
            self.held + self.at_sinks + self.dust + self.superseded + self.converted_out + self.fees;
        self.seeded + self.converted_in == accounted
    }
}

impl Flows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.case.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.case.is_empty()
    }
}

impl Flows {
    pub(super) fn push(&mut self, case: u32, transaction: TxId, paid: i64, received: i64, hop: u32) {
        self.case.push(case);
        self.transaction.push(transaction);
        self.tainted_paid.push(paid);
        self.tainted_received.push(received);
        self.hop.push(hop);
    }

    pub(super) fn append(&mut self, other: &mut Flows) {
        self.case.append(&mut other.case);
        self.transaction.append(&mut other.transaction);
        self.tainted_paid.append(&mut other.tainted_paid);
        self.tainted_received.append(&mut other.tainted_received);
        self.hop.append(&mut other.hop);
    }
}

impl Holdings {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.case.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.case.is_empty()
    }
}

impl Trace {
    /// Appends `other`, whose cases come later.
    pub(super) fn append(&mut self, mut other: Trace) {
        fn join(all: &mut Holdings, more: &mut Holdings) {
            all.case.append(&mut more.case);
            all.account.append(&mut more.account);
            all.currency.append(&mut more.currency);
            all.amount.append(&mut more.amount);
            all.first_receipt.append(&mut more.first_receipt);
            all.last_receipt.append(&mut more.last_receipt);
        }
        self.flows.append(&mut other.flows);
        join(&mut self.holdings, &mut other.holdings);
        join(&mut self.sinks.holdings, &mut other.sinks.holdings);
        self.sinks.stop.append(&mut other.sinks.stop);
        self.entries.append(&mut other.entries);
        self.exits.append(&mut other.exits);
        self.stops.append(&mut other.stops);
        self.ledger.append(&mut other.ledger);
        self.events += other.events;
    }

    /// Renames the only case, 0, of a trace of one case.
    pub(super) fn rename_case(&mut self, case: u32) {
        self.flows.case.fill(case);
        self.holdings.case.fill(case);
        self.sinks.holdings.case.fill(case);
        self.entries.iter_mut().for_each(|row| row.case = case);
        self.exits.iter_mut().for_each(|row| row.case = case);
        self.stops.iter_mut().for_each(|row| row.case = case);
        self.ledger.iter_mut().for_each(|row| row.case = case);
    }
}
