//! CSV sources: what is read, what is refused, and where errors point.
#![allow(clippy::unwrap_used)]

use ringfence::ingest::{Batch, Mapping, ReadOptions, ReadReport, Reason, Source, read_transactions};
use ringfence::store::keys::KeyList;
use ringfence::{Error, Result, Run};
use std::io::{Cursor, Write};

/// Mapping of the small tables of this file.
const MAPPING: &str = "
[transactions]
transaction = 'id'
source = 'from'
destination = 'to'
time = 'time'
amount = 'amount'
currency = 'currency'
received_amount = { name = 'received', optional = true }
received_currency = { name = 'received_currency', optional = true }
channel = { name = 'channel', optional = true }
device = { name = 'device', optional = true }
labelled = { column = { name = 'flag', optional = true } }
";

fn read_with(mapping: &str, text: &[u8], options: &ReadOptions) -> Result<(Vec<Batch>, ReadReport)> {
    let mapping = Mapping::parse(mapping, "test.toml")?;
    let source = Source::Reader { name: "test.csv".into(), reader: Box::new(Cursor::new(text.to_vec())) };
    let mut batches = Vec::new();
    let report = read_transactions(vec![source], &mapping, options, &Run::new(), &mut |batch| {
        batches.push(batch);
        Ok(())
    })?;
    Ok((batches, report))
}

fn read(text: &str) -> Result<(Vec<Batch>, ReadReport)> {
    read_with(MAPPING, text.as_bytes(), &ReadOptions::default())
}

fn reasons(batches: &[Batch]) -> Vec<(u64, Reason, &str)> {
    batches.iter().flat_map(|b| &b.rejects).map(|r| (r.record, r.reason, &*r.column)).collect()
}

#[test]
fn a_small_table_becomes_columns() {
    let text = "id,from,to,time,amount,currency,channel\n\
                t1,alice,bob,2024-05-01T12:00:00Z,12.50,EUR,card\n\
                t2,bob,carol,2024-05-01,3,JPY,\n\
                t3,alice,alice,2024-05-02T00:00:00+02:00,0,EUR,wire\n";
    let (batches, report) = read(text).unwrap();
    let [batch] = batches.as_slice() else { panic!("one batch") };
    let keys: Vec<&[u8]> = batch.accounts.iter().collect();
    assert_eq!(keys, [b"alice".as_slice(), b"bob", b"carol"]);
    assert_eq!((&batch.source[..], &batch.destination[..]), (&[0, 1, 0][..], &[1, 2, 0][..]));
    assert_eq!(batch.amount, [1250, 3, 0]);
    assert_eq!(batch.time, [1_714_564_800_000_000, 1_714_521_600_000_000, 1_714_600_800_000_000]);
    let codes: Vec<_> = batch.currencies.iter().map(|c| (c.code.as_str(), c.exponent)).collect();
    assert_eq!(codes, [("EUR", 2), ("JPY", 0)]);
    assert_eq!(batch.currency, [0, 1, 0]);
    assert_eq!(batch.channels, (vec!["card".to_string(), "wire".to_string()], vec![1, 0, 2]));
    assert_eq!(
        (batch.received.is_none(), batch.flags.is_empty(), batch.record.is_empty()),
        (true, true, true)
    );
    assert_eq!(batch.first_record, 1);
    assert!(matches!(&batch.keys, Some(KeyList::Texts { text, .. }) if text == b"t1t2t3"));
    let source = &report.sources[0];
    assert_eq!((source.read, source.accepted, source.rejected, source.skipped), (3, 3, 0, 0));
    assert_eq!(source.bytes, text.len() as u64);
    assert_eq!(report.totals[0].1.accepted_minor, 1250);
}

