//! A generated ledger keeps its promises; checked on its files alone.

#[path = "synth/files.rs"]
mod files;
#[path = "synth/shapes.rs"]
mod shapes;

use files::{Ledger, Ring, bytes, ledger, minor, tiny};
use ringfence::synth::{LookAlike, SynthOptions, SynthOutputs, Typology, generate};
use ringfence::units::time::parse_time;
use ringfence::{Error, Run};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

/// A ledger of some size, made once for all tests.
fn large() -> &'static Ledger {
    static LARGE: OnceLock<Ledger> = OnceLock::new();
    LARGE.get_or_init(|| ledger(&SynthOptions { transactions: 120_000, seed: 11, ..SynthOptions::default() }))
}

fn small(seed: u64) -> SynthOptions {
    SynthOptions { transactions: 1_000, seed, ..SynthOptions::default() }
}

fn is_outside(account: &str) -> bool {
    account.starts_with("CASH-") || account.starts_with("BANK-")
}

fn rings_of<'a>(ledger: &'a Ledger, typology: &str) -> impl Iterator<Item = &'a Ring> {
    ledger.rings.iter().filter(move |ring| ring.typology == typology)
}

#[test]
fn the_same_options_give_the_same_bytes_and_another_seed_others() {
    let first = bytes(&small(5));
    assert_eq!(first, bytes(&small(5)));
    let other = bytes(&small(6)).0;
    for (name, bytes) in &first.0 {
        assert_ne!(bytes, &other[name], "{name}");
    }
}

#[test]
fn the_bytes_of_seed_1_do_not_change_between_machines_and_versions() {
    let mut digest = Sha256::new();
    for (name, bytes) in bytes(&small(1)).0 {
        digest.update(name);
        digest.update(bytes);
    }
    let digest: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    // A change here changes every generated ledger: say so in the changelog.
    assert_eq!(digest, "5965aa6c22d5c6f8f591c62aaeb3d6db8220892d24bcfd9ce096f5a89a4b25dd");
}

#[test]
fn rows_are_as_many_as_asked_in_order_within_the_span_and_have_unique_keys() {
    for options in [
        small(2),
        SynthOptions { transactions: 4_321, days: 7, ..small(3) },
        SynthOptions { days: 366, ..small(4) },
    ] {
        let ledger = ledger(&options);
        assert_eq!(ledger.transactions.len() as u64, options.transactions);
        assert!(ledger.transactions.is_sorted_by_key(|row| row.time_us));
        let [from, to] = ledger.report.span_us;
        assert_eq!((from, to - from), (options.start_us, i64::from(options.days) * 86_400_000_000));
        assert!(ledger.transactions.iter().all(|row| (from..to).contains(&row.time_us)));
        let keys: BTreeSet<&str> = ledger.transactions.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(keys.len(), ledger.transactions.len());
    }
}

#[test]
fn every_account_is_in_the_table_once_and_nobody_pays_himself() {
    let ledger = large();
    let accounts: Vec<&str> = ledger.tables["accounts.csv"].of(["account"]).map(|[key]| key).collect();
    let known: BTreeSet<&str> = accounts.iter().copied().collect();
    assert_eq!((known.len(), known.len() as u64), (accounts.len(), ledger.report.accounts));
    assert_eq!(known.len(), 12_000);
    for row in &ledger.transactions {
        assert!(known.contains(row.source.as_str()) && known.contains(row.destination.as_str()), "{row:?}");
        assert!(row.source != row.destination && row.amount > 0 && row.received > 0, "{row:?}");
    }
    let kinds: BTreeSet<&str> = ledger.tables["accounts.csv"].of(["kind"]).map(|[kind]| kind).collect();
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        ["bank", "cash", "employer", "merchant", "payment_firm", "person"]
    );
}

