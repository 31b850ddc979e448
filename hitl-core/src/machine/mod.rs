//! The life of a call as a pure state machine: `(record, event, facts) -> next record, or refusal`.
//!
//! Every store applies exactly this function inside its own compare-and-set transaction, so that no
//! two backends can disagree about what is legal.

mod deciding;
mod edit;
mod event;
mod membership;
mod reask;
mod record;
mod refusal;
mod together;
mod tombstone;
mod transition;

pub(crate) use deciding::{check_edit, check_uncover};
pub use edit::{Earlier, Edit, Escalation, Revised, Vote};
pub use event::{Event, Resolution, Withdrawal};
pub use membership::{BatchId, Membership};
pub use reask::Reask;
pub use record::{
    CallRecord, CallState, Claim, Decided, Ending, Entry, NewCall, RECORD_SCHEMA, RetryOf,
};
pub use refusal::Refusal;
pub use together::{Change, Drawing, apply_all};
pub use transition::{Facts, Step, apply, apply_with, grant_of};
