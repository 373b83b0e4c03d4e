//! Instances: what a search found, in one form for every typology.

use super::budget::Cut;
use super::cycles::Cycles;
use super::score::Score;
use super::transfers::Transfers;
use super::typology::Typology;
use crate::ids::{AccountId, TxId};
use rayon::prelude::*;
use std::cmp::{Ordering, Reverse};

/// What an account does in an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The money leaves it first.
    Source,
    /// It passes the money on.
    Middle,
    /// The money arrives there last.
    Sink,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 3] = [Role::Source, Role::Middle, Role::Sink];

    /// The name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Role::Source => "source",
            Role::Middle => "middle",
            Role::Sink => "sink",
        }
    }
}

/// An account of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// Where the account stands in the order of payments, from 0.
    pub stage: u32,
    /// The account.
    pub account: AccountId,
    /// What it does.
    pub role: Role,
}

/// One find: accounts and the payments that show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its shape.
    pub typology: Typology,
    /// Accounts by stage, then by id; none twice.
    pub members: Vec<Member>,
    /// Payments, in time order.
    pub transactions: Vec<TxId>,
    /// In how many ways payments can be chosen so that they make the shape, for cycles; else 1. 2⁶⁴ − 1 stands for that many or more.
    pub ways: u64,
    /// Of a cycle: what can have come back to its first account round it, payments split and joined as needed, in minor units (with rates in units of
    /// value); None for amounts of several currencies, and for other shapes.
    pub flow: Option<i64>,
    /// How unlikely it is by chance.
    pub score: Score,
    /// Instances of the same typology that it stands for because they overlap with it.
    pub overlapping: u32,
}

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Instances, those with the highest score first; of equal ones the earliest.
    pub instances: Vec<Instance>,
    /// What was left undone.
    pub cut: Cut,
}

impl Instance {
    /// An instance without a score; members may come in any order and more than once, the first stage counts.
    pub(super) fn new(
        transfers: &Transfers,
        typology: Typology,
        members: impl IntoIterator<Item = (u32, u32, Role)>,
        places: impl IntoIterator<Item = u32>,
    ) -> Self {
        let mut members: Vec<Member> = members
            .into_iter()
            .map(|(stage, account, role)| Member { stage, account: AccountId(account), role })
            .collect();
        members.sort_unstable_by_key(|member| (member.account, member.stage));
        members.dedup_by_key(|member| member.account);
        members.sort_unstable();
        let mut transactions: Vec<TxId> = places.into_iter().map(|place| transfers.id(place)).collect();
        transactions.sort_unstable();
        transactions.dedup();
        // A hundred thousand of them wait for their ranks, and many are named often.
        members.shrink_to_fit();
        transactions.shrink_to_fit();
        Self { typology, members, transactions, ways: 1, flow: None, score: Score::default(), overlapping: 0 }
    }
}

/// Orders instances by score, of equal ones the earliest first; on the threads of the pool that it is called in.
pub(super) fn rank(found: &mut [Instance]) {
    found.par_sort_by(by_rank);
}

/// Keeps the `len` first of `found` in the order of [`rank`], in any order.
pub(super) fn keep_first(found: &mut Vec<Instance>, len: usize) {
    if len < found.len() {
        found.select_nth_unstable_by(len, by_rank);
        found.truncate(len);
    }
}

fn by_rank(a: &Instance, b: &Instance) -> Ordering {
    (Reverse(a.score.total()), a.transactions[0], &a.members, &a.transactions).cmp(&(
        Reverse(b.score.total()),
        b.transactions[0],
        &b.members,
        &b.transactions,
    ))
}

