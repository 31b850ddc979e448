//! Withdraws calls, and resolves those whose outcome is unknown.

use axum::extract::State as From;
use axum::{Extension, Json};
use hitl_core::people::Deed;
use hitl_core::{RequestId, Resolution};
use hitl_wire::CallSummary;
use hitl_wire::decision::{CancelBody, Finding, ResolveBody};

use super::extract::{Body, Path};
use super::requester::Requester;
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::Shared;

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
    Ok(Json(CallSummary::from(&record)))
}

/// Resolves a call whose outcome is unknown, after the reviewer has checked what it did.
#[utoipa::path(post, path = "/api/calls/{id}/resolve", tag = "calls", request_body = ResolveBody,
    params(("id" = String, Path, description = "the call's id"),
        ("Hitl-Code" = Option<String>, Header, description = "a one-time code of the reviewer's, for this request alone")),
    responses((status = 200, body = CallSummary),
        (status = 403, description = "not theirs to resolve, or a one-time code is needed", body = Problem),
        (status = 409, body = Problem),
        (status = 429, description = "codesClosed: too many wrong codes; see Retry-After", body = Problem),
        (status = 503, description = "the store cannot be reached, or codes cannot be checked; nothing was done", body = Problem)))]
pub(super) async fn resolve(
    From(state): From<Shared>,
    requester: Requester,
    Path(id): Path<RequestId>,
    Body(body): Body<ResolveBody>,
) -> Result<Json<CallSummary>, Problem> {
    let reason = body.reason.filter(|reason| !reason.trim().is_empty());
    let resolution = match (body.found, reason) {
        (Finding::Executed, _) => Resolution::Executed,
        (Finding::Failed, Some(reason)) => Resolution::Failed { reason },
        (Finding::Failed, None) => return Err(Problem::bad("say what was seen: `reason`")),
        (Finding::Retry, _) => Resolution::Retry { attested: false },
        (Finding::RetryAttested, _) => Resolution::Retry { attested: true },
    };
    let mut record = state.call(requester.reviewer(), id).await?;
    let reviewer = requester.verify_for(Deed::Answer, &state).await?;
    // The version that the reviewer saw: if the record has changed since, it is not resolved.
    record.version = body.version;
    let record = state.gate.resolve(&record, resolution, reviewer.authority()).await?;
    Ok(Json(CallSummary::from(&record)))
}
