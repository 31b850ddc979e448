//! The gate of hitl.
//!
//! Applications use the facade crate `hitl`, which re-exports everything here.

pub mod arguments;
pub mod call;
pub mod seal;

pub use arguments::{ArgumentError, ArgumentErrorKind, Snapshot, SnapshotError, SnapshotWriter};
pub use call::{
    BindingDigest, CallContext, CallKey, ContentDigest, FailureRecord, Fingerprint, Hints,
    HitlConfig, InvalidSpec, Outcome, OutputText, Parameter, Permit, Principal, Risk, RunContext,
    RunId, Spec, StateRequirement, Tenant, Thresholds, Tool,
};
pub use seal::HostKey;
