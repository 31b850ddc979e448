//! Lists and stops tasks.

use axum::extract::State as From;
use axum::http::StatusCode;
use axum::{Extension, Json};
use hitl_core::people::Deed;
use hitl_tasks::TaskId;
use hitl_wire::schema::TaskListDocument;
use hitl_wire::task::CancelTaskBody;

use super::extract::{Body, Path};
use super::requester::Requester;
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::journaled_tasks::{ShownTasks, journaled_tasks};
use crate::state::Shared;

/// Lists the tasks of the reviewer's tenant: live, or as a journal last recorded them.
#[utoipa::path(get, path = "/api/tasks", tag = "tasks",
    responses((status = 200, body = TaskListDocument), (status = 401, body = Problem),
        (status = 503, description = "the journal cannot be read", body = Problem)))]
pub(super) async fn list(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
) -> Result<Json<ShownTasks>, Problem> {
    let live = || ShownTasks { tasks: state.board.list(&state.tasks, &reviewer), journaled: false };
    let journaled = match state.tasks.journal() {
        Some(journal) => Some(journaled_tasks(journal, &reviewer).await?),
        None => None,
    };
    Ok(Json(journaled.unwrap_or_else(live)))
}

/// Tries a failed task again, where the host allows it. It continues after its completed steps.
#[utoipa::path(post, path = "/api/tasks/{id}/retry", tag = "tasks",
    params(("id" = String, Path, description = "the task's id"),
        ("Hitl-Code" = Option<String>, Header, description = "a one-time code of the reviewer's, for this request alone")),
    responses((status = 202, description = "it was submitted again"),
        (status = 403, description = "a one-time code is needed, or is wrong; nothing was done", body = Problem),
        (status = 404, description = "no such task has failed, or the host does not retry it", body = Problem),
        (status = 409, description = "it cannot be submitted now", body = Problem),
        (status = 429, description = "codesClosed: too many wrong codes; see Retry-After", body = Problem),
        (status = 503, description = "codes cannot be checked; nothing was done", body = Problem)))]
pub(super) async fn retry(
    From(state): From<Shared>,
    requester: Requester,
    Path(id): Path<TaskId>,
) -> Result<StatusCode, Problem> {
    let reviewer = requester.verify_for(Deed::Answer, &state).await?;
    match state.board.retry(&state.tasks, &reviewer, id) {
        None => Err(Problem::not_found("failed task that the host retries")),
        Some(Ok(_)) => Ok(StatusCode::ACCEPTED),
        Some(Err(error)) => {
            tracing::warn!(task = %id, %error, "a failed task cannot be tried again");
            let why = "it cannot be submitted now: the queue of tasks is full or closed, or its \
                       definition is not valid";
            Err(Problem::new(StatusCode::CONFLICT, "notRetried", why))
        }
    }
}

/// Stops a task. It ends by itself, a moment later; the stream tells when.
#[utoipa::path(post, path = "/api/tasks/{id}/cancel", tag = "tasks", request_body = CancelTaskBody,
    params(("id" = String, Path, description = "the task's id")),
    responses((status = 202, description = "it will stop"), (status = 404, body = Problem)))]
pub(super) async fn cancel(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Path(id): Path<TaskId>,
    Body(body): Body<CancelTaskBody>,
) -> Result<StatusCode, Problem> {
    let reason = match body.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) => format!("stopped by {}: {reason}", reviewer.principal),
        None => format!("stopped by {}", reviewer.principal),
    };
    let stopped = state.board.cancel(&state.tasks, &reviewer, id, &reason);
    stopped.map(|()| StatusCode::ACCEPTED).ok_or_else(|| Problem::not_found("task that runs"))
}
