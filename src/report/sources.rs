//! Sources as people write them: accounts whose payments are followed.
//!
//! `account[,case][,from]`: without a case all rows belong to one, `sources`; without `from` every payment of the account
//! counts, with it those at or after that time.

use super::input::{self, Input, Places};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::trace::Source;
use std::collections::HashMap;

/// Sources with ids, and the names that they came with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Names of the cases, in the order of their numbers.
    pub cases: Vec<String>,
    /// The sources, in the order of the file.
    pub sources: Vec<Source>,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    places: Places,
}

impl Sources {
    /// `error`, with file and line where it names a source by its number.
    pub fn locate(&self, error: Error) -> Error {
        self.places.locate(error)
    }
}

/// Reads sources, which name accounts of `graph`.
///
/// # Errors
/// [`Error::UnknownKey`] and [`Error::Input`] with file and line.
pub fn read_sources(graph: &Graph, input: &Input) -> Result<Sources> {
    let sheet = input.sheet(&["account", "case", "from"])?;
    sheet.need("account")?;
    let mut found =
        Sources { sha256: input::digest(&sheet), places: Places::new("sources"), ..Sources::default() };
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    for record in sheet.iter() {
        let name = if sheet.has("case") { record.need("case")? } else { "sources" };
        let case = *numbers.entry(name).or_insert_with(|| {
            found.cases.push(name.to_string());
            found.cases.len() as u32 - 1
        });
        let account = input::account(graph, record, "account")?;
        found.sources.push(Source { case, account, from: input::time(record, "from")? });
        found.places.push(record);
    }
    if found.sources.is_empty() {
        return Err(Error::input(sheet.name(), "no sources"));
    }
    Ok(found)
}
