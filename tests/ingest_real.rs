//! Real and published data sets, read by preset and compared with an independent, simple reading.
#![allow(clippy::unwrap_used)]

use ringfence::Run;
use ringfence::ids::NONE;
use ringfence::ingest::batch::AttributeValues as Values;
use ringfence::ingest::{
    Batch, Mapping, ReadOptions, ReadReport, Reason, Source, read_accounts, read_links, read_transactions,
};
use ringfence::store::keys::KeyList;
use ringfence::units::time::parse_time;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;

/// A file of the shared data sets, or `None` with a printed line.
fn data(path: &str) -> Option<PathBuf> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(path);
    if !file.exists() {
        println!("{path} is not here; skipped");
        return None;
    }
    Some(file)
}

/// The whole text of a file, unpacked.
fn text(path: &PathBuf) -> String {
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::new();
    match path.extension().and_then(|e| e.to_str()) {
        Some("gz") => {
            flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).map(|_| ()).unwrap()
        }
        Some("zst") => text = String::from_utf8(zstd::decode_all(bytes.as_slice()).unwrap()).unwrap(),
        _ => text = String::from_utf8(bytes).unwrap(),
    }
    text
}

/// Records of a CSV text, character by character; good for these files, whose quoted fields have no line ends.
fn records(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let split = |line: &str| {
        let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                c if c == delimiter && !quoted => fields.push(std::mem::take(&mut field)),
                c => field.push(c),
            }
        }
        fields.push(field);
        fields
    };
    text.lines().skip(1).map(split).collect()
}

/// Hundredths of a plain decimal, through strings only.
fn cents(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<2}").parse().unwrap()
}

fn mapping(preset: &str) -> Mapping {
    Mapping::preset(preset).unwrap()
}

fn read(path: &PathBuf, mapping: &Mapping) -> (Vec<Batch>, ReadReport) {
    let mut batches = Vec::new();
    let options = ReadOptions { chunk_bytes: 1 << 20, ..ReadOptions::default() };
    let report =
        read_transactions(vec![Source::File(path.clone())], mapping, &options, &Run::new(), &mut |batch| {
            batches.push(batch);
            Ok(())
        })
        .unwrap();
    let source = &report.sources[0];
    assert_eq!(source.bytes, std::fs::metadata(path).unwrap().len());
    assert_eq!(source.read, source.accepted + source.rejected + source.skipped);
    assert_eq!(source.accepted, batches.iter().map(|b| b.len() as u64).sum::<u64>());
    (batches, report)
}

/// Source, destination and amount of each row.
fn transfers(batches: &[Batch]) -> Vec<(String, String, i64)> {
    let key = |batch: &Batch, i: u32| String::from_utf8(batch.accounts.key(i as usize).to_vec()).unwrap();
    let rows = batches.iter().flat_map(|b| {
        (0..b.len()).map(move |row| (key(b, b.source[row]), key(b, b.destination[row]), b.amount[row]))
    });
    rows.collect()
}

fn times(batches: &[Batch]) -> Vec<i64> {
    batches.iter().flat_map(|b| b.time.iter().copied()).collect()
}

fn num_flagged(batches: &[Batch], bit: u8) -> usize {
    batches.iter().flat_map(|b| &b.flags).filter(|flags| **flags & bit != 0).count()
}

fn num_in_channel(batches: &[Batch], name: &str) -> usize {
    let of_batch = |batch: &Batch| {
        let code = batch.channels.0.iter().position(|n| n == name).map(|at| at as u8 + 1);
        batch.channels.1.iter().filter(|c| Some(**c) == code).count()
    };
    batches.iter().map(of_batch).sum()
}

const LABELLED: u8 = 4;
const AGGREGATE: u8 = 8;
const DAY_PRECISION: u8 = 16;
const FAILED: u8 = 32;

