//! The definition of each typology, checked on the transactions of one ring.

use crate::files::{Ring, Transaction};
use std::collections::{BTreeMap, BTreeSet};

const HOUR_US: i64 = 3_600_000_000;

fn sources(rows: &[Transaction]) -> BTreeSet<&str> {
    rows.iter().map(|row| row.source.as_str()).collect()
}

fn destinations(rows: &[Transaction]) -> BTreeSet<&str> {
    rows.iter().map(|row| row.destination.as_str()).collect()
}

fn span_us(rows: &[Transaction]) -> i64 {
    rows[rows.len() - 1].time_us - rows[0].time_us
}

/// Everything in `before` is earlier than everything in `after`.
fn precedes(before: &[Transaction], after: &[Transaction]) -> bool {
    before.iter().map(|row| row.time_us).max() < after.iter().map(|row| row.time_us).min()
}

/// What each account received and paid.
fn turnover(rows: &[Transaction]) -> BTreeMap<&str, [i64; 2]> {
    let mut turnover: BTreeMap<&str, [i64; 2]> = BTreeMap::new();
    for row in rows {
        turnover.entry(&row.destination).or_default()[0] += row.received;
        turnover.entry(&row.source).or_default()[1] += row.amount;
    }
    turnover
}

/// Splits into the payments to `middle` accounts and those from them.
fn layers(rows: &[Transaction]) -> (Vec<Transaction>, Vec<Transaction>) {
    let middle: BTreeSet<&str> = sources(rows).intersection(&destinations(rows)).copied().collect();
    let (first, second): (Vec<&Transaction>, Vec<&Transaction>) =
        rows.iter().partition(|row| middle.contains(row.destination.as_str()));
    (first.into_iter().cloned().collect(), second.into_iter().cloned().collect())
}

fn all_pairs_once(rows: &[Transaction]) -> bool {
    let pairs: BTreeSet<(&str, &str)> =
        rows.iter().map(|row| (row.source.as_str(), row.destination.as_str())).collect();
    pairs.len() == rows.len() && rows.len() == sources(rows).len() * destinations(rows).len()
}

fn fan(rows: &[Transaction]) -> bool {
    rows.len() >= 5 && all_pairs_once(rows) && span_us(rows) <= 48 * HOUR_US
}

fn chain(rows: &[Transaction]) -> bool {
    rows.windows(2).all(|pair| {
        pair[0].destination == pair[1].source
            && pair[0].time_us < pair[1].time_us
            && pair[1].amount < pair[0].received
            && pair[1].amount * 100 >= pair[0].received * 95
    })
}

fn two_layers(first: &[Transaction], second: &[Transaction], rows: &[Transaction]) -> bool {
    let middle = destinations(first);
    let turnover = turnover(rows);
    middle == sources(second)
        && sources(first).is_disjoint(&destinations(second))
        && precedes(first, second)
        && middle.iter().all(|account| {
            let [received, paid] = turnover[account];
            paid <= received && paid * 100 >= received * 90
        })
}

/// A fraud payment layered to the outside: nobody pays on more than came in before, most of it leaves.
fn victim_case(ring: &Ring) -> bool {
    let rows = &ring.transactions;
    let mut held: BTreeMap<&str, i64> = BTreeMap::new();
    let mut left = 0;
    for (position, row) in rows.iter().enumerate() {
        let own = position == 0 && row.label == "fraud" && ring.accounts("victim") == [row.source.as_str()];
        let balance = held.entry(&row.source).or_default();
        if !own && *balance < row.amount {
            return false;
        }
        *balance -= if own { 0 } else { row.amount };
        let outside = row.destination.starts_with("CASH-") || row.destination.starts_with("BANK-");
        if outside {
            left += row.amount;
        } else {
            *held.entry(&row.destination).or_default() += row.received;
        }
    }
    let hops = rows.iter().filter(|row| !row.destination.contains('-')).count();
    hops >= 5 && left * 100 >= rows[0].amount * 60 && left < rows[0].amount && span_us(rows) <= 48 * HOUR_US
}

/// Whether the transactions of `ring` have the shape that its typology promises.
pub fn has_its_shape(ring: &Ring) -> bool {
    let rows = &ring.transactions;
    let (first, second) = layers(rows);
    match ring.typology.as_str() {
        "identity_ring" => rows.is_empty() && ring.members.len() >= 4,
        "fan_in" => fan(rows) && destinations(rows).len() == 1,
        "fan_out" => fan(rows) && sources(rows).len() == 1,
        "cycle" => {
            chain(rows)
                && (3..=8).contains(&rows.len())
                && rows[0].source == rows[rows.len() - 1].destination
                && sources(rows).len() == rows.len()
                && span_us(rows) <= 48 * HOUR_US
        }
        "scatter_gather" => {
            two_layers(&first, &second, rows)
                && sources(&first).len() == 1
                && destinations(&second).len() == 1
                && first.len() == second.len()
                && first.len() >= 3
                && all_pairs_once(&first)
                && all_pairs_once(&second)
        }
        "gather_scatter" => {
            two_layers(&first, &second, rows)
                && destinations(&first).len() == 1
                && first.len().min(second.len()) >= 3
                && all_pairs_once(&first)
                && all_pairs_once(&second)
        }
        "bipartite" => {
            all_pairs_once(rows)
                && sources(rows).len().min(destinations(rows).len()) >= 3
                && sources(rows).is_disjoint(&destinations(rows))
        }
        "stack" => {
            two_layers(&first, &second, rows)
                && all_pairs_once(&first)
                && all_pairs_once(&second)
                && sources(&first).len().min(destinations(&second).len()) >= 2
                && destinations(&first).len() >= 3
        }
        "pass_through" => {
            chain(rows)
                && rows.len() >= 4
                && sources(rows).len() == rows.len()
                && !sources(rows).contains(rows[rows.len() - 1].destination.as_str())
                && rows.windows(2).all(|pair| pair[1].time_us - pair[0].time_us <= 3 * HOUR_US)
        }
        "victim_case" => victim_case(ring),
        _ => false,
    }
}
