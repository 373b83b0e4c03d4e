//! `ringfence rings`, `rings diff` and `report` as people run them.
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

#[path = "support/program.rs"]
mod program;

use program::{done, read, refused, text, tiny, tiny_graph};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// A bank that was invented, its graph and its rings.
struct Bank {
    directory: TempDir,
    graph: String,
}

impl Bank {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let at = |name: &str| text(directory.path().join(name));
        done(["synth", &at("bank"), "--transactions", "8000", "--seed", "5"]);
        let (graph, transactions) = (at("graph"), at("bank/transactions.csv"));
        let (accounts, links) = (at("bank/accounts.csv"), at("bank/links.csv"));
        done([
            "ingest",
            &graph,
            "--preset",
            "ledger",
            "--transactions",
            &transactions,
            "--accounts",
            &accounts,
            "--links",
            &links,
        ]);
        done(["rings", &graph, "--output", &at("rings")]);
        Bank { directory, graph }
    }

    fn at(&self, name: &str) -> String {
        text(self.directory.path().join(name))
    }
}

#[test]
fn a_case_file_is_the_same_in_all_its_forms_and_for_any_number_of_threads() {
    let bank = Bank::new();
    done(["backup-key", &bank.at("key")]);
    let make = |format: &str, lang: &str, threads: &str, to: &str| {
        let (ring, key, output) = (bank.at("rings/1"), bank.at("key"), bank.at(to));
        done([
            "report",
            &bank.graph,
            "--ring",
            &ring,
            "--key-file",
            &key,
            "--case",
            "one",
            "--format",
            format,
            "--lang",
            lang,
            "--threads",
            threads,
            "--output",
            &output,
        ])
    };
    for format in ["html", "md", "json"] {
        for lang in ["en", "zh"] {
            make(format, lang, "1", &format!("one-{lang}.{format}"));
            make(format, lang, "5", &format!("five-{lang}.{format}"));
            let of = |threads: &str| std::fs::read(bank.at(&format!("{threads}-{lang}.{format}"))).unwrap();
            assert!(of("one") == of("five"), "{format} {lang}");
        }
    }
    let case: Value = serde_json::from_str(&read(bank.at("one-en.json"))).unwrap();
    let parts =
        case["score_parts"].as_array().unwrap().iter().map(|part| part["millibits"].as_i64().unwrap());
    assert_eq!(case["score_millibits"].as_i64(), Some(parts.sum()));
    let claims = case["claims"].as_array().unwrap().iter().map(|claim| claim["millibits"].as_i64().unwrap());
    assert_eq!(case["score_millibits"].as_i64(), Some(claims.sum()));
    let questions: Vec<&str> =
        case["summary"].as_array().unwrap().iter().map(|point| point["question"].as_str().unwrap()).collect();
    assert_eq!(questions, ["who", "what", "when", "where", "why", "how"]);
    // Every name of an account is a pseudonym, in every form.
    let (page, words) = (read(bank.at("one-en.html")), read(bank.at("one-en.md")));
    let chinese = read(bank.at("one-zh.html"));
    for account in case["accounts"].as_array().unwrap() {
        let id = account["id"].as_str().unwrap();
        assert!(
            id.starts_with("acct-") && page.contains(id) && chinese.contains(id) && words.contains(id),
            "{id}"
        );
    }
    let members = read(bank.at("rings/members.csv"));
    for row in members.lines().skip(1) {
        let account = row.split(',').nth(1).unwrap();
        assert!(!page.contains(account) && !words.contains(account), "{account}");
    }
}

#[test]
fn revealed_names_are_those_of_the_data_and_amounts_those_of_its_rows() {
    let bank = Bank::new();
    let (ring, output) = (bank.at("rings/1"), bank.at("case.json"));
    done(["report", &bank.graph, "--ring", &ring, "--reveal", "--format", "json", "--output", &output]);
    let case: Value = serde_json::from_str(&read(&output)).unwrap();
    let first_ring =
        read(bank.at("rings/rings.csv")).lines().nth(1).unwrap().split(',').next().unwrap().to_string();
    assert_eq!(case["subject"]["id"], first_ring.as_str());
    let members: Vec<String> = read(bank.at("rings/members.csv"))
        .lines()
        .filter(|row| row.starts_with(&first_ring))
        .map(|row| row.split(',').nth(1).unwrap().to_string())
        .collect();
    let listed = case["accounts"].as_array().unwrap().iter().filter(|account| account["member"] == true);
    let mut listed: Vec<&str> = listed.map(|account| account["id"].as_str().unwrap()).collect();
    listed.sort_unstable();
    assert_eq!(listed, members);
    // Transaction, source, destination, time, amount, currency: from the ledger itself.
    let ledger = read(bank.at("bank/transactions.csv"));
    let rows: std::collections::BTreeMap<&str, Vec<&str>> = ledger
        .lines()
        .skip(1)
        .map(|row| (row.split(',').next().unwrap(), row.split(',').collect()))
        .collect();
    let accounts = case["accounts"].as_array().unwrap();
    let name = |place: &Value| accounts[place.as_u64().unwrap() as usize]["id"].as_str().unwrap();
    let transfers = case["transfers"].as_array().unwrap();
    assert!(transfers.iter().any(|transfer| transfer["evidence"] == true));
    for transfer in transfers {
        let row = &rows[transfer["id"].as_str().unwrap()];
        assert_eq!((name(&transfer["source"]), name(&transfer["target"])), (row[1], row[2]));
        assert_eq!(
            (transfer["paid"]["amount"].as_str(), transfer["paid"]["currency"].as_str()),
            (Some(row[4]), Some(row[5]))
        );
    }
}

