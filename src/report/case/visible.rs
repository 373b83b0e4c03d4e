//! Texts that others chose, made safe to show: what acts becomes visible, what is too long is cut.

use std::fmt;

/// Whether `c` acts on its surroundings, or shows nothing, instead of showing itself.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
        || (c as u32) & 0xfffe == 0xfffe
}

/// `text` with control characters, those that turn the direction of writing and those that show nothing written as
/// `\u{202e}`. What comes out holds only characters that XML allows.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Shows a text [`visible`], and with the characters that mean something to XML and HTML escaped; for content and for attributes
/// in double or single quotes.
pub(crate) struct Xml<'a>(pub(crate) &'a str);

impl fmt::Display for Xml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c if acts(c) => write!(f, "{}", c.escape_default())?,
                c => fmt::Write::write_char(f, c)?,
            }
        }
        Ok(())
    }
}

/// How wide `text` is likely to be in a sans-serif font of size 1.
pub(crate) fn width(text: &str) -> f64 {
    text.chars().map(|c| f64::from(hundredths(c)) / 100.0).sum()
}

fn hundredths(c: char) -> u32 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '!' | '|' | 'I' | ' ' => 29,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '/' | '\\' | '{' | '}' => 36,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 88,
        'A'..='Z' | '&' => 70,
        '\u{300}'..='\u{36f}' => 0,
        '\0'..='\u{24f}' => 57,
        '\u{250}'..='\u{10ff}' | '\u{1e00}'..='\u{2e7f}' => 62,
        _ => 100,
    }
}

/// `text` made [`visible`] and cut in the middle so that it is at most `width_max` wide in a font of size 1: both ends of a name
/// tell it from others.
pub(crate) fn elide(text: &str, width_max: f64) -> String {
    let shown = visible(&text.chars().take(400).collect::<String>());
    if width(&shown) <= width_max && text.chars().nth(400).is_none() {
        return shown;
    }
    let chars: Vec<char> = text.chars().take(400).collect();
    let last: Vec<char> = if text.chars().nth(400).is_none() {
        chars.clone()
    } else {
        text.chars().rev().take(20).collect::<Vec<_>>().into_iter().rev().collect()
    };
    let room = (width_max - 1.0).max(0.0);
    let part = |c: &char| {
        let shown = visible(&c.to_string());
        (width(&shown), shown)
    };
    let mut front = String::new();
    let mut used = 0.0;
    for (wide, shown) in chars.iter().map(part) {
        if used + wide > room * 0.6 {
            break;
        }
        used += wide;
        front += &shown;
    }
    let mut back = Vec::new();
    for (wide, shown) in last.iter().rev().map(part) {
        // A mark that combines must not be parted from what it stands on.
        if used + wide > room && wide > 0.0 {
            break;
        }
        used += wide;
        back.push(shown);
    }
    back.reverse();
    format!("{front}…{}", back.concat())
}

/// `text` for titles and tables: [`visible`], and cut where it is longer than `chars_max` characters.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => visible(text),
        Some((end, _)) => visible(&text[..end]) + "…",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_becomes_visible() {
        assert_eq!(
            visible("a\u{202e}b\n\u{200b}\u{feff}\u{e0041}é谢"),
            "a\\u{202e}b\\n\\u{200b}\\u{feff}\\u{e0041}é谢"
        );
        assert_eq!(
            Xml("<a href='x'>&\"\u{0}\u{ffff}").to_string(),
            "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\\u{0}\\u{ffff}"
        );
    }

    #[test]
    fn nothing_that_xml_refuses_is_left() {
        let all: String = ('\0'..='\u{10ffff}').collect();
        let refused = |c: char| !matches!(c, '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
        assert!(!visible(&all).contains(refused));
        assert!(!Xml(&all).to_string().contains(refused));
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        assert_eq!(elide("short", 10.0), "short");
        let cut = elide("ACC-0000000000000000000000000-77", 10.0);
        assert!(cut.starts_with("ACC-") && cut.ends_with("-77") && width(&cut) <= 10.0, "{cut}");
        let cut = elide(&"长".repeat(10_000), 10.0);
        assert!(width(&cut) <= 10.0 && cut.contains('…'), "{cut}");
        assert_eq!(super::cut("abc", 3), "abc");
        assert_eq!(super::cut("ab\u{7}d", 3), "ab\\u{7}…");
    }

    #[test]
    fn a_tower_of_marks_stays_small() {
        let tower = format!("a{}", "\u{301}".repeat(5_000));
        assert!(elide(&tower, 10.0).chars().count() < 500);
    }
}
