//! Grants: standing permissions. A human defines once which calls may run without asking, for how
//! long, how often and up to which amount; calls that match run, and all others are asked about as
//! before.
//!
//! | file | contents |
//! |---|---|
//! | `terms` | the terms of a permission that a human gives |
//! | `draft` | terms, the request on which they were given, and the person who gives them |
//! | `record` | a grant, and the draws on it |
//! | `currency` | the currency of a sum |
//! | `matching` | matching of a call against a grant, and its draw |
//! | `usage` | draws, their return, revocation |
//! | `break_glass` | a grant that was given in an emergency, and the order for one |
//! | `envelope` | what the host lets people do in an emergency, declared beforehand |
//! | `describe` | the wording of the exact rule |
//! | `amount` | exact decimal amounts |
//!
//! All of it is pure: stores keep records and apply [`draw`](GrantRecord::draw) in the transaction
//! of the claim, so that an envelope is never overdrawn, however many claim at once.

mod amount;
mod break_glass;
mod currency;
mod describe;
mod draft;
mod envelope;
mod matching;
mod record;
mod terms;
mod usage;

pub use crate::ids::GrantId;
pub use amount::{Amount, ParseAmountError};
pub(crate) use break_glass::break_glass_reason;
pub use break_glass::{BreakGlass, BreakGlassOrder, InvalidOrder};
pub use draft::{GrantDraft, GrantDraftBuilder, GrantError};
pub(crate) use envelope::EmergencyTool;
pub use envelope::{Envelope, InvalidEnvelope, OutsideEnvelope};
pub use matching::{GrantedCall, NotCovered};
pub use record::{GRANT_SCHEMA, Grant, GrantKind, GrantRecord, GrantUse, Revocation};
pub use terms::{ArgumentScope, ArgumentTest, Condition, GrantLifetime, GrantTerms, SumLimit};
pub use usage::{GrantRefusal, GrantStatus};