#[test]
fn a_trace_has_a_case_file_whose_money_is_that_of_its_books() {
    let bank = Bank::new();
    let (seeds, trace) = (bank.at("bank/seeds.csv"), bank.at("trace"));
    let traced = done(["trace", &bank.graph, "--seeds", &seeds, "--policy", "fifo", "--output", &trace]);
    let output = bank.at("case.json");
    done(["report", &bank.graph, "--trace", &trace, "--reveal", "--format", "json", "--output", &output]);
    let case: Value = serde_json::from_str(&read(&output)).unwrap();
    let whole = |value: &Value| value.as_str().unwrap().parse::<i128>().unwrap();
    for line in case["money"].as_array().unwrap() {
        let rows = traced["ledger"]["cases"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|one| one["ledger"].as_array().unwrap());
        let rows: Vec<&Value> = rows.filter(|row| row["currency"] == line["currency"]).collect();
        let sum = |name: &str| rows.iter().map(|row| whole(&row[name])).sum::<i128>();
        assert_eq!(whole(&line["traced"]["minor"]), sum("seeded_minor"));
        assert_eq!(whole(&line["kept"]["minor"]), sum("held_minor") + sum("at_sinks_minor"));
        let kept = whole(&line["received"]["minor"]) - whole(&line["paid"]["minor"]);
        assert_eq!(whole(&line["kept"]["minor"]), kept);
    }
    assert!(case["transfers"].as_array().unwrap().iter().all(|transfer| !transfer["traced"].is_null()));
    // A seed is followed from its arrival on, so of its payment as much as arrived.
    let mut seeded = case["transfers"].as_array().unwrap().iter().filter(|transfer| transfer["hop"] == 0);
    assert!(seeded.all(|seed| whole(&seed["traced"]["minor"]) > 0));
    let flows = read(format!("{trace}/flows.csv")).lines().count() - 1;
    assert!(case["transfers"].as_array().unwrap().len() <= flows && flows > 0);
    // A link of the money flow goes on to a later step.
    let step = |place: &Value| case["flow_nodes"][place.as_u64().unwrap() as usize]["step"].as_u64().unwrap();
    let links = case["flow_links"].as_array().unwrap();
    assert!(!links.is_empty() && links.iter().all(|link| step(&link["source"]) < step(&link["target"])));
}

/// Keys of accounts and transactions, names of files and hashes of keys: nothing of them is in what goes out under pseudonyms.
#[test]
fn nothing_of_the_data_s_names_is_in_a_case_file_under_pseudonyms() {
    let bank = Bank::new();
    let (seeds, trace, key) = (bank.at("bank/seeds.csv"), bank.at("trace"), bank.at("key"));
    let rows = read(bank.at("bank/transactions.csv"));
    let sink = rows.lines().nth(1).unwrap().split(',').nth(2).unwrap().to_string();
    std::fs::write(bank.at("sinks.csv"), format!("account\n{sink}\n")).unwrap();
    done([
        "trace",
        &bank.graph,
        "--seeds",
        &seeds,
        "--policy",
        "fifo",
        "--sinks",
        &bank.at("sinks.csv"),
        "--output",
        &trace,
    ]);
    done(["backup-key", &key]);
    for (what, place) in [("--ring", bank.at("rings/1")), ("--trace", trace)] {
        for format in ["html", "md", "json"] {
            let output = bank.at(&format!("{}.{format}", &what[2..]));
            done([
                "report",
                &bank.graph,
                what,
                &place,
                "--key-file",
                &key,
                "--format",
                format,
                "--output",
                &output,
            ]);
            let text = read(&output);
            for row in rows.lines().skip(1) {
                let cells: Vec<&str> = row.split(',').collect();
                for name in [cells[1], cells[2]] {
                    assert!(!text.contains(name), "{name} in {output}");
                }
            }
            let ring = read(bank.at("rings/rings.csv"))
                .lines()
                .nth(1)
                .unwrap()
                .split(',')
                .next()
                .unwrap()
                .to_string();
            assert!(!text.contains(&ring) && !text.contains("transactions.csv"), "{output}");
        }
    }
}

