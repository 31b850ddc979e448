//! Types for a [`Store`] of your own: the state machine that it applies, the rows that it keeps,
//! and the proofs that executors hold.
//!
//! Most hosts need none of this. Begin with [`StoreWrapper`], which forwards every method to
//! another store. A store that is no wrapper applies [`apply`] or [`apply_all`] inside its own
//! compare-and-set transaction, so that no two stores disagree about what is legal, and runs the
//! contract suite (feature `contract-suite` of the crate `hitl-core`).

pub use hitl_core::machine::{
    BatchId, CallChange, CallRecord, CallState, Claim, Edit, EditedRevision, EndReason,
    EscalationStep, Event, GrantUpdates, HistoryEntry, Membership, NewCall, PriorRevision,
    RECORD_SCHEMA, Reask, RecordedDecision, Refusal, Resolution, RetryOf, StoreFacts, Transition,
    Vote, Withdrawal, apply, apply_all, apply_with, grant_of,
};
pub use hitl_core::queue::{
    Cap, Caps, QueueEntry, QueuePosition, QueueScan, begins_to_wait, rank, turn,
};
pub use hitl_core::store::{
    ApplyError, ApplyRequest, AuditWriter, ChangeId, ChangeNotifier, ChangeWatch, ERASED_AT_ONCE,
    Erasable, ErasedCount, EventPayload, Executor, ExecutorRow, Executors, FREEZES, Freeze,
    FreezeScope, Freezes, GrantQuery, History, Hold, HoldId, HoldScope, Holds, NotErased,
    PageRequest, SealedPage, SealedPart, SealedText, Store, StoreAddress, StoreError,
    StoreErrorKind, StoreWrapper, SubmitResult, check_erasable, is_frozen, superseded, tools_of,
    tools_text,
};
pub use hitl_core::{ClaimToken, OwnerToken, SessionId};
