//! Networks as GraphML, for Gephi, yEd, igraph, NetworkX, Cytoscape.
//!
//! # Choices
//! Node and edge ids are the external keys, and a directed multigraph keeps every
//! transaction as its own edge, by its own id. Attributes are typed: whole numbers
//! `long`, floats `double`, truth values `boolean`, everything else `string`
//! (times as RFC 3339, sums beyond 64 bits as digits). A null is an absent attribute.
//!
//! Several readers, igraph among them, turn a `long` into a double, which is
//! exact only up to 2^53: programs that must be exact read `amount`, the decimal
//! text, and not `amount_minor`. igraph also loses the ids of edges and keeps `&` in ids as `&#38;`; every id
//! therefore stands once more in an attribute `key`.
//!
//! XML 1.0 cannot hold most control characters in any spelling. They are shown by their pictures (U+2400 on), and
//! two ids that become the same thereby are refused.
//!
//! # Source
//! The GraphML Primer, graphml.graphdrawing.org; XML 1.0, section 2.2.

use super::network::{Network, attributes};
use super::table::{Cell, Table, Values};
use crate::error::Error;
use crate::units::time::format_time;
use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, Write};

/// Columns that make the structure and are no attributes.
const NODE: [&str; 1] = ["id"];
const EDGE: [&str; 3] = ["id", "source", "target"];

/// Writes `network` to `out`.
///
/// # Errors
/// What `out` returns; inside an [`io::Error`], the error of [`Network::check`], or [`Error::Input`] for ids that
/// differ in nothing but characters that XML cannot hold.
pub fn write_graphml(network: &Network, out: &mut impl Write) -> io::Result<()> {
    network.check().map_err(io::Error::other)?;
    for table in [&network.nodes, &network.edges] {
        distinct_in_xml(table).map_err(io::Error::other)?;
    }
    out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
    out.write_all(b"<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\" ")?;
    out.write_all(b"xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" ")?;
    out.write_all(b"xsi:schemaLocation=\"http://graphml.graphdrawing.org/xmlns ")?;
    out.write_all(b"http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd\">\n")?;
    keys(&network.nodes, "node", &NODE, out)?;
    keys(&network.edges, "edge", &EDGE, out)?;
    out.write_all(b"  <graph id=\"ringfence\" edgedefault=\"directed\">\n")?;
    elements(&network.nodes, "node", &NODE, out)?;
    elements(&network.edges, "edge", &EDGE, out)?;
    out.write_all(b"  </graph>\n</graphml>\n")
}

/// Declares the attributes of nodes or edges.
fn keys(table: &Table, what: &str, structure: &[&str], out: &mut impl Write) -> io::Result<()> {
    if repeats_id(table) {
        let letter = &what[..1];
        writeln!(out, "  <key id=\"{letter}k\" for=\"{what}\" attr.name=\"key\" attr.type=\"string\"/>")?;
    }
    for (at, (name, values)) in attributes(table, structure) {
        let (letter, kind, name) = (&what[..1], kind(values), escape(name));
        writeln!(
            out,
            "  <key id=\"{letter}{at}\" for=\"{what}\" attr.name=\"{name}\" attr.type=\"{kind}\"/>"
        )?;
    }
    Ok(())
}

fn elements(table: &Table, what: &str, structure: &[&str], out: &mut impl Write) -> io::Result<()> {
    let columns: Vec<(usize, &(String, Values))> = attributes(table, structure).collect();
    for row in 0..table.num_rows() {
        write!(out, "    <{what}")?;
        for name in structure {
            if let Some(Cell::Text(key)) = table.column(name).map(|values| values.cell(row)) {
                write!(out, " {name}=\"{}\"", escape(key))?;
            }
        }
        let mut empty = true;
        if let (true, Some(Cell::Text(key))) =
            (repeats_id(table), table.column("id").map(|ids| ids.cell(row)))
        {
            write!(out, "><data key=\"{}k\">{}</data>", &what[..1], escape(key))?;
            empty = false;
        }
        for &(at, (_, values)) in &columns {
            let Some(text) = content(values.cell(row)) else { continue };
            if std::mem::take(&mut empty) {
                out.write_all(b">")?;
            }
            write!(out, "<data key=\"{}{at}\">{}</data>", &what[..1], escape(&text))?;
        }
        if empty { out.write_all(b"/>\n")? } else { writeln!(out, "</{what}>")? }
    }
    Ok(())
}

/// Whether ids stand in an attribute `key` as well; not where the table has such a column of its own.
fn repeats_id(table: &Table) -> bool {
    table.column("key").is_none()
}

fn kind(values: &Values) -> &'static str {
    match values {
        Values::U32(_) | Values::I64(_) | Values::OptionI64(_) => "long",
        Values::U64(v) if v.iter().all(|value| i64::try_from(*value).is_ok()) => "long",
        Values::F64(_) | Values::OptionF64(_) => "double",
        Values::Boolean(_) | Values::OptionBoolean(_) => "boolean",
        _ => "string",
    }
}

