//! Freezes the reviewer's tenant, thaws it, and lists what is frozen.

use axum::extract::State as From;
use axum::http::StatusCode;
use axum::{Extension, Json};
use hitl_core::FreezeScope;
use hitl_core::people::Deed;
use hitl_wire::freeze::{FreezeBody, FreezeList, FreezeView, THAW, ThawBody};

use super::extract::Body;
use super::requester::Requester;
use crate::auth::Reviewer;
use crate::error::Problem;
use crate::state::{Shared, State};

/// Lists the freezes that stop the reviewer's calls.
#[utoipa::path(get, path = "/api/freezes", tag = "freezes",
    responses((status = 200, body = FreezeList), (status = 401, body = Problem),
        (status = 503, description = "the store cannot be read", body = Problem)))]
pub(super) async fn list(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
) -> Result<Json<FreezeList>, Problem> {
    Ok(Json(state.freezes(&reviewer).await?))
}

/// Freezes the reviewer's tenant: once this answers, none of its calls starts, in any process,
/// until a person thaws it. Takes a second. If it is frozen already, that freeze stays.
#[utoipa::path(post, path = "/api/freeze", tag = "freezes", request_body = FreezeBody,
    responses((status = 200, body = FreezeList),
        (status = 422, description = "no reason is given", body = Problem),
        (status = 503, description = "the store cannot be reached; whether it is frozen is not known", body = Problem)))]
pub(super) async fn freeze(
    From(state): From<Shared>,
    requester: Requester,
    Body(FreezeBody { reason }): Body<FreezeBody>,
) -> Result<Json<FreezeList>, Problem> {
    // Everybody who may decide may stop.
    let reviewer = requester.verify_for(Deed::Stop, &state).await?;
    let scope = FreezeScope::Tenant(reviewer.tenant.clone());
    state.gate.freeze(scope, &reason, reviewer.authority()).await?;
    Ok(Json(state.freezes(&reviewer).await?))
}

/// Thaws the reviewer's tenant: approved calls that waited start. A freeze of all tenants stays.
/// Takes the typed word `thaw`. If it is not frozen, nothing happens.
#[utoipa::path(post, path = "/api/thaw", tag = "freezes", request_body = ThawBody,
    params(("Hitl-Code" = Option<String>, Header, description = "a one-time code of the reviewer's, for this request alone")),
    responses((status = 200, body = FreezeList),
        (status = 403, description = "only a person thaws, or a one-time code is needed", body = Problem),
        (status = 422, description = "the word was not typed", body = Problem),
        (status = 429, description = "codesClosed: too many wrong codes; see Retry-After", body = Problem),
        (status = 503, description = "the store, the audit or codes do not answer; it stays frozen", body = Problem)))]
pub(super) async fn thaw(
    From(state): From<Shared>,
    requester: Requester,
    Body(ThawBody { confirm }): Body<ThawBody>,
) -> Result<Json<FreezeList>, Problem> {
    let reviewer = requester.verify_for(Deed::Loosen, &state).await?;
    if confirm.trim() != THAW {
        let why = "type the word `thaw`, to let calls start again";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "confirm", why));
    }
    let scope = FreezeScope::Tenant(reviewer.tenant.clone());
    state.gate.thaw(&scope, reviewer.authority()).await?;
    Ok(Json(state.freezes(&reviewer).await?))
}

impl State {
    /// Returns the freezes that stop a reviewer's calls.
    async fn freezes(&self, reviewer: &Reviewer) -> Result<FreezeList, Problem> {
        let freezes = self.gate.freezes().await?;
        let reaching = freezes.iter().filter(|freeze| freeze.scope.reaches(&reviewer.tenant));
        Ok(FreezeList { freezes: reaching.map(FreezeView::from).collect() })
    }
}
