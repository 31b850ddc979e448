//! Gives a call more time.

use axum::Json;
use axum::extract::State as From;
use hitl_core::people::Deed;
use hitl_core::{ApprovalRequest, RequestId};
use hitl_wire::CallSummary;
use hitl_wire::decision::ExtendBody;

use super::extract::{Body, Path};
use super::requester::Requester;
use crate::error::Problem;
use crate::state::Shared;

/// Gives a waiting call the whole time of its approval again, from now on, at most ten times its
/// time in all. What was shown can still be decided.
#[utoipa::path(post, path = "/api/calls/{id}/extend", tag = "calls", request_body = ExtendBody,
    params(("id" = String, Path, description = "the call's id"),
        ("Hitl-Code" = Option<String>, Header, description = "a one-time code of the reviewer's, for this request alone")),
    responses((status = 200, body = CallSummary),
        (status = 403, description = "not theirs to decide, or a one-time code is needed", body = Problem),
        (status = 409, description = "it was decided, has changed, or has as much time as it gets", body = Problem),
        (status = 429, description = "codesClosed: too many wrong codes; see Retry-After", body = Problem),
        (status = 503, description = "the store cannot be reached, or codes cannot be checked; nothing was done", body = Problem)))]
pub(super) async fn extend(
    From(state): From<Shared>,
    requester: Requester,
    Path(id): Path<RequestId>,
    Body(body): Body<ExtendBody>,
) -> Result<Json<CallSummary>, Problem> {
    let record = state.call(requester.reviewer(), id).await?;
    let reviewer = requester.verify_for(Deed::Answer, &state).await?;
    // The revision that the reviewer saw: if the call has changed since, it gets no time.
    let mut shown = ApprovalRequest::clone(record.request());
    (shown.revision, shown.binding) = (body.revision, body.binding);
    let record = state.gate.extend(&shown, reviewer.authority()).await?;
    Ok(Json(CallSummary::from(&record)))
}
