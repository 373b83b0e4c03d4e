//! Pieces of HTML: escaped text, names that cannot disguise themselves, amounts, tables.
//!
//! # Choices
//! A character that acts instead of showing (controls, changes of direction, characters without width) is written out
//! as `⟦U+202E⟧`, and every name stands in a `bdi`, so that neither changes what stands beside it. This holds for
//! characters without width that some scripts need as well: two names that differ must look different. Names of more
//! than [`NAME_MAX`] characters are shown by their ends and kept in full behind a fold. The script of the page does the
//! same (`viewer/src/text.js`); a test in a browser compares the two.

use super::file::CaseAmount;

/// Longest name that is shown in full, in characters.
pub(super) const NAME_MAX: usize = 64;
/// Longest name that is never broken into lines.
const UNBROKEN_MAX: usize = 24;
/// Characters kept of the start and the end of a longer one.
const ENDS: (usize, usize) = (40, 12);

/// `text` for an element or a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// `text` with every character that acts instead of showing written out.
pub(super) fn visible(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if acts(c) {
            out.push_str(&format!("⟦U+{:04X}⟧", c as u32))
        } else {
            out.push(c)
        }
        out
    })
}

fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A sentence: visible and escaped, without effect on the direction of what follows.
pub(super) fn text(text: &str) -> String {
    format!("<bdi>{}</bdi>", escape(&visible(text)))
}

/// A name; a long one by its ends, with the whole behind a fold. `characters` says how long it is, with a place `{0}`.
pub(super) fn name(name: &str, characters: &str) -> String {
    match elided(name) {
        None => short_name(name),
        Some(short) => format!(
            "<details class=\"long\"><summary><bdi class=\"name\">{}</bdi> ({})</summary><bdi class=\"name\">{}</bdi></details>",
            escape(&short),
            escape(&fill(characters, &[&name.chars().count().to_string()])),
            escape(&visible(name))
        ),
    }
}

/// A name where it only refers: a long one by its ends, one that would show nothing spelled out.
pub(super) fn short_name(name: &str) -> String {
    let shown = elided(name).unwrap_or_else(|| match name {
        "" => "⟦⟧".to_string(),
        blank if blank.bytes().all(|byte| byte == b' ') => "⟦U+0020⟧".repeat(blank.len()),
        _ => visible(name),
    });
    let class = if shown.chars().count() <= UNBROKEN_MAX { "name short" } else { "name" };
    format!("<bdi class=\"{class}\">{}</bdi>", escape(&shown))
}

/// The visible ends of a long name; nothing for a name that is shown in full.
fn elided(name: &str) -> Option<String> {
    let count = name.chars().count();
    (count > NAME_MAX).then(|| {
        let head: String = name.chars().take(ENDS.0).collect();
        let tail: String = name.chars().skip(count - ENDS.1).collect();
        format!("{}…{}", visible(&head), visible(&tail))
    })
}

/// `pattern` with `{0}`, `{1}`, … replaced.
pub(super) fn fill(pattern: &str, values: &[&str]) -> String {
    values
        .iter()
        .enumerate()
        .fold(pattern.to_string(), |text, (at, value)| text.replace(&format!("{{{at}}}"), value))
}

/// An amount: the exact decimal with its digits in groups of three, and its currency.
pub(super) fn amount(amount: &CaseAmount) -> String {
    format!(
        "<span class=\"amount\">{}</span> <span class=\"code\">{}</span>",
        escape(&visible(&grouped(&amount.amount))),
        escape(&visible(&amount.currency))
    )
}

/// A decimal with commas between groups of three digits; anything else as it is.
pub(super) fn grouped(decimal: &str) -> String {
    let unsigned = decimal.strip_prefix('-').unwrap_or(decimal);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || unsigned.ends_with('.') {
        return decimal.to_string();
    }
    let mut out = String::from(&decimal[..decimal.len() - unsigned.len()]);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + &unsigned[whole.len()..]
}

