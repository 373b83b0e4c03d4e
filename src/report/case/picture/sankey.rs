//! The money flow as a Sankey diagram: columns are steps, bars accounts, bands money.
//!
//! # Method
//! Bars of a column are ordered by the barycentre of the other ends of their bands, sweeping to and fro, the best
//! order seen being kept by the number of crossings (weighted by nothing, counted pair by pair). Bars then move towards the
//! middle of what they are joined with, as far as the order and the gaps allow.
//!
//! # Choices
//! A bar is as high as the larger of what comes in and what goes out. A band keeps one width along its way.

use super::NAME_MAX;
use super::canvas::{Anchor, Canvas, EDGE, FAINT, HEADING, INK, Num, Outline, PAPER, RULE};
use super::marks::{Entry, Kind, legend, legend_height, summarised};
use super::sums::Sum;
use super::words::{LeftOut, Words, words};
use crate::report::case::file::{CaseFile, FlowLink};
use crate::report::case::visible::{Xml, cut, elide, width};
use std::collections::{BTreeMap, BTreeSet};

/// Width of a bar.
const BAR: f64 = 12.0;
/// Width of a column with the way to the next, of few columns and of many.
const COLUMN: [f64; 2] = [210.0, 150.0];
/// Sweeps in search of an order.
const SWEEPS: usize = 24;
/// Most bars of a column that have room for two lines each.
const CROWDED: usize = 24;
/// Most links: the largest are drawn.
const LINKS: usize = 300;

/// A bar.
struct Bar {
    column: usize,
    kind: Kind,
    member: bool,
    incoming: Sum,
    outgoing: Sum,
    top: f64,
    height: f64,
}

impl Bar {
    fn middle(&self) -> f64 {
        self.top + self.height / 2.0
    }
}

/// A band.
struct Band {
    source: usize,
    target: usize,
    size: f64,
    /// Place in the case file's links.
    link: usize,
}

pub(super) fn sankey(case: &CaseFile) -> String {
    let words = words(case);
    let flow = Flow::of(case);
    if flow.bands.is_empty() {
        let size = (640.0, 260.0);
        let mut canvas = Canvas::new(case, size, words.no_flow);
        canvas.say(size, words.no_flow);
        return canvas.finish();
    }
    flow.draw(case, words)
}

struct Flow<'a> {
    currency: &'a str,
    other_currencies: usize,
    /// Links that are not drawn because others are larger.
    smaller: usize,
    bars: Vec<Bar>,
    bands: Vec<Band>,
    /// Bars by column, from top to bottom.
    columns: Vec<Vec<usize>>,
    /// The step that each column shows.
    steps: Vec<u32>,
    height: f64,
}

