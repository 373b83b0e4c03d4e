//! Communities, cores, trusses and dense sets from the command line, on a ledger drawn by hand.
#![allow(clippy::unwrap_used)]

#[path = "support/program.rs"]
mod program;

use program::{done, file, names, read, refused};
use std::path::Path;
use tempfile::TempDir;

/// Two groups of four who all pay each other, joined by one payment; `e` pays everybody once; three share a phone.
fn graph(directory: &TempDir) -> String {
    let mut text = String::from("transaction,source,destination,time,amount,currency\n");
    let mut number = 0;
    let mut pay = |source: &str, destination: &str, amount: &str| {
        number += 1;
        text += &format!(
            "t{number},{source},{destination},2024-01-{:02}T00:00:00Z,{amount},EUR\n",
            1 + number % 28
        );
    };
    for group in ["a", "b"] {
        for one in 1..5 {
            for two in 1..5 {
                if one != two {
                    pay(&format!("{group}{one}"), &format!("{group}{two}"), "10.00");
                }
            }
        }
    }
    pay("a1", "b1", "1.00");
    for group in ["a", "b"] {
        (1..5).for_each(|one| pay("e", &format!("{group}{one}"), "0.01"));
    }
    let links = "account,kind,value\na1,phone,555\na2,phone,555\nb1,phone,555\na3,email,x@y\nb3,email,x@y\n";
    let graph = program::text(directory.path().join("test.ring"));
    let (rows, links) = (file(directory, "transactions.csv", &text), file(directory, "links.csv", links));
    done(["ingest", &graph, "--preset", "ledger", "--transactions", &rows, "--links", &links]);
    graph
}

fn members(path: impl AsRef<Path>) -> Vec<(String, String)> {
    let text = read(path);
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[0].to_string(), fields[1].to_string())
    };
    text.lines().skip(1).map(row).collect()
}

fn place(directory: &TempDir, name: &str) -> String {
    program::text(directory.path().join(name))
}

fn of(members: &[(String, String)], account: &str) -> String {
    members.iter().find(|(found, _)| found == account).unwrap().1.clone()
}

#[test]
fn groups_who_pay_each_other_are_communities_and_a_hub_can_be_cut() {
    let directory = TempDir::new().unwrap();
    let (graph, output) = (graph(&directory), place(&directory, "found"));
    let said = done(["communities", &graph, "--neighbors-max", "7", "--output", &output]);
    let summary = &said["summary"];
    assert_eq!((&summary["num_communities"], &summary["num_alone"]), (&3.into(), &1.into()), "{summary}");
    assert_eq!((&summary["num_pairs"], &summary["num_hubs"]), (&13.into(), &1.into()));
    // 24 payments inside of 25; each group has half of the ends.
    let modularity = 24.0 / 25.0 - 2.0 * 0.25;
    assert!((summary["quality"].as_f64().unwrap() - modularity).abs() < 1e-12);
    assert_eq!(summary["coverage"].as_f64().unwrap(), 24.0 / 25.0);
    let expected = "account,community,size,finest\n\
                    a1,0,4,0\na2,0,4,0\na3,0,4,0\na4,0,4,0\nb1,1,4,1\nb2,1,4,1\nb3,1,4,1\nb4,1,4,1\ne,2,1,2\n";
    assert_eq!(read(directory.path().join("found/members.csv")), expected);
    let communities = read(directory.path().join("found/communities.csv"));
    let first = communities.lines().nth(1).unwrap();
    assert_eq!(first, "0,4,6,12,1,0.04,1.0,true");
    assert_eq!(read(directory.path().join("found/hubs.csv")).lines().nth(1).unwrap(), "e,,,8,0,hub");
    let endings = ["csv", "parquet"];
    let tables = ["communities", "hierarchy", "hubs", "levels", "members"];
    let mut files: Vec<String> =
        tables.iter().flat_map(|table| endings.map(|ending| format!("{table}.{ending}"))).collect();
    files.push("summary.json".into());
    files.sort();
    assert_eq!(names(&directory.path().join("found")), files);
}

#[test]
fn every_method_and_objective_finds_the_two_groups() {
    let directory = TempDir::new().unwrap();
    let graph = graph(&directory);
    for (number, arguments) in [
        &["--method", "leiden"][..],
        &["--method", "louvain"],
        &["--method", "labels"],
        &["--objective", "cpm", "--resolution", "0.5"],
        &["--directed"],
        &["--weight", "log"],
        &["--weight", "amount", "--currency", "EUR"],
        &["--unweighted", "--seed", "7"],
    ]
    .into_iter()
    .enumerate()
    {
        let output = place(&directory, &format!("members{number}.csv"));
        done([&["communities", &graph, "--output", &output], arguments].concat());
        let found = members(&output);
        for group in ["a", "b"] {
            let same: Vec<String> = (1..5).map(|one| of(&found, &format!("{group}{one}"))).collect();
            assert!(same.iter().all(|community| *community == same[0]), "{arguments:?}: {found:?}");
        }
        assert_ne!(of(&found, "a1"), of(&found, "b1"), "{arguments:?}");
    }
}

