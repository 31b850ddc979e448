//! The layers, from the outermost in: headers, host, origin, body.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State as From};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};

use super::{headers, host, origin};
use crate::state::Shared;

/// Puts everything that does not need a reviewer around the routes.
pub(crate) fn around(routes: Router<Shared>, state: Shared, body: usize) -> Router {
    routes
        .layer(DefaultBodyLimit::max(body))
        .layer(from_fn_with_state(Shared::clone(&state), check))
        .with_state(state)
}

async fn check(From(state): From<Shared>, request: Request, next: Next) -> Response {
    let checked =
        host::check(&request, &state.hosts).and_then(|()| origin::check(&request, &state.hosts));
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
