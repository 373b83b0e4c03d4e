//! Accounts tables and links tables: types, nulls, duplicates, and values that never link.
#![allow(clippy::unwrap_used)]

use ringfence::ingest::batch::AttributeValues as Values;
use ringfence::ingest::{
    AccountRows, LinkRows, Mapping, ReadOptions, ReadReport, Reason, Source, read_accounts, read_links,
};
use ringfence::units::time::parse_time;
use ringfence::{Result, Run};
use std::io::Cursor;

fn source(text: &str) -> Source {
    Source::Reader { name: "table.csv".into(), reader: Box::new(Cursor::new(text.as_bytes().to_vec())) }
}

fn accounts(mapping: &str, texts: &[&str], chunk_bytes: usize) -> Result<(AccountRows, ReadReport)> {
    let mapping = Mapping::parse(mapping, "test.toml")?;
    let options = ReadOptions { chunk_bytes, ..ReadOptions::default() };
    read_accounts(texts.iter().map(|text| source(text)).collect(), &mapping, &options, &Run::new())
}

fn links(mapping: &str, text: &str, chunk_bytes: usize) -> Result<(LinkRows, ReadReport)> {
    let mapping = Mapping::parse(mapping, "test.toml")?;
    let options = ReadOptions { chunk_bytes, ..ReadOptions::default() };
    read_links(vec![source(text)], &mapping, &options, &Run::new())
}

fn reasons(report: &ReadReport) -> Vec<(u64, Reason, &str)> {
    report.rejects.iter().map(|r| (r.record, r.reason, &*r.column)).collect()
}

#[test]
fn attributes_get_the_narrowest_type_and_keep_nulls() {
    let text = "account,name,age,score,member,opened,zip,empty\n\
                a,\"Ann, Lee\",41,0.5,true,2020-01-31,01234,\n\
                b,,,2,FALSE,,99999,\n\
                c,Bo,-3,1e-3,,2021-02-28T12:00:00Z,,\n";
    for chunk_bytes in [1, 50, 1 << 20] {
        let (rows, report) = accounts("[accounts]\naccount = 'account'", &[text], chunk_bytes).unwrap();
        assert_eq!(rows.accounts.iter().collect::<Vec<_>>(), [b"a", b"b", b"c"]);
        let text =
            |values: &[Option<&str>]| Values::Text(values.iter().map(|v| v.map(String::from)).collect());
        let expected = [
            ("name", text(&[Some("Ann, Lee"), None, Some("Bo")])),
            ("age", Values::Integer(vec![Some(41), None, Some(-3)])),
            ("score", Values::Float(vec![Some(0.5), Some(2.0), Some(1e-3)])),
            ("member", Values::Boolean(vec![Some(true), Some(false), None])),
            (
                "opened",
                Values::Time(vec![parse_time("2020-01-31"), None, parse_time("2021-02-28T12:00:00Z")]),
            ),
            ("zip", text(&[Some("01234"), Some("99999"), None])),
            ("empty", text(&[None, None, None])),
        ];
        let expected: Vec<_> =
            expected.into_iter().map(|(name, values)| (name.to_string(), values)).collect();
        assert_eq!(rows.columns, expected);
        assert_eq!((report.sources[0].read, report.sources[0].accepted), (3, 3));
    }
}

#[test]
fn named_types_and_columns_are_obeyed() {
    let mapping = "
        [accounts]
        account = ['bank', 'number']
        attributes = ['age', { name = 'vip', null = ['?'] }, { name = 'missing', optional = true }]
        types = { age = 'integer', vip = 'boolean' }
    ";
    let text = "bank,number,age,vip,secret\n1,7,30,1,x\n1,8,old,0,x\n,9,1,1,x\n1,7,31,0,x\n2,7,,?,x\n";
    for chunk_bytes in [1, 1 << 20] {
        let (rows, report) = accounts(mapping, &[text], chunk_bytes).unwrap();
        assert_eq!(rows.accounts.iter().collect::<Vec<_>>(), [b"1:7", b"2:7"]);
        assert_eq!(rows.columns[0], ("age".to_string(), Values::Integer(vec![Some(30), None])));
        assert_eq!(rows.columns[1], ("vip".to_string(), Values::Boolean(vec![Some(true), None])));
        assert_eq!(rows.columns.len(), 2);
        assert_eq!(
            reasons(&report),
            [
                (2, Reason::NotANumber, "age"),
                (3, Reason::EmptyKey, "bank+number"),
                (4, Reason::DuplicateAccount, "bank+number")
            ]
        );
        let source = &report.sources[0];
        assert_eq!((source.read, source.accepted, source.rejected), (5, 2, 3));
    }
}

