//! The command line, as a person or a script meets it: the whole journey, the shapes of JSON, exit codes, and
//! that nothing half-done is ever left behind.
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

#[path = "support/program.rs"]
mod program;

use program::{PROGRAM, done, names, read, refused, ringfence, text, tiny, tiny_graph};
use ringfence::store::StoreWriter;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

#[test]
fn what_came_later_is_appended_once() {
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "cycle");
    let before = done(["info", &graph]);
    let more = text(directory.path().join("more.csv"));
    let header = "transaction,source,destination,time,amount,currency\n";
    std::fs::write(
        &more,
        format!("{header}late,new,newer,2031-05-05T00:00:00Z,1.00,EUR\nbad,new,newer,never,1.00,EUR\n"),
    )
    .unwrap();
    refused(["append", &graph, "--transactions", &more], "rejects", 4);
    assert_eq!(done(["info", &graph]), before);
    let rejects = text(directory.path().join("rejects.csv"));
    let report =
        done(["append", &graph, "--transactions", &more, "--max-rejects", "50", "--rejects", &rejects]);
    assert_eq!(
        (&report["generation"], &report["rows"]),
        (&2.into(), &json!({ "read": 2, "accepted": 1, "rejected": 1, "skipped": 0 }))
    );
    assert_eq!(read(&rejects).lines().count(), 2);
    let info = done(["info", &graph]);
    let count = |info: &Value| info["num_transactions"].as_u64().unwrap();
    assert_eq!((count(&info), &info["generation"]), (count(&before) + 1, &2.into()));
    assert_eq!(done(["verify", &graph, "--full"])["full"], true);
    let again = refused(["append", &graph, "--transactions", &more, "--max-rejects", "50"], "input", 4);
    assert!(again.contains("generation 2 holds it already"), "{again}");
    refused(["append", &graph], "option", 2);
    assert_eq!(done(["info", &graph]), info);
}

