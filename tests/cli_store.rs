//! Generations, collection and the doctor on the command line.
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

#[path = "support/program.rs"]
mod program;
#[path = "support/successors.rs"]
mod successors;

use program::{done, drawn, file, json_of, read, refused, ringfence, text, tiny_graph};
use std::path::Path;
use successors::{prepare, publish};
use tempfile::TempDir;

/// A graph whose first generation is one ledger, the second and third another.
fn grown(directory: &TempDir) -> String {
    let graph = tiny_graph(directory, "cycle");
    let next = prepare(Path::new(&tiny_graph(directory, "trace_fifo")));
    assert_eq!([publish(Path::new(&graph), &next), publish(Path::new(&graph), &next)], [2, 3]);
    graph
}

#[test]
fn generations_are_listed_read_and_collected() {
    let directory = TempDir::new().unwrap();
    let graph = grown(&directory);
    let listed = done(["generations", &graph]);
    let numbers: Vec<_> = listed["generations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| (each["generation"].as_u64().unwrap(), each["parent"].as_u64(), each["live"] == true))
        .collect();
    assert_eq!(numbers, [(1, None, false), (2, Some(1), false), (3, Some(2), true)]);
    let shown = String::from_utf8(ringfence(["generations", &graph]).stdout).unwrap();
    assert!(shown.contains("bytes_own") && shown.contains("live"), "{shown}");

    // Every verb that reads a graph reads an older one.
    let info = |more: &[&str]| done([&["info", graph.as_str()][..], more].concat());
    assert_eq!((&info(&[])["generation"], &info(&[])["live_generation"]), (&3.into(), &3.into()));
    let first = info(&["--generation", "1"]);
    assert_eq!((&first["generation"], &first["live_generation"]), (&1.into(), &3.into()));
    assert_eq!(first["num_transactions"], listed["generations"][0]["num_transactions"]);
    assert_eq!(done(["verify", &graph, "--full", "--generation", "2"])["generation"], 2);
    let output = text(directory.path().join("components.csv"));
    done(["components", &graph, "--generation", "1", "--output", &output]);
    assert_eq!(read(output).lines().count() as u64, 1 + first["num_accounts"].as_u64().unwrap());
    let unknown = refused(["info", &graph, "--generation", "9"], "unknown_key", 4);
    assert!(unknown.contains("holds generations 1, 2, 3"), "{unknown}");
    assert!(
        String::from_utf8(ringfence(["info", &graph, "--generation", "2"]).stdout)
            .unwrap()
            .contains("not the live one")
    );

    // All of them are younger than a day.
    assert_eq!(done(["gc", &graph])["gone"], serde_json::json!([]));
    let options = ["--keep", "1", "--keep-hours", "0"];
    let gc = |more: &[&str]| done([&["gc", graph.as_str()], &options[..], more].concat());
    let dry = gc(&["--dry-run"]);
    assert_eq!((&dry["gone"], &dry["dry_run"]), (&serde_json::json!([1, 2]), &true.into()));
    assert_eq!(gc(&["--dry-run", "--keep-generation", "1"])["gone"], serde_json::json!([2]));
    assert_eq!(done(["generations", &graph])["generations"].as_array().unwrap().len(), 3);
    let went = gc(&[]);
    assert_eq!((&went["gone"], &went["bytes"]), (&dry["gone"], &dry["bytes"]));
    assert_eq!(done(["generations", &graph])["generations"].as_array().unwrap().len(), 1);
    done(["verify", &graph, "--full"]);
    refused(["info", &graph, "--generation", "1"], "unknown_key", 4);
    refused(["gc", &graph, "--keep", "0"], "option", 2);
    refused(["gc", &graph, "--keep-generation", "1"], "unknown_key", 4);
    refused(["gc", &text(directory.path())], "foreign", 4);
}

#[test]
fn a_graph_is_cut_otherwise_and_back() {
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "cycle");
    let segments = || done(["info", &graph])["segments"].clone();
    let beginning = segments();
    let nothing = done(["compact", &graph, "--partition", "month"]);
    assert_eq!((&nothing["published"], &nothing["generation"]), (&false.into(), &1.into()));
    let years = done(["compact", &graph, "--partition", "year"]);
    assert_eq!((&years["published"], &years["generation"]), (&true.into(), &2.into()));
    assert_eq!((&years["partition_before"], &years["partition"]), (&"month".into(), &"year".into()));
    assert_eq!(years["num_segments"], segments().as_array().unwrap().len());
    assert_ne!(segments(), beginning);
    done(["verify", &graph, "--full"]);
    let shown = String::from_utf8(ringfence(["compact", &graph, "--partition", "year"]).stdout).unwrap();
    assert!(shown.contains("nothing was done"), "{shown}");
    done(["compact", &graph, "--partition", "month"]);
    assert_eq!(segments(), beginning);
    assert_eq!(done(["info", &graph])["generation"], 3);
    refused(["compact", &graph, "--partition", "day"], "usage", 2);
    refused(["compact", &text(directory.path()), "--partition", "year"], "foreign", 4);
}

