//! The history of one call: its audit records where an audit can be read, and the store's history.

use std::sync::Arc;

use axum::extract::State as From;
use axum::{Extension, Json};
use hitl_core::RequestId;
use hitl_core::audit::{AuditError, CallAudit};
use hitl_wire::history::{AuditEntry, CallHistory, HistoryEntry};

use super::extract::Path;
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::{Shared, State};

/// Returns the history of one call: who did what, and when.
#[utoipa::path(get, path = "/api/calls/{id}/audit", tag = "calls",
    params(("id" = String, Path, description = "the call's id")),
    responses((status = 200, body = CallHistory), (status = 404, body = Problem)))]
pub(super) async fn audit(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Path(id): Path<RequestId>,
) -> Result<Json<CallHistory>, Problem> {
    state.call(&reviewer, id).await?;
    let history =
        state.gate.scoped_to(reviewer.authority()).history_of(&reviewer.tenant, id).await?;
    let entries = history.iter().map(|(seq, entry)| HistoryEntry::new(*seq, entry)).collect();
    let (source, note, records) = match state.audit_of(id).await {
        None => ("history", None, Vec::new()),
        Some(Ok(found)) => {
            let note = found.cut.then_some("older records of the audit were not looked at");
            let of_theirs = found.records.iter().filter(|kept| {
                // A call's id is unique across tenants; if it were not, the other tenant's call
                // must not be shown.
                kept.record.key.as_ref().is_none_or(|key| key.tenant == reviewer.tenant)
            });
            ("audit", note, of_theirs.map(AuditEntry::from).collect())
        }
        Some(Err(error)) => {
            tracing::warn!(%error, "the audit cannot be read");
            ("history", Some("the audit cannot be read now"), Vec::new())
        }
    };
    let (source, note) = (source.to_owned(), note.map(str::to_owned));
    Ok(Json(CallHistory { source, note, records, entries }))
}

impl State {
    /// Returns the audit's records of a call; `None` where the host named no audit to read.
    async fn audit_of(&self, call: RequestId) -> Option<Result<CallAudit, AuditError>> {
        let reader = Arc::clone(self.audit.as_ref()?);
        // The semaphore is never closed.
        let _turn = self.audit_turn.acquire().await.ok()?;
        let read = tokio::task::spawn_blocking(move || reader.read_call(call)).await;
        Some(read.unwrap_or_else(|_| Err(AuditError::new("the audit's reader panicked"))))
    }
}
