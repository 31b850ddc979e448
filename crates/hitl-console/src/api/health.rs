//! Health and readiness, for supervisors and load balancers. Without credentials, and under any
//! host name: a load balancer asks by address.

use axum::extract::State as From;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use utoipa::ToSchema;

use crate::health::Readiness;
use crate::state::Shared;

/// The answer of a process that answers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Health {
    /// Always true.
    healthy: bool,
}

/// Returns the routes. They start no background work and read no body.
pub(crate) fn routes(state: &Shared) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .layer(map_response(unstored))
        .with_state(Shared::clone(state))
}

async fn unstored(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Answers if the process can answer at all. Needs no credentials.
#[utoipa::path(get, path = "/health", tag = "health", security(()),
    responses((status = 200, body = Health)))]
pub(super) async fn health() -> Json<Health> {
    Json(Health { healthy: true })
}

/// Returns whether reviewers can be served: the store answers within two seconds, no audit record
/// is owed that cannot be written, and an accepted version of each rule file is in force. Needs no
/// credentials; an answer may be a second old.
#[utoipa::path(get, path = "/ready", tag = "health", security(()),
    responses((status = 200, description = "reviewers can be served", body = Readiness),
        (status = 503, description = "they cannot, and what is in the way", body = Readiness)))]
pub(super) async fn ready(From(state): From<Shared>) -> (StatusCode, Json<Readiness>) {
    let found = state.probe.readiness(&state.gate, &state.policies).await;
    let status = if found.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(found))
}
