//! Exposure of a whole graph: what every account ever received, and holds, of what a set of bad accounts paid.
//!
//! A screening question: not where the money of one payment went, but who does business, at whatever distance, with
//! known bad accounts, and how much of what they have comes from there. One pass answers it for all accounts.
//!
//! # Method
//! Three answers. *Amounts* ([`money`]): one owner, `bad`, under the haircut rule of `docs/tracing.md`; every pool is
//! two integers. *Contact* ([`contact`]): who could have been touched at all, as under [`poison`](super::poison),
//! and by how many of the cases: one bit per case, 64 cases to a pass, that flows along the payments in time order.
//! *Books*: by currency, what the sources paid is what is accounted for, to the unit.
//!
//! # Cost
//! One pass over the rows for the amounts and the first 64 cases, one for every further 64, on as many threads. 64 bytes
//! per account for the first, half of them touched by tainted money only; 24 for contacts, and 32 for any further 64 cases. No index
//! is used.
//!
//! # Choices
//! All that a source pays is tainted, whatever it received before; what comes back to a source is not followed there. This
//! is the trace of one case whose seeds are all payments of the sources, and it finds the same numbers.
//!
//! # Source
//! `docs/tracing.md`. Bit-parallel propagation: Then et al.: The more the merrier: efficient multi-source graph
//! traversal, PVLDB 8(4), 2014.

mod contact;
mod lines;
mod money;
mod pools;

use self::money::Played;
use super::balances::Balances;
use super::policy::Opening;
use super::reach::check_sinks;
use super::source::{Source, Start, starts};
use super::walk::chunk::end_position;
use super::walk::rows::Rows;
use crate::error::{Error, Result};
use crate::graph::View;
use crate::ids::{AccountId, CurrencyId, TxId};
use crate::run::Run;
use crate::units::Ties;
use roaring::RoaringBitmap;

/// Options of [`exposure`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExposureOptions {
    /// What pools hold at first.
    pub opening: Opening,
    /// The balances that [`Opening::Given`] reads; empty otherwise.
    pub balances: Balances,
    /// Whether money can be received and paid on at one and the same time.
    pub ties: Ties,
    /// Last moment, in microseconds since 1970 UTC, inclusive: transactions after it do not happen.
    pub until: Option<i64>,
    /// Accounts where tainted money stays for good; what they pay is clean. None of them may be a source.
    pub sinks: RoaringBitmap,
}

impl ExposureOptions {
    fn check(&self, num_accounts: u32) -> Result<()> {
        check_sinks(&self.sinks, num_accounts)?;
        if self.opening == Opening::Given && self.balances.is_empty() {
            return Err(Error::Option {
                name: "opening",
                value: "given, without balances".into(),
                allowed: "given only with a table of balances",
            });
        }
        self.balances.check(num_accounts)
    }
}

/// Exposure of every account to the sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// How much, pro rata, by (account, currency): every pool that received tainted money.
    pub amounts: ExposedAmounts,
    /// Who was touched at all, by account, with the sources themselves.
    pub accounts: ExposedAccounts,
    /// The books, by currency; every row is proved.
    pub ledger: Vec<ExposureBooks>,
}

/// What an account is to the sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It passes on what it receives.
    #[default]
    Other,
    /// One of the sources, at the end.
    Source,
    /// One of the sinks.
    Sink,
}

impl Role {
    /// The name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Role::Other => "other",
            Role::Source => "source",
            Role::Sink => "sink",
        }
    }
}

/// Tainted money by pool, under the haircut rule; all columns have the same length.
///
/// `tainted_received = tainted_paid + tainted_held` in every row; `tainted_received / received` is the share of an account's
/// income that comes from the sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExposedAmounts {
    /// Account.
    pub account: Vec<AccountId>,
    /// Currency.
    pub currency: Vec<CurrencyId>,
    /// What the account is.
    pub role: Vec<Role>,
    /// Tainted minor units received, more than 0.
    pub tainted_received: Vec<i64>,
    /// Tainted minor units paid on; of a source, before it was one.
    pub tainted_paid: Vec<i64>,
    /// Tainted minor units there at the end: held, stopped at a sink, or returned to a source.
    pub tainted_held: Vec<i64>,
    /// All minor units received, tainted or not.
    pub received: Vec<i64>,
    /// When tainted money first came, microseconds since 1970 UTC.
    pub first_receipt: Vec<i64>,
    /// When it last did.
    pub last_receipt: Vec<i64>,
}

/// Accounts that payments of the sources reach in time; all columns have the same length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExposedAccounts {
    /// Account, ascending.
    pub account: Vec<AccountId>,
    /// How many cases reach it, its own included where it is a source.
    pub num_cases: Vec<u32>,
    /// When one first did, microseconds since 1970 UTC.
    pub first_contact: Vec<i64>,
    /// The payment that did; none for a source that no payment reached before it was one.
    pub transaction: Vec<Option<TxId>>,
}

