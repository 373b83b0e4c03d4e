//! Money paths, upstream traces, comparisons and freeze plans on the command line, against ledgers worked by hand.
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

#[path = "support/program.rs"]
mod program;

use program::{cut, done, file, names, read, refused, text, tiny, tiny_graph};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tempfile::TempDir;

/// A ledger drawn by hand as a graph, and its seeds.
fn drawn(directory: &TempDir, name: &str) -> (String, String) {
    (tiny_graph(directory, name), text(tiny(name).join("seeds.csv")))
}

/// Runs a verb that writes `<directory>/<name>`.
fn answer(directory: &TempDir, name: &str, arguments: &[&str]) -> Value {
    let out = text(directory.path().join(name));
    done([arguments, &["--output", &out]].concat())
}

/// The lines of a table without its header.
fn lines(directory: &TempDir, table: &str) -> Vec<String> {
    read(directory.path().join(table)).lines().skip(1).map(str::to_string).collect()
}

const PATHS: &str = "case,path,holder,currency,amount_minor,stop,hop,transaction,source,destination,time,\
    paid_currency,paid_minor,received_currency,received_minor,dwell_s";

#[test]
fn paths_lead_from_the_seed_to_every_holder() {
    let directory = TempDir::new().unwrap();
    let (graph, seeds) = drawn(&directory, "trace_fifo");
    let trace = ["trace", &graph, "--seeds", &seeds, "--policy", "fifo"];
    let all = answer(&directory, "all", &[&trace[..], &["--paths", "0"]].concat());
    let expected = [
        "C1,0,Q,USD,3999,,0,T2,V,M,2024-03-04T10:00:00Z,USD,0,USD,3999,",
        "C1,0,Q,USD,3999,,1,T5,M,Y,2024-03-04T13:00:00Z,USD,3999,USD,3999,10800",
        "C1,0,Q,USD,3999,,2,T8,Y,Q,2024-03-05T11:00:00Z,USD,3999,USD,3999,79200",
        "C1,1,X,USD,1001,,0,T2,V,M,2024-03-04T10:00:00Z,USD,0,USD,1001,",
        "C1,1,X,USD,1001,,1,T4,M,X,2024-03-04T12:00:00Z,USD,1001,USD,1001,7200",
        "C1,2,W,USD,1000,,0,T2,V,M,2024-03-04T10:00:00Z,USD,0,USD,1000,",
        "C1,2,W,USD,1000,,1,T4,M,X,2024-03-04T12:00:00Z,USD,1000,USD,1000,7200",
        "C1,2,W,USD,1000,,2,T7,X,W,2024-03-05T10:00:00Z,USD,1000,USD,1000,79200",
    ];
    assert_eq!(read(directory.path().join("all/paths.csv")).lines().next(), Some(PATHS));
    assert_eq!(lines(&directory, "all/paths.csv"), expected);
    assert_eq!(
        (&all["ledger"]["paths"]["num_paths"], &all["ledger"]["paths"]["num_found"]),
        (&3.into(), &3.into())
    );
    let one = answer(&directory, "one", &[&trace[..], &["--paths", "1"]].concat());
    assert_eq!(lines(&directory, "one/paths.csv"), expected[..3]);
    assert_eq!(
        (&one["ledger"]["paths"]["num_paths"], &one["ledger"]["paths"]["num_found"]),
        (&1.into(), &3.into())
    );
    // Money that a deposit brought begins where it was brought.
    let (graph, seeds) = drawn(&directory, "trace_fifo_deposit");
    let deposit = ["trace", &graph, "--seeds", &seeds, "--policy", "fifo", "--paths", "0"];
    answer(&directory, "deposit", &deposit);
    assert_eq!(
        lines(&directory, "deposit/paths.csv")[..3],
        [
            "C1,0,M,USD,2500,,0,,,M,2024-03-04T10:00:00Z,,0,USD,2500,",
            "C1,1,Y,USD,1000,,0,,,M,2024-03-04T10:00:00Z,,0,USD,1000,",
            "C1,1,Y,USD,1000,,1,T3,M,Y,2024-03-04T11:00:00Z,USD,1000,USD,1000,3600",
        ]
    );
}

#[test]
fn paths_sum_to_holdings_under_every_policy() {
    let directory = TempDir::new().unwrap();
    for name in ["trace_fifo", "trace_haircut_conversion", "trace_fifo_two_cases"] {
        let (graph, seeds) = drawn(&directory, name);
        let options = ["trace", &graph, "--seeds", &seeds, "--policy", "all", "--paths", "0"];
        answer(&directory, name, &options);
        for policy in ["fifo", "lifo", "haircut", "clean_first", "tainted_first"] {
            let mut sums: BTreeMap<String, i64> = BTreeMap::new();
            let mut seen = BTreeSet::new();
            for line in lines(&directory, &format!("{name}/{policy}/paths.csv")) {
                let cells: Vec<&str> = line.split(',').collect();
                if seen.insert((cells[0].to_string(), cells[1].to_string())) {
                    let holder = [cells[0], cells[2], cells[3]].join(",");
                    *sums.entry(holder).or_default() += cells[4].parse::<i64>().unwrap();
                }
            }
            let holdings = cut(&read(directory.path().join(format!("{name}/{policy}/holdings.csv"))), 4);
            let summed: BTreeSet<String> = sums.iter().map(|(key, sum)| format!("{key},{sum}")).collect();
            assert_eq!(summed, holdings[1..].iter().cloned().collect(), "{name} {policy}");
        }
    }
}

