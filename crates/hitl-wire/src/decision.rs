//! Decisions and other changes of calls, as a client sends them. Read strictly.
//!
//! The person who decides is known from the request's own credentials, never from a body.

use hitl_core::approval::{EditResult, Patch};
use hitl_core::{BindingDigest, DecisionId, RequestId};
use serde::{Deserialize, Serialize};

/// An answer of a reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Reply))]
#[serde(rename_all = "lowercase")]
pub enum AnswerKind {
    /// Run it.
    Approve,
    /// Change arguments, and run that.
    Edit,
    /// Do not run it.
    Reject,
    /// Answer the model instead of running it.
    Respond,
    /// Do not run it, and stop the run.
    Abort,
}

/// A decision on one call.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = DecideBody))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecisionBody {
    /// The revision that was shown.
    pub revision: u32,
    /// The binding digest that was shown.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub binding: BindingDigest,
    /// The answer.
    pub answer: AnswerKind,
    /// Why it is rejected or aborted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// With a rejection: the model may ask for the same call again in this run. Otherwise this
    /// rejection answers it.
    #[serde(default)]
    pub may_ask_again: bool,
    /// The answer to the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The edit: a JSON merge patch (RFC 7396) as text, so that no number is rounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub patch: Option<Patch>,
    /// The result of the edit that the editor was shown: `binding` and `state` of its preview. With
    /// another result the edit is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub previewed: Option<EditResult>,
    /// The name of what would be deleted, typed; for deletions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    /// The decision's own id, chosen by the client: to send the same decision again is harmless.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub decision: Option<DecisionId>,
}

impl DecisionBody {
    /// Creates an answer about the revision that was shown, without words.
    pub fn new(revision: u32, binding: BindingDigest, answer: AnswerKind) -> Self {
        Self {
            revision,
            binding,
            answer,
            reason: None,
            may_ask_again: false,
            message: None,
            patch: None,
            previewed: None,
            confirm: None,
            decision: None,
        }
    }
}

/// One answer to several calls of the level `quick`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkBody {
    /// `approve` or `reject`.
    pub answer: AnswerKind,
    /// Why they are rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// With a rejection: the model may ask for the same calls again in this run.
    #[serde(default)]
    pub may_ask_again: bool,
    /// The calls, as they were shown; at most 200.
    pub calls: Vec<ShownCall>,
}

/// A call as it was shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Shown))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShownCall {
    /// The call's id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: RequestId,
    /// The revision that was shown.
    pub revision: u32,
    /// The binding digest that was shown.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub binding: BindingDigest,
}

/// The outcome of each call of a [`BulkBody`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = BulkResult))]
pub struct BulkOutcomes {
    /// In the order of the request.
    pub results: Vec<BulkOutcome>,
}

/// The outcome of one call of a [`BulkBody`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = One))]
pub struct BulkOutcome {
    /// The call's id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: RequestId,
    /// `ok`, or why not, as in an error's `kind`.
    pub result: String,
    /// A sentence for people, when the decision was not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Which call gets more time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExtendBody {
    /// The revision that was shown.
    pub revision: u32,
    /// The binding digest that was shown.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub binding: BindingDigest,
}

/// An approval that is taken back, as it was given.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TakeBackBody {
    /// The revision that was approved.
    pub revision: u32,
    /// The binding digest that was approved.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub binding: BindingDigest,
}

/// Why a call is withdrawn.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CancelBody {
    /// Why.
    pub reason: String,
}

/// The resolution of a call whose outcome was unknown.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResolveBody {
    /// The version of the record that was shown.
    pub version: u64,
    /// The finding.
    pub found: Finding,
    /// Details for `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The finding of a reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Found))]
#[serde(rename_all = "camelCase")]
pub enum Finding {
    /// It took effect.
    Executed,
    /// It did not, or only in part.
    Failed,
    /// It may run once more, if the process that ran it is gone.
    Retry,
    /// It may run once more; the reviewer attests that the earlier attempt is over.
    RetryAttested,
}

/// Which masked places are uncovered. The answer is hitl-core's `UncoveredCard`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UncoverBody {
    /// The revision that was shown.
    pub revision: u32,
    /// The binding digest that was shown.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub binding: BindingDigest,
    /// JSON Pointers of arguments, as `request.masks` gives them in `at`; at most 200. Left out:
    /// all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub places: Option<Vec<String>>,
}

/// The call that a reviewer looks at.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LooksBody))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PresenceBody {
    /// The call's id; `null` or left out for none.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub at: Option<RequestId>,
}