#[test]
fn identifiers_join_and_allowed_ones_do_not() {
    let directory = TempDir::new().unwrap();
    let graph = graph(&directory);
    let output = place(&directory, "shared.csv");
    done(["communities", &graph, "--over", "identifiers", "--output", &output]);
    let found = members(&output);
    assert_eq!(of(&found, "a1"), of(&found, "b1"));
    assert_eq!(of(&found, "a3"), of(&found, "b3"));
    let allowed = file(&directory, "allowed.csv", "kind,value\nphone,555\n");
    let output = place(&directory, "allowed");
    done(["communities", &graph, "--over", "identifiers", "--allowed", &allowed, "--output", &output]);
    let found = members(directory.path().join("allowed/members.csv"));
    assert_ne!(of(&found, "a1"), of(&found, "b1"));
    assert_eq!(of(&found, "a3"), of(&found, "b3"));
    let hubs = read(directory.path().join("allowed/hubs.csv"));
    assert_eq!(hubs.lines().nth(1).unwrap(), ",phone,phone#0,3,0,allowed");
}

#[test]
fn communities_that_stay_keep_their_number() {
    let directory = TempDir::new().unwrap();
    let graph = graph(&directory);
    let start =
        file(&directory, "start.csv", "account,community\nb1,70\nb2,70\nb3,70\nb4,70\na1,3\na2,3\na3,3\n");
    let output = place(&directory, "next.csv");
    done(["communities", &graph, "--neighbors-max", "7", "--start", &start, "--output", &output]);
    let found = members(&output);
    assert_eq!((of(&found, "b2"), of(&found, "a4")), ("70".to_string(), "3".to_string()));
    assert!(!["70", "3"].contains(&of(&found, "e").as_str()));
    // What came out can go in again, and nothing changes.
    let again = place(&directory, "again.csv");
    done(["communities", &graph, "--neighbors-max", "7", "--start", &output, "--output", &again]);
    assert_eq!(members(&again), found);
}

#[test]
fn only_given_accounts_exist() {
    let directory = TempDir::new().unwrap();
    let graph = graph(&directory);
    let accounts = file(&directory, "accounts.csv", "account\nb2\na1\nb3\ne\n");
    let output = place(&directory, "members.csv");
    done(["communities", &graph, "--accounts", &accounts, "--output", &output]);
    let mut found: Vec<String> = members(&output).into_iter().map(|(account, _)| account).collect();
    found.sort();
    assert_eq!(found, ["a1", "b2", "b3", "e"]);
}

#[test]
fn cores_trusses_and_dense_sets_are_those_of_the_drawing() {
    let directory = TempDir::new().unwrap();
    let graph = graph(&directory);
    let output = place(&directory, "cores.csv");
    let said = done(["core", &graph, "--neighbors-max", "7", "--output", &output]);
    assert_eq!((&said["summary"]["deepest"], &said["summary"]["num_triangles"]), (&3.into(), &8.into()));
    let rows = read(&output);
    assert_eq!(rows.lines().nth(1).unwrap(), "a1,3,4,7,3,0.5,true,");
    assert!(
        rows.contains("\na2,3,3,6,3,1.0,false,\n") && rows.contains("\ne,0,0,0,0,0.0,false,\n"),
        "{rows}"
    );
    let strength = place(&directory, "strength.csv");
    done(["core", &graph, "--kind", "strength", "--neighbors-max", "7", "--output", &strength]);
    assert!(read(&strength).contains("\na2,6,"));
    let directed = place(&directory, "directed.csv");
    done(["core", &graph, "--kind", "directed", "--in-min", "3", "--output", &directed]);
    let rows = read(&directed);
    assert!(rows.lines().any(|row| row.starts_with("a2,3,") && row.ends_with(",0")), "{rows}");
    let output = place(&directory, "pairs.csv");
    done(["truss", &graph, "--neighbors-max", "7", "--output", &output]);
    let rows = read(&output);
    assert_eq!(rows.lines().count(), 14);
    assert!(rows.contains("\na1,a2,2,4,false,0\n") && rows.contains("\na1,b1,1,2,true,2\n"), "{rows}");
    let output = place(&directory, "dense");
    let said = done(["dense", &graph, "--output", &output]);
    assert!(said["summary"]["bound"].as_f64().unwrap() >= 33.0 / 9.0);
    assert_eq!(
        read(directory.path().join("dense/scores.csv")).lines().nth(1).unwrap(),
        format!("0,9,{}", 33.0 / 9.0)
    );
    let output = place(&directory, "blocks.csv");
    done(["dense", &graph, "--method", "fraudar", "--blocks-max", "2", "--output", &output]);
    assert!(read(&output).contains("0,payer,"));
}

