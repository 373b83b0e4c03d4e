//! Rings: groups of accounts with the evidence that ties them.
//!
//! [`rings`] joins what shared identifiers, shapes of money, traces and communities say into rings with members, roles, money and a
//! score that adds up; [`identity_rings`] is the part of it that needs no payments. `docs/rings.md` has the definitions.

mod claim;
mod counterfactual;
mod detect;
mod gather;
pub mod identity;
mod join;
mod lineage;
mod ring;
mod roles;

pub use claim::{Claim, ClaimKind, Party};
pub use counterfactual::{Counterfactual, SEARCHES_MAX, counterfactual};
pub use detect::{HubAccount, RingOptions, Rings, TYPOLOGIES, rings};
pub use gather::Traced;
pub use identity::{Evidence, Hub, IdentityRingOptions, IdentityRings, identity_rings};
pub use lineage::{Change, Fate, changes, heirs};
pub use ring::{Counted, Ring, RingMember, RingMoney};
pub use roles::RingRole;
