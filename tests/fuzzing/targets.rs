//! What the fuzzer calls: one function per promise, which takes any bytes and panics where the promise is broken.
//!
//! `fuzz/` feeds them by coverage, and the test program beside this file replays its corpus and changes of it, so that
//! what was found once is tried by every `cargo test`.
//!
//! Each compares with something slower or other: decimals with arithmetic on digits, times with jiff, keys with a hash
//! map, records with themselves written again, CSV with the cells that were written, and any text with itself in other chunks.

use super::forge::{self, Column, File};
use super::{full, lie};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ringfence::graph::build::IngestOptions;
use ringfence::ingest::batch::AttributeValues;
use ringfence::ingest::{Batch, Mapping, ReadOptions, Source, read_accounts, read_transactions};
use ringfence::store::keys::{KEY_BYTES_MAX, KeyList};
use ringfence::store::manifest::{Manifest, Partition};
use ringfence::store::verify::verify;
use ringfence::store::{Container, Io, Keys, Store, StoreWriter};
use ringfence::units::amount::{AmountFault, Excess, Notation, parse_amount, parse_amount_as};
use ringfence::units::time::{format_time, parse_time};
use ringfence::{Error, Run};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use tempfile::TempDir;

/// A target: its name and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const ALL: [Target; 8] = [
    ("decimals", decimals),
    ("times", times),
    ("zones", zones),
    ("csv", csv),
    ("keys", keys),
    ("manifest", manifest),
    ("store", store),
    ("bundle", bundle),
];

/// Amounts, against long-hand arithmetic: byte 0 is the decimals of the currency, byte 1 notation and rule, the rest the text.
pub fn decimals(data: &[u8]) {
    let [exponent, rules, text @ ..] = data else { return };
    let exponent = exponent % 20;
    let notation = [Notation::Plain, Notation::Scientific][usize::from(rules & 1)];
    let excess = [Excess::Refuse, Excess::HalfEven][usize::from(rules >> 1 & 1)];
    let expected = slow_amount(text, exponent, notation, excess);
    let found = parse_amount_as(text, exponent, notation, excess);
    assert_eq!(found, expected, "{:?}, {exponent}, {notation:?}, {excess:?}", String::from_utf8_lossy(text));
    let plain = slow_amount(text, exponent, Notation::Plain, Excess::Refuse);
    assert_eq!(parse_amount(text, exponent), plain, "{:?}, {exponent}", String::from_utf8_lossy(text));
}

/// The amount by moving the point through the digits, one place at a time at most as far as it can matter.
fn slow_amount(text: &[u8], exponent: u8, notation: Notation, excess: Excess) -> Result<i64, AmountFault> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(AmountFault::Empty);
    }
    let text = std::str::from_utf8(text).map_err(|_| AmountFault::NotANumber)?;
    let signed = |text: &str| match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest.to_string()),
        None => (false, text.to_string()),
    };
    let number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let (negative, rest) = signed(text);
    let (mantissa, power) = match (notation, rest.split_once(['e', 'E'])) {
        (Notation::Scientific, Some((mantissa, power))) => (mantissa.to_string(), power.to_string()),
        _ => (rest, "0".to_string()),
    };
    let (down, power) = signed(&power);
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa.as_str(), None),
    };
    if !number(&power) || !number(whole) || !fraction.is_none_or(number) {
        return Err(AmountFault::NotANumber);
    }
    let (mut before, mut behind) = (whole.to_string(), fraction.unwrap_or("").to_string());
    if format!("{before}{behind}").chars().all(|c| c == '0') {
        return Ok(0);
    }
    // Beyond that many places nothing changes any more.
    let far = text.len() as u64 + 100;
    let places = power
        .trim_start_matches('0')
        .parse::<u64>()
        .unwrap_or(if power.trim_start_matches('0').is_empty() { 0 } else { far });
    let places = places.min(far) as i64 * if down { -1 } else { 1 } + i64::from(exponent);
    for _ in 0..places.max(0) {
        before.push(if behind.is_empty() { '0' } else { behind.remove(0) });
    }
    for _ in 0..(-places).max(0) {
        behind.insert(0, before.pop().unwrap_or('0'));
    }
    let before = before.trim_start_matches('0');
    let behind = behind.trim_end_matches('0');
    if before.len() > 19 {
        return Err(AmountFault::TooLarge);
    }
    if !behind.is_empty() && excess == Excess::Refuse {
        return Err(AmountFault::TooManyDecimals);
    }
    let mut value = if before.is_empty() { 0 } else { before.parse::<u128>().unwrap() };
    let up = match behind.as_bytes() {
        [b'5'] => value % 2 == 1,
        [first, ..] => *first >= b'5',
        [] => false,
    };
    value += u128::from(up);
    let value = i64::try_from(value).map_err(|_| AmountFault::TooLarge)?;
    Ok(if negative { -value } else { value })
}

