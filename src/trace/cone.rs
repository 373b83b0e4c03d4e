//! The cone of a target: accounts whose money can reach it in time, and until when.
//!
//! # Method
//! Backwards from the target through the payments into each account of the cone, latest first: the first payment out of a
//! new account that is met is the last by which its money can still go on. That may be a payment that carried nothing,
//! because whatever else it lets in is played forward for nothing. A hop limit decides what is found, and so it first finds,
//! level by level and by payments that carried something in time, which accounts are near enough.
//!
//! # Cost
//! O(e log a) for e payments into a accounts of the cone; with a hop limit of h, up to h times that, and each is read.

use super::walk::meter::Meter;
use super::walk::rows::Rows;
use crate::error::Result;
use crate::graph::View;
use crate::graph::view::Slice;
use crate::ids::AccountId;
use crate::units::Ties;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BinaryHeap};

/// Accounts of a cone, and for each the position of its last payment that matters: the target, for the account of the target.
pub(super) type Cone = BTreeMap<u32, u64>;

/// What bounds a cone.
pub(super) struct Bounds<'a, 'g> {
    pub(super) view: &'a View<'g>,
    pub(super) rows: &'a Rows<'g>,
    pub(super) ties: Ties,
    /// Accounts whose payments are where the cone ends.
    pub(super) origins: &'a RoaringBitmap,
    /// Accounts from which fewer payments than this lead to the target belong to the cone.
    pub(super) max_hops: Option<u32>,
}

/// The cone of what `account` holds before `position`; a payment of it there is one of the moment `paid_at`.
pub(super) fn cone(
    bounds: &Bounds<'_, '_>,
    account: u32,
    position: u64,
    paid_at: Option<i64>,
    meter: &mut Meter<'_>,
) -> Result<Cone> {
    let &Bounds { view, origins, .. } = bounds;
    let near = match bounds.max_hops {
        None => None,
        Some(hops) => {
            let before = match paid_at {
                Some(time) => bounds.before(position, time)?,
                None => position,
            };
            Some(levels(bounds, account, before, hops, meter)?)
        }
    };
    let belongs =
        |other: u32| !origins.contains(other) && near.as_ref().is_none_or(|near| near.contains_key(&other));
    let mut cone = Cone::from([(account, position)]);
    let mut sides = vec![Backward::new(view, account, position)?];
    let mut due = BinaryHeap::new();
    due.extend(sides[0].pop(view).map(|(at, payer)| (at, payer, 0)));
    while let Some((at, payer, side)) = due.pop() {
        meter.event()?;
        due.extend(sides[side].pop(view).map(|(at, payer)| (at, payer, side)));
        if !cone.contains_key(&payer) && belongs(payer) {
            cone.insert(payer, at);
            let mut new = Backward::new(view, payer, at)?;
            due.extend(new.pop(view).map(|(at, payer)| (at, payer, sides.len())));
            sides.push(new);
        }
    }
    Ok(cone)
}

impl Bounds<'_, '_> {
    /// First position at which an account can no longer receive what it pays at `position` and `time`.
    fn before(&self, position: u64, time: i64) -> Result<u64> {
        match self.ties {
            Ties::Order => Ok(position),
            Ties::Strict => Ok(self.view.graph().position_at(time)?.0),
        }
    }

    /// Whether the payment at a position hands something over for something.
    fn carries(&self, position: u64) -> Result<bool> {
        let row = self.rows.read(position)?;
        Ok(row.is_some_and(|row| row.paid.amount > 0 && row.received.amount > 0))
    }
}

/// Accounts from which money can reach the target by fewer than `hops` payments, and the first position at which what
/// comes in is too late for that.
fn levels(
    bounds: &Bounds<'_, '_>,
    account: u32,
    before: u64,
    hops: u32,
    meter: &mut Meter<'_>,
) -> Result<Cone> {
    let &Bounds { view, rows, origins, .. } = bounds;
    let mut near = Cone::from([(account, before)]);
    let mut changed = near.clone();
    for _ in 1..hops {
        let mut next = Cone::new();
        for (&account, &before) in &changed {
            let mut side = Backward::new(view, account, before)?;
            while let Some((at, payer)) = side.pop(view) {
                meter.event()?;
                if origins.contains(payer) || near.get(&payer).is_some_and(|&known| known >= at) {
                    continue;
                }
                let until = bounds.before(at, rows.time(at)?)?;
                if near.get(&payer).is_none_or(|&known| known < until) && bounds.carries(at)? {
                    near.insert(payer, until);
                    next.insert(payer, until);
                }
            }
        }
        changed = next;
        if changed.is_empty() {
            break;
        }
    }
    Ok(near)
}

/// Payments into an account, latest first.
struct Backward<'g> {
    slices: Vec<Slice<'g>>,
}

impl<'g> Backward<'g> {
    /// Payments into `account` before `position`.
    fn new(view: &View<'g>, account: u32, position: u64) -> Result<Self> {
        let mut slices = Vec::new();
        for slice in view.incoming(AccountId(account)) {
            let mut slice = slice?;
            let before = slice.transactions.partition_point(|&row| slice.base.0 + u64::from(row) < position);
            slice.transactions = &slice.transactions[..before];
            slice.neighbors = &slice.neighbors[..before];
            slices.push(slice);
        }
        Ok(Backward { slices })
    }

    /// The latest payment that is left, and its payer.
    fn pop(&mut self, view: &View<'g>) -> Option<(u64, u32)> {
        while let Some(slice) = self.slices.last_mut() {
            let (Some((&row, rows)), Some((&payer, payers))) =
                (slice.transactions.split_last(), slice.neighbors.split_last())
            else {
                self.slices.pop();
                continue;
            };
            (slice.transactions, slice.neighbors) = (rows, payers);
            if view.contains(AccountId(payer)) {
                return Some((slice.base.0 + u64::from(row), payer));
            }
        }
        None
    }
}