#[test]
fn a_bank_goes_the_whole_way_from_rows_to_pictures() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| text(directory.path().join(name));
    let made = done(["synth", &at("bank"), "--transactions", "20000", "--seed", "7"]);
    assert_eq!(made["num_transactions"], 20_000);
    let (transactions, accounts, links) =
        (at("bank/transactions.csv"), at("bank/accounts.csv"), at("bank/links.csv"));
    let graph = at("bank.ring");
    let files = [
        "--transactions",
        &transactions,
        "--accounts",
        &accounts,
        "--links",
        &links,
        "--rejects",
        &at("rejects.csv"),
    ];
    let report = done([&["ingest", &graph, "--preset", "ledger"][..], &files].concat());
    assert_eq!(report["rows"]["rejected"], 0);
    assert_eq!(
        (&report["num_transactions"], &report["num_accounts"]),
        (&20_000.into(), &made["num_accounts"])
    );
    assert_eq!(read(at("rejects.csv")), "source,record,column,reason,detail\n");

    let info = done(["info", &graph]);
    assert_eq!((&info["generation"], &info["num_transactions"]), (&1.into(), &20_000.into()));
    assert_eq!(info["manifest_sha256"].as_str().unwrap().len(), 64);
    assert!(info["kinds"].as_array().unwrap().iter().any(|kind| kind["name"] == "device"));
    assert_eq!(done(["verify", &graph, "--full"])["full"], true);

    for name in ["components.csv", "components.json", "components.parquet"] {
        let report = done(["components", &graph, "--output", &at(name)]);
        assert_eq!(report["num_rows"], made["num_accounts"]);
    }
    let components: Value = serde_json::from_str(&read(at("components.json"))).unwrap();
    assert_eq!(components["rows"].as_array().unwrap().len() as u64, made["num_accounts"].as_u64().unwrap());
    assert_eq!(read(at("components.csv")).lines().next(), Some("account,component,size"));
    assert!(std::fs::read(at("components.parquet")).unwrap().ends_with(b"PAR1"));

    let rings = done(["rings", &graph, "--by", "identifiers", "--output", &at("rings")]);
    assert!(rings["num_rings"].as_u64().unwrap() > 0);
    assert_eq!(
        names(&directory.path().join("rings")),
        [
            "claims.csv",
            "claims.parquet",
            "evidence.csv",
            "evidence.parquet",
            "hubs.csv",
            "hubs.parquet",
            "identifiers.csv",
            "identifiers.parquet",
            "members.csv",
            "members.parquet",
            "money.csv",
            "money.parquet",
            "parties.csv",
            "parties.parquet",
            "parts.csv",
            "parts.parquet",
            "rings.csv",
            "rings.parquet",
            "summary.json"
        ]
    );
    let summary: Value = serde_json::from_str(&read(at("rings/summary.json"))).unwrap();
    assert_eq!(summary["graph"]["manifest_sha256"], info["manifest_sha256"]);

    let seeds = at("bank/seeds.csv");
    let traced = done(["trace", &graph, "--seeds", &seeds, "--policy", "fifo", "--output", &at("trace")]);
    for case in traced["ledger"]["cases"].as_array().unwrap() {
        for row in case["ledger"].as_array().unwrap() {
            assert_eq!(row["balances"], true);
        }
    }
    assert_eq!(
        names(&directory.path().join("trace")),
        [
            "entries.csv",
            "entries.parquet",
            "exits.csv",
            "exits.parquet",
            "flows.csv",
            "flows.parquet",
            "holdings.csv",
            "holdings.parquet",
            "ledger.json",
            "sinks.csv",
            "sinks.parquet"
        ]
    );

    let drawn =
        done(["export", &graph, "--trace", &at("trace"), "--reveal", "--output", &at("trace.graphml")]);
    assert_eq!(drawn["truncated"], false);
    assert_eq!(
        read(at("trace.graphml")).matches("<edge ").count() as u64,
        drawn["num_edges"].as_u64().unwrap()
    );
    let ring = format!("{}/1", at("rings"));
    done(["export", &graph, "--ring", &ring, "--hops", "1", "--reveal", "--output", &at("ring.json")]);
    let ring: Value = serde_json::from_str(&read(at("ring.json"))).unwrap();
    assert!(ring["edges"].as_array().unwrap().iter().any(|edge| edge["type"] == "uses"));
    let account = read(at("components.csv")).lines().nth(1).unwrap().split(',').next().unwrap().to_string();
    let around = done([
        "export",
        &graph,
        "--account",
        &account,
        "--hops",
        "1",
        "--reveal",
        "--output",
        &at("around.csv"),
    ]);
    assert_eq!(read(at("around.csv")).lines().count() as u64, 1 + around["num_transfers"].as_u64().unwrap());

    assert!(
        names(directory.path()).iter().all(|name| !name.contains("partial")),
        "{:?}",
        names(directory.path())
    );
}

#[test]
fn answers_do_not_depend_on_the_number_of_threads() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| text(directory.path().join(name));
    done(["synth", &at("bank"), "--transactions", "5000", "--seed", "3"]);
    for threads in ["1", "5"] {
        let out = |name: &str| at(&format!("{name}-{threads}"));
        let graph = out("graph");
        let (transactions, links, seeds) =
            (at("bank/transactions.csv"), at("bank/links.csv"), at("bank/seeds.csv"));
        let threads = ["--threads", threads];
        let verb = |arguments: &[&str]| done([arguments, &threads].concat());
        verb(&["ingest", &graph, "--preset", "ledger", "--transactions", &transactions, "--links", &links]);
        verb(&["rings", &graph, "--output", &out("rings")]);
        let trace =
            ["trace", &graph, "--seeds", &seeds, "--policy", "all", "--paths", "0", "--pooling", "value"];
        verb(&[&trace[..], &["--base", "USD", "--output", &out("trace")]].concat());
        verb(&[
            "components",
            &graph,
            "--over",
            "both",
            "--output",
            &format!("{}.parquet", out("components")),
        ]);
    }
    assert_eq!(
        std::fs::read(at("components-1.parquet")).unwrap(),
        std::fs::read(at("components-5.parquet")).unwrap()
    );
    for (root, inside) in
        [("rings", ""), ("trace", ""), ("trace", "/fifo"), ("trace", "/haircut"), ("trace", "/poison")]
    {
        for name in names(&directory.path().join(format!("{root}-1{inside}"))) {
            let file = |threads| at(&format!("{root}-{threads}{inside}/{name}"));
            if Path::new(&file("1")).is_dir() {
                continue;
            }
            assert!(
                std::fs::read(file("1")).unwrap() == std::fs::read(file("5")).unwrap(),
                "{root}{inside}/{name}"
            );
        }
    }
}