#[test]
fn the_account_that_pays_everybody_is_central_and_those_it_pays_are_paid() {
    let directory = TempDir::new().unwrap();
    let graph = graph(&directory);
    for (method, first, columns) in [
        ("degree", "e", "rank,account,score,strength"),
        ("pagerank", "b1", "rank,account,score"),
        ("hits", "b1", "rank,account,score,hub"),
        ("betweenness", "a1", "rank,account,score"),
    ] {
        let output = place(&directory, &format!("{method}.csv"));
        done(["centrality", &graph, "--method", method, "--output", &output]);
        let table = read(&output);
        let rows: Vec<&str> = table.lines().collect();
        assert_eq!((rows[0], rows.len()), (columns, 10));
        assert!(rows[1].starts_with(&format!("1,{first},")), "{method}: {table}");
    }
}

#[test]
fn accounts_are_linked_by_what_they_share_with_its_weight() {
    let directory = TempDir::new().unwrap();
    let graph = graph(&directory);
    let output = place(&directory, "links");
    let arguments = ["link", &graph, "--population", "1000", "--output", &output];
    let said = done([&arguments[..], &["--m-permille", "1000"]].concat());
    assert_eq!((&said["summary"]["num_rings"], &said["summary"]["num_members"]), (&2.into(), &5.into()));
    // log2(1000 / 3) and log2(1000 / 2), rounded down to 1/256 bit.
    let rings = read(directory.path().join("links/rings.csv"));
    assert_eq!(rings, "ring,num_accounts,cohesion_bits\n0,3,8.37890625\n1,2,8.96484375\n");
    assert_eq!(read(directory.path().join("links/members.csv")).lines().nth(4).unwrap(), "1,a3");
    let evidence = read(directory.path().join("links/evidence.csv"));
    assert!(evidence.contains("\n1,a3,b3,email,email#0,2,8.96484375,8.96484375,true\n"), "{evidence}");
    assert!(!evidence.contains("x@y"));
    let output = place(&directory, "one.csv");
    let strict = ["link", &graph, "--population", "1000", "--bits-min", "8.5", "--output", &output];
    assert_eq!(done(strict)["summary"]["num_rings"], 1);
    let output = place(&directory, "nothing");
    let message = refused(["link", &graph, "--kinds", "shoe", "--output", &output], "unknown_key", 4);
    assert!(message.contains("shoe"));
    refused(["link", &graph, "--bits-min", "0", "--output", &output], "option", 2);
    assert!(!Path::new(&output).exists());
}

#[test]
fn what_is_not_possible_is_refused_by_name_and_leaves_nothing() {
    let directory = TempDir::new().unwrap();
    let graph = graph(&directory);
    let output = place(&directory, "out");
    let no = |arguments: &[&str], kind: &str, code: i32| {
        let message =
            refused([&["communities", &graph, "--output", &output], arguments].concat(), kind, code);
        assert!(!Path::new(&output).exists());
        message
    };
    for resolution in ["0", "-1", "NaN", "inf"] {
        assert!(no(&[&format!("--resolution={resolution}")], "option", 2).contains("resolution"));
    }
    assert!(no(&["--size-min", "5", "--size-max", "4"], "option", 2).contains("size_max"));
    assert!(no(&["--from", "2024-02-01", "--to", "2024-02-01"], "option", 2).contains("--from"));
    assert!(no(&["--weight", "amount"], "option", 2).contains("currency"));
    assert!(no(&["--currency", "EUR"], "option", 2).contains("currency"));
    assert!(no(&["--weight", "amount", "--currency", "XXX"], "unknown_key", 4).contains("XXX"));
    assert!(no(&["--method", "labels", "--objective", "cpm"], "option", 2).contains("labels"));
    assert!(no(&["--directed", "--over", "both"], "option", 2).contains("identifiers"));
    let accounts = file(&directory, "who.csv", "account\na1\nnobody\n");
    assert!(no(&["--accounts", &accounts], "unknown_key", 4).contains("who.csv, line 3"));
    for (text, place) in [
        ("account,community\na1,x\n", "line 2"),
        ("account,community\nzz,1\n", "line 2"),
        ("account,community\na1,1\na1,2\n", "line 3"),
        ("account\na1\n", "start.csv"),
    ] {
        let start = file(&directory, "start.csv", text);
        let code = if text.contains("zz") { ("unknown_key", 4) } else { ("input", 4) };
        assert!(no(&["--start", &start], code.0, code.1).contains(place));
    }
}
