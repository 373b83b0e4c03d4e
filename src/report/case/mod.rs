//! Case files: what an analyst hands on of one ring or one trace.

mod chosen;
mod draft;
mod file;
mod flow;
mod layout;
mod markdown;
mod markup;
mod page;
mod picture;
mod ring;
mod sections;
mod sentences;
mod sketch;
mod sketches;
mod trace;
mod visible;
mod words;
mod written;

pub use draft::CaseOptions;
pub use file::{
    CaseAccount, CaseAmount, CaseFile, CaseIdentifier, CaseTransfer, CaseUse, Claim, Counterfactual, FORMAT,
    FlowLink, FlowNode, Language, MoneyLine, Point, ScorePart, Subject, Summarised,
};
pub use layout::{layout, place};
pub use markdown::markdown;
pub use page::write_page;
pub use picture::{Picture, svg};
pub use ring::ring_case;
pub use sketch::{Sketch, SketchOptions};
pub use trace::trace_case;
pub use written::{CaseFormat, render, ring_case_file, ring_case_of, write_case};

#[cfg(test)]
mod tests;
