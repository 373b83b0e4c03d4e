//! Transfers along time: a lane for every account, an arrow from the payer's lane to the payee's, and above
//! them how many transfers there were.
//!
//! # Choices
//! Lanes stand by role, from victims to controllers, and within a role in the order in which accounts first take part, payers before
//! payees: passed-on money runs downwards.
//! Beyond [`LANES`] accounts the ones with the fewest transfers share a last lane. Arrows of the same pair within
//! one unit of the drawing are one; of more than [`ARROWS`], those with evidence and then the earliest are drawn, and the
//! rest is counted in words.

use super::NAME_MAX;
use super::canvas::{Anchor, Canvas, EDGE, FAINT, HEADING, INK, Num, RULE};
use super::marks::{Entry, Kind, arrow, legend, legend_height, summarised};
use super::sums::Sum;
use super::words::{LeftOut, Words, words};
use crate::report::case::file::{CaseFile, CaseTransfer};
use crate::report::case::visible::{Xml, cut, elide};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Most lanes, with the one for the rest.
const LANES: usize = 48;
/// Most arrows.
const ARROWS: usize = 400;
/// Width of the part along time.
const SPAN: f64 = 760.0;
/// Where it begins: names stand before it.
const LEFT: f64 = 170.0;
/// Height of the bars above the lanes.
const BARS: f64 = 56.0;
/// Bars at most.
const BINS: usize = 95;
/// Transfers that no claim rests on.
const OTHER: &str = "#a3abb7";

/// A transfer with its moment in microseconds since 1970.
struct Moment<'a> {
    time: i64,
    transfer: &'a CaseTransfer,
}

pub(super) fn timeline(case: &CaseFile) -> String {
    let words = words(case);
    let mut moments: Vec<Moment<'_>> = case
        .transfers
        .iter()
        .filter(|transfer| transfer.source.max(transfer.target) < case.accounts.len() as u32)
        .filter_map(|transfer| {
            let time = transfer.time.parse::<Timestamp>().ok()?.as_microsecond();
            Some(Moment { time, transfer })
        })
        .collect();
    moments.sort_by_key(|moment| moment.time); // stable
    let (Some(first), Some(last)) = (moments.first(), moments.last()) else {
        let size = (640.0, 260.0);
        let mut canvas = Canvas::new(case, size, words.no_transfers);
        canvas.say(size, words.no_transfers);
        return canvas.finish();
    };
    let axis = Axis::new(first.time, last.time);
    let (lane, lanes) = lanes(case, &moments);
    let pitch = if lanes.len() <= 24 { 26.0 } else { 18.0 };
    let about = words.about_time(&cut(&first.transfer.time, 40), &cut(&last.transfer.time, 40));
    let shared = lanes.iter().position(Option::is_none);
    let (arrows, left_out) = arrows(&moments, &lane, shared, &axis);

    let whole = LEFT + SPAN + 2.0 * EDGE + 24.0;
    let room = whole - 2.0 * EDGE;
    let top = HEADING + 14.0 + BARS + 18.0;
    let bottom = top + pitch * lanes.len() as f64;
    let mut entries = Vec::new();
    for kind in Kind::ALL {
        if lanes
            .iter()
            .flatten()
            .any(|&account| Kind::of(&case.accounts[account]) == kind && kind != Kind::Plain)
        {
            entries.push((Entry::Node(kind, true), kind.word(words).to_string()));
        }
    }
    if moments.iter().any(|moment| moment.transfer.evidence) {
        entries.push((Entry::Arrow(INK), words.matters(case).to_string()));
    }
    if moments.iter().any(|moment| !moment.transfer.evidence) {
        entries.push((Entry::Arrow(OTHER), words.other_transfer.to_string()));
    }
    if left_out > 0 {
        entries.push((Entry::Note, words.left_out(left_out, LeftOut::Transfers)));
    }
    entries.extend(summarised(case, room));
    let below = bottom + 46.0;
    let mut canvas = Canvas::new(case, (whole, below + legend_height(&entries, room) + EDGE), &about);

    axis.draw(&mut canvas, top, bottom);
    bars(words, &moments, &axis, &mut canvas);
    let y = |lane: usize| top + pitch * (lane as f64 + 0.5);
    draw_lanes(case, words, &lanes, &y, &mut canvas);
    draw_arrows(case, words, &arrows, &y, &mut canvas);
    legend(&mut canvas, (EDGE, below), &entries, room);
    canvas.finish()
}

