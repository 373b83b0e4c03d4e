//! Upstream tracing: where the money of a payment or a balance came from.
//!
//! The same rules as downstream, on the history that can reach the target, with every unit owned by the account that
//! it came from: what a pool holds at first and what is supplied to it just in time is the account's own, and what
//! an account beyond the frontier pays is that account's. What the target takes is then a list of owners, its
//! *origins*, and sums to the target exactly. The frontier is the start of the view, a hop limit, and accounts named as origins.
//!
//! # Method
//! The [cone](super::cone) of the target is found backwards; then every transaction of its accounts that is early enough to matter is
//! played forward, in order. The flows of each origin are replayed into money paths, which end in the target.
//!
//! # Cost
//! O(e log e + l) for e transactions of the accounts in the cone and l lots moved; memory 8 bytes per transaction, 40 per
//! lot moved, and 4 per account of the view. Targets in parallel. Under `haircut` a pool holds a share for each
//! origin, so l grows with e times the number of origins: shorten the look-back or name origins.
//!
//! # Choices
//! Only `fifo`, `lifo` and `haircut`: the two rules that ask whether money is clean have no answer where all money is
//! somebody's. Equal remainders under `haircut` go to the origin with the smaller account number.
//!
//! # Source
//! Anderson, Shumailov, Ahmed, Rietmann: Bitcoin Redux, WEIS 2018 (tracing backwards by FIFO); Kosyfaki, Mamoulis:
//! Provenance in Temporal Interaction Networks, ICDE 2022.

use super::account::openings;
use super::cone::{Bounds, Cone, cone};
use super::origins::{Answer, gather};
use super::policy::{Opening, Policy, TraceOptions};
use super::pool::draft::Draft;
use super::pool::haircut::Shares;
use super::pool::lot::{Lot, Owner, Pool};
use super::pool::parts::{Part, Parts};
use super::pool::purse::Purse;
use super::pool::queue::{Fifo, Lifo};
use super::walk::cursor::Cursor;
use super::walk::history::{History, Short};
use super::walk::meter::Meter;
use super::walk::rows::{Money, Rows};
use crate::error::{Error, Result};
use crate::graph::View;
use crate::ids::{AccountId, CurrencyId, TxId};
use crate::run::Run;
use crate::store::format::flags;
use crate::units::Ties;
use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

pub use super::origins::{Origins, Upstream};

/// Money whose origin is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// What a transaction pays.
    Transaction(TxId),
    /// What is in an account after every transaction up to `time`, newest first where money has an order.
    Balance {
        /// The account.
        account: AccountId,
        /// Its currency; under value pooling the whole pool of the account counts, and this is the amount's unit.
        currency: CurrencyId,
        /// Microseconds since 1970 UTC.
        time: i64,
        /// Minor units, more than 0; all of it by default.
        amount: Option<i64>,
    },
}

/// Options of [`upstream`].
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamOptions {
    /// Policy, opening, balances, rates and ties, as downstream. What has no meaning upstream must be as by default:
    /// `until`, `sinks`, `dust`, `max_hops` and `joint`.
    pub rules: TraceOptions,
    /// Accounts whose payments are where the cone ends.
    pub origins: RoaringBitmap,
    /// Most payments over which money is looked back, at least 1: an account from which no fewer than this many lead to the
    /// target, each in time for the next and each handing something over for something, is beyond the frontier. Money that
    /// circles among nearer accounts may take more. `None` for no limit.
    pub max_hops: Option<u32>,
    /// Most money paths listed for each target, those with the largest amounts; `None` lists all.
    pub paths_max: Option<usize>,
    /// Most lots moved for one target before the search gives up with an error; bounds memory, at 40 bytes each.
    pub lots_max: u64,
}

impl Default for UpstreamOptions {
    fn default() -> Self {
        UpstreamOptions {
            rules: TraceOptions::default(),
            origins: RoaringBitmap::new(),
            max_hops: None,
            paths_max: None,
            lots_max: 100_000_000,
        }
    }
}