/// Thousandths of a bit as bits with three decimals.
pub(super) fn bits(millibits: i64) -> String {
    let (sign, size) = (if millibits < 0 { "-" } else { "" }, millibits.unsigned_abs());
    format!("{sign}{}.{:03}", grouped(&(size / 1000).to_string()), size % 1000)
}

/// A moment as a reader takes it in: `2024-01-31 12:00:00`, UTC; anything else as it is.
pub(super) fn moment(time: &str) -> String {
    match time.strip_suffix('Z').and_then(|time| time.split_once('T')) {
        Some((date, clock)) => escape(&visible(&format!("{date} {clock}"))),
        None => escape(&visible(time)),
    }
}

/// A table of ready cells: a caption that says what it is, headings, rows. `numbers` are columns that stand right.
pub(super) fn table(caption: &str, headings: &[&str], numbers: &[usize], rows: &[Vec<String>]) -> String {
    let class = |at: usize| if numbers.contains(&at) { " class=\"number\"" } else { "" };
    let mut out = format!("<div class=\"scroll\"><table><caption>{}</caption><thead><tr>", escape(caption));
    for (at, heading) in headings.iter().enumerate() {
        out += &format!("<th scope=\"col\"{}>{}</th>", class(at), escape(heading));
    }
    out += "</tr></thead><tbody>\n";
    for row in rows {
        out += "<tr>";
        for (at, cell) in row.iter().enumerate() {
            out += &format!("<td{}>{cell}</td>", class(at));
        }
        out += "</tr>\n";
    }
    out + "</tbody></table></div>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_become_markup_or_turn_the_text_around() {
        assert_eq!(escape("<a href='x' b=\"&\">"), "&lt;a href=&#39;x&#39; b=&quot;&amp;&quot;&gt;");
        assert_eq!(name("a\u{202e}b\0<", "{0}"), "<bdi class=\"name short\">a⟦U+202E⟧b⟦U+0000⟧&lt;</bdi>");
        assert_eq!(visible("a\u{200d}b\u{e0041}\t谢谢 😀"), "a⟦U+200D⟧b⟦U+E0041⟧⟦U+0009⟧谢谢 😀");
        assert_eq!((short_name(""), short_name(" ")), (short_name("⟦⟧"), short_name("⟦U+0020⟧")));
        assert!(('\0'..='\u{10ffff}').filter(|c| acts(*c)).all(|c| visible(&c.to_string()).starts_with('⟦')));
    }

    #[test]
    fn a_long_name_is_shown_by_its_ends_and_kept_in_full() {
        let long = "谢".repeat(10_000);
        let html = name(&long, "{0} characters");
        assert!(html.contains(&format!("{}…{}</bdi> (10000 characters)", "谢".repeat(40), "谢".repeat(12))));
        assert!(html.contains(&format!(">{long}</bdi></details>")));
        assert!(!short_name(&long).contains(&"谢".repeat(41)));
        let longest = "x".repeat(NAME_MAX);
        assert_eq!(short_name(&longest), format!("<bdi class=\"name\">{longest}</bdi>"));
    }

    #[test]
    fn digits_are_grouped_and_nothing_is_rounded() {
        for (decimal, shown) in [
            ("0.05", "0.05"),
            ("-1234567.890", "-1,234,567.890"),
            ("123", "123"),
            ("1000", "1,000"),
            (
                "170141183460469231731687303715884105727",
                "170,141,183,460,469,231,731,687,303,715,884,105,727",
            ),
            ("1e9", "1e9"),
            ("12.", "12."),
            ("-", "-"),
            ("", ""),
        ] {
            assert_eq!(grouped(decimal), shown);
        }
        assert_eq!(bits(-5), "-0.005");
        assert_eq!(bits(i64::MIN), "-9,223,372,036,854,775.808");
        assert_eq!(moment("2024-01-31T12:00:00.5Z"), "2024-01-31 12:00:00.5");
        assert_eq!(moment("<yesterday>"), "&lt;yesterday&gt;");
    }
}
