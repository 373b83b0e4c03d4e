//! `ringfence trace`, end to end: hand-drawn ledgers under every policy, every option, and every refusal.
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

#[path = "support/program.rs"]
mod program;

use program::{cut, done, file, graph_of, names, read, refused, ringfence, text, tiny, tiny_graph};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

#[test]
fn hand_drawn_ledgers_trace_as_drawn() {
    let directory = TempDir::new().unwrap();
    let mut checked = 0;
    for line in read(tiny("traces.csv")).lines().skip(1) {
        let [name, policy, opening] = line.split(',').collect::<Vec<_>>().try_into().unwrap();
        let graph = tiny_graph(&directory, name);
        let (seeds, out) = (text(tiny(name).join("seeds.csv")), text(directory.path().join(name)));
        let options = ["--seeds", &seeds, "--policy", policy, "--opening", opening, "--output", &out];
        let answer = done([&["trace", &graph][..], &options].concat());
        let result = |file: &str, columns| cut(&read(Path::new(&out).join(file)), columns);
        assert_eq!(result("flows.csv", 9), cut(&read(tiny(name).join("flows.csv")), 9), "{name}");
        if policy == "poison" {
            let mut exposed = result("contacts.csv", 2);
            exposed[1..].sort();
            assert_eq!(exposed, cut(&read(tiny(name).join("exposed.csv")), 2), "{name}");
            assert!(answer["ledger"]["note"].as_str().unwrap().starts_with("Exposure, not money"));
        } else {
            assert_eq!(result("holdings.csv", 4), cut(&read(tiny(name).join("holdings.csv")), 4), "{name}");
        }
        checked += 1;
    }
    assert_eq!(checked, 19);
}

#[test]
fn all_policies_are_traced_side_by_side() {
    let directory = TempDir::new().unwrap();
    let (graph, seeds) = fifo_graph(&directory);
    let out = text(directory.path().join("all"));
    let answer = done(["trace", &graph, "--seeds", &seeds, "--policy", "all", "--output", &out]);
    let policies = ["fifo", "lifo", "haircut", "clean_first", "tainted_first", "poison"];
    assert_eq!(answer["ledger"]["policies"], json!(policies));
    let again = text(directory.path().join("again"));
    let shown = ringfence(["trace", &graph, "--seeds", &seeds, "--policy", "all", "--output", &again]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("\n0 of 6 holdings are there under every policy"), "{shown}");
    for policy in policies {
        // One ledger, drawn by hand under each policy.
        let drawn = read(tiny(&format!("trace_{policy}")).join("flows.csv"));
        assert_eq!(cut(&read(format!("{out}/{policy}/flows.csv")), 9), cut(&drawn, 9), "{policy}");
        let ledger: Value = serde_json::from_str(&read(format!("{out}/{policy}/ledger.json"))).unwrap();
        assert_eq!(ledger["policy"], policy);
    }
}

#[test]
fn the_ledger_proves_every_case_and_currency() {
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "trace_fifo_conversion");
    let seeds = text(tiny("trace_fifo_conversion").join("seeds.csv"));
    let out = text(directory.path().join("trace"));
    let answer = done(["trace", &graph, "--seeds", &seeds, "--policy", "fifo", "--output", &out]);
    let ledger: Value = serde_json::from_str(&read(directory.path().join("trace/ledger.json"))).unwrap();
    assert_eq!(answer["ledger"], ledger);
    assert_eq!((&ledger["policy"], &ledger["opening"]), (&"fifo".into(), &"just_in_time".into()));
    assert_eq!(ledger["graph"]["generation"], 1);
    assert!(ledger["equation"].as_str().unwrap().starts_with("seeded + converted_in = held"));
    let mut rows = 0;
    for row in ledger["cases"].as_array().unwrap().iter().flat_map(|case| case["ledger"].as_array().unwrap())
    {
        let minor = |name: &str| row[format!("{name}_minor")].as_str().unwrap().parse::<i128>().unwrap();
        let accounted: i128 =
            ["held", "at_sinks", "dust", "superseded", "converted_out", "fees"].map(minor).iter().sum();
        assert_eq!(minor("seeded") + minor("converted_in"), accounted, "{row}");
        rows += 1;
    }
    assert_eq!(rows, 2, "two currencies");
}

