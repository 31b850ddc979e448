//! Routes behind this know their reviewer.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State as From};
use axum::http::{Extensions, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::auth::Unidentified;
use crate::error::Problem;
use crate::serve::Peer;
use crate::state::Shared;

/// Finds out who asks, and puts the reviewer where the handlers find them.
pub(crate) async fn signed_in(
    From(state): From<Shared>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let from = address(request.extensions());
    let shows_something = request.headers().contains_key(header::AUTHORIZATION);
    if shows_something && let Some(wait) = state.throttle.wait(from) {
        let why = "too many failed logins came from where you are; wait, then try again";
        return Err(Problem::busy(why, wait.as_secs().max(1)));
    }
    let (mut parts, body) = request.into_parts();
    let found = state.auth.identify(&parts).await;
    match found {
        Ok(reviewer) => {
            parts.extensions.insert(reviewer);
            Ok(next.run(Request::from_parts(parts, body)).await)
        }
        Err(why) => {
            if why == Unidentified::Wrong {
                state.throttle.failed(from);
            }
            Err(why.into())
        }
    }
}

/// Where a request comes from, as far as the server has noted it.
fn address(extensions: &Extensions) -> Option<IpAddr> {
    let ours = extensions.get::<ConnectInfo<Peer>>().map(|info| info.0.address());
    let axums = || extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    ours.or_else(axums).map(|address| address.ip())
}