impl<'a> Flow<'a> {
    fn of(case: &'a CaseFile) -> Self {
        // One currency: that of most links, the first of equals.
        let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (at, link) in case.flow_links.iter().enumerate() {
            counts.entry(link.amount.currency.as_str()).or_insert((0, usize::MAX - at)).0 += 1;
        }
        let currency = counts.iter().max_by_key(|(_, rank)| **rank).map_or("", |(currency, _)| currency);
        let step = |node: u32| case.flow_nodes.get(node as usize).map(|node| node.step);
        let links = case.flow_links.iter().enumerate().filter(|(_, link)| {
            link.amount.currency == currency
                && matches!((step(link.source), step(link.target)), (Some(a), Some(b)) if a < b)
        });
        let links: Vec<(usize, &FlowLink)> = links.collect();
        let mut bands: Vec<Band> = links
            .iter()
            .map(|&(at, link)| {
                let mut sum = Sum::default();
                sum.add(&link.amount);
                let (source, target) = (link.source as usize, link.target as usize);
                Band { source, target, size: sum.size(), link: at }
            })
            .collect();
        let smaller = bands.len().saturating_sub(LINKS);
        if smaller > 0 {
            bands.sort_by(|a, b| b.size.total_cmp(&a.size).then(a.link.cmp(&b.link)));
            bands.truncate(LINKS);
            bands.sort_by_key(|band| band.link);
        }
        let used: BTreeSet<usize> = bands.iter().flat_map(|band| [band.source, band.target]).collect();
        let mut steps: Vec<u32> = used.iter().filter_map(|&node| step(node as u32)).collect();
        steps.sort_unstable();
        steps.dedup();
        let mut columns = vec![Vec::new(); steps.len()];
        let mut bars = Vec::with_capacity(case.flow_nodes.len());
        for (at, node) in case.flow_nodes.iter().enumerate() {
            let account = node.account.and_then(|account| case.accounts.get(account as usize));
            let column = steps.binary_search(&node.step).unwrap_or_default();
            if used.contains(&at) {
                columns[column].push(at);
            }
            bars.push(Bar {
                column,
                kind: account.map_or(Kind::Plain, Kind::of),
                member: account.is_none_or(|account| account.member),
                incoming: Sum::default(),
                outgoing: Sum::default(),
                top: 0.0,
                height: 0.0,
            });
        }
        // Also of links that are not drawn: what is said of an account is all of it.
        for (_, link) in links {
            bars[link.source as usize].outgoing.add(&link.amount);
            bars[link.target as usize].incoming.add(&link.amount);
        }
        let other_currencies = case.flow_links.iter().filter(|link| link.amount.currency != currency).count();
        let mut flow = Flow { currency, other_currencies, smaller, bars, bands, columns, steps, height: 0.0 };
        flow.order();
        flow.arrange();
        flow
    }

    /// Bars in an order with few crossings.
    fn order(&mut self) {
        let mut joined: Vec<Vec<(usize, f64)>> = vec![Vec::new(); self.bars.len()];
        for band in &self.bands {
            joined[band.source].push((band.target, band.size.max(1.0)));
            joined[band.target].push((band.source, band.size.max(1.0)));
        }
        let mut rank = vec![0.0; self.bars.len()];
        let number = |columns: &[Vec<usize>], rank: &mut Vec<f64>| {
            for column in columns {
                for (at, &bar) in column.iter().enumerate() {
                    rank[bar] = (at as f64 + 0.5) / column.len() as f64;
                }
            }
        };
        number(&self.columns, &mut rank);
        let mut best = (self.crossings(&rank), self.columns.clone());
        for sweep in 0..SWEEPS {
            let forward = sweep % 2 == 0;
            for step in 0..self.columns.len() {
                let column = if forward { step } else { self.columns.len() - 1 - step };
                let centre = |bar: usize| {
                    let before = |other: usize| (self.bars[other].column < column) == forward;
                    let near = joined[bar].iter().filter(|(other, _)| before(*other));
                    let (sum, weight) = near
                        .fold((0.0, 0.0), |(sum, weight), (other, w)| (sum + rank[*other] * w, weight + w));
                    if weight > 0.0 { sum / weight } else { rank[bar] }
                };
                let mut order: Vec<(f64, usize)> =
                    self.columns[column].iter().map(|&bar| (centre(bar), bar)).collect();
                order.sort_by(|a, b| a.0.total_cmp(&b.0)); // stable: equals keep their order
                self.columns[column] = order.into_iter().map(|(_, bar)| bar).collect();
                number(&self.columns[column..=column], &mut rank);
            }
            let crossings = self.crossings(&rank);
            if crossings < best.0 {
                best = (crossings, self.columns.clone());
            }
        }
        self.columns = best.1;
    }

    /// Pairs of bands between the same columns that cross.
    fn crossings(&self, rank: &[f64]) -> u64 {
        let mut crossings = 0;
        for (at, a) in self.bands.iter().enumerate() {
            for b in &self.bands[..at] {
                let beside = self.bars[a.source].column < self.bars[b.target].column
                    && self.bars[b.source].column < self.bars[a.target].column;
                let (left, right) = (rank[a.source] - rank[b.source], rank[a.target] - rank[b.target]);
                crossings += u64::from(beside && left * right < 0.0);
            }
        }
        crossings
    }

