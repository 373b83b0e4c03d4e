//! `ringfence patterns` on a ledger drawn by hand.

use super::program::{done, file, graph_of, names, read, refused, text};
use tempfile::TempDir;

/// a → b → c → a twice within two days, the second time in two parts; b → d → b once; e pays itself; f → g → f too slowly.
const LEDGER: &str = "transaction,source,destination,time,amount,currency
t1,a,b,2024-01-01T10:00:00Z,100.00,EUR
t2,b,c,2024-01-01T12:00:00Z,95.00,EUR
t3,c,a,2024-01-01T15:00:00Z,90.00,EUR
t4,a,b,2024-01-01T14:00:00Z,50.00,EUR
t5,b,c,2024-01-02T09:00:00Z,25.00,EUR
t6,b,c,2024-01-02T10:00:00Z,24.00,EUR
t7,c,a,2024-01-02T11:00:00Z,48.00,EUR
t8,b,d,2024-01-03T00:00:00Z,10.00,USD
t9,d,b,2024-01-03T01:00:00Z,9.99,USD
t10,e,e,2024-01-03T02:00:00Z,5.00,EUR
t11,f,g,2024-01-01T00:00:00Z,7.00,EUR
t12,g,f,2024-01-20T00:00:00Z,7.00,EUR
";

fn column(csv: &str, name: &str) -> Vec<String> {
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let at = lines.next().unwrap().iter().position(|&found| found == name).unwrap();
    lines.map(|fields| fields[at].to_string()).collect()
}

#[test]
fn cycles_come_with_their_accounts_and_payments() {
    let directory = TempDir::new().unwrap();
    let graph = graph_of(&directory, LEDGER, None);
    let place = |name: &str| text(directory.path().join(name));
    let one = place("one");
    let every = ["--set", "span_s=259200", "--set", "length_min=2", "--set", "passed_on=any"];
    let fixed = |threads, output| {
        ["patterns", &graph, "--typology", "cycle", "--threads", threads, "--output", output]
    };
    let said = done(fixed("1", &one).iter().chain(&every).copied());
    assert_eq!(said["summary"]["num_instances"], 2);
    assert_eq!(said["summary"]["truncated"], false);
    let instances = read(directory.path().join("one/instances.csv"));
    assert_eq!(column(&instances, "num_accounts"), ["2", "3"]);
    assert_eq!(column(&instances, "num_transactions"), ["2", "6"]);
    // Two in one ledger of twelve payments are less likely than three in six.
    let scores = column(&instances, "score_millibits");
    assert!(scores[0].parse::<i64>().unwrap() > scores[1].parse::<i64>().unwrap());
    // Closing with t3: t1 t2. Closing with t7: t1 t2, t1 t5, t1 t6, t4 t5, t4 t6.
    assert_eq!(column(&instances, "ways"), ["1", "6"]);
    // 9.99 of 10.00; of 150.00 that a pays, 90.00 come back and then 30.00 of 48.00: no witness has t6.
    assert_eq!(column(&instances, "flow_minor"), ["999", "12000"]);
    let members = read(directory.path().join("one/members.csv"));
    assert_eq!(column(&members, "account"), ["b", "d", "a", "b", "c"]);
    assert_eq!(column(&members, "role"), ["source", "middle", "source", "middle", "middle"]);
    let evidence = read(directory.path().join("one/evidence.csv"));
    assert_eq!(column(&evidence, "transaction"), ["t8", "t9", "t1", "t2", "t4", "t3", "t5", "t7"]);
    let amounts = read(directory.path().join("one/amounts.csv"));
    assert_eq!(column(&amounts, "paid_minor"), ["1999", "40800"]);

    let two = place("two");
    done(fixed("2", &two).iter().chain(&every).copied());
    for name in names(&directory.path().join("one")) {
        let bytes = |folder: &str| std::fs::read(directory.path().join(folder).join(&name)).unwrap();
        assert_eq!(bytes("one"), bytes("two"), "{name}");
    }
}

