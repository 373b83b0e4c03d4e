//! A case file as one HTML page that opens with no network: what is said in words and tables, a graph to explore, the
//! money flow, a timeline.
//!
//! # Method
//! Everything in words and tables is HTML, readable without script, in print and aloud. The case file itself follows
//! as JSON, then one script (`viewer/case.min.js`) that draws it and makes the tables sort, filter and copy.
//!
//! # Choices
//! A policy in the head forbids everything but that script and that style, which it names by their SHA-256: nothing can
//! be fetched, and markup that came in with a name could not run even if it were not escaped. The script writes names by
//! `textContent` only. In the JSON, `<`, `>`, `&` and the two line ends that JavaScript once did not allow are written
//! as `\u003c`, so that no name ends the element.
//!
//! # Source
//! Content Security Policy Level 3, section 6.7.3 (hashes); HTML, section 4.12.1 (data blocks).

use super::file::{CaseFile, Language};
use super::markup::{escape, visible};
use super::sections::Sections;
use super::sentences::Words;
use sha2::{Digest, Sha256};
use std::io::{self, Write};

/// Built from `viewer/` by `make viewer`.
const SCRIPT: &str = include_str!("../viewer/case.min.js");
const STYLE: &str = include_str!("../viewer/case.css");

/// Writes the page of `case` to `out`: the same bytes for the same case.
///
/// # Errors
/// What `out` returns, and inside an [`io::Error`] a value that JSON cannot hold.
pub fn write_page(case: &CaseFile, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    let words = Words::of(case.language);
    let sections = Sections { case, words: &words };
    let language = match case.language {
        Language::En => "en",
        Language::Zh => "zh-Hans",
    };
    let title = escape(&visible(&case.subject.title));
    writeln!(out, "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">", policy())?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<meta name=\"referrer\" content=\"no-referrer\">\n<title>{title}</title>")?;
    // By this id Cytoscape finds that its own style, which the policy would refuse, is not needed.
    writeln!(out, "<style id=\"__________cytoscape_stylesheet\">{STYLE}</style>\n</head>\n<body>")?;
    writeln!(out, "<a class=\"skip\" href=\"#content\">{}</a>", escape(words.get("skip")))?;
    out.write_all(sections.header().as_bytes())?;
    writeln!(out, "<main id=\"content\" tabindex=\"-1\">")?;
    writeln!(out, "<p class=\"small\">{} {}</p>", escape(words.get("utc")), escape(words.get("offline")))?;
    writeln!(
        out,
        "<p class=\"warning scriptless\" role=\"note\">{}</p>",
        escape(words.get("script_needed"))
    )?;
    for part in [
        sections.summarised(),
        sections.summary(),
        sections.reasons(),
        sections.counterfactual(),
        sections.money(),
        sections.drawn("explore"),
        sections.drawn("timeline"),
        sections.drawn("flow"),
        sections.accounts(),
        sections.identifiers(),
        sections.transfers(),
        sections.withheld(),
        sections.provenance(),
    ] {
        out.write_all(part.as_bytes())?;
    }
    writeln!(out, "</main>\n<script type=\"application/json\" id=\"case\">{}</script>", data(case)?)?;
    writeln!(out, "<script>{SCRIPT}</script>\n</body>\n</html>")
}

/// What the page may do: run its script and use its style, each known by its digest.
fn policy() -> String {
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        base64(&Sha256::digest(SCRIPT)),
        base64(&Sha256::digest(STYLE))
    )
}

/// `bytes` as RFC 4648 writes them.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at)) as usize & 63];
            out.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

/// `case` as JSON that cannot end the element in which it stands.
fn data(case: &CaseFile) -> io::Result<String> {
    let json = serde_json::to_string(case).map_err(io::Error::other)?;
    let mut out = String::with_capacity(json.len() + json.len() / 16);
    for c in json.chars() {
        match c {
            // All of these stand only inside texts.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            _ => out.push(c),
        }
    }
    Ok(out)
}