/// Moments, against jiff: what is read is what jiff reads, and what is written is read back.
pub fn times(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Some(time) = parse_time(text)
    {
        let dated = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_string() };
        let zoned = dated[19..].contains(['Z', 'z', '+', '-']);
        let dated = if zoned { dated } else { format!("{dated}Z") };
        // Jiff takes nine digits of a fraction.
        let digits = dated[19..].chars().skip(1).take_while(char::is_ascii_digit).count();
        let cut = if dated[19..].starts_with('.') { digits.saturating_sub(9) } else { 0 };
        let end = 20 + digits - cut;
        let short = if cut > 0 { format!("{}{}", &dated[..end], &dated[end + cut..]) } else { dated };
        // Its last day ends before the last of the year 9999.
        if time < 253_402_200_000_000_000 {
            let expected: jiff::Timestamp = short.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!(time, expected.as_nanosecond().div_euclid(1000) as i64, "{text:?}");
        }
    }
    for word in data.chunks_exact(8) {
        let time = i64::from_le_bytes(word.try_into().unwrap());
        let text = format_time(time);
        // Years of four digits: 0000 to 9999.
        let readable = (-62_167_219_200_000_000..253_402_300_800_000_000).contains(&time);
        assert_eq!(parse_time(&text), readable.then_some(time), "{time} as {text}");
        assert!(Partition::Month.span(time).window.contains(time) || time == i64::MAX, "{time}");
        let year = Partition::Year.span(time);
        assert!(year.window.contains(time) || time == i64::MAX, "{time}");
    }
}

/// Local times of several zones in one file, against jiff: byte 0 the zone, byte 1 the rule, then 5 bytes a row.
pub fn zones(data: &[u8]) {
    let [zone, rule, rows @ ..] = data else { return };
    const ZONES: [&str; 6] = [
        "Europe/Prague",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Africa/Casablanca",
        "Pacific/Apia",
    ];
    let zone = ZONES[usize::from(zone % 6)];
    let (ambiguous, nonexistent) =
        [("earlier", "later"), ("later", "earlier"), ("reject", "reject")][usize::from(rule % 3)];
    let mapping = format!(
        "[transactions]\nsource = \"s\"\ndestination = \"d\"\ntime = \"t\"\namount = \"a\"\ncurrency = {{ constant = \"EUR\" }}\n\
         time_format = \"%Y-%m-%d %H:%M:%S\"\ntime_zone = \"{zone}\"\ntime_ambiguous = \"{ambiguous}\"\ntime_nonexistent = \"{nonexistent}\"\n\
         time_min = \"1900-01-01\"\ntime_max = \"2100-01-01\"\n"
    );
    let mapping = Mapping::parse(&mapping, "zones.toml").unwrap();
    let zone = TimeZone::get(zone).unwrap();
    let mut text = "s,d,t,a\n".to_string();
    let mut expected = Vec::new();
    for row in rows.chunks_exact(5) {
        let day = i32::from(u16::from_le_bytes([row[0], row[1]])) % 58_000;
        let civil = DateTime::constant(1930, 1, 1, 0, 0, 0, 0) + jiff::Span::new().days(day);
        let of_day = i64::from(row[2]) * 338 + i64::from(row[3]);
        let change = civil.to_zoned(zone.clone()).ok().and_then(|moment| {
            zone.following(moment.timestamp())
                .next()
                .map(|change| change.timestamp().to_zoned(zone.clone()).datetime())
        });
        // Half of them within three hours of a change of clocks.
        let civil = match change {
            Some(change) if row[3] % 2 == 0 => change + jiff::Span::new().seconds(of_day / 4 - 10_800),
            _ => civil + jiff::Span::new().seconds(of_day % 86_400),
        };
        text += &format!("a,b,{},{}\n", civil.strftime("%Y-%m-%d %H:%M:%S"), row[4]);
        let ambiguous_time = zone.to_ambiguous_timestamp(civil);
        let moment = match (ambiguous_time.is_ambiguous(), rule % 3) {
            (false, _) | (true, 2) => ambiguous_time.unambiguous(),
            (true, _) => {
                let gap = matches!(ambiguous_time.offset(), jiff::tz::AmbiguousOffset::Gap { .. });
                // The rules for times that are there twice and for those that are not are opposite ones.
                if (rule % 3 == 0) != gap { ambiguous_time.earlier() } else { ambiguous_time.later() }
            }
        };
        expected.extend(moment.ok().map(|moment| moment.as_microsecond()));
    }
    let mut found = Vec::new();
    let source = Source::Reader { name: "rows".to_string(), reader: Box::new(std::io::Cursor::new(text)) };
    let read = read_transactions(
        vec![source],
        &mapping,
        &ReadOptions::default(),
        &Run::new(),
        &mut |batch: Batch| {
            found.extend(batch.time);
            Ok(())
        },
    );
    match read {
        Ok(_) => assert_eq!(found, expected),
        Err(error) => assert!(expected.is_empty(), "{error}"),
    }
}