#[test]
fn a_comparison_holds_what_each_policy_finds() {
    let directory = TempDir::new().unwrap();
    let (graph, seeds) = drawn(&directory, "trace_fifo");
    let found = answer(&directory, "all", &["trace", &graph, "--seeds", &seeds, "--policy", "all"]);
    // The same ledger was drawn by hand under each policy.
    let policies = ["fifo", "lifo", "haircut", "clean_first", "tainted_first"];
    let mut held: BTreeMap<String, [i64; 5]> = BTreeMap::new();
    for (at, policy) in policies.iter().enumerate() {
        for line in read(tiny(&format!("trace_{policy}")).join("holdings.csv")).lines().skip(1) {
            let (place, amount) = line.rsplit_once(',').unwrap();
            held.entry(place.to_string()).or_default()[at] = amount.parse().unwrap();
        }
    }
    let (least, greatest) =
        (|row: &[i64; 5]| *row.iter().min().unwrap(), |row: &[i64; 5]| *row.iter().max().unwrap());
    let mut rows: Vec<_> = held.iter().collect();
    rows.sort_by_key(|(place, row)| (-greatest(row), place.to_string()));
    let expected: Vec<String> = rows
        .into_iter()
        .map(|(place, row)| {
            let each: Vec<String> = row.iter().map(i64::to_string).collect();
            format!("{place},{},{},{},{}", each.join(","), least(row), greatest(row), least(row) > 0)
        })
        .collect();
    assert_eq!(lines(&directory, "all/compare.csv"), expected);
    assert_eq!(found["ledger"]["num_holdings"], expected.len());
    assert_eq!(found["ledger"]["num_in_safe_core"], 0);
}

#[test]
fn origins_of_a_payment_sum_to_it() {
    let directory = TempDir::new().unwrap();
    let (graph, _) = drawn(&directory, "trace_fifo");
    let targets = file(
        &directory,
        "targets.csv",
        "name,kind,transaction,account,currency,time,amount\nlast,transaction,T8,,,,\n\
         rest,balance,,Y,USD,2024-03-05T12:00:00Z,\npart,balance,,Y,USD,2024-03-05T10:00:00Z,10.02\n",
    );
    let upstream = ["trace", &graph, "--direction", "upstream", "--targets", &targets, "--policy", "fifo"];
    let found = answer(&directory, "fifo", &[&upstream[..], &["--paths", "0"]].concat());
    // Before T8, Y holds 39.99 of V and 10.01 of B, in this order; the newest 10.02 are B's and 0.01 of V.
    assert_eq!(
        lines(&directory, "fifo/origins.csv"),
        [
            "last,V,USD,3999,0.99975",
            "last,B,USD,1,0.00025",
            "rest,B,USD,1000,1.0",
            &format!("part,B,USD,1001,{:?}", 1001.0 / 1002.0),
            &format!("part,V,USD,1,{:?}", 1.0 / 1002.0)
        ]
    );
    let paths = lines(&directory, "fifo/paths.csv");
    assert_eq!(
        paths[..2],
        [
            "last,0,V,USD,3999,,1,T2,V,M,2024-03-04T10:00:00Z,USD,3999,USD,3999,",
            "last,0,V,USD,3999,,2,T5,M,Y,2024-03-04T13:00:00Z,USD,3999,USD,3999,10800",
        ]
    );
    assert!(paths[2].starts_with("last,1,B,USD,1,,1,T"), "{}", paths[2]);
    assert_eq!(paths[3].split(',').skip(7).take(3).collect::<Vec<_>>(), ["T5", "M", "Y"]);
    let flows = lines(&directory, "fifo/flows.csv");
    for flow in [
        "last,T2,V,M,2024-03-04T10:00:00Z,USD,3999,3999,1,USD",
        "last,T5,M,Y,2024-03-04T13:00:00Z,USD,4000,4000,2,USD",
    ] {
        assert!(flows.iter().any(|row| row == flow), "{flow} is not in {flows:?}");
    }
    let target = &found["summary"]["targets"][0];
    assert_eq!((&target["amount_minor"], &target["num_origins"]), (&"4000".into(), &2.into()));
    // One payment back, or not behind M: M is the origin.
    let origins = file(&directory, "origins.csv", "account\nM\n");
    for (name, option) in [("hops", ["--max-hops", "1"]), ("origins", ["--origins", &origins])] {
        answer(&directory, name, &[&upstream[..], &option].concat());
        assert_eq!(lines(&directory, &format!("{name}/origins.csv"))[0], "last,M,USD,4000,1.0");
    }
    assert!(!directory.path().join("hops/paths.csv").exists());
}

