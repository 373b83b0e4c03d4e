//! Networks as GEXF 1.3, for Gephi, NetworkX, graphology.
//!
//! # Choices
//! Transfers stand at their time: an edge with a `time` has a `timestamp`, the graph is `dynamic`, and Gephi's timeline
//! plays it. The time stands once more in the attribute `time`, which readers keep that know no timestamps. Times are RFC
//! 3339 under `timeformat="date"`: NetworkX refuses `dateTime`, and readers take whole moments under `date`.
//!
//! Parallel edges have ids of their own, and a `kind` (`1`, `2`, … among the edges of the same two nodes), without which
//! Gephi would merge them. Attributes are typed as in [`graphml`](super::graphml), whole numbers beyond ±2^53 as `string`:
//! graphology reads numbers as doubles. A null, or a float that is not finite, is an absent attribute. There is no date of
//! last change: the same network gives the same bytes.
//!
//! # Source
//! gexf.net, version 1.3.

use super::super::network::Network;
use super::super::table::{Cell, Table, Values};
use super::cells::{Column, EDGE, Kind, NODE, columns, content, texts};
use super::xml::{distinct, escape};
use crate::units::time::format_time;
use std::collections::HashMap;
use std::io::{self, Write};

/// Names that readers give to parts of a node; an attribute that is called so gets a `_`.
const NODE_TAKEN: [&str; 2] = ["id", "label"];
/// The same of edges. NetworkX fails on an attribute `key`.
const EDGE_TAKEN: [&str; 8] =
    ["id", "key", "kind", "source", "target", "networkx_key", "u_for_edge", "v_for_edge"];

/// Writes `network` to `out`.
///
/// # Errors
/// What `out` returns; inside an [`io::Error`], the error of [`Network::check`], or [`Error::Input`](crate::Error::Input)
/// for ids that differ in nothing but characters that XML cannot hold.
pub fn write_gexf(network: &Network, out: &mut impl Write) -> io::Result<()> {
    network.check().map_err(io::Error::other)?;
    distinct(network, "GEXF").map_err(io::Error::other)?;
    let nodes = columns(&network.nodes, &NODE, &NODE_TAKEN, str::to_string);
    let edges = columns(&network.edges, &EDGE, &EDGE_TAKEN, str::to_string);
    let times = network
        .edges
        .column("time")
        .filter(|values| matches!(values, Values::Time(_) | Values::OptionTime(_)));
    let mode = match times {
        Some(_) => "mode=\"dynamic\" timeformat=\"date\" timerepresentation=\"timestamp\"",
        None => "mode=\"static\"",
    };
    out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
    out.write_all(
        b"<gexf xmlns=\"http://gexf.net/1.3\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" ",
    )?;
    out.write_all(
        b"xsi:schemaLocation=\"http://gexf.net/1.3 http://gexf.net/1.3/gexf.xsd\" version=\"1.3\">\n",
    )?;
    out.write_all(b"  <meta><creator>ringfence</creator></meta>\n")?;
    writeln!(out, "  <graph defaultedgetype=\"directed\" {mode}>")?;
    declare("node", &nodes, out)?;
    declare("edge", &edges, out)?;
    out.write_all(b"    <nodes>\n")?;
    for (row, id) in texts(&network.nodes, "id").iter().enumerate() {
        let id = escape(id);
        write!(out, "      <node id=\"{id}\" label=\"{id}\"")?;
        values(&nodes, row, "node", out)?;
    }
    out.write_all(b"    </nodes>\n    <edges>\n")?;
    write_edges(&network.edges, &edges, times, out)?;
    out.write_all(b"    </edges>\n  </graph>\n</gexf>\n")
}

fn declare(what: &str, columns: &[Column<'_>], out: &mut impl Write) -> io::Result<()> {
    if columns.is_empty() {
        return Ok(());
    }
    writeln!(out, "    <attributes class=\"{what}\" mode=\"static\">")?;
    for (at, column) in columns.iter().enumerate() {
        let kind = match column.kind {
            Kind::Whole => "long",
            Kind::Float => "double",
            Kind::Boolean => "boolean",
            Kind::Text => "string",
        };
        let title = escape(&column.name);
        writeln!(out, "      <attribute id=\"{at}\" title=\"{title}\" type=\"{kind}\"/>")?;
    }
    out.write_all(b"    </attributes>\n")
}

fn write_edges(
    table: &Table,
    columns: &[Column<'_>],
    times: Option<&Values>,
    out: &mut impl Write,
) -> io::Result<()> {
    let [ids, sources, targets] = EDGE.map(|name| texts(table, name));
    let mut parallel: HashMap<(&str, &str), u32> = HashMap::new();
    for (row, id) in ids.iter().enumerate() {
        let (source, target) = (sources[row].as_str(), targets[row].as_str());
        let kind = parallel.entry((source, target)).or_default();
        *kind += 1;
        let (id, source, target) = (escape(id), escape(source), escape(target));
        write!(out, "      <edge id=\"{id}\" source=\"{source}\" target=\"{target}\" kind=\"{kind}\"")?;
        if let Some(Cell::Time(time)) = times.map(|times| times.cell(row)) {
            write!(out, " timestamp=\"{}\"", format_time(time))?;
        }
        values(columns, row, "edge", out)?;
    }
    Ok(())
}

/// The attributes of one element, and its end.
fn values(columns: &[Column<'_>], row: usize, what: &str, out: &mut impl Write) -> io::Result<()> {
    let mut empty = true;
    for (at, column) in columns.iter().enumerate() {
        let Some(text) = content(column.values.cell(row)) else { continue };
        if std::mem::take(&mut empty) {
            out.write_all(b"><attvalues>")?;
        }
        write!(out, "<attvalue for=\"{at}\" value=\"{}\"/>", escape(&text))?;
    }
    if empty { out.write_all(b"/>\n") } else { writeln!(out, "</attvalues></{what}>") }
}

#[cfg(test)]
mod tests {
    use super::super::super::network::tests::sample;
    use super::*;

    fn gexf(network: &Network) -> String {
        let mut out = Vec::new();
        write_gexf(network, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn transfers_stand_at_their_time_and_parallel_ones_stay_apart() {
        let text = gexf(&sample());
        assert!(text.contains("mode=\"dynamic\" timeformat=\"date\" timerepresentation=\"timestamp\""));
        let edges: Vec<&str> = text.lines().filter(|line| line.contains("<edge ")).collect();
        assert_eq!(edges.len(), 3);
        assert!(edges[0].contains("<edge id=\"t1\"") && edges[0].contains("kind=\"1\""), "{}", edges[0]);
        assert!(edges[1].contains("<edge id=\"t2\"") && edges[1].contains("kind=\"2\""), "{}", edges[1]);
        assert!(edges[2].contains(" kind=\"1\" timestamp=\"1970-01-01T00:00:01.5Z\">"), "{}", edges[2]);
        assert!(text.contains("title=\"amount_minor\" type=\"string\"") && text.contains("9007199254740993"));
    }

    #[test]
    fn without_times_the_graph_is_static() {
        let mut network = sample();
        network.edges.columns.retain(|(name, _)| name != "time");
        let text = gexf(&network);
        assert!(text.contains("mode=\"static\">") && !text.contains("timestamp"));
    }
}