#[test]
fn conditions_on_money_choose_among_payments() {
    let directory = TempDir::new().unwrap();
    let graph = graph_of(&directory, LEDGER, None);
    let place = |name: &str| text(directory.path().join(name));
    let count = |name: &str, more: &[&str]| {
        let output = place(name);
        let fixed = ["patterns", &graph, "--count", "--output", &output];
        let said = done(fixed.iter().chain(more).copied());
        (said["summary"]["num_sequences"].as_u64().unwrap(), said["summary"]["num_ways"].as_u64().unwrap())
    };
    assert_eq!(count("all.csv", &[]), (3, 7));
    assert_eq!(
        read(directory.path().join("all.csv")),
        "length,sequences,ways\n2,1,1\n3,2,6\n4,0,0\n5,0,0\n6,0,0\n7,0,0\n8,0,0\n9,0,0\n10,0,0\n"
    );
    // 100 → 95 → 90 and 100 → 95 → 48 lose a part in twenty, then almost half; 10.00 → 9.99 almost nothing.
    assert_eq!(count("kept.csv", &["--set", "passed_on=900-1000"]), (2, 2));
    assert_eq!(count("back.csv", &["--set", "returned=950-1000"]), (2, 3));
    assert_eq!(count("large.csv", &["--set", "amount_min=2500"]), (2, 4));
    assert_eq!(count("soon.csv", &["--set", "cycle.span_s=7200"]), (1, 1));
    assert_eq!(count("slow.csv", &["--set", "span_s=2000000"]), (4, 8));
    assert_eq!(count("long.csv", &["--set", "length_min=3"]), (2, 6));
    assert_eq!(count("late.csv", &["--from", "2024-01-01T13:00:00Z"]), (2, 3));
}

#[test]
fn what_was_cut_is_said_and_what_cannot_be_asked_is_refused() {
    let directory = TempDir::new().unwrap();
    let graph = graph_of(&directory, LEDGER, None);
    let place = |name: &str| text(directory.path().join(name));
    let few = place("few");
    let said = done([
        "patterns",
        &graph,
        "--typology",
        "cycle",
        "--set",
        "results_max=1",
        "--set",
        "length_min=2",
        "--output",
        &few,
    ]);
    assert_eq!((&said["summary"]["truncated"], &said["summary"]["num_instances"]), (&true.into(), &1.into()));
    assert!(
        said["summary"]["cut"]["results_dropped"].as_u64().unwrap()
            + said["summary"]["cut"]["accounts_left"].as_u64().unwrap()
            > 0
    );

    let tested = place("tested");
    let fixed =
        ["patterns", &graph, "--typology", "cycle", "--set", "length_min=2", "--set", "passed_on=any"];
    let said = done(fixed.iter().chain(&["--replicates", "19", "--seed", "3", "--output", &tested]).copied());
    assert_eq!(said["summary"]["null"]["replicates"], 19);
    let values = column(&read(directory.path().join("tested/instances.csv")), "p_value");
    assert!(values.iter().all(|value| (0.05..=1.0).contains(&value.parse::<f64>().unwrap())), "{values:?}");

    let none = place("none");
    let refuse = |more: &[&str], kind: &str, code: i32, word: &str| {
        let fixed = ["patterns", &graph, "--output", &none];
        let message = refused(fixed.iter().chain(more).copied(), kind, code);
        assert!(message.contains(word), "{message}");
        assert!(!directory.path().join("none").exists());
    };
    refuse(&["--set", "span_s=0"], "option", 2, "span_s");
    refuse(&["--set", "length_min=1"], "option", 2, "length_min");
    refuse(&["--set", "length_max=65"], "option", 2, "length_max");
    refuse(&["--set", "passed_on=900-800"], "option", 2, "passed_on");
    refuse(&["--typology", "cylce"], "input", 4, "did you mean `cycle`?");
    refuse(&["--set", "spam_s=5"], "input", 4, "did you mean `span_s`?");
    refuse(&["--set", "fan-in.mules_min=5"], "input", 4, "unknown");
    refuse(&["--typology", "cycle", "--set", "fan-in.span_s=5"], "input", 4, "is not among");
    refuse(&["--set", "hub_max=-1"], "input", 4, "hub_max");
    refuse(&["--replicates", "0"], "option", 2, "replicates");
    refuse(&["--replicates", "9", "--within", "bank"], "input", 4, "attribute `bank`");
    refuse(&["--set", "hub_max"], "input", 4, "NAME=VALUE");
    refuse(&["--base", "GBP"], "unknown_key", 4, "GBP");
    let rates = file(&directory, "rates.csv", "currency,date,rate\nUSD,2024-01-01,0\n");
    refuse(&["--base", "EUR", "--rates", &rates], "input", 4, "more than 0");
}
