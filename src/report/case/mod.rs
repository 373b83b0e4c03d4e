//! Case files: what an analyst hands on of one ring or one trace.

mod draft;
mod file;
mod flow;
mod layout;
mod ring;
mod trace;
mod words;

pub use draft::CaseOptions;
pub use file::{
    CaseAccount, CaseAmount, CaseFile, CaseIdentifier, CaseTransfer, CaseUse, Claim, Counterfactual, FORMAT,
    FlowLink, FlowNode, Language, MoneyLine, Point, ScorePart, Subject, Summarised,
};
pub use layout::layout;
pub use ring::ring_case;
pub use trace::trace_case;
