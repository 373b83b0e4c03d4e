//! Replay: the money of one case once more, now with memory of every payment it came by.
//!
//! A trace says how much of a case each payment carried, and not which of the case's money that was. The replay says that
//! too, and so takes the flows apart into *pieces*, each of which came by one chain of payments: the newest money of the
//! case leaves first under `lifo`, the oldest under every other policy. Where lots have an order these are the very lots that the
//! policy took; under `haircut`, which knows none, it is a convention. Whatever the policy, pieces sum to the flows and to what
//! is held, to the unit.
//!
//! # Method
//! Every payment makes a node per piece that it takes: which part of which earlier node's money it moved. A node's
//! received units are numbered from 0, and a piece is a range of them; a range is followed back from node to node
//! by rounding its ends down, so ranges that touch stay together and nothing is counted twice.
//!
//! # Cost
//! O(pieces moved) time and memory; a payment splits at most one piece.

use super::pool::lot::mul_div;
use crate::error::{Error, Result};
use std::collections::{HashMap, VecDeque};

/// An account's money in one currency; where it rests, by the stop's number.
pub(super) type Place = (u32, u16, u8);

/// Not a node.
const NONE: u32 = u32::MAX;

/// What happens to the money of the case, in order.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Money comes from outside: `origin` says by what.
    Enter { place: Place, amount: i64, origin: Origin },
    /// A payment takes `paid` from one place, the newest or the oldest, and puts `received` into another.
    Move { from: Place, to: Place, position: u64, paid: i64, received: i64, newest: bool },
    /// Money goes to another place, or leaves the case; the newest or the oldest.
    Leave { place: Place, amount: i64, newest: bool, to: Option<Place> },
}

/// How money of a case begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A transaction, at its position.
    Transaction(u64),
    /// Something else, with its number.
    Entry(u32),
}

/// Some units that one payment brought.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// The node whose units the payment moved; `NONE` at the origin.
    parent: u32,
    /// First unit of the parent that it moved.
    begin: i64,
    paid: i64,
    received: i64,
    origin: Origin,
}

/// A range of units of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) node: u32,
    begin: i64,
    pub(super) amount: i64,
}

/// One payment of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) origin: Origin,
    pub(super) paid: i64,
    pub(super) received: i64,
}

/// The pieces of one case.
#[derive(Debug, Default)]
pub(super) struct Replay {
    nodes: Vec<Node>,
    places: HashMap<Place, VecDeque<Piece>>,
    taken: Vec<Piece>,
}

impl Replay {
    /// Takes one step.
    ///
    /// # Errors
    /// [`Error::Unproved`] if a place does not hold what leaves it.
    pub(super) fn step(&mut self, step: &Step) -> Result<()> {
        match *step {
            Step::Enter { place, amount, origin } => {
                let node = Node { parent: NONE, begin: 0, paid: 0, received: amount, origin };
                self.put(node, place)
            }
            Step::Move { from, to, position, paid, received, newest } => {
                self.take(from, paid, newest)?;
                let (mut drawn, mut arrived) = (0, 0);
                for at in 0..self.taken.len() {
                    let piece = self.taken[at];
                    drawn += piece.amount;
                    let reached = mul_div(drawn, received, paid).0;
                    let (parent, begin, paid) = (piece.node, piece.begin, piece.amount);
                    let received = reached - arrived;
                    arrived = reached;
                    let origin = Origin::Transaction(position);
                    self.put(Node { parent, begin, paid, received, origin }, to)?;
                }
                Ok(())
            }
            Step::Leave { place, amount, newest, to } => {
                self.take(place, amount, newest)?;
                if newest {
                    self.taken.reverse();
                }
                if let Some(to) = to {
                    self.places.entry(to).or_default().extend(self.taken.iter().copied());
                }
                Ok(())
            }
        }
    }

    fn put(&mut self, node: Node, place: Place) -> Result<()> {
        if node.received == 0 {
            return Ok(());
        }
        let number = u32::try_from(self.nodes.len()).ok().filter(|&number| number != NONE);
        let number = number.ok_or(Error::Limit {
            what: "pieces of money of one case",
            found: self.nodes.len() as u64,
            limit: u64::from(NONE - 1),
            remedy: "trace a shorter window, or give up small amounts by `dust`",
        })?;
        let piece = Piece { node: number, begin: 0, amount: node.received };
        self.nodes.push(node);
        self.places.entry(place).or_default().push_back(piece);
        Ok(())
    }

