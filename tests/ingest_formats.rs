//! One table, many forms: CSV with and without quotes, packed, Parquet, record batches, any
//! chunk size and any number of threads give the same rows, keys, numbers and rejects.
#![allow(clippy::unwrap_used)]

use arrow_array::builder::{Decimal128Builder, StringDictionaryBuilder, StringViewBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array,
    Int64Array, LargeStringArray, RecordBatch, RecordBatchIterator, StringArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt8Array, UInt32Array,
    UInt64Array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use proptest::prelude::*;
use ringfence::ingest::{Batch, Mapping, ReadOptions, ReadReport, Reason, Source, read_transactions};
use ringfence::store::keys::KeyList;
use ringfence::units::time::format_time;
use ringfence::{Result, Run};
use std::io::{Cursor, Write};
use std::sync::Arc;

const MAPPING: &str = "
[transactions]
transaction = 'id'
source = ['bank', 'from']
destination = 'to'
time = 'time'
amount = 'amount'
currency = 'currency'
received_amount = 'received'
received_currency = 'received_currency'
channel = 'channel'
device = 'device'
labelled = 'flag'
skip = [{ column = 'channel', values = ['skip'] }]
";

const NAMES: [&str; 11] = [
    "id",
    "bank",
    "from",
    "to",
    "time",
    "amount",
    "currency",
    "received",
    "received_currency",
    "channel",
    "device",
];

/// One row as texts, in the order of `NAMES`, then the flag.
type Row = Vec<String>;

fn row() -> impl Strategy<Value = Row> {
    let key = prop_oneof![3 => "[0-9]{1,3}", 1 => "[ab ,\"\n;é]{0,4}"];
    let id = prop_oneof![5 => "[1-9][0-9]{0,6}", 1 => "[a-c0]{0,3}"];
    let time = prop_oneof![
        5 => (0i64..4_000_000_000).prop_map(|s| format_time(s * 1_000_000)),
        1 => Just("2024-02-30".to_string()),
        1 => Just(String::new()),
    ];
    let amount =
        prop_oneof![6 => "[0-9]{1,5}(\\.[0-9]{1,2})?", 1 => "-[1-9]", 1 => "[0-9]\\.[0-9]{3}", 1 => "x?"];
    let currency = prop_oneof![4 => Just("EUR"), 3 => Just("JPY"), 2 => Just("KWD"), 1 => Just("???")];
    let received = prop_oneof![2 => Just(String::new()), 1 => "[0-9]{1,4}"];
    let received_currency = prop_oneof![2 => Just(""), 1 => Just("USD"), 1 => Just("EUR")];
    let channel = prop_oneof![Just("card"), Just(""), Just("wire, \"fast\""), Just("skip")];
    let device = prop_oneof![Just(String::new()), "[0-9]{1,2}", "d[0-9]"];
    let flag = prop_oneof![Just("0"), Just("1"), Just("")];
    let parts = (id, "[0-9]{1,2}", key.clone(), key, time, amount);
    (parts, currency, received, received_currency, channel, device, flag).prop_map(
        |(
            (id, bank, from, to, time, amount),
            currency,
            received,
            received_currency,
            channel,
            device,
            flag,
        )| {
            let text = |s: &str| s.to_string();
            let fixed =
                (text(currency), received, text(received_currency), text(channel), device, text(flag));
            let (currency, received, received_currency, channel, device, flag) = fixed;
            vec![
                id,
                bank,
                from,
                to,
                time,
                amount,
                currency,
                received,
                received_currency,
                channel,
                device,
                flag,
            ]
        },
    )
}

fn cell(text: &str, quote_all: bool) -> String {
    if quote_all || text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_string()
    }
}

fn csv(rows: &[Row], quote_all: bool, line_end: &str) -> Vec<u8> {
    let mut text = NAMES.join(",") + ",flag" + line_end;
    for row in rows {
        let cells: Vec<String> = row.iter().map(|text| cell(text, quote_all)).collect();
        text += &(cells.join(",") + line_end);
    }
    text.into_bytes()
}

fn read(source: Source, mapping: &str, options: &ReadOptions, run: &Run) -> Result<(Vec<Batch>, ReadReport)> {
    let mapping = Mapping::parse(mapping, "test.toml")?;
    let mut batches = Vec::new();
    let report = read_transactions(vec![source], &mapping, options, run, &mut |batch| {
        batches.push(batch);
        Ok(())
    })?;
    Ok((batches, report))
}

