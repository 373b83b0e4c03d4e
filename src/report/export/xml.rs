//! Texts inside XML 1.0.
//!
//! XML 1.0 cannot hold most control characters in any spelling. They are shown by their pictures (U+2400 on), and
//! two ids that become the same thereby are refused.
//!
//! # Source
//! XML 1.0, fifth edition, sections 2.2 and 2.11.

use super::super::network::Network;
use super::super::table::{Table, Values};
use super::cells::picture;
use crate::error::{Error, Result};
use std::borrow::Cow;
use std::collections::HashSet;

/// Whether XML cannot hold `c`, or whether it is shown by its picture for another reason (DEL).
pub(super) fn is_lost(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}')
}

/// `text` for an attribute or an element.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    let special = |c: char| matches!(c, '&' | '<' | '>' | '"' | '\'') || c.is_control() || is_lost(c);
    if !text.contains(special) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            // Also the end of `]]>`, which may not stand in a text.
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            _ if is_lost(c) => out.push(picture(c)),
            // Spelled out, or a reader turns them into spaces in attributes.
            '\t' | '\n' | '\r' | '\u{80}'..='\u{9f}' => out.push_str(&format!("&#{};", c as u32)),
            _ => out.push(c),
        }
    }
    out.into()
}

/// Refuses ids that only characters told apart which XML cannot hold.
pub(super) fn distinct(network: &Network, format: &'static str) -> Result<()> {
    [&network.nodes, &network.edges].into_iter().try_for_each(|table| distinct_ids(table, format))
}

fn distinct_ids(table: &Table, format: &'static str) -> Result<()> {
    let Some(Values::Text(ids)) = table.column("id") else { return Ok(()) };
    if !ids.iter().any(|id| id.contains(is_lost)) {
        return Ok(());
    }
    let mut found = HashSet::with_capacity(ids.len());
    match ids.iter().find(|id| !found.insert(escape(id))) {
        None => Ok(()),
        Some(id) => Err(Error::input(
            format,
            format!(
                "the key {id:?} and another one differ only in characters that XML cannot hold; write JSON instead"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_character_is_left_that_xml_refuses() {
        let all: String = ('\0'..='\u{2fff}').chain(['\u{fffe}', '\u{ffff}', '😀']).collect();
        let escaped = escape(&all);
        let refused = |c: char| matches!(c, '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' | '<' | '"');
        assert!(!escaped.contains(refused));
        assert_eq!(escape("tab\tand\nline"), "tab&#9;and&#10;line");
        assert_eq!(escape("]]>"), "]]&gt;");
        assert_eq!(escape("a\u{85}b\u{1}"), "a&#133;b\u{2401}");
    }

    /// What an XML reader makes of an attribute's text.
    fn read(text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('&') {
            let end = at + rest[at..].find(';').unwrap();
            out.push_str(&rest[..at]);
            out.push(match &rest[at + 1..end] {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                number => char::from_u32(number[1..].parse().unwrap()).unwrap(),
            });
            rest = &rest[end + 1..];
        }
        out + rest
    }

    proptest! {
        #[test]
        fn a_text_reads_back_but_for_what_xml_cannot_hold(text in "(?s).*") {
            let shown: String = text.chars().map(|c| if is_lost(c) { picture(c) } else { c }).collect();
            prop_assert_eq!(read(&escape(&text)), shown);
        }
    }
}
