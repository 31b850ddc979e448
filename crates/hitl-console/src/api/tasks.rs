//! Lists and stops tasks.

use axum::extract::State as From;
use axum::http::StatusCode;
use axum::{Extension, Json};
use hitl_tasks::{TaskId, TaskProgress};
use hitl_wire::TaskSummary;
use hitl_wire::schema::TaskListDocument;
use hitl_wire::task::{CancelTaskBody, TaskList};

use super::extract::{Body, Path};
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::Shared;

/// Lists the tasks of the reviewer's tenant.
#[utoipa::path(get, path = "/api/tasks", tag = "tasks",
    responses((status = 200, body = TaskListDocument), (status = 401, body = Problem)))]
pub(super) async fn list(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
) -> Json<TaskList<TaskSummary<TaskProgress>>> {
    Json(TaskList { tasks: state.board.list(&state.tasks, &reviewer) })
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