#[test]
fn identifiers_are_masked_unless_they_are_asked_for() {
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "identity_ring");
    let at = |name: &str| text(directory.path().join(name));
    done(["rings", &graph, "--by", "identifiers", "--output", &at("masked")]);
    done(["rings", &graph, "--by", "identifiers", "--reveal", "--output", &at("shown")]);
    let in_rings = |name: &str| -> Vec<String> {
        let members = read(at(name));
        members.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().to_string()).collect()
    };
    assert_eq!(in_rings("masked/members.csv"), ["A1", "A2", "A3", "A4", "A5", "F1", "F2", "F3"]);
    let (masked, shown) = (read(at("masked/identifiers.csv")), read(at("shown/identifiers.csv")));
    assert!(!masked.contains("900-00-0001") && !masked.contains("@example.com"), "{masked}");
    assert!(masked.contains(",A1,device,device#"), "{masked}");
    assert!(shown.contains(",A4,ssn,900-00-0001,2024-03-04T00:00:00Z,2024-03-23T00:00:00Z,1"), "{shown}");
    // The person who shares nothing is nowhere.
    assert!(!masked.contains("S1"));
    done(["rings", &graph, "--by", "identifiers", "--kinds", "ssn,email", "--output", &at("few")]);
    assert_eq!(in_rings("few/members.csv"), ["A3", "A4", "A5"]);
    let ring = format!("{}/1", at("masked"));
    let key = at("names.key");
    done(["backup-key", &key]);
    done(["export", &graph, "--ring", &ring, "--key-file", &key, "--output", &at("masked.graphml")]);
    done(["export", &graph, "--ring", &ring, "--reveal", "--output", &at("shown.graphml")]);
    assert!(!read(at("masked.graphml")).contains("900-00-0001"));
    assert!(read(at("shown.graphml")).contains("900-00-0001"));
}

#[test]
fn wrong_command_lines_are_usage() {
    for arguments in [
        &["launder"][..],
        &[],
        &["components", "x.ring"],
        &["trace", "x.ring", "--seeds", "s.csv", "--policy", "guess", "--output", "t"],
        &["ingest", "x.ring", "--transactions", "t.csv"],
        &["export", "x.ring", "--output", "o.csv"],
        &["components", "x.ring", "--from", "yesterday", "--output", "o.csv"],
    ] {
        refused(arguments, "usage", 2);
        let plain = ringfence(arguments);
        assert_eq!(plain.status.code(), Some(2), "{arguments:?}");
        assert!(plain.stdout.is_empty() && !plain.stderr.is_empty(), "{arguments:?}");
    }
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "cycle");
    let at = |name: &str| text(directory.path().join(name));
    refused(["components", &graph, "--output", &at("o.xlsx")], "option", 2);
    refused(["components", &graph, "--threads", "0", "--output", &at("o.csv")], "option", 2);
    refused(
        ["components", &graph, "--from", "2024-02-01", "--to", "2024-01-01", "--output", &at("o.csv")],
        "option",
        2,
    );
    refused(
        ["rings", &graph, "--by", "identifiers", "--accounts-max", "1", "--output", &at("o")],
        "option",
        2,
    );
    assert!(ringfence(["--help"]).status.success() && ringfence(["trace", "--help"]).status.success());
    assert!(String::from_utf8(ringfence(["--version"]).stdout).unwrap().starts_with("ringfence "));
}

