//! Components, overlaps, cores of identifiers and cycles of pairs from the command line, on ledgers drawn by hand.
#![allow(clippy::unwrap_used)]

#[path = "support/program.rs"]
mod program;

use program::{done, drawn, read, refused, same_bytes};
use std::path::Path;
use tempfile::TempDir;

/// The rows of a CSV whose first column is `account`, without it.
fn row(csv: &str, account: &str) -> String {
    let found = csv.lines().find_map(|line| line.strip_prefix(&format!("{account},")));
    found.unwrap_or_else(|| panic!("no {account} in {csv}")).to_string()
}

#[test]
fn money_comes_back_only_inside_of_a_strong_component() {
    let directory = TempDir::new().unwrap();
    // Two rings of payments, one leading to the other, and somebody who is only paid.
    let graph = drawn(&directory, "a>b b>c c>a c>d d>e e>d e>f", "");
    let weak = program::text(directory.path().join("weak.csv"));
    done(["components", &graph, "--output", &weak]);
    assert!(read(&weak).lines().skip(1).all(|line| line.ends_with(",0,6")));
    let output = program::text(directory.path().join("strong.csv"));
    let said = done(["components", &graph, "--strong", "--output", &output]);
    assert_eq!(
        (&said["num_components"], &said["largest"], &said["num_alone"]),
        (&3.into(), &3.into(), &1.into())
    );
    assert_eq!(read(&output), "account,component,size\na,0,3\nb,0,3\nc,0,3\nd,1,2\ne,1,2\nf,2,1\n");
    // Without the last payment of the larger ring it is none.
    let earlier = program::text(directory.path().join("earlier.csv"));
    done(["components", &graph, "--strong", "--to", "2024-01-03", "--output", &earlier]);
    assert!(read(&earlier).lines().skip(1).all(|line| line.ends_with(",1")));
    let output = program::text(directory.path().join("refused.csv"));
    let message =
        refused(["components", &graph, "--strong", "--over", "both", "--output", &output], "option", 2);
    assert!(message.contains("strong") && message.contains("over transfers"), "{message}");
    assert!(!Path::new(&output).exists());
    same_bytes(&directory, &["components", &graph, "--strong"]);
}

#[test]
fn an_account_between_two_groups_belongs_to_both() {
    let directory = TempDir::new().unwrap();
    // Two groups of four who all pay each other, and x, who pays everybody.
    let mut pairs = String::new();
    for group in ["a", "b"] {
        for (one, two) in [(1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4)] {
            pairs += &format!("{group}{one}>{group}{two} ").repeat(3);
        }
        (1..5).for_each(|one| pairs += &format!("x>{group}{one} "));
    }
    let graph = drawn(&directory, &pairs, "");
    let output = program::text(directory.path().join("found"));
    let arguments = ["communities", &graph, "--method", "overlapping"];
    let said = done([&arguments[..], &["--output", &output]].concat());
    assert_eq!(
        (&said["summary"]["num_communities"], &said["summary"]["num_shared"]),
        (&2.into(), &1.into()),
        "{said}"
    );
    let members = read(directory.path().join("found/members.csv"));
    let of_x: Vec<&str> = members.lines().filter(|line| line.starts_with("x,")).collect();
    assert_eq!(of_x, ["x,0,5,0.5", "x,1,5,0.5"]);
    assert_eq!((members.lines().count(), row(&members, "a1").as_str()), (11, "0,5,1.0"));
    let communities = read(directory.path().join("found/communities.csv"));
    assert_eq!(communities, "community,size,share,num_shared\n0,5,4.5,1\n1,5,4.5,1\n");
    same_bytes(&directory, &arguments);
    let one = program::text(directory.path().join("one"));
    done([&arguments[..], &["--communities-max", "1", "--output", &one]].concat());
    assert_eq!(read(directory.path().join("one/members.csv")).lines().count(), 10);
    let no = program::text(directory.path().join("no"));
    for (more, named) in [
        (&["--communities-max", "0"][..], "communities_max"),
        (&["--objective", "cpm"], "overlapping"),
        (&["--directed"], "directed"),
    ] {
        let message = refused([&arguments[..], more, &["--output", &no]].concat(), "option", 2);
        assert!(message.contains(named), "{message}");
    }
}

