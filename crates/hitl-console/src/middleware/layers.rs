//! The layers, from the outermost in: headers, framing, host, origin, body.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State as From};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};

use super::{framing, headers, host, origin};
use crate::state::Shared;

/// Wraps the routes in all layers that do not need a reviewer.
pub(crate) fn around(routes: Router<Shared>, state: Shared) -> Router {
    routes
        .layer(DefaultBodyLimit::max(state.limits.body))
        .layer(from_fn_with_state(Shared::clone(&state), check))
        .with_state(state)
}

async fn check(From(state): From<Shared>, request: Request, next: Next) -> Response {
    let checked = framing::check(request.headers(), state.limits.body)
        .and_then(|()| host::check(&request, &state.hosts))
        .and_then(|host| origin::check(&request, &host));
    let mut response = match checked {
        Ok(()) => {
            state.start();
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    headers::set(response.headers_mut());
    response
}
