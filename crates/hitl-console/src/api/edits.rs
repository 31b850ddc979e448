//! Shows the result of an edit before it is sent.

use axum::extract::State as From;
use axum::{Extension, Json};
use hitl_core::RequestId;
use hitl_core::approval::DetailLevel;
use hitl_wire::decision::AnswerKind;
use hitl_wire::edit::{ChangedArgument, EditPreview, EditPreviewBody};

use super::decide::check_confirmation;
use super::extract::{Body, Path};
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::Shared;

/// Checks an edit as `decide` would, and returns its result: what changes, and the card that the
/// call would have. Stores nothing, so the edit may still be refused when it is sent.
#[utoipa::path(post, path = "/api/calls/{id}/edit/preview", tag = "calls", request_body = EditPreviewBody,
    params(("id" = String, Path, description = "the call's id")),
    responses((status = 200, body = EditPreview),
        (status = 403, description = "not theirs to edit", body = Problem),
        (status = 404, body = Problem),
        (status = 409, description = "it has changed, or no longer waits", body = Problem),
        (status = 422, description = "the arguments do not fit the tool, or it takes no edit", body = Problem),
        (status = 503, description = "the store cannot be reached", body = Problem)))]
pub(super) async fn preview(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Path(id): Path<RequestId>,
    Body(body): Body<EditPreviewBody>,
) -> Result<Json<EditPreview>, Problem> {
    let record = state.call(&reviewer, id).await?;
    let mut shown = record.request().clone();
    check_confirmation(&shown, AnswerKind::Edit, None)?;
    (shown.revision, shown.binding) = (body.revision, body.binding);
    let by = reviewer.authority();
    let preview = state.gate.preview_edit(&shown, body.patch.as_str(), by).await?;
    let (request, now) = (&preview.request, state.gate.now().await?);
    Ok(Json(EditPreview {
        changes: preview.changes.iter().map(ChangedArgument::from).collect(),
        state: preview.state,
        revision: request.revision,
        binding: request.binding,
        title: request.title.clone(),
        level: request.level,
        confidence: request.assessment.confidence,
        reasons: request.reasons.clone(),
        arguments_text: request.arguments.as_str().to_owned(),
        rendered: Some(request.render(now, DetailLevel::Full)),
    }))
}