#[test]
fn seeds_are_complained_about_by_file_and_line() {
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "trace_fifo");
    let complaint = |seeds: &str, kind: &str| {
        let file = text(directory.path().join("my-seeds.csv"));
        std::fs::write(&file, seeds).unwrap();
        let out = text(directory.path().join("trace"));
        refused(["trace", &graph, "--seeds", &file, "--policy", "fifo", "--output", &out], kind, 4)
    };
    let transaction =
        |row: &str, kind: &str| complaint(&format!("case,transaction,amount\nC1,T2,\n{row}\n"), kind);
    assert!(
        transaction("C1,T99,", "unknown_key").contains("my-seeds.csv, line 3: unknown transaction \"T99\"")
    );
    assert!(
        transaction("C1,T3,1.234", "input")
            .contains("my-seeds.csv, line 3: amount \"1.234\": USD has 2 decimals")
    );
    assert!(transaction("C1,T3,0", "input").contains("line 3: amount \"0\": it must be more than 0"));
    assert!(transaction("C1,T3,1e3", "input").contains("write it like 1234.50"));
    assert!(transaction(",T3,", "input").contains("line 3: case is empty"));
    // The engine's own complaint gets the same place.
    assert!(transaction("C1,T3,99999.00", "input").contains("my-seeds.csv, line 3"));
    let deposit =
        |row: &str, kind: &str| complaint(&format!("case,account,currency,time,amount\n{row}\n"), kind);
    assert!(
        deposit("C1,nobody,USD,2024-03-04,1", "unknown_key").contains("line 2: unknown account \"nobody\"")
    );
    assert!(deposit("C1,M,XXX,2024-03-04,1", "unknown_key").contains("line 2: unknown currency \"XXX\""));
    assert!(deposit("C1,M,USD,yesterday,1", "input").contains("line 2: time \"yesterday\""));
    assert!(deposit("C1,M,USD,2024-03-04,", "input").contains("a deposit needs an amount"));
    assert!(complaint("case,transaction,ammount\nC1,T2,1\n", "input").contains("unknown column \"ammount\""));
    assert!(
        complaint("case,transaction,account\nC1,T2,\n", "input").contains("the column \"kind\" is missing")
    );
    assert!(complaint("case,transaction\n", "input").contains("no seeds"));
    assert_eq!(names(directory.path()), ["my-seeds.csv", "trace_fifo.ring"]);
}

#[test]
fn seeds_of_both_kinds_and_minor_units_are_one_file() {
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "trace_fifo");
    let trace = |name: &str, seeds: &str| {
        let (file, out) =
            (text(directory.path().join(format!("{name}.csv"))), text(directory.path().join(name)));
        std::fs::write(&file, seeds).unwrap();
        done(["trace", &graph, "--seeds", &file, "--policy", "fifo", "--output", &out])["ledger"]["cases"]
            .clone()
    };
    let decimal = trace(
        "decimal",
        "kind,case,transaction,account,currency,time,amount\n\
         transaction,C1,T2,,,,12.50\ndeposit,C2,,M,USD,2024-03-04T10:30:00Z,7\n",
    );
    let minor = trace(
        "minor",
        "case,kind,account,time,currency,transaction,amount_minor\n\
         C1,transaction,,,,T2,1250\nC2,deposit,M,2024-03-04T10:30:00Z,USD,,700\n",
    );
    assert_eq!(decimal, minor);
    assert_eq!(decimal[0]["ledger"][0]["seeded"], "12.50");
    assert_eq!(decimal[1]["ledger"][0]["seeded_minor"], "700");
}

