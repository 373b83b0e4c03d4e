//! Patterns by `docs/pattern-language.md` alone, slowly: every choice of payments, every account, every window is tried.

use super::trace::Payment;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// What a pattern asks, as plain data.
#[derive(Clone, Debug, Default)]
pub struct Pattern {
    pub within: i64,
    pub strict: bool,
    pub nodes: Vec<Node>,
    pub transfers: Vec<Transfer>,
    pub sharings: Vec<Sharing>,
}

#[derive(Clone, Debug, Default)]
pub struct Node {
    /// Fewest members and the window of a group.
    pub group: Option<(usize, Option<i64>)>,
    /// By account: whether it meets the conditions.
    pub allowed: Vec<bool>,
}

#[derive(Clone, Debug, Default)]
pub struct Transfer {
    pub from: usize,
    pub to: usize,
    /// (transfer, at least, at most)
    pub after: Vec<(usize, i64, i64)>,
    /// (least, most, currency)
    pub amount: Option<(i64, i64, u16)>,
    pub total: Option<(i64, i64, u16)>,
    pub parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub is_total: bool,
    pub least: i128,
    pub most: i128,
    pub of: usize,
}

#[derive(Clone, Debug)]
pub struct Sharing {
    pub who: usize,
    /// Identifiers of the kind by account.
    pub uses: Vec<Vec<u32>>,
    pub with: Option<usize>,
}

/// Accounts by node, rows by transfer, number of choices.
pub type Match = (Vec<Vec<u32>>, Vec<Vec<usize>>, u64);

/// What is known of a match: one account a node or the members, and the rows of each transfer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    accounts: Vec<Vec<u32>>,
    rows: Vec<Vec<usize>>,
}

/// By closing row and accounts: the rows of single transfers, and the match with its groups.
type Choices = BTreeMap<(usize, Vec<Vec<u32>>), Vec<(Vec<usize>, State)>>;

struct Oracle<'a> {
    payments: &'a [Payment],
    pattern: &'a Pattern,
    num_accounts: u32,
}

/// All matches, by their last row, then accounts, then rows.
pub fn matches(payments: &[Payment], num_accounts: u32, pattern: &Pattern) -> Vec<Match> {
    let oracle = Oracle { payments, pattern, num_accounts };
    let mut states = Vec::new();
    let empty = State {
        accounts: vec![Vec::new(); pattern.nodes.len()],
        rows: vec![Vec::new(); pattern.transfers.len()],
    };
    oracle.singles(0, &empty, &mut states);
    let mut all = Vec::new();
    if oracle.single_transfers().is_empty() {
        for state in &states {
            oracle.windows_in_turn(state, &mut all);
        }
    } else {
        let mut choices = Choices::new();
        for state in &states {
            let mut found = Vec::new();
            oracle.groups(0, state, &mut found);
            for one in found {
                let rows: Vec<usize> =
                    oracle.single_transfers().iter().map(|&transfer| state.rows[transfer][0]).collect();
                let closing = *rows.iter().max().unwrap();
                choices.entry((closing, state.accounts.clone())).or_default().push((rows, one));
            }
        }
        for same in choices.into_values() {
            let shown =
                same.iter().min_by_key(|(rows, _)| (Reverse(rows.iter().min()), rows.clone())).unwrap();
            all.push((shown.1.accounts.clone(), shown.1.rows.clone(), same.len() as u64));
        }
    }
    all.sort_by_key(|(accounts, rows, _)| {
        (rows.iter().flatten().max().copied(), accounts.clone(), rows.clone())
    });
    all
}