#[test]
fn amlworld_is_read_with_banks_currencies_and_both_accounts() {
    for (file, num_rows) in
        [("HI-Small_Trans.first1000.csv", 1000), ("HI-Small_Trans.laundering-rows.csv", 3209)]
    {
        let Some(path) = data(&format!("amlworld-hi-small/{file}")) else { return };
        let (batches, report) = read(&path, &mapping("amlworld"));
        let rows = records(&text(&path), ',');
        assert_eq!((report.sources[0].accepted, rows.len()), (num_rows, num_rows as usize));
        let expected: Vec<(String, String, i64)> = rows
            .iter()
            .map(|r| {
                let minor = if r[8] == "Bitcoin" { 10_000 } else { 1 };
                let digits = if r[8] == "Bitcoin" {
                    r[7].replace('.', "").parse::<i64>().unwrap()
                } else {
                    cents(&r[7]) as i64
                };
                assert!(minor == 1 || r[7].split('.').nth(1).unwrap().len() == 6);
                (format!("{}:{}", r[1], r[2]), format!("{}:{}", r[3], r[4]), digits)
            })
            .collect();
        assert_eq!(transfers(&batches), expected);
        let expected: Vec<i64> = rows
            .iter()
            .map(|r| parse_time(&format!("{}:00Z", r[0].replace('/', "-").replace(' ', "T"))).unwrap())
            .collect();
        assert_eq!(times(&batches), expected);
        let illicit = rows.iter().filter(|r| r[10] == "1").count();
        assert_eq!(num_flagged(&batches, LABELLED), illicit);
        assert_eq!(num_in_channel(&batches, "ACH"), rows.iter().filter(|r| r[9] == "ACH").count());
        let names: BTreeSet<&str> = rows.iter().flat_map(|r| [r[6].as_str(), r[8].as_str()]).collect();
        assert_eq!(report.totals.len(), names.len());
        let codes: BTreeMap<&str, u8> =
            report.totals.iter().map(|(c, _)| (c.code.as_str(), c.exponent)).collect();
        assert!(codes.iter().all(|(code, exponent)| *exponent == if *code == "BTC" { 6 } else { 2 }));
        let dollars: i128 = rows.iter().filter(|r| r[8] == "US Dollar").map(|r| cents(&r[7])).sum();
        let total = report.totals.iter().find(|(c, _)| c.code == "USD").unwrap().1.accepted_minor;
        assert_eq!(total, dollars);
        // In these slices nothing is converted.
        assert!(batches.iter().all(|b| b.received.is_none()));
    }
}

#[test]
fn amlworld_accounts_share_entities() {
    let Some(path) = data("amlworld-hi-small/HI-Small_accounts.sample1000.csv") else { return };
    let rows = records(&text(&path), ',');
    let (options, run) = (ReadOptions::default(), Run::new());
    let (accounts, report) =
        read_accounts(vec![Source::File(path.clone())], &mapping("amlworld"), &options, &run).unwrap();
    let expected: Vec<&[u8]> = rows.iter().map(|r| r[0].as_bytes()).collect();
    assert_eq!(accounts.accounts.iter().collect::<Vec<_>>(), expected);
    assert_eq!(report.sources[0].accepted, 1000);
    let (name, Values::Text(banks)) = &accounts.columns[1] else { panic!("bank names are texts") };
    assert_eq!((name.as_str(), banks[0].as_deref()), ("bank_name", Some("Portugal Bank #4507")));
    let (links, _) = read_links(vec![Source::File(path)], &mapping("amlworld"), &options, &run).unwrap();
    assert_eq!((links.account.len(), links.kinds.as_slice()), (1000, &["entity".to_string()][..]));
    let entities: BTreeSet<&str> = rows.iter().map(|r| r[4].as_str()).collect();
    assert_eq!((links.identifiers[0].len(), entities.len()), (855, 855));
}