#[test]
fn what_is_not_a_graph_or_not_in_it_is_refused() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| text(directory.path().join(name));
    std::fs::create_dir(at("empty")).unwrap();
    refused(["info", &at("empty")], "foreign", 4);
    refused(["verify", &at("empty")], "foreign", 4);
    refused(["info", &at("nothing")], "io", 1);
    let graph = tiny_graph(&directory, "cycle");
    let unknown = refused(
        ["export", &graph, "--account", "nobody", "--reveal", "--output", &at("o.csv")],
        "unknown_key",
        4,
    );
    assert!(unknown.contains("--account: unknown account \"nobody\""), "{unknown}");
    refused(
        ["rings", &graph, "--by", "identifiers", "--kinds", "shoe", "--output", &at("o")],
        "unknown_key",
        4,
    );
    refused(
        ["export", &graph, "--account", "A", "--attributes", "name", "--reveal", "--output", &at("o.csv")],
        "unknown_key",
        4,
    );
    assert!(!Path::new(&at("o.csv")).exists() && !Path::new(&at("o")).exists());
}

#[test]
fn a_damaged_graph_is_refused_by_name() {
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "cycle");
    let segments = Path::new(&graph).join("segments");
    let segment = segments.join(&names(&segments)[0]);
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let message = refused(["verify", &graph, "--full"], "damaged", 4);
    assert!(message.contains(segment.file_name().unwrap().to_str().unwrap()), "{message}");
}

#[test]
fn existing_outputs_are_refused_and_left_alone() {
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "trace_fifo");
    let at = |name: &str| text(directory.path().join(name));
    let seeds = text(tiny("trace_fifo").join("seeds.csv"));
    std::fs::write(at("mine.csv"), "mine").unwrap();
    std::fs::create_dir(at("mine")).unwrap();
    let transactions = text(tiny("trace_fifo").join("transactions.csv"));
    for arguments in [
        &["components", &graph, "--output", &at("mine.csv")][..],
        &["export", &graph, "--account", "M", "--reveal", "--output", &at("mine.csv")],
        &["rings", &graph, "--by", "identifiers", "--output", &at("mine")],
        &["trace", &graph, "--seeds", &seeds, "--policy", "fifo", "--output", &at("mine")],
        &["synth", &at("mine"), "--transactions", "1000"],
        &["ingest", &graph, "--preset", "ledger", "--transactions", &transactions],
        &[
            "ingest",
            &at("new.ring"),
            "--preset",
            "ledger",
            "--transactions",
            &transactions,
            "--rejects",
            &at("mine.csv"),
        ],
    ] {
        refused(arguments, "exists", 1);
    }
    assert_eq!(read(at("mine.csv")), "mine");
    assert!(names(&directory.path().join("mine")).is_empty());
    assert_eq!(names(directory.path()), ["mine", "mine.csv", "trace_fifo.ring"]);
}

#[test]
fn a_directory_that_cannot_be_written_fails_and_stays_as_it_was() {
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "trace_fifo");
    let at = |name: &str| text(directory.path().join(name));
    std::fs::write(at("file"), "").unwrap();
    refused(["components", &graph, "--output", &at("missing/o.csv")], "io", 1);
    refused(["components", &graph, "--output", &at("file/o.csv")], "io", 1);
    let locked = directory.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    let mut permissions = std::fs::metadata(&locked).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&locked, permissions).unwrap();
    if std::fs::write(locked.join("probe"), "").is_ok() {
        println!("skipped: this user may write into read-only directories");
        return;
    }
    refused(["components", &graph, "--output", &at("locked/o.csv")], "io", 1);
    refused(["rings", &graph, "--by", "identifiers", "--output", &at("locked/o")], "io", 1);
    assert!(names(&locked).is_empty());
}

