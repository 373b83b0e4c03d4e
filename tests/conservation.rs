//! Tracing loses nothing and invents nothing: the engine against a slow oracle, and the laws of `docs/tracing.md`.

#[path = "oracle/ledgers.rs"]
mod ledgers;
#[path = "oracle/trace.rs"]
mod trace;

#[test]
fn the_oracle_agrees_with_the_ledgers_drawn_by_hand() {
    let drawn = ledgers::drawn_by_hand(&["fifo", "haircut"]);
    assert!(drawn.len() >= 15, "only {} ledgers found", drawn.len());
    for (folder, case) in drawn {
        let rules = trace::Rules { haircut: case.haircut, minimal: case.minimal, ..Default::default() };
        let answer = trace::trace(&case.ledger.payments, &case.ledger.seeds, &rules);
        assert_eq!(answer.flows, case.flows, "flows of {folder}");
        let mut held: Vec<_> = answer.holdings.iter().map(|(&(c, a, u), held)| (c, a, u, held.0)).collect();
        held.sort_by_key(|&(c, a, u, amount)| (c, -amount, case.accounts[a as usize].clone(), u));
        assert_eq!(held, case.holdings, "holdings of {folder}");
    }
}
