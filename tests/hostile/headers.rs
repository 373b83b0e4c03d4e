//! Lengths, offsets and counts in headers, directories and trailers.

use super::forge::{Column, File, put, word};
use super::{Victim, is_tried, judged, memory, refused, support};

/// What a word may be changed to.
const WORDS: [u64; 9] = [0, 1, 4096, 4097, 1 << 32, 1 << 62, 1 << 63, u64::MAX, u64::MAX - 4095];

#[test]
fn every_word_of_every_directory_and_trailer_may_lie() {
    let _alone = memory::alone();
    let victim = Victim::new(&support::scratch());
    for name in victim.names() {
        let file = victim.parse(&name);
        let mut accepted = 0;
        let mut case = 0;
        let mut is_tried = || {
            case += 1;
            is_tried(case, 5)
        };
        for entry in 0..file.columns.len() {
            for (field, value) in
                [8, 16, 24, 32].into_iter().flat_map(|field| WORDS.map(|value| (field, value)))
            {
                let bytes = file.bytes_with(|directory| put(directory, 40 * entry + field, value), |_| {});
                if bytes == file.bytes() || !is_tried() {
                    continue;
                }
                let _forged = victim.with(&name, &bytes, |_| {});
                let what = format!("{name}, entry {entry}, byte {field} = {value}");
                accepted += u32::from(judged(&victim.path, &what).is_some());
            }
            for (field, value) in (0..8).flat_map(|field| [0, 1, 2, 5, 6, 255].map(|value| (field, value))) {
                let bytes = file.bytes_with(|directory| directory[40 * entry + field] = value, |_| {});
                if bytes == file.bytes() || !is_tried() {
                    continue;
                }
                let _forged = victim.with(&name, &bytes, |_| {});
                judged(&victim.path, &format!("{name}, entry {entry}, byte {field} = {value}"));
            }
        }
        assert!(accepted < file.columns.len() as u32, "{name}: {accepted} changes of lengths were accepted");
        for (field, value) in
            [0, 8, 16, 24, 32].into_iter().flat_map(|field| WORDS.map(|value| (field, value)))
        {
            let bytes = file.bytes_with(|_| {}, |trailer| put(trailer, field, value));
            if bytes == file.bytes() {
                continue;
            }
            let _forged = victim.with(&name, &bytes, |_| {});
            refused(&victim.path, &format!("{name}, trailer, byte {field} = {value}"), "trailer");
        }
    }
}

#[test]
fn columns_that_overlap_leave_a_gap_or_reach_outside_are_refused() {
    let _alone = memory::alone();
    let victim = Victim::new(&support::scratch());
    let name = victim.name("segments/2024-01");
    let file = victim.parse(&name);
    let lie = |what: &str, why: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let _forged = victim.with(&name, &file.bytes_with(change, |_| {}), |_| {});
        refused(&victim.path, what, why);
    };
    let first = word(&file.bytes_with(|_| {}, |_| {}), 0);
    assert_ne!(first, 0);
    lie("two columns in one place", "not in its place", &|directory| put(directory, 40 + 8, 4096));
    lie("a column before the first", "not in its place", &|directory| put(directory, 8, 0));
    lie("a column one page on", "not in its place", &|directory| put(directory, 8, 8192));
    lie("a column that wraps around", "not in its place", &|directory| {
        put(directory, 16, u64::MAX - 7);
        put(directory, 24, (u64::MAX - 7) / 4);
    });
    lie("count times width beyond 2^64", "do not take", &|directory| put(directory, 24, 1 << 62));
    lie("the same column twice", "there twice", &|directory| directory.copy_within(0..2, 40));
    lie("two columns exchanged", "not in its place", &|directory| {
        let first = directory[..40].to_vec();
        directory.copy_within(40..80, 0);
        directory[40..80].copy_from_slice(&first);
    });
    lie("half an entry", "directory", &|directory| directory.truncate(60));
    lie("no entry", "directory", &Vec::clear);
}

#[test]
fn a_million_columns_are_refused_and_ten_thousand_cost_little() {
    let _alone = memory::alone();
    let victim = Victim::new(&support::scratch());
    let name = victim.name("attributes/");
    let mut million = File::new(3);
    million.columns =
        (0..1_000_000u32).map(|id| Column { codec: 1, ..Column::raw(id as u16, 1, &[]) }).collect();
    {
        let _forged = victim.with(&name, &million.bytes(), |_| {});
        refused(&victim.path, "a million columns", "not a number of entries");
    }
    // Ten thousand that a manifest names.
    let mut all = File::new(3);
    let accounts = victim.manifest.num_accounts as usize;
    all.columns =
        (1024..=65_532u16).step_by(3).take(10_000).map(|id| Column::raw(id, 1, &vec![1; accounts])).collect();
    let num_columns = all.columns.len();
    let _forged = victim.with(&name, &all.bytes(), |manifest| {
        let columns = &mut manifest.attributes.as_mut().unwrap().columns;
        let boolean = columns.iter().find(|column| column.name == "active").unwrap().clone();
        *columns = vec![boolean; num_columns];
    });
    assert!(judged(&victim.path, "ten thousand columns").is_some());
}

#[test]
fn versions_kinds_and_marks_of_others_are_refused() {
    let _alone = memory::alone();
    let victim = Victim::new(&support::scratch());
    for name in victim.names() {
        let file = victim.parse(&name);
        for (at, value, why) in [
            (0, b'P', "not a Ringfence"),
            (8, 2, "format version 2"),
            (9, 1, "format version 257"),
            (12, 1, "byte order"),
            (16, 0, "file kind 0"),
            (16, 4, "file kind 4"),
            (17, 1, "not zero"),
            (4095, 1, "not zero"),
        ] {
            let mut lie = file.clone();
            lie.header[at] = value;
            let _forged = victim.with(&name, &lie.bytes(), |_| {});
            refused(&victim.path, &format!("{name}, header byte {at} = {value}"), why);
        }
        let mut other = file.clone();
        other.header[16] = 1 + file.header[16] % 3;
        let _forged = victim.with(&name, &other.bytes(), |_| {});
        refused(&victim.path, &format!("{name} of another kind"), "it holds");
    }
}
