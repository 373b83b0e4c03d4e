//! Accounts and the identifiers that they use: the bipartite graph behind a projection over identifiers.
//!
//! # Cost
//! Time O(k log k) for k links in the store; memory 24 bytes per use.
//!
//! # Choices
//! As in the projection, identifiers that may be shared or that more than `accounts_max` accounts share are left out, and
//! allowed accounts use nothing. Identifiers of a single account stay. How often an identifier was seen does not count.

use super::rows::narrowest;
use super::{Nodes, ProjectOptions, Rows};
use crate::error::Result;
use crate::graph::View;
use crate::graph::links::identifier_groups;
use crate::ids::IdentifierId;
use crate::run::Run;

/// Who uses what; every weight is 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Uses {
    /// By node of the projection, the places of its identifiers in `identifiers`.
    pub accounts: Rows,
    /// By place in `identifiers`, the nodes that use it.
    pub users: Rows,
    /// The identifiers that anybody uses, ascending.
    pub identifiers: Vec<IdentifierId>,
}

/// The identifiers that the accounts of `nodes` use within the window of `view`, which they are of.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged); [`Error::Cancelled`](crate::Error::Cancelled).
pub fn project_uses(view: &View<'_>, nodes: &Nodes, options: &ProjectOptions, run: &Run) -> Result<Uses> {
    let groups = identifier_groups(view, run)?;
    let mut allowed = options.allowed_identifiers.clone();
    allowed.sort_unstable();
    let (mut identifiers, mut offsets, mut users) = (Vec::new(), vec![0], Vec::new());
    for (identifier, uses) in groups.iter() {
        if uses.len() > options.accounts_max as usize || allowed.binary_search(&identifier).is_ok() {
            continue;
        }
        let accounts = uses.iter().map(|each| each.account);
        let joins = accounts.filter(|account| !options.allowed_accounts.contains(account.0));
        users.extend(joins.filter_map(|account| nodes.node(account)));
        if offsets.last() != Some(&users.len()) {
            identifiers.push(identifier);
            offsets.push(users.len());
        }
    }
    let weights = narrowest(vec![1; users.len()]);
    let users = Rows::new(offsets, users, weights);
    Ok(Uses { accounts: users.transposed(nodes.len()), users, identifiers })
}
