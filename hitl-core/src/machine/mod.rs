//! The life of a call as a pure state machine: `(record, event, facts) -> next record, or refusal`.
//!
//! Every store applies exactly this function inside its own compare-and-set transaction, so that no
//! two backends can disagree about what is legal.

mod apply_all;
mod assignment;
mod batch;
mod decision;
mod escalation;
mod event;
mod extension;
mod getters;
mod grace;
mod guards;
mod history_entry;
mod new_record;
mod reask;
mod reconcile;
mod record;
mod refusal;
mod revision;
mod store_facts;
mod tombstone;
mod transition;
mod vote;

pub use apply_all::{CallChange, GrantUpdates, apply_all};
pub use assignment::Assignment;
pub use batch::{BatchId, Membership};
pub(crate) use decision::{check_edit, check_uncover};
pub use escalation::EscalationStep;
pub use event::{Event, ReconcileAnswer, Resolution, Withdrawal};
pub use history_entry::HistoryEntry;
pub use reask::Reask;
pub use record::{
    CallRecord, CallState, Claim, EndReason, NewCall, RECORD_SCHEMA, RecordedDecision, RetryOf,
};
pub use refusal::Refusal;
pub use revision::{Edit, EditedRevision, PriorRevision};
pub use store_facts::StoreFacts;
pub use transition::{Transition, apply, apply_with, grant_of};
pub use vote::Vote;
