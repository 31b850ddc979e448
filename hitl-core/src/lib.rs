//! The gate of hitl, which puts a human in the loop of AI agents: calls, confidence, policy,
//! approval, the audit, and the contract of stores.
//!
//! Applications use the facade [`hitl`](https://docs.rs/hitl), which re-exports everything here and
//! begins with a tour. Depend on this crate to test a store of your own: `store::suite` (feature
//! `contract-suite`) has a check for each sentence of the contract.
//!
//! | module | contents |
//! |---|---|
//! | [`gate`] | [`Gate`]: submits, asks, decides, claims, runs |
//! | [`call`], [`arguments`], [`dynamic`] | tools, their arguments as exact text, tools known at run time |
//! | [`confidence`], [`policy`] | the score of a call, and the host's own demands |
//! | [`approval`], [`queue`], [`grant`] | who is asked, what waits, standing permissions |
//! | [`audit`] | the append-only log, and its verification |
//! | [`store`], [`machine`], [`seal`] | what a store keeps, and which changes of state are allowed |

// On docs.rs, items say which feature they need. The facade's documentation knows an item's own
// `cfg`, not that of its module, so public items have theirs even where the module's would do.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod approval;
pub mod arguments;
pub mod audit;
pub mod call;
pub mod confidence;
pub mod dynamic;
pub mod gate;
pub mod grant;
mod hex;
mod host_code;
mod ids;
pub mod machine;
mod open;
mod panic;
#[cfg(feature = "people")]
pub mod people;
pub mod policy;
pub mod queue;
pub mod seal;
pub mod store;
mod sync;

#[cfg(feature = "terminal")]
pub use approval::TerminalApprover;
pub use approval::{
    ApprovalRequest, Approver, Decision, KnownBy, Review, ReviewerIdentity, ToolChange,
    ToolDifference,
};
pub use arguments::{
    ArgumentChanges, ArgumentError, ArgumentErrorKind, Snapshot, SnapshotError, SnapshotWriter,
};
pub use audit::{AuditEvent, AuditRecord, AuditSink, JsonlAudit, MemoryAudit};
pub use call::{
    AmountSpec, Attempt, BindingDigest, CallContext, CallKey, ContentDigest, ContentPath,
    ContentReaders, EscalationSpec, Failure, FailureRecord, Fingerprint, InvalidSpec, ModelMessage,
    Outcome, OutputText, ParameterSpec, Permit, Principal, PrincipalKind, Reconciler,
    Reconciliation, Risk, RunContext, RunDetails, RunId, StageSpec, StateRequirement, Tenant,
    Thresholds, Tool, ToolAnnotations, ToolConfig, ToolFacts, ToolKind, ToolSpec,
};
pub use confidence::{
    ArgumentsView, Assessment, CallView, Factor, FactorSource, Opinion, ReviewerFactor, ScoreError,
    ScoredCall, Scorer, Signal, Signals, assess, reviewer_factors, weighted,
};
pub use dynamic::{DynArguments, DynSpec, DynTool};
pub use gate::{
    Batch, BuildError, CallError, EditPreview, ErasureReport, ErasureScope, Events, Gate,
    GateBuilder, GateError, GateErrorKind, GateEvent, GrantPreview, KeyUse, MaskSelection,
    NotRunReason, Preview, Queue, QueuePage, Receipt, Reminders, Repeat, ResealReport,
    ReviewAccess, SavedGrant, ScopedGate, ShownResult, Submission, Ticket, ToolSet, ToolStatus,
    UncoveredCard, UncoveredPlace, UncoveredRequest, UncoveredText, UnscopedGate,
};
pub use grant::{Amount, Condition, GrantDraft, GrantRecord, GrantTerms};
pub use ids::{ClaimToken, DecisionId, GrantId, HoldId, OwnerToken, RequestId, SessionId};
pub use machine::{CallRecord, CallState, Refusal, Resolution};
#[cfg(feature = "policy-files")]
pub use policy::RuleFile;
pub use policy::{
    ApprovalLevel, DirectoryError, Effect, Policy, PolicyVersion, PrincipalDirectory,
    PrincipalStatus, Priority, Requirement, Route, RuleRef, RuleSet, Ruling, Verdict, VerdictKind,
    due_after, level_for, priority, route,
};
pub use queue::{Cursor, QueueCounts, QueueFilter, QueueOrder, QueueQuery, ReviewScope};
pub use seal::{HostKey, HostKeys, KeyId};
pub use store::{
    Freeze, FreezeScope, Hold, HoldScope, MemoryStore, NotErased, PageRequest, Store, StoreError,
    StoreErrorKind,
};
