//! What a call is: who asks, for what, with which arguments, under which key.

mod config;
mod contents;
mod context;
mod digest;
mod facts;
mod identity;
mod invalid_spec;
mod key;
mod outcome;
mod permit;
mod returned;
mod same;
mod spec;
mod state;
mod told;
mod tool;
mod version;

pub use config::HitlConfig;
pub use contents::{ContentPath, ContentReaders, MAX_CONTENTS};
pub(crate) use contents::{ContentReader, Given, Source};
pub use context::{CallContext, Principal, RunId, Tenant};
pub(crate) use digest::{
    BINDING_VERSION, Binding, Referent, Shown, circumstances_digest, content_digest, fingerprint,
    referent_digest, unrecorded_digest,
};
pub use digest::{BindingDigest, CircumstancesDigest, ContentDigest, Fingerprint, ReferentDigest};
pub use facts::{ToolFacts, ToolKind};
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
#[doc(hidden)]
pub use same::{Same, SameByDebug, SameByEq, SameUnknown};
pub(crate) use spec::check_spec;
pub use spec::{Escalate, Hints, Parameter, Risk, Spec, StageSpec, Thresholds};
pub(crate) use state::StateMap;
pub use state::StateRequirement;
pub use told::{MAX_MODEL_OUTPUT, ModelMessage};
pub use tool::Tool;
pub(crate) use version::opted_in;
