//! What happened to one call: what the audit says of it, where it can be read, and what the store
//! remembers.

use std::sync::Arc;

use axum::extract::State as From;
use axum::{Extension, Json};
use hitl_core::RequestId;
use hitl_core::audit::{AuditError, CallAudit};
use serde::Serialize;
use utoipa::ToSchema;

use super::read::Path;
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::{Shared, State};
use crate::view::{AuditView, EntryView};

/// What happened to a call.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Audit {
    /// What can be told of it: `audit`, when `records` are what the gate's audit keeps; `history`,
    /// when there are only the store's `entries`.
    source: &'static str,
    /// Why it is the history, when the audit should be there; that older records of the audit were
    /// not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
    /// What the gate's audit says of it, oldest first. Shown as it is read: `hitl audit verify`
    /// finds out whether anything was changed.
    records: Vec<AuditView>,
    /// The store's history of it, from its beginning, as far as it is kept.
    entries: Vec<EntryView>,
}

/// Says what happened to one call: who did what, and when.
#[utoipa::path(get, path = "/api/calls/{id}/audit", tag = "calls",
    params(("id" = String, Path, description = "the call's id")),
    responses((status = 200, body = Audit), (status = 404, body = Problem)))]
pub(super) async fn audit(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Path(id): Path<RequestId>,
) -> Result<Json<Audit>, Problem> {
    state.call(&reviewer, id).await?;
    let history = state.gate.history_of(&reviewer.tenant, id).await?;
    let entries = history.iter().map(|(seq, entry)| EntryView::of(*seq, entry)).collect();
    let (source, note, records) = match state.audit_of(id).await {
        None => ("history", None, Vec::new()),
        Some(Ok(found)) => {
            let note = found.cut.then_some("older records of the audit were not looked at");
            let of_theirs = found.records.iter().filter(|kept| {
                // A call's id is nobody else's; should it be, the other tenant's is not shown.
                kept.record.key.as_ref().is_none_or(|key| key.tenant == reviewer.tenant)
            });
            ("audit", note, of_theirs.map(AuditView::of).collect())
        }
        Some(Err(error)) => {
            tracing::warn!(%error, "the audit cannot be read");
            ("history", Some("the audit cannot be read now"), Vec::new())
        }
    };
    Ok(Json(Audit { source, note, records, entries }))
}

impl State {
    /// What the audit says of a call; nothing where the host did not say where to read it.
    async fn audit_of(&self, call: RequestId) -> Option<Result<CallAudit, AuditError>> {
        let reader = Arc::clone(self.audit.as_ref()?);
        // Nobody closes the semaphore.
        let _turn = self.audit_is_read.acquire().await.ok()?;
        let read = tokio::task::spawn_blocking(move || reader.read_call(call)).await;
        Some(read.unwrap_or_else(|_| Err(AuditError::new("the audit's reader panicked"))))
    }
}
