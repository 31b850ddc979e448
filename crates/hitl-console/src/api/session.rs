//! The signed-in reviewer, and the way to sign in.

use axum::extract::State as From;
use axum::{Extension, Json};
use hitl_core::people::Deed;
use hitl_wire::session::{CodeFor, Me, SignInMethod};

use super::requester::is_vouched;
use crate::auth::{Reviewer, SignIn};
use crate::error::Problem;
use crate::state::Shared;

/// Returns the signed-in reviewer.
#[utoipa::path(get, path = "/api/me", tag = "session",
    responses((status = 200, body = Me), (status = 401, body = Problem)))]
pub(super) async fn me(
    From(state): From<Shared>,
    Extension(reviewer): Extension<Reviewer>,
) -> Json<Me> {
    let code_for = match state.gate.people().demand().await {
        _ if is_vouched(reviewer.known_by) => CodeFor::Nothing,
        Ok(None) => CodeFor::Nothing,
        Ok(Some(demand)) if !demand.covers(Deed::Answer) => CodeFor::Loosening,
        // If the demand cannot be read, actions that only stop something remain possible.
        Ok(Some(_)) | Err(_) => CodeFor::Answers,
    };
    let policies = state.policies.count();
    let Reviewer { principal, tenant, other_tenants, .. } = reviewer;
    Json(Me { principal, tenant, other_tenants, policies, code_for })
}

/// Returns the way to sign in. Needs no credentials.
#[utoipa::path(get, path = "/api/sign-in", tag = "session", security(()),
    responses((status = 200, body = SignInMethod)))]
pub(super) async fn sign_in(From(state): From<Shared>) -> Json<SignInMethod> {
    let (with, page) = match state.auth.sign_in() {
        SignIn::Token => ("token", None),
        SignIn::Page(page) => ("page", Some(page)),
    };
    Json(SignInMethod { with: with.to_owned(), page, sign_out: state.auth.sign_out() })
}
