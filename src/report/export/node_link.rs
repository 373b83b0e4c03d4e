//! Networks as node-link JSON, the form of `networkx.node_link_graph` and D3.
//!
//! `{"directed":true,"multigraph":true,"graph":{},"nodes":[{"id":…}],"edges":[{"source":…,"target":…,"key":…}]}`,
//! one node or edge per line. `key` is the transaction's external key and tells parallel edges apart. Numbers
//! follow the rule of [`json`](super::super::json): a column beyond ±2^53 is strings throughout.

use super::super::json::{cell_value, needs_text};
use super::super::network::Network;
use super::super::table::Table;
use std::io::{self, Write};

/// Writes `network` to `out`.
///
/// # Errors
/// What `out` returns, or the error of [`Network::check`] inside an [`io::Error`].
pub fn write_node_link(network: &Network, out: &mut impl Write) -> io::Result<()> {
    network.check().map_err(io::Error::other)?;
    out.write_all(b"{\"directed\":true,\"multigraph\":true,\"graph\":{},\n\"nodes\":[")?;
    records(&network.nodes, "id", out)?;
    out.write_all(b"],\n\"edges\":[")?;
    records(&network.edges, "key", out)?;
    out.write_all(b"]}\n")
}

/// The rows of `table`; the column `id` is called `key_name`.
fn records(table: &Table, key_name: &str, out: &mut impl Write) -> io::Result<()> {
    // An attribute that is itself called `key` gives way.
    let called = |name: &str| match name {
        "id" => key_name.to_string(),
        name if name == key_name => format!("{name}_"),
        name => name.to_string(),
    };
    let columns: Vec<_> =
        table.columns.iter().map(|(name, values)| (called(name), values, needs_text(values))).collect();
    for row in 0..table.num_rows() {
        out.write_all(if row == 0 { b"\n{" } else { b",\n{" })?;
        for (at, (name, values, exact)) in columns.iter().enumerate() {
            if at > 0 {
                out.write_all(b",")?;
            }
            serde_json::to_writer(&mut *out, name)?;
            out.write_all(b":")?;
            serde_json::to_writer(&mut *out, &cell_value(values.cell(row), *exact))?;
        }
        out.write_all(b"}")?;
    }
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::super::super::network::tests::sample;
    use super::*;

    #[test]
    fn a_network_reads_back_exactly() {
        let mut out = Vec::new();
        write_node_link(&sample(), &mut out).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((&value["directed"], &value["multigraph"]), (&true.into(), &true.into()));
        assert_eq!(value["nodes"][0], serde_json::json!({"id": "A & \"<B>\"", "ring": 3, "score": 0.5}));
        assert_eq!(value["nodes"][1]["ring"], serde_json::Value::Null);
        let edge = &value["edges"][1];
        assert_eq!((&edge["key"], &edge["target"]), (&"t2".into(), &value["nodes"][1]["id"]));
        assert_eq!(edge["amount_minor"], "9007199254740993", "beyond 2^53 a number would be read wrong");
        assert_eq!(value["edges"][2]["amount_minor"], "-1", "a column is all strings or none");
    }
}