/// The lane of every account, and the account of every lane; none for the rest's.
fn lanes(case: &CaseFile, moments: &[Moment<'_>]) -> (Vec<usize>, Vec<Option<usize>>) {
    let mut counts = vec![0_usize; case.accounts.len()];
    let mut seen = Vec::new();
    for Moment { transfer, .. } in moments {
        for account in [transfer.source, transfer.target] {
            if counts[account as usize] == 0 {
                seen.push(account as usize);
            }
            counts[account as usize] += 1;
        }
    }
    let mut busiest = seen.clone();
    busiest.sort_by_key(|&account| (Reverse(counts[account]), account));
    let shared = seen.len() > LANES;
    busiest.truncate(if shared { LANES - 1 } else { LANES });
    busiest.sort_unstable();
    let role = |account: &usize| {
        let kind = Kind::of(&case.accounts[*account]);
        Kind::ALL.iter().position(|other| *other == kind)
    };
    seen.sort_by_key(role); // stable
    let mut lanes: Vec<Option<usize>> =
        seen.into_iter().filter(|account| busiest.binary_search(account).is_ok()).map(Some).collect();
    if shared {
        lanes.push(None);
    }
    let mut lane = vec![lanes.len().saturating_sub(1); case.accounts.len()];
    for (at, account) in lanes.iter().enumerate() {
        if let Some(account) = account {
            lane[*account] = at;
        }
    }
    (lane, lanes)
}

/// An arrow, or several of the same pair at about the same time.
struct Arrow<'a> {
    x: f64,
    lanes: (usize, usize),
    first: &'a CaseTransfer,
    sum: Sum,
    count: u64,
}

/// Arrows from the latest to the earliest, those with evidence last, and how many transfers have none. Those within the `shared` lane
/// have one for evidence only.
fn arrows<'a>(
    moments: &[Moment<'a>],
    lane: &[usize],
    shared: Option<usize>,
    axis: &Axis,
) -> (Vec<Arrow<'a>>, usize) {
    let mut places: BTreeMap<(bool, i64, usize, usize, &str), usize> = BTreeMap::new();
    let mut arrows: Vec<Arrow<'a>> = Vec::new();
    let mut left_out = 0;
    for moment in moments {
        let transfer = moment.transfer;
        let lanes = (lane[transfer.source as usize], lane[transfer.target as usize]);
        if lanes.0 == lanes.1 && shared == Some(lanes.0) && !transfer.evidence {
            left_out += 1;
            continue;
        }
        let x = axis.x(moment.time);
        let key = (transfer.evidence, x.round() as i64, lanes.0, lanes.1, transfer.paid.currency.as_str());
        let at = *places.entry(key).or_insert_with(|| {
            arrows.push(Arrow { x, lanes, first: transfer, sum: Sum::default(), count: 0 });
            arrows.len() - 1
        });
        arrows[at].sum.add(&transfer.paid);
        arrows[at].count += 1;
    }
    arrows.sort_by_key(|arrow| !arrow.first.evidence);
    left_out += arrows.iter().skip(ARROWS).map(|arrow| arrow.count).sum::<u64>();
    arrows.truncate(ARROWS);
    arrows.reverse();
    (arrows, left_out as usize)
}

/// Times and where they are.
struct Axis {
    first: i64,
    last: i64,
}

impl Axis {
    fn new(first: i64, last: i64) -> Self {
        // A moment becomes a second, so that it stands in the middle.
        let spare = ((last - first) / 50).max(500_000);
        Axis { first: first.saturating_sub(spare), last: last.saturating_add(spare) }
    }

    fn x(&self, time: i64) -> f64 {
        let span = i128::from(self.last) - i128::from(self.first);
        EDGE + LEFT + SPAN * ((i128::from(time) - i128::from(self.first)) as f64 / span as f64)
    }

    /// Round moments along the axis, with what stands under them.
    fn ticks(&self) -> Vec<(i64, String)> {
        let span_s = (self.last - self.first) / 1_000_000;
        let (Ok(first), Ok(last)) =
            (Timestamp::from_microsecond(self.first), Timestamp::from_microsecond(self.last))
        else {
            return Vec::new();
        };
        const STEPS_S: [i64; 19] = [
            1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 172_800, 432_000,
            864_000, 1_209_600, 1_728_000, 2_592_000,
        ];
        // At most nine ticks: names of days need about 80 units each.
        if let Some(&step) = STEPS_S[..16].iter().find(|step| span_s / **step < 9) {
            let step_us = step * 1_000_000;
            let start = self.first.div_euclid(step_us).saturating_add(1).saturating_mul(step_us);
            let times =
                (0..12).map(|nth| start.saturating_add(nth * step_us)).take_while(|time| *time <= self.last);
            return times.map(|time| (time, label(time, step))).collect();
        }
        // Months and years are not of one length.
        let months = match span_s / 2_629_746 {
            0..9 => 1,
            9..27 => 3,
            27..54 => 6,
            months => 12 * (months / 108 + 1),
        };
        let mut ticks = Vec::new();
        let start: Zoned = first.to_zoned(TimeZone::UTC);
        let per_year = months.min(12);
        let Ok(mut month) = start.date().first_of_month().to_zoned(TimeZone::UTC) else { return ticks };
        while ticks.len() < 14 && month.timestamp() <= last {
            let number = i64::from(month.year()) * 12 + i64::from(month.month()) - 1;
            if month.timestamp() >= first && number.rem_euclid(months) == 0 {
                let text = if per_year == 12 { month.strftime("%Y") } else { month.strftime("%Y-%m") };
                ticks.push((month.timestamp().as_microsecond(), text.to_string()));
            }
            let Ok(next) = month.checked_add(1.month()) else { break };
            month = next;
        }
        ticks
    }