#[test]
fn an_identity_is_erased_and_looked_for() {
    let directory = TempDir::new().unwrap();
    let graph = drawn(
        &directory,
        "NL0001QZX>NL0002QZX NL0002QZX>NL0003QZX",
        "account,kind,value\nNL0001QZX,phone,+31-077\nNL0002QZX,phone,+31-077\nNL0001QZX,phone,+31-099\n",
    );
    let before = done(["info", &graph]);
    // Without a word it only says what would be done.
    let would = done(["erase", &graph, "--account", "NL0001QZX"]);
    assert_eq!(
        (&would["done"], &would["published"], &would["scanned"]),
        (&false.into(), &false.into(), &().into())
    );
    assert_eq!(done(["info", &graph])["generation"], 1);
    let shown = String::from_utf8(ringfence(["erase", &graph, "--account", "NL0001QZX"]).stdout).unwrap();
    assert!(shown.contains("say --yes") && shown.contains("would go   generation 1"), "{shown}");

    let keys = file(&directory, "subjects.txt", "account=NL0001QZX\n");
    let report = done(["erase", &graph, "--keys", &keys, "--yes"]);
    assert_eq!(
        (&report["done"], &report["generation"], &report["gone"]),
        (&true.into(), &2.into(), &serde_json::json!([1]))
    );
    assert_eq!((&report["num_links"], &report["num_shared"]), (&2.into(), &1.into()));
    assert_eq!(report["anonymous"][0], serde_json::json!({ "kind": null, "number": 0, "key": "erased-0" }));
    assert_eq!(
        report["anonymous"][1],
        serde_json::json!({ "kind": "phone", "number": 1, "key": "erased-1" })
    );
    let scanned = &report["scanned"];
    assert_eq!(
        (&scanned["num_whole"], &scanned["num_within"], &scanned["places"]),
        (&0.into(), &0.into(), &serde_json::json!([]))
    );
    assert!(scanned["num_files"].as_u64().unwrap() > 6 && scanned["bytes"].as_u64().unwrap() > 4096);
    done(["verify", &graph, "--full"]);
    let after = done(["info", &graph]);
    for same in ["num_accounts", "num_transactions", "currencies", "sources", "kinds"] {
        assert_eq!(before[same], after[same]);
    }
    refused(["erase", &graph, "--account", "NL0001QZX", "--yes"], "unknown_key", 4);
    refused(["erase", &graph, "--account", "erased-0", "--yes"], "input", 4);
    refused(["erase", &graph, "--identifier", "fax=1"], "unknown_key", 4);
    refused(["erase", &graph, "--identifier", "phone"], "usage", 2);
    refused(["erase", &graph], "usage", 2);
    let shown = ringfence(["erase", &graph, "--identifier", "phone=+31-077", "--yes"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("0 accounts and 1 identifier") && shown.contains("out of reach"), "{shown}");
    assert_eq!(done(["info", &graph])["generation"], 3);
}

#[cfg(unix)]
#[test]
fn the_doctor_ends_with_the_code_of_a_damaged_store_only_for_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "cycle");
    let report = done(["doctor", &graph]);
    assert_ne!(report["worst"], "error");
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().any(|each| each["subject"] == "live" && each["level"] == "fine"), "{report}");

    std::fs::set_permissions(&graph, std::fs::Permissions::from_mode(0o777)).unwrap();
    let (code, report) = json_of(["doctor", &graph]);
    assert_eq!((code, &report["ok"], &report["worst"]), (4, &false.into(), &"error".into()));
    assert_eq!(report["error"]["exit_code"], 4);
    assert!(
        report["error"]["message"].as_str().unwrap().contains("others than the owner may write"),
        "{report}"
    );
    let shown = ringfence(["doctor", &graph]);
    assert_eq!(shown.status.code(), Some(4));
    assert!(String::from_utf8(shown.stdout).unwrap().contains("chmod"));
    refused(["doctor", &text(directory.path().join("none"))], "io", 1);
}
