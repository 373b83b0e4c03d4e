//! Pools of money, slowly: every lot by itself, from the first to the last, and what a policy takes of them.

use std::collections::{BTreeMap, VecDeque};

/// Which part of a pool a payment takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    #[default]
    Fifo,
    Lifo,
    Haircut,
    CleanFirst,
    TaintedFirst,
}

impl Policy {
    pub const ALL: [Policy; 5] =
        [Policy::Fifo, Policy::Lifo, Policy::Haircut, Policy::CleanFirst, Policy::TaintedFirst];

    pub fn name(self) -> &'static str {
        match self {
            Policy::Fifo => "fifo",
            Policy::Lifo => "lifo",
            Policy::Haircut => "haircut",
            Policy::CleanFirst => "clean_first",
            Policy::TaintedFirst => "tainted_first",
        }
    }
}

/// Whose money it is; `None` is clean and sorts before every case.
pub type Owner = Option<u32>;

/// Money that came in at once and belongs to one owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    pub amount: i128,
    pub owner: Owner,
    /// Payments since the seed.
    pub hop: u32,
}

impl Lot {
    pub fn clean(amount: i128) -> Lot {
        Lot { amount, owner: None, hop: 0 }
    }
}

/// The money of one account in one currency.
#[derive(Clone, Debug)]
pub enum Pool {
    /// Oldest first, never merged; `merge` joins clean neighbours, which nothing shows but the clock.
    Lots { lots: VecDeque<Lot>, policy: Policy, merge: bool },
    /// Amount and smallest hop by owner.
    Shares(BTreeMap<Owner, (i128, u32)>),
}

impl Pool {
    pub fn new(policy: Policy, merge: bool) -> Pool {
        match policy {
            Policy::Haircut => Pool::Shares(BTreeMap::new()),
            policy => Pool::Lots { lots: VecDeque::new(), policy, merge },
        }
    }

    /// Puts a lot in as the newest.
    pub fn put(&mut self, lot: Lot) {
        if lot.amount == 0 {
            return;
        }
        match self {
            Pool::Lots { lots, merge, .. } => match lots.back_mut() {
                Some(last) if *merge && last.owner.is_none() && lot.owner.is_none() => {
                    last.amount += lot.amount;
                }
                _ => lots.push_back(lot),
            },
            Pool::Shares(owners) => {
                let (amount, hop) = owners.entry(lot.owner).or_insert((0, lot.hop));
                *amount += lot.amount;
                *hop = lot.hop.min(*hop);
            }
        }
    }

    /// Takes `due`, or all there is, as the policy says; in the order in which it is taken.
    pub fn take(&mut self, due: i128) -> Vec<Lot> {
        let (lots, policy) = match self {
            Pool::Shares(owners) => return take_pro_rata(owners, due),
            Pool::Lots { lots, policy, .. } => (lots, *policy),
        };
        let front = |index: usize, _: usize| index;
        let back = |index: usize, len: usize| len - 1 - index;
        let (any, clean) = (|_: &Lot| true, |lot: &Lot| lot.owner.is_none());
        let tainted = |lot: &Lot| lot.owner.is_some();
        match policy {
            Policy::Fifo => take_lots(lots, due, front, any),
            Policy::Lifo => take_lots(lots, due, back, any),
            Policy::CleanFirst => {
                let mut taken = take_lots(lots, due, front, clean);
                let left = due - sum(&taken);
                taken.extend(take_lots(lots, left, front, tainted));
                taken
            }
            Policy::TaintedFirst => {
                let mut taken = take_lots(lots, due, front, tainted);
                let left = due - sum(&taken);
                taken.extend(take_lots(lots, left, front, clean));
                taken
            }
            Policy::Haircut => unreachable!("haircut keeps shares"),
        }
    }

    /// Takes the newest `amount`; under haircut, where nothing is newest, as a payment would.
    pub fn take_newest(&mut self, amount: i128) -> Vec<Lot> {
        match self {
            Pool::Shares(owners) => take_pro_rata(owners, amount),
            Pool::Lots { lots, .. } => take_lots(lots, amount, |index, len| len - 1 - index, |_| true),
        }
    }

    /// What is there, clean or not.
    pub fn balance(&self) -> i128 {
        match self {
            Pool::Lots { lots, .. } => lots.iter().map(|lot| lot.amount).sum(),
            Pool::Shares(owners) => owners.values().map(|part| part.0).sum(),
        }
    }

    /// What belongs to anybody.
    pub fn owned(&self) -> Vec<(u32, i128)> {
        match self {
            Pool::Lots { lots, .. } => lots.iter().filter_map(|lot| Some((lot.owner?, lot.amount))).collect(),
            Pool::Shares(owners) => {
                owners.iter().filter_map(|(owner, part)| Some(((*owner)?, part.0))).collect()
            }
        }
    }
}

/// The sum of some lots.
pub fn sum(lots: &[Lot]) -> i128 {
    lots.iter().map(|lot| lot.amount).sum()
}

/// Goes through the lots that are `wanted` in the order that `place` says until `due` is found.
fn take_lots(
    lots: &mut VecDeque<Lot>,
    mut due: i128,
    place: impl Fn(usize, usize) -> usize,
    wanted: impl Fn(&Lot) -> bool,
) -> Vec<Lot> {
    let mut taken = Vec::new();
    let (mut index, mut emptied) = (0, false);
    while due > 0 && index < lots.len() {
        let at = place(index, lots.len());
        if wanted(&lots[at]) {
            let part = Lot { amount: due.min(lots[at].amount), ..lots[at] };
            lots[at].amount -= part.amount;
            emptied |= lots[at].amount == 0;
            due -= part.amount;
            taken.push(part);
        }
        index += 1;
    }
    if emptied {
        lots.retain(|lot| lot.amount > 0);
    }
    taken
}

fn take_pro_rata(owners: &mut BTreeMap<Owner, (i128, u32)>, due: i128) -> Vec<Lot> {
    let balance: i128 = owners.values().map(|part| part.0).sum();
    let due = due.min(balance);
    if due == 0 {
        return Vec::new();
    }
    let mut gifts: Vec<(Owner, i128, i128)> =
        owners.iter().map(|(owner, part)| (*owner, due * part.0 / balance, due * part.0 % balance)).collect();
    let left = due - gifts.iter().map(|gift| gift.1).sum::<i128>();
    let mut by_remainder: Vec<usize> = (0..gifts.len()).collect();
    by_remainder.sort_by_key(|&at| (-gifts[at].2, at));
    for &at in by_remainder.iter().take(left as usize) {
        gifts[at].1 += 1;
    }
    let mut taken = Vec::new();
    for (owner, amount, _) in gifts {
        if amount > 0 {
            let part = owners.get_mut(&owner).unwrap();
            part.0 -= amount;
            taken.push(Lot { amount, owner, hop: part.1 });
        }
    }
    owners.retain(|_, part| part.0 > 0);
    taken
}