#[test]
fn every_kind_of_bad_row_is_rejected_with_its_reason() {
    let text = "id,from,to,time,amount,currency,received,received_currency,flag\n\
                1,a,b,2024-05-01,1.00,EUR,,,\n\
                2,,b,2024-05-01,1.00,EUR,,,\n\
                3,a,b,2024-02-30,1.00,EUR,,,\n\
                4,a,b,1969-12-31,1.00,EUR,,,\n\
                5,a,b,2024-05-01,1.005,EUR,,,\n\
                6,a,b,2024-05-01,one,EUR,,,\n\
                7,a,b,2024-05-01,-1.00,EUR,,,\n\
                8,a,b,2024-05-01,1.00,EURO,,,\n\
                9,a,b,2024-05-01,,EUR,,,\n\
                10,a,b,2024-05-01,1.00\n\
                ,a,b,2024-05-01,1.00,EUR,,,\n\
                12,a,b,2024-05-01,99999999999999999999,EUR,,,\n\
                13,a,b,2024-05-01,1.00,EUR,2.5,JPY,\n\
                14,a,b,2024-05-01,1.00,EUR,2,USDT,\n\
                15,a,b,2024-05-01,1.00,EUR,2,USD,maybe\n\
                16,a,b,2024-05-01,2.00,EUR,2,USD,yes\n";
    let (batches, report) = read(text).unwrap();
    assert_eq!(
        reasons(&batches),
        [
            (2, Reason::EmptyKey, "from"),
            (3, Reason::BadTime, "time"),
            (4, Reason::TimeOutOfRange, "time"),
            (5, Reason::TooManyDecimals, "amount"),
            (6, Reason::NotANumber, "amount"),
            (7, Reason::NegativeAmount, "amount"),
            (8, Reason::UnknownCurrency, "currency"),
            (9, Reason::MissingValue, "amount"),
            (10, Reason::WrongNumberOfFields, ""),
            (11, Reason::EmptyKey, "id"),
            (12, Reason::AmountTooLarge, "amount"),
            (13, Reason::TooManyDecimals, "received"),
            (14, Reason::UnknownCurrency, "received_currency"),
            (15, Reason::NotAFlag, "flag"),
        ]
    );
    let batch = &batches[0];
    assert_eq!((batch.first_record, &batch.record[..]), (1, &[0, 15][..]));
    assert_eq!(batch.received, Some((vec![100, 200], vec![0, 1])));
    assert_eq!(batch.flags, [0, 4]);
    let source = &report.sources[0];
    assert_eq!((source.read, source.accepted, source.rejected), (16, 2, 14));
    // Accepted 1.00 + 2.00; rejected but readable: 2, 3, 4, 11, 13, 14, 15 with 1.00 each and 7 with -1.00.
    let (euro, total) = &report.totals[0];
    assert_eq!((euro.code.as_str(), total.accepted, total.accepted_minor), ("EUR", 2, 300));
    assert_eq!((total.rejected, total.rejected_minor), (8, 600));
}

#[test]
fn rejects_show_no_keys() {
    let long = "k".repeat(1025);
    let text = format!("id,from,to,time,amount,currency\n1,{long},b,2024-05-01,1,EUR\n");
    let (batches, _) = read(&text).unwrap();
    let reject = &batches[0].rejects[0];
    assert_eq!((reject.reason, reject.detail.as_str()), (Reason::KeyTooLong, "1025 bytes"));
    assert_eq!(&*reject.source, "test.csv");
    let mut text =
        b"id,from,to,time,amount,currency\n1,a,b,2024-05-01,1,EUR\n2,caf\xe9,b,2024-05-01,1,EUR\n".to_vec();
    let (batches, _) = read_with(MAPPING, &text, &ReadOptions::default()).unwrap();
    assert_eq!(reasons(&batches), [(2, Reason::InvalidUtf8, "from")]);
    assert_eq!(batches[0].rejects[0].detail, "4 bytes");
    text.extend_from_slice(b"3,a,b,2024-05-01,\"1\xe9\",EUR\n");
    let (batches, _) = read_with(MAPPING, &text, &ReadOptions::default()).unwrap();
    assert_eq!(batches[0].rejects[1].detail, "\"1\u{fffd}\"");
}

