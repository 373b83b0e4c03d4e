//! Pictures of a case file: static SVG that stands alone.
//!
//! A picture has no script, no style sheet and no reference to anything outside it, brings its own background, and
//! shows roles by colour and by shape, so that the colour-blind and a printer without colours tell them apart. Names and amounts that
//! do not fit are in full, names up to [`NAME_MAX`] characters, in the titles that a reader's pointer brings up. Amounts are
//! the exact texts of the case file or exact sums of them; only lengths and widths are rounded.
//!
//! # Source
//! Sugiyama, Tagawa, Toda: Methods for visual understanding of hierarchical system
//! structures, IEEE SMC 11(2), 1981 (order by barycentres).

mod canvas;
mod marks;
mod ring;
mod sankey;
mod sums;
mod timeline;
mod words;

use super::file::CaseFile;

pub(super) use words::{Words, words};

/// Longest name in a title, in characters.
pub(super) const NAME_MAX: usize = 80;

/// A picture that a case file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// Accounts, identifiers and transfers as a network.
    Ring,
    /// The money flow from step to step.
    Sankey,
    /// Transfers between lanes of accounts, along time.
    Timeline,
}

impl Picture {
    /// All, in the order in which people read them.
    pub const ALL: [Picture; 3] = [Picture::Ring, Picture::Sankey, Picture::Timeline];

    /// Its name: `ring`, `sankey`, `timeline`; also what its file is called, with `.svg`.
    pub const fn name(self) -> &'static str {
        match self {
            Picture::Ring => "ring",
            Picture::Sankey => "sankey",
            Picture::Timeline => "timeline",
        }
    }

    /// The picture of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|picture| picture.name() == name)
    }
}

/// `picture` of `case` as an SVG document; the same bytes for the same case file, on every machine.
///
/// A place in a list that is not in it (a transfer of account 9 where there are 5) is passed over, so that a file
/// that was edited by hand is still drawn.
pub fn svg(case: &CaseFile, picture: Picture) -> String {
    match picture {
        Picture::Ring => ring::ring(case),
        Picture::Sankey => sankey::sankey(case),
        Picture::Timeline => timeline::timeline(case),
    }
}
