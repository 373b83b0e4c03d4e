//! Shapes: what a role looks like, arrows, and the legend that explains them.

use super::canvas::{Anchor, Canvas, FAINT, INK, Num, Outline, PAPER};
use super::words::Words;
use crate::report::case::file::{CaseAccount, CaseFile};
use crate::report::case::visible::{elide, width};

/// How a role looks.
struct Look {
    role: &'static str,
    /// Its colour, and the same mixed with two parts of white for accounts outside.
    colours: [&'static str; 2],
    /// The corners of its shape around (0, 0) for a radius of 1; none is a circle.
    corners: &'static [(f64, f64)],
}

/// Roles by weight: the first one that an account has is drawn. The colours are those of the page (`report/viewer`).
const ROLES: [Look; 6] = [
    Look { role: "controller", colours: ["#3b2e7e", "#bab6d2"], corners: &STAR },
    Look { role: "collector", colours: ["#d55e00", "#f0c7a6"], corners: &SQUARE },
    Look {
        role: "cash-out",
        colours: ["#00805f", "#a6d3c7"],
        corners: &[(-1.1, -0.8), (1.1, -0.8), (0.0, 1.15)],
    },
    Look {
        role: "layer",
        colours: ["#b1689b", "#e4cadc"],
        corners: &[(0.0, -1.2), (1.2, 0.0), (0.0, 1.2), (-1.2, 0.0)],
    },
    Look { role: "mule", colours: ["#e69f00", "#f6dda6"], corners: &[(0.0, -1.15), (1.1, 0.8), (-1.1, 0.8)] },
    Look { role: "victim", colours: ["#0072b2", "#a6cee4"], corners: &[] },
];
const SQUARE: [(f64, f64); 4] = [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)];
/// A star of five points.
const STAR: [(f64, f64); 10] = [
    (0.0, -1.35),
    (0.35, -0.49),
    (1.28, -0.42),
    (0.57, 0.19),
    (0.79, 1.09),
    (0.0, 0.6),
    (-0.79, 1.09),
    (-0.57, 0.19),
    (-1.28, -0.42),
    (-0.35, -0.49),
];
const HEXAGON: [(f64, f64); 6] =
    [(-0.5, -0.87), (0.5, -0.87), (1.0, 0.0), (0.5, 0.87), (-0.5, 0.87), (-1.0, 0.0)];
/// An account without a known role.
const PLAIN: [&str; 2] = ["#6b7a90", "#cbd0d8"];

/// What is drawn of an account's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A place in [`ROLES`].
    Role(usize),
    /// None that is known.
    Plain,
    /// Not an account.
    Identifier,
}

impl Kind {
    pub(super) fn of(account: &CaseAccount) -> Self {
        let role = ROLES.iter().position(|look| account.roles.iter().any(|role| role == look.role));
        role.map_or(Kind::Plain, Kind::Role)
    }

    /// Its colour, paler outside of the subject.
    pub(super) const fn colour(self, member: bool) -> &'static str {
        let pale = !member as usize;
        match self {
            Kind::Role(role) => ROLES[role].colours[pale],
            Kind::Plain => PLAIN[pale],
            Kind::Identifier => PAPER,
        }
    }

    /// All, as a legend lists them: money's way from the victim to whoever controls the rest.
    pub(super) const ALL: [Kind; 8] = [
        Kind::Role(5),
        Kind::Role(1),
        Kind::Role(4),
        Kind::Role(3),
        Kind::Role(2),
        Kind::Role(0),
        Kind::Plain,
        Kind::Identifier,
    ];

    pub(super) fn word(self, words: &Words) -> &'static str {
        match self {
            Kind::Role(role) => words.role(ROLES[role].role),
            Kind::Plain => words.account,
            Kind::Identifier => words.uses,
        }
    }

    const fn corners(self) -> &'static [(f64, f64)] {
        match self {
            Kind::Role(role) => ROLES[role].corners,
            Kind::Plain => &[],
            Kind::Identifier => &HEXAGON,
        }
    }

    /// Draws it at `at` with `title`, which has to be escaped already and may be empty. Outside of the subject its line is broken, and its colour pale.
    pub(super) fn draw(self, canvas: &mut Canvas, at: (f64, f64), radius: f64, member: bool, title: &str) {
        let outside = if member { "" } else { " stroke-dasharray=\"2 1.5\"" };
        let colour = self.colour(member);
        let corners = self.corners();
        if corners.is_empty() {
            canvas.add(format_args!(
                "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{colour}\"{outside}>",
                Num(at.0),
                Num(at.1),
                Num(radius)
            ));
        } else {
            let at = |corner: &(f64, f64)| (at.0 + radius * corner.0, at.1 + radius * corner.1);
            let outline =
                corners[1..].iter().fold(Outline::new(at(&corners[0])), |out, corner| out.line(at(corner)));
            canvas.add(format_args!("<path fill=\"{colour}\"{outside} d=\"{}\">", outline.close()));
        }
        let end = if corners.is_empty() { "circle" } else { "path" };
        if !title.is_empty() {
            canvas.add(format_args!("<title>{title}</title>"));
        }
        canvas.add(format_args!("</{end}>\n"));
    }
}

