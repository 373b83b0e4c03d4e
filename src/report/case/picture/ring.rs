//! The ring as a network: accounts, shared identifiers, and transfers bundled by payer, payee and currency.
//!
//! # Choices
//! Places come from the case file; only their scale is chosen here, so that neighboring accounts leave room for each other.
//! Names are placed by a greedy search over eight places around each node, the busiest node first, and a name that
//! would lie over another or over a node is left to its title.

use super::NAME_MAX;
use super::canvas::{Anchor, Canvas, EDGE, HEADING, INK, Num, Outline, PAPER};
use super::marks::{Entry, Kind, arrow, legend, legend_height, summarised};
use super::sums::Sum;
use super::words::{LeftOut, Words, words};
use crate::report::case::file::{CaseFile, CaseTransfer};
use crate::report::case::visible::{Xml, cut, elide, width};
use std::collections::BTreeMap;

/// Transfers that no claim rests on.
const OTHER: &str = "#b9c0ca";
/// Lines to identifiers.
const USES: &str = "#7a8290";

/// Transfers from one account to another in one currency.
#[derive(Default)]
struct Bundle {
    sum: Sum,
    count: u64,
    evidence: bool,
    first: String,
    last: String,
}

/// A node as it is drawn.
struct Node<'a> {
    at: (f64, f64),
    kind: Kind,
    member: bool,
    name: &'a str,
    degree: u32,
    /// What else its title says, escaped.
    about: String,
}

pub(super) fn ring(case: &CaseFile) -> String {
    let words = words(case);
    let (mut nodes, num_accounts) = (nodes(case, words), case.accounts.len());
    let bundles = bundles(case);
    for &(_, source, target) in bundles.keys() {
        nodes[source].degree += 1;
        nodes[target].degree += 1;
    }
    let size = Size::of(&nodes);
    for node in &mut nodes {
        node.at = size.place(node.at);
    }
    let entries = entries(case, words, &nodes, &bundles);
    let labels = Labels::place(case, &nodes, &bundles, &size);
    let room = size.whole.0 - 2.0 * EDGE;
    let mut notes: Vec<(Entry, String)> = summarised(case, room).into_iter().collect();
    if labels.left_out > 0 {
        notes.push((Entry::Note, words.left_out(labels.left_out, LeftOut::Labels)));
    }
    let entries: Vec<(Entry, String)> = entries.into_iter().chain(notes).collect();
    let height = size.whole.1 + legend_height(&entries, room) + EDGE;
    let about = words.about_ring(num_accounts, case.identifiers.len(), case.transfers.len());
    let mut canvas = Canvas::new(case, (size.whole.0, height), &about);
    if nodes.is_empty() {
        canvas.say(size.whole, words.no_accounts);
    }
    uses(case, &nodes, &mut canvas);
    arrows(words, &nodes, &bundles, size.radius, &mut canvas);
    canvas.group(&format!("stroke=\"{INK}\""));
    for node in &nodes {
        let title = format!("{}{}", Xml(&cut(node.name, NAME_MAX)), node.about);
        node.kind.draw(&mut canvas, node.at, size.radius, node.member, &title);
    }
    canvas.end_group();
    labels.draw(&mut canvas);
    legend(&mut canvas, (EDGE, size.whole.1), &entries, room);
    canvas.finish()
}

/// Accounts, then identifiers, as in the case file.
fn nodes<'a>(case: &'a CaseFile, words: &Words) -> Vec<Node<'a>> {
    let place = |x: f64, y: f64| {
        let inside = |value: f64| if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.5 };
        (inside(x), inside(y))
    };
    let accounts = case.accounts.iter().map(|account| {
        let roles: Vec<&str> = account.roles.iter().take(6).map(|role| words.role(role)).collect();
        let roles = if roles.is_empty() { words.account.to_string() } else { roles.join(", ") };
        let outside = if account.member { String::new() } else { format!(" ({})", words.beside(case)) };
        Node {
            at: place(account.x, account.y),
            kind: Kind::of(account),
            member: account.member,
            name: &account.id,
            degree: 0,
            about: format!(": {}{outside}", Xml(&cut(&roles, NAME_MAX))),
        }
    });
    let identifiers = case.identifiers.iter().map(|identifier| Node {
        at: place(identifier.x, identifier.y),
        kind: Kind::Identifier,
        member: true,
        name: &identifier.id,
        degree: 2,
        about: format!(": {}", Xml(&cut(&identifier.kind, NAME_MAX))),
    });
    accounts.chain(identifiers).collect()
}

