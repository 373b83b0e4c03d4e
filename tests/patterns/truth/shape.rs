//! Which attempts have a shape at all, from their own payments alone: what no search can find, however good, is no miss.
//!
//! Everything is tried out on the few payments of one attempt, from the definitions in `docs/patterns.md` and not from the code
//! that searches. An attempt has a shape if some of its payments have it, with accounts alike those of the whole.

use super::Payment;
use super::matching::alike;
use std::collections::{BTreeMap, BTreeSet};

type Accounts = BTreeSet<u32>;

/// What the definitions leave open: what a search was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Longest time from the first payment to the last, or, for a chain, for which money stays; in microseconds.
    pub span_us: i64,
    /// Fewest counterparties of a fan, on each side of a hub or block, mules of a scatter-gather, payments of a walk.
    pub least: usize,
    /// Most payments of a walk.
    pub length_max: usize,
    /// How much of what came must go on at each account of a walk, in thousandths; amounts are not looked at if `None`.
    pub passed_on: Option<(i128, i128)>,
    /// With how many thousandths of the other side each account of a block is tied.
    pub share_permille: usize,
}

/// Whether some of the payments have the shape, with accounts alike `accounts`.
pub fn meets(typology: &str, accounts: &[u32], payments: &[Payment], definition: &Definition) -> bool {
    let shapes = match typology {
        "fan-in" => fans(payments, definition, |payment| (payment.destination, payment.source)),
        "fan-out" => fans(payments, definition, |payment| (payment.source, payment.destination)),
        "gather-scatter" => gather_scatters(payments, definition),
        "scatter-gather" => scatter_gathers(payments, definition),
        "cycle" => walks(payments, definition, true),
        "random" => walks(payments, definition, false),
        "bipartite" => blocks(payments, definition, false),
        "stack" => blocks(payments, definition, true),
        _ => panic!("{typology} is not among the typologies of attempts"),
    };
    shapes.iter().any(|shape| {
        let common = accounts.iter().filter(|account| shape.contains(account)).count();
        alike(common, accounts.len(), shape.len())
    })
}

/// Why the payments of an attempt as a whole do not have its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// They fall into groups of accounts that no payment joins.
    Apart,
    /// There are fewer counterparties (on one of two sides), mules or, for a walk, payments than the definition asks for.
    Few,
    /// They take longer or go farther than the definition allows, or pass on another part of the money.
    Beyond,
    /// They come in another order, or too few accounts are tied with all others.
    Otherwise,
}

impl Lack {
    /// The word in tables.
    pub fn name(self) -> &'static str {
        match self {
            Lack::Apart => "apart",
            Lack::Few => "few",
            Lack::Beyond => "beyond",
            Lack::Otherwise => "otherwise",
        }
    }
}

/// What payments that do not [meet](meets) a definition lack.
pub fn lack(typology: &str, accounts: &[u32], payments: &[Payment], definition: &Definition) -> Lack {
    let patient =
        Definition { span_us: i64::MAX / 4, length_max: usize::MAX, passed_on: None, ..*definition };
    if num_components(payments) > 1 {
        Lack::Apart
    } else if size(typology, payments) < definition.least {
        Lack::Few
    } else if meets(typology, accounts, payments, &patient) {
        Lack::Beyond
    } else {
        Lack::Otherwise
    }
}

/// How many counterparties, mules or payments there are, in whatever order and time.
fn size(typology: &str, payments: &[Payment]) -> usize {
    let (payers, payees) = (by_hub(payments, paid_by), by_hub(payments, pays));
    let sides = |hub: &u32| payers.get(hub).map_or(0, |from| from.len().min(payees[hub].len()));
    let mules = |(source, to): (&u32, &Accounts)| {
        payers.iter().filter(|(sink, _)| *sink != source).map(|(_, from)| (from & to).len()).max()
    };
    match typology {
        "cycle" | "random" => payments.len(),
        "gather-scatter" => payees.keys().map(sides).max().unwrap_or(0),
        "scatter-gather" => payees.iter().filter_map(mules).max().unwrap_or(0),
        _ => num_counterparties(payments),
    }
}

