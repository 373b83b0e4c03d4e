//! Projections: undirected, weighted, simple graphs made from a view.
//!
//! Two accounts are neighbours when transfers of the view join them, in either direction, when they share an identifier,
//! or both; the weight of a pair is what joins them added up. Transfers to oneself join nobody. What one thing
//! counts against another is named: a transfer counts `transfers_weight` times its count, its amount or the logarithm of it; an
//! identifier that `d` accounts share counts `identifiers_weight / (d − 1)` for every two of them (Newman), in the same unit, so that
//! an identifier gives every account about the same strength however many have it.
//!
//! # Method
//! For every account, gather the other ends of its transfers and of its identifiers, sort, and add up equal ones. Tasks are
//! ranges of accounts; their rows are joined in order. Then the rules for hubs look at the pairs ([`hubs`]).
//!
//! # Cost
//! Time O(m log d) for m transfers and d transfers of one account, and O(Σ d²) for identifiers of at most `accounts_max`
//! accounts; memory 8 bytes per direction of each pair and 8 per account, and as much again while rows are joined; 12 bytes
//! where weights are wide.
//!
//! # Choices
//! Weights are whole numbers of [`unit`](ProjectOptions::unit)ths: 1 where only transfers are counted, 64 where anything is divided.
//! Failed transfers join accounts, too: an attempt is a contact. Where amounts weigh, negative ones weigh nothing; pairs
//! that weigh nothing are left out. A part of an identifier is rounded down, and at least one unit.
//!
//! # Source
//! Newman: Scientific collaboration networks II, Phys. Rev. E 64, 016132, 2001.

mod gather;
pub mod hubs;
mod payments;
pub mod rows;
mod uses;

pub use hubs::{Hub, HubNode, HubRule};
pub use payments::{Payments, project_payments};
pub use rows::{Rows, Weights};
pub use uses::{Uses, project_uses};

use super::View;
use crate::error::{Error, Result};
use crate::ids::{AccountId, CurrencyId, IdentifierId};
use crate::run::Run;
use gather::Gather;
use roaring::RoaringBitmap;

/// What joins accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Over {
    /// Transfers, in either direction.
    #[default]
    Transfers,
    /// Identifiers that accounts share.
    Identifiers,
    /// Transfers and identifiers.
    Both,
}

impl Over {
    /// The name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Over::Transfers => "transfers",
            Over::Identifiers => "identifiers",
            Over::Both => "both",
        }
    }

    /// Whether transfers join accounts.
    pub fn transfers(self) -> bool {
        self != Over::Identifiers
    }

    /// Whether identifiers do.
    pub fn identifiers(self) -> bool {
        self != Over::Transfers
    }
}

/// What a transfer weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weight {
    /// 1.
    #[default]
    Count,
    /// The logarithm of the minor units paid and 1 to the base 2, in sixteenths, by straight lines between powers of 2; whatever the currency.
    LogAmount,
    /// The minor units paid in one currency; transfers in another weigh nothing.
    Amount(CurrencyId),
}

/// Options of [`project`] and [`project_directed`].
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectOptions {
    /// What joins accounts.
    pub over: Over,
    /// What a transfer weighs.
    pub weight: Weight,
    /// How often a transfer counts; at least 1.
    pub transfers_weight: u32,
    /// What an identifier that two accounts share counts beside it, in the unit of `weight`: transfers, sixteenths of a doubling, or minor
    /// units; at least 1.
    pub identifiers_weight: u32,
    /// Most accounts that an identifier may have and still join them; at least 2.
    pub accounts_max: u32,
    /// Most neighbours that an account may have before it is a hub, and the rule for it begins; all may have any without one.
    pub neighbors_max: Option<u32>,
    /// What happens to the pairs of a hub.
    pub hubs: HubRule,
    /// Accounts that serve everybody and join nobody, such as a bank's own.
    pub allowed_accounts: RoaringBitmap,
    /// Identifiers that may be shared and join nobody, such as the address of a branch.
    pub allowed_identifiers: Vec<IdentifierId>,
}

impl Default for ProjectOptions {
    fn default() -> Self {
        ProjectOptions {
            over: Over::Transfers,
            weight: Weight::Count,
            transfers_weight: 1,
            identifiers_weight: 1,
            accounts_max: 50,
            neighbors_max: None,
            hubs: HubRule::Cut,
            allowed_accounts: RoaringBitmap::new(),
            allowed_identifiers: Vec::new(),
        }
    }
}

