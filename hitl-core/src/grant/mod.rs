//! Grants: standing permissions. A human defines once which calls may run without asking, for how
//! long, how often and up to which amount; calls that match run, and all others are asked about as
//! before.
//!
//! | file | what happens there |
//! |---|---|
//! | `terms` | what a human permits, in their words |
//! | `draft` | terms, the request that they were given on, and who gives them |
//! | `record` | a grant, and what has been drawn on it |
//! | `currency` | what a sum is counted in |
//! | `matching` | whether a call fits a grant, and what it would draw |
//! | `usage` | drawing, giving back, revoking |
//! | `describe` | the exact rule, in words |
//! | `amount` | exact decimal amounts |
//!
//! All of it is pure: stores keep records and apply [`draw`](GrantRecord::draw) in the transaction
//! of the claim, so that an envelope is never overdrawn, however many claim at once.

mod amount;
mod currency;
mod describe;
mod draft;
mod matching;
mod record;
mod terms;
mod usage;

pub use amount::{Amount, ParseAmountError};
pub use draft::{GrantDraft, GrantDraftBuilder, GrantError};
pub use matching::{GrantedCall, NotCovered};
pub use record::{GRANT_SCHEMA, Grant, GrantRecord, GrantUse, Revocation};
pub use terms::{ArgumentScope, ArgumentTest, Condition, GrantLifetime, GrantTerms, SumLimit};
pub use usage::{GrantRefusal, GrantStatus};
