//! Sources: accounts whose payments are followed, checked and put in order.

use super::walk::chunk::start_position;
use crate::error::{Error, Result};
use crate::graph::View;
use crate::ids::{AccountId, TxId};

/// An account that money is followed from, whatever it pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The case, `0..num_cases`.
    pub case: u32,
    /// The account.
    pub account: AccountId,
    /// Its payments at or after this time count, in microseconds since 1970 UTC; all of them without one.
    pub from: Option<i64>,
}

/// A checked source: from which position on it pays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) case: u32,
    pub(super) account: u32,
    pub(super) position: u64,
    pub(super) time: i64,
}

/// Checks the sources and puts them in order: by case, position and time, then as given.
pub(super) fn starts(
    view: &View<'_>,
    num_cases: u32,
    sources: &[Source],
    until: Option<i64>,
) -> Result<Vec<Start>> {
    let graph = view.graph();
    let mut starts = Vec::with_capacity(sources.len());
    for (index, source) in sources.iter().enumerate() {
        let refuse = |problem: String| Err(Error::input(format!("sources[{index}]"), problem));
        let Source { case, account, from } = *source;
        if case >= num_cases {
            return refuse(format!("case {case} of {num_cases}"));
        }
        if account.0 >= graph.num_accounts() {
            return refuse(format!("account {} of {}", account.0, graph.num_accounts()));
        }
        if !view.contains(account) {
            let key = graph.account_key(account)?;
            return refuse(format!("account {key:?} is outside of the view"));
        }
        if let (Some(from), Some(until)) = (from, until)
            && from > until
        {
            return refuse(format!("from {from} µs is later than `until`, {until} µs"));
        }
        let position = start_position(view, from)?;
        let time = match from {
            Some(from) => from,
            None if position < view.positions().end.0 => graph.transaction(TxId(position))?.time,
            None => view.times().from,
        };
        starts.push(Start { case, account: account.0, position, time });
    }
    starts.sort_by_key(|start| (start.case, start.position, start.time));
    Ok(starts)
}