impl UpstreamOptions {
    fn check(&self, view: &View<'_>) -> Result<()> {
        let rules = &self.rules;
        rules.check(view.graph().num_accounts())?;
        if !rules.policy.is_additive() {
            let (name, value) = ("policy", rules.policy.name().to_string());
            return Err(Error::Option { name, value, allowed: "fifo, lifo or haircut for tracing upstream" });
        }
        if self.max_hops == Some(0) {
            return Err(Error::Option {
                name: "max_hops",
                value: "0".into(),
                allowed: "1 or more transactions",
            });
        }
        let foreign = [
            ("until", rules.until.is_some()),
            ("sinks", !rules.sinks.is_empty()),
            ("dust", rules.dust > 0),
            ("rules.max_hops", rules.max_hops.is_some()),
        ];
        match foreign.iter().find(|option| option.1) {
            Some(&(name, _)) => {
                let value = "given".to_string();
                Err(Error::Option { name, value, allowed: "nothing: it has no meaning upstream" })
            }
            None => Ok(()),
        }
    }
}

/// Finds where the money of each of `targets` came from, within `view`.
///
/// # Errors
/// [`Error::Input`] names the target that is not possible, `targets[i]`; [`Error::Option`] an option out of its range;
/// [`Error::Limit`] more lots than `lots_max`, or a pool over 2^63 − 1 minor units; [`Error::Unproved`] if origins do not
/// sum to their target, which would be a bug of ours.
pub fn upstream(
    view: &View<'_>,
    targets: &[Target],
    options: &UpstreamOptions,
    run: &Run,
) -> Result<Upstream> {
    options.check(view)?;
    let aims = targets.iter().enumerate().map(|(index, target)| Aim::new(view, index, target, options));
    let aims = aims.collect::<Result<Vec<_>>>()?;
    let rows = Rows::new(view, options.rules.rates.clone());
    run.stage("upstream", 0);
    let one = |aim: Aim| {
        run.check()?;
        match options.rules.policy {
            Policy::Fifo => play::<Fifo>(view, &rows, &aim, options, run),
            Policy::Lifo => play::<Lifo>(view, &rows, &aim, options, run),
            _ => play::<Shares>(view, &rows, &aim, options, run),
        }
    };
    let parts: Vec<Result<Upstream>> = run.install(|| aims.into_par_iter().map(one).collect());
    let mut all = Upstream::begin();
    for part in parts {
        all.append(part?);
    }
    Ok(all)
}

/// A checked target: what leaves `account` just before `position`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aim {
    pub(super) index: u32,
    pub(super) account: u32,
    pub(super) currency: u16,
    pub(super) position: u64,
    pub(super) time: i64,
    /// Units; all of them if not given.
    amount: Option<i64>,
    pub(super) is_balance: bool,
}

impl Aim {
    fn new(view: &View<'_>, index: usize, target: &Target, options: &UpstreamOptions) -> Result<Self> {
        let refuse = |problem: String| Error::input(format!("targets[{index}]"), problem);
        let (graph, positions, rates) = (view.graph(), view.positions(), &options.rules.rates);
        let number = index as u32;
        match *target {
            Target::Transaction(id) => {
                if id.0 >= graph.num_transactions() {
                    let held = graph.num_transactions();
                    return Err(refuse(format!("transaction position {}; the graph holds {held}", id.0)));
                }
                let row = graph.transaction(id)?;
                let key = graph.transaction_key(id)?;
                let ends = [row.source, row.destination];
                if !positions.contains(&id) || ends.iter().any(|&end| !view.contains(end)) {
                    return Err(refuse(format!("transaction {key:?} is outside of the view that is traced")));
                }
                if row.flags & flags::FAILED != 0 {
                    let problem = format!("transaction {key:?} is marked as failed and moved no money");
                    return Err(refuse(problem));
                }
                if row.flags & flags::CORRECTED != 0 {
                    let problem = format!(
                        "transaction {key:?} was corrected and moved no money; its correction is what happened"
                    );
                    return Err(refuse(problem));
                }
                if row.paid <= 0 {
                    return Err(refuse(format!("transaction {key:?} pays {}: nothing to trace", row.paid)));
                }
                let (amount, currency) = match rates {
                    None => (row.paid, row.paid_currency),
                    Some(rates) => (rates.value(row.paid, row.paid_currency.0, row.time)?, rates.base()),
                };
                let (account, currency) = (row.source.0, currency.0);
                let (position, time, amount) = (id.0, row.time, Some(amount));
                Ok(Aim { index: number, account, currency, position, time, amount, is_balance: false })
            }
            Target::Balance { account, currency, time, amount } => {
                if account.0 >= graph.num_accounts() || !view.contains(account) {
                    return Err(refuse(format!("account {} is not in the view that is traced", account.0)));
                }
                if currency.index() >= graph.manifest().schema.currencies.len() {
                    return Err(refuse(format!("currency {} is not in the graph", currency.0)));
                }
                if !view.times().contains(time) {
                    return Err(refuse(format!("time {time} µs is outside of the window that is traced")));
                }
                if let Some(amount) = amount.filter(|&amount| amount <= 0) {
                    return Err(refuse(format!("amount {amount}: it must be more than 0 minor units")));
                }
                let position = graph.position_at(time + 1)?.clamp(positions.start, positions.end).0;
                let (currency, amount) = match rates {
                    None => (currency.0, amount),
                    Some(rates) => {
                        let value = |amount| rates.value(amount, currency.0, time);
                        (rates.base().0, amount.map(value).transpose()?)
                    }
                };
                let account = account.0;
                Ok(Aim { index: number, account, currency, position, time, amount, is_balance: true })
            }
        }
    }
}

