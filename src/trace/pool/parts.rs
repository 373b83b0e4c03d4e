//! The parts that cases have in one transaction.

/// A case's part of the transaction at hand.
#[derive(Clone, Copy, Debug)]
pub(in crate::trace) struct Part {
    pub(in crate::trace) case: u32,
    pub(in crate::trace) hop: u32,
    pub(in crate::trace) paid: i64,
    pub(in crate::trace) received: i64,
}

/// The parts of the transaction at hand, one per case, in order of first mention.
#[derive(Debug)]
pub(in crate::trace) struct Parts {
    parts: Vec<Part>,
    /// By case: its place in `parts`, or `u32::MAX`.
    places: Vec<u32>,
}

impl Parts {
    pub(in crate::trace) fn new(num_cases: u32) -> Self {
        Parts { parts: Vec::new(), places: vec![u32::MAX; num_cases as usize] }
    }

    #[inline]
    pub(in crate::trace) fn add(&mut self, part: Part) {
        let place = &mut self.places[part.case as usize];
        if *place == u32::MAX {
            *place = self.parts.len() as u32;
            self.parts.push(part);
            return;
        }
        let sum = &mut self.parts[*place as usize];
        sum.paid += part.paid;
        sum.received += part.received;
        sum.hop = sum.hop.min(part.hop);
    }

    /// Hands every part to `each` and forgets it.
    #[inline]
    pub(in crate::trace) fn drain(&mut self, mut each: impl FnMut(Part)) {
        for part in self.parts.drain(..) {
            self.places[part.case as usize] = u32::MAX;
            each(part);
        }
    }
}