/// A row of a batch in words, so that batches cut differently compare equal.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    record: u64,
    source: String,
    destination: String,
    time: i64,
    paid: (i64, String),
    received: (i64, String),
    channel: String,
    device: Option<String>,
    flags: u8,
    key: Option<String>,
}

/// Record, reason, column and detail of a reject.
type Rejected = (u64, Reason, String, String);

fn told(batches: &[Batch]) -> (Vec<Told>, Vec<Rejected>) {
    let mut rows = Vec::new();
    for batch in batches {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let code = |number: u16| {
            let currency = &batch.currencies[usize::from(number)];
            format!("{}/{}", currency.code, currency.exponent)
        };
        let columns = [batch.source.len(), batch.destination.len(), batch.time.len(), batch.amount.len()];
        assert!(columns.iter().all(|len| *len == batch.len()));
        assert!(batch.accounts.numbers.is_empty() || batch.accounts.numbers.len() == batch.accounts.len());
        for (i, number) in batch.accounts.numbers.iter().enumerate() {
            assert_eq!(number.to_string().as_bytes(), batch.accounts.key(i));
        }
        for row in 0..batch.len() {
            let paid = batch.currency.get(row).copied().unwrap_or(0);
            let received = match &batch.received {
                Some((amounts, currencies)) => (amounts[row], code(currencies[row])),
                None => (batch.amount[row], code(paid)),
            };
            let channel = match batch.channels.1.get(row).copied().unwrap_or(0) {
                0 => String::new(),
                code => batch.channels.0[usize::from(code) - 1].clone(),
            };
            let device = batch.devices.as_ref().and_then(|(keys, devices)| {
                (devices[row] != ringfence::ids::NONE).then(|| text(keys.key(devices[row] as usize)))
            });
            let key = batch.keys.as_ref().map(|keys| match keys {
                KeyList::Numbers(numbers) => numbers[row].to_string(),
                KeyList::Texts { text: bytes, offsets } => {
                    text(&bytes[offsets[row] as usize..offsets[row + 1] as usize])
                }
            });
            rows.push(Told {
                record: batch.first_record + u64::from(batch.record.get(row).copied().unwrap_or(row as u32)),
                source: text(batch.accounts.key(batch.source[row] as usize)),
                destination: text(batch.accounts.key(batch.destination[row] as usize)),
                time: batch.time[row],
                paid: (batch.amount[row], code(paid)),
                received,
                channel,
                device,
                flags: batch.flags.get(row).copied().unwrap_or(0),
                key,
            });
        }
    }
    let rejects = batches.iter().flat_map(|batch| &batch.rejects);
    let rejects = rejects.map(|r| (r.record, r.reason, r.column.to_string(), r.detail.clone())).collect();
    (rows, rejects)
}

