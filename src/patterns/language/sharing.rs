//! Which identifiers of one kind accounts use, and whether two of them use the same.

use crate::error::Result;
use crate::graph::View;
use crate::graph::links::identifier_groups;
use crate::ids::KindId;
use crate::run::Run;

/// Identifiers of a kind by account.
pub(super) struct Uses {
    offsets: Vec<usize>,
    /// Of each account, ascending.
    identifiers: Vec<u32>,
}

impl Uses {
    /// Those that accounts of the view use within its window.
    pub(super) fn new(view: &View<'_>, kind: KindId, run: &Run) -> Result<Self> {
        let mut pairs = Vec::new();
        for (identifier, uses) in identifier_groups(view, run)?.iter() {
            if identifier.kind == kind {
                pairs.extend(uses.iter().map(|one| (one.account.0, identifier.value)));
            }
        }
        pairs.sort_unstable();
        let num_accounts = view.graph().num_accounts();
        let mut offsets = vec![0; num_accounts as usize + 1];
        pairs.iter().for_each(|&(account, _)| offsets[account as usize + 1] += 1);
        for account in 0..num_accounts as usize {
            offsets[account + 1] += offsets[account];
        }
        Ok(Self { offsets, identifiers: pairs.into_iter().map(|(_, identifier)| identifier).collect() })
    }

    /// The identifiers of an account, ascending.
    pub(super) fn of(&self, account: u32) -> &[u32] {
        &self.identifiers[self.offsets[account as usize]..self.offsets[account as usize + 1]]
    }

    /// Whether two accounts use the same identifier.
    pub(super) fn share(&self, one: u32, other: u32) -> bool {
        let (few, many) = match self.of(one).len() <= self.of(other).len() {
            true => (self.of(one), self.of(other)),
            false => (self.of(other), self.of(one)),
        };
        few.iter().any(|identifier| many.binary_search(identifier).is_ok())
    }
}