fn table(text: &[u8], mapping: &Mapping, chunk_bytes: usize) -> Result<(String, u64), String> {
    let source =
        Source::Reader { name: "table".to_string(), reader: Box::new(std::io::Cursor::new(text.to_vec())) };
    let options = ReadOptions { chunk_bytes, ..ReadOptions::default() };
    let (rows, report) =
        read_accounts(vec![source], mapping, &options, &Run::new()).map_err(|error| error.to_string())?;
    let entry = &report.sources[0];
    assert_eq!(entry.read, entry.accepted + entry.rejected + entry.skipped);
    assert_eq!(entry.rejected, report.rejects.len() as u64);
    let keys: Vec<_> = rows.accounts.iter().map(String::from_utf8_lossy).collect();
    Ok((format!("{entry:?} {keys:?} {:?} {:?}", rows.columns, report.rejects), entry.read))
}

/// CSV: any text is the same table however it is cut into chunks, and a table that was written comes back.
pub fn csv(data: &[u8]) {
    let [dialect, body @ ..] = data else { return };
    let quote = ["\"", "'", ""][usize::from(dialect % 3)];
    let delimiter = [",", ";", "\\t", "|"][usize::from(dialect / 3 % 4)];
    let trim = dialect & 128 != 0;
    let mapping = format!(
        "[files]\ndelimiter = \"{delimiter}\"\nquote = \"{}\"\ntrim = {trim}\n[accounts]\naccount = \"k\"\n\
         [accounts.types]\na = \"text\"\nb = \"text\"\n",
        quote.replace('"', "\\\"")
    );
    let mapping = Mapping::parse(&mapping, "csv.toml").unwrap();
    let delimiter = if delimiter == "\\t" { '\t' } else { delimiter.chars().next().unwrap() };
    let header = format!("k{delimiter}a{delimiter}b\n");
    let text = [header.as_bytes(), body].concat();
    let whole = table(&text, &mapping, 8 << 20);
    for chunk_bytes in [1, 7, 64] {
        // Of two reasons to refuse a text, the first is told, and which that is depends on the chunk.
        match (table(&text, &mapping, chunk_bytes), &whole) {
            (Err(_), Err(_)) => {}
            (cut, whole) => assert_eq!(&cut, whole, "chunks of {chunk_bytes} bytes"),
        }
    }

    // The same bytes as the cells of a table, in threes; a cell ends at a zero byte.
    let Some(quote) = quote.chars().next() else { return };
    let cells: Vec<&str> =
        body.split(|&byte| byte == 0).map_while(|cell| std::str::from_utf8(cell).ok()).collect();
    let quoted = |cell: &str| format!("{quote}{}{quote}", cell.replace(quote, &format!("{quote}{quote}")));
    let mut text = header;
    let mut expected = Vec::new();
    for (number, row) in cells.chunks_exact(2).enumerate() {
        let end = if number % 2 == 0 { "\n" } else { "\r\n" };
        text += &format!("k{number}{delimiter}{}{delimiter}{}{end}", quoted(row[0]), quoted(row[1]));
        expected.push([row[0], row[1]]);
    }
    if expected.is_empty() || trim {
        return;
    }
    let source = Source::Reader {
        name: "table".to_string(),
        reader: Box::new(std::io::Cursor::new(text.clone().into_bytes())),
    };
    let (rows, report) = read_accounts(vec![source], &mapping, &ReadOptions::default(), &Run::new()).unwrap();
    assert_eq!(report.sources[0].read, expected.len() as u64, "{text:?}");
    let column = |at: usize| match &rows.columns[at].1 {
        AttributeValues::Text(values) => values.clone(),
        other => panic!("{other:?}"),
    };
    let mut accepted = 0;
    for (number, row) in expected.iter().enumerate() {
        // A row may be refused for what is in it, but never be another.
        let key = format!("k{number}");
        if let Some(place) = rows.accounts.iter().position(|found| found == key.as_bytes()) {
            accepted += 1;
            for (at, cell) in row.iter().enumerate() {
                let found = column(at)[place].clone().unwrap_or_default();
                assert_eq!(found, *cell, "{text:?}");
            }
        }
    }
    assert_eq!(accepted as u64, report.sources[0].accepted);
}

