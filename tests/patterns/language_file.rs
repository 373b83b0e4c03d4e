//! `ringfence patterns --query` on a ledger drawn by hand.

use super::program::{done, file, graph_of, names, read, refused, text};
use ringfence::patterns::Query;
use tempfile::TempDir;

/// Three pay c within a day and c pays e soon after; s pays three, who pay k; then c pays e again, too late for the first three.
const LEDGER: &str = "transaction,source,destination,time,amount,currency
t1,a1,c,2024-01-01T10:00:00Z,500.00,EUR
t2,a2,c,2024-01-01T12:00:00Z,600.00,EUR
t3,a2,c,2024-01-01T13:00:00Z,100.00,EUR
t4,a3,c,2024-01-01T15:00:00Z,700.00,EUR
t5,c,e,2024-01-01T20:00:00Z,1800.00,EUR
t6,c,x,2024-01-01T21:00:00Z,20.00,EUR
t7,s,m1,2024-02-01T10:00:00Z,100.00,EUR
t8,s,m2,2024-02-01T11:00:00Z,100.00,EUR
t9,m1,k,2024-02-01T12:00:00Z,95.00,EUR
t10,s,m3,2024-02-01T13:00:00Z,100.00,EUR
t11,m3,k,2024-02-02T12:00:00Z,60.00,EUR
t12,m3,k,2024-02-02T13:00:00Z,10.00,EUR
t13,m2,k,2024-02-03T12:00:00Z,99.00,EUR
t14,c,e,2024-03-01T00:00:00Z,1800.00,EUR
t15,e,s,2024-03-01T10:00:00Z,1700.00,EUR
t16,s,c,2024-03-01T20:00:00Z,1600.00,EUR
";

fn example(name: &str) -> String {
    let text = Query::EXAMPLES.into_iter().find(|text| Query::parse(text).unwrap().name() == name);
    text.unwrap().to_string()
}

fn column(csv: &str, name: &str) -> Vec<String> {
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let at = lines.next().unwrap().iter().position(|&found| found == name).unwrap();
    lines.map(|fields| fields[at].to_string()).collect()
}

#[test]
fn a_pattern_in_a_file_is_found_with_its_accounts_and_payments() {
    let directory = TempDir::new().unwrap();
    let graph = graph_of(&directory, LEDGER, None);
    let place = |name: &str| text(directory.path().join(name));
    let look = |name: &str, query: &str, more: &[&str]| {
        let (query, output) = (file(&directory, "a.query", query), place(name));
        let fixed = ["patterns", &graph, "--query", &query, "--output", &output];
        done(fixed.iter().chain(more).copied())
    };
    let found = |name: &str, table: &str| read(directory.path().join(name).join(table));

    let collector = example("collector").replace("at least 5", "at least 3");
    let said = look("one", &collector, &["--threads", "1"]);
    assert_eq!(said["summary"]["num_instances"], 1);
    assert_eq!(said["summary"]["truncated"], false);
    assert_eq!(said["summary"]["query"], Query::parse(&collector).unwrap().to_string());
    assert_eq!(column(&found("one", "instances.csv"), "typology"), ["collector"]);
    assert_eq!(column(&found("one", "instances.csv"), "num_transactions"), ["5"]);
    assert_eq!(column(&found("one", "members.csv"), "account"), ["a1", "a2", "a3", "c", "e"]);
    assert_eq!(
        column(&found("one", "members.csv"), "role"),
        ["senders", "senders", "senders", "collector", "exit"]
    );
    assert_eq!(column(&found("one", "evidence.csv"), "transaction"), ["t1", "t2", "t3", "t4", "t5"]);
    assert_eq!(column(&found("one", "evidence.csv"), "role")[3..], ["deposits", "payout"]);
    assert_eq!(column(&found("one", "amounts.csv"), "paid_minor"), ["370000"]);
    look("two", &collector, &["--threads", "2"]);
    for name in names(&directory.path().join("one")) {
        let bytes = |folder: &str| std::fs::read(directory.path().join(folder).join(&name)).unwrap();
        assert_eq!(bytes("one"), bytes("two"), "{name}");
    }

    look("scatter", &example("scatter-gather"), &[]);
    assert_eq!(column(&found("scatter", "members.csv"), "account"), ["s", "m1", "m2", "m3", "k"]);
    // The 10.00 that m3 pays is too little of what it got.
    let evidence = found("scatter", "evidence.csv");
    assert_eq!(column(&evidence, "transaction"), ["t7", "t8", "t10", "t9", "t11", "t13"]);

    look("cycle", &example("cycle"), &[]);
    assert_eq!(column(&found("cycle", "evidence.csv"), "transaction"), ["t14", "t15", "t16"]);
    for (name, least, expected) in [("fan-in", "at least 3", "c"), ("fan-out", "at least 3", "s")] {
        let query = example(name).replace("at least 10", least);
        look(name, &query, &[]);
        assert!(column(&found(name, "members.csv"), "account").contains(&expected.to_string()));
        assert_eq!(column(&found(name, "instances.csv"), "num_accounts"), ["4"], "{name}");
    }
    let few = look(
        "few",
        "pattern any\nwithin 1d\na: account\nb: account\nt: a -> b\n",
        &["--set", "results_max=3"],
    );
    assert_eq!((&few["summary"]["truncated"], &few["summary"]["num_instances"]), (&true.into(), &3.into()));
}

#[test]
fn every_example_is_a_query() {
    let names: Vec<String> =
        Query::EXAMPLES.iter().map(|text| Query::parse(text).unwrap().name().to_string()).collect();
    let expected = ["cycle", "chain", "fan-in", "fan-out", "scatter-gather", "gather-scatter", "collector"];
    assert_eq!(names, expected);
    let directory = TempDir::new().unwrap();
    let graph = graph_of(&directory, LEDGER, None);
    for (text, name) in Query::EXAMPLES.iter().zip(&names) {
        let (query, output) =
            (file(&directory, "a.query", text), directory.path().join(format!("{name}.csv")));
        done(["patterns", &graph, "--query", &query, "--output", &output.display().to_string()]);
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_name_and_place() {
    let directory = TempDir::new().unwrap();
    let graph = graph_of(&directory, LEDGER, None);
    let output = text(directory.path().join("none"));
    let refuse = |query: &str, more: &[&str], kind: &str, code: i32, words: &[&str]| {
        let query = file(&directory, "bad.query", query);
        let fixed = ["patterns", &graph, "--output", &output, "--query", &query];
        let message = refused(fixed.iter().chain(more).copied(), kind, code);
        for word in words {
            assert!(message.contains(word), "{message}");
        }
        assert!(!directory.path().join("none").exists());
    };
    let rest = "a: account\nb: account\nt: a -> b";
    refuse(
        &format!("pattern p\nwithn 5d\n{rest}"),
        &[],
        "input",
        4,
        &["bad.query, line 2, column 1", "`within`"],
    );
    let shares = format!("pattern p\nwithin 5d\n{rest}\na shares device with b");
    refuse(&shares, &[], "input", 4, &["pattern p, line 6, column 10", "none at all"]);
    refuse(
        &format!("pattern p\nwithin 5d\n{rest}"),
        &["--set", "results_max=0"],
        "option",
        2,
        &["results_max"],
    );
    refuse(
        &format!("pattern p\nwithin 5d\n{rest}"),
        &["--set", "span_s=5"],
        "input",
        4,
        &["span_s", "in its text"],
    );
    let missing = text(directory.path().join("missing.query"));
    let message = refused(["patterns", &graph, "--output", &output, "--query", &missing], "io", 1);
    assert!(message.contains("missing.query"), "{message}");
}