    /// Heights and tops.
    fn arrange(&mut self) {
        let most = self.columns.iter().map(Vec::len).max().unwrap_or(0) as f64;
        let crowded = most > CROWDED as f64;
        let slot = if crowded { 16.0 } else { 38.0 };
        self.height = (most * slot).max(300.0);
        let gap = if crowded { 10.0 } else { 23.0 };
        let through = |bar: &Bar| bar.incoming.size().max(bar.outgoing.size());
        // One scale for all columns: the tightest column's.
        let scale = self
            .columns
            .iter()
            .map(|column| {
                let total: f64 = column.iter().map(|&bar| through(&self.bars[bar])).sum();
                (self.height - gap * (column.len() as f64 - 1.0)) * 0.92 / total.max(1.0)
            })
            .fold(f64::MAX, f64::min);
        for bar in &mut self.bars {
            bar.height = (through(bar) * scale).max(2.0);
        }
        for band in &mut self.bands {
            band.size = (band.size * scale).max(0.6);
        }
        for column in &self.columns {
            let filled: f64 = column.iter().map(|&bar| self.bars[bar].height).sum();
            let spare = (self.height - filled - gap * (column.len() as f64 - 1.0)).max(0.0);
            let mut top = spare / 2.0;
            for &bar in column {
                self.bars[bar].top = top;
                top += self.bars[bar].height + gap;
            }
        }
        for pass in 0..12 {
            for at in 0..self.columns.len() {
                let column = if pass % 2 == 0 { at } else { self.columns.len() - 1 - at };
                self.settle(column, gap);
            }
        }
        // Bars of the least height can need more than there was.
        let shown = || self.columns.iter().flatten().map(|&bar| &self.bars[bar]);
        let highest = shown().map(|bar| bar.top).fold(0.0, f64::min);
        self.height = shown().map(|bar| bar.top + bar.height).fold(self.height, f64::max) - highest;
        for bar in &mut self.bars {
            bar.top -= highest;
        }
    }

    /// Moves the bars of a column towards the middle of what they are joined with.
    fn settle(&mut self, column: usize, gap: f64) {
        let mut pull: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for band in &self.bands {
            for (bar, other) in [(band.source, band.target), (band.target, band.source)] {
                if self.bars[bar].column == column {
                    let pull = pull.entry(bar).or_default();
                    *pull = (pull.0 + self.bars[other].middle() * band.size, pull.1 + band.size);
                }
            }
        }
        let bars = self.columns[column].clone();
        let mut floor = 0.0;
        for &bar in &bars {
            let (sum, weight) = pull.get(&bar).copied().unwrap_or((0.0, 0.0));
            if weight > 0.0 {
                let wanted = sum / weight - self.bars[bar].height / 2.0;
                self.bars[bar].top += (wanted - self.bars[bar].top) * 0.7;
            }
            self.bars[bar].top = self.bars[bar].top.max(floor);
            floor = self.bars[bar].top + self.bars[bar].height + gap;
        }
        let mut ceiling = self.height;
        for &bar in bars.iter().rev() {
            self.bars[bar].top = self.bars[bar].top.min(ceiling - self.bars[bar].height);
            ceiling = self.bars[bar].top - gap;
        }
    }