impl Oracle<'_> {
    fn is_group(&self, node: usize) -> bool {
        self.pattern.nodes[node].group.is_some()
    }

    fn group_of(&self, transfer: usize) -> Option<usize> {
        let Transfer { from, to, .. } = self.pattern.transfers[transfer];
        [from, to].into_iter().find(|&node| self.is_group(node))
    }

    fn single_transfers(&self) -> Vec<usize> {
        (0..self.pattern.transfers.len()).filter(|&transfer| self.group_of(transfer).is_none()).collect()
    }

    /// Every choice of single payments, then every choice of the accounts that they leave open.
    fn singles(&self, number: usize, state: &State, all: &mut Vec<State>) {
        let Some(&transfer) = self.single_transfers().get(number) else {
            return self.open_accounts(state, all);
        };
        let Transfer { from, to, .. } = self.pattern.transfers[transfer];
        for row in 0..self.payments.len() {
            let Payment { source, destination, .. } = self.payments[row];
            if !self.is_payment_of(transfer, row) {
                continue;
            }
            let mut next = state.clone();
            let mut can = true;
            for (node, account) in [(from, source), (to, destination)] {
                if next.accounts[node].is_empty() {
                    can &= self.can_be(node, account, &next);
                    next.accounts[node] = vec![account];
                } else {
                    can &= next.accounts[node] == [account];
                }
            }
            let agrees = |&other: &usize| self.agree((transfer, row), (other, state.rows[other][0]));
            if can && self.single_transfers()[..number].iter().all(agrees) {
                next.rows[transfer] = vec![row];
                if self.is_within(&next) {
                    self.singles(number + 1, &next, all);
                }
            }
        }
    }

    fn open_accounts(&self, state: &State, all: &mut Vec<State>) {
        let open = (0..self.pattern.nodes.len())
            .find(|&node| !self.is_group(node) && state.accounts[node].is_empty());
        let Some(node) = open else {
            all.push(state.clone());
            return;
        };
        for account in 0..self.num_accounts {
            if self.can_be(node, account, state) {
                let mut next = state.clone();
                next.accounts[node] = vec![account];
                self.open_accounts(&next, all);
            }
        }
    }

    /// Whether an account can bear a name beside all others that are known.
    fn can_be(&self, node: usize, account: u32, state: &State) -> bool {
        self.pattern.nodes[node].allowed[account as usize]
            && !state.accounts.iter().any(|accounts| accounts.contains(&account))
            && self.pattern.sharings.iter().all(|sharing| {
                let Some(with) = sharing.with else { return true };
                let other = match node {
                    _ if node == sharing.who => with,
                    _ if node == with && !self.is_group(sharing.who) => sharing.who,
                    _ => return true,
                };
                state.accounts[other].iter().all(|&other| {
                    sharing.uses[account as usize]
                        .iter()
                        .any(|one| sharing.uses[other as usize].contains(one))
                })
            })
    }

    /// Whether a payment is there and what a transfer asks of it alone.
    fn is_payment_of(&self, transfer: usize, row: usize) -> bool {
        let payment = &self.payments[row];
        !payment.failed
            && payment.source != payment.destination
            && self.pattern.transfers[transfer].amount.is_none_or(|(least, most, currency)| {
                payment.paid_currency == currency && payment.paid >= least && payment.paid <= most
            })
    }

    /// Whether what two transfers ask of each other holds for two payments.
    fn agree(&self, one: (usize, usize), other: (usize, usize)) -> bool {
        one.1 != other.1 && self.ordered(one, other) && self.parts(one, other) && self.parts(other, one)
    }

    fn ordered(&self, one: (usize, usize), other: (usize, usize)) -> bool {
        let comes_after = |later: (usize, usize), earlier: (usize, usize)| {
            self.pattern.transfers[later.0].after.iter().filter(|after| after.0 == earlier.0).all(
                |&(_, least, most)| {
                    let gap = self.payments[later.1].time - self.payments[earlier.1].time;
                    later.1 > earlier.1 && !(self.pattern.strict && gap == 0) && least <= gap && gap <= most
                },
            )
        };
        comes_after(one, other) && comes_after(other, one)
    }

    fn parts(&self, one: (usize, usize), other: (usize, usize)) -> bool {
        let parts = self.pattern.transfers[one.0].parts.iter();
        parts.filter(|part| part.of == other.0 && !part.is_total).all(|part| {
            let (part_of, whole) = (&self.payments[one.1], &self.payments[other.1]);
            part.holds(
                (part_of.paid.into(), part_of.paid_currency),
                (whole.received.into(), whole.received_currency),
            )
        })
    }

    fn extent(&self, state: &State) -> Option<(i64, i64)> {
        let times = || state.rows.iter().flatten().map(|&row| self.payments[row].time);
        Some((times().min()?, times().max()?))
    }

    fn is_within(&self, state: &State) -> bool {
        self.extent(state).is_none_or(|(first, last)| last - first <= self.pattern.within)
    }

    /// Strands of a group: a member, and a row for each of its transfers.
    fn strands(&self, group: usize, state: &State) -> Vec<(u32, Vec<usize>)> {
        let transfers = self.transfers_of(group);
        let mut all = Vec::new();
        for member in 0..self.num_accounts {
            if self.can_be(group, member, state) {
                self.draw(group, &transfers, member, &mut Vec::new(), state, &mut all);
            }
        }
        all
    }

    fn transfers_of(&self, group: usize) -> Vec<usize> {
        (0..self.pattern.transfers.len()).filter(|&transfer| self.group_of(transfer) == Some(group)).collect()
    }

    fn draw(
        &self,
        group: usize,
        transfers: &[usize],
        member: u32,
        drawn: &mut Vec<usize>,
        state: &State,
        all: &mut Vec<(u32, Vec<usize>)>,
    ) {
        let Some(&transfer) = transfers.get(drawn.len()) else {
            all.push((member, drawn.clone()));
            return;
        };
        let Transfer { from, to, .. } = self.pattern.transfers[transfer];
        let account = |node: usize| if node == group { member } else { state.accounts[node][0] };
        for row in 0..self.payments.len() {
            let Payment { source, destination, .. } = self.payments[row];
            let agrees = (source, destination) == (account(from), account(to))
                && self.is_payment_of(transfer, row)
                && transfers
                    .iter()
                    .zip(&*drawn)
                    .all(|(&other, &one)| self.agree((transfer, row), (other, one)))
                && state.rows.iter().enumerate().all(|(other, rows)| {
                    let is_single = self.group_of(other).is_none();
                    rows.iter().all(|&one| {
                        self.ordered((transfer, row), (other, one))
                            && (!is_single || self.parts((transfer, row), (other, one)))
                    })
                });
            if agrees {
                drawn.push(row);
                self.draw(group, transfers, member, drawn, state, all);
                drawn.pop();
            }
        }
    }

    /// The best window of some strands, if enough members have one: what is known with the group in it.
    fn window(&self, group: usize, strands: &[(u32, Vec<usize>)], state: &State) -> Option<State> {
        let (least, own) = self.pattern.nodes[group].group.unwrap();
        let own = own.unwrap_or(self.pattern.within);
        let common =
            self.pattern.sharings.iter().find(|sharing| sharing.who == group && sharing.with.is_none());
        let choices: Vec<Vec<&(u32, Vec<usize>)>> = match common {
            None => vec![strands.iter().collect()],
            Some(sharing) => {
                let mut identifiers: Vec<u32> = sharing.uses.iter().flatten().copied().collect();
                identifiers.sort_unstable();
                identifiers.dedup();
                let users = |identifier| {
                    strands
                        .iter()
                        .filter(|(member, _)| sharing.uses[*member as usize].contains(&identifier))
                        .collect()
                };
                identifiers.into_iter().map(users).collect()
            }
        };
        let time = |row: usize| self.payments[row].time;
        let mut best: Option<(usize, i64, State)> = None;
        for strands in choices {
            let starts = strands.iter().map(|(_, rows)| rows.iter().map(|&row| time(row)).min().unwrap());
            let mut starts: Vec<i64> = starts.collect();
            starts.sort_unstable();
            for start in starts {
                // The longest window that begins here and keeps all within the pattern's.
                let fits = |end: i64| {
                    let (first, last) = self.extent(state).unwrap_or((start, end));
                    end - start <= own && end.max(last) - start.min(first) <= self.pattern.within
                };
                let ends = strands.iter().flat_map(|(_, rows)| rows).map(|&row| time(row));
                let Some(end) = ends.filter(|&end| end >= start && fits(end)).max() else { continue };
                let is_inside =
                    |rows: &[usize]| rows.iter().all(|&row| start <= time(row) && time(row) <= end);
                let inside: Vec<_> = strands.iter().filter(|(_, rows)| is_inside(rows)).collect();
                if !inside.iter().any(|(_, rows)| rows.iter().any(|&row| time(row) == start)) {
                    continue;
                }
                let mut next = state.clone();
                for (member, rows) in inside {
                    next.accounts[group].push(*member);
                    for (transfer, row) in self.transfers_of(group).iter().zip(rows) {
                        next.rows[*transfer].push(*row);
                    }
                }
                next.accounts[group].sort_unstable();
                next.accounts[group].dedup();
                next.rows.iter_mut().for_each(|rows| {
                    rows.sort_unstable();
                    rows.dedup();
                });
                let members = next.accounts[group].len();
                let is_better = best.as_ref().is_none_or(|(most, earliest, _)| {
                    members > *most || members == *most && start < *earliest
                });
                if is_better {
                    best = Some((members, start, next));
                }
            }
        }
        best.filter(|(members, ..)| *members >= least).map(|(_, _, state)| state)
    }

    fn group_at(&self, number: usize) -> Option<usize> {
        (0..self.pattern.nodes.len()).filter(|&node| self.is_group(node)).nth(number)
    }

    /// The groups from `number` on, around what is known; what holds is found.
    fn groups(&self, number: usize, state: &State, found: &mut Vec<State>) {
        let Some(group) = self.group_at(number) else {
            found.extend(self.sums_hold(state).then(|| state.clone()));
            return;
        };
        if let Some(next) = self.window(group, &self.strands(group, state), state) {
            self.groups(number + 1, &next, found);
        }
    }

    /// Windows of the first group one after another, each with the other groups.
    fn windows_in_turn(&self, state: &State, all: &mut Vec<Match>) {
        let group = self.group_at(0).unwrap();
        let mut strands = self.strands(group, state);
        while let Some(next) = self.window(group, &strands, state) {
            let mut found = Vec::new();
            self.groups(1, &next, &mut found);
            all.extend(found.into_iter().map(|state| (state.accounts, state.rows, 1)));
            strands.retain(|(_, rows)| {
                !rows.iter().any(|row| next.rows.iter().flatten().any(|taken| taken == row))
            });
        }
    }

    fn sums_hold(&self, state: &State) -> bool {
        let sum = |transfer: usize, of: fn(&Payment) -> (i64, u16)| {
            let amounts: Vec<(i64, u16)> =
                state.rows[transfer].iter().map(|&row| of(&self.payments[row])).collect();
            let is_one = amounts.iter().all(|amount| amount.1 == amounts[0].1);
            is_one.then(|| (amounts.iter().map(|amount| i128::from(amount.0)).sum::<i128>(), amounts[0].1))
        };
        let paid = |transfer: usize| sum(transfer, |payment| (payment.paid, payment.paid_currency));
        let received =
            |transfer: usize| sum(transfer, |payment| (payment.received, payment.received_currency));
        self.pattern.transfers.iter().enumerate().all(|(number, transfer)| {
            transfer.total.is_none_or(|(least, most, currency)| {
                paid(number)
                    .is_some_and(|(sum, of)| of == currency && sum >= least.into() && sum <= most.into())
            }) && transfer.parts.iter().all(|part| {
                let holds = |amount: Option<(i128, u16)>| match (amount, received(part.of)) {
                    (Some(amount), Some(whole)) => part.holds(amount, whole),
                    _ => false,
                };
                let of_one_group = self.group_of(number) == self.group_of(part.of);
                match part.is_total {
                    true => holds(paid(number)),
                    false if of_one_group => true,
                    false => state.rows[number].iter().all(|&row| {
                        let payment = &self.payments[row];
                        holds(Some((payment.paid.into(), payment.paid_currency)))
                    }),
                }
            })
        })
    }
}

impl Part {
    fn holds(&self, part: (i128, u16), whole: (i128, u16)) -> bool {
        part.1 == whole.1 && part.0 * 1000 >= whole.0 * self.least && part.0 * 1000 <= whole.0 * self.most
    }
}