/// Replays the ledger from the opening balances; no balance may fall below the overdraft.
#[test]
fn nobody_pays_more_than_balance_and_overdraft_and_every_currency_is_conserved() {
    for ledger in [large(), &ledger(&small(7))] {
        let mut balances: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
        for [account, currency, amount] in ledger.tables["balances.csv"].of(["account", "currency", "amount"])
        {
            assert_eq!(balances.insert((account, currency), minor(amount, currency)), None);
            *sums.entry(currency).or_default() += i128::from(minor(amount, currency));
        }
        let overdrafts: BTreeMap<&str, i64> = ledger.tables["accounts.csv"]
            .of(["account", "currency", "overdraft"])
            .filter(|[account, _, _]| !is_outside(account))
            .map(|[account, currency, overdraft]| (account, minor(overdraft, currency)))
            .collect();
        for totals in &ledger.report.currencies {
            let opening = sums.entry(totals.currency).or_default();
            assert_eq!(totals.opening_minor, *opening, "{}", totals.currency);
        }
        let mut below_zero = 0;
        for row in &ledger.transactions {
            let from = balances.entry((&row.source, &row.currency)).or_default();
            *from -= row.amount;
            if !is_outside(&row.source) {
                assert!(*from >= -overdrafts[row.source.as_str()], "{row:?} leaves {from}");
                below_zero += usize::from(*from < 0);
            }
            *balances.entry((&row.destination, &row.received_currency)).or_default() += row.received;
            *sums.entry(&row.currency).or_default() -= i128::from(row.amount);
            *sums.entry(&row.received_currency).or_default() += i128::from(row.received);
        }
        assert!(below_zero * 50 < ledger.transactions.len(), "{below_zero} payments end below zero");
        for totals in &ledger.report.currencies {
            let closing: i128 = balances
                .iter()
                .filter(|((_, c), _)| *c == totals.currency)
                .map(|(_, b)| i128::from(*b))
                .sum();
            assert_eq!((closing, sums[totals.currency]), (totals.closing_minor, totals.closing_minor));
            let (gains, losses) = (totals.converted_in_minor, totals.converted_out_minor + totals.fees_minor);
            assert_eq!(totals.opening_minor + gains, totals.closing_minor + losses);
        }
    }
}

#[test]
fn conversions_and_fees_occur_and_most_rows_are_in_one_currency() {
    let rows = &large().transactions;
    let converted = rows.iter().filter(|row| row.currency != row.received_currency).count();
    let charged =
        rows.iter().filter(|row| row.currency == row.received_currency && row.amount != row.received);
    let charged: Vec<_> = charged.collect();
    assert!(charged.iter().all(|row| row.channel == "wire" && row.received < row.amount));
    assert!((rows.len() / 50..rows.len() / 5).contains(&converted), "{converted} conversions");
    assert!(charged.len() > rows.len() / 100, "{} fees", charged.len());
    let dollars = rows.iter().filter(|row| row.currency == "USD").count();
    assert!(dollars * 10 > rows.len() * 8, "{dollars} rows in dollars");
    let currencies: BTreeSet<&str> = rows.iter().map(|row| row.currency.as_str()).collect();
    assert_eq!(currencies.into_iter().collect::<Vec<_>>(), ["EUR", "GBP", "JPY", "USD"]);
}

#[test]
fn every_planted_ring_has_the_shape_of_its_typology() {
    let many = SynthOptions {
        rings: Some(25),
        ..SynthOptions { transactions: 80_000, seed: 3, ..SynthOptions::default() }
    };
    for ledger in [large(), &ledger(&many), &ledger(&small(8))] {
        for (typology, count) in &ledger.report.rings {
            let rings: Vec<&Ring> = rings_of(ledger, typology.name()).collect();
            assert_eq!(rings.len() as u64, *count);
            for ring in rings {
                assert!(shapes::has_its_shape(ring), "{ring:#?}");
            }
        }
    }
}

#[test]
fn the_hand_drawn_rings_have_the_shapes_of_their_typologies() {
    for typology in Typology::ALL.iter().filter(|typology| **typology != Typology::VictimCase) {
        let (_, rings) = tiny(typology.name());
        let ring =
            rings.iter().find(|ring| ring.typology == typology.name()).expect("the ring of its folder");
        assert!(shapes::has_its_shape(ring), "{ring:#?}");
    }
}