#[test]
fn several_accounts_tables_make_one() {
    let texts = ["account,age\na,1\nb,2\n", "account,city\nb,Brno\nc,Lund\n"];
    let (rows, report) = accounts("[accounts]\naccount = 'account'", &texts, 1 << 20).unwrap();
    assert_eq!(rows.accounts.iter().collect::<Vec<_>>(), [b"a", b"b", b"c"]);
    assert_eq!(rows.columns[0], ("age".to_string(), Values::Integer(vec![Some(1), Some(2), None])));
    assert_eq!(rows.columns[1], ("city".to_string(), Values::Text(vec![None, None, Some("Lund".into())])));
    assert_eq!(reasons(&report), [(1, Reason::DuplicateAccount, "account")]);
    assert_eq!(report.sources.len(), 2);
}

#[test]
fn mistakes_in_accounts_mappings_are_told() {
    for (mapping, text, part) in [
        ("account = 'account'", "account,x,x\na,1,2\n", "two attribute columns are named \"x\""),
        ("account = 'account'\ntypes = { y = 'text' }", "account,x\na,1\n", "\"y\", which is no attribute"),
        ("account = 'id'", "account,x\na,1\n", "no column \"id\""),
    ] {
        let error = accounts(&format!("[accounts]\n{mapping}"), &[text], 1 << 20).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

/// Links in words: account, kind, identifier, first and last seen.
fn told(rows: &LinkRows) -> Vec<(String, String, String, i64, i64)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (0..rows.account.len())
        .map(|i| {
            let kind = usize::from(rows.kind[i]);
            let identifier = rows.identifiers[kind].key(rows.identifier[i] as usize);
            let account = text(rows.accounts.key(rows.account[i] as usize));
            (account, rows.kinds[kind].clone(), text(identifier), rows.first[i], rows.last[i])
        })
        .collect()
}

const UNKNOWN: i64 = i64::MIN;

#[test]
fn long_links_have_kinds_values_and_times() {
    let mapping = "
        [files]
        null = ['N/A']
        [links]
        account = 'account'
        kind = 'kind'
        value = 'value'
        first_seen = { name = 'first_seen', optional = true }
        last_seen = { name = 'last_seen', optional = true }
    ";
    let text = "account,kind,value,first_seen,last_seen\n\
                a,device,d1,2024-01-01,2024-02-01\n\
                b,device,d1,,2024-02-01\n\
                b,email,b@x.example,,\n\
                c,phone,N/A,,\n\
                c,phone,,,\n\
                ,phone,5,,\n\
                d,,5,,\n\
                d,phone,5,2024-03-01,2024-02-01\n\
                d,phone,5,then,\n\
                d,phone,5,,\n";
    for chunk_bytes in [1, 60, 1 << 20] {
        let (rows, report) = links(mapping, text, chunk_bytes).unwrap();
        let day = |text| parse_time(text).unwrap();
        let link = |account: &str, kind: &str, value: &str, first, last| {
            (account.to_string(), kind.to_string(), value.to_string(), first, last)
        };
        assert_eq!(
            told(&rows),
            [
                link("a", "device", "d1", day("2024-01-01"), day("2024-02-01")),
                link("b", "device", "d1", UNKNOWN, day("2024-02-01")),
                link("b", "email", "b@x.example", UNKNOWN, UNKNOWN),
                link("d", "phone", "5", UNKNOWN, UNKNOWN),
            ]
        );
        assert_eq!(rows.kinds, ["device", "email", "phone"]);
        assert_eq!(
            reasons(&report),
            [
                (6, Reason::EmptyKey, "account"),
                (7, Reason::MissingValue, "kind"),
                (8, Reason::BadTime, "last_seen"),
                (9, Reason::BadTime, "first_seen"),
            ]
        );
        let source = &report.sources[0];
        assert_eq!((source.read, source.accepted, source.rejected, source.skipped), (10, 4, 4, 2));
    }
}

#[test]
fn wide_links_have_a_column_per_kind() {
    let mapping = "
        [links]
        account = 'id'
        columns = { ssn = { name = 'ssn', null = ['000-00-0000'] }, phone = 'phone' }
        first_seen = 'since'
        time_format = 'date'
    ";
    let text = "id,name,ssn,phone,since\n1,x,5,7,2024-01-01\n2,y,000-00-0000,7,\n3,z,,,\n4,w,5,,\n";
    let (rows, report) = links(mapping, text, 1 << 20).unwrap();
    let words: Vec<String> = told(&rows).into_iter().map(|(a, k, v, ..)| format!("{a} {k} {v}")).collect();
    assert_eq!(words, ["1 phone 7", "1 ssn 5", "2 phone 7", "4 ssn 5"]);
    assert_eq!(rows.first[0], parse_time("2024-01-01").unwrap());
    assert_eq!(rows.identifier, [0, 0, 0, 0]);
    let source = &report.sources[0];
    assert_eq!((source.read, source.accepted, source.skipped), (4, 3, 1));
}

#[test]
fn a_mapping_without_the_table_says_so() {
    let error = accounts("[files]", &["a\n1\n"], 1).unwrap_err().to_string();
    assert!(error.contains("no [accounts] table"), "{error}");
    let error = links("[files]", "a\n1\n", 1).unwrap_err().to_string();
    assert!(error.contains("no [links] table"), "{error}");
}