impl ProjectOptions {
    fn check(&self, view: &View<'_>) -> Result<()> {
        let refuse = |name, value: String, allowed| Err(Error::Option { name, value, allowed });
        for (name, value) in
            [("transfers_weight", self.transfers_weight), ("identifiers_weight", self.identifiers_weight)]
        {
            if value == 0 {
                return refuse(name, value.to_string(), "at least 1");
            }
        }
        if self.accounts_max < 2 {
            return refuse("accounts_max", self.accounts_max.to_string(), "at least 2");
        }
        if let Weight::Amount(currency) = self.weight
            && currency.index() >= view.graph().manifest().schema.currencies.len()
        {
            return refuse("weight", format!("currency {}", currency.0), "a currency of the graph");
        }
        let num_accounts = view.graph().num_accounts();
        if let Some(last) = self.allowed_accounts.max().filter(|&last| last >= num_accounts) {
            let value = format!("account {last} of {num_accounts}");
            return refuse("allowed_accounts", value, "accounts of the graph");
        }
        if let HubRule::Significant { alpha } = self.hubs {
            if !(alpha > 0.0 && alpha < 1.0) {
                return refuse("hubs", format!("significant at {alpha}"), "a probability between 0 and 1");
            }
            if self.weight != Weight::Count || self.over != Over::Transfers || self.transfers_weight != 1 {
                let allowed = "significant only where transfers alone join accounts and count once each";
                return refuse("hubs", "significant".into(), allowed);
            }
        }
        Ok(())
    }

    /// By how much every weight is multiplied: a weight of so many is one of what is counted.
    pub fn unit(&self) -> u64 {
        let damped = self.neighbors_max.is_some() && self.hubs == HubRule::Damp;
        if self.over.identifiers() || damped { 64 } else { 1 }
    }
}

/// An undirected, weighted, simple graph of the accounts of a view.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    /// Every pair in both rows.
    pub rows: Rows,
    /// Which accounts the rows are of.
    pub nodes: Nodes,
    /// Accounts and identifiers that a rule kept from joining all that they could, accounts first, ascending.
    pub hubs: Vec<Hub>,
}

/// A directed, weighted, simple graph of the accounts of a view: who pays whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectedProjection {
    /// By payer.
    pub out: Rows,
    /// By payee: the same pairs.
    pub incoming: Rows,
    /// Which accounts the rows are of.
    pub nodes: Nodes,
}

/// Which account each node of a projection is: the accounts of the view, ascending, are nodes 0, 1, ….
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nodes {
    num_nodes: usize,
    /// By node; none where all accounts of the graph are nodes.
    accounts: Option<Vec<u32>>,
}

impl Nodes {
    fn new(view: &View<'_>) -> Self {
        let num_accounts = view.graph().num_accounts();
        let accounts: Option<Vec<u32>> =
            view.accounts().map(|set| set.iter().take_while(|&account| account < num_accounts).collect());
        Nodes { num_nodes: accounts.as_ref().map_or(num_accounts as usize, Vec::len), accounts }
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.num_nodes
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.num_nodes == 0
    }

    /// The account of a node.
    #[inline]
    pub fn account(&self, node: u32) -> AccountId {
        AccountId(self.accounts.as_ref().map_or(node, |accounts| accounts[node as usize]))
    }

    /// The node of an account; none for an account outside of the view.
    #[inline]
    pub fn node(&self, account: AccountId) -> Option<u32> {
        match &self.accounts {
            None => Some(account.0).filter(|&node| (node as usize) < self.num_nodes),
            Some(accounts) => accounts.binary_search(&account.0).ok().map(|node| node as u32),
        }
    }
}

/// Projects `view`; the result does not depend on the number of threads.
///
/// # Errors
/// [`Error::Option`] if an option is outside of its range, before any work; [`Error::Limit`] if all weights together reach
/// 2^63; [`Error::Damaged`]; [`Error::Cancelled`].
///
/// # Examples
/// ```no_run
/// use ringfence::Run;
/// use ringfence::graph::Graph;
/// use ringfence::graph::project::{ProjectOptions, project};
/// use ringfence::store::Io;
///
/// let graph = Graph::open("payments.ring".as_ref(), Io::Mmap)?;
/// let options = ProjectOptions { neighbors_max: Some(10_000), ..ProjectOptions::default() };
/// let projection = project(&graph.view(), &options, &Run::new())?;
/// println!("{} pairs, {} hubs", projection.num_pairs(), projection.hubs.len());
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn project(view: &View<'_>, options: &ProjectOptions, run: &Run) -> Result<Projection> {
    options.check(view)?;
    run.install(|| {
        let nodes = Nodes::new(view);
        let gather = Gather::new(view, &nodes, options, run)?;
        let rows = gather.rows(gather::Ends::Both)?;
        let mut hubs = gather.identifier_hubs();
        let (rows, mut accounts) = hubs::rule(rows, &nodes, options, run)?;
        accounts.append(&mut hubs);
        Ok(Projection { rows, nodes, hubs: accounts })
    })
}

/// Projects who pays whom in `view`: `over` and the rules for hubs play no part, allowed accounts pay and are paid by nobody.
///
/// # Errors
/// As [`project`].
pub fn project_directed(view: &View<'_>, options: &ProjectOptions, run: &Run) -> Result<DirectedProjection> {
    let options = ProjectOptions { over: Over::Transfers, neighbors_max: None, ..options.clone() };
    options.check(view)?;
    run.install(|| {
        let nodes = Nodes::new(view);
        let gather = Gather::new(view, &nodes, &options, run)?;
        let (out, incoming) = (gather.rows(gather::Ends::Out)?, gather.rows(gather::Ends::In)?);
        Ok(DirectedProjection { out, incoming, nodes })
    })
}

impl Projection {
    /// Number of pairs of neighbours.
    pub fn num_pairs(&self) -> usize {
        self.rows.num_entries() / 2
    }
}
