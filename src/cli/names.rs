//! How names leave the engine: as pseudonyms under a key, or revealed.

use super::backup::KeyArgs;
use ringfence::Result;
use ringfence::report::pseudonyms::{CASE, Names};

/// Pseudonyms or clear names.
#[derive(Debug, clap::Args)]
pub struct NamesArgs {
    #[command(flatten)]
    key: KeyArgs,
    /// Name of the case: the same key and case give the same pseudonyms, another case gives others.
    #[arg(long, value_name = "NAME", default_value = CASE)]
    case: String,
    /// Write account keys, transaction keys and identifier values as they are, instead of pseudonyms. They are personal data.
    #[arg(long)]
    reveal: bool,
}

impl NamesArgs {
    /// What is asked for.
    pub fn names(&self) -> Result<Names> {
        Names::chosen(self.reveal, self.key.key()?.as_ref(), &self.case)
    }
}