#[test]
fn sinks_keep_what_reaches_them() {
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "trace_fifo");
    let (sinks, out) = (text(directory.path().join("sinks.csv")), text(directory.path().join("trace")));
    std::fs::write(&sinks, "account\nX\n").unwrap();
    let seeds = text(tiny("trace_fifo").join("seeds.csv"));
    let options = ["--seeds", &seeds, "--policy", "fifo", "--sinks", &sinks, "--output", &out];
    let answer = done([&["trace", &graph][..], &options].concat());
    let sinks = &answer["ledger"]["sinks"];
    assert_eq!((&sinks["num_accounts"], &sinks["rules"][0]["accounts"]), (&1.into(), &json!(["X"])));
    let at_sinks = read(directory.path().join("trace/sinks.csv"));
    assert!(at_sinks.lines().nth(1).unwrap().starts_with("C1,X,USD,"), "{at_sinks}");
    assert!(!read(directory.path().join("trace/holdings.csv")).contains(",X,"));
    assert_eq!(answer["ledger"]["cases"][0]["stops"][0]["stop"], "sink");
}

/// The ledger of `trace_fifo` as a graph, and its seeds.
fn fifo_graph(directory: &TempDir) -> (String, String) {
    (tiny_graph(directory, "trace_fifo"), text(tiny("trace_fifo").join("seeds.csv")))
}

/// Traces with `options`, and gives the ledger; files are under `<directory>/<name>`.
fn trace(directory: &TempDir, graph: &str, seeds: &str, name: &str, options: &[&str]) -> Value {
    let out = text(directory.path().join(name));
    let begin = ["trace", graph, "--seeds", seeds, "--output", &out];
    done([&begin[..], options].concat())["ledger"].clone()
}

/// The lines of a table without its header.
fn lines(directory: &TempDir, table: &str) -> Vec<String> {
    read(directory.path().join(table)).lines().skip(1).map(str::to_string).collect()
}

#[test]
fn stops_are_listed_with_what_they_stopped() {
    let directory = TempDir::new().unwrap();
    let (graph, seeds) = fifo_graph(&directory);
    let hops = trace(&directory, &graph, &seeds, "hops", &["--policy", "fifo", "--max-hops", "1"]);
    assert_eq!(hops["max_hops"], 1);
    assert_eq!(
        lines(&directory, "hops/exits.csv"),
        ["C1,T4,X,USD,2024-03-04T12:00:00Z,max_hops,2001", "C1,T5,Y,USD,2024-03-04T13:00:00Z,max_hops,3999",]
    );
    assert_eq!(
        lines(&directory, "hops/sinks.csv"),
        [
            "C1,Y,USD,3999,2024-03-04T13:00:00Z,2024-03-04T13:00:00Z,max_hops",
            "C1,X,USD,2001,2024-03-04T12:00:00Z,2024-03-04T12:00:00Z,max_hops",
        ]
    );
    assert!(lines(&directory, "hops/holdings.csv").is_empty());
    let stop = json!({ "stop": "max_hops", "currency": "USD", "amount_minor": "6000", "amount": "60.00", "num_exits": 2 });
    assert_eq!(hops["cases"][0]["stops"], json!([stop]));

    let dust = trace(&directory, &graph, &seeds, "dust", &["--policy", "fifo", "--dust", "1001"]);
    assert_eq!(dust["dust_minor"], 1001);
    assert_eq!(lines(&directory, "dust/exits.csv"), ["C1,T7,W,USD,2024-03-05T10:00:00Z,dust,1000"]);
    assert_eq!(dust["cases"][0]["ledger"][0]["dust_minor"], "1000");

    let until = ["--policy", "fifo", "--until", "2024-03-04T12:30:00Z"];
    let until = trace(&directory, &graph, &seeds, "until", &until);
    assert_eq!(until["until"], "2024-03-04T12:30:00Z");
    assert_eq!(
        cut(&read(directory.path().join("until/holdings.csv")), 4)[1..],
        ["C1,M,USD,3999", "C1,X,USD,2001"]
    );
    assert_eq!(until["cases"][0]["stops"][0]["stop"], "until");
}

