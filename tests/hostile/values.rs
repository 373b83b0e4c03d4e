//! Values of columns, one change at a time, with the manifest's numbers brought into line.

use super::forge::{Column, File, agree, word};
use super::support::random;
use super::{Victim, judged, memory, refused, support, torture};
use ringfence::graph::build::IngestOptions;
use ringfence::store::manifest::{Manifest, Partition};
use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher13;

/// Column ids of a segment, as the format numbers them.
const TIME: u16 = 3;
const AMOUNT: u16 = 4;

/// Changes one thing about a column; says what.
fn mutate(column: &mut Column, seed: u64) -> String {
    let pick = |step: u64, below: u64| random(seed, step) % below.max(1);
    if column.codec == 1 {
        let (base, count) = (column.base, column.count);
        let name = match pick(0, 5) {
            0 => {
                column.base = [0, 1, u64::MAX, 1 << 63, 255][pick(1, 5) as usize];
                "base"
            }
            1 => {
                column.step = [0, 1, 255][pick(1, 3) as usize];
                "step"
            }
            2 => {
                column.count = [0, count + 1, u64::from(u32::MAX), 1 << 40, u64::MAX][pick(1, 5) as usize];
                "count"
            }
            3 => {
                column.set(&column.values());
                "raw"
            }
            _ => {
                column.base = base.wrapping_add(1);
                "next"
            }
        };
        return format!("sequence, {name}");
    }
    let mut values = column.values();
    let (at, other) = (pick(1, values.len() as u64) as usize, pick(2, values.len() as u64) as usize);
    let bits = 8 * column.width() as u64;
    let name = match pick(0, 10) {
        0 if !values.is_empty() => {
            let special = [0, 1, u64::MAX, 1 << (bits - 1), (1 << (bits - 1)) - 1, 255, random(seed, 3)];
            values[at] = special[pick(4, 7) as usize];
            "special"
        }
        1 | 2 if !values.is_empty() => {
            values[at] =
                if pick(4, 2) == 0 { values[at].wrapping_add(1) } else { values[at].wrapping_sub(1) };
            "next"
        }
        3 if !values.is_empty() => {
            values[at] = values[other];
            "same as another"
        }
        4 if !values.is_empty() => {
            values.swap(at, other);
            "two exchanged"
        }
        5 if !values.is_empty() => {
            values[at] ^= 1 << pick(4, bits);
            "one bit"
        }
        6 => {
            values.pop();
            "one less"
        }
        7 => {
            values.push(random(seed, 3) % 7);
            "one more"
        }
        8 => {
            values.reverse();
            "backwards"
        }
        _ => {
            values.clear();
            "none"
        }
    };
    column.set(&values);
    format!("{name}, place {at}")
}

/// Changes every column of every file `rounds` times; the number of stores tried and accepted.
fn campaign(options: &IngestOptions, rounds: u64) -> (u64, u64) {
    let victim = Victim::new(options);
    let (mut tried, mut accepted) = (0, 0);
    for (number, name) in victim.names().into_iter().enumerate() {
        let before = victim.parse(&name);
        let segment = victim.manifest.segments.iter().position(|entry| entry.file.name == name);
        for (place, seed) in
            (0..before.columns.len()).flat_map(|place| (0..rounds).map(move |seed| (place, seed)))
        {
            let seed = seed << 32 | (number << 16 | place) as u64;
            let mut after = before.clone();
            let change = mutate(&mut after.columns[place], seed);
            let bytes = after.bytes();
            if bytes == before.bytes() {
                continue;
            }
            let _forged = victim.with(&name, &bytes, |manifest| {
                if let Some(segment) = segment {
                    agree(manifest, segment, &before, &after);
                }
            });
            let what = format!("{name}, column {}, {change}, seed {seed}", before.columns[place].id);
            tried += 1;
            accepted += u64::from(judged(&victim.path, &what).is_some());
        }
    }
    (tried, accepted)
}

#[test]
fn whatever_a_column_says_the_store_is_refused_or_answers() {
    let _alone = memory::alone();
    let rounds = if torture() { 2_000 } else { 12 };
    for partition in [Partition::Month, Partition::None] {
        let (tried, accepted) = campaign(&IngestOptions { partition, ..support::scratch() }, rounds);
        println!("{partition:?}: {tried} stores, {accepted} of them within the rules");
        // Amounts, names and counts may be anything; orders, references and whatever is there twice may not.
        assert!(accepted > tried / 50 && accepted < tried / 2);
    }
}

/// The store with one column of one file changed on purpose.
fn set(what: &str, why: &str, part: &str, change: impl FnOnce(&mut File, &mut Manifest)) {
    let victim = Victim::new(&support::scratch());
    let name = victim.name(part);
    let mut file = victim.parse(&name);
    let mut manifest = victim.manifest.clone();
    change(&mut file, &mut manifest);
    let changed = manifest.clone();
    let _forged = victim.with(&name, &file.bytes(), |lie| {
        let entries: Vec<_> = lie.files().cloned().collect();
        *lie = changed;
        super::forge::entries(lie).into_iter().zip(entries).for_each(|(place, entry)| *place = entry);
    });
    match why {
        "" => assert!(judged(&victim.path, what).is_some(), "{what}: refused"),
        why => refused(&victim.path, what, why),
    }
}