/// A store that is written to over and over.
struct Room {
    _directory: TempDir,
    path: PathBuf,
    manifest: Manifest,
    files: Vec<(String, File)>,
    truth: lie::Lie,
}

fn scratch() -> TempDir {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }.unwrap()
}

fn room() -> MutexGuard<'static, Room> {
    static ROOM: OnceLock<Mutex<Room>> = OnceLock::new();
    let make = || {
        let directory = scratch();
        let path = directory.path().join("bank.ring");
        let options =
            IngestOptions { durable: false, max_rejects_percent: 100.0, ..IngestOptions::default() };
        full::build(&path, &options);
        let manifest = Store::open(&path, Io::Read).unwrap().manifest;
        let parse = |name: &str| (name.to_string(), File::parse(&std::fs::read(path.join(name)).unwrap()));
        let files = manifest.files().map(|entry| parse(&entry.name)).collect();
        let truth = lie::Lie::of(&path, &manifest);
        Mutex::new(Room { _directory: directory, path, manifest, files, truth })
    };
    ROOM.get_or_init(make).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keys, against a hash map: byte 0 is what parts them.
pub fn keys(data: &[u8]) {
    let [mark, rest @ ..] = data else { return };
    let list: Vec<&[u8]> = rest.split(|byte| byte == mark).collect();
    let mut ends = vec![0];
    list.iter().for_each(|key| ends.push(ends[ends.len() - 1] + key.len() as u64));
    let texts = KeyList::Texts { text: list.concat(), offsets: ends };
    let numbers = list.iter().map(|key| key.iter().fold(0u64, |number, &byte| number << 7 ^ u64::from(byte)));
    let numbers: Vec<u64> = numbers.map(|number| number & (u64::MAX >> 1)).collect();
    let as_text: Vec<String> = numbers.iter().map(u64::to_string).collect();
    check_keys(&texts, &list);
    check_keys(&KeyList::Numbers(numbers), &as_text.iter().map(|text| text.as_bytes()).collect::<Vec<_>>());
}

fn check_keys(keys: &KeyList, list: &[&[u8]]) {
    let directory = scratch();
    let mut store = StoreWriter::create(&directory.path().join("keys.ring")).unwrap();
    store.set_durable(false);
    let mut file = store.file("keys", "fuzzed", "keys").unwrap();
    let written = Keys::write(keys, &mut file);
    let mut map: HashMap<&[u8], u32> = HashMap::new();
    let distinct = list.iter().zip(0..).all(|(key, id)| map.insert(key, id).is_none());
    if !distinct || list.iter().any(|key| key.len() > KEY_BYTES_MAX) {
        assert!(matches!(written, Err(Error::Input { .. })), "{written:?}");
        return;
    }
    written.unwrap();
    let entry = store.finish(file).unwrap();
    let found = Keys::open(&Container::open(&store.path().join(&entry.name), Io::Mmap).unwrap()).unwrap();
    assert_eq!(found.list().unwrap(), *keys);
    for (key, &id) in &map {
        let mut back = Vec::new();
        found.key(id, &mut back).unwrap();
        assert_eq!((found.find(key).unwrap(), back.as_slice()), (Some(id), *key));
        let longer = [*key, b"\0"].concat();
        assert_eq!(found.find(&longer).unwrap(), map.get(longer.as_slice()).copied());
        let shorter = &key[..key.len().saturating_sub(1)];
        assert_eq!(found.find(shorter).unwrap(), map.get(shorter).copied());
    }
    assert!(found.key(list.len() as u32, &mut Vec::new()).is_err());
}