#[test]
fn members_are_the_accounts_of_the_rings_transactions_and_belong_to_one_ring_only() {
    let mut seen = BTreeSet::new();
    for ring in large().rings.iter().filter(|ring| ring.typology != "benign") {
        let members: BTreeSet<&str> = ring.members.iter().map(|(_, account)| account.as_str()).collect();
        assert_eq!(members.len(), ring.members.len());
        assert!(members.iter().all(|account| seen.insert(*account)), "{} shares a member", ring.key);
        if ring.typology != "identity_ring" {
            let ends =
                ring.transactions.iter().flat_map(|row| [row.source.as_str(), row.destination.as_str()]);
            let ends: BTreeSet<&str> = ends.filter(|account| !is_outside(account)).collect();
            assert_eq!(ends, members, "{}", ring.key);
        }
    }
}

#[test]
fn labels_say_exactly_what_the_truth_says() {
    let ledger = large();
    let mut planted: BTreeSet<&str> = BTreeSet::new();
    for row in
        ledger.rings.iter().filter(|ring| ring.typology != "benign").flat_map(|ring| &ring.transactions)
    {
        assert!(planted.insert(&row.key), "{} is in two rings", row.key);
    }
    let labelled: BTreeSet<&str> =
        ledger.transactions.iter().filter(|row| !row.label.is_empty()).map(|row| row.key.as_str()).collect();
    assert_eq!(planted, labelled);
    assert_eq!(planted.len() as u64, ledger.report.planted_transactions);
    let frauds: Vec<&str> =
        ledger.transactions.iter().filter(|row| row.label == "fraud").map(|row| row.key.as_str()).collect();
    let mut seeds: Vec<&str> = ledger.tables["seeds.csv"].of(["transaction"]).map(|[key]| key).collect();
    seeds.sort_unstable();
    assert_eq!(seeds, frauds);
    for [case, transaction] in ledger.tables["seeds.csv"].of(["case", "transaction"]) {
        let ring = rings_of(ledger, "victim_case").find(|ring| ring.key == case).expect("a case is a ring");
        assert_eq!(ring.transactions[0].key, transaction);
    }
}

#[test]
fn members_of_rings_also_live_ordinary_lives() {
    let ledger = large();
    let members: BTreeSet<&str> =
        ledger.rings.iter().flat_map(|ring| &ring.members).map(|(_, account)| account.as_str()).collect();
    let ordinary: BTreeSet<&str> = ledger
        .transactions
        .iter()
        .filter(|row| row.label.is_empty())
        .flat_map(|row| [row.source.as_str(), row.destination.as_str()])
        .collect();
    assert!(members.intersection(&ordinary).count() * 10 > members.len() * 9);
}

/// (kind, value) → accounts, from the links table.
fn holders(ledger: &Ledger) -> BTreeMap<(&str, &str), BTreeSet<&str>> {
    let mut holders: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for [account, kind, value] in ledger.tables["links.csv"].of(["account", "kind", "value"]) {
        assert!(holders.entry((kind, value)).or_default().insert(account), "{account} {kind} {value} twice");
    }
    holders
}

#[test]
fn identity_rings_are_chained_by_devices_phones_emails_and_numbers_and_by_nothing_wider() {
    let ledger = large();
    let holders = holders(ledger);
    let shared = |pair: &[(String, String)], kind: &str| {
        let ends = BTreeSet::from([pair[0].1.as_str(), pair[1].1.as_str()]);
        holders.iter().any(|((k, _), accounts)| *k == kind && accounts.is_superset(&ends))
    };
    for ring in rings_of(ledger, "identity_ring") {
        for (pair, kind) in ring.members.windows(2).zip(["device", "phone", "email", "ssn"].iter().cycle()) {
            assert!(shared(pair, kind), "{} {kind} {pair:?}", ring.key);
        }
    }
    let mut wide: BTreeMap<&str, usize> = BTreeMap::new();
    for ((kind, _), accounts) in &holders {
        let widest = wide.entry(kind).or_default();
        *widest = accounts.len().max(*widest);
    }
    for kind in ["phone", "email", "ssn"] {
        assert_eq!(wide[kind], 2, "{kind}");
        let shared = holders.iter().filter(|((k, _), accounts)| *k == kind && accounts.len() > 1).count();
        let rings = rings_of(ledger, "identity_ring").map(|ring| ring.members.len() - 1).sum::<usize>();
        assert!(shared > 0 && shared <= rings, "{shared} shared values of {kind}");
    }
    assert!(wide["address"] <= 4, "{}", wide["address"]);
}

