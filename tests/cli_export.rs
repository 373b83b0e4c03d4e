//! `ringfence export`, end to end: every format, pseudonyms, columns, what was withheld, and every refusal.
#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

#[path = "support/program.rs"]
mod program;

use program::{done, drawn, file, graph_of, names, read, refused, ringfence, text, tiny_graph};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

fn ring(directory: &TempDir) -> String {
    let rings = directory.path().join("rings");
    std::fs::create_dir(&rings).unwrap();
    std::fs::write(rings.join("rings.csv"), "ring,rank\n0,1\n").unwrap();
    std::fs::write(rings.join("members.csv"), "ring,account\n0,A1\n0,A2\n0,A3\n0,A4\n0,A5\n").unwrap();
    text(rings.join("0"))
}

#[test]
fn every_format_is_chosen_by_ending_or_name() {
    let directory = TempDir::new().unwrap();
    let graph = drawn(&directory, "a>b a>b b>c c>a", "");
    let at = |name: &str| text(directory.path().join(name));
    let account = ["export", &graph, "--account", "a", "--hops", "9", "--reveal"];
    for (name, format, start) in [
        ("o.graphml", "graphml", "<?xml"),
        ("o.gexf", "gexf", "<?xml"),
        ("o.gml", "gml", "Creator"),
        ("o.dot", "dot", "digraph"),
        ("o.gv", "dot", "digraph"),
        ("o.cyjs", "cyjs", "{\"format_version\""),
        ("o.cx2", "cx2", "[{\"CXVersion\""),
        ("o.json", "node-link", "{\"directed\""),
        ("o.csv", "csv", "id,source,target"),
    ] {
        let made = done([&account[..], &["--output", &at(name)]].concat());
        assert_eq!((&made["format"], &made["num_edges"]), (&format.into(), &4.into()), "{name}");
        assert!(read(at(name)).starts_with(start), "{name}");
        let withheld: Value = serde_json::from_str(&read(at(&format!("{name}.withheld.json")))).unwrap();
        assert_eq!((&withheld["format"], &withheld["names"]["names"]), (&format.into(), &"revealed".into()));
        assert_eq!(withheld["files"][0]["name"], name);
        let again =
            done([&account[..], &["--format", format, "--output", &at(&format!("again-{name}"))]].concat());
        assert_eq!(again["format"], format);
        assert_eq!(read(at(name)), read(at(&format!("again-{name}"))));
    }
    for (format, files) in [
        ("csv-pair", &["edges.csv", "nodes.csv", "withheld.json"][..]),
        ("parquet-pair", &["edges.parquet", "nodes.parquet", "withheld.json"]),
        ("neo4j", &["accounts.csv", "import.txt", "transfers.csv", "withheld.json"]),
    ] {
        let made = done([&account[..], &["--format", format, "--output", &at(format)]].concat());
        assert_eq!(names(&directory.path().join(format)), files);
        assert_eq!(made["withheld"], at(&format!("{format}/withheld.json")));
    }
    let message = refused([&account[..], &["--output", &at("folder")]].concat(), "option", 2);
    assert!(message.contains(".gexf") && message.contains("neo4j"), "{message}");
    refused([&account[..], &["--format", "xlsx", "--output", &at("o")]].concat(), "option", 2);
    refused([&account[..], &["--output", &at("o.gexf")]].concat(), "exists", 1);
}

#[test]
fn names_leave_as_pseudonyms_unless_they_are_revealed() {
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "identity_ring");
    let (ring, at) = (ring(&directory), |name: &str| text(directory.path().join(name)));
    let before = names(directory.path());
    let export = ["export", &graph, "--ring", &ring];
    let message = refused([&export[..], &["--output", &at("o.gexf")]].concat(), "input", 4);
    assert!(message.contains("--key-file") && message.contains("--reveal"), "{message}");
    assert_eq!(names(directory.path()), before);

    let (key, table) = (at("names.key"), at("names.csv"));
    done(["backup-key", &key]);
    let keyed = [&export[..], &["--key-file", &key]].concat();
    let output = |name: &str, more: &[&str]| {
        done([&keyed[..], more, &["--output", &at(name)]].concat());
        read(at(name))
    };
    let one = output("one.graphml", &["--case", "one", "--key-table", &table]);
    for hidden in ["\"A1\"", ">A1<", "900-00-0001", "@example.com", ">T1<"] {
        assert!(!one.contains(hidden), "{hidden} in {one}");
    }
    assert_eq!(one, output("again.graphml", &["--case", "one"]));
    assert_ne!(one, output("two.graphml", &["--case", "two"]));
    let back = read(&table);
    assert!(back.starts_with("kind,pseudonym,name\naccount,acct-"), "{back}");
    for line in back.lines().skip(1) {
        assert!(one.contains(line.split(',').nth(1).unwrap()), "{line}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&table).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let message = refused([&keyed[..], &["--output", &at("o.gexf")]].concat(), "input", 4);
        assert!(message.contains("chmod 600"), "{message}");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    refused([&keyed[..], &["--reveal", "--output", &at("o.gexf")]].concat(), "input", 4);
    let tabled = ["--reveal", "--key-table", &at("t.csv"), "--output", &at("o.gexf")];
    refused([&export[..], &tabled].concat(), "usage", 2);
    assert!(!Path::new(&at("o.gexf")).exists() && !Path::new(&at("t.csv")).exists());
    let said = ringfence([&keyed[..], &["--output", &at("said.gexf")]].concat());
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("pseudonyms of the case \"default\""), "{said}");
    assert!(said.contains("said.gexf.withheld.json"), "{said}");
}

