//! What tracing refuses, and how it says so: seeds that are not possible, options out of range, too much money.
#![allow(clippy::unwrap_used)]

#[path = "oracle/ledgers.rs"]
mod ledgers;
#[path = "oracle/store.rs"]
mod store;
#[path = "oracle/trace.rs"]
mod trace;

use ledgers::Ledger;
use ringfence::graph::View;
use ringfence::ids::{AccountId, CurrencyId, TxId};
use ringfence::store::manifest::Partition;
use ringfence::trace::{Opening, Policy, Seed, SeedKind, Trace, TraceOptions, downstream};
use ringfence::units::Window;
use ringfence::{Error, Result, Run};
use std::sync::atomic::Ordering;
use store::Stored;
use trace::Payment;

fn payment(source: u32, destination: u32, time: i64, amount: i64) -> Payment {
    Payment {
        source,
        destination,
        time,
        paid: amount,
        paid_currency: 0,
        received: amount,
        received_currency: 0,
        failed: false,
    }
}

/// 0 → 1 at 10, 1 → 2 at 20 with a fee of 1, an attempt 2 → 0 at 30 that failed, 2 → 1 at 40.
fn stored() -> Stored {
    let fee = Payment { received: 99, ..payment(1, 2, 20, 100) };
    let failed = Payment { failed: true, ..payment(2, 0, 30, 50) };
    let payments = vec![payment(0, 1, 10, 100), fee, failed, payment(2, 1, 40, 50)];
    Stored::new(&Ledger { num_accounts: 3, num_cases: 1, payments, seeds: Vec::new() }, Partition::None)
}

fn claim(position: u64, amount: Option<i64>) -> Seed {
    Seed { case: 0, kind: SeedKind::Transaction { transaction: TxId(position), amount } }
}

fn deposit(account: AccountId, currency: CurrencyId, time: i64, amount: i64) -> Seed {
    Seed { case: 0, kind: SeedKind::Deposit { account, currency, time, amount } }
}

fn traced(view: &View<'_>, seeds: &[Seed], options: &TraceOptions) -> Result<Trace> {
    downstream(view, 1, seeds, options, &Run::new())
}

