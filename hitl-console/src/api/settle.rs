//! Withdraws calls, and settles those whose outcome is not known.

use axum::extract::State as From;
use axum::{Extension, Json};
use hitl_core::people::Deed;
use hitl_core::{RequestId, Resolution};
use serde::Deserialize;
use utoipa::ToSchema;

use super::person::Asker;
use super::read::{Body, Path};
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::Shared;
use crate::view::CallSummary;

/// Why a call is withdrawn.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CancelBody {
    /// Why.
    reason: String,
}

/// How a call whose outcome was not known has ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ResolveBody {
    /// The record's version that was looked at.
    version: u64,
    /// What was found.
    found: Found,
    /// What was seen; for `failed`.
    reason: Option<String>,
}

/// What a reviewer found.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Found {
    /// It took effect.
    Executed,
    /// It did not, or only in part.
    Failed,
    /// It may run once more, if the process that ran it is gone.
    Retry,
    /// It may run once more; the reviewer attests that the earlier attempt is over.
    RetryAttested,
}

/// Withdraws a call, while nothing has started.
#[utoipa::path(post, path = "/api/calls/{id}/cancel", tag = "calls", request_body = CancelBody,
    params(("id" = String, Path, description = "the call's id")),
    responses((status = 200, body = CallSummary), (status = 409, body = Problem)))]
pub(super) async fn cancel(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Path(id): Path<RequestId>,
    Body(body): Body<CancelBody>,
) -> Result<Json<CallSummary>, Problem> {
    if body.reason.trim().is_empty() {
        return Err(Problem::bad("say why: `reason`"));
    }
    let record = state.call(&reviewer, id).await?;
    let record = state.gate.cancel(&record, reviewer.authority(), body.reason).await?;
    Ok(Json(CallSummary::of(&record)))
}

/// Settles a call whose outcome is not known: the reviewer has looked.
#[utoipa::path(post, path = "/api/calls/{id}/resolve", tag = "calls", request_body = ResolveBody,
    params(("id" = String, Path, description = "the call's id"),
        ("Hitl-Code" = Option<String>, Header, description = "a one-time code of the reviewer's, for this request alone")),
    responses((status = 200, body = CallSummary),
        (status = 403, description = "not theirs to settle, or a one-time code is needed", body = Problem),
        (status = 409, body = Problem),
        (status = 429, description = "codesClosed: too many wrong codes; see Retry-After", body = Problem),
        (status = 503, description = "the store cannot be reached, or codes cannot be checked; nothing was done", body = Problem)))]
pub(super) async fn resolve(
    From(state): From<Shared>,
    asker: Asker,
    Path(id): Path<RequestId>,
    Body(body): Body<ResolveBody>,
) -> Result<Json<CallSummary>, Problem> {
    let reason = body.reason.filter(|reason| !reason.trim().is_empty());
    let resolution = match (body.found, reason) {
        (Found::Executed, _) => Resolution::Executed,
        (Found::Failed, Some(reason)) => Resolution::Failed { reason },
        (Found::Failed, None) => return Err(Problem::bad("say what was seen: `reason`")),
        (Found::Retry, _) => Resolution::Retry { attested: false },
        (Found::RetryAttested, _) => Resolution::Retry { attested: true },
    };
    let mut record = state.call(asker.reviewer(), id).await?;
    let reviewer = asker.known_for(Deed::Answer, &state).await?;
    // What they looked at, which may no longer be what stands: then it is not settled.
    record.version = body.version;
    let record = state.gate.resolve(&record, resolution, reviewer.authority()).await?;
    Ok(Json(CallSummary::of(&record)))
}
