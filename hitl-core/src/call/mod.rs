//! What a call is: who asks, for what, with which arguments, under which key.

mod context;
mod digest;
mod key;
mod outcome;
mod permit;
mod returned;
mod spec;
mod state;
mod told;
mod tool;

pub use context::{CallContext, Principal, RunId, Tenant};
pub use digest::{BindingDigest, CircumstancesDigest, ContentDigest, Fingerprint};
pub(crate) use digest::{Shown, binding_digest, circumstances_digest, content_digest, fingerprint};
pub use key::CallKey;
pub use outcome::{FailureRecord, Outcome, OutputText};
pub(crate) use permit::Issued;
pub use permit::{Permit, RunContext};
pub use returned::{Probe, ToolReturn, Unproven};
pub(crate) use spec::check_name_and_config;
pub use spec::{
    Escalate, Hints, HitlConfig, InvalidSpec, Parameter, Risk, Spec, StageSpec, Thresholds,
};
pub(crate) use state::StateMap;
pub use state::StateRequirement;
pub use told::ModelMessage;
pub use tool::Tool;
