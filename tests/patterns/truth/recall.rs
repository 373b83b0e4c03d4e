//! Recall, names and precision, data set by data set.

use super::table::{Row, precision, recall, rows};
use super::{Truth, amlgentex, amlsim, amlworld, engine};
use ringfence::Run;
use serde_json::{Value, json};
use std::time::Instant;

const DAY_S: u64 = 86_400;

/// Cycles within the five days of other typologies, two accounts enough, that carry about the same value around, as chains do: in so
/// many payments there are millions that do not.
pub fn amlworld_settings() -> Value {
    json!({ "cycle": { "span_s": 5 * DAY_S, "length_min": 2, "length_max": 10, "passed_on": "500-1500" } })
}

/// Times are days and attempts take weeks: a month for an instance, ten days at an account of a chain. The generator draws the amounts of
/// a cycle one by one, and has ordinary pairs who pay each other.
pub fn amlgentex_settings() -> Value {
    json!({ "span_s": 30 * DAY_S, "dwell_s": 10 * DAY_S, "cycle": { "length_min": 3, "length_max": 10, "passed_on": "any" } })
}

/// As for AMLGentex, but fans take the whole year: the generator draws the day of each payment of a fan from all of the run.
pub fn amlsim_settings() -> Value {
    let year = json!({ "span_s": 365 * DAY_S });
    json!({
        "span_s": 30 * DAY_S, "dwell_s": 10 * DAY_S, "cycle": { "length_min": 3, "length_max": 10, "passed_on": "any" },
        "fan-in": year, "fan-out": year,
    })
}

/// Searches, prints the tables, and hands over what is in them.
fn report(name: &str, truth: &Truth, settings: &Value) -> Vec<Row> {
    let started = Instant::now();
    let rows = rows(truth, &engine::search(truth, settings, &Run::new()));
    println!("\n## {name}\n\n{}\n{}", recall(&rows), precision(&rows));
    println!("{:.1} s for all searches, set: {settings}", started.elapsed().as_secs_f64());
    rows
}

fn report_amlworld() -> Option<Vec<Row>> {
    let truth = amlworld::load(&Run::new())?;
    Some(report("AMLworld", &truth, &amlworld_settings()))
}

fn report_amlgentex() -> Option<Vec<Row>> {
    let truth = amlgentex::load(&Run::new())?;
    Some(report("AMLGentex", &truth, &amlgentex_settings()))
}

fn report_amlsim(name: &str) -> Option<Vec<Row>> {
    let truth = amlsim::load(name, &Run::new())?;
    Some(report(&format!("AMLSim, {name}"), &truth, &amlsim_settings()))
}

/// What must be found of a typology: attempts, attempts that have the shape, attempts found, and those among the first 200 instances.
type Floor = (&'static str, usize, usize, usize, usize);

/// Attempts, and which of them have the shape, are facts of the data; of the others more may be found, not fewer.
fn assert_floors(rows: &[Row], floors: &[Floor]) {
    let counts = |row: &Row| (row.typology, row.attempts, row.defined, row.found, row.first[1].attempts);
    let found: Vec<Floor> = rows.iter().map(counts).collect();
    assert_eq!(found.len(), floors.len());
    for (row, floor) in found.iter().zip(floors) {
        assert_eq!((row.0, row.1, row.2), (floor.0, floor.1, floor.2), "{found:?}");
        assert!(row.3 >= floor.3 && row.4 >= floor.4, "{row:?} is less than {floor:?}");
    }
}

#[test]
fn attempts_of_amlworld_are_found_in_a_million_ordinary_payments() {
    let Some(rows) = report_amlworld() else { return };
    assert_floors(
        &rows,
        &[
            ("fan-in", 40, 26, 31, 16),
            ("fan-out", 48, 27, 33, 15),
            ("gather-scatter", 51, 26, 32, 11),
            ("scatter-gather", 44, 30, 32, 25),
            ("cycle", 54, 43, 45, 22),
            ("random", 41, 23, 24, 16),
            ("bipartite", 49, 0, 0, 0),
            ("stack", 43, 0, 0, 0),
        ],
    );
}

#[test]
fn patterns_of_amlgentex_are_found_by_name() {
    let Some(rows) = report_amlgentex() else { return };
    assert_floors(
        &rows,
        &[
            ("fan-in", 20, 19, 19, 6),
            ("fan-out", 20, 16, 14, 3),
            ("gather-scatter", 20, 2, 1, 1),
            ("scatter-gather", 20, 11, 11, 11),
            ("cycle", 20, 19, 19, 19),
            ("bipartite", 20, 20, 20, 20),
            ("stack", 20, 4, 4, 4),
        ],
    );
}

#[test]
fn alerts_of_amlsim_come_first() {
    let Some(rows) = report_amlsim("amlsim-run-a") else { return };
    assert_floors(
        &rows,
        &[
            ("fan-in", 40, 39, 23, 23),
            ("fan-out", 40, 36, 5, 5),
            ("gather-scatter", 40, 39, 40, 40),
            ("scatter-gather", 40, 38, 38, 38),
            ("cycle", 40, 0, 1, 1),
        ],
    );
}

#[test]
#[ignore = "prints all tables of docs/typology-recall.md: make recall"]
fn tables() {
    report_amlworld();
    report_amlgentex();
    for name in ["amlsim-run-a", "amlsim-scale-62k"] {
        report_amlsim(name);
    }
}
