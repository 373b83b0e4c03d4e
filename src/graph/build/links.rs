//! Links between accounts and identifiers: merged, sorted, ready to be written.

use crate::error::Result;
use crate::store::ContainerWriter;
use crate::store::format::ColumnId;
use rayon::prelude::*;

/// One sighting of a link, or several merged into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link {
    pub account: u32,
    pub kind: u8,
    pub identifier: u32,
    /// `i64::MIN` = unknown.
    pub first: i64,
    /// `i64::MIN` = unknown.
    pub last: i64,
    pub count: u32,
}

/// Merges sightings of the same link: earliest first, latest last, counts added.
pub(super) fn merge(mut links: Vec<Link>) -> Vec<Link> {
    links.par_sort_unstable();
    links.dedup_by(|later, kept| {
        let same =
            (later.account, later.kind, later.identifier) == (kept.account, kept.kind, kept.identifier);
        if same {
            kept.first = earliest(kept.first, later.first);
            kept.last = kept.last.max(later.last);
            kept.count = kept.count.saturating_add(later.count);
        }
        same
    });
    links
}

/// The earlier of two times of which either may be unknown.
fn earliest(a: i64, b: i64) -> i64 {
    match (a, b) {
        (i64::MIN, known) | (known, i64::MIN) => known,
        _ => a.min(b),
    }
}

/// Writes merged links as the columns of a segment.
pub(super) fn write(links: &[Link], into: &mut ContainerWriter) -> Result<()> {
    let mut by_identifier: Vec<u32> = (0..links.len() as u32).collect();
    by_identifier.par_sort_unstable_by_key(|&number| {
        let link = links[number as usize];
        (link.kind, link.identifier, link.account)
    });
    into.column(ColumnId::LINK_ACCOUNT, &column(links, |link| link.account))?;
    into.codes(ColumnId::LINK_KIND, &column(links, |link| link.kind))?;
    into.column(ColumnId::LINK_IDENTIFIER, &column(links, |link| link.identifier))?;
    into.column(ColumnId::LINK_FIRST, &column(links, |link| link.first))?;
    into.column(ColumnId::LINK_LAST, &column(links, |link| link.last))?;
    into.codes(ColumnId::LINK_COUNT, &column(links, |link| link.count))?;
    into.column(ColumnId::LINK_BY_IDENTIFIER, &by_identifier)
}

fn column<T: Send>(links: &[Link], value: impl Fn(&Link) -> T + Send + Sync) -> Vec<T> {
    links.par_iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sightings_merge_to_the_widest_known_span() {
        let seen = |first, last| Link { account: 1, kind: 0, identifier: 2, first, last, count: 1 };
        let merged = merge(vec![seen(i64::MIN, i64::MIN), seen(5, 6), seen(3, 9), seen(4, 4)]);
        assert_eq!(merged, [Link { count: 4, ..seen(3, 9) }]);
        let other = Link { account: 0, ..seen(1, 1) };
        assert_eq!(merge(vec![seen(1, 1), other]), [other, seen(1, 1)]);
    }
}
