//! Communities that overlap as tables: an account stands in several of them, with a share in each.

use super::folder::Report;
use super::projection::Projected;
use super::rings::Identifiers;
use super::structure::structure_report;
use super::table::{Table, Values};
use crate::community::{Overlapping, PropagationOptions, SHARE_WHOLE, overlapping_communities};
use crate::error::Result;
use crate::run::Run;
use serde_json::json;

/// Communities that overlap, of the accounts of a projection. The tables:
/// * `members`: `account`, `community`, `size` (its number of members), `share` (the account's share in it; those of an account sum to 1); by
///   size of the community, largest first, then as the graph numbers accounts. An account has a row for each of its communities.
/// * `communities`: `community`, `size`, `share` (of all members together: how many whole accounts it would have), `num_shared` (members
///   that have other communities, too).
/// * `hubs`: what joined not all that it could.
///
/// Unlike those of [`community_report`](super::communities::community_report), such communities need not be connected.
///
/// # Errors
/// [`Error::Option`](crate::Error::Option); [`Error::Cancelled`](crate::Error::Cancelled).
pub fn overlap_report(
    projected: &Projected,
    options: &PropagationOptions,
    identifiers: Identifiers,
    run: &Run,
) -> Result<Report> {
    let found = overlapping_communities(&projected.projection.rows, options, run)?;
    let members = Members::new(&found);
    let sizes = &members.sizes;
    run.stage("keys", members.rows.len() as u64);
    let nodes: Vec<u32> = members.rows.iter().map(|row| row.node).collect();
    let label = |row: &Member| row.community as usize;
    let table = Table::new([
        ("account", Values::Text(projected.keys(&nodes, run)?)),
        ("community", Values::U32(members.rows.iter().map(|row| row.community).collect())),
        ("size", Values::U32(members.rows.iter().map(|row| sizes[label(row)]).collect())),
        ("share", Values::F64(members.rows.iter().map(|row| whole(row.share.into())).collect())),
    ]);
    let communities = Table::new([
        ("community", Values::U32((0..found.num_communities as u32).collect())),
        ("size", Values::U32(sizes.clone())),
        ("share", Values::F64(members.shares.iter().map(|&share| whole(share)).collect())),
        ("num_shared", Values::U32(members.shared.clone())),
    ]);
    let said = [
        ("method", json!("overlapping")),
        (
            "options",
            json!({
                "communities_max": options.communities_max,
                "seed": options.seed,
                "weighted": options.weighted,
            }),
        ),
        ("num_communities", json!(found.num_communities)),
        ("largest", json!(sizes.first().copied().unwrap_or(0))),
        ("num_shared", json!(members.num_shared)),
    ];
    let tables = vec![("members", table), ("communities", communities)];
    structure_report(projected, "overlapping communities", tables, said, identifiers, run)
}

/// A share as a number: `share` is in parts of [`SHARE_WHOLE`].
fn whole(share: u64) -> f64 {
    share as f64 / f64::from(SHARE_WHOLE)
}

struct Member {
    community: u32,
    node: u32,
    share: u32,
}

/// Who is in which community, by community and node; and what there is to say of each.
struct Members {
    rows: Vec<Member>,
    /// By community.
    sizes: Vec<u32>,
    shares: Vec<u64>,
    shared: Vec<u32>,
    /// Nodes of several communities.
    num_shared: usize,
}

impl Members {
    fn new(found: &Overlapping) -> Self {
        let zeros = vec![0_u32; found.num_communities];
        let mut members = Members {
            rows: Vec::with_capacity(found.communities.len()),
            sizes: zeros.clone(),
            shares: vec![0; found.num_communities],
            shared: zeros,
            num_shared: 0,
        };
        for (node, ends) in found.starts.windows(2).enumerate() {
            let own = ends[0] as usize..ends[1] as usize;
            let several = own.len() > 1;
            members.num_shared += usize::from(several);
            for (&community, &share) in found.communities[own.clone()].iter().zip(&found.shares[own]) {
                members.rows.push(Member { community, node: node as u32, share });
                members.sizes[community as usize] += 1;
                members.shares[community as usize] += u64::from(share);
                members.shared[community as usize] += u32::from(several);
            }
        }
        // Communities are numbered by size, and nodes come in order.
        members.rows.sort_by_key(|row| row.community);
        members
    }
}
