//! Counterfactuals: without which transfers and identifiers a ring would not have been reported.
//!
//! A ring is **undone** by a set of its payments and identifiers if, without them, no two members share an identifier that tied them,
//! and a search of what is left of the ring's evidence, with the settings of the run, finds none of the typologies that its
//! claims are of. Claims of traces and communities rest on no single payment and are not looked at.
//!
//! # Method
//! Every identifier that ties members must go. Of payments, the one that most of the instances found have in common is taken away, of several
//! the earliest, and the search is made again until it finds nothing; then each payment that is not needed is put back. Instances
//! without a payment in common need one each: if there are as many as payments were taken, no smaller set does it. Otherwise
//! all smaller sets are tried as far as [`SEARCHES_MAX`] searches go: a set that undoes the ring has a payment of every
//! instance found without it, so that the tree of choices is no deeper than the set is large.
//!
//! # Source
//! Minimal hitting sets by the tree of choices: Reiter, A theory of diagnosis from first principles, Artificial Intelligence 32(1), 1987;
//! counterfactual explanations: Wachter, Mittelstadt, Russell, Harvard Journal of Law & Technology 31(2), 2018.

use super::claim::ClaimKind;
use super::ring::Ring;
use crate::error::Result;
use crate::graph::rates::Rates;
use crate::graph::{Graph, Transaction};
use crate::ids::{IdentifierId, TxId};
use crate::patterns::{Options, Transfers, Typology, find};
use crate::run::Run;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Most searches of one proof that no smaller set does it.
pub const SEARCHES_MAX: u32 = 2_000;

/// What undoes a ring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counterfactual {
    /// Payments, ascending.
    pub transactions: Vec<TxId>,
    /// Identifiers, ascending.
    pub identifiers: Vec<IdentifierId>,
    /// Whether it is proved that no smaller set undoes the ring; no part of this one does in any case.
    pub smallest: bool,
    /// Whether the ring has other claims, which this does not undo.
    pub others: bool,
}

/// What undoes `ring`, which was found in `graph` with `searches`, amounts being compared by `rates`.
///
/// # Errors
/// Those of the searches; [`Error::Damaged`](crate::Error::Damaged).
pub fn counterfactual(
    graph: &Graph,
    rates: Option<&Rates>,
    ring: &Ring,
    searches: &[(Typology, Options)],
    run: &Run,
) -> Result<Counterfactual> {
    let kinds: BTreeSet<ClaimKind> = ring.claims.iter().map(|counted| counted.claim.kind).collect();
    let mut identifiers: Vec<IdentifierId> = ring.uses.iter().map(|one| one.identifier).collect();
    identifiers.dedup();
    let evidence: BTreeSet<TxId> = ring
        .claims
        .iter()
        .filter(|counted| matches!(counted.claim.kind, ClaimKind::Typology(_)))
        .flat_map(|counted| counted.claim.transactions.iter().copied())
        .collect();
    let evidence = evidence.into_iter().map(|id| graph.transaction(id)).collect::<Result<Vec<_>>>()?;
    let searches: Vec<&(Typology, Options)> =
        searches.iter().filter(|(typology, _)| kinds.contains(&ClaimKind::Typology(*typology))).collect();
    let undoing = Undoing { rates, searches, evidence, run };
    let (transactions, smallest) = undoing.smallest()?;
    let others = kinds.contains(&ClaimKind::Trace) || kinds.contains(&ClaimKind::Community);
    Ok(Counterfactual { transactions, identifiers, smallest, others })
}

struct Undoing<'a> {
    rates: Option<&'a Rates>,
    searches: Vec<&'a (Typology, Options)>,
    evidence: Vec<Transaction>,
    run: &'a Run,
}

impl Undoing<'_> {
    /// The payments of each instance in the evidence without `gone`.
    fn instances(&self, gone: &BTreeSet<TxId>) -> Result<Vec<Vec<TxId>>> {
        let left: Vec<Transaction> =
            self.evidence.iter().copied().filter(|row| !gone.contains(&row.id)).collect();
        if left.is_empty() {
            return Ok(Vec::new());
        }
        let few = Transfers::of(&left, self.rates, self.run)?;
        let mut all = Vec::new();
        for (typology, options) in &self.searches {
            let found = find(&few, *typology, options, self.run)?;
            let payments = |at: &TxId| left[at.0 as usize].id;
            all.extend(found.instances.iter().map(|one| one.transactions.iter().map(payments).collect()));
        }
        Ok(all)
    }

    /// A set that undoes, of which no part does, and whether none is smaller.
    fn smallest(&self) -> Result<(Vec<TxId>, bool)> {
        let first = self.instances(&BTreeSet::new())?;
        let mut gone = BTreeSet::new();
        let mut found = first.clone();
        while !found.is_empty() {
            self.run.check()?;
            gone.insert(commonest(&found));
            found = self.instances(&gone)?;
        }
        for id in gone.clone() {
            gone.remove(&id);
            if !self.instances(&gone)?.is_empty() {
                gone.insert(id);
            }
        }
        let mut least = apart(&first);
        let mut searches = SEARCHES_MAX;
        while least < gone.len() {
            match self.within(&mut BTreeSet::new(), least, &mut searches)? {
                Tried::Found(smaller) => return Ok((smaller.into_iter().collect(), true)),
                Tried::None => least += 1,
                Tried::GaveUp => return Ok((gone.into_iter().collect(), false)),
            }
        }
        Ok((gone.into_iter().collect(), true))
    }

    /// A set of at most `more` payments beyond `gone` that undoes, if there is one.
    fn within(&self, gone: &mut BTreeSet<TxId>, more: usize, searches: &mut u32) -> Result<Tried> {
        if *searches == 0 {
            return Ok(Tried::GaveUp);
        }
        *searches -= 1;
        self.run.check()?;
        let found = self.instances(gone)?;
        let Some(shortest) = found.iter().min_by_key(|one| one.len()) else {
            return Ok(Tried::Found(gone.clone()));
        };
        if apart(&found) > more {
            return Ok(Tried::None);
        }
        for &id in shortest {
            gone.insert(id);
            let tried = self.within(gone, more - 1, searches)?;
            gone.remove(&id);
            if !matches!(tried, Tried::None) {
                return Ok(tried);
            }
        }
        Ok(Tried::None)
    }
}

enum Tried {
    Found(BTreeSet<TxId>),
    None,
    GaveUp,
}

/// The payment of most instances, the earliest of several.
fn commonest(instances: &[Vec<TxId>]) -> TxId {
    let mut counts: BTreeMap<TxId, usize> = BTreeMap::new();
    instances.iter().flatten().for_each(|&id| *counts.entry(id).or_default() += 1);
    let most = counts.into_iter().max_by_key(|&(id, count)| (count, Reverse(id)));
    most.expect("an instance has payments").0
}

/// How many instances have no payment in common, taken in order.
fn apart(instances: &[Vec<TxId>]) -> usize {
    let mut seen: BTreeSet<TxId> = BTreeSet::new();
    let alone = |one: &&Vec<TxId>| {
        let new = one.iter().all(|id| !seen.contains(id));
        if new {
            seen.extend(one.iter());
        }
        new
    };
    instances.iter().filter(alone).count()
}
