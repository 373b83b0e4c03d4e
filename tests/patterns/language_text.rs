//! The text of queries: what is refused, where and with which remedy; what is written out reads as the same.

use ringfence::patterns::Query;

const COLLECTOR: &str = r#"# Many small payments come together and leave at once.
pattern collector
within 5d
senders: at least 5 accounts within 24 h with country = "RU" or "BY", risk >= 2.5
collector: account
exit: account with "account type" != "bank"
deposits: senders -> collector, amount 500.00..1000.00 USD, total at least 4000 USD
payout: collector -> exit,
    after deposits within 30min..2d,
    amount 80%..105.5% of deposits
senders share device
exit shares "e mail" with collector
"#;

#[test]
fn a_query_is_written_out_as_it_is_read() {
    let query = Query::parse(COLLECTOR).unwrap();
    let written = r#"pattern collector
within 5d
senders: at least 5 accounts within 1d with country = "RU" or "BY", risk >= 2.5
collector: account
exit: account with "account type" != "bank"
deposits: senders -> collector, amount 500.00..1000.00 USD, total at least 4000 USD
payout: collector -> exit, after deposits within 30min..2d, amount 80%..105.5% of deposits
senders share device
exit shares "e mail" with collector
"#;
    assert_eq!(query.to_string(), written);
    assert_eq!(Query::parse(written).unwrap(), query);
    assert_eq!(query.name(), "collector");
    assert_eq!(query.accounts().collect::<Vec<_>>(), ["senders", "collector", "exit"]);
    assert_eq!(query.transfers().collect::<Vec<_>>(), ["deposits", "payout"]);
    let other = Query::parse(&written.replace("2.5", "2.6")).unwrap();
    assert_ne!(other, query);
}

/// A pattern with `line` in place of the third, whose rest is right.
fn with(line: &str) -> String {
    format!(
        "pattern p\nwithin 5d\n{line}\na: account\nb: account\nc: account\ng: at least 3 accounts\nt: a -> b\nu: b -> c, after t\nv: g -> a\n"
    )
}