/// The forward pass over the cone of one target.
struct Pass<'a, 'g, P> {
    view: &'a View<'g>,
    rows: &'a Rows<'g>,
    options: &'a UpstreamOptions,
    cone: Cone,
    /// By account of the cone.
    purses: BTreeMap<u32, Vec<Purse<P>>>,
    parts: Parts,
    draft: Draft,
    answer: Answer,
    lots: u64,
    meter: Meter<'a>,
}

fn play<P: Pool>(
    view: &View<'_>,
    rows: &Rows<'_>,
    aim: &Aim,
    options: &UpstreamOptions,
    run: &Run,
) -> Result<Upstream> {
    let mut meter = Meter::new(run);
    let UpstreamOptions { rules: TraceOptions { ties, .. }, ref origins, max_hops, .. } = *options;
    let bounds = Bounds { view, rows, ties, origins, max_hops };
    let paid_at = (!aim.is_balance).then_some(aim.time);
    let cone = cone(&bounds, aim.account, aim.position, paid_at, &mut meter)?;
    let events = events(view, &cone)?;
    let mut pass = Pass::<P> {
        view,
        rows,
        options,
        cone,
        purses: BTreeMap::new(),
        parts: Parts::new(view.graph().num_accounts()),
        draft: Draft::new(),
        answer: Answer::default(),
        lots: 0,
        meter,
    };
    pass.open()?;
    for position in events {
        pass.meter.event()?;
        pass.transaction(position)?;
    }
    pass.take(aim)?;
    let events = pass.meter.finish();
    gather(view, aim, pass.answer, options, events)
}

/// Every transaction of the cone's accounts that can matter, in order.
fn events(view: &View<'_>, cone: &Cone) -> Result<Vec<u64>> {
    let mut events = Vec::new();
    for (&account, &before) in cone {
        for slice in view.out(AccountId(account)).chain(view.incoming(AccountId(account))) {
            let slice = slice?;
            let positions = slice.transactions.iter().zip(slice.neighbors);
            let inside = positions.filter(|&(_, &other)| view.contains(AccountId(other)));
            let inside = inside.map(|(&row, _)| slice.base.0 + u64::from(row));
            events.extend(inside.take_while(|&position| position < before));
        }
    }
    events.sort_unstable();
    events.dedup();
    Ok(events)
}

impl<P: Pool> Pass<'_, '_, P> {
    /// Gives every account of the cone what it holds at first, as its own.
    fn open(&mut self) -> Result<()> {
        let (view, rules) = (self.view, &self.options.rules);
        let first = view.positions().start.0;
        for account in self.cone.keys().copied().collect::<Vec<_>>() {
            let id = AccountId(account);
            let openings: Vec<(u16, i128)> = match rules.opening {
                Opening::JustInTime => continue,
                Opening::Given => openings(rules, view, id)?,
                Opening::Minimal => {
                    let out = &mut Cursor::new(view.out(id), view)?;
                    let incoming = &mut Cursor::new(view.incoming(id), view)?;
                    let mut whole = History { out, incoming, balances: Vec::new() };
                    whole.run(u64::MAX, Short::Owing, rules.ties, view, self.rows, &mut self.meter)?;
                    whole.balances.iter().map(|balance| (balance.currency, balance.opening())).collect()
                }
            };
            for (currency, amount) in openings {
                let amount = i64::try_from(amount).map_err(|_| super::pool::lot::too_much(amount))?;
                if amount > 0 {
                    let lot = Lot { amount, owner: Owner::case(account), hop: 0 };
                    self.purse(account, currency)?.deposit(&[lot], amount)?;
                    self.answer.enter(account, first, account, currency, amount);
                }
            }
        }
        Ok(())
    }

