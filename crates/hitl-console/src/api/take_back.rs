//! Takes an approval back before its call starts.

use axum::Json;
use axum::extract::State as From;
use hitl_core::people::Deed;
use hitl_core::{ApprovalRequest, RequestId};
use hitl_wire::CallSummary;
use hitl_wire::decision::TakeBackBody;

use super::extract::{Body, Path};
use super::requester::Requester;
use crate::error::Problem;
use crate::state::Shared;

/// Takes back the reviewer's own approval, within the grace of the tool: the call is asked about
/// again, as its next revision.
#[utoipa::path(post, path = "/api/calls/{id}/take-back", tag = "calls", request_body = TakeBackBody,
    params(("id" = String, Path, description = "the call's id")),
    responses((status = 200, body = CallSummary),
        (status = 403, description = "they have not approved it", body = Problem),
        (status = 404, body = Problem),
        (status = 409, description = "it starts, has started or has changed, or its tool gives no time for this", body = Problem),
        (status = 503, description = "the store cannot be reached; nothing was done", body = Problem)))]
pub(super) async fn take_back(
    From(state): From<Shared>,
    requester: Requester,
    Path(id): Path<RequestId>,
    Body(body): Body<TakeBackBody>,
) -> Result<Json<CallSummary>, Problem> {
    let record = state.call(requester.reviewer(), id).await?;
    // It stops something.
    let reviewer = requester.verify_for(Deed::Stop, &state).await?;
    let mut shown = ApprovalRequest::clone(record.request());
    (shown.revision, shown.binding) = (body.revision, body.binding);
    let record = state.gate.take_back(&shown, reviewer.authority()).await?;
    Ok(Json(CallSummary::from(&record)))
}
