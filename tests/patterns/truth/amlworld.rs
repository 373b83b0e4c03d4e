//! AMLworld: its 370 laundering attempts in a background of ordinary payments.
//!
//! The published excerpt has the attempts whole and nothing around them, so every find among them alone would be right. Here they
//! lie in a million ordinary payments of the seeded generator (no ring planted), of the same days and between the same accounts.
//!
//! # Choices
//! The whole HI-Small has 5,078,345 payments, by its authors' count between some 515,000 accounts and nearly all within ten days: about
//! one payment a day and account. The background has 50,000 accounts, which comes to the same, 1.1 a day. Each account of an attempt
//! takes the place of an account of the background, evenly spread in the generator's scrambled list: persons, merchants, employers,
//! payment firms, as many of each as there are, with all their ordinary payments. Cash desks and correspondent banks stand for the
//! world outside.

use super::Truth;
use crate::support::shared_data;
use ringfence::Run;
use ringfence::graph::Graph;
use ringfence::graph::rates::{Rate, Rates};
use ringfence::ingest::{Mapping, Source};
use ringfence::synth::{SynthOptions, SynthOutputs, generate};
use ringfence::units::time::parse_time;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

/// The columns of the file that is ingested; its currencies are those of the preset `amlworld`.
const MAPPING: &str = r#"
[transactions]
source = "source"
destination = "destination"
time = "time"
time_format = "rfc3339"
amount = "amount"
currency = "currency"
received_amount = "received_amount"
received_currency = "received_currency"
device = "attempt"
labelled = "laundering"
outside = ["outside:*"]
"#;

const HEADER: &str =
    "source,destination,time,amount,currency,received_amount,received_currency,attempt,laundering";

/// The names of typologies in the file and the engine's.
const NAMES: [(&str, &str); 8] = [
    ("BIPARTITE", "bipartite"),
    ("CYCLE", "cycle"),
    ("FAN-IN", "fan-in"),
    ("FAN-OUT", "fan-out"),
    ("GATHER-SCATTER", "gather-scatter"),
    ("RANDOM", "random"),
    ("SCATTER-GATHER", "scatter-gather"),
    ("STACK", "stack"),
];

/// What a dollar is worth in each currency, as payments of the attempts that pass on exactly what came show it; Bitcoin, of which there is
/// one payment, as it was when the generator was written.
const PER_DOLLAR: [(&str, f64); 14] = [
    ("AUD", 1.4128),
    ("BRL", 5.6465),
    ("BTC", 0.000_084_2),
    ("CAD", 1.3193),
    ("CHF", 0.9150),
    ("CNY", 6.6976),
    ("EUR", 0.8534),
    ("GBP", 0.7742),
    ("ILS", 3.3770),
    ("INR", 73.444),
    ("JPY", 105.4),
    ("MXN", 21.1431),
    ("RUB", 77.804),
    ("SAR", 3.7511),
];

/// Payments of the background.
const BACKGROUND: u64 = 1_000_000;

/// Accounts of the background, those of the attempts and the world outside among them.
const ACCOUNTS: u64 = 50_000;

/// Days of the background: 1 to 18 September 2022, those of the attempts.
const DAYS: u32 = 18;

/// An attempt as the file has it: its typology, and rows up to the received currency.
struct Written {
    typology: &'static str,
    rows: Vec<[String; 7]>,
}

/// The attempts in a background of ordinary payments, if the excerpt is there.
pub fn load(run: &Run) -> Option<Truth> {
    let folder = shared_data("amlworld-hi-small")?;
    let written = written(&std::fs::read_to_string(folder.join("HI-Small_Patterns.txt")).unwrap());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("transactions.csv");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    writeln!(file, "{HEADER}").unwrap();
    write_background(&mut file, &written, directory.path(), run);
    for (number, attempt) in written.iter().enumerate() {
        for row in &attempt.rows {
            writeln!(file, "{},{number:03},1", row.join(",")).unwrap();
        }
    }
    file.into_inner().unwrap();
    let preset = Mapping::preset("amlworld").unwrap();
    let (currencies, _) = preset.text().split_once("[transactions]").unwrap();
    let mapping = Mapping::parse(&format!("{currencies}{MAPPING}"), "amlworld in a background").unwrap();
    let typology = |key: &str| Some(written[key.parse::<usize>().unwrap()].typology);
    Some(Truth::new(Source::File(path), &mapping, directory, typology, |graph| Some(rates(graph)), run))
}

