//! Which columns leave: all, some, or all but some.

use super::super::network::Network;
use super::super::table::Table;
use crate::error::{Error, Result};

/// Columns that every export has: without them it would be no network.
const STRUCTURE: [&str; 4] = ["id", "source", "target", "type"];

/// A choice of columns, of nodes and edges alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// These alone, beside those that make the structure; all of them if not given.
    pub only: Option<Vec<String>>,
    /// Not these.
    pub without: Vec<String>,
}

/// Names of the columns that a choice left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Of nodes.
    pub nodes: Vec<String>,
    /// Of edges.
    pub edges: Vec<String>,
}

impl Columns {
    /// Removes the other columns from `network`.
    ///
    /// # Errors
    /// [`Error::Input`] for a name that no column has, or for the removal of a column that makes the structure.
    pub fn apply(&self, network: &mut Network) -> Result<LeftOut> {
        for name in self.only.iter().flatten().chain(&self.without) {
            if network.nodes.column(name).is_none() && network.edges.column(name).is_none() {
                return Err(Error::input(
                    "columns",
                    format!("there is no {name:?}; there are {}", known(network)),
                ));
            }
        }
        if let Some(name) = self.without.iter().find(|name| STRUCTURE.contains(&name.as_str())) {
            return Err(Error::input(
                "columns",
                format!("{name} is part of the structure and stays; leave it out of --without"),
            ));
        }
        Ok(LeftOut { nodes: self.cut(&mut network.nodes), edges: self.cut(&mut network.edges) })
    }

    fn cut(&self, table: &mut Table) -> Vec<String> {
        let stays = |name: &String| {
            STRUCTURE.contains(&name.as_str())
                || (self.only.as_ref().is_none_or(|only| only.contains(name)) && !self.without.contains(name))
        };
        let cut = table.columns.extract_if(.., |(name, _)| !stays(name));
        cut.map(|(name, _)| name).collect()
    }
}

fn known(network: &Network) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in network.nodes.columns.iter().chain(&network.edges.columns) {
        if !names.contains(&name.as_str()) && !STRUCTURE.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::super::network::tests::sample;
    use super::*;

    fn names(table: &Table) -> Vec<&str> {
        table.columns.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_string()).collect()
    }

    #[test]
    fn the_structure_stays_and_the_rest_is_chosen() {
        let mut network = sample();
        let chosen = Columns { only: Some(owned(&["amount", "ring", "time"])), without: owned(&["time"]) };
        let cut = chosen.apply(&mut network).unwrap();
        assert_eq!(names(&network.nodes), ["id", "ring"]);
        assert_eq!(names(&network.edges), ["id", "source", "target", "amount"]);
        assert_eq!((cut.nodes, cut.edges), (owned(&["score"]), owned(&["time", "amount_minor", "labelled"])));
        let mut whole = sample();
        assert_eq!(Columns::default().apply(&mut whole).unwrap(), LeftOut::default());
        assert_eq!(whole, sample());
    }

    #[test]
    fn unknown_columns_and_the_structure_are_refused() {
        let choice = |only: Option<&[&str]>, without: &[&str]| {
            Columns { only: only.map(owned), without: owned(without) }
                .apply(&mut sample())
                .unwrap_err()
                .to_string()
        };
        let message = choice(Some(&["amonut"]), &[]);
        assert!(message.contains("no \"amonut\"; there are ring, score, time"), "{message}");
        assert!(choice(None, &["source"]).contains("part of the structure"));
    }
}