#[test]
fn amlsim_is_read_with_keys_labels_and_day_precision() {
    for (folder, num_rows) in [("amlsim-run-a", 392_418), ("amlsim-scale-62k", 1_800_689)] {
        let Some(path) = data(&format!("{folder}/transactions.csv.gz")) else { return };
        let (batches, report) = read(&path, &mapping("amlsim"));
        assert_eq!((report.sources[0].accepted, report.sources[0].rejected), (num_rows, 0));
        let rows = records(&text(&path), ',');
        let expected: i128 = rows.iter().map(|r| cents(&r[4])).sum();
        assert_eq!(report.totals[0].1.accepted_minor, expected);
        assert_eq!(num_flagged(&batches, LABELLED), rows.iter().filter(|r| r[6] == "True").count());
        assert_eq!(num_flagged(&batches, DAY_PRECISION) as u64, num_rows);
        let mut keys = batches.iter().flat_map(|b| match &b.keys {
            Some(KeyList::Numbers(numbers)) => numbers.iter().copied(),
            _ => panic!("keys are numbers"),
        });
        assert!(rows.iter().all(|r| keys.next() == r[0].parse().ok()));
        let expected = rows.iter().map(|r| (r[1].clone(), r[2].clone(), cents(&r[4]) as i64));
        assert!(transfers(&batches).into_iter().eq(expected));
        assert!(times(&batches).into_iter().eq(rows.iter().map(|r| parse_time(&r[5]).unwrap())));
        if folder != "amlsim-run-a" {
            continue;
        }
        let Some(path) = data("amlsim-run-a/accounts.csv.gz") else { return };
        let (options, run) = (ReadOptions::default(), Run::new());
        let (accounts, _) =
            read_accounts(vec![Source::File(path.clone())], &mapping("amlsim"), &options, &run).unwrap();
        assert_eq!(accounts.accounts.len(), 12_043);
        let column = |name: &str| &accounts.columns.iter().find(|(n, _)| n == name).unwrap().1;
        assert!(matches!(column("prior_sar_count"), Values::Boolean(_)));
        assert!(matches!(column("initial_deposit"), Values::Float(_)));
        assert!(matches!(column("birth_date"), Values::Time(_)));
        assert!(matches!(column("zip"), Values::Text(_)));
        let Values::Text(behaviour) = column("tx_behavior_id") else { panic!("empty columns are texts") };
        assert!(behaviour.iter().all(Option::is_none));
    }
}

#[test]
fn amlgentex_floats_become_cents_by_their_shortest_decimal() {
    let Some(path) = data("amlgentex-a/tx_log.account-to-account.parquet") else { return };
    let (batches, report) = read(&path, &mapping("amlgentex"));
    assert_eq!((report.sources[0].accepted, report.sources[0].rejected), (41_039, 0));
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(
        std::fs::File::open(&path).unwrap(),
        1000,
    )
    .unwrap();
    let (mut sum, mut labelled, mut first_steps) = (0i128, 0, Vec::new());
    let mut ends = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let column = |name: &str| batch.column_by_name(name).unwrap();
        use arrow_array::cast::AsArray;
        use arrow_array::types::{Float64Type, Int8Type, Int32Type};
        for amount in column("amount").as_primitive::<Float64Type>().values() {
            // Long-hand: the decimal text, cut behind the second decimal, rounded by what follows.
            let text = format!("{amount}");
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            let padded = format!("{fraction:0<3}");
            let (kept, cut) = padded.split_at(2);
            let mut minor: i128 = format!("{whole}{kept}").parse().unwrap();
            let half = format!("5{}", "0".repeat(cut.len() - 1));
            if *cut > *half || (*cut == *half && minor % 2 == 1) {
                minor += 1;
            }
            sum += minor;
        }
        labelled += column("isSAR").as_primitive::<Int8Type>().values().iter().filter(|v| **v == 1).count();
        first_steps.extend(column("step").as_primitive::<Int32Type>().values().iter().copied());
        let origins = column("nameOrig").as_primitive::<Int32Type>().values();
        let destinations = column("nameDest").as_primitive::<Int32Type>().values();
        ends.extend(origins.iter().zip(destinations).map(|(o, d)| (o.to_string(), d.to_string())));
    }
    assert_eq!(report.totals[0].1.accepted_minor, sum);
    assert_eq!(report.totals[0].0.code, "SEK");
    assert_eq!((num_flagged(&batches, LABELLED), labelled), (1478, 1478));
    let base = parse_time("2023-01-01").unwrap();
    assert!(
        times(&batches).into_iter().eq(first_steps.iter().map(|s| base + i64::from(*s) * 86_400_000_000))
    );
    assert!(transfers(&batches).into_iter().map(|(s, d, _)| (s, d)).eq(ends));
    assert!(mapping("amlgentex").is_outside(b"-1") && mapping("amlgentex").is_outside(b"-2"));
    assert!(!mapping("amlgentex").is_outside(b"1"));

    let Some(slim) = data("amlgentex-a/tx_log.slim.parquet") else { return };
    let (batches, report) = read(&slim, &mapping("amlgentex"));
    assert_eq!((report.sources[0].accepted, report.sources[0].rejected), (1_163_279, 0));
    assert_eq!(num_flagged(&batches, LABELLED), 1478);
    assert_eq!(num_in_channel(&batches, "TRANSFER"), 1_152_020);
}

