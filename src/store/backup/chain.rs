//! Chains of bundles: a full one and incremental ones, put in order by what they say of their parents.

use super::super::format::hex;
use super::super::manifest::FileEntry;
use super::bundle::Bundle;
use super::key::Key;
use crate::error::{Error, Result};
use std::path::PathBuf;

/// Bundles from which a generation can be restored, the latest first, the full one last.
pub(super) struct Chain {
    pub bundles: Vec<Bundle>,
}

impl Chain {
    /// Opens the bundles `paths`, given in any order.
    ///
    /// # Errors
    /// [`Error::Input`] if there is none, one is missing, given twice, or does not belong to the others; what opening
    /// them says.
    pub(super) fn open(paths: &[PathBuf], key: &Key) -> Result<Self> {
        let mut bundles = paths.iter().map(|path| Bundle::open(path, key)).collect::<Result<Vec<_>>>()?;
        for (i, bundle) in bundles.iter().enumerate() {
            if let Some(same) = bundles[..i].iter().find(|other| other.digest == bundle.digest) {
                let problem = format!("is the same bundle as {}; name it once", same.path.display());
                return Err(Error::input(bundle.path.display(), problem));
            }
        }
        let given = |digest| bundles.iter().any(|bundle| Some(bundle.digest) == digest);
        if let Some(child) =
            bundles.iter().find(|bundle| !(bundle.contents.parent.is_none() || given(bundle.contents.parent)))
        {
            let parent = hex(&child.contents.parent.unwrap_or_default());
            let problem = format!(
                "builds on the bundle {parent}, which was not given; name every bundle from the full one to this"
            );
            return Err(Error::input(child.path.display(), problem));
        }
        let is_parent =
            |bundle: &Bundle| bundles.iter().any(|other| other.contents.parent == Some(bundle.digest));
        let ends: Vec<usize> = (0..bundles.len()).filter(|&i| !is_parent(&bundles[i])).collect();
        let end = match ends[..] {
            [end] => end,
            [first, second, ..] => return Err(refuse_ends(&bundles[first], &bundles[second])),
            // A bundle's digest depends on its parent's, so that there is no circle.
            [] => return Err(Error::input("restore", "no bundle was given")),
        };
        let mut ordered = vec![bundles.swap_remove(end)];
        while let Some(parent) = ordered[ordered.len() - 1].contents.parent {
            let Some(place) = bundles.iter().position(|bundle| bundle.digest == parent) else {
                return Err(Error::Unproved("a chain of bundles has two beginnings".to_string()));
            };
            ordered.push(bundles.swap_remove(place));
        }
        let chain = Chain { bundles: ordered };
        for entry in chain.latest().contents.items.iter().map(|item| &item.entry) {
            chain.find(entry)?;
        }
        Ok(chain)
    }

    /// The bundle of the generation that is restored.
    pub(super) fn latest(&self) -> &Bundle {
        &self.bundles[0]
    }

    /// The latest bundle that holds the file, and the file's place in its list.
    pub(super) fn find(&self, entry: &FileEntry) -> Result<(&Bundle, usize)> {
        let place =
            |bundle: &Bundle| bundle.contents.items.iter().position(|item| item.held && item.entry == *entry);
        let found = self.bundles.iter().find_map(|bundle| Some((bundle, place(bundle)?)));
        found.ok_or_else(|| {
            let detail = "none of its ancestors holds it, so the chain is not one that was made by backups";
            Error::damaged(&self.latest().path, &entry.name, detail)
        })
    }
}

/// Two bundles neither of which another one builds on.
fn refuse_ends(first: &Bundle, second: &Bundle) -> Error {
    let problem = format!(
        "does not belong with {}: they are not of one chain, as none of the bundles given builds on either (generations {} and {}); name the bundles of one chain",
        second.path.display(),
        first.contents.current.generation,
        second.contents.current.generation
    );
    Error::input(first.path.display(), problem)
}
