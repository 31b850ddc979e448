//! The parts of a call: who asks, for what, with which arguments, under which key.

mod amount_spec;
mod config;
mod contents;
mod context;
mod digest;
mod effect;
mod facts;
mod failure;
mod host_state;
mod identity;
mod invalid_spec;
mod key;
mod model_message;
mod named_arguments;
mod outcome;
mod permit;
mod preview;
mod reconcile;
mod run_details;
mod same;
mod spec;
pub(crate) mod template;
mod terms;
mod tool;
mod tool_return;
mod unknown_outcome;
mod version;

pub use crate::ids::RequestId;
pub use crate::machine::{
    CallRecord, CallState, Claim, EndReason, HistoryEntry, PriorRevision, RecordedDecision,
    Refusal, Resolution, RetryOf, Vote,
};
pub use amount_spec::AmountSpec;
pub use config::ToolConfig;
pub use contents::{ContentPath, ContentReaders, MAX_CONTENTS};
pub(crate) use contents::{ContentReader, Given, Source};
pub use context::{CallContext, Principal, RunId, Tenant};
pub(crate) use digest::{
    BINDING_VERSION, Binding, Referent, Shown, circumstances_digest, content_digest, fingerprint,
    output_digest, preview_digest, referent_digest, unrecorded_digest,
};
pub use digest::{
    BindingDigest, CircumstancesDigest, ContentDigest, EffectDigest, Fingerprint, OutputDigest,
    PreviewDigest, ReferentDigest,
};
pub use effect::EffectRepeat;
pub(crate) use effect::{effect_digest, effect_text};
pub use facts::{ToolFacts, ToolKind};
pub(crate) use failure::output_of;
pub use failure::{Failure, FailureRecord, ToolFailure};
pub(crate) use host_state::StateMap;
pub use host_state::StateRequirement;
pub(crate) use identity::Identity;
pub use identity::PrincipalKind;
pub use invalid_spec::InvalidSpec;
pub use key::CallKey;
pub use model_message::{MAX_MODEL_OUTPUT, ModelMessage};
pub(crate) use named_arguments::check_named_arguments;
pub use outcome::{Outcome, OutputText};
#[doc(hidden)]
pub use permit::Entry;
pub(crate) use permit::PermitContext;
pub use permit::{Permit, RunContext};
pub(crate) use preview::KeptPreview;
pub use preview::{CallPreview, PreviewReturn};
pub(crate) use reconcile::AskedReconcile;
#[doc(hidden)]
pub use reconcile::IntoReconciliation;
pub use reconcile::{Attempt, Reconciler, Reconciliation};
pub use run_details::RunDetails;
#[doc(hidden)]
pub use same::{Same, SameByDebug, SameByEq, SameUnknown};
pub use spec::{
    EscalationSpec, ParameterSpec, Risk, StageSpec, Thresholds, ToolAnnotations, ToolSpec,
};
pub(crate) use spec::{check_config, check_dyn_name};
pub(crate) use terms::{ArgumentTerms, Escalation, OwnTerms, ToolTerms};
pub use tool::Tool;
pub use tool_return::{IsResult, IsResultFallback, ToolReturn};
pub use unknown_outcome::UnknownOutcome;
pub(crate) use unknown_outcome::is_unknown_outcome;
pub(crate) use version::opted_in;