#[test]
fn too_many_rejects_publish_nothing_but_the_reasons() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| text(directory.path().join(name));
    let header = "transaction,source,destination,time,amount,currency\n";
    let rows = "T1,A,B,2024-01-01T00:00:00Z,1.00,USD\nT2,A,B,2024-01-01T00:00:00Z,one,USD\n";
    std::fs::write(at("t.csv"), format!("{header}{rows}")).unwrap();
    let ingest = |graph: &str, more: &[&str]| {
        let base = [
            "ingest".to_string(),
            at(graph),
            "--preset".into(),
            "ledger".into(),
            "--transactions".into(),
            at("t.csv"),
        ];
        base.into_iter().chain(more.iter().map(|each| each.to_string())).collect::<Vec<_>>()
    };
    let message = refused(ingest("g.ring", &["--rejects", &at("rejects.csv")]), "rejects", 4);
    assert!(message.contains("1 of 2 rows") && message.contains("rejects.csv"), "{message}");
    assert!(read(at("rejects.csv")).contains("t.csv,2,amount,not-a-number"), "{}", read(at("rejects.csv")));
    assert!(!Path::new(&at("g.ring")).exists());
    let report = done(ingest("g.ring", &["--max-rejects", "50"]));
    assert_eq!(report["rows"], json!({ "read": 2, "accepted": 1, "rejected": 1, "skipped": 0 }));
    assert_eq!(report["reasons"], json!({ "not-a-number": 1 }));
    refused(ingest("h.ring", &["--max-rejects", "101"]), "option", 2);
    refused(ingest("h.ring", &["--rejects", &at("none/rejects.csv")]), "io", 1);
    assert_eq!(names(directory.path()), ["g.ring", "rejects.csv", "t.csv"]);
}

#[test]
fn a_store_that_is_being_written_is_locked() {
    let directory = TempDir::new().unwrap();
    let graph = directory.path().join("busy.ring");
    let _writer = StoreWriter::create(&graph).unwrap();
    let transactions = text(tiny("cycle").join("transactions.csv"));
    refused(["ingest", &text(&graph), "--preset", "ledger", "--transactions", &transactions], "locked", 5);
}

/// Starts a long synth, waits until it is at work, sends `signal`, and gives what came of it.
#[cfg(unix)]
fn interrupted(directory: &Path, signal: &str) -> (Option<i32>, Value) {
    let out = text(directory.join("bank"));
    let long = Command::new(PROGRAM)
        .args([
            "--json",
            "synth",
            &out,
            "--transactions",
            "2000000000",
            "--accounts",
            "10000",
            "--rings",
            "1",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while names(directory).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing was begun");
        std::thread::sleep(Duration::from_millis(10));
    }
    let sent = Command::new("kill").args([signal, &long.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = long.wait_with_output().unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_work_and_leaves_nothing() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let directory = TempDir::new().unwrap();
        let (found, document) = interrupted(directory.path(), signal);
        assert_eq!(found, Some(code), "{document}");
        let expected = json!({ "kind": "cancelled", "message": "cancelled", "exit_code": code });
        assert_eq!((&document["ok"], &document["error"]), (&false.into(), &expected));
        assert!(names(directory.path()).is_empty(), "{:?}", names(directory.path()));
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "cycle");
    for arguments in [&["info", &graph][..], &["--help"]] {
        let mut program = Command::new(PROGRAM)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(program.stdout.take());
        let output = program.wait_with_output().unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn text_is_for_people_and_nothing_else_is_on_standard_output() {
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "trace_fifo");
    let (seeds, out) = (text(tiny("trace_fifo").join("seeds.csv")), text(directory.path().join("trace")));
    let output = ringfence(["trace", &graph, "--seeds", &seeds, "--policy", "fifo", "--output", &out]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(shown.contains("policy fifo, opening just_in_time"), "{shown}");
    assert!(shown.contains("60.00"), "amounts are decimals: {shown}");
    let failed = ringfence(["info", &out]);
    assert!(failed.stdout.is_empty());
    assert!(String::from_utf8(failed.stderr).unwrap().starts_with("error: "));
}