/// Number of groups of accounts that no payment joins.
pub fn num_components(payments: &[Payment]) -> usize {
    let mut groups: Vec<Accounts> = Vec::new();
    for payment in payments {
        let pair = Accounts::from([payment.source, payment.destination]);
        let (meet, apart): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| !group.is_disjoint(&pair));
        groups = apart;
        groups.push(meet.into_iter().fold(pair, |all, group| &all | &group));
    }
    groups.len()
}

/// Most different accounts that one account pays or is paid by.
pub fn num_counterparties(payments: &[Payment]) -> usize {
    let most = |ends: fn(&Payment) -> (u32, u32)| {
        by_hub(payments, ends).values().map(Accounts::len).max().unwrap_or(0)
    };
    most(paid_by).max(most(pays))
}

/// The account that is paid, and who pays it.
fn paid_by(payment: &Payment) -> (u32, u32) {
    (payment.destination, payment.source)
}

/// The account that pays, and whom.
fn pays(payment: &Payment) -> (u32, u32) {
    (payment.source, payment.destination)
}

fn by_hub<'a>(
    payments: impl IntoIterator<Item = &'a Payment>,
    ends: fn(&Payment) -> (u32, u32),
) -> BTreeMap<u32, Accounts> {
    let mut all: BTreeMap<u32, Accounts> = BTreeMap::new();
    for (hub, other) in payments.into_iter().map(ends) {
        all.entry(hub).or_default().insert(other);
    }
    all
}

/// Those of `payments`, which are in time order, that come at most `span_us` after the first.
fn within(payments: &[Payment], span_us: i64) -> &[Payment] {
    let end = payments.first().map_or(0, |first| first.time.saturating_add(span_us));
    &payments[..payments.partition_point(|payment| payment.time <= end)]
}

/// Accounts with enough counterparties on one side within a span.
fn fans(payments: &[Payment], definition: &Definition, ends: fn(&Payment) -> (u32, u32)) -> Vec<Accounts> {
    let mut found = Vec::new();
    for first in 0..payments.len() {
        for (hub, mut others) in by_hub(within(&payments[first..], definition.span_us), ends) {
            if others.len() >= definition.least {
                others.insert(hub);
                found.push(others);
            }
        }
    }
    found
}

/// Accounts that enough others pay within a span, and that pay enough others within a span after the last of them.
fn gather_scatters(payments: &[Payment], definition: &Definition) -> Vec<Accounts> {
    let mut found = Vec::new();
    for (at, turn) in payments.iter().enumerate() {
        let hub = turn.destination;
        let since = turn.time.saturating_sub(definition.span_us);
        let until = turn.time.saturating_add(definition.span_us);
        let gathered = payments[..=at].iter().filter(|one| one.destination == hub && one.time >= since);
        let scattered = payments[at + 1..].iter().filter(|one| one.source == hub && one.time <= until);
        let from: Accounts = gathered.map(|one| one.source).collect();
        let to: Accounts = scattered.map(|one| one.destination).collect();
        if from.len() >= definition.least && to.len() >= definition.least {
            found.push(&(&from | &to) | &Accounts::from([hub]));
        }
    }
    found
}

/// Accounts that pay enough others who then pay one, all within a span.
fn scatter_gathers(payments: &[Payment], definition: &Definition) -> Vec<Accounts> {
    let mut found = Vec::new();
    for first in 0..payments.len() {
        let payments = within(&payments[first..], definition.span_us);
        let mut mules: BTreeMap<(u32, u32), Accounts> = BTreeMap::new();
        for (at, scatter) in payments.iter().enumerate() {
            for gather in payments[at..].iter().filter(|gather| gather.source == scatter.destination) {
                mules.entry((scatter.source, gather.destination)).or_default().insert(gather.source);
            }
        }
        for ((source, sink), mut mules) in mules {
            if mules.len() >= definition.least {
                mules.extend([source, sink]);
                found.push(mules);
            }
        }
    }
    found
}