#[test]
fn a_trace_keeps_its_marks_under_pseudonyms() {
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "trace_fifo");
    let at = |name: &str| text(directory.path().join(name));
    let seeds = text(program::tiny("trace_fifo").join("seeds.csv"));
    done(["trace", &graph, "--seeds", &seeds, "--policy", "fifo", "--output", &at("trace")]);
    done(["backup-key", &at("k")]);
    let export = ["export", &graph, "--trace", &at("trace")];
    done([&export[..], &["--reveal", "--output", &at("a.json")]].concat());
    done([&export[..], &["--key-file", &at("k"), "--output", &at("b.json")]].concat());
    let edges = |name: &str| {
        let value: Value = serde_json::from_str(&read(at(name))).unwrap();
        value["edges"].as_array().unwrap().clone()
    };
    let (clear, hidden) = (edges("a.json"), edges("b.json"));
    assert!(!clear.is_empty() && clear.len() == hidden.len());
    for (clear, hidden) in clear.iter().zip(&hidden) {
        assert_ne!(clear["key"], hidden["key"]);
        for same in ["time", "amount_minor", "cases", "tainted_paid_minor", "trace_hop"] {
            assert_eq!(clear[same], hidden[same], "{same}");
        }
    }
}

#[test]
fn what_a_payment_corrects_or_reverses_is_said() {
    let directory = TempDir::new().unwrap();
    let ledger = "transaction,source,destination,time,amount,currency,corrects,reverses\n\
                  t1,a,b,2024-01-01,10.00,EUR,,\n\
                  t2,a,c,2024-01-02,5.00,EUR,,\n\
                  t3,a,d,2024-01-03,9.00,EUR,t1,\n\
                  t4,c,a,2024-02-04,2.00,EUR,,t2\n\
                  t5,a,d,2024-01-03,8.00,EUR,t3,\n";
    let graph = graph_of(&directory, ledger, None);
    let at = |name: &str| text(directory.path().join(name));
    let export = ["export", &graph, "--account", "a"];
    let edges = |name: &str| -> Vec<Value> {
        let value: Value = serde_json::from_str(&read(at(name))).unwrap();
        value["edges"].as_array().unwrap().clone()
    };
    done([&export[..], &["--reveal", "--output", &at("a.json")]].concat());
    let said: Vec<Value> =
        edges("a.json").iter().map(|edge| json!([edge["key"], edge["corrects"], edge["reverses"]])).collect();
    // What was corrected is no edge, and nothing else of it is said.
    let expected = [json!(["t2", null, null]), json!(["t5", "t3", null]), json!(["t4", null, "t2"])];
    assert_eq!(said, expected);
    let pair =
        ["--format", "csv-pair", "--columns", "corrects,reverses", "--reveal", "--output", &at("pair")];
    done([&export[..], &pair].concat());
    assert_eq!(
        read(at("pair/edges.csv")),
        "id,source,target,type,corrects,reverses\nt2,a,c,transfer,,\nt5,a,d,transfer,t3,\nt4,c,a,transfer,,t2\n"
    );
    done([&export[..], &["--format", "neo4j", "--reveal", "--output", &at("neo4j")]].concat());
    let head = read(at("neo4j/transfers.csv"));
    let head = head.lines().next().unwrap();
    assert!(head.contains("corrects") && head.contains("reverses"), "{head}");

    // Under pseudonyms each of them is the pseudonym of that transaction, also of one that is no edge.
    done(["backup-key", &at("k")]);
    let keyed = ["--key-file", &at("k"), "--key-table", &at("names.csv"), "--output", &at("b.json")];
    done([&export[..], &keyed].concat());
    let table = read(at("names.csv"));
    let pseudonym = |name: &str| {
        let mut rows = table.lines().filter(|row| row.ends_with(&format!(",{name}")));
        let row = rows.next().unwrap_or_else(|| panic!("{name}: {table}"));
        assert_eq!(rows.next(), None);
        row.split(',').nth(1).unwrap().to_string()
    };
    let hidden = edges("b.json");
    let corrects: Vec<&Value> = hidden.iter().map(|edge| &edge["corrects"]).collect();
    assert_eq!(corrects, [&Value::Null, &pseudonym("t3").into(), &Value::Null]);
    assert_eq!(hidden[2]["reverses"], pseudonym("t2"));
    assert_eq!(hidden[0]["key"], pseudonym("t2"));
    assert!(!table.contains(",t1\n"), "nothing shown refers to it: {table}");
}