/// The generator's rates, the same on all days.
fn rates(graph: &Graph) -> Rates {
    let rate = |&(code, per_dollar): &(&str, f64)| Rate {
        currency: graph.find_currency(code).unwrap(),
        day: 0,
        mantissa: (1e12 / per_dollar) as i64,
    };
    let rates: Vec<Rate> = PER_DOLLAR.iter().map(rate).collect();
    Rates::new(graph, graph.find_currency("USD").unwrap(), &rates).unwrap()
}

/// Reads the file of attempts: blocks of rows, each begun by a line with its typology.
fn written(text: &str) -> Vec<Written> {
    let mut all: Vec<Written> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("BEGIN LAUNDERING ATTEMPT - ") {
            let name = title.split(':').next().unwrap();
            let typology = NAMES.iter().find(|(known, _)| *known == name).unwrap().1;
            all.push(Written { typology, rows: Vec::new() });
        } else if line.starts_with("20") {
            let fields: Vec<&str> = line.split(',').collect();
            let account = |at: usize| format!("{}:{}", fields[at], fields[at + 1]);
            let time = format!("{}:00Z", fields[0].replace('/', "-").replace(' ', "T"));
            let [received, received_currency, paid, paid_currency] =
                [5, 6, 7, 8].map(|at| fields[at].to_string());
            let row = [account(1), account(3), time, paid, paid_currency, received, received_currency];
            all.last_mut().unwrap().rows.push(row);
        }
    }
    all
}

/// Writes the ordinary payments, between accounts of attempts and others.
fn write_background(file: &mut impl Write, attempts: &[Written], directory: &Path, run: &Run) {
    let options = SynthOptions {
        transactions: BACKGROUND,
        accounts: Some(ACCOUNTS),
        start_us: parse_time("2022-09-01T00:00:00Z").unwrap(),
        days: DAYS,
        typologies: Vec::new(),
        look_alikes: Some(0),
        ..SynthOptions::default()
    };
    let [transactions, accounts] =
        ["transactions.csv", "accounts.csv"].map(|name| directory.join(format!("synth-{name}")));
    let mut outputs = SynthOutputs::open(|name| {
        let path = directory.join(format!("synth-{name}"));
        Ok(BufWriter::new(File::create(path).unwrap()))
    })
    .unwrap();
    generate(&options, &mut outputs, run).unwrap();
    let SynthOutputs { transactions: mut written, accounts: mut people, .. } = outputs;
    written.flush().unwrap();
    people.flush().unwrap();
    let names = names(&std::fs::read_to_string(accounts).unwrap(), attempts);
    for line in BufReader::new(File::open(transactions).unwrap()).lines().skip(1) {
        let line = line.unwrap();
        let fields: Vec<&str> = line.split(',').collect();
        let name = |key: &'_ str| names.get(key).map_or(key.to_string(), String::clone);
        let (source, destination) = (name(fields[1]), name(fields[2]));
        writeln!(file, "{source},{destination},{},,0", fields[3..8].join(",")).unwrap();
    }
}

/// New names of accounts of the background: those of attempts, evenly spread, and those of the world outside.
fn names(accounts: &str, attempts: &[Written]) -> BTreeMap<String, String> {
    let rows = || attempts.iter().flat_map(|attempt| &attempt.rows);
    let members: BTreeSet<&String> = rows().flat_map(|row| &row[..2]).collect();
    let people: Vec<(&str, &str)> = accounts
        .lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.split(',');
            (fields.next().unwrap(), fields.next().unwrap())
        })
        .collect();
    let (outside, inside): (Vec<_>, Vec<_>) =
        people.into_iter().partition(|(_, kind)| ["bank", "cash"].contains(kind));
    let stride = inside.len() / members.len();
    let taken =
        members.into_iter().enumerate().map(|(number, member)| (inside[number * stride].0, member.clone()));
    let renamed = outside.iter().map(|(key, _)| (*key, format!("outside:{key}")));
    taken.chain(renamed).map(|(key, name)| (key.to_string(), name)).collect()
}