#[test]
fn paysim_reads_both_spellings_and_turns_cash_in() {
    let Some(path) = data("paysim-excerpt/PS_20174392719_1491204439457_log.excerpt.csv.gz") else { return };
    let (batches, report) = read(&path, &mapping("paysim"));
    let rows = records(&text(&path), ',');
    assert_eq!((report.sources[0].accepted, rows.len()), (7557, 7557));
    let minor = |text: &str| if text == "1.00E+07" { 1_000_000_000 } else { cents(text) };
    let expected = rows.iter().map(|r| {
        let (mut source, mut destination) = (r[3].clone(), r[6].clone());
        if r[1] == "CASH_IN" {
            std::mem::swap(&mut source, &mut destination);
        }
        (source, destination, minor(&r[2]) as i64)
    });
    assert!(transfers(&batches).into_iter().eq(expected));
    assert_eq!(num_flagged(&batches, LABELLED), 617);
    assert_eq!(num_flagged(&batches, FAILED), 0);

    let Some(path) = data("paysim2-first-party/transactions.csv.zst") else { return };
    let (batches, report) = read(&path, &mapping("paysim"));
    let rows = records(&text(&path), ',');
    assert_eq!((report.sources[0].accepted, rows.len()), (765_392, 765_392));
    assert_eq!(report.totals[0].1.accepted_minor, rows.iter().map(|r| cents(&r[2])).sum::<i128>());
    assert_eq!(num_flagged(&batches, LABELLED), 228);
    // An attempt failed exactly if neither balance moved.
    let failed = rows.iter().filter(|r| r[4] == r[5] && r[7] == r[8]).count();
    assert_eq!((num_flagged(&batches, FAILED), failed), (24_339, 24_339));
    // Where the client's balance grows, the client is the destination.
    let grows = |r: &[String]| cents_signed(&r[5]) > cents_signed(&r[4]);
    let all = transfers(&batches);
    assert!(rows.iter().zip(&all).all(|(r, (source, destination, _))| {
        if grows(r) {
            destination == &r[3] && source == &r[6]
        } else {
            source == &r[3] && destination == &r[6]
        }
    }));

    let Some(path) = data("paysim2-first-party/clients.csv.gz") else { return };
    let clients = records(&text(&path), ',');
    let (options, run) = (ReadOptions::default(), Run::new());
    let (links, _) =
        read_links(vec![Source::File(path.clone())], &mapping("paysim"), &options, &run).unwrap();
    assert_eq!(links.kinds, ["email", "phone", "ssn"]);
    for (kind, column) in [(0, 3), (1, 5), (2, 4)] {
        let distinct: BTreeSet<&str> =
            clients.iter().map(|r| r[column].as_str()).filter(|v| !v.is_empty()).collect();
        assert_eq!(links.identifiers[kind].len(), distinct.len());
    }
    assert!(links.identifier.iter().all(|id| *id != NONE));
    let (accounts, _) = read_accounts(vec![Source::File(path)], &mapping("paysim"), &options, &run).unwrap();
    assert_eq!(accounts.accounts.len(), 4238);
}