#[test]
fn signs_directions_and_skips_follow_the_mapping() {
    let mapping = "
        [transactions]
        source = 'own'
        destination = 'other'
        time = 'day'
        time_format = 'date'
        amount = 'amount'
        amount_negative = 'reverse'
        currency = { constant = 'USD' }
        direction = { column = 'kind', reverse = ['in'], forward = ['out'] }
        failed = { column = 'state', true = ['bounced'] }
        skip = [{ column = 'state', values = ['draft', 'void'] }]
        outside = ['cash']
        aggregate = true
    ";
    let text = "own,other,day,amount,kind,state\n\
                a,b,2024-05-01,1,out,ok\n\
                a,b,2024-05-01,2,in,ok\n\
                a,b,2024-05-01,-3,out,ok\n\
                a,b,2024-05-01,-4,in,ok\n\
                a,b,2024-05-01,5,up,ok\n\
                a,b,2024-05-01,6,out,draft\n\
                a,b,2024-05-01,7,out,bounced\n\
                c,b,x,8,up,void\n";
    let (batches, report) = read_with(mapping, text.as_bytes(), &ReadOptions::default()).unwrap();
    let batch = &batches[0];
    assert_eq!(batch.accounts.iter().collect::<Vec<_>>(), [b"a", b"b"]);
    assert_eq!(batch.source, [0, 1, 1, 0, 0]);
    assert_eq!(batch.destination, [1, 0, 0, 1, 1]);
    assert_eq!(batch.amount, [100, 200, 300, 400, 700]);
    assert_eq!(batch.flags, [24, 24, 24, 24, 56]);
    assert_eq!(batch.record, [0, 1, 2, 3, 6]);
    assert_eq!(reasons(&batches), [(5, Reason::UnknownDirection, "kind")]);
    let source = &report.sources[0];
    assert_eq!((source.read, source.accepted, source.rejected, source.skipped), (8, 5, 1, 2));
    assert_eq!(report.totals[0].1.rejected_minor, 500 + 600 + 800);
}

#[test]
fn amounts_that_point_both_ways_are_rejected() {
    let mapping =
        MAPPING.replace("currency = 'currency'", "currency = 'currency'\namount_negative = 'reverse'");
    let text = "id,from,to,time,amount,currency,received,received_currency\n\
                1,a,b,2024-05-01,-1,EUR,-2,USD\n\
                2,a,b,2024-05-01,-1,EUR,2,USD\n\
                3,a,b,2024-05-01,1,EUR,-2,USD\n\
                4,a,b,2024-05-01,0,EUR,-2,USD\n\
                5,a,b,2024-05-01,-1,EUR,,USD\n";
    let (batches, _) = read_with(&mapping, text.as_bytes(), &ReadOptions::default()).unwrap();
    assert_eq!(
        reasons(&batches),
        [(2, Reason::NegativeAmount, "amount"), (3, Reason::NegativeAmount, "received")]
    );
    assert_eq!(batches[0].source, [0, 0, 0]);
    assert_eq!(batches[0].accounts.key(0), b"b");
    assert_eq!(batches[0].received, Some((vec![200, 200, 100], vec![1, 1, 0])));
}

fn refusal(text: &[u8]) -> String {
    match read_with(MAPPING, text, &ReadOptions::default()) {
        Err(error @ Error::Input { .. }) => error.to_string(),
        other => panic!("no input error but {other:?}"),
    }
}

#[test]
fn files_that_cannot_be_used_say_what_to_do() {
    let header = "id,from,to,time,amount,currency\n";
    let row = "1,a,b,2024-05-01,1,EUR\n";
    for (text, parts) in [
        (String::new(), vec!["test.csv: the file is empty"]),
        ("\n\n".to_string(), vec!["the file is empty"]),
        (header.to_string(), vec!["there is a header and no rows"]),
        (
            "id,form,to,time,amount,currency\n1,a,b,2024-05-01,1,EUR\n".to_string(),
            vec!["no column \"from\"", "\"id\", \"form\", \"to\"", "did you mean \"form\"?"],
        ),
        (
            "id,from,from,to,time,amount,currency\n".to_string(),
            vec!["2 columns are named \"from\"", "nth = 1"],
        ),
        (
            format!("{header}{row}2,a,b,2024-05-01,\"1,EUR\n{row}"),
            vec!["record 2", "quote is opened here and never closed"],
        ),
        (format!("{header}{row}{row}3,a\0,b,2024-05-01,1,EUR\n"), vec!["record 3", "NUL byte"]),
        (header.replace('\n', "\r") + row, vec!["CR alone"]),
        ("PK\x03\x04....".to_string(), vec!["Excel"]),
    ] {
        let message = refusal(text.as_bytes());
        for part in parts {
            assert!(message.contains(part), "{text:?}\n{message}");
        }
    }
    for big_endian in [false, true] {
        for bom in [false, true] {
            let units = format!("{}{header}{row}", if bom { "\u{feff}" } else { "" });
            let bytes: Vec<u8> = units
                .encode_utf16()
                .flat_map(|u| if big_endian { [(u >> 8) as u8, u as u8] } else { [u as u8, (u >> 8) as u8] })
                .collect();
            let message = refusal(&bytes);
            assert!(message.contains("UTF-16") && message.contains("iconv"), "{message}");
        }
    }
}

