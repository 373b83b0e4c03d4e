//! Money that passes in steps, from the command line, on ledgers drawn by hand.
#![allow(clippy::unwrap_used)]

#[path = "support/program.rs"]
mod program;

use program::{done, drawn, file, read, refused, same_bytes};
use tempfile::TempDir;

const FLOWS: [&str; 6] = ["--method", "flowscope", "--weight", "amount", "--currency", "EUR"];

#[test]
fn a_group_passes_on_what_it_gets_and_shows_by_which_payments() {
    let directory = TempDir::new().unwrap();
    // s1 and s2 pay m, who pays t1 and t2; k keeps what it gets.
    let graph = drawn(&directory, "s1>m s2>m s1>k m>t1 m>t2", "");
    let output = program::text(directory.path().join("found"));
    let arguments = [&["dense", &graph], &FLOWS[..]].concat();
    let said = done([&arguments[..], &["--output", &output]].concat());
    assert_eq!((&said["summary"]["num_sets"], &said["summary"]["num_payments"]), (&1.into(), &5.into()));
    let table = |name: &str| read(directory.path().join("found").join(name));
    assert_eq!(
        table("sets.csv"),
        "set,role,account\n0,source,s1\n0,source,s2\n0,middle,m\n0,sink,t1\n0,sink,t2\n"
    );
    // 2000 pass, over five accounts.
    assert_eq!(table("scores.csv"), "set,num_accounts,score,passed_minor,stuck_minor\n0,5,400.0,2000,0\n");
    assert_eq!(
        table("flows.csv"),
        "set,layer,account,inflow_minor,outflow_minor,passed_minor\n\
         0,0,s1,0,1000,0\n0,0,s2,0,1000,0\n0,1,m,2000,2000,2000\n0,2,t1,1000,0,0\n0,2,t2,1000,0,0\n"
    );
    let transactions = table("transactions.csv");
    let rows: Vec<String> = program::cut(&transactions, 5);
    assert_eq!(
        rows,
        [
            "set,layer,transaction,source,destination",
            "0,0,t0,s1,m",
            "0,0,t1,s2,m",
            "0,1,t3,m,t1",
            "0,1,t4,m,t2"
        ]
    );
    same_bytes(&directory, &arguments);
}

#[test]
fn what_left_before_it_came_did_not_pass() {
    let directory = TempDir::new().unwrap();
    let graph = drawn(&directory, "m>t1 m>t2 s1>m s2>m", "");
    let num_sets = |name: &str, more: &[&str]| {
        let output = program::text(directory.path().join(name));
        let arguments = [&["dense", &graph, "--output", &output], &FLOWS[..], more].concat();
        done(arguments)["summary"]["num_sets"].as_u64().unwrap()
    };
    assert_eq!((num_sets("timed", &[]), num_sets("untimed", &["--untimed"])), (0, 1));
    assert_eq!(read(directory.path().join("untimed/scores.csv")).lines().nth(1), Some("0,5,400.0,2000,0"));
}

#[test]
fn money_may_wait_so_long_and_no_longer_and_pass_several_layers() {
    let directory = TempDir::new().unwrap();
    // Five days lie between what comes to m and what leaves it.
    let graph = drawn(&directory, "s>m x>y x>y x>y x>y m>n n>t", "");
    let output = |name: &str| program::text(directory.path().join(name));
    let ends =
        [file(&directory, "sources.csv", "account\ns\n"), file(&directory, "sinks.csv", "account\nt\n")];
    let found = |name: &str, more: &[&str]| {
        let output = output(name);
        let fixed = ["dense", &graph, "--output", &output, "--sources", &ends[0], "--sinks", &ends[1]];
        let said = done([&fixed[..], &FLOWS[..], more].concat());
        assert_eq!(said["summary"]["options"]["sources"]["num_accounts"], 1);
        said["summary"]["num_sets"].as_u64().unwrap()
    };
    let long = ["--middle-layers", "2", "--dwell-max-s", "432000"];
    assert_eq!((found("short", &["--middle-layers", "2"]), found("long", &long)), (0, 1));
    assert_eq!(
        read(directory.path().join("long/sets.csv")),
        "set,role,account\n0,source,s\n0,middle,m\n0,middle,n\n0,sink,t\n"
    );
    assert_eq!(read(directory.path().join("long/scores.csv")).lines().nth(1), Some("0,4,500.0,2000,0"));
    // In one step nothing leads from s to t.
    assert_eq!(found("one", &["--dwell-max-s", "432000"]), 0);
    let no = output("no");
    let refuse = |arguments: &[&str], named: &str| {
        let message = refused([&["dense", &graph, "--output", &no], arguments].concat(), "option", 2);
        assert!(message.contains(named), "{message}");
    };
    refuse(&["--method", "flowscope"], "amount, with a currency");
    refuse(&[&FLOWS[..], &["--neighbors-max", "5"]].concat(), "without rules for hubs");
    refuse(&[&FLOWS[..], &["--over", "both"]].concat(), "over transfers");
    refuse(&[&FLOWS[..], &["--middle-layers", "0"]].concat(), "middle_layers");
    refuse(&[&FLOWS[..], &["--dwell-max-s", "0"]].concat(), "dwell_max_s");
    refuse(&[&FLOWS[..], &["--alpha-permille", "1000001"]].concat(), "alpha_permille");
}
