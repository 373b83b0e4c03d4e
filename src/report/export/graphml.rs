//! Networks as GraphML, for Gephi, yEd, igraph, NetworkX, Cytoscape.
//!
//! # Choices
//! Node and edge ids are the names of accounts and transactions, and a directed multigraph keeps every
//! transaction as its own edge, by its own id. Attributes are typed: whole numbers
//! `long`, floats `double`, truth values `boolean`, everything else `string`
//! (times as RFC 3339). A null is an absent attribute.
//!
//! Several readers, igraph among them, turn a `long` into a double, which is exact only up to 2^53: a column with whole
//! numbers beyond that is a `string` throughout, as in JSON. igraph also loses the ids of edges and keeps `&` in
//! ids as `&#38;`; every id therefore stands once more in an attribute `key`; an attribute
//! of its own that is called so becomes `key_`.
//!
//! # Source
//! The GraphML Primer, graphml.graphdrawing.org.

use super::super::network::Network;
use super::super::table::{Cell, Table};
use super::cells::{Column, EDGE, Kind, NODE, columns, content, texts};
use super::xml::{distinct, escape};
use std::io::{self, Write};

/// Writes `network` to `out`.
///
/// # Errors
/// What `out` returns; inside an [`io::Error`], the error of [`Network::check`], or [`Error::Input`](crate::Error::Input) for ids that
/// differ in nothing but characters that XML cannot hold.
pub fn write_graphml(network: &Network, out: &mut impl Write) -> io::Result<()> {
    network.check().map_err(io::Error::other)?;
    distinct(network, "GraphML").map_err(io::Error::other)?;
    out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
    out.write_all(b"<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\" ")?;
    out.write_all(b"xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" ")?;
    out.write_all(b"xsi:schemaLocation=\"http://graphml.graphdrawing.org/xmlns ")?;
    out.write_all(b"http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd\">\n")?;
    let (nodes, edges) = (attributes(&network.nodes, &NODE), attributes(&network.edges, &EDGE));
    keys("node", &nodes, out)?;
    keys("edge", &edges, out)?;
    out.write_all(b"  <graph id=\"ringfence\" edgedefault=\"directed\">\n")?;
    elements(&network.nodes, "node", &NODE, &nodes, out)?;
    elements(&network.edges, "edge", &EDGE, &edges, out)?;
    out.write_all(b"  </graph>\n</graphml>\n")
}

fn attributes<'n>(table: &'n Table, structure: &'n [&str]) -> Vec<Column<'n>> {
    columns(table, structure, &["key"], str::to_string)
}

/// Declares the attributes of nodes or edges.
fn keys(what: &str, columns: &[Column<'_>], out: &mut impl Write) -> io::Result<()> {
    let letter = &what[..1];
    writeln!(out, "  <key id=\"{letter}k\" for=\"{what}\" attr.name=\"key\" attr.type=\"string\"/>")?;
    for (at, column) in columns.iter().enumerate() {
        let (kind, name) = (kind(column.kind), escape(&column.name));
        writeln!(
            out,
            "  <key id=\"{letter}{at}\" for=\"{what}\" attr.name=\"{name}\" attr.type=\"{kind}\"/>"
        )?;
    }
    Ok(())
}

fn elements(
    table: &Table,
    what: &str,
    structure: &[&str],
    columns: &[Column<'_>],
    out: &mut impl Write,
) -> io::Result<()> {
    let letter = &what[..1];
    let ids = texts(table, "id");
    for (row, id) in ids.iter().enumerate() {
        write!(out, "    <{what}")?;
        for name in structure {
            write!(out, " {name}=\"{}\"", escape(&texts(table, name)[row]))?;
        }
        write!(out, "><data key=\"{letter}k\">{}</data>", escape(id))?;
        for (at, column) in columns.iter().enumerate() {
            if let Some(text) = schema_text(column.values.cell(row)) {
                write!(out, "<data key=\"{letter}{at}\">{}</data>", escape(&text))?;
            }
        }
        writeln!(out, "</{what}>")?;
    }
    Ok(())
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Whole => "long",
        Kind::Float => "double",
        Kind::Boolean => "boolean",
        Kind::Text => "string",
    }
}

/// A value in the spelling of XML Schema, which has floats that are not finite.
fn schema_text(cell: Cell<'_>) -> Option<std::borrow::Cow<'_, str>> {
    match cell {
        Cell::Float(value) if value.is_nan() => Some("NaN".into()),
        Cell::Float(value) if value.is_infinite() => Some(if value > 0.0 { "INF" } else { "-INF" }.into()),
        cell => content(cell),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::network::tests::sample;
    use super::super::super::table::Values;
    use super::*;

    fn graphml(network: &Network) -> String {
        let mut out = Vec::new();
        write_graphml(network, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn keys_are_ids_and_parallel_transfers_stay_apart() {
        let text = graphml(&sample());
        let edges: Vec<&str> = text.lines().filter(|line| line.contains("<edge ")).collect();
        assert_eq!(edges.len(), 3);
        assert!(
            edges[0].contains(
                "<edge id=\"t1\" source=\"A &amp; &quot;&lt;B&gt;&quot;\" target=\"谢\u{2401}谢\">"
            )
        );
        assert!(edges[1].contains("<edge id=\"t2\" source=\"A &amp;"));
        assert!(edges[2].contains(">1970-01-01T00:00:01.5Z<"), "{}", edges[2]);
    }

    #[test]
    fn attributes_are_typed_and_nulls_are_absent() {
        let text = graphml(&sample());
        for declared in [
            "<key id=\"n0\" for=\"node\" attr.name=\"ring\" attr.type=\"long\"/>",
            "<key id=\"n1\" for=\"node\" attr.name=\"score\" attr.type=\"double\"/>",
            "<key id=\"e1\" for=\"edge\" attr.name=\"amount\" attr.type=\"string\"/>",
            "<key id=\"e2\" for=\"edge\" attr.name=\"amount_minor\" attr.type=\"string\"/>",
            "<key id=\"e3\" for=\"edge\" attr.name=\"labelled\" attr.type=\"boolean\"/>",
        ] {
            assert!(text.contains(declared), "{declared} is not in {text}");
        }
        assert!(text.contains("<data key=\"e2\">9007199254740993</data>"));
        assert!(text.contains("<data key=\"ek\">t2</data>") && text.contains("<data key=\"nk\">A &amp;"));
        assert_eq!(text.matches("key=\"n0\"").count(), 1, "one of two nodes has a ring");
    }

    #[test]
    fn ids_that_xml_cannot_tell_apart_are_refused() {
        let mut network = sample();
        network.edges.columns[0].1 = Values::Text(vec!["a\u{1}".into(), "a\u{2401}".into(), "b".into()]);
        let error = write_graphml(&network, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("characters that XML cannot hold"), "{error}");
    }

    #[test]
    fn an_empty_network_is_a_document() {
        let empty = |columns: &[&str]| Table::new(columns.iter().map(|name| (*name, Values::Text(vec![]))));
        let text = graphml(&Network { nodes: empty(&["id"]), edges: empty(&["id", "source", "target"]) });
        assert!(text.contains("<graph id=\"ringfence\" edgedefault=\"directed\">\n  </graph>"));
    }
}
