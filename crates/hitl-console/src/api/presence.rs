//! The other reviewers who look at a call.

use axum::Extension;
use axum::extract::State as From;
use axum::http::StatusCode;
use hitl_core::CallState;
use hitl_wire::decision::PresenceBody;
use hitl_wire::event::PresenceEvent;

use super::extract::Body;
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::Shared;

/// Records the call that the reviewer looks at, so that others see it, and the audit records that
/// it was shown to them. To be repeated every ten seconds.
#[utoipa::path(post, path = "/api/presence", tag = "session", request_body = PresenceBody,
    responses((status = 204, description = "noted"), (status = 404, body = Problem)))]
pub(super) async fn set_presence(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Body(body): Body<PresenceBody>,
) -> Result<StatusCode, Problem> {
    let record = match body.at {
        Some(at) => Some(state.call(&reviewer, at).await?),
        None => None,
    };
    let at = record.as_ref().map(|record| (record.id(), record.request().revision));
    let change = state.presence.update(&reviewer, at);
    if let Some(record) =
        record.filter(|record| record.state() == CallState::Pending && change.is_new)
    {
        state.gate.record_shown(&record, reviewer.principal.clone()).await?;
    }
    for call in change.moved {
        let onlookers = state.presence.onlookers_of(&reviewer.tenant, call);
        let event = PresenceEvent { call, onlookers };
        state.feed.publish_transient("presence", reviewer.tenant.clone(), &event);
    }
    Ok(StatusCode::NO_CONTENT)
}
