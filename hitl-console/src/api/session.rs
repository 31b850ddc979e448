//! Who is signed in, and how others get in.

use axum::extract::State as From;
use axum::{Extension, Json};
use hitl_core::people::Deed;
use hitl_core::{Principal, Tenant};
use serde::Serialize;
use utoipa::ToSchema;

use super::person::vouched;
use crate::auth::{Reviewer, SignIn};
use crate::error::Problem;
use crate::state::Shared;

/// Who is signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Me {
    /// Under which name decisions are kept.
    #[schema(value_type = String)]
    principal: Principal,
    /// Whose calls are seen.
    #[schema(value_type = String)]
    tenant: Tenant,
    /// How many rule files are shown under `api/policies`.
    policies: usize,
    /// What needs a one-time code beside the token.
    code_for: CodeFor,
}

/// What needs a one-time code beside the token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum CodeFor {
    /// Nothing.
    Nothing,
    /// What loosens: to give a grant, to accept a policy.
    Loosening,
    /// What loosens, and each answer.
    Answers,
}

/// How to get in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct HowToSignIn {
    /// `token` or `page`.
    with: &'static str,
    /// Where the host's own page is.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
}

/// Says who is signed in.
#[utoipa::path(get, path = "/api/me", tag = "session",
    responses((status = 200, body = Me), (status = 401, body = Problem)))]
pub(super) async fn me(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
) -> Json<Me> {
    let code_for = match state.gate.people().demand().await {
        _ if vouched(reviewer.known_by) => CodeFor::Nothing,
        Ok(None) => CodeFor::Nothing,
        Ok(Some(demand)) if !demand.covers(Deed::Answer) => CodeFor::Loosening,
        // What cannot be read keeps nobody out who only stops something.
        Ok(Some(_)) | Err(_) => CodeFor::Answers,
    };
    let policies = state.policies.count();
    Json(Me { principal: reviewer.principal, tenant: reviewer.tenant, policies, code_for })
}

/// Says how to sign in. For everybody.
#[utoipa::path(get, path = "/api/sign-in", tag = "session", security(()),
    responses((status = 200, body = HowToSignIn)))]
pub(super) async fn sign_in(From(state): From<Shared>) -> Json<HowToSignIn> {
    Json(match state.auth.sign_in() {
        SignIn::Token => HowToSignIn { with: "token", page: None },
        SignIn::Page(page) => HowToSignIn { with: "page", page: Some(page) },
    })
}
