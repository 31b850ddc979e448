//! Who else is looking.

use axum::Extension;
use axum::extract::State as From;
use axum::http::StatusCode;
use hitl_core::{CallState, Principal, RequestId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

use super::read::Body;
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::Shared;

/// What a reviewer looks at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LooksBody {
    /// The call's id; nothing when at none.
    #[schema(value_type = Option<String>)]
    at: Option<RequestId>,
}

/// Who looks at a call now: the stream's `presence` event.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PresenceEvent {
    /// The call.
    #[schema(value_type = String)]
    call: RequestId,
    /// The onlookers' names.
    #[schema(value_type = Vec<String>)]
    onlookers: BTreeSet<Principal>,
}

/// Says what the reviewer looks at, so that others see it, and the audit says that it was shown to
/// them. To be repeated every ten seconds.
#[utoipa::path(post, path = "/api/presence", tag = "session", request_body = LooksBody,
    responses((status = 204, description = "noted"), (status = 404, body = Problem)))]
pub(super) async fn looks(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
    Body(body): Body<LooksBody>,
) -> Result<StatusCode, Problem> {
    let record = match body.at {
        Some(at) => Some(state.call(&reviewer, at).await?),
        None => None,
    };
    let at = record.as_ref().map(|record| (record.id(), record.request.revision));
    let looked = state.presence.looks(&reviewer, at);
    if let Some(record) = record.filter(|record| record.state == CallState::Pending && looked.anew)
    {
        state.gate.record_shown(&record, reviewer.principal.clone()).await?;
    }
    for call in looked.moved {
        let onlookers = state.presence.at(&reviewer.tenant, call);
        let event = PresenceEvent { call, onlookers };
        state.feed.mention("presence", reviewer.tenant.clone(), &event);
    }
    Ok(StatusCode::NO_CONTENT)
}