    fn draw(&self, case: &CaseFile, words: &Words) -> String {
        let left = EDGE + 6.0;
        let column = COLUMN[usize::from(self.columns.len() > 5)];
        let whole_width = (left + column * (self.columns.len() as f64 - 1.0) + 190.0 + EDGE).max(640.0);
        let stretch = (whole_width - left - 190.0 - EDGE) / (self.columns.len() as f64 - 1.0).max(1.0);
        let x = |column: usize| left + stretch * column as f64;
        let top = HEADING + 30.0;
        let mut entries = Vec::new();
        for kind in Kind::ALL {
            if self
                .columns
                .iter()
                .flatten()
                .any(|&bar| self.bars[bar].kind == kind && (self.bars[bar].member || kind != Kind::Plain))
            {
                entries.push((Entry::Node(kind, true), kind.word(words).to_string()));
            }
        }
        if self.columns.iter().flatten().any(|&bar| !self.bars[bar].member) {
            entries.push((Entry::Node(Kind::Plain, false), words.beside(case).to_string()));
        }
        let left_out = [(self.other_currencies, LeftOut::Currencies), (self.smaller, LeftOut::Links)];
        for (count, what) in left_out.into_iter().filter(|(count, _)| *count > 0) {
            entries.push((Entry::Note, words.left_out(count, what)));
        }
        let room = whole_width - 2.0 * EDGE;
        entries.extend(summarised(case, room));
        let below = top + self.height + 26.0;
        let size = (whole_width, below + legend_height(&entries, room) + EDGE);
        let mut canvas = Canvas::new(case, size, &words.about_flow(&cut(self.currency, 20)));
        canvas.group(&format!("stroke=\"{RULE}\""));
        for column in 0..self.columns.len() {
            let x = Num(x(column) + BAR / 2.0);
            canvas.add(format_args!(
                "<path d=\"M{x} {}V{}\"/>\n",
                Num(top - 8.0),
                Num(top + self.height + 8.0)
            ));
        }
        canvas.end_group();
        canvas.group(&format!("font-size=\"11\" fill=\"{FAINT}\""));
        for (column, step) in self.steps.iter().enumerate() {
            canvas.text((x(column), top - 14.0), Anchor::Start, "", &words.step_number(*step));
        }
        canvas.end_group();
        self.bands(case, words, (&x, top), &mut canvas);
        self.bars(case, words, (&x, top), stretch, &mut canvas);
        legend(&mut canvas, (EDGE, below), &entries, room);
        canvas.finish()
    }

    /// Bands, the widest first, so that thin ones lie above.
    fn bands(
        &self,
        case: &CaseFile,
        words: &Words,
        (x, top): (&dyn Fn(usize) -> f64, f64),
        canvas: &mut Canvas,
    ) {
        // Where each band leaves its bar and arrives at the other: sorted by the other end.
        let mut leaves = vec![0.0; self.bands.len()];
        let mut arrives = vec![0.0; self.bands.len()];
        for side in [true, false] {
            let ends =
                |band: &Band| if side { (band.source, band.target) } else { (band.target, band.source) };
            let mut order: Vec<usize> = (0..self.bands.len()).collect();
            order.sort_by(|&a, &b| {
                let ((bar_a, other_a), (bar_b, other_b)) = (ends(&self.bands[a]), ends(&self.bands[b]));
                let far = self.bars[other_a].middle().total_cmp(&self.bars[other_b].middle());
                bar_a.cmp(&bar_b).then(far).then(a.cmp(&b))
            });
            let mut filled = vec![0.0; self.bars.len()];
            for at in order {
                let (bar, _) = ends(&self.bands[at]);
                let place = self.bars[bar].top + filled[bar] + self.bands[at].size / 2.0;
                filled[bar] += self.bands[at].size;
                if side { leaves[at] = place } else { arrives[at] = place }
            }
        }
        let mut order: Vec<usize> = (0..self.bands.len()).collect();
        order.sort_by(|&a, &b| self.bands[b].size.total_cmp(&self.bands[a].size).then(a.cmp(&b)));
        canvas.group(&format!(
            "fill-opacity=\".34\" stroke=\"{INK}\" stroke-opacity=\".55\" stroke-width=\".4\""
        ));
        for at in order {
            let band = &self.bands[at];
            let link = &case.flow_links[band.link];
            let (from, to) = (x(self.bars[band.source].column) + BAR, x(self.bars[band.target].column));
            let (half, middle) = (band.size / 2.0, (from + to) / 2.0);
            let (a, b) = (top + leaves[at], top + arrives[at]);
            let colour = match self.bars[band.source].kind {
                Kind::Plain => "#8b94a3",
                kind => kind.colour(true),
            };
            let outline = Outline::new((from, a - half))
                .curve([(middle, a - half), (middle, b - half)], (to, b - half))
                .line((to, b + half))
                .curve([(middle, b + half), (middle, a + half)], (from, a + half))
                .close();
            canvas.add(format_args!(
                "<path fill=\"{colour}\" d=\"{outline}\"><title>{} → {}: {} {}, {}</title></path>\n",
                Xml(&cut(&case.flow_nodes[band.source].label, NAME_MAX)),
                Xml(&cut(&case.flow_nodes[band.target].label, NAME_MAX)),
                Xml(&cut(&link.amount.amount, NAME_MAX)),
                Xml(&cut(&link.amount.currency, NAME_MAX)),
                words.transfers(u64::from(link.num_transfers)),
            ));
        }
        canvas.end_group();
    }