/// A record in a frame, and a whole file: what is accepted is written again as it was.
pub fn manifest(data: &[u8]) {
    let path = Path::new("manifest");
    for file in [data.to_vec(), forge::framed(1, data)] {
        match Manifest::decode(path, &file) {
            Ok(manifest) => {
                let again = manifest.encode().unwrap();
                assert!(again == file, "{manifest:?}");
                assert_eq!(Manifest::decode(path, &again).unwrap(), manifest);
            }
            Err(Error::Damaged { .. } | Error::Foreign { .. } | Error::Version { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// One file of a store, column by column, with every checksum right: refused by name, or answered from, the same with both backends.
///
/// Byte 0 chooses the file; then come changes of columns: place, what, and up to 8 bytes of a value.
pub fn store(data: &[u8]) {
    let [file, changes @ ..] = data else { return };
    let room = room();
    let (name, truth) = &room.files[usize::from(*file) % room.files.len()];
    let mut lie = truth.clone();
    for change in changes.chunks(12) {
        let [place, what, at_low, at_high, value @ ..] = change else { break };
        let (at, num) = (usize::from(u16::from_le_bytes([*at_low, *at_high])), lie.columns.len());
        let value = value.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        let column = &mut lie.columns[usize::from(*place) % num];
        if column.codec == 1 && what % 8 < 5 {
            match what % 4 {
                0 => column.base = value,
                1 => column.step = value as u8,
                2 => column.count = value,
                _ => column.element = 1 + value as u8 % 5,
            }
            continue;
        }
        if column.codec == 1 {
            continue;
        }
        let mut values = column.values();
        let len = values.len().max(1);
        match what % 8 {
            0 | 1 => values.iter_mut().skip(at % len).take(1).for_each(|old| *old = value),
            2 => values.iter_mut().skip(at % len).take(1).for_each(|old| *old = old.wrapping_add(value)),
            3 => values.truncate(at),
            4 => values.extend(std::iter::repeat_n(value, at % 64)),
            5 => values.rotate_left(at % len),
            6 => column.id = value as u16 % 80,
            _ => {
                *column = Column {
                    codec: 1,
                    step: at as u8,
                    count: len as u64,
                    base: value,
                    ..Column::raw(column.id, column.element, &[])
                }
            }
        }
        if what % 8 < 6 {
            column.set(&values);
        }
    }
    let bytes = lie.bytes();
    if bytes == truth.bytes() {
        return;
    }
    let mut manifest = room.manifest.clone();
    let written = forge::replace(&room.path, &mut manifest, name, &bytes);
    if let Some(segment) = room.manifest.segments.iter().position(|entry| entry.file.name == *name) {
        forge::agree(&mut manifest, segment, truth, &lie);
    }
    forge::publish(&room.path, 1, &manifest.encode().unwrap());
    let judged = verify(&room.path, true, &Run::new());
    let answers =
        judged.as_ref().is_ok().then(|| [Io::Mmap, Io::Read].map(|io| full::answers(&room.path, io)));
    std::fs::remove_file(written).unwrap();
    forge::publish(&room.path, 1, &room.manifest.encode().unwrap());
    match (judged, answers) {
        (Ok(_), Some([mapped, read])) => assert!(mapped.unwrap() == read.unwrap()),
        (Err(error), _) => {
            let named =
                matches!(error, Error::Damaged { .. } | Error::Foreign { .. } | Error::Version { .. });
            assert!(named && error.to_string().contains("bank.ring"), "{error:?}");
        }
        (Ok(_), None) => unreachable!("what is accepted is asked"),
    }
}

/// A bundle as it is, and one sealed by somebody who has the key: byte 0 chooses the part, then place and value.
pub fn bundle(data: &[u8]) {
    use ringfence::store::backup::{Key, Share, verify_backup};
    let room = room();
    let mut lie = room.truth.clone();
    for change in data.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([change[1], change[2]]));
        let part = match change[0] % 4 {
            0 => &mut lie.head,
            1 => &mut lie.list,
            2 => &mut lie.payload,
            _ => {
                let list = &mut lie.list;
                list.truncate(list.len() - list.len().min(at % 64));
                list
            }
        };
        let len = part.len().max(1);
        part.iter_mut().skip(at % len).take(1).for_each(|byte| *byte = change[3]);
    }
    let file = room.path.with_extension("bundle");
    let key = Key::new(lie::KEY);
    for bytes in [lie.seal(false), data.to_vec(), [b"RINGBUN\n\x01\0\x01\0", data].concat()] {
        std::fs::write(&file, &bytes).unwrap();
        match verify_backup(std::slice::from_ref(&file), Some(&key), Share::ALL, &Run::new()) {
            Ok(checked) => assert!(checked.generation == 1 && checked.num_files > 0),
            Err(error) => assert!(error.to_string().contains("bank"), "{error}"),
        }
    }
}