#[test]
fn tables_of_keys_are_those_that_the_format_makes() {
    let _alone = memory::alone();
    const NUMBERS: u16 = 60;
    const SLOTS: u16 = 64;
    const TAGS: u16 = 65;
    const INDEX: u16 = 66;
    let accounts = "keys/account-";
    set("nothing", "", accounts, |_, _| {});
    let index = |at: usize, value: u64| {
        move |file: &mut File, _: &mut Manifest| {
            let mut values = file.column(INDEX).values();
            values[at] = value;
            file.column(INDEX).set(&values);
        }
    };
    set("another hash key", "keys", accounts, index(0, 1));
    set("no home slots", "keys", accounts, index(2, 0));
    set("home slots beyond the table", "keys", accounts, index(2, u64::MAX));
    set("one home slot for all", "keys", accounts, index(2, 1));
    set("a probe without an end", "keys", accounts, index(3, u64::MAX));
    set("a probe longer than needed", "keys", accounts, index(3, 5));
    set("a table that is full and turned around", "keys", accounts, |file, _| {
        let ids = file.column(SLOTS).values();
        let taken: Vec<u64> = ids.into_iter().filter(|&id| id != u64::from(u32::MAX)).rev().collect();
        file.column(TAGS).set(&vec![7; taken.len()]);
        file.column(SLOTS).set(&taken);
    });
    set("a slot behind the table", "keys", accounts, |file, _| {
        let (mut slots, mut tags) = (file.column(SLOTS).values(), file.column(TAGS).values());
        slots.push(0);
        tags.push(1);
        file.column(SLOTS).set(&slots);
        file.column(TAGS).set(&tags);
    });
    // Numbers as a sequence take no space, however many there are.
    let device = Victim::new(&support::scratch()).keys_of("device");
    let device = device.rsplit_once('-').unwrap().0;
    let sequence = |base: u64, step: u8, count: u64| {
        move |file: &mut File, manifest: &mut Manifest| {
            file.columns = vec![Column { codec: 1, step, count, base, ..Column::raw(NUMBERS, 4, &[]) }];
            let kind = manifest.kinds.iter_mut().find(|kind| kind.name == "device").unwrap();
            kind.num_identifiers = count as u32;
        }
    };
    set("the last number", "", device, sequence((1 << 63) - 5, 1, 5));
    set("numbers beyond the last", "keys", device, sequence((1 << 63) - 4, 1, 5));
    set("the same number for all", "keys", device, sequence(700, 0, 5));
    set("as many numbers as ids", "keys", device, sequence(700, 1, u64::from(u32::MAX)));
    set("more numbers than ids", "keys", device, sequence(700, 1, 1 << 32));
}

/// The table of text keys, as the format says: home slots, longest probe, slots and tags.
fn table_of(keys: &[&[u8]]) -> ([u64; 4], Vec<u64>, Vec<u64>) {
    let digest = Sha256::digest(keys.concat());
    let (low, high) = (word(&digest, 0), word(&digest, 8));
    let hasher = SipHasher13::new_with_keys(low, high);
    let homes = (keys.len() as u64 * 4).div_ceil(3);
    let mut order: Vec<_> = keys.iter().map(|key| hasher.hash(key)).zip(0u64..).collect();
    order.sort_by_key(|&(hash, id)| (hash >> 32, id));
    let (mut slots, mut tags, mut longest) =
        (vec![u64::from(u32::MAX); homes as usize], vec![0; homes as usize], 0);
    let mut next = 0;
    for (hash, id) in order {
        let home = ((u128::from(hash >> 32) * u128::from(homes)) >> 32) as usize;
        let at = home.max(next);
        if at == slots.len() {
            slots.push(0);
            tags.push(0);
        }
        (slots[at], tags[at]) = (id, (hash & 0xFF).max(1));
        (longest, next) = (longest.max(at - home), at + 1);
    }
    ([low, high, homes, longest as u64], slots, tags)
}