#[test]
fn wrong_targets_and_rules_are_refused_and_leave_nothing() {
    let directory = TempDir::new().unwrap();
    let (graph, seeds) = drawn(&directory, "trace_fifo");
    let out = text(directory.path().join("out"));
    let complaint = |content: &str, kind: &str| {
        let targets = file(&directory, "t.csv", content);
        let base = ["trace", &graph, "--direction", "upstream", "--policy", "fifo", "--output", &out];
        let message = refused([&base[..], &["--targets", &targets]].concat(), kind, 4);
        assert!(!Path::new(&out).exists());
        message
    };
    let transaction = |row: &str, kind: &str| complaint(&format!("name,transaction\na,T8\n{row}\n"), kind);
    assert!(transaction("b,T99", "unknown_key").contains("t.csv, line 3: unknown transaction"));
    assert!(transaction("a,T7", "input").contains("t.csv, line 3: two targets are called \"a\""));
    assert!(transaction(",T7", "input").contains("t.csv, line 3: name is empty"));
    let balance = |row: &str, kind: &str| {
        complaint(&format!("name,account,currency,time,amount\na,Y,USD,2024-03-05,\n{row}\n"), kind)
    };
    assert!(balance("b,nobody,USD,2024-03-05,", "unknown_key").contains("t.csv, line 3: unknown account"));
    assert!(balance("b,Y,XXX,2024-03-05,", "unknown_key").contains("t.csv, line 3: unknown currency"));
    assert!(balance("b,Y,USD,2024-03-05,50.01", "input").contains("t.csv, line 3"));
    assert!(balance("b,Y,USD,,", "input").contains("t.csv, line 3: time is empty"));
    assert!(complaint("name,transaction\n", "input").contains("no targets"));

    let targets = file(&directory, "t.csv", "name,transaction\na,T8\n");
    for options in [
        &["--policy", "clean_first", "--direction", "upstream", "--targets", &targets][..],
        &["--policy", "all", "--direction", "upstream", "--targets", &targets],
        &["--policy", "fifo", "--direction", "upstream"],
        &["--policy", "fifo", "--direction", "upstream", "--targets", &targets, "--seeds", &seeds],
        &["--policy", "fifo", "--direction", "upstream", "--targets", &targets, "--max-hops", "0"],
        &["--policy", "fifo", "--direction", "upstream", "--targets", &targets, "--until", "2024-03-05"],
        &["--policy", "fifo"],
        &["--policy", "fifo", "--seeds", &seeds, "--targets", &targets],
    ] {
        refused([&["trace", &graph, "--output", &out][..], options].concat(), "option", 2);
    }
    assert!(!Path::new(&out).exists());
}

#[test]
fn a_freeze_plan_lists_holders_shares_and_the_cost_of_delay() {
    let directory = TempDir::new().unwrap();
    let (graph, seeds) = drawn(&directory, "trace_fifo_two_cases");
    let freeze = ["freeze", &graph, "--seeds", &seeds, "--policy", "fifo", "--at", "2024-03-04T12:30:00Z"];
    let plan = answer(&directory, "plan", &[&freeze[..], &["--delays", "2"]].concat());
    // T4 has moved C1's 50.00 and 17.00 of C2 to X; 53.00 of C2 are at M.
    assert_eq!(lines(&directory, "plan/holders.csv"), ["USD,1,X,6700,2", "USD,2,M,5300,1"]);
    assert_eq!(
        lines(&directory, "plan/matrix.csv"),
        ["C1,X,USD,5000,5000,6700", "C2,M,USD,5300,7000,5300", "C2,X,USD,1700,7000,6700"]
    );
    // T5 takes 40.00 from M within the first hour, T6 all of C1's 50.00 from X within the second.
    assert_eq!(
        lines(&directory, "plan/delays.csv"),
        ["0,USD,12000,2,12000,0", "1,USD,12000,3,8000,4000", "2,USD,12000,3,3000,9000"]
    );
    assert_eq!(
        lines(&directory, "plan/later.csv"),
        ["1,X,USD,6700", "1,M,USD,1300", "2,X,USD,1700", "2,M,USD,1300"]
    );
    let ledger = &plan["ledger"];
    assert_eq!((&ledger["result"], &ledger["at"]), (&"freeze plan".into(), &"2024-03-04T12:30:00Z".into()));
    assert_eq!((&ledger["delays_h"], &ledger["num_holders"]), (&json!([1, 2]), &2.into()));
    assert_eq!(names(&directory.path().join("plan")).iter().filter(|name| name.ends_with(".csv")).count(), 4);
    // A seed after the moment is refused by line.
    let early = ["freeze", &graph, "--seeds", &seeds, "--policy", "fifo", "--at", "2024-03-04T10:00:00Z"];
    let out = text(directory.path().join("early"));
    let message = refused([&early[..], &["--output", &out]].concat(), "input", 4);
    assert!(message.contains("seeds.csv, line 3"), "{message}");
    assert!(!Path::new(&out).exists());
}
