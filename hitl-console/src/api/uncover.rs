//! Shows a reviewer who may decide a call what redaction masks in it.

use axum::Json;
use axum::extract::State as From;
use hitl_core::people::Deed;
use hitl_core::{BindingDigest, MaskSelection, RequestId, UncoveredCard};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::person::Asker;
use super::read::{Body, Path};
use crate::error::Problem;
use crate::state::Shared;

/// Which masked places are uncovered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UncoverBody {
    /// The revision that was shown.
    revision: u32,
    /// The binding digest that was shown.
    #[schema(value_type = String)]
    binding: BindingDigest,
    /// JSON Pointers of arguments, as `request.masks` gives them in `at`; at most 200. Left out:
    /// all.
    places: Option<Vec<String>>,
}

/// A call's arguments, uncovered. They hold secrets: show them, and do not log, send or keep them.
/// Its fields are `rendered` (the card), `argumentsText` (exact text), and `places`: each `at` (a
/// JSON Pointer), `key` (if that was masked) and `value` (exact JSON text).
#[derive(Serialize, ToSchema)]
#[schema(value_type = Object)]
#[serde(transparent)]
pub(super) struct UncoveredView(UncoveredCard);

/// Uncovers what redaction masks in a call, for a reviewer who may decide it; the audit has it
/// before anything is shown. What the host declared sensitive stays withheld.
#[utoipa::path(post, path = "/api/calls/{id}/uncover", tag = "calls", request_body = UncoverBody,
    params(("id" = String, Path, description = "the call's id"),
        ("Hitl-Code" = Option<String>, Header, description = "a one-time code of the reviewer's, for this request alone")),
    responses((status = 200, body = UncoveredView),
        (status = 403, description = "they may not decide it, or a one-time code is needed", body = Problem),
        (status = 409, description = "it has changed, or was decided", body = Problem),
        (status = 422, description = "nothing is masked there, or the host forbids it", body = Problem),
        (status = 429, description = "codesClosed: too many wrong codes; see Retry-After", body = Problem),
        (status = 503, description = "it cannot be audited, or codes cannot be checked, so it is not shown", body = Problem)))]
pub(super) async fn uncover(
    From(state): From<Shared>,
    asker: Asker,
    Path(id): Path<RequestId>,
    Body(body): Body<UncoverBody>,
) -> Result<Json<UncoveredView>, Problem> {
    let record = state.call(asker.reviewer(), id).await?;
    let reviewer = asker.known_for(Deed::Answer, &state).await?;
    // What they were shown, which may no longer be what stands: then nothing is uncovered.
    let mut shown = hitl_core::ApprovalRequest::clone(&record.request);
    (shown.revision, shown.binding) = (body.revision, body.binding);
    let places = match body.places {
        Some(places) => MaskSelection::At(places.into_iter().collect()),
        None => MaskSelection::All,
    };
    let uncovered = state.gate.uncover(&shown, reviewer.authority(), places).await?;
    Ok(Json(UncoveredView(uncovered.card(state.gate.now().await?))))
}
