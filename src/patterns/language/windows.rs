//! The window with the most members.

/// What bounds a window.
pub(super) struct Spans {
    /// Longest time from the first payment of the group to the last.
    pub(super) within_us: i64,
    /// Longest time from the first payment of the match to the last.
    pub(super) pattern_us: i64,
    /// First and last payment of the match so far.
    pub(super) extent: Option<(i64, i64)>,
}

impl Spans {
    /// The last moment of a window that begins at `start`; `None` if none can.
    fn end(&self, start: i64) -> Option<i64> {
        let end = start.saturating_add(self.within_us);
        match self.extent {
            None => Some(end),
            Some((first, last)) => {
                let reach = first.min(start).saturating_add(self.pattern_us);
                (reach >= last).then_some(end.min(reach))
            }
        }
    }
}

/// A window of a group.
pub(super) struct Best {
    pub(super) num_members: usize,
    pub(super) start: i64,
    /// The last moment at which a payment could be in it.
    pub(super) end: i64,
    /// Numbers of the strands inside.
    pub(super) strands: Vec<usize>,
}

/// The window with the most members among the strands `all`, the earliest of several; `times` and `members` are those of each strand.
///
/// Time O(k log k) for k strands.
pub(super) fn best(all: &[usize], times: &[(i64, i64)], members: &[u32], spans: &Spans) -> Option<Best> {
    let (mut by_first, mut by_last) = (all.to_vec(), all.to_vec());
    by_first.sort_unstable_by_key(|&at| (times[at].0, at));
    by_last.sort_unstable_by_key(|&at| (times[at].1, at));
    let mut known: Vec<u32> = all.iter().map(|&at| members[at]).collect();
    known.sort_unstable();
    known.dedup();
    let number = |at: usize| known.partition_point(|&member| member < members[at]);
    // How many strands of each member are inside, and how many members have any.
    let (mut counts, mut num_inside) = (vec![0u32; known.len()], 0);
    let (mut next_in, mut most) = (0, None::<(usize, i64, i64)>);
    for starting in by_first.chunk_by(|&one, &next| times[one].0 == times[next].0) {
        let start = times[starting[0]].0;
        let Some(end) = spans.end(start) else { continue };
        while let Some(&at) = by_last.get(next_in).filter(|&&at| times[at].1 <= end) {
            if times[at].0 >= start {
                let count = &mut counts[number(at)];
                *count += 1;
                num_inside += usize::from(*count == 1);
            }
            next_in += 1;
        }
        // A window begins with one of its own strands.
        let begins = starting.iter().any(|&at| times[at].1 <= end);
        if begins && most.is_none_or(|(most, ..)| num_inside > most) {
            most = Some((num_inside, start, end));
        }
        for &at in starting.iter().filter(|&&at| times[at].1 <= end) {
            let count = &mut counts[number(at)];
            *count -= 1;
            num_inside -= usize::from(*count == 0);
        }
    }
    let (num_members, start, end) = most?;
    let strands = all.iter().copied().filter(|&at| times[at].0 >= start && times[at].1 <= end).collect();
    Some(Best { num_members, start, end, strands })
}
