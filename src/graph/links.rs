//! Identifiers and the accounts that share them, merged over segments.

use super::View;
use crate::error::Result;
use crate::ids::{AccountId, IdentifierId, KindId};
use crate::run::Run;
use crate::store::segment::Links;
use crate::units::Window;
use rayon::prelude::*;

/// One account's use of an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The account.
    pub account: AccountId,
    /// First sighting, in microseconds since 1970 UTC; `i64::MIN` = unknown.
    pub first: i64,
    /// Last sighting; `i64::MIN` = unknown.
    pub last: i64,
    /// Number of sightings.
    pub count: u32,
}

/// Identifiers in order, each with the accounts that use it in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentifierGroups {
    identifiers: Vec<IdentifierId>,
    offsets: Vec<usize>,
    uses: Vec<Use>,
}

impl IdentifierGroups {
    /// Number of identifiers.
    pub fn len(&self) -> usize {
        self.identifiers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.identifiers.is_empty()
    }

    /// The uses of the identifier at a place, one per account.
    pub fn uses(&self, place: usize) -> &[Use] {
        &self.uses[self.offsets[place]..self.offsets[place + 1]]
    }

    /// Each identifier with its uses, one per account.
    pub fn iter(&self) -> impl Iterator<Item = (IdentifierId, &[Use])> {
        let ranges = self.offsets.windows(2);
        self.identifiers
            .iter()
            .zip(ranges)
            .map(|(&identifier, range)| (identifier, &self.uses[range[0]..range[1]]))
    }

    /// Groups uses by identifier; several of one account become one.
    fn new(mut found: Vec<(IdentifierId, Use)>) -> Self {
        found.par_sort_unstable();
        found.dedup_by(|later, kept| {
            let same = (later.0, later.1.account) == (kept.0, kept.1.account);
            if same {
                kept.1 = merged(kept.1, later.1);
            }
            same
        });
        let mut groups = IdentifierGroups { offsets: vec![0], ..IdentifierGroups::default() };
        for group in found.chunk_by(|a, b| a.0 == b.0) {
            groups.identifiers.push(group[0].0);
            groups.uses.extend(group.iter().map(|(_, each)| *each));
            groups.offsets.push(groups.uses.len());
        }
        groups
    }
}

/// Identifiers with their uses, in any order; several uses of one account become one.
impl FromIterator<(IdentifierId, Vec<Use>)> for IdentifierGroups {
    fn from_iter<I: IntoIterator<Item = (IdentifierId, Vec<Use>)>>(groups: I) -> Self {
        let flat = |(identifier, uses): (_, Vec<Use>)| uses.into_iter().map(move |each| (identifier, each));
        IdentifierGroups::new(groups.into_iter().flat_map(flat).collect())
    }
}

/// The identifiers that accounts of a view use within its window.
///
/// A use belongs to the window when its sightings' span meets it; a use without a date always does.
///
/// Time O(k log k) and memory 32 bytes each for k links in the store.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged) if a column is; [`Error::Cancelled`](crate::Error::Cancelled).
pub fn identifier_groups(view: &View, run: &Run) -> Result<IdentifierGroups> {
    let mut found: Vec<(IdentifierId, Use)> = Vec::new();
    for segment in view.graph().link_segments() {
        run.check()?;
        collect(&segment.links, view, &mut found)?;
    }
    Ok(IdentifierGroups::new(found))
}

fn collect(links: &Links, view: &View, found: &mut Vec<(IdentifierId, Use)>) -> Result<()> {
    let (accounts, identifiers) = (links.account.all()?, links.identifier.all()?);
    let (first, last) = (links.first.all()?, links.last.all()?);
    for number in 0..accounts.len() {
        let account = AccountId(accounts[number]);
        if !view.contains(account) || !meets(view.times(), first[number], last[number]) {
            continue;
        }
        let identifier = IdentifierId { kind: KindId(links.kind.get(number)?), value: identifiers[number] };
        let count = links.count.get(number)?;
        found.push((identifier, Use { account, first: first[number], last: last[number], count }));
    }
    Ok(())
}

/// Whether a span of sightings, either end of which may be unknown, meets a window.
fn meets(window: Window, first: i64, last: i64) -> bool {
    let begins_in_time = first == i64::MIN || first < window.to;
    let ends_in_time = last == i64::MIN || last >= window.from;
    begins_in_time && ends_in_time
}

fn merged(a: Use, b: Use) -> Use {
    let first = match (a.first, b.first) {
        (i64::MIN, known) | (known, i64::MIN) => known,
        (a, b) => a.min(b),
    };
    Use { account: a.account, first, last: a.last.max(b.last), count: a.count.saturating_add(b.count) }
}