/// A table is right in every other respect when two ids have the same key.
#[test]
fn keys_that_are_there_twice_are_refused() {
    let _alone = memory::alone();
    const TEXT: u16 = 62;
    const OFFSETS: u16 = 63;
    const SLOTS: u16 = 64;
    const TAGS: u16 = 65;
    const INDEX: u16 = 66;
    // The key of account `from` given to `to` as well.
    let given = |to: usize, from: usize| {
        move |file: &mut File, _: &mut Manifest| {
            let (text, offsets) = (file.column(TEXT).bytes.clone(), file.column(OFFSETS).values());
            let mut keys: Vec<&[u8]> =
                offsets.windows(2).map(|ends| &text[ends[0] as usize..ends[1] as usize]).collect();
            keys[to] = keys[from];
            let (index, slots, tags) = table_of(&keys);
            let mut end = 0;
            let ends = keys.iter().map(|key| {
                end += key.len() as u64;
                end
            });
            let offsets: Vec<u64> = std::iter::once(0).chain(ends).collect();
            let text: Vec<u64> = keys.concat().into_iter().map(u64::from).collect();
            for (id, values) in
                [(TEXT, text), (OFFSETS, offsets), (SLOTS, slots), (TAGS, tags), (INDEX, index.to_vec())]
            {
                file.column(id).set(&values);
            }
        }
    };
    let accounts = "keys/account-";
    set("the table of the keys as they are", "", accounts, given(3, 3));
    set("the first key twice", "repeats a key", accounts, given(1, 0));
    set("the last key twice", "repeats a key", accounts, given(2, 5));

    let device = Victim::new(&support::scratch()).keys_of("device");
    let device = device.rsplit_once('-').unwrap().0;
    let numbers = |numbers: &'static [u64], order: Option<&'static [u64]>| {
        move |file: &mut File, manifest: &mut Manifest| {
            file.columns = vec![Column::raw(60, 4, numbers)];
            file.columns.extend(order.map(|order| Column::raw(61, 3, order)));
            let kind = manifest.kinds.iter_mut().find(|kind| kind.name == "device").unwrap();
            kind.num_identifiers = numbers.len() as u32;
        }
    };
    let mixed = &[9, 3, 7, 1, 5];
    set("numbers in an order of their own", "", device, numbers(mixed, Some(&[3, 1, 4, 2, 0])));
    set("an order that does not rise", "keys", device, numbers(mixed, Some(&[3, 1, 2, 4, 0])));
    set("an order with an id twice", "keys", device, numbers(mixed, Some(&[3, 1, 1, 2, 0])));
    set("an order with an id too many", "key", device, numbers(mixed, Some(&[3, 1, 4, 2, 0, 0])));
    set("an order without an id", "key", device, numbers(mixed, Some(&[3, 1, 4, 2])));
    set("an order with no such id", "key", device, numbers(mixed, Some(&[3, 1, 4, 2, 5])));
    set("no order", "keys", device, numbers(mixed, None));
    set("a number twice", "keys", device, numbers(&[9, 3, 7, 3, 5], Some(&[1, 3, 4, 2, 0])));
    set("a number twice in a row", "keys", device, numbers(&[1, 3, 3, 5, 9], None));
    let large = &[9, 1 << 63, 7, 1, 5];
    set("a number too large", "keys", device, numbers(large, Some(&[3, 4, 2, 0, 1])));
    set("a number too large, in order", "keys", device, numbers(&[1, 3, 5, 9, 1 << 63], None));
}

/// Four thousand million identifiers in four kilobytes: within the limits of the format, and checked without a list of them.
#[test]
fn a_verification_does_not_count_what_takes_no_space() {
    let _alone = memory::alone();
    let victim = Victim::new(&support::scratch());
    let mut file = File::new(2);
    let count = u64::from(u32::MAX) - 1;
    file.columns = vec![Column { codec: 1, step: 1, count, base: 700, ..Column::raw(60, 4, &[]) }];
    let name = victim.keys_of("device");
    let _forged = victim.with(&name, &file.bytes(), |manifest| {
        manifest.kinds.iter_mut().find(|kind| kind.name == "device").unwrap().num_identifiers = count as u32;
    });
    let verified = memory::measured("all identifiers", || {
        ringfence::store::verify::verify(&victim.path, true, &ringfence::Run::new()).map(|_| ())
    });
    verified.unwrap();
}

#[test]
fn amounts_and_times_at_the_ends_of_their_types() {
    let _alone = memory::alone();
    let first = "segments/2024-01";
    let amount = |value: i64| {
        move |file: &mut File, manifest: &mut Manifest| {
            let before = file.clone();
            let mut values = file.column(AMOUNT).values();
            values[0] = value as u64;
            file.column(AMOUNT).set(&values);
            agree(manifest, 0, &before, file);
        }
    };
    set("the largest amount", "", first, amount(i64::MAX));
    set("the smallest amount", "", first, amount(-i64::MAX));
    set("less than the smallest amount", "column amount", first, amount(i64::MIN));
    set("less than the smallest amount received", "column received.amount", first, |file, _| {
        let mut values = file.column(9).values();
        values[0] = 1 << 63;
        file.column(9).set(&values);
    });
    set("a time before all others", "column time", first, |file, manifest| {
        let before = file.clone();
        let mut values = file.column(TIME).values();
        values[0] = 1 << 63;
        file.column(TIME).set(&values);
        agree(manifest, 0, &before, file);
    });
}