/// The message with which the last of `seeds` is refused; it names that seed.
#[track_caller]
fn refusal(view: &View<'_>, seeds: &[Seed], options: &TraceOptions) -> String {
    let error = traced(view, seeds, options).unwrap_err();
    assert!(matches!(error, Error::Input { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.starts_with(&format!("seeds[{}]", seeds.len() - 1)), "{message}");
    message
}

#[test]
fn a_seed_that_is_not_possible_is_named() {
    let stored = stored();
    let (view, plain) = (stored.graph.view(), TraceOptions::default());
    let (account, currency) = (stored.account(1), stored.currency(0));
    let good = claim(0, None);
    assert!(traced(&view, &[good], &plain).is_ok());
    let message = |seed: Seed| refusal(&view, &[good, seed], &plain);

    assert!(message(Seed { case: 1, ..good }).contains("case 1 of 1"));
    assert!(message(claim(4, None)).contains("transaction position 4; the graph holds 4"));
    assert!(message(claim(u64::MAX, None)).contains("the graph holds 4"));
    assert!(message(claim(2, None)).contains("failed"));
    for amount in [0, -5, i64::MIN] {
        assert!(message(claim(1, Some(amount))).contains(&format!("amount {amount}")));
        assert!(message(deposit(account, currency, 5, amount)).contains("more than 0"));
    }
    assert!(message(deposit(AccountId(3), currency, 5, 1)).contains("account 3 of 3"));
    assert!(message(deposit(account, CurrencyId(9), 5, 1)).contains("currency 9"));
    assert!(message(deposit(account, currency, 5, 0)).contains("\"A1\""));
}

#[test]
fn seeds_above_what_is_received_are_refused_at_the_seed_that_exceeds_it() {
    let stored = stored();
    let view = stored.graph.view();
    let (joint, alone) = (TraceOptions::default(), TraceOptions { joint: false, ..TraceOptions::default() });
    assert!(refusal(&view, &[claim(1, Some(100))], &joint).contains("100 with the seeds before it, but 99"));
    let shared = [claim(1, Some(60)), claim(0, None), claim(1, Some(40))];
    assert!(refusal(&view, &shared, &joint).contains("position 1"));
    assert!(refusal(&view, &shared, &alone).contains("position 1"));
    // What two cases claim each for itself is only too much where both are traced at once.
    let rivals = [claim(1, None), Seed { case: 1, ..claim(1, None) }];
    assert!(downstream(&view, 2, &rivals, &alone, &Run::new()).is_ok());
    assert!(matches!(downstream(&view, 2, &rivals, &joint, &Run::new()), Err(Error::Input { .. })));
    assert!(traced(&view, &[claim(1, Some(59)), claim(1, Some(40))], &joint).is_ok());
}

#[test]
fn a_seed_after_the_end_or_outside_of_the_view_is_refused() {
    let stored = stored();
    let (view, plain) = (stored.graph.view(), TraceOptions::default());
    let (account, currency) = (stored.account(1), stored.currency(0));
    let until = TraceOptions { until: Some(20), ..plain.clone() };
    assert!(traced(&view, &[claim(1, None), deposit(account, currency, 20, 1)], &until).is_ok());
    assert!(refusal(&view, &[claim(3, None)], &until).contains("until"));
    assert!(refusal(&view, &[deposit(account, currency, 21, 1)], &until).contains("until"));

    let window = stored.graph.window(Window { from: 20, to: 40 }).unwrap();
    assert!(traced(&window, &[claim(1, None), deposit(account, currency, 39, 1)], &plain).is_ok());
    assert!(refusal(&window, &[claim(0, None)], &plain).contains("view"));
    assert!(refusal(&window, &[claim(3, None)], &plain).contains("view"));
    assert!(refusal(&window, &[deposit(account, currency, 40, 1)], &plain).contains("window"));
    assert!(refusal(&window, &[deposit(account, currency, 19, 1)], &plain).contains("window"));

    let others = [stored.account(0).0, stored.account(2).0].into_iter().collect();
    let among = stored.graph.view().among(others);
    assert!(refusal(&among, &[claim(0, None)], &plain).contains("view"));
    assert!(refusal(&among, &[deposit(account, currency, 5, 1)], &plain).contains("view"));
}

#[test]
fn a_sink_that_is_no_account_is_refused() {
    let stored = stored();
    let options = TraceOptions { sinks: [7].into_iter().collect(), ..TraceOptions::default() };
    let error = traced(&stored.graph.view(), &[claim(0, None)], &options).unwrap_err();
    assert!(matches!(error, Error::Option { name: "sinks", .. }), "{error}");
}

#[test]
fn a_cancelled_trace_keeps_nothing() {
    let stored = stored();
    let run = Run::new();
    run.cancel_flag().store(true, Ordering::Relaxed);
    for joint in [true, false] {
        let options = TraceOptions { joint, ..TraceOptions::default() };
        let result = downstream(&stored.graph.view(), 1, &[claim(0, None)], &options, &run);
        assert!(matches!(result, Err(Error::Cancelled)));
    }
}

#[test]
fn more_money_than_a_balance_can_hold_is_refused_and_never_wraps() {
    let large = i64::MAX - 1;
    let payments =
        vec![payment(0, 1, 1, large), payment(0, 1, 2, large), payment(0, 2, 3, large), payment(2, 1, 4, 9)];
    let ledger = Ledger { num_accounts: 3, num_cases: 1, payments, seeds: Vec::new() };
    let stored = Stored::new(&ledger, Partition::None);
    let view = stored.graph.view();
    for policy in Policy::ALL {
        let options = TraceOptions { policy, ..TraceOptions::default() };
        // By a deposit of taint, in the history before taint arrives, and by clean money behind it.
        for seeds in [[claim(0, None), claim(1, None)], [claim(3, None), claim(2, None)]] {
            let error = traced(&view, &seeds, &options).unwrap_err();
            assert!(matches!(error, Error::Limit { limit, .. } if limit == i64::MAX as u64), "{error}");
        }
        // As an opening that no balance can hold.
        let options = TraceOptions { opening: Opening::Minimal, ..options };
        let source = deposit(stored.account(0), stored.currency(0), 0, 1);
        assert!(matches!(traced(&view, &[source], &options), Err(Error::Limit { .. })));
    }
}

#[test]
fn a_negative_amount_is_refused_by_position() {
    let turned = Payment { received: -1, ..payment(1, 2, 2, 5) };
    let payments = vec![payment(0, 1, 1, 9), turned, payment(2, 1, 3, 9), payment(1, 2, 4, -7)];
    let ledger = Ledger { num_accounts: 3, num_cases: 1, payments, seeds: Vec::new() };
    let stored = Stored::new(&ledger, Partition::None);
    let view = stored.graph.view();
    let refused = |seed: Seed| traced(&view, &[seed], &TraceOptions::default()).unwrap_err().to_string();
    assert!(refused(claim(0, None)).starts_with("transaction at position 1: hands over -1 minor units"));
    assert!(refused(claim(2, None)).starts_with("transaction at position 3: pays -7 minor units"));
    assert!(refused(claim(3, None)).starts_with("seeds[0]"));
}

#[test]
fn no_seeds_and_no_cases_make_an_empty_trace() {
    let stored = stored();
    for joint in [true, false] {
        let options = TraceOptions { joint, ..TraceOptions::default() };
        assert_eq!(
            downstream(&stored.graph.view(), 0, &[], &options, &Run::new()).unwrap(),
            Trace::default()
        );
        assert_eq!(traced(&stored.graph.view(), &[], &options).unwrap(), Trace::default());
    }
}
