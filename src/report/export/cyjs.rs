//! Networks as Cytoscape.js JSON (`.cyjs`), for Cytoscape.js and Cytoscape.
//!
//! # Choices
//! Nodes and edges share one space of ids there: an edge that is called like a node gets `edge:` before its id; its own
//! name stands in `name`, as that of every node and edge does. `parent` would nest nodes and `SUID`, `shared_name` and `selected` are
//! Cytoscape's own: attributes of these names get a `_`. Numbers follow the rule of [`json`](super::super::json): a column beyond
//! ±2^53 is text throughout. Nulls, and floats that are not
//! finite, are left out. Number columns `x` and `y` of nodes are their position.
//!
//! # Source
//! js.cytoscape.org, "Elements JSON"; the Cytoscape manual, "Cytoscape.js JSON".

use super::super::json::cell_value;
use super::super::network::Network;
use super::cells::{Column, EDGE, Kind, NODE, columns, positions, texts};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::io::{self, Write};

/// Names that have a meaning in the `data` of an element.
const TAKEN: [&str; 8] = ["id", "name", "source", "target", "parent", "SUID", "shared_name", "selected"];

/// Writes `network` to `out`.
///
/// # Errors
/// What `out` returns, or the error of [`Network::check`] inside an [`io::Error`].
pub fn write_cyjs(network: &Network, out: &mut impl Write) -> io::Result<()> {
    network.check().map_err(io::Error::other)?;
    let head = json!({
        "format_version": "1.0",
        "generated_by": "ringfence",
        "target_cytoscapejs_version": "~3",
        "data": { "name": "ringfence" },
    });
    let head = head.to_string();
    write!(out, "{},\n\"elements\":{{\"nodes\":[", head.trim_end_matches('}').to_owned() + "}")?;
    let ids = texts(&network.nodes, "id");
    let nodes = columns(&network.nodes, &NODE, &TAKEN, str::to_string);
    let position = positions(&network.nodes);
    for (row, id) in ids.iter().enumerate() {
        let mut data = Map::new();
        data.insert("id".into(), id.as_str().into());
        data.insert("name".into(), id.as_str().into());
        values(&nodes, row, &mut data);
        let mut element = json!({ "data": data });
        if let Some((x, y)) = position.as_ref().and_then(|position| position(row)) {
            element["position"] = json!({ "x": x, "y": y });
        }
        line(row, &element, out)?;
    }
    out.write_all(b"\n],\n\"edges\":[")?;
    let mut taken: HashSet<String> = ids.iter().cloned().collect();
    let [keys, sources, targets] = EDGE.map(|name| texts(&network.edges, name));
    taken.reserve(keys.len());
    // Ids that are free as they are go first, so that no other takes them.
    let clear: Vec<bool> = keys.iter().map(|key| taken.insert(key.clone())).collect();
    let edges = columns(&network.edges, &EDGE, &TAKEN, str::to_string);
    for (row, key) in keys.iter().enumerate() {
        let mut id = key.clone();
        if !clear[row] {
            while !taken.insert(id.clone()) {
                id.insert_str(0, "edge:");
            }
        }
        let mut data = Map::new();
        data.insert("id".into(), id.into());
        data.insert("source".into(), sources[row].as_str().into());
        data.insert("target".into(), targets[row].as_str().into());
        data.insert("name".into(), key.as_str().into());
        values(&edges, row, &mut data);
        line(row, &json!({ "data": data }), out)?;
    }
    out.write_all(b"\n]}}\n")
}

fn values(columns: &[Column<'_>], row: usize, data: &mut Map<String, Value>) {
    for column in columns {
        let value = cell_value(column.values.cell(row), column.kind == Kind::Text);
        if value != Value::Null {
            data.insert(column.name.clone(), value);
        }
    }
}

fn line(row: usize, element: &Value, out: &mut impl Write) -> io::Result<()> {
    out.write_all(if row == 0 { b"\n" } else { b",\n" })?;
    serde_json::to_writer(&mut *out, element).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::super::super::network::tests::sample;
    use super::super::super::table::Values;
    use super::*;

    fn cyjs(network: &Network) -> Value {
        let mut out = Vec::new();
        write_cyjs(network, &mut out).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn elements_have_ids_of_one_space_and_exact_numbers() {
        let mut network = sample();
        network.edges.columns[0].1 =
            Values::Text(vec!["A & \"<B>\"".into(), "t2".into(), "edge:A & \"<B>\"".into()]);
        network.nodes.push("parent", Values::Text(vec!["x".into(), "y".into()]));
        let value = cyjs(&network);
        let edges = &value["elements"]["edges"];
        assert_eq!(edges[0]["data"]["id"], "edge:edge:A & \"<B>\"");
        assert_eq!(edges[0]["data"]["name"], "A & \"<B>\"");
        assert_eq!(edges[2]["data"]["id"], "edge:A & \"<B>\"");
        assert_eq!(edges[1]["data"]["amount_minor"], "9007199254740993");
        let nodes = &value["elements"]["nodes"];
        assert_eq!((&nodes[0]["data"]["ring"], &nodes[1]["data"]["ring"]), (&3.into(), &Value::Null));
        assert_eq!((&nodes[0]["data"]["parent"], &nodes[0]["data"]["parent_"]), (&Value::Null, &"x".into()));
        assert!(nodes[0].get("position").is_none());
    }

    #[test]
    fn positions_are_those_of_x_and_y() {
        let mut network = sample();
        network.nodes.push("x", Values::F64(vec![0.25, f64::NAN]));
        network.nodes.push("y", Values::I64(vec![-4, 1]));
        let nodes = cyjs(&network)["elements"]["nodes"].clone();
        assert_eq!(nodes[0]["position"], json!({ "x": 0.25, "y": -4.0 }));
        assert!(nodes[1].get("position").is_none(), "a place needs both numbers");
    }
}