#[test]
fn what_cannot_be_is_refused_with_its_place_and_a_remedy() {
    Query::parse(&with("")).unwrap();
    let third = [
        // The words of the language.
        ("wihtin 5d", 1, "did you mean `within`"),
        ("ties stric", 6, "did you mean `strict`"),
        ("x: acount", 4, "did you mean `account`"),
        ("x: at lest 3 accounts", 7, "did you mean `least`"),
        ("x: at least 3 acounts", 15, "did you mean `accounts`"),
        ("x: a -> c, aftr t", 12, "did you mean `after`"),
        ("x: a -> c, amuont at least 5 USD", 12, "did you mean `amount`"),
        ("x: a -> c, amount at leest 5 USD", 22, "did you mean `least`"),
        ("x: a -> c, amount at least 5% off t", 31, "did you mean `of`"),
        ("a shars device with b", 3, "did you mean `shares`"),
        ("pattern q", 1, "a text of its own"),
        ("account: account", 1, "it is a word of the language"),
        ("x: a -> after", 9, "it is a word of the language"),
        ("x", 2, "go on with"),
        ("x: 5", 4, "payer -> payee"),
        ("x: a - b", 6, "means nothing"),
        ("x: a, b", 5, "payer -> payee"),
        ("x: a -> c after t", 11, "separated by commas"),
        ("x: a -> c, amount 5 USD", 21, "500.00..1000.00"),
        ("x: a -> c, amount 5..6", 23, "USD"),
        ("x: a -> c, amount 5%..6 USD", 12, "both alike"),
        ("x: a -> c, amount at least 5.55% of t", 28, "one decimal"),
        ("x: a -> c, amount at least 1234567890123456789 USD", 28, "18 digits"),
        ("x: a -> c, after t within 2", 28, "unit of time"),
        ("x: a -> c, after t within 2weeks", 28, "unit of time"),
        ("x: account with country = RU", 27, "\"RU\""),
        ("x: account with country RU", 25, "=, !="),
        ("x: account with country != \"RU\" or \"BY\"", 33, "only `=`"),
        ("x: account with country = \"RU", 27, "close it"),
        // Windows.
        ("within 3d", 1, "a pattern has one"),
        ("ties order\nties strict", 1, "a pattern has one"),
        ("x: at least 3 accounts within 0h", 31, "above 0"),
        ("x: a -> c, after t within 0h..2h", 27, "above 0"),
        ("x: a -> c, after t within 99999999999999d", 27, "shorter"),
        ("x: at least 3 accounts within 6d", 24, "longer than that of the pattern"),
        ("x: a -> c, after t within 6d", 20, "longer than the window"),
        ("x: a -> c, after t within 2h..1h", 20, "shorter time first"),
        // Ranges.
        ("x: a -> c, amount 5.01..5.00 USD", 12, "smaller number first"),
        ("x: a -> c, amount 105%..80% of t", 12, "smaller number first"),
        ("x: a -> c, amount at least 5 USD, amount at most 6 USD", 35, "write one range"),
        ("x: a -> c, amount at least 5% of t, amount at most 60% of t", 37, "write one range"),
        ("x: a -> c, total at least 5 USD", 12, "write `amount`"),
        // Names.
        ("x: a -> d", 9, "`d: account`"),
        ("ab: account\nx: aa -> c", 4, "did you mean"),
        ("x: a -> t", 9, "which is a transfer"),
        ("x: a -> c, after w", 18, "no transfer of the pattern"),
        ("x: a -> c, after payment", 18, "payer -> payee"),
        ("x: a -> c, after b", 18, "which is an account"),
        ("x: a -> c, amount at least 80% of x", 35, "compared with itself"),
        ("x: a -> c, after x", 18, "after itself"),
        ("x: a -> c, after t, after t", 27, "say it once"),
        ("x: a -> c, after y\ny: c -> a, after x", 1, "circle"),
        ("t: account", 1, "a name of its own"),
        ("x: account", 1, "in no transfer"),
        ("x: account\ny: account\nz: x -> y", 1, "no chain of transfers"),
        ("x: a -> a", 9, "another account"),
        ("x: at least 2 accounts\ny: g -> x", 9, "groups on both ends"),
        ("x: at least 1 accounts", 13, "write 2 or more"),
        ("x: at least 5000000000 accounts", 13, "ask for fewer"),
        ("x: at least 2.5 accounts", 13, "whole number"),
        // Sharing.
        ("a shares device", 1, "another account"),
        ("a share device with b", 3, "write `shares`"),
        ("g shares device", 3, "write `share`"),
        ("a shares device with a", 22, "shared with itself"),
        ("a shares device with g", 22, "begin with the group"),
        ("a shares device with d", 22, "no account of the pattern"),
        ("g share device\ng share mail", 9, "ask for one"),
    ];
    // Faults of the whole are found after those of a line, where the line that lacks something stands.
    let later =
        ["a pattern has one", "in no transfer", "no chain of transfers", "circle", "a name of its own"];
    let table = third.map(|(line, column, remedy)| (with(line), line, column, remedy));
    for (text, line, column, remedy) in &table {
        let said = Query::parse(text).expect_err(line).to_string();
        assert!(said.contains(remedy), "{line:?}: {said}");
        let place = said.strip_prefix("query, line ").unwrap().split_once(": ").unwrap().0;
        let (row, at) = place.split_once(", column ").unwrap();
        assert_eq!(at, column.to_string(), "{line:?}: {said}");
        if !later.contains(remedy) && !line.contains('\n') {
            assert_eq!(row, "3", "{line:?}: {said}");
        }
    }
    let whole = [
        ("", 1, 1, "begin with `pattern`"),
        ("# nothing\n\n", 3, 1, "begin with `pattern`"),
        ("patern p", 1, 1, "did you mean `pattern`"),
        ("pattern", 1, 8, "name the pattern"),
        ("pattern p q", 1, 11, "end the line"),
        ("pattern p\na: account\nb: account\nt: a -> b", 1, 9, "within 5d"),
        ("pattern p\nwithin 5d", 1, 9, "without a transfer"),
        ("pattern p\nwithin 0d", 2, 8, "above 0"),
        ("pattern p\n  within", 2, 9, "2h, 30min or 5d"),
    ];
    for (text, line, column, remedy) in whole {
        let said = Query::parse(text).unwrap_err().to_string();
        assert!(
            said.starts_with(&format!("query, line {line}, column {column}: found ")),
            "{text:?}: {said}"
        );
        assert!(said.contains(remedy), "{text:?}: {said}");
    }
    let many: String = (0..17).map(|number| format!("n{number}: account\n")).collect();
    let said = Query::parse(&format!("pattern p\nwithin 5d\n{many}")).unwrap_err().to_string();
    assert!(said.contains("line 19, column 1") && said.contains("smaller pattern"), "{said}");
}

#[test]
fn no_text_makes_the_reader_stumble() {
    use super::ledgers::Random;
    let random = &mut Random(1);
    let pieces: Vec<&str> = COLLECTOR.split_inclusive([' ', '\n', ',', ':']).collect();
    let mut read = 0;
    for _ in 0..20_000 {
        let mut text: Vec<&str> = pieces.clone();
        for _ in 0..1 + random.below(3) {
            let at = random.below(text.len() as u64) as usize;
            match random.below(3) {
                0 => drop(text.remove(at)),
                1 => text.insert(at, pieces[random.below(pieces.len() as u64) as usize]),
                _ => {
                    text[at] = ["é", "\"", "..", "->", "0", "99999999999999999999", "%", "\u{0}", "\n"]
                        [random.below(9) as usize]
                }
            }
        }
        match Query::parse(&text.concat()) {
            Ok(query) => {
                read += 1;
                assert_eq!(Query::parse(&query.to_string()).unwrap(), query, "{}", text.concat());
            }
            Err(refused) => assert!(refused.to_string().starts_with("query, line "), "{refused}"),
        }
    }
    assert!(read > 1_000, "{read}");
}
