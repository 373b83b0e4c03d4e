//! Instances: what a search found, in one form for every typology.

use super::cycles::Cycles;
use crate::ids::{AccountId, TxId};
use std::cmp::Reverse;

/// A shape of laundering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Typology {
    /// Money that comes back to where it left, each payment after the one before.
    Cycle,
}

impl Typology {
    /// All typologies, in the order in which reports list them.
    pub const ALL: [Typology; 1] = [Typology::Cycle];

    /// The name in options, files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Typology::Cycle => "cycle",
        }
    }
}

/// What an account does in an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The money leaves it first.
    Source,
    /// It passes the money on.
    Middle,
}

impl Role {
    /// The name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Role::Source => "source",
            Role::Middle => "middle",
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
    /// In how many ways payments can be chosen so that they make the shape; 2⁶⁴ − 1 stands for that many or more.
    pub ways: u64,
}

/// The instances in cycles: cycles of the same accounts that overlap in time are one, with the payments of all.
///
/// Its first account is that of the earliest of them. In the order of first payments, then of accounts.
pub fn cycle_instances(cycles: &Cycles) -> Vec<Instance> {
    let found = cycles.iter().map(|cycle| {
        let member = |(stage, &account): (usize, &AccountId)| {
            let role = if stage == 0 { Role::Source } else { Role::Middle };
            Member { stage: stage as u32, account, role }
        };
        Instance {
            typology: Typology::Cycle,
            members: cycle.accounts.iter().enumerate().map(member).collect(),
            transactions: cycle.transactions.to_vec(),
            ways: cycle.ways,
        }
    });
    merge(found.collect())
}

/// Makes one of instances of the same typology and accounts that overlap in time.
fn merge(mut found: Vec<Instance>) -> Vec<Instance> {
    let accounts = |instance: &Instance| {
        let mut accounts: Vec<AccountId> = instance.members.iter().map(|member| member.account).collect();
        accounts.sort_unstable();
        (instance.typology, accounts)
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
        assert_eq!((one.members[0].account, one.ways), (AccountId(0), 2));
        assert_eq!(one.transactions, [3, 5, 8, 9, 12].map(TxId));
        assert_eq!((merged[1].transactions[0], merged[2].transactions[0]), (TxId(4), TxId(20)));
    }
}
