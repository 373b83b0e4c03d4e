//! Where claims come from: shared identifiers, shapes of money, traces, closed communities.
//!
//! Each is told in bits, so that claims of different kinds can be compared and added:
//! * **identity**: for an identifier that k accounts share, −log₂ of the part of the identifiers of its kind that as many or more
//!   accounts share. What households commonly share says little; a tax number that three persons have says much.
//! * **typology**: the score of the instance ([`Score`](crate::patterns::Score)).
//! * **trace**: −log₂(t/n) for every account, where t of n accounts carried traced money: how unlikely it is to pick such
//!   accounts by chance.
//! * **community**: −log₂(r/c) for the r-th most closed of c communities; closed is what lets the least of its payments cross its border.

use super::claim::{Claim, ClaimKind, Party};
use super::identity::{IdentityRingOptions, IdentityRings, identity_rings};
use crate::community::{LeidenOptions, Partition, leiden};
use crate::error::Result;
use crate::graph::View;
use crate::graph::links::identifier_groups;
use crate::graph::project::{Nodes, ProjectOptions, project};
use crate::ids::{AccountId, IdentifierId, TxId};
use crate::patterns::{Cut, Options, Role, Transfers, Typology, find};
use crate::run::Run;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Money followed from known seeds: the payments that carried it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traced {
    /// The name of the trace's case.
    pub case: String,
    /// Payments and the minor units of what each paid that are traced, ascending.
    pub payments: Vec<(TxId, i64)>,
}

/// Thousandths of −log₂(part/all); 0 where the part is all.
fn millibits(part: u64, all: u64) -> i64 {
    (libm::log2(all.max(1) as f64 / part.clamp(1, all.max(1)) as f64) * 1_000.0 + 0.5) as i64
}

/// Claims of shared identifiers, one for each ring that they tie.
pub(super) fn identity(
    view: &View<'_>,
    options: &IdentityRingOptions,
    run: &Run,
) -> Result<(Vec<Claim>, IdentityRings)> {
    let found = identity_rings(view, options, run)?;
    // By kind: identifiers with so many accounts.
    let mut shared: Vec<BTreeMap<usize, u64>> = vec![BTreeMap::new(); view.graph().manifest().kinds.len()];
    for (identifier, uses) in identifier_groups(view, run)?.iter() {
        *shared[identifier.kind.index()].entry(uses.len()).or_default() += 1;
    }
    let surprise = |identifier: IdentifierId, num_accounts: usize| {
        let sizes = &shared[identifier.kind.index()];
        millibits(sizes.range(num_accounts..).map(|(_, count)| count).sum(), sizes.values().sum())
    };
    let claim = |ring: usize| {
        let ties = || found.evidence_of(ring).chunk_by(|a, b| a.identifier == b.identifier);
        let party = |&account: &AccountId| Party { account, stage: 0, role: None };
        Claim {
            kind: ClaimKind::Identity,
            parties: found.ring(ring).iter().map(party).collect(),
            transactions: Vec::new(),
            identifiers: ties().map(|uses| uses[0].identifier).collect(),
            millibits: ties().map(|uses| surprise(uses[0].identifier, uses.len())).sum(),
        }
    };
    Ok(((0..found.len()).map(claim).collect(), found))
}

/// Claims of the best instances of each typology.
pub(super) fn typologies(
    transfers: &Transfers,
    searches: &[(Typology, Options)],
    instances_max: u32,
    run: &Run,
) -> Result<(Vec<Claim>, Cut)> {
    let (mut claims, mut cut) = (Vec::new(), Cut::default());
    for (typology, options) in searches {
        let found = find(transfers, *typology, options, run)?;
        cut.add(&found.cut);
        claims.extend(found.instances.into_iter().take(instances_max as usize).map(Claim::of_instance));
    }
    Ok((claims, cut))
}