    fn draw(&self, canvas: &mut Canvas, top: f64, bottom: f64) {
        let ticks = self.ticks();
        canvas.group(&format!("stroke=\"{RULE}\""));
        for (time, _) in &ticks {
            let x = Num(self.x(*time));
            canvas.add(format_args!("<path d=\"M{x} {}V{}\"/>\n", Num(HEADING + 14.0), Num(bottom + 5.0)));
        }
        canvas.add(format_args!(
            "<path d=\"M{} {}H{}\"/>\n",
            Num(EDGE + LEFT),
            Num(top - 10.0),
            Num(EDGE + LEFT + SPAN)
        ));
        canvas.add(format_args!(
            "<path d=\"M{} {}H{}\"/>\n",
            Num(EDGE + LEFT),
            Num(bottom),
            Num(EDGE + LEFT + SPAN)
        ));
        canvas.end_group();
        canvas.group(&format!("font-size=\"10.5\" fill=\"{FAINT}\" text-anchor=\"middle\""));
        let mut day = String::new();
        for (time, text) in &ticks {
            // A time of day stands above its day, which is said once.
            let (above, below) =
                text.split_once(' ').map_or((text.as_str(), ""), |(date, time)| (time, date));
            canvas.text((self.x(*time), bottom + 18.0), Anchor::Start, "", above);
            if !below.is_empty() && below != day {
                canvas.text((self.x(*time), bottom + 31.0), Anchor::Start, "", below);
                day = below.to_string();
            }
        }
        canvas.text((EDGE + 34.0, bottom + 18.0), Anchor::Middle, "", "UTC");
        canvas.end_group();
    }
}

/// A moment as a step of `step` seconds calls for.
fn label(time: i64, step: i64) -> String {
    let Ok(moment) = Timestamp::from_microsecond(time) else { return String::new() };
    let moment = moment.to_zoned(TimeZone::UTC);
    let format = match step {
        ..60 => "%Y-%m-%d %H:%M:%S",
        60..86_400 => "%Y-%m-%d %H:%M",
        _ => "%Y-%m-%d",
    };
    moment.strftime(format).to_string()
}

