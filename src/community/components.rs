//! Connected components: accounts that money, or shared identifiers, connect.
//!
//! Two accounts belong together when a path of transfers (in either direction),
//! of shared identifiers, or of both leads from one to the other. Every account
//! of the view has a component, alone if nothing connects it. *Strongly* connected are
//! accounts from each of which a directed path of transfers leads to the other; see
//! [`strong`](super::strong).
//!
//! # Method
//! Parallel union-find that always hooks the larger root onto the smaller by
//! compare-and-swap, so that the root of a finished tree is the smallest
//! account of its component whatever the interleaving. Transfers follow
//! Afforest: first each account is hooked onto the smallest of a few neighbours
//! and united with that of the newest transfer it paid; then the
//! component that most sampled accounts are in is passed over, since its
//! accounts' remaining transfers can only repeat what is known of them; every
//! other account's transfers, out and in, are united in full.
//!
//! # Cost
//! Time O(m α(n)) at worst, about O(n) where one component holds most accounts;
//! memory 4 bytes per account, and 4 per identifier.
//!
//! # Choices
//! Identifiers that more than `accounts_max` accounts share connect nobody: they
//! are counted in the result. Identifiers count with every sighting that meets
//! the window; sightings without a date always count.
//!
//! # Source
//! Sutton, Ben-Nun, Barak: Optimizing parallel graph connectivity computation
//! via subgraph sampling, IPDPS 2018.

use super::partition::Partition;
use super::strong::strong_components;
use crate::error::{Error, Result};
use crate::graph::View;
use crate::graph::links::identifier_groups;
use crate::graph::project::{DirectedProjection, Over, ProjectOptions, project_directed};
use crate::graph::sweep::Sweep;
use crate::ids::{AccountId, IdentifierId, NONE};
use crate::run::Run;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// Options of [`components`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentsOptions {
    /// What connects accounts.
    pub over: Over,
    /// Most accounts that an identifier may have and still connect them; at least 2.
    pub accounts_max: u32,
    /// Whether a directed path must lead from each account to the other; over transfers alone.
    pub strong: bool,
}

impl Default for ComponentsOptions {
    fn default() -> Self {
        Self { over: Over::Transfers, accounts_max: 50, strong: false }
    }
}

/// A component for each account; numbered by size, largest first, ties by smallest account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Components {
    /// For each account of the graph its component, `ids::NONE` for accounts outside of the view.
    pub labels: Vec<u32>,
    /// For each component its number of accounts.
    pub sizes: Vec<u32>,
    /// Identifiers that connected nobody because too many accounts share them, with the number of accounts.
    pub hubs: Vec<(IdentifierId, u32)>,
}

impl Components {
    /// Number of components.
    pub fn len(&self) -> usize {
        self.sizes.len()
    }

    /// Whether there is none, as in a graph without accounts.
    pub fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }
}

/// Accounts per task.
const ACCOUNTS_PER_TASK: usize = 1 << 12;

/// The connected components of a view, weakly or, with `strong`, strongly.
///
/// The result depends on the view and the options alone, not on the number of threads.
///
/// # Errors
/// [`Error::Option`] if an option is outside its range; [`Error::Damaged`] if a column is; [`Error::Cancelled`].
pub fn components(view: &View, options: &ComponentsOptions, run: &Run) -> Result<Components> {
    if options.accounts_max < 2 {
        let value = options.accounts_max.to_string();
        return Err(Error::Option { name: "accounts_max", value, allowed: "at least 2" });
    }
    if options.strong {
        return match options.over {
            Over::Transfers => strong(view, run),
            Over::Identifiers | Over::Both => {
                let allowed = "true only over transfers, since identifiers have no direction";
                Err(Error::Option { name: "strong", value: "true".into(), allowed })
            }
        };
    }
    let num_accounts = view.graph().num_accounts();
    run.stage("components", u64::from(num_accounts));
    let forest = Forest::new(num_accounts);
    if options.over != Over::Identifiers {
        unite_transfers(view, &forest, run)?;
    }
    let mut hubs = Vec::new();
    if options.over != Over::Transfers {
        hubs = unite_identifiers(view, &forest, options.accounts_max, run)?;
    }
    forest.compress(run)?;
    let (labels, sizes) = number(view, &forest);
    Ok(Components { labels, sizes, hubs })
}

/// The components within which money can come back.
fn strong(view: &View, run: &Run) -> Result<Components> {
    let DirectedProjection { out, incoming, nodes } =
        project_directed(view, &ProjectOptions::default(), run)?;
    let found = Partition::from_labels(&strong_components(&out, &incoming, run)?.labels);
    let mut labels = vec![NONE; view.graph().num_accounts() as usize];
    for (node, &label) in found.labels().iter().enumerate() {
        labels[nodes.account(node as u32).index()] = label;
    }
    Ok(Components { labels, sizes: found.sizes().collect(), hubs: Vec::new() })
}

/// The trees of a union-find: each account's parent, never larger than the account.
struct Forest {
    parents: Vec<AtomicU32>,
}

impl Forest {
    fn new(len: u32) -> Self {
        Self { parents: (0..len).into_par_iter().map(AtomicU32::new).collect() }
    }

    #[inline]
    fn parent(&self, node: u32) -> u32 {
        self.parents[node as usize].load(Ordering::Relaxed)
    }

    /// Unites the trees of two accounts: the larger root is hooked onto the smaller.
    #[inline]
    fn unite(&self, a: u32, b: u32) {
        let (mut a, mut b) = (self.parent(a), self.parent(b));
        while a != b {
            let (high, low) = (a.max(b), a.min(b));
            let parent = self.parent(high);
            if parent == low {
                return;
            }
            if parent == high {
                let swap = &self.parents[high as usize];
                if swap.compare_exchange(high, low, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                    return;
                }
            }
            a = self.parent(self.parent(high));
            b = self.parent(low);
        }
    }

