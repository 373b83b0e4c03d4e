//! Identity links of a graph: identifiers and the text of their values from its store.

use super::placeholders::is_placeholder;
use super::{IdentityLinks, IdentityOptions, link_identities};
use crate::error::{Error, Result};
use crate::graph::View;
use crate::graph::links::identifier_groups;
use crate::ids::KindId;
use crate::run::Run;

/// Links the accounts of a view by the identifiers that they use within its window.
///
/// As [`link_identities`], with values that stand for none told by their text.
///
/// # Errors
/// [`Error::Option`] if an option is outside its range or names a kind that the graph does not have, before any work;
/// [`Error::Damaged`] if a column is; [`Error::Cancelled`].
///
/// # Examples
/// ```no_run
/// use ringfence::community::identity::{IdentityOptions, identity_links};
/// use ringfence::graph::Graph;
/// use ringfence::store::Io;
///
/// let graph = Graph::open("payments.ring".as_ref(), Io::Mmap)?;
/// let found = identity_links(&graph.view(), &IdentityOptions::default(), &ringfence::Run::new())?;
/// for (link, shares) in found.links.iter().enumerate().map(|(at, link)| (link, found.shares_of(at))) {
///     let (a, b) = (graph.account_key(link.a)?, graph.account_key(link.b)?);
///     for share in shares {
///         println!("{a} and {b}: {}", graph.identifier_key(share.identifier)?);
///     }
/// }
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn identity_links(view: &View, options: &IdentityOptions, run: &Run) -> Result<IdentityLinks> {
    options.check()?;
    let graph = view.graph();
    let num_kinds = graph.manifest().kinds.len();
    let known = |name, kinds: Vec<KindId>| match kinds.iter().find(|kind| kind.index() >= num_kinds) {
        Some(kind) => Err(Error::Option { name, value: kind.0.to_string(), allowed: "kinds of the graph" }),
        None => Ok(()),
    };
    known("kinds", options.kinds.iter().flatten().copied().collect())?;
    known("of_kind", options.of_kind.iter().map(|(kind, _)| *kind).collect())?;
    known("correlated", options.correlated.concat())?;
    known("allowed", options.allowed.iter().map(|identifier| identifier.kind).collect())?;
    let groups = identifier_groups(view, run)?;
    let placeholder =
        |identifier| Ok(is_placeholder(&graph.identifier_key(identifier)?, &options.placeholders));
    link_identities(&groups, placeholder, options, run)
}