/// By currency, payer and payee.
fn bundles(case: &CaseFile) -> BTreeMap<(&str, usize, usize), Bundle> {
    let mut bundles: BTreeMap<(&str, usize, usize), Bundle> = BTreeMap::new();
    let known = |transfer: &&CaseTransfer| transfer.source.max(transfer.target) < case.accounts.len() as u32;
    for transfer in case.transfers.iter().filter(known) {
        let ends = (transfer.paid.currency.as_str(), transfer.source as usize, transfer.target as usize);
        let bundle = bundles.entry(ends).or_default();
        if bundle.count == 0 {
            bundle.first.clone_from(&transfer.time);
        }
        bundle.last.clone_from(&transfer.time);
        bundle.sum.add(&transfer.paid);
        bundle.count += 1;
        bundle.evidence |= transfer.evidence;
    }
    bundles
}

/// How large everything is.
struct Size {
    radius: f64,
    font: f64,
    /// The picture without its legend.
    whole: (f64, f64),
    scale: f64,
    shift: (f64, f64),
}

impl Size {
    fn of(nodes: &[Node<'_>]) -> Self {
        let count = nodes.len() as f64;
        let radius = match nodes.len() {
            0..=30 => 10.0,
            31..=80 => 8.0,
            81..=250 => 6.0,
            _ => 4.0,
        };
        let low =
            nodes.iter().fold((1.0_f64, 1.0_f64), |low, node| (low.0.min(node.at.0), low.1.min(node.at.1)));
        let high = nodes
            .iter()
            .fold((0.0_f64, 0.0_f64), |high, node| (high.0.max(node.at.0), high.1.max(node.at.1)));
        let extent = ((high.0 - low.0).max(0.0), (high.1 - low.1).max(0.0));
        // Room for a name beside most nodes, within what a page shows.
        let near = nearest(nodes);
        let wanted = (if near > 0.0 { 5.0 * radius / near } else { 0.0 }).max(110.0 * count.sqrt());
        let longest = extent.0.max(extent.1).max(1e-6);
        let scale = (wanted * longest).clamp(260.0, 1_500.0) / longest;
        let scale = if nodes.len() < 2 { 1.0 } else { scale };
        let drawn = (extent.0 * scale, extent.1 * scale);
        let margin = (90.0, 34.0);
        let whole = ((drawn.0 + 2.0 * margin.0).max(640.0), drawn.1 + 2.0 * margin.1 + HEADING);
        let left = (whole.0 - drawn.0) / 2.0;
        Size {
            radius,
            font: if nodes.len() <= 80 { 11.0 } else { 9.0 },
            whole,
            scale,
            shift: (left - low.0 * scale, HEADING + margin.1 - low.1 * scale),
        }
    }

    fn place(&self, at: (f64, f64)) -> (f64, f64) {
        (at.0 * self.scale + self.shift.0, at.1 * self.scale + self.shift.1)
    }
}

/// The distance to the nearest other node that nine of ten nodes keep.
fn nearest(nodes: &[Node<'_>]) -> f64 {
    let mut sorted: Vec<(f64, f64)> = nodes.iter().map(|node| node.at).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut nearest = vec![f64::MAX; sorted.len()];
    for i in 0..sorted.len() {
        for j in i + 1..sorted.len() {
            let (x, y) = (sorted[j].0 - sorted[i].0, sorted[j].1 - sorted[i].1);
            if x > nearest[i] {
                break;
            }
            let distance = (x * x + y * y).sqrt();
            nearest[i] = nearest[i].min(distance);
            nearest[j] = nearest[j].min(distance);
        }
    }
    nearest.retain(|distance| *distance < f64::MAX);
    nearest.sort_by(f64::total_cmp);
    nearest.get(nearest.len() / 10).copied().unwrap_or(0.0)
}

/// Accounts and the identifiers that they use, by node.
fn used(case: &CaseFile) -> impl Iterator<Item = (usize, usize)> {
    let (accounts, identifiers) = (case.accounts.len(), case.identifiers.len());
    let ends = case.uses.iter().map(|link| (link.account as usize, link.identifier as usize));
    let known = ends.filter(move |(account, identifier)| *account < accounts && *identifier < identifiers);
    known.map(move |(account, identifier)| (account, accounts + identifier))
}

/// Broken lines from accounts to what they use.
fn uses(case: &CaseFile, nodes: &[Node<'_>], canvas: &mut Canvas) {
    canvas.group(&format!("stroke=\"{USES}\" stroke-dasharray=\"1.5 3\" stroke-width=\"1.3\""));
    for (account, identifier) in used(case) {
        let (from, to) = (nodes[account].at, nodes[identifier].at);
        let (x, y) = (Num(to.0), Num(to.1));
        canvas.add(format_args!("<path d=\"M{} {}L{x} {y}\"/>\n", Num(from.0), Num(from.1)));
    }
    canvas.end_group();
}

/// The arrows: evidence above the rest, each currency measured by its own largest bundle.
fn arrows(
    words: &Words,
    nodes: &[Node<'_>],
    bundles: &BTreeMap<(&str, usize, usize), Bundle>,
    radius: f64,
    canvas: &mut Canvas,
) {
    let mut largest: BTreeMap<&str, f64> = BTreeMap::new();
    let mut parallel: BTreeMap<(usize, usize), u32> = BTreeMap::new();
    for (&(currency, source, target), bundle) in bundles {
        let size = largest.entry(currency).or_default();
        *size = size.max(bundle.sum.size());
        *parallel.entry((source.min(target), source.max(target))).or_default() += 1;
    }
    for (evidence, colour) in [(false, OTHER), (true, INK)] {
        canvas.group(&format!("fill=\"{colour}\""));
        let mut met: BTreeMap<(usize, usize), u32> = BTreeMap::new();
        for (&(currency, source, target), bundle) in bundles {
            let nth = met.entry((source, target)).or_default();
            *nth += 1;
            if bundle.evidence != evidence {
                continue;
            }
            let share = (bundle.sum.size() / largest[currency].max(1.0)).sqrt();
            let wide = 1.0 + share * radius * 0.48;
            let (from, to) = (nodes[source].at, nodes[target].at);
            let gap = (radius * 0.8, radius * 1.15 + 1.5);
            let d = if source == target {
                own_arrow(from, radius, wide)
            } else if parallel[&(source.min(target), source.max(target))] == 1 {
                arrow(from, to, wide, 0.0, gap)
            } else {
                // Arrows that go the other way lie on the other side, by themselves.
                let (x, y) = (to.0 - from.0, to.1 - from.1);
                let bend = ((x * x + y * y).sqrt() * 0.1).clamp(4.0, 30.0) * f64::from(*nth);
                arrow(from, to, wide, bend, gap)
            };
            if d.is_empty() {
                continue;
            }
            let more = match bundle.count {
                1 => String::new(),
                count => format!(" – {}, {}", Xml(&cut(&bundle.last, 40)), words.transfers(count)),
            };
            canvas.add(format_args!(
                "<path d=\"{d}\"><title>{} → {}: {} {}, {}{more}</title></path>\n",
                Xml(&cut(nodes[source].name, NAME_MAX)),
                Xml(&cut(nodes[target].name, NAME_MAX)),
                Xml(&bundle.sum.amount()),
                Xml(&cut(currency, NAME_MAX)),
                Xml(&cut(&bundle.first, 40)),
            ));
        }
        canvas.end_group();
    }
}

/// An arrow from a node to itself: a loop above it.
fn own_arrow(at: (f64, f64), radius: f64, wide: f64) -> String {
    let (x, y) = at;
    let (out, up, half) = (radius * 1.6, radius * 3.4, wide / 2.0);
    let beside = x + radius * 0.8;
    Outline::new((x - radius * 0.6 - half, y - radius * 0.8))
        .curve([(x - out - half, y - up), (x + out + half, y - up)], (beside + half, y - radius * 1.5))
        .line((beside + half + 2.5, y - radius * 1.7))
        .line((x + radius * 0.55, y - radius * 0.75))
        .line((beside - half - 2.5, y - radius * 1.7))
        .line((beside - half, y - radius * 1.5))
        .curve(
            [(x + out - half, y - up + wide), (x - out + half, y - up + wide)],
            (x - radius * 0.6 + half, y - radius * 0.8),
        )
        .close()
}

/// What the legend explains: only what is there.
fn entries(
    case: &CaseFile,
    words: &Words,
    nodes: &[Node<'_>],
    bundles: &BTreeMap<(&str, usize, usize), Bundle>,
) -> Vec<(Entry, String)> {
    let mut entries = Vec::new();
    for kind in Kind::ALL {
        let there = |node: &&Node<'_>| node.kind == kind && (node.member || kind != Kind::Plain);
        if nodes.iter().any(|node| there(&node)) && kind != Kind::Identifier {
            entries.push((Entry::Node(kind, true), kind.word(words).to_string()));
        }
    }
    if nodes.iter().any(|node| !node.member) {
        entries.push((Entry::Node(Kind::Plain, false), words.beside(case).to_string()));
    }
    let mut kinds: Vec<String> =
        case.identifiers.iter().map(|identifier| cut(&identifier.kind, 30)).collect();
    kinds.sort();
    kinds.dedup();
    if !kinds.is_empty() {
        let more = if kinds.len() > 4 { ", …" } else { "" };
        entries.push((Entry::Node(Kind::Identifier, true), kinds[..kinds.len().min(4)].join(", ") + more));
    }
    if bundles.values().any(|bundle| bundle.evidence) {
        entries.push((Entry::Arrow(INK), words.matters(case).to_string()));
    }
    if bundles.values().any(|bundle| !bundle.evidence) {
        entries.push((Entry::Arrow(OTHER), words.other_transfer.to_string()));
    }
    if bundles.len() > 1 {
        entries.push((Entry::Note, words.width_by_amount.to_string()));
    }
    entries
}

/// A rectangle: left, top, right, bottom.
type Area = (f64, f64, f64, f64);

const fn overlaps(a: &Area, b: &Area) -> bool {
    a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3
}

/// `area` with room for the width of a line, or for a gap to the next name.
const fn around(area: &Area) -> Area {
    (area.0 - 2.0, area.1 - 2.0, area.2 + 2.0, area.3 + 2.0)
}

/// Names with their places.
struct Labels {
    placed: Vec<(Area, String)>,
    left_out: usize,
    font: f64,
}

impl Labels {
    fn place(
        case: &CaseFile,
        nodes: &[Node<'_>],
        bundles: &BTreeMap<(&str, usize, usize), Bundle>,
        size: &Size,
    ) -> Self {
        let font = size.font;
        let reach = size.radius + 3.0;
        let mut taken: Vec<Area> = nodes
            .iter()
            .map(|node| {
                let r = size.radius + 0.5;
                (node.at.0 - r, node.at.1 - r, node.at.0 + r, node.at.1 + r)
            })
            .collect();
        let lines: Vec<((f64, f64), (f64, f64))> = bundles
            .keys()
            .map(|&(_, source, target)| (source, target))
            .chain(used(case))
            .map(|(a, b)| (nodes[a].at, nodes[b].at))
            .collect();
        let mut order: Vec<usize> = (0..nodes.len()).collect();
        let plain = |node: &Node<'_>| node.kind == Kind::Plain;
        order.sort_by_key(|&i| (plain(&nodes[i]), !nodes[i].member, u32::MAX - nodes[i].degree, i));
        let (mut placed, mut left_out) = (Vec::new(), 0);
        for i in order {
            let text = elide(nodes[i].name, 15.0);
            let (x, y) = nodes[i].at;
            let (wide, high) = (width(&text) * font + 2.0, font * 1.15);
            let corners = [
                (x + reach, y - high / 2.0),
                (x - reach - wide, y - high / 2.0),
                (x - wide / 2.0, y + reach),
                (x - wide / 2.0, y - reach - high),
                (x + reach * 0.7, y + reach * 0.5),
                (x + reach * 0.7, y - reach * 0.5 - high),
                (x - reach * 0.7 - wide, y + reach * 0.5),
                (x - reach * 0.7 - wide, y - reach * 0.5 - high),
            ];
            let best = corners
                .iter()
                .enumerate()
                .map(|(nth, corner)| (nth, (corner.0, corner.1, corner.0 + wide, corner.1 + high)))
                .filter(|(_, area)| {
                    let inside = area.0 >= 2.0
                        && area.2 <= size.whole.0 - 2.0
                        && area.1 >= HEADING - 8.0
                        && area.3 <= size.whole.1;
                    let free = |(at, other): (usize, &Area)| at == i || !overlaps(&around(area), other);
                    inside && taken.iter().enumerate().all(free)
                })
                .min_by_key(|(nth, area)| {
                    let around = around(area);
                    (lines.iter().filter(|line| crosses(&around, line)).count(), *nth)
                });
            match best {
                Some((_, area)) => {
                    taken.push(area);
                    placed.push((area, text));
                }
                None => left_out += 1,
            }
        }
        Labels { placed, left_out, font }
    }

    /// Draws them, each on paper of its own that lets lines shine through.
    fn draw(&self, canvas: &mut Canvas) {
        if !self.placed.is_empty() {
            canvas.add(format_args!("<path fill=\"{PAPER}\" fill-opacity=\".78\" d=\""));
            for ((left, top, right, bottom), _) in &self.placed {
                let (wide, high) = (Num(right - left), Num(bottom - top));
                canvas.add(format_args!("M{} {}h{wide}v{high}h-{wide}z", Num(*left), Num(*top)));
            }
            canvas.add(format_args!("\"/>\n"));
        }
        canvas.group(&format!("font-size=\"{}\"", Num(self.font)));
        for (area, text) in &self.placed {
            canvas.text((area.0 + 1.0, area.3 - self.font * 0.28), Anchor::Start, "", text);
        }
        canvas.end_group();
    }
}

/// Whether a straight line meets `area`: cut it to the area's sides, one after another (Liang, Barsky 1984).
fn crosses(area: &Area, line: &((f64, f64), (f64, f64))) -> bool {
    let (from, to) = *line;
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (step, room) in
        [(-dx, from.0 - area.0), (dx, area.2 - from.0), (-dy, from.1 - area.1), (dy, area.3 - from.1)]
    {
        if step == 0.0 {
            if room < 0.0 {
                return false;
            }
        } else if step < 0.0 {
            enter = enter.max(room / step);
        } else {
            leave = leave.min(room / step);
        }
    }
    enter <= leave
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_cross_areas() {
        let area = (10.0, 10.0, 20.0, 20.0);
        assert!(crosses(&area, &((0.0, 0.0), (30.0, 30.0))));
        assert!(crosses(&area, &((15.0, 0.0), (15.0, 12.0))));
        assert!(!crosses(&area, &((15.0, 0.0), (15.0, 8.0))));
        assert!(!crosses(&area, &((0.0, 25.0), (30.0, 25.0))));
        assert!(!crosses(&area, &((0.0, 15.0), (15.0, 0.0))));
    }
}
