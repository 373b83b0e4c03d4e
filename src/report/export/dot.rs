//! Networks as DOT, for Graphviz.
//!
//! # Choices
//! Graphviz reads `\` differently in names, in texts and in labels, and draws `&lt;` as `<` in labels alone. Nodes are therefore
//! called `n0`, `n1`, …; their names stand in `label`, to be drawn, and in `rf_id`. Every attribute is called `rf_` and its
//! name: Graphviz gives a meaning to hundreds of names (`image` opens a file), and data must not choose among them. In `rf_`
//! attributes `\` is `\\`, `"` is `\"` and a line end `\n`; other control characters are shown by their pictures
//! (U+2400 on). Edges have their names as `key`, under which Graphviz does not merge them, and `rf_id`.
//!
//! # Source
//! The DOT language, and its escString, graphviz.org.

use super::super::network::Network;
use super::cells::{Column, EDGE, NODE, ascii_name, columns, content, picture, texts};
use std::collections::HashMap;
use std::io::{self, Write};

/// Writes `network` to `out`.
///
/// # Errors
/// What `out` returns, or the error of [`Network::check`] inside an [`io::Error`].
pub fn write_dot(network: &Network, out: &mut impl Write) -> io::Result<()> {
    network.check().map_err(io::Error::other)?;
    out.write_all(b"digraph ringfence {\n  charset=\"UTF-8\";\n")?;
    let ids = texts(&network.nodes, "id");
    let numbers: HashMap<&str, usize> = ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
    let named = |name: &str| format!("rf_{}", ascii_name(name));
    let nodes = columns(&network.nodes, &NODE, &["rf_id"], named);
    for (row, id) in ids.iter().enumerate() {
        let id = quoted(id);
        write!(out, "  n{row} [label=\"{}\", rf_id=\"{id}\"", id.replace('&', "&amp;"))?;
        values(&nodes, row, out)?;
    }
    let edges = columns(&network.edges, &EDGE, &["rf_id"], named);
    let [keys, sources, targets] = EDGE.map(|name| texts(&network.edges, name));
    for (row, key) in keys.iter().enumerate() {
        let (source, target) = (numbers[sources[row].as_str()], numbers[targets[row].as_str()]);
        let key = quoted(key);
        write!(out, "  n{source} -> n{target} [key=\"{key}\", rf_id=\"{key}\"")?;
        values(&edges, row, out)?;
    }
    out.write_all(b"}\n")
}

fn values(columns: &[Column<'_>], row: usize, out: &mut impl Write) -> io::Result<()> {
    for column in columns {
        if let Some(text) = content(column.values.cell(row)) {
            write!(out, ", {}=\"{}\"", column.name, quoted(&text))?;
        }
    }
    out.write_all(b"];\n")
}

/// Whether DOT texts show `c` by a picture.
pub(super) fn is_lost(c: char) -> bool {
    c != '\n' && (matches!(c, '\0'..='\u{1f}' | '\u{7f}') || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

/// `text` between quotation marks.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            _ if is_lost(c) => out.push(picture(c)),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::super::network::tests::sample;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nodes_are_numbered_and_attributes_have_names_of_their_own() {
        let mut out = Vec::new();
        write_dot(&sample(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("  n0 [label=\"A &amp; \\\"<B>\\\"\", rf_id=\"A & \\\"<B>\\\"\", rf_ring=\"3\""),
            "{text}"
        );
        assert!(text.contains("  n0 -> n1 [key=\"t2\", rf_id=\"t2\", rf_time="), "{text}");
    }

    proptest! {
        #[test]
        fn a_text_ends_at_its_own_quotation_mark_and_reads_back(text in "(?s).*") {
            let (mut read, mut rest) = (String::new(), quoted(&text) + "\"]");
            loop {
                let c = rest.remove(0);
                match c {
                    '"' => break,
                    '\\' => match rest.remove(0) { 'n' => read.push('\n'), escaped => read.push(escaped) },
                    c => read.push(c),
                }
            }
            prop_assert_eq!(rest, "]");
            let shown: String = text.chars().map(|c| if is_lost(c) { picture(c) } else { c }).collect();
            prop_assert_eq!(read, shown);
        }
    }
}
