//! The paths and their handlers.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use super::{
    absence, assign, audit, bulk, calls, decide, edits, events, extend, freeze, grants, openapi,
    presence, resolve, session, stats, take_back, tasks, uncover,
};
use crate::middleware::authenticate;
use crate::state::Shared;

/// Returns every route below `api/`, and the document that describes them. All but the document and
/// the way to sign in are for reviewers only.
pub(crate) fn routes(state: &Shared) -> Router<Shared> {
    let reviewers = Router::new()
        .route("/api/me", get(session::me))
        .route("/api/calls", get(calls::list))
        .route("/api/calls/{id}", get(calls::show))
        .route("/api/calls/{id}/audit", get(audit::audit))
        .route("/api/calls/{id}/decide", post(decide::decide))
        .route("/api/calls/{id}/edit/preview", post(edits::preview))
        .route("/api/calls/{id}/extend", post(extend::extend))
        .route("/api/calls/{id}/take-back", post(take_back::take_back))
        .route("/api/calls/{id}/assign", post(assign::assign))
        .route("/api/absences", get(absence::list))
        .route("/api/absences/mine", post(absence::set))
        .route("/api/absences/end", post(absence::end))
        .route("/api/calls/{id}/uncover", post(uncover::uncover))
        .route("/api/calls/{id}/cancel", post(resolve::cancel))
        .route("/api/calls/{id}/resolve", post(resolve::resolve))
        .route("/api/calls/{id}/grant", post(grants::save))
        .route("/api/calls/{id}/grant/preview", post(grants::preview))
        .route("/api/freezes", get(freeze::list))
        .route("/api/freeze", post(freeze::freeze))
        .route("/api/thaw", post(freeze::thaw))
        .route("/api/grants", get(grants::list))
        .route("/api/grants/{id}", get(grants::show))
        .route("/api/grants/{id}/revoke", post(grants::revoke))
        .route("/api/bulk", post(bulk::decide))
        .route("/api/tasks", get(tasks::list))
        .route("/api/tasks/{id}/cancel", post(tasks::cancel))
        .route("/api/tasks/{id}/retry", post(tasks::retry))
        .route("/api/presence", post(presence::set_presence))
        .route("/api/stats", get(stats::stats))
        .route("/api/events", get(events::events));
    #[cfg(feature = "policy-files")]
    let reviewers = reviewers
        .route("/api/policies", get(super::policies::list))
        .route("/api/policies/{id}/accept", post(super::policies::accept));
    let reviewers = reviewers.layer(from_fn_with_state(Shared::clone(state), authenticate));
    Router::new()
        .route("/api/sign-in", get(session::sign_in))
        .route("/openapi.json", get(openapi::document))
        .merge(reviewers)
}