#[test]
fn a_core_of_identifiers_is_accounts_with_enough_of_those_that_enough_of_them_have() {
    let directory = TempDir::new().unwrap();
    // a, b and c have phone 1 and address 1; d has the phone alone, e the address and one of its own.
    let links = "account,kind,value\n\
                 a,phone,1\nb,phone,1\nc,phone,1\nd,phone,1\n\
                 a,address,secret\nb,address,secret\nc,address,secret\ne,address,secret\n\
                 e,phone,2\n";
    let graph = drawn(&directory, "a>b b>c c>d d>e e>f", links);
    let output = program::text(directory.path().join("found"));
    let arguments = ["core", &graph, "--kind", "bipartite", "--over", "identifiers"];
    let said = done([&arguments[..], &["--output", &output]].concat());
    assert_eq!((&said["summary"]["deepest"], &said["summary"]["identifiers_min"]), (&3.into(), &2.into()));
    let cores = read(directory.path().join("found/cores.csv"));
    // Of two identifiers each: phone 1 has three such members (d has one only), and so has the address without e,
    // whose second identifier it has alone.
    let core = |account: &str| row(&cores, account).split(',').next().unwrap().to_string();
    assert_eq!(["a", "b", "c", "d", "e", "f"].map(core), ["3", "3", "3", "", "1", ""]);
    let identifiers = read(directory.path().join("found/identifiers.csv"));
    let mut rows: Vec<&str> = identifiers.lines().collect();
    rows.sort_unstable();
    assert_eq!(
        rows,
        [
            "address,address#0,4,3",
            "kind,identifier,num_accounts,core",
            "phone,phone#0,4,3",
            "phone,phone#1,1,1"
        ]
    );
    same_bytes(&directory, &arguments);
    let shown = program::text(directory.path().join("shown"));
    done([&arguments[..], &["--reveal", "--output", &shown]].concat());
    assert!(read(directory.path().join("shown/identifiers.csv")).contains("\naddress,secret,4,3\n"));
    // An identifier of too many joins nobody here, either.
    let fewer = program::text(directory.path().join("fewer"));
    done([&arguments[..], &["--identifiers-min", "1", "--accounts-max", "3", "--output", &fewer]].concat());
    assert_eq!(row(&read(directory.path().join("fewer/cores.csv")), "e").split(',').next(), Some("1"));
    let no = program::text(directory.path().join("no"));
    let message = refused(["core", &graph, "--kind", "bipartite", "--output", &no], "option", 2);
    assert!(message.contains("over identifiers"), "{message}");
    let message =
        refused([&arguments[..], &["--identifiers-min", "0", "--output", &no]].concat(), "option", 2);
    assert!(message.contains("identifiers_min"), "{message}");
}

#[test]
fn pairs_on_a_common_cycle_do_not_fall_apart_without_one_account() {
    let directory = TempDir::new().unwrap();
    // A triangle and a square that meet in c, and a tail.
    let graph = drawn(&directory, "a>b b>c c>a c>d d>e e>f f>c f>g", "");
    let output = program::text(directory.path().join("found"));
    let said = done(["truss", &graph, "--output", &output]);
    assert_eq!(
        (&said["summary"]["num_biconnected"], &said["summary"]["num_bridges"]),
        (&3.into(), &1.into())
    );
    let pairs = read(directory.path().join("found/pairs.csv"));
    let expected = "account,neighbor,weight,truss,bridge,biconnected\n\
                    a,b,1,3,false,1\na,c,1,3,false,1\nb,c,1,3,false,1\n\
                    c,d,1,2,false,0\nc,f,1,2,false,0\nd,e,1,2,false,0\ne,f,1,2,false,0\nf,g,1,2,true,2\n";
    assert_eq!(pairs, expected);
    let components = read(directory.path().join("found/biconnected.csv"));
    assert_eq!(components, "biconnected,num_accounts,num_pairs\n0,4,4\n1,3,3\n2,2,1\n");
    same_bytes(&directory, &["truss", &graph]);
}
