//! Subgraphs: what an analyst takes out, small enough to look at.
//!
//! A subgraph owns its accounts and transactions. Its nodes are numbered
//! `0..num_nodes` and its edges `0..num_edges`, and petgraph's traits stand on
//! it (see [`petgraph_traits`](super::petgraph_traits)), so that petgraph's
//! algorithms run on what was taken out.

use super::links::identifier_groups;
use super::{Graph, Transaction, View};
use crate::error::{Error, Result};
use crate::ids::{AccountId, IdentifierId, TxId};
use crate::run::Run;
use roaring::RoaringBitmap;

/// How far and how large a neighbourhood may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubgraphOptions {
    /// Transfers to follow from the given accounts, in either direction.
    pub hops: u32,
    /// Most accounts; at least 1.
    pub accounts_max: u32,
    /// Most transactions.
    pub transactions_max: u32,
}

impl Default for SubgraphOptions {
    fn default() -> Self {
        Self { hops: 1, accounts_max: 10_000, transactions_max: 100_000 }
    }
}

/// Accounts, the transactions among them, and the identifiers that they share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subgraph {
    /// Node `i` is account `accounts[i]`; ascending.
    pub accounts: Vec<AccountId>,
    /// For each node the number of transfers from the nearest given account.
    pub hops: Vec<u32>,
    /// Edge `i` is transaction `transactions[i]`; in the total order.
    pub transactions: Vec<Transaction>,
    /// For each edge its ends as nodes.
    pub ends: Vec<(u32, u32)>,
    /// For each edge the earlier transaction that it corrects or takes back, if it does; that one need not be an edge.
    pub refers: Vec<Option<TxId>>,
    /// Identifiers used by at least two of the accounts, with the using nodes.
    pub shared: Vec<(IdentifierId, Vec<u32>)>,
    /// Whether a limit cut something off; the accounts and transactions kept are the nearest and earliest.
    pub truncated: bool,
    /// For each node its outgoing and its incoming edges.
    pub(super) out: Vec<Vec<u32>>,
    pub(super) incoming: Vec<Vec<u32>>,
}

impl Subgraph {
    /// The accounts within `options.hops` transfers of `accounts`, and all transactions of the view among them.
    ///
    /// Accounts are added level by level, smaller ids first, until a limit cuts them off.
    ///
    /// # Errors
    /// [`Error::Option`] if a limit is 0; [`Error::Damaged`]; [`Error::Cancelled`].
    pub fn neighborhood(
        view: &View,
        accounts: &[AccountId],
        options: &SubgraphOptions,
        run: &Run,
    ) -> Result<Self> {
        if options.accounts_max == 0 {
            return Err(Error::Option { name: "accounts_max", value: "0".into(), allowed: "at least 1" });
        }
        let limit = u64::from(options.accounts_max);
        let given: RoaringBitmap = accounts.iter().map(|account| account.0).collect();
        let mut levels = vec![given.iter().take(limit as usize).collect::<RoaringBitmap>()];
        let mut seen = levels[0].clone();
        let mut truncated = seen.len() < given.len();
        for _ in 0..options.hops {
            run.check()?;
            let mut next = RoaringBitmap::new();
            for account in levels.last().into_iter().flatten() {
                for slice in view.out(AccountId(account)).chain(view.incoming(AccountId(account))) {
                    let inside = |neighbor: &u32| view.contains(AccountId(*neighbor));
                    next.extend(slice?.neighbors.iter().copied().filter(inside));
                }
            }
            next -= &seen;
            let free = limit - seen.len();
            truncated |= next.len() > free;
            let next: RoaringBitmap = next.iter().take(free as usize).collect();
            if next.is_empty() {
                break;
            }
            seen |= &next;
            levels.push(next);
        }
        let hop = |account| levels.iter().position(|level| level.contains(account)).unwrap_or(0) as u32;
        let hops = seen.iter().map(hop).collect();
        let mut subgraph = Self::among(view, &seen, options.transactions_max, run)?;
        subgraph.hops = hops;
        subgraph.truncated |= truncated;
        Ok(subgraph)
    }