    /// Does `work` for every account, in parallel.
    fn tasks(&self, run: &Run, work: impl Fn(u32) + Sync) -> Result<()> {
        let len = self.parents.len();
        (0..len.div_ceil(ACCOUNTS_PER_TASK)).into_par_iter().try_for_each(|task| {
            run.check()?;
            let accounts = task * ACCOUNTS_PER_TASK..((task + 1) * ACCOUNTS_PER_TASK).min(len);
            accounts.for_each(|account| work(account as u32));
            Ok(())
        })
    }

    /// Points every account at its root.
    fn compress(&self, run: &Run) -> Result<()> {
        self.tasks(run, |account| {
            let mut root = self.parent(account);
            while self.parent(root) != root {
                root = self.parent(root);
            }
            self.parents[account as usize].store(root, Ordering::Relaxed);
        })
    }

    /// For each root the number of accounts of `view` below it.
    fn sizes(&self, view: &View) -> Vec<u32> {
        let sizes: Vec<AtomicU32> =
            (0..self.parents.len()).into_par_iter().map(|_| AtomicU32::new(0)).collect();
        self.parents.par_chunks(ACCOUNTS_PER_TASK).enumerate().for_each(|(task, parents)| {
            // Neighbouring accounts mostly share a root, so that few of the additions meet.
            let mut pending = (0, 0);
            for (account, parent) in (task * ACCOUNTS_PER_TASK..).zip(parents) {
                let root = parent.load(Ordering::Relaxed);
                if root != pending.0 {
                    sizes[pending.0 as usize].fetch_add(pending.1, Ordering::Relaxed);
                    pending = (root, 0);
                }
                pending.1 += u32::from(view.contains(AccountId(account as u32)));
            }
            sizes[pending.0 as usize].fetch_add(pending.1, Ordering::Relaxed);
        });
        sizes.into_iter().map(AtomicU32::into_inner).collect()
    }

    /// The root that most of a fixed sample of accounts have; only speed depends on it.
    fn frequent_root(&self) -> u32 {
        let len = self.parents.len();
        let step = (len / 1024).max(1);
        let mut roots: Vec<u32> = (0..len).step_by(step).map(|node| self.parent(node as u32)).collect();
        roots.sort_unstable();
        let longest = roots.chunk_by(|a, b| a == b).max_by_key(|group| group.len());
        longest.map_or(0, |group| group[0])
    }
}

fn unite_transfers(view: &View, forest: &Forest, run: &Run) -> Result<()> {
    let sweep = Sweep::new(view)?;
    let everyone = view.accounts().is_none();
    let joined = |account: u32, neighbor: u32| {
        everyone || view.contains(AccountId(account)) && view.contains(AccountId(neighbor))
    };
    let unite = |account: u32, neighbor: u32| {
        if joined(account, neighbor) {
            forest.unite(account, neighbor);
        }
    };
    // First each account is hooked onto the smallest of a few neighbours, which needs no look at another's tree.
    forest.tasks(run, |account| {
        let slices = sweep.out(AccountId(account)).chain(sweep.incoming(AccountId(account)));
        let few = slices.flat_map(|slice| slice.first().into_iter().chain(slice.last()));
        let smallest = few.copied().filter(|&neighbor| joined(account, neighbor)).fold(account, u32::min);
        forest.parents[account as usize].store(smallest, Ordering::Relaxed);
    })?;
    forest.compress(run)?;
    forest.tasks(run, |account| {
        let newest = sweep.out(AccountId(account)).filter_map(<[u32]>::last).last();
        newest.into_iter().for_each(|&neighbor| unite(account, neighbor));
    })?;
    forest.compress(run)?;
    let frequent = forest.frequent_root();
    forest.tasks(run, |account| {
        if forest.parent(account) != frequent {
            for slice in sweep.out(AccountId(account)).chain(sweep.incoming(AccountId(account))) {
                slice.iter().for_each(|&neighbor| unite(account, neighbor));
            }
        }
    })
}

/// Unites the accounts of each identifier; returns the identifiers that were passed over.
fn unite_identifiers(
    view: &View,
    forest: &Forest,
    accounts_max: u32,
    run: &Run,
) -> Result<Vec<(IdentifierId, u32)>> {
    let groups = identifier_groups(view, run)?;
    let mut hubs = Vec::new();
    for (identifier, links) in groups.iter() {
        if links.len() > accounts_max as usize {
            hubs.push((identifier, links.len() as u32));
            continue;
        }
        for link in &links[1..] {
            forest.unite(links[0].account.0, link.account.0);
        }
    }
    Ok(hubs)
}

/// Numbers the components by size, largest first, ties by smallest account.
fn number(view: &View, forest: &Forest) -> (Vec<u32>, Vec<u32>) {
    let len = forest.parents.len();
    let sizes_by_root = forest.sizes(view);
    let mut roots: Vec<u32> =
        (0..len as u32).into_par_iter().filter(|&root| sizes_by_root[root as usize] > 0).collect();
    roots.par_sort_unstable_by_key(|&root| (std::cmp::Reverse(sizes_by_root[root as usize]), root));
    let sizes = roots.iter().map(|&root| sizes_by_root[root as usize]).collect();
    let mut numbers = sizes_by_root;
    for (number, &root) in roots.iter().enumerate() {
        numbers[root as usize] = number as u32;
    }
    let label = |account: u32| match view.contains(AccountId(account)) {
        true => numbers[forest.parent(account) as usize],
        false => NONE,
    };
    ((0..len as u32).into_par_iter().map(label).collect(), sizes)
}