/// Of ranked instances that share more than half of their payments with one before them, that one alone stays and counts them.
pub(super) fn overlaps(transfers: &Transfers, found: Vec<Instance>) -> Vec<Instance> {
    // By place of a payment: the first instance that has it, counted from 1.
    let mut owners = vec![0u32; transfers.num_places()];
    let mut kept: Vec<Instance> = Vec::with_capacity(found.len());
    let mut shared: Vec<u32> = Vec::new();
    for instance in found {
        let places = || instance.transactions.iter().map(|&id| transfers.place(id) as usize);
        shared.clear();
        shared.extend(places().map(|place| owners[place]).filter(|&owner| owner > 0));
        shared.sort_unstable();
        let most = shared.chunk_by(|a, b| a == b).max_by_key(|chunk| (chunk.len(), Reverse(chunk[0])));
        match most.filter(|chunk| 2 * chunk.len() > instance.transactions.len()) {
            Some(chunk) => kept[chunk[0] as usize - 1].overlapping += 1,
            None => {
                let owner = kept.len() as u32 + 1;
                places().for_each(|place| {
                    if owners[place] == 0 {
                        owners[place] = owner;
                    }
                });
                kept.push(instance);
            }
        }
    }
    kept
}

/// The instances in cycles: cycles of the same accounts that overlap in time are one, with the payments of all.
///
/// Its first account is that of the earliest of them. In the order of first payments, then of accounts; without scores.
pub fn cycle_instances(cycles: &Cycles, typology: Typology) -> Vec<Instance> {
    let found = cycles.iter().map(|cycle| {
        let member = |(stage, &account): (usize, &AccountId)| {
            let role = if stage == 0 { Role::Source } else { Role::Middle };
            Member { stage: stage as u32, account, role }
        };
        Instance {
            typology,
            members: cycle.accounts.iter().enumerate().map(member).collect(),
            transactions: cycle.transactions.to_vec(),
            ways: cycle.ways,
            flow: None,
            score: Score::default(),
            overlapping: 0,
        }
    });
    merge(found.collect())
}

/// Makes one of instances of the same accounts that overlap in time.
fn merge(mut found: Vec<Instance>) -> Vec<Instance> {
    let accounts = |instance: &Instance| {
        let mut accounts: Vec<AccountId> = instance.members.iter().map(|member| member.account).collect();
        accounts.sort_unstable();
        accounts
    };
    // The longest of those that begin at one payment comes first; its roles stay.
    found.sort_by_cached_key(|instance| {
        let end = instance.transactions[instance.transactions.len() - 1];
        (accounts(instance), instance.transactions[0], Reverse(end), instance.members.clone())
    });
    let mut merged: Vec<Instance> = Vec::new();
    for instance in found {
        match merged.last_mut() {
            Some(before)
                if accounts(before) == accounts(&instance)
                    && instance.transactions[0] <= before.transactions[before.transactions.len() - 1] =>
            {
                before.transactions.extend(instance.transactions);
                before.transactions.sort_unstable();
                before.transactions.dedup();
                before.ways = before.ways.saturating_add(instance.ways);
                before.overlapping += 1;
            }
            _ => merged.push(instance),
        }
    }
    merged.sort_by(|a, b| (a.transactions[0], &a.members).cmp(&(b.transactions[0], &b.members)));
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycle(accounts: &[u32], transactions: &[u64]) -> Instance {
        let member = |(stage, &account): (usize, &u32)| Member {
            stage: stage as u32,
            account: AccountId(account),
            role: if stage == 0 { Role::Source } else { Role::Middle },
        };
        Instance {
            typology: Typology::Cycle,
            members: accounts.iter().enumerate().map(member).collect(),
            transactions: transactions.iter().map(|&at| TxId(at)).collect(),
            ways: 1,
            flow: None,
            score: Score::default(),
            overlapping: 0,
        }
    }

    #[test]
    fn cycles_of_the_same_accounts_that_overlap_are_one() {
        let found = vec![
            cycle(&[2, 0, 1], &[8, 9, 12]),
            cycle(&[0, 1, 2], &[3, 5, 8]),
            cycle(&[0, 1, 2], &[20, 21, 22]),
            cycle(&[0, 1], &[4, 5]),
        ];
        let merged = merge(found);
        assert_eq!(merged.len(), 3);
        let one = &merged[0];
        assert_eq!((one.members[0].account, one.ways, one.overlapping), (AccountId(0), 2, 1));
        assert_eq!(one.transactions, [3, 5, 8, 9, 12].map(TxId));
        assert_eq!((merged[1].transactions[0], merged[2].transactions[0]), (TxId(4), TxId(20)));
    }
}
