//! Shows a reviewer who may decide a call what redaction masks in it.

use axum::extract::State as From;
use axum::{Extension, Json};
use hitl_core::approval::{Extent, Rendered};
use hitl_core::{BindingDigest, Places, RequestId, Uncovered};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::read::{Body, Path};
use crate::auth::Reviewer;
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
    /// JSON Pointers of arguments, as `request.masks` gives them in `at`; at most 200. Left out: all.
    places: Option<Vec<String>>,
}

/// A call's arguments, uncovered. They hold secrets: show them, and do not log, send or keep them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UncoveredView {
    /// The card with what was uncovered.
    #[schema(value_type = Object)]
    rendered: Rendered,
    /// The arguments as exact text.
    arguments_text: String,
    /// What was uncovered.
    places: Vec<Place>,
}

/// An argument that was uncovered.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Place {
    /// Where it is in the arguments that were shown.
    at: String,
    /// The key that the pointer ends with, if that was masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The value, as exact JSON text.
    value: String,
}

impl UncoveredView {
    fn of(uncovered: &Uncovered, now: hitl_base::Timestamp) -> Self {
        let places = uncovered.places().iter().map(|place| Place {
            at: place.at.clone(),
            key: place.key.clone(),
            value: place.value.as_str().to_owned(),
        });
        Self {
            rendered: uncovered.render(now, Extent::Full),
            arguments_text: uncovered.arguments().as_str().to_owned(),
            places: places.collect(),
        }
    }
}

/// Uncovers what redaction masks in a call, for a reviewer who may decide it; the audit has it before
/// anything is shown. What the host declared sensitive stays withheld.
#[utoipa::path(post, path = "/api/calls/{id}/uncover", tag = "calls", request_body = UncoverBody,
    params(("id" = String, Path, description = "the call's id")),
    responses((status = 200, body = UncoveredView),
        (status = 403, description = "they may not decide it", body = Problem),
        (status = 409, description = "it has changed, or was decided", body = Problem),
        (status = 422, description = "nothing is masked there, or the host forbids it", body = Problem),
        (status = 503, description = "it cannot be audited, so it is not shown", body = Problem)))]
pub(super) async fn uncover(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Path(id): Path<RequestId>,
    Body(body): Body<UncoverBody>,
) -> Result<Json<UncoveredView>, Problem> {
    let record = state.call(&reviewer, id).await?;
    // What they were shown, which may no longer be what stands: then nothing is uncovered.
    let mut shown = hitl_core::ApprovalRequest::clone(&record.request);
    (shown.revision, shown.binding) = (body.revision, body.binding);
    let places = match body.places {
        Some(places) => Places::At(places.into_iter().collect()),
        None => Places::All,
    };
    let uncovered = state.gate.uncover(&shown, reviewer.authority(), places).await?;
    Ok(Json(UncoveredView::of(&uncovered, state.gate.now().await?)))
}