    /// Bars with their names, and what went through them.
    fn bars(
        &self,
        case: &CaseFile,
        words: &Words,
        (x, top): (&dyn Fn(usize) -> f64, f64),
        stretch: f64,
        canvas: &mut Canvas,
    ) {
        let crowded = self.columns.iter().any(|column| column.len() > CROWDED);
        let role = |bar: &Bar| bar.kind.word(words);
        canvas.group(&format!("stroke=\"{INK}\" stroke-width=\".8\""));
        for &at in self.columns.iter().flatten() {
            let bar = &self.bars[at];
            let outside = if bar.member { "" } else { " stroke-dasharray=\"2 1.5\"" };
            let role = role(bar);
            canvas.add(format_args!(
                "<rect x=\"{}\" y=\"{}\" width=\"{BAR}\" height=\"{}\" fill=\"{}\"{outside}><title>{}: {role}, {} {}</title></rect>\n",
                Num(x(bar.column)),
                Num(top + bar.top),
                Num(bar.height),
                bar.kind.colour(bar.member),
                Xml(&cut(&case.flow_nodes[at].label, NAME_MAX)),
                self.through(bar),
                Xml(&cut(self.currency, NAME_MAX)),
            ));
        }
        // The shape of the role, for eyes and printers that do not tell the colours apart.
        for &at in self.columns.iter().flatten() {
            let bar = &self.bars[at];
            if bar.kind != Kind::Plain {
                let place = (x(bar.column) + BAR + 9.0, top + bar.middle() - if crowded { 0.0 } else { 4.5 });
                bar.kind.draw(canvas, place, 3.4, bar.member, "");
            }
        }
        canvas.end_group();
        let font = if crowded { 10.0 } else { 11.0 };
        // Letters have an edge of paper, so that bands below do not make them unreadable.
        canvas.group(&format!(
            "font-size=\"{}\" stroke=\"{PAPER}\" stroke-width=\"3\" stroke-opacity=\".75\" paint-order=\"stroke\" stroke-linejoin=\"round\"",
            Num(font)
        ));
        for &at in self.columns.iter().flatten() {
            let bar = &self.bars[at];
            let (x, middle) = (x(bar.column) + BAR + 16.0, top + bar.middle());
            let room = (stretch.min(190.0) - BAR - 22.0) / font;
            let amount = format!("{} {}", self.through(bar), cut(self.currency, 8));
            let name = elide(&case.flow_nodes[at].label, room.min(18.0));
            if !crowded {
                canvas.text((x, middle - 1.0), Anchor::Start, "", &name);
                canvas.text(
                    (x, middle + font),
                    Anchor::Start,
                    &format!("fill=\"{FAINT}\" font-size=\"10\""),
                    &elide(&amount, room),
                );
            } else {
                let line = (x, middle + font * 0.35);
                let beside = room - width(&name) - 0.6;
                if beside >= width(&amount) {
                    let span = format!("{name}: {amount}");
                    canvas.text(line, Anchor::Start, "", &span);
                } else {
                    canvas.text(line, Anchor::Start, "", &name);
                }
            }
        }
        canvas.end_group();
    }

    /// The larger of what comes in and what goes out.
    fn through(&self, bar: &Bar) -> String {
        if bar.incoming.size() > bar.outgoing.size() { bar.incoming.amount() } else { bar.outgoing.amount() }
    }
}
