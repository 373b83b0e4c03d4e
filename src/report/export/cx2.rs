//! Networks as CX2, for NDEx and Cytoscape.
//!
//! # Choices
//! Nodes and edges have whole numbers as ids; their names stand in the attribute `name`. Attributes are declared: `long`,
//! `double`, `boolean`, `string`. NDEx reads a `long` exactly, programs in JavaScript do not: a column beyond ±2^53 is a
//! `string` throughout. Nulls, and floats that are not finite, are left out. Number columns `x` and `y` of nodes are their position as well.
//!
//! # Source
//! The CX2 specification of the Cytoscape Consortium.

use super::super::json::cell_value;
use super::super::network::Network;
use super::cells::{Column, EDGE, Kind, NODE, columns, positions, texts};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::io::{self, Write};

/// Writes `network` to `out`.
///
/// # Errors
/// What `out` returns, or the error of [`Network::check`] inside an [`io::Error`].
pub fn write_cx2(network: &Network, out: &mut impl Write) -> io::Result<()> {
    network.check().map_err(io::Error::other)?;
    let ids = texts(&network.nodes, "id");
    let [keys, sources, targets] = EDGE.map(|name| texts(&network.edges, name));
    let nodes = columns(&network.nodes, &NODE, &["name"], str::to_string);
    let edges = columns(&network.edges, &EDGE, &["name"], str::to_string);
    let declared = json!([{
        "networkAttributes": { "name": { "d": "string" } },
        "nodes": declare(&nodes),
        "edges": declare(&edges),
    }]);
    let counts = json!([
        { "name": "attributeDeclarations", "elementCount": 1 },
        { "name": "networkAttributes", "elementCount": 1 },
        { "name": "nodes", "elementCount": ids.len() },
        { "name": "edges", "elementCount": keys.len() },
    ]);
    writeln!(out, "[{},", json!({ "CXVersion": "2.0", "hasFragments": false }))?;
    writeln!(out, "{},", json!({ "metaData": counts }))?;
    writeln!(out, "{},", json!({ "attributeDeclarations": declared }))?;
    writeln!(out, "{},", json!({ "networkAttributes": [{ "name": "ringfence" }] }))?;
    out.write_all(b"{\"nodes\":[")?;
    let position = positions(&network.nodes);
    for (row, id) in ids.iter().enumerate() {
        let mut node = json!({ "id": row });
        if let Some((x, y)) = position.as_ref().and_then(|position| position(row)) {
            node["x"] = x.into();
            node["y"] = y.into();
        }
        node["v"] = values(id, &nodes, row);
        line(row, &node, out)?;
    }
    out.write_all(b"]},\n{\"edges\":[")?;
    let numbers: HashMap<&str, usize> = ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
    for (row, key) in keys.iter().enumerate() {
        let (source, target) = (numbers[sources[row].as_str()], numbers[targets[row].as_str()]);
        let edge = json!({ "id": row, "s": source, "t": target, "v": values(key, &edges, row) });
        line(row, &edge, out)?;
    }
    writeln!(out, "]}},\n{}]", json!({ "status": [{ "success": true }] }))
}

fn declare(columns: &[Column<'_>]) -> Value {
    let mut declared = Map::new();
    declared.insert("name".into(), json!({ "d": "string" }));
    for column in columns {
        let kind = match column.kind {
            Kind::Whole => "long",
            Kind::Float => "double",
            Kind::Boolean => "boolean",
            Kind::Text => "string",
        };
        declared.insert(column.name.clone(), json!({ "d": kind }));
    }
    declared.into()
}

fn values(name: &str, columns: &[Column<'_>], row: usize) -> Value {
    let mut values = Map::new();
    values.insert("name".into(), name.into());
    for column in columns {
        let value = cell_value(column.values.cell(row), column.kind == Kind::Text);
        if value != Value::Null {
            values.insert(column.name.clone(), value);
        }
    }
    values.into()
}

fn line(row: usize, element: &Value, out: &mut impl Write) -> io::Result<()> {
    out.write_all(if row == 0 { b"\n" } else { b",\n" })?;
    serde_json::to_writer(&mut *out, element).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::super::super::network::tests::sample;
    use super::*;

    #[test]
    fn aspects_are_declared_and_counted() {
        let mut out = Vec::new();
        write_cx2(&sample(), &mut out).unwrap();
        let value: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value[0], json!({ "CXVersion": "2.0", "hasFragments": false }));
        assert_eq!(value[1]["metaData"][3], json!({ "name": "edges", "elementCount": 3 }));
        let declared = &value[2]["attributeDeclarations"][0];
        assert_eq!(declared["nodes"]["ring"]["d"], "long");
        assert_eq!(declared["edges"]["amount_minor"]["d"], "string");
        assert_eq!(value[4]["nodes"][0]["v"], json!({ "name": "A & \"<B>\"", "ring": 3, "score": 0.5 }));
        let edge = &value[5]["edges"][1];
        assert_eq!((&edge["s"], &edge["t"], &edge["v"]["name"]), (&0.into(), &1.into(), &"t2".into()));
        assert_eq!(edge["v"]["amount_minor"], "9007199254740993");
        assert_eq!(value[6]["status"][0]["success"], true);
    }
}