#[test]
fn about_half_of_the_rings_that_move_money_also_share_a_device() {
    let ledger = large();
    let holders = holders(ledger);
    let devices: Vec<&BTreeSet<&str>> =
        holders.iter().filter(|((kind, _), _)| *kind == "device").map(|(_, accounts)| accounts).collect();
    let moving: Vec<&Ring> = ledger
        .rings
        .iter()
        .filter(|ring| !["benign", "identity_ring"].contains(&ring.typology.as_str()))
        .collect();
    let sharing = moving.iter().filter(|ring| {
        let lent = ring.members.iter().filter(|(role, _)| role != "victim");
        let members: BTreeSet<&str> = lent.map(|(_, account)| account.as_str()).collect();
        devices.iter().any(|accounts| **accounts == members)
    });
    let sharing = sharing.count();
    assert!(sharing * 4 > moving.len() && sharing * 4 < moving.len() * 3, "{sharing} of {}", moving.len());
}

#[test]
fn look_alikes_look_alike_and_are_marked_benign() {
    let ledger = large();
    let holders = holders(ledger);
    for (kind, count) in &ledger.report.look_alikes {
        assert_eq!(*count, 6, "{kind:?}");
        let rings: Vec<&Ring> =
            ledger.rings.iter().filter(|ring| ring.key.starts_with(kind.name())).collect();
        assert_eq!(rings.len() as u64, *count);
        for ring in rings {
            assert_eq!(ring.typology, "benign");
            assert!(ring.transactions.iter().all(|row| row.label.is_empty()));
            let sources: BTreeSet<&str> = ring.transactions.iter().map(|row| row.source.as_str()).collect();
            let payees: BTreeSet<&str> =
                ring.transactions.iter().map(|row| row.destination.as_str()).collect();
            match kind {
                LookAlike::Payroll => {
                    assert!(ring.transactions.iter().all(|row| row.channel == "payroll"));
                    assert_eq!(sources.into_iter().collect::<Vec<_>>(), ring.accounts("employer"));
                    assert_eq!(payees, ring.accounts("employee").into_iter().collect());
                    assert!(payees.len() >= 8);
                }
                LookAlike::MerchantFanIn => {
                    assert_eq!(payees.into_iter().collect::<Vec<_>>(), ring.accounts("merchant"));
                    assert_eq!(sources, ring.accounts("customer").into_iter().collect());
                    assert!(sources.len() >= 5);
                }
                LookAlike::FamilyDevice => {
                    let family: BTreeSet<&str> = ring.accounts("family").into_iter().collect();
                    assert!(family.len() >= 3 && ring.transactions.is_empty());
                    let shared =
                        |wanted| holders.iter().any(|((k, _), accounts)| *k == wanted && *accounts == family);
                    assert!(shared("device") && shared("address"), "{}", ring.key);
                }
            }
        }
    }
}

#[test]
fn devices_in_the_ledger_are_linked_to_their_payer_and_were_seen_then() {
    let ledger = large();
    let mut links: BTreeMap<(&str, &str), [i64; 2]> = BTreeMap::new();
    for [account, kind, value, first, last] in
        ledger.tables["links.csv"].of(["account", "kind", "value", "first_seen", "last_seen"])
    {
        let seen = [parse_time(first).expect("a time"), parse_time(last).expect("a time")];
        assert!(seen[0] <= seen[1], "{account} {value}");
        if kind == "device" {
            links.insert((account, value), seen);
        }
    }
    let mut used = 0;
    for row in ledger.transactions.iter().filter(|row| !row.device.is_empty()) {
        let seen =
            links.get(&(row.source.as_str(), row.device.as_str())).unwrap_or_else(|| panic!("{row:?}"));
        assert!(seen[0] <= row.time_us && row.time_us <= seen[1], "{row:?} {seen:?}");
        used += 1;
    }
    assert!(used * 2 > ledger.transactions.len());
}

#[test]
fn personal_data_is_plainly_invented() {
    let ledger = large();
    for [kind, value] in ledger.tables["links.csv"].of(["kind", "value"]) {
        let invented = match kind {
            "email" => value.ends_with("@example.com"),
            "phone" => value.starts_with("+999-"),
            "ssn" => value.starts_with('9'),
            "address" => value.contains(" Nowhere "),
            "device" => value.starts_with('D'),
            _ => false,
        };
        assert!(invented, "{kind} {value}");
    }
}