fn content(cell: Cell<'_>) -> Option<Cow<'_, str>> {
    Some(match cell {
        Cell::Null => return None,
        Cell::Unsigned(value) => value.to_string().into(),
        Cell::Signed(value) => value.to_string().into(),
        Cell::Big(value) => value.to_string().into(),
        // The spellings of XML Schema.
        Cell::Float(value) if value.is_nan() => "NaN".into(),
        Cell::Float(value) if value.is_infinite() => if value > 0.0 { "INF" } else { "-INF" }.into(),
        Cell::Float(value) => format!("{value:?}").into(),
        Cell::Boolean(value) => value.to_string().into(),
        Cell::Text(text) => text.into(),
        Cell::Time(time) => format_time(time).into(),
    })
}

/// `text` for an attribute or an element.
fn escape(text: &str) -> Cow<'_, str> {
    let special = |c: char| {
        matches!(c, '&' | '<' | '>' | '"' | '\'') || c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    if !text.contains(special) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // Spelled out, or a reader turns them into spaces in attributes.
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", c as u32)),
            '\0'..='\u{1f}' => out.extend(char::from_u32(0x2400 + c as u32)),
            '\u{7f}' => out.push('\u{2421}'),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out.into()
}

/// Refuses ids that only characters told apart which XML cannot hold.
fn distinct_in_xml(table: &Table) -> crate::error::Result<()> {
    let Some(Values::Text(ids)) = table.column("id") else { return Ok(()) };
    let lossy = |id: &String| id.contains(|c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'));
    if !ids.iter().any(lossy) {
        return Ok(());
    }
    let mut found = HashSet::with_capacity(ids.len());
    match ids.iter().find(|id| !found.insert(escape(id))) {
        None => Ok(()),
        Some(id) => Err(Error::input(
            "GraphML",
            format!(
                "the key {id:?} and another one differ only in characters that XML cannot hold; write JSON instead"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::network::tests::sample;
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
            "<key id=\"n1\" for=\"node\" attr.name=\"ring\" attr.type=\"long\"/>",
            "<key id=\"n2\" for=\"node\" attr.name=\"score\" attr.type=\"double\"/>",
            "<key id=\"e4\" for=\"edge\" attr.name=\"amount\" attr.type=\"string\"/>",
            "<key id=\"e5\" for=\"edge\" attr.name=\"amount_minor\" attr.type=\"long\"/>",
            "<key id=\"e6\" for=\"edge\" attr.name=\"labelled\" attr.type=\"boolean\"/>",
        ] {
            assert!(text.contains(declared), "{declared} is not in {text}");
        }
        assert!(text.contains("<data key=\"e5\">9007199254740993</data>"));
        assert!(text.contains("<data key=\"ek\">t2</data>") && text.contains("<data key=\"nk\">A &amp;"));
        assert_eq!(text.matches("key=\"n1\"").count(), 1, "one of two nodes has a ring");
    }

    #[test]
    fn no_character_is_left_that_xml_refuses() {
        let all: String = ('\0'..='\u{2fff}').chain(['\u{fffe}', '\u{ffff}', '😀']).collect();
        let escaped = escape(&all);
        let refused = |c: char| matches!(c, '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' | '<' | '"');
        assert!(!escaped.contains(refused));
        assert_eq!(escape("tab\tand\nline"), "tab&#9;and&#10;line");
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