    /// Moves `amount` units of a place into `self.taken`.
    fn take(&mut self, place: Place, amount: i64, newest: bool) -> Result<()> {
        self.taken.clear();
        let pieces = self.places.entry(place).or_default();
        let mut due = amount;
        while due > 0 {
            let end = if newest { pieces.back_mut() } else { pieces.front_mut() };
            let Some(piece) = end else {
                let problem = format!("account {} pays {due} units that never came", place.0);
                return Err(Error::Unproved(problem));
            };
            let part = piece.amount.min(due);
            due -= part;
            if part == piece.amount {
                self.taken.push(*piece);
                if newest {
                    pieces.pop_back()
                } else {
                    pieces.pop_front()
                };
            } else if newest {
                piece.amount -= part;
                self.taken.push(Piece { begin: piece.begin + piece.amount, amount: part, ..*piece });
            } else {
                self.taken.push(Piece { amount: part, ..*piece });
                piece.begin += part;
                piece.amount -= part;
            }
        }
        Ok(())
    }

    /// What is at a place, oldest first.
    pub(super) fn at(&self, place: Place) -> impl Iterator<Item = Piece> + '_ {
        self.places.get(&place).into_iter().flatten().copied()
    }

    /// The payments by which a piece came, from its origin on, appended to `hops`.
    pub(super) fn path(&self, piece: Piece, hops: &mut Vec<Hop>) {
        let first = hops.len();
        let (mut number, mut begin, mut end) = (piece.node, piece.begin, piece.begin + piece.amount);
        while number != NONE {
            let node = &self.nodes[number as usize];
            let back = |unit| mul_div(unit, node.paid, node.received).0;
            let (from, to) = (back(begin), back(end));
            hops.push(Hop { origin: node.origin, paid: to - from, received: end - begin });
            (number, begin, end) = (node.parent, node.begin + from, node.begin + to);
        }
        hops[first..].reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Place = (0, 0, 0);
    const B: Place = (1, 0, 0);
    const C: Place = (2, 0, 0);

    fn replay(steps: &[Step]) -> Replay {
        let mut replay = Replay::default();
        steps.iter().for_each(|step| replay.step(step).unwrap());
        replay
    }

    fn pay(from: Place, to: Place, position: u64, paid: i64, received: i64) -> Step {
        Step::Move { from, to, position, paid, received, newest: false }
    }

    fn enter(place: Place, amount: i64) -> Step {
        Step::Enter { place, amount, origin: Origin::Transaction(0) }
    }

    #[test]
    fn amounts_of_all_hops_sum_to_what_each_payment_carried() {
        // 10 units with a fee of 3 on the first payment and a gain of 4 on the second; 5 of 11 go on.
        let steps =
            [enter(A, 10), pay(A, B, 1, 10, 7), pay(B, C, 2, 3, 3), pay(B, C, 3, 4, 8), pay(C, A, 4, 5, 5)];
        let replay = replay(&steps);
        let mut sums = HashMap::new();
        let mut held = 0;
        for place in [A, B, C] {
            for piece in replay.at(place) {
                held += piece.amount;
                let mut hops = Vec::new();
                replay.path(piece, &mut hops);
                assert_eq!(hops[0].origin, Origin::Transaction(0));
                for hop in hops {
                    let Origin::Transaction(position) = hop.origin else { panic!("no entry") };
                    let sum = sums.entry(position).or_insert((0, 0));
                    *sum = (sum.0 + hop.paid, sum.1 + hop.received);
                }
            }
        }
        assert_eq!(held, 11);
        assert_eq!(sums[&0], (0, 10));
        assert_eq!(sums[&1], (10, 7));
        assert_eq!((sums[&2], sums[&3], sums[&4]), ((3, 3), (4, 8), (5, 5)));
    }

    #[test]
    fn what_leaves_as_newest_is_what_came_last() {
        let steps = [
            Step::Enter { place: A, amount: 4, origin: Origin::Entry(0) },
            Step::Enter { place: A, amount: 4, origin: Origin::Entry(1) },
            Step::Leave { place: A, amount: 5, newest: true, to: Some(B) },
        ];
        let replay = replay(&steps);
        let nodes: Vec<_> = replay.at(B).map(|piece| (piece.node, piece.begin, piece.amount)).collect();
        assert_eq!(nodes, [(0, 3, 1), (1, 0, 4)]);
        assert_eq!(replay.at(A).map(|piece| piece.amount).sum::<i64>(), 3);
    }

    #[test]
    fn a_place_that_lacks_what_leaves_it_is_an_error() {
        let error = Replay::default().step(&pay(A, B, 1, 5, 5)).unwrap_err();
        assert!(matches!(error, Error::Unproved(_)));
    }
}