    /// The accounts of `accounts` and the transactions of the view among them, the earliest `transactions_max`.
    ///
    /// # Errors
    /// [`Error::Damaged`]; [`Error::Cancelled`].
    pub fn among(view: &View, accounts: &RoaringBitmap, transactions_max: u32, run: &Run) -> Result<Self> {
        let mut positions = Vec::new();
        for account in accounts {
            run.check()?;
            for slice in view.out(AccountId(account)) {
                let slice = slice?;
                let edges = slice.neighbors.iter().zip(slice.transactions);
                let inside = edges.filter(|(neighbor, _)| accounts.contains(**neighbor));
                positions.extend(inside.map(|(_, &transaction)| TxId(slice.base.0 + u64::from(transaction))));
            }
        }
        positions.sort_unstable();
        let truncated = positions.len() > transactions_max as usize;
        positions.truncate(transactions_max as usize);
        let transactions = transactions(view.graph(), &positions)?;
        let mut subgraph = Self::assemble(view.graph(), accounts, transactions)?;
        subgraph.truncated = truncated;
        subgraph.share_identifiers(view, accounts, run)?;
        Ok(subgraph)
    }

    /// Given transactions, in any order, and the accounts at their ends; `seeds` are at hop 0.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] for a position beyond the graph; [`Error::Damaged`].
    pub fn of_transactions(graph: &Graph, positions: &[TxId], run: &Run) -> Result<Self> {
        let mut positions = positions.to_vec();
        positions.sort_unstable();
        positions.dedup();
        run.check()?;
        let transactions = transactions(graph, &positions)?;
        let ends = transactions.iter().flat_map(|each| [each.source.0, each.destination.0]);
        let accounts: RoaringBitmap = ends.collect();
        let mut subgraph = Self::assemble(graph, &accounts, transactions)?;
        subgraph.share_identifiers(&graph.view(), &accounts, run)?;
        Ok(subgraph)
    }

    /// Number of accounts.
    pub fn num_nodes(&self) -> usize {
        self.accounts.len()
    }

    /// Number of transactions.
    pub fn num_edges(&self) -> usize {
        self.transactions.len()
    }

    fn assemble(graph: &Graph, accounts: &RoaringBitmap, transactions: Vec<Transaction>) -> Result<Self> {
        let node = |account: AccountId| accounts.rank(account.0) as u32 - 1;
        let ends: Vec<(u32, u32)> =
            transactions.iter().map(|each| (node(each.source), node(each.destination))).collect();
        let mut out = vec![Vec::new(); accounts.len() as usize];
        let mut incoming = out.clone();
        for (edge, &(source, destination)) in ends.iter().enumerate() {
            out[source as usize].push(edge as u32);
            incoming[destination as usize].push(edge as u32);
        }
        let ids: Vec<TxId> = transactions.iter().map(|each| each.id).collect();
        Ok(Self {
            accounts: accounts.iter().map(AccountId).collect(),
            hops: vec![0; accounts.len() as usize],
            transactions,
            ends,
            refers: graph.refer_to(&ids)?,
            shared: Vec::new(),
            truncated: false,
            out,
            incoming,
        })
    }

    fn share_identifiers(&mut self, view: &View, accounts: &RoaringBitmap, run: &Run) -> Result<()> {
        let view = view.clone().among(accounts.clone());
        for (identifier, uses) in identifier_groups(&view, run)?.iter().filter(|(_, uses)| uses.len() > 1) {
            let nodes = uses.iter().map(|each| accounts.rank(each.account.0) as u32 - 1).collect();
            self.shared.push((identifier, nodes));
        }
        Ok(())
    }
}

fn transactions(graph: &Graph, positions: &[TxId]) -> Result<Vec<Transaction>> {
    positions.iter().map(|&position| graph.transaction(position)).collect()
}
