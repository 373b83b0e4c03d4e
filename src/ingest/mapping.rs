//! The mapping: which column is what, in TOML.

use crate::error::Result;

/// How to read a source; see `docs/mapping.md`.
#[derive(Clone, Debug)]
pub struct Mapping {
    text: String,
}

impl Mapping {
    /// Reads a mapping from TOML; `name` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) with line and column.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        let _ = (text, name);
        todo!()
    }

    /// The mapping of a preset: `amlworld`, `amlsim`, `amlgentex`, `paysim`, `berka`, `fincen` or `ledger`.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) with the nearest name if there is no such preset.
    pub fn preset(name: &str) -> Result<Self> {
        let _ = name;
        todo!()
    }

    /// The TOML it was read from; what the store's schema keeps.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the mapping says that `account` stands for the world outside the data (cash, unknown banks).
    pub fn is_outside(&self, account: &[u8]) -> bool {
        let _ = account;
        todo!()
    }
}