/// The outline of an arrow from `from` to `to`, `width` wide, bent to its left by `bend`, its ends `gap` from the places; as
/// the `d` of a path. Empty where there is no room for one.
pub(super) fn arrow(from: (f64, f64), to: (f64, f64), width: f64, bend: f64, gap: (f64, f64)) -> String {
    let (x, y) = (to.0 - from.0, to.1 - from.1);
    let length = (x * x + y * y).sqrt();
    if length < gap.0 + gap.1 + 1.0 {
        return String::new();
    }
    let (ux, uy) = (x / length, y / length);
    // Places along the straight line, and how far to its left.
    let at = |along: f64, aside: f64| (from.0 + ux * along + uy * aside, from.1 + uy * along - ux * aside);
    let (head_long, head_half) = ((4.5 + width * 1.2).min((length - gap.0 - gap.1) * 0.8), 2.2 + width * 0.8);
    let half = width / 2.0;
    if bend == 0.0 {
        let (start, neck, tip) = (gap.0, length - gap.1 - head_long, length - gap.1);
        return Outline::new(at(start, half))
            .line(at(neck, half))
            .line(at(neck, head_half))
            .line(at(tip, 0.0))
            .line(at(neck, -head_half))
            .line(at(neck, -half))
            .line(at(start, -half))
            .close();
    }
    // A parabola through both ends; where it leaves and arrives, it has this slope.
    let middle = (length / 2.0, 2.0 * bend);
    let slope = (middle.0 * middle.0 + middle.1 * middle.1).sqrt();
    let (along, aside) = (middle.0 / slope, middle.1 / slope);
    let start = (gap.0 * along, gap.0 * aside);
    let tip = (length - gap.1 * along, gap.1 * aside);
    let neck = (tip.0 - head_long * along, tip.1 + head_long * aside);
    // Across the curve at the start and at the neck.
    let (s, n) = ((-aside, along), (aside, along));
    Outline::new(at(start.0 + half * s.0, start.1 + half * s.1))
        .bow(at(middle.0, middle.1 + half), at(neck.0 + half * n.0, neck.1 + half * n.1))
        .line(at(neck.0 + head_half * n.0, neck.1 + head_half * n.1))
        .line(at(tip.0, tip.1))
        .line(at(neck.0 - head_half * n.0, neck.1 - head_half * n.1))
        .line(at(neck.0 - half * n.0, neck.1 - half * n.1))
        .bow(at(middle.0, middle.1 - half), at(start.0 - half * s.0, start.1 - half * s.1))
        .close()
}

/// An entry of a legend.
pub(super) enum Entry {
    /// An account or identifier, of the subject or outside.
    Node(Kind, bool),
    /// A transfer: its colour.
    Arrow(&'static str),
    /// A text alone.
    Note,
}

/// What the picture shows of a larger subject, in a legend `room` wide; nothing where it shows all.
pub(super) fn summarised(case: &CaseFile, room: f64) -> Option<(Entry, String)> {
    case.summarised.as_ref().map(|part| (Entry::Note, elide(&part.text, room / 12.0)))
}

/// Lays `entries` out in lines at most `room` wide: the place of each, and the height of all.
fn lines(entries: &[(Entry, String)], room: f64) -> (Vec<(f64, f64)>, f64) {
    let (mut x, mut y) = (0.0, 0.0);
    let mut places = Vec::with_capacity(entries.len());
    for (entry, text) in entries {
        let sign = match entry {
            Entry::Node(..) => 20.0,
            Entry::Arrow(_) => 34.0,
            Entry::Note => 0.0,
        };
        let wide = sign + 11.5 * width(text) + 18.0;
        if x > 0.0 && x + wide > room {
            (x, y) = (0.0, y + 20.0);
        }
        places.push((x, y));
        x += wide;
    }
    (places, if entries.is_empty() { 0.0 } else { y + 20.0 })
}

/// How high a legend of `entries` is.
pub(super) fn legend_height(entries: &[(Entry, String)], room: f64) -> f64 {
    lines(entries, room).1
}

/// Draws a legend with its left upper corner at `corner`.
pub(super) fn legend(canvas: &mut Canvas, corner: (f64, f64), entries: &[(Entry, String)], room: f64) {
    let (places, _) = lines(entries, room);
    canvas.group(&format!("font-size=\"11.5\" fill=\"{FAINT}\""));
    for ((entry, text), place) in entries.iter().zip(places) {
        let (x, y) = (corner.0 + place.0, corner.1 + place.1 + 10.0);
        let text_x = match entry {
            Entry::Node(kind, member) => {
                canvas.group(&format!("stroke=\"{INK}\""));
                kind.draw(canvas, (x + 7.0, y), 6.0, *member, "");
                canvas.end_group();
                x + 20.0
            }
            Entry::Arrow(colour) => {
                let d = arrow((x, y), (x + 28.0, y), 2.2, 0.0, (0.0, 0.0));
                canvas.add(format_args!("<path fill=\"{colour}\" d=\"{d}\"/>\n"));
                x + 34.0
            }
            Entry::Note => x,
        };
        canvas.text((text_x, y + 4.0), Anchor::Start, "", text);
    }
    canvas.end_group();
}