#[test]
fn days_are_busier_than_nights_and_weekdays_than_sundays() {
    let ledger = large();
    let (mut hours, mut weekdays) = ([0_usize; 24], [0_usize; 7]);
    for row in ledger.transactions.iter().filter(|row| row.channel != "payroll") {
        hours[(row.time_us / 3_600_000_000 % 24) as usize] += 1;
        // 1970-01-01 was a Thursday; 0 = Monday.
        weekdays[((row.time_us / 86_400_000_000 + 3) % 7) as usize] += 1;
    }
    let (night, day): (usize, usize) = (hours[0..5].iter().sum(), hours[9..14].iter().sum());
    assert!(day > 8 * night, "{hours:?}");
    // The span has five Mondays to Wednesdays and four of each other day.
    assert!(weekdays[6] * 10 < weekdays[3] * 7, "{weekdays:?}");
    assert!(weekdays[4] > weekdays[3], "{weekdays:?}");
}

#[test]
fn salaries_are_paid_on_paydays_in_one_batch_from_money_that_just_came_in() {
    let ledger = large();
    let mut batches: BTreeMap<(&str, i64), Vec<i64>> = BTreeMap::new();
    for row in ledger.transactions.iter().filter(|row| row.channel == "payroll") {
        batches.entry((&row.source, row.time_us)).or_default().push(row.amount);
    }
    let days: BTreeSet<i64> = batches.keys().map(|(_, time)| time / 86_400_000_000 - 19_723 + 1).collect();
    assert_eq!(days.into_iter().collect::<Vec<_>>(), [5, 19, 25, 31]);
    assert!(batches.len() > 100 && batches.values().any(|salaries| salaries.len() > 40));
    for ((employer, time), salaries) in &batches {
        let sum: i64 = salaries.iter().sum();
        let funded = ledger.transactions.iter().any(|row| {
            row.destination == *employer
                && row.time_us < *time
                && *time - row.time_us < 6 * 3_600_000_000
                && row.received == sum
        });
        assert!(funded, "{employer} pays {sum}");
    }
}

#[test]
fn a_few_accounts_make_many_payments() {
    let ledger = large();
    for end in [0, 1] {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &ledger.transactions {
            let account = if end == 0 { &row.source } else { &row.destination };
            if !is_outside(account) {
                *counts.entry(account).or_default() += 1;
            }
        }
        let mut counts: Vec<usize> = counts.into_values().collect();
        counts.sort_unstable();
        let total: usize = counts.iter().sum();
        let busiest: usize = counts.iter().rev().take(counts.len() / 100).sum();
        let median = counts[counts.len() / 2];
        assert!(busiest * 100 > total * 10, "the busiest 1 % have {busiest} of {total}");
        assert!(counts[counts.len() - 1] > 40 * median, "{:?} against a median of {median}", counts.last());
    }
}

#[test]
fn communities_keep_most_payments_inside() {
    // The same ledger with and without communities: partners of an account repeat more often inside one.
    let repeated = |inside_percent| {
        let ledger =
            ledger(&SynthOptions { transactions: 30_000, inside_percent, ..SynthOptions::default() });
        let rows: Vec<(&str, &str)> = ledger
            .transactions
            .iter()
            .filter(|row| {
                row.channel != "payroll" && !is_outside(&row.source) && !is_outside(&row.destination)
            })
            .map(|row| (row.source.as_str(), row.destination.as_str()))
            .collect();
        rows.len() - rows.iter().collect::<BTreeSet<_>>().len()
    };
    let (none, most) = (repeated(0), repeated(95));
    assert!(most > 2 * none, "{most} repeated payments inside communities, {none} without");
}

#[test]
fn the_smallest_ledger_works_for_many_seeds() {
    for seed in 0..60 {
        let ledger = ledger(&small(seed));
        assert_eq!(ledger.transactions.len(), 1_000);
        assert!(
            ledger.rings.iter().filter(|ring| ring.typology != "benign").all(shapes::has_its_shape),
            "seed {seed}"
        );
    }
}

