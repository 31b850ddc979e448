//! Shows a reviewer who may decide a call what redaction masks in it.

use axum::Json;
use axum::extract::State as From;
use hitl_core::people::Deed;
use hitl_core::{MaskSelection, RequestId, UncoveredCard};
use hitl_wire::decision::UncoverBody;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{Body, Path};
use super::requester::Requester;
use crate::error::Problem;
use crate::state::Shared;

/// A call's arguments, uncovered. They hold secrets: show them, and do not log, send or keep them.
/// Its fields are `rendered` (the card), `argumentsText` (exact text), and `places`: each `at` (a
/// JSON Pointer), `key` (if that was masked) and `value` (exact JSON text).
#[derive(Serialize, ToSchema)]
#[schema(value_type = Object)]
#[serde(transparent)]
pub(super) struct UncoveredDocument(UncoveredCard);

/// Uncovers what redaction masks in a call, for a reviewer who may decide it; the audit has it
/// before anything is shown. What the host declared sensitive stays withheld.
#[utoipa::path(post, path = "/api/calls/{id}/uncover", tag = "calls", request_body = UncoverBody,
    params(("id" = String, Path, description = "the call's id"),
        ("Hitl-Code" = Option<String>, Header, description = "a one-time code of the reviewer's, for this request alone")),
    responses((status = 200, body = UncoveredDocument),
        (status = 403, description = "they may not decide it, or a one-time code is needed", body = Problem),
        (status = 409, description = "it has changed, or was decided", body = Problem),
        (status = 422, description = "nothing is masked there, or the host forbids it", body = Problem),
        (status = 429, description = "codesClosed: too many wrong codes; see Retry-After", body = Problem),
        (status = 503, description = "it cannot be audited, or codes cannot be checked, so it is not shown", body = Problem)))]
pub(super) async fn uncover(
    From(state): From<Shared>,
    requester: Requester,
    Path(id): Path<RequestId>,
    Body(body): Body<UncoverBody>,
) -> Result<Json<UncoveredDocument>, Problem> {
    let record = state.call(requester.reviewer(), id).await?;
    let reviewer = requester.verify_for(Deed::Answer, &state).await?;
    // The revision that the reviewer saw: if the call has changed since, nothing is uncovered.
    let mut shown = hitl_core::ApprovalRequest::clone(record.request());
    (shown.revision, shown.binding) = (body.revision, body.binding);
    let places = match body.places {
        Some(places) => MaskSelection::At(places.into_iter().collect()),
        None => MaskSelection::All,
    };
    let uncovered = state.gate.uncover(&shown, reviewer.authority(), places).await?;
    Ok(Json(UncoveredDocument(uncovered.card(state.gate.now().await?))))
}
