//! Whole case files: sample files in `tests/case_files`, and what is made of them.

use super::{
    CaseAccount, CaseAmount, CaseFile, CaseIdentifier, CaseTransfer, CaseUse, Language, Picture, Subject,
    layout, markdown, place, svg,
};
use serde_json::json;
use std::path::{Path, PathBuf};

const SAMPLES: [&str; 4] = ["ring", "trace_zh", "hostile", "empty"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/case_files")
}

fn sample(name: &str) -> CaseFile {
    let text = std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Compares with the file that is kept, and leaves what came out beside the temporary files where it differs.
fn assert_kept(file: &str, made: &str) {
    let kept = std::fs::read_to_string(folder().join(file)).unwrap_or_default();
    if kept != made {
        let new = std::env::temp_dir().join(file);
        std::fs::write(&new, made).unwrap();
        panic!(
            "tests/case_files/{file} is not what comes out; look at {} and keep it if it is right",
            new.display()
        );
    }
}

#[test]
fn a_case_file_is_its_json_there_and_back() {
    for name in SAMPLES {
        let text = std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
        assert_eq!(serde_json::to_string_pretty(&sample(name)).unwrap() + "\n", text, "{name}");
    }
}

#[test]
fn pictures_and_text_are_the_ones_that_were_looked_at() {
    for name in SAMPLES {
        let case = sample(name);
        assert_kept(&format!("{name}.md"), &markdown(&case));
        for picture in Picture::ALL {
            assert_kept(&format!("{name}.{}.svg", picture.name()), &svg(&case, picture));
        }
    }
}

#[test]
fn the_places_of_the_samples_are_the_ones_that_are_given() {
    for name in SAMPLES {
        let kept = sample(name);
        let mut case = kept.clone();
        for account in &mut case.accounts {
            (account.x, account.y) = (f64::NAN, -1.0);
        }
        place(&mut case);
        assert_eq!(case, kept, "{name}");
        case.transfers.iter_mut().for_each(|transfer| transfer.target = 99);
        case.uses.iter_mut().for_each(|link| link.identifier = 99);
        place(&mut case);
        assert!(case.accounts.iter().all(|account| (0.0..=1.0).contains(&account.x)), "{name}");
    }
}

#[test]
fn names_of_pictures() {
    for picture in Picture::ALL {
        assert_eq!(Picture::named(picture.name()), Some(picture));
    }
    assert_eq!(Picture::named("Ring"), None);
}

#[test]
fn hostile_names_are_texts() {
    let case = sample("hostile");
    for picture in Picture::ALL {
        let svg = svg(&case, picture);
        let tags: Vec<&str> = svg
            .split('<')
            .skip(1)
            .map(|tag| tag.split([' ', '>', '/']).find(|w| !w.is_empty()).unwrap())
            .collect();
        let known = ["svg", "title", "desc", "rect", "text", "g", "path", "circle"];
        assert!(tags.iter().all(|tag| known.contains(tag)), "{picture:?}: {tags:?}");
        assert!(!svg.contains(['\u{202e}', '\u{0}', '\u{200b}']), "{picture:?}");
        assert!(svg.contains("\\u{202e}"), "{picture:?}");
    }
    let text = markdown(&case);
    assert!(!text.contains(['\u{202e}', '\u{0}', '\u{200b}', '\r']));
    // Every line of a table has as many cells as its head.
    let mut cells = None;
    for line in text.lines() {
        let bars = line.matches('|').count();
        if line.starts_with('|') {
            assert_eq!(*cells.get_or_insert(bars), bars, "{line}");
        } else {
            cells = None;
        }
    }
    assert!(!text.contains("://") && !text.contains("<script") && !text.contains("![i]"));
}

#[test]
fn exact_amounts_stand_in_the_pictures() {
    let case = sample("ring");
    let sankey = svg(&case, Picture::Sankey);
    for link in &case.flow_links {
        assert!(sankey.contains(&format!(": {} {}, ", link.amount.amount, link.amount.currency)), "{link:?}");
    }
    // 2500.00 and 750.00 from the same payer, bundled.
    let ring = svg(&case, Picture::Ring);
    assert!(ring.contains("V-001 → A-7731: 3250.00 EUR, "), "{ring}");
    assert!(svg(&case, Picture::Timeline).contains("V-003 → A-7731: 4200.50 EUR, 2024-05-01T14:00:00Z"));
}

#[test]
fn places_that_are_not_there_are_passed_over() {
    let mut case = sample("ring");
    case.transfers[0].source = 99;
    case.transfers[1].target = u32::MAX;
    case.transfers[2].time = "yesterday".into();
    case.transfers[3].paid.minor = "many".into();
    case.uses[0].identifier = 9;
    case.uses[1].account = 99;
    case.flow_links[0].source = 99;
    case.flow_links[1].target = case.flow_links[1].source;
    case.flow_nodes[2].account = Some(99);
    case.claims[0].transfers.push(99);
    case.accounts[0].x = f64::NAN;
    case.accounts[1].y = -1e300;
    for picture in Picture::ALL {
        assert!(!svg(&case, picture).contains("NaN"), "{picture:?}");
    }
    assert!(markdown(&case).contains("| ? |"));
}

#[test]
fn two_hundred_accounts_stay_small() {
    let accounts = 200_u32;
    let stream = crate::random::Stream::new(1, 1);
    let euro = |minor: u64| CaseAmount {
        currency: "EUR".into(),
        minor: minor.to_string(),
        amount: format!("{}.{:02}", minor / 100, minor % 100),
    };
    let transfers: Vec<CaseTransfer> = (0..800_u64)
        .map(|i| {
            let mut draws = stream.draws(i);
            let (source, target) = (draws.below(200) as u32, draws.below(200) as u32);
            CaseTransfer {
                id: format!("transaction-{i:06}"),
                source,
                target,
                time: format!("2024-05-{:02}T{:02}:00:00Z", 1 + i / 40, i % 24),
                paid: euro(draws.between(100, 99_999_999)),
                received: None,
                traced: None,
                hop: None,
                evidence: draws.chance(30),
            }
        })
        .collect();
    let edges: Vec<(u32, u32, u32)> =
        transfers.iter().map(|transfer| (transfer.source, transfer.target, 1)).collect();
    let places = layout(accounts as usize + 1, &edges);
    let role = |i: u32| ["mule", "collector", "layer", "victim"][i as usize % 4].to_string();
    let accounts: Vec<CaseAccount> = (0..accounts)
        .map(|i| CaseAccount {
            id: format!("account-{i:08}"),
            member: i % 5 != 0,
            roles: vec![role(i)],
            received: Vec::new(),
            paid: Vec::new(),
            attributes: Vec::new(),
            x: places[i as usize].0,
            y: places[i as usize].1,
        })
        .collect();
    let case = CaseFile {
        format: super::FORMAT.into(),
        language: Language::En,
        subject: Subject {
            kind: "ring".into(),
            id: "1".into(),
            title: "Two hundred".into(),
            first: None,
            last: None,
        },
        summary: Vec::new(),
        score_millibits: None,
        score_parts: Vec::new(),
        claims: Vec::new(),
        counterfactual: None,
        money: Vec::new(),
        accounts,
        identifiers: vec![CaseIdentifier { id: "d".into(), kind: "device".into(), x: 0.5, y: 0.5 }],
        uses: vec![CaseUse { account: 3, identifier: 0, first: None, last: None, count: 1 }],
        transfers,
        flow_nodes: Vec::new(),
        flow_links: Vec::new(),
        summarised: None,
        withheld: Vec::new(),
        provenance: json!({}),
    };
    for picture in [Picture::Ring, Picture::Timeline] {
        let svg = svg(&case, picture);
        assert!(svg.len() < 200_000, "{picture:?}: {} bytes", svg.len());
    }
}