#[test]
fn books_that_do_not_balance_are_refused() {
    let bank = Bank::new();
    let (seeds, trace, output) = (bank.at("bank/seeds.csv"), bank.at("trace"), bank.at("case.md"));
    done(["trace", &bank.graph, "--seeds", &seeds, "--policy", "fifo", "--output", &trace]);
    let books = format!("{trace}/ledger.json");
    let written = read(&books);
    let held = written.split("\"held_minor\": \"").nth(1).unwrap().split('"').next().unwrap();
    let changed =
        written.replacen(&format!("\"held_minor\": \"{held}\""), "\"held_minor\": \"123456789\"", 1);
    for (text, problem) in
        [(changed, "do not balance"), (written.replacen("\"held_minor\"", "\"hold_minor\"", 1), "held_minor")]
    {
        std::fs::write(&books, text).unwrap();
        let report =
            ["report", &bank.graph, "--trace", &trace, "--reveal", "--format", "md", "--output", &output];
        let said = refused(report, "input", 4);
        assert!(said.contains(problem), "{said}");
        assert!(!Path::new(&output).exists());
    }
}

#[test]
fn what_cannot_be_reported_is_refused_and_nothing_is_left() {
    let bank = Bank::new();
    let (ring, output, key) = (bank.at("rings/1"), bank.at("case.html"), bank.at("key"));
    done(["backup-key", &key]);
    let report = |more: &[&str], graph: &str, kind: &str, code: i32| {
        let said = refused([&["report", graph, "--output", &output], more].concat(), kind, code);
        assert!(!Path::new(&output).exists(), "{said}");
        said
    };
    let said = report(&["--ring", &ring], &bank.graph, "input", 4);
    assert!(said.contains("--key-file") && said.contains("--reveal"), "{said}");
    report(&["--ring", &bank.at("rings/ring-none"), "--reveal"], &bank.graph, "unknown_key", 4);
    report(&["--ring", &bank.at("nowhere/1"), "--reveal"], &bank.graph, "io", 1);
    report(&["--ring", &ring, "--reveal", "--accounts-max", "1"], &bank.graph, "option", 2);
    report(&["--ring", &ring, "--reveal", "--attributes", "shoes"], &bank.graph, "unknown_key", 4);
    // A ring and a trace of another graph.
    let other = tiny_graph(&bank.directory, "trace_fifo");
    report(&["--ring", &ring, "--reveal"], &other, "unknown_key", 4);
    let (seeds, trace) = (text(tiny("trace_fifo").join("seeds.csv")), bank.at("trace"));
    done(["trace", &other, "--seeds", &seeds, "--policy", "fifo", "--output", &trace]);
    report(&["--trace", &trace, "--reveal"], &bank.graph, "unknown_key", 4);
    // A key that others can read.
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    report(&["--ring", &ring, "--key-file", &key], &bank.graph, "input", 4);
    std::fs::write(&output, "mine").unwrap();
    refused(["report", &bank.graph, "--ring", &ring, "--reveal", "--output", &output], "exists", 1);
    assert_eq!(read(&output), "mine");
}

#[test]
fn too_large_a_ring_is_summarised_and_says_so() {
    let bank = Bank::new();
    let (ring, output) = (bank.at("rings/1"), bank.at("case.json"));
    let limits = ["--accounts-max", "3", "--transfers-max", "2"];
    let made = done(
        [
            &["report", &bank.graph, "--ring", &ring, "--reveal", "--format", "json", "--output", &output],
            &limits[..],
        ]
        .concat(),
    );
    let case: Value = serde_json::from_str(&read(&output)).unwrap();
    assert_eq!((made["summarised"].as_bool(), case["accounts"].as_array().unwrap().len()), (Some(true), 3));
    assert!(case["transfers"].as_array().unwrap().len() <= 2);
    assert!(case["summarised"]["num_accounts"].as_u64().unwrap() > 3);
}

#[test]
fn rings_of_two_runs_are_compared() {
    let bank = Bank::new();
    let (rings, later) = (bank.at("rings"), bank.at("later"));
    let same = done(["rings", "diff", &rings, &rings]);
    assert_eq!(same["fates"]["unchanged"], same["num_rings"]);
    done(["rings", &bank.graph, "--by", "identifiers", "--previous", &rings, "--output", &later]);
    let changed = done(["rings", "diff", &rings, &later, "--output", &bank.at("changes")]);
    assert!(changed["fates"]["gone"].as_u64().unwrap() > 0, "{changed}");
    let table = read(bank.at("changes/changes.csv"));
    assert_eq!(table.lines().next(), Some("fate,ring,previous,num_shared,num_gained,num_lost"));
    assert!(table.lines().any(|row| row.starts_with("gone,,ring-")), "{table}");
    // Who continues an old ring has its name.
    for row in table.lines().filter(|row| row.starts_with("unchanged,")) {
        let fields: Vec<&str> = row.split(',').collect();
        assert_eq!(fields[1], fields[2]);
    }
    refused(["rings", "diff", &rings, &bank.at("nowhere")], "io", 1);
}
