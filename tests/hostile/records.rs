//! Manifests and `CURRENT`.

use super::forge::{self, framed, put};
use super::{Victim, is_tried, judged, measured, memory, refused, support};
use ringfence::store::generations::generations;
use ringfence::store::manifest::{FileEntry, Manifest, SegmentEntry};

#[test]
fn every_byte_of_a_manifest_may_begin_a_giant_number() {
    let _alone = memory::alone();
    let victim = Victim::new(&support::scratch());
    let good = victim.manifest.encode().unwrap();
    let record = &good[24..good.len() - 8];
    for at in 0..record.len() - 8 {
        for (value, number) in
            [0, 1 << 24, (64 << 20) - 1, 1 << 32, 1 << 62, 1 << 63, u64::MAX].into_iter().zip(0..)
        {
            if !is_tried((at * 8) as u64 + number, 8) {
                continue;
            }
            let mut lie = record.to_vec();
            put(&mut lie, at, value);
            let _forged = victim.with_manifest(&framed(1, &lie));
            let what = format!("manifest record, byte {at} = {value}");
            // Names, modes and counters that nothing depends on may be anything.
            judged(&victim.path, &what);
            let _ = measured(&what, || generations(&victim.path).map(|list| list.len()));
        }
    }
    for len in (0..record.len()).filter(|&len| is_tried(len as u64, 5)) {
        let _forged = victim.with_manifest(&framed(1, &record[..len]));
        refused(&victim.path, &format!("manifest record of {len} bytes"), "manifest");
    }
    for version in [0, 2, 1 << 31, 1 << 32 | 1] {
        let _forged = victim.with_manifest(&framed(version, record));
        refused(&victim.path, "a manifest of another version", "format version");
    }
}

/// The store with a manifest that was changed as a value.
fn changed(victim: &Victim, what: &str, why: &str, change: impl FnOnce(&mut Manifest)) {
    let mut lie = victim.manifest.clone();
    change(&mut lie);
    let _forged = victim.with_manifest(&lie.encode().unwrap());
    let _ = measured(what, || generations(&victim.path).map(|list| list.len()));
    refused(&victim.path, what, why);
}

#[test]
fn manifests_that_cannot_be_true_are_refused() {
    let _alone = memory::alone();
    let victim = Victim::new(&support::scratch());
    let names = [
        "../../etc/passwd",
        "/etc/passwd",
        "segments/../../../etc/passwd-00000000000000000000000000000000.seg",
        "segments/..-00000000000000000000000000000000.seg",
        "segments//a-00000000000000000000000000000000.seg",
        "segments/a\0-00000000000000000000000000000000.seg",
        "segments/ä-00000000000000000000000000000000.seg",
        "segments/a-0000000000000000000000000000000A.seg",
        "segments/a-00000000000000000000000000000000.keys",
        "pins/a-00000000000000000000000000000000.seg",
        "CURRENT",
        "",
    ];
    for name in names {
        changed(&victim, &format!("the name {name:?}"), "not the name of a data file", |manifest| {
            manifest.segments[0].file.name = name.to_string();
        });
    }
    let long = format!("segments/{}-{}.seg", "a".repeat(65), "0".repeat(32));
    changed(&victim, "a long name", "not the name of a data file", |manifest| {
        manifest.segments[0].file.name = long.clone();
    });
    changed(&victim, "sizes beyond 2^64", "cannot be added", |manifest| {
        manifest.segments[0].file.bytes = 1 << 63;
        manifest.segments[1].file.bytes = 1 << 63;
    });
    changed(&victim, "generation 0", "generation", |manifest| manifest.generation = 0);
    changed(&victim, "another generation", "generation", |manifest| manifest.generation = u64::MAX);
    changed(&victim, "more accounts than keys", "keys", |manifest| manifest.num_accounts = u32::MAX);
    changed(&victim, "more identifiers than keys", "keys", |manifest| {
        manifest.kinds[0].num_identifiers = u32::MAX;
    });
    changed(&victim, "sums that overflow", "control totals", |manifest| {
        manifest.totals[0].accepted_minor = i128::MAX;
    });
    changed(&victim, "rows that overflow", "do not make up", |manifest| {
        manifest.sources[0].accepted = u64::MAX;
        manifest.sources[0].rejected = u64::MAX;
    });
    changed(&victim, "segments out of order", "overlap", |manifest| manifest.segments.reverse());
    changed(&victim, "a segment twice", "twice", |manifest| {
        let first = manifest.segments[0].clone();
        manifest.segments.insert(0, first);
    });
    changed(&victim, "keys of another kind of node", "twice", |manifest| {
        manifest.account_keys = manifest.kinds[0].keys.clone();
    });
    changed(&victim, "a segment for keys", "it holds", |manifest| {
        let name = manifest.segments[0].file.name.replace("segments/", "keys/").replace(".seg", ".keys");
        std::fs::copy(victim.path.join(&manifest.segments[0].file.name), victim.path.join(&name)).unwrap();
        manifest.account_keys = FileEntry { name, ..manifest.segments[0].file.clone() };
    });
    changed(&victim, "times at the ends of time", "column time", |manifest| {
        manifest.segments[0].time_min = i64::MIN;
        manifest.segments[1].time_max = i64::MAX;
    });
    changed(&victim, "static links that pay", "segment", |manifest| {
        manifest.static_links = manifest.segments.pop();
    });
    changed(&victim, "two kinds of one name", "two kinds", |manifest| {
        manifest.kinds[1].name = manifest.kinds[0].name.clone();
    });
}