#[test]
fn columns_are_chosen_and_what_was_withheld_is_said() {
    let directory = TempDir::new().unwrap();
    let ledger = "transaction,source,destination,time,amount,currency\n\
                  =t1,a,b,2024-01-01,1.00,EUR\nt2,a,c,2024-01-02,2.00,EUR\n";
    let graph = graph_of(&directory, ledger, Some("account,name,city\na,Ann,Rome\nb,Bob,Oslo\nc,Cid,Bonn\n"));
    let at = |name: &str| text(directory.path().join(name));
    let export = ["export", &graph, "--account", "a", "--reveal", "--attributes", "city"];
    let chosen = ["--format", "csv-pair", "--columns", "city,amount,time", "--without", "time"];
    done([&export[..], &chosen, &["--accounts-max", "2", "--output", &at("pair")]].concat());
    assert_eq!(read(at("pair/nodes.csv")), "id,type,city\na,account,Rome\nb,account,Oslo\n");
    assert_eq!(read(at("pair/edges.csv")), "id,source,target,type,amount\n'=t1,a,b,transfer,1.00\n");
    let withheld: Value = serde_json::from_str(&read(at("pair/withheld.json"))).unwrap();
    assert_eq!(withheld["attributes_left_out"], json!(["name"]));
    assert_eq!(withheld["columns_left_out"]["nodes"], json!(["hop"]));
    assert_eq!((&withheld["cut_by_limits"], &withheld["limits"]["accounts_max"]), (&true.into(), &2.into()));
    assert_eq!(withheld["altered"]["formulas_guarded"], true);
    done([&export[..], &["--unguarded", "--output", &at("plain.csv")]].concat());
    assert!(read(at("plain.csv")).contains("\n=t1,a,b,"));
    done([&export[..], &["--format", "neo4j", "--output", &at("neo4j")]].concat());
    assert!(read(at("neo4j/transfers.csv")).contains("\na,b,=t1,"), "Neo4j gets keys as they are");
    let message =
        refused([&export[..], &["--columns", "amonut", "--output", &at("o.csv")]].concat(), "input", 4);
    assert!(message.contains("amonut") && message.contains("amount"), "{message}");
    refused([&export[..], &["--without", "id", "--output", &at("o.csv")]].concat(), "input", 4);
    // Something stands where the document goes.
    file(&directory, "p.gexf.withheld.json", "mine");
    refused([&export[..], &["--output", &at("p.gexf")]].concat(), "exists", 1);
    assert!(!Path::new(&at("p.gexf")).exists() && !Path::new(&at("o.csv")).exists());
}

#[test]
fn an_instance_of_a_shape_is_exported_with_its_payments_alone() {
    let directory = TempDir::new().unwrap();
    let graph = tiny_graph(&directory, "cycle");
    let at = |name: &str| text(directory.path().join(name));
    done(["patterns", &graph, "--typology", "cycle", "--output", &at("found")]);
    let evidence = read(at("found/evidence.csv"));
    let instance = evidence.lines().nth(1).unwrap().split(',').next().unwrap();
    let rows = evidence.lines().filter(|row| row.starts_with(instance)).count() as u64;
    let place = format!("{}/{instance}", at("found"));
    let made = done([
        "export",
        &graph,
        "--pattern",
        &place,
        "--reveal",
        "--transfers-only",
        "--output",
        &at("o.json"),
    ]);
    assert_eq!((made["num_transfers"].as_u64(), made["num_edges"].as_u64()), (Some(rows), Some(rows)));
    let unknown = format!("{}/cycle-none", at("found"));
    refused(
        ["export", &graph, "--pattern", &unknown, "--reveal", "--output", &at("p.json")],
        "unknown_key",
        4,
    );
}
