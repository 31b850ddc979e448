//! What a call is: who asks, for what, with which arguments, under which key.

mod context;
mod digest;
mod identity;
mod invalid_spec;
mod key;
mod outcome;
mod permit;
mod returned;
mod spec;
mod state;
mod told;
mod tool;
mod version;

pub use context::{CallContext, Principal, RunId, Tenant};
pub use digest::{BindingDigest, CircumstancesDigest, ContentDigest, Fingerprint};
pub(crate) use digest::{Shown, binding_digest, circumstances_digest, content_digest, fingerprint};
pub(crate) use identity::Identity;
pub use identity::PrincipalKind;
pub use invalid_spec::InvalidSpec;
pub use key::CallKey;
pub use outcome::{FailureRecord, Outcome, OutputText};
#[doc(hidden)]
pub use permit::Entry;
pub(crate) use permit::Issued;
pub use permit::{Permit, RunContext};
pub use returned::{Probe, ToolReturn, Unproven};
pub(crate) use spec::check_spec;
pub use spec::{Escalate, Hints, HitlConfig, Parameter, Risk, Spec, StageSpec, Thresholds};
pub(crate) use state::StateMap;
pub use state::StateRequirement;
pub use told::ModelMessage;
pub use tool::Tool;
pub(crate) use version::opted_in;