fn cents_signed(text: &str) -> i128 {
    text.strip_prefix('-').map_or_else(|| cents(text), |rest| -cents(rest))
}

#[test]
fn berka_has_counterparties_or_outside_accounts_and_a_direction() {
    let Some(path) = data("berka-czech-bank/trans.first-part.asc.gz") else { return };
    let mapping = mapping("berka");
    let (batches, report) = read(&path, &mapping);
    let rows = records(&text(&path), ';');
    assert_eq!((report.sources[0].accepted, rows.len()), (49_102, 49_102));
    let expected: Vec<(String, String, i64)> = rows
        .iter()
        .map(|r| {
            let other = if !r[8].is_empty() {
                format!("{}:{}", r[8], r[9])
            } else if !r[4].is_empty() {
                format!("outside:{}", r[4])
            } else {
                format!("outside:{}", r[7])
            };
            let minor = cents(&r[5]) as i64;
            if r[3] == "PRIJEM" { (other, r[1].clone(), minor) } else { (r[1].clone(), other, minor) }
        })
        .collect();
    assert_eq!(transfers(&batches), expected);
    let counterparties = expected
        .iter()
        .filter(|(s, d, _)| !mapping.is_outside(s.as_bytes()) && !mapping.is_outside(d.as_bytes()));
    assert_eq!(counterparties.count(), rows.iter().filter(|r| !r[8].is_empty()).count());
    let day = |r: &[String]| parse_time(&format!("19{}-{}-{}", &r[2][..2], &r[2][2..4], &r[2][4..])).unwrap();
    assert!(times(&batches).into_iter().eq(rows.iter().map(|r| day(r))));
    assert_eq!(num_flagged(&batches, DAY_PRECISION), 49_102);

    let (options, run) = (ReadOptions::default(), Run::new());
    let Some(path) = data("berka-czech-bank/account.asc") else { return };
    let (accounts, _) = read_accounts(vec![Source::File(path)], &mapping, &options, &run).unwrap();
    assert_eq!(accounts.accounts.len(), 4500);
    let Some(path) = data("berka-czech-bank/disp.asc") else { return };
    let (links, _) = read_links(vec![Source::File(path)], &mapping, &options, &run).unwrap();
    assert_eq!((links.account.len(), links.identifiers[0].len(), links.accounts.len()), (5369, 5369, 4500));
}

#[test]
fn fincen_rows_are_aggregates_with_exact_scientific_amounts() {
    let Some(path) = data("fincen-files/download_transactions_map.csv") else { return };
    let (batches, report) = read(&path, &mapping("fincen"));
    let rows = records(&text(&path), ',');
    let source = &report.sources[0];
    assert_eq!((source.read, source.accepted, source.rejected, rows.len()), (4507, 4501, 6, 4507));
    let undated: Vec<u64> =
        (1..).zip(&rows).filter(|(_, r)| r[5].is_empty()).map(|(record, _)| record).collect();
    let rejects: Vec<u64> = batches.iter().flat_map(|b| &b.rejects).map(|r| r.record).collect();
    assert_eq!(rejects, undated);
    assert!(
        batches
            .iter()
            .flat_map(|b| &b.rejects)
            .all(|r| r.reason == Reason::MissingValue && &*r.column == "end_date")
    );
    // 35,682,247,985.01 dollars in all, dated or not.
    let (currency, total) = &report.totals[0];
    assert_eq!(
        (currency.code.as_str(), total.accepted_minor + total.rejected_minor),
        ("USD", 3_568_224_798_501)
    );
    assert_eq!(num_flagged(&batches, AGGREGATE | DAY_PRECISION), 4501);
    let all = transfers(&batches);
    assert_eq!(all.iter().filter(|(s, d, _)| s == d).count(), 1);
    assert_eq!(
        all[0],
        ("cimb-bank-berhad".into(), "barclays-bank-plc-london-england-gbr".into(), 5_689_852_347)
    );
    assert_eq!(times(&batches)[0], parse_time("2015-09-25").unwrap());
}

