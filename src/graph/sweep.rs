//! A view's transfers for kernels that touch all of them: every column checked once, then plain slices.

use super::View;
use crate::error::Result;
use crate::ids::AccountId;
use crate::store::segment::Adjacency;
use std::ops::Range;

/// The transfers of a view, in both directions, part by part.
#[derive(Clone, Debug)]
pub struct Sweep<'g> {
    parts: Vec<[Side<'g>; 2]>,
}

/// One direction of the transfers of one segment.
#[derive(Clone, Debug)]
struct Side<'g> {
    nodes: Option<&'g [u32]>,
    offsets: &'g [u32],
    neighbors: &'g [u32],
    /// The transactions of each edge, and those inside the window, where the window cuts the segment.
    cut: Option<(&'g [u32], Range<u32>)>,
}

impl<'g> Sweep<'g> {
    /// Checks all adjacency columns of the segments that meet the view.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) with the first column that is.
    pub fn new(view: &View<'g>) -> Result<Self> {
        let sides = view.parts().iter().map(|part| {
            let whole = part.rows.len() == part.segment.transactions.time.len();
            let side = |adjacency| Side::new(adjacency, (!whole).then(|| part.rows.clone()));
            Ok([side(&part.segment.outgoing)?, side(&part.segment.incoming)?])
        });
        Ok(Self { parts: sides.collect::<Result<_>>()? })
    }

    /// Accounts that `account` pays, once for each transfer, one slice per segment.
    ///
    /// Unlike [`View::out`], the view's set of accounts is not looked at.
    #[inline]
    pub fn out(&self, account: AccountId) -> impl Iterator<Item = &'g [u32]> {
        self.parts.iter().map(move |[out, _]| out.neighbors(account.0))
    }

    /// Accounts that pay `account`, as [`out`](Self::out).
    #[inline]
    pub fn incoming(&self, account: AccountId) -> impl Iterator<Item = &'g [u32]> {
        self.parts.iter().map(move |[_, incoming]| incoming.neighbors(account.0))
    }
}

impl<'g> Side<'g> {
    fn new(adjacency: &'g Adjacency, window: Option<Range<u32>>) -> Result<Self> {
        Ok(Self {
            nodes: adjacency.nodes.as_ref().map(|nodes| nodes.all()).transpose()?,
            offsets: adjacency.offsets.all()?,
            neighbors: adjacency.neighbors.all()?,
            cut: window.map(|rows| Ok((adjacency.transactions.all()?, rows))).transpose()?,
        })
    }

    #[inline]
    fn neighbors(&self, node: u32) -> &'g [u32] {
        let place = match self.nodes {
            None => node as usize,
            Some(nodes) => match nodes.binary_search(&node) {
                Ok(place) => place,
                Err(_) => return &[],
            },
        };
        let Some(&[begin, end]) = self.offsets.get(place..).and_then(|rest| rest.first_chunk::<2>()) else {
            return &[];
        };
        let (mut begin, mut end) = (begin as usize, end as usize);
        if let Some((transactions, rows)) = &self.cut {
            let mine = &transactions[begin..end];
            end = begin + mine.partition_point(|&row| row < rows.end);
            begin += mine.partition_point(|&row| row < rows.start);
        }
        &self.neighbors[begin..end]
    }
}