#[test]
fn only_the_typologies_asked_for_are_planted() {
    let options =
        SynthOptions { typologies: vec![Typology::Cycle], rings: Some(3), look_alikes: Some(0), ..small(9) };
    let cycles = ledger(&options);
    assert_eq!(cycles.report.rings, [(Typology::Cycle, 3)]);
    assert_eq!(cycles.rings.len(), 3);
    let nothing = ledger(&SynthOptions { rings: Some(0), ..options });
    assert_eq!((nothing.rings.len(), nothing.tables["seeds.csv"].len()), (0, 0));
    assert!(nothing.transactions.iter().all(|row| row.label.is_empty()));
}

#[test]
fn options_outside_their_range_are_refused_by_name_before_anything_is_written() {
    let refused = |options: SynthOptions| {
        let mut outputs = SynthOutputs::open(|_| Ok(Vec::new())).expect("vectors open");
        let error = generate(&options, &mut outputs, &Run::new()).expect_err("refused");
        assert!(outputs.transactions.is_empty() && outputs.accounts.is_empty());
        match error {
            Error::Option { name, .. } => name,
            other => panic!("{other}"),
        }
    };
    let default = SynthOptions::default;
    assert_eq!(refused(SynthOptions { transactions: 999, ..default() }), "transactions");
    assert_eq!(refused(SynthOptions { accounts: Some(199), ..default() }), "accounts");
    assert_eq!(refused(SynthOptions { days: 6, ..default() }), "days");
    assert_eq!(refused(SynthOptions { start_us: 1, ..default() }), "start_us");
    assert_eq!(
        refused(SynthOptions { start_us: i64::MIN / 86_400_000_000 * 86_400_000_000, ..default() }),
        "start_us"
    );
    assert_eq!(refused(SynthOptions { inside_percent: 101, ..default() }), "inside_percent");
    assert_eq!(refused(SynthOptions { foreign_percent: 41, ..default() }), "foreign_percent");
    assert_eq!(refused(SynthOptions { shared_device_percent: 101, ..default() }), "shared_device_percent");
    assert_eq!(refused(SynthOptions { typologies: vec![Typology::Cycle; 2], ..default() }), "typologies");
    assert_eq!(refused(SynthOptions { rings: Some(100), ..small(1) }), "rings");
    assert_eq!(refused(SynthOptions { rings: Some(20), accounts: Some(20_000), ..small(1) }), "rings");
}

#[test]
fn a_cancelled_run_stops() {
    let run = Run::new();
    run.cancel_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    let mut outputs = SynthOutputs::open(|_| Ok(Vec::new())).expect("vectors open");
    assert!(matches!(generate(&small(1), &mut outputs, &run), Err(Error::Cancelled)));
}

#[test]
fn headers_are_those_of_the_ledger_preset() {
    let headers = [
        (
            "transactions.csv",
            "transaction,source,destination,time,amount,currency,received_amount,received_currency,device,channel,label",
        ),
        ("accounts.csv", "account,kind,name,country,currency,opened,overdraft"),
        ("balances.csv", "account,currency,amount"),
        ("links.csv", "account,kind,value,first_seen,last_seen"),
        ("truth_rings.csv", "ring,typology,role,account"),
        ("truth_transactions.csv", "ring,typology,position,transaction"),
        ("seeds.csv", "case,transaction"),
    ];
    for (name, header) in headers {
        assert_eq!(large().tables[name].header(), header);
    }
}

#[test]
fn the_hand_drawn_files_are_those_of_the_list_of_checksums() {
    let datasets = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets");
    let list = std::fs::read_to_string(datasets.join("checksums.sha256")).expect("the list");
    let mut listed = BTreeSet::new();
    for line in list.lines() {
        let (expected, name) = line.split_once("  ").expect("digest and name");
        let digest = Sha256::digest(std::fs::read(datasets.join(name)).expect(name));
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, expected, "{name}");
        listed.insert(name.to_string());
    }
    let mut found = BTreeSet::new();
    let mut folders = vec![datasets.join("tiny")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(&datasets).expect("inside").display().to_string());
            }
        }
    }
    assert_eq!(found, listed);
}
