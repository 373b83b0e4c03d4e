//! Networks as GML, for NetworkX, igraph, yEd, Cytoscape.
//!
//! # Choices
//! GML is ASCII: other characters, control characters too, are numeric entities (`&#35874;`), as its author proposed and
//! NetworkX reads them. Nodes have whole numbers as `id` and their names as `label`; edges have their names as `key`, by which
//! NetworkX keeps parallel ones apart. A whole number has 32 bits: a column with one beyond is text throughout. There are no
//! truth values: they are 1 and 0. A null, or a float that is not finite, is absent. Names of attributes are letters, digits
//! and `_`; others become `_`.
//!
//! # Source
//! Himsolt: GML, a portable graph file format, 1997.

use super::super::network::Network;
use super::super::table::{Cell, Values};
use super::cells::{Column, EDGE, Kind, NODE, ascii_name, columns, content, texts};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Writes `network` to `out`.
///
/// # Errors
/// What `out` returns, or the error of [`Network::check`] inside an [`io::Error`].
pub fn write_gml(network: &Network, out: &mut impl Write) -> io::Result<()> {
    network.check().map_err(io::Error::other)?;
    out.write_all(b"Creator \"ringfence\"\nVersion 1\ngraph\n[\n  directed 1\n  multigraph 1\n")?;
    let ids = texts(&network.nodes, "id");
    let numbers: HashMap<&str, usize> = ids.iter().enumerate().map(|(at, id)| (id.as_str(), at)).collect();
    let nodes = attributes(columns(&network.nodes, &NODE, &["id", "label", "graphics"], ascii_name));
    for (row, id) in ids.iter().enumerate() {
        write!(out, "  node\n  [\n    id {row}\n    label \"{}\"\n", escape(id))?;
        values(&nodes, row, out)?;
        out.write_all(b"  ]\n")?;
    }
    let taken = ["id", "key", "source", "target", "graphics"];
    let edges = attributes(columns(&network.edges, &EDGE, &taken, ascii_name));
    let [keys, sources, targets] = EDGE.map(|name| texts(&network.edges, name));
    for (row, key) in keys.iter().enumerate() {
        let (source, target) = (numbers[sources[row].as_str()], numbers[targets[row].as_str()]);
        write!(out, "  edge\n  [\n    source {source}\n    target {target}\n    key \"{}\"\n", escape(key))?;
        values(&edges, row, out)?;
        out.write_all(b"  ]\n")?;
    }
    out.write_all(b"]\n")
}

/// Columns whose whole numbers are text where one is beyond 32 bits.
fn attributes(mut columns: Vec<Column<'_>>) -> Vec<Column<'_>> {
    for column in &mut columns {
        if column.kind == Kind::Whole && !is_short(column.values) {
            column.kind = Kind::Text;
        }
    }
    columns
}

fn is_short(values: &Values) -> bool {
    (0..values.len()).all(|row| match values.cell(row) {
        Cell::Signed(value) => i32::try_from(value).is_ok(),
        Cell::Unsigned(value) => i32::try_from(value).is_ok(),
        _ => true,
    })
}

fn values(columns: &[Column<'_>], row: usize, out: &mut impl Write) -> io::Result<()> {
    for column in columns {
        let cell = column.values.cell(row);
        let Some(text) = content(cell) else { continue };
        match cell {
            Cell::Boolean(value) => writeln!(out, "    {} {}", column.name, i32::from(value))?,
            Cell::Float(value) => writeln!(out, "    {} {}", column.name, real(value))?,
            _ if column.kind == Kind::Whole => writeln!(out, "    {} {text}", column.name)?,
            _ => writeln!(out, "    {} \"{}\"", column.name, escape(&text))?,
        }
    }
    Ok(())
}

/// A float with a decimal point, also where it has an exponent: `1.0E300`.
fn real(value: f64) -> String {
    let text = format!("{value:?}");
    match text.split_once('e') {
        Some((digits, exponent)) if digits.contains('.') => format!("{digits}E{exponent}"),
        Some((digits, exponent)) => format!("{digits}.0E{exponent}"),
        None => text,
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            ' '..='~' => out.push(c),
            _ => {
                let _ = write!(out, "&#{};", c as u32);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::super::network::tests::sample;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_is_ascii_and_reads_back(text in "(?s).*") {
            let escaped = escape(&text);
            prop_assert!(escaped.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !escaped.contains('"'));
            let mut read = String::new();
            let mut parts = escaped.split('&');
            read.push_str(parts.next().unwrap());
            for part in parts {
                let (entity, rest) = part.split_once(';').unwrap();
                read.push(match entity {
                    "amp" => '&',
                    "quot" => '"',
                    number => char::from_u32(number[1..].parse().unwrap()).unwrap(),
                });
                read.push_str(rest);
            }
            prop_assert_eq!(read, text);
        }
    }

    #[test]
    fn gml_is_ascii_with_names_and_typed_values() {
        let mut out = Vec::new();
        write_gml(&sample(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.is_ascii());
        assert!(text.contains("    id 1\n    label \"&#35874;&#1;&#35874;\"\n    score 2.0\n"), "{text}");
        assert!(text.contains("    source 0\n    target 1\n    key \"t2\"\n"), "{text}");
        assert!(text.contains("    amount_minor \"-1\"\n    labelled 1\n"), "{text}");
        assert!(text.contains("    ring 3\n"), "{text}");
    }

    #[test]
    fn floats_have_a_point_and_long_numbers_are_text() {
        assert_eq!(real(1e300), "1.0E300");
        assert_eq!(real(-1.5e-9), "-1.5E-9");
        assert_eq!(real(3.0), "3.0");
        assert!(is_short(&Values::I64(vec![i64::from(i32::MIN)])) && !is_short(&Values::U32(vec![1 << 31])));
    }
}