fn reader(bytes: Vec<u8>) -> Source {
    Source::Reader { name: "table".into(), reader: Box::new(Cursor::new(bytes)) }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// The table as a frame of texts; an empty cell is null.
fn text_frame(rows: &[Row], make: impl Fn(Vec<Option<&str>>) -> ArrayRef) -> RecordBatch {
    let names = NAMES.iter().copied().chain(["flag"]);
    let columns = names.enumerate().map(|(i, name)| {
        let values = rows.iter().map(|row| Some(row[i].as_str()).filter(|text| !text.is_empty())).collect();
        (name, make(values), true)
    });
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// A frame cut into record batches of `len` rows.
fn frame(batch: &RecordBatch, len: usize) -> Source {
    let pieces: Vec<std::result::Result<RecordBatch, ArrowError>> = (0..batch.num_rows())
        .step_by(len)
        .map(|start| Ok(batch.slice(start, len.min(batch.num_rows() - start))))
        .collect();
    Source::Frame { name: "table".into(), reader: Box::new(RecordBatchIterator::new(pieces, batch.schema())) }
}

fn parquet(folder: &tempfile::TempDir, batch: &RecordBatch, group_rows: usize) -> Source {
    let path = folder.path().join("table.parquet");
    let properties = parquet::file::properties::WriterProperties::builder()
        .set_max_row_group_row_count(Some(group_rows))
        .set_compression(parquet::basic::Compression::ZSTD(Default::default()))
        .build();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    Source::File(path)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_form_of_a_table_gives_the_same_rows(
        rows in proptest::collection::vec(row(), 1..40), chunk_bytes in 1usize..400, chunk_rows in 1usize..50,
        threads in 1usize..4, cut in 1usize..20,
    ) {
        let run = Run::new().threads(threads).unwrap();
        let small = ReadOptions { chunk_bytes, chunk_rows, ..ReadOptions::default() };
        let plain = csv(&rows, false, "\n");
        let (batches, report) = read(reader(plain.clone()), MAPPING, &ReadOptions::default(), &Run::new()).unwrap();
        prop_assert!(batches.len() <= 1);
        let expected = told(&batches);
        let folder = tempfile::tempdir().unwrap();
        let strings = text_frame(&rows, |values| Arc::new(StringArray::from(values)));
        let large = text_frame(&rows, |values| Arc::new(LargeStringArray::from(values)));
        let views = text_frame(&rows, |values| {
            let mut builder = StringViewBuilder::new();
            values.iter().for_each(|value| builder.append_option(*value));
            Arc::new(builder.finish())
        });
        let dictionaries = text_frame(&rows, |values| {
            let mut builder = StringDictionaryBuilder::<Int32Type>::new();
            values.iter().for_each(|value| builder.append_option(*value));
            Arc::new(builder.finish())
        });
        let quoted = csv(&rows, true, "\r\n");
        for (name, source) in [
            ("pieces", reader(plain.clone())),
            ("quoted", reader(quoted.clone())),
            ("gzip", reader(gzip(&quoted))),
            ("zstd", reader(zstd::encode_all(plain.as_slice(), 1).unwrap())),
            ("parquet", parquet(&folder, &strings, cut)),
            ("frame", frame(&strings, cut)),
            ("large frame", frame(&large, cut)),
            ("view frame", frame(&views, cut)),
            ("dictionary frame", frame(&dictionaries, cut)),
        ] {
            let (batches, other) = read(source, MAPPING, &small, &run).unwrap();
            prop_assert_eq!(&told(&batches), &expected, "{}", name);
            prop_assert_eq!(&other.totals, &report.totals, "{}", name);
            let (mine, theirs) = (&report.sources[0], &other.sources[0]);
            prop_assert_eq!((mine.read, mine.accepted, mine.rejected, mine.skipped),
                (theirs.read, theirs.accepted, theirs.rejected, theirs.skipped), "{}", name);
        }
    }

    #[test]
    fn batches_and_digests_do_not_depend_on_threads_or_on_how_a_frame_is_cut(
        rows in proptest::collection::vec(row(), 1..60), chunk_bytes in 20usize..400, chunk_rows in 1usize..50,
        cut in 1usize..20, other_cut in 1usize..20,
    ) {
        let options = ReadOptions { chunk_bytes, chunk_rows, ..ReadOptions::default() };
        let (one, three) = (Run::new().threads(1).unwrap(), Run::new().threads(3).unwrap());
        let text = csv(&rows, false, "\n");
        let csv = |run| read(reader(text.clone()), MAPPING, &options, run).unwrap();
        prop_assert_eq!(csv(&one), csv(&three));
        let strings = text_frame(&rows, |values| Arc::new(StringArray::from(values)));
        let frames = |cut, run| read(frame(&strings, cut), MAPPING, &options, run).unwrap();
        prop_assert_eq!(frames(cut, &one), frames(other_cut, &three));
    }

    /// The books of every source close: accepted + rejected + skipped = read, in records and in money.
    #[test]
    fn books_of_every_source_close(rows in proptest::collection::vec(row(), 1..40)) {
        let (batches, report) = read(reader(csv(&rows, false, "\n")), MAPPING, &ReadOptions::default(), &Run::new()).unwrap();
        let source = &report.sources[0];
        prop_assert_eq!(source.read, rows.len() as u64);
        prop_assert_eq!(source.read, source.accepted + source.rejected + source.skipped);
        prop_assert_eq!(source.rejected, batches.iter().map(|b| b.rejects.len() as u64).sum::<u64>());
        for (currency, total) in &report.totals {
            let mut read = 0i128;
            for row in rows.iter().filter(|row| row[6] == currency.code) {
                let minor = ringfence::units::amount::parse_amount(row[5].as_bytes(), currency.exponent);
                read += i128::from(minor.unwrap_or(0));
            }
            prop_assert_eq!(total.accepted_minor + total.rejected_minor, read);
        }
    }
}

const TYPED: &str = "
[transactions]
transaction = 'id'
source = 'from'
destination = 'to'
time = 'time'
amount = 'amount'
currency = { constant = 'USD' }
channel = 'channel'
labelled = 'flag'
";

/// A frame whose columns have the given types, and the same rows in CSV.
fn typed_pair(columns: Vec<(&str, ArrayRef)>, texts: &[&str]) -> (RecordBatch, Vec<u8>) {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let text = names.join(",") + "\n" + &texts.join("\n") + "\n";
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    (RecordBatch::try_from_iter_with_nullable(columns).unwrap(), text.into_bytes())
}

#[test]
fn typed_columns_mean_what_their_texts_mean() {
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]));
    let channels: ArrayRef = Arc::new(UInt8Array::from(vec![Some(7), None, Some(0)]));
    let keys: Vec<(ArrayRef, [&str; 3])> = vec![
        (Arc::new(Int8Array::from(vec![-1, 0, 127])), ["-1", "0", "127"]),
        (Arc::new(Int16Array::from(vec![-300, 5, 300])), ["-300", "5", "300"]),
        (Arc::new(Int32Array::from(vec![Some(-2), None, Some(9)])), ["-2", "", "9"]),
        (Arc::new(UInt32Array::from(vec![u32::MAX, 0, 1])), ["4294967295", "0", "1"]),
        (
            Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1 << 63])),
            ["18446744073709551615", "0", "9223372036854775808"],
        ),
        (Arc::new(StringArray::from(vec!["007", "7", "x"])), ["007", "7", "x"]),
    ];
    let times: Vec<(ArrayRef, [&str; 3])> = vec![
        (
            Arc::new(TimestampSecondArray::from(vec![Some(1), None, Some(-1)])),
            ["1970-01-01T00:00:01", "", "1969-12-31T23:59:59"],
        ),
        (
            Arc::new(TimestampMillisecondArray::from(vec![1, 2, 3]).with_timezone("Europe/Prague")),
            ["1970-01-01T00:00:00.001Z", "1970-01-01T00:00:00.002Z", "1970-01-01T00:00:00.003Z"],
        ),
        (
            Arc::new(TimestampMicrosecondArray::from(vec![0, 5, 7])),
            ["1970-01-01", "1970-01-01T00:00:00.000005", "1970-01-01T00:00:00.000007"],
        ),
        (
            Arc::new(TimestampNanosecondArray::from(vec![1999, 0, i64::MAX])),
            ["1970-01-01T00:00:00.000001999", "1970-01-01", "2262-04-11T23:47:16.854775807"],
        ),
        (Arc::new(Date32Array::from(vec![0, 19_723, 1])), ["1970-01-01", "2024-01-01", "1970-01-02"]),
    ];
    let mut decimals = Decimal128Builder::new().with_precision_and_scale(20, 3).unwrap();
    decimals.append_slice(&[12_500, 12_505, -10]);
    let amounts: Vec<(ArrayRef, [&str; 3])> = vec![
        (Arc::new(Int64Array::from(vec![Some(5), None, Some(i64::MAX)])), ["5", "", "9223372036854775807"]),
        (Arc::new(Float64Array::from(vec![0.1, 1e15, 0.125])), ["0.1", "1000000000000000", "0.125"]),
        (Arc::new(Float64Array::from(vec![f64::NAN, f64::INFINITY, -0.0])), ["NaN", "inf", "-0"]),
        (Arc::new(Float32Array::from(vec![0.1, 16_777_216.0, 3.25])), ["0.1", "16777216", "3.25"]),
        (Arc::new(decimals.finish()), ["12.500", "12.505", "-0.010"]),
        (Arc::new(StringArray::from(vec!["1.00", "x", "-3"])), ["1.00", "x", "-3"]),
    ];
    for (from, from_texts) in &keys {
        for (time, time_texts) in &times {
            for (amount, amount_texts) in &amounts {
                let channel_texts = ["7", "", "0"];
                let flag_texts = ["true", "false", ""];
                let texts: Vec<String> = (0..3)
                    .map(|i| {
                        [
                            &format!("{}", i + 1),
                            from_texts[i],
                            "b",
                            time_texts[i],
                            amount_texts[i],
                            channel_texts[i],
                            flag_texts[i],
                        ]
                        .join(",")
                    })
                    .collect();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let columns = vec![
                    ("id", ids.clone()),
                    ("from", from.clone()),
                    ("to", Arc::new(StringArray::from(vec!["b"; 3])) as ArrayRef),
                    ("time", time.clone()),
                    ("amount", amount.clone()),
                    ("channel", channels.clone()),
                    ("flag", flags.clone()),
                ];
                let (batch, csv) = typed_pair(columns, &texts);
                let options = ReadOptions::default();
                let mapping = TYPED.replace("[transactions]", "[transactions]\ntime_min = '1900-01-01'");
                let (expected, _) = read(reader(csv), &mapping, &options, &Run::new()).unwrap();
                let folder = tempfile::tempdir().unwrap();
                let sources = [frame(&batch, 2), parquet(&folder, &batch, 2)];
                for source in sources {
                    let (batches, _) = read(source, &mapping, &options, &Run::new()).unwrap();
                    let (rows, rejects) = told(&batches);
                    let (expected_rows, expected_rejects) = told(&expected);
                    assert_eq!(rows, expected_rows);
                    // The text of a time is another one, its reason is the same.
                    let reasons = |rejects: Vec<Rejected>| {
                        rejects
                            .into_iter()
                            .map(|(record, reason, column, _)| (record, reason, column))
                            .collect::<Vec<_>>()
                    };
                    assert_eq!(reasons(rejects), reasons(expected_rejects));
                }
            }
        }
    }
}

