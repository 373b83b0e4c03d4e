//! Rings: groups of accounts with the evidence that ties them.
