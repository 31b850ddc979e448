//! Grants: standing permissions. A human says once what may run without asking, for how long, how
//! often and up to which amount; what fits runs, and everything else is asked about as before.
//!
//! | file | what happens there |
//! |---|---|
//! | `terms` | what a human permits, in their words |
//! | `draft` | terms, the request that they were given on, and who gives them |
//! | `record` | a grant, and what has been drawn on it |
//! | `currency` | what a sum is counted in |
//! | `covers` | whether a call fits a grant, and what it would draw |
//! | `draw` | drawing, giving back, revoking |
//! | `rule` | the exact rule, in words |
//! | `amount` | exact decimal amounts |
//!
//! All of it is pure: stores keep records and apply [`draw`](GrantRecord::draw) in the transaction
//! of the claim, so that an envelope is never overdrawn, however many claim at once.

mod amount;
mod covers;
mod currency;
mod draft;
mod draw;
mod record;
mod rule;
mod terms;

pub use amount::{Amount, NotAnAmount};
pub use covers::{GrantedCall, NotCovered};
pub use draft::{GrantDraft, GrantDraftBuilder, GrantError};
pub use draw::{GrantRefusal, GrantStanding};
pub use record::{Drawn, GRANT_SCHEMA, Grant, GrantRecord, Revoked};
pub use terms::{ArgumentScope, Condition, GrantTerms, Lasting, SumLimit, Test};
