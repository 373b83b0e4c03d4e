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
use ringfence::trace::{
    Balance, Balances, Opening, Policy, Rate, Rates, Seed, SeedKind, Target, Trace, TraceOptions,
    UpstreamOptions, downstream, upstream,
};
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

fn balance(account: AccountId, currency: CurrencyId, time: i64, amount: Option<i64>) -> Seed {
    Seed { case: 0, kind: SeedKind::Balance { account, currency, time, amount } }
}

#[test]
fn a_balance_seed_on_more_than_is_there_is_refused_with_what_is_there() {
    let stored = stored();
    let (view, plain) = (stored.graph.view(), TraceOptions::default());
    let (account, currency) = (stored.account(1), stored.currency(0));
    // 100 came at 10 and left at 20; 50 came at 40.
    assert!(traced(&view, &[balance(account, currency, 19, Some(100))], &plain).is_ok());
    assert!(traced(&view, &[balance(account, currency, 10, None)], &plain).is_ok());
    let more = refusal(&view, &[balance(account, currency, 19, Some(101))], &plain);
    assert!(more.contains("101") && more.contains("100"), "{more}");
    assert!(refusal(&view, &[balance(account, currency, 9, Some(1))], &plain).contains('0'));
    assert!(refusal(&view, &[balance(account, currency, 20, None)], &plain).contains("0"));
    assert!(refusal(&view, &[balance(account, currency, 19, Some(0))], &plain).contains("more than 0"));
    let until = TraceOptions { until: Some(18), ..plain.clone() };
    assert!(refusal(&view, &[balance(account, currency, 19, None)], &until).contains("until"));
    let sinks = TraceOptions { sinks: [account.0].into_iter().collect(), ..plain.clone() };
    assert!(refusal(&view, &[balance(account, currency, 19, None)], &sinks).contains("sink"));
    // Two seeds may take over the same money, one after the other.
    let twice = [balance(account, currency, 19, None), balance(account, currency, 19, None)];
    let trace = traced(&view, &twice, &plain).unwrap();
    assert_eq!((trace.ledger[0].seeded, trace.ledger[0].superseded), (200, 100));
}

#[test]
fn options_out_of_their_range_are_refused_by_name() {
    let stored = stored();
    let view = stored.graph.view();
    let refused = |options: &TraceOptions| match traced(&view, &[claim(0, None)], options).unwrap_err() {
        Error::Option { name, .. } => name,
        error => panic!("{error}"),
    };
    let plain = TraceOptions::default();
    assert_eq!(refused(&TraceOptions { dust: -1, ..plain.clone() }), "dust");
    assert_eq!(refused(&TraceOptions { max_hops: Some(0), ..plain.clone() }), "max_hops");
    assert_eq!(refused(&TraceOptions { opening: Opening::Given, ..plain.clone() }), "opening");
    let stranger = Balance { account: AccountId(3), currency: stored.currency(0), time: None, amount: 5 };
    let balances = Balances::new(&[stranger]).unwrap();
    assert_eq!(refused(&TraceOptions { opening: Opening::Given, balances, ..plain.clone() }), "balances");
    let row =
        |time, amount| Balance { account: stored.account(0), currency: stored.currency(0), time, amount };
    let twice = Balances::new(&[row(Some(3), 5), row(None, 5), row(Some(3), 6)]).unwrap_err();
    assert!(twice.to_string().starts_with("balances[2]"), "{twice}");
}

