use super::Ledger;
use super::ledgers::Random;
use super::store::Stored;
use super::trace::Payment;
use ringfence::ingest::batch::{AccountRows, AttributeValues, LinkRows, LocalKeys, key_hash};
use ringfence::patterns::{
    BestOfShuffled, Null, NullOptions, Options, Strata, Transfers, Typology, best_of_shuffled, find,
};
use ringfence::store::manifest::Partition;
use ringfence::{Error, Run};

const HOUR_US: i64 = 3_600_000_000;

/// Payments that are drawn at random: any account to any other at any hour of four weeks.
fn noise(seed: u64, num_payments: u64) -> Vec<Payment> {
    let random = &mut Random(seed);
    let payment = |_| {
        let source = random.below(40) as u32;
        let destination = (source + 1 + random.below(39) as u32) % 40;
        let (time, amount) = (random.below(28 * 24) as i64 * HOUR_US, 1 + random.below(10_000) as i64);
        let (paid, received) = (amount, amount);
        Payment {
            source,
            destination,
            time,
            paid,
            received,
            paid_currency: 0,
            received_currency: 0,
            failed: false,
        }
    };
    (0..num_payments).map(payment).collect()
}

fn stored(mut payments: Vec<Payment>) -> Stored {
    payments.sort_by_key(|payment| payment.time);
    Stored::new(&Ledger { num_accounts: 60, payments, ..Ledger::default() }, Partition::None)
}

fn fan_options() -> Options {
    let changes = serde_json::json!({ "span_s": 86_400, "counterparties_min": 2 });
    Typology::FanIn.options().with(changes.as_object().unwrap()).unwrap()
}

/// The p-value of the best instance.
fn best(stored: &Stored, null: &NullOptions, run: &Run) -> (f64, BestOfShuffled) {
    let strata = Strata::by(&stored.graph, &null.within, run).unwrap();
    let transfers = Transfers::new(&stored.graph.view(), None, run).unwrap();
    let found = find(&transfers, Typology::FanIn, &fan_options(), run).unwrap();
    let shuffled = best_of_shuffled(&transfers, Typology::FanIn, &fan_options(), null, &strata, run).unwrap();
    (shuffled.p_value(found.instances[0].score.total()), shuffled)
}

/// Of ledgers without anything in them a tenth have a p-value of a tenth or less, a half of a half.
#[test]
fn p_values_of_noise_are_uniform() {
    for null in Null::ALL {
        let values: Vec<f64> = (0..100)
            .map(|seed| {
                let null = NullOptions { null, replicates: 19, seed, ..NullOptions::default() };
                best(&stored(noise(seed, 300)), &null, &Run::new()).0
            })
            .collect();
        let up_to = |limit: f64| values.iter().filter(|&&value| value <= limit).count();
        let (tenth, half) = (up_to(0.1), up_to(0.5));
        println!("{}: {tenth} of 100 up to 0.1, {half} up to 0.5", null.name());
        // Three standard deviations of the binomial: 9 of 10, 15 of 50.
        assert!((1..=19).contains(&tenth) && (35..=65).contains(&half), "{}: {tenth} {half}", null.name());
    }
}

#[test]
fn a_planted_burst_is_as_significant_as_replicates_can_say() {
    let mut payments = noise(3, 300);
    for payer in 0..25 {
        let time = 100 * HOUR_US + i64::from(payer) * HOUR_US / 3;
        let (source, destination, paid, received) = (payer, 50, 1_000, 1_000);
        payments.push(Payment { source, destination, time, paid, received, ..payments[0] });
    }
    // As many payments to the same account, spread over the rest of the time.
    for payer in 0..25 {
        let time = i64::from(payer) * 26 * HOUR_US;
        payments.push(Payment { source: payer, destination: 50, time, ..payments[0] });
    }
    let null = NullOptions { replicates: 99, ..NullOptions::default() };
    let one = best(&stored(payments.clone()), &null, &Run::new().threads(1).unwrap());
    assert_eq!(one.0, 0.01);
    assert_eq!(best(&stored(payments.clone()), &null, &Run::new().threads(3).unwrap()), one);
    let other = NullOptions { seed: 1, ..null.clone() };
    assert_ne!(best(&stored(payments), &other, &Run::new()).1, one.1);
}

/// A bank whose customers all pay one account on one day, and never else, in four weeks of noise; that account is at no bank.
fn bank_of_one_day() -> Stored {
    let mut payments = noise(5, 3_000);
    for payer in 40..58 {
        let time = (100 + i64::from(payer % 9)) * HOUR_US;
        payments.push(Payment { source: payer, destination: 59, time, ..payments[0] });
    }
    payments.sort_by_key(|payment| payment.time);
    let mut accounts = LocalKeys::default();
    accounts.offsets.push(0);
    for account in 0..60 {
        let key = format!("A{account}");
        accounts.text.extend_from_slice(key.as_bytes());
        accounts.offsets.push(accounts.text.len() as u32);
        accounts.hashes.push(key_hash(key.as_bytes()));
    }
    let bank = |account: u32| match account {
        0..40 => Some("north".to_string()),
        40..59 => Some("south".to_string()),
        _ => None,
    };
    let columns = vec![
        ("country".into(), AttributeValues::Integer(vec![Some(7); 60])),
        ("bank".into(), AttributeValues::Text((0..60).map(bank).collect())),
    ];
    let ledger = Ledger { num_accounts: 60, payments, ..Ledger::default() };
    Stored::with(&ledger, Partition::None, LinkRows::default(), AccountRows { accounts, columns })
}

/// What is odd for all accounts is not for the customers of the bank, whose payments have nothing to be shuffled with.
#[test]
fn strata_keep_what_is_theirs() {
    let stored = bank_of_one_day();
    for null in Null::ALL {
        let within = |attributes: &[&str]| {
            let within = attributes.iter().map(|attribute| attribute.to_string()).collect();
            best(&stored, &NullOptions { null, within, ..NullOptions::default() }, &Run::new())
        };
        let (all, bank) = (within(&[]), within(&["bank"]));
        // Shuffled among themselves these payments stay as odd as they are, but for what the score takes from all others.
        assert!(all.0 == 0.01 && bank.0 > 0.1, "{}: {} and {}", null.name(), all.0, bank.0);
        assert_eq!(within(&["country"]), all);
        assert_eq!(within(&["country", "bank"]), bank);
    }
}

#[test]
fn an_attribute_that_is_not_known_is_refused_with_the_nearest() {
    let stored = bank_of_one_day();
    let refused = Strata::by(&stored.graph, &["country".into(), "bnak".into()], &Run::new());
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("did you mean `bank`?"), "{message}");
}

#[test]
fn a_number_of_replicates_outside_its_range_is_refused() {
    let stored = stored(noise(1, 50));
    let run = Run::new();
    let transfers = Transfers::new(&stored.graph.view(), None, &run).unwrap();
    for replicates in [0, 100_001] {
        let null = NullOptions { replicates, ..NullOptions::default() };
        let refused =
            best_of_shuffled(&transfers, Typology::FanIn, &fan_options(), &null, &Strata::default(), &run);
        assert!(matches!(refused, Err(Error::Option { name: "replicates", .. })));
    }
}
