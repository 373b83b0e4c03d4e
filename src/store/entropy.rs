//! Bytes that nobody can guess: for keys of bundles, and for checks that a hostile file must not foresee.

use crate::error::{Error, Result};
use std::path::Path;

/// Fills `bytes` from the system's randomness.
pub(super) fn random(bytes: &mut [u8]) -> Result<()> {
    let refused = |error| Error::io(Path::new("the system's randomness"))(std::io::Error::other(error));
    getrandom::fill(bytes).map_err(refused)
}
