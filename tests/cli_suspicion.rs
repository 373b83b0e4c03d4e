//! Suspicion from the command line: who is like the known ones, on ledgers drawn by hand.
#![allow(clippy::unwrap_used)]

#[path = "support/program.rs"]
mod program;

use program::{done, drawn, file, read, refused, same_bytes};
use std::path::Path;
use tempfile::TempDir;

/// Accounts with score and whether they are seeds, in order of rank.
fn scores(path: impl AsRef<Path>) -> Vec<(String, f64, bool)> {
    let text = read(path);
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[1].to_string(), fields[2].parse().unwrap(), fields[3] == "true")
    };
    assert_eq!(text.lines().next(), Some("rank,account,score,seed"));
    text.lines().skip(1).map(row).collect()
}

#[test]
fn beliefs_solve_the_equations_of_zoobp() {
    let directory = TempDir::new().unwrap();
    // b is tied to a alone, however often they pay each other; c and d know nobody of them.
    let graph = drawn(&directory, "a>b b>a a>b c>d", "");
    let seeds = file(&directory, "seeds.csv", "account,belief\na,0.8\n");
    let output = program::text(directory.path().join("found"));
    let arguments = ["suspicion", &graph, "--seeds", &seeds, "--strength", "0.3"];
    let said = done([&arguments[..], &["--output", &output]].concat());
    let summary = &said["summary"];
    assert_eq!((&summary["converged"], &summary["seeds"]["num_accounts"]), (&true.into(), &1.into()));
    let epsilon = summary["epsilon"]["transfers"].as_f64().unwrap();
    assert!(summary["epsilon"]["identifiers"].is_null());
    // Each hears epsilon times the other, and takes back epsilon squared of its own.
    let own = 1.0 + epsilon * epsilon;
    let a = 0.8 / (own - epsilon * epsilon / own);
    let expected = [("a", a, true), ("b", epsilon * a / own, false), ("c", 0.0, false), ("d", 0.0, false)];
    let found = scores(directory.path().join("found/suspicion.csv"));
    assert_eq!(found.len(), expected.len());
    for ((account, score, seed), (whose, what, known)) in found.iter().zip(expected) {
        assert_eq!((account.as_str(), *seed), (whose, known));
        assert!((score - what).abs() < 1e-9, "{account}: {score}, not {what}");
    }
    // Without signs a pair's matrix has the radius f·epsilon + (f·epsilon)², which is 1 at the golden ratio's inverse.
    assert!((epsilon / 0.3 - 0.5 * (5_f64.sqrt() - 1.0)).abs() < 1e-3, "{epsilon}");
    same_bytes(&directory, &arguments);
}

#[test]
fn identifiers_tell_too_and_honest_ones_speak_for_others() {
    let directory = TempDir::new().unwrap();
    let links = "account,kind,value\na,phone,555\nb,phone,555\nc,phone,777\nd,phone,777\n";
    let graph = drawn(&directory, "a>e c>f b>g", links);
    let seeds = file(&directory, "seeds.csv", "account,belief\na,1\nc,-1\n");
    let output = program::text(directory.path().join("found"));
    let arguments = ["suspicion", &graph, "--seeds", &seeds, "--over", "both"];
    let said = done([&arguments[..], &["--identifiers-weight", "2", "--output", &output]].concat());
    let epsilon = |kind: &str| said["summary"]["epsilon"][kind].as_f64().unwrap();
    assert!((epsilon("identifiers") - 2.0 * epsilon("transfers")).abs() < 1e-12);
    let found = scores(directory.path().join("found/suspicion.csv"));
    let order: Vec<&str> = found.iter().map(|(account, ..)| account.as_str()).collect();
    // e was paid by a, g by b, who shares a phone with a; the other side is the mirror of it but for g.
    assert_eq!((order[0], &order[1..4], order[6]), ("a", &["e", "b", "g"][..], "c"), "{found:?}");
    let score = |account: &str| found.iter().find(|(whose, ..)| whose == account).unwrap().1;
    assert!(score("b") > score("g") && score("g") > 0.0 && score("d") < 0.0 && score("f") < 0.0);
    assert!((score("e") + score("f")).abs() < 0.05);
    let identifiers = read(directory.path().join("found/identifiers.csv"));
    assert!(
        identifiers.starts_with("rank,kind,identifier,num_accounts,score\n1,phone,phone#0,2,"),
        "{identifiers}"
    );
    assert!(!identifiers.contains("555"));
    same_bytes(&directory, &arguments);
    let shown = program::text(directory.path().join("shown"));
    done([&arguments[..], &["--reveal", "--output", &shown]].concat());
    assert!(read(directory.path().join("shown/identifiers.csv")).contains("\n1,phone,555,2,"));
}

#[test]
fn iterations_that_run_out_are_told_and_wrong_seeds_refused_by_line() {
    let directory = TempDir::new().unwrap();
    let graph = drawn(&directory, "a>b b>c c>d", "");
    let seeds = file(&directory, "seeds.csv", "account\na\n");
    let few = program::text(directory.path().join("few.csv"));
    let said = done(["suspicion", &graph, "--seeds", &seeds, "--iterations-max", "2", "--output", &few]);
    assert_eq!((&said["summary"]["converged"], &said["summary"]["iterations"]), (&false.into(), &2.into()));
    let some = file(&directory, "some.csv", "account\nb\nc\n");
    let outside = program::text(directory.path().join("outside.csv"));
    let both = file(&directory, "both.csv", "account\na\nb\n");
    let arguments = ["suspicion", &graph, "--seeds", &both, "--accounts", &some, "--output", &outside];
    assert_eq!(done(arguments)["summary"]["seeds"]["num_outside"], 1);
    let no = program::text(directory.path().join("no"));
    for (content, kind, named) in [
        ("account,belief\na,2\n", "input", "line 2: belief \"2\""),
        ("account,belief\na,NaN\n", "input", "line 2: belief"),
        ("account,belief\na,1\na,-1\n", "input", "line 3"),
        ("account,belief\na,\n", "input", "line 2: belief is empty"),
        ("account\nnobody\n", "unknown_key", "nobody"),
        ("account\n", "input", "no account"),
        ("belief\n1\n", "input", "account"),
    ] {
        let seeds = file(&directory, "wrong.csv", content);
        let message = refused(["suspicion", &graph, "--seeds", &seeds, "--output", &no], kind, 4);
        assert!(message.contains(named), "{message}");
    }
    for strength in ["0", "0.95", "NaN"] {
        let arguments = ["suspicion", &graph, "--seeds", &seeds, "--strength", strength, "--output", &no];
        assert!(refused(arguments, "option", 2).contains("strength"));
    }
    assert!(!Path::new(&no).exists());
}