#[test]
fn rates_that_contradict_each_other_or_are_missing_are_refused() {
    let euros = Payment { paid_currency: 1, received_currency: 1, ..payment(1, 2, 2, 5) };
    let payments = vec![payment(0, 1, 1, 9), euros, payment(1, 2, 3, i64::MAX - 1)];
    let ledger = Ledger { num_accounts: 3, num_cases: 1, payments, seeds: Vec::new() };
    let stored = Stored::new(&ledger, Partition::None);
    let (view, dollars, euro) = (stored.graph.view(), stored.currency(0), stored.currency(1));
    let rate = |currency, day, mantissa| Rate { currency, day, mantissa };
    let table = |rates: &[Rate]| Rates::new(&stored.graph, dollars, rates);
    assert!(table(&[rate(euro, 0, 5), rate(euro, 0, 5), rate(dollars, 3, 1_000_000_000_000)]).is_ok());
    for wrong in [
        vec![rate(euro, 0, 5), rate(euro, 0, 6)],
        vec![rate(euro, 0, 0)],
        vec![rate(euro, 0, -1)],
        vec![rate(dollars, 0, 2)],
        vec![rate(CurrencyId(9), 0, 5)],
    ] {
        let error = table(&wrong).unwrap_err();
        assert!(matches!(error, Error::Input { .. }), "{error}");
    }
    let by_value = |rates: Rates| {
        let options = TraceOptions { rates: Some(rates), ..TraceOptions::default() };
        traced(&view, &[claim(0, None)], &options).unwrap_err()
    };
    // Neither a rate nor a conversion says what euros are worth.
    for rates in [table(&[]).unwrap(), Rates::derive(&view, dollars, &Run::new()).unwrap()] {
        let error = by_value(rates).to_string();
        assert!(error.contains("EUR") && error.contains("USD"), "{error}");
    }
    let error = by_value(table(&[rate(euro, 0, 5)]).unwrap());
    assert!(matches!(error, Error::Limit { limit, .. } if limit == i64::MAX as u64), "{error}");
}

#[test]
fn upstream_refuses_what_it_cannot_trace() {
    let stored = stored();
    let view = stored.graph.view();
    let (account, currency) = (stored.account(1), stored.currency(0));
    let ask = |target: Target, options: &UpstreamOptions| upstream(&view, &[target], options, &Run::new());
    let (first, plain) = (Target::Transaction(TxId(1)), UpstreamOptions::default());
    assert!(ask(first, &plain).is_ok());
    let holding = |time, amount| Target::Balance { account, currency, time, amount };
    assert!(ask(holding(10, None), &plain).is_ok());
    for target in [
        Target::Transaction(TxId(2)), // failed
        Target::Transaction(TxId(4)),
        holding(10, Some(101)),
        holding(10, Some(0)),
        holding(20, None),
        Target::Balance { account: AccountId(3), currency, time: 10, amount: None },
        Target::Balance { account, currency: CurrencyId(9), time: 10, amount: None },
    ] {
        let error = ask(target, &plain).unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, Error::Input { .. }) && message.starts_with("targets[0]"), "{message}");
    }
    let rules = |rules: TraceOptions| UpstreamOptions { rules, ..UpstreamOptions::default() };
    let traced = TraceOptions::default();
    for (name, options) in [
        ("policy", rules(TraceOptions { policy: Policy::CleanFirst, ..traced.clone() })),
        ("policy", rules(TraceOptions { policy: Policy::TaintedFirst, ..traced.clone() })),
        ("until", rules(TraceOptions { until: Some(50), ..traced.clone() })),
        ("sinks", rules(TraceOptions { sinks: [0].into_iter().collect(), ..traced.clone() })),
        ("dust", rules(TraceOptions { dust: 1, ..traced.clone() })),
        ("rules.max_hops", rules(TraceOptions { max_hops: Some(1), ..traced.clone() })),
        ("max_hops", UpstreamOptions { max_hops: Some(0), ..UpstreamOptions::default() }),
    ] {
        let error = ask(first, &options).unwrap_err();
        assert!(matches!(error, Error::Option { name: found, .. } if found == name), "{name}: {error}");
    }
    let few = UpstreamOptions { lots_max: 0, ..UpstreamOptions::default() };
    assert!(matches!(ask(first, &few), Err(Error::Limit { limit: 0, .. })));
}