#[test]
fn a_field_of_a_hundred_megabytes_is_refused_and_not_kept() {
    struct Long {
        head: Cursor<Vec<u8>>,
        left: u64,
    }
    impl std::io::Read for Long {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let len = self.head.read(buffer)?;
            if len > 0 {
                return Ok(len);
            }
            let len = buffer.len().min(self.left as usize);
            buffer[..len].fill(b'x');
            self.left -= len as u64;
            Ok(len)
        }
    }
    for (row, part) in [("2,a,", "no line end within 16 MiB"), ("2,a,\"", "not closed within 1 MiB")] {
        let head = format!("id,from,to,time,amount,currency\n1,a,b,2024-05-01,1,EUR\n{row}");
        let mapping = Mapping::parse(MAPPING, "test.toml").unwrap();
        let reader = Long { head: Cursor::new(head.into_bytes()), left: 100 << 20 };
        let source = Source::Reader { name: "long.csv".into(), reader: Box::new(reader) };
        let error =
            read_transactions(vec![source], &mapping, &ReadOptions::default(), &Run::new(), &mut |_| Ok(()))
                .unwrap_err();
        let message = error.to_string();
        assert!(message.contains("long.csv, record 2") && message.contains(part), "{message}");
    }
    let text = format!(
        "id,from,to,time,amount,currency\n1,a,b,2024-05-01,1,EUR\n2,{},b,c,1,EUR\n",
        "x".repeat((1 << 20) + 1)
    );
    let message = refusal(text.as_bytes());
    assert!(message.contains("record 2") && message.contains("more than 1 MiB"), "{message}");
}