/// Walks in time order over different accounts: those that come back to the first within a span, or those on which money stays
/// nowhere longer than that.
fn walks(payments: &[Payment], definition: &Definition, closed: bool) -> Vec<Accounts> {
    let mut found = Vec::new();
    let mut walk: Vec<Payment> = Vec::new();
    for at in 0..payments.len() {
        walk.push(payments[at]);
        extend(&payments[at + 1..], definition, closed, &mut walk, &mut found);
        walk.pop();
    }
    found
}

fn extend(
    payments: &[Payment],
    definition: &Definition,
    closed: bool,
    walk: &mut Vec<Payment>,
    found: &mut Vec<Accounts>,
) {
    let (first, last) = (walk[0], walk[walk.len() - 1]);
    let accounts = |walk: &[Payment]| walk.iter().flat_map(|one| [one.source, one.destination]).collect();
    let ends = last.destination == first.source;
    if closed == ends && walk.len() >= definition.least {
        found.push(accounts(walk));
    }
    if ends || walk.len() == definition.length_max {
        return;
    }
    let since = if closed { first.time } else { last.time };
    for (at, next) in payments.iter().enumerate() {
        let visited = walk[1..].iter().any(|one| one.source == next.destination)
            || (next.destination == first.source && !closed);
        let goes_on = next.source == last.destination && next.time - since <= definition.span_us;
        if goes_on && !visited && passes_on(&last, next, definition) {
            walk.push(*next);
            extend(&payments[at + 1..], definition, closed, walk, found);
            walk.pop();
        }
    }
}

/// Whether what is paid is the stated part of what was received.
fn passes_on(receipt: &Payment, payment: &Payment, definition: &Definition) -> bool {
    definition.passed_on.is_none_or(|(min, max)| {
        let (received, paid) = (i128::from(receipt.received.amount), i128::from(payment.paid.amount));
        receipt.received.currency == payment.paid.currency
            && (min * received..=max * received).contains(&(1_000 * paid))
    })
}

/// Blocks within a span; with `stack` those whose payees pay a third layer.
fn blocks(payments: &[Payment], definition: &Definition, stack: bool) -> Vec<Accounts> {
    let mut found = Vec::new();
    for first in 0..payments.len() {
        let later = within(&payments[first..], 2 * definition.span_us);
        // Shorter windows too: in the longest, payments of a second layer can hide a block.
        for end in 1..=within(later, definition.span_us).len() {
            let (payers, payees) = block(&later[..end], definition);
            if payers.len() < definition.least || payees.len() < definition.least {
                continue;
            }
            let sinks = sinks(later, &payers, &payees, definition);
            if !stack || !sinks.is_empty() {
                found.push(&(&payers | &payees) | &if stack { sinks } else { Accounts::new() });
            }
        }
    }
    found
}

/// What is left if accounts tied with too small a share of the other side go, the one with the smallest share first.
fn block(payments: &[Payment], definition: &Definition) -> (Accounts, Accounts) {
    // An account that pays and is paid stands on both sides at first; it stays on that where it is tied with more.
    let (out, into) = (by_hub(payments, pays), by_hub(payments, paid_by));
    let degree = |side: &BTreeMap<u32, Accounts>, account| side.get(&account).map_or(0, Accounts::len);
    let mut payers: Accounts =
        out.keys().copied().filter(|&account| degree(&out, account) >= degree(&into, account)).collect();
    let mut payees: Accounts = into.keys().copied().filter(|account| !payers.contains(account)).collect();
    loop {
        let tied = |account: &u32| match payers.contains(account) {
            true => ((&out[account] & &payees).len(), payees.len()),
            false => ((&into[account] & &payers).len(), payers.len()),
        };
        let all = &payers | &payees;
        let worst = all
            .iter()
            .filter(|account| {
                let (ties, side) = tied(account);
                1_000 * ties < definition.share_permille * side
            })
            .min_by_key(|account| {
                let (ties, side) = tied(account);
                (1_000_000 * ties / side, payers.contains(account))
            });
        match worst.copied() {
            Some(account) => drop((payers.remove(&account), payees.remove(&account))),
            None => return (payers, payees),
        }
    }
}