#[test]
fn numbers_as_times_follow_the_format() {
    let mapping =
        TYPED.replace("time = 'time'", "time = 'time'\ntime_format = { step = 'day', base = '2024-01-01' }");
    let columns = vec![
        ("id", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
        ("from", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
        ("to", Arc::new(Int64Array::from(vec![2])) as ArrayRef),
        ("time", Arc::new(Int32Array::from(vec![31])) as ArrayRef),
        ("amount", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
        ("channel", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
        ("flag", Arc::new(Int8Array::from(vec![1])) as ArrayRef),
    ];
    let (batch, csv) = typed_pair(columns, &["1,1,2,31,1,1,1"]);
    let options = ReadOptions::default();
    let (from_csv, _) = read(reader(csv), &mapping, &options, &Run::new()).unwrap();
    let (from_frame, _) = read(frame(&batch, 1), &mapping, &options, &Run::new()).unwrap();
    assert_eq!(from_csv, from_frame);
    assert_eq!(format_time(from_csv[0].time[0]), "2024-02-01T00:00:00Z");
}

#[test]
fn columns_that_cannot_be_read_are_named() {
    let options = ReadOptions::default();
    let columns = |from: ArrayRef| {
        let text = || Arc::new(StringArray::from(vec!["1"])) as ArrayRef;
        let names = ["id", "to", "time", "amount", "channel", "flag"];
        typed_pair(names.iter().map(|name| (*name, text())).chain([("from", from)]).collect(), &[]).0
    };
    let floats = columns(Arc::new(Float64Array::from(vec![1.0])));
    let error = read(frame(&floats, 1), TYPED, &options, &Run::new()).unwrap_err().to_string();
    assert!(error.contains("\"from\" holds floats") && error.contains("Int64"), "{error}");
    let list = arrow_array::ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
    let error =
        read(frame(&columns(Arc::new(list)), 1), TYPED, &options, &Run::new()).unwrap_err().to_string();
    assert!(error.contains("\"from\" has the type List"), "{error}");
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Utf8, true)]));
    let empty = Source::Frame {
        name: "frame".into(),
        reader: Box::new(RecordBatchIterator::new(Vec::<std::result::Result<_, ArrowError>>::new(), schema)),
    };
    let error = read(empty, TYPED, &options, &Run::new()).unwrap_err().to_string();
    assert!(error.contains("no column \"from\"") || error.contains("no column"), "{error}");
}