/// How many transfers there were: bars by equal parts of the time, evidence below.
fn bars(words: &Words, moments: &[Moment<'_>], axis: &Axis, canvas: &mut Canvas) {
    let mut counts = vec![(0_u64, 0_u64); BINS];
    for moment in moments {
        let bin = ((axis.x(moment.time) - EDGE - LEFT) / SPAN * BINS as f64) as usize;
        let count = &mut counts[bin.min(BINS - 1)];
        if moment.transfer.evidence { count.0 += 1 } else { count.1 += 1 }
    }
    let most = counts.iter().map(|(evidence, other)| evidence + other).max().unwrap_or(0).max(1);
    let base = HEADING + 14.0 + BARS;
    let high = |count: u64| count as f64 / most as f64 * (BARS - 8.0);
    let wide = SPAN / BINS as f64;
    for (colour, evidence) in [(INK, true), (OTHER, false)] {
        canvas.group(&format!("fill=\"{colour}\""));
        for (bin, count) in counts.iter().enumerate() {
            let (low, part) = if evidence { (0, count.0) } else { (count.0, count.1) };
            if part > 0 {
                canvas.add(format_args!(
                    "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}</title></rect>\n",
                    Num(EDGE + LEFT + wide * bin as f64 + 0.8),
                    Num(base - high(low) - high(part)),
                    Num(wide - 1.6),
                    Num(high(part)),
                    words.transfers(part)
                ));
            }
        }
        canvas.end_group();
    }
    canvas.group(&format!("font-size=\"10.5\" fill=\"{FAINT}\""));
    canvas.text((EDGE + LEFT - 8.0, base), Anchor::End, "", "0");
    canvas.text((EDGE + LEFT - 8.0, base - high(most) + 8.0), Anchor::End, "", &most.to_string());
    canvas.text((EDGE, base - high(most) / 2.0 + 4.0), Anchor::Start, "", words.transfers_over_time);
    canvas.end_group();
}

fn draw_lanes(
    case: &CaseFile,
    words: &Words,
    lanes: &[Option<usize>],
    y: &dyn Fn(usize) -> f64,
    canvas: &mut Canvas,
) {
    canvas.group(&format!("stroke=\"{RULE}\""));
    for lane in 0..lanes.len() {
        let y = Num(y(lane));
        canvas.add(format_args!("<path d=\"M{} {y}H{}\"/>\n", Num(EDGE + LEFT), Num(EDGE + LEFT + SPAN)));
    }
    canvas.end_group();
    canvas.group(&format!("stroke=\"{INK}\""));
    for (lane, account) in lanes.iter().enumerate() {
        if let Some(account) = account.map(|account| &case.accounts[account]) {
            let kind = Kind::of(account);
            let title = format!("{}: {}", Xml(&cut(&account.id, NAME_MAX)), kind.word(words));
            kind.draw(canvas, (EDGE + 8.0, y(lane)), 6.0, account.member, &title);
        }
    }
    canvas.end_group();
    canvas.group("font-size=\"11\"");
    for (lane, account) in lanes.iter().enumerate() {
        let name = account.map_or(words.others, |account| &case.accounts[account].id);
        canvas.text((EDGE + 22.0, y(lane) + 4.0), Anchor::Start, "", &elide(name, (LEFT - 34.0) / 11.0));
    }
    canvas.end_group();
}

fn draw_arrows(
    case: &CaseFile,
    words: &Words,
    arrows: &[Arrow<'_>],
    y: &dyn Fn(usize) -> f64,
    canvas: &mut Canvas,
) {
    for (evidence, colour) in [(false, OTHER), (true, INK)] {
        canvas.group(&format!("fill=\"{colour}\""));
        for one in arrows.iter().filter(|arrow| arrow.first.evidence == evidence) {
            let transfer = one.first;
            let (from, to) = ((one.x, y(one.lanes.0)), (one.x, y(one.lanes.1)));
            let d = if one.lanes.0 == one.lanes.1 {
                format!("M{} {}l5 5-5 5-5-5z", Num(one.x), Num(from.1 - 5.0))
            } else {
                arrow(from, to, 1.5, 0.0, (0.0, 1.0))
            };
            let more =
                if one.count > 1 { format!(", {}", words.transfers(one.count)) } else { String::new() };
            canvas.add(format_args!(
                "<path d=\"M{x} {}h4v4h-4z{d}\"><title>{} → {}: {} {}, {}{more}</title></path>\n",
                Num(from.1 - 2.0),
                Xml(&cut(&case.accounts[transfer.source as usize].id, NAME_MAX)),
                Xml(&cut(&case.accounts[transfer.target as usize].id, NAME_MAX)),
                Xml(&one.sum.amount()),
                Xml(&cut(&transfer.paid.currency, NAME_MAX)),
                Xml(&cut(&transfer.time, 40)),
                x = Num(one.x - 2.0),
            ));
        }
        canvas.end_group();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(first: &str, last: &str) -> Vec<String> {
        let time = |text: &str| text.parse::<Timestamp>().unwrap().as_microsecond();
        Axis { first: time(first), last: time(last) }.ticks().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks("2024-05-01T09:59:58Z", "2024-05-01T10:00:01Z")[0], "2024-05-01 09:59:59");
        assert_eq!(
            ticks("2024-05-01T09:10:00Z", "2024-05-01T12:10:00Z"),
            [
                "2024-05-01 09:30",
                "2024-05-01 10:00",
                "2024-05-01 10:30",
                "2024-05-01 11:00",
                "2024-05-01 11:30",
                "2024-05-01 12:00"
            ]
        );
        assert_eq!(
            ticks("2024-02-27T10:00:00Z", "2024-03-03T01:00:00Z"),
            ["2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02", "2024-03-03"]
        );
        assert_eq!(
            ticks("2023-11-15T00:00:00Z", "2024-03-20T00:00:00Z"),
            ["2023-12", "2024-01", "2024-02", "2024-03"]
        );
        assert_eq!(
            ticks("2019-11-15T00:00:00Z", "2024-06-20T00:00:00Z"),
            ["2020", "2021", "2022", "2023", "2024"]
        );
        assert_eq!(
            ticks("2023-01-15T00:00:00Z", "2024-01-20T00:00:00Z"),
            ["2023-04", "2023-07", "2023-10", "2024-01"]
        );
    }

    #[test]
    fn every_span_has_some_ticks_and_not_too_many() {
        let start = "1999-12-31T23:59:59Z".parse::<Timestamp>().unwrap().as_microsecond();
        let mut span = 1_000_000_i64;
        while span < 300 * 365 * 86_400 * 1_000_000 {
            let axis = Axis::new(start, start + span);
            let ticks = axis.ticks();
            assert!((1..=14).contains(&ticks.len()), "{span}: {ticks:?}");
            span = span / 10 * 13;
        }
    }
}