    fn purse(&mut self, account: u32, currency: u16) -> Result<&mut Purse<P>> {
        let purses = self.purses.entry(account).or_default();
        let known = purses.iter().position(|purse| purse.currency == currency);
        let at = match known {
            Some(at) => at,
            None => {
                purses.push(Purse::new(currency, 0)?);
                purses.len() - 1
            }
        };
        Ok(&mut purses[at])
    }

    /// Draws a payment of an account of the cone into `self.draft`; what the pool lacks is its own.
    fn draw(&mut self, account: u32, paid: Money, position: u64, time: i64) -> Result<()> {
        let mut draft = std::mem::take(&mut self.draft);
        draft.clear();
        self.purse(account, paid.currency)?.draw(paid.amount, time, &mut draft)?;
        let supplied = draft.own(Owner::case(account));
        if supplied > 0 {
            self.answer.enter(account, position, account, paid.currency, supplied);
        }
        self.draft = draft;
        self.count(self.draft.lots().len())
    }

    fn count(&mut self, lots: usize) -> Result<()> {
        self.lots += lots as u64;
        if self.lots > self.options.lots_max {
            return Err(Error::Limit {
                what: "lots moved on the way to one target",
                found: self.lots,
                limit: self.options.lots_max,
                remedy: "look back a shorter time, follow fewer hops, or name accounts as origins",
            });
        }
        Ok(())
    }

    fn transaction(&mut self, position: u64) -> Result<()> {
        let Some(row) = self.rows.read(position)? else { return Ok(()) };
        let time = self.rows.time(position)?;
        // The last payment of an account of the cone that matters is the one at its position; what it receives, before.
        let last = |account: u32| self.cone.get(&account).copied();
        let from_cone = last(row.source).is_some_and(|last| position <= last);
        let into_cone = last(row.destination).is_some_and(|last| position < last);
        if from_cone {
            self.draw(row.source, row.paid, position, time)?;
        }
        let is_origin = self.options.origins.contains(row.source);
        let is_carried = from_cone && into_cone && row.paid.amount > 0 && !is_origin;
        if from_cone && !is_carried {
            for lot in self.draft.lots() {
                if let Some(origin) = lot.owner.as_case() {
                    let (account, currency) = (row.source, row.paid.currency);
                    self.answer.leave(origin, position, account, currency, lot.amount);
                }
            }
        }
        if !into_cone {
            return Ok(());
        }
        let mut arriving = Draft::new();
        if is_carried {
            self.draft.scale(row.paid.amount, row.received.amount, |lot, received| {
                arriving.take(Lot { amount: received, ..*lot });
                if let Some(case) = lot.owner.as_case() {
                    self.parts.add(Part { case, hop: 0, paid: lot.amount, received });
                }
            });
        } else if row.received.amount > 0 {
            // From beyond the frontier, or out of nothing; or the target's own account is named as an origin, and
            // what it pays is its own from here on.
            let (case, amount) = (row.source, row.received.amount);
            arriving.take(Lot { amount, owner: Owner::case(case), hop: 0 });
            self.parts.add(Part { case, hop: 0, paid: 0, received: amount });
        }
        let answer = &mut self.answer;
        self.parts.drain(|part| answer.carry(position, &part));
        self.count(arriving.lots().len())?;
        let strict = self.options.rules.ties == Ties::Strict;
        let purse = self.purse(row.destination, row.received.currency)?;
        match strict {
            true => purse.deposit_waiting(arriving.lots(), row.received.amount, time),
            false => purse.deposit(arriving.lots(), row.received.amount),
        }
    }

    /// Takes the target out: its composition.
    fn take(&mut self, aim: &Aim) -> Result<()> {
        if aim.is_balance {
            let mut draft = Draft::new();
            let purse = self.purse(aim.account, aim.currency)?;
            let balance = purse.balance_of_all();
            if purse.take_newest(aim.amount, &mut draft)?.is_none() {
                let what = aim.amount.map_or("its balance".to_string(), |amount| format!("{amount} units"));
                let problem = format!("{what} of an account that holds {balance}");
                return Err(Error::input(format!("targets[{}]", aim.index), problem));
            }
            self.answer.target = aim.amount.unwrap_or(balance);
            self.draft = draft;
        } else {
            let amount = aim.amount.unwrap_or_default();
            self.answer.target = amount;
            self.draw(aim.account, Money { amount, currency: aim.currency }, aim.position, aim.time)?;
        }
        for lot in self.draft.lots() {
            if let Some(origin) = lot.owner.as_case() {
                *self.answer.composition.entry(origin).or_default() += lot.amount;
            }
        }
        Ok(())
    }
}
