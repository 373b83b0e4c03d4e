//! Case files: what an analyst hands on of one ring or one trace.

mod file;
mod layout;

pub use file::{
    CaseAccount, CaseAmount, CaseFile, CaseIdentifier, CaseTransfer, CaseUse, Claim, Counterfactual, FORMAT,
    FlowLink, FlowNode, Language, MoneyLine, Point, ScorePart, Subject, Summarised,
};
pub use layout::layout;