#[test]
fn sinks_are_named_by_accounts_attributes_and_degrees() {
    let directory = TempDir::new().unwrap();
    let rows = read(tiny("trace_fifo").join("transactions.csv"));
    let accounts = "account,kind,risk\nX,exchange,7\nY,person,3\nM,person,7\n";
    let graph = graph_of(&directory, &rows, Some(accounts));
    let seeds = text(tiny("trace_fifo").join("seeds.csv"));
    let stopped = |name: &str, options: &[&str]| {
        let ledger = trace(&directory, &graph, &seeds, name, &[&["--policy", "fifo"], options].concat());
        (cut(&read(directory.path().join(name).join("sinks.csv")), 4)[1..].to_vec(), ledger["sinks"].clone())
    };
    let (at, sinks) = stopped("kind", &["--sinks-where", "kind=exchange"]);
    assert_eq!(at, ["C1,X,USD,2001"]);
    let rule = json!({ "rule": "attribute", "attribute": "kind", "value": "exchange", "num_accounts": 1 });
    assert_eq!(sinks, json!({ "num_accounts": 1, "rules": [rule] }));
    let (at, sinks) = stopped("risk", &["--sinks-where", "risk=3", "--sinks-where", "kind=exchange"]);
    assert_eq!(at, ["C1,Y,USD,3999", "C1,X,USD,2001"]);
    assert_eq!((&sinks["num_accounts"], sinks["rules"].as_array().unwrap().len()), (&2.into(), 2));
    // M has five transfers, X three, everybody else two or one.
    let (at, sinks) = stopped("degree", &["--sinks-degree-above", "2"]);
    assert_eq!(at, ["C1,M,USD,6000"]);
    assert_eq!((&sinks["num_accounts"], &sinks["rules"][0]["above"]), (&2.into(), &2.into()));
    // Inside a window fewer transfers count.
    let window =
        ["--sinks-degree-above", "2", "--from", "2024-03-04T10:00:00Z", "--to", "2024-03-05T09:00:00Z"];
    let (at, sinks) = stopped("window", &window);
    assert_eq!((at, &sinks["num_accounts"]), (vec!["C1,M,USD,6000".to_string()], &1.into()));
}

#[test]
fn a_balances_table_opens_pools_and_is_checked() {
    let directory = TempDir::new().unwrap();
    let (graph, seeds) = fifo_graph(&directory);
    let balances = file(
        &directory,
        "balances.csv",
        "account,currency,amount,time\n\
         M,USD,20.01,\nM,USD,220.01,2024-03-04T11:00:00Z\nM,USD,99.00,2024-03-04T12:00:00Z\nX,USD,-5.00,2024-03-05\n",
    );
    let options = ["--policy", "fifo", "--opening", "given", "--balances", &balances];
    let ledger = trace(&directory, &graph, &seeds, "given", &options);
    // 20.01 more clean money stands in front of the 60.00 at M, so T4 takes none of it.
    assert_eq!(cut(&read(directory.path().join("given/flows.csv")), 2)[1..], ["C1,T2", "C1,T5", "C1,T8"]);
    assert_eq!(
        lines(&directory, "given/balance_breaks.csv"),
        ["M,USD,2024-03-04T12:00:00Z,9900,10000,-100", "X,USD,2024-03-05T00:00:00Z,-500,12001,-12501"]
    );
    let table = &ledger["balances"];
    assert_eq!((&table["num_statements"], &table["num_breaks"]), (&3.into(), &2.into()));
    assert_eq!((&ledger["opening"], &table["used_as_opening"]), (&"given".into(), &true.into()));
    // Without --opening given the table is only checked.
    let ledger = trace(&directory, &graph, &seeds, "checked", &["--policy", "fifo", "--balances", &balances]);
    assert_eq!(ledger["balances"]["used_as_opening"], false);
    let drawn = read(tiny("trace_fifo").join("flows.csv"));
    assert_eq!(cut(&read(directory.path().join("checked/flows.csv")), 9), cut(&drawn, 9));
    assert_eq!(lines(&directory, "checked/balance_breaks.csv").len(), 2);
}