#[test]
fn byte_order_marks_and_carriage_returns_are_no_data() {
    let text = "\u{feff}id,from,to,time,amount,currency\r\n1,a,b,2024-05-01,1,EUR\r\n";
    let (batches, _) = read(text).unwrap();
    assert_eq!(batches[0].amount, [100]);
    assert!(batches[0].rejects.is_empty());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn truncated_and_damaged_archives_are_refused() {
    let mut text = "id,from,to,time,amount,currency\n".to_string();
    for i in 0..5000 {
        text += &format!("{i},a{},b{i},2024-05-01,{i}.07,EUR\n", i * 7919 % 1000);
    }
    let packed = [("gzip", gzip(text.as_bytes())), ("zstd", zstd::encode_all(text.as_bytes(), 3).unwrap())];
    for (name, packed) in packed {
        let read = |bytes: &[u8]| read_with(MAPPING, bytes, &ReadOptions::default());
        let (batches, report) = read(&packed).unwrap();
        assert_eq!((batches[0].len(), report.sources[0].bytes), (5000, packed.len() as u64));
        for cut in [packed.len() - 1, packed.len() / 2, 20] {
            let message = read(&packed[..cut]).unwrap_err().to_string();
            assert!(message.contains(&format!("the {name} archive is truncated or damaged")), "{message}");
        }
        if name == "gzip" {
            let mut damaged = packed.clone();
            damaged[packed.len() / 2] ^= 0x10;
            assert!(read(&damaged).is_err());
        }
    }
}

#[test]
fn archives_of_several_members_are_read_to_the_end() {
    let (head, tail) =
        ("id,from,to,time,amount,currency\n1,a,b,2024-05-01,1,EUR\n", "2,a,b,2024-05-01,2,EUR\n");
    let gz = [gzip(head.as_bytes()), gzip(tail.as_bytes())].concat();
    let zst = [zstd::encode_all(head.as_bytes(), 1).unwrap(), zstd::encode_all(tail.as_bytes(), 1).unwrap()]
        .concat();
    for packed in [gz, zst] {
        let (batches, _) = read_with(MAPPING, &packed, &ReadOptions::default()).unwrap();
        assert_eq!(batches[0].amount, [100, 200]);
    }
}

#[test]
fn several_sources_are_numbered_and_counted_apart() {
    let mapping = Mapping::parse(MAPPING, "test.toml").unwrap();
    let source = |name: &str, text: &str| Source::Reader {
        name: name.into(),
        reader: Box::new(Cursor::new(text.as_bytes().to_vec())),
    };
    let one = source("one.csv", "id,from,to,time,amount,currency\n1,a,b,2024-05-01,1,EUR\n");
    let two = source(
        "two.csv",
        "currency,amount,time,to,from,id\nEUR,x,2024-05-01,a,b,2\nEUR,5,2024-05-01,a,b,3\n",
    );
    let options = ReadOptions { first_ordinal: 7, ..ReadOptions::default() };
    let mut batches = Vec::new();
    let report = read_transactions(vec![one, two], &mapping, &options, &Run::new(), &mut |batch| {
        batches.push(batch);
        Ok(())
    })
    .unwrap();
    assert_eq!(
        batches.iter().map(|b| (b.source_ordinal, b.first_record, b.len())).collect::<Vec<_>>(),
        [(7, 1, 1), (8, 2, 1)]
    );
    assert_eq!(
        report.sources.iter().map(|s| (s.name.as_str(), s.read, s.rejected)).collect::<Vec<_>>(),
        [("one.csv", 1, 0), ("two.csv", 2, 1)]
    );
    assert_eq!(report.totals[0].1.accepted_minor, 600);
}

#[test]
fn a_file_without_header_is_read_by_position() {
    let mapping = "
        [files]
        header = false
        delimiter = '|'
        quote = ''
        trim = true
        [transactions]
        source = { index = 2 }
        destination = { columns = [{ index = 3 }, { index = 1 }], separator = '/' }
        time = { index = 4 }
        time_format = 'unix-s'
        amount = { index = 5 }
        amount_unit = 'minor'
        currency = { constant = 'USD' }
    ";
    let text = "x| a |\"b|1714564800|125\ny|a|c| 1714564801 |7\n";
    let (batches, report) = read_with(mapping, text.as_bytes(), &ReadOptions::default()).unwrap();
    assert_eq!(batches[0].accounts.iter().collect::<Vec<_>>(), [b"a".as_slice(), b"\"b/x", b"c/y"]);
    assert_eq!(batches[0].amount, [125, 7]);
    assert_eq!(report.sources[0].read, 2);
    let named = mapping.replace("{ index = 2 }", "'from'");
    let error = read_with(&named, text.as_bytes(), &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("use { index = "), "{error}");
}

#[test]
fn too_many_channels_end_the_reading() {
    let mut text = "id,from,to,time,amount,currency,channel\n".to_string();
    for i in 0..300 {
        text += &format!("{i},a,b,2024-05-01,1,EUR,{i}\n");
    }
    let error = read(&text).unwrap_err().to_string();
    assert!(error.contains("more than 255 different values"), "{error}");
}

#[test]
fn an_error_of_the_sink_and_a_cancelled_run_end_the_reading() {
    let text = "id,from,to,time,amount,currency\n1,a,b,2024-05-01,1,EUR\n";
    let mapping = Mapping::parse(MAPPING, "test.toml").unwrap();
    let source =
        || Source::Reader { name: "t".into(), reader: Box::new(Cursor::new(text.as_bytes().to_vec())) };
    let options = ReadOptions::default();
    let stop =
        read_transactions(vec![source()], &mapping, &options, &Run::new(), &mut |_| Err(Error::Cancelled));
    assert!(matches!(stop, Err(Error::Cancelled)));
    let run = Run::new();
    run.cancel_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    let stop = read_transactions(vec![source()], &mapping, &options, &run, &mut |_| Ok(()));
    assert!(matches!(stop, Err(Error::Cancelled)));
    let options = ReadOptions { chunk_bytes: 0, ..options };
    let refused = read_transactions(vec![source()], &mapping, &options, &Run::new(), &mut |_| Ok(()));
    assert!(matches!(refused, Err(Error::Option { name: "chunk_bytes", .. })));
}
