//! An SVG document in the making: a header, a background, and elements in the order in which they lie over each other.

use crate::report::case::file::{CaseFile, Language};
use crate::report::case::visible::{Xml, elide};
use std::fmt::{self, Write};

/// Ink for texts, and for what matters.
pub(super) const INK: &str = "#1f2430";
/// Ink for what is beside the matter.
pub(super) const FAINT: &str = "#5c6470";
/// Lines that carry nothing of their own.
pub(super) const RULE: &str = "#d5d9df";
/// What lies under everything.
pub(super) const PAPER: &str = "#ffffff";
/// Room around everything.
pub(super) const EDGE: f64 = 20.0;
/// Height of the heading, with the room above it.
pub(super) const HEADING: f64 = 66.0;

/// Fonts by language: those for Chinese first where texts are Chinese, since some programs take the first one for a whole line.
const FONTS: [&str; 2] = [
    "Helvetica, Arial, 'Liberation Sans', 'Noto Sans', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif",
    "'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', Helvetica, Arial, sans-serif",
];

/// A length: one decimal, and none where it is whole.
pub(super) struct Num(pub(super) f64);

impl fmt::Display for Num {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round() as i64;
        if tenths < 0 {
            f.write_str("-")?;
        }
        let (whole, tenth) = (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
        if tenth == 0 { write!(f, "{whole}") } else { write!(f, "{whole}.{tenth}") }
    }
}

/// The outline of a shape, for the `d` of a path: steps in tenths from place to place, so that rounding never adds up, written as
/// shortly as SVG allows.
pub(super) struct Outline {
    out: String,
    at: (i64, i64),
    command: char,
}

impl Outline {
    /// Begins at `place`.
    pub(super) fn new(place: (f64, f64)) -> Self {
        let at = Self::tenths(place);
        Self { out: format!("M{} {}", Num(place.0), Num(place.1)), at, command: 'M' }
    }

    fn tenths(place: (f64, f64)) -> (i64, i64) {
        ((place.0 * 10.0).round() as i64, (place.1 * 10.0).round() as i64)
    }

    fn step(&mut self, command: char, places: &[(f64, f64)]) {
        // A command that is the last one again need not be said.
        let mut apart = self.command == command;
        if !apart {
            self.out.push(command);
            self.command = command;
        }
        for place in places {
            let to = Self::tenths(*place);
            for tenths in [to.0 - self.at.0, to.1 - self.at.1] {
                let (whole, tenth) = (tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
                if tenths < 0 {
                    self.out.push('-');
                } else if apart {
                    self.out.push(' ');
                }
                let _ = match (whole, tenth) {
                    (_, 0) => write!(self.out, "{whole}"),
                    (0, _) => write!(self.out, ".{tenth}"),
                    _ => write!(self.out, "{whole}.{tenth}"),
                };
                apart = true;
            }
        }
        if let Some(last) = places.last() {
            self.at = Self::tenths(*last);
        }
    }

    /// Straight on to `place`.
    pub(super) fn line(mut self, place: (f64, f64)) -> Self {
        self.step('l', &[place]);
        self
    }

    /// To the second place, pulled by the first.
    pub(super) fn bow(mut self, by: (f64, f64), place: (f64, f64)) -> Self {
        self.step('q', &[by, place]);
        self
    }

    /// To the third place, pulled by the others.
    pub(super) fn curve(mut self, by: [(f64, f64); 2], place: (f64, f64)) -> Self {
        self.step('c', &[by[0], by[1], place]);
        self
    }

    /// Back to where it began.
    pub(super) fn close(mut self) -> String {
        self.out.push('z');
        self.out
    }
}

/// Where a text stands to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The document.
pub(super) struct Canvas {
    out: String,
    groups: usize,
}

impl Canvas {
    /// An empty picture with a heading: the subject's title, and `about` under it.
    pub(super) fn new(case: &CaseFile, size: (f64, f64), about: &str) -> Self {
        let (width, height) = (Num(size.0), Num(size.1));
        let (language, fonts) = match case.language {
            Language::En => ("en", FONTS[0]),
            Language::Zh => ("zh", FONTS[1]),
        };
        let mut canvas = Self { out: String::new(), groups: 0 };
        canvas.add(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" xml:lang=\"{language}\" font-family=\"{fonts}\" font-size=\"12\" fill=\"{INK}\">\n"
        ));
        let desc: Vec<&str> = case.summary.iter().map(|point| point.text.as_str()).collect();
        canvas.add(format_args!("<title>{}</title>\n", Xml(&elide(&case.subject.title, 120.0))));
        canvas.add(format_args!(
            "<desc>{}</desc>\n",
            Xml(&desc.join(" ").chars().take(2_000).collect::<String>())
        ));
        canvas.add(format_args!("<rect width=\"{width}\" height=\"{height}\" fill=\"{PAPER}\"/>\n"));
        let room = size.0 - 2.0 * EDGE;
        canvas.add(format_args!(
            "<text x=\"{EDGE}\" y=\"34\" font-size=\"17\" font-weight=\"bold\">{}</text>\n",
            Xml(&elide(&case.subject.title, room / 18.0))
        ));
        canvas.add(format_args!(
            "<text x=\"{EDGE}\" y=\"54\" fill=\"{FAINT}\">{}</text>\n",
            Xml(&elide(about, room / 12.5))
        ));
        canvas
    }

    /// Adds what `what` says; texts in it have to be escaped already.
    pub(super) fn add(&mut self, what: fmt::Arguments<'_>) {
        let _ = self.out.write_fmt(what); // a String takes everything
    }

    /// Begins a group with `attributes`.
    pub(super) fn group(&mut self, attributes: &str) {
        self.groups += 1;
        self.add(format_args!("<g {attributes}>\n"));
    }

    /// Ends the innermost group.
    pub(super) fn end_group(&mut self) {
        self.groups -= 1;
        self.add(format_args!("</g>\n"));
    }

    /// A text at a place, `text` being escaped here; `attributes` add to those of its group.
    pub(super) fn text(&mut self, at: (f64, f64), anchor: Anchor, attributes: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let space = if attributes.is_empty() { "" } else { " " };
        self.add(format_args!(
            "<text x=\"{}\" y=\"{}\"{anchor}{space}{attributes}>{}</text>\n",
            Num(at.0),
            Num(at.1),
            Xml(text)
        ));
    }

    /// A sentence in the middle of an empty picture.
    pub(super) fn say(&mut self, size: (f64, f64), text: &str) {
        let at = (size.0 / 2.0, (size.1 + HEADING) / 2.0);
        self.text(at, Anchor::Middle, &format!("fill=\"{FAINT}\" font-size=\"14\""), text);
    }

    /// The document.
    pub(super) fn finish(mut self) -> String {
        debug_assert_eq!(self.groups, 0);
        self.out += "</svg>\n";
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::{Num, Outline};

    #[test]
    fn outlines_are_short_and_exact() {
        let outline =
            Outline::new((10.04, 5.0)).line((10.5, 4.96)).line((0.0, 0.3)).bow((1.0, 1.0), (2.0, 0.0));
        assert_eq!(outline.close(), "M10 5l.5 0-10.5-4.7q1 .7 2-.3z");
    }

    #[test]
    fn lengths_are_short() {
        let shown = [0.0, -0.04, 0.05, -1.26, 1200.0, 3.16].map(|value| Num(value).to_string());
        assert_eq!(shown, ["0", "0", "0.1", "-1.3", "1200", "3.2"]);
    }
}