/// A segment without transactions has no place in time, and would hide those after it from windows.
#[test]
fn a_segment_in_time_has_transactions() {
    let _alone = memory::alone();
    let victim = Victim::new(&support::scratch());
    let links = victim.manifest.static_links.clone().unwrap();
    changed(&victim, "links among segments in time", "no transactions", |manifest| {
        manifest.static_links = None;
        manifest.segments.insert(1, SegmentEntry { partition: "2024-02".to_string(), ..links });
    });
}

#[test]
fn long_lists_cost_little_more_than_their_bytes() {
    let _alone = memory::alone();
    let victim = Victim::new(&support::scratch());
    changed(&victim, "a hundred thousand segments", "twice", |manifest| {
        manifest.segments = vec![manifest.segments[0].clone(); 100_000];
    });
    let mut lie = victim.manifest.clone();
    lie.sources = vec![lie.sources[0].clone(); 40_000];
    let mut next = lie.clone();
    next.generation = 2;
    // Two generations with sources that differ in their last part only.
    lie.sources.iter_mut().zip(0..).for_each(|(source, number)| source.bytes = number);
    next.sources.iter_mut().zip(0..).for_each(|(source, number)| source.read = number);
    let first = lie.encode().unwrap();
    forge::publish(&victim.path, 1, &first);
    next.parent = Some(<sha2::Sha256 as sha2::Digest>::digest(&first).into());
    forge::publish(&victim.path, 2, &next.encode().unwrap());
    let list = measured("forty thousand sources", || generations(&victim.path).map(|list| list.len()));
    assert_eq!(list.unwrap(), 2);
}

#[test]
fn generations_end_where_numbers_end() {
    let _alone = memory::alone();
    let victim = Victim::new(&support::scratch());
    for beyond in [1 << 63, u64::MAX] {
        let lie = Manifest { generation: beyond, ..victim.manifest.clone() };
        forge::publish(&victim.path, beyond, &lie.encode().unwrap());
        refused(&victim.path, "a generation beyond the last", "there is no generation");
        let _ = measured("a generation beyond the last", || generations(&victim.path).map(|list| list.len()));
    }
    let number = i64::MAX as u64;
    let last = Manifest { generation: number, ..victim.manifest.clone() };
    forge::publish(&victim.path, number, &last.encode().unwrap());
    assert!(judged(&victim.path, "the last generation").is_some());
    let _ = measured("the last generation", || generations(&victim.path).map(|list| list.len()));
    let grown = measured("one more generation", || {
        let file = victim.path.with_extension("more.csv");
        std::fs::write(
            &file,
            "transaction,source,destination,time,amount,currency\nx,a0,a1,2024-01-01T00:00:00Z,1,EUR\n",
        )
        .unwrap();
        let sources = ringfence::graph::build::Sources {
            transactions: vec![ringfence::ingest::Source::File(file)],
            ..Default::default()
        };
        let rejects = &mut ringfence::ingest::RejectLog::counting();
        ringfence::graph::build::append(
            &victim.path,
            sources,
            rejects,
            &support::scratch(),
            &ringfence::Run::new(),
        )
    });
    let error = grown.expect_err("nothing comes after the last").to_string();
    assert!(error.contains("generation"), "{error}");
    for (at, value) in [(8, 0), (8, u64::MAX), (48, 1)] {
        let mut current = std::fs::read(victim.path.join("CURRENT")).unwrap();
        put(&mut current, at, value);
        let hash = xxhash_rust::xxh3::xxh3_64(&current[..56]);
        put(&mut current, 56, hash);
        std::fs::write(victim.path.join("CURRENT"), &current).unwrap();
        if (at, value) != (8, u64::MAX) {
            refused(&victim.path, &format!("CURRENT, byte {at} = {value}"), "");
        }
    }
}