/// Accounts outside of a block that enough of its payees pay after their first payment from it.
fn sinks(payments: &[Payment], payers: &Accounts, payees: &Accounts, definition: &Definition) -> Accounts {
    let mut paid: Accounts = Accounts::new();
    let mut tied: BTreeMap<u32, Accounts> = BTreeMap::new();
    for one in payments {
        if payers.contains(&one.source) && payees.contains(&one.destination) {
            paid.insert(one.destination);
        } else if paid.contains(&one.source) && !payers.contains(&one.destination) {
            tied.entry(one.destination).or_default().insert(one.source);
        }
    }
    tied.retain(|sink, from| {
        !payees.contains(sink)
            && from.len() >= 2
            && 1_000 * from.len() >= definition.share_permille * payees.len()
    });
    tied.into_keys().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringfence::patterns::Money;

    const SEVEN: Definition =
        Definition { span_us: 7, least: 2, length_max: 8, passed_on: None, share_permille: 800 };

    /// Payments of 100 cents, one microsecond after another.
    fn payments(pairs: &[(u32, u32)]) -> Vec<Payment> {
        let money = Money { amount: 100, currency: 0 };
        let payment = |(at, &(source, destination)): (usize, &(u32, u32))| Payment {
            time: at as i64,
            source,
            destination,
            paid: money,
            received: money,
        };
        pairs.iter().enumerate().map(payment).collect()
    }

    fn accounts(payments: &[Payment]) -> Vec<u32> {
        let all: Accounts = payments.iter().flat_map(|one| [one.source, one.destination]).collect();
        Vec::from_iter(all)
    }

    fn has(typology: &str, pairs: &[(u32, u32)]) -> bool {
        let payments = payments(pairs);
        meets(typology, &accounts(&payments), &payments, &SEVEN)
    }

    #[test]
    fn groups_are_counted_whatever_the_direction_and_order() {
        assert_eq!(num_components(&[]), 0);
        assert_eq!(num_components(&payments(&[(1, 2), (3, 4)])), 2);
        assert_eq!(num_components(&payments(&[(1, 2), (3, 4), (4, 2)])), 1);
        assert_eq!(num_components(&payments(&[(1, 2), (3, 4), (5, 6), (6, 1), (3, 7)])), 2);
    }

    #[test]
    fn counterparties_are_different_accounts_on_one_side() {
        assert_eq!(num_counterparties(&[]), 0);
        assert_eq!(num_counterparties(&payments(&[(1, 2), (1, 2), (2, 3)])), 1);
        assert_eq!(num_counterparties(&payments(&[(1, 4), (2, 4), (3, 4), (4, 1)])), 3);
    }

    #[test]
    fn a_fan_is_enough_others_on_one_side_within_the_span() {
        assert!(has("fan-in", &[(1, 3), (2, 3)]) && !has("fan-out", &[(1, 3), (2, 3)]));
        assert!(has("fan-out", &[(3, 1), (3, 2)]) && !has("fan-out", &[(3, 1), (3, 1)]));
        let mut late = payments(&[(1, 3), (2, 3)]);
        late[1].time = 8;
        assert!(!meets("fan-in", &[1, 2, 3], &late, &SEVEN));
        late[1].time = 7;
        assert!(meets("fan-in", &[1, 2, 3], &late, &SEVEN));
    }

    #[test]
    fn half_of_an_attempt_with_the_shape_is_enough_and_less_is_not() {
        // Of five accounts three are in the fan, then of seven.
        assert!(has("fan-in", &[(1, 3), (2, 3), (4, 5)]));
        assert!(!has("fan-in", &[(1, 3), (2, 3), (4, 5), (6, 7)]));
    }

    #[test]
    fn a_hub_gathers_before_it_scatters_each_within_the_span() {
        assert!(has("gather-scatter", &[(1, 9), (2, 9), (9, 3), (9, 4)]));
        assert!(!has("gather-scatter", &[(9, 3), (9, 4), (1, 9), (2, 9)]));
        let mut slow = payments(&[(1, 9), (2, 9), (9, 3), (9, 4)]);
        (slow[1].time, slow[2].time, slow[3].time) = (7, 8, 14);
        assert!(meets("gather-scatter", &accounts(&slow), &slow, &SEVEN));
        slow[3].time = 15;
        assert!(!meets("gather-scatter", &accounts(&slow), &slow, &SEVEN));
    }

    #[test]
    fn a_mule_is_paid_before_it_pays() {
        assert!(has("scatter-gather", &[(1, 2), (1, 3), (2, 9), (3, 9)]));
        assert!(has("scatter-gather", &[(1, 2), (2, 9), (1, 3), (3, 9)]));
        assert!(has("scatter-gather", &[(1, 2), (2, 1), (1, 3), (3, 1)]));
        assert!(!has("scatter-gather", &[(2, 9), (3, 9), (1, 2), (1, 3)]));
    }

    #[test]
    fn walks_follow_the_time() {
        assert!(has("cycle", &[(1, 2), (2, 3), (3, 1)]) && has("cycle", &[(2, 3), (3, 1), (1, 2)]));
        assert!(!has("cycle", &[(1, 2), (3, 1), (2, 3)]) && !has("cycle", &[(1, 2), (2, 3)]));
        assert!(has("random", &[(1, 2), (2, 3)]) && !has("random", &[(2, 3), (1, 2)]));
        assert!(!has("random", &[(1, 2)]) && !has("random", &[(1, 2), (2, 1)]));
    }

    #[test]
    fn a_walk_carries_the_stated_part_in_one_currency_and_not_too_slowly() {
        let half = Definition { passed_on: Some((500, 1_000)), ..SEVEN };
        let meets = |walk: &[Payment]| meets("random", &[1, 2, 3], walk, &half);
        let mut walk = payments(&[(1, 2), (2, 3)]);
        for (paid, expected) in [(49, false), (50, true), (100, true), (101, false)] {
            walk[1].paid.amount = paid;
            assert_eq!(meets(&walk), expected, "{paid}");
        }
        walk[1].paid = Money { amount: 100, currency: 1 };
        assert!(!meets(&walk));
        walk[1].paid.currency = 0;
        walk[1].time = 8;
        assert!(!meets(&walk));
    }

    #[test]
    fn in_a_block_nearly_all_pay_nearly_all() {
        let block = [(1, 3), (1, 4), (2, 3), (2, 4)];
        assert!(has("bipartite", &block) && !has("bipartite", &block[..3]) && !has("stack", &block));
        assert!(!has("bipartite", &[(1, 2), (3, 4), (5, 6)]));
    }

    #[test]
    fn what_a_shape_lacks_is_said() {
        let two = |pairs: &[(u32, u32)], typology| {
            let payments = payments(pairs);
            lack(typology, &accounts(&payments), &payments, &Definition { span_us: 1, ..SEVEN })
        };
        assert_eq!(two(&[(1, 2), (3, 4)], "bipartite"), Lack::Apart);
        assert_eq!(two(&[(1, 2)], "fan-in"), Lack::Few);
        assert_eq!(two(&[(1, 2)], "cycle"), Lack::Few);
        assert_eq!(two(&[(1, 2), (3, 2), (2, 4)], "gather-scatter"), Lack::Few);
        assert_eq!(two(&[(2, 4), (2, 5), (1, 2), (3, 2)], "gather-scatter"), Lack::Otherwise);
        assert_eq!(two(&[(1, 2), (1, 3), (2, 9)], "scatter-gather"), Lack::Few);
        assert_eq!(two(&[(2, 9), (3, 9), (1, 2), (1, 3)], "scatter-gather"), Lack::Otherwise);
        assert_eq!(two(&[(1, 2), (2, 3), (3, 1)], "cycle"), Lack::Beyond);
        assert_eq!(two(&[(2, 3), (1, 2), (4, 2), (5, 4)], "random"), Lack::Otherwise);
    }

    #[test]
    fn a_stack_is_a_block_whose_payees_pay_on() {
        let stack = [(1, 3), (1, 4), (2, 3), (2, 4), (3, 5), (4, 5)];
        assert!(has("stack", &stack) && !has("stack", &stack[..5]));
        // Paid on before it was received.
        assert!(!has("stack", &[(3, 5), (4, 5), (1, 3), (1, 4), (2, 3), (2, 4)]));
    }
}
