//! A network as two tables: the form of a subgraph that other programs draw and read.

use super::table::{Table, Values};
use crate::error::{Error, Result};
use std::collections::HashSet;

/// Nodes and directed edges between them; several edges may join the same two nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// One row per node; the column `id` names it.
    pub nodes: Table,
    /// One row per edge; `id` names it, `source` and `target` name nodes.
    pub edges: Table,
}

impl Network {
    /// Checks that ids are distinct and every end of an edge is a node; every writer asks this first.
    ///
    /// # Errors
    /// [`Error::Unproved`]: a network that breaks this was put together wrongly.
    pub fn check(&self) -> Result<()> {
        self.nodes.check()?;
        self.edges.check()?;
        let nodes = distinct(self.texts("node", &self.nodes, "id")?)?;
        distinct(self.texts("edge", &self.edges, "id")?)?;
        for end in ["source", "target"] {
            if let Some(unknown) =
                self.texts("edge", &self.edges, end)?.iter().find(|key| !nodes.contains(key.as_str()))
            {
                return Err(Error::Unproved(format!(
                    "the {end} {unknown:?} of an edge is not among the nodes"
                )));
            }
        }
        Ok(())
    }

    /// The texts of a column that every network has.
    fn texts<'n>(&self, what: &str, table: &'n Table, name: &str) -> Result<&'n [String]> {
        match table.column(name) {
            Some(Values::Text(texts)) => Ok(texts),
            _ => Err(Error::Unproved(format!("a {what} table has no text column {name}"))),
        }
    }
}

/// Columns of a table other than those that say what a row is.
pub(super) fn attributes<'t>(
    table: &'t Table,
    structure: &'t [&str],
) -> impl Iterator<Item = (usize, &'t (String, Values))> {
    table.columns.iter().enumerate().filter(move |(_, (name, _))| !structure.contains(&name.as_str()))
}

fn distinct(texts: &[String]) -> Result<HashSet<&str>> {
    let mut found = HashSet::with_capacity(texts.len());
    match texts.iter().find(|text| !found.insert(text.as_str())) {
        Some(twice) => Err(Error::Unproved(format!("two rows of a network are called {twice:?}"))),
        None => Ok(found),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Two accounts, two transfers between them that differ in nothing but their ids, and one back.
    pub(in crate::report) fn sample() -> Network {
        let text = |values: &[&str]| Values::Text(values.iter().map(|value| (*value).to_string()).collect());
        Network {
            nodes: Table::new([
                ("id", text(&["A & \"<B>\"", "谢\u{1}谢"])),
                ("ring", Values::OptionI64(vec![Some(3), None])),
                ("score", Values::F64(vec![0.5, 2.0])),
            ]),
            edges: Table::new([
                ("id", text(&["t1", "t2", "t3"])),
                ("source", text(&["A & \"<B>\"", "A & \"<B>\"", "谢\u{1}谢"])),
                ("target", text(&["谢\u{1}谢", "谢\u{1}谢", "A & \"<B>\""])),
                ("time", Values::Time(vec![0, 0, 1_500_000])),
                ("amount", text(&["90071992547409.93", "90071992547409.93", "-0.01"])),
                ("amount_minor", Values::I64(vec![9_007_199_254_740_993, 9_007_199_254_740_993, -1])),
                ("labelled", Values::Boolean(vec![false, false, true])),
            ]),
        }
    }

    #[test]
    fn ids_are_distinct_and_ends_are_nodes() {
        assert!(sample().check().is_ok());
        let mut twice = sample();
        twice.nodes.columns[0].1 = Values::Text(vec!["a".into(), "a".into()]);
        assert!(twice.check().unwrap_err().to_string().contains("two rows"));
        let mut loose = sample();
        loose.edges.columns[2].1 = Values::Text(vec!["x".into(); 3]);
        assert!(loose.check().unwrap_err().to_string().contains("the target \"x\""));
        let mut nameless = sample();
        nameless.edges.columns[0].0 = "key".into();
        assert!(nameless.check().unwrap_err().to_string().contains("no text column id"));
    }
}