#[test]
fn a_balance_seed_claims_what_is_there() {
    let directory = TempDir::new().unwrap();
    let (graph, _) = fifo_graph(&directory);
    let seeds = file(
        &directory,
        "seeds.csv",
        "case,kind,account,currency,time,amount\nC1,deposit,M,USD,2024-03-04T10:30:00Z,10.00\n\
         C2,balance,M,USD,2024-03-04T11:00:00Z,50.00\n",
    );
    let ledger = trace(&directory, &graph, &seeds, "balance", &["--policy", "fifo"]);
    // Newest first: the 40.00 of T3 and the 10.00 that C1 brought, which stop being traced.
    assert_eq!(
        lines(&directory, "balance/entries.csv"),
        ["C1,M,USD,2024-03-04T10:30:00Z,1000", "C2,M,USD,2024-03-04T11:00:00Z,5000"]
    );
    assert_eq!(lines(&directory, "balance/exits.csv"), ["C1,,M,USD,2024-03-04T11:00:00Z,superseded,1000"]);
    assert_eq!(ledger["cases"][1]["ledger"][0]["seeded"], "50.00");
}

/// V's 100.00 USD reach M, who pays 400.00 CNY; one conversion at 5 CNY for a dollar.
const CONVERTS_INSIDE: &str = "transaction,source,destination,time,amount,currency,received_amount,received_currency\n\
    T0,A,A,2024-05-01T08:00:00Z,10.00,USD,50.00,CNY\nT1,V,M,2024-05-01T09:00:00Z,100.00,USD,,\n\
    T2,M,X,2024-05-02T09:00:00Z,400.00,CNY,,\n";

#[test]
fn values_follow_money_that_changes_its_currency_inside_an_account() {
    let directory = TempDir::new().unwrap();
    let graph = graph_of(&directory, CONVERTS_INSIDE, None);
    let seeds = file(&directory, "seeds.csv", "case,transaction\nC1,T1\n");
    trace(&directory, &graph, &seeds, "currency", &["--policy", "fifo"]);
    assert_eq!(cut(&read(directory.path().join("currency/holdings.csv")), 4)[1..], ["C1,M,USD,10000"]);

    let by_value = ["--policy", "fifo", "--pooling", "value", "--base", "USD"];
    let ledger = trace(&directory, &graph, &seeds, "value", &by_value);
    let flows = [
        "C1,T1,V,M,2024-05-01T09:00:00Z,USD,0,10000,0,USD,0,100000000",
        "C1,T2,M,X,2024-05-02T09:00:00Z,CNY,40000,40000,1,CNY,80000000,80000000",
    ];
    assert_eq!(lines(&directory, "value/flows.csv"), flows);
    assert_eq!(
        lines(&directory, "value/holdings.csv"),
        [
            "C1,X,USD,8000,2024-05-02T09:00:00Z,2024-05-02T09:00:00Z,80000000",
            "C1,M,USD,2000,2024-05-01T09:00:00Z,2024-05-01T09:00:00Z,20000000"
        ]
    );
    let mut rates = lines(&directory, "value/rates.csv");
    rates.sort();
    assert_eq!(rates, ["CNY,2024-05-01,0.200000000000", "USD,1970-01-01,1.000000000000"]);
    assert_eq!((&ledger["rates"]["base"], &ledger["rates"]["derived"]), (&"USD".into(), &true.into()));
    let books = &ledger["cases"][0]["ledger"][0];
    assert_eq!((&books["seeded"], &books["held_value"]), (&"100.000000".into(), &"100000000".into()));

    // The table that was used can be given back; and a result in values can be drawn.
    let table = text(directory.path().join("value/rates.csv"));
    let again = [&by_value[..], &["--rates", &table, "--dust", "8001"]].concat();
    let ledger = trace(&directory, &graph, &seeds, "again", &again);
    assert_eq!((&ledger["rates"]["derived"], &ledger["dust_minor"]), (&false.into(), &8001.into()));
    assert_eq!(lines(&directory, "again/flows.csv"), flows);
    assert_eq!(lines(&directory, "again/exits.csv"), ["C1,T2,X,USD,2024-05-02T09:00:00Z,dust,8000,80000000"]);
    let out = text(directory.path().join("drawn.csv"));
    let value = text(directory.path().join("value"));
    assert_eq!(done(["export", &graph, "--trace", &value, "--reveal", "--output", &out])["num_edges"], 2);
}