/// The books of one currency, in minor units.
///
/// `tainted + converted_in = held + returned + at_sinks + converted_out + fees`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExposureBooks {
    /// Currency.
    pub currency: CurrencyId,
    /// Received from sources.
    pub tainted: i128,
    /// Received in this currency for tainted money paid in another.
    pub converted_in: i128,
    /// At accounts that are neither sources nor sinks, at the end.
    pub held: i128,
    /// Returned to sources.
    pub returned: i128,
    /// At sinks.
    pub at_sinks: i128,
    /// Tainted money paid in this currency for money received in another.
    pub converted_out: i128,
    /// Paid and not received, within this currency; less than 0 where more was received than paid.
    pub fees: i128,
}

impl ExposureBooks {
    fn new(currency: CurrencyId) -> Self {
        ExposureBooks {
            currency,
            tainted: 0,
            converted_in: 0,
            held: 0,
            returned: 0,
            at_sinks: 0,
            converted_out: 0,
            fees: 0,
        }
    }

    /// Whether what came in is what is accounted for.
    pub fn balances(&self) -> bool {
        let accounted = self.held + self.returned + self.at_sinks + self.converted_out + self.fees;
        self.tainted + self.converted_in == accounted
    }
}

impl ExposedAmounts {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.account.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.account.is_empty()
    }
}

impl ExposedAccounts {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.account.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.account.is_empty()
    }
}

/// Computes how far every account of `view` is exposed to what the accounts of `sources` pay.
///
/// Amounts are those of all sources together; contact is counted by case. Nothing outside of `view` exists.
/// What is held is the haircut rule's answer, a scenario and not entitlement, and contact alone says
/// nothing about amounts: everybody who is paid by an exchange is soon in contact with everything.
///
/// # Errors
/// [`Error::Input`] names a source that is not possible or is a sink, or a transaction with a negative amount;
/// [`Error::Option`] an option out of its range; [`Error::Limit`] a pool that received over 2^63 − 1 minor units;
/// [`Error::Unproved`] if the books do not balance, which would be a bug of ours.
///
/// # Examples
/// ```no_run
/// use ringfence::Run;
/// use ringfence::graph::Graph;
/// use ringfence::store::Io;
/// use ringfence::trace::{ExposureOptions, Source, exposure};
///
/// let graph = Graph::open("payments.ring".as_ref(), Io::Mmap)?;
/// let account = graph.find_account("A17")?.expect("a known account");
/// let sources = [Source { case: 0, account, from: None }];
/// let found = exposure(&graph.view(), 1, &sources, &ExposureOptions::default(), &Run::new())?;
/// for (account, share) in found.amounts.account.iter().zip(&found.amounts.tainted_held) {
///     println!("{}: {share} minor units", graph.account_key(*account)?);
/// }
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn exposure(
    view: &View<'_>,
    num_cases: u32,
    sources: &[Source],
    options: &ExposureOptions,
    run: &Run,
) -> Result<Exposure> {
    options.check(view.graph().num_accounts())?;
    run.check()?;
    let mut starts = starts(view, num_cases, sources, options.until)?;
    if let Some(index) = sources.iter().position(|source| options.sinks.contains(source.account.0)) {
        let key = view.graph().account_key(sources[index].account)?;
        let problem = format!("account {key:?} is one of the sinks; what a sink pays is clean");
        return Err(Error::input(format!("sources[{index}]"), problem));
    }
    starts.sort_by_key(|start| (start.position, start.time));
    let rows = Rows::new(view, None);
    let pass =
        Pass { view, rows: &rows, options, starts: &starts, end: end_position(view, options.until)?, run };
    let num_passes =
        u64::from(num_cases.div_ceil(64).max(1)) + u64::from(options.opening == Opening::Minimal);
    run.stage("exposure", num_passes * (pass.end - view.positions().start.0));
    let (played, others) = run.install(|| rayon::join(|| money::flow(&pass), || contact::spread(&pass)));
    let Played { amounts, books, mut contacts } = played?;
    if let Some(others) = others? {
        contacts.add(&others);
    }
    Ok(Exposure { amounts, accounts: contacts.accounts(), ledger: books })
}

/// What all passes over the rows have in common.
struct Pass<'a, 'g> {
    view: &'a View<'g>,
    rows: &'a Rows<'g>,
    options: &'a ExposureOptions,
    /// By position and time.
    starts: &'a [Start],
    /// First position that does not happen.
    end: u64,
    run: &'a Run,
}