/// Claims of traces, one for each case: the accounts with most traced money, at most `accounts_max`.
pub(super) fn traces(view: &View<'_>, traced: &[Traced], accounts_max: u32, run: &Run) -> Result<Vec<Claim>> {
    let graph = view.graph();
    let mut claims = Vec::new();
    for trace in traced {
        run.check()?;
        // By account: most money traced through it, whether it received and paid any.
        let mut through: BTreeMap<AccountId, (i128, bool, bool)> = BTreeMap::new();
        let mut ends = Vec::with_capacity(trace.payments.len());
        for &(id, amount) in trace.payments.iter().filter(|(id, _)| view.positions().contains(id)) {
            let row = graph.transaction(id)?;
            ends.push((id, row.source, row.destination));
            let payer = through.entry(row.source).or_default();
            (payer.0, payer.2) = (payer.0 + i128::from(amount), true);
            let payee = through.entry(row.destination).or_default();
            (payee.0, payee.1) = (payee.0 + i128::from(amount), true);
        }
        let num_touched = through.len() as u64;
        let mut most: Vec<(Reverse<i128>, AccountId)> =
            through.iter().map(|(&account, touched)| (Reverse(touched.0), account)).collect();
        most.sort_unstable();
        most.truncate(accounts_max as usize);
        let mut parties: Vec<Party> = most
            .iter()
            .map(|&(_, account)| {
                let role = match through[&account] {
                    (_, true, true) => Role::Middle,
                    (_, true, false) => Role::Sink,
                    _ => Role::Source,
                };
                Party { account, stage: 0, role: Some(role) }
            })
            .collect();
        parties.sort_unstable();
        let among = |account| parties.binary_search_by_key(&account, |party| party.account).is_ok();
        let shown = ends.iter().filter(|&&(_, payer, payee)| among(payer) && among(payee));
        let transactions: Vec<TxId> = shown.map(|&(id, _, _)| id).collect();
        if parties.len() > 1 && !transactions.is_empty() {
            let each = millibits(num_touched, u64::from(graph.num_accounts()));
            claims.push(Claim {
                kind: ClaimKind::Trace,
                millibits: each * parties.len() as i64,
                parties,
                transactions,
                identifiers: Vec::new(),
            });
        }
    }
    Ok(claims)
}

/// Fewest accounts of a community that makes a claim.
const COMMUNITY_MIN: u32 = 3;

/// The communities of accounts by who pays whom.
pub(super) struct Neighborhoods {
    partition: Partition,
    nodes: Nodes,
}

impl Neighborhoods {
    /// The community of an account; none for one outside of the view.
    pub(super) fn of(&self, account: AccountId) -> Option<u32> {
        self.nodes.node(account).map(|node| self.partition.community(node))
    }
}

/// The communities of the view's accounts by who pays whom, and claims of those that are most closed.
pub(super) fn communities(
    view: &View<'_>,
    neighbors_max: u32,
    accounts_max: u32,
    claims_max: u32,
    run: &Run,
) -> Result<(Neighborhoods, Vec<Claim>)> {
    let options = ProjectOptions { neighbors_max: Some(neighbors_max), ..ProjectOptions::default() };
    let projection = project(view, &options, run)?;
    let partition = leiden(&projection.rows, &LeidenOptions::default(), run)?.partition;
    let mut closed: Vec<(u64, u64, u32)> = Vec::new();
    for community in 0..partition.len() as u32 {
        let members = partition.members(community);
        if !(COMMUNITY_MIN..=accounts_max).contains(&(members.len() as u32)) {
            continue;
        }
        let (mut inside, mut across) = (0u64, 0u64);
        for &node in members {
            for (neighbor, weight) in projection.rows.entries(node) {
                let counts =
                    if partition.community(neighbor) == community { &mut inside } else { &mut across };
                *counts += weight;
            }
        }
        closed.push((across, inside, community));
    }
    // By the part that crosses the border, exactly; of equal ones the one with most inside.
    closed.sort_by(|a, b| {
        let (cross, other) =
            (u128::from(a.0) * u128::from(b.0 + b.1), u128::from(b.0) * u128::from(a.0 + a.1));
        cross.cmp(&other).then(b.1.cmp(&a.1)).then(a.2.cmp(&b.2))
    });
    let num_closed = closed.len() as u64;
    let claim = |(rank, &(_, _, community)): (usize, &(u64, u64, u32))| {
        let party = |&node: &u32| Party { account: projection.nodes.account(node), stage: 0, role: None };
        let mut parties: Vec<Party> = partition.members(community).iter().map(party).collect();
        parties.sort_unstable();
        Claim {
            kind: ClaimKind::Community,
            parties,
            transactions: Vec::new(),
            identifiers: Vec::new(),
            millibits: millibits(rank as u64 + 1, num_closed),
        }
    };
    let claims: Vec<Claim> = closed.iter().enumerate().take(claims_max as usize).map(claim).collect();
    Ok((Neighborhoods { partition, nodes: projection.nodes }, claims))
}