#[test]
fn cases_share_the_money_or_are_traced_each_alone() {
    let directory = TempDir::new().unwrap();
    let (graph, _) = fifo_graph(&directory);
    let seeds = file(&directory, "two.csv", "case,transaction\nC1,T2\nC2,T2\n");
    let ledger = trace(&directory, &graph, &seeds, "each", &["--policy", "fifo", "--each"]);
    assert_eq!((&ledger["joint"], &ledger["seeds"]["num_cases"]), (&false.into(), &2.into()));
    assert_eq!(lines(&directory, "each/flows.csv").len(), 10);
    let out = text(directory.path().join("joint"));
    let joint = ["trace", &graph, "--seeds", &seeds, "--policy", "fifo", "--output", &out];
    assert!(refused(joint, "input", 4).contains("two.csv, line 3"));
    refused([&joint[..], &["--joint", "--each"]].concat(), "usage", 2);
}

#[test]
fn what_cannot_be_traced_is_refused_and_leaves_nothing() {
    let directory = TempDir::new().unwrap();
    let (graph, seeds) = fifo_graph(&directory);
    let begin = names(directory.path());
    let refusal = |kind: &str, code: i32, options: &[&str]| {
        let out = text(directory.path().join("out"));
        let base = ["trace", &graph, "--policy", "fifo", "--output", &out];
        let message = refused([&base[..], options].concat(), kind, code);
        assert!(!Path::new(&out).exists(), "{options:?}");
        assert!(names(directory.path()).iter().all(|name| !name.contains("partial")), "{options:?}");
        message
    };
    let with = |content: &str, name: &str, option: &str, more: &[&str], kind: &str| {
        let path = file(&directory, name, content);
        let message = refusal(kind, 4, &[&["--seeds", &seeds, option, &path], more].concat());
        std::fs::remove_file(path).unwrap();
        message
    };
    // Seeds: claims above what is there, and times outside of the trace.
    let seeded = |row: &str, more: &[&str]| {
        let header = "case,kind,transaction,account,currency,time,amount\nC0,transaction,T2,,,,1.00\n";
        let path = file(&directory, "s.csv", &format!("{header}{row}\n"));
        let message = refusal("input", 4, &[&["--seeds", &path], more].concat());
        std::fs::remove_file(path).unwrap();
        assert!(message.contains("s.csv, line 3"), "{message}");
        message
    };
    let until = ["--until", "2024-03-04T10:30:00Z"];
    assert!(seeded("C1,transaction,T2,,,,59.01", &[]).contains("6000 are received"));
    assert!(seeded("C1,transaction,T4,,,,", &until).contains("until"));
    assert!(seeded("C1,balance,,M,USD,2024-03-04T11:00:00Z,", &until).contains("until"));
    assert!(seeded("C1,balance,,M,USD,2024-03-04T11:00:00Z,200.01", &[]).contains("balance of 20000"));
    assert!(seeded("C1,balance,,Q,USD,2024-03-04T11:00:00Z,", &[]).contains("balance that is 0"));
    assert!(seeded("C1,balance,T2,M,USD,2024-03-04T11:00:00Z,", &[]).contains("balance seed does not have"));
    assert!(seeded("C1,balance,,M,USD,,", &[]).contains("time is empty"));
    assert!(seeded("C1,loan,,M,USD,2024-03-04,", &[]).contains("kind \"loan\""));
    let window = ["--from", "2024-03-04T10:00:00Z", "--to", "2024-03-05"];
    assert!(seeded("C1,transaction,T6,,,,", &window).contains("view"));

    let balances = |rows: &str, kind: &str| {
        let content = format!("account,currency,amount,time\nM,USD,1.00,\n{rows}\n");
        with(&content, "b.csv", "--balances", &["--opening", "given"], kind)
    };
    let contradicts = balances("X,USD,1.00,\nM,USD,2.00,", "input");
    assert!(contradicts.contains("b.csv, line 4") && contradicts.contains("b.csv, line 2"), "{contradicts}");
    assert!(balances("nobody,USD,1.00,", "unknown_key").contains("b.csv, line 3: unknown account"));
    assert!(balances("X,XXX,1.00,", "unknown_key").contains("b.csv, line 3: unknown currency"));
    assert!(balances("X,USD,1.00,noon", "input").contains("b.csv, line 3: time \"noon\""));
    assert!(balances("X,USD,,", "input").contains("b.csv, line 3: a balance needs an amount"));

    let rates = |row: &str, kind: &str| {
        let content = format!("currency,date,rate\nUSD,2024-01-01,1\n{row}\n");
        with(&content, "r.csv", "--rates", &["--pooling", "value", "--base", "USD"], kind)
    };
    assert!(rates("XXX,2024-01-01,1", "unknown_key").contains("r.csv, line 3: unknown currency"));
    assert!(rates("USD,2024-01-02,2", "input").contains("r.csv, line 3: rate \"2\": this is the base"));
    for (row, problem) in [
        ("USD,2024-01-01T00:00:00Z,1", "date"),
        ("USD,today,1", "date"),
        ("USD,2024-01-01,0", "more than 0"),
        ("USD,2024-01-01,-1", "more than 0"),
        ("USD,2024-01-01,0.0000000000001", "at most 12 places"),
        ("USD,2024-01-01,10000000", "it is over"),
        ("USD,2024-01-01,one", "write it like"),
        ("USD,2024-01-01,", "rate is empty"),
    ] {
        let message = rates(row, "input");
        assert!(message.starts_with("r.csv, line 3") && message.contains(problem), "{message}");
    }

    for (options, kind, code) in [
        (&["--opening", "given"][..], "option", 2),
        (&["--pooling", "value"], "option", 2),
        (&["--base", "USD"], "option", 2),
        (&["--pooling", "value", "--base", "XXX"], "unknown_key", 4),
        (&["--dust", "-1"], "usage", 2),
        (&["--dust=-1"], "option", 2),
        (&["--max-hops", "0"], "option", 2),
        (&["--flows-max", "1"], "limit", 1),
        (&["--policy", "poison"], "usage", 2), // given twice
        (&["--sinks-where", "kind"], "option", 2),
        (&["--sinks-where", "kind=bank"], "unknown_key", 4),
    ] {
        refusal(kind, code, &[&["--seeds", &seeds], options].concat());
    }
    let out = text(directory.path().join("out"));
    let poison = ["trace", &graph, "--seeds", &seeds, "--policy", "poison", "--output", &out];
    for options in [["--dust", "5"], ["--paths", "0"], ["--opening", "minimal"], ["--pooling", "value"]] {
        refused([&poison[..], &options].concat(), "option", 2);
    }
    assert_eq!(names(directory.path()), begin);
}

#[test]
fn more_money_than_a_pool_can_hold_is_refused() {
    let directory = TempDir::new().unwrap();
    let most = "92233720368547758.07";
    let rows = format!(
        "transaction,source,destination,time,amount,currency\n\
         T1,A,M,2024-05-01,{most},USD\nT2,B,M,2024-05-02,{most},USD\n"
    );
    let graph = graph_of(&directory, &rows, None);
    let seeds = file(&directory, "seeds.csv", "case,transaction\nC1,T1\n");
    let out = text(directory.path().join("out"));
    for policy in ["fifo", "lifo", "haircut", "clean_first", "tainted_first", "all"] {
        refused(["trace", &graph, "--seeds", &seeds, "--policy", policy, "--output", &out], "limit", 1);
    }
    assert!(!Path::new(&out).exists());
    done(["trace", &graph, "--seeds", &seeds, "--policy", "poison", "--output", &out]);
}
