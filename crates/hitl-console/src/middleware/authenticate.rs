//! Routes behind this know their reviewer, and have the whole body.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State as From};
use axum::http::{Extensions, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::timeout;

use super::framing::too_large;
use crate::auth::AuthError;
use crate::client::{ClientAddress, client_address};
use crate::error::Problem;
use crate::serve::Peer;
use crate::state::{Shared, State};

/// The time within which a request must be authenticated.
const AUTH_TIMEOUT: Duration = Duration::from_secs(10);
/// The delay of the answer to a guess, once there were too many.
const GUESS_DELAY: Duration = Duration::from_secs(1);

/// Finds out who asks, and puts the reviewer where the handlers find them.
///
/// A body is read only for a reviewer, and has to be there in time.
pub(crate) async fn authenticate(
    From(state): From<Shared>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let authenticated = timeout(AUTH_TIMEOUT, state.auth.authenticate(&parts)).await;
    let reviewer = match authenticated.unwrap_or(Err(AuthError::Unavailable)) {
        Ok(reviewer) => reviewer,
        Err(AuthError::Wrong) => {
            let headers = &parts.headers;
            let peer = peer_address(&parts.extensions);
            let from = peer.map(|peer| client_address(peer, headers, &state.trusted_proxies));
            return Err(refuse_guess(&state, from.map(ClientAddress::new)).await);
        }
        Err(why) => return Err(why.into()),
    };
    if let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<Peer>>() {
        peer.keep_seat();
    }
    parts.extensions.insert(reviewer);
    let body = read_body(&state, body).await?;
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// The answer to a wrong token. After too many from one client it comes late, and says when to try
/// again; a right token is never held up.
async fn refuse_guess(state: &State, from: Option<ClientAddress>) -> Problem {
    let Some(wait) = state.throttle.record_failure(from) else { return AuthError::Wrong.into() };
    // Those who find no place here are answered at once: waiting must not cost us more than it
    // costs them.
    if let Ok(_place) = state.held_guesses.try_acquire() {
        tokio::time::sleep(GUESS_DELAY).await;
    }
    let why = "too many failed logins came from where you are; wait, then try again";
    Problem::busy(why, wait.as_secs().max(1))
}

/// Reads a body to its end, within its size and time.
async fn read_body(state: &State, body: Body) -> Result<Body, Problem> {
    let limits = &state.limits;
    match timeout(limits.body_deadline, to_bytes(body, limits.body)).await {
        Ok(Ok(bytes)) => Ok(Body::from(bytes)),
        Ok(Err(error)) if is_too_large(&error) => Err(too_large(limits.body)),
        Ok(Err(_)) => Err(Problem::bad("the body cannot be read")),
        Err(_) => {
            let why = "the body did not come in time";
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "slowBody", why))
        }
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    let source = std::error::Error::source(error);
    source.is_some_and(|source| source.to_string().contains("length limit"))
}

/// Where a request comes from, as far as the server has noted it.
fn peer_address(extensions: &Extensions) -> Option<IpAddr> {
    let ours = extensions.get::<ConnectInfo<Peer>>().map(|info| info.0.address());
    let axums = || extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    ours.or_else(axums).map(|address| address.ip())
}
