//! A case file as one HTML page that opens with no network: what is said in words and tables, a graph to explore, the
//! money flow, a timeline.
//!
//! # Method
//! Everything in words and tables is HTML, readable without script, in print and aloud. The case file itself follows
//! as JSON, then one script (`viewer/case.min.js`) that draws it and makes the tables sort, filter and copy. Where scripts are
//! switched off, the static pictures stand for what it draws.
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
use super::picture::{Picture, svg};
use super::sections::Sections;
use super::words::Words;
use sha2::{Digest, Sha256};
use std::io::{self, Write};

/// Built from `viewer/` by `make viewer`.
const SCRIPT: &str = include_str!("../viewer/case.min.js");
const STYLE: &str = include_str!("../viewer/case.css");

/// Most bytes of a picture in the page.
const STILL_MAX: usize = 120_000;

/// Writes the page of `case` to `out`: the same bytes for the same case.
///
/// # Errors
/// What `out` returns, and inside an [`io::Error`] a value that JSON cannot hold.
pub fn write_page(case: &CaseFile, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    let words = Words::of(case.language);
    let sections = Sections { case, words };
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
        stills(&sections),
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

/// The pictures, for readers without scripts; those with scripts never make elements of them. A picture that would be a large part of
/// the page is left out.
fn stills(sections: &Sections<'_>) -> String {
    let named = [("explore", Picture::Ring), ("timeline", Picture::Timeline), ("flow", Picture::Sankey)];
    let drawn = named.map(|(id, picture)| (id, svg(sections.case, picture)));
    let shown = drawn.iter().filter(|(_, svg)| svg.len() <= STILL_MAX).map(|(id, svg)| {
        let heading = escape(sections.words.get(id));
        format!(
            "<noscript><section><h2>{heading}</h2>\n<div class=\"scroll\">{svg}</div></section></noscript>\n"
        )
    });
    shown.collect()
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

#[cfg(test)]
mod tests {
    use super::super::sections::ROWS_MAX;
    use super::*;
    use serde_json::json;

    /// A case in which every text is `name`.
    fn case(name: &str, num_transfers: u32) -> CaseFile {
        let amount = json!({"currency": name, "minor": "123456", "amount": "1234.56"});
        let account = |member: bool| {
            json!({"id": name, "member": member, "roles": [name, "mule"], "received": [amount], "paid": [],
                "attributes": [[name, {name: [name, 1, null]}]], "x": 0.5, "y": 0.25})
        };
        let transfer = |at: u32| {
            json!({"id": name, "source": 0, "target": 1, "time": format!("2024-01-31T12:00:{:02}Z", at % 60),
                "paid": amount, "received": null, "traced": amount, "hop": 1, "evidence": at.is_multiple_of(2)})
        };
        let shows = json!({"text": name, "transfers": [0, 9_999_999], "identifiers": [0, 77]});
        let mut claim = shows.clone();
        let mut change = shows;
        claim["kind"] = json!(name);
        claim["id"] = json!(name);
        claim["millibits"] = json!(-2500);
        change["smallest"] = json!(true);
        serde_json::from_value(json!({
            "format": name, "language": "en",
            "subject": {"kind": "ring", "id": name, "title": name, "first": name, "last": null},
            "summary": [{"question": "who", "text": name}, {"question": name, "text": name}],
            "score_millibits": 1500,
            "score_parts": [{"name": name, "label": name, "millibits": 4000}, {"name": name, "label": name, "millibits": -2500}],
            "claims": [claim], "counterfactual": change,
            "money": [{"currency": name, "received": amount, "paid": amount, "kept": amount, "inside": amount, "traced": null}],
            "accounts": [account(true), account(false)],
            "identifiers": [{"id": name, "kind": name, "x": 0.1, "y": 0.2}],
            "uses": [{"account": 0, "identifier": 0, "first": null, "last": name, "count": 3}, {"account": 9, "identifier": 9, "first": null, "last": null, "count": 1}],
            "transfers": (0..num_transfers).map(transfer).collect::<Vec<_>>(),
            "flow_nodes": [{"account": null, "label": name, "step": 0}, {"account": 1, "label": name, "step": 1}],
            "flow_links": [{"source": 0, "target": 1, "amount": amount, "num_transfers": 2}],
            "summarised": {"num_accounts": 12_000_u64, "num_transfers": 9, "text": name},
            "withheld": [name], "provenance": {name: {name: [name]}}
        }))
        .unwrap()
    }

    fn page(case: &CaseFile) -> String {
        let mut out = Vec::new();
        write_page(case, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// What stands between `start` and the `end` that follows.
    fn between<'a>(page: &'a str, start: &str, end: &str) -> &'a str {
        let rest = page.split_once(start).unwrap_or_else(|| panic!("{start} is not there")).1;
        rest.split_once(end).unwrap().0
    }

    const HOSTILE: [&str; 8] = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</script><!--<script>",
        "' onclick='alert(1)",
        "&lt;b&gt;&amp;",
        "\u{2028}\u{2029}\u{202e}\0",
        "</style></title></textarea>]]>",
        "{0}{1}${x}",
    ];

    #[test]
    fn no_name_becomes_markup() {
        let count = |page: &str, what: &str| page.matches(what).count();
        let calm = page(&case("name", 3));
        for name in HOSTILE {
            let page = page(&case(name, 3));
            let read = between(&page, "<head>", "<script type");
            let harmless = escape(&visible(name)) == name;
            assert!(harmless || !read.replace(STYLE, "").contains(name), "{name:?} stands unescaped");
            for tag in ["<script", "</script", "<style", "<img", "<!--", "<details", "</title", "<bdi"] {
                assert_eq!(count(&page, tag), count(&calm, tag), "{tag} beside {name:?}");
            }
            assert!(
                !between(&page, "<body>", "<script").contains('\u{202e}'),
                "{name:?} turns the text around"
            );
        }
    }

    #[test]
    fn the_data_comes_back_as_it_went_in() {
        for name in HOSTILE {
            let case = case(name, 5);
            let page = page(&case);
            let data = between(&page, "<script type=\"application/json\" id=\"case\">", "</script>");
            assert!(!data.contains(['<', '>', '&', '\u{2028}', '\u{2029}']));
            assert_eq!(serde_json::from_str::<CaseFile>(data).unwrap(), case);
        }
    }

    #[test]
    fn the_policy_names_the_script_and_the_style_and_nothing_else() {
        let page = page(&case("</script>", 3));
        let policy = between(&page, "Content-Security-Policy\" content=\"", "\">");
        let hash = |text: &str| format!("'sha256-{}'", base64(&Sha256::digest(text)));
        let style = hash(between(&page, "<style id=\"__________cytoscape_stylesheet\">", "</style>"));
        let script = hash(between(&page, "<script>", "</script>"));
        assert_eq!(
            policy,
            format!(
                "default-src 'none'; script-src {script}; style-src {style}; img-src data:; base-uri 'none'; form-action 'none'"
            )
        );
        assert!(!SCRIPT.is_empty() && !STYLE.is_empty());
        // What the policy would refuse.
        assert!(!between(&page, "<body>", "<script").contains(" style=\""));
        // Hashes are of what a browser reads: it would turn a CR into a line feed.
        assert!(!SCRIPT.contains(['\r', '\0']) && !STYLE.contains(['\r', '\0']));
    }

    #[test]
    fn base64_is_that_of_the_standard() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xef, 0xff]), "++//");
    }

    #[test]
    fn nothing_is_fetched_from_anywhere() {
        let namespaces =
            ["http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink", "http://www.w3.org/1999/xhtml"];
        let mut page = page(&case("name", 3));
        for namespace in namespaces {
            page = page.replace(namespace, "");
        }
        let place = page.find("http:").or(page.find("https:")).or(page.find("\"//"));
        let around = place.map(|at| page[at.saturating_sub(80)..].chars().take(160).collect::<String>());
        assert_eq!(around, None);
        for asks in ["@import", "url(", "<link", "src="] {
            assert!(!STYLE.contains(asks) && !between(&page, "<head>", "<script").contains(asks), "{asks}");
        }
    }

    #[test]
    fn the_same_case_gives_the_same_bytes() {
        assert_eq!(page(&case("a", 9)), page(&case("a", 9)));
    }

    #[test]
    fn all_that_is_said_is_there_without_the_script() {
        let mut case = case("name", 1000);
        let page_en = page(&case);
        let read = between(&page_en, "<body>", "<script");
        for text in [
            "1.500 bits",
            "4.000",
            "-2.500",
            "1,234.56",
            "12,000",
            "rests on 2 transfers, 2 identifiers",
            "mule",
        ] {
            assert!(read.contains(text), "{text} is not there");
        }
        // Evidence is every second transfer, and the first 300 of it are there.
        assert_eq!(read.matches("2024-01-31 12:00:").count(), ROWS_MAX);
        assert!(read.contains("The first 300 of 500 rows"), "what is left out is not said");
        assert!(!read.contains("do not add up"));
        // So are the pictures, and nobody with a script sees them.
        assert_eq!(read.matches("<noscript><section><h2>").count(), 3);
        assert_eq!(read.matches("<svg xmlns").count(), 3);
        case.score_millibits = Some(1501);
        case.language = Language::Zh;
        let page_zh = page(&case);
        assert!(page_zh.contains("<html lang=\"zh-Hans\">") && page_zh.contains("各部分之和与评分不符"));
        assert!(page_en.contains("<html lang=\"en\">"));
    }

    #[test]
    fn a_large_case_stays_small() {
        let mut large = case("ACC-0123456789ABCDEF", 1000);
        large.accounts = vec![large.accounts[0].clone(); 200];
        let size = page(&large).len();
        assert!(size < 2_000_000, "{size} bytes");
    }

    #[test]
    fn an_error_of_the_writer_is_returned() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = write_page(&case("name", 1), &mut Full).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