/// The mapping that docs/mapping.md shows.
const ETHEREUM: &str = "
[scale]
ETH = 12

[transactions]
transaction = { index = 1 }
source = 'from'
destination = 'to'
time = 'timestamp'
time_format = 'unix-s'
amount = 'amount'
amount_notation = 'scientific'
amount_decimals = 'half-even'
currency = { constant = 'ETH' }
aggregate = true
";

#[test]
fn ethereum_fits_twelve_decimals_with_a_named_rounding() {
    let Some(path) = data("ethereum-phishing-tedge/edges.csv.gz") else { return };
    let (batches, report) = read(&path, &Mapping::parse(ETHEREUM, "docs").unwrap());
    let rows = records(&text(&path), ',');
    assert_eq!((report.sources[0].accepted, rows.len()), (106_083, 106_083));
    // 10^-12 ETH is far above the float's error and far below what the sum shows.
    for (row, (_, _, minor)) in rows.iter().zip(transfers(&batches)) {
        let amount: f64 = row[3].parse().unwrap();
        assert!((amount - minor as f64 / 1e12).abs() <= 5.1e-13 + amount * 1e-15);
    }
    let exact = Mapping::parse(&ETHEREUM.replace("half-even", "reject"), "docs").unwrap();
    let (batches, report) = read(&path, &exact);
    let decimals = |text: &str| {
        let (mantissa, power) = text.split_once('e').unwrap_or((text, "0"));
        let fraction = mantissa.split_once('.').map_or("", |(_, f)| f).trim_end_matches('0').len() as i32;
        fraction - power.parse::<i32>().unwrap()
    };
    let finer = rows.iter().filter(|r| decimals(&r[3]) > 12).count();
    assert_eq!(report.sources[0].rejected as usize, finer);
    assert!(batches.iter().flat_map(|b| &b.rejects).all(|r| r.reason == Reason::TooManyDecimals));
}

#[test]
fn a_hand_written_mapping_reads_the_stardog_tables() {
    let Some(path) = data("stardog-aml-demo/aml_dataset_transactions.csv.gz") else { return };
    let text_of = "
        [transactions]
        transaction = 'tx_id'
        source = 'account1'
        destination = 'account2'
        time = 'tx_date'
        time_format = 'date'
        amount = 'amount'
        currency = { constant = 'USD' }
        [accounts]
        account = 'number'
        [links]
        account = 'account'
        kind = { constant = 'person' }
        value = 'person'
    ";
    let mapping = Mapping::parse(text_of, "stardog").unwrap();
    let (_, report) = read(&path, &mapping);
    let rows = records(&text(&path), ',');
    assert_eq!((report.sources[0].accepted, rows.len()), (23_259, 23_259));
    assert_eq!(report.totals[0].1.accepted_minor, rows.iter().map(|r| cents(&r[3])).sum::<i128>());
    let (options, run) = (ReadOptions::default(), Run::new());
    let Some(path) = data("stardog-aml-demo/aml_dataset_bank_accounts.csv") else { return };
    let (accounts, _) = read_accounts(vec![Source::File(path)], &mapping, &options, &run).unwrap();
    assert!(matches!(&accounts.columns[0], (name, Values::Integer(_)) if name == "total"));
    let Some(path) = data("stardog-aml-demo/aml_dataset_people_accounts.csv") else { return };
    let (links, report) = read_links(vec![Source::File(path)], &mapping, &options, &run).unwrap();
    assert_eq!(links.account.len() as u64, report.sources[0].accepted);
}
